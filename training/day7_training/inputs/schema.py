"""The input schema: `inputs.json` -> the fields that a model takes, in their order, and its target.

A document that is not understood to the last key is refused with a UserError, in the same words as the
service has for it; docs/inputs.md has the rules.
"""

from __future__ import annotations

import hashlib
import json
from dataclasses import dataclass
from functools import cached_property
from pathlib import Path
from typing import Any

from ..errors import UserError
from .document import (
    read_array,
    read_column,
    read_name,
    read_object,
    read_required,
    read_text_or_null,
    schema_error,
    unexpected,
)
from .field import Field
from .field_document import canonical_field, is_json_number, read_field
from .javascript import write_json

INPUTS_FORMAT = "day7-inputs/1"
_MAX_FIELDS = 2000
_MAX_HORIZON_DAYS = 3650
_ID_LENGTH = 16
# How many fields may have a role.
_MOST_OF_ROLE = {"facet": 8, "group": 1, "install_time": 1}


@dataclass(frozen=True, slots=True)
class Target:
    """What the model predicts: `column` is its name in files, `horizon_days` count from the install."""

    name: str
    column: str
    horizon_days: float
    unit: str | None


@dataclass(frozen=True)
class InputSchema:
    """`fields` are in the order of the values of a row; `document` is as it was read, to be written again."""

    fields: tuple[Field, ...]
    user_id_column: str
    target: Target
    document: Any

    @cached_property
    def id(self) -> str:
        """16 hex digits; documents that mean the same have the same."""
        canonical = {
            "format": INPUTS_FORMAT,
            "fields": [canonical_field(field) for field in self.fields],
            "userId": {"column": self.user_id_column},
            "target": {
                "name": self.target.name,
                "column": self.target.column,
                "horizonDays": self.target.horizon_days,
                "unit": self.target.unit,
            },
        }
        return hashlib.sha256(write_json(canonical).encode()).hexdigest()[:_ID_LENGTH]

    def index_of(self, name: str) -> int:
        """The place of a field among the values of a row; -1 if there is none of this name."""
        return self._places.get(name, -1)

    def with_role(self, role: str) -> tuple[Field, ...]:
        return tuple(field for field in self.fields if role in field.roles)

    @cached_property
    def _places(self) -> dict[str, int]:
        return {field.name: place for place, field in enumerate(self.fields)}


def parse_input_schema(document: Any) -> InputSchema:
    """`document` is the parsed `inputs.json`."""
    root = read_object(document, "", ("format", "fields", "userId", "target"))
    version = read_required(root, "format", "")
    if version != INPUTS_FORMAT:
        raise unexpected("format", f'"{INPUTS_FORMAT}"', version)
    fields = _read_fields(read_required(root, "fields", ""))
    user_id = read_object(root.get("userId", {}), "userId", ("column",))
    user_id_column = read_column(user_id.get("column", "user_id"), "userId.column")
    target = _read_target(read_required(root, "target", ""))
    for place, field in enumerate(fields):
        if field.name == target.name:
            raise unexpected("target.name", f"another name than that of fields[{place}]", target.name)
    _expect_own_columns(fields, user_id_column, target.column)
    schema = InputSchema(fields, user_id_column, target, document)
    for role, most in _MOST_OF_ROLE.items():
        if (count := len(schema.with_role(role))) > most:
            noun = "field" if most == 1 else "fields"
            raise schema_error("fields", f"expected at most {most} {noun} with the role {role}, got {count}")
    return schema


def read_input_schema(path: Path) -> InputSchema:
    """The file's document; a UserError begins with its path."""
    try:
        document = json.loads(path.read_bytes())
    except (OSError, ValueError, RecursionError) as error:
        raise UserError(f"{path}: expected an input schema in JSON: {error}") from error
    try:
        return parse_input_schema(document)
    except UserError as error:
        raise UserError(f"{path}: {error}") from error


def _read_fields(value: Any) -> tuple[Field, ...]:
    documents = read_array(value, "fields", "fields")
    if not 1 <= len(documents) <= _MAX_FIELDS:
        raise schema_error("fields", f"expected 1 to {_MAX_FIELDS} fields, got {len(documents)}")
    fields = []
    places: dict[str, int] = {}
    for place, each in enumerate(documents):
        field = read_field(each, f"fields[{place}]")
        earlier = places.setdefault(field.name, place)
        if earlier != place:
            raise unexpected(f"fields[{place}].name", f"another name than that of fields[{earlier}]", field.name)
        fields.append(field)
    return tuple(fields)


def _read_target(value: Any) -> Target:
    target = read_object(value, "target", ("name", "column", "horizonDays", "unit"))
    name = read_name(read_required(target, "name", "target"), "target.name")
    horizon_days = read_required(target, "horizonDays", "target")
    if not is_json_number(horizon_days) or not 0 < horizon_days <= _MAX_HORIZON_DAYS:
        raise unexpected("target.horizonDays", f"a number > 0 and ≤ {_MAX_HORIZON_DAYS}", horizon_days)
    return Target(
        name=name,
        column=read_column(target.get("column", name), "target.column"),
        horizon_days=horizon_days,
        unit=read_text_or_null(target.get("unit"), "target.unit"),
    )


def _expect_own_columns(fields: tuple[Field, ...], user_id_column: str, target_column: str) -> None:
    owners: dict[str, str] = {}
    columns = [(f"fields[{place}]", field.column) for place, field in enumerate(fields)]
    for owner, column in [*columns, ("userId", user_id_column), ("target", target_column)]:
        earlier = owners.setdefault(column, owner)
        if earlier != owner:
            raise unexpected(f"{owner}.column", f"another column than that of {earlier}", column)


NINE_FIELDS = parse_input_schema(json.loads((Path(__file__).parent / "nine-fields.json").read_bytes()))
