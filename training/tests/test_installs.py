"""Reading: what is null and what is not, exact numbers, and every refusal with its line and column."""

import math
import re

import pytest
from conftest import HEADER, ROW

from day7_training.data.decimals import parse_decimal, round_half_up
from day7_training.data.installs import read_installs, read_training_installs
from day7_training.errors import UserError


def read(path):
    return read_training_installs(path, warn=lambda message: pytest.fail(message))


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


@pytest.mark.parametrize("text", ["x" * 257, "a\0b"])
def test_a_text_that_the_service_refuses_is_refused(write_csv, text):
    assert "line 3, column device_family: expected a text of at most 256 characters without NUL" in refusal(
        write_csv(ROW, row(device_family=text))
    )
    assert read(write_csv(ROW, row(device_family="é" * 256))).frame["device_family"].iloc[1] == "é" * 256


def test_numbers_are_the_nearest_doubles(write_csv):
    texts = ["0.1", "1e22", "123456789012345678", "2.2250738585072011e-308", "5e-324", ".5", "7.", "-0", "+4"]
    frame = read(write_csv(*(row(event_2=text) for text in texts))).frame
    assert [value.hex() for value in frame["event_2"]] == [(float(text) + 0.0).hex() for text in texts]


@pytest.mark.parametrize("text", ["inf", "nan", "1_000", "0x10", " 1", "1 ", "1,5", "", "٣", "１", "1e", "."])
def test_parse_decimal_takes_plain_decimals_only(text):
    with pytest.raises(ValueError, match="a decimal number"):
        parse_decimal(text)


def test_rounding_is_half_up_on_the_binary_value():
    assert round_half_up(0.5, 0) == 1 and round_half_up(2.5, 0) == 3
    assert round_half_up(2.675, 2) == 2.67  # the double lies below the half
    assert round_half_up(1e300, 6) == 1e300


def test_lines_are_those_of_the_file(write_csv):
    path = write_csv(row(country_region='"two\nlines"'), "", ROW)
    assert read(path).frame.index.tolist() == [2, 5]
    path = write_csv(row(country_region='"two\nlines"'), "", row(event_1="x"))
    assert "line 5, column event_1: expected a decimal number, got 'x'" in refusal(path)


def test_a_byte_order_mark_and_crlf_are_tolerated(tmp_path):
    path = tmp_path / "excel.csv"
    path.write_bytes(b"\xef\xbb\xbf" + f"{HEADER}\r\n{ROW}\r\n".encode())
    assert read(path).frame["country"].tolist() == ["es"]


def test_extra_columns_are_ignored_with_a_warning(write_csv):
    warnings = []
    path = write_csv(ROW + ",x,y", header=HEADER + ",user_id,campaign")
    read_training_installs(path, warn=warnings.append)
    assert warnings == [f"{path}: ignoring the extra columns campaign"]


def test_replay_needs_no_revenue_and_keeps_user_id(write_csv):
    path = write_csv(ROW.rpartition(",")[0] + ",u1", header=HEADER.rpartition(",")[0] + ",user_id")
    assert read_installs(path, warn=pytest.fail).frame["user_id"].tolist() == ["u1"]


@pytest.mark.parametrize(
    ("changes", "expected"),
    [
        ({"event_1": "many"}, "column event_1: expected a decimal number, got 'many'"),
        ({"event_2": "1e999"}, "column event_2: expected a number that a double can hold, got '1e999'"),
        ({"event_3": "-1"}, "column event_3: expected a number of at least 0, got '-1'"),
        ({"revenue": "-0.01"}, "column revenue: expected a number of at least 0, got '-0.01'"),
        ({"revenue": "NaN"}, "column revenue: expected a decimal number, got 'NaN'"),
        ({"revenue": ""}, "column revenue: expected a decimal number, got an empty cell"),
        ({"event_1": ""}, "column event_1: expected a decimal number, got an empty cell"),
        ({"country": ""}, "column country: expected a text, got an empty cell"),
        ({"platform": ""}, "column platform: expected a text, got an empty cell"),
    ],
)
def test_a_bad_cell_is_named_by_line_and_column(write_csv, changes, expected):
    assert f"line 3, {expected}" in refusal(write_csv(ROW, row(**changes), ROW))


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
    assert "expected a readable CSV file" in refusal(tmp_path)
