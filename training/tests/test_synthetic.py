"""Synthetic installs: the dirt in its shares, the shape of the revenue, and the same bytes every time."""

import hashlib

import pandas as pd
import pytest

from day7_training.data.table import read_table
from day7_training.example.synthetic import NULL_SHARES, write_synthetic
from day7_training.inputs.schema import NINE_FIELDS


@pytest.fixture(scope="module")
def frame(tmp_path_factory):
    path = tmp_path_factory.mktemp("synthetic") / "installs.csv"
    write_synthetic(path, rows=20_000, seed=11)
    return read_table(path, NINE_FIELDS, warn=pytest.fail).frame


@pytest.mark.parametrize(("name", "share"), NULL_SHARES.items())
def test_nulls_come_in_their_shares(frame, name, share):
    assert frame[name].isna().mean() == pytest.approx(share, rel=0.15, abs=0.0004)


def test_platforms_come_in_mixed_case(frame):
    shares = frame["platform"].value_counts(normalize=True)
    assert set(shares.index) == {"iOS", "ios", "IOS", "Android", "android", "ANDROID"}
    assert 1 - shares["iOS"] - shares["Android"] == pytest.approx(0.05, abs=0.01)


def test_revenue_has_many_zeros_a_heavy_tail_and_follows_event_2(frame):
    revenue = frame["revenue"]
    assert (revenue == 0).mean() == pytest.approx(0.37, abs=0.02)
    assert revenue.nlargest(len(frame) // 100).sum() > 0.5 * revenue.sum()
    assert frame["event_2"].corr(revenue, method="spearman") > 0.9
    assert (frame["event_1"] == 0).mean() == pytest.approx(0.993, abs=0.002)
    assert (revenue.round(6) == revenue).all()


def test_categories_are_many_and_uneven(frame):
    assert frame["country"].nunique() > 50 and frame["country"].value_counts(normalize=True).iloc[0] > 0.3
    assert frame["country_region"].nunique() > 200 and frame["device_family"].nunique() > 250
    assert 40 <= frame["os_version"].nunique() <= 60
    assert not frame["country_region"].dropna().map(str.isascii).all()


def test_no_country_earns_on_a_scale_of_its_own(frame):
    per_event = frame.groupby("country")[["revenue", "event_2"]].sum()
    rates = (per_event["revenue"] / per_event["event_2"])[per_event["event_2"] > 1000]
    assert rates.max() / rates.min() < 30


def test_some_rows_repeat_another(frame):
    assert 0.05 < frame.duplicated().mean() < 0.25


def test_the_same_arguments_give_the_same_bytes(tmp_path):
    def digest(seed):
        write_synthetic(tmp_path / "out.csv", rows=300, seed=seed)
        return hashlib.sha256((tmp_path / "out.csv").read_bytes()).hexdigest()

    assert digest(7) == digest(7) != digest(8)
    # Written down, so that another processor or another numpy cannot quietly give other bytes.
    assert digest(7) == "d6364fe40adb3c076cc061f5379348717cfef4db2a8ff22a044183797d196b0d"


def test_user_ids_are_unique(tmp_path):
    write_synthetic(tmp_path / "out.csv", rows=5000, seed=1)
    assert pd.read_csv(tmp_path / "out.csv", dtype=str)["user_id"].is_unique
