"""Honest time: at each of several origins a model learns from what was known then and predicts what came after.

An install is known at an origin if its horizon had passed, so between what a model learns from and what it is tested on
lies a gap of a horizon. Steps are a week, as a weekly retraining has them, or shorter where the table is. The rows of
an origin are calibrated by those of origins before it, and only by what had matured; the first origins serve that
alone. The served model is calibrated by the latest of these rows.
"""

from __future__ import annotations

import math
from dataclasses import dataclass
from typing import Any, NamedTuple

import numpy as np

from ..data.timeline import Timeline
from ..evaluation.metrics import measure
from ..inputs.calendar import DAY_MS, show_time
from ..progress import Progress
from .boosting import Learner
from .calibration import Calibration, calibrate, fit_calibration
from .held_out import LEVEL, HeldOut, Split, can_be_calibrated, flagged_groups, hold_out
from .parameters import SEED, Parameters
from .training_rows import MINIMUM_PAYERS, MINIMUM_ROWS, TrainingRows

ORIGINS = 4
STEP_MS = 7 * DAY_MS
# What the first model learns from, in steps.
FIRST_STEPS = 2
MOST_LEADING = 6
# The latest rows with so many payers calibrate: fewer would be led by chance, more by the past.
CALIBRATION_PAYERS = 500


class Window(NamedTuple):
    """A model that knew what had matured at `origin` is tested on the installs from there on, and before `until`."""

    origin: float
    until: float


@dataclass(frozen=True)
class Rolled:
    """`held` are the rows that are tested, `predicted` with the calibration of their origin; `calibration` is the served model's."""

    windows: list[Window]
    held: HeldOut
    predicted: np.ndarray
    calibration: Calibration | None
    learned_rows: list[int]
    calibrated_rows: list[int]


def windows_of(times: np.ndarray, horizon_ms: float) -> tuple[list[Window], int]:
    """By time; and how many of them serve calibration alone. None where mature installs span less than a horizon."""
    start, end = float(np.min(times)), float(np.max(times)) + 1
    usable = end - start - horizon_ms
    if usable <= 0:
        return [], 0
    for leading in range(1, MOST_LEADING + 1):
        step = min(STEP_MS, usable / (ORIGINS + leading + FIRST_STEPS))
        # The first window has matured at the origin of the first one that is tested.
        if leading >= 1 + math.ceil(horizon_ms / step):
            break
    else:
        leading, step = 0, min(STEP_MS, usable / (ORIGINS + FIRST_STEPS))
    count = ORIGINS + leading
    edges = [end - step * (count - place) for place in range(count)] + [end]
    return [Window(*each) for each in zip(edges, edges[1:])], leading


def roll(
    rows: TrainingRows,
    parameters: Parameters,
    max_trees: int | None,
    progress: Progress,
    learner: Learner,
    how: str,
) -> Rolled | None:
    """`how` held-out rows calibrate. None where the rows do not give every origin enough to learn from and something to test."""
    timeline = rows.timeline
    times = timeline.of(rows.frame)
    windows, leading = windows_of(times, timeline.horizon_ms)
    splits = [_split(window, times, timeline, place, len(windows)) for place, window in enumerate(windows)]
    while leading and not _is_enough(rows, splits[0]):
        windows, splits, leading = windows[1:], splits[1:], leading - 1
    if not splits or not all(_is_enough(rows, split) for split in splits):
        return None
    held = hold_out(rows, splits, parameters, max_trees, progress, learner, in_order=True)
    calibrates = can_be_calibrated(held, str(parameters["objective"]), how)
    predicted, calibrated_rows = held.predicted.copy(), []
    for number, window in enumerate(windows[leading:], leading):
        before = [place for place in range(number) if windows[place].until <= window.origin - timeline.horizon_ms]
        latest = _latest(held, before) if calibrates else np.zeros(len(predicted), dtype=bool)
        calibrated_rows.append(int(np.count_nonzero(latest)))
        found = _fit(held, latest, rows, how)
        if found is not None:
            mine = held.split == number
            data = held.of(mine).to_calibrate()
            pairs = found.pairs(data.frame)
            predicted[mine] = data.predict(lambda scores, pairs=pairs: calibrate(scores, pairs))
    calibration = _fit(held, _latest(held, range(len(windows))), rows, how) if calibrates else None
    tested = held.split >= leading
    learned = [int(np.count_nonzero(split.fitting)) for split in splits[leading:]]
    kept = held.of(tested)
    kept = kept._replace(split=kept.split - leading, trees=held.trees[leading:])
    return Rolled(windows[leading:], kept, predicted[tested], calibration, learned, calibrated_rows)


def _split(window: Window, times: np.ndarray, timeline: Timeline, place: int, count: int) -> Split:
    known = times + timeline.horizon_ms < window.origin
    return Split(f"origin {place + 1} of {count}", known, (times >= window.origin) & (times < window.until))


def _is_enough(rows: TrainingRows, split: Split) -> bool:
    revenue = rows.revenue[split.fitting]
    if len(revenue) < MINIMUM_ROWS or np.count_nonzero(revenue) < MINIMUM_PAYERS:
        return False
    return bool(np.any(revenue != revenue[0])) and bool(np.any(rows.revenue[split.held] > 0))


def _latest(held: HeldOut, windows: Any) -> np.ndarray:
    """Whether a row is in one of the latest of these windows that have payers enough together, or in any of them."""
    chosen = np.zeros(len(held.actual), dtype=bool)
    for number in sorted(windows, reverse=True):
        chosen |= held.split == number
        if np.count_nonzero(held.actual[chosen]) >= CALIBRATION_PAYERS:
            break
    return chosen


def _fit(held: HeldOut, rows: np.ndarray, of: TrainingRows, how: str) -> Calibration | None:
    if not np.any(held.actual[rows] > 0):
        return None
    return fit_calibration(held.of(rows).to_calibrate(), flagged_groups(of), SEED, level_alone=how == LEVEL)


def time_document(
    timeline: Timeline, rolled: Rolled | None, folds: HeldOut, predicted_by_folds: np.ndarray
) -> dict[str, Any]:
    """What the evaluation says of time; `rolling` is null where the rows were too few, or of too short a time, to roll through."""
    about = timeline.document()
    if rolled is None:
        return {**about, "rolling": None}
    random, later = measure(folds.actual, predicted_by_folds), measure(rolled.held.actual, rolled.predicted)
    difference = {
        name: later[name] - random[name]
        for name in ("mae", "biasRatio", "normalisedGini")
        if later[name] is not None and random[name] is not None
    }
    origins = [_origin(rolled, number, timeline) for number in range(len(rolled.windows))]
    return {**about, "rolling": {"origins": origins, "randomFolds": random, "difference": difference}}


def _origin(rolled: Rolled, number: int, timeline: Timeline) -> dict[str, Any]:
    window, mine = rolled.windows[number], rolled.held.split == number
    return {
        "origin": show_time(math.floor(window.origin)),
        "learnedBefore": show_time(math.floor(window.origin - timeline.horizon_ms)),
        "until": show_time(math.floor(window.until)),
        "learnedRows": rolled.learned_rows[number],
        "calibratedRows": rolled.calibrated_rows[number],
        "metrics": measure(rolled.held.actual[mine], rolled.predicted[mine]),
    }
