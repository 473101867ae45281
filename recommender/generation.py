"""One generation of search files and the rows newer than it, searched as one.

A generation is two files derived from the store up to a recorded row: the vectors (FAISS) and
the fingerprints (postings). They are written once and never changed in place. Newer rows, the
tail, are few and searched exactly; removed rows are masked. A file that is missing or damaged
is replaced in memory from the store, with a warning: the answer stays right, only slower. The
next writer writes it anew.
"""

from __future__ import annotations

import logging
from collections.abc import Callable
from contextlib import suppress
from dataclasses import dataclass
from pathlib import Path
from typing import TypeVar

import numpy as np
from numpy.typing import NDArray

from recommender.centring import Centres
from recommender.config import VectorKind
from recommender.errors import IndexCorrupt, IndexForbidden
from recommender.files import TEMPORARY_SUFFIX, checked_bytes
from recommender.postings import Postings
from recommender.store import GenerationInfo, Store, Writer, share
from recommender.vectors import VectorIndex, build_vector_index, nearest_among, open_vector_index

logger = logging.getLogger("recommender")

Rows = NDArray[np.int64]
Part = TypeVar("Part")

VECTORS_FILE = "vectors"
FINGERPRINTS_FILE = "fingerprints"

# A copied run of 40 characters shares at least two fingerprints with its source.
MIN_SHARED = 2
FEW_FINGERPRINTS = 8
_NO_ROWS: Rows = np.zeros(0, np.int64)


@dataclass(frozen=True, slots=True)
class _Tail:
    """Rows newer than the generation's files."""

    vector_rows: Rows
    vectors: NDArray[np.float32]
    hashes: NDArray[np.uint32]
    owners: Rows

    @classmethod
    def read(cls, store: Store, after_row: int, centres: Centres) -> _Tail:
        rows, vectors, languages = store.vectors(after_row=after_row)
        fingerprint_rows, fingerprints = store.fingerprints(after_row=after_row)
        lengths = [len(each) for each in fingerprints]
        return cls(
            vector_rows=rows,
            vectors=centres.apply(vectors.astype(np.float32), languages),
            hashes=np.concatenate([*fingerprints, np.zeros(0, np.uint32)]),
            owners=np.repeat(fingerprint_rows, lengths),
        )


class _Files:
    """The two files of a generation, opened when first needed and shared by all who search it."""

    def __init__(self) -> None:
        self.vectors: VectorIndex | None = None
        self.postings: Postings | None = None
        self.warnings: list[str] = []


class Generation:
    """The searchable rows of a store at one moment.

    Parameters
    ----------
    store : Store
    info : GenerationInfo or None
        The generation the store names; `None` searches everything exactly.
    centres : Centres
    previous : Generation, optional
        The one before: files that are still the same stay open.
    """

    def __init__(
        self,
        store: Store,
        info: GenerationInfo | None,
        centres: Centres,
        previous: Generation | None = None,
    ) -> None:
        self.info = info
        self._store = store
        self._centres = centres
        self._files = _Files()
        if previous is not None and previous.info == info and info is not None:
            self._files = previous._files
        self._anew = False
        self._last_row = info.last_row if info else 0
        self._removed = store.removed_rows()
        self._tail = _Tail.read(store, self._last_row, centres)

    @property
    def warnings(self) -> list[str]:
        """What is wrong with the files, as far as they have been opened."""
        return self._files.warnings

    @property
    def tail_length(self) -> int:
        """Rows that are not in the files."""
        return len(np.union1d(self._tail.vector_rows, self._tail.owners))

    def open_all(self) -> None:
        """Open both files now and check them whole; what is wrong stands in `warnings`.

        Also where they were checked before on this machine.
        """
        self._anew = True
        self._open_vectors()
        self._open_postings()

    def nearest(
        self, vector: NDArray[np.float32], depth: int, allowed: Rows | None = None
    ) -> tuple[Rows, float]:
        """Rows of the nearest centred vectors.

        Returns
        -------
        rows : ndarray of int64
        floor : float
            Cosine below which rows may be missing; -1 when none is.
        """
        files = self._open_vectors()
        hits = files.search(vector[None], depth, allowed=allowed, removed=self._removed)
        found = hits.rows[0] >= 0
        rows, values = hits.rows[0][found], hits.similarities[0][found]
        tail, tail_vectors = self._tail.vector_rows, self._tail.vectors
        if allowed is not None:
            passing = np.isin(tail, allowed)
            tail, tail_vectors = tail[passing], tail_vectors[passing]
        if len(tail):
            more, more_values = nearest_among(vector, tail, tail_vectors, depth)
            rows, values = np.concatenate([rows, more]), np.concatenate([values, more_values])
        order = np.lexsort((rows, -values))[:depth]
        full = len(order) == depth
        return rows[order], float(values[order[-1]]) if full else -1.0

    def overlapping(
        self, fingerprint: NDArray[np.uint32], limit: int, allowed: Rows | None = None
    ) -> Rows:
        """Rows that share most fingerprints, at most `limit`."""
        least = MIN_SHARED if len(fingerprint) >= FEW_FINGERPRINTS else 1
        rows, counts = self._open_postings().candidates(fingerprint, min_shared=least)
        shared = np.isin(self._tail.hashes, fingerprint)
        tail, tail_counts = np.unique(self._tail.owners[shared], return_counts=True)
        enough = tail_counts >= least
        rows = np.concatenate([rows, tail[enough]])
        counts = np.concatenate([counts, tail_counts[enough]])
        alive = ~np.isin(rows, self._removed)
        if allowed is not None:
            alive &= np.isin(rows, allowed)
        rows, counts = rows[alive], counts[alive]
        return np.asarray(rows[np.lexsort((rows, -counts))[:limit]], np.int64)

    def _open_vectors(self) -> VectorIndex:
        # What somebody has written into is opened, and checked, anew before it is touched.
        if self._files.vectors is None or not self._files.vectors.intact():
            self._files.vectors = self._opened(VECTORS_FILE, open_vector_index, self._exact_vectors)
        return self._files.vectors

    def _open_postings(self) -> Postings:
        if self._files.postings is None or not self._files.postings.intact():
            self._files.postings = self._opened(
                FINGERPRINTS_FILE, Postings.open, self._exact_postings
            )
        return self._files.postings

    def _opened(
        self, kind: str, opener: Callable[..., Part], substitute: Callable[[], Part]
    ) -> Part:
        if self.info is None:
            return substitute()
        name, checksum = self.info.files[kind]
        try:
            return opener(self._store.folder / name, checksum=checksum, anew=self._anew)
        except (IndexCorrupt, IndexForbidden) as error:
            message = f"{error}; searching without it"
            if isinstance(error, IndexCorrupt):
                message += ' until the next update, or "recommender rebuild", writes it anew'
            logger.warning(message)
            self.warnings.append(message)
            return substitute()

    def _exact_vectors(self) -> VectorIndex:
        rows, vectors, languages = self._store.vectors()
        old = rows <= self._last_row
        centred = self._centres.apply(
            vectors[old].astype(np.float32),
            [x for x, keep in zip(languages, old, strict=True) if keep],
        )
        return build_vector_index(rows[old], centred, kind="exact")

    def _exact_postings(self) -> Postings:
        rows, fingerprints = self._store.fingerprints()
        old = rows <= self._last_row
        return Postings.build(
            rows[old], [each for each, keep in zip(fingerprints, old, strict=True) if keep]
        )


def write_generation(
    writer: Writer, centres: Centres, *, kind: VectorKind
) -> tuple[GenerationInfo, VectorIndex, Postings]:
    """Write the files of the next generation from all rows the writer sees, and name them.

    To be called inside the transaction that makes the rows: the files are complete on disk
    before their names are committed, and no reader looks at them earlier.
    """
    rows, vectors, languages = writer.vectors()
    index = build_vector_index(rows, centres.apply(vectors, languages), kind=kind)
    del vectors, languages
    fingerprint_rows, fingerprints = writer.fingerprints()
    postings = Postings.build(fingerprint_rows, fingerprints)
    del fingerprints
    number = writer.next_generation()
    names = {
        VECTORS_FILE: f"{VECTORS_FILE}-{number:06d}.faiss",
        FINGERPRINTS_FILE: f"{FINGERPRINTS_FILE}-{number:06d}.bin",
    }
    files = {
        VECTORS_FILE: (names[VECTORS_FILE], index.write(writer.folder / names[VECTORS_FILE])),
        FINGERPRINTS_FILE: (
            names[FINGERPRINTS_FILE],
            postings.write(writer.folder / names[FINGERPRINTS_FILE]),
        ),
    }
    # Before the names are committed: from then on users of the folder's group read them.
    for name in names.values():
        share(writer.folder / name)
    last_row = int(max(rows.max(initial=0), fingerprint_rows.max(initial=0)))
    info = GenerationInfo(number=number, last_row=last_row, files=files)
    writer.set_generation(info)
    return info, index, postings


def broken_files(folder: Path, info: GenerationInfo | None) -> list[str]:
    """What is wrong with the files of a generation, in words; looks, and builds nothing."""
    found = []
    for name, checksum in sorted(info.files.values()) if info is not None else ():
        try:
            checked_bytes(folder / name, checksum)
        except IndexCorrupt as error:
            found.append(str(error))
    return found


def renew_if_broken(writer: Writer, centres: Centres, *, kind: VectorKind) -> bool:
    """Write a new generation if a file of the present one is missing or damaged, and log it.

    To be called inside a transaction, as `write_generation`; a reader never does it.
    """
    broken = broken_files(writer.folder, writer.generation())
    if broken:
        write_generation(writer, centres, kind=kind)
        logger.warning("%s; search files were written anew", "; ".join(broken))
    return bool(broken)


def remove_unnamed_files(folder: Path, present: GenerationInfo | None) -> None:
    """Delete search files that the store does not name; only under the writer's lock.

    They are of an older generation, or a writer that was killed left them, finished or not.
    Readers that have an older file mapped keep it until they let it go.
    """
    keep = {name for name, _ in present.files.values()} if present is not None else set()
    for kind in (VECTORS_FILE, FINGERPRINTS_FILE):
        for pattern in (f"{kind}-*", f".{kind}-*{TEMPORARY_SUFFIX}"):
            for file in sorted(folder.glob(pattern)):
                if file.name not in keep:
                    # What cannot be deleted now costs only space; the next writer tries again.
                    with suppress(OSError):
                        file.unlink(missing_ok=True)
