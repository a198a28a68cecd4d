"""Texts of a table that a model does not know: those that no lookup of its feature plan has.

A model knows the texts of its training rows, as the plan folds them; of fields that are not looked up,
such as versions, it is not known which.
"""

from __future__ import annotations

from collections.abc import Iterator

import pandas as pd

from ..features.operators import FOLDS
from ..features.plan import Plan
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


def _lookup_of(plan: Plan, field: str) -> dict | None:
    """The one of frequencies, which has all the texts, before others."""
    lookups = [each for each in plan.document["columns"] if each["op"] == "lookup" and each["field"] == field]
    lookups.sort(key=lambda each: each["encoding"] != "frequency")
    return lookups[0] if lookups else None
