"""Rows that are held out from the models that predict them: by random folds, or by any other splits of the rows.

Each model adds trees until a seeded tenth of its rows says stop. The number that counts is the one that did best on the
watched rows of all splits that may be looked at, and models of that size are fitted once more where rows are few.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from typing import Any, NamedTuple

import numpy as np
import pandas as pd

from ..features.folds import fold_numbers
from ..progress import Progress
from .boosting import Learner, Trees, pooled_trees
from .calibration import Calibration, Held, calibrate_crosswise, fit_calibration
from .combination import HURDLE, AnyModel, Combination, calibrated_names, scores_of
from .model import LOG_LINK_OBJECTIVES, Answers, Interval
from .parameters import SEED, Parameters
from .training_rows import TrainingRows

FOLD_COUNT = 5
# Above, a fifth of the rows measures as well as all of them, in a fifth of the time.
MANY_ROWS = 100_000
# Above, the tenth that was watched would teach a model of a fold little more, and fitting it again takes a while.
REFIT_ROWS = 50_000
MAX_TREES = 1000
# DART reweights earlier trees as it goes, so a best iteration cannot be cut out and none is looked for.
MAX_TREES_DART = 200
# What is done with the sum that held-out rows show to be wrong: nothing; one factor, in the trees; or all of calibration.py,
# in the bundle.
UNCALIBRATED, LEVEL, PAIRS = "uncalibrated", "level", "pairs"


class Split(NamedTuple):
    """Whether a row is fitted on, and whether it is held out; a row may be neither."""

    title: str
    fitting: np.ndarray
    held: np.ndarray


class HeldOut(NamedTuple):
    """Rows that were held out, in the order of the table, and what was made of them; `split`: the number of each row's split.

    `trees`: of each split's model; `raw_scores`: those to calibrate; `chance`: to pay, or ones.
    """

    trees: list[Trees]
    frame: pd.DataFrame
    split: np.ndarray
    actual: np.ndarray
    predicted: np.ndarray
    flagged: np.ndarray
    interval: Interval | None
    raw_scores: list[np.ndarray]
    chance: np.ndarray

    def of(self, rows: np.ndarray) -> HeldOut:
        columns = (column[rows] for column in (self.split, self.actual, self.predicted, self.flagged))
        interval = None if self.interval is None else Interval(*(column[rows] for column in self.interval))
        scores = [each[rows] for each in self.raw_scores]
        return HeldOut(self.trees, self.frame[rows], *columns, interval, scores, self.chance[rows])

    def to_calibrate(self) -> Held:
        return Held(self.frame, self.actual, self.raw_scores, self.chance, self.flagged)


def random_folds(rows: int, learner: Learner) -> list[Split]:
    """Each row is held out once; of many rows, or on a cluster, a fifth is."""
    folds = fold_numbers(rows, FOLD_COUNT, SEED)
    count = 1 if rows > MANY_ROWS or learner.distributed else FOLD_COUNT
    return [Split(f"held out {fold + 1} of {count}", folds != fold, folds == fold) for fold in range(count)]


def hold_out(
    rows: TrainingRows,
    splits: Sequence[Split],
    parameters: Parameters,
    max_trees: int | None,
    progress: Progress,
    learner: Learner,
    *,
    in_order: bool = False,
) -> HeldOut:
    """`in_order`: the size of a model is decided by its own watched rows and those of the splits before, not of those after."""
    frame, revenue = rows.frame, rows.revenue
    # On a cluster nothing stops early: a number of trees that is given is not doubted.
    given = parameters["boosting"] == "dart" or (learner.distributed and max_trees is not None)
    models, stops = [], []
    for split in splits:
        task = split.title, frame[split.fitting], revenue[split.fitting], parameters
        if given:
            model = learner.fit(*task, max_trees or MAX_TREES_DART, progress)
        else:
            model, stopped = learner.fit_until_it_stops(*task, max_trees or MAX_TREES, progress)
            stops.append(stopped)
        models.append(model)
    trees: list[Trees] = [max_trees or MAX_TREES_DART] * len(splits)
    if stops:
        with_offset = models[0].plan.offset is not None
        seen = [stops[: place + 1] if in_order else stops for place in range(len(stops))]
        trees = [pooled_trees(each, with_offset=with_offset) for each in seen]
    if stops and len(frame) <= REFIT_ROWS and not learner.distributed:
        for place, split in enumerate(splits):
            task = f"{split.title} again", frame[split.fitting], revenue[split.fitting], parameters
            models[place] = learner.fit(*task, trees[place], progress)
    return _predicted(rows, splits, models, trees, str(parameters["objective"]))


def _predicted(
    rows: TrainingRows, splits: Sequence[Split], models: Sequence[AnyModel], trees: list[Trees], objective: str
) -> HeldOut:
    frame = rows.frame
    answered = [model.answer(frame[split.held], trees=size) for split, model, size in zip(splits, models, trees)]
    # The rows of the first split, then those of the second, …: put back into the order of the table.
    order = np.argsort(np.concatenate([np.flatnonzero(split.held) for split in splits]))
    seen = np.any([split.held for split in splits], axis=0)

    def gather(of: Callable[[Answers, AnyModel], Any]) -> np.ndarray:
        return np.concatenate([of(answers, model) for answers, model in zip(answered, models)])[order]

    interval = None
    if answered[0].interval is not None:
        interval = Interval(gather(lambda a, _: a.interval.p10), gather(lambda a, _: a.interval.p90))
    names = calibrated_names(models[0], objective)
    raw_scores = [gather(lambda a, m, name=name: scores_of(a, m, name).raw_scores) for name in names]
    payer = isinstance(models[0], Combination) and models[0].combine == HURDLE
    chance = gather(lambda a, m: scores_of(a, m, "payer").outputs) if payer else np.ones(int(np.count_nonzero(seen)))
    numbers = np.repeat(np.arange(len(splits)), [np.count_nonzero(split.held) for split in splits])[order]
    predicted = gather(lambda a, _: a.revenue)
    flagged = rows.flagged[seen]
    return HeldOut(trees, frame[seen], numbers, rows.revenue[seen], predicted, flagged, interval, raw_scores, chance)


def can_be_calibrated(held: HeldOut, objective: str, calibrate: str) -> bool:
    return calibrate != UNCALIBRATED and bool(held.raw_scores) and objective in LOG_LINK_OBJECTIVES


def flagged_groups(rows: TrainingRows) -> list[tuple[str, str]]:
    """Those that have a calibration of their own."""
    return [(anomaly.field, anomaly.value) for anomaly in rows.anomalies if not rows.dropped]


def calibrate_folds(
    held: HeldOut, rows: TrainingRows, objective: str, calibrate: str
) -> tuple[Calibration | None, np.ndarray]:
    """What mends the held-out rows, and what they are predicted by what mends the others."""
    if not can_be_calibrated(held, objective, calibrate):
        return None, held.predicted
    groups, data = flagged_groups(rows), held.to_calibrate()
    calibration = fit_calibration(data, groups, SEED, level_alone=calibrate == LEVEL)
    if calibration is None:
        return None, held.predicted
    return calibration, calibrate_crosswise(data, groups, SEED, level_alone=calibrate == LEVEL)
