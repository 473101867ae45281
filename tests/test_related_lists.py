"""`Recommender.related_lists`: what `related` says of every article, all of one state."""

from __future__ import annotations

import threading
from collections.abc import Iterator
from dataclasses import replace
from datetime import timedelta
from pathlib import Path
from typing import Any

import pytest

from recommender import ConfigError, Recommender, Thresholds
from recommender.errors import IndexStoreError
from tests.helpers import NOW, article, build, corpus


@pytest.fixture
def index(tmp_path: Path) -> Iterator[Recommender]:
    twins = [
        replace(each, id=f"twin-{each.id}", title=f"{each.title}（转载）") for each in corpus(6)
    ]
    with build(tmp_path / "index", [*corpus(60), *twins]) as built:
        yield built


@pytest.mark.parametrize(
    "options",
    [
        {},
        {"limit": 2},
        {"min_similarity": 0.6},
        {"fill": "latest"},
        {"fill": "category", "limit": 30},
        {"half_life_days": 1.0},
        {"diversity": 0.5},
        {"thresholds": Thresholds(same_text=0.8, same_story=0.6, related=0.3)},
    ],
    ids=lambda options: ",".join(options) or "plain",
)
def test_they_are_what_related_gives(index: Recommender, options: dict[str, Any]) -> None:
    made = list(index.related_lists(now=NOW, **options))
    ids = [card.id for card, _ in made]
    assert ids == sorted(ids)
    assert len(ids) == len(index) == 66
    for card, matches in made:
        assert card == index.get(card.id)
        assert matches == index.related(card.id, now=NOW, **options), card.id
    assert any(matches for _, matches in made)


def test_decisions_of_editors_hold(index: Recommender) -> None:
    before = dict_of(index)
    first, second = "a000", before["a000"][0]
    index.decide(first, second, "duplicate", now=NOW)
    assert second not in dict_of(index)[first]
    for card, matches in index.related_lists(now=NOW):
        assert matches == index.related(card.id, now=NOW)


def test_only_what_is_public_is_in_them(index: Recommender) -> None:
    before = dict_of(index)
    hidden = ["a000", "a005", "a010", "a015"]
    assert any(set(hidden) & set(listed) for listed in before.values())
    for number, (article_id, change) in enumerate(
        zip(
            hidden,
            (
                {"access": "members"},
                {"access": "hidden"},
                {"visible_until": NOW},
                {"visible_from": NOW + timedelta(minutes=1)},
            ),
            strict=True,
        )
    ):
        index.update([replace(corpus(60)[5 * number], **change)], now=NOW)
        after = dict_of(index)
        gone = set(hidden[: number + 1])
        assert not gone & after.keys()
        assert not any(gone & set(listed) for listed in after.values()), article_id
    # The embargo lifts by the clock alone, and so does an expiry come.
    later = dict_of(index, now=NOW + timedelta(minutes=1))
    assert "a015" in later
    assert any("a015" in listed for listed in later.values())
    earlier = dict_of(index, now=NOW - timedelta(seconds=1))
    assert "a010" in earlier
    assert any("a010" in listed for listed in earlier.values())


def dict_of(index: Recommender, **options: Any) -> dict[str, list[str]]:
    options.setdefault("now", NOW)
    return {
        card.id: [match.article.id for match in matches]
        for card, matches in index.related_lists(**options)
    }


def test_all_are_of_one_state_whatever_is_changed_meanwhile(index: Recommender) -> None:
    before = dict_of(index)
    lists = index.related_lists(now=NOW)
    assert (lists.articles, lists.state) == (66, index.related_lists(now=NOW).state)
    made = [next(lists) for _ in range(3)]
    index.remove(["a059", "a058", "twin-a000"])
    index.update([article("a001", "茶", 900)], now=NOW)
    index.rebuild(now=NOW)
    made += lists
    assert {card.id: [match.article.id for match in matches] for card, matches in made} == before
    # Everything else sees the change at once, and so do the next lists.
    assert "a059" not in index
    assert index.related_lists(now=NOW).state != lists.state
    assert dict_of(index).keys() == before.keys() - {"a059", "a058", "twin-a000"}


def test_reading_on_in_another_thread_never_mixes_states(tmp_path: Path) -> None:
    with build(tmp_path / "index", corpus(600)) as index:
        lists = index.related_lists(now=NOW)
        next(lists)
        index.remove(["a599"])
        failed: list[BaseException] = []

        def go_on() -> None:
            try:
                list(lists)
            except BaseException as error:
                failed.append(error)

        thread = threading.Thread(target=go_on)
        thread.start()
        thread.join()
        assert isinstance(failed[0], IndexStoreError)
        assert "the index changed" in str(failed[0])


def test_what_is_closed_gives_the_state_free(index: Recommender) -> None:
    with index.related_lists(now=NOW) as lists:
        next(lists)
    lists.close()
    del lists
    index.related_lists(now=NOW)  # given up without a word
    index.update([article("a001", "茶", 901)], now=NOW)
    index.remove(["a001"], purge=True, wait=0.0)


def test_sites_choose_whose_lists_are_given(tmp_path: Path) -> None:
    articles = [
        replace(each, id=f"{site}:{each.id}", site=site, title=f"{each.title}{site}")
        for number, each in enumerate(corpus(40))
        for site in ("cn", "hk")[number % 2 :][:1]
    ]
    with build(tmp_path / "index", articles) as index:
        everything = dict_of(index, limit=10)
        own = dict_of(index, sites="cn", limit=10)
        assert own == {key: value for key, value in everything.items() if key.startswith("cn:")}
        assert any(each.startswith("hk:") for listed in own.values() for each in listed)
        apart = dict_of(index, same_site=True, limit=10)
        assert apart.keys() == everything.keys()
        for article_id, listed in apart.items():
            assert {each[:3] for each in listed} <= {article_id[:3]}
            assert listed == [
                match.article.id
                for match in index.related(article_id, sites=article_id[:2], limit=10, now=NOW)
            ]
        assert sum(map(len, apart.values())) > 40


def test_ids_choose_whose_lists_are_given(index: Recommender) -> None:
    everything = dict_of(index)
    with index.related_lists(ids=["twin-a001", "a000", "nobody"], now=NOW) as lists:
        assert lists.articles == 2
        made = {card.id: [each.article.id for each in found] for card, found in lists}
    assert made == {each: everything[each] for each in ("a000", "twin-a001")}
    assert list(index.related_lists(ids=[], now=NOW)) == []


def test_an_index_without_articles_has_no_lists(tmp_path: Path) -> None:
    with build(tmp_path / "index", []) as index:
        assert list(index.related_lists(now=NOW)) == []
        assert list(index.related_lists(now=NOW, same_site=True)) == []


@pytest.mark.parametrize("options", [{"limit": -1}, {"min_similarity": 2}, {"fill": "newest"}])
def test_options_out_of_range_are_refused(index: Recommender, options: dict[str, Any]) -> None:
    with pytest.raises(ConfigError):
        index.related_lists(**options)
