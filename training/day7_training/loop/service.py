"""Asks a running service for its training data.

Every wrong answer becomes a UserError: a service that is away or refuses the key, a status that is not 200, a body that
is cut off or is not what was expected.
"""

from __future__ import annotations

import http.client
import json
import urllib.error
import urllib.parse
import urllib.request
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from typing import Any

from ..errors import UserError

_TIMEOUT_SECONDS = 120
_SHOWN_BYTES = 500
_BLOCK_BYTES = 1 << 16


@dataclass(frozen=True)
class Service:
    """`url` is where it listens; `key` an API key with the scope that is asked for."""

    url: str
    key: str | None = None

    def document(self, path: str, query: Mapping[str, str | None]) -> dict[str, Any]:
        """A JSON object. @raises UserError"""
        address = self._address(path, query)
        try:
            with self._open(address) as response:
                document = json.loads(response.read())
        except (OSError, ValueError, http.client.HTTPException) as error:
            raise UserError(f"{address}: expected a JSON answer: {error}") from error
        if not isinstance(document, dict):
            raise UserError(f"{address}: expected a JSON object, got {str(document)[:_SHOWN_BYTES]}")
        return document

    def tell(self, path: str, document: Mapping[str, Any]) -> None:
        """@raises UserError"""
        address = self._address(path, {})
        with self._open(address, json.dumps(document).encode()):
            pass

    def rows(self, path: str, query: Mapping[str, str | None]) -> Iterator[dict[str, Any]]:
        """JSON lines, as they arrive. @raises UserError, also when the answer is cut off"""
        address = self._address(path, query)
        line = b""
        try:
            with self._open(address) as response:
                for line in _lines(response):
                    yield json.loads(line)
        except (OSError, http.client.HTTPException) as error:
            raise UserError(f"{address}: the answer was cut off: {error}") from error
        except ValueError as error:
            raise UserError(f"{address}: expected JSON lines, got {line[:_SHOWN_BYTES]!r}") from error

    def _address(self, path: str, query: Mapping[str, str | None]) -> str:
        given = {name: value for name, value in query.items() if value is not None}
        return self.url.rstrip("/") + path + (f"?{urllib.parse.urlencode(given)}" if given else "")

    def _open(self, address: str, body: bytes | None = None) -> http.client.HTTPResponse:
        # No proxy from the environment: the service is meant to be near.
        opener = urllib.request.build_opener(urllib.request.ProxyHandler({}))
        try:
            request = urllib.request.Request(
                address, body, {} if body is None else {"content-type": "application/json"}
            )
            if self.key:
                request.add_unredirected_header("authorization", f"Bearer {self.key}")
            return opener.open(request, timeout=_TIMEOUT_SECONDS)
        except urllib.error.HTTPError as error:
            text = error.read(_SHOWN_BYTES).decode(errors="replace")
            raise UserError(f"{address}: expected status 200, got {error.code}: {text}") from error
        except (OSError, ValueError) as error:
            raise UserError(f"{address}: expected a running service: {getattr(error, 'reason', error)}") from error


def _lines(response: http.client.HTTPResponse) -> Iterator[bytes]:
    """@raises HTTPException if the body ends before its end"""
    rest = b""
    while block := response.read1(_BLOCK_BYTES):
        *lines, rest = (rest + block).split(b"\n")
        yield from lines
    if response.length:
        raise http.client.IncompleteRead(rest, response.length)
    if rest:
        yield rest
