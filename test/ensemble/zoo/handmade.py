"""Models of the zoo that no training gives: texts written or changed by hand, which LightGBM reads."""

from __future__ import annotations

import re
from collections.abc import Iterator

import lightgbm as lgb
import numpy as np
import pandas as pd
from hostile import TINY
from recipes import MIXED, Recipe, Specimen, train
from tables import Table, make_table, make_target

LARGEST = float(np.finfo(float).max)
THRESHOLDS = [
    *(np.inf, -LARGEST, 0.0, -0.0, TINY, -TINY, float(np.nextafter(TINY, 1)), float(np.nextafter(-TINY, -1)), 1e-35),
    *(3e-35, -3e-35, 5e-324, 1.0, -1.0, 3.9, 16777216.500000004, 4e9, 1e299, -1e299),
]
QUIET = {"verbosity": -1, "num_threads": 1, "deterministic": True, "num_leaves": 8, "min_data_in_leaf": 5}


def handmade(rng: np.random.Generator) -> Iterator[Specimen]:
    yield from _stumps(rng)
    yield from _odd_leaves(rng)
    yield from _single_leaves(rng)
    yield from _other_lives(rng)
    yield _frame(rng)


def _stumps(rng: np.random.Generator) -> Iterator[Specimen]:
    """One split a tree: every decision type with every awkward threshold, every kind of bitset."""
    numbers = make_table(("plain", "missing", "sparse"), 60, rng)
    stumps = [(threshold, kind) for threshold in THRESHOLDS for kind in (0, 2, 4, 6, 8, 10)]
    trees = [_stump(index, index % 3, repr(threshold), kind) for index, (threshold, kind) in enumerate(stumps)]
    yield Specimen("hand-thresholds", _model(trees, 3), numbers, hostile_rows=120)
    odd = [_stump(index, index % 3, repr(threshold), 1) for index, threshold in enumerate(THRESHOLDS)]
    lowest = [_stump(kind, kind % 3, "-inf", kind) for kind in (0, 2, 4, 6, 8, 10)]
    why = f"the dump prints -1e+300 for -inf as for {-LARGEST}, and training makes only the latter"
    yield Specimen("hand-threshold-minus-infinity", _model(lowest, 3), numbers, dump_refused=why)
    why = "where a tree has no categories, decision type 1 is a number's, but the dump prints a category's"
    # LightGBM's contributions do look at the bit, find no bitset there, and crash
    odd_text = _model(odd, 3)
    yield Specimen("hand-no-category-but-its-bit", odd_text, numbers, dump_refused=why, contributions=False)
    plain = [re.sub(r"(decision_type|leaf_count|internal_count|shrinkage)=.*\n", "", tree) for tree in trees[::6]]
    yield Specimen("hand-bare-trees", _model(plain, 3), numbers)

    bitsets = [[1], [0x80000000], [0xFFFFFFFF], [0xFFFFFFFE], [8, 0, 1], [0, 0x80000001], [0x7FFFFFFF, 0, 0, 16]]
    pairs = [(words, kind) for words in bitsets for kind in (1, 3, 5, 9, 11)]
    trees = [_stump(index, index % 3, "0", kind, words) for index, (words, kind) in enumerate(pairs)]
    yield Specimen("hand-bitsets", _model(trees, 3), make_table(("few", "forty", "many"), 60, rng), hostile_rows=120)


def _odd_leaves(rng: np.random.Generator) -> Iterator[Specimen]:
    table = make_table(("plain", "missing"), 60, rng)

    def trees(values: list[str]) -> list[str]:
        return [_stump(index, index % 2, "0.25", 8, leaves=(value, "0.5")) for index, value in enumerate(values)]

    extreme = ["1e308", "1.7976931348623157e308", "-1e308", "-1.7976931348623157e308", "5e-324", "-0", "1e-310"]
    yield Specimen("hand-extreme-leaves", _model(trees(extreme), 2), table)
    yield Specimen("hand-infinite-leaves", _model(trees(["inf", "1", "-inf"]), 2), table)
    yield Specimen("hand-nan-leaf", _model(trees(["2", "nan"]), 2, "binary sigmoid:1"), table)
    yield Specimen("hand-chain", _model([_chain(300), _chain(65)], 2), table)
    uncounted = [tree.replace("leaf_count=3 4", "leaf_count=0 7") for tree in trees(["1", "2", "3"])]
    yield Specimen("hand-leaf-without-rows", _model(uncounted, 2), table)
    far = [_leaf("800"), *trees(["-1600", "40"])]
    for objective in ("tweedie", "binary sigmoid:1", "cross_entropy_lambda", "cross_entropy"):
        yield Specimen(f"hand-far-{objective.split()[0]}", _model(far, 2, objective), table, ranges=True)


def _single_leaves(rng: np.random.Generator) -> Iterator[Specimen]:
    """Trees of one leaf among others, and no tree at all."""
    whole = train(Recipe("trees", kinds=MIXED, rounds=8), rng)
    for name, places in {"first": [0], "middle": [3, 4], "last": [7], "everywhere": range(8)}.items():
        parts = re.split(r"(?<=\n)(?=Tree=|end of trees)", re.sub(r"tree_sizes=.*\n", "", whole.text))
        for place in places:
            parts[1 + place] = _leaf(f"{0.1 * place - 0.3!r}").replace("Tree=?", f"Tree={place}")
        yield Specimen(f"hand-single-leaf-{name}", "".join(parts), whole.table, ranges=name == "middle")
    table = make_table(("plain", "missing"), 60, rng)
    for objective, classes in {"regression": 1, "binary sigmoid:1": 1, "multiclass num_class:3": 3}.items():
        yield Specimen(
            f"no-trees-{objective.split()[0]}", _model([], 2, objective, classes), table, ranges=classes == 1
        )
    yield Specimen("no-trees-rf", _model([], 2, average=True), table)


def _other_lives(rng: np.random.Generator) -> Iterator[Specimen]:
    """Models trained further, fitted to other rows, rolled back, cut short."""
    table, other = (make_table(("plain", "missing", "sparse", "whole"), 400, rng) for _ in range(2))
    target = make_target("regression", table.signal, rng)
    first = lgb.train({**QUIET, "objective": "regression"}, lgb.Dataset(table.values, target), 4)
    more = lgb.train({**QUIET, "objective": "regression"}, lgb.Dataset(other.values, target), 4, init_model=first)
    yield Specimen("trained-further", more.model_to_string(num_iteration=-1), table, ranges=True)
    yield Specimen(
        "refitted", first.refit(other.values, target, decay_rate=0.3).model_to_string(num_iteration=-1), table
    )
    yield Specimen("cut-short", more.model_to_string(start_iteration=2, num_iteration=5), table, ranges=True)


def _frame(rng: np.random.Generator) -> Specimen:
    """Trained from a frame of pandas: categories are texts and numbers, and one is ordered; rows are their codes."""
    count = 400
    levels = ["low", "mid", "high"]
    frame = pd.DataFrame({
        "country": pd.Categorical(rng.choice(["us", "größe", "it", "", "de"], count)),
        "level": pd.Categorical(rng.choice(levels, count), categories=levels, ordered=True),
        "number": rng.normal(size=count),
        "build": pd.Categorical(rng.choice([7, 11, 400], count)),
        "paid": rng.random(count) < 0.4,
    })  # fmt: skip
    frame.loc[frame.index % 17 == 0, "country"] = None
    coded = [name for name in frame if isinstance(frame[name].dtype, pd.CategoricalDtype)]
    codes = frame.assign(**{name: frame[name].cat.codes.replace(-1, np.nan) for name in coded})
    values = codes.to_numpy(dtype=float)
    country, level, number, build, paid = values.T
    signal = np.nan_to_num(country, nan=-2.0) % 3 + level * paid + (build == 1) + number
    params = {**QUIET, "objective": "regression", "max_cat_to_onehot": 1, "min_data_per_group": 5}
    booster = lgb.train(params, lgb.Dataset(frame, make_target("regression", signal, rng)), 10)
    table = Table(values, ("few", "plain", "plain", "few", "plain"), signal)
    return Specimen("frame", booster.model_to_string(num_iteration=-1), table)


def _model(trees: list[str], width: int, objective: str = "regression", classes: int = 1, average: bool = False) -> str:
    names = " ".join(f"f{index}" for index in range(width))
    header = f"tree\nversion=v4\nnum_class={classes}\nnum_tree_per_iteration={classes}\nlabel_index=0\n"
    header += f"max_feature_idx={width - 1}\nobjective={objective}\n{'average_output' + chr(10) if average else ''}"
    header += f"feature_names={names}\nfeature_infos={' '.join(['none'] * width)}\n\n"
    numbered = "".join(tree.replace("Tree=?", f"Tree={index}") for index, tree in enumerate(trees))
    return f"{header}{numbered}end of trees\n\nparameters:\n[boosting: gbdt]\nend of parameters\n"


def _stump(
    index: int,
    feature: int,
    threshold: str,
    kind: int,
    words: list[int] | None = None,
    leaves: tuple[str, str] | None = None,
) -> str:
    left, right = leaves or (repr(0.1 * (index + 1)), repr(-0.01 * (index + 3)))
    bitset = f"cat_boundaries=0 {len(words)}\ncat_threshold={' '.join(map(str, words))}\n" if words else ""
    return (
        f"Tree=?\nnum_leaves=2\nnum_cat={1 if words else 0}\nsplit_feature={feature}\nsplit_gain=1\n"
        f"threshold={threshold}\ndecision_type={kind}\nleft_child=-1\nright_child=-2\n"
        f"leaf_value={left} {right}\nleaf_weight=3 4\nleaf_count=3 4\n"
        f"internal_value=0\ninternal_weight=7\ninternal_count=7\n{bitset}is_linear=0\nshrinkage=1\n\n\n"
    )


def _chain(depth: int) -> str:
    """Every split has a leaf on its left; the columns take turns, and so do the missing types."""
    nodes = range(depth)
    lists = {
        "split_feature": [node % 2 for node in nodes],
        "threshold": [(node - depth / 2) / 50 for node in nodes],
        "decision_type": [(2, 8, 10, 0, 4, 8)[node % 6] for node in nodes],
        "left_child": [~node for node in nodes],
        "right_child": [*(node + 1 for node in nodes[:-1]), ~depth],
        "leaf_value": [0.001 * (leaf * 37 % 101) for leaf in range(depth + 1)],
        "leaf_count": [2] * (depth + 1),
        "internal_count": [2 * (depth + 1 - node) for node in nodes],
    }
    lines = "".join(f"{name}={' '.join(map(repr, values))}\n" for name, values in lists.items())
    return f"Tree=?\nnum_leaves={depth + 1}\nnum_cat=0\n{lines}is_linear=0\nshrinkage=1\n\n\n"


def _leaf(value: str) -> str:
    lists = "split_feature split_gain threshold decision_type left_child right_child".split()
    empty = "".join(f"{name}=\n" for name in lists)
    rest = "leaf_weight=\nleaf_count=\nis_linear=0\nshrinkage=1\n\n\n"
    return f"Tree=?\nnum_leaves=1\nnum_cat=0\n{empty}leaf_value={value}\n{rest}"
