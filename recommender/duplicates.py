"""Near-duplicate pairs → groups that do not drift, each with the article to keep.

A group is a star, not a chain: every member is a near-duplicate of the group's centre, so
that a thousand articles each a little different from the next never become one group. Pure:
order of input changes nothing.
"""

from __future__ import annotations

import heapq
from collections.abc import Collection, Iterable, Mapping
from datetime import datetime, timezone

from recommender.records import Card, DuplicateGroup, DuplicatePair, Match, Verdict

_NONE: frozenset[str] = frozenset()
_NO_DATE = datetime.max.replace(tzinfo=timezone.utc)


def _keep_first(card: Card) -> tuple[datetime, str]:
    """Earliest date, then smallest id: the article to keep comes first."""
    return (card.date or _NO_DATE, card.id)


def group(
    pairs: Iterable[DuplicatePair], *, distinct: Collection[tuple[str, str]] = frozenset()
) -> list[DuplicateGroup]:
    """Put near-duplicates into groups.

    Centres are taken greedily: the article with most near-duplicates that are not yet in a
    group, then the one to keep (earliest date, then smallest id). A pair whose articles end in
    different groups is a bridge that was cut. The centre is the canonical article: of those that
    are near-duplicates of every other member it is the one to keep.

    Two articles decided distinct are never in one group, even where both are near-duplicates
    of its centre: the one that is less close to it is left for another group, or none.

    Parameters
    ----------
    pairs : iterable of DuplicatePair
        Each pair once, in any order; all at or above the wanted verdict.
    distinct : collection of (str, str)
        Ids of pairs that are no duplicates by decision, the smaller first.

    Returns
    -------
    list of DuplicateGroup
        Largest first, then by id of the canonical article.
    """
    cards: dict[str, Card] = {}
    links: dict[str, dict[str, DuplicatePair]] = {}
    for pair in pairs:
        for one, other in ((pair.first, pair.second), (pair.second, pair.first)):
            cards[one.id] = one
            links.setdefault(one.id, {})[other.id] = pair
    apart: dict[str, set[str]] = {}
    for first, second in distinct:
        apart.setdefault(first, set()).add(second)
        apart.setdefault(second, set()).add(first)
    groups = [_build(star, cards, links) for star in _stars(cards, links, apart)]
    return sorted(groups, key=lambda each: (-len(each.members), each.canonical.id))


def _stars(
    cards: Mapping[str, Card],
    links: Mapping[str, Mapping[str, DuplicatePair]],
    apart: Mapping[str, set[str]],
) -> list[list[str]]:
    """Centre first, then its members, for every group."""
    free = set(links)
    degree = {one: len(others) for one, others in links.items()}
    waiting = [(-degree[one], _keep_first(cards[one])) for one in links]
    heapq.heapify(waiting)
    stars = []
    while waiting:
        count, keep = heapq.heappop(waiting)
        centre = keep[1]
        if centre not in free or not degree[centre]:
            continue
        if -count != degree[centre]:  # some of its neighbours were taken meanwhile
            heapq.heappush(waiting, (-degree[centre], keep))
            continue
        star = _star(centre, [other for other in links[centre] if other in free], links, apart)
        free.difference_update(star)
        for one in star:
            for other in links[one]:
                degree[other] -= 1
        stars.append(star)
    return stars


def _star(
    centre: str,
    others: list[str],
    links: Mapping[str, Mapping[str, DuplicatePair]],
    apart: Mapping[str, set[str]],
) -> list[str]:
    """The centre and those of its near-duplicates that may be in one group with one another."""
    closest = sorted(others, key=lambda other: (-links[centre][other].similarity, other))
    members: list[str] = []
    for other in closest:
        if not apart.get(other, _NONE).intersection(members):
            members.append(other)
    return [centre, *sorted(members)]


def _build(
    star: list[str],
    cards: Mapping[str, Card],
    links: Mapping[str, Mapping[str, DuplicatePair]],
) -> DuplicateGroup:
    # The centre was the one to keep among those with as many near-duplicates; where some of
    # them were left out, that may be another one.
    near_all = [one for one in star if all(other == one or other in links[one] for other in star)]
    canonical = min(near_all, key=lambda one: _keep_first(cards[one]))
    matches = []
    for other in star:
        if other == canonical:
            continue
        pair = links[canonical][other]
        forwards = pair.first.id == canonical
        matches.append(
            Match(
                article=cards[other],
                similarity=pair.similarity,
                verdict=pair.verdict,
                relation=pair.relation if forwards else pair.relation.reversed,
                evidence=pair.evidence,
                decision=pair.decision,
            )
        )
    matches.sort(key=lambda match: (-match.similarity, match.article.id))
    all_same_text = all(match.verdict is Verdict.SAME_TEXT for match in matches)
    return DuplicateGroup(
        canonical=cards[canonical],
        members=tuple(matches),
        verdict=Verdict.SAME_TEXT if all_same_text else Verdict.SAME_STORY,
        weakest=min(match.similarity for match in matches),
    )
