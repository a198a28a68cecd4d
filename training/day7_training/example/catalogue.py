"""The invented world of the synthetic installs: countries, regions, sources, devices and versions.

Country codes, operating systems and their versions are ordinary ones; regions, sources and Android
devices are built by rule and exist nowhere. Shares fall steeply with the rank, as they do in the field.
Nothing here is random, and nothing is taken from real installs.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from itertools import product

import numpy as np


@dataclass(frozen=True)
class Choices:
    """Names with the running sum of their weights, and for some what an event earns there against the usual."""

    names: np.ndarray
    cumulative: np.ndarray
    rates: np.ndarray


def _ranked(names: Sequence[str], rates: Sequence[float] | None = None) -> Choices:
    ranks = np.arange(1.0, len(names) + 1)
    weights = 1 / (ranks * np.sqrt(ranks))
    steady = np.ones(len(names)) if rates is None else np.array(rates)
    return Choices(np.array(names, dtype=object), np.cumsum(weights), steady)


# From the most common to the rarest. "na" is Namibia, which careless readers take for null.
_COUNTRY_CODES = (
    "us br mx de in fr es gb it tr id ar pl co jp ca ru cl pe nl au ro pt se ua za th vn ph eg ma be at ch cz gr hu dk"
    " no fi ie nz kr tw my sg ae sa il na uy py bo ec cr pa gt do is lu"
).split()

_COUNTRY_RATES = [0.6 + (rank * 37 % 60) / 50 for rank in range(len(_COUNTRY_CODES))]

COUNTRIES = _ranked(_COUNTRY_CODES, _COUNTRY_RATES)

_SOURCES = {
    "Organic": 1.0,
    "Bluepeak Ads": 1.2,
    "Clickorchard": 0.9,
    "Cross Promo": 1.1,
    "Searchlight": 1.3,
    "Lantern Video": 0.8,
    "Paper Kite": 0.7,
    "Influencer": 1.4,
}

SOURCES = _ranked(list(_SOURCES), list(_SOURCES.values()))

PURCHASE_PRICES = np.array([0.99, 0.99, 0.99, 1.99, 1.99, 4.99, 9.99, 19.99])

_BEGINNINGS = (
    "Bel Cor Dal Est Fen Gar Hol Ilm Jar Kes Lor Mar Nor Oster Pel Quin Ros Sal Tor Ulm Val Wes Yar Zel".split()
)
_ENDINGS = "ia mont grad haven ora wick berg ina ton ska ville ado mark ea".split()
_PATTERNS = (
    "{}",
    "Provincia de {}",
    "S\u00e3o {}",
    "\u00cele de {}",
    "{} \u00d8st",
    "{} \u043e\u0431\u043b\u0430\u0441\u0442\u044c",
    "Upper {}",
    "{}, North",
    "\u00dcst {}",
    "{}\u770c",
    "\u0141uk {}",
)


def _regions_of(place: int) -> Choices:
    # Steps that share no factor with the 336 stems: names repeat late within a country and seldom across.
    stems = [begin + end for begin, end in product(_BEGINNINGS, _ENDINGS)]
    count = 3 + 30 // (place + 2)
    pattern = _PATTERNS[place % len(_PATTERNS)]
    return _ranked([pattern.format(stems[(place * 17 + number * 5) % len(stems)]) for number in range(count)])


REGIONS = [_regions_of(place) for place in range(len(_COUNTRY_CODES))]

_BRANDS = ("Aurio", "Brightel", "Cobaltine", "Dynaphone", "Everon", "Fonix", "Gleam", "Halden", "Irixa", "Kaitone")


def _android_devices() -> list[str]:
    return [
        f"{brand} {brand[0]}{'XLMS'[number % 4]}-{100 + number * 7 + place}"
        for number in range(36)
        for place, brand in enumerate(_BRANDS)
    ]


# By platform: Android, then iOS.
DEVICES = [_ranked(_android_devices()), _ranked(["Apple iPhone", "Apple iPad", "Apple iPod touch"])]

OS_VERSIONS = [
    _ranked("10 11 9 8.1.0 8.0.0 7.0 6.0.1 7.1.1 5.1.1 7.1.2 12 6.0 5.1 4.4.2 5.0.2 5.0 4.4.4".split()),
    _ranked(
        "14.4 14.3 14.4.1 13.7 14.2 12.5.1 14.4.2 14.1 14.0.1 13.6.1 13.5.1 14.5 13.3.1 12.4.1 13.6 14.0 13.4.1 12.4.8"
        " 13.3 13.5 10.3.3 12.1.4 11.4.1 13.1.3 12.3.1 12.4 13.2.3 12.2 10.3.4 11.2.6 9.3.5 15.0 11.3 12.0 14.6".split()
    ),
]
