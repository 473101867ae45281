"""The lock of the one writer: `flock` on `.lock`, with the holder's name written inside.

The system frees the lock when its holder dies, however it dies; what is written in the file
only serves the message that a waiting process prints.
"""

from __future__ import annotations

import fcntl
import json
import os
import socket
import sys
import time
from pathlib import Path

from recommender.errors import IndexLocked, IndexStoreError
from recommender.store.schema import FILE_MODE, LOCK_NAME

_POLL_SECONDS = 0.05
_MOST_READ = 2_000
_COMMAND_WORDS = 2


class WriterLock:
    """A held lock; made by `WriterLock.acquire`."""

    def __init__(self, descriptor: int) -> None:
        self._descriptor: int | None = descriptor

    @classmethod
    def acquire(cls, folder: Path, *, timeout: float) -> WriterLock:
        """Take the lock of an index folder, waiting for it if need be.

        Parameters
        ----------
        folder : Path
            Must exist.
        timeout : float
            Seconds to wait at most.

        Raises
        ------
        IndexLocked
            If another process still holds it; the message says which.
        IndexStoreError
            If the lock file cannot be opened.
        """
        path = folder / LOCK_NAME
        deadline = time.monotonic() + timeout
        while True:
            try:
                descriptor = os.open(path, os.O_RDWR | os.O_CREAT | os.O_CLOEXEC, FILE_MODE)
            except OSError as error:
                raise IndexStoreError(
                    f"{path}: cannot be opened for writing ({error.strerror}); run this as the "
                    "user who owns the index"
                ) from error
            try:
                _wait(descriptor, folder, deadline)
                if _is_at(descriptor, path):
                    _sign(descriptor)
                    return cls(descriptor)
            except BaseException:
                os.close(descriptor)
                raise
            # Another index was put in the place of this one meanwhile: that one is to be locked.
            os.close(descriptor)

    def release(self) -> None:
        """Free the lock; nothing happens the second time."""
        if self._descriptor is not None:
            os.ftruncate(self._descriptor, 0)
            self.abandon()

    def abandon(self) -> None:
        """Close the file only: in a forked child, the lock stays with the parent."""
        if self._descriptor is not None:
            os.close(self._descriptor)
            self._descriptor = None


def lock_holder(folder: Path) -> str | None:
    """Who is writing to an index, in words; `None` when nobody is or it cannot be told."""
    try:
        descriptor = os.open(folder / LOCK_NAME, os.O_RDONLY | os.O_CLOEXEC)
    except OSError:
        return None
    try:
        fcntl.flock(descriptor, fcntl.LOCK_SH | fcntl.LOCK_NB)
    except BlockingIOError:
        return _holder(descriptor)
    except OSError:
        return None
    finally:
        os.close(descriptor)
    return None


def _is_at(descriptor: int, path: Path) -> bool:
    """Whether an open file is the one of that name."""
    try:
        there = path.stat()
    except OSError:
        return False
    own = os.fstat(descriptor)
    return (own.st_dev, own.st_ino) == (there.st_dev, there.st_ino)


def _wait(descriptor: int, folder: Path, deadline: float) -> None:
    while True:
        try:
            fcntl.flock(descriptor, fcntl.LOCK_EX | fcntl.LOCK_NB)
            return
        except BlockingIOError:
            if time.monotonic() >= deadline:
                raise IndexLocked(
                    f"{folder}: {_holder(descriptor)} is writing to the index; "
                    "try again when it has finished"
                ) from None
            time.sleep(_POLL_SECONDS)
        except OSError as error:
            raise IndexStoreError(
                f"{folder}: cannot be locked ({error.strerror}); keep the index on a local disk"
            ) from error


def _sign(descriptor: int) -> None:
    # Not the whole command line: arguments may hold what others should not read.
    words = [Path(sys.argv[0] or "python").name, *sys.argv[1:_COMMAND_WORDS]]
    holder = {
        "pid": os.getpid(),
        "host": socket.gethostname(),
        "command": " ".join(words)[:200],
    }
    os.fchmod(descriptor, FILE_MODE)
    os.ftruncate(descriptor, 0)
    os.pwrite(descriptor, json.dumps(holder).encode(), 0)


def _holder(descriptor: int) -> str:
    try:
        holder = json.loads(os.pread(descriptor, _MOST_READ, 0))
        words = f"process {int(holder['pid'])} on {holder['host']} ({holder['command']})"
    except (OSError, ValueError, KeyError, TypeError, RecursionError):
        return "another process"
    return "".join(each if each.isprintable() else " " for each in words)[:400]
