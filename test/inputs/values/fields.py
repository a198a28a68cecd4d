"""Fields of every kind and setting, as an input schema has them; names are odd where nothing else is."""

from __future__ import annotations

from typing import Any

FIELDS: list[dict[str, Any]] = [
    {"name": "text", "kind": "text"},
    {"name": "text!", "kind": "text", "nullable": False},
    {"name": "five characters", "kind": "text", "maxLength": 5},
    {"name": "trimmed 🎮", "kind": "text", "trim": True},
    {"name": 'missing "text"', "kind": "text", "missing": ["NA", "null", "\\N", " "]},
    {"name": "a,b", "kind": "text", "nullable": False, "trim": True, "maxLength": 5, "missing": ["", "NA", "unknown"]},
    {"name": "number", "kind": "number"},
    {"name": "count", "kind": "number", "nullable": False, "minimum": 0},
    {"name": "from -5.5 to 10", "kind": "number", "minimum": -5.5, "maximum": 10},
    {"name": "0", "kind": "number", "minimum": 0, "maximum": 0},
    {"name": "trimmed number", "kind": "number", "trim": True, "missing": ["NA", "-", "-1"]},
    {"name": "boolean", "kind": "boolean"},
    {"name": "truth", "kind": "boolean", "nullable": False},
    {"name": "trimmed boolean", "kind": "boolean", "trim": True, "missing": ["?", "unknown", "n"]},
    {"name": "time", "kind": "time"},
    {"name": "moment", "kind": "time", "nullable": False},
    {"name": "day first", "kind": "time", "format": "day_first"},
    {"name": "month first", "kind": "time", "format": "month_first"},
    {"name": "trimmed time", "kind": "time", "trim": True, "missing": ["0", "0000-00-00", "NULL"]},
]
