"""`recommender decide` and `recommender decisions`: what they store, print and refuse."""

from __future__ import annotations

import csv
import io
import json
from collections.abc import Callable
from pathlib import Path

import pytest
from click.testing import Result
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from recommender import Article, Recommender
from tests.helpers import article, build, corpus, run_command

Run = Callable[..., Result]

MERGE = {"first": "a003", "second": "a004", "decision": "merge", "canonical": "a004"}


@pytest.fixture
def run(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Run:
    monkeypatch.chdir(tmp_path)
    build(tmp_path / "index", corpus(12)).close()
    monkeypatch.setenv("RECOMMENDER_INDEX", "index")
    return run_command


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
    assert not grouped["settled"]
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
        ([*good, {"first": "a000", "second": "a003", "decision": "same"}], "merge or keep, not"),
        ([*good, {**MERGE, "canonical": "a005"}], "entry 3: canonical says which of"),
        ([*good, {**MERGE, "canonical": ""}], "entry 3: canonical says which of"),
        ([*good, {**MERGE, "decision": "keep"}], "goes with merge alone"),
        ([*good, {**MERGE, "decision": "distinct"}], "goes with merge alone"),
        ([*good, {**MERGE, "treatment": "keep"}], "it says merge, and 'keep'"),
        ([*good, {**good[1], "first": "a004", "treatment": "keep"}], "keep is for duplicates"),
        ([*good, {**good[0], "second": "a004", "treatment": "burn"}], "merge or keep, not 'burn'"),
        ([*good, MERGE, {**MERGE, "decision": "keep", "canonical": ""}], "come twice"),
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


def test_the_marks_of_a_report_are_stored_and_listed(run: Run, tmp_path: Path) -> None:
    marks = [
        {**MERGE, "note": "", "by": "chen", "at": "2025-07-18T09:12:00Z"},
        {"first": "a001", "second": "a000", "decision": "keep"},
        {"first": "a002", "second": "a005", "decision": "distinct", "canonical": ""},
        {"first": "a006", "second": "a007", "decision": "duplicate"},
    ]
    assert run("decide", "-", stdin=json.dumps({"decisions": marks})).exit_code == 0
    assert [(row["decision"], row["treatment"], row["canonical"]) for row in rows(run)] == [
        ("duplicate", "keep", ""),
        ("distinct", "", ""),
        ("duplicate", "merge", "a004"),
        ("duplicate", "", ""),
    ]
    listing = run("decisions", "-f", "json").stdout
    table = run("decisions").stdout
    for shown in ("merge", "→ a004", "keep", "distinct", "duplicate"):
        assert shown in table
    text = run("decisions", "-f", "csv").stdout.removeprefix("\ufeff")
    assert [row["treatment"] for row in csv.DictReader(io.StringIO(text))] == [
        "keep",
        "",
        "merge",
        "",
    ]
    with Recommender.open(tmp_path / "index") as index:
        assert list(index.treatments()) == [("a000", "a001"), ("a002", "a005"), ("a003", "a004")]
        assert index.treatments()["a003", "a004"].merged == "a003"
    for mark in marks:
        run("decide", str(mark["first"]), str(mark["second"]), "--forget")
    assert run("decide", "-", stdin=listing).exit_code == 0
    assert rows(run) == json.loads(listing)


NAMES = [each.id for each in corpus(6)]
PAIRS = [(one, other) for one in NAMES for other in NAMES if one != other]
MARKS = st.tuples(
    st.sampled_from(PAIRS),
    st.sampled_from(["merge-first", "merge-second", "keep", "distinct", "duplicate"]),
    st.text(max_size=20),
)


@settings(
    max_examples=15, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture]
)
@given(st.lists(MARKS, max_size=8, unique_by=lambda mark: frozenset(mark[0])))
def test_every_mark_comes_back_from_the_store_and_the_listing(
    run: Run, tmp_path: Path, marks: list[tuple[tuple[str, str], str, str]]
) -> None:
    entries = []
    for (first, second), mark, note in marks:
        decision, _, side = mark.partition("-")
        canonical = {"first": first, "second": second}.get(side, "")
        entries.append(
            {
                "first": first,
                "second": second,
                "decision": decision,
                "canonical": canonical,
                "note": note,
            }
        )
    with Recommender.open(tmp_path / "index") as index:
        for each in index.decisions():
            index.forget_decision(*each.pair)
        assert run("decide", "-", stdin=json.dumps(entries)).exit_code == 0
        stored = index.decisions()
        said = {each.pair: (each.treatment or each.decision, each.canonical) for each in stored}
        assert said == {
            (min(each["first"], each["second"]), max(each["first"], each["second"])): (
                each["decision"],
                each["canonical"],
            )
            for each in entries
        }
        assert index.treatments() == {each.pair: each for each in stored if each.is_settled}
        listing = run("decisions", "-f", "json").stdout
        for each in stored:
            index.forget_decision(*each.pair)
        assert run("decide", "-", stdin=listing).exit_code == 0
        assert index.decisions() == stored


def test_a_treatment_on_the_command_line(run: Run) -> None:
    assert run("decide", "a001", "a000", "--merge", "--canonical", "a000").exit_code == 0
    assert run("decide", "a002", "a003", "--keep-both", "--by", "林").exit_code == 0
    assert [(row["treatment"], row["canonical"], row["by"]) for row in rows(run)] == [
        ("merge", "a000", ""),
        ("keep", "", "林"),
    ]
    wrong = run("decide", "a001", "a000", "--merge", "--canonical", "a009")
    assert wrong.exit_code == 1
    assert "canonical says which of 'a000' and 'a001'" in wrong.stderr
    assert run("decide", "a001", "a000", "--distinct").exit_code == 0
    assert rows(run)[0]["treatment"] == ""


def test_marks_on_articles_that_went_are_skipped_if_wanted(run: Run) -> None:
    marks = json.dumps([MERGE, {"first": "a001", "second": "gone", "decision": "keep"}])
    assert run("decide", "-", stdin=marks).exit_code == 1
    assert rows(run) == []
    done = run("decide", "-", "--skip-missing", stdin=marks)
    assert done.exit_code == 0
    assert "a001 and gone: left out, no article gone in the index" in done.stderr
    assert "1 decision left out" in done.stderr
    assert "1 decision stored" in done.stderr
    assert [row["treatment"] for row in rows(run)] == ["merge"]


def test_a_treatment_goes_stale_with_its_text(run: Run, tmp_path: Path) -> None:
    run("decide", "a001", "a000", "--merge", "--canonical", "a000")
    with Recommender.open(tmp_path / "index") as index:
        index.update([article("a000", "馆", 500)])
        assert index.treatments() == {}
        assert [each.treatment for each in index.decisions()] == ["merge"]
        index.update([corpus(1)[0]])
        assert [each.canonical for each in index.treatments().values()] == ["a000"]
        index.remove(["a001"])
        assert index.treatments() == {}
    assert [row["state"] for row in rows(run)] == ["missing"]


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
        ("decisions.json", "--merge"),
        ("decisions.json", "--canonical", "a000"),
        ("a000", "a001", "--merge"),
        ("a000", "a001", "--keep-both", "--canonical", "a000"),
        ("a000", "a001", "--keep-both", "--distinct"),
        ("a000", "a001", "--distinct", "--skip-missing"),
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
