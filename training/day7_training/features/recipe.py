"""Fits the feature plan of any table: installs with their target become the JSON document that `Plan` applies.

`TableRecipe.fit` learns from all the rows it is given. `training_features` applies a plan to those same rows with all
that looks at the target taken out of fold: a row's own target never reaches its features or its offset. The exact
factors of a fold reach the trees through the offset alone; means that are features are rounded, or they would tell
which fold a training row is in.
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import Protocol

import numpy as np
import pandas as pd

from ..inputs.field import Field
from ..inputs.schema import InputSchema
from ..progress import Progress, no_progress
from ..quality.anomalies import find_unit_anomalies
from .factors import Grouping, fit_factors, shrink
from .folds import fold_numbers
from .logarithm import natural_log
from .operators import FOLDS
from .plan import SECOND_FORMAT, Encoded, Plan
from .rates import expected_revenue, fit_rates
from .structure import FACTORS, FOLD, NONE, PARTS, RATES, Document, Structure, describe_columns, exposures_of
from .texts import encode_texts, group_by_text

# Many: what a training row sees should be as good as what a new install will see.
FOLD_COUNT = 10
# Of the payers' amounts; above it, one large payer would decide what a campaign is worth.
CAP_QUANTILE = 0.95
# So many average installs of its own group count beside those of a text, in what it brings over what is expected.
RELATIVE_INSTALLS = 20
_LEAST_LEVEL = 1e-6
# What is expected goes up with counts, as far as this many times the largest that was seen.
MOST_TIMES_LARGEST = 10
_RATE = "rate"


class Recipe(Protocol):
    """Rows and target -> feature plan, and the training rows as the trees shall see them."""

    inputs: InputSchema

    def unit(self, target: np.ndarray) -> float:
        """What the target is divided by before anything is fitted."""
        ...

    def fit(self, frame: pd.DataFrame, target: np.ndarray, *, offset: bool) -> Document: ...

    def fit_two_part(self, frame: pd.DataFrame, target: np.ndarray) -> Document: ...

    def training_features(
        self, document: Document, frame: pd.DataFrame, target: np.ndarray, seed: int, progress: Progress = no_progress
    ) -> Encoded: ...


def median_unit(target: np.ndarray) -> float:
    """The median of what is above 0, so that no currency changes what is learned; 1 where nothing is."""
    positive = target[target > 0]
    return float(np.median(positive)) if len(positive) else 1.0


class TableRecipe:
    """`base`: how the offset is made: none, factors or rates."""

    def __init__(self, inputs: InputSchema, base: str = FACTORS) -> None:
        self.inputs = inputs
        self.base = base

    def unit(self, target: np.ndarray) -> float:
        return median_unit(target)

    def fit(self, frame: pd.DataFrame, target: np.ndarray, *, offset: bool) -> Document:
        return self._fit(frame, target, self.base if offset else NONE)

    def fit_two_part(self, frame: pd.DataFrame, target: np.ndarray) -> Document:
        return self._fit(frame, target, PARTS[1])

    def training_features(
        self, document: Document, frame: pd.DataFrame, target: np.ndarray, seed: int, progress: Progress = no_progress
    ) -> Encoded:
        frame = encode_texts(frame)
        whole = _Whole(self.inputs, frame, target, _base_of(document))
        features = np.empty((len(frame), len(document["features"])))
        offset, units = np.empty(len(frame)), np.zeros(len(frame))
        folds = fold_numbers(len(frame), FOLD_COUNT, seed)
        with progress("features", FOLD_COUNT) as step:
            for fold in range(FOLD_COUNT):
                inside = folds == fold
                values = whole.target_values(np.flatnonzero(~inside))
                columns = [{**column, **values.get(column["name"], {})} for column in document["columns"]]
                plan = Plan({**document, "columns": columns}, self.inputs)
                encoded = plan.apply(frame[inside])
                features[inside], offset[inside] = encoded.features, encoded.offset
                if encoded.log_units is not None:
                    units[inside] = encoded.log_units
                step()
        return Encoded(features, offset, units if whole.anomalies and document["offset"] is not None else None)

    def _fit(self, frame: pd.DataFrame, target: np.ndarray, base: str) -> Document:
        frame = encode_texts(frame)
        whole = _Whole(self.inputs, frame, target, base)
        own = {**whole.plain_values(), **whole.target_values(np.arange(len(frame)))}
        columns = [{**column, **own.get(column["name"], {})} for column in whole.structure.columns]
        names = [column["name"] for column in columns]
        features = [name for name in names if name not in whole.structure.steps]
        offset = whole.offset
        return {"format": SECOND_FORMAT, "columns": columns, "features": features, "offset": offset}


# The offset's column by what it is made from; a second of the same name would have a number behind it.
_OFFSETS = {RATES: "log_expected_by_group", PARTS[1]: "log_amount_expected", FACTORS: "log_expected"}


def _base_of(document: Document) -> str:
    offset = document["offset"]
    return NONE if offset is None else next(base for base, name in _OFFSETS.items() if offset.startswith(name))


class _Whole:
    """All the rows, their groups by field, and the structure of the plan; values are fitted on any part of the rows."""

    def __init__(self, inputs: InputSchema, frame: pd.DataFrame, target: np.ndarray, base: str) -> None:
        self.frame, self.target, self.inputs = frame, target, inputs
        self.anomalies = _flagged(frame, target, inputs) if base != NONE else []
        self.structure: Structure = describe_columns(inputs, frame, target)
        self.offset: str | None = None
        self.base = base
        self.exposures: list[Field] = []
        self._factor_columns: dict[str, dict[str, str]] = {}
        self._levels: dict[str, str] = {}
        self._unit_columns: dict[str, str] = {}
        self.group = next(iter(inputs.with_role("group")), None)
        if base == RATES and not (self.group and self.group.name in self.structure.groupings):
            base = self.base = FACTORS  # all rows have one group, or each has its own
        if base == RATES:
            self._add_rates(exposures_of(inputs, frame, target))
        elif base == FACTORS:
            self._add_offset(PARTS)
        elif base in PARTS:
            self._add_offset((base,))

    def plain_values(self) -> dict[str, Document]:
        """Of the lookups that do not look at the target."""
        values = {}
        for column in self.structure.columns:
            if column.get("encoding") not in ("code", "frequency"):
                continue
            keys, grouping = self.structure.keys[column["field"]], self.structure.groupings[column["field"]]
            if column["encoding"] == "code":
                values[column["name"]] = _lookup(keys, np.arange(len(keys)), None, None)
            else:
                shares = np.bincount(grouping.number, minlength=grouping.count) / len(grouping.number)
                values[column["name"]] = _lookup(keys, shares[1:], 0, float(shares[0]))
        return values

    def target_values(self, rows: np.ndarray) -> dict[str, Document]:
        """Of all columns that look at the target, fitted on these rows alone."""
        values, units = self._units(rows)
        target = self.target[rows] / units
        capped = _capped(target, CAP_QUANTILE)
        values.update(self._means(rows, capped))
        if self.base == RATES:
            values.update(self._rates(rows, target))
        elif self.base != NONE:
            pays = (target > 0).astype(np.float64)
            for part in PARTS if self.base == FACTORS else (self.base,):
                chosen = rows if part == PARTS[0] else rows[target > 0]
                wanted = pays if part == PARTS[0] else capped[target > 0]
                values.update(self._factors(part, chosen, wanted, counts=part == PARTS[0]))
        return values

    def _means(self, rows: np.ndarray, capped: np.ndarray) -> dict[str, Document]:
        values = {}
        pays = (capped > 0).astype(np.float64)
        for column in self.structure.columns:
            encoding = column.get("encoding")
            if encoding in ("target_mean", "payer_share"):
                counts = encoding == "payer_share"
                grouping = self.structure.groupings[column["field"]].of(rows)
                means, mean = shrink(grouping, pays if counts else capped, counts=counts)
                rounded, whole = nearest_power_of_two(means), float(nearest_power_of_two(np.array([mean]))[0])
                keys = self.structure.keys[column["field"]]
                values[column["name"]] = _lookup(keys, rounded[1:], whole, float(rounded[0]))
        return values

    def _add_offset(self, parts: tuple[str, ...]) -> None:
        units = self._add_units()
        of = [self._add_factors(part, units if part == PARTS[1] else ()) for part in parts]
        if len(of) == 1:
            self.offset = of[0]
            return
        self.offset = self.structure.add("log_expected", "sum", step=True, of=of)

    def _add_units(self) -> tuple[str, ...]:
        """A column for each field that has groups in another unit."""
        made = self.structure
        for name in dict.fromkeys(name for name, _ in self.anomalies):
            column = made.names.new("unit", made.slugs[name])
            lookup = {"field": name, "encoding": "log_unit", "fold": FOLD}
            self._unit_columns[name] = made.add(column, "lookup", step=True, **lookup)
        return tuple(self._unit_columns.values())

    def _units(self, rows: np.ndarray) -> tuple[dict[str, Document], np.ndarray]:
        """Of the groups in another unit, by what factor their revenue per event is another; and each row's factor."""
        target = self.target[rows]
        events = _events(self.frame, self.inputs)[rows]
        usable = (target > 0) & (events > 0)
        rate = np.divide(target, events, out=np.zeros_like(target), where=usable)
        units = np.ones(len(rows))
        values: dict[str, Document] = {}
        for name, column in self._unit_columns.items():
            number, keys = group_by_text(self.frame[name], FOLDS[FOLD])
            number, logs = number[rows], {}
            flagged = [key for field, key in self.anomalies if field == name]
            others = usable & ~np.isin(number, [keys.index(key) + 1 for key in flagged])
            for key in flagged:
                members = number == keys.index(key) + 1
                if np.count_nonzero(members & usable) and np.any(others):
                    ratio = float(np.median(rate[members & usable]) / np.median(rate[others]))
                    logs[key] = float(natural_log(np.array([ratio]))[0])
                    units[members] *= ratio
            values[column] = {"values": logs, "unknown": 0, "missing": 0}
        return values, units

    def _add_factors(self, part: str, before: tuple[str, ...] = ()) -> str:
        made = self.structure
        columns = self._factor_columns[part] = {}
        of = list(before)
        for each in made.factor_fields:
            name = made.names.new(part, each.slug)
            if each.is_text:
                made.add(name, "lookup", step=True, field=each.name, encoding="log_factor", fold=FOLD)
            else:
                made.add(name, "step", step=True, argument=each.argument, edges=list(each.edges))
            of.append(name)
            columns[each.name] = name
        if not of:  # no field tells rows apart: then the level is all there is
            first = made.columns[0]["name"]
            of.append(made.add(made.names.new(part, "nothing"), "linear", step=True, argument=first, factor=0, plus=0))
        total = made.add(made.names.new(part, "factors"), "sum", step=True, of=of)
        name = self._levels[part] = made.names.new("log", part, "expected")
        return made.add(name, "linear", step=True, argument=total, factor=1)

    def _factors(self, part: str, rows: np.ndarray, target: np.ndarray, *, counts: bool) -> dict[str, Document]:
        made = self.structure
        columns = self._factor_columns[part]
        fields = [each for each in made.factor_fields if each.name in columns]
        groupings: Mapping[str, Grouping] = {each.name: made.groupings[each.name].of(rows) for each in fields}
        factors = fit_factors(groupings, target, counts=counts)
        values: dict[str, Document] = {}
        for each in fields:
            logs = natural_log(factors.by_field[each.name])
            name = columns[each.name]
            if each.is_text:
                values[name] = _lookup(made.keys[each.name], logs[1:], 0, float(logs[0]))
            else:
                values[name] = {"values": logs[1:].tolist(), "missing": float(logs[0])}
        level = max(factors.level, _LEAST_LEVEL)
        values[self._levels[part]] = {"plus": float(natural_log(np.array([level]))[0])}
        return values

    def _add_rates(self, exposures: list[Field]) -> None:
        """Rates of the group times exposures; what a text brings over what that leads to expect is a feature."""
        made = self.structure
        assert self.group is not None
        self.exposures = [each for each in exposures if made.slugs[each.name] in {c["name"] for c in made.columns}]
        lookup = {"field": self.group.name, "encoding": "revenue_rate", "fold": FOLD}
        parts = [made.add(made.names.new(_RATE, "install"), "lookup", step=True, **lookup)]
        for each in self.exposures:
            slug = made.slugs[each.name]
            rate = made.add(made.names.new(_RATE, slug), "lookup", step=True, **lookup)
            most = MOST_TIMES_LARGEST * float(np.nanmax(np.maximum(self.frame[each.name].to_numpy(), 0)))
            bounds = {"minimum": 0, "maximum": most}
            positive = made.add(made.names.new(slug, "bounded"), "clip", step=True, argument=slug, **bounds)
            parts.append(made.add(made.names.new("from", slug), "product", step=True, of=[rate, positive]))
        expected = made.add(made.names.new("expected", "by", "group"), "sum", step=True, of=parts)
        log = made.add(made.names.new("log", expected), "log", step=True, argument=expected, plus=0)
        for each in made.factor_fields:
            if each.is_text and each.name != self.group.name:
                lookup = {"field": each.name, "encoding": "relative_revenue", "fold": FOLD}
                made.add(made.names.new(each.slug, "relative_revenue"), "lookup", **lookup)
        units = self._add_units()
        self.offset = made.add(made.names.new(log, "in", "unit"), "sum", step=True, of=[log, *units]) if units else log

    def _rates(self, rows: np.ndarray, target: np.ndarray) -> dict[str, Document]:
        assert self.group is not None
        grouping = self.structure.groupings[self.group.name]
        number = grouping.number[rows]
        counts = [np.maximum(self.frame[each.name].fillna(0).to_numpy()[rows], 0) for each in self.exposures]
        exposures = np.column_stack([np.ones(len(rows)), *counts])
        rates = fit_rates(number, grouping.count, exposures, target)
        keys = self.structure.keys[self.group.name]
        lookups = [c for c in self.structure.columns if c.get("encoding") == "revenue_rate"]
        values = {}
        for place, column in enumerate(lookups):
            each, whole = rates.groups[:, place], float(rates.whole[place])
            # A missing group is one like any other, where there are such rows.
            missing = float(each[0]) if np.any(number == 0) else whole
            values[column["name"]] = _lookup(keys, each[1:], whole, missing)
        average = np.repeat(exposures.mean(axis=0)[None], grouping.count, axis=0)
        unit = expected_revenue(rates.groups, average)[number]
        base = expected_revenue(rates.groups[number], exposures) / unit
        for column in self.structure.columns:
            if column.get("encoding") == "relative_revenue":
                number, count = self.structure.groupings[column["field"]].of(rows)
                seen, due = (np.bincount(number, each, minlength=count) for each in (target / unit, base))
                ratios = (seen + RELATIVE_INSTALLS) / (due + RELATIVE_INSTALLS)
                keys = self.structure.keys[column["field"]]
                values[column["name"]] = _lookup(keys, ratios[1:], 1, float(ratios[0]))
        return values


def _flagged(frame: pd.DataFrame, target: np.ndarray, inputs: InputSchema) -> list[tuple[str, str]]:
    """Field and folded text of the groups in another unit."""
    anomalies, _ = find_unit_anomalies(frame.assign(**{inputs.target.name: target}), inputs)
    return [(each.field, each.value) for each in anomalies]


def _events(frame: pd.DataFrame, inputs: InputSchema) -> np.ndarray:
    counted = [field.name for field in inputs.with_role("event")]
    return frame[counted].sum(axis=1).to_numpy() if counted else np.ones(len(frame))


def nearest_power_of_two(values: np.ndarray) -> np.ndarray:
    """0 stays. The exact mean of the other folds would tell which fold a training row is in."""
    mantissa, exponent = np.frexp(values)  # values = mantissa * 2**exponent, mantissa from 1/2
    up = mantissa >= 0.7071067811865476
    return np.where(mantissa > 0, np.ldexp(1.0, exponent - 1 + up), 0.0)


def _capped(target: np.ndarray, quantile: float) -> np.ndarray:
    positive = target[target > 0]
    return np.minimum(target, np.quantile(positive, quantile)) if len(positive) else target


def _lookup(keys: list[str], values: np.ndarray, unknown: float | None, missing: float | None) -> Document:
    return {"values": dict(zip(keys, values.tolist())), "unknown": unknown, "missing": missing}
