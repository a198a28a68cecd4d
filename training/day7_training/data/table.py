"""A file of installs and its input schema -> validated installs: one column a field, and the target.

Reads CSV, NDJSON and Parquet, compressed or not, of one file or of many. A text column holds str or None, all others float64 with NaN for
null; the index is each row's line in the file, of Parquet and of several files its number. Bad rows are refused, or left out and named in a
file of their own.
"""

from __future__ import annotations

import json
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any

import numpy as np
import pandas as pd

from ..errors import UserError
from ..inputs.field import MAX_NUMBER, Field
from ..inputs.field_document import read_field
from ..inputs.schema import InputSchema
from .csv_columns import EncodedColumn
from .installs import USER_ID, Installs
from .part_columns import TableRows, read_cell_columns, read_fields

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
    extra: Sequence[Field] = (),
) -> Installs:
    """The fields and the target; without it, the column of user ids where there is one, as `user_id`. `extra` stand apart."""
    fields = [*schema.fields, target_field(schema) if with_target else _user_id_field(schema), *extra]
    # That of an earlier run.
    if reading.bad_rows_file is not None:
        reading.bad_rows_file.unlink(missing_ok=True)
    table = read_fields(path, fields)
    lines, columns = table.lines, table.columns
    faults: dict[int, list[str]] = {row: [text] for row, text in table.faults.items()}
    for column in columns.values():
        for row, fault in column.faults():
            faults.setdefault(row, []).append(fault.message)
    kept = np.ones(len(lines), dtype=bool)
    if faults:
        _report(faults, table, path, warn, reading)
        kept[list(faults)] = False
    index = pd.Index(lines, name="line" if len(table.parts) == 1 else "row")
    series = {
        name: pd.Series(column.values, index=index, dtype=column.values.dtype) for name, column in columns.items()
    }
    frame = pd.DataFrame(series)[kept]
    if not len(frame):
        raise UserError(f"{path}: expected rows without faults, got none")
    names = [field.name for field in extra]
    installs = Installs(frame.drop(columns=names), table.sha256, schema, extra=frame[names])
    return _without_negatives(installs, path, warn, reading.negative) if with_target else installs


def read_all_columns(path: Path, expected: str) -> Mapping[str, EncodedColumn]:
    """Every column as texts; `expected` is one that must be there."""
    return read_cell_columns(path, expected)


def target_field(schema: InputSchema) -> Field:
    """The target as a column of a file: a number that every row has."""
    target = read_field({"name": schema.target.name, "kind": "number", "nullable": False}, "target")
    return replace(target, column=schema.target.column, minimum=-MAX_NUMBER)


def _user_id_field(schema: InputSchema) -> Field:
    # No field of a schema may have this name.
    user_id = read_field({"name": "user", "kind": "text", "required": False}, "userId")
    return replace(user_id, name=USER_ID, column=schema.user_id_column)


def _report(
    faults: dict[int, list[str]], table: TableRows, path: Path, warn: Callable[[str], None], reading: Reading
) -> None:
    rows = len(table.lines)
    places = {row: table.place_of(row) for row in sorted(faults)}
    named = [f"{_show_place(place)}: {'; '.join(faults[row])}" for row, place in places.items()]
    side = reading.bad_rows_file
    if side is not None:
        documents = ({**place, "faults": faults[row]} for row, place in places.items())
        side.parent.mkdir(parents=True, exist_ok=True)
        side.write_text("".join(json.dumps(each, ensure_ascii=False) + "\n" for each in documents), encoding="utf-8")
    where = f"; all are in {side}" if side is not None else ""
    more = len(named) - _NAMED_IN_MESSAGE
    shown = " | ".join(named[:_NAMED_IN_MESSAGE]) + (f" | and {more} more" if more > 0 else "")
    if reading.bad_rows == REFUSE:
        raise UserError(
            f"{path}: expected rows that the input schema allows, got {len(named)} of {rows} that it does not: "
            f"{shown}{where}; mend the file or the schema, or leave such rows out with --bad-rows skip"
        )
    warn(f"{path}: left out {len(named)} of {rows} rows: {shown}{where}")


def _show_place(place: dict[str, Any]) -> str:
    file = place.get("file")
    return f"{'' if file is None else f'{file}, '}line {place['line']}"


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
        f"first in {installs.frame.index.name} {installs.frame.index[np.argmax(negative)]} ({target[negative][0]:g})"
    )
    if treatment == REFUSE:
        raise UserError(
            f"{about}; expected a target of at least 0, since the model predicts none below. Refunds of players who are "
            "to stay: --negative-target clip makes them 0. Rows that are wrong: --negative-target drop leaves them out"
        )
    warn(f"{about}: {'set to 0' if treatment == 'clip' else 'left out'}")
    about_negative = {"rows": count, "treatment": treatment}
    if treatment == "drop":
        kept = installs.frame[~negative], installs.extra[~negative]
        return replace(installs, frame=kept[0], extra=kept[1], negative=about_negative)
    return replace(installs, frame=installs.frame.assign(**{name: np.maximum(target, 0)}), negative=about_negative)
