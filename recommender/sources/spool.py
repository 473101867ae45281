"""Rows in a temporary file: a database is left alone again before the first of them is used.

What reads articles may embed them as they come, which takes minutes. A site's SQLite file that is
being read meanwhile cannot be written by the site, and a server gives up on who does not take its
rows. The file has no name, so that nothing of it is left behind.
"""

from __future__ import annotations

import json
import struct
import tempfile
import zlib
from collections.abc import Generator, Iterable, Mapping
from typing import IO, Any

from recommender.errors import SourceError

_IN_MEMORY = 4_000_000
_BLOCK = 500_000
_LENGTH = struct.Struct("<Q")


def spooled(rows: Iterable[Mapping[str, Any]]) -> Generator[Mapping[str, Any]]:
    """Take all rows first, then give them one by one.

    Parameters
    ----------
    rows : iterable of mapping
        Of values that JSON can hold.

    Raises
    ------
    SourceError
        If the temporary folder is full. What `rows` raises passes through, before any row is given.
    """
    with tempfile.SpooledTemporaryFile(max_size=_IN_MEMORY) as file:
        _write(rows, file)
        file.seek(0)
        while head := file.read(_LENGTH.size):
            (length,) = _LENGTH.unpack(head)
            block = zlib.decompress(file.read(length)).decode("utf-8", "surrogatepass")
            for line in block.split("\n"):
                yield json.loads(line)


def _write(rows: Iterable[Mapping[str, Any]], file: IO[bytes]) -> None:
    lines: list[str] = []
    length = 0
    for row in rows:
        lines.append(json.dumps(row, ensure_ascii=False, separators=(",", ":")))
        length += len(lines[-1])
        if length >= _BLOCK:
            _write_block(lines, file)
            lines, length = [], 0
    if lines:
        _write_block(lines, file)


def _write_block(lines: list[str], file: IO[bytes]) -> None:
    packed = zlib.compress("\n".join(lines).encode("utf-8", "surrogatepass"), 1)
    try:
        file.write(_LENGTH.pack(len(packed)))
        file.write(packed)
    except OSError as error:
        raise SourceError(
            f"cannot keep what was read in {tempfile.gettempdir()}: {error.strerror or error}; "
            "make room there, or set TMPDIR to another folder"
        ) from error
