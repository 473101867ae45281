"""`duplicates FILE --lexical-only`: the report over a file, and what does not go with it."""

from __future__ import annotations

import json
from collections.abc import Callable
from pathlib import Path

import pytest
from click.testing import Result

from tests.helpers import article, corpus

Run = Callable[..., Result]


@pytest.fixture
def file(tmp_path: Path) -> str:
    articles = [*corpus(20), article("copy", "桥", 0), article("last", "茶", 1)]
    lines = [
        json.dumps(
            {"id": each.id, "title": each.title, "body": each.body, "date": str(each.date)},
            ensure_ascii=False,
        )
        for each in articles
    ]
    (tmp_path / "articles.jsonl").write_text("\n".join(lines), encoding="utf-8")
    return "articles.jsonl"


def test_the_report_over_a_file(run: Run, file: str, tmp_path: Path) -> None:
    done = run(
        *("duplicates", file, "--lexical-only", "-f", "json", "--pairs", "pairs.jsonl"),
        *("--fail-above", "1"),
    )
    assert done.exit_code == 3, done.stderr
    said = json.loads(done.stdout)
    assert said["summary"]["lexical"]
    assert said["summary"]["articles"] == 22
    assert [(group["canonical"]["id"], group["members"][0]["id"]) for group in said["groups"]] == [
        ("a000", "copy"),
        ("a001", "last"),
    ]
    pairs = [json.loads(line) for line in (tmp_path / "pairs.jsonl").read_text().splitlines()]
    assert {(each["first"], each["second"]) for each in pairs} >= {("a000", "copy")}
    assert not list(tmp_path.glob("*.work"))


def test_a_page_and_standard_input(run: Run, file: str, tmp_path: Path) -> None:
    text = (tmp_path / file).read_text(encoding="utf-8")
    done = run("duplicates", "-", "--lexical-only", "-f", "html", "-o", "page.html", stdin=text)
    assert done.exit_code == 0, done.stderr
    page = (tmp_path / "page.html").read_text(encoding="utf-8")
    assert "Content-Security-Policy" in page


def test_what_does_not_go_together(run: Run, file: str) -> None:
    for options in (
        (file,),
        ("--lexical-only",),
        (file, "--lexical-only", "--since", "last"),
        (file, "--lexical-only", "--open"),
        ("--pairs", "out.jsonl", "-i", "index"),
    ):
        wrong = run("duplicates", *options)
        assert wrong.exit_code == 2, options
    missing = run("duplicates", "none.jsonl", "--lexical-only")
    assert (missing.exit_code, missing.stderr.count("\n")) == (1, 1)


def test_bad_lines_are_told_or_skipped(run: Run, file: str, tmp_path: Path) -> None:
    with (tmp_path / file).open("a", encoding="utf-8") as stream:
        stream.write('\n{"id": "x"}\nnot json\n')
    refused = run("duplicates", file, "--lexical-only")
    assert refused.exit_code == 1
    assert f"{file}:23" in refused.stderr
    assert f"{file}:24" in refused.stderr
    skipped = run("duplicates", file, "--lexical-only", "--skip-invalid", "-f", "json")
    assert skipped.exit_code == 0, skipped.stderr
    assert json.loads(skipped.stdout)["summary"]["articles"] == 22


def test_the_longest_is_kept_if_wanted(run: Run, file: str, tmp_path: Path) -> None:
    longer = article("zz", "桥", 0)
    record = {"id": "zz", "title": longer.title, "body": longer.body + "全长八百米。"}
    with (tmp_path / file).open("a", encoding="utf-8") as stream:
        stream.write("\n" + json.dumps(record, ensure_ascii=False))
    options = ("duplicates", file, "--lexical-only", "-f", "json", "--keep")
    for criterion, kept in (("longest", "zz"), ("smallest-id", "a000")):
        groups = json.loads(run(*options, criterion).stdout)["groups"]
        assert groups[0]["canonical"]["id"] == kept
