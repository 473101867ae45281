"""Two folded texts → the runs of characters they share, also reordered or inside other text.

Greedy string tiling (Wise 1993, "String similarity via greedy string tiling and running
Karp-Rabin matching"): runs grow from shingles that both texts have, the longest is taken
first, and no character is in two. What lies between two neighbours is aligned by RapidFuzz, so
that the pieces around a small edit are found as well. Runs begin and end between words and
figures, never within one.

Time and memory are bounded for any text: shingles that come again and again are paired in
their order only, and gaps are aligned only when they are short.

Pure: no files, no clock.
"""

from __future__ import annotations

import re
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from heapq import heapify, heappop, heappush
from typing import NamedTuple

import numpy as np
from numpy.typing import NDArray
from rapidfuzz.distance import Indel

from recommender.shingles import rolling_hashes
from recommender.text import Folded, fold_with_offsets

Integers = NDArray[np.int64]

# Longer texts are aligned by their first part; it is some three hundred pages.
READ = 400_000
SEED_LENGTH = 8
# An ideograph says as much as three letters: a run is of eight ideographs, or some four words.
_IDEOGRAPH = 3
LEAST_WEIGHT = 24
# Beside another run a shorter one is no accident.
LEAST_WEIGHT_BESIDE = 12
_LONGEST_GAP = 300
# Places of a shingle in one text times those in the other, up to which all are paired.
_MOST_PAIRED = 16
_MOST_RUNS = 50_000
# Words and figures of scripts with spaces; a passage does not end inside one.
_LETTERS = (
    r"0-9A-Za-z\u00aa-\u02af\u0370-\u0dff\u10a0-\u177f\u1800-\u1fff\uac00-\ud7a3"
    r"\uff10-\uff19\uff21-\uff3a\uff41-\uff5a"
)
_WORD = re.compile(rf"[{_LETTERS}]+(?:[.,'’][{_LETTERS}]+)*")
_UNSPACED = re.compile(
    "[\u0e00-\u109f\u1780-\u17ff\u2e80-\uabff\uf900-\ufaff\U00020000-\U000323af]"
)


class Tile(NamedTuple):
    """A shared run: where it begins in either folded text, and its length."""

    first: int
    second: int
    length: int


@dataclass(frozen=True, slots=True, eq=False)
class Side:
    """One text, prepared to be aligned.

    Attributes
    ----------
    shown : str
        No more than twice as many characters as are read.
    folded : Folded
    codes : ndarray of uint32, shape (n,)
        Code points of the folded text.
    weights : ndarray of int64, shape (n + 1,)
        Weight of all characters before a place.
    borders : ndarray of bool, shape (n + 1,)
        Whether a run may begin or end before this place of the folded text.
    """

    shown: str
    folded: Folded
    codes: NDArray[np.uint32]
    weights: Integers
    borders: NDArray[np.bool_]

    @classmethod
    def of(cls, shown: str) -> Side:
        """Prepare a text as it is shown."""
        shown = shown[: 2 * READ]
        whole = fold_with_offsets(shown)
        folded = Folded(whole.text[:READ], whole.starts[:READ], whole.ends[:READ])
        codes = np.frombuffer(folded.text.encode("utf-32-le"), dtype="<u4")
        weights = np.ones(len(codes), np.int64)
        weights[[match.start() for match in _UNSPACED.finditer(folded.text)]] = _IDEOGRAPH
        # Places of the text shown that lie within a word.
        inside = np.zeros(len(shown) + 1, bool)
        for match in _WORD.finditer(shown):
            inside[match.start() + 1 : match.end()] = True
        borders = np.ones(len(codes) + 1, bool)
        if len(codes):
            new = np.diff(folded.starts, prepend=-1) > 0
            borders[:-1] = new & ~inside[folded.starts]
            borders[-1] = len(whole.text) <= READ
        return cls(shown, folded, codes, np.concatenate(([0], np.cumsum(weights))), borders)

    def weight(self, start: int, end: int) -> int:
        """Weight of a part of the folded text."""
        return int(self.weights[end] - self.weights[start])

    def shown_span(self, start: int, end: int) -> tuple[int, int]:
        """Where a part of the folded text stands in the text shown; it may be empty."""
        if start < end:
            return int(self.folded.starts[start]), int(self.folded.ends[end - 1])
        place = int(self.folded.ends[start - 1]) if start else 0
        return place, place


def tile(first: Side, second: Side) -> list[Tile]:
    """The shared runs of two texts, by their place in the first; none overlap in either."""
    tiles = sorted(_greedy(first, second, _runs(first, second)))
    return _joined(sorted([*tiles, *_between(first, second, tiles)]))


def _runs(first: Side, second: Side) -> list[Tile]:
    """Runs that grow from shared shingles, and the common beginning and end, longest first."""
    ours, theirs = _seeds(
        rolling_hashes(first.folded.text, SEED_LENGTH),
        rolling_hashes(second.folded.text, SEED_LENGTH),
    )
    # Seeds on one diagonal, one after the other, are one run.
    width = len(first.codes) + len(second.codes) + 2
    keys = np.sort((ours - theirs + len(second.codes)) * width + ours)
    keys = keys[np.diff(keys, prepend=-1) > 0]
    breaks = np.flatnonzero(np.diff(keys) != 1) + 1
    begins = np.concatenate(([0], breaks)) if len(keys) else breaks
    counts = np.diff(np.concatenate((begins, [len(keys)]))) if len(keys) else begins
    places = keys[begins] % width
    others = places - (keys[begins] // width - len(second.codes))
    lengths = counts + SEED_LENGTH - 1
    prefix, suffix = (
        _common(first.codes, second.codes),
        _common(first.codes[::-1], second.codes[::-1]),
    )
    places = np.concatenate((places, [0, len(first.codes) - suffix]))
    others = np.concatenate((others, [0, len(second.codes) - suffix]))
    lengths = np.concatenate((lengths, [prefix, suffix]))
    enough = first.weights[places + lengths] - first.weights[places] >= LEAST_WEIGHT
    order = np.lexsort((others, places, -lengths))
    order = order[enough[order]][:_MOST_RUNS]
    chosen = np.column_stack((places, others, lengths))[order].tolist()
    return [Tile(*each) for each in chosen]


def _common(first: NDArray[np.uint32], second: NDArray[np.uint32]) -> int:
    """Length of the common beginning."""
    shorter = min(len(first), len(second))
    different = np.flatnonzero(first[:shorter] != second[:shorter])
    return int(different[0]) if len(different) else shorter


def _seeds(first: NDArray[np.uint64], second: NDArray[np.uint64]) -> tuple[Integers, Integers]:
    """Places of equal hashes: all pairs of the rare, the frequent in their order from both ends."""
    order = np.argsort(second, kind="stable")
    ours = np.argsort(first, kind="stable")
    values, begins, counts = np.unique(first[ours], return_index=True, return_counts=True)
    low = np.searchsorted(second[order], values, "left")
    high = np.searchsorted(second[order], values, "right")
    there = high > low
    begins, counts, low = begins[there], counts[there], low[there]
    other_counts = high[there] - low
    rare = counts * other_counts <= _MOST_PAIRED
    sizes = (counts * other_counts)[rare]
    number = _within(sizes)
    widths = np.repeat(other_counts[rare], sizes)
    pairs = [
        (
            ours[np.repeat(begins[rare], sizes) + number // widths],
            order[np.repeat(low[rare], sizes) + number % widths],
        )
    ]
    fewer = np.minimum(counts, other_counts)[~rare]
    number = _within(fewer)
    for skipped, other_skipped in (
        (np.zeros_like(fewer), np.zeros_like(fewer)),
        (counts[~rare] - fewer, other_counts[~rare] - fewer),
    ):
        pairs.append(
            (
                ours[np.repeat(begins[~rare] + skipped, fewer) + number],
                order[np.repeat(low[~rare] + other_skipped, fewer) + number],
            )
        )
    return np.concatenate([one for one, _ in pairs]), np.concatenate([two for _, two in pairs])


def _within(sizes: Integers) -> Integers:
    """0, 1, … of each group of these sizes, one group after the other."""
    ends = np.cumsum(sizes)
    return np.asarray(np.arange(int(ends[-1]) if len(ends) else 0) - np.repeat(ends - sizes, sizes))


def _greedy(first: Side, second: Side, runs: Sequence[Tile]) -> Iterator[Tile]:
    """Take the longest run, then the longest of what is left, until none is long enough."""
    ours, theirs = bytearray(len(first.codes)), bytearray(len(second.codes))
    heap = [(-each.length, each.first, each.second) for each in runs]
    heapify(heap)
    for _ in range(2 * _MOST_RUNS):
        if not heap:
            return
        negative, start, other = heappop(heap)
        run = Tile(start, other, -negative)
        if (
            ours.find(1, start, start + run.length) >= 0
            or theirs.find(1, other, other + run.length) >= 0
        ):
            for piece in _free(run, ours, theirs):
                if first.weight(piece.first, piece.first + piece.length) >= LEAST_WEIGHT:
                    heappush(heap, (-piece.length, piece.first, piece.second))
            continue
        trimmed = _trimmed(first, second, _grown(first, second, run, ours, theirs), LEAST_WEIGHT)
        if trimmed is not None:
            ours[trimmed.first : trimmed.first + trimmed.length] = b"\1" * trimmed.length
            theirs[trimmed.second : trimmed.second + trimmed.length] = b"\1" * trimmed.length
            yield trimmed


def _free(run: Tile, ours: bytearray, theirs: bytearray) -> Iterator[Tile]:
    """The parts of a run that no other has taken."""
    taken = np.frombuffer(ours, np.uint8, run.length, run.first) | np.frombuffer(
        theirs, np.uint8, run.length, run.second
    )
    edges = np.flatnonzero(np.diff(np.concatenate(([1], taken, [1])))).tolist()
    for start, end in zip(edges[::2], edges[1::2], strict=True):
        yield Tile(run.first + start, run.second + start, end - start)


def _grown(first: Side, second: Side, run: Tile, ours: bytearray, theirs: bytearray) -> Tile:
    """The run with the equal characters around it that no other has taken."""
    one, other = first.folded.text, second.folded.text
    start, begin, length = run
    while (
        start and begin and one[start - 1] == other[begin - 1]
        and not (ours[start - 1] or theirs[begin - 1])
    ):  # fmt: skip
        start, begin, length = start - 1, begin - 1, length + 1
    while (
        start + length < len(one) and begin + length < len(other)
        and one[start + length] == other[begin + length]
        and not (ours[start + length] or theirs[begin + length])
    ):  # fmt: skip
        length += 1
    return Tile(start, begin, length)


def _trimmed(first: Side, second: Side, run: Tile, least: int) -> Tile | None:
    """The run between the first and the last border of words that both texts have in it."""
    borders = np.flatnonzero(
        first.borders[run.first : run.first + run.length + 1]
        & second.borders[run.second : run.second + run.length + 1]
    )
    if len(borders) < 2:
        return None
    start, end = int(borders[0]), int(borders[-1])
    if first.weight(run.first + start, run.first + end) < least:
        return None
    return Tile(run.first + start, run.second + start, end - start)


def matching(
    first: Side, second: Side, ours: tuple[int, int], theirs: tuple[int, int], least: int
) -> Iterator[Tile]:
    """Equal pieces, in order, of a part of one folded text and a part of the other."""
    one, other = first.folded.text[slice(*ours)], second.folded.text[slice(*theirs)]
    for block in Indel.opcodes(one, other):
        if block.tag == "equal":
            run = Tile(
                ours[0] + block.src_start,
                theirs[0] + block.dest_start,
                block.src_end - block.src_start,
            )
            trimmed = _trimmed(first, second, run, least)
            if trimmed is not None:
                yield trimmed


def _between(first: Side, second: Side, tiles: Sequence[Tile]) -> Iterator[Tile]:
    """Short runs in the gaps between runs that are neighbours in both texts."""
    if not tiles:
        return
    place = {each: number for number, each in enumerate(sorted(tiles, key=lambda t: t.second))}
    edge = Tile(len(first.codes), len(second.codes), 0)
    rank = [-1, *(place[each] for each in tiles), len(tiles)]
    around = [Tile(0, 0, 0), *tiles, edge]
    for number in range(len(around) - 1):
        if rank[number + 1] != rank[number] + 1:
            continue
        before, after = around[number], around[number + 1]
        ours = (before.first + before.length, after.first)
        theirs = (before.second + before.length, after.second)
        sizes = (ours[1] - ours[0], theirs[1] - theirs[0])
        if min(sizes) > 0 and max(sizes) <= _LONGEST_GAP:
            yield from matching(first, second, ours, theirs, LEAST_WEIGHT_BESIDE)


def _joined(tiles: Sequence[Tile]) -> list[Tile]:
    """Runs that touch in both texts are one."""
    joined: list[Tile] = []
    for each in tiles:
        last = joined[-1] if joined else None
        if last and (last.first + last.length, last.second + last.length) == each[:2]:
            joined[-1] = Tile(last.first, last.second, last.length + each.length)
        else:
            joined.append(each)
    return joined
