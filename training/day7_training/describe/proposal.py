"""Facts of all columns -> the proposed schema: fields with roles, the id, the install time, and what is left out and why."""

from __future__ import annotations

import re
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np

from ..data.csv_columns import EncodedColumn
from ..errors import UserError
from ..inputs.field import DEFAULT_MAX_LENGTH
from .column import BOOLEAN, NUMBER, TEXT, TIME, ColumnFacts, look_at
from .leaks import find_leaks

MOST_FACETS = 8
_MOST_FACET_TEXTS = 500
_LEAST_ROWS_PER_TEXT = 3
_MANY_TEXTS = 500
_MAX_MAX_LENGTH = 10_000

_COUNTRY = re.compile(r"country|(?:^|[ _])geo(?:$|[ _])|territor|(?:^|[ _])market(?:$|[ _])", re.IGNORECASE)
# From the most to the least wanted.
_FACETS = (
    re.compile(r"media.?source|^source$|network|utm.?source|acquisition|attribut|partner", re.IGNORECASE),
    _COUNTRY,
    re.compile(r"platform|^os$|os.?name|operating|store(?!.*visit)", re.IGNORECASE),
    re.compile(r"channel|utm.?medium", re.IGNORECASE),
    re.compile(r"campaign(?!.*id)", re.IGNORECASE),
    re.compile(r"language|locale", re.IGNORECASE),
    re.compile(r"adset|ad.?group|creative|utm.?content", re.IGNORECASE),
)
_USER_ID = re.compile(
    r"user|player|install|appsflyer|adjust|customer|account|device.?id|client|uuid|guid", re.IGNORECASE
)
_INSTALL_TIME = re.compile(r"install|first.?open|sign.?up|regist|cohort|created", re.IGNORECASE)
_PERSONAL = re.compile(
    r"e.?mail|phone|(?:^|[ _])ip(?:$|[ _])|address|idfa|gaid|advertising.?id|(?:^|[ _])name$", re.IGNORECASE
)
_VERSION = re.compile(r"version|(?:^|[ _])ver(?:$|[ _])", re.IGNORECASE)
_NO_COUNT = re.compile(
    r"(?:^|[ _])id(?:$|[ _])|id$|code|year|zip|postal|width|height|(?:^|[ _])age(?:$|[ _])", re.IGNORECASE
)
_CONTROL = re.compile("[\u0000-\u001f\u007f-\u009f\ud800-\udfff]")
_DECIMAL_COMMA = re.compile(r"[+-]?[0-9]+,[0-9]+")
_MONEY = re.compile(r"[$€£¥₹₽]|[0-9] ?(?:usd|eur|gbp)", re.IGNORECASE)


@dataclass(frozen=True)
class ProposedField:
    """`document` is the field of the schema; `about` tells of the column in words."""

    facts: ColumnFacts
    document: dict[str, Any]
    about: str


@dataclass(frozen=True)
class Proposal:
    """`left_out`: fields that are not proposed, each with its reason; `leaks` among them are only known too late."""

    fields: list[ProposedField]
    left_out: list[tuple[ProposedField, str]]
    leaks: dict[str, str]
    user_id: ColumnFacts | None
    target: ColumnFacts
    horizon_days: float
    rows: int
    notes: list[str]


def propose(columns: Mapping[str, EncodedColumn], target_column: str, horizon_days: float) -> Proposal:
    """@raises UserError: there is no such target, it is no number, or nothing is left to learn from"""
    if target_column not in columns:
        raise UserError(f"--target: expected one of the columns {', '.join(columns)}, got {target_column}")
    facts = {name: look_at(name, column) for name, column in columns.items()}
    target = facts.pop(target_column)
    if target.kind not in (NUMBER, BOOLEAN) or target.unique_values is None or not target.known:
        shown = ", ".join(map(repr, target.usual(3)))
        commas = any(map(_DECIMAL_COMMA.fullmatch, target.usual(20)))
        hint = "; write decimal commas as points" if commas else ""
        raise UserError(
            f"--target {target_column}: expected numbers, got {target.kind} such as {shown or 'nothing'}{hint}"
        )
    user_id = _user_id(list(facts.values()))
    leaks = find_leaks([each for each in facts.values() if each is not user_id], target, horizon_days)
    names: set[str] = {"user_id", target_column}
    fields: list[ProposedField] = []
    left_out: list[tuple[ProposedField, str]] = []
    for each in facts.values():
        if each is user_id:
            continue
        field = ProposedField(each, _document(each, names), _about(each))
        reason = leaks.get(each.name) or _useless(each)
        if reason:
            left_out.append((field, reason))
        else:
            fields.append(field)
    if not fields:
        reasons = "; ".join(f"{field.facts.name}: {reason}" for field, reason in left_out) or "there are no others"
        raise UserError(f"expected columns to learn from beside {target_column}, got none: {reasons}")
    _give_roles(fields)
    return Proposal(fields, left_out, leaks, user_id, target, horizon_days, target.rows, _notes(target, fields))


def _user_id(columns: Sequence[ColumnFacts]) -> ColumnFacts | None:
    """A column with another value in each row, and a name of an id if there are several."""
    for each in columns:
        if each.name.strip().lower() == "user_id":
            return each
    unique = [each for each in columns if each.kind in (TEXT, NUMBER) and each.distinct == each.rows > 1]
    unique = [each for each in unique if each.kind == TEXT or each.is_whole]
    named = [each for each in unique if _USER_ID.search(each.name) and re.search("id|user|player", each.name.lower())]
    with_id = [each for each in unique if re.search(r"id(?:$|[^a-z])", each.name.lower())]
    return next(iter([*named, *with_id]), None)


def _useless(each: ColumnFacts) -> str | None:
    if not each.known:
        return "there is nothing in it"
    if each.distinct == 1 and each.nulls == 0:
        return f"it is {each.uniques[0]!r} in every row"
    if each.distinct == 1 and each.kind == TEXT and each.known < 0.001 * each.rows:
        return "it is nearly always empty"
    name = each.name
    if name == "__proto__" or _CONTROL.search(name) or not name.strip() or len(name) > 128:
        return "a field cannot have this name; rename the column to use it"
    if each.kind == TEXT:
        return _useless_text(each)
    if each.kind == NUMBER and each.is_whole and each.distinct == each.known > 50 and _NO_COUNT.search(name):
        return "an identifier: each row has another"
    return None


def _useless_text(each: ColumnFacts) -> str | None:
    shown = each.uniques[:200]
    if each.distinct > 20 and sum(map(bool, map(_DECIMAL_COMMA.fullmatch, shown))) > 0.5 * len(shown):
        return f"numbers with a decimal comma, such as {shown[0]!r}: write them with a point to use them"
    if each.distinct > 20 and sum(map(bool, map(_MONEY.search, shown))) > 0.9 * len(shown):
        return f"amounts with a currency, such as {shown[0]!r}: write plain numbers to use them"
    many = each.distinct > _MANY_TEXTS or each.distinct == each.known > 20
    if many and each.distinct * _LEAST_ROWS_PER_TEXT > each.known:
        return f"an identifier: {each.distinct} values in {each.known} rows"
    if max(map(len, shown)) > _MAX_MAX_LENGTH:
        return "texts that are too long"
    return None


def _document(each: ColumnFacts, names: set[str]) -> dict[str, Any]:
    name = _name(each.name, names)
    document: dict[str, Any] = {"name": name}
    if name != each.name:
        document["column"] = each.name
    document["kind"] = each.kind
    document["nullable"] = each.nulls > 0
    if each.kind == NUMBER and each.least >= 0:
        document["minimum"] = 0
    if each.kind == TEXT and each.distinct:
        longest = max(map(len, each.uniques))
        if longest > DEFAULT_MAX_LENGTH:
            document["maxLength"] = min(_MAX_MAX_LENGTH, 2 * longest)
    if each.kind == TIME and each.time_format != "iso":
        document["format"] = each.time_format
    if each.trim:
        document["trim"] = True
    if each.markers:
        document["missing"] = list(each.markers)
    document["roles"] = []
    if each.distinct:
        document["example"] = _example(each)
    return document


def _name(column: str, names: set[str]) -> str:
    name = _CONTROL.sub(" ", column).strip()[:120] or "field"
    if name == "__proto__":
        name = "proto"
    free, number = name, 2
    while free in names:
        free, number = f"{name} {number}", number + 1
    names.add(free)
    return free


def _example(each: ColumnFacts) -> Any:
    text = each.usual(1)[0]
    if each.kind == NUMBER:
        value = float(text)
        return int(value) if value.is_integer() and abs(value) < 2**53 else value
    if each.kind == BOOLEAN:
        return text.lower() in ("true", "t", "yes", "y", "1")
    return text


def _about(each: ColumnFacts) -> str:
    parts = []
    if each.kind == TEXT:
        shown = ", ".join(map(_short, each.usual(3)))
        parts.append(
            f"{each.distinct} text{'s' if each.distinct != 1 else ''}, most often {shown}" if shown else "empty"
        )
    elif each.kind == NUMBER:
        whole = "whole numbers" if each.is_whole else "numbers"
        zeros = float(each.counts[[float(text) == 0 for text in each.uniques]].sum()) / each.rows
        parts.append(
            f"{whole} from {each.least:g} to {each.most:g}" + (f", {zeros:.0%} zeros" if zeros >= 0.005 else "")
        )
    elif each.kind == BOOLEAN:
        parts.append("written " + ", ".join(map(_short, each.usual(4))))
    else:
        parts.append(f"times, such as {_short(each.uniques[0])}" if each.distinct else "times")
    if each.nulls:
        markers = f" (empty or {', '.join(map(_short, each.markers))})" if each.markers else ""
        parts.append(f"missing in {each.nulls} of {each.rows} rows{markers}")
    if each.trim:
        parts.append("blanks around values are dropped")
    if each.ambiguous:
        parts.append("EVERY date can be read with the day or the month first: check the format")
    return "; ".join(parts)


def _short(text: str) -> str:
    shown = text if len(text) <= 30 else text[:27] + "…"
    return shown if shown.isprintable() else ascii(shown)


def _give_roles(fields: list[ProposedField]) -> None:
    for field in fields:
        each, roles = field.facts, field.document["roles"]
        if _PERSONAL.search(each.name) and not _COUNTRY.search(each.name):
            roles.append("personal")
        if each.kind == TEXT and _VERSION.search(each.name):
            roles.append("version")
        if each.kind == NUMBER and each.least >= 0 and not _NO_COUNT.search(each.name):
            roles.append("event" if each.is_whole else "amount")
    facets = _facets(fields)
    for field in facets:
        field.document["roles"].insert(0, "facet")
    group = next((f for f in facets if _COUNTRY.search(f.facts.name)), None) or next(iter(facets), None)
    if group is not None and group.facts.kind == TEXT:
        group.document["roles"].insert(1, "group")
    times = [field for field in fields if field.facts.kind == TIME]
    install = next((f for f in times if _INSTALL_TIME.search(f.facts.name)), times[0] if len(times) == 1 else None)
    if install is not None:
        install.document["roles"].append("install_time")


def _facets(fields: list[ProposedField]) -> list[ProposedField]:
    few = [f for f in fields if f.facts.kind == TEXT and f.facts.distinct <= _MOST_FACET_TEXTS]
    few = [f for f in few if not {"version", "personal"} & set(f.document["roles"])]
    chosen: list[ProposedField] = []
    for pattern in _FACETS:
        chosen += [field for field in few if pattern.search(field.facts.name) and field not in chosen]
    if not chosen:  # no name is known: then those by which figures are easiest to read
        chosen = sorted((f for f in few if f.facts.distinct >= 2), key=lambda f: f.facts.distinct)[:3]
    return chosen[:MOST_FACETS]


def _notes(target: ColumnFacts, fields: list[ProposedField]) -> list[str]:
    values = target.values
    known = values[~np.isnan(values)]
    notes = [
        f"{np.mean(known == 0):.0%} of its values are 0; the mean is {np.mean(known):g}, the largest {np.max(known):g}"
    ]
    if negative := int(np.count_nonzero(known < 0)):
        notes.append(
            f"{negative} values are below 0 ({np.sum(known[known < 0]):g} in all), such as refunds: "
            "train with --negative-target clip or drop"
        )
    if target.nulls:
        notes.append(f"{target.nulls} rows have no target: train with --bad-rows skip, or leave them out of the file")
    return notes
