"""Figures of how good predictions are: predictions and revenue, or a part of an evaluation, become a Figure.

`part` is `evaluation["all"]` or `evaluation["withoutFlagged"]`. Axes suit revenue: a third of it is 0
and the rest spans orders of magnitude. The order of the predictions has `lorenz_plots`, a model
`model_plots`, and the data before any model `eda_plots` and `group_plots`.
"""

from __future__ import annotations

from typing import Any

import numpy as np
from matplotlib.axes import Axes
from matplotlib.figure import Figure

from .style import (
    FLAGGED,
    FLAGGED_LABEL,
    INK,
    MAIN,
    PERCENT_TICKS,
    QUIET,
    REVENUE_LABEL,
    dress,
    label,
    legend,
    log_axis,
    names_on_y,
    new_figure,
    percent,
    plain,
    sample_rows,
    tail_axis,
)

# More points cover one another.
SHOWN_POINTS = 20_000

# A group's sum of predictions is drawn at most this many times too low or too high.
_WIDEST_BIAS = 30.0


def calibration_figure(part: dict[str, Any]) -> Figure:
    """What was predicted and what came by tenths of the installs."""
    bins = part["calibration"]
    predicted = np.array([each["predicted"] for each in bins])
    actual = np.array([each["actual"] for each in bins])
    both = np.concatenate([predicted, actual])
    figure = new_figure(6, 5.4)
    axes = figure.subplots()
    dress(
        axes,
        "Calibration by tenths of the installs:\nabove the diagonal, more came than was predicted",
        f"mean predicted {REVENUE_LABEL}",
        f"mean actual {REVENUE_LABEL}",
    )
    least = _least(actual)
    tail_axis(axes, "x", both, least)
    tail_axis(axes, "y", both, least)
    _diagonal(axes, both)
    axes.plot(predicted, actual, "o", color=MAIN, markersize=7, label="a tenth of the installs, 10 = highest")
    # Those in which nothing came are one dot near 0.
    low = [each["decile"] for each in bins if max(each["predicted"], each["actual"]) < least]
    texts = {low[-1]: f"{low[0]} to {low[-1]}"} if len(low) > 1 else {}
    for each in bins:
        text = texts.get(each["decile"], "" if each["decile"] in low[:-1] else str(each["decile"]))
        _beside(axes, text, each["predicted"], each["actual"], (7, -9))
    legend(axes, loc="upper left")
    return figure


def bias_by_group_figure(part: dict[str, Any]) -> Figure:
    """Sum of predictions over sum of revenue, for the groups of each field."""
    fields = part["groups"]
    most = max(len(groups) for groups in fields.values())
    figure = new_figure(4.4 * len(fields), 1.8 + 0.3 * most)
    panels = figure.subplots(1, len(fields), squeeze=False)[0]
    for axes, (field, groups) in zip(panels, fields.items()):
        dress(axes, field, "predicted / actual revenue (log axis)", grid="x")
        names = [label("all others" if each["others"] else each["value"]) for each in groups]
        names_on_y(axes, [f"{name} ({each['rows']:,})" for name, each in zip(names, groups)])
        axes.axvline(1, color=QUIET, linewidth=1.2, linestyle="--")
        _bias_dots(axes, [each["biasRatio"] for each in groups])
    figure.suptitle(
        "Bias by group: right of 1, more was predicted than came (in brackets: installs)",
        fontsize=11.5,
        color=INK,
        fontweight="bold",
    )
    return figure


def residuals_figure(actual: np.ndarray, predicted: np.ndarray, flagged: np.ndarray) -> Figure:
    """Each install's residual by its prediction, and which installs the absolute error comes from."""
    residual = actual - predicted
    figure = new_figure(11.5, 4.8)
    each, bands = figure.subplots(1, 2)
    shown = sample_rows(len(actual), SHOWN_POINTS)
    title = "Residuals: above 0, more came than was predicted"
    if len(shown) < len(actual):
        title += f"\n({len(shown):,} of {len(actual):,} installs)"
    dress(each, title, f"predicted {REVENUE_LABEL}", "actual - predicted revenue")
    least = _least(actual)
    tail_axis(each, "x", np.append(predicted, 0.0), least)
    tail_axis(each, "y", residual, least)
    each.axhline(0, color=QUIET, linewidth=1.2)
    for rows, colour, name in ((~flagged, MAIN, "installs"), (flagged, FLAGGED, FLAGGED_LABEL)):
        dots = shown[rows[shown]]
        if len(dots):
            each.plot(predicted[dots], residual[dots], "o", color=colour, markersize=2.5, alpha=0.35, mew=0, label=name)
    if np.any(flagged):
        legend(each, loc="upper left", markerscale=3)
    _error_bands(bands, actual, np.abs(residual))
    return figure


def revenue_bands(actual: np.ndarray) -> tuple[list[str], np.ndarray]:
    """Bands of powers of ten, lowest first, and the band of each install; band 0 is no revenue at all."""
    positive = actual[actual > 0]
    if not len(positive):
        return ["0"], np.zeros(len(actual), dtype=np.int64)
    low, high = np.floor(np.log10(np.quantile(positive, 0.01))), np.ceil(np.log10(positive.max()))
    # At most seven bands above 0.
    edges = 10.0 ** np.arange(high, low - 1, -max(1, np.ceil((high - low) / 7)))[::-1]
    inner = edges[1:-1]
    ends = ["0", *(plain(edge) for edge in inner)]
    names = [f"{ends[place]} to {end}" for place, end in enumerate(ends[1:])]
    return ["0", *names, f"over {ends[-1]}"], np.where(actual > 0, 1 + np.searchsorted(inner, actual), 0)


def _error_bands(axes: Axes, actual: np.ndarray, error: np.ndarray) -> None:
    dress(axes, "Where the absolute error comes from", "share", "actual revenue", grid="x")
    names, band = revenue_bands(actual)
    total = float(np.sum(error))
    installs = np.bincount(band, minlength=len(names)) / len(band)
    errors = np.bincount(band, error, minlength=len(names)) / (total or 1.0)
    names_on_y(axes, names)
    for shares, shift, colour, of in ((installs, -0.2, QUIET, "installs"), (errors, 0.2, MAIN, "error")):
        places = np.arange(len(names)) + shift
        bars = axes.barh(places, shares, height=0.38, color=colour, label=f"share of the {of}")
        axes.bar_label(bars, [percent(share) for share in shares], padding=3, fontsize=8.5, color=INK)
    axes.set_xlim(0, 1.18 * max(installs.max(), errors.max()))
    axes.xaxis.set_major_formatter(PERCENT_TICKS)
    legend(axes, loc="best")


def _bias_dots(axes: Axes, ratios: list[float | None]) -> None:
    known = np.array([np.nan if ratio is None else ratio for ratio in ratios])
    # At the edge, an arrow: 0 has no place on a log axis, and one group must not flatten the others.
    drawn = np.clip(known, 1 / _WIDEST_BIAS, _WIDEST_BIAS)
    inside = drawn == known
    places = np.arange(len(known))
    axes.plot(drawn[inside], places[inside], "o", color=MAIN, markersize=7)
    for edge, marker in ((1 / _WIDEST_BIAS, "<"), (_WIDEST_BIAS, ">")):
        beyond = ~inside & (drawn == edge)
        axes.plot(drawn[beyond], places[beyond], marker, color=MAIN, markersize=8)
    for place, value in enumerate(known):
        text = "no revenue" if np.isnan(value) else f"{value:.2f}" if value < 100 else plain(value)
        at = 1.0 if np.isnan(value) else drawn[place]
        # Away from the line at 1, but never out of the panel.
        side = 1 if (at >= 1) == (1 / _WIDEST_BIAS < at < _WIDEST_BIAS) else -1
        _beside(axes, text, at, place, (8 * side, 0))
    # As far to the left as to the right: half is as wrong as double.
    reach = float(np.nanmax(np.maximum(drawn, 1 / drawn), initial=1.5))
    log_axis(axes, "x", np.array([1 / reach, reach]) ** 1.25)


def _beside(axes: Axes, text: str, x: float, y: float, points: tuple[int, int]) -> None:
    side = "left" if points[0] > 0 else "right"
    axes.annotate(text, (x, y), points, textcoords="offset points", va="center", ha=side, fontsize=8.5, color=INK)


def _diagonal(axes: Axes, values: np.ndarray) -> None:
    low, high = float(np.min(values)), float(np.max(values))
    # Many points: on an axis that is partly linear, two would make a curve.
    steps = np.geomspace(max(low, high * 1e-14), high, 200) if high > 0 else []
    line = np.unique(np.concatenate([[low, high], steps]))
    axes.plot(line, line, color=QUIET, linewidth=1.2, linestyle="--", zorder=1)


def _least(actual: np.ndarray) -> float:
    """A tenth of the small revenues: what differs by less is as good as equal."""
    positive = actual[actual > 0]
    return float(np.quantile(positive, 0.01)) / 10 if len(positive) else 0.0
