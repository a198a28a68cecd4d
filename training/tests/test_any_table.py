"""`train --schema`: a bundle of the third format of any table, bad rows, refunds, Parquet."""

import json
import math
import shutil

import numpy as np
import pandas as pd
import pytest
from conftest import needs

from day7_training.bundle.folder import open_bundle
from day7_training.bundle.replay import replay
from day7_training.cli import main
from day7_training.data.decimals import round_half_up
from day7_training.data.objects import frame_of
from day7_training.data.table import read_table
from day7_training.errors import UserError
from day7_training.inputs.schema import parse_input_schema
from day7_training.registry import store
from day7_training.registry.pyfunc import InstallModel

DOCUMENT = {
    "format": "day7-inputs/1",
    "fields": [
        {"name": "Media Source", "kind": "text", "roles": ["facet", "group"]},
        {"name": 'He said "hi", \U0001f3ae', "column": "odd", "kind": "text", "missing": ["N/A"]},
        {"name": "sessions", "kind": "number", "nullable": False, "minimum": 0, "roles": ["event"]},
        {"name": "balance", "kind": "number"},
        {"name": "opt_in", "kind": "boolean", "trim": True},
        {"name": "installed", "kind": "time", "format": "day_first", "roles": ["install_time"]},
    ],
    "target": {"name": "revenue", "column": "rev_14", "horizonDays": 14},
}
ROWS = 400


def table():
    g = np.random.Generator(np.random.PCG64(4))
    sessions = g.poisson(3, ROWS)
    pays = g.random(ROWS) < 0.1 + 0.05 * np.minimum(sessions, 8)
    return pd.DataFrame(
        {
            "Media Source": g.choice(["Organic", "ads, inc", "Cross"], ROWS),
            "odd": g.choice(["x", "N/A", "y", ""], ROWS),
            "sessions": sessions,
            "balance": np.where(g.random(ROWS) < 0.1, "", np.round(g.normal(0, 5, ROWS), 2).astype(str)),
            "opt_in": g.choice(["Y", " n ", ""], ROWS),
            "installed": [f"{1 + row % 28}/12/2026 {row % 24}:15" for row in range(ROWS)],
            "rev_14": np.where(pays, np.round(g.gamma(2, 3, ROWS), 2), 0),
        }
    )


@pytest.fixture(scope="module")
def schema(tmp_path_factory):
    path = tmp_path_factory.mktemp("schema") / "inputs.json"
    path.write_text(json.dumps(DOCUMENT))
    return path


def train(data, schema, out, *more):
    known = ["--as-of", "2027-02-01"]  # when the horizon of all rows had passed
    options = ["--data", data, "--schema", schema, "--out", out, "--max-trees", 8, "--no-mlflow", *known, *more]
    return main(["train", *map(str, options)])


@pytest.fixture(scope="module")
def trained(schema, tmp_path_factory):
    folder = tmp_path_factory.mktemp("any")
    table().to_csv(folder / "table.csv", index=False)
    assert train(folder / "table.csv", schema, folder / "bundle", "--golden-rows", 150) == 0
    return folder / "bundle"


def test_the_bundle_has_its_inputs(trained):
    manifest = json.loads((trained / "manifest.json").read_text())
    assert manifest["format"] == "day7-bundle/3" and manifest["horizonDays"] == 14
    assert json.loads((trained / "inputs.json").read_text()) == DOCUMENT and "inputs.json" in manifest["files"]
    assert manifest["prediction"]["combine"] == "single" and "calibration" in manifest["prediction"]
    assert [each["file"] for each in manifest["prediction"]["ensembles"]] == ["model.json"]
    assert manifest["training"]["negative"] is None
    evaluation = json.loads((trained / "evaluation.json").read_text())
    assert set(evaluation["all"]["groups"]) == {"Media Source"}
    assert abs(manifest["metrics"]["holdout"]["biasRatio"] - 1) < 0.1


def test_golden_predictions_are_those_of_the_opened_bundle(trained):
    manifest, model = open_bundle(trained)
    lines = [json.loads(line) for line in (trained / "golden.ndjson").read_text().split("\n")[:-1]]
    assert len(lines) == 150 and all(list(line["install"]) == [f["name"] for f in DOCUMENT["fields"]] for line in lines)
    frame = frame_of(parse_input_schema(DOCUMENT), [line["install"] for line in lines])
    answers = model.answer(frame)
    assert answers.raw_scores.tolist() == [line["raw_score"] for line in lines]
    assert answers.outputs.tolist() == [line["output"] for line in lines]
    calibration = manifest["prediction"]["calibration"] or {"intercept": 0, "slope": 1}
    encoded = model.plan.apply(frame)
    raw = model.parts[0].model.booster.predict(encoded.features, raw_score=True)
    raw = raw + encoded.offset if manifest["offset"] else raw
    assert (calibration["intercept"] + calibration["slope"] * raw).tolist() == pytest.approx(
        answers.raw_scores.tolist(), rel=1e-15
    )
    assert [math.exp(score) for score in answers.raw_scores] == answers.outputs.tolist()
    for name, values in [("opt_in", {True, False, None}), ("Media Source", {None, "", "constructor"})]:
        assert values <= {line["install"][name] for line in lines}
    assert any(str(line["install"]["installed"]).startswith("1969") for line in lines)


def test_a_damaged_schema_or_a_missing_calibration_is_not_opened(trained, tmp_path, capsys):
    (tmp_path / "inputs.json").write_text("{}")
    assert train(trained.parent / "table.csv", tmp_path / "inputs.json", tmp_path / "out") == 2
    assert "input schema, format: expected, but it is missing" in capsys.readouterr().err


@pytest.mark.parametrize(
    "options", [["--two-part", "--with-interval"], ["--mean-of", "2"], ["--objective", "regression"]]
)
def test_several_ensembles_and_other_objectives(schema, trained, tmp_path, options):
    if "--two-part" in options:
        frame = table().assign(
            rev_14=lambda rows: np.where(rows["rev_14"] + rows["sessions"] > 2, rows["rev_14"] + 1, 0)
        )
    else:
        frame = table()
    frame.to_csv(tmp_path / "table.csv", index=False)
    assert train(tmp_path / "table.csv", schema, tmp_path / "out", *options, "--golden-rows", 60) == 0
    manifest, model = open_bundle(tmp_path / "out")
    assert manifest["format"] == "day7-bundle/3"
    assert np.all(np.isfinite(model.predict(frame_of(model.plan.inputs, [{"sessions": 3}]))))
    if "regression" in options:
        assert manifest["prediction"]["calibration"] is None and manifest["offset"] is None


def test_refunds_are_refused_clipped_or_dropped(schema, tmp_path, capsys):
    frame = table()
    frame.loc[[3, 8], "rev_14"] = [-4.99, -1]
    data = tmp_path / "table.csv"
    frame.to_csv(data, index=False)
    assert train(data, schema, tmp_path / "out") == 2
    error = capsys.readouterr().err
    assert "2 of 400 rows are below 0" in error and "line 5" in error and "--negative-target clip" in error
    for treatment, rows in (("clip", 400), ("drop", 398)):
        assert train(data, schema, tmp_path / treatment, "--negative-target", treatment, "--golden-rows", 60) == 0
        training = json.loads((tmp_path / treatment / "manifest.json").read_text())["training"]
        assert training["rows"] == rows and training["negative"] == {"rows": 2, "treatment": treatment}


def test_bad_rows_are_all_named_and_can_be_left_out(schema, tmp_path, capsys):
    frame = table().astype(object)
    frame.loc[1, "sessions"], frame.loc[5, "sessions"], frame.loc[5, "opt_in"] = "-1", "1,5", "maybe"
    data = tmp_path / "table.csv"
    frame.to_csv(data, index=False)
    assert train(data, schema, tmp_path / "out") == 2
    assert "2 of 400" in capsys.readouterr().err
    named = [json.loads(line) for line in (tmp_path / "table.csv.bad-rows.ndjson").read_text().splitlines()]
    assert [each["line"] for each in named] == [3, 7]
    assert named[0]["faults"] == ["sessions: expected a number \u2265 0, got -1"]
    assert named[1]["faults"] == [
        'sessions: expected a decimal number, got "1,5"', 'opt_in: expected true or false, got "maybe"',
    ]  # fmt: skip
    assert train(data, schema, tmp_path / "out", "--bad-rows", "skip", "--golden-rows", 60) == 0
    assert json.loads((tmp_path / "out" / "manifest.json").read_text())["training"]["rows"] == 398


def test_parquet_is_read_as_csv_is(schema, tmp_path):
    frame = table()
    frame.to_csv(tmp_path / "table.csv", index=False)
    typed = frame.assign(balance=pd.to_numeric(frame["balance"]), installed=frame["installed"])
    typed.to_parquet(tmp_path / "table.parquet")
    for name in ("csv", "parquet"):
        assert train(tmp_path / f"table.{name}", schema, tmp_path / name, "--golden-rows", 60) == 0
    first, second = ((tmp_path / name / "model.txt").read_bytes() for name in ("csv", "parquet"))
    assert first == second


def test_every_answer_of_a_service_is_compared(trained):
    _, model = open_bundle(trained)
    frame = read_table(trained.parent / "table.csv", model.plan.inputs, pytest.fail, with_target=False).frame.head(5)

    def ask(users):
        assert users[0]["opt_in"] in (True, False, None) and users[0]["installed"].startswith("2026-12-0")
        predicted = model.predict(frame_of(model.plan.inputs, users))
        return [{"predicted_revenue": round_half_up(value, 6)} for value in predicted.tolist()]

    assert replay(frame, model, ask, 2) == (5, [])
    equal, differences = replay(frame, model, lambda users: [{"predicted_revenue": 0.5} for _ in users], 2)
    assert equal == 0 and len(differences) == 5


def test_mlflows_model_takes_frames_of_any_types(trained):
    _, model = open_bundle(trained)
    objects = [
        {"Media Source": "Cross", "sessions": 3, "opt_in": True, "installed": "2026-12-01T10:00:00Z"},
        {"sessions": 0},
    ]
    table = pd.DataFrame(
        {
            "installed": pd.to_datetime(["2026-12-01T10:00:00Z", None]),
            "sessions": np.array([3, 0]),
            "opt_in": pd.array([True, None], dtype="boolean"),
            "Media Source": ["Cross", None],
            "balance": [np.nan, np.nan],
            'He said "hi", \U0001f3ae': [None, "N/A"],
            "other": [1, 2],
        }
    )
    expected = model.predict(frame_of(model.plan.inputs, objects))
    assert InstallModel(model).predict(table).tolist() == expected.tolist()
    with pytest.raises(UserError, match="row 1: sessions: expected a decimal number"):
        InstallModel(model).predict(table.assign(sessions=pd.Series([1, "x y"], dtype=object)))
    with pytest.raises(UserError, match="expected the column sessions"):
        InstallModel(model).predict(table.drop(columns="sessions"))


def test_inspect_and_compare_take_a_schema(schema, trained, capsys):
    data = trained.parent / "table.csv"
    page = schema.with_name("report.html")
    assert main(["inspect", "--data", str(data), "--schema", str(schema), "--out", str(page)]) == 0
    assert "400 installs" in capsys.readouterr().out
    html = page.read_text()
    assert all(text in html for text in ("Revenue per event by Media Source", "sessions against revenue", "Nulls"))
    models = "predict zero,ridge,lightgbm tweedie offset"
    options = ["--folds", "2", "--models", models, "--no-mlflow"]
    assert main(["compare", "--data", str(data), "--schema", str(schema), *options]) == 0
    assert "best that can be served: lightgbm tweedie offset" in capsys.readouterr().out
    assert (
        main(["compare", "--data", str(data), "--schema", str(schema), "--models", "mean by country", "--no-mlflow"])
        == 2
    )
    assert "expected models among predict zero" in capsys.readouterr().err


@pytest.mark.long  # MLflow takes seconds to import and to copy a model
@needs("mlflow")
def test_a_registered_model_has_the_signature_of_its_schema(schema, trained, tmp_path, mlflow_tables, monkeypatch):
    shutil.copy(mlflow_tables, tmp_path / "mlflow.db")
    monkeypatch.setattr(store, "LOCAL_FOLDER", tmp_path)
    monkeypatch.delenv("MLFLOW_TRACKING_URI", raising=False)
    options = ["--data", trained.parent / "table.csv", "--schema", schema, "--out", tmp_path / "out"]
    options += ["--max-trees", 8, "--golden-rows", 60, "--register", "--name", "studio"]
    assert main(["train", *map(str, options)]) == 0
    import mlflow

    monkeypatch.setenv("MLFLOW_TRACKING_URI", f"sqlite:///{tmp_path}/mlflow.db")
    mlflow.set_tracking_uri(f"sqlite:///{tmp_path}/mlflow.db")
    loaded = mlflow.pyfunc.load_model("models:/studio@challenger")
    names = [field["name"] for field in DOCUMENT["fields"]]
    assert loaded.metadata.get_input_schema().input_names() == names
    _, model = open_bundle(tmp_path / "out")
    objects = [{"Media Source": "Cross", "sessions": 3.0, "opt_in": True, "installed": "2026-12-01T10:00:00Z"}]
    asked = pd.DataFrame([{**dict.fromkeys(names), "balance": np.nan, **objects[0]}])[names]
    assert loaded.predict(asked).tolist() == model.predict(frame_of(model.plan.inputs, objects)).tolist()
