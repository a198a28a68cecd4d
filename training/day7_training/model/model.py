"""The trained model: installs in, revenue out, with the same arithmetic as the service.

The raw score is the sum of the trees' leaves plus the plan's offset; a link function makes revenue of
it. With an offset the link is exp, by math.exp: numpy's own differs from the C library in the last bits.
"""

from __future__ import annotations

import math
from dataclasses import dataclass

import lightgbm as lgb
import numpy as np
import pandas as pd

from ..features.plan import Plan

# Objectives that predict the logarithm of the revenue: only they can take an offset.
LOG_LINK_OBJECTIVES = ("tweedie", "poisson", "gamma")


@dataclass(frozen=True)
class Answers:
    """Of each install: the model's features, the raw score, the output of the link, and the revenue, never below 0."""

    features: np.ndarray
    raw_scores: np.ndarray
    outputs: np.ndarray

    @property
    def revenue(self) -> np.ndarray:
        return np.maximum(self.outputs, 0.0)


@dataclass(frozen=True)
class Model:
    plan: Plan
    booster: lgb.Booster

    def answer(self, installs: pd.DataFrame, trees: int | None = None) -> Answers:
        """By the first `trees`, or by all: also by those that did no good before training stopped early."""
        features, offset = self.plan.apply(installs)
        count = self.booster.num_trees() if trees is None else trees
        raw_scores = self.booster.predict(features, raw_score=True, num_iteration=count)
        if self.plan.offset is None:
            return Answers(features, raw_scores, self.booster.predict(features, num_iteration=count))
        raw_scores = raw_scores + offset
        return Answers(features, raw_scores, np.array([_exp(score) for score in raw_scores.tolist()]))

    def predict(self, installs: pd.DataFrame, trees: int | None = None) -> np.ndarray:
        """The revenue of each install."""
        return self.answer(installs, trees).revenue


def _exp(score: float) -> float:
    try:
        return math.exp(score)
    except OverflowError:
        return math.inf
