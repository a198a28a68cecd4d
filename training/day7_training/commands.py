"""What each command does with its options: train, synthesize, champion and replay.

Everything that can be refused cheaply (parameters, the target folder) is refused before the data
is read and before training, which take a while.
"""

from __future__ import annotations

import sys
import tempfile
from argparse import Namespace
from pathlib import Path

from .bundle.assemble import Label, bundle_files, bundle_manifest
from .bundle.folder import check_target, write_bundle
from .data.installs import read_installs, read_training_installs
from .evaluation.metrics import metrics_table
from .model.parameters import Parameters, resolve_parameters
from .bundle.replay import SHOWN_DIFFERENCES, replay, service_at
from .data.synthetic import write_synthetic
from .model.train import train

CHAMPION_ROWS = 20_000
CHAMPION_SEED = 7
# Small trees: the bundle ships with the source, so model.json is kept near 1 MB.
CHAMPION_OVERRIDES = {"num_leaves": "15"}


def run_train(options: Namespace) -> int:
    check_target(options.out)
    parameters = resolve_parameters(options.objective, dict(options.overrides))
    label = Label(options.name, options.version, options.description, options.synthetic)
    _train(options.data, options.out, parameters, label, options.golden_rows, options.max_trees)
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
        _train(data, options.out, parameters, label, golden_rows=400, max_trees=None)
    return 0


def run_replay(options: Namespace) -> int:
    installs = read_installs(options.data, _warn)
    equal, differences = replay(installs.frame, options.bundle, service_at(options.url), options.batch)
    for difference in differences[:SHOWN_DIFFERENCES]:
        print(difference)
    print(f"{equal} of {equal + len(differences)} equal")
    return 1 if differences else 0


def _train(
    data: Path, out: Path, parameters: Parameters, label: Label, golden_rows: int, max_trees: int | None
) -> None:
    installs = read_training_installs(data, _warn)
    trained = train(installs, parameters, max_trees)
    files = bundle_files(trained, installs, golden_rows)
    manifest = bundle_manifest(trained, installs, parameters, label, files)
    write_bundle(out, manifest, files)
    print(metrics_table(trained.metrics))
    print(f"{manifest['name']} {manifest['version']}: {trained.tree_count} trees, written to {out}")


def _warn(message: str) -> None:
    print(f"warning: {message}", file=sys.stderr)
