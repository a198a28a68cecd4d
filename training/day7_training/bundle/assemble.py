"""Turns a trained model and its training rows into the files and the manifest of a bundle."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import datetime, timezone
from typing import Any

import lightgbm as lgb

from .folder import FORMAT, default_version, json_text
from .golden import golden_installs, golden_lines
from ..data.installs import Installs
from ..model.parameters import SEED, Parameters
from .profile import make_profile
from ..model.train import Trained, predict

HORIZON_DAYS = 7


@dataclass(frozen=True)
class Label:
    """What the user says about the bundle; without a version it is named by its content."""

    name: str
    version: str | None
    description: str
    synthetic: bool


def bundle_files(trained: Trained, installs: Installs, golden_rows: int) -> dict[str, bytes]:
    """Every file but the manifest. Nothing here depends on the time or the place."""
    features = trained.plan.apply(installs.frame)
    profile = make_profile(trained.plan.features, features, predict(trained.booster, features))
    golden = golden_installs(installs.frame, golden_rows, SEED)
    texts = {
        "features.json": json_text(trained.plan.document),
        "model.json": json_text(trained.booster.dump_model()),
        "model.txt": trained.model_text,
        "golden.ndjson": golden_lines(golden, trained.plan, trained.booster),
        "profile.json": json_text(profile),
    }
    return {name: text.encode() for name, text in texts.items()}


def bundle_manifest(
    trained: Trained, installs: Installs, parameters: Parameters, label: Label, files: dict[str, bytes]
) -> dict[str, Any]:
    """The manifest without the hashes of the files."""
    return {
        "format": FORMAT,
        "name": label.name,
        "version": label.version or default_version(files),
        "created": datetime.now(timezone.utc).isoformat(timespec="seconds").replace("+00:00", "Z"),
        "objective": parameters["objective"],
        "features": trained.plan.features,
        "categorical": trained.plan.categorical,
        "offset": trained.plan.offset,
        "horizonDays": HORIZON_DAYS,
        "training": {
            "dataSha256": installs.sha256,
            "rows": len(installs.frame),
            "description": label.description,
            "synthetic": label.synthetic,
        },
        "metrics": {"holdout": trained.metrics},
        "parameters": {**parameters, "num_iterations": trained.tree_count},
        "lightgbmVersion": lgb.__version__,
    }
