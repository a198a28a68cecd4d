"""The models that are compared, from the simplest to the tuned: each turns a fold into predictions.

Every model sees the same rows and the same features, those of the feature plan with the expected revenue
among them; only the models with an offset take it as their starting point instead. Revenue below 0 is
predicted by none: what falls below is set to 0, as the service does.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass
from functools import cached_property

import numpy as np
import pandas as pd
from sklearn.compose import TransformedTargetRegressor
from sklearn.ensemble import GradientBoostingRegressor, RandomForestRegressor
from sklearn.impute import SimpleImputer
from sklearn.linear_model import Lasso, Ridge
from sklearn.pipeline import make_pipeline
from sklearn.preprocessing import StandardScaler

from ..features.operators import FOLDS
from ..features.plan import Encoded
from ..features.recipe import Recipe
from ..features.texts import group_by_text
from ..progress import no_progress
from .boosting import TrainingData, fit, fit_until_it_stops, training_data
from .parameters import SEED, Parameters, resolve_parameters

_MAX_TREES = 1000


@dataclass(frozen=True)
class Fold:
    """Rows to learn from and rows to predict; their features are computed once for all models."""

    frame: pd.DataFrame
    revenue: np.ndarray
    held_out: pd.DataFrame
    recipe: Recipe

    @cached_property
    def data(self) -> TrainingData:
        return training_data(self.recipe, self.frame, self.revenue, offset=False)

    @cached_property
    def encoded(self) -> Encoded:
        return self.data.plan.apply(self.held_out)


Predict = Callable[[Fold], np.ndarray]


def predict_zero(fold: Fold) -> np.ndarray:
    return np.zeros(len(fold.held_out))


def country_mean(fold: Fold) -> np.ndarray:
    """The mean revenue of the country's installs; of all installs for an unseen country."""
    return _by_country(fold, np.ones(len(fold.frame)), np.ones(len(fold.held_out)))


def country_rate(fold: Fold) -> np.ndarray:
    """The one-line baseline: the country's revenue per event_2, times event_2."""
    return _by_country(fold, fold.frame["event_2"].to_numpy(), fold.held_out["event_2"].to_numpy())


def _by_country(fold: Fold, exposure: np.ndarray, held_out_exposure: np.ndarray) -> np.ndarray:
    group, keys = group_by_text(fold.frame["country"], FOLDS["ascii_lower"])
    totals = np.bincount(group, fold.revenue, minlength=len(keys) + 1)
    exposures = np.bincount(group, exposure, minlength=len(keys) + 1)
    whole = totals.sum() / exposures.sum() if exposures.sum() else 0.0
    rates = np.divide(totals, exposures, out=np.full(len(totals), whole), where=exposures > 0)
    numbers = {key: number for number, key in enumerate(keys, 1)}
    fold_text = FOLDS["ascii_lower"]
    rate = [rates[numbers[key]] if (key := fold_text(text)) in numbers else whole for text in fold.held_out["country"]]
    return np.array(rate) * held_out_exposure


def _regressor(make: Callable[[], object]) -> Predict:
    """A model of scikit-learn, with missing values set to the median, features and revenue scaled to their spread."""

    def predict(fold: Fold) -> np.ndarray:
        imputer = SimpleImputer(strategy="median", keep_empty_features=True)
        pipeline = make_pipeline(imputer, StandardScaler(), make())
        model = TransformedTargetRegressor(pipeline, transformer=StandardScaler())
        model.fit(fold.data.encoded.features, fold.revenue)
        return np.maximum(model.predict(fold.encoded.features), 0.0)

    return predict


def _boosted(parameters: Parameters, *, offset: bool) -> Predict:
    def predict(fold: Fold) -> np.ndarray:
        model, stopped = fit_until_it_stops(
            fold.recipe, "", fold.frame, fold.revenue, parameters, _MAX_TREES, no_progress, offset=offset
        )
        return model.predict(fold.held_out, stopped.trees)

    return predict


def _two_part(fold: Fold) -> np.ndarray:
    """The chance to pay, times what a payer brings."""
    pays = fold.revenue > 0
    if np.all(pays) or not np.any(pays):
        chance = np.full(len(fold.held_out), float(np.mean(pays)))
    else:
        payer = {**resolve_parameters("tweedie", {}), "objective": "binary"}
        model, stopped = fit_until_it_stops(
            fold.recipe, "", fold.frame, pays.astype(float), payer, _MAX_TREES, no_progress
        )
        chance = model.predict(fold.held_out, stopped.trees)
    task = "", fold.frame[pays], fold.revenue[pays], resolve_parameters("gamma", {}), 200, no_progress
    amount = fit(fold.recipe, *task)
    return chance * amount.predict(fold.held_out)


# By name, from the simplest to the best; the tuned model is made in tuning.py.
CANDIDATES: Mapping[str, Predict] = {
    "predict zero": predict_zero,
    "mean by country": country_mean,
    "country rate x event_2": country_rate,
    "ridge": _regressor(lambda: Ridge(alpha=1.0)),
    "lasso": _regressor(lambda: Lasso(alpha=1e-3, max_iter=10_000)),
    "random forest": _regressor(
        lambda: RandomForestRegressor(100, min_samples_leaf=3, max_features=0.4, n_jobs=2, random_state=SEED)
    ),
    "gradient boosting": _regressor(
        lambda: GradientBoostingRegressor(n_estimators=150, max_depth=5, subsample=0.5, random_state=SEED)
    ),
    "lightgbm l2": _boosted(resolve_parameters("regression", {}), offset=False),
    "lightgbm l1": _boosted(resolve_parameters("regression_l1", {}), offset=False),
    "lightgbm tweedie": _boosted(resolve_parameters("tweedie", {}), offset=False),
    "lightgbm two-part": _two_part,
    "lightgbm tweedie offset": _boosted(resolve_parameters("tweedie", {}), offset=True),
}

# What `train` can make a bundle of: the objective of each. The tuned model has its own parameters.
SERVABLE = {"lightgbm l2": "regression", "lightgbm l1": "regression_l1", "lightgbm tweedie offset": "tweedie"}

# Those that name a field.
OF_NINE_FIELDS = ("mean by country", "country rate x event_2")
