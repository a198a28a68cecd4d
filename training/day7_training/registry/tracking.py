"""Logs a finished training to MLflow as one run and, if asked, registers its model under the manifest's name.

The run has parameters, metrics, figures, the data's digest, the files of the bundle under `bundle/`, and the Booster
of each ensemble.
The registered model is the pyfunc of `pyfunc.py`. It holds the bundle, which any client can fetch by plain HTTP:
`GET /model-versions/get-artifact?name=day7-revenue&version=1&path=data/bundle/manifest.json`.
A version has the tags `bundle_version` and, of each file, `sha256.<file>`, such as `sha256.manifest.json`. It takes
the alias `challenger`; `promote` moves `champion`, too. A fault ends the run as FAILED and leaves no version, except
that one whose promotion alone failed stays the challenger, as the error says.
"""

from __future__ import annotations

import hashlib
import re
import shutil
import tempfile
from collections.abc import Iterator, Mapping
from contextlib import contextmanager, suppress
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Any

import pandas as pd

from ..errors import UserError
from ..inputs.schema import InputSchema
from ..model.combination import AnyModel, Combination
from ..model.model import Model
from ..model.train import Residuals
from .pyfunc import log_install_model, requirements
from .store import Store, open_store

if TYPE_CHECKING:
    from matplotlib.figure import Figure

EXPERIMENT = "day7-revenue"
BUNDLE = "bundle"
CHALLENGER = "challenger"
CHAMPION = "champion"
# MLflow's database has room for no more.
_DIGEST_LENGTH = 36


@dataclass(frozen=True)
class Logged:
    """`url` is the run's page or, for a store without a server, the store; `version` that of the registered model."""

    run_id: str
    url: str
    version: str | None


def log_training(
    bundle: Path,
    manifest: Mapping[str, Any],
    evaluation: Mapping[str, Any],
    data: Path,
    frame: pd.DataFrame,
    model: AnyModel,
    *,
    register: bool,
    promote: bool,
    residuals: Residuals | None = None,
) -> Logged:
    """`bundle` is the folder as written, `frame` the installs it learnt from, `data` their file; `promote` registers.

    @raises UserError: what failed, where and why; the bundle itself is not touched.
    """
    name = manifest["name"]
    with open_store() as store, tempfile.TemporaryDirectory() as folder:
        # What is hashed is what is sent, even if another training replaces the bundle meanwhile.
        copy = Path(shutil.copytree(bundle, Path(folder) / BUNDLE))
        hashes = {path.name: hashlib.sha256(path.read_bytes()).hexdigest() for path in sorted(copy.iterdir())}
        tags = {"bundle_version": manifest["version"], **{f"sha256.{file}": hash for file, hash in hashes.items()}}
        with open_run(store, f"{name} {manifest['version']}", tags) as (run_id, url):
            with store.doing("logging the run"):
                _log_numbers(store, manifest, evaluation)
                log_data(store, manifest["training"]["dataSha256"], data, model.plan.inputs)
            for title, figure in _figures(evaluation, model, residuals).items():
                with store.doing(f"uploading the figure {title}"):
                    store.mlflow.log_figure(figure, f"figures/{title}.png")
            with store.doing("uploading the bundle"):
                store.mlflow.log_artifacts(str(copy), BUNDLE)
            for ending, each in _by_ending(model).items():
                with store.doing(f"uploading the Booster{ending.replace('_', ' ')}"):
                    _log_booster(each, f"booster{ending}")
            version = None
            if register or promote:
                with store.doing("uploading the model"):
                    uploaded = log_install_model(copy, frame, model.plan.inputs)
                    _check_uploaded(store, uploaded.artifact_path, hashes)
                version = _register(store, run_id, uploaded.model_uri, name, tags, promote=promote)
    return Logged(run_id, url, version)


@contextmanager
def open_run(store: Store, name: str, tags: dict[str, str]) -> Iterator[tuple[str, str]]:
    """The id of a new run and where it is seen; it ends as FINISHED, or with an error as FAILED."""
    with store.doing("starting a run"):
        experiment = _experiment(store)
        run_id = store.mlflow.start_run(experiment_id=experiment, run_name=name, tags=tags).info.run_id
    try:
        yield run_id, f"{store.place}/#/experiments/{experiment}/runs/{run_id}" if store.is_served else store.place
    except BaseException:
        # The store may be away by now; what went wrong first is what the user must know.
        with suppress(Exception):
            store.mlflow.end_run("FAILED")
        raise
    with store.doing("ending the run"):
        store.mlflow.end_run()


def _experiment(store: Store) -> str:
    if found := store.mlflow.get_experiment_by_name(EXPERIMENT):
        return found.experiment_id
    return store.mlflow.create_experiment(EXPERIMENT, artifact_location=store.artifact_location)


def _log_numbers(store: Store, manifest: Mapping[str, Any], evaluation: Mapping[str, Any]) -> None:
    training = manifest["training"]
    about_data = {"rows": training["rows"], "data_sha256": training["dataSha256"]}
    store.mlflow.log_params({**manifest["parameters"], **about_data, "dropped_flagged": training["flaggedDropped"]})
    parts = {"holdout": evaluation["all"], "holdout_without_flagged": evaluation["withoutFlagged"]}
    metrics = {
        f"{prefix}_{snake_case(metric)}": value
        for prefix, part in parts.items()
        if part is not None
        for metric, value in part["metrics"].items()
        if value is not None
    }
    store.mlflow.log_metrics(metrics)


def log_data(store: Store, sha256: str, data: Path, inputs: InputSchema) -> None:
    """Which data it was: the path, the columns and the digest, never a row."""
    from mlflow.data.dataset_source_registry import resolve_dataset_source
    from mlflow.data.meta_dataset import MetaDataset
    from mlflow.types import ColSpec, DataType, Schema

    fields = [
        ColSpec(DataType.string, field.name, required=False)
        if field.kind == "text"
        else ColSpec(DataType.double, field.name)
        for field in inputs.fields
    ]
    target = ColSpec(DataType.double, inputs.target.name)
    source = resolve_dataset_source(str(data.resolve()))
    dataset = MetaDataset(source, data.name, sha256[:_DIGEST_LENGTH], Schema([*fields, target]))
    store.mlflow.log_input(dataset, context="training")


def _figures(evaluation: Mapping[str, Any], model: AnyModel, residuals: Residuals | None) -> dict[str, Figure]:
    # matplotlib takes a while to import, and only a run needs it.
    from ..evaluation.model_plots import importance_figure
    from ..evaluation.plots import bias_by_group_figure, calibration_figure, residuals_figure

    figures = {f"importance{ending}": importance_figure(each) for ending, each in _by_ending(model).items()}
    parts = {"": evaluation["all"], "_without_flagged": evaluation["withoutFlagged"]}
    for suffix, part in parts.items():
        if part is not None:
            figures[f"calibration{suffix}"] = calibration_figure(part)
        if part is not None and part["groups"]:
            figures[f"bias_by_group{suffix}"] = bias_by_group_figure(part)
    if residuals is not None:
        figures["residuals"] = residuals_figure(*residuals)
    return figures


def _by_ending(model: AnyModel) -> dict[str, Model]:
    """The model of each ensemble; of one alone, what belongs to it needs no name."""
    return {f"_{name}": each for name, each in model.models.items()} if isinstance(model, Combination) else {"": model}


def _log_booster(model: Model, name: str) -> None:
    import mlflow.lightgbm
    from mlflow.models import ModelSignature
    from mlflow.types import ColSpec, DataType, Schema

    inputs = Schema([ColSpec(DataType.double, name) for name in model.plan.features])
    signature = ModelSignature(inputs, Schema([ColSpec(DataType.double)]))
    mlflow.lightgbm.log_model(model.booster, name=name, signature=signature, pip_requirements=requirements())


def _check_uploaded(store: Store, root: str, hashes: Mapping[str, str]) -> None:
    """Reads the bundle back before it is registered: MLflow does not ask whether a version's files are there."""
    with tempfile.TemporaryDirectory() as folder:
        arrived = Path(store.mlflow.artifacts.download_artifacts(f"{root}/data/{BUNDLE}", dst_path=folder))
        for file, expected in hashes.items():
            actual = hashlib.sha256((arrived / file).read_bytes()).hexdigest()
            if actual != expected:
                where = f"MLflow at {store.place}: {file} as uploaded"
                raise UserError(f"{where}: expected the sha256 {expected}, got {actual}")


def _register(store: Store, run_id: str, uri: str, name: str, tags: dict[str, str], *, promote: bool) -> str:
    client = store.mlflow.MlflowClient()
    try:
        with store.doing(f"registering {name}"):
            version = str(store.mlflow.register_model(uri, name, tags=tags).version)
            client.set_registered_model_alias(name, CHALLENGER, version)
    except BaseException as error:
        try:
            _withdraw(store, run_id)
        except Exception:
            raise UserError(f"{error}; a version of run {run_id} without an alias may be left") from error
        raise
    if promote:
        with store.doing(f"{name} version {version} is the {CHALLENGER}; making it the {CHAMPION}"):
            client.set_registered_model_alias(name, CHAMPION, version)
    return version


def _withdraw(store: Store, run_id: str) -> None:
    client = store.mlflow.MlflowClient()
    for version in client.search_model_versions(f"run_id = '{run_id}'"):
        client.delete_model_version(version.name, version.version)


def snake_case(name: str) -> str:
    return re.sub("[A-Z]", lambda letter: f"_{letter[0].lower()}", name)
