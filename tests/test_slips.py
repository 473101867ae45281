"""Slips that are easily made: what is refused, what is said, and that nothing is lost by them."""

from __future__ import annotations

import json
import os
import shutil
from datetime import datetime, timezone
from pathlib import Path

import pytest

from recommender import ConfigError, IndexOptions, Recommender, RecommenderError
from recommender.demo import run_demo
from recommender.progress import silent
from tests.helpers import article, build, corpus
from tests.test_cli import Run, index, line_of, run
from tests.test_processes import as_user

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


@pytest.mark.skipif(os.geteuid() != 0, reason="only root can become another user")
def test_a_folder_of_another_user_is_refused_in_one_line(tmp_path: Path) -> None:
    closed = tmp_path / "closed"
    closed.mkdir(mode=0o700)
    let_through(tmp_path)
    # The other user may not be able to import what is still missing.
    run_demo(None, embedder="hashing", progress=silent, width=80, color=False)

    def refused() -> None:
        for folder in (closed / "demo", tmp_path / "demo"):
            with pytest.raises(RecommenderError, match="demo.*Permission denied"):
                run_demo(folder, embedder="hashing", progress=silent, width=80, color=False)
        with pytest.raises(RecommenderError, match="Permission denied"):
            build(closed / "new", corpus(3))

    assert as_user(33, refused) == 0


@pytest.mark.skipif(os.geteuid() != 0, reason="only root can become another user")
def test_a_reader_is_told_what_is_missing_beside_the_database(tmp_path: Path) -> None:
    folder = tmp_path / "index"
    build(folder, corpus(5)).close()
    let_through(tmp_path)
    folder.chmod(0o755)
    for file in folder.iterdir():
        file.chmod(0o644)
    for suffix in ("-wal", "-shm"):
        (folder / f"articles.sqlite{suffix}").unlink()

    def refused() -> None:
        with pytest.raises(RecommenderError, match="-wal, -shm.*owns the index") as caught:
            Recommender.open(folder)
        assert "nothing was changed" not in str(caught.value)

    def read() -> None:
        with Recommender.open(folder) as opened:
            assert len(opened) == 5

    assert as_user(33, refused) == 0
    # What the message says is enough.
    with Recommender.open(folder) as opened:
        opened.info()
    assert as_user(33, read) == 0


def let_through(folder: Path) -> None:
    """Other users may pass through the folders above."""
    for each in (folder, *folder.parents):
        if each.stat().st_uid == 0 and each != Path("/"):
            each.chmod(each.stat().st_mode | 0o055)


def test_the_way_out_of_a_damaged_index_works(tmp_path: Path, run: Run, index: str) -> None:
    database = tmp_path / index / "articles.sqlite"
    database.write_bytes(b"\x00\xff" * 50_000)
    for suffix in ("-wal", "-shm"):
        Path(f"{database}{suffix}").unlink()
    for command in (("info",), ("build", "articles.jsonl", "--embedder", "hashing")):
        refused = run(*command, "-i", index)
        assert refused.exit_code == 1
        assert f"remove the folder {index} and build it again" in refused.stderr
    shutil.rmtree(tmp_path / index)
    assert run("build", "articles.jsonl", "-i", index, "--embedder", "hashing").exit_code == 0
