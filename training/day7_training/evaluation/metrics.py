"""Measures predictions against the revenue that really came, by the metrics that user acquisition decides by.

- `mae`, `rmse`, `r2`: how far off, in the unit of the revenue; R² of the mean is 0.
- `normalisedGini`: is the order right? Rows are ranked by prediction, highest first, equal predictions
  sharing their middle rank, and revenue concentrated at the top scores high; divided by the score of the
  perfect order. 1 is perfect, a constant prediction is exactly 0, below 0 is upside down.
- `spearman`: the correlation of the ranks, equal values sharing their middle rank.
- `biasRatio`: sum of predictions over sum of revenue. 1.05 bids 5 % too high.
- `topCapture`: the revenue of the 5 % of rows predicted highest, over that of the 5 % that brought most.
  Rows that tie at the border count by the mean of the tie.
- `payerAuc`: the chance that a payer is predicted above one who brings nothing, ties counting half.
- `withinInterval`, `belowInterval`, `aboveInterval`: where the model gives p10 and p90, the share of rows between them,
  both included, below p10, and above p90. 0.8, 0.1 and 0.1 are perfect, if revenue had no ties: where more than a tenth
  of the rows bring nothing, p10 is 0 and nothing can be below it.

What is undefined (R² where all revenue is equal, a ratio to 0) is None.
"""

from __future__ import annotations

import math
from collections.abc import Mapping

import numpy as np

Metrics = dict[str, float | int | None]

TOP_SHARE = 0.05


def measure(
    actual: np.ndarray, predicted: np.ndarray, interval: tuple[np.ndarray, np.ndarray] | None = None
) -> Metrics:
    """The metrics by name; `interval` is p10 and p90 of each row."""
    errors = predicted - actual
    squares = float(np.sum(errors * errors))
    spread = float(np.sum((actual - np.mean(actual)) ** 2))
    varied = bool(np.any(actual != actual[0]))
    ranks = middle_ranks(predicted)
    return {
        "rows": len(actual),
        "mae": float(np.mean(np.abs(errors))),
        "rmse": math.sqrt(squares / len(actual)),
        "r2": 1 - squares / spread if varied else None,
        "normalisedGini": _gini(actual, ranks) / _gini(actual, middle_ranks(actual)) if varied else None,
        "spearman": _correlation(middle_ranks(actual), ranks) if varied else None,
        "biasRatio": bias_ratio(actual, predicted),
        "topCapture": _ratio(_top_revenue(actual, predicted), _top_revenue(actual, actual)),
        "payerAuc": _auc(actual > 0, ranks),
        **({} if interval is None else _coverage(actual, *interval)),
    }


def metrics_table(columns: Mapping[str, Metrics]) -> str:
    """A line for each metric, a column for each set of rows."""
    names = list(next(iter(columns.values())))
    widths = {title: max(12, len(title) + 2) for title in columns}
    lines = [" " * 16 + "".join(f"{title:>{widths[title]}}" for title in columns)]
    for name in names:
        cells = (f"{format_metric(columns[title][name]):>{widths[title]}}" for title in columns)
        lines.append(f"{name:<16}{''.join(cells)}")
    return "\n".join(lines)


def format_metric(value: float | None) -> str:
    return "undefined" if value is None else f"{value:.6g}"


def bias_ratio(actual: np.ndarray, predicted: np.ndarray) -> float | None:
    return _ratio(float(np.sum(predicted)), float(np.sum(actual)))


def middle_ranks(scores: np.ndarray) -> np.ndarray:
    """Ranks from 1 for the highest score; equal scores share the mean of the ranks they cover."""
    _, group, sizes = np.unique(-scores, return_inverse=True, return_counts=True)
    last = np.cumsum(sizes)
    return (last - (sizes - 1) / 2)[group]


def _coverage(actual: np.ndarray, low: np.ndarray, high: np.ndarray) -> Metrics:
    return {
        "withinInterval": float(np.mean((low <= actual) & (actual <= high))),
        "belowInterval": float(np.mean(actual < low)),
        "aboveInterval": float(np.mean(actual > high)),
    }


def _gini(actual: np.ndarray, ranks: np.ndarray) -> float:
    return float(np.sum(actual * (len(actual) + 1 - 2 * ranks))) / (len(actual) * float(np.sum(actual)))


def _correlation(a: np.ndarray, b: np.ndarray) -> float | None:
    a, b = a - np.mean(a), b - np.mean(b)
    return _ratio(float(np.sum(a * b)), math.sqrt(float(np.sum(a * a)) * float(np.sum(b * b)))) if np.any(b) else 0.0


def _top_revenue(actual: np.ndarray, scores: np.ndarray) -> float:
    wanted = max(1, round(TOP_SHARE * len(actual)))
    border = np.partition(scores, len(scores) - wanted)[len(scores) - wanted]
    above, tied = scores > border, scores == border
    return float(np.sum(actual[above]) + np.mean(actual[tied]) * (wanted - np.count_nonzero(above)))


def _auc(payer: np.ndarray, ranks: np.ndarray) -> float | None:
    payers, others = int(np.count_nonzero(payer)), int(np.count_nonzero(~payer))
    if not payers or not others:
        return None
    # Ranks fall with the score: the sum of the others' ranks counts the payers above them.
    return float((np.sum(ranks[~payer]) - others * (others + 1) / 2) / (payers * others))


def _ratio(numerator: float, denominator: float) -> float | None:
    return numerator / denominator if denominator else None
