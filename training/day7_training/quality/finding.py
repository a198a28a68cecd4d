"""What a look at the data turns up, and how it is worded: a count with its share, and texts fit to be shown.

Serious is what makes a model wrong or impossible, a warning is what someone should look at, a note
is good to know.
"""

from __future__ import annotations

from dataclasses import dataclass

SEVERITIES = ("serious", "warning", "note")

# In a line; a page has room for all that a finding keeps.
SHOWN_EXAMPLES = 3

_LONGEST_TEXT = 60


@dataclass(frozen=True)
class Finding:
    """`rows` are those it is about, `share` their share of all rows; `field` is None where it is about whole rows."""

    kind: str
    severity: str
    field: str | None
    rows: int
    share: float
    message: str
    examples: tuple[str, ...] = ()

    def __str__(self) -> str:
        shown = "; ".join(self.examples[:SHOWN_EXAMPLES])
        return f"{self.severity}: {self.message}" + (f" ({shown})" if shown else "")


def counted(rows: int, of: int) -> str:
    return f"{rows} {'row' if rows == 1 else 'rows'} ({percent(rows / of)})"


def percent(share: float) -> str:
    """A small share is never shown as none, nor a large one as all."""
    if not 0 < share < 1:
        return f"{share:.0%}"
    text = f"{share:.2%}"
    return {"0.00%": "<0.01%", "100.00%": ">99.99%"}.get(text, text)


def printable(text: str) -> str:
    """Without control characters: cells are shown on terminals."""
    return "".join(character if character.isprintable() else repr(character)[1:-1] for character in text)


def shortened(text: str, longest: int = _LONGEST_TEXT) -> str:
    shown = printable(text)
    return shown if len(shown) <= longest else shown[: longest - 1] + "…"
