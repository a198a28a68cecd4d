"""Measures how training grows: synthetic rows become one line of seconds, processor seconds and peak memory.

Run it from `training/` as `.venv/bin/python bench/scale.py --rows 1000000`. The CSV is written to a temporary
folder first and not timed; the training is a process of its own, so the figures hold its start and imports,
the reading, the evaluation and the bundle. Ends with code 1 where a limit is exceeded. Other work on the
machine stretches the seconds but not the processor seconds.
"""

from __future__ import annotations

import argparse
import os
import subprocess
import sys
import tempfile
import time
from pathlib import Path
from typing import NamedTuple

TRAINING = Path(__file__).parents[1]
SEED = 7
TREES = 300


class Limit(NamedTuple):
    seconds: float
    gigabytes: float


# What two cores must do, by the rows; between these the limit of the next larger one holds.
LIMITS = {15_000: Limit(20, 6), 1_000_000: Limit(300, 6)}


class Measured(NamedTuple):
    seconds: float
    processor_seconds: float
    gigabytes: float


def main() -> int:
    parser = argparse.ArgumentParser(description=(__doc__ or "").partition("\n")[0])
    parser.add_argument("--rows", type=int, help="default: 15000, then 1000000")
    chosen = parser.parse_args().rows
    return max([_show(rows) for rows in ([chosen] if chosen else LIMITS)])


def _show(rows: int) -> int:
    measured = measure(rows)
    limit = next((limit for most, limit in LIMITS.items() if rows <= most), None)
    line = (
        f"{rows:,} rows, {TREES} trees at most: {measured.seconds:.1f} s "
        f"({measured.processor_seconds:.1f} s of processors), peak {measured.gigabytes:.2f} GB"
    )
    if limit is None:
        print(line, flush=True)
        return 0
    good = measured.seconds <= limit.seconds and measured.gigabytes <= limit.gigabytes
    print(
        f"{line}; limits {limit.seconds:g} s and {limit.gigabytes:g} GB: {'kept' if good else 'EXCEEDED'}", flush=True
    )
    return 0 if good else 1


def measure(rows: int) -> Measured:
    with tempfile.TemporaryDirectory() as folder:
        data, out = Path(folder) / "installs.csv", Path(folder) / "bundle"
        _run("synthesize", "--rows", rows, "--seed", SEED, "--out", data)
        return _run("train", "--data", data, "--out", out, "--no-mlflow", "--synthetic", "--max-trees", TREES)


def _run(*options: object) -> Measured:
    """A command of the package as a process of its own. Its bars are drawn, if this is a terminal."""
    command = [sys.executable, "-m", "day7_training", *map(str, options)]
    environment = {"OMP_WAIT_POLICY": "passive", **os.environ}
    start = time.perf_counter()
    process = subprocess.Popen(command, cwd=TRAINING, env=environment, stdout=subprocess.DEVNULL)
    # RUSAGE_CHILDREN would tell the peak of the largest child so far, and not of this one.
    _, status, usage = os.wait4(process.pid, 0)
    seconds = time.perf_counter() - start
    process.returncode = os.waitstatus_to_exitcode(status)
    if process.returncode:
        raise subprocess.CalledProcessError(process.returncode, command)
    # Linux counts the peak in KiB.
    return Measured(seconds, usage.ru_utime + usage.ru_stime, usage.ru_maxrss * 1024 / 1e9)


if __name__ == "__main__":
    raise SystemExit(main())
