"""Data quality: every finding is found where it is and not where it is not, and the page holds up to any data."""

import csv
import math
import re
from html.parser import HTMLParser

import numpy as np
import pandas as pd
import pytest

from day7_training.cli import main
from day7_training.data.installs import FIELDS, REVENUE
from day7_training.data.table import read_table
from day7_training.example.synthetic import synthesize
from day7_training.inputs.schema import NINE_FIELDS, parse_input_schema
from day7_training.quality.anomalies import find_unit_anomalies
from day7_training.quality.canvas import Picture
from day7_training.quality.checks import inspect_installs
from day7_training.quality.finding import percent, printable, shortened
from day7_training.quality.summary import gini, lorenz, summarize_columns, top_share
from day7_training.quality.unknown import values_outside

COLUMNS = (*FIELDS, REVENUE)


def clean(rows=120):
    """Rows in which nothing is odd: no nulls, no repeats, no zeros, one spelling each."""
    return [
        {
            "country": ("es", "fr", "de")[number % 3],
            "country_region": f"Region {number % 5}",
            "source": ("Organic", "Paid")[number % 2],
            "platform": ("iOS", "Android")[number // 2 % 2],
            "device_family": ("Apple iPhone", "Samsung Galaxy Phone")[number // 2 % 2],
            "os_version": ("14.4", "10")[number // 2 % 2],
            "event_1": str(number % 2),
            "event_2": str(number + 1),
            "event_3": str(number % 4),
            "revenue": f"{0.01 * (number + 1):.6f}",
        }
        for number in range(rows)
    ]


@pytest.fixture
def write(tmp_path):
    def to_file(rows):
        path = tmp_path / "installs.csv"
        with path.open("w", encoding="utf-8", newline="") as file:
            writer = csv.DictWriter(file, COLUMNS, extrasaction="ignore")
            writer.writeheader()
            writer.writerows(rows)
        return path

    return to_file


def frame_of(path):
    return read_table(path, NINE_FIELDS, warn=pytest.fail).frame


@pytest.fixture
def inspect(write):
    return lambda rows: inspect_installs(frame_of(write(rows)))


def kinds(inspection):
    return {(finding.kind, finding.field) for finding in inspection.findings}


def test_clean_data_has_no_findings(inspect):
    assert inspect(clean()).findings == []


def edit(name, value, *numbers):
    def change(rows):
        for number in numbers or range(len(rows)):
            rows[number][name] = value

    return change


def repeat(rows):
    rows.extend(dict(row) for row in rows[:5])


def contradict(rows):
    rows.extend({**row, "revenue": "0.777777"} for row in rows[:5])


def scatter_regions(rows):
    for number, row in enumerate(rows):
        row["country_region"] = f"Place {number}"


def buy_once(rows):
    for number, row in enumerate(rows):
        row["event_1"] = "1" if number == 0 else "0"


@pytest.mark.parametrize(
    ("change", "kind", "field", "severity", "rows", "message"),
    [
        (edit("source", "", 0, 1), "nulls", "source", "note", 2, "source: null in 2 rows (1.67%)"),
        (edit("event_3", "", *range(60)), "nulls", "event_3", "warning", 60, "event_3: null in 60 rows (50.00%)"),
        (edit("source", ""), "all_null", "source", "warning", 120, "source: null in every row"),
        (edit("event_3", ""), "all_null", "event_3", "warning", 120, "event_3: null in every row"),
        (edit("country", "es"), "constant", "country", "warning", 120, "country: es in every row"),
        (edit("event_1", "0"), "constant", "event_1", "warning", 120, "event_1: 0 in every row"),
        (edit("revenue", "0.5"), "constant", "revenue", "serious", 120, "there is nothing to learn"),
        (edit("platform", "ANDROID", 2), "mixed_case", "platform", "note", 1, "platform: 1 row (0.83%)"),
        (edit("platform", "iOS", 2), "impossible_pair", "device_family", "warning", 1, "an Android brand on iOS"),
        (edit("platform", "android", 0, 1), "impossible_pair", "device_family", "warning", 2, "Apple device on"),
        (repeat, "repeated", None, "warning", 5, "5 rows (4.00%) repeat an earlier one in all nine fields"),
        (contradict, "contradicting", None, "note", 5, "5 rows (4.00%) repeat the nine fields of an earlier one"),
        (buy_once, "almost_zero", "event_1", "note", 119, "event_1: almost always zero, in 119 rows (99.17%)"),
        (scatter_regions, "many_texts", "country_region", "note", 120, "country_region: 120 texts"),
        (edit("revenue", "0", *range(20)), "zeros", "revenue", "note", 20, "revenue: 20 rows (16.67%) bring none"),
        (
            edit("source", "organic ", 0, 2),
            "blanks",
            "source",
            "warning",
            2,
            "source: 2 rows (1.67%) have blanks around",
        ),
        (
            edit("source", "N/A", 0, 2),
            "markers",
            "source",
            "warning",
            2,
            "source: 2 rows (1.67%) have a text that commonly",
        ),
        (edit("revenue", "500", 119), "heavy_tail", "revenue", "note", 1, "revenue: the top 1% of installs bring 87"),
    ],
)
def test_each_finding_is_found(inspect, change, kind, field, severity, rows, message):
    installs = clean()
    change(installs)
    found = [each for each in inspect(installs).findings if (each.kind, each.field) == (kind, field)]
    assert [(each.severity, each.rows, each.share) for each in found] == [(severity, rows, rows / len(installs))]
    assert message in found[0].message


def test_revenue_without_any_event_is_found_with_its_line(inspect):
    rows = clean()
    rows[3].update(event_1="0", event_2="0", event_3="0")
    rows[4].update(event_1="0", event_2="0", event_3="")  # an event_3 that is not known may have happened
    (finding,) = inspect(rows).of_kind("no_event")
    assert (finding.rows, finding.severity, finding.examples) == (1, "warning", ("line 5: 0.04",))


def test_repeats_without_revenue_are_no_warning(inspect):
    rows = clean()
    rows[0]["revenue"] = "0"
    rows.append(dict(rows[0]))
    (finding,) = inspect(rows).of_kind("repeated")
    assert finding.severity == "note" and "none of them with revenue above 0" in finding.message


def test_mixed_case_names_the_spellings_the_usual_one_first(inspect):
    rows = clean()
    rows[2]["platform"] = "ANDROID"
    rows[0]["country"] = "ES"
    rows[1]["country_region"] = "région 1"
    rows[6]["country_region"] = "RÉGION 1"  # not ASCII: two texts for the model
    found = {finding.field: finding.examples for finding in inspect(rows).of_kind("mixed_case")}
    assert found == {"platform": ("Android / ANDROID",), "country": ("es / ES",)}


def test_one_row_is_not_constant(inspect):
    assert kinds(inspect(clean(1))) == set()


def test_the_most_serious_comes_first(inspect):
    rows = clean()
    edit("revenue", "0.5")(rows)
    edit("source", "", 0)(rows)
    edit("country", "es")(rows)
    assert [finding.severity for finding in inspect(rows).findings] == ["serious", "warning", "note"]


@pytest.fixture(scope="module")
def synthetic():
    columns = synthesize(6000, seed=11)
    return [dict(zip(columns, cells)) for cells in zip(*columns.values())]


def in_another_unit(rows, factor, chosen=lambda row: row["country"] == "fr"):
    return [{**row, "revenue": repr(float(row["revenue"]) * factor) if chosen(row) else row["revenue"]} for row in rows]


def test_plain_synthetic_installs_have_no_unit_anomaly(synthetic, write):
    anomalies, flagged = find_unit_anomalies(frame_of(write(synthetic)))
    assert anomalies == [] and not flagged.any()


@pytest.mark.parametrize("factor", [1e5, 1e-5])
def test_a_country_in_another_unit_is_named_once(synthetic, write, factor):
    rows = in_another_unit(synthetic, factor)
    frame = frame_of(write(rows))
    anomalies, flagged = find_unit_anomalies(frame)
    (anomaly,) = anomalies  # and not its regions again
    assert (anomaly.field, anomaly.value, anomaly.rows) == ("country", "fr", (frame["country"] == "fr").sum())
    assert 0.2 < anomaly.ratio / factor < 5 and np.array_equal(flagged, frame["country"] == "fr")
    (finding,) = inspect_installs(frame).of_kind("unit_anomaly")
    assert finding.severity == "serious" and finding.message.startswith("country fr: ")


def test_a_source_and_a_country_in_another_unit_are_both_named(synthetic, write):
    rows = in_another_unit(in_another_unit(synthetic, 1e5), 1e6, lambda row: row["source"] == "Paper Kite")
    anomalies, _ = find_unit_anomalies(frame_of(write(rows)))
    assert [(anomaly.field, anomaly.value) for anomaly in anomalies] == [("country", "fr"), ("source", "paper kite")]


def test_spellings_of_a_country_in_another_unit_are_one_group(synthetic, write):
    rows = in_another_unit(synthetic, 1e5)
    french = [row for row in rows if row["country"] == "fr"]
    for row in french[::2]:
        row["country"] = "FR"
    anomalies, flagged = find_unit_anomalies(frame_of(write(rows)))
    assert [(anomaly.value, anomaly.rows) for anomaly in anomalies] == [("fr", len(french))]
    assert flagged.sum() == len(french)


def test_a_single_whale_is_no_anomaly(synthetic, write):
    place = next(number for number, row in enumerate(synthetic) if row["country"] == "fi" and float(row["event_2"]) > 0)
    rows = [dict(row) for row in synthetic]
    rows[place]["revenue"] = "1000000"
    assert find_unit_anomalies(frame_of(write(rows)))[0] == []


def test_no_revenue_at_all_is_no_anomaly(write):
    rows = clean()
    edit("revenue", "0")(rows)
    assert find_unit_anomalies(frame_of(write(rows)))[0] == []


def test_the_figures_of_the_revenue():
    revenue = np.array([0.0, 0.0, 1.0, 3.0])
    assert top_share(revenue, 0.05) == 0.75  # at least one install
    assert lorenz(revenue).tolist() == [0, 0, 0, 0.25, 1]
    assert gini(revenue) == 0.625
    assert gini(np.ones(5)) == pytest.approx(0) and gini(np.zeros(3)) is None and top_share(np.zeros(3), 0.01) is None


def test_the_columns_fold_case_and_count_nulls(write):
    rows = clean(4)
    rows[0]["platform"], rows[1]["event_3"] = "IOS", ""
    found = {column.name: column for column in summarize_columns(frame_of(write(rows)))}
    assert (found["platform"].distinct, found["platform"].usual, found["platform"].usual_rows) == (2, "android", 2)
    assert (found["event_3"].nulls, found["event_3"].zeros, found["event_3"].largest) == (1, 1, 3)


def test_texts_are_fit_to_be_shown():
    assert [percent(share) for share in (0, 1e-6, 0.1234, 0.999999, 1)] == ["0%", "<0.01%", "12.34%", ">99.99%", "100%"]
    assert printable("a\x1b[31m\nñ") == "a\\x1b[31m\\nñ"
    assert shortened("x" * 99) == "x" * 59 + "…"


class Page(HTMLParser):
    """What of a page could fetch or run, its text, and whether its elements are closed in order."""

    EMPTY = {"meta", "img", "br"}

    def __init__(self, text):
        super().__init__()
        self.tags, self.links, self.text, self.open = [], [], [], []
        self.feed(text)
        self.close()

    def handle_starttag(self, tag, attributes):
        self.tags.append(tag)
        self.links.extend(value for name, value in attributes if name in ("src", "href", "srcset", "action", "data"))
        if tag not in self.EMPTY:
            self.open.append(tag)

    def handle_endtag(self, tag):
        assert self.open.pop() == tag

    def handle_data(self, data):
        self.text.append(data)


@pytest.fixture
def no_pixels(monkeypatch):
    """Pictures are laid out and drawn, though not to pixels."""

    def picture(title, caption, figure):
        figure.draw_without_rendering()
        return Picture(title, caption, b"")

    monkeypatch.setattr("day7_training.quality.plots.picture", picture)


def page(path, tmp_path, capsys):
    out = tmp_path / "report.html"
    assert main(["inspect", "--data", str(path), "--out", str(out)]) == 0
    text = out.read_text(encoding="utf-8")
    parsed = Page(text)
    assert parsed.open == [] and "script" not in parsed.tags and "link" not in parsed.tags
    assert all(link.startswith("data:image/png;base64,") for link in parsed.links)
    assert "http:" not in text and "https:" not in text and "url(" not in text
    return parsed, capsys.readouterr().out


def test_the_page_names_the_country_and_stands_alone(synthetic, write, tmp_path, capsys):
    parsed, printed = page(write(in_another_unit(synthetic, 1e5)), tmp_path, capsys)
    first, second, *_ = printed.splitlines()
    assert first.startswith("6000 installs, ") and second.startswith("serious: country fr: ")
    text = " ".join(parsed.text)
    assert text.index("country fr") < text.index("Findings")
    titles = ("Revenue per event by country", "event_2 against revenue", "Revenue", "Lorenz curve", "Nulls")
    assert all(title in text for title in titles)
    assert parsed.tags.count("img") == 6 and "Without groups in another unit" in text


def test_the_same_data_gives_the_same_page(write, tmp_path, capsys):
    path = write(clean())
    pages = []
    for name in ("one.html", "two.html"):
        assert main(["inspect", "--data", str(path), "--out", str(tmp_path / name)]) == 0
        pages.append((tmp_path / name).read_bytes())
    assert pages[0] == pages[1]


def test_texts_of_the_data_are_escaped(write, tmp_path, capsys):
    hostile = "<script>alert(1)</script>"
    rows = [*clean(), *({**row, "country": "$x^{$&<b>", "platform": "\x1b[2J"} for row in clean(9))]
    for row in rows[:100]:
        row["device_family"] = hostile
    rows[0]["device_family"] = hostile.upper()
    rows[1]["country_region"] = "東京\n<i>"
    parsed, printed = page(write(rows), tmp_path, capsys)
    assert hostile in " ".join(parsed.text) and "\x1b" not in printed
    assert re.search(r"device_family: 1 row \(.*\) differ only in case", printed)


@pytest.mark.parametrize(
    "change",
    [
        lambda rows: rows.__delitem__(slice(1, None)),
        edit("source", ""),
        edit("revenue", "0"),
        edit("event_2", "0"),
        edit("event_3", ""),
        edit("revenue", "5e-324", 0),
        edit("revenue", "1e300", 0),
        lambda rows: [edit(name, "")(rows) for name in ("source", "country_region", "device_family", "os_version")],
    ],
)
def test_data_with_little_in_it_makes_a_page(no_pixels, write, tmp_path, capsys, change):
    rows = clean()
    change(rows)
    parsed, _ = page(write(rows), tmp_path, capsys)
    assert "Installs by country" in " ".join(parsed.text)


def test_findings_are_no_failure_but_a_bad_file_is(write, tmp_path, capsys):
    rows = clean()
    edit("source", "")(rows)
    path = write(rows)
    assert main(["inspect", "--data", str(path)]) == 0
    assert capsys.readouterr().out.splitlines() == [
        "120 installs, 1 finding",
        "warning: source: null in every row; it tells the model nothing",
    ]
    assert main(["inspect", "--data", str(path), "--out", str(path)]) == 2
    assert "expected another file than --data" in capsys.readouterr().err
    rows[7]["event_2"] = "many"
    assert main(["inspect", "--data", str(write(rows))]) == 2
    assert 'line 9: event_2: expected a decimal number, got "many"' in capsys.readouterr().err
    assert main(["inspect", "--data", str(tmp_path / "absent.csv")]) == 2


def test_numbers_and_times_outside_of_what_training_saw():
    schema = parse_input_schema(
        {
            "format": "day7-inputs/1",
            "fields": [
                {"name": "spent", "kind": "number"},
                {"name": "unranged", "kind": "number"},
                {"name": "at", "kind": "time"},
                {"name": "text", "kind": "text"},
            ],
            "target": {"name": "revenue", "horizonDays": 7},
        }
    )
    day = 86_400_000.0
    frame = pd.DataFrame(
        {
            "spent": [0, 412, 412.5, 412.5, -1, math.nan],
            "unranged": [1e300] * 6,
            "at": [0, day, 2 * day, 3e12, day - 1, math.nan],
            "text": ["x"] * 6,
        }
    )
    ranges = {"spent": {"minimum": 0, "maximum": 412}, "at": {"minimum": day, "maximum": 2 * day}}
    assert [str(finding) for finding in values_outside(frame, schema, ranges)] == [
        "warning: spent: 3 rows (50.00%) have a value outside of what the training of the bundle saw, 0 to 412 (412.5; -1)",
        "warning: at: 2 rows (33.33%) have a value outside of what the training of the bundle saw,"
        " 1970-01-02T00:00:00.000Z and later (1970-01-01T00:00:00.000Z; 1970-01-01T23:59:59.999Z)",
    ]
    assert list(values_outside(frame, schema, {})) == []


def test_texts_that_a_bundle_does_not_know(bundle, synthetic_csv, tmp_path, capsys):
    command = ["inspect", "--bundle", str(bundle), "--data"]
    assert main([*command, str(synthetic_csv)]) == 0
    assert "never saw" not in capsys.readouterr().out
    with synthetic_csv.open(encoding="utf-8", newline="") as file:
        rows = list(csv.DictReader(file))
    asked = [number for number, row in enumerate(rows) if row["country"] == "us"]
    assert len(asked) > 20
    for number in asked:
        rows[number]["country"] = "us "
    rows[asked[0]]["source"] = "NULL"
    rows[asked[0]]["event_2"] = "1e9"
    moved = tmp_path / "moved.csv"
    with moved.open("w", encoding="utf-8", newline="") as file:
        writer = csv.DictWriter(file, rows[0])
        writer.writeheader()
        writer.writerows(rows)
    assert main([*command, str(moved)]) == 0
    printed = capsys.readouterr().out
    assert re.search(rf'^warning: country: {len(asked)} rows \(.*never saw \("us "\)$', printed, re.MULTILINE)
    assert re.search(r'^note: source: 1 row \(.*never saw \("NULL"\)$', printed, re.MULTILINE)
    assert re.search(
        r"^note: event_2: 1 row .*outside of what the training of the bundle saw, 0 to \d+ \(1000000000\)$",
        printed,
        re.MULTILINE,
    )
    assert f"country: {len(asked)} rows" in printed and "blanks around the text" in printed
