"""Turns the bytes of a CSV file into dictionary-encoded text columns, each row with its line number.

A column is its distinct texts in order of first appearance and one code a row, so that later steps
look at each distinct text once. Nothing is guessed: no type, no null, no padding of short rows.
Refuses bytes that are not UTF-8, an empty file, missing or repeated columns, and ragged rows.
"""

from __future__ import annotations

import csv
import io
from collections import defaultdict
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from itertools import count, islice
from pathlib import Path
from typing import Any

import numpy as np

from ..errors import UserError

# Few enough to stay in the processor's cache while rows are turned into columns: thousands take twice as long.
_ROWS_AT_ONCE = 256


@dataclass(frozen=True)
class EncodedColumn:
    uniques: list[str]
    codes: np.ndarray

    def first_line(self, code: int, lines: np.ndarray) -> int:
        return int(lines[np.argmax(self.codes == code)])


@dataclass(frozen=True)
class Table:
    columns: dict[str, EncodedColumn]
    lines: np.ndarray
    extra: list[str]


def read_columns(data: bytes, path: Path, *, required: Sequence[str], optional: Sequence[str]) -> Table:
    """The `required` columns and those of the `optional` that are there; `path` is for messages."""
    reader = csv.reader(io.StringIO(_decode(data, path), newline=""), strict=True)
    try:
        header = next(reader, None)
        if header is None:
            raise UserError(f"{path}: expected a header and rows, the file is empty")
        _check_header(header, path, required)
        wanted = {name: header.index(name) for name in (*optional, *required) if name in header}
        encoded = _encode(reader, len(header), wanted, path)
    except csv.Error as error:
        raise UserError(f"{path}, line {reader.line_num}: expected CSV: {error}") from None
    if not len(encoded.lines):
        raise UserError(f"{path}: expected rows after the header, found none")
    encoded.extra.extend(name for name in header if name not in wanted)
    return encoded


def _decode(data: bytes, path: Path) -> str:
    try:
        return data.decode("utf-8-sig")
    except UnicodeDecodeError as error:
        line = data.count(b"\n", 0, error.start) + 1
        raise UserError(f"{path}, line {line}: expected UTF-8, got the byte 0x{data[error.start]:02x}") from None


def _check_header(header: list[str], path: Path, required: Sequence[str]) -> None:
    if missing := [name for name in required if name not in header]:
        raise UserError(f"{path}, line 1: missing column {', '.join(missing)}; found {', '.join(header)}")
    if repeated := sorted({name for name in header if header.count(name) > 1}):
        raise UserError(f"{path}, line 1: expected each column once, got {', '.join(repeated)} more than once")


def _encode(reader: Any, width: int, wanted: dict[str, int], path: Path) -> Table:
    # A dictionary that numbers its keys as they come: looking a text up is encoding it.
    codebooks = {name: defaultdict(count().__next__) for name in wanted}
    codes: dict[str, list[int]] = {name: [] for name in wanted}
    lines: list[int] = []
    rows = _numbered_rows(reader, width, path)
    while chunk := list(islice(rows, _ROWS_AT_ONCE)):
        chunk_lines, cells = zip(*chunk)
        lines.extend(chunk_lines)
        columns = list(zip(*cells))
        for name, position in wanted.items():
            codes[name].extend(map(codebooks[name].__getitem__, columns[position]))
    columns = {name: EncodedColumn(list(codebooks[name]), np.array(codes[name], dtype=np.int64)) for name in wanted}
    return Table(columns, np.array(lines, dtype=np.int64), [])


def _numbered_rows(reader: Any, width: int, path: Path) -> Iterator[tuple[int, list[str]]]:
    line = reader.line_num + 1
    for cells in reader:
        if len(cells) == width:
            yield line, cells
        elif cells:  # a blank line is no row
            raise UserError(f"{path}, line {line}: expected {width} cells as in the header, got {len(cells)}")
        line = reader.line_num + 1
