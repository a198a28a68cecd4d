"""The rows to learn from: those of groups in another unit are flagged, and rows that nothing can be learnt from are refused."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

import numpy as np
import pandas as pd

from ..data.installs import Installs
from ..data.timeline import Timeline
from ..errors import UserError
from ..inputs.schema import NINE_FIELDS, InputSchema
from ..quality.anomalies import UnitAnomaly, find_unit_anomalies

MINIMUM_ROWS = 100
# With fewer, a fold may have none.
MINIMUM_PAYERS = 10


@dataclass(frozen=True)
class TrainingRows:
    """The rows to learn from; `flagged` are those of groups in another unit, which may have been dropped."""

    frame: pd.DataFrame
    anomalies: list[UnitAnomaly]
    flagged: np.ndarray
    dropped: bool
    inputs: InputSchema = NINE_FIELDS
    negative: Mapping[str, Any] | None = None
    timeline: Timeline | None = None

    @property
    def revenue(self) -> np.ndarray:
        return self.frame[self.inputs.target.name].to_numpy()


def training_rows(
    installs: Installs,
    objective: str,
    *,
    drop_flagged: bool,
    two_part: bool = False,
    timeline: Timeline | None = None,
) -> TrainingRows:
    """The rows with their unit anomalies, checked to be trainable, also where payers are to have a model of their own."""
    anomalies, flagged = find_unit_anomalies(installs.frame, installs.inputs)
    drop = drop_flagged and bool(np.any(flagged))
    frame = installs.frame[~flagged] if drop else installs.frame
    flags = np.zeros(len(frame), dtype=bool) if drop else flagged
    rows = TrainingRows(frame, anomalies, flags, drop, installs.inputs, installs.negative, timeline)
    _check_trainable(rows, objective, two_part)
    return rows


def _check_trainable(rows: TrainingRows, objective: str, two_part: bool) -> None:
    revenue, name = rows.revenue, rows.inputs.target.name
    if len(revenue) < MINIMUM_ROWS:
        raise UserError(f"expected at least {MINIMUM_ROWS} rows to train on, got {len(revenue)}")
    if np.all(revenue == revenue[0]):
        raise UserError(f"column {name}: expected different values to learn from, got {revenue[0]} in every row")
    payers = int(np.count_nonzero(revenue))
    if payers < MINIMUM_PAYERS:
        raise UserError(f"column {name}: expected at least {MINIMUM_PAYERS} rows with revenue, got {payers}")
    if two_part:
        _check_two_parts(name, payers, len(revenue) - payers)
    elif objective == "gamma" and np.any(revenue == 0):
        index = rows.frame.index
        raise UserError(
            f"{index.name} {index[np.argmax(revenue == 0)]}, column {name}: the objective gamma expects revenue above 0, got 0"
        )


def _check_two_parts(name: str, payers: int, others: int) -> None:
    if payers < MINIMUM_ROWS:
        raise UserError(f"column {name}: --two-part expects at least {MINIMUM_ROWS} rows with revenue, got {payers}")
    if others < MINIMUM_PAYERS:
        raise UserError(f"column {name}: --two-part expects at least {MINIMUM_PAYERS} rows without, got {others}")
