"""Makes the zoo: small LightGBM models of every kind, hostile rows, and LightGBM's own answers to them.

    training/.venv/bin/python test/ensemble/zoo/make_zoo.py --out test/fixtures/zoo --seed 1
    training/.venv/bin/python test/ensemble/zoo/make_zoo.py --out DIR --seed 7 --scale large

The small zoo is the committed one; the large adds several hundred models of random make to it. The same seed gives
the same bytes with the same LightGBM. Replaces the fixtures in the folder, and refuses a folder that holds anything else.
"""

from __future__ import annotations

import argparse
import zlib
from collections.abc import Iterator
from pathlib import Path

import numpy as np
from catalogue import catalogue
from handmade import handmade
from random_recipes import random_recipe
from recipes import Specimen, train
from record import record, write

RANDOM_MODELS = 300


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__.split("\n")[0])
    parser.add_argument("--out", type=Path, required=True)
    parser.add_argument("--seed", type=int, default=1)
    parser.add_argument("--scale", choices=("small", "large"), default="small")
    parser.add_argument("--models", type=int, default=RANDOM_MODELS, help="models of random make in the large zoo")
    options = parser.parse_args()
    clear(options.out)
    sizes = [
        write(record(specimen, random(options.seed, specimen.name, "rows")), options.out)
        for specimen in specimens(options.seed, options.models if options.scale == "large" else 0)
    ]
    print(f"{len(sizes)} models, {sum(sizes) / 1e6:.1f} MB, the largest {max(sizes) / 1e6:.2f} MB")


def specimens(seed: int, random_models: int) -> Iterator[Specimen]:
    yield from (train(recipe, random(seed, recipe.name)) for recipe in catalogue())
    yield from handmade(random(seed, "handmade"))
    for index in range(random_models):
        stream = random(seed, "random", str(index))
        yield train(random_recipe(index, stream), stream)


def random(seed: int, *names: str) -> np.random.Generator:
    """Each model has a stream of its own: a new model leaves the others as they are."""
    return np.random.default_rng([seed, *(zlib.crc32(name.encode()) for name in names)])


def clear(folder: Path) -> None:
    folder.mkdir(parents=True, exist_ok=True)
    strangers = [path.name for path in folder.iterdir() if not path.name.endswith(".json.gz")]
    if strangers:
        raise SystemExit(f"{folder}: expected nothing but *.json.gz, found {strangers[0]}")
    for path in folder.iterdir():
        path.unlink()


if __name__ == "__main__":
    main()
