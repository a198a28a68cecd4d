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
from ..inputs.schema import NINE_FIELDS, InputSchema
from .operators import FIRST_OPERATORS, FOLDS, OPERATORS, Columns, Known
from .texts import encode_texts

FORMAT = "day7-feature-plan/1"
# With all operators.
SECOND_FORMAT = "day7-feature-plan/2"
_OPERATORS_OF = {FORMAT: FIRST_OPERATORS, SECOND_FORMAT: tuple(OPERATORS)}


class Encoded(NamedTuple):
    """What the model takes: `features`, rows x columns, NaN where missing; `offset`, to add to each raw score.

    `log_units` is the part of the offset that says in which unit the row's revenue is; None where all have one.
    """

    features: np.ndarray
    offset: np.ndarray
    log_units: np.ndarray | None = None

    def of(self, rows: np.ndarray) -> Encoded:
        return Encoded(self.features[rows], self.offset[rows], None if self.log_units is None else self.log_units[rows])


class Plan:
    """A checked plan. `features` names the model's columns in its order, `categorical` those that are codes."""

    def __init__(self, document: Mapping[str, Any], inputs: InputSchema = NINE_FIELDS) -> None:
        self._columns, self.features, self.offset = _check(document, inputs)
        self.document = document
        self.inputs = inputs
        codes = {column["name"] for column in self._columns if column.get("encoding") == "code"}
        self._units = [column["name"] for column in self._columns if column.get("encoding") == "log_unit"]
        self.categorical: list[str] = [name for name in self.features if name in codes]

    @classmethod
    def parse(cls, text: str, inputs: InputSchema = NINE_FIELDS) -> Plan:
        return cls(json.loads(text, parse_constant=_refuse_constant), inputs)

    def apply(self, installs: pd.DataFrame) -> Encoded:
        """One row of float64 features for each install, and its offset."""
        installs = encode_texts(installs)
        values: Columns = {}
        # Division by 0 and overflow have an IEEE answer, which is the rule.
        with np.errstate(all="ignore"):
            for column in self._columns:
                values[column["name"]] = OPERATORS[column["op"]].compute(column, installs, values)
        offset = np.zeros(len(installs)) if self.offset is None else values[self.offset]
        features = np.column_stack([values[name] for name in self.features])
        return Encoded(features, offset, sum(values[name] for name in self._units) if self._units else None)


def _refuse_constant(text: str) -> None:
    raise UserError(f"feature plan: expected JSON numbers, got {text}")


def _check(document: Mapping[str, Any], inputs: InputSchema) -> tuple[list[dict], list[str], str | None]:
    _expect_keys(document, {"format", "columns", "features", "offset"}, "feature plan")
    operators = _OPERATORS_OF.get(document["format"]) if isinstance(document["format"], str) else None
    if operators is None:
        raise UserError(f"feature plan: expected the format {FORMAT} or {SECOND_FORMAT}, got {document['format']!r}")
    known = Known(set(), {field.name: field.kind for field in inputs.fields})
    defined = known.columns
    for place, column in enumerate(document["columns"]):
        _check_column(column, operators, known, f"feature plan, column {place}")
        defined.add(column["name"])
    features, offset = document["features"], document["offset"]
    if not features or len(set(features)) != len(features):
        raise UserError(f"feature plan: expected features, each once, got {features}")
    for name in features if offset is None else [*features, offset]:
        if name not in defined:
            raise UserError(f"feature plan: {name!r} is not the name of a column")
    return list(document["columns"]), list(features), offset


def _check_column(column: Mapping[str, Any], operators: tuple[str, ...], known: Known, where: str) -> None:
    operator = OPERATORS[column["op"]] if isinstance(column, Mapping) and column.get("op") in operators else None
    if operator is None:
        raise UserError(f"{where}: expected one of the operators {', '.join(operators)}, got {column}")
    _expect_keys(column, {"name", "op", *operator.keys}, where)
    name = column["name"]
    if not isinstance(name, str) or not name or name in known.columns:
        raise UserError(f"{where}: expected a new name, got {name!r}")
    for key, rule in operator.keys.items():
        if not rule.accepts(column[key], known):
            raise UserError(f"{where} ({name}), key {key}: expected {rule.expected}, got {column[key]!r}")
    if fault := operator.fault(column):
        raise UserError(f"{where} ({name}): {fault}")
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
