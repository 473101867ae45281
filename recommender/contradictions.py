"""Facts of two articles that contradict one another where the texts otherwise agree.

Two numbers of one kind are no contradiction by themselves: articles on one event give many. A
contradiction is a figure, or a name, that differs within a sentence, or a headline, which both
have. Pure; must not know how sentences are aligned.
"""

from __future__ import annotations

import re
from collections import defaultdict
from collections.abc import Iterable, Sequence

from recommender.explanation import EditedSentence
from recommender.facts import FactComparison

Contradiction = tuple[str, str]

# A figure, what multiplies it, and the sign or character that says what is counted.
_FIGURE = re.compile(r"[0-9]+(?:[.,:][0-9]+)*[万亿]?[余多]?(?:[^\W\d_]|[%％‰℃°])?")
_UNIT = re.compile(r"[^0-9.,:余多]*$")
_MOST = 10


def contradictions(
    edited: Iterable[EditedSentence],
    facts: FactComparison,
    *,
    titles: tuple[str, str] | None = None,
) -> tuple[Contradiction, ...]:
    """What contradicts, in order of appearance; at most ten.

    Parameters
    ----------
    edited : iterable of EditedSentence
        Sentences that both texts have, changed.
    facts : FactComparison
        Of the same two articles.
    titles : (str, str), optional
        Headlines that are versions of one another.
    """
    sentences = [(each.first.text, each.second.text) for each in edited]
    if titles is not None:
        sentences.insert(0, titles)
    found: dict[Contradiction, None] = {}
    for first, second in sentences:
        found.update(dict.fromkeys(_figures_that_differ(first, second)))
        found.update(
            dict.fromkeys(
                (one, other)
                for one, other in facts.contradicting
                if _is_named(one, first, second) and _is_named(other, second, first)
            )
        )
    return tuple(list(found)[:_MOST])


def _is_named(fact: str, where: str, other: str) -> bool:
    """Whether a name stands in a sentence and not in its other version."""
    return not _FIGURE.search(fact) and fact in where and fact not in other


def _figures_that_differ(first: str, second: str) -> list[Contradiction]:
    """Figures of one unit that the versions of a sentence have in equal number, with other values.

    "7日上午" and "15日下午" differ, "第47届" and "第47次" do not.
    """
    one, other = _by_unit(first), _by_unit(second)
    return [
        pair
        for unit, ours in one.items()
        if len(ours) == len(other.get(unit, ()))
        for pair in zip(ours, other[unit], strict=True)
        if pair[0] != pair[1]
    ]


def _by_unit(sentence: str) -> dict[str, Sequence[str]]:
    found: defaultdict[str, list[str]] = defaultdict(list)
    for match in _FIGURE.finditer(sentence):
        unit = _UNIT.search(match[0])
        found[unit[0] if unit else ""].append(match[0])
    return dict(found)
