"""Finds groups whose revenue is in another unit: cents for euros, or a currency nobody converted.

In such a group an event brings orders of magnitude more (or less) than anywhere else. Each field is
looked at in turn, and rows that an earlier field explains are left out of the later ones, so that a
country is named once and not again by its regions. Medians over installs are compared, not sums: one
player who spends much is no anomaly.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
import pandas as pd

from ..features.operators import FOLDS
from ..features.texts import group_by_text
from ..inputs.schema import NINE_FIELDS, InputSchema

# Countries differ by a factor of ten; a hundred is no market.
LEAST_RATIO = 100
# Fewer installs with revenue are chance.
LEAST_INSTALLS = 5


@dataclass(frozen=True)
class UnitAnomaly:
    """`value` is in lower case; `ratio` is its median revenue per event over that of all other installs."""

    field: str
    value: str
    rows: int
    revenue_share: float
    ratio: float

    def __str__(self) -> str:
        return (
            f"{self.field} {self.value}: {self.rows} installs bring {self.revenue_share:.2%} of all revenue, "
            f"{self.ratio:.3g} times the revenue per event of the others; is it in another unit?"
        )


def find_unit_anomalies(frame: pd.DataFrame, inputs: InputSchema = NINE_FIELDS) -> tuple[list[UnitAnomaly], np.ndarray]:
    """The anomalies, and for each row whether it is in one of them. Without events, revenue itself is compared."""
    revenue = frame[inputs.target.name].to_numpy()
    counted = [field.name for field in inputs.with_role("event")]
    events = frame[counted].sum(axis=1).to_numpy() if counted else np.ones(len(frame))
    usable = (revenue > 0) & (events > 0)
    rate = np.divide(revenue, events, out=np.zeros_like(revenue), where=usable)
    usable &= np.isfinite(events) & (rate > 0)  # sums of huge counts overflow, parts of tiny revenue vanish
    flagged = np.zeros(len(frame), dtype=bool)
    anomalies: list[UnitAnomaly] = []
    for field in [each.name for each in inputs.fields if each.kind == "text"]:
        group, keys = group_by_text(frame[field], FOLDS["ascii_lower"])
        rows = usable & ~flagged
        for number, ratio in _outliers(group[rows], rate[rows]):
            members = group == number
            share = float(revenue[members].sum() / revenue.sum())
            anomalies.append(UnitAnomaly(field, keys[number - 1], int(members.sum()), share, ratio))
            flagged |= members
    return anomalies, flagged


def _outliers(group: np.ndarray, rate: np.ndarray) -> Sequence[tuple[int, float]]:
    """Group numbers with the ratio of their median rate to that of all other rows, the farthest first."""
    rates = pd.DataFrame({"group": group, "rate": rate})
    medians = rates.groupby("group")["rate"].agg(["median", "size"])
    whole = float(np.median(rate)) if len(rate) else 0.0
    found = []
    for number, median, size in medians.itertuples():
        # Far from the whole by less than half the bound is far from the others by less than the bound.
        if number == 0 or size < LEAST_INSTALLS or _distance(median, whole) < LEAST_RATIO**0.5:
            continue
        others = rate[group != number]
        ratio = float(median / np.median(others)) if len(others) else 1.0
        if _distance(ratio, 1.0) >= LEAST_RATIO:
            found.append((int(number), ratio))
    return sorted(found, key=lambda each: _distance(each[1], 1.0), reverse=True)


def _distance(a: float, b: float) -> float:
    return max(a / b, b / a)
