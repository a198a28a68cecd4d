"""The natural logarithm by + - * / alone, so that Python and JavaScript compute the same double.

np.log and Math.log differ in the last bit on some arguments. Here x = m * 2**k with m near 1, and
log m = 2 artanh s with s = (m - 1) / (m + 1), summed as a series of fixed length. The error is below
two units in the last place. `src/features/logarithm.ts` has the same operations in the same order.
"""

from __future__ import annotations

import numpy as np

_SQRT_HALF = 0.7071067811865476
# log 2 in two parts: the first has so few digits that k times it is exact.
_LN2_HIGH = 0.693147180369123816490
_LN2_LOW = 1.90821492927058770002e-10
# s is at most 0.1716: the first term left out is below 2**-58 of the sum.
_TERMS = 11


def natural_log(x: np.ndarray) -> np.ndarray:
    """Elementwise; -inf at 0, NaN below 0 and at NaN, inf at inf."""
    with np.errstate(all="ignore"):
        mantissa, exponent = np.frexp(x)
        small = mantissa < _SQRT_HALF
        mantissa = np.where(small, mantissa * 2, mantissa)
        k = (exponent - small).astype(np.float64)
        s = (mantissa - 1) / (mantissa + 1)
        square = s * s
        series = np.zeros_like(s)
        for term in range(_TERMS, 0, -1):
            series = square * (1 / (2 * term + 1) + series)
        value = k * _LN2_HIGH + (2 * s + (2 * s * series + k * _LN2_LOW))
        value = np.where(x == np.inf, np.inf, value)
        value = np.where(x == 0, -np.inf, value)
        return np.where(x < 0, np.nan, value)
