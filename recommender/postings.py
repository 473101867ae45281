"""The fingerprints of a generation as an inverted index: hash → articles, in one mapped file.

The only module that knows the file's layout. Like the vector file it is written once, checked
whole when it is opened, and never changed in place.

Layout, little-endian: magic `RFPI`, uint32 version, uint64 number of rows, uint64 number of
postings; int64 rows; uint32 starts of the 65,536 ranges of the hash's upper half, and one end;
uint16 lower halves; uint32 ordinals into the rows. Postings are sorted by hash, then ordinal,
and cost six bytes each.
"""

from __future__ import annotations

import struct
from collections.abc import Iterator, Sequence
from itertools import pairwise
from pathlib import Path

import numpy as np
from numpy.typing import NDArray

from recommender.errors import IndexCorrupt, IndexIncompatible
from recommender.files import Watch, watched_bytes, write_whole
from recommender.shingles import Fingerprint

Rows = NDArray[np.int64]
Pairs = tuple[Rows, Rows, NDArray[np.int32]]

_MAGIC = b"RFPI"
_VERSION = 1
_HEADER = struct.Struct("<4sIQQ")
_RANGES = 1 << 16
# A hash carried by more articles is formula text: on 22,849 news articles the join stays
# complete without such hashes, and would grow with the square of the carriers.
MOST_CARRIERS = 400
_JOINED_AT_ONCE = 1_000_000


class Postings:
    """Which articles carry which fingerprint hashes.

    Made by `build` or `open`.

    Parameters
    ----------
    rows : ndarray of int64, shape (n,)
        Sorted.
    starts : ndarray of uint32, shape (65537,)
    lows : ndarray of uint16, shape (m,)
    ordinals : ndarray of uint32, shape (m,)
    watch : Watch, optional
        Of the file that is mapped.
    """

    def __init__(
        self,
        rows: Rows,
        starts: NDArray[np.uint32],
        lows: NDArray[np.uint16],
        ordinals: NDArray[np.uint32],
        *,
        watch: Watch | None = None,
    ) -> None:
        self._watch = watch
        self._rows = rows
        self._starts = starts
        self._lows = lows
        self._ordinals = ordinals

    def __len__(self) -> int:
        return len(self._rows)

    def intact(self) -> bool:
        """Whether it may be searched: nobody has written into the file that is mapped."""
        return self._watch is None or self._watch.unchanged()

    @classmethod
    def build(cls, rows: Rows, fingerprints: Sequence[Fingerprint]) -> Postings:
        """An index in memory.

        Parameters
        ----------
        rows : ndarray of int64, shape (n,)
            Each once.
        fingerprints : sequence of ndarray of uint32, length n
        """
        order = np.argsort(rows, kind="stable")
        lengths = [len(fingerprints[place]) for place in order]
        empty = [np.zeros(0, np.uint32)]
        hashes = np.concatenate([fingerprints[place] for place in order] + empty)
        ordinals = np.repeat(np.arange(len(order), dtype=np.uint32), lengths)
        by_hash = np.argsort(hashes, kind="stable")
        hashes = hashes[by_hash]
        bounds = np.arange(_RANGES + 1, dtype=np.uint64) << np.uint64(16)
        starts = np.searchsorted(hashes.astype(np.uint64), bounds).astype(np.uint32)
        return cls(
            np.asarray(rows, np.int64)[order],
            starts,
            (hashes & np.uint32(0xFFFF)).astype(np.uint16),
            ordinals[by_hash],
        )

    def write(self, path: Path) -> str:
        """Write the index as one file, complete or not at all; gives its XXH3-128 checksum."""
        header = _HEADER.pack(_MAGIC, _VERSION, len(self._rows), len(self._lows))
        arrays = (self._rows, self._starts, self._lows, self._ordinals)
        return write_whole(path, [header, *(array.tobytes() for array in arrays)])

    @classmethod
    def open(cls, path: Path, *, checksum: str, anew: bool = False) -> Postings:
        """Map a written index after checking it whole (as `files.checked_bytes`).

        Raises
        ------
        IndexCorrupt
            If the file is missing, not the one that was written, or malformed.
        IndexIncompatible
            If a newer version wrote it.
        """
        data, watch = watched_bytes(path, checksum, anew=anew)
        if len(data) < _HEADER.size:
            raise IndexCorrupt(f"{path}: too short for its header")
        magic, version, row_count, count = _HEADER.unpack(data[: _HEADER.size].tobytes())
        if magic != _MAGIC:
            raise IndexCorrupt(f"{path}: not a fingerprint file (magic {magic!r})")
        if version > _VERSION:
            raise IndexIncompatible(
                f"{path}: written by a newer version (format {version}, known is {_VERSION}); "
                "upgrade, or run rebuild"
            )
        size = _HEADER.size + 8 * row_count + 4 * (_RANGES + 1) + 6 * count
        if len(data) != size:
            raise IndexCorrupt(f"{path}: {len(data):,} bytes, its header says {size:,}")
        parts, at = [], _HEADER.size
        for number, kind in (
            (row_count, "<i8"),
            (_RANGES + 1, "<u4"),
            (count, "<u2"),
            (count, "<u4"),
        ):
            width = np.dtype(kind).itemsize
            parts.append(np.frombuffer(data, kind, number, at))
            at += number * width
        return cls(*parts, watch=watch)

    def candidates(
        self, fingerprint: Fingerprint, *, min_shared: int = 1, limit: int | None = None
    ) -> tuple[Rows, NDArray[np.int32]]:
        """Articles that share hashes with a fingerprint.

        Parameters
        ----------
        fingerprint : ndarray of uint32, shape (m,)
            Sorted, each once.
        min_shared : int
            Least number of common hashes.
        limit : int, optional
            Most articles.

        Returns
        -------
        rows : ndarray of int64, shape (k,)
        shared : ndarray of int32, shape (k,)
            Falling; ties by row.
        """
        found = [self._carriers(int(value)) for value in fingerprint]
        ordinals = np.concatenate([*found, np.zeros(0, np.uint32)])
        distinct, counts = np.unique(ordinals, return_counts=True)
        enough = counts >= min_shared
        rows, counts = self._rows[distinct[enough]], counts[enough]
        order = np.lexsort((rows, -counts))[:limit]
        return np.asarray(rows[order], np.int64), np.asarray(counts[order], np.int32)

    def _carriers(self, value: int) -> NDArray[np.uint32]:
        upper, lower = value >> 16, np.uint16(value & 0xFFFF)
        start, end = int(self._starts[upper]), int(self._starts[upper + 1])
        first, last = np.searchsorted(self._lows[start:end], [lower, lower], side="left")
        last = np.searchsorted(self._lows[start:end], lower, side="right")
        return np.asarray(self._ordinals[start + first : start + last])

    def pairs(self, *, min_shared: int, max_carriers: int = MOST_CARRIERS) -> Iterator[Pairs]:
        """All pairs of articles that share hashes, in chunks of bounded size.

        Parameters
        ----------
        min_shared : int
            Least number of common hashes.
        max_carriers : int
            Hashes of more articles are left out.

        Yields
        ------
        first, second : ndarray of int64
            Rows, the first smaller; each pair once over all chunks.
        shared : ndarray of int32
        """
        hashes = self._hashes()
        begins = np.flatnonzero(np.concatenate(([True], hashes[1:] != hashes[:-1]))[: len(hashes)])
        sizes = np.diff(np.append(begins, len(hashes)))
        useful = (sizes > 1) & (sizes <= max_carriers)
        begins, sizes = begins[useful], sizes[useful]
        # Each posting is joined with those after it in its list: count these first, then cut
        # the articles into ranges whose joins fit into memory.
        later = np.zeros(len(self._rows), np.int64)
        places = _ranges(begins, sizes)
        after = np.repeat(begins + sizes, sizes) - places - 1
        np.add.at(later, self._ordinals[places], after)
        joined = np.cumsum(later)
        cuts = np.searchsorted(
            joined, np.arange(_JOINED_AT_ONCE, joined[-1] if len(joined) else 0, _JOINED_AT_ONCE)
        )
        bounds = np.unique(np.concatenate(([0], cuts, [len(self._rows)])))
        for low, high in pairwise(bounds.tolist()):
            yield self._join(places, after, low, high, min_shared)

    def _hashes(self) -> Fingerprint:
        uppers = np.repeat(
            np.arange(_RANGES, dtype=np.uint32), self._starts[1:] - self._starts[:-1]
        )
        return np.asarray((uppers << np.uint32(16)) | self._lows.astype(np.uint32))

    def _join(
        self,
        places: NDArray[np.int64],
        after: NDArray[np.int64],
        low: int,
        high: int,
        min_shared: int,
    ) -> Pairs:
        """Pairs whose smaller ordinal lies in [low, high)."""
        owner = self._ordinals[places]
        mine = (owner >= low) & (owner < high) & (after > 0)
        starts, counts = places[mine], after[mine]
        first = np.repeat(owner[mine].astype(np.uint64), counts)
        second = self._ordinals[_ranges(starts + 1, counts)].astype(np.uint64)
        keys, shared = np.unique((first << np.uint64(32)) | second, return_counts=True)
        enough = shared >= min_shared
        keys = keys[enough]
        return (
            self._rows[(keys >> np.uint64(32)).astype(np.int64)],
            self._rows[(keys & np.uint64(0xFFFFFFFF)).astype(np.int64)],
            shared[enough].astype(np.int32),
        )


def _ranges(starts: NDArray[np.int64], counts: NDArray[np.int64]) -> NDArray[np.int64]:
    """The numbers start, start + 1, … of several ranges, one after another."""
    total = int(counts.sum())
    if not total:
        return np.zeros(0, np.int64)
    offsets = np.repeat(starts - np.concatenate(([0], np.cumsum(counts)[:-1])), counts)
    return np.arange(total, dtype=np.int64) + offsets
