"""Bad schemas and odd tables, as commands: each has one error that says where, and names that are only unusual are taken."""

import json

import pytest

from day7_training.bundle.folder import open_bundle, write_bundle
from day7_training.cli import main
from day7_training.errors import UserError

FIELDS = [
    {"name": "country", "kind": "text"},
    {"name": "levels", "kind": "number", "nullable": False},
]
TARGET = {"name": "revenue", "horizonDays": 7}


def refusal_of(schema, tmp_path, capsys):
    path = tmp_path / "inputs.json"
    path.write_text(json.dumps(schema), encoding="utf-8")
    data = tmp_path / "table.csv"
    data.write_text("country,levels,revenue\n" + "es,1,2\n" * 20)
    assert (
        main(["train", "--data", str(data), "--schema", str(path), "--out", str(tmp_path / "out"), "--no-mlflow"]) == 2
    )
    assert not (tmp_path / "out").exists()
    return capsys.readouterr().err.strip().removeprefix(f"error: {path}: input schema, ")


@pytest.mark.parametrize(
    ("fields", "target", "expected"),
    [
        (
            [*FIELDS, {"name": "x", "kind": "money"}],
            {},
            'fields[2].kind: expected text, number, boolean or time, got string "money"',
        ),
        (
            [*FIELDS, {"name": "levels", "kind": "text"}],
            {},
            'fields[2].name: expected another name than that of fields[1], got string "levels"',
        ),
        (
            [FIELDS[0], {**FIELDS[1], "roles": ["facet"]}],
            {},
            'fields[1].roles[0]: expected a role of kind number: personal, event, amount, got string "facet"',
        ),
        (
            FIELDS,
            {"name": "levels"},
            'target.name: expected another name than that of fields[1], got string "levels"',
        ),
        (
            FIELDS,
            {"column": "levels"},
            'target.column: expected another column than that of fields[1], got string "levels"',
        ),
        (
            [{"name": f"f{place}", "kind": "text", "roles": ["facet"]} for place in range(9)],
            {},
            "fields: expected at most 8 fields with the role facet, got 9",
        ),
        (
            [*FIELDS, {"name": "__proto__", "kind": "text"}],
            {},
            'fields[2].name: expected a name other than __proto__, got string "__proto__"',
        ),
    ],
)
def test_a_bad_schema_is_refused_with_file_and_place(fields, target, expected, tmp_path, capsys):
    schema = {"format": "day7-inputs/1", "fields": fields, "target": {**TARGET, **target}}
    assert refusal_of(schema, tmp_path, capsys) == expected


def test_a_plan_that_reads_a_field_which_the_schema_lacks(tmp_path):
    plan = {
        "format": "day7-feature-plan/2",
        "columns": [{"name": "spend", "op": "number", "field": "spend"}],
        "features": ["spend"],
        "offset": None,
    }
    files = {
        "inputs.json": json.dumps({"format": "day7-inputs/1", "fields": FIELDS, "target": TARGET}).encode(),
        "features.json": json.dumps(plan).encode(),
    }
    folder = tmp_path / "bundle"
    write_bundle(folder, {"format": "day7-bundle/3"}, files)
    with pytest.raises(UserError, match=r"bundle/features\.json: feature plan, column 0 \(spend\), .*got 'spend'"):
        open_bundle(folder)


def described(table, tmp_path, capsys):
    data, out = tmp_path / "table.csv", tmp_path / "schema.toml"
    data.write_text(table, encoding="utf-8")
    status = main(["describe", "--data", str(data), "--target", "revenue", "--out", str(out)])
    return status, capsys.readouterr(), out


def test_a_table_of_one_column(tmp_path, capsys):
    status, printed, _ = described("revenue\n1\n2\n", tmp_path, capsys)
    assert (status, printed.err) == (
        2,
        "error: expected columns to learn from beside revenue, got none: there are no others\n",
    )
    status, printed, _ = described("a|revenue\n1|2\n", tmp_path, capsys)
    assert status == 2
    assert "line 1: expected the columns revenue; missing: revenue; got a|revenue" in printed.err


def test_a_table_of_two_thousand_columns(tmp_path, capsys):
    names = [f"column {place}" for place in range(1999)]
    rows = [[str((row * place) % 7) for place in range(1, 2000)] + [str(row % 5)] for row in range(30)]
    header = ",".join([*names, "revenue"])
    status, printed, schema = described("\n".join([header, *map(",".join, rows), ""]), tmp_path, capsys)
    assert status == 0 and "fields from 30 rows" in printed.out
    rows[20][1500] = "many"
    data = tmp_path / "table.csv"
    data.write_text("\n".join([header, *map(",".join, rows), ""]))
    assert main(["inspect", "--data", str(data), "--schema", str(schema)]) == 2
    assert 'line 22: column 1500: expected a decimal number, got "many"' in capsys.readouterr().err


def test_a_column_of_one_type_in_one_part_and_another_in_the_next(tmp_path, capsys):
    parts = tmp_path / "parts"
    parts.mkdir()
    (parts / "a.csv").write_text("country,levels,revenue\n" + "es,1,2\n" * 20)
    (parts / "b.csv").write_text("country,levels,revenue\n" + "es,2026-01-01,2\n" * 20)
    schema = tmp_path / "inputs.json"
    schema.write_text(json.dumps({"format": "day7-inputs/1", "fields": FIELDS, "target": TARGET}))
    assert main(["inspect", "--data", str(parts), "--schema", str(schema)]) == 2
    assert f'{parts / "b.csv"}, line 2: levels: expected a decimal number, got "2026-01-01"' in capsys.readouterr().err
