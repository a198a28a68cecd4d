"""The beginning of a CSV file -> its separator and the names of its columns, or why it is refused.

The service refuses the same with the same texts (src/formats/csv/header.ts and signatures.ts).
"""

from __future__ import annotations

import codecs
import json
import re
from collections.abc import Sequence
from dataclasses import dataclass

from .csv_rows import LONE_CR, SEPARATORS, Row, read_row

# More than a header of so many columns takes.
_MAX_HEADER_BYTES = 1 << 18
_MOST_COLUMNS = 10_000

GZIP_MAGIC = b"\x1f\x8b"
ZSTD_MAGIC = b"\x28\xb5\x2f\xfd"

_EXPORT_CSV = "save the sheet as CSV (UTF-8)"
_SIGNATURES = (
    (b"PAR1", "a Parquet file", "name it .parquet, or pass that format"),
    (GZIP_MAGIC, "gzip", "end its name with .gz, e.g. .csv.gz, or decompress it first"),
    (ZSTD_MAGIC, "Zstandard", "end its name with .zst, e.g. .csv.zst, or decompress it first"),
    (b"PK\x03\x04", "a zip archive", "unpack it first"),
    (b"PK\x05\x06", "an empty zip archive", "unpack it first"),
    (b"\xd0\xcf\x11\xe0", "an old Excel workbook (.xls)", _EXPORT_CSV),
    (b"BZh", "bzip2", "decompress it first"),
    (b"\xfd7zXZ", "xz", "decompress it first"),
    (b"7z\xbc\xaf", "a 7-Zip archive", "unpack it first"),
    (b"Obj\x01", "an Avro file", "export it as Parquet"),
    (b"SQLite format 3\0", "an SQLite database", "export the table as CSV"),
)
_EXCEL_PARTS = re.compile(rb"\[Content_Types\]\.xml|_rels/|xl/")
_SIGNATURE_BYTES = 512

# UTF-32 first: its little-endian mark begins with that of UTF-16.
_OTHER_MARKS = (
    (codecs.BOM_UTF32_LE, "UTF-32"),
    (codecs.BOM_UTF32_BE, "UTF-32"),
    (codecs.BOM_UTF16_LE, "UTF-16"),
    (codecs.BOM_UTF16_BE, "UTF-16"),
)

_EMPTY_LINE = re.compile(rb"\r*(?:\n|\Z)")
_LONE_CR = re.compile(rb"\r+([^\r])")


class FileFault(Exception):
    """What is wrong with the file, after the file's name: `line 1: expected …`, or `expected …`."""


@dataclass(frozen=True)
class Header:
    """`width` counts the columns without names at the end, too; `next` is where the first row begins."""

    separator: bytes
    names: list[str]
    width: int
    next: int
    lines: int


def read_header(data: bytes, columns: Sequence[str], required: Sequence[str]) -> Header:
    """`columns` are those that tell the separator."""
    expect_text(data, "CSV")
    start = len(codecs.BOM_UTF8) if data.startswith(codecs.BOM_UTF8) else 0
    # A bytes.isspace would take other blanks, too; the loop ends at the first other byte.
    if not re.search(rb"[^\n\r ]", data[start:]):
        raise FileFault("expected a header and rows, the file is empty")
    line = 1
    while (match := _EMPTY_LINE.match(data, start)) and match.end() > start:
        start = match.end()
        line += 1
    row, separator = _best(data, start, columns)
    if row.problem:
        raise FileFault(f"line {line}: {LONE_CR if _has_lone_cr(data) else row.problem}")
    if len(row.cells) > _MOST_COLUMNS:
        raise FileFault(f"line {line}: expected at most {_MOST_COLUMNS} columns, got {len(row.cells)}")
    names = [_name(cell, line, number) for number, cell in enumerate(row.cells, 1)]
    width = len(names)
    while names and not names[-1]:
        names.pop()
    if missing := [name for name in required if name not in names]:
        expected = f"expected the columns {list_names(required)}; missing: {list_names(missing)}"
        raise FileFault(f"line {line}: {expected}; got {list_names(names)}")
    if len(set(names)) < len(names):
        twice = next(name for at, name in enumerate(names) if name in names[:at])
        raise FileFault(f"line {line}: expected every column once, got {list_names([twice])} twice")
    return Header(separator, names, width, row.next, line + data.count(b"\n", start, row.end))


def expect_text(data: bytes, expected: str) -> None:
    """`expected` is the format; refuses other kinds of files and other encodings than UTF-8."""
    for beginning, called, advice in _SIGNATURES:
        if data.startswith(beginning):
            if called == "a zip archive" and _EXCEL_PARTS.search(data[:_SIGNATURE_BYTES]):
                called, advice = "an Excel workbook (.xlsx)", _EXPORT_CSV
            raise FileFault(f"expected {expected}, got {called}; {advice}")
    for mark, encoding in _OTHER_MARKS:
        if data.startswith(mark):
            raise FileFault(f"line 1: expected UTF-8, the file looks like {encoding}; save it as UTF-8")
    # No text begins with a NUL, but every second byte of UTF-16 is one.
    if b"\0" in data[:4]:
        raise FileFault("line 1: expected UTF-8, got a NUL byte; is the file UTF-16? Save it as UTF-8")


def _best(data: bytes, start: int, columns: Sequence[str]) -> tuple[Row, bytes]:
    """By the separator that shows the most of the columns; the first where the header leaves it open."""
    ours = {column.encode() for column in columns}
    rows = {separator: read_row(data, start, separator, _MAX_HEADER_BYTES) for separator in SEPARATORS}
    separator = max(rows, key=lambda each: len(ours.intersection(rows[each].cells)))
    return rows[separator], separator


def _has_lone_cr(data: bytes) -> bool:
    """Where \\r alone ends lines, the whole file is one line, whatever else is wrong with it then."""
    match = _LONE_CR.search(data)
    return match is not None and match[1] != b"\n"


def _name(cell: bytes, line: int, number: int) -> str:
    try:
        return cell.decode()
    except UnicodeDecodeError:
        expected = f"expected UTF-8 in the name of column {number}, got other bytes"
        raise FileFault(f"line {line}: {expected}") from None


_MOST_LISTED = 50
_LONGEST_NAME = 40


def list_names(names: Sequence[str]) -> str:
    """Names for a message; those with blanks around them, and none at all, in quotes."""
    shown = [_show_name(name) for name in names[:_MOST_LISTED]]
    return ", ".join([*shown, "…"] if len(names) > _MOST_LISTED else shown)


def _show_name(name: str) -> str:
    text = name if len(name) <= _LONGEST_NAME else f"{name[: _LONGEST_NAME - 3]}…"
    is_plain = text and text == text.strip(" \t\r\n")
    return text if is_plain else json.dumps(text, ensure_ascii=False)
