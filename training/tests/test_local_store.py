"""Training logged without a server: the local store, what faults leave there, and a server that is away."""

import os
import socket
from http.server import BaseHTTPRequestHandler, HTTPServer
from threading import Thread
from types import SimpleNamespace

import pytest
from conftest import needs
from tracked_training import client, copy_database, one_figure, runs, tracked_at, train

from day7_training.bundle.folder import open_bundle
from day7_training.registry import store

pytestmark = [needs("mlflow"), pytest.mark.long]  # MLflow takes ten seconds of a core to import, once more

# A fault must not keep the user waiting for minutes, as MLflow's own settings do.
LONGEST_PAUSES_SECONDS = 10


@pytest.fixture(autouse=True)
def few_figures():
    with one_figure():
        yield


@pytest.fixture
def local(tmp_path, monkeypatch, mlflow_tables):
    """The local store, but in a temporary folder."""
    folder = tmp_path / "training"
    folder.mkdir()
    copy_database(mlflow_tables, folder / "mlflow.db")
    monkeypatch.setattr(store, "LOCAL_FOLDER", folder)
    with tracked_at(None):
        yield folder


@pytest.fixture
def pauses(monkeypatch):
    """The seconds that the client of a server would wait before it asks again; they pass at once."""
    waited = []
    monkeypatch.setattr("urllib3.util.retry.time", SimpleNamespace(sleep=waited.append))
    return waited


def test_a_server_that_is_away_is_found_before_training(synthetic_csv, tmp_path, pauses):
    with socket.create_server(("127.0.0.1", 0)) as listener:
        place = f"127.0.0.1:{listener.getsockname()[1]}"  # where nobody listens from here on
    with tracked_at(f"http://somebody:secret@{place}"):
        code, printed = train(synthetic_csv, tmp_path / "out", "--register")
    assert code == 2 and printed.err == f"error: MLflow at http://{place}: reaching it failed: Connection refused\n"
    assert sum(pauses) < LONGEST_PAUSES_SECONDS and not (tmp_path / "out").exists()


def test_a_server_that_has_no_answer_is_asked_three_times(synthetic_csv, tmp_path, pauses):
    asked = []

    class Busy(BaseHTTPRequestHandler):
        def do_GET(self):
            asked.append(self.path)
            self.send_error(503)

        do_POST = do_GET

        def log_message(self, *_):
            pass

    with HTTPServer(("127.0.0.1", 0), Busy) as server:
        thread = Thread(target=server.serve_forever, kwargs={"poll_interval": 0.01})
        thread.start()
        with tracked_at(f"http://127.0.0.1:{server.server_port}"):
            code, printed = train(synthetic_csv, tmp_path / "out")
        server.shutdown()
        thread.join()
    assert code == 2 and "reaching it failed: " in printed.err and "503" in printed.err
    assert len(asked) == 3 and 0 < sum(pauses) < LONGEST_PAUSES_SECONDS and not (tmp_path / "out").exists()


def test_without_a_server_the_local_store_is_used(local, synthetic_csv, tmp_path, monkeypatch):
    monkeypatch.chdir(tmp_path)
    code, printed = train(synthetic_csv, "out")
    assert (code, printed.err) == (0, "")
    assert printed.out.splitlines()[-1].endswith(f": sqlite:///{local}/mlflow.db")
    assert set(os.listdir(tmp_path)) == {"out", "training"}
    assert set(os.listdir(local)) == {"mlflow.db", "mlartifacts"}
    assert "MLFLOW_TRACKING_URI" not in os.environ
    with tracked_at(f"sqlite:///{local}/mlflow.db"):
        (run,) = runs()
        assert run.info.status == "FINISHED" and run.info.artifact_uri.startswith((local / "mlartifacts").as_uri())
        assert client().search_registered_models() == []


def test_a_failed_upload_leaves_no_version(local, synthetic_csv, tmp_path):
    (local / "mlartifacts").write_text("a file where a folder should be")
    code, printed = train(synthetic_csv, tmp_path / "out", "--promote")
    assert code == 2 and printed.err.count("\n") == 1
    assert "uploading the figure" in printed.err and "failed: " in printed.err
    open_bundle(tmp_path / "out")
    with tracked_at(f"sqlite:///{local}/mlflow.db"):
        assert [run.info.status for run in runs()] == ["FAILED"]
        assert client().search_model_versions() == []


def test_a_version_without_an_alias_is_withdrawn(local, synthetic_csv, tmp_path, monkeypatch):
    import mlflow

    real = mlflow.MlflowClient.set_registered_model_alias

    def refuse(alias):
        def set_alias(self, name, wanted, version):
            if wanted == alias:
                raise mlflow.MlflowException("the disk is full")
            real(self, name, wanted, version)

        monkeypatch.setattr(mlflow.MlflowClient, "set_registered_model_alias", set_alias)

    refuse("challenger")
    code, printed = train(synthetic_csv, tmp_path / "out", "--promote")
    assert code == 2 and printed.err.endswith("registering day7-revenue failed: the disk is full\n")
    refuse("champion")
    code, printed = train(synthetic_csv, tmp_path / "out", "--promote")
    assert code == 2 and "version 2 is the challenger; making it the champion failed: the disk is full" in printed.err
    with tracked_at(f"sqlite:///{local}/mlflow.db"):
        assert [run.info.status for run in runs()] == ["FAILED", "FAILED"]
        assert [str(version.version) for version in client().search_model_versions()] == ["2"]
        aliases = client().get_registered_model("day7-revenue").aliases
        assert {alias: str(version) for alias, version in aliases.items()} == {"challenger": "2"}


def test_a_run_that_is_not_wanted_cannot_be_registered(tmp_path, monkeypatch):
    monkeypatch.setattr(store, "LOCAL_FOLDER", tmp_path)
    with tracked_at(None):
        code, printed = train(tmp_path / "absent.csv", tmp_path / "out", "--no-mlflow", "--promote")
    assert code == 2 and "without --no-mlflow" in printed.err and os.listdir(tmp_path) == []


def test_a_name_that_mlflow_refuses_is_refused_before_training(local, tmp_path):
    code, printed = train(tmp_path / "absent.csv", tmp_path / "out", "--register", "--name", "a/b")
    assert code == 2 and "Names cannot contain '/' or ':'" in printed.err
