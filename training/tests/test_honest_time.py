"""`train` where rows have times: rolling origin, what is not mature, calibration by the latest weeks, and what is said of it."""

import json

import numpy as np
import pandas as pd
import pytest

from day7_training.bundle.folder import open_bundle
from day7_training.cli import main
from day7_training.evaluation.card import model_card
from day7_training.evaluation.metrics import bias_ratio
from day7_training.inputs.calendar import DAY_MS
from day7_training.model.rolling import ORIGINS, windows_of

DAYS, HORIZON = 84, 7
SCHEMA = {
    "format": "day7-inputs/1",
    "fields": [
        {"name": "source", "kind": "text", "roles": ["facet", "group"]},
        {"name": "sessions", "kind": "number", "nullable": False, "minimum": 0, "roles": ["event"]},
    ],
    "target": {"name": "revenue", "column": "revenue_d7", "horizonDays": HORIZON},
}
WITH_TIME = {
    **SCHEMA,
    "fields": [*SCHEMA["fields"], {"name": "installed", "kind": "time", "roles": ["install_time"]}],
}
START = pd.Timestamp("2026-03-01T00:00:00Z")


def installs(first_day, days, a_day, seed=1):
    """What an install brings halves in six weeks; whom it comes from and what it does, stays."""
    g = np.random.Generator(np.random.PCG64(seed))
    day = first_day + np.sort(g.random(days * a_day)) * days
    sessions = g.poisson(3, len(day))
    source = g.choice(["organic", "ads", "cross"], len(day))
    level = 0.5 ** (day / 42) * (1 + sessions) * np.where(source == "ads", 2, 1)
    pays = g.random(len(day)) < 0.5
    revenue = np.where(pays, np.round(level * g.gamma(4, 0.25, len(day)), 4), 0)
    times = [(START + pd.Timedelta(days=each)).isoformat() for each in day]
    return pd.DataFrame({"source": source, "sessions": sessions, "installed": times, "revenue_d7": revenue})


@pytest.fixture(scope="module")
def folder(tmp_path_factory):
    folder = tmp_path_factory.mktemp("time")
    (folder / "schema.json").write_text(json.dumps(SCHEMA))
    (folder / "with-time.json").write_text(json.dumps(WITH_TIME))
    installs(0, DAYS, 60).to_csv(folder / "installs.csv", index=False)
    return folder


def train(folder, out, *options, schema="schema.json"):
    given = ["--data", folder / "installs.csv", "--schema", folder / schema, "--out", folder / out, "--no-mlflow"]
    return main(["train", *map(str, [*given, "--golden-rows", 60, *options])])


@pytest.fixture(scope="module")
def trained(folder):
    assert train(folder, "bundle", "--time-column", "installed") == 0
    manifest, model = open_bundle(folder / "bundle")
    return manifest, model, json.loads((folder / "bundle" / "evaluation.json").read_text())


def test_random_folds_hide_what_rolling_origin_shows(trained):
    manifest, _, evaluation = trained
    rolling = evaluation["time"]["rolling"]
    assert abs(rolling["randomFolds"]["biasRatio"] - 1) < 0.03
    bias = evaluation["all"]["metrics"]["biasRatio"]
    assert bias > 1.15 and manifest["metrics"]["holdout"]["biasRatio"] == bias
    assert rolling["difference"]["biasRatio"] == bias - rolling["randomFolds"]["biasRatio"]


def test_the_rolling_origin_foretells_the_weeks_after_the_table(trained, folder):
    _, model, evaluation = trained
    # What the model meets in its first week: nothing of it was in the table.
    later = installs(DAYS, 7, 600, seed=2)
    bias = bias_ratio(later["revenue_d7"].to_numpy(), model.predict(later.astype({"source": object})))
    assert bias > 1.1
    assert bias == pytest.approx(evaluation["all"]["metrics"]["biasRatio"], abs=0.12)


def test_the_served_model_is_calibrated_by_the_latest_weeks(trained, folder):
    manifest, model, _ = trained
    # All mature rows bring more than the latest, by which the model is calibrated.
    frame = installs(0, DAYS - HORIZON, 60).astype({"source": object})
    assert manifest["prediction"]["calibration"]["intercept"] < -0.1
    assert bias_ratio(frame["revenue_d7"].to_numpy(), model.predict(frame)) < 0.9


def test_each_origin_knows_only_what_had_matured(trained):
    origins = trained[2]["time"]["rolling"]["origins"]
    assert len(origins) >= ORIGINS
    for each, after in zip(origins, [*origins[1:], None]):
        gap = pd.Timestamp(each["origin"]) - pd.Timestamp(each["learnedBefore"])
        assert gap == pd.Timedelta(days=HORIZON) and (after is None or each["until"] == after["origin"])
    assert sum(each["metrics"]["rows"] for each in origins) == trained[2]["all"]["metrics"]["rows"]
    times = pd.to_datetime(installs(0, DAYS, 60)["installed"], format="ISO8601")
    for each in origins:
        assert each["learnedRows"] == int((times < pd.Timestamp(each["learnedBefore"])).sum())
        inside = (times >= pd.Timestamp(each["origin"])) & (times < pd.Timestamp(each["until"]))
        assert each["metrics"]["rows"] == int(inside.sum())
    learned = [each["learnedRows"] for each in origins]
    assert learned == sorted(learned) and learned[0] < learned[-1]
    # Calibrated by rows of origins before, whose horizon had passed.
    assert all(each["calibratedRows"] > 0 for each in origins)


def test_the_past_is_not_changed_by_what_comes_later(trained, folder, tmp_path):
    """With the revenue of the last week alone changed, what all origins before the last one were told stays as it was."""
    table = installs(0, DAYS, 60)
    times = pd.to_datetime(table["installed"], format="ISO8601")
    origins = trained[2]["time"]["rolling"]["origins"]
    changed = times >= pd.Timestamp(origins[-1]["origin"])
    table.loc[changed, "revenue_d7"] = table.loc[changed, "revenue_d7"] * 3
    table.to_csv(tmp_path / "installs.csv", index=False)
    (tmp_path / "schema.json").write_text(json.dumps(SCHEMA))
    assert train(tmp_path, "out", "--time-column", "installed") == 0
    again = json.loads((tmp_path / "out" / "evaluation.json").read_text())["time"]["rolling"]["origins"]
    for before, after in zip(origins[:-1], again[:-1]):
        assert after["metrics"]["mae"] == pytest.approx(before["metrics"]["mae"], rel=0.02)
    assert again[-1]["metrics"]["mae"] > 1.5 * origins[-1]["metrics"]["mae"]


def test_rows_whose_horizon_had_not_passed_are_left_out_and_counted(trained, folder, capsys):
    manifest, _, evaluation = trained
    times = pd.to_datetime(installs(0, DAYS, 60)["installed"], format="ISO8601")
    young = int((times + pd.Timedelta(days=HORIZON) > times.max()).sum())
    assert evaluation["time"]["leftOut"] == {"immature": young, "withoutTime": 0} and young > 0
    assert manifest["training"]["rows"] == len(times) - young
    small = ["--time-column", "installed", "--max-trees", 3]
    assert train(folder, "later", *small, "--as-of", "2026-09-01") == 0
    assert "left out" not in capsys.readouterr().err
    assert open_bundle(folder / "later")[0]["training"]["rows"] == len(times)
    assert train(folder, "none", *small, "--as-of", "2026-03-02") == 2
    assert "expected installs whose horizon of 7 days had passed at 2026-03-02T00:00:00.000Z" in capsys.readouterr().err


def test_the_install_time_of_the_schema_is_the_time(folder, capsys):
    assert train(folder, "role", "--max-trees", 5, schema="with-time.json") == 0
    printed = capsys.readouterr()
    assert "rolling origin less random folds: mae" in printed.out and "left out" in printed.err
    evaluation = json.loads((folder / "role" / "evaluation.json").read_text())
    assert evaluation["time"]["column"] == "installed" and evaluation["time"]["rolling"] is not None


def test_the_card_shows_error_and_bias_over_time(trained):
    manifest, model, evaluation = trained
    card = model_card(manifest, evaluation, "picture.svg", model.plan.inputs)
    origins = evaluation["time"]["rolling"]["origins"]
    assert "## Over time" in card and "five folds" not in card
    for each in origins:
        assert f"| {each['origin'][:10]} " in card and f"{each['metrics']['biasRatio']:.3f}" in card
    assert f"{evaluation['time']['leftOut']['immature']:,} rows" in card and "random folds" in card


@pytest.mark.parametrize(
    ("options", "expected"),
    [
        (["--time-column", "sessions"], "--time-column sessions: expected a time, got a field of kind number"),
        (["--time-column", "revenue_d7"], "--time-column revenue_d7: expected a time, got the target"),
        (["--time-column", "nowhere"], "missing: nowhere"),
        (["--as-of", "2026-05-01"], "--as-of: expected --time-column, or a field with the role install_time"),
    ],
)
def test_a_wrong_time_is_refused(folder, capsys, options, expected):
    assert train(folder, "refused", *options) == 2
    assert expected in capsys.readouterr().err and not (folder / "refused").exists()


def test_a_table_of_a_short_time_is_measured_by_random_folds_and_it_is_said(tmp_path, capsys):
    installs(0, 12, 40).to_csv(tmp_path / "installs.csv", index=False)
    (tmp_path / "schema.json").write_text(json.dumps(SCHEMA))
    assert train(tmp_path, "short", "--time-column", "installed", "--max-trees", 3) == 0
    assert "the evaluation is of random folds" in capsys.readouterr().err
    assert json.loads((tmp_path / "short" / "evaluation.json").read_text())["time"]["rolling"] is None


def test_windows_are_weeks_or_shorter_and_leave_a_horizon():
    year, leading = windows_of(np.array([0, 365 * DAY_MS - 1]), 7 * DAY_MS)
    assert leading == 2 and len(year) == ORIGINS + leading
    assert all(window.until - window.origin == 7 * DAY_MS for window in year) and year[-1].until == 365 * DAY_MS
    month, leading = windows_of(np.array([0, 28 * DAY_MS - 1]), 7 * DAY_MS)
    assert year[leading].origin - 7 * DAY_MS >= year[0].until
    assert len(month) == ORIGINS + leading and month[-1].until == 28 * DAY_MS
    assert month[leading].origin - 7 * DAY_MS >= month[0].until - 1e-3
    assert month[0].origin - 7 * DAY_MS > 0
    assert windows_of(np.array([0, 7 * DAY_MS - 1]), 7 * DAY_MS) == ([], 0)
