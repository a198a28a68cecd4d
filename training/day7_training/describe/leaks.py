"""Columns that are only known after the horizon: parts of the target, other horizons of it, near-copies, payer marks.

Such a column makes a model that is perfect on paper and useless at the time of prediction. Each finding is a reason in
words. What a name says of early days (`revenue_d0`) is believed: an early part of the target may equal it for many.
"""

from __future__ import annotations

import re
from collections.abc import Sequence

import numpy as np
import pandas as pd

from .column import BOOLEAN, NUMBER, TEXT, TIME, ColumnFacts

# Rows that tests are made on.
_MOST_ROWS = 100_000
_LEAST_PAYERS = 20
# The share of payers for whom a column equals the target.
_EQUAL_IS_LEAK = 0.5
_EQUAL_IS_LEAK_THOUGH_EARLY = 0.95
_SAME_RATIO_SPREAD = 0.02
_LATER_RANK_CORRELATION = 0.6
_EXACT = 0.95
_MARK_CAUGHT, _MARK_FALSE = 0.99, 0.005
_FEW_TEXTS = 50
_DAY = re.compile(
    r"(?:^|[^a-z0-9])(?:d|day|days)[ _-]?(\d{1,4})(?![a-z0-9])|(?<![a-z0-9])(\d{1,4})[ _-]?(?:d|day|days)(?![a-z0-9])"
)
_WEEK = re.compile(
    r"(?:^|[^a-z0-9])(?:w|week)[ _-]?(\d{1,3})(?![a-z0-9])|(?<![a-z0-9])(\d{1,3})[ _-]?(?:w|week|weeks)(?![a-z0-9])"
)
_EVER = re.compile(r"ltv|lifetime|life_time|(?:^|[ _])(?:all|total)[ _]time")


def day_of_name(name: str) -> int | None:
    """The day that a name ends at: 0 of `revenue_d0`, 14 of `week 2`; None where it says none."""
    spaced = re.sub("([a-z])([A-Z])", r"\1_\2", name).lower()
    days = [int(one or other) for one, other in _DAY.findall(spaced)]
    days += [7 * int(one or other) for one, other in _WEEK.findall(spaced)]
    return max(days) if days else None


def find_leaks(columns: Sequence[ColumnFacts], target: ColumnFacts, horizon_days: float) -> dict[str, str]:
    """The reason by the name of the column."""
    tested = _Tested(target)
    found: dict[str, str] = {}
    for column in columns:
        reason = _by_name(column.name, horizon_days) or tested.reason(column, horizon_days)
        if reason:
            found[column.name] = reason
    found.update(tested.parts([each for each in columns if each.kind == NUMBER], found, horizon_days))
    return found


def _by_name(name: str, horizon_days: float) -> str | None:
    day = day_of_name(name)
    if day is not None and day >= horizon_days:
        return f"its name says day {day}, and the target is known after {horizon_days:g} days"
    if _EVER.search(name.lower()):
        return "its name says that it is of the whole life of a player"
    return None


class _Tested:
    def __init__(self, target: ColumnFacts) -> None:
        known = np.flatnonzero(~np.isnan(target.values))
        chooser = np.random.Generator(np.random.PCG64(7))
        self._rows = known if len(known) <= _MOST_ROWS else np.sort(chooser.permutation(known)[:_MOST_ROWS])
        self._target = target.values[self._rows]
        self._pays = self._target > 0
        self._whole = target.is_whole

    def reason(self, column: ColumnFacts, horizon_days: float) -> str | None:
        if np.count_nonzero(self._pays) < _LEAST_PAYERS:
            return None
        if column.kind == TEXT:
            return self._mark_of_texts(column)
        values = column.values[self._rows]
        if column.kind in (BOOLEAN, TIME):
            there = np.nan_to_num(values) if column.kind == BOOLEAN else (~np.isnan(values)).astype(float)
            return self._mark(there > 0, "is true" if column.kind == BOOLEAN else "is there")
        early = (day_of_name(column.name) or horizon_days) < horizon_days or day_of_name(column.name) == 0
        return self._equal(values, early) or (None if early else self._copy(values) or self._later(values, column))

    def parts(self, columns: Sequence[ColumnFacts], found: dict[str, str], horizon_days: float) -> dict[str, str]:
        """Columns that add up to the target, by least squares: those whose weight is 1."""
        rows = self._rows[: 5 * _MOST_ROWS // 25]
        target = self._target[: len(rows)]
        usable = [each for each in columns if self._may_be_part(each.values[rows], target)]
        # The most like the target first: sums of hundreds of columns could be anything.
        usable = sorted(usable, key=lambda each: -_equality(each.values[rows], target))[:30]
        if len(usable) < 2:
            return {}
        matrix = np.column_stack([np.nan_to_num(each.values[rows]) for each in usable])
        names: dict[str, str] = {}
        for chosen in _exact_sums(matrix, target):
            parts = [usable[place].name for place in chosen]
            for place in chosen:
                day = day_of_name(usable[place].name)
                if usable[place].name not in found and not (day is not None and day < horizon_days):
                    names[usable[place].name] = f"a part of the target: {' + '.join(parts)} is it in nearly all rows"
        return names

    def _may_be_part(self, values: np.ndarray, target: np.ndarray) -> bool:
        present = np.nan_to_num(values)
        return bool(np.any(present != 0)) and float(np.mean(present <= target + _slack(target))) >= _EXACT

    def _equal(self, values: np.ndarray, early: bool) -> str | None:
        share = _equality(values[self._pays], self._target[self._pays])
        if share >= (_EQUAL_IS_LEAK_THOUGH_EARLY if early else _EQUAL_IS_LEAK):
            return f"it equals the target for {share:.0%} of those who bring something"
        return None

    def _copy(self, values: np.ndarray) -> str | None:
        both = self._pays & (values > 0)
        if np.count_nonzero(both) < max(_LEAST_PAYERS, 0.5 * np.count_nonzero(self._pays)):
            return None
        ratio = np.log(values[both] / self._target[both])
        low, high = np.quantile(ratio, [0.1, 0.9])
        # Constant targets have a constant ratio to any constant.
        if high - low < _SAME_RATIO_SPREAD and np.ptp(np.log(self._target[both])) > 0.1:
            return f"it is the target times {np.exp(np.median(ratio)):.4g}"
        return None

    def _later(self, values: np.ndarray, column: ColumnFacts) -> str | None:
        """At least the target in each row and of its order: a later horizon. Counts beside money are none."""
        if column.is_whole != self._whole:
            return None
        pays = self._pays & ~np.isnan(values)
        if np.count_nonzero(pays) < max(_LEAST_PAYERS, 0.9 * np.count_nonzero(self._pays)):
            return None
        at_least = float(np.mean(values[pays] >= self._target[pays] - _slack(self._target[pays])))
        near = float(np.mean(values[pays] <= 10 * self._target[pays]))
        zeros = float(np.mean(np.nan_to_num(values[~self._pays]) <= 0)) if not np.all(self._pays) else 1.0
        if at_least < 0.98 or near < 0.5 or zeros < 0.5:
            return None
        ranks = pd.Series(values[pays]).corr(pd.Series(self._target[pays]), method="spearman")
        if ranks >= _LATER_RANK_CORRELATION:
            return (
                f"it is at least the target for {at_least:.0%} of those who bring something, in nearly the same order"
            )
        return None

    def _mark(self, there: np.ndarray, verb: str) -> str | None:
        if not 0.002 <= float(np.mean(self._pays)) <= 0.9:
            return None
        caught = float(np.mean(there[self._pays]))
        wrong = float(np.mean(there[~self._pays]))
        if caught >= _MARK_CAUGHT and wrong <= _MARK_FALSE:
            return f"it {verb} for {caught:.0%} of those who bring something and {wrong:.1%} of the others: it marks payers"
        return None

    def _mark_of_texts(self, column: ColumnFacts) -> str | None:
        if column.distinct > _FEW_TEXTS:
            return None
        codes = column.column.codes[self._rows]
        pays = np.bincount(codes, self._pays, minlength=len(column.column.uniques))
        sizes = np.bincount(codes, minlength=len(column.column.uniques))
        mostly = pays * 2 > sizes
        return self._mark(mostly[codes], "has certain texts") if np.any(mostly) else None


def _slack(target: np.ndarray) -> np.ndarray:
    return np.abs(target) * 1e-6 + 1e-9


def _equality(values: np.ndarray, target: np.ndarray) -> float:
    if not len(target):
        return 0.0
    # In some tables one of the two is rounded.
    near = np.abs(np.nan_to_num(values, nan=np.inf) - target) <= np.maximum(np.abs(target) * 1e-4, 1e-9)
    return float(np.mean(near))


def _exact_sums(matrix: np.ndarray, target: np.ndarray) -> list[list[int]]:
    """Sets of columns with weights of 1 that give the target in nearly all rows."""
    found = []
    for rows in (slice(0, len(target), 2), slice(1, len(target), 2)):
        weights = np.linalg.lstsq(matrix[rows], target[rows], rcond=None)[0]
        chosen = [place for place, weight in enumerate(weights) if abs(weight - 1) < 0.02]
        if len(chosen) > 1 and _adds_up(matrix[:, chosen].sum(axis=1), target):
            found.append(chosen)
    if not found:  # a few rows that do not add up spoil least squares: pairs are tried one by one
        places = range(matrix.shape[1])
        pairs = [[one, other] for one in places for other in places if one < other]
        found = [pair for pair in pairs if _adds_up(matrix[:, pair].sum(axis=1), target, matrix[:, pair])]
    return found


def _adds_up(total: np.ndarray, target: np.ndarray, parts: np.ndarray | None = None) -> bool:
    near = np.abs(total - target) <= np.maximum(np.abs(target) * 1e-3, 1e-6)
    telling = target != 0
    if parts is not None:  # both must matter
        alone = [np.mean(np.abs(part[telling] - target[telling]) <= np.abs(target[telling]) * 1e-3) for part in parts.T]
        if max(alone, default=0.0) >= _EXACT and np.mean(near[telling]) - max(alone) < 0.005:
            return False
    return bool(np.any(telling)) and float(np.mean(near[telling])) >= _EXACT
