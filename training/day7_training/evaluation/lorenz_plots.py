"""Figure of how good the order of predictions is: the revenue of the installs that come first by prediction.

The area between the curve and the diagonal, over that of the best order, is `normalisedGini` of `metrics`.
"""

from __future__ import annotations

import numpy as np
from matplotlib.figure import Figure

from .metrics import format_metric, measure
from .style import INK, MAIN, PERCENT_TICKS, QUIET, SECOND, dress, legend, new_figure, note


def lorenz_figure(actual: np.ndarray, predicted: np.ndarray) -> Figure:
    """Whose revenue comes first: installs ordered by prediction, and by the revenue that came."""
    figure = new_figure(10.5, 4.6)
    figure.get_layout_engine().set(wspace=0.06)
    whole, top = figure.subplots(1, 2, sharey=True)
    dress(whole, "All installs", "share of the installs, highest first", "share of the revenue")
    dress(top, "The first of them, on a log axis", "share of the installs, highest first (log axis)")
    if np.sum(actual) <= 0:
        note(whole, "no revenue")
        note(top, "no revenue")
        return figure
    gini = format_metric(_rounded(measure(actual, predicted)["normalisedGini"]))
    curves = [
        ("by the revenue that came: the best order", SECOND, *lorenz_curve(actual, actual)),
        (f"by prediction: normalised Gini {gini}", MAIN, *lorenz_curve(actual, predicted)),
        ("in any order", QUIET, *[np.geomspace(1e-4, 1, 400)] * 2),
    ]
    for axes in (whole, top):
        for name, colour, installs, revenue in curves:
            style = "--" if colour == QUIET else "-"
            axes.plot(installs, revenue, style, color=colour, linewidth=2, label=name)
        axes.yaxis.set_major_formatter(PERCENT_TICKS)
        axes.xaxis.set_major_formatter(PERCENT_TICKS)
    top.set_xscale("log")
    top.set_xlim(max(1 / len(actual), 1e-4), 1.05)
    top.xaxis.set_major_formatter(PERCENT_TICKS)
    legend(whole, loc="lower right")
    figure.suptitle(
        "Lorenz curves: the nearer the blue line to the green, the better the order",
        fontsize=11.5,
        color=INK,
        fontweight="bold",
    )
    return figure


def lorenz_curve(actual: np.ndarray, scores: np.ndarray) -> tuple[np.ndarray, np.ndarray]:
    """Shares of installs and of revenue, the highest score first; equal scores are one straight piece."""
    _, group = np.unique(-scores, return_inverse=True)
    installs, revenue = np.cumsum(np.bincount(group)), np.cumsum(np.bincount(group, actual))
    return np.concatenate([[0.0], installs / installs[-1]]), np.concatenate([[0.0], revenue / revenue[-1]])


def _rounded(value: float | int | None) -> float | None:
    return None if value is None else round(float(value), 4)
