"""`Writer`: changing an index, one process at a time, a whole change or none."""

from __future__ import annotations

import secrets
from collections.abc import Iterable, Iterator, Mapping, Sequence
from contextlib import contextmanager, suppress
from dataclasses import replace
from pathlib import Path
from typing import Any

from recommender.errors import IndexStoreError, RecommenderError
from recommender.records import Card
from recommender.store import codec
from recommender.store.absence import absent, is_present, refuse_lost
from recommender.store.codec import State
from recommender.store.connection import Connection
from recommender.store.documents import Document, GenerationInfo, NeighbourList
from recommender.store.files import check_writable, make_file, make_folder, share_database
from recommender.store.header import check_format, read_state
from recommender.store.lock import WriterLock, patience
from recommender.store.query import CARD_COLUMNS, SKETCH_COLUMNS, slots
from recommender.store.reader import OWN_META, Store
from recommender.store.schema import (
    APPLICATION_ID,
    DATABASE_NAME,
    FORMAT_VERSION,
    INDEXES,
    PAGE_SIZE,
    TABLES,
)

_STATE_COLUMNS = (
    "only, change, articles, last_row, dimension, last_generation, generation, checksum"
)


class Writer(Store):
    """An index open for writing, under its lock; made by `Writer.open_for_writing`.

    Reads inside a transaction see its own changes. Used by one thread.
    """

    def __init__(self, folder: Path, lock: WriterLock, connection: Connection) -> None:
        super().__init__(folder)
        self._lock = lock
        self._own = connection
        self._stored_state = State()

    @classmethod
    def open_for_writing(
        cls, folder: Path, *, create: bool = False, timeout: float | None = None
    ) -> Writer:
        """Take the lock and open the index for writing.

        Parameters
        ----------
        folder : Path
        create : bool
            Make the folder and an empty database where there is none.
        timeout : float, optional
            Seconds to wait for another writer; by default as `patience` says, else 30.

        Raises
        ------
        IndexMissing
            If there is no index and none is to be made.
        IndexLocked
            If another process is still writing; says which.
        IndexStoreError
            If the folder cannot be written.
        """
        path = folder / DATABASE_NAME
        if create:
            make_folder(folder)
        elif not is_present(folder):
            raise absent(folder)
        check_writable(folder)
        lock = WriterLock.acquire(folder, timeout=patience() if timeout is None else timeout)
        try:
            if create:
                refuse_lost(folder)
                make_file(path)
            connection = Connection.open(folder, writable=True)
            try:
                if create:
                    _make_tables(connection)
                check_format(connection, path)
                # A copy comes without a log; readers beside a writer need one.
                connection.rows("PRAGMA journal_mode = WAL")
                writer = cls(folder, lock, connection)
                state = read_state(connection, path)
                if state is not None:
                    writer._stored_state = state
                    writer._check_written(lock.written)
            except BaseException:
                connection.close()
                raise
        except BaseException:
            lock.release()
            raise
        share_database(path)
        return writer

    def close(self) -> None:
        """Close the files and let the next writer in."""
        # A read-only connection that closes last cannot delete the log's files, and without
        # them a reader with no right to write in the folder could not open the index.
        keeper: Connection | None = None
        with suppress(RecommenderError):
            keeper = Connection.open(self.folder)
            keeper.rows("SELECT count(*) FROM sqlite_master")
        share_database(self.path)
        self._own.close()
        if keeper is not None:
            keeper.close()
        super().close()
        self._lock.release()

    @contextmanager
    def snapshot(self) -> Iterator[None]:
        """Nothing to do: nobody else writes."""
        yield

    def _current(self) -> Connection:
        return self._own

    def _state(self) -> State:
        return self._stored_state

    @contextmanager
    def transaction(self) -> Iterator[None]:
        """Everything inside is one change: committed whole at the end, or not at all."""
        if self._own.in_transaction:
            raise IndexStoreError(f"{self.path}: a transaction is open already")
        before = replace(self._stored_state)
        self._own.run("BEGIN IMMEDIATE")
        self._forget_cards()
        try:
            yield
            self._stored_state.change += 1
            index = self._keep_own_meta()
            values = codec.encode_state(self._stored_state)
            self._own.run(
                f"INSERT OR REPLACE INTO state ({_STATE_COLUMNS}) "  # noqa: S608
                f"VALUES ({slots(_STATE_COLUMNS)})",
                (1, *values),
            )
            self._own.run("COMMIT")
        except BaseException:
            self._stored_state = before
            self._forget_cards()
            if self._own.in_transaction:
                self._own.run("ROLLBACK")
            raise
        self._lock.remember(index, self._stored_state.change)

    def _keep_own_meta(self) -> str:
        """Give the index a number of its own, and record which rows are removed."""
        index = self._own_meta("index") or secrets.token_hex(8)
        # Two copies of an index that went on by themselves count alike and hold other articles.
        entropy = secrets.token_hex(4)
        removed = [row for (row,) in self._own.rows("SELECT row FROM removed ORDER BY row")]
        entries = {"commit": entropy, "index": index, "removed": codec.rows_digest(removed)}
        self.set_meta(
            **{
                f"{OWN_META}{key}": value
                for key, value in entries.items()
                if self._own_meta(key) != value
            }
        )
        return str(index)

    def _forget_cards(self) -> None:
        self._cards = {}

    def clear(self) -> None:
        """Take out all articles; their rows are never used again."""
        self._own.run("INSERT OR IGNORE INTO removed SELECT row FROM articles")
        self._own.run("DELETE FROM articles")
        self._stored_state.articles = self._stored_state.dimension = 0
        self._forget_cards()

    def insert_many(self, documents: Iterable[Document]) -> list[int]:
        """Add articles; gives their rows, ascending in the order given."""
        return [self._insert(document) for document in documents]

    def _insert(self, document: Document) -> int:
        row = self._stored_state.last_row + 1
        self._own.run(
            f"INSERT INTO articles (row, {CARD_COLUMNS}) "  # noqa: S608
            f"VALUES (?, {slots(CARD_COLUMNS)})",
            (row, *codec.encode_card(row, document.card)),
        )
        self._own.run(
            "INSERT INTO texts (row, text, checksum) VALUES (?, ?, ?)",
            (row, *codec.encode_text(row, document.text)),
        )
        self._put_sketch(row, document)
        self._stored_state.last_row = row
        self._stored_state.articles += 1
        return row

    def _put_sketch(self, row: int, document: Document) -> None:
        vector = document.sketch.vector
        if vector is not None:
            dimension = self._stored_state.dimension or len(vector)
            if len(vector) != dimension:
                raise IndexStoreError(
                    f"{self.path}: a vector of {len(vector)} numbers where the others have "
                    f"{dimension}; nothing was changed"
                )
            self._stored_state.dimension = dimension
        self._own.run(
            f"INSERT OR REPLACE INTO sketches (row, {SKETCH_COLUMNS}) "  # noqa: S608
            f"VALUES (?, {slots(SKETCH_COLUMNS)})",
            (row, *codec.encode_sketch(row, document)),
        )

    def update_card(self, row: int, card: Card) -> None:
        """Change what is shown of an article whose text stays."""
        columns = ", ".join(f"{name} = ?" for name in CARD_COLUMNS.split(", "))
        self._own.run(
            f"UPDATE articles SET {columns} WHERE row = ?",  # noqa: S608
            (*codec.encode_card(row, card), row),
        )
        self._forget_cards()

    def replace_documents(self, documents: Iterable[tuple[int, Document]]) -> None:
        """Put newly derived data of all articles in the place of the old, row by row."""
        self._stored_state.dimension = 0
        for row, document in documents:
            self.update_card(row, document.card)
            self._put_sketch(row, document)

    def delete(self, rows: Sequence[int]) -> None:
        """Take articles out with everything derived from them."""
        numbers = [(int(row),) for row in rows]
        self._own.run_many("INSERT OR IGNORE INTO removed VALUES (?)", numbers)
        for number in numbers:
            self._stored_state.articles -= self._own.run(
                "DELETE FROM articles WHERE row = ?", number
            )
        self._forget_cards()

    def put_neighbours(self, lists: Mapping[int, NeighbourList]) -> None:
        """Store candidate lists in the place of the old ones."""
        self._own.run_many(
            "INSERT OR REPLACE INTO neighbours (row, floor, list, checksum) VALUES (?, ?, ?, ?)",
            ((row, *codec.encode_neighbours(row, found)) for row, found in lists.items()),
        )

    def set_meta(self, **values: Any) -> None:
        """Write entries of the index's description of itself."""
        self._own.run_many(
            "INSERT OR REPLACE INTO meta (key, value, checksum) VALUES (?, ?, ?)",
            [codec.encode_meta(key, value) for key, value in sorted(values.items())],
        )

    def next_generation(self) -> int:
        """The number of the next search files; never given twice, even to a run that was killed."""
        numbers = [self._stored_state.last_generation]
        for file in self.folder.glob("*-??????.*"):
            digits = file.stem.rpartition("-")[2]
            if digits.isascii() and digits.isdigit():
                numbers.append(int(digits))
        return max(numbers) + 1

    def set_generation(self, info: GenerationInfo) -> None:
        """Name the search files that serve the rows so far; removed rows are no longer in them."""
        self._stored_state.generation = info
        self._stored_state.last_generation = info.number
        self._own.run("DELETE FROM removed")

    def change_counter(self) -> int:
        """As `Store.change_counter`; it moves when a transaction is committed."""
        return self._stored_state.change

    def _recorded_removed(self) -> Any:
        """Nothing inside a transaction: it is recorded when that is committed."""
        return None if self._own.in_transaction else super()._recorded_removed()

    def _renew_cards(self) -> None:
        """Cards are dropped by the changes themselves."""

    def checkpoint(self) -> None:
        """Fold the log into the database; what readers still need stays in the log."""
        self._own.rows("PRAGMA wal_checkpoint(TRUNCATE)")


def _make_tables(connection: Connection) -> None:
    """Lay out an empty database; one that is laid out already stays as it is."""
    if connection.rows("SELECT 1 FROM sqlite_master LIMIT 1"):
        return
    connection.run(f"PRAGMA page_size = {PAGE_SIZE}")
    connection.rows("PRAGMA journal_mode = WAL")
    connection.run("BEGIN IMMEDIATE")
    try:
        for statement in (*TABLES.values(), *INDEXES.values()):
            connection.run(statement)
        connection.run(f"PRAGMA application_id = {APPLICATION_ID}")
        connection.run(f"PRAGMA user_version = {FORMAT_VERSION}")
        connection.run("COMMIT")
    except BaseException:
        if connection.in_transaction:
            connection.run("ROLLBACK")
        raise
