"""Reads the input schema that a command is given: TOML as `describe` writes it, or the JSON of a bundle."""

from __future__ import annotations

import tomllib
from pathlib import Path

from ..errors import UserError
from ..inputs.schema import InputSchema, parse_input_schema, read_input_schema


def read_schema(path: Path) -> InputSchema:
    """@raises UserError"""
    if path.suffix != ".toml":
        return read_input_schema(path)
    try:
        return parse_toml(path.read_text(encoding="utf-8"), path)
    except FileNotFoundError:
        raise UserError(f"expected an input schema, found nothing at {path}") from None
    except (OSError, UnicodeDecodeError) as error:
        raise UserError(f"{path}: expected an input schema in TOML: {error}") from error


def parse_toml(text: str, path: Path) -> InputSchema:
    try:
        document = tomllib.loads(text)
    except tomllib.TOMLDecodeError as error:
        raise UserError(f"{path}: expected an input schema in TOML: {error}") from error
    try:
        return parse_input_schema(document)
    except UserError as error:
        raise UserError(f"{path}: {error}") from error
