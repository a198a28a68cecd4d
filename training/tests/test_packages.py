"""Without the packages that only some commands need, all else works, and those commands say what to install."""

import json
import subprocess
import sys
from pathlib import Path

import pytest
from conftest import GROUPS

from day7_training.cli import main

TRAINING = Path(__file__).parents[1]
# They train on a cluster, and are imported for that alone.
NEED_DASK = {"day7_training.model.cluster", "day7_training.model.workers"}

WITHOUT = """
import json, pkgutil, sys
from importlib import import_module

class Absent:
    def find_spec(name, path=None, target=None):
        if name.partition(".")[0] in absent:
            raise ModuleNotFoundError(f"No module named {name!r}", name=name)

absent, skipped = json.loads(sys.argv[1]), json.loads(sys.argv[2])
sys.meta_path.insert(0, Absent)
import day7_training
for module in pkgutil.walk_packages(day7_training.__path__, "day7_training."):
    if module.name not in skipped:
        import_module(module.name)
print(len([name for name in sys.modules if name.startswith("day7_training.")]))
"""

LIGHT = """
import sys
from day7_training.cli import main
try:
    main(sys.argv[1:])
except SystemExit:
    pass
print(*sorted(sys.modules.keys() & {"numpy", "pandas", "lightgbm", "sklearn", "matplotlib", "mlflow", "dask"}))
"""


def python(code, *arguments):
    done = subprocess.run([sys.executable, "-c", code, *arguments], cwd=TRAINING, capture_output=True, text=True)
    assert done.returncode == 0, done.stderr
    return done.stdout.splitlines()[-1]


def test_every_module_is_imported_without_the_groups():
    absent = [name for names in GROUPS.values() for name in names]
    # Its import is the program.
    skipped = [*NEED_DASK, "day7_training.__main__"]
    modules = [path for path in (TRAINING / "day7_training").rglob("*.py") if path.name != "__init__.py"]
    packages = len(list((TRAINING / "day7_training").glob("*/__init__.py")))
    assert int(python(WITHOUT, json.dumps(absent), json.dumps(skipped))) == len(modules) - len(skipped) + packages


@pytest.mark.parametrize(
    ("arguments", "imported"), [(["--help"], ""), (["inspect", "--data", "absent.csv"], "numpy pandas")]
)
def test_a_command_imports_no_more_than_it_uses(arguments, imported):
    assert python(LIGHT, *arguments).split() == imported.split()


@pytest.fixture
def without(monkeypatch):
    """Makes the import of a group's packages fail, also where they have been imported."""

    def remove(group):
        for name in GROUPS[group]:
            monkeypatch.setitem(sys.modules, name, None)
        for name in NEED_DASK:
            monkeypatch.delitem(sys.modules, name, raising=False)

    return remove


@pytest.mark.parametrize(
    ("group", "options", "expected"),
    [
        ("mlflow", [], "logging a run needs the packages of the group mlflow: import of mlflow halted"),
        ("mlflow", ["--register"], "`npm run venv -- --with mlflow` installs them, --no-mlflow does without"),
        ("dask", ["--no-mlflow", "--cluster", "tcp://h:1"], "--cluster needs the packages of the group dask: "),
        ("dask", ["--no-mlflow", "--cluster", "tcp://h:1"], "`npm run venv -- --with dask` installs them"),
    ],
)
def test_a_command_whose_packages_are_absent_says_what_installs_them(
    group, options, expected, without, synthetic_csv, tmp_path, capsys
):
    without(group)
    assert main(["train", "--data", str(synthetic_csv), "--out", str(tmp_path / "out"), *options]) == 2
    error = capsys.readouterr().err
    assert error.count("\n") == 1 and expected in error and not (tmp_path / "out").exists()


def test_training_needs_no_group(without, synthetic_csv, tmp_path):
    for group in GROUPS:
        without(group)
    train = ["train", "--data", synthetic_csv, "--out", tmp_path / "out", "--max-trees", 3, "--no-mlflow"]
    assert main([str(argument) for argument in train]) == 0
