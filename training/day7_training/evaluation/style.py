"""The one quiet style of the figures: sizes, colours, axes for long tails, and labels made of the data's texts.

Figures are made without pyplot: it keeps every figure alive in one list for the whole process, which a
training job has no use for. Colours are those of Okabe and Ito, which the colour-blind tell apart.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from functools import cache
from typing import Literal

import numpy as np
from matplotlib.axes import Axes
from matplotlib.axis import Axis
from matplotlib.figure import Figure
from matplotlib.font_manager import FontProperties, findfont, get_font
from matplotlib.ticker import FixedLocator, Formatter, FuncFormatter, MaxNLocator, NullLocator

MAIN = "#0072B2"
SECOND = "#009E73"
# Always what is in another unit, and nothing else.
FLAGGED = "#D55E00"
QUIET = "#8A8F98"
INK = "#2B2F36"
_GRID = "#E6E8EB"

REVENUE_LABEL = "revenue within the horizon (unit of the data)"
FLAGGED_LABEL = "flagged: perhaps another unit"

SAMPLE_SEED = 7

# Values that span less are drawn on a linear axis.
_LINEAR_SPAN = 30
_MOST_DECADES = 14
_MOST_TICKS = 6
_LONGEST_LABEL = 24
_BINS = 40


def new_figure(width: float, height: float) -> Figure:
    """In inches of 100 pixels."""
    return Figure(figsize=(width, height), dpi=100, layout="constrained", facecolor="white")


def dress(axes: Axes, title: str, x: str = "", y: str = "", *, grid: Literal["both", "x", "y"] = "both") -> None:
    """The title, the labels of the axes and the quiet look."""
    axes.set_title(title, loc="left", fontsize=10.5, color=INK, fontweight="bold", pad=8)
    axes.set_xlabel(x, fontsize=9.5, color=INK)
    axes.set_ylabel(y, fontsize=9.5, color=INK)
    axes.tick_params(labelsize=9, colors=INK, length=3)
    axes.spines[["top", "right"]].set_visible(False)
    axes.spines[["left", "bottom"]].set_color(QUIET)
    axes.set_axisbelow(True)
    axes.grid(True, axis=grid, color=_GRID, linewidth=0.8)


def note(axes: Axes, text: str) -> None:
    """Where there is nothing to draw: says so in the middle."""
    axes.text(0.5, 0.5, text, transform=axes.transAxes, ha="center", va="center", fontsize=10, color=QUIET)
    axes.set_xticks([])
    axes.set_yticks([])


def legend(axes: Axes, **options: object) -> None:
    shown = axes.legend(frameon=False, fontsize=9, labelcolor=INK, **options)
    for handle in shown.legend_handles:
        handle.set_alpha(1)


def names_on_y(axes: Axes, names: Sequence[str]) -> None:
    """One name a line, the first on top."""
    axes.set_yticks(range(len(names)), names)
    axes.set_ylim(len(names) - 0.4, -0.6)
    axes.grid(False, axis="y")


def tail_axis(axes: Axes, which: Literal["x", "y"], values: np.ndarray, least: float = 0.0) -> None:
    """An axis for values of all sizes: linear for a narrow span, else logarithmic, with a place for 0 and below.

    Sizes below `least` are as good as 0: where there is a place for 0, they are drawn near it.
    """
    axis, set_scale = _axis(axes, which)
    sizes = np.abs(values[np.isfinite(values) & (values != 0)])
    if not len(sizes) or sizes.max() < _LINEAR_SPAN * sizes.min():
        axis.set_major_locator(MaxNLocator(_MOST_TICKS, steps=[1, 2, 5, 10]))
        axis.set_major_formatter(PLAIN_TICKS)
        return
    high = int(np.floor(np.log10(sizes.max())))
    # A few tiny values must not push the others into a corner.
    smallest = max(float(np.quantile(sizes, 0.01)), least)
    low = min(max(int(np.floor(np.log10(smallest))), high - _MOST_DECADES), high - 1)
    negative = bool(np.any(values < 0))
    step = max(1, -(-(high - low + 1) // (3 if negative else _MOST_TICKS)))
    decades = 10.0 ** np.arange(high, low - 1, -step)[::-1]
    if not negative and np.all(values != 0):
        set_scale("log")
        ticks = decades
    else:
        set_scale("symlog", linthresh=decades[0], linscale=0.5 * step)
        ticks = np.concatenate([-decades[::-1] if negative else [], [0.0], decades])
    axis.set_major_locator(FixedLocator(ticks))
    axis.set_minor_locator(NullLocator())
    axis.set_major_formatter(PLAIN_TICKS)


def log_axis(axes: Axes, which: Literal["x", "y"], values: np.ndarray) -> None:
    """A logarithmic axis, wide enough for two numbers to stand at it whatever the span; some value is above 0."""
    axis, set_scale = _axis(axes, which)
    known = values[np.isfinite(values) & (values > 0)]
    low, high = float(known.min()) / 1.6, float(known.max()) * 1.6
    set_scale("log")
    decades = 10.0 ** np.arange(np.floor(np.log10(low)), np.ceil(np.log10(high)) + 1)
    if len(decades) > 2 * _MOST_TICKS:
        decades = decades[:: -(-len(decades) // _MOST_TICKS)]
    fine = high / low < 300
    axis.set_major_locator(FixedLocator(np.outer(decades, [1, 2, 5]).ravel() if fine else decades))
    axis.set_minor_locator(NullLocator())
    axis.set_major_formatter(PLAIN_TICKS)
    (axes.set_xlim if which == "x" else axes.set_ylim)(low, high)


def count_bins(counts: np.ndarray) -> np.ndarray:
    """The same for counts: where they are whole, no bin falls between two of them."""
    edges = log_bins(counts)
    return np.unique(np.floor(edges)) + 0.5 if np.all(counts == np.round(counts)) else edges


def log_bins(values: np.ndarray) -> np.ndarray:
    """The edges of bins of equal width on a logarithmic axis; `values` are above 0."""
    return np.geomspace(float(np.min(values)) / 1.1, float(np.max(values)) * 1.1, _BINS + 1)


def sample_rows(rows: int, most: int) -> np.ndarray:
    """Numbers of at most that many rows, in order; the same ones each time."""
    if rows <= most:
        return np.arange(rows)
    return np.sort(np.random.Generator(np.random.PCG64(SAMPLE_SEED)).choice(rows, most, replace=False))


def plain(value: float) -> str:
    """0.001, 12,000, 1e+09."""
    if value and not 1e-4 <= abs(value) < 1e6:
        return f"{value:.3g}"
    return f"{value:,.6g}" if abs(value) < 10 else f"{value:,.5g}" if abs(value) < 1e5 else f"{value:,.0f}"


def percent(share: float) -> str:
    """12%, 0.31%, 99.6%: enough digits that a small share is not none and a large one not all."""
    points = 100 * share
    if 99.5 <= points < 100:
        return f"{points:.4g}%"
    return f"{points:.0f}%" if points >= 9.95 or points == 0 else f"{points:.2g}%"


PLAIN_TICKS: Formatter = FuncFormatter(lambda value, _: plain(value))
PERCENT_TICKS: Formatter = FuncFormatter(lambda share, _: percent(share))


def label(text: str | None, missing: str = "(missing)") -> str:
    """A text of the data as a label: short, on one line, without what the font lacks or matplotlib reads as math."""
    if text is None:
        return missing
    short = text if len(text) <= _LONGEST_LABEL else text[: _LONGEST_LABEL - 1] + "…"
    return "".join(letter if _drawable(letter) else "□" for letter in short).replace("$", r"\$")


def _axis(axes: Axes, which: Literal["x", "y"]) -> tuple[Axis, Callable[..., None]]:
    return (axes.xaxis, axes.set_xscale) if which == "x" else (axes.yaxis, axes.set_yscale)


@cache
def _drawable(letter: str) -> bool:
    # A letter that the font lacks would be a warning at every drawing.
    return letter.isprintable() and get_font(findfont(FontProperties())).get_char_index(ord(letter)) > 0
