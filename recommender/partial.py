"""Finished pieces of long work, kept beside its output until that is complete.

A file of JSON lines: the first says what the work is about, each further one holds a piece. A
run that was cut off leaves it; the next run of the same work reads it and goes on. What another
work left is thrown away, and a line that was cut off in the middle is worked out again.
"""

from __future__ import annotations

import json
from collections.abc import Mapping
from pathlib import Path
from types import TracebackType
from typing import IO, Any

from recommender.errors import ConfigError

_SUFFIX = ".part"


class KeptPieces:
    """Pieces of one work by key; a context manager that leaves the file when it is cut off.

    Parameters
    ----------
    output : Path or None
        The file the work is for; `None` keeps nothing.
    about : mapping
        JSON values that are the same only for the same work.
    """

    def __init__(self, output: Path | None, about: Mapping[str, Any]) -> None:
        self.path = None if output is None else output.with_name(output.name + _SUFFIX)
        self._about = json.dumps(about, sort_keys=True)
        self._pieces: dict[str, Any] = {}
        self._file: IO[str] | None = None

    def __enter__(self) -> KeptPieces:
        if self.path is not None:
            try:
                whole = self._read(self.path)
                self._file = self.path.open("a" if whole else "w", encoding="utf-8")
                if not whole:
                    self._write(self._about)
                    for key, piece in self._pieces.items():
                        self._write(json.dumps([key, piece]))
            except OSError as error:
                raise ConfigError(f"cannot write {self.path}: {error.strerror or error}") from error
        return self

    def __exit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        trace: TracebackType | None,
    ) -> None:
        if self._file is not None:
            self._file.close()
        if kind is None and self.path is not None:
            self.path.unlink(missing_ok=True)

    def __len__(self) -> int:
        return len(self._pieces)

    def get(self, key: str) -> Any:
        """A finished piece, or `None`."""
        return self._pieces.get(key)

    def put(self, key: str, piece: Any) -> None:
        """Keep a piece (JSON values)."""
        self._pieces[key] = piece
        self._write(json.dumps([key, piece]))

    def _write(self, line: str) -> None:
        if self._file is not None:
            try:
                self._file.write(line + "\n")
                self._file.flush()
            except OSError as error:
                raise ConfigError(f"cannot write {self.path}: {error.strerror or error}") from error

    def _read(self, path: Path) -> bool:
        """Take up what an earlier run left; gives whether its file can be written on."""
        if not path.is_file():
            return False
        with path.open(encoding="utf-8", errors="replace") as file:
            if file.readline() != self._about + "\n":
                return False
            for line in file:
                try:
                    key, piece = json.loads(line)
                except (ValueError, TypeError):
                    return False
                if not line.endswith("\n"):
                    return False
                self._pieces[str(key)] = piece
        return True
