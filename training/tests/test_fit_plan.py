"""Fitting: the encodings by hand, independence of row order, and no leak of a row's own revenue."""

import math

import numpy as np
import pytest

from day7_training.features.plan import Plan
from day7_training.features.fit import FOLD_COUNT, SMOOTHING_ROWS, fit_plan, fold_numbers, training_features
from day7_training.data.installs import FIELDS, NUMBER_FIELDS, installs_frame


def frame_of(**columns):
    rows = len(next(iter(columns.values())))
    ordinary = {field: [1.0 if field in NUMBER_FIELDS else "a"] * rows for field in FIELDS}
    full = {**ordinary, **columns}
    return installs_frame({field: full[field][row] for field in FIELDS} for row in range(rows))


def column(document, name):
    return next(column for column in document["columns"] if column["name"] == name)


def test_codes_number_the_sorted_folded_keys():
    fitted = column(fit_plan(frame_of(platform=["iOS", "Android", "ios", "\u00c4"]), np.arange(4.0)), "platform_code")
    assert fitted["values"] == {"android": 0, "ios": 1, "\u00c4": 2}
    assert fitted["unknown"] is None and fitted["missing"] is None


def test_frequencies_are_shares_of_all_rows():
    frame = frame_of(country_region=["A", "a", "b", None])
    fitted = column(fit_plan(frame, np.arange(4.0)), "country_region_frequency")
    assert fitted["values"] == {"a": 0.5, "b": 0.25} and fitted["unknown"] == 0 and fitted["missing"] == 0.25


def test_target_means_are_smoothed_towards_the_global_mean():
    revenue = np.array([1.0, 2.0, 6.0, 3.0])
    fitted = column(fit_plan(frame_of(country=["es", "ES", "fr", None]), revenue), "country_target_mean")
    assert fitted["values"] == {
        "es": (3 + SMOOTHING_ROWS * 3) / (2 + SMOOTHING_ROWS),
        "fr": (6 + SMOOTHING_ROWS * 3) / (1 + SMOOTHING_ROWS),
    }
    assert fitted["unknown"] == fitted["missing"] == 3


def test_the_order_of_rows_does_not_change_the_plan():
    generator = np.random.Generator(np.random.PCG64(1))
    revenue = generator.random(500) * 10.0 ** generator.integers(-8, 8, 500)
    countries = np.array(["a", "b", "c"], dtype=object)[generator.integers(0, 3, 500)]
    order = generator.permutation(500)
    plans = [fit_plan(frame_of(country=countries[rows].tolist()), revenue[rows]) for rows in (np.arange(500), order)]
    assert plans[0] == plans[1]


def test_folds_are_even_and_seeded():
    folds = fold_numbers(103, seed=7)
    assert sorted(np.bincount(folds).tolist()) == [20, 20, 21, 21, 21] and len(set(folds)) == FOLD_COUNT
    assert folds.tolist() == fold_numbers(103, seed=7).tolist() != fold_numbers(103, seed=8).tolist()


def test_a_rows_own_revenue_never_reaches_its_features():
    revenue = np.arange(50.0)
    frame = frame_of(country=["es", "fr"] * 25)
    changed = revenue.copy()
    changed[13] = 1e6
    document = fit_plan(frame, revenue)
    before = training_features(document, frame, revenue, seed=7)
    after = training_features(fit_plan(frame, changed), frame, changed, seed=7)
    mates = fold_numbers(50, seed=7) == fold_numbers(50, seed=7)[13]
    assert np.array_equal(before[mates], after[mates], equal_nan=True)
    assert not np.array_equal(before[~mates], after[~mates], equal_nan=True)


def test_random_revenue_gives_the_target_mean_no_skill():
    generator = np.random.Generator(np.random.PCG64(5))
    revenue = generator.random(1200)
    frame = frame_of(country=[f"c{row // 2}" for row in range(1200)])  # pairs: a leak would be glaring
    document = fit_plan(frame, revenue)
    place = document["features"].index("country_target_mean")

    def skill(features):
        return np.corrcoef(features[:, place], revenue)[0, 1]

    assert skill(Plan(document).apply(frame)) > 0.5  # in sample, the row sees itself
    assert skill(training_features(document, frame, revenue, seed=7)) < 0.1


@pytest.mark.parametrize("missing", [None, ""])
def test_columns_without_a_target_are_the_plans_own(missing):
    frame = frame_of(source=["x", missing] * 30, event_3=[1.0, math.nan] * 30)
    revenue = np.arange(60.0)
    document = fit_plan(frame, revenue)
    features, plain = training_features(document, frame, revenue, seed=7), Plan(document).apply(frame)
    others = [place for place, name in enumerate(document["features"]) if name != "country_target_mean"]
    np.testing.assert_array_equal(features[:, others], plain[:, others])
