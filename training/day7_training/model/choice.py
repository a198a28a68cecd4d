"""Chooses how the offset of a table's model is made: by factors, by rates of a group, or not at all.

Each way is fitted on two thirds of the rows and measured on the rest, three times; the least deviance wins, each
corrected for its sum. Each has the trees that usually suit it, small or large; the winner is tried with the other ones, too.
"""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
import pandas as pd

from ..features.folds import fold_numbers
from ..features.recipe import TableRecipe
from ..features.structure import FACTORS, NONE, RATES
from ..inputs.schema import InputSchema
from ..progress import Progress, no_progress
from .boosting import fit_until_it_stops, pooled_trees, takes_offset
from .calibration import mean_deviance
from .parameters import SEED, Parameters

FOLD_COUNT = 3
# More rows hardly change the choice.
MOST_ROWS = 30_000
MAX_TREES = 600

SMALL_TREES: Parameters = {
    "num_leaves": 8,
    "min_data_in_leaf": 100,
    "feature_fraction": 0.5,
    "bagging_fraction": 0.7,
    "bagging_freq": 1,
}
# Ways whose trees are large unless small ones gain: rates leave more to be learned than factors of all fields.
_LARGE = (RATES,)
_LEAST_LEAF = 20
_ROWS_PER_LEAF = 100
# An offset is used only where it gains: by this share of the deviance.
_LEAST_GAIN = 2e-3


@dataclass(frozen=True)
class Choice:
    """`deviances`: of each way, the share of the deviance of the mean that is left; the `recipe` has the least."""

    recipe: TableRecipe
    parameters: Parameters
    deviances: dict[str, float]

    def __str__(self) -> str:
        tried = ", ".join(f"{name} {value:.4f}" for name, value in self.deviances.items())
        return f"offset: {self.recipe.base}, trees of {self.parameters['num_leaves']} leaves" + (
            f" (deviance over that of the mean: {tried})" if tried else ""
        )


def choose_recipe(
    inputs: InputSchema,
    frame: pd.DataFrame,
    target: np.ndarray,
    flagged: np.ndarray,
    parameters: Parameters,
    given: frozenset[str],
    progress: Progress = no_progress,
) -> Choice:
    """`given` are the parameters that the user set, which are not changed."""
    ways = _ways(inputs, parameters)
    small = _small(parameters, given, len(frame))
    if len(ways) == 1:
        return Choice(TableRecipe(inputs, ways[0]), parameters, {})
    chosen = np.sort(np.random.Generator(np.random.PCG64(SEED)).permutation(len(frame))[:MOST_ROWS])
    frame, target, flagged = frame.iloc[chosen], target[chosen], flagged[chosen]
    folds = fold_numbers(len(frame), FOLD_COUNT, SEED + 1)
    deviances: dict[str, float] = {}
    with progress("choosing the offset", (len(ways) + 1) * FOLD_COUNT) as step:

        def left(way: str, tried: Parameters) -> float:
            recipe, fitted = TableRecipe(inputs, way), []
            for fold in range(FOLD_COUNT):
                others = folds != fold
                fitted.append(
                    fit_until_it_stops(recipe, "", frame[others], target[others], tried, MAX_TREES, no_progress)
                )
                step()
            trees = pooled_trees([stopped for _, stopped in fitted], with_offset=way != NONE)
            predicted = np.empty(len(frame))
            for fold, (model, _) in enumerate(fitted):
                predicted[folds == fold] = model.predict(frame[folds == fold], trees)
            return _corrected_deviance(target[~flagged], predicted[~flagged])

        for way in ways:
            deviances[way] = left(way, parameters if way in _LARGE else small)
        best = min(deviances, key=deviances.__getitem__)
        if deviances[best] > deviances[NONE] * (1 - _LEAST_GAIN):
            best = NONE
        usual, other = (parameters, small) if best in _LARGE else (small, parameters)
        with_other = f"{best} with {'small' if best in _LARGE else 'large'} trees"
        deviances[with_other] = left(best, other)
    better = deviances[with_other] < deviances[best] * (1 - _LEAST_GAIN)
    return Choice(TableRecipe(inputs, best), other if better else usual, deviances)


def _ways(inputs: InputSchema, parameters: Parameters) -> list[str]:
    if not takes_offset(parameters):
        return [NONE]
    exposed = inputs.with_role("group") and (inputs.with_role("event") or inputs.with_role("amount"))
    return [NONE, FACTORS, *([RATES] if exposed else [])]


def _small(parameters: Parameters, given: frozenset[str], rows: int) -> Parameters:
    least = max(_LEAST_LEAF, min(int(SMALL_TREES["min_data_in_leaf"]), rows // _ROWS_PER_LEAF))
    small = {**SMALL_TREES, "min_data_in_leaf": least}
    return {**parameters, **{name: value for name, value in small.items() if name not in given}}


def _corrected_deviance(actual: np.ndarray, predicted: np.ndarray) -> float:
    total = float(np.sum(predicted))
    if not np.isfinite(total) or total <= 0:
        return np.inf
    return mean_deviance(actual, predicted * (float(np.sum(actual)) / total))
