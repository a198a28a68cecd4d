"""`describe`: kinds, markers, roles and leaks of tables as studios have them."""

from pathlib import Path

import numpy as np
import pytest

from day7_training.cli import main
from day7_training.commands.schema import read_schema
from day7_training.describe.leaks import day_of_name

STUDIO = Path(__file__).parent / "data" / "studio.csv"


def describe(data, target, out, *more):
    return main(["describe", "--data", str(data), "--target", target, "--out", str(out), *more])


@pytest.fixture
def described(tmp_path, capsys):
    def run(columns, target="revenue", *more):
        data, out = tmp_path / "table.csv", tmp_path / "schema.toml"
        rows = zip(*columns.values())
        lines = [",".join(columns), *(",".join(map(str, row)) for row in rows)]
        data.write_text("\n".join(lines) + "\n", encoding="utf-8")
        assert describe(data, target, out, *more) == 0, capsys.readouterr().err
        return read_schema(out), capsys.readouterr().out, out.read_text()

    return run


def test_a_studios_table(tmp_path, capsys):
    out = tmp_path / "schema.toml"
    assert describe(STUDIO, "revenue_d7", out) == 0
    said, schema = capsys.readouterr().out, read_schema(out)
    fields = {field.name: field for field in schema.fields}
    assert schema.user_id_column == "AppsFlyer ID" and schema.target.column == "revenue_d7"
    assert [field.name for field in schema.with_role("install_time")] == ["Install Time"]
    assert {"Media Source", "Country Code", "Platform"} <= {field.name for field in schema.with_role("facet")}
    assert [field.name for field in schema.with_role("group")] == ["Country Code"]
    for leak in ("iap_revenue_d7", "ad_revenue_d7", "revenue_d30"):
        assert leak not in fields and f"LEAK: '{leak}'" in said and f"# LEAK: {leak}" in out.read_text()
    assert not {"Campaign ID", "App Version", "Bundle ID", "Currency"} & fields.keys()
    assert fields["push_opt_in"].kind == "boolean" and fields["push_opt_in"].nullable
    assert fields["Is LAT"].kind == "boolean" and fields["hours_to_first_purchase"].nullable
    assert fields["sessions_d0"].roles == ("event",) and fields["iap_revenue_d0_usd"].roles == ("amount",)
    assert fields["OS Version"].kind == "text" and "version" in fields["OS Version"].roles
    assert "7 values are below 0" in said


def payers(rows=600, seed=1):
    g = np.random.Generator(np.random.PCG64(seed))
    return g, np.where(g.random(rows) < 0.2, np.round(g.gamma(2, 5, rows) + 0.01, 2), 0)


def test_leaks_without_a_telling_name(described):
    g, revenue = payers()
    shop = np.where(g.random(600) < 0.5, revenue, np.round(revenue * 0.4, 2))
    columns = {
        "level": g.integers(1, 50, 600),
        "shop": shop,
        "adverts": np.round(revenue - shop, 2),
        "mostly": np.where(g.random(600) < 0.88, revenue, np.round(g.gamma(2, 9, 600), 2)),
        "euros": np.round(revenue * 0.92, 4),
        "later": np.round(revenue * g.uniform(1, 3, 600), 2),
        "paid": np.where(revenue > 0, "yes", "no"),
        "paid_at": np.where(revenue > 0, "2026-05-04 10:00:00", ""),
        "segment": np.where(revenue > 0, g.choice(["whale", "dolphin"], 600), "minnow"),
        "all_events": np.where(revenue > 0, g.integers(500, 900, 600), g.integers(1, 900, 600)),
        "revenue": revenue,
    }
    schema, said, _ = described(columns)
    assert [field.name for field in schema.fields] == ["level", "all_events"]
    for name, reason in [
        ("mostly", "it equals the target for 8"), ("euros", "it is the target times 0.92"), ("later", "at least the target"),
        ("paid", "marks payers"), ("paid_at", "marks payers"), ("segment", "marks payers"),
        ("adverts", "a part of the target: "), ("shop", ""),
    ]:  # fmt: skip
        assert f"LEAK: '{name}': " in said and reason in said, name


def test_what_is_known_early_is_no_leak(described):
    _, revenue = payers()
    early = np.where(np.arange(600) % 10 < 6, revenue, 0)  # equals the target for 60 % of the payers
    schema, _, _ = described({"revenue_d0": early, "sessions_d3": range(600), "revenue": revenue})
    assert [field.name for field in schema.fields] == ["revenue_d0", "sessions_d3"]
    assert [day_of_name(name) for name in ("revenueD30", "ltv_day_7", "week 2 x", "d0_x", "ios17", "add7")] == [
        30,
        7,
        14,
        0,
        None,
        None,
    ]


def test_kinds_markers_and_bounds(described):
    rows = 60
    columns = {
        "user_id": range(rows),
        " padded ": [" a", "b "] * 30,
        "count": ["NULL", *range(rows - 1)],
        "money": ["-", *(f"{row}.5" for row in range(rows - 1))],
        "loss": range(-30, 30),
        "yn": ["Y", "n", ""] * 20,
        "seen_at": [1_780_000_000 + row for row in range(rows)],
        "day": [f"{1 + row % 28}/12/2026" for row in range(rows)],
        "us": [f"12/{1 + row % 28}/2026 1:0{row % 10} PM" for row in range(rows)],
        "region": ["NA", "EU", "SA"] * 20,
        "same": ["x"] * rows,
        "comma": [f'"{row},5"' for row in range(rows)],
        "empty": [""] * rows,
        "zip": [10_000 + row % 7 for row in range(rows)],
        "revenue": range(rows),
    }
    schema, said, text = described(columns, "revenue", "--horizon", "30")
    fields = {field.name: field for field in schema.fields}
    assert schema.user_id_column == "user_id" and schema.target.horizon_days == 30
    assert fields["padded"].column == " padded " and fields["padded"].trim
    assert fields["count"].missing == ("NULL",) and fields["count"].nullable and fields["count"].minimum == 0
    assert fields["money"].kind == "number" and fields["money"].missing == ("-",)
    assert fields["loss"].minimum == -1e300 and not fields["loss"].nullable and fields["loss"].roles == ()
    assert fields["yn"].kind == "boolean" and fields["seen_at"].kind == "time"
    assert (fields["day"].format, fields["us"].format) == ("day_first", "month_first")
    assert fields["region"].kind == "text" and fields["region"].missing == ()
    assert fields["zip"].kind == "text"
    assert not {"same", "comma", "empty"} & fields.keys() and "decimal comma" in said
    assert "# kind      text, number" in text


@pytest.mark.parametrize(
    ("columns", "expected"),
    [
        ({"revenue": [1, 2]}, "expected columns to learn from beside revenue, got none"),
        ({"a": [1, 2], "revenue": ["x", "y"]}, "--target revenue: expected numbers, got text such as 'x', 'y'"),
        ({"a": [1, 2], "revenue": ['"1,5"', "0"]}, "got text such as '1,5', '0'; write decimal commas as points"),
        ({"a": [1, 2]}, "missing: revenue; got a"),
    ],
)
def test_tables_without_anything_to_learn_are_refused(columns, expected, tmp_path, capsys):
    data = tmp_path / "table.csv"
    data.write_text("\n".join([",".join(columns), *(",".join(map(str, row)) for row in zip(*columns.values())), ""]))
    assert describe(data, "revenue", tmp_path / "schema.toml") == 2
    assert expected in capsys.readouterr().err


def test_a_column_that_no_field_can_be_named_after_is_left_out(described):
    schema, said, _ = described(
        {"__proto__": range(50), 'say "hi" \U0001f3ae': range(50), "revenue": [row * 37 % 50 for row in range(50)]}
    )
    assert [field.name for field in schema.fields] == ['say "hi" \U0001f3ae'] or "__proto__" in said
    assert "LEAK" not in said or "equals the target" in said
