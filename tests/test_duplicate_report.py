"""The duplicate report: what it groups, doubts, leaves out, and what is new in it."""

from __future__ import annotations

import csv
import io
import json
import random
from collections.abc import Callable
from dataclasses import replace
from datetime import timedelta, timezone
from pathlib import Path
from typing import Any

import pytest
from click.testing import Result
from hypothesis import given, settings
from hypothesis import strategies as st

from recommender import (
    Article,
    CanonicalPolicy,
    ConfigError,
    DuplicateReport,
    Recommender,
    Thresholds,
    Verdict,
)
from recommender.duplicate_report import make_report
from recommender.partial import KeptPieces
from recommender.records import Card, DuplicatePair, Evidence, Relation
from tests.helpers import NOW, START, THEMES, article, body_of, build, corpus

Run = Callable[..., Result]


def pair(
    first: str, second: str, similarity: float, *, language: bool = True, **fields: Any
) -> DuplicatePair:
    return DuplicatePair(
        first=Card(id=first, category="社会", date=START),
        second=Card(id=second, category="财经", date=START + timedelta(days=40)),
        similarity=similarity,
        verdict=Thresholds().verdict(similarity),
        relation=fields.pop("relation", Relation.OTHER),
        evidence=Evidence(same_language=language, title_overlap=fields.pop("title_overlap", 0.6)),
        **fields,
    )


def report_of(*pairs: DuplicatePair, **options: Any) -> DuplicateReport:
    return make_report(pairs, DuplicateReport(source="here", articles=10, groups=()), **options)


def reasons(report: DuplicateReport) -> list[tuple[str, str, str]]:
    return [(each.pair.first.id, each.pair.second.id, each.reason) for each in report.maybe]


def grouped(report: DuplicateReport) -> list[tuple[str, ...]]:
    return [each.ids for each in report.groups]


def test_what_is_in_doubt_says_why() -> None:
    report = report_of(
        pair("a", "b", 0.95),
        pair("b", "c", 0.80),
        pair("c", "d", 0.93),
        pair("e", "f", 0.74),
        pair("g", "h", 0.92, language=False),
    )
    assert grouped(report) == [("a", "b"), ("c", "d")]
    assert reasons(report) == [
        ("g", "h", "language"),
        ("b", "c", "bridge"),
        ("e", "f", "below"),
    ]
    assert (report.duplicates, report.count(Verdict.SAME_TEXT)) == (2, 2)


def test_two_members_of_one_group_are_not_in_doubt() -> None:
    report = report_of(pair("a", "b", 0.95), pair("a", "c", 0.95), pair("b", "c", 0.74))
    assert grouped(report) == [("a", "b", "c")]
    assert report.maybe == ()
    assert report.groups[0].loose == 1


def test_what_is_decided_distinct_is_nowhere() -> None:
    report = report_of(pair("a", "b", 0.95), distinct={("a", "b")})
    assert (report.groups, report.maybe) == ((), ())


def test_languages_are_joined_by_an_editor_only() -> None:
    joined = report_of(pair("a", "b", 0.8, language=False, decision="duplicate"))
    assert grouped(joined) == [("a", "b")]


def test_only_same_text_leaves_stories_in_doubt() -> None:
    pairs = [pair("a", "b", 0.95), pair("c", "d", 0.88), pair("e", "f", 0.8)]
    report = report_of(*pairs, verdict=Verdict.SAME_TEXT)
    assert grouped(report) == [("a", "b")]
    # Only what is a little below the threshold that was asked for.
    assert reasons(report) == [("c", "d", "below")]


def test_a_round_up_is_in_no_group_of_a_story() -> None:
    def under_headlines(similarity: float, **fields: Any) -> DuplicatePair:
        made = pair("a", "b", similarity, **fields)
        return replace(
            made,
            first=replace(made.first, title="联播快讯"),
            second=replace(made.second, title="沿江三县启动防汛应急响应"),
            evidence=Evidence(title_overlap=None),
        )

    assert reasons(report_of(under_headlines(0.8))) == [("a", "b", "heading")]
    assert grouped(report_of(under_headlines(0.95))) == [("a", "b")]
    assert grouped(report_of(under_headlines(0.8, decision="duplicate"))) == [("a", "b")]


def test_what_an_editor_decided_joins_the_group() -> None:
    links = [pair("a", "b", 0.8), pair("a", "c", 0.79), pair("b", "c", 0.79)]
    alone = pair("a", "d", 0.76)
    assert "d" not in grouped(report_of(*links, alone))[0]
    assert "d" in grouped(report_of(*links, replace(alone, decision="duplicate")))[0]


def test_a_further_copy_takes_one_decision_only() -> None:
    names = ["a", "b", "c", "d"]
    pairs = [pair(x, y, 0.95) for n, x in enumerate(names) for y in names[n + 1 :]]
    # b and d were settled against c, b is merged into it; then a came in, and is to be kept.
    report = replace(
        report_of(*pairs), settled=frozenset({("b", "c"), ("c", "d")}), merged=frozenset({"b"})
    )
    (group,) = report.groups
    assert group.canonical.id == "a"
    assert report.open_members(group) == {"c"}
    assert (report.open_duplicates, report.is_settled(group)) == (1, False)
    done = replace(report, settled=report.settled | {("a", "c")})
    assert done.is_settled(group)


def test_only_what_is_fresh_is_shown_but_groups_are_those_of_everything() -> None:
    pairs = [pair("a", "b", 0.95), pair("a", "c", 0.95), pair("d", "e", 0.95), pair("f", "g", 0.74)]
    everything, fresh = report_of(*pairs), report_of(*pairs, fresh={"c", "g"})
    assert grouped(fresh) == [("a", "b", "c")]
    assert set(grouped(fresh)) < set(grouped(everything))
    assert reasons(fresh) == [("f", "g", "below")]


def test_numbers_by_month_and_category() -> None:
    report = report_of(pair("a", "b", 0.95), pair("c", "d", 0.95))
    assert report.by_month(timezone.utc) == [("2025-08", 2)]
    assert report.by_category() == [("财经", 2)]
    undated = replace(pair("x", "y", 0.9), second=Card(id="y"))
    assert report_of(pair("a", "b", 0.95), undated).by_month(timezone.utc) == [
        ("2025-08", 1),
        ("", 1),
    ]


def test_a_group_is_settled_when_each_member_is() -> None:
    report = report_of(pair("a", "b", 0.95), pair("a", "c", 0.95))
    assert report.open_groups == report.groups
    half = replace(report, settled=frozenset({("a", "b")}))
    assert half.open_groups
    assert not replace(report, settled=frozenset({("a", "b"), ("a", "c")})).open_groups


def test_a_common_subject_alone_is_not_worth_a_look() -> None:
    assert report_of(pair("a", "b", 0.74, title_overlap=0.1)).maybe == ()


# Over an index


def shuffled_copies(folder: Path, seed: int) -> Recommender:
    articles = [*corpus(30), *(article(f"copy{n}", "桥", 5 * (n % 3)) for n in range(6))]
    random.Random(seed).shuffle(articles)
    return build(folder, articles)


def test_the_order_of_input_does_not_show(tmp_path: Path) -> None:
    with shuffled_copies(tmp_path / "one", 1) as one, shuffled_copies(tmp_path / "two", 2) as two:
        first, second = one.duplicate_report(), two.duplicate_report()
    assert first.groups
    assert replace(first, source="", last_row=0) == replace(second, source="", last_row=0)


def test_the_report_agrees_with_pairs_and_groups(tmp_path: Path) -> None:
    with shuffled_copies(tmp_path / "index", 3) as index:
        report = index.duplicate_report(policy=CanonicalPolicy(order=("earliest",)))
        assert list(report.groups) == index.duplicate_groups()
        near = sum(each.similarity >= 0.76 for each in index.duplicate_pairs())
        assert sum(report.histogram[38:]) == near
        assert report.articles == len(index)
        with pytest.raises(ConfigError, match="same-text or same-story"):
            index.duplicate_report(verdict=Verdict.RELATED)


def test_a_chain_of_articles_each_near_the_next_never_becomes_one_group(tmp_path: Path) -> None:
    words = [word for theme in THEMES.values() for word in theme.split()]
    generator = random.Random(7)
    sentences = [
        f"{generator.choice(words)}在第{n}处{generator.choice(words)}，共计{n * 37 % 9001}项。"
        for n in range(410)
    ]
    chain = [
        Article(
            id=f"n{n:04d}", title=f"现场记录{n}", body="".join(sentences[n : n + 10]), date=START
        )
        for n in range(400)
    ]
    with build(tmp_path / "index", chain) as index:
        report = index.duplicate_report()
    assert report.groups
    assert max(len(each.ids) for each in report.groups) <= 20
    for each in report.groups:
        numbers = [int(one[1:]) for one in each.ids]
        # Nobody shares a group with an article he has no sentence in common with.
        assert max(numbers) - min(numbers) < 20


@pytest.mark.slow
def test_a_thousand_articles_that_share_only_boilerplate_are_no_duplicates(tmp_path: Path) -> None:
    notice = (
        "本网站所有内容，未经书面授权，任何单位和个人不得转载、摘编或以其他方式使用，违者将依法"
        "追究责任；凡注明来源的作品均转载自其他媒体，目的在于传递更多信息，并不代表本网观点。"
    )
    words = [f"{a}{b}" for a in "甲乙丙丁戊己庚辛壬癸" for b in "山河湖海林原谷岭峰川溪泉"]
    generator = random.Random(5)

    def own(number: int) -> str:
        parts = [generator.choice(words) + generator.choice(words) for _ in range(24)]
        return "，".join(f"{part}第{generator.randrange(10_000)}号" for part in parts) + "。"

    articles = [
        Article(id=f"n{n:04d}", title=own(n)[:18], body=f"{own(n)}\n{notice}", date=START)
        for n in range(1_000)
    ]
    with build(tmp_path / "index", articles) as index:
        report = index.duplicate_report()
    assert report.groups == ()
    assert report.maybe == ()


def test_wrong_arguments_are_told(tmp_path: Path) -> None:
    with build(tmp_path / "index", [*corpus(10), article("copy0", "桥", 0)]) as index:
        naive = index.duplicate_report(since=START.replace(tzinfo=None))
        assert grouped(naive) == grouped(index.duplicate_report())
        for wrong in ({"verdict": "close"}, {"policy": "longest"}, {"since": "2025-07-01"}):
            with pytest.raises(ConfigError):
                index.duplicate_report(**wrong)
        assert grouped(index.duplicate_report(verdict="same-text"))  # type: ignore[arg-type]


def test_since_the_last_report(tmp_path: Path) -> None:
    with build(tmp_path / "index", [*corpus(20), article("copy0", "桥", 0)]) as index:
        first = index.duplicate_report(new_only=True)
        assert grouped(first) == [("a000", "copy0")]
        index.mark_reported(first)
        assert index.duplicate_report(new_only=True).groups == ()
        assert grouped(index.duplicate_report()) == grouped(first)
        index.update([article("copy1", "茶", 1)], now=NOW)
        again = index.duplicate_report(new_only=True)
        assert grouped(again) == [("a001", "copy1")]
        assert again.since == "the last report"
        recent = index.duplicate_report(since=START + timedelta(hours=1))
        assert grouped(recent) == [("a001", "copy1")]


# The command


@pytest.fixture
def copies(tmp_path: Path) -> str:
    extra = article(
        *("copy", "桥", 0),
        title="=cmd|' /C calc'!A1",
        source="本报",
        date=START + timedelta(days=1),
        extra={"visits": 9},
    )
    build(tmp_path / "index", [*corpus(20), extra]).close()
    return str(tmp_path / "index")


def test_json_is_one_object_with_a_summary(run: Run, copies: str) -> None:
    done = run("--quiet", "duplicates", "-i", copies, "-f", "json")
    assert done.stderr == ""
    said = json.loads(done.stdout)
    assert set(said) == {"summary", "groups", "maybe", "templates"}
    assert said["summary"]["groups"] == said["summary"]["duplicates"] == 1
    assert said["summary"]["articles"] == 21
    (group,) = said["groups"]
    assert group["canonical"]["id"] == "a000"
    assert group["weakest_pair"] == ["a000", "copy"]


def test_the_policy_comes_from_options_and_file(run: Run, copies: str, tmp_path: Path) -> None:
    def kept(*options: str) -> str:
        done = run(*options, "-f", "json", "-i", copies)
        assert done.exit_code == 0, done.stderr
        return str(json.loads(done.stdout)["groups"][0]["canonical"]["id"])

    assert kept("duplicates") == "a000"
    assert kept("duplicates", "--own-source", "本报") == "copy"
    assert kept("duplicates", "--keep", "most-visited, smallest-id") == "copy"
    assert kept("duplicates", "--pin", "copy") == "copy"
    file = tmp_path / "settings.toml"
    file.write_text('[canonical]\nown_sources = ["本报"]\n', encoding="utf-8")
    assert kept("--config", str(file), "duplicates") == "copy"
    assert kept("--config", str(file), "duplicates", "--keep", "earliest") == "a000"
    file.write_text('[canonical]\norder = ["newest"]\n', encoding="utf-8")
    wrong = run("--config", str(file), "duplicates", "-i", copies)
    assert (wrong.exit_code, wrong.stderr.count("\n")) == (1, 1)
    assert run("duplicates", "--keep", "newest", "-i", copies).exit_code == 1


def test_csv_opens_in_a_spreadsheet_and_runs_nothing(run: Run, copies: str) -> None:
    text = run("duplicates", "-i", copies, "-f", "csv").stdout
    assert text.startswith("\ufeff")
    rows = list(csv.DictReader(io.StringIO(text.lstrip("\ufeff"))))
    assert [row["role"] for row in rows if row["kind"] == "group"] == ["canonical", "member"]
    assert rows[1]["title"].startswith("'=cmd")
    nothing = run("duplicates", "-i", copies, "-f", "csv", "--since", "2030-01-01").stdout
    assert nothing.lstrip("\ufeff").rstrip().split(",") == list(rows[0])


def test_since_last_moves_on_only_when_the_report_is_written(run: Run, copies: str) -> None:
    options = ("duplicates", "-i", copies, "--since", "last", "-f", "json")
    assert run(*options, "-o", "no/such/folder/out.json").exit_code == 1
    assert json.loads(run(*options).stdout)["summary"]["groups"] == 1
    assert json.loads(run(*options).stdout)["summary"]["groups"] == 0
    assert run("duplicates", "-i", copies, "--since", "yesterday").exit_code == 2
    assert json.loads(
        run("duplicates", "-i", copies, "--since", "2025-07-01", "-f", "json").stdout
    )["summary"]["groups"]


def test_decided_groups_are_not_work(run: Run, copies: str) -> None:
    assert run("duplicates", "-i", copies, "--fail-above", "0").exit_code == 3
    assert run("decide", "a000", "copy", "--keep-both", "-i", copies).exit_code == 0
    assert run("duplicates", "-i", copies, "--fail-above", "0").exit_code == 0
    said = json.loads(run("duplicates", "-i", copies, "--open", "-f", "json").stdout)
    assert said["summary"]["groups"] == 0


# Pieces of long work


@given(st.dictionaries(st.text(max_size=8), st.lists(st.text(max_size=5)), max_size=6))
@settings(max_examples=30)
def test_pieces_are_kept_when_the_work_is_cut_off(
    tmp_path_factory: pytest.TempPathFactory, pieces: dict[str, list[str]]
) -> None:
    output = tmp_path_factory.mktemp("kept") / "report.html"
    with pytest.raises(KeyboardInterrupt), KeptPieces(output, {"change": 1}) as kept:
        for key, piece in pieces.items():
            kept.put(key, piece)
        raise KeyboardInterrupt
    with KeptPieces(output, {"change": 1}) as again:
        assert {key: again.get(key) for key in pieces} == pieces
        assert len(again) == len(pieces)
    assert not list(output.parent.iterdir())


def test_pieces_of_other_work_and_torn_lines_are_not_taken(tmp_path: Path) -> None:
    output = tmp_path / "report.html"
    with pytest.raises(KeyboardInterrupt), KeptPieces(output, {"change": 1}) as kept:
        kept.put("a", [1])
        kept.put("b", [2])
        raise KeyboardInterrupt
    part = output.with_name("report.html.part")
    part.write_text(part.read_text(encoding="utf-8")[:-3], encoding="utf-8")
    with pytest.raises(KeyboardInterrupt), KeptPieces(output, {"change": 1}) as torn:
        assert (torn.get("a"), torn.get("b")) == ([1], None)
        torn.put("b", [3])
        raise KeyboardInterrupt
    with pytest.raises(KeyboardInterrupt), KeptPieces(output, {"change": 1}) as mended:
        assert (mended.get("a"), mended.get("b")) == ([1], [3])
        raise KeyboardInterrupt
    with KeptPieces(output, {"change": 2}) as other:
        assert other.get("a") is None
    assert body_of("桥", 1)
