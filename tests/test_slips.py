"""Slips that are easily made: what is refused, what is said, and that nothing is lost by them."""

from __future__ import annotations

import json
from datetime import datetime, timezone
from pathlib import Path

import pytest

from recommender import ConfigError, IndexOptions, Recommender
from tests.helpers import article, build, corpus
from tests.test_cli import Run, index, line_of, run

__all__ = ["index", "run"]


def test_an_empty_input_does_not_empty_an_index(tmp_path: Path, run: Run, index: str) -> None:
    (tmp_path / "empty.jsonl").write_text("", encoding="utf-8")
    refused = run("build", "empty.jsonl", "-i", index, "--embedder", "hashing")
    assert refused.exit_code == 1
    assert "holds 31" in refused.stderr
    assert refused.stderr.count("\n") == 1
    with Recommender.open(tmp_path / index) as opened:
        assert len(opened) == 31
        assert opened.verify() == []
    assert run("build", "empty.jsonl", "-i", "new", "--embedder", "hashing").exit_code == 0
    assert run("build", "empty.jsonl", "-i", "new", "--embedder", "hashing").exit_code == 0
    with pytest.raises(ConfigError, match="no article"):
        build(tmp_path / index, [])
    build(tmp_path / "new", corpus(5)).close()


def dated(article_id: str, number: int, date: str) -> str:
    record = json.loads(line_of(article(article_id, "茶", number)))
    return json.dumps({**record, "date": date}, ensure_ascii=False) + "\n"


def test_an_index_keeps_its_time_zone(tmp_path: Path, run: Run) -> None:
    (tmp_path / "a.jsonl").write_text(
        dated("a", 1, "2025-07-17 00:30") + dated("b", 1, "2025-07-17 06:00"), encoding="utf-8"
    )
    built = run("build", "a.jsonl", "-i", "x", "--embedder", "hashing", "--timezone", "Asia/Tokyo")
    assert built.exit_code == 0, built.stderr
    (tmp_path / "more.jsonl").write_text(dated("c", 1, "2025-07-18 00:10"), encoding="utf-8")
    assert run("update", "more.jsonl", "-i", "x").exit_code == 0
    with Recommender.open(tmp_path / "x") as opened:
        assert opened.options.timezone == "Asia/Tokyo"
        assert opened.get("a").date == datetime(2025, 7, 16, 15, 30, tzinfo=timezone.utc)
        assert opened.get("c").date == datetime(2025, 7, 17, 15, 10, tzinfo=timezone.utc)
    assert run("decide", "a", "b", "--duplicate", "-i", "x").exit_code == 0
    for command in (("duplicates",), ("compare", "a", "c"), ("check", "draft.txt")):
        (tmp_path / "draft.txt").write_text(article("d", "茶", 1).body, encoding="utf-8")
        shown = run(*command, "-i", "x").stdout
        assert "2025-07-17" in shown
        assert "2025-07-18" in shown
        assert "2025-07-16" not in shown
    page = run("compare", "a", "c", "-f", "html", "-i", "x").stdout
    assert "2025-07-17 00:30 Asia/Tokyo" in page
    assert 'datetime="2025-07-17T00:30:00+09:00"' in page
    rows = run("pairs", "--between", "0", "1", "-i", "x").stdout
    assert "2025-07-18T00:10:00+09:00" in rows
    found = run("related", "c", "--after", "2025-07-17", "--min-similarity", "0", "-i", "x")
    assert "Near-duplicates of the article itself: a, b" in found.stdout
    assert "Asia/Tokyo" in run("info", "-i", "x").stdout
    assert run("rebuild", "-i", "x").exit_code == 0
    with Recommender.open(tmp_path / "x") as opened:
        assert opened.options.timezone == "Asia/Tokyo"


def test_a_time_zone_is_checked(tmp_path: Path, run: Run) -> None:
    for wrong in ("Mars/Olympus", "", 8, "../etc", "\0"):
        with pytest.raises(ConfigError, match="timezone"):
            IndexOptions(timezone=wrong)  # type: ignore[arg-type]
    assert IndexOptions().zone is timezone.utc
    (tmp_path / "recommender.toml").write_text('[options]\ntimezone = "Asia/Seoul"', "utf-8")
    (tmp_path / "a.jsonl").write_text(dated("a", 1, "2025-07-17 00:30"), encoding="utf-8")
    assert run("build", "a.jsonl", "-i", "x", "--embedder", "hashing").exit_code == 0
    with Recommender.open(tmp_path / "x") as opened:
        assert opened.options.timezone == "Asia/Seoul"
        assert opened.get("a").date == datetime(2025, 7, 16, 15, 30, tzinfo=timezone.utc)
    (tmp_path / "recommender.toml").write_text('[options]\ntimezone = "Nowhere"', "utf-8")
    refused = run("build", "a.jsonl", "-i", "y", "--embedder", "hashing")
    assert (refused.exit_code, "Nowhere" in refused.stderr) == (1, True)
