"""Trains the model: validated installs become a fitted plan, an ensemble and an honest evaluation.

The rows are cut into five seeded folds. Each is held out once from a model that is fitted on the others,
a tenth of which is watched while trees are added. The number of trees that did best on the watched rows of all folds
is the one that counts: with it models are fitted on all the others of a fold, so every row is predicted by a model that
has not seen it, and these predictions are the evaluation. With many rows, or on a cluster, one fold is enough, and its
first model is the one. The served model is then fitted on every row. Refuses too few rows, revenue that
is all equal, and an objective that the revenue does not allow.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass, replace
from typing import Any, NamedTuple

import lightgbm as lgb
import numpy as np
import pandas as pd

from ..data.installs import Installs
from ..errors import UserError
from ..evaluation.evaluation import evaluate
from ..features.folds import fold_numbers
from ..inputs.schema import NINE_FIELDS, InputSchema
from ..progress import Progress
from ..quality.anomalies import UnitAnomaly, find_unit_anomalies
from .boosting import Learner, Trees, pooled_trees, raise_scores
from .calibration import Calibration, Held, calibrate_crosswise, fit_calibration
from .combination import HURDLE, AnyModel, Combination, calibrated_names, combined, scores_of
from .model import LOG_LINK_OBJECTIVES, Answers, Interval
from .parameters import SEED, Parameters

MINIMUM_ROWS = 100
# With fewer, a fold may have none.
MINIMUM_PAYERS = 10
FOLD_COUNT = 5
# Above, a fifth of the rows measures as well as all of them, in a fifth of the time.
MANY_ROWS = 100_000
# Above, the tenth that was watched would teach a model of a fold little more, and fitting it again takes a while.
REFIT_ROWS = 50_000
MAX_TREES = 1000
# What is done with the sum that held-out rows show to be wrong: nothing; one factor, in the trees; or all of calibration.py,
# in the bundle.
UNCALIBRATED, LEVEL, PAIRS = "uncalibrated", "level", "pairs"
# DART reweights earlier trees as it goes, so a best iteration cannot be cut out and none is looked for.
MAX_TREES_DART = 200


@dataclass(frozen=True)
class TrainingRows:
    """The rows to learn from; `flagged` are those of groups in another unit, which may have been dropped."""

    frame: pd.DataFrame
    anomalies: list[UnitAnomaly]
    flagged: np.ndarray
    dropped: bool
    inputs: InputSchema = NINE_FIELDS
    negative: Mapping[str, Any] | None = None

    @property
    def revenue(self) -> np.ndarray:
        return self.frame[self.inputs.target.name].to_numpy()


class Residuals(NamedTuple):
    """Of the held-out rows: what they brought, what was predicted, and whether they are flagged."""

    actual: np.ndarray
    predicted: np.ndarray
    flagged: np.ndarray


@dataclass(frozen=True)
class Trained:
    """`texts`: LightGBM's own of each ensemble, by name; `tree_count`: of all together."""

    model: AnyModel
    texts: dict[str, str]
    tree_count: int
    evaluation: dict[str, Any]
    residuals: Residuals


def training_rows(installs: Installs, objective: str, *, drop_flagged: bool, two_part: bool = False) -> TrainingRows:
    """The rows with their unit anomalies, checked to be trainable, also where payers are to have a model of their own."""
    anomalies, flagged = find_unit_anomalies(installs.frame, installs.inputs)
    drop = drop_flagged and bool(np.any(flagged))
    frame = installs.frame[~flagged] if drop else installs.frame
    flags = np.zeros(len(frame), dtype=bool) if drop else flagged
    rows = TrainingRows(frame, anomalies, flags, drop, installs.inputs, installs.negative)
    _check_trainable(rows, objective, two_part)
    return rows


def train(
    rows: TrainingRows,
    parameters: Parameters,
    max_trees: int | None,
    progress: Progress,
    learner: Learner,
    *,
    calibrate: str = UNCALIBRATED,
) -> Trained:
    """The evaluation is of the held-out rows, made before the model was fitted again on all rows.

    With `calibrate` PAIRS the model is always a combination.
    """
    held = _hold_out(rows, parameters, max_trees, progress, learner)
    calibration, predicted = _calibrate(held, rows, str(parameters["objective"]), calibrate)
    residuals = Residuals(held.actual, predicted, held.flagged)
    evaluation = evaluate(held.frame, *residuals, SEED, held.interval, facets=facets_of(rows.inputs))
    # The number of trees is all that validation decided, so nothing is left to hold rows back for:
    # the served model learns from all of them, and the evaluation is, if anything, too modest.
    model = learner.fit("all rows", rows.frame, rows.revenue, parameters, held.trees, progress)
    if calibrate == PAIRS:
        model = replace(combined(model, str(parameters["objective"])), calibration=calibration)
    elif calibration is not None:
        one = combined(model, str(parameters["objective"]))
        for name in calibrated_names(one, str(parameters["objective"])):
            raise_scores(one.models[name].booster, calibration.pair.intercept)
    # Some numbers lose digits when saved: the model that counts is the one that comes back from the file.
    texts = {name: each.booster.model_to_string() for name, each in model.models.items()}
    reloaded = {name: lgb.Booster(model_str=text) for name, text in texts.items()}
    trees = sum(booster.num_trees() for booster in reloaded.values())
    return Trained(model.with_boosters(reloaded), texts, trees, evaluation, residuals)


def _check_trainable(rows: TrainingRows, objective: str, two_part: bool) -> None:
    revenue, name = rows.revenue, rows.inputs.target.name
    if len(revenue) < MINIMUM_ROWS:
        raise UserError(f"expected at least {MINIMUM_ROWS} rows to train on, got {len(revenue)}")
    if np.all(revenue == revenue[0]):
        raise UserError(f"column {name}: expected different values to learn from, got {revenue[0]} in every row")
    payers = int(np.count_nonzero(revenue))
    if payers < MINIMUM_PAYERS:
        raise UserError(f"column {name}: expected at least {MINIMUM_PAYERS} rows with revenue, got {payers}")
    if two_part:
        _check_two_parts(name, payers, len(revenue) - payers)
    elif objective == "gamma" and np.any(revenue == 0):
        index = rows.frame.index
        raise UserError(
            f"{index.name} {index[np.argmax(revenue == 0)]}, column {name}: the objective gamma expects revenue above 0, got 0"
        )


def _check_two_parts(name: str, payers: int, others: int) -> None:
    if payers < MINIMUM_ROWS:
        raise UserError(f"column {name}: --two-part expects at least {MINIMUM_ROWS} rows with revenue, got {payers}")
    if others < MINIMUM_PAYERS:
        raise UserError(f"column {name}: --two-part expects at least {MINIMUM_PAYERS} rows without, got {others}")


class _HeldOut(NamedTuple):
    """Rows that were held out, what models with so many `trees` made of them, and the raw scores to calibrate."""

    trees: Trees
    frame: pd.DataFrame
    actual: np.ndarray
    predicted: np.ndarray
    flagged: np.ndarray
    interval: Interval | None
    raw_scores: list[np.ndarray]
    chance: np.ndarray


def _hold_out(
    rows: TrainingRows, parameters: Parameters, max_trees: int | None, progress: Progress, learner: Learner
) -> _HeldOut:
    frame, revenue = rows.frame, rows.revenue
    folds = fold_numbers(len(frame), FOLD_COUNT, SEED)
    held_out = range(1 if len(frame) > MANY_ROWS or learner.distributed else FOLD_COUNT)
    # On a cluster nothing stops early: a number of trees that is given is not doubted.
    given = parameters["boosting"] == "dart" or (learner.distributed and max_trees is not None)
    models, stops = [], []
    for fold in held_out:
        others = folds != fold
        task = f"held out {fold + 1} of {len(held_out)}", frame[others], revenue[others], parameters
        if given:
            model = learner.fit(*task, max_trees or MAX_TREES_DART, progress)
        else:
            model, stopped = learner.fit_until_it_stops(*task, max_trees or MAX_TREES, progress)
            stops.append(stopped)
        models.append(model)
    with_offset = models[0].plan.offset is not None
    tree_count: Trees = pooled_trees(stops, with_offset=with_offset) if stops else max_trees or MAX_TREES_DART
    if stops and len(frame) <= REFIT_ROWS and not learner.distributed:
        for fold in held_out:
            others = folds != fold
            task = f"held out {fold + 1} of {len(held_out)} again", frame[others], revenue[others], parameters
            models[fold] = learner.fit(*task, tree_count, progress)
    answered = [model.answer(frame[folds == fold], trees=tree_count) for fold, model in zip(held_out, models)]
    # The rows of the first fold, then those of the second, …: put back into the order of the file.
    order = np.argsort(np.concatenate([np.flatnonzero(folds == fold) for fold in held_out]))
    seen = folds < len(held_out)

    def gather(of: Callable[[Answers, AnyModel], np.ndarray]) -> np.ndarray:
        return np.concatenate([of(answers, model) for answers, model in zip(answered, models)])[order]

    interval = None
    if answered[0].interval is not None:
        interval = Interval(gather(lambda a, _: a.interval.p10), gather(lambda a, _: a.interval.p90))
    names = calibrated_names(models[0], str(parameters["objective"]))
    raw_scores = [gather(lambda a, m, name=name: scores_of(a, m, name).raw_scores) for name in names]
    payer = isinstance(models[0], Combination) and models[0].combine == HURDLE
    chance = gather(lambda a, m: scores_of(a, m, "payer").outputs) if payer else np.ones(int(np.count_nonzero(seen)))
    predicted = gather(lambda a, _: a.revenue)
    return _HeldOut(tree_count, frame[seen], revenue[seen], predicted, rows.flagged[seen], interval, raw_scores, chance)


def _calibrate(
    held: _HeldOut, rows: TrainingRows, objective: str, calibrate: str
) -> tuple[Calibration | None, np.ndarray]:
    """What mends the held-out rows, and what they are predicted by what mends the others."""
    if calibrate == UNCALIBRATED or not held.raw_scores or objective not in LOG_LINK_OBJECTIVES:
        return None, held.predicted
    groups = [(anomaly.field, anomaly.value) for anomaly in rows.anomalies if not rows.dropped]
    data = Held(held.frame, held.actual, held.raw_scores, held.chance, held.flagged)
    calibration = fit_calibration(data, groups, SEED, level_alone=calibrate == LEVEL)
    if calibration is None:
        return None, held.predicted
    return calibration, calibrate_crosswise(data, groups, SEED, level_alone=calibrate == LEVEL)


def facets_of(inputs: InputSchema) -> tuple[str, ...]:
    return tuple(field.name for field in inputs.with_role("facet"))
