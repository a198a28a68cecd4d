"""Every column of the fitted plan has its reason, and there is no reason without a column."""

import pytest

from day7_training.data.table import read_table
from day7_training.example.fit import fit_plan
from day7_training.example.reasons import REASONS, plan_table
from day7_training.features.plan import Plan
from day7_training.inputs.schema import NINE_FIELDS


@pytest.mark.parametrize("offset", [True, False])
def test_every_column_has_a_reason(synthetic_csv, offset):
    installs = read_table(synthetic_csv, NINE_FIELDS, lambda message: None)
    plan = Plan(fit_plan(installs.frame, installs.revenue, offset=offset))
    table = plan_table(plan)
    assert table["name"].tolist() == [column["name"] for column in plan.document["columns"]]
    assert table[table["role"] == "feature"]["name"].tolist() == plan.features
    assert set(table["reason"]) <= set(REASONS.values()) and (table["made of"] != "").all()
    if offset:
        assert set(table["name"]) == set(REASONS)
        assert table[table["role"] == "offset"]["name"].tolist() == [plan.offset]


def test_an_operator_says_how_it_encodes(synthetic_csv):
    installs = read_table(synthetic_csv, NINE_FIELDS, lambda message: None)
    table = plan_table(Plan(fit_plan(installs.frame, installs.revenue, offset=True))).set_index("name")
    assert table.loc["country_target_mean", "operator"] == "lookup: target mean"
    assert table.loc["event_1_ratio", "made of"] == "event_1, total_events"
    assert table.loc["os_major", "operator"] == "version part"
