"""The CSV grammar: training finds in a file what the service finds, for the cases that both share."""

import base64
import json
from pathlib import Path

import pytest

from day7_training.data.csv_columns import read_columns
from day7_training.errors import UserError

CASES = Path(__file__).resolve().parents[2] / "test/fixtures/formats/csv-cases.ndjson"
PATH = Path("installs.csv")


def read_cases():
    return [json.loads(line) for line in CASES.read_text(encoding="utf-8").rstrip("\n").split("\n")]


def found_in(data, fields):
    """The rows by line, or what is said against the file."""
    required = [field["name"] for field in fields if field.get("required", True)]
    optional = [field["name"] for field in fields if field["name"] not in required]
    try:
        table = read_columns(data, PATH, required=required, optional=[*optional, "user_id", "revenue"])
    except UserError as error:
        return str(error).removeprefix(str(PATH)).removeprefix(", ").removeprefix(": ")
    columns = {name: [column.uniques[code] for code in column.codes] for name, column in table.columns.items()}
    return [[int(line), {name: cells[at] for name, cells in columns.items()}] for at, line in enumerate(table.lines)]


def expected_of(case):
    """Training refuses a file for the first row that has a fault, and one without rows."""
    if "refusal" in case:
        return case["refusal"]
    fault = next((row for row in case["rows"] if isinstance(row[1], str)), None)
    if fault:
        return f"line {fault[0]}: {fault[1]}"
    return case["rows"] or "expected rows after the header, found none"


def test_there_are_cases():
    assert len(read_cases()) >= 150


@pytest.mark.parametrize("case", read_cases(), ids=lambda case: case["name"])
def test_a_file_is_read_as_the_service_reads_it(case):
    assert found_in(base64.b64decode(case["bytes"]), case["schema"]["fields"]) == expected_of(case)


def test_the_longest_row():
    header = b"country,note,n\n"
    longest = b"x" * ((1 << 20) - len(b"es,,1\n"))
    fields = read_cases()[0]["schema"]["fields"]
    rows = found_in(header + b"es," + longest + b",1\nfr,b,2\n", fields)
    assert [line for line, _ in rows] == [2, 3]
    refused = "line 2: expected a row of at most 1048576 bytes, got more"
    assert found_in(header + b"es,x" + longest + b",1\n", fields) == refused
    assert found_in(header + b'es,"x\n' + longest + b'",1\nfr,b,2\n', fields) == (
        "line 2: expected a quote at the end of a quoted cell, got none"
    )


@pytest.mark.parametrize(
    ("name", "expected"),
    [
        ("a10c_crcrlf_device_last.csv", 195),
        ("a12b_trailing_delim2_all.csv", 300),
        ("a13_dup_extra_header.csv", "line 1: expected every column once, got note twice"),
        ("a30_lone_cr_in_cell.csv", r": expected lines that end with \n or \r\n, got \r alone"),
        ("a51_total_row.csv", 301),
    ],
)
def test_files_that_went_wrong(name, expected):
    data = (CASES.parent / name).read_bytes()
    found = found_in(data, [{"name": "country"}, {"name": "device_family"}])
    if isinstance(expected, str):
        assert found.endswith(expected)
    else:
        assert len(found) == expected
        assert not any("\r" in row["device_family"] for _, row in found)
