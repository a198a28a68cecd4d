"""Tables as people have them: every format, compressed or not, folders and globs of part files, the standard input."""

import gzip
import io
import json
import shutil
import sys
from pathlib import Path

import numpy as np
import pandas as pd
import pyarrow as pa
import pyarrow.parquet as pq
import pytest

from day7_training.cli import main
from day7_training.data.parts import bad_rows_file, find_parts
from day7_training.data.table import SKIP, Reading, read_all_columns, read_table
from day7_training.errors import UserError
from day7_training.inputs.schema import NINE_FIELDS, parse_input_schema

FIXTURES = Path(__file__).parents[2] / "test" / "fixtures" / "formats"
SCHEMA = parse_input_schema(
    {
        "format": "day7-inputs/1",
        "fields": [
            {"name": "country", "kind": "text", "nullable": False},
            {"name": "sessions", "column": "Sessions", "kind": "number", "nullable": False, "minimum": 0},
            {"name": "spent", "kind": "number"},
            {"name": "opt_in", "kind": "boolean", "required": False},
        ],
        "target": {"name": "revenue", "column": "rev", "horizonDays": 7},
    }
)
FRAME = pd.DataFrame(
    {
        "country": ["es", "na", "fr", "é"],
        "Sessions": [1, 2, 3, 4],
        "spent": [0.5, np.nan, 2.0, 3.25],
        "opt_in": [True, False, True, True],
        "rev": [0.0, 1.5, 0.0, 2.0],
    }
)
EXPECTED = {
    "country": ["es", "na", "fr", "é"],
    "sessions": [1.0, 2.0, 3.0, 4.0],
    "spent": [0.5, None, 2.0, 3.25],
    "opt_in": [1.0, 0.0, 1.0, 1.0],
    "revenue": [0.0, 1.5, 0.0, 2.0],
}


def csv_of(frame, sep=","):
    return frame.to_csv(index=False, sep=sep).encode()


def ndjson_of(frame):
    """As BigQuery writes it: integers as texts, nulls left out."""
    lines = []
    for row in frame.to_dict("records"):
        row = {name: str(value) if name == "Sessions" else value for name, value in row.items() if value == value}
        lines.append(json.dumps(row, ensure_ascii=False) + "\n")
    return "".join(lines).encode()


def parquet_of(frame):
    buffer = io.BytesIO()
    frame.to_parquet(buffer)
    return buffer.getvalue()


def zstd_bytes(data):
    return pa.compress(data, codec="zstd", asbytes=True)


def values(installs):
    columns = installs.frame.astype(object)
    return {name: [None if each != each else each for each in columns[name]] for name in columns}


def read(path, **more):
    return read_table(path, SCHEMA, pytest.fail, **more)


FILES = {
    "t.csv": csv_of(FRAME),
    "t.tsv": csv_of(FRAME, "\t"),
    "t.ndjson": ndjson_of(FRAME),
    "t.jsonl": b"\xef\xbb\xbf\r\n" + ndjson_of(FRAME),
    "t.parquet": parquet_of(FRAME),
    "t.csv.gz": gzip.compress(csv_of(FRAME)[:30]) + gzip.compress(csv_of(FRAME)[30:]),
    "t.CSV.ZST": zstd_bytes(csv_of(FRAME)[:30]) + zstd_bytes(csv_of(FRAME)[30:]),
    "t.ndjson.gz": gzip.compress(ndjson_of(FRAME)),
    "t.jsonl.zst": zstd_bytes(ndjson_of(FRAME)),
    "no-ending": ndjson_of(FRAME),
}


@pytest.mark.parametrize("name", FILES)
def test_every_format_has_the_same_values(name, tmp_path):
    (tmp_path / name).write_bytes(FILES[name])
    assert values(read(tmp_path / name)) == EXPECTED
    cells = read_all_columns(tmp_path / name, "rev")
    assert [cells["spent"].uniques[code] for code in cells["spent"].codes][1] == ""
    assert [float(cells["rev"].uniques[code]) for code in cells["rev"].codes] == EXPECTED["revenue"]


@pytest.mark.parametrize("name", ["t.csv", "t.ndjson", "t.parquet", "t.csv.gz", "t.jsonl.zst"])
def test_the_standard_input(name, monkeypatch):
    monkeypatch.setattr(sys, "stdin", io.TextIOWrapper(io.BytesIO(FILES[name])))
    assert values(read(Path("-"))) == EXPECTED


@pytest.mark.parametrize("extension", ["csv", "ndjson.gz", "parquet"])
def test_part_files_with_partitions(extension, tmp_path):
    write = {"csv": csv_of, "ndjson.gz": lambda frame: gzip.compress(ndjson_of(frame)), "parquet": parquet_of}
    folder = tmp_path / "table"
    for place, country in enumerate(FRAME["country"]):
        part = folder / f"country={country.replace('é', '%C3%A9')}" / f"part-0000{9 - place}.{extension}"
        part.parent.mkdir(parents=True)
        # pandas writes integers as doubles where a null is among them
        rows = FRAME.iloc[[place]].drop(columns="country")
        part.write_bytes(write[extension](rows.astype({"Sessions": float}) if place == 1 else rows))
    for name in ("_SUCCESS", ".part-0.crc", "_temporary/0/part-x.csv", ".hidden/part-x.csv"):
        (folder / name).parent.mkdir(parents=True, exist_ok=True)
        (folder / name).write_text("nothing of a table")
    if extension == "csv":
        (folder / "country=es" / "part-00000.csv").write_bytes(b"")
    # In the order of names, where é is %C3%A9.
    expected = {name: [column[place] for place in (3, 0, 2, 1)] for name, column in EXPECTED.items()}
    by_folder = read(folder)
    assert values(by_folder) == expected and by_folder.frame.index.name == "row"
    for pattern in (folder / "*", folder / "**" / f"*.{extension}", folder / "country=*" / f"part-*.{extension}"):
        assert values(read(pattern)) == expected, pattern
    cells = read_all_columns(folder, "rev")
    assert [cells["country"].uniques[code] for code in cells["country"].codes] == expected["country"]
    shutil.copytree(folder, tmp_path / "copy")
    assert read(tmp_path / "copy").sha256 == by_folder.sha256


def test_the_null_partition(tmp_path):
    for value in ("__HIVE_DEFAULT_PARTITION__", "2"):
        (tmp_path / "t" / f"spent={value}").mkdir(parents=True)
        frame = FRAME.drop(columns="spent").iloc[:1]
        (tmp_path / "t" / f"spent={value}" / "p.parquet").write_bytes(parquet_of(frame))
    assert values(read(tmp_path / "t"))["spent"] == [2.0, None]


def test_what_a_path_may_not_be(tmp_path):
    def refused(path, message, read=read):
        with pytest.raises(UserError) as error:
            read(path)
        assert str(error.value) == message

    def write(name, data):
        (tmp_path / name).parent.mkdir(parents=True, exist_ok=True)
        (tmp_path / name).write_bytes(data)
        return tmp_path / name

    (tmp_path / "empty").mkdir()
    refused(tmp_path / "empty", f"expected part files in the folder {tmp_path}/empty, found none")
    refused(tmp_path / "*.xyz", f"expected files that match {tmp_path}/*.xyz, found none")
    refused(tmp_path / "none.csv", f"expected a table, found nothing at {tmp_path}/none.csv")
    book = write("t.xlsx", b"PK\x03\x04")
    refused(book, f"{book} is an Excel workbook: save the sheet as CSV (UTF-8)")
    packed = write("t.csv.zip", b"PK\x03\x04")
    refused(packed, f"{packed} is a zip archive: unpack it first")
    double = write("t.parquet.gz", gzip.compress(FILES["t.parquet"]))
    refused(double, f"{double} is a compressed Parquet file, which is compressed inside already: decompress it first")
    no_gzip = write("plain.csv.gz", FILES["t.csv"])
    refused(no_gzip, f"{no_gzip}: expected gzip, got other bytes; name the file by what it is")
    for name, called in (("t.csv.gz", "gzip"), ("t.jsonl.zst", "Zstandard")):
        cut = write(f"cut-{name}", FILES[name][:-12])
        refused(cut, f"{cut}: expected {called} up to its end, got a part; is it complete?")
    named = write("named.ndjson", FILES["t.parquet"])
    refused(named, f"{named}: expected NDJSON, got a Parquet file; name it .parquet, or pass that format")
    other = write("other.parquet", FILES["t.csv"])
    refused(other, f"{other}: expected a Parquet file that begins with PAR1, got other bytes")
    twice = FIXTURES / "p32_dup_names.parquet"
    with pytest.raises(UserError, match="expected every column once, got "):
        read_all_columns(twice, "revenue")

    both = write("both/country=es/p.csv", FILES["t.csv"])
    refused(tmp_path / "both", f"{both}: expected every column once, got country in the file and in its path")
    write("mixed/a=1/p.csv", FILES["t.csv"])
    mixed = write("mixed/p.csv", FILES["t.csv"])
    refused(tmp_path / "mixed", f"{mixed}: expected the partitions a as of {tmp_path}/mixed/a=1/p.csv, got none")
    lost = FRAME.drop(columns="Sessions")
    first = write("lost/p1.parquet", FILES["t.parquet"])
    second = write("lost/p2.parquet", parquet_of(lost))
    refused(tmp_path / "lost", f"{second}: missing column Sessions; found country, spent, opt_in, rev")
    second.write_bytes(parquet_of(FRAME.astype({"Sessions": str})))
    message = (
        f"{second}, column Sessions: expected int64 as in {first}, got {pq.read_schema(second).field('Sessions').type}"
    )
    refused(tmp_path / "lost", message)
    refused(tmp_path / "lost", message, lambda path: read_all_columns(path, "rev"))


def test_faults_name_their_file_and_the_list_is_that_of_this_run(tmp_path):
    folder = tmp_path / "t"
    folder.mkdir()
    (folder / "p1.ndjson").write_bytes(FILES["t.ndjson"])
    bad = [
        '{"country":"es","Sessions":"1,5","rev":1}',
        '{"country":5,"Sessions":-1,"rev":"2"}',
        '{"Sessions":1,"rev":1}',
        '{"country":"es","sessions":"7","rev":"1e3"}',
        "[1]",
        '{"country":"es","Sessions":NaN,"rev":1}',
        "x" * (1 << 20) + "x",
        '{"country":"\\ud800","Sessions":1}',
    ]
    data = "\n".join(bad).encode() + b'\n{"country":"\xe9"}\n'
    (folder / "p2.ndjson").write_bytes(data)
    side = bad_rows_file(folder)
    assert side == tmp_path / "t.bad-rows.ndjson"
    warnings = []
    installs = read_table(folder, SCHEMA, warnings.append, Reading(SKIP, side))
    assert values(installs)["sessions"] == [1.0, 2.0, 3.0, 4.0, 7.0]
    named = [json.loads(line) for line in side.read_text().splitlines()]
    assert {each["file"] for each in named} == {str(folder / "p2.ndjson")}
    assert [(each["line"], *each["faults"]) for each in named] == [
        (1, 'sessions: expected a decimal number, got "1,5"'),
        (2, "country: expected text, got 5", "sessions: expected a number ≥ 0, got -1"),
        (3, "country: expected, but it is missing"),
        (5, "expected object, got array [1]"),
        (6, "expected JSON: NaN is no JSON"),
        (7, "expected a row of at most 1048576 bytes, got more"),
        (
            8,
            'country: expected text without NUL and without half a surrogate pair, got string "\\ud800"',
            "revenue: expected, but it is missing",
        ),
        (9, "expected UTF-8, got other bytes"),
    ]
    assert f"{folder / 'p2.ndjson'}, line 1: " in warnings[0]
    (folder / "p2.ndjson").unlink()
    read(folder, reading=Reading(SKIP, side))
    assert not side.exists()


def test_where_bad_rows_are_named(tmp_path, monkeypatch):
    monkeypatch.chdir(tmp_path)
    assert bad_rows_file(Path("-")) == Path("stdin.bad-rows.ndjson")
    assert bad_rows_file(Path("x/t.csv.gz")) == Path("x/t.csv.gz.bad-rows.ndjson")
    assert bad_rows_file(Path("x/dt=*/*.csv")) == Path("x/_bad-rows.ndjson")
    assert bad_rows_file(Path(".")) == tmp_path.with_name(tmp_path.name + ".bad-rows.ndjson")


def test_a_name_with_wildcards_is_a_file_where_there_is_one(tmp_path):
    (tmp_path / "t[1].csv").write_bytes(FILES["t.csv"])
    assert [part.path.name for part in find_parts(tmp_path / "t[1].csv")] == ["t[1].csv"]


@pytest.mark.parametrize("name", ["n01_numbers_as_strings.ndjson", "n03_nulls_left_out.ndjson"])
def test_what_bigquery_writes(name, tmp_path):
    installs = read_table(FIXTURES / name, NINE_FIELDS, pytest.fail)
    assert len(installs.frame) > 100 and not installs.frame["event_1"].isna().any()
    out = tmp_path / "schema.toml"
    assert main(["describe", "--data", str(FIXTURES / name), "--target", "revenue", "--out", str(out)]) == 0
    assert 'kind = "number"' in out.read_text()
    assert main(["inspect", "--data", str(FIXTURES / name)]) == 0


def test_numbers_too_long_for_doubles_stay_texts_in_cells(tmp_path):
    (tmp_path / "t.ndjson").write_text('{"id":12345678901234567890,"rev":1.50}\n{"rev":2,"more":[1,{"a":null}]}\n')
    cells = read_all_columns(tmp_path / "t.ndjson", "rev")
    shown = {name: [column.uniques[code] for code in column.codes] for name, column in cells.items()}
    assert shown["id"] == ["12345678901234567890", ""] and shown["rev"] == ["1.50", "2"]
    assert shown["more"][0] == ""
