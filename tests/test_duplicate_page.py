"""The page of a duplicate report, without a browser: what is in the file and what is not."""

from __future__ import annotations

import base64
import gzip
import hashlib
import json
import re
import shutil
import subprocess
from collections.abc import Mapping
from dataclasses import replace
from datetime import timezone
from pathlib import Path
from typing import Any
from zoneinfo import ZoneInfo

import pytest
from hypothesis import given
from hypothesis import strategies as st

from recommender import Recommender
from recommender.canonical import CanonicalPolicy
from recommender.duplicate_report import DuplicateReport, make_report
from recommender.explanation import Explanation, Passage, Sentence, Waterfall
from recommender.records import Comparison, Evidence, Relation, Verdict
from recommender.reports.duplicate_page import SCRIPTS, duplicates_page, script
from recommender.reports.duplicate_payload import comparison_payload
from recommender.reports.duplicate_wording import duplicate_wording
from recommender.sample import sample_articles

from .duplicate_reports import HOSTILE, Found, card, found_in, hostile, made_up, pair
from .helpers import article, build

_DATA = re.compile(r'<script type="application/json"[^>]*>"([^"]*)"</script>')


def page(found: Found, **options: Any) -> str:
    return duplicates_page(found.report, found.comparisons, **{"texts": found.texts, **options})


def unpacked(html: str) -> list[Any]:
    return [json.loads(gzip.decompress(base64.b64decode(each))) for each in _DATA.findall(html)]


def core_of(html: str) -> Mapping[str, Any]:
    return unpacked(html)[0]


@pytest.fixture(scope="module")
def index(tmp_path_factory: pytest.TempPathFactory) -> Recommender:
    return build(tmp_path_factory.mktemp("pages") / "index", sample_articles())


@pytest.fixture(scope="module")
def sample(index: Recommender) -> Found:
    return found_in(index)


def test_the_policy_allows_the_pages_own_style_and_script_only(sample: Found) -> None:
    html = page(sample)
    policy = re.search(r'http-equiv="Content-Security-Policy" content="([^"]*)"', html)
    assert policy
    assert policy[1].startswith("default-src 'none'; ")
    assert "unsafe" not in policy[1]
    style = re.search(r"<style>(.*?)</style>", html, re.S)
    run = re.findall(r"<script>(.*?)</script>", html, re.S)
    assert style
    assert len(run) == 1
    for name, text in (("script-src", run[0]), ("style-src", style[1])):
        checksum = base64.b64encode(hashlib.sha256(text.encode()).digest()).decode()
        assert f"{name} 'sha256-{checksum}'" in policy[1]
    assert not re.search(r"\s(?:on\w+|style|src|href)=\"(?!#main)", html.replace(run[0], ""))


def test_hostile_text_is_nowhere_in_the_file_but_packed() -> None:
    html = page(hostile())
    outside = _DATA.sub("", html).replace(script(), "")
    assert "harmed" not in outside.replace("window.harmed = 1&lt;/script&gt;", "")
    assert "<script>window" not in outside
    assert outside.count("<script") == 1
    assert "\u202e" not in html


def test_hostile_titles_lose_what_turns_lines_and_keep_the_rest() -> None:
    core = core_of(page(hostile()))
    shown = "".join(each["title"] for each in core["cards"])
    assert HOSTILE[0] in shown
    for each in "\u202e\u2066\u2028\u2029\u0007\ud800":
        assert each not in shown


def test_only_addresses_of_the_web_are_links() -> None:
    cards = core_of(page(hostile()))["cards"]
    links = [each["link"] for each in cards if "link" in each]
    assert links
    assert all(each.startswith("https://") for each in links)
    assert any(each.get("address", "").startswith("javascript:") for each in cards)


def test_ids_stay_as_they_are(sample: Found) -> None:
    core = core_of(page(hostile()))
    assert {each["id"] for each in core["cards"]} == {
        each for group in hostile().report.groups for each in group.ids
    }


def test_a_page_without_bodies_has_no_word_of_them(sample: Found) -> None:
    html = page(sample, texts=None)
    told = json.dumps(unpacked(html), ensure_ascii=False)
    bodies = set(sample.texts.values())
    assert len(bodies) > 5
    titles = {each["title"] for each in core_of(html)["cards"]}
    for body in bodies:
        for line in filter(None, re.split(r"[。，\n]|\. ", body)):
            if len(line) > 12 and not any(line in title for title in titles):
                assert line not in told
    facts = [fact for each in sample.comparisons.values() for fact in each["facts"]["shared"]]
    assert facts
    for chunk in unpacked(html)[1:]:
        assert chunk["texts"] == {}
        assert all(set(each) == {"waterfall"} for each in chunk["pairs"].values())


def test_a_page_holds_every_text_once(sample: Found) -> None:
    texts = [text for chunk in unpacked(page(sample))[1:] for text in chunk["texts"].values()]
    assert len(texts) == len(set(sample.texts))
    assert sorted(texts) == sorted(sample.texts.values())


def test_every_pair_finds_its_comparison(sample: Found) -> None:
    core, *chunks = unpacked(page(sample))
    group = core["groups"][0]
    for member in group["members"]:
        key = tuple(core["cards"][each]["id"] for each in (group["kept"], member["article"]))
        packed = chunks[core["pair_chunks"][member["pair"]]]["pairs"][str(member["pair"])]
        assert packed == sample.comparisons[key]


def test_a_pair_without_a_comparison_says_so(sample: Found) -> None:
    core = core_of(duplicates_page(sample.report, {}, texts=None))
    assert set(core["pair_chunks"]) == {-1}
    assert set(core["text_chunks"]) == {-1}


def test_the_same_report_gives_the_same_page(sample: Found) -> None:
    assert page(sample) == page(sample)
    turned = replace(
        sample,
        texts=dict(reversed(sample.texts.items())),
        comparisons=dict(reversed(sample.comparisons.items())),
    )
    assert page(turned) == page(sample)


def test_the_key_of_the_marks_follows_the_source_only(sample: Found) -> None:
    key = core_of(page(sample))["key"]
    assert core_of(page(sample, language="zh"))["key"] == key
    fewer = replace(sample, report=replace(sample.report, groups=sample.report.groups[1:]))
    assert core_of(page(fewer))["key"] == key
    other = replace(sample, report=replace(sample.report, source="别处"))
    assert core_of(page(other))["key"] != key


def test_an_empty_report_is_a_page() -> None:
    html = duplicates_page(DuplicateReport(source="无", articles=0, groups=()), {}, texts={})
    assert core_of(html)["groups"] == []


def test_dates_and_months_are_those_of_the_zone() -> None:
    night = card(1, date=card(1).date.replace(day=31, hour=20))
    other = card(2, date=card(1).date.replace(day=31, hour=20))
    report = make_report(
        [pair(night, other, 0.95)], DuplicateReport(source="", articles=2, groups=())
    )
    core = core_of(duplicates_page(report, {}, texts=None, zone=ZoneInfo("Asia/Shanghai")))
    assert core["cards"][0]["date"] == "2025-08-01 04:00"
    assert core["months"] == [["2025-08", 1]]
    assert core_of(duplicates_page(report, {}, texts=None, zone=timezone.utc))["months"] == [
        ["2025-07", 1]
    ]


def test_similarities_are_never_rounded_up() -> None:
    report = make_report(
        [pair(card(1), card(2), 0.89999999), pair(card(3), card(4), 0.9)],
        DuplicateReport(source="", articles=4, groups=()),
    )
    shown = [
        each["members"][0]["similarity"]
        for each in core_of(duplicates_page(report, {}, texts=None))["groups"]
    ]
    assert shown == [8999, 9000]


@pytest.mark.parametrize(
    ("first", "second", "policy", "reason"),
    [
        ({}, {}, {}, "earliest"),
        ({"extra": {"pinned": True}}, {}, {}, "pinned"),
        ({"source": "本站"}, {"source": "电讯"}, {"own_sources": frozenset({"本站"})}, "own"),
        ({"extra": {"visits": 9}}, {}, {"order": ("most-visited", "earliest")}, "most-visited"),
        ({}, {}, {"order": ("smallest-id",)}, "smallest-id"),
        ({}, {}, {"order": ("longest",)}, "longest"),
    ],
)
def test_a_group_tells_why_its_article_is_kept(
    first: dict[str, Any], second: dict[str, Any], policy: dict[str, Any], reason: str
) -> None:
    one, other = card(1, 0, **first), card(1, 1, **second)
    lengths = {one.id: 20, other.id: 10}
    report = make_report(
        [pair(one, other, 0.95)],
        DuplicateReport(source="", articles=2, groups=(), policy=CanonicalPolicy(**policy)),
        lengths=lengths,
    )
    core = core_of(duplicates_page(report, {}, texts=None, lengths=lengths))
    assert core["groups"][0]["because"] == reason


def test_settled_pairs_tell_what_was_decided() -> None:
    one, other, third = card(1, 0), card(1, 1), card(1, 2)
    settled = frozenset({(one.id, other.id), (one.id, third.id)})
    report = make_report(
        [pair(one, other, 0.95, decision="duplicate"), pair(one, third, 0.92)],
        DuplicateReport(source="", articles=3, groups=(), settled=settled),
    )
    members = core_of(duplicates_page(report, {}, texts=None))["groups"][0]["members"]
    assert [each["settled"] for each in members] == ["duplicate", "decided"]
    treated = duplicates_page(report, {}, texts=None, treatments={(one.id, other.id): "merge"})
    assert core_of(treated)["groups"][0]["members"][0]["settled"] == "merge"


def test_what_is_settled_is_not_counted_as_work() -> None:
    one, other, third = card(1, 0), card(1, 1), card(1, 2)
    report = make_report(
        [pair(one, other, 0.95), pair(one, third, 0.92)],
        DuplicateReport(source="", articles=3, groups=(), settled=frozenset({(one.id, other.id)})),
    )
    core = core_of(duplicates_page(report, {}, texts=None))
    assert core["open_duplicates"] == getattr(report, "open_duplicates", report.duplicates)
    assert [bool(each.get("settled")) for each in core["groups"][0]["members"]] == [True, False]


def test_offsets_count_as_a_browser_counts(tmp_path: Path) -> None:
    shared = "全市跨江大桥主塔今日封顶，桥面铺装与荷载试验随后展开，预计年底通车。"
    first = article("a", body=f"😀😀喜讯。{shared}记者从现场获悉。")
    second = article("b", body=f"𠮷祥快报：{shared}后续消息请关注。")
    with build(tmp_path / "index", [first, second]) as index:
        explanation = index.explain("a", "b")
    payload = comparison_payload(explanation)
    assert explanation.passages
    wide = [each.encode("utf-16-le") for each in (explanation.first_text, explanation.second_text)]
    for number, passage in enumerate(explanation.passages):
        start, end, other_start, other_end = payload["passages"][4 * number : 4 * number + 4]
        assert wide[0][2 * start : 2 * end].decode("utf-16-le") == passage.text
        theirs = explanation.second_text[passage.second_start : passage.second_end]
        assert wide[1][2 * other_start : 2 * other_end].decode("utf-16-le") == theirs
    assert payload["lengths"] == [len(each) // 2 for each in wide]


@given(text=st.text(alphabet=st.characters(exclude_categories=["Cs"]), max_size=40), data=st.data())
def test_places_never_lie_outside_the_text(text: str, data: st.DataObject) -> None:
    place = data.draw(st.integers(0, len(text)))
    span = {"first_start": 0, "first_end": place, "second_start": 0, "second_end": place}
    whole = Comparison(
        first=card(1),
        second=card(2),
        similarity=0.9,
        verdict=Verdict.SAME_TEXT,
        relation=Relation.COPY,
        evidence=Evidence(),
    )
    payload = comparison_payload(
        Explanation(
            comparison=whole,
            waterfall=Waterfall(
                cut="same_text", background=-4, contributions=(), log_odds=2, by_evidence=0.9
            ),
            first_text=text,
            second_text=text,
            passages=(Passage(**span, text=text[:place]),),
            edited=(),
            only_first=(Sentence(start=place, end=len(text), text=text[place:]),),
            only_second=(),
            shared_facts=(),
            only_first_facts=(),
            only_second_facts=(),
            contradicting_facts=(),
        )
    )
    units = len(text.encode("utf-16-le")) // 2
    assert payload["lengths"] == [units, units]
    for each in (*payload["passages"], *payload["only"][0]):
        assert 0 <= each <= units


def test_both_languages_have_every_text() -> None:
    english, chinese = duplicate_wording("en"), duplicate_wording("zh")
    assert set(english) == set(chinese)
    for name, text in english.items():
        assert bool(text) == bool(chinese[name]), name
        fields = set(re.findall(r"{(\w+)}", text))
        # "1 pair" names its count, "1 对" as well.
        assert fields == set(re.findall(r"{(\w+)}", chinese[name])), name
        assert not re.search(r"{\w+:", text) or not name.startswith(("number", "found")), name


def test_the_script_says_nothing_that_has_no_words() -> None:
    words = duplicate_wording("en")
    named = set(re.findall(r'\b(?:say|count|has)\("([\w-]+)"', script()))
    named |= set(re.findall(r'data-word="(\w+)"', page(made_up(1))))
    assert len(named) > 60
    assert named <= set(words)
    for prefix in re.findall(r"\bsay\(`([\w-]+)\$", script()):
        assert any(name.startswith(prefix) for name in words), prefix


def test_no_words_are_left_over() -> None:
    text = (
        script()
        + (Path(__file__).parents[1] / "recommender/reports/templates/duplicates.html").read_text()
    )
    named = "tab_ part_ sort_ reason_ status_ verdict_ member_relation_ pair_relation_"
    prefixes = (*re.findall(r"`([\w-]+_)\$", text), *named.split())
    for name in duplicate_wording("en"):
        base = name.removesuffix("_one")
        used = re.search(rf"[\"`.]{re.escape(base)}\b", text) or base.startswith(prefixes)
        assert used or base == "no_script", name


def test_the_script_makes_no_markup_of_strings() -> None:
    for word in (
        "innerHTML",
        "outerHTML",
        "insertAdjacent",
        "document.write",
        "eval(",
        "Function(",
    ):
        assert word not in script()
    assert "</script" not in script()
    assert "fetch(" not in script()


def test_the_scripts_parse_and_are_short() -> None:
    folder = Path(__file__).parents[1] / "recommender" / "reports" / "templates" / "duplicates"
    assert {each.stem for each in folder.glob("*.js")} == set(SCRIPTS)
    node = shutil.which("node")
    for each in sorted(folder.glob("*.js")):
        assert len(each.read_text().splitlines()) < 500
        if node:
            subprocess.run([node, "--check", str(each)], check=True)
