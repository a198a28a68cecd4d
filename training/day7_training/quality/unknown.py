"""Values of a table that a model does not know: texts that no lookup of its feature plan has, numbers and times outside of its training rows.

A model knows the texts of its training rows, as the plan folds them; of fields that are not looked up,
such as versions, it is not known which. The rules are those of the service (src/features/unknown-values.ts).
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping

import numpy as np
import pandas as pd

from ..features.operators import FOLDS
from ..features.plan import Plan
from ..inputs.field import Field
from ..inputs.javascript import show_number
from ..inputs.kinds import value_to_json
from ..inputs.schema import InputSchema
from .finding import Finding, counted, shortened

# Of the rows: more than chance and a rare newcomer.
MANY_UNKNOWN = 0.05
_KEPT_EXAMPLES = 10


def unknown_texts(frame: pd.DataFrame, plan: Plan) -> Iterator[Finding]:
    """A finding for each field that has some, the most frequent texts as examples."""
    for field in plan.inputs.fields:
        lookup = _lookup_of(plan, field.name)
        if lookup is None or field.name not in frame:
            continue
        fold, known = FOLDS[lookup["fold"]], lookup["values"]
        sizes = frame[field.name].value_counts()
        unseen = [text for text in sizes.index if text != "" and fold(text) not in known]
        if count := int(sizes[unseen].sum()):
            share = count / len(frame)
            message = (
                f"{field.name}: {counted(count, len(frame))} have a text that the training of the bundle never saw"
            )
            examples = tuple(f'"{shortened(text)}"' for text in unseen[:_KEPT_EXAMPLES])
            severity = "warning" if share >= MANY_UNKNOWN else "note"
            yield Finding("unseen", severity, field.name, count, share, message, examples)


def values_outside(
    frame: pd.DataFrame, inputs: InputSchema, ranges: Mapping[str, Mapping[str, float]]
) -> Iterator[Finding]:
    """A finding for each number below the least or above the greatest of the training rows, and each time before the earliest.

    A time after the latest is no finding: so are all players who come after the training.
    """
    for field in inputs.fields:
        if field.kind not in ("number", "time") or field.name not in ranges or field.name not in frame:
            continue
        least, greatest = ranges[field.name]["minimum"], ranges[field.name]["maximum"]
        values = frame[field.name].to_numpy(dtype=np.float64)
        outside = values < least
        if field.kind == "number":
            outside |= values > greatest
        if count := int(outside.sum()):
            share = count / len(frame)
            known = _shown(field, least) + (
                f" to {_shown(field, greatest)}" if field.kind == "number" else " and later"
            )
            message = f"{field.name}: {counted(count, len(frame))} have a value outside of what the training of the bundle saw, {known}"
            examples = tuple(
                _shown(field, each) for each in pd.Series(values[outside]).value_counts().index[:_KEPT_EXAMPLES]
            )
            severity = "warning" if share >= MANY_UNKNOWN else "note"
            yield Finding("outside", severity, field.name, count, share, message, examples)


def _shown(field: Field, value: float) -> str:
    shown = value_to_json(field, value)
    return shown if isinstance(shown, str) else show_number(value)


def _lookup_of(plan: Plan, field: str) -> dict | None:
    """The one of frequencies, which has all the texts, before others."""
    lookups = [each for each in plan.document["columns"] if each["op"] == "lookup" and each["field"] == field]
    lookups.sort(key=lambda each: each["encoding"] != "frequency")
    return lookups[0] if lookups else None
