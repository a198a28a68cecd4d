"""A manifest's key `prediction`: what says how several ensembles make one prediction, written and read.

The trees of an ensemble lie in two files of one name: `payer.json` is what the service evaluates and the manifest
names, `payer.txt` the same for Python. A single model is `model`, those of a mean are `model-1`, `model-2`, …, and
the others have the name of their role. Refuses what it does not understand rather than predict a part of it.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import replace
from pathlib import Path
from typing import Any

import lightgbm as lgb

from ..errors import UserError
from ..features.plan import Plan
from ..model.calibration import Calibration, read_calibration
from ..model.combination import MEAN, QUANTILES, ROLES, Combination, Part, is_calibrated
from ..model.model import LOG_LINK_OBJECTIVES, Model

SERVED, PYTHON = ".json", ".txt"


def prediction_document(combination: Combination, *, calibrated: bool) -> dict[str, Any]:
    """`calibrated`: with the key of a calibration, which only bundles with an input schema have."""
    calibration = combination.calibration
    more = {"calibration": None if calibration is None else calibration.document()} if calibrated else {}
    return {
        "combine": combination.combine,
        "ensembles": [{"role": part.role, **_ensemble(part)} for part in combination.parts],
        "interval": {part.role: _ensemble(part) for part in combination.interval} or None,
        **more,
    }


def read_prediction(
    document: Any, plan: Plan, contents: Mapping[str, bytes], where: Path, *, calibrated: bool = False
) -> Combination:
    """`contents`: the files that the manifest at `where` lists. @raises UserError"""
    reader = _Reader(plan, contents, where)
    combine = reader.get(document, "combine", str)
    if combine not in ROLES:
        raise UserError(f"{where}: expected prediction.combine to be one of {', '.join(ROLES)}, got {combine!r}")
    ensembles = reader.get(document, "ensembles", list)
    roles = tuple(reader.get(each, "role", str) for each in ensembles)
    if roles != ROLES[combine] * (max(2, len(roles)) if combine == MEAN else 1):
        expected = f"two or more {ROLES[MEAN][0]}" if combine == MEAN else ", ".join(ROLES[combine])
        raise UserError(f"{where}: expected {expected} for {combine}, got {', '.join(roles) or 'none'}")
    interval = reader.get(document, "interval", dict | None)
    quantiles = [] if interval is None else [(role, reader.get(interval, role, dict)) for role in QUANTILES]
    parts = [reader.part(role, each) for role, each in [*zip(roles, ensembles), *quantiles]]
    combination = Combination(plan, combine, tuple(parts[: len(roles)]), tuple(parts[len(roles) :]))
    return replace(combination, calibration=_calibration(document, combination, where)) if calibrated else combination


def _calibration(document: Any, combination: Combination, where: Path) -> Calibration | None:
    if "calibration" not in document:
        raise UserError(f"{where}: expected the key calibration in prediction")
    texts = [field.name for field in combination.plan.inputs.fields if field.kind == "text"]
    calibration = read_calibration(document["calibration"], texts, str(where))
    if calibration is not None and not any(is_calibrated(part.role, part.objective) for part in combination.parts):
        raise UserError(f"{where}: expected no calibration, since no ensemble predicts the logarithm of revenue")
    return calibration


def _ensemble(part: Part) -> dict[str, Any]:
    offset = part.model.takes_offset and part.model.plan.offset is not None
    return {"file": part.name + SERVED, "objective": part.objective, "offset": offset}


class _Reader:
    def __init__(self, plan: Plan, contents: Mapping[str, bytes], where: Path) -> None:
        self._plan, self._contents, self._where = plan, contents, where
        self._seen: set[str] = set()

    def get(self, document: Any, key: str, kind: Any) -> Any:
        value = document.get(key) if isinstance(document, dict) else None
        if not isinstance(value, kind):
            raise UserError(f"{self._where}: expected the key {key} in {document!r}")
        return value

    def part(self, role: str, document: Any) -> Part:
        file, objective = self.get(document, "file", str), self.get(document, "objective", str)
        offset = self.get(document, "offset", bool)
        name = file.removesuffix(SERVED)
        if file in self._seen or not {name + SERVED, name + PYTHON} <= self._contents.keys():
            raise UserError(f"{self._where}: expected it to list {name}{SERVED} and {name}{PYTHON} for {role} alone")
        self._seen.add(file)
        if offset and (objective not in LOG_LINK_OBJECTIVES or self._plan.offset is None):
            raise UserError(f"{self._where}: expected no offset for {role}, whose objective is {objective}")
        booster = lgb.Booster(model_str=self._contents[name + PYTHON].decode())
        return Part(role, name, objective, Model(self._plan, booster, offset))
