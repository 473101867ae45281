"""What the Django app asks of an index is answered alike by the library and by the service."""

from __future__ import annotations

import socketserver
import threading
from collections.abc import Callable, Iterator
from contextlib import ExitStack, contextmanager
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any

import pytest

from recommender import Article, ArticleNotFound, RecommenderError, ServiceError
from recommender.sample import sample_articles
from tests.django_sites import sample
from tests.helpers import build

TOKEN_ENV = "RECOMMENDER_TEST_TOKEN"  # noqa: S105 - the name of a variable


@dataclass
class Asked:
    """A backend over an index of the sample articles, and what takes the index away."""

    backend: Any
    index: Path
    take_away: Callable[[], None]


@pytest.fixture(params=["library", "service"])
def asked(
    request: pytest.FixtureRequest,
    tmp_path: Path,
    django_site: Path,
    monkeypatch: pytest.MonkeyPatch,
) -> Iterator[Asked]:
    from recommender.contrib.django.backends import LocalBackend, ServiceBackend
    from recommender.contrib.django.options import ServiceOptions

    index = tmp_path / "index"
    hidden = replace(sample("tianzhou9-docking"), access="members")
    articles = [hidden if each.id == hidden.id else each for each in sample_articles()]
    build(index, articles).close()
    with ExitStack() as stack:
        if request.param == "library":
            backend: Any = LocalBackend(index)

            def take_away() -> None:
                backend.close()
                (index / "articles.sqlite").write_bytes(b"nothing of use" * 100)
        else:
            services = pytest.importorskip("tests.services", reason="needs the HTTP service")
            (tmp_path / "service").mkdir()
            service = stack.enter_context(services.serving(index, tmp_path / "service"))
            service.wait_for_model()
            monkeypatch.setenv(TOKEN_ENV, services.TOKEN)
            options = ServiceOptions(
                url=service.url, token_env=TOKEN_ENV, timeout=30.0, write_timeout=60.0
            )
            backend = ServiceBackend(options)

            def take_away() -> None:
                service.stop()

        yield Asked(backend, index, take_away)
        backend.close()


def ids(asked: Asked, article_id: str, **options: Any) -> list[str]:
    found = asked.backend.related(article_id, **{"limit": 5, "known": None, **options})
    return [each.id for each in found.items]


def test_related_lists_hold_what_everybody_may_read(asked: Asked) -> None:
    found = asked.backend.related("tianzhou9-launch", limit=5, known=None)
    first = found.items[0]
    assert first.id == "tianzhou8-launch"
    assert first.title == sample("tianzhou8-launch").title
    assert first.verdict == "related"
    assert 0.5 <= first.similarity < 1
    assert "tianzhou9-docking" not in [each.id for each in found.items]
    assert ids(asked, "tianzhou9-launch", limit=1) == ["tianzhou8-launch"]
    again = asked.backend.related("tianzhou9-launch", limit=5, known=found)
    assert again.items == found.items


def test_an_article_for_members_has_a_list_as_well(asked: Asked) -> None:
    assert "tianzhou9-launch" in ids(asked, "tianzhou9-docking")


@pytest.mark.parametrize("article_id", ["nothing", "news.Story:7", "a/b?c=d&e#f", "名 字", "../.."])
def test_an_unknown_article_is_not_found(asked: Asked, article_id: str) -> None:
    with pytest.raises(ArticleNotFound):
        asked.backend.related(article_id, limit=5, known=None)


def test_a_draft_is_compared_with_everything_and_not_stored(asked: Asked) -> None:
    text = sample("museum-night-2")
    draft = Article(id="draft", title=text.title, body=text.body.replace("3000", "5000"))
    check = asked.backend.near_duplicates(draft, limit=10)
    assert {each.id for each in check.found} == {"museum-night-1", "museum-night-2"}
    closest = check.found[0]
    assert closest.verdict == "same-text"
    assert closest.public
    assert closest.shared_wording is not None
    assert closest.shared_wording > 0.8
    assert any("5000" in fact for fact in closest.differing_facts)
    with pytest.raises(ArticleNotFound):
        asked.backend.related("draft", limit=5, known=None)
    hidden = sample("tianzhou9-docking")
    found = asked.backend.near_duplicates(
        Article(id="draft", title=hidden.title, body=hidden.body, date=hidden.date), limit=10
    )
    assert [(each.id, each.public) for each in found.found] == [("tianzhou9-docking", False)]


def test_a_draft_is_not_compared_with_itself(asked: Asked) -> None:
    text = sample("museum-night-2")
    found = asked.backend.near_duplicates(text, limit=10).found
    assert [each.id for each in found] == ["museum-night-1"]


def test_a_draft_without_text_says_so(asked: Asked) -> None:
    check = asked.backend.near_duplicates(Article(id="draft", title="短", body="短"), limit=10)
    assert not check.found
    assert check.too_short


def test_what_is_put_shows_and_what_is_removed_goes(asked: Asked) -> None:
    before = asked.backend.related("tianzhou9-launch", limit=5, known=None)
    text = sample("tianzhou8-launch")
    new = Article(
        id="news.Story:12",
        title="天舟十号货运飞船在文昌发射成功",
        body=text.body.replace("天舟八号", "天舟十号").replace("11月", "9月"),
        date=text.date,
        url="/stories/12/",
        category="航天",
        language="zh",
    )
    asked.backend.put([new])
    after = asked.backend.related("tianzhou9-launch", limit=5, known=before)
    assert "news.Story:12" in [each.id for each in after.items]
    asked.backend.put([replace(new, access="hidden")])
    assert "news.Story:12" not in ids(asked, "tianzhou9-launch", known=after)
    asked.backend.remove(["news.Story:12", "was never there"])
    with pytest.raises(ArticleNotFound):
        asked.backend.related("news.Story:12", limit=5, known=None)
    asked.backend.remove([])
    asked.backend.put([])


def test_many_can_be_put_at_once(asked: Asked) -> None:
    from recommender import Recommender
    from tests.helpers import article

    many = [article(f"news.Story:{n}", "桥", n) for n in range(120)]
    asked.backend.put([*many, replace(many[0], title="后来的标题")])
    with Recommender.open(asked.index) as index:
        assert len(index) == len(sample_articles()) + 120
        assert index.get("news.Story:0").title == "后来的标题"


def test_a_failure_is_one_clear_line(asked: Asked) -> None:
    asked.take_away()
    draft = sample("museum-night-2")
    for ask in (
        lambda: asked.backend.related("tianzhou9-launch", limit=5, known=None),
        lambda: asked.backend.near_duplicates(draft, limit=5),
        lambda: asked.backend.put([draft]),
        lambda: asked.backend.remove(["museum-night-1"]),
    ):
        with pytest.raises(RecommenderError) as told:
            ask()
        assert not isinstance(told.value, ArticleNotFound)
        assert "\n" not in str(told.value)


@contextmanager
def answering(*pieces: bytes, pause: float = 0.0) -> Iterator[tuple[str, list[bytes]]]:
    """A server that answers every request with these bytes; its address and what it was sent."""
    heard: list[bytes] = []
    done = threading.Event()

    class Handler(socketserver.BaseRequestHandler):
        def handle(self) -> None:
            heard.append(self.request.recv(65_536))
            try:
                for piece in pieces:
                    self.request.sendall(piece)
                    done.wait(pause)
            except OSError:
                pass

    with socketserver.ThreadingTCPServer(("127.0.0.1", 0), Handler) as server:
        server.daemon_threads = True
        thread = threading.Thread(target=server.serve_forever, daemon=True)
        thread.start()
        try:
            yield f"http://127.0.0.1:{server.server_address[1]}", heard
        finally:
            done.set()
            server.shutdown()
            thread.join()


def backend_at(url: str, **options: Any) -> Any:
    from recommender.contrib.django.backends import ServiceBackend
    from recommender.contrib.django.options import ServiceOptions

    values = {"token_env": TOKEN_ENV, "timeout": 30.0, "write_timeout": 30.0, **options}
    return ServiceBackend(ServiceOptions(url=url, **values))


@pytest.mark.parametrize(
    ("answer", "words"),
    [
        (b"HTTP/1.1 200 OK\r\n\r\n<html>", "something else than JSON"),
        (b"HTTP/1.1 200 OK\r\n\r\n[]", "does not know"),
        (b'HTTP/1.1 200 OK\r\n\r\n{"matches": [{"article": null}]}', "does not know"),
        (b"HTTP/1.1 200 OK\r\n\r\n" + b"[" * 100_000, "something else than JSON"),
        (b"HTTP/1.1 301 Moved\r\nLocation: http://127.0.0.1:1/\r\n\r\n", "refused GET"),
        (
            b'HTTP/1.1 503 Busy\r\nRetry-After: 1\r\n\r\n{"detail": "The queue\\nis full."}',
            "503 The queue is full.",
        ),
        (b"HTTP/1.1 503 Busy\r\n\r\n[]", "503 Busy"),
        (b"nonsense\r\n\r\n", "does not answer"),
        (b"", "does not answer"),
    ],
)
def test_an_answer_of_something_else_is_told(django_site: Path, answer: bytes, words: str) -> None:
    with answering(answer) as (url, _):
        with pytest.raises(ServiceError) as told:
            backend_at(url).related("a", limit=5, known=None)
    assert words in str(told.value)
    assert "\n" not in str(told.value)


def test_an_answer_in_drops_does_not_hold_a_page(django_site: Path) -> None:
    drops = [b"HTTP/1.1 200 OK\r\n\r\n", *[b" "] * 10_000]
    with answering(*drops, pause=0.05) as (url, _):
        with pytest.raises(ServiceError, match="takes too long"):
            backend_at(url, timeout=0.3).related("a", limit=5, known=None)
    with answering(b"", pause=60.0) as (url, _):
        with pytest.raises(ServiceError, match="does not answer"):
            backend_at(url, timeout=0.3).related("a", limit=5, known=None)


def test_an_endless_answer_is_cut_off(django_site: Path) -> None:
    with answering(b"HTTP/1.1 200 OK\r\n\r\n", *[b" " * 1_000_000] * 10) as (url, _):
        with pytest.raises(ServiceError, match="is longer than"):
            backend_at(url).related("a", limit=5, known=None)


def test_the_token_goes_only_where_it_must(
    django_site: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("http_proxy", "http://127.0.0.1:1")
    monkeypatch.setenv(TOKEN_ENV, "very-secret")
    with answering(b'HTTP/1.1 200 OK\r\n\r\n{"matches": []}') as (url, heard):
        backend = backend_at(f"{url}/below")
        backend.related("news.Story:1/2", limit=5, known=None)
        backend.remove(["a"])
    assert heard[0].startswith(b"GET /below/articles/news.Story%3A1%2F2/related?limit=5 ")
    assert b"very-secret" not in heard[0]
    assert b"Bearer very-secret" in heard[1]
    for token in ("", "two\nlines", "秘密"):
        monkeypatch.setenv(TOKEN_ENV, token)
        with pytest.raises(ServiceError, match=TOKEN_ENV) as told:
            backend.remove(["a"])
        assert "secret" not in str(told.value)


@pytest.mark.parametrize("asked", ["service"], indirect=True)
def test_a_wrong_token_is_told(asked: Asked, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv(TOKEN_ENV, "another-token-that-is-wrong")
    with pytest.raises(ServiceError, match="401") as told:
        asked.backend.remove(["museum-night-1"])
    assert "another-token" not in str(told.value)
    assert "tianzhou8-launch" in ids(asked, "tianzhou9-launch")
