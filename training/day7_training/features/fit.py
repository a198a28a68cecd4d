"""Fits the feature plan: installs with their revenue become the JSON document that `Plan` applies.

`fit_plan` learns codes, frequencies and smoothed target means from all the rows it is given.
`training_features` applies a plan to those same rows with the target means taken out of fold: a
row's own revenue never reaches its features, or the model would learn to trust a leak.
Sums are exact (math.fsum), so that neither row order nor processor changes the plan.
"""

from __future__ import annotations

import math
from collections.abc import Callable
from typing import Any

import numpy as np
import pandas as pd

from .plan import FORMAT, Plan
from .operators import FOLDS

# A category's mean counts as this many rows at the global mean beside its own: a country with 20
# rows is believed by half, one with 2,000 almost wholly.
SMOOTHING_ROWS = 20

FOLD_COUNT = 5

Document = dict[str, Any]


def _encoded(field: str, encoding: str) -> Document:
    return {"name": f"{field}_{encoding}", "op": "lookup", "field": field, "encoding": encoding, "fold": "ascii_lower"}


def _number(field: str) -> Document:
    return {"name": field, "op": "number", "field": field}


def _share(event: str) -> Document:
    return {"name": f"{event}_ratio", "op": "ratio", "numerator": event, "denominator": "total_events", "plus": 1}


def _version(name: str, part: int, absent: float | None) -> Document:
    return {"name": name, "op": "version_part", "field": "os_version", "part": part, "absent": absent}


# The columns in their order; every one is a feature. Lookups get their values by fitting.
_RECIPE: tuple[Document, ...] = (
    _encoded("platform", "code"),
    _encoded("source", "code"),
    _encoded("country", "frequency"),
    _encoded("country_region", "frequency"),
    _encoded("device_family", "frequency"),
    _encoded("country", "target_mean"),
    _number("event_1"),
    _number("event_2"),
    _number("event_3"),
    {"name": "total_events", "op": "sum", "of": ["event_1", "event_2", "event_3"]},
    _share("event_1"),
    _share("event_2"),
    _share("event_3"),
    _version("os_major", 0, None),
    _version("os_minor", 1, 0),  # "10" is 10.0
)


def fit_plan(installs: pd.DataFrame, revenue: np.ndarray) -> Document:
    """The plan fitted on all of `installs`."""
    columns = [_fit_column(column, installs, revenue) for column in _RECIPE]
    return {"format": FORMAT, "columns": columns, "features": [column["name"] for column in columns], "offset": None}


def training_features(document: Document, installs: pd.DataFrame, revenue: np.ndarray, seed: int) -> np.ndarray:
    """The features of the rows that `document` was fitted on, each fold encoded by the other folds' revenue."""
    features = np.empty((len(installs), len(document["features"])))
    folds = fold_numbers(len(installs), seed)
    for fold in range(FOLD_COUNT):
        inside = folds == fold
        others = ~inside
        columns = [
            _fit_column(column, installs[others], revenue[others]) if _sees_revenue(column) else column
            for column in document["columns"]
        ]
        features[inside] = Plan({**document, "columns": columns}).apply(installs[inside])
    return features


def fold_numbers(rows: int, seed: int) -> np.ndarray:
    """A seeded fold from 0 to FOLD_COUNT - 1 for each row, all of one size to within a row."""
    shuffled = np.random.Generator(np.random.PCG64(seed)).permutation(rows)
    folds = np.empty(rows, dtype=np.int64)
    folds[shuffled] = np.arange(rows) % FOLD_COUNT
    return folds


def _sees_revenue(column: Document) -> bool:
    return column.get("encoding") == "target_mean"


def _fit_column(column: Document, installs: pd.DataFrame, revenue: np.ndarray) -> Document:
    if column["op"] != "lookup":
        return dict(column)
    groups, keys = _group(installs[column["field"]], FOLDS[column["fold"]])
    return {**column, **_FITTERS[column["encoding"]](groups, keys, revenue)}


def _group(texts: pd.Series, fold: Callable[[str], str]) -> tuple[np.ndarray, list[str]]:
    """A group number for each row and the sorted folded keys that they number; -1 is missing."""
    codes, uniques = pd.factorize(texts.to_numpy(dtype=object))
    folded = ["" if text == "" else fold(text) for text in uniques]
    keys = sorted(set(folded) - {""})
    numbers = {"": -1, **{key: number for number, key in enumerate(keys)}}
    return np.array([*(numbers[text] for text in folded), -1], dtype=np.int64)[codes], keys


def _codes(groups: np.ndarray, keys: list[str], revenue: np.ndarray) -> Document:
    return {"values": {key: code for code, key in enumerate(keys)}, "unknown": None, "missing": None}


def _frequencies(groups: np.ndarray, keys: list[str], revenue: np.ndarray) -> Document:
    rows = len(groups)
    counts = np.bincount(groups + 1, minlength=len(keys) + 1).tolist()  # the missing ones come first
    return {
        "values": {key: count / rows for key, count in zip(keys, counts[1:])},
        "unknown": 0,
        "missing": counts[0] / rows,
    }


def _target_means(groups: np.ndarray, keys: list[str], revenue: np.ndarray) -> Document:
    mean = math.fsum(revenue.tolist()) / len(revenue)
    order = np.argsort(groups, kind="stable")
    starts = np.searchsorted(groups[order], np.arange(len(keys) + 1)).tolist()
    sorted_revenue = revenue[order].tolist()
    values = {}
    for group, key in enumerate(keys):
        own = sorted_revenue[starts[group] : starts[group + 1]]
        values[key] = (math.fsum(own) + SMOOTHING_ROWS * mean) / (len(own) + SMOOTHING_ROWS)
    return {"values": values, "unknown": mean, "missing": mean}


_FITTERS = {"code": _codes, "frequency": _frequencies, "target_mean": _target_means}
