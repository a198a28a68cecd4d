"""Runs a command of the package as a process of its own and measures it: seconds, processor seconds, peak memory."""

from __future__ import annotations

import os
import subprocess
import sys
import time
from pathlib import Path
from typing import NamedTuple

TRAINING = Path(__file__).parents[1]


class Limit(NamedTuple):
    seconds: float
    gigabytes: float


class Measured(NamedTuple):
    seconds: float
    processor_seconds: float
    gigabytes: float

    def __str__(self) -> str:
        processors = f"{self.processor_seconds:.1f} s of processors"
        return f"{self.seconds:.1f} s ({processors}), peak {self.gigabytes:.2f} GB"

    def within(self, limit: Limit) -> bool:
        return self.seconds <= limit.seconds and self.gigabytes <= limit.gigabytes


def run_measured(*options: object) -> Measured:
    """Its bars are drawn, if this is a terminal."""
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
