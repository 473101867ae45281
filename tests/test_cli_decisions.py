"""`recommender decide` and `recommender decisions`: what they store, print and refuse."""

from __future__ import annotations

import csv
import io
import json
from collections.abc import Callable
from pathlib import Path

import pytest
from click.testing import CliRunner, Result

from recommender import Article, Recommender
from recommender.cli import main
from tests.helpers import article, build, corpus

Run = Callable[..., Result]


@pytest.fixture
def run(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Run:
    monkeypatch.chdir(tmp_path)
    build(tmp_path / "index", corpus(12)).close()
    monkeypatch.setenv("RECOMMENDER_INDEX", "index")
    runner = CliRunner()

    def invoke(*arguments: str, stdin: str | None = None) -> Result:
        result = runner.invoke(main, arguments, input=stdin)
        if result.exception is not None and not isinstance(result.exception, SystemExit):
            raise result.exception
        return result

    return invoke


def rows(run: Run, *options: str) -> list[dict[str, object]]:
    result = run("decisions", "-f", "json", *options)
    assert result.exit_code == 0, result.stderr
    found: list[dict[str, object]] = json.loads(result.stdout)
    return found


def test_a_pair_is_decided_listed_shown_and_forgotten(run: Run) -> None:
    assert "No decisions." in run("decisions").stdout
    done = run("decide", "a001", "a000", "--duplicate", "--note", "同一通稿", "--by", "陈")
    assert (done.exit_code, done.stdout) == (0, "")
    assert "1 decision stored" in done.stderr
    (row,) = rows(run)
    assert (row["first"], row["second"], row["decision"], row["state"], row["note"], row["by"]) == (
        "a000",
        "a001",
        "duplicate",
        "active",
        "同一通稿",
        "陈",
    )
    table = run("decisions").stdout
    for shown in ("duplicate", "active", "a000", "a001", "陈", "同一通稿", corpus(1)[0].title):
        assert shown in table
    assert "decided by an editor" in run("compare", "a000", "a001").stdout
    assert "decided by an editor" in run("duplicates").stdout
    (compared,) = json.loads(run("compare", "a000", "a001", "-f", "json").stdout)
    assert (compared["decision"], compared["verdict"]) == ("duplicate", "same-story")
    (grouped,) = json.loads(run("duplicates", "-f", "json").stdout)["groups"]
    assert grouped["settled"]
    assert [each["decision"] for each in grouped["members"]] == ["duplicate"]
    assert "active: 1" in run("info").stdout
    assert run("decide", "a000", "a001", "--forget").exit_code == 0
    again = run("decide", "a000", "a001", "--forget")
    assert again.exit_code == 1
    assert "nothing was decided" in again.stderr
    assert rows(run) == []


def test_why_a_match_is_there_says_that_an_editor_decided(run: Run) -> None:
    run("decide", "a000", "a005", "--distinct")
    table = run("related", "a000", "--min-similarity", "0", "-n", "20").stdout
    (line,) = [each for each in table.splitlines() if " a005 " in each]
    assert "distinct: decided by an editor" in line
    found = json.loads(run("related", "a000", "--min-similarity", "0", "-f", "json").stdout)
    assert {each["id"]: each["decision"] for each in found}["a005"] == "distinct"


def test_a_file_is_stored_whole_or_not_at_all(run: Run, tmp_path: Path) -> None:
    good = [
        {"first": "a000", "second": "a001", "decision": "duplicate", "note": "x", "by": "林"},
        {"first": "a002", "second": "a001", "decision": "distinct", "at": "2025-07-17 20:01"},
    ]
    file = tmp_path / "decisions.json"
    for wrong, reason in (
        ([*good, {"first": "a000", "second": "a003"}], "entry 3: decision is missing"),
        ([*good, {"first": "a000", "second": "a003", "decision": "same"}], "duplicate or distinct"),
        ([*good, {**good[0], "verdict": 1}], "'verdict' is not known"),
        ([*good, {**good[0], "first": 7}], "first must be the id"),
        ([*good, {**good[0], "at": "gestern"}], "at is not a date"),
        ([*good, good[0]], "come twice"),
        ([*good, {**good[0], "second": "nobody"}], "no article 'nobody'"),
        ([*good, "a000"], "an object is wanted"),
        ({"pairs": good}, "a list of decisions is wanted"),
    ):
        file.write_text(json.dumps(wrong), encoding="utf-8")
        result = run("decide", "decisions.json")
        assert result.exit_code == 1, reason
        assert reason in result.stderr
        assert len(result.stderr.splitlines()) == 1
        assert rows(run) == []
    file.write_text("{", encoding="utf-8")
    assert "decisions.json is not JSON" in run("decide", "decisions.json").stderr
    assert "cannot read" in run("decide", "missing.json").stderr
    assert run("decide", "-", "--by", "陈", stdin=json.dumps({"decisions": good})).exit_code == 0
    first, second = rows(run)
    assert (first["by"], second["by"]) == ("林", "陈")
    assert str(second["at"]).startswith("2025-07-17T20:01")


def test_a_listing_can_be_given_back_but_not_what_is_stale(run: Run, tmp_path: Path) -> None:
    run("decide", "a000", "a001", "--duplicate", "--by", "陈")
    run("decide", "a002", "a001", "--distinct")
    listing = run("decisions", "-f", "json").stdout
    for pair in (("a000", "a001"), ("a001", "a002")):
        run("decide", *pair, "--forget")
    assert run("decide", "-", stdin=listing).exit_code == 0
    assert rows(run) == json.loads(listing)
    with Recommender.open(tmp_path / "index") as index:
        index.update([article("a000", "馆", 500)])
    assert [row["state"] for row in rows(run, "--stale")] == ["stale"]
    assert rows(run)[0]["edited"] == ["a000"]
    assert "edited since" in run("decisions", "--stale").stdout
    assert "--stale" in run("info").stdout
    refused = run("decide", "-", stdin=run("decisions", "-f", "json").stdout)
    assert refused.exit_code == 1
    assert "it is stale" in refused.stderr


def test_a_contradiction_is_a_warning_and_is_listed(run: Run) -> None:
    run("decide", "a000", "a001", "--duplicate")
    run("decide", "a001", "a002", "--duplicate")
    done = run("decide", "a000", "a002", "--distinct")
    assert done.exit_code == 0
    assert "WARNING" in done.stderr
    assert "a000 = a001 = a002, but a000 ≠ a002" in done.stderr
    assert "Contradiction: a000 = a001 = a002, but a000 ≠ a002" in run("decisions").stdout
    assert "a000 = a001 = a002" in run("info").stdout
    conflicts = {(row["first"], row["second"]): row["conflict"] for row in rows(run)}
    assert conflicts[("a000", "a002")] == ["a000", "a001", "a002"]
    assert conflicts[("a000", "a001")] == []


@pytest.mark.parametrize(
    "arguments",
    [
        (),
        ("a000", "a001"),
        ("a000", "a001", "a002", "--duplicate"),
        ("a000", "a001", "--duplicate", "--distinct"),
        ("decisions.json", "--duplicate"),
        ("decisions.json", "--note", "x"),
    ],
)
def test_wrong_usage(run: Run, arguments: tuple[str, ...]) -> None:
    assert run("decide", *arguments).exit_code == 2


def test_unknown_and_equal_articles(run: Run) -> None:
    for pair, reason in ((("a000", "x9"), "no article 'x9'"), (("a000", "a000"), "two articles")):
        result = run("decide", *pair, "--duplicate")
        assert result.exit_code == 1
        assert reason in result.stderr


def test_hostile_texts_are_disarmed(run: Run, tmp_path: Path) -> None:
    bad = Article(id="=1+1", title="=cmd()\u202e\x1b[31m题", body=corpus(1)[0].body)
    with Recommender.open(tmp_path / "index") as index:
        index.update([bad])
    run("decide", "=1+1", "a001", "--duplicate", "--note", "+x\x1b[2J", "--by", "@chen\u202e")
    table = run("decisions").stdout
    assert "\x1b" not in table
    assert "\u202e" not in table
    text = run("decisions", "-f", "csv").stdout.removeprefix("\ufeff")
    (row,) = csv.DictReader(io.StringIO(text))
    for name in ("first", "first_title", "note", "by"):
        assert row[name].startswith("'"), name
