"""Installs to look at: those of a file, or synthetic ones where there is no file.

The notebook shows the same pages for either. Synthetic installs are written and read again as a file
would be, in a folder that is gone afterwards.
"""

from __future__ import annotations

import tempfile
from pathlib import Path

from ..data.installs import Installs
from ..data.table import REFUSE, Reading, read_table
from ..inputs.schema import NINE_FIELDS, InputSchema
from .synthetic import write_synthetic

SYNTHETIC_ROWS = 20_000
SYNTHETIC_SEED = 7


def sample_installs(path: str | None, schema: InputSchema | None = None, negative_target: str = REFUSE) -> Installs:
    """The installs of the file at `path`, by `schema` or of the nine fields; None: 20,000 synthetic ones.

    Warnings are printed.
    """
    if path is not None:
        return read_table(Path(path), schema or NINE_FIELDS, print, Reading(negative=negative_target))
    with tempfile.TemporaryDirectory() as folder:
        file = Path(folder) / "installs.csv"
        write_synthetic(file, SYNTHETIC_ROWS, SYNTHETIC_SEED)
        return read_table(file, NINE_FIELDS, print)
