"""A field as the document has it -> a field with all its keys, and back in the canonical form.

Refuses other keys than the field's kind has, and settings that contradict each other.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping
from typing import Any

from .document import (
    expect_each_once,
    read_array,
    read_boolean,
    read_choice,
    read_column,
    read_name,
    read_object,
    read_required,
    read_text,
    read_text_or_null,
    schema_error,
    unexpected,
    within,
)
from .faults import Fault
from .field import DEFAULT_MAX_LENGTH, KINDS, MAX_NUMBER, ROLES, ROLES_OF_KIND, TIME_FORMATS, Field
from .javascript import show_number
from .kinds import value_from_json

_MAX_MAX_LENGTH = 10_000

# The keys that one kind alone has.
_SETTINGS_OF_KIND = {"text": ("maxLength",), "number": ("minimum", "maximum"), "boolean": (), "time": ("format",)}
_FIRST_KEYS = ("name", "column", "kind", "nullable", "required")
_LAST_KEYS = ("trim", "missing", "roles", "description", "example", "unit")
_ALL_KEYS = tuple(dict.fromkeys(key for kind in KINDS for key in (*_FIRST_KEYS, *_SETTINGS_OF_KIND[kind], *_LAST_KEYS)))


def keys_of_kind(kind: str) -> tuple[str, ...]:
    """In the order of the canonical document."""
    return (*_FIRST_KEYS, *_SETTINGS_OF_KIND[kind], *_LAST_KEYS)


def canonical_field(field: Field) -> dict[str, Any]:
    """The field's document with all keys of its kind, in their order."""
    attributes = {"maxLength": "max_length"}
    return {key: getattr(field, attributes.get(key, key)) for key in keys_of_kind(field.kind)}


def read_field(value: Any, path: str) -> Field:
    document = read_object(value, path, _ALL_KEYS)
    name = read_name(read_required(document, "name", path), f"{path}.name")
    kind = read_choice(read_required(document, "kind", path), f"{path}.kind", KINDS)
    read_object(value, path, keys_of_kind(kind))

    def read(key: str, otherwise: Any, reader: Callable[[Any, str], Any]) -> Any:
        return reader(document.get(key, otherwise), within(path, key))

    nullable = read("nullable", True, read_boolean)
    required = read("required", True, read_boolean)
    if not required and not nullable:
        raise unexpected(f"{path}.required", "true, since null is refused", document["required"])
    column = read("column", name, read_column)
    minimum, maximum = _read_bounds(document, path)
    field = Field(
        name=name,
        column=column,
        kind=kind,
        nullable=nullable,
        required=required,
        minimum=minimum,
        maximum=maximum,
        max_length=read("maxLength", DEFAULT_MAX_LENGTH, _read_max_length),
        format=read("format", "iso", lambda value, path: read_choice(value, path, TIME_FORMATS)),
        trim=read("trim", False, read_boolean),
        missing=read("missing", [], _read_missing),
        roles=read("roles", [], lambda value, path: _read_roles(value, path, kind)),
        description=read("description", None, read_text_or_null),
        example=read("example", None, _read_scalar),
        unit=read("unit", None, read_text_or_null),
    )
    if field.example is not None and isinstance(fault := value_from_json(field, field.example), Fault):
        raise schema_error(f"{path}.example", fault.problem)
    return field


def is_json_number(value: Any) -> bool:
    return isinstance(value, (int, float)) and not isinstance(value, bool)


def _read_bounds(document: Mapping[str, Any], path: str) -> tuple[float, float]:
    minimum = _read_bound(document.get("minimum"), f"{path}.minimum", -MAX_NUMBER)
    maximum = _read_bound(document.get("maximum"), f"{path}.maximum", MAX_NUMBER)
    if minimum > maximum:
        expected = f"a number ≤ {show_number(maximum)}, the maximum"
        raise unexpected(f"{path}.minimum", expected, document.get("minimum"))
    return minimum, maximum


def _read_bound(value: Any, path: str, otherwise: float) -> float:
    if value is None:
        return otherwise
    if not is_json_number(value) or not abs(value) <= MAX_NUMBER:
        expected = f"a number from {show_number(-MAX_NUMBER)} to {show_number(MAX_NUMBER)}, or null"
        raise unexpected(path, expected, value)
    return float(value) + 0.0  # -0 becomes 0


def _read_max_length(value: Any, path: str) -> int:
    if not is_json_number(value) or not 1 <= value <= _MAX_MAX_LENGTH or value != int(value):
        raise unexpected(path, f"a whole number from 1 to {_MAX_MAX_LENGTH}", value)
    return int(value)


def _read_missing(value: Any, path: str) -> tuple[str, ...]:
    texts = [read_text(text, f"{path}[{place}]") for place, text in enumerate(read_array(value, path, "texts"))]
    expect_each_once(texts, path)
    return tuple(texts)


def _read_roles(value: Any, path: str, kind: str) -> tuple[str, ...]:
    roles = []
    for place, each in enumerate(read_array(value, path, "roles")):
        role = read_choice(each, f"{path}[{place}]", ROLES)
        legal = ROLES_OF_KIND[kind]
        if role not in legal:
            raise unexpected(f"{path}[{place}]", f"a role of kind {kind}: {', '.join(legal)}", role)
        roles.append(role)
    expect_each_once(roles, path)
    if "event" in roles and "amount" in roles:
        raise schema_error(path, "expected event or amount, got both")
    return tuple(role for role in ROLES if role in roles)


def _read_scalar(value: Any, path: str) -> str | float | bool | None:
    if value is None or isinstance(value, (bool, int, float, str)):
        return value
    raise unexpected(path, "a text, a number, true, false or null", value)
