"""Two shown texts → the passages both have, the sentences that were edited, those only one has.

Texts are compared folded and shown as they are: every offset counts characters of the text
shown. A sentence is shared when most of it lies in shared passages or one nearly equal stands in
the other text; where the two are not quite equal, the pair is listed with what was changed.

Pure: no files, no clock. Turned round, the answer is the same turned round.
"""

from __future__ import annotations

import re
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from typing import NamedTuple

import numpy as np
from numpy.typing import NDArray
from rapidfuzz import fuzz, process

from recommender.explanation import Edit, EditedSentence, Passage, Sentence
from recommender.tiling import Integers, Side, Tile, matching, tile

# Share of a sentence that lies in shared passages, from which it counts as shared.
_MOSTLY = 0.5
# Likeness (normalised indel similarity, percent) from which two sentences are nearly equal.
_NEARLY_EQUAL = 70.0
_MOST_SENTENCES = 20_000
# Of the sentences that no passage explains, those that are held against each other: at most so
# many of either text, and so many characters.
_MOST_COMPARED = 400
_MOST_COMPARED_CHARACTERS = 12_000
# In an edited sentence a shorter run between two changes is part of the change.
_LEAST_KEPT = 6
_LONGEST_SENTENCE = 600

_CLOSING = frozenset("。！？!?；;，,、：:”’」』）)》】]…")
_OPENING = frozenset("“‘「『（(《【[")
_ENDS = re.compile(r"[。！？!?；;…]+[”’」』）)》】\]\"']*|\n|\.[”’)\]\"']*(?=\s)")
_ABBREVIATION = re.compile(
    r"(?:^|[\s(“\"'‘])(?:[A-Za-z]|[A-Za-z]\.[A-Za-z]|Mr|Mrs|Ms|Dr|Prof|Gen|Sen|Rep|Gov|Col|Lt|Sgt|"
    r"St|Jr|Sr|No|vs|Inc|Ltd|Co|Corp|Jan|Feb|Mar|Apr|Jun|Jul|Aug|Sept?|Oct|Nov|Dec)$"
)
_LONGEST_ABBREVIATION = 8


@dataclass(frozen=True, slots=True, kw_only=True)
class Alignment:
    """What two texts have in common and what only one has; see `Explanation`."""

    passages: tuple[Passage, ...]
    edited: tuple[EditedSentence, ...]
    only_first: tuple[Sentence, ...]
    only_second: tuple[Sentence, ...]


class _Pair(NamedTuple):
    """Numbers of two sentences, and the changed parts of the folded texts."""

    first: int
    second: int
    changes: tuple[tuple[int, int, int, int], ...]

    def turned(self) -> _Pair:
        changes = tuple((c, d, a, b) for a, b, c, d in self.changes)
        return _Pair(self.second, self.first, changes)


def align(first: str, second: str) -> Alignment:
    """Align two texts as they are shown.

    Parameters
    ----------
    first, second : str
        Clean texts without boilerplate; of longer ones the first 400,000 folded characters are
        read.

    Returns
    -------
    Alignment
        Everything is ordered by its place in its text; pairs by their place in the first.
    """
    # Ties are broken by place, so the texts are taken in an order of their own.
    turned = second < first
    one, other = (Side.of(text) for text in ((second, first) if turned else (first, second)))
    tiles = tile(one, other)
    ours, theirs = _Sentences.of(one), _Sentences.of(other)
    pairs, *only = _judged(ours, theirs, tiles)
    if turned:
        tiles = sorted(Tile(each.second, each.first, each.length) for each in tiles)
        pairs = [each.turned() for each in pairs]
        ours, theirs = theirs, ours
        only.reverse()
    return Alignment(
        passages=_passages(ours.side, theirs.side, tiles),
        edited=tuple(_edited(ours, theirs, each) for each in sorted(pairs)),
        only_first=tuple(ours.sentence(number) for number in only[0]),
        only_second=tuple(theirs.sentence(number) for number in only[1]),
    )


def sentence_spans(text: str) -> Iterator[tuple[int, int]]:
    """Where the sentences of a clean Chinese or English text begin and end, without spaces.

    A full stop of Latin script ends one before white space, and not after an initial or a
    common abbreviation. What is longer than 600 characters is cut.
    """
    start = 0
    for match in _ENDS.finditer(text):
        if match.group()[0] == "." and _ABBREVIATION.search(
            text[max(start, match.start() - _LONGEST_ABBREVIATION) : match.start()]
        ):
            continue
        yield from _cut(text, start, match.end())
        start = match.end()
    yield from _cut(text, start, len(text))


def _cut(text: str, start: int, end: int) -> Iterator[tuple[int, int]]:
    for begin in range(start, end, _LONGEST_SENTENCE):
        piece = text[begin : min(end, begin + _LONGEST_SENTENCE)]
        stripped = piece.strip()
        if stripped:
            before = len(piece) - len(piece.lstrip())
            yield begin + before, begin + before + len(stripped)


@dataclass(frozen=True, slots=True, eq=False)
class _Sentences:
    """The sentences of one text that say something when folded.

    Attributes
    ----------
    side : Side
    spans : list of (int, int)
        In the text shown.
    begins, ends : ndarray of int64, shape (n,)
        In the folded text.
    folded : list of str
    """

    side: Side
    spans: list[tuple[int, int]]
    begins: Integers
    ends: Integers
    folded: list[str]

    @classmethod
    def of(cls, side: Side) -> _Sentences:
        spans = []
        for span in sentence_spans(side.shown):
            spans.append(span)
            if len(spans) == _MOST_SENTENCES:
                break
        edges = np.array(spans, np.int64).reshape(-1, 2)
        places = np.searchsorted(side.folded.starts, edges)
        kept = places[:, 1] > places[:, 0]
        begins, ends = places[kept, 0], places[kept, 1]
        text = side.folded.text
        return cls(
            side,
            [span for span, keep in zip(spans, kept.tolist(), strict=True) if keep],
            begins,
            ends,
            [text[a:b] for a, b in zip(begins.tolist(), ends.tolist(), strict=True)],
        )

    def sentence(self, number: int) -> Sentence:
        start, end = self.spans[number]
        return Sentence(start=start, end=end, text=self.side.shown[start:end])

    def first_of(self, numbers: Sequence[int]) -> Sequence[int]:
        """As many of these sentences as may be held against those of another text."""
        lengths = np.cumsum([len(self.folded[number]) for number in numbers[:_MOST_COMPARED]])
        return numbers[: int(np.searchsorted(lengths, _MOST_COMPARED_CHARACTERS, "right"))]

    def covered(self, partners: Integers) -> NDArray[np.float64]:
        """Share of each sentence that has a partner in the other text; -1 stands for none."""
        counts = np.concatenate(([0], np.cumsum(partners >= 0)))
        return np.asarray((counts[self.ends] - counts[self.begins]) / (self.ends - self.begins))


def _judged(
    ours: _Sentences, theirs: _Sentences, tiles: Sequence[Tile]
) -> tuple[list[_Pair], list[int], list[int]]:
    """Edited pairs, and the sentences of either text that the other does not have."""
    there = np.full(len(ours.side.codes), -1, np.int64)
    back = np.full(len(theirs.side.codes), -1, np.int64)
    for first, second, length in tiles:
        there[first : first + length] = np.arange(second, second + length)
        back[second : second + length] = np.arange(first, first + length)
    couples: set[tuple[int, int]] = set()
    alone: list[int] = []
    other_alone: list[int] = []
    for one, other, partners, rest, is_first in (
        (ours, theirs, there, alone, True),
        (theirs, ours, back, other_alone, False),
    ):
        equal = set(other.folded)
        for number, share in enumerate(one.covered(partners).tolist()):
            if share == 1.0 or one.folded[number] in equal:
                continue
            if share < _MOSTLY:
                rest.append(number)
                continue
            partner = _partner(one, other, partners, number)
            if partner is not None:
                couples.add((number, partner) if is_first else (partner, number))
    for place, rest in enumerate((alone, other_alone)):
        paired = {couple[place] for couple in couples}
        rest[:] = [number for number in rest if number not in paired]
    near = _nearly_equal(ours, theirs, alone, other_alone)
    pairs = [_pair(ours, theirs, *couple) for couple in sorted(couples | set(near))]
    taken = dict(near)
    return (
        [each for each in pairs if each.changes],
        [number for number in alone if number not in taken],
        [number for number in other_alone if number not in set(taken.values())],
    )


def _partner(one: _Sentences, other: _Sentences, partners: Integers, number: int) -> int | None:
    """The sentence of the other text that most of the shared part of a sentence lies in."""
    places = partners[one.begins[number] : one.ends[number]]
    owners = np.searchsorted(other.begins, places[places >= 0], "right") - 1
    owners = owners[owners >= 0]
    return int(np.bincount(owners).argmax()) if len(owners) else None


def _nearly_equal(
    ours: _Sentences, theirs: _Sentences, alone: Sequence[int], other_alone: Sequence[int]
) -> list[tuple[int, int]]:
    """Pairs of the sentences that are nearly equal, the likest first, each sentence once."""
    one, other = ours.first_of(alone), theirs.first_of(other_alone)
    if not one or not other:
        return []
    likeness = process.cdist(
        [ours.folded[number] for number in one],
        [theirs.folded[number] for number in other],
        scorer=fuzz.ratio,
        score_cutoff=_NEARLY_EQUAL,
    )
    rows, columns = np.nonzero(likeness)
    order = np.lexsort((columns, rows, -likeness[rows, columns]))
    found: dict[int, int] = {}
    taken: set[int] = set()
    for row, column in zip(rows[order].tolist(), columns[order].tolist(), strict=True):
        if row not in found and column not in taken:
            found[row] = column
            taken.add(column)
    return [(one[row], other[column]) for row, column in found.items()]


def _pair(ours: _Sentences, theirs: _Sentences, first: int, second: int) -> _Pair:
    """What lies between the runs that two sentences share."""
    begin, end = int(ours.begins[first]), int(ours.ends[first])
    other_begin, other_end = int(theirs.begins[second]), int(theirs.ends[second])
    changes = []
    last = (begin, other_begin)
    for run in matching(ours.side, theirs.side, (begin, end), (other_begin, other_end), 1):
        stop = (run.first + run.length, run.second + run.length)
        at_edge = run[:2] == (begin, other_begin) or stop == (end, other_end)
        if at_edge or ours.side.weight(run.first, stop[0]) >= _LEAST_KEPT:
            changes.append((last[0], run.first, last[1], run.second))
            last = stop
    changes.append((last[0], end, last[1], other_end))
    return _Pair(first, second, tuple(c for c in changes if c[0] < c[1] or c[2] < c[3]))


def _edited(ours: _Sentences, theirs: _Sentences, pair: _Pair) -> EditedSentence:
    edits = []
    for start, end, other_start, other_end in pair.changes:
        one = ours.side.shown_span(start, end)
        other = theirs.side.shown_span(other_start, other_end)
        edits.append(
            Edit(
                first_start=one[0],
                first_end=one[1],
                second_start=other[0],
                second_end=other[1],
                first=ours.side.shown[slice(*one)],
                second=theirs.side.shown[slice(*other)],
            )
        )
    return EditedSentence(
        first=ours.sentence(pair.first), second=theirs.sentence(pair.second), edits=tuple(edits)
    )


def _passages(first: Side, second: Side, tiles: Sequence[Tile]) -> tuple[Passage, ...]:
    passages = []
    for start, other, length in tiles:
        begin, end = _punctuated(first, start, start + length)
        other_begin, other_end = _punctuated(second, other, other + length)
        passages.append(
            Passage(
                first_start=begin,
                first_end=end,
                second_start=other_begin,
                second_end=other_end,
                text=first.shown[begin:end],
            )
        )
    return tuple(passages)


def _punctuated(side: Side, start: int, end: int) -> tuple[int, int]:
    """Where a part of a folded text is shown, with the brackets and stops that belong to it."""
    begin, stop = side.shown_span(start, end)
    while begin and side.shown[begin - 1] in _OPENING:
        begin -= 1
    while stop < len(side.shown) and side.shown[stop] in _CLOSING:
        stop += 1
    return begin, stop
