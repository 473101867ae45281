"""Wishes to send readers of one article to another → redirects without chains and loops.

A wish is an editor's mark *merge*, or an automatic pair. What is wished is followed to its end
(A to B, B to C: both to C), and only what a server can do and a reader has a use for is left.
Every wish that is not fulfilled is told with its reason.

Servers know pages, not articles: all rules are about what the URLs ask for, so that two articles
of one address, or addresses that differ only in "https", never make a loop.

Pure; the moment comes in, and so does what is known of the texts.
"""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Callable, Iterable, Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime, timezone
from typing import Literal

from recommender.addresses import Address, parse_address
from recommender.records import Card

Reason = Literal[
    "missing",
    "stale",
    "no-url",
    "bad-url",
    "same-url",
    "shared-url",
    "home-page",
    "other-site",
    "other-host",
    "other-language",
    "not-public",
    "round-up",
    "distinct",
    "kept",
    "not-copy",
    "rewritten",
    "days-apart",
    "contradiction",
    "other-target",
    "loop",
    "too-long",
]
REASONS: Mapping[Reason, str] = {
    "missing": "an article is not in the index",
    "stale": "a text was edited after the decision; decide again",
    "no-url": "an article has no URL",
    "bad-url": "a URL is no address of http or https, and no path from the root of the site",
    "same-url": "both have one address",
    "shared-url": "another public article has the same address",
    "home-page": "it is the first page of the site",
    "other-site": "they are on two sites",
    "other-host": "their URLs are on two hosts",
    "other-language": "they are in two languages, and no editor decided it",
    "not-public": "readers may not see the target now",
    "round-up": "one is a brief inside the other, which tells other stories too",
    "distinct": "an editor decided that the two are no duplicates",
    "kept": "an editor decided that both stay",
    "not-copy": "neither is a copy of the other, and no editor decided it",
    "rewritten": "one is a rewritten version, and no editor decided it",
    "days-apart": "they were published too far apart for copies, and no editor decided it",
    "contradiction": "their facts contradict one another, and no editor decided it",
    "other-target": "it is to be redirected elsewhere",
    "loop": "the decisions lead in a circle",
    "too-long": "the addresses are too long for a file of this format",
}
_LONG_AGO = datetime.min.replace(tzinfo=timezone.utc)
_LISTED = 10

Pair = tuple[str, str]
IsPart = Callable[[str, str], bool]


@dataclass(frozen=True, slots=True, kw_only=True)
class Wish:
    """A wish to redirect one article to another.

    Attributes
    ----------
    source, target : Card
        From where, and to where.
    automatic : bool
        Whether no editor decided it.
    decided_at : datetime or None
        When an editor did.
    """

    source: Card
    target: Card
    automatic: bool = False
    decided_at: datetime | None = None


@dataclass(frozen=True, slots=True, kw_only=True)
class Redirect:
    """One page that is sent to another.

    Attributes
    ----------
    source, target : Card
    from_address, to_address : Address
        Of the two; on one host.
    automatic : bool
        Whether no editor decided it.
    wished : str
        Id of the article it was to be redirected to; another than the target's where that one
        is redirected itself.
    exact_case : bool
        Whether another page's address differs from the source's only in small and capital
        letters, so that a server must tell them apart.
    """

    source: Card
    target: Card
    from_address: Address
    to_address: Address
    automatic: bool
    wished: str
    exact_case: bool = False


@dataclass(frozen=True, slots=True, kw_only=True)
class LeftOut:
    """A wish that is not fulfilled.

    Attributes
    ----------
    source_id, target_id : str
    reason : str
        One of `REASONS`.
    detail : str
        What else there is to say: the article that is in the way, the circle.
    """

    source_id: str
    target_id: str
    reason: Reason
    detail: str = ""

    @property
    def text(self) -> str:
        """The reason in words."""
        return REASONS[self.reason] + (f" ({self.detail})" if self.detail else "")


@dataclass(frozen=True, slots=True, kw_only=True)
class RedirectMap:
    """What becomes of wishes.

    Attributes
    ----------
    redirects : tuple of Redirect
        By the source's address. No page is both a source and a target, none is a source twice.
    left_out : tuple of LeftOut
        By the ids of source and target.
    """

    redirects: tuple[Redirect, ...]
    left_out: tuple[LeftOut, ...]


@dataclass(frozen=True, slots=True)
class _Edge:
    """A wish that a server could fulfil, as far as it alone is looked at."""

    wish: Wish
    start: Address
    end: Address

    def left_out(self, reason: Reason, detail: str = "", target: Card | None = None) -> LeftOut:
        return _left_out(self.wish.source, target or self.wish.target, reason, detail)


@dataclass(frozen=True, slots=True)
class _Rules:
    """What is asked of a source and the end of its chain."""

    now: datetime
    settled: Mapping[Pair, Reason]
    is_part: IsPart

    def objection(self, edge: _Edge, last: _Edge) -> LeftOut | None:
        """Why a page cannot be redirected by an edge to the target of the last one."""
        source, end = edge.wish.source, last.wish.target
        if not end.is_public(self.now):
            return edge.left_out("not-public", target=end)
        for target in (edge.wish.target, end):
            reason = self.settled.get((min(source.id, target.id), max(source.id, target.id)))
            if reason:
                return edge.left_out(reason, target=target)
            if edge.wish.automatic and source.language != target.language:
                return edge.left_out("other-language", target=target)
            if self.is_part(source.id, target.id):
                return edge.left_out("round-up", target=target)
        return None


def make_redirects(
    wishes: Iterable[Wish],
    *,
    now: datetime,
    others: Iterable[Card] = (),
    settled: Mapping[Pair, Reason] | None = None,
    is_part: IsPart = lambda first, second: False,
) -> RedirectMap:
    """Redirects that fulfil wishes, free of chains and loops.

    Where a page is to be redirected to several, an editor's wish wins over an automatic one,
    then the latest decision, then the smallest ids. A circle is opened where it is weakest by
    the same order. A chain is followed to its end; where that may not be the target (it is not
    public, say), the last step falls away and the article before it is the end.

    Parameters
    ----------
    wishes : iterable of Wish
        In any order.
    now : datetime
        At which targets must be public; aware.
    others : iterable of Card
        All other articles: an address that two public ones have is never redirected.
    settled : mapping of (str, str) to {"distinct", "kept"}, optional
        Pairs, the smaller id first, that are not to be redirected to one another.
    is_part : callable
        Given the ids of source and target, whether one is a brief inside the other that tells
        other stories too.

    Returns
    -------
    RedirectMap
    """
    ordered = [wish for _, wish in sorted({_rank(each): each for each in wishes}.items())]
    looked_at = [_edge(each) for each in ordered]
    left = [each for each in looked_at if isinstance(each, LeftOut)]
    edges = [each for each in looked_at if isinstance(each, _Edge)]
    wished = [card for each in ordered for card in (each.source, each.target)]
    pages = _pages(edges, (*others, *wished) if edges else (), now)
    chosen: dict[str, _Edge] = {}
    rivals: list[_Edge] = []
    for edge in edges:
        others_there = sorted(pages.owners[edge.start.page] - {edge.wish.source.id})
        if others_there:
            left.append(edge.left_out("shared-url", ", ".join(others_there[:_LISTED])))
        elif chosen.setdefault(edge.start.page, edge) is not edge:
            rivals.append(edge)
    left += _open_circles(chosen)
    last, objections = _follow(chosen, _Rules(now, settled or {}, is_part))
    redirects = [
        Redirect(
            source=chosen[page].wish.source,
            target=edge.wish.target,
            from_address=chosen[page].start,
            to_address=edge.end,
            automatic=chosen[page].wish.automatic,
            wished=chosen[page].wish.target.id,
            exact_case=page in pages.alike,
        )
        for page, edge in sorted(last.items())
    ]
    left += [*objections, *_lost(rivals, chosen, last)]
    return RedirectMap(redirects=tuple(redirects), left_out=in_order(left))


def in_order(left_out: Iterable[LeftOut]) -> tuple[LeftOut, ...]:
    """Each once, by the ids of source and target."""
    return tuple(
        sorted(
            set(left_out), key=lambda one: (one.source_id, one.target_id, one.reason, one.detail)
        )
    )


def _rank(wish: Wish) -> tuple[bool, float, str, str]:
    """Wishes that win come first."""
    when = (wish.decided_at or _LONG_AGO) - _LONG_AGO
    return (wish.automatic, -when.total_seconds(), wish.source.id, wish.target.id)


def _left_out(source: Card, target: Card, reason: Reason, detail: str = "") -> LeftOut:
    return LeftOut(source_id=source.id, target_id=target.id, reason=reason, detail=detail)


def _edge(wish: Wish) -> _Edge | LeftOut:
    source, target = wish.source, wish.target
    for card in (source, target):
        if not card.url:
            return _left_out(source, target, "no-url", card.id)
    start, end = parse_address(source.url), parse_address(target.url)
    # Of a page only a part was meant, which no server is told.
    if start is None or start.fragment:
        return _left_out(source, target, "bad-url", source.url)
    if end is None:
        return _left_out(source, target, "bad-url", target.url)
    if start.page == end.page:
        return _left_out(source, target, "same-url")
    if source.site != target.site:
        return _left_out(source, target, "other-site", f"{source.site!r}, {target.site!r}")
    if start.host != end.host:
        return _left_out(source, target, "other-host", f"{start.host!r}, {end.host!r}")
    if start.is_home:
        return _left_out(source, target, "home-page")
    return _Edge(wish, start, end)


@dataclass(frozen=True, slots=True)
class _Pages:
    """What other articles have to do with the pages that are to be redirected."""

    owners: Mapping[str, set[str]]  # page → ids of public articles that are there
    alike: frozenset[str]  # pages that others differ from only in small and capital letters


def _pages(edges: Sequence[_Edge], cards: Iterable[Card], now: datetime) -> _Pages:
    starts = {edge.start.page for edge in edges}
    folded = {page.lower() for page in starts}
    owners: dict[str, set[str]] = {page: set() for page in starts}
    spellings: defaultdict[str, set[str]] = defaultdict(set)
    for card in cards:
        address = parse_address(card.url)
        if address is None or address.page.lower() not in folded:
            continue
        page = address.page
        spellings[page.lower()].add(page)
        if page in starts and card.is_public(now):
            owners[page].add(card.id)
    alike = frozenset(page for page in starts if len(spellings[page.lower()]) > 1)
    return _Pages(owners, alike)


def _open_circles(chosen: dict[str, _Edge]) -> list[LeftOut]:
    """Take the weakest step out of every circle."""
    left = []
    seen: set[str] = set()
    for start in sorted(chosen):
        way: dict[str, None] = {}
        page = start
        while page in chosen and page not in seen:
            seen.add(page)
            way[page] = None
            page = chosen[page].end.page
        if page not in way:
            continue
        steps = list(way)
        circle = steps[steps.index(page) :]
        weakest = max(circle, key=lambda each: _rank(chosen[each].wish))
        place = circle.index(weakest)
        ids = [chosen[each].wish.source.id for each in (*circle[place:], *circle[:place])]
        shown = [*ids, ids[0]] if len(ids) <= _LISTED else [*ids[:_LISTED], "…", ids[0]]
        left.append(chosen.pop(weakest).left_out("loop", " → ".join(shown)))
    return left


def _follow(chosen: Mapping[str, _Edge], rules: _Rules) -> tuple[dict[str, _Edge], list[LeftOut]]:
    """The last step of the chain that begins at each page, and what rules speak against.

    Chains are judged from their ends: a step that falls away makes an end of its page.
    """
    last: dict[str, _Edge] = {}
    objections: list[LeftOut] = []
    judged: set[str] = set()
    for start in sorted(chosen):
        way = []
        page = start
        while page in chosen and page not in judged:
            judged.add(page)
            way.append(page)
            page = chosen[page].end.page
        for each in reversed(way):
            edge = chosen[each]
            end = last.get(edge.end.page, edge)
            objection = rules.objection(edge, end)
            if objection is None:
                last[each] = end
            else:
                objections.append(objection)
    return last, objections


def _lost(
    rivals: Iterable[_Edge], chosen: Mapping[str, _Edge], last: Mapping[str, _Edge]
) -> list[LeftOut]:
    """Wishes that another one was preferred to, unless they come to the same."""
    left = []
    for edge in rivals:
        page = edge.start.page
        winner = last.get(page) or chosen.get(page)
        end = last.get(edge.end.page, edge)
        if page not in last or winner is None or winner.end.page != end.end.page:
            left.append(edge.left_out("other-target", winner.wish.target.id if winner else ""))
    return left
