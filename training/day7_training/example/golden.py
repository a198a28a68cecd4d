"""Makes the golden installs: the rows on which the service must repeat Python to the last bit.

First installs that have each broken some preprocessing somewhere (nulls, strange texts, counts from
the smallest double to 1e300, versions that are not versions), then a seeded sample of the training
rows, every second one with fields changed. Dirt is only of kinds that the service accepts.
"""

from __future__ import annotations

import math
import random
from collections.abc import Mapping
from typing import Any

import pandas as pd

from ..bundle.golden import STRANGE_TEXTS, STRANGE_VERSIONS, Install
from ..data.installs import FIELDS, NUMBER_FIELDS, TEXT_FIELDS

_ORDINARY: Install = {
    "country": "es",
    "country_region": "Madrid",
    "source": "Organic",
    "platform": "iOS",
    "device_family": "Apple iPhone",
    "os_version": "14.4",
    "event_1": 100,
    "event_2": 50,
    "event_3": 10,
}

_STRANGE_COUNTS: tuple[float, ...] = (
    0, -0.0, 5e-324, 1e-300, 1e-35, 1e-9, 0.1, 0.5, 1, 1.5, 3, 2**31, 2**32, 1e12, 2**53, 2**53 + 2, 1e21, 1e22, 1e300,
)  # fmt: skip


def golden_installs(frame: pd.DataFrame, rows: int, seed: int) -> list[Install]:
    """`rows` installs; `frame` is the training data that the sample is taken from."""
    strange = _strange_installs()[:rows]
    chooser = random.Random(seed)
    sample = [_install(frame.iloc[chooser.randrange(len(frame))]) for _ in range(rows - len(strange))]
    return strange + [_changed(install, chooser) if place % 2 else install for place, install in enumerate(sample)]


def plain_install(row: Mapping[str, Any]) -> Install:
    """The nine fields of a row of a frame as JSON has them: whole numbers without a point, NaN as null."""
    texts = {name: row[name] for name in TEXT_FIELDS}
    return {**texts, **{name: _plain_number(row[name]) for name in NUMBER_FIELDS}}


def _install(row: pd.Series) -> Install:
    return plain_install(row.to_dict())


def _plain_number(value: float) -> int | float | None:
    if math.isnan(value):
        return None
    return int(value) if value.is_integer() and value < 2**53 else float(value)


def _strange_installs() -> list[Install]:
    changes: list[Install] = [{}, {"event_3": None}, dict.fromkeys(NUMBER_FIELDS, 0)]
    changes.append({**dict.fromkeys(TEXT_FIELDS), "event_3": None})
    changes += [{"os_version": version} for version in STRANGE_VERSIONS]
    for count in _STRANGE_COUNTS:
        changes += [dict.fromkeys(NUMBER_FIELDS, count), {"event_2": count}, {"event_1": count, "event_3": None}]
    for text in STRANGE_TEXTS:
        changes.append({"platform": text})
        changes.append(dict.fromkeys(("country", "country_region", "source", "device_family"), text))
    changes += [{"platform": platform} for platform in ("ios", "IOS", "iOs", "ANDROID", "Android", "\u0131os")]
    return [{**_ORDINARY, **change} for change in changes]


def _changed(install: Install, chooser: random.Random) -> Install:
    changed = dict(install)
    for name in chooser.sample(FIELDS, chooser.randint(1, 3)):
        changed[name] = _change(name, install[name], chooser)
    return changed


def _change(name: str, value: Any, chooser: random.Random) -> Any:
    if name in NUMBER_FIELDS:
        nothing = [None] if name == "event_3" else []
        return chooser.choice([*_STRANGE_COUNTS, *nothing, chooser.randrange(1000), chooser.random() * 100])
    if name == "os_version":
        return chooser.choice([*STRANGE_VERSIONS, f"{chooser.randrange(20)}.{chooser.randrange(10)}"])
    text = value or "unseen"
    return chooser.choice([None, "", text.upper(), text.lower(), text.swapcase(), text + " ", text[::-1]])
