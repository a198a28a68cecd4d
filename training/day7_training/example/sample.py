"""Installs to look at: those of a file, or synthetic ones where there is no file.

The notebook shows the same pages for either. Synthetic installs are written and read again as a file
would be, in a folder that is gone afterwards.
"""

from __future__ import annotations

import tempfile
from pathlib import Path

from ..data.installs import Installs
from ..data.table import REFUSE, Reading, read_table
from ..data.timeline import Timeline, extra_fields, mature, time_field
from ..inputs.schema import NINE_FIELDS, InputSchema
from .synthetic import write_synthetic

SYNTHETIC_ROWS = 20_000
SYNTHETIC_SEED = 7


def sample_installs(
    path: str | None, schema: InputSchema | None = None, negative_target: str = REFUSE, time_column: str | None = None
) -> tuple[Installs, Timeline | None]:
    """The installs of the file at `path`, by `schema` or of the nine fields; None: 20,000 synthetic ones.

    Where the file has a time, by its column or by the schema, only those whose horizon has passed. Warnings are printed.
    """
    if path is not None:
        inputs = schema or NINE_FIELDS
        time = time_field(inputs, time_column)
        extra, reading = extra_fields(inputs, time), Reading(negative=negative_target)
        installs = read_table(Path(path), inputs, print, reading, extra=extra)
        return (installs, None) if time is None else mature(installs, time)
    with tempfile.TemporaryDirectory() as folder:
        file = Path(folder) / "installs.csv"
        write_synthetic(file, SYNTHETIC_ROWS, SYNTHETIC_SEED)
        return read_table(file, NINE_FIELDS, print), None
