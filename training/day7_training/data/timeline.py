"""When each install was made, and which of them are mature: their horizon had passed at the time that the table tells of."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, replace
from typing import Any

import numpy as np
import pandas as pd

from ..errors import UserError
from ..inputs.calendar import DAY_MS, show_time
from ..inputs.field import Field
from ..inputs.field_document import read_field
from ..inputs.schema import InputSchema
from .installs import Installs


@dataclass(frozen=True)
class Timeline:
    """`times` by the index of the rows, in milliseconds since 1970 in UTC; `as_of`: what is later had not been seen yet."""

    column: str
    times: pd.Series
    as_of: float
    horizon_ms: float
    left_out: Mapping[str, int]

    def of(self, frame: pd.DataFrame) -> np.ndarray:
        return self.times.loc[frame.index].to_numpy()

    def document(self) -> dict[str, Any]:
        return {
            "column": self.column,
            "asOf": show_time(int(self.as_of)),
            "horizonDays": self.horizon_ms / DAY_MS,
            "leftOut": dict(self.left_out),
        }


def time_field(schema: InputSchema, column: str | None) -> Field | None:
    """The field of the time: that of the `column` of the file, or else the schema's install time. None if there is neither."""
    if column is None:
        return next(iter(schema.with_role("install_time")), None)
    for field in schema.fields:
        if field.column == column:
            if field.kind != "time":
                raise UserError(f"--time-column {column}: expected a time, got a field of kind {field.kind}")
            return field
    if column == schema.target.column:
        raise UserError(f"--time-column {column}: expected a time, got the target")
    field = read_field({"name": "time", "kind": "time", "nullable": False}, "time")
    taken = {each.name for each in schema.fields} | {schema.target.name}
    return replace(field, name=f"{column} (time)" if column in taken else column, column=column)


def extra_fields(schema: InputSchema, time: Field | None) -> list[Field]:
    """What a table must have beside the fields of the schema."""
    return [] if time is None or time in schema.fields else [time]


def mature(installs: Installs, time: Field, as_of: float | None = None) -> tuple[Installs, Timeline]:
    """The installs whose horizon had passed. Without `as_of` the newest time of the table is the present.

    @raises UserError if none is mature
    """
    held = installs.frame if time in installs.inputs.fields else installs.extra
    times = held[time.name]
    known = times.notna().to_numpy()
    if not known.any():
        raise UserError(f"column {time.column}: expected times, got none")
    present = float(times.max()) if as_of is None else as_of
    horizon_ms = installs.inputs.target.horizon_days * DAY_MS
    passed = (times + horizon_ms <= present).to_numpy()
    left_out = {"immature": int(np.count_nonzero(known & ~passed)), "withoutTime": int(np.count_nonzero(~known))}
    if not passed.any():
        raise UserError(
            f"column {time.column}: expected installs whose horizon of {installs.inputs.target.horizon_days:g} days had passed "
            f"at {show_time(int(present))}, got none; --as-of says until when the table was filled"
        )
    extra = None if installs.extra is None else installs.extra[passed]
    kept = replace(installs, frame=installs.frame[passed], extra=extra)
    return kept, Timeline(time.column, times[passed], present, horizon_ms, left_out)
