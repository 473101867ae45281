"""Folded texts → small sketches of fixed meaning, by which near-duplicates find each other.

Two sketches of each text are made over all of its character 5-grams at once, many texts in one
array. `minima` is a MinHash signature (Broder 1997) of 64 slots: eight rounds of one-permutation
hashing (Li, Owen and Zhang 2012) with eight bins each, so that a brief fills its bins as well as
a long report; bins that stay empty borrow as in optimal densification (Shrivastava 2017). The
share of equal slots estimates the resemblance. `samples` are all hashes below a fixed bound
(FracMinHash, Irber and others 2022): they tell how much of a short text a long one holds.

Pure: no files, no clock; the same text gives the same sketch wherever it stands.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from functools import lru_cache

import numpy as np
from numpy.typing import NDArray
from xxhash import xxh3_64_intdigest

from recommender.evidence import COMPARED_LENGTH, NEAR_EMPTY_LENGTH, RESEMBLANCE_LENGTH
from recommender.shingles import rolling_hashes

ROUNDS = 8
BINS = 8
SLOTS = ROUNDS * BINS
# One in eight hashes is kept: as dense as winnowing, and a brief of 60 characters keeps seven.
SAMPLED_BELOW = np.uint32(1 << 29)
_BEGINNING = 48
_EMPTY = np.uint32(0xFFFFFFFF)
# Odd, so that each round is another order of the same hashes.
_ORDERS = np.array(
    [
        0x9E3779B1, 0x85EBCA77, 0xC2B2AE3D, 0x27D4EB2F,
        0x165667B1, 0xD3A2646D, 0xFD7046C5, 0xB55A4F09,
    ],
    np.uint32,
)  # fmt: skip

Minima = NDArray[np.uint32]


@dataclass(frozen=True, slots=True, eq=False)
class Sketches:
    """Sketches of n texts, one behind the other.

    Attributes
    ----------
    minima : ndarray of uint32, shape (n, 64)
    lengths : ndarray of int32, shape (n,)
        Folded characters, at most 400,000.
    digests : ndarray of uint64, shape (n,)
        Equal for equal folded texts.
    beginnings : ndarray of uint64, shape (n,)
        Equal for texts whose first 48 folded characters are equal.
    sample_counts : ndarray of int32, shape (n,)
    samples : ndarray of uint32, shape (sum of sample_counts,)
        Of each text sorted, each once.
    """

    minima: Minima
    lengths: NDArray[np.int32]
    digests: NDArray[np.uint64]
    beginnings: NDArray[np.uint64]
    sample_counts: NDArray[np.int32]
    samples: NDArray[np.uint32]


def sketch_many(folded: Sequence[str]) -> Sketches:
    """Sketch several folded texts; those of fewer than 10 characters stay empty."""
    texts = [text[:COMPARED_LENGTH] if len(text) >= NEAR_EMPTY_LENGTH else "" for text in folded]
    count = len(texts)
    lengths = np.array([len(text) for text in texts], np.int64)
    hashes = (rolling_hashes("".join(texts), RESEMBLANCE_LENGTH) >> np.uint64(32)).astype(np.uint32)
    owners = np.repeat(np.arange(count, dtype=np.int32), lengths)[: len(hashes)]
    # A run that begins in one text and ends in the next belongs to neither.
    whole = np.ones(len(hashes), bool)
    for back in range(1, RESEMBLANCE_LENGTH):
        borders = np.cumsum(lengths)[:-1] - back
        whole[borders[(borders >= 0) & (borders < len(hashes))]] = False
    hashes, owners = hashes[whole], owners[whole]
    sampled = np.flatnonzero(hashes < SAMPLED_BELOW)
    keys = (owners[sampled].astype(np.uint64) << np.uint64(32)) | hashes[sampled]
    keys.sort()
    keys = keys[np.concatenate(([True], keys[1:] != keys[:-1]))[: len(keys)]]
    counts = np.bincount((keys >> np.uint64(32)).astype(np.int64), minlength=count)
    return Sketches(
        minima=_minima(hashes, owners, count),
        lengths=lengths.astype(np.int32),
        digests=text_digests(texts),
        beginnings=text_digests([text[:_BEGINNING] for text in texts]),
        sample_counts=counts.astype(np.int32),
        samples=keys.astype(np.uint32),
    )


def text_digests(texts: Sequence[str]) -> NDArray[np.uint64]:
    """8 bytes of each text as a number; 0 for an empty one."""
    found = (xxh3_64_intdigest(text.encode("utf-8", "replace")) if text else 0 for text in texts)
    return np.fromiter(found, np.uint64, len(texts))


def _minima(hashes: NDArray[np.uint32], owners: NDArray[np.int32], count: int) -> Minima:
    places = owners.astype(np.int64) * BINS + (hashes & np.uint32(BINS - 1)).astype(np.int64)
    minima = np.full((ROUNDS, count * BINS), _EMPTY, np.uint32)
    for round_minima, order in zip(minima, _ORDERS, strict=True):
        np.minimum.at(round_minima, places, hashes * order)
    slots = minima.reshape(ROUNDS, count, BINS).transpose(1, 0, 2).reshape(count, SLOTS)
    return _filled(np.ascontiguousarray(slots))


def _filled(minima: Minima) -> Minima:
    """Let empty slots borrow from one that is not: from which, the slot's number alone says."""
    empty = minima == _EMPTY
    some = np.flatnonzero(empty.any(axis=1) & ~empty.all(axis=1))
    if not len(some):
        return minima
    given, lacking = minima[some], empty[some]
    borrowed = given.copy()
    for lenders in _lenders():
        fits = lacking & (given[:, lenders] != _EMPTY)
        borrowed[fits] = given[:, lenders][fits]
        lacking &= ~fits
        if not lacking.any():
            break
    minima[some] = borrowed
    return minima


@lru_cache(maxsize=1)
def _lenders() -> NDArray[np.int64]:
    """Whom each slot asks first, second, …: shape (64, 64); each column holds every slot once."""
    generator = np.random.default_rng(5)
    return np.stack([generator.permutation(SLOTS) for _ in range(SLOTS)], axis=1)
