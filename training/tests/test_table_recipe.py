"""The recipe for any table: no leak of a row's own target, no dependence on the currency, and odd tables."""

import math

import numpy as np
import pandas as pd
import pytest

from day7_training.features import recipe as recipe_module
from day7_training.features.factors import Grouping, fit_factors
from day7_training.features.folds import fold_numbers
from day7_training.features.names import ColumnNames
from day7_training.features.plan import Plan
from day7_training.features.recipe import TableRecipe, nearest_power_of_two
from day7_training.features.structure import FACTORS, NONE, RATES
from day7_training.inputs.schema import parse_input_schema
from day7_training.model.boosting import fit
from day7_training.model.parameters import resolve_parameters
from day7_training.progress import no_progress

FIELDS = [
    {"name": "geo", "kind": "text", "roles": ["group"]},
    {"name": "Ad, \"set\" \U0001f3ae", "kind": "text"},
    {"name": "clicks", "kind": "number", "roles": ["event"]},
    {"name": "minutes", "kind": "number", "roles": ["amount"]},
    {"name": "opt in", "kind": "boolean"},
    {"name": "installed", "kind": "time", "roles": ["install_time"]},
]  # fmt: skip
SCHEMA = parse_input_schema(
    {"format": "day7-inputs/1", "fields": FIELDS, "target": {"name": "revenue", "horizonDays": 7}}
)


def table(rows=1200, seed=5):
    g = np.random.Generator(np.random.PCG64(seed))
    geo, ad = g.integers(0, 6, rows), g.integers(0, 40, rows)
    clicks = g.poisson(3, rows).astype(float)
    pays = g.random(rows) < 1 / (1 + np.exp(2 - 0.5 * (geo - 2) - 0.2 * clicks))
    frame = pd.DataFrame(
        {
            "geo": np.array([f"g{each}" for each in geo], dtype=object),
            FIELDS[1]["name"]: np.array([None if each == 0 else f"a{each}" for each in ad], dtype=object),
            "clicks": clicks,
            "minutes": np.where(g.random(rows) < 0.1, np.nan, g.gamma(2, 3, rows)),
            "opt in": (g.random(rows) < 0.5).astype(float),
            "installed": 1.78e12 + g.integers(0, 10**9, rows) * 1.0,
        }
    )
    return frame, np.where(pays, (1 + geo) * g.gamma(2, 1.0, rows), 0.0)


def encoded(base, frame, target):
    recipe = TableRecipe(SCHEMA, base)
    document = recipe.fit(frame, target, offset=True)
    features, offset, _ = recipe.training_features(document, frame, target, seed=7)
    return np.column_stack([features, offset])


@pytest.mark.parametrize("base", [NONE, FACTORS, RATES])
def test_a_rows_own_target_never_reaches_its_features_or_its_offset(base):
    frame, target = table()
    changed = target.copy()
    changed[13] = 1e6
    before, after = encoded(base, frame, target), encoded(base, frame, changed)
    folds = fold_numbers(len(frame), recipe_module.FOLD_COUNT, seed=7)
    mates = folds == folds[13]
    np.testing.assert_array_equal(before[mates], after[mates])
    assert not np.array_equal(before[~mates], after[~mates])


@pytest.mark.parametrize("base", [NONE, FACTORS, RATES])
def test_pairs_that_only_a_leak_could_tell_are_not_told(base):
    g = np.random.Generator(np.random.PCG64(2))
    frame, _ = table()
    frame["geo"] = np.array([f"c{row // 2}" for row in range(len(frame))], dtype=object)
    target = 4.0 ** g.integers(-6, 6, len(frame))
    others = np.random.Generator(np.random.PCG64(3)).permutation(len(frame))
    frame = frame.assign(**{name: frame[name].to_numpy()[others] for name in frame if name != "geo"})
    model = fit(TableRecipe(SCHEMA, base), "", frame, target, resolve_parameters("tweedie", {}), 60, no_progress)
    recipe = TableRecipe(SCHEMA, base)
    document = recipe.fit(frame, target, offset=True)
    seen = recipe.training_features(document, frame, target, seed=7)
    ranks = np.argsort(np.argsort(target))
    for column in np.column_stack([seen.features, seen.offset]).T:
        if not np.all(np.isnan(column)) and np.nanstd(column) > 0:
            assert abs(np.corrcoef(np.argsort(np.argsort(column)), ranks)[0, 1]) < 0.12
    assert np.all(np.isfinite(model.predict(frame)))


@pytest.mark.parametrize("objective", ["tweedie", "regression"])
def test_the_currency_changes_no_rank(objective):
    frame, target = table()
    parameters = resolve_parameters(objective, {"num_threads": "1"})
    usual, *others = (
        fit(TableRecipe(SCHEMA), "", frame, target * unit, parameters, 40, no_progress).predict(frame)
        for unit in (1, 100, 0.01)
    )
    for predicted, unit in zip(others, (100, 0.01)):
        np.testing.assert_allclose(predicted, usual * unit, rtol=1e-9)
    assert np.unique(usual).size > 100


def test_the_trees_have_the_names_of_fields_as_lightgbm_takes_them():
    frame, target = table()
    document = TableRecipe(SCHEMA).fit(frame, target, offset=True)
    names = [column["name"] for column in document["columns"]]
    assert all(name.isascii() and name.replace("_", "").isalnum() for name in names)
    assert {"Ad_set_frequency", "clicks_ratio", "installed_hour"} - set(names) == {"clicks_ratio"}  # one event alone
    assert document["offset"] == "log_expected" and "log_expected" not in document["features"]
    Plan(document, SCHEMA).apply(frame)
    given = ColumnNames()
    assert [given.new("a b"), given.new("a_b"), given.new("A-B"), given.new("\U0001f3ae")] == [
        "a_b",
        "a_b_2",
        "A_B_3",
        "field",
    ]


def test_factors_are_found_and_a_field_that_says_nothing_gets_none():
    g = np.random.Generator(np.random.PCG64(1))
    one, noise = g.integers(1, 4, 20_000), g.integers(1, 50, 20_000)
    target = g.poisson(np.array([0, 0.5, 1.0, 2.0])[one]).astype(float)
    found = fit_factors({"one": Grouping(one, 4), "noise": Grouping(noise, 50)}, target, counts=True)
    expected = found.level * found.by_field["one"][1:]
    assert expected == pytest.approx([0.5, 1, 2], rel=0.06)
    assert np.max(np.abs(found.by_field["noise"] - 1)) < 0.02


def test_an_install_beyond_all_that_was_seen_is_predicted_a_finite_revenue():
    frame, target = table()
    for base in (FACTORS, RATES):
        model = fit(TableRecipe(SCHEMA, base), "", frame, target, resolve_parameters("tweedie", {}), 20, no_progress)
        far = frame.head(2).assign(clicks=[1e300, -1e300], minutes=[1e300, math.nan], geo=["new", None])
        assert np.all(np.isfinite(model.predict(far)))


def test_a_group_in_another_unit_is_expected_in_its_unit():
    frame, target = table(4000)
    cents = (frame["geo"] == "g3").to_numpy()
    target = np.where(cents, target * 1e4, target)
    for base in (FACTORS, RATES):
        recipe = TableRecipe(SCHEMA, base)
        offset = Plan(recipe.fit(frame, target, offset=True), SCHEMA).apply(frame).offset
        expected = np.exp(offset)
        assert expected[cents].sum() / target[cents].sum() == pytest.approx(1, abs=0.3)
        assert expected[~cents].sum() / target[~cents].sum() == pytest.approx(1, abs=0.3)


def test_means_are_rounded_to_powers_of_two():
    assert nearest_power_of_two(np.array([0.0, 1.0, 1.4, 1.5, 3.0, 0.3])).tolist() == [0, 1, 1, 2, 4, 0.25]
