"""Reading: what is null and what is not, exact numbers, and every refusal with its line and column."""

import math
import re

import pytest
from conftest import HEADER, ROW

from day7_training.data.decimals import round_half_up
from day7_training.data.table import read_table
from day7_training.errors import UserError
from day7_training.inputs.schema import NINE_FIELDS


def read(path):
    return read_table(path, NINE_FIELDS, warn=lambda message: pytest.fail(message))


def refusal(path) -> str:
    with pytest.raises(UserError) as caught:
        read(path)
    return str(caught.value)


def row(**changes: str) -> str:
    return ",".join(changes.get(name, cell) for name, cell in zip(HEADER.split(","), ROW.split(",")))


def test_only_the_empty_cell_is_null(write_csv):
    frame = read(write_csv(row(country="NA", source="nan", country_region="", event_3=""), row(source="null"))).frame
    assert frame["country"].tolist() == ["NA", "es"]
    assert frame["source"].tolist() == ["nan", "null"]
    assert frame["country_region"].tolist() == [None, "Madrid"]
    assert math.isnan(frame["event_3"].iloc[0]) and frame["event_3"].iloc[1] == 3


@pytest.mark.parametrize(("text", "expected"), [("x" * 257, "at most 256 characters"), ("a\0b", "text without NUL ")])
def test_a_text_that_the_service_refuses_is_refused(write_csv, text, expected):
    assert f"line 3: device_family: expected {expected}" in refusal(write_csv(ROW, row(device_family=text)))
    assert read(write_csv(ROW, row(device_family="é" * 256))).frame["device_family"].iloc[1] == "é" * 256


def test_numbers_are_the_nearest_doubles(write_csv):
    texts = ["0.1", "1e22", "123456789012345678", "2.2250738585072011e-308", "5e-324", ".5", "7.", "-0", "+4"]
    frame = read(write_csv(*(row(event_2=text) for text in texts))).frame
    assert [value.hex() for value in frame["event_2"]] == [(float(text) + 0.0).hex() for text in texts]


def test_rounding_is_half_up_on_the_binary_value():
    assert round_half_up(0.5, 0) == 1 and round_half_up(2.5, 0) == 3
    assert round_half_up(2.675, 2) == 2.67  # the double lies below the half
    assert round_half_up(1e300, 6) == 1e300


def test_lines_are_those_of_the_file(write_csv):
    path = write_csv(row(country_region='"two\nlines"'), "", ROW)
    assert read(path).frame.index.tolist() == [2, 5]
    path = write_csv(row(country_region='"two\nlines"'), "", row(event_1="x"))
    assert 'line 5: event_1: expected a decimal number, got "x"' in refusal(path)


def test_a_byte_order_mark_and_crlf_are_tolerated(tmp_path):
    path = tmp_path / "excel.csv"
    path.write_bytes(b"\xef\xbb\xbf" + f"{HEADER}\r\n{ROW}\r\n".encode())
    assert read(path).frame["country"].tolist() == ["es"]


def test_replay_needs_no_revenue_and_keeps_user_id(write_csv):
    path = write_csv(ROW.rpartition(",")[0] + ",u1", header=HEADER.rpartition(",")[0] + ",user_id")
    assert read_table(path, NINE_FIELDS, warn=pytest.fail, with_target=False).frame["user_id"].tolist() == ["u1"]


@pytest.mark.parametrize(
    ("changes", "expected"),
    [
        ({"event_1": "many"}, 'event_1: expected a decimal number, got "many"'),
        ({"event_2": "1e999"}, 'event_2: expected a number that a double can hold, got "1e999"'),
        ({"event_3": "-1"}, "event_3: expected a number ≥ 0, got -1"),
        ({"revenue": "NaN"}, 'revenue: expected a decimal number, got "NaN"'),
        ({"revenue": ""}, "revenue: expected number, got null"),
        ({"event_1": ""}, "event_1: expected number, got null"),
        ({"platform": ""}, "platform: expected text, got null"),
    ],
)
def test_a_bad_cell_is_named_by_line_and_column(write_csv, changes, expected):
    assert f"line 3: {expected}" in refusal(write_csv(ROW, row(**changes), ROW))


def test_a_target_below_0_is_named(write_csv):
    assert "column revenue: 1 of 3 rows are below 0, -0.01 in all, the first in line 3" in refusal(
        write_csv(ROW, row(revenue="-0.01"), ROW)
    )


@pytest.mark.parametrize(
    ("data", "expected"),
    [
        (b"", "expected a header and rows, the file is empty"),
        (f"{HEADER}\n".encode(), "expected rows after the header, found none"),
        (b"country,revenue\nes,1\n", "; missing: country_region, source, platform"),
        (f"{HEADER},source\n".encode(), "line 1: expected every column once, got source"),
        (f"{HEADER}\n{ROW},9\n".encode(), "line 2: expected 10 cells as in the header, got 11"),
        (f"{HEADER}\n{ROW}\nes,Mad".encode(), "line 3: expected 10 cells as in the header, got 2"),
        (f'{HEADER}\n{ROW}\n"es'.encode(), "line 3: expected a quote at the end of a quoted cell"),
        (f"{HEADER}\n{ROW}\nes,M\xe1laga".encode("latin-1"), "line 3: expected UTF-8, got other bytes"),
        (f"{HEADER}\n".encode("utf-16"), "line 1: expected UTF-8"),
    ],
)
def test_a_file_that_is_no_such_csv_is_refused(tmp_path, data, expected):
    path = tmp_path / "installs.csv"
    path.write_bytes(data)
    assert re.match(re.escape(str(path)), refusal(path)) and expected in refusal(path)


def test_an_absent_file_is_refused(tmp_path):
    assert "found nothing at" in refusal(tmp_path / "absent.csv")
    assert "expected part files in the folder" in refusal(tmp_path)
