"""Turns the bytes of a CSV file into dictionary-encoded text columns, each row with its line number.

A column is its distinct texts in order of first appearance and one code a row, so that later steps
look at each distinct text once. Cells are parted by commas, or by semicolons or tabs where the header
says so. Nothing else is guessed: no type, no null, no padding of short rows.
Refuses bytes that are not UTF-8, an empty file, missing or repeated columns, and ragged rows.
"""

from __future__ import annotations

import codecs
import csv
import io
import re
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

# The first counts where the header leaves it open.
_SEPARATORS = (",", ";", "\t")

# In characters; ours has about a hundred.
_LONGEST_HEADER = 1_000_000

# UTF-32 first: its little-endian mark begins with that of UTF-16.
_OTHER_MARKS = {
    codecs.BOM_UTF32_LE: "UTF-32",
    codecs.BOM_UTF32_BE: "UTF-32",
    codecs.BOM_UTF16_LE: "UTF-16",
    codecs.BOM_UTF16_BE: "UTF-16",
}

_LINE_END = re.compile(rb"\r\n|\r|\n")


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


def read_columns(data: bytes, path: Path, *, required: Sequence[str], optional: Sequence[str] | None) -> Table:
    """The `required` columns and those of the `optional` that are there, or all; `path` is for messages."""
    text = _decode(data, path)
    if not text or text.isspace():
        raise UserError(f"{path}: expected a header and rows, the file is empty")
    separator = _separator(text[:_LONGEST_HEADER], required)
    # newline="" leaves line breaks within quotes as they are; \n, \r\n and \r all end a line.
    reader = csv.reader(io.StringIO(text, newline=""), delimiter=separator, strict=True)
    header = _header(reader, path)
    if missing := [name for name in required if name not in header]:
        raise UserError(f"{path}, line 1: missing column {', '.join(missing)}; found {_listed(header)}")
    if repeated := sorted({name for name in header if header.count(name) > 1}):
        raise UserError(f"{path}, line 1: expected each column once, got {_listed(repeated)} more than once")
    chosen = header if optional is None else (*optional, *required)
    wanted = {name: header.index(name) for name in chosen if name in header}
    encoded = _encode(reader, len(header), wanted, path)
    if not len(encoded.lines):
        raise UserError(f"{path}: expected rows after the header, found none")
    encoded.extra.extend(name for name in header if name not in wanted)
    return encoded


def _decode(data: bytes, path: Path) -> str:
    for mark, encoding in _OTHER_MARKS.items():
        if data.startswith(mark):
            raise UserError(f"{path}, line 1: expected UTF-8, the file looks like {encoding}; save it as UTF-8")
    # No header has a NUL, but every second byte of UTF-16 is one.
    if b"\0" in data[:4]:
        raise UserError(f"{path}, line 1: expected UTF-8, got a NUL byte; is the file UTF-16? Save it as UTF-8")
    try:
        return data.decode("utf-8-sig")
    except UnicodeDecodeError as error:
        line = len(_LINE_END.findall(data, 0, error.start)) + 1
        byte = data[error.start]
        raise UserError(f"{path}, line {line}: expected UTF-8, got the byte 0x{byte:02x}; save it as UTF-8") from None


def _separator(beginning: str, required: Sequence[str]) -> str:
    """The one by which the header shows the most of the `required` columns: all of them, if the file is good."""
    found = {}
    for separator in _SEPARATORS:
        try:
            header = next(csv.reader(io.StringIO(beginning, newline=""), delimiter=separator, strict=True))
        except csv.Error:
            header = []
        found[separator] = len(set(required).intersection(header))
    return max(_SEPARATORS, key=found.__getitem__)


def _header(reader: Any, path: Path) -> list[str]:
    try:
        return next(reader)
    except csv.Error as error:
        raise UserError(f"{path}, line 1: expected CSV, with every quote closed: {error}") from None


def _listed(names: Sequence[str]) -> str:
    """Names with a blank around them, or none at all, are shown in quotes."""
    return ", ".join(name if name and name == name.strip() else repr(name) for name in names) or "a blank line"


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
    try:
        for cells in reader:
            if len(cells) == width:
                yield line, cells
            elif cells:  # a blank line is no row
                raise UserError(f"{path}, line {line}: expected {width} cells as in the header, got {len(cells)}")
            line = reader.line_num + 1
    except csv.Error as error:
        # The line where the row begins: an open quote swallows all that follow.
        raise UserError(f"{path}, line {line}: expected CSV, with every quote closed: {error}") from None
