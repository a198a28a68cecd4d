"""The options of honest time, the rows that are mature by them, and what is said of error and bias over time."""

from __future__ import annotations

import math
from argparse import ArgumentParser, ArgumentTypeError, Namespace
from typing import Any

from ..data.installs import Installs
from ..data.timeline import Timeline, extra_fields, mature, time_field
from ..errors import UserError
from ..evaluation.metrics import format_metric
from ..inputs.schema import NINE_FIELDS, InputSchema
from ..inputs.times import time_from_text
from .options import filled, warn
from .schema import read_installs_of


def add_time(command: ArgumentParser) -> None:
    command.add_argument(
        "--time-column",
        type=filled,
        metavar="C",
        help="the column of the install time, or of the prediction: evaluate by rolling origin "
        "(default: the schema's field with the role install_time)",
    )
    command.add_argument(
        "--as-of",
        type=_time,
        metavar="TIME",
        help="until when the table knows revenue: rows whose horizon had not passed are left out (default: its newest time)",
    )


def read_mature(options: Namespace, schema: InputSchema | None) -> tuple[Installs, Timeline | None]:
    """The installs, and where they have a time only those whose horizon has passed. @raises UserError"""
    inputs = schema or NINE_FIELDS
    time = time_field(inputs, options.time_column)
    if time is None and options.as_of is not None:
        raise UserError("--as-of: expected --time-column, or a field with the role install_time in the schema")
    installs = read_installs_of(options, schema, extra_fields(inputs, time))
    if time is None:
        return installs, None
    try:
        installs, timeline = mature(installs, time, options.as_of)
    except UserError as error:
        raise UserError(f"{options.data}: {error}") from error
    immature, unknown = timeline.left_out["immature"], timeline.left_out["withoutTime"]
    if immature or unknown:
        about = timeline.document()
        warn(
            f"{options.data}: left out {immature} rows whose horizon of {about['horizonDays']:g} days had not passed at "
            f"{about['asOf']}" + (f", and {unknown} rows without {time.column}" if unknown else "")
        )
    return installs, timeline


def say_time(document: dict[str, Any]) -> None:
    """`document`: the key `time` of an evaluation."""
    rolling = document["rolling"]
    if rolling is None:
        warn(
            f"column {document['column']}: expected mature installs over a longer time, with revenue in all of it, "
            "to evaluate by rolling origin; the evaluation is of random folds, which do not see what changes with time"
        )
        return
    print("\nholdout is by rolling origin; each origin knows what had matured, and is tested on what follows:")
    print(f"{'origin':<12}{'learned':>10}{'tested':>10}{'mae':>12}{'biasRatio':>12}")
    for each in rolling["origins"]:
        metrics = each["metrics"]
        cells = f"{format_metric(metrics['mae']):>12}{format_metric(metrics['biasRatio']):>12}"
        print(f"{each['origin'][:10]:<12}{each['learnedRows']:>10}{metrics['rows']:>10}{cells}")
    difference = ", ".join(f"{name} {value:+.4g}" for name, value in rolling["difference"].items())
    print(f"rolling origin less random folds: {difference}\n")


def _time(text: str) -> float:
    time = time_from_text(text, "iso")
    if math.isnan(time):
        raise ArgumentTypeError(f"expected a time in ISO 8601 or as epoch, got {text!r}")
    return time
