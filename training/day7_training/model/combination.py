"""Several models of one plan, combined: installs in, one revenue out, with the same arithmetic as the service.

`single` is one model; `mean` sums the outputs from the first to the last and divides; `hurdle` is the chance to pay
times what a payer brings. Two models of quantiles may give an interval beside it. An install is encoded once for all.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, replace
from typing import NamedTuple

import lightgbm as lgb
import numpy as np
import pandas as pd

from ..features.plan import Plan
from .calibration import Calibration
from .model import LOG_LINK_OBJECTIVES, Answers, Interval, Model, Scores

SINGLE = "single"
MEAN = "mean"
HURDLE = "hurdle"
# By combination; `revenue` stands for as many as there are.
ROLES = {SINGLE: ("revenue",), MEAN: ("revenue",), HURDLE: ("payer", "amount")}
QUANTILES = {"p10": 0.1, "p90": 0.9}
CALIBRATED_ROLES = ("revenue", "amount")


class Part(NamedTuple):
    """`role` is revenue, payer, amount, p10 or p90; `name` that of its files, without the ending."""

    role: str
    name: str
    objective: str
    model: Model


def is_calibrated(role: str, objective: str) -> bool:
    return role in CALIBRATED_ROLES and objective in LOG_LINK_OBJECTIVES


@dataclass(frozen=True)
class Combination:
    """`parts` in the order of the arithmetic; `interval` is empty, or p10 and p90.

    `calibration` is of the raw scores of parts that predict the logarithm of revenue.
    """

    plan: Plan
    combine: str
    parts: tuple[Part, ...]
    interval: tuple[Part, ...]
    calibration: Calibration | None = None

    @property
    def models(self) -> Mapping[str, Model]:
        return {part.name: part.model for part in (*self.parts, *self.interval)}

    def with_boosters(self, boosters: Mapping[str, lgb.Booster]) -> Combination:
        def exchange(parts: tuple[Part, ...]) -> tuple[Part, ...]:
            return tuple(part._replace(model=replace(part.model, booster=boosters[part.name])) for part in parts)

        return replace(self, parts=exchange(self.parts), interval=exchange(self.interval))

    def answer(self, installs: pd.DataFrame, trees: int | tuple[int, ...] | None = None) -> Answers:
        """`trees`: how many of every model, or of each, the interval's last."""
        encoded = self.plan.apply(installs)
        counts = trees if isinstance(trees, tuple) else (trees,) * len(self.models)
        pairs = None if self.calibration is None else self.calibration.pairs(installs)
        scores = {
            part.name: part.model.score(encoded, count, pairs if is_calibrated(part.role, part.objective) else None)
            for part, count in zip((*self.parts, *self.interval), counts)
        }
        combined = self._combine([scores[part.name] for part in self.parts])
        return Answers(encoded.features, *combined, scores, self._interval(scores))

    def predict(self, installs: pd.DataFrame, trees: int | tuple[int, ...] | None = None) -> np.ndarray:
        """The revenue of each install."""
        return self.answer(installs, trees).revenue

    def _combine(self, scores: list[Scores]) -> Scores:
        if self.combine == SINGLE:
            return scores[0]
        output = scores[0].outputs
        for other in scores[1:]:
            output = output * other.outputs if self.combine == HURDLE else output + other.outputs
        if self.combine == MEAN:
            output = output / len(scores)
        # There is no raw score before a transform, and so the output is it.
        return Scores(output, output)

    def _interval(self, scores: Mapping[str, Scores]) -> Interval | None:
        """In order: two models of quantiles can cross, which true quantiles cannot (Chernozhukov et al. 2010)."""
        if not self.interval:
            return None
        low, high = (np.maximum(scores[part.name].outputs, 0.0) for part in self.interval)
        return Interval(np.minimum(low, high), np.maximum(low, high))


AnyModel = Model | Combination


def combined(model: AnyModel, objective: str) -> Combination:
    """A model of one ensemble as a combination of one."""
    if isinstance(model, Combination):
        return model
    return Combination(model.plan, SINGLE, (Part("revenue", "model", objective, model),), ())


def main_model(model: AnyModel) -> Model:
    """The first of several: the one whose trees are worth a look."""
    return model.parts[0].model if isinstance(model, Combination) else model


def calibrated_names(model: AnyModel, objective: str) -> list[str]:
    """The ensembles whose raw scores a calibration is of."""
    parts = combined(model, objective).parts
    return [part.name for part in parts if is_calibrated(part.role, part.objective)]


def scores_of(answers: Answers, model: AnyModel, name: str) -> Scores:
    if isinstance(model, Combination):
        assert answers.ensembles is not None
        return answers.ensembles[name]
    return Scores(answers.raw_scores, answers.outputs)
