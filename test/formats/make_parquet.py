"""Two rows of columns of many types, and what has to be read and written of them."""

import datetime
import json
import sys
from decimal import Decimal
from pathlib import Path

import numpy as np
import pyarrow as pa
import pyarrow.parquet as pq

folder = Path(sys.argv[1])
BEFORE_1970 = datetime.datetime(1969, 12, 31, 23, 59, 59, 999_500)
columns = {
    "text": pa.array(["es", None]),
    "kind": pa.array(["a", "b"]).dictionary_encode(),
    "price": pa.array([Decimal("12345678901234567.89"), Decimal("-0.05")], pa.decimal128(19, 2)),
    "wide": pa.array([Decimal("-1" + "0" * 40 + ".5"), None], pa.decimal256(50, 1)),
    "count": pa.array([2**63, 5], pa.uint64()),
    "as_text": pa.array(["1.50", ""]),
    "flag": pa.array([True, None]),
    "bit": pa.array([1, 0], pa.int8()),
    "us": pa.array([datetime.datetime(2026, 1, 2, 3, 4, 5, 678_901), BEFORE_1970], pa.timestamp("us", "UTC")),
    "ns": pa.array([1_767_323_045_123_456_789, -1], pa.timestamp("ns")),
    "s": pa.array([0, -62_135_596_800], pa.timestamp("s")),
    "far": pa.array([2**62, -(2**62)], pa.timestamp("us")),
    "day": pa.array([datetime.date(2026, 1, 2), datetime.date(1, 1, 1)]),
    "epoch": pa.array([1_767_323_045, None], pa.int64()),
    "clock": pa.array([datetime.time(23, 59, 59, 1), None], pa.time64("us")),
    "clock_ms": pa.array([datetime.time(1, 2, 3, 4000), datetime.time(0)], pa.time32("ms")),
    "clock_ns": pa.array([1, 86_399_999_999_999], pa.time64("ns")),
    "bytes": pa.array([b"\x00\xff", b""]),
    "fixed": pa.array([b"abcd", None], pa.binary(4)),
    "float": pa.array([float("inf"), float("nan")]),
    "small": pa.array([0.5, -2.0], pa.float32()),
    "tags": pa.array([["a", 'b"'], None]),
    "numbers": pa.array([[2**60 + 1], []], pa.list_(pa.int64())),
    "days": pa.array([[datetime.date(2026, 1, 2)], []]),
    "nothing": pa.nulls(2),
}
pq.write_table(pa.table(columns), folder / "types.parquet")

written = {
    "price": ["12345678901234567.89", "-0.05"],
    "wide": ["-1" + "0" * 40 + ".5", ""],
    "count": ["9223372036854775808", "5"],
    "us": ["2026-01-02T03:04:05.678901Z", "1969-12-31T23:59:59.999500Z"],
    "ns": ["2026-01-02T03:04:05.123456789", "1969-12-31T23:59:59.999999999"],
    "s": ["1970-01-01T00:00:00.000", "0001-01-01T00:00:00.000"],
    "far": [f"+{np.datetime64(2**62, 'us')}", str(np.datetime64(-(2**62), "us"))],
    "day": ["2026-01-02", "0001-01-01"],
    "clock": ["23:59:59.000001", ""],
    "clock_ms": ["01:02:03.004", "00:00:00.000"],
    "clock_ns": ["00:00:00.000000001", "23:59:59.999999999"],
    "bytes": ["AP8=", ""],
    "fixed": ["YWJjZA==", ""],
    "float": ["Infinity", "NaN"],
    "small": ["0.5", "-2"],
    "tags": ['["a","b\\""]', ""],
    "numbers": ["[1152921504606846977]", "[]"],
    "nothing": ["", ""],
    "p": ["7", "7"],
}
ndjson = {"flag": [True, None], "float": ["Infinity", None], "tags": [["a", 'b"'], None], "clock": written["clock"][:1]}
rows = [
    [
        "es",
        "a",
        12345678901234567.89,
        2.0**63,
        1.5,
        1,
        1,
        1_767_323_045_678,
        1_767_312_000_000,
        1_767_323_045_000,
        None,
    ],
    [None, "b", -0.05, 5, None, None, 0, -1, -62_135_596_800_000, None, None],
]
by_row = [{name: texts[at] for name, texts in written.items()} for at in range(2)]
first = [{name: values[at] for name, values in ndjson.items() if at < len(values)} for at in range(2)]
(folder / "expected.json").write_text(json.dumps({"csv": by_row, "ndjson": first, "rows": rows}))
