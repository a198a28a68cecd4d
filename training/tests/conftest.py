"""What the tests share: small trainings, a small synthetic file, a bundle trained on it, and a way to write rows."""

from __future__ import annotations

import os
from importlib.util import find_spec
from pathlib import Path

import pytest

# Read when numpy and LightGBM are imported. With one thread, nothing waits for another thread's turn on a busy
# machine; LightGBM's results are the same with any number (test_train.py compares one with two).
os.environ.setdefault("OMP_NUM_THREADS", "1")
os.environ.setdefault("OPENBLAS_NUM_THREADS", "1")
# Where a test asks for two, the one that waits must not spin on a core that another process needs.
os.environ.setdefault("OMP_WAIT_POLICY", "passive")

from day7_training.cli import main
from day7_training.data.installs import FIELDS, REVENUE
from day7_training.evaluation import evaluation
from day7_training.example.synthetic import write_synthetic
from day7_training.model import parameters
from day7_training.registry import store

HEADER = ",".join([*FIELDS, REVENUE])
ALL_RESAMPLES = evaluation.RESAMPLES
# Ends what hangs; no machine is so busy that something else takes so long.
HANG_SECONDS = 600
ROW = "es,Madrid,Organic,iOS,Apple iPhone,14.4,1,2,3,0.5"

# By group of packages: what its tests import. The base environment has none of them.
GROUPS = {
    "mlflow": ("mlflow",),
    "dask": ("dask", "distributed"),
    "notebook": ("ipykernel", "nbformat", "papermill"),
    "spark": ("pyspark",),
}


def needs(group: str) -> pytest.MarkDecorator:
    """Skips tests where a package of the group is not installed; `pytestmark = needs("mlflow")` skips those of a file."""
    absent = [name for name in GROUPS[group] if find_spec(name) is None]
    reason = f"not installed: {', '.join(absent)}; `npm run venv -- --with {group}` installs it"
    return pytest.mark.skipif(bool(absent), reason=reason)


# Few folds, and few trees where none are asked for.
SMALL = {
    "example.fit.FOLD_COUNT": 3,
    "features.recipe.FOLD_COUNT": 3,
    "model.choice.FOLD_COUNT": 2,
    "model.choice.MAX_TREES": 60,
    "model.held_out.FOLD_COUNT": 2,
    "model.held_out.MAX_TREES": 60,
}


@pytest.fixture(scope="session", autouse=True)
def small_trainings():
    """Little of what most tests do not look at, and what is most of a small training: folds, resamples, threads."""
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(evaluation, "RESAMPLES", evaluation.LEAST_RESAMPLES)
        for name, value in SMALL.items():
            patch.setattr(f"day7_training.{name}", value)
        patch.setitem(parameters._DEFAULTS, "num_threads", 1)
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


@pytest.fixture(scope="session")
def mlflow_tables(tmp_path_factory) -> Path:
    """A database with MLflow's tables, as a first training makes it: it takes longer than to copy one."""
    folder = tmp_path_factory.mktemp("tables")
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(store, "LOCAL_FOLDER", folder)
        patch.delenv("MLFLOW_TRACKING_URI", raising=False)
        store.check_store(None)
    return folder / "mlflow.db"


@pytest.fixture
def write_csv(tmp_path):
    def write(*rows: str, header: str = HEADER) -> Path:
        path = tmp_path / "installs.csv"
        path.write_bytes("\n".join([header, *rows, ""]).encode())
        return path

    return write
