"""Turns the features and predictions of the training rows into the reference histograms for drift.

Both are as the service would compute them for these rows. A column of few distinct values gets a
bin for each, any other one bins of about a tenth of the rows. NaN is counted apart.
"""

from __future__ import annotations

from typing import Any

import numpy as np

FORMAT = "day7-profile/1"

_FEW_VALUES = 20
_TENTHS = np.arange(1, 10) / 10


def make_profile(names: list[str], features: np.ndarray, predictions: np.ndarray) -> dict[str, Any]:
    return {
        "format": FORMAT,
        "rows": len(features),
        "features": {name: _histogram(features[:, place]) for place, name in enumerate(names)},
        "predictions": _histogram(predictions),
    }


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
