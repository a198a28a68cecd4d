"""The kinds of values, one row a kind: how what comes becomes a value or a fault, and how a value goes out.

A value is a str, a float or None; a boolean is 1 or 0, a time whole milliseconds since 1970 in UTC.
The service has the same table (src/inputs/kinds.ts), and a fixture of dirty values holds the two together.
"""

from __future__ import annotations

import math
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from datetime import date
from typing import Any

from .calendar import EARLIEST_MS, LATEST_MS, Moment, moment_of, show_time
from .describe import is_number
from .faults import Fault, wrong_cell, wrong_encoding, wrong_length, wrong_type, wrong_value
from .field import Field
from .javascript import show_number, to_double
from .numbers import parse_decimal
from .texts import STORABLE_TEXT, is_storable, trim_ascii
from .times import time_from_epoch, time_from_text

Value = str | float | None


@dataclass(frozen=True)
class _Kind:
    """`from_json` takes what is not null, `from_cell` a text that is neither empty nor missing and the cell as it came,
    `from_typed` a value of a column or tensor with a type that is neither null nor a text."""

    expected: Callable[[Field], str]
    from_json: Callable[[Field, Any], Value | Fault]
    from_cell: Callable[[Field, str, str], Value | Fault]
    from_typed: Callable[[Field, Any], Value | Fault]
    to_json: Callable[[Any], str | float | bool]
    json_types: tuple[str, ...]
    json_limits: Callable[[Field], dict[str, Any]]
    tensor_datatypes: tuple[str, ...]


def value_from_json(field: Field, value: Any, text: str = "strict") -> Value | Fault:
    """A value of a request; with `cell` of a line of NDJSON, where a text stands for a number, true, false or a time
    as a cell does."""
    if value is None:
        return _null_of(field)
    if text == "cell" and isinstance(value, str) and field.kind != "text":
        return value_from_cell(field, value)
    return _KINDS[field.kind].from_json(field, value)


def value_from_cell(field: Field, cell: str) -> Value | Fault:
    """A cell of a CSV file. The empty one is null."""
    text = trim_ascii(cell) if field.trim else cell
    if text == "" or text in field.missing:
        return _null_of(field)
    return _KINDS[field.kind].from_cell(field, text, cell)


def value_from_parquet(field: Field, value: Any) -> Value | Fault:
    """A value of a column as pyarrow's `as_py` gives it. NaN is null; bytes are a text in UTF-8."""
    if value is None or value != value:
        return _null_of(field)
    if isinstance(value, bytes):
        try:
            value = value.decode()
        except UnicodeDecodeError:
            return wrong_encoding(field)
    if isinstance(value, str):
        return _text_from(field, value) if field.kind == "text" else value_from_cell(field, value)
    if isinstance(value, date):  # a datetime is one, too
        value = moment_of(value)
    return _KINDS[field.kind].from_typed(field, value)


# An element of a tensor.
value_from_tensor = value_from_parquet


def value_to_json(field: Field, value: Value) -> str | float | bool | None:
    """As a request has it; a time in ISO 8601. NaN is null, as in a DataFrame."""
    return None if value is None or value != value else _KINDS[field.kind].to_json(value)


def json_schema_of(field: Field) -> dict[str, Any]:
    """JSON Schema of the field as requests have it."""
    kind = _KINDS[field.kind]
    types = [*kind.json_types, "null"] if field.nullable else list(kind.json_types)
    schema: dict[str, Any] = {"type": types[0] if len(types) == 1 else types, **kind.json_limits(field)}
    description = _describe(field)
    if description:
        schema["description"] = description
    if field.example is not None:
        schema["examples"] = [field.example]
    return schema


def _describe(field: Field) -> str:
    """For people: what the types do not tell."""
    sentences = [field.description or ""]
    if field.unit is not None:
        sentences.append(f"Unit: {field.unit}.")
    if field.kind == "time":
        expected = expected_of(field)
        sentences.append(f"{expected[0].upper()}{expected[1:]}, UTC unless it says otherwise.")
    return " ".join(filter(None, sentences))


def tensor_datatypes(kind: str) -> tuple[str, ...]:
    """Those that a tensor of the kind may have in the Open Inference Protocol; the first is in the model's metadata."""
    return _KINDS[kind].tensor_datatypes


def expected_of(field: Field) -> str:
    return _KINDS[field.kind].expected(field)


def _null_of(field: Field) -> None | Fault:
    return None if field.nullable else _wrong_kind(field, None)


def _wrong_kind(field: Field, value: Any) -> Fault:
    return wrong_type(field, expected_of(field), value)


def _text_from(field: Field, value: Any) -> Value | Fault:
    """A text, or null where it is missing. An empty text is a text."""
    if not isinstance(value, str):
        return _wrong_kind(field, value)
    text = trim_ascii(value) if field.trim else value
    return _null_of(field) if text in field.missing else _checked_text(field, text, value, wrong_value)


def _text_from_cell(field: Field, text: str, cell: str) -> Value | Fault:
    return _checked_text(field, text, cell, wrong_cell)


def _checked_text(field: Field, text: str, came: str, wrong: Callable[[Field, str, str], Fault]) -> str | Fault:
    if len(text) > field.max_length:
        return wrong_length(field, len(text))
    return text if is_storable(text) else wrong(field, STORABLE_TEXT, came)


def _text_limits(field: Field) -> dict[str, Any]:
    # A schema cannot say that blanks do not count; the row's rules do.
    most = max(field.max_length, *map(len, field.missing), 0)
    limits = {} if field.trim else {"maxLength": most}
    return {**limits, "pattern": r"^[^\u0000\uD800-\uDFFF]*$", "x-expected": STORABLE_TEXT}


def _number_from_json(field: Field, value: Any) -> Value | Fault:
    number = to_double(value) if is_number(value) else math.nan
    return _number_within(field, number) if math.isfinite(number) else _wrong_kind(field, value)


def _number_from_cell(field: Field, text: str, cell: str) -> Value | Fault:
    number = parse_decimal(text)
    if math.isfinite(number):
        return _number_within(field, number)
    expected = "a decimal number" if math.isnan(number) else "a number that a double can hold"
    return wrong_cell(field, expected, cell)


def _number_within(field: Field, value: float) -> Value | Fault:
    if value < field.minimum:
        return wrong_value(field, f"a number ≥ {show_number(field.minimum)}", value)
    if value > field.maximum:
        return wrong_value(field, f"a number ≤ {show_number(field.maximum)}", value)
    return value + 0.0  # -0 becomes 0


def _number_limits(field: Field) -> dict[str, Any]:
    return {"minimum": field.minimum, "maximum": field.maximum}


TRUTHS = dict.fromkeys(("true", "t", "yes", "y", "1"), 1.0) | dict.fromkeys(("false", "f", "no", "n", "0"), 0.0)


def _boolean_from_json(field: Field, value: Any) -> Value | Fault:
    return float(value) if isinstance(value, bool) else _wrong_kind(field, value)


def _boolean_from_cell(field: Field, text: str, cell: str) -> Value | Fault:
    truth = TRUTHS.get(text.lower())
    return wrong_cell(field, "true or false", cell) if truth is None else truth


def _boolean_from_typed(field: Field, value: Any) -> Value | Fault:
    number = float(value) if isinstance(value, bool) else to_double(value) if is_number(value) else math.nan
    return number + 0.0 if number in (0, 1) else _wrong_kind(field, value)


_YEARS = "a time in the years 0001 to 9999"


def _expected_time(field: Field) -> str:
    if field.format == "iso":
        return "time in ISO 8601 or as epoch"
    order = "day/month/year" if field.format == "day_first" else "month/day/year"
    return f"time as {order}, in ISO 8601 or as epoch"


def _time_from_json(field: Field, value: Any) -> Value | Fault:
    if isinstance(value, str):
        return value_from_cell(field, value)
    if not is_number(value):
        return _wrong_kind(field, value)
    time = time_from_epoch(to_double(value))
    return time if EARLIEST_MS <= time <= LATEST_MS else wrong_value(field, _YEARS, value)


def _time_from_cell(field: Field, text: str, cell: str) -> Value | Fault:
    time = time_from_text(text, field.format)
    if EARLIEST_MS <= time <= LATEST_MS:
        return time
    return wrong_cell(field, _expected_time(field) if math.isnan(time) else _YEARS, cell)


def _time_from_typed(field: Field, value: Any) -> Value | Fault:
    if not isinstance(value, Moment):
        return _time_from_json(field, value)
    time = value.milliseconds
    return float(time) if EARLIEST_MS <= time <= LATEST_MS else wrong_value(field, _YEARS, value)


_INTEGERS = ("INT64", "INT32", "INT16", "INT8", "UINT64", "UINT32", "UINT16", "UINT8")

_KINDS: Mapping[str, _Kind] = {
    "text": _Kind(
        expected=lambda _: "text",
        from_json=_text_from,
        from_cell=_text_from_cell,
        from_typed=_wrong_kind,
        to_json=lambda value: value,
        json_types=("string",),
        json_limits=_text_limits,
        tensor_datatypes=("BYTES",),
    ),
    "number": _Kind(
        expected=lambda _: "number",
        from_json=_number_from_json,
        from_cell=_number_from_cell,
        from_typed=_number_from_json,
        to_json=lambda value: value,
        json_types=("number",),
        json_limits=_number_limits,
        tensor_datatypes=("FP64", "FP32", "FP16", *_INTEGERS, "BYTES"),
    ),
    "boolean": _Kind(
        expected=lambda _: "true or false",
        from_json=_boolean_from_json,
        from_cell=_boolean_from_cell,
        from_typed=_boolean_from_typed,
        to_json=lambda value: value == 1,
        json_types=("boolean",),
        json_limits=lambda _: {},
        tensor_datatypes=("BOOL", *_INTEGERS, "BYTES"),
    ),
    "time": _Kind(
        expected=_expected_time,
        from_json=_time_from_json,
        from_cell=_time_from_cell,
        from_typed=_time_from_typed,
        to_json=lambda value: show_time(int(value)),
        json_types=("string", "number"),
        json_limits=lambda _: {},
        tensor_datatypes=("INT64", "FP64", "BYTES"),
    ),
}
