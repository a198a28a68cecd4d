"""Trainings that MLflow tracks, a server that tracks them, and what is in its store. Needs the group mlflow."""

from __future__ import annotations

import contextlib
import io
import os
import socket
import sqlite3
import subprocess
import sys
import urllib.request
from collections.abc import Iterator
from pathlib import Path
from typing import NamedTuple

import pytest
from conftest import HANG_SECONDS

from day7_training.cli import main
from day7_training.registry import tracking


class Printed(NamedTuple):
    out: str
    err: str


def train(data: Path, out: Path | str, *options: object) -> tuple[int, Printed]:
    """A small training by the command line: its exit code, and what it printed."""
    stdout, stderr = io.StringIO(), io.StringIO()
    arguments = ["train", "--data", data, "--out", out, "--max-trees", 10, "--golden-rows", 20, *options]
    with contextlib.redirect_stdout(stdout), contextlib.redirect_stderr(stderr):
        code = main([str(argument) for argument in arguments])
    return code, Printed(stdout.getvalue(), stderr.getvalue())


@contextlib.contextmanager
def tracked_at(uri: str | None) -> Iterator[None]:
    with pytest.MonkeyPatch.context() as patch:
        patch.setenv("MLFLOW_TRACKING_URI", uri) if uri else patch.delenv("MLFLOW_TRACKING_URI", raising=False)
        yield


@contextlib.contextmanager
def one_figure() -> Iterator[None]:
    """A run has one empty figure: to draw its own takes longer than all the rest."""
    from matplotlib.figure import Figure

    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(tracking, "_figures", lambda *_: {"importance": Figure()})
        yield


def client():
    import mlflow

    return mlflow.MlflowClient()


def runs():
    experiment = client().get_experiment_by_name("day7-revenue")
    return client().search_runs([experiment.experiment_id])


def copy_database(source: Path, target: Path) -> Path:
    """Also of one that is open."""
    with contextlib.closing(sqlite3.connect(source)) as old, contextlib.closing(sqlite3.connect(target)) as new:
        old.backup(new)
    return target


@contextlib.contextmanager
def mlflow_server(folder: Path) -> Iterator[str]:
    """The URL of a server that keeps everything in `folder`, its database too if that has one: mlflow.db."""
    # What `mlflow server` starts, and the settings it passes on: without its own process it takes half the time.
    command = [sys.executable, "-m", "uvicorn", "mlflow.server.fastapi_app:app"]
    environment = {name: value for name, value in os.environ.items() if not name.lstrip("_").startswith("MLFLOW_")}
    environment |= {
        "MLFLOW_DISABLE_TELEMETRY": "true",
        "MLFLOW_SERVER_ENABLE_JOB_EXECUTION": "false",
        "_MLFLOW_SERVER_FILE_STORE": f"sqlite:///{folder / 'mlflow.db'}",
        "_MLFLOW_SERVER_ARTIFACT_ROOT": "mlflow-artifacts:/",
        "_MLFLOW_SERVER_ARTIFACT_DESTINATION": str(folder / "files"),
        "_MLFLOW_SERVER_SERVE_ARTIFACTS": "true",
    }
    log = folder / "log"
    with socket.create_server(("127.0.0.1", 0)) as listener, log.open("w") as file:
        url, number = f"http://127.0.0.1:{listener.getsockname()[1]}", listener.fileno()
        process = subprocess.Popen(
            [*command, "--fd", str(number)], pass_fds=[number], cwd=folder, env=environment, stdout=file, stderr=file
        )
    try:
        # The port listens already: a request waits there for the server, or is cut off when the process ends.
        try:
            urllib.request.urlopen(f"{url}/health", timeout=HANG_SECONDS).close()
        except OSError as error:
            pytest.fail(f"expected an answer of the MLflow server to GET /health, got {error}: {log.read_text()}")
        yield url
    finally:
        process.kill()
        process.wait()
