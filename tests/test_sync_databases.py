"""`recommender sync` on the database of a site: what editors do there arrives, and nothing else."""

from __future__ import annotations

from collections.abc import Callable
from datetime import datetime, timedelta
from pathlib import Path

import pytest
from click.testing import Result

from recommender import Recommender

cms_sites = pytest.importorskip("tests.cms_sites", reason="needs sources of databases")

Run = Callable[..., Result]

SETTINGS = """
index = "idx"
[options]
embedder = "hashing"
timezone = "Asia/Shanghai"
[[sources]]
kind = "pbootcms"
site = "www.example.cn"
url_env = "SITE_DATABASE"
"""


@pytest.fixture(
    params=[
        "sqlite",
        pytest.param("mariadb", marks=[pytest.mark.slow, pytest.mark.database]),
    ]
)
def database(
    request: pytest.FixtureRequest, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> str:
    if request.param == "sqlite":
        address = f"sqlite:///{tmp_path}/site.db"
    else:
        address = request.getfixturevalue("mariadb").database()
    monkeypatch.setenv("SITE_DATABASE", address)
    (tmp_path / "recommender.toml").write_text(SETTINGS, "utf-8")
    return address


@pytest.mark.parametrize("stored", ["escaped", "raw"])
def test_a_site_is_followed(run: Run, database: str, stored: str, tmp_path: Path) -> None:
    cms_sites.make_pbootcms(database, 40, stored=stored)
    first = run("sync")
    assert "40 added (40 embedded); 40 articles." in first.stderr
    assert run("sync", "--quiet").output == ""
    # A reader's visit is no edit.
    cms_sites.change(database, "ay_content", 5, visits=5)
    assert "embedded" not in run("sync").stderr
    title, body = cms_sites.text_of(900)
    cms_sites.change(database, "ay_content", 7, title=title, content=body)
    later = datetime.now() + timedelta(days=3)
    cms_sites.change(database, "ay_content", 8, date=f"{later:%Y-%m-%d %H:%M:%S}")
    cms_sites.change(database, "ay_content", 9, status="0")
    cms_sites.change(database, "ay_content", 10, gid="2")
    cms_sites.change(database, "ay_content", 11, scode="4")
    cms_sites.change(database, "ay_content", 12, outlink="https://elsewhere.example/")
    cms_sites.delete(database, "ay_content", 13)
    cms_sites.add(database, "ay_content", [{"id": 41, **cms_sites.content_row(41)}])
    said = run("sync").stderr
    assert "1 added, 4 updated (2 of them only in what is shown" in said
    assert "3 removed, 33 unchanged (2 embedded); 38 articles, 3 of them not public now." in said
    with Recommender.open(tmp_path / "idx") as index:
        assert index.get("www.example.cn:7").title == title
        now = datetime.now().astimezone()
        for number, there in ((7, True), (8, False), (10, False), (11, False), (41, True)):
            assert index.get(f"www.example.cn:{number}").is_public(now) is there
        assert index.get("www.example.cn:8").is_public(now + timedelta(days=4))
        for number in (9, 12, 13):
            assert f"www.example.cn:{number}" not in index
        assert index.verify() == []
    assert run("sync", "--quiet").output == ""


def test_a_query_that_breaks_stops_the_sync(run: Run, database: str) -> None:
    cms_sites.make_pbootcms(database, 40)
    run("sync")
    with cms_sites.connected(database) as connection:
        connection.exec_driver_sql("UPDATE ay_content SET status = '0' WHERE id > 12")
    stopped = run("sync")
    assert stopped.exit_code == 1
    assert "no longer gives 28 of the 40" in stopped.stderr
    with cms_sites.connected(database) as connection:
        connection.exec_driver_sql("UPDATE ay_content SET status = '1', content = ''")
    assert "one and the same text, or none, for 40 of the 40" in run("sync").stderr
    with cms_sites.connected(database) as connection:
        connection.exec_driver_sql("DROP TABLE ay_content")
    gone = run("sync")
    assert gone.exit_code == 1
    assert "was left as it is" in gone.stderr
    assert "p@ss" not in gone.output
