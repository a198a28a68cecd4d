"""Fits by what factor each value of each field raises or lowers a target: target ~ level * factor_a * factor_b * ...

All fields are fitted together, each given the others, so a campaign is not praised for its country. Factors of
values that are seen little are pulled towards 1; how much is found for each field by empirical Bayes: sums are
Poisson-like around expectation times factor, factors Gamma around 1, and the width of the Gamma is the one under
which the sums are likeliest. A field that says nothing gets factors of 1.
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import NamedTuple

import numpy as np
from scipy.special import gammaln

# The Gamma's shape: how much expected target counts as much as a value's own.
_STRENGTHS = 2.0 ** np.arange(-2, 16)
# More would let fields that say nothing fit what is left of the others.
_ROUNDS = 2
# A factor moves one value's target by no more than this: the logarithm must stay finite.
_LEAST_FACTOR = 1e-3


class Grouping(NamedTuple):
    """A group number below `count` for each row."""

    number: np.ndarray
    count: int

    def of(self, rows: np.ndarray) -> Grouping:
        return Grouping(self.number[rows], self.count)


class Factors(NamedTuple):
    """`level` is what is expected where all factors are 1; `by_field` has one factor for each group number."""

    level: float
    by_field: Mapping[str, np.ndarray]


def fit_factors(groupings: Mapping[str, Grouping], target: np.ndarray, *, counts: bool) -> Factors:
    """`counts`: whether the target is 0 or 1."""
    factors = {name: np.ones(grouping.count) for name, grouping in groupings.items()}
    total = float(np.sum(target))
    if total == 0:
        return Factors(0.0, factors)
    predicted = np.full(len(target), total / len(target))
    # Those that say most come first, since what one explains is no longer there for the next.
    told = {name: evidence(grouping, target, counts=counts) for name, grouping in groupings.items()}
    for _ in range(_ROUNDS):
        dispersion = 1.0 if counts else _dispersion(target, predicted)
        for name in sorted(groupings, key=told.__getitem__, reverse=True):
            number, count = groupings[name]
            without = predicted / factors[name][number]
            seen = np.bincount(number, target, minlength=count) / dispersion
            expected = np.bincount(number, without, minlength=count) / dispersion
            factors[name] = _shrunk(seen, expected)
            predicted = without * factors[name][number]
        predicted *= total / float(np.sum(predicted))
    relative = np.ones(len(target))
    for name, (number, _) in groupings.items():
        relative = relative * factors[name][number]
    return Factors(total / float(np.sum(relative)), factors)


def shrink(grouping: Grouping, target: np.ndarray, *, counts: bool) -> tuple[np.ndarray, float]:
    """The mean of each group, pulled towards the mean of all, and that mean."""
    mean = float(np.mean(target)) if len(target) else 0.0
    if mean == 0:
        return np.zeros(grouping.count), 0.0
    dispersion = 1.0 if counts else _dispersion(target, np.full(len(target), mean))
    seen = np.bincount(grouping.number, target, minlength=grouping.count) / dispersion
    expected = np.bincount(grouping.number, minlength=grouping.count) * (mean / dispersion)
    return mean * _shrunk(seen, expected), mean


def evidence(grouping: Grouping, target: np.ndarray, *, counts: bool) -> float:
    """How much likelier the sums are with factors of their own than without, as a difference of logarithms."""
    mean = float(np.mean(target))
    if mean == 0:
        return 0.0
    dispersion = 1.0 if counts else _dispersion(target, np.full(len(target), mean))
    seen = np.bincount(grouping.number, target, minlength=grouping.count) / dispersion
    expected = np.bincount(grouping.number, minlength=grouping.count) * (mean / dispersion)
    there = expected > 0
    likelihoods = _likelihoods(seen[there], expected[there])
    return float(np.max(likelihoods) - likelihoods[-1])


def _dispersion(target: np.ndarray, predicted: np.ndarray) -> float:
    return max(float(np.mean((target - predicted) ** 2 / predicted)), 1e-9)


def _shrunk(seen: np.ndarray, expected: np.ndarray) -> np.ndarray:
    there = expected > 0
    strength = _STRENGTHS[int(np.argmax(_likelihoods(seen[there], expected[there])))]
    return np.maximum((seen + strength) / (expected + strength), _LEAST_FACTOR)


def _likelihoods(seen: np.ndarray, expected: np.ndarray) -> np.ndarray:
    """The logarithm of the likelihood by strength, but for what is the same for all."""
    return np.array(
        [
            np.sum(gammaln(seen + k) - gammaln(k) + k * np.log(k / (expected + k)) - seen * np.log(expected + k))
            for k in _STRENGTHS
        ]
    )
