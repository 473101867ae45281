"""What tables from spreadsheets have in common: encoding, delimiter, and a line `sep=;` before all.

Shared by articles, which are streamed, and labels; knows neither.
"""

from __future__ import annotations

import codecs
import csv
import io
from collections.abc import Callable, Iterator, Sequence
from itertools import chain
from pathlib import Path
from typing import IO, Any

from recommender.errors import ConfigError

DELIMITERS = (",", ";", "\t")
_BYTE_ORDER_MARKS = (codecs.BOM_UTF16_LE, codecs.BOM_UTF16_BE)
_LOOKED_AT = 1 << 20
# Bytes beyond one a character that are sound UTF-8; a few characters of GB18030 are, by chance.
_SURELY_UTF8 = 16


def encoding_of(data: bytes, *, whole: bool = True) -> str | None:
    """The encoding a text is in: UTF-16 with its mark, UTF-8, else GB18030; `None` for none.

    Parameters
    ----------
    data : bytes
    whole : bool
        Whether this is the whole text, and not only its beginning.
    """
    if data.startswith(_BYTE_ORDER_MARKS):
        return "utf-16" if _failure(data, "utf-16", whole) is None else None
    failure = _failure(data, "utf-8", whole)
    if failure is None:
        return "utf-8-sig"
    # UTF-8 with a damaged place may well be GB18030 as well, but other characters.
    sound = data[: failure.start].decode("utf-8")
    if sound.startswith("\ufeff") or len(sound.encode("utf-8")) - len(sound) >= _SURELY_UTF8:
        return None
    return "gb18030" if _failure(data, "gb18030", whole) is None else None


def _failure(data: bytes, encoding: str, whole: bool) -> UnicodeDecodeError | None:
    try:
        codecs.getincrementaldecoder(encoding)().decode(data, final=whole)
    except UnicodeDecodeError as error:
        return error
    return None


def open_bytes(path: str) -> IO[bytes]:
    """Open a file for reading.

    Raises
    ------
    ConfigError
        If no file can have such a name; whatever else is wrong is an `OSError`.
    """
    try:
        return Path(path).open("rb")
    except ValueError as error:
        raise ConfigError(f"cannot read {path!r:.60}: no file can have this name") from error


def open_text(stream: IO[bytes]) -> io.TextIOWrapper:
    """A stream as text, its encoding told by how it begins; the stream itself stays open."""
    head = stream.read(_LOOKED_AT)
    encoding = encoding_of(head, whole=len(head) < _LOOKED_AT)
    if encoding is None:
        # Damaged: where, the reader of the lines tells.
        encoding = "utf-16" if head.startswith(_BYTE_ORDER_MARKS) else "utf-8-sig"
    return io.TextIOWrapper(
        io.BufferedReader(_Continued(head, stream)), encoding=encoding, newline=""
    )


class _Continued(io.RawIOBase):
    """Bytes that were read ahead, then what follows them in the stream."""

    def __init__(self, head: bytes, stream: IO[bytes]) -> None:
        super().__init__()
        self._head = memoryview(head)
        self._stream = stream

    def readable(self) -> bool:
        """Yes."""
        return True

    def readinto(self, buffer: Any) -> int:
        """Fill the buffer as far as it goes at once."""
        size = len(buffer)
        part = self._head[:size] if self._head else self._stream.read(size)
        self._head = self._head[size:]
        buffer[: len(part)] = part
        return len(part)


class RowTooLong(csv.Error):
    """A row of a table, or a line of it, is longer than is taken."""


class UnreadableText(ValueError):
    """Bytes that mean nothing in the encoding of the text.

    Parameters
    ----------
    line : int
        Where they stand, counted from 1.
    """

    def __init__(self, line: int) -> None:
        super().__init__(f"line {line} cannot be read")
        self.line = line


class Lines:
    """The lines of a text, read as far as one row may be long.

    Parameters
    ----------
    stream : text stream
    longest : int
        Characters of a row; it has many lines where cells hold line breaks.
    """

    def __init__(self, stream: IO[str], longest: int) -> None:
        self._stream = stream
        self._longest = longest
        self._left = longest
        self._count = 0

    def begin_row(self) -> None:
        """A row was read whole."""
        self._left = self._longest

    def readline(self) -> str:
        """The next line, with its end.

        Raises
        ------
        RowTooLong, UnreadableText
        """
        try:
            line = self._stream.readline(self._left + 1)
        except UnicodeDecodeError as error:
            # What was read ahead of it, in the encoding of which the decoder tells.
            before = error.object[: error.start].decode(error.encoding, "ignore")
            raise UnreadableText(self._count + before.count("\n") + 1) from error
        self._count += line.endswith("\n")
        self._left -= len(line)
        if self._left < 0:
            raise RowTooLong(f"a row is longer than {self._longest:,} characters")
        return line

    def __iter__(self) -> Iterator[str]:
        return iter(self.readline, "")


def open_table(
    lines: IO[str] | Lines,
    fits: Callable[[list[str]], bool],
    *,
    delimiters: Sequence[str] = DELIMITERS,
    strict: bool = False,
) -> tuple[Any, int]:
    """A CSV reader, header included, with the first delimiter under which the header fits.

    Parameters
    ----------
    lines : text stream
        At its beginning, opened with `newline=""`.
    fits : callable
        Whether a header, its names stripped, is one that was hoped for.
    delimiters : sequence of str
        The first is taken if none fits.
    strict : bool
        Whether bad quoting is an error.

    Returns
    -------
    reader, int
        And how many lines were left out before the header.
    """
    first = lines.readline()
    skipped = 0
    if first.removeprefix("\ufeff").lower().startswith("sep="):
        first, skipped = lines.readline(), 1
    chosen = next((each for each in delimiters if fits(_cells(first, each))), delimiters[0])
    both: Iterator[str] = chain([first] if first else [], lines)
    return csv.reader(both, delimiter=chosen, strict=strict), skipped


def _cells(line: str, delimiter: str) -> list[str]:
    try:
        return [cell.strip() for cell in next(csv.reader([line], delimiter=delimiter), [])]
    except csv.Error:
        return []
