"""Turns installs into the model's features by a feature plan: the JSON document of docs/bundle.md.

The service applies the same document, so every rule here is exact: IEEE doubles, sums from left to
right, letters folded in ASCII only. Training, golden predictions and replay all come through here.
Refuses a document with an unknown operator, a key too many or too few, a value of the wrong kind,
a name used before it is defined, or a repeated name.
"""

from __future__ import annotations

import json
from collections.abc import Mapping
from typing import Any, NamedTuple

import numpy as np
import pandas as pd

from ..errors import UserError
from .operators import FOLDS, OPERATORS, Columns
from .texts import encode_texts

FORMAT = "day7-feature-plan/1"


class Encoded(NamedTuple):
    """What the model takes: `features`, rows x columns, NaN where missing; `offset`, to add to each raw score."""

    features: np.ndarray
    offset: np.ndarray


class Plan:
    """A checked plan. `features` names the model's columns in its order, `categorical` those that are codes."""

    def __init__(self, document: Mapping[str, Any]) -> None:
        self._columns, self.features, self.offset = _check(document)
        self.document = document
        codes = {column["name"] for column in self._columns if column.get("encoding") == "code"}
        self.categorical: list[str] = [name for name in self.features if name in codes]

    @classmethod
    def parse(cls, text: str) -> Plan:
        return cls(json.loads(text, parse_constant=_refuse_constant))

    def apply(self, installs: pd.DataFrame) -> Encoded:
        """One row of float64 features for each install, and its offset."""
        installs = encode_texts(installs)
        values: Columns = {}
        # Division by 0 and overflow have an IEEE answer, which is the rule.
        with np.errstate(all="ignore"):
            for column in self._columns:
                values[column["name"]] = OPERATORS[column["op"]].compute(column, installs, values)
        offset = np.zeros(len(installs)) if self.offset is None else values[self.offset]
        return Encoded(np.column_stack([values[name] for name in self.features]), offset)


def _refuse_constant(text: str) -> None:
    raise UserError(f"feature plan: expected JSON numbers, got {text}")


def _check(document: Mapping[str, Any]) -> tuple[list[dict], list[str], str | None]:
    _expect_keys(document, {"format", "columns", "features", "offset"}, "feature plan")
    if document["format"] != FORMAT:
        raise UserError(f"feature plan: expected the format {FORMAT}, got {document['format']!r}")
    defined: set[str] = set()
    for place, column in enumerate(document["columns"]):
        _check_column(column, defined, f"feature plan, column {place}")
        defined.add(column["name"])
    features, offset = document["features"], document["offset"]
    if not features or len(set(features)) != len(features):
        raise UserError(f"feature plan: expected features, each once, got {features}")
    for name in features if offset is None else [*features, offset]:
        if name not in defined:
            raise UserError(f"feature plan: {name!r} is not the name of a column")
    return list(document["columns"]), list(features), offset


def _check_column(column: Mapping[str, Any], defined: set[str], where: str) -> None:
    operator = OPERATORS.get(column.get("op")) if isinstance(column, Mapping) else None
    if operator is None:
        raise UserError(f"{where}: expected one of the operators {', '.join(OPERATORS)}, got {column}")
    _expect_keys(column, {"name", "op", *operator.keys}, where)
    name = column["name"]
    if not isinstance(name, str) or not name or name in defined:
        raise UserError(f"{where}: expected a new name, got {name!r}")
    for key, kind in operator.keys.items():
        if not kind.accepts(column[key], defined):
            raise UserError(f"{where} ({name}), key {key}: expected {kind.expected}, got {column[key]!r}")
    if operator.keys.keys() >= {"fold", "values"}:
        _check_folded(column, f"{where} ({name})")


def _check_folded(column: Mapping[str, Any], where: str) -> None:
    fold = FOLDS[column["fold"]]
    for key in column["values"]:
        if fold(key) != key:
            raise UserError(f"{where}, key values: expected keys already folded, got {key!r}")


def _expect_keys(document: Mapping[str, Any], expected: set[str], where: str) -> None:
    if document.keys() != expected:
        raise UserError(f"{where}: expected the keys {sorted(expected)}, got {sorted(document)}")
