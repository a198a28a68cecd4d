"""The rules of docs/inputs.md once more: plainly, slowly and without a line of either implementation.

Numbers are decimals and fractions here, times are datetimes, and texts are taken apart by their places, so
that a mistake in an expression of the others is no mistake here.
"""

from __future__ import annotations

import json
import math
from datetime import datetime, timedelta
from decimal import Decimal, InvalidOperation
from fractions import Fraction
from typing import Any

STORABLE = "text without NUL and without half a surrogate pair"
YEARS = "a time in the years 0001 to 9999"
EPOCH = datetime(1970, 1, 1)
EARLIEST = -62135596800000
LATEST = 253402300799999
TRUE = ["true", "t", "yes", "y", "1"]
FALSE = ["false", "f", "no", "n", "0"]


class Refused(Exception):
    def __init__(self, expected: str, got: str) -> None:
        super().__init__(f"expected {expected}, got {got}")


def verdict(field: dict[str, Any], source: str, value: Any) -> dict[str, Any]:
    """`{"value": …}` or `{"fault": …}`; `value` in Python's types, milliseconds in a `Time`."""
    try:
        return {"value": read(field, source, value)}
    except Refused as refused:
        return {"fault": f"{field['name']}: {refused}"}


class Time:
    def __init__(self, milliseconds: int) -> None:
        self.milliseconds = milliseconds


def read(field: dict[str, Any], source: str, value: Any) -> Any:
    kind = field["kind"]
    is_typed = source in ("parquet", "tensor")
    if is_typed and isinstance(value, bytes):
        try:
            value = value.decode("utf-8")
        except UnicodeDecodeError:
            raise Refused("UTF-8", "other bytes") from None
    if value is None or (is_typed and isinstance(value, float) and math.isnan(value)):
        return null(field)
    if isinstance(value, str):
        if kind == "text":
            return text(field, value, source)
        if source != "json" or kind == "time":
            return cell(field, value)
    if kind == "number" and is_number(value) and math.isfinite(double(value)):
        return within(field, double(value))
    if kind == "boolean" and isinstance(value, bool):
        return float(value)
    if kind == "boolean" and is_typed and is_number(value) and double(value) in (0, 1):
        return float(double(value) == 1)
    if kind == "time" and is_number(value):
        return within_years(epoch(double(value)), describe(value))
    if kind == "time" and isinstance(value, Time):
        return within_years(value.milliseconds, describe(value))
    raise Refused(type_of(field), describe(value))


def type_of(field: dict[str, Any]) -> str:
    what = {"text": "text", "number": "number", "boolean": "true or false", "time": time_words(field)}[field["kind"]]
    return what + (" or null" if field.get("nullable", True) else "")


def time_words(field: dict[str, Any]) -> str:
    words = {"day_first": " as day/month/year,", "month_first": " as month/day/year,"}
    return f"time{words.get(field.get('format', 'iso'), '')} in ISO 8601 or as epoch"


def null(field: dict[str, Any]) -> None:
    if not field.get("nullable", True):
        raise Refused(type_of(field), "null")


def text(field: dict[str, Any], came: str, source: str) -> str | None:
    kept = trimmed(field, came)
    if kept in field.get("missing", []) or (kept == "" and source == "cell"):
        return null(field)
    most = field.get("maxLength", 256)
    if len(kept) > most:
        raise Refused(f"at most {most} characters", str(len(kept)))
    if any(character == "\0" or 0xD800 <= ord(character) <= 0xDFFF for character in kept):
        raise Refused(STORABLE, shown(came) if source == "cell" else describe(came))
    return kept


def trimmed(field: dict[str, Any], came: str) -> str:
    while field.get("trim") and came and came[0] in "\t\n\x0b\x0c\r ":
        came = came[1:]
    while field.get("trim") and came and came[-1] in "\t\n\x0b\x0c\r ":
        came = came[:-1]
    return came


def cell(field: dict[str, Any], came: str) -> float | None:
    kept = trimmed(field, came)
    if kept == "" or kept in field.get("missing", []):
        return null(field)
    if field["kind"] == "number":
        number = decimal(kept)
        if number is None:
            raise Refused("a decimal number", shown(came))
        if math.isinf(number):
            raise Refused("a number that a double can hold", shown(came))
        return within(field, number)
    if field["kind"] == "boolean":
        small = "".join(chr(ord(c) + 32) if "A" <= c <= "Z" else c for c in kept)
        if small in TRUE or small in FALSE:
            return float(small in TRUE)
        raise Refused("true or false", shown(came))
    time = moment(kept, field.get("format", "iso"))
    if time is None:
        raise Refused(time_words(field), shown(came))
    return within_years(time, shown(came))


def within(field: dict[str, Any], number: float) -> float:
    least, most = field.get("minimum"), field.get("maximum")
    least, most = -1e300 if least is None else least, 1e300 if most is None else most
    if number < least:
        raise Refused(f"a number ≥ {number_text(least)}", number_text(number))
    if number > most:
        raise Refused(f"a number ≤ {number_text(most)}", number_text(number))
    return number if number else 0.0


def within_years(time: float, got: str) -> float:
    if not EARLIEST <= time <= LATEST:
        raise Refused(YEARS, got)
    return float(time)


def decimal(came: str) -> float | None:
    """Python's Decimal has the grammar, but for the characters that it takes beside and the greatest exponents."""
    mantissa, mark, exponent = came.replace("E", "e").partition("e")
    if not mantissa or any(character not in "0123456789.+-" for character in mantissa):
        return None
    if mark and digits(exponent[exponent[:1] in ("+", "-") :]) is None:
        return None
    try:
        Decimal(mantissa)
    except InvalidOperation:
        return None
    return float(came)


def epoch(number: float) -> float:
    if not math.isfinite(number):
        return math.inf
    size = abs(number)
    exact = Fraction(number)
    if 10**11 <= size < 10**14:
        return math.floor(exact)
    exact *= 1000 if size < 10**11 else Fraction(1, 1000 if size < 10**17 else 10**6)
    # What a double cannot tell from the next whole number is that.
    return math.ceil(exact) if math.ceil(exact) - exact <= abs(exact) / 2**52 else math.floor(exact)


def moment(came: str, form: str) -> float | None:
    number = decimal(came)
    if number is not None:
        return epoch(number)
    time = iso(came)
    if time is None and form != "iso":
        time = day_and_month(came, form)
    return time


def iso(came: str) -> int | None:
    date, rest = came[:10], came[10:]
    if len(date) < 10 or date[4] != "-" or date[7] != "-":
        return None
    year, month, day = (digits(part) for part in (date[:4], date[5:7], date[8:]))
    if rest == "":
        return milliseconds(year, month, day, 0, 0, 0)
    if rest[0] not in "T " or len(rest) < 6 or rest[3] != ":":
        return None
    hour, minute, rest = digits(rest[1:3]), digits(rest[4:6]), rest[6:]
    second, thousandths = 0, 0
    if rest[:1] == ":":
        second, rest = digits(rest[1:3]) if len(rest) >= 3 else None, rest[3:]
        if rest[:1] == ".":
            fraction = rest[1:]
            rest = fraction.lstrip("0123456789")
            fraction = fraction[: len(fraction) - len(rest)]
            if not 1 <= len(fraction) <= 9:
                return None
            thousandths = int((fraction + "00")[:3])
    offset = zone(rest)
    time = milliseconds(year, month, day, hour, minute, second)
    return None if time is None or offset is None else time + thousandths - offset


def zone(came: str) -> int | None:
    if came in ("", "Z", " UTC"):
        return 0
    sign, rest = {"+": 1, "-": -1}.get(came[0]), came[1:].replace(":", "", 1) if came[3:4] == ":" else came[1:]
    if sign is None or len(rest) not in (2, 4) or (came[3:4] == ":" and len(rest) != 4):
        return None
    hour, minute = digits(rest[:2]), digits(rest[2:] or "00")
    if hour is None or minute is None or hour > 23 or minute > 59:
        return None
    return sign * (hour * 60 + minute) * 60000


def day_and_month(came: str, form: str) -> int | None:
    separator = next((character for character in came if character not in "0123456789"), "")
    if separator not in ("/", ".", "-"):
        return None
    parts = came.split(separator, 2)
    if len(parts) < 3 or not all(1 <= len(part) <= 2 for part in parts[:2]):
        return None
    first, second, year, clock = digits(parts[0]), digits(parts[1]), digits(parts[2][:4]), parts[2][4:]
    if len(parts[2]) < 4:
        return None
    day, month = (first, second) if form == "day_first" else (second, first)
    if clock == "":
        return milliseconds(year, month, day, 0, 0, 0)
    clock = clock.removeprefix(",")
    if not clock.startswith(" "):
        return None
    clock, half = clock[1:], None
    if clock.endswith((" AM", " PM")):
        clock, half = clock[:-3], clock[-2:]
    parts = clock.split(":")
    if len(parts) not in (2, 3) or not 1 <= len(parts[0]) <= 2 or any(len(part) != 2 for part in parts[1:]):
        return None
    hour, minute, second = digits(parts[0]), digits(parts[1]), digits(parts[2]) if len(parts) == 3 else 0
    if half and hour is not None:
        if hour not in range(1, 13):
            return None
        hour = (0 if hour == 12 else hour) + (12 if half == "PM" else 0)
    return milliseconds(year, month, day, hour, minute, second)


def digits(came: str) -> int | None:
    return int(came) if came and all(character in "0123456789" for character in came) else None


def milliseconds(*parts: int | None) -> int | None:
    """The year 0 is no year of a datetime, but of the calendar: 400 years before the year 400."""
    if None in parts:
        return None
    year, *others = parts
    try:
        time = datetime(year or 400, *others)
    except ValueError:
        return None
    days = 0 if year else 146097
    return (time - EPOCH) // timedelta(milliseconds=1) - days * 86400000


def is_number(value: Any) -> bool:
    return isinstance(value, (int, float, Decimal)) and not isinstance(value, bool)


def double(value: Any) -> float:
    if isinstance(value, Decimal):
        places = max(0, -value.as_tuple().exponent)
        return float(int(value.scaleb(places))) / float(10**places)
    try:
        return float(value)
    except OverflowError:
        return math.inf if value > 0 else -math.inf


def describe(value: Any) -> str:
    if value is None:
        return "null"
    if is_number(value):
        return number_text(double(value))
    names = {bool: "boolean", str: "string", list: "array", dict: "object", Time: "time"}
    return f"{names[type(value)]} {cut(json_text(value))}"


def shown(came: str) -> str:
    return cut(json_text(came))


def cut(came: str) -> str:
    return came if len(came) <= 60 else came[:57] + "…"


def json_text(value: Any) -> str:
    """JSON.stringify, of all of it."""
    if isinstance(value, Time):
        return iso_text(value.milliseconds)
    if isinstance(value, str):
        plain = json.dumps(value, ensure_ascii=False)
        return "".join(f"\\u{ord(c):04x}" if 0xD800 <= ord(c) <= 0xDFFF else c for c in plain)
    if isinstance(value, list):
        return f"[{','.join(json_text(each) for each in value)}]"
    if isinstance(value, dict):
        numbers = sorted((key for key in value if key.isascii() and key.isdigit() and str(int(key)) == key), key=int)
        keys = numbers + [key for key in value if key not in numbers]
        return f"{{{','.join(json_text(key) + ':' + json_text(value[key]) for key in keys)}}}"
    if is_number(value):
        return number_text(double(value)) if math.isfinite(double(value)) else "null"
    return json.dumps(value)


def iso_text(time: int) -> str:
    if abs(time) > 8640000000000000:
        return "null"
    # Whole cycles of the calendar lead into the years that a datetime has.
    cycles = (time - EARLIEST) // (146097 * 86400000)
    moment = EPOCH + timedelta(milliseconds=time - cycles * 146097 * 86400000)
    year = moment.year + 400 * cycles
    sign = "" if 0 <= year <= 9999 else "-" if year < 0 else "+"
    shown_year = str(abs(year)).zfill(6 if sign else 4)
    return f'"{sign}{shown_year}{moment.isoformat(timespec="milliseconds")[4:]}Z"'


def number_text(number: float) -> str:
    """Number::toString of ECMAScript, step by step."""
    if math.isnan(number):
        return "NaN"
    if number == 0:
        return "0"
    if number < 0:
        return "-" + number_text(-number)
    if math.isinf(number):
        return "Infinity"
    _, parts, exponent = Decimal(repr(float(number))).normalize().as_tuple()
    s = "".join(map(str, parts))
    k = len(s)
    n = exponent + k
    if k <= n <= 21:
        return s + "0" * (n - k)
    if 0 < n <= 21:
        return s[:n] + "." + s[n:]
    if -6 < n <= 0:
        return "0." + "0" * -n + s
    sign = "+" if n - 1 >= 0 else "-"
    fraction = f".{s[1:]}" if k > 1 else ""
    return f"{s[0]}{fraction}e{sign}{abs(n - 1)}"
