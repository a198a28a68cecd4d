"""Training end to end: a whole bundle with right hashes, the same bytes twice, and what is refused."""

import hashlib
import json
import math
import os
import shutil
from functools import partial
from pathlib import Path
from types import SimpleNamespace

import lightgbm as lgb
import numpy as np
import pytest
from conftest import ROW

from day7_training.bundle.folder import open_bundle
from day7_training.cli import main
from day7_training.data.installs import FIELDS, installs_frame
from day7_training.data.table import read_table
from day7_training.errors import UserError
from day7_training.example import fit as fit_module
from day7_training.example.fit import ExampleRecipe
from day7_training.features.folds import fold_numbers
from day7_training.inputs.schema import NINE_FIELDS
from day7_training.model import boosting
from day7_training.model.parameters import SEED, resolve_parameters
from day7_training.model.training_rows import training_rows
from day7_training.progress import no_progress

FILES = {"features.json", "model.json", "model.txt", "golden.ndjson", "profile.json", "evaluation.json"}


def run(command, *arguments) -> int:
    without = ["--no-mlflow"] if command == "train" else []
    return main([command, *map(str, arguments), *without])


def refused(capsys, *arguments) -> str:
    assert run(*arguments) == 2
    error = capsys.readouterr().err
    assert "Traceback" not in error
    return error.splitlines()[-1]


def manifest_of(bundle):
    return json.loads((bundle / "manifest.json").read_text())


def test_the_manifest_says_what_the_bundle_is(bundle, synthetic_csv):
    manifest = manifest_of(bundle)
    contents = {name: (bundle / name).read_bytes() for name in FILES}
    assert manifest["files"] == {name: hashlib.sha256(content).hexdigest() for name, content in contents.items()}
    joined = contents["features.json"] + contents["model.json"]
    assert manifest["version"] == hashlib.sha256(joined).hexdigest()[:12]
    assert manifest["training"] == {
        "dataSha256": hashlib.sha256(synthetic_csv.read_bytes()).hexdigest(),
        "rows": 1500,
        "description": "",
        "synthetic": True,
        "flagged": [],
        "flaggedDropped": False,
    }
    assert manifest["objective"] == "tweedie" and manifest["horizonDays"] == 7
    assert manifest["offset"] == "log_expected_revenue"
    assert manifest["metrics"]["holdout"]["rows"] == 1500  # each was held out once
    assert manifest["metrics"]["holdout"]["normalisedGini"] > 0.8
    assert set(os.listdir(bundle)) == FILES | {"manifest.json"}
    assert os.listdir(bundle.parent) == [bundle.name]  # no temporary folder is left


def test_features_and_categories_agree_everywhere(bundle):
    manifest, opened = open_bundle(bundle)
    plan, booster = opened.plan, opened.booster
    model = json.loads((bundle / "model.json").read_text())
    assert manifest["features"] == plan.features == model["feature_names"] == booster.feature_name()
    assert manifest["categorical"] == plan.categorical == ["platform_code", "source_code"]
    assert len(model["tree_info"]) == manifest["parameters"]["num_iterations"] <= 30


def test_golden_predictions_are_those_of_the_saved_model(bundle):
    _, model = open_bundle(bundle)
    lines = [json.loads(line) for line in (bundle / "golden.ndjson").read_text().split("\n")[:-1]]
    assert len(lines) == 400 and all(list(line["install"]) == list(FIELDS) for line in lines)
    answers = model.answer(installs_frame(line["install"] for line in lines))
    written = np.array([[math.nan if value is None else value for value in line["features"]] for line in lines])
    np.testing.assert_array_equal(answers.features, written)
    offset = model.plan.apply(installs_frame(line["install"] for line in lines)).offset
    raw_scores = model.booster.predict(written, raw_score=True) + offset
    assert raw_scores.tolist() == [line["raw_score"] for line in lines]
    assert [math.exp(score) for score in raw_scores.tolist()] == [line["output"] for line in lines]


def test_golden_installs_are_dirty(bundle):
    installs = [json.loads(line)["install"] for line in (bundle / "golden.ndjson").read_text().split("\n")[:-1]]
    for field, value in [
        ("country", None), ("platform", ""), ("country", "__proto__"), ("source", "constructor"), ("event_2", 1e300),
        ("event_1", 5e-324), ("event_3", None), ("os_version", "\u0663.1"), ("os_version", "14.x"),
        ("country_region", "S\u00e3o Paulo"), ("country_region", "Sa\u0303o Paulo"), ("platform", "IOS"),
    ]:  # fmt: skip
        assert any(install[field] == value for install in installs), (field, value)


def test_the_profile_counts_every_row_once(bundle):
    profile = json.loads((bundle / "profile.json").read_text())
    assert profile["rows"] == 1500 and len(profile["features"]) == 28
    for histogram in [profile["predictions"], *profile["features"].values()]:
        assert len(histogram["counts"]) == len(histogram["edges"]) + 1
        assert histogram["edges"] == sorted(set(histogram["edges"]))
        assert sum(histogram["counts"]) + histogram["missing"] == 1500
    assert 0 < profile["features"]["event_3"]["missing"] < 100


def test_training_again_gives_the_same_bytes_with_any_number_of_threads(bundle, synthetic_csv, tmp_path):
    again = tmp_path / "again"
    options = ("--max-trees", 30, "--synthetic", "--set", "num_threads=2")
    assert run("train", "--data", synthetic_csv, "--out", again, *options) == 0
    for name in FILES - {"model.txt"}:
        assert (again / name).read_bytes() == (bundle / name).read_bytes(), name
    one, two = ((folder / "model.txt").read_text() for folder in (bundle, again))
    assert one.replace("[num_threads: 1]", "[num_threads: 2]") == two != one
    first, second = manifest_of(bundle), manifest_of(again)
    for manifest in (first, second):
        del manifest["created"], manifest["files"]["model.txt"], manifest["parameters"]["num_threads"]
    assert first == second


@pytest.mark.parametrize("fit", [boosting.fit, boosting.fit_until_it_stops])
def test_trees_learn_from_rows_encoded_out_of_fold(fit, synthetic_csv, monkeypatch):
    installs = read_table(synthetic_csv, NINE_FIELDS, pytest.fail)
    fitting, _ = boosting.validation_split(len(installs.frame), boosting.VALIDATION_SHARE)
    changed = installs.revenue.copy()
    changed[fitting[np.argmax(changed[fitting] > 0)]] = 1e6

    def seen_by_trees(revenue):
        seen = []
        monkeypatch.setattr(
            boosting, "boost", lambda title, _, data, *rest: seen.append(data) or SimpleNamespace(best_iteration=1)
        )
        fit(
            ExampleRecipe(own_unit=True), "", installs.frame, revenue, resolve_parameters("tweedie", {}), 1, no_progress
        )
        return seen[0]

    before, after = seen_by_trees(installs.revenue), seen_by_trees(changed)
    (place,) = np.flatnonzero(before.revenue != after.revenue)
    folds = fold_numbers(len(before.revenue), fit_module.FOLD_COUNT, SEED)
    mates = folds == folds[place]
    for values, others in zip(before.encoded[:2], after.encoded):
        np.testing.assert_array_equal(values[mates], others[mates])
        assert not np.array_equal(values[~mates], others[~mates])


def test_the_champion_that_ships_says_what_it_is():
    shipped = Path(__file__).parents[2] / "artifacts" / "champion"
    training = manifest_of(shipped)["training"]
    assert training["synthetic"] is True and training["rows"] == 20_000
    assert training["description"] == "synthetic installs: 20000 rows, seed 7"
    assert (shipped / "model.json").stat().st_size < 3_000_000


# That its command gives what ships, byte for byte, is in test/bundle/conformance.test.ts.
@pytest.mark.long
def test_the_champion_is_the_same_each_time(tmp_path, capsys):
    assert run("champion", "--out", tmp_path / "a") == 0
    assert run("champion", "--out", tmp_path / "b") == 0
    first, second = manifest_of(tmp_path / "a"), manifest_of(tmp_path / "b")
    assert first["files"] == second["files"]
    assert first["training"]["synthetic"] is True and first["training"]["rows"] == 20_000
    assert first["training"]["description"] == "synthetic installs: 20000 rows, seed 7"
    assert (tmp_path / "a" / "model.json").stat().st_size < 3_000_000
    assert "normalisedGini" in capsys.readouterr().out


def test_a_bundle_is_replaced_and_other_folders_are_not(bundle, synthetic_csv, tmp_path, capsys):
    out = tmp_path / "out"
    out.mkdir()
    train = ("train", "--data", synthetic_csv, "--out", out, "--max-trees", 2, "--golden-rows", 3)
    shutil.copytree(bundle, out, dirs_exist_ok=True)
    assert run(*train, "--version", "two") == 0
    assert manifest_of(out)["version"] == "two" and os.listdir(tmp_path) == ["out"]
    assert (out / "golden.ndjson").read_bytes().count(b"\n") == 3
    (out / "manifest.json").unlink()
    assert "found other files" in refused(capsys, *train)
    assert set(os.listdir(out)) == FILES


def test_a_damaged_bundle_is_not_opened(bundle, tmp_path):
    out = shutil.copytree(bundle, tmp_path / "out")
    (out / "model.txt").write_bytes((out / "model.txt").read_bytes() + b"\n")
    with pytest.raises(UserError, match="model.txt: expected the sha256"):
        open_bundle(out)


@pytest.mark.parametrize(
    ("revenues", "objective", "expected"),
    [
        (range(99), "tweedie", "expected at least 100 rows to train on, got 99"),
        ([0] * 100, "tweedie", "column revenue: expected different values to learn from, got 0.0 in every row"),
        ([*range(1, 100), 0], "gamma", "line 101, column revenue: the objective gamma expects revenue above 0"),
    ],
)
def test_untrainable_data_is_refused(write_csv, tmp_path, capsys, revenues, objective, expected):
    data = write_csv(*(f"{ROW.rpartition(',')[0]},{revenue}" for revenue in revenues))
    error = refused(capsys, "train", "--data", data, "--out", tmp_path / "out", "--objective", objective)
    assert expected in error and not (tmp_path / "out").exists()


def test_the_least_data_still_trains(write_csv, tmp_path):
    data = write_csv(*(f"{ROW.rpartition(',')[0]},{revenue}" for revenue in range(100)))
    assert run("train", "--data", data, "--out", tmp_path / "out") == 0


OBJECTIVES = ["poisson", "regression", "regression_l1", "huber", "fair", "quantile", "mape"]


@pytest.mark.parametrize("objective", OBJECTIVES)
def test_every_objective_fits(synthetic_csv, objective):
    rows = training_rows(read_table(synthetic_csv, NINE_FIELDS, pytest.fail), objective, drop_flagged=False)
    model = boosting.fit(
        ExampleRecipe(), "a model", rows.frame, rows.revenue, resolve_parameters(objective, {}), 5, no_progress
    )
    assert model.booster.dump_model()["objective"].split()[0] == objective
    predicted = model.predict(rows.frame)
    assert np.all(np.isfinite(predicted)) and np.unique(predicted).size > 1


@pytest.mark.long
@pytest.mark.parametrize("objective", OBJECTIVES)
def test_every_objective_trains(synthetic_csv, tmp_path, objective):
    out = tmp_path / "out"
    assert run("train", "--data", synthetic_csv, "--out", out, "--objective", objective, "--max-trees", 5) == 0
    assert json.loads((out / "model.json").read_text())["objective"].split()[0] == objective


def test_overrides_reach_lightgbm_and_dart_trains_without_early_stopping(synthetic_csv, tmp_path):
    out = tmp_path / "out"
    overrides = ("zero_as_missing=true", "num_leaves=5", "boosting=dart")
    options = [part for override in overrides for part in ("--set", override)]
    assert run("train", "--data", synthetic_csv, "--out", out, *options, "--max-trees", 12) == 0
    text = (out / "model.txt").read_text()
    assert "[zero_as_missing: 1]" in text and "[num_leaves: 5]" in text
    assert manifest_of(out)["parameters"]["zero_as_missing"] is True
    assert lgb.Booster(model_file=out / "model.txt").num_trees() == 12


def test_the_trees_of_all_folds_are_counted_together():
    pooled = partial(boosting.pooled_trees, with_offset=True)
    losses = [[3.0, 1.0, 2.0], [3.0, 2.0, 0.9, 1.9], [3.0, 1.1]]
    stops = [boosting.Stopped(1 + int(np.argmin(each)), (each,)) for each in losses]
    # After two trees the means are 1.37, after three 1.33: better by less than its error.
    assert pooled(stops) == 2 and boosting.pooled_trees(stops, with_offset=False) == 3
    sure = [boosting.Stopped(3, ([3.0, 1.0 + noise, 0.5 + noise],)) for noise in (0.0, 0.2, 0.4)]
    assert pooled(sure) == 3
    assert pooled(sure[:1]) == 3
    several = [boosting.Stopped((2, 3), (each, [9.0, 8.0, 7.0])) for each in losses]
    assert pooled(several) == (2, 3)
