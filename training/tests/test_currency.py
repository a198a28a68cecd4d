"""The trainer does not depend on the currency: revenue in cents, or in hundreds, gives the same ranks, and the sum is right."""

import numpy as np
import pytest
from test_table_recipe import SCHEMA, table

from day7_training.data.installs import REVENUE, Installs
from day7_training.data.table import read_table
from day7_training.example.fit import ExampleRecipe
from day7_training.inputs.schema import NINE_FIELDS
from day7_training.model.boosting import learner_here
from day7_training.model.choice import choose_recipe
from day7_training.model.held_out import LEVEL, PAIRS, UNCALIBRATED
from day7_training.model.parameters import resolve_parameters
from day7_training.model.train import train
from day7_training.model.training_rows import training_rows
from day7_training.progress import no_progress

PARAMETERS = {**resolve_parameters("tweedie", {}), "num_threads": 1}


def train_in(unit, frame, name, inputs, calibrate):
    rows = training_rows(
        Installs(frame.assign(**{name: frame[name] * unit}), "", inputs), "tweedie", drop_flagged=False
    )
    recipe, parameters = ExampleRecipe(), PARAMETERS
    if calibrate == PAIRS:
        choice = choose_recipe(rows.inputs, rows.frame, rows.revenue, rows.flagged, PARAMETERS, frozenset())
        recipe, parameters = choice.recipe, choice.parameters
    trained = train(rows, parameters, 20, no_progress, learner_here(recipe), calibrate=calibrate)
    return trained.model.predict(rows.frame), trained.residuals.predicted, trained


def described():
    frame, target = table(rows=400)
    return frame.assign(revenue=target), "revenue", SCHEMA, PAIRS


@pytest.fixture(scope="module")
def nine(synthetic_csv):
    installs = read_table(synthetic_csv, NINE_FIELDS, pytest.fail)
    return installs.frame, REVENUE, installs.inputs


@pytest.mark.parametrize("way", ["described", "nine"])
def test_other_units_give_the_same_ranks_and_scaled_predictions(way, nine, monkeypatch):
    monkeypatch.setattr("day7_training.model.choice.MAX_TREES", 8)
    for name in ("model.choice", "features.recipe"):
        monkeypatch.setattr(f"day7_training.{name}.FOLD_COUNT", 2)
    data = described() if way == "described" else (*nine, LEVEL)
    served, held, _ = train_in(1, *data)
    assert np.unique(served).size > 100
    for unit in (100, 0.01):
        for usual, other in zip((served, held), train_in(unit, *data)):
            np.testing.assert_allclose(other, usual * unit, rtol=1e-9)
            np.testing.assert_array_equal(np.argsort(other, kind="stable"), np.argsort(usual, kind="stable"))


def test_the_nine_fields_are_predicted_the_right_sum_by_trees_that_bear_the_factor(nine):
    _, raw, uncalibrated = train_in(1, *nine, UNCALIBRATED)
    _, held, leveled = train_in(1, *nine, LEVEL)
    actual = nine[0][REVENUE].to_numpy()
    wrong, mended = (abs(predicted.sum() / actual.sum() - 1) for predicted in (raw, held))
    # Few rows have few large payers, and each is predicted by the factor of the others.
    assert wrong > 0.1 and mended < wrong / 2
    factors = leveled.model.predict(nine[0]) / uncalibrated.model.predict(nine[0])
    assert factors == pytest.approx(np.full(len(factors), actual.sum() / raw.sum()), rel=1e-6)
