"""One column of a table -> what it seems to be: its kind, its missing markers, its bounds.

A kind is only proposed where every value that is there has it; a handful of texts without a digit in a column of
numbers, booleans or times are markers of what is missing.
"""

from __future__ import annotations

import math
import re
from collections.abc import Callable
from dataclasses import dataclass
from functools import cached_property

import numpy as np

from ..data.csv_columns import EncodedColumn
from ..inputs.calendar import EARLIEST_MS, LATEST_MS
from ..inputs.field import MAX_NUMBER
from ..inputs.kinds import TRUTHS
from ..inputs.numbers import parse_decimal
from ..inputs.texts import trim_ascii
from ..inputs.times import time_from_text

# In lower case. `na` is not among them: it may be Namibia, and is a marker only among numbers.
MARKERS = frozenset({"null", "n/a", "-", "--", "nan", "none", "nil", "(null)", "\\n", "#n/a", "undefined", "(none)"})
_NO_MARKERS_OF_TEXT = frozenset({"none", "nil"})
_MOST_MARKERS = 4
# So many decide whether a kind is possible at all.
_FIRST_LOOK = 500
_TIME_NAME = re.compile(r"time|date|timestamp|(?:^|[ _])(?:ts|at)(?:$|[ _])", re.IGNORECASE)
_FLAG_NAME = re.compile(r"^(?:is|has|was|did)[ _]|flag|enabled|opt[ _]?(?:in|out)|done$|(?:^|[ _])lat$", re.IGNORECASE)
_VERSION_NAME = re.compile(r"version|(?:^|[ _])ver(?:$|[ _])", re.IGNORECASE)
_ID_NAME = re.compile(r"(?:^|[ _-])ids?(?:$|[ _-])|id$|uuid|guid|idfa|gaid|zip|postal|code", re.IGNORECASE)
# From 2001 on, in seconds, milliseconds, microseconds, nanoseconds.
_EPOCHS = ((1e9, 4e9), (1e12, 4e12), (1e15, 4e15), (1e18, 4e18))
TEXT, NUMBER, BOOLEAN, TIME = "text", "number", "boolean", "time"


@dataclass(frozen=True)
class ColumnFacts:
    """`values` are doubles, NaN where missing, of all kinds but text; `missing` are markers, the empty cell not among them."""

    name: str
    kind: str
    time_format: str
    ambiguous: bool
    trim: bool
    markers: tuple[str, ...]
    uniques: tuple[str, ...]
    counts: np.ndarray
    column: EncodedColumn
    rows: int
    nulls: int
    unique_values: np.ndarray | None

    @cached_property
    def values(self) -> np.ndarray:
        assert self.unique_values is not None
        return self.unique_values[self.column.codes]

    @property
    def distinct(self) -> int:
        return len(self.uniques)

    @property
    def known(self) -> int:
        return self.rows - self.nulls

    @cached_property
    def is_whole(self) -> bool:
        present = self._present
        return len(present) > 0 and bool(np.all(present == np.floor(present)))

    @cached_property
    def least(self) -> float:
        return float(np.min(self._present)) if len(self._present) else 0.0

    @cached_property
    def most(self) -> float:
        return float(np.max(self._present)) if len(self._present) else 0.0

    @property
    def _present(self) -> np.ndarray:
        assert self.unique_values is not None
        return self.unique_values[~np.isnan(self.unique_values)]

    def usual(self, count: int) -> list[str]:
        order = np.argsort(-self.counts, kind="stable")[:count]
        return [self.uniques[place] for place in order]


def look_at(name: str, column: EncodedColumn) -> ColumnFacts:
    rows = len(column.codes)
    sizes = np.bincount(column.codes, minlength=len(column.uniques))
    trimmed = [trim_ascii(text) for text in column.uniques]
    trim = any(one != other for one, other in zip(trimmed, column.uniques))
    texts = trimmed if trim else column.uniques
    plain = [text for text in dict.fromkeys(texts) if text and not _is_marker(text)]
    kind, style, ambiguous, more = _kind_of(name, plain)
    markers = {text for text in texts if text and _is_marker(text)} | more
    if kind == TEXT:
        markers = {text for text in markers if text.lower() not in _NO_MARKERS_OF_TEXT}
    read = _reader(kind, style)
    kept: dict[str, int] = {}
    nulls = 0
    values = np.full(len(texts), np.nan)
    for place, text in enumerate(texts):
        if not text or text in markers:
            nulls += int(sizes[place])
            continue
        kept[text] = kept.get(text, 0) + int(sizes[place])
        if read is not None:
            values[place] = read(text)
    counts = np.array(list(kept.values()), dtype=np.int64)
    return ColumnFacts(
        name, kind, style, ambiguous, trim, tuple(sorted(markers)), tuple(kept), counts, column, rows, nulls,
        None if read is None else values,
    )  # fmt: skip


def _is_marker(text: str) -> bool:
    return text.lower() in MARKERS


def _kind_of(name: str, texts: list[str]) -> tuple[str, str, bool, set[str]]:
    """The kind, the format of times, whether that is a guess, and markers that only this kind has."""
    if not texts:
        return TEXT, "iso", False, set()
    words = {text.lower() for text in texts[:_FIRST_LOOK]}
    if words <= TRUTHS.keys() and (words & {"0", "1"} != words or (len(words) == 2 and _FLAG_NAME.search(name))):
        if all(text.lower() in TRUTHS for text in texts):
            return BOOLEAN, "iso", False, set()
    if _VERSION_NAME.search(name):
        return TEXT, "iso", False, set()
    more = _others(texts, _is_number)
    if more is not None:
        numbers = [text for text in texts if text not in more]
        if _TIME_NAME.search(name) and _are_epochs(numbers):
            return TIME, "iso", False, more
        if _ID_NAME.search(name) and all(text.isdigit() for text in numbers):
            return TEXT, "iso", False, set()
        return NUMBER, "iso", False, more
    for style in ("iso", "day_first", "month_first"):
        more = _others(texts, _time_reader(style))
        if more is not None:
            ambiguous = style == "day_first" and _others(texts, _time_reader("month_first")) is not None
            return TIME, style, ambiguous, more
    words_besides = _others(texts, lambda text: text.lower() in TRUTHS)
    if words_besides is not None and len(set(texts) - words_besides) >= 2 and not words <= {"0", "1"}:
        return BOOLEAN, "iso", False, words_besides
    return TEXT, "iso", False, set()


def _others(texts: list[str], accepts: Callable[[str], bool]) -> set[str] | None:
    """Texts that are not accepted, if they are few and without a digit; None if there are others."""
    found: set[str] = set()
    accepted = 0
    for text in texts:
        if accepts(text):
            accepted += 1
            continue
        found.add(text)
        if len(found) > _MOST_MARKERS or any(character.isdigit() for character in text):
            return None
    return found if accepted > len(found) else None


def _is_number(text: str) -> bool:
    return abs(parse_decimal(text)) <= MAX_NUMBER


def _time_reader(style: str) -> Callable[[str], bool]:
    return lambda text: math.isnan(parse_decimal(text)) and EARLIEST_MS <= time_from_text(text, style) <= LATEST_MS


def _are_epochs(texts: list[str]) -> bool:
    numbers = [float(text) for text in texts]
    return any(all(low <= number < high for number in numbers) for low, high in _EPOCHS)


def _reader(kind: str, style: str) -> Callable[[str], float] | None:
    if kind == TEXT:
        return None
    if kind == NUMBER:
        return float
    if kind == BOOLEAN:
        return lambda text: TRUTHS[text.lower()]
    return lambda text: time_from_text(text, style)
