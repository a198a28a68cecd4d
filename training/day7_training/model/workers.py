"""The workers of a Dask cluster: an address becomes a connection to workers that can train together, or an error.

Checks that somebody answers, that there are workers, and that they have the versions that this machine has.
Watches over work that needs all of them: Dask would wait without end for a lost worker to come back.
"""

from __future__ import annotations

import asyncio
import logging
import re
import threading
import warnings
from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager
from typing import Any

import lightgbm as lgb
from distributed import Client, Future
from distributed.client import FutureCancelledError
from distributed.core import rpc
from distributed.scheduler import KilledWorker
from distributed.security import Security
from distributed.versions import VersionMismatchWarning

from ..errors import UserError

CONNECT_SECONDS = 10
_WATCH_SECONDS = 1

_ADDRESS = re.compile(r"(tcp|tls)://([^\s:/\[\]]+|\[[0-9a-fA-F:]+\]):[0-9]+")
# What is sent to a worker must mean the same there; the trees are LightGBM's.
_PACKAGES = ("lightgbm", "scikit-learn", "numpy", "dask", "distributed")

# What goes wrong between machines; anything else is a defect of this package.
_FAILURES = (lgb.basic.LightGBMError, OSError, KilledWorker, FutureCancelledError)


@contextmanager
def connected(address: str) -> Iterator[Workers]:
    """@raises UserError: no scheduler there, no workers, or some that are not like this machine"""
    client = _connect(address)
    # What it would log is an error of the command, or none.
    logging.getLogger("distributed.client").setLevel(logging.CRITICAL)
    try:
        workers = Workers(client, address)
        workers.check()
        yield workers
    finally:
        client.close()


class Workers:
    def __init__(self, client: Client, address: str) -> None:
        self.client = client
        self._address = address

    def check(self) -> None:
        self.addresses()
        versions = self.client.get_versions(packages=list(_PACKAGES))
        here = _versions(versions["client"])
        for place, found in {"the scheduler": versions["scheduler"], **versions["workers"]}.items():
            there = _versions(found)
            if differing := [name for name in here if there[name] != here[name]]:
                expected, actual = (", ".join(f"{name} {side[name]}" for name in differing) for side in (here, there))
                raise UserError(f"--cluster {self._address}: expected {expected} as here, got {actual} on {place}")

    def addresses(self) -> list[str]:
        """Of the workers that are there now, at least one. @raises UserError"""
        if found := sorted(self.client.ncores()):
            return found
        raise UserError(f"--cluster {self._address}: no workers; start some with `dask worker {self._address}`")

    def run(self, addresses: list[str], work: Callable[[], object]) -> None:
        """Waits for work that needs these workers, or for one of them to be lost. @raises UserError"""
        raised: list[Exception] = []

        def catch() -> None:
            try:
                with self.client.as_current():  # for this thread
                    work()
            except Exception as error:
                raised.append(error)

        thread = threading.Thread(target=catch, daemon=True)
        thread.start()
        while thread.is_alive() and not self._lost(addresses):
            thread.join(_WATCH_SECONDS)
        if not thread.is_alive() and not raised:
            return
        cause = raised[0] if raised else None
        if lost := self._lost(addresses):
            raise UserError(
                f"--cluster {self._address}: lost {', '.join(lost)} while training, see the log there; "
                "LightGBM also ends a worker that cannot reach the others' ports"
            ) from cause
        if isinstance(cause, _FAILURES):
            reason = str(cause).strip()
            raise UserError(f"--cluster {self._address}: the workers cannot train together: {reason}") from cause
        assert cause is not None
        raise cause

    def _lost(self, addresses: list[str]) -> list[str]:
        try:
            return sorted(set(addresses) - self.client.ncores().keys())
        except OSError:
            return ["the scheduler"]


class _Client(Client):
    """`lightgbm.dask` numbers the workers in this order, which Dask leaves to chance: another order, another model."""

    def who_has(self, futures: Sequence[Future] | None = None, **options: Any) -> dict[str, Any]:
        found = super().who_has(futures, **options)
        return found if futures is None else {future.key: found[future.key] for future in futures}


async def _identity(address: str) -> dict[str, Any]:
    # Client would wait without end for an answer from what is no scheduler.
    arguments = Security().get_connection_args("client")
    async with asyncio.timeout(CONNECT_SECONDS), rpc(address, connection_args=arguments) as there:
        return await there.identity()


def _connect(address: str) -> Client:
    if not _ADDRESS.fullmatch(address):
        raise UserError(f"--cluster: expected tcp://HOST:PORT, got {address!r}")
    try:
        kind = asyncio.run(_identity(address))["type"]
    except (OSError, ValueError) as error:
        raise UserError(
            f"--cluster {address}: no Dask scheduler answers within {CONNECT_SECONDS} seconds; "
            "start one with `dask scheduler`"
        ) from error
    if kind != "Scheduler":
        raise UserError(f"--cluster {address}: expected a Dask scheduler, found a {kind}")
    with warnings.catch_warnings():
        warnings.simplefilter("ignore", VersionMismatchWarning)  # `check` says more
        return _Client(address, timeout=CONNECT_SECONDS, set_as_default=False)


def _versions(side: dict[str, Any]) -> dict[str, str]:
    """Of Python the first two parts, which decide what can be sent from one to the other."""
    found = {name: side["packages"].get(name) or "none" for name in _PACKAGES}
    return {"python": ".".join(side["packages"]["python"].split(".")[:2]), **found}
