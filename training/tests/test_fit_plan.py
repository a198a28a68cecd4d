"""Fitting: the encodings and rates by hand, and no leak of a row's own revenue."""

import math

import numpy as np
import pytest

from day7_training.data.installs import FIELDS, NUMBER_FIELDS, installs_frame
from day7_training.example import fit as fit_module
from day7_training.example.fit import (
    SMOOTHING_ROWS,
    fit_plan,
    fit_two_part_plan,
    training_features,
)
from day7_training.features.folds import fold_numbers
from day7_training.features.operators import REVENUE_ENCODINGS
from day7_training.features.plan import Plan


def frame_of(**columns):
    rows = len(next(iter(columns.values())))
    ordinary = {field: [1.0 if field in NUMBER_FIELDS else "a"] * rows for field in FIELDS}
    full = {**ordinary, **columns}
    return installs_frame({field: full[field][row] for field in FIELDS} for row in range(rows))


def fit(frame, revenue):
    return fit_plan(frame, revenue, offset=True)


def column(document, name):
    return next(column for column in document["columns"] if column["name"] == name)


def test_codes_number_the_sorted_folded_keys():
    fitted = column(fit(frame_of(platform=["iOS", "Android", "ios", "\u00c4"]), np.arange(4.0)), "platform_code")
    assert fitted["values"] == {"android": 0, "ios": 1, "\u00c4": 2}
    assert fitted["unknown"] is None and fitted["missing"] is None


def test_frequencies_are_shares_of_all_rows():
    frame = frame_of(country_region=["A", "a", "b", None])
    fitted = column(fit(frame, np.arange(4.0)), "country_region_frequency")
    assert fitted["values"] == {"a": 0.5, "b": 0.25} and fitted["unknown"] == 0 and fitted["missing"] == 0.25


def test_target_means_are_smoothed_towards_the_global_mean_and_coarse():
    revenue = np.array([1.0, 2.0, 600.0, 3.0])
    fitted = column(fit(frame_of(country=["es", "ES", "fr", None]), revenue), "country_target_mean")
    # (3 + 20 * 151.5) / 22 is 137.9 and (600 + 20 * 151.5) / 21 is 172.9: the powers of four nearest are 64 and 256.
    assert SMOOTHING_ROWS == 20
    assert fitted["values"] == {"es": 256, "fr": 256} and fitted["unknown"] == fitted["missing"] == 256
    low = column(fit(frame_of(country=["es"] * 400 + ["fr"]), np.array([0.02] * 400 + [1.0])), "country_target_mean")
    assert low["values"] == {"es": 1 / 64, "fr": 1 / 16}


def test_folds_are_even_and_seeded():
    folds = fold_numbers(103, 5, seed=7)
    assert sorted(np.bincount(folds).tolist()) == [20, 20, 21, 21, 21]
    assert folds.tolist() == fold_numbers(103, 5, seed=7).tolist() != fold_numbers(103, 5, seed=8).tolist()


def encoded(document, frame, revenue):
    """Features and offset of the training rows, side by side."""
    features, offset, _ = training_features(document, frame, revenue, seed=7)
    return np.column_stack([features, offset])


@pytest.mark.parametrize("fit", [fit, fit_two_part_plan])
def test_a_rows_own_revenue_never_reaches_its_features_or_its_offset(fit):
    revenue = np.arange(50.0)
    frame = frame_of(country=["es", "fr"] * 25)
    changed = revenue.copy()
    changed[13] = 1e6
    before = encoded(fit(frame, revenue), frame, revenue)
    after = encoded(fit(frame, changed), frame, changed)
    folds = fold_numbers(50, fit_module.FOLD_COUNT, seed=7)
    mates = folds == folds[13]
    np.testing.assert_array_equal(before[mates], after[mates])
    assert not np.array_equal(before[~mates, -1], after[~mates, -1])


@pytest.mark.parametrize("name", ["country_target_mean", "country_region_relative_revenue", "offset"])
def test_shuffled_revenue_gives_no_skill(name, monkeypatch):
    monkeypatch.setattr(fit_module, "SMOOTHING_ROWS", 0.1)  # or pairs would hardly move from the whole
    generator = np.random.Generator(np.random.PCG64(5))
    # Zeros and a few huge ones, so that the means of pairs differ much: a leak would be glaring.
    revenue = 4.0 ** generator.integers(-6, 6, 1200)
    pairs = [f"c{row // 2}" for row in range(1200)]
    frame = frame_of(country=pairs) if name != "country_region_relative_revenue" else frame_of(country_region=pairs)
    document = fit(frame, revenue)
    place = -1 if name == "offset" else document["features"].index(name)

    def skill(matrix):
        return np.corrcoef(np.argsort(np.argsort(matrix[:, place])), np.argsort(np.argsort(revenue)))[0, 1]

    assert skill(np.column_stack(Plan(document).apply(frame)[:2])) > 0.3  # in sample, the row sees itself
    assert skill(encoded(document, frame, revenue)) < 0.1


@pytest.mark.parametrize("missing", [None, ""])
def test_columns_without_a_target_are_the_plans_own(missing):
    frame = frame_of(source=["x", missing] * 30, event_3=[1.0, math.nan] * 30)
    revenue = np.arange(60.0)
    document = fit(frame, revenue)
    features, plain = training_features(document, frame, revenue, seed=7).features, Plan(document).apply(frame).features
    own = {c["name"] for c in document["columns"] if c.get("encoding") not in REVENUE_ENCODINGS}
    others = [place for place, name in enumerate(document["features"]) if name in own - {"log_expected_revenue"}]
    assert len(others) > 20
    np.testing.assert_array_equal(features[:, others], plain[:, others])


def test_without_an_offset_the_expected_revenue_is_a_feature():
    frame, revenue = frame_of(country=["es", "fr"] * 25), np.arange(50.0)
    with_offset, without = (fit_plan(frame, revenue, offset=offset) for offset in (True, False))
    assert with_offset["offset"] == "log_expected_revenue" and without["offset"] is None
    assert without["features"] == [*with_offset["features"], "expected_revenue"]


def test_rates_and_expected_revenue_reach_the_model_through_the_offset_alone():
    document = fit(frame_of(country=["es", "fr"] * 25), np.arange(50.0))
    assert not any(name.startswith(("revenue_per", "expected")) for name in document["features"])


def priced(countries, prices, per_install=0.0, seed=3):
    """Installs of these countries whose revenue is what their events cost, exactly."""
    generator = np.random.Generator(np.random.PCG64(seed))
    rows = 400 * len(countries)
    country = [countries[row % len(countries)] for row in range(rows)]
    events = generator.integers(0, 50, (rows, 3)).astype(float)
    frame = frame_of(country=country, **{f"event_{place + 1}": events[:, place].tolist() for place in range(3)})
    price = np.array([prices[name] for name in country])
    return frame, per_install + np.sum(events * price, axis=1)


def rate(document, exposure):
    return column(document, f"revenue_per_{exposure}")


def test_rates_are_what_each_event_brings_in_each_country():
    frame, revenue = priced(["es", "us"], {"es": [1.0, 0.2, 3.0], "us": [10.0, 2.0, 30.0]})
    document = fit(frame, revenue)
    # The rounds stop a little short of the limit.
    for place, event in enumerate(NUMBER_FIELDS):
        assert rate(document, event)["values"]["es"] == pytest.approx([1, 0.2, 3][place], rel=0.1)
        assert rate(document, event)["values"]["us"] == pytest.approx([10, 2, 30][place], rel=0.1)
    assert np.exp(Plan(document).apply(frame).offset) == pytest.approx(revenue, rel=0.1, abs=10)


def test_a_country_in_another_unit_does_not_move_the_others():
    usual = {name: [0.0, 0.002, 0.001] for name in ("es", "fr", "mx")}
    frame, revenue = priced(["es", "fr", "mx", "pe"], {**usual, "pe": [0.0, 200.0, 100.0]})
    rates = rate(fit(frame, revenue), "event_2")
    assert rates["values"]["pe"] == pytest.approx(200, rel=0.05)
    assert rates["values"]["es"] == pytest.approx(0.002, rel=0.05) and rates["unknown"] == pytest.approx(
        0.002, rel=0.05
    )


def test_a_country_with_few_installs_backs_off_to_the_whole():
    frame, revenue = priced(["es", "fr"], {"es": [0.0, 0.002, 0.001], "fr": [0.0, 0.002, 0.001]})
    lonely = frame.copy()
    lonely.loc[0, ["country", "event_1", "event_2", "event_3"]] = ["zz", 0.0, 1.0, 0.0]
    revenue[0] = 1.0
    assert rate(fit(lonely, revenue), "event_2")["values"]["zz"] < 0.3


@pytest.mark.parametrize("revenue", [np.eye(1, 60)[0], np.eye(1, 60)[0] * 1e300, np.full(60, 1e-300)])
def test_extreme_revenue_keeps_features_and_offset_finite(revenue):
    frame = frame_of(country=["es", "fr"] * 30, event_2=[0.0] * 60)
    assert np.all(np.isfinite(encoded(fit(frame, revenue), frame, revenue)[:, -1]))


def test_installs_without_any_event_train_on_their_means():
    nothing = {event: [0.0] * 60 for event in NUMBER_FIELDS}
    frame = frame_of(country=["es", "fr"] * 30, **nothing)
    document = fit(frame, np.array([1.0, 3.0] * 30))
    assert np.exp(Plan(document).apply(frame).offset) == pytest.approx([1, 3] * 30, rel=0.05)


def test_with_two_parts_the_offset_is_of_payers_and_the_features_are_of_all():
    # Each second install pays in two countries, and none of the one in the third.
    frame = frame_of(country=["es", "es", "fr", "fr"] * 200 + ["de"])
    revenue = np.array([0.0, 6.0, 0.0, 2.0] * 200 + [0.0])
    document, plain = fit_two_part_plan(frame, revenue), fit_plan(frame, revenue, offset=False)
    assert document["features"] == plain["features"]
    assert document["columns"][: len(plain["columns"])] == plain["columns"]
    assert document["offset"] == "payer_log_expected_revenue"
    features, offset, _ = Plan(document).apply(frame)
    assert np.exp(offset[:4]) == pytest.approx([6, 6, 2, 2], rel=0.05)
    assert features[:4, document["features"].index("expected_revenue")] == pytest.approx([3, 3, 1, 1], rel=0.05)
    assert column(document, "payer_revenue_per_install")["values"].keys() == {"es", "fr"}
