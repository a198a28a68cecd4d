"""The folder that a retraining works in: its lock, its files, and what the last one decided."""

from __future__ import annotations

import fcntl
import json
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from ..errors import UserError


class BusyError(UserError):
    """Another retraining works in the folder."""


@dataclass(frozen=True)
class Work:
    folder: Path

    @property
    def dataset(self) -> Path:
        return self.folder / "dataset.parquet"

    @property
    def bundle(self) -> Path:
        return self.folder / "bundle"

    @property
    def report(self) -> Path:
        return self.folder / "report.html"

    def last(self) -> dict[str, Any]:
        """What the last retraining decided; empty if there was none, or it did not come to an end."""
        try:
            document = json.loads(self._last.read_text(encoding="utf-8"))
        except (OSError, ValueError):
            return {}
        return document if isinstance(document, dict) else {}

    def forget(self) -> None:
        self._last.unlink(missing_ok=True)

    def remember(self, document: dict[str, Any]) -> None:
        partial = self.folder / ".decision.partial"
        partial.write_text(json.dumps(document, indent=2) + "\n", encoding="utf-8")
        partial.replace(self._last)

    @property
    def _last(self) -> Path:
        return self.folder / "decision.json"


@contextmanager
def work_in(folder: Path) -> Iterator[Work]:
    """@raises BusyError. The lock goes with the process, however it ends"""
    folder.mkdir(parents=True, exist_ok=True)
    with (folder / ".lock").open("w") as lock:
        try:
            fcntl.flock(lock, fcntl.LOCK_EX | fcntl.LOCK_NB)
        except BlockingIOError:
            raise BusyError(f"{folder}: expected no other retraining in it, but one is running") from None
        yield Work(folder)
