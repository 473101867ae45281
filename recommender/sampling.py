"""Which pairs are worth a person's time: a stratified sample of a stream of candidate pairs.

The band of similarities is cut into strata. Each keeps, of all pairs that pass by, those with
the smallest keyed hashes of their ids: a uniform sample in bounded memory that no order of
input can change. More are drawn where a threshold is near, because that is where a label moves
it. Pure: near-duplicates come in through a function.
"""

from __future__ import annotations

import math
from bisect import bisect_right
from collections.abc import Callable, Iterable, Sequence
from dataclasses import dataclass
from hashlib import blake2b
from itertools import pairwise

from recommender.errors import ConfigError

_WIDTH = 0.05
# A stratum that touches a threshold gets this much more than one far from all of them.
_FAVOUR = 3.0
# Candidates kept for each pair wanted, because one story may hold many of them.
_SPARE = 20
_SPARE_AT_LEAST = 400

NearRows = Callable[[int], frozenset[int]]


@dataclass(frozen=True, slots=True, order=True)
class CandidatePair:
    """A pair that may be drawn; they order by hash, so that the smallest are a random sample."""

    key: int
    first_id: str
    second_id: str
    first: int  # row in the index
    second: int
    similarity: float


@dataclass(frozen=True, slots=True)
class DrawnPair:
    """A pair that was drawn, and how many of its stratum it stands for."""

    pair: CandidatePair
    weight: float


def pair_key(first_id: str, second_id: str, seed: int) -> int:
    """A hash of two ids in this order, keyed by the seed; 0 to 2^64."""
    data = f"{first_id}\0{second_id}".encode("utf-8", "surrogatepass")
    key = seed.to_bytes(16, "big", signed=True)
    return int.from_bytes(blake2b(data, digest_size=8, key=key).digest(), "big")


def stratum_edges(low: float, high: float) -> tuple[float, ...]:
    """The band cut at multiples of 0.05; the last stratum includes the upper edge.

    Raises
    ------
    ConfigError
        If the two are not similarities in rising order.
    """
    for value in (low, high):
        if isinstance(value, bool) or not isinstance(value, (int, float)) or not 0 <= value <= 1:
            raise ConfigError(f"between takes two similarities from 0 to 1, not {value!r}")
    if low > high:
        raise ConfigError(f"between takes the lower similarity first, not {low} and {high}")
    first, last = math.floor(low / _WIDTH), math.ceil(high / _WIDTH)
    inner = [round(step * _WIDTH, 2) for step in range(first, last + 1)]
    # No slivers beside an edge that is no such multiple.
    margin = _WIDTH / 5
    return (low, *(edge for edge in inner if low + margin < edge < high - margin), high)


class Strata:
    """Samples of a stream of pairs, one for each stratum, in bounded memory.

    Parameters
    ----------
    low, high : float
        The band, both edges included.
    count : int
        How many pairs will be drawn of all strata together.
    """

    def __init__(self, low: float, high: float, count: int) -> None:
        self.edges = stratum_edges(low, high)
        self.sizes = [0] * (len(self.edges) - 1)
        self._keep = max(_SPARE * count, _SPARE_AT_LEAST)
        self._kept: list[list[CandidatePair]] = [[] for _ in self.sizes]

    def add(self, pairs: Iterable[CandidatePair]) -> None:
        """Count pairs of the stream, each of which comes once, and keep some of them."""
        for pair in pairs:
            place = bisect_right(self.edges, pair.similarity, 1, len(self.edges) - 1) - 1
            self.sizes[place] += 1
            kept = self._kept[place]
            kept.append(pair)
            if len(kept) >= 2 * self._keep:
                kept.sort()
                del kept[self._keep :]

    def candidates(self) -> list[list[CandidatePair]]:
        """What was kept of each stratum, in the order in which it is drawn."""
        return [sorted(kept)[: self._keep] for kept in self._kept]


def draw(strata: Strata, *, count: int, cuts: Sequence[float], near: NearRows) -> list[DrawnPair]:
    """Draw pairs of all strata, no article twice and no story twice.

    Parameters
    ----------
    strata : Strata
        After the whole stream went through.
    count : int
        Pairs wanted; fewer come back where the stories run out.
    cuts : sequence of float
        The thresholds; more is drawn of the strata near them.
    near : callable
        Rows of the near-duplicates of an article.

    Returns
    -------
    list of DrawnPair
        Uncertain ones, those nearest to a threshold, first; ties by ids.
    """
    waiting = [iter(pairs) for pairs in strata.candidates()]
    shares = [_share(low, high, cuts) for low, high in _bands(strata.edges)]
    quotas = allocate(strata.sizes, shares, count)
    order = sorted(range(len(shares)), key=lambda place: (-shares[place], place))
    stories = _Stories(near)
    drawn: list[list[CandidatePair]] = [[] for _ in waiting]

    def take(place: int) -> bool:
        for pair in waiting[place]:
            if stories.admit(pair):
                drawn[place].append(pair)
                return True
        return False

    # In turn, so that no stratum uses up the stories of another; then what some could not fill.
    for limits in (quotas, [count] * len(quotas)):
        going = list(order)
        while going:
            going = [
                place
                for place in going
                if sum(map(len, drawn)) < count
                and len(drawn[place]) < limits[place]
                and take(place)
            ]
    found = [
        DrawnPair(pair, size / len(pairs))
        for size, pairs in zip(strata.sizes, drawn, strict=True)
        for pair in pairs
    ]
    return sorted(found, key=lambda each: _uncertain_first(each.pair, cuts))


def _uncertain_first(pair: CandidatePair, cuts: Sequence[float]) -> tuple[float, str, str]:
    distance = min((abs(pair.similarity - cut) for cut in cuts), default=0.0)
    return round(distance, 6), pair.first_id, pair.second_id


class _Stories:
    """Which articles may still be drawn."""

    def __init__(self, near: NearRows) -> None:
        self._near = near
        self._drawn: set[int] = set()
        self._closed: set[int] = set()

    def admit(self, pair: CandidatePair) -> bool:
        """Take a pair, unless one of its stories was taken already."""
        rows = {pair.first, pair.second}
        if rows & self._closed:
            return False
        around = rows | self._near(pair.first) | self._near(pair.second)
        # Both ways round: a full list may leave out who lists its owner.
        if around & self._drawn:
            return False
        self._drawn |= rows
        self._closed |= around
        return True


def _bands(edges: Sequence[float]) -> list[tuple[float, float]]:
    return list(pairwise(edges))


def _share(low: float, high: float, cuts: Sequence[float]) -> float:
    """How much is drawn of a stratum, in comparison with others."""
    distance = min((max(low - cut, cut - high, 0.0) for cut in cuts), default=math.inf)
    return 1.0 + _FAVOUR * math.exp(-distance / _WIDTH)


def allocate(sizes: Sequence[int], shares: Sequence[float], count: int) -> list[int]:
    """How many to draw of each stratum.

    Every stratum that has pairs gets one while there are enough, because a stratum nobody
    looked at is missing from every estimate; the rest goes by share, each place to the stratum
    that is farthest behind (D'Hondt), none above its size.
    """
    quotas = [0] * len(sizes)
    for _ in range(count):
        open_places = [place for place, size in enumerate(sizes) if quotas[place] < size]
        if not open_places:
            break
        empty = [place for place in open_places if not quotas[place]]
        best = max(empty or open_places, key=lambda at: (shares[at] / (quotas[at] + 1), -at))
        quotas[best] += 1
    return quotas
