"""Looks training installs over and turns what is odd about them into findings, the most serious first.

A finding says what, how many rows and which; nothing is mended or left out. Only what passes the
bounds below is a finding, so clean data has none. Refuses nothing: the file was validated when read.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Iterator
from dataclasses import dataclass
from itertools import islice

import numpy as np
import pandas as pd

from ..describe.column import MARKERS
from ..example.fit import SMOOTHING_ROWS
from ..features.operators import FOLDS
from ..features.texts import group_by_text
from ..inputs.schema import NINE_FIELDS, InputSchema
from ..inputs.texts import trim_ascii
from .anomalies import UnitAnomaly, find_unit_anomalies
from .finding import SEVERITIES, Finding, counted, percent, printable, shortened
from .summary import ColumnSummary, summarize_columns, top_share

MANY_NULLS = 0.2
MANY_ZEROS = 0.1
ALMOST_ALL = 0.98
MANY_TEXTS = 100
# Of the revenue, brought by one install in a hundred.
HEAVY_TAIL = 0.25
KEPT_EXAMPLES = 10

# The first word of a device family, and the one platform on which such devices run.
PLATFORM_OF_BRAND = {
    "apple": "ios",
    **dict.fromkeys(("google", "honor", "huawei", "motorola", "oneplus", "oppo"), "android"),
    **dict.fromkeys(("realme", "redmi", "samsung", "vivo", "xiaomi", "zte"), "android"),
}

_KNOWN_BY = ("country", "device_family")


@dataclass(frozen=True)
class Inspection:
    """`flagged`: whether a row is in one of the `anomalies`."""

    frame: pd.DataFrame
    columns: list[ColumnSummary]
    anomalies: list[UnitAnomaly]
    flagged: np.ndarray
    findings: list[Finding]
    inputs: InputSchema = NINE_FIELDS

    @property
    def revenue(self) -> np.ndarray:
        return self.frame[self.inputs.target.name].to_numpy()

    def of_kind(self, *kinds: str) -> list[Finding]:
        return [finding for finding in self.findings if finding.kind in kinds]


def inspect_installs(frame: pd.DataFrame, inputs: InputSchema = NINE_FIELDS) -> Inspection:
    """Expects the frame of `read_table`."""
    anomalies, flagged = find_unit_anomalies(frame, inputs)
    rows = _Rows(frame, summarize_columns(frame, inputs), anomalies, flagged, inputs)
    found = [finding for check in _CHECKS for finding in check(rows)]
    found.sort(key=lambda finding: (SEVERITIES.index(finding.severity), -finding.share))
    return Inspection(frame, rows.columns, anomalies, flagged, found, inputs)


@dataclass(frozen=True)
class _Rows:
    frame: pd.DataFrame
    columns: list[ColumnSummary]
    anomalies: list[UnitAnomaly]
    flagged: np.ndarray
    inputs: InputSchema

    @property
    def target(self) -> str:
        return self.inputs.target.name

    @property
    def revenue(self) -> np.ndarray:
        return self.frame[self.target].to_numpy()

    def of_kind(self, *kinds: str) -> list[str]:
        return [field.name for field in self.inputs.fields if field.kind in kinds]

    @property
    def known_by(self) -> tuple[str, ...]:
        """What an example of a whole row shows of it."""
        chosen = [name for name in _KNOWN_BY if name in self.frame] or self.of_kind("text")[:2]
        return (*chosen, self.target)

    def finding(
        self, kind: str, severity: str, field: str | None, rows: int, message: str, examples: Iterable[str] = ()
    ) -> Finding:
        shown = tuple(islice(examples, KEPT_EXAMPLES))
        return Finding(kind, severity, field, rows, rows / len(self.frame), message, shown)

    def counted(self, rows: int) -> str:
        return counted(rows, len(self.frame))

    def lines(self, rows: np.ndarray, *fields: str) -> Iterator[str]:
        """Each of the `rows` by its line in the file and what it has in the `fields`."""
        chosen = self.frame.loc[rows, list(fields)].head(KEPT_EXAMPLES)
        for line, *cells in chosen.itertuples():
            shown = (f"{cell:g}" if isinstance(cell, float) else shortened(cell or "null") for cell in cells)
            yield f"line {line}: {', '.join(shown)}"


def _units(rows: _Rows) -> Iterator[Finding]:
    for anomaly in rows.anomalies:
        yield rows.finding("unit_anomaly", "serious", anomaly.field, anomaly.rows, printable(str(anomaly)))


def _nulls(rows: _Rows) -> Iterator[Finding]:
    for column in rows.columns:
        if column.nulls == len(rows.frame):
            message = f"{column.name}: null in every row; it tells the model nothing"
            yield rows.finding("all_null", "warning", column.name, column.nulls, message)
        elif column.nulls:
            severity = "warning" if column.nulls >= MANY_NULLS * len(rows.frame) else "note"
            message = f"{column.name}: null in {rows.counted(column.nulls)}"
            yield rows.finding("nulls", severity, column.name, column.nulls, message)


def _constants(rows: _Rows) -> Iterator[Finding]:
    for column in rows.columns:
        # One row is always like itself.
        if column.usual_rows == len(rows.frame) > 1:
            about, severity = ("it tells the model nothing", "warning")
            if column.name == rows.target:
                about, severity = ("there is nothing to learn", "serious")
            message = f"{column.name}: {shortened(str(column.usual))} in every row; {about}"
            yield rows.finding("constant", severity, column.name, len(rows.frame), message)


def _almost_zero(rows: _Rows) -> Iterator[Finding]:
    numbers = set(rows.of_kind("number"))
    for column in rows.columns:
        known = len(rows.frame) - column.nulls
        if column.name in numbers and known > column.zeros >= ALMOST_ALL * known:
            message = f"{column.name}: almost always zero, in {rows.counted(column.zeros)}"
            yield rows.finding("almost_zero", "note", column.name, column.zeros, message)


def _repeats(rows: _Rows) -> Iterator[Finding]:
    names = [field.name for field in rows.inputs.fields]
    whole = rows.frame.duplicated([*names, rows.target]).to_numpy()
    fields = rows.frame.duplicated(names).to_numpy()
    nine = rows.inputs is NINE_FIELDS
    all_fields, some_fields = ("all nine fields", "the nine fields") if nine else ("all fields", "the fields")
    if count := int(np.count_nonzero(whole)):
        # Installs without an event are alike by chance; revenue to the last digit is not.
        paying = whole & (rows.revenue > 0)
        some = int(np.count_nonzero(paying))
        message = f"{rows.counted(count)} repeat an earlier one in {all_fields} and the revenue, "
        message += f"{some or 'none'} of them with revenue above 0"
        examples = rows.lines(paying if some else whole, *rows.known_by)
        yield rows.finding("repeated", "warning" if some else "note", None, count, message, examples)
    if count := int(np.count_nonzero(fields & ~whole)):
        message = f"{rows.counted(count)} repeat {'the nine fields' if rows.inputs is NINE_FIELDS else 'the fields'} of an earlier one with another revenue"
        examples = rows.lines(fields & ~whole, *rows.known_by)
        yield rows.finding("contradicting", "note", None, count, message, examples)


def _impossible_pairs(rows: _Rows) -> Iterator[Finding]:
    if rows.inputs is not NINE_FIELDS:
        return
    brand, brands = group_by_text(rows.frame["device_family"], FOLDS["ascii_lower_first_word"])
    platform, platforms = group_by_text(rows.frame["platform"], FOLDS["ascii_lower"])
    due = np.array(["", *(PLATFORM_OF_BRAND.get(each, "") for each in brands)])[brand]
    actual = np.array(["", *platforms])[platform]
    for expected, came in (("ios", "android"), ("android", "ios")):
        wrong = (due == expected) & (actual == came)
        if count := int(np.count_nonzero(wrong)):
            pair = "an Apple device on Android" if expected == "ios" else "a device of an Android brand on iOS"
            message = f"{rows.counted(count)} have {pair}"
            examples = rows.lines(wrong, "device_family", "platform")
            yield rows.finding("impossible_pair", "warning", "device_family", count, message, examples)


def _revenue_without_events(rows: _Rows) -> Iterator[Finding]:
    events = [field.name for field in rows.inputs.with_role("event")]
    if not events or (rows.inputs is not NINE_FIELDS and rows.inputs.with_role("amount")):
        return
    # Null is not zero: events may have happened.
    none = (rows.frame[events] == 0).all(axis=1).to_numpy()
    wrong = none & (rows.revenue > 0)
    if count := int(np.count_nonzero(wrong)):
        message = f"revenue: {rows.counted(count)} bring some with no event at all"
        yield rows.finding("no_event", "warning", rows.target, count, message, rows.lines(wrong, rows.target))


def _mixed_case(rows: _Rows) -> Iterator[Finding]:
    for field in rows.of_kind("text"):
        sizes = rows.frame[field].value_counts()
        spellings = pd.DataFrame({"text": sizes.index, "rows": sizes.to_numpy()})
        group, _ = group_by_text(spellings["text"], FOLDS["ascii_lower"])
        # The usual spelling comes first: value_counts sorts.
        several = spellings.groupby(group, sort=False).filter(lambda texts: len(texts) > 1)
        if several.empty:
            continue
        groups = [texts for _, texts in several.groupby(group[several.index], sort=False)]
        unusual = sum(int(texts["rows"].iloc[1:].sum()) for texts in groups)
        message = f"{field}: {rows.counted(unusual)} differ only in case from a more usual spelling"
        examples = (" / ".join(shortened(text) for text in texts["text"]) for texts in groups)
        yield rows.finding("mixed_case", "note", field, unusual, message, examples)


def _odd_texts(rows: _Rows) -> Iterator[Finding]:
    """What the schema's `trim` and `missing` have left: the model would learn each as a text of its own."""
    for field in rows.of_kind("text"):
        sizes = rows.frame[field].value_counts()
        blanks = [text for text in sizes.index if trim_ascii(text) != text]
        if blanks:
            count = int(sizes[blanks].sum())
            message = f"{field}: {rows.counted(count)} have blanks around the text, "
            message += "which make another text of it; `trim` in the schema drops them"
            yield rows.finding("blanks", "warning", field, count, message, map(_quoted, blanks))
        markers = [text for text in sizes.index if text.lower() in MARKERS]
        if markers:
            count = int(sizes[markers].sum())
            message = f"{field}: {rows.counted(count)} have a text that commonly stands for a missing value; "
            message += "`missing` in the schema makes it null"
            yield rows.finding("markers", "warning", field, count, message, map(_quoted, markers))


def _quoted(text: str) -> str:
    return f'"{shortened(text)}"'


def _many_texts(rows: _Rows) -> Iterator[Finding]:
    texts = set(rows.of_kind("text"))
    for column in rows.columns:
        if column.name not in texts or column.distinct <= MANY_TEXTS:
            continue
        group, _ = group_by_text(rows.frame[column.name], FOLDS["ascii_lower"])
        sizes = np.bincount(group)
        rare = int(np.count_nonzero((group > 0) & (sizes[group] < SMOOTHING_ROWS)))
        message = f"{column.name}: {column.distinct} texts; {rows.counted(rare)} have one that comes "
        message += f"fewer than {SMOOTHING_ROWS} times"
        yield rows.finding("many_texts", "note", column.name, rare, message)


def _revenue_shape(rows: _Rows) -> Iterator[Finding]:
    revenue = rows.revenue
    zeros = int(np.count_nonzero(revenue == 0))
    if MANY_ZEROS * len(revenue) <= zeros < len(revenue):
        yield rows.finding("zeros", "note", rows.target, zeros, f"revenue: {rows.counted(zeros)} bring none")
    others = revenue[~rows.flagged]
    share = top_share(others, 0.01) if len(others) >= 100 else None
    if share is not None and share >= HEAVY_TAIL:
        apart = " apart from the groups named above" if np.any(rows.flagged) else ""
        message = f"revenue: the top 1% of installs bring {percent(share)} of it{apart}, the largest {np.max(others):g}"
        yield rows.finding("heavy_tail", "note", rows.target, round(len(others) * 0.01), message)


_CHECKS: tuple[Callable[[_Rows], Iterator[Finding]], ...] = (
    _units,
    _constants,
    _impossible_pairs,
    _revenue_without_events,
    _repeats,
    _nulls,
    _mixed_case,
    _odd_texts,
    _almost_zero,
    _many_texts,
    _revenue_shape,
)
