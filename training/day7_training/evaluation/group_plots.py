"""Figure of what an install and an event bring in each group: of the nine fields country, source, platform and brand; of others, the facets.

Rows that are flagged as being in another unit are dots of their own: in one sum with the others they
would be all of it.
"""

from __future__ import annotations

import numpy as np
import pandas as pd
from matplotlib.axes import Axes
from matplotlib.figure import Figure

from ..features.operators import FOLDS
from ..features.texts import group_by_text
from ..inputs.schema import NINE_FIELDS, InputSchema
from .style import (
    FLAGGED,
    FLAGGED_LABEL,
    INK,
    MAIN,
    QUIET,
    dress,
    label,
    log_axis,
    names_on_y,
    new_figure,
    note,
    tail_axis,
)

# Title, field, and how its texts are folded into groups.
_NINE_GROUPINGS = (
    ("country", "country", "ascii_lower"),
    ("source", "source", "ascii_lower"),
    ("platform", "platform", "ascii_lower"),
    ("device brand", "device_family", "ascii_lower_first_word"),
)
_SHOWN_FACETS = 4
SHOWN_GROUPS = 10
SHOWN_FLAGGED_GROUPS = 3


def revenue_by_group_figure(frame: pd.DataFrame, flagged: np.ndarray, inputs: InputSchema = NINE_FIELDS) -> Figure:
    """Revenue per install and per event in the largest groups, flagged rows apart."""
    groupings = groupings_of(inputs)
    if not groupings:
        figure = new_figure(8, 3)
        note(figure.subplots(), "no text has the role facet")
        return figure
    tables = [group_revenue(frame, flagged, field, fold, inputs) for _, field, fold in groupings]
    sizes = [max(2, table["order"].nunique()) for table in tables]
    figure = new_figure(11.5, 1.5 + sum(0.26 * size + 0.85 for size in sizes))
    panels = figure.subplots(len(tables), 2, height_ratios=[size + 1 for size in sizes], squeeze=False)
    for row, ((title, *_), table) in zip(panels, zip(groupings, tables)):
        for axes, measured in zip(row, ("per install", "per event")):
            dress(axes, f"Revenue {measured} by {title}", f"revenue {measured} (unit of the data, log axis)", grid="x")
            _group_dots(axes, table, measured)
        row[1].set_yticklabels([])
    handles = [panels[0, 0].plot([], [], "o", color=MAIN)[0]]
    names = ["installs"]
    if np.any(flagged):
        handles.append(panels[0, 0].plot([], [], "D", color=FLAGGED)[0])
        names.append(FLAGGED_LABEL)
    figure.legend(handles, names, loc="outside upper right", ncols=2, frameon=False, fontsize=9.5, labelcolor=INK)
    return figure


def groupings_of(inputs: InputSchema) -> tuple[tuple[str, str, str], ...]:
    if inputs is NINE_FIELDS:
        return _NINE_GROUPINGS
    texts = [field.name for field in inputs.with_role("facet") if field.kind == "text"][:_SHOWN_FACETS]
    return tuple((name, name, "ascii_lower") for name in texts)


def group_revenue(
    frame: pd.DataFrame, flagged: np.ndarray, field: str, fold: str, inputs: InputSchema = NINE_FIELDS
) -> pd.DataFrame:
    """The largest groups and the largest with flagged rows: a row for the plain rows of each, one for the flagged."""
    group, keys = group_by_text(frame[field], FOLDS[fold])
    events = frame[[each.name for each in inputs.with_role("event")]].sum(axis=1)
    rows = pd.DataFrame({"group": group, "flagged": flagged, "events": events, "revenue": frame[inputs.target.name]})
    sizes = rows.groupby("group").size().sort_values(ascending=False, kind="stable")
    marked = rows.loc[rows["flagged"], "group"].value_counts().index[:SHOWN_FLAGGED_GROUPS]
    shown = list(dict.fromkeys([*sizes.index[:SHOWN_GROUPS], *marked]))
    table = (
        rows[rows["group"].isin(shown)]
        .groupby(["group", "flagged"], as_index=False)
        .agg(installs=("revenue", "size"), revenue=("revenue", "sum"), events=("events", "sum"))
    )
    table["order"] = table["group"].map(shown.index)
    table["name"] = [label(keys[number - 1] if number else None) for number in table["group"]]
    table["per install"] = table["revenue"] / table["installs"]
    table["per event"] = table["revenue"] / table["events"].where(table["events"] > 0)
    return table.sort_values(["order", "flagged"], ignore_index=True)


def _group_dots(axes: Axes, table: pd.DataFrame, measured: str) -> None:
    if np.all(table[measured].dropna() > 0) and table[measured].notna().any():
        log_axis(axes, "x", table[measured].to_numpy())
    else:
        tail_axis(axes, "x", table[measured].to_numpy())
    usual, marked = table[~table["flagged"]], table[table["flagged"]]
    if len(usual):
        column = "installs" if measured == "per install" else "events"
        mean = float(usual["revenue"].sum() / usual[column].sum()) if usual[column].sum() else np.nan
        axes.axvline(mean, color=QUIET, linewidth=1.2, linestyle="--")
    axes.plot(usual[measured], usual["order"], "o", color=MAIN, markersize=6.5)
    axes.plot(marked[measured], marked["order"], "D", color=FLAGGED, markersize=6.5)
    groups = table.groupby("order").agg(name=("name", "first"), installs=("installs", "sum"))
    names_on_y(axes, [f"{name} ({installs:,})" for name, installs in groups.itertuples(index=False)])
