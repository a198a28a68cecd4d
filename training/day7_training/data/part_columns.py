"""The files of a table -> one column a field for all of them, or the cells of all columns; where each row stands."""

from __future__ import annotations

import hashlib
from collections.abc import Sequence
from dataclasses import dataclass
from itertools import accumulate
from pathlib import Path
from typing import Any

import numpy as np

from ..errors import UserError
from ..inputs.columns import Column, read_cells
from ..inputs.field import Field
from .csv_columns import EncodedColumn, read_columns
from .csv_header import FileFault, list_names
from .ndjson_rows import read_ndjson_columns, read_ndjson_fields
from .parquet_columns import read_parquet_columns, read_parquet_fields
from .part_bytes import CSV, NDJSON, PartBytes, read_part
from .parts import Part, find_parts


@dataclass(frozen=True)
class PartRows:
    """`lines` are those of the file, `columns` by the name of the field; `faults` are of whole rows."""

    part: Part
    lines: np.ndarray
    columns: dict[str, Column]
    faults: dict[int, str]


@dataclass(frozen=True)
class TableRows:
    """The rows of all parts. `sha256` of several parts is that of their hashes and names, as sha256sum lists them."""

    parts: list[PartRows]
    columns: dict[str, Column]
    faults: dict[int, str]
    sha256: str

    @property
    def lines(self) -> np.ndarray:
        """Of one file its lines; of several the numbers of the rows, which no two share."""
        if len(self.parts) == 1:
            return self.parts[0].lines
        return np.arange(1, sum(len(part.lines) for part in self.parts) + 1)

    def place_of(self, row: int) -> dict[str, Any]:
        """The line, and the file where there are several."""
        for part in self.parts:
            if row < len(part.lines):
                line = int(part.lines[row])
                return {"line": line} if len(self.parts) == 1 else {"file": str(part.part.path), "line": line}
            row -= len(part.lines)
        raise IndexError(row)


def read_fields(path: Path, fields: Sequence[Field]) -> TableRows:
    """@raises UserError"""
    found = find_parts(path)
    parts: list[PartRows] = []
    hashes: list[str] = []
    kinds: dict[str, tuple[str, str, Path]] = {}
    for part in found:
        stored = read_part(part)
        hashes.append(stored.sha256)
        if len(found) > 1 and _is_empty(stored):
            continue
        parts.append(_read_fields(part, stored, fields, len(found) > 1, kinds))
    if not any(len(part.lines) for part in parts):
        raise UserError(f"{path}: expected rows, found none")
    columns = {field.name: _joined([part.columns[field.name] for part in parts]) for field in fields}
    starts = [0, *accumulate(len(part.lines) for part in parts)]
    faults = {start + row: text for start, part in zip(starts, parts) for row, text in part.faults.items()}
    return TableRows(parts, columns, faults, _digest(found, hashes))


def read_cell_columns(path: Path, expected: str) -> dict[str, EncodedColumn]:
    """Every column as texts; `expected` is one that must be there. A column that a part does not have is empty there."""
    found = find_parts(path)
    read: list[tuple[dict[str, EncodedColumn], int]] = []
    kinds: dict[str, tuple[str, str, Path]] = {}
    for part in found:
        stored = read_part(part)
        if len(found) > 1 and _is_empty(stored):
            continue
        columns, rows = _read_cells(part, stored, expected, len(found) > 1, kinds)
        _expect_apart(part, list(columns))
        constants = {name: _constant(cell, rows) for name, cell in part.partitions.items()}
        read.append(({**columns, **constants}, rows))
    names = dict.fromkeys(name for columns, _ in read for name in columns)
    if not any(rows for _, rows in read):
        raise UserError(f"{path}: expected rows, found none")
    if expected not in names:
        raise UserError(f"{path}: expected the column {expected}, got {list_names(list(names))}")
    if len(read) == 1:
        return read[0][0]
    return {name: _merged([columns.get(name) or _constant("", rows) for columns, rows in read]) for name in names}


def _read_fields(
    part: Part, stored: PartBytes, fields: Sequence[Field], is_one_of_many: bool, kinds: dict[str, Any]
) -> PartRows:
    path, data = part.path, stored.data
    own = [field for field in fields if field.column not in part.partitions]
    required = [field.column for field in own if field.required]
    optional = [field.column for field in own if not field.required]
    faults: dict[int, str] = {}
    if stored.format == NDJSON:
        try:
            rows = read_ndjson_fields(data, own)
        except FileFault as fault:
            raise _of_file(path, fault) from None
        lines, columns, faults = rows.lines, rows.columns, rows.faults
    elif stored.format == CSV:
        table = read_columns(data, path, required=required, optional=optional, may_be_empty=is_one_of_many)
        lines = table.lines
        _expect_apart(part, [*table.columns, *table.extra])
        columns = {
            each.name: _of_all_rows(read_cells(each, table.columns[each.column].uniques), table.columns[each.column])
            for each in own
            if each.column in table.columns
        }
    else:
        columns, names, rows_read = read_parquet_fields(data, path, own, kinds)
        lines = np.arange(1, rows_read + 1)
        _expect_apart(part, names)
    for field in fields:
        if field.name not in columns:
            columns[field.name] = _told_column(field, part, len(lines))
    for row in faults:
        for name, column in columns.items():
            columns[name] = Column(column.values, column.wrong[column.wrong != row], column.fault_at)
    return PartRows(part, lines, columns, faults)


def _told_column(field: Field, part: Part, rows: int) -> Column:
    """A column that the path tells, or that is not there and need not be."""
    cell = part.partitions.get(field.column, "")
    return _of_all_rows(read_cells(field, [cell]), _constant(cell, rows))


def _read_cells(
    part: Part, stored: PartBytes, expected: str, is_one_of_many: bool, kinds: dict[str, Any]
) -> tuple[dict[str, EncodedColumn], int]:
    if stored.format == NDJSON:
        try:
            return read_ndjson_columns(stored.data)
        except FileFault as fault:
            raise _of_file(part.path, fault) from None
    if stored.format == CSV:
        required = () if expected in part.partitions else (expected,)
        table = read_columns(stored.data, part.path, required=required, optional=None, may_be_empty=is_one_of_many)
    else:
        table = read_parquet_columns(stored.data, part.path, kinds)
    return table.columns, len(table.lines)


def _is_empty(stored: PartBytes) -> bool:
    """Writers leave such parts where a task had no rows."""
    return stored.format in (CSV, NDJSON) and not stored.data.strip(b"\r\n ")


def _expect_apart(part: Part, names: Sequence[str]) -> None:
    if both := [name for name in part.partitions if name in names]:
        raise UserError(f"{part.path}: expected every column once, got {list_names(both)} in the file and in its path")


def _of_file(path: Path, fault: FileFault) -> UserError:
    message = str(fault)
    return UserError(f"{path}{', ' if message.startswith('line ') else ': '}{message}")


def _constant(cell: str, rows: int) -> EncodedColumn:
    return EncodedColumn([cell], np.zeros(rows, dtype=np.int64))


def _of_all_rows(distinct: Column, encoded: EncodedColumn) -> Column:
    """Each distinct text was read once; its value and its fault are those of every row that has it."""
    wrong = np.flatnonzero(np.isin(encoded.codes, distinct.wrong)) if len(distinct.wrong) else distinct.wrong
    return Column(distinct.values[encoded.codes], wrong, lambda row: distinct.fault_at(int(encoded.codes[row])))


def _joined(columns: list[Column]) -> Column:
    if len(columns) == 1:
        return columns[0]
    starts = np.array([0, *accumulate(len(column.values) for column in columns)])

    def fault_at(row: int) -> Any:
        place = int(np.searchsorted(starts, row, side="right")) - 1
        return columns[place].fault_at(row - int(starts[place]))

    wrong = np.concatenate([column.wrong + start for column, start in zip(columns, starts)])
    return Column(np.concatenate([column.values for column in columns]), wrong.astype(np.int64), fault_at)


def _merged(columns: list[EncodedColumn]) -> EncodedColumn:
    book: dict[str, int] = {}
    codes = []
    for column in columns:
        renumbered = np.array([book.setdefault(text, len(book)) for text in column.uniques], dtype=np.int64)
        codes.append(renumbered[column.codes])
    return EncodedColumn(list(book), np.concatenate(codes))


def _digest(parts: Sequence[Part], hashes: Sequence[str]) -> str:
    if len(parts) == 1:
        return hashes[0]
    listed = "".join(f"{sha256}  {part.path.name}\n" for part, sha256 in zip(parts, hashes, strict=True))
    return hashlib.sha256(listed.encode("utf-8", "surrogateescape")).hexdigest()
