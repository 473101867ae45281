"""A text and the spans that are to be marked in it → paragraphs of pieces, each marked alike.

Spans of different kinds may overlap; a piece is as long as no mark begins or ends in it. Knows
nothing of HTML: a template writes the pieces.
"""

from __future__ import annotations

from bisect import bisect_left, bisect_right
from collections.abc import Sequence
from dataclasses import dataclass
from itertools import pairwise

Span = tuple[int, int]

# Longer texts are shown up to here; nobody reads on, and browsers take long.
SHOWN = 100_000


@dataclass(frozen=True, slots=True, kw_only=True)
class Piece:
    """Text with the same marks from its beginning to its end.

    Attributes
    ----------
    text : str
    passage : int
        Number of the shared passage, from 1; 0 for none.
    begins : bool
        Whether the passage begins here.
    edited, only, fact : bool
    """

    text: str
    passage: int = 0
    begins: bool = False
    edited: bool = False
    only: bool = False
    fact: bool = False


def mark(
    text: str,
    *,
    passages: Sequence[Span],
    edited: Sequence[Span] = (),
    only: Sequence[Span] = (),
    facts: Sequence[Span] = (),
) -> list[list[Piece]]:
    """Paragraphs of marked pieces.

    Parameters
    ----------
    text : str
        Paragraphs are its lines.
    passages : sequence of (int, int)
        Numbered in the order given; none may overlap another.
    edited, only, facts : sequence of (int, int)
        Spans of one kind may overlap.
    """
    numbered = sorted((start, end, number) for number, (start, end) in enumerate(passages, 1))
    starts = [start for start, _, _ in numbered]
    kinds = [_merged(spans) for spans in (edited, only, facts)]
    edges = sorted(
        {edge for spans in ([n[:2] for n in numbered], *kinds) for span in spans for edge in span}
    )
    paragraphs = []
    begin = 0
    seen: set[int] = set()
    for line in text.split("\n"):
        end = begin + len(line)
        cuts = [begin, *edges[bisect_right(edges, begin) : bisect_left(edges, end)], end]
        pieces = []
        for left, right in pairwise(cuts):
            if left == right:
                continue
            place = bisect_right(starts, left) - 1
            passage = numbered[place][2] if place >= 0 and left < numbered[place][1] else 0
            is_edited, is_only, is_fact = (_inside(spans, left) for spans in kinds)
            pieces.append(
                Piece(
                    text=text[left:right],
                    passage=passage,
                    begins=bool(passage) and passage not in seen,
                    edited=is_edited,
                    only=is_only,
                    fact=is_fact,
                )
            )
            seen.add(passage)
        paragraphs.append(pieces)
        begin = end + 1
    return [pieces for pieces in paragraphs if pieces]


def _merged(spans: Sequence[Span]) -> list[Span]:
    """Sorted spans, those that overlap joined, empty ones left out."""
    merged: list[Span] = []
    for start, end in sorted(spans):
        if merged and start <= merged[-1][1]:
            merged[-1] = (merged[-1][0], max(end, merged[-1][1]))
        elif start < end:
            merged.append((start, end))
    return merged


def _inside(spans: Sequence[Span], place: int) -> bool:
    number = bisect_right(spans, place, key=lambda span: span[0]) - 1
    return number >= 0 and spans[number][0] <= place < spans[number][1]


def occurrences(text: str, words: Sequence[str]) -> list[Span]:
    """Where words stand in a text, figures not within longer figures."""
    found = []
    for word in sorted({each for each in words if each}):
        start = text.find(word)
        while start >= 0:
            end = start + len(word)
            if not (_continues(text, start) or _continues(text, end)):
                found.append((start, end))
            start = text.find(word, end)
    return found


def _continues(text: str, place: int) -> bool:
    """Whether a figure or a Latin word goes on across a place."""
    if not 0 < place < len(text):
        return False
    before, after = text[place - 1], text[place]
    if before in ".," and after.isdigit():
        before = text[place - 2 : place - 1] or " "
    return all(each.isascii() and each.isalnum() for each in (before, after))
