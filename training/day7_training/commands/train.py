"""`train` and `champion`: installs become a bundle and, but for the champion that ships, a run in MLflow.

Everything that can be refused cheaply (parameters, the target folder, a store that is away) is refused
before the data is read and before training, which take a while.
"""

from __future__ import annotations

import tempfile
from argparse import ArgumentParser, Namespace
from contextlib import AbstractContextManager, nullcontext
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from ..bundle.assemble import Label, bundle_files, bundle_manifest
from ..bundle.folder import check_target, write_bundle
from ..data.installs import Installs
from ..data.table import read_table
from ..data.timeline import Timeline
from ..errors import UserError
from ..evaluation.metrics import Metrics, metrics_table
from ..example.fit import ExampleRecipe
from ..example.synthetic import write_synthetic
from ..features.recipe import Recipe
from ..inputs.schema import NINE_FIELDS
from ..model.boosting import Learner, learner_here
from ..model.composition import Composition, learner_of
from ..model.held_out import MAX_TREES, MAX_TREES_DART, UNCALIBRATED
from ..model.parameters import OBJECTIVES, Parameters, resolve_parameters
from ..model.train import Trained, train
from ..model.training_rows import TrainingRows, training_rows
from ..packages import needed
from ..progress import bar
from ..registry.store import check_store
from ..registry.tracking import log_training
from .options import add_data, add_registry, assignment, filled, positive, warn, whole_number
from .schema import add_schema, calibration_of, read_schema, recipe_of
from .time import add_time, read_mature, say_time

NAME = "day7-revenue"
GOLDEN_ROWS = 400

CHAMPION_ROWS = 20_000
CHAMPION_SEED = 7
# Few and small trees: the bundle ships with the source, so model.json is kept below 1 MB.
CHAMPION_OVERRIDES = {"num_leaves": "15"}
CHAMPION_TREES = 100


@dataclass(frozen=True)
class Order:
    """How to train and what to call the result. `calibrated`: whether what held-out rows show to be wrong in sum is mended."""

    parameters: Parameters
    label: Label
    golden_rows: int = GOLDEN_ROWS
    max_trees: int | None = None
    calibrated: bool = True


def add_train(command: ArgumentParser) -> None:
    command.set_defaults(run=_run_train)
    add_data(command)
    add_schema(command)
    add_time(command)
    command.add_argument("--out", type=Path, required=True, metavar="DIR", help="the bundle; an older one is replaced")
    command.add_argument("--name", type=filled, default=NAME, help="registered name (%(default)s)")
    command.add_argument("--version", type=filled, metavar="TEXT", help="default: 12 digits of the content's hash")
    command.add_argument("--description", default="", metavar="TEXT", help="what the data is")
    command.add_argument("--synthetic", action="store_true", help="mark the data as made up")
    command.add_argument(
        "--golden-rows",
        type=positive,
        default=GOLDEN_ROWS,
        metavar="N",
        help="golden predictions to write (%(default)s)",
    )
    add_drop_flagged(command)
    command.add_argument("--objective", choices=OBJECTIVES, default="tweedie", help="what to optimise (%(default)s)")
    command.add_argument(
        "--max-trees",
        type=positive,
        metavar="N",
        help=f"most trees to train ({MAX_TREES}; with boosting=dart all of {MAX_TREES_DART})",
    )
    command.add_argument(
        "--with-interval", action="store_true", help="train two models of quantiles, too: answers have p10 and p90"
    )
    several = command.add_mutually_exclusive_group()
    several.add_argument("--two-part", action="store_true", help="predict the chance to pay, times what a payer brings")
    several.add_argument(
        "--mean-of",
        type=lambda text: whole_number(text, 2),
        default=1,
        metavar="N",
        help="train N models of different seeds and predict their mean",
    )
    command.add_argument(
        "--set",
        type=assignment,
        action="append",
        default=[],
        dest="overrides",
        metavar="KEY=VALUE",
        help="a LightGBM parameter, such as num_leaves=15; may be repeated",
    )
    command.add_argument(
        "--cluster",
        metavar="tcp://HOST:PORT",
        help="train on the workers of this Dask scheduler, with --max-trees as the number of trees",
    )
    add_registry(command)


def add_drop_flagged(command: ArgumentParser) -> None:
    command.add_argument(
        "--drop-flagged",
        action="store_true",
        help="leave out groups whose revenue is in another unit (kept by default)",
    )


def add_champion(command: ArgumentParser) -> None:
    command.set_defaults(run=_run_champion)
    default = Path(__file__).parents[3] / "artifacts" / "champion"
    command.add_argument("--out", type=Path, default=default, metavar="DIR", help="default: artifacts/champion")


def _run_train(options: Namespace) -> int:
    check_target(options.out)
    overrides = dict(options.overrides)
    parameters = resolve_parameters(options.objective, overrides)
    composition = Composition(options.two_part, options.mean_of, options.with_interval)
    composition.check(parameters)
    if options.cluster and not composition.is_plain:
        raise UserError("--cluster: expected without --with-interval, --two-part and --mean-of, which train here alone")
    label = Label(options.name, options.version, options.description, options.synthetic)
    check_registry(options, options.name)
    schema = read_schema(options.schema) if options.schema else None
    installs, timeline = read_mature(options, schema)
    about = {"drop_flagged": options.drop_flagged, "two_part": options.two_part, "timeline": timeline}
    rows = rows_to_train(options.data, installs, str(parameters["objective"]), **about)
    recipe, parameters = recipe_of(rows, parameters, frozenset(overrides))
    with _learner(options.cluster, composition, recipe) as learner:
        order = Order(parameters, label, options.golden_rows, options.max_trees)
        trained, manifest = train_and_write(installs, rows, order, options.out, learner)
    if not options.no_mlflow:
        log(options, options.out, trained, rows, manifest)
    return 0


def _learner(cluster: str | None, composition: Composition, recipe: Recipe) -> AbstractContextManager[Learner]:
    if cluster is None:
        return nullcontext(learner_of(composition, recipe))
    # Dask takes a second to import, which training here should not wait for.
    with needed("dask", "--cluster"):
        from ..model.cluster import cluster_learner

    return cluster_learner(cluster, recipe)


def _run_champion(options: Namespace) -> int:
    check_target(options.out)
    description = f"synthetic installs: {CHAMPION_ROWS} rows, seed {CHAMPION_SEED}"
    label = Label(NAME, None, description, synthetic=True)
    order = Order(resolve_parameters("tweedie", CHAMPION_OVERRIDES), label, max_trees=CHAMPION_TREES, calibrated=False)
    learner = learner_here(ExampleRecipe(own_unit=True))
    with tempfile.TemporaryDirectory() as folder:
        data = Path(folder) / "installs.csv"
        write_synthetic(data, CHAMPION_ROWS, CHAMPION_SEED)
        installs = read_table(data, NINE_FIELDS, warn)
        rows = rows_to_train(data, installs, "tweedie", drop_flagged=False)
        train_and_write(installs, rows, order, options.out, learner)
    return 0


def check_registry(options: Namespace, name: str) -> None:
    """Refuses what the options ask of MLflow and what it cannot give."""
    register = options.register or options.promote
    if options.no_mlflow and register:
        raise UserError("--register and --promote need MLflow: expected them without --no-mlflow")
    if not options.no_mlflow:
        check_store(name if register else None)


def rows_to_train(
    data: Path,
    installs: Installs,
    objective: str,
    *,
    drop_flagged: bool,
    two_part: bool = False,
    timeline: Timeline | None = None,
) -> TrainingRows:
    """The rows of the file `data`, with a warning for each group that is in another unit."""
    try:
        rows = training_rows(installs, objective, drop_flagged=drop_flagged, two_part=two_part, timeline=timeline)
    except UserError as error:
        raise UserError(f"{data}: {error}") from error
    for anomaly in rows.anomalies:
        warn(f"{anomaly} {'Dropped.' if rows.dropped else 'Kept; --drop-flagged leaves it out.'}")
    return rows


def train_and_write(
    installs: Installs, rows: TrainingRows, order: Order, out: Path, learner: Learner
) -> tuple[Trained, dict[str, Any]]:
    """The bundle at `out`, and its manifest; prints the metrics."""
    calibrate = calibration_of(rows.inputs) if order.calibrated else UNCALIBRATED
    trained = train(rows, order.parameters, order.max_trees, bar, learner, calibrate=calibrate)
    files = bundle_files(trained, rows, order.golden_rows)
    manifest = bundle_manifest(trained, rows, installs.sha256, order.parameters, order.label, files)
    write_bundle(out, manifest, files)
    print(metrics_table(_columns(manifest, trained.evaluation)))
    if rows.timeline is not None:
        say_time(trained.evaluation["time"])
    print(f"{manifest['name']} {manifest['version']}: {trained.tree_count} trees, written to {out}")
    return trained, manifest


def _columns(manifest: dict[str, Any], evaluation: dict[str, Any]) -> dict[str, Metrics]:
    columns = {title: metrics for title, metrics in manifest["metrics"].items() if metrics is not None}
    rolling = evaluation.get("time", {}).get("rolling")
    return columns if rolling is None else {**columns, "randomFolds": rolling["randomFolds"]}


def log(options: Namespace, bundle: Path, trained: Trained, rows: TrainingRows, manifest: dict[str, Any]) -> None:
    logged = log_training(
        bundle,
        manifest,
        trained.evaluation,
        options.data,
        rows.frame,
        trained.model,
        register=options.register,
        promote=options.promote,
        residuals=trained.residuals,
    )
    print(f"MLflow run {logged.run_id}: {logged.url}")
    if logged.version is not None:
        aliases = "challenger and champion" if options.promote else "challenger"
        print(f"registered as {manifest['name']} version {logged.version}: {aliases}")
