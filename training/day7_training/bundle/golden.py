"""Golden installs with what Python makes of them: one JSON document a line, which the service must repeat."""

from __future__ import annotations

import json
import math
from typing import Any

import numpy as np
import pandas as pd

from ..model.combination import AnyModel, Combination
from ..model.model import Answers

Install = dict[str, Any]

STRANGE_TEXTS: tuple[str | None, ...] = (
    None,
    "",
    " ",
    " es",
    "ES",
    "na",
    "NA",
    "null",
    "nan",
    "unseen",
    "__proto__",
    "constructor",
    "toString",
    "hasOwnProperty",
    "S\u00e3o Paulo",  # composed
    "Sa\u0303o Paulo",  # the same to the eye, decomposed
    "S\u00c3O PAULO",
    "\u0130stanbul",  # the capital dotted I, two characters in lower case
    "\u212aenya",  # the Kelvin sign, a k in lower case
    "\u03a3\u03a3",  # sigma, whose lower case depends on its place
    "\u1e9e",
    "\U0001f3ae",  # two code units in JavaScript
    "a\u0000b",
    'quote " backslash \\ newline \n',
    "\u2028",
)

STRANGE_VERSIONS: tuple[str | None, ...] = (
    None, "", "10", "14.4.1", "abc", "14.x", "14.4beta", "v14", ".", "..", ".5", "14.", "14..4", " 14.4", "-1.2",
    "+3.4", "1e3.2", "0x10.1", "007.08", "\u0663.1", "14.\u0663", "\u00b2.1", "14,4", "\uff11\uff14.4",
    "999999999999999.1", "1000000000000000.1", "12345678901234567890", "14.12345678901234567890",
)  # fmt: skip


def golden_lines(installs: list[Install], frame: pd.DataFrame, model: AnyModel) -> str:
    """`frame` is that of the installs. One JSON document a line: the install, its features, the raw score and the output, and those of each ensemble."""
    answers = model.answer(frame)
    scores = _score_documents(answers.raw_scores, answers.outputs)
    combined = _combined_documents(answers, model) if isinstance(model, Combination) else [{}] * len(installs)
    lines = []
    for install, row, score, more in zip(installs, answers.features.tolist(), scores, combined):
        numbers = [None if math.isnan(value) else value for value in row]
        line = {"install": install, "features": numbers, **score, **more}
        lines.append(json.dumps(line, ensure_ascii=False, allow_nan=False, separators=(",", ":")) + "\n")
    return "".join(lines)


def _score_documents(raw_scores: np.ndarray, outputs: np.ndarray) -> list[dict[str, float]]:
    pairs = zip(raw_scores.tolist(), outputs.tolist())
    return [{"raw_score": raw_score, "output": output} for raw_score, output in pairs]


def _combined_documents(answers: Answers, model: Combination) -> list[dict[str, Any]]:
    assert answers.ensembles is not None
    scores = {name: _score_documents(*each) for name, each in answers.ensembles.items()}
    ensembles = zip(*(scores[part.name] for part in model.parts))
    documents: list[dict[str, Any]] = [{"ensembles": list(each)} for each in ensembles]
    if model.interval:
        for place, document in enumerate(documents):
            document["interval"] = {part.role: scores[part.name][place] for part in model.interval}
    return documents
