"""Nearest vectors: the `VectorIndex` protocol and its FAISS adapters.

The only importer of faiss, which is loaded when an index is built or opened. Similarities are
inner products of unit vectors; FAISS's distances, paddings and errors stop here. The file is
FAISS's own format in 16 bits a number, followed by the row numbers; it is written once, mapped
for reading, and checked whole before FAISS sees it, because a flipped link of a graph can crash
the process.
"""

from __future__ import annotations

import struct
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import Any, Protocol

import numpy as np
from numpy.typing import NDArray

from recommender.best import Best, best_of
from recommender.config import VectorKind
from recommender.errors import BadEmbedding, ConfigError, IndexCorrupt, IndexIncompatible
from recommender.files import Watch, watched_bytes, write_whole

Vectors = NDArray[np.float32]
Rows = NDArray[np.int64]

# Up to here exact search answers in some ten milliseconds, and nothing is ever missed.
EXACT_UP_TO = 50_000
_LINKS = 32
_BUILD_BREADTH = 200
_SEARCH_BREADTH = 160
_LISTS_PER_ROOT = 4
_PROBED_SHARE = 0.2
_TIES = 16
# From here on one matrix product over unpacked blocks beats scanning query by query.
_MANY_QUERIES = 16
# Below this share of passing rows a graph loses answers, and scanning them is as fast.
_SCANNED_SHARE = 0.15
_BLOCK = 4_096
_TRAILER = struct.Struct("<QQI4s")
_MAGIC = b"RVEC"
_VERSION = 1


@dataclass(frozen=True, slots=True)
class Hits:
    """Nearest rows of each query, best first, ties by row.

    Attributes
    ----------
    rows : ndarray of int64, shape (q, k)
        -1 where there are fewer than k.
    similarities : ndarray of float32, shape (q, k)
        Inner products; -inf where there is no row.
    """

    rows: Rows
    similarities: NDArray[np.float32]


class VectorIndex(Protocol):
    """Finds the nearest of a set of unit vectors."""

    @property
    def kind(self) -> str:
        """One of "exact", "hnsw" and "ivf"."""

    @property
    def dimension(self) -> int:
        """Length of a vector."""

    def __len__(self) -> int: ...

    def intact(self) -> bool:
        """Whether it may be searched: nobody has written into the file that is mapped."""

    def search(
        self,
        queries: Vectors,
        limit: int,
        *,
        allowed: Rows | None = None,
        removed: Rows | None = None,
    ) -> Hits:
        """The nearest rows of each query.

        Parameters
        ----------
        queries : ndarray of float32, shape (q, dimension)
            Unit rows.
        limit : int
            Rows wanted for each.
        allowed : ndarray of int64, optional
            Sorted rows that may be found.
        removed : ndarray of int64, optional
            Rows that may not.

        Raises
        ------
        BadEmbedding
            If a query has another dimension or is not finite.
        """

    def write(self, path: Path) -> str:
        """Write the index as one file, complete or not at all; gives its XXH3-128 checksum."""


@dataclass(frozen=True, slots=True)
class _Passing:
    """Which of `total` positions may be found: `kept`, or where that is `None` all but `gone`."""

    total: int
    kept: NDArray[np.int64] | None
    gone: NDArray[np.int64]

    @property
    def count(self) -> int:
        """How many may be found."""
        return self.total - len(self.gone) if self.kept is None else len(self.kept)

    @property
    def share(self) -> float:
        """How many of all."""
        return self.count / self.total if self.total else 1.0

    def positions(self) -> NDArray[np.int64]:
        """Each of them, rising."""
        return np.delete(np.arange(self.total), self.gone) if self.kept is None else self.kept

    def selector(self) -> Any:
        """The same for FAISS; `None` where all may be found."""
        import faiss

        if self.kept is not None:
            return faiss.IDSelectorBatch(self.kept)
        return faiss.IDSelectorNot(faiss.IDSelectorBatch(self.gone)) if len(self.gone) else None


@contextmanager
def _threads(count: int | None) -> Iterator[None]:
    """So many threads for FAISS calls of this thread; `None` for as many as it likes.

    Threads that wait for one another do so busily: for a few queries they gain little, and take
    the processors from readers beside a writer (measured: the 99th percentile of an answer beside
    an update is 7 to 9 times the quiet one with two threads, as the quiet one with one).
    """
    import faiss

    if count is None:
        yield
        return
    before = faiss.omp_get_max_threads()
    faiss.omp_set_num_threads(count)
    try:
        yield
    finally:
        faiss.omp_set_num_threads(before)


class FaissIndex:
    """A `VectorIndex` over FAISS; made by `build_vector_index` and `open_vector_index`."""

    def __init__(
        self,
        kind: str,
        index: Any,
        rows: Rows,
        mapped: Any = None,
        watch: Watch | None = None,
    ) -> None:
        self._watch = watch
        self._kind = kind
        self._index = index
        self._rows = rows
        # The object that owns the mapping; `index` is only another view of it.
        self._mapped = mapped

    @property
    def kind(self) -> str:
        """One of "exact", "hnsw" and "ivf"."""
        return self._kind

    @property
    def dimension(self) -> int:
        """Length of a vector."""
        return int(self._index.d)

    def __len__(self) -> int:
        return len(self._rows)

    def intact(self) -> bool:
        """Whether it may be searched; see `VectorIndex.intact`."""
        return self._watch is None or self._watch.unchanged()

    def search(
        self,
        queries: Vectors,
        limit: int,
        *,
        allowed: Rows | None = None,
        removed: Rows | None = None,
    ) -> Hits:
        """The nearest rows of each query; see `VectorIndex.search`."""
        queries = _checked(queries, self.dimension)
        passing = self._passing(allowed, removed)
        wanted = min(max(limit, 0), passing.count)
        if not wanted or not len(queries):
            return _empty(len(queries), limit)
        few = passing.share < _SCANNED_SHARE or passing.count <= 4 * wanted
        if few or (self._kind == "exact" and len(queries) >= _MANY_QUERIES):
            places, values = self._scan(queries, wanted, passing)
        else:
            places, values = self._approximate(queries, wanted, passing)
        return _padded(self._rows, places, values, limit)

    def write(self, path: Path) -> str:
        """Write the index as one file; see `VectorIndex.write`."""
        import faiss

        body = faiss.serialize_index(self._index).data
        rows = self._rows.astype("<i8").tobytes()
        trailer = _TRAILER.pack(len(body), len(self._rows), _VERSION, _MAGIC)
        return write_whole(path, [body, rows, trailer])

    def _passing(self, allowed: Rows | None, removed: Rows | None) -> _Passing:
        """What may be found, without looking at all rows: few are removed, or few allowed."""
        gone = self._places_of(removed)
        if allowed is None:
            return _Passing(len(self._rows), None, gone)
        kept = self._places_of(allowed)
        return _Passing(len(self._rows), kept[~np.isin(kept, gone)] if len(gone) else kept, gone)

    def _places_of(self, rows: Rows | None) -> NDArray[np.int64]:
        """Sorted positions of those of some rows that are here."""
        if rows is None or not len(rows) or not len(self._rows):
            return np.zeros(0, np.int64)
        rows = np.unique(rows)
        places = np.minimum(np.searchsorted(self._rows, rows), len(self._rows) - 1)
        return np.asarray(places[self._rows[places] == rows], np.int64)

    def _scan(
        self, queries: Vectors, wanted: int, passing: _Passing
    ) -> tuple[NDArray[np.int64], NDArray[np.float32]]:
        """Exact: block by block, keeping of each what may be among the best of all."""
        positions = passing.positions()
        best = Best(len(queries), wanted)
        for start in range(0, len(positions), _BLOCK):
            block = positions[start : start + _BLOCK]
            best.add(block, queries @ self._vectors_at(block).T)
        return best.found()

    def _vectors_at(self, positions: NDArray[np.int64]) -> Vectors:
        if len(positions) and positions[-1] - positions[0] + 1 == len(positions):
            return np.asarray(self._index.reconstruct_n(int(positions[0]), len(positions)))
        return np.asarray(self._index.reconstruct_batch(positions))

    def _approximate(
        self, queries: Vectors, wanted: int, passing: _Passing
    ) -> tuple[NDArray[np.int64], NDArray[np.float32]]:
        import faiss

        share, selector = passing.share, passing.selector()
        if self._kind == "exact":
            parameters = faiss.SearchParameters(sel=selector)
        elif self._kind == "hnsw":
            breadth = int(max(_SEARCH_BREADTH, 2 * wanted) / max(share, 0.1))
            parameters = faiss.SearchParametersHNSW(efSearch=breadth, sel=selector)
        else:
            probes = max(8, int(self._index.nlist * _PROBED_SHARE / max(share, 0.1)))
            parameters = faiss.SearchParametersIVF(
                nprobe=min(probes, self._index.nlist), sel=selector
            )
        # A few more than wanted, so that ties at the edge are broken by row, not by chance.
        most = min(wanted + _TIES, passing.count)
        with _threads(None if len(queries) >= _MANY_QUERIES else 1):
            values, places = self._index.search(queries, most, params=parameters)
        if (places[:, :wanted] < 0).any():
            return self._scan(queries, wanted, passing)
        values = np.where(places < 0, -np.inf, values)
        return best_of(places.astype(np.int64), values.astype(np.float32), wanted)


def build_vector_index(rows: Rows, vectors: Vectors, *, kind: VectorKind = "auto") -> VectorIndex:
    """Index unit vectors.

    Parameters
    ----------
    rows : ndarray of int64, shape (n,)
        Each once; the result does not depend on their order.
    vectors : ndarray of float32, shape (n, dimension)
    kind : {"auto", "exact", "hnsw", "ivf"}
        "auto" is exact up to 50,000 vectors and a graph (HNSW, Malkov and Yashunin 2018) beyond.

    Raises
    ------
    BadEmbedding
        If a vector is not finite.
    ConfigError
        If the kind is unknown.
    """
    import faiss

    rows = np.asarray(rows, np.int64)
    if (rows[1:] < rows[:-1]).any():
        order = np.argsort(rows, kind="stable")
        rows, vectors = rows[order], vectors[order]
    vectors = _checked(vectors, vectors.shape[1])
    if kind == "auto":
        kind = "exact" if len(rows) <= EXACT_UP_TO else "hnsw"
    dimension = vectors.shape[1]
    half, inner = faiss.ScalarQuantizer.QT_fp16, faiss.METRIC_INNER_PRODUCT
    # One thread and a fixed order: the same rows give the same file.
    with _threads(1):
        if kind == "exact":
            index = faiss.IndexScalarQuantizer(dimension, half, inner)
        elif kind == "hnsw":
            index = faiss.IndexHNSWSQ(dimension, half, _LINKS, inner)
            index.hnsw.efConstruction = _BUILD_BREADTH
        elif kind == "ivf":
            lists = int(max(1, min(_LISTS_PER_ROOT * len(rows) ** 0.5, len(rows) / 39)))
            quantizer = faiss.IndexFlatIP(dimension)
            index = faiss.IndexIVFScalarQuantizer(quantizer, dimension, lists, half, inner)
            index.by_residual = False
            index.cp.seed = 1
        else:
            raise ConfigError(f"unknown kind of vector index {kind!r}; known are exact, hnsw, ivf")
        if len(rows):
            index.train(vectors)
            index.add(vectors)
        if kind == "ivf":
            index.make_direct_map(True)
    return FaissIndex(kind, index, rows)


def open_vector_index(path: Path, *, checksum: str, anew: bool = False) -> VectorIndex:
    """Open a written index: check the whole file (as `files.checked_bytes`), then map it.

    Raises
    ------
    IndexCorrupt
        If the file is missing, not the one that was written, or FAISS cannot read it.
    IndexIncompatible
        If a newer version wrote it.
    """
    import faiss

    data, watch = watched_bytes(path, checksum, anew=anew)
    if len(data) < _TRAILER.size:
        raise IndexCorrupt(f"{path}: too short for a vector file")
    length, count, version, magic = _TRAILER.unpack(data[-_TRAILER.size :].tobytes())
    if magic != _MAGIC:
        raise IndexCorrupt(f"{path}: not a vector file (magic {magic!r})")
    if version > _VERSION:
        raise IndexIncompatible(
            f"{path}: written by a newer version (format {version}, known is {_VERSION}); "
            "upgrade, or run rebuild"
        )
    if length + 8 * count + _TRAILER.size != len(data):
        raise IndexCorrupt(f"{path}: {len(data):,} bytes do not fit its own description")
    rows = np.frombuffer(data, "<i8", count, length).astype(np.int64)
    try:
        owner = faiss.read_index(str(path), faiss.IO_FLAG_MMAP_IFC)
    except RuntimeError as error:
        raise IndexCorrupt(f"{path}: FAISS cannot read it ({_first_line(error)})") from error
    # FAISS opens by name, too, and what it has mapped must be what was checked.
    if not (watch.has_its_name() and watch.unchanged()):
        raise IndexCorrupt(f"{path}: the file was replaced while it was opened")
    index = faiss.downcast_index(owner)
    kinds = {
        "IndexScalarQuantizer": "exact",
        "IndexHNSWSQ": "hnsw",
        "IndexIVFScalarQuantizer": "ivf",
    }
    kind = kinds.get(type(index).__name__)
    if kind is None or index.ntotal != count:
        raise IndexCorrupt(
            f"{path}: holds {type(index).__name__} of {index.ntotal:,}, not {count:,}"
        )
    if kind == "ivf" and count:
        index.make_direct_map(True)
    return FaissIndex(kind, index, rows, mapped=owner, watch=watch)


def nearest_among(
    query: NDArray[np.float32], rows: Rows, vectors: Vectors, limit: int
) -> tuple[Rows, NDArray[np.float32]]:
    """The nearest of a few vectors, exactly.

    Parameters
    ----------
    query : ndarray of float32, shape (dimension,)
    rows : ndarray of int64, shape (n,)
    vectors : ndarray of float32, shape (n, dimension)
    limit : int
    """
    values = np.einsum("nd,d->n", vectors, query).astype(np.float32)
    order = np.lexsort((rows, -values))[:limit]
    return rows[order], values[order]


def pair_cosines(first: Vectors, second: Vectors) -> NDArray[np.float32]:
    """Cosines of unit vectors, row by row, rounded to four decimals.

    Summed in 64 bits and without BLAS, so that they do not depend on threads or on how many
    pairs come along.

    Parameters
    ----------
    first, second : ndarray of float32, shape (n, dimension)
    """
    values = np.einsum("nd,nd->n", first, second, dtype=np.float64)
    return np.asarray(np.clip(np.round(values, 4), -1.0, 1.0), np.float32)


def _checked(vectors: Vectors, dimension: int) -> Vectors:
    if vectors.ndim != 2 or vectors.shape[1] != dimension:
        raise BadEmbedding(f"vectors have the shape {vectors.shape}, expected (n, {dimension})")
    if not np.isfinite(vectors).all():
        raise BadEmbedding("a vector holds a value that is not finite")
    return np.ascontiguousarray(vectors, dtype=np.float32)


def _padded(rows: Rows, places: NDArray[np.int64], values: NDArray[np.float32], limit: int) -> Hits:
    found = rows[places]
    missing = limit - found.shape[1]
    return Hits(
        np.pad(found, ((0, 0), (0, missing)), constant_values=-1),
        np.pad(values, ((0, 0), (0, missing)), constant_values=-np.inf),
    )


def _empty(queries: int, limit: int) -> Hits:
    limit = max(limit, 0)
    return Hits(
        np.full((queries, limit), -1, np.int64), np.full((queries, limit), -np.inf, np.float32)
    )


def _first_line(error: BaseException) -> str:
    return str(error).strip().splitlines()[-1][:200] if str(error).strip() else type(error).__name__
