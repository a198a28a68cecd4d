"""The command line: errors end with code 2 and one line, help is there, the module runs."""

import subprocess
import sys
from pathlib import Path

import pytest

from day7_training.cli import main

TRAINING = Path(__file__).parents[1]


@pytest.mark.parametrize(
    ("arguments", "expected"),
    [
        ([], "COMMAND"),
        (["fly"], "invalid choice: 'fly'"),
        (["train"], "--data"),
        (["train", "--data", "x", "--out", "y", "--objective", "binary"], "invalid choice: 'binary'"),
        (["train", "--data", "x", "--out", "y", "--golden-rows", "0"], "expected a whole number from 1, got '0'"),
        (["train", "--data", "x", "--out", "y", "--set", "nonsense"], "expected KEY=VALUE, got 'nonsense'"),
        (["train", "--data", "x", "--out", "y", "--name", " "], "expected a text"),
        (["synthesize", "--rows", "1e3", "--seed", "1", "--out", "x"], "expected a whole number from 1, got '1e3'"),
    ],
)
def test_a_wrong_option_ends_with_code_2(arguments, expected, capsys):
    with pytest.raises(SystemExit) as caught:
        main(arguments)
    error = capsys.readouterr().err
    assert caught.value.code == 2 and error.startswith("error: ") and expected in error


def test_a_wrong_file_ends_with_code_2(tmp_path, capsys):
    train = ["train", "--no-mlflow", "--data", str(tmp_path / "absent.csv"), "--out", str(tmp_path / "out")]
    assert main(train) == 2
    assert main(["synthesize", "--rows", "5", "--seed", "1", "--out", str(tmp_path / "no" / "folder.csv")]) == 2
    lines = capsys.readouterr().err.splitlines()
    assert len(lines) == 2 and all(line.startswith("error: ") for line in lines)


def test_the_module_runs_and_explains_itself():
    arguments = [sys.executable, "-m", "day7_training", "--help"]
    done = subprocess.run(arguments, cwd=TRAINING, capture_output=True, text=True)
    assert done.returncode == 0
    for command in ("inspect", "compare", "train", "replay", "card", "synthesize", "champion"):
        assert command in done.stdout


def test_an_error_reaches_the_shell_without_a_traceback():
    command = [sys.executable, "-m", "day7_training", "inspect", "--data", "absent.csv"]
    done = subprocess.run(command, cwd=TRAINING, capture_output=True, text=True)
    assert done.returncode == 2 and done.stdout == ""
    assert done.stderr == "error: expected a table, found nothing at absent.csv\n"


def test_output_that_nobody_reads_is_no_error(synthetic_csv):
    command = [sys.executable, "-m", "day7_training", "inspect", "--data", str(synthetic_csv)]
    process = subprocess.Popen(command, cwd=TRAINING, stdout=subprocess.PIPE, stderr=subprocess.PIPE)
    process.stdout.close()
    assert process.stderr.read() == b"" and process.wait() == 141
    process.stderr.close()
