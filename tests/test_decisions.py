"""Editors' decisions: they win, last, go stale with the texts, and contradictions are reported."""

from __future__ import annotations

import itertools
import json
import logging
import random
import sqlite3
import subprocess
import sys
from collections.abc import Iterator
from dataclasses import replace
from datetime import datetime, timedelta, timezone
from pathlib import Path

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from recommender import (
    Article,
    ArticleNotFound,
    ConfigError,
    Decision,
    HashingEmbedder,
    IndexCorrupt,
    IndexOptions,
    Recommender,
    Thresholds,
    Verdict,
)
from recommender.decisions import find_conflicts
from recommender.edits import is_substantive, mark_text
from recommender.fact_packing import pack
from recommender.facts import extract_facts
from tests.helpers import NOW, START, article, build, corpus

FAR = ("a000", "a001")  # a bridge and tea
COPIES = ("a003", "copy")

STORY = (
    "<p>市供水公司7月3日通报，因主干管网改造，城东片区将停水8小时，涉及约1.2万户居民。</p>"
    "<p>停水期间，公司安排6辆送水车在各小区门口值守，居民可凭水桶自取。施工队将分三班作业，"
    "抢在早高峰之前恢复供水。供水恢复初期水质可能略显浑浊，请居民放水数分钟后再使用。"
    "记者在现场看到，新管道已经运抵路边，围挡和警示灯也已布置完毕，交警在路口疏导车辆。</p>"
)


def with_copy() -> list[Article]:
    base = corpus(40)
    return [*base, replace(base[3], id="copy")]


@pytest.fixture(scope="module")
def built(tmp_path_factory: pytest.TempPathFactory) -> Path:
    folder = tmp_path_factory.mktemp("decisions") / "index"
    build(folder, [*with_copy(), article("story", body=STORY, title="城东停水8小时")]).close()
    return folder


@pytest.fixture
def folder(built: Path, tmp_path: Path) -> Path:
    with sqlite3.connect(built / "articles.sqlite") as raw:
        (tmp_path / "index").mkdir()
        raw.execute("VACUUM INTO ?", (str(tmp_path / "index" / "articles.sqlite"),))
    raw.close()
    with Recommender.open(tmp_path / "index") as opened:
        opened.rebuild(now=NOW)
    return tmp_path / "index"


@pytest.fixture
def index(folder: Path) -> Iterator[Recommender]:
    with Recommender.open(folder) as opened:
        yield opened


def ids(matches: object) -> list[str]:
    return [match.article.id for match in matches]  # type: ignore[attr-defined]


def near(index: Recommender, article_id: str, **options: object) -> list[str]:
    return ids(index.near_duplicates(article_id, **options))  # type: ignore[arg-type]


def states(index: Recommender) -> dict[tuple[str, str], str]:
    return {each.pair: each.state for each in index.decisions()}


# Winning over the model


def test_a_decided_duplicate_is_one_everywhere(index: Recommender) -> None:
    first, second = FAR
    assert index.compare(first, second).verdict is Verdict.UNRELATED
    assert index.decide(second, first, "duplicate", note="一稿两发", decided_by="陈", now=NOW) == ()
    for one, other in (FAR, FAR[::-1]):
        compared = index.compare(one, other)
        assert compared.decision == "duplicate"
        assert compared.verdict is Verdict.SAME_STORY
        assert compared.similarity == index.thresholds.same_story
        (match,) = [each for each in index.near_duplicates(one) if each.article.id == other]
        assert (match.decision, match.similarity) == ("duplicate", compared.similarity)
        assert match.evidence.cosine is not None
        related = index.related(one, min_similarity=0.0, limit=60)
        assert other in related.own_duplicates
        assert other not in ids(related)
    (pair,) = [each for each in index.duplicate_pairs() if each.decision]
    assert (pair.first.id, pair.second.id, pair.verdict) == (*FAR, Verdict.SAME_STORY)
    grouped = [{each.canonical.id, *ids(each.members)} for each in index.duplicate_groups()]
    assert set(FAR) in grouped
    (stored,) = index.decisions()
    assert (stored.pair, stored.decision, stored.note, stored.decided_by, stored.decided_at) == (
        FAR,
        "duplicate",
        "一稿两发",
        "陈",
        NOW,
    )
    assert len(stored.first_hash) == len(stored.second_hash) == 32
    assert stored.first_hash != stored.second_hash


def test_two_decided_duplicates_are_never_in_one_list(index: Recommender) -> None:
    matches = index.related("a005", min_similarity=0.0, limit=60)
    one, other = ids(matches)[:2]
    index.decide(one, other, "duplicate")
    after = index.related("a005", min_similarity=0.0, limit=60)
    assert one in ids(after)
    assert other not in ids(after)
    assert [each.also_covered for each in after if each.article.id == one] == [(other,)]


def test_articles_decided_distinct_are_no_duplicates_and_may_stand_together(
    index: Recommender,
) -> None:
    first, second = COPIES
    assert index.compare(first, second).verdict is Verdict.SAME_TEXT
    assert len(set(COPIES) & set(ids(index.related("a008", min_similarity=0, limit=60)))) == 1
    index.decide(first, second, "distinct")
    compared = index.compare(second, first)
    assert (compared.decision, compared.verdict) == ("distinct", Verdict.RELATED)
    assert compared.similarity == 0.7499
    assert second not in near(index, first)
    assert ids(index.related(first))[0] == second
    assert index.related(first)[0].decision == "distinct"
    assert set(COPIES) <= set(ids(index.related("a008", min_similarity=0, limit=60)))
    assert not [each for each in index.duplicate_pairs() if each.first.id == first]
    assert index.duplicate_groups() == []
    # Asked for less than duplicates, the pair is there with what was decided.
    (match,) = index.near_duplicates(first, min_similarity=0.7)
    assert (match.article.id, match.decision, match.verdict) == (second, "distinct", "related")


def test_a_decision_can_be_changed_and_forgotten(index: Recommender) -> None:
    before = index.compare(*COPIES)
    index.decide(*COPIES, "distinct", now=NOW)
    index.decide(*COPIES[::-1], "duplicate", note="doch", now=NOW + timedelta(days=1))
    (stored,) = index.decisions()
    assert (stored.decision, stored.note) == ("duplicate", "doch")
    assert index.compare(*COPIES).similarity == before.similarity == 1.0
    assert index.forget_decision(*COPIES[::-1]) is True
    assert index.forget_decision(*COPIES) is False
    assert index.decisions() == []
    assert index.compare(*COPIES) == before


def test_filters_hold_for_decided_duplicates(index: Recommender) -> None:
    index.decide(*FAR, "duplicate")
    first, second = FAR
    assert near(index, first, exclude=[second]) == []
    assert index.related(first, exclude=[second]).own_duplicates == ()
    only = index.related(first, categories=[index.get(first).category], min_similarity=0.0)
    assert second not in only.own_duplicates
    index.update([article(second, "茶", 1, access="hidden")], now=NOW)
    assert near(index, first, public_only=True) == []
    assert near(index, first) == [second]


def test_a_decided_pair_is_found_although_it_is_in_no_list(tmp_path: Path) -> None:
    options = IndexOptions(embedder="hashing", neighbours=3)
    with build(tmp_path / "index", corpus(60), options=options) as index:
        shown = ids(index.near_duplicates("a000", min_similarity=0.0))
        far = next(each for each in sorted(f"a{n:03d}" for n in range(1, 60)) if each not in shown)
        assert "a000" not in ids(index.near_duplicates(far, min_similarity=0.0))
        index.decide("a000", far, "duplicate")
        assert near(index, "a000") == [far]
        assert near(index, far) == ["a000"]
        assert index.related(far).own_duplicates == ("a000",)
        assert [(p.first.id, p.second.id) for p in index.duplicate_pairs()] == [("a000", far)]
        assert (
            index.duplicate_pairs()[0].evidence.cosine == index.compare("a000", far).evidence.cosine
        )


@settings(
    deadline=None,
    max_examples=60,
    suppress_health_check=[HealthCheck.function_scoped_fixture, HealthCheck.too_slow],
)
@given(
    cuts=st.lists(
        st.one_of(st.floats(0, 1), st.integers(0, 100).map(lambda n: n / 100)),
        min_size=3,
        max_size=3,
    )
)
def test_decisions_win_at_any_thresholds(decided: Recommender, cuts: list[float]) -> None:
    related, same_story, same_text = sorted(cuts)
    moved = Thresholds(same_text=same_text, same_story=same_story, related=related)
    compared = decided.compare(*FAR, thresholds=moved)
    assert compared.verdict.is_near_duplicate
    assert 0.0 <= compared.similarity <= 1.0
    assert FAR[1] in near(decided, FAR[0], thresholds=moved, limit=100)
    assert FAR[1] not in ids(decided.related(FAR[0], thresholds=moved, limit=100))
    apart = decided.compare(*COPIES, thresholds=moved)
    assert not apart.verdict.is_near_duplicate
    assert 0.0 <= apart.similarity <= 1.0
    pairs = {(p.first.id, p.second.id) for p in decided.duplicate_pairs(thresholds=moved)}
    assert FAR in pairs
    assert COPIES not in pairs
    for group in decided.duplicate_groups(thresholds=moved):
        assert not set(COPIES) <= {group.canonical.id, *ids(group.members)}


@pytest.fixture(scope="module")
def decided(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Recommender]:
    folder = tmp_path_factory.mktemp("decided") / "index"
    with build(folder, with_copy()) as index:
        index.decide(*FAR, "duplicate")
        index.decide(*COPIES, "distinct")
        yield index


def test_a_draft_stands_in_for_its_article(index: Recommender) -> None:
    first, second = COPIES
    index.decide(first, second, "distinct")
    base = corpus(4)[3]
    mended = replace(base, body=base.body.replace("之后", "以后", 1))
    assert near(index, mended) == []
    assert index.compare(mended, second).decision == "distinct"
    # A draft that tells something else is not the text that was decided on.
    other = replace(base, body=base.body + "伤亡人数升至37人。")
    assert near(index, other) == [second]
    assert index.compare(second, other).decision is None
    assert near(index, replace(base, id="draft")) == [first, second]


# Groups


def test_no_group_holds_two_articles_decided_distinct(tmp_path: Path) -> None:
    base = corpus(12)
    copies = [replace(base[0], id=f"c{n}") for n in range(5)]
    with build(tmp_path / "index", [*base, *copies]) as index:
        (whole,) = index.duplicate_groups()
        assert len(whole.members) == 5
        index.decide("c1", "c2", "distinct")
        index.decide("a000", "c3", "distinct")
        groups = [{each.canonical.id, *ids(each.members)} for each in index.duplicate_groups()]
        assert sorted(itertools.chain(*groups)) == ["a000", "c0", "c1", "c2", "c3", "c4"]
        for one, other in (("c1", "c2"), ("a000", "c3")):
            assert not any({one, other} <= group for group in groups)
        for each in index.duplicate_groups():
            assert all(match.verdict.is_near_duplicate for match in each.members)


# Contradictions

names = st.sampled_from("abcdefgh")
some_decisions = st.dictionaries(
    st.tuples(names, names).filter(lambda pair: pair[0] < pair[1]),
    st.sampled_from(["duplicate", "distinct"]),
    max_size=20,
).map(lambda made: [Decision(first=p[0], second=p[1], decision=d) for p, d in made.items()])


@given(some_decisions, st.randoms())
def test_contradictions_are_what_union_find_says(
    decisions: list[Decision], shuffler: random.Random
) -> None:
    root = {name: name for name in "abcdefgh"}

    def find(name: str) -> str:
        while root[name] != name:
            name = root[name]
        return name

    for each in decisions:
        if each.decision == "duplicate":
            root[find(each.first)] = find(each.second)
    expected = {
        each.pair
        for each in decisions
        if each.decision == "distinct" and find(each.first) == find(each.second)
    }
    found = find_conflicts(decisions)
    assert {(each.first, each.second) for each in found} == expected
    made = {each.pair: each.decision for each in decisions}
    for each in found:
        assert len(each.chain) == len(set(each.chain)) >= 3
        for link in itertools.pairwise(each.chain):
            assert made[tuple(sorted(link))] == "duplicate"  # type: ignore[index]
    shuffler.shuffle(decisions)
    assert find_conflicts(decisions) == found


def test_a_contradiction_is_reported_and_never_resolved(
    index: Recommender, caplog: pytest.LogCaptureFixture
) -> None:
    assert index.decide("a000", "a001", "duplicate") == ()
    assert index.decide("a002", "a001", "duplicate") == ()
    with caplog.at_level(logging.WARNING):
        (conflict,) = index.decide("a000", "a002", "distinct")
    assert conflict.chain == ("a000", "a001", "a002")
    assert "a000 = a001 = a002, but a000 ≠ a002" in caplog.text
    assert index.decision_conflicts() == (conflict,)
    assert any("a000 = a001 = a002" in warning for warning in index.info().warnings)
    assert index.compare("a000", "a001").verdict is Verdict.SAME_STORY
    assert index.compare("a001", "a002").verdict is Verdict.SAME_STORY
    assert not index.compare("a000", "a002").verdict.is_near_duplicate
    for group in index.duplicate_groups():
        assert not {"a000", "a002"} <= {group.canonical.id, *ids(group.members)}
    # A decision that has no part in it does not repeat it.
    assert index.decide(*COPIES, "duplicate") == ()
    index.remove(["a001"])
    assert index.decision_conflicts() == ()


# Stale


def marked(body: str, title: str = "城东停水8小时") -> object:
    return mark_text(
        title,
        body,
        facts=pack(extract_facts(title, body)),
        content_digest=f"{title}{body}".encode(),
    )


@pytest.mark.parametrize(
    ("before", "after", "substantive"),
    [
        ("请居民放水数分钟后再使用", "请居民先放水数分钟后再使用", False),
        ("警示灯也已布置完毕", "警示灯也己布置完毕", False),
        ("<p>停水期间", "<div class='x'>停水期间", False),
        ("，", ",", False),
        ("停水8小时", "停水９小时", True),
        ("约1.2万户", "约1.3万户", True),
        ("7月3日", "7月4日", True),
        ("使用。", "使用。另有2个小区延后施工。", True),
        ("安排6辆送水车在", "在", True),
        ("记者在现场看到，新管道已经运抵路边，围挡和警示灯也已布置完毕，", "", True),
    ],
)
def test_what_makes_a_decision_stale(
    index: Recommender, before: str, after: str, substantive: bool
) -> None:
    assert before in STORY
    index.decide("story", "a001", "duplicate")
    edited = article("story", body=STORY.replace(before, after), title="城东停水8小时")
    index.update([edited], now=NOW)
    (stored,) = index.decisions()
    assert (stored.stale, stored.second_edited) == (substantive, substantive)
    assert not stored.first_edited
    compared = index.compare("story", "a001")
    assert compared.decision == (None if substantive else "duplicate")
    assert (near(index, "a001") == []) is substantive
    # Put back, it is the text that was decided on.
    index.update([article("story", body=STORY, title="城东停水8小时")], now=NOW)
    assert states(index) == {("a001", "story"): "active"}


def test_a_changed_fact_of_the_title_makes_it_stale(index: Recommender) -> None:
    index.decide("story", "a001", "duplicate")
    index.update([article("story", body=STORY, title="城东片区停水 8小时")], now=NOW)
    assert states(index) == {("a001", "story"): "active"}
    # The body has both figures, so that only the title tells another.
    index.update([article("story", body=STORY, title="城东停水，涉及1.2万户")], now=NOW)
    assert states(index) == {("a001", "story"): "stale"}


def test_many_small_edits_add_up(index: Recommender) -> None:
    index.decide("story", "a001", "duplicate")
    body = STORY
    seen = []
    for before, after in (
        ("略显浑浊", "略显混浊"),
        ("请居民放水", "请市民放水"),
        ("已经运抵", "已运到"),
        ("凭水桶自取", "凭桶自取"),
        ("安排6辆送水车在各小区", "安排6辆送水车到各小区"),
        ("交警在路口", "交警于路口"),
    ):
        body = body.replace(before, after)
        index.update([article("story", body=body, title="城东停水8小时")], now=NOW)
        seen.append(index.decisions()[0].stale)
    assert seen[0] is False
    assert seen[-1] is True
    assert seen == sorted(seen)


def test_a_stale_decision_can_be_confirmed_and_forgotten(index: Recommender) -> None:
    index.decide("story", "a001", "duplicate", note="alt")
    index.update([article("story", body=STORY.replace("8小时", "10小时"))], now=NOW)
    assert states(index) == {("a001", "story"): "stale"}
    assert any("stale" in warning for warning in index.info().warnings)
    assert index.info().decisions == {"stale": 1}
    index.decide("a001", "story", "duplicate")
    assert states(index) == {("a001", "story"): "active"}
    assert index.compare("a001", "story").decision == "duplicate"
    index.update([article("story", body=STORY)], now=NOW)
    assert states(index) == {("a001", "story"): "stale"}
    assert index.forget_decision("story", "a001")
    assert index.decisions() == []
    assert index.verify() == []


@given(st.text(max_size=40), st.text(max_size=40))
def test_judging_an_edit_is_total_and_symmetric(one: str, other: str) -> None:
    first, second = marked(one, ""), marked(other, "")
    assert is_substantive(first, second) == is_substantive(second, first)  # type: ignore[arg-type]
    assert not is_substantive(first, first)  # type: ignore[arg-type]


# Lasting


def lasting(index: Recommender) -> None:
    assert states(index) == {FAR: "active", COPIES: "active", ("a001", "story"): "stale"}
    assert index.compare(*FAR).decision == "duplicate"
    assert index.compare(*COPIES).decision == "distinct"
    assert index.compare("a001", "story").decision is None
    assert FAR[1] in near(index, FAR[0])
    assert index.verify() == []


@pytest.fixture
def three(index: Recommender) -> Recommender:
    index.decide(*FAR, "duplicate")
    index.decide(*COPIES, "distinct")
    index.decide("a001", "story", "duplicate")
    index.update([article("story", body=STORY.replace("8小时", "10小时"))], now=NOW)
    lasting(index)
    return index


def test_decisions_survive_a_rebuild_and_other_models(three: Recommender) -> None:
    three.rebuild(now=NOW)
    lasting(three)
    three.rebuild(embedder=HashingEmbedder(dimension=64), now=NOW)
    assert three.info().embedder.dimension == 64
    lasting(three)


def test_decisions_survive_a_build_over_the_index(three: Recommender) -> None:
    edited = article("story", body=STORY.replace("8小时", "10小时"))
    # So many copies of a notice make it boilerplate, which is then no part of the texts.
    notice = "本网声明：凡注明来源的稿件版权均属本网所有，转载请注明出处。"
    more = [article(f"n{n}", "馆", 900 + n) for n in range(30)]
    articles = [
        replace(each, body=f"{each.body}\n{notice}") if each.id not in {*FAR, *COPIES} else each
        for each in [*with_copy(), *more]
    ]
    build(three.path, [*articles, edited]).close()
    assert len(three) == 72
    lasting(three)
    build(three.path, [each for each in articles if each.id != "a000"]).close()
    assert states(three) == {FAR: "missing", COPIES: "active", ("a001", "story"): "missing"}
    decided = {*FAR, *COPIES}
    changed = [
        replace(each, body=f"{each.body}又有{number}人报名。") if each.id in decided else each
        for number, each in enumerate(articles, start=300)
    ]
    build(three.path, changed).close()
    assert states(three) == {FAR: "stale", COPIES: "stale", ("a001", "story"): "missing"}


def test_a_text_that_becomes_boilerplate_is_no_edit(tmp_path: Path) -> None:
    notice = "本网声明：凡注明来源的稿件版权均属本网所有，2025年第7期，转载请注明出处。"
    base = [replace(each, body=f"{each.body}\n{notice}") for each in corpus(4)]
    more = [replace(each, body=f"{each.body}\n{notice}") for each in corpus(40)]
    with build(tmp_path / "index", base) as index:
        index.decide(*FAR, "duplicate")
        before = index.decisions()[0]
        index.update(more[4:], now=NOW)
        index.rebuild(now=NOW)
        assert any(notice[:6] in each.pattern for each in index.info().boilerplate)
        (after,) = index.decisions()
        assert after.state == "active"
        assert after.first_hash != before.first_hash
        # The mark follows the recipe, so that the notice is no part of later edits either.
        mended = base[0].body.replace("之后", "以后", 1).replace("2025年第7期", "2026年第8期")
        index.update([replace(base[0], body=mended)], now=NOW)
        assert states(index) == {FAR: "active"}


def test_a_removed_article_takes_its_decisions_out_of_force_until_it_returns(
    index: Recommender,
) -> None:
    index.decide(*FAR, "duplicate")
    index.remove([FAR[0]])
    (stored,) = index.decisions()
    assert (stored.state, stored.missing) == ("missing", (FAR[0],))
    assert near(index, FAR[1]) == []
    index.update([article(FAR[0], "桥", 0)], now=NOW)
    assert states(index) == {FAR: "active"}
    assert near(index, FAR[1]) == [FAR[0]]
    index.remove([FAR[0]])
    index.update([article(FAR[0], "桥", 77)], now=NOW)
    assert states(index) == {FAR: "stale"}
    assert near(index, FAR[1]) == []


def test_another_process_sees_a_decision_at_its_next_call(index: Recommender) -> None:
    assert near(index, FAR[0]) == []
    code = (
        "import sys; from recommender import Recommender\n"
        "with Recommender.open(sys.argv[1]) as index:\n"
        "    index.decide('a000', 'a001', sys.argv[2])\n"
    )
    for decision, expected in (("duplicate", [FAR[1]]), ("distinct", [])):
        subprocess.run(
            [sys.executable, "-c", code, str(index.path), decision],
            check=True,
            cwd=Path(__file__).parent.parent,
        )
        assert near(index, FAR[0]) == expected
        assert index.compare(*FAR).decision == decision


# Refusals and damage


def test_what_cannot_be_decided_is_refused_and_nothing_is_stored(index: Recommender) -> None:
    with pytest.raises(ConfigError, match="a000"):
        index.decide("a000", "a000", "duplicate")
    with pytest.raises(ConfigError, match="duplicate or distinct"):
        index.decide("a000", "a001", "same")  # type: ignore[arg-type]
    with pytest.raises(ArticleNotFound, match="nobody"):
        index.decide("a000", "nobody", "duplicate")
    good = Decision(first="a000", second="a001", decision="duplicate")
    with pytest.raises(ArticleNotFound, match="nobody"):
        index.decide_many([good, replace(good, second="nobody")])
    with pytest.raises(ConfigError, match="twice"):
        index.decide_many([good, Decision(first="a001", second="a000", decision="distinct")])
    with pytest.raises(ConfigError, match="2,001"):
        index.decide("a000", "a001", "duplicate", note="x" * 2001)
    assert index.decisions() == []
    assert index.decide_many([]) == ()


def test_a_decision_is_the_same_either_way_round() -> None:
    late = datetime(2025, 7, 1, 8, tzinfo=timezone(timedelta(hours=8)))
    one = Decision(
        first="b",
        second="a",
        decision="distinct",
        decided_at=late,
        first_hash="bb",
        second_hash="aa",
        first_edited=True,
    )
    assert (one.pair, one.first_hash, one.second_edited) == (("a", "b"), "aa", True)
    assert one.decided_at == START - timedelta(hours=8)
    assert one.state == "stale"


@pytest.mark.parametrize(
    ("table", "column", "wrong"),
    [
        ("decisions", "decision", "duplicate"),
        ("decisions", "edited", 2),
        ("decisions", "second_hash", "00" * 16),
        ("decided_texts", "facts", b"\0"),
    ],
)
def test_damage_is_noticed_and_named(
    index: Recommender, table: str, column: str, wrong: object
) -> None:
    index.decide(*COPIES, "distinct")
    raw = sqlite3.connect(index.path / "articles.sqlite")
    raw.execute(f"UPDATE {table} SET {column} = ?", (wrong,))
    raw.commit()
    raw.close()
    with Recommender.open(index.path) as damaged:
        assert any(f"table {table}" in problem for problem in damaged.verify())
        with pytest.raises(IndexCorrupt, match=rf"table {table}, row \('a003', '"):
            if table == "decisions":
                damaged.related("a005")
            else:
                damaged.update([article("a003", "馆", 50)], now=NOW)


def test_forgotten_decisions_leave_nothing(index: Recommender) -> None:
    index.decide(*COPIES, "distinct")
    index.decide("a003", "a004", "distinct")
    index.forget_decision("a003", "a004")
    raw = sqlite3.connect(index.path / "articles.sqlite")
    kept = "SELECT id FROM decided_texts ORDER BY id"
    assert [row[0] for row in raw.execute(kept)] == list(COPIES)
    index.forget_decision(*COPIES)
    assert list(raw.execute(kept)) == []
    raw.close()


def test_decisions_do_not_depend_on_their_order(tmp_path: Path) -> None:
    made = [Decision(first=f"a00{n}", second=f"a01{n}", decision="duplicate") for n in range(5)]
    found = []
    for name, order in (("one", made), ("two", made[::-1])):
        with build(tmp_path / name, corpus(20)) as index:
            index.decide_many(order, now=NOW)
            found.append((index.decisions(), index.duplicate_groups()))
    assert found[0] == found[1]
    assert json.dumps([each.pair for each in found[0][0]])
