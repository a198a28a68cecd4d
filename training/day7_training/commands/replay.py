"""`replay`: a CSV goes through a running service and through Python, and every answer is compared."""

from __future__ import annotations

import os
from argparse import ArgumentParser, Namespace
from pathlib import Path

from ..bundle.folder import open_bundle
from ..bundle.replay import SHOWN_DIFFERENCES, replay, service_at
from ..data.table import read_table
from .options import add_data, positive, warn


def add_replay(command: ArgumentParser) -> None:
    command.set_defaults(run=_run_replay)
    add_data(command, "the table; its target may be absent")
    command.add_argument("--bundle", type=Path, required=True, metavar="DIR", help="the bundle that the service serves")
    command.add_argument(
        "--url", required=True, help="the service, such as http://127.0.0.1:5001; an API key in DAY7_API_KEY"
    )
    command.add_argument("--batch", type=positive, default=500, metavar="N", help="installs a request (%(default)s)")


def _run_replay(options: Namespace) -> int:
    _, model = open_bundle(options.bundle)
    installs = read_table(options.data, model.plan.inputs, warn, with_target=False)
    # Not an option: what stands in a command line, others on the machine can read.
    service = service_at(options.url, os.environ.get("DAY7_API_KEY"))
    equal, differences = replay(installs.frame, model, service, options.batch)
    for difference in differences[:SHOWN_DIFFERENCES]:
        print(difference)
    print(f"{equal} of {equal + len(differences)} equal")
    return 1 if differences else 0
