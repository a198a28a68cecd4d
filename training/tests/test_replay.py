"""Replay against a stub service that answers rightly, wrongly, or not at all."""

import json
import threading
from decimal import ROUND_HALF_UP, Decimal
from http.server import BaseHTTPRequestHandler, HTTPServer

import pytest

from day7_training.bundle.folder import open_bundle
from day7_training.cli import main
from day7_training.data.installs import NUMBER_FIELDS, installs_frame


@pytest.fixture
def serve(bundle):
    """Starts a service whose answers `change(number, answer)` may spoil; gives its URL and the batches it saw."""
    _, model = open_bundle(bundle)
    servers = []

    def start(change=lambda number, answer: answer, status=200):
        seen = []

        class Stub(BaseHTTPRequestHandler):
            def do_POST(self):
                start.keys.add(self.headers["authorization"])
                assert self.path == "/batch_predict" and self.headers["content-type"] == "application/json"
                users = json.loads(self.rfile.read(int(self.headers["content-length"])))["users"]
                first = sum(map(len, seen))
                seen.append(users)
                outputs = model.predict(installs_frame(users)).tolist()
                answers = [{"input": user, "predicted_revenue": on_the_wire(out)} for user, out in zip(users, outputs)]
                changed = [change(first + place, answer) for place, answer in enumerate(answers)]
                body = json.dumps({"predictions": [answer for answer in changed if answer]}).encode()
                self.send_response(status)
                self.send_header("content-length", str(len(body)))
                self.end_headers()
                self.wfile.write(body)

            def log_message(self, *_):
                pass

        server = HTTPServer(("127.0.0.1", 0), Stub)
        servers.append(server)
        threading.Thread(target=server.serve_forever, kwargs={"poll_interval": 0.01}).start()
        return f"http://127.0.0.1:{server.server_port}", seen

    start.keys = set()
    yield start
    for server in servers:
        server.shutdown()
        server.server_close()


def on_the_wire(output: float) -> float:
    return float(Decimal(max(output, 0.0)).quantize(Decimal("0.000001"), rounding=ROUND_HALF_UP))


def replay(data, bundle, url, *options) -> int:
    return main(["replay", "--data", str(data), "--bundle", str(bundle), "--url", url, *options])


def test_all_equal(serve, synthetic_csv, bundle, capsys):
    url, seen = serve()
    assert replay(synthetic_csv, bundle, url + "/", "--batch", "400") == 0
    assert capsys.readouterr().out == "1500 of 1500 equal\n"
    assert [len(users) for users in seen] == [400, 400, 400, 300]
    user = seen[0][0]
    assert len(user) == 10 and isinstance(user["user_id"], str) and "revenue" not in user
    assert any(user["event_3"] is None for user in seen[0]) and any(user["source"] is None for user in seen[0])
    assert all(user[name] is None or user[name] >= 0 for user in seen[0] for name in NUMBER_FIELDS)


def test_a_service_that_asks_for_a_key(serve, synthetic_csv, bundle, monkeypatch):
    url, _ = serve()
    monkeypatch.setenv("DAY7_API_KEY", "day7_0_secret")
    assert replay(synthetic_csv, bundle, url) == 0
    assert serve.keys == {"Bearer day7_0_secret"}


def test_differences_are_shown_and_counted(serve, synthetic_csv, bundle, capsys):
    def spoil(number, answer):
        if number == 5:
            return {**answer, "predicted_revenue": answer["predicted_revenue"] + 0.000001}
        return {"input": answer["input"], "error": "country: expected text"} if number == 8 else answer

    url, _ = serve(spoil)
    assert replay(synthetic_csv, bundle, url) == 1
    *differences, last = capsys.readouterr().out.splitlines()
    assert last == "1498 of 1500 equal"
    assert [line.split(":")[0] for line in differences] == ["line 7", "line 10"]
    assert "got 'country: expected text'" in differences[1]


def test_only_ten_differences_are_shown(serve, synthetic_csv, bundle, capsys):
    url, _ = serve(lambda number, answer: {**answer, "predicted_revenue": -1})
    assert replay(synthetic_csv, bundle, url) == 1
    lines = capsys.readouterr().out.splitlines()
    assert len(lines) == 11 and lines[-1] == "0 of 1500 equal"


def test_a_file_without_revenue_will_do(serve, synthetic_csv, bundle, tmp_path, capsys):
    url, _ = serve()
    rows = [line.rpartition(",")[0] for line in synthetic_csv.read_text().split("\n")[:50]]
    (tmp_path / "plain.csv").write_text("\n".join(rows))
    assert replay(tmp_path / "plain.csv", bundle, url) == 0
    assert capsys.readouterr().out == "49 of 49 equal\n"


@pytest.mark.parametrize(
    ("faults", "expected"),
    [
        ({"status": 503}, "expected status 200, got 503"),
        ({"change": lambda number, answer: answer if number else None}, "expected 500 predictions, got 499"),
    ],
)
def test_a_service_that_fails_is_an_error(serve, synthetic_csv, bundle, capsys, faults, expected):
    url, _ = serve(**faults)
    assert replay(synthetic_csv, bundle, url) == 2
    assert expected in capsys.readouterr().err


def test_no_service_and_no_bundle_are_errors(synthetic_csv, bundle, tmp_path, capsys):
    assert replay(synthetic_csv, bundle, "http://127.0.0.1:1") == 2
    assert replay(synthetic_csv, bundle, "nonsense") == 2
    assert replay(synthetic_csv, tmp_path, "http://127.0.0.1:1") == 2
    errors = capsys.readouterr().err.splitlines()
    assert len(errors) == 3 and all(line.startswith("error: ") for line in errors)
    assert "cannot read manifest.json" in errors[2]
