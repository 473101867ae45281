"""`Writer`: changing an index, one process at a time, a whole change or none."""

from __future__ import annotations

import json
import os
import sqlite3
from collections.abc import Iterable, Iterator, Mapping, Sequence
from contextlib import contextmanager
from pathlib import Path
from typing import Any

from recommender.errors import IndexMissing, IndexStoreError
from recommender.records import Card
from recommender.store import schema
from recommender.store.connection import connect, translated
from recommender.store.lock import WriterLock
from recommender.store.reader import Store
from recommender.store.schema import (
    APPLICATION_ID,
    CARD_COLUMNS,
    DATABASE,
    FOLDER_MODE,
    FORMAT_VERSION,
    SCHEMA,
    Document,
    GenerationInfo,
    NeighbourList,
    Sketch,
)

_FILE_MODE = 0o640
_CARD_SLOTS = ", ".join("?" * 14)


class Writer(Store):
    """An index open for writing, under its lock; made by `Writer.open`.

    Reads inside a transaction see its own changes.
    """

    def __init__(self, folder: Path, lock: WriterLock) -> None:
        super().__init__(folder)
        self._lock = lock
        self._open = False
        with translated(self.path):
            self._own = connect(self.path, readonly=False)

    @classmethod
    def open(cls, folder: Path, *, create: bool = False, timeout: float = 30.0) -> Writer:
        """Take the lock and open the index for writing.

        Parameters
        ----------
        folder : Path
        create : bool
            Make the folder and an empty database where there is none.
        timeout : float
            Seconds to wait for another writer.

        Raises
        ------
        IndexMissing
            If there is no index and none is to be made.
        IndexLocked
            If another process is still writing; says which.
        IndexStoreError
            If the folder cannot be written.
        """
        if create:
            make_folder(folder)
        elif not (folder / DATABASE).is_file():
            raise IndexMissing(f'No index at {folder}; run "recommender build" first.')
        lock = WriterLock(folder, timeout=timeout)
        try:
            writer = cls(folder, lock)
        except BaseException:
            lock.release()
            raise
        try:
            if create:
                writer._create()
            else:
                with translated(writer.path):
                    writer._check_format()
        except BaseException:
            writer.close()
            raise
        return writer

    def _create(self) -> None:
        with translated(self.path):
            (version,) = self._one("PRAGMA user_version")
            if version:
                if self._first("SELECT value FROM meta WHERE key = 'version'") is not None:
                    self._check_format()
                return
            self._own.executescript(
                f"BEGIN IMMEDIATE; {SCHEMA} PRAGMA application_id = {APPLICATION_ID};"
                f"PRAGMA user_version = {FORMAT_VERSION}; COMMIT;"
            )
        for name in (DATABASE, f"{DATABASE}-wal", f"{DATABASE}-shm"):
            (self.folder / name).chmod(_FILE_MODE)

    def close(self) -> None:
        """Close the files and let the next writer in."""
        # A read-only connection that closes last cannot delete the log's files, and without
        # them a reader with no right to write in the folder could not open the index.
        keeper: sqlite3.Connection | None = None
        try:
            keeper = connect(self.path, readonly=True)
            keeper.execute("SELECT count(*) FROM sqlite_master").fetchone()
        except sqlite3.Error:
            pass
        self._own.close()
        if keeper is not None:
            keeper.close()
        super().close()
        self._lock.release()

    def _connection(self) -> sqlite3.Connection:
        return self._own

    @contextmanager
    def snapshot(self) -> Iterator[None]:
        """Nothing to do: nobody else writes."""
        yield

    @contextmanager
    def transaction(self) -> Iterator[None]:
        """Everything inside is one change: committed whole at the end, or not at all."""
        if self._open:
            raise IndexStoreError(f"{self.path}: a transaction is open already")
        with translated(self.path):
            self._own.execute("BEGIN IMMEDIATE")
        self._open = True
        self._forget_cards()
        try:
            yield
            with translated(self.path):
                self._own.execute(
                    "INSERT INTO meta VALUES ('version', '1') ON CONFLICT (key) "
                    "DO UPDATE SET value = CAST(value AS INTEGER) + 1"
                )
                self._own.execute("COMMIT")
        except BaseException:
            self._forget_cards()
            if self._own.in_transaction:
                self._own.execute("ROLLBACK")
            raise
        finally:
            self._open = False

    def _forget_cards(self) -> None:
        self._cards, self._cards_counter = {}, -1

    def change_counter(self) -> int:
        """As `Store.change_counter`; 0 before the first change."""
        found = self._first("SELECT value FROM meta WHERE key = 'version'")
        return int(found[0]) if found else 0

    def _run(self, sql: str, values: Sequence[Any] = ()) -> None:
        with translated(self.path):
            self._own.execute(sql, values)

    def _run_many(self, sql: str, values: Iterable[Sequence[Any]]) -> None:
        with translated(self.path):
            self._own.executemany(sql, values)

    def clear(self) -> None:
        """Take out all articles; their rows are never used again."""
        self._run("INSERT OR IGNORE INTO removed SELECT row FROM articles")
        self._run("DELETE FROM articles")
        self._forget_cards()

    def insert(self, document: Document) -> int:
        """Add an article; gives its row."""
        with translated(self.path):
            cursor = self._own.execute(
                f"INSERT INTO articles ({CARD_COLUMNS}, check_sum) VALUES ({_CARD_SLOTS})",  # noqa: S608
                schema.card_values(document.card),
            )
        row = int(cursor.lastrowid or 0)
        text = schema.pack_text(document.text)
        self._run(
            "INSERT INTO texts VALUES (?, ?, ?, ?)",
            (row, document.content_digest, text, schema.check_sum(document.content_digest, text)),
        )
        self._put_sketch(row, document.input_digest, document.sketch)
        return row

    def insert_many(self, documents: Iterable[Document]) -> list[int]:
        """Add articles; gives their rows, ascending in the order given."""
        return [self.insert(document) for document in documents]

    def _put_sketch(self, row: int, input_digest: bytes, sketch: Sketch) -> None:
        fingerprint = sketch.fingerprint.astype("<u4").tobytes()
        total = schema.check_sum(
            repr((sketch.length, sketch.flags)).encode(),
            sketch.text_digest,
            sketch.title_digest,
            fingerprint,
            sketch.facts,
        )
        self._run(
            "INSERT OR REPLACE INTO sketches VALUES (?, ?, ?, ?, ?, ?, ?, ?, ?, ?)",
            (
                row,
                sketch.length,
                sketch.flags,
                input_digest,
                sketch.text_digest,
                sketch.title_digest,
                schema.text_key(sketch.text_digest),
                fingerprint,
                sketch.facts,
                total,
            ),
        )
        if sketch.vector is None:
            self._run("DELETE FROM vectors WHERE row = ?", (row,))
            return
        blob = sketch.vector.astype("<f2").tobytes()
        self._run(
            "INSERT OR REPLACE INTO vectors VALUES (?, ?, ?)", (row, blob, schema.check_sum(blob))
        )

    def update_card(self, row: int, card: Card) -> None:
        """Change what is shown of an article whose text stays."""
        columns = ", ".join(f"{name.strip()} = ?" for name in CARD_COLUMNS.split(","))
        self._run(
            f"UPDATE articles SET {columns}, check_sum = ? WHERE row = ?",  # noqa: S608
            (*schema.card_values(card), row),
        )
        self._forget_cards()

    def replace_documents(self, documents: Iterable[tuple[int, Document]]) -> None:
        """Put newly derived data in the place of the old, row by row."""
        for row, document in documents:
            self.update_card(row, document.card)
            self._put_sketch(row, document.input_digest, document.sketch)

    def delete(self, rows: Sequence[int]) -> None:
        """Take articles out with everything derived from them."""
        numbers = [(row,) for row in rows]
        self._run_many("INSERT OR IGNORE INTO removed VALUES (?)", numbers)
        self._run_many("DELETE FROM articles WHERE row = ?", numbers)
        self._forget_cards()

    def put_neighbours(self, lists: Mapping[int, NeighbourList]) -> None:
        """Store candidate lists in the place of the old ones."""
        self._run_many(
            "INSERT OR REPLACE INTO neighbours VALUES (?, ?, ?, ?)",
            (
                (row, found.floor, blob, schema.check_sum(blob, repr(found.floor).encode()))
                for row, found in lists.items()
                for blob in (schema.pack_list(found),)
            ),
        )

    def set_meta(self, **values: Any) -> None:
        """Write entries of the index's description of itself."""
        self._run_many(
            "INSERT OR REPLACE INTO meta VALUES (?, ?)",
            [
                (key, json.dumps(value, ensure_ascii=False, sort_keys=True))
                for key, value in sorted(values.items())
            ],
        )

    def next_generation(self) -> int:
        """The number of the next search files; higher than any file in the folder."""
        named = self.generation()
        numbers = [named.number if named else 0]
        for file in self.folder.glob("*-??????.*"):
            digits = file.stem.rpartition("-")[2]
            if digits.isdigit():
                numbers.append(int(digits))
        return max(numbers) + 1

    def set_generation(self, info: GenerationInfo) -> None:
        """Name the search files that serve the rows so far; removed rows are no longer in them."""
        self.set_meta(
            generation={
                "number": info.number,
                "last_row": info.last_row,
                "files": {kind: list(each) for kind, each in info.files.items()},
            }
        )
        self._run("DELETE FROM removed")

    def checkpoint(self) -> None:
        """Fold the log into the database; what readers still need stays in the log."""
        with translated(self.path):
            self._own.execute("PRAGMA wal_checkpoint(TRUNCATE)").fetchall()


def make_folder(folder: Path) -> None:
    """Make the folder of an index, with the rights it needs.

    Raises
    ------
    IndexStoreError
        If it cannot be made or is a file.
    """
    if folder.is_dir():
        return
    try:
        folder.mkdir(parents=True, exist_ok=True)
        folder.chmod(FOLDER_MODE)
    except OSError as error:
        raise IndexStoreError(
            f"{folder}: cannot be made ({error.strerror or os.strerror(error.errno or 0)})"
        ) from error
