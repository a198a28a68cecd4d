"""Days and milliseconds of the Gregorian calendar, also before the year 1 and after 9999, as JavaScript's Date has them."""

from __future__ import annotations

from datetime import UTC, date, datetime

DAY_MS = 86_400_000
# 0001-01-01T00:00:00.000Z and 9999-12-31T23:59:59.999Z
EARLIEST_MS = -62_135_596_800_000
LATEST_MS = 253_402_300_799_999

_MOST_OF_DATE_MS = 8_640_000_000_000_000
_EPOCH_DAY = date(1970, 1, 1).toordinal()
_DAYS_OF_ERA = 146_097  # 400 years
_YEARS_OF_ERA = 400


def milliseconds_of(value: date) -> int:
    """Of a date, or of a datetime, which is in UTC where it has no zone; what is finer is left out."""
    if not isinstance(value, datetime):
        return (value.toordinal() - _EPOCH_DAY) * DAY_MS
    moment = value if value.tzinfo is None else value.astimezone(UTC)
    within = (moment.hour * 60 + moment.minute) * 60 + moment.second
    return (moment.toordinal() - _EPOCH_DAY) * DAY_MS + within * 1000 + moment.microsecond // 1000


def show_time(milliseconds: int) -> str | None:
    """Date's toISOString(); None where it has none."""
    if abs(milliseconds) > _MOST_OF_DATE_MS:
        return None
    days, within = divmod(milliseconds, DAY_MS)
    # Any era has the calendar of the one from 2000 to 2399.
    era, day = divmod(days - (date(2000, 1, 1).toordinal() - _EPOCH_DAY), _DAYS_OF_ERA)
    moment = date.fromordinal(date(2000, 1, 1).toordinal() + day)
    year = moment.year + era * _YEARS_OF_ERA
    shown_year = f"{year:04d}" if 0 <= year <= 9999 else f"{year:+07d}"
    seconds, thousandths = divmod(within, 1000)
    minutes, second = divmod(seconds, 60)
    hour, minute = divmod(minutes, 60)
    return f"{shown_year}-{moment:%m-%d}T{hour:02d}:{minute:02d}:{second:02d}.{thousandths:03d}Z"
