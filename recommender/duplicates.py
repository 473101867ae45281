"""Near-duplicate pairs → groups that do not drift, each with the article to keep.

A group is neither a chain nor a loose star: every member is a near-duplicate of the group's
centre and of half of the members closer to it, so that a thousand articles each a little
different from the next never become one group. What would have joined two groups is told as a
bridge. Pure: order of input changes nothing.
"""

from __future__ import annotations

import heapq
from collections.abc import Collection, Iterable, Mapping
from dataclasses import dataclass

from recommender.canonical import CanonicalKey, CanonicalPolicy
from recommender.records import Card, DuplicateGroup, DuplicatePair, Match, Verdict

Links = Mapping[str, Mapping[str, DuplicatePair]]

_NONE: frozenset[str] = frozenset()
# Share of the group so far, its centre included, that a further member is near to. Without it
# a general article gathers all that is told of its subject: the reports of a typhoon's week.
_COHESION = 0.5
_USUAL = CanonicalPolicy(order=("earliest", "smallest-id"))


@dataclass(frozen=True, slots=True, kw_only=True)
class Grouping:
    """What becomes of near-duplicate pairs.

    Attributes
    ----------
    groups : tuple of DuplicateGroup
        Largest first, then by id of the canonical article.
    bridges : tuple of DuplicatePair
        Pairs whose articles are not in one group: what was cut so that groups do not drift.
        Closest first, then by ids.
    """

    groups: tuple[DuplicateGroup, ...]
    bridges: tuple[DuplicatePair, ...]


def group(
    pairs: Iterable[DuplicatePair], *, distinct: Collection[tuple[str, str]] = frozenset()
) -> list[DuplicateGroup]:
    """Put near-duplicates into groups; the earliest article is kept. As `arrange`."""
    return list(arrange(pairs, distinct=distinct, policy=_USUAL).groups)


def arrange(
    pairs: Iterable[DuplicatePair],
    *,
    distinct: Collection[tuple[str, str]] = frozenset(),
    policy: CanonicalPolicy = CanonicalPolicy(),  # noqa: B008 (frozen)
    lengths: Mapping[str, int] | None = None,
) -> Grouping:
    """Put near-duplicates into groups.

    Centres are taken greedily: pinned articles first, then the article with most
    near-duplicates that are not yet in a group, then the one the policy keeps. Members join it
    closest first, unless one that is free and not near the centre is closer to them: the same
    text as the centre always, another story if it is near to half of those in the group by
    then; an article that an editor decided is a duplicate of the centre in any case. The
    canonical article is, of those that are near-duplicates of
    every other member, the one the policy keeps. The centre is always one of them, and so is
    an article whose text equals the centre's.

    Two articles decided distinct are never in one group, even where both are near-duplicates
    of its centre: the one that is less close to it is left for another group, or none.

    Parameters
    ----------
    pairs : iterable of DuplicatePair
        Each pair once, in any order; all at or above the wanted verdict.
    distinct : collection of (str, str)
        Ids of pairs that are no duplicates by decision, the smaller first.
    policy : CanonicalPolicy
    lengths : mapping, optional
        Characters of the articles' texts, by id; for a policy that keeps the longest.
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
    known = lengths or {}
    keys = {each: policy.key(card, known.get(each, 0)) for each, card in cards.items()}
    pinned = frozenset(each for each, card in cards.items() if policy.is_pinned(card))
    stars = _stars(keys, pinned, links, apart)
    groups = [_build(star, cards, keys, links) for star in stars]
    return Grouping(
        groups=tuple(sorted(groups, key=lambda each: (-len(each.members), each.canonical.id))),
        bridges=tuple(_bridges(stars, links)),
    )


def _bridges(stars: list[list[str]], links: Links) -> list[DuplicatePair]:
    home = {each: number for number, star in enumerate(stars) for each in star}
    found = [
        pair
        for one, others in links.items()
        for other, pair in others.items()
        if one < other and (one not in home or home[one] != home.get(other))
    ]
    return sorted(found, key=lambda pair: (-pair.similarity, pair.first.id, pair.second.id))


def _stars(
    keys: Mapping[str, CanonicalKey],
    pinned: Collection[str],
    links: Links,
    apart: Mapping[str, set[str]],
) -> list[list[str]]:
    """Centre first, then its members, for every group."""
    free = set(links)
    degree = {one: len(others) for one, others in links.items()}

    def turn(one: str) -> tuple[bool, int, CanonicalKey, str]:
        return (one not in pinned, -degree[one], keys[one], one)

    waiting = [turn(one) for one in links]
    heapq.heapify(waiting)
    stars = []
    while waiting:
        first = heapq.heappop(waiting)
        centre = first[-1]
        if centre not in free or not degree[centre]:
            continue
        if first != turn(centre):  # some of its neighbours were taken meanwhile
            heapq.heappush(waiting, turn(centre))
            continue
        star = _star(centre, free, links, apart)
        if len(star) == 1:
            continue  # it waits until those that its neighbours are closer to are taken
        free.difference_update(star)
        for one in star:
            for other in links[one]:
                degree[other] -= 1
        for one in star:
            for other in sorted(free.intersection(links[one])):
                heapq.heappush(waiting, turn(other))
        stars.append(star)
    return stars


def _star(
    centre: str, free: Collection[str], links: Links, apart: Mapping[str, set[str]]
) -> list[str]:
    """The centre and those of its near-duplicates that may be in one group with one another."""
    near = links[centre]
    others = [other for other in near if other in free]
    members: list[str] = []
    for other in sorted(others, key=lambda one: (-near[one].similarity, one)):
        pair = near[other]
        elsewhere = max(
            (
                link.similarity
                for one, link in links[other].items()
                if one in free and one not in near and one != centre
            ),
            default=0.0,
        )
        known = 1 + sum(member in links[other] for member in members)
        coheres = pair.verdict is Verdict.SAME_TEXT or known >= _COHESION * (1 + len(members))
        fits = pair.decision is not None or (pair.similarity >= elsewhere and coheres)
        if fits and not apart.get(other, _NONE).intersection(members):
            members.append(other)
    return [centre, *sorted(members)]


def _build(
    star: list[str], cards: Mapping[str, Card], keys: Mapping[str, CanonicalKey], links: Links
) -> DuplicateGroup:
    centre, members = star[0], set(star)
    linked = {one: sum(other in members for other in links[one]) for one in star}
    equal = {one for one in star[1:] if links[centre][one].evidence.same_text}
    near_all = [one for one in star if linked[one] == len(star) - 1 or one in equal]
    canonical = min(near_all, key=keys.__getitem__)
    matches = []
    for other in star:
        if other == canonical:
            continue
        # What holds for the centre holds for an article of the same text.
        one = canonical if other in links[canonical] else centre
        pair = links[one][other]
        forwards = pair.first.id == one
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
    pairs = len(star) * (len(star) - 1) // 2
    return DuplicateGroup(
        canonical=cards[canonical],
        members=tuple(matches),
        verdict=Verdict.SAME_TEXT if all_same_text else Verdict.SAME_STORY,
        weakest=min(match.similarity for match in matches),
        loose=pairs - sum(linked.values()) // 2,
    )
