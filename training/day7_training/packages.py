"""The packages that only some commands need: where one is missing or broken, the error says what installs it.

What every command needs is in the base environment; `npm run venv -- --with GROUP` adds a group.
"""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager

from .errors import UserError


@contextmanager
def needed(group: str, what: str, otherwise: str = "") -> Iterator[None]:
    """Around the imports of a group's packages, which `what` needs; `otherwise`: how to do without. @raises UserError"""
    try:
        yield
    except ImportError as error:
        if (error.name or "").partition(".")[0] == __package__:
            raise
        way = f"`npm run venv -- --with {group}` installs them{otherwise and f', {otherwise}'}"
        raise UserError(f"{what} needs the packages of the group {group}: {error}; {way}") from error
