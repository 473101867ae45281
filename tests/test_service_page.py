"""What the editor's page says of answers, drafts and pairs: the pure part."""

from __future__ import annotations

import re
import string
from collections.abc import Iterator
from dataclasses import replace
from pathlib import Path
from typing import Any, get_args

import pytest
from selectolax.lexbor import LexborHTMLParser

from recommender import Article, Recommender, Thresholds
from recommender.reports.service_page import (
    Answer,
    Cuts,
    Draft,
    Frame,
    answer_part,
    article_page,
    draft_page,
    near_ids,
    pair_note,
    sign_in_page,
)
from recommender.reports.service_wording import _WORDING, counted, service_wording
from recommender.reports.wording import LANGUAGES, Language
from recommender.sample import sample_articles
from recommender.service.assets import addresses, assets
from recommender.service.page_requests import onward

from .helpers import NOW, build
from .page_service import EVIL, hostile, near, page_text


@pytest.fixture(scope="module")
def index(tmp_path_factory: pytest.TempPathFactory) -> Path:
    folder = tmp_path_factory.mktemp("page") / "index"
    build(folder, [*sample_articles(), *hostile()]).close()
    return folder


@pytest.fixture(scope="module")
def engine(index: Path) -> Iterator[Recommender]:
    with Recommender.open(index) as opened:
        yield opened


def answer(engine: Recommender, article_id: str, thresholds: Thresholds, **fields: Any) -> Answer:
    measured = engine.near_duplicates(
        article_id, limit=100, min_similarity=0.2, thresholds=thresholds, now=NOW
    )
    ids = near_ids(measured)
    values: dict[str, Any] = {
        "subject": engine.get(article_id),
        "measured": measured,
        "notes": dict(zip(ids, map(pair_note, engine.explain_all(article_id, ids)), strict=True)),
        "related": engine.related(article_id, thresholds=thresholds, now=NOW),
        "limit": 5,
        "thresholds": thresholds,
        "now": NOW,
        **fields,
    }
    return Answer(**values)


def test_every_text_is_there_in_both_languages_with_the_same_places() -> None:
    for name, texts in _WORDING.items():
        fields = [{f for _, f, _, _ in string.Formatter().parse(text) if f} for text in texts]
        singular = name.endswith("_one")
        assert fields[0] - {"count"} == fields[1] - {"count"}, name
        assert singular or fields[0] == fields[1], name
        assert all(texts) or name == "relation_other", name
    assert set(service_wording("en")) == set(service_wording("zh"))
    assert counted(service_wording("en"), "found", 1) == "1 article found"
    assert counted(service_wording("en"), "found", 1_200) == "1,200 articles found"


def test_templates_use_no_text_that_is_missing() -> None:
    folder = Path(__file__).parent.parent / "recommender" / "reports" / "templates" / "service"
    known = set(service_wording("en"))
    for file in folder.rglob("*.html"):
        for name in re.findall(r"texts\.(\w+)", file.read_text("utf-8")):
            assert name in known, (file.name, name)


@pytest.mark.parametrize("language", get_args(Language))
def test_an_answer_shows_evidence_of_near_duplicates(
    engine: Recommender, language: Language
) -> None:
    found = answer(engine, "ticket-leak-1", engine.thresholds)
    html = answer_part(Frame(language=language), found)
    words = service_wording(language)
    assert near(html)[0].startswith("四川某科技公司未落实网络安全保护义务")
    text = page_text(html)
    for name in ("near", "box", "measure_wording", "facts_agree", "longest_passage"):
        assert words[name] in text
    assert words["article_same-text"] in text
    # Nothing that is told here is told in the other language.
    other = service_wording("en" if language == "zh" else "zh")
    assert other["near"] not in text


def test_contradicting_facts_stand_side_by_side(tmp_path: Path) -> None:
    told = "青溪河水位昨夜超过警戒线{}米，沿岸{}名群众已经转移到安置点，抢险队伍正在加固堤坝。" * 2
    articles = [
        Article(id="first", title="青溪河水位超警", body=told.format("0.6", "4100", "0.6", "4100")),
        Article(
            id="second", title="青溪河水位超警", body=told.format("0.8", "4300", "0.8", "4300")
        ),
    ]
    low = Thresholds(same_text=0.9, same_story=0.5, related=0.3)
    with build(tmp_path / "index", articles) as opened:
        html = answer_part(Frame(language="zh"), answer(opened, "first", low))
    cells = [each.text() for each in LexborHTMLParser(html).css(".contradicting td")]
    assert any("4100" in cell for cell in cells[::2])
    assert any("4300" in cell for cell in cells[1::2])


@pytest.mark.parametrize("language", get_args(Language))
def test_what_is_empty_says_why(engine: Recommender, language: Language) -> None:
    words = service_wording(language)
    frame = Frame(language=language)
    high = Thresholds(same_text=1.0, same_story=1.0, related=1.0)
    lonely = page_text(answer_part(frame, answer(engine, "panda-twins", high)))
    assert words["near_none"] in lonely
    assert words["box_none"] in lonely
    assert words["box_short"].format(least="1.00") in lonely
    without_text = page_text(answer_part(frame, answer(engine, "blank", high)))
    assert words["near_no_text"] in without_text
    closest = page_text(answer_part(frame, answer(engine, "h20-orders", high)))
    start = words["near_closest"].partition("{")[0]
    assert start in closest
    assert start not in without_text


def test_left_out_near_duplicates_are_counted(engine: Recommender) -> None:
    text = page_text(
        answer_part(Frame(language="en"), answer(engine, "ticket-leak-1", engine.thresholds))
    )
    assert "near-duplicate was left out." in text


def test_a_missing_model_is_told(engine: Recommender) -> None:
    found = answer(engine, "ticket-leak-1", engine.thresholds, by_wording=True)
    for language in LANGUAGES:
        told = service_wording(language)["by_wording"]
        assert told in page_text(answer_part(Frame(language=language), found))


def test_nothing_in_a_page_runs_or_is_styled_inline(engine: Recommender) -> None:
    cuts = Cuts(chosen=engine.thresholds, in_force=engine.thresholds)
    frame = Frame(language="zh", assets={name: name for name in assets()})
    for article_id in ("evil", 'e"><b>/&?#=+ %'):
        found = answer(engine, article_id, Thresholds(same_text=0.9, same_story=0.5, related=0.2))
        draft = Draft(title=EVIL, body=f"</textarea>{EVIL}", date=EVIL, id=EVIL)
        for html in (
            article_page(frame, found, cuts),
            draft_page(frame, draft, cuts, answer=found, problem="no_draft"),
        ):
            tree = LexborHTMLParser(html)
            assert [each.attributes["src"] for each in tree.css("script")] == [
                "htmx.min.js",
                "page.js",
            ]
            assert not tree.css("img, style, [style], iframe, object, base")
            assert not any(
                name.startswith("on") for each in tree.css("*") for name in each.attributes
            )
            for each in tree.css("a[href]"):
                assert each.attributes["href"].startswith(("/", "#", "https://", "http://"))
            assert "49" not in near(html)


def test_a_proxy_may_serve_it_in_a_folder(engine: Recommender) -> None:
    root = "/tools/related"
    frame = Frame(language="en", root=root, assets=addresses(root), switch=f"{root}/?lang=zh")
    cuts = Cuts(chosen=engine.thresholds, in_force=engine.thresholds)
    found = answer(engine, "ticket-leak-1", engine.thresholds)
    for html in (
        article_page(frame, found, cuts),
        draft_page(frame, Draft(), cuts, answer=replace(found, is_draft=True)),
        sign_in_page(frame, hours=12),
    ):
        for each in LexborHTMLParser(html).css("*"):
            for name in ("href", "src", "action", "formaction", "hx-get", "hx-post"):
                assert (each.attributes.get(name) or f"{root}/").startswith(
                    (f"{root}/", "#", "https:")
                )
    assert onward(f"{root}/draft", root) == f"{root}/draft"
    assert onward("/elsewhere", root) == f"{root}/"
