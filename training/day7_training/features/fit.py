"""Fits the feature plan: installs with their revenue become the JSON document that `Plan` applies.

`fit_plan` learns codes, frequencies, target means and revenue rates from all the rows it is given.
`training_features` applies a plan to those same rows with all that looks at the revenue taken out of
fold: a row's own revenue never reaches its features or its offset, or the model would learn to trust
a leak. Only + - * / in a fixed order, so that every processor writes the same plan.
"""

from __future__ import annotations

from collections.abc import Callable
from functools import cached_property
from typing import Any

import numpy as np
import pandas as pd

from ..data.installs import FIELDS, NULLABLE_FIELDS, NUMBER_FIELDS
from .operators import FOLDS, REVENUE_ENCODINGS
from .plan import FORMAT, Encoded, Plan
from .rates import Rates, expected_revenue, fit_rates

# A category's mean counts as this many rows at the global mean beside its own: a country with 20
# rows is believed by half, one with 2,000 almost wholly.
SMOOTHING_ROWS = 20

# Many: the rates that a training row sees should be as good as those that a new install will see.
FOLD_COUNT = 10

Document = dict[str, Any]


def fit_plan(installs: pd.DataFrame, revenue: np.ndarray, *, offset: bool) -> Document:
    """The plan fitted on all of `installs`; `offset` says whether the expected revenue is the offset or a feature."""
    rows = _Rows(installs, revenue)
    columns = [_fit_column(column, rows) for column in _RECIPE]
    steps = _STEPS if offset else _STEPS - {_EXPECTED}
    return {
        "format": FORMAT,
        "columns": columns if offset else columns[:-1],
        "features": [column["name"] for column in columns if column["name"] not in steps],
        "offset": _OFFSET if offset else None,
    }


def training_features(document: Document, installs: pd.DataFrame, revenue: np.ndarray, seed: int) -> Encoded:
    """The features of the rows that `document` was fitted on, each fold encoded by the other folds' revenue."""
    features = np.empty((len(installs), len(document["features"])))
    offset = np.empty(len(installs))
    folds = fold_numbers(len(installs), FOLD_COUNT, seed)
    for fold in range(FOLD_COUNT):
        inside = folds == fold
        others = _Rows(installs[~inside], revenue[~inside])
        columns = [
            _fit_column(column, others) if column.get("encoding") in REVENUE_ENCODINGS else column
            for column in document["columns"]
        ]
        features[inside], offset[inside] = Plan({**document, "columns": columns}).apply(installs[inside])
    return Encoded(features, offset)


def fold_numbers(rows: int, folds: int, seed: int) -> np.ndarray:
    """A seeded fold from 0 to `folds` - 1 for each row, all of one size to within a row."""
    shuffled = np.random.Generator(np.random.PCG64(seed)).permutation(rows)
    numbers = np.empty(rows, dtype=np.int64)
    numbers[shuffled] = np.arange(rows) % folds
    return numbers


# Device families begin with the brand: "Samsung Galaxy Phone".
_BRAND = "ascii_lower_first_word"


def _encoded(field: str, encoding: str, fold: str = "ascii_lower", name: str | None = None) -> Document:
    return {"name": name or f"{field}_{encoding}", "op": "lookup", "field": field, "encoding": encoding, "fold": fold}


def _number(field: str) -> Document:
    return {"name": field, "op": "number", "field": field}


def _share(event: str) -> Document:
    return {"name": f"{event}_ratio", "op": "ratio", "numerator": event, "denominator": "total_events", "plus": 1}


def _log_count(event: str) -> Document:
    return {"name": f"log_{event}", "op": "log", "argument": event, "plus": 1}


def _version(name: str, part: int, absent: float | None) -> Document:
    return {"name": name, "op": "version_part", "field": "os_version", "part": part, "absent": absent}


def _rate(exposure: str) -> Document:
    return _encoded("country", "revenue_rate", name=f"revenue_per_{exposure}")


def _expected_from(event: str) -> Document:
    return {"name": f"expected_from_{event}", "op": "product", "of": [f"revenue_per_{event}", event]}


_EXPOSURES = ("install", *NUMBER_FIELDS)
_EXPECTED = "expected_revenue"
_OFFSET = "log_expected_revenue"

# The columns in their order. Lookups get their values by fitting.
_RECIPE: tuple[Document, ...] = (
    # What the seed system knew.
    _encoded("platform", "code"),
    _encoded("source", "code"),
    _encoded("country", "frequency"),
    _encoded("country_region", "frequency"),
    _encoded("device_family", "frequency"),
    _encoded("country", "target_mean"),
    *(_number(event) for event in NUMBER_FIELDS),
    {"name": "total_events", "op": "sum", "of": list(NUMBER_FIELDS)},
    *(_share(event) for event in NUMBER_FIELDS),
    _version("os_major", 0, None),
    _version("os_minor", 1, 0),  # "10" is 10.0
    # Counts span four orders of magnitude, and that a value is missing can tell something.
    *(_log_count(event) for event in NUMBER_FIELDS),
    *({"name": f"{field}_missing", "op": "is_missing", "field": field} for field in FIELDS if field in NULLABLE_FIELDS),
    # What an install and each event bring in this country, and so what this install is expected to bring.
    *(_rate(exposure) for exposure in _EXPOSURES),
    *(_expected_from(event) for event in NUMBER_FIELDS),
    {
        "name": "expected_by_country",
        "op": "sum",
        "of": ["revenue_per_install", *(f"expected_from_{event}" for event in NUMBER_FIELDS)],
    },
    # How much more or less than its country and platform lead to expect a group brings: 1 is as much.
    _encoded("platform", "relative_revenue"),
    _encoded("source", "relative_revenue"),
    _encoded("country_region", "relative_revenue"),
    _encoded("device_family", "relative_revenue"),
    _encoded("device_family", "relative_revenue", _BRAND, name="brand_relative_revenue"),
    {"name": _EXPECTED, "op": "product", "of": ["expected_by_country", "platform_relative_revenue"]},
    {"name": _OFFSET, "op": "log", "argument": _EXPECTED, "plus": 0},
)

# The model does not see these. The rates of a country, exact to the last digit, would tell it which fold a
# training row is in, and so a little of the row's own revenue: they reach it through the offset alone.
_STEPS = frozenset(
    {
        *(f"revenue_per_{exposure}" for exposure in _EXPOSURES),
        *(f"expected_from_{event}" for event in NUMBER_FIELDS),
        "expected_by_country",
        _EXPECTED,
        _OFFSET,
    }
)


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
    def exposures(self) -> np.ndarray:
        counts = [self.installs[event].fillna(0).to_numpy() for event in NUMBER_FIELDS]
        return np.column_stack([np.ones(len(self.installs)), *counts])

    @cached_property
    def rates(self) -> Rates:
        """By country, of exposures that count more on a platform whose events bring more."""
        first = self._fit_rates(self.exposures)
        ratios = self.relative("platform", "ascii_lower", first, self.exposures)
        return self._fit_rates(self.by_platform(ratios))

    def by_platform(self, ratios: np.ndarray) -> np.ndarray:
        """The exposures times the platform's ratio, one a platform."""
        group, _ = self.group("platform", "ascii_lower")
        return self.exposures * ratios[group][:, None]

    def relative(self, field: str, fold: str, rates: Rates, exposures: np.ndarray) -> np.ndarray:
        """Revenue over expected revenue of each group, both in what an average install brings in its country."""
        country, _ = self.group("country", "ascii_lower")
        average = np.repeat(self.exposures.mean(axis=0)[None], len(rates.groups), axis=0)
        unit = expected_revenue(rates.groups, average)[country]
        group, keys = self.group(field, fold)
        actual = np.bincount(group, self.revenue / unit, minlength=len(keys) + 1)
        expected = expected_revenue(rates.groups[country], exposures) / unit
        return (actual + SMOOTHING_ROWS) / (np.bincount(group, expected, minlength=len(keys) + 1) + SMOOTHING_ROWS)

    @cached_property
    def platform_ratios(self) -> np.ndarray:
        return self.relative("platform", "ascii_lower", self.rates, self.exposures)

    def _fit_rates(self, exposures: np.ndarray) -> Rates:
        group, keys = self.group("country", "ascii_lower")
        return fit_rates(group, len(keys) + 1, exposures, self.revenue)


def group_by_text(texts: pd.Series, fold: Callable[[str], str]) -> tuple[np.ndarray, list[str]]:
    """A group number for each row and the sorted folded keys; group 0 is missing, key 0 is group 1."""
    codes, uniques = pd.factorize(texts.to_numpy(dtype=object))
    folded = [None if text == "" else fold(text) for text in uniques]
    keys = sorted({key for key in folded if key is not None})
    number_of = {None: 0, **{key: number for number, key in enumerate(keys, 1)}}
    # factorize codes null as -1, and index -1 is the last value.
    return np.array([*(number_of[key] for key in folded), 0], dtype=np.int64)[codes], keys


def _fit_column(column: Document, rows: _Rows) -> Document:
    return {**column, **_FITTERS[column["encoding"]](column, rows)} if column["op"] == "lookup" else dict(column)


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
    place = _EXPOSURES.index(column["name"].removeprefix("revenue_per_"))
    rates, whole = rows.rates.groups[:, place], float(rows.rates.whole[place])
    return _lookup(keys, rates[1:], whole, whole)


def _relative_revenues(column: Document, rows: _Rows) -> Document:
    ratios = rows.platform_ratios
    if column["field"] != "platform":
        ratios = rows.relative(column["field"], column["fold"], rows.rates, rows.by_platform(ratios))
    return _lookup(rows.group(column["field"], column["fold"])[1], ratios[1:], 1, float(ratios[0]))


_FITTERS: dict[str, Callable[[Document, _Rows], Document]] = {
    "code": _codes,
    "frequency": _frequencies,
    "target_mean": _target_means,
    "revenue_rate": _revenue_rates,
    "relative_revenue": _relative_revenues,
}
