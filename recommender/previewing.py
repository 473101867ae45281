"""Today's box of a site beside ours: what an editor looks at before anything is exported.

Pure. Today's box is not read from the site: it is made as content systems make it, from the newest
articles of the site that share a tag or a category. Both boxes are judged alike: every pair is
compared anew, also those of our own lists, and what only fills a list up.
"""

from __future__ import annotations

import re
from collections.abc import Callable, Container, Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime, timezone
from heapq import heappush, heappushpop
from itertools import cycle
from typing import Literal, get_args

from recommender.progress import Progress, silent
from recommender.records import Card, Filler, Match, MatchList, Verdict

Today = Literal["tags", "category", "latest"]
TODAYS: tuple[Today, ...] = get_args(Today)
# Why an article is shown as an example.
Kind = Literal["twice", "unrelated", "short", "alike"]
KINDS: tuple[Kind, ...] = get_args(Kind)

Compare = Callable[[str, str], tuple[float, Verdict]]
Related = Callable[[str], MatchList]
Fill = Literal["category", "latest"]

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
    fills : {"", "category", "latest"}
        Why it fills a free place of our box, if it only does that.
    """

    card: Card
    similarity: float
    verdict: Verdict
    itself: bool = False
    twin_of: int = 0
    also_covered: int = 0
    fills: Literal["", "category", "latest"] = ""

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
        """Whether fewer articles fit than our box has places."""
        return self.fitting < self.limit

    @property
    def fitting(self) -> int:
        """How many articles of our box are there because they fit."""
        return sum(not each.fills for each in self.ours)


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
    holds_itself : bool
        Whether they may hold the article on whose page they stand.
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
    related : float
        Similarity from which on two articles are related.
    least : float
        Least similarity of our lists.
    fill : {"category", "latest"} or None
        What fills the free places of our boxes.
    """

    today: Today
    holds_itself: bool
    judged: int
    articles: int
    of_all: bool
    numbers: tuple[Count, Count]
    examples: tuple[Example, ...]
    limit: int
    related: float
    least: float
    fill: Fill | None = None


def tags_of(card: Card) -> frozenset[str]:
    """The tags a content system gave an article: a list, or text with commas between them."""
    given = card.extra.get("tags", ())
    if isinstance(given, str):
        given = _SEPARATORS.split(given)
    if not isinstance(given, Sequence):
        return frozenset()
    return frozenset(each.strip() for each in given if isinstance(each, str) and each.strip())


def _never(site: str) -> bool:
    return False


class TodaysBoxes:
    """Today's boxes of sites from the cards of their articles, each seen once, in any order.

    A site's box holds articles of that site only, for its content system knows no others.

    Parameters
    ----------
    limit : int
        Places of a box.
    newest : int
        How many of the newest articles are kept, to be judged.
    site : str
        Only articles of this site are judged; empty for all.
    holds_itself : callable
        Whether the boxes of a site may hold the article on whose page they stand.
    """

    def __init__(
        self,
        *,
        limit: int,
        newest: int,
        site: str = "",
        holds_itself: Callable[[str], bool] = _never,
    ) -> None:
        self._limit = limit
        self._number = newest
        self._site = site
        self._holds_itself = holds_itself
        self._newest: dict[str, list[tuple[_Age, Card]]] = {}
        self._sharing: dict[tuple[str, Today, str], list[tuple[_Age, Card]]] = {}
        self.seen = 0

    def add(self, card: Card) -> None:
        """Take an article that readers may see into account."""
        self.seen += self._site in ("", card.site)
        # One more than there are places: the article itself may be left out.
        most = self._limit + 1
        _keep(self._newest.setdefault(card.site, []), card, max(self._number, most))
        for tag in tags_of(card):
            _keep(self._sharing.setdefault((card.site, "tags", tag), []), card, most)
        if card.category:
            key: tuple[str, Today, str] = (card.site, "category", card.category)
            _keep(self._sharing.setdefault(key, []), card, most)

    @property
    def newest(self) -> list[Card]:
        """The newest articles that are judged, newest first."""
        kept = (
            each for site, heap in self._newest.items() if self._site in ("", site) for each in heap
        )
        return _in_order(kept)[: self._number]

    @property
    def sites(self) -> list[str]:
        """The sites of all articles; one that has no name is left out."""
        return sorted(self._newest.keys() - {""})

    @property
    def holds_itself(self) -> bool:
        """Whether a box that is judged may hold the article on whose page it stands."""
        return any(self._holds_itself(site) for site in self._newest if self._site in ("", site))

    def usual(self) -> Today:
        """How such a site makes its boxes: from tags where articles have them."""
        newest = self.newest
        tagged = sum(bool(tags_of(card)) for card in newest)
        if newest and tagged >= _ENOUGH_TAGGED * len(newest):
            return "tags"
        return "category" if any(card.category for card in newest) else "latest"

    def box(self, card: Card, today: Today) -> list[Card]:
        """Today's box of an article, newest first."""
        found = {other.id: (key, other) for key, other in self._candidates(card, today)}
        if not self._holds_itself(card.site):
            found.pop(card.id, None)
        return _in_order(found.values())[: self._limit]

    def _candidates(self, card: Card, today: Today) -> Iterator[tuple[_Age, Card]]:
        if today == "latest":
            yield from self._newest.get(card.site, ())
            return
        for each in tags_of(card) if today == "tags" else {card.category} - {""}:
            yield from self._sharing.get((card.site, today, each), ())


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
    threshold: float,
    least: float,
    fill: Fill | None = None,
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
    threshold : float
        Similarity from which on two articles are related.
    least : float
        Least similarity of our lists.
    fill : {"category", "latest"}, optional
        What fills our lists up.
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
                ours=judge.box(card, _shown(related(card.id))),
                limit=limit,
            )
        )
        progress("boxes", number, len(newest))
    return Preview(
        today=today,
        holds_itself=boxes.holds_itself,
        judged=len(made),
        articles=articles,
        of_all=articles >= boxes.seen,
        numbers=(
            _counted([each.today for each in made], limit),
            _counted([each.ours for each in made], limit),
        ),
        examples=choose(made, examples, judge.is_near),
        limit=limit,
        related=threshold,
        least=least,
        fill=fill,
    )


def _shown(listed: MatchList) -> list[Match | Filler]:
    """What a page shows of a list: what fits and then what fills up, if it has a title."""
    both: tuple[Match | Filler, ...] = (*listed.matches, *listed.filler)
    return [each for each in both if each.article.title.strip()]


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

    def box(self, card: Card, listed: Sequence[Card | Match | Filler]) -> tuple[Boxed, ...]:
        made: list[Boxed] = []
        for each in listed:
            other = each if isinstance(each, Card) else each.article
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
                    fills=each.reason if isinstance(each, Filler) else "",
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
        "short": lambda each: each.limit - each.fitting if each.today else 0,
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
    return repeated + each.fitting if repeated else 0


def _mark_unrelated(each: Example) -> float:
    unrelated = sum(one.is_unrelated for one in each.today)
    return unrelated + each.fitting if unrelated and each.fitting else 0
