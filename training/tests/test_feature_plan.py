"""The plan: each operator's rule on hand-made installs, and every refusal of a malformed document."""

import math

import numpy as np
import pytest

from day7_training.data.installs import FIELDS, installs_frame
from day7_training.errors import UserError
from day7_training.features.plan import FORMAT, Plan

LOOKUP = {
    "name": "x",
    "op": "lookup",
    "field": "country",
    "encoding": "code",
    "fold": "ascii_lower",
    "values": {"es": 1, "\u212ax": 2, "__proto__": 3},
    "unknown": None,
    "missing": -1,
}


def document(*columns, features=None, **changes):
    names = [column["name"] for column in columns]
    return {"format": FORMAT, "columns": list(columns), "features": features or names, "offset": None, **changes}


def number(field):
    return {"name": field, "op": "number", "field": field}


def apply(installs, *columns, features=None):
    frame = installs_frame({**dict.fromkeys(FIELDS), **install} for install in installs)
    return Plan(document(*columns, features=features)).apply(frame).features


def texts(field, values, column):
    return apply([{field: value} for value in values], column)[:, 0].tolist()


def same(actual, expected):
    return [repr(value) for value in actual] == [repr(value) for value in expected]


def test_number_is_nan_where_missing():
    assert same(apply([{"event_3": 1.5}, {"event_3": None}], number("event_3"))[:, 0].tolist(), [1.5, math.nan])


def test_is_missing_takes_null_and_empty_but_not_blank():
    column = {"name": "x", "op": "is_missing", "field": "source"}
    assert texts("source", [None, "", " ", "a"], column) == [1, 1, 0, 0]
    assert apply([{"event_3": None}, {"event_3": 0}], {**column, "field": "event_3"})[:, 0].tolist() == [1, 0]


def test_lookup_folds_ascii_letters_only():
    values = ["ES", "es", "fr", None, "", " es", "\u212ax", "kx", "__PROTO__", "constructor"]
    nan = math.nan
    assert same(texts("country", values, LOOKUP), [1.0, 1.0, nan, -1.0, -1.0, nan, 2.0, nan, 3.0, nan])
    assert same(texts("country", ["ES", "es"], {**LOOKUP, "fold": "none", "values": {"ES": 4}}), [4.0, nan])


@pytest.mark.parametrize(
    ("text", "major", "minor"),
    [
        ("14.4.1", 14, 4),
        ("10", 10, 0),
        ("14.x", 14, math.nan),
        ("14.4beta", 14, 4),
        ("abc", math.nan, 0),
        ("14.", 14, math.nan),
        ("\u0663.\u0661", math.nan, math.nan),
        ("007.08", 7, 8),
        ("999999999999999.1", 999999999999999, 1),
        ("1000000000000000.1", math.nan, 1),
        ("", math.nan, math.nan),
        (None, math.nan, math.nan),
        (" 14.-1", math.nan, math.nan),
    ],
)
def test_version_part(text, major, minor):
    column = {"name": "major", "op": "version_part", "field": "os_version", "part": 0, "absent": None}
    row = apply([{"os_version": text}], column, {**column, "name": "minor", "part": 1, "absent": 0})[0]
    assert same(row.tolist(), [float(major), float(minor)])


def test_sum_goes_from_left_to_right_and_takes_nan_as_zero():
    events = [number(field) for field in ("event_1", "event_2", "event_3")]
    total = {"name": "total", "op": "sum", "of": ["event_1", "event_2", "event_3"]}
    installs = [{"event_1": 0.1, "event_2": 0.2, "event_3": 0.3}, {"event_1": 1e16, "event_2": 1, "event_3": 1}, {}]
    assert apply(installs, *events, total, features=["total"])[:, 0].tolist() == [0.1 + 0.2 + 0.3, 1e16, 0]
    backwards = {**total, "of": ["event_3", "event_2", "event_1"]}
    assert apply(installs, *events, backwards, features=["total"])[:, 0].tolist() == [0.3 + 0.2 + 0.1, 1e16 + 2, 0]


def test_ratio_divides_as_ieee_does():
    ratio = {"name": "r", "op": "ratio", "numerator": "event_1", "denominator": "event_2", "plus": 0}
    installs = [{"event_1": n, "event_2": d} for n, d in [(1, 3), (1, 0), (0, 0), (None, 1), (1, None)]]
    actual = apply(installs, number("event_1"), number("event_2"), ratio, features=["r"])[:, 0].tolist()
    assert same(actual, [1 / 3, math.inf, math.nan, math.nan, math.nan])
    assert apply(installs[:2], number("event_1"), number("event_2"), {**ratio, "plus": 1}, features=["r"]).tolist() == [
        [0.25],
        [1],
    ]


def test_features_are_float64_in_the_order_named():
    columns = number("event_1"), number("event_2")
    matrix = apply([{"event_1": 1, "event_2": 2}], *columns, features=["event_2", "event_1"])
    assert matrix.dtype == np.float64 and matrix.tolist() == [[2, 1]]


@pytest.mark.parametrize(
    ("plan", "expected"),
    [
        (document(number("event_1"), format="day7-feature-plan/3"), "expected the format"),
        (document(number("event_1"), extra=1), "expected the keys"),
        (document({**number("event_1"), "op": "cube"}), "expected one of the operators"),
        (document({**number("event_1"), "plus": 1}), "expected the keys"),
        (document({"name": "a", "op": "number"}), "expected the keys"),
        (document(number("country")), "key field: expected a field of the kind number or boolean or time"),
        (document(number("event_1"), number("event_1")), "expected a new name"),
        (document({"name": "s", "op": "sum", "of": ["later"]}), "key of: expected a list of earlier columns"),
        (document({**LOOKUP, "values": {"ES": 1}}), "expected keys already folded, got 'ES'"),
        (document({**LOOKUP, "values": {"es": None}}), "key values: expected a map"),
        (document({**LOOKUP, "missing": True}), "key missing: expected a number or null"),
        (document({**LOOKUP, "fold": "lower"}), "key fold: expected one of"),
        (document(number("event_1"), features=["event_2"]), "'event_2' is not the name of a column"),
        (document(number("event_1"), features=["event_1", "event_1"]), "expected features, each once"),
        (document(number("event_1"), offset="nothing"), "'nothing' is not the name of a column"),
    ],
)
def test_a_malformed_plan_is_refused(plan, expected):
    with pytest.raises(UserError) as caught:
        Plan(plan)
    assert expected in str(caught.value)


def test_json_constants_that_are_not_json_are_refused():
    with pytest.raises(UserError, match="got NaN"):
        Plan.parse('{"format": NaN}')
