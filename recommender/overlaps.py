"""How much of their texts many pairs of stored articles share, by exact counts of shingles.

The hashes of all shingles wait on disk, in the order of the texts; of some thousand articles
they are in memory. Pairs should come in an order in which one article is asked for again soon.
"""

from __future__ import annotations

from array import array
from collections import OrderedDict
from collections.abc import Sequence
from pathlib import Path
from typing import NamedTuple

import numpy as np
from numpy.typing import NDArray

from recommender.closing import Closing
from recommender.evidence import CONTAINMENT_LENGTH, RESEMBLANCE_LENGTH
from recommender.shingles import Hashes, placed_hashes
from recommender.spooling import SpooledArrays

# Shingles whose hashes are in memory, 24 bytes each: of some thousand articles.
_KEPT = 2_000_000
_LONGER = CONTAINMENT_LENGTH - RESEMBLANCE_LENGTH
_SLOT_BITS = 16
_SLOT_SHIFT = np.uint64(64 - _SLOT_BITS)

Shares = NDArray[np.float64]
Counts = NDArray[np.int64]


class _Hashed(NamedTuple):
    """The shingles of one article in the order of its text.

    A hash falls on a slot, told by its upper bits: most of another text fall on slots that none
    of ours falls on, and are looked at no further.
    """

    slots: NDArray[np.intp]
    short: Hashes
    long: Hashes

    @classmethod
    def of(cls, hashes: Hashes) -> _Hashed:
        return cls((hashes[0] >> _SLOT_SHIFT).astype(np.intp), hashes[0], hashes[1])


class Overlaps(Closing):
    """Exact resemblance and containment of pairs of articles.

    Parameters
    ----------
    folder : Path
        Where there is room for the hashes.
    """

    def __init__(self, folder: Path) -> None:
        self._hashes = SpooledArrays(folder, np.uint64)
        self._kinds = array("q")
        self._kept: OrderedDict[int, _Hashed] = OrderedDict()
        self._size = 0
        self._taken = np.zeros(1 << _SLOT_BITS, bool)

    def add(self, folded: Sequence[str]) -> None:
        """Take in the folded texts of the articles that come next."""
        for short, long in zip(
            placed_hashes(folded, RESEMBLANCE_LENGTH),
            placed_hashes(folded, CONTAINMENT_LENGTH),
            strict=True,
        ):
            self._kinds += array("q", (_distinct(short), _distinct(long)))
            # The longer shingles beside the shorter ones that begin where they do.
            both = np.zeros((2, len(short)), np.uint64)
            both[0], both[1, : len(long)] = short, long
            self._hashes.append(both)

    def finish(self) -> None:
        """To be called when all are there, before the first question."""
        self._hashes.finish()

    def close(self) -> None:
        """Give the room back."""
        self._hashes.close()

    def of(self, first: int, seconds: Sequence[int]) -> tuple[Shares, Shares]:
        """Resemblance and containment of an article and others, shapes (len(seconds),).

        All of at least `CONTAINMENT_LENGTH` characters.
        """
        own, *others = self._read([first, *seconds])
        short, long = self._shared(own, others)
        kinds = np.frombuffer(self._kinds, np.int64).reshape(-1, 2)
        (own_short, own_long), theirs = kinds[first], kinds[seconds]
        return (
            short / (theirs[:, 0] + own_short - short),
            long / np.minimum(theirs[:, 1], own_long),
        )

    def _read(self, articles: Sequence[int]) -> list[_Hashed]:
        found = []
        for each in articles:
            if each in self._kept:
                self._kept.move_to_end(each)
            else:
                self._kept[each] = _Hashed.of(self._hashes[each].reshape(2, -1))
                self._size += len(self._kept[each].slots)
            found.append(self._kept[each])
        while self._size > _KEPT:
            self._size -= len(self._kept.popitem(last=False)[1].slots)
        return found

    def _shared(self, own: _Hashed, others: Sequence[_Hashed]) -> tuple[Counts, Counts]:
        """How many different shingles of either length each of the others shares."""
        ends = np.cumsum([len(each.slots) for each in others])
        self._taken[own.slots] = True
        places = np.flatnonzero(self._taken.take(np.concatenate([x.slots for x in others])))
        self._taken[own.slots] = False
        every = np.concatenate([each.short for each in others])
        sorted_own = np.sort(own.short)
        hits = _found(every[places], sorted_own)
        there = hits >= 0
        places, hits = places[there], hits[there]
        owners = np.searchsorted(ends, places, side="right")
        short = _count(owners, hits, len(others), len(sorted_own))
        # A longer shingle is shared only where all shorter ones inside it are.
        last = places[_LONGER:]
        whole = np.flatnonzero(last - places[: len(last)] == _LONGER)
        begins, owners = places[whole], owners[whole]
        longer = np.concatenate([each.long for each in others])
        sorted_own = np.sort(own.long[: len(own.long) - _LONGER])
        hits = _found(longer[begins], sorted_own)
        there = (hits >= 0) & (begins + _LONGER < ends[owners])
        return short, _count(owners[there], hits[there], len(others), len(sorted_own))


def _found(hashes: Hashes, among: Hashes) -> Counts:
    """The first place of each hash among sorted ones; -1 where it is not there."""
    places = np.searchsorted(among, hashes)
    places[places == len(among)] = 0
    return np.where(among[places] == hashes, places, -1)


def _count(owners: Counts, places: Counts, many: int, width: int) -> Counts:
    """How many different places, of `width`, each of `many` owners has."""
    keys = np.sort(owners * width + places)
    return np.bincount(keys[np.diff(keys, prepend=-1) > 0] // width, minlength=many)


def _distinct(hashes: Hashes) -> int:
    ordered = np.sort(hashes)
    return int(np.count_nonzero(ordered[1:] != ordered[:-1])) + bool(len(ordered))
