"""Vectors of an unfinished run, put by as they come, so that nothing is embedded twice."""

from __future__ import annotations

import sqlite3
from collections.abc import Mapping, Sequence
from pathlib import Path
from types import TracebackType

import numpy as np
from numpy.typing import NDArray
from xxhash import xxh3_128_hexdigest

from recommender.store.connection import connect, translated
from recommender.store.schema import check_sum
from recommender.store.writer import make_folder

_MODE = 0o640
_AT_ONCE = 500


class Pending:
    """A file of vectors by the digest of their input, for one embedder; made by `open`."""

    def __init__(self, path: Path, connection: sqlite3.Connection) -> None:
        self._path = path
        self._connection = connection

    @classmethod
    def open(cls, folder: Path, *, embedder: str) -> Pending:
        """Open the file of an index folder, which is made when missing.

        Parameters
        ----------
        folder : Path
        embedder : str
            What the vectors depend on beside their input: weights, window, prompt.
        """
        make_folder(folder)
        path = folder / f"pending-{xxh3_128_hexdigest(embedder.encode())[:12]}.sqlite"
        with translated(path):
            connection = connect(path, readonly=False)
            connection.execute("PRAGMA synchronous = NORMAL")
            connection.execute(
                "CREATE TABLE IF NOT EXISTS vectors (digest BLOB PRIMARY KEY, vector BLOB NOT NULL, "
                "check_sum INTEGER NOT NULL) WITHOUT ROWID"
            )
        path.chmod(_MODE)
        return cls(path, connection)

    def get_many(self, digests: Sequence[bytes]) -> dict[bytes, NDArray[np.float16]]:
        """The vectors that are there; damaged ones are not."""
        found: dict[bytes, NDArray[np.float16]] = {}
        with translated(self._path):
            for start in range(0, len(digests), _AT_ONCE):
                part = digests[start : start + _AT_ONCE]
                slots = ", ".join("?" * len(part))
                sql = f"SELECT * FROM vectors WHERE digest IN ({slots})"  # noqa: S608
                for digest, blob, total in self._connection.execute(sql, part):
                    if check_sum(blob) == total:
                        found[digest] = np.frombuffer(blob, "<f2")
        return found

    def put_many(self, vectors: Mapping[bytes, NDArray[np.float16]]) -> None:
        """Put vectors by; they are there after a crash of the process."""
        values = []
        for digest, vector in vectors.items():
            blob = vector.astype("<f2").tobytes()
            values.append((digest, blob, check_sum(blob)))
        with translated(self._path):
            self._connection.execute("BEGIN IMMEDIATE")
            self._connection.executemany("INSERT OR REPLACE INTO vectors VALUES (?, ?, ?)", values)
            self._connection.execute("COMMIT")

    def discard(self) -> None:
        """The vectors are in the index now: delete the file."""
        self.close()
        for suffix in ("", "-wal", "-shm"):
            Path(f"{self._path}{suffix}").unlink(missing_ok=True)

    def close(self) -> None:
        """Close the file; what is in it stays."""
        self._connection.close()

    def __enter__(self) -> Pending:
        return self

    def __exit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        trace: TracebackType | None,
    ) -> None:
        self.close()
