"""Training logged to a real MLflow server: what is there, and what loads."""

import hashlib
import json
import subprocess
import sys
import urllib.parse
import urllib.request
from contextlib import nullcontext

import numpy as np
import pandas as pd
import pytest
from conftest import HANG_SECONDS, needs
from tracked_training import client, copy_database, mlflow_server, one_figure, tracked_at, train

from day7_training.bundle.folder import open_bundle
from day7_training.cli import main
from day7_training.data.installs import FIELDS, installs_frame
from day7_training.data.table import read_table
from day7_training.errors import UserError
from day7_training.inputs.schema import NINE_FIELDS
from day7_training.registry.pyfunc import installs_of

pytestmark = needs("mlflow")

BUNDLE_FILES = {
    *("manifest.json", "features.json", "model.json", "model.txt"),
    *("golden.ndjson", "profile.json", "evaluation.json"),
}


@pytest.fixture(scope="module")
def server(tmp_path_factory, mlflow_tables):
    """The URL of an MLflow server that keeps everything in a temporary folder."""
    folder = tmp_path_factory.mktemp("server")
    copy_database(mlflow_tables, folder / "mlflow.db")
    with mlflow_server(folder) as url:
        yield url


@pytest.fixture(scope="module")
def trainings(server, synthetic_csv, tmp_path_factory):
    """Three trainings, registered, promoted and registered: of each its bundle, output, and aliases after it.

    The first one has all its figures.
    """
    done = []
    for option in ("--register", "--promote", "--register"):
        out = tmp_path_factory.mktemp("registered") / "bundle"
        with tracked_at(server), one_figure() if done else nullcontext():
            code, printed = train(synthetic_csv, out, option, "--synthetic")
            assert (code, printed.err) == (0, "")
            done.append((out, printed.out.splitlines(), client().get_registered_model("day7-revenue").aliases))
    return done


@pytest.fixture
def connected(server, trainings):
    with tracked_at(server):
        yield client()


def run_of(trainings, number=0):
    """The run's id, as the command printed it."""
    line = trainings[number][1][-2]
    assert line.startswith("MLflow run ")
    return line.removeprefix("MLflow run ").partition(":")[0]


def test_the_command_says_what_it_logged(trainings, server):
    for (_, lines, _), version, aliases in zip(
        trainings, "123", ("challenger", "challenger and champion", "challenger"), strict=True
    ):
        assert lines[-1] == f"registered as day7-revenue version {version}: {aliases}"
        assert f": {server}/#/experiments/" in lines[-2] and "written to" in lines[-3]


def test_the_run_has_parameters_and_metrics(trainings, connected):
    out = trainings[0][0]
    manifest = json.loads((out / "manifest.json").read_text())
    run = connected.get_run(run_of(trainings))
    assert run.info.status == "FINISHED"
    assert connected.get_experiment(run.info.experiment_id).name == "day7-revenue"
    assert run.data.params["num_iterations"] == "10" and run.data.params["objective"] == "tweedie"
    assert run.data.params["rows"] == "1500" and run.data.params["dropped_flagged"] == "False"
    assert run.data.params["data_sha256"] == manifest["training"]["dataSha256"]
    holdout = manifest["metrics"]["holdout"]
    assert run.data.metrics["holdout_mae"] == holdout["mae"]
    assert run.data.metrics["holdout_normalised_gini"] == holdout["normalisedGini"]
    assert len([name for name in run.data.metrics if name.startswith("holdout_")]) == len(holdout)


def test_the_run_names_its_data_by_digest(trainings, connected, synthetic_csv):
    (used,) = connected.get_run(run_of(trainings)).inputs.dataset_inputs
    assert used.dataset.digest == hashlib.sha256(synthetic_csv.read_bytes()).hexdigest()[:36]
    assert used.dataset.name == "installs.csv" and str(synthetic_csv) in used.dataset.source


def test_the_run_has_the_bundle_and_figures(trainings, connected):
    run = run_of(trainings)
    assert {file.path for file in connected.list_artifacts(run)} == {"bundle", "figures"}
    uploaded = {file.path for file in connected.list_artifacts(run, "bundle")}
    assert uploaded == {f"bundle/{name}" for name in BUNDLE_FILES}
    figures = {file.path: file.file_size for file in connected.list_artifacts(run, "figures")}
    names = ("calibration", "bias_by_group", "importance", "residuals")
    assert figures.keys() == {f"figures/{name}.png" for name in names}
    assert all(size > 5_000 for size in figures.values())


def test_a_version_has_the_bundles_hashes(trainings, connected):
    out = trainings[0][0]
    version = connected.get_model_version("day7-revenue", "1")
    hashes = {f"sha256.{name}": hashlib.sha256((out / name).read_bytes()).hexdigest() for name in BUNDLE_FILES}
    manifest = json.loads((out / "manifest.json").read_text())
    assert version.tags == {"bundle_version": manifest["version"], **hashes}
    assert version.run_id == run_of(trainings) and version.status == "READY"


def test_aliases_move_only_as_asked(trainings):
    assert [aliases for _, _, aliases in trainings] == [
        {"challenger": "1"},
        {"challenger": "2", "champion": "2"},
        {"challenger": "3", "champion": "2"},
    ]


def test_the_booster_comes_back(trainings, connected, synthetic_csv):
    import mlflow.lightgbm

    uris = {
        model.name: f"models:/{model.model_id}"
        for output in connected.get_run(run_of(trainings)).outputs.model_outputs
        for model in [connected.get_logged_model(output.model_id)]
    }
    assert uris.keys() == {"booster", "model"}
    _, model = open_bundle(trainings[0][0])
    features = model.plan.apply(installs(synthetic_csv)).features
    booster = mlflow.lightgbm.load_model(uris["booster"])
    assert booster.predict(features).tolist() == model.booster.predict(features).tolist()


def test_the_registered_model_predicts_the_same_doubles(trainings, connected, synthetic_csv):
    import mlflow.pyfunc

    scorer = mlflow.pyfunc.load_model("models:/day7-revenue@challenger")
    _, model = open_bundle(trainings[2][0])
    expected = model.predict(installs(synthetic_csv)).tolist()
    # As pandas reads the file by itself: its own string type, NaN for null, and counts that are int64.
    table = pd.read_csv(synthetic_csv, keep_default_na=False, na_values=[""])
    assert table["event_1"].dtype == np.int64 and isinstance(table["country"].dtype, pd.StringDtype)
    assert set(table.columns) > set(FIELDS)
    assert scorer.predict(table).tolist() == expected
    assert scorer.predict(table[sorted(FIELDS, reverse=True)]).tolist() == expected
    assert scorer.predict(table.iloc[::-1]).tolist() == expected[::-1]
    assert scorer.predict(table.convert_dtypes()).tolist() == expected
    revenue = scorer.predict(installs(synthetic_csv))
    assert revenue.dtype == np.float64 and revenue.tolist() == expected
    with pytest.raises(mlflow.MlflowException, match="event_2"):
        scorer.predict(table.drop(columns="event_2"))
    with pytest.raises(UserError, match="missing: platform"):
        scorer.predict(table.drop(columns="platform"))


def test_nulls_of_every_kind_are_the_same(bundle):
    _, model = open_bundle(bundle)
    install = dict(zip(FIELDS, ("es", None, None, "iOS", None, None, 1, 20, None), strict=True))
    expected = model.predict(installs_frame([install])).tolist()
    for null in (None, np.nan, pd.NA):
        table = pd.DataFrame([{name: null if value is None else value for name, value in install.items()}])
        assert model.predict(installs_of(table)).tolist() == expected
    with pytest.raises(UserError, match="column event_1: expected numbers or null, got values that are string"):
        installs_of(pd.DataFrame([{**install, "event_1": "1"}]))
    with pytest.raises(UserError, match="column source: expected texts or null, got values that are integer"):
        installs_of(pd.DataFrame([{**install, "source": 1}]))


# Another interpreter, and MLflow in it.
@pytest.mark.long
def test_the_model_loads_where_the_package_is_not_installed(trainings, connected, tmp_path):
    import mlflow.artifacts

    folder = mlflow.artifacts.download_artifacts("models:/day7-revenue@champion", dst_path=str(tmp_path / "model"))
    requirements = (tmp_path / "model" / "requirements.txt").read_text()
    assert all(f"{name}==" in requirements for name in ("mlflow", "lightgbm", "numpy", "pandas"))
    code = f"""
import json, mlflow.pyfunc
model = mlflow.pyfunc.load_model({folder!r})
import day7_training
print(json.dumps([day7_training.__file__, model.predict(model.input_example).tolist()]))
"""
    done = subprocess.run([sys.executable, "-c", code], cwd=tmp_path, capture_output=True, text=True, check=True)
    file, revenue = json.loads(done.stdout)
    assert file.startswith(str(tmp_path / "model" / "code"))
    example = json.loads((tmp_path / "model" / "input_example.json").read_text())
    _, model = open_bundle(trainings[1][0])
    rows = [dict(zip(example["columns"], row, strict=True)) for row in example["data"]]
    assert revenue == model.predict(installs_frame(rows)).tolist()


def test_any_client_gets_the_bundle_by_http(trainings, server):
    manifest = json.loads(http_file(server, "1", "manifest.json"))
    assert manifest == json.loads((trainings[0][0] / "manifest.json").read_text())
    for name, expected in manifest["files"].items():
        assert hashlib.sha256(http_file(server, "1", name)).hexdigest() == expected


def http_file(server, version, name):
    query = urllib.parse.urlencode({"name": "day7-revenue", "version": version, "path": f"data/bundle/{name}"})
    with urllib.request.urlopen(f"{server}/model-versions/get-artifact?{query}", timeout=HANG_SECONDS) as answer:
        return answer.read()


def installs(path):
    return read_table(path, NINE_FIELDS, pytest.fail).frame


# Every model is trained; test_compare.py has the comparison, and the runs are logged as those of a training.
@pytest.mark.long
def test_a_comparison_is_a_run_with_a_run_for_each_model(server, connected, synthetic_csv, capsys, monkeypatch):
    monkeypatch.setattr("day7_training.model.candidates._MAX_TREES", 10)
    models = "predict zero,lightgbm l1"
    with tracked_at(server), one_figure():
        arguments = ["compare", "--data", synthetic_csv, "--folds", 2, "--models", models, "--register"]
        before = connected.get_registered_model("day7-revenue").aliases
        assert main([str(argument) for argument in arguments]) == 0
    after = connected.get_registered_model("day7-revenue").aliases
    assert after["challenger"] != before["challenger"] and after["champion"] == before["champion"]
    printed = capsys.readouterr().out
    parent = printed.split("MLflow: ")[1].splitlines()[0].rsplit("/", 1)[1]
    run = connected.get_run(parent)
    assert run.info.status == "FINISHED" and run.data.params["best"] == "lightgbm l1"
    names = {file.path for file in connected.list_artifacts(parent)}
    assert {"scores.csv", "tuning.csv", "figures"} <= names
    children = connected.search_runs([run.info.experiment_id], f"tags.`mlflow.parentRunId` = '{parent}'")
    assert {child.data.params["model"] for child in children} == {"predict zero", "lightgbm l1"}
    assert all(child.data.metrics["mae_mean"] > 0 and "r2_spread" in child.data.metrics for child in children)
