"""Slips that are easily made: what is refused, what is said, and that nothing is lost by them."""

from __future__ import annotations

import csv
import io
import json
import math
import os
import shutil
from dataclasses import replace
from datetime import date, datetime, timezone
from pathlib import Path

import pytest

from recommender import (
    Article,
    ArticleError,
    ConfigError,
    IndexOptions,
    Recommender,
    RecommenderError,
    Thresholds,
)
from recommender.demo import run_demo
from recommender.progress import silent
from recommender.records import Card, Evidence, Match, MatchList, Relation, Verdict
from recommender.reports import explanation_page, explanation_text, matches_text
from tests.helpers import article, body_of, build, corpus
from tests.test_cli import Run, index, line_of
from tests.test_processes import as_user

__all__ = ["index"]


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


def dated(article_id: str, number: int, day: str) -> str:
    record = json.loads(line_of(article(article_id, "茶", number)))
    return json.dumps({**record, "date": day}, ensure_ascii=False) + "\n"


def test_a_number_of_thousands_of_digits_is_said_in_our_words(tmp_path: Path, run: Run) -> None:
    line = f'{{"id": "a", "title": "t", "body": "b", "date": {"9" * 5_000}}}\n'
    (tmp_path / "a.jsonl").write_text(line, encoding="utf-8")
    refused = run("build", "a.jsonl", "-i", "new", "--embedder", "hashing")
    assert refused.exit_code == 1
    assert "a number of 5,000 digits" in refused.stderr
    assert "set_int_max_str_digits" not in refused.stderr


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
            with pytest.raises(RecommenderError, match=r"demo.*Permission denied"):
                run_demo(folder, embedder="hashing", progress=silent, width=80, color=False)
        with pytest.raises(RecommenderError, match=r"closed.* belongs to root:root 0700"):
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
        with pytest.raises(RecommenderError, match=r"-wal, -shm.*owns the index") as caught:
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


def test_the_first_bad_lines_are_all_reported(tmp_path: Path, run: Run, index: str) -> None:
    good = line_of(article("new", "茶", 50))
    (tmp_path / "bad.jsonl").write_text("\n".join([good, *["no json"] * 12]), encoding="utf-8")
    for command in (("build", "--embedder", "hashing"), ("update",)):
        refused = run(*command, "bad.jsonl", "-i", index)
        lines = refused.stderr.splitlines()
        assert refused.exit_code == 1
        assert [line.split(": ")[1] for line in lines[:10]] == [
            f"bad.jsonl:{number}" for number in range(2, 12)
        ]
        assert lines[10].startswith("Error: 12 lines cannot be used")
        assert len(lines) == 11
    with Recommender.open(tmp_path / index) as opened:
        assert len(opened) == 31
        assert "new" not in opened
    (tmp_path / "bad.jsonl").write_text(f"{good}\nno json", encoding="utf-8")
    refused = run("update", "bad.jsonl", "-i", index)
    assert refused.stderr.startswith("Error: bad.jsonl:2: not a JSON object")
    assert refused.stderr.count("\n") == 1
    # What is broken off is said as well as what was bad before it.
    (tmp_path / "bad.csv").write_text('id,body\n1\n2,"open', encoding="utf-8")
    refused = run("update", "bad.csv", "-i", index)
    assert "Error: bad.csv:2: 1 fields" in refused.stderr
    assert "not valid CSV" in refused.stderr.splitlines()[1]


def test_both_places_of_an_id_are_named(tmp_path: Path, run: Run) -> None:
    one, other = line_of(article("a", "茶", 1)), line_of(article("a", "馆", 2))
    (tmp_path / "one.jsonl").write_text(f"\n{one}\n", encoding="utf-8")
    (tmp_path / "two.jsonl").write_text(f"{line_of(article('b', '茶', 3))}\n{other}", "utf-8")
    arguments = ("build", "one.jsonl", "two.jsonl", "-i", "x", "--embedder", "hashing")
    for options in ((), ("--skip-invalid",)):
        refused = run(*arguments, *options)
        assert refused.exit_code == 1
        assert refused.stderr.count("\n") == 1
        for part in ("one.jsonl:2", "two.jsonl:2", "'a'", "--on-duplicate first|last"):
            assert part in refused.stderr
    assert run(*arguments, "--on-duplicate", "first").exit_code == 0
    with Recommender.open(tmp_path / "x") as opened:
        assert opened.get("a").category == "茶"


def test_dates_that_cannot_be_read_are_reported(tmp_path: Path, run: Run) -> None:
    lines = [dated("a", 1, "2025-07-17"), dated("b", 2, "2023-13-45"), dated("c", 3, "0000-00-00")]
    (tmp_path / "a.jsonl").write_text("".join([*lines, dated("d", 4, " ")]), encoding="utf-8")
    built = run("build", "a.jsonl", "-i", "x", "--embedder", "hashing")
    assert built.exit_code == 0
    assert "2 dates could not be read" in built.stderr
    assert "a.jsonl:2: '2023-13-45'" in built.stderr
    updated = run("update", "-", "-i", "x", stdin=dated("c", 3, "\x1b[31m"))
    assert "1 date could not be read" in updated.stderr
    assert "\x1b" not in updated.stderr
    fine = run("update", "-", "-i", "x", stdin=dated("c", 3, "2025-07-18"))
    assert "date" not in fine.stderr.replace("updated", "")


@pytest.mark.parametrize("encoding", ["utf-8", "utf-8-sig", "gb18030", "utf-16"])
@pytest.mark.parametrize("delimiter", [",", ";", "\t"])
@pytest.mark.parametrize("start", ["", "sep={}\n"])
def test_tables_come_as_spreadsheets_write_them(
    tmp_path: Path, run: Run, encoding: str, delimiter: str, start: str
) -> None:
    text = io.StringIO()
    text.write(start.format(delimiter))
    rows = csv.writer(text, delimiter=delimiter)
    rows.writerow(["编号", "标题", "content", "date"])
    rows.writerow(["一", "桥；通车，", body_of("桥", 1) + "\n,;\t", "2025-07-17"])
    rows.writerow(["二", "茶", body_of("茶", 2), "never"])
    (tmp_path / "a.csv").write_bytes(text.getvalue().encode(encoding))
    fields = ("--field", "id=编号", "--field", "title=标题")
    built = run("build", "a.csv", "-i", "x", "--embedder", "hashing", *fields)
    assert built.exit_code == 0, built.stderr
    # The body of the first row goes over two lines.
    assert f"a.csv:{4 + bool(start)}: 'never'" in built.stderr
    with Recommender.open(tmp_path / "x") as opened:
        assert opened.get("一").title == "桥；通车，"
        assert len(opened) == 2


def test_damaged_utf_8_is_not_taken_for_another_encoding(tmp_path: Path, run: Run) -> None:
    text = f"id,body\n1,{body_of('桥', 1)}\n".encode()
    for wrong in (b"2,\xb2\xe8\n", b"2,\xff\n"):
        (tmp_path / "a.csv").write_bytes(text + wrong)
        refused = run("build", "a.csv", "-i", "x", "--embedder", "hashing")
        assert refused.exit_code == 1
        assert "iconv" in refused.stderr
    # So also where the beginning did not tell.
    plain = b"id,body\n" + b"".join(b"%d,%s\n" % (n, b"abc " * 500) for n in range(600))
    (tmp_path / "a.csv").write_bytes(plain + "x,茶".encode("gb18030"))
    refused = run("build", "a.csv", "-i", "x", "--embedder", "hashing")
    assert (refused.exit_code, "iconv" in refused.stderr) == (1, True)


def test_a_draft_with_no_text_is_no_all_clear(tmp_path: Path, run: Run, index: str) -> None:
    with Recommender.open(tmp_path / index) as opened:
        for body in ("", "茶", "<p> </p>"):
            found = opened.near_duplicates(Article(id="draft", body=body))
            assert (len(found), found.reason) == (
                0,
                "the article has next to no text to compare",
            )
        assert opened.near_duplicates("a003").reason == ""
    for text in ("", "茶"):
        shown = run("check", "-", "-i", index, stdin=text)
        assert (shown.exit_code, "next to no text" in shown.stdout) == (0, True)
        assert "No near-duplicates" not in shown.stdout
        rows = run("check", "-", "-f", "json", "-i", index, stdin=text)
        assert (rows.stdout, "next to no text" in rows.stderr) == ("[]\n", True)
        refused = run("-q", "check", "-", "-i", index, "--exit-code", stdin=text)
        assert (refused.exit_code, refused.stdout) == (1, "")
        assert refused.stderr.startswith("Error: ")
        assert refused.stderr.count("\n") == 1


def test_arguments_of_the_wrong_kind(tmp_path: Path) -> None:
    with build(tmp_path / "x", corpus(5)) as opened:
        for moment in (date(2025, 7, 1), "2025-07-01", 3):
            with pytest.raises(ConfigError, match="after must be a datetime"):
                opened.related("a001", after=moment)  # type: ignore[arg-type]
            with pytest.raises(ConfigError, match="before must be a datetime"):
                opened.related("a001", before=moment)  # type: ignore[arg-type]
        with pytest.raises(ConfigError, match="min_similarity"):
            opened.related("a001", min_similarity="high")  # type: ignore[arg-type]
        for articles in ([{"id": "x"}], "abc", ["abc"], {"id": "x"}, None, 7):
            with pytest.raises(ArticleError, match="is wanted"):
                opened.update(articles)  # type: ignore[arg-type]
            with pytest.raises(ArticleError, match="is wanted"):
                build(tmp_path / "y", articles)  # type: ignore[arg-type]
        assert len(opened) == 5


def test_a_file_in_which_no_label_is_filled_in(tmp_path: Path, run: Run, index: str) -> None:
    drawn = run("pairs", "--between", "0", "1", "-o", "lab.csv", "-i", index)
    assert drawn.exit_code == 0
    refused = run("tune", "lab.csv", "-i", index)
    assert refused.exit_code == 1
    assert refused.stderr.startswith("Error: lab.csv: no row has a label")


@pytest.mark.parametrize(
    ("similarity", "shown"),
    [
        (0.7499, "0.74"),
        (0.75, "0.75"),
        (0.8999, "0.89"),
        (0.8399, "0.83"),
        (math.nextafter(0.75, 0), "0.74"),
        (1.0, "1.00"),
        (0.0, "0.00"),
        (1e-9, "0.00"),
        *((number / 100, f"{number / 100:.2f}") for number in (7, 28, 29, 56, 57, 58, 90)),
    ],
)
def test_no_similarity_is_shown_above_a_threshold_it_misses(similarity: float, shown: str) -> None:
    verdict = Thresholds().verdict(similarity)
    match = Match(
        article=Card(id="a"),
        similarity=similarity,
        verdict=verdict,
        relation=Relation.OTHER,
        evidence=Evidence(),
    )
    text = matches_text(None, MatchList((match,)), width=100, color=False)
    assert f"{shown} {verdict}" in text


def test_pages_and_explanations_round_down_as_well(tmp_path: Path) -> None:
    with build(tmp_path / "x", corpus(10)) as opened:
        made = opened.explain("a000", "a005")
    near = replace(
        made,
        comparison=replace(made.comparison, similarity=0.7499, verdict=Verdict.RELATED),
        waterfall=replace(made.waterfall, by_evidence=0.8999, rule="short"),
    )
    page = explanation_page(near, thresholds=Thresholds(), language="en")
    text = explanation_text(near, width=100, color=False)
    assert '<p class="number">0.74</p>' in page
    assert "The evidence gives 0.89; capped at 0.74" in page
    assert "0.74 related" in text
    assert "similarity 0.89; capped to 0.74" in text


def test_the_other_threshold_to_move_is_named(run: Run, index: str) -> None:
    for option, value, other in (
        ("--same-story", "0.95", "raise --same-text too"),
        ("--same-text", "0.6", "lower --same-story"),
        ("--related", "0.8", "raise --same-story too"),
    ):
        refused = run("duplicates", option, value, "-i", index)
        assert refused.exit_code == 2
        assert other in refused.stderr
    with pytest.raises(ConfigError, match="raise same_text too"):
        Thresholds(same_story=0.95)


def test_an_output_is_refused_before_the_work(tmp_path: Path, run: Run, index: str) -> None:
    (tmp_path / "draft.txt").write_text(body_of("桥", 1), encoding="utf-8")
    refused = run("check", "draft.txt", "-o", "none/x.csv", "-i", index)
    assert refused.exit_code == 1
    assert refused.stderr == "Error: cannot write none/x.csv: there is no folder none\n"
    done = run("check", "draft.txt", "-o", "x.csv", "-f", "csv", "-i", index)
    assert done.exit_code == 0
    assert done.stderr == "Embedding the draft with hashing.\n"
    assert run("-q", "check", "draft.txt", "-i", index).stderr == ""
