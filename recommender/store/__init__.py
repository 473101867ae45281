"""The index on disk: articles, texts, sketches, neighbours and settings in one SQLite file.

The only package that imports sqlite3. It keeps what it is given and finds it again; what the
flags, the facts, the evidence columns and the settings mean is the business of the layers
above. The format is described in `indexes/README.md`.
"""

from __future__ import annotations

from recommender.store.checking import check_store
from recommender.store.decisions import (
    VERSION_KEY,
    delete_decision,
    read_decisions,
    read_texts,
    write_decisions,
)
from recommender.store.documents import Document, GenerationInfo, NeighbourList, Sketch
from recommender.store.labels import content_digests, put_labels, read_labels, settled_pairs
from recommender.store.pending import Pending
from recommender.store.reader import Store
from recommender.store.schema import FORMAT_VERSION, advice_on_damage
from recommender.store.soundness import check_on_opening
from recommender.store.writer import Writer

__all__ = [
    "FORMAT_VERSION",
    "VERSION_KEY",
    "Document",
    "GenerationInfo",
    "NeighbourList",
    "Pending",
    "Sketch",
    "Store",
    "Writer",
    "advice_on_damage",
    "check_on_opening",
    "check_store",
    "content_digests",
    "delete_decision",
    "put_labels",
    "read_decisions",
    "read_labels",
    "read_texts",
    "settled_pairs",
    "write_decisions",
]
