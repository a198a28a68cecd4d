"""Trains on a Dask cluster: rows encoded here become trees that all its workers boosted together.

Reading, the feature plan, the evaluation and the bundle stay on this machine; only LightGBM's part is shared,
each worker having an equal part of the rows. The workers need lightgbm and scikit-learn, not this package.
`lightgbm.dask` cannot stop early, so the number of trees is found here, on a sample.
"""

from __future__ import annotations

import re
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from typing import Any
from uuid import uuid4

import dask
import dask.array as da
import lightgbm as lgb
import numpy as np
import pandas as pd
from lightgbm.dask import DaskLGBMRegressor

from ..features.recipe import Recipe
from ..progress import Progress
from . import boosting
from .boosting import Learner, Stopped, TrainingData, give_unit_back, takes_offset, training_data
from .model import Model
from .parameters import SEED, Parameters
from .workers import Workers, connected

# More rows hardly change the number of trees at which a model stops getting better.
SAMPLE_ROWS = 100_000
# With fewer, a worker's own rows would be a poor basis for the histogram bins that it finds for all.
LEAST_ROWS_PER_WORKER = 500
# At 200 bytes a row, parts of 50 MB.
MOST_ROWS_PER_PART = 250_000
# How long a worker waits for another: LightGBM's own two hours would keep it that long from all other work.
NETWORK_MINUTES = 10

# The estimator's own parameters have other names and defaults; None leaves the word to LightGBM's.
_UNSET: dict[str, Any] = dict.fromkeys(lgb.LGBMRegressor().get_params())
# Of the parameters that a model's text ends with: where it was trained.
_WHERE = re.compile(r"^\[(machines|local_listen_port|time_out): .*\]\n", re.MULTILINE)


@contextmanager
def cluster_learner(address: str, recipe: Recipe) -> Iterator[Learner]:
    """Fits on the workers of the scheduler at `address`. @raises UserError"""
    with connected(address) as workers:
        cluster = _Cluster(workers, recipe)
        yield Learner(cluster.fit, cluster.fit_until_it_stops, distributed=True)


class _Cluster:
    def __init__(self, workers: Workers, recipe: Recipe) -> None:
        self._recipe = recipe
        self._workers = workers
        self._client = workers.client

    def fit(
        self,
        title: str,
        frame: pd.DataFrame,
        revenue: np.ndarray,
        parameters: Parameters,
        trees: int,
        progress: Progress,
    ) -> Model:
        data = training_data(self._recipe, frame, revenue, offset=takes_offset(parameters), progress=progress)
        return Model(data.plan, self._boost(title, parameters, data, trees, progress))

    def fit_until_it_stops(
        self,
        title: str,
        frame: pd.DataFrame,
        revenue: np.ndarray,
        parameters: Parameters,
        limit: int,
        progress: Progress,
    ) -> tuple[Model, Stopped]:
        """A model of as many trees as do best on a sample of the rows, found on this machine."""
        chosen = np.sort(_shuffled(len(frame))[:SAMPLE_ROWS])
        sample = frame.iloc[chosen], revenue[chosen]
        step = f"{title}: number of trees", *sample, parameters, limit, progress
        _, stopped = boosting.fit_until_it_stops(self._recipe, *step)
        return self.fit(title, frame, revenue, parameters, stopped.trees, progress), stopped

    def _boost(
        self, title: str, parameters: Parameters, data: TrainingData, trees: int, progress: Progress
    ) -> lgb.Booster:
        addresses = self._workers.addresses()[: max(1, len(data.revenue) // LEAST_ROWS_PER_WORKER)]
        network = {"tree_learner": "data", "time_out": NETWORK_MINUTES}
        settings = {**_UNSET, **network, **parameters, "n_estimators": trees}
        del settings["num_threads"]  # each worker has its own
        estimator = DaskLGBMRegressor(client=self._client, **settings)
        names = {"feature_name": data.plan.features, "categorical_feature": data.plan.categorical}

        def work() -> None:
            estimator.fit(**self._spread(data, addresses), **names, callbacks=[_tell(topic)])

        with progress(title, trees) as step, self._steps(step) as topic:
            self._workers.run(addresses, work)
        booster = lgb.Booster(model_str=_WHERE.sub("", estimator.booster_.model_to_string()))
        give_unit_back(booster, str(parameters["objective"]), data.unit)
        return booster

    def _spread(self, data: TrainingData, addresses: list[str]) -> dict[str, da.Array]:
        """Shuffled parts of one size, as many on each worker: a file may be sorted, and no worker's rows be special."""
        rows = len(data.revenue)
        each = -(-rows // (len(addresses) * MOST_ROWS_PER_PART))
        parts = np.array_split(_shuffled(rows), len(addresses) * each)
        label, init_score = data.start(data.encoded, data.revenue)
        columns = {"X": data.encoded.features, "y": label, **({} if init_score is None else {"init_score": init_score})}
        return {name: self._spread_column(values, parts, addresses) for name, values in columns.items()}

    def _spread_column(self, values: np.ndarray, parts: list[np.ndarray], addresses: list[str]) -> da.Array:
        blocks = []
        for place, part in enumerate(parts):
            address = addresses[place * len(addresses) // len(parts)]
            there = self._client.scatter(values[part], workers=[address], hash=False)
            shape = (len(part), *values.shape[1:])
            blocks.append(da.from_delayed(dask.delayed(there), shape, dtype=np.float64))
        return da.concatenate(blocks)

    @contextmanager
    def _steps(self, step: Callable[[], object]) -> Iterator[str]:
        """The topic by which workers tell of their trees, a step for each; all tell of the same trees."""
        topic = f"day7-training-{uuid4()}"
        seen = 0

        def hear(event: tuple[Any, int]) -> None:
            nonlocal seen
            for _ in range(event[1] - seen):
                step()
            seen = max(seen, event[1])

        self._client.subscribe_topic(topic, hear)
        try:
            yield topic
        finally:
            self._client.unsubscribe_topic(topic)


def _shuffled(rows: int) -> np.ndarray:
    return np.random.Generator(np.random.PCG64(SEED)).permutation(rows)


def _tell(topic: str) -> Callable[[Any], None]:
    # A function within a function travels as code: the workers need not have this package.
    def tell(environment: Any) -> None:
        from distributed import get_worker

        get_worker().log_event(topic, environment.iteration + 1)

    return tell
