"""Sketches → pairs of texts that may be near-duplicates, in time that grows with the texts.

*Near texts* (resemblance) are found by banding: slots of the signature go into groups of four,
and two texts with two equal slots in one group meet, 96 keys a text. Of 16 groups that all
stay below two, at resemblance J, the chance is ((1-J)^4 + 4 J (1-J)^3)^16: 0.1 % at 0.30 and
0.01 % at 0.35. Texts that share one sentence in twenty meet by the thousand-fold less than in
a join of single hashes. Those that meet must have as many equal slots as 99.8 % of the pairs at
the wanted resemblance have.

*Contained texts* share sampled hashes; lists of hashes that very many texts carry are left out,
so that the number of pairs looked at stays within a budget for each text.

Texts are numbered by the order of their ids, and where a key is carried by hundreds of them,
each is paired with the few of the smallest numbers only: a star, not all pairs (`thinned` says
what stays). The order of the input never shows. Pure.
"""

from __future__ import annotations

import math
from collections.abc import Iterator
from itertools import combinations

import numpy as np
from numpy.typing import NDArray

from recommender.lexical.sketching import SLOTS, Minima

Ordinals = NDArray[np.int64]
Keys = NDArray[np.uint64]

MOST_PARTNERS = 400
CENTRES = 8
_GROUP = 4
# So many standard deviations below the expected number of equal slots a pair may lie.
_DEVIATIONS = 2.9
_AT_ONCE = 2_000_000
_LOOKED_AT = 20_000
_LIMITS = (MOST_PARTNERS, 200, 100, 50, 32)
_PAIRS_PER_TEXT = 16
_LEAST_BUDGET = 500_000
_PARTNERS_PER_TEXT = 16
_LEAST_PAIRS = 200_000
_COMPACT_AT = 8_000_000
_LOW = np.uint64(0xFFFFFFFF)
_HALF = np.uint64(32)
_MIX = np.uint64(0x9E3779B97F4A7C15)
_MIX_TWO = np.uint64(0xBF58476D1CE4E5B9)

# Contained texts.
_CARRIERS = (64, 32, 16, 8, 4)
_EVENTS_PER_TEXT = 32
_SORTED_AT_ONCE = 8_000_000
_LENGTH_RATIO = 0.5
_LEAST_SHARED = 3
_LEAST_SHARE = 0.5
_LEAST_USEFUL = 0.25


def pair_key(first: Ordinals, second: Ordinals) -> Keys:
    """Two ordinals as one number, the smaller in the upper half."""
    low, high = np.minimum(first, second), np.maximum(first, second)
    return np.asarray((low.astype(np.uint64) << _HALF) | high.astype(np.uint64))


def of_keys(keys: Keys) -> tuple[Ordinals, Ordinals]:
    """The ordinals of `pair_key`, the smaller first."""
    return (keys >> _HALF).astype(np.int64), (keys & _LOW).astype(np.int64)


def least_equal_slots(resemblance: float) -> int:
    """How many equal slots all but about 0.2 % of the pairs of this resemblance have."""
    expected = SLOTS * resemblance
    spread = math.sqrt(SLOTS * resemblance * (1 - resemblance))
    return max(2, math.floor(expected - _DEVIATIONS * spread))


def near_texts(minima: Minima, *, min_resemblance: float) -> Iterator[Keys]:
    """Pairs of texts whose signatures are as alike as `min_resemblance` asks.

    Parameters
    ----------
    minima : ndarray of uint32, shape (n, 64)
        Of different texts, in the order of their ordinals.
    min_resemblance : float

    Yields
    ------
    ndarray of uint64
        After each of the 16 groups, pairs found in it; one pair may come several times.
    """
    wanted = least_equal_slots(min_resemblance)
    for start in range(0, SLOTS, _GROUP):
        found = []
        for one, other in combinations(range(start, start + _GROUP), 2):
            for first, second in _meeting(minima[:, one], minima[:, other]):
                equal = np.count_nonzero(minima[first] == minima[second], axis=1)
                near = equal >= wanted
                found.append(pair_key(first[near], second[near]))
        yield np.unique(np.concatenate([*found, np.zeros(0, np.uint64)]))


def gathered(parts: Iterator[Keys]) -> Keys:
    """All keys of several arrays, sorted, each once; never much more in memory than that."""
    kept, size = [np.zeros(0, np.uint64)], 0
    for part in parts:
        kept.append(part)
        size += len(part)
        if size > _COMPACT_AT:
            kept, size = [np.unique(np.concatenate(kept))], 0
    return np.unique(np.concatenate(kept))


def thinned(keys: Keys, count: int) -> Keys:
    """Pairs without the crowds: a text with very many partners keeps those of smallest ordinal.

    Five thousand versions of one text are twelve million pairs. A pair stays where neither text
    has more than `MOST_PARTNERS` partners (fewer, if that would be too many pairs in all), or
    where the smaller ordinal is among the `CENTRES` smallest partners of the other.

    Parameters
    ----------
    keys : ndarray of uint64
        Sorted, each once.
    count : int
        Texts.
    """
    first, second = of_keys(keys)
    partners = np.bincount(first, minlength=count) + np.bincount(second, minlength=count)
    crowd = np.maximum(partners[first], partners[second])
    budget = max(_PARTNERS_PER_TEXT * count, _LEAST_PAIRS)
    most = next((one for one in _LIMITS if int((crowd <= one).sum()) <= budget), _LIMITS[-1])
    order = np.lexsort((first, second))
    begins, sizes = _runs(second[order].astype(np.uint64))
    rank = np.empty(len(keys), np.int64)
    rank[order] = np.arange(len(keys)) - np.repeat(begins, sizes)
    return np.asarray(keys[(crowd <= most) | (rank < CENTRES)])


def enough_in_common(
    keys: Keys,
    samples: NDArray[np.uint32],
    counts: Ordinals,
    *,
    min_resemblance: float,
) -> Keys:
    """Of pairs those whose samples are as alike as `min_resemblance` asks.

    A text has more samples than slots, as a rule: a second look that is sharper than the first.

    Parameters
    ----------
    keys : ndarray of uint64
    samples : ndarray of uint32, shape (m,)
    counts : ndarray of int64, shape (n,)
        As for `contained_texts`.
    min_resemblance : float
    """
    starts = np.cumsum(counts) - counts
    kept = []
    for begin in range(0, len(keys), _LOOKED_AT):
        first, second = of_keys(keys[begin : begin + _LOOKED_AT])
        both = np.zeros(len(first), np.int64)
        together = np.concatenate(
            [
                (np.repeat(np.arange(len(ends)), counts[ends]).astype(np.uint64) << _HALF)
                | samples[ranges(starts[ends], counts[ends])]
                for ends in (first, second)
            ]
        )
        together.sort()
        twice = together[1:][together[1:] == together[:-1]]
        both += np.bincount((twice >> _HALF).astype(np.int64), minlength=len(first))
        union = counts[first] + counts[second] - both
        spread = np.sqrt(union * min_resemblance * (1 - min_resemblance))
        kept.append(both >= np.floor(union * min_resemblance - _DEVIATIONS * spread))
    return np.asarray(keys[np.concatenate([*kept, np.zeros(0, bool)])])


def _meeting(
    one: NDArray[np.uint32], other: NDArray[np.uint32]
) -> Iterator[tuple[Ordinals, Ordinals]]:
    """Texts that have both slots in common, the smaller ordinal first."""
    count = len(one)
    if count < 2:
        return
    bits = np.uint64(max(1, (count - 1).bit_length()))
    mixed = ((one.astype(np.uint64) << _HALF) | other.astype(np.uint64)) * _MIX
    mixed ^= mixed >> np.uint64(29)
    mixed *= _MIX_TWO
    # Key and ordinal in one number: one sort in place does for both.
    mixed &= ~((np.uint64(1) << bits) - np.uint64(1))
    mixed |= np.arange(count, dtype=np.uint64)
    mixed.sort()
    keys = mixed >> bits
    same = keys[1:] == keys[:-1]
    inside = np.concatenate(([False], same)) | np.concatenate((same, [False]))
    texts = (mixed[inside] & ((np.uint64(1) << bits) - np.uint64(1))).astype(np.int64)
    begins, sizes = _runs(keys[inside])
    limit = _limit(sizes, _PAIRS_PER_TEXT * count, _LIMITS)
    yield from _joined(texts, begins, sizes, limit)


def _runs(keys: NDArray[np.unsignedinteger]) -> tuple[Ordinals, Ordinals]:
    """Where each run of equal values begins, and how long it is."""
    begins = np.flatnonzero(np.concatenate(([True], keys[1:] != keys[:-1]))[: len(keys)])
    return begins, np.diff(np.append(begins, len(keys)))


def _limit(sizes: Ordinals, budget: int, limits: tuple[int, ...]) -> int:
    """The largest of the limits that makes no more pairs than the budget, else the smallest."""
    pairs = sizes * (sizes - 1) // 2
    for limit in limits:
        if int(pairs[sizes <= limit].sum()) <= max(budget, _LEAST_BUDGET):
            return limit
    return limits[-1]


def _joined(
    texts: Ordinals, begins: Ordinals, sizes: Ordinals, limit: int
) -> Iterator[tuple[Ordinals, Ordinals]]:
    """Pairs inside runs: all of them, or of a long run those with its first `CENTRES`."""
    places = ranges(begins, sizes)
    rank = np.arange(len(places)) - np.repeat(np.cumsum(sizes) - sizes, sizes)
    after = np.repeat(sizes, sizes) - rank - 1
    after[(rank >= CENTRES) & np.repeat(sizes > limit, sizes)] = 0
    done = np.cumsum(after)
    start = 0
    while start < len(places):
        before = int(done[start - 1]) if start else 0
        end = max(start + 1, int(np.searchsorted(done, before + _AT_ONCE, side="right")))
        counts = after[start:end]
        first = np.repeat(texts[places[start:end]], counts)
        yield first, texts[ranges(places[start:end] + 1, counts)]
        start = end


def ranges(starts: Ordinals, counts: Ordinals) -> Ordinals:
    """The numbers start, start + 1, … of several ranges, one after another."""
    total = int(counts.sum())
    if not total:
        return np.zeros(0, np.int64)
    offsets = np.repeat(starts - np.concatenate(([0], np.cumsum(counts)[:-1])), counts)
    return np.arange(total, dtype=np.int64) + offsets


def contained_texts(
    samples: NDArray[np.uint32],
    counts: Ordinals,
    lengths: NDArray[np.int32],
    *,
    min_length: int,
) -> Keys:
    """Pairs where a text of at most half the length may be contained in the other.

    Parameters
    ----------
    samples : ndarray of uint32, shape (m,)
        Of one text after another.
    counts : ndarray of int64, shape (n,)
        How many each text has.
    lengths : ndarray of int32, shape (n,)
    min_length : int
        Shorter texts are in no pair.

    Returns
    -------
    ndarray of uint64
        Sorted, each once.
    """
    owners = np.repeat(np.arange(len(counts), dtype=np.uint32), counts)
    useful = np.zeros(len(lengths), np.int64)
    events = []
    parts = max(1, -(-len(samples) // _SORTED_AT_ONCE))
    for part in range(parts):
        bounds = (np.array([part, part + 1], np.int64) << 29) // parts
        chosen = (samples >= bounds[0]) & (samples < bounds[1])
        keys = (samples[chosen].astype(np.uint64) << _HALF) | owners[chosen]
        keys.sort()
        texts = (keys & _LOW).astype(np.int64)
        begins, sizes = _runs((keys >> _HALF).astype(np.uint32))
        limit = _limit(sizes, _EVENTS_PER_TEXT * len(lengths) // parts, _CARRIERS)
        few = sizes <= limit
        useful += np.bincount(texts[ranges(begins[few], sizes[few])], minlength=len(lengths))
        shared = few & (sizes > 1)
        for first, second in _joined(texts, begins[shared], sizes[shared], limit):
            short = np.minimum(lengths[first], lengths[second])
            uneven = short <= _LENGTH_RATIO * np.maximum(lengths[first], lengths[second])
            uneven &= short >= min_length
            events.append(pair_key(first[uneven], second[uneven]))
    every = np.concatenate([*events, np.zeros(0, np.uint64)])
    keys, common = np.unique(every, return_counts=True)
    first, second = of_keys(keys)
    shorter = np.where(lengths[first] <= lengths[second], first, second)
    sampled = counts[shorter]
    enough = common >= np.maximum(_LEAST_SHARED, _LEAST_SHARE * useful[shorter])
    return np.asarray(keys[enough & (useful[shorter] >= _LEAST_USEFUL * sampled)])
