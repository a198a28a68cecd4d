"""Field names -> names of columns: ASCII letters, digits and underscores, since LightGBM takes no others as they are."""

from __future__ import annotations

import re

_OTHERS = re.compile("[^A-Za-z0-9]+")


class ColumnNames:
    """Gives out names, each once; a second of the same gets a number."""

    def __init__(self) -> None:
        self._given: set[str] = set()

    def new(self, *parts: str) -> str:
        name = _OTHERS.sub("_", "_".join(parts)).strip("_") or "field"
        free, number = name, 2
        while free.lower() in self._given:
            free, number = f"{name}_{number}", number + 1
        self._given.add(free.lower())
        return free
