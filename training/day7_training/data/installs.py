"""Installs as a frame, and the names of the nine fields of the example.

Text columns hold str or None, all others float64 with NaN for null; the index is each row's line in its file, or its number.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from typing import Any

import numpy as np
import pandas as pd

from ..inputs.schema import NINE_FIELDS, InputSchema

TEXT_FIELDS = ("country", "country_region", "source", "platform", "device_family", "os_version")
NUMBER_FIELDS = ("event_1", "event_2", "event_3")
FIELDS = TEXT_FIELDS + NUMBER_FIELDS
USER_ID = "user_id"
REVENUE = "revenue"


@dataclass(frozen=True)
class Installs:
    """`sha256` is that of the file's bytes; `negative` says what became of targets below 0, where there were some.

    `extra`: what else was asked for of the same rows, by the names of the fields.
    """

    frame: pd.DataFrame
    sha256: str
    inputs: InputSchema = NINE_FIELDS
    negative: Mapping[str, Any] | None = None
    extra: pd.DataFrame | None = None

    @property
    def revenue(self) -> np.ndarray:
        return self.frame[self.inputs.target.name].to_numpy()


def installs_frame(installs: Iterable[Mapping[str, Any]]) -> pd.DataFrame:
    """The nine fields of installs that are already dictionaries."""
    rows = list(installs)
    texts = {name: pd.Series([row[name] for row in rows], dtype=object) for name in TEXT_FIELDS}
    numbers = {name: pd.Series([row[name] for row in rows], dtype=np.float64) for name in NUMBER_FIELDS}
    return pd.DataFrame({**texts, **numbers})
