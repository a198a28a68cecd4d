"""Turns an evaluation into a table for people: each metric with its 95 % interval, with and without flagged groups."""

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


def _interval(ends: list[float] | None) -> str:
    return "" if ends is None else " to ".join(f"{end:.4g}" for end in ends)
