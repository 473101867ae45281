"""The lock of the one writer: `flock` on `.lock`, with the holder's name written inside.

The system frees the lock when its holder dies, however it dies; the name only serves the
message that a waiting process prints. The file also says which index was last written here and
up to which change, after the change is on disk: a database that ends earlier has lost something.
It is not synced, so that it may say too little, never too much.
"""

from __future__ import annotations

import fcntl
import json
import logging
import os
import socket
import sys
import time
from collections.abc import Iterator, Mapping
from contextlib import contextmanager, suppress
from contextvars import ContextVar
from dataclasses import asdict, dataclass
from pathlib import Path

from xxhash import xxh3_64_hexdigest

from recommender.errors import IndexLocked, IndexStoreError
from recommender.files import advice_on
from recommender.store.files import share
from recommender.store.schema import FILE_MODE, LOCK_NAME

logger = logging.getLogger("recommender")

_PATIENCE: ContextVar[float] = ContextVar("patience", default=30.0)

_POLL_SECONDS = 0.05
# Who waits longer is told for whom.
_SILENT_SECONDS = 0.3
_MOST_READ = 2_000
_COMMAND_WORDS = 2


def patience() -> float:
    """Seconds that this thread waits for another writer."""
    return _PATIENCE.get()


@contextmanager
def waiting_at_most(seconds: float | None) -> Iterator[None]:
    """Whatever this thread writes inside waits only so long for other writers.

    `None` changes nothing.
    """
    if seconds is None:
        yield
        return
    before = _PATIENCE.set(seconds)
    try:
        yield
    finally:
        _PATIENCE.reset(before)


@dataclass(frozen=True, slots=True)
class Written:
    """Which index was last written in a folder, and up to which change."""

    index: str
    change: int

    def to_dict(self) -> dict[str, object]:
        """As it is written, with a checksum: what is damaged says nothing."""
        return {
            **asdict(self),
            "checksum": xxh3_64_hexdigest(f"{self.index} {self.change}".encode()),
        }


def last_written(folder: Path) -> Written | None:
    """What the lock file of a folder says was written; `None` when it says nothing."""
    try:
        content = (folder / LOCK_NAME).read_bytes()[:_MOST_READ]
    except OSError:
        return None
    return _written(content)


class WriterLock:
    """A held lock; made by `WriterLock.acquire`.

    Attributes
    ----------
    written : Written or None
        What was last written under it.
    """

    def __init__(self, descriptor: int) -> None:
        self._descriptor: int | None = descriptor
        self.written = _written(os.pread(descriptor, _MOST_READ, 0))

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
                    f"{path}: cannot be opened for writing ({error.strerror}); {advice_on(error)}"
                ) from error
            try:
                _wait(descriptor, folder, deadline)
                if is_at(descriptor, path):
                    # Another user's file keeps its mode.
                    share(path)
                    lock = cls(descriptor)
                    lock._sign()
                    return lock
            except OSError as error:
                os.close(descriptor)
                raise IndexStoreError(
                    f"{path}: cannot be written ({error.strerror}); nothing was changed; "
                    f"{advice_on(error)}"
                ) from error
            except BaseException:
                os.close(descriptor)
                raise
            # Another index was put in the place of this one meanwhile: that one is to be locked.
            os.close(descriptor)

    def remember(self, index: str, change: int) -> None:
        """Write down that a change is on disk."""
        self.written = Written(index, change)
        # The change is made; a disk too full for this note must not make it look failed.
        with suppress(OSError):
            self._sign()

    def release(self) -> None:
        """Free the lock; nothing happens the second time."""
        if self._descriptor is not None:
            with suppress(OSError):
                self._write({})
            self.abandon()

    def abandon(self) -> None:
        """Close the file only: in a forked child, the lock stays with the parent."""
        if self._descriptor is not None:
            os.close(self._descriptor)
            self._descriptor = None

    def _sign(self) -> None:
        self._write(_own_name())

    def _write(self, holder: Mapping[str, object]) -> None:
        if self._descriptor is None:
            return
        written = {} if self.written is None else self.written.to_dict()
        content = json.dumps({**written, **holder}).encode() if written or holder else b""
        # A reader in between sees what does not parse, and takes it for nothing.
        os.pwrite(self._descriptor, content, 0)
        os.ftruncate(self._descriptor, len(content))


def _own_name() -> dict[str, object]:
    # Not the whole command line: arguments may hold what others should not read.
    words = [Path(sys.argv[0] or "python").name, *sys.argv[1:_COMMAND_WORDS]]
    return {
        "pid": os.getpid(),
        "host": socket.gethostname(),
        "command": " ".join(words)[:200],
    }


def sign(descriptor: int) -> None:
    """Write who holds a lock into its file."""
    content = json.dumps(_own_name()).encode()
    os.pwrite(descriptor, content, 0)
    os.ftruncate(descriptor, len(content))


def _written(content: bytes) -> Written | None:
    try:
        found = json.loads(content)
        written = Written(index=str(found["index"]), change=int(found["change"]))
        return written if found["checksum"] == written.to_dict()["checksum"] else None
    except (ValueError, KeyError, TypeError, RecursionError):
        return None


def lock_holder(folder: Path) -> str | None:
    """Who is writing to an index, in words; `None` when nobody is or it cannot be told."""
    try:
        descriptor = os.open(folder / LOCK_NAME, os.O_RDONLY | os.O_CLOEXEC)
    except OSError:
        return None
    try:
        fcntl.flock(descriptor, fcntl.LOCK_SH | fcntl.LOCK_NB)
    except BlockingIOError:
        return holder_of(descriptor)
    except OSError:
        return None
    finally:
        os.close(descriptor)
    return None


def is_at(descriptor: int, path: Path) -> bool:
    """Whether an open file is the one of that name."""
    try:
        there = path.stat()
    except OSError:
        return False
    own = os.fstat(descriptor)
    return (own.st_dev, own.st_ino) == (there.st_dev, there.st_ino)


def _wait(descriptor: int, folder: Path, deadline: float) -> None:
    patience, said = time.monotonic() + _SILENT_SECONDS, False
    while True:
        try:
            fcntl.flock(descriptor, fcntl.LOCK_EX | fcntl.LOCK_NB)
            return
        except BlockingIOError:
            if time.monotonic() >= deadline:
                raise IndexLocked(
                    f"{folder}: {holder_of(descriptor)} is writing to the index; "
                    "try again when it has finished"
                ) from None
            if not said and time.monotonic() >= patience:
                logger.warning("%s: waiting for %s to finish", folder, holder_of(descriptor))
                said = True
            time.sleep(_POLL_SECONDS)
        except OSError as error:
            raise IndexStoreError(
                f"{folder}: cannot be locked ({error.strerror}); keep the index on a local disk"
            ) from error


def holder_of(descriptor: int) -> str:
    """Who has written his name into the file of a lock, in words."""
    try:
        holder = json.loads(os.pread(descriptor, _MOST_READ, 0))
        words = f"process {int(holder['pid'])} on {holder['host']} ({holder['command']})"
    except (OSError, ValueError, KeyError, TypeError, RecursionError):
        return "another process"
    return "".join(each if each.isprintable() else " " for each in words)[:400]
