"""PbootCMS, WordPress and Ghost: what the public sees, as it is, from the databases they run on."""

from __future__ import annotations

import json
import sqlite3
import tracemalloc
from collections.abc import Callable
from datetime import datetime, timezone
from pathlib import Path

import pytest

from recommender.errors import ConfigError, SourceError
from recommender.records import Article
from recommender.source_specs import SourceSpec
from recommender.sources import Surroundings, open_source
from tests import cms_sites
from tests.databases import Server

Address = Callable[[], str]
NOW = datetime(2025, 6, 1, tzinfo=timezone.utc)


@pytest.fixture(params=["sqlite", pytest.param("mariadb", marks=pytest.mark.database)])
def address(request: pytest.FixtureRequest, tmp_path: Path) -> str:
    """An empty database of either kind."""
    if request.param == "sqlite":
        return f"sqlite:///{tmp_path / 'cms.db'}"
    server: Server = request.getfixturevalue("mariadb")
    return server.database()


def read(
    kind: str,
    address: str = "",
    *,
    folder: Path | None = None,
    zone: str = "",
    monkeypatch: pytest.MonkeyPatch | None = None,
    **options: object,
) -> dict[str, Article]:
    """The articles of a site by id, of its database or its folder."""
    with pytest.MonkeyPatch.context() as patch:
        if address:
            patch.setenv("CMS_DATABASE", address)
            options["url_env"] = "CMS_DATABASE"
        spec = SourceSpec(kind=kind, timezone=zone, options=options)
        source = open_source(spec, Surroundings(folder=folder or Path()))
        found = list(source.articles())
    assert len({each.id for each in found}) == len(found)
    return {each.id: each for each in found}


# PbootCMS


def test_pbootcms_gives_what_the_site_lists(address: str) -> None:
    rows = [
        {},
        {"status": "0"},
        {"outlink": "https://elsewhere.example/a"},
        {"scode": "1"},  # a single page
        {"scode": "4"},  # a members' category
        {"gid": "3"},
        {"gid": "0"},
        {"date": "2999-01-01 00:00:00"},
        {"date": "0000-00-00 00:00:00"},
        {"scode": "99"},  # of a category that is gone
    ]
    cms_sites.make_pbootcms(address, rows)
    found = read("pbootcms", address)
    assert sorted(found) == ["1", "5", "6", "7", "8", "9"]
    assert {key: each.access for key, each in found.items()} == {
        "1": "public",
        "5": "members",
        "6": "members",
        "7": "public",
        "8": "public",
        "9": "public",
    }
    assert [key for key, each in sorted(found.items()) if each.is_public(NOW)] == ["1", "7", "9"]
    assert found["8"].visible_from == datetime(2998, 12, 31, 16, tzinfo=timezone.utc)
    assert found["9"].date is None


@pytest.mark.parametrize("stored", ["escaped", "raw"])
def test_pbootcms_texts_are_as_they_were_written(address: str, stored: str) -> None:
    title = 'A & B < C 与 "D"：it\'s C:\\新闻 &amp; 100%'
    body = '<p class="x">it\'s C:\\temp &amp;lt;b&amp;gt; &nbsp; 60% :name</p>'
    row = {"title": title, "content": body, "source": "本站 & 电讯", "tags": "水利，交通, 水利"}
    cms_sites.make_pbootcms(address, [row], stored=stored)
    article = read("pbootcms", address)["1"]
    assert (article.title, article.body) == (title, body)
    assert article.source == "本站 & 电讯"
    assert article.extra["tags"] == ["水利", "交通"]


def test_pbootcms_cards(address: str) -> None:
    cms_sites.make_pbootcms(
        address,
        [
            {"scode": "2", "visits": 4_812, "date": "2025-06-01 08:00:00"},
            {"scode": "3", "filename": "a-b", "date": "2025-06-01 08:00:00"},
        ],
    )
    found = read("pbootcms", address)
    assert found["1"].url == "https://www.example.cn/news/1.html"
    assert found["2"].url == "https://www.example.cn/list_3/a-b.html"
    assert found["1"].category == "本地新闻"
    # The zone of the system, not of the index.
    assert found["1"].date == datetime(2025, 6, 1, tzinfo=timezone.utc)
    assert found["1"].extra["visits"] == 4_000
    assert "visits" not in read("pbootcms", address, visits=False)["1"].extra
    moved = read(
        "pbootcms",
        address,
        zone="UTC",
        base_url="https://m.example.cn/",
        url_template="/?{scode}/{year}{month}{day}/{id}.html",
    )
    assert moved["1"].url == "https://m.example.cn/?2/20250601/1.html"
    assert moved["1"].date == datetime(2025, 6, 1, 8, tzinfo=timezone.utc)


def test_pbootcms_with_another_prefix_and_area(address: str) -> None:
    rows = [{}, {"acode": "en"}]
    cms_sites.make_pbootcms(address, rows, prefix="pb2_")
    assert set(read("pbootcms", address, prefix="pb2_")) == {"1", "2"}
    assert set(read("pbootcms", address, prefix="pb2_", acode="en")) == {"2"}
    with pytest.raises(ConfigError, match="no table ay_content"):
        read("pbootcms", address)


def test_pbootcms_deletes_and_edits_are_seen(address: str) -> None:
    cms_sites.make_pbootcms(address, 4)
    cms_sites.delete(address, "ay_content", 2)
    cms_sites.change(address, "ay_content", 3, title=cms_sites.escaped("新的 & 标题"))
    cms_sites.change(address, "ay_content", 4, visits=11_000)
    found = read("pbootcms", address)
    assert sorted(found) == ["1", "3", "4"]
    assert found["3"].title == "新的 & 标题"


def test_a_visit_is_no_change(address: str) -> None:
    cms_sites.make_pbootcms(address, [{"visits": 204}])
    before = read("pbootcms", address)
    cms_sites.change(address, "ay_content", 1, visits=205)
    assert read("pbootcms", address) == before


def test_a_site_folder_names_its_database(tmp_path: Path, address: str) -> None:
    if address.startswith("sqlite"):
        cms_sites.make_pbootcms_site(tmp_path / "site", 3, file="5f2c1b.db")
    else:
        cms_sites.make_pbootcms(address, 3)
        cms_sites.write_pbootcms_config(tmp_path / "site", address)
    assert len(read("pbootcms", folder=tmp_path, site_folder="site")) == 3


def test_a_renamed_database_is_found(tmp_path: Path) -> None:
    site = tmp_path / "site"
    database = cms_sites.make_pbootcms_site(site, 3)
    # Others that lie there: another program's, and none at all.
    sqlite3.connect(site / "data" / "other.db").executescript("CREATE TABLE a (b);")
    (site / "data" / "notes.db").write_text("not a database")
    database.rename(site / "data" / "b0c4.sqlite")
    assert len(read("pbootcms", site_folder=str(site))) == 3
    cms_sites.make_pbootcms(site / "data" / "copy.db", 2)
    with pytest.raises(ConfigError, match=r"several databases.*b0c4\.sqlite, copy\.db"):
        read("pbootcms", site_folder=str(site))
    for each in ("b0c4.sqlite", "copy.db"):
        (site / "data" / each).unlink()
    with pytest.raises(ConfigError, match="is prefix right"):
        read("pbootcms", site_folder=str(site))


def test_a_site_folder_without_a_config(tmp_path: Path) -> None:
    with pytest.raises(ConfigError, match="there is no folder"):
        read("pbootcms", site_folder=str(tmp_path / "none"))
    for kind in ("pbootcms", "wordpress", "ghost"):
        with pytest.raises(ConfigError, match="cannot read the site's config"):
            read(kind, site_folder=str(tmp_path))
    (tmp_path / "config").mkdir()
    (tmp_path / "config" / "database.php").write_text("<?php return array('a' => 1);")
    with pytest.raises(ConfigError, match="names no database"):
        read("pbootcms", site_folder=str(tmp_path))
    (tmp_path / "config.production.json").write_text('{"database": {"client": "mysql"}}')
    with pytest.raises(ConfigError, match="names no database"):
        read("ghost", site_folder=str(tmp_path))
    (tmp_path / "wp-config.php").write_text("<?php define('DB_NAME', secret('x'));")
    with pytest.raises(ConfigError, match="url_env"):
        read("wordpress", site_folder=str(tmp_path))


# WordPress


@pytest.mark.database
def test_wordpress_gives_what_the_public_sees(mariadb: Server) -> None:
    address = mariadb.database()
    cms_sites.make_wordpress(
        address,
        [
            {},
            {"post_status": "draft"},
            {"post_status": "private"},
            {"post_type": "page"},
            {"post_type": "revision", "post_status": "inherit"},
            {"post_password": "x"},
            {"post_status": "future", "post_date_gmt": "2999-01-01 00:00:00"},
            {"post_status": "trash"},
        ],
        prefix="blog_",
    )
    found = read("wordpress", address, prefix="blog_")
    assert {key: each.access for key, each in found.items()} == {
        "1": "public",
        "6": "members",
        "7": "public",
    }
    assert found["1"].visible_from is None
    assert found["7"].visible_from == datetime(2999, 1, 1, tzinfo=timezone.utc)
    assert set(read("wordpress", address, prefix="blog_", post_types=["post", "page"])) == {
        *found,
        "4",
    }


@pytest.mark.database
def test_wordpress_cards(mariadb: Server) -> None:
    address = mariadb.database()
    cms_sites.make_wordpress(
        address,
        [
            {"post_title": "Q&amp;A", "post_name": "%e6%96%b0-a"},
            {
                "post_date": "2025-06-01 08:00:00",
                "post_date_gmt": "0000-00-00 00:00:00",
            },
        ],
        permalinks="/%category%/%author%/%monthnum%/%postname%/",
    )
    found = read("wordpress", address, zone="Asia/Shanghai")
    assert found["1"].title == "Q&A"
    assert found["1"].url == "https://blog.example/news/local/li/01/%E6%96%B0-a/"
    assert found["2"].url == "https://blog.example/news/li/06/post-2/"
    assert (found["1"].category, found["2"].category) == ("本地", "新闻")
    assert found["1"].extra == {"tags": [cms_sites.TAGS[1]], "author": "li"}
    assert found["1"].date == datetime(2024, 1, 1, 0, 17, tzinfo=timezone.utc)
    # Without a date in GMT the local one stands.
    assert found["2"].date == datetime(2025, 6, 1, tzinfo=timezone.utc)


@pytest.mark.database
def test_wordpress_in_a_network_shares_its_users(mariadb: Server) -> None:
    address = mariadb.database()
    cms_sites.make_wordpress(address, 2)
    cms_sites.make_wordpress(address, 2, prefix="wp_3_")
    with cms_sites.connected(address) as connection:
        connection.exec_driver_sql("DROP TABLE wp_3_users")
    assert read("wordpress", address, prefix="wp_3_")["1"].extra["author"] == "li"


def test_wordpress_contents() -> None:
    from recommender.sources.presets.wordpress import readable

    blocks = "<!-- wp:paragraph -->\n<p>a</p>\n\n<p>b</p>\n<!-- /wp:paragraph -->"
    assert readable(blocks) == blocks
    assert readable("a <b>b</b>\n\nc") == "a <b>b</b><p>c"
    captioned = '[caption id="1" width="2"]<img src="x"> 说明[/caption][gallery ids="1,2"]正文'
    assert readable(captioned).split() == ["<img", 'src="x">', "说明", "正文"]
    assert readable("数组 [1] 与 [a]") == "数组 [1] 与 [a]"


@pytest.mark.database
def test_wordpress_config(mariadb: Server, tmp_path: Path) -> None:
    address = mariadb.database()
    cms_sites.make_wordpress(address, 3, prefix="abc_")
    cms_sites.write_wordpress_config(tmp_path / "above", address, prefix="abc_")
    (tmp_path / "above" / "public").mkdir()
    for folder in ("above", "above/public"):
        assert len(read("wordpress", folder=tmp_path, site_folder=folder)) == 3


@pytest.mark.parametrize(
    ("host", "place"),
    [
        ("localhost", ("localhost", None, "")),
        ("db.example:3307", ("db.example", 3307, "")),
        ("localhost:/run/x.sock", ("localhost", None, "/run/x.sock")),
        (":/run/x.sock", ("localhost", None, "/run/x.sock")),
        ("[::1]:3307", ("::1", 3307, "")),
        ("::1", ("::1", None, "")),
    ],
)
def test_wordpress_hosts(host: str, place: tuple[str, int | None, str]) -> None:
    from recommender.sources.presets.wordpress import host_of

    assert host_of(host) == place


# Ghost


def test_ghost_gives_what_the_public_sees(address: str) -> None:
    cms_sites.make_ghost(
        address,
        [
            {"id": "a"},
            {"id": "b", "status": "draft"},
            {"id": "c", "type": "page"},
            {"id": "d", "visibility": "members"},
            {"id": "e", "visibility": "paid"},
            {"id": "f", "status": "scheduled", "published_at": "2999-01-01 00:00:00"},
            {"id": "g", "status": "sent"},
            {"id": "h", "html": None, "plaintext": "只有文字"},
        ],
    )
    found = read("ghost", address, base_url="https://g.example", zone="")
    assert {key: each.access for key, each in found.items()} == {
        "a": "public",
        "d": "members",
        "e": "members",
        "f": "public",
        "h": "public",
    }
    assert found["f"].visible_from == datetime(2999, 1, 1, tzinfo=timezone.utc)
    assert found["a"].visible_from is None
    assert found["h"].body == "只有文字"
    assert found["a"].url == "https://g.example/post-1/"
    assert found["a"].category == cms_sites.TAGS[0]
    assert found["a"].extra == {"tags": [*cms_sites.TAGS[:2]], "author": "王编辑"}
    assert found["a"].date == datetime(2024, 1, 1, 8, 17, tzinfo=timezone.utc)


def test_ghost_config(address: str, tmp_path: Path) -> None:
    cms_sites.make_ghost(address, 3)
    cms_sites.write_ghost_config(tmp_path, address)
    found = read("ghost", site_folder=str(tmp_path))
    assert [each.url for each in found.values()] == [
        f"https://ghost.example/post-{number}/" for number in (1, 2, 3)
    ]


def test_ghost_dates_in_milliseconds(tmp_path: Path) -> None:
    target = tmp_path / "ghost.db"
    cms_sites.make_ghost(target, [{"published_at": 1_748_736_000_000}])
    (article,) = read("ghost", f"sqlite:///{target}").values()
    assert article.date == datetime(2025, 6, 1, tzinfo=timezone.utc)


# All of them


@pytest.mark.parametrize("kind", ["pbootcms", "wordpress", "ghost"])
def test_options_that_make_no_sense_are_refused(kind: str, tmp_path: Path) -> None:
    def refused(reason: str, fields: dict[str, str] | None = None, **options: object) -> None:
        with pytest.raises(ConfigError, match=reason):
            open_source(
                SourceSpec(kind=kind, options=options, fields=fields or {}),
                Surroundings(folder=tmp_path),
            )

    address = "sqlite:///a.db"
    refused("one of them")
    refused("one of them", url=address, site_folder="x")
    refused("kind sql", url=address, fields={"body": "content"})
    refused("prefix", url=address, prefix="a; DROP TABLE x")
    refused("has no field", url=address, url_template="/{colour}/")
    refused("base_url", url=address, base_url="example.com")
    refused("name of an environment variable", url_env="mysql://a:b@c/d")
    refused("password", url="mysql://news:secret@db/cms")


@pytest.mark.parametrize("kind", ["pbootcms", "wordpress", "ghost"])
def test_a_variable_that_is_not_set_is_told_when_it_is_needed(kind: str) -> None:
    spec = SourceSpec(kind=kind, options={"url_env": "NOBODY_SETS_THIS"})
    source = open_source(spec, Surroundings())
    with pytest.raises(ConfigError, match="NOBODY_SETS_THIS is not set"):
        list(source.articles())


def test_a_database_of_another_system_is_refused(tmp_path: Path) -> None:
    target = tmp_path / "a.db"
    sqlite3.connect(target).executescript("CREATE TABLE posts (id);")
    for kind in ("pbootcms", "wordpress", "ghost"):
        with pytest.raises(ConfigError, match="no table"):
            read(kind, f"sqlite:///{target}")
    with pytest.raises(SourceError, match="there is no SQLite database"):
        read("ghost", f"sqlite:///{tmp_path / 'none.db'}")


def test_a_config_of_ghost_that_is_no_json(tmp_path: Path) -> None:
    for text in ("{", "[]", json.dumps({"database": []}), "[" * 100_000):
        (tmp_path / "config.production.json").write_text(text)
        with pytest.raises(ConfigError, match="names no database"):
            read("ghost", site_folder=str(tmp_path))


@pytest.mark.slow
def test_a_large_site_is_streamed(address: str) -> None:
    """20,000 articles, of which only a block is ever in memory."""
    cms_sites.make_pbootcms(address, 20_000)
    with pytest.MonkeyPatch.context() as patch:
        patch.setenv("CMS_DATABASE", address)
        spec = SourceSpec(kind="pbootcms", options={"url_env": "CMS_DATABASE"})
        source = open_source(spec, Surroundings())
        next(source.articles())
        tracemalloc.start()
        try:
            total = sum(1 for _ in source.articles())
            _, peak = tracemalloc.get_traced_memory()
        finally:
            tracemalloc.stop()
    assert total == 20_000
    assert peak < 16_000_000
