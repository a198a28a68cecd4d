"""Opens the MLflow store: the server that MLFLOW_TRACKING_URI names, or else SQLite and a folder under training/.

While it is open, MLflow prints nothing, sends nothing home and retries for seconds where its own defaults are
minutes; any of its variables that is set already stays as it is. MLflow takes seconds to import, so it is imported
only here. Every fault of the network or the store becomes a UserError: what was tried, where, and the cause.
"""

from __future__ import annotations

import io
import os
import sys
import warnings
from collections.abc import Iterator
from contextlib import contextmanager, redirect_stderr, redirect_stdout
from dataclasses import dataclass
from pathlib import Path
from textwrap import shorten
from types import ModuleType
from urllib.parse import urlsplit, urlunsplit

from ..errors import UserError
from ..packages import needed

# In a checkout, training/; mlflow.db and mlartifacts/ lie in it where no server is named.
LOCAL_FOLDER = Path(__file__).parents[2]

SETTINGS = {
    "MLFLOW_DISABLE_TELEMETRY": "true",
    "DO_NOT_TRACK": "true",
    "MLFLOW_HTTP_REQUEST_MAX_RETRIES": "2",
    "MLFLOW_HTTP_REQUEST_BACKOFF_FACTOR": "1",
    "MLFLOW_HTTP_REQUEST_TIMEOUT": "30",
    # GitPython asks for the commit that a run came from; without git it would complain at import.
    "GIT_PYTHON_REFRESH": "quiet",
}

# An error that one of these packages raises is a fault of the network or the store; any other is a defect of ours.
STORE_PACKAGES = {"mlflow", "alembic", "sqlalchemy", "requests", "urllib3", "boto3", "botocore", "azure", "google"}

_LONGEST_CAUSE = 300
_SQLITE = "sqlite:///"


@dataclass(frozen=True)
class Store:
    """`place` is `uri` for people: without a user name and password."""

    mlflow: ModuleType
    uri: str
    place: str

    @property
    def artifact_location(self) -> str | None:
        """A server knows where its artifacts go; for a file, MLflow would put them into the working directory."""
        file = self.uri.removeprefix(_SQLITE)
        return (Path(file).resolve().parent / "mlartifacts").as_uri() if file != self.uri else None

    @property
    def is_served(self) -> bool:
        return self.uri.startswith(("http://", "https://"))

    @contextmanager
    def doing(self, what: str) -> Iterator[None]:
        """Names what is being done in the UserError that a fault within becomes."""
        try:
            yield
        except Exception as error:
            if not _is_fault(error):
                raise
            cause = _cause(error).replace(self.uri, self.place)
            raise UserError(f"MLflow at {self.place}: {what} failed: {cause}") from error


@contextmanager
def open_store() -> Iterator[Store]:
    uri = os.environ.get("MLFLOW_TRACKING_URI") or _local_uri()
    for name, value in SETTINGS.items():
        os.environ.setdefault(name, value)
    with _environment("MLFLOW_TRACKING_URI", uri), _quiet(), _same_path():
        with needed("mlflow", "logging a run", "--no-mlflow does without"):
            import mlflow
        yield Store(mlflow, uri, _without_password(uri))


def check_store(name: str | None) -> None:
    """Asks for little, so that a store that is away, or refuses the model's name, is found before training."""
    with open_store() as store, store.doing("reaching it"):
        client = store.mlflow.MlflowClient()
        client.search_experiments(max_results=1)
        if name is not None:
            try:
                client.get_registered_model(name)
            except store.mlflow.MlflowException as error:
                if error.error_code != "RESOURCE_DOES_NOT_EXIST":
                    raise


def _local_uri() -> str:
    return f"{_SQLITE}{(LOCAL_FOLDER / 'mlflow.db').as_posix()}"


@contextmanager
def _environment(name: str, value: str) -> Iterator[None]:
    before = os.environ.get(name)
    os.environ[name] = value
    try:
        yield
    finally:
        os.environ.pop(name, None)
        if before is not None:
            os.environ[name] = before


@contextmanager
def _quiet() -> Iterator[None]:
    # It has no one switch for what it logs, prints, draws and warns of. Our own errors pass as exceptions.
    silence = io.StringIO()
    with redirect_stdout(silence), redirect_stderr(silence), warnings.catch_warnings(action="ignore"):
        yield


@contextmanager
def _same_path() -> Iterator[None]:
    # To check a model MLflow loads it, and leaves the folder of its code, soon deleted, in sys.path.
    before = list(sys.path)
    try:
        yield
    finally:
        sys.path[:] = before


def _is_fault(error: Exception) -> bool:
    packages = {kind.__module__.partition(".")[0] for kind in type(error).__mro__}
    return isinstance(error, (OSError, ImportError)) or bool(packages & STORE_PACKAGES)


def _cause(error: BaseException) -> str:
    """The first line of the error, or of the system's own below it, such as `Connection refused`."""
    below: BaseException | None = error
    while below is not None:
        if isinstance(below, OSError) and below.strerror:
            return f"{below.filename}: {below.strerror}" if below.filename else below.strerror
        below = below.__cause__ or below.__context__
    return shorten((str(error).strip() or type(error).__name__).splitlines()[0], _LONGEST_CAUSE, placeholder=" ...")


def _without_password(uri: str) -> str:
    parts = urlsplit(uri)
    return urlunsplit(parts._replace(netloc=parts.netloc.rpartition("@")[2])) if "@" in parts.netloc else uri
