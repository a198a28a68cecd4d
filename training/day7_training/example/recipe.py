"""The recipe of the feature plan: its columns in their order, before lookups have their values.

Adding a feature is adding a column here and its reason in `reasons.py`. The service changes only for a new
operator.
"""

from __future__ import annotations

from typing import Any

from ..data.installs import NUMBER_FIELDS

Document = dict[str, Any]

# Device families begin with the brand: "Samsung Galaxy Phone".
_BRAND = "ascii_lower_first_word"


def _encoded(field: str, encoding: str, fold: str = "ascii_lower", name: str | None = None) -> Document:
    return {"name": name or f"{field}_{encoding}", "op": "lookup", "field": field, "encoding": encoding, "fold": fold}


def _number(field: str) -> Document:
    return {"name": field, "op": "number", "field": field}


def _share(event: str) -> Document:
    return {"name": f"{event}_ratio", "op": "ratio", "numerator": event, "denominator": "total_events", "plus": 1}


def _log_count(event: str) -> Document:
    return {"name": f"log_{event}", "op": "log", "argument": event, "plus": 1}


def _version(name: str, part: int, absent: float | None) -> Document:
    return {"name": name, "op": "version_part", "field": "os_version", "part": part, "absent": absent}


def _rate(exposure: str) -> Document:
    return _encoded("country", "revenue_rate", name=f"revenue_per_{exposure}")


def _expected_from(event: str) -> Document:
    return {"name": f"expected_from_{event}", "op": "product", "of": [f"revenue_per_{event}", event]}


EXPOSURES = ("install", *NUMBER_FIELDS)
# A country is hardly ever unknown.
OFTEN_MISSING = ("country_region", "source", "device_family", "os_version", "event_3")
EXPECTED = "expected_revenue"
OFFSET = "log_expected_revenue"

# The columns in their order. Lookups get their values by fitting.
RECIPE: tuple[Document, ...] = (
    # What the seed system knew.
    _encoded("platform", "code"),
    _encoded("source", "code"),
    _encoded("country", "frequency"),
    _encoded("country_region", "frequency"),
    _encoded("device_family", "frequency"),
    _encoded("country", "target_mean"),
    *(_number(event) for event in NUMBER_FIELDS),
    {"name": "total_events", "op": "sum", "of": list(NUMBER_FIELDS)},
    *(_share(event) for event in NUMBER_FIELDS),
    _version("os_major", 0, None),
    _version("os_minor", 1, 0),  # "10" is 10.0
    # Counts span four orders of magnitude, and that a value is missing can tell something.
    *(_log_count(event) for event in NUMBER_FIELDS),
    *({"name": f"{field}_missing", "op": "is_missing", "field": field} for field in OFTEN_MISSING),
    # What an install and each event bring in this country, and so what this install is expected to bring.
    *(_rate(exposure) for exposure in EXPOSURES),
    *(_expected_from(event) for event in NUMBER_FIELDS),
    {
        "name": "expected_by_country",
        "op": "sum",
        "of": ["revenue_per_install", *(f"expected_from_{event}" for event in NUMBER_FIELDS)],
    },
    # How much more or less than its country and platform lead to expect a group brings: 1 is as much.
    _encoded("platform", "relative_revenue"),
    _encoded("source", "relative_revenue"),
    _encoded("country_region", "relative_revenue"),
    _encoded("device_family", "relative_revenue"),
    _encoded("device_family", "relative_revenue", _BRAND, name="brand_relative_revenue"),
    {"name": EXPECTED, "op": "product", "of": ["expected_by_country", "platform_relative_revenue"]},
    {"name": OFFSET, "op": "log", "argument": EXPECTED, "plus": 0},
)

# The model does not see these. The rates of a country, exact to the last digit, would tell it which fold a
# training row is in, and so a little of the row's own revenue: they reach it through the offset alone.
STEPS = frozenset(
    {
        *(f"revenue_per_{exposure}" for exposure in EXPOSURES),
        *(f"expected_from_{event}" for event in NUMBER_FIELDS),
        "expected_by_country",
        EXPECTED,
        OFFSET,
    }
)

# Two models, of whether somebody pays and of how much a payer pays, need another offset: what a *payer* is expected to
# bring. The expected revenue of all installs is small where few pay, and that says little of how much those do. So the
# first plan's expected revenue becomes a feature, and the same columns follow once more, fitted on payers alone.
PAYER = "payer_"
PAYER_OFFSET = PAYER + OFFSET


def _of_payers(column: Document) -> Document:
    renamed: Document = {key: PAYER + column[key] for key in ("name", "argument") if key in column}
    if "of" in column:
        renamed["of"] = [name if name in NUMBER_FIELDS else PAYER + name for name in column["of"]]
    return {**column, **renamed}


_PAYER_COLUMNS = tuple(
    _of_payers(column) for column in RECIPE if column["name"] in STEPS or column["name"] == "platform_relative_revenue"
)
TWO_PART_RECIPE = (*RECIPE[:-1], *_PAYER_COLUMNS)
TWO_PART_STEPS = STEPS - {EXPECTED} | {column["name"] for column in _PAYER_COLUMNS}
