"""The evaluation and the model card: ties, intervals, groups, and a page that has the bundle's own numbers."""

import json
from pathlib import Path

import numpy as np
import pandas as pd
import pytest
from conftest import ALL_RESAMPLES
from inputs_fixture import schema_of

from day7_training.cli import main
from day7_training.evaluation.card import calibration_picture, model_card
from day7_training.evaluation.evaluation import calibration, evaluate, groups, intervals

ROOT = Path(__file__).parents[2]


def test_calibration_never_splits_equal_predictions():
    # 40 of 100 rows share a prediction: the middle of the tie is in the second tenth.
    predicted = np.array([0.0] * 40 + list(range(1, 61)), dtype=float)
    actual = np.array([0.0, 1.0] * 20 + [2.0] * 60)
    bins = calibration(actual, predicted)
    assert [each["decile"] for each in bins] == [3, 5, 6, 7, 8, 9, 10]
    assert [each["rows"] for each in bins] == [40, 10, 10, 10, 10, 10, 10]
    assert bins[0]["predicted"] == 0 and bins[0]["actual"] == 0.5
    assert bins[-1]["predicted"] == 55.5 and bins[-1]["actual"] == 2


def test_calibration_of_one_prediction_is_one_bin():
    (only,) = calibration(np.array([1.0, 3.0]), np.array([2.0, 2.0]))
    assert only["rows"] == 2 and only["actual"] == 2


def test_intervals_hold_the_truth_and_are_seeded(monkeypatch):
    monkeypatch.setattr("day7_training.evaluation.evaluation.RESAMPLES", ALL_RESAMPLES)
    generator = np.random.Generator(np.random.PCG64(1))
    actual = generator.exponential(1.0, 2000)
    predicted = actual * generator.uniform(0.5, 1.5, 2000)
    found = intervals(actual, predicted, seed=3)
    low, high = found["biasRatio"]
    assert low < 1 < high and high - low < 0.1
    assert found == intervals(actual, predicted, seed=3) != intervals(actual, predicted, seed=4)


def test_intervals_of_what_is_undefined_are_null():
    assert intervals(np.zeros(10), np.ones(10), seed=1)["r2"] is None


def test_groups_show_the_largest_and_gather_the_rest():
    names = [f"c{number:02}" for number in range(12) for _ in range(20 - number)] + [None, "C00"]
    actual = np.ones(len(names))
    table = groups(pd.Series(names, dtype=object), actual, actual * 2)
    assert [each["value"] for each in table[:2]] == ["c00", "c01"] and len(table) == 11
    assert table[0]["rows"] == 21 and table[0]["biasRatio"] == 2  # in one case
    assert table[-1]["others"] is True and sum(each["rows"] for each in table) == len(names)


def frame_of(rows):
    return pd.DataFrame({name: ["a"] * rows for name in ("country", "source", "platform")}, dtype=object)


@pytest.mark.parametrize(
    ("flagged", "rows"), [([True, False, False, False], 3), ([False] * 4, None), ([True] * 4, None)]
)
def test_the_second_part_is_without_flagged_rows(flagged, rows):
    actual = np.array([1e6, 1.0, 2.0, 0.0])
    document = evaluate(frame_of(4), actual, actual, np.array(flagged), seed=1)
    assert document["all"]["metrics"]["rows"] == 4
    without = document["withoutFlagged"]
    assert (without and without["metrics"]["rows"]) == rows


def test_the_page_in_docs_is_the_champions(tmp_path):
    card = tmp_path / "model.md"
    assert main(["card", "--bundle", str(ROOT / "artifacts" / "champion"), "--out", str(card)]) == 0
    assert card.read_text(encoding="utf-8") == (ROOT / "docs" / "model.md").read_text(encoding="utf-8")
    picture = "model-calibration.svg"
    assert (tmp_path / picture).read_text() == (ROOT / "docs" / picture).read_text()


def test_the_card_names_flagged_groups_and_real_data():
    bundle = ROOT / "artifacts" / "champion"
    manifest = json.loads((bundle / "manifest.json").read_text())
    evaluation = json.loads((bundle / "evaluation.json").read_text())
    evaluation["withoutFlagged"] = evaluation["all"]
    flagged = {"field": "country", "value": "zz", "rows": 9, "revenue_share": 0.5, "ratio": 1e5}
    manifest["training"].update(synthetic=False, flagged=[flagged], flaggedDropped=False, description="")
    manifest["offset"] = None
    card = model_card(manifest, evaluation, "picture.svg")
    assert "kept: country zz (9 rows, 50.00% of revenue)" in card and "synthetic" not in card
    assert card.count("### ") == 2 and "not said" in card
    assert calibration_picture(evaluation).startswith("<?xml")


def test_the_card_of_a_described_table_lists_its_fields():
    bundle = ROOT / "artifacts" / "champion"
    manifest = json.loads((bundle / "manifest.json").read_text())
    evaluation = json.loads((bundle / "evaluation.json").read_text())
    calibration = {"intercept": 0.25, "slope": 1.1, "field": None, "fold": None, "groups": {}}
    manifest["prediction"] = {"combine": "single", "ensembles": [], "interval": None, "calibration": calibration}
    manifest["training"]["negative"] = {"rows": 7, "treatment": "clip"}
    inputs = schema_of([{"name": "a|b", "kind": "number", "roles": ["event"], "description": "of\nday 0"}])
    card = model_card(manifest, evaluation, "picture.svg", inputs)
    assert "| a\\|b  | number | event | of day 0 |" in card and "nine" not in card and "country's" not in card
    assert "raw score × 1.1 + 0.25" in card and "7 rows, set to 0" in card and "--schema schema.toml" in card
