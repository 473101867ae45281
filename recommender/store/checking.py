"""Reading a whole index to find damage; what is wrong is said, not raised."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Sequence
from typing import Any

from recommender.errors import IndexStoreError
from recommender.store import codec
from recommender.store.codec import DECODING_ERRORS
from recommender.store.decisions import check_decisions
from recommender.store.labels import check_labels
from recommender.store.query import CARD_COLUMNS, SKETCH_COLUMNS, as_json
from recommender.store.reader import Store
from recommender.store.soundness import structure_problems

_BATCH = 2_000
_LISTED = 20
_TABLES: Sequence[tuple[str, str, Callable[..., Any]]] = (
    ("articles", CARD_COLUMNS, codec.decode_card),
    ("texts", "text, checksum", codec.decode_text),
    ("sketches", SKETCH_COLUMNS, codec.decode_sketch),
    ("neighbours", "floor, list, checksum", codec.decode_neighbours),
)


def check_store(store: Store, progress: Callable[[int, int], None]) -> list[str]:
    """Read the whole database of a store.

    Parameters
    ----------
    store : Store
    progress : callable
        Called with rows read and rows there are.

    Returns
    -------
    list of str
        What is wrong, in plain words; at most some twenty lines a table.
    """
    problems: list[str] = []
    with store.snapshot():
        try:
            problems += structure_problems(store)
            for table, *_ in store._rows("PRAGMA foreign_key_check"):
                problems.append(f"{store.path}: table {table} has rows of no article")
            for number, (table, columns, decoder) in enumerate(_TABLES):
                found = list(_check_table(store, table, columns, decoder, progress, number))
                problems += _listed(store, table, found)
            problems += _listed(store, "labels", list(check_labels(store)))
            problems += check_decisions(store)
        except IndexStoreError as error:
            problems.append(str(error))
    return problems


def _listed(store: Store, table: str, found: list[str]) -> list[str]:
    """The first of them, and how many there are."""
    if len(found) <= _LISTED:
        return found
    return [
        *found[:_LISTED],
        f"{store.path}: table {table}: {len(found):,} rows are damaged",
    ]


def _check_table(
    store: Store,
    table: str,
    columns: str,
    decoder: Callable[..., Any],
    progress: Callable[[int, int], None],
    number: int,
) -> Iterator[str]:
    rows = store.rows().tolist()
    for start in range(0, len(rows), _BATCH):
        part = rows[start : start + _BATCH]
        sql = f"SELECT row, {columns} FROM {table} WHERE row IN (SELECT value FROM json_each(?))"  # noqa: S608
        for row, *values in store._rows(sql, (as_json(part),)):
            try:
                decoder(row, values)
            except DECODING_ERRORS:
                yield f"{store.path}: table {table}, row {row}: the checksum does not match"
        progress(number * len(rows) + start + len(part), len(_TABLES) * len(rows))
