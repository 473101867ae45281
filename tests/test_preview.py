"""The preview: today's box as a content system fills it, judged by the same scale as ours."""

from __future__ import annotations

import json
import re
import tempfile
from collections.abc import Callable, Iterator
from dataclasses import replace
from datetime import datetime, timedelta, timezone
from itertools import pairwise
from pathlib import Path
from typing import Any

import pytest
from click.testing import Result
from hypothesis import given
from hypothesis import strategies as st

from recommender import Article, Recommender
from recommender.previewing import (
    KINDS,
    Preview,
    Today,
    TodaysBoxes,
    make_preview,
    tags_of,
)
from recommender.records import Card
from recommender.reports.preview_page import preview_page
from recommender.reports.preview_wording import _WORDING, preview_wording
from tests.helpers import NOW, START, article, build, corpus

Run = Callable[..., Result]
HOSTILE = "</title><script>alert(1)</script><img src=x onerror=alert(2)>\u202e\x07"


def tagged(count: int = 40, **changes: Any) -> list[Article]:
    """Articles with the theme as a tag, of which every tenth is told a second time."""
    made = [
        replace(each, extra={"tags": f"{each.category}, 要闻" if number % 3 else each.category})
        for number, each in enumerate(corpus(count))
    ]
    twins = [
        replace(each, id=f"{each.id}-x", date=each.date + timedelta(minutes=5))
        for each in made[::10]
        if each.date
    ]
    return [replace(each, **changes) for each in (*made, *twins)]


@pytest.fixture
def index(tmp_path: Path) -> Iterator[Recommender]:
    with build(tmp_path / "index", tagged()) as built:
        yield built


def previewed(
    index: Recommender, *, today: Today | None = None, newest: int = 44, examples: int = 20
) -> Preview:
    boxes = TodaysBoxes(limit=5, newest=newest)
    for card in index.cards(now=NOW):
        boxes.add(card)

    def compare(first: str, second: str) -> Any:
        found = index.compare(first, second)
        return found.similarity, found.verdict

    return make_preview(
        boxes,
        today=today or boxes.usual(),
        compare=compare,
        related=lambda each: index.related(each, now=NOW),
        known=index,
        limit=5,
        examples=examples,
        articles=len(index),
        least=0.5,
    )


def test_tags_come_as_lists_or_as_text() -> None:
    def read(tags: Any) -> set[str]:
        return set(tags_of(Card(id="1", extra={"tags": tags})))

    assert read("经济,民生 ， 春运、返乡;") == {"经济", "民生", "春运", "返乡"}
    assert read(["经济", " 民生 ", "", 5]) == {"经济", "民生"}
    assert read(None) == read(7) == read({"a": 1}) == read("") == set()
    assert tags_of(Card(id="1")) == frozenset()


cards = st.lists(
    st.builds(
        lambda number, hour, tags, category: Card(
            id=f"c{number}",
            date=None if hour is None else START + timedelta(hours=hour),
            category=category,
            extra={"tags": tags},
        ),
        st.integers(0, 10**6),
        st.one_of(st.none(), st.integers(0, 6)),
        st.lists(st.sampled_from("甲乙丙丁"), max_size=3),
        st.sampled_from(["", "国内", "国际"]),
    ),
    unique_by=lambda card: card.id,
    max_size=30,
)


@given(cards, st.integers(1, 4), st.randoms(use_true_random=False))
def test_a_box_holds_the_newest_that_share_something(
    given_cards: list[Card], limit: int, random: Any
) -> None:
    boxes = TodaysBoxes(limit=limit, newest=10)
    shuffled = given_cards[:]
    random.shuffle(shuffled)
    for card in shuffled:
        boxes.add(card)
    old = datetime.min.replace(tzinfo=timezone.utc)
    ordered = sorted(given_cards, key=lambda card: card.id)
    ordered.sort(key=lambda card: card.date or old, reverse=True)
    assert boxes.newest == ordered[:10]
    for card in given_cards:
        assert boxes.box(card, "latest") == ordered[:limit]
        assert (
            boxes.box(card, "tags")
            == [each for each in ordered if tags_of(each) & tags_of(card)][:limit]
        )
        same = [each for each in ordered if card.category and each.category == card.category]
        assert boxes.box(card, "category") == same[:limit]


def test_todays_box_is_of_tags_where_articles_have_them() -> None:
    for changes, usual in (
        ({}, "tags"),
        ({"extra": {}}, "category"),
        ({"extra": {}, "category": ""}, "latest"),
    ):
        boxes = TodaysBoxes(limit=5, newest=20)
        for each in tagged(**changes):
            boxes.add(each.card)
        assert boxes.usual() == usual


def test_the_numbers_are_those_of_the_boxes(index: Recommender) -> None:
    made = previewed(index, examples=1_000)
    assert (made.today, made.judged, made.articles, made.of_all) == ("tags", 44, 44, True)
    assert len({each.card.id for each in made.examples}) == len(made.examples)
    theirs, ours = made.numbers
    assert theirs.itself
    assert theirs.twice
    assert theirs.unrelated
    assert (ours.itself, ours.again, ours.twice, ours.unrelated) == (0, 0, 0, 0)
    for each in made.examples:
        assert [one.card.id for one in each.ours] == [
            match.article.id for match in index.related(each.card.id, now=NOW)
        ]
        for one in each.today:
            assert one.itself == (one.card.id == each.card.id)
            if one.twin_of:
                other = each.today[one.twin_of - 1].card.id
                assert index.compare(one.card.id, other).verdict.is_near_duplicate
            assert (
                one.itself or one.similarity == index.compare(one.card.id, each.card.id).similarity
            )


def test_examples_are_of_every_kind_and_no_story_comes_twice(index: Recommender) -> None:
    alone = "县图书馆把闭馆时间推迟到晚上九点，读者可以自助借还图书，周一照常休息。" * 3
    extra = {"tags": "要闻"}
    index.update([article("alone", body=alone, title="图书馆延时开放", extra=extra)], now=NOW)
    made = previewed(index, newest=45)
    assert len(made.examples) == 20
    assert {each.kind for each in made.examples} == set(KINDS)
    assert [each.kind for each in made.examples[:4]] == list(KINDS)
    assert any(one.twin_of or one.tells_the_same for one in made.examples[0].today)
    assert any(one.is_unrelated for one in made.examples[1].today)
    assert made.examples[2].is_short
    ids = [each.card.id for each in made.examples]
    for number, first in enumerate(ids):
        for second in ids[number + 1 :]:
            assert not index.compare(first, second).verdict.is_near_duplicate
    assert previewed(index, newest=45) == made


def test_the_page_says_the_same_whatever_the_order(tmp_path: Path) -> None:
    pages = []
    for number, order in enumerate((1, -1)):
        with build(tmp_path / f"index-{number}", tagged()[::order]) as index:
            pages.append(preview_page(previewed(index)))
    assert pages[0] == pages[1]


@pytest.mark.parametrize("language", ["en", "zh"])
def test_everything_hostile_is_escaped(tmp_path: Path, language: Any) -> None:
    articles = [
        replace(each, title=HOSTILE, category=HOSTILE, url="javascript:alert(3)")
        for each in tagged(12)
    ]
    with build(tmp_path / "index", articles) as index:
        page = preview_page(previewed(index), language=language)
    assert "<script" not in page
    assert "<img" not in page
    assert "javascript:" not in page
    assert not re.search("[\u202e\x07]", page)
    assert "&lt;script&gt;" in page
    assert "default-src 'none'; style-src 'sha256-" in page
    assert not re.search(r"\sstyle=", page)


def test_the_page_of_nothing(tmp_path: Path) -> None:
    with build(tmp_path / "index", []) as index:
        page = preview_page(previewed(index))
    assert "There are no articles to show." in page


def test_no_text_lacks_a_language() -> None:
    for name, texts in _WORDING.items():
        assert len(texts) == 2
        assert all(texts), name
        filled = [sorted(set(re.findall(r"\{\w+", text))) for text in texts]
        assert filled[0] == filled[1], name
    assert preview_wording("zh")["today"] == "目前"


# The command.


def test_a_page_from_an_index(run: Run, tmp_path: Path) -> None:
    build(tmp_path / "index", tagged()).close()
    done = run("preview", "-i", "index", "--interface-language", "en")
    assert done.exit_code == 0, done.stderr
    assert "preview.html: 44 articles judged" in done.stderr
    page = Path("preview.html").read_text("utf-8")
    assert "newest articles that share a tag, 5 places" in page
    assert page.count("<article") == 20
    assert "Dates in UTC." in page
    assert "From a trial" not in page
    again = run("preview", "-i", "index", "--interface-language", "en", "-o", "-")
    assert again.stdout == page
    latest = run("preview", "-i", "index", "--today", "latest", "--examples", "3", "-o", "-")
    assert "全站最新文章" in latest.stdout
    assert latest.stdout.count("<article") == 3


def test_a_page_from_sources_leaves_nothing_behind(
    run: Run, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(tempfile, "tempdir", str(tmp_path / "temporary"))
    (tmp_path / "temporary").mkdir()
    lines = []
    for each in [*tagged(), article("secret", access="members", date=NOW)]:
        data = {
            name: getattr(each, name)
            for name in ("id", "title", "body", "category", "url", "access")
        }
        data |= {"date": each.date.isoformat() if each.date else None, **each.extra}
        lines.append(json.dumps(data, ensure_ascii=False))
    lines.append('{"id": "broken", "title": "no body"}')
    Path("articles.jsonl").write_text("\n".join(lines), "utf-8")
    Path("recommender.toml").write_text(
        'index = "index"\n[options]\nembedder = "hashing"\ntimezone = "Asia/Shanghai"\n'
        '[[sources]]\nkind = "files"\npaths = ["articles.jsonl"]\n'
    )
    done = run("preview", "--articles", "20", "--interface-language", "en")
    assert done.exit_code == 0, done.stderr
    page = Path("preview.html").read_text("utf-8")
    assert "20 articles judged" in done.stderr
    assert "From a trial with" in page
    assert "Dates in Asia/Shanghai." in page
    assert "secret" not in page
    # What stands in today's boxes is judged also where it is older.
    numbers = [int(each) for each in re.findall(r"A trial with (\d+) articles", done.stderr)]
    assert 20 <= numbers[0] < 44
    assert not Path("index").exists()
    assert list((tmp_path / "temporary").iterdir()) == []
    # With an index, that one is asked.
    build(tmp_path / "index", tagged()).close()
    assert "A trial" not in run("preview").stderr


def test_without_articles_it_says_what_to_do(run: Run) -> None:
    done = run("preview")
    assert done.exit_code == 2
    assert "[[sources]]" in done.stderr
    assert run("preview", "-i", "nowhere").exit_code == 1
    assert not Path("preview.html").exists()


def test_dates_are_newest_first(index: Recommender) -> None:
    for each in previewed(index).examples:
        for one, other in pairwise(each.today):
            assert one.card.date
            assert other.card.date
            assert one.card.date >= other.card.date
