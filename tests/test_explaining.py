"""`explain`: what it holds, for stored articles and drafts, and as text, data and page."""

from __future__ import annotations

import base64
import hashlib
import json
from collections.abc import Iterator
from datetime import timedelta
from pathlib import Path

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from rich.cells import cell_len
from selectolax.lexbor import LexborHTMLParser, LexborNode

from recommender import Article, ArticleNotFound, Explanation, Recommender, Thresholds
from recommender.records import Relation, Verdict
from recommender.reports import (
    explanation_note,
    explanation_page,
    explanation_row,
    explanation_text,
)
from recommender.reports.explained import shorten
from recommender.reports.marking import mark, occurrences
from recommender.reports.wording import _WORDING, LANGUAGES, wording
from recommender.waterfall import PARTS
from tests.helpers import START, article, body_of, build, corpus

# Escaped once more than shown, so that cleaning leaves it in the text.
EVIL_TITLE = "&lt;script&gt;alert(1)&lt;/script&gt; \"quoted\" &amp; 'single' {{ 7 * 7 }}"
EVIL_BODY = (
    "<p>&lt;img src=x onerror=alert(2)&gt;与&lt;/p&gt;&lt;script&gt;alert(3)&lt;/script&gt;"
    "一同写入正文，共涉及35处，javascript:alert(4)也不例外。</p>"
)
EVIL = Article(
    id='evil"><b>',
    title=EVIL_TITLE,
    body=EVIL_BODY + body_of("桥", 0),
    url="javascript:alert(document.domain)",
    source='"><img src=x>\u202e',
    category="</style><script>",
    language="zh",
    date=START,
)


@pytest.fixture(scope="module")
def index(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Recommender]:
    longer = article("longer", "桥", 0, body=f"<p>{body_of('茶', 77)}</p><p>{body_of('桥', 0)}</p>")
    edited = article(
        "edited", "桥", 0, body=body_of("桥", 0).replace("共涉及", "一共涉及", 1), title="桥面铺装"
    )
    english = article(
        "english",
        "桥",
        3,
        title="Bridge opens",
        body="The bridge opened on Monday after 3 years of work. Some 1,200 guests came.",
        language="en",
    )
    articles = [*corpus(20), longer, edited, english, EVIL]
    with build(tmp_path_factory.mktemp("index") / "index", articles) as built:
        yield built


def test_an_explanation_holds_the_comparison_and_why(index: Recommender) -> None:
    found = index.explain("a000", "longer")
    assert found.comparison == index.compare("a000", "longer")
    assert found.comparison.relation is Relation.CONTAINED_IN
    assert found.first_text == body_of("桥", 0)
    assert found.second_text == f"{body_of('茶', 77)}\n{body_of('桥', 0)}"
    (passage,) = found.passages
    assert passage.text == found.first_text
    assert found.first_share == 1.0
    assert 0.4 < found.second_share < 0.6
    assert found.only_first == ()
    assert "".join(each.text for each in found.only_second) == body_of("茶", 77)
    assert set(found.only_second_facts) - set(found.shared_facts)
    assert [each.part for each in found.waterfall.contributions] == list(PARTS)


def test_edited_sentences_and_facts_that_differ(index: Recommender) -> None:
    (pair,) = index.explain("a000", "edited").edited
    assert [(each.first, each.second) for each in pair.edits] == [("", "一")]
    found = index.explain("a000", "a005")
    assert found.contradicting_facts
    for ours, theirs in found.contradicting_facts:
        assert ours != theirs
        assert ours in found.first_text + found.comparison.first.title
        assert theirs in found.second_text + found.comparison.second.title
    assert index.explain("a000", "longer").contradicting_facts == ()


def test_drafts_are_explained_as_if_they_were_stored(index: Recommender) -> None:
    draft = article("draft", "桥", 0, body=f"<div>{body_of('桥', 0)}</div>")
    found = index.explain(draft, "longer")
    stored = index.explain("a000", "longer")
    assert (found.passages, found.only_second) == (stored.passages, stored.only_second)
    assert found.waterfall == stored.waterfall
    assert "draft" not in index
    both = index.explain(draft, article("draft", "茶", 1))
    assert both.comparison.verdict is Verdict.UNRELATED


def test_turned_round_it_says_the_same(index: Recommender) -> None:
    one, other = index.explain("a000", "longer"), index.explain("longer", "a000")
    assert one.waterfall == other.waterfall
    assert one.only_second == other.only_first
    assert one.comparison.relation is other.comparison.relation.reversed


def test_several_are_explained_in_their_order(index: Recommender) -> None:
    found = index.explain_all("a000", ["longer", "a001"])
    assert found == [index.explain("a000", "longer"), index.explain("a000", "a001")]
    assert index.explain_all("a000", []) == []


def test_thresholds_move_the_verdict_and_not_the_waterfall(index: Recommender) -> None:
    none = Thresholds(same_text=1.0, same_story=1.0, related=1.0)
    strict = index.explain("a000", "longer", thresholds=none)
    usual = index.explain("a000", "longer")
    assert strict.comparison.verdict is Verdict.UNRELATED is not usual.comparison.verdict
    assert strict.waterfall == usual.waterfall


def test_an_unknown_article_is_named(index: Recommender) -> None:
    with pytest.raises(ArticleNotFound, match="nothing"):
        index.explain("a000", "nothing")


# As data


def test_as_data_it_is_plain_and_complete(index: Recommender) -> None:
    explanation = index.explain("a000", "edited")
    row = json.loads(json.dumps(explanation_row(explanation)))
    assert {"waterfall", "passages", "edited", "only_first", "contradicting_facts"} <= set(row)
    assert "first_text" not in row
    whole = explanation_row(explanation, texts=True)
    assert whole["first_text"] == explanation.first_text
    for passage in whole["passages"]:
        start, end = passage["first_start"], passage["first_end"]
        assert whole["first_text"][start:end] == passage["text"]
    assert len(row["waterfall"]["contributions"]) == len(PARTS)


# As text


def test_as_text_it_fits_the_width_and_says_what_matters(index: Recommender) -> None:
    for other in ("longer", "edited", "a001", "english"):
        text = explanation_text(index.explain("a000", other), width=80, color=False)
        assert max(map(cell_len, text.splitlines())) <= 80
        assert "How it adds up" in text
    longer = explanation_text(index.explain("a000", "longer"), width=80, color=False)
    assert "1 shared passage, 100% of the first text" in longer
    assert "Only in the second: 8 sentences" in longer
    assert "and 2 more" in longer
    assert "[+一]" in explanation_text(index.explain("a000", "edited"), width=80, color=False)
    assert "No shared passage" in explanation_text(
        index.explain("a000", "english"), width=80, color=False
    )


def test_the_note_under_a_match_is_short(index: Recommender) -> None:
    note = explanation_note(index.explain("a000", "a005")).plain
    assert len(note.splitlines()) <= 4
    assert "facts that differ: " in note


@settings(deadline=None)
@given(st.text(), st.integers(3, 40))
def test_shortened_text_fits_and_keeps_both_ends(text: str, cells: int) -> None:
    found = shorten(text, cells)
    assert cell_len(found) <= cells
    assert "\n" not in found


def test_shortened_in_the_middle() -> None:
    assert shorten("一二三四五六七八九十", 20) == "一二三四五六七八九十"
    assert shorten("一二三四五六七八九十", 9) == "一二…九十"
    assert shorten("the night ferry", 9) == "the …erry"


# As a page


def page_of(explanation: Explanation, language: str | None = None) -> LexborHTMLParser:
    return LexborHTMLParser(
        explanation_page(explanation, thresholds=Thresholds(), language=language)  # type: ignore[arg-type]
    )


def attributes(tree: LexborHTMLParser) -> Iterator[tuple[LexborNode, str, str]]:
    for node in tree.css("*"):
        for name, value in node.attributes.items():
            yield node, name, value or ""


def test_a_page_shows_both_texts_whole(index: Recommender) -> None:
    for other in ("longer", "edited", "a001", "english", EVIL.id):
        explanation = index.explain("a000", other)
        texts = [
            "\n".join(paragraph.text() for paragraph in column.css("p"))
            for column in page_of(explanation).css(".texts article")
        ]
        assert texts == [explanation.first_text, explanation.second_text]


def test_hostile_articles_stay_text(index: Recommender) -> None:
    explanation = index.explain(EVIL.id, "a000")
    assert explanation.passages
    html = explanation_page(explanation, thresholds=Thresholds())
    tree = LexborHTMLParser(html)
    assert tree.css("script, img, iframe, object, embed, form, base, link, b") == []
    heading = tree.css_first(".cards h2")
    assert heading is not None
    assert heading.text() == explanation.comparison.first.title
    assert heading.css("a") == []
    assert "<script>alert(1)</script>" in heading.text()
    assert "{{ 7 * 7 }}" in heading.text()
    assert "\u202e" not in html
    for _, name, value in attributes(tree):
        assert not name.startswith("on")
        assert name != "style"
        if name in ("href", "src"):
            assert value.startswith(("#", "https://news.example/"))
    shown = tree.css_first(".texts article p").text()  # type: ignore[union-attr]
    assert "<img src=x onerror=alert(2)>" in shown
    assert "<script>alert(3)</script>" in shown


def test_a_page_allows_its_own_style_sheet_and_nothing_else(index: Recommender) -> None:
    html = explanation_page(index.explain("a000", "longer"), thresholds=Thresholds())
    tree = LexborHTMLParser(html)
    policy = tree.css_first("meta[http-equiv='Content-Security-Policy']").attributes["content"]  # type: ignore[union-attr]
    (style,) = tree.css("style")
    checksum = base64.b64encode(hashlib.sha256(style.text().encode()).digest()).decode()
    assert policy == (
        f"default-src 'none'; style-src 'sha256-{checksum}'; base-uri 'none'; form-action 'none'"
    )
    assert html.index("Content-Security-Policy") < html.index("<style>")
    assert "url(" not in style.text()
    assert "@import" not in style.text()


def test_passages_lead_to_each_other(index: Recommender) -> None:
    explanation = index.explain("a000", "edited")
    tree = page_of(explanation)
    ids = [value for _, name, value in attributes(tree) if name == "id"]
    links = {value for _, name, value in attributes(tree) if name == "href" and value[0] == "#"}
    assert len(ids) == len(set(ids)) == 2 * len(explanation.passages)
    assert {f"#{each}" for each in ids} == links


def test_a_page_speaks_the_language_of_the_first_article_or_the_one_asked_for(
    index: Recommender,
) -> None:
    def spoken(first: str, second: str, language: str | None = None) -> tuple[str | None, str]:
        tree = page_of(index.explain(first, second), language)
        return tree.css_first("html").attributes["lang"], tree.css_first("h1").text()  # type: ignore[union-attr]

    assert spoken("a000", "a000") == ("zh-CN", "同一文本")
    assert spoken("a000", "a000", "en") == ("en", "Same text")
    assert spoken("english", "a000") == ("en", "Unrelated")
    assert spoken("english", "a000", "zh") == ("zh-CN", "不相关")


def test_every_text_of_the_interface_is_there_in_every_language() -> None:
    for name, texts in _WORDING.items():
        assert len(texts) == len(LANGUAGES)
        assert all(texts) or name == "relation_other"
    english, chinese = (set(wording(language)) for language in LANGUAGES)
    assert english == chinese
    for kind, values in (("verdict", Verdict), ("advice", Verdict), ("relation", Relation)):
        assert {f"{kind}_{each}" for each in values} <= english
    assert {f"part_{part}" for part in PARTS} <= english


def test_very_long_texts_are_cut_and_the_page_says_so(index: Recommender) -> None:
    body = "".join(chr(0x4E00 + i * 7_919 % 20_000) for i in range(120_000))
    long = Article(id="long", title="长文", body=body, date=START + timedelta(days=1))
    page = page_of(index.explain(long, "a000"), "en")
    assert "20,000 more characters are not shown." in page.css_first(".texts article").text()  # type: ignore[union-attr]


# Marking

spans = st.lists(st.tuples(st.integers(0, 30), st.integers(0, 30)), max_size=5)


@settings(deadline=None)
@given(st.text("甲a\n", max_size=30), spans, spans, st.lists(st.integers(0, 30), max_size=6))
def test_marked_pieces_are_the_text(
    text: str, edited: list[tuple[int, int]], only: list[tuple[int, int]], cuts: list[int]
) -> None:
    edges = sorted({min(each, len(text)) for each in cuts})
    passages = list(zip(edges[::2], edges[1::2], strict=False))
    paragraphs = mark(text, passages=passages, edited=edited, only=only)
    joined = "\n".join("".join(piece.text for piece in pieces) for pieces in paragraphs)
    assert joined == "\n".join(line for line in text.split("\n") if line)
    for number, (start, end) in enumerate(passages, 1):
        pieces = [piece for pieces in paragraphs for piece in pieces if piece.passage == number]
        assert "".join(piece.text for piece in pieces) == text[start:end].replace("\n", "")
        assert [piece.begins for piece in pieces] == [True] * bool(pieces) + [False] * (
            len(pieces) - 1
        )


def test_figures_are_not_found_within_longer_figures() -> None:
    assert occurrences("5元、9.5元、15元、5元", ["5元"]) == [(0, 2), (12, 14)]
    assert occurrences("", ["5元"]) == []


def test_the_folder_of_templates_is_part_of_the_package() -> None:
    folder = Path(__file__).parent.parent / "recommender" / "reports" / "templates"
    assert {each.name for each in folder.iterdir()} >= {"page.html", "page.css", "explanation.html"}
