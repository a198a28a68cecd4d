"""The operators of the second format of a plan, by hand."""

import math

import numpy as np
import pandas as pd
import pytest

from day7_training.errors import UserError
from day7_training.features.plan import Plan
from day7_training.inputs.schema import parse_input_schema

SCHEMA = parse_input_schema(
    {
        "format": "day7-inputs/1",
        "fields": [
            {"name": "n", "kind": "number"},
            {"name": "flag", "kind": "boolean"},
            {"name": "at", "kind": "time"},
            {"name": "text", "kind": "text"},
        ],
        "target": {"name": "revenue", "horizonDays": 7},
    }
)
N = {"name": "n", "op": "number", "field": "n"}


def apply(values, *columns, field="n"):
    frame = pd.DataFrame({"n": 0.0, "flag": 1.0, "at": 0.0, "text": [None] * len(values)}).assign(**{field: values})
    document = {
        "format": "day7-feature-plan/2",
        "columns": list(columns),
        "features": [columns[-1]["name"]],
        "offset": None,
    }
    return Plan(document, SCHEMA).apply(frame).features[:, 0].tolist()


@pytest.mark.parametrize(
    ("milliseconds", "day", "hour", "weekday"),
    [
        (0, 0, 0, 3),  # a Thursday
        (-1, -1, 23, 2),
        (3_599_999, 0, 0, 3),
        (3_600_000, 0, 1, 3),
        (4 * 86_400_000, 4, 0, 0),
        (1_772_323_199_999, 20_512, 23, 5),  # 2026-02-28, a Saturday
        (-62_135_596_800_000, -719_162, 0, 0),  # 0001-01-01
        (253_402_300_799_999, 2_932_896, 23, 4),  # 9999-12-31
    ],
)
def test_parts_of_a_time(milliseconds, day, hour, weekday):
    for part, expected in (("day", day), ("hour", hour), ("weekday", weekday)):
        column = {"name": "p", "op": "time_part", "field": "at", "part": part}
        assert apply([float(milliseconds)], column, field="at") == [expected], part
        assert math.isnan(apply([math.nan], column, field="at")[0])


def test_difference_linear_and_clip():
    double = {"name": "twice", "op": "linear", "argument": "n", "factor": 2, "plus": 1}
    assert apply([3.0, 0.1], N, double) == [7, 0.1 * 2 + 1]
    less = {"name": "less", "op": "difference", "minuend": "twice", "subtrahend": "n"}
    assert apply([3.0], N, double, less) == [4]
    clip = {"name": "c", "op": "clip", "argument": "n", "minimum": -1, "maximum": 2}
    assert apply([-5.0, 0.5, 2.0, math.inf], N, clip) == [-1, 0.5, 2, 2]
    assert apply([-5.0, 9.0], N, {**clip, "minimum": None}) == [-5, 2]
    for column in ({**clip}, {**double}, {**less, "minuend": "n"}):
        assert math.isnan(apply([math.nan], N, column)[0])


def test_a_step_takes_the_value_below_or_at_its_edge():
    step = {"name": "s", "op": "step", "argument": "n", "edges": [0, 1.5], "values": [10, 20, 30], "missing": -1}
    assert apply([-9.0, 0.0, 0.1, 1.5, 1.6, math.inf, math.nan], N, step) == [10, 10, 20, 20, 30, 30, -1]
    assert apply([5.0], N, {**step, "edges": [], "values": [7]}) == [7]
    assert math.isnan(apply([math.nan], N, {**step, "missing": None})[0])


def test_booleans_and_times_are_numbers():
    assert apply([1.0], {"name": "f", "op": "number", "field": "flag"}, field="flag") == [1]
    assert apply([5.0, math.nan], {"name": "m", "op": "is_missing", "field": "at"}, field="at") == [0, 1]


@pytest.mark.parametrize(
    ("column", "expected"),
    [
        ({"name": "p", "op": "time_part", "field": "n", "part": "hour"}, "expected a field of the kind time"),
        ({"name": "p", "op": "time_part", "field": "at", "part": "month"}, "expected one of day, hour, weekday"),
        ({"name": "p", "op": "number", "field": "text"}, "expected a field of the kind number or boolean or time"),
        ({"name": "c", "op": "clip", "argument": "n", "minimum": 2, "maximum": 1}, "expected a minimum of at most 1"),
        ({"name": "s", "op": "step", "argument": "n", "edges": [1, 1], "values": [1, 2, 3], "missing": 0}, "ascending"),
        ({"name": "s", "op": "step", "argument": "n", "edges": [1], "values": [1], "missing": 0}, "expected 2 values"),
    ],
)
def test_wrong_columns_are_refused(column, expected):
    with pytest.raises(UserError, match=expected):
        apply([1.0], N, column)


def test_the_first_format_has_no_such_operators():
    document = {
        "format": "day7-feature-plan/1",
        "columns": [N, {"name": "d", "op": "difference", "minuend": "n", "subtrahend": "n"}],
    }
    with pytest.raises(UserError, match="expected one of the operators number, is_missing"):
        Plan({**document, "features": ["d"], "offset": None}, SCHEMA)
    assert np.isnan(apply([math.nan], N)[0])
