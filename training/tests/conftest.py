"""What the tests share: a small synthetic file, a bundle trained on it, and a way to write rows."""

from __future__ import annotations

import os
from pathlib import Path

import pytest

# Read when LightGBM is imported: threads that wait for work must not spin on a core that another process needs.
os.environ.setdefault("OMP_WAIT_POLICY", "passive")

from day7_training.cli import main
from day7_training.data.installs import FIELDS, REVENUE
from day7_training.data.synthetic import write_synthetic

HEADER = ",".join([*FIELDS, REVENUE])
ROW = "es,Madrid,Organic,iOS,Apple iPhone,14.4,1,2,3,0.5"


@pytest.fixture(scope="session")
def synthetic_csv(tmp_path_factory) -> Path:
    path = tmp_path_factory.mktemp("data") / "installs.csv"
    write_synthetic(path, rows=1500, seed=3)
    return path


@pytest.fixture(scope="session")
def bundle(synthetic_csv, tmp_path_factory) -> Path:
    directory = tmp_path_factory.mktemp("bundles") / "small"
    arguments = ["train", "--data", synthetic_csv, "--out", directory, "--max-trees", 30, "--synthetic", "--no-mlflow"]
    assert main([str(argument) for argument in arguments]) == 0
    return directory


@pytest.fixture
def write_csv(tmp_path):
    def write(*rows: str, header: str = HEADER) -> Path:
        path = tmp_path / "installs.csv"
        path.write_bytes("\n".join([header, *rows, ""]).encode())
        return path

    return write
