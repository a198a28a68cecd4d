"""The command line: reads the options, calls one command, prints what came out.

Exit codes: 0 done (for `replay`: all equal), 1 `replay` found differences, 3 to 5 as `retrain` has them, 2 an error that the user
can mend, printed as one `error: ...` on stderr, 130 interrupted, 141 nobody reads what is printed.
"""

from __future__ import annotations

import argparse
import os
import sys
from collections.abc import Sequence
from importlib import import_module
from typing import NoReturn

from .errors import UserError

# By name: the module in which `add_<name>` declares its options, and what it does. Only the module of the command that
# is called is imported, since LightGBM takes a second to import and pandas half of one.
_COMMANDS = {
    "describe": ("describe", "propose the input schema of a table as a TOML file to edit"),
    "inspect": ("data", "look a CSV of installs over before training on it"),
    "compare": ("compare", "compare models on a CSV by cross-validation"),
    "train": ("train", "train on a CSV of installs and write a bundle"),
    "dataset": ("dataset", "write the installs of a running service whose revenue is known"),
    "retrain": ("retrain", "train on the log of a running service, and publish a challenger if the gates allow it"),
    "replay": ("replay", "compare a running service with Python, row by row"),
    "card": ("card", "write the model card of a bundle"),
    "synthesize": ("data", "write a CSV of synthetic installs"),
    "champion": ("train", "train the bundle that ships, on synthetic installs"),
}


def main(arguments: Sequence[str] | None = None) -> int:
    given = sys.argv[1:] if arguments is None else arguments
    options = _parser(given).parse_args(given)
    try:
        return options.run(options)
    except UserError as error:
        return _fail(str(error))
    except BrokenPipeError:
        # Whoever read our output has enough, as in `inspect ... | head`; Python would complain at exit.
        os.dup2(os.open(os.devnull, os.O_WRONLY), sys.stdout.fileno())
        return 141
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


def _parser(arguments: Sequence[str]) -> argparse.ArgumentParser:
    """The parser of these arguments: of the commands, only the one that they call has its options."""
    parser = _Parser(prog="python -m day7_training", description="Trains the revenue models that Day7 serves.")
    commands = parser.add_subparsers(title="commands", metavar="COMMAND", required=True)
    for name, (module, description) in _COMMANDS.items():
        sentence = f"{description[0].upper()}{description[1:]}."
        command = commands.add_parser(name, help=description, description=sentence)
        if name == next(iter(arguments), None):  # the parser itself has no options that could come before
            getattr(import_module(f".commands.{module}", __package__), f"add_{name}")(command)
    return parser
