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

from ..data.installs import FIELDS, NUMBER_FIELDS, TEXT_FIELDS
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
REVENUE_ENCODINGS = ("target_mean", "revenue_rate", "relative_revenue")
ENCODINGS = ("code", "frequency", *REVENUE_ENCODINGS)

# 15 digits are always an exact double.
_LONGEST_VERSION = 15
_LEADING_DIGITS = re.compile(r"[0-9]*")


@dataclass(frozen=True)
class Kind:
    """What a key's value must be, given the columns that are already defined."""

    expected: str
    accepts: Callable[[Any, set[str]], bool]


@dataclass(frozen=True)
class Operator:
    keys: Mapping[str, Kind]
    compute: Callable[[Mapping[str, Any], pd.DataFrame, Columns], np.ndarray]


def _number(column: Mapping[str, Any], installs: pd.DataFrame, _: Columns) -> np.ndarray:
    return installs[column["field"]].to_numpy(dtype=np.float64)


def _is_missing(column: Mapping[str, Any], installs: pd.DataFrame, _: Columns) -> np.ndarray:
    field = installs[column["field"]]
    if column["field"] in NUMBER_FIELDS:
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


def _each_text(texts: pd.Series, rule: Callable[[str], float], *, missing: float) -> np.ndarray:
    codes, uniques = distinct_texts(texts)
    values = [missing if text == "" else rule(text) for text in uniques]
    # The code of null is -1, and index -1 is the last value.
    return np.array([*values, missing], dtype=np.float64)[codes]


def _double(value: float | None) -> float:
    return math.nan if value is None else float(value)


def _is_number(value: Any) -> bool:
    return isinstance(value, (int, float)) and not isinstance(value, bool) and math.isfinite(value)


def _one_of(words: tuple[str, ...]) -> Kind:
    return Kind("one of " + ", ".join(words), lambda value, _: isinstance(value, str) and value in words)


_NUMBER = Kind("a number", lambda value, _: _is_number(value))
_NUMBER_OR_NULL = Kind("a number or null", lambda value, _: value is None or _is_number(value))
_INDEX = Kind("a whole number from 0", lambda value, _: isinstance(value, int) and _is_number(value) and value >= 0)
_EARLIER = Kind("an earlier column", lambda value, defined: isinstance(value, str) and value in defined)
_EARLIER_LIST = Kind(
    "a list of earlier columns",
    lambda value, defined: isinstance(value, list) and bool(value) and all(_EARLIER.accepts(v, defined) for v in value),
)
_VALUES = Kind(
    "a map from text to number",
    lambda value, _: isinstance(value, Mapping) and all(_is_number(number) for number in value.values()),
)

OPERATORS: dict[str, Operator] = {
    "number": Operator({"field": _one_of(NUMBER_FIELDS)}, _number),
    "is_missing": Operator({"field": _one_of(FIELDS)}, _is_missing),
    "lookup": Operator(
        {
            "field": _one_of(TEXT_FIELDS),
            "encoding": _one_of(ENCODINGS),
            "fold": _one_of(tuple(FOLDS)),
            "values": _VALUES,
            "unknown": _NUMBER_OR_NULL,
            "missing": _NUMBER_OR_NULL,
        },
        _lookup,
    ),
    "version_part": Operator({"field": _one_of(TEXT_FIELDS), "part": _INDEX, "absent": _NUMBER_OR_NULL}, _version_part),
    "sum": Operator({"of": _EARLIER_LIST}, _sum),
    "ratio": Operator({"numerator": _EARLIER, "denominator": _EARLIER, "plus": _NUMBER}, _ratio),
    "product": Operator({"of": _EARLIER_LIST}, _product),
    "log": Operator({"argument": _EARLIER, "plus": _NUMBER}, _log),
}
