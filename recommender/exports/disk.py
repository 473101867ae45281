"""Putting files on disk whole: many at once, and no two exports into one place."""

from __future__ import annotations

import ctypes
import fcntl
import os
import re
import secrets
from collections.abc import Iterable, Iterator
from contextlib import contextmanager, suppress
from pathlib import Path

from recommender.errors import ExportError, ExportRunning

_TEMPORARY = re.compile(r"\..+\.[0-9a-f]{8}\.tmp")


def temporary_beside(path: Path) -> Path:
    """A name for a file that is not finished."""
    return path.with_name(f".{path.name}.{secrets.token_hex(4)}.tmp")


def is_temporary(name: str) -> bool:
    """Whether a file of this name was left by a writer that was killed."""
    return _TEMPORARY.fullmatch(name) is not None


def put_many(files: Iterable[tuple[Path, bytes]], folder: Path) -> None:
    """Write files of one folder, each whole: all are on disk before the first gets its name.

    Raises
    ------
    OSError
        As the system says; files that have not got their names are gone then.
    """
    waiting: list[tuple[Path, Path]] = []
    try:
        for path, data in files:
            temporary = temporary_beside(path)
            waiting.append((temporary, path))
            # The permissions of any new file: the web server must read it.
            with temporary.open("xb") as file:
                file.write(data)
        if waiting:
            sync_all(folder)
        while waiting:
            temporary, path = waiting[-1]
            temporary.replace(path)
            waiting.pop()
    finally:
        for temporary, _ in waiting:
            with suppress(OSError):
                temporary.unlink(missing_ok=True)


def sync_all(folder: Path) -> None:
    """Put all that was written to the file system of a folder safely on disk."""
    call = getattr(ctypes.CDLL(None, use_errno=True), "syncfs", None)
    if call is None:
        os.sync()
        return
    handle = os.open(folder, os.O_RDONLY)
    try:
        if call(handle) != 0:
            number = ctypes.get_errno()
            raise OSError(number, os.strerror(number))
    finally:
        os.close(handle)


@contextmanager
def alone(lock: Path) -> Iterator[None]:
    """Hold a lock file; a second export into the same place is refused.

    Raises
    ------
    ExportRunning
        If another process holds it.
    ExportError
        If it cannot be made.
    """
    try:
        with lock.open("ab") as file:
            try:
                fcntl.flock(file, fcntl.LOCK_EX | fcntl.LOCK_NB)
            except BlockingIOError as error:
                raise ExportRunning(
                    f"another export is writing to {lock.parent}; let it come to its end"
                ) from error
            yield
    except OSError as error:
        raise cannot_write(lock, error) from error


def cannot_write(path: Path, error: OSError) -> ExportError:
    """What is told of a file that cannot be written."""
    return ExportError(
        f"cannot write {path}: {error.strerror or error}; every list that is there is whole; "
        "see to the disk and its rights, then export again"
    )
