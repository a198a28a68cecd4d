"""The bytes of a Parquet file -> the values of fields; or, to look at, the encoded columns that a CSV would give."""

from __future__ import annotations

import io
from collections.abc import Callable, Sequence
from datetime import date
from decimal import Decimal
from pathlib import Path
from typing import Any

import numpy as np
import pandas as pd

from ..errors import UserError
from ..inputs.calendar import moment_of, show_time
from ..inputs.columns import Column
from ..inputs.field import Field
from .csv_columns import EncodedColumn, Table
from .csv_header import list_names

# By column: what kind of type it has, the type, and the first file that has it.
Kinds = dict[str, tuple[str, str, Path]]


def read_parquet_fields(
    data: bytes, path: Path, fields: Sequence[Field], kinds: Kinds
) -> tuple[dict[str, Column], list[str], int]:
    """By the name of the field, those that are there; the names of all columns of the file; the number of rows.

    `kinds` are those of the parts before, which this one's must be like; its own are added.
    """
    from ..inputs.arrow import read_arrow

    required = [field.column for field in fields if field.required]
    table, names = _read(data, path, required, [field.column for field in fields])
    _expect_kinds(table, path, kinds)
    there = [field for field in fields if field.column in names]
    return {field.name: read_arrow(field, table.column(field.column)) for field in there}, names, table.num_rows


def read_parquet_columns(data: bytes, path: Path, kinds: Kinds) -> Table:
    """All columns, with cells for values."""
    table, names = _read(data, path, (), None)
    _expect_kinds(table, path, kinds)
    columns = {name: _encode(table.column(name), name, path) for name in names}
    return Table(columns, np.arange(1, table.num_rows + 1), [])


def _read(data: bytes, path: Path, required: Sequence[str], wanted: Sequence[str] | None) -> tuple[Any, list[str]]:
    # A second to import, which those who read CSV should not wait for.
    import pyarrow as pa
    import pyarrow.parquet as pq

    try:
        file = pq.ParquetFile(io.BytesIO(data))
        found = file.schema_arrow.names
        if missing := [name for name in required if name not in found]:
            raise UserError(f"{path}: missing column {', '.join(missing)}; found {', '.join(found)}")
        if twice := next((name for at, name in enumerate(found) if name in found[:at]), None):
            raise UserError(f"{path}: expected every column once, got {list_names([twice])} twice; rename one of them")
        return file.read(columns=None if wanted is None else [name for name in found if name in wanted]), found
    except (pa.ArrowException, OSError) as error:
        raise UserError(f"{path}: expected Parquet: {error}") from error


def _expect_kinds(table: Any, path: Path, kinds: Kinds) -> None:
    """Integers and doubles are one kind, since pandas writes either, by whether a null is among them."""
    for column in table.schema:
        kind = _kind_of(column.type)
        # Where all is null, pandas writes a type of its own.
        if kind == "null":
            continue
        known, first_type, first = kinds.setdefault(column.name, (kind, str(column.type), path))
        if kind != known:
            raise UserError(f"{path}, column {column.name}: expected {first_type} as in {first}, got {column.type}")


def _kind_of(kind: Any) -> str:
    import pyarrow as pa

    if pa.types.is_dictionary(kind):
        return _kind_of(kind.value_type)
    if pa.types.is_integer(kind) or pa.types.is_floating(kind) or pa.types.is_decimal(kind):
        return "number"
    if pa.types.is_timestamp(kind) or pa.types.is_date(kind):
        return "time"
    plain = str(kind).removeprefix("large_").removesuffix("_view")
    return "string" if plain == "binary" else plain


def _encode(column: Any, name: str, path: Path) -> EncodedColumn:
    import pyarrow as pa

    kind = column.type.value_type if pa.types.is_dictionary(column.type) else column.type
    show = _cell_of(kind, f"{path}, column {name}")
    # Timestamps of other units than milliseconds have finer parts, which a cell would show.
    values = column.cast(pa.timestamp("us")) if pa.types.is_timestamp(kind) and kind.unit == "ns" else column
    if pa.types.is_floating(kind):
        codes, uniques = pd.factorize(values.to_numpy())
        listed: list[Any] = uniques.tolist()
    else:
        encoded = (
            values.combine_chunks()
            if pa.types.is_dictionary(values.type)
            else values.dictionary_encode().combine_chunks()
        )
        listed = encoded.dictionary.to_pylist()
        codes = encoded.indices.to_numpy(zero_copy_only=False)
        codes = np.where(np.isnan(codes), -1, codes) if codes.dtype.kind == "f" else codes
    texts = [show(value) for value in listed] + [""]
    codes = codes.astype(np.int64)
    return EncodedColumn(texts, np.where(codes < 0, len(listed), codes))


def _cell_of(kind: Any, where: str) -> Callable[[Any], str]:
    import pyarrow as pa

    if pa.types.is_boolean(kind):
        return lambda value: "" if value is None else str(value).lower()
    if pa.types.is_string(kind) or pa.types.is_large_string(kind) or pa.types.is_string_view(kind):
        return lambda value: value or ""
    if pa.types.is_timestamp(kind) or pa.types.is_date(kind):
        return _time_cell
    if pa.types.is_integer(kind) or pa.types.is_floating(kind) or pa.types.is_decimal(kind):
        return _number_cell
    if pa.types.is_null(kind):
        return lambda value: ""
    raise UserError(f"{where}: expected text, numbers, booleans or times, got {kind}")


def _number_cell(value: Any) -> str:
    if value is None or value != value:
        return ""
    return f"{value:f}" if isinstance(value, Decimal) else repr(value)


def _time_cell(value: date | None) -> str:
    return "" if value is None else show_time(moment_of(value).milliseconds) or str(value)
