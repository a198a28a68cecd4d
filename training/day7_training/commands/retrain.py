"""`retrain`: from the log of a running service to a challenger, or to the reasons why there is none.

Dataset → gates of the data → a model that learns the days before the recent ones → gates beside the champion on the recent days → the model of all
rows, registered with the alias challenger. Nothing is registered before the last gate, and a registration that fails leaves no version.

Exit codes: 0 published, or would be, 2 an error, 3 refused by a gate, 4 nothing new since the last decision, 5 another retraining runs.
"""

from __future__ import annotations

import hashlib
import sys
import tempfile
from argparse import ArgumentParser, Namespace
from collections.abc import Iterator
from contextlib import contextmanager
from datetime import datetime
from pathlib import Path
from socket import gethostname
from typing import NamedTuple

import numpy as np
import pandas as pd
import pyarrow.parquet as pq

from ..bundle.assemble import Label
from ..bundle.folder import open_bundle
from ..data.installs import Installs
from ..data.table import SKIP, Reading, read_table
from ..data.timeline import Timeline
from ..errors import UserError
from ..inputs.calendar import DAY_MS
from ..loop.backtest import Backtest, check_backtest, check_history, compare, split_in_time
from ..loop.data_checks import check_data
from ..loop.dataset import PREDICTED_AT, PREDICTED_REVENUE, Dataset, write_dataset
from ..loop.gates import Check, Gates, read_gates
from ..loop.report import PUBLISHED, REFUSED, WOULD_PUBLISH, Decision, report_page
from ..loop.service import Service
from ..loop.work import BusyError, Work, work_in
from ..model.composition import Composition, learner_of
from ..model.parameters import resolve_parameters
from ..model.train import train
from ..model.training_rows import TrainingRows, training_rows
from ..progress import bar
from ..registry.champion import fetch_champion
from ..registry.store import check_store
from ..registry.tracking import log_training
from .options import add_service, api_key, filled, positive, warn
from .schema import calibration_of, recipe_of
from .train import NAME, Order, train_and_write

DONE, REFUSED_CODE, NOTHING_NEW, BUSY = 0, 3, 4, 5
OBJECTIVE = "tweedie"


def add_retrain(command: ArgumentParser) -> None:
    command.set_defaults(run=_run_retrain)
    add_service(command)
    command.add_argument("--name", type=filled, default=NAME, help="registered name (%(default)s)")
    command.add_argument(
        "--since", metavar="TIME", help="learn from installs from this time on (ISO 8601; default: all)"
    )
    command.add_argument("--gates", type=Path, metavar="FILE.toml", help="other gates than the defaults")
    command.add_argument(
        "--champion",
        type=Path,
        metavar="DIR",
        help="the champion's bundle (default: the registry's; else the logged answers)",
    )
    command.add_argument(
        "--work",
        type=Path,
        default=Path("retrain"),
        metavar="DIR",
        help="where dataset, bundle and report go (%(default)s)",
    )
    command.add_argument("--max-trees", type=positive, metavar="N", help="most trees to train")
    command.add_argument("--synthetic", action="store_true", help="mark the data as made up")
    command.add_argument("--dry-run", action="store_true", help="decide, and publish nothing")


def _run_retrain(options: Namespace) -> int:
    gates = read_gates(options.gates)
    try:
        with work_in(options.work) as work:
            if not options.dry_run:
                check_store(options.name)
            return _retrain(options, work, gates)
    except BusyError as error:
        print(f"error: {error}", file=sys.stderr)
        return BUSY


def _retrain(options: Namespace, work: Work, gates: Gates) -> int:
    service = Service(options.url, api_key(options))
    dataset = write_dataset(service, work.dataset, options.since)
    digest = hashlib.sha256(work.dataset.read_bytes()).hexdigest()
    last = work.last()
    if last.get("dataset") == digest and (options.dry_run or last.get("outcome") != WOULD_PUBLISH):
        print(f"nothing new since the last decision: {last['outcome']}")
        return NOTHING_NEW
    work.forget()
    rows = _rows_of(dataset, gates)
    champion = _champion(options, rows)
    checks, backtest = _judge(rows, champion, dataset, gates, options.max_trees)
    passed = all(check.passed for check in checks)
    outcome = REFUSED if not passed else WOULD_PUBLISH if options.dry_run else PUBLISHED
    version = _publish(options, work, rows) if outcome == PUBLISHED else None
    decision = Decision(
        outcome,
        options.name,
        version,
        dataset,
        tuple(checks),
        backtest,
        champion.name,
        dataset.schema.target.horizon_days,
    )
    work.report.write_text(report_page(decision), encoding="utf-8")
    work.remember(
        {"dataset": digest, "outcome": outcome, "version": version, "failed": [check.name for check in decision.failed]}
    )
    if not options.dry_run:
        _tell(service, decision)
    for check in checks:
        print(check)
    print(
        f"{outcome}{f': {options.name} version {version} is the challenger' if version else ''}; {work.report} says why"
    )
    return DONE if passed else REFUSED_CODE


def _tell(service: Service, decision: Decision) -> None:
    """For `/model/history`. What was decided stays so if the service cannot be told."""
    why = "; ".join(f"{check.name}: found {check.found}" for check in decision.failed) or "all gates are passed"
    version = {} if decision.version is None else {"version": decision.version}
    told = {
        "outcome": decision.outcome,
        "model": decision.model,
        **version,
        "detail": why[:2_000],
        "host": gethostname(),
    }
    try:
        service.tell("/admin/retrainings", told)
    except UserError as error:
        warn(str(error))


class _Rows(NamedTuple):
    """Rows that the schema allows; `answered`: what the service predicted of them. `recent`: whether a row is of the recent days."""

    installs: Installs
    times: np.ndarray
    answered: np.ndarray
    users: pd.Series
    recent: np.ndarray
    timeline: Timeline

    def part(self, kept: np.ndarray) -> Installs:
        return Installs(self.installs.frame[kept], self.installs.sha256, self.installs.inputs)


class _Champion(NamedTuple):
    """What it predicts of the recent rows."""

    name: str
    predicted: np.ndarray


def _rows_of(dataset: Dataset, gates: Gates) -> _Rows:
    reading = Reading(SKIP, dataset.path.with_suffix(".bad-rows.ndjson"))
    installs = read_table(dataset.path, dataset.schema, warn, reading)
    added = pq.read_table(dataset.path, columns=[PREDICTED_AT, PREDICTED_REVENUE, "day7_user_id"]).to_pandas()
    added = added.iloc[installs.frame.index.to_numpy() - 1]
    times = added[PREDICTED_AT].dt.tz_localize(None).to_numpy().astype("datetime64[ms]")
    last_day = times.max().astype("datetime64[D]")
    recent = times.astype("datetime64[D]") > last_day - np.timedelta64(round(gates.recent_days), "D")
    milliseconds = pd.Series(times.astype(np.int64).astype(np.float64), index=installs.frame.index)
    as_of = datetime.fromisoformat(dataset.clock).timestamp() * 1000
    timeline = Timeline(PREDICTED_AT, milliseconds, as_of, dataset.schema.target.horizon_days * DAY_MS, {})
    return _Rows(installs, times, added[PREDICTED_REVENUE].to_numpy(), added["day7_user_id"], recent, timeline)


def _champion(options: Namespace, rows: _Rows) -> _Champion:
    frame, inputs = rows.installs.frame[rows.recent], rows.installs.inputs
    with _champion_bundle(options) as folder:
        if folder is not None:
            manifest, model = open_bundle(folder)
            if model.plan.inputs.id == inputs.id:
                return _Champion(f"{manifest['name']} {manifest['version']}", model.predict(frame))
    return _Champion("as it was answered", rows.answered[rows.recent])


@contextmanager
def _champion_bundle(options: Namespace) -> Iterator[Path | None]:
    if options.champion is not None:
        yield options.champion
        return
    with tempfile.TemporaryDirectory() as folder:
        try:
            found = fetch_champion(options.name, Path(folder))
        except UserError as error:
            if not options.dry_run:
                raise
            warn(f"{error}; the champion's logged answers stand for it")
            found = None
        yield found


def _judge(
    rows: _Rows, champion: _Champion, dataset: Dataset, gates: Gates, max_trees: int | None
) -> tuple[list[Check], Backtest | None]:
    installs = rows.installs
    learnt = split_in_time(rows.times, rows.recent, dataset.schema.target.horizon_days)
    checks = check_data(installs.frame, rows.times, rows.recent, rows.users, dataset.days, dataset.schema, gates)
    checks.append(check_history(int(learnt.sum()), int(rows.recent.sum())))
    if not all(check.passed for check in checks):
        return checks, None
    earlier = training_rows(rows.part(learnt), OBJECTIVE, drop_flagged=False, timeline=rows.timeline)
    model = _train(earlier, max_trees)
    candidate = model.predict(installs.frame[rows.recent])
    backtest = compare(
        installs.revenue[rows.recent], champion.predicted, candidate, rows.times[rows.recent], int(learnt.sum())
    )
    return [*checks, *check_backtest(backtest, gates)], backtest


def _train(rows: TrainingRows, max_trees: int | None):
    recipe, parameters = recipe_of(rows, resolve_parameters(OBJECTIVE, {}))
    learner = learner_of(Composition(False, 1, False), recipe)
    return train(rows, parameters, max_trees, bar, learner, calibrate=calibration_of(rows.inputs)).model


def _publish(options: Namespace, work: Work, rows: _Rows) -> str:
    """The version of the registered model. @raises UserError; no version is left then"""
    every = training_rows(rows.installs, OBJECTIVE, drop_flagged=False, timeline=rows.timeline)
    recipe, parameters = recipe_of(every, resolve_parameters(OBJECTIVE, {}))
    learner = learner_of(Composition(False, 1, False), recipe)
    label = Label(options.name, None, f"retrained on the log of {options.url}", options.synthetic)
    order = Order(parameters, label, max_trees=options.max_trees)
    trained, manifest = train_and_write(rows.installs, every, order, work.bundle, learner)
    logged = log_training(
        work.bundle, manifest, trained.evaluation, work.dataset, every.frame, trained.model,
        register=True, promote=False, residuals=trained.residuals,
    )  # fmt: skip
    return str(logged.version)
