"""`recommender export`: where lists go, what is said of it, and that no password is ever shown."""

from __future__ import annotations

import fcntl
import json
import sqlite3
from collections.abc import Callable
from contextlib import closing
from dataclasses import replace
from datetime import datetime, timedelta, timezone
from pathlib import Path

import pytest
from click.testing import Result

from recommender import Recommender
from tests.helpers import build, corpus

Run = Callable[..., Result]


@pytest.fixture
def ready(run: Run, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Run:
    build(tmp_path / "index", corpus(40)).close()
    monkeypatch.setenv("RECOMMENDER_INDEX", "index")
    return run


def files(folder: str = "related") -> dict[str, list[str]]:
    return {
        path.stem: [item["id"] for item in json.loads(path.read_text("utf-8"))["items"]]
        for path in Path(folder).glob("*.json")
    }


def test_the_folder_holds_what_related_says(ready: Run) -> None:
    done = ready("export", "related/")
    assert done.exit_code == 0, done.stderr
    assert done.stdout == ""
    assert "related: 40 lists" in done.stderr
    assert "40 new." in done.stderr
    with Recommender.open("index") as index:
        assert files() == {
            f"a{number:03d}": [match.article.id for match in index.related(f"a{number:03d}")]
            for number in range(40)
        }
    again = ready("export", "related/")
    assert "nothing changed." in again.stderr
    assert ready("--quiet", "export", "related/").output == ""


def test_settings_say_where_and_what(ready: Run, tmp_path: Path) -> None:
    (tmp_path / "site").mkdir()
    settings = tmp_path / "site" / "recommender.toml"
    settings.write_text(
        '[export]\nto = "boxes.json"\nlimit = 2\nmin_similarity = 0.55\nfill = "latest"\n'
    )
    done = ready("--config", "site/recommender.toml", "export")
    assert done.exit_code == 0, done.stderr
    lists = json.loads((tmp_path / "site" / "boxes.json").read_text("utf-8"))["lists"]
    assert all(len(each["items"]) + len(each["filler"]) == 2 for each in lists.values())
    # The command line wins over the file.
    done = ready("--config", "site/recommender.toml", "export", "related/", "-n", "1")
    assert done.exit_code == 0, done.stderr
    assert max(map(len, files().values())) == 1


def test_a_table_of_the_sites_own_database(ready: Run, monkeypatch: pytest.MonkeyPatch) -> None:
    with closing(sqlite3.connect("site.db")) as database:
        database.execute("CREATE TABLE ay_content (id INTEGER)")
    monkeypatch.setenv("SITE_DATABASE", "sqlite:///site.db")
    done = ready("export", "--url-env", "SITE_DATABASE", "--table", "boxes")
    assert done.exit_code == 0, done.stderr
    assert "table boxes of site.db: 40 lists" in done.stderr
    Path("recommender.toml").write_text('[export]\nto = "sqlite:///site.db"\ntable = "boxes"\n')
    assert "nothing changed." in ready("export").stderr
    with closing(sqlite3.connect("site.db")) as database:
        found = database.execute(
            "SELECT related_id FROM boxes WHERE article_id = 'a000' ORDER BY rank"
        ).fetchall()
    with Recommender.open("index") as index:
        assert [each for (each,) in found] == [m.article.id for m in index.related("a000")]


def test_the_clock_takes_articles_away_and_brings_them(ready: Run) -> None:
    now = datetime.now(timezone.utc)
    with Recommender.open("index") as index:
        index.update(
            [
                replace(corpus(40)[10], visible_from=now + timedelta(days=1)),
                replace(corpus(40)[11], visible_from=now - timedelta(seconds=1)),
                replace(corpus(40)[12], visible_until=now - timedelta(seconds=1)),
            ]
        )
    ready("export", "related/")
    assert files().keys() == {f"a{number:03d}" for number in range(40)} - {"a010", "a012"}
    listed = {each for found in files().values() for each in found}
    assert "a011" in listed
    assert not {"a010", "a012"} & listed


def test_changes_and_dry_runs(ready: Run) -> None:
    ready("export", "related/")
    with Recommender.open("index") as index:
        index.remove(["a010"])
    planned = ready("export", "related/", "--dry-run", "--changes", "changes.jsonl")
    assert "1 removed" in planned.stderr
    assert "(nothing was written)" in planned.stderr
    assert not Path("changes.jsonl").exists()
    assert "a010" in files()
    ready("export", "related/", "--changes", "changes.jsonl")
    assert "a010" not in files()
    lines = [json.loads(line) for line in Path("changes.jsonl").read_text("utf-8").splitlines()]
    assert {"id": "a010", "url": "https://news.example/a010", "change": "gone"} in lines
    assert all(each["change"] == "members" for each in lines if each["id"] != "a010")


@pytest.mark.parametrize(
    ("arguments", "told"),
    [
        ((), "no place is named"),
        (("mysql://user:hidden-word@host/site",), "environment variable"),
        (("--url-env", "NOT_SET"), "NOT_SET is not set"),
        (("--url-env", "mysql://user:hidden-word@host/site"), "the name of an environment"),
        (("--url-env", "WRONG"), "holds no address"),
        (("sqlite:///none.db",), "no SQLite database"),
        (("related/", "--table", "a b"), "letters, digits"),
        (("related/", "--url-env", "WRONG"), "one place only"),
        (("index/articles.sqlite/x",), "cannot write"),
        (("related/", "--changes", "nowhere/x.jsonl"), "no folder nowhere"),
    ],
)
def test_what_cannot_be_is_said_in_a_line(
    ready: Run, monkeypatch: pytest.MonkeyPatch, arguments: tuple[str, ...], told: str
) -> None:
    monkeypatch.setenv("WRONG", "hidden-word")
    done = ready("export", *arguments)
    assert done.exit_code in (1, 2)
    assert told in " ".join(done.stderr.split())
    assert "hidden-word" not in done.output


@pytest.mark.parametrize(
    "line",
    [
        'to = "related/"\nurl_env = "SITE"',
        'to = "mysql://user:hidden-word@host/site"',
        "limit = 0",
        'limit = "5"',
        "min_similarity = 1.5",
        'fill = "newest"',
        'table = "a;b"',
        'url_env = "A-B"',
        "to = 5",
        'same_site = "yes"',
        'password = "hidden-word"',
    ],
)
def test_settings_that_are_wrong_are_refused(run: Run, line: str) -> None:
    Path("recommender.toml").write_text(f"[export]\n{line}\n")
    done = run("export", "-i", "index")
    assert done.exit_code == 1
    assert "recommender.toml: " in done.stderr
    assert "[export]" in done.stderr
    assert "hidden-word" not in done.stderr


def sited(place: Path) -> None:
    """An index of two sites and articles without one."""
    articles = [
        replace(each, id=f"{site}:{each.id}" if site else each.id, site=site)
        for number, each in enumerate(corpus(30))
        for site in [("", "a.example", "b.example")[number % 3]]
    ]
    build(place / "two", articles).close()


def test_a_site_that_is_not_there_is_an_error_and_no_empty_export(run: Run, tmp_path: Path) -> None:
    sited(tmp_path)
    assert run("export", "related/", "-i", "two").exit_code == 0
    before = sorted(path.name for path in Path("related").iterdir())
    done = run("export", "related/", "-i", "two", "--site", "a.exampel")
    assert done.exit_code == 1
    assert "a.example (10), b.example (10), 10 articles without a site" in done.stderr
    assert sorted(path.name for path in Path("related").iterdir()) == before


@pytest.mark.parametrize("to", ["related/", "related.json", "sqlite:///related.db"])
def test_an_export_does_not_take_out_what_another_one_made(
    run: Run, tmp_path: Path, to: str
) -> None:
    sited(tmp_path)
    sqlite3.connect(tmp_path / "related.db").close()
    assert run("export", to, "-i", "two").exit_code == 0
    for more in ((), ("--dry-run",)):
        done = run("export", to, "-i", "two", "--site", "b.example", *more)
        assert done.exit_code == 1, done.output
        assert "would be removed, and the article is public" in done.stderr
    again = run("export", to, "-i", "two")
    if to != "related/":  # there new lists were written before it stopped, and none was removed
        assert "removed" not in again.stderr
    assert "new" not in again.stderr
    assert "30 lists" in again.stderr
    forced = run("export", to, "-i", "two", "--site", "b.example", "--force")
    assert "10 lists" in forced.stderr
    # Its own withdrawn articles go as always.
    with Recommender.open("two", embedder="hashing") as index:
        index.update(
            [replace(corpus(30)[2], id="b.example:a002", site="b.example", access="hidden")]
        )
    assert "1 removed" in run("export", to, "-i", "two", "--site", "b.example").stderr


@pytest.mark.parametrize("to", ["-", "out.db", "README.txt"])
def test_names_that_are_no_folders_are_refused(ready: Run, to: str) -> None:
    done = ready("export", to)
    assert (done.exit_code, Path(to).exists()) == (1, False)
    assert "no place for lists" in done.stderr


def test_a_second_export_at_once_ends_well(ready: Run) -> None:
    ready("export", "related/")
    with (Path("related") / ".recommender-export").open("ab") as lock:
        fcntl.flock(lock, fcntl.LOCK_EX)
        done = ready("export", "related/")
        assert (done.exit_code, "another export is writing" in done.stderr) == (0, True)
        assert ready("export", "related/", "--quiet").output == ""


def test_quiet_says_nothing_when_nothing_changed(ready: Run) -> None:
    assert "new" in ready("export", "related/", "-q").stderr
    assert ready("export", "related/", "-q").output == ""
