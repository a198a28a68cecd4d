"""Numbers and JSON as JavaScript writes them, for texts and hashes that both languages must have alike."""

from __future__ import annotations

import math
import re
from decimal import Decimal
from json.encoder import encode_basestring  # does not escape what is not ASCII, and is written in C
from typing import Any

# Decimal notation ends before 1e21, and begins at 1e-6.
_MOST_DIGITS = 21
_MOST_ZEROS = 6

_HALF_SURROGATE = re.compile("[\ud800-\udfff]")
_PLACE = re.compile("0|[1-9][0-9]{0,9}")
_MOST_PLACES = 2**32 - 1


def show_number(value: float | Decimal) -> str:
    """JavaScript's String(value), for an int or a decimal that of the nearest double."""
    value = to_double(value)
    if math.isnan(value):
        return "NaN"
    if math.isinf(value):
        return "Infinity" if value > 0 else "-Infinity"
    if value == 0:
        return "0"
    sign = "-" if value < 0 else ""
    # Both languages write the fewest digits that read back as the same double.
    mantissa, _, exponent = repr(abs(value)).partition("e")
    whole, _, fraction = mantissa.partition(".")
    point = len(whole) + int(exponent or 0)
    digits = (whole + fraction).lstrip("0")
    point -= len(whole + fraction) - len(digits)
    digits = digits.rstrip("0")
    return sign + _place_point(digits, point)


def _place_point(digits: str, point: int) -> str:
    """`digits` with the point after the first `point` of them."""
    if len(digits) <= point <= _MOST_DIGITS:
        return digits + "0" * (point - len(digits))
    if 0 < point <= _MOST_DIGITS:
        return f"{digits[:point]}.{digits[point:]}"
    if -_MOST_ZEROS < point <= 0:
        return f"0.{'0' * -point}{digits}"
    mantissa = digits if len(digits) == 1 else f"{digits[0]}.{digits[1:]}"
    return f"{mantissa}e{point - 1:+d}"


def to_double(value: float | Decimal) -> float:
    """The nearest double; an infinity for an int beyond all. A decimal's digits are divided by its power of ten, as the service does."""
    if isinstance(value, Decimal):
        sign, digits, exponent = value.as_tuple()
        unscaled = int("".join(map(str, digits))) * 10 ** max(exponent, 0)
        return float(-unscaled if sign else unscaled) / 10.0 ** max(-exponent, 0)
    try:
        return float(value)
    except OverflowError:
        return math.inf if value > 0 else -math.inf


def write_text(text: str) -> str:
    """JSON.stringify of a text: halves of surrogate pairs are escaped, other characters as they are."""
    return _HALF_SURROGATE.sub(lambda half: f"\\u{ord(half[0]):04x}", encode_basestring(text))


def write_json(value: Any) -> str:
    """JSON.stringify of texts, numbers, true, false, None, and lists and dictionaries of them."""
    if value is None:
        return "null"
    if isinstance(value, bool):
        return "true" if value else "false"
    if isinstance(value, str):
        return write_text(value)
    if isinstance(value, (int, float)):
        return show_number(value) if math.isfinite(to_double(value)) else "null"
    if isinstance(value, dict):
        return "{" + ",".join(f"{write_text(key)}:{write_json(value[key])}" for key in list_keys(value)) + "}"
    return "[" + ",".join(map(write_json, value)) + "]"


def list_keys(value: dict[str, Any]) -> list[str]:
    """Keys in JavaScript's order: those that could be places of an array, ascending, and then the others."""
    places = [key for key in value if _PLACE.fullmatch(key) and int(key) < _MOST_PLACES]
    if not places:
        return list(value)
    return sorted(places, key=int) + [key for key in value if key not in set(places)]
