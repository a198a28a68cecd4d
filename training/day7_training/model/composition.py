"""Which ensembles a training makes: the options become tasks, and a learner that fits them all on the same rows.

All ensembles of a bundle share one plan and one training set, so that what looks at the revenue is out of fold for
each of them: the amount's rows are the payers among the rows as encoded for all, never encoded anew. Each stops
early by itself, on the same tenth of the rows.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import NamedTuple

import lightgbm as lgb
import numpy as np
import pandas as pd

from ..errors import UserError
from ..features.plan import Encoded, Plan
from ..features.recipe import Recipe
from ..progress import Progress
from .boosting import (
    VALIDATION_SHARE,
    Learner,
    Stopped,
    TrainingData,
    Watched,
    boost,
    in_unit,
    learner_here,
    takes_offset,
    validation_split,
)
from .combination import HURDLE, MEAN, QUANTILES, SINGLE, Combination, Part
from .model import LOG_LINK_OBJECTIVES, Model
from .parameters import SEED, Parameters

# Of one objective alone, or of how the main model is watched.
_OWN = ("tweedie_variance_power", "poisson_max_delta_step", "alpha", "fair_c", "reg_sqrt", "metric")


@dataclass(frozen=True)
class Composition:
    """`mean_of` models of different seeds, or one; or two parts; and two models of quantiles beside them."""

    two_part: bool = False
    mean_of: int = 1
    with_interval: bool = False

    @property
    def combine(self) -> str:
        return HURDLE if self.two_part else MEAN if self.mean_of > 1 else SINGLE

    @property
    def is_plain(self) -> bool:
        return self.combine == SINGLE and not self.with_interval

    def check(self, parameters: Parameters) -> None:
        if self.two_part and parameters["objective"] not in LOG_LINK_OBJECTIVES:
            names = ", ".join(LOG_LINK_OBJECTIVES)
            raise UserError(f"--two-part: expected --objective {names}, got {parameters['objective']}")


class _Task(NamedTuple):
    role: str
    name: str
    parameters: Parameters

    @property
    def objective(self) -> str:
        return str(self.parameters["objective"])

    @property
    def takes_offset(self) -> bool:
        return takes_offset(self.parameters)

    def data(self, plan: Plan, encoded: Encoded, revenue: np.ndarray, unit: float) -> TrainingData:
        """The rows that this task learns from or is watched on, and what it is to say of them."""
        target = (revenue > 0).astype(np.float64) if self.role == "payer" else revenue
        if self.role == "amount":
            pays = revenue > 0
            encoded, target = encoded.of(pays), revenue[pays]
        return TrainingData(plan, encoded, target, self.takes_offset, unit)


def learner_of(composition: Composition, recipe: Recipe) -> Learner:
    """Fits what is composed, on this machine. Where it gives or takes a number of trees, there is one for each ensemble."""
    if composition.is_plain:
        return learner_here(recipe)
    several = _Several(composition, recipe)
    return Learner(several.fit, several.fit_until_it_stops, distributed=False)


class _Several:
    def __init__(self, composition: Composition, recipe: Recipe) -> None:
        self._composition = composition
        self._recipe = recipe

    def fit(
        self,
        title: str,
        frame: pd.DataFrame,
        revenue: np.ndarray,
        parameters: Parameters,
        trees: int | tuple[int, ...],
        progress: Progress,
    ) -> Combination:
        unit = self._recipe.unit(revenue)
        revenue = in_unit(revenue, unit)
        plan, encoded = self._encode(frame, revenue, parameters, progress)
        tasks = self._tasks(parameters)
        counts = trees if isinstance(trees, tuple) else (trees,) * len(tasks)
        boosters = [
            boost(f"{title}: {task.name}", task.parameters, task.data(plan, encoded, revenue, unit), count, progress)
            for task, count in zip(tasks, counts)
        ]
        return self._combination(plan, tasks, boosters)

    def fit_until_it_stops(
        self,
        title: str,
        frame: pd.DataFrame,
        revenue: np.ndarray,
        parameters: Parameters,
        limit: int,
        progress: Progress,
    ) -> tuple[Combination, Stopped]:
        fitting, validation = validation_split(len(frame), VALIDATION_SHARE)
        unit = self._recipe.unit(revenue[fitting])
        revenue = in_unit(revenue, unit)
        plan, encoded = self._encode(frame.iloc[fitting], revenue[fitting], parameters, progress)
        watched = plan.apply(frame.iloc[validation])
        tasks = self._tasks(parameters)
        boosters, losses = [], []
        for task in tasks:
            seen = task.data(plan, watched, revenue[validation], unit)
            if len(seen.revenue) == 0:
                raise UserError(f"--two-part: expected payers among {len(validation)} rows to watch, got none")
            data = task.data(plan, encoded, revenue[fitting], unit)
            step = f"{title}: {task.name}", task.parameters, data, limit, progress
            watching = Watched(seen.encoded, seen.revenue, [])
            boosters.append(boost(*step, watching))
            losses.append(watching.losses)
        counts = tuple(booster.best_iteration for booster in boosters)
        return self._combination(plan, tasks, boosters), Stopped(counts, tuple(losses))

    def _encode(
        self, frame: pd.DataFrame, revenue: np.ndarray, parameters: Parameters, progress: Progress
    ) -> tuple[Plan, Encoded]:
        recipe = self._recipe
        if self._composition.two_part:
            document = recipe.fit_two_part(frame, revenue)
        else:
            document = recipe.fit(frame, revenue, offset=takes_offset(parameters))
        return Plan(document, recipe.inputs), recipe.training_features(document, frame, revenue, SEED, progress)

    def _tasks(self, parameters: Parameters) -> list[_Task]:
        composition = self._composition
        shared = {name: value for name, value in parameters.items() if name not in _OWN}
        if composition.two_part:
            tasks = [_Task("payer", "payer", {**shared, "objective": "binary"}), _Task("amount", "amount", parameters)]
        elif composition.mean_of > 1:
            seed = int(parameters["seed"])
            tasks = [
                _Task("revenue", f"model-{place + 1}", {**parameters, "seed": seed + place})
                for place in range(composition.mean_of)
            ]
        else:
            tasks = [_Task("revenue", "model", parameters)]
        if composition.with_interval:
            quantile = {**shared, "objective": "quantile"}
            tasks += [_Task(name, name, {**quantile, "alpha": alpha}) for name, alpha in QUANTILES.items()]
        return tasks

    def _combination(self, plan: Plan, tasks: list[_Task], boosters: list[lgb.Booster]) -> Combination:
        parts = tuple(
            Part(task.role, task.name, task.objective, Model(plan, booster, task.takes_offset))
            for task, booster in zip(tasks, boosters)
        )
        combined = tuple(part for part in parts if part.role not in QUANTILES)
        if self._composition.combine == MEAN and _are_equal(combined[0].model, combined[1].model):
            raise UserError(
                "--mean-of: the models are all the same, since no parameter leaves anything to chance; "
                "expected feature_fraction or bagging_fraction below 1, or extra_trees"
            )
        return Combination(plan, self._composition.combine, combined, parts[len(combined) :])


def _are_equal(one: Model, other: Model) -> bool:
    """The text of the trees comes before that of the parameters, which have the seed."""
    trees = [model.booster.model_to_string().partition("\nparameters:")[0] for model in (one, other)]
    return trees[0] == trees[1]
