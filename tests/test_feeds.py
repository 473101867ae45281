"""RSS, Atom and JSON Feed: what is read of them, in any encoding and however damaged."""

from __future__ import annotations

import json
from collections.abc import Callable
from datetime import timedelta, timezone
from pathlib import Path

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from recommender.errors import ArticleError, RecommenderError, SourceError
from recommender.limits import Limits
from recommender.records import Article
from recommender.source_specs import SourceSpec
from recommender.sources import Problem, Surroundings, open_source
from recommender.sources.decoding import decode_page
from recommender.sources.feed_text import decode_feed
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


def test_relative_links_begin_where_the_feed_says_or_lies(tmp_path: Path) -> None:
    atom = (
        '<feed xmlns="http://www.w3.org/2005/Atom">{}<entry><id>e-1</id><title>一</title>'
        '<link href="/a/1"/></entry><entry xml:base="https://m.example/b/"><id>e-2</id>'
        '<title>二</title><link href="2.html"/></entry></feed>'
    )
    based = "https://m.example/b/2.html"
    for head in (
        '<link rel="self" href="https://www.example.cn/feed/atom.xml"/>',
        '<link href="https://www.example.cn/"/>',
    ):
        articles, _ = from_file(tmp_path, atom.format(head))
        assert [each.url for each in articles] == ["https://www.example.cn/a/1", based]
    assert [each.url for each in from_file(tmp_path, atom.format(""))[0]] == ["", based]
    feed = {**JSON_FEED, "feed_url": "https://www.example.cn/f/feed.json", "items": [
        {"id": 1, "url": "../1.html", "content_text": "正文"}]}  # fmt: skip
    (article,) = from_file(tmp_path, json.dumps(feed))[0]
    assert article.url == "https://www.example.cn/1.html"


def test_an_id_that_is_no_address_makes_none(tmp_path: Path) -> None:
    items = "<item><guid>a-3</guid><title>一</title></item>"
    feed = f"<rss version='2.0'><channel><link>https://x.example/</link>{items}</channel></rss>"
    (article,) = from_file(tmp_path, feed)[0]
    assert (article.id, article.url) == ("a-3", "")


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


@pytest.mark.parametrize("encoding", ["utf-8", "gb2312", "gb18030"])
@pytest.mark.parametrize("damage", [b"\xff", b"\x80", "新".encode()[:2]])
def test_one_bad_byte_spoils_one_place_and_nothing_else(
    tmp_path: Path, encoding: str, damage: bytes
) -> None:
    feed = RSS.replace('encoding="utf-8"', f'encoding="{encoding}"').replace("新桥通车", "大桥@")
    articles, _ = from_file(tmp_path, feed.encode(encoding).replace(b"@", damage))
    first, second, third = articles
    assert (first.title, third.title) == ("河堤加固完工", "茶园开采")
    assert clean(first.body) == "河堤加固工程完工。\n水位 < 警戒线。"
    assert second.title.startswith("大桥")
    assert second.title != "大桥"
    assert clean(second.body) == "新桥正式通车，只有摘要。"


def test_a_feed_that_breaks_off_in_a_character_keeps_what_is_before(tmp_path: Path) -> None:
    whole = RSS.encode()
    articles, problems = from_file(tmp_path, whole[: whole.index("新桥正式".encode()) + 4])
    assert [each.title for each in articles] == ["河堤加固完工", "新桥通车"]
    assert clean(articles[0].body).startswith("河堤加固工程完工。")
    assert "may not be whole" in problems[0].reason


def test_a_wrong_declaration_makes_no_mojibake(tmp_path: Path) -> None:
    assert from_file(tmp_path, RSS.encode("gbk"))[0][0].title == "河堤加固完工"
    wrong = RSS.replace('encoding="utf-8"', 'encoding="iso-8859-1"')
    assert from_file(tmp_path, wrong.encode())[0][0].title == "河堤加固完工"


@pytest.mark.parametrize("name", ["idna", "punycode", "undefined", "unicode_escape", "hex", "x"])
@pytest.mark.parametrize("decode", [decode_page, decode_feed])
def test_names_that_are_no_encodings_of_text_do_no_harm(
    decode: Callable[[bytes], str], name: str
) -> None:
    declared = f"<?xml version='1.0' encoding='{name}'?>\\u6cb3"
    data = declared.encode() + "河堤加固完工的消息".encode("gbk")
    assert decode(data) == f"{declared}河堤加固完工的消息"


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
