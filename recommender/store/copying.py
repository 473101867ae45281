"""A consistent copy of the database of an index, taken while a writer may be at work.

SQLite's backup runs inside one read transaction, so that all pages are of one state and nothing
has to begin again when another process commits. The names of the search files come out of the
same transaction. Knows nothing of what those files hold.
"""

from __future__ import annotations

import os
import sqlite3
from collections.abc import Callable, Iterator
from contextlib import closing, contextmanager
from pathlib import Path

from recommender.store.connection import Connection, translated
from recommender.store.documents import GenerationInfo
from recommender.store.files import share
from recommender.store.reader import Store
from recommender.store.schema import FILE_MODE, database_path

# Some 16 MB a step: progress is shown often enough, and an interrupt is heard.
_PAGES = 1_000


class SourceSnapshot:
    """One state of an index that is to be copied; made by `source_snapshot`."""

    def __init__(self, store: Store) -> None:
        self._store = store
        self.generation: GenerationInfo | None = store.generation()

    def size(self) -> int:
        """Bytes of the database in this state."""
        ((pages,),) = self._store._rows("PRAGMA page_count")
        ((page_size,),) = self._store._rows("PRAGMA page_size")
        return int(pages) * int(page_size)

    def write(self, folder: Path, progress: Callable[[int, int], None]) -> None:
        """Write the database into another folder, which has none; `seal` puts it safely on disk.

        Parameters
        ----------
        folder : Path
        progress : callable
            Called with pages written and pages there are.

        Raises
        ------
        IndexStoreError
            If it cannot be written.
        """
        target = database_path(folder)
        os.close(os.open(target, os.O_WRONLY | os.O_CREAT | os.O_EXCL | os.O_CLOEXEC, FILE_MODE))
        # No sync by SQLite: one at the end is enough for a folder that has no name yet.
        with closing(Connection.open_file(target, folder, mode="rw")) as copy:
            copy.run("PRAGMA synchronous = OFF")
            source = self._store._current()
            try:
                source._raw.backup(
                    copy._raw,
                    pages=_PAGES,
                    progress=lambda _, left, total: progress(total - left, total),
                )
            except sqlite3.Error as error:
                raise translated(error, folder) from error


def seal(folder: Path) -> None:
    """Fold the log of a database that nobody else has open into it, and put it safely on disk.

    Without a log it can be read where nothing may be written, and shipped file by file. The
    first writer that opens it gives it one again.
    """
    path = database_path(folder)
    with closing(Connection.open_file(path, folder, mode="rw")) as copy:
        copy.rows("PRAGMA journal_mode = DELETE")
    descriptor = os.open(path, os.O_RDONLY | os.O_CLOEXEC)
    try:
        os.fsync(descriptor)
    finally:
        os.close(descriptor)
    share(path)


@contextmanager
def source_snapshot(store: Store) -> Iterator[SourceSnapshot]:
    """One state of an index, held until the end whatever writers do meanwhile."""
    with store.snapshot():
        yield SourceSnapshot(store)
