"""The trained model: installs in, revenue out, with the same arithmetic as the service.

The raw score is the sum of the trees' leaves plus the plan's offset; a link function makes revenue of
it. With an offset the link is exp, by math.exp: numpy's own differs from the C library in the last bits.
"""

from __future__ import annotations

import math
from collections.abc import Mapping
from dataclasses import dataclass, replace
from typing import NamedTuple

import lightgbm as lgb
import numpy as np
import pandas as pd

from ..features.plan import Encoded, Plan
from .calibration import calibrate

# Objectives that predict the logarithm of the revenue: only they can take an offset.
LOG_LINK_OBJECTIVES = ("tweedie", "poisson", "gamma")


class Scores(NamedTuple):
    """Of each install: the raw score and the output of the link."""

    raw_scores: np.ndarray
    outputs: np.ndarray


class Interval(NamedTuple):
    """Of each install: what one in ten like it brings less than, and one in ten more than."""

    p10: np.ndarray
    p90: np.ndarray


@dataclass(frozen=True)
class Answers:
    """Of each install: the model's features, the raw score, the output of the link, and the revenue, never below 0.

    `ensembles`: the scores of each ensemble by name, where there are several; `interval`: where there are models for it.
    """

    features: np.ndarray
    raw_scores: np.ndarray
    outputs: np.ndarray
    ensembles: Mapping[str, Scores] | None = None
    interval: Interval | None = None

    @property
    def revenue(self) -> np.ndarray:
        return np.maximum(self.outputs, 0.0)


@dataclass(frozen=True)
class Model:
    """`takes_offset`: whether the plan's offset, if there is one, is added to the raw score."""

    plan: Plan
    booster: lgb.Booster
    takes_offset: bool = True

    @property
    def models(self) -> Mapping[str, Model]:
        """By the name of its files, as in a combination."""
        return {"model": self}

    def with_boosters(self, boosters: Mapping[str, lgb.Booster]) -> Model:
        return replace(self, booster=boosters["model"])

    def score(
        self, encoded: Encoded, trees: int | None = None, pairs: tuple[np.ndarray, np.ndarray] | None = None
    ) -> Scores:
        """By the first `trees`, or by all: also by those that did no good before training stopped early.

        `pairs`: intercept and slope of each row, where the raw scores are calibrated.
        """
        count = self.booster.num_trees() if trees is None else trees
        raw_scores = self.booster.predict(encoded.features, raw_score=True, num_iteration=count)
        with_offset = self.plan.offset is not None and self.takes_offset
        if not with_offset and pairs is None:
            return Scores(raw_scores, self.booster.predict(encoded.features, num_iteration=count))
        if with_offset:
            raw_scores = raw_scores + encoded.offset
        if pairs is not None:
            raw_scores = calibrate(raw_scores, pairs)
        return Scores(raw_scores, np.array([_exp(score) for score in raw_scores.tolist()]))

    def answer(self, installs: pd.DataFrame, trees: int | None = None) -> Answers:
        encoded = self.plan.apply(installs)
        return Answers(encoded.features, *self.score(encoded, trees))

    def predict(self, installs: pd.DataFrame, trees: int | None = None) -> np.ndarray:
        """The revenue of each install."""
        return self.answer(installs, trees).revenue


def _exp(score: float) -> float:
    try:
        return math.exp(score)
    except OverflowError:
        return math.inf
