"""Fits what an install and each of its events bring, by group: revenue ~ rate_0 + rate_1 * event_1 + ...

Rates are never negative. They are found by expectation maximisation of the Poisson likelihood: each
row's revenue is divided among its exposures (the install itself, and its counts) in proportion to what
each is expected to bring, a group's rate becomes its share over its exposure, and again. A group with
little exposure backs off to the whole. The rate of the whole is the median over groups, weighted by
exposure, not the mean: one group whose revenue is in another unit must not move the others.
Only + - * / on doubles in a fixed order, so that every processor finds the same rates.
"""

from __future__ import annotations

from typing import NamedTuple

import numpy as np

_ROUNDS = 20
# The whole counts as much as the exposure of a quarter of an average install beside a group's own.
_SMOOTHING_INSTALLS = 0.25
# An install without events is expected to bring at least this part of an average one: its logarithm is the offset.
_LEAST_SHARE = 1e-4


class Rates(NamedTuple):
    """`groups`: groups x exposures, revenue per unit of exposure; `whole`: the same of an unknown group."""

    groups: np.ndarray
    whole: np.ndarray


def fit_rates(group: np.ndarray, count: int, exposures: np.ndarray, revenue: np.ndarray) -> Rates:
    """`group` is each row's number below `count`; `exposures` is rows x exposures, the first one all 1."""
    own = _totals(group, count, exposures)
    average = _totals(np.zeros_like(group), 1, exposures)[0] / len(group)
    free = _maximise(group, own, exposures, revenue, np.zeros_like(average), np.zeros_like(average))
    whole = np.array([_weighted_median(free[:, place], own[:, place]) for place in range(own.shape[1])])
    if not np.any(whole):  # most groups bring nothing: then the mean is all there is
        together = np.zeros_like(group)
        whole = _maximise(
            together, _totals(together, 1, exposures), exposures, revenue, np.zeros_like(average), np.zeros_like(average)
        )[0]
    groups = _maximise(group, own, exposures, revenue, whole, _SMOOTHING_INSTALLS * average)
    return Rates(_with_floor(groups, average), _with_floor(whole[None], average)[0])


def expected_revenue(rates: np.ndarray, exposures: np.ndarray) -> np.ndarray:
    """Row by row; `rates` has the rates of each row's group."""
    expected = np.zeros(len(exposures))
    for place in range(exposures.shape[1]):
        expected = expected + rates[:, place] * exposures[:, place]
    return expected


def _maximise(
    group: np.ndarray, own: np.ndarray, exposures: np.ndarray, revenue: np.ndarray, prior: np.ndarray, weight: np.ndarray
) -> np.ndarray:
    """Rates of each group; `prior` counts as if it had been seen on `weight` more exposure."""
    revenue_of = np.bincount(group, revenue, minlength=len(own))
    rates = np.repeat(_divide(revenue_of, own.sum(axis=1))[:, None], own.shape[1], axis=1)
    for _ in range(_ROUNDS):
        part = _divide(revenue, expected_revenue(rates[group], exposures))
        shares = _totals(group, len(own), exposures * part[:, None])
        rates = _divide(rates * shares + weight * prior, own + weight)
    return rates


def _totals(group: np.ndarray, count: int, values: np.ndarray) -> np.ndarray:
    return np.column_stack([np.bincount(group, column, minlength=count) for column in values.T])


def _divide(numerator: np.ndarray, denominator: np.ndarray) -> np.ndarray:
    """0 where there is nothing to divide by."""
    return np.divide(numerator, denominator, out=np.zeros_like(numerator), where=denominator > 0)


def _weighted_median(values: np.ndarray, weights: np.ndarray) -> float:
    order = np.argsort(values, kind="stable")
    below = np.cumsum(weights[order])
    return float(values[order][np.searchsorted(below, below[-1] / 2)]) if below[-1] > 0 else 0.0


def _with_floor(rates: np.ndarray, average: np.ndarray) -> np.ndarray:
    usual = expected_revenue(rates, np.repeat(average[None], len(rates), axis=0))
    floored = rates.copy()
    floored[:, 0] = np.maximum(rates[:, 0], _LEAST_SHARE * usual)
    return floored
