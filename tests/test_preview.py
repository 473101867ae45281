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
    Fill,
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
    index: Recommender,
    *,
    today: Today | None = None,
    newest: int = 44,
    examples: int = 20,
    holds_itself: bool = True,
    fill: Fill | None = None,
) -> Preview:
    boxes = TodaysBoxes(limit=5, newest=newest, holds_itself=lambda _: holds_itself)
    for card in index.cards(now=NOW):
        boxes.add(card)

    def compare(first: str, second: str) -> Any:
        found = index.compare(first, second)
        return found.similarity, found.verdict

    return make_preview(
        boxes,
        today=today or boxes.usual(),
        compare=compare,
        related=lambda each: index.related(each, fill=fill, now=NOW),
        known=index,
        limit=5,
        examples=examples,
        articles=len(index),
        threshold=0.5,
        least=0.5,
        fill=fill,
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
        lambda number, hour, tags, category, site: Card(
            id=f"c{number}",
            date=None if hour is None else START + timedelta(hours=hour),
            category=category,
            site=site,
            extra={"tags": tags},
        ),
        st.integers(0, 10**6),
        st.one_of(st.none(), st.integers(0, 6)),
        st.lists(st.sampled_from("甲乙丙丁"), max_size=3),
        st.sampled_from(["", "国内", "国际"]),
        st.sampled_from(["", "a", "b"]),
    ),
    unique_by=lambda card: card.id,
    max_size=30,
)


@given(
    cards,
    st.integers(1, 4),
    st.sampled_from(["", "a"]),
    st.sets(st.sampled_from(["", "a", "b"])),
    st.randoms(use_true_random=False),
)
def test_a_box_holds_the_newest_of_its_site_that_share_something(
    given_cards: list[Card], limit: int, site: str, plain: set[str], random: Any
) -> None:
    boxes = TodaysBoxes(limit=limit, newest=10, site=site, holds_itself=plain.__contains__)
    shuffled = given_cards[:]
    random.shuffle(shuffled)
    for card in shuffled:
        boxes.add(card)
    old = datetime.min.replace(tzinfo=timezone.utc)
    ordered = sorted(given_cards, key=lambda card: card.id)
    ordered.sort(key=lambda card: card.date or old, reverse=True)
    judged = [each for each in ordered if site in ("", each.site)]
    assert boxes.newest == judged[:10]
    assert boxes.seen == len(judged)
    assert boxes.holds_itself == any(each.site in plain for each in judged)
    for card in given_cards:
        others = [
            each
            for each in ordered
            if each.site == card.site and (each != card or card.site in plain)
        ]
        assert boxes.box(card, "latest") == others[:limit]
        tagged = [each for each in others if tags_of(each) & tags_of(card)]
        assert boxes.box(card, "tags") == tagged[:limit]
        same = [each for each in others if card.category and each.category == card.category]
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


def add_one_alone(index: Recommender) -> None:
    """An article that no other fits."""
    alone = "县图书馆把闭馆时间推迟到晚上九点，读者可以自助借还图书，周一照常休息。" * 3
    extra = {"tags": "要闻"}
    index.update([article("alone", body=alone, title="图书馆延时开放", extra=extra)], now=NOW)


def test_the_article_itself_is_no_fault_where_boxes_leave_it_out(index: Recommender) -> None:
    with_it, without = previewed(index), previewed(index, holds_itself=False, examples=1_000)
    assert (with_it.holds_itself, without.holds_itself) == (True, False)
    assert without.numbers[0].itself == 0
    assert not any(one.itself for each in without.examples for one in each.today)
    page = preview_page(with_it)
    assert "they do not leave out the article itself" in page
    assert page.count('scope="row"') == 5
    page = preview_page(without)
    assert "reconstructed, not read from the pages of the site" in page
    assert "The article itself is left out." in page
    assert page.count('scope="row"') == 4
    assert "已排除文章自己" in preview_page(without, language="zh")


def test_what_fills_a_box_is_judged_and_marked(index: Recommender) -> None:
    add_one_alone(index)
    bare = previewed(index, newest=45, examples=1_000)
    made = previewed(index, newest=45, examples=1_000, fill="latest")
    assert bare.numbers[1].short > made.numbers[1].short == 0
    # What does not fit is not praised for filling a place.
    assert made.numbers[1].unrelated > bare.numbers[1].unrelated == 0
    for each in made.examples:
        listed = index.related(each.card.id, fill="latest", now=NOW)
        assert each.fitting == len(listed)
        assert [one.card.id for one in each.ours] == [
            one.article.id for one in (*listed.matches, *listed.filler)
        ]
        assert [one.fills for one in each.ours if one.fills] == ["latest"] * len(listed.filler)
    page = preview_page(made)
    assert "newest, only fills the place" in page
    assert "Ours is filled up with newest articles, and says so" in page
    assert "the newest of all take the free places" in page
    assert "Places are left free on purpose" in preview_page(bare)
    assert "fill =" not in preview_page(bare)


def test_examples_are_of_every_kind_and_no_story_comes_twice(index: Recommender) -> None:
    add_one_alone(index)
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
    assert preview_wording("zh")["ours"] == "换用后"


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


def test_the_lists_are_those_that_export_writes(run: Run, tmp_path: Path) -> None:
    both = [
        replace(each, site="ab"[number % 2], url=f"https://news.example/{each.id}")
        for number, each in enumerate(tagged())
    ]
    build(tmp_path / "index", both).close()
    settings = Path("recommender.toml")
    for said, options in (
        ('limit = 3\nfill = "latest"', []),
        ("limit = 3", ["--fill", "category", "--same-site"]),
        ("same_site = true\nmin_similarity = 0.6", ["-n", "4"]),
        ('site = "a"\nfill = "latest"', []),
        ("", ["--site", "b", "--min-similarity", "0.2", "-n", "7"]),
    ):
        settings.write_text(f'index = "index"\n[export]\n{said}\n')
        done = run("preview", "--interface-language", "en", "--examples", "100", *options)
        assert done.exit_code == 0, done.stderr
        assert run("export", "lists.json", *options).exit_code == 0
        lists = json.loads(Path("lists.json").read_text("utf-8"))["lists"]
        shown = shown_boxes(Path("preview.html").read_text("utf-8"))
        assert shown
        for url, box in shown.items():
            listed = next(each for each in lists.values() if each["article"]["url"] == url)
            assert box == [one["url"] for one in (*listed["items"], *listed["filler"])]
        assert len(shown) <= len(lists)
        Path("lists.json").unlink()
    wrong = run("preview", "--site", "c")
    assert wrong.exit_code == 1
    assert "no article of the site 'c'" in wrong.stderr
    assert "a, b" in wrong.stderr


def shown_boxes(page: str) -> dict[str, list[str]]:
    """Our boxes of a page by the addresses of their articles."""
    found = {}
    for part in page.split("<article")[1:]:
        ours = part.partition('<section class="ours"')[2]
        address = re.search('href="([^"]+)"', part.partition("</h3>")[0])
        assert address
        found[address[1]] = re.findall('href="([^"]+)"', ours)
    return found


def test_whose_boxes_hold_the_article_itself(run: Run, tmp_path: Path) -> None:
    build(tmp_path / "index", tagged()).close()
    named = 'index = "index"\n[[sources]]\nkind = "{}"\nsite_folder = "site"\n'
    for kind, option, itself in (
        ("pbootcms", [], True),
        ("pbootcms", ["--without-itself"], False),
        ("wordpress", [], False),
        ("wordpress", ["--with-itself"], True),
    ):
        Path("recommender.toml").write_text(named.format(kind))
        done = run("preview", "-o", "-", "--interface-language", "en", *option)
        assert ("the article itself</th>" in done.stdout) == itself, (kind, option)
        assert re.search("^44 articles judged", done.stderr, re.MULTILINE)


def test_the_index_is_looked_for_beside_the_settings(run: Run, tmp_path: Path) -> None:
    (tmp_path / "etc").mkdir()
    build(tmp_path / "etc" / "index", tagged()).close()
    Path("etc/recommender.toml").write_text('index = "index"\n')
    done = run("--config", "etc/recommender.toml", "preview", "--interface-language", "en")
    assert done.exit_code == 0, done.stderr


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
