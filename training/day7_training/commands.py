"""What each command does with its options: train, inspect, synthesize, champion and replay.

Everything that can be refused cheaply (parameters, the target folder) is refused before the data
is read and before training, which take a while.
"""

from __future__ import annotations

import sys
import tempfile
from argparse import Namespace
from pathlib import Path
from typing import Any

from .bundle.assemble import Label, bundle_files, bundle_manifest
from .bundle.folder import check_target, write_bundle
from .data.installs import read_installs, read_training_installs
from .errors import UserError
from .evaluation.metrics import metrics_table
from .model.parameters import Parameters, resolve_parameters
from .bundle.replay import SHOWN_DIFFERENCES, replay, service_at
from .data.synthetic import write_synthetic
from .model.train import Trained, TrainingRows, train, training_rows
from .progress import bar
from .registry.store import check_store
from .registry.tracking import log_training
from .quality.checks import inspect_installs

CHAMPION_ROWS = 20_000
CHAMPION_SEED = 7
# Few and small trees: the bundle ships with the source, so model.json is kept below 1 MB.
CHAMPION_OVERRIDES = {"num_leaves": "15"}
CHAMPION_TREES = 100


def run_train(options: Namespace) -> int:
    check_target(options.out)
    parameters = resolve_parameters(options.objective, dict(options.overrides))
    label = Label(options.name, options.version, options.description, options.synthetic)
    register = options.register or options.promote
    if options.no_mlflow:
        if register:
            raise UserError("--register and --promote need MLflow: expected them without --no-mlflow")
    else:
        check_store(options.name if register else None)
    trained, rows, manifest = _train(options, parameters, label)
    if not options.no_mlflow:
        _log(options, trained, rows, manifest)
    return 0


def run_inspect(options: Namespace) -> int:
    if options.out and options.out.exists() and options.data.exists() and options.out.samefile(options.data):
        raise UserError(f"--out: expected another file than --data, got {options.out}")
    installs = read_training_installs(options.data, _warn)
    inspection = inspect_installs(installs.frame)
    count = len(inspection.findings)
    print(f"{len(installs.frame)} installs, {count} finding{'' if count == 1 else 's'}")
    for finding in inspection.findings:
        print(finding)
    if options.out:
        # Pictures need matplotlib, which the other commands should not wait for.
        from .quality.report import report_page

        options.out.write_text(report_page(inspection, options.data.name, installs.sha256), encoding="utf-8")
        print(f"written to {options.out}")
    return 0


def run_synthesize(options: Namespace) -> int:
    write_synthetic(options.out, options.rows, options.seed)
    return 0


def run_champion(options: Namespace) -> int:
    check_target(options.out)
    parameters = resolve_parameters("tweedie", CHAMPION_OVERRIDES)
    description = f"synthetic installs: {CHAMPION_ROWS} rows, seed {CHAMPION_SEED}"
    label = Label("day7-revenue", None, description, synthetic=True)
    with tempfile.TemporaryDirectory() as folder:
        data = Path(folder) / "installs.csv"
        write_synthetic(data, CHAMPION_ROWS, CHAMPION_SEED)
        training = Namespace(data=data, out=options.out, golden_rows=400, max_trees=CHAMPION_TREES, drop_flagged=False)
        _train(training, parameters, label)
    return 0


def run_replay(options: Namespace) -> int:
    installs = read_installs(options.data, _warn)
    equal, differences = replay(installs.frame, options.bundle, service_at(options.url), options.batch)
    for difference in differences[:SHOWN_DIFFERENCES]:
        print(difference)
    print(f"{equal} of {equal + len(differences)} equal")
    return 1 if differences else 0


def _train(
    options: Namespace, parameters: Parameters, label: Label
) -> tuple[Trained, TrainingRows, dict[str, Any]]:
    installs = read_training_installs(options.data, _warn)
    rows = training_rows(installs, str(parameters["objective"]), drop_flagged=options.drop_flagged)
    for anomaly in rows.anomalies:
        _warn(f"{anomaly} {'Dropped.' if rows.dropped else 'Kept; --drop-flagged leaves it out.'}")
    trained = train(rows, parameters, options.max_trees, bar)
    files = bundle_files(trained, rows, options.golden_rows)
    manifest = bundle_manifest(trained, rows, installs.sha256, parameters, label, files)
    write_bundle(options.out, manifest, files)
    columns = {title: metrics for title, metrics in manifest["metrics"].items() if metrics is not None}
    print(metrics_table(columns))
    print(f"{manifest['name']} {manifest['version']}: {trained.tree_count} trees, written to {options.out}")
    return trained, rows, manifest


def _log(options: Namespace, trained: Trained, rows: TrainingRows, manifest: dict[str, Any]) -> None:
    logged = log_training(
        options.out,
        manifest,
        trained.evaluation,
        options.data,
        rows.frame,
        trained.model,
        register=options.register,
        promote=options.promote,
    )
    print(f"MLflow run {logged.run_id}: {logged.url}")
    if logged.version is not None:
        aliases = "challenger and champion" if options.promote else "challenger"
        print(f"registered as {manifest['name']} version {logged.version}: {aliases}")


def _warn(message: str) -> None:
    print(f"warning: {message}", file=sys.stderr)
