"""`retrain`: what is published, what is refused, and why."""

import json
import multiprocessing
import re
from datetime import UTC, datetime, timedelta
from socket import gethostname
from types import SimpleNamespace

import numpy as np
import pytest
from service_stub import Stub

from day7_training.cli import main
from day7_training.commands import retrain
from day7_training.errors import UserError
from day7_training.inputs.schema import parse_input_schema
from day7_training.loop.work import work_in

DOCUMENT = {
    "format": "day7-inputs/1",
    "fields": [
        {"name": "source", "kind": "text", "roles": ["facet"]},
        {"name": "sessions", "kind": "number", "nullable": False, "roles": ["event"]},
    ],
    "target": {"name": "revenue", "horizonDays": 7},
}
SCHEMA = parse_input_schema(DOCUMENT)
DAYS, PER_DAY = 40, 40
START = datetime(2026, 3, 1, tzinfo=UTC)


def day_of(number: int) -> str:
    return (START + timedelta(days=number)).date().isoformat()


def world(*, champion=lambda worth: worth, cents_from: int = DAYS, silent: tuple[int, ...] = ()):
    """Rows and days of a log in which sessions are worth more from one source than from the other; `champion` predicts by what they are worth."""
    draws = np.random.Generator(np.random.PCG64(5))
    rows, days = [], []
    for number in range(DAYS):
        reported = 0
        for place in range(PER_DAY):
            source = ("organic", "ads")[int(draws.integers(2))]
            sessions = int(draws.integers(1, 20))
            worth = sessions * (0.1 if source == "organic" else 0.4)
            revenue = round(worth * float(draws.gamma(2, 0.5)), 4) if draws.random() < 0.6 else 0.0
            if number >= cents_from and source == "ads":
                revenue *= 100
            if number in silent:
                continue
            reported += 1
            time = START + timedelta(days=number, minutes=place * 30)
            rows.append({
                "source": source, "sessions": sessions, "revenue": revenue, "day7_user_id": f"{number} {place}",
                "day7_prediction_id": f"{number}-{place}", "day7_predicted_at": time.isoformat(),
                "day7_predicted_revenue": champion(0.6 * worth), "day7_model": "day7-revenue/1",
                "day7_variant": "champion", "day7_observed_at": (time + timedelta(days=7)).isoformat(),
                "day7_outcome": "reported",
            })  # fmt: skip
        days.append({
            "day": day_of(number), "installs": PER_DAY, "pending": 0, "reported": reported, "no_outcome": 0,
            "left_out": PER_DAY - reported, "complete": reported > 0, "predicted_revenue": 1, "revenue": 1,
        })  # fmt: skip
    about = {
        "schema_id": SCHEMA.id, "inputs": DOCUMENT, "horizon_days": 7, "clock": "2026-04-20T00:00:00.000Z", "days": days,
        "other_schemas": [],
    }  # fmt: skip
    return rows, about


@pytest.fixture
def stub(monkeypatch):
    """A service, and a registry that notes what is published."""
    stub = Stub()
    stub.published = []

    def log_training(bundle, manifest, *_, register, promote, **__):
        assert register and not promote
        stub.published.append(manifest)
        return SimpleNamespace(run_id="1", url="", version=str(len(stub.published)))

    monkeypatch.setattr(retrain, "log_training", log_training)
    monkeypatch.setattr(retrain, "check_store", lambda name: None)
    monkeypatch.setattr(retrain, "fetch_champion", lambda name, folder: None)
    yield stub
    stub.close()


def run(stub: Stub, folder, *options: object) -> int:
    arguments = ("retrain", "--from", stub.url, "--work", folder, "--max-trees", 8, *options)
    return main([str(each) for each in arguments])


def decision(folder) -> dict:
    return json.loads((folder / "decision.json").read_text())


def test_a_better_model_is_published_once(stub, tmp_path, capsys):
    stub.give(*world(champion=lambda worth: 2.5))
    assert run(stub, tmp_path) == 0
    assert [(each["name"], each["training"]["rows"]) for each in stub.published] == [("day7-revenue", DAYS * PER_DAY)]
    assert decision(tmp_path) | {"dataset": ""} == {"dataset": "", "outcome": "published", "version": "1", "failed": []}
    printed = capsys.readouterr().out
    assert "FAILED" not in printed and "published: day7-revenue version 1 is the challenger" in printed
    page = (tmp_path / "report.html").read_text()
    assert "Version 1 is the challenger now" in page and "as it was answered" in page

    told = {"outcome": "published", "model": "day7-revenue", "version": "1", "detail": "all gates are passed"}
    assert stub.told == [("/admin/retrainings", {**told, "host": gethostname()})]

    assert run(stub, tmp_path) == 4
    assert (
        len(stub.published) == 1
        and len(stub.told) == 1
        and "nothing new since the last decision: published" in capsys.readouterr().out
    )


def test_a_dry_run_publishes_nothing_and_the_next_run_does(stub, tmp_path):
    stub.give(*world(champion=lambda worth: 2.5))
    assert run(stub, tmp_path, "--dry-run") == 0
    assert stub.published == [] and decision(tmp_path)["outcome"] == "would publish" and stub.told == []
    assert run(stub, tmp_path) == 0
    assert len(stub.published) == 1


def test_a_champion_that_knows_the_truth_stays(stub, tmp_path, capsys):
    stub.give(*world())
    gates = tmp_path / "gates.toml"
    gates.write_text("most_deviance_ratio = 0.9\n")
    assert run(stub, tmp_path / "work", "--gates", gates) == 3
    assert stub.published == [] and decision(tmp_path / "work")["failed"] == ["deviance against the champion's"]
    assert "the champion predicts the recent days better" in (tmp_path / "work/report.html").read_text()


BAD_DATA = {
    "cents for one source": (
        {"cents_from": DAYS - 7},
        "revenue in another unit than before",
        "source ads",
    ),
    "outcomes that are missing": (
        {"silent": (DAYS - 4, DAYS - 5, DAYS - 6)},
        "days without complete outcomes",
        f"3: {day_of(DAYS - 6)}, {day_of(DAYS - 5)}, {day_of(DAYS - 4)}",
    ),
}


@pytest.mark.parametrize(("options", "gate", "found"), BAD_DATA.values(), ids=BAD_DATA.keys())
def test_bad_data_publishes_nothing_and_says_why(stub, tmp_path, capsys, options, gate, found):
    stub.give(*world(champion=lambda worth: 2.5, **options))
    assert run(stub, tmp_path) == 3
    assert stub.published == [] and decision(tmp_path)["failed"] == [gate]
    assert [(each["outcome"], each["detail"].startswith(gate)) for _, each in stub.told] == [("refused", True)]
    assert f"FAILED  {gate}" in capsys.readouterr().out
    page = (tmp_path / "report.html").read_text()
    assert "No model is published" in page and found in page


def test_days_without_installs_and_nulls_and_few_rows(stub, tmp_path):
    rows, about = world()
    kept = [row for row in rows if not row["day7_user_id"].startswith(f"{DAYS - 3} ")][-600:]
    for row in kept[-400:]:
        row["source"] = None
    stub.give(kept, {**about, "days": [day for day in about["days"] if day["day"] != day_of(DAYS - 3)]})
    assert run(stub, tmp_path) == 3
    assert {"rows", "days without installs", "more or fewer nulls than before"} <= set(decision(tmp_path)["failed"])


def test_a_registry_that_is_away_leaves_no_decision(stub, tmp_path, monkeypatch, capsys):
    def away(*_, **__):
        raise UserError("MLflow at http://127.0.0.1:1: uploading the bundle failed: Connection refused")

    monkeypatch.setattr(retrain, "log_training", away)
    stub.give(*world(champion=lambda worth: 2.5))
    assert run(stub, tmp_path) == 2
    assert "Connection refused" in capsys.readouterr().err
    assert not (tmp_path / "decision.json").exists(), "the next run tries again"


def hold(folder, held, done):
    with work_in(folder):
        held.set()
        done.wait()


def test_one_at_a_time_even_where_the_other_is_killed(stub, tmp_path, capsys):
    stub.give(*world())
    context = multiprocessing.get_context("spawn")
    held, done = context.Event(), context.Event()
    other = context.Process(target=hold, args=(tmp_path, held, done))
    other.start()
    held.wait()
    assert run(stub, tmp_path) == 5
    assert "expected no other retraining in it" in capsys.readouterr().err
    other.kill()
    other.join()
    with work_in(tmp_path):
        pass


def test_gates_that_are_none(stub, tmp_path, capsys):
    gates = tmp_path / "gates.toml"
    for text, message in (
        ("most_bias = true", "most_bias: expected a number, got True"),
        ("most_luck = 1", "expected the gates recent_days, .*; got most_luck"),
        ("most_bias =", "expected gates in TOML"),
    ):
        gates.write_text(text)
        assert run(stub, tmp_path / "work", "--gates", gates) == 2
        assert re.search(message, capsys.readouterr().err)
