"""`compare`: many models on the same folds, as a table; the best that can be served is trained if asked for.

Each model is a run in MLflow below the run of the comparison.
"""

from __future__ import annotations

import math
import tempfile
from argparse import ArgumentParser, Namespace
from pathlib import Path
from typing import TYPE_CHECKING, Any

from ..bundle.assemble import Label
from ..bundle.folder import check_target
from ..errors import UserError
from ..features.recipe import Recipe
from ..model.boosting import learner_here
from ..model.parameters import Parameters, resolve_parameters
from ..model.training_rows import TrainingRows
from ..progress import bar
from .options import add_data, add_registry, filled, positive, whole_number
from .schema import add_schema, read_installs_of, read_schema, recipe_of
from .train import NAME, Order, add_drop_flagged, check_registry, log, rows_to_train, train_and_write

if TYPE_CHECKING:
    from ..model.compare import Comparison

# The metrics of the printed table; MLflow and the notebook have all of them.
_SHOWN = ("mae", "r2", "normalisedGini", "spearman", "biasRatio", "topCapture", "payerAuc")
_TITLES = {"all": "All rows", "withoutFlagged": "Without the groups in another unit"}


def add_compare(command: ArgumentParser) -> None:
    command.set_defaults(run=_run)
    add_data(command)
    add_schema(command)
    command.add_argument(
        "--folds", type=lambda text: whole_number(text, 2), default=5, metavar="N", help="of the rows (%(default)s)"
    )
    command.add_argument(
        "--trials", type=positive, default=20, metavar="N", help="budget of the tuning, in each fold (%(default)s)"
    )
    command.add_argument(
        "--models", type=filled, metavar="A,B", help="only these, such as 'ridge,lightgbm tuned' (default: all)"
    )
    add_drop_flagged(command)
    command.add_argument("--out", type=Path, metavar="DIR", help="train the best on all rows and write its bundle here")
    command.add_argument("--name", type=filled, default=NAME, help="registered name (%(default)s)")
    add_registry(command)


def _run(options: Namespace) -> int:
    # scikit-learn and optuna take seconds to import, which the other commands should not wait for.
    from ..model.compare import compare
    from ..registry.comparison import log_comparison

    if options.out:
        check_target(options.out)
    check_registry(options, options.name)
    names = [name.strip() for name in options.models.split(",")] if options.models else None
    schema = read_schema(options.schema) if options.schema else None
    installs = read_installs_of(options, schema)
    rows = rows_to_train(options.data, installs, "tweedie", drop_flagged=options.drop_flagged)
    if options.folds > len(rows.frame):
        raise UserError(f"--folds: expected at most as many as rows ({len(rows.frame)}), got {options.folds}")
    recipe, _ = recipe_of(rows, resolve_parameters("tweedie", {}))
    comparison = compare(rows, recipe, folds=options.folds, trials=options.trials, models=names, progress=bar)
    print(_text(comparison))
    if not options.no_mlflow:
        url = log_comparison(comparison, options.data, installs.sha256, rows)
        print(f"MLflow: {url}")
    if options.out or options.register or options.promote:
        _train_best(options, installs, rows, comparison, recipe)
    return 0


def _text(comparison: Comparison) -> str:
    from ..model.compare import comparison_table

    table = comparison_table(comparison)
    lines: list[str] = []
    for part in table.index.get_level_values("part").unique():
        lines += [f"{_TITLES[part]}: mean over folds ± spread", ""]
        lines.append(f"{'':<26}" + "".join(f"{name:>22}" for name in _SHOWN))
        for model, row in table.loc[part].iterrows():
            lines.append(f"{model:<26}" + "".join(f"{_cell(row, name):>22}" for name in _SHOWN))
        lines.append("")
    lines.append(f"best that can be served: {comparison.best or 'none of these'}")
    return "\n".join(lines)


def _cell(row: Any, name: str) -> str:
    mean, spread = row[name, "mean"], row[name, "spread"]
    return "undefined" if math.isnan(mean) else f"{mean:.5g} ± {spread:.2g}"


def _train_best(options: Namespace, installs: Any, rows: TrainingRows, comparison: Comparison, recipe: Recipe) -> None:
    if comparison.best is None:
        raise UserError("--models: expected one that can be served, to train it")
    parameters, trees = _parameters(comparison.best, rows, options.trials, recipe)
    order = Order(parameters, Label(options.name, None, f"{options.data.name}: {comparison.best}", False), 400, trees)
    with tempfile.TemporaryDirectory() as folder:
        out = options.out or Path(folder) / "bundle"
        trained, manifest = train_and_write(installs, rows, order, out, learner_here(recipe))
        if not options.no_mlflow:
            log(options, out, trained, rows, manifest)


def _parameters(name: str, rows: TrainingRows, trials: int, recipe: Recipe) -> tuple[Parameters, int | None]:
    from ..model.candidates import SERVABLE
    from ..model.compare import TUNED
    from ..model.tuning import tune

    if name != TUNED:
        return resolve_parameters(SERVABLE[name], {}), None
    tuned = tune(recipe, rows.frame, rows.revenue, trials, bar)
    return tuned.parameters, None
