"""What a database says of itself: whether it is an index, of which format, and its state."""

from __future__ import annotations

from pathlib import Path

from recommender.errors import IndexCorrupt, IndexIncompatible
from recommender.store import codec
from recommender.store.absence import unfinished
from recommender.store.codec import DECODING_ERRORS, State, damaged
from recommender.store.connection import Connection
from recommender.store.schema import APPLICATION_ID, FORMAT_VERSION


def check_format(connection: Connection, path: Path) -> None:
    """Refuse a database of another program or of a newer version.

    Raises
    ------
    IndexMissing
        If the database is still empty: a build that was killed at its very beginning.
    IndexCorrupt, IndexIncompatible
    """
    ((application,),) = connection.rows("PRAGMA application_id")
    ((version,),) = connection.rows("PRAGMA user_version")
    if application == APPLICATION_ID and version == FORMAT_VERSION:
        return
    if not connection.rows("SELECT 1 FROM sqlite_master LIMIT 1"):
        raise unfinished(path.parent)
    if application != APPLICATION_ID:
        raise IndexCorrupt(f"{path}: this is a database of another program, not an index")
    what_next = (
        f"upgrade recommender, or remove {path.parent} and build the index again with this version"
        if version > FORMAT_VERSION
        else f"an older one: remove {path.parent} and build the index again"
    )
    raise IndexIncompatible(
        f"{path}: written in format {version}, this version knows {FORMAT_VERSION}; {what_next}"
    )


def read_state(connection: Connection, path: Path) -> State | None:
    """The one row of `state`; `None` when nothing was ever committed."""
    found = connection.rows(
        "SELECT change, articles, last_row, dimension, last_generation, generation, checksum "
        "FROM state"
    )
    if not found:
        return None
    try:
        return codec.decode_state(found[0])
    except DECODING_ERRORS as error:
        raise damaged(path, "state", 1) from error
