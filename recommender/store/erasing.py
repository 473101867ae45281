"""What erasing for good needs of the database, and the marks that keep the erased out.

Deleting a row is only the beginning: its bytes stay in free pages, in the log, and as numbers in
the rows of others. What is erased and when it is over is decided above.
"""

from __future__ import annotations

import json
import secrets
import time
from collections.abc import Callable, Collection, Iterable
from dataclasses import dataclass
from datetime import datetime
from typing import cast

import numpy as np

from recommender.store import codec
from recommender.store.decisions import VERSION_KEY
from recommender.store.documents import NeighbourList
from recommender.store.reader import Store
from recommender.store.writer import Writer

# An entry of `meta` from the moment rows are erased until no file holds anything of them.
PURGING_KEY = "purging"
_SECRET_KEY = "tombstone_key"  # noqa: S105 - the name of an entry
_SECRET_BYTES = 32
_BATCH = 2_000
_POLL_SECONDS = 0.2
_AMONG = "IN (SELECT value FROM json_each(?))"


@dataclass(frozen=True, slots=True, kw_only=True)
class Forgotten:
    """Rows by article id that were taken out."""

    decisions: int
    labels: int
    named_in_notes: int


def secure(writer: Writer) -> None:
    """Overwrite with zeros whatever this writer deletes from now on."""
    writer._own.rows("PRAGMA secure_delete = ON")


def forget_ids(writer: Writer, ids: Collection[str]) -> Forgotten:
    """Take out decisions, marks of texts and labels of articles, inside a transaction.

    `named_in_notes` counts notes on other pairs that hold one of the ids: they are people's
    words and stay.
    """
    run, among = writer._own.run, json.dumps(sorted(ids))
    decisions = run(f"DELETE FROM decisions WHERE first {_AMONG} OR second {_AMONG}", (among,) * 2)  # noqa: S608
    labels = run(f"DELETE FROM labels WHERE first {_AMONG} OR second {_AMONG}", (among,) * 2)  # noqa: S608
    run(f"DELETE FROM decided_texts WHERE id {_AMONG}", (among,))  # noqa: S608
    if decisions:
        run(
            "DELETE FROM decided_texts WHERE "
            "NOT EXISTS (SELECT 1 FROM decisions WHERE first = id AND first_hash = hash) "
            "AND NOT EXISTS (SELECT 1 FROM decisions WHERE second = id AND second_hash = hash)"
        )
        # The version was a hash over what is gone now.
        writer.set_meta(**{VERSION_KEY: secrets.token_hex(16)})
    ((named,),) = writer._own.rows(
        "SELECT count(*) FROM decisions WHERE EXISTS "
        "(SELECT 1 FROM json_each(?) WHERE instr(note, value))",
        (among,),
    )
    return Forgotten(decisions=decisions, labels=labels, named_in_notes=named)


def forget_gone_neighbours(writer: Writer, progress: Callable[[int, int], None]) -> int:
    """Drop rows that are gone, with their evidence, from all lists; how many lists held one."""
    rows = writer.rows()
    changed = 0
    for start in range(0, len(rows), _BATCH):
        part = rows[start : start + _BATCH].tolist()
        shorter = {}
        for row, stored in writer.neighbours_of(part).items():
            there = np.isin(stored.rows, rows)
            if not there.all():
                shorter[row] = NeighbourList(
                    rows=stored.rows[there], evidence=stored.evidence[there], floor=stored.floor
                )
        writer.put_neighbours(shorter)
        changed += len(shorter)
        progress(start + len(part), len(rows))
    return changed


def tombstone_secret(store: Store) -> bytes | None:
    """The key of this index's tombstones; `None` before the first."""
    values = store._rows("SELECT key, value, checksum FROM meta WHERE key = ?", (_SECRET_KEY,))
    if not values:
        return None
    _, value = store._decode("meta", _SECRET_KEY, codec.decode_meta, values[0])
    return bytes.fromhex(cast(str, value))


def make_tombstone_secret(writer: Writer) -> bytes:
    """The same, made inside a transaction when there is none yet."""
    secret = tombstone_secret(writer)
    if secret is None:
        secret = secrets.token_bytes(_SECRET_BYTES)
        writer.set_meta(**{_SECRET_KEY: secret.hex()})
    return secret


def put_tombstones(writer: Writer, keys: Iterable[bytes], at: datetime) -> None:
    """Store tombstones, inside a transaction; those that are there keep their date."""
    moment = codec.micros(at)
    writer._own.run_many(
        "INSERT OR IGNORE INTO tombstones (key, erased_at) VALUES (?, ?)",
        [(key, moment) for key in sorted(keys)],
    )


def find_tombstones(store: Store, keys: Iterable[bytes]) -> frozenset[bytes]:
    """Which of these keys have a tombstone."""
    wanted = json.dumps([key.hex() for key in keys])
    sql = f"SELECT key FROM tombstones WHERE lower(hex(key)) {_AMONG}"  # noqa: S608
    return frozenset(key for (key,) in store._rows(sql, (wanted,)))


def delete_tombstones(writer: Writer, keys: Iterable[bytes]) -> None:
    """Take tombstones away, inside a transaction."""
    writer._own.run_many("DELETE FROM tombstones WHERE key = ?", [(key,) for key in keys])


def count_tombstones(store: Store) -> int:
    """How many there are."""
    ((count,),) = store._rows("SELECT count(*) FROM tombstones")
    return int(count)


def is_purging(store: Store) -> bool:
    """Whether an erasure was begun and is not over."""
    return bool(store._rows("SELECT 1 FROM meta WHERE key = ?", (PURGING_KEY,)))


def set_purging(writer: Writer, at: datetime | None) -> None:
    """Record that an erasure has begun, or with `None` that it is over; inside a transaction."""
    if at is not None:
        writer.set_meta(**{PURGING_KEY: codec.micros(at)})
    else:
        writer._own.run("DELETE FROM meta WHERE key = ?", (PURGING_KEY,))


def rewrite(writer: Writer) -> None:
    """Write the whole database anew from what is in it: nothing is left in free pages.

    Needs about twice its size on the disk, and as much again where temporary files are.
    """
    writer._own.run("VACUUM")


def empty_log(writer: Writer, *, wait: float) -> bool:
    """Fold the log into the database and cut it to nothing; readers may go on meanwhile.

    Parameters
    ----------
    writer : Writer
    wait : float
        Seconds to wait for readers that still look at an older state.

    Returns
    -------
    bool
        Whether the log is empty: no file holds an older state any more.
    """
    log = writer.path.with_name(f"{writer.path.name}-wal")
    deadline = time.monotonic() + wait
    ((usual,),) = writer._own.rows("PRAGMA busy_timeout")
    writer._own.rows("PRAGMA busy_timeout = 100")
    try:
        while True:
            ((busy, _, _),) = writer._own.rows("PRAGMA wal_checkpoint(TRUNCATE)")
            if not busy and (not log.exists() or log.stat().st_size == 0):
                return True
            if time.monotonic() >= deadline:
                return False
            time.sleep(_POLL_SECONDS)
    finally:
        writer._own.rows(f"PRAGMA busy_timeout = {int(usual)}")
