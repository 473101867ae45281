"""The command line: what each command prints, where, and with which exit code."""

from __future__ import annotations

import csv
import gzip
import io
import json
from collections.abc import Callable
from pathlib import Path

import pytest
from click.testing import Result

from recommender import __version__
from tests.helpers import article, corpus

Run = Callable[..., Result]
COMMANDS = (
    "demo",
    "build",
    "update",
    "remove",
    "related",
    "check",
    "compare",
    "duplicates",
    "pairs",
    "tune",
    "info",
    "verify",
    "rebuild",
    "copy",
    "doctor",
    "decide",
    "decisions",
    "redirects",
)


def line_of(each: object) -> str:
    names = ("id", "title", "body", "category", "url", "source")
    record = {name: getattr(each, name) for name in names}
    record["date"] = each.date.isoformat()  # type: ignore[attr-defined]
    return json.dumps(record, ensure_ascii=False)


@pytest.fixture
def index(run: Run, tmp_path: Path) -> str:
    copy = article("copy", "桥", 0)
    text = "\n".join(line_of(each) for each in [*corpus(30), copy])
    (tmp_path / "articles.jsonl").write_text(text, encoding="utf-8")
    result = run("build", "articles.jsonl", "-i", "index", "--embedder", "hashing")
    assert result.exit_code == 0, result.stderr
    assert result.stdout == ""
    assert "31 articles" in result.stderr
    return "index"


def test_version_and_help(run: Run) -> None:
    assert __version__ in run("--version").stdout
    assert set(COMMANDS) <= set(run("--help").stdout.split())
    for command in COMMANDS:
        text = run(command, "--help").stdout
        assert f"recommender {command}" in text
        assert "\\b" not in text


def test_related_as_table_json_lines_and_csv(run: Run, index: str) -> None:
    table = run("related", "a003", "-i", index, "--min-similarity", "0.1")
    assert table.exit_code == 0
    assert "similarity" in table.stdout
    lines = run("related", "a003", "-i", index, "--min-similarity", "0.1", "-f", "jsonl").stdout
    records = [json.loads(line) for line in lines.splitlines()]
    assert len(records) == 5
    assert [each["rank"] for each in records] == [1, 2, 3, 4, 5]
    assert (
        json.loads(
            run("related", "a003", "-i", index, "--min-similarity", "0.1", "-f", "json").stdout
        )
        == records
    )
    text = run("related", "a003", "-i", index, "--min-similarity", "0.1", "-f", "csv").stdout
    rows = list(csv.DictReader(io.StringIO(text.removeprefix("\ufeff"))))
    assert [row["id"] for row in rows] == [each["id"] for each in records]


def test_filters_of_related(run: Run, index: str) -> None:
    def found(*options: str) -> list[dict[str, object]]:
        arguments = ("related", "a003", "-i", index, "-f", "jsonl", "--min-similarity", "0")
        result = run(*arguments, *options)
        assert result.exit_code == 0, result.stderr
        return [json.loads(line) for line in result.stdout.splitlines()]

    assert {each["category"] for each in found("--category", "茶")} == {"茶"}
    assert {each["source"] for each in found("--source", "电讯")} == {"电讯"}
    first = str(found()[0]["id"])
    assert first not in {each["id"] for each in found("--exclude", first)}
    assert all(
        str(each["date"]) < "2025-07-01T12" for each in found("--before", "2025-07-01 12:00")
    )
    assert len(found("-n", "2")) == 2
    filled = found("--min-similarity", "0.74", "--fill", "latest")
    assert {each["filler"] for each in filled} == {"latest"}
    assert run("related", "a003", "-i", index, "--after", "yesterday").exit_code == 2


def test_check_finds_copies_and_says_so_with_the_exit_code(
    run: Run, index: str, tmp_path: Path
) -> None:
    body = corpus(30)[4].body
    (tmp_path / "draft.html").write_text(f"<p>{body}</p>", encoding="utf-8")
    found = run("check", "draft.html", "-i", index, "--exit-code")
    assert found.exit_code == 3
    assert "a004" in found.stdout
    assert run("check", "draft.html", "-i", index).exit_code == 0
    nothing = run("check", "-", "-i", index, "--exit-code", stdin="完全无关的一段话，谈的是星座。")
    assert nothing.exit_code == 0
    assert "No near-duplicates" in nothing.stdout
    gb = body.encode("gb18030")
    assert "a004" in run("check", "-", "-i", index, stdin=gb).stdout


def test_compare_shows_evidence_and_facts(run: Run, index: str) -> None:
    result = run("compare", "a000", "copy", "-i", index)
    assert result.exit_code == 0
    assert "1.00 same-text" in result.stdout
    record = json.loads(run("compare", "a000", "a005", "-i", index, "-f", "json").stdout)
    assert "differing_facts" in json.dumps(record)


def test_duplicates(run: Run, index: str, tmp_path: Path) -> None:
    table = run("duplicates", "-i", index)
    assert "a000" in table.stdout
    assert "copy" in table.stdout
    assert run("duplicates", "-i", index, "--fail-above", "1").exit_code == 0
    assert run("duplicates", "-i", index, "--fail-above", "0").exit_code == 3
    done = run("duplicates", "-i", index, "-f", "csv", "-o", "out.csv")
    assert (done.exit_code, done.stdout) == (0, "")
    text = (tmp_path / "out.csv").read_text(encoding="utf-8-sig")
    rows = list(csv.DictReader(io.StringIO(text)))
    assert {"a000", "copy"} <= {row["id"] for row in rows}
    assert run("duplicates", "-i", index, "-o", "no/such/folder/out.csv").exit_code == 1
    assert (
        run("duplicates", "-i", index, "--same-story", "0.95", "--same-text", "0.9").exit_code == 2
    )


def test_update_remove_rebuild_verify_info(run: Run, index: str) -> None:
    new = line_of(article("new", "茶", 50))
    updated = run("update", "-", "-i", index, stdin=new)
    assert "1 added (1 embedded); 32 articles" in updated.stderr
    assert "1 unchanged" in run("update", "-", "-i", index, stdin=new).stderr
    assert "1 removed; 31 articles" in run("remove", "new", "-i", index).stderr
    missing = run("remove", "new", "-i", index)
    assert missing.exit_code == 1
    assert missing.stderr.startswith("Error: Nothing was removed")
    rebuilt = run("rebuild", "-i", index)
    assert rebuilt.exit_code == 0
    last = rebuilt.stderr.splitlines()[-1]
    assert last.startswith("index: made anew from the texts of 31 articles: ")
    assert "search files" in last
    verified = run("verify", "-i", index)
    assert (verified.exit_code, verified.stdout) == (0, "index: nothing is wrong.\n")
    assert "31" in run("info", "-i", index).stdout
    record = json.loads(run("info", "-i", index, "-f", "jsonl").stdout)
    assert record["articles"] == 31
    assert run("info", "--problems", "-i", index).exit_code == 0


def test_verify_of_a_damaged_index_fails(run: Run, index: str, tmp_path: Path) -> None:
    (tmp_path / index / "vectors-000001.faiss").unlink()
    result = run("verify", "-i", index)
    assert result.exit_code == 1
    assert "vectors-000001.faiss" in result.stdout


def test_the_index_may_be_named_once(
    run: Run, index: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    nameless = run("info")
    assert nameless.exit_code == 2
    assert "RECOMMENDER_INDEX" in nameless.stderr
    monkeypatch.setenv("RECOMMENDER_INDEX", index)
    assert run("info").exit_code == 0
    monkeypatch.delenv("RECOMMENDER_INDEX")
    (tmp_path / "recommender.toml").write_text(
        'index = "index"\n[thresholds]\nrelated = 0.9\nsame_story = 0.95\nsame_text = 0.99\n',
        encoding="utf-8",
    )
    assert "0 of 5" in run("related", "a003").stdout
    (tmp_path / "recommender.toml").write_text("index = 3", encoding="utf-8")
    wrong = run("info")
    assert wrong.exit_code == 1
    assert "recommender.toml" in wrong.stderr


def test_input_fields_zones_and_kinds(run: Run, tmp_path: Path) -> None:
    (tmp_path / "a.csv").write_text(
        "number,headline,content,when\n1,题一,正文一二三四五六七八九十,2023-11-7 20:01\n",
        encoding="utf-8-sig",
    )
    with gzip.open(tmp_path / "b.jsonl.gz", "wt", encoding="utf-8") as file:
        file.write(
            '{"number": 2, "headline": "题二", "content": "甲乙丙丁戊己庚辛壬癸", "when": 0}\n'
        )
    fields = [
        argument
        for pair in ("id=number", "title=headline", "body=content", "date=when")
        for argument in ("--field", pair)
    ]
    result = run(
        "build", "a.csv", "b.jsonl.gz", "-i", "index", "--embedder", "hashing",
        "--timezone", "Asia/Shanghai", *fields,
    )  # fmt: skip
    assert result.exit_code == 0, result.stderr
    record = json.loads(run("compare", "1", "2", "-i", "index", "-f", "json").stdout)
    assert "2023-11-07T12:01:00+00:00" in json.dumps(record)
    assert run("build", "a.csv", "-i", "x", "--field", "body").exit_code == 2
    assert run("build", "a.csv", "-i", "x", "--timezone", "Mars/Olympus").exit_code == 2
    unknown = run("build", "a.csv", "-i", "x", "--field", "colour=red")
    assert unknown.exit_code == 1
    assert "colour" in unknown.stderr


def test_bad_lines_are_reported_and_nothing_is_built(run: Run, tmp_path: Path) -> None:
    lines = [
        line_of(article("a", "茶", 1)),
        "no json",
        '{"id": "b"}',
        line_of(article("c", "馆", 2)),
    ]
    (tmp_path / "bad.jsonl").write_text("\n".join(lines), encoding="utf-8")
    refused = run("build", "bad.jsonl", "-i", "index", "--embedder", "hashing")
    assert refused.exit_code == 1
    assert refused.stderr.startswith("Error: bad.jsonl:2: ")
    assert run("info", "-i", "index").exit_code == 1
    skipped = run("build", "bad.jsonl", "-i", "index", "--embedder", "hashing", "--skip-invalid")
    assert skipped.exit_code == 0
    assert "Skipped bad.jsonl:2: " in skipped.stderr
    assert "Skipped bad.jsonl:3: " in skipped.stderr
    assert "2 articles" in skipped.stderr


def test_duplicate_ids_need_a_word(run: Run, tmp_path: Path) -> None:
    lines = [line_of(article("a", "茶", 1)), line_of(article("a", "馆", 2))]
    (tmp_path / "twice.jsonl").write_text("\n".join(lines), encoding="utf-8")
    refused = run("build", "twice.jsonl", "-i", "index", "--embedder", "hashing")
    assert refused.exit_code == 1
    assert "comes twice" in refused.stderr
    taken = run(
        "build", "twice.jsonl", "-i", "index", "--embedder", "hashing", "--on-duplicate", "last"
    )
    assert taken.exit_code == 0


def test_errors_are_one_line_and_never_a_traceback(run: Run, index: str, tmp_path: Path) -> None:
    (tmp_path / "junk").mkdir()
    (tmp_path / "junk" / "articles.sqlite").write_bytes(b"\x00\xff" * 5_000)
    (tmp_path / "file").write_text("x", encoding="utf-8")
    for arguments in (
        ("related", "nothing", "-i", index),
        ("info", "-i", "nowhere"),
        ("info", "-i", "junk"),
        ("build", "missing.jsonl", "-i", "new"),
        ("build", "file", "-i", "new"),
        ("check", "missing.html", "-i", index),
        ("update", ".", "-i", index),
    ):
        result = run(*arguments)
        assert result.exit_code == 1, arguments
        assert result.stderr.count("\n") == 1, result.stderr
        assert result.stderr.startswith("Error: ")
        assert result.stdout == ""


def test_hostile_titles_do_not_reach_the_terminal_or_the_spreadsheet(
    run: Run, tmp_path: Path
) -> None:
    evil = [
        article("e1", "茶", 1, title='=HYPERLINK("http://evil.example","点我")'),
        article("e2", "茶", 1, title="\x1b[31m红\x1b[0m [bold]粗[/bold] <script>alert(1)</script>"),
    ]
    text = "\n".join(line_of(each) for each in [*corpus(10), *evil])
    (tmp_path / "evil.jsonl").write_text(text, encoding="utf-8")
    assert run("build", "evil.jsonl", "-i", "index", "--embedder", "hashing").exit_code == 0
    table = run("duplicates", "-i", "index").stdout
    assert "\x1b" not in table
    rows = run("duplicates", "-i", "index", "-f", "csv").stdout
    assert ",=HYPERLINK" not in rows
    assert ',"=HYPERLINK' not in rows
