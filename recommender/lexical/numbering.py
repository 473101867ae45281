"""All articles of a run as numbers, in the order of their ids, and the pairs among them.

Texts that are equal once folded stand for each other in the join; here they are put together
before it and taken apart after it.
"""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from dataclasses import dataclass, field
from pathlib import Path

import numpy as np
from numpy.typing import NDArray

from recommender.lexical.joining import Keys, Ordinals, of_keys, pair_key, ranges
from recommender.lexical.sketching import SLOTS

# Equal texts up to so many are listed as all pairs, and crossed with what is near them.
EQUAL_LISTED = 16
EQUAL_CROSSED = 64
_GENERIC_COUNT = 5
_PROPAGATIONS = 8


@dataclass(slots=True, eq=False)
class Numbers:
    """Of all articles, in the order of their ids, one number each; shape (n,)."""

    offsets: NDArray[np.int64]
    sizes: NDArray[np.int32]
    days: NDArray[np.int32]
    titles: NDArray[np.uint64]
    beginnings: NDArray[np.uint64]
    digests: NDArray[np.uint64]
    lengths: NDArray[np.int32]
    # Where each article of each part stands in that order; -1 for one that another id's wins over.
    ranks: list[NDArray[np.int64]] = field(default_factory=list)

    def places(self, chosen: Iterable[int]) -> list[tuple[int, int]]:
        """Offset and size of the line of each chosen article."""
        return [(int(self.offsets[each]), int(self.sizes[each])) for each in chosen]


def one_of_each_generic_title(numbers: Numbers) -> list[int]:
    """One article of each title that heads at least five bodies which begin differently."""
    both = np.stack((numbers.titles, numbers.beginnings), axis=1)[numbers.titles != 0]
    titles, counts = np.unique(np.unique(both, axis=0)[:, 0], return_counts=True)
    wanted = titles[counts >= _GENERIC_COUNT]
    found, first = np.unique(numbers.titles, return_index=True)
    return [int(each) for each in first[np.isin(found, wanted)]]


def load_sketches(
    parts: Sequence[Path], numbers: Numbers, texts: Ordinals
) -> tuple[NDArray[np.uint32], NDArray[np.uint32], Ordinals]:
    """Signatures, samples and how many samples each has, of the different texts alone."""
    number_of = np.full(len(numbers.offsets), -1)
    number_of[texts] = np.arange(len(texts))
    minima = np.zeros((len(texts), SLOTS), np.uint32)
    counts = np.zeros(len(texts), np.int64)
    chosen = []
    for path, ranks in zip(parts, numbers.ranks, strict=True):
        number = np.where(ranks >= 0, number_of[ranks], -1)
        chosen.append((path, np.flatnonzero(number >= 0), number[number >= 0]))
        with np.load(path) as part:
            minima[chosen[-1][2]] = part["minima"][chosen[-1][1]]
            counts[chosen[-1][2]] = part["sample_counts"][chosen[-1][1]]
    starts = np.cumsum(counts) - counts
    samples = np.zeros(int(counts.sum()), np.uint32)
    for path, places, number in chosen:
        with np.load(path) as part:
            own = part["sample_counts"].astype(np.int64)
            taken = part["samples"][ranges((np.cumsum(own) - own)[places], own[places])]
        samples[ranges(starts[number], counts[number])] = taken
    return minima, samples, counts


def with_equals(keys: Keys, there: Ordinals, member_of: Ordinals, count: int) -> Keys:
    """Pairs of texts → pairs of articles, and those of articles with equal texts.

    Parameters
    ----------
    keys : ndarray of uint64
        Pairs of texts.
    there, member_of : ndarray of int64, shape (n,)
        Number of each article that has a text, rising, and of its text.
    count : int
        Texts.
    """
    by_text = np.argsort(member_of, kind="stable")
    members, sizes = there[by_text], np.bincount(member_of, minlength=count)
    starts = np.cumsum(sizes) - sizes
    first, second = of_keys(keys)
    # Small classes are crossed; of large ones the first stands for all.
    few = sizes[first] * sizes[second] <= EQUAL_CROSSED
    across = np.where(few, sizes[second], 1)
    down = np.where(few, sizes[first], 1)
    total = across * down
    inside = ranges(np.zeros_like(total), total)
    across, pair = np.repeat(across, total), np.repeat(np.arange(len(total)), total)
    found = [
        pair_key(
            members[starts[first[pair]] + inside // across],
            members[starts[second[pair]] + inside % across],
        )
    ]
    for text in np.flatnonzero((sizes > 1) & (sizes <= EQUAL_LISTED)):
        equal = members[starts[text] : starts[text] + sizes[text]]
        one, other = np.triu_indices(len(equal), 1)
        found.append(pair_key(equal[one], equal[other]))
    many = np.flatnonzero(sizes > EQUAL_LISTED)
    others = members[ranges(starts[many] + 1, sizes[many] - 1)]
    found.append(pair_key(np.repeat(members[starts[many]], sizes[many] - 1), others))
    return np.unique(np.concatenate(found))


def neighbours_first(first: Ordinals, second: Ordinals, count: int) -> Ordinals:
    """An order that keeps pairs with common articles together, so that few are read twice."""
    labels = np.arange(count)
    for _ in range(_PROPAGATIONS):
        before = labels.copy()
        least = np.minimum(labels[first], labels[second])
        np.minimum.at(labels, first, least)
        np.minimum.at(labels, second, least)
        if np.array_equal(before, labels):
            break
    return np.lexsort((second, first, labels[first]))
