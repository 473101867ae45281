"""Related lists in files and tables: honest, whole at any moment, and only what differs."""

from __future__ import annotations

import json
import os
import signal
import sqlite3
import stat
import subprocess
import sys
import threading
from collections.abc import Callable, Iterator, Mapping
from contextlib import closing
from dataclasses import dataclass, replace
from datetime import timedelta
from pathlib import Path
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from recommender import ConfigError, Recommender
from recommender.errors import ExportError
from recommender.exports import Change, ChangeLog, Entry, Outcome, entries, file_name, open_target
from recommender.exports.entries import safe_url
from recommender.exports.naming import may_be_ours
from tests.helpers import NOW, article, build, corpus

Lists = dict[str, list[str]]
KINDS = ("folder", "document", "table")
HOSTILE = [
    "../../etc/passwd",
    "a/b",
    ".hidden",
    "..",
    "ABC",
    "abc",
    "Abc",
    "con",
    "a b",
    "编号 1",
    "%2e",
    "=41",
    "~x",
    "'; DROP TABLE related_articles; --",
    "x" * 512,
    "x" * 511 + "y",
    "文" * 512,
    "www.example.cn:4812",
    "\ud7ff\ue000"[:1],
    "a\u00a0b"[:1],
    'q"uote',
]


@dataclass(frozen=True)
class Place:
    """A place for lists, and how a page reads it."""

    address: str
    read: Callable[[], dict[str, list[dict[str, Any]]]]

    def export(
        self, given: Recommender | list[Entry], *, dry_run: bool = False, **options: Any
    ) -> tuple[Outcome, list[Change]]:
        told: list[Change] = []
        options.setdefault("now", NOW)
        site = options.pop("site", "")
        if isinstance(given, list):
            ordered = sorted(given, key=lambda each: each.id)
            outcome = open_target(self.address).write(
                ordered, state="s", tell=told.extend, dry_run=dry_run
            )
        else:
            with given.related_lists(**options) as lists:
                outcome = open_target(self.address).write(
                    entries(lists, site=site), state=lists.state, tell=told.extend, dry_run=dry_run
                )
        return outcome, told

    def lists(self) -> Lists:
        return {key: [each["id"] for each in value] for key, value in self.read().items()}


def read_folder(folder: Path) -> dict[str, list[dict[str, Any]]]:
    found = {}
    for path in folder.glob("*.json"):
        data = json.loads(path.read_text("utf-8"))
        assert path.name == file_name(data["article"]["id"])
        found[data["article"]["id"]] = [*data["items"], *data["filler"]]
    return found


def read_document(path: Path) -> dict[str, list[dict[str, Any]]]:
    if not path.exists():
        return {}
    lists = json.loads(path.read_text("utf-8"))["lists"]
    return {key: [*value["items"], *value["filler"]] for key, value in lists.items()}


def read_table(path: Path) -> dict[str, list[dict[str, Any]]]:
    with closing(sqlite3.connect(path)) as database:
        database.row_factory = sqlite3.Row
        try:
            rows = database.execute(
                "SELECT related_id AS id, * FROM related_articles ORDER BY article_id, rank"
            ).fetchall()
        except sqlite3.OperationalError:
            return {}
    found: dict[str, list[dict[str, Any]]] = {}
    for row in rows:
        assert row["rank"] == len(found.setdefault(row["article_id"], [])) + 1
        found[row["article_id"]].append(dict(row))
    return found


def place_of(kind: str, folder: Path) -> Place:
    if kind == "folder":
        return Place(f"{folder}/related", lambda: read_folder(folder / "related"))
    if kind == "document":
        return Place(f"{folder}/related.json", lambda: read_document(folder / "related.json"))
    path = folder / "site.db"
    with closing(sqlite3.connect(path)) as database:
        database.execute("CREATE TABLE IF NOT EXISTS ay_content (id INTEGER)")
    return Place(f"sqlite:///{path}", lambda: read_table(path))


@pytest.fixture(params=KINDS)
def place(request: pytest.FixtureRequest, tmp_path: Path) -> Place:
    return place_of(request.param, tmp_path)


@pytest.fixture
def index(tmp_path: Path) -> Iterator[Recommender]:
    with build(tmp_path / "index", [*corpus(40), article("alone", body="短。", title="")]) as built:
        yield built


def wanted(index: Recommender, **options: Any) -> Lists:
    options.setdefault("now", NOW)
    return {
        card.id: [match.article.id for match in matches]
        for card, matches in index.related_lists(**options)
    }


def entry(article_id: str, *related: str, title: str = "题", **changes: Any) -> Entry:
    items = tuple(
        {
            "id": each,
            "title": f"{title} {each}",
            "url": f"https://news.example/{each}",
            "date": None,
            "similarity": 0.6,
            "verdict": "related",
            "also_covered": [],
        }
        for each in related
    )
    return replace(Entry(id=article_id, url=f"/{article_id}.html", items=items), **changes)


def test_every_list_is_what_the_index_says(place: Place, index: Recommender) -> None:
    outcome, told = place.export(index)
    expected = wanted(index)
    found = place.lists()
    assert {key: value for key, value in found.items() if value} == {
        key: value for key, value in expected.items() if value
    }
    if not place.address.startswith("sqlite"):
        assert found.keys() == expected.keys()
    assert (outcome.lists, outcome.empty) == (41, sum(not each for each in expected.values()))
    assert {each.kind for each in told} == {"new"}
    for key, listed in place.read().items():
        for shown, match in zip(listed, index.related(key, now=NOW), strict=True):
            assert shown["title"] == match.article.title
            assert shown["url"] == match.article.url
            assert shown["similarity"] == match.similarity
            assert shown["verdict"] == str(match.verdict)


def test_nothing_is_written_where_nothing_changed(
    place: Place, index: Recommender, tmp_path: Path
) -> None:
    place.export(index)
    before = snapshot_of(tmp_path)
    # Another state of the index with the same lists.
    index.update([article("alone", body="短。", title="", source="别处")], now=NOW)
    outcome, told = place.export(index)
    assert (outcome.pages, outcome.numbers, told) == (0, 0, [])
    assert snapshot_of(tmp_path) == before


def snapshot_of(folder: Path) -> Mapping[str, tuple[int, int]]:
    return {
        str(path): (path.stat().st_ino, path.stat().st_mtime_ns)
        for path in folder.rglob("*")
        if path.is_file() and "index" not in path.parts and path.name != ".recommender-export"
    }


def test_only_lists_that_differ_are_told(place: Place, index: Recommender) -> None:
    place.export(index)
    before = wanted(index)
    index.remove(["a005"])
    index.update([replace(corpus(40)[10], url="https://news.example/moved")], now=NOW)
    after = wanted(index)
    outcome, told = place.export(index)
    members = {key for key in after if set(before[key]) != set(after[key])}
    assert {each.id for each in told if each.kind in ("new", "members")} == members
    assert {each.id for each in told if each.kind == "gone"} == {"a005"}
    moved = {key for key in after if "a010" in after[key]} - members
    assert moved <= {each.id for each in told if each.kind == "shown"}
    assert outcome.changed == len(members) + 1
    assert outcome.pages == len(told)
    assert len(told) < len(after)
    shown = [item for listed in place.read().values() for item in listed if item["id"] == "a010"]
    assert {each["url"] for each in shown} == {"https://news.example/moved"}
    assert place.export(index)[1] == []


@pytest.mark.parametrize(
    "change",
    [
        {"access": "members"},
        {"access": "hidden"},
        {"visible_until": NOW},
        {"visible_from": NOW + timedelta(minutes=5)},
        None,
    ],
    ids=["members", "password", "expired", "embargo", "withdrawn"],
)
def test_what_readers_may_not_see_is_in_no_list(
    place: Place, index: Recommender, change: dict[str, Any] | None
) -> None:
    place.export(index)
    before = place.lists()
    assert any("a010" in listed for listed in before.values())
    if change is None:
        index.remove(["a010"])
    else:
        index.update([replace(corpus(40)[10], **change)], now=NOW)
    _, told = place.export(index)
    after = place.lists()
    assert "a010" not in after
    assert not any("a010" in listed for listed in after.values())
    assert not any("a010" in each["also_covered"] for each in extras(place))
    assert {key for key, listed in before.items() if "a010" in listed} <= {e.id for e in told}
    place.export(index, now=NOW + timedelta(minutes=5))
    # Only an embargo ends by the clock alone.
    lifted = change is not None and "visible_from" in change
    assert any("a010" in listed for listed in place.lists().values()) is lifted
    assert ("a010" in place.lists()) is lifted


def extras(place: Place) -> list[dict[str, Any]]:
    return [each for listed in place.read().values() for each in listed if "also_covered" in each]


def test_an_article_expires_by_the_clock_alone(place: Place, index: Recommender) -> None:
    index.update([replace(corpus(40)[10], visible_until=NOW + timedelta(hours=1))], now=NOW)
    place.export(index)
    assert "a010" in place.lists()
    place.export(index, now=NOW + timedelta(hours=1))
    assert "a010" not in place.lists()
    assert not any("a010" in listed for listed in place.lists().values())


def test_an_alias_is_listed_once_and_never_beside_itself(place: Place, index: Recommender) -> None:
    index.update([replace(corpus(40)[10], id="alias", url="/alias")], now=NOW)
    place.export(index)
    for article_id, listed in place.lists().items():
        assert not {"a010", "alias"} <= {article_id, *listed}
    assert any({"a010", "alias"} & set(listed) for listed in place.lists().values())


def test_a_dry_run_tells_the_same_and_writes_nothing(
    place: Place, index: Recommender, tmp_path: Path
) -> None:
    before = snapshot_of(tmp_path)
    planned = place.export(index, dry_run=True)
    assert snapshot_of(tmp_path) == before
    assert place.export(index) == planned
    index.remove(["a010"])
    before = snapshot_of(tmp_path)
    planned = place.export(index, dry_run=True)
    assert planned[0].gone == 1
    assert snapshot_of(tmp_path) == before
    assert place.export(index) == planned


def test_hostile_ids_titles_and_addresses(place: Place) -> None:
    title = "</script><script>alert(1)</script> & \u2028 '; DROP TABLE x; --"
    given = [entry(each, *HOSTILE[:3], title=title) for each in dict.fromkeys(HOSTILE)]
    place.export(given)
    found = place.read()
    assert found.keys() == set(HOSTILE)
    for listed in found.values():
        assert [each["id"] for each in listed] == HOSTILE[:3]
        assert listed[0]["title"] == f"{title} {HOSTILE[0]}"
    assert place.export(given)[1] == []
    place.export(given[:2])
    assert place.lists().keys() == {each.id for each in given[:2]}


def test_filler_is_apart_from_what_matches(place: Place, index: Recommender) -> None:
    place.export(index, fill="latest")
    listed = place.read()["alone"]
    assert [each["id"] for each in listed] == ["a039", "a038", "a037", "a036", "a035"]
    assert all(each.get("similarity") is None for each in listed)
    assert {each.get("why", each.get("verdict")) for each in listed} == {"latest"}


def test_ids_of_one_site_are_written_as_the_site_knows_them(place: Place, tmp_path: Path) -> None:
    articles = [
        replace(each, id=f"{site}:{number}", site=site)
        for number, each in enumerate(corpus(30))
        for site in ("cn", "hk")[number % 2 :][:1]
    ]
    with build(tmp_path / "sites", articles) as index:
        place.export(index, site="cn", sites=("cn",), same_site=True)
        found = {key: value for key, value in place.lists().items() if value}
    assert found
    assert set(found) <= {str(number) for number in range(0, 30, 2)}
    assert all(int(each) % 2 == 0 for listed in found.values() for each in listed)


def test_similarities_alone_change_no_page(place: Place) -> None:
    first = entry("1", "2", "3")
    place.export([first])
    other = replace(first, items=tuple({**each, "similarity": 0.61} for each in first.items))
    outcome, told = place.export([other])
    assert (outcome.numbers, outcome.pages, told) == (1, 0, [])
    assert {each["similarity"] for each in place.read()["1"]} == {0.61}
    turned = replace(other, items=other.items[::-1])
    assert [each.kind for each in place.export([turned])[1]] == ["shown"]


# Names of files.


@given(st.lists(st.text(min_size=1, max_size=512), min_size=2, max_size=2, unique=True))
def test_file_names_are_safe_and_each_id_has_its_own(ids: list[str]) -> None:
    names = [file_name(each) for each in ids]
    assert names[0].lower() != names[1].lower()
    for name in names:
        assert may_be_ours(name)
        assert len(os.fsencode(name)) <= 255
        assert not name.startswith(".")
        assert "/" not in name
        assert name == name.lower()
        assert name.isascii()


def test_simple_ids_stay_simple() -> None:
    assert file_name("4812") == "4812.json"
    assert file_name("cms-4812_b.html") == "cms-4812_b.html.json"
    assert file_name("www.example.cn:4812") == "www.example.cn=3a4812.json"
    assert file_name(".A/é") == "=2e=41=2f=c3=a9.json"
    assert file_name("x" * 201).startswith("~")


def test_addresses_that_are_not_of_the_web_are_left_out() -> None:
    assert safe_url("https://news.example/1?a=b") == "https://news.example/1?a=b"
    assert safe_url("/news/1.html") == "/news/1.html"
    for url in (
        "javascript:alert(1)",
        "JAVASCRIPT:x",
        "java\tscript:x",
        "data:text/html,x",
        "\x01",
    ):
        assert safe_url(url) == ""
    assert safe_url("http://[x") == ""


# The folder.


def test_files_of_others_are_never_touched(tmp_path: Path) -> None:
    place = place_of("folder", tmp_path)
    folder = tmp_path / "related"
    (folder / "sub.json").mkdir(parents=True)
    others = {"package.json": b"{}", "notes.txt": b"x", ".htaccess": b"y", ".x.json.tmp": b"z"}
    others |= {"torn.json": b'{"generator":"recommender",', ".a.json.0badcafe.tmp": b"left"}
    for name, data in others.items():
        (folder / name).write_bytes(data)
    target = tmp_path / "elsewhere.txt"
    target.write_text("kept")
    (folder / "2.json").symlink_to(target)
    place.export([entry("1", "3"), entry("3", "1")])
    place.export([entry("3")])
    left = {path.name: path.read_bytes() for path in folder.iterdir() if path.is_file()}
    assert left.pop("3.json").startswith(b'{"generator"')
    left.pop(".recommender-export")
    others.pop(".a.json.0badcafe.tmp")  # what a killed export leaves
    assert left == {**others, "2.json": b"kept"}
    with pytest.raises(ExportError, match=r"package\.json is in the way"):
        place.export([entry("package", "1"), entry("3")])
    with pytest.raises(ExportError, match=r"2\.json is in the way"):
        place.export([entry("2", "1")])
    assert (folder / "package.json").read_bytes() == b"{}"
    assert target.read_text() == "kept"


def test_files_can_be_read_by_the_web_server(tmp_path: Path) -> None:
    for kind, path in (("folder", "related/1.json"), ("document", "related.json")):
        place_of(kind, tmp_path).export([entry("1", "2")])
        assert stat.S_IMODE((tmp_path / path).stat().st_mode) == 0o666 & ~umask()


def umask() -> int:
    mask = os.umask(0)
    os.umask(mask)
    return mask


def test_json_may_stand_inside_a_page(tmp_path: Path) -> None:
    hostile = entry("1", "2", title="</script><!-- &\u2029")
    for kind, path in (("folder", "related/1.json"), ("document", "related.json")):
        place_of(kind, tmp_path).export([hostile])
        written = (tmp_path / path).read_text("utf-8")
        assert not set("<>&\u2028\u2029") & set(written)


def test_two_exports_into_one_folder_do_not_mix(tmp_path: Path) -> None:
    place = place_of("folder", tmp_path)
    failed: list[ExportError] = []

    def other() -> None:
        try:
            place.export([entry("2")])
        except ExportError as error:
            failed.append(error)

    def slowly() -> Iterator[Entry]:
        yield entry("1")
        thread = threading.Thread(target=other)
        thread.start()
        thread.join()

    open_target(place.address).write(slowly(), state="s")
    assert "another export is writing" in str(failed[0])
    assert place.lists() == {"1": []}


KILLED = """
import os, signal, sys
from pathlib import Path
from recommender.exports import open_target
from tests.test_exports import entry

place, when, ids = sys.argv[1], int(sys.argv[2]), range(2500)
done = 0

def counted(original):
    def call(*arguments, **named):
        global done
        done += 1
        if done == when:
            os.kill(os.getpid(), signal.SIGKILL)
        return original(*arguments, **named)
    return call

if place.startswith("sqlite"):
    import sqlalchemy
    def kill(connection, cursor, statement, *rest):
        counted(lambda: None)() if statement.startswith("INSERT") else None
    sqlalchemy.event.listen(sqlalchemy.Engine, "after_cursor_execute", kill)
else:
    Path.replace = counted(Path.replace)
new = sorted((entry(str(each), "new") for each in ids), key=lambda each: each.id)
open_target(place).write(new, state="new")
"""


@pytest.mark.parametrize("when", [1, 700, 1_400])
def test_killed_half_way_each_list_is_whole_and_the_next_run_finishes(
    place: Place, when: int
) -> None:
    if not place.address.endswith("/related"):
        when = min(when, 1 if place.address.endswith(".json") else 3)
    before = {str(each): ["old"] for each in range(1_000, 3_000)}
    place.export([entry(key, *listed) for key, listed in before.items()])
    killed = subprocess.run([sys.executable, "-c", KILLED, place.address, str(when)], check=False)
    assert killed.returncode == -signal.SIGKILL
    after = {str(each): ["new"] for each in range(2_500)}
    found = place.lists()
    mixed = place.address.endswith("/related")
    if not mixed:
        assert found == before
    for key, listed in found.items():
        assert listed in (before.get(key), after.get(key))
    if mixed and when > 1:
        assert sum(listed == ["new"] for listed in found.values()) == when - 1
    _, told = place.export([entry(key, *listed) for key, listed in after.items()])
    assert place.lists() == after
    assert {each.id for each in told} == {
        key for key in {**before, **after} if found.get(key) != after.get(key)
    }
    folder = Path(place.address.removeprefix("sqlite:///"))
    assert not list(folder.parent.rglob("*.tmp"))


# The table.


def test_a_reader_sees_all_old_lists_or_all_new_ones(tmp_path: Path) -> None:
    place = place_of("table", tmp_path)
    rounds = [[entry(str(each), f"r{number}") for each in range(3_000)] for number in range(4)]
    place.export(rounds[0])
    seen: list[set[tuple[str, int]]] = []
    stop = threading.Event()

    def read() -> None:
        with closing(sqlite3.connect(tmp_path / "site.db", timeout=60)) as database:
            while not stop.is_set():
                counted = "SELECT related_id, COUNT(*) FROM related_articles GROUP BY 1"
                seen.append(set(database.execute(counted)))

    thread = threading.Thread(target=read)
    thread.start()
    for number in range(1, 4):
        place.export(rounds[number])
    stop.set()
    thread.join()
    assert seen
    for each in seen:
        assert each in [{(f"r{number}", 3_000)} for number in range(4)]


def test_a_reader_of_sqlite_is_not_kept_waiting_while_lists_are_made(tmp_path: Path) -> None:
    place = place_of("table", tmp_path)
    place.export([entry("1", "2")])

    def slowly() -> Iterator[Entry]:
        yield entry("1", "3")
        with closing(sqlite3.connect(tmp_path / "site.db", timeout=0)) as database:
            # The site reads and writes as ever.
            assert database.execute("SELECT related_id FROM related_articles").fetchall()
            database.execute("INSERT INTO ay_content VALUES (1)")
            database.commit()

    open_target(place.address).write(slowly(), state="s")
    assert place.lists() == {"1": ["3"]}


def test_a_table_of_somebody_else_is_refused(tmp_path: Path) -> None:
    place = place_of("table", tmp_path)
    for statement in (
        "CREATE TABLE related_articles (article_id TEXT, other_id TEXT)",
        "CREATE VIEW related_articles AS SELECT 1 AS article_id",
    ):
        with closing(sqlite3.connect(tmp_path / "site.db")) as database:
            database.execute(statement)
        with pytest.raises(ExportError, match="name another"):
            place.export([entry("1", "2")])
        with closing(sqlite3.connect(tmp_path / "site.db")) as database:
            assert not database.execute("SELECT * FROM related_articles").fetchall()[1:]
            kind = statement.split()[1]
            database.execute(f"DROP {kind} related_articles")


def test_a_database_that_is_not_there_is_not_made(tmp_path: Path) -> None:
    for name in ("none.db", "", ":memory:"):
        address = f"sqlite:///{tmp_path / name}" if name == "none.db" else f"sqlite:///{name}"
        with pytest.raises(ExportError, match="no SQLite database"):
            open_target(address)
    assert not (tmp_path / "none.db").exists()


@pytest.mark.parametrize(
    "address",
    [
        "postgresql://writer:s3cr%2Fet@127.0.0.1:9/site",
        "mysql://writer:s3cr%2Fet@127.0.0.1:9/site",
        "mysql://writer:s3cr/et@127.0.0.1:x/site",
        "nosuch://writer:s3cr%2Fet@127.0.0.1/site",
        "mysql://writer:x@s3cret@127.0.0.1/site",
        "postgresql://127.0.0.1:9/site?password=s3cr/et&connect_timeout=2",
    ],
)
def test_no_message_holds_a_password(address: str) -> None:
    with pytest.raises((ExportError, ConfigError)) as raised:
        open_target(address).write([entry("1", "2")], state="s")
    shown: BaseException | None = raised.value
    while shown is not None:
        assert "s3cr" not in str(shown)
        shown = shown.__cause__ or shown.__context__


# What must be made anew.


def test_changes_are_added_to_what_was_not_worked_off(tmp_path: Path) -> None:
    log = tmp_path / "changes.jsonl"
    place = place_of("folder", tmp_path)
    for each in ([entry("1", "2")], [entry("2", "1")]):
        with ChangeLog(log) as tell:
            open_target(place.address).write(each, state="s", tell=tell)
    assert [json.loads(line) for line in log.read_text("utf-8").splitlines()] == [
        {"id": "1", "url": "/1.html", "change": "new"},
        {"id": "2", "url": "/2.html", "change": "new"},
        {"id": "1", "url": "/1.html", "change": "gone"},
    ]


def test_changes_are_on_disk_before_a_list_is_replaced(place: Place) -> None:
    place.export([entry("1", "2")])
    before = place.read()

    def tell(changes: Any) -> None:
        if changes:
            assert place.read() == before
            raise ExportError("full")

    with pytest.raises(ExportError, match="full"):
        open_target(place.address).write([entry("1", "3")], state="s", tell=tell)
    assert place.read() == before
