"""The command line explains: compare in every form, and --explain of related and check."""

from __future__ import annotations

import csv
import io
import json
from collections.abc import Callable
from pathlib import Path

import pytest
from click.testing import Result
from rich.cells import cell_len
from selectolax.lexbor import LexborHTMLParser

from tests.helpers import article, body_of, build, corpus, run_command

Run = Callable[..., Result]


@pytest.fixture
def run(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Run:
    copy = article("copy", "桥", 0, body=body_of("桥", 0).replace("同时", "同步", 1))
    build(tmp_path / "index", [*corpus(30), copy]).close()
    monkeypatch.chdir(tmp_path)
    monkeypatch.setenv("RECOMMENDER_INDEX", "index")
    return run_command


def test_compare_shows_the_whole_explanation(run: Run) -> None:
    text = run("compare", "a000", "copy").stdout
    for part in ("meaning", "How it adds up", "shared passages", "Edited: 1 sentence", "[时→步]"):
        assert part in text


def test_compare_as_data(run: Run) -> None:
    (record,) = json.loads(run("compare", "a000", "copy", "-f", "json").stdout)
    assert json.loads(run("compare", "a000", "copy", "-f", "jsonl").stdout) == record
    explanation = record["explanation"]
    passage = explanation["passages"][0]
    shown = explanation["first_text"][passage["first_start"] : passage["first_end"]]
    assert shown == passage["text"]
    text = run("compare", "a000", "copy", "-f", "csv").stdout.removeprefix("\ufeff")
    (row,) = csv.DictReader(io.StringIO(text))
    assert row["second_id"] == "copy"
    assert not any(name.startswith("explanation") for name in row)


def test_compare_as_a_page(run: Run, tmp_path: Path) -> None:
    done = run("compare", "a000", "copy", "-f", "html", "-o", "pair.html")
    assert (done.exit_code, done.stdout) == (0, "")
    html = (tmp_path / "pair.html").read_text(encoding="utf-8")
    assert html.startswith("<!doctype html>")
    heading = LexborHTMLParser(html).css_first("h1")
    assert heading is not None
    assert heading.text() == "同一文本"
    english = run("compare", "a000", "copy", "-f", "html", "--interface-language", "en").stdout
    assert "<h1>Same text</h1>" in english
    assert run("related", "a000", "-f", "html").exit_code == 2


def test_related_explains_every_match(run: Run) -> None:
    arguments = ("related", "a003", "--min-similarity", "0.1")
    plain = run(*arguments).stdout
    table = run(*arguments, "--explain").stdout
    assert "why" in plain
    assert "why" not in table
    assert max(map(cell_len, table.splitlines())) <= 160
    records = json.loads(run(*arguments, "-f", "json", "--explain").stdout)
    assert len(records) == 5
    assert all(each["explanation"]["waterfall"]["contributions"] for each in records)
    unexplained = json.loads(run(*arguments, "-f", "json").stdout)
    for each in records:
        del each["explanation"]
    assert records == unexplained


def test_check_explains_what_it_finds(run: Run) -> None:
    draft = f"<p>{body_of('雨', 2)}</p>"
    table = run("check", "-", "--explain", stdin=draft).stdout
    assert "100% of the first text, 100% of the second" in table
    line = run("check", "-", "--explain", "-f", "jsonl", stdin=draft).stdout
    record = json.loads(line.splitlines()[0])
    assert record["explanation"]["passages"][0]["text"] == body_of("雨", 2)
    assert (
        run("check", "-", "--explain", stdin="完全无关的一段话，谈的是星座。").stdout
        == "No near-duplicates.\n"
    )


def test_a_spreadsheet_holds_no_explanation(run: Run) -> None:
    for arguments in (("related", "a003"), ("check", "-")):
        refused = run(*arguments, "--explain", "-f", "csv", stdin="一段话。")
        assert refused.exit_code == 2
        assert "--explain goes with -f table, json or jsonl" in refused.stderr
