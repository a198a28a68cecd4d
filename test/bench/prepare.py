"""
Makes what the benchmark measures, one folder a model: seeded synthetic data -> a trained model -> the forms its peers read.

  rows.f64, expected.f64   10,000 rows of 24 doubles (3 % NaN) and LightGBM's own answers, little-endian
  model.txt, dump.json     LightGBM's two formats
  model.onnx, m2cgen.mjs   converted by onnxmltools and m2cgen
  lleaves.so, tl2cgen.so   compiled by lleaves and tl2cgen

A conversion that fails leaves NAME.failure with its reason. Refuses a model in which a tree is not full.
"""

import ctypes
import json
import subprocess
import sys
import traceback
from collections.abc import Callable
from pathlib import Path

import lightgbm
import numpy as np

FEATURES = 24
NAN_SHARE = 0.03
TRAINING_ROWS = 30_000
BENCH_ROWS = 10_000
# Keeps trees from peeling off outliers: a row then meets 4.3 and 6.8 nodes a tree, near the 5 and 6 of balanced trees.
MIN_ROWS_PER_LEAF = 100
SEED = 7


def prepare(folder: Path, trees: int, leaves: int) -> None:
    folder.mkdir(parents=True, exist_ok=True)
    random = np.random.default_rng(SEED)
    training, rows = make_rows(random, TRAINING_ROWS), make_rows(random, BENCH_ROWS)
    booster = train(training, make_target(random, training), trees, leaves)
    # Read back from its own text, so that every peer and the judge have the same model.
    booster.save_model(folder / "model.txt")
    booster = lightgbm.Booster(model_file=folder / "model.txt")
    dump = booster.dump_model()
    counts = {tree["num_leaves"] for tree in dump["tree_info"]}
    if counts != {leaves} or len(dump["tree_info"]) != trees:
        raise SystemExit(f"expected {trees} trees of {leaves} leaves, got {len(dump['tree_info'])} of {counts}")
    (folder / "dump.json").write_text(json.dumps(dump))
    rows.astype("<f8").tofile(folder / "rows.f64")
    booster.predict(rows, num_threads=1).astype("<f8").tofile(folder / "expected.f64")
    for convert in (convert_onnx, convert_m2cgen, compile_tl2cgen, compile_lleaves):
        attempt(convert, folder, booster)


def make_rows(random: np.random.Generator, count: int) -> np.ndarray:
    """A third each: bell curves, amounts of money (skewed), small counts. Missing at random."""
    rows = random.normal(size=(count, FEATURES))
    rows[:, 8:16] = np.exp(rows[:, 8:16])
    rows[:, 16:] = np.floor(np.abs(rows[:, 16:]) * 20)
    rows[random.random(rows.shape) < NAN_SHARE] = np.nan
    return rows


def make_target(random: np.random.Generator, rows: np.ndarray) -> np.ndarray:
    """Every feature matters and pairs of them interact; noise keeps the trees busy to the last one."""
    known = np.nan_to_num((rows - np.nanmean(rows, axis=0)) / np.nanstd(rows, axis=0), nan=0.5)
    weights = random.normal(size=(FEATURES, 6))
    return np.sin(known @ weights).sum(axis=1) + known[:, 0] * known[:, 17] + random.normal(size=len(rows))


def train(rows: np.ndarray, target: np.ndarray, trees: int, leaves: int) -> lightgbm.Booster:
    parameters = {
        "objective": "regression",
        "num_leaves": leaves,
        "learning_rate": 0.05,
        "min_data_in_leaf": MIN_ROWS_PER_LEAF,
        "seed": SEED,
        "deterministic": True,
        "force_row_wise": True,
        "verbosity": -1,
    }
    return lightgbm.train(parameters, lightgbm.Dataset(rows, target), num_boost_round=trees)


def attempt(convert: Callable[[Path, lightgbm.Booster], None], folder: Path, booster: lightgbm.Booster) -> None:
    name = convert.__name__.split("_")[1]
    failure = folder / f"{name}.failure"
    failure.unlink(missing_ok=True)
    try:
        convert(folder, booster)
    except Exception as error:
        traceback.print_exc()
        failure.write_text(f"{type(error).__name__}: {error}".splitlines()[0][:200])


def convert_onnx(folder: Path, booster: lightgbm.Booster) -> None:
    from onnxmltools import convert_lightgbm
    from onnxmltools.convert.common.data_types import FloatTensorType

    model = convert_lightgbm(booster, initial_types=[("input", FloatTensorType([None, FEATURES]))])
    (folder / "model.onnx").write_bytes(model.SerializeToString())


def convert_m2cgen(folder: Path, booster: lightgbm.Booster) -> None:
    import m2cgen

    sys.setrecursionlimit(100_000)
    regressor = lightgbm.LGBMRegressor()  # m2cgen knows the wrapper only
    regressor._Booster = booster
    regressor.fitted_ = True
    regressor._n_features = FEATURES
    source = m2cgen.export_to_javascript(regressor, function_name="score")
    (folder / "m2cgen.mjs").write_text(source + "\nexport { score }\n")


def compile_lleaves(folder: Path, _: lightgbm.Booster) -> None:
    """Takes minutes for the larger model."""
    import lleaves

    (folder / "lleaves.o").unlink(missing_ok=True)  # it would be taken for the model, whatever model it is of
    lleaves.Model(model_file=str(folder / "model.txt")).compile(cache=str(folder / "lleaves.o"))
    link = ["gcc", "-shared", "-o", "lleaves.so", "lleaves.o", "-lm"]
    subprocess.run(link, cwd=folder, check=True)
    ctypes.CDLL(str(folder / "lleaves.so")).forest_root


def compile_tl2cgen(folder: Path, _: lightgbm.Booster) -> None:
    import tl2cgen
    import treelite

    model = treelite.frontend.load_lightgbm_model(folder / "model.txt")
    parameters = {"parallel_comp": 16}
    tl2cgen.export_lib(model, toolchain="gcc", libpath=folder / "tl2cgen.so", params=parameters, nthread=2)


if __name__ == "__main__":
    prepare(Path(sys.argv[1]), int(sys.argv[2]), int(sys.argv[3]))
