"""The bundle of the champion, as the registry has it."""

from __future__ import annotations

from pathlib import Path

from .store import open_store
from .tracking import BUNDLE, CHAMPION


def fetch_champion(name: str, folder: Path) -> Path | None:
    """The bundle's folder, below `folder`; null if no version has the alias. @raises UserError"""
    with open_store() as store, store.doing("fetching the champion"):
        client = store.mlflow.MlflowClient()
        try:
            version = client.get_model_version_by_alias(name, CHAMPION)
        except store.mlflow.MlflowException as error:
            if error.error_code in ("RESOURCE_DOES_NOT_EXIST", "INVALID_PARAMETER_VALUE"):
                return None
            raise
        downloaded = store.mlflow.artifacts.download_artifacts(
            artifact_uri=f"models:/{name}/{version.version}", dst_path=str(folder)
        )
        return Path(downloaded) / "data" / BUNDLE
