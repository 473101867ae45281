"""RSS, Atom and JSON Feed, from files and from a server that redirects, dawdles and lies."""

from __future__ import annotations

import json
import threading
import time
from collections.abc import Callable, Iterator
from datetime import timedelta, timezone
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from recommender.errors import ArticleError, ConfigError, RecommenderError, SourceError
from recommender.limits import Limits
from recommender.records import Article
from recommender.source_specs import SourceSpec
from recommender.sources import Problem, Surroundings, open_source
from recommender.sources.feeds import read_feed
from recommender.text import clean

SHANGHAI = timezone(timedelta(hours=8))
RSS = """<?xml version="1.0" encoding="utf-8"?>
<rss version="2.0" xmlns:content="http://purl.org/rss/1.0/modules/content/">
<channel><title>临江新闻</title><language>zh-CN</language>
<item><guid isPermaLink="false">a-1</guid><title>河堤加固完工</title>
<link>https://www.example.cn/1.html</link><pubDate>Sun, 01 Jun 2025 08:00:00 +0800</pubDate>
<category>水务</category><category>民生</category><description>摘要一句。</description>
<content:encoded><![CDATA[<p>河堤加固工程完工。</p><p>水位 &lt; 警戒线。</p>]]>
</content:encoded></item>
<item><link>https://www.example.cn/2.html</link><title>新桥通车</title>
<pubDate>2025-06-02 09:30</pubDate><description>新桥正式通车，只有摘要。</description></item>
<item><guid>a-3</guid><pubDate>someday</pubDate><title>茶园开采</title><description/></item>
</channel></rss>"""
ATOM = """<?xml version="1.0" encoding="utf-8"?>
<feed xmlns="http://www.w3.org/2005/Atom" xml:lang="en"><title>Ellery Post</title>
<entry><id>tag:ellery.example,2025:1</id><title type="html">Breakwater &amp;amp; ferry</title>
<link rel="alternate" href="https://ellery.example/1"/><published>2025-06-01T08:00:00Z</published>
<updated>2025-06-03T08:00:00Z</updated><category term="harbours"/>
<content type="html">&lt;p&gt;The breakwater is complete.&lt;/p&gt;</content></entry>
<entry><id>tag:ellery.example,2025:2</id><title>Summary only</title>
<updated>2025-06-02T08:00:00Z</updated><summary>Ferries return.</summary></entry></feed>"""
JSON_FEED = {
    "version": "https://jsonfeed.org/version/1.1",
    "title": "临江新闻",
    "language": "zh-Hans",
    "items": [
        {
            "id": "j-1",
            "url": "https://www.example.cn/j1",
            "title": "河堤加固完工",
            "content_html": "<p>河堤加固工程完工。</p>",
            "date_published": "2025-06-01T08:00:00+08:00",
            "tags": ["水务", "水务", 3, "民生"],
        },
        {"id": 2, "content_text": "水位 <p> 低于警戒线。\n第二段。", "language": "zh"},
        {"id": "j-3", "summary": "只有摘要。", "external_url": "https://other.example/"},
        "no object",
    ],
}


def read(
    folder: Path, limits: Limits | None = None, **options: object
) -> tuple[list[Article], list[Problem]]:
    problems: list[Problem] = []
    spec = SourceSpec(kind="feed", options=options, timezone="Asia/Shanghai")
    source = open_source(spec, Surroundings(folder=folder, limits=limits or Limits()))
    return list(source.articles(on_problem=problems.append)), problems


def from_file(folder: Path, feed: str | bytes) -> tuple[list[Article], list[Problem]]:
    (folder / "feed").write_bytes(feed if isinstance(feed, bytes) else feed.encode())
    return read(folder, path="feed")


def test_rss_gives_whole_texts_before_summaries(tmp_path: Path) -> None:
    articles, problems = from_file(tmp_path, RSS)
    assert not problems
    first, second, third = articles
    assert (first.id, first.title, first.url) == (
        "a-1",
        "河堤加固完工",
        "https://www.example.cn/1.html",
    )
    assert clean(first.body) == "河堤加固工程完工。\n水位 < 警戒线。"
    assert first.date is not None
    assert first.date.isoformat() == "2025-06-01T00:00:00+00:00"
    assert first.extra == {"tags": ["水务", "民生"]}
    assert (first.language, first.excerpt) == ("zh", False)
    assert (second.id, second.excerpt) == ("https://www.example.cn/2.html", True)
    assert second.date is not None
    assert second.date.isoformat() == "2025-06-02T01:30:00+00:00"
    assert (third.id, third.url, third.body, third.excerpt) == ("a-3", "", "", True)


def test_atom_is_read(tmp_path: Path) -> None:
    first, second = from_file(tmp_path, ATOM)[0]
    assert (first.id, first.url) == ("tag:ellery.example,2025:1", "https://ellery.example/1")
    assert clean(first.title) == "Breakwater & ferry"
    assert first.date is not None
    assert first.date.isoformat() == "2025-06-01T08:00:00+00:00"
    assert (first.language, first.extra) == ("en", {"tags": ["harbours"]})
    assert (second.excerpt, clean(second.body)) == (True, "Ferries return.")


def test_json_feed_is_read(tmp_path: Path) -> None:
    articles, problems = from_file(tmp_path, json.dumps(JSON_FEED, ensure_ascii=False))
    first, second, third = articles
    assert (first.id, first.language, first.extra) == ("j-1", "zh", {"tags": ["水务", "民生"]})
    assert (second.id, clean(second.body)) == ("2", "水位 <p> 低于警戒线。\n第二段。")
    assert (third.excerpt, third.url) == (True, "https://other.example/")
    assert len(problems) == 1
    assert "1 of its items" in problems[0].reason


def test_lost_dates_are_told(tmp_path: Path) -> None:
    (tmp_path / "feed").write_text(RSS, "utf-8")
    lost: list[Problem] = []
    source = open_source(
        SourceSpec(kind="feed", options={"path": "feed"}), Surroundings(folder=tmp_path)
    )
    list(source.articles(on_lost_date=lost.append))
    assert [(each.article_id, each.reason) for each in lost] == [("a-3", "'someday'")]


@pytest.mark.parametrize(
    ("written", "moment"),
    [
        ("Sun, 01 Jun 2025 08:00:00 GMT", "2025-06-01T08:00:00+00:00"),
        ("Sun, 01 Jun 2025 08:00:00 EST", "2025-06-01T13:00:00+00:00"),
        # In Shanghai this is China's time.
        ("Sun, 01 Jun 2025 08:00:00 CST", "2025-06-01T00:00:00+00:00"),
        ("Sun, 01 Jun 2025 08:00:00", "2025-06-01T00:00:00+00:00"),
        ("2025年6月1日 08:00", "2025-06-01T00:00:00+00:00"),
    ],
)
def test_dates_without_a_zone_are_in_that_of_the_source(written: str, moment: str) -> None:
    text = RSS.replace("Sun, 01 Jun 2025 08:00:00 +0800", written)
    date = read_feed(text.encode(), zone=SHANGHAI).entries[0].date
    assert date is not None
    assert date.isoformat() == moment


def test_encodings_are_those_of_the_declaration(tmp_path: Path) -> None:
    text = RSS.replace('encoding="utf-8"', 'encoding="gb2312"')
    assert from_file(tmp_path, text.encode("gbk"))[0][0].title == "河堤加固完工"
    assert from_file(tmp_path, RSS.encode("utf-8-sig"))[0][0].title == "河堤加固完工"
    wide = RSS.replace('encoding="utf-8"', 'encoding="utf-16"').encode("utf-16")
    assert from_file(tmp_path, wide)[0][0].title == "河堤加固完工"


def test_entries_of_one_id_and_of_none_are_told(tmp_path: Path) -> None:
    items = "<item><guid>1</guid><title>一</title></item>" * 2 + "<item><title>二</title></item>"
    articles, problems = from_file(tmp_path, f"<rss version='2.0'><channel>{items}</channel></rss>")
    assert [each.id for each in articles] == ["1"]
    assert [each.article_id for each in problems] == ["", ""]


def test_a_damaged_feed_gives_what_can_be_read_and_says_so(tmp_path: Path) -> None:
    articles, problems = from_file(tmp_path, RSS[: RSS.index("茶园")] + "<broken")
    assert [each.id for each in articles][:2] == ["a-1", "https://www.example.cn/2.html"]
    assert "may not be whole" in problems[0].reason
    (tmp_path / "feed").write_text(RSS[: RSS.index("茶园")], "utf-8")
    source = open_source(
        SourceSpec(kind="feed", options={"path": "feed"}), Surroundings(folder=tmp_path)
    )
    with pytest.raises(ArticleError, match="may not be whole"):
        list(source.articles())


def _bomb() -> str:
    rows = "".join(f'<!ENTITY b{i} "{f"&b{i - 1};" * 10}">' for i in range(1, 12))
    return (
        f'<!DOCTYPE rss [<!ENTITY b0 "boom">{rows}<!ENTITY f SYSTEM "file:///etc/passwd">]>'
        "<rss version='2.0'><channel><item><guid>1</guid><title>T&b11;</title>"
        "<description>x&f;</description></item></channel></rss>"
    )


def test_entities_are_neither_expanded_nor_fetched() -> None:
    feed = read_feed(_bomb().encode())
    assert all(len(each.title) + len(each.body) < 1_000 for each in feed.entries)
    assert "root:" not in str(feed)


@pytest.mark.parametrize(
    ("feed", "reason"),
    [
        (b"", "no feed"),
        (b"<html><head><title>x</title></head><body>404</body></html>", "no feed"),
        (b"{}", "no JSON Feed"),
        (b'{"version": "https://jsonfeed.org/version/1", "items": 3}', "no JSON Feed"),
        (b"{" + b'"a":{' * 100_000, "not sound JSON"),
        (b"<rss><channel>" + b"<a>" * 1_000, "deep"),
        (b"<rss " + b" ".join(b'a%d="1"' % i for i in range(30_000)) + b"/>", "attributes"),
        (bytes(range(256)), "no feed"),
    ],
    ids=range(8),
)
def test_what_is_no_feed_is_said_to_be_none(tmp_path: Path, feed: bytes, reason: str) -> None:
    with pytest.raises(SourceError, match=reason):
        from_file(tmp_path, feed)


PIECES = (
    "<rss version='2.0'><channel>",
    "<item>",
    "</item>",
    "<guid>1</guid>",
    "<title>",
    "</title>",
    "<description>",
    "&lt;p&gt;",
    "<![CDATA[",
    "]]>",
    "&#0;",
    "&nope;",
    "<feed xmlns='http://www.w3.org/2005/Atom'>",
    "<entry>",
    "<id>x</id>",
    "<content type='xhtml'>",
    "<pubDate>",
    "0000-00-00",
    "</",
    "<!DOCTYPE a [",
    "\x00",
    "河",
    "<link href='http://[::1'/>",
    "{",
    '"items":[',
    "]}",
    "<updated>9999-12-31T23:59:59-14:00</updated>",
    "<category term=''/>",
    "<?xml version='1.0' encoding='nope'?>",
)


@settings(max_examples=80, deadline=None)
@given(st.lists(st.sampled_from(PIECES), max_size=25), st.binary(max_size=20))
def test_no_feed_raises_anything_but_an_error_of_the_package(pieces: list[str], end: bytes) -> None:
    data = "".join(pieces).encode() + end
    try:
        feed = read_feed(data)
    except RecommenderError:
        return
    assert read_feed(data) == feed


@settings(max_examples=60, deadline=None)
@given(
    st.recursive(
        st.none() | st.booleans() | st.floats() | st.text(max_size=5),
        lambda inner: (
            st.lists(inner, max_size=3)
            | st.dictionaries(
                st.sampled_from(["id", "url", "title", "tags", "content_html"]), inner
            )
        ),
        max_leaves=8,
    )
)
def test_items_of_any_kind_do_no_harm(item: object) -> None:
    feed = read_feed(json.dumps({**JSON_FEED, "items": [item]}).encode())
    assert len(feed.entries) <= 1


# --- over the network -------------------------------------------------------------------------


class _Server(BaseHTTPRequestHandler):
    """Answers as each path asks for."""

    seen: dict[str, str]

    def do_GET(self) -> None:
        path = self.path.partition("?")[0]
        self.server.seen[path] = self.headers.get("Authorization", "")  # type: ignore[attr-defined]
        answers: dict[str, Callable[[], None]] = {
            "/feed.xml": self.feed,
            "/gbk.xml": lambda: self.answer(RSS[39:].encode("gbk"), kind="text/xml; charset=gbk"),
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


REDIRECTS = {
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
