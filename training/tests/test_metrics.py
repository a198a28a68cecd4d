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
    assert "undefined" in metrics_table({"all": metrics})


def metric(name, actual, predicted):
    return measure(np.array(actual, dtype=float), np.array(predicted, dtype=float))[name]


def test_spearman_looks_at_ranks_alone():
    assert metric("spearman", [1, 2, 3], [1, 10, 1000]) == pytest.approx(1, rel=1e-15)
    assert metric("spearman", [1, 2, 3], [3, 2, 1]) == pytest.approx(-1, rel=1e-15)
    # Middle ranks 1.5 1.5 3 4 and 1 2.5 2.5 4, by hand: 3.75 / sqrt(4.5 * 4.5).
    assert metric("spearman", [0, 0, 1, 2], [0, 3, 3, 5]) == pytest.approx(3.75 / 4.5, rel=1e-15)
    assert metric("spearman", [1, 2, 3], [7, 7, 7]) == 0


def test_bias_ratio_is_the_predicted_sum_over_the_actual_one():
    assert metric("biasRatio", [1, 3], [2, 3]) == 1.25
    assert metric("biasRatio", [0, 0], [2, 3]) is None


def test_top_capture_counts_ties_at_the_border_by_their_mean():
    actual = [0] * 38 + [6, 4]  # 5 % of 40 rows are two
    assert metric("topCapture", actual, list(range(40))) == 1
    assert metric("topCapture", actual, [0] * 39 + [1]) == (4 + 6 / 39) / 10
    assert metric("topCapture", actual, [1] * 40) == pytest.approx(2 * 10 / 40 / 10, rel=1e-15)


def test_payer_auc_by_hand():
    assert metric("payerAuc", [0, 0, 1, 5], [0.1, 0.3, 0.2, 0.9]) == 3 / 4
    assert metric("payerAuc", [0, 1], [2, 2]) == 0.5
    assert metric("payerAuc", [1, 2], [1, 2]) is None
