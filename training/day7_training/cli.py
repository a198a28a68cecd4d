"""The command line: reads the options, calls one command, prints what came out.

Exit codes: 0 done (for `replay`: all equal), 1 `replay` found differences, 2 an error that the user
can mend, printed as one `error: ...` on stderr, 130 interrupted.
"""

from __future__ import annotations

import argparse
import sys
from collections.abc import Callable, Sequence
from pathlib import Path
from typing import Any, NoReturn

from .commands import run_champion, run_inspect, run_replay, run_synthesize, run_train
from .errors import UserError
from .model.parameters import OBJECTIVES


def main(arguments: Sequence[str] | None = None) -> int:
    options = _parser().parse_args(arguments)
    try:
        return options.run(options)
    except UserError as error:
        return _fail(str(error))
    except OSError as error:
        return _fail(f"{error.filename or 'file'}: {error.strerror or error}")
    except KeyboardInterrupt:
        return 130


def _fail(message: str) -> int:
    print(f"error: {message}", file=sys.stderr)
    return 2


class _Parser(argparse.ArgumentParser):
    def error(self, message: str) -> NoReturn:
        raise SystemExit(_fail(f"{message} (see {self.prog} --help)"))


def _parser() -> argparse.ArgumentParser:
    parser = _Parser(prog="python -m day7_training", description="Trains the seven-day revenue model that Day7 serves.")
    commands = parser.add_subparsers(title="commands", metavar="COMMAND", required=True)
    _add_train(commands)
    _add_inspect(commands)
    _add_synthesize(commands)
    _add_champion(commands)
    _add_replay(commands)
    return parser


def _add_train(commands: Any) -> None:
    command = _command(commands, "train", run_train, "train on a CSV of installs and write a bundle")
    command.add_argument("--data", type=Path, required=True, metavar="FILE", help="CSV of installs with their revenue")
    command.add_argument("--out", type=Path, required=True, metavar="DIR", help="the bundle; an older one is replaced")
    command.add_argument("--name", type=_text, default="day7-revenue", help="registered name (%(default)s)")
    command.add_argument("--version", type=_text, metavar="TEXT", help="default: 12 digits of the content's hash")
    command.add_argument("--description", default="", metavar="TEXT", help="what the data is")
    command.add_argument("--synthetic", action="store_true", help="mark the data as made up")
    command.add_argument(
        "--golden-rows", type=_positive, default=400, metavar="N", help="golden predictions to write (%(default)s)"
    )
    command.add_argument(
        "--drop-flagged", action="store_true", help="leave out groups whose revenue is in another unit (kept by default)"
    )
    command.add_argument("--objective", choices=OBJECTIVES, default="tweedie", help="what to optimise (%(default)s)")
    command.add_argument(
        "--max-trees", type=_positive, metavar="N", help="most trees to train (2000; with boosting=dart all of 200)"
    )
    command.add_argument(
        "--set",
        type=_assignment,
        action="append",
        default=[],
        dest="overrides",
        metavar="KEY=VALUE",
        help="a LightGBM parameter, such as num_leaves=15; may be repeated",
    )
    command.add_argument("--register", action="store_true", help="register the model in MLflow, as the challenger")
    command.add_argument("--promote", action="store_true", help="register the model and make it the champion, too")
    command.add_argument("--no-mlflow", action="store_true", help="log no run; the bundle is all that is written")


def _add_inspect(commands: Any) -> None:
    command = _command(commands, "inspect", run_inspect, "look a CSV of installs over before training on it")
    command.add_argument("--data", type=Path, required=True, metavar="FILE", help="CSV of installs with their revenue")
    command.add_argument("--out", type=Path, metavar="FILE", help="write the findings with pictures as one HTML page")


def _add_synthesize(commands: Any) -> None:
    command = _command(commands, "synthesize", run_synthesize, "write a CSV of synthetic installs")
    command.add_argument("--rows", type=_positive, required=True, metavar="N")
    command.add_argument("--seed", type=_natural, required=True, metavar="S", help="the same seed gives the same bytes")
    command.add_argument("--out", type=Path, required=True, metavar="FILE")


def _add_champion(commands: Any) -> None:
    command = _command(commands, "champion", run_champion, "train the bundle that ships, on synthetic installs")
    default = Path(__file__).parents[2] / "artifacts" / "champion"
    command.add_argument("--out", type=Path, default=default, metavar="DIR", help="default: artifacts/champion")


def _add_replay(commands: Any) -> None:
    command = _command(commands, "replay", run_replay, "compare a running service with Python, row by row")
    command.add_argument("--data", type=Path, required=True, metavar="FILE", help="CSV; revenue may be absent")
    command.add_argument("--bundle", type=Path, required=True, metavar="DIR", help="the bundle that the service serves")
    command.add_argument("--url", required=True, help="the service, such as http://127.0.0.1:5001")
    command.add_argument("--batch", type=_positive, default=500, metavar="N", help="installs a request (%(default)s)")


def _command(
    commands: Any, name: str, run: Callable[[argparse.Namespace], int], description: str
) -> argparse.ArgumentParser:
    command = commands.add_parser(name, help=description, description=description[0].upper() + description[1:] + ".")
    command.set_defaults(run=run)
    return command


def _positive(text: str) -> int:
    return _whole_number(text, 1)


def _natural(text: str) -> int:
    return _whole_number(text, 0)


def _whole_number(text: str, least: int) -> int:
    if not (text.isascii() and text.isdigit() and len(text) <= 15) or int(text) < least:
        raise argparse.ArgumentTypeError(f"expected a whole number from {least}, got {text!r}")
    return int(text)


def _text(text: str) -> str:
    if not text.strip():
        raise argparse.ArgumentTypeError("expected a text, got an empty one")
    return text


def _assignment(text: str) -> tuple[str, str]:
    key, separator, value = text.partition("=")
    if not key or not separator:
        raise argparse.ArgumentTypeError(f"expected KEY=VALUE, got {text!r}")
    return key, value
