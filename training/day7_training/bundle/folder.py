"""Writes a bundle as a folder, all of it or nothing, and opens one again after checking every hash.

The layout is docs/bundle.md; model.txt, LightGBM's own format, lies beside model.json because
LightGBM cannot load its own JSON; so it is with each ensemble, where there are several. A bundle is written into a hidden folder beside the target and
renamed into place. Refuses to replace anything that is not a bundle, and to open a damaged one.
"""

from __future__ import annotations

import hashlib
import json
import os
import secrets
import shutil
from collections.abc import Iterable, Iterator, Mapping
from contextlib import contextmanager
from pathlib import Path
from typing import Any

import lightgbm as lgb

from ..errors import UserError
from ..features.plan import Plan
from ..inputs.schema import NINE_FIELDS, parse_input_schema
from ..model.combination import AnyModel
from ..model.model import Model
from .prediction import read_prediction

# Of a bundle of one ensemble.
FORMAT = "day7-bundle/1"
# Of one whose manifest says how its ensembles are combined: a service that knows the first alone refuses it.
COMBINED_FORMAT = "day7-bundle/2"
# Of one whose inputs are data, too.
INPUTS_FORMAT = "day7-bundle/3"
MANIFEST = "manifest.json"
INPUTS = "inputs.json"
_FORMATS = (FORMAT, COMBINED_FORMAT, INPUTS_FORMAT)


def json_text(document: Any) -> str:
    return json.dumps(document, ensure_ascii=False, allow_nan=False, separators=(",", ":")) + "\n"


def default_version(files: Mapping[str, bytes], ensembles: Iterable[str]) -> str:
    """Names the model by its content: the same plan and trees are the same version."""
    trees = b"".join(files[f"{name}.json"] for name in ensembles)
    return hashlib.sha256(files.get(INPUTS, b"") + files["features.json"] + trees).hexdigest()[:12]


def check_target(directory: Path) -> None:
    """Refuses a target that a bundle must not replace; asked before training, which takes a while."""
    if directory.is_dir():
        if any(directory.iterdir()) and not (directory / MANIFEST).is_file():
            raise UserError(f"expected a bundle, an empty folder or nothing at {directory}, found other files")
    elif directory.exists():
        raise UserError(f"expected a folder at {directory}, found a file")


def write_bundle(directory: Path, manifest: Mapping[str, Any], files: Mapping[str, bytes]) -> None:
    """Writes `files` and the manifest, which gets their hashes, in place of what was there."""
    target = directory.resolve()
    check_target(target)
    hashes = {name: hashlib.sha256(files[name]).hexdigest() for name in sorted(files)}
    contents = {**files, MANIFEST: json_text({**manifest, "files": hashes}).encode()}
    target.parent.mkdir(parents=True, exist_ok=True)
    fresh = target.with_name(f".{target.name}.{secrets.token_hex(4)}.new")
    try:
        fresh.mkdir()
        for name, content in contents.items():
            _write_durably(fresh / name, content)
        _swap(fresh, target)
    finally:
        shutil.rmtree(fresh, ignore_errors=True)


def open_bundle(directory: Path) -> tuple[dict[str, Any], AnyModel]:
    """The manifest and the model."""
    manifest = _open_manifest(directory)
    contents = {name: _read(directory, name) for name in manifest["files"]}
    for name, expected in manifest["files"].items():
        actual = hashlib.sha256(contents[name]).hexdigest()
        if actual != expected:
            raise UserError(f"{directory / name}: expected the sha256 {expected}, got {actual}")
    combined = manifest["format"] != FORMAT
    needed = {"features.json", *([] if combined else ["model.txt"]), *_inputs_of(manifest)}
    if missing := needed - contents.keys():
        raise UserError(f"{directory / MANIFEST}: expected it to list {', '.join(sorted(missing))}")
    with _naming(directory / INPUTS):
        inputs = parse_input_schema(json.loads(contents[INPUTS])) if _inputs_of(manifest) else NINE_FIELDS
    with _naming(directory / "features.json"):
        plan = Plan.parse(contents["features.json"].decode(), inputs)
    if combined:
        about = {"calibrated": bool(_inputs_of(manifest))}
        return manifest, read_prediction(manifest.get("prediction"), plan, contents, directory / MANIFEST, **about)
    return manifest, Model(plan, lgb.Booster(model_str=contents["model.txt"].decode()))


@contextmanager
def _naming(file: Path) -> Iterator[None]:
    try:
        yield
    except UserError as error:
        raise UserError(f"{file}: {error}") from error


def _inputs_of(manifest: Mapping[str, Any]) -> list[str]:
    return [INPUTS] if manifest["format"] == INPUTS_FORMAT else []


def _open_manifest(directory: Path) -> dict[str, Any]:
    try:
        manifest = json.loads(_read(directory, MANIFEST))
    except ValueError as error:
        raise UserError(f"{directory / MANIFEST}: expected JSON: {error}") from error
    if not isinstance(manifest, dict) or manifest.get("format") not in _FORMATS:
        raise UserError(f"{directory / MANIFEST}: expected a manifest with the format {', '.join(_FORMATS)}")
    if not isinstance(manifest.get("files"), dict):
        raise UserError(f"{directory / MANIFEST}: expected the hashes of the files under the key files")
    return manifest


def _read(directory: Path, name: str) -> bytes:
    try:
        return (directory / name).read_bytes()
    except OSError as error:
        raise UserError(f"expected a bundle at {directory}: cannot read {name}: {error.strerror}") from error


def _write_durably(path: Path, content: bytes) -> None:
    with path.open("xb") as file:
        file.write(content)
        file.flush()
        os.fsync(file.fileno())


def _swap(fresh: Path, target: Path) -> None:
    if not target.exists():
        fresh.rename(target)
        return
    # A folder cannot be renamed over a full one, so the old one steps aside for a moment.
    old = fresh.with_suffix(".old")
    target.rename(old)
    try:
        fresh.rename(target)
    except BaseException:
        old.rename(target)
        raise
    shutil.rmtree(old)
