"""Related lists in MariaDB, PostgreSQL and SQLite, in the databases of real sites."""

from __future__ import annotations

import signal
import subprocess
import sys
import threading
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import replace
from pathlib import Path

import pytest
import sqlalchemy as sa
from click.testing import Result

from recommender import Recommender
from recommender.errors import ExportError
from recommender.exports import Change, Entry, entries, open_target
from tests.cms_sites import make_pbootcms, write_pbootcms_config
from tests.databases import PASSWORD, Server
from tests.helpers import NOW, build, corpus
from tests.test_exports import HOSTILE, KILLED, entry, wanted

pytestmark = pytest.mark.database
Run = Callable[..., Result]


@pytest.fixture(params=["mariadb", "postgresql"])
def server(request: pytest.FixtureRequest) -> Server:
    found: Server = request.getfixturevalue(request.param)
    return found


@pytest.fixture
def address(server: Server) -> str:
    return server.database()


@contextmanager
def connected(address: str) -> Iterator[sa.Connection]:
    engine = sa.create_engine(address, poolclass=sa.NullPool)
    try:
        with engine.begin() as connection:
            yield connection
    finally:
        engine.dispose()


def lists(address: str, table: str = "related_articles") -> dict[str, list[str]]:
    found: dict[str, list[str]] = {}
    with connected(address) as connection:
        quote = connection.dialect.identifier_preparer.quote_identifier
        rows = connection.exec_driver_sql(
            f"SELECT article_id, {quote('rank')}, related_id FROM {table} ORDER BY 1, 2"
        )
        for article_id, rank, related_id in rows:
            assert rank == len(found.setdefault(article_id, [])) + 1
            found[article_id].append(related_id)
    return found


def export(address: str, given: list[Entry]) -> list[Change]:
    told: list[Change] = []
    open_target(address).write(sorted(given, key=lambda e: e.id), state="s", tell=told.extend)
    return told


def test_the_table_follows_the_index(address: str, tmp_path: Path) -> None:
    with build(tmp_path / "index", corpus(40)) as index:
        export(address, made(index))
        assert lists(address) == {key: value for key, value in wanted(index).items() if value}
        assert export(address, made(index)) == []
        index.update(
            [
                replace(corpus(40)[10], access="members"),
                replace(corpus(40)[11], title="改了标题 '\\ %s :x 😀"),
            ],
            now=NOW,
        )
        told = export(address, made(index))
        assert lists(address) == {key: value for key, value in wanted(index).items() if value}
    assert {each.kind for each in told} >= {"members", "gone"}
    with connected(address) as connection:
        titles = connection.exec_driver_sql(
            "SELECT DISTINCT title FROM related_articles WHERE related_id = 'a011'"
        ).all()
    assert [tuple(each) for each in titles] in ([], [("改了标题 '\\ %s :x 😀",)])


def made(index: Recommender) -> list[Entry]:
    return list(entries(index.related_lists(now=NOW)))


def test_hostile_ids_stay_apart(address: str) -> None:
    given = [entry(each, *HOSTILE, title="'; DROP TABLE related_articles; --") for each in HOSTILE]
    export(address, given)
    assert lists(address) == {each: list(HOSTILE) for each in HOSTILE}
    assert export(address, given) == []
    export(address, given[:3])
    assert lists(address).keys() == set(HOSTILE[:3])


def test_the_table_is_made_for_reading_by_id(address: str) -> None:
    export(address, [entry("1", "2")])
    engine = sa.create_engine(address, poolclass=sa.NullPool)
    inspector = sa.inspect(engine)
    key = inspector.get_pk_constraint("related_articles")["constrained_columns"]
    assert key == ["article_id", "rank"]
    if engine.dialect.name == "mysql":
        options = inspector.get_table_options("related_articles")
        assert options["mysql_engine"] == "InnoDB"
        assert options["mysql_default charset"] == "utf8mb4"
    engine.dispose()


def test_a_reader_sees_all_old_lists_or_all_new_ones(address: str) -> None:
    rounds = [[entry(str(each), f"r{number}") for each in range(1_500)] for number in range(3)]
    export(address, rounds[0])
    seen: list[set[tuple[object, ...]]] = []
    stop = threading.Event()

    def read() -> None:
        counted = "SELECT related_id, COUNT(*) FROM related_articles GROUP BY related_id"
        engine = sa.create_engine(address, poolclass=sa.NullPool, isolation_level="AUTOCOMMIT")
        with engine.connect() as connection:
            while not stop.is_set():
                seen.append({tuple(row) for row in connection.exec_driver_sql(counted)})
        engine.dispose()

    thread = threading.Thread(target=read)
    thread.start()
    for number in (1, 2):
        export(address, rounds[number])
    stop.set()
    thread.join()
    assert seen
    for each in seen:
        assert each in [{(f"r{number}", 1_500)} for number in range(3)]


def test_killed_half_way_nothing_has_changed(address: str) -> None:
    before = {str(each): ["old"] for each in range(1_000, 3_000)}
    export(address, [entry(key, *listed) for key, listed in before.items()])
    script = KILLED.replace('place.startswith("sqlite")', '"://" in place')
    killed = subprocess.run([sys.executable, "-c", script, address, "3"], check=False)
    assert killed.returncode == -signal.SIGKILL
    assert lists(address) == before
    after = {str(each): ["new"] for each in range(2_500)}
    export(address, [entry(key, *listed) for key, listed in after.items()])
    assert lists(address) == after


def test_what_is_not_ours_is_refused(server: Server, address: str) -> None:
    with connected(address) as connection:
        connection.exec_driver_sql("CREATE TABLE related_articles (article_id INTEGER)")
        connection.exec_driver_sql("CREATE VIEW boxes AS SELECT 1 AS article_id")
    with pytest.raises(ExportError, match="has other columns"):
        export(address, [entry("1", "2")])
    with pytest.raises(ExportError, match="it is a view"):
        open_target(address, table="boxes").write([entry("1", "2")], state="s")
    if server.kind == "mysql":
        with connected(address) as connection:
            connection.exec_driver_sql(
                "CREATE TABLE lists (article_id VARCHAR(99), `rank` INT, related_id VARCHAR(99), "
                "similarity DOUBLE, verdict VARCHAR(20), title TEXT, url TEXT) ENGINE=MyISAM"
            )
        with pytest.raises(ExportError, match="knows no transactions"):
            open_target(address, table="lists").write([entry("1", "2")], state="s")


def test_no_message_holds_the_password(server: Server) -> None:
    name = server.database().rpartition("/")[2]
    for address in (
        server.address(name, password="hidden-word"),  # noqa: S106
        server.address("nosuch_database"),
    ):
        with pytest.raises(ExportError) as raised:
            export(address, [entry("1", "2")])
        shown: BaseException | None = raised.value
        while shown is not None:
            assert "hidden-word" not in str(shown)
            assert PASSWORD not in str(shown)
            shown = shown.__cause__ or shown.__context__


def test_the_database_of_a_source(run: Run, mariadb: Server, tmp_path: Path) -> None:
    address = mariadb.database()
    make_pbootcms(address, 60)
    write_pbootcms_config(tmp_path / "site", address)
    Path("recommender.toml").write_text(
        'index = "index"\n[options]\nembedder = "hashing"\n'
        '[[sources]]\nkind = "pbootcms"\nname = "news"\nsite = "www.example.cn"\n'
        'site_folder = "site"\n'
        '[export]\nsource = "news"\ntable = "boxes"\nmin_similarity = 0.3\n'
    )
    for command in (("build",), ("export",)):
        done = run(*command)
        assert done.exit_code == 0, done.stderr
        assert PASSWORD not in done.output
    found = lists(address, "boxes")
    assert found
    with connected(address) as connection:
        ids = {str(each) for each in connection.scalars(sa.text("SELECT id FROM ay_content"))}
    # The ids of the site itself, without its name.
    assert {*found, *(each for listed in found.values() for each in listed)} <= ids
    assert "nothing changed." in run("export").stderr


def test_a_source_that_is_no_database(run: Run, tmp_path: Path) -> None:
    build(tmp_path / "index", corpus(5)).close()
    Path("recommender.toml").write_text(
        'index = "index"\n[[sources]]\nkind = "files"\nname = "export"\npaths = ["a.jsonl"]\n'
    )
    for name, told in (("export", "is no database"), ("other", "there are: export")):
        done = run("export", "--source", name)
        assert done.exit_code == 1
        assert told in done.stderr
