"""What the commands share: options that several have, what an option takes, and how a command speaks to the user."""

from __future__ import annotations

import argparse
import os
import sys
from pathlib import Path

from ..errors import UserError

TABLE = (
    "the table: CSV, TSV, NDJSON or Parquet, also .gz and .zst of the texts; a folder or a glob of part files; "
    "- for the standard input"
)


def add_data(command: argparse.ArgumentParser, about: str = TABLE) -> None:
    command.add_argument("--data", type=Path, required=True, metavar="FILE", help=about)


def add_registry(command: argparse.ArgumentParser) -> None:
    command.add_argument(
        "--register", action="store_true", help="register the model in MLflow with the alias challenger"
    )
    command.add_argument("--promote", action="store_true", help="register it and move the alias champion to it, too")
    command.add_argument(
        "--no-mlflow", action="store_true", help="log no run (default: to MLFLOW_TRACKING_URI, or a store in training/)"
    )


def add_service(command: argparse.ArgumentParser) -> None:
    command.add_argument(
        "--from", required=True, dest="url", metavar="URL", help="the service, such as http://127.0.0.1:5001"
    )
    command.add_argument(
        "--key-file",
        type=Path,
        metavar="FILE",
        help="holds an API key with the scope admin (default: the one in DAY7_API_KEY)",
    )


def api_key(options: argparse.Namespace) -> str | None:
    """@raises UserError"""
    if options.key_file is None:
        return os.environ.get("DAY7_API_KEY")
    try:
        key = options.key_file.read_text(encoding="ascii").strip()
    except (OSError, UnicodeDecodeError) as error:
        raise UserError(f"--key-file: expected a file with an API key: {error}") from error
    if not key:
        raise UserError(f"--key-file: expected an API key, got nothing in {options.key_file}")
    return key


def warn(message: str) -> None:
    print(f"warning: {message}", file=sys.stderr)


def positive(text: str) -> int:
    return whole_number(text, 1)


def natural(text: str) -> int:
    return whole_number(text, 0)


def whole_number(text: str, least: int) -> int:
    if not (text.isascii() and text.isdigit() and len(text) <= 15) or int(text) < least:
        raise argparse.ArgumentTypeError(f"expected a whole number from {least}, got {text!r}")
    return int(text)


def filled(text: str) -> str:
    if not text.strip():
        raise argparse.ArgumentTypeError("expected a text, got an empty one")
    return text


def assignment(text: str) -> tuple[str, str]:
    key, separator, value = text.partition("=")
    if not key or not separator:
        raise argparse.ArgumentTypeError(f"expected KEY=VALUE, got {text!r}")
    return key, value
