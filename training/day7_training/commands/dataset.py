"""`dataset`: the installs of a running service whose revenue is known, as a file to train on."""

from __future__ import annotations

from argparse import ArgumentParser, Namespace
from pathlib import Path

from ..loop.dataset import schema_path, write_dataset
from ..loop.service import Service
from .options import add_service, api_key


def add_dataset(command: ArgumentParser) -> None:
    command.set_defaults(run=_run_dataset)
    add_service(command)
    command.add_argument("--since", metavar="TIME", help="installs from this time on (ISO 8601; default: all)")
    command.add_argument("--until", metavar="TIME", help="installs before this time (default: now)")
    command.add_argument(
        "--out", type=Path, required=True, metavar="FILE.parquet", help="the file; an older one is replaced"
    )


def _run_dataset(options: Namespace) -> int:
    dataset = write_dataset(Service(options.url, api_key(options)), options.out, options.since, options.until)
    days, incomplete = dataset.days, [day for day in dataset.days if not day.complete and day.installs > day.pending]
    print(f"{dataset.rows} installs of {len(days)} days, {days[0].day} to {days[-1].day}, written to {options.out}")
    print(f"the input schema {dataset.schema.id} written to {schema_path(options.out)}")
    print(f"{sum(day.pending for day in days)} installs are pending: their horizon has not passed")
    if left_out := sum(day.left_out for day in days):
        print(f"{left_out} installs are left out, since their revenue is not known")
    if incomplete:
        print(f"outcomes are not complete for {len(incomplete)} days: {', '.join(day.day for day in incomplete[:10])}")
    if dataset.other_schemas:
        print(f"{dataset.other_schemas} installs have other inputs")
    return 0
