"""The index on disk: articles, texts, sketches, neighbours and settings in one SQLite file.

The only package that imports sqlite3. It keeps what it is given and finds it again; what the
flags, the facts, the evidence columns and the settings mean is the business of the layers
above. The format is described in `indexes/README.md`.
"""

from __future__ import annotations

from recommender.store.absence import is_present
from recommender.store.checking import check_store
from recommender.store.copying import SourceSnapshot, seal, source_snapshot
from recommender.store.decisions import (
    VERSION_KEY,
    delete_decision,
    read_decisions,
    read_texts,
    write_decisions,
)
from recommender.store.documents import Document, GenerationInfo, NeighbourList, Sketch
from recommender.store.erasing import (
    Forgotten,
    count_tombstones,
    delete_tombstones,
    empty_log,
    find_tombstones,
    forget_gone_neighbours,
    forget_ids,
    is_purging,
    make_tombstone_secret,
    put_tombstones,
    rewrite,
    secure,
    set_purging,
    tombstone_secret,
)
from recommender.store.files import check_writable, give_as, make_folder, share
from recommender.store.labels import content_digests, put_labels, read_labels, settled_pairs
from recommender.store.lock import WriterLock, lock_holder, waiting_at_most
from recommender.store.pending import Pending
from recommender.store.reader import Store
from recommender.store.schema import (
    DATABASE_NAME,
    FORMAT_VERSION,
    LOCK_NAME,
    advice_on_damage,
    is_index_file,
)
from recommender.store.soundness import check_on_opening
from recommender.store.standing import Standing, articles_by_site, standing_of
from recommender.store.sync_lock import SyncLock
from recommender.store.writer import Writer

__all__ = [
    "DATABASE_NAME",
    "FORMAT_VERSION",
    "LOCK_NAME",
    "VERSION_KEY",
    "Document",
    "Forgotten",
    "GenerationInfo",
    "NeighbourList",
    "Pending",
    "Sketch",
    "SourceSnapshot",
    "Standing",
    "Store",
    "SyncLock",
    "Writer",
    "WriterLock",
    "advice_on_damage",
    "articles_by_site",
    "check_on_opening",
    "check_store",
    "check_writable",
    "content_digests",
    "count_tombstones",
    "delete_decision",
    "delete_tombstones",
    "empty_log",
    "find_tombstones",
    "forget_gone_neighbours",
    "forget_ids",
    "give_as",
    "is_index_file",
    "is_present",
    "is_purging",
    "lock_holder",
    "make_folder",
    "make_tombstone_secret",
    "put_labels",
    "put_tombstones",
    "read_decisions",
    "read_labels",
    "read_texts",
    "rewrite",
    "seal",
    "secure",
    "set_purging",
    "settled_pairs",
    "share",
    "source_snapshot",
    "standing_of",
    "tombstone_secret",
    "waiting_at_most",
    "write_decisions",
]
