"""Executes model_development.ipynb from top to bottom and keeps what came out, without what changes from run to run.

    python notebooks/execute.py                                   the committed notebook, on synthetic installs
    python notebooks/execute.py OUT.ipynb -p DATA installs.csv    a copy, on other installs

Execution times and kernel details are taken out, and of progress bars their end is kept, which is
nothing. Exit code 1 and no file written: a cell failed, or wrote to stderr.
"""

from __future__ import annotations

import argparse
import json
import sys
from pathlib import Path
from typing import Any

try:
    import nbformat
    import papermill
    from papermill.exceptions import PapermillExecutionError
except ImportError as error:
    raise SystemExit(
        f"error: executing the notebook needs the packages of the group notebook: {error}; "
        "`npm run venv -- --with notebook` installs them"
    ) from error

NOTEBOOK = Path(__file__).with_name("model_development.ipynb")


def execute(target: Path, parameters: dict[str, Any]) -> list[str]:
    """What went wrong: the error of the cell that failed, or what cells wrote to stderr."""
    # The folder of the notebook, as it is when the notebook is opened by hand.
    options = {"cwd": NOTEBOOK.parent, "kernel_name": "python3", "progress_bar": False}
    # As a terminal shows them: a progress bar overwrites itself.
    options["coalesce_streams"] = True
    try:
        # No file until all went well: a run that fails must not replace one that did not.
        notebook = papermill.execute_notebook(NOTEBOOK, None, parameters, **options)
    except PapermillExecutionError as error:
        return [str(error)]
    tidy(notebook)
    faults = [output.text for output in outputs(notebook) if output.get("name") == "stderr"]
    if not faults:
        nbformat.write(notebook, target)
    return faults


def tidy(notebook: nbformat.NotebookNode) -> None:
    """Takes out what differs between two runs that compute the same."""
    notebook.metadata = nbformat.from_dict(
        {
            "kernelspec": {"display_name": "Python 3", "language": "python", "name": "python3"},
            "language_info": {"name": "python"},
        }
    )
    for cell in notebook.cells:
        cell.metadata = nbformat.from_dict({"tags": cell.metadata.tags} if cell.metadata.get("tags") else {})
        if cell.cell_type == "code":
            cell.outputs = [output for output in cell.outputs if output.get("text", "shown").strip()]


def outputs(notebook: nbformat.NotebookNode) -> list[nbformat.NotebookNode]:
    return [output for cell in notebook.cells if cell.cell_type == "code" for output in cell.outputs]


def _parameter(text: str) -> Any:
    try:
        return json.loads(text)
    except ValueError:
        return text


def main() -> int:
    parser = argparse.ArgumentParser(description="Executes the notebook and writes it back with its outputs.")
    parser.add_argument("out", nargs="?", type=Path, default=NOTEBOOK, help="default: the notebook itself")
    parser.add_argument(
        "-p", nargs=2, action="append", default=[], metavar=("NAME", "VALUE"), help="a parameter; VALUE is JSON or text"
    )
    options = parser.parse_args()
    faults = execute(options.out, {name: _parameter(value) for name, value in options.p})
    print("\n".join(faults), file=sys.stderr, end="")
    return 1 if faults else 0


if __name__ == "__main__":
    sys.exit(main())
