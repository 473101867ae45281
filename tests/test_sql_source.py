"""Any query on SQLite, MariaDB and PostgreSQL: read, never written, and no password shown."""

from __future__ import annotations

import logging
import threading
import time
import traceback
from datetime import datetime, timezone
from pathlib import Path

import pytest
import sqlalchemy as sa

from recommender.config import zone_of
from recommender.errors import ArticleError, ConfigError, RecommenderError, SourceError
from recommender.records import Article
from recommender.source_specs import SourceSpec
from recommender.sources import Problem, Source, Surroundings, open_source
from recommender.sources.databases import Database
from recommender.sources.sql_source import checked_query
from tests import cms_sites
from tests.databases import PASSWORD, USER, Server

QUERY = "SELECT id, title, body, published, price, shown FROM news ORDER BY id"
VARIABLE = "NEWS_DATABASE"


@pytest.fixture(
    params=[
        "sqlite",
        pytest.param("mariadb", marks=pytest.mark.database),
        pytest.param("postgresql", marks=pytest.mark.database),
    ]
)
def address(request: pytest.FixtureRequest, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> str:
    """A database of each kind with a table of three articles, named by the variable."""
    if request.param == "sqlite":
        made = f"sqlite:///{tmp_path / 'news.db'}"
    else:
        server: Server = request.getfixturevalue(request.param)
        made = server.database()
    with cms_sites.connected(made) as connection:
        kind = "INTEGER" if request.param == "sqlite" else "INT"
        connection.exec_driver_sql(
            f"CREATE TABLE news (id {kind} PRIMARY KEY, title VARCHAR(100), body TEXT, "
            "published TIMESTAMP NULL, price DECIMAL(20, 2), shown BOOLEAN)"
        )
    cms_sites.add(
        made,
        "news",
        [
            {
                "id": number,
                "title": f"第{number}条 100% :name \\ '引号'",
                "body": f"<p>正文{number}：%s %(x)s {{id}}</p>",
                "published": "2025-06-01 08:00:00" if number < 3 else None,
                "price": 3,
                "shown": True,
            }
            for number in (1, 2, 3)
        ],
    )
    monkeypatch.setenv(VARIABLE, made)
    return made


def opened(
    query: str = QUERY, *, fields: dict[str, str] | None = None, **options: object
) -> Source:
    spec = SourceSpec(
        kind="sql",
        fields={"date": "published"} if fields is None else fields,
        options={"url_env": VARIABLE, "query": query, **options},
    )
    return open_source(spec, Surroundings(zone=zone_of("Asia/Shanghai")))


def articles(query: str = QUERY, **options: object) -> list[Article]:
    return list(opened(query, **options).articles())  # type: ignore[arg-type]


def test_rows_become_articles(address: str) -> None:
    first, _, third = articles()
    assert first.id == "1"
    assert first.title == "第1条 100% :name \\ '引号'"
    assert first.body == "<p>正文1：%s %(x)s {id}</p>"
    assert first.date == datetime(2025, 6, 1, tzinfo=timezone.utc)
    assert first.extra["price"] == 3
    assert bool(first.extra["shown"])
    assert third.date is None


def test_signs_of_drivers_mean_nothing_in_a_query(address: str) -> None:
    found = articles("SELECT id, body FROM news WHERE title LIKE '%:name%' -- 100% %s", fields={})
    assert len(found) == 3


def test_columns_are_named_by_fields_and_templates(address: str) -> None:
    found = articles(
        "SELECT id AS nid, body AS words, title AS headline FROM news WHERE id = 2;",
        fields={"id": "nid", "body": "words", "title": "headline"},
        url_template="/n/{nid}.html",
        base_url="https://x.example",
    )
    assert [(each.id, each.url, each.title[:3]) for each in found] == [
        ("2", "https://x.example/n/2.html", "第2条")
    ]


def test_templates_name_columns_and_our_fields(address: str) -> None:
    query = "SELECT id AS nid, body AS words, title, 'water' AS part FROM news WHERE id = 2"
    fields = {"id": "nid", "body": "words", "category": "part"}
    for template in ("/{part}/{nid}.html", "/{category}/{id}.html"):
        (found,) = articles(query, fields=fields, url_template=template)
        assert found.url == "/water/2.html"
    with pytest.raises(ConfigError, match=r"url_template names \{nix\}.* it can name .*category"):
        articles(query, fields=fields, url_template="/{nix}.html")


@pytest.mark.parametrize(
    ("query", "fields", "reason"),
    [
        ("SELECT title, body FROM news", {}, "must give the columns id and body"),
        ("SELECT id, title FROM news", {}, "must give the columns id and body"),
        ("SELECT id, body, body AS id FROM news", {}, "two columns named 'id'"),
        ("SELECT id, body FROM news", {"title": "headline"}, "no column 'headline'"),
    ],
)
def test_queries_that_lack_columns(
    address: str, query: str, fields: dict[str, str], reason: str
) -> None:
    with pytest.raises(ConfigError, match=reason):
        articles(query, fields=fields)


def test_queries_that_fail(address: str) -> None:
    with pytest.raises(SourceError, match=r"cannot read the .*database"):
        articles("SELECT id, body FROM no_such_table")


def test_rows_that_cannot_be_used(address: str) -> None:
    query = "SELECT id, CASE WHEN id = 2 THEN NULL ELSE body END AS body FROM news ORDER BY id"
    problems: list[Problem] = []
    source = opened(query, fields={})
    assert [each.id for each in source.articles(on_problem=problems.append)] == ["1", "3"]
    assert [(each.article_id, each.line) for each in problems] == [("2", 0)]
    assert str(problems[0]) == "sql: article '2': the body is empty (NULL)"
    with pytest.raises(ArticleError, match="sql: article '2': the body is empty"):
        list(source.articles())


def test_a_row_without_an_id_is_told_by_its_place_and_title(address: str) -> None:
    query = (
        "SELECT CASE WHEN id = 2 THEN NULL ELSE id END AS nid, title, body AS words "
        "FROM news ORDER BY id"
    )
    problems: list[Problem] = []
    source = opened(query, fields={"id": "nid", "body": "words"})
    assert len(list(source.articles(on_problem=problems.append))) == 2
    (told,) = map(str, problems)
    assert told.startswith('sql: row 2 of the query ("第2条')
    assert told.endswith("the id, the field 'nid', is empty (NULL)")


def test_lost_dates_are_told(address: str) -> None:
    lost: list[Problem] = []
    query = "SELECT id, body, 'soon' AS date FROM news WHERE id = 1"
    (article,) = opened(query, fields={}).articles(on_lost_date=lost.append)
    assert article.date is None
    assert [each.article_id for each in lost] == ["1"]


@pytest.mark.database
def test_dates_that_python_cannot_hold_are_no_end(
    postgresql: Server, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv(VARIABLE, postgresql.database())
    kinds = ("timestamp", "timestamptz", "date")
    columns = ", ".join(f"v::{kind} AS in_{kind}" for kind in kinds)
    query = (
        "SELECT id, '正文' AS body, v::timestamptz AS visible_until, "
        f"CASE WHEN id = 2 THEN v::timestamp END AS date, {columns}, "
        "TIME '24:00' AS closes, INTERVAL '900000 years' AS age "
        "FROM (VALUES (1, 'infinity'), (2, '0044-03-15 BC'), (3, '2125-06-01 08:00+08'), "
        "(4, '-infinity')) AS t (id, v) ORDER BY id"
    )
    problems: list[Problem] = []
    lost: list[Problem] = []
    source = opened(query, fields={})
    first, third = source.articles(on_problem=problems.append, on_lost_date=lost.append)
    assert (first.id, first.visible_until) == ("1", None)
    assert first.extra["in_date"] == "infinity"
    assert third.visible_until == datetime(2125, 6, 1, tzinfo=timezone.utc)
    # Which article it is, and which column; the others are read.
    assert [each.article_id for each in problems] == ["2", "4"]
    assert "visible_until is not a date: '0044-03-15" in problems[0].reason


def test_ends_that_the_zone_moves_out_of_the_calendar(address: str) -> None:
    query = (
        "SELECT id, body, '9999-12-31 23:59:59' AS visible_until, "
        "'0001-01-01 00:00:00' AS visible_from FROM news WHERE id = 1"
    )
    for zone in ("America/New_York", "Asia/Shanghai"):
        spec = SourceSpec(kind="sql", options={"url_env": VARIABLE, "query": query})
        (article,) = open_source(spec, Surroundings(zone=zone_of(zone))).articles()
        now = datetime(2025, 6, 1, tzinfo=timezone.utc)
        assert article.visible_from is None or article.visible_from < now
        assert article.visible_until is None or article.visible_until > now


def test_a_glance_counts_and_shows_some(address: str) -> None:
    glance = opened().glance(2)  # type: ignore[attr-defined]
    assert (glance.total, len(glance.articles)) == (3, 2)
    assert PASSWORD not in repr(glance)


def test_an_answer_that_breaks_off_gives_nothing(
    address: str, caplog: pytest.LogCaptureFixture
) -> None:
    broken = {
        "sqlite": "abs(-9223372036854775807 - 1)",
        "mysql+pymysql": "(SELECT 1 UNION SELECT 2)",
        "postgresql+psycopg": "1 / (id - 3)",
    }[sa.make_url(address).drivername]
    query = f"SELECT id, body, CASE WHEN id = 3 THEN {broken} END AS x FROM news ORDER BY id"
    taken = []
    with pytest.raises(SourceError, match="cannot read"):
        taken.extend(opened(query, fields={}).articles())
    assert not taken
    assert not caplog.records


@pytest.mark.database
@pytest.mark.parametrize("kind", ["mariadb", "postgresql"])
def test_a_connection_that_is_cut(
    kind: str,
    request: pytest.FixtureRequest,
    monkeypatch: pytest.MonkeyPatch,
    caplog: pytest.LogCaptureFixture,
) -> None:
    server: Server = request.getfixturevalue(kind)
    made = server.database()
    monkeypatch.setenv(VARIABLE, made)
    with cms_sites.connected(made) as connection:
        connection.exec_driver_sql("CREATE TABLE news (id INT PRIMARY KEY, body TEXT)")
    cms_sites.add(made, "news", [{"id": n, "body": f"正文{n}"} for n in range(3_000)])
    slow = "SLEEP(0.01)" if kind == "mariadb" else "pg_sleep(0.01)"
    ended = threading.Event()
    killer = threading.Thread(target=_cut, args=(server, ended))
    killer.start()
    try:
        with pytest.raises(SourceError, match="cannot read the database") as failure:
            list(opened(f"SELECT id, body, {slow} AS x FROM news", fields={}).articles())
    finally:
        ended.set()
        killer.join()
    assert_silent(failure.value)
    assert not caplog.records


def _cut(server: Server, ended: threading.Event) -> None:
    """End every connection of the user who reads, once it is at work."""
    find = {
        "mysql": f"SELECT id FROM information_schema.processlist WHERE user = '{USER}' "
        "AND info LIKE '%SLEEP%'",
        "postgresql": "SELECT pid FROM pg_stat_activity "
        f"WHERE usename = '{USER}' AND query LIKE 'FETCH%'",
    }[server.kind]
    end = {"mysql": "KILL {}", "postgresql": "SELECT pg_terminate_backend({})"}[server.kind]
    while not ended.is_set():
        for number in server.answer(find):
            server.run(end.format(number))
        time.sleep(0.05)


@pytest.mark.database
def test_queries_cannot_write_on_postgresql(
    postgresql: Server, monkeypatch: pytest.MonkeyPatch
) -> None:
    made = postgresql.database()
    monkeypatch.setenv(VARIABLE, made)
    with cms_sites.connected(made) as connection:
        connection.exec_driver_sql("CREATE TABLE news (id INT PRIMARY KEY, body TEXT)")
        connection.exec_driver_sql(
            "CREATE FUNCTION empty() RETURNS int AS 'DELETE FROM news; SELECT 1' LANGUAGE sql"
        )
    cms_sites.add(made, "news", [{"id": 1, "body": "正文"}])
    for query in (
        "WITH gone AS (DELETE FROM news RETURNING *) SELECT id, body FROM gone",
        "SELECT id, body, empty() AS x FROM news",
    ):
        with pytest.raises(SourceError, match=r"data-modifying|read-only"):
            articles(query, fields={})
    assert len(articles("SELECT id, body FROM news", fields={})) == 1


def test_sqlite_is_only_read(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    made = f"sqlite:///{tmp_path / 'a b#?%.db'}"
    with cms_sites.connected(made) as connection:
        connection.exec_driver_sql("CREATE TABLE news (id, body)")
    before = {each: each.read_bytes() for each in tmp_path.iterdir()}
    monkeypatch.setenv(VARIABLE, made)
    assert articles("SELECT id, body FROM news", fields={}) == []
    assert {each: each.read_bytes() for each in tmp_path.iterdir()} == before
    with Database.of_url(made, folder=tmp_path, called="x").reading() as reader:
        with pytest.raises(SourceError, match=r"readonly|read-only"):
            list(reader.rows("DELETE FROM news"))


def test_the_site_can_write_while_articles_are_used(tmp_path: Path) -> None:
    """No lock is held once the first article is there."""
    target = tmp_path / "cms.db"
    cms_sites.make_pbootcms(target, 300)
    spec = SourceSpec(kind="pbootcms", options={"url": f"sqlite:///{target}"})
    given = open_source(spec, Surroundings()).articles()
    next(given)
    cms_sites.delete(target, "ay_content", 300)
    assert sum(1 for _ in given) == 299


def test_a_relative_path_begins_at_the_settings(tmp_path: Path) -> None:
    cms_sites.make_ghost(tmp_path / "ghost.db", 2)
    options = {"url": "sqlite:///ghost.db", "query": "SELECT id, html AS body FROM posts"}
    source = open_source(SourceSpec(kind="sql", options=options), Surroundings(folder=tmp_path))
    assert len(list(source.articles())) == 2
    elsewhere = Surroundings(folder=tmp_path / "elsewhere")
    with pytest.raises(SourceError, match="there is no SQLite database"):
        list(open_source(SourceSpec(kind="sql", options=options), elsewhere).articles())


def test_text_in_another_encoding_is_read(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    made = f"sqlite:///{tmp_path / 'a.db'}"
    with cms_sites.connected(made) as connection:
        connection.exec_driver_sql("CREATE TABLE news (id, body)")
        connection.exec_driver_sql(
            f"INSERT INTO news VALUES (1, CAST(x'{'正文'.encode('gbk').hex()}' AS TEXT)), "
            f"(2, x'{'正文'.encode().hex()}')"
        )
    monkeypatch.setenv(VARIABLE, made)
    assert [each.body for each in articles("SELECT * FROM news", fields={})] == ["正文", "正文"]


@pytest.mark.parametrize(
    "query",
    [
        "SELECT 1",
        "  select a from b where c = 'x; y' -- ; drop",
        "WITH a AS (SELECT 1) SELECT * FROM a;",
        "(SELECT 1) UNION (SELECT 2)",
        "/* into */ SELECT \"into\", `into` FROM a",
        "SELECT a -- ;\nFROM b # ;\n;",
    ],
)  # fmt: skip
def test_queries_that_read(query: str) -> None:
    assert checked_query(query, called="x")


@pytest.mark.parametrize(
    "query",
    [
        "",
        3,
        None,
        "UPDATE a SET b = 1",
        "SELECT 1; DELETE FROM a",
        "SELECT * INTO OUTFILE '/srv/x' FROM a",
        "SELECT 1 /*! INTO OUTFILE '/srv/x' */",
        "PRAGMA writable_schema",
        "selection",
        "-- SELECT\nDROP TABLE a",
    ],
)
def test_queries_that_do_more(query: object) -> None:
    with pytest.raises(ConfigError, match="query"):
        checked_query(query, called="x")


# Passwords


def assert_silent(error: BaseException, *secrets: str) -> None:
    """No password in an error, nor in what led to it."""
    shown = "".join(traceback.format_exception(error))
    seen: BaseException | None = error
    while seen is not None:
        shown += repr(seen)
        seen = seen.__cause__ or seen.__context__
    for secret in secrets or (PASSWORD,):
        assert secret not in shown
        assert (
            sa.make_url(f"x://u:{'y'}@h")
            .set(password=secret)
            .render_as_string(hide_password=False)
            .split("@")[0]
            .removeprefix("x://u:")
            not in shown
        )


@pytest.mark.database
@pytest.mark.parametrize("kind", ["mariadb", "postgresql"])
def test_a_wrong_password_is_not_repeated(
    kind: str,
    request: pytest.FixtureRequest,
    monkeypatch: pytest.MonkeyPatch,
    caplog: pytest.LogCaptureFixture,
) -> None:
    server: Server = request.getfixturevalue(kind)
    wrong = "wrong:p@ss/密码"
    server.database()
    monkeypatch.setenv(VARIABLE, server.address("cms_0", password=wrong))
    caplog.set_level(logging.DEBUG)
    source = opened()
    with pytest.raises(SourceError) as failure:
        list(source.articles())
    assert f"127.0.0.1:{server.port}" in str(failure.value)
    assert "cms_0" in str(failure.value)
    assert_silent(failure.value, wrong)
    assert wrong not in caplog.text
    assert wrong not in repr(source)


@pytest.mark.database
def test_a_password_that_is_not_ascii(mariadb: Server, monkeypatch: pytest.MonkeyPatch) -> None:
    made = sa.make_url(mariadb.database())
    mariadb.run("CREATE USER li@'%' IDENTIFIED BY '密码é'")
    mariadb.run(f"GRANT ALL ON {made.database}.* TO li@'%'")
    address = made.set(username="li", password="密码é")  # noqa: S106
    monkeypatch.setenv(VARIABLE, address.render_as_string(hide_password=False))
    assert articles("SELECT 1 AS id, 'x' AS body", fields={})[0].body == "x"


@pytest.mark.parametrize("driver", ["mysql", "postgresql", "postgres", "mariadb"])
def test_a_server_that_is_down(driver: str, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv(VARIABLE, f"{driver}://news:hunter22@127.0.0.1:1/cms")
    with pytest.raises(SourceError, match=r"the database 'cms' on 127\.0\.0\.1:1") as failure:
        articles()
    assert_silent(failure.value, "hunter22")


@pytest.mark.database
def test_a_port_of_another_system(
    mariadb: Server, postgresql: Server, monkeypatch: pytest.MonkeyPatch
) -> None:
    for driver, port, doubt in (
        ("postgresql", mariadb.port, "is that a PostgreSQL server"),
        ("mysql", postgresql.port, "is that a MySQL server"),
    ):
        monkeypatch.setattr("recommender.sources.databases._GREETING_SECONDS", 2)
        monkeypatch.setenv(VARIABLE, f"{driver}://news:hunter22@127.0.0.1:{port}/cms")
        with pytest.raises(SourceError, match=doubt) as failure:
            articles()
        assert_silent(failure.value, "hunter22")


@pytest.mark.database
def test_a_slow_query_is_waited_for(mariadb: Server, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("recommender.sources.databases._GREETING_SECONDS", 1)
    monkeypatch.setenv(VARIABLE, mariadb.database())
    (found,) = articles("SELECT 1 AS id, SLEEP(2) AS slept, 'x' AS body", fields={})
    assert found.extra["slept"] == 0


@pytest.mark.parametrize(
    ("address", "secret"),
    [
        ("mysql://news:s3cr/et@x@db/cms", "s3cr/et"),
        ("mysql://news:hunter22@db:port/cms", "hunter22"),
        ("mysql:/news:hunter22@db/cms", "hunter22"),
        ("nodb://news:hunter22@db/cms", "hunter22"),
        ("oracle+cx_oracle://news:hunter22@db/cms", "hunter22"),
        ("hunter22", "hunter22"),
        ("sqlite://", "hunter22"),
    ],
)
def test_addresses_that_are_none(
    address: str, secret: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv(VARIABLE, address)
    with pytest.raises(RecommenderError) as failure:
        articles()
    assert_silent(failure.value, secret)


@pytest.mark.parametrize(
    "address",
    [
        "mysql://news:hunter22@db/cms",
        "postgresql://db/cms?user=news&password=hunter22",
        "mssql+pyodbc://db/cms?pwd=hunter22",
    ],
)
def test_a_password_in_the_settings_is_refused(address: str) -> None:
    spec = SourceSpec(kind="sql", options={"url": address, "query": QUERY})
    with pytest.raises(ConfigError, match="url_env") as failure:
        open_source(spec, Surroundings())
    assert_silent(failure.value, "hunter22")
