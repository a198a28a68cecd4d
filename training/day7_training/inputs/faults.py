"""Why a value is refused: the field, what was expected, what came. The service says the same (src/inputs/faults.ts)."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

from .describe import describe_text, describe_value

if TYPE_CHECKING:
    from .field import Field


@dataclass(frozen=True, slots=True)
class Fault:
    """`problem` is such as `expected a number ≥ 0, got -1`."""

    field: str
    problem: str

    @property
    def message(self) -> str:
        return f"{self.field}: {self.problem}"


def wrong_type(field: Field, expected: str, value: Any) -> Fault:
    """`expected` without the null that a nullable field takes, too."""
    return wrong_value(field, f"{expected} or null" if field.nullable else expected, value)


def wrong_value(field: Field, expected: str, value: Any) -> Fault:
    return Fault(field.name, f"expected {expected}, got {describe_value(value)}")


def wrong_column(field: Field, expected: str, column_type: str) -> Fault:
    """Of a column whose values have no words of their own."""
    return Fault(field.name, f"expected {expected}{' or null' if field.nullable else ''}, got {column_type}")


def wrong_cell(field: Field, expected: str, cell: str) -> Fault:
    return Fault(field.name, f"expected {expected}, got {describe_text(cell)}")


def wrong_length(field: Field, length: int) -> Fault:
    return Fault(field.name, f"expected at most {field.max_length} characters, got {length}")


def wrong_encoding(field: Field) -> Fault:
    return Fault(field.name, "expected UTF-8, got other bytes")


def absent(field: Field) -> Fault:
    return Fault(field.name, "expected, but it is missing")
