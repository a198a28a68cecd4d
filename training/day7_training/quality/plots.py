"""Draws an inspection: revenue per event, events against revenue, its spread, its Lorenz curve, markets and nulls.

Each picture has a title and a caption that says how to read it; where the data has nothing to show,
the picture is left out. Rows of groups in another unit are orange everywhere.
"""

from __future__ import annotations

from collections.abc import Iterator

import numpy as np
import pandas as pd
from matplotlib.figure import Figure
from matplotlib.ticker import PercentFormatter

from ..features.operators import FOLDS
from ..features.texts import group_by_text
from .canvas import (
    FLAGGED,
    INK,
    QUIET,
    SIZE_INCHES,
    USUAL,
    Picture,
    axes_alone,
    bars,
    label_rows,
    legend,
    log_limits,
    picture,
    plain,
)
from .checks import Inspection
from .finding import percent
from .summary import gini, lorenz

SHOWN_GROUPS = 20
SHOWN_POINTS = 20_000
SHOWN_COLUMNS = 30
_BINS = 40
# Log axes fail near the ends of what a double can hold.
_DRAWABLE = (1e-15, 1e18)


def draw(inspection: Inspection) -> list[Picture]:
    """The pictures, in the order in which they are worth a look."""
    plots = (_rates, _events_against_revenue, _revenue, _lorenz, _rows_by_market, _nulls)
    return [drawn for plot in plots for drawn in plot(inspection)]


def _rates(inspection: Inspection) -> Iterator[Picture]:
    frame, revenue = inspection.frame, inspection.revenue
    counted = [field.name for field in inspection.inputs.with_role("event")]
    events = frame[counted].sum(axis=1).to_numpy() if counted else np.ones(len(frame))
    usable = (revenue > 0) & (events > 0)
    if not np.any(usable):
        return
    for field in dict.fromkeys([*_market(inspection), *(anomaly.field for anomaly in inspection.anomalies)]):
        group, keys = group_by_text(frame[field], FOLDS["ascii_lower"])
        rates = pd.DataFrame({"rate": np.clip(revenue[usable] / events[usable], *_DRAWABLE)})
        rates["flagged"] = inspection.flagged[usable]
        found = rates.groupby(group[usable]).agg(
            low=("rate", lambda rate: rate.quantile(0.1)),
            middle=("rate", "median"),
            high=("rate", lambda rate: rate.quantile(0.9)),
            rows=("rate", "size"),
            flagged=("flagged", "all"),
        )
        found["label"] = np.array(["null", *keys], dtype=object)[found.index]
        found = found.sort_values(["flagged", "rows"], ascending=False, kind="stable").head(SHOWN_GROUPS)
        found = found.sort_values("middle", kind="stable")
        measured = "revenue per event" if counted else "revenue of an install"
        title = f"{measured.capitalize()} by {field}"
        caption = (
            "The dot is the median over installs with revenue, the line spans eight in ten of them. "
            f"At most {SHOWN_GROUPS} groups are shown: those in another unit and those with the most such installs."
        )
        yield picture(title, caption, _draw_rates(found, measured))


def _market(inspection: Inspection) -> list[str]:
    """The field by which installs are told apart first: the group, or else a facet; none where there is neither."""
    inputs = inspection.inputs
    texts = [field.name for field in (*inputs.with_role("group"), *inputs.with_role("facet")) if field.kind == "text"]
    return texts[:1]


def _draw_rates(found: pd.DataFrame, measured: str) -> Figure:
    figure, axes = axes_alone(height=1.1 + 0.2 * max(len(found), 6))
    places = np.arange(len(found))
    colours = np.where(found["flagged"], FLAGGED, USUAL).tolist()
    axes.hlines(places, found["low"], found["high"], colors=colours, linewidth=2, alpha=0.45)
    axes.scatter(found["middle"], places, c=colours, s=34, zorder=3)
    axes.set_xscale("log")
    axes.set_xlim(log_limits(found[["low", "high"]].to_numpy()))
    axes.set_xlabel(f"{measured} (log)")
    label_rows(axes, found["label"].tolist())
    axes.grid(axis="x", color=QUIET, alpha=0.5)
    legend(axes, found["flagged"].any())
    return figure


def _events_against_revenue(inspection: Inspection) -> Iterator[Picture]:
    numbers = [*inspection.inputs.with_role("event"), *inspection.inputs.with_role("amount")]
    if not numbers:
        return
    # The one that most installs have.
    event = max((field.name for field in numbers), key=lambda name: int((inspection.frame[name] > 0).sum()))
    events, revenue = inspection.frame[event].to_numpy(), inspection.revenue
    shown = np.flatnonzero((events > 0) & (revenue > 0))
    if not len(shown):
        return
    absent = len(revenue) - len(shown)
    flagged = shown[inspection.flagged[shown]]
    usual = shown[~inspection.flagged[shown]]
    figure, axes = axes_alone()
    for rows, colour, size in ((usual, USUAL, 7), (flagged, FLAGGED, 12)):
        # Evenly spaced rows show the shape as well as all of them.
        rows = rows[:: max(1, -(-len(rows) // SHOWN_POINTS))]
        across, up = (np.clip(values[rows], *_DRAWABLE) for values in (events, revenue))
        axes.scatter(across, up, c=colour, s=size, alpha=0.35, linewidths=0)
    axes.set_xscale("log")
    axes.set_yscale("log")
    axes.set_xlim(log_limits(np.clip(events[shown], *_DRAWABLE)))
    axes.set_ylim(log_limits(np.clip(revenue[shown], *_DRAWABLE)))
    axes.set_xlabel(f"{event} (log)")
    axes.set_ylabel("revenue (log)")
    axes.grid(color=QUIET, alpha=0.4)
    legend(axes, len(flagged) > 0)
    share = percent(absent / len(revenue))
    caption = f"One point an install. {absent} installs ({share}) with a zero on either axis are not shown."
    yield picture(f"{event} against revenue", caption, figure)


def _revenue(inspection: Inspection) -> Iterator[Picture]:
    revenue = inspection.revenue
    some = revenue > 0
    if not np.any(some):
        return
    zeros = 1 - np.count_nonzero(some) / len(revenue)
    figure = Figure(figsize=SIZE_INCHES, layout="constrained")
    bar, axes = figure.subplots(2, 1, height_ratios=[1, 9])
    bar.barh([0, 0], [zeros, 1 - zeros], left=[0, zeros], color=[QUIET, USUAL])
    bar.set_xlim(0, 1)
    bar.axis("off")
    title = f"{percent(zeros)} bring none, {percent(1 - zeros)} bring revenue"
    bar.set_title(title, fontsize=9.5, loc="left", color=INK)
    edges = np.geomspace(*log_limits(np.clip(revenue[some], *_DRAWABLE)), _BINS + 1)
    for chosen, colour in ((~inspection.flagged, USUAL), (inspection.flagged, FLAGGED)):
        axes.hist(np.clip(revenue[some & chosen], *_DRAWABLE), edges, color=colour, alpha=0.85)
    # Both axes: a group in another unit is small beside the others.
    axes.set_yscale("log")
    axes.set_ylim(bottom=0.5)
    axes.set_xscale("log")
    axes.set_xlabel("revenue (log)")
    axes.set_ylabel("installs (log)")
    plain(axes)
    legend(axes, np.any(inspection.flagged))
    caption = "How many installs bring how much; those that bring none are in the bar above."
    yield picture("Revenue", caption, figure)


def _lorenz(inspection: Inspection) -> Iterator[Picture]:
    revenue = inspection.revenue
    if not np.any(revenue):
        return
    curves = [("all installs", revenue, FLAGGED if np.any(inspection.flagged) else USUAL)]
    if np.any(inspection.flagged):
        curves.append(("without groups in another unit", revenue[~inspection.flagged], USUAL))
    figure, axes = axes_alone()
    axes.plot([0, 1], [0, 1], color=QUIET, linestyle="--", linewidth=1.2, label="all bring the same")
    for name, values, colour in curves:
        if np.any(values):
            curve = lorenz(values)
            shown = np.unique(np.linspace(0, len(curve) - 1, 2000).round().astype(np.int64))
            label = f"{name} (Gini {gini(values):.3f})"
            axes.plot(shown / (len(curve) - 1), curve[shown], color=colour, linewidth=2.2, label=label)
    axes.set_xlabel("share of installs, from the poorest")
    axes.set_ylabel("share of revenue")
    axes.xaxis.set_major_formatter(PercentFormatter(1))
    axes.yaxis.set_major_formatter(PercentFormatter(1))
    axes.set_xlim(0, 1.005)
    axes.set_ylim(-0.005, 1)
    axes.grid(color=QUIET, alpha=0.4)
    axes.legend(loc="upper left", frameon=False, fontsize=9)
    caption = "What the poorest share of installs brings together. The later the curve rises, the fewer bring most."
    yield picture("Lorenz curve of the revenue", caption, figure)


def _rows_by_market(inspection: Inspection) -> Iterator[Picture]:
    for field in _market(inspection):
        yield _draw_rows(inspection, field)


def _draw_rows(inspection: Inspection, field: str) -> Picture:
    group, keys = group_by_text(inspection.frame[field], FOLDS["ascii_lower"])
    sizes = np.bincount(group, minlength=len(keys) + 1)
    flagged = np.bincount(group, inspection.flagged, minlength=len(keys) + 1) == sizes
    order = np.argsort(-sizes, kind="stable")[: len(keys)]
    shown = [number for place, number in enumerate(order) if place < SHOWN_GROUPS or flagged[number]]
    labels = [keys[number - 1] for number in shown]
    counts = sizes[shown].tolist()
    colours = [FLAGGED if flagged[number] else USUAL for number in shown]
    if others := len(keys) - len(shown):
        labels.append(f"{others} others")
        counts.append(len(group) - sum(counts))
        colours.append(QUIET)
    caption = f"Installs of each {field}, the largest first; any in another unit are shown too."
    figure = bars(labels, counts, colours, [f"{count}" for count in counts], "installs")
    legend(figure.axes[0], FLAGGED in colours, loc="lower right")
    return picture(f"Installs by {field}", caption, figure)


def _nulls(inspection: Inspection) -> Iterator[Picture]:
    rows = len(inspection.frame)
    columns = sorted((column for column in inspection.columns if column.nulls), key=lambda column: -column.nulls)
    left_out = len(columns[SHOWN_COLUMNS:])
    columns = columns[:SHOWN_COLUMNS]
    if columns:
        shares = [column.nulls / rows for column in columns]
        texts = [percent(share) for share in shares]
        figure = bars([column.name for column in columns], shares, [USUAL] * len(columns), texts, "share of rows")
        figure.axes[0].xaxis.set_major_formatter(PercentFormatter(1, decimals=None))
        caption = f"Columns with empty cells; {f'{left_out} more have fewer' if left_out else 'the others have none'}."
        yield picture("Nulls", caption, figure)
