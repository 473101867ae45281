"""`Recommender`: lists, duplicates, changes and refusals, on an index of the hashing embedder."""

from __future__ import annotations

import random
from collections.abc import Iterator
from datetime import timedelta
from pathlib import Path
from typing import Any

import numpy as np
import pytest

from recommender import (
    Article,
    ArticleError,
    ArticleNotFound,
    ConfigError,
    HashingEmbedder,
    IndexIncompatible,
    IndexMissing,
    IndexOptions,
    Match,
    MatchList,
    Recommender,
    Thresholds,
    Verdict,
)
from tests.helpers import NOW, START, article, body_of, build, corpus


def ids(matches: MatchList) -> list[str]:
    return [match.article.id for match in matches]


COPY_OF = {"c1": "a000", "c2": "a000", "c3": "a001"}


def with_copies() -> list[Article]:
    """The corpus, two copies of one article and one of another."""
    base = {each.id: each for each in corpus(60)}
    copies = [
        Article(
            id=copy,
            title=base[original].title,
            body=base[original].body + f"补充说明：以上内容由{copy}转述。",
            date=base[original].date,
            category=base[original].category,
            language="zh",
        )
        for copy, original in COPY_OF.items()
    ]
    return [*base.values(), *copies]


@pytest.fixture(scope="module")
def folder(tmp_path_factory: pytest.TempPathFactory) -> Path:
    path = tmp_path_factory.mktemp("engine") / "index"
    build(path, with_copies()).close()
    return path


@pytest.fixture
def index(folder: Path) -> Iterator[Recommender]:
    with Recommender.open(folder) as opened:
        yield opened


def test_every_copy_is_found_and_no_list_holds_two_of_one_story(index: Recommender) -> None:
    assert {"c1", "c2"} <= set(ids(index.near_duplicates("a000")))
    everything = index.related("a005", min_similarity=0.0, limit=60)
    found = ids(everything)
    assert len(set(found) & {"a000", "c1", "c2"}) == 1
    assert everything.also_covered >= 2
    own = index.related("a000", min_similarity=0.0, limit=60)
    assert {"c1", "c2"} <= set(own.own_duplicates)
    assert not set(own.own_duplicates) & set(ids(own))
    assert "a000" not in ids(own)


def test_matches_are_sorted_cut_and_explained(index: Recommender) -> None:
    matches = index.related("a003", min_similarity=0.1, limit=8)
    scores = [match.similarity for match in matches]
    assert scores == sorted(scores, reverse=True)
    assert all(0.1 <= score < index.thresholds.same_story for score in scores)
    for match in matches:
        assert match.verdict is index.thresholds.verdict(match.similarity)
        assert match.evidence.cosine is not None
    assert matches.reason == ""
    assert len(index.related("a003", limit=0)) == 0


def test_a_short_list_is_not_padded_and_says_why(index: Recommender) -> None:
    matches = index.related("a003", min_similarity=0.74, limit=5)
    assert len(matches) < 5
    assert matches.filler == ()
    assert f"{len(matches)} of 5" in matches.reason
    assert "0.74" in matches.reason
    filled = index.related("a003", min_similarity=0.74, limit=5, fill="latest", now=NOW)
    assert len(filled) + len(filled.filler) == 5
    dates = [each.article.date for each in filled.filler]
    assert dates == sorted(dates, reverse=True)  # type: ignore[type-var]
    shown = {*ids(filled), *(each.article.id for each in filled.filler), "a003"}
    assert len(shown) == 6
    own = index.related("a003", min_similarity=0.74, limit=5, fill="category", now=NOW)
    assert own.filler
    assert {each.article.category for each in own.filler} == {index.get("a003").category}


@pytest.mark.parametrize(
    "filters",
    [
        {"categories": ["茶"]},
        {"categories": "茶"},
        {"sources": {"电讯"}},
        {"after": START + timedelta(hours=50)},
        {"before": START + timedelta(hours=3)},
        {"languages": ["en"]},
        {"exclude": ["a008", "a013"]},
        {"predicate": lambda card: card.id.endswith("7")},
    ],
)
def test_a_filter_gives_the_best_of_what_passes(
    index: Recommender, filters: dict[str, Any]
) -> None:
    every = index.related("a003", min_similarity=0.0, limit=20)
    passing = index.related("a003", min_similarity=0.0, limit=4, **filters)

    def passes(match: Match) -> bool:
        card = match.article
        categories = filters.get("categories")
        return (
            (not categories or card.category in categories)
            and (card.source in filters.get("sources", {card.source}))
            and (card.language in filters.get("languages", [card.language]))
            and ("after" not in filters or (card.date or START) >= filters["after"])
            and ("before" not in filters or (card.date or START) < filters["before"])
            and card.id not in filters.get("exclude", [])
            and ("predicate" not in filters or filters["predicate"](card))
        )

    assert all(passes(match) for match in passing)
    # Which of several near-duplicates stands for a story may differ: each story is there.
    least = passing[-1].similarity if len(passing) == 4 else 0.0
    told = {one for match in passing for one in (match.article.id, *match.also_covered)}
    assert {m.article.id for m in every if passes(m) and m.similarity > least} <= told


def test_a_rare_filter_is_searched_for_beyond_the_stored_candidates(tmp_path: Path) -> None:
    articles = corpus(200)
    rare = [
        article(f"r{n}", "雨", 900 + n, category="副刊", title=f"副刊第{n}篇随笔") for n in range(3)
    ]
    options = IndexOptions(embedder="hashing", neighbours=5)
    with build(tmp_path / "index", [*articles, *rare], options=options) as index:
        matches = index.related("a000", min_similarity=0.0, limit=3, categories=["副刊"])
        assert sorted(ids(matches)) == ["r0", "r1", "r2"]


def test_what_is_not_public_is_never_offered(tmp_path: Path) -> None:
    articles = [
        *corpus(10),
        article("hidden", "桥", 10, access="hidden"),
        article("members", "桥", 15, access="members"),
        article("later", "桥", 20, visible_from=NOW + timedelta(days=1)),
        article("gone", "桥", 25, visible_until=NOW - timedelta(days=1)),
    ]
    with build(tmp_path / "index", articles) as index:
        secret = {"hidden", "members", "later", "gone"}
        shown = index.related("a000", min_similarity=0.0, limit=50, now=NOW, fill="latest")
        assert not secret & set(ids(shown))
        assert not secret & {each.article.id for each in shown.filler}
        tomorrow = index.related("a000", min_similarity=0.0, limit=50, now=NOW + timedelta(days=2))
        assert "later" in ids(tomorrow)
        inside = index.related("a000", min_similarity=0.0, limit=50, now=NOW, public_only=False)
        assert secret <= set(ids(inside))


def test_recency_and_diversity_change_the_order_not_the_similarity(index: Recommender) -> None:
    plain = index.related("a030", min_similarity=0.0, limit=20, now=NOW)
    fresh = index.related("a030", min_similarity=0.0, limit=20, now=NOW, half_life_days=0.5)
    varied = index.related("a030", min_similarity=0.0, limit=20, now=NOW, diversity=0.9)
    scores = {match.article.id: match.similarity for match in plain}
    assert ids(fresh) != ids(plain)
    assert ids(varied) != ids(plain)
    assert all(scores.get(m.article.id, m.similarity) == m.similarity for m in [*fresh, *varied])
    newest = max(match.article.date for match in fresh)  # type: ignore[type-var]
    assert fresh[0].article.date == newest or fresh[0].similarity > plain[-1].similarity
    with pytest.raises(ConfigError):
        index.related("a030", diversity=2.0)
    with pytest.raises(ConfigError):
        index.related("a030", half_life_days=0.0)


def test_a_draft_is_compared_and_not_stored(index: Recommender) -> None:
    draft = Article(id="draft", title="", body=f"<p>{body_of('桥', 0)}</p>")
    before = len(index)
    assert index.near_duplicates(draft)[0].article.id in {"a000", "c1", "c2"}
    assert index.near_duplicates(draft)[0].verdict is Verdict.SAME_TEXT
    assert index.related(draft, min_similarity=0.0)
    assert len(index) == before
    assert "draft" not in index
    changed = Article(id="a000", title="", body=body_of("桥", 0))
    assert "a000" not in ids(index.near_duplicates(changed))


def test_a_draft_equal_to_a_stored_article_is_measured_alike(index: Recommender) -> None:
    (original,) = [each for each in with_copies() if each.id == "a007"]
    stored = index.related("a007", min_similarity=0.1, limit=20, now=NOW)
    drafted = index.related(original, min_similarity=0.1, limit=20, now=NOW)
    assert [(m.article.id, m.similarity) for m in stored] == [
        (m.article.id, m.similarity) for m in drafted
    ]


def test_compare_is_symmetric_and_agrees_with_the_lists(index: Recommender) -> None:
    for match in index.related("a003", min_similarity=0.0, limit=10):
        one = index.compare("a003", match.article.id)
        other = index.compare(match.article.id, "a003")
        assert one.similarity == other.similarity == match.similarity
        assert one.relation == other.relation.reversed == match.relation
    same = index.compare("a003", "a003")
    assert (same.similarity, same.verdict) == (1.0, Verdict.SAME_TEXT)


def test_groups_hold_each_copy_once(index: Recommender) -> None:
    groups = index.duplicate_groups()
    members = [
        each
        for group in groups
        for each in (group.canonical.id, *(m.article.id for m in group.members))
    ]
    assert len(members) == len(set(members))
    by_canonical = {group.canonical.id: group for group in groups}
    assert {"c1", "c2"} <= {m.article.id for m in by_canonical["a000"].members}
    with pytest.raises(ConfigError):
        index.duplicate_groups(verdict=Verdict.RELATED)
    pairs = index.duplicate_pairs()
    assert len({(p.first.id, p.second.id) for p in pairs}) == len(pairs)
    assert all(p.first.id < p.second.id for p in pairs)


def test_thresholds_move_without_computing_anything_again(folder: Path) -> None:
    strict = Thresholds(same_text=1.0, same_story=1.0, related=0.99)
    with Recommender.open(folder, thresholds=strict) as index:
        assert index.thresholds == strict
        assert len(index.related("a003")) == 0
        loose = Thresholds(same_text=0.5, same_story=0.3, related=0.1)
        assert len(index.near_duplicates("a003", thresholds=loose)) > 0
        listed = index.related("a003", thresholds=loose, limit=50)
        assert all(match.similarity < 0.3 for match in listed)


def test_unknown_ids_and_bad_requests(index: Recommender) -> None:
    for call in (index.related, index.near_duplicates, index.get):
        with pytest.raises(ArticleNotFound, match="nothing-here"):
            call("nothing-here")
    with pytest.raises(ArticleNotFound):
        index.compare("a000", "nothing-here")
    for wrong in ({"limit": -1}, {"limit": True}, {"min_similarity": 1.5}, {"fill": "noise"}):
        with pytest.raises(ConfigError):
            index.related("a000", **wrong)  # type: ignore[arg-type]


def lists_of(index: Recommender) -> list[Any]:
    every = sorted(each for each in (f"a{n:03d}" for n in range(300)) if each in index)
    return [
        [(m.article.id, m.similarity, m.verdict, m.relation, m.evidence) for m in matches]
        for matches in (index.related(each, min_similarity=0.1, limit=20) for each in every)
    ]


def test_the_order_of_the_input_changes_nothing(tmp_path: Path) -> None:
    articles = with_copies()
    shuffled = articles.copy()
    random.Random(3).shuffle(shuffled)
    with build(tmp_path / "one", articles) as one, build(tmp_path / "two", shuffled) as two:
        assert lists_of(one) == lists_of(two)
        assert one.duplicate_groups() == two.duplicate_groups()
    first, second = (tmp_path / each / "vectors-000001.faiss" for each in ("one", "two"))
    assert first.read_bytes() == second.read_bytes()


def test_growing_article_by_article_is_building_at_once(tmp_path: Path) -> None:
    articles = with_copies()
    with build(tmp_path / "whole", articles) as whole:
        with build(tmp_path / "grown", articles[:40]) as grown:
            for each in articles[40:]:
                change = grown.update([each], now=NOW)
                assert (change.added, change.embedded) == (1, 1)
            grown.rebuild(now=NOW)
            assert lists_of(grown) == lists_of(whole)
            assert grown.verify() == []


def test_update_changes_what_changed_and_embeds_nothing_twice(tmp_path: Path) -> None:
    articles = corpus(30)
    with build(tmp_path / "index", articles) as index:
        unchanged = index.update(articles, now=NOW)
        assert (unchanged.unchanged, unchanged.embedded, unchanged.updated) == (30, 0, 0)
        card_only = article("a004", "馆", 4, category="头条", url="https://news.example/new")
        change = index.update([card_only], now=NOW)
        assert (change.updated, change.embedded) == (1, 0)
        assert index.get("a004").category == "头条"
        redated = article("a004", "馆", 4, category="头条", date=START + timedelta(days=9))
        change = index.update([redated], now=NOW)
        assert (change.updated, change.embedded) == (1, 0)
        evidence = index.compare("a004", "a009").evidence
        assert evidence.days_apart is not None
        assert evidence.days_apart > 8
        rewritten = article("a004", "茶", 99)
        change = index.update([rewritten], now=NOW)
        assert (change.updated, change.embedded, change.total) == (1, 1, 30)
        assert index.compare("a004", "a001").similarity > index.compare("a004", "a009").similarity
        for other in index.related("a001", min_similarity=0.0, limit=40):
            assert other.similarity == index.compare("a001", other.article.id).similarity
        assert index.verify() == []


def test_a_removed_article_is_gone_everywhere(tmp_path: Path) -> None:
    with build(tmp_path / "index", with_copies()) as index:
        index.remove(["a000", "c1"])
        assert "a000" not in index
        assert ids(index.near_duplicates("c2")) == []
        for each in ("a005", "c2"):
            found = index.related(each, min_similarity=0.0, limit=100)
            assert not {"a000", "c1"} & {*ids(found), *found.own_duplicates}
        with pytest.raises(ArticleNotFound, match="Nothing was removed"):
            index.remove(["a001", "a000"])
        assert "a001" in index
        index.update([article("a000", "桥", 0)], now=NOW)
        assert ids(index.near_duplicates("c2")) == ["a000"]
        assert index.verify() == []


def test_ids_that_come_twice(tmp_path: Path) -> None:
    twice = [
        article("x", "桥", 1, title="先来的标题在此"),
        article("x", "茶", 2, title="后到的标题在此"),
    ]
    with pytest.raises(ArticleError, match="'x'"):
        build(tmp_path / "index", twice)
    with pytest.raises(IndexMissing):
        Recommender.open(tmp_path / "index")
    for wins, title in (("first", "先来的标题在此"), ("last", "后到的标题在此")):
        with build(tmp_path / wins, twice, on_duplicate=wins) as index:
            assert index.get("x").title == title


def test_an_index_refuses_another_embedder(folder: Path) -> None:
    with pytest.raises(IndexIncompatible, match="hashing"):
        Recommender.open(folder, embedder=HashingEmbedder(dimension=64))
    with pytest.raises(IndexIncompatible, match="multilingual-e5-small"):
        Recommender.open(folder, embedder="multilingual-e5-small")
    Recommender.open(folder, embedder="hashing").close()


def test_a_rebuild_may_change_the_embedder(tmp_path: Path) -> None:
    with build(tmp_path / "index", corpus(20)) as index:
        change = index.rebuild(embedder=HashingEmbedder(dimension=64), now=NOW)
        assert change.embedded == 20
        assert index.info().embedder.dimension == 64
        assert index.verify() == []
        assert index.related("a000", min_similarity=0.0)


def test_a_build_replaces_an_index_and_an_open_reader_follows(tmp_path: Path) -> None:
    with build(tmp_path / "index", corpus(20)) as reader:
        assert len(reader) == 20
        build(tmp_path / "index", corpus(5)).close()
        assert len(reader) == 5
        assert "a010" not in reader


@pytest.mark.parametrize("count", [0, 1, 2])
def test_tiny_corpora(tmp_path: Path, count: int) -> None:
    with build(tmp_path / "index", corpus(count)) as index:
        assert len(index) == count
        assert index.duplicate_groups() == []
        assert index.verify() == []
        assert index.info().articles == count
        if count:
            matches = index.related("a000")
            assert len(matches) == 0
            assert "0 of 5" in matches.reason
        index.update([article("new", "茶", 3)], now=NOW)
        assert len(index) == count + 1


def test_empty_and_tiny_bodies_are_handled_by_rule(tmp_path: Path) -> None:
    articles = [
        *corpus(12),
        Article(id="empty1", title="", body=""),
        Article(id="empty2", title="", body="  <p> </p>"),
        Article(id="title1", title="视频：大桥合龙现场航拍", body=""),
        Article(id="title2", title="视频：大桥合龙现场航拍", body=""),
        Article(id="one1", title="图", body="图"),
        Article(id="one2", title="图", body="图"),
        Article(id="short1", title="停水通知", body="今晚十点到明早六点停水，请提前储水。"),
        Article(id="short2", title="停水通知", body="今晚十点到明早六点停水，请提前储水。"),
        Article(id="short3", title="城东片区公告", body="今晚十点到明早六点停水，请提前储水。"),
        Article(id="long", title="长文", body="很长的一句话说个没完。" * 100_000),
    ]
    with build(tmp_path / "index", articles) as index:
        near = {each.id: set(ids(index.near_duplicates(each.id))) for each in articles}
        assert near["empty1"] == near["empty2"] == set()
        assert near["one1"] == near["one2"] == set()
        assert near["title1"] == near["title2"] == set()
        text = index.compare("short1", "short2")
        assert text.verdict is Verdict.SAME_TEXT
        assert index.compare("short1", "short3").verdict is not Verdict.SAME_TEXT
        reason = index.related("empty1").reason
        assert "next to no text" in reason
        assert index.verify() == []


def test_excerpts_are_not_judged_by_length_or_containment(tmp_path: Path) -> None:
    whole = article("whole", "桥", 1, title="")
    part = Article(id="part", title="", body=whole.body[:120], date=whole.date, excerpt=True)
    same = Article(id="same", title="", body=whole.body[:120], date=whole.date)
    with build(tmp_path / "index", [*corpus(12), whole, part, same]) as index:
        evidence = index.compare("whole", "part").evidence
        assert (evidence.containment, evidence.resemblance, evidence.length_ratio) == (None,) * 3
        contained = index.compare("whole", "same")
        assert contained.evidence.containment == 1.0
        assert contained.verdict is not Verdict.SAME_TEXT
        assert contained.relation == "contains"


def test_a_passage_in_the_middle_of_a_longer_article_is_found(tmp_path: Path) -> None:
    passage = "三号桥墩的水下混凝土一次浇筑完成，潜水员连续作业十一个小时，监测数据全部合格。" * 2
    host = Article(id="host", title="", body=body_of("茶", 1) + passage + body_of("馆", 2))
    source = Article(id="source", title="", body=passage)
    options = IndexOptions(embedder="hashing", neighbours=2)
    with build(tmp_path / "index", [*corpus(100), host, source], options=options) as index:
        assert index.compare("host", "source").evidence.containment == 1.0
        assert "host" in ids(index.related("source", min_similarity=0.0, limit=50)) or (
            "host" in ids(index.near_duplicates("source", min_similarity=0.0, limit=50))
        )


def test_the_centres_make_small_and_large_alike(tmp_path: Path) -> None:
    vectors = HashingEmbedder().embed([each.body for each in corpus(20)])
    assert np.allclose(np.linalg.norm(vectors, axis=1), 1.0)
    with build(tmp_path / "index", corpus(300)) as index:
        assert abs(index.info().drift) < 0.03
        assert not any("drift" in each for each in index.info().warnings)
        flood = [article(f"f{n:03d}", "雨", 2_000 + n) for n in range(400)]
        index.update(flood, now=NOW)
        assert any("drifted" in each for each in index.info().warnings)
        index.rebuild(now=NOW)
        assert index.info().tail == 0


def test_a_damaged_search_file_is_answered_around(tmp_path: Path) -> None:
    with build(tmp_path / "index", corpus(60)) as index:
        expected = lists_of(index)
        draft = Article(id="draft", title="", body=body_of("桥", 0))
        best = ids(index.related(draft, min_similarity=0.0, limit=5))
    for name in ("vectors-000001.faiss", "fingerprints-000001.bin"):
        file = tmp_path / "index" / name
        data = bytearray(file.read_bytes())
        data[len(data) // 2] ^= 1
        file.write_bytes(bytes(data))
    with Recommender.open(tmp_path / "index") as index:
        assert lists_of(index) == expected
        assert ids(index.related(draft, min_similarity=0.0, limit=5)) == best
        problems = index.verify()
        assert any("vectors-000001.faiss" in each for each in problems)
        assert any("fingerprints-000001.bin" in each for each in problems)
        index.rebuild(now=NOW)
        assert index.verify() == []
        assert lists_of(index) == expected
