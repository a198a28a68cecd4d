"""The one CSV grammar: where a row of a file ends, which cells it has, or why it has none.

It is RFC 4180 with these answers to what that leaves open. A row ends with \\n; any \\r right before it belong
to the end, and a \\r elsewhere in a cell without quotes is a fault. A cell that begins with a quote goes up to
the next single quote, where the separator or the end of the row has to follow; a quote in another cell is a
character like any other. The service says the same (src/formats/csv/row.ts), byte by byte.
"""

from __future__ import annotations

from dataclasses import dataclass

SEPARATORS = {b",": "comma", b";": "semicolon", b"\t": "tab"}

# Of a row, with its end.
MAX_ROW_BYTES = 1 << 20

NOT_UTF8 = "expected UTF-8, got other bytes"
LONE_CR = r"expected lines that end with \n or \r\n, got \r alone"
_UNCLOSED = "expected a quote at the end of a quoted cell, got none"

_QUOTE, _LF, _CR = b'"\n\r'


@dataclass(frozen=True)
class Row:
    """`problem` says why there are no cells; `end` is where the row ends, without the end of its line."""

    cells: list[bytes]
    end: int
    next: int
    problem: str | None = None


def read_row(data: bytes, start: int, separator: bytes, max_bytes: int = MAX_ROW_BYTES) -> Row:
    """The row that begins at `start`. Slow: for headers and for rows that a faster reader refuses."""
    is_cut = len(data) > start + max_bytes
    limit = start + max_bytes if is_cut else len(data)
    cells: list[bytes] = []
    is_lone_cr = False
    at = start
    while True:
        if at < limit and data[at] == _QUOTE:
            close = _closing_quote(data, at + 1, limit)
            if close < 0:
                return _broken(data, start, _UNCLOSED)
            cells.append(data[at + 1 : close].replace(b'""', b'"'))
            at = close + 1
            if at < limit and data[at : at + 1] == separator:
                at += 1
                continue
            after = _past_cr(data, at, limit)
            if data[after] == _LF if after < limit else not is_cut:
                return _finished(cells, is_lone_cr, at, after, limit)
            return _broken(data, start, _behind_quote(separator) if after < limit else too_long(max_bytes))
        end = at
        while end < limit and data[end] != _LF and data[end : end + 1] != separator:
            if data[end] == _CR:
                after = _past_cr(data, end, limit)
                if data[after] == _LF if after < limit else not is_cut:
                    return _finished([*cells, data[at:end]], is_lone_cr, end, after, limit)
                is_lone_cr = is_lone_cr or after < limit
                end = after
            else:
                end += 1
        if end >= limit and is_cut:
            return _broken(data, start, too_long(max_bytes))
        cells.append(data[at:end])
        if end >= limit or data[end] == _LF:
            return _finished(cells, is_lone_cr, end, end, limit)
        at = end + 1


def too_long(max_bytes: int) -> str:
    return f"expected a row of at most {max_bytes} bytes, got more"


def _behind_quote(separator: bytes) -> str:
    return f"expected a {SEPARATORS[separator]} or the end of the line after a quoted cell"


def _closing_quote(data: bytes, start: int, limit: int) -> int:
    at = start
    while (at := data.find(b'"', at, limit)) >= 0:
        if data[at + 1 : min(at + 2, limit)] != b'"':
            return at
        at += 2
    return -1


def _past_cr(data: bytes, start: int, limit: int) -> int:
    at = start
    while at < limit and data[at] == _CR:
        at += 1
    return at


def _finished(cells: list[bytes], is_lone_cr: bool, end: int, line_feed: int, limit: int) -> Row:
    following = min(line_feed + 1, limit)
    return Row([], end, following, LONE_CR) if is_lone_cr else Row(cells, end, following)


def _broken(data: bytes, start: int, problem: str) -> Row:
    """It ends with its first line."""
    line_feed = data.find(b"\n", start)
    end = len(data) if line_feed < 0 else line_feed
    while end > start and data[end - 1] == _CR:
        end -= 1
    return Row([], end, len(data) if line_feed < 0 else line_feed + 1, problem)
