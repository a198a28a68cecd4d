"""Seeded folds of rows, for all that is fitted on some rows and applied to the others."""

from __future__ import annotations

import numpy as np


def fold_numbers(rows: int, folds: int, seed: int) -> np.ndarray:
    """A seeded fold from 0 to `folds` - 1 for each row, all of one size to within a row."""
    shuffled = np.random.Generator(np.random.PCG64(seed)).permutation(rows)
    numbers = np.empty(rows, dtype=np.int64)
    numbers[shuffled] = np.arange(rows) % folds
    return numbers
