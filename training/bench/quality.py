"""Measures the recipe for any table against plain LightGBM and, where a table is made up, against its truth.

    nice .venv/bin/python bench/quality.py                       the made-up tables
    nice .venv/bin/python bench/quality.py --tables purchases --seeds 1,2
    nice .venv/bin/python bench/quality.py --data FILE --schema FILE   a table of yours

Every row is predicted once by models that have not seen it, in the same five folds. Plain is LightGBM's Tweedie on all
columns: texts as categories, numbers as they are, default parameters, stopped early on a tenth of the rows. Ours is
`train` with its choice of an offset and its calibration. Gini is normalised; deviance is Tweedie's over that of the mean.
"""

from __future__ import annotations

import argparse
import sys
import time
import warnings
from pathlib import Path

import lightgbm as lgb
import numpy as np
import pandas as pd

sys.path[:0] = [str(Path(__file__).parents[1]), str(Path(__file__).parent)]

from made_up import TABLES

from day7_training.commands.schema import read_schema
from day7_training.data.installs import Installs
from day7_training.data.table import Reading, read_table
from day7_training.evaluation.metrics import measure
from day7_training.features.folds import fold_numbers
from day7_training.inputs.schema import InputSchema, parse_input_schema
from day7_training.model.boosting import learner_here
from day7_training.model.calibration import mean_deviance
from day7_training.model.choice import choose_recipe
from day7_training.model.held_out import FOLD_COUNT, PAIRS  # noqa: E402
from day7_training.model.parameters import SEED, resolve_parameters
from day7_training.model.train import train
from day7_training.model.training_rows import training_rows
from day7_training.progress import no_progress

PLAIN = {"objective": "tweedie", "verbosity": -1, "num_threads": 1, "seed": SEED}
PLAIN_TREES = 2000
PATIENCE_TREES = 50


def main() -> int:
    parser = argparse.ArgumentParser(description=__doc__.partition("\n")[0])
    parser.add_argument("--tables", default=",".join(TABLES))
    parser.add_argument("--seeds", default="1")
    parser.add_argument("--rows", type=int, default=20_000)
    parser.add_argument("--data", type=Path)
    parser.add_argument("--schema", type=Path)
    parser.add_argument("--negative-target", default="clip")
    parser.add_argument("--drop-flagged", action="store_true")
    options = parser.parse_args()
    warnings.simplefilter("ignore")
    print(
        f"{'table':<22}{'zeros':>7}{'truth':>8}{'plain':>8}{'ours':>8}{'of truth':>10}{'bias':>8}{'of true':>9}", end=""
    )
    print(f"{'deviance plain':>16}{'ours':>8}{'mae':>10}{'r2':>8}{'seconds':>9}  offset, calibration")
    if options.data:
        schema = read_schema(options.schema)
        installs = read_table(options.data, schema, print, Reading(negative=options.negative_target))
        _report(options.data.name, installs, None, options.drop_flagged)
        return 0
    for name in options.tables.split(","):
        for seed in map(int, options.seeds.split(",")):
            made = TABLES[name](options.rows, seed)
            fields = [
                {"name": field, "kind": kind, "roles": made.roles.get(field, [])} for field, kind in made.kinds.items()
            ]
            target = {"name": "target", "horizonDays": 7}
            schema = parse_input_schema({"format": "day7-inputs/1", "fields": fields, "target": target})
            frame = made.frame.assign(target=made.target)
            _report(f"{name} {seed}", Installs(frame, "", schema), made.expected, False)
    return 0


def _report(title: str, installs: Installs, expected: np.ndarray | None, drop_flagged: bool) -> None:
    parameters = {**resolve_parameters("tweedie", {}), "num_threads": 1}
    start = time.monotonic()
    rows = training_rows(installs, "tweedie", drop_flagged=drop_flagged)
    choice = choose_recipe(rows.inputs, rows.frame, rows.revenue, rows.flagged, parameters, frozenset())
    trained = train(rows, choice.parameters, None, no_progress, learner_here(choice.recipe), calibrate=PAIRS)
    seconds = time.monotonic() - start
    actual, predicted, _ = trained.residuals
    plain = _plain(rows.frame, rows.inputs, actual)
    ours, theirs = measure(actual, predicted), measure(actual, plain)
    truth = None if expected is None else measure(actual, expected)["normalisedGini"]
    shares = ["–"] * 3
    if truth is not None:
        shares = [f"{truth:.3f}", f"{ours['normalisedGini'] / truth:.0%}", f"{predicted.sum() / expected.sum():.3f}"]
    print(f"{title:<22}{np.mean(actual == 0):>7.2f}{shares[0]:>8}{theirs['normalisedGini']:>8.3f}", end="")
    print(f"{ours['normalisedGini']:>8.3f}{shares[1]:>10}{ours['biasRatio']:>8.3f}{shares[2]:>9}", end="")
    print(f"{mean_deviance(actual, plain):>16.3f}{mean_deviance(actual, predicted):>8.3f}", end="")
    print(f"{ours['mae']:>10.4g}{ours['r2']:>8.3f}{seconds:>9.0f}  {choice}; {trained.model.calibration}", flush=True)


def _plain(frame: pd.DataFrame, schema: InputSchema, target: np.ndarray) -> np.ndarray:
    folds = fold_numbers(len(frame), FOLD_COUNT, SEED)
    columns = {}
    for place, field in enumerate(schema.fields):
        values = frame[field.name]
        columns[f"f{place}"] = values.astype("category") if field.kind == "text" else values.astype(np.float64)
    features = pd.DataFrame(columns)
    predicted = np.empty(len(frame))
    for fold in range(FOLD_COUNT):
        others = np.flatnonzero(folds != fold)
        watched = np.random.Generator(np.random.PCG64(fold)).permutation(len(others)) < len(others) // 10
        fitting = lgb.Dataset(features.iloc[others[~watched]], target[others[~watched]])
        seen = lgb.Dataset(features.iloc[others[watched]], target[others[watched]], reference=fitting)
        stop = [lgb.early_stopping(PATIENCE_TREES, verbose=False)]
        booster = lgb.train(PLAIN, fitting, PLAIN_TREES, valid_sets=[seen], callbacks=stop)
        inside = folds == fold
        predicted[inside] = booster.predict(features[inside], num_iteration=booster.best_iteration)
    return predicted


if __name__ == "__main__":
    sys.exit(main())
