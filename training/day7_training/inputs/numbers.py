"""A decimal text -> the nearest double: digits with at most one point, a sign and an exponent.

No blanks, no `inf`, no `0x10`, no `1_000`, no digits of other alphabets.
"""

from __future__ import annotations

import math
import re

# [0-9] and not \d: \d takes the digits of every alphabet, and float() would read them.
_DECIMAL = re.compile(r"[+-]?(?:[0-9]+\.?[0-9]*|\.[0-9]+)(?:[eE][+-]?[0-9]+)?")


def parse_decimal(text: str) -> float:
    """NaN if it is none; an infinity if no double can hold it."""
    return float(text) + 0.0 if _DECIMAL.fullmatch(text) else math.nan  # -0 becomes 0
