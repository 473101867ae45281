"""Character shingles: hashes of all runs of a text, and the few of them that stand for it.

Input is folded text (letters, digits and ideographs only). Resemblance and containment are
exact up to collisions of 64-bit hashes (Broder 1997, "On the resemblance and containment of
documents"). Fingerprints are winnowed (Schleimer, Wilkerson and Aiken 2003): of every window
of neighbouring shingles the one with the least hash, so that two texts with a common run of
`WINDOW + SHINGLE_LENGTH - 1` characters always share one.

Pure: no files, no clock; hashes depend on the characters alone.
"""

from __future__ import annotations

from collections.abc import Collection, Sequence

import numpy as np
from numpy.typing import NDArray

SHINGLE_LENGTH = 5
WINDOW = 16
# Texts of so few shingles keep them all: a brief inside a round-up must not be missed.
ALL_BELOW = 64

Hashes = NDArray[np.uint64]
Fingerprint = NDArray[np.uint32]

_BASE = np.uint64(0x9E3779B97F4A7C15)
_MIX_ONE = np.uint64(0xBF58476D1CE4E5B9)
_MIX_TWO = np.uint64(0x94D049BB133111EB)


def _codes(text: str) -> NDArray[np.uint32]:
    return np.frombuffer(text.encode("utf-32-le", "replace"), dtype="<u4")


def _rolling(codes: NDArray[np.uint32], length: int) -> Hashes:
    """Mixed polynomial hash of every run of `length` codes, shape (len(codes) - length + 1,)."""
    count = len(codes) - length + 1
    if count <= 0:
        return np.zeros(0, np.uint64)
    wide = codes.astype(np.uint64)
    hashes = wide[:count].copy()
    for offset in range(1, length):
        hashes *= _BASE
        hashes += wide[offset : offset + count]
    # The finaliser of SplitMix64 (Steele, Lea and Flood 2014) spreads every bit over all.
    hashes ^= hashes >> np.uint64(30)
    hashes *= _MIX_ONE
    hashes ^= hashes >> np.uint64(27)
    hashes *= _MIX_TWO
    hashes ^= hashes >> np.uint64(31)
    return np.asarray(hashes)


def rolling_hashes(folded: str, length: int) -> Hashes:
    """Hash of the shingle at each place of a folded text, shape (len(folded) - length + 1,)."""
    return _rolling(_codes(folded), length)


def shingle_hashes(folded: str, length: int) -> Hashes:
    """Hashes of all character shingles of a folded text.

    Parameters
    ----------
    folded : str
    length : int
        Characters of a shingle; a shorter text is one shingle by itself.

    Returns
    -------
    ndarray of uint64, shape (m,)
        Sorted, each once; empty for an empty text.
    """
    codes = _codes(folded)
    if not len(codes):
        return np.zeros(0, np.uint64)
    return _once_each(_rolling(codes, min(length, len(codes))))


def _once_each(hashes: Hashes) -> Hashes:
    """Sorted, each once; what `numpy.unique` does, in a fraction of its time."""
    hashes.sort()
    return np.asarray(hashes[np.concatenate(([True], hashes[1:] != hashes[:-1]))[: len(hashes)]])


_OWNER_BITS = 16


def shingle_sets(
    folded: Sequence[str], length: int, *, only: Collection[int] | None = None
) -> list[Hashes]:
    """Sets of shingles of several texts, made over one array with one sort.

    Their hashes have 48 bits: among the shingles of two long reports two different ones meet
    once in some hundred million pairs.

    Parameters
    ----------
    folded : sequence of str
    length : int
        Characters of a shingle; a shorter text is one shingle by itself.
    only : collection of int, optional
        Places of the texts that are wanted; the sets of all others are empty.

    Returns
    -------
    list of ndarray of uint64
        As many as texts, each sorted, every hash once. Comparable among each other, and with
        those of other calls, but not with `shingle_hashes`.
    """
    found: list[Hashes] = []
    for start in range(0, len(folded), 1 << _OWNER_BITS):
        places = range(start, min(start + (1 << _OWNER_BITS), len(folded)))
        texts = [folded[each] if only is None or each in only else "" for each in places]
        found += _shingle_sets(texts, length)
    return found


def _shingle_sets(texts: Sequence[str], length: int) -> list[Hashes]:
    lengths = np.array([len(text) for text in texts], np.int64)
    ends = np.cumsum(lengths)
    codes = _codes("".join(texts))
    hashes = _rolling(codes, length)
    owners = np.repeat(np.arange(len(texts)), lengths)[: len(hashes)]
    inside = np.arange(len(hashes)) + length <= ends[owners]
    shift = np.uint64(_OWNER_BITS)
    keys = hashes[inside] >> shift
    keys |= owners[inside].astype(np.uint64) << (np.uint64(64) - shift)
    keys = _once_each(keys)
    counts = np.bincount((keys >> (np.uint64(64) - shift)).astype(np.int64), minlength=len(texts))
    keys &= (np.uint64(1) << (np.uint64(64) - shift)) - np.uint64(1)
    sets = np.split(keys, np.cumsum(counts)[:-1]) if len(texts) else []
    for place in np.flatnonzero((lengths > 0) & (lengths < length)):
        whole = codes[ends[place] - lengths[place] : ends[place]]
        sets[place] = _rolling(whole, len(whole)) >> shift
    return sets


def fingerprint(folded: str) -> Fingerprint:
    """Winnowed hashes of a folded text; all of them when it is short.

    Returns
    -------
    ndarray of uint32, shape (m,)
        Sorted, each once; empty for an empty text.
    """
    return fingerprint_many([folded])[0]


def fingerprint_many(folded: Sequence[str]) -> list[Fingerprint]:
    """Fingerprints of several folded texts, worked out over one array."""
    codes = _codes("".join(folded))
    lengths = np.array([len(text) for text in folded], np.int64)
    ends = np.cumsum(lengths)
    hashes = (_rolling(codes, SHINGLE_LENGTH) >> np.uint64(32)).astype(np.uint32)
    minima = _window_minima(hashes)
    return [
        _one(codes, hashes, minima, int(end - length), int(end))
        for end, length in zip(ends, lengths, strict=True)
    ]


def _window_minima(hashes: Fingerprint) -> Fingerprint:
    """Least hash of each window of `WINDOW` neighbours, by doubling."""
    minima, width = hashes, 1
    while width < WINDOW and len(minima):
        step = min(width, WINDOW - width)
        if len(minima) <= step:
            return np.zeros(0, np.uint32)
        minima = np.minimum(minima[:-step], minima[step:])
        width += step
    return minima


def _one(
    codes: NDArray[np.uint32], hashes: Fingerprint, minima: Fingerprint, start: int, end: int
) -> Fingerprint:
    count = end - start - SHINGLE_LENGTH + 1
    if end == start:
        return np.zeros(0, np.uint32)
    if count <= 0:
        whole = _rolling(codes[start:end], end - start)
        return np.asarray(whole >> np.uint64(32), np.uint32)
    if count <= ALL_BELOW:
        return np.unique(hashes[start : start + count])
    return np.unique(minima[start : start + count - WINDOW + 1])


def shared(first: NDArray[np.unsignedinteger], second: NDArray[np.unsignedinteger]) -> int:
    """Size of the intersection of two sorted arrays without repeats."""
    if not len(first) or not len(second):
        return 0
    both = np.concatenate((first, second))
    # Timsort merges the two sorted runs in one pass.
    both.sort(kind="stable")
    return int(np.count_nonzero(both[1:] == both[:-1]))


def placed_hashes(folded: Sequence[str], length: int) -> list[Hashes]:
    """Hashes of the shingles of several texts as they come, worked out over one array.

    Parameters
    ----------
    folded : sequence of str, length n
    length : int
        Characters of a shingle; a shorter text has none.

    Returns
    -------
    list of ndarray of uint64, length n
        As `rolling_hashes` gives them.
    """
    hashes = _rolling(_codes("".join(folded)), length)
    ends = np.cumsum([len(text) for text in folded]).tolist()
    return [
        hashes[end - len(text) : max(end - length + 1, end - len(text))]
        for end, text in zip(ends, folded, strict=True)
    ]


def resemblance(first: Hashes, second: Hashes) -> float:
    """Jaccard resemblance |A ∩ B| / |A ∪ B| of two sets of shingles; 0 when both are empty."""
    both = shared(first, second)
    union = len(first) + len(second) - both
    return both / union if union else 0.0


def containment(first: Hashes, second: Hashes) -> float:
    """Share of the smaller set that the larger one has; 0 when one is empty."""
    smaller = min(len(first), len(second))
    return shared(first, second) / smaller if smaller else 0.0


def coverage(first: Hashes, second: Hashes) -> float:
    """Share of the first set that the second one has; 0 when the first is empty."""
    return shared(first, second) / len(first) if len(first) else 0.0
