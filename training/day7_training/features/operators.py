"""The operators of the feature plan: each a table of its keys and the rule that computes its column.

This is the Python half of the table in docs/bundle.md; `OPERATORS` is closed and has the same rows.
A rule turns a checked column of the plan, the installs and the columns before it into float64
values, one an install. Texts repeat, so rules on texts look at each distinct text once.
"""

from __future__ import annotations

import math
import re
import string
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from typing import Any

import numpy as np
import pandas as pd

from ..inputs.calendar import DAY_MS
from ..inputs.field import KINDS
from .logarithm import natural_log
from .texts import distinct_texts

Columns = dict[str, np.ndarray]

# str.lower() would also change other alphabets, and not as JavaScript does.
_ASCII_LOWER = str.maketrans(string.ascii_uppercase, string.ascii_lowercase)

FOLDS: dict[str, Callable[[str], str]] = {
    "none": lambda text: text,
    "ascii_lower": lambda text: text.translate(_ASCII_LOWER),
    "ascii_lower_first_word": lambda text: text.translate(_ASCII_LOWER).partition(" ")[0],
}

# What a lookup's values are. The rule is the same for all; those that look at the revenue are fitted out of fold.
REVENUE_ENCODINGS = ("target_mean", "revenue_rate", "relative_revenue", "payer_share", "log_factor", "log_unit")
ENCODINGS = ("code", "frequency", *REVENUE_ENCODINGS)

TIME_PARTS = ("day", "hour", "weekday")
_HOUR_MS = 3_600_000
_DAYS_OF_WEEK = 7
# 1970-01-01 was a Thursday; Monday is 0.
_WEEKDAY_OF_DAY_0 = 3

# 15 digits are always an exact double.
_LONGEST_VERSION = 15
_LEADING_DIGITS = re.compile(r"[0-9]*")


@dataclass(frozen=True)
class Known:
    """What a column may refer to: the earlier columns, and the fields with their kinds."""

    columns: set[str]
    fields: Mapping[str, str]


@dataclass(frozen=True)
class Rule:
    """What a key's value must be."""

    expected: str
    accepts: Callable[[Any, Known], bool]


@dataclass(frozen=True)
class Operator:
    """`fault`: what is wrong with the values of the keys together, each of which is good alone."""

    keys: Mapping[str, Rule]
    compute: Callable[[Mapping[str, Any], pd.DataFrame, Columns], np.ndarray]
    fault: Callable[[Mapping[str, Any]], str | None] = lambda column: None


def _number(column: Mapping[str, Any], installs: pd.DataFrame, _: Columns) -> np.ndarray:
    return installs[column["field"]].to_numpy(dtype=np.float64)


def _is_missing(column: Mapping[str, Any], installs: pd.DataFrame, _: Columns) -> np.ndarray:
    field = installs[column["field"]]
    if field.dtype.kind == "f":
        return field.isna().to_numpy(dtype=np.float64)
    return _each_text(field, lambda text: 0.0, missing=1.0)


def _lookup(column: Mapping[str, Any], installs: pd.DataFrame, _: Columns) -> np.ndarray:
    fold, values, unknown = FOLDS[column["fold"]], column["values"], _double(column["unknown"])
    return _each_text(
        installs[column["field"]],
        lambda text: values.get(fold(text), unknown),
        missing=_double(column["missing"]),
    )


def _version_part(column: Mapping[str, Any], installs: pd.DataFrame, _: Columns) -> np.ndarray:
    number, absent = column["part"], _double(column["absent"])

    def part(text: str) -> float:
        parts = text.split(".")
        if number >= len(parts):
            return absent
        digits = _LEADING_DIGITS.match(parts[number])[0]
        return float(digits) if 0 < len(digits) <= _LONGEST_VERSION else math.nan

    return _each_text(installs[column["field"]], part, missing=math.nan)


def _sum(column: Mapping[str, Any], installs: pd.DataFrame, before: Columns) -> np.ndarray:
    total = np.zeros(len(installs))
    for name in column["of"]:  # from left to right: the order of additions decides the last bit
        total = total + np.where(np.isnan(before[name]), 0.0, before[name])
    return total


def _ratio(column: Mapping[str, Any], _: pd.DataFrame, before: Columns) -> np.ndarray:
    return before[column["numerator"]] / (before[column["denominator"]] + float(column["plus"]))


def _product(column: Mapping[str, Any], _: pd.DataFrame, before: Columns) -> np.ndarray:
    first, *others = column["of"]
    product = before[first]
    for name in others:
        product = product * before[name]
    return product


def _log(column: Mapping[str, Any], _: pd.DataFrame, before: Columns) -> np.ndarray:
    return natural_log(before[column["argument"]] + float(column["plus"]))


def _time_part(column: Mapping[str, Any], installs: pd.DataFrame, _: Columns) -> np.ndarray:
    moment = installs[column["field"]].to_numpy(dtype=np.float64)
    day = np.floor(moment / DAY_MS)
    if column["part"] == "hour":
        return np.floor((moment - day * DAY_MS) / _HOUR_MS)
    if column["part"] == "weekday":
        shifted = day + _WEEKDAY_OF_DAY_0
        return shifted - _DAYS_OF_WEEK * np.floor(shifted / _DAYS_OF_WEEK)
    return day


def _difference(column: Mapping[str, Any], _: pd.DataFrame, before: Columns) -> np.ndarray:
    return before[column["minuend"]] - before[column["subtrahend"]]


def _linear(column: Mapping[str, Any], _: pd.DataFrame, before: Columns) -> np.ndarray:
    product = before[column["argument"]] * float(column["factor"])
    return product + float(column["plus"])


def _clip(column: Mapping[str, Any], _: pd.DataFrame, before: Columns) -> np.ndarray:
    value = before[column["argument"]]
    if column["minimum"] is not None:
        value = np.where(value < column["minimum"], float(column["minimum"]), value)
    if column["maximum"] is not None:
        value = np.where(value > column["maximum"], float(column["maximum"]), value)
    return value


def _step(column: Mapping[str, Any], _: pd.DataFrame, before: Columns) -> np.ndarray:
    argument = before[column["argument"]]
    # side="left": an argument that equals an edge is not above it.
    place = np.searchsorted(np.array(column["edges"], dtype=np.float64), argument, side="left")
    place[np.isnan(argument)] = len(column["values"])
    return np.array([*column["values"], _double(column["missing"])], dtype=np.float64)[place]


def _each_text(texts: pd.Series, rule: Callable[[str], float], *, missing: float) -> np.ndarray:
    codes, uniques = distinct_texts(texts)
    values = [missing if text == "" else rule(text) for text in uniques]
    # The code of null is -1, and index -1 is the last value.
    return np.array([*values, missing], dtype=np.float64)[codes]


def _double(value: float | None) -> float:
    return math.nan if value is None else float(value)


def _is_number(value: Any) -> bool:
    return isinstance(value, (int, float)) and not isinstance(value, bool) and math.isfinite(value)


def _one_of(words: tuple[str, ...]) -> Rule:
    return Rule("one of " + ", ".join(words), lambda value, _: isinstance(value, str) and value in words)


def _field_of(*kinds: str) -> Rule:
    def accepts(value: Any, known: Known) -> bool:
        return isinstance(value, str) and known.fields.get(value) in kinds

    return Rule(f"a field of the kind {' or '.join(kinds)}", accepts)


def _list_of(rule: Rule, expected: str, *, least: int) -> Rule:
    def accepts(value: Any, known: Known) -> bool:
        return isinstance(value, list) and len(value) >= least and all(rule.accepts(each, known) for each in value)

    return Rule(expected, accepts)


def _crossed_bounds(column: Mapping[str, Any]) -> str | None:
    low, high = column["minimum"], column["maximum"]
    crossed = low is not None and high is not None and low > high
    return f"expected a minimum of at most {high}, got {low}" if crossed else None


def _wrong_steps(column: Mapping[str, Any]) -> str | None:
    edges, values = column["edges"], column["values"]
    if any(low >= high for low, high in zip(edges, edges[1:])):
        return "expected ascending edges, each once"
    expected = len(edges) + 1
    return None if len(values) == expected else f"expected {expected} values, got {len(values)}"


_NUMBER = Rule("a number", lambda value, _: _is_number(value))
_NUMBER_OR_NULL = Rule("a number or null", lambda value, _: value is None or _is_number(value))
_INDEX = Rule("a whole number from 0", lambda value, _: isinstance(value, int) and _is_number(value) and value >= 0)
_EARLIER = Rule("an earlier column", lambda value, known: isinstance(value, str) and value in known.columns)
_EARLIER_LIST = _list_of(_EARLIER, "a list of earlier columns", least=1)
_NUMBERS = _list_of(_NUMBER, "a list of numbers", least=0)
_VALUES = Rule(
    "a map from text to number",
    lambda value, _: isinstance(value, Mapping) and all(_is_number(number) for number in value.values()),
)

OPERATORS: dict[str, Operator] = {
    "number": Operator({"field": _field_of("number", "boolean", "time")}, _number),
    "is_missing": Operator({"field": _field_of(*KINDS)}, _is_missing),
    "lookup": Operator(
        {
            "field": _field_of("text"),
            "encoding": _one_of(ENCODINGS),
            "fold": _one_of(tuple(FOLDS)),
            "values": _VALUES,
            "unknown": _NUMBER_OR_NULL,
            "missing": _NUMBER_OR_NULL,
        },
        _lookup,
    ),
    "version_part": Operator({"field": _field_of("text"), "part": _INDEX, "absent": _NUMBER_OR_NULL}, _version_part),
    "sum": Operator({"of": _EARLIER_LIST}, _sum),
    "ratio": Operator({"numerator": _EARLIER, "denominator": _EARLIER, "plus": _NUMBER}, _ratio),
    "product": Operator({"of": _EARLIER_LIST}, _product),
    "log": Operator({"argument": _EARLIER, "plus": _NUMBER}, _log),
    "time_part": Operator({"field": _field_of("time"), "part": _one_of(TIME_PARTS)}, _time_part),
    "difference": Operator({"minuend": _EARLIER, "subtrahend": _EARLIER}, _difference),
    "linear": Operator({"argument": _EARLIER, "factor": _NUMBER, "plus": _NUMBER}, _linear),
    "clip": Operator(
        {"argument": _EARLIER, "minimum": _NUMBER_OR_NULL, "maximum": _NUMBER_OR_NULL}, _clip, _crossed_bounds
    ),
    "step": Operator(
        {"argument": _EARLIER, "edges": _NUMBERS, "values": _NUMBERS, "missing": _NUMBER_OR_NULL}, _step, _wrong_steps
    ),
}

# Those that the first format of a plan has.
FIRST_OPERATORS = ("number", "is_missing", "lookup", "version_part", "sum", "ratio", "product", "log")
