"""Pages in folders and lists as a source: ids, addresses, aliases, links that lead elsewhere."""

from __future__ import annotations

import os
import sys
from pathlib import Path

import pytest

from recommender.errors import ArticleError, ConfigError, SourceError
from recommender.limits import Limits
from recommender.records import Article
from recommender.source_specs import SourceSpec
from recommender.sources import Problem, Surroundings, open_source
from recommender.sources.page_files import Patterns
from tests.test_pages import FRONT, chinese_page, english_page


def write(folder: Path, name: str, page: str = "", *, head: str = "") -> Path:
    path = folder / name
    path.parent.mkdir(parents=True, exist_ok=True)
    path.write_text(page or chinese_page(head=head), "utf-8")
    return path


def read(
    where: Path, /, limits: Limits | None = None, **options: object
) -> tuple[list[Article], list[Problem]]:
    problems: list[Problem] = []
    spec = SourceSpec(kind="html", options=options or {"folder": "."})
    source = open_source(spec, Surroundings(folder=where, limits=limits or Limits()))
    return list(source.articles(on_problem=problems.append)), problems


def test_a_folder_is_walked_in_order_with_paths_as_ids(tmp_path: Path) -> None:
    for name in ("b/2.html", "a.html", "b/1.htm", "b/deep/er/x.HTML", "notes.txt", "c.html.bak"):
        write(tmp_path, name)
    articles, problems = read(tmp_path)
    assert [each.id for each in articles] == ["a.html", "b/1.htm", "b/2.html", "b/deep/er/x.HTML"]
    assert not problems
    assert {each.title for each in articles} == {"河堤加固工程全部完工"}


def test_patterns_choose_and_exclude(tmp_path: Path) -> None:
    for name in ("news/1.html", "news/index.html", "about.html", "news/2.shtml", "tag/x/1.html"):
        write(tmp_path, name)
    articles, _ = read(tmp_path, folder=".", pattern="news/*", exclude=["**/index.html", "tag/**"])
    assert [each.id for each in articles] == ["news/1.html", "news/2.shtml"]


@pytest.mark.parametrize(
    ("pattern", "path", "fits"),
    [
        ("**/*.html", "a.html", True),
        ("**/*.html", "x/y/a.HTML", True),
        ("*.html", "x/a.html", False),
        ("list_?.html", "list_3.html", True),
        ("list_?.html", "list_/.html", False),
        ("a.b*", "axb", False),
        ("tag/**", "tag/x/y", True),
    ],
)
def test_what_a_pattern_means(pattern: str, path: str, fits: bool) -> None:
    assert Patterns((pattern,)).match(path) is fits


def test_a_list_gives_paths_and_addresses(tmp_path: Path) -> None:
    write(tmp_path, "pages/1.html")
    write(tmp_path, "pages/2.html")
    (tmp_path / "list.txt").write_text(
        "\ufeff1.html\thttps://www.example.cn/one\r\n\n2.html\n1.html\nnone.html\n", "utf-8"
    )
    articles, problems = read(tmp_path, list="list.txt", folder="pages")
    assert [(each.id, each.url) for each in articles] == [
        ("1.html", "https://www.example.cn/one"),
        ("2.html", "/2.html"),
    ]
    assert [each.article_id for each in problems] == ["", "none.html"]
    assert "listed already" in problems[0].reason


def test_addresses_are_canonical_ones_of_the_host_or_made_from_the_path(tmp_path: Path) -> None:
    link = '<link rel="canonical" href="{}">'.format
    write(tmp_path, "1.html", head=link("https://www.example.cn/real/1"))
    write(tmp_path, "2.html", head=link("/real/2"))
    write(tmp_path, "3.html", head=link("https://other.example/3"))
    write(tmp_path, "4.html", head=link("https://www.example.cn/"))
    write(tmp_path, "5.html", head=link("javascript:alert(1)"))
    write(tmp_path, "第 六?#%.html")
    articles, _ = read(tmp_path, folder=".", base_url="https://www.example.cn/a")
    assert [each.url for each in articles] == [
        "https://www.example.cn/real/1",
        "https://www.example.cn/real/2",
        "https://www.example.cn/a/3.html",
        "https://www.example.cn/a/4.html",
        "https://www.example.cn/a/5.html",
        "https://www.example.cn/a/%E7%AC%AC%20%E5%85%AD%3F%23%25.html",
    ]
    articles, _ = read(tmp_path)
    assert [each.url for each in articles[:3]] == [
        "https://www.example.cn/real/1",
        "/2.html",
        "https://other.example/3",
    ]


def test_a_page_that_is_another_one_under_another_name_is_left_out(tmp_path: Path) -> None:
    link = '<link rel="canonical" href="https://www.example.cn/{}">'.format
    write(tmp_path, "a/index.html", head=link("a/"))
    write(tmp_path, "a/print.html", head=link("a/"))
    # These two name each other, and both stay; the last names a page that is not there.
    write(tmp_path, "x.html", head=link("y.html"))
    write(tmp_path, "y.html", head=link("x.html"))
    write(tmp_path, "z.html", head=link("nowhere.html"))
    articles, problems = read(tmp_path, folder=".", base_url="https://www.example.cn")
    assert [each.id for each in articles] == ["x.html", "y.html", "z.html", "a/index.html"]
    assert len(problems) == 1
    assert "under another name" in problems[0].reason
    # It is no article that could not be read: a sync may take it out.
    assert not problems[0].is_article


def test_links_out_of_the_folder_are_not_followed(tmp_path: Path) -> None:
    site, other = tmp_path / "site", tmp_path / "other"
    write(site, "1.html")
    secret = write(other, "secret.html")
    (site / "out.html").symlink_to(secret)
    (site / "folder").symlink_to(other)
    (site / "loop").symlink_to(site)
    (site / "dead.html").symlink_to(site / "none.html")
    (site / "in.html").symlink_to(site / "1.html")
    os.mkfifo(site / "pipe.html")
    articles, problems = read(site)
    assert [each.id for each in articles] == ["1.html", "in.html"]
    assert not problems


def test_strange_names_are_told_and_do_no_harm(tmp_path: Path) -> None:
    write(tmp_path, "ok.html")
    write(tmp_path, "line\nbreak.html")
    (Path(os.fsencode(tmp_path).decode()) / os.fsdecode(b"\xff\xfe.html")).write_text(
        chinese_page(), "utf-8"
    )
    write(tmp_path, "=cmd|'x'!A0.html")
    articles, problems = read(tmp_path)
    assert [each.id for each in articles] == ["=cmd|'x'!A0.html", "ok.html"]
    assert len(problems) == 2
    assert not any("\n" in str(each) for each in problems)


def test_pages_beyond_limits_and_without_an_article_are_told_with_their_ids(tmp_path: Path) -> None:
    write(tmp_path, "1.html")
    write(tmp_path, "big.html", chinese_page(after="<p>" + "长" * 20_000 + "</p>"))
    write(tmp_path, "front.html", FRONT)
    write(tmp_path, "empty.html", " ")
    articles, problems = read(tmp_path, Limits(page_length=30_000))
    assert [each.id for each in articles] == ["1.html"]
    assert [each.article_id for each in problems] == ["big.html", "empty.html", "front.html"]
    assert "[limits] page_length" in problems[0].reason
    articles, problems = read(tmp_path, Limits(body_length=5_000))
    assert "[limits] body_length" in problems[0].reason


def test_without_anyone_to_tell_the_first_problem_is_raised(tmp_path: Path) -> None:
    write(tmp_path, "front.html", FRONT)
    source = open_source(
        SourceSpec(kind="html", options={"folder": "."}), Surroundings(folder=tmp_path)
    )
    with pytest.raises(ArticleError, match=r"front\.html"):
        list(source.articles())


def test_a_folder_that_cannot_be_listed_is_no_empty_one(tmp_path: Path) -> None:
    with pytest.raises(SourceError, match="not a folder"):
        read(tmp_path, folder="none")
    with pytest.raises(SourceError, match="cannot read the list"):
        read(tmp_path, list="none.txt")
    (tmp_path / "list.txt").write_bytes("河.html".encode("gbk"))
    with pytest.raises(SourceError, match="not UTF-8"):
        read(tmp_path, list="list.txt")
    deep = tmp_path
    for _ in range(70):
        deep = deep / "d"
    write(deep, "1.html")
    with pytest.raises(SourceError, match="folders deep"):
        read(tmp_path)


def test_the_same_folder_reads_the_same(tmp_path: Path) -> None:
    for number in range(5):
        write(tmp_path, f"{number}.html", english_page())
    assert read(tmp_path) == read(tmp_path)


@pytest.mark.parametrize(
    ("options", "reason"),
    [
        ({}, "name a folder"),
        ({"folder": 3}, "folder must be a path"),
        ({"folder": ".", "pattern": 3}, "pattern must be"),
        ({"folder": ".", "exclude": [""]}, "exclude must be"),
        ({"folder": ".", "base_url": "ftp://x"}, "base_url must be"),
        ({"folder": ".", "base_url": "https://x/?a=b"}, "base_url must be"),
        ({"folder": ".", "complete": "yes"}, "complete must be"),
    ],
)
def test_options_that_make_no_sense_are_refused(tmp_path: Path, options: dict, reason: str) -> None:
    with pytest.raises(ConfigError, match=reason):
        open_source(SourceSpec(kind="html", options=options), Surroundings(folder=tmp_path))


def test_fields_are_refused(tmp_path: Path) -> None:
    spec = SourceSpec(kind="html", options={"folder": "."}, fields={"body": "x"})
    with pytest.raises(ConfigError, match="no fields"):
        open_source(spec, Surroundings(folder=tmp_path))


def test_a_page_of_twenty_megabytes_is_refused_unread(tmp_path: Path) -> None:
    write(tmp_path, "1.html")
    with (tmp_path / "2.html").open("wb") as page:
        page.truncate(20_000_000)
    articles, problems = read(tmp_path)
    assert [each.id for each in articles] == ["1.html"]
    assert "more than 5,000,000 bytes" in problems[0].reason


def test_a_missing_extra_is_named(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    for name in [name for name in sys.modules if name.startswith("recommender.sources.pages")]:
        monkeypatch.delitem(sys.modules, name)
    monkeypatch.setitem(sys.modules, "trafilatura", None)
    with pytest.raises(ConfigError, match=r"\[html\]"):
        read(tmp_path)
    monkeypatch.setitem(sys.modules, "feedparser", None)
    (tmp_path / "feed").write_text("<rss/>")
    feed = SourceSpec(kind="feed", options={"path": "feed"})
    with pytest.raises(ConfigError, match=r"\[feeds\]"):
        list(open_source(feed, Surroundings(folder=tmp_path)).articles())


def test_what_is_hidden_or_asks_to_be_left_out_is_no_article(tmp_path: Path) -> None:
    for name in ("a.html", ".git/b.html", ".c.html", "d/.e/f.html"):
        write(tmp_path, name)
    for name, value in (("g", "noindex"), ("h", "nofollow , NOINDEX"), ("i", "none")):
        write(tmp_path, f"{name}.html", head=f'<meta name="robots" content="{value}">')
    write(tmp_path, "j.html", head='<meta name="robots" content="index, follow">')
    articles, problems = read(tmp_path)
    assert [each.id for each in articles] == ["a.html", "j.html"]
    assert [(each.article_id, each.is_article) for each in problems] == [
        (f"{name}.html", False) for name in "ghi"
    ]
    articles, problems = read(tmp_path, folder=".", noindex=True)
    assert (len(articles), problems) == (5, [])


def test_files_of_other_kinds_are_no_pages(tmp_path: Path) -> None:
    write(tmp_path, "fragment", "\ufeff\n<p>" + "河堤加固工程全部完工，水位正常。" * 20 + "</p>")
    write(tmp_path, "warned", "Warning: old\n" + chinese_page())
    (tmp_path / "passwd").write_text("root:x:0:0:root:/root:/bin/sh\n" * 50)
    (tmp_path / "a.toml").write_text("# " + "设置：if a < b and c > d。" * 50 + "\nx = '<p>'\n")
    (tmp_path / "list.txt").write_text("fragment\nwarned\npasswd\na.toml\n")
    articles, problems = read(tmp_path, list="list.txt")
    assert [each.id for each in articles] == ["fragment", "warned"]
    assert [each.article_id for each in problems] == ["passwd", "a.toml"]
    assert all("it is no HTML page" in each.reason for each in problems)


@pytest.mark.skipif(sys.platform == "darwin", reason="its file systems take UTF-8 only")
def test_a_file_whose_name_is_not_utf8_is_told_by_a_name_that_can_be_read(tmp_path: Path) -> None:
    write(tmp_path, "a.html")
    (tmp_path / os.fsdecode("新闻.html".encode("gbk"))).write_text(chinese_page(), "utf-8")
    articles, problems = read(tmp_path)
    assert [each.id for each in articles] == ["a.html"]
    assert "新闻.html" in problems[0].reason
    assert "not UTF-8" in problems[0].reason
    # Something is to be mended, and it stands in the way of nothing else.
    assert (problems[0].is_article, problems[0].article_id) == (True, "新闻.html")
