"""Writes values.ndjson: fields, and then what must come of dirty values, one a line. Both languages read it in their tests.

    make.py FILE

A value that JSON cannot hold is an object with one key: `$number` (NaN, Infinity, -Infinity, -0), `$int64`, `$decimal`, `$bytes` in
hexadecimal digits, `$time` in milliseconds.
"""

from __future__ import annotations

import json
import math
import sys
from decimal import Decimal
from pathlib import Path
from typing import Any

from by_hand import BY_HAND, Problem
from fields import FIELDS
from pools import values_of
from rules import Time, number_text, verdict

DOCUMENTS = {field["name"]: field for field in FIELDS}
# Beyond it JSON's integers are not JavaScript's.
SAFE_INTEGER = 2**53


def tagged(value: Any, source: str) -> Any:
    if isinstance(value, Time):
        return {"$time": value.milliseconds}
    if isinstance(value, Decimal):
        return {"$decimal": str(value)}
    if isinstance(value, bytes):
        return {"$bytes": value.hex()}
    if isinstance(value, float) and (not math.isfinite(value) or (value == 0 and math.copysign(1, value) < 0)):
        return {"$number": "-0" if value == 0 else number_text(value)}
    if isinstance(value, int) and source in ("parquet", "tensor") and abs(value) > SAFE_INTEGER:
        return {"$int64": str(value)}
    if isinstance(value, list):
        return [tagged(each, source) for each in value]
    if isinstance(value, dict):
        return {key: tagged(each, source) for key, each in value.items()}
    return value


def line(value: Any) -> str:
    # Half a surrogate pair can only be escaped; the rest is easier to read as it is.
    text = json.dumps(value, ensure_ascii=False, separators=(",", ":"))
    return "".join(f"\\u{ord(each):04x}" if 0xD800 <= ord(each) <= 0xDFFF else each for each in text)


def by_hand() -> dict[tuple[str, str, str], dict[str, Any]]:
    """The lines written by hand; each must be what the rules say."""
    lines = {}
    for source, name, value, expected in BY_HAND:
        is_fault = isinstance(expected, Problem)
        written = {"fault": f"{name}: {expected}"} if is_fault else {"value": expected}
        ruled = verdict(DOCUMENTS[name], source, value)
        if line(written) != line(ruled):
            raise SystemExit(f"{source} {name} {value!r}: by hand {written}, by the rules {ruled}")
        lines[key_of(source, name, value)] = written
    return lines


def key_of(source: str, name: str, value: Any) -> tuple[str, str, str]:
    return source, name, line(tagged(value, source))


def main(path: Path) -> None:
    verdicts = by_hand()
    for name, field in DOCUMENTS.items():
        for source, values in values_of(field["kind"]).items():
            for value in values:
                verdicts.setdefault(key_of(source, name, value), verdict(field, source, value))
    lines = [line({"fields": FIELDS})]
    for (source, name, value), expected in verdicts.items():
        lines.append(f'{{"field":{line(name)},{line(source)}:{value},{line(expected)[1:]}')
    path.write_text("\n".join(lines) + "\n", encoding="utf-8", newline="\n")
    print(f"{path}: {len(verdicts)} values, {len(BY_HAND)} of them by hand")


main(Path(sys.argv[1]))
