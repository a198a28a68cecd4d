"""Whole columns -> the values of a field, by the rules that kinds.py has for one value.

Cells come as their distinct texts, so each is read once. arrow.py reads columns with a type.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass

import numpy as np

from .faults import Fault
from .field import Field
from .kinds import Value, value_from_cell


@dataclass(frozen=True)
class Column:
    """`values` are float64 with NaN for null, those of a text field str or None; where a fault is, they are null.

    `wrong` are the places of the faults, ascending; `fault_at` words the one at a place.
    """

    values: np.ndarray
    wrong: np.ndarray
    fault_at: Callable[[int], Fault]

    @property
    def first_fault(self) -> tuple[int, Fault] | None:
        return next(self.faults(), None)

    def faults(self) -> Iterator[tuple[int, Fault]]:
        return ((place, self.fault_at(place)) for place in self.wrong.tolist())


def read_cells(field: Field, uniques: Sequence[str]) -> Column:
    """The cells of a CSV file, each distinct text once."""
    return column_of(field, [value_from_cell(field, text) for text in uniques])


def column_of(field: Field, values: Sequence[Value | Fault]) -> Column:
    faults = {place: value for place, value in enumerate(values) if isinstance(value, Fault)}
    kept = [None if isinstance(value, Fault) else value for value in values] if faults else values
    return Column(values_of(field, kept), np.array(list(faults), dtype=np.int64), faults.__getitem__)


def values_of(field: Field, values: Sequence[Value]) -> np.ndarray:
    """As a column of a DataFrame has them."""
    if field.kind != "text":
        return np.array(values, dtype=np.float64)
    texts = np.empty(len(values), dtype=object)
    texts[:] = values
    return texts
