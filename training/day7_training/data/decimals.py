"""Decimal texts and doubles, one to the other, with the same answer as JavaScript.

`parse_decimal` turns a text into the nearest double that is at least 0 and refuses everything else
(inf, nan, 1_000, 0x10, blanks, other alphabets' digits). `round_half_up` rounds a double as the
service does for the wire.
"""

from __future__ import annotations

import math
import re
from decimal import ROUND_HALF_UP, Decimal, localcontext

# [0-9] and not \d: \d takes the digits of every alphabet, and float() would read them.
_DECIMAL = re.compile(r"[+-]?(?:[0-9]+\.?[0-9]*|\.[0-9]+)(?:[eE][+-]?[0-9]+)?")

# The largest double has 309 digits before the point and 6 more are kept after it.
_ENOUGH_DIGITS = 400


def parse_decimal(text: str) -> float:
    """The double nearest to `text`; the ValueError of a refused one says what was expected."""
    if not _DECIMAL.fullmatch(text):
        raise ValueError("a decimal number")
    value = float(text)
    if math.isinf(value):
        raise ValueError("a number that a double can hold")
    if value < 0:
        raise ValueError("a number of at least 0")
    return value + 0.0  # "-0" becomes 0


def round_half_up(value: float, decimals: int) -> float:
    """`value` rounded on its exact binary value: 0.5 goes up, 2.675 (which is below the half) goes down."""
    with localcontext() as context:
        context.prec = _ENOUGH_DIGITS
        return float(Decimal(value).quantize(Decimal(1).scaleb(-decimals), rounding=ROUND_HALF_UP))
