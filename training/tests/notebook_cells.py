"""A notebook's cells, as the JSON of its file has them, but for texts in one piece."""

from __future__ import annotations

import json
from pathlib import Path
from types import SimpleNamespace

COMMITTED = Path(__file__).parents[1] / "notebooks" / "model_development.ipynb"
FIGURES = 14


def read_notebook(path: Path) -> SimpleNamespace:
    """With attributes for the keys of the notebook, its cells and their outputs."""
    document = json.loads(path.read_text(encoding="utf-8"))
    return SimpleNamespace(metadata=document["metadata"], cells=[_cell(cell) for cell in document["cells"]])


def code_cells(notebook: SimpleNamespace) -> list[SimpleNamespace]:
    return [cell for cell in notebook.cells if cell.cell_type == "code"]


def figures(notebook: SimpleNamespace) -> int:
    outputs = [output for cell in code_cells(notebook) for output in cell.outputs]
    return sum("image/png" in output.data for output in outputs)


def _cell(cell: dict) -> SimpleNamespace:
    outputs = [SimpleNamespace(**{"data": {}, **output}) for output in cell.pop("outputs", [])]
    return SimpleNamespace(**{**cell, "source": "".join(cell["source"]), "outputs": outputs})
