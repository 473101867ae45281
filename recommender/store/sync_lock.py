"""The lock of the one sync: `flock` on `.sync.lock`, held from its first look at a source on.

Apart from the writer's lock, which is held only while something is written: who decides about a
pair need not wait until a sync has embedded. The system frees it when its holder dies.
"""

from __future__ import annotations

import fcntl
import os
from contextlib import suppress
from pathlib import Path

from recommender.closing import Closing
from recommender.errors import IndexStoreError, SyncRunning
from recommender.files import advice_on
from recommender.store.files import check_writable, make_folder, share
from recommender.store.lock import holder_of, is_at, sign
from recommender.store.schema import DATABASE_NAME, FILE_MODE, SYNC_LOCK_NAME


class SyncLock(Closing):
    """A held lock; made by `SyncLock.acquire`, a context manager."""

    def __init__(self, descriptor: int, folder: Path, *, made: bool) -> None:
        self._descriptor = descriptor
        self._folder = folder
        self._made = made

    @classmethod
    def acquire(cls, folder: Path) -> SyncLock:
        """Take the lock of an index folder, which is made when missing; nobody waits for it.

        Raises
        ------
        SyncRunning
            If another process holds it; the message says which.
        IndexStoreError
            If the lock file cannot be opened.
        """
        check_writable(folder)
        path = folder / SYNC_LOCK_NAME
        made = False
        while True:
            made = made or not folder.exists()
            make_folder(folder)
            try:
                descriptor = os.open(path, os.O_RDWR | os.O_CREAT | os.O_CLOEXEC, FILE_MODE)
            except FileNotFoundError:
                # A first sync that failed has just taken its folder away.
                continue
            except OSError as error:
                raise IndexStoreError(
                    f"{path}: cannot be opened for writing ({error.strerror}); {advice_on(error)}"
                ) from error
            try:
                _lock(descriptor, folder)
                if is_at(descriptor, path):
                    share(path)
                    with suppress(OSError):
                        sign(descriptor)
                    return cls(descriptor, folder, made=made)
            except BaseException:
                os.close(descriptor)
                raise
            # Another index was put in the place of this one meanwhile.
            os.close(descriptor)

    def close(self) -> None:
        """Let others sync."""
        with suppress(OSError):
            os.ftruncate(self._descriptor, 0)
        # Of a first sync that made nothing, nothing stays.
        with suppress(OSError):
            path = self._folder / SYNC_LOCK_NAME
            if not (self._folder / DATABASE_NAME).exists() and is_at(self._descriptor, path):
                path.unlink()
                if self._made:
                    self._folder.rmdir()
        os.close(self._descriptor)


def _lock(descriptor: int, folder: Path) -> None:
    try:
        fcntl.flock(descriptor, fcntl.LOCK_EX | fcntl.LOCK_NB)
    except BlockingIOError:
        raise SyncRunning(
            f"{folder}: a sync is running already ({holder_of(descriptor)}); it will be done when "
            "that one has ended"
        ) from None
    except OSError as error:
        raise IndexStoreError(
            f"{folder}: cannot be locked ({error.strerror}); keep the index on a local disk"
        ) from error
