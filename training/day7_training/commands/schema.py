"""What commands on any table share: the input schema that they are given, and the rows of the table read by it.

A schema is TOML as `describe` writes it, or the JSON of a bundle.
"""

from __future__ import annotations

import tomllib
from argparse import ArgumentParser, Namespace
from pathlib import Path

from ..data.installs import Installs
from ..data.parts import bad_rows_file
from ..data.table import NEGATIVES, REFUSE, SKIP, Reading, read_table
from ..errors import UserError
from ..inputs.schema import NINE_FIELDS, InputSchema, parse_input_schema, read_input_schema
from .options import warn


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


def add_schema(command: ArgumentParser) -> None:
    command.add_argument(
        "--schema", type=Path, metavar="FILE", help="the input schema, as describe writes it (default: the nine fields)"
    )
    command.add_argument(
        "--negative-target",
        choices=NEGATIVES,
        default=REFUSE,
        help="targets below 0, such as refunds: set them to 0, leave their rows out, or refuse them (%(default)s)",
    )
    command.add_argument(
        "--bad-rows",
        choices=(REFUSE, SKIP),
        default=REFUSE,
        help="rows that the schema does not allow: all of this run are named in DATA.bad-rows.ndjson (%(default)s)",
    )


def read_installs_of(options: Namespace, schema: InputSchema | None) -> Installs:
    reading = Reading(options.bad_rows, bad_rows_file(options.data), options.negative_target)
    return read_table(options.data, schema or NINE_FIELDS, warn, reading)
