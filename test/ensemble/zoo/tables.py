"""Makes the tables that the zoo's models are trained on: columns of every kind of dirt, a target for every objective.

A column is named by its kind. Numbers: plain, missing, sparse, tiny, whole, halves, wide, endless, empty. Categories:
few, forty, many, ids. The same kinds, rows and seed give the same table.
"""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np

CATEGORIES = {"few": 5, "forty": 40, "many": 300, "ids": 8}
HUGE_IDS = np.array([0, 7, 31, 32, 63, 64, 4097, 100_000], dtype=float)
CLASSES = 3
GROUP = 20
"""Rows of one query, for the ranking objectives."""


@dataclass(frozen=True)
class Table:
    values: np.ndarray
    kinds: tuple[str, ...]
    signal: np.ndarray
    """What there is to learn, about standard normal."""

    @property
    def categorical(self) -> list[int]:
        return [index for index, kind in enumerate(self.kinds) if kind in CATEGORIES]


def make_table(kinds: tuple[str, ...], rows: int, rng: np.random.Generator) -> Table:
    columns = [_column(kind, rows, rng) for kind in kinds]
    signal = np.zeros(rows)
    for kind, column in zip(kinds, columns):
        signal += rng.uniform(0.5, 1.5) * _effect(kind, column, rng)
    spread = signal.std()
    return Table(np.column_stack(columns), kinds, signal / spread if spread > 0 else signal)


def make_target(objective: str, signal: np.ndarray, rng: np.random.Generator) -> np.ndarray:
    noisy = signal + rng.normal(0, 0.3, len(signal))
    match objective:
        case "poisson":
            return rng.poisson(np.exp(np.clip(noisy, -5, 3))).astype(float)
        case "gamma":
            return np.exp(np.clip(noisy, -5, 5)) + 0.01
        case "tweedie":
            return np.where(noisy < -0.3, 0.0, np.exp(np.clip(noisy, -5, 5)))
        case "mape":
            return noisy * 3 + 20
        case "binary":
            return (noisy > 0.2).astype(float)
        case "multiclass" | "multiclassova" | "custom_classes":
            return np.digitize(noisy, [-0.5, 0.6]).astype(float)
        case "cross_entropy" | "cross_entropy_lambda":
            return 1 / (1 + np.exp(-noisy))
        case "lambdarank" | "rank_xendcg":
            return np.digitize(noisy, [-1, 0, 0.8, 1.6]).astype(float)
        case _:
            return noisy


def _column(kind: str, rows: int, rng: np.random.Generator) -> np.ndarray:
    normal = rng.normal(size=rows)
    match kind:
        case "plain":
            return normal
        case "missing":
            return np.where(rng.random(rows) < 0.15, np.nan, normal)
        case "sparse":
            return np.where(rng.random(rows) < 0.7, 0.0, normal)
        case "tiny":  # around kZeroThreshold, the float32 next to 1e-35
            return np.sign(normal) * rng.choice([0, 5e-324, 1e-36, 1e-35, 1.1e-35, 1.5e-35, 3e-35, 1e-34, 1e-30], rows)
        case "whole":
            return np.floor(normal * 4)
        case "halves":
            return np.where(rng.random(rows) < 0.05, np.nan, np.round(normal * 6) / 2)
        case "wide":
            return np.sign(normal) * 10.0 ** rng.uniform(-250, 250, rows)
        case "endless":
            return np.where(rng.random(rows) < 0.2, np.inf, np.where(rng.random(rows) < 0.2, -np.inf, normal))
        case "empty":
            return np.full(rows, np.nan)
        case "ids":
            return np.where(rng.random(rows) < 0.03, np.nan, rng.choice(HUGE_IDS, rows))
        case _:
            ranks = np.minimum(rng.geometric(3 / CATEGORIES[kind], rows) - 1, CATEGORIES[kind] - 1).astype(float)
            return np.where(rng.random(rows) < 0.03, np.nan, ranks)


def _effect(kind: str, column: np.ndarray, rng: np.random.Generator) -> np.ndarray:
    """What a column says about the target. Missing values speak too, so that models learn where to send them."""
    if kind in CATEGORIES:
        codes = np.nan_to_num(column, nan=-1.0).astype(int)
        return rng.normal(size=codes.max() + 2)[codes]
    lost = np.isnan(column)
    ranks = np.argsort(np.argsort(np.where(lost, 0.0, column))) / len(column)
    return np.where(lost, rng.choice([-1.0, 1.0]), np.sin(ranks * rng.uniform(2, 9)))
