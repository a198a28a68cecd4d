"""Turns a CSV file of installs into a validated DataFrame, or says at which line and column it is wrong.

Text columns hold str or None, number columns float64 with NaN for null, and the index is each
row's line in the file (the header is line 1). Only the empty cell is null: "NA" is Namibia.
Refuses what the service would refuse too: a missing column, a number that is not a finite decimal,
a negative one, a text too long or with NUL, and a null where the install must have a value.
"""

from __future__ import annotations

import hashlib
import re
from collections.abc import Callable, Iterable, Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np
import pandas as pd

from ..errors import UserError
from ..inputs.schema import NINE_FIELDS, InputSchema
from .csv_columns import EncodedColumn, read_columns
from .decimals import parse_decimal

TEXT_FIELDS = ("country", "country_region", "source", "platform", "device_family", "os_version")
NUMBER_FIELDS = ("event_1", "event_2", "event_3")
FIELDS = TEXT_FIELDS + NUMBER_FIELDS
NULLABLE_FIELDS = frozenset({"source", "country_region", "device_family", "os_version", "event_3"})
USER_ID = "user_id"
REVENUE = "revenue"
# The service takes no longer text, and PostgreSQL stores no NUL.
MAX_TEXT_LENGTH = 256

# What files with semicolons between their cells often hold.
_DECIMAL_COMMA = re.compile(r"[+-]?[0-9]*,[0-9]+")


@dataclass(frozen=True)
class Installs:
    """`sha256` is that of the file's bytes; `negative` says what became of targets below 0, where there were some."""

    frame: pd.DataFrame
    sha256: str
    inputs: InputSchema = NINE_FIELDS
    negative: Mapping[str, Any] | None = None

    @property
    def revenue(self) -> np.ndarray:
        return self.frame[self.inputs.target.name].to_numpy()


def read_training_installs(path: Path, warn: Callable[[str], None]) -> Installs:
    """The nine fields and the revenue."""
    installs = _read(path, (*FIELDS, REVENUE), optional=(), ignored=(USER_ID,), warn=warn)
    with np.errstate(over="ignore"):
        total = np.sum(installs.revenue)
    if not np.isfinite(total):
        largest = installs.frame[REVENUE].idxmax()
        actual = f"{np.max(installs.revenue):g} here"
        raise _fault(path, largest, REVENUE, "numbers whose sum a double can hold", actual)
    return installs


def read_installs(path: Path, warn: Callable[[str], None]) -> Installs:
    """The nine fields and, if the file has it, `user_id`."""
    return _read(path, FIELDS, optional=(USER_ID,), ignored=(REVENUE,), warn=warn)


def installs_frame(installs: Iterable[Mapping[str, Any]]) -> pd.DataFrame:
    """The same kind of frame from installs that are already dictionaries."""
    rows = list(installs)
    texts = {name: pd.Series([row[name] for row in rows], dtype=object) for name in TEXT_FIELDS}
    numbers = {name: pd.Series([row[name] for row in rows], dtype=np.float64) for name in NUMBER_FIELDS}
    return pd.DataFrame({**texts, **numbers})


def _read(
    path: Path,
    required: tuple[str, ...],
    optional: tuple[str, ...],
    ignored: tuple[str, ...],
    warn: Callable[[str], None],
) -> Installs:
    data = _read_bytes(path)
    table = read_columns(data, path, required=required, optional=optional)
    if extra := [name for name in table.extra if name not in ignored]:
        warn(f"{path}: ignoring the extra columns {', '.join(extra)}")
    series = {}
    for name, column in table.columns.items():
        decode = _numbers if name in NUMBER_FIELDS or name == REVENUE else _texts
        series[name] = decode(name, column, table.lines, path)
    return Installs(pd.DataFrame(series, index=pd.Index(table.lines, name="line")), hashlib.sha256(data).hexdigest())


def _read_bytes(path: Path) -> bytes:
    try:
        return path.read_bytes()
    except FileNotFoundError:
        raise UserError(f"expected a CSV file, found nothing at {path}") from None
    except OSError as error:
        raise UserError(f"expected a readable CSV file at {path}: {error.strerror}") from error


def _texts(name: str, column: EncodedColumn, lines: np.ndarray, path: Path) -> pd.Series:
    cells = np.empty(len(column.uniques), dtype=object)
    for code, text in enumerate(column.uniques):
        cells[code] = text or None
        if len(text) > MAX_TEXT_LENGTH or "\0" in text:
            expected = f"a text of at most {MAX_TEXT_LENGTH} characters without NUL, as the service takes"
            raise _fault(path, column.first_line(code, lines), name, expected, repr(text[:40]))
        if not text and name in FIELDS and name not in NULLABLE_FIELDS:
            raise _fault(path, column.first_line(code, lines), name, "a text", "an empty cell")
    return pd.Series(cells[column.codes], index=lines, dtype=object)


def _numbers(name: str, column: EncodedColumn, lines: np.ndarray, path: Path) -> pd.Series:
    # Texts repeat, so each distinct one is parsed once: a million rows take seconds.
    numbers = np.empty(len(column.uniques))
    for code, text in enumerate(column.uniques):
        if not text and name in NULLABLE_FIELDS:
            numbers[code] = np.nan
            continue
        try:
            numbers[code] = parse_decimal(text)
        except ValueError as error:
            line = column.first_line(code, lines)
            expected = f"{error} with a decimal point" if _DECIMAL_COMMA.fullmatch(text) else str(error)
            raise _fault(path, line, name, expected, repr(text) if text else "an empty cell") from None
    return pd.Series(numbers[column.codes], index=lines)


def _fault(path: Path, line: int, column: str, expected: str, actual: str) -> UserError:
    return UserError(f"{path}, line {line}, column {column}: expected {expected}, got {actual}")
