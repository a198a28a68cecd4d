"""What a trained model of the zoo is made from, and how it is trained.

LightGBM runs on one thread, deterministically: the same recipe and seed give the same file.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass, field
from typing import Any

import lightgbm as lgb
import numpy as np
from tables import CLASSES, GROUP, Table, make_table, make_target

NUMBERS = ("plain", "missing", "sparse", "tiny", "whole", "halves")
MIXED = ("plain", "missing", "few", "sparse", "forty", "whole")

_FIXED = {"num_threads": 1, "deterministic": True, "force_row_wise": True, "verbosity": -1}
_DEFAULTS = {"num_leaves": 12, "min_data_in_leaf": 5, "learning_rate": 0.15, "cat_smooth": 2.0, "min_data_per_group": 5}

RANKING = ("lambdarank", "rank_xendcg")
SEVERAL_CLASSES = ("multiclass", "multiclassova", "custom_classes")


@dataclass(frozen=True)
class Recipe:
    name: str
    objective: str = "regression"
    """LightGBM's, or custom / custom_classes: squared error as a callable, so that the file names no objective."""
    kinds: tuple[str, ...] = NUMBERS
    rounds: int = 10
    rows: int = 500
    hostile_rows: int = 72
    ranges: bool = False
    """Record the answers of some iteration ranges too."""
    params: dict[str, Any] = field(default_factory=dict)
    feature_names: list[str] | None = None
    table: Callable[[np.random.Generator], Table] | None = None
    target: Callable[[np.ndarray, np.random.Generator], np.ndarray] | None = None
    edit: Callable[[str], str] | None = None
    """The last hand laid on the model's text."""


@dataclass(frozen=True)
class Specimen:
    """A model as text, with a table of ordinary rows for it."""

    name: str
    text: str
    table: Table
    hostile_rows: int = 72
    ranges: bool = False
    dump_refused: str | None = None
    """Why the JSON of this model is not the model."""
    contributions: bool = True


def train(recipe: Recipe, rng: np.random.Generator) -> Specimen:
    table = recipe.table(rng) if recipe.table else make_table(recipe.kinds, recipe.rows, rng)
    target = recipe.target(table.signal, rng) if recipe.target else make_target(recipe.objective, table.signal, rng)
    dataset = lgb.Dataset(
        table.values,
        target,
        group=[GROUP] * (len(target) // GROUP) if recipe.objective in RANKING else None,
        feature_name=recipe.feature_names or "auto",
        categorical_feature=table.categorical,
        params=_parameters(recipe),
    )
    booster = lgb.train(_parameters(recipe), dataset, recipe.rounds)
    text = booster.model_to_string(num_iteration=-1)
    return Specimen(recipe.name, recipe.edit(text) if recipe.edit else text, table, recipe.hostile_rows, recipe.ranges)


def _parameters(recipe: Recipe) -> dict[str, Any]:
    own = {"objective": _squared_error if recipe.objective.startswith("custom") else recipe.objective}
    if recipe.objective in SEVERAL_CLASSES:
        own["num_class"] = CLASSES
    return {**_DEFAULTS, **own, **recipe.params, **_FIXED}


def _squared_error(scores: np.ndarray, dataset: lgb.Dataset) -> tuple[np.ndarray, np.ndarray]:
    target = dataset.get_label()
    if scores.ndim == 2:
        target = np.eye(scores.shape[1])[target.astype(int)]
    return scores - target, np.ones_like(scores)
