"""Turns a trained model and its training rows into the files and the manifest of a bundle."""

from __future__ import annotations

from dataclasses import asdict, dataclass
from datetime import UTC, datetime
from typing import Any

import lightgbm as lgb

from ..data.installs import installs_frame
from ..data.objects import frame_of
from ..example.golden import golden_installs as example_installs
from ..inputs.schema import NINE_FIELDS
from ..model.combination import AnyModel, Combination
from ..model.parameters import SEED, Parameters
from ..model.train import Trained
from ..model.training_rows import TrainingRows
from .folder import COMBINED_FORMAT, FORMAT, INPUTS, INPUTS_FORMAT, default_version, json_text
from .golden import golden_lines
from .golden_installs import golden_installs
from .prediction import prediction_document
from .profile import field_ranges, make_profile


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
    texts = {
        **({} if rows.inputs is NINE_FIELDS else {INPUTS: json_text(rows.inputs.document)}),
        "features.json": json_text(model.plan.document),
        **{f"{name}.json": json_text(each.booster.dump_model()) for name, each in model.models.items()},
        **{f"{name}.txt": text for name, text in trained.texts.items()},
        "golden.ndjson": _golden_lines(model, rows, golden_rows),
        "profile.json": json_text(
            make_profile(model.plan.features, answers.features, answers.revenue, field_ranges(rows.inputs, rows.frame))
        ),
        "evaluation.json": json_text(trained.evaluation),
    }
    return {name: text.encode() for name, text in texts.items()}


def _golden_lines(model: AnyModel, rows: TrainingRows, count: int) -> str:
    if rows.inputs is NINE_FIELDS:
        installs = example_installs(rows.frame, count, SEED)
        return golden_lines(installs, installs_frame(installs), model)
    installs = golden_installs(rows.inputs, rows.frame, count, SEED)
    return golden_lines(installs, frame_of(rows.inputs, installs), model)


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
    with_inputs = rows.inputs is not NINE_FIELDS
    return {
        "format": INPUTS_FORMAT if with_inputs else COMBINED_FORMAT if combined else FORMAT,
        "name": label.name,
        "version": label.version or default_version(files, model.models),
        "created": datetime.now(UTC).isoformat(timespec="seconds").replace("+00:00", "Z"),
        "objective": parameters["objective"],
        "features": plan.features,
        "categorical": plan.categorical,
        "offset": plan.offset,
        **({"prediction": prediction_document(model, calibrated=with_inputs)} if combined else {}),
        "horizonDays": rows.inputs.target.horizon_days,
        "training": {
            "dataSha256": data_sha256,
            "rows": len(rows.frame),
            "description": label.description,
            "synthetic": label.synthetic,
            "flagged": [asdict(anomaly) for anomaly in rows.anomalies],
            "flaggedDropped": rows.dropped,
            **({"negative": rows.negative} if with_inputs else {}),
        },
        "metrics": {
            "holdout": trained.evaluation["all"]["metrics"],
            "holdoutWithoutFlagged": None if without is None else without["metrics"],
        },
        "parameters": {**parameters, "num_iterations": trained.tree_count},
        "lightgbmVersion": lgb.__version__,
    }
