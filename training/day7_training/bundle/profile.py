"""Turns the training rows, their features and predictions into what the service compares its requests with.

The reference histograms for drift are of features and predictions as the service would compute them for these rows. A
column of few distinct values gets a bin for each, any other one bins of about a tenth of the rows. NaN is counted apart.
Number and time fields have the least and the greatest value that training saw.
"""

from __future__ import annotations

from typing import Any

import numpy as np
import pandas as pd

from ..inputs.schema import InputSchema

FORMAT = "day7-profile/1"

_FEW_VALUES = 20
_TENTHS = np.arange(1, 10) / 10


def make_profile(
    names: list[str], features: np.ndarray, predictions: np.ndarray, ranges: dict[str, Any]
) -> dict[str, Any]:
    return {
        "format": FORMAT,
        "rows": len(features),
        "features": {name: _histogram(features[:, place]) for place, name in enumerate(names)},
        "predictions": _histogram(predictions),
        "fields": ranges,
    }


def field_ranges(inputs: InputSchema, frame: pd.DataFrame) -> dict[str, dict[str, float]]:
    """By name; a field without any value has none."""
    ranges = {}
    for field in inputs.fields:
        if field.kind not in ("number", "time"):
            continue
        values = frame[field.name].to_numpy(dtype=np.float64)
        if not np.all(np.isnan(values)):
            ranges[field.name] = {"minimum": float(np.nanmin(values)), "maximum": float(np.nanmax(values))}
    return ranges


def _histogram(values: np.ndarray) -> dict[str, Any]:
    present = values[~np.isnan(values)]
    edges = _edges(present)
    # side="left" puts a value that equals an edge below it: bins are (edge, next edge].
    bins = np.searchsorted(edges, present, side="left")
    counts = np.bincount(bins, minlength=len(edges) + 1)
    return {"edges": edges.tolist(), "counts": counts.tolist(), "missing": len(values) - len(present)}


def _edges(present: np.ndarray) -> np.ndarray:
    distinct = np.unique(present)
    if len(distinct) > _FEW_VALUES:
        # Edges are values that occur; a value that fills several tenths gives one edge.
        distinct = np.unique([*np.quantile(present, _TENTHS, method="inverted_cdf"), distinct[-1]])
    return distinct[:-1]  # above the largest value there is nothing to count
