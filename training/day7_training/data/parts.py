"""What `--data` names -> the files that it stands for: one file, a folder, a glob, or `-` for the standard input.

Folders and globs are read as Spark, BigQuery and DuckDB write them: in the order of names, without files and folders
that begin with `_` or `.`; a folder such as `country=es` is a column. The service does the same (src/scoring/parts.ts).
"""

from __future__ import annotations

import glob
import re
from collections.abc import Mapping
from dataclasses import dataclass, field
from pathlib import Path
from urllib.parse import unquote_to_bytes

from ..errors import UserError

STDIN = Path("-")
_WILDCARD = re.compile(r"[*?[]")
_PARTITION = re.compile(r"([^=]+)=(.*)", re.DOTALL)
_NO_ESCAPE = re.compile("%(?![0-9A-Fa-f]{2})")
# What Hive and Spark write for null.
_NULL_PARTITION = "__HIVE_DEFAULT_PARTITION__"


@dataclass(frozen=True)
class Part:
    """`partitions` are the columns that the path tells, as cells."""

    path: Path
    partitions: Mapping[str, str] = field(default_factory=dict)


def find_parts(path: Path) -> list[Part]:
    """@raises UserError: nothing is there, or the files differ in their partitions"""
    if path == STDIN or path.is_file():
        return [Part(path)]
    if path.is_dir():
        parts = _below(path, path)
        if not parts:
            raise UserError(f"expected part files in the folder {path}, found none")
    elif is_glob(path):
        # Partitions are told by the whole path: part of a glob may be typed out.
        root, fixed = Path(path.anchor), _fixed_part(path)
        every: dict[Path, Part] = {}
        for one in map(Path, glob.glob(str(path), recursive=True)):
            if not any(map(_is_passed_over, one.relative_to(fixed).parts)):
                inside = _below(one, root) if one.is_dir() else [_part(one, root)]
                every.update((each.path, each) for each in inside)
        parts = [every[each] for each in sorted(every, key=str)]
        if not parts:
            raise UserError(f"expected files that match {path}, found none")
    elif path.exists():  # a pipe, such as a shell's <(…)
        return [Part(path)]
    else:
        raise UserError(f"expected a table, found nothing at {path}")
    _expect_same_partitions(parts)
    return parts


def is_glob(path: Path) -> bool:
    return _WILDCARD.search(str(path)) is not None and not path.exists()


def bad_rows_file(path: Path) -> Path:
    """Where the bad rows of a table are named: beside it, and never a part of it."""
    if path == STDIN:
        return Path("stdin.bad-rows.ndjson")
    if not is_glob(path):
        whole = path if path.name else path.resolve()
        return whole.with_name(whole.name + ".bad-rows.ndjson")
    return _fixed_part(path) / "_bad-rows.ndjson"


def _fixed_part(pattern: Path) -> Path:
    """The folder that the wildcards are in."""
    fixed = Path(pattern.anchor)
    for component in pattern.relative_to(fixed).parts:
        if _WILDCARD.search(component):
            break
        fixed /= component
    return fixed


def _below(folder: Path, root: Path) -> list[Part]:
    try:
        inside = sorted(each for each in folder.iterdir() if not _is_passed_over(each.name))
    except OSError as error:
        raise UserError(f"expected a folder that can be read at {folder}: {error.strerror}") from error
    parts = [part for each in inside for part in (_below(each, root) if each.is_dir() else [_part(each, root)])]
    return sorted(parts, key=lambda part: str(part.path))


def _is_passed_over(name: str) -> bool:
    return name.startswith(".") or (name.startswith("_") and "=" not in name)


def _part(path: Path, root: Path) -> Part:
    components = path.parent.relative_to(root).parts
    pairs = [match.groups() for each in components if (match := _PARTITION.fullmatch(each))]
    partitions = {_unescape(key): "" if value == _NULL_PARTITION else _unescape(value) for key, value in pairs}
    if len(partitions) < len(pairs):
        raise UserError(f"{path}: expected every column once, got one of its path twice")
    return Part(path, partitions)


def _unescape(text: str) -> str:
    if _NO_ESCAPE.search(text):
        return text
    try:
        return unquote_to_bytes(text).decode()
    except UnicodeDecodeError:
        return text


def _expect_same_partitions(parts: list[Part]) -> None:
    first = parts[0]
    for part in parts:
        if list(part.partitions) != list(first.partitions):
            expected, actual = (", ".join(each.partitions) or "none" for each in (first, part))
            raise UserError(f"{part.path}: expected the partitions {expected} as of {first.path}, got {actual}")
