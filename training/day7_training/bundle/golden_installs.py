"""Makes the golden installs of any input schema: the rows on which the service must repeat Python to the last bit.

First rows in which every field goes through values that have each broken some preprocessing somewhere (strange texts,
numbers from the smallest double to the bounds, days before 1970, nulls), then a seeded sample of the training rows, every
second one with fields changed. Dirt is only of kinds that the schema accepts.
"""

from __future__ import annotations

import random
from typing import Any

import pandas as pd

from ..data.objects import object_of
from ..inputs.field import Field
from ..inputs.schema import InputSchema
from .golden import STRANGE_TEXTS, STRANGE_VERSIONS

Install = dict[str, Any]

_STRANGE_NUMBERS: tuple[float, ...] = (
    0, 5e-324, 1e-300, 1e-35, 1e-9, 0.1, 0.5, 1, 1.5, 3, 2**31, 2**32, 1e12, 2**53, 1e21, 1e22, 1e300,
    -1, -0.5, -1e-300, -(2**53), -1e300,
)  # fmt: skip

_STRANGE_TIMES = (
    "1970-01-01T00:00:00.000Z", "1969-12-31T23:59:59.999Z", "1970-01-01T00:59:59.999Z", "1970-01-01T01:00:00.000Z",
    "2026-02-28T23:59:59.999Z", "2024-02-29T12:00:00.000Z", "0001-01-01T00:00:00.000Z", "9999-12-31T23:59:59.999Z",
    "1582-10-15T00:00:00.000Z", "2000-01-03T00:00:00.000Z", "1900-03-01T07:30:00.001Z", "2038-01-19T03:14:08.000Z",
)  # fmt: skip

# Wide tables have fewer rows: a bundle is checked whenever it is loaded.
_MOST_VALUES = 400_000
_LEAST_ROWS = 60


def golden_installs(schema: InputSchema, frame: pd.DataFrame, rows: int, seed: int) -> list[Install]:
    """`frame` is the training data that the sample is taken from."""
    count = min(rows, max(_LEAST_ROWS, _MOST_VALUES // len(schema.fields)))
    chooser = random.Random(seed)
    choices = {field.name: strange_values(field) for field in schema.fields}
    whole = max(map(len, choices.values()))
    strange = [
        {name: values[(row + 7 * place) % len(values)] for place, (name, values) in enumerate(choices.items())}
        for row in range(min(whole, count))
    ]
    sampled = (frame.iloc[chooser.randrange(len(frame))] for _ in range(count - len(strange)))
    sample = [object_of(schema, row) for row in sampled]
    return strange + [_changed(each, choices, chooser) if place % 2 else each for place, each in enumerate(sample)]


def strange_values(field: Field) -> list[Any]:
    """Values that the field accepts, null where it may be."""
    nothing = [None] if field.nullable else []
    if field.kind == "boolean":
        return [True, False, *nothing]
    if field.kind == "time":
        return [*_STRANGE_TIMES, *nothing]
    if field.kind == "number":
        bounds = [bound for bound in (field.minimum, field.maximum) if bound == int(bound) or abs(bound) < 1e15]
        numbers = [value for value in (*_STRANGE_NUMBERS, *bounds) if field.minimum <= value <= field.maximum]
        return [*(numbers or [field.minimum]), *nothing]
    texts = [*STRANGE_TEXTS, *STRANGE_VERSIONS] if "version" in field.roles else [*STRANGE_TEXTS]
    accepted = [
        text
        for text in texts
        if text and "\0" not in text and len(text) <= field.max_length and text not in field.missing
    ]
    return [*(accepted or ["a"]), *([""] if "" not in field.missing else []), *nothing]


def _changed(install: Install, choices: dict[str, list[Any]], chooser: random.Random) -> Install:
    changed = dict(install)
    names = list(install)
    for name in chooser.sample(names, min(len(names), chooser.randint(1, 3))):
        value = install[name]
        others = choices[name]
        if isinstance(value, str):
            others = [
                *others,
                *(each for each in (value.upper(), value.lower(), value + " ") if _stays_a_text(each, others)),
            ]
        changed[name] = chooser.choice(others)
    return changed


def _stays_a_text(text: str, others: list[Any]) -> bool:
    # A time in capitals is one as well, but a blank behind it is none.
    return not any(isinstance(each, str) and each in _STRANGE_TIMES for each in others) and len(text) < 200
