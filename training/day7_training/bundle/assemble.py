"""Turns a trained model and its training rows into the files and the manifest of a bundle."""

from __future__ import annotations

from dataclasses import asdict, dataclass
from datetime import UTC, datetime
from typing import Any

import lightgbm as lgb

from ..model.combination import Combination
from ..model.parameters import SEED, Parameters
from ..model.train import Trained, TrainingRows
from .folder import COMBINED_FORMAT, FORMAT, default_version, json_text
from .golden import golden_installs, golden_lines
from .prediction import prediction_document
from .profile import make_profile

HORIZON_DAYS = 7


@dataclass(frozen=True)
class Label:
    """What the user says about the bundle; without a version it is named by its content."""

    name: str
    version: str | None
    description: str
    synthetic: bool


def bundle_files(trained: Trained, rows: TrainingRows, golden_rows: int) -> dict[str, bytes]:
    """Every file but the manifest. Nothing here depends on the time or the place."""
    model = trained.model
    answers = model.answer(rows.frame)
    golden = golden_installs(rows.frame, golden_rows, SEED)
    texts = {
        "features.json": json_text(model.plan.document),
        **{f"{name}.json": json_text(each.booster.dump_model()) for name, each in model.models.items()},
        **{f"{name}.txt": text for name, text in trained.texts.items()},
        "golden.ndjson": golden_lines(golden, model),
        "profile.json": json_text(make_profile(model.plan.features, answers.features, answers.revenue)),
        "evaluation.json": json_text(trained.evaluation),
    }
    return {name: text.encode() for name, text in texts.items()}


def bundle_manifest(
    trained: Trained,
    rows: TrainingRows,
    data_sha256: str,
    parameters: Parameters,
    label: Label,
    files: dict[str, bytes],
) -> dict[str, Any]:
    """The manifest without the hashes of the files."""
    model, without = trained.model, trained.evaluation["withoutFlagged"]
    plan, combined = model.plan, isinstance(model, Combination)
    return {
        "format": COMBINED_FORMAT if combined else FORMAT,
        "name": label.name,
        "version": label.version or default_version(files, model.models),
        "created": datetime.now(UTC).isoformat(timespec="seconds").replace("+00:00", "Z"),
        "objective": parameters["objective"],
        "features": plan.features,
        "categorical": plan.categorical,
        "offset": plan.offset,
        **({"prediction": prediction_document(model)} if combined else {}),
        "horizonDays": HORIZON_DAYS,
        "training": {
            "dataSha256": data_sha256,
            "rows": len(rows.frame),
            "description": label.description,
            "synthetic": label.synthetic,
            "flagged": [asdict(anomaly) for anomaly in rows.anomalies],
            "flaggedDropped": rows.dropped,
        },
        "metrics": {
            "holdout": trained.evaluation["all"]["metrics"],
            "holdoutWithoutFlagged": None if without is None else without["metrics"],
        },
        "parameters": {**parameters, "num_iterations": trained.tree_count},
        "lightgbmVersion": lgb.__version__,
    }
