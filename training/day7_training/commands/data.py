"""`inspect` and `synthesize`: look a CSV of installs over, or make one up."""

from __future__ import annotations

from argparse import ArgumentParser, Namespace
from pathlib import Path

from ..data.installs import read_training_installs
from ..data.synthetic import write_synthetic
from ..errors import UserError
from ..quality.checks import inspect_installs
from .options import add_data, natural, positive, warn


def add_inspect(command: ArgumentParser) -> None:
    command.set_defaults(run=_run_inspect)
    add_data(command)
    command.add_argument("--out", type=Path, metavar="FILE", help="write the findings with pictures as one HTML page")


def add_synthesize(command: ArgumentParser) -> None:
    command.set_defaults(run=_run_synthesize)
    command.add_argument("--rows", type=positive, required=True, metavar="N")
    command.add_argument("--seed", type=natural, required=True, metavar="S", help="the same seed gives the same bytes")
    command.add_argument("--out", type=Path, required=True, metavar="FILE")


def _run_inspect(options: Namespace) -> int:
    if options.out and options.out.exists() and options.data.exists() and options.out.samefile(options.data):
        raise UserError(f"--out: expected another file than --data, got {options.out}")
    installs = read_training_installs(options.data, warn)
    inspection = inspect_installs(installs.frame)
    count = len(inspection.findings)
    print(f"{len(installs.frame)} installs, {count} finding{'' if count == 1 else 's'}")
    for finding in inspection.findings:
        print(finding)
    if options.out:
        # Pictures need matplotlib, which the other commands should not wait for.
        from ..quality.report import report_page

        options.out.write_text(report_page(inspection, options.data.name, installs.sha256), encoding="utf-8")
        print(f"written to {options.out}")
    return 0


def _run_synthesize(options: Namespace) -> int:
    write_synthetic(options.out, options.rows, options.seed)
    return 0
