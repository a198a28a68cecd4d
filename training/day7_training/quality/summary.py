"""Turns installs into the figures a reader looks at first: each column in a line, the revenue in a dozen numbers.

Texts that differ only in ASCII case count as one, as they do for the model. What is undefined (a
share of no revenue, the usual value of a column that is all null) is None.
"""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
import pandas as pd

from ..features.operators import FOLDS
from ..features.texts import group_by_text
from ..inputs.schema import NINE_FIELDS, InputSchema


@dataclass(frozen=True)
class ColumnSummary:
    """`usual` is the most frequent value, which `usual_rows` have; `zeros` and `largest` are of numbers only."""

    name: str
    nulls: int
    distinct: int
    usual: str | None
    usual_rows: int
    zeros: int | None
    largest: float | None


@dataclass(frozen=True)
class RevenueSummary:
    """`top_1` and `top_5` are the shares of the revenue that the 1 % and 5 % of installs with most bring."""

    rows: int
    zeros: int
    total: float
    mean: float
    median: float
    largest: float
    top_1: float | None
    top_5: float | None
    gini: float | None


def summarize_columns(frame: pd.DataFrame, inputs: InputSchema = NINE_FIELDS) -> list[ColumnSummary]:
    """Every field and the revenue, in the order of the fields."""
    kinds = {field.name: field.kind for field in inputs.fields} | {inputs.target.name: "number"}
    return [
        _text_column(name, frame[name]) if kind == "text" else _number_column(name, frame[name].to_numpy())
        for name, kind in kinds.items()
    ]


def summarize_revenue(revenue: np.ndarray) -> RevenueSummary:
    """Expects at least one row."""
    return RevenueSummary(
        rows=len(revenue),
        zeros=int(np.count_nonzero(revenue == 0)),
        total=float(np.sum(revenue)),
        mean=float(np.mean(revenue)),
        median=float(np.median(revenue)),
        largest=float(np.max(revenue)),
        top_1=top_share(revenue, 0.01),
        top_5=top_share(revenue, 0.05),
        gini=gini(revenue),
    )


def top_share(revenue: np.ndarray, part: float) -> float | None:
    """The share of the revenue that the `part` of installs with most bring: at least one install."""
    count = max(1, round(part * len(revenue)))
    total = float(np.sum(revenue))
    return float(np.sum(np.partition(revenue, len(revenue) - count)[-count:])) / total if total else None


def lorenz(revenue: np.ndarray) -> np.ndarray:
    """The share of revenue of the poorest 0, 1, 2, … installs. Expects some revenue."""
    running = np.concatenate([[0.0], np.cumsum(np.sort(revenue))])
    return running / running[-1]


def gini(revenue: np.ndarray) -> float | None:
    """0 where all bring the same, near 1 where one brings all: twice the area between diagonal and Lorenz curve."""
    if not np.any(revenue):
        return None
    curve = lorenz(revenue)
    return float(1 - np.sum(curve[1:] + curve[:-1]) / len(revenue))


def _text_column(name: str, texts: pd.Series) -> ColumnSummary:
    group, keys = group_by_text(texts, FOLDS["ascii_lower"])
    sizes = np.bincount(group, minlength=len(keys) + 1)
    largest = int(np.argmax(sizes[1:])) if keys else None
    usual, usual_rows = (None, 0) if largest is None else (keys[largest], int(sizes[largest + 1]))
    return ColumnSummary(name, int(sizes[0]), len(keys), usual, usual_rows, None, None)


def _number_column(name: str, numbers: np.ndarray) -> ColumnSummary:
    known = numbers[~np.isnan(numbers)]
    nulls = len(numbers) - len(known)
    if not len(known):
        return ColumnSummary(name, nulls, 0, None, 0, 0, None)
    values, sizes = np.unique(known, return_counts=True)
    usual = int(np.argmax(sizes))
    zeros = int(np.count_nonzero(known == 0))
    return ColumnSummary(name, nulls, len(values), f"{values[usual]:g}", int(sizes[usual]), zeros, float(values[-1]))
