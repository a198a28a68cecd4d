"""Tunes the Tweedie model with offset: a seeded search of fixed budget over LightGBM's parameters.

A quarter of the rows that it is given is set aside once; every trial learns from the rest and stops early
on it, and the trial with the least Tweedie deviance there wins. The variance power that measures is fixed,
whatever power the trial learns by, or trials could not be compared.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

import numpy as np
import optuna
import pandas as pd

from ..features.recipe import Recipe
from ..progress import Progress, no_progress
from .boosting import Watched, boost, in_unit, training_data, validation_split
from .model import Model
from .parameters import SEED, Parameters, resolve_parameters

VALIDATION_SHARE = 0.25
_MAX_TREES = 1000
_POWER = 1.5


@dataclass(frozen=True)
class Tuned:
    """`trials`: one row each, with `trial`, `value` (the deviance) and the parameters tried."""

    parameters: Parameters
    trees: int
    trials: pd.DataFrame


def tune(recipe: Recipe, frame: pd.DataFrame, revenue: np.ndarray, trials: int, progress: Progress) -> Tuned:
    fitting, validation = validation_split(len(frame), VALIDATION_SHARE)
    data = training_data(recipe, frame.iloc[fitting], revenue[fitting], offset=True)
    watched = frame.iloc[validation]
    seen = Watched(data.plan.apply(watched), in_unit(revenue[validation], data.unit), [])
    optuna.logging.set_verbosity(optuna.logging.WARNING)
    study = optuna.create_study(sampler=optuna.samplers.TPESampler(seed=SEED))

    def run(trial: optuna.Trial) -> float:
        booster = boost("", _suggest(trial), data, _MAX_TREES, no_progress, seen)
        trial.set_user_attr("trees", booster.best_iteration)
        predicted = Model(data.plan, booster).predict(watched, booster.best_iteration)
        return tweedie_deviance(revenue[validation], predicted)

    # The usual parameters are the first trial, so that tuning does not end below where it began.
    usual = resolve_parameters("tweedie", {})
    study.enqueue_trial({name: usual[name] for name in _SPACE})
    with progress("tuning", trials) as step:
        study.optimize(run, n_trials=trials, callbacks=[lambda *_: step()])
    best: Parameters = {**usual, **study.best_params}
    rows = [{"trial": trial.number, "value": trial.value, **trial.params} for trial in study.trials]
    return Tuned(best, study.best_trial.user_attrs["trees"], pd.DataFrame(rows))


def tweedie_deviance(actual: np.ndarray, predicted: np.ndarray) -> float:
    """The mean deviance of power 1.5; 0 is perfect."""
    expected = np.maximum(predicted, 1e-12)
    zero = np.power(actual, 2 - _POWER) / ((1 - _POWER) * (2 - _POWER))
    cross = actual * np.power(expected, 1 - _POWER) / (1 - _POWER)
    return float(2 * np.mean(zero - cross + np.power(expected, 2 - _POWER) / (2 - _POWER)))


# Low, high, and whether the scale is logarithmic.
_SPACE: dict[str, tuple[float, float, bool]] = {
    "learning_rate": (0.02, 0.1, True),
    "num_leaves": (7, 63, True),
    "min_data_in_leaf": (5, 100, True),
    "feature_fraction": (0.4, 1.0, False),
    "lambda_l2": (0.1, 100.0, True),
    "tweedie_variance_power": (1.3, 1.8, False),
}


def _suggest(trial: optuna.Trial) -> Parameters:
    found: dict[str, Any] = {}
    for name, (low, high, log) in _SPACE.items():
        whole = isinstance(low, int) and isinstance(high, int)
        found[name] = (trial.suggest_int if whole else trial.suggest_float)(name, low, high, log=log)
    return {**resolve_parameters("tweedie", {}), **found}
