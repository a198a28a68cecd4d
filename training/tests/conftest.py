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
from day7_training.evaluation import evaluation

HEADER = ",".join([*FIELDS, REVENUE])
ALL_RESAMPLES = evaluation.RESAMPLES
ROW = "es,Madrid,Organic,iOS,Apple iPhone,14.4,1,2,3,0.5"


@pytest.fixture(scope="session", autouse=True)
def few_resamples():
    """Most tests look at no interval, which would be a quarter of a small training."""
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(evaluation, "RESAMPLES", evaluation.LEAST_RESAMPLES)
        yield


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
