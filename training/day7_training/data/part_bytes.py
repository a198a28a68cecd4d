"""A file as it lies on the disk -> its bytes without compression, and the format that they are in.

Its name tells both, as it does for the service (src/formats/names.ts); where it does not, the first bytes do.
Workbooks and archives are refused by name, with what to do.
"""

from __future__ import annotations

import gzip
import hashlib
import sys
import zlib
from dataclasses import dataclass
from pathlib import Path

from ..errors import UserError
from .csv_header import GZIP_MAGIC, ZSTD_MAGIC
from .parts import STDIN, Part

CSV, NDJSON, PARQUET = "csv", "ndjson", "parquet"
_ENDINGS = {".csv": CSV, ".tsv": CSV, ".ndjson": NDJSON, ".jsonl": NDJSON, ".parquet": PARQUET}
_GZIP, _ZSTD = "gzip", "Zstandard"
_COMPRESSIONS = {".gz": _GZIP, ".zst": _ZSTD}
_MAGIC = {_GZIP: GZIP_MAGIC, _ZSTD: ZSTD_MAGIC}
_PARQUET_MAGIC = b"PAR1"
_REFUSED = {
    ".xlsx": "an Excel workbook: save the sheet as CSV (UTF-8)",
    ".xls": "an old Excel workbook: save the sheet as CSV (UTF-8)",
    ".zip": "a zip archive: unpack it first",
}


@dataclass(frozen=True)
class PartBytes:
    """`sha256` is that of the file as it lies on the disk."""

    data: bytes
    format: str
    sha256: str


def read_part(part: Part) -> PartBytes:
    """@raises UserError"""
    path = part.path
    endings = [each.lower() for each in path.suffixes]
    refused = _REFUSED.get(endings[-1]) if endings else None
    if refused:
        raise UserError(f"{path} is {refused}")
    stored = _read(path)
    compression = _COMPRESSIONS.get(endings[-1]) if endings else None
    named = endings[-2:-1] if compression else endings[-1:]
    form = _ENDINGS.get(named[0]) if named else None
    if compression and form == PARQUET:
        raise UserError(f"{path} is a compressed Parquet file, which is compressed inside already: decompress it first")
    if path == STDIN:
        compression = next((each for each, magic in _MAGIC.items() if stored.startswith(magic)), None)
    data = _decompress(stored, compression, path) if compression else stored
    if form == PARQUET and not data.startswith(_PARQUET_MAGIC):
        raise UserError(f"{path}: expected a Parquet file that begins with PAR1, got other bytes")
    return PartBytes(data, form or _format_of(data), hashlib.sha256(stored).hexdigest())


def _read(path: Path) -> bytes:
    if path == STDIN:
        return sys.stdin.buffer.read()
    try:
        return path.read_bytes()
    except FileNotFoundError:
        raise UserError(f"expected a table, found nothing at {path}") from None
    except OSError as error:
        raise UserError(f"expected a readable table at {path}: {error.strerror}") from error


def _format_of(data: bytes) -> str:
    if data.startswith(_PARQUET_MAGIC):
        return PARQUET
    beginning = data[:512].removeprefix(b"\xef\xbb\xbf").lstrip(b" \t\r\n")
    return NDJSON if beginning.startswith(b"{") else CSV


def _decompress(stored: bytes, compression: str, path: Path) -> bytes:
    if not stored.startswith(_MAGIC[compression]):
        raise UserError(f"{path}: expected {compression}, got other bytes; name the file by what it is")
    try:
        return gzip.decompress(stored) if compression == _GZIP else _decompress_zstd(stored)
    except EOFError:
        raise UserError(f"{path}: expected {compression} up to its end, got a part; is it complete?") from None
    except (OSError, zlib.error) as error:
        raise UserError(f"{path}: expected {compression} that can be read: {error}") from error


def _decompress_zstd(stored: bytes) -> bytes:
    # A second to import, which those who read plain files should not wait for.
    import pyarrow as pa

    try:
        with pa.CompressedInputStream(pa.BufferReader(stored), "zstd") as stream:
            return stream.read()
    except OSError as error:
        if "Truncated" in str(error):
            raise EOFError from error
        raise
