"""Calibration: what mends held-out raw scores, and what is refused."""

import numpy as np
import pandas as pd
import pytest

from day7_training.errors import UserError
from day7_training.model.calibration import (
    Calibration,
    Held,
    Pair,
    calibrate_crosswise,
    fit_calibration,
    mean_deviance,
    read_calibration,
)

ROWS = 20_000


def held(intercept=0.0, slope=1.0, chance=1.0):
    """Rows whose raw scores need this intercept and slope to be right."""
    g = np.random.Generator(np.random.PCG64(3))
    right = g.normal(0, 1, ROWS)
    actual = np.where(g.random(ROWS) < chance, g.gamma(2, 0.5, ROWS) * np.exp(right), 0.0)
    country = np.where(np.arange(ROWS) % 10 == 0, "PE", "es").astype(object)
    frame = pd.DataFrame({"country": country})
    chances = np.full(ROWS, chance)
    return Held(frame, actual, [(right - intercept) / slope], chances, np.zeros(ROWS, dtype=bool))


def test_intercept_and_slope_are_found():
    found = fit_calibration(held(0.7, 0.8, chance=0.2), [], seed=1)
    assert found.pair.intercept == pytest.approx(0.7, abs=0.1)
    assert found.pair.slope == pytest.approx(0.8, abs=0.051)
    assert found.document()["groups"] == {} and found.document()["field"] is None


def test_what_is_right_is_left_alone():
    rows = held()
    factor = rows.actual.sum() / np.exp(rows.raw_scores[0]).sum()
    exact = rows._replace(actual=rows.actual / factor)
    assert fit_calibration(exact, [], seed=1) is None


def test_a_group_in_another_unit_has_a_pair_of_its_own_and_leaves_the_others_theirs():
    rows = held(0.5)
    group = rows.frame["country"].to_numpy() == "PE"
    actual = np.where(group, rows.actual * 1e5, rows.actual)
    flagged = rows._replace(actual=actual, flagged=group)
    found = fit_calibration(flagged, [("country", "pe")], seed=1)
    assert found.pair.intercept == pytest.approx(0.5, abs=0.1)
    assert found.groups["pe"].intercept == pytest.approx(0.5 + np.log(1e5), abs=0.1)
    intercepts, slopes = found.pairs(pd.DataFrame({"country": ["pe", "PE", "es", None, ""]}))
    assert (intercepts[:2] > 10).all() and (intercepts[2:] == found.pair.intercept).all() and (slopes == 1).all()
    predicted = calibrate_crosswise(flagged, [("country", "pe")], seed=1)
    for part in (group, ~group):
        assert predicted[part].sum() / actual[part].sum() == pytest.approx(1, abs=0.02)


def test_deviance_knows_no_unit_and_the_mean_is_one():
    rows = held()
    predicted = np.exp(rows.raw_scores[0])
    assert mean_deviance(rows.actual, np.full(ROWS, rows.actual.mean())) == pytest.approx(1)
    assert mean_deviance(rows.actual * 100, predicted * 100) == pytest.approx(mean_deviance(rows.actual, predicted))
    assert mean_deviance(rows.actual, predicted) < 0.7


GOOD = Calibration(Pair(0.5, 0.9), "country", {"pe": Pair(1.0, 1.0)}).document()


def test_a_calibration_is_read_as_it_was_written():
    assert read_calibration(GOOD, ["country"], "manifest").document() == GOOD
    assert read_calibration(None, ["country"], "manifest") is None


@pytest.mark.parametrize(
    "change",
    [
        {"slope": 0}, {"slope": float("inf")}, {"intercept": None}, {"intercept": True}, {"field": "platform"},
        {"fold": "none"}, {"groups": {"PE": {"intercept": 0, "slope": 1}}}, {"groups": {"pe": {"slope": 1}}},
        {"field": None}, {"more": 1},
    ],
)  # fmt: skip
def test_a_calibration_that_is_not_understood_is_refused(change):
    with pytest.raises(UserError, match="manifest: expected"):
        read_calibration({**GOOD, **change}, ["country"], "manifest")
