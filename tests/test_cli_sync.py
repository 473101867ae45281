"""`recommender sync` as cron and a person at a terminal see it, also in real processes."""

from __future__ import annotations

import json
import os
import random
import signal
import subprocess
import sys
import time
from collections.abc import Callable, Sequence
from dataclasses import replace
from datetime import datetime, timezone
from pathlib import Path

import pytest
from click.testing import Result

from recommender import Article, IndexMissing, Recommender
from recommender.store import SyncLock
from tests.helpers import corpus
from tests.test_pages import FRONT, chinese_page

Run = Callable[..., Result]
ROOT = Path(__file__).parent.parent

SETTINGS = """
index = "idx"
[options]
embedder = "hashing"
[[sources]]
kind = "files"
paths = "articles.jsonl"
"""
TWO = """
index = "idx"
[options]
embedder = "hashing"
timezone = "Asia/Shanghai"
[[sources]]
kind = "files"
name = "main site"
site = "a.example"
paths = "a.jsonl"
[[sources]]
kind = "files"
site = "b.example"
paths = "b.jsonl"
"""


def write(file: Path, articles: Sequence[Article], *more: str) -> None:
    rows = [
        {
            "id": each.id,
            "title": each.title,
            "body": each.body,
            "date": None if each.date is None else each.date.isoformat(),
            "url": each.url,
        }
        for each in articles
    ]
    lines = [json.dumps(row, ensure_ascii=False) for row in rows]
    file.write_text("\n".join([*lines, *more]) + "\n", "utf-8")


@pytest.fixture
def place(tmp_path: Path) -> Path:
    (tmp_path / "recommender.toml").write_text(SETTINGS, "utf-8")
    write(tmp_path / "articles.jsonl", corpus(30))
    return tmp_path


def test_the_first_run_builds_and_later_ones_follow(run: Run, place: Path) -> None:
    first = run("sync")
    assert (first.exit_code, first.stdout) == (0, "")
    assert "idx: 30 added (30 embedded); 30 articles." in first.stderr
    assert "idx: nothing to do, 30 unchanged; 30 articles." in run("sync").stderr
    write(place / "articles.jsonl", corpus(33)[2:])
    dry = run("sync", "--dry-run")
    assert "a dry run, nothing was changed: 3 to add, 2 to remove, 28 unchanged" in dry.stderr
    assert "3 added, 2 removed, 28 unchanged (3 embedded); 31 articles." in run("sync").stderr
    assert "nothing is wrong" in run("doctor").output
    assert "what is no part" not in run("doctor").output


def test_quiet_says_nothing_of_nothing(run: Run, place: Path) -> None:
    assert run("sync", "--quiet").output.endswith("30 articles.\n")
    # Bad rows are told when something changed: cron would send them every minute.
    write(place / "articles.jsonl", corpus(30), '{"id": "bad", "title": "没有正文"}')
    assert run("sync", "--quiet").output == ""
    assert "Skipped" in run("sync").output
    write(place / "articles.jsonl", corpus(31), '{"id": "bad", "title": "没有正文"}')
    said = run("sync", "--quiet").stderr.splitlines()
    assert said[0].startswith("Skipped")
    assert said[-1] == "idx: 1 added, 30 unchanged, 1 skipped (1 embedded); 31 articles."


def test_monitoring_reads_json(run: Run, place: Path) -> None:
    write(place / "articles.jsonl", corpus(30), '{"id": "bad"}')
    told = json.loads(run("sync", "-f", "json").stdout)
    assert (told["state"], told["built"], told["added"], told["total"]) == ("changed", True, 30, 30)
    assert (told["index"], told["problems"], len(told["first_problems"])) == ("idx", 1, 1)
    assert told["sources"][0]["unreadable"] == 1
    run("sync", "-q", "-f", "json", "-o", "status.json")
    assert json.loads((place / "status.json").read_text("utf-8"))["state"] == "unchanged"
    write(place / "articles.jsonl", corpus(3))
    stopped = run("sync", "-f", "json")
    told = json.loads(stopped.stdout)
    assert (stopped.exit_code, told["state"]) == (1, "stopped")
    assert "files no longer gives 27 of the 30" in told["error"]


def test_a_broken_source_stops_it_unless_forced(run: Run, place: Path) -> None:
    run("sync")
    write(place / "articles.jsonl", corpus(5))
    stopped = run("sync", "--quiet")
    assert stopped.exit_code == 1
    assert stopped.stderr.startswith("Error: files no longer gives 25 of the 30 articles")
    assert "--force" in stopped.stderr
    assert "Traceback" not in stopped.stderr
    with (place / "recommender.toml").open("a") as file:
        file.write("[sync]\nmost_removed = 0.9\n")
    assert run("sync").exit_code == 0
    write(place / "articles.jsonl", corpus(0))
    assert run("sync").exit_code == 1
    assert "5 removed; 0 articles" in run("sync", "--force").stderr


def test_a_source_that_cannot_be_read_is_left_and_the_others_go_on(
    run: Run, tmp_path: Path
) -> None:
    (tmp_path / "recommender.toml").write_text(TWO, "utf-8")
    write(tmp_path / "a.jsonl", corpus(12))
    missing = run("sync")
    assert missing.exit_code == 1
    assert "b.jsonl" in missing.stderr
    assert not (tmp_path / "idx").exists()
    write(tmp_path / "b.jsonl", corpus(9))
    assert "21 added" in run("sync").stderr
    (tmp_path / "b.jsonl").unlink()
    write(tmp_path / "a.jsonl", corpus(13))
    half = run("sync", "-f", "json")
    assert half.exit_code == 1
    assert "Error: files of b.example was left as it is: cannot read" in half.stderr
    told = json.loads(half.stdout)
    assert (told["state"], told["added"], told["removed"], told["total"]) == ("failed", 1, 0, 22)


def test_sources_are_named_by_name_or_site(run: Run, tmp_path: Path) -> None:
    (tmp_path / "recommender.toml").write_text(TWO, "utf-8")
    write(tmp_path / "a.jsonl", corpus(12))
    write(tmp_path / "b.jsonl", corpus(9))
    run("sync")
    write(tmp_path / "a.jsonl", corpus(13))
    write(tmp_path / "b.jsonl", corpus(10))
    assert "1 added, 12 unchanged" in run("sync", "main site").stderr
    said = run("sync", "b.example").stderr
    assert "1 added, 9 unchanged" in said
    assert "no source has that site" not in said
    wrong = run("sync", "c.example")
    assert wrong.exit_code == 1
    assert "there is no source 'c.example'" in wrong.stderr
    (tmp_path / "recommender.toml").write_text(TWO.rpartition("[[sources]]")[0], "utf-8")
    assert "10 articles of the site b.example stay as they are" in run("sync").stderr


def test_settings_without_sources_say_what_to_do(run: Run, tmp_path: Path) -> None:
    (tmp_path / "recommender.toml").write_text('index = "idx"\n')
    said = run("sync")
    assert said.exit_code == 1
    assert "[[sources]]" in said.stderr
    (tmp_path / "recommender.toml").write_text('index = "idx"\n[sync]\nmost_removed = 2\n')
    assert "[sync] most_removed must lie between 0 and 1" in run("sync").stderr
    (tmp_path / "recommender.toml").write_text('index = "idx"\n[sync]\nmost = 2\n')
    assert "[sync] has an unknown key 'most'" in run("sync").stderr


def test_an_id_that_comes_twice_is_told_and_the_first_taken(run: Run, place: Path) -> None:
    again = json.dumps({"id": "a000", "body": "另一个正文。"}, ensure_ascii=False)
    write(place / "articles.jsonl", corpus(30), again)
    said = run("sync").stderr
    assert "the id comes twice, first in files; that one was taken" in said
    assert "30 added" in said
    assert "nothing to do, 30 unchanged" in run("sync").stderr


def test_hostile_text_reaches_no_terminal(run: Run, place: Path) -> None:
    bad = [json.dumps({"id": f"\x1b[31m{n}", "body": "x", "title": "\x1b[2J"}) for n in range(25)]
    write(place / "articles.jsonl", corpus(30), *bad)
    said = run("sync").output
    assert "\x1b" not in said
    assert "Skipped 25 articles in all" in said
    # All of them on demand, and for programs as well.
    assert sum(line.startswith("Skipped") for line in run("-v", "sync").stderr.splitlines()) == 25
    assert len(json.loads(run("-v", "sync", "-f", "json").stdout)["first_problems"]) == 25


def test_the_summary_counts_what_was_told(run: Run, place: Path) -> None:
    bad = ['{"id": 1.5, "body": "x"}', '{"id": null, "body": "x"}', '{"id": "n", "body": 3}']
    double = json.dumps({"id": "a000", "body": "另一个正文。"}, ensure_ascii=False)
    lost = '{"id": "lost", "title": "茶园", "body": "茶园开采，没有地址。"}'
    write(place / "articles.jsonl", corpus(30), *bad, double, double, lost)
    said = run("sync").stderr.splitlines()
    assert sum(line.startswith("Skipped") for line in said) == 5
    assert "31 added, 5 skipped" in said[-1]
    assert "files: 1 of 31 articles have no address, so that no list can link to them." in said
    assert json.loads(run("sync", "-f", "json").stdout)["without_address"] == 1


@pytest.mark.parametrize("left_out", ["list", "noindex"])
def test_pages_that_are_no_articles_are_no_fault(run: Run, tmp_path: Path, left_out: str) -> None:
    site = tmp_path / "site"
    site.mkdir()
    (tmp_path / "recommender.toml").write_text(
        'index = "idx"\n[options]\nembedder = "hashing"\n[[sources]]\nkind = "html"\n'
        'folder = "site"\n',
        "utf-8",
    )
    robots = '<meta name="Robots" content="NOINDEX, follow">' if left_out == "noindex" else ""
    for number in range(14):
        (site / f"{number}.html").write_text(chinese_page(), "utf-8")
        (site / f"x{number}.html").write_text(
            chinese_page(head=robots) if robots else FRONT, "utf-8"
        )
    said = run("sync").stderr
    assert "Skipped" not in said
    assert 'Left out 14 pages that are no articles in all; "recommender -v sync" names each' in said
    assert "14 added, 14 no articles" in said
    assert "Left out html: 'x3.html': " in run("-v", "sync").stderr
    told = json.loads(run("sync", "-f", "json").stdout)
    assert (told["problems"], told["no_articles"], len(told["first_no_articles"])) == (0, 14, 10)
    # A build leaves them out as well, and a page that is no article any more is gone.
    assert run("build", "-i", "other").exit_code == 0
    (site / "3.html").write_text(FRONT, "utf-8")
    assert "1 removed, 13 unchanged" in run("sync").stderr


def test_a_second_run_beside_the_first_ends_at_once(run: Run, place: Path) -> None:
    run("sync")
    with SyncLock.acquire(place / "idx"):
        beside = run("sync")
        assert (beside.exit_code, beside.stdout) == (0, "")
        assert "a sync is running already" in beside.stderr
        assert run("sync", "--quiet").output == ""
        assert json.loads(run("sync", "-f", "json").stdout)["state"] == "running"


# What follows is about real processes.

SLOW = """
import os, sys, time
import recommender.syncing
from recommender.cli import main
from recommender.embedders import hashing

recommender.syncing._PART = 4
embed = hashing.HashingEmbedder.embed

def slowly(self, texts):
    if sys.argv[1] == "-":
        while not os.path.exists("go on"):
            time.sleep(0.01)
    else:
        time.sleep(float(sys.argv[1]))
    return embed(self, texts)

hashing.HashingEmbedder.embed = slowly
main(sys.argv[2:])
"""


def started(place: Path, seconds: float | str, *words: str) -> subprocess.Popen[str]:
    return subprocess.Popen(
        [sys.executable, "-c", SLOW, str(seconds), *words],
        cwd=place,
        env={**os.environ, "PYTHONPATH": str(ROOT)},
        stdout=subprocess.PIPE,
        stderr=subprocess.STDOUT,
        text=True,
    )


def answers(folder: Path) -> dict[str, list[tuple[str, float]]]:
    with Recommender.open(folder) as index:
        assert index.verify() == []
        ids = [each.id for each in corpus(60) if each.id in index]
        return {
            each: [(m.article.id, m.similarity) for m in index.related(each, min_similarity=0.2)]
            for each in ids
        }


@pytest.mark.slow
def test_two_at_once_end_as_one(place: Path) -> None:
    first = started(place, "-", "sync")
    while not (place / "idx" / ".sync.lock").exists():
        time.sleep(0.01)
    second = started(place, 0, "sync")
    output, _ = second.communicate(timeout=120)
    assert second.returncode == 0
    assert "a sync is running already (process" in output
    (place / "go on").touch()
    output, _ = first.communicate(timeout=120)
    assert first.returncode == 0, output
    assert len(answers(place / "idx")) == 30


@pytest.mark.slow
@pytest.mark.parametrize("seed", range(4))
def test_a_killed_sync_goes_on_where_it_was(place: Path, seed: int) -> None:
    chance = random.Random(seed)

    def until_done(*words: str) -> int:
        kills = 0
        while True:
            process = started(place, 0.05, *words)
            # Once it is stopped on the way, and sooner or later let through.
            longest = 1.5 + 0.5 * kills if kills else 0.3
            deadline = time.monotonic() + chance.uniform(0.05, longest)
            while process.poll() is None and time.monotonic() < deadline:
                time.sleep(0.01)
            if process.poll() is None:
                process.send_signal(signal.SIGKILL)
                process.communicate()
                kills += 1
                try:
                    with Recommender.open(place / "idx") as index:
                        assert index.verify() == []
                except IndexMissing:
                    pass
                continue
            output, _ = process.communicate()
            assert process.returncode == 0, output
            return kills

    kills = until_done("sync")
    with_config = ["--config", str(place / "recommender.toml")]
    finish(place, *with_config, "sync", "-i", "fresh")
    assert answers(place / "idx") == answers(place / "fresh")
    write(place / "articles.jsonl", corpus(50)[5:])
    kills += until_done("sync")
    finish(place, *with_config, "sync", "-i", "fresh")
    assert answers(place / "idx") == answers(place / "fresh")
    assert kills
    said = finish(place, "doctor")
    assert "nothing is wrong" in said
    assert "leftovers" not in said


def finish(place: Path, *words: str) -> str:
    process = started(place, 0, *words)
    output, _ = process.communicate(timeout=120)
    assert process.returncode == 0, output
    return output


@pytest.mark.slow
def test_an_interrupt_says_so_and_leaves_a_whole_index(place: Path) -> None:
    process = started(place, 30, "sync")
    assert process.stdout is not None
    while "embedding" not in process.stdout.readline():
        pass
    process.send_signal(signal.SIGINT)
    output, _ = process.communicate(timeout=120)
    assert process.returncode == 130
    assert "Interrupted" in output
    assert "Traceback" not in output
    assert "30 added" in finish(place, "sync")


def test_it_says_what_is_only_shown_and_what_readers_may_not_see(run: Run, place: Path) -> None:
    articles = corpus(30)
    write(place / "articles.jsonl", articles)
    run("sync")
    hidden = json.dumps({"id": "h", "title": "内部", "body": "尚未公开。" * 9, "access": "hidden"})
    moved = [replace(each, url=f"https://new.example/{each.id}") for each in articles[:2]]
    write(place / "articles.jsonl", [*moved, *articles[2:]], hidden)
    said = run("sync", "--dry-run").stderr
    assert "1 to add, 2 to update (only in what is shown or counted, as visits), 28" in said
    told = json.loads(run("sync", "-f", "json").stdout)
    assert (told["updated"], told["sources"][0]["shown"], told["not_public"]) == (2, 2, 1)
    longer = replace(articles[0], body=articles[0].body + "后续还将公布细节。")
    write(place / "articles.jsonl", [longer, *articles[1:]], hidden)
    said = run("sync").stderr
    assert "2 updated (1 of them only in what is shown or counted, as visits)" in said
    assert "31 articles, 1 of them not public now." in said


def test_options_that_came_later_are_told_and_taken_by_rebuild(run: Run, place: Path) -> None:
    assert "neighbours" not in run("sync").stderr
    settings = place / "recommender.toml"
    settings.write_text(SETTINGS.replace("[options]", "[options]\nneighbours = 7"), "utf-8")
    told = run("sync").stderr
    assert "neighbours = 7, and the index was built with 50" in told
    assert run("rebuild").exit_code == 0
    assert "neighbours" not in run("sync").stderr
    assert json.loads(run("info", "-f", "json").stdout)[0]["options"]["neighbours"] == 7


def test_articles_of_a_site_that_has_no_source_any_more_can_be_removed(
    run: Run, tmp_path: Path
) -> None:
    (tmp_path / "recommender.toml").write_text(TWO, "utf-8")
    write(tmp_path / "a.jsonl", corpus(20))
    write(tmp_path / "b.jsonl", corpus(24)[20:])
    run("sync")
    renamed = TWO.replace('site = "b.example"', 'site = "c.example"')
    (tmp_path / "recommender.toml").write_text(renamed, "utf-8")
    assert "4 articles of the site b.example stay as they are" in run("sync").stderr
    assert "--remove-others" in run("sync").stderr
    assert run("sync", "main site", "--remove-others").exit_code == 2
    assert "4 to remove" in run("sync", "--remove-others", "--dry-run").stderr
    (tmp_path / "a.jsonl").rename(tmp_path / "a.away")
    assert "stay as they are" in run("sync", "--remove-others").stderr
    (tmp_path / "a.away").rename(tmp_path / "a.jsonl")
    done = run("sync", "--remove-others")
    assert "4 removed, 24 unchanged; 24 articles." in done.stderr
    assert "stay as they are" not in done.stderr


def test_dates_are_read_anew_in_another_zone(run: Run, place: Path) -> None:
    row = {"id": "z", "title": "晚间通报", "body": "停水通知。" * 30, "date": "2025-07-17 20:01"}
    write(place / "articles.jsonl", corpus(30), json.dumps(row))
    run("sync")
    with Recommender.open("idx") as index:
        assert index.get("z").date == datetime(2025, 7, 17, 20, 1, tzinfo=timezone.utc)
    settings = place / "recommender.toml"
    zoned = SETTINGS.replace("[options]", '[options]\ntimezone = "Asia/Shanghai"')
    settings.write_text(zoned, "utf-8")
    assert "1 to update" in run("sync", "--dry-run").stderr
    told = run("sync").stderr
    assert "Dates without a zone are now read as of Asia/Shanghai." in told
    assert "1 updated" in told
    with Recommender.open("idx") as index:
        assert index.get("z").date == datetime(2025, 7, 17, 12, 1, tzinfo=timezone.utc)
        assert index.options.timezone == "Asia/Shanghai"
    assert "nothing to do" in run("sync").stderr


def test_without_settings_it_says_where_they_come_from(run: Run) -> None:
    told = " ".join(run("sync").stderr.split())
    assert '"recommender init" makes; there is none here' in told


def test_a_variable_that_is_not_set_stops_a_first_run_and_none_later(
    run: Run, place: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    with (place / "recommender.toml").open("a", encoding="utf-8") as file:
        file.write(
            '[[sources]]\nkind = "sql"\nname = "the archive"\nsite = "s"\n'
            "url_env = \"ARCHIVE_URL\"\nquery = \"SELECT 1 AS id, '正文' AS body, '' AS title\"\n"
        )
    first = run("sync")
    assert first.exit_code == 1
    assert "ARCHIVE_URL is not set" in first.stderr
    assert "No index is made while the archive cannot be read" in first.stderr
    assert "name the others: recommender sync files" in first.stderr
    assert not (place / "idx").exists()
    assert run("sync", "files").exit_code == 0
    write(place / "articles.jsonl", corpus(31))
    later = run("sync")
    assert later.exit_code == 1
    assert "Error: the archive was left as it is" in later.stderr
    assert "idx: 1 added, 30 unchanged" in later.stderr
    monkeypatch.setenv("ARCHIVE_URL", f"sqlite:///{place / 'a.db'}")
    (place / "a.db").touch()
    assert "1 added, 31 unchanged" in run("sync").stderr
