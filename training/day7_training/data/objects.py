"""Rows of a frame <-> installs as JSON has them: a boolean is true or false, a time ISO 8601 text, null where missing."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from typing import Any

import pandas as pd

from ..errors import UserError
from ..inputs.columns import values_of
from ..inputs.faults import Fault
from ..inputs.field import Field
from ..inputs.kinds import Value, value_from_json, value_to_json
from ..inputs.schema import InputSchema

_EXACT = 2**53


def frame_of(schema: InputSchema, installs: Iterable[Mapping[str, Any]]) -> pd.DataFrame:
    """An absent field is null. @raises UserError: a value that the field refuses"""
    rows = list(installs)
    columns = {}
    for field in schema.fields:
        values = values_of(field, [_value(field, row.get(field.name)) for row in rows])
        columns[field.name] = pd.Series(values, dtype=values.dtype)
    return pd.DataFrame(columns)


def object_of(schema: InputSchema, row: Mapping[str, Any]) -> dict[str, Any]:
    return {field.name: json_value(field, row[field.name]) for field in schema.fields}


def json_value(field: Field, value: Any) -> Any:
    """A value of a frame as a request has it: whole numbers without a point."""
    shown = value_to_json(field, value)
    if field.kind == "boolean":
        return None if shown is None else bool(shown)
    if isinstance(shown, float):
        return int(shown) if shown.is_integer() and abs(shown) < _EXACT else float(shown)
    return shown


def _value(field: Field, value: Any) -> Value:
    if value is None:
        return None
    read = value_from_json(field, value)
    if isinstance(read, Fault):
        raise UserError(read.message)
    return read
