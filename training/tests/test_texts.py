"""Texts as categories: the same groups and features as from plain texts, for all rows and for a part of them."""

import numpy as np
import pytest

from day7_training.data.installs import FIELDS, NUMBER_FIELDS, installs_frame
from day7_training.example.fit import fit_plan, training_features
from day7_training.features.operators import FOLDS
from day7_training.features.plan import Plan
from day7_training.features.texts import encode_texts, group_by_text

COUNTRIES = ["ES", "es", "\ud800x", "nan", "", None, "fr"]


@pytest.fixture(scope="module")
def frame():
    ordinary = {field: 1.0 if field in NUMBER_FIELDS else None for field in FIELDS}
    return installs_frame({**ordinary, "country": COUNTRIES[row % 7], "platform": "iOS"} for row in range(70))


@pytest.mark.parametrize("rows", [slice(None), slice(3, 6), slice(4, 6), slice(0)])
def test_groups_are_those_of_the_rows_that_are_there(frame, rows):
    encoded, plain = encode_texts(frame)[rows], frame[rows]
    for field in ("country", "source", "platform"):
        numbers, keys = group_by_text(encoded[field], FOLDS["ascii_lower"])
        expected, expected_keys = group_by_text(plain[field], FOLDS["ascii_lower"])
        assert numbers.tolist() == expected.tolist() and keys == expected_keys


def test_a_plan_fits_and_encodes_the_same(frame):
    revenue, encoded = np.arange(70.0), encode_texts(frame)
    document = fit_plan(frame, revenue, offset=True)
    assert document == fit_plan(encoded, revenue, offset=True)
    for rows in (slice(None), slice(3, 6), slice(0)):
        expected, found = (Plan(document).apply(part[rows]).features for part in (frame, encoded))
        np.testing.assert_array_equal(found, expected)
    plain = training_features(document, frame, revenue, seed=7)
    np.testing.assert_array_equal(plain.features, training_features(document, encoded, revenue, seed=7).features)


def test_what_is_encoded_stays_as_it_is(frame):
    once = encode_texts(frame)
    again = encode_texts(once)
    assert again["country"].cat.codes.tolist() == once["country"].cat.codes.tolist() == [0, 1, 2, 3, 4, -1, 5] * 10
    assert frame["country"].dtype == object and once["event_1"].dtype == float
