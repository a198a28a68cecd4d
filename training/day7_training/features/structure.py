"""Input schema and rows -> the columns of a feature plan before any has values: the recipe for any table.

Kinds and roles decide: texts become frequencies, categories where they are few, and out-of-fold means of the target;
numbers stay, events get shares and logarithms, times are taken apart, versions, too. What is the same in every row is
left out. The offset is what an install is expected to bring: either the chance to pay times what a payer brings, both
products of factors of the fields, or the rates of events in a group times factors.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, field
from typing import Any, NamedTuple

import numpy as np
import pandas as pd

from ..inputs.field import Field
from ..inputs.schema import InputSchema
from .factors import Grouping, evidence
from .names import ColumnNames
from .operators import FOLDS
from .texts import group_by_text

Document = dict[str, Any]

FOLD = "ascii_lower"
# Texts that LightGBM splits as categories; more of them overfit.
FEW_TEXTS = 12
# With fewer rows a text, the field is an identifier, and tells a model nothing.
LEAST_ROWS_PER_TEXT = 2
# Numbers have a factor for each part of about so many.
NUMBER_PARTS = 16
# Of wide tables, the fields that say most of the target alone.
MOST_FACTOR_FIELDS = 40
MOST_EXPOSURES = 4
MOST_EVENTS = 12

NONE, FACTORS, RATES = "none", "factors", "rates"
PARTS = ("pay", "amount")


class FactorField(NamedTuple):
    """A field with factors: `argument` is the column that `edges` cut, where it is no text."""

    name: str
    slug: str
    is_text: bool
    argument: str | None
    edges: tuple[float, ...]


@dataclass
class Structure:
    """`columns` in their order, lookups and steps without values; `steps` are columns that the model does not see."""

    columns: list[Document] = field(default_factory=list)
    steps: set[str] = field(default_factory=set)
    keys: dict[str, list[str]] = field(default_factory=dict)
    groupings: dict[str, Grouping] = field(default_factory=dict)
    factor_fields: list[FactorField] = field(default_factory=list)
    encoded: list[str] = field(default_factory=list)
    slugs: dict[str, str] = field(default_factory=dict)
    positives: dict[str, str] = field(default_factory=dict)
    names: ColumnNames = field(default_factory=ColumnNames)

    def add(self, name: str, op: str, *, step: bool = False, **keys: Any) -> str:
        self.columns.append({"name": name, "op": op, **keys})
        if step:
            self.steps.add(name)
        return name


def describe_columns(schema: InputSchema, frame: pd.DataFrame, target: np.ndarray) -> Structure:
    """The features, and the fields that factors can be fitted for. `frame` has categories for texts."""
    made = Structure()
    install_time = next(iter(schema.with_role("install_time")), None)
    for each in schema.fields:
        made.slugs[each.name] = made.names.new(each.name)
        if each.kind == "text":
            _add_text(made, each, frame)
        elif each.kind == "time":
            _add_time(made, each, install_time, frame)
        else:
            _add_number(made, each, frame)
    _add_events(made, schema, frame)
    if not any(column["name"] not in made.steps for column in made.columns):
        first = schema.fields[0]
        made.add(made.names.new(first.name, "missing"), "is_missing", field=first.name)
    if len(made.factor_fields) > MOST_FACTOR_FIELDS:
        _keep_telling(made, target)
    return made


def exposures_of(schema: InputSchema, frame: pd.DataFrame, target: np.ndarray) -> list[Field]:
    """The events and amounts by which the target goes up most, in the order of the schema."""
    fields = [each for each in schema.fields if {"event", "amount"} & set(each.roles)]
    if len(fields) <= MOST_EXPOSURES:
        return fields
    ranks = pd.Series(target).rank().to_numpy()
    told = [abs(np.nan_to_num(_correlation(frame[each.name], ranks))) for each in fields]
    chosen = sorted(np.argsort(-np.array(told), kind="stable")[:MOST_EXPOSURES])
    return [fields[place] for place in chosen]


def _correlation(values: pd.Series, ranks: np.ndarray) -> float:
    own = values.fillna(0).rank().to_numpy()
    return 0.0 if np.all(own == own[0]) else float(np.corrcoef(own, ranks)[0, 1])


def _add_text(made: Structure, each: Field, frame: pd.DataFrame) -> None:
    number, keys = group_by_text(frame[each.name], FOLDS[FOLD])
    missing = bool(np.any(number == 0))
    slug = made.slugs[each.name]
    if missing and keys:
        made.add(made.names.new(slug, "missing"), "is_missing", field=each.name)
    if "version" in each.roles and keys:
        for part, title in enumerate(("major", "minor", "patch")):
            made.add(
                made.names.new(slug, title), "version_part", field=each.name, part=part, absent=0 if part else None
            )
    if len(keys) + missing < 2 or len(keys) * LEAST_ROWS_PER_TEXT > len(frame):
        return
    made.keys[each.name], made.groupings[each.name] = keys, Grouping(number, len(keys) + 1)
    lookup = {"op": "lookup", "field": each.name, "fold": FOLD}
    if len(keys) <= FEW_TEXTS:
        made.add(made.names.new(slug, "code"), **lookup, encoding="code")
    if len(keys) > 2:
        made.add(made.names.new(slug, "frequency"), **lookup, encoding="frequency")
        made.add(made.names.new(slug, "target_mean"), **lookup, encoding="target_mean")
        made.add(made.names.new(slug, "payer_share"), **lookup, encoding="payer_share")
        made.encoded.append(each.name)
    made.factor_fields.append(FactorField(each.name, slug, True, None, ()))


def _add_number(made: Structure, each: Field, frame: pd.DataFrame) -> None:
    values = frame[each.name].to_numpy()
    missing = np.isnan(values)
    slug = made.slugs[each.name]
    if np.any(missing) and not np.all(missing):
        made.add(made.names.new(slug, "missing"), "is_missing", field=each.name)
    if _is_constant(values[~missing]) and not (np.any(missing) and not np.all(missing)):
        return
    column = made.add(slug, "number", field=each.name)
    _add_factor_field(made, each.name, slug, column, values)


def _add_time(made: Structure, each: Field, install_time: Field | None, frame: pd.DataFrame) -> None:
    values = frame[each.name].to_numpy()
    slug = made.slugs[each.name]
    missing = np.isnan(values)
    if np.any(missing):
        made.add(made.names.new(slug, "missing"), "is_missing", field=each.name)
    if np.all(missing):
        return
    for part in ("hour", "weekday"):
        made.add(made.names.new(slug, part), "time_part", field=each.name, part=part)
    if install_time is not None and install_time.name != each.name:
        own = made.add(made.names.new(slug, "ms"), "number", step=True, field=each.name)
        other = made.add(made.names.new(slug, "install", "ms"), "number", step=True, field=install_time.name)
        name = made.names.new(slug, "after", "install")
        made.add(name, "difference", minuend=own, subtrahend=other)


def _add_events(made: Structure, schema: InputSchema, frame: pd.DataFrame) -> None:
    events = [each for each in schema.with_role("event") if _is_column(made, each)][:MOST_EVENTS]
    counts = [each for each in (*events, *schema.with_role("amount")[:MOST_EVENTS]) if _is_column(made, each)]
    for each in counts:
        argument = positive(made, each)
        made.add(made.names.new("log", made.slugs[each.name]), "log", argument=argument, plus=1)
    if len(events) < 2:
        return
    total = made.add(made.names.new("total", "events"), "sum", of=[positive(made, each) for each in events])
    for each in events:
        name = made.names.new(made.slugs[each.name], "ratio")
        made.add(name, "ratio", numerator=positive(made, each), denominator=total, plus=1)


def positive(made: Structure, each: Field) -> str:
    """The column of a count or amount, without what is below 0, where such may come: it has no logarithm."""
    slug = made.slugs[each.name]
    if each.minimum >= 0:
        return slug
    if slug not in made.positives:
        name = made.names.new(slug, "positive")
        made.positives[slug] = made.add(name, "clip", step=True, argument=slug, minimum=0, maximum=None)
    return made.positives[slug]


def _is_column(made: Structure, each: Field) -> bool:
    return any(column["name"] == made.slugs[each.name] for column in made.columns)


def _add_factor_field(made: Structure, name: str, slug: str, column: str, values: np.ndarray) -> None:
    present = values[~np.isnan(values)]
    shares = np.arange(1, NUMBER_PARTS) / NUMBER_PARTS
    # Edges are values that occur; the largest has nothing above it.
    edges = np.unique(np.quantile(present, shares, method="inverted_cdf")) if len(present) else np.empty(0)
    # Values that are rare beside one that fills most rows are apart from it, too.
    edges = np.unique([*edges, np.min(present)]) if len(present) else edges
    edges = edges[edges < np.max(present)] if len(present) else edges
    number = np.searchsorted(edges, values, side="left") + 1
    number[np.isnan(values)] = 0
    made.groupings[name] = Grouping(number, len(edges) + 2)
    made.factor_fields.append(FactorField(name, slug, False, column, tuple(edges.tolist())))


def _keep_telling(made: Structure, target: np.ndarray) -> None:
    pays = (target > 0).astype(np.float64)
    told = [evidence(made.groupings[each.name], pays, counts=True) for each in made.factor_fields]
    kept = set(np.argsort(-np.array(told), kind="stable")[:MOST_FACTOR_FIELDS].tolist())
    made.factor_fields = [each for place, each in enumerate(made.factor_fields) if place in kept]
    names = {each.name for each in made.factor_fields}
    unwanted = [name for name in made.encoded if name not in names]
    made.encoded = [name for name in made.encoded if name in names]
    made.columns = [
        column
        for column in made.columns
        if not (column.get("encoding") in ("target_mean", "payer_share") and column["field"] in unwanted)
    ]


def _is_constant(values: Sequence[float] | np.ndarray) -> bool:
    return len(values) == 0 or bool(np.all(values == values[0]))
