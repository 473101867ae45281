"""Connections to the database: opening, pooling, forks, and SQLite's errors in our words.

The one place that calls sqlite3. A connection serves one thread at a time and comes back to
its pool; idle ones are closed before a fork, because SQLite must not be carried across one.
"""

from __future__ import annotations

import os
import sqlite3
import threading
from collections.abc import Iterable, Sequence
from pathlib import Path
from typing import Any
from urllib.parse import quote
from weakref import WeakSet

from recommender.errors import IndexCorrupt, IndexLocked, IndexStoreError
from recommender.rights import forbidden, obstacle
from recommender.store.absence import absent, is_present
from recommender.store.codec import State
from recommender.store.files import share_database
from recommender.store.schema import advice_on_damage, database_path

_BUSY_SECONDS = 10.0
_STATEMENTS_KEPT = 64

_COMMON_SETTINGS = (
    "PRAGMA foreign_keys = ON",
    "PRAGMA trusted_schema = OFF",
    # Damaged pages are noticed when they are read.
    "PRAGMA cell_size_check = ON",
    # A mapped database would kill the process where a short read gives an error.
    "PRAGMA mmap_size = 0",
)
_ERRORS = (sqlite3.Error, UnicodeDecodeError)
_READER_SETTINGS = ("PRAGMA query_only = ON", "PRAGMA cache_size = -16384")
_WRITER_SETTINGS = (
    "PRAGMA synchronous = FULL",
    "PRAGMA cache_size = -16384",
    "PRAGMA secure_delete = FAST",
)


class Connection:
    """One SQLite connection, used by one thread at a time.

    Attributes
    ----------
    depth : int
        How many snapshots or transactions are open on it, one inside the other.
    state : State or None
        What the `state` table says inside the open snapshot.
    noted : (int, str) or None
        The name of the state that it saw last, and SQLite's number of that state.
    """

    __slots__ = ("_folder", "_raw", "_reading", "depth", "noted", "state")

    def __init__(self, raw: sqlite3.Connection, folder: Path, *, reading: bool = False) -> None:
        self._raw = raw
        self._reading = reading
        self._folder = folder
        self.depth = 0
        self.state: State | None = None
        self.noted: tuple[int, str] | None = None

    @classmethod
    def open(cls, folder: Path, *, writable: bool = False) -> Connection:
        """Open the database of an index; one that is missing is not made."""
        path = database_path(folder)
        if writable:
            return cls.open_file(path, folder, mode="rw")
        try:
            return cls._open_reading(path, folder)
        except _Unshared:
            if not _owned(path):
                raise
        # Reading alone does not make the files beside the database. Of two connections the one
        # that writes closes first, so that they stay.
        maker = cls.open_file(path, folder, mode="rw")
        try:
            maker.rows("PRAGMA schema_version")
            share_database(path)
            return cls._open_reading(path, folder)
        finally:
            maker.close()

    @classmethod
    def _open_reading(cls, path: Path, folder: Path) -> Connection:
        connection = cls.open_file(path, folder, mode="ro")
        try:
            connection.rows("PRAGMA schema_version")
        except BaseException:
            connection.close()
            raise
        return connection

    @classmethod
    def open_file(cls, path: Path, folder: Path, *, mode: str) -> Connection:
        """Open a database file; `mode` is SQLite's "ro", "rw" or "rwc"."""
        uri = f"file:{quote(os.fsencode(path.absolute()))}?mode={mode}"
        try:
            raw = sqlite3.connect(
                uri,
                uri=True,
                timeout=_BUSY_SECONDS,
                isolation_level=None,
                check_same_thread=False,
                cached_statements=_STATEMENTS_KEPT,
            )
        except sqlite3.Error as error:
            raise translated(error, folder, reading=mode == "ro") from error
        connection = cls(raw, folder, reading=mode == "ro")
        try:
            for setting in _COMMON_SETTINGS:
                connection.run(setting)
            for setting in _READER_SETTINGS if mode == "ro" else _WRITER_SETTINGS:
                connection.run(setting)
        except BaseException:
            raw.close()
            raise
        return connection

    @property
    def in_transaction(self) -> bool:
        """Whether SQLite has a transaction open."""
        return self._raw.in_transaction

    def rows(self, sql: str, parameters: Sequence[Any] = ()) -> list[tuple[Any, ...]]:
        """Run one statement and fetch all it gives."""
        try:
            return self._raw.execute(sql, parameters).fetchall()
        except _ERRORS as error:
            raise translated(error, self._folder, reading=self._reading) from error

    def run(self, sql: str, parameters: Sequence[Any] = ()) -> int:
        """Run one statement; returns how many table rows it changed."""
        try:
            return self._raw.execute(sql, parameters).rowcount
        except _ERRORS as error:
            raise translated(error, self._folder, reading=self._reading) from error

    def run_many(self, sql: str, parameters: Iterable[Sequence[Any]]) -> None:
        """Run one statement for each set of parameters."""
        try:
            self._raw.executemany(sql, parameters)
        except _ERRORS as error:
            raise translated(error, self._folder, reading=self._reading) from error

    def close(self) -> None:
        """Close it; nothing happens the second time."""
        self._raw.close()


class _Unshared(IndexStoreError):
    """The log's files are not there, and reading alone does not make them."""


def _owned(path: Path) -> bool:
    """Whether files that this process makes beside a database serve its owner, too."""
    try:
        owner = path.stat().st_uid
    except OSError:
        return False
    # SQLite gives what root makes to the database's owner.
    return os.geteuid() in (0, owner) and os.access(path.parent, os.W_OK)


def translated(error: Exception, folder: Path, *, reading: bool = False) -> IndexStoreError:
    """Say in our words what SQLite says, with what to do next."""
    path = database_path(folder)
    words = str(error)
    if isinstance(error, UnicodeDecodeError):
        # Of a name in the schema: sqlite3 fails to decode its own error message.
        return IndexCorrupt(f"{path}: could not decode text; {advice_on_damage(folder)}")
    lower = words.lower()
    if reading:
        for place in (folder, *(Path(f"{path}{suffix}") for suffix in ("", "-wal", "-shm"))):
            blocked = obstacle(place)
            if blocked is not None:
                return forbidden(folder, blocked)
        if not is_present(folder):
            return absent(folder)
    if reading and any(part in lower for part in _UNSHARED):
        return _Unshared(
            f"{path}: it cannot be read without the files beside it (-wal, -shm), and you may "
            'neither make nor read them; let the user who owns the index run "recommender info" '
            "once, which makes them, or give yourself the right to write in the folder"
        )
    for parts, kind, advice in _TRANSLATIONS:
        if any(part in lower for part in parts):
            return kind(f"{path}: {words}; {advice or advice_on_damage(folder)}")
    return IndexStoreError(f'{path}: {words}; run "recommender verify"')


# What SQLite says of a log that is not there and that this user may not make. The database
# alone (immutable=1) is not read then: its owner may begin to write at any moment.
_UNSHARED = ("readonly", "read-only", "unable to open")
_TRANSLATIONS: tuple[tuple[tuple[str, ...], type[IndexStoreError], str], ...] = (
    (
        (
            "malformed",
            "not a database",
            "could not decode",
            "no such table",
            "no such column",
            "file is encrypted",
            "unsupported file format",
            "too big",
        ),
        IndexCorrupt,
        "",
    ),
    (("locked", "busy"), IndexLocked, "another process is using it, try again"),
    (
        ("readonly", "read-only"),
        IndexStoreError,
        "nothing was changed; run this as the user who owns the index",
    ),
    (("full",), IndexStoreError, "nothing was changed; free space and run the command again"),
    (
        ("unable to open",),
        IndexStoreError,
        "nothing was changed; run this as the user who owns the index",
    ),
    (("i/o error",), IndexStoreError, "look at the disk and its quota, then try again"),
    (("closed database",), IndexStoreError, "the index was closed; open it again"),
    (("constraint failed",), IndexStoreError, "nothing was changed; the article is there already"),
)


class ConnectionPool:
    """Read-only connections to one database: as many as are in use at once.

    Parameters
    ----------
    folder : Path
        Folder of the index.
    """

    def __init__(self, folder: Path) -> None:
        self._folder = folder
        self._path = database_path(folder)
        self._idle: list[Connection] = []
        self._local = threading.local()
        self._identity = _identity(self._path)
        self._closed = False
        self.replaced = 0
        _pools.add(self)

    @property
    def current(self) -> Connection | None:
        """The connection this thread holds now."""
        connection: Connection | None = getattr(self._local, "connection", None)
        return connection

    def acquire(self) -> Connection:
        """Take a connection for this thread.

        Raises
        ------
        IndexMissing, IndexForbidden
            If the database is not there any more and no connection is left.
        """
        if self._closed:
            raise IndexStoreError(f"{self._folder}: the index was closed; open it again")
        self._follow()
        try:
            connection = self._idle.pop()
        except IndexError:
            if self._identity is None:
                raise absent(self._folder) from None
            connection = Connection.open(self._folder)
        self._local.connection = connection
        return connection

    def release(self, connection: Connection) -> None:
        """Give this thread's connection back."""
        self._local.connection = None
        if self._closed:
            connection.close()
        else:
            self._idle.append(connection)

    def close_idle(self) -> None:
        """Close the connections that no thread holds."""
        while self._idle:
            self._idle.pop().close()

    def close(self) -> None:
        """Close all; those in use close when they come back."""
        self._closed = True
        self.close_idle()

    def forget_after_fork(self) -> None:
        """In a child: leave alone what the parent's threads were using."""
        current = self.current
        if current is not None:
            _abandoned.append(current)
        self._idle = []
        self._local = threading.local()

    def _follow(self) -> None:
        """Notice that another index was put in place of this one."""
        identity = _identity(self._path)
        if identity is not None and identity != self._identity:
            self.close_idle()
            self._identity = identity
            self.replaced += 1


def _identity(path: Path) -> tuple[int, int] | None:
    try:
        status = os.stat(path)  # noqa: PTH116 - twice as fast, on every call
    except OSError:
        return None
    return status.st_dev, status.st_ino


_pools: WeakSet[ConnectionPool] = WeakSet()
# Connections of a parent process: closing them in a child would be as bad as using them.
_abandoned: list[Connection] = []


def _before_fork() -> None:
    for pool in list(_pools):
        pool.close_idle()


def _after_fork_in_child() -> None:
    for pool in list(_pools):
        pool.forget_after_fork()


os.register_at_fork(before=_before_fork, after_in_child=_after_fork_in_child)
