"""Is the data of the log fit to learn from? Recent days are compared with those before."""

from __future__ import annotations

from collections.abc import Iterator
from datetime import date

import numpy as np
import pandas as pd

from ..features.operators import FOLDS
from ..features.texts import group_by_text
from ..inputs.schema import InputSchema
from .dataset import Day
from .gates import Check, Gates

# Fewer payers of a group are chance.
_LEAST_PAYERS = 10
_BLOCK_DAYS = 3


def check_data(
    frame: pd.DataFrame,
    times: np.ndarray,
    recent: np.ndarray,
    users: pd.Series,
    days: tuple[Day, ...],
    schema: InputSchema,
    gates: Gates,
) -> list[Check]:
    """`times`: of the rows; `recent`: whether a row is of the recent days; `users`: their ids, null where none was sent."""
    revenue = frame[schema.target.name].to_numpy()
    return [
        _at_least("rows", len(frame), gates.least_rows, "wait for more outcomes"),
        _at_least("rows with revenue", int(np.count_nonzero(revenue)), gates.least_payers, "wait for more outcomes"),
        *_days(days, gates),
        _repeated(users),
        _nulls(frame, recent, schema, gates),
        _units(frame, revenue, _blocks(times, recent), ~recent, schema, gates),
    ]


def _at_least(name: str, found: int, least: float, why: str) -> Check:
    return Check(name, found >= least, f"at least {least:g}", str(found), why)


def _days(days: tuple[Day, ...], gates: Gates) -> Iterator[Check]:
    matured = [day for day in days if day.installs > day.pending]
    recent = [day for day in matured if _age(day, matured[-1]) < gates.recent_days]
    span = min(gates.recent_days, 1 + _age(matured[0], matured[-1])) if matured else 0
    missing = round(span) - len(recent)
    yield Check(
        "days without installs",
        missing <= gates.most_missing_days,
        f"at most {gates.most_missing_days:g} of the last {gates.recent_days:g}",
        str(missing),
        "see whether the service was asked, and whether its log was off",
    )
    incomplete = [day.day for day in recent if not day.complete]
    yield Check(
        "days without complete outcomes",
        len(incomplete) <= gates.most_incomplete_days,
        f"at most {gates.most_incomplete_days:g} of the last {gates.recent_days:g}",
        f"{len(incomplete)}" + (f": {', '.join(incomplete)}" if incomplete else ""),
        "report the outcomes of these days with POST /outcomes",
    )


def _age(day: Day, last: Day) -> int:
    return (date.fromisoformat(last.day) - date.fromisoformat(day.day)).days


def _repeated(users: pd.Series) -> Check:
    repeated = int(users.dropna().duplicated().sum())
    return Check(
        "users with several rows",
        repeated == 0,
        "none",
        str(repeated),
        "an install is one row: this is a fault of the service",
    )


def _nulls(frame: pd.DataFrame, recent: np.ndarray, schema: InputSchema, gates: Gates) -> Check:
    if not np.any(recent) or np.all(recent):
        return _unknown("more nulls than before")
    changes = {
        field.name: float(frame[field.name].isna()[recent].mean() - frame[field.name].isna()[~recent].mean())
        for field in schema.fields
    }
    worst = max(changes, key=lambda name: abs(changes[name]))
    return Check(
        "more or fewer nulls than before",
        abs(changes[worst]) <= gates.most_null_change,
        f"a change of at most {gates.most_null_change:.0%} of the rows",
        f"{changes[worst]:+.1%} in {worst}",
        f"see whether the game still sends {worst} as it did",
    )


def _blocks(times: np.ndarray, recent: np.ndarray) -> list[np.ndarray]:
    """The recent rows, a few days at a time: what began yesterday is not to hide among the days before."""
    days = times.astype("datetime64[D]").astype(np.int64)
    block = (days.max() - days) // _BLOCK_DAYS
    return [recent & (block == number) for number in np.unique(block[recent])]


def _units(
    frame: pd.DataFrame,
    revenue: np.ndarray,
    blocks: list[np.ndarray],
    before: np.ndarray,
    schema: InputSchema,
    gates: Gates,
) -> Check:
    """Cents for euros: what payers of a group bring, recently over before."""
    worst, largest = "", 1.0
    groupings = [("all installs", np.zeros(len(frame), dtype=np.int64), [""])]
    for field in schema.with_role("facet"):
        if field.kind == "text":
            group, keys = group_by_text(frame[field.name], FOLDS["ascii_lower"])
            groupings.append((field.name, group, ["null", *keys]))
    payers = revenue > 0
    for name, group, keys in groupings:
        for number in np.unique(group[payers & ~before]):
            members = (group == number) & payers
            usual = revenue[members & before]
            for block in blocks:
                now = revenue[members & block]
                if min(len(now), len(usual)) < _LEAST_PAYERS:
                    continue
                ratio = float(np.median(now) / np.median(usual))
                if max(ratio, 1 / ratio) > max(largest, 1 / largest):
                    worst, largest = f"{name} {keys[number]}".strip(), ratio
    return Check(
        "revenue in another unit than before",
        max(largest, 1 / largest) <= gates.most_unit_change,
        f"payers bring at most {gates.most_unit_change:g} times what they brought before, and no less than one {gates.most_unit_change:g}th",
        f"{largest:.3g} times" + (f" in {worst}" if worst else ""),
        "see in which unit the outcomes of this group are reported, and correct them with POST /outcomes",
    )


def _unknown(name: str) -> Check:
    return Check(name, True, "days to compare", "only recent days", "wait for more days")
