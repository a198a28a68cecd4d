"""The command line: reads the options, calls one command, prints what came out.

Exit codes: 0 done (for `replay`: all equal), 1 `replay` found differences, 2 an error that the user
can mend, printed as one `error: ...` on stderr, 130 interrupted, 141 nobody reads what is printed.
"""

from __future__ import annotations

import argparse
import os
import sys
from collections.abc import Sequence
from typing import NoReturn

from .commands.card import add_card
from .commands.compare import add_compare
from .commands.data import add_inspect, add_synthesize
from .commands.describe import add_describe
from .commands.replay import add_replay
from .commands.train import add_champion, add_train
from .errors import UserError


def main(arguments: Sequence[str] | None = None) -> int:
    options = _parser().parse_args(arguments)
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


def _parser() -> argparse.ArgumentParser:
    parser = _Parser(prog="python -m day7_training", description="Trains the seven-day revenue model that Day7 serves.")
    commands = parser.add_subparsers(title="commands", metavar="COMMAND", required=True)
    for add in (add_describe, add_inspect, add_compare, add_train, add_replay, add_card, add_synthesize, add_champion):
        add(commands)
    return parser
