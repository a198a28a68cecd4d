"""What commands on any table share: the input schema that they are given, and the rows of the table read by it.

A schema is TOML as `describe` writes it, or the JSON of a bundle.
"""

from __future__ import annotations

import tomllib
from argparse import ArgumentParser, Namespace
from collections.abc import Sequence
from pathlib import Path
from typing import TYPE_CHECKING

from ..data.installs import Installs
from ..data.parts import bad_rows_file
from ..data.table import NEGATIVES, REFUSE, SKIP, Reading, read_table
from ..errors import UserError
from ..inputs.field import Field
from ..inputs.schema import NINE_FIELDS, InputSchema, parse_input_schema, read_input_schema
from ..progress import Progress, bar
from .options import warn

# LightGBM takes a second to import, which commands that train nothing should not wait for.
if TYPE_CHECKING:
    from ..features.recipe import Recipe
    from ..model.parameters import Parameters
    from ..model.training_rows import TrainingRows


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


def schema_at(path: str | None) -> InputSchema | None:
    return None if path is None else read_schema(Path(path))


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


def recipe_of(
    rows: TrainingRows, parameters: Parameters, given: frozenset[str] = frozenset(), progress: Progress = bar
) -> tuple[Recipe, Parameters]:
    """The recipe of the rows' schema with its parameters; that of a described table is chosen and printed."""
    from ..example.fit import ExampleRecipe
    from ..model.choice import choose_recipe

    if rows.inputs is NINE_FIELDS:
        return ExampleRecipe(), parameters
    choice = choose_recipe(rows.inputs, rows.frame, rows.revenue, rows.flagged, parameters, given, progress)
    print(choice)
    return choice.recipe, choice.parameters


def calibration_of(inputs: InputSchema) -> str:
    """Only the bundle of a described table has a place for pairs."""
    from ..model.held_out import LEVEL, PAIRS

    return LEVEL if inputs is NINE_FIELDS else PAIRS


def read_installs_of(options: Namespace, schema: InputSchema | None, extra: Sequence[Field] = ()) -> Installs:
    reading = Reading(options.bad_rows, bad_rows_file(options.data), options.negative_target)
    return read_table(options.data, schema or NINE_FIELDS, warn, reading, extra=extra)
