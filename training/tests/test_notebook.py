"""The committed notebook shows its outputs and nothing else: read as JSON, without the notebook's packages."""

from __future__ import annotations

import ast
import json
import re

import pytest
from notebook_cells import COMMITTED, FIGURES, code_cells, figures, read_notebook

# The parameters and the imports show nothing.
SILENT_CELLS = 2
LARGEST_BYTES = 3_000_000


@pytest.fixture(scope="module")
def committed():
    return read_notebook(COMMITTED)


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
        tree = ast.parse(re.sub("^%.*$", "", cell.source, flags=re.MULTILINE))  # without the kernel's own commands
        assert not [node for node in ast.walk(tree) if isinstance(node, logic)], cell.source


def test_it_says_that_the_data_is_synthetic(committed):
    assert "DATA = None" in code_cells(committed)[0].source
    assert "**synthetic installs**" in committed.cells[0].source
