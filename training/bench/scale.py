"""Measures how training grows: synthetic rows become one line of seconds, processor seconds and peak memory.

Run it from `training/` as `.venv/bin/python bench/scale.py --rows 1000000`. The CSV is written to a temporary
folder first and not timed; the training is a process of its own, so the figures hold its start and imports,
the reading, the evaluation and the bundle. Ends with code 1 where a limit is exceeded. Other work on the
machine stretches the seconds but not the processor seconds.
"""

from __future__ import annotations

import argparse
import tempfile
from pathlib import Path

from measured import Limit, Measured, run_measured

SEED = 7
TREES = 300


# What two cores must do, by the rows; between these the limit of the next larger one holds.
LIMITS = {15_000: Limit(20, 6), 1_000_000: Limit(300, 6)}


def main() -> int:
    parser = argparse.ArgumentParser(description=(__doc__ or "").partition("\n")[0])
    parser.add_argument("--rows", type=int, help="default: 15000, then 1000000")
    chosen = parser.parse_args().rows
    return max([_show(rows) for rows in ([chosen] if chosen else LIMITS)])


def _show(rows: int) -> int:
    measured = measure(rows)
    limit = next((limit for most, limit in LIMITS.items() if rows <= most), None)
    line = f"{rows:,} rows, {TREES} trees at most: {measured}"
    if limit is None:
        print(line, flush=True)
        return 0
    good = measured.within(limit)
    print(
        f"{line}; limits {limit.seconds:g} s and {limit.gigabytes:g} GB: {'kept' if good else 'EXCEEDED'}", flush=True
    )
    return 0 if good else 1


def measure(rows: int) -> Measured:
    with tempfile.TemporaryDirectory() as folder:
        data, out = Path(folder) / "installs.csv", Path(folder) / "bundle"
        run_measured("synthesize", "--rows", rows, "--seed", SEED, "--out", data)
        return run_measured("train", "--data", data, "--out", out, "--no-mlflow", "--synthetic", "--max-trees", TREES)


if __name__ == "__main__":
    raise SystemExit(main())
