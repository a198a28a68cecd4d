"""Measures `describe` and `inspect` on a wide table, as processes of their own.

    .venv/bin/python bench/describe.py                     a million rows of forty columns
    .venv/bin/python bench/describe.py --rows 100000

The table is made up: identifiers and campaigns, counts, amounts, booleans, times, empty cells, and a target of which
nine in ten are 0. It is written to a temporary folder first and not timed. Ends with code 1 where a limit is exceeded;
the processor seconds count.
"""

from __future__ import annotations

import argparse
import tempfile
from pathlib import Path

import numpy as np
import pyarrow as pa
from measured import Limit, run_measured
from pyarrow import csv

LIMIT = Limit(60, 4)
SEED = 7
TEXTS, COUNTS, AMOUNTS, BOOLEANS = 12, 12, 8, 4
DISTINCT = (4, 12, 60, 300, 2000, 20_000)
DAYS = 90


def main() -> int:
    parser = argparse.ArgumentParser(description=__doc__.partition("\n")[0])
    parser.add_argument("--rows", type=int, default=1_000_000)
    rows = parser.parse_args().rows
    with tempfile.TemporaryDirectory() as folder:
        data, schema = Path(folder) / "table.csv", Path(folder) / "schema.toml"
        made = table(rows)
        csv.write_csv(made, data)
        about = f"{rows:,} rows, {made.num_columns} columns, {data.stat().st_size / 1e6:.0f} MB"
        del made
        good = [
            _show(f"describe, {about}", "describe", "--data", data, "--target", "revenue_d7", "--out", schema),
            _show(f"inspect, {about}", "inspect", "--data", data, "--schema", schema),
        ]
    return 0 if all(good) else 1


def table(rows: int) -> pa.Table:
    g = np.random.Generator(np.random.PCG64(SEED))
    columns: dict[str, pa.Array] = {"player_id": pa.array(10**12 + g.permutation(rows)).cast(pa.string())}
    start = np.datetime64("2026-03-01T00:00:00")
    seconds = g.integers(0, DAYS * 86_400, rows).astype("timedelta64[s]")
    columns["install_time"] = pa.array(np.datetime_as_string(start + seconds, unit="s"))
    for place in range(TEXTS):
        count = DISTINCT[place % len(DISTINCT)]
        number = np.minimum(g.geometric(4 / count, rows), count) - 1
        texts = pa.array([f"text {place}, {each}" for each in range(count)])
        columns[f"text_{place}"] = texts.take(pa.array(number, mask=g.random(rows) < 0.02 * (place % 3)))
    level = g.gamma(1.0, 3.0, rows)
    for place in range(COUNTS):
        columns[f"count_{place}"] = pa.array(g.poisson(level * (1 + place) / 4))
    for place in range(AMOUNTS):
        columns[f"amount_{place}"] = pa.array(np.round(level * g.lognormal(0, 1, rows), 2), mask=g.random(rows) < 0.05)
    for place in range(BOOLEANS):
        columns[f"flag_{place}"] = pa.array(g.random(rows) < 0.3)
    pays = g.random(rows) < 0.1
    revenue = np.where(pays, np.round(level * g.lognormal(0, 1, rows), 2), 0.0)
    columns["revenue_d7"] = pa.array(revenue)
    columns["revenue_d30"] = pa.array(np.round(revenue * (1 + g.random(rows)), 2))
    return pa.table(columns)


def _show(title: str, *command: object) -> bool:
    measured = run_measured(*command)
    # Other work on the machine stretches the seconds, and these commands use one processor.
    good = measured.processor_seconds <= LIMIT.seconds and measured.gigabytes <= LIMIT.gigabytes
    verdict = "kept" if good else "EXCEEDED"
    print(
        f"{title}: {measured}; limits {LIMIT.seconds:g} s of processors and {LIMIT.gigabytes:g} GB: {verdict}",
        flush=True,
    )
    return good


if __name__ == "__main__":
    raise SystemExit(main())
