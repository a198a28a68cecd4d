"""Writes the Parquet files that parquet.test.ts reads: one of the same installs in each codec and type that tables come in,
and those that are to be refused.

    make_parquet.py INSTALLS.ndjson FOLDER
"""

from __future__ import annotations

import datetime
import json
import sys
from pathlib import Path

import numpy as np
import pandas as pd
import pyarrow as pa
import pyarrow.parquet as pq

installs = [json.loads(line) for line in Path(sys.argv[1]).read_text().splitlines()]
folder = Path(sys.argv[2])
texts = ["country", "country_region", "source", "platform", "device_family", "os_version"]
counts = ["event_1", "event_2", "event_3"]
columns = {name: [install[name] for install in installs] for name in [*texts, *counts]}


def table(**changes: pa.Array | None) -> pa.Table:
    """The installs as texts and doubles, with some columns changed or left out."""
    arrays = {name: pa.array(columns[name], pa.string()) for name in texts}
    arrays |= {name: pa.array(columns[name], pa.float64()) for name in counts}
    return pa.table({name: array for name, array in (arrays | changes).items() if array is not None})


def write(name: str, content: pa.Table, **options: object) -> None:
    pq.write_table(content, folder / f"{name}.parquet", **options)


for codec in ("none", "snappy", "gzip", "brotli", "zstd", "lz4"):
    write(codec, table(), compression=codec)
write("groups", table(), row_group_size=7, data_page_size=64, write_page_index=True)
write("pages", table(), data_page_version="2.0", data_page_size=64, use_dictionary=False)
pd.DataFrame(columns).to_parquet(folder / "pandas.parquet", index=False)
# No whole number that a double cannot hold.
whole = [int(value) if float(value).is_integer() and value < 2**53 else 0 for value in columns["event_1"]]
write(
    "types",
    table(
        country=pa.array(columns["country"], pa.large_string()),
        platform=pa.array(columns["platform"]).dictionary_encode(),
        source=pa.array(columns["source"], pa.string_view()).cast(pa.string()),
        event_1=pa.array(whole, pa.int64()),
        event_2=pa.array([min(int(value), 2**31 - 1) for value in columns["event_2"]], pa.int32()),
        # NaN is what tables have where there is no number.
        event_3=pa.array(
            [np.nan if value is None else float(np.float32(value)) for value in columns["event_3"]], pa.float32()
        ),
        big=pa.array([2**60 + 1] * len(installs), pa.int64()),
        day=pa.array([datetime.date(2026, 1, 2)] * len(installs)),
        time=pa.array([datetime.datetime(2026, 1, 2, 3, 4, 5)] * len(installs), pa.timestamp("ms")),
        flag=pa.array([True] * len(installs)),
        tags=pa.array([["a", "b,c"]] * len(installs)),
        nothing=pa.nulls(len(installs)),
        note=pa.array(['a "quoted", note'] * len(installs)),
    ),
)
write("nulls", table(source=pa.nulls(len(installs)), event_3=pa.nulls(len(installs))))
write("bytes", table(country=pa.array([b"es", b"\xff"] * (len(installs) // 2), pa.binary())))
write("dates", table(country=pa.array([datetime.date(2026, 1, 2)] * len(installs))))
write("numbers", table(country=pa.array([1] * len(installs))))
write("words", table(event_1=pa.array(["1"] * len(installs))))
write("times", table(event_1=pa.array([datetime.datetime(2026, 1, 2)] * len(installs), pa.timestamp("us"))))
write("lists", table(event_1=pa.array([[1.0]] * len(installs))))
write("missing", table(event_2=None))
write("added", table(predicted_revenue=pa.array([1.0] * len(installs))))
write("negative", table(event_1=pa.array([-1.0, 1.0] * (len(installs) // 2))))
write("none_at_all", table().slice(0, 0))
