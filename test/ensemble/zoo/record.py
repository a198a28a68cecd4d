"""Asks LightGBM about a model, and writes the model, the rows and the answers as one file.

The judge is the booster loaded again from its text, given float64 arrays: that is what a reader of the file must
equal. A file is gzip of one JSON document; arrays are base64 of little-endian doubles (leaves: int32).
test/ensemble/zoo.ts reads it.
"""

from __future__ import annotations

import base64
import gzip
import json
from pathlib import Path
from typing import Any

import lightgbm as lgb
import numpy as np
from hostile import hostile_rows
from recipes import Specimen

CONTRIBUTION_ROWS = 15
RANGE_ROWS = 24
RANGES = [(0, 1), (0, 3), (3, 4), (5, -1), (5, 0), (2, 1000), (99, -1), (-3, 2)]


def record(specimen: Specimen, rng: np.random.Generator) -> dict[str, Any]:
    booster = lgb.Booster(model_str=specimen.text)
    header = dict(line.split("=", 1) for line in specimen.text.split("\nTree=")[0].splitlines() if "=" in line)
    rows = hostile_rows(specimen.text, specimen.table, specimen.hostile_rows, rng)
    linear = "is_linear=1" in specimen.text
    contributions = specimen.contributions and not linear
    dump, refused = (None, specimen.dump_refused) if specimen.dump_refused else _dump(booster)
    document = {
        "name": specimen.name,
        "text": specimen.text,
        "dump": dump,
        "dumpRefused": refused,
        "featureNames": booster.feature_name(),
        "treeCount": booster.num_trees(),
        "classCount": booster.num_model_per_iteration(),
        "objective": header.get("objective", ""),
        "linear": linear,
        "rows": _base64(rows),
        "answers": [_answers(booster, rows, contributions, 0, -1)],
    }
    if specimen.ranges:
        some = rows[:RANGE_ROWS]
        document["answers"] += [_answers(booster, some, contributions, start, count) for start, count in RANGES]
    return document


def write(document: dict[str, Any], folder: Path) -> int:
    """@returns the bytes written"""
    text = json.dumps(document, ensure_ascii=False, allow_nan=False, separators=(",", ":"))
    packed = gzip.compress(text.encode(), 9, mtime=0)
    (folder / f"{document['name']}.json.gz").write_bytes(packed)
    return len(packed)


def _dump(booster: lgb.Booster) -> tuple[dict[str, Any] | None, str | None]:
    """The dump, or why there is none: linear trees on wide values are trained to leaves that are not numbers."""
    try:
        return booster.dump_model(num_iteration=-1), None
    except json.JSONDecodeError as error:
        line = error.doc[error.pos :].split("\n")[0]
        return None, f"the dump is not JSON: {line.rstrip(',')} in it"


def _answers(booster: lgb.Booster, rows: np.ndarray, contributions: bool, start: int, count: int) -> dict[str, Any]:
    def ask(rows: np.ndarray, **kind: bool) -> np.ndarray:
        return booster.predict(rows, start_iteration=start, num_iteration=count, num_threads=1, **kind)

    return {
        "startIteration": start,
        "numIterations": count,
        "rowCount": len(rows),
        "raw": _base64(ask(rows, raw_score=True)),
        "output": _base64(ask(rows)),
        "leaves": _base64(ask(rows, pred_leaf=True), "<i4"),
        "contributions": _base64(ask(rows[:CONTRIBUTION_ROWS], pred_contrib=True)) if contributions else None,
    }


def _base64(values: np.ndarray, kind: str = "<f8") -> str:
    return base64.b64encode(np.ascontiguousarray(values, dtype=kind).tobytes()).decode()
