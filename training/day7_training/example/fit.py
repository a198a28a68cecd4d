"""Fits the feature plan: installs with their revenue become the JSON document that `Plan` applies.

`fit_plan` learns codes, frequencies, target means and revenue rates from all the rows it is given.
`training_features` applies a plan to those same rows with all that looks at the revenue taken out of
fold: a row's own revenue never reaches its features or its offset, or the model would learn to trust
a leak. Only + - * / in a fixed order, so that every processor writes the same plan.
"""

from __future__ import annotations

from collections.abc import Callable
from functools import cached_property
from typing import NamedTuple

import numpy as np
import pandas as pd

from ..data.installs import NUMBER_FIELDS
from ..features.folds import fold_numbers
from ..features.operators import FOLDS, REVENUE_ENCODINGS
from ..features.plan import FORMAT, Encoded, Plan
from ..features.rates import Rates, expected_revenue, fit_rates
from ..features.recipe import median_unit
from ..features.texts import encode_texts, group_by_text
from ..inputs.schema import NINE_FIELDS, InputSchema
from ..progress import Progress, no_progress
from .recipe import (
    EXPECTED,
    EXPOSURES,
    OFFSET,
    PAYER,
    PAYER_OFFSET,
    RECIPE,
    STEPS,
    TWO_PART_RECIPE,
    TWO_PART_STEPS,
    Document,
)

# A category's mean counts as this many rows at the global mean beside its own: a country with 20
# rows is believed by half, one with 2,000 almost wholly.
SMOOTHING_ROWS = 20

# Many: the rates that a training row sees should be as good as those that a new install will see.
FOLD_COUNT = 10


def fit_plan(installs: pd.DataFrame, revenue: np.ndarray, *, offset: bool) -> Document:
    """The plan fitted on all of `installs`; `offset` says whether the expected revenue is the offset or a feature."""
    if offset:
        return _fit(installs, revenue, RECIPE, STEPS, OFFSET)
    return _fit(installs, revenue, RECIPE[:-1], STEPS - {EXPECTED}, None)


def fit_two_part_plan(installs: pd.DataFrame, revenue: np.ndarray) -> Document:
    """The same with the expected revenue as a feature, and as the offset what a payer is expected to bring."""
    return _fit(installs, revenue, TWO_PART_RECIPE, TWO_PART_STEPS, PAYER_OFFSET)


def _fit(
    installs: pd.DataFrame, revenue: np.ndarray, recipe: tuple[Document, ...], steps: frozenset[str], offset: str | None
) -> Document:
    rows = _Rows(encode_texts(installs), revenue)
    columns = [_fit_column(column, rows) for column in recipe]
    features = [column["name"] for column in columns if column["name"] not in steps]
    return {"format": FORMAT, "columns": columns, "features": features, "offset": offset}


def training_features(
    document: Document, installs: pd.DataFrame, revenue: np.ndarray, seed: int, progress: Progress = no_progress
) -> Encoded:
    """The features of the rows that `document` was fitted on, each fold encoded by the other folds' revenue."""
    installs = encode_texts(installs)
    features = np.empty((len(installs), len(document["features"])))
    offset = np.empty(len(installs))
    folds = fold_numbers(len(installs), FOLD_COUNT, seed)
    with progress("features", FOLD_COUNT) as step:
        for fold in range(FOLD_COUNT):
            inside = folds == fold
            others = _Rows(installs[~inside], revenue[~inside])
            columns = [
                _fit_column(column, others) if column.get("encoding") in REVENUE_ENCODINGS else column
                for column in document["columns"]
            ]
            features[inside], offset[inside], _ = Plan({**document, "columns": columns}).apply(installs[inside])
            step()
    return Encoded(features, offset)


class ExampleRecipe:
    """The recipe of the nine fields. The champion that ships is trained in the unit that its target has."""

    inputs: InputSchema = NINE_FIELDS

    def __init__(self, *, own_unit: bool = False) -> None:
        self._own_unit = own_unit

    def unit(self, target: np.ndarray) -> float:
        return 1.0 if self._own_unit else median_unit(target)

    def fit(self, frame: pd.DataFrame, target: np.ndarray, *, offset: bool) -> Document:
        return fit_plan(frame, target, offset=offset)

    def fit_two_part(self, frame: pd.DataFrame, target: np.ndarray) -> Document:
        return fit_two_part_plan(frame, target)

    def training_features(
        self, document: Document, frame: pd.DataFrame, target: np.ndarray, seed: int, progress: Progress = no_progress
    ) -> Encoded:
        return training_features(document, frame, target, seed, progress)


class _InUnits(NamedTuple):
    """Each row's revenue and expected revenue, in what an average install brings in its country."""

    actual: np.ndarray
    expected: np.ndarray


class _Rows:
    """Rows to fit on, and what several columns need of them, computed once."""

    def __init__(self, installs: pd.DataFrame, revenue: np.ndarray) -> None:
        self.installs = installs
        self.revenue = revenue
        self._groups: dict[tuple[str, str], tuple[np.ndarray, list[str]]] = {}

    def group(self, field: str, fold: str) -> tuple[np.ndarray, list[str]]:
        """A group number for each row and the sorted folded keys; group 0 is missing, key 0 is group 1."""
        if (field, fold) not in self._groups:
            self._groups[field, fold] = group_by_text(self.installs[field], FOLDS[fold])
        return self._groups[field, fold]

    @cached_property
    def payers(self) -> _Rows:
        pays = self.revenue > 0
        return _Rows(self.installs[pays], self.revenue[pays])

    @cached_property
    def exposures(self) -> np.ndarray:
        counts = [self.installs[event].fillna(0).to_numpy() for event in NUMBER_FIELDS]
        return np.column_stack([np.ones(len(self.installs)), *counts])

    @cached_property
    def rates(self) -> Rates:
        """By country, of exposures that count more on a platform whose events bring more."""
        first = self._fit_rates(self.exposures)
        ratios = self.relative("platform", "ascii_lower", self._in_units(first, self.exposures))
        return self._fit_rates(self._by_platform(ratios))

    @cached_property
    def platform_ratios(self) -> np.ndarray:
        return self.relative("platform", "ascii_lower", self._in_units(self.rates, self.exposures))

    @cached_property
    def by_country_and_platform(self) -> _InUnits:
        return self._in_units(self.rates, self._by_platform(self.platform_ratios))

    def relative(self, field: str, fold: str, revenue: _InUnits) -> np.ndarray:
        """Revenue over expected revenue of each group."""
        group, keys = self.group(field, fold)
        actual = np.bincount(group, revenue.actual, minlength=len(keys) + 1)
        expected = np.bincount(group, revenue.expected, minlength=len(keys) + 1)
        return (actual + SMOOTHING_ROWS) / (expected + SMOOTHING_ROWS)

    def _by_platform(self, ratios: np.ndarray) -> np.ndarray:
        """The exposures times the platform's ratio, one a platform."""
        group, _ = self.group("platform", "ascii_lower")
        return self.exposures * ratios[group][:, None]

    def _in_units(self, rates: Rates, exposures: np.ndarray) -> _InUnits:
        country, _ = self.group("country", "ascii_lower")
        average = np.repeat(self.exposures.mean(axis=0)[None], len(rates.groups), axis=0)
        unit = expected_revenue(rates.groups, average)[country]
        return _InUnits(self.revenue / unit, expected_revenue(rates.groups[country], exposures) / unit)

    def _fit_rates(self, exposures: np.ndarray) -> Rates:
        group, keys = self.group("country", "ascii_lower")
        return fit_rates(group, len(keys) + 1, exposures, self.revenue)


def _fit_column(column: Document, rows: _Rows) -> Document:
    if column["op"] != "lookup":
        return dict(column)
    return {**column, **_FITTERS[column["encoding"]](column, rows.payers if column["name"].startswith(PAYER) else rows)}


def _lookup(keys: list[str], values: np.ndarray, unknown: float | None, missing: float | None) -> Document:
    return {"values": dict(zip(keys, values.tolist())), "unknown": unknown, "missing": missing}


def _codes(column: Document, rows: _Rows) -> Document:
    _, keys = rows.group(column["field"], column["fold"])
    return _lookup(keys, np.arange(len(keys)), None, None)


def _frequencies(column: Document, rows: _Rows) -> Document:
    group, keys = rows.group(column["field"], column["fold"])
    shares = np.bincount(group, minlength=len(keys) + 1) / len(group)
    return _lookup(keys, shares[1:], 0, float(shares[0]))


def _target_means(column: Document, rows: _Rows) -> Document:
    group, keys = rows.group(column["field"], column["fold"])
    mean = float(np.cumsum(rows.revenue)[-1] / len(group))
    totals = np.bincount(group, rows.revenue, minlength=len(keys) + 1)
    counts = np.bincount(group, minlength=len(keys) + 1)
    means = _nearest_power_of_four((totals + SMOOTHING_ROWS * mean) / (counts + SMOOTHING_ROWS))
    whole = float(_nearest_power_of_four(np.array([mean]))[0])
    return _lookup(keys, means[1:], whole, whole)


def _nearest_power_of_four(values: np.ndarray) -> np.ndarray:
    """0.5 and 1.9 become 1; 0 stays. The exact mean of the other folds would tell which fold a training row is in."""
    mantissa, exponent = np.frexp(values)  # values = mantissa * 2**exponent, mantissa from 1/2
    return np.where(mantissa > 0, np.ldexp(1.0, 2 * (exponent // 2)), 0.0)


def _revenue_rates(column: Document, rows: _Rows) -> Document:
    _, keys = rows.group(column["field"], column["fold"])
    place = EXPOSURES.index(column["name"].removeprefix(PAYER).removeprefix("revenue_per_"))
    rates, whole = rows.rates.groups[:, place], float(rows.rates.whole[place])
    return _lookup(keys, rates[1:], whole, whole)


def _relative_revenues(column: Document, rows: _Rows) -> Document:
    ratios = rows.platform_ratios
    if column["field"] != "platform":
        ratios = rows.relative(column["field"], column["fold"], rows.by_country_and_platform)
    return _lookup(rows.group(column["field"], column["fold"])[1], ratios[1:], 1, float(ratios[0]))


_FITTERS: dict[str, Callable[[Document, _Rows], Document]] = {
    "code": _codes,
    "frequency": _frequencies,
    "target_mean": _target_means,
    "revenue_rate": _revenue_rates,
    "relative_revenue": _relative_revenues,
}
