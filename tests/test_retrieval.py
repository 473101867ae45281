"""Lists: what is cut, ranked, covered by another article or spread out, and what a list says."""

from __future__ import annotations

import math
import random
from collections.abc import Mapping, Sequence
from datetime import datetime, timedelta, timezone

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from numpy.typing import NDArray

from recommender.config import Thresholds
from recommender.errors import ConfigError
from recommender.records import Card
from recommender.retrieval import (
    Candidate,
    Ranking,
    Selection,
    relevance,
    select_near_duplicates,
    select_related,
    shortfall,
)

NOW = datetime(2025, 7, 1, tzinfo=timezone.utc)
Links = Mapping[int, frozenset[int]]


def candidate(
    row: int, similarity: float, *, days: float | None = None, name: str = ""
) -> Candidate:
    date = None if days is None else NOW - timedelta(days=days)
    return Candidate(row, Card(id=name or f"n{row:03d}", date=date), similarity, row)


def linked(*pairs: tuple[int, int]) -> Links:
    links: dict[int, set[int]] = {}
    for one, other in pairs:
        links.setdefault(one, set()).add(other)
        links.setdefault(other, set()).add(one)
    return {row: frozenset(others) for row, others in links.items()}


def no_vectors(candidates: Sequence[Candidate]) -> NDArray[np.float32]:
    raise AssertionError("vectors are asked only for diversity")


def select(
    candidates: Sequence[Candidate],
    *,
    limit: int = 10,
    min_similarity: float = 0.5,
    ranking: Ranking | None = None,
    links: Links | None = None,
    vectors: Mapping[int, Sequence[float]] | None = None,
    thresholds: Thresholds | None = None,
) -> Selection:
    def given_vectors(asked: Sequence[Candidate]) -> NDArray[np.float32]:
        assert vectors is not None
        units = [np.array(vectors[each.row]) / math.hypot(*vectors[each.row]) for each in asked]
        return np.array(units, dtype=np.float32).reshape(len(asked), -1 if asked else 1)

    return select_related(
        candidates,
        limit=limit,
        thresholds=thresholds or Thresholds(),
        min_similarity=min_similarity,
        ranking=ranking or Ranking(),
        now=NOW,
        near_duplicates=lambda each: (links or {}).get(each.row, frozenset()),
        vectors=no_vectors if vectors is None else given_vectors,
    )


def rows(selection: Selection) -> list[int]:
    return [each.row for each in selection.chosen]


@st.composite
def cases(draw: st.DrawFn) -> tuple[list[Candidate], Links]:
    count = draw(st.integers(0, 14))
    candidates = [
        candidate(
            row,
            draw(st.integers(0, 20)) / 20,
            days=draw(st.one_of(st.none(), st.integers(-3, 400).map(float))),
        )
        for row in range(count)
    ]
    pairs = draw(
        st.lists(
            st.tuples(st.integers(0, 13), st.integers(0, 13)).filter(
                lambda pair: pair[0] != pair[1]
            ),
            max_size=12,
        )
    )
    return candidates, linked(*pairs)


# Cutting and ordering


def test_the_closest_come_first_and_ties_go_by_id() -> None:
    found = select(
        [
            candidate(1, 0.6),
            candidate(2, 0.7),
            candidate(4, 0.6, name="b"),
            candidate(3, 0.6, name="a"),
        ]
    )
    assert rows(found) == [2, 3, 4, 1]


def test_the_least_similarity_is_included_and_the_start_of_near_duplicates_is_not() -> None:
    found = select(
        [candidate(1, 0.5), candidate(2, 0.4999), candidate(3, 0.75), candidate(4, 0.7499)]
    )
    assert rows(found) == [4, 1]
    assert found.own_duplicates == ("n003",)
    assert found.considered == 3


def test_near_duplicates_of_the_article_are_named_closest_first() -> None:
    found = select(
        [candidate(1, 0.8), candidate(2, 0.95), candidate(3, 0.95, name="a"), candidate(4, 0.6)]
    )
    assert found.own_duplicates == ("a", "n002", "n001")
    assert rows(found) == [4]


def test_the_users_thresholds_say_where_near_duplicates_begin() -> None:
    strict = Thresholds(same_text=0.95, same_story=0.9)
    found = select([candidate(1, 0.8), candidate(2, 0.9)], thresholds=strict)
    assert rows(found) == [1]
    assert found.own_duplicates == ("n002",)


def test_no_candidates_make_an_empty_list() -> None:
    assert select([]) == Selection(chosen=(), covered=(), own_duplicates=(), considered=0)


# One article a story


def test_one_story_enters_once_and_says_what_it_covers() -> None:
    found = select(
        [candidate(1, 0.70), candidate(2, 0.69), candidate(3, 0.68), candidate(4, 0.60)],
        links=linked((1, 2), (1, 4)),
    )
    assert rows(found) == [1, 3]
    assert found.covered == (("n002", "n004"), ())


def test_a_covered_article_does_not_cover_others() -> None:
    # 3 is near 2 but not near 1: it tells another story than the one in the list.
    found = select(
        [candidate(1, 0.70), candidate(2, 0.69), candidate(3, 0.68)], links=linked((1, 2), (2, 3))
    )
    assert rows(found) == [1, 3]
    assert found.covered == (("n002",), ())


def test_near_duplicates_below_the_least_similarity_are_not_covered() -> None:
    found = select([candidate(1, 0.7), candidate(2, 0.3)], links=linked((1, 2), (1, 99)))
    assert found.covered == ((),)


def test_a_full_list_still_covers_what_comes_after_it() -> None:
    found = select(
        [candidate(1, 0.70), candidate(2, 0.69), candidate(3, 0.60)], limit=1, links=linked((1, 3))
    )
    assert rows(found) == [1]
    assert found.covered == (("n003",),)
    assert found.considered == 3


@given(
    cases(), st.integers(0, 8), st.sampled_from([None, 0.5, 30.0]), st.sampled_from([0.0, 0.3, 1.0])
)
@settings(max_examples=300, deadline=None)
def test_a_list_keeps_its_promises(
    case: tuple[list[Candidate], Links], limit: int, half_life: float | None, diversity: float
) -> None:
    candidates, links = case
    found = select(
        candidates,
        limit=limit,
        links=links,
        ranking=Ranking(half_life_days=half_life, diversity=diversity),
        vectors={each.row: [1.0, each.row % 3, each.row % 5] for each in candidates},
    )
    chosen = set(rows(found))
    assert len(chosen) == len(found.chosen) <= limit
    assert len(found.covered) == len(found.chosen)
    assert all(0.5 <= each.similarity < 0.75 for each in found.chosen)
    for row in chosen:
        assert not links.get(row, frozenset()) & chosen
    named = [*found.own_duplicates, *(id_ for ids in found.covered for id_ in ids)]
    named += [each.card.id for each in found.chosen]
    assert len(named) == len(set(named)) <= found.considered
    by_id = {each.card.id: each for each in candidates}
    for each, ids in zip(found.chosen, found.covered, strict=True):
        assert all(by_id[id_].row in links[each.row] for id_ in ids)
    # A list ends early only when nothing is left that no chosen article covers.
    if len(chosen) < limit:
        eligible = [each for each in candidates if 0.5 <= each.similarity < 0.75]
        for each in eligible:
            assert each.row in chosen or links[each.row] & chosen


@given(cases(), st.randoms(use_true_random=False))
def test_the_order_of_the_candidates_does_not_show(
    case: tuple[list[Candidate], Links], draw: random.Random
) -> None:
    candidates, links = case
    shuffled = list(candidates)
    draw.shuffle(shuffled)
    assert select(shuffled, links=links) == select(candidates, links=links)


# Recency


def test_a_half_life_halves() -> None:
    aged = [candidate(1, 0.6, days=0), candidate(2, 0.6, days=10), candidate(3, 0.6, days=20)]
    assert relevance(aged, Ranking(half_life_days=10), NOW) == pytest.approx([0.6, 0.3, 0.15])
    assert relevance(aged, Ranking(), NOW) == [0.6, 0.6, 0.6]


def test_articles_of_the_future_are_new_and_those_without_a_date_the_oldest() -> None:
    aged = [candidate(1, 0.6, days=-5), candidate(2, 0.6, days=20), candidate(3, 0.6)]
    assert relevance(aged, Ranking(half_life_days=10), NOW) == pytest.approx([0.6, 0.15, 0.15])
    assert relevance([candidate(1, 0.6)], Ranking(half_life_days=10), NOW) == [0.6]


def test_recency_orders_but_never_lets_in_or_out() -> None:
    candidates = [
        candidate(1, 0.7, days=365),
        candidate(2, 0.55, days=1),
        candidate(3, 0.45, days=0),
    ]
    assert rows(select(candidates)) == [1, 2]
    assert rows(select(candidates, ranking=Ranking(half_life_days=7))) == [2, 1]


# Diversity


def test_diversity_prefers_what_the_list_does_not_have() -> None:
    candidates = [candidate(1, 0.70), candidate(2, 0.69), candidate(3, 0.60)]
    vectors = {1: [1.0, 0.0], 2: [1.0, 0.05], 3: [0.0, 1.0]}
    assert rows(select(candidates, limit=2)) == [1, 2]
    spread = Ranking(diversity=0.5)
    assert rows(select(candidates, limit=2, ranking=spread, vectors=vectors)) == [1, 3]
    slight = Ranking(diversity=0.01)
    assert rows(select(candidates, limit=2, ranking=slight, vectors=vectors)) == [1, 2]


def test_diversity_keeps_one_article_a_story() -> None:
    candidates = [candidate(1, 0.70), candidate(2, 0.69), candidate(3, 0.60)]
    vectors = {1: [1.0, 0.0], 2: [0.0, 1.0], 3: [1.0, 0.1]}
    found = select(
        candidates, ranking=Ranking(diversity=0.5), vectors=vectors, links=linked((1, 2))
    )
    assert rows(found) == [1, 3]
    assert found.covered == (("n002",), ())


def test_opposite_vectors_earn_nothing_over_unlike_ones() -> None:
    candidates = [candidate(1, 0.70), candidate(2, 0.60), candidate(3, 0.61)]
    vectors = {1: [1.0, 0.0], 2: [-1.0, 0.0], 3: [0.0, 1.0]}
    found = select(candidates, limit=2, ranking=Ranking(diversity=0.5), vectors=vectors)
    assert rows(found) == [1, 3]


@given(cases())
def test_the_first_of_a_diverse_list_is_the_most_relevant(
    case: tuple[list[Candidate], Links],
) -> None:
    candidates = [*case[0], candidate(50, 0.74, name="z")]
    vectors = {each.row: [1.0, each.row % 4] for each in candidates}
    found = select(candidates, ranking=Ranking(diversity=0.9), vectors=vectors)
    assert found.chosen[0].row == 50


@pytest.mark.parametrize("half_life", [0, -1.0, math.nan])
def test_a_half_life_must_be_above_0(half_life: float) -> None:
    with pytest.raises(ConfigError, match="half_life_days"):
        Ranking(half_life_days=half_life)


@pytest.mark.parametrize("diversity", [-0.1, 1.1, math.nan])
def test_diversity_must_lie_between_0_and_1(diversity: float) -> None:
    with pytest.raises(ConfigError, match="diversity"):
        Ranking(diversity=diversity)


# Near-duplicates


def test_near_duplicates_are_cut_sorted_and_counted() -> None:
    found = select_near_duplicates(
        [candidate(1, 0.75), candidate(2, 0.9), candidate(3, 0.7499), candidate(4, 0.9, name="a")],
        limit=2,
        min_similarity=0.75,
    )
    assert [each.card.id for each in found.chosen] == ["a", "n002"]
    assert found.covered == ((), ())
    assert found.own_duplicates == ()
    assert found.considered == 3


# What a list says of itself


def test_a_full_list_says_nothing() -> None:
    full = select([candidate(1, 0.7), candidate(2, 0.6)], limit=2)
    assert shortfall(full, limit=2, min_similarity=0.5, filtered=True) == ""


def test_a_short_list_says_how_many_and_why() -> None:
    found = select([candidate(1, 0.7)], limit=3)
    text = shortfall(found, limit=3, min_similarity=0.5, filtered=False)
    assert text == "1 of 3: no other article reaches similarity 0.50"
    filtered = shortfall(found, limit=3, min_similarity=0.5, filtered=True)
    assert "no other article that passes the filters reaches" in filtered


def test_a_short_list_counts_the_near_duplicates_left_out() -> None:
    one = select([candidate(1, 0.7), candidate(2, 0.8)], limit=3)
    assert shortfall(one, limit=3, min_similarity=0.5, filtered=False).endswith(
        "(1 near-duplicate left out)"
    )
    several = select(
        [candidate(1, 0.7), candidate(2, 0.8), candidate(3, 0.65)], limit=3, links=linked((1, 3))
    )
    assert shortfall(several, limit=3, min_similarity=0.5, filtered=False).endswith(
        "(2 near-duplicates left out)"
    )
