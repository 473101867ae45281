"""Groups of near-duplicates: stars that do not drift, whatever the order of the pairs."""

from __future__ import annotations

import random
from collections.abc import Iterable
from dataclasses import replace
from datetime import datetime, timedelta, timezone
from typing import Any

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from recommender.canonical import CanonicalPolicy
from recommender.duplicates import arrange, group
from recommender.errors import ConfigError
from recommender.records import Card, DuplicateGroup, DuplicatePair, Evidence, Relation, Verdict

START = datetime(2025, 7, 1, tzinfo=timezone.utc)
Edge = tuple[int, int]


def card(number: int, day: int | None = None) -> Card:
    date = None if day is None else START + timedelta(days=day)
    return Card(id=f"n{number:04d}", date=date)


def pair(
    one: Card,
    other: Card,
    similarity: float = 0.8,
    verdict: Verdict = Verdict.SAME_STORY,
    relation: Relation = Relation.OTHER,
) -> DuplicatePair:
    first, second = sorted((one, other), key=lambda each: each.id)
    return DuplicatePair(
        first=first,
        second=second,
        similarity=similarity,
        verdict=verdict,
        relation=relation,
        evidence=Evidence(cosine=similarity),
    )


def groups_of(
    edges: Iterable[Edge],
    days: dict[int, int] | None = None,
    verdict: Verdict = Verdict.SAME_STORY,
) -> list[tuple[str, set[str]]]:
    known = days or {}
    found = group(
        pair(card(one, known.get(one)), card(other, known.get(other)), verdict=verdict)
        for one, other in edges
    )
    return [(each.canonical.id, ids(each)) for each in found]


def ids(found: DuplicateGroup) -> set[str]:
    return {match.article.id for match in found.members}


def names(*numbers: int) -> set[str]:
    return {f"n{number:04d}" for number in numbers}


@st.composite
def graphs(draw: st.DrawFn) -> list[DuplicatePair]:
    cards = [card(n, draw(st.one_of(st.none(), st.integers(0, 3)))) for n in range(14)]
    edges = draw(
        st.sets(st.tuples(st.integers(0, 13), st.integers(0, 13)).filter(lambda e: e[0] < e[1]))
    )
    return [
        pair(
            cards[one],
            cards[other],
            draw(st.integers(75, 100)) / 100,
            draw(st.sampled_from([Verdict.SAME_TEXT, Verdict.SAME_STORY])),
            draw(st.sampled_from(list(Relation))),
        )
        for one, other in sorted(edges)
    ]


# Single groups


def test_no_pairs_make_no_groups() -> None:
    assert group([]) == []


def test_a_pair_is_a_group_that_keeps_the_earlier_article() -> None:
    assert groups_of([(1, 2)], {1: 5, 2: 3}) == [("n0002", names(1))]
    assert groups_of([(1, 2)], {1: 3, 2: 3}) == [("n0001", names(2))]


def test_an_article_without_a_date_is_not_the_one_to_keep() -> None:
    assert groups_of([(1, 2)], {2: 900}) == [("n0002", names(1))]
    assert groups_of([(1, 2)]) == [("n0001", names(2))]


def test_of_mutual_copies_the_earliest_is_kept() -> None:
    edges = [(1, 2), (1, 3), (2, 3)]
    assert groups_of(edges, {1: 2, 2: 1, 3: 0}) == [("n0003", names(1, 2))]


def test_the_canonical_article_is_near_every_member_even_when_another_is_earlier() -> None:
    # 1 is the earliest, but only 3 is a near-duplicate of all the others.
    assert groups_of([(1, 3), (2, 3), (3, 4)], {1: 0, 2: 1, 3: 9, 4: 2}, Verdict.SAME_TEXT) == [
        ("n0003", names(1, 2, 4))
    ]


def test_members_carry_what_was_found_against_the_canonical_article() -> None:
    one, other, third = card(1, 9), card(2, 0), card(3, 5)
    pairs = [
        pair(one, other, 0.95, Verdict.SAME_TEXT, Relation.CONTAINS),
        pair(other, third, 0.80, Verdict.SAME_STORY, Relation.CONTAINS),
        pair(one, third, 0.76, Verdict.SAME_STORY, Relation.COPY),
    ]
    (found,) = group(pairs)
    assert found.canonical == other
    assert [match.article for match in found.members] == [one, third]
    # The relation is read from the canonical article to the member.
    assert [match.relation for match in found.members] == [
        Relation.CONTAINED_IN,
        Relation.CONTAINS,
    ]
    assert [match.similarity for match in found.members] == [0.95, 0.80]
    assert [match.evidence for match in found.members] == [pairs[0].evidence, pairs[1].evidence]
    assert found.verdict is Verdict.SAME_STORY
    assert found.weakest == 0.80


def test_a_group_of_equal_texts_has_that_verdict() -> None:
    texts = [pair(card(1), card(n), 0.97, Verdict.SAME_TEXT) for n in (2, 3)]
    # What two members are to one another does not count.
    (found,) = group([*texts, pair(card(2), card(3), 0.8)])
    assert found.canonical.id == "n0001"
    assert found.verdict is Verdict.SAME_TEXT
    assert found.weakest == 0.97


def test_members_of_one_similarity_go_by_id() -> None:
    (found,) = group(pair(card(1), card(n), verdict=Verdict.SAME_TEXT) for n in (5, 3, 4, 2))
    assert [match.article.id for match in found.members] == ["n0002", "n0003", "n0004", "n0005"]


# Several groups


def test_a_bridge_between_two_stories_is_cut() -> None:
    first = [(1, 2), (1, 3), (1, 4), (2, 3), (2, 4)]
    second = [(5, 6), (5, 7), (5, 8), (6, 7), (6, 8)]
    expected = [("n0001", names(2, 3, 4)), ("n0005", names(6, 7, 8))]
    assert groups_of(first + second) == expected
    assert groups_of([*first, (4, 8), *second]) == expected


def test_the_largest_star_is_taken_first_and_listed_first() -> None:
    edges = [(1, 2), (2, 3), (3, 4), (3, 5), (3, 6)]
    text = Verdict.SAME_TEXT
    assert groups_of(edges, verdict=text) == [("n0003", names(2, 4, 5, 6))]
    assert groups_of([*edges, (1, 7)], verdict=text) == [
        ("n0003", names(2, 4, 5, 6)),
        ("n0001", names(7)),
    ]


def test_articles_already_in_a_group_do_not_make_a_star_larger() -> None:
    # 10 has most neighbours after 1, but three of them go with 1; then 20 has more.
    hub = [(1, n) for n in range(2, 7)]
    edges = [*hub, (3, 10), (4, 10), (5, 10), (10, 11), (11, 20), (20, 21), (20, 22)]
    found = groups_of(edges, verdict=Verdict.SAME_TEXT)
    assert found == [("n0001", names(*range(2, 7))), ("n0020", names(11, 21, 22))]


def test_a_long_chain_never_becomes_one_group() -> None:
    found = groups_of((n, n + 1) for n in range(1_000))
    assert max(len(members) for _, members in found) == 2
    assert len(found) >= 333


def test_a_thousand_copies_of_one_article_are_one_group() -> None:
    (found,) = groups_of(((0, n) for n in range(1, 1_000)), verdict=Verdict.SAME_TEXT)
    assert found == ("n0000", names(*range(1, 1_000)))


def test_a_general_article_does_not_gather_all_stories_on_its_subject() -> None:
    # 0 is near to everything on the typhoon; 1 to 3 tell of the landfall, the rest of other days.
    landfall = [(1, 2), (1, 3), (2, 3)]
    hub = [(0, n) for n in range(1, 21)]
    pairs = [pair(card(a), card(b), 0.9 if b < 4 else 0.8) for a, b in [*landfall, *hub]]
    (found,) = group(pairs)
    assert {found.canonical.id, *ids(found)} == names(0, 1, 2, 3)
    bridges = arrange(pairs).bridges
    assert [each.second.id for each in bridges] == sorted(names(*range(4, 21)))


def test_an_article_of_the_same_text_as_the_centre_may_be_the_one_to_keep() -> None:
    # Equal texts are often linked to one of them only, here 9; the earliest is kept all the same.
    cards = [card(n, n) for n in range(1, 10)]
    equal = [
        replace(pair(cards[8], each, 1.0, Verdict.SAME_TEXT), evidence=Evidence(same_text=True))
        for each in cards[:7]
    ]
    longer = pair(cards[8], cards[7], 0.92, Verdict.SAME_TEXT, Relation.CONTAINS)
    (found,) = group([*equal, longer])
    assert found.canonical.id == "n0001"
    assert ids(found) == names(*range(2, 10))
    (weakest,) = [each for each in found.members if each.article.id == "n0008"]
    assert (weakest.similarity, weakest.relation) == (0.92, Relation.CONTAINED_IN)


def test_an_article_goes_with_the_one_it_is_closest_to() -> None:
    pairs = [pair(card(a), card(b), s) for a, b, s in [(1, 2, 0.95), (2, 3, 0.8), (3, 4, 0.93)]]
    found = arrange(pairs)
    assert [each.ids for each in found.groups] == [("n0001", "n0002"), ("n0003", "n0004")]
    assert [(each.first.id, each.second.id) for each in found.bridges] == [("n0002", "n0003")]


def test_a_rising_chain_falls_into_small_groups() -> None:
    pairs = [pair(card(n), card(n + 1), 0.75 + n / 10_000) for n in range(1_000)]
    found = arrange(pairs)
    assert {len(each.ids) for each in found.groups} <= {2, 3}
    assert len(found.groups) >= 333


# The policy


def test_a_pinned_article_is_kept_and_gathers_its_own_duplicates() -> None:
    edges = [(1, 2), (1, 3), (2, 3), (3, 4)]
    pairs = [pair(card(a, a), card(b, b), 0.8) for a, b in edges]
    policy = CanonicalPolicy(pinned=frozenset(names(4)))
    assert [each.ids for each in arrange(pairs, policy=policy).groups] == [
        ("n0001", "n0002"),
        ("n0004", "n0003"),
    ]
    without = CanonicalPolicy(order=("earliest",), pinned=frozenset(names(4)))
    assert arrange(pairs, policy=without).groups[0].canonical.id == "n0001"


def test_each_criterion_decides_in_its_turn() -> None:
    def kept(*order: str, **more: object) -> str:
        one = Card(id="a", source="wire", date=START, extra={"visits": "1,200"})
        other = Card(id="b", source="本报", date=START + timedelta(days=1), extra={"visits": 90})
        policy = CanonicalPolicy(order=order, own_sources=frozenset(["本报"]), **more)  # type: ignore[arg-type]
        lengths = {"a": 300, "b": 800}
        (found,) = arrange([pair(one, other)], policy=policy, lengths=lengths).groups
        return found.canonical.id

    assert kept("own") == "b"
    assert kept("own", "earliest") == "b"
    assert kept("earliest", "own") == "a"
    assert kept("longest") == "b"
    assert kept("most-visited") == "a"
    assert kept("smallest-id") == "a"
    assert kept() == "a"
    assert kept("pinned", pinned=frozenset(["b"])) == "b"
    assert kept("longest", "earliest", visits_field="reads") == "b"


@pytest.mark.parametrize(
    "wrong",
    [
        {"order": ("newest",)},
        {"order": ("own", "own")},
        {"order": "own"},
        {"pinned": "cms-1"},
        {"own_sources": [1]},
        {"visits_field": None},
    ],
)
def test_a_policy_that_makes_no_sense_is_refused(wrong: dict[str, Any]) -> None:
    with pytest.raises(ConfigError):
        CanonicalPolicy(**wrong)


def test_what_is_no_number_of_visits_counts_as_none() -> None:
    policy = CanonicalPolicy(order=("most-visited",))
    for value in (None, "many", [], {}, float("nan"), True, "1e999"):
        odd, visited = Card(id="a", extra={"visits": value}), Card(id="b", extra={"visits": 2})
        (found,) = arrange([pair(odd, visited)], policy=policy).groups
        assert found.canonical.id == "b"


# Bridges


@given(graphs(), st.randoms(use_true_random=False))
def test_every_pair_is_in_a_group_or_a_bridge(
    pairs: list[DuplicatePair], draw: random.Random
) -> None:
    found = arrange(pairs)
    home = {each: number for number, group in enumerate(found.groups) for each in group.ids}
    apart = {
        (each.first.id, each.second.id)
        for each in pairs
        if home.get(each.first.id, -1) != home.get(each.second.id, -2)
    }
    assert {(each.first.id, each.second.id) for each in found.bridges} == apart
    shuffled = list(pairs)
    draw.shuffle(shuffled)
    assert arrange(shuffled) == found
    for each in found.groups:
        inside = len(each.ids) * (len(each.ids) - 1) // 2
        linked = sum({one.first.id, one.second.id} <= set(each.ids) for one in pairs)
        assert each.loose == inside - linked
        assert each.weakest_pair == (each.canonical.id, each.members[-1].article.id)


# All graphs


@given(graphs())
@settings(max_examples=300)
def test_groups_are_stars_and_every_article_is_in_at_most_one(pairs: list[DuplicatePair]) -> None:
    links = {frozenset((each.first.id, each.second.id)): each for each in pairs}
    seen: set[str] = set()
    for found in group(pairs):
        assert found.members
        everyone = {found.canonical.id, *ids(found)}
        assert len(everyone) == len(found.members) + 1
        assert not everyone & seen
        seen |= everyone
        for match in found.members:
            link = links[frozenset((found.canonical.id, match.article.id))]
            assert (match.similarity, match.verdict) == (link.similarity, link.verdict)
            forwards = link.first == found.canonical
            assert match.relation is (link.relation if forwards else link.relation.reversed)
        assert found.weakest == min(match.similarity for match in found.members)
        assert found.verdict is max(
            (match.verdict for match in found.members), key=list(Verdict).index
        )
    # Nothing is left over: of every pair at least one article is in a group.
    assert all(link & seen for link in links)


@given(graphs())
def test_the_canonical_article_is_the_earliest_that_is_near_all_members(
    pairs: list[DuplicatePair],
) -> None:
    links = {frozenset((each.first.id, each.second.id)) for each in pairs}
    late = START + timedelta(days=99)
    for found in group(pairs):
        everyone = [found.canonical, *(match.article for match in found.members)]
        central = [
            one
            for one in everyone
            if all(one is other or frozenset((one.id, other.id)) in links for other in everyone)
        ]
        assert found.canonical == min(central, key=lambda one: (one.date or late, one.id))


@given(graphs(), st.randoms(use_true_random=False))
@settings(max_examples=200)
def test_the_order_of_the_pairs_does_not_show(
    pairs: list[DuplicatePair], draw: random.Random
) -> None:
    shuffled = list(pairs)
    draw.shuffle(shuffled)
    assert group(shuffled) == group(pairs)
    assert group(iter(pairs[::-1])) == group(pairs)


@given(graphs())
def test_groups_come_largest_first_then_by_id(pairs: list[DuplicatePair]) -> None:
    keys = [(-len(found.members), found.canonical.id) for found in group(pairs)]
    assert keys == sorted(keys)


# Pairs decided distinct


@given(graphs(), st.data())
def test_distinct_articles_are_never_in_one_group(
    pairs: list[DuplicatePair], data: st.DataObject
) -> None:
    linked = {(each.first.id, each.second.id) for each in pairs}
    every = sorted({one for each in linked for one in each})
    free = [(a, b) for a in every for b in every if a < b and (a, b) not in linked]
    distinct = frozenset(data.draw(st.sets(st.sampled_from(free))) if free else ())
    found = group(pairs, distinct=distinct)
    inside = [[each.canonical.id, *sorted(ids(each))] for each in found]
    everywhere = [one for each in inside for one in each]
    assert len(everywhere) == len(set(everywhere))
    for members in inside:
        assert all((a, b) not in distinct for a in members for b in members)
        for other in members[1:]:
            assert (min(members[0], other), max(members[0], other)) in linked
    shuffled = list(pairs)
    data.draw(st.randoms()).shuffle(shuffled)
    assert group(shuffled, distinct=distinct) == found


def test_the_less_close_of_two_distinct_articles_leaves_the_group() -> None:
    centre, near, far, alone = card(1, 5), card(2, 0), card(3, 9), card(4, 9)
    pairs = [pair(centre, near, 0.95), pair(centre, far, 0.8), pair(centre, alone, 0.85)]
    found = group(pairs, distinct={("n0002", "n0003")})
    # Of the two that are left beside the centre none is near every other: it stays the one to keep.
    assert [(each.canonical.id, ids(each)) for each in found] == [("n0001", names(2, 4))]
    (found_pair,) = group(pairs, distinct={("n0002", "n0003"), ("n0002", "n0004")})
    # Alone with the centre, the earlier of the two is the one to keep.
    assert (found_pair.canonical.id, ids(found_pair)) == ("n0002", names(1))
