"""A file of installs and its input schema -> validated installs: one column a field, and the target.

Reads CSV (also with semicolons or tabs) and Parquet. A text column holds str or None, all others float64 with NaN for
null; the index is each row's line in the file, of Parquet its number. Bad rows are refused, or left out and named in a
file of their own.
"""

from __future__ import annotations

import hashlib
import json
from collections.abc import Callable, Mapping
from dataclasses import dataclass, replace
from pathlib import Path

import numpy as np
import pandas as pd

from ..errors import UserError
from ..inputs.columns import Column, read_cells
from ..inputs.field import MAX_NUMBER, Field
from ..inputs.field_document import read_field
from ..inputs.schema import InputSchema
from .csv_columns import EncodedColumn, read_columns
from .installs import Installs
from .parquet_columns import is_parquet, read_parquet_columns, read_parquet_fields

REFUSE, SKIP = "refuse", "skip"
NEGATIVES = (REFUSE, "clip", "drop")
_NAMED_IN_MESSAGE = 5


@dataclass(frozen=True)
class Reading:
    """`bad_rows`: refuse or skip; skipped ones are listed in `bad_rows_file`. `negative`: what to do with such targets."""

    bad_rows: str = REFUSE
    bad_rows_file: Path | None = None
    negative: str = REFUSE


def read_table(
    path: Path,
    schema: InputSchema,
    warn: Callable[[str], None],
    reading: Reading = Reading(),
    *,
    with_target: bool = True,
) -> Installs:
    """The fields and, unless told otherwise, the target."""
    fields = [*schema.fields, *([target_field(schema)] if with_target else [])]
    data = _read_bytes(path)
    lines, columns = _columns(data, path, fields)
    faults: dict[int, list[str]] = {}
    for column in columns.values():
        for row, fault in column.faults():
            faults.setdefault(row, []).append(fault.message)
    kept = np.ones(len(lines), dtype=bool)
    if faults:
        _report(faults, lines, path, warn, reading)
        kept[list(faults)] = False
    index = pd.Index(lines, name="line")
    series = {
        name: pd.Series(column.values, index=index, dtype=column.values.dtype) for name, column in columns.items()
    }
    frame = pd.DataFrame(series)[kept]
    if not len(frame):
        raise UserError(f"{path}: expected rows without faults, got none")
    installs = Installs(frame, hashlib.sha256(data).hexdigest(), schema)
    return _without_negatives(installs, path, warn, reading.negative) if with_target else installs


def read_all_columns(path: Path, expected: str) -> Mapping[str, EncodedColumn]:
    """Every column as texts; `expected` is one that must be there."""
    data = _read_bytes(path)
    if is_parquet(data):
        return read_parquet_columns(data, path).columns
    return read_columns(data, path, required=(expected,), optional=None).columns


def target_field(schema: InputSchema) -> Field:
    """The target as a column of a file: a number that every row has."""
    target = read_field({"name": schema.target.name, "kind": "number", "nullable": False}, "target")
    return replace(target, column=schema.target.column, minimum=-MAX_NUMBER)


def _columns(data: bytes, path: Path, fields: list[Field]) -> tuple[np.ndarray, dict[str, Column]]:
    """The line of each row, and the values by the name of the field."""
    if is_parquet(data):
        columns = read_parquet_fields(data, path, fields)
        rows = len(next(iter(columns.values())).values)
        return np.arange(1, rows + 1), columns
    table = read_columns(data, path, required=[each.column for each in fields], optional=())
    return table.lines, {
        each.name: _of_all_rows(read_cells(each, table.columns[each.column].uniques), table.columns[each.column])
        for each in fields
    }


def _of_all_rows(distinct: Column, encoded: EncodedColumn) -> Column:
    """Each distinct text was read once; its value and its fault are those of every row that has it."""
    wrong = np.flatnonzero(np.isin(encoded.codes, distinct.wrong)) if len(distinct.wrong) else distinct.wrong
    return Column(distinct.values[encoded.codes], wrong, lambda row: distinct.fault_at(int(encoded.codes[row])))


def _read_bytes(path: Path) -> bytes:
    try:
        return path.read_bytes()
    except FileNotFoundError:
        raise UserError(f"expected a table, found nothing at {path}") from None
    except OSError as error:
        raise UserError(f"expected a readable table at {path}: {error.strerror}") from error


def _report(
    faults: dict[int, list[str]], lines: np.ndarray, path: Path, warn: Callable[[str], None], reading: Reading
) -> None:
    named = [f"line {lines[row]}: {'; '.join(faults[row])}" for row in sorted(faults)]
    side = reading.bad_rows_file
    if side is not None:
        documents = ({"line": int(lines[row]), "faults": faults[row]} for row in sorted(faults))
        side.parent.mkdir(parents=True, exist_ok=True)
        side.write_text("".join(json.dumps(each, ensure_ascii=False) + "\n" for each in documents), encoding="utf-8")
    where = f"; all are in {side}" if side is not None else ""
    more = len(named) - _NAMED_IN_MESSAGE
    shown = " | ".join(named[:_NAMED_IN_MESSAGE]) + (f" | and {more} more" if more > 0 else "")
    if reading.bad_rows == REFUSE:
        raise UserError(
            f"{path}: expected rows that the input schema allows, got {len(named)} of {len(lines)} that it does not: "
            f"{shown}{where}; mend the file or the schema, or leave such rows out with --bad-rows skip"
        )
    warn(f"{path}: left out {len(named)} of {len(lines)} rows: {shown}{where}")


def _without_negatives(installs: Installs, path: Path, warn: Callable[[str], None], treatment: str) -> Installs:
    name = installs.inputs.target.name
    target = installs.frame[name].to_numpy()
    negative = target < 0
    count = int(np.count_nonzero(negative))
    total = float(np.sum(np.maximum(target, 0)))
    if not np.isfinite(total):
        raise UserError(f"{path}, column {name}: expected numbers whose sum a double can hold")
    if not count:
        return installs
    about = (
        f"{path}, column {name}: {count} of {len(target)} rows are below 0, {np.sum(target[negative]):g} in all, the "
        f"first in line {installs.frame.index[np.argmax(negative)]} ({target[negative][0]:g})"
    )
    if treatment == REFUSE:
        raise UserError(
            f"{about}; expected a target of at least 0, since the model predicts none below. Refunds of players who are "
            "to stay: --negative-target clip makes them 0. Rows that are wrong: --negative-target drop leaves them out"
        )
    warn(f"{about}: {'set to 0' if treatment == 'clip' else 'left out'}")
    about_negative = {"rows": count, "treatment": treatment}
    if treatment == "drop":
        return replace(installs, frame=installs.frame[~negative], negative=about_negative)
    return replace(installs, frame=installs.frame.assign(**{name: np.maximum(target, 0)}), negative=about_negative)
