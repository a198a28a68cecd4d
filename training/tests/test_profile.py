"""The reference histograms: bins by hand, missing values apart, a bin for each of few values; ranges of fields."""

import math

import numpy as np
import pandas as pd
from inputs_fixture import schema_of

from day7_training.bundle.profile import field_ranges, make_profile


def histogram(values):
    column = np.array(values, dtype=float)
    return make_profile(["x"], column[:, None], np.zeros(1), {})["features"]["x"]


def test_few_values_have_a_bin_each():
    assert histogram([0, 0, 2, 5, math.nan]) == {"edges": [0, 2], "counts": [2, 1, 1], "missing": 1}


def test_many_values_fall_into_tenths_with_the_edge_below():
    assert histogram(range(1, 101)) == {"edges": list(range(10, 100, 10)), "counts": [10] * 10, "missing": 0}


def test_a_value_that_fills_many_tenths_gives_one_edge():
    tail = range(1, 41)
    actual = histogram([0] * 60 + list(tail))
    assert actual["edges"] == [0, 10, 20, 30] and actual["counts"] == [60, 10, 10, 10, 10]


def test_one_value_and_none():
    assert histogram([3, 3]) == {"edges": [], "counts": [2], "missing": 0}
    assert histogram([math.nan]) == {"edges": [], "counts": [0], "missing": 1}


def test_the_range_of_numbers_and_times_that_have_values():
    fields = [
        {"name": name, "kind": kind}
        for name, kind in [("a", "number"), ("none", "number"), ("at", "time"), ("yes", "boolean"), ("t", "text")]
    ]
    columns = {
        "a": [2.5, math.nan, -1.0],
        "none": [math.nan] * 3,
        "at": [5e11, 1.5e12, math.nan],
        "yes": [0.0, 1.0, 1.0],
        "t": ["x", None, "y"],
    }
    assert field_ranges(schema_of(fields), pd.DataFrame(columns)) == {
        "a": {"minimum": -1, "maximum": 2.5},
        "at": {"minimum": 5e11, "maximum": 1.5e12},
    }
