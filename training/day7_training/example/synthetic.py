"""Makes synthetic installs with their revenue: the shape and the dirt of the real kind, no row of it.

A third of the players bring nothing and a few bring most; revenue follows event_2 closely; texts are
null, in odd case or not ASCII about as often as in the field. The same rows and seed give the same
bytes on every processor: all numbers come from uniform draws by + - * / and square roots, which
IEEE 754 rounds exactly, and never from exp, log or pow, which differ from one library to the next.
"""

from __future__ import annotations

import csv
from pathlib import Path

import numpy as np

from ..data.installs import FIELDS, REVENUE, USER_ID
from ..errors import UserError
from .catalogue import COUNTRIES, DEVICES, OS_VERSIONS, PURCHASE_PRICES, REGIONS, SOURCES, Choices

NULL_SHARES = {
    "source": 0.041,
    "country_region": 0.032,
    "event_3": 0.020,
    "device_family": 0.0002,
    "os_version": 0.0002,
}
ODD_CASE_SHARE = 0.05
REPEATED_SHARE = 0.08

_IOS_SHARE = 0.38
_NO_EVENT_2_SHARE = 0.335
_NO_REVENUE_SHARE = 0.05  # of those with events: their advertisements were not paid for
_BUYER_SHARE = 0.007
_MOST_EVENTS = 5000
_REVENUE_PER_EVENT = 0.002


def write_synthetic(path: Path, rows: int, seed: int) -> None:
    """Writes `rows` installs to `path` as CSV."""
    if rows < 1:
        raise UserError(f"--rows: expected at least 1, got {rows}")
    columns = synthesize(rows, seed)
    with path.open("w", encoding="utf-8", newline="") as file:
        writer = csv.writer(file, lineterminator="\n")
        writer.writerow(columns)
        writer.writerows(zip(*columns.values()))


def synthesize(rows: int, seed: int) -> dict[str, list[str]]:
    """The cells of each column; the empty text is null."""
    draw = _Draws(rows, seed)
    ios = draw.uniform() < _IOS_SHARE
    country = draw.choose(COUNTRIES)
    source = draw.choose(SOURCES)
    events = _events(draw)
    columns = {
        "country": COUNTRIES.names[country],
        "country_region": draw.choose_within(REGIONS, country),
        "source": SOURCES.names[source],
        "platform": _platform(draw, ios),
        "device_family": draw.choose_within(DEVICES, ios.astype(np.int64)),
        "os_version": draw.choose_within(OS_VERSIONS, ios.astype(np.int64)),
        **{name: _cells(values, decimals) for (name, decimals), values in events.items()},
    }
    rate = COUNTRIES.rates[country] * SOURCES.rates[source] * np.where(ios, 1.3, 1.0)
    columns[REVENUE] = _cells(_revenue(draw, *events.values(), rate), 6)
    for name, share in NULL_SHARES.items():
        columns[name] = np.where(draw.uniform() < share, "", columns[name])
    original = _originals(draw)
    ordered = {name: columns[name][original].tolist() for name in (*FIELDS, REVENUE)}
    return {USER_ID: _user_ids(rows, seed), **ordered}


class _Draws:
    """Uniform draws, one a row, in the order asked for."""

    def __init__(self, rows: int, seed: int) -> None:
        self.rows = rows
        self._generator = np.random.Generator(np.random.PCG64(seed))

    def uniform(self) -> np.ndarray:
        return self._generator.random(self.rows)

    def choose(self, choices: Choices) -> np.ndarray:
        return np.searchsorted(choices.cumulative, self.uniform() * choices.cumulative[-1], side="right")

    def choose_within(self, groups: list[Choices], group: np.ndarray) -> np.ndarray:
        """A name for each row from the choices of its group."""
        position = self.uniform()
        names = np.empty(self.rows, dtype=object)
        for number, choices in enumerate(groups):
            rows = group == number
            picked = np.searchsorted(choices.cumulative, position[rows] * choices.cumulative[-1], side="right")
            names[rows] = choices.names[picked]
        return names


def _events(draw: _Draws) -> dict[tuple[str, int], np.ndarray]:
    """The counts by name and decimals: purchases, advertisements seen, and bonus levels."""
    bought = draw.uniform() < _BUYER_SHARE
    event_1 = np.where(bought, np.floor(1 + 3 * draw.uniform()), 0.0)
    rest = 1 - draw.uniform()
    # A Pareto tail with the exponent 4/3, which square roots can make: rest ** -0.75.
    tail = 1 / (np.sqrt(rest) * np.sqrt(np.sqrt(rest)))
    many = np.minimum(np.floor(9 * (tail - 1)) + 1, _MOST_EVENTS)
    event_2 = np.where(draw.uniform() < _NO_EVENT_2_SHARE, 0.0, many)
    share = draw.uniform()
    event_3 = np.where(draw.uniform() < 0.75, 0.0, np.floor(event_2 * share * 0.2))
    return {("event_1", 0): event_1, ("event_2", 0): event_2, ("event_3", 1): event_3}


def _revenue(
    draw: _Draws, event_1: np.ndarray, event_2: np.ndarray, event_3: np.ndarray, rate: np.ndarray
) -> np.ndarray:
    chance = 0.75 + 0.5 * draw.uniform()
    shown = (event_2 + 1.5 * event_3) * _REVENUE_PER_EVENT * rate * chance
    shown = np.where(draw.uniform() < _NO_REVENUE_SHARE, 0.0, shown)
    prices = PURCHASE_PRICES[np.floor(draw.uniform() * len(PURCHASE_PRICES)).astype(np.int64)]
    return shown + event_1 * prices * 0.7  # what the store leaves


def _platform(draw: _Draws, ios: np.ndarray) -> np.ndarray:
    odd = draw.uniform() < ODD_CASE_SHARE
    upper = draw.uniform() < 0.3
    usual = np.where(ios, "iOS", "Android").astype(object)
    return np.where(odd, np.where(upper, np.where(ios, "IOS", "ANDROID"), np.where(ios, "ios", "android")), usual)


def _originals(draw: _Draws) -> np.ndarray:
    """The row that each row shows: itself, or for some an earlier one, which it repeats under a new user_id."""
    own = np.arange(draw.rows)
    earlier = np.floor(draw.uniform() * own).astype(np.int64)
    return np.where(draw.uniform() < REPEATED_SHARE, earlier, own)


def _user_ids(rows: int, seed: int) -> list[str]:
    # An odd factor makes each number below 2**32 come once.
    return [f"{(row * 2_654_435_761 + seed * 40_503) % 2**32:08x}" for row in range(rows)]


def _cells(values: np.ndarray, decimals: int) -> np.ndarray:
    return np.array([f"{value:.{decimals}f}" for value in values.tolist()], dtype=object)
