"""Makes the zoo's old part: models that old versions of LightGBM wrote, and the answers of today's LightGBM to the same text.

    for VERSION in 2.0.5 2.0.10 2.1.2 2.2.0 2.2.3; do
      pip install --no-deps --target /tmp/old/$VERSION lightgbm==$VERSION
    done
    python make_old.py --old-python OLD --versions /tmp/old --out test/fixtures/zoo-old

OLD is a Python with numpy 1.23 and scipy 1.10, which the old packages need. The dump is the old version's own.
"""

from __future__ import annotations

import argparse
import json
import subprocess
import tempfile
from pathlib import Path

import numpy as np
from make_zoo import clear, random
from recipes import Specimen
from record import record, write
from tables import Table

KINDS = ("plain", "forty", "missing", "sparse", "few")


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__.split("\n")[0])
    parser.add_argument("--old-python", type=Path, required=True)
    parser.add_argument("--versions", type=Path, required=True, help="a folder with an unpacked LightGBM a version")
    parser.add_argument("--out", type=Path, required=True)
    options = parser.parse_args()
    clear(options.out)
    sizes = []
    for folder in sorted(options.versions.iterdir()):
        for model in trained(options.old_python, folder):
            name = f"{folder.name}-{model['name']}"
            rng = random(1, name)
            table = Table(ordinary(rng), KINDS, np.zeros(60))
            document = record(Specimen(name, model["text"], table, hostile_rows=40), rng)
            sizes.append(write({**document, "dump": model["dump"]}, options.out))
    print(f"{len(sizes)} models, {sum(sizes) / 1e6:.1f} MB")


def trained(python: Path, folder: Path) -> list[dict]:
    with tempfile.TemporaryDirectory() as scratch:
        script = Path(__file__).parent / "train_old.py"
        run = [python, "-W", "ignore", script, folder, f"{scratch}/model"]
        lines = subprocess.run(run, check=True, stdout=subprocess.PIPE, text=True).stdout.splitlines()
    return [json.loads(line) for line in lines if line.startswith("{")]


def ordinary(rng: np.random.Generator) -> np.ndarray:
    values = rng.normal(size=(60, 5))
    values[:, 1] = rng.integers(0, 40, 60)
    values[:, 4] = rng.integers(0, 6, 60)
    values[rng.uniform(size=60) < 0.2, 2] = np.nan
    values[rng.uniform(size=60) < 0.3, 3] = 0
    return values


if __name__ == "__main__":
    main()
