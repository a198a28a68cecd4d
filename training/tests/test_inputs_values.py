"""Dirty values, by the rules of docs/inputs.md: the same fixture, and the same words, as the service's tests have."""

from __future__ import annotations

import math
import subprocess
import sys

import numpy as np
import pytest
from inputs_fixture import MAKE, VALUES, Expected, read_values, schema_of

from day7_training.inputs.columns import read_cells
from day7_training.inputs.faults import Fault
from day7_training.inputs.kinds import (
    value_from_cell,
    value_from_json,
    value_from_parquet,
    value_from_tensor,
    value_to_json,
)
from day7_training.inputs.rows import row_from_object

SCHEMA, EXPECTED = read_values()

READERS = {
    "cell": value_from_cell,
    "json": value_from_json,
    "ndjson": lambda field, value: value_from_json(field, value, "cell"),
    "parquet": value_from_parquet,
    "tensor": value_from_tensor,
}


def is_expected(read: object, expected: Expected) -> bool:
    if expected.fault is not None:
        return isinstance(read, Fault) and read.message == expected.fault
    if expected.value is None or isinstance(expected.value, str):
        return read == expected.value and type(read) is type(expected.value)
    return type(read) is float and read == expected.value and math.copysign(1, read) == math.copysign(1, expected.value)


def test_every_value_is_what_the_rules_say():
    assert len(EXPECTED) > 5000
    read = [(each.line, READERS[each.source](each.field, each.came)) for each in EXPECTED]
    wrong = [pair for pair, expected in zip(read, EXPECTED, strict=True) if not is_expected(pair[1], expected)]
    assert wrong == []


@pytest.mark.parametrize("text", ["strict", "cell"])
def test_a_row_has_the_same_values(text):
    documents = {document["name"]: document for document in SCHEMA.document["fields"]}
    schemas = {name: schema_of([document]) for name, document in documents.items()}
    for each in EXPECTED:
        if each.source == ("json" if text == "strict" else "ndjson"):
            row = row_from_object(schemas[each.field.name], {each.field.name: each.came}, text)
            assert is_expected(row if isinstance(row, Fault) else row[0], each), each.line


def test_distinct_cells_are_read_as_each_of_them():
    for field in SCHEMA.fields:
        cells = [each for each in EXPECTED if each.source == "cell" and each.field is field]
        column = read_cells(field, [each.came for each in cells])
        assert column.values.dtype == (object if field.kind == "text" else np.float64)
        faults = {place: fault.message for place, fault in column.faults()}
        assert faults == {place: each.fault for place, each in enumerate(cells) if each.fault}
        values = [None if value != value else value for value in column.values.tolist()]
        assert values == [each.value for each in cells]
        assert column.first_fault[0] == min(faults)


def test_a_value_that_goes_out_comes_in_again():
    for each in EXPECTED:
        if each.fault is None and not each.field.trim and not each.field.missing:
            out = value_to_json(each.field, each.value)
            assert is_expected(value_from_json(each.field, out), each), each.line


def test_the_fixture_is_what_its_generator_writes(tmp_path):
    subprocess.run([sys.executable, MAKE, tmp_path / "values.ndjson"], check=True, capture_output=True)
    assert (tmp_path / "values.ndjson").read_bytes() == VALUES.read_bytes()
