"""Rows of a frame <-> installs as JSON has them: a boolean is true or false, a time ISO 8601 text, null where missing."""

from __future__ import annotations

import math
from collections.abc import Iterable, Mapping
from typing import Any

import numpy as np
import pandas as pd

from ..inputs.calendar import show_time
from ..inputs.field import Field
from ..inputs.schema import InputSchema
from .cells import epoch_of, time_of

_EXACT = 2**53


def frame_of(schema: InputSchema, installs: Iterable[Mapping[str, Any]]) -> pd.DataFrame:
    """Expects values that the fields accept; an absent one is null."""
    rows = list(installs)
    columns = {}
    for field in schema.fields:
        values = [_value(field, row.get(field.name)) for row in rows]
        columns[field.name] = pd.Series(values, dtype=object if field.kind == "text" else np.float64)
    return pd.DataFrame(columns)


def object_of(schema: InputSchema, row: Mapping[str, Any]) -> dict[str, Any]:
    return {field.name: json_value(field, row[field.name]) for field in schema.fields}


def json_value(field: Field, value: Any) -> Any:
    """A value of a frame as a request has it: whole numbers without a point."""
    if field.kind == "text":
        return value
    if math.isnan(value):
        return None
    if field.kind == "boolean":
        return bool(value == 1)
    if field.kind == "time":
        return show_time(int(value))
    return int(value) if float(value).is_integer() and abs(value) < _EXACT else float(value)


def _value(field: Field, value: Any) -> Any:
    if field.kind == "text":
        return None if value is None or value in field.missing else value
    if value is None:
        return np.nan
    if field.kind == "time":
        moment = time_of(value, field.format) if isinstance(value, str) else epoch_of(value)
        return np.nan if moment is None else moment
    return float(value) + 0.0
