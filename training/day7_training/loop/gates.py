"""The gates that new data and a new model must pass, as data: `GATES` has the defaults, a TOML file may set others."""

from __future__ import annotations

import tomllib
from dataclasses import dataclass, fields, replace
from pathlib import Path

from ..errors import UserError


@dataclass(frozen=True)
class Gates:
    """`recent_days` is how many of the latest complete days are compared with those before, and tested on."""

    recent_days: float = 14
    least_rows: float = 1_000
    least_payers: float = 100
    # Of the recent days: without an install, or without the outcomes that other days have.
    most_missing_days: float = 0
    most_incomplete_days: float = 0
    # Of a field: its share of nulls on the recent days less that of the days before.
    most_null_change: float = 0.2
    # Of a group: the median revenue of its payers on the recent days over that of the days before, or the other way round.
    most_unit_change: float = 20
    # Of the new model, on the recent days: the sum of its predictions over the revenue.
    least_bias: float = 0.8
    most_bias: float = 1.25
    # Of the new model's deviance over the champion's, on the recent days: the lower end of its interval.
    most_deviance_ratio: float = 1.0
    # Of the new model's normalised Gini less the champion's: the upper end of its interval.
    least_gini_difference: float = 0.0


@dataclass(frozen=True)
class Check:
    """One gate, with what was found. `wanted` and `found` are for people; `why` is what to do when it has failed."""

    name: str
    passed: bool
    wanted: str
    found: str
    why: str

    def __str__(self) -> str:
        return f"{'passed' if self.passed else 'FAILED'}  {self.name}: wanted {self.wanted}, found {self.found}"


def read_gates(path: Path | None) -> Gates:
    """@raises UserError if the file has what is no gate"""
    if path is None:
        return Gates()
    try:
        document = tomllib.loads(path.read_text(encoding="utf-8"))
    except (OSError, UnicodeDecodeError, tomllib.TOMLDecodeError) as error:
        raise UserError(f"{path}: expected gates in TOML: {error}") from error
    names = [field.name for field in fields(Gates)]
    for name, value in document.items():
        if name not in names:
            raise UserError(f"{path}: expected the gates {', '.join(names)}; got {name}")
        if isinstance(value, bool) or not isinstance(value, (int, float)):
            raise UserError(f"{path}, {name}: expected a number, got {value!r}")
    return replace(Gates(), **document)
