"""Why each column of the feature plan is there: a fitted plan becomes a table for people, one line a column.

Reasons tell what a column is meant to catch, not that it does: what a feature is worth on some data is
for the importances of a model to say. A test sees to it that every column of the recipe has a reason.
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

import pandas as pd

from ..data.installs import NUMBER_FIELDS
from ..features.plan import Plan

_EACH_EVENT = {
    "{}": "what the player did; trees cut counts wherever it helps",
    "{}_ratio": "its share of all events: the kind of player, however active",
    "log_{}": "few and very many on one scale: for linear models, trees are indifferent",
    "revenue_per_{}": "what one such event brings in this country, fitted together with the other rates",
    "expected_from_{}": "what this install's events bring at its country's rate",
}

_EACH_MISSING = {
    "source": "attribution may fail for a reason that tells something",
    "country_region": "the network or the player's settings may hide it",
    "device_family": "an unknown device may be a rare one or an emulator",
    "os_version": "a client that does not say its version may be no ordinary one",
    "event_3": "null is not 0: the event may never have been possible",
}

REASONS: dict[str, str] = {
    **{name.format(event): reason for name, reason in _EACH_EVENT.items() for event in NUMBER_FIELDS},
    **{f"{field}_missing": reason for field, reason in _EACH_MISSING.items()},
    "platform_code": "players of the stores may pay differently; texts in either case are one platform",
    "source_code": "campaigns may bring different players; few enough for a category each",
    "country_frequency": "how large the market is: what rare countries share, each of which has few installs",
    "country_region_frequency": "a large city or a village: regions are far too many for codes",
    "device_family_frequency": "common or exotic device, without a code for each of hundreds",
    "country_target_mean": "how much its installs bring, shrunk to the mean; rounded so that it tells no fold",
    "total_events": "how active the player is, whatever the kind of event",
    "os_major": "the age of the device and its updates: a hint at purchasing power",
    "os_minor": "within a major version, whether updates are taken soon",
    "revenue_per_install": "what an install without any event brings in this country",
    "expected_by_country": "the country's rates applied to this install's events: a first guess at its revenue",
    "platform_relative_revenue": "what the platform brings over what its countries lead to expect",
    "source_relative_revenue": "what the campaign brings over what its countries lead to expect",
    "country_region_relative_revenue": "whether the region brings more than its country",
    "device_family_relative_revenue": "whether the device's owners bring more than their country",
    "brand_relative_revenue": "the same for the brand: enough installs where one device has too few",
    "expected_revenue": "the first guess, corrected for the platform",
    "log_expected_revenue": "where the trees start: they learn only by what factor the first guess is wrong",
}


# Of plans of other tables, by encoding or operator.
GENERAL: dict[str, str] = {
    "code": "few enough texts for a category each",
    "frequency": "how usual the text is: what rare ones share",
    "target_mean": "what installs with the text bring, shrunk to the mean; rounded so that it tells no fold",
    "payer_share": "how many of them bring anything, shrunk and rounded in the same way",
    "log_factor": "by what factor the text changes what is expected, each field given the others",
    "log_unit": "in which unit the group's revenue is",
    "revenue_rate": "what an install, or one event, brings in this group",
    "relative_revenue": "what the text brings over what its group leads to expect",
    "number": "as it is; trees cut numbers wherever it helps",
    "is_missing": "that a value is missing can tell something",
    "version_part": "the age of the device or the app",
    "time_part": "when in the day or the week",
    "difference": "how long after the install",
    "log": "few and very many on one scale",
    "ratio": "its share of all events: the kind of player, however active",
    "clip": "without what has no logarithm, or lies far beyond what was seen",
    "step": "by what factor each part of the range changes what is expected",
    "sum": "what its parts come to together",
    "product": "a rate times what it is a rate of",
    "linear": "the factors together, at the level of all installs",
}


def reason_of(column: Mapping[str, Any]) -> str:
    """The nine fields' own, or what columns of this kind are for."""
    return REASONS.get(column["name"]) or GENERAL[column.get("encoding", column["op"])]


def plan_table(plan: Plan) -> pd.DataFrame:
    """Each column's name, operator, what it is made of, what it is for the model, and why it is there."""
    return pd.DataFrame(
        [
            {
                "name": column["name"],
                "operator": _operator(column),
                "made of": ", ".join(_sources(column)),
                "role": _role(column["name"], plan),
                "reason": reason_of(column),
            }
            for column in plan.document["columns"]
        ]
    )


def _operator(column: Mapping[str, Any]) -> str:
    name = f"lookup: {column['encoding']}" if column["op"] == "lookup" else column["op"]
    return name.replace("_", " ")


def _sources(column: Mapping[str, Any]) -> list[str]:
    single = [column[key] for key in ("field", "argument", "numerator", "denominator") if key in column]
    return single + list(column.get("of", ()))


def _role(name: str, plan: Plan) -> str:
    return "feature" if name in plan.features else "offset" if name == plan.offset else "step"
