"""Odd CSV files through the command line: each is trained on rightly or refused with file, line and column."""

import csv
import io
import json
import re

import numpy as np
import pytest
from conftest import HEADER, ROW

from day7_training.bundle.folder import open_bundle
from day7_training.cli import main
from day7_training.data.table import read_table
from day7_training.inputs.schema import NINE_FIELDS

NAMES = HEADER.split(",")
NULLABLE_FIELDS = frozenset(field.name for field in NINE_FIELDS.fields if field.nullable)
ROWS = 150


def plain_rows(count=ROWS):
    """Varied installs that a model can learn from: revenue follows event_2."""
    return [
        {
            "country": ("es", "fr", "de", "NA")[number % 4],
            "country_region": f"Región {number % 7}",
            "source": ("Organic", "Paid")[number % 2],
            "platform": ("iOS", "Android")[number // 2 % 2],
            "device_family": ("Apple iPhone", "Aurio AX-1", "Fonix, F")[number % 3],
            "os_version": ("14.4", "10", "8.1.0")[number % 3],
            "event_1": str(int(number % 50 == 0)),
            "event_2": str(number % 37),
            "event_3": ("0.0", "1.0", "")[number % 3],
            "revenue": f"{0.002 * (number % 37) * (1 + number % 4):.6f}",
        }
        for number in range(count)
    ]


def csv_text(rows, **style):
    text = io.StringIO(newline="")
    writer = csv.DictWriter(text, NAMES, **{"lineterminator": "\n", **style})
    writer.writeheader()
    writer.writerows(rows)
    return text.getvalue()


@pytest.fixture
def train(tmp_path):
    """Trains on a file of these bytes; gives the exit code, and writes the bundle to the folder of that name."""

    def run(data, name="bundle"):
        path = tmp_path / "installs.csv"
        path.write_bytes(data if isinstance(data, bytes) else data.encode())
        # One thread: on a busy machine LightGBM's threads wait for each other at every tree.
        options = ["--max-trees", "5", "--golden-rows", "20", "--no-mlflow", "--set", "num_threads=1"]
        return main(["train", "--data", str(path), "--out", str(tmp_path / name), *options])

    return run


@pytest.fixture
def refused(train, tmp_path, capsys):
    """What the command line says against a file, without the path it begins with."""

    def run(data):
        assert train(data) == 2
        line = capsys.readouterr().err.splitlines()[-1]
        start = f"error: {tmp_path / 'installs.csv'}"
        assert line.startswith(start) and not (tmp_path / "bundle").exists()
        return line.removeprefix(start).removeprefix(", ").removeprefix(": ")

    return run


@pytest.fixture
def total_of(tmp_path):
    """What the trained model predicts for its own rows, over what they brought."""

    def run():
        installs = read_table(tmp_path / "installs.csv", NINE_FIELDS, warn=pytest.fail)
        predicted = open_bundle(tmp_path / "bundle")[1].predict(installs.frame)
        assert np.all(np.isfinite(predicted))
        return predicted.sum() / installs.revenue.sum()

    return run


@pytest.fixture(scope="module")
def plain_frame(tmp_path_factory):
    path = tmp_path_factory.mktemp("plain") / "installs.csv"
    path.write_text(csv_text(plain_rows()), encoding="utf-8")
    return read_table(path, NINE_FIELDS, warn=pytest.fail).frame


@pytest.mark.parametrize(
    "data",
    [
        csv_text(plain_rows(), lineterminator="\r\n"),
        csv_text(plain_rows(), lineterminator="\r\r\n"),
        csv_text(plain_rows()).replace("\n", ",,\n"),
        csv_text(plain_rows()).rstrip("\n"),
        csv_text(plain_rows()).replace("\n", "\n\n"),
        "\ufeff" + csv_text(plain_rows()),
        "\ufeff" + csv_text(plain_rows(), delimiter=";", lineterminator="\r\n"),
        csv_text(plain_rows(), delimiter=";"),
        csv_text(plain_rows(), delimiter="\t"),
        csv_text(plain_rows(), delimiter="\t", quoting=csv.QUOTE_ALL),
        csv_text(plain_rows(), quoting=csv.QUOTE_ALL),
    ],
    ids="CRLF CRCRLF trailing-commas no-last-line-end blank-lines BOM Excel semicolons tabs quoted-tabs quoted".split(),
)
def test_the_same_rows_in_another_dress_are_the_same_installs(tmp_path, plain_frame, capsys, data):
    path = tmp_path / "installs.csv"
    path.write_bytes(data.encode())
    assert main(["inspect", "--data", str(path)]) == 0
    assert capsys.readouterr().out.startswith(f"{ROWS} installs, ")
    frame = read_table(path, NINE_FIELDS, warn=pytest.fail).frame
    assert frame.reset_index(drop=True).equals(plain_frame.reset_index(drop=True))


def test_a_spreadsheet_export_gives_the_same_model_as_a_plain_file(train, tmp_path):
    spreadsheet = "\ufeff" + csv_text(plain_rows(), delimiter=";", lineterminator="\r\n")
    assert train(csv_text(plain_rows()), "plain") == 0
    assert train(spreadsheet, "spreadsheet") == 0
    for name in ("features.json", "model.json", "golden.ndjson"):
        assert (tmp_path / "plain" / name).read_bytes() == (tmp_path / "spreadsheet" / name).read_bytes()


@pytest.mark.parametrize("separator", [",", ";", "\t"])
def test_quotes_hold_separators_and_line_breaks(train, tmp_path, separator):
    rows = plain_rows()
    rows[0]["device_family"] = 'one, two; three\tfour\n"five"\r\nsix'
    assert train(csv_text(rows, delimiter=separator)) == 0
    frame = read_table(tmp_path / "installs.csv", NINE_FIELDS, warn=pytest.fail).frame
    assert frame["device_family"].iloc[0] == rows[0]["device_family"]
    assert frame.index[1] == 5  # after a row of three lines


@pytest.mark.parametrize(
    ("data", "expected"),
    [
        ("", "expected a header and rows, the file is empty"),
        ("\ufeff", "expected a header and rows, the file is empty"),
        ("\n \r\n", "expected a header and rows, the file is empty"),
        (HEADER, "expected rows after the header, found none"),
        (HEADER + "\r\n\r\n", "expected rows after the header, found none"),
        (csv_text(plain_rows()).encode("utf-16"), "line 1: expected UTF-8, the file looks like UTF-16"),
        (csv_text(plain_rows()).encode("utf-32"), "line 1: expected UTF-8, the file looks like UTF-32"),
        (csv_text(plain_rows()).encode("utf-16-le"), "line 1: expected UTF-8, got a NUL byte; is the file UTF-16?"),
        (csv_text(plain_rows()).encode("latin-1"), "line 2: expected UTF-8, got other bytes"),
        (
            f"{HEADER}\r{ROW}\res,M\xe1laga".encode("latin-1"),
            "line 1: expected lines that end with \\n or \\r\\n, got \\r alone",
        ),
        (f"{HEADER}\r\n{ROW}\r\nes,M\xe1laga".encode("latin-1"), "line 3: expected UTF-8, got other bytes"),
        (f"{HEADER}\n{ROW}\nes,M\radrid\n", "line 3: expected lines that end with \\n or \\r\\n, got \\r alone"),
        ("country;revenue\nes;1\n", "; missing: country_region, source, platform, device_family, os_ver"),
        ("country;revenue\nes;1\n", "; got country, revenue"),
        (csv_text(plain_rows(), delimiter="|"), "; got country|country_region|source|platfor…"),
        (f" {HEADER},\n{ROW}\n", '; missing: country; got " country", country_region'),
        (f"{HEADER},source\n{ROW},x\n", "line 1: expected every column once, got source twice"),
        (f"{HEADER},,\n{ROW},,\n{ROW},,9\n", 'line 3: expected an empty cell 12, whose column has no name, got "9"'),
        (f"{HEADER}\n{ROW}\n{ROW},9\n", "line 3: expected 10 cells as in the header, got 11"),
        (f"{HEADER}\n{ROW}\nes,Madrid\n{ROW}\n", "line 3: expected 10 cells as in the header, got 2"),
        (f'{HEADER}\n{ROW}\n"{ROW}\n{ROW}\n', "line 3: expected a quote at the end of a quoted cell, got none"),
        (f'"{HEADER}\n{ROW}\n', "line 1: expected a quote at the end of a quoted cell, got none"),
        (f'{HEADER}\n"es"x{ROW[2:]}\n', "line 2: expected a comma or the end of the line after a quoted cell"),
    ],
)
def test_a_file_that_is_no_such_csv_is_refused(refused, data, expected):
    assert expected in refused(data)


@pytest.mark.parametrize(
    ("name", "cell", "expected"),
    [
        ("event_2", "1e999", 'a number that a double can hold, got "1e999"'),
        ("event_2", "nan", 'a decimal number, got "nan"'),
        ("event_1", "inf", 'a decimal number, got "inf"'),
        ("event_1", "-1", "a number ≥ 0, got -1"),
        ("revenue", "-inf", 'a decimal number, got "-inf"'),
        ("event_3", "1_000", 'a decimal number, got "1_000"'),
        ("event_3", " 5", 'a decimal number, got " 5"'),
        ("event_1", "5\0", 'a decimal number, got "5\\u0000"'),
        ("revenue", "0x10", 'a decimal number, got "0x10"'),
        ("revenue", "1,234.5", 'a decimal number, got "1,234.5"'),
        ("revenue", "0,5", 'a decimal number, got "0,5"'),
        ("event_2", "", "number, got null"),
        ("platform", "", "text, got null"),
        ("source", "Or\0ganic", "text without NUL "),
        ("os_version", "1" * 257, "at most 256 characters, got 257"),
    ],
)
@pytest.mark.parametrize("separator", [",", ";"])
def test_a_bad_cell_is_named_by_line_and_column(refused, separator, name, cell, expected):
    rows = plain_rows()
    rows[2][name] = cell
    message = refused(csv_text(rows, delimiter=separator))
    assert f"got 1 of {ROWS} that it does not: line 4: {name}: expected {expected}" in message


def test_revenue_that_cannot_be_summed_up_is_refused(refused):
    rows = plain_rows()
    rows[5]["revenue"], rows[9]["revenue"] = "1e308", "1.5e308"
    assert "line 7: revenue: expected a number ≤ 1e+300, got 1e+308 | line 11: revenue: expected" in refused(
        csv_text(rows)
    )


@pytest.mark.parametrize("name", sorted(NULLABLE_FIELDS))
def test_a_column_that_may_be_null_may_be_all_null(train, total_of, name):
    assert train(csv_text([{**row, name: ""} for row in plain_rows()])) == 0
    assert 0.7 < total_of() < 1.4


def test_all_that_may_be_null_may_be_null_at_once(train, total_of):
    assert train(csv_text([{**row, **dict.fromkeys(NULLABLE_FIELDS, "")} for row in plain_rows()])) == 0
    assert 0.7 < total_of() < 1.4


@pytest.mark.parametrize("name", sorted(set(NAMES) - NULLABLE_FIELDS))
def test_a_column_that_may_not_be_null_may_not_be_all_null(refused, name):
    message = refused(csv_text([{**row, name: ""} for row in plain_rows()]))
    assert re.search(
        rf"got {ROWS} of {ROWS} that it does not: line 2: {name}: expected (text|number), got null", message
    )


@pytest.mark.parametrize(("name", "value"), [("platform", "iOS"), ("country", "es"), ("source", "Organic")])
def test_one_class_only_trains(train, total_of, name, value):
    assert train(csv_text([{**row, name: value} for row in plain_rows()])) == 0
    assert 0.7 < total_of() < 1.4


@pytest.mark.parametrize("revenue", ["0", "0.25"])
def test_a_constant_target_is_refused(train, capsys, revenue):
    assert train(csv_text([{**row, "revenue": revenue} for row in plain_rows()])) == 2
    error = capsys.readouterr().err
    assert f"column revenue: expected different values to learn from, got {float(revenue)} in every row" in error


def test_revenue_of_a_few_rows_is_refused_and_of_ten_trains(train, total_of, capfd):
    rows = [{**row, "revenue": "2.5" if number % 17 == 3 else "0"} for number, row in enumerate(plain_rows())]
    assert sum(row["revenue"] != "0" for row in rows) < 10
    assert train(csv_text(rows)) == 2
    assert "installs.csv: column revenue: expected at least 10 rows with revenue, got" in capfd.readouterr().err
    rows = [{**row, "revenue": "2.5" if number % 13 == 3 else "0"} for number, row in enumerate(plain_rows())]
    assert sum(row["revenue"] != "0" for row in rows) >= 10
    assert train(csv_text(rows)) == 0


@pytest.mark.long
def test_a_million_rows_of_one_country(train, tmp_path):
    few = [",".join(row.values()) for row in plain_rows() if "," not in row["device_family"]]
    few = np.array(["es" + row[2:] for row in few])
    chosen = np.random.default_rng(7).integers(0, len(few), 1_000_000)
    assert train("\n".join([HEADER, *few[chosen].tolist(), ""])) == 0
    manifest = json.loads((tmp_path / "bundle" / "manifest.json").read_text())
    assert manifest["training"]["rows"] == 1_000_000
    assert manifest["metrics"]["holdout"]["biasRatio"] == pytest.approx(1, abs=0.05)
