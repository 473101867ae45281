"""Tables of `articles.sqlite`, and which files of that name this version can read.

Knows names and columns, not how values are packed into them.
"""

from __future__ import annotations

import re
from pathlib import Path

DATABASE_NAME = "articles.sqlite"
LOCK_NAME = ".lock"
# Held by a sync as long as it runs, also while it reads and embeds.
SYNC_LOCK_NAME = ".sync.lock"

# 2: more evidence on every neighbour, decisions and labels with hashes of the texts.
FORMAT_VERSION = 2
# "RECO", so that `file` and SQLite's own tools can tell an index from any other database.
APPLICATION_ID = 0x5245434F

FOLDER_MODE = 0o750
FILE_MODE = 0o640

# Rows of about 1.4 kB fill pages of this size with less waste than smaller ones: SQLite's usual
# 4 KiB waste a quarter.
PAGE_SIZE = 16384

# `checksum` columns are XXH3-64 of the row's other values with the row number as seed.
TABLES: dict[str, str] = {
    "state": """CREATE TABLE state (
        only INTEGER PRIMARY KEY CHECK (only = 1),
        change INTEGER NOT NULL,
        articles INTEGER NOT NULL,
        last_row INTEGER NOT NULL,
        dimension INTEGER NOT NULL,
        last_generation INTEGER NOT NULL,
        generation TEXT,
        checksum INTEGER NOT NULL)""",
    "meta": """CREATE TABLE meta (
        key TEXT PRIMARY KEY,
        value TEXT NOT NULL,
        checksum INTEGER NOT NULL) WITHOUT ROWID""",
    "articles": """CREATE TABLE articles (
        row INTEGER PRIMARY KEY,
        id TEXT NOT NULL UNIQUE,
        title TEXT NOT NULL,
        url TEXT NOT NULL,
        date INTEGER,
        category TEXT NOT NULL,
        language TEXT NOT NULL,
        source TEXT NOT NULL,
        site TEXT NOT NULL,
        excerpt INTEGER NOT NULL,
        visible_from INTEGER,
        visible_until INTEGER,
        access INTEGER NOT NULL,
        extra TEXT,
        checksum INTEGER NOT NULL)""",
    "texts": """CREATE TABLE texts (
        row INTEGER PRIMARY KEY REFERENCES articles (row) ON DELETE CASCADE,
        text BLOB NOT NULL,
        checksum INTEGER NOT NULL)""",
    "sketches": """CREATE TABLE sketches (
        row INTEGER PRIMARY KEY REFERENCES articles (row) ON DELETE CASCADE,
        flags INTEGER NOT NULL,
        length INTEGER NOT NULL,
        content_digest BLOB NOT NULL,
        input_digest BLOB NOT NULL,
        text_digest BLOB NOT NULL,
        title_digest BLOB NOT NULL,
        facts BLOB NOT NULL,
        fingerprint BLOB NOT NULL,
        checksum INTEGER NOT NULL,
        vector BLOB,
        vector_checksum INTEGER)""",
    "neighbours": """CREATE TABLE neighbours (
        row INTEGER PRIMARY KEY REFERENCES articles (row) ON DELETE CASCADE,
        floor REAL NOT NULL,
        list BLOB NOT NULL,
        checksum INTEGER NOT NULL)""",
    "removed": """CREATE TABLE removed (
        row INTEGER PRIMARY KEY)""",
    # What editors decide about pairs, by article id so that it outlives rows. `decision`:
    # duplicate, distinct, keep (duplicates that both stay), merge-first, merge-second (and which
    # of the two stays). `edited`: 1 the first text is another one since, 2 the second.
    "decisions": """CREATE TABLE decisions (
        first TEXT NOT NULL,
        second TEXT NOT NULL CHECK (first < second),
        decision TEXT NOT NULL,
        note TEXT NOT NULL,
        decided_by TEXT NOT NULL,
        decided_at INTEGER,
        first_hash TEXT NOT NULL,
        second_hash TEXT NOT NULL,
        edited INTEGER NOT NULL,
        checksum INTEGER NOT NULL,
        PRIMARY KEY (first, second)) WITHOUT ROWID""",
    # The texts they were made on, as far as it takes to tell an edit from another text.
    "decided_texts": """CREATE TABLE decided_texts (
        id TEXT NOT NULL,
        hash TEXT NOT NULL,
        content_digest BLOB NOT NULL,
        shingles BLOB NOT NULL,
        facts BLOB NOT NULL,
        title_facts BLOB NOT NULL,
        checksum INTEGER NOT NULL,
        PRIMARY KEY (id, hash)) WITHOUT ROWID""",
    # What people said of pairs: a range of grades, and digests of the texts they saw.
    "labels": """CREATE TABLE labels (
        first TEXT NOT NULL,
        second TEXT NOT NULL CHECK (first < second),
        origin TEXT NOT NULL,
        least INTEGER NOT NULL,
        most INTEGER NOT NULL,
        weight REAL,
        first_digest BLOB NOT NULL,
        second_digest BLOB NOT NULL,
        labelled_at INTEGER,
        checksum INTEGER NOT NULL,
        PRIMARY KEY (first, second, origin)) WITHOUT ROWID""",
    # A keyed hash of the id of an article that was erased for good.
    "tombstones": """CREATE TABLE tombstones (
        key BLOB PRIMARY KEY,
        erased_at INTEGER) WITHOUT ROWID""",
}

INDEXES: dict[str, str] = {
    "articles_by_date": "CREATE INDEX articles_by_date ON articles (date)",
    "articles_by_category": "CREATE INDEX articles_by_category ON articles (category, date)",
    "sketches_by_text": """CREATE INDEX sketches_by_text ON sketches (text_digest)
        WHERE text_digest <> x''""",
    "decisions_by_second": "CREATE INDEX decisions_by_second ON decisions (second)",
    "labels_by_second": "CREATE INDEX labels_by_second ON labels (second)",
}


def advice_on_damage(folder: Path) -> str:
    """What to do about an index that is damaged: no build replaces what it cannot read."""
    return f"the index is damaged: restore a copy, or remove the folder {folder} and build it again"


_INDEX_FILE = re.compile(
    r"articles\.sqlite(-wal|-shm|-journal)?|\.lock|\.sync\.lock"
    r"|(vectors-\d+\.faiss|fingerprints-\d+\.bin)"
    r"|\.(vectors|fingerprints)-.*\.tmp|pending-[0-9a-f]+\.sqlite(-wal|-shm|-journal)?"
)


def is_index_file(name: str) -> bool:
    """Whether a file of that name is part of an index, or left over from making one."""
    return _INDEX_FILE.fullmatch(name) is not None


def database_path(folder: Path) -> Path:
    """Where the database of an index lies."""
    return folder / DATABASE_NAME
