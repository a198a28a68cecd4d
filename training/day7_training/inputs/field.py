"""A field of the input schema, with every key that the document may leave out filled in."""

from __future__ import annotations

from dataclasses import dataclass

KINDS = ("text", "number", "boolean", "time")
ROLES = ("facet", "personal", "event", "amount", "group", "version", "install_time")
ROLES_OF_KIND = {
    "text": ("facet", "personal", "group", "version"),
    "number": ("personal", "event", "amount"),
    "boolean": ("facet", "personal"),
    "time": ("personal", "install_time"),
}
# How a time may be written beside ISO 8601.
TIME_FORMATS = ("iso", "day_first", "month_first")

# The greatest size of a number; a sum of several stays finite.
MAX_NUMBER = 1e300
DEFAULT_MAX_LENGTH = 256


@dataclass(frozen=True, slots=True)
class Field:
    """`column` is its name in files; bounds are those of numbers, `max_length` that of texts, `format` that of times.

    With `required` false, a request may leave the field out, which means null. `missing` are texts that
    stand for null. `roles` are in the order of ROLES; `example` is as a request has it, None where there is none.
    """

    name: str
    column: str
    kind: str
    nullable: bool
    required: bool
    minimum: float
    maximum: float
    max_length: int
    format: str
    trim: bool
    missing: tuple[str, ...]
    roles: tuple[str, ...]
    description: str | None
    example: str | float | bool | None
    unit: str | None
