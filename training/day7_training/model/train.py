"""Trains the model: validated installs become a fitted plan, an ensemble and an honest evaluation.

The rows are cut into five seeded folds. Each is held out once from a model that is fitted on the others,
a tenth of which is watched while trees are added. The number of trees that did best on the watched rows of all folds
is the one that counts: with it models are fitted on all the others of a fold, so every row is predicted by a model that
has not seen it, and these predictions are the evaluation. With many rows, or on a cluster, one fold is enough, and its
first model is the one. The served model is then fitted on every row. Refuses too few rows, revenue that
is all equal, and an objective that the revenue does not allow.
"""

from __future__ import annotations

from dataclasses import dataclass, replace
from typing import Any, NamedTuple

import lightgbm as lgb
import numpy as np

from ..evaluation.evaluation import evaluate
from ..inputs.schema import InputSchema
from ..progress import Progress
from .boosting import Learner, raise_scores
from .combination import AnyModel, calibrated_names, combined
from .held_out import PAIRS, UNCALIBRATED, calibrate_folds, hold_out, random_folds
from .parameters import SEED, Parameters
from .rolling import Rolled, roll, time_document
from .training_rows import TrainingRows


class Residuals(NamedTuple):
    """Of the held-out rows: what they brought, what was predicted, and whether they are flagged."""

    actual: np.ndarray
    predicted: np.ndarray
    flagged: np.ndarray


@dataclass(frozen=True)
class Trained:
    """`texts`: LightGBM's own of each ensemble, by name; `tree_count`: of all together; `rolled`: where rows have times."""

    model: AnyModel
    texts: dict[str, str]
    tree_count: int
    evaluation: dict[str, Any]
    residuals: Residuals
    rolled: Rolled | None = None


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

    Where the rows have times, it is of origins that roll through them, and random folds stand beside it. With `calibrate`
    PAIRS the model is always a combination.
    """
    objective, facets = str(parameters["objective"]), facets_of(rows.inputs)
    held = hold_out(rows, random_folds(len(rows.frame), learner), parameters, max_trees, progress, learner)
    calibration, predicted = calibrate_folds(held, rows, objective, calibrate)
    rolled = None if rows.timeline is None else roll(rows, parameters, max_trees, progress, learner, calibrate)
    if rolled is None:
        residuals = Residuals(held.actual, predicted, held.flagged)
        evaluation = evaluate(held.frame, *residuals, SEED, held.interval, facets=facets)
    else:
        calibration = rolled.calibration
        residuals = Residuals(rolled.held.actual, rolled.predicted, rolled.held.flagged)
        evaluation = evaluate(rolled.held.frame, *residuals, SEED, rolled.held.interval, facets=facets)
    if rows.timeline is not None:
        evaluation["time"] = time_document(rows.timeline, rolled, held, predicted)
    # The number of trees is all that validation decided, so nothing is left to hold rows back for:
    # the served model learns from all of them, and the evaluation is, if anything, too modest.
    model = learner.fit("all rows", rows.frame, rows.revenue, parameters, held.trees[0], progress)
    if calibrate == PAIRS:
        model = replace(combined(model, objective), calibration=calibration)
    elif calibration is not None:
        one = combined(model, objective)
        for name in calibrated_names(one, objective):
            raise_scores(one.models[name].booster, calibration.pair.intercept)
    # Some numbers lose digits when saved: the model that counts is the one that comes back from the file.
    texts = {name: each.booster.model_to_string() for name, each in model.models.items()}
    reloaded = {name: lgb.Booster(model_str=text) for name, text in texts.items()}
    trees = sum(booster.num_trees() for booster in reloaded.values())
    return Trained(model.with_boosters(reloaded), texts, trees, evaluation, residuals, rolled)


def facets_of(inputs: InputSchema) -> tuple[str, ...]:
    return tuple(field.name for field in inputs.with_role("facet"))
