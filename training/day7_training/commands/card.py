"""`card`: a bundle becomes its model card."""

from __future__ import annotations

import json
from argparse import ArgumentParser, Namespace
from pathlib import Path

from ..bundle.folder import open_bundle
from ..errors import UserError
from ..evaluation.card import calibration_picture, model_card


def add_card(command: ArgumentParser) -> None:
    command.set_defaults(run=_run)
    command.add_argument("--bundle", type=Path, required=True, metavar="DIR")
    command.add_argument(
        "--out", type=Path, required=True, metavar="FILE", help="Markdown; the picture is put beside it as SVG"
    )


def _run(options: Namespace) -> int:
    manifest, model = open_bundle(options.bundle)
    file = options.bundle / "evaluation.json"
    if file.name not in manifest["files"]:
        raise UserError(f"{options.bundle}: expected a bundle with {file.name}; an older one has none: train it again")
    evaluation = json.loads(file.read_text(encoding="utf-8"))
    picture = options.out.with_name(f"{options.out.stem}-calibration.svg")
    options.out.write_text(model_card(manifest, evaluation, picture.name, model.plan.inputs), encoding="utf-8")
    picture.write_text(calibration_picture(evaluation), encoding="utf-8")
    print(f"written to {options.out} and {picture}")
    return 0
