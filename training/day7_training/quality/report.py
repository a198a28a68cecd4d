"""Turns an inspection into one HTML page that stands alone: the findings, the figures, the columns and the pictures.

Pictures are within the page as data URIs and nothing is fetched: the page's own policy forbids it.
All that comes from the data is escaped. The same data gives the same page.
"""

from __future__ import annotations

import base64
from collections.abc import Callable, Iterable, Sequence
from html import escape

import numpy as np

from .canvas import Picture
from .checks import Inspection
from .finding import SEVERITIES, SHOWN_EXAMPLES, Finding, percent, printable
from .plots import draw
from .summary import ColumnSummary, RevenueSummary, summarize_revenue

_SECTIONS = (
    ("Mixed case", ("mixed_case",), "No text differs from another in case only."),
    ("Duplicates apart from user_id", ("repeated", "contradicting"), "No row repeats another."),
    ("Impossible or doubtful rows", ("impossible_pair", "no_event"), "None found."),
    ("Columns that tell little", ("all_null", "constant", "almost_zero", "many_texts"), "None found."),
)


def report_page(inspection: Inspection, name: str, sha256: str) -> str:
    """`name` and `sha256` say which file was inspected."""
    title = escape(printable(name))
    parts = [
        f"<header><h1>{title}</h1><p>{len(inspection.frame)} installs with their revenue · sha256 "
        f"<code>{escape(sha256[:12])}</code></p>{_counts(inspection.findings)}</header>",
        _banner(inspection),
        _section("Findings", _findings(inspection.findings)),
        _section("Overview", _overview(inspection)),
        _section("Pictures", f'<div class="pictures">{"".join(map(_figure, draw(inspection)))}</div>'),
        _section("Columns", _columns(inspection.columns, len(inspection.frame))),
        *(_section(heading, _details(inspection.of_kind(*kinds), none)) for heading, kinds, none in _SECTIONS),
    ]
    return _PAGE.format(title=title, style=_STYLE, body="\n".join(part for part in parts if part))


def _counts(findings: Sequence[Finding]) -> str:
    chips = []
    for severity in SEVERITIES:
        count = sum(finding.severity == severity for finding in findings)
        plural = "s" if count != 1 and severity != "serious" else ""
        chips.append(f'<span class="chip {severity if count else "quiet"}">{count} {severity}{plural}</span>')
    return f'<p class="chips">{"".join(chips)}</p>'


def _banner(inspection: Inspection) -> str:
    """The groups in another unit, which matter more than all else."""
    if not inspection.anomalies:
        return ""
    items = "".join(
        f"<li><strong>{escape(anomaly.field)} {escape(printable(anomaly.value))}</strong>: {anomaly.rows} installs "
        f"bring {percent(anomaly.revenue_share)} of all revenue, at {_times(anomaly.ratio)} the revenue per event of "
        "the others.</li>"
        for anomaly in inspection.anomalies
    )
    advice = "Ask where the numbers come from; <code>train --drop-flagged</code> leaves these rows out."
    return f'<section class="banner"><h2>Revenue in another unit?</h2><ul>{items}</ul><p>{advice}</p></section>'


def _times(ratio: float) -> str:
    return f"{ratio:,.0f} times" if ratio >= 1 else f"1/{1 / ratio:,.0f} of"


def _findings(findings: Sequence[Finding]) -> str:
    if not findings:
        return "<p>Nothing odd was found.</p>"
    rows = [
        (
            f'<span class="chip {finding.severity}">{finding.severity}</span>',
            f"{escape(finding.message)}{_examples(finding.examples[:SHOWN_EXAMPLES])}",
            str(finding.rows),
            percent(finding.share),
        )
        for finding in findings
    ]
    return _table(("", "What", "Rows", "Share"), rows, numbers=2)


def _examples(texts: Sequence[str]) -> str:
    return f'<div class="examples">{"<br>".join(map(escape, texts))}</div>' if texts else ""


def _overview(inspection: Inspection) -> str:
    flagged = inspection.flagged
    revenue = inspection.revenue
    summaries = {"All rows": summarize_revenue(revenue)}
    if np.any(flagged) and not np.all(flagged):
        summaries["Without groups in another unit"] = summarize_revenue(revenue[~flagged])
    rows = [(label, *(str(show(summary)) for summary in summaries.values())) for label, show in _OVERVIEW_ROWS]
    return _table(("", *summaries), rows, numbers=len(summaries))


def _share(share: float | None) -> str:
    return "undefined" if share is None else percent(share)


_OVERVIEW_ROWS: tuple[tuple[str, Callable[[RevenueSummary], object]], ...] = (
    ("Installs", lambda revenue: revenue.rows),
    ("Bring no revenue", lambda revenue: f"{revenue.zeros} ({percent(revenue.zeros / revenue.rows)})"),
    ("Revenue in all", lambda revenue: f"{revenue.total:.6g}"),
    ("Mean revenue", lambda revenue: f"{revenue.mean:.4g}"),
    ("Median revenue", lambda revenue: f"{revenue.median:.4g}"),
    ("Largest revenue", lambda revenue: f"{revenue.largest:.6g}"),
    ("Revenue of the top 1% of installs", lambda revenue: _share(revenue.top_1)),
    ("Revenue of the top 5% of installs", lambda revenue: _share(revenue.top_5)),
    ("Gini", lambda revenue: "undefined" if revenue.gini is None else f"{revenue.gini:.3f}"),
)


def _figure(picture: Picture) -> str:
    data = base64.b64encode(picture.png).decode()
    title = escape(picture.title)
    return (
        f"<figure><figcaption><h3>{title}</h3><p>{escape(picture.caption)}</p></figcaption>"
        f'<img alt="{title}" src="data:image/png;base64,{data}"></figure>'
    )


def _columns(columns: Iterable[ColumnSummary], rows: int) -> str:
    cells = [
        (
            f"<code>{column.name}</code>",
            _usual(column, rows),
            str(column.distinct),
            f"{column.nulls}",
            percent(column.nulls / rows),
            "" if column.zeros is None else percent(column.zeros / rows),
            "" if column.largest is None else f"{column.largest:.6g}",
        )
        for column in columns
    ]
    headings = ("Column", "Most frequent", "Different", "Nulls", "Share null", "Share zero", "Largest")
    return _table(headings, cells, numbers=5) + "<p>Texts that differ only in case count as one.</p>"


def _usual(column: ColumnSummary, rows: int) -> str:
    if column.usual is None:
        return "none"
    return f"{escape(printable(column.usual))} ({percent(column.usual_rows / rows)})"


def _details(findings: Sequence[Finding], none: str) -> str:
    if not findings:
        return f"<p>{none}</p>"
    items = "".join(f"<li>{escape(finding.message)}{_examples(finding.examples)}</li>" for finding in findings)
    return f"<ul>{items}</ul>"


def _section(heading: str, body: str) -> str:
    return f"<section><h2>{heading}</h2>{body}</section>"


def _table(headings: Sequence[str], rows: Iterable[Sequence[str]], numbers: int) -> str:
    """The cells are HTML already; the last `numbers` columns are aligned as numbers."""
    kinds = [""] * (len(headings) - numbers) + [' class="number"'] * numbers
    head = "".join(f"<th{kind}>{heading}</th>" for kind, heading in zip(kinds, headings))
    body = "".join(f"<tr>{''.join(f'<td{k}>{cell}</td>' for k, cell in zip(kinds, row))}</tr>" for row in rows)
    return f'<div class="wide"><table><thead><tr>{head}</tr></thead><tbody>{body}</tbody></table></div>'


_STYLE = """
:root { color: #2b3440; background: #f4f6f8; font: 15px/1.5 system-ui, sans-serif; }
body { max-width: 1180px; margin: 0 auto; padding: 1.5rem 1rem 4rem; }
h1 { margin: 0; font-size: 1.7rem; overflow-wrap: anywhere; }
h2 { margin: 0 0 .7rem; font-size: 1.15rem; }
h3 { margin: 0; font-size: 1rem; }
header p { margin: .3rem 0; color: #5b6673; }
section, figure { background: #fff; border: 1px solid #dfe4ea; border-radius: 8px; padding: 1rem 1.2rem; }
section { margin-top: 1.1rem; }
section:has(.pictures) { background: none; border: 0; padding: 0; }
.banner { border: 2px solid #d55e00; background: #fff6ee; }
.banner p, .banner ul { margin: .3rem 0; }
.pictures { display: grid; grid-template-columns: repeat(auto-fit, minmax(min(440px, 100%), 1fr)); gap: 1.1rem; }
figure { margin: 0; }
figure img { width: 100%; height: auto; display: block; }
figcaption p, .examples { color: #5b6673; font-size: .86rem; margin: .1rem 0 .6rem; }
.examples { margin: .1rem 0 0; }
.wide { overflow-x: auto; }
table { border-collapse: collapse; width: 100%; }
.wide + p { margin: .6rem 0 0; color: #5b6673; font-size: .86rem; }
th { font-size: .82rem; color: #5b6673; font-weight: 600; }
th, td { text-align: left; vertical-align: top; padding: .4rem .8rem .4rem 0; border-bottom: 1px solid #edf0f3; }
td { overflow-wrap: anywhere; }
th.number { white-space: normal; }
.number { text-align: right; white-space: nowrap; font-variant-numeric: tabular-nums; }
.chip { display: inline-block; white-space: nowrap; border-radius: 99px; padding: 0 .65rem; }
.chip { font-size: .82rem; color: #fff; }
.chips .chip { margin-right: .4rem; }
.serious { background: #c2361f; }
.warning { background: #b36b00; }
.note { background: #4a6480; }
.quiet { background: #b4bdc7; }
ul { padding-left: 1.2rem; margin: 0; }
li + li { margin-top: .5rem; }
"""

_PAGE = """<!doctype html>
<html lang="en">
<head>
<meta charset="utf-8">
<meta http-equiv="Content-Security-Policy" content="default-src 'none'; img-src data:; style-src 'unsafe-inline'">
<meta name="viewport" content="width=device-width, initial-scale=1">
<title>{title}: data quality</title>
<style>{style}</style>
</head>
<body>
{body}
</body>
</html>
"""
