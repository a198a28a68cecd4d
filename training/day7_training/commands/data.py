"""`inspect` and `synthesize`: look a CSV of installs over, or make one up."""

from __future__ import annotations

import json
from argparse import ArgumentParser, Namespace
from collections.abc import Mapping
from pathlib import Path

from ..errors import UserError
from ..example.synthetic import write_synthetic
from ..features.plan import Plan
from ..inputs.schema import NINE_FIELDS
from ..quality.checks import inspect_installs
from ..quality.unknown import unknown_texts, values_outside
from .options import add_data, natural, positive
from .schema import add_schema, read_installs_of, read_schema


def add_inspect(command: ArgumentParser) -> None:
    command.set_defaults(run=_run_inspect)
    add_data(command)
    add_schema(command)
    command.add_argument(
        "--bundle",
        type=Path,
        metavar="DIR",
        help="a bundle: count the values that its training never saw; its schema, too",
    )
    command.add_argument("--out", type=Path, metavar="FILE", help="write the findings with pictures as one HTML page")


def add_synthesize(command: ArgumentParser) -> None:
    command.set_defaults(run=_run_synthesize)
    command.add_argument("--rows", type=positive, required=True, metavar="N")
    command.add_argument("--seed", type=natural, required=True, metavar="S", help="the same seed gives the same bytes")
    command.add_argument("--out", type=Path, required=True, metavar="FILE")


def _run_inspect(options: Namespace) -> int:
    if options.out and options.out.exists() and options.data.exists() and options.out.samefile(options.data):
        raise UserError(f"--out: expected another file than --data, got {options.out}")
    schema = read_schema(options.schema) if options.schema else None
    plan, ranges = _trained(options.bundle) if options.bundle else (None, {})
    if schema is None and plan is not None and plan.inputs.id != NINE_FIELDS.id:
        schema = plan.inputs
    installs = read_installs_of(options, schema)
    inspection = inspect_installs(installs.frame, installs.inputs)
    findings = [
        *(unknown_texts(installs.frame, plan) if plan else ()),
        *values_outside(installs.frame, installs.inputs, ranges),
        *inspection.findings,
    ]
    count = len(findings)
    print(f"{len(installs.frame)} installs, {count} finding{'' if count == 1 else 's'}")
    for finding in findings:
        print(finding)
    if options.out:
        # Pictures need matplotlib, which the other commands should not wait for.
        from ..quality.report import report_page

        options.out.write_text(report_page(inspection, options.data.name, installs.sha256), encoding="utf-8")
        print(f"written to {options.out}")
    return 0


def _trained(directory: Path) -> tuple[Plan, Mapping[str, Mapping[str, float]]]:
    """The plan, and the ranges of fields where the bundle has them."""
    # A bundle needs LightGBM, which a table alone should not wait for.
    from ..bundle.folder import open_bundle

    plan = open_bundle(directory)[1].plan
    profile = json.loads((directory / "profile.json").read_text("utf-8"))
    return plan, profile.get("fields", {})


def _run_synthesize(options: Namespace) -> int:
    write_synthetic(options.out, options.rows, options.seed)
    return 0
