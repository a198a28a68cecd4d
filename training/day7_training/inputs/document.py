"""Parts of a JSON document -> checked values. Each reader refuses what it does not expect with a UserError.

The service does the same in the same words (src/inputs/document.ts).
"""

from __future__ import annotations

import re
from collections.abc import Mapping, Sequence
from typing import Any

from ..errors import UserError
from .describe import describe_text, describe_value
from .texts import STORABLE_TEXT, is_storable

_MAX_NAME_LENGTH = 128
_A_NAME = f"a text of 1 to {_MAX_NAME_LENGTH} characters without control characters and without half a surrogate pair"
# C0, DEL, C1 and halves of surrogate pairs.
_NO_NAME = re.compile("[\u0000-\u001f\u007f-\u009f\ud800-\udfff]")
# White space that is no control character. Listed, since \s is another set in each language.
_BLANKS = " \u00a0\u1680\u2000-\u200a\u2028\u2029\u202f\u205f\u3000\ufeff"
_BLANK_AT_AN_END = re.compile(rf"\A[{_BLANKS}]|[{_BLANKS}]\Z")


def schema_error(path: str, problem: str) -> UserError:
    """`path` points into the document; it is empty for the whole."""
    return UserError(f"input schema{f', {path}' if path else ''}: {problem}")


def unexpected(path: str, expected: str, actual: Any) -> UserError:
    return schema_error(path, f"expected {expected}, got {describe_value(actual)}")


def read_object(value: Any, path: str, keys: Sequence[str]) -> Mapping[str, Any]:
    """`keys` are all that it may have."""
    if not isinstance(value, dict):
        raise unexpected(path, "object", value)
    # Sorted, since languages list keys in different orders; by UTF-16, as JavaScript sorts.
    others = sorted((key for key in value if key not in keys), key=lambda key: key.encode("utf-16-be", "surrogatepass"))
    if others:
        raise schema_error(path, f"expected no keys but {', '.join(keys)}, got {describe_text(others[0])}")
    return value


def read_required(document: Mapping[str, Any], key: str, path: str) -> Any:
    if key not in document:
        raise schema_error(within(path, key), "expected, but it is missing")
    return document[key]


def within(path: str, key: str) -> str:
    return f"{path}.{key}" if path else key


def read_name(value: Any, path: str) -> str:
    """A name of the API: no blanks at its ends, and none that means something else."""
    name = read_column(value, path)
    if _BLANK_AT_AN_END.search(name):
        raise unexpected(path, "a name without blanks at its ends", value)
    if name == "user_id":
        raise unexpected(path, "a name other than user_id", value)
    return name


def read_column(value: Any, path: str) -> str:
    """The name of a column in a file."""
    if not isinstance(value, str) or not 1 <= len(value) <= _MAX_NAME_LENGTH or _NO_NAME.search(value):
        raise unexpected(path, _A_NAME, value)
    # A JavaScript object that gets this key gets another prototype.
    if value == "__proto__":
        raise unexpected(path, "a name other than __proto__", value)
    return value


def read_boolean(value: Any, path: str) -> bool:
    if not isinstance(value, bool):
        raise unexpected(path, "true or false", value)
    return value


def read_text(value: Any, path: str) -> str:
    if not isinstance(value, str):
        raise unexpected(path, "text", value)
    if not is_storable(value):
        raise unexpected(path, STORABLE_TEXT, value)
    return value


def read_text_or_null(value: Any, path: str) -> str | None:
    if value is not None and not isinstance(value, str):
        raise unexpected(path, "text or null", value)
    return None if value is None else read_text(value, path)


def read_choice(value: Any, path: str, choices: Sequence[str]) -> str:
    if not isinstance(value, str) or value not in choices:
        raise unexpected(path, f"{', '.join(choices[:-1])} or {choices[-1]}", value)
    return value


def read_array(value: Any, path: str, what: str) -> list[Any]:
    """`what` its elements are, such as `texts`."""
    if not isinstance(value, list):
        raise unexpected(path, f"array of {what}", value)
    return value


def expect_each_once(values: Sequence[str], path: str) -> None:
    for place, value in enumerate(values):
        if value in values[:place]:
            raise unexpected(f"{path}[{place}]", "each once", value)
