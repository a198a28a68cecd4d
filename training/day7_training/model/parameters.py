"""Turns the objective and the user's overrides into the parameters that LightGBM is called with.

Overrides are tried out on a handful of rows first, so that LightGBM itself says, before the data is
read, which it does not know. Refuses objectives that do not predict a revenue, what the service
cannot evaluate (random forests, linear trees), and parameters that have an option of their own.
"""

from __future__ import annotations

import json
from collections.abc import Callable, Iterator, Mapping
from contextlib import contextmanager

import lightgbm as lgb
import numpy as np

from ..errors import UserError

OBJECTIVES = ("tweedie", "poisson", "gamma", "regression", "regression_l1", "huber", "fair", "quantile", "mape")

Parameters = dict[str, str | int | float | bool]

SEED = 7

_DEFAULTS: Parameters = {
    "boosting": "gbdt",
    "learning_rate": 0.05,
    "num_leaves": 31,
    "min_data_in_leaf": 20,
    "feature_fraction": 0.8,
    # A few rows with most of the revenue must not have leaves of their own.
    "lambda_l2": 10,
    "seed": SEED,
    # The same model on every machine: one order of summation, whatever the number of cores.
    "deterministic": True,
    "force_row_wise": True,
    "num_threads": 2,
    "verbosity": -1,
}

# Between Poisson (1) and gamma (2): many zeros, a heavy tail. Above the usual 1.5, so that rows with much
# revenue, or with revenue in a larger unit, weigh less.
_TWEEDIE_VARIANCE_POWER = 1.6

_SERVABLE_BOOSTING = ("gbdt", "dart")

# Set by this package. Trying the overrides out beside these values makes LightGBM report any other name
# for them; for those without a value here it does so anyway.
_RESERVED: dict[str, tuple[str | int | bool | None, str]] = {
    "objective": (None, "use --objective"),
    "num_iterations": (1, "use --max-trees"),
    "early_stopping_round": (0, "training decides when to stop"),
    "linear_tree": (False, "linear trees cannot be served yet"),
    "verbosity": (0, "training is silent"),
    "categorical_feature": (None, "the feature plan says which features are categories"),
}


def resolve_parameters(objective: str, overrides: Mapping[str, str]) -> Parameters:
    """LightGBM's parameters, but for the number of trees."""
    if objective not in OBJECTIVES:
        raise UserError(f"--objective: expected one of {', '.join(OBJECTIVES)}, got {objective}")
    for name, text in overrides.items():
        if name in _RESERVED:
            raise UserError(f"--set {name}: {_RESERVED[name][1]}")
        if not text or any(character.isspace() for character in text):
            raise UserError(f"--set {name}: expected a value without blanks, got {text!r}")
    power: Parameters = {"tweedie_variance_power": _TWEEDIE_VARIANCE_POWER} if objective == "tweedie" else {}
    parameters = {"objective": objective, **power, **_DEFAULTS, **{k: _value(v) for k, v in overrides.items()}}
    if parameters["boosting"] not in _SERVABLE_BOOSTING:
        raise UserError(
            f"--set boosting: expected one of {', '.join(_SERVABLE_BOOSTING)} (others cannot be served yet), "
            f"got {parameters['boosting']}"
        )
    _try_out(parameters)
    return parameters


def _value(text: str) -> str | int | float | bool:
    try:
        value = json.loads(text, parse_constant=str)
    except ValueError:
        return text
    return value if isinstance(value, (bool, int, float)) else text


def _try_out(parameters: Parameters) -> None:
    reserved = {name: value for name, (value, _) in _RESERVED.items() if value is not None}
    everything = {**parameters, **reserved}
    target = np.arange(1.0, 101.0)
    with _warnings() as warnings:
        try:
            data = lgb.Dataset(target[:, None], target, params=everything, categorical_feature=[0])
            lgb.Booster(everything, data).update()
        except lgb.basic.LightGBMError as error:
            raise UserError(f"--set: LightGBM refuses the parameters: {str(error).strip()}") from error
    for warning in warnings:
        # An unknown name, or a second name for a parameter that is set already.
        if any(sign in warning for sign in ("Unknown parameter", "will be ignored", "overridden")):
            raise UserError(f"--set: LightGBM does not take it: {warning}")


@contextmanager
def _warnings() -> Iterator[list[str]]:
    """LightGBM's messages while the block runs. Its logger is for the whole process, and silent from then on."""
    messages: list[str] = []
    lgb.register_logger(_Messages(messages.append))
    try:
        yield messages
    finally:
        lgb.register_logger(_Messages(lambda message: None))


class _Messages:
    def __init__(self, take: Callable[[str], object]) -> None:
        self.info = self.warning = lambda text: take(text.removeprefix("[LightGBM] [Warning] ").strip())
