"""Mends raw scores that are logarithms: calibrated = intercept + slope * raw score, fitted on held-out rows.

Models that stop early, or see means of the target, predict too little in sum, or too much. The pair is data in the
bundle and applied by both languages to the last bit. Groups in another unit have pairs of their own, since a factor
for all would be theirs alone.
"""

from __future__ import annotations

import dataclasses
import math
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from typing import Any, NamedTuple

import numpy as np
import pandas as pd

from ..errors import UserError
from ..features.folds import fold_numbers
from ..features.operators import FOLDS
from ..features.texts import distinct_texts, group_by_text

FOLD = "ascii_lower"
_SLOPES = np.arange(10, 31) / 20
_PIECES = 5
# Of what is calibrated by the others: few would say more of the chance by which large payers fell into them.
_CROSSWISE_PIECES = 20
# A slope must lower the deviance by this share of it to be worth having.
_LEAST_GAIN = 2e-3
# Smaller changes of the sum are noise.
_LEAST_INTERCEPT = 0.005
_LEAST_GROUP_ROWS = 20
_POWER = 1.5


class Pair(NamedTuple):
    intercept: float
    slope: float

    def apply(self, raw_scores: np.ndarray) -> np.ndarray:
        return self.intercept + self.slope * raw_scores


@dataclass(frozen=True)
class Calibration:
    """`groups`: pairs by the folded text of `field`; all other rows have `pair`."""

    pair: Pair
    field: str | None = None
    groups: Mapping[str, Pair] = dataclasses.field(default_factory=dict)

    def pairs(self, frame: pd.DataFrame) -> tuple[np.ndarray, np.ndarray]:
        """The intercept and the slope of each row."""
        if self.field is None or not self.groups:
            return np.full(len(frame), self.pair.intercept), np.full(len(frame), self.pair.slope)
        codes, uniques = distinct_texts(frame[self.field])
        fold = FOLDS[FOLD]
        each = [self.pair if text == "" else self.groups.get(fold(text), self.pair) for text in uniques]
        # The code of null is -1, and index -1 is the last value.
        both = np.array([*each, self.pair], dtype=np.float64)[codes]
        return both[:, 0], both[:, 1]

    def document(self) -> dict[str, Any]:
        groups = {key: pair._asdict() for key, pair in self.groups.items()}
        return {
            **self.pair._asdict(),
            "field": self.field,
            "fold": None if self.field is None else FOLD,
            "groups": groups,
        }


def calibrate(raw_scores: np.ndarray, pairs: tuple[np.ndarray, np.ndarray]) -> np.ndarray:
    """The product is rounded, and then the sum."""
    intercepts, slopes = pairs
    return intercepts + slopes * raw_scores


def read_calibration(document: Any, text_fields: Sequence[str], where: str) -> Calibration | None:
    """@raises UserError"""
    if document is None:
        return None
    _expect(isinstance(document, dict), where, "calibration", "an object or null")
    _expect(document.keys() == {"intercept", "slope", "field", "fold", "groups"}, where, "calibration", "its five keys")
    pair = _read_pair({key: document[key] for key in Pair._fields}, where, "calibration")
    name, groups = document["field"], document["groups"]
    if name is None:
        _expect(
            document["fold"] is None and groups == {}, where, "calibration", "no fold and no groups without a field"
        )
        return Calibration(pair)
    _expect(name in text_fields, where, "calibration.field", "a text field of inputs.json")
    _expect(document["fold"] == FOLD, where, "calibration.fold", FOLD)
    _expect(isinstance(groups, dict), where, "calibration.groups", "an object")
    for key in groups:
        _expect(FOLDS[FOLD](key) == key, where, f"calibration.groups {key!r}", "a key already folded")
    return Calibration(pair, name, {key: _read_pair(each, where, "calibration.groups") for key, each in groups.items()})


def _read_pair(document: Any, where: str, key: str) -> Pair:
    good = isinstance(document, dict) and document.keys() == set(Pair._fields)
    good = good and all(type(value) in (int, float) and math.isfinite(value) for value in document.values())
    _expect(good and document["slope"] > 0, where, key, "a finite intercept and a finite slope above 0")
    return Pair(float(document["intercept"]), float(document["slope"]))


def _expect(good: bool, where: str, key: str, expected: str) -> None:
    if not good:
        raise UserError(f"{where}: expected {expected} as prediction.{key}")


class Held(NamedTuple):
    """Held-out rows: what each brought, its raw scores (several of a mean), its chance to pay (or ones), if flagged."""

    frame: pd.DataFrame
    actual: np.ndarray
    raw_scores: Sequence[np.ndarray]
    chance: np.ndarray
    flagged: np.ndarray

    def of(self, rows: np.ndarray) -> Held:
        scores = [each[rows] for each in self.raw_scores]
        return Held(self.frame[rows], self.actual[rows], scores, self.chance[rows], self.flagged[rows])

    def predict(self, adjust: Callable[[np.ndarray], np.ndarray]) -> np.ndarray:
        return self.chance * np.mean([np.exp(adjust(each)) for each in self.raw_scores], axis=0)


def fit_calibration(
    held: Held, flagged_groups: Sequence[tuple[str, str]], seed: int, *, level_alone: bool = False
) -> Calibration | None:
    """`flagged_groups`: field and folded text of groups in another unit. None where nothing is to be mended.

    `level_alone`: one intercept for all rows, which trees can bear by themselves.
    """
    if level_alone:
        calibration = Calibration(_fit_pair(held.of(~held.flagged), with_slope=False))
        return None if _changes_nothing(calibration) else calibration
    usual = held.of(~held.flagged)
    pair = _fit_pair(usual, with_slope=_slope_gains(usual, seed))
    name = flagged_groups[0][0] if flagged_groups else None
    groups = {}
    for field_name, key in flagged_groups:
        if field_name != name:  # one lookup; groups of a second field keep the pair of all
            continue
        number, keys = group_by_text(held.frame[field_name], FOLDS[FOLD])
        rows = number == (keys.index(key) + 1 if key in keys else -1)
        if np.count_nonzero(rows) >= _LEAST_GROUP_ROWS:
            groups[key] = _fit_pair(held.of(rows), with_slope=False)
    calibration = Calibration(pair, name if groups else None, groups)
    return None if _changes_nothing(calibration) else calibration


def calibrate_crosswise(
    held: Held, flagged_groups: Sequence[tuple[str, str]], seed: int, *, level_alone: bool = False
) -> np.ndarray:
    """What each row is predicted by the pairs that were fitted without it: for an honest evaluation."""
    predicted = np.empty(len(held.actual))
    pieces = fold_numbers(len(held.actual), _CROSSWISE_PIECES, seed)
    for piece in range(_CROSSWISE_PIECES):
        inside = pieces == piece
        rows = held.of(inside)
        calibration = fit_calibration(held.of(~inside), flagged_groups, seed, level_alone=level_alone)
        if calibration is None:
            predicted[inside] = rows.predict(lambda scores: scores)
        else:
            pairs = calibration.pairs(rows.frame)
            predicted[inside] = rows.predict(lambda scores: calibrate(scores, pairs))
    return predicted


def mean_deviance(actual: np.ndarray, predicted: np.ndarray) -> float:
    """Tweedie's of power 1.5 over the deviance of the mean: 1 is no better than the mean, whatever the unit."""
    mean = float(np.mean(actual))
    if mean == 0:
        return 1.0
    return _deviance(actual / mean, predicted / mean) / _deviance(actual / mean, np.ones(len(actual)))


def _deviance(actual: np.ndarray, predicted: np.ndarray) -> float:
    expected = np.maximum(predicted, 1e-9)
    zero = np.power(actual, 2 - _POWER) / ((1 - _POWER) * (2 - _POWER))
    cross = actual * np.power(expected, 1 - _POWER) / (1 - _POWER)
    return float(2 * np.mean(zero - cross + np.power(expected, 2 - _POWER) / (2 - _POWER)))


def _fit_pair(held: Held, *, with_slope: bool) -> Pair:
    if not np.any(held.actual > 0):
        return Pair(0.0, 1.0)
    candidates = []
    for slope in _SLOPES if with_slope else (1.0,):
        intercept = _level(held, float(slope))
        if intercept is not None:
            pair = Pair(intercept, float(slope))
            candidates.append((mean_deviance(held.actual, held.predict(pair.apply)), pair))
    return min(candidates)[1] if candidates else Pair(0.0, 1.0)


def _level(held: Held, slope: float) -> float | None:
    """The intercept under which the sum of predictions is that of the target."""
    highest = max(float(np.max(slope * each)) for each in held.raw_scores)
    total = float(np.sum(held.predict(lambda scores: slope * scores - highest)))
    if not (math.isfinite(highest) and math.isfinite(total) and total > 0):
        return None
    return math.log(float(np.sum(held.actual))) - math.log(total) - highest


def _slope_gains(held: Held, seed: int) -> bool:
    pieces = fold_numbers(len(held.actual), _PIECES, seed)
    level, sloped = np.empty(len(held.actual)), np.empty(len(held.actual))
    for piece in range(_PIECES):
        inside = pieces == piece
        others, rows = held.of(~inside), held.of(inside)
        level[inside] = rows.predict(_fit_pair(others, with_slope=False).apply)
        sloped[inside] = rows.predict(_fit_pair(others, with_slope=True).apply)
    return mean_deviance(held.actual, sloped) < mean_deviance(held.actual, level) * (1 - _LEAST_GAIN)


def _changes_nothing(calibration: Calibration) -> bool:
    pairs = [calibration.pair, *calibration.groups.values()]
    return all(abs(pair.intercept) < _LEAST_INTERCEPT and pair.slope == 1 for pair in pairs)
