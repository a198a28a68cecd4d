"""`describe`: looks at a table and writes the input schema that it proposes."""

from __future__ import annotations

import argparse
import math
from argparse import ArgumentParser, Namespace
from pathlib import Path

from ..data.table import read_all_columns
from ..describe.proposal import propose
from ..describe.toml import toml_of
from ..errors import UserError
from .options import add_data, filled, warn
from .schema import parse_toml

HORIZON_DAYS = 7


def add_describe(command: ArgumentParser) -> None:
    command.set_defaults(run=_run_describe)
    add_data(command)
    command.add_argument("--target", type=filled, required=True, metavar="COLUMN", help="what the model is to predict")
    command.add_argument(
        "--horizon", type=_days, default=HORIZON_DAYS, metavar="DAYS", help="after which it is known (%(default)s)"
    )
    command.add_argument("--out", type=Path, required=True, metavar="FILE", help="the schema, such as schema.toml")


def _days(text: str) -> float:
    try:
        value = float(text)
    except ValueError:
        value = math.nan
    if not 0 < value <= 3650:
        raise argparse.ArgumentTypeError(f"expected a number of days above 0 and at most 3650, got {text!r}")
    return value


def _run_describe(options: Namespace) -> int:
    if options.out.exists() and options.data.exists() and options.out.samefile(options.data):
        raise UserError(f"--out: expected another file than --data, got {options.out}")
    proposal = propose(read_all_columns(options.data, options.target), options.target, options.horizon)
    text = toml_of(proposal, options.data.name)
    # What is written must be what train reads.
    parse_toml(text, options.out)
    options.out.write_text(text, encoding="utf-8")
    print(f"{len(proposal.fields)} fields from {proposal.rows} rows, written to {options.out}")
    if proposal.user_id is not None:
        print(f"id: {proposal.user_id.name}")
    for role in ("install_time", "facet", "group"):
        names = [field.document["name"] for field in proposal.fields if role in field.document["roles"]]
        print(f"{role.replace('_', ' ')}: {', '.join(names) or 'none'}")
    for note in proposal.notes:
        print(f"target {options.target}: {note}")
    for field, reason in proposal.left_out:
        print(f"{'LEAK' if field.facts.name in proposal.leaks else 'left out'}: {field.facts.name!r}: {reason}")
    for field in proposal.fields:
        if field.facts.ambiguous:
            warn(f"{field.facts.name}: every date can be read with the day or the month first; check its format")
    return 0
