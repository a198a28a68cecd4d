"""Columns of Arrow are read by their types as the rules for one value read each of their values."""

from __future__ import annotations

import time
from datetime import UTC, date, datetime
from datetime import time as clock
from decimal import Decimal

import numpy as np
import pyarrow as pa
import pytest
from inputs_fixture import read_values, schema_of

from day7_training.inputs.arrow import read_arrow
from day7_training.inputs.calendar import Moment
from day7_training.inputs.faults import Fault
from day7_training.inputs.kinds import value_from_parquet

SCHEMA, EXPECTED = read_values()
FIELDS = {field.name: field for field in SCHEMA.fields}
NAN, INFINITY = float("nan"), float("inf")

NUMBERS = [0, 1, -1, 2, None, 100]
DOUBLES = [
    0.0,
    -0.0,
    1.0,
    0.5,
    -5.5,
    10.000000000000002,
    None,
    NAN,
    INFINITY,
    -INFINITY,
    5e-324,
    1e301,
    1609459200.123,
    1e21,
]
TEXTS = ["1", "1", None, "", "yes", "2026-01-01", "31/12/2026", "maybe", " NA ", "a\0", "x" * 300]
MOMENTS = [
    datetime(2026, 1, 1, 12, 30, 45, 123456),
    None,
    datetime(1969, 12, 31, 23, 59, 59, 999999),
    datetime(1, 1, 1),
]


def arrays() -> list[pa.Array]:
    integers = [pa.int8(), pa.int16(), pa.int32(), pa.int64()]
    texts = pa.array(TEXTS)
    moments = [datetime(2026, 1, 1), None, datetime(1969, 12, 31, 23, 59, 59)]
    return [
        *(pa.array(NUMBERS, each) for each in integers),
        *(pa.array([0, 1, None, 200], each) for each in (pa.uint8(), pa.uint16(), pa.uint32(), pa.uint64())),
        pa.array([2**63 - 1, -(2**63), 2**53 + 1, None, 1609459200123456789, 0], pa.int64()),
        pa.array([2**64 - 1, 2**63 + 1025, None], pa.uint64()),
        pa.array(DOUBLES, pa.float64()),
        pa.array(DOUBLES, pa.float32()),
        pa.array(np.array([0.1, 1, np.nan, np.inf, 65504], np.float16)),
        pa.array([True, False, None]),
        texts,
        texts.cast(pa.large_string()),
        texts.cast(pa.string_view()),
        texts.dictionary_encode(),
        pa.array(["a", "b", None]).dictionary_encode().take(pa.array([1, 1, None, 2, 1])),
        pa.array([b"1", b"\xff", None, b"", "é".encode()]),
        pa.array([b"1", b"\xff", None], pa.large_binary()),
        pa.array([b"12", b"\xc3\xa9", b"\xff\xff", None], pa.binary(2)),
        pa.array([1, 2, None, 1]).dictionary_encode(),
        pa.array([0.5, NAN, None, 1.0]).dictionary_encode(),
        *(pa.array(moments, pa.timestamp(unit)) for unit in ("s", "ms")),
        *(pa.array(MOMENTS, pa.timestamp(unit)) for unit in ("us",)),
        pa.array([datetime(2026, 1, 1, 12, tzinfo=UTC), None], pa.timestamp("us", "America/New_York")),
        pa.array([date(2026, 1, 1), None, date(1969, 12, 31), date(1, 1, 1)]),
        pa.array([date(2026, 1, 1), None], pa.date64()),
        pa.array([Decimal("0.3"), Decimal("1.00"), None, Decimal("-5.50"), Decimal("0.00")], pa.decimal128(5, 2)),
        pa.array([Decimal("12345678901234567890.12"), None, Decimal("-0.01")], pa.decimal128(30, 2)),
        pa.array([Decimal("1609459200.123"), None], pa.decimal64(15, 3)),
        pa.array([Decimal("0.3"), None], pa.decimal32(5, 1)),
        pa.array([Decimal("0.3"), None], pa.decimal256(50, 1)),
        pa.nulls(3),
        pa.array([[1, "a"][:1], None, []], pa.list_(pa.int64())),
        pa.array([{"a": 1}, None]),
        pa.array([], pa.float64()),
        pa.array([], pa.string()),
    ]


def value_of(field, value):
    read = value_from_parquet(field, value)
    return (None, read.message) if isinstance(read, Fault) else (read, None)


def contents(column):
    values = [None if value != value else value for value in column.values.tolist()]
    faults = {place: fault.message for place, fault in column.faults()}
    return [(value, faults.get(place)) for place, value in enumerate(values)]


@pytest.mark.parametrize("array", arrays(), ids=lambda array: str(array.type))
def test_a_column_is_read_as_each_of_its_values(array):
    for field in SCHEMA.fields:
        expected = [value_of(field, value) for value in array.to_pylist()]
        column = read_arrow(field, array)
        assert column.values.dtype == (object if field.kind == "text" else np.float64)
        assert contents(column) == expected, field
        assert not any(
            np.signbit(value) and value == 0 for value in column.values.tolist() if field.kind != "text" and value
        )
        # A part of it, and in several chunks.
        assert contents(read_arrow(field, array.slice(1))) == expected[1:]
        assert contents(read_arrow(field, pa.chunked_array([array.slice(0, 1), array.slice(1)]))) == expected


def test_zeros_have_no_sign():
    for name in ("number", "boolean", "time"):
        column = read_arrow(FIELDS[name], pa.array([-0.0, -0.0]).dictionary_encode())
        assert not np.signbit(column.values).any()
        assert not np.signbit(read_arrow(FIELDS[name], pa.array([-0.0])).values).any()


def test_nanoseconds_are_rounded_down():
    nanoseconds = pa.array([1609459200123999999, -1, -1000000, None], pa.int64()).cast(pa.timestamp("ns"))
    assert contents(read_arrow(FIELDS["time"], nanoseconds)) == [
        (1609459200123, None),
        (-1, None),
        (-1, None),
        (None, None),
    ]


@pytest.mark.parametrize("unit", ["s", "ms", "us"])
def test_a_timestamp_farther_than_a_datetime_is_a_fault(unit):
    far = 2**62
    column = read_arrow(FIELDS["time"], pa.array([far, -far, 0], pa.int64()).cast(pa.timestamp(unit)))
    assert column.wrong.tolist() == [0, 1]
    if unit == "us":
        year = read_arrow(FIELDS["text"], pa.array([far], pa.int64()).cast(pa.timestamp(unit)))
        assert year.first_fault == (0, value_from_parquet(FIELDS["text"], Moment(far // 1000)))
        assert 'got time "+148108-' in year.first_fault[1].message
    else:
        assert column.first_fault[1].message == "time: expected a time in the years 0001 to 9999, got time null"


@pytest.mark.parametrize("array", [pa.array([clock(1), None]), pa.array([1, None], pa.duration("s"))])
def test_a_column_whose_values_have_no_words_is_named(array):
    assert contents(read_arrow(FIELDS["count"], array)) == [
        (None, f"count: expected number, got {array.type}"),
        (None, "count: expected number, got null"),
    ]


def test_values_of_the_fixture_as_columns():
    """The typed values of every field, by what Arrow can hold of them."""
    holders = {
        str: pa.string(),
        bytes: pa.binary(),
        bool: pa.bool_(),
        float: pa.float64(),
        datetime: pa.timestamp("ms"),
        Moment: pa.timestamp("ms"),
    }
    count = 0
    for field in SCHEMA.fields:
        for python_type, arrow_type in holders.items():
            typed = [each for each in EXPECTED if each.source == "parquet" and each.field is field]
            cells = [each for each in typed if type(each.came) is python_type]
            came = [each.came.milliseconds if python_type is Moment else each.came for each in cells]
            array = pa.array(came, pa.int64() if python_type is Moment else arrow_type)
            column = read_arrow(field, array.cast(arrow_type))
            assert contents(column) == [(each.value, each.fault) for each in cells]
            count += len(cells)
    assert count > 500


def test_a_million_rows_take_no_loop():
    """Of ten columns; a loop over the rows of one of them takes about as long as all of them may."""
    rows = 1_000_000
    field = schema_of([{"name": "a", "kind": "number"}, {"name": "b", "kind": "text"}, {"name": "c", "kind": "time"}])
    doubles = np.arange(rows, dtype=np.float64)
    columns = [
        *(pa.array(doubles),) * 4,
        pa.array(doubles.astype(np.int64)),
        pa.array(np.char.add("text ", (doubles % 100).astype(str))),
    ]
    start = time.process_time()
    for column in columns:
        read_arrow(field.fields[1 if pa.types.is_string(column.type) else 0], column)
        if not pa.types.is_string(column.type):
            read_arrow(field.fields[2], column)
    vectorised = time.process_time() - start
    start = time.process_time()
    for value in doubles[: rows // 4].tolist():
        value_from_parquet(field.fields[0], value)
    assert vectorised < 4 * (time.process_time() - start) * len(columns)
