"""Turns the bytes of a CSV file into dictionary-encoded text columns, each row with its line number.

A column is its distinct texts in order of first appearance and one code a row, so that later steps
look at each distinct text once. The grammar is that of csv_rows.py; Python's own reader, which is faster,
finds the same cells where lines are split at \\n alone, and what it refuses is read again to say why.
Refuses a header that is not as it should be, and the first row that has a fault.
"""

from __future__ import annotations

import csv
import io
import json
from collections import defaultdict
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from itertools import count, islice
from pathlib import Path
from typing import Any

import numpy as np

from ..errors import UserError
from .csv_header import FileFault, Header, read_header
from .csv_rows import MAX_ROW_BYTES, NOT_UTF8, read_row

# Few enough to stay in the processor's cache while rows are turned into columns: thousands take twice as long.
_ROWS_AT_ONCE = 256

# In characters.
_SHOWN = 60


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


def read_columns(
    data: bytes, path: Path, *, required: Sequence[str], optional: Sequence[str] | None, may_be_empty: bool = False
) -> Table:
    """The `required` columns and those of the `optional` that are there, or all; `path` is for messages."""
    try:
        header = read_header(data, [*required, *(optional or ())], required)
        chosen = header.names if optional is None else (*optional, *required)
        wanted = {name: header.names.index(name) for name in chosen if name in header.names}
        encoded = _encode(_Rows(data, header), wanted)
    except FileFault as fault:
        message = str(fault)
        raise UserError(f"{path}{', ' if message.startswith('line ') else ': '}{message}") from None
    if not len(encoded.lines) and not may_be_empty:
        raise UserError(f"{path}: expected rows after the header, found none")
    encoded.extra.extend(name for name in header.names if name not in wanted)
    return encoded


def _encode(rows: _Rows, wanted: dict[str, int]) -> Table:
    # A dictionary that numbers its keys as they come: looking a text up is encoding it.
    codebooks = {name: defaultdict(count().__next__) for name in wanted}
    codes: dict[str, list[int]] = {name: [] for name in wanted}
    lines: list[int] = []
    numbered = iter(rows)
    while chunk := list(islice(numbered, _ROWS_AT_ONCE)):
        chunk_lines, cells = zip(*chunk)
        lines.extend(chunk_lines)
        columns = list(zip(*cells))
        for name, position in wanted.items():
            codes[name].extend(map(codebooks[name].__getitem__, columns[position]))
    columns = {name: EncodedColumn(list(codebooks[name]), np.array(codes[name], dtype=np.int64)) for name in wanted}
    return Table(columns, np.array(lines, dtype=np.int64), [])


class _Rows:
    """The rows after the header, each with the line that it begins in."""

    def __init__(self, data: bytes, header: Header) -> None:
        self._data = data
        self._header = header
        self._first_line = header.lines + 1
        # Where each line ends, and the end of the data, which may end without a line feed.
        ends = np.flatnonzero(np.frombuffer(data, dtype=np.uint8) == ord("\n"))
        self._starts = np.concatenate([[0], ends + 1])
        self._has_long_lines = bool(np.any(np.diff(self._starts, append=len(data)) > MAX_ROW_BYTES))

    def __iter__(self) -> Iterator[tuple[int, list[str]]]:
        # Bytes that are no UTF-8 become half surrogates, which UTF-8 cannot have.
        text = self._data[self._header.next :].decode("utf-8", "surrogateescape")
        is_utf8 = text.isascii() or _is_utf8(text)
        # Lines are split at \n alone: a \r elsewhere is refused, but within quotes.
        lines = io.StringIO(text, newline="\n")
        reader = csv.reader(lines, delimiter=self._header.separator.decode(), strict=True)
        limit = csv.field_size_limit(MAX_ROW_BYTES)
        try:
            yield from self._read(reader, is_utf8)
        finally:
            csv.field_size_limit(limit)

    def _read(self, reader: Any, is_utf8: bool) -> Iterator[tuple[int, list[str]]]:
        width, named = self._header.width, len(self._header.names)
        is_padded = named < width
        line = self._first_line
        try:
            for cells in reader:
                following = self._first_line + reader.line_num
                if cells:  # an empty line is no row
                    if len(cells) != width or not is_utf8 or self._is_long(line, following):
                        self._check(line)
                    if is_padded and any(cells[named:]):
                        raise FileFault(f"line {line}: {_padding_fault(cells, named)}")
                    yield line, cells
                line = following
        except csv.Error:
            self._check(line)
            raise

    def _is_long(self, line: int, following: int) -> bool:
        return (following - line > 1 or self._has_long_lines) and self._size(line, following) > MAX_ROW_BYTES

    def _size(self, line: int, following: int) -> int:
        end = self._starts[following - 1] if following <= len(self._starts) else len(self._data)
        return int(end - self._starts[line - 1])

    def _check(self, line: int) -> None:
        """Raises what is wrong with the row, if anything is."""
        start = int(self._starts[line - 1])
        row = read_row(self._data, start, self._header.separator)
        if not _is_utf8_bytes(self._data[start : row.end]):
            raise FileFault(f"line {line}: {NOT_UTF8}")
        if row.problem:
            raise FileFault(f"line {line}: {row.problem}")
        if len(row.cells) != self._header.width:
            expected = f"expected {self._header.width} cells as in the header"
            raise FileFault(f"line {line}: {expected}, got {len(row.cells)}")


def _padding_fault(cells: list[str], named: int) -> str:
    at = next(at for at in range(named, len(cells)) if cells[at])
    shown = json.dumps(cells[at][:_SHOWN], ensure_ascii=False)
    return f"expected an empty cell {at + 1}, whose column has no name, got {shown}"


def _is_utf8(text: str) -> bool:
    try:
        text.encode()
    except UnicodeEncodeError:
        return False
    return True


def _is_utf8_bytes(data: bytes) -> bool:
    try:
        data.decode()
    except UnicodeDecodeError:
        return False
    return True
