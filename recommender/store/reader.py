"""`Store`: reading an index, alone or beside a writer, from any thread and after a fork."""

from __future__ import annotations

import json
import sqlite3
import threading
from collections.abc import Iterable, Iterator, Sequence
from contextlib import contextmanager
from pathlib import Path
from types import TracebackType
from typing import Any, TypeVar

import numpy as np
from numpy.typing import NDArray

from recommender.errors import IndexCorrupt, IndexIncompatible, IndexMissing
from recommender.records import Card, Filter
from recommender.store import schema
from recommender.store.connection import Connections, translated
from recommender.store.schema import (
    APPLICATION_ID,
    CARD_COLUMNS,
    DATABASE,
    FORMAT_VERSION,
    Document,
    GenerationInfo,
    NeighbourList,
    Sketch,
)

Rows = NDArray[np.int64]
Self = TypeVar("Self", bound="Store")

_CARDS_KEPT = 20_000
_SKETCH_COLUMNS = "length, flags, text_digest, title_digest, fingerprint, facts"
_AMONG = "row IN (SELECT value FROM json_each(?))"


class Store:
    """An index open for reading; made by `Store.open`."""

    def __init__(self, folder: Path) -> None:
        self.folder = folder
        self.path = folder / DATABASE
        self._connections = Connections(self.path)
        self._depth = threading.local()
        self._cards: dict[int, Card] = {}
        self._cards_counter = -1

    @classmethod
    def open(cls, folder: Path) -> Store:
        """Open an index for reading.

        Raises
        ------
        IndexMissing
            If there is none, or only an unfinished build.
        IndexCorrupt
            If the database is damaged or not an index.
        IndexIncompatible
            If a newer version wrote it.
        """
        store = cls(folder)
        store._check_present()
        try:
            with translated(store.path):
                store._check_format()
        except BaseException:
            store.close()
            raise
        return store

    def _check_present(self) -> None:
        try:
            present = self.path.is_file()
        except PermissionError as error:
            raise IndexMissing(f"No index can be read at {self.folder}: {error.strerror}.") from error
        if not present:
            raise IndexMissing(f'No index at {self.folder}; run "recommender build" first.')

    def _check_format(self) -> None:
        (application,) = self._one("PRAGMA application_id")
        (version,) = self._one("PRAGMA user_version")
        if application not in (0, APPLICATION_ID):
            raise IndexCorrupt(f"{self.path}: a database of another program")
        if version > FORMAT_VERSION:
            raise IndexIncompatible(
                f"{self.path}: written by a newer version (format {version}, known is "
                f"{FORMAT_VERSION}); upgrade recommender"
            )
        if version == 0 or self._first("SELECT value FROM meta WHERE key = 'version'") is None:
            raise IndexMissing(
                f"The index at {self.folder} was never finished; run the build again, it goes on "
                "where it was."
            )

    def close(self) -> None:
        """Close the files."""
        self._connections.close()

    def __enter__(self: Self) -> Self:
        return self

    def __exit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        trace: TracebackType | None,
    ) -> None:
        self.close()

    def _connection(self) -> sqlite3.Connection:
        return self._connections.get()

    def _rows(self, sql: str, values: Sequence[Any] = ()) -> list[tuple[Any, ...]]:
        with translated(self.path):
            return self._connection().execute(sql, values).fetchall()

    def _first(self, sql: str, values: Sequence[Any] = ()) -> tuple[Any, ...] | None:
        with translated(self.path):
            found: tuple[Any, ...] | None = self._connection().execute(sql, values).fetchone()
            return found

    def _one(self, sql: str, values: Sequence[Any] = ()) -> tuple[Any, ...]:
        found = self._first(sql, values)
        if found is None:
            raise IndexCorrupt(f"{self.path}: no answer to {sql!r}")
        return found

    @contextmanager
    def snapshot(self) -> Iterator[None]:
        """Everything read inside is of one state of the index; may be nested."""
        depth = getattr(self._depth, "value", 0)
        if depth:
            yield
            return
        connection = self._connection()
        with translated(self.path):
            connection.execute("BEGIN")
        self._depth.value = 1
        try:
            yield
        finally:
            self._depth.value = 0
            with translated(self.path):
                connection.execute("ROLLBACK")

    def change_counter(self) -> int:
        """A number that grows with every committed change of any process."""
        return int(self._one("SELECT value FROM meta WHERE key = 'version'")[0])

    def meta(self) -> dict[str, Any]:
        """The index's description of itself."""
        try:
            return {key: json.loads(value) for key, value in self._rows("SELECT * FROM meta")}
        except json.JSONDecodeError as error:
            raise IndexCorrupt(f"{self.path}: table meta does not hold JSON") from error

    def generation(self) -> GenerationInfo | None:
        """The search files the index names."""
        found = self._first("SELECT value FROM meta WHERE key = 'generation'")
        if found is None:
            return None
        try:
            data = json.loads(found[0])
            files = {kind: (str(name), str(total)) for kind, (name, total) in data["files"].items()}
            return GenerationInfo(
                number=int(data["number"]), last_row=int(data["last_row"]), files=files
            )
        except (ValueError, KeyError, TypeError) as error:
            raise IndexCorrupt(f"{self.path}: the entry 'generation' of meta is damaged") from error

    def count(self) -> int:
        """Articles in the index."""
        return int(self._one("SELECT count(*) FROM articles")[0])

    def rows(self) -> Rows:
        """All rows, ascending."""
        return _array(self._rows("SELECT row FROM articles ORDER BY row"))

    def row_of(self, article_id: str) -> int | None:
        """The row of an article."""
        found = self._first("SELECT row FROM articles WHERE id = ?", (article_id,))
        return None if found is None else int(found[0])

    def rows_of(self, ids: Iterable[str]) -> dict[str, int]:
        """Rows by id; ids that are not in the index are absent."""
        sql = "SELECT id, row FROM articles WHERE id IN (SELECT value FROM json_each(?))"
        return dict(self._rows(sql, (json.dumps(list(ids)),)))

    def cards(self, rows: Sequence[int]) -> dict[int, Card]:
        """Cards by row; rows that are gone are absent."""
        counter = self.change_counter()
        if counter != self._cards_counter or len(self._cards) > _CARDS_KEPT:
            self._cards, self._cards_counter = {}, counter
        known = self._cards
        missing = [row for row in rows if row not in known]
        if missing:
            known.update(self._read_cards(missing))
        return {row: known[row] for row in rows if row in known}

    def _read_cards(self, rows: Sequence[int]) -> dict[int, Card]:
        sql = f"SELECT row, check_sum, {CARD_COLUMNS} FROM articles WHERE {_AMONG}"  # noqa: S608
        cards = {}
        for row, total, *values in self._rows(sql, (_numbers(rows),)):
            self._verify("articles", row, total, repr(tuple(values)).encode())
            cards[row] = schema.card_from(tuple(values))
        return cards

    def _verify(self, table: str, row: int, total: int, *parts: bytes) -> None:
        if schema.check_sum(*parts) != total:
            raise IndexCorrupt(
                f"{self.path}: the checksum of row {row} of table {table} differs; restore a copy, "
                "or build the index again"
            )

    def texts(self, rows: Sequence[int]) -> dict[int, tuple[str, str]]:
        """Title and clean text by row."""
        cards = self.cards(rows)
        sql = f"SELECT row, content_digest, text, check_sum FROM texts WHERE {_AMONG}"  # noqa: S608
        found = {}
        for row, digest, blob, total in self._rows(sql, (_numbers(rows),)):
            self._verify("texts", row, total, digest, blob)
            if row in cards:
                found[row] = (cards[row].title, schema.unpack_text(blob))
        return found

    def sketches(self, rows: Sequence[int]) -> dict[int, Sketch]:
        """What comparing needs, by row."""
        vectors = self._vectors_by_row(rows)
        sql = f"SELECT row, check_sum, {_SKETCH_COLUMNS} FROM sketches WHERE {_AMONG}"  # noqa: S608
        found = {}
        for row, total, *values in self._rows(sql, (_numbers(rows),)):
            found[row] = self._sketch(row, total, values, vectors.get(row))
        return found

    def _sketch(
        self, row: int, total: int, values: Sequence[Any], vector: NDArray[np.float16] | None
    ) -> Sketch:
        length, flags, text_digest, title_digest, fingerprint, facts = values
        head = repr((length, flags)).encode()
        self._verify("sketches", row, total, head, text_digest, title_digest, fingerprint, facts)
        return Sketch(
            vector=vector,
            fingerprint=np.frombuffer(fingerprint, "<u4"),
            facts=facts,
            length=length,
            text_digest=text_digest,
            title_digest=title_digest,
            flags=flags,
        )

    def flags(self, rows: Sequence[int]) -> dict[int, int]:
        """What is odd about articles, as bits, by row."""
        sql = f"SELECT row, flags FROM sketches WHERE {_AMONG}"  # noqa: S608
        return dict(self._rows(sql, (_numbers(rows),)))

    def documents(self, rows: Sequence[int]) -> dict[int, Document]:
        """Whole articles by row."""
        cards, texts, sketches = self.cards(rows), self.texts(rows), self.sketches(rows)
        sql = (
            "SELECT row, content_digest, input_digest FROM texts JOIN sketches USING (row) "  # noqa: S608
            f"WHERE {_AMONG}"
        )
        return {
            row: Document(
                card=cards[row],
                text=texts[row][1],
                content_digest=content_digest,
                input_digest=input_digest,
                sketch=sketches[row],
            )
            for row, content_digest, input_digest in self._rows(sql, (_numbers(rows),))
            if row in cards and row in texts and row in sketches
        }

    def iter_documents(
        self, *, after_row: int = 0, batch: int = 1_000
    ) -> Iterator[list[tuple[int, Document]]]:
        """All articles by row, in batches."""
        for rows in self._batches(after_row, batch):
            yield sorted(self.documents(rows).items())

    def iter_cards(
        self, *, after_row: int = 0, batch: int = 1_000
    ) -> Iterator[list[tuple[int, Card]]]:
        """All cards by row, in batches."""
        for rows in self._batches(after_row, batch):
            yield sorted(self.cards(rows).items())

    def _batches(self, after_row: int, batch: int) -> Iterator[list[int]]:
        while True:
            found = self._rows(
                "SELECT row FROM articles WHERE row > ? ORDER BY row LIMIT ?", (after_row, batch)
            )
            if not found:
                return
            rows = [row for (row,) in found]
            yield rows
            after_row = rows[-1]

    def vectors(self, *, after_row: int = 0) -> tuple[Rows, NDArray[np.float16], list[str]]:
        """Raw vectors by row: rows (n,), vectors (n, dimension), languages."""
        sql = (
            "SELECT row, vector, check_sum, language FROM vectors JOIN articles USING (row) "
            "WHERE row > ? ORDER BY row"
        )
        return self._stacked(self._rows(sql, (after_row,)))

    def vectors_of(self, rows: Sequence[int]) -> tuple[Rows, NDArray[np.float16], list[str]]:
        """Raw vectors of some rows, by row; rows without one are left out."""
        sql = (
            "SELECT row, vector, check_sum, language FROM vectors JOIN articles USING (row) "  # noqa: S608
            f"WHERE {_AMONG} ORDER BY row"
        )
        return self._stacked(self._rows(sql, (_numbers(rows),)))

    def _stacked(
        self, found: list[tuple[Any, ...]]
    ) -> tuple[Rows, NDArray[np.float16], list[str]]:
        for row, blob, total, _ in found:
            self._verify("vectors", row, total, blob)
        width = len(found[0][1]) // 2 if found else 0
        data = b"".join(blob for _, blob, _, _ in found)
        if len(data) != 2 * width * len(found):
            raise IndexCorrupt(f"{self.path}: vectors of different lengths")
        vectors = np.frombuffer(data, "<f2").reshape(len(found), width)
        return _array(found), vectors, [language for _, _, _, language in found]

    def _vectors_by_row(self, rows: Sequence[int]) -> dict[int, NDArray[np.float16]]:
        found, vectors, _ = self.vectors_of(rows)
        return dict(zip(found.tolist(), vectors, strict=True))

    def fingerprints(self, *, after_row: int = 0) -> tuple[Rows, list[NDArray[np.uint32]]]:
        """Fingerprints by row; empty ones are left out."""
        sql = (
            "SELECT row, fingerprint FROM sketches WHERE row > ? AND length(fingerprint) > 0 "
            "ORDER BY row"
        )
        found = self._rows(sql, (after_row,))
        return _array(found), [np.frombuffer(blob, "<u4") for _, blob in found]

    def neighbours(self, row: int) -> NeighbourList | None:
        """The stored candidates of an article."""
        return self.neighbours_of([row]).get(row)

    def neighbours_of(self, rows: Sequence[int]) -> dict[int, NeighbourList]:
        """The stored candidates of several articles, by row."""
        if len(rows) == 1:
            sql, values = "SELECT * FROM neighbours WHERE row = ?", [rows[0]]
        else:
            sql, values = f"SELECT * FROM neighbours WHERE {_AMONG}", [_numbers(rows)]  # noqa: S608
        found = {}
        for row, floor, blob, total in self._rows(sql, values):
            self._verify("neighbours", row, total, blob, repr(floor).encode())
            found[row] = schema.unpack_list(blob, floor)
        return found

    def filter_rows(self, passing: Filter) -> Rows:
        """Rows that pass a filter, ascending."""
        where, values = _where(passing)
        return _array(self._rows(f"SELECT row FROM articles{where} ORDER BY row", values))  # noqa: S608

    def latest_rows(self, passing: Filter, limit: int) -> list[int]:
        """Rows that pass a filter, newest first, ties by id; without a date last."""
        where, values = _where(passing)
        sql = (
            f"SELECT row FROM articles{where} "  # noqa: S608
            "ORDER BY date IS NULL, date DESC, id LIMIT ?"
        )
        return [row for (row,) in self._rows(sql, [*values, limit])]

    def removed_rows(self) -> Rows:
        """Rows that are in the search files and no longer in the index, ascending."""
        return _array(self._rows("SELECT row FROM removed ORDER BY row"))

    def find_by_digest(self, text_digest: bytes) -> list[int]:
        """Rows of equal folded texts, ascending."""
        key = schema.text_key(text_digest)
        if key is None:
            return []
        sql = "SELECT row FROM sketches WHERE text_key = ? AND text_digest = ? ORDER BY row"
        return [row for (row,) in self._rows(sql, (key, text_digest))]

    def check(self) -> list[str]:
        """Read the whole database; what is wrong, in plain words."""
        problems = [
            f"{self.path}: {message}"
            for (message,) in self._rows("PRAGMA integrity_check")
            if message != "ok"
        ]
        for table in ("texts", "sketches", "neighbours"):
            (missing,) = self._one(
                f"SELECT count(*) FROM articles WHERE row NOT IN (SELECT row FROM {table})"  # noqa: S608
            )
            if missing:
                problems.append(f"{self.path}: {missing:,} articles are not in table {table}")
        for table, *_ in self._rows("PRAGMA foreign_key_check"):
            problems.append(f"{self.path}: table {table} has rows of no article")
        return problems


def _array(found: Sequence[tuple[Any, ...]]) -> Rows:
    return np.fromiter((each[0] for each in found), np.int64, len(found))


def _numbers(rows: Sequence[int]) -> str:
    return json.dumps([int(row) for row in rows])


def _where(passing: Filter) -> tuple[str, list[Any]]:
    """A filter as the end of a query and its values."""
    parts: list[str] = []
    values: list[Any] = []
    for column, allowed in (
        ("category", passing.categories),
        ("language", passing.languages),
        ("source", passing.sources),
        ("site", passing.sites),
    ):
        if allowed:
            parts.append(f"{column} IN (SELECT value FROM json_each(?))")
            values.append(json.dumps(sorted(allowed)))
    if passing.exclude:
        parts.append("id NOT IN (SELECT value FROM json_each(?))")
        values.append(json.dumps(sorted(passing.exclude)))
    for comparison, moment in (("date >= ?", passing.after), ("date < ?", passing.before)):
        if moment is not None:
            parts.append(comparison)
            values.append(schema.to_moment(moment))
    if passing.public_at is not None:
        now = schema.to_moment(passing.public_at)
        parts.append(
            "access = 'public' AND (visible_from IS NULL OR visible_from <= ?) "
            "AND (visible_until IS NULL OR ? < visible_until)"
        )
        values += [now, now]
    return (" WHERE " + " AND ".join(parts) if parts else ""), values
