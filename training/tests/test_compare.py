"""The comparison: the same folds for all, no skill from a shuffled target, the table, and the best that is served."""

import json

import numpy as np
import pandas as pd
import pytest

from day7_training.bundle.folder import open_bundle
from day7_training.cli import main
from day7_training.data.installs import REVENUE, Installs
from day7_training.data.table import read_table
from day7_training.errors import UserError
from day7_training.example.fit import ExampleRecipe
from day7_training.example.synthetic import write_synthetic
from day7_training.inputs.schema import NINE_FIELDS
from day7_training.model.candidates import Fold, country_mean, country_rate, predict_zero
from day7_training.model.compare import MODELS, Comparison, compare, comparison_table
from day7_training.model.training_rows import training_rows
from day7_training.model.tuning import tune, tweedie_deviance
from day7_training.progress import no_progress


@pytest.fixture(scope="module", autouse=True)
def few_trees():
    with pytest.MonkeyPatch.context() as patch:
        for name in ("candidates._MAX_TREES", "tuning._MAX_TREES"):
            patch.setattr(f"day7_training.model.{name}", 60)
        yield


def installs_of(path):
    return read_table(path, NINE_FIELDS, warn=pytest.fail)


@pytest.fixture(scope="module")
def rows(synthetic_csv):
    return training_rows(installs_of(synthetic_csv), "tweedie", drop_flagged=False)


@pytest.fixture(scope="module")
def compared(rows) -> Comparison:
    return compare(rows, ExampleRecipe(), folds=2, trials=2)


def test_every_model_predicts_every_row_once(rows, compared):
    assert tuple(compared.predictions) == MODELS
    for name, predicted in compared.predictions.items():
        assert np.all(np.isfinite(predicted)) and np.all(predicted >= 0), name
    assert not np.any(compared.predictions["predict zero"])
    assert set(compared.scores["fold"]) == {0, 1} and set(compared.scores["part"]) == {"all"}
    assert compared.scores.groupby("model")["rows"].sum().tolist() == [len(rows.frame)] * len(MODELS)


def test_models_with_the_rates_beat_the_simple_ones(compared):
    mae = compared.scores.groupby("model")["mae"].mean()
    assert mae["lightgbm tweedie offset"] < min(mae["country rate x event_2"], mae["mean by country"], mae["ridge"])


def test_the_best_is_one_that_can_be_served(compared):
    mae = compared.scores.groupby("model")["mae"].mean()
    served = mae[["lightgbm l2", "lightgbm l1", "lightgbm tweedie offset", "lightgbm tuned"]]
    assert compared.best == served.idxmin()


def test_the_table_has_mean_and_spread_of_each_metric(compared):
    table = comparison_table(compared)
    ridge = compared.scores[compared.scores["model"] == "ridge"]["mae"]
    assert table.loc[("all", "ridge"), ("mae", "mean")] == pytest.approx(ridge.mean())
    assert table.loc[("all", "ridge"), ("mae", "spread")] == pytest.approx(ridge.std())
    assert table[("mae", "mean")].is_monotonic_increasing


def test_each_fold_tunes_for_itself(compared):
    assert compared.tuning.groupby("fold").size().tolist() == [2, 2]
    assert compared.tuning["value"].notna().all() and "num_leaves" in compared.tuning


def test_a_shuffled_target_gives_no_skill(synthetic_csv):
    installs = installs_of(synthetic_csv)
    frame = installs.frame.copy()
    frame[REVENUE] = np.random.Generator(np.random.PCG64(4)).permutation(frame[REVENUE].to_numpy())
    shuffled = training_rows(Installs(frame, installs.sha256), "tweedie", drop_flagged=False)
    models = ["ridge", "random forest", "lightgbm tweedie", "lightgbm tweedie offset", "lightgbm two-part"]
    scores = compare(shuffled, ExampleRecipe(), folds=2, models=models).scores.groupby("model")
    assert (scores["spearman"].mean().abs() < 0.08).all()
    assert (scores["r2"].mean() < 0.02).all()


def test_flagged_rows_are_measured_with_and_without(tmp_path):
    path = tmp_path / "installs.csv"
    write_synthetic(path, 1200, 5)
    table = pd.read_csv(path, dtype=str, keep_default_na=False)
    strange = table["country"].str.lower() == "mx"
    table.loc[strange, "revenue"] = (table.loc[strange, "revenue"].astype(float) * 1e5).map("{:.6f}".format)
    table.to_csv(path, index=False)
    rows = training_rows(installs_of(path), "tweedie", drop_flagged=False)
    assert [(each.field, each.value) for each in rows.anomalies] == [("country", "mx")]
    compared = compare(rows, ExampleRecipe(), folds=2, models=["country rate x event_2", "lightgbm tweedie offset"])
    mae = compared.scores.groupby(["part", "model"])["mae"].mean()
    assert mae["all", "lightgbm tweedie offset"] > 100 * mae["withoutFlagged", "lightgbm tweedie offset"]
    dropped = training_rows(installs_of(path), "tweedie", drop_flagged=True)
    assert len(dropped.frame) == 1200 - strange.sum() and dropped.dropped and not dropped.flagged.any()


def test_simple_models_by_hand():
    columns = {"country": ["es", "ES", "fr"], "event_2": [2.0, 0.0, 4.0]}
    unseen = pd.DataFrame({"country": ["Es", "zz"], "event_2": [10.0, 10.0]})
    fold = Fold(pd.DataFrame(columns), np.array([1.0, 2.0, 6.0]), unseen, ExampleRecipe())
    assert country_mean(fold).tolist() == [1.5, 3]
    assert country_rate(fold).tolist() == [15, 15]  # 3 revenue on 2 events, and 9 on 6
    assert predict_zero(fold).tolist() == [0, 0]


def test_tuning_begins_with_the_usual_parameters_and_is_seeded(rows):
    first, second = (tune(ExampleRecipe(), rows.frame, rows.revenue, 3, no_progress) for _ in range(2))
    assert first.parameters == second.parameters and first.trials.equals(second.trials)
    usual = first.trials.iloc[0]
    assert usual["learning_rate"] == 0.05 and usual["num_leaves"] == 31
    assert first.trials["value"].min() <= usual["value"]


def test_tweedie_deviance_by_hand():
    assert tweedie_deviance(np.array([1.0, 4.0]), np.array([1.0, 4.0])) == pytest.approx(0, abs=1e-12)
    # 2 * (0 - 0 + 2 * sqrt(4)) for a zero that was predicted as 4.
    assert tweedie_deviance(np.array([0.0]), np.array([4.0])) == pytest.approx(8)


def test_an_unknown_model_is_refused(rows):
    with pytest.raises(UserError, match="expected models among predict zero, .*, got svm"):
        compare(rows, ExampleRecipe(), models=["svm"])


def test_the_command_prints_the_table_and_trains_the_best(synthetic_csv, tmp_path, capsys):
    models = "predict zero,lightgbm l2,lightgbm tweedie offset"
    arguments = ["--folds", "2", "--models", models, "--out", tmp_path / "best", "--no-mlflow"]
    assert main([str(each) for each in ("compare", "--data", synthetic_csv, *arguments)]) == 0
    printed = capsys.readouterr().out
    assert "All rows: mean over folds" in printed and "lightgbm l2" in printed
    best = printed.split("best that can be served: ")[1].splitlines()[0]
    manifest, _ = open_bundle(tmp_path / "best")
    assert manifest["objective"] == {"lightgbm l2": "regression", "lightgbm tweedie offset": "tweedie"}[best]
    assert json.loads((tmp_path / "best" / "evaluation.json").read_text())["all"]["metrics"]["rows"] == 1500
