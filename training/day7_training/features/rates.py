"""Fits what an install and each of its events bring, by group: revenue ~ rate_0 + rate_1 * event_1 + ...

Groups differ in level: an event brings five times as much in one country as in another, or 100,000 times
where the revenue is in another unit. What events bring relative to each other differs less: that is the
pattern. So a group's level is found first and hardly smoothed; then its rates, which back off to the
pattern at that level where the group has few installs with the event. An unknown group gets the pattern
at the median level, which one group in another unit does not move, as it would the mean.

Rates are never negative. They maximise the Poisson likelihood by expectation maximisation: each row's
revenue is divided among its exposures (the install itself and its counts) in proportion to what each is
expected to bring, a rate becomes its share over its exposure, and again. Only + - * / on doubles in a
fixed order, so that every processor finds the same rates.
"""

from __future__ import annotations

from typing import NamedTuple

import numpy as np
import pandas as pd

_PATTERN_ROUNDS = 3
_ROUNDS = 20
# The median level counts as much as this many average installs beside a group's own: more would pull a group
# whose revenue is in another unit far from its level.
_LEVEL_INSTALLS = 0.25
# The pattern counts as much as this many installs with the event beside those of the group.
_PATTERN_INSTALLS = 100
# An install without events is expected to bring at least this part of an average one: its logarithm is the offset.
_LEAST_SHARE = 1e-4
# The rate of an install where nobody brought anything.
_LEAST_RATE = 1e-6


class Rates(NamedTuple):
    """`groups`: groups x exposures, revenue per unit of exposure; `whole`: the same of an unknown group."""

    groups: np.ndarray
    whole: np.ndarray


class _Rows(NamedTuple):
    """Rows of one group with equal exposures merged: the sum of their revenue, and how many they are."""

    group: np.ndarray
    exposures: np.ndarray
    revenue: np.ndarray
    sizes: np.ndarray


def fit_rates(group: np.ndarray, count: int, exposures: np.ndarray, revenue: np.ndarray) -> Rates:
    """`group` is each row's number below `count`; `exposures` is rows x exposures, the first one that of the install itself."""
    if not np.any(revenue):
        nothing = np.zeros((count + 1, exposures.shape[1]))
        nothing[:, 0] = _LEAST_RATE
        return Rates(nothing[:-1], nothing[-1])
    rows = _merge(group, exposures, revenue)
    own = _totals(rows.group, count, rows.exposures * rows.sizes[:, None])
    average = own.sum(axis=0) / rows.sizes.sum()
    pattern, levels, level = _pattern(rows, own, average)
    having = np.sum((rows.exposures > 0) * rows.sizes[:, None], axis=0)
    smoothing = _PATTERN_INSTALLS * _divide(own.sum(axis=0), having)
    groups = _maximise(rows, own, prior=levels[:, None] * pattern, weight=smoothing)
    return Rates(_with_floor(groups, average), _with_floor(level * pattern[None], average)[0])


def expected_revenue(rates: np.ndarray, exposures: np.ndarray) -> np.ndarray:
    """Row by row; `rates` has the rates of each row's group."""
    expected = np.zeros(len(exposures))
    for place in range(exposures.shape[1]):
        expected = expected + rates[:, place] * exposures[:, place]
    return expected


def _pattern(rows: _Rows, own: np.ndarray, average: np.ndarray) -> tuple[np.ndarray, np.ndarray, float]:
    """The rates at level 1, each group's level, and the level of the whole: the median over exposure."""
    revenue_of = np.bincount(rows.group, rows.revenue, minlength=len(own))
    together = rows._replace(group=np.zeros_like(rows.group))
    pattern = np.ones(own.shape[1])
    for _ in range(_PATTERN_ROUNDS):
        exposure = expected_revenue(np.repeat(pattern[None], len(own), axis=0), own)
        usual = _LEVEL_INSTALLS * float(np.sum(pattern * average))
        level = _weighted_median(_divide(revenue_of, exposure), exposure)
        if level == 0:  # most groups bring nothing: then the mean is all there is
            level = float(np.sum(revenue_of) / np.sum(exposure))
        levels = (revenue_of + usual * level) / (exposure + usual)
        leveled = together._replace(revenue=_divide(rows.revenue, levels[rows.group]))
        pattern = _maximise(leveled, own.sum(axis=0)[None], prior=pattern[None], weight=np.zeros_like(pattern))[0]
    return pattern, levels, level


def _maximise(rows: _Rows, own: np.ndarray, *, prior: np.ndarray, weight: np.ndarray) -> np.ndarray:
    """Rates of each group, from `prior` on, which counts as if it had been seen on `weight` more exposure."""
    rates = prior
    for _ in range(_ROUNDS):
        part = _divide(rows.revenue, expected_revenue(rates[rows.group], rows.exposures))
        shares = _totals(rows.group, len(own), rows.exposures * part[:, None])
        rates = _divide(rates * shares + weight * prior, own + weight)
    return rates


def _merge(group: np.ndarray, exposures: np.ndarray, revenue: np.ndarray) -> _Rows:
    names = list(range(exposures.shape[1]))
    rows = pd.DataFrame(exposures, columns=names).assign(group=group, revenue=revenue)
    merged = rows.groupby(["group", *names], sort=True)["revenue"].agg(["sum", "size"])
    keys = merged.index.to_frame(index=False)
    sizes = merged["size"].to_numpy(dtype=np.float64)
    return _Rows(keys["group"].to_numpy(), keys[names].to_numpy(dtype=np.float64), merged["sum"].to_numpy(), sizes)


def _totals(group: np.ndarray, count: int, values: np.ndarray) -> np.ndarray:
    return np.column_stack([np.bincount(group, column, minlength=count) for column in values.T])


def _divide(numerator: np.ndarray, denominator: np.ndarray) -> np.ndarray:
    """0 where there is nothing to divide by."""
    return np.divide(numerator, denominator, out=np.zeros_like(numerator), where=denominator > 0)


def _weighted_median(values: np.ndarray, weights: np.ndarray) -> float:
    order = np.argsort(values, kind="stable")
    below = np.cumsum(weights[order])
    return float(values[order][np.searchsorted(below, below[-1] / 2)])


def _with_floor(rates: np.ndarray, average: np.ndarray) -> np.ndarray:
    usual = expected_revenue(rates, np.repeat(average[None], len(rates), axis=0))
    floored = rates.copy()
    floored[:, 0] = np.maximum(rates[:, 0], _LEAST_SHARE * usual)
    return floored
