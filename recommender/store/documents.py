"""What the store takes and gives: documents, sketches, neighbour lists, generations.

Plain values; they know nothing of tables, files or checksums.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from recommender.records import Card


@dataclass(frozen=True, slots=True, kw_only=True)
class Sketch:
    """Everything derived from an article that comparing needs.

    Attributes
    ----------
    vector : ndarray of float16, shape (d,), or None
        Raw, uncentred embedding; `None` when there was nothing to embed.
    fingerprint : ndarray of uint32, shape (m,)
        Sorted.
    facts : bytes
        Packed by `facts.pack`.
    length : int
        Characters of the folded body without boilerplate.
    text_digest : bytes
        16 bytes of that body; empty when there is none.
    title_digest : bytes
        8 bytes of the folded title; empty when there is none.
    flags : int
        A bit field whose meaning `indexing` owns; 0 to 2^62.
    """

    vector: NDArray[np.float16] | None
    fingerprint: NDArray[np.uint32]
    facts: bytes
    length: int
    text_digest: bytes
    title_digest: bytes
    flags: int


@dataclass(frozen=True, slots=True, kw_only=True)
class Document:
    """An article as it is stored.

    Attributes
    ----------
    card : Card
    text : str
        Clean text, boilerplate included.
    content_digest : bytes
        8 bytes of title and body as given; equal digests leave nothing to embed again.
    input_digest : bytes
        16 bytes of what was embedded.
    sketch : Sketch
    """

    card: Card
    text: str
    content_digest: bytes
    input_digest: bytes
    sketch: Sketch


@dataclass(frozen=True, slots=True, kw_only=True)
class NeighbourList:
    """An article's best candidates with their evidence, in the order they were given.

    Attributes
    ----------
    rows : ndarray of int64, shape (n,)
        May name rows that are gone.
    evidence : ndarray of float16, shape (n, f)
        Columns whose meaning the comparing layers own.
    floor : float
        Centred cosine below which the list may be incomplete; -1 when it is complete.
    """

    rows: NDArray[np.int64]
    evidence: NDArray[np.float16]
    floor: float


@dataclass(frozen=True, slots=True, kw_only=True)
class GenerationInfo:
    """The search files that belong to the rows up to a recorded one.

    Attributes
    ----------
    number : int
        Rises with every generation; never used twice.
    last_row : int
        Last row that the files hold.
    files : mapping of str to (str, str)
        Kind of file → its name in the folder and its checksum.
    """

    number: int
    last_row: int
    files: Mapping[str, tuple[str, str]]
