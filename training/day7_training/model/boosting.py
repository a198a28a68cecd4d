"""Fits one model: rows become a fitted plan and boosted trees, stopped early if rows are set aside for that.

All that looks at the revenue is out of fold in the trees' training data, and the expected revenue is its
initial score where the objective predicts a logarithm. Refuses what LightGBM refuses, in its words.
"""

from __future__ import annotations

import math
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from functools import partial
from typing import Any, NamedTuple

import lightgbm as lgb
import numpy as np
import pandas as pd

from ..errors import UserError
from ..features.plan import Encoded, Plan
from ..features.recipe import Recipe
from ..progress import Progress, no_progress
from .combination import AnyModel
from .model import LOG_LINK_OBJECTIVES, Model
from .parameters import SEED, Parameters

VALIDATION_SHARE = 0.1
PATIENCE_TREES = 50
# In standard errors: a fold with a large payer would else decide alone. It is the usual rule of one such error.
_TOLERANCE_ERRORS = 1

Trees = int | tuple[int, ...]


class Stopped(NamedTuple):
    """How many trees did best on the rows that were watched; `losses`: of each ensemble, what those rows had after each tree."""

    trees: Trees
    losses: tuple[list[float], ...]


class Watched(NamedTuple):
    """Rows that decide when to stop; boosting adds their loss after each tree to `losses`."""

    encoded: Encoded
    revenue: np.ndarray
    losses: list[float]


@dataclass(frozen=True)
class TrainingData:
    """`encoded` has one row for each of `revenue`, out of fold where it looks at the revenue.

    `takes_offset`: whether the plan's offset, if there is one, is the initial score. `unit`: what the revenue was
    divided by; the trees are given it back once they are fitted.
    """

    plan: Plan
    encoded: Encoded
    revenue: np.ndarray
    takes_offset: bool = True
    unit: float = 1.0

    def dataset(self, encoded: Encoded, revenue: np.ndarray, **options: Any) -> lgb.Dataset:
        """LightGBM's data for rows encoded by this plan."""
        label, init_score = self.start(encoded, revenue)
        return lgb.Dataset(encoded.features, label, init_score=init_score, **options)

    def start(self, encoded: Encoded, revenue: np.ndarray) -> tuple[np.ndarray, np.ndarray | None]:
        """What the trees learn, and from where they start."""
        if not self.takes_offset or self.plan.offset is None:
            return revenue, None
        if encoded.log_units is None:
            return revenue, encoded.offset
        # In the unit of all, or the rows of a group in cents would outweigh the others.
        return revenue / np.exp(encoded.log_units), encoded.offset - encoded.log_units


def in_unit(revenue: np.ndarray, unit: float) -> np.ndarray:
    """With the digits that LightGBM keeps: then the same rows in another currency are the same to the last bit."""
    return revenue if unit == 1 else (revenue / unit).astype(np.float32).astype(np.float64)


def training_data(
    recipe: Recipe, frame: pd.DataFrame, revenue: np.ndarray, *, offset: bool, progress: Progress = no_progress
) -> TrainingData:
    """The plan fitted on these rows, and the rows as the trees shall see them."""
    unit = recipe.unit(revenue)
    scaled = in_unit(revenue, unit)
    document = recipe.fit(frame, scaled, offset=offset)
    encoded = recipe.training_features(document, frame, scaled, SEED, progress)
    return TrainingData(Plan(document, recipe.inputs), encoded, scaled, unit=unit)


def fit(
    recipe: Recipe,
    title: str,
    frame: pd.DataFrame,
    revenue: np.ndarray,
    parameters: Parameters,
    trees: int,
    progress: Progress,
) -> Model:
    """A model of exactly this many trees, if LightGBM finds so many splits."""
    data = training_data(recipe, frame, revenue, offset=takes_offset(parameters), progress=progress)
    return Model(data.plan, boost(title, parameters, data, trees, progress))


def fit_until_it_stops(
    recipe: Recipe,
    title: str,
    frame: pd.DataFrame,
    revenue: np.ndarray,
    parameters: Parameters,
    limit: int,
    progress: Progress,
    *,
    offset: bool | None = None,
) -> tuple[Model, Stopped]:
    """A model, and where it stopped by a seeded tenth of the rows, which it did not see."""
    fitting, validation = validation_split(len(frame), VALIDATION_SHARE)
    offset = takes_offset(parameters) if offset is None else offset
    data = training_data(recipe, frame.iloc[fitting], revenue[fitting], offset=offset, progress=progress)
    watched = Watched(data.plan.apply(frame.iloc[validation]), in_unit(revenue[validation], data.unit), [])
    booster = boost(title, parameters, data, limit, progress, watched)
    return Model(data.plan, booster), Stopped(booster.best_iteration, (watched.losses,))


def pooled_trees(stops: Sequence[Stopped], *, with_offset: bool) -> Trees:
    """The number of trees that did best on the watched rows of all folds together: those of one are few, and payers fewer.

    Trees that only correct an offset have to be surely worth it.
    """
    if len(stops) == 1:
        return stops[0].trees
    tolerance = _TOLERANCE_ERRORS if with_offset else 0.0
    counts = tuple(_least(each, tolerance) for each in zip(*(stop.losses for stop in stops)))
    return counts if isinstance(stops[0].trees, tuple) else counts[0]


def _least(losses: Sequence[Sequence[float]], errors: float) -> int:
    """The fewest trees that are no worse than the best number by more than so many standard errors of the difference.

    After the last tree of a fold its loss stays: it had begun to rise.
    """
    longest = max(map(len, losses))
    after = np.array([[*each, *[each[-1]] * (longest - len(each))] for each in losses])
    worse = after - after[:, [np.argmin(after.mean(axis=0))]]
    tolerance = errors * worse.std(axis=0, ddof=1) / np.sqrt(len(losses))
    return int(np.argmax(worse.mean(axis=0) <= tolerance)) + 1


class Learner(NamedTuple):
    """Where models are fitted: here, or on the machines of a cluster.

    What they fit is one model, or a combination with a number of trees for each of its ensembles.
    `distributed`: fitting is dear, so training fits as seldom as it can.
    """

    fit: Callable[[str, pd.DataFrame, np.ndarray, Parameters, Any, Progress], AnyModel]
    fit_until_it_stops: Callable[[str, pd.DataFrame, np.ndarray, Parameters, int, Progress], tuple[AnyModel, Stopped]]
    distributed: bool


def learner_here(recipe: Recipe) -> Learner:
    return Learner(partial(fit, recipe), partial(fit_until_it_stops, recipe), distributed=False)


def takes_offset(parameters: Parameters) -> bool:
    return parameters["objective"] in LOG_LINK_OBJECTIVES


def validation_split(rows: int, share: float) -> tuple[np.ndarray, np.ndarray]:
    """Seeded row numbers: those to fit on, and a `share` of the rows to watch."""
    shuffled = np.random.Generator(np.random.PCG64(SEED)).permutation(rows)
    validation, fitting = np.split(shuffled, [round(rows * share)])
    return fitting, validation


def boost(
    title: str,
    parameters: Parameters,
    data: TrainingData,
    trees: int,
    progress: Progress,
    watched: Watched | None = None,
) -> lgb.Booster:
    """`trees` trees, or with rows to watch as many as PATIENCE_TREES allows. @raises UserError"""
    plan = data.plan
    names = {"feature_name": plan.features, "categorical_feature": plan.categorical}
    dataset = data.dataset(data.encoded, data.revenue, **names)
    watching: dict[str, Any] = {}
    with progress(title, trees) as step:
        callbacks = [lambda _: step()]
        if watched is not None:
            watching["valid_sets"] = [data.dataset(watched.encoded, watched.revenue, reference=dataset)]
            callbacks.append(partial(_note_loss, watched.losses))
            callbacks.append(lgb.early_stopping(PATIENCE_TREES, first_metric_only=True, verbose=False))
        try:
            booster = lgb.train(dict(parameters), dataset, num_boost_round=trees, callbacks=callbacks, **watching)
        except (lgb.basic.LightGBMError, ValueError) as error:
            raise UserError(f"LightGBM cannot train with these rows and parameters: {str(error).strip()}") from error
    give_unit_back(booster, str(parameters["objective"]), data.unit)
    return booster


def _note_loss(losses: list[float], state: lgb.callback.CallbackEnv) -> None:
    _, _, value, higher_is_better = state.evaluation_result_list[0][:4]
    losses.append(-value if higher_is_better else value)


def give_unit_back(booster: lgb.Booster, objective: str, unit: float) -> None:
    """Trees fitted to revenue over `unit` predict revenue: leaves times the unit, or its logarithm in the first tree."""
    if unit == 1 or objective == "binary":
        return
    if objective in LOG_LINK_OBJECTIVES:
        raise_scores(booster, math.log(unit))
        return
    for tree, leaves in enumerate(_leaf_counts(booster)):
        for leaf in range(leaves):
            booster.set_leaf_output(tree, leaf, booster.get_leaf_output(tree, leaf) * unit)


def raise_scores(booster: lgb.Booster, by: float) -> None:
    """Every raw score is higher by so much: the first tree's leaves are."""
    for leaf in range(_leaf_counts(booster)[0]):
        booster.set_leaf_output(0, leaf, booster.get_leaf_output(0, leaf) + by)


def _leaf_counts(booster: lgb.Booster) -> list[int]:
    return [tree["num_leaves"] for tree in booster.dump_model()["tree_info"]]
