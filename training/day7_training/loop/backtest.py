"""A new model and the champion on the same later rows: those of the recent days, of which neither has learnt.

The new model of the backtest learns from the rows whose horizon had passed when the recent days began, as it would have then.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass

import numpy as np
import pandas as pd

from ..evaluation.metrics import measure
from ..model.calibration import mean_deviance
from ..model.parameters import SEED
from .gates import Check, Gates

RESAMPLES = 500
_TAILS = (0.025, 0.975)
_LEAST_ROWS = 100


@dataclass(frozen=True)
class Compared:
    """One figure of both, and of their difference or ratio an interval of 95 %."""

    name: str
    champion: float | None
    candidate: float | None
    low: float | None
    high: float | None
    is_ratio: bool


@dataclass(frozen=True)
class Backtest:
    """`weeks`: by week of the recent days, rows, revenue, and the sums of both models' predictions."""

    rows: int
    learnt_rows: int
    compared: tuple[Compared, ...]
    weeks: pd.DataFrame

    def figure(self, name: str) -> Compared:
        return next(each for each in self.compared if each.name == name)


def split_in_time(times: np.ndarray, recent: np.ndarray, horizon_days: float) -> np.ndarray:
    """Which rows were training data when the recent days began."""
    began = times[recent].min()
    return times < began - np.timedelta64(round(horizon_days * 86_400), "s")


def compare(
    actual: np.ndarray, champion: np.ndarray, candidate: np.ndarray, times: np.ndarray, learnt_rows: int
) -> Backtest:
    """`champion` and `candidate` are what they predict of rows whose revenue is `actual`."""
    figures: dict[str, tuple[Callable[[np.ndarray, np.ndarray], float | None], bool]] = {
        "bias": (lambda a, p: measure(a, p)["biasRatio"], False),
        "mean absolute error": (lambda a, p: float(np.mean(np.abs(p - a))), False),
        "deviance": (mean_deviance, True),
        "normalised Gini": (lambda a, p: measure(a, p)["normalisedGini"], False),
    }
    draws = np.random.Generator(np.random.PCG64(SEED))
    samples = [draws.integers(0, len(actual), len(actual)) for _ in range(RESAMPLES)]
    compared = []
    for name, (of, is_ratio) in figures.items():
        differences = []
        for rows in samples:
            one, other = of(actual[rows], champion[rows]), of(actual[rows], candidate[rows])
            if one is not None and other is not None and (one or not is_ratio):
                differences.append(other / one if is_ratio else other - one)
        low, high = np.quantile(differences, _TAILS) if differences else (None, None)
        compared.append(Compared(name, of(actual, champion), of(actual, candidate), low, high, is_ratio))
    weeks = pd.DataFrame({"actual": actual, "champion": champion, "candidate": candidate}).groupby(
        times.astype("datetime64[W]")
    )
    table = weeks.sum().assign(rows=weeks.size())
    return Backtest(len(actual), learnt_rows, tuple(compared), table)


def check_history(learnt_rows: int, tested_rows: int) -> Check:
    return Check(
        "rows before and within the recent days",
        min(learnt_rows, tested_rows) >= _LEAST_ROWS,
        f"at least {_LEAST_ROWS} of each",
        f"{learnt_rows} whose horizon had passed before, {tested_rows} within",
        "wait for more days, or set recent_days lower",
    )


def check_backtest(backtest: Backtest, gates: Gates) -> list[Check]:
    bias, deviance, gini = (backtest.figure(name) for name in ("bias", "deviance", "normalised Gini"))
    return [
        Check(
            "bias of the new model",
            bias.candidate is not None and gates.least_bias <= bias.candidate <= gates.most_bias,
            f"{gates.least_bias:g} to {gates.most_bias:g}",
            _shown(bias.candidate),
            "see the bias by week: something has changed that the model has not seen yet",
        ),
        Check(
            "deviance against the champion's",
            deviance.low is not None and deviance.low <= gates.most_deviance_ratio,
            f"a ratio that may be {gates.most_deviance_ratio:g} or less",
            f"{_shown(deviance.low)} to {_shown(deviance.high)}",
            "the champion predicts the recent days better",
        ),
        Check(
            "normalised Gini against the champion's",
            gini.high is not None and gini.high >= gates.least_gini_difference,
            f"a difference that may be {gates.least_gini_difference:g} or more",
            f"{_shown(gini.low)} to {_shown(gini.high)}",
            "the champion ranks the recent installs better",
        ),
    ]


def _shown(value: float | None) -> str:
    return "undefined" if value is None else f"{value:.3g}"
