"""A value that came -> what a fault shows of it: its JSON type and the beginning of its JSON text.

The service writes the same (src/inputs/describe.ts), character by character.
"""

from __future__ import annotations

import math
from collections.abc import Mapping
from datetime import date
from decimal import Decimal
from typing import Any

from .calendar import Moment, moment_of, show_time
from .javascript import list_keys, show_number, to_double, write_text

_MOST_SHOWN = 60
_SHOWN_OF_LONGER = 57
# Enough for one character more than is shown.
_ROOM = _MOST_SHOWN + 1


def describe_value(value: Any) -> str:
    """`null`, `-1`, `string "a\\u0000"`, `array [1,2]`; the date or timestamp of a file is a `time`."""
    if value is None:
        return "null"
    if is_number(value):
        return show_number(value)
    return f"{_type_of(value)} {_beginning(_json_beginning(value, _ROOM))}"


def describe_text(text: str) -> str:
    """The beginning of a text in quotes, as a cell is shown."""
    return _beginning(_json_beginning(text, _ROOM))


def is_number(value: Any) -> bool:
    return isinstance(value, (int, float, Decimal)) and not isinstance(value, bool)


def _type_of(value: Any) -> str:
    if isinstance(value, bool):
        return "boolean"
    if isinstance(value, str):
        return "string"
    if isinstance(value, (list, tuple)):
        return "array"
    return "time" if isinstance(value, Moment) else "object"


def _beginning(text: str) -> str:
    return text if len(text) <= _MOST_SHOWN else f"{text[:_SHOWN_OF_LONGER]}…"


def _json_beginning(value: Any, room: int) -> str:
    """The JSON text of a value, or at least `room` characters: neither the size nor the depth of what came matters."""
    if room < 0:
        return ""
    if isinstance(value, str):
        return write_text(value[:room])
    if isinstance(value, (list, tuple)):
        text = "["
        for place, each in enumerate(value):
            if len(text) > room:
                break
            separator = "," if place else ""
            text += separator + _json_beginning(each, room - len(text))
        return f"{text}]"
    if isinstance(value, Mapping):
        text = "{"
        for key in list_keys(value):
            if len(text) > room:
                break
            text += f"{',' if len(text) > 1 else ''}{_json_beginning(key, room - len(text))}:"
            text += _json_beginning(value[key], room - len(text))
        return f"{text}}}"
    return _json_of_scalar(value)


def _json_of_scalar(value: Any) -> str:
    if isinstance(value, bool):
        return "true" if value else "false"
    if is_number(value):
        return show_number(value) if math.isfinite(to_double(value)) else "null"
    if isinstance(value, (Moment, date)):  # a datetime is a date, too
        moment = value if isinstance(value, Moment) else moment_of(value)
        shown = show_time(moment.milliseconds)
        return "null" if shown is None else write_text(shown)
    return '"bytes"' if isinstance(value, (bytes, bytearray, memoryview)) else "null"
