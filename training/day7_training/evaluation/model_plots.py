"""Figures of models: what one has learnt (gain, SHAP values), and how several compare and were tuned.

SHAP values are LightGBM's own (`pred_contrib`): each install's raw score as a sum of one part per feature.
The plan's offset is not among them: it is added to the score before the trees begin.
"""

from __future__ import annotations

import numpy as np
import pandas as pd
from matplotlib.axes import Axes
from matplotlib.cm import ScalarMappable
from matplotlib.figure import Figure
from matplotlib.ticker import MaxNLocator

from ..model.model import Model
from .style import (
    INK,
    MAIN,
    PERCENT_TICKS,
    PLAIN_TICKS,
    QUIET,
    REVENUE_LABEL,
    SAMPLE_SEED,
    dress,
    label,
    log_axis,
    names_on_y,
    new_figure,
    note,
    percent,
    plain,
    sample_rows,
    tail_axis,
)
from .tables import PART_TITLES

SHOWN_IMPORTANCES = 20
SHOWN_SHAP = 15
# Enough dots to see the shape; TreeSHAP takes a while for more.
SHAP_ROWS = 1500
# Light enough at its yellow end to see on white; colour-blind-safe.
_SHAP_COLOURS = "plasma"


def importance_figure(model: Model) -> Figure:
    """How much of the loss each feature's splits took away, as a share of what all splits did."""
    gain = model.booster.feature_importance("gain")
    names = np.array(model.plan.features)
    used = int(np.count_nonzero(gain))
    order = np.argsort(-gain, kind="stable")[: min(used, SHOWN_IMPORTANCES)]
    figure = new_figure(8, 1.4 + 0.27 * max(len(order), 4))
    axes = figure.subplots()
    dress(axes, f"Importance by gain: {used} of {len(gain)} features are used", "share of the whole gain", grid="x")
    if not used:
        note(axes, "the trees have no split")
        return figure
    shares = gain[order] / gain.sum()
    bars = axes.barh(range(len(order)), shares, color=MAIN, height=0.65)
    axes.bar_label(bars, [percent(share) for share in shares], padding=4, fontsize=8.5, color=INK)
    names_on_y(axes, list(names[order]))
    axes.set_xlim(0, 1.12 * shares.max())
    axes.xaxis.set_major_formatter(PERCENT_TICKS)
    return figure


def shap_figure(model: Model, installs: pd.DataFrame) -> Figure:
    """How each feature moves the raw score of each install, coloured by the feature's own value."""
    shown = installs.iloc[sample_rows(len(installs), SHAP_ROWS)]
    features = model.plan.apply(shown).features
    contributions = np.asarray(model.booster.predict(features, pred_contrib=True))[:, :-1]
    weight = np.mean(np.abs(contributions), axis=0)
    order = [place for place in np.argsort(-weight, kind="stable")[:SHOWN_SHAP] if weight[place] > 0]
    log_link = model.plan.offset is not None
    figure = new_figure(9, 1.6 + 0.42 * max(len(order), 4))
    axes = figure.subplots()
    unit = "log of the expected revenue, beside the offset" if log_link else REVENUE_LABEL
    title = f"SHAP values of {len(shown):,} installs: right of 0, the value raises the prediction"
    dress(axes, title, f"effect on the {unit}", grid="x")
    if not order:
        note(axes, "the trees have no split")
        return figure
    if not log_link:
        tail_axis(axes, "x", contributions[:, order])
    axes.axvline(0, color=QUIET, linewidth=1.2)
    for place, feature in enumerate(order):
        _swarm(axes, place, contributions[:, feature], features[:, feature])
    names_on_y(axes, [model.plan.features[feature] for feature in order])
    colours = figure.colorbar(ScalarMappable(cmap=_SHAP_COLOURS), ax=axes, ticks=[0, 1], aspect=40, pad=0.02)
    colours.ax.set_yticklabels(["lowest", "highest"], fontsize=9, color=INK)
    colours.set_label("the feature's value among these installs (grey: missing)", fontsize=9, color=INK)
    colours.outline.set_visible(False)
    return figure


def comparison_figure(scores: pd.DataFrame) -> Figure:
    """The mean absolute error of each model: its mean over the folds, and each fold. `scores`: `Comparison.scores`."""
    parts = [part for part in PART_TITLES if np.any(scores["part"] == part)]
    models = scores["model"].nunique()
    figure = new_figure(2.4 + 4.6 * len(parts), 1.5 + 0.36 * max(models, 3))
    panels = figure.subplots(1, len(parts), squeeze=False)[0]
    for axes, part in zip(panels, parts):
        rows = scores[scores["part"] == part]
        dress(axes, f"{PART_TITLES[part]}: best on top", "mean absolute error (unit of the data, log axis)", grid="x")
        _fold_dots(axes, rows)
    return figure


def tuning_figure(tuning: pd.DataFrame) -> Figure:
    """What each trial scored, and the best so far, fold by fold. `tuning`: `Comparison.tuning`."""
    folds = [] if tuning.empty else sorted(tuning["fold"].unique())
    across = min(5, max(len(folds), 1))
    down = -(-max(len(folds), 1) // across)
    figure = new_figure(1.4 + 2.1 * max(across, 3), 0.9 + 2.3 * down)
    panels = figure.subplots(down, across, squeeze=False).ravel()
    for axes in panels[len(folds) :]:
        axes.set_visible(False)
    if not folds:
        panels[0].set_visible(True)
        dress(panels[0], "Tuning")
        note(panels[0], "nothing was tuned")
        return figure
    for place, (axes, fold) in enumerate(zip(panels, folds)):
        trials = tuning[tuning["fold"] == fold].sort_values("trial")
        dress(axes, f"fold {fold}", "trial", "" if place % across else "value, lower is better")
        axes.plot(trials["trial"], trials["value"], "o", color=QUIET, markersize=4, mew=0)
        axes.step(trials["trial"], trials["value"].cummin(), where="post", color=MAIN, linewidth=2)
        axes.xaxis.set_major_locator(MaxNLocator(4, integer=True))
        axes.yaxis.set_major_locator(MaxNLocator(4))
        axes.yaxis.set_major_formatter(PLAIN_TICKS)
        # Trials far off the others are cut away: they would flatten what is worth a look.
        best = trials["value"].min()
        reach = max(trials["value"].quantile(0.9), trials["value"].iloc[0]) - best
        if reach > 0:
            axes.set_ylim(best - 0.1 * reach, best + 1.1 * reach)
    title = "Tuning: each trial (dots) and the best so far (line); each fold has its own axis"
    figure.suptitle(title, fontsize=11.5, color=INK, fontweight="bold", x=0.01, ha="left")
    return figure


def _fold_dots(axes: Axes, rows: pd.DataFrame) -> None:
    means = rows.groupby("model")["mae"].mean().sort_values(kind="stable")
    errors = rows["mae"].to_numpy(dtype=np.float64)
    if np.all(errors > 0):
        log_axis(axes, "x", errors)
    else:
        tail_axis(axes, "x", errors)
    for place, (model, mean) in enumerate(means.items()):
        folds = rows.loc[rows["model"] == model, "mae"]
        axes.plot([folds.min(), folds.max()], [place, place], color=MAIN, linewidth=1.5, alpha=0.5)
        axes.plot(folds, np.full(len(folds), place), "o", color=MAIN, markersize=4, alpha=0.5, mew=0)
        axes.plot([mean], [place], "D", color=MAIN, markersize=7)
        text = plain(float(f"{mean:.3g}"))
        axes.annotate(text, (mean, place), (0, 8), textcoords="offset points", ha="center", fontsize=8.5, color=INK)
    names_on_y(axes, [label(str(model)) for model in means.index])


def _swarm(axes: Axes, place: int, effects: np.ndarray, values: np.ndarray) -> None:
    """Dots side by side where effects are many: a bee swarm. Colours go by rank, which no outlier spoils."""
    known = np.isfinite(values)
    heights = place + _spread(effects)
    axes.scatter(effects[~known], heights[~known], s=7, color=QUIET, alpha=0.6, linewidths=0)
    ranks = pd.Series(values[known]).rank().to_numpy()
    reach = ranks.max() - ranks.min() if len(ranks) else 0.0
    shades = (ranks - ranks.min()) / reach if reach else np.full(len(ranks), 0.5)
    colours = {"c": shades, "cmap": _SHAP_COLOURS, "vmin": 0, "vmax": 1}
    axes.scatter(effects[known], heights[known], s=7, alpha=0.8, linewidths=0, **colours)


def _spread(effects: np.ndarray) -> np.ndarray:
    """Heights within 0.4 of the line, as wide as effects of that size are many."""
    low, high = float(effects.min()), float(effects.max())
    if low == high:
        bins = np.zeros(len(effects), dtype=np.int64)
    else:
        bins = np.minimum(((effects - low) / (high - low) * 80).astype(np.int64), 79)
    counts = np.bincount(bins, minlength=80)
    order = np.lexsort((np.random.Generator(np.random.PCG64(SAMPLE_SEED)).random(len(effects)), bins))
    starts = np.concatenate([[0], np.cumsum(counts)[:-1]])
    rank = np.empty(len(effects))
    rank[order] = np.arange(len(effects)) - starts[bins[order]]
    width = 0.4 * np.sqrt(counts / counts.max())
    return ((rank + 0.5) / counts[bins] * 2 - 1) * width[bins]
