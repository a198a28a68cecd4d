"""Made-up tables whose truth is known: rows with a target that is mostly zero, and what each row was expected to bring.

Nothing in them is taken from real installs. The tables differ in what carries the signal: campaigns, early events,
or rates of events by country. `expected` is the mean of the distribution that each target was drawn from, so its
normalised Gini is the best that any model can have.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass

import numpy as np
import pandas as pd


@dataclass(frozen=True)
class MadeUp:
    """`frame` has text, number, boolean and time columns as the package's frames have them."""

    frame: pd.DataFrame
    target: np.ndarray
    expected: np.ndarray
    kinds: dict[str, str]
    roles: dict[str, list[str]]


def _names(prefix: str, count: int) -> np.ndarray:
    return np.array([f"{prefix}{number}" for number in range(count)], dtype=object)


def _ranked(generator: np.random.Generator, rows: int, count: int, steepness: float = 1.0) -> np.ndarray:
    weights = 1 / np.arange(1.0, count + 1) ** steepness
    return generator.choice(count, size=rows, p=weights / weights.sum())


def _times(generator: np.random.Generator, rows: int) -> np.ndarray:
    start = 1_777_000_000_000
    days = generator.integers(0, 60, rows)
    hour = np.minimum(23, generator.beta(3, 2, rows) * 24)
    return start + days * 86_400_000.0 + np.floor(hour * 3_600_000)


def _standardised(values: np.ndarray) -> np.ndarray:
    return (values - values.mean()) / values.std()


def purchases(rows: int, seed: int) -> MadeUp:
    """A hurdle: one in ten buys, driven by campaign, country and first-day play; amounts have a heavy tail."""
    g = np.random.Generator(np.random.PCG64(seed))
    country, campaign = _ranked(g, rows, 60), _ranked(g, rows, 400, 0.8)
    source = campaign % 7
    device, platform = _ranked(g, rows, 600, 0.9), g.integers(0, 2, rows)
    sessions = 1 + g.poisson(g.gamma(1.0, 2.5, rows))
    level = g.negative_binomial(1.5, 1 / (1 + 2.0 * sessions))
    tutorial = g.random(rows) < 0.4 + 0.4 * (level > 2)
    store = g.poisson(0.15 * sessions)
    spent = np.where(g.random(rows) < 0.03, g.choice([0.99, 4.99, 9.99], rows), 0.0)
    effect = 0.9 * g.normal(size=400)[campaign] + 0.4 * g.normal(size=60)[country] + 0.3 * g.normal(size=7)[source]
    play = 0.5 * np.log1p(level) + 0.5 * np.log1p(store) + 0.3 * tutorial + 0.4 * platform + 1.5 * (spent > 0)
    chance = 1 / (1 + np.exp(-(-4.2 + effect + play)))
    size = np.exp(1.2 + 0.5 * g.normal(size=400)[campaign] + 0.5 * g.normal(size=60)[country] + 0.3 * np.log1p(spent))
    target = np.where(g.random(rows) < chance, size * g.lognormal(-0.5, 1.0, rows), 0.0)
    times = _times(g, rows)
    frame = pd.DataFrame(
        {
            "campaign": _names("cmp_", 400)[campaign],
            "media source": _names("Source ", 7)[source],
            "country": _names("c", 60)[country],
            "device": _names("Phone ", 600)[device],
            "os": np.where(platform == 1, "17.", "13.").astype(object) + g.integers(0, 5, rows).astype(str),
            "platform": np.where(platform == 1, "ios", "android").astype(object),
            "sessions": sessions.astype(float),
            "level": np.where(g.random(rows) < 0.05, np.nan, level),
            "store_visits": store.astype(float),
            "spent_d0": spent,
            "tutorial": tutorial.astype(float),
            "install_time": times,
        }
    )
    roles = {"campaign": ["facet"], "media source": ["facet"], "country": ["facet", "group"], "os": ["version"],
             "sessions": ["event"], "level": ["event"], "store_visits": ["event"], "spent_d0": ["amount"],
             "install_time": ["install_time"]}  # fmt: skip
    return MadeUp(frame, np.round(target, 2), chance * size, _kinds(frame, ["tutorial"], ["install_time"]), roles)


def subscriptions(rows: int, seed: int) -> MadeUp:
    """One in twenty pays one of three prices; campaign and ad matter most, and identifiers are noise."""
    g = np.random.Generator(np.random.PCG64(seed))
    campaign, ad, site = _ranked(g, rows, 150, 0.7), _ranked(g, rows, 900, 0.6), _ranked(g, rows, 2000, 0.7)
    country, language = _ranked(g, rows, 25), _ranked(g, rows, 12)
    minutes = g.gamma(0.8, 20.0, rows)
    opened = g.poisson(0.6, rows)
    push = np.where(g.random(rows) < 0.3, np.nan, (g.random(rows) < 0.5).astype(float))
    lift = 0.8 * g.normal(size=150)[campaign] + 0.5 * g.normal(size=900)[ad] + 0.3 * g.normal(size=25)[country]
    lift = lift + 0.35 * np.log1p(minutes) - 0.9 + 0.5 * opened + 0.4 * np.nan_to_num(push)
    chance = 1 / (1 + np.exp(-(-4.1 + lift)))
    tier = 1 / (1 + np.exp(-(0.8 * g.normal(size=25)[country])))
    price = np.where(g.random(rows) < tier, 29.99, 7.99)
    target = np.where(g.random(rows) < chance, price, 0.0)
    times = _times(g, rows)
    frame = pd.DataFrame(
        {
            "Campaign": _names("Campaign ", 150)[campaign],
            "Ad": _names("video_", 900)[ad],
            "Site ID": _names("site", 2000)[site],
            "Country Code": _names("k", 25)[country],
            "Language": _names("l", 12)[language],
            "minutes": np.round(minutes, 1),
            "paywall_opened": opened.astype(float),
            "push_opt_in": push,
            "Install Time": times,
        }
    )
    roles = {"Campaign": ["facet"], "Country Code": ["facet", "group"], "minutes": ["amount"],
             "paywall_opened": ["event"], "Install Time": ["install_time"]}  # fmt: skip
    expected = chance * (tier * 29.99 + (1 - tier) * 7.99)
    return MadeUp(frame, target, expected, _kinds(frame, ["push_opt_in"], ["Install Time"]), roles)


def advertising(rows: int, seed: int) -> MadeUp:
    """Three in four bring nothing; the others bring rates of their country times what they watched, and play on."""
    g = np.random.Generator(np.random.PCG64(seed))
    country, campaign = _ranked(g, rows, 80), _ranked(g, rows, 120, 0.7)
    rewarded, inter = g.negative_binomial(0.5, 0.1, rows), g.negative_binomial(0.8, 0.15, rows)
    stays = 1 / (1 + np.exp(-(-1.9 + 0.7 * g.normal(size=120)[campaign] + 0.25 * np.log1p(rewarded + inter))))
    rate = np.exp(0.9 * g.normal(size=80))[country]
    mean = rate * (0.004 + 0.012 * rewarded + 0.004 * inter) * np.exp(0.5 * g.normal(size=120)[campaign])
    target = np.where(g.random(rows) < stays, mean * g.gamma(1.2, 1 / 1.2, rows), 0.0)
    frame = pd.DataFrame(
        {
            "campaign_name": _names("c", 120)[campaign],
            "geo": _names("g", 80)[country],
            "device_model": _names("m", 300)[_ranked(g, rows, 300)],
            "rv_impressions": rewarded.astype(float),
            "inter_impressions": inter.astype(float),
            "battery": np.round(g.random(rows), 2),
            "is_lat": (g.random(rows) < 0.5).astype(float),
        }
    )
    roles = {"campaign_name": ["facet"], "geo": ["facet", "group"], "rv_impressions": ["event"],
             "inter_impressions": ["event"]}  # fmt: skip
    return MadeUp(frame, target, stays * mean, _kinds(frame, ["is_lat"], []), roles)


def whales(rows: int, seed: int) -> MadeUp:
    """Nine in ten bring nothing and a few bring thousands, which says nothing of their campaign."""
    g = np.random.Generator(np.random.PCG64(seed))
    campaign, geo = _ranked(g, rows, 250, 0.9), _ranked(g, rows, 40)
    creative = _ranked(g, rows, 60, 0.5)
    quests, fights = g.poisson(g.gamma(1.2, 3.0, rows)), g.poisson(g.gamma(0.7, 5.0, rows))
    score = 0.7 * g.normal(size=250)[campaign] + 0.5 * g.normal(size=40)[geo] + 0.3 * g.normal(size=60)[creative]
    score = score + 0.6 * np.log1p(quests) + 0.15 * np.log1p(fights)
    chance = 1 / (1 + np.exp(-(-3.9 + score)))
    size = np.exp(1.0 + 0.6 * g.normal(size=40)[geo])
    target = np.where(g.random(rows) < chance, size * (g.pareto(1.8, rows) + 0.2), 0.0)
    expected = chance * size * (1 / 0.8 + 0.2)
    frame = pd.DataFrame(
        {
            "utm_campaign": _names("u", 250)[campaign],
            "utm_content": _names("v", 60)[creative],
            "geo": _names("G", 40)[geo],
            "quests": quests.astype(float),
            "fights": fights.astype(float),
            "coins": np.round(g.lognormal(3, 1, rows)),
            "fps": np.round(g.normal(50, 8, rows), 1),
        }
    )
    roles = {"utm_campaign": ["facet"], "geo": ["facet", "group"], "quests": ["event"], "fights": ["event"]}
    return MadeUp(frame, np.round(target, 2), expected, _kinds(frame, [], []), roles)


def renewals(rows: int, seed: int) -> MadeUp:
    """Trials that turn into weekly payments of one price, renewed by a chance of the keyword and the country."""
    g = np.random.Generator(np.random.PCG64(seed))
    keyword, network, country = _ranked(g, rows, 300, 0.9), _ranked(g, rows, 8), _ranked(g, rows, 30)
    steps, views = g.binomial(8, 0.6, rows), g.poisson(1.2, rows)
    price = g.choice([2.99, 4.99, 9.99], rows, p=[0.3, 0.5, 0.2])
    start = (
        0.7 * g.normal(size=300)[keyword] + 0.5 * g.normal(size=8)[network] + 0.35 * steps + 0.4 * views - 0.12 * price
    )
    trial = g.random(rows) < 1 / (1 + np.exp(-(start - 3.6)))
    pay = 1 / (1 + np.exp(-(-0.6 + 0.8 * g.normal(size=30)[country] + 0.5 * g.normal(size=300)[keyword])))
    weeks = np.where(g.random(rows) < pay, g.binomial(3, pay) + 1, 0)
    frame = pd.DataFrame(
        {
            "keyword": _names("kw ", 300)[keyword],
            "network": _names("n", 8)[network],
            "country": _names("c", 30)[country],
            "timezone": _names("tz", 24)[_ranked(g, rows, 24)],
            "onboarding_steps": steps.astype(float),
            "paywall_views": views.astype(float),
            "price_shown": price,
            "trial_started": trial.astype(float),
            "heap_mb": np.round(g.normal(300, 60, rows)),
        }
    )
    roles = {"keyword": ["facet"], "network": ["facet"], "country": ["facet", "group"], "onboarding_steps": ["event"],
             "paywall_views": ["event"], "price_shown": ["amount"]}  # fmt: skip
    expected = trial * pay * price * (1 + 3 * pay)
    return MadeUp(frame, np.round(trial * weeks * price, 2), expected, _kinds(frame, ["trial_started"], []), roles)


def noise(rows: int, seed: int) -> MadeUp:
    """Sixty columns, of which six say something: two texts, and numbers of which one matters in the middle of its range."""
    g = np.random.Generator(np.random.PCG64(seed))
    columns: dict[str, np.ndarray] = {}
    for place in range(12):
        count = int(g.choice([3, 10, 50, 300, 2000]))
        columns[f"text {place}"] = _names(f"t{place}_", count)[_ranked(g, rows, count, 0.7)]
    for place in range(44):
        shape = [g.normal(0, 1, rows), g.lognormal(2, 1.5, rows), g.poisson(2, rows) * 1.0, g.random(rows) * 1e6][
            place % 4
        ]
        columns[f"number {place}"] = np.where(g.random(rows) < 0.02 * (place % 3), np.nan, np.round(shape, 3))
    channel, game = _ranked(g, rows, 40), _ranked(g, rows, 6)
    age, wins, pulls, ping = (
        g.normal(30, 9, rows),
        g.poisson(3, rows),
        g.poisson(g.gamma(0.6, 3.0, rows)),
        g.gamma(2, 40, rows),
    )
    score = 0.7 * g.normal(size=40)[channel] + 0.5 * g.normal(size=6)[game] - ((age - 32) / 12) ** 2
    score = score + 0.5 * np.log1p(pulls) * (1 + (game % 2)) + 0.1 * wins - 0.004 * ping
    chance = 1 / (1 + np.exp(-(-2.4 + score)))
    size = np.exp(0.4 * np.log1p(pulls) + 0.4 * g.normal(size=6)[game])
    target = np.where(g.random(rows) < chance, size * g.gamma(0.8, 1 / 0.8, rows), 0.0)
    columns |= {"channel": _names("ch", 40)[channel], "game": _names("G", 6)[game], "age": np.round(age, 1)}
    columns |= {"wins": wins * 1.0, "pulls": pulls * 1.0, "ping": np.round(ping)}
    frame = pd.DataFrame(columns)
    roles = {"channel": ["facet"], "game": ["facet", "group"], "wins": ["event"], "pulls": ["event"]}
    return MadeUp(frame, target, chance * size, _kinds(frame, [], []), roles)


def units(rows: int, seed: int) -> MadeUp:
    """Advertising revenue alone; one market is in thousandths, and two campaigns never bring anything."""
    g = np.random.Generator(np.random.PCG64(seed))
    market, campaign = _ranked(g, rows, 20, 0.8), _ranked(g, rows, 80, 0.6)
    banners, videos = g.negative_binomial(1, 0.1, rows), g.negative_binomial(0.6, 0.1, rows)
    rate = np.exp(0.7 * g.normal(size=20))
    rate[5] *= 1000
    alive = (campaign != 1) & (campaign != 7)
    stays = alive / (1 + np.exp(-(-1.2 + 0.6 * g.normal(size=80)[campaign] + 0.2 * np.log1p(videos))))
    mean = rate[market] * (0.0005 + 0.0004 * banners + 0.009 * videos)
    target = np.where(g.random(rows) < stays, mean * g.gamma(2.0, 0.5, rows), 0.0)
    frame = pd.DataFrame(
        {
            "market": _names("M", 20)[market],
            "campaign": _names("c", 80)[campaign],
            "publisher": _names("p", 500)[_ranked(g, rows, 500, 0.8)],
            "banners": banners.astype(float),
            "videos": videos.astype(float),
            "screen": g.choice([320.0, 360.0, 390.0, 412.0], rows),
        }
    )
    roles = {"market": ["facet", "group"], "campaign": ["facet"], "banners": ["event"], "videos": ["event"]}
    return MadeUp(frame, target, stays * mean, _kinds(frame, [], []), roles)


def multiples(rows: int, seed: int) -> MadeUp:
    """Everything multiplies: what first-day payers spent, their channel and their country, with a tail of two orders."""
    g = np.random.Generator(np.random.PCG64(seed))
    channel, country, device = _ranked(g, rows, 90, 0.7), _ranked(g, rows, 50), _ranked(g, rows, 400, 0.9)
    hours = g.gamma(1.0, 2.0, rows)
    first = g.random(rows) < 0.04
    spent = np.where(first, g.lognormal(1.2, 1.0, rows), 0.0)
    tier = 0.6 * g.normal(size=400)[device]
    chance = 1 / (1 + np.exp(-(-3.4 + 0.6 * g.normal(size=90)[channel] + 0.5 * np.log1p(hours) + 2.2 * first)))
    size = (1 + spent) ** 0.8 * np.exp(0.5 * g.normal(size=50)[country] + tier + 0.3 * g.normal(size=90)[channel])
    target = np.where(g.random(rows) < chance, size * g.lognormal(-0.72, 1.2, rows), 0.0)
    frame = pd.DataFrame(
        {
            "Channel": _names("Ch ", 90)[channel],
            "Country": _names("C", 50)[country],
            "Device": _names("D", 400)[device],
            "hours": np.round(hours, 2),
            "revenue_d0": np.round(spent, 2),
            "os_version": np.char.add(g.integers(10, 18, rows).astype(str), ".1").astype(object),
        }
    )
    roles = {"Channel": ["facet"], "Country": ["facet", "group"], "hours": ["amount"], "revenue_d0": ["amount"],
             "os_version": ["version"]}  # fmt: skip
    return MadeUp(frame, np.round(target, 2), chance * size, _kinds(frame, [], []), roles)


def _kinds(frame: pd.DataFrame, booleans: list[str], times: list[str]) -> dict[str, str]:
    return {
        name: "boolean" if name in booleans else "time" if name in times else
        "number" if frame[name].dtype.kind == "f" else "text"
        for name in frame
    }  # fmt: skip


TABLES: dict[str, Callable[[int, int], MadeUp]] = {
    "purchases": purchases,
    "subscriptions": subscriptions,
    "advertising": advertising,
    "whales": whales,
    "renewals": renewals,
    "noise": noise,
    "units": units,
    "multiples": multiples,
}
