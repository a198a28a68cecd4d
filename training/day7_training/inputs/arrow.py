"""Columns of Arrow, as Parquet files have them -> the values of a field, by the rules that kinds.py has for one value.

A column goes by its type, without a loop over the rows; only what is wrong is looked at again, for the
words of its fault.
"""

from __future__ import annotations

from collections.abc import Callable

import numpy as np
import pyarrow as pa

from .calendar import DAY_MS, EARLIEST_MS, LATEST_MS, SECOND_MS, Moment
from .columns import Column, column_of
from .faults import Fault, wrong_column
from .field import Field
from .javascript import to_double
from .kinds import expected_of, value_from_parquet
from .times import times_from_epochs

# Of a timestamp in seconds: farther than any time of a field, and its milliseconds are still an int64.
_FARTHEST_SECOND = 10**15
_UNITS_OF_MS = {"us": 1000, "ns": 1_000_000}

_TEXT_TYPES = (
    pa.types.is_string,
    pa.types.is_large_string,
    pa.types.is_string_view,
    pa.types.is_binary,
    pa.types.is_large_binary,
    pa.types.is_binary_view,
    pa.types.is_fixed_size_binary,
)


def read_arrow(field: Field, column: pa.Array | pa.ChunkedArray) -> Column:
    """The values of all rows; a column of another type than the field's is wrong in every row that is not null."""
    array = _dictionary_or_plain(column)
    kind = array.type
    if isinstance(array, pa.DictionaryArray):
        return _read_dictionary(field, array)
    if _is_text(kind):
        return column_of(field, [value_from_parquet(field, value) for value in array.to_pylist()])
    if pa.types.is_timestamp(kind) or pa.types.is_date(kind):
        return _read_moments(field, array)
    if pa.types.is_temporal(kind):  # of a day, or between two times
        return _refuse(field, array, lambda _: wrong_column(field, expected_of(field), str(kind)))
    if pa.types.is_boolean(kind) and field.kind == "boolean":
        return _read_doubles(field, array, array.cast(pa.uint8()).cast(pa.float64()))
    if _is_number(kind) and field.kind != "text":
        return _read_doubles(field, array, _doubles_of(array))
    return _refuse(field, array, lambda row: _fault_of(field, array, row))


def _dictionary_or_plain(column: pa.Array | pa.ChunkedArray) -> pa.Array:
    """One array. Texts are encoded, so that each distinct one is read once."""
    array = column.combine_chunks() if isinstance(column, pa.ChunkedArray) else column
    if isinstance(array, pa.ExtensionArray):
        array = array.storage
    return array.dictionary_encode() if _is_text(array.type) else array


def _read_dictionary(field: Field, array: pa.DictionaryArray) -> Column:
    dictionary = array.dictionary
    # A text is read as itself: encoding it once more would not end.
    if _is_text(dictionary.type):
        known = column_of(field, [value_from_parquet(field, value) for value in dictionary.to_pylist()])
    else:
        known = read_arrow(field, dictionary)
    codes = array.indices.fill_null(-1).cast(pa.int64()).to_numpy()
    # The last one stands for null.
    null = np.array([None if field.kind == "text" else np.nan], dtype=known.values.dtype)
    is_wrong = np.zeros(len(known.values) + 1, dtype=bool)
    is_wrong[known.wrong] = True
    is_wrong[-1] = not field.nullable

    def fault_at(row: int) -> Fault:
        code = int(codes[row])
        return known.fault_at(code) if code >= 0 else value_from_parquet(field, None)

    return Column(np.concatenate([known.values, null])[codes], np.flatnonzero(is_wrong[codes]), fault_at)


def _read_moments(field: Field, array: pa.Array) -> Column:
    milliseconds = _milliseconds_of(array.fill_null(0) if array.null_count else array)

    def fault_at(row: int) -> Fault:
        return value_from_parquet(field, Moment(int(milliseconds[row])))

    if field.kind != "time":
        return _refuse(field, array, fault_at)
    is_far = (milliseconds < EARLIEST_MS) | (milliseconds > LATEST_MS)
    return _column(field, milliseconds.astype(np.float64), _is_null(array), is_far, fault_at)


def _milliseconds_of(array: pa.Array) -> np.ndarray:
    if pa.types.is_date32(array.type):
        return array.cast(pa.int32()).to_numpy().astype(np.int64) * DAY_MS
    units = array.cast(pa.int64()).to_numpy()
    if pa.types.is_date64(array.type) or array.type.unit == "ms":
        return units
    if array.type.unit == "s":
        return np.clip(units, -_FARTHEST_SECOND, _FARTHEST_SECOND) * SECOND_MS
    return units // _UNITS_OF_MS[array.type.unit]


def _read_doubles(field: Field, array: pa.Array, doubles: pa.Array) -> Column:
    values = doubles.to_numpy(zero_copy_only=False)
    is_null = np.isnan(values)
    if field.kind == "time":
        values = times_from_epochs(values)
        is_wrong = (values < EARLIEST_MS) | (values > LATEST_MS)
    elif field.kind == "boolean":
        is_wrong = (values != 0) & (values != 1)
    else:
        is_wrong = (values < field.minimum) | (values > field.maximum)
    # -0 becomes 0
    return _column(field, values + 0.0, is_null, is_wrong, lambda row: _fault_of(field, array, row))


def _doubles_of(array: pa.Array) -> pa.Array:
    """The nearest doubles; NaN for null. Decimals as `to_double` has them, since Arrow's own cast is a little off."""
    if not pa.types.is_decimal(array.type):
        return array.cast(pa.float64(), safe=False)
    scale = array.type.scale
    if scale < 0 or pa.types.is_decimal256(array.type):
        return pa.array([None if value is None else to_double(value) for value in array.to_pylist()], pa.float64())
    wide = array.cast(pa.decimal128(38, scale))
    # Two halves a value, the lower first.
    halves = np.frombuffer(wide.buffers()[1], dtype="<i8").reshape(-1, 2)[wide.offset : wide.offset + len(wide)]
    low, high = halves[:, 0], halves[:, 1]
    is_null = _is_null(wide)
    if np.any((high != low >> 63) & ~is_null):  # more digits than an int64
        return pa.array([None if value is None else to_double(value) for value in array.to_pylist()], pa.float64())
    return pa.array(low.astype(np.float64) / 10.0**scale, mask=is_null)


def _refuse(field: Field, array: pa.Array, fault_at: Callable[[int], Fault]) -> Column:
    """Every row that is not null is wrong."""
    values = np.full(len(array), None if field.kind == "text" else np.nan)
    return _column(field, values, _is_null(array), np.ones(len(array), dtype=bool), fault_at)


def _column(
    field: Field, values: np.ndarray, is_null: np.ndarray, is_wrong: np.ndarray, fault_at: Callable[[int], Fault]
) -> Column:
    """`is_wrong` says nothing of what is null."""
    wrong = is_wrong & ~is_null if field.nullable else is_wrong | is_null
    values[is_null | wrong] = None if field.kind == "text" else np.nan
    null_fault = value_from_parquet(field, None)
    return Column(values, np.flatnonzero(wrong), lambda row: null_fault if is_null[row] else fault_at(row))


def _fault_of(field: Field, array: pa.Array, row: int) -> Fault:
    return value_from_parquet(field, array[row].as_py())


def _is_null(array: pa.Array) -> np.ndarray:
    return array.is_null(nan_is_null=True).to_numpy(zero_copy_only=False)


def _is_text(kind: pa.DataType) -> bool:
    return any(is_one(kind) for is_one in _TEXT_TYPES)


def _is_number(kind: pa.DataType) -> bool:
    return pa.types.is_integer(kind) or pa.types.is_floating(kind) or pa.types.is_decimal(kind)
