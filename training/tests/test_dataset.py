"""`dataset`: what a service answers becomes a file that `train` reads, or nothing."""

import json
import re

import pyarrow.parquet as pq
import pytest
from conftest import HEADER
from service_stub import Stub

from day7_training.cli import main
from day7_training.inputs.schema import NINE_FIELDS

INSTALL = {
    "country": "es", "country_region": None, "source": "Organic", "platform": "iOS", "device_family": "Apple iPhone",
    "os_version": "14.4", "event_1": 1, "event_2": 2.5, "event_3": None,
}  # fmt: skip
DAYS = [
    {
        "day": day, "installs": 10, "pending": pending, "reported": reported, "no_outcome": 0, "left_out": left_out,
        "complete": reported > 0, "predicted_revenue": 1.5, "revenue": 2,
    }
    for day, pending, reported, left_out in (("2026-05-01", 0, 9, 1), ("2026-05-02", 0, 0, 10), ("2026-05-09", 10, 0, 0))
]  # fmt: skip
ABOUT = {
    "schema_id": NINE_FIELDS.id, "inputs": NINE_FIELDS.document, "horizon_days": 7, "clock": "2026-05-10T00:00:00.000Z",
    "days": DAYS, "other_schemas": [{"schema_id": "0123456789abcdef", "installs": 4}],
}  # fmt: skip


def row_of(number: int, **others: object) -> dict[str, object]:
    return {
        **INSTALL, "revenue": number / 4, "day7_user_id": f"player {number}", "day7_prediction_id": f"{number}",
        "day7_predicted_at": f"2026-05-01T00:00:{number:02}.5Z", "day7_predicted_revenue": 0.5,
        "day7_model": "day7-revenue/1", "day7_variant": "champion", "day7_observed_at": None, "day7_outcome": "no_outcome",
        **others,
    }  # fmt: skip


@pytest.fixture
def stub():
    stub = Stub()
    yield stub
    stub.close()


def run(stub: Stub, out, *options: object) -> int:
    return main([str(each) for each in ("dataset", "--from", stub.url, "--out", out, *options)])


def test_the_file_has_the_columns_of_the_schema_and_what_the_service_adds(stub, tmp_path, capsys):
    stub.give([row_of(number) for number in range(9)], ABOUT)
    out = tmp_path / "data.parquet"
    assert run(stub, out) == 0
    table = pq.read_table(out)
    assert table.column_names[:10] == HEADER.split(",") and table.num_rows == 9
    row = table.slice(3, 1).to_pylist()[0]
    assert row["day7_predicted_at"].isoformat() == "2026-05-01T00:00:03.500000+00:00"
    assert (row["country_region"], row["event_2"], row["revenue"], row["day7_observed_at"]) == (None, 2.5, 0.75, None)
    assert capsys.readouterr().out.splitlines() == [
        f"9 installs of 3 days, 2026-05-01 to 2026-05-09, written to {out}",
        f"the input schema {NINE_FIELDS.id} written to {tmp_path / 'data.inputs.json'}",
        "10 installs are pending: their horizon has not passed",
        "11 installs are left out, since their revenue is not known",
        "outcomes are not complete for 1 days: 2026-05-02",
        "4 installs have other inputs",
    ]
    assert json.loads((tmp_path / "data.inputs.json").read_text()) == NINE_FIELDS.document


def test_a_model_is_trained_on_it(stub, tmp_path):
    stub.give([row_of(number % 60, revenue=number % 7, event_1=number) for number in range(120)], ABOUT)
    out, bundle = tmp_path / "data.parquet", tmp_path / "bundle"
    assert run(stub, out) == 0
    arguments = ["train", "--data", out, "--schema", tmp_path / "data.inputs.json", "--out", bundle, "--no-mlflow"]
    assert main([str(each) for each in (*arguments, "--max-trees", 3)]) == 0
    assert (bundle / "manifest.json").exists()


def test_the_period_and_the_key(stub, tmp_path):
    stub.give([row_of(1)], ABOUT)
    key = tmp_path / "key"
    key.write_text("a-key\n")
    since = "2026-05-01T00:00:00Z"
    assert run(stub, tmp_path / "data.parquet", "--since", since, "--key-file", key) == 0
    (_, about, first), (_, rows, second) = stub.asked
    assert about == {"since": [since]} and first == second == "Bearer a-key"
    until = "2026-05-10T00:00:00.000Z"
    assert rows == {"since": [since], "until": [until], "schema_id": [NINE_FIELDS.id], "format": ["ndjson"]}


WRONG = {
    "refused": ({"/training-data/days": (403, b'{"message":"expected the scope admin"}')}, "got 403: .*scope admin"),
    "away": ({"/training-data/days": (503, b"{}")}, "expected status 200, got 503"),
    "no JSON": ({"/training-data/days": (200, b"<html>")}, "expected a JSON answer"),
    "another JSON": ({"/training-data/days": (200, b'{"days": []}')}, "expected the days of a dataset: KeyError"),
    "no lines": ({"/training-data": (200, b"<html>\n")}, "expected JSON lines, got b'<html>"),
    "no rows": ({"/training-data": (200, b"")}, "expected installs whose revenue is known, got none of 30"),
    "a text for a number": (
        {"/training-data": (200, json.dumps(row_of(1, event_1="many")).encode())},
        "column event_1: expected double",
    ),
}


@pytest.mark.parametrize(("answers", "message"), WRONG.values(), ids=WRONG.keys())
def test_a_wrong_answer_leaves_no_file(stub, tmp_path, capsys, answers, message):
    stub.give([row_of(1)], ABOUT)
    stub.answers.update(answers)
    assert run(stub, tmp_path / "data.parquet") == 2
    assert re.search(message, capsys.readouterr().err)
    assert list(tmp_path.iterdir()) == []


def test_an_answer_that_is_cut_off_leaves_the_older_file(stub, tmp_path, capsys):
    stub.give([row_of(1)], ABOUT)
    out = tmp_path / "data.parquet"
    assert run(stub, out) == 0
    before = out.read_bytes()
    stub.give([row_of(number) for number in range(3)], ABOUT)
    stub.cut = "/training-data"
    assert run(stub, out) == 2
    assert "the answer was cut off" in capsys.readouterr().err
    assert sorted(each.name for each in tmp_path.iterdir()) == ["data.inputs.json", "data.parquet"]
    assert out.read_bytes() == before


def test_a_service_that_is_not_there(tmp_path, capsys):
    assert main(["dataset", "--from", "http://127.0.0.1:1", "--out", str(tmp_path / "data.parquet")]) == 2
    assert "http://127.0.0.1:1/training-data/days: expected a running service" in capsys.readouterr().err
