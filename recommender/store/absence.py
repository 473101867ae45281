"""Why an index cannot be opened where there is no database, or one that holds nothing.

There may be none, it may be out of reach, or a first build may not have come to its end.
"""

from __future__ import annotations

import os
from pathlib import Path

from recommender.errors import IndexMissing, IndexStoreError
from recommender.rights import forbidden, obstacle
from recommender.store.schema import database_path


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
    if any(folder.glob("pending-*.sqlite")):
        return unfinished(folder)
    return IndexMissing(f'No index at {folder}; run "recommender build" first.')


def unfinished(folder: Path) -> IndexStoreError:
    """The error for an index whose first build has not come to its end."""
    return IndexMissing(
        f"The index at {folder} was never finished; run the build again, it goes on where it was."
    )
