"""A real Spark session scores installs with the registered model, by the program of docs/scale.md: the same doubles."""

import re
import shutil
import sys
from importlib.util import find_spec
from pathlib import Path

import numpy as np
import pandas as pd
import pytest
from conftest import needs

from day7_training.bundle.folder import open_bundle
from day7_training.cli import main
from day7_training.data.table import read_table
from day7_training.example.synthetic import write_synthetic
from day7_training.inputs.schema import NINE_FIELDS
from day7_training.registry import store

ROWS = 100_000

pytestmark = [
    pytest.mark.long,  # Spark takes half a minute to start
    needs("spark"),
    needs("mlflow"),
    pytest.mark.skipif(
        shutil.which("java") is None, reason="java not installed: apt-get install openjdk-17-jre-headless"
    ),
    # It says so of every program; what it does with pandas 3 here is what this test compares.
    pytest.mark.filterwarnings("ignore:PySpark does not yet fully support pandas:FutureWarning"),
]


@pytest.fixture
def registered(synthetic_csv, tmp_path, monkeypatch):
    """A bundle that is registered as the challenger, in a store and a working directory of the test's own."""
    monkeypatch.setattr(store, "LOCAL_FOLDER", tmp_path)
    monkeypatch.delenv("MLFLOW_TRACKING_URI", raising=False)
    # Workers start in this directory: the package is not in it, so they run the code that came with the model.
    monkeypatch.chdir(tmp_path)
    out = tmp_path / "bundle"
    arguments = ["train", "--data", synthetic_csv, "--out", out, "--max-trees", 10, "--register"]
    assert main([str(argument) for argument in arguments]) == 0
    monkeypatch.setenv("MLFLOW_TRACKING_URI", f"sqlite:///{tmp_path}/mlflow.db")
    return out


@pytest.fixture
def spark(tmp_path, monkeypatch):
    monkeypatch.setenv("SPARK_LOCAL_IP", "127.0.0.1")
    monkeypatch.setenv("PYSPARK_PYTHON", sys.executable)
    from pyspark.sql import SparkSession

    settings = {
        "spark.driver.host": "127.0.0.1",
        "spark.driver.bindAddress": "127.0.0.1",
        "spark.ui.enabled": "false",
        "spark.local.dir": str(tmp_path / "spark"),
        "spark.sql.warehouse.dir": str(tmp_path / "warehouse"),
        "spark.sql.shuffle.partitions": "2",
    }
    builder = SparkSession.builder.master("local[2]").appName("day7")
    for name, value in settings.items():
        builder = builder.config(name, value)
    session = builder.getOrCreate()
    session.sparkContext.setLogLevel("ERROR")
    yield session
    session.stop()


def test_spark_gives_the_same_doubles(registered, spark, tmp_path):
    installs = tmp_path / "installs.csv"
    write_synthetic(installs, ROWS, seed=19)
    # Nothing but the model brings the package to the workers.
    assert spark.sparkContext.parallelize(["day7_training"], 1).map(find_spec).collect() == [None]
    exec(compile(program(), "docs/scale.md", "exec"), {})

    scored = pd.read_parquet(tmp_path / "scored").set_index("user_id")["predicted_revenue"]
    frame = read_table(installs, NINE_FIELDS, pytest.fail, with_target=False).frame
    _, model = open_bundle(registered)
    assert len(scored) == ROWS and scored.dtype == np.float64
    assert scored.loc[frame["user_id"]].tolist() == model.predict(frame).tolist()


def program() -> str:
    page = Path(__file__).parents[2] / "docs" / "scale.md"
    (block,) = re.findall("```python\n(.*?)```", page.read_text().partition("## Training")[0], re.DOTALL)
    return block
