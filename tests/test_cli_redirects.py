"""`recommender redirects`: what is marked and what is a copy, and nothing else."""

from __future__ import annotations

import csv
import io
import json
from collections.abc import Callable
from dataclasses import replace
from pathlib import Path

import pytest
from click.testing import Result

from recommender import Article, Recommender, Relation, Verdict
from tests.helpers import article, body_of, build, corpus, run_command

Run = Callable[..., Result]

BASE = corpus(16)
DROUGHT = (
    "市气象台7月9日发布干旱黄色预警，北部三县已连续31天无有效降水。农技人员下田指导农户浅灌"
    "保苗，抽水泵昼夜运转，水库按计划每日放水两次，优先保障居民饮水和秧田。"
)
ROUND_UP = DROUGHT + "".join(body_of(theme, 700 + place) for place, theme in enumerate("桥茶赛馆"))


def marked(first: str, second: str, canonical: str = "") -> dict[str, str]:
    decision = {"decision": "merge", "canonical": canonical} if canonical else {"decision": "keep"}
    return {"first": first, "second": second, **decision}


def articles() -> list[Article]:
    return [
        *BASE,
        replace(BASE[0], id="copy-0", url="https://news.example/副本/0", date=None),
        replace(BASE[1], id="copy-1", url="https://news.example/copy-1", date=None),
        replace(BASE[2], id="copy-2", url="https://m.example/copy-2", date=None),
        article("brief", body=DROUGHT, title="北部三县发布干旱预警", url="https://news.example/b"),
        article("round-up", body=ROUND_UP, title="一周要闻汇总", url="https://news.example/r"),
    ]


@pytest.fixture(scope="module")
def built(tmp_path_factory: pytest.TempPathFactory) -> Path:
    folder = tmp_path_factory.mktemp("redirects") / "index"
    build(folder, articles()).close()
    return folder


@pytest.fixture
def run(built: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Run:
    monkeypatch.chdir(tmp_path)
    monkeypatch.setenv("RECOMMENDER_INDEX", "index")
    (tmp_path / "index").mkdir()
    for file in built.iterdir():
        (tmp_path / "index" / file.name).write_bytes(file.read_bytes())
    return run_command


def decide(run: Run, *marks: dict[str, str]) -> None:
    done = run("decide", "-", stdin=json.dumps({"decisions": marks}))
    assert done.exit_code == 0, done.stderr


def found(run: Run, *options: str) -> tuple[dict[str, str], dict[str, str]]:
    """Redirects by ids, and reasons of what is left out by the source's."""
    result = run("redirects", "-f", "json", *options)
    assert result.exit_code == 0, result.stderr
    data = json.loads(result.stdout)
    return (
        {row["from_id"]: row["to_id"] for row in data["redirects"]},
        {row["from_id"]: row["reason"] for row in data["left_out"]},
    )


def test_only_what_is_marked_is_redirected(run: Run) -> None:
    assert found(run) == ({}, {})
    decide(
        run,
        marked("a004", "a009", "a004"),
        marked("a009", "a014", "a009"),
        marked("a001", "copy-1"),
        marked("a002", "copy-2", "a002"),
        marked("a005", "a010", "a005"),
    )
    run("decide", "a006", "a011", "--duplicate")
    with Recommender.open("index") as index:
        index.update([article("a010", "馆", 900), replace(BASE[4], access="members")])
    assert found(run) == (
        {"a014": "a009"},
        {"a009": "not-public", "copy-2": "other-host", "a010": "stale"},
    )
    with Recommender.open("index") as index:
        index.update([BASE[4]])
        index.remove(["copy-2"])
    made = run("redirects")
    rows = list(csv.DictReader(io.StringIO(made.stdout.removeprefix("\ufeff"))))
    assert [(row["from"], row["to"], row["by_way_of"], row["reason"]) for row in rows] == [
        ("https://news.example/a009", "https://news.example/a004", "", "merge"),
        ("https://news.example/a014", "https://news.example/a004", "a009", "merge"),
    ]
    assert "2 redirects." in made.stderr
    assert "copy-2 → a002: left out, an article is not in the index (copy-2)" in made.stderr
    assert "2 pairs left out: 1 missing; 1 stale." in made.stderr
    assert run("--quiet", "redirects").stderr == ""


def test_copies_are_added_if_wanted(run: Run) -> None:
    redirected, left_out = found(run, "--auto")
    assert redirected == {"copy-0": "a000", "copy-1": "a001"}
    assert left_out["copy-2"] == "other-host"
    run("decide", "a000", "copy-0", "--keep-both")
    run("decide", "a001", "copy-1", "--merge", "--canonical", "copy-1")
    assert found(run, "--auto")[0] == {"a001": "copy-1"}
    assert found(run, "--auto")[1]["copy-0"] == "kept"
    run("decide", "a000", "copy-0", "--distinct")
    assert "copy-0" not in found(run, "--auto")[0]


def test_a_copy_with_another_fact_or_language_is_not_added(run: Run) -> None:
    text = DROUGHT + "".join(body_of("雨", number) for number in (800, 801, 802))
    one = article("one", body=text, title="水库放水致6人受伤", url="/1", number=1)
    later = {"date": None, "title": "水库放水"}
    with Recommender.open("index") as index:
        index.update(
            [
                one,
                replace(one, id="fact", url="/2", body=text.replace("31天", "13天"), **later),
                replace(one, id="title", url="/3", date=None, title="水库放水致9人受伤"),
                replace(one, id="english", url="/4", language="en", **later),
                replace(one, id="twin", url="/5", **later),
            ]
        )
        # Each is the same text to the model.
        for other in ("fact", "title", "twin"):
            compared = index.compare("one", other)
            assert (compared.verdict, compared.relation) == (Verdict.SAME_TEXT, Relation.COPY)
    redirected, left_out = found(run, "--auto")
    assert redirected["twin"] == "one"
    assert not {"fact", "title", "english"} & redirected.keys()
    assert (left_out["fact"], left_out["title"]) == ("contradiction", "contradiction")
    # An editor may know better.
    decide(run, marked("fact", "one", "one"), marked("english", "one", "one"))
    assert {"fact", "english"} <= found(run)[0].keys()


def test_a_brief_inside_a_round_up_is_never_redirected(run: Run) -> None:
    for canonical in ("round-up", "brief"):
        decide(run, marked("brief", "round-up", canonical))
        redirected, left_out = found(run, "--auto")
        assert not {"brief", "round-up"} & redirected.keys()
        assert set(left_out.values()) >= {"round-up"}
    # Neither is it by way of a third article.
    decide(run, marked("a005", "round-up", "round-up"), marked("brief", "a005", "a005"))
    redirected, left_out = found(run)
    assert "brief" not in redirected
    assert left_out["brief"] == "round-up"


def test_every_form(run: Run, tmp_path: Path) -> None:
    decide(run, marked("a000", "copy-0", "copy-0"), marked("a001", "copy-2", "a001"))
    nginx = run("redirects", "-f", "nginx").stdout
    line = '"/a000" "https://news.example/%E5%89%AF%E6%9C%AC/0";'
    assert line in nginx
    assert "if ($duplicate_of) { return 301 $duplicate_of; }" in nginx
    apache = run("redirects", "-f", "apache").stdout
    assert "\n/a000 https://news.example/%E5%89%AF%E6%9C%AC/0\n" in apache
    assert run("redirects", "-f", "canonical").stdout == (
        'a000\t<link rel="canonical" href="https://news.example/%E5%89%AF%E6%9C%AC/0">\n'
    )
    done = run("redirects", "-f", "nginx", "-o", "out.conf", "--left-out", "left.csv")
    assert done.stdout == ""
    assert (tmp_path / "out.conf").read_text(encoding="utf-8") == nginx
    text = (tmp_path / "left.csv").read_text(encoding="utf-8").removeprefix("\ufeff")
    (row,) = csv.DictReader(io.StringIO(text))
    assert (row["from_id"], row["to_id"], row["reason"]) == ("copy-2", "a001", "other-host")
    run("redirects", "--left-out", "left.json")
    assert json.loads((tmp_path / "left.json").read_text(encoding="utf-8"))[0]["from_url"] == (
        "https://m.example/copy-2"
    )


def test_hostile_articles_are_disarmed(run: Run) -> None:
    bad = [
        replace(BASE[0], id="=1+1", title="=cmd()\u202e题", url="/a'\"<b>&$x;\u202e{}"),
        replace(BASE[1], id="@x", title="\x1b[31m", url="javascript:alert(1)\x1b[2J"),
        replace(BASE[2], id="-y", title="+1", url="/" + "长" * 100),
        replace(BASE[2], id="-z", title="+1", url="/" + "长" * 101),
    ]
    with Recommender.open("index") as index:
        index.update([*bad, replace(BASE[5], url="/kept\"'<x>&y?$1;")])
    decide(run, marked("=1+1", "a005", "a005"), marked("@x", "a005", "a005"))
    decide(run, marked("-y", "-z", "-z"))
    for form in ("nginx", "apache", "canonical", "csv", "json"):
        result = run("redirects", "-f", form)
        assert "\x1b" not in result.stdout + result.stderr, form
        assert form == "json" or "<x>" not in result.stdout
        assert "\u202e" not in result.stderr
    nginx = run("redirects", "-f", "nginx").stdout
    assert (
        '"/a\'%22%3Cb%3E&$x;%E2%80%AE%7B%7D" "/kept%22\'%3Cx%3E&y?${duplicate_dollar}1;"' in nginx
    )
    assert 'href="/kept%22&#x27;%3Cx%3E&amp;y?$1;"' in run("redirects", "-f", "canonical").stdout
    text = run("redirects", "-f", "csv").stdout.removeprefix("\ufeff")
    rows = list(csv.DictReader(io.StringIO(text)))
    assert all(row["from_id"].startswith("'") for row in rows)
    assert all(row["from_title"].startswith("'") for row in rows)
    # A line of a text map holds 1,000 characters.
    apache = run("redirects", "-f", "apache")
    assert "-y → -z: left out, the addresses are too long" in apache.stderr


def test_the_same_twice(run: Run) -> None:
    decide(run, marked("a000", "copy-0", "copy-0"))
    for form in ("nginx", "apache", "csv", "json", "canonical"):
        options = ("redirects", "--auto", "-f", form)
        assert run(*options).stdout == run(*options).stdout


def test_wrong_usage(run: Run) -> None:
    assert run("redirects", "-f", "table").exit_code == 2
    missing = run("redirects", "--left-out", "no/such/left.csv")
    assert missing.exit_code == 1
    assert "there is no folder" in missing.stderr
