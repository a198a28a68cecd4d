"""Trains the model: validated installs become a fitted plan, an ensemble and honest metrics.

A seeded 20 % of the rows is held out; of the rest a tenth decides when to stop adding trees, and
the holdout measures what came out. The plan and the ensemble are then fitted again on every row,
with the number of trees found. Refuses too few rows, revenue that is all equal, and an objective
that the revenue does not allow.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

import lightgbm as lgb
import numpy as np
import pandas as pd

from ..errors import UserError
from ..features.plan import Plan
from ..features.fit import fit_plan, training_features
from ..data.installs import Installs
from ..evaluation.metrics import Metrics, measure
from .parameters import SEED, Parameters

MINIMUM_ROWS = 100
HOLDOUT_SHARE = 0.2
VALIDATION_SHARE = 0.1
PATIENCE_TREES = 100
MAX_TREES = 2000
# DART reweights earlier trees as it goes, so a best iteration cannot be cut out and none is looked for.
MAX_TREES_DART = 200


@dataclass(frozen=True)
class Trained:
    plan: Plan
    booster: lgb.Booster
    model_text: str
    tree_count: int
    metrics: Metrics


def train(installs: Installs, parameters: Parameters, max_trees: int | None = None) -> Trained:
    """The metrics are those of the holdout, measured before the model was fitted again on all rows."""
    check_trainable(installs, str(parameters["objective"]))
    dart = parameters["boosting"] == "dart"
    limit = max_trees or (MAX_TREES_DART if dart else MAX_TREES)
    frame, revenue = installs.frame, installs.revenue
    tree_count, metrics = _evaluate(frame, revenue, parameters, limit, stop_early=not dart)
    # The number of trees is all that validation decided, so nothing is left to hold rows back for:
    # the served model learns from all of them, and the metrics are, if anything, too modest.
    plan, data = _fit(frame, revenue)
    # Some numbers lose digits when saved: the model that counts is the one that comes back from the file.
    text = _boost(parameters, data, tree_count).model_to_string()
    reloaded = lgb.Booster(model_str=text)
    return Trained(plan, reloaded, text, reloaded.num_trees(), metrics)


def check_trainable(installs: Installs, objective: str) -> None:
    revenue = installs.revenue
    if len(revenue) < MINIMUM_ROWS:
        raise UserError(f"expected at least {MINIMUM_ROWS} rows to train on, got {len(revenue)}")
    if np.all(revenue == revenue[0]):
        raise UserError(f"column revenue: expected different values to learn from, got {revenue[0]} in every row")
    if objective == "gamma" and np.any(revenue == 0):
        line = installs.frame.index[np.argmax(revenue == 0)]
        raise UserError(f"line {line}, column revenue: the objective gamma expects revenue above 0, got 0")


def predict(booster: lgb.Booster, features: np.ndarray) -> np.ndarray:
    """Revenue as the service answers it: never below 0, which some objectives do not know."""
    return np.maximum(booster.predict(features), 0.0)


def _evaluate(
    frame: pd.DataFrame, revenue: np.ndarray, parameters: Parameters, limit: int, *, stop_early: bool
) -> tuple[int, Metrics]:
    holdout, validation, fitting = _split(len(frame))
    plan, data = _fit(frame.iloc[fitting], revenue[fitting])
    callbacks, watched = [], []
    if stop_early:
        features = plan.apply(frame.iloc[validation])
        watched = [lgb.Dataset(features, revenue[validation], reference=data)]
        callbacks = [lgb.early_stopping(PATIENCE_TREES, first_metric_only=True, verbose=False)]
    booster = _boost(parameters, data, limit, valid_sets=watched, callbacks=callbacks)
    predicted = predict(booster, plan.apply(frame.iloc[holdout]))
    return (booster.best_iteration if stop_early else limit), measure(revenue[holdout], predicted)


def _boost(parameters: Parameters, data: lgb.Dataset, trees: int, **watching: Any) -> lgb.Booster:
    try:
        return lgb.train(dict(parameters), data, num_boost_round=trees, **watching)
    except (lgb.basic.LightGBMError, ValueError) as error:
        raise UserError(f"LightGBM cannot train with these rows and parameters: {str(error).strip()}") from error


def _split(rows: int) -> tuple[np.ndarray, np.ndarray, np.ndarray]:
    """Row numbers of the holdout, of validation and of fitting."""
    shuffled = np.random.Generator(np.random.PCG64(SEED)).permutation(rows)
    held_out = round(rows * HOLDOUT_SHARE)
    validating = round((rows - held_out) * VALIDATION_SHARE)
    holdout, validation, fitting = np.split(shuffled, [held_out, held_out + validating])
    return holdout, validation, fitting


def _fit(frame: pd.DataFrame, revenue: np.ndarray) -> tuple[Plan, lgb.Dataset]:
    document = fit_plan(frame, revenue)
    plan = Plan(document)
    features = training_features(document, frame, revenue, SEED)
    return plan, lgb.Dataset(features, revenue, feature_name=plan.features, categorical_feature=plan.categorical)
