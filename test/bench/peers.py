"""
The contenders that Python calls: LightGBM itself, its C API through ctypes, lleaves, tl2cgen and treelite's GTIL, all with
one thread.

    python peers.py FOLDER

speaks the protocol of contestant.ts, as native.c does: a JSON line with the contenders, whose answers have been compared with
LightGBM's; then for every line "SECONDS KIND NAME" a JSON line {"nanoseconds": per row}.
"""

import ctypes
import itertools
import json
import os
import sys
from collections.abc import Callable
from pathlib import Path
from statistics import median
from time import perf_counter_ns

import lightgbm
import numpy as np

ROWS_COMPARED_ONE_BY_ONE = 2_000
TOLERANCE = 1e-9
ROWS_PER_SLICE = 50

# Loads a contender: a function of a matrix, which is called with one row or with all of them.
Score = Callable[[np.ndarray], np.ndarray]


def load_lightgbm(folder: Path) -> Score:
    booster = lightgbm.Booster(model_file=folder / "model.txt")
    return lambda matrix: booster.predict(matrix, num_threads=1)


def load_ctypes(folder: Path) -> Score:
    library, handle, iterations = lightgbm.basic._LIB, ctypes.c_void_p(), ctypes.c_int()
    model = str(folder / "model.txt").encode()
    check(library.LGBM_BoosterCreateFromModelfile(model, ctypes.byref(iterations), ctypes.byref(handle)))
    config, length, answer = ctypes.c_void_p(), ctypes.c_int64(), np.zeros(1)
    normal, first, every, float64, features = (ctypes.c_int(n) for n in (0, 0, -1, 1, 24))
    check(
        library.LGBM_BoosterPredictForMatSingleRowFastInit(
            handle, normal, first, every, float64, features, b"num_threads=1", ctypes.byref(config)
        )
    )
    predict, length, result = (
        library.LGBM_BoosterPredictForMatSingleRowFast,
        ctypes.byref(length),
        ctypes.c_void_p(answer.ctypes.data),
    )

    def score(row: np.ndarray) -> np.ndarray:
        predict(config, ctypes.c_void_p(row.ctypes.data), length, result)
        return answer

    return score


def check(status: int) -> None:
    if status != 0:
        raise RuntimeError(lightgbm.basic._LIB.LGBM_GetLastError())


def load_lleaves(folder: Path) -> Score:
    import lleaves

    refuse_failure(folder / "lleaves.failure")
    model = lleaves.Model(model_file=str(folder / "model.txt"))
    model.compile(cache=str(folder / "lleaves.o"))
    return lambda matrix: model.predict(matrix, n_jobs=1)


def load_tl2cgen(folder: Path) -> Score:
    import tl2cgen

    refuse_failure(folder / "tl2cgen.failure")
    predictor = tl2cgen.Predictor(folder / "tl2cgen.so", nthread=1)
    return lambda matrix: predictor.predict(tl2cgen.DMatrix(matrix, dtype="float64"))


def load_gtil(folder: Path) -> Score:
    import treelite

    model = treelite.frontend.load_lightgbm_model(folder / "model.txt")
    return lambda matrix: treelite.gtil.predict(model, matrix, nthread=1)


def refuse_failure(failure: Path) -> None:
    if failure.exists():
        raise RuntimeError(failure.read_text())


CONTENDERS = [
    ("LightGBM C API through ctypes", ["row"], load_ctypes),
    ("LightGBM, Python Booster.predict", ["row", "batch"], load_lightgbm),
    ("lleaves, Python", ["row", "batch"], load_lleaves),
    ("tl2cgen, Python", ["row", "batch"], load_tl2cgen),
    ("treelite GTIL, Python", ["row", "batch"], load_gtil),
]


def compare(score: Score, kind: str, rows: np.ndarray, expected: np.ndarray) -> dict[str, float]:
    if kind == "batch":
        answers = score(rows).reshape(-1)
    else:
        count = min(len(rows), ROWS_COMPARED_ONE_BY_ONE)
        answers = np.array([score(rows[i : i + 1]).reshape(-1)[0] for i in range(count)])
    apart = np.abs(answers - expected[: len(answers)])
    differing = ~(apart <= TOLERANCE * np.maximum(1, np.abs(expected[: len(answers)])))
    return {"difference": float(apart.max()), "differing": int(differing.sum())}


def measure(score: Score, inputs: itertools.cycle, rows_each: int, seconds: float) -> float:
    """The median of short slices: one that another process interrupted does not count."""
    calls = ROWS_PER_SLICE if rows_each == 1 else 1
    slices, before = [], perf_counter_ns()
    end = before + seconds * 1e9
    while before < end:
        for _ in range(calls):
            score(next(inputs))
        now = perf_counter_ns()
        slices.append((now - before) / (calls * rows_each))
        before = now
    return median(slices)


def main(folder: Path) -> None:
    expected = np.fromfile(folder / "expected.f64")
    rows = np.fromfile(folder / "rows.f64").reshape(len(expected), -1)
    single_rows = [rows[i : i + 1] for i in range(len(rows))]
    ready, report = {}, []
    for name, kinds, load in CONTENDERS:
        for kind in kinds:
            try:
                score = load(folder)
                report.append({"name": name, "kind": kind, **compare(score, kind, rows, expected)})
                inputs = itertools.cycle(single_rows if kind == "row" else [rows])
                ready[kind, name] = (score, inputs, 1 if kind == "row" else len(rows))
            except Exception as error:
                reason = f"{type(error).__name__}: {error}".splitlines()[0]
                report.append({"name": name, "kind": kind, "failure": reason})
    answer(report)
    for line in sys.stdin:
        seconds, kind, name = line.strip().split(" ", 2)
        answer({"nanoseconds": measure(*ready[kind, name], float(seconds))})


# Libraries write warnings to standard output: the protocol keeps the real one and gives them the error stream.
PROTOCOL = os.fdopen(os.dup(1), "w")


def answer(value: object) -> None:
    print(json.dumps(value), file=PROTOCOL, flush=True)


if __name__ == "__main__":
    os.dup2(2, 1)
    main(Path(sys.argv[1]))
