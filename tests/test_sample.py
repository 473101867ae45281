"""The sample corpus and the demonstration: every verdict has its cases, and they come out."""

from __future__ import annotations

import json
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest
from click.testing import CliRunner

from recommender import Recommender
from recommender.cli import main
from recommender.records import Verdict
from recommender.sample import sample_articles

EXPECTED: list[dict[str, Any]] = json.loads(
    (Path(__file__).parent / "data" / "sample_expectations.json").read_text(encoding="utf-8")
)


def test_the_sample_has_what_the_readme_promises() -> None:
    articles = sample_articles()
    assert 55 <= len(articles) <= 75
    assert len({each.id for each in articles}) == len(articles)
    assert sum("版权声明" in each.body for each in articles) >= 12
    assert sum(each.body.isascii() for each in articles if each.body) >= 6
    assert all(each.date is not None for each in articles)
    for pair in EXPECTED:
        assert {pair["a"], pair["b"]} <= {each.id for each in articles}


@pytest.fixture(scope="module")
def index(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Recommender]:
    folder = tmp_path_factory.mktemp("sample") / "index"
    with Recommender.build(folder, sample_articles()) as built:
        yield built


@pytest.mark.model
def test_a_report_in_another_language_is_the_same_story_and_nothing_to_clean_up(
    index: Recommender,
) -> None:
    assert index.compare("rail-speed-1", "rail-english").verdict is Verdict.SAME_STORY
    for found in index.duplicate_groups():
        languages = {found.canonical.language, *(m.article.language for m in found.members)}
        assert len(languages) == 1


@pytest.mark.model
@pytest.mark.parametrize("pair", EXPECTED, ids=lambda pair: f"{pair['a']} {pair['b']}")
def test_a_pair_gets_its_verdict(index: Recommender, pair: dict[str, Any]) -> None:
    found = index.compare(pair["a"], pair["b"])
    assert found.verdict in pair["verdict"], (found.similarity, found.evidence)
    assert found.relation in pair.get("relation", [found.relation])
    back = index.compare(pair["b"], pair["a"])
    assert (back.similarity, back.relation) == (found.similarity, found.relation.reversed)


@pytest.mark.model
def test_groups_hold_copies_and_no_templates(index: Recommender) -> None:
    groups = [
        {group.canonical.id, *(member.article.id for member in group.members)}
        for group in index.duplicate_groups()
    ]
    assert {"ticket-leak-1", "ticket-leak-2"} in groups
    together = [each for each in groups if len(each & {"repo-0708", "repo-0722"}) == 2]
    assert together == []


@pytest.mark.model
def test_the_notice_is_boilerplate_and_odd_articles_are_listed(index: Recommender) -> None:
    patterns = [segment.pattern for segment in index.info().boilerplate]
    assert any(pattern.startswith("版权声明") for pattern in patterns)
    assert any(pattern.startswith("责任编辑") for pattern in patterns)
    problems = {(each.article.id, each.problem) for each in index.problems()}
    assert ("wrong-title", "title does not fit the body") in problems
    assert ("video-only", "next to no text") in problems
    assert ("old-import", "suspicious date") in problems


@pytest.mark.model
def test_members_only_articles_are_not_offered(index: Recommender) -> None:
    matches = index.related("h20-orders", min_similarity=0.0, limit=50)
    assert "members-chips" not in {match.article.id for match in matches}
    inside = index.related("h20-orders", min_similarity=0.0, limit=50, public_only=False)
    assert "members-chips" in {match.article.id for match in inside}


def test_the_demonstration_prints_lists_duplicates_and_what_is_next(tmp_path: Path) -> None:
    folder = tmp_path / "demo"
    result = CliRunner().invoke(main, ["-q", "demo", str(folder), "--embedder", "hashing"])
    assert result.exit_code == 0, result.output
    assert "ticket-leak-2" in result.stdout
    assert "Near-duplicates to clean up" in result.stdout
    assert f"-i {folder}" in result.stdout
    again = CliRunner().invoke(main, ["-q", "demo", str(folder), "--embedder", "hashing"])
    assert again.exit_code == 1
    assert "not empty" in again.stderr
