"""Figures of the data before any model: a frame of installs with their revenue becomes a Figure.

`flagged` says of each row whether its group's revenue is perhaps in another unit
(`quality.anomalies.find_unit_anomalies`): such rows are drawn apart, or they would hide all others. What each group
of installs brings stands in `group_plots`.
"""

from __future__ import annotations

from collections.abc import Callable

import numpy as np
import pandas as pd
from matplotlib.axes import Axes
from matplotlib.figure import Figure

from ..inputs.field import Field
from ..inputs.schema import NINE_FIELDS, InputSchema
from .metrics import middle_ranks
from .style import (
    FLAGGED,
    FLAGGED_LABEL,
    INK,
    MAIN,
    PERCENT_TICKS,
    PLAIN_TICKS,
    REVENUE_LABEL,
    SECOND,
    count_bins,
    dress,
    legend,
    log_axis,
    log_bins,
    names_on_y,
    new_figure,
    note,
    percent,
)

TOP_SHARES = (0.001, 0.01, 0.05, 0.1, 0.5)
# Of wide tables, the first of them.
_SHOWN_EVENTS = 6
_EVENTS_IN_A_ROW = 3
_SHOWN_NUMBERS = 12
_SHOWN_NULLS = 30


def revenue_figure(frame: pd.DataFrame, flagged: np.ndarray, inputs: InputSchema = NINE_FIELDS) -> Figure:
    """How many bring nothing, what the others bring, and how much of it the top brings."""
    revenue = frame[inputs.target.name].to_numpy()
    figure = new_figure(12, 4)
    spread, top = figure.subplots(1, 2, width_ratios=[3, 2])
    zero = float(np.mean(revenue == 0))
    title = f"Revenue: {percent(zero)} of the installs bring none; the others, on a log axis"
    dress(spread, title, REVENUE_LABEL, "installs", grid="y")
    _histogram(spread, revenue, log_bins, flagged)
    dress(top, "What the installs that bring most bring", "share of all revenue", "", grid="x")
    total = revenue.sum()
    if not total:
        note(top, "no revenue")
        return figure
    falling = np.cumsum(np.sort(revenue)[::-1])
    shares = [falling[max(1, round(share * len(revenue))) - 1] / total for share in TOP_SHARES]
    bars = top.barh(range(len(shares)), shares, color=SECOND, height=0.6)
    top.bar_label(bars, [percent(share) for share in shares], padding=4, fontsize=9, color=INK)
    names_on_y(top, [f"top {percent(share)}" for share in TOP_SHARES])
    top.set_xlim(0, 1.15)
    top.set_xticks([0, 0.25, 0.5, 0.75, 1])
    top.xaxis.set_major_formatter(PERCENT_TICKS)
    return figure


def events_figure(frame: pd.DataFrame, inputs: InputSchema = NINE_FIELDS) -> Figure:
    """Each event and amount where there are any, on a log axis; zeros and nulls in the titles."""
    names = [field.name for field in _exposures(inputs)][:_SHOWN_EVENTS]
    across = max(1, min(_EVENTS_IN_A_ROW, len(names)))
    down = max(1, -(-len(names) // across))
    figure = new_figure(4 * across, 3.6 * down)
    panels = figure.subplots(down, across, squeeze=False).ravel()
    for axes in panels[len(names) :]:
        axes.axis("off")
    for axes, event in zip(panels, names):
        counts = frame[event].to_numpy()
        zero, null = np.mean(counts == 0), np.mean(np.isnan(counts))
        title = f"{event}: {percent(zero)} zero, {percent(null)} null"
        dress(axes, title, "count, where above 0 (log axis)", "installs", grid="y")
        _histogram(axes, counts, count_bins, np.zeros(len(counts), dtype=bool))
    return figure


def _exposures(inputs: InputSchema) -> list[Field]:
    return [*inputs.with_role("event"), *inputs.with_role("amount")]


def nulls_figure(frame: pd.DataFrame, inputs: InputSchema = NINE_FIELDS) -> Figure:
    """The share of nulls of each field, most first."""
    names = [field.name for field in inputs.fields]
    shares = frame[names].isna().mean().sort_values(ascending=False, kind="stable")
    some = int(np.count_nonzero(shares))
    shares = shares.iloc[:_SHOWN_NULLS]
    figure = new_figure(8, 0.7 + 0.3 * max(len(shares), 3))
    axes = figure.subplots()
    dress(axes, f"Nulls: {some} of {len(names)} fields have any", "share of the installs", grid="x")
    bars = axes.barh(range(len(shares)), shares, color=MAIN, height=0.65)
    texts = [percent(share) if share else "none" for share in shares]
    axes.bar_label(bars, texts, padding=4, fontsize=9, color=INK)
    names_on_y(axes, list(shares.index))
    axes.set_xlim(0, max(0.01, 1.12 * float(shares.max())))
    axes.xaxis.set_major_formatter(PERCENT_TICKS)
    return figure


def correlation_figure(frame: pd.DataFrame, inputs: InputSchema = NINE_FIELDS) -> Figure:
    """Rank correlations of the number fields and the revenue, over the rows where both have a value."""
    numbers = [field.name for field in inputs.fields if field.kind == "number"][:_SHOWN_NUMBERS]
    names = [*numbers, inputs.target.name]
    matrix = rank_correlations(frame[names])
    figure = new_figure(max(6, 0.9 * len(names)), max(5, 0.75 * len(names)))
    axes = figure.subplots()
    dress(axes, "Rank correlations (Spearman)", grid="both")
    axes.grid(False)
    image = axes.imshow(matrix, cmap="RdBu", vmin=-1, vmax=1)
    axes.set_xticks(range(len(names)), names, rotation=0 if len(names) < 6 else 90)
    axes.set_yticks(range(len(names)), names)
    for (row, column), value in np.ndenumerate(matrix):
        text = "constant" if np.isnan(value) else f"{value:.2f}"
        colour = "white" if abs(value) > 0.6 else INK
        axes.text(column, row, text, ha="center", va="center", fontsize=10, color=colour)
    colours = figure.colorbar(image, ax=axes, ticks=[-1, -0.5, 0, 0.5, 1], shrink=0.85)
    colours.ax.tick_params(labelsize=9, colors=INK)
    colours.set_label("rank correlation", fontsize=9, color=INK)
    colours.outline.set_visible(False)
    return figure


def rank_correlations(numbers: pd.DataFrame) -> np.ndarray:
    """NaN where one of the two is constant."""
    values = numbers.to_numpy(dtype=np.float64)
    matrix = np.full((values.shape[1], values.shape[1]), np.nan)
    for one, other in np.ndindex(matrix.shape):
        both = values[~np.isnan(values[:, [one, other]]).any(axis=1)]
        ranks = [middle_ranks(both[:, place]) for place in (one, other)] if len(both) else []
        if len(both) and all(np.any(rank != rank[0]) for rank in ranks):
            matrix[one, other] = np.corrcoef(ranks)[0, 1]
    return matrix


def event_revenue_figure(frame: pd.DataFrame, flagged: np.ndarray, inputs: InputSchema = NINE_FIELDS) -> Figure:
    """The revenue of installs with the event that most of them have, where both are above 0, and its median."""
    figure = new_figure(8, 5.2)
    axes = figure.subplots()
    names = [field.name for field in _exposures(inputs)]
    if not names:
        note(axes, "no field has the role event or amount")
        return figure
    event = max(names, key=lambda name: int((frame[name] > 0).sum()))
    counts, revenue = frame[event].to_numpy(), frame[inputs.target.name].to_numpy()
    both = (counts > 0) & (revenue > 0)
    title = f"{event} and revenue: {percent(float(np.mean(both)))} of the installs have both above 0"
    dress(axes, title, f"{event}, count (log axis)", f"{REVENUE_LABEL}, log axis")
    if not np.any(both):
        note(axes, "no install has both")
        return figure
    log_axis(axes, "x", counts[both])
    log_axis(axes, "y", revenue[both])
    usual = both & ~flagged
    if np.any(usual):
        edges = count_bins(counts[both]), log_bins(revenue[both])
        cells, *_ = np.histogram2d(counts[usual], revenue[usual], edges)
        image = axes.pcolormesh(*edges, np.ma.masked_equal(cells.T, 0), cmap="Blues", norm="log", vmin=0.5)
        colours = figure.colorbar(image, ax=axes, pad=0.02)
        colours.ax.yaxis.set_major_formatter(PLAIN_TICKS)
        colours.ax.set_ylim(1, None)
        colours.ax.tick_params(labelsize=9, colors=INK)
        colours.set_label("installs", fontsize=9, color=INK)
        colours.outline.set_visible(False)
        cell = np.digitize(counts[usual], count_bins(counts[both])[::3])
        medians = pd.DataFrame({"cell": cell, "x": counts[usual], "y": revenue[usual]}).groupby("cell").median()
        axes.plot(medians["x"], medians["y"], "o-", color=INK, markersize=4, linewidth=1.4, label="median")
    marked = both & flagged
    if np.any(marked):
        dots = {"color": FLAGGED, "markersize": 4, "alpha": 0.7, "mew": 0, "label": FLAGGED_LABEL}
        axes.plot(counts[marked], revenue[marked], "D", **dots)
    legend(axes, loc="best")
    return figure


def _histogram(axes: Axes, values: np.ndarray, bins: Callable[[np.ndarray], np.ndarray], flagged: np.ndarray) -> None:
    positive = values > 0
    if not np.any(positive):
        note(axes, "no value above 0")
        return
    edges = bins(values[positive])
    axes.hist(values[positive & ~flagged], edges, color=MAIN, label="installs")
    if np.any(positive & flagged):
        axes.hist(values[positive & flagged], edges, color=FLAGGED, label=FLAGGED_LABEL)
        legend(axes, loc="upper right")
    log_axis(axes, "x", edges)
    axes.yaxis.set_major_formatter(PLAIN_TICKS)
