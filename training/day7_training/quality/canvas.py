"""What the pictures share: their size and colours, bars and labels, and the PNG at the end.

Figures are drawn on canvases of their own: pyplot and its global state stay untouched. Texts of the
data are shortened and never read as formulas.
"""

from __future__ import annotations

import io
import warnings
from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
from matplotlib.axes import Axes
from matplotlib.backends.backend_agg import FigureCanvasAgg
from matplotlib.figure import Figure

from .finding import shortened

USUAL = "#0072B2"
FLAGGED = "#D55E00"
QUIET = "#c3cad3"
INK = "#2B2F36"

SIZE_INCHES = (6.4, 4.0)
_DOTS_PER_INCH = 160
_LONGEST_LABEL = 22


@dataclass(frozen=True)
class Picture:
    title: str
    caption: str
    png: bytes


def picture(title: str, caption: str, figure: Figure) -> Picture:
    file = io.BytesIO()
    with warnings.catch_warnings():
        # The font lacks some alphabets; a box is drawn for a letter that it has not.
        warnings.filterwarnings("ignore", message="Glyph .* missing from font")
        FigureCanvasAgg(figure).print_figure(file, format="png", dpi=_DOTS_PER_INCH, metadata={"Software": None})
    return Picture(title, caption, file.getvalue())


def bars(labels: list[str], values: list[float], colours: list[str], texts: list[str], unit: str) -> Figure:
    """Bars from left to right, the first on top, each with its text at the end."""
    figure, axes = axes_alone(height=1.1 + 0.2 * max(len(labels), 6))
    places = np.arange(len(labels))
    drawn = axes.barh(places, values, color=colours, height=0.72)
    axes.bar_label(drawn, texts, padding=4, fontsize=8.5, color=INK)
    axes.set_xlim(0, max(values) * 1.14)
    axes.set_xlabel(unit)
    axes.ticklabel_format(axis="x", style="plain")
    axes.locator_params(axis="x", nbins=6)
    label_rows(axes, labels)
    axes.invert_yaxis()
    return figure


def axes_alone(height: float = SIZE_INCHES[1]) -> tuple[Figure, Axes]:
    figure = Figure(figsize=(SIZE_INCHES[0], height), layout="constrained")
    axes = figure.subplots()
    plain(axes)
    return figure, axes


def plain(axes: Axes) -> None:
    axes.spines[["top", "right"]].set_visible(False)
    axes.spines[["left", "bottom"]].set_color(QUIET)
    axes.tick_params(colors=INK, labelsize=9)
    axes.set_axisbelow(True)


def log_limits(values: np.ndarray) -> tuple[float, float]:
    """Whole powers of ten around the `values`, at least one apart and a little more: within one, labels get crowded."""
    low, high = np.floor(np.log10(np.min(values))), np.ceil(np.log10(np.max(values)))
    return float(10**low) / 1.2, float(10 ** max(high, low + 1)) * 1.2


def label_rows(axes: Axes, labels: Sequence[str]) -> None:
    # A dollar in the data is no formula.
    texts = [shortened(label, _LONGEST_LABEL) for label in labels]
    axes.set_yticks(np.arange(len(texts)), texts, parse_math=False)
    axes.set_ylim(-0.8, max(len(texts), 6) - 0.2)


def legend(axes: Axes, flagged: bool, loc: str = "best") -> None:
    if flagged:
        axes.scatter([], [], c=FLAGGED, s=40, label="in another unit")
        axes.scatter([], [], c=USUAL, s=40, label="others")
        axes.legend(loc=loc, frameon=False, fontsize=9)
