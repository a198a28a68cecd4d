"""Trains small models with an old LightGBM, and writes its own model.txt and dump: the first half of make_old.py, which runs it.

Needs Python with numpy and scipy of that time and the folder into which that LightGBM was unpacked.
"""

import json
import sys

sys.path.insert(0, sys.argv[1])
import lightgbm as lgb
import numpy as np

RECIPES = {
    "regression": {"objective": "regression"},
    "l1": {"objective": "regression_l1"},
    "poisson": {"objective": "poisson"},
    "mape": {"objective": "mape"},
    "binary": {"objective": "binary", "sigmoid": 0.7},
    "xentropy": {"objective": "xentropy"},
    "xentlambda": {"objective": "xentlambda"},
    "multiclass": {"objective": "multiclass", "num_class": 3},
    "multiclassova": {"objective": "multiclassova", "num_class": 3},
    "forest": {
        "objective": "binary",
        "boosting": "rf",
        "bagging_freq": 1,
        "bagging_fraction": 0.6,
        "feature_fraction": 0.8,
    },
    "zero": {"objective": "regression", "zero_as_missing": True},
    "rank": {"objective": "lambdarank"},
    "custom": {"objective": "none"},
}
FIXED = {"verbose": -1, "num_threads": 1, "num_leaves": 7, "min_data_in_leaf": 5, "seed": 1}
ROWS = 300


def table():
    random = np.random.RandomState(7)
    values = random.normal(size=(ROWS, 5))
    values[:, 1] = random.randint(0, 40, ROWS)
    values[:, 4] = random.randint(0, 6, ROWS)
    values[random.uniform(size=ROWS) < 0.2, 2] = np.nan
    values[random.uniform(size=ROWS) < 0.3, 3] = 0
    signal = values[:, 0] + np.nan_to_num(values[:, 2]) + np.where(values[:, 1] % 3 == 0, 1, -0.5)
    return values, signal


def target(name, signal):
    objective = RECIPES[name]["objective"]
    if objective == "poisson":
        return np.floor(np.exp(signal / 2))
    if objective in ("binary", "xentropy", "xentlambda"):
        return (signal > 0).astype(float)
    if objective.startswith("multi") or objective == "lambdarank":
        return np.digitize(signal, [-0.5, 0.7]).astype(float)
    return signal


def squared_error(scores, dataset):
    return scores - dataset.get_label(), np.ones_like(scores)


def main():
    values, signal = table()
    for name, recipe in RECIPES.items():
        group = [30] * (ROWS // 30) if name == "rank" else None
        data = lgb.Dataset(values, target(name, signal), group=group, categorical_feature=[1, 4])
        try:
            own = {"fobj": squared_error} if name == "custom" else {}
            booster = lgb.train(dict(recipe, **FIXED), data, 5, **own)
            booster.save_model(sys.argv[2] + ".txt")
        except lgb.basic.LightGBMError as error:
            print(name, error, file=sys.stderr)
            continue
        with open(sys.argv[2] + ".txt") as file:
            text = file.read()
        print(json.dumps({"name": name, "text": text, "dump": booster.dump_model()}))


main()
