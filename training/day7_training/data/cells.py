"""Cells of a table -> values of a field, or what was expected instead."""

from __future__ import annotations

import math
import re
from calendar import monthrange
from datetime import date

from ..inputs.calendar import DAY_MS, EARLIEST_MS, LATEST_MS
from ..inputs.describe import describe_text
from ..inputs.field import Field
from ..inputs.javascript import show_number
from ..inputs.texts import STORABLE_TEXT, is_storable, trim_ascii

# [0-9] and not \d: \d takes the digits of every alphabet, and float() would read them.
DECIMAL = re.compile(r"[+-]?(?:[0-9]+\.?[0-9]*|\.[0-9]+)(?:[eE][+-]?[0-9]+)?")
_TRUE = frozenset({"true", "t", "yes", "y", "1"})
_FALSE = frozenset({"false", "f", "no", "n", "0"})
BOOLEANS = _TRUE | _FALSE

_CLOCK = r"([0-9]{2}):([0-9]{2})(?::([0-9]{2})(?:\.([0-9]{1,9}))?)?"
_ZONE = r"(Z| UTC|[+-][0-9]{2}(?::?[0-9]{2})?)?"
_ISO = re.compile(rf"([0-9]{{4}})-([0-9]{{2}})-([0-9]{{2}})(?:[T ]{_CLOCK}{_ZONE})?")
_LOCAL = re.compile(
    r"([0-9]{1,2})([/.\-])([0-9]{1,2})\2([0-9]{4})(?:,? ([0-9]{1,2}):([0-9]{2})(?::([0-9]{2}))?( [AaPp][Mm])?)?"
)
_A_TIME = "time in ISO 8601 or as epoch"
_EPOCH_DAY = date(1970, 1, 1).toordinal()
# Sizes below which an epoch is in seconds, milliseconds, microseconds; others are nanoseconds.
_EPOCHS = ((1e11, 1000.0), (1e14, 1.0), (1e17, 1e-3), (math.inf, 1e-6))


class CellError(ValueError):
    """Its message is what follows the field's name: `expected …, got …`."""


def value_of_cell(field: Field, text: str) -> str | float | None:
    """The value as rows have it. @raises CellError"""
    if field.trim:
        text = trim_ascii(text)
    if not text or text in field.missing:
        if not field.nullable:
            raise CellError(f"expected {_what(field)}, got null")
        return None
    if field.kind == "text":
        return _text(field, text)
    if field.kind == "number":
        return _number(field, text)
    if field.kind == "boolean":
        word = text.lower() if text.isascii() else text
        if word not in BOOLEANS:
            raise CellError(f"expected true or false, got {describe_text(text)}")
        return 1.0 if word in _TRUE else 0.0
    value = time_of(text, field.format)
    if value is None:
        raise CellError(f"expected {_A_TIME}, got {describe_text(text)}")
    return value


def _what(field: Field) -> str:
    return {"boolean": "true or false", "time": _A_TIME}.get(field.kind, field.kind)


def _text(field: Field, text: str) -> str:
    if len(text) > field.max_length:
        raise CellError(f"expected at most {field.max_length} characters, got {len(text)}")
    if not is_storable(text):
        raise CellError(f"expected {STORABLE_TEXT}, got {describe_text(text)}")
    return text


def _number(field: Field, text: str) -> float:
    if not DECIMAL.fullmatch(text):
        raise CellError(f"expected a decimal number, got {describe_text(text)}")
    value = float(text) + 0.0  # "-0" becomes 0
    if math.isinf(value):
        raise CellError(f"expected a number that a double can hold, got {describe_text(text)}")
    if value < field.minimum:
        raise CellError(f"expected a number ≥ {show_number(field.minimum)}, got {show_number(value)}")
    if value > field.maximum:
        raise CellError(f"expected a number ≤ {show_number(field.maximum)}, got {show_number(value)}")
    return value


def time_of(text: str, style: str) -> float | None:
    """Milliseconds since 1970 in UTC; None where the text is no time of this style."""
    if DECIMAL.fullmatch(text):
        return epoch_of(float(text))
    moment = _iso(text)
    if moment is None and style != "iso":
        moment = _local(text, day_first=style == "day_first")
    return moment if moment is not None and EARLIEST_MS <= moment <= LATEST_MS else None


def epoch_of(value: float) -> float | None:
    if not math.isfinite(value):
        return None
    factor = next(factor for below, factor in _EPOCHS if abs(value) < below)
    moment = math.floor(value * factor) if factor >= 1 else math.floor(value / (1 / factor))
    return float(moment) if EARLIEST_MS <= moment <= LATEST_MS else None


def _iso(text: str) -> float | None:
    match = _ISO.fullmatch(text)
    if match is None:
        return None
    year, month, day, hour, minute, second, fraction, zone = match.groups()
    moment = _moment(int(year), int(month), int(day), int(hour or 0), int(minute or 0), int(second or 0))
    if moment is None:
        return None
    milliseconds = int((fraction or "").ljust(3, "0")[:3])
    offset = 0
    if zone and zone not in ("Z", " UTC"):
        digits = zone[1:].replace(":", "")
        offset_hours, offset_minutes = int(digits[:2]), int(digits[2:] or 0)
        if offset_hours > 23 or offset_minutes > 59:
            return None
        offset = (offset_hours * 60 + offset_minutes) * 60_000 * (-1 if zone[0] == "-" else 1)
    return float(moment + milliseconds - offset)


def _local(text: str, *, day_first: bool) -> float | None:
    match = _LOCAL.fullmatch(text)
    if match is None:
        return None
    first, _, second_number, year, hour, minute, second, half = match.groups()
    day, month = (first, second_number) if day_first else (second_number, first)
    hours = int(hour or 0)
    if half:
        if not 1 <= hours <= 12:
            return None
        hours = hours % 12 + (12 if half.strip().lower() == "pm" else 0)
    moment = _moment(int(year), int(month), int(day), hours, int(minute or 0), int(second or 0))
    return None if moment is None else float(moment)


def _moment(year: int, month: int, day: int, hour: int, minute: int, second: int) -> int | None:
    if not (1 <= year and 1 <= month <= 12 and 1 <= day <= monthrange(year, month)[1]):
        return None
    if hour > 23 or minute > 59 or second > 59:
        return None
    days = date(year, month, day).toordinal() - _EPOCH_DAY
    return days * DAY_MS + ((hour * 60 + minute) * 60 + second) * 1000
