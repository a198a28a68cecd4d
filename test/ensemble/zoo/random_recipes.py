"""Recipes drawn at random, for the large zoo: any combination of parameters that LightGBM trains."""

from __future__ import annotations

import numpy as np
from catalogue import DART, FOREST, GOSS
from recipes import Recipe
from tables import CATEGORIES

OBJECTIVES = (
    "regression regression_l1 huber fair poisson quantile mape gamma tweedie binary multiclass multiclassova"
    " cross_entropy cross_entropy_lambda lambdarank rank_xendcg custom custom_classes"
).split()
KINDS = "plain missing sparse tiny whole halves wide endless empty few forty many ids".split()
NOT_LINEAR = ("regression_l1", "quantile", "mape", "lambdarank", "rank_xendcg", "custom", "custom_classes")
NOT_MONOTONE = ("regression_l1", "quantile", "mape")
BOOSTERS = {"gbdt": {}, "dart": DART, "goss": GOSS, "rf": FOREST}


def random_recipe(index: int, rng: np.random.Generator) -> Recipe:
    objective = str(rng.choice(OBJECTIVES))
    custom = objective.startswith("custom")
    kinds = ("plain", *map(str, rng.choice(KINDS, rng.integers(1, 9))))
    booster = str(rng.choice([name for name in BOOSTERS if not (custom and name == "rf")]))
    linear = bool(rng.random() < 0.15) and objective not in NOT_LINEAR and booster != "rf" and "endless" not in kinds
    params = {
        **BOOSTERS[booster],
        "num_leaves": int(rng.choice([2, 3, 7, 15, 31, 64, 90])),
        "max_depth": int(rng.choice([-1, -1, 3, 10])),
        "min_data_in_leaf": int(rng.choice([1, 5, 20, 60])),
        "max_bin": int(rng.choice([3, 16, 255, 1000])),
        "min_data_in_bin": int(rng.choice([1, 3])),
        "use_missing": bool(rng.random() < 0.8),
        "zero_as_missing": bool(rng.random() < 0.25) and not linear,
        "boost_from_average": bool(rng.random() < 0.8),
        "extra_trees": bool(rng.random() < 0.15),
        "max_cat_to_onehot": int(rng.choice([1, 4, 10])),
        "cat_smooth": float(rng.choice([0.0, 1.0, 10.0])),
        "cat_l2": float(rng.choice([0.0, 10.0])),
        "min_data_per_group": int(rng.choice([1, 5, 50])),
        "max_cat_threshold": int(rng.choice([4, 32, 200])),
        "reg_sqrt": bool(rng.random() < 0.2),
        "sigmoid": round(float(rng.uniform(0.2, 4)), 5) if rng.random() < 0.5 else 1.0,
        "path_smooth": float(rng.choice([0.0, 0.0, 2.0])),
        "seed": int(rng.integers(1 << 30)),
        "linear_tree": linear,
        "feature_pre_filter": False,  # with it LightGBM refuses a custom objective where no split is possible
    }
    if not linear and booster != "rf" and rng.random() < 0.1:
        params["use_quantized_grad"] = True
    if not linear and objective not in NOT_MONOTONE and rng.random() < 0.15:
        params["monotone_constraints"] = [0 if kind in CATEGORIES else int(rng.integers(-1, 2)) for kind in kinds]
    return Recipe(
        f"random-{index:04d}",
        objective,
        kinds,
        rounds=int(rng.choice([1, 3, 8, 20, 40])),
        rows=int(rng.choice([60, 300, 800])),
        hostile_rows=150,
        ranges=bool(rng.random() < 0.2),
        params=params,
    )
