"""What holds for texts: what can be stored, which blanks are dropped."""

from __future__ import annotations

import re

# What PostgreSQL can store, and the prediction log has to.
STORABLE_TEXT = "text without NUL and without half a surrogate pair"
_NOT_STORABLE = re.compile("[\u0000\ud800-\udfff]")

_BLANKS = "\t\n\v\f\r "


def is_storable(text: str) -> bool:
    return not _NOT_STORABLE.search(text)


def trim_ascii(text: str) -> str:
    """Without ASCII white space at both ends: tab, LF, VT, FF, CR and space."""
    return text.strip(_BLANKS)
