"""Centring: raw embeddings → vectors whose background lies at 0, language by language.

Embeddings of one model share a large common part, so that any two articles look alike; taking
off the mean vector puts random pairs at a cosine of 0 ("all-but-the-top", Mu and Viswanath
2018). It must be the mean of the article's language, and in a small index it is shrunk towards
a prior that ships with the model, so that ten articles behave like ten thousand.
"""

from __future__ import annotations

import base64
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np
from numpy.typing import NDArray

Vectors = NDArray[np.float32]

PRIOR_STRENGTH = 100.0
# A language of fewer articles without a prior of its own is centred like all the others.
_FEWEST = 30
_OTHER = ""
_DRIFT_PAIRS = 20_000
# Rows that are worked on at once: of a large index all of them take room several times over.
_BLOCK = 2_048


@dataclass(frozen=True, slots=True)
class Centres:
    """Mean vectors by language; the one of "" serves every other language.

    Parameters
    ----------
    vectors : mapping of str to ndarray of float32, shape (dimension,)
    counts : mapping of str to int
        Articles each was fitted on.
    """

    vectors: Mapping[str, NDArray[np.float32]]
    counts: Mapping[str, int]

    @classmethod
    def fit(
        cls,
        vectors: NDArray[np.floating],
        languages: Sequence[str],
        *,
        priors: Mapping[str, NDArray[np.float32]],
        other: NDArray[np.float32] | None,
        strength: float = PRIOR_STRENGTH,
    ) -> Centres:
        """Centres of a corpus: (n · mean + strength · prior) / (n + strength) for each language.

        Parameters
        ----------
        vectors : ndarray, shape (n, dimension)
            Raw unit vectors.
        languages : sequence of str, length n
        priors : mapping of str to ndarray, shape (dimension,)
            Background of the model by language; may be empty.
        other : ndarray, shape (dimension,), or None
            Background over all languages.
        strength : float
            Articles that a prior counts for.
        """
        codes = np.asarray(languages, dtype=object)
        overall = _shrunk(vectors, other, strength)
        fitted: dict[str, NDArray[np.float32]] = {_OTHER: overall.astype(np.float32)}
        counts = {_OTHER: len(vectors)}
        for language in sorted(set(languages) | set(priors)):
            own = vectors[codes == language] if len(vectors) else vectors
            prior = priors.get(language)
            if not language or (prior is None and len(own) < _FEWEST):
                continue
            if prior is None:
                prior = fitted[_OTHER] if other is not None else None
            fitted[language] = _shrunk(own, prior, strength).astype(np.float32)
            counts[language] = len(own)
        return cls(fitted, counts)

    def apply(self, vectors: NDArray[np.floating], languages: Sequence[str]) -> Vectors:
        """Take off each vector's centre and make it a unit vector again.

        Parameters
        ----------
        vectors : ndarray, shape (n, dimension)
            Raw unit vectors.
        languages : sequence of str, length n

        Returns
        -------
        ndarray of float32, shape (n, dimension)
            Unit rows; a row that equals its centre, or is zero, is zero.
        """
        other = self.vectors[_OTHER]
        if not len(vectors):
            return np.zeros((0, len(other)), np.float32)
        names = sorted(set(languages))
        table = np.stack([self.vectors.get(name, other) for name in names])
        places = {name: place for place, name in enumerate(names)}
        which = np.fromiter((places[name] for name in languages), np.int64, len(languages))
        centred = np.empty(vectors.shape, np.float32)
        for start in range(0, len(vectors), _BLOCK):
            block = slice(start, start + _BLOCK)
            centred[block] = _centred(vectors[block].astype(np.float32), table[which[block]])
        return centred

    def drift(self, vectors: NDArray[np.floating], languages: Sequence[str]) -> float:
        """Mean cosine of random pairs of one language: about 0 while the centres fit.

        Returns 0 where there are too few articles to say.
        """
        codes = np.asarray(languages, dtype=object)
        generator = np.random.default_rng(0)
        values: list[NDArray[np.float64]] = []
        for language in sorted(set(languages)):
            own = self.apply(
                vectors[codes == language], [language] * int((codes == language).sum())
            )
            if len(own) < _FEWEST:
                continue
            first, second = generator.integers(0, len(own), (2, _DRIFT_PAIRS))
            different = first != second
            first, second = first[different], second[different]
            values.append(np.einsum("nd,nd->n", own[first], own[second], dtype=np.float64))
        return float(np.concatenate(values).mean()) if values else 0.0

    def to_dict(self) -> dict[str, Any]:
        """The centres as JSON values, exact to the bit."""
        return {
            language: {
                "count": self.counts[language],
                "vector": base64.b64encode(vector.astype("<f4").tobytes()).decode(),
            }
            for language, vector in sorted(self.vectors.items())
        }

    @classmethod
    def from_dict(cls, data: Mapping[str, Any]) -> Centres:
        """Read what `to_dict` wrote."""
        return cls(
            {
                language: np.frombuffer(base64.b64decode(each["vector"]), "<f4").astype(np.float32)
                for language, each in data.items()
            },
            {language: int(each["count"]) for language, each in data.items()},
        )


def _centred(raw: Vectors, centres: NDArray[np.float32]) -> Vectors:
    centred = raw - centres
    centred[~raw.any(axis=1)] = 0.0
    norms = np.sqrt(np.einsum("nd,nd->n", centred, centred, dtype=np.float64))
    safe = np.where(norms > 1e-6, norms, 1.0)
    centred /= safe[:, None].astype(np.float32)
    centred[norms <= 1e-6] = 0.0
    return np.asarray(centred, np.float32)


def _shrunk(
    vectors: NDArray[np.floating], prior: NDArray[np.float32] | None, strength: float
) -> NDArray[np.float64]:
    # Sums of numbers of 16 bits are exact in 64, so that neither blocks nor order show.
    total = np.zeros(vectors.shape[1])
    for start in range(0, len(vectors), _BLOCK):
        total += vectors[start : start + _BLOCK].sum(axis=0, dtype=np.float64)
    if prior is None:
        return np.asarray(total / max(len(vectors), 1))
    return np.asarray((total + strength * prior.astype(np.float64)) / (len(vectors) + strength))
