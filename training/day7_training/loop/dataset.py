"""The training data of a running service becomes a Parquet file, and its input schema a JSON file beside it.

The file has the columns of the schema, so `train --data FILE.parquet --schema FILE.inputs.json` reads it; and what the service adds,
each with the prefix `day7_`. Rows are written as they arrive. A file appears when it is whole.
"""

from __future__ import annotations

import json
import os
from collections.abc import Iterable, Iterator
from dataclasses import dataclass
from datetime import datetime
from itertools import islice
from pathlib import Path
from typing import Any

import pyarrow as pa
import pyarrow.parquet as pq

from ..errors import UserError
from ..inputs.schema import InputSchema, parse_input_schema
from .service import Service

PREDICTED_AT = "day7_predicted_at"
PREDICTED_REVENUE = "day7_predicted_revenue"
_GROUP_ROWS = 20_000
_TIME = pa.timestamp("ms", tz="UTC")
_ADDED = {
    "day7_user_id": pa.string(),
    "day7_prediction_id": pa.string(),
    PREDICTED_AT: _TIME,
    PREDICTED_REVENUE: pa.float64(),
    "day7_model": pa.string(),
    "day7_variant": pa.string(),
    "day7_observed_at": _TIME,
    "day7_outcome": pa.string(),
}
_KINDS = {"text": pa.string(), "time": pa.string(), "number": pa.float64(), "boolean": pa.bool_()}


@dataclass(frozen=True)
class Day:
    """Installs of a UTC day; `docs/api.md` has the names."""

    day: str
    installs: int
    pending: int
    reported: int
    no_outcome: int
    left_out: int
    complete: bool
    predicted_revenue: float
    revenue: float

    @property
    def rows(self) -> int:
        return self.reported + self.no_outcome


@dataclass(frozen=True)
class Dataset:
    """`clock` is that of the service's database."""

    path: Path
    schema: InputSchema
    days: tuple[Day, ...]
    clock: str
    rows: int
    other_schemas: int


def schema_path(path: Path) -> Path:
    return path.with_suffix(".inputs.json")


def write_dataset(service: Service, path: Path, since: str | None = None, until: str | None = None) -> Dataset:
    """@raises UserError if the service cannot give it; no file is left then"""
    asked = {"since": since, "until": until}
    about = service.document("/training-data/days", asked)
    schema, days = _about(about, service)
    # What comes meanwhile would not be what the days say.
    period = {"since": since, "until": until or about["clock"], "schema_id": schema.id}
    rows = _write(path, schema, service.rows("/training-data", {**period, "format": "ndjson"}))
    if rows == 0:
        path.unlink()
        raise UserError(
            f"{service.url}: expected installs whose revenue is known, got none of {sum(day.installs for day in days)}; "
            "outcomes are reported with POST /outcomes"
        )
    schema_path(path).write_text(json.dumps(schema.document, ensure_ascii=False, indent=2) + "\n", encoding="utf-8")
    others = sum(int(each["installs"]) for each in about["other_schemas"])
    return Dataset(path, schema, days, about["clock"], rows, others)


def _about(about: dict[str, Any], service: Service) -> tuple[InputSchema, tuple[Day, ...]]:
    try:
        names = tuple(Day.__dataclass_fields__)
        days = tuple(Day(**{name: each[name] for name in names}) for each in about["days"])
        about["other_schemas"], about["clock"]
        return parse_input_schema(about["inputs"]), days
    except (KeyError, TypeError, UserError) as error:
        raise UserError(f"{service.url}/training-data/days: expected the days of a dataset: {error!r}") from error


def _write(path: Path, schema: InputSchema, rows: Iterable[dict[str, Any]]) -> int:
    inputs = {field.name: (field.column, _KINDS[field.kind]) for field in schema.fields}
    target = {schema.target.name: (schema.target.column, pa.float64())}
    columns = {**inputs, **target, **{name: (name, kind) for name, kind in _ADDED.items()}}
    arrow = pa.schema([pa.field(column, kind) for column, kind in columns.values()])
    partial = path.with_name(f".{path.name}.{os.urandom(4).hex()}.partial")
    count = 0
    try:
        with pq.ParquetWriter(partial, arrow, compression="zstd") as writer:
            remaining = iter(rows)
            while group := list(islice(remaining, _GROUP_ROWS)):
                writer.write_batch(pa.record_batch(list(_columns(group, columns)), schema=arrow))
                count += len(group)
        partial.replace(path)
    finally:
        partial.unlink(missing_ok=True)
    return count


def _columns(rows: list[dict[str, Any]], columns: dict[str, tuple[str, pa.DataType]]) -> Iterator[pa.Array]:
    for name, (_, kind) in columns.items():
        values = [row.get(name) for row in rows]
        if kind is _TIME:
            values = [None if value is None else datetime.fromisoformat(value) for value in values]
        try:
            yield pa.array(values, kind)
        except (pa.ArrowInvalid, pa.ArrowTypeError) as error:
            raise UserError(f"column {name}: expected {kind}, got {error}") from error
