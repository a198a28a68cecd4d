"""The fixture of dirty values that both languages' tests read; test/inputs/values/make.py writes it."""

from __future__ import annotations

import json
from collections.abc import Iterator
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from decimal import Decimal
from pathlib import Path
from typing import Any

from day7_training.inputs.calendar import EARLIEST_MS, LATEST_MS, Moment
from day7_training.inputs.field import Field
from day7_training.inputs.schema import InputSchema, parse_input_schema

ROOT = Path(__file__).parents[2]
VALUES = ROOT / "test/fixtures/inputs/values.ndjson"
MAKE = ROOT / "test/inputs/values/make.py"
DOCUMENTS = ROOT / "test/fixtures/inputs/documents.ndjson"

_SOURCES = ("cell", "json", "ndjson", "parquet", "tensor")
_EPOCH = datetime(1970, 1, 1, tzinfo=UTC)


@dataclass(frozen=True)
class Expected:
    """`fault` is None where there is a `value`; `line` is to be found again."""

    field: Field
    source: str
    came: Any
    value: Any
    fault: str | None
    line: str


def schema_of(fields: list[Any]) -> InputSchema:
    target = {"name": "revenue", "horizonDays": 7}
    return parse_input_schema({"format": "day7-inputs/1", "fields": fields, "target": target})


def read_values() -> tuple[InputSchema, list[Expected]]:
    first, *lines = VALUES.read_text("utf-8").removesuffix("\n").split("\n")
    schema = schema_of(json.loads(first)["fields"])
    return schema, list(_read_lines(schema, lines))


def _read_lines(schema: InputSchema, lines: list[str]) -> Iterator[Expected]:
    for line in lines:
        document = json.loads(line)
        source = next(each for each in _SOURCES if each in document)
        field = schema.fields[schema.index_of(document["field"])]
        yield Expected(field, source, _untag(document[source]), document.get("value"), document.get("fault"), line)


def _untag(value: Any) -> Any:
    """Values that JSON cannot hold are objects with one key."""
    if isinstance(value, list):
        return [_untag(each) for each in value]
    if not isinstance(value, dict):
        return value
    if len(value) == 1 and (read := _TAGS.get(next(iter(value)))):
        return read(next(iter(value.values())))
    return {key: _untag(each) for key, each in value.items()}


def _time(milliseconds: int) -> Any:
    """As pyarrow gives it, where a datetime can be so far."""
    is_near = EARLIEST_MS <= milliseconds <= LATEST_MS
    return _EPOCH + timedelta(milliseconds=milliseconds) if is_near else Moment(milliseconds)


_TAGS = {"$number": float, "$int64": int, "$decimal": Decimal, "$bytes": bytes.fromhex, "$time": _time}
