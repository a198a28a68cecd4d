"""Evaluates predictions in full: the metrics with bootstrap intervals, calibration by deciles, and bias by group.

Everything is given for all rows and, where rows are flagged as being in another unit, again without
them: a group with 99 % of the revenue hides how all others fare. The document is `evaluation.json` of a
bundle; the model card is made from it.
"""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

import numpy as np
import pandas as pd

from ..features.operators import FOLDS
from ..features.texts import group_by_text
from .metrics import Metrics, bias_ratio, measure, middle_ranks

FORMAT = "day7-evaluation/1"

GROUP_FIELDS = ("country", "source", "platform")
# Groups with the most rows; the rest is one group of its own.
SHOWN_GROUPS = 10
DECILES = 10
# Fewer where rows are so many that intervals are narrow anyway: RESAMPLED_ROWS bounds the work.
RESAMPLES = 500
LEAST_RESAMPLES = 50
RESAMPLED_ROWS = 5_000_000
CONFIDENCE = 0.95


def evaluate(
    frame: pd.DataFrame,
    actual: np.ndarray,
    predicted: np.ndarray,
    flagged: np.ndarray,
    seed: int,
    interval: tuple[np.ndarray, np.ndarray] | None = None,
    *,
    facets: Sequence[str] = GROUP_FIELDS,
) -> dict[str, Any]:
    """`flagged`: whether a row belongs to a group in another unit. Without such rows the second part is null.

    `interval`: p10 and p90 of each row, where the model gives them.
    """
    columns = (actual, predicted, *(interval or ()))
    some = bool(np.any(flagged)) and not np.all(flagged)
    others = frame[~flagged], tuple(column[~flagged] for column in columns)
    return {
        "format": FORMAT,
        "all": _part(frame, columns, seed, facets),
        "withoutFlagged": _part(*others, seed, facets) if some else None,
    }


# Actual, predicted, and where there is an interval p10 and p90.
_Columns = tuple[np.ndarray, ...]


def _part(frame: pd.DataFrame, columns: _Columns, seed: int, facets: Sequence[str]) -> dict[str, Any]:
    actual, predicted = columns[:2]
    return {
        "metrics": _measure(columns),
        "intervals": intervals(*columns, seed=seed),
        "calibration": calibration(actual, predicted),
        "groups": {field: groups(frame[field], actual, predicted) for field in facets},
    }


def _measure(columns: _Columns) -> Metrics:
    actual, predicted, *interval = columns
    return measure(actual, predicted, (interval[0], interval[1]) if interval else None)


def intervals(*columns: np.ndarray, seed: int) -> dict[str, list[float] | None]:
    """The 95 % interval of each metric: percentiles over samples of the rows with replacement."""
    generator = np.random.Generator(np.random.PCG64(seed))
    size = len(columns[0])
    samples = []
    for _ in range(min(RESAMPLES, max(LEAST_RESAMPLES, RESAMPLED_ROWS // size))):
        rows = generator.integers(0, size, size)
        samples.append(_measure(tuple(column[rows] for column in columns)))
    tails = [(1 - CONFIDENCE) / 2, (1 + CONFIDENCE) / 2]
    found: dict[str, list[float] | None] = {}
    for name in samples[0]:
        values = [sample[name] for sample in samples if sample[name] is not None]
        if name != "rows":
            found[name] = np.quantile(values, tails).tolist() if values else None
    return found


def calibration(actual: np.ndarray, predicted: np.ndarray) -> list[dict[str, float]]:
    """Tenths of the rows by prediction, lowest first, with what was predicted and what came, both as means.

    Equal predictions are never split between bins: each goes to the bin in which the middle of its tie
    falls. So where more than a tenth of the rows share a prediction, there are fewer than ten bins.
    """
    rows = len(actual)
    from_below = rows + 1 - middle_ranks(predicted)
    bins = np.minimum(((from_below - 0.5) * DECILES / rows).astype(np.int64), DECILES - 1)
    return [
        {
            "decile": int(number) + 1,
            "rows": int(np.count_nonzero(bins == number)),
            "predicted": float(np.mean(predicted[bins == number])),
            "actual": float(np.mean(actual[bins == number])),
        }
        for number in np.unique(bins)
    ]


def groups(texts: pd.Series, actual: np.ndarray, predicted: np.ndarray) -> list[dict[str, Any]]:
    """Rows, sums and bias ratio of each large group; `value` is null for missing texts, and the rest is `others`."""
    if texts.dtype.kind == "f":  # a boolean
        texts = texts.map({1.0: "true", 0.0: "false"}).astype(object).where(texts.notna(), None)
    group, keys = group_by_text(texts, FOLDS["ascii_lower"])
    sizes = np.bincount(group, minlength=len(keys) + 1)
    order = np.argsort(-sizes, kind="stable")
    shown = [int(number) for number in order[:SHOWN_GROUPS] if sizes[number]]
    names = {number: None if number == 0 else keys[number - 1] for number in shown}
    parts = [(names[number], False, group == number) for number in shown]
    rest = ~np.isin(group, shown)
    if np.any(rest):
        parts.append((None, True, rest))
    return [
        {
            "value": value,
            "others": others,
            "rows": int(np.count_nonzero(rows)),
            "actual": float(np.sum(actual[rows])),
            "predicted": float(np.sum(predicted[rows])),
            "biasRatio": bias_ratio(actual[rows], predicted[rows]),
        }
        for value, others, rows in parts
    ]
