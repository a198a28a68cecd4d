"""The notebook runs from top to bottom on other installs, and the committed one shows its outputs and nothing else."""

from __future__ import annotations

import ast
import json
import re
import subprocess
import sys
from pathlib import Path

import nbformat
import pytest
from IPython.core.inputtransformer2 import TransformerManager

NOTEBOOKS = Path(__file__).parents[1] / "notebooks"
COMMITTED = NOTEBOOKS / "model_development.ipynb"
MODELS = ["mean by country", "ridge", "lightgbm tweedie offset", "lightgbm tuned"]
# The parameters and the imports show nothing.
SILENT_CELLS = 2
FIGURES = 14
LARGEST_BYTES = 3_000_000


@pytest.fixture(scope="module")
def committed() -> nbformat.NotebookNode:
    return nbformat.read(COMMITTED, as_version=4)


@pytest.fixture(scope="module")
def executed(synthetic_csv, tmp_path_factory) -> nbformat.NotebookNode:
    target = tmp_path_factory.mktemp("notebook") / "executed.ipynb"
    values = {"DATA": str(synthetic_csv), "FOLDS": 2, "TRIALS": 2, "MODELS": MODELS}
    parameters = [part for name, value in values.items() for part in ("-p", name, json.dumps(value))]
    run = execute(target, *parameters)
    assert run.returncode == 0, run.stderr
    return nbformat.read(target, as_version=4)


def execute(*arguments: object) -> subprocess.CompletedProcess:
    command = [sys.executable, NOTEBOOKS / "execute.py", *arguments]
    return subprocess.run(command, capture_output=True, text=True, timeout=300)


def code_cells(notebook):
    return [cell for cell in notebook.cells if cell.cell_type == "code"]


def figures(notebook) -> int:
    outputs = [output for cell in code_cells(notebook) for output in cell.outputs]
    return sum("image/png" in output.get("data", {}) for output in outputs)


@pytest.mark.long
def test_it_runs_on_other_installs(executed):
    assert figures(executed) == FIGURES
    assert any("injected-parameters" in cell.metadata.get("tags", []) for cell in executed.cells)


@pytest.mark.long
def test_the_models_asked_for_are_compared(executed):
    comparison = next(cell for cell in code_cells(executed) if cell.source.endswith("comparison_table(comparison)"))
    text = comparison.outputs[0].data["text/plain"]
    assert all(model in text for model in MODELS) and "lasso" not in text


def test_a_run_that_fails_says_why_and_leaves_no_file(tmp_path):
    target = tmp_path / "executed.ipynb"
    run = execute(target, "-p", "DATA", tmp_path / "absent.csv")
    assert run.returncode == 1 and "expected a CSV file, found nothing" in run.stderr
    assert not target.exists()


def test_every_committed_cell_was_executed_in_order_and_shows_something(committed):
    cells = code_cells(committed)
    assert [cell.execution_count for cell in cells] == list(range(1, len(cells) + 1))
    assert [bool(cell.outputs) for cell in cells] == [place >= SILENT_CELLS for place in range(len(cells))]
    assert figures(committed) == FIGURES


def test_no_committed_output_is_an_error_or_a_warning_or_tells_of_a_machine(committed):
    for cell in code_cells(committed):
        for output in cell.outputs:
            assert output.output_type in ("execute_result", "display_data"), output
            text = json.dumps({kind: data for kind, data in output.data.items() if kind != "image/png"})
            assert "Warning" not in text
            assert not re.search(r"(?<![\w.<])/(?:home|root|tmp|usr|var|work|Users|private|opt)/", text), text
            assert not re.search(r"0x[0-9a-f]{8}", text), text


def test_the_committed_file_is_small_and_has_nothing_of_its_run(committed):
    assert COMMITTED.stat().st_size < LARGEST_BYTES
    assert set(committed.metadata) == {"kernelspec", "language_info"}
    assert all(set(cell.metadata) <= {"tags"} for cell in committed.cells)
    assert [cell.metadata.get("tags") for cell in code_cells(committed)][:2] == [["parameters"], None]


def test_its_cells_hold_no_logic(committed):
    logic = (ast.FunctionDef, ast.AsyncFunctionDef, ast.ClassDef, ast.Lambda, ast.For, ast.While, ast.Try, ast.If)
    for cell in code_cells(committed):
        tree = ast.parse(TransformerManager().transform_cell(cell.source))
        assert not [node for node in ast.walk(tree) if isinstance(node, logic)], cell.source


def test_it_says_that_the_data_is_synthetic(committed):
    assert "DATA = None" in code_cells(committed)[0].source
    assert "**synthetic installs**" in committed.cells[0].source
