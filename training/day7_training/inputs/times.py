"""Texts and epochs -> milliseconds since 1970 in UTC, rounded down. No leap second is known.

A result may be outside the years 1 to 9999; NaN says that it is no time at all. The service has the
same rules (src/inputs/times.ts).
"""

from __future__ import annotations

import math
import re

import numpy as np

from .calendar import DAY_MS, HOUR_MS, MINUTE_MS, SECOND_MS, days_since_1970
from .numbers import parse_decimal

# An epoch of a smaller size is in seconds; and so on. All are in the year 5138 or earlier, or in 1973 or later.
_SECONDS_BELOW = 1e11
_MILLISECONDS_BELOW = 1e14
_MICROSECONDS_BELOW = 1e17
_EPSILON = 2.0**-52

_ISO_8601 = re.compile(
    r"([0-9]{4})-([0-9]{2})-([0-9]{2})"
    r"(?:[T ]([0-9]{2}):([0-9]{2})(?::([0-9]{2})(?:\.([0-9]{1,9}))?)?"
    r"(?:Z| UTC|([+-])([0-9]{2})(?::?([0-9]{2}))?)?)?"
)
_DAY_OR_MONTH_FIRST = re.compile(
    r"([0-9]{1,2})([/.-])([0-9]{1,2})\2([0-9]{4})(?:,? ([0-9]{1,2}):([0-9]{2})(?::([0-9]{2}))?( [AP]M)?)?"
)


def times_from_epochs(epochs: np.ndarray) -> np.ndarray:
    """Seconds, milliseconds, microseconds or nanoseconds, told by their size; of float64."""
    size = np.abs(epochs)
    with np.errstate(all="ignore"):
        scaled = [_floor_nearly(epochs * SECOND_MS), np.floor(epochs), _floor_nearly(epochs / 1e3)]
        bounds = [size < _SECONDS_BELOW, size < _MILLISECONDS_BELOW, size < _MICROSECONDS_BELOW]
        return np.select(bounds, scaled, _floor_nearly(epochs / 1e6)) + 0.0  # -0 becomes 0


def _floor_nearly(milliseconds: np.ndarray) -> np.ndarray:
    """What is less than a rounding error below a whole number counts as that.

    1609459200.123 s have 123 ms, whatever the double is.
    """
    floor = np.floor(milliseconds)
    is_rounding = milliseconds - floor >= 1 - np.abs(milliseconds) * _EPSILON
    return np.where(is_rounding, floor + 1, floor)


def time_from_epoch(epoch: float) -> float:
    """The same of one, without the cost of an array."""
    size = abs(epoch)
    if not math.isfinite(epoch):
        return epoch
    if _SECONDS_BELOW <= size < _MILLISECONDS_BELOW:
        return float(math.floor(epoch))
    if size < _SECONDS_BELOW:
        milliseconds = epoch * SECOND_MS
    else:
        milliseconds = epoch / (1e3 if size < _MICROSECONDS_BELOW else 1e6)
    floor = float(math.floor(milliseconds))
    return floor + 1 if milliseconds - floor >= 1 - abs(milliseconds) * _EPSILON else floor


def time_from_text(text: str, time_format: str) -> float:
    """NaN if it is no time in ISO 8601, no epoch and none of the format."""
    epoch = parse_decimal(text)
    if not math.isnan(epoch):
        return time_from_epoch(epoch)
    if iso := _ISO_8601.fullmatch(text):
        return _sum(_iso_parts(iso))
    local = None if time_format == "iso" else _DAY_OR_MONTH_FIRST.fullmatch(text)
    return math.nan if local is None else _sum(_local_parts(local, time_format == "day_first"))


def _sum(parts: tuple[int | None, ...]) -> float:
    return math.nan if None in parts else float(sum(parts))


def _iso_parts(match: re.Match[str]) -> tuple[int | None, ...]:
    year, month, day, hour, minute, second, fraction, sign, zone_hour, zone_minute = match.groups("")
    zone = _clock(_number(zone_hour), _number(zone_minute), 0)
    offset = -zone if zone is not None and sign != "-" else zone
    thousandths = int(fraction[:3].ljust(3, "0"))
    clock = _clock(_number(hour), _number(minute), _number(second))
    return _day(int(year), int(month), int(day)), clock, thousandths, offset


def _local_parts(match: re.Match[str], is_day_first: bool) -> tuple[int | None, ...]:
    first, _, second, year, hour_text, minute, seconds, half = match.groups("")
    day, month = (first, second) if is_day_first else (second, first)
    date, hour = _day(int(year), int(month), int(day)), _number(hour_text)
    if half:
        # 12 AM is midnight, and 12 PM is noon.
        if not 1 <= hour <= 12:
            return (None,)
        hour = hour % 12 + (12 if half == " PM" else 0)
    return date, _clock(hour, _number(minute), _number(seconds))


def _number(digits: str) -> int:
    return int(digits or "0")


def _clock(hour: int, minute: int, second: int) -> int | None:
    """None for what no clock shows."""
    if hour > 23 or minute > 59 or second > 59:
        return None
    return hour * HOUR_MS + minute * MINUTE_MS + second * SECOND_MS


def _day(year: int, month: int, day: int) -> int | None:
    days = days_since_1970(year, month, day)
    return None if days is None else days * DAY_MS
