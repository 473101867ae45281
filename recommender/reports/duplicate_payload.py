"""One explanation → the values with which a page shows two articles side by side.

Plain JSON values without any text of the bodies but facts: marks are offsets into texts that the
page holds once. Must not know how the page looks.
"""

from __future__ import annotations

from bisect import bisect_left
from collections.abc import Iterable
from typing import Any

from recommender.explanation import Explanation
from recommender.reports.marking import SHOWN, Span, occurrences
from recommender.reports.tables import printable

_FACTS = 60


def comparison_payload(explanation: Explanation) -> dict[str, Any]:
    """What a side-by-side view of two articles needs beside their cards and texts.

    Parameters
    ----------
    explanation : Explanation
        Of the article to keep, or the first of a doubtful pair, and of the other one.

    Returns
    -------
    dict
        `lengths`: of the two texts as shown. `passages` and `edits`: four offsets each, one after
        another (start and end in the first, in the second). `only` and `differing_at`: of either
        text, starts and ends of sentences it has alone and of facts that the other contradicts.
        `facts`: `shared`, `first`, `second` and `differing` ones. `waterfall`: how the evidence
        adds up. Offsets count UTF-16 code units, as strings of JavaScript do.
    """
    first = _Text(explanation.first_text)
    second = _Text(explanation.second_text)
    contradicted = explanation.contradicting_facts
    ours = [each for each, _ in contradicted]
    theirs = [each for _, each in contradicted]
    return {
        "lengths": [first.length, second.length],
        "passages": _quadruples(explanation.passages, first, second),
        "edits": _quadruples(
            (edit for sentence in explanation.edited for edit in sentence.edits), first, second
        ),
        "only": [
            first.flat((each.start, each.end) for each in explanation.only_first),
            second.flat((each.start, each.end) for each in explanation.only_second),
        ],
        "differing_at": [
            first.flat(occurrences(first.shown, ours)),
            second.flat(occurrences(second.shown, theirs)),
        ],
        "facts": {
            "shared": _facts(explanation.shared_facts),
            "first": _facts(each for each in explanation.only_first_facts if each not in ours),
            "second": _facts(each for each in explanation.only_second_facts if each not in theirs),
            "differing": [[printable(one), printable(other)] for one, other in contradicted],
        },
        "waterfall": _waterfall(explanation),
    }


def without_texts(payload: dict[str, Any]) -> dict[str, Any]:
    """The same with nothing that was read in a body: neither facts nor places."""
    return {"waterfall": payload["waterfall"]} if "waterfall" in payload else {}


def _facts(facts: Iterable[str]) -> list[str]:
    return [printable(each) for each in facts][:_FACTS]


def _waterfall(explanation: Explanation) -> dict[str, Any]:
    waterfall = explanation.waterfall
    return {
        "cut": waterfall.cut,
        "background": round(waterfall.background, 3),
        "parts": [[each.part, round(each.log_odds, 3)] for each in waterfall.contributions],
        "log_odds": round(waterfall.log_odds, 3),
        "by_evidence": round(waterfall.by_evidence, 4),
        "rule": waterfall.rule,
    }


class _Text:
    """A text as far as it is shown, and its places in UTF-16 code units."""

    def __init__(self, text: str) -> None:
        self.shown = text[:SHOWN]
        self._wide = [place for place, each in enumerate(self.shown) if each > "\uffff"]
        self.length = self.at(len(self.shown))

    def at(self, place: int) -> int:
        """A place, at most the end of what is shown."""
        place = min(place, len(self.shown))
        return place + bisect_left(self._wide, place)

    def has(self, start: int) -> bool:
        return start < len(self.shown)

    def flat(self, spans: Iterable[Span]) -> list[int]:
        """Starts and ends one after another, of the spans that begin in what is shown."""
        return [self.at(place) for span in sorted(spans) if self.has(span[0]) for place in span]


def _quadruples(spans: Iterable[Any], first: _Text, second: _Text) -> list[int]:
    """Offsets of spans that have a place in both texts."""
    flat: list[int] = []
    for each in spans:
        if _within(each, first, second):
            flat += (first.at(each.first_start), first.at(each.first_end))
            flat += (second.at(each.second_start), second.at(each.second_end))
    return flat


def _within(span: Any, first: _Text, second: _Text) -> bool:
    return first.has(span.first_start) and second.has(span.second_start)
