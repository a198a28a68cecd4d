"""The trained models of the committed zoo: every axis at least once, several at a time where they can meet."""

from __future__ import annotations

import re

import numpy as np
from recipes import MIXED, Recipe
from tables import Table

FOREST = {"boosting": "rf", "bagging_freq": 1, "bagging_fraction": 0.6, "feature_fraction": 0.8}
DART = {"boosting": "dart", "drop_rate": 0.4, "skip_drop": 0.2}
GOSS = {"data_sample_strategy": "goss", "top_rate": 0.3, "other_rate": 0.3, "learning_rate": 0.5}
LINEAR = {"linear_tree": True, "num_leaves": 8}
ODD_NAMES = ["a=b", "größe", "日本語", "x|y", "__proto__", "constructor"]


def catalogue() -> list[Recipe]:
    return [*_objectives(), *_boosters(), *_splits(), *_missing(), *_shapes(), *_linear(), *_files()]


def _objectives() -> list[Recipe]:
    plain = "regression regression_l1 huber fair poisson quantile mape gamma tweedie cross_entropy".split()
    return [
        Recipe("cross_entropy_lambda", "cross_entropy_lambda"),
        *(Recipe(objective, objective, ranges=objective in ("regression", "poisson")) for objective in plain),
        *(Recipe(f"{name}-mixed", name, MIXED) for name in ("tweedie", "poisson", "cross_entropy_lambda", "gamma")),
        Recipe("regression-sqrt", "regression", params={"reg_sqrt": True}),
        Recipe("regression_l1-sqrt-mixed", "regression_l1", MIXED, params={"reg_sqrt": True}),
        Recipe("quantile-high", "quantile", params={"alpha": 0.93}),
        Recipe(
            "huber-sqrt-ignored", "huber", edit=lambda text: text.replace("objective=huber", "objective=huber sqrt")
        ),
        Recipe("binary", "binary", ranges=True),
        Recipe("binary-sigmoid-0.7", "binary", MIXED, params={"sigmoid": 0.7}),
        Recipe("binary-sigmoid-1.01876", "binary", params={"sigmoid": 1.01876}),
        Recipe("binary-sigmoid-rounded", "binary", params={"sigmoid": 0.123456789, "scale_pos_weight": 3.0}),
        Recipe("multiclass", "multiclass", MIXED, ranges=True),
        Recipe("multiclassova", "multiclassova", ranges=True),
        Recipe("multiclassova-sigmoid-1.36", "multiclassova", MIXED, params={"sigmoid": 1.36}),
        Recipe("lambdarank", "lambdarank", ranges=True),
        Recipe("rank_xendcg", "rank_xendcg", MIXED),
        Recipe("custom", "custom", ranges=True),
        Recipe("custom-classes", "custom_classes", MIXED),
    ]


def _boosters() -> list[Recipe]:
    return [
        Recipe("dart", params=DART, ranges=True),
        Recipe("dart-binary-mixed", "binary", MIXED, params=DART),
        Recipe("dart-multiclass", "multiclass", params=DART, rounds=6),
        Recipe("dart-xgboost-mode", "tweedie", params={**DART, "xgboost_dart_mode": True}),
        Recipe("goss", params=GOSS),
        Recipe("goss-multiclass", "multiclass", MIXED, params=GOSS, rounds=6),
        Recipe("rf", params=FOREST, ranges=True),
        Recipe("rf-binary-mixed", "binary", MIXED, params=FOREST, ranges=True),
        Recipe("rf-multiclass", "multiclass", params=FOREST, rounds=6, ranges=True),
        Recipe("rf-poisson", "poisson", params=FOREST, rounds=7),
    ]


def _splits() -> list[Recipe]:
    wide_open = {"max_cat_threshold": 200, "min_data_per_group": 1, "cat_l2": 0.0, "cat_smooth": 0.1}
    return [
        Recipe("categories-few", kinds=("few", "plain"), params={"max_cat_to_onehot": 8}),
        Recipe("categories-forty", kinds=("forty", "missing", "few"), params=wide_open, ranges=True),
        Recipe("categories-many", kinds=("many", "forty", "plain"), params={**wide_open, "num_leaves": 20}, rows=1500),
        Recipe("categories-huge-ids", kinds=("ids", "plain"), params=wide_open, rounds=5),
        Recipe("categories-only", "binary", kinds=("few", "forty", "many"), params=wide_open),
        Recipe("categories-not-missing", kinds=MIXED, params={**wide_open, "use_missing": False}),
        Recipe("categories-zero-missing", kinds=MIXED, params={**wide_open, "zero_as_missing": True}),
        Recipe("extra-trees", kinds=MIXED, params={"extra_trees": True}),
        Recipe("quantized", params={"use_quantized_grad": True, "quant_train_renew_leaf": True}),
        Recipe("monotone", params={"monotone_constraints": [1, -1, 0, 0, 1, 0]}),
        Recipe("few-bins", params={"max_bin": 3, "path_smooth": 1.0}),
        Recipe("halves", kinds=("halves", "halves", "whole"), params={"min_data_in_bin": 1}, ranges=True),
    ]


def _missing() -> list[Recipe]:
    every = ("missing", "sparse", "tiny", "halves")
    return [
        Recipe("nan", kinds=("missing", "missing", "halves", "empty")),
        Recipe("nan-deep", kinds=("missing", "halves"), params={"num_leaves": 60, "min_data_in_leaf": 1}),
        Recipe("use-missing-false", kinds=every, params={"use_missing": False}),
        Recipe("use-missing-false-binary", "binary", kinds=every, params={"use_missing": False}),
        Recipe("zero-as-missing", kinds=every, params={"zero_as_missing": True}, ranges=True),
        Recipe("zero-as-missing-multiclass", "multiclass", kinds=every, params={"zero_as_missing": True}, rounds=6),
        Recipe("tiny", kinds=("tiny", "tiny", "sparse"), params={"min_data_in_bin": 1, "num_leaves": 25}),
        Recipe(
            "tiny-zero-as-missing", kinds=("tiny", "missing"), params={"min_data_in_bin": 1, "zero_as_missing": True}
        ),
        Recipe("wide", kinds=("wide", "plain", "missing")),
        Recipe("endless", kinds=("endless", "missing"), params={"min_data_in_leaf": 1}),
        Recipe(
            "endless-deep", kinds=("endless", "endless", "sparse"), params={"num_leaves": 40, "min_data_in_leaf": 1}
        ),
    ]


def _shapes() -> list[Recipe]:
    chain = {"num_leaves": 200, "max_depth": -1, "min_data_in_leaf": 1, "min_data_in_bin": 1}
    tiny_trees = {"num_leaves": 3, "learning_rate": 0.03}
    return [
        Recipe("stairs", table=_stairs, target=_doubling, params={**chain, "max_bin": 255}, rounds=3),
        Recipe("deep-wide", table=_single_flags, target=_doubling, params={**chain, "learning_rate": 1.0}, rounds=2),
        Recipe("large-leaves", kinds=MIXED, params={"num_leaves": 120, "min_data_in_leaf": 1}, rounds=4),
        Recipe("thousands", rounds=3000, kinds=("plain", "missing"), params=tiny_trees, hostile_rows=40, ranges=True),
        Recipe("thousands-classes", "multiclass", ("plain", "few"), 700, hostile_rows=40, params={"num_leaves": 2}),
        Recipe("constant-target", target=lambda signal, rng: np.full(len(signal), 3.25), ranges=True),
        Recipe("constant-target-binary", "binary", target=lambda signal, rng: np.ones(len(signal))),
        Recipe("class-without-rows", "multiclass", target=lambda signal, rng: (signal > 0) * 1.0, ranges=True),
        Recipe("class-without-rows-ova", "multiclassova", target=lambda signal, rng: (signal > 0) * 2.0),
        Recipe("nothing-to-split", "binary", params={"min_data_in_leaf": 400}),
        Recipe("boost-from-zero", params={"boost_from_average": False}, kinds=MIXED),
        Recipe("boost-from-zero-binary", "binary", params={"boost_from_average": False}),
    ]


def _linear() -> list[Recipe]:
    numbers = ("plain", "missing", "sparse", "whole")
    return [
        Recipe("linear", kinds=numbers, params=LINEAR, ranges=True),
        Recipe("linear-no-nan", kinds=("plain", "whole"), params={**LINEAR, "linear_lambda": 0.1}),
        Recipe("linear-categories", kinds=MIXED, params={**LINEAR, "num_leaves": 16}),
        Recipe("linear-wide", kinds=("wide", "plain", "wide"), params=LINEAR),
        Recipe("linear-binary", "binary", kinds=numbers, params=LINEAR),
        Recipe("linear-multiclass", "multiclass", kinds=MIXED, params=LINEAR, rounds=5),
        Recipe("linear-constant", target=lambda signal, rng: np.full(len(signal), 2.5), kinds=numbers, params=LINEAR),
    ]


def _files() -> list[Recipe]:
    return [
        Recipe("odd-names", feature_names=ODD_NAMES),
        Recipe("odd-names-monotone", feature_names=ODD_NAMES, params={"monotone_constraints": [1, 0, 0, -1, 0, 0]}),
        Recipe("version-2", kinds=MIXED, edit=_as_version_2),
        Recipe("windows-lines", edit=lambda text: _without_sizes(text).replace("\n", "\r\n")),
        Recipe("without-sizes", "multiclass", kinds=MIXED, rounds=4, edit=lambda text: _without_sizes(text)),
    ]


def _without_sizes(text: str) -> str:
    return re.sub(r"^tree_sizes=.*\n", "", text, flags=re.MULTILINE)


def _as_version_2(text: str) -> str:
    """What files looked like before linear trees and weights."""
    text = _without_sizes(text).replace("version=v4", "version=v2")
    return re.sub(r"^(is_linear|leaf_weight|internal_weight)=.*\n", "", text, flags=re.MULTILINE)


def _stairs(rng: np.random.Generator) -> Table:
    steps = np.arange(150.0)
    return Table(np.column_stack([steps, rng.permutation(steps)]), ("plain", "plain"), steps)


def _single_flags(rng: np.random.Generator) -> Table:
    """Each of the 90 columns marks one row: every split of a chain looks at another column."""
    flags = np.vstack([np.eye(90), np.zeros((10, 90))])
    return Table(flags, ("plain",) * 90, np.arange(100.0)[::-1])


def _doubling(signal: np.ndarray, rng: np.random.Generator) -> np.ndarray:
    """Each step outweighs all before it, so that each split cuts off one row."""
    return 1.6**signal
