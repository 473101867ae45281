"""Rendered related lists by a clock that is set: kept as long as they are true, not longer."""

from __future__ import annotations

import json
from collections.abc import Iterator
from datetime import datetime, timedelta, timezone
from pathlib import Path

import pytest

from recommender import Recommender
from recommender.service.problems import Problem
from recommender.service.related import Question, RelatedLists, Rendered
from tests.helpers import NOW, article, build, corpus
from tests.services import until

LIFTS = datetime(2025, 9, 1, tzinfo=timezone.utc)
EXPIRES = LIFTS + timedelta(hours=1)
NEAR = article("x", "桥", 55).body


class Clock:
    now = NOW.timestamp()

    def __call__(self) -> float:
        return self.now


@pytest.fixture
def clock() -> Clock:
    return Clock()


@pytest.fixture
def reader(tmp_path: Path) -> Iterator[Recommender]:
    timed = [
        article("first", "桥", 51, body=NEAR),
        article("embargoed", "桥", 52, visible_from=LIFTS),
        article("expiring", "桥", 53, visible_until=EXPIRES),
    ]
    with build(tmp_path / "index", [*corpus(20), *timed]) as opened:
        yield opened


@pytest.fixture(params=[100_000, 0], ids=["small index", "large index"])
def lists(request: pytest.FixtureRequest, reader: Recommender, clock: Clock) -> RelatedLists:
    return RelatedLists(
        reader, cache_seconds=60, stale_seconds=600, clock=clock, small_index=request.param
    )


PATH = "/articles/first/related"
QUESTION = Question(article="first", limit=20)


def ask(lists: RelatedLists) -> Rendered:
    return lists.cached(PATH, b"") or lists.answer(QUESTION, PATH, b"")


def kept(lists: RelatedLists) -> Rendered:
    """What is asked for, once it is kept."""
    ask(lists)

    def found() -> Rendered | None:
        ask(lists)
        return lists.cached(PATH, b"")

    return until(found)


def ids(rendered: Rendered) -> set[str]:
    return {each["article"]["id"] for each in json.loads(rendered.body)["matches"]}


def control(lists: RelatedLists, rendered: Rendered) -> str:
    return dict(lists.headers_now(rendered))[b"cache-control"].decode()


def test_a_list_is_kept_until_the_index_changes(lists: RelatedLists, reader: Recommender) -> None:
    one = kept(lists)
    assert kept(lists) is one
    reader.update([article("new", "桥", 54)], now=NOW)
    assert lists.cached(PATH, b"") is None
    other = kept(lists)
    assert "new" in ids(other) - ids(one)
    assert other.etag != one.etag


def test_a_list_is_kept_until_an_embargo_lifts_or_an_article_expires(
    lists: RelatedLists, clock: Clock
) -> None:
    before = kept(lists)
    assert "embargoed" not in ids(before)
    assert "expiring" in ids(before)
    clock.now = LIFTS.timestamp() - 0.001
    assert lists.cached(PATH, b"") is before
    clock.now = LIFTS.timestamp()
    assert lists.cached(PATH, b"") is None
    lifted = kept(lists)
    assert {"embargoed", "expiring"} <= ids(lifted)
    clock.now = EXPIRES.timestamp()
    assert lists.cached(PATH, b"") is None
    assert "expiring" not in ids(kept(lists))
    clock.now += 10 * 365 * 86_400
    assert lists.cached(PATH, b"") is not None


def test_nobody_keeps_a_list_beyond_the_moment_it_changes(
    lists: RelatedLists, clock: Clock
) -> None:
    rendered = kept(lists)
    whole = "public, max-age=60, stale-while-revalidate=600, stale-if-error=600"
    assert control(lists, rendered) == whole
    for left, expected in (
        (660, whole),
        (659.5, "public, max-age=60, stale-while-revalidate=599, stale-if-error=599"),
        (60, "public, max-age=60"),
        (59.9, "public, max-age=59"),
        (0.5, "public, max-age=0"),
    ):
        clock.now = LIFTS.timestamp() - left
        assert control(lists, rendered) == expected, left


def test_an_article_is_there_only_while_it_is_public(lists: RelatedLists, clock: Clock) -> None:
    for name, moment, before in (("embargoed", LIFTS, False), ("expiring", EXPIRES, True)):
        for seconds, there in ((-0.001, before), (0, not before)):
            clock.now = moment.timestamp() + seconds
            question, path = Question(article=name), f"/articles/{name}/related"
            if there:
                assert lists.answer(question, path, b"").body
            else:
                with pytest.raises(Problem) as refusal:
                    lists.answer(question, path, b"")
                assert refusal.value.status == 404


@pytest.mark.parametrize(
    ("path", "query", "expected"),
    [
        ("/articles/a/related", b"", Question(article="a")),
        ("/articles/a/b/related", b"limit=3", Question(article="a/b", limit=3)),
        ("/articles/a/related", b"limit=0", Question(article="a", limit=0)),
        # A route looks at these.
        ("/articles/a/related", b"limit=21", None),
        ("/articles/a/related", b"limit=", None),
        ("/articles/a/related", b"limit=-1", None),
        ("/articles/a/related", b"limit=3&limit=4", None),
        ("/articles/a/related", b"category=x", None),
        ("/articles/a/related", b"\xff", None),
        ("/articles//related", b"", None),
        ("/articles/related", b"", None),
        ("/other/a/related", b"", None),
    ],
)
def test_the_plainest_questions(
    lists: RelatedLists, path: str, query: bytes, expected: Question | None
) -> None:
    assert lists.question(path, query) == expected
