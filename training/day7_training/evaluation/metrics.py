"""Measures predictions against the revenue that really came: MAE, RMSE, R² and normalised Gini.

The normalised Gini asks whether the order is right: rows are ranked by prediction, highest first,
equal predictions sharing their middle rank, and revenue concentrated at the top scores high. It is
that score divided by the score of the perfect order: 1 is perfect, 0 is no skill (a constant
prediction is exactly 0), below 0 is upside down. Sums are exact, so the order of rows is no matter.
"""

from __future__ import annotations

import math
from collections.abc import Mapping

import numpy as np

Metrics = dict[str, float | int | None]


def measure(actual: np.ndarray, predicted: np.ndarray) -> Metrics:
    """The metrics by name; R² and Gini are None where all revenue is equal, which leaves them undefined."""
    errors = predicted - actual
    squares = math.fsum((errors * errors).tolist())
    spread = actual - math.fsum(actual.tolist()) / len(actual)
    total = math.fsum((spread * spread).tolist())
    constant = bool(np.all(actual == actual[0]))
    return {
        "rows": len(actual),
        "mae": math.fsum(np.abs(errors).tolist()) / len(actual),
        "rmse": math.sqrt(squares / len(actual)),
        "r2": None if constant else 1 - squares / total,
        "normalisedGini": None if constant else _gini(actual, predicted) / _gini(actual, actual),
    }


def metrics_table(metrics: Mapping[str, float | int | None]) -> str:
    """Two aligned columns: the name of a metric and its value."""
    cells = {name: "undefined" if value is None else f"{value:.6g}" for name, value in metrics.items()}
    return "\n".join(f"{name:<16}{cell:>12}" for name, cell in cells.items())


def _gini(actual: np.ndarray, scores: np.ndarray) -> float:
    ranks = _middle_ranks(scores)
    rows = len(actual)
    return math.fsum((actual * (rows + 1 - 2 * ranks)).tolist()) / (rows * math.fsum(actual.tolist()))


def _middle_ranks(scores: np.ndarray) -> np.ndarray:
    """Ranks from 1 for the highest score; equal scores share the mean of the ranks they cover."""
    _, group, sizes = np.unique(-scores, return_inverse=True, return_counts=True)
    last = np.cumsum(sizes)
    return (last - (sizes - 1) / 2)[group]
