"""Makes the rows that a model is asked about: ordinary ones, and ones made to trip an evaluator.

Every value is a double. Hostile are missing values, both zeros, infinities, denormals, the neighbourhood of
kZeroThreshold, the model's own thresholds with the doubles beside them, and categories that are negative,
fractional, huge or unseen.
"""

from __future__ import annotations

import math
import re

import numpy as np
from tables import Table

TINY = float(np.float32(1e-35))
"""kZeroThreshold: what lies within it is zero."""

NUMBERS = [
    *(
        np.nan,
        0.0,
        -0.0,
        np.inf,
        -np.inf,
        5e-324,
        -5e-324,
        2.2250738585072014e-308,
        1e-36,
        1e-35,
        -1e-35,
        3e-35,
        -3e-35,
    ),
    *(sign * value for sign in (1, -1) for value in (TINY, np.nextafter(TINY, 0), np.nextafter(TINY, 1))),
    *(1.0, -1.0, -0.5, 3.9, 4e9, -4e9, 5e300, -5e300, 1.7976931348623157e308, -1.7976931348623157e308),
]
CATEGORIES = [
    *(np.nan, 0.0, -0.0, -0.5, -0.999, -1.0, -7.0, 0.5, 3.9, 31.0, 32.0, 33.0, 1e-36, np.inf, -np.inf, 5e300, -5e300),
    *(2.0**31 - 1, 2.0**31, -(2.0**31), 2.0**32, 2.0**32 + 3, 2.0**63, 4e9, 999.0, 123456.0),
]


def hostile_rows(text: str, table: Table, count: int, rng: np.random.Generator) -> np.ndarray:
    thresholds, categories = _constants(text, table.values.shape[1])
    width = table.values.shape[1]
    pools = []
    for index in range(width):
        near = [math.nextafter(value, side) for value in thresholds[index] for side in (-math.inf, math.inf)]
        own = [*thresholds[index], *near]
        pool = CATEGORIES if categories[index] else NUMBERS
        seen = [category + part for category in categories[index] for part in (0.0, 0.7)]
        pools.append([np.array(pool), np.array([*own, *seen] or pool)])

    def ordinary() -> np.ndarray:
        return table.values[rng.integers(len(table.values))].copy()

    def hostile(index: int) -> float:
        return rng.choice(pools[index][rng.integers(2)])

    used = [index for index in range(width) if len(thresholds[index]) or len(categories[index])] or list(range(width))
    rows = [np.full(width, value) for value in (np.nan, 0.0, -0.0, np.inf, -np.inf, TINY, -3e-35, 3.9, -0.5, 5e300)]
    while len(rows) < count:
        row = ordinary()
        match len(rows) % 5:
            case 0:  # as it is
                pass
            case 1 | 2:  # one or two values that the model looks at
                for index in rng.choice(used, 2):
                    row[index] = hostile(index)
            case 3:  # about half
                for index in np.flatnonzero(rng.random(width) < 0.5):
                    row[index] = hostile(index)
            case _:
                row = np.array([hostile(index) for index in range(width)])
        rows.append(row)
    return np.array(rows)[rng.permutation(len(rows))]


def _constants(text: str, width: int) -> tuple[list[list[float]], list[list[float]]]:
    """The thresholds and the categories that each feature is compared with, a few dozen at most."""
    thresholds: list[set[float]] = [set() for _ in range(width)]
    categories: list[set[float]] = [set() for _ in range(width)]
    for tree in text.split("\nTree=")[1:]:
        fields = dict(re.findall(r"^(\w+)=(.*)$", tree, re.MULTILINE))
        kinds = fields.get("decision_type", "").split() or ["0"] * len(fields.get("threshold", "").split())
        columns = (fields.get(name, "").split() for name in ("split_feature", "threshold"))
        for feature, threshold, kind in zip(*columns, kinds):
            if int(kind) & 1 and "cat_boundaries" in fields:
                bounds = [int(bound) for bound in fields["cat_boundaries"].split()]
                words = [int(word) for word in fields["cat_threshold"].split()]
                start, end = bounds[int(threshold)], bounds[int(threshold) + 1]
                for at, word in enumerate(words[start:end]):
                    bits = [bit for bit in range(32) if word >> bit & 1] if word else []
                    categories[int(feature)].update(float(at * 32 + bit) for bit in bits)
            else:
                thresholds[int(feature)].add(float(threshold))
    return [_thin(values) for values in thresholds], [_thin(values) for values in categories]


def _thin(values: set[float], most: int = 40) -> list[float]:
    ordered = sorted(values)
    return ordered[:: max(1, -(-len(ordered) // most))]
