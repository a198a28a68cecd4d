"""Days and milliseconds of the Gregorian calendar, also before the year 1 and after 9999, as JavaScript's Date has them."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import UTC, date, datetime

DAY_MS = 86_400_000
HOUR_MS = 3_600_000
MINUTE_MS = 60_000
SECOND_MS = 1000

# 0001-01-01T00:00:00.000Z and 9999-12-31T23:59:59.999Z
EARLIEST_MS = -62_135_596_800_000
LATEST_MS = 253_402_300_799_999

_MOST_OF_DATE_MS = 8_640_000_000_000_000
_EPOCH_DAY = date(1970, 1, 1).toordinal()
_ERA_DAY = date(2000, 1, 1).toordinal()
_DAYS_OF_ERA = 146_097  # 400 years
_YEARS_OF_ERA = 400


@dataclass(frozen=True, slots=True)
class Moment:
    """A date or timestamp of a file, in milliseconds since 1970 in UTC; no year is too far."""

    milliseconds: int


def moment_of(value: date) -> Moment:
    """Of a date, or of a datetime, which is in UTC where it has no zone; what is finer is left out."""
    days = value.toordinal() - _EPOCH_DAY
    if not isinstance(value, datetime):
        return Moment(days * DAY_MS)
    if value.tzinfo is not None and value.utcoffset():
        return moment_of(value.astimezone(UTC).replace(tzinfo=None))
    within = value.hour * HOUR_MS + value.minute * MINUTE_MS + value.second * SECOND_MS
    return Moment(days * DAY_MS + within + value.microsecond // 1000)


def days_since_1970(year: int, month: int, day: int) -> int | None:
    """None for a day that is in no calendar; the year 0 comes before the year 1."""
    try:
        return date(year or _YEARS_OF_ERA, month, day).toordinal() - _EPOCH_DAY - (0 if year else _DAYS_OF_ERA)
    except ValueError:
        return None


def show_time(milliseconds: int) -> str | None:
    """Date's toISOString(); None where it has none."""
    if abs(milliseconds) > _MOST_OF_DATE_MS:
        return None
    days, within = divmod(milliseconds, DAY_MS)
    # Every era has the calendar of the one from 2000 to 2399.
    era, day_of_era = divmod(days + _EPOCH_DAY - _ERA_DAY, _DAYS_OF_ERA)
    day = date.fromordinal(_ERA_DAY + day_of_era)
    year = day.year + era * _YEARS_OF_ERA
    shown_year = f"{year:04d}" if 0 <= year <= 9999 else f"{year:+07d}"
    hour, within_hour = divmod(within, HOUR_MS)
    minute, within_minute = divmod(within_hour, MINUTE_MS)
    second, thousandth = divmod(within_minute, SECOND_MS)
    return f"{shown_year}-{day:%m-%d}T{hour:02d}:{minute:02d}:{second:02d}.{thousandth:03d}Z"
