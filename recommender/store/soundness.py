"""Whether a database is whole: its pages and tables, and its place among the changes made.

Row checksums notice what a row holds; this module notices rows that cannot be reached. A page
whose header, order or pointers were damaged may hide rows without any error, and SQLite drops
the end of a damaged log without a word.
"""

from __future__ import annotations

import os
from collections.abc import Iterator

from recommender.errors import IndexCorrupt, IndexStoreError
from recommender.store.reader import Store
from recommender.store.schema import INDEXES, TABLES, advice_on_damage

# Reading all pages takes about 1.5 ms a megabyte: an opening is not to take longer than 0.3 s.
READ_ON_OPENING = 192 << 20
_REMEMBERED = 64

# States of databases whose structure this process has found whole.
_sound: dict[tuple[object, ...], None] = {}


def check_on_opening(store: Store) -> None:
    """Read the structure of a database, once a process for each of its states.

    A database and log of more than `READ_ON_OPENING` bytes are not read: that is left to
    `verify`, and until then only the pages that an answer needs are looked at.

    Raises
    ------
    IndexCorrupt
        If pages, order, indexes or rows do not fit together.
    """
    state = _file_state(store)
    if state in _sound:
        return
    with store.snapshot():
        for problem in schema_problems(store):
            raise IndexCorrupt(f"{problem}; {advice_on_damage(store.folder)}")
    size = sum(part for part in (state[3], state[5]) if isinstance(part, int))
    if size > READ_ON_OPENING:
        return
    with store.snapshot():
        for problem in structure_problems(store):
            raise IndexCorrupt(f"{problem}; {advice_on_damage(store.folder)}")
    while len(_sound) >= _REMEMBERED:
        _sound.pop(next(iter(_sound)))
    _sound[state] = None


def schema_problems(store: Store) -> Iterator[str]:
    """Tables and indexes that are not laid out as this format's are.

    A damaged definition may still be one, and give other values than were written.
    """
    found: dict[object, object] = dict(
        store._rows("SELECT name, sql FROM sqlite_master WHERE sql IS NOT NULL")
    )
    for name, definition in {**TABLES, **INDEXES}.items():
        if str(found.get(name)).split() != definition.split():
            yield f"{store.path}: {name} is not laid out as it was made"


def structure_problems(store: Store) -> Iterator[str]:
    """What is wrong with the database's pages and tables, in plain words.

    Raises
    ------
    IndexStoreError
        If it cannot even be read.
    """
    yield from schema_problems(store)
    for (message,) in store._rows("PRAGMA integrity_check"):
        if message != "ok":
            # Several lines where several things are wrong with one page.
            yield f"{store.path}: {' '.join(str(message).split())}"
    for table in ("texts", "sketches", "neighbours"):
        ((missing,),) = store._rows(
            f"SELECT count(*) FROM articles WHERE row NOT IN (SELECT row FROM {table})"  # noqa: S608
        )
        if missing:
            yield f"{store.path}: {missing:,} articles are not in table {table}"
    ((articles,),) = store._rows("SELECT count(*) FROM articles")
    if articles != store.count():
        yield f"{store.path}: {store.count():,} articles are recorded, {articles:,} are there"
    try:
        store.removed_rows()
    except IndexStoreError as error:
        yield str(error)


def _file_state(store: Store) -> tuple[object, ...]:
    """What tells one state of the files from another: place, size and time."""
    found: list[object] = [str(store.path)]
    for suffix in ("", "-wal"):
        try:
            status = os.stat(f"{store.path}{suffix}")  # noqa: PTH116
        except OSError:
            found += [0, 0, 0]
        else:
            found += [status.st_ino, status.st_mtime_ns, status.st_size]
    # place, then inode, time and size of each file
    return (found[0], *found[1:3], found[3], (found[4], found[5]), found[6])
