"""Sends installs to a running service and compares each answer with Python's own from the bundle.

Python applies the plan, predicts with LightGBM, sets what is below 0 to 0 and rounds to 6 decimals
as the wire does; the service must answer the very same number for every row, and the same interval where the
model has one. Refuses a damaged
bundle, a service that cannot be reached, and a reply that is not one prediction for each install.
"""

from __future__ import annotations

import json
import urllib.error
import urllib.request
from collections.abc import Callable, Iterator
from typing import Any

import numpy as np
import pandas as pd

from ..data.decimals import round_half_up
from ..data.installs import USER_ID
from ..data.objects import object_of
from ..errors import UserError
from ..example.golden import plain_install
from ..inputs.schema import NINE_FIELDS, InputSchema
from ..model.combination import AnyModel

WIRE_DECIMALS = 6
SHOWN_DIFFERENCES = 10
_TIMEOUT_SECONDS = 60

Ask = Callable[[list[dict[str, Any]]], list[dict[str, Any]]]


def replay(frame: pd.DataFrame, model: AnyModel, ask: Ask, batch: int) -> tuple[int, list[str]]:
    """How many answers are equal, and a line for each that is not."""
    answers = model.answer(frame)
    inputs = model.plan.inputs
    columns = [_rounded(values) for values in (answers.revenue, *(answers.interval or ()))]
    equal, differences = 0, []
    for install, line, right, answer in zip(
        _installs(frame, inputs), frame.index, zip(*columns), _answers(frame, inputs, ask, batch)
    ):
        actual = _numbers_of(answer)
        if all(type(value) in (int, float) for value in actual) and actual == right:
            equal += 1
        else:
            got = repr(answer.get("error")) if actual[0] is None else _shown(actual)
            sent = json.dumps(install, ensure_ascii=False)
            differences.append(f"line {line}: expected {_shown(right)}, got {got} for {sent}")
    return equal, differences


def _rounded(values: np.ndarray) -> list[float]:
    return [round_half_up(value, WIRE_DECIMALS) for value in values.tolist()]


def _numbers_of(answer: dict[str, Any]) -> tuple[Any, ...]:
    """The revenue, and where the service gives an interval p10 and p90."""
    interval = answer.get("interval")
    quantiles = () if interval is None else (interval.get("p10"), interval.get("p90"))
    return answer.get("predicted_revenue"), *quantiles


def _shown(numbers: tuple[Any, ...]) -> str:
    return f"{numbers[0]!r}{f' in {list(numbers[1:])}' if len(numbers) > 1 else ''}"


def service_at(url: str, key: str | None = None) -> Ask:
    """Asks `url`/batch_predict, with that API key where the service asks for one."""
    address = url.rstrip("/") + "/batch_predict"
    # No proxy from the environment: the service is meant to be near.
    opener = urllib.request.build_opener(urllib.request.ProxyHandler({}))

    def ask(users: list[dict[str, Any]]) -> list[dict[str, Any]]:
        body = json.dumps({"users": users}, allow_nan=False).encode()
        try:
            request = urllib.request.Request(address, body, {"content-type": "application/json"})
            if key:
                request.add_unredirected_header("authorization", f"Bearer {key}")
            with opener.open(request, timeout=_TIMEOUT_SECONDS) as response:
                reply = json.loads(response.read())
        except urllib.error.HTTPError as error:
            text = error.read(500).decode(errors="replace")
            raise UserError(f"{address}: expected status 200, got {error.code}: {text}") from error
        except (OSError, ValueError) as error:
            raise UserError(f"{address}: expected a JSON answer: {error}") from error
        return _predictions(reply, len(users), address)

    return ask


def _predictions(reply: Any, count: int, address: str) -> list[dict[str, Any]]:
    predictions = reply.get("predictions") if isinstance(reply, dict) else None
    if not isinstance(predictions, list) or not all(isinstance(answer, dict) for answer in predictions):
        raise UserError(f"{address}: expected a list of predictions, got {str(reply)[:500]}")
    if len(predictions) != count:
        raise UserError(f"{address}: expected {count} predictions, got {len(predictions)}")
    return predictions


def _answers(frame: pd.DataFrame, inputs: InputSchema, ask: Ask, batch: int) -> Iterator[dict[str, Any]]:
    for start in range(0, len(frame), batch):
        yield from ask(list(_installs(frame.iloc[start : start + batch], inputs)))


def _installs(frame: pd.DataFrame, inputs: InputSchema) -> Iterator[dict[str, Any]]:
    for row in frame.to_dict("records"):
        identity = {USER_ID: row[USER_ID]} if row.get(USER_ID) else {}
        yield {**identity, **(plain_install(row) if inputs is NINE_FIELDS else object_of(inputs, row))}
