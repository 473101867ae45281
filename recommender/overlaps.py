"""How much of their texts many pairs of stored articles share, by exact counts of shingles.

The sets of shingles are made when they are first needed, and some thousand are kept: pairs
should come in an order in which one article is asked for again soon.
"""

from __future__ import annotations

from collections import OrderedDict
from collections.abc import Callable, Sequence
from itertools import pairwise

import numpy as np
from numpy.typing import NDArray

from recommender.evidence import COMPARED_LENGTH, CONTAINMENT_LENGTH, RESEMBLANCE_LENGTH
from recommender.shingles import Hashes, shared_by_all, shingle_hashes
from recommender.text import fold_many

_KEPT = 4_000
# Characters of texts.
_READ_AT_ONCE = 500_000

Sets = tuple[Hashes, Hashes]
Shares = NDArray[np.float64]


class Overlaps:
    """Exact resemblance and containment of pairs.

    Parameters
    ----------
    read : callable
        Gives the texts of some articles, without boilerplate, in their order.
    lengths : ndarray of int64, shape (n,)
        Folded characters of each article's text.
    """

    def __init__(
        self, read: Callable[[Sequence[int]], list[str]], lengths: NDArray[np.int64]
    ) -> None:
        self._read = read
        self._lengths = lengths
        self._kept: OrderedDict[int, Sets] = OrderedDict()

    def of(self, first: int, seconds: Sequence[int]) -> tuple[Shares, Shares]:
        """Resemblance and containment of an article and others, shapes (len(seconds),)."""
        sets = self._sets([first, *seconds])
        (ours, our_long), others = sets[0], sets[1:]
        both = shared_by_all(ours, [each for each, _ in others])
        long = shared_by_all(our_long, [each for _, each in others])
        union = np.array([len(each) for each, _ in others]) + len(ours) - both
        shorter = np.minimum([len(each) for _, each in others], len(our_long))
        return _shares(both, union), _shares(long, shorter)

    def _sets(self, articles: Sequence[int]) -> list[Sets]:
        missing = [each for each in articles if each not in self._kept]
        for chunk in _chunks(missing, self._lengths):
            for article, folded in zip(chunk, fold_many(self._read(chunk)), strict=True):
                self._kept[article] = (
                    shingle_hashes(folded[:COMPARED_LENGTH], RESEMBLANCE_LENGTH),
                    shingle_hashes(folded[:COMPARED_LENGTH], CONTAINMENT_LENGTH),
                )
        found = [self._kept[each] for each in articles]
        for each in articles:
            self._kept.move_to_end(each)
        while len(self._kept) > _KEPT:
            self._kept.popitem(last=False)
        return found


def _shares(parts: NDArray[np.int64], wholes: NDArray[np.int64]) -> Shares:
    return np.asarray(parts / np.maximum(wholes, 1))


def _chunks(articles: Sequence[int], lengths: NDArray[np.int64]) -> list[Sequence[int]]:
    """The articles in parts whose texts fit well into memory."""
    ends = np.cumsum(lengths[np.asarray(articles, np.int64)])
    cuts = np.flatnonzero(np.diff(ends // _READ_AT_ONCE, prepend=0)).tolist()
    bounds = sorted({0, *cuts, len(articles)})
    return [articles[start:end] for start, end in pairwise(bounds)]
