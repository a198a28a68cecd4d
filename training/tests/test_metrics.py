"""The metrics against values worked out by hand."""

import math

import numpy as np
import pytest

from day7_training.evaluation.metrics import measure, metrics_table


def test_errors_by_hand():
    metrics = measure(np.array([0.0, 2.0, 4.0]), np.array([1.0, 2.0, 2.0]))
    assert metrics["rows"] == 3 and metrics["mae"] == 1
    assert metrics["rmse"] == math.sqrt(5 / 3)
    assert metrics["r2"] == 1 - 5 / 8


def gini(actual, predicted):
    return measure(np.array(actual, dtype=float), np.array(predicted, dtype=float))["normalisedGini"]


def test_gini_of_the_perfect_the_reversed_and_the_constant_order():
    assert gini([0, 1, 5], [0.1, 0.2, 0.3]) == 1
    assert gini([0, 1, 5], [3, 2, 1]) == -1
    assert gini([0, 1, 5], [2, 2, 2]) == 0


def test_gini_by_hand_with_a_tie():
    # Ranks 1, 2.5, 2.5 weigh 2, -1, -1: (1*2 - 0 - 5) against the perfect (5*2 + 1*0 - 0*2).
    assert gini([1, 0, 5], [9, 4, 4]) == pytest.approx(-3 / 10, rel=1e-15)


def test_gini_does_not_depend_on_the_order_of_tied_rows():
    assert gini([5, 0, 1, 0], [1, 1, 0, 0]) == gini([0, 5, 0, 1], [1, 1, 0, 0])


def test_equal_revenue_leaves_r2_and_gini_undefined():
    metrics = measure(np.ones(3), np.array([1.0, 2.0, 3.0]))
    assert metrics["r2"] is None and metrics["normalisedGini"] is None
    assert "undefined" in metrics_table(metrics)
