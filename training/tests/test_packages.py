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

# Before what follows: the packages whose names are the first argument cannot be imported.
ABSENT = """
import json, sys

class Absent:
    def find_spec(name, path=None, target=None):
        if name.partition(".")[0] in absent:
            raise ModuleNotFoundError(f"No module named {name!r}", name=name)

absent = json.loads(sys.argv.pop(1))
sys.meta_path.insert(0, Absent)
"""

ALL_MODULES = """
import pkgutil
from importlib import import_module
import day7_training
for module in pkgutil.walk_packages(day7_training.__path__, "day7_training."):
    if module.name not in sys.argv[1:]:
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
    command = [sys.executable, "-c", code, *map(str, arguments)]
    return subprocess.run(command, cwd=TRAINING, capture_output=True, text=True)


def without_groups(code, *arguments):
    absent = [name for names in GROUPS.values() for name in names]
    return python(ABSENT + code, json.dumps(absent), *arguments)


@pytest.mark.long  # all that there is to import takes six seconds of a core
def test_every_module_is_imported_without_the_groups():
    skipped = [*NEED_DASK, "day7_training.__main__"]  # whose import is the program
    modules = [path for path in (TRAINING / "day7_training").rglob("*.py") if path.name != "__init__.py"]
    packages = len(list((TRAINING / "day7_training").glob("*/__init__.py")))
    done = without_groups(ALL_MODULES, *skipped)
    assert done.returncode == 0, done.stderr
    assert int(done.stdout) == len(modules) - len(skipped) + packages


def test_the_notebook_is_executed_by_packages_of_its_own(tmp_path):
    script = TRAINING / "notebooks" / "execute.py"
    done = without_groups(f"import runpy; runpy.run_path({str(script)!r}, run_name='__main__')", tmp_path / "out.ipynb")
    assert done.returncode == 1 and done.stderr.startswith("error: executing the notebook needs the packages")
    assert "`npm run venv -- --with notebook` installs them" in done.stderr


@pytest.mark.parametrize(
    ("arguments", "imported"), [(["--help"], ""), (["inspect", "--data", "absent.csv"], "numpy pandas")]
)
def test_a_command_imports_no_more_than_it_uses(arguments, imported):
    assert python(LIGHT, *arguments).stdout.splitlines()[-1].split() == imported.split()


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
