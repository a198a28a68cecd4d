"""Trains the model: validated installs become a fitted plan, an ensemble and an honest evaluation.

The rows are cut into five seeded folds. Each is held out once from a model that is fitted on the others,
a tenth of which decides when to stop adding trees; so every row is predicted by a model that has not seen
it, and these predictions are the evaluation. With many rows, or on a cluster, one fold is enough. The served
model is then fitted on every row, with the median of the numbers of trees. Refuses too few rows, revenue that
is all equal, and an objective that the revenue does not allow.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any, NamedTuple

import lightgbm as lgb
import numpy as np
import pandas as pd

from ..data.installs import REVENUE, Installs
from ..errors import UserError
from ..evaluation.evaluation import evaluate
from ..features.fit import fold_numbers
from ..progress import Progress
from ..quality.anomalies import UnitAnomaly, find_unit_anomalies
from .boosting import HERE, Learner, Trees
from .combination import AnyModel
from .model import Interval
from .parameters import SEED, Parameters

MINIMUM_ROWS = 100
# With fewer, a fold may have none.
MINIMUM_PAYERS = 10
FOLD_COUNT = 5
# Above, a fifth of the rows measures as well as all of them, in a fifth of the time.
MANY_ROWS = 100_000
MAX_TREES = 1000
# DART reweights earlier trees as it goes, so a best iteration cannot be cut out and none is looked for.
MAX_TREES_DART = 200


@dataclass(frozen=True)
class TrainingRows:
    """The rows to learn from; `flagged` are those of groups in another unit, which may have been dropped."""

    frame: pd.DataFrame
    anomalies: list[UnitAnomaly]
    flagged: np.ndarray
    dropped: bool

    @property
    def revenue(self) -> np.ndarray:
        return self.frame[REVENUE].to_numpy()


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
    anomalies, flagged = find_unit_anomalies(installs.frame)
    drop = drop_flagged and bool(np.any(flagged))
    frame = installs.frame[~flagged] if drop else installs.frame
    rows = TrainingRows(frame, anomalies, np.zeros(len(frame), dtype=bool) if drop else flagged, drop)
    _check_trainable(rows, objective, two_part)
    return rows


def train(
    rows: TrainingRows, parameters: Parameters, max_trees: int | None, progress: Progress, learner: Learner = HERE
) -> Trained:
    """The evaluation is of the held-out rows, made before the model was fitted again on all rows."""
    tree_count, evaluation, residuals = _evaluate(rows, parameters, max_trees, progress, learner)
    # The number of trees is all that validation decided, so nothing is left to hold rows back for:
    # the served model learns from all of them, and the evaluation is, if anything, too modest.
    model = learner.fit("all rows", rows.frame, rows.revenue, parameters, tree_count, progress)
    # Some numbers lose digits when saved: the model that counts is the one that comes back from the file.
    texts = {name: each.booster.model_to_string() for name, each in model.models.items()}
    reloaded = {name: lgb.Booster(model_str=text) for name, text in texts.items()}
    trees = sum(booster.num_trees() for booster in reloaded.values())
    return Trained(model.with_boosters(reloaded), texts, trees, evaluation, residuals)


def _check_trainable(rows: TrainingRows, objective: str, two_part: bool) -> None:
    revenue = rows.revenue
    if len(revenue) < MINIMUM_ROWS:
        raise UserError(f"expected at least {MINIMUM_ROWS} rows to train on, got {len(revenue)}")
    if np.all(revenue == revenue[0]):
        raise UserError(f"column revenue: expected different values to learn from, got {revenue[0]} in every row")
    payers = int(np.count_nonzero(revenue))
    if payers < MINIMUM_PAYERS:
        raise UserError(f"column revenue: expected at least {MINIMUM_PAYERS} rows with revenue, got {payers}")
    if two_part:
        _check_two_parts(payers, len(revenue) - payers)
    elif objective == "gamma" and np.any(revenue == 0):
        line = rows.frame.index[np.argmax(revenue == 0)]
        raise UserError(f"line {line}, column revenue: the objective gamma expects revenue above 0, got 0")


def _check_two_parts(payers: int, others: int) -> None:
    if payers < MINIMUM_ROWS:
        raise UserError(f"column revenue: --two-part expects at least {MINIMUM_ROWS} rows with revenue, got {payers}")
    if others < MINIMUM_PAYERS:
        raise UserError(f"column revenue: --two-part expects at least {MINIMUM_PAYERS} rows without, got {others}")


def _evaluate(
    rows: TrainingRows, parameters: Parameters, max_trees: int | None, progress: Progress, learner: Learner
) -> tuple[Trees, dict[str, Any], Residuals]:
    """The number of trees of each ensemble, and what models with so many make of rows that they have not seen."""
    frame, revenue = rows.frame, rows.revenue
    folds = fold_numbers(len(frame), FOLD_COUNT, SEED)
    held_out = range(1 if len(frame) > MANY_ROWS or learner.distributed else FOLD_COUNT)
    # On a cluster nothing stops early: a number of trees that is given is not doubted.
    given = parameters["boosting"] == "dart" or (learner.distributed and max_trees is not None)
    models, counts = [], []
    for fold in held_out:
        others = folds != fold
        task = f"held out {fold + 1} of {len(held_out)}", frame[others], revenue[others], parameters
        if given:
            count = max_trees or MAX_TREES_DART
            model = learner.fit(*task, count, progress)
        else:
            model, count = learner.fit_until_it_stops(*task, max_trees or MAX_TREES, progress)
        models.append(model)
        counts.append(count)
    tree_count = _median(counts)
    predicted, low, high = np.full((3, len(frame)), np.nan)
    for fold, model in zip(held_out, models):
        answers = model.answer(frame[folds == fold], trees=tree_count)
        predicted[folds == fold] = answers.revenue
        if answers.interval is not None:
            low[folds == fold], high[folds == fold] = answers.interval
    seen = folds < len(held_out)
    residuals = Residuals(revenue[seen], predicted[seen], rows.flagged[seen])
    interval = None if answers.interval is None else Interval(low[seen], high[seen])
    return tree_count, evaluate(frame[seen], *residuals, SEED, interval), residuals


def _median(counts: list[Any]) -> Trees:
    if isinstance(counts[0], tuple):
        return tuple(int(np.median(each)) for each in zip(*counts))
    return int(np.median(counts))
