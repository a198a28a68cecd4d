"""The bytes of NDJSON -> its rows, or what is wrong with a line; as values of fields, or as the cells that a CSV would have.

The rules and the texts of faults are the service's (src/formats/ndjson): of a repeated key the last one counts, members
are called by columns and else by the names of fields, lines of blanks and a byte order mark are passed over.
"""

from __future__ import annotations

import codecs
import json
import re
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np

from ..inputs.columns import Column, column_of
from ..inputs.describe import describe_value
from ..inputs.faults import Fault
from ..inputs.field import Field
from ..inputs.javascript import write_json
from ..inputs.kinds import Value
from ..inputs.rows import value_from_object
from .csv_columns import EncodedColumn
from .csv_header import FileFault, expect_text
from .csv_rows import MAX_ROW_BYTES, NOT_UTF8, too_long

_BLANKS = re.compile(r"[ \t\r\n]*")


@dataclass(frozen=True)
class ObjectRows:
    """`faults` are of whole lines, by row; such a row is null in every column."""

    lines: np.ndarray
    columns: dict[str, Column]
    faults: dict[int, str]


def read_ndjson_fields(data: bytes, fields: Sequence[Field]) -> ObjectRows:
    """@raises FileFault"""
    columns = {field.column for field in fields}
    values: list[list[Value | Fault]] = [[] for _ in fields]
    lines: list[int] = []
    faults: dict[int, str] = {}
    # Numbers are doubles, as in the service: beyond all of them is infinity.
    for line, row in _objects(data, float):
        if isinstance(row, str):
            faults[len(lines)] = row
        for place, field in enumerate(fields):
            if isinstance(row, str):
                values[place].append(None)
                continue
            is_renamed = field.column not in row and field.name not in columns
            key = field.name if is_renamed else field.column
            values[place].append(value_from_object(field, row, key, "cell"))
        lines.append(line)
    read = {field.name: column_of(field, column) for field, column in zip(fields, values, strict=True)}
    return ObjectRows(np.array(lines, dtype=np.int64), read, faults)


def read_ndjson_columns(data: bytes) -> tuple[dict[str, EncodedColumn], int]:
    """All members as cells, and the number of rows. @raises FileFault"""
    codes: dict[str, list[int]] = {}
    codebooks: dict[str, dict[str, int]] = {}
    rows = 0
    # Numbers stay the texts that they are: an id of twenty digits is no double.
    for line, row in _objects(data, _Literal):
        if isinstance(row, str):
            raise FileFault(f"line {line}: {row}")
        for name, value in row.items():
            known = codes.get(name)
            if known is None:
                known = codes[name] = []
                codebooks[name] = {"": 0}
            known.extend([0] * (rows - len(known)))
            book = codebooks[name]
            known.append(book.setdefault(_cell_of(value), len(book)))
        rows += 1
    columns = {}
    for name, known in codes.items():
        known.extend([0] * (rows - len(known)))
        columns[name] = EncodedColumn(list(codebooks[name]), np.array(known, dtype=np.int64))
    return columns, rows


class _Literal(str):
    """A number as it is written."""


def _cell_of(value: Any) -> str:
    if isinstance(value, str):
        return str(value)
    return "" if value is None else write_json(value)


def _objects(data: bytes, number: type) -> Iterator[tuple[int, dict[str, Any] | str]]:
    """Each line that is not blank: its object, or what is wrong with it."""
    expect_text(data, "NDJSON")
    decoder = json.JSONDecoder(parse_int=number, parse_float=number, parse_constant=_refuse_constant)
    at = len(codecs.BOM_UTF8) if data.startswith(codecs.BOM_UTF8) else 0
    line = 0
    while at < len(data):
        found = data.find(b"\n", at)
        end = found if found >= 0 else len(data)
        line += 1
        row = _object_of(data[at:end], decoder) if end - at <= MAX_ROW_BYTES else too_long(MAX_ROW_BYTES)
        at = end + 1
        if row is not None:
            yield line, row


def _object_of(line: bytes, decoder: json.JSONDecoder) -> dict[str, Any] | str | None:
    try:
        text = line.decode()
    except UnicodeDecodeError:
        return NOT_UTF8
    if _BLANKS.fullmatch(text):
        return None
    try:
        value = decoder.decode(text)
    except RecursionError:
        return "expected JSON: it is nested too deeply"
    except ValueError as error:
        return f"expected JSON: {error}"
    return value if isinstance(value, dict) else f"expected object, got {describe_value(value)}"


def _refuse_constant(name: str) -> Any:
    raise ValueError(f"{name} is no JSON")
