"""Drawing from an index, labels kept in it, thresholds tuned and stored, through the library."""

from __future__ import annotations

import sqlite3
from itertools import combinations
from pathlib import Path

import pytest

from recommender import (
    Article,
    ConfigError,
    HashingEmbedder,
    IndexCorrupt,
    Label,
    LabelError,
    PairToLabel,
    Recommender,
    Thresholds,
    Verdict,
)
from tests.helpers import NOW, THEMES, article, build, corpus

# The hashing embedder puts most pairs of a theme around 0.5 and copies at 1.
BAND = (0.3, 1.0)


def with_copies(count: int = 60) -> list[Article]:
    """A corpus in which every sixth article was published three times."""
    themes = list(THEMES)
    copies = [
        article(f"a{n:03d}-{copy}", themes[n % len(themes)], n)
        for n in range(0, count, 6)
        for copy in ("b", "c")
    ]
    return [*corpus(count), *copies]


@pytest.fixture
def news(tmp_path: Path) -> Recommender:
    return build(tmp_path / "index", with_copies())


def ids(pairs: list[PairToLabel]) -> list[tuple[str, str]]:
    return [(pair.first.id, pair.second.id) for pair in pairs]


def graded(pairs: list[PairToLabel], origin: str = "editor") -> list[Label]:
    return [
        Label.of(
            pair.first.id,
            pair.second.id,
            4 if pair.similarity >= 0.9 else 2 if pair.similarity >= 0.5 else 0,
            weight=pair.weight,
            origin=origin,
        )
        for pair in pairs
    ]


def test_pairs_are_of_the_band_and_of_no_story_twice(news: Recommender) -> None:
    pairs = news.pairs_to_label(20, between=BAND)
    assert 5 < len(pairs) <= 20
    drawn = [card.id for pair in pairs for card in (pair.first, pair.second)]
    assert len(set(drawn)) == len(drawn)
    mates = set(ids(pairs))
    for one, other in combinations(sorted(drawn), 2):
        if (one, other) not in mates:
            assert not news.compare(one, other).verdict.is_near_duplicate, (one, other)
    for pair in pairs:
        assert pair.first.id < pair.second.id
        assert BAND[0] <= pair.similarity <= BAND[1]
        compared = news.compare(pair.first.id, pair.second.id)
        assert compared.similarity == pytest.approx(pair.similarity, abs=1e-3)
        assert compared.evidence == pair.evidence
        assert pair.weight >= 1
        assert 0 < len(pair.first_beginning) <= 201
        assert "\n" not in pair.first_beginning
    assert Verdict.SAME_TEXT in {pair.verdict for pair in pairs}


def test_the_weights_of_a_stratum_add_up_to_its_candidate_pairs(tmp_path: Path) -> None:
    news = build(tmp_path / "index", corpus(40))
    # Each article keeps fifty neighbours, so every pair is a candidate.
    every = [news.compare(one.id, two.id).similarity for one, two in combinations(corpus(40), 2)]
    pairs = news.pairs_to_label(40, between=(0.0, 1.0))
    strata = {int(pair.similarity * 20) for pair in pairs}
    assert len(strata) > 2
    for stratum in strata:
        total = sum(pair.weight for pair in pairs if int(pair.similarity * 20) == stratum)
        assert total == pytest.approx(sum(int(value * 20) == stratum for value in every), abs=0.01)


def test_no_order_of_building_shows_and_seeds_do(tmp_path: Path) -> None:
    articles = with_copies()
    forwards = build(tmp_path / "one", articles).pairs_to_label(15, between=BAND)
    grown = build(tmp_path / "two", articles[:40])
    grown.update(reversed(articles[40:]), now=NOW)
    assert ids(build(tmp_path / "three", articles[::-1]).pairs_to_label(15, between=BAND)) == ids(
        forwards
    )
    news = Recommender.open(tmp_path / "one")
    assert news.pairs_to_label(15, between=BAND) == forwards
    assert ids(news.pairs_to_label(15, between=BAND, seed=7)) != ids(forwards)
    drawn = [card for pair in grown.pairs_to_label(15, between=BAND) for card in ids([pair])[0]]
    assert len(set(drawn)) == len(drawn)


def test_labelled_and_decided_pairs_are_left_out(news: Recommender) -> None:
    first = news.pairs_to_label(10, between=BAND)
    news.add_labels(graded(first))
    second = news.pairs_to_label(10, between=BAND)
    assert second
    assert not set(ids(first)) & set(ids(second))


def test_what_is_asked_for_must_make_sense(news: Recommender) -> None:
    with pytest.raises(ConfigError, match="count"):
        news.pairs_to_label(0)
    with pytest.raises(ConfigError, match="between"):
        news.pairs_to_label(5, between=(0.9, 0.6))
    with pytest.raises(ConfigError, match="seed"):
        news.pairs_to_label(5, seed=2**64)
    assert news.pairs_to_label(5, between=(0.0, 0.0)) == []


def test_labels_outlive_rebuild_build_removal_and_another_model(tmp_path: Path) -> None:
    articles = with_copies()
    news = build(tmp_path / "index", articles)
    labels = graded(news.pairs_to_label(10, between=BAND))
    change = news.add_labels(labels, now=NOW)
    assert (change.added, change.replaced, change.total) == (len(labels), 0, len(labels))
    kept = news.labels()
    assert [(each.first, each.second, each.value, each.weight) for each in kept] == sorted(
        (each.first, each.second, each.value, each.weight) for each in labels
    )
    assert {each.labelled_at for each in kept} == {NOW}
    assert all(len(each.first_digest) == len(each.second_digest) == 8 for each in kept)

    news.rebuild(now=NOW)
    assert news.labels() == kept
    build(tmp_path / "index", articles).close()
    assert news.labels() == kept
    news.rebuild(embedder=HashingEmbedder(dimension=64), now=NOW)
    assert news.labels() == kept
    assert news.tune().labels == len(kept)

    gone = kept[0].first
    news.remove([gone])
    assert news.labels() == kept
    tuned = news.tune()
    assert (tuned.missing, tuned.changed) == (1, 0)
    news.update([each for each in articles if each.id == gone], now=NOW)
    assert news.tune().missing == 0
    assert news.verify() == []


def test_a_changed_text_takes_its_labels_out_of_account(news: Recommender) -> None:
    labels = graded(news.pairs_to_label(10, between=BAND))
    news.add_labels(labels)
    target = labels[0].second
    # A changed card is no changed text.
    same = next(each for each in with_copies() if each.id == target)
    moved = Article(id=target, title=same.title, body=same.body, category="别处", date=same.date)
    news.update([moved], now=NOW)
    assert news.tune().changed == 0
    news.update([article(target, "赛", 77)], now=NOW)
    tuned = news.tune()
    assert (tuned.changed, tuned.labels) == (1, len(labels) - 1)
    # The label is kept, and stays one of the old text when it is copied.
    news.add_labels(news.labels())
    assert news.tune().changed == 1
    news.add_labels(labels[:1])
    assert news.tune().changed == 0


def test_a_label_of_the_same_origin_replaces(news: Recommender) -> None:
    news.add_labels([Label.of("a001", "a006", 2, origin="li")])
    change = news.add_labels(
        [Label.of("a006", "a001", 3, origin="li"), Label.of("a001", "a006", 1, origin="wang")]
    )
    assert (change.added, change.replaced, change.total) == (1, 1, 2)
    assert [(each.origin, each.value) for each in news.labels()] == [("li", "3"), ("wang", "1")]
    assert news.tune().disagreeing == 1


def test_a_bad_label_stores_nothing(news: Recommender) -> None:
    good = Label.of("a001", "a002", 1)
    with pytest.raises(LabelError, match="two labels"):
        news.add_labels([good, Label.of("a002", "a001", 3)])
    assert news.labels() == []
    unknown = news.add_labels([good, Label.of("a001", "nobody", 1)])
    assert (unknown.added, unknown.missing) == (1, 1)


def test_tuning_needs_labels_of_this_index(news: Recommender) -> None:
    with pytest.raises(LabelError, match="there are no labels"):
        news.tune()
    with pytest.raises(LabelError, match="right index"):
        news.tune([Label.of("x", "y", 3)])
    with pytest.raises(ConfigError, match="not both"):
        news.tune([Label.of("a001", "a002", 1)], precision=0.9, recall=0.9)


def test_similarities_are_those_of_the_index_now(tmp_path: Path) -> None:
    news = build(tmp_path / "index", corpus(90))
    pairs = [("a000", "a005"), ("a000", "a001"), ("a010", "a088")]
    for first, second in pairs:
        tuned = news.tune([Label.of(first, second, 4)])
        expected = news.compare(first, second).similarity
        assert tuned.curves[0].lowest == pytest.approx(expected, abs=1e-3)


def test_stored_thresholds_are_seen_by_other_readers_and_by_a_new_build(tmp_path: Path) -> None:
    news = build(tmp_path / "index", with_copies())
    reader = Recommender.open(tmp_path / "index")
    own = Recommender.open(tmp_path / "index", thresholds=Thresholds(related=0.1))
    assert reader.thresholds == Thresholds()
    wanted = Thresholds(same_text=0.95, same_story=0.8, related=0.55)
    change = news.set_thresholds(wanted, labels=[Label.of("a001", "a002", 0)])
    assert change.added == 1
    assert reader.thresholds == news.thresholds == wanted
    assert reader.info().thresholds == wanted
    assert own.thresholds == Thresholds(related=0.1)
    reader.rebuild(now=NOW)
    assert news.thresholds == wanted
    # A build over the same folder keeps what was chosen, unless it is given others.
    assert build(tmp_path / "index", with_copies()).thresholds == wanted
    given = Thresholds(same_text=0.97)
    assert build(tmp_path / "index", with_copies(), thresholds=given).thresholds == given


def test_thresholds_and_labels_are_stored_together_or_not_at_all(news: Recommender) -> None:
    twice = [Label.of("a001", "a002", 1), Label.of("a001", "a002", 2)]
    with pytest.raises(LabelError):
        news.set_thresholds(Thresholds(same_text=0.99), labels=twice)
    assert news.thresholds == Thresholds()
    assert news.labels() == []


def test_a_damaged_label_is_noticed(tmp_path: Path) -> None:
    news = build(tmp_path / "index", corpus(20))
    news.add_labels([Label.of("a001", "a002", 1), Label.of("a003", "a004", 4)])
    news.close()
    connection = sqlite3.connect(tmp_path / "index" / "articles.sqlite")
    connection.execute("UPDATE labels SET least = 3, most = 3 WHERE first = 'a001'")
    connection.commit()
    connection.close()
    with Recommender.open(tmp_path / "index") as damaged:
        with pytest.raises(IndexCorrupt, match="labels"):
            damaged.labels()
        (problem,) = damaged.verify()
        assert "table labels" in problem
        assert "a001" in problem


def test_everything_is_unmoved_by_tuning(news: Recommender) -> None:
    labels = graded(news.pairs_to_label(20, between=BAND))
    before = (news.thresholds, news.labels(), news.info().generation)
    tuned = news.tune(labels, recall=0.9)
    assert tuned.goal == "recall 0.90"
    assert (news.thresholds, news.labels(), news.info().generation) == before
