"""Today's box of a site beside ours: what an editor looks at before anything is exported.

Pure. Today's box is made as content systems make it, from the newest articles that share a tag
or a category, without leaving out the article itself. Both boxes are judged alike: every pair is
compared anew, also those of our own lists.
"""

from __future__ import annotations

import re
from collections.abc import Callable, Container, Iterable, Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime, timezone
from heapq import heappush, heappushpop
from itertools import cycle
from typing import Literal, get_args

from recommender.progress import Progress, silent
from recommender.records import Card, Match, MatchList, Verdict

Today = Literal["tags", "category", "latest"]
TODAYS: tuple[Today, ...] = get_args(Today)
# Why an article is shown as an example.
Kind = Literal["twice", "unrelated", "short", "alike"]
KINDS: tuple[Kind, ...] = get_args(Kind)

Compare = Callable[[str, str], tuple[float, Verdict]]
Related = Callable[[str], MatchList]

_SEPARATORS = re.compile(r"[,，、;；|]")
_ENOUGH_TAGGED = 0.25
_NEVER = datetime.min.replace(tzinfo=timezone.utc)


@dataclass(frozen=True, slots=True, kw_only=True)
class Boxed:
    """One article in a box.

    Attributes
    ----------
    card : Card
    similarity : float
        To the article on whose page the box stands.
    verdict : Verdict
    itself : bool
        It is that article.
    twin_of : int
        Place in the box, from 1, of an earlier article that tells the same story; 0 for none.
    also_covered : int
        Near-duplicates that were left out because of it.
    """

    card: Card
    similarity: float
    verdict: Verdict
    itself: bool = False
    twin_of: int = 0
    also_covered: int = 0

    @property
    def tells_the_same(self) -> bool:
        """Whether it tells the story of the article on whose page it stands."""
        return self.verdict.is_near_duplicate and not self.itself

    @property
    def is_unrelated(self) -> bool:
        """Whether it has nothing to do with that article."""
        return self.verdict is Verdict.UNRELATED and not self.itself


@dataclass(frozen=True, slots=True, kw_only=True)
class Example:
    """An article with both boxes."""

    card: Card
    today: tuple[Boxed, ...]
    ours: tuple[Boxed, ...]
    limit: int
    kind: Kind = "alike"

    @property
    def overlap(self) -> int:
        """How many articles are in both boxes."""
        return len({e.card.id for e in self.today} & {e.card.id for e in self.ours})

    @property
    def is_short(self) -> bool:
        """Whether our box has free places."""
        return len(self.ours) < self.limit


@dataclass(frozen=True, slots=True, kw_only=True)
class Count:
    """In how many boxes something is wrong.

    Attributes
    ----------
    itself : int
        The box holds the article on whose page it stands.
    again : int
        It holds another telling of that article's story.
    twice : int
        It holds two tellings of one story.
    unrelated : int
        It holds an article that has nothing to do with the page's.
    short : int
        It has free places.
    """

    itself: int = 0
    again: int = 0
    twice: int = 0
    unrelated: int = 0
    short: int = 0


@dataclass(frozen=True, slots=True, kw_only=True)
class Preview:
    """Both boxes of many articles.

    Attributes
    ----------
    today : {"tags", "category", "latest"}
        How today's boxes are made.
    judged : int
        The newest articles, whose boxes were judged.
    articles : int
        From how many articles our boxes were made.
    of_all : bool
        Whether those are all articles of the site.
    numbers : tuple of two Count
        Of today's boxes and of ours.
    examples : tuple of Example
    limit : int
        Places of a box.
    least : float
        Similarity from which on two articles are related.
    """

    today: Today
    judged: int
    articles: int
    of_all: bool
    numbers: tuple[Count, Count]
    examples: tuple[Example, ...]
    limit: int
    least: float


def tags_of(card: Card) -> frozenset[str]:
    """The tags a content system gave an article: a list, or text with commas between them."""
    given = card.extra.get("tags", ())
    if isinstance(given, str):
        given = _SEPARATORS.split(given)
    if not isinstance(given, Sequence):
        return frozenset()
    return frozenset(each.strip() for each in given if isinstance(each, str) and each.strip())


class TodaysBoxes:
    """Today's boxes of a site from the cards of its articles, each seen once, in any order.

    Parameters
    ----------
    limit : int
        Places of a box.
    newest : int
        How many of the newest articles are kept, to be judged.
    """

    def __init__(self, *, limit: int, newest: int) -> None:
        self._limit = limit
        self._number = newest
        self._newest: list[tuple[_Age, Card]] = []
        self._sharing: dict[tuple[Today, str], list[tuple[_Age, Card]]] = {}
        self.seen = 0

    def add(self, card: Card) -> None:
        """Take an article that readers may see into account."""
        self.seen += 1
        _keep(self._newest, card, max(self._number, self._limit))
        for tag in tags_of(card):
            _keep(self._sharing.setdefault(("tags", tag), []), card, self._limit)
        if card.category:
            among = self._sharing.setdefault(("category", card.category), [])
            _keep(among, card, self._limit)

    @property
    def newest(self) -> list[Card]:
        """The newest articles, newest first."""
        return _in_order(self._newest)[: self._number]

    def usual(self) -> Today:
        """How such a site makes its boxes: from tags where articles have them."""
        newest = self.newest
        tagged = sum(bool(tags_of(card)) for card in newest)
        if newest and tagged >= _ENOUGH_TAGGED * len(newest):
            return "tags"
        return "category" if any(card.category for card in newest) else "latest"

    def box(self, card: Card, today: Today) -> list[Card]:
        """Today's box of an article, newest first; the article itself is not left out."""
        if today == "latest":
            return _in_order(self._newest)[: self._limit]
        shared = tags_of(card) if today == "tags" else {card.category} - {""}
        found = {
            other.id: (key, other)
            for each in shared
            for key, other in self._sharing.get((today, each), ())
        }
        return _in_order(found.values())[: self._limit]


@dataclass(frozen=True, slots=True)
class _Age:
    """Of two articles the newer one is larger; of two of one moment that with the smaller id."""

    date: datetime
    id: str

    @classmethod
    def of(cls, card: Card) -> _Age:
        return cls(card.date or _NEVER, card.id)

    def __lt__(self, other: _Age) -> bool:
        return self.date < other.date if self.date != other.date else self.id > other.id


def _keep(heap: list[tuple[_Age, Card]], card: Card, most: int) -> None:
    entry = (_Age.of(card), card)
    if len(heap) < most:
        heappush(heap, entry)
    else:
        heappushpop(heap, entry)


def _in_order(entries: Iterable[tuple[_Age, Card]]) -> list[Card]:
    return [card for _, card in sorted(entries, key=lambda entry: entry[0], reverse=True)]


def make_preview(
    boxes: TodaysBoxes,
    *,
    today: Today,
    compare: Compare,
    related: Related,
    known: Container[object],
    limit: int,
    examples: int,
    articles: int,
    least: float,
    progress: Progress = silent,
) -> Preview:
    """Judge both boxes of the newest articles, and choose examples.

    Parameters
    ----------
    boxes : TodaysBoxes
    today : {"tags", "category", "latest"}
    compare : callable
        Similarity and verdict of two articles, by their ids.
    related : callable
        Our list for an article, by its id.
    known : container of str
        Ids that can be compared; others are left out of today's boxes.
    limit : int
        Places of a box.
    examples : int
        How many articles to show.
    articles : int
        From how many articles our lists are made.
    least : float
        Similarity from which on two articles are related.
    progress : callable
    """
    judge = _Judge(compare)
    newest = [card for card in boxes.newest if card.id in known]
    made = []
    for number, card in enumerate(newest, start=1):
        theirs = [each for each in boxes.box(card, today) if each.id in known]
        made.append(
            Example(
                card=card,
                today=judge.box(card, theirs),
                ours=judge.box(card, related(card.id)),
                limit=limit,
            )
        )
        progress("boxes", number, len(newest))
    return Preview(
        today=today,
        judged=len(made),
        articles=articles,
        of_all=articles >= boxes.seen,
        numbers=(
            _counted([each.today for each in made], limit),
            _counted([each.ours for each in made], limit),
        ),
        examples=choose(made, examples, judge.is_near),
        limit=limit,
        least=least,
    )


class _Judge:
    """Compares each pair once."""

    def __init__(self, compare: Compare) -> None:
        self._compare = compare
        self._known: dict[tuple[str, str], tuple[float, Verdict]] = {}

    def pair(self, first: str, second: str) -> tuple[float, Verdict]:
        key = (min(first, second), max(first, second))
        if key not in self._known:
            self._known[key] = self._compare(*key)
        return self._known[key]

    def is_near(self, first: str, second: str) -> bool:
        return first == second or self.pair(first, second)[1].is_near_duplicate

    def box(self, card: Card, listed: Sequence[Card] | MatchList) -> tuple[Boxed, ...]:
        made: list[Boxed] = []
        for each in listed:
            other = each.article if isinstance(each, Match) else each
            itself = other.id == card.id
            similarity, verdict = (
                (1.0, Verdict.SAME_TEXT) if itself else self.pair(card.id, other.id)
            )
            made.append(
                Boxed(
                    card=other,
                    similarity=similarity,
                    verdict=verdict,
                    itself=itself,
                    twin_of=0 if itself else self._twin(other, made),
                    also_covered=len(each.also_covered) if isinstance(each, Match) else 0,
                )
            )
        return tuple(made)

    def _twin(self, card: Card, before: Sequence[Boxed]) -> int:
        for place, each in enumerate(before, start=1):
            if not each.itself and self.is_near(card.id, each.card.id):
                return place
        return 0


def _counted(boxes: Sequence[Sequence[Boxed]], limit: int) -> Count:
    def among(holds: Callable[[Boxed], object]) -> int:
        return sum(any(holds(each) for each in box) for box in boxes)

    return Count(
        itself=among(lambda each: each.itself),
        again=among(lambda each: each.tells_the_same),
        twice=among(lambda each: each.twin_of),
        unrelated=among(lambda each: each.is_unrelated),
        short=sum(len(box) < limit for box in boxes),
    )


def choose(
    made: Sequence[Example], number: int, is_near: Callable[[str, str], bool]
) -> tuple[Example, ...]:
    """Examples of every kind in turn, those first from which most is to be seen.

    No two of them tell one story. Deterministic: ties by date, newest first, then by id.
    """
    queues = {kind: _ranked(made, kind) for kind in KINDS}
    chosen: list[Example] = []
    for kind in cycle(KINDS):
        if len(chosen) == number or not any(queues.values()):
            break
        while queues[kind]:
            each = queues[kind].pop(0)
            if not any(is_near(each.card.id, other.card.id) for other in chosen):
                chosen.append(_of_kind(each, kind))
                break
    return tuple(chosen)


def _of_kind(each: Example, kind: Kind) -> Example:
    return Example(card=each.card, today=each.today, ours=each.ours, limit=each.limit, kind=kind)


def _ranked(made: Sequence[Example], kind: Kind) -> list[Example]:
    """The examples of a kind, best first."""
    marks: Mapping[Kind, Callable[[Example], float]] = {
        "twice": _mark_twice,
        "unrelated": _mark_unrelated,
        "short": lambda each: each.limit - len(each.ours) if each.today else 0,
        "alike": lambda each: each.overlap + 0.5 * bool(each.today or each.ours),
    }
    mark = marks[kind]
    fitting = [(mark(each), each) for each in made]
    fitting = [(value, each) for value, each in fitting if value > 0]
    # A stable sort: by date and id first.
    fitting.sort(key=lambda pair: _Age.of(pair[1].card), reverse=True)
    fitting.sort(key=lambda pair: -pair[0])
    return [each for _, each in fitting]


def _mark_twice(each: Example) -> float:
    """Repetitions today; more is to be seen where ours has something in their place."""
    repeated = sum(bool(one.twin_of) or one.tells_the_same for one in each.today)
    return repeated + len(each.ours) if repeated else 0


def _mark_unrelated(each: Example) -> float:
    unrelated = sum(one.is_unrelated for one in each.today)
    return unrelated + len(each.ours) if unrelated and each.ours else 0
