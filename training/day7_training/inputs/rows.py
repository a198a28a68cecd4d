"""Objects with the fields by their names -> rows: values by position in the fields of a schema; and rows -> a DataFrame."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any

import pandas as pd

from .columns import values_of
from .faults import Fault, absent
from .field import Field
from .kinds import Value, value_from_json
from .schema import InputSchema

Row = list[Value]


def row_from_object(schema: InputSchema, document: Mapping[str, Any], text: str = "strict") -> Row | Fault:
    """The row, or what is wrong with the first field that something is wrong with; other keys are not looked at.

    `strict` is how requests are taken; `cell` how lines of NDJSON are: a text stands for a number, true, false
    or a time as a cell does, and a nullable field may be absent.
    """
    row: Row = []
    for field in schema.fields:
        value = value_from_object(field, document, field.name, text)
        if isinstance(value, Fault):
            return value
        row.append(value)
    return row


def value_from_object(field: Field, document: Mapping[str, Any], key: str, text: str) -> Value | Fault:
    """The member `key`, which may be absent by the same rules."""
    if key in document:
        return value_from_json(field, document[key], text)
    may_be_absent = field.nullable if text == "cell" else not field.required
    return None if may_be_absent else absent(field)


def frame_of_rows(schema: InputSchema, rows: Sequence[Row], index: pd.Index | None = None) -> pd.DataFrame:
    """One column a field by its name: texts as str or None, others as float64 with NaN for null."""
    columns = list(zip(*rows, strict=True)) if rows else [()] * len(schema.fields)
    # Without its own dtype, pandas would make texts of objects.
    series = {}
    for field, values in zip(schema.fields, columns, strict=True):
        series[field.name] = pd.Series(
            values_of(field, values), index=index, dtype=object if field.kind == "text" else float
        )
    return pd.DataFrame(series)
