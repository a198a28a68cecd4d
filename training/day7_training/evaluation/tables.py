"""Tables for people: the metrics of an evaluation with their intervals, and what tuning found in each fold."""

from __future__ import annotations

from typing import Any

import pandas as pd

from .metrics import format_metric

PART_TITLES = {"all": "All installs", "withoutFlagged": "Without flagged groups"}


def interval_table(evaluation: dict[str, Any]) -> pd.DataFrame:
    """A row for each metric, two columns for each part that there is."""
    columns = {}
    for part, title in PART_TITLES.items():
        if evaluation[part] is not None:
            metrics, found = evaluation[part]["metrics"], evaluation[part]["intervals"]
            columns[title] = {name: format_metric(value) for name, value in metrics.items()}
            columns[f"{title}: 95 % interval"] = {name: _interval(found.get(name)) for name in metrics}
    return pd.DataFrame(columns)


def best_trials(tuning: pd.DataFrame) -> pd.DataFrame:
    """The trial with the least value of each fold: what was tried there. `tuning`: `Comparison.tuning`."""
    if tuning.empty:
        return tuning
    best = tuning.sort_values("value", kind="stable").groupby("fold").head(1)
    return best.sort_values("fold").set_index("fold")


def _interval(ends: list[float] | None) -> str:
    return "" if ends is None else " to ".join(f"{end:.4g}" for end in ends)
