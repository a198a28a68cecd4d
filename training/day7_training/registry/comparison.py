"""Logs a comparison to MLflow: a run for the comparison, and below it one for each model.

A model's run has the mean and the spread of every metric over the folds; the parent has the figure, the
tables and the data's digest. Nothing is registered here: the best model is trained and logged by itself.
"""

from __future__ import annotations

from pathlib import Path

import pandas as pd

from ..model.compare import Comparison, comparison_table
from ..model.training_rows import TrainingRows
from .store import Store, open_store
from .tracking import log_data, open_run, snake_case

_PREFIXES = {"all": "", "withoutFlagged": "without_flagged_"}


def log_comparison(comparison: Comparison, data: Path, sha256: str, rows: TrainingRows) -> str:
    """Where it is seen. @raises UserError: what failed, where and why"""
    table = comparison_table(comparison)
    with open_store() as store, open_run(store, f"comparison on {data.name}", {"comparison": "parent"}) as (_, url):
        with store.doing("logging the comparison"):
            folds = int(comparison.scores["fold"].nunique())
            about = {"rows": len(rows.frame), "folds": folds, "data_sha256": sha256, "best": str(comparison.best)}
            store.mlflow.log_params({**about, "dropped_flagged": rows.dropped})
            log_data(store, sha256, data, rows.inputs)
            store.mlflow.log_figure(_figure(comparison.scores), "figures/comparison.png")
            store.mlflow.log_text(comparison.scores.to_csv(index=False), "scores.csv")
            store.mlflow.log_text(comparison.tuning.to_csv(index=False), "tuning.csv")
            for model in comparison.predictions:
                _log_model(store, model, table)
    return url


def _log_model(store: Store, model: str, table: pd.DataFrame) -> None:
    # Without its id the run would go to MLflow's default experiment, away from its parent.
    experiment = store.mlflow.active_run().info.experiment_id
    tags = {"comparison": "model"}
    with store.mlflow.start_run(experiment_id=experiment, run_name=model, nested=True, tags=tags):
        store.mlflow.log_param("model", model)
        numbers = {}
        for part, prefix in _PREFIXES.items():
            if (part, model) in table.index:
                for (metric, kind), value in table.loc[(part, model)].items():
                    if pd.notna(value):
                        numbers[f"{prefix}{snake_case(metric)}_{kind}"] = float(value)
        store.mlflow.log_metrics(numbers)


def _figure(scores: pd.DataFrame) -> object:
    # matplotlib takes a while to import, and only a run needs it.
    from ..evaluation.model_plots import comparison_figure

    return comparison_figure(scores)
