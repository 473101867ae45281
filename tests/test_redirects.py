"""Redirects: no chains, no loops, the same for every order; what is left out is told and why."""

from __future__ import annotations

from collections.abc import Sequence
from datetime import timedelta
from itertools import pairwise
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from recommender.records import Card
from recommender.redirects import REASONS, RedirectMap, Wish, make_redirects
from tests.helpers import NOW


def card(name: str, **fields: Any) -> Card:
    values: dict[str, Any] = {"url": f"https://news.example/{name}", "language": "zh", **fields}
    return Card(id=name, **values)


def wish(source: str | Card, target: str | Card, day: int = 0, *, automatic: bool = False) -> Wish:
    one, other = (card(each) if isinstance(each, str) else each for each in (source, target))
    when = None if automatic else NOW - timedelta(days=100 - day)
    return Wish(source=one, target=other, automatic=automatic, decided_at=when)


def made(*wishes: Wish, **known: Any) -> RedirectMap:
    return make_redirects(wishes, now=NOW, **known)


def pairs(found: RedirectMap) -> dict[str, str]:
    return {each.source.id: each.target.id for each in found.redirects}


def reasons(found: RedirectMap) -> dict[tuple[str, str], str]:
    return {(each.source_id, each.target_id): each.reason for each in found.left_out}


def test_a_chain_is_followed_to_its_end() -> None:
    found = made(wish("a", "b"), wish("b", "c"), wish("c", "d", automatic=True))
    assert pairs(found) == {"a": "d", "b": "d", "c": "d"}
    assert [each.wished for each in found.redirects] == ["b", "c", "d"]
    assert [each.automatic for each in found.redirects] == [False, False, True]
    assert found.left_out == ()


def test_a_long_chain_is_followed_too() -> None:
    names = [f"n{i:05d}" for i in range(5_000)]
    found = made(*(wish(*both) for both in pairwise(names)))
    assert len(found.redirects) == 4_999
    assert set(pairs(found).values()) == {names[-1]}


def test_a_circle_is_opened_at_its_oldest_decision() -> None:
    steps = [wish("a", "b", 3), wish("b", "c", 1), wish("c", "a", 2), wish("x", "b", 9)]
    found = made(*steps)
    assert pairs(found) == {"a": "b", "c": "b", "x": "b"}
    assert reasons(found) == {("b", "c"): "loop"}
    assert found.left_out[0].detail == "b → c → a → b"
    automatic = made(wish("a", "b"), wish("b", "a", automatic=True))
    assert pairs(automatic) == {"a": "b"}
    assert reasons(automatic) == {("b", "a"): "loop"}


def test_of_two_targets_the_later_decision_wins() -> None:
    found = made(wish("a", "b", 1), wish("a", "c", 2), wish("a", "d", automatic=True))
    assert pairs(found) == {"a": "c"}
    assert reasons(found) == {("a", "b"): "other-target", ("a", "d"): "other-target"}
    same_day = made(wish("a", "c", 1), wish("a", "b", 1))
    assert pairs(same_day) == {"a": "b"}
    # Two that come to the same are no conflict.
    both = made(wish("a", "b", 1), wish("a", "c", 2), wish("b", "c", 1))
    assert pairs(both) == {"a": "c", "b": "c"}
    assert both.left_out == ()


def test_only_the_end_of_a_chain_must_be_public() -> None:
    hidden = card("b", access="hidden")
    assert pairs(made(wish("a", hidden), wish(hidden, "c"))) == {"a": "c", "b": "c"}
    later = card("c", visible_from=NOW + timedelta(seconds=1))
    gone = card("d", visible_until=NOW)
    assert reasons(made(wish("a", later), wish("b", gone), wish("e", hidden))) == {
        ("a", "c"): "not-public",
        ("b", "d"): "not-public",
        ("e", "b"): "not-public",
    }
    # Where the end may not be, the article before it is.
    found = made(wish("a", "b"), wish("b", later))
    assert pairs(found) == {"a": "b"}
    assert reasons(found) == {("b", "c"): "not-public"}


@pytest.mark.parametrize(
    ("source", "target", "reason"),
    [
        ({"url": ""}, {}, "no-url"),
        ({}, {"url": ""}, "no-url"),
        ({"url": "javascript:alert(1)"}, {}, "bad-url"),
        ({}, {"url": "//evil.example/"}, "bad-url"),
        ({"url": "https://news.example/page#part"}, {}, "bad-url"),
        ({"url": "https://news.example/"}, {}, "home-page"),
        ({"url": "http://news.example/b"}, {"url": "https://news.example/b#x"}, "same-url"),
        ({"url": "https://m.news.example/a"}, {}, "other-host"),
        ({"url": "/a"}, {}, "other-host"),
        ({"site": "news"}, {"site": "sport"}, "other-site"),
    ],
)
def test_what_a_server_cannot_do_is_left_out(
    source: dict[str, str], target: dict[str, str], reason: str
) -> None:
    found = made(wish(card("a", **source), card("b", **target)))
    assert found.redirects == ()
    assert reasons(found) == {("a", "b"): reason}


def test_pages_count_not_articles() -> None:
    # Two articles at one address, and a chain that only the addresses make.
    twin = card("twin", url="http://news.example/b")
    assert pairs(made(wish("a", "b"), wish(twin, "c"))) == {"a": "b"}
    assert reasons(made(wish("a", "b"), wish(twin, "c"))) == {("twin", "c"): "shared-url"}
    hidden = card("b", access="hidden")
    assert pairs(made(wish("a", hidden), wish(twin, "c"))) == {"a": "c", "twin": "c"}
    both = made(wish("b", "c"), wish(twin, "d", 5))
    assert reasons(both) == {("b", "c"): "shared-url", ("twin", "d"): "shared-url"}
    one_hidden = made(wish(hidden, "c"), wish(card("twin", url=twin.url), "d", 5))
    assert pairs(one_hidden) == {"twin": "d"}
    assert reasons(one_hidden) == {("b", "c"): "shared-url"}
    old = card("old", url=twin.url, access="hidden")
    assert pairs(made(wish(hidden, "c"), wish(old, "d", 5))) == {"old": "d"}


def test_an_address_that_another_article_has_is_not_redirected() -> None:
    other = card("z", url="https://news.example/a")
    found = made(wish("a", "b"), others=[other, card("a"), card("b")])
    assert found.redirects == ()
    assert found.left_out[0].text == "another public article has the same address (z)"
    assert pairs(made(wish("a", "b"), others=[card("z", url=other.url, access="hidden")])) == {
        "a": "b"
    }


def test_addresses_that_differ_in_case_alone_are_told_apart() -> None:
    found = made(wish("Ab", "c"), wish("x", "y"), others=[card("aB")])
    assert [each.exact_case for each in found.redirects] == [True, False]
    assert [each.exact_case for each in made(wish("AB", "ab")).redirects] == [True]


def test_what_editors_and_texts_say_against_it() -> None:
    wishes = [wish("a", "b"), wish("b", "c"), wish("d", "c")]
    settled: dict[tuple[str, str], Any] = {("a", "c"): "distinct", ("c", "d"): "kept"}
    found = made(*wishes, settled=settled)
    assert pairs(found) == {"b": "c"}
    assert reasons(found) == {("a", "c"): "distinct", ("d", "c"): "kept"}
    parts = {("b", "c"), ("d", "c")}
    found = made(*wishes, is_part=lambda first, second: (first, second) in parts)
    assert pairs(found) == {"a": "b"}
    assert reasons(found) == {("b", "c"): "round-up", ("d", "c"): "round-up"}
    english = card("b", language="en")
    assert pairs(made(wish("a", english))) == {"a": "b"}
    assert reasons(made(wish("a", english, automatic=True))) == {("a", "b"): "other-language"}


NAMES = "abcdefgh"
CARDS = [
    card(
        name,
        url=f"https://news.example/{name.lower()}" if number % 5 else "https://news.example/Q",
        access="hidden" if number % 4 == 3 else "public",
        language="en" if number % 7 == 6 else "zh",
    )
    for number, name in enumerate(NAMES)
]
WISHES = st.lists(
    st.builds(
        wish,
        st.sampled_from(CARDS),
        st.sampled_from(CARDS),
        st.integers(0, 3),
        automatic=st.booleans(),
    ),
    max_size=20,
)


@given(WISHES, st.randoms(use_true_random=False), st.sets(st.sampled_from(["ab", "cd", "ah"])))
def test_no_chain_no_loop_no_order(wishes: list[Wish], chance: Any, apart: set[str]) -> None:
    settled: dict[tuple[str, str], Any] = dict.fromkeys(map(tuple, apart), "kept")
    found = made(*wishes, settled=settled, others=CARDS)
    sources = [each.from_address.page for each in found.redirects]
    assert len(set(sources)) == len(sources)
    assert not set(sources) & {each.to_address.page for each in found.redirects}
    for each in found.redirects:
        assert each.target.is_public(NOW)
        assert (each.source.id, each.target.id) not in settled
    shuffled: Sequence[Wish] = chance.sample(wishes, len(wishes))
    assert made(*shuffled, settled=settled, others=CARDS[::-1]) == found
    again = [
        Wish(source=each.source, target=each.target, automatic=each.automatic)
        for each in found.redirects
    ]
    assert pairs(made(*again, settled=settled, others=CARDS)) == pairs(found)
    # Nothing is lost in silence.
    told = {each.source_id for each in found.left_out}
    redirected = set(sources)
    for each in wishes:
        page = make_page(each.source)
        assert each.source.id in told or page in redirected
    assert all(each.reason in REASONS for each in found.left_out)


def make_page(one: Card) -> str:
    return one.url.removeprefix("https://")
