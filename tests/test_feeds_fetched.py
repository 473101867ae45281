"""Feeds from a server that redirects, dawdles and lies."""

from __future__ import annotations

import threading
import time
from collections.abc import Callable, Iterator
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path

import pytest

from recommender.errors import ConfigError, SourceError
from recommender.limits import Limits
from recommender.records import Article
from recommender.source_specs import SourceSpec
from recommender.sources import Surroundings, open_source
from tests.test_feeds import RSS, read


class _Server(BaseHTTPRequestHandler):
    """Answers as each path asks for."""

    seen: dict[str, str]

    def do_GET(self) -> None:
        path = self.path.partition("?")[0]
        self.server.seen[path] = self.headers.get("Authorization", "")  # type: ignore[attr-defined]
        answers: dict[str, Callable[[], None]] = {
            "/feed.xml": self.feed,
            "/gbk.xml": lambda: self.answer(RSS[39:].encode("gbk"), kind="text/xml; charset=gbk"),
            "/blog/rss.xml": lambda: self.answer(RELATIVE.encode()),
            "/large": lambda: self.answer(b"x" * 3_000_000),
            "/endless": self.endless,
            "/slow": self.slow,
            "/dribble": self.dribble,
            "/short": self.short,
            "/gzip": lambda: self.answer(_gzipped(RSS.encode()), packed="gzip"),
            "/bomb": lambda: self.answer(_gzipped(b"\0" * 30_000_000), packed="gzip"),
            "/bad": lambda: self.answer(b"no gzip", packed="gzip"),
            "/page": lambda: self.answer(b"<html><body>hello</body></html>"),
        }
        if path.startswith("/go/"):
            self.send_response(302)
            self.send_header("Location", REDIRECTS[path])
            self.end_headers()
        elif path in answers:
            answers[path]()
        else:
            self.send_error(404)

    def feed(self) -> None:
        self.answer(RSS.encode())

    def answer(self, data: bytes, kind: str = "application/xml", packed: str = "") -> None:
        self.send_response(200)
        self.send_header("Content-Type", kind)
        self.send_header("Content-Length", str(len(data)))
        if packed:
            self.send_header("Content-Encoding", packed)
        self.end_headers()
        self.wfile.write(data)

    def endless(self) -> None:
        self.send_response(200)
        self.end_headers()
        while True:
            self.wfile.write(b"<!-- -->" * 10_000)

    def slow(self) -> None:
        self.server.stopped.wait(5)  # type: ignore[attr-defined]

    def dribble(self) -> None:
        self.send_response(200)
        self.end_headers()
        while not self.server.stopped.wait(0.05):  # type: ignore[attr-defined]
            self.wfile.write(b" ")

    def short(self) -> None:
        self.send_response(200)
        self.send_header("Content-Length", "100000")
        self.end_headers()
        self.wfile.write(RSS.encode())

    def handle(self) -> None:
        try:
            super().handle()
        except OSError:
            # The client has gone, as it should.
            self.close_connection = True

    def log_message(self, *args: object) -> None:
        """Nothing."""


RELATIVE = (
    "<rss version='2.0'><channel><title>x</title>"
    "<item><guid isPermaLink='false'>1</guid><title>河堤</title><link>/a/1</link></item>"
    "<item><guid isPermaLink='false'>2</guid><title>新桥</title><link>2.html</link></item>"
    "<item><guid isPermaLink='false'>3</guid><title>茶园</title><link>#3</link></item>"
    "</channel></rss>"
)
REDIRECTS = {
    "/go/blog": "/blog/rss.xml?key=hunter2",
    "/go/one": "/feed.xml",
    "/go/loop": "/go/loop",
    **{f"/go/{i}": f"/go/{i + 1}" for i in range(1, 9)},
    "/go/9": "/feed.xml",
    "/go/file": "file:///etc/passwd",
    "/go/ftp": "ftp://127.0.0.1/x",
    "/go/secret": "http://user:hunter2@127.0.0.1:1/?key=hunter2",
}


def _gzipped(data: bytes) -> bytes:
    import gzip

    return gzip.compress(data)


@pytest.fixture(scope="module")
def server() -> Iterator[ThreadingHTTPServer]:
    found = ThreadingHTTPServer(("127.0.0.1", 0), _Server)
    found.daemon_threads = True
    found.seen = {}  # type: ignore[attr-defined]
    found.stopped = threading.Event()  # type: ignore[attr-defined]
    thread = threading.Thread(target=found.serve_forever, kwargs={"poll_interval": 0.01})
    thread.start()
    yield found
    found.stopped.set()  # type: ignore[attr-defined]
    found.shutdown()
    found.server_close()
    thread.join()


@pytest.fixture
def ask(
    server: ThreadingHTTPServer, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> Callable[..., list[Article]]:
    for name in ("http_proxy", "https_proxy", "all_proxy"):
        monkeypatch.delenv(name, raising=False)
        monkeypatch.delenv(name.upper(), raising=False)
    monkeypatch.setenv("no_proxy", "127.0.0.1")

    def asked(path: str, **options: object) -> list[Article]:
        url = f"http://127.0.0.1:{server.server_port}{path}"
        limits = Limits(feed_length=1_000_000)
        return read(tmp_path, limits, url=url, timeout=options.pop("timeout", 10), **options)[0]

    return asked


def test_a_feed_is_fetched_also_after_a_redirect_and_packed(ask) -> None:
    for path in ("/feed.xml", "/feed.xml?key=1", "/go/one", "/go/5", "/gzip", "/gbk.xml"):
        assert [each.title for each in ask(path)][:1] == ["河堤加固完工"]


@pytest.mark.parametrize("path", ["/blog/rss.xml?key=hunter2", "/go/blog"])
def test_relative_links_begin_at_the_address_that_answered(ask, path: str) -> None:
    first, second, third = (each.url.partition("127.0.0.1")[2] for each in ask(path))
    port = first.partition("/")[0]
    assert (first, second) == (f"{port}/a/1", f"{port}/blog/2.html")
    # A query may hold a key.
    assert third == f"{port}/blog/rss.xml#3"


@pytest.mark.parametrize(
    ("path", "reason"),
    [
        ("/none?token=hunter2", "error 404"),
        ("/large", r"more than 1,000,000 bytes; \[limits\] feed_length"),
        ("/endless", "more than 1,000,000 bytes"),
        ("/bomb", "more than 1,000,000 bytes"),
        ("/bad", "damaged data"),
        ("/short", "."),
        ("/go/loop", "error 302"),
        ("/go/3", "error 302"),
        ("/go/file", "error 302"),
        ("/go/ftp", "no web address"),
        ("/go/secret?password=hunter2", "."),
        ("/page?password=hunter2", "no feed"),
    ],
)
def test_answers_that_are_no_feed_are_one_error_without_secrets(
    ask, path: str, reason: str
) -> None:
    with pytest.raises(SourceError, match=reason) as caught:
        ask(path)
    assert "hunter2" not in str(caught.value)
    assert "127.0.0.1" in str(caught.value)


@pytest.mark.parametrize("path", ["/slow", "/dribble"])
def test_slow_answers_are_not_waited_for(ask, path: str) -> None:
    started = time.monotonic()
    with pytest.raises(SourceError, match=r"in time|too slowly"):
        ask(path, timeout=0.5)
    # Far less than the server would take.
    assert time.monotonic() - started < 4


def test_a_server_that_is_not_there_is_an_error(tmp_path: Path) -> None:
    with pytest.raises(SourceError, match=r"cannot read http://127\.0\.0\.1:1/feed"):
        read(tmp_path, url="http://127.0.0.1:1/feed?token=hunter2")


def test_an_address_from_the_environment_may_hold_a_password_that_is_never_shown(
    server: ThreadingHTTPServer, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("no_proxy", "127.0.0.1")
    host = f"127.0.0.1:{server.server_port}"
    monkeypatch.setenv("TOWN_FEED", f"http://me:hunter2@{host}/feed.xml")
    assert len(read(tmp_path, url_env="TOWN_FEED")[0]) == 3
    assert server.seen["/feed.xml"] == "Basic bWU6aHVudGVyMg=="  # type: ignore[attr-defined]
    monkeypatch.setenv("TOWN_FEED", f"http://me:hunter2@{host}/go/one")
    read(tmp_path, url_env="TOWN_FEED")
    # Another request, and another place: not for its eyes.
    assert server.seen["/feed.xml"] == ""  # type: ignore[attr-defined]
    monkeypatch.setenv("TOWN_FEED", f"http://me:hunter2@{host}/none")
    with pytest.raises(SourceError) as caught:
        read(tmp_path, url_env="TOWN_FEED")
    assert "hunter2" not in str(caught.value)
    monkeypatch.delenv("TOWN_FEED")
    with pytest.raises(SourceError, match="TOWN_FEED must hold"):
        read(tmp_path, url_env="TOWN_FEED")


@pytest.mark.parametrize(
    ("options", "reason"),
    [
        ({}, "one of url, path"),
        ({"url": "https://a/", "path": "b"}, "one of url, path"),
        ({"url": "https://me:hunter2@a.example/"}, "must not hold a name or password"),
        ({"url": "https://me@a.example/"}, "must not hold a name or password"),
        ({"url": "file:///etc/passwd"}, "must begin with https"),
        ({"url": "https://"}, "must begin with https"),
        ({"url": "https://[::1"}, "must begin with https"),
        ({"path": "x", "timeout": 0}, "timeout must be"),
        ({"path": "x", "timeout": float("nan")}, "timeout must be"),
        ({"path": "x", "complete": 1}, "complete must be"),
    ],
)
def test_options_that_make_no_sense_are_refused(options: dict, reason: str) -> None:
    with pytest.raises(ConfigError, match=reason) as caught:
        open_source(SourceSpec(kind="feed", options=options), Surroundings())
    assert "hunter2" not in str(caught.value)


def test_a_feed_is_complete_only_if_the_settings_say_so() -> None:
    for complete in (False, True):
        spec = SourceSpec(kind="feed", options={"path": "x", "complete": complete})
        assert open_source(spec, Surroundings()).complete is complete
    assert not open_source(SourceSpec(kind="feed", options={"path": "x"}), Surroundings()).complete


def test_a_file_beyond_the_limit_or_not_there_is_an_error(tmp_path: Path) -> None:
    (tmp_path / "feed").write_text(RSS, "utf-8")
    with pytest.raises(SourceError, match="feed_length"):
        read(tmp_path, Limits(feed_length=100), path="feed")
    with pytest.raises(SourceError, match="cannot be read"):
        read(tmp_path, path="none")
    articles, problems = read(tmp_path, Limits(body_length=20), path="feed")
    assert [each.article_id for each in problems] == ["a-1"]
    assert len(articles) == 2
