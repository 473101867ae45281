"""`Store`: reading an index, alone or beside a writer, from any thread and after a fork."""

from __future__ import annotations

import json
from collections.abc import Callable, Iterable, Iterator, Sequence
from contextlib import contextmanager
from datetime import datetime
from pathlib import Path
from typing import Any, TypeVar

import numpy as np
from numpy.typing import NDArray

from recommender.closing import Closing
from recommender.errors import IndexCorrupt, IndexStoreError
from recommender.records import Card, Filter
from recommender.store import codec
from recommender.store.absence import absent, is_present, unfinished
from recommender.store.codec import DECODING_ERRORS, State, Values, damaged
from recommender.store.connection import Connection, ConnectionPool
from recommender.store.documents import Document, GenerationInfo, NeighbourList, Sketch
from recommender.store.header import check_format, read_state
from recommender.store.lock import Written, last_written
from recommender.store.query import (
    AMONG,
    CARD_COLUMNS,
    IN_ORDER,
    SKETCH_COLUMNS,
    as_json,
    titles_like,
    where,
)
from recommender.store.schema import (
    LOCK_NAME,
    advice_on_damage,
    database_path,
)

Rows = NDArray[np.int64]
Self = TypeVar("Self", bound="Store")
Decoded = TypeVar("Decoded")

_CARDS_KEPT = 50_000
_VECTORS_AT_ONCE = 2_000
_FINGERPRINTS_AT_ONCE = 2_000
# Entries of `meta` that the store keeps for itself: the index's own number, and what checks
# the removed rows.
OWN_META = "store:"
_VECTOR_COLUMNS = "a.row, a.language, s.vector, s.vector_checksum"
# One index put in the place of another must not look like the same change.
_REPLACED = 1 << 48


class Store(Closing):
    """An index open for reading; made by `Store.open`."""

    def __init__(self, folder: Path) -> None:
        self.folder = folder
        self.path = database_path(folder)
        self._pool = ConnectionPool(folder)
        self._cards: dict[int, Card] = {}
        self._cards_of = -1

    @classmethod
    def open(cls, folder: Path) -> Store:
        """Open an index for reading.

        Raises
        ------
        IndexMissing
            If there is none, or only an unfinished build.
        IndexForbidden
            If this process may not read it.
        IndexCorrupt
            If the database is damaged or not an index.
        IndexIncompatible
            If a newer version wrote it.
        """
        if not is_present(folder):
            raise absent(folder)
        # Before the database: a writer may be at work.
        written = last_written(folder)
        store = cls(folder)
        try:
            with store.snapshot():
                store._check_written(written)
        except BaseException:
            store.close()
            raise
        return store

    def _check_written(self, written: Written | None) -> None:
        """Refuse a database that lacks what was acknowledged, or is another one.

        SQLite drops what follows a damaged place in the log without a word.
        """
        if written is None:
            return
        lock, own = self.folder / LOCK_NAME, self._own_meta("index")
        if own is not None and own != written.index:
            raise IndexCorrupt(
                f"{self.path}: this is another index than the one that was last written here; put "
                f"the right file back, or delete {lock} if it is here on purpose"
            )
        if self._state().change < written.change:
            raise IndexCorrupt(
                f"{self.path}: ends at change {self._state().change}, but change {written.change} "
                "was written: the log beside it (-wal) is damaged or missing, or an older copy was "
                f"put here; restore a copy, or delete {lock} to go on from here and repeat the "
                "changes since"
            )

    def close(self) -> None:
        """Close the files; the object cannot be used afterwards."""
        self._pool.close()

    @contextmanager
    def snapshot(self) -> Iterator[None]:
        """Everything this thread reads inside is of one state of the index; may be nested."""
        if self._pool.current is not None:
            yield
            return
        connection = self._pool.acquire()
        try:
            with self._reading(connection):
                yield
        finally:
            self._pool.release(connection)

    @contextmanager
    def _reading(self, connection: Connection) -> Iterator[None]:
        self._begin(connection)
        try:
            yield
        finally:
            connection.state = None
            connection.run("ROLLBACK")

    def _begin(self, connection: Connection) -> None:
        connection.run("BEGIN")
        try:
            check_format(connection, self.path)
            state = read_state(connection, self.path)
            if state is None or not state.change:
                raise unfinished(self.folder)
            connection.state = state
        except BaseException:
            if connection.in_transaction:
                connection.run("ROLLBACK")
            raise

    def _current(self) -> Connection:
        connection = self._pool.current
        if connection is None:
            raise IndexStoreError(f"{self.folder}: not inside a snapshot")
        return connection

    def _state(self) -> State:
        """What the index says of itself in this snapshot."""
        state = self._current().state
        if state is None:
            raise IndexStoreError(f"{self.folder}: not inside a snapshot")
        return state

    def _rows(self, sql: str, parameters: Sequence[Any] = ()) -> list[Values]:
        with self.snapshot():
            return self._current().rows(sql, parameters)

    def _decode(
        self, table: str, row: object, decoder: Callable[..., Decoded], *arguments: Any
    ) -> Decoded:
        try:
            return decoder(*arguments)
        except DECODING_ERRORS as error:
            raise damaged(self.path, table, row) from error

    def change_counter(self) -> int:
        """A number that is another one after every committed change of any process."""
        with self.snapshot():
            return self._state().change + self._pool.replaced * _REPLACED

    def state_name(self) -> str:
        """The name of this state: another one in every index and after every change."""
        if self._pool.current is not None:
            return self._named()
        connection = self._pool.acquire()
        try:
            # Another number after every commit of another connection: asked at every request of
            # a service, a tenth of what it takes to read the name.
            ((number,),) = connection.rows("PRAGMA data_version")
            if connection.noted is None or connection.noted[0] != number:
                with self._reading(connection):
                    connection.noted = number, self._named()
            return connection.noted[1]
        finally:
            self._pool.release(connection)

    def _named(self) -> str:
        names = (self._own_meta("index") or "index", self._state().change, self._own_meta("commit"))
        return "-".join(str(each) for each in names if each is not None)

    def count(self) -> int:
        """How many articles there are."""
        with self.snapshot():
            return self._state().articles

    def generation(self) -> GenerationInfo | None:
        """The search files the index names."""
        with self.snapshot():
            return self._state().generation

    def meta(self) -> dict[str, Any]:
        """The index's description of itself."""
        return {
            key: value for key, value in self._all_meta().items() if not key.startswith(OWN_META)
        }

    def _all_meta(self) -> dict[str, Any]:
        return dict(
            self._decode("meta", values[0], codec.decode_meta, values)
            for values in self._rows("SELECT key, value, checksum FROM meta")
        )

    def _own_meta(self, key: str) -> Any:
        """An entry that the store keeps for itself; `None` in an index that has none."""
        sql = "SELECT key, value, checksum FROM meta WHERE key = ?"
        found = self._rows(sql, (f"{OWN_META}{key}",))
        return self._decode("meta", key, codec.decode_meta, found[0])[1] if found else None

    def rows(self) -> Rows:
        """Rows of all articles, ascending."""
        return _array(self._rows("SELECT row FROM articles ORDER BY row"))

    def row_of(self, article_id: str) -> int | None:
        """The row of an article."""
        return self.rows_of([article_id]).get(article_id)

    def rows_of(self, ids: Iterable[str]) -> dict[str, int]:
        """Rows by article id; ids that are not there are absent."""
        sql = "SELECT id, row FROM articles WHERE id IN (SELECT value FROM json_each(?))"
        return dict(self._rows(sql, (json.dumps(list(ids)),)))

    def cards(self, rows: Sequence[int]) -> dict[int, Card]:
        """Cards by row; rows that are gone are absent."""
        with self.snapshot():
            self._renew_cards()
            missing = [row for row in rows if row not in self._cards]
            if missing:
                sql = f"SELECT row, {CARD_COLUMNS} FROM articles WHERE {AMONG}"  # noqa: S608
                for row, *values in self._rows(sql, (as_json(missing),)):
                    self._cards[row] = self._decode("articles", row, codec.decode_card, row, values)
            found = {row: self._cards[row] for row in rows if row in self._cards}
            if len(self._cards) > _CARDS_KEPT:
                self._cards = dict(found)
            return found

    def _renew_cards(self) -> None:
        counter = self.change_counter()
        if counter != self._cards_of:
            self._cards, self._cards_of = {}, counter

    def iter_cards(self, *, batch: int = 5_000) -> Iterator[list[tuple[int, Card]]]:
        """Rows and cards of all articles, ascending, in batches."""
        rows = self.rows().tolist()
        for start in range(0, len(rows), batch):
            yield sorted(self.cards(rows[start : start + batch]).items())

    def texts(self, rows: Sequence[int]) -> dict[int, str]:
        """Clean texts by row."""
        sql = f"SELECT row, text, checksum FROM texts WHERE {AMONG}"  # noqa: S608
        return {
            row: self._decode("texts", row, codec.decode_text, row, values)
            for row, *values in self._rows(sql, (as_json(rows),))
        }

    def sketches(self, rows: Sequence[int]) -> dict[int, Sketch]:
        """What comparing needs, by row."""
        return {row: sketch for row, (_, _, sketch) in self._digests_and_sketches(rows).items()}

    def _digests_and_sketches(self, rows: Sequence[int]) -> dict[int, tuple[bytes, bytes, Sketch]]:
        sql = f"SELECT row, {SKETCH_COLUMNS} FROM sketches WHERE {AMONG}"  # noqa: S608
        return {
            row: self._decode("sketches", row, codec.decode_sketch, row, values)
            for row, *values in self._rows(sql, (as_json(rows),))
        }

    def flags(self, rows: Sequence[int]) -> dict[int, int]:
        """The flags of sketches, by row."""
        sql = f"SELECT row, flags FROM sketches WHERE {AMONG}"  # noqa: S608
        return dict(self._rows(sql, (as_json(rows),)))

    def lengths(self, rows: Sequence[int]) -> dict[int, int]:
        """Characters of the folded texts of rows."""
        return {row: sketch.length for row, sketch in self.sketches(rows).items()}

    def documents(self, rows: Sequence[int]) -> dict[int, Document]:
        """Everything stored of articles but their neighbours, by row."""
        with self.snapshot():
            cards, texts = self.cards(rows), self.texts(rows)
            sketches = self._digests_and_sketches(rows)
            found = {}
            for row, card in cards.items():
                for table, there in (("texts", texts), ("sketches", sketches)):
                    if row not in there:
                        raise damaged(self.path, table, row)
                content_digest, input_digest, sketch = sketches[row]
                found[row] = Document(
                    card=card,
                    text=texts[row],
                    content_digest=content_digest,
                    input_digest=input_digest,
                    sketch=sketch,
                )
            return found

    def iter_documents(self, *, batch: int = 1_000) -> Iterator[list[tuple[int, Document]]]:
        """Rows and documents of all articles, ascending, in batches."""
        rows = self.rows().tolist()
        for start in range(0, len(rows), batch):
            yield sorted(self.documents(rows[start : start + batch]).items())

    def vectors(self, *, after_row: int = 0) -> tuple[Rows, NDArray[np.float16], list[str]]:
        """Rows, raw vectors (n, d) and languages, ascending; rows without a vector are left out."""
        sql = "SELECT count(*) FROM sketches WHERE row > ? AND vector IS NOT NULL"
        with self.snapshot():
            ((count,),) = self._rows(sql, (after_row,))
            rows = np.zeros(count, np.int64)
            vectors = np.zeros((count, self._state().dimension), np.float16)
            languages: list[str] = []
            # Some at a time: as SQLite gives them they take more than twice the room.
            for start in range(0, count, _VECTORS_AT_ONCE):
                own, found, spoken = self._vectors("a.row > ?", (after_row,), most=_VECTORS_AT_ONCE)
                if not len(own):
                    # Sketches of no article, which `verify` names.
                    return rows[:start], vectors[:start], languages
                rows[start : start + len(own)] = own
                vectors[start : start + len(own)] = found
                languages += spoken
                after_row = int(own[-1])
            return rows, vectors, languages

    def vectors_of(self, rows: Sequence[int]) -> tuple[Rows, NDArray[np.float16], list[str]]:
        """The same of some rows."""
        return self._vectors("a.row IN (SELECT value FROM json_each(?))", (as_json(rows),))

    def _vectors(
        self, condition: str, parameters: Sequence[Any], *, most: int = -1
    ) -> tuple[Rows, NDArray[np.float16], list[str]]:
        sql = (
            f"SELECT {_VECTOR_COLUMNS} FROM articles a JOIN sketches s USING (row) "  # noqa: S608
            f"WHERE {condition} AND s.vector IS NOT NULL ORDER BY a.row LIMIT ?"
        )
        with self.snapshot():
            found, dimension = self._rows(sql, (*parameters, most)), self._state().dimension
        blobs = []
        for row, _, blob, total in found:
            blobs.append(self._decode("sketches", row, codec.verified_vector, row, blob, total))
            if len(blob) != 2 * dimension:
                raise damaged(self.path, "sketches", row)
        vectors = np.frombuffer(b"".join(blobs), "<f2").reshape(len(found), dimension)
        return _array(found), vectors, [language for _, language, _, _ in found]

    def fingerprints(self, *, after_row: int = 0) -> tuple[Rows, list[NDArray[np.uint32]]]:
        """Rows and fingerprints, ascending."""
        columns = SKETCH_COLUMNS.partition(", vector")[0]
        sql = f"SELECT row, {columns} FROM sketches WHERE row > ? ORDER BY row LIMIT ?"  # noqa: S608
        rows: list[int] = []
        fingerprints: list[NDArray[np.uint32]] = []
        with self.snapshot():
            while found := self._rows(sql, (after_row, _FINGERPRINTS_AT_ONCE)):
                for row, *values in found:
                    rows.append(row)
                    fingerprints.append(
                        self._decode("sketches", row, codec.fingerprint_of, row, values)
                    )
                after_row = rows[-1]
        return np.array(rows, np.int64), fingerprints

    def neighbours(self, row: int) -> NeighbourList | None:
        """The stored candidates of an article."""
        return self.neighbours_of([row]).get(row)

    def neighbours_of(self, rows: Sequence[int]) -> dict[int, NeighbourList]:
        """The stored candidates of articles, by row."""
        sql = f"SELECT row, floor, list, checksum FROM neighbours WHERE {AMONG}"  # noqa: S608
        return {
            row: self._decode("neighbours", row, codec.decode_neighbours, row, values)
            for row, *values in self._rows(sql, (as_json(rows),))
        }

    def filter_rows(self, passing: Filter) -> Rows:
        """Rows that pass a filter, ascending."""
        condition, values = where(passing)
        return _array(
            self._rows(f"SELECT row FROM articles{condition} ORDER BY row", values)  # noqa: S608
        )

    def rows_by_id(self, passing: Filter) -> Rows:
        """Rows that pass a filter, in the order of their ids."""
        condition, values = where(passing)
        return _array(
            self._rows(f"SELECT row FROM articles{condition} ORDER BY id", values)  # noqa: S608
        )

    def latest_rows(self, passing: Filter, limit: int) -> list[int]:
        """Rows that pass a filter, newest first, ties by id; without a date last."""
        condition, values = where(passing)
        sql = (
            f"SELECT row FROM articles{condition} "  # noqa: S608
            f"{IN_ORDER}"
        )
        return [row for (row,) in self._rows(sql, [*values, limit])]

    def sites(self) -> dict[str, int]:
        """How many articles each site has."""
        return dict(self._rows("SELECT site, count(*) FROM articles GROUP BY site ORDER BY site"))

    def rows_named(self, text: str, limit: int) -> list[int]:
        """Rows of an id or address, then of titles with its words; see `Recommender.find`."""
        named = "id = ? OR (url = ? AND url <> '')"
        sql = f"SELECT row FROM articles WHERE {named} {IN_ORDER}"  # noqa: S608
        found = [row for (row,) in self._rows(sql, (text, text, limit))]
        for condition, values, rank in titles_like(text):
            sql = f"SELECT row FROM articles WHERE {condition} {rank}"  # noqa: S608
            rows = [row for (row,) in self._rows(sql, [*values, limit + len(found)])]
            found += [row for row in rows if row not in found]
            if rows:
                break
        return found[:limit]

    def next_visibility_change(self, now: datetime) -> datetime | None:
        """The next moment at which an article's visibility begins or ends."""
        parts = [
            f"SELECT min({column}) AS moment FROM articles WHERE {column} > ?"  # noqa: S608
            for column in ("visible_from", "visible_until")
        ]
        sql = f"SELECT min(moment) FROM ({' UNION ALL '.join(parts)})"  # noqa: S608
        ((value,),) = self._rows(sql, [codec.micros(now)] * 2)
        return self._decode("articles", 0, codec.moment, value)

    def removed_rows(self) -> Rows:
        """Rows that are in the search files and no longer in the index, ascending."""
        with self.snapshot():
            rows = _array(self._rows("SELECT row FROM removed ORDER BY row"))
            recorded = self._recorded_removed()
        # A row number has no checksum of its own, and one that is wrong would hide an article.
        if recorded is not None and recorded != codec.rows_digest(rows.tolist()):
            raise IndexCorrupt(
                f"{self.path}: table removed: the checksum over its rows does not match; "
                f"{advice_on_damage(self.folder)}"
            )
        return rows

    def _recorded_removed(self) -> Any:
        """What `codec.rows_digest` said of the removed rows when they were written."""
        return self._own_meta("removed")

    def find_by_digest(self, text_digest: bytes) -> list[int]:
        """Rows of equal folded texts, ascending."""
        if not text_digest:
            return []
        # The second condition is what lets SQLite use its partial index.
        sql = "SELECT row FROM sketches WHERE text_digest = ? AND text_digest <> x'' ORDER BY row"
        return [row for (row,) in self._rows(sql, (text_digest,))]


def _array(found: Sequence[Values]) -> Rows:
    return np.fromiter((values[0] for values in found), np.int64, len(found))
