"""The notebook runs from top to bottom on other installs, and a run that fails leaves no file."""

from __future__ import annotations

import json
import subprocess
import sys

import pytest
from conftest import HANG_SECONDS, needs
from notebook_cells import COMMITTED, FIGURES, code_cells, figures, read_notebook

EXECUTE = COMMITTED.with_name("execute.py")
MODELS = ["mean by country", "ridge", "lightgbm tweedie offset", "lightgbm tuned"]

pytestmark = [needs("notebook"), pytest.mark.long]  # a kernel takes seconds to start, and all cells half a minute


@pytest.fixture(scope="module")
def executed(synthetic_csv, tmp_path_factory):
    target = tmp_path_factory.mktemp("notebook") / "executed.ipynb"
    values = {"DATA": str(synthetic_csv), "FOLDS": 2, "TRIALS": 2, "MODELS": MODELS}
    parameters = [part for name, value in values.items() for part in ("-p", name, json.dumps(value))]
    run = execute(target, *parameters)
    assert run.returncode == 0, run.stderr
    return read_notebook(target)


def execute(*arguments: object) -> subprocess.CompletedProcess:
    command = [sys.executable, EXECUTE, *arguments]
    return subprocess.run(command, capture_output=True, text=True, timeout=HANG_SECONDS)


def test_it_runs_on_other_installs(executed):
    assert figures(executed) == FIGURES
    assert any("injected-parameters" in cell.metadata.get("tags", []) for cell in executed.cells)


def test_the_models_asked_for_are_compared(executed):
    comparison = next(cell for cell in code_cells(executed) if cell.source.endswith("comparison_table(comparison)"))
    text = "".join(comparison.outputs[0].data["text/plain"])
    assert all(model in text for model in MODELS) and "lasso" not in text


def test_a_run_that_fails_says_why_and_leaves_no_file(tmp_path):
    target = tmp_path / "executed.ipynb"
    run = execute(target, "-p", "DATA", tmp_path / "absent.csv")
    assert run.returncode == 1 and "expected a table, found nothing" in run.stderr
    assert not target.exists()
