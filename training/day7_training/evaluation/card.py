"""The model card: a bundle's manifest and evaluation become a page in Markdown, with one picture beside it.

It says what the model is for, what it learnt from, how it did on rows it had not seen, and what it must not
be used for. Every number is the bundle's own; the same bundle gives the same page.
"""

from __future__ import annotations

import io
from typing import Any

from ..inputs.schema import NINE_FIELDS, InputSchema
from .metrics import format_metric

_MEANINGS = {
    "mae": "mean absolute error",
    "rmse": "root of the mean squared error",
    "r2": "R²; 0 is as good as the mean",
    "normalisedGini": "normalised Gini: is the order right? 1 is perfect, 0 no skill",
    "spearman": "correlation of the ranks",
    "biasRatio": "sum of predictions over sum of revenue; above 1 bids too high",
    "topCapture": "revenue of the 5 % predicted highest, over that of the 5 % that brought most",
    "payerAuc": "chance that a payer is predicted above one who brings nothing",
    "withinInterval": "share of the installs from p10 to p90",
    "belowInterval": "share below p10; where p10 is 0, none can be",
    "aboveInterval": "share above p90; a tenth is perfect",
}

_COMBINATIONS = {
    "single": "one model",
    "mean": "the mean of several models",
    "hurdle": "the chance to pay times what a payer brings",
}

_PARTS = {"all": "All rows", "withoutFlagged": "Without the groups in another unit"}


def model_card(
    manifest: dict[str, Any], evaluation: dict[str, Any], picture: str, inputs: InputSchema = NINE_FIELDS
) -> str:
    """`picture` is the calibration plot's file name beside the page."""
    training = manifest["training"]
    parts = {title: evaluation[part] for part, title in _PARTS.items() if evaluation[part] is not None}
    lines = [
        f"# Model card: {manifest['name']} {manifest['version']}",
        "",
        *_warning(training),
        "Generated from the bundle's manifest and evaluation by `python -m day7_training card`; do not edit.",
        "",
        "## Intended use",
        "",
        f"Predicts what one install of a mobile game brings in its first {manifest['horizonDays']} days, from what is known",
        *_about(inputs),
        "bidding and budgeting over many installs, for ranking players, and for early reports. Not meant to treat a single",
        "person differently in price or service, nor as an accounting figure.",
        "",
        "## The model",
        "",
        *_table(
            ("", ""),
            [
                ("objective", f"LightGBM {manifest['objective']}, {manifest['parameters']['num_iterations']} trees"),
                *_combination(manifest),
                ("features", _features(manifest, inputs)),
                ("offset", _offset(manifest["offset"], inputs)),
                *_calibrated(manifest),
                ("LightGBM", manifest["lightgbmVersion"]),
            ],
        ),
        "",
        "## Data",
        "",
        *_table(
            ("", ""),
            [
                ("what", training["description"] or "not said"),
                ("rows", f"{training['rows']:,}"),
                ("sha256 of the file", f"`{training['dataSha256']}`"),
                ("groups in another unit", _flagged(training)),
                *_negative(training),
            ],
        ),
        *_fields(inputs),
        "",
        "## Metrics",
        "",
        *_held_out(evaluation),
        "brackets the 95 % interval, by bootstrap over rows. Revenue is in the unit of the training data.",
        "",
    ]
    for title, part in parts.items():
        lines += [f"### {title}", "", *_metrics(part), "", *_calibration(part), "", *_groups(part["groups"]), ""]
    lines += [
        *over_time(evaluation),
        f"![Mean predicted and mean actual revenue by tenths of the installs]({picture})",
        "",
        "## Limits",
        "",
        "- It knows the games, countries and channels of its training data. A new country gets the rates of a usual one.",
        "- Revenue has a heavy tail: a few players bring most of it, and what one player brings is hard to tell. The",
        "  intervals above are for sums over many installs of the same kind as the training data.",
        "- Prices, campaigns and the game change. Retrain when the drift or the bias ratio of recent installs says so.",
        "- Revenue in another unit (cents, another currency) is learnt as it is. `inspect` finds groups that look so.",
        "",
        "## Your own data",
        "",
        "```sh",
        "cd training",
        f".venv/bin/python -m day7_training inspect --data installs.csv{_schema(inputs)} --out report.html",
        f".venv/bin/python -m day7_training train --data installs.csv{_schema(inputs)} --out ../artifacts/mine",
        ".venv/bin/python -m day7_training card --bundle ../artifacts/mine --out model.md",
        "```",
        "",
    ]
    return "\n".join(lines)


def calibration_picture(evaluation: dict[str, Any]) -> str:
    """SVG; text stays text and ids are fixed, so that the same evaluation gives the same bytes."""
    import matplotlib

    from .plots import calibration_figure

    part = evaluation["withoutFlagged"] or evaluation["all"]
    with matplotlib.rc_context({"svg.fonttype": "none", "svg.hashsalt": "day7"}):
        drawn = io.StringIO()
        calibration_figure(part).savefig(drawn, format="svg", metadata={"Date": None, "Creator": None})
    return "\n".join(line.rstrip() for line in drawn.getvalue().splitlines()) + "\n"


def _warning(training: dict[str, Any]) -> list[str]:
    if not training["synthetic"]:
        return []
    text = "> **Trained on synthetic data.** It shows what a model card looks like; its answers mean nothing about players."
    return [text, ""]


def _about(inputs: InputSchema) -> list[str]:
    if inputs is NINE_FIELDS:
        return [
            "about a day after it: where the player is, where he came from, his device, and three event counts. Meant for"
        ]
    return [f"when it is asked for: {len(inputs.fields)} fields, which stand below. Meant for"]


def _features(manifest: dict[str, Any], inputs: InputSchema) -> str:
    fields = "nine" if inputs is NINE_FIELDS else f"{len(inputs.fields)}"
    return f"{len(manifest['features'])}, of the {fields} input fields"


def _fields(inputs: InputSchema) -> list[str]:
    if inputs is NINE_FIELDS:
        return []
    rows = [
        (_escaped(field.name), field.kind, ", ".join(field.roles), _escaped(field.description or ""))
        for field in inputs.fields
    ]
    return ["", "## Input fields", "", *_table(("field", "kind", "roles", "meaning"), rows)]


def _escaped(text: str) -> str:
    return " ".join(text.replace("\\", "\\\\").replace("|", "\\|").split())


def _calibrated(manifest: dict[str, Any]) -> list[tuple[str, str]]:
    calibration = (manifest.get("prediction") or {}).get("calibration")
    if calibration is None:
        return []
    groups = f"; its own for {', '.join(map(_escaped, calibration['groups']))}" if calibration["groups"] else ""
    return [
        (
            "calibration",
            f"raw score × {calibration['slope']:.4g} + {calibration['intercept']:.4g}, by held-out rows{groups}",
        )
    ]


def _negative(training: dict[str, Any]) -> list[tuple[str, str]]:
    if not training.get("negative"):
        return []
    rows, treatment = training["negative"]["rows"], training["negative"]["treatment"]
    return [("revenue below 0", f"{rows:,} rows, {'set to 0' if treatment == 'clip' else 'left out'}")]


def _schema(inputs: InputSchema) -> str:
    return "" if inputs is NINE_FIELDS else " --schema schema.toml"


def _offset(name: str | None, inputs: InputSchema) -> str:
    if name is None:
        return "none"
    if inputs is not NINE_FIELDS:
        return f"`{name}`: what such an install is expected to bring; the trees learn what that misses"
    return (
        f"`{name}`: what such an install is expected to bring by its country's rates; the trees learn what that misses"
    )


def _combination(manifest: dict[str, Any]) -> list[tuple[str, str]]:
    if (prediction := manifest.get("prediction")) is None:
        return []
    names = ", ".join(f"{each['role']} ({each['objective']})" for each in prediction["ensembles"])
    interval = "" if prediction["interval"] is None else "; p10 and p90 by models of quantiles"
    return [("ensembles", f"{_COMBINATIONS[prediction['combine']]}: {names}{interval}")]


def _flagged(training: dict[str, Any]) -> str:
    if not training["flagged"]:
        return "none found"
    found = [
        f"{each['field']} {each['value']} ({each['rows']} rows, {each['revenue_share']:.2%} of revenue)"
        for each in training["flagged"]
    ]
    return f"{'left out' if training['flaggedDropped'] else 'kept'}: {', '.join(found)}"


def _metrics(part: dict[str, Any]) -> list[str]:
    rows = [
        (f"`{name}`", _with_interval(part["metrics"][name], part["intervals"][name]), meaning)
        for name, meaning in _MEANINGS.items()
        if name in part["metrics"]
    ]
    return [f"{part['metrics']['rows']:,} rows.", "", *_table(("metric", "value", "meaning"), rows)]


def _held_out(evaluation: dict[str, Any]) -> list[str]:
    if evaluation.get("time", {}).get("rolling") is None:
        return [
            "On rows held out from the model that predicted them: five folds, or one where there are over 100,000 rows. In"
        ]
    return [
        "On installs that came after what the model that predicted them had learnt, by rolling origin (see Over time). In"
    ]


def over_time(evaluation: dict[str, Any]) -> list[str]:
    """Error and bias by origin, and what random folds say; nothing where the rows have no time."""
    if (time := evaluation.get("time")) is None:
        return []
    left_out = f"{time['leftOut']['immature']:,} rows were left out: their horizon of {time['horizonDays']:g} days had not passed"
    unknown = time["leftOut"]["withoutTime"]
    more = f"; so were {unknown:,} rows without a time" if unknown else ""
    lines = ["## Over time", "", f"By the column {_escaped(time['column'])}. {left_out} at {time['asOf'][:16]}{more}."]
    if (rolling := time["rolling"]) is None:
        return [*lines, "The mature rows are too few, or of too short a time, to roll an origin through.", ""]
    rows = [
        (
            each["origin"][:10],
            f"{each['learnedRows']:,}",
            f"{each['metrics']['rows']:,}",
            format_metric(each["metrics"]["mae"]),
            _ratio(each["metrics"]),
        )
        for each in rolling["origins"]
    ]
    random = rolling["randomFolds"]
    rows.append(("random folds", "", f"{random['rows']:,}", format_metric(random["mae"]), _ratio(random)))
    difference = ", ".join(f"{name} {value:+.4g}" for name, value in rolling["difference"].items())
    return [
        *lines,
        "A model that knew what had matured at its origin was tested on the installs from there to the next origin.",
        "",
        *_table(("origin", "rows learnt from", "rows tested", "MAE", "bias ratio"), rows),
        "",
        f"Rolling origin less random folds: {difference}. The difference is what random folds hide: they learn from the",
        "time that they are tested on.",
        "",
    ]


def _with_interval(value: float | None, interval: list[float] | None) -> str:
    if value is None or interval is None:
        return format_metric(value)
    return f"{value:.4g} [{interval[0]:.4g}, {interval[1]:.4g}]"


def _calibration(part: dict[str, Any]) -> list[str]:
    rows = [
        (each["decile"], f"{each['rows']:,}", f"{each['predicted']:.4g}", f"{each['actual']:.4g}")
        for each in part["calibration"]
    ]
    about = "Tenths of the rows by prediction, lowest first; equal predictions are never split."
    return [about, "", *_table(("tenth", "rows", "mean predicted", "mean actual"), rows)]


def _groups(groups: dict[str, Any]) -> list[str]:
    rows = [
        (field, _name(each), f"{each['rows']:,}", f"{each['actual']:.4g}", f"{each['predicted']:.4g}", _ratio(each))
        for field, members in groups.items()
        for each in members
    ]
    return _table(("field", "group", "rows", "actual", "predicted", "bias ratio"), rows)


def _name(group: dict[str, Any]) -> str:
    if group["others"]:
        return "_all others_"
    return "_missing_" if group["value"] is None else str(group["value"]).replace("|", "\\|")


def _ratio(group: dict[str, Any]) -> str:
    return "undefined" if group["biasRatio"] is None else f"{group['biasRatio']:.3f}"


def _table(head: tuple[str, ...], rows: list[tuple[Any, ...]]) -> list[str]:
    """Aligned as prettier would."""
    cells = [[str(cell) for cell in row] for row in [head, *rows]]
    widths = [max(3, *(len(row[place]) for row in cells)) for place in range(len(head))]
    lines = ["| " + " | ".join(cell.ljust(width) for cell, width in zip(row, widths)) + " |" for row in cells]
    return [lines[0], "| " + " | ".join("-" * width for width in widths) + " |", *lines[1:]]
