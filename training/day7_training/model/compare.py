"""Compares models on the same folds of the same rows: each is fitted on four fifths and measured on the rest.

Every choice, the tuning included, is made inside the rows that a model learns from. Where rows are flagged
as being in another unit, the models learn from them all the same, and each metric is given for all rows
and without the flagged ones.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np
import pandas as pd

from ..errors import UserError
from ..evaluation.metrics import measure
from ..features.folds import fold_numbers
from ..features.recipe import Recipe
from ..inputs.schema import NINE_FIELDS
from ..progress import Progress, no_progress
from .boosting import fit
from .candidates import CANDIDATES, OF_NINE_FIELDS, SERVABLE, Fold
from .parameters import SEED
from .train import TrainingRows
from .tuning import tune

TUNED = "lightgbm tuned"
MODELS = (*CANDIDATES, TUNED)


@dataclass(frozen=True)
class Comparison:
    """`scores`: a row for each model, part and fold, with the metrics as columns; part is all or withoutFlagged.

    `predictions`: each model's revenue of every row, made when the row was held out. `tuning`: a row for
    each fold and trial. `best`: the model that can be served with the least mean absolute error; without
    flagged rows if there are any, since these would decide alone.
    """

    scores: pd.DataFrame
    predictions: dict[str, np.ndarray]
    tuning: pd.DataFrame
    best: str | None


def compare(
    rows: TrainingRows,
    recipe: Recipe,
    *,
    folds: int = 5,
    trials: int = 20,
    models: Sequence[str] | None = None,
    progress: Progress = no_progress,
) -> Comparison:
    """@raises UserError: an unknown model"""
    known = [name for name in MODELS if rows.inputs is NINE_FIELDS or name not in OF_NINE_FIELDS]
    names = list(known if models is None else models)
    for name in names:
        if name not in known:
            raise UserError(f"expected models among {', '.join(known)}, got {name}")
    frame, revenue = rows.frame, rows.revenue
    numbers = fold_numbers(len(frame), folds, SEED)
    predictions = {name: np.empty(len(frame)) for name in names}
    scores: list[dict[str, Any]] = []
    tuning: list[pd.DataFrame] = []
    with progress("comparing", len(names) * folds) as step:
        for number in range(folds):
            held_out = numbers == number
            fold = Fold(frame[~held_out], revenue[~held_out], frame[held_out], recipe)
            for name in names:
                predicted = _predict(name, fold, trials, lambda tried: tuning.append(tried.assign(fold=number)))
                predictions[name][held_out] = predicted
                for part, chosen in _parts(rows.flagged[held_out]).items():
                    metrics = measure(revenue[held_out][chosen], predicted[chosen])
                    scores.append({"model": name, "part": part, "fold": number, **metrics})
                step()
    table = pd.DataFrame(scores)
    return Comparison(table, predictions, pd.concat(tuning) if tuning else pd.DataFrame(), _best(table))


def comparison_table(comparison: Comparison) -> pd.DataFrame:
    """By part and model, the least mean absolute error first: the mean of each metric over the folds and its spread."""
    names = [name for name in comparison.scores.columns if name not in ("model", "part", "fold", "rows")]
    grouped = comparison.scores.groupby(["part", "model"], sort=False)[names]
    table = pd.concat({"mean": grouped.mean(), "spread": grouped.std()}, axis=1).swaplevel(axis=1)
    table = table[[(name, kind) for name in names for kind in ("mean", "spread")]]
    order = table.sort_values(("mae", "mean"), kind="stable")
    return order.loc[[key for part in ("all", "withoutFlagged") for key in order.index if key[0] == part]]


def _predict(name: str, fold: Fold, trials: int, keep: Callable[[pd.DataFrame], None]) -> np.ndarray:
    if name != TUNED:
        return CANDIDATES[name](fold)
    tuned = tune(fold.recipe, fold.frame, fold.revenue, trials, no_progress)
    keep(tuned.trials)
    model = fit(fold.recipe, "", fold.frame, fold.revenue, tuned.parameters, tuned.trees, no_progress)
    return model.predict(fold.held_out)


def _parts(flagged: np.ndarray) -> dict[str, np.ndarray]:
    everything = {"all": np.ones(len(flagged), dtype=bool)}
    return {**everything, "withoutFlagged": ~flagged} if np.any(flagged) and not np.all(flagged) else everything


def _best(scores: pd.DataFrame) -> str | None:
    part = "withoutFlagged" if (scores["part"] == "withoutFlagged").any() else "all"
    servable = scores[(scores["part"] == part) & scores["model"].isin([*SERVABLE, TUNED])]
    return None if servable.empty else str(servable.groupby("model")["mae"].mean().idxmin())
