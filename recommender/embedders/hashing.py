"""An embedder without a model: hashed character n-grams, for tests and quick trials.

Similar texts get similar vectors because they share n-grams, nothing more: it knows no
synonyms, no other languages and no stories in other words.
"""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np
from numpy.typing import NDArray

from recommender.embedders.base import EmbedderIdentity, Vectors, check_vectors
from recommender.text import fold

_VERSION = "hashing-1"
_LENGTHS = (1, 2, 3)
# Odd constants of 64 bits (Steele, Lea and Flood 2014, SplitMix64): spread, not secrecy.
_STEP = np.uint64(0x9E3779B97F4A7C15)
_MIX = (np.uint64(0xBF58476D1CE4E5B9), np.uint64(0x94D049BB133111EB))
_MOST_TOKENS = 8192


class HashingEmbedder:
    """Signed feature hashing of character n-grams (Weinberger et al. 2009), counts damped.

    Parameters
    ----------
    dimension : int
    max_tokens : int
        Folded characters that are read.
    """

    def __init__(self, *, dimension: int = 256, max_tokens: int = 400) -> None:
        self._identity = EmbedderIdentity(
            name="hashing",
            source="built in",
            fingerprint=f"{_VERSION}-{dimension}",
            dimension=dimension,
            prompt="",
            max_tokens=min(max_tokens, _MOST_TOKENS),
        )

    @property
    def identity(self) -> EmbedderIdentity:
        """What the vectors depend on."""
        return self._identity

    def embed(self, texts: Sequence[str]) -> Vectors:
        """Embed texts; see `Embedder.embed`."""
        dimension = self._identity.dimension
        rows = np.zeros((len(texts), dimension))
        for row, text in zip(rows, texts, strict=True):
            row[:] = self._one(fold(text)[: self._identity.max_tokens], dimension)
        return check_vectors(rows, count=len(texts), dimension=dimension)

    @staticmethod
    def _one(folded: str, dimension: int) -> NDArray[np.float64]:
        points = np.frombuffer(folded.encode("utf-32-le", "replace"), "<u4").astype(np.uint64)
        vector = np.zeros(dimension)
        for length in _LENGTHS:
            if len(points) < length:
                break
            hashes = np.full(len(points) - length + 1, length, np.uint64)
            for offset in range(length):
                hashes = _mixed(hashes + points[offset : len(points) - length + 1 + offset])
            grams, counts = np.unique(hashes, return_counts=True)
            signs = np.where(grams >> np.uint64(63), 1.0, -1.0)
            places = (grams % np.uint64(dimension)).astype(np.int64)
            np.add.at(vector, places, signs * np.sqrt(counts))
        if not vector.any():
            # Nothing is left of a text of signs only; all of those are alike.
            vector[0] = 1.0
        return vector


def _mixed(values: NDArray[np.uint64]) -> NDArray[np.uint64]:
    values = values + _STEP
    values = (values ^ (values >> np.uint64(30))) * _MIX[0]
    values = (values ^ (values >> np.uint64(27))) * _MIX[1]
    return np.asarray(values ^ (values >> np.uint64(31)))
