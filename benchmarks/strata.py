"""From which kinds of pairs zh_gold was drawn, and how many of each kind its articles hold.

The graded pairs were drawn by stratum, hard ones far oftener than they come. To say what share
of the pairs at a similarity is of a grade among all pairs of a collection, each graded pair must
count for the pairs of its stratum. The population here is all pairs of the articles that
zh_gold ships (articles and more_articles): its articles were themselves chosen for having near
ones, so that copies are commoner than in a day's news.

The strata's names: J is the resemblance of the bodies (character 5-grams), cont the containment
of the shorter (character 5-grams), cos the cosine of a static embedding. The embedding that
served for the drawing is not to be had; the one of `benchmarks.static_model`, centred over these
articles, comes within a few hundredths of what the names say. Strata by containment and by
resemblance overlap, so graded pairs are sorted again, by the same measured values as all pairs
(post-stratification).
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from itertools import pairwise

import numpy as np
from model2vec import StaticModel
from numpy.typing import NDArray
from scipy.sparse import csr_array

from recommender.records import Article
from recommender.shingles import shingle_hashes
from recommender.text import clean, fold_many

LENGTH = 5
RANDOM = "rand"
CONTAINED = "cont>=.5,J<.3"
# Lower borders of the strata by resemblance, and by cosine below the least of those.
BY_RESEMBLANCE = {"J.08-.2": 0.08, "J.2-.4": 0.2, "J.4-.7": 0.4, "J>=.7": 0.7}
BY_COSINE = {
    "J<.08 cos.6-.8": 0.6,
    "J<.08 cos.8-.9": 0.8,
    "J<.08 cos.9-.95": 0.9,
    "J<.08 cos>=.95": 0.95,
}


@dataclass(frozen=True, slots=True)
class Likeness:
    """All pairs of some articles; each array has shape (n, n) and is symmetric."""

    ids: list[str]
    resemblance: NDArray[np.float64]
    containment: NDArray[np.float64]
    cosine: NDArray[np.float64]

    @classmethod
    def of(cls, articles: Mapping[str, Article], model: StaticModel) -> Likeness:
        """Compare every article with every other, exactly."""
        ids = sorted(articles)
        bodies = [clean(articles[each].body) for each in ids]
        hashes = [shingle_hashes(text, LENGTH) for text in fold_many(bodies)]
        counts = np.array([len(each) for each in hashes])
        _, columns = np.unique(np.concatenate(hashes), return_inverse=True)
        rows = np.repeat(np.arange(len(ids)), counts)
        matrix = csr_array((np.ones(len(rows), np.int32), (rows, columns)))
        both = (matrix @ matrix.T).toarray().astype(np.float64)
        union = counts[:, None] + counts[None, :] - both
        shorter = np.minimum(counts[:, None], counts[None, :])
        vectors = model.encode(bodies).astype(np.float64)
        vectors -= vectors.mean(axis=0)
        vectors /= np.linalg.norm(vectors, axis=1, keepdims=True)
        return cls(
            ids, both / np.maximum(union, 1), both / np.maximum(shorter, 1), vectors @ vectors.T
        )

    def strata(self) -> NDArray[np.str_]:
        """The stratum each pair of articles falls into, shape (n, n)."""
        found = np.full(self.resemblance.shape, RANDOM, dtype="U20")
        _name(found, self.cosine, BY_COSINE)
        _name(found, self.resemblance, BY_RESEMBLANCE)
        found[(self.containment >= 0.5) & (self.resemblance < 0.3)] = CONTAINED
        return found

    def strata_of(self, pairs: Sequence[tuple[str, str]]) -> list[str]:
        """The strata of some pairs."""
        place = {each: number for number, each in enumerate(self.ids)}
        every = self.strata()
        return [str(every[place[a], place[b]]) for a, b in pairs]

    def natural_sizes(self) -> dict[str, int]:
        """How many pairs of different articles fall into each stratum."""
        upper = np.triu_indices(len(self.ids), 1)
        names, counts = np.unique(self.strata()[upper], return_counts=True)
        return {str(name): int(count) for name, count in zip(names, counts, strict=True)}


def _name(
    found: NDArray[np.str_], values: NDArray[np.float64], lowest: Mapping[str, float]
) -> None:
    borders = [*lowest.values(), np.inf]
    for name, (low, high) in zip(lowest, pairwise(borders), strict=True):
        found[(values >= low) & (values < high)] = name


def weights(own: Sequence[str], sizes: Mapping[str, int]) -> NDArray[np.float64]:
    """How many pairs of the population each graded pair stands for.

    Parameters
    ----------
    own : sequence of str, length n
        The stratum of each graded pair, measured.
    sizes : mapping of str to int
        Pairs of the population in each stratum.
    """
    drawn = Counter(own)
    return np.array([sizes[name] / drawn[name] for name in own])
