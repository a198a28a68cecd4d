"""A proposed schema -> a TOML file with a comment for each field, to be read and edited by a person."""

from __future__ import annotations

import json
from typing import Any

from ..inputs.schema import INPUTS_FORMAT
from .proposal import Proposal, ProposedField

_HEAD = """\
# The input schema of a model: the fields that it takes, and its target. Proposed by `describe`; edit it before training.
#
# kind      text, number, boolean or time
# nullable  whether the value may be missing; missing: texts that stand for null; trim: blanks around values are dropped
# minimum, maximum  of numbers; maxLength of texts; format of times: iso, day_first or month_first
# roles     facet         figures are broken down by it (8 at most)
#           group         the text by which rates of events are estimated (1 at most)
#           event, amount counts and amounts that may be multiplied by such rates
#           version       a version such as 14.4.1
#           install_time  when the game was installed (1 at most)
#           personal      left out of the log unless asked for
# A field that will not be known when a prediction is asked for must not be here.
"""


def toml_of(proposal: Proposal, data_name: str) -> str:
    lines = [_HEAD, f"# {len(proposal.fields)} fields, from {proposal.rows} rows of {_inline(data_name)}."]
    lines += [f"format = {_value(INPUTS_FORMAT)}", ""]
    if proposal.user_id is not None:
        lines += ["[userId]", f"column = {_value(proposal.user_id.name)}", ""]
    lines += ["[target]", *(f"# {_inline(note)}." for note in proposal.notes)]
    lines += [f"name = {_value(_target_name(proposal))}", f"column = {_value(proposal.target.name)}"]
    lines += [f"horizonDays = {_number(proposal.horizon_days)}", ""]
    for field in proposal.fields:
        lines += [*_field(field), ""]
    if proposal.left_out:
        lines += ["# Left out, each with its reason. To use one all the same, take the # away.", ""]
    for field, reason in proposal.left_out:
        mark = "LEAK: " if field.facts.name in proposal.leaks else ""
        lines += [f"# {mark}{_inline(field.facts.name)}: {_inline(reason)}."]
        lines += [f"# {line}" for line in _field(field)] + [""]
    return "\n".join(lines)


def _target_name(proposal: Proposal) -> str:
    name = "".join(character if character.isprintable() else " " for character in proposal.target.name).strip()[:120]
    return "target" if name in ("", "user_id", "__proto__") else name


def _field(field: ProposedField) -> list[str]:
    settings = [f"{key} = {_value(value)}" for key, value in field.document.items() if key != "roles" or value]
    return ["[[fields]]", f"# {_inline(field.about)}.", *settings]


def _value(value: Any) -> str:
    if isinstance(value, list):
        return f"[{', '.join(map(_value, value))}]"
    if isinstance(value, bool):
        return "true" if value else "false"
    if isinstance(value, (int, float)):
        return _number(value)
    # A basic string of TOML has the escapes of JSON, and DEL must be escaped, too.
    return json.dumps(value, ensure_ascii=False).replace("\x7f", "\\u007f")


def _number(value: float) -> str:
    return str(int(value)) if float(value).is_integer() and abs(value) < 2**53 else repr(float(value))


def _inline(text: str) -> str:
    """What a comment may hold: no line breaks and no control characters."""
    return "".join(character if character.isprintable() else ascii(character)[1:-1] for character in text)
