"""Why an index cannot be opened where there is no database, or one that holds nothing.

There may be none, it may be out of reach, a first build may not have come to its end, or an index
may have lost its database: the lock file and the search files tell that from the others.
"""

from __future__ import annotations

import os
from pathlib import Path

from recommender.errors import IndexCorrupt, IndexMissing, IndexStoreError
from recommender.rights import forbidden, obstacle
from recommender.store.lock import last_written
from recommender.store.schema import LOCK_NAME, advice_on_damage, database_path


def is_present(folder: Path) -> bool:
    """Whether there is a database that this process can reach."""
    return os.path.isfile(database_path(folder))  # noqa: PTH113 - never raises


def absent(folder: Path) -> IndexStoreError:
    """The error for a folder in which this process finds no database."""
    place = obstacle(folder)
    if place is not None and os.path.isdir(place):  # noqa: PTH112
        return forbidden(folder, place)
    if os.path.isfile(folder):  # noqa: PTH113
        return IndexMissing(f"{folder} is a file, and an index is a folder; check the name.")
    gone = _lost(folder)
    if gone is not None:
        return gone
    if any(folder.glob("pending-*.sqlite")):
        return unfinished(folder)
    return IndexMissing(
        f'No index at {folder}; run "recommender build" first, or "recommender sync".'
    )


def unfinished(folder: Path) -> IndexStoreError:
    """The error for a database that holds nothing: of a first build that has not come to its end.

    Or of an index that has lost what it held.
    """
    return _lost(folder) or IndexMissing(
        f"The index at {folder} was never finished; run the build, or the sync, again: it goes on "
        "where it was."
    )


def refuse_lost(folder: Path) -> None:
    """Before a database is made: none is made in the place of one that was lost.

    Raises
    ------
    IndexCorrupt
        If there is none, or an empty file, where an index was.
    """
    path = database_path(folder)
    if not path.exists() or not path.stat().st_size:
        gone = _lost(folder)
        if gone is not None:
            raise gone


def _lost(folder: Path) -> IndexCorrupt | None:
    """The error for a database that holds nothing and did hold an index; `None` without proof."""
    path = database_path(folder)
    try:
        state = "holds nothing" if path.stat().st_size else "is empty"
    except FileNotFoundError:
        state = "is missing"
    written = last_written(folder)
    if written is not None:
        proof = f"{LOCK_NAME} says that change {written.change} was written"
    elif state != "holds nothing" and any(folder.glob("vectors-*.faiss")):
        # Never before the tables: a first build that was killed has no such file beside nothing.
        proof = "search files lie beside it"
    else:
        return None
    return IndexCorrupt(f"{path}: the database {state}, but {proof}; {advice_on_damage(folder)}")
