"""The model as MLflow takes it: a bundle becomes a `pyfunc` that turns raw installs into revenue.

MLflow finds `_load_pyfunc` by this module's name; the whole package is shipped beside the bundle, so that the
model also loads where day7_training is not installed, such as on a Spark worker. `predict` gives the same doubles
as the model's own `predict`: of several ensembles what they make together, and no interval. It takes the nine fields
or those of the bundle's input schema, in any order, passes over other columns, and null may be None, NaN or NA.
Refuses a missing column, and values that are no text or no number; how large the nine fields are is not judged here.
"""

from __future__ import annotations

from importlib.metadata import version
from pathlib import Path
from typing import Any

import numpy as np
import pandas as pd

from ..bundle.folder import open_bundle
from ..data.installs import FIELDS, NUMBER_FIELDS, TEXT_FIELDS
from ..errors import UserError
from ..inputs.columns import column_of
from ..inputs.field import Field
from ..inputs.kinds import value_from_parquet
from ..inputs.schema import NINE_FIELDS, InputSchema
from ..model.combination import AnyModel

# What a bundle needs to be evaluated; MLflow adds itself.
REQUIRED_PACKAGES = ("lightgbm", "numpy", "pandas")
EXAMPLE_ROWS = 5


class InstallModel:
    """What `mlflow.pyfunc.load_model` calls."""

    def __init__(self, model: AnyModel) -> None:
        self._model = model

    def predict(self, installs: pd.DataFrame) -> np.ndarray:
        """The revenue of each install, as float64."""
        frame = installs_of(installs, self._model.plan.inputs)
        return self._model.predict(frame) if len(frame) else np.empty(0)


def installs_of(table: pd.DataFrame, inputs: InputSchema = NINE_FIELDS) -> pd.DataFrame:
    """The fields as the feature plan takes them: str or None, and float64 with NaN for null."""
    if inputs is not NINE_FIELDS:
        return pd.DataFrame({field.name: _column(field, table) for field in inputs.fields})
    if missing := [name for name in FIELDS if name not in table.columns]:
        raise UserError(f"expected the columns {', '.join(FIELDS)}; missing: {', '.join(missing)}")
    # Without a dtype, pandas makes its own string type of texts, in which null is NaN.
    texts = {name: pd.Series(_texts(name, table[name]), dtype=object) for name in TEXT_FIELDS}
    numbers = {name: pd.Series(_numbers(name, table[name])) for name in NUMBER_FIELDS}
    return pd.DataFrame({**texts, **numbers})


def _column(field: Field, table: pd.DataFrame) -> pd.Series:
    if field.name not in table.columns:
        if field.required:
            raise UserError(f"expected the column {field.name}; found {', '.join(map(str, table.columns))}")
        return pd.Series([None] * len(table), dtype=object if field.kind == "text" else np.float64)
    given = table[field.name]
    present = ~pd.isna(given.to_numpy(dtype=object))
    values = [value if there else None for value, there in zip(given.tolist(), present)]
    column = column_of(field, [value_from_parquet(field, value) for value in values])
    if column.first_fault is not None:
        place, fault = column.first_fault
        raise UserError(f"row {place}: {fault.message}")
    return pd.Series(column.values, dtype=column.values.dtype)


def requirements() -> list[str]:
    """The packages of this process, pinned: doubles are promised for these versions."""
    return [f"{name}=={version(name)}" for name in REQUIRED_PACKAGES]


def log_install_model(bundle: Path, frame: pd.DataFrame, inputs: InputSchema) -> Any:
    """Logs the pyfunc to MLflow's active run, the files of `bundle` at `data/` and the folder's own name."""
    import mlflow.pyfunc
    from mlflow.models import ModelSignature
    from mlflow.types import ColSpec, DataType, Schema
    from mlflow.types.schema import AnyType

    # A field without a value is still named, but MLflow says "not required" for null, too. It has no type for
    # a count: its double refuses int64 and a null that is None. So it checks texts, and `predict` checks numbers.
    columns = [
        ColSpec(DataType.string, field.name, required=False) if field.kind == "text" else ColSpec(AnyType(), field.name)
        for field in inputs.fields
    ]
    examples = frame[[field.name for field in inputs.fields]].head(EXAMPLE_ROWS).reset_index(drop=True)
    return mlflow.pyfunc.log_model(
        name="model",
        loader_module=__name__,
        data_path=str(bundle),
        code_paths=[str(Path(__file__).parents[1])],
        signature=ModelSignature(Schema(columns), Schema([ColSpec(DataType.double, inputs.target.name)])),
        input_example=examples,
        pip_requirements=requirements(),
    )


def _load_pyfunc(path: str) -> InstallModel:
    _, model = open_bundle(Path(path))
    return InstallModel(model)


def _texts(name: str, column: pd.Series) -> np.ndarray:
    values = column.to_numpy(dtype=object, copy=True)
    null = pd.isna(values)
    values[null] = None
    _expect(name, "texts", values[~null], {"string", "empty"})
    return values


def _numbers(name: str, column: pd.Series) -> np.ndarray:
    values = column.to_numpy(dtype=object)
    null = pd.isna(values)
    _expect(name, "numbers", values[~null], {"integer", "floating", "mixed-integer-float", "decimal", "empty"})
    numbers = np.full(len(values), np.nan)
    numbers[~null] = values[~null].astype(np.float64)
    return numbers


def _expect(name: str, expected: str, values: np.ndarray, kinds: set[str]) -> None:
    if (kind := pd.api.types.infer_dtype(values, skipna=False)) not in kinds:
        raise UserError(f"column {name}: expected {expected} or null, got values that are {kind}")
