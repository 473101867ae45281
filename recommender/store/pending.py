"""Vectors of an unfinished run, put by as they come, so that nothing is embedded twice."""

from __future__ import annotations

import json
from collections.abc import Mapping, Sequence
from pathlib import Path

import numpy as np
from numpy.typing import NDArray
from xxhash import xxh3_64_intdigest, xxh3_128_hexdigest

from recommender.closing import Closing
from recommender.errors import IndexCorrupt
from recommender.store.connection import Connection
from recommender.store.files import make_file, make_folder, share_database

_AT_ONCE = 5_000
_KNOWN_AT_ONCE = 500


class Pending(Closing):
    """A file of vectors by the digest of their input, for one embedder; made by `open`."""

    def __init__(self, path: Path, connection: Connection) -> None:
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
        path = cls.path_of(folder, embedder=embedder)
        try:
            return cls(path, _opened(path, folder))
        except IndexCorrupt:
            # Only a cache: what cannot be read is made again.
            _delete(path)
            return cls(path, _opened(path, folder))

    @staticmethod
    def path_of(folder: Path, *, embedder: str) -> Path:
        """Where the file is, or would be."""
        return folder / f"pending-{xxh3_128_hexdigest(embedder.encode())[:12]}.sqlite"

    def get_many(self, digests: Sequence[bytes]) -> dict[bytes, NDArray[np.float16]]:
        """The vectors that are there; damaged ones are not."""
        found: dict[bytes, NDArray[np.float16]] = {}
        for start in range(0, len(digests), _AT_ONCE):
            part = [each.hex() for each in digests[start : start + _AT_ONCE]]
            sql = "SELECT * FROM vectors WHERE digest IN (SELECT value FROM json_each(?))"
            for digest, blob, total in self._connection.rows(sql, (json.dumps(part),)):
                if total == _check_sum(digest, blob):
                    found[bytes.fromhex(digest)] = np.frombuffer(blob, "<f2")
        return found

    def known(self, digests: Sequence[bytes]) -> set[bytes]:
        """Which of the vectors are there and sound."""
        found: set[bytes] = set()
        for start in range(0, len(digests), _KNOWN_AT_ONCE):
            found.update(self.get_many(digests[start : start + _KNOWN_AT_ONCE]))
        return found

    def put_many(self, vectors: Mapping[bytes, NDArray[np.float16]]) -> None:
        """Put vectors by; they are there after a crash of the process."""
        values = []
        for digest, vector in vectors.items():
            blob = vector.astype("<f2").tobytes()
            values.append((digest.hex(), blob, _check_sum(digest.hex(), blob)))
        self._connection.run("BEGIN IMMEDIATE")
        self._connection.run_many("INSERT OR REPLACE INTO vectors VALUES (?, ?, ?)", values)
        self._connection.run("COMMIT")

    def discard(self) -> None:
        """The vectors are in the index now: delete the file."""
        self.close()
        _delete(self._path)

    def close(self) -> None:
        """Close the file; what is in it stays."""
        self._connection.close()


def _opened(path: Path, folder: Path) -> Connection:
    make_file(path)
    connection = Connection.open_file(path, folder, mode="rw")
    try:
        connection.rows("PRAGMA journal_mode = WAL")
        # A power cut may cost the last vectors; a killed process costs none.
        connection.run("PRAGMA synchronous = NORMAL")
        connection.run(
            "CREATE TABLE IF NOT EXISTS vectors (digest TEXT PRIMARY KEY, vector BLOB NOT NULL, "
            "checksum TEXT NOT NULL) WITHOUT ROWID"
        )
        share_database(path)
    except BaseException:
        connection.close()
        raise
    return connection


def _delete(path: Path) -> None:
    for suffix in ("-wal", "-shm", ""):
        Path(f"{path}{suffix}").unlink(missing_ok=True)


def _check_sum(digest: str, blob: bytes) -> str:
    return f"{xxh3_64_intdigest(digest.encode() + blob):016x}"
