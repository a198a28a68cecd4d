"""The decision of a retraining as one HTML page that stands alone: what was decided and why, in two minutes."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from html import escape

from .backtest import Backtest
from .dataset import Dataset
from .gates import Check


@dataclass(frozen=True)
class Decision:
    """`outcome` is PUBLISHED, WOULD_PUBLISH or REFUSED; `version` that of the registered model."""

    outcome: str
    model: str
    version: str | None
    dataset: Dataset
    checks: tuple[Check, ...]
    backtest: Backtest | None
    champion: str
    horizon_days: float

    @property
    def failed(self) -> list[Check]:
        return [check for check in self.checks if not check.passed]


PUBLISHED, WOULD_PUBLISH, REFUSED = "published", "would publish", "refused"


def report_page(decision: Decision) -> str:
    parts = [
        _verdict(decision),
        _section("Gates", _gates(decision.checks)),
        _section("The recent days", _comparison(decision.backtest, decision.champion)),
        _section("By week", _weeks(decision.backtest)),
        _section("Days", _days(decision.dataset)),
    ]
    return _PAGE.format(title=escape(f"{decision.model}: {decision.outcome}"), style=_STYLE, body="\n".join(parts))


def _verdict(decision: Decision) -> str:
    days = decision.dataset.days
    about = (
        f"{decision.dataset.rows:,} installs of {days[0].day} to {days[-1].day}, whose revenue of {decision.horizon_days:g} days is known "
        f"on {escape(decision.dataset.clock[:10])}."
    )
    if decision.outcome == REFUSED:
        items = "".join(
            f"<li><strong>{escape(check.name)}</strong>: found {escape(check.found)}. {escape(check.why)}.</li>"
            for check in decision.failed
        )
        said = f"<p>No model is published. What to do:</p><ul>{items}</ul>"
    elif decision.outcome == WOULD_PUBLISH:
        said = "<p>All gates are passed. This was a dry run: nothing is published.</p>"
    else:
        said = f"<p>All gates are passed. Version {escape(str(decision.version))} is the challenger now; live traffic decides next.</p>"
    kind = "bad" if decision.outcome == REFUSED else "good"
    return f'<header class="{kind}"><h1>{escape(decision.model)}: {decision.outcome}</h1>{said}<p class="quiet">{about}</p></header>'


def _section(title: str, body: str) -> str:
    return f"<section><h2>{title}</h2>{body}</section>"


def _gates(checks: Sequence[Check]) -> str:
    rows = ((_chip(check.passed), escape(check.name), escape(check.wanted), escape(check.found)) for check in checks)
    return _table(("", "gate", "wanted", "found"), rows)


def _chip(passed: bool) -> str:
    return '<span class="chip good">passed</span>' if passed else '<span class="chip bad">failed</span>'


def _comparison(backtest: Backtest | None, champion: str) -> str:
    if backtest is None:
        return "<p>No model was trained: a gate of the data has failed.</p>"
    rows = (
        (
            escape(each.name),
            _number(each.champion),
            _number(each.candidate),
            f"{_number(each.low)} to {_number(each.high)}",
            "ratio" if each.is_ratio else "difference",
        )
        for each in backtest.compared
    )
    note = (
        f"<p class='quiet'>{backtest.rows:,} installs that neither model has learnt from. The new model of this test learnt from the "
        f"{backtest.learnt_rows:,} installs whose horizon had passed before them. A bias of 1.05 bids 5 % too high.</p>"
    )
    return note + _table(("figure", f"champion {escape(champion)}", "new model", "95 % interval", "of the"), rows)


def _weeks(backtest: Backtest | None) -> str:
    if backtest is None:
        return "<p>Nothing to compare.</p>"
    rows = (
        (
            str(week.date()),
            f"{int(row.rows):,}",
            f"{row.actual:,.2f}",
            *(_bias(row[name], row.actual) for name in ("champion", "candidate")),
        )
        for week, row in backtest.weeks.iterrows()
    )
    return _table(("week of", "installs", "revenue", "bias of the champion", "bias of the new model"), rows)


def _bias(predicted: float, actual: float) -> str:
    return "undefined" if actual == 0 else f"{predicted / actual:.3f}"


def _days(dataset: Dataset) -> str:
    rows = (
        (
            day.day,
            *(f"{number:,}" for number in (day.installs, day.pending, day.reported, day.no_outcome, day.left_out)),
            "complete" if day.complete else ("pending" if day.pending else "not complete"),
        )
        for day in dataset.days
    )
    return _table(("day", "installs", "pending", "reported", "zeros", "left out", "outcomes"), rows)


def _table(head: Sequence[str], rows: Iterable[Sequence[str]]) -> str:
    titles = "".join(f"<th scope='col'>{title}</th>" for title in head)
    body = "".join(f"<tr>{''.join(f'<td>{cell}</td>' for cell in row)}</tr>" for row in rows)
    return f"<div class='wide'><table><thead><tr>{titles}</tr></thead><tbody>{body}</tbody></table></div>"


def _number(value: float | None) -> str:
    return "undefined" if value is None else f"{value:.4g}"


_STYLE = """
:root { color-scheme: light dark; --text: #2b3440; --quiet: #5b6673; --page: #f4f6f8; --paper: #fff; --line: #dfe4ea; --good: #1f7a4d; --bad: #b3311b; }
@media (prefers-color-scheme: dark) {
  :root { --text: #e3e8ee; --quiet: #a3aebb; --page: #14181d; --paper: #1d232a; --line: #36404b; --good: #2f9e68; --bad: #d9563f; }
}
body { color: var(--text); background: var(--page); font: 15px/1.5 system-ui, sans-serif; max-width: 1000px; margin: 0 auto; padding: 1.5rem 1rem 4rem; }
header, section { background: var(--paper); border: 1px solid var(--line); border-radius: 8px; padding: 1rem 1.2rem; margin-top: 1rem; }
header.good { border-left: 6px solid var(--good); } header.bad { border-left: 6px solid var(--bad); }
h1 { margin: 0; font-size: 1.5rem; } h2 { margin: 0 0 .6rem; font-size: 1.1rem; }
.quiet { color: var(--quiet); font-size: .88rem; }
.wide { overflow-x: auto; } table { border-collapse: collapse; width: 100%; }
th, td { text-align: left; vertical-align: top; padding: .35rem .8rem .35rem 0; border-bottom: 1px solid var(--line); font-variant-numeric: tabular-nums; }
th { color: var(--quiet); font-size: .82rem; }
.chip { color: #fff; border-radius: 99px; padding: 0 .6rem; font-size: .82rem; white-space: nowrap; }
.chip.good { background: var(--good); } .chip.bad { background: var(--bad); }
"""

_PAGE = """<!doctype html>
<html lang="en">
<head>
<meta charset="utf-8">
<meta http-equiv="Content-Security-Policy" content="default-src 'none'; style-src 'unsafe-inline'">
<meta name="viewport" content="width=device-width, initial-scale=1">
<title>{title}</title>
<style>{style}</style>
</head>
<body>
{body}
</body>
</html>
"""
