"""Disks that are full, folders and files without rights, other users, locks, clocks, mounts."""

from __future__ import annotations

import os
import resource
import shutil
import signal
import sqlite3
import subprocess
import time
from collections.abc import Callable, Iterator
from contextlib import closing, contextmanager
from datetime import timedelta
from pathlib import Path

import pytest

from recommender import Article, Recommender
from recommender.errors import IndexCorrupt, IndexLocked, IndexMissing, IndexStoreError
from recommender.filesystem import network_kind
from recommender.store import Store, Writer
from tests.campaigns.common import Outcome, all_answers, in_child, made, problems, warm_up
from tests.campaigns.common import build as build_small
from tests.campaigns.soak import soak
from tests.helpers import NOW, article, build, corpus

root = pytest.mark.skipif(os.geteuid() != 0, reason="only root can become another user")
OWNER, READER, GROUP = 61_001, 61_002, 61_000


def as_user(user: int, groups: list[int], action: Callable[[], object]) -> Outcome:
    """An action in a child of another user, with that umask a careful system sets."""

    def run() -> object:
        os.setgroups(groups)
        os.setgid(groups[0])
        os.setuid(user)
        os.umask(0o077)
        return action()

    return in_child(run)


def opened_to_all(folder: Path) -> Path:
    """A folder that other users reach."""
    for place in (folder, *folder.parents):
        if place != Path("/") and place.stat().st_uid == 0:
            place.chmod(place.stat().st_mode | 0o055)
    return folder


def updated(folder: Path, number: int = 1) -> None:
    with Recommender.open(folder) as index:
        index.update([article(f"new{number}", "雨", 70 + number)], now=NOW)


def related(folder: Path) -> list[str]:
    with Recommender.open(folder) as index:
        return [match.article.id for match in index.related("a001", min_similarity=0.0, now=NOW)]


@contextmanager
def small_disk(folder: Path, size: str) -> Iterator[bool]:
    """A disk of a few megabytes at a folder, where this process may mount one."""
    folder.mkdir()
    mount = ["mount", "-t", "tmpfs", "-o", f"size={size}", "none", str(folder)]
    mounted = (
        bool(shutil.which("mount")) and not subprocess.run(mount, capture_output=True).returncode
    )
    try:
        yield mounted
    finally:
        if mounted:
            subprocess.run(["umount", str(folder)], check=True)


@pytest.mark.slow
def test_a_full_disk_leaves_the_index_as_it_was(tmp_path: Path) -> None:
    place = tmp_path / "disk"
    with small_disk(place, "1500k") as mounted:
        folder = place / "index"
        build(folder, corpus(20)).close()
        before = related(folder)

        def fill() -> None:
            if not mounted:
                # No disk of our own: a limit on the size of files is nearly as tight.
                size = (folder / "articles.sqlite").stat().st_size
                resource.setrlimit(resource.RLIMIT_FSIZE, (size // 4, size // 4))
                signal.signal(signal.SIGXFSZ, signal.SIG_IGN)
            build(folder, corpus(120)).close()

        outcome = in_child(fill)
        assert "IndexStoreError" in outcome.error, outcome
        assert "again" in outcome.error
        assert related(folder) == before
        assert problems(folder) == []
        updated(folder)
        assert problems(folder) == []


@root
def test_who_may_not_write_can_read_and_is_told_so(tmp_path: Path) -> None:
    folder = opened_to_all(tmp_path) / "index"
    warm_up()
    build(folder, corpus(10)).close()
    folder.chmod(0o755)
    for file in folder.iterdir():
        file.chmod(0o644)
    expected = related(folder)
    assert as_user(READER, [READER], lambda: related(folder)).value == expected
    for change in (
        lambda: updated(folder),
        lambda: build_small(folder, [made("a01")]),
        lambda: build_small(folder.parent / "elsewhere", [made("a01")]),
    ):
        refused = as_user(READER, [READER], change)
        assert refused.error.startswith("recommender.errors.IndexStoreError"), refused
        assert "user who owns" in refused.error or "rights" in refused.error
    assert related(folder) == expected
    assert problems(folder) == []


@root
@pytest.mark.parametrize("what", ["folder", "database"])
def test_who_may_not_write_is_told_so_before_the_work(tmp_path: Path, what: str) -> None:
    folder = opened_to_all(tmp_path) / "index"
    warm_up()
    build(folder, corpus(10)).close()
    folder.chmod(0o777 if what == "database" else 0o755)
    for file in folder.iterdir():
        file.chmod(0o644 if file.name == "articles.sqlite" else 0o666)
    named = folder if what == "folder" else folder / "articles.sqlite"

    def change() -> None:
        def articles() -> Iterator[Article]:
            raise AssertionError("nothing is to be read")
            yield

        with Recommender.open(folder) as index:
            index.update(articles(), now=NOW)

    refused = as_user(READER, [READER], change)
    said = str(refused.error)
    assert said.startswith(f"recommender.errors.IndexStoreError: {named}: you may not write to it")
    assert " belongs to root:root " in said
    assert said.endswith("nothing was changed; run this as the user who owns the index")


@root
def test_who_may_not_read_is_told_so(tmp_path: Path) -> None:
    folder = opened_to_all(tmp_path) / "index"
    warm_up()
    build(folder, corpus(10)).close()
    hidden = as_user(READER, [READER], lambda: related(folder))
    assert hidden.error.startswith("recommender.errors.IndexForbidden"), hidden
    assert "belongs to root:root 0750, you are" in hidden.error
    folder.chmod(0o755)
    (folder / "articles.sqlite").chmod(0o600)
    refused = as_user(READER, [READER], lambda: related(folder))
    assert refused.error.startswith("recommender.errors.IndexForbidden"), refused
    assert "may not read it" in refused.error


@root
def test_a_read_only_file_system(tmp_path: Path) -> None:
    place = tmp_path / "disk"
    with small_disk(place, "8m") as mounted:
        build(place / "index", corpus(10)).close()
        expected = related(place / "index")
        if mounted:
            subprocess.run(["mount", "-o", "remount,ro", str(place)], check=True)
            assert related(place / "index") == expected
            with pytest.raises(IndexStoreError, match="read-only"):
                updated(place / "index")


@root
@pytest.mark.slow
def test_one_user_writes_and_another_of_its_group_reads(tmp_path: Path) -> None:
    place = opened_to_all(tmp_path) / "indexes"
    place.mkdir()
    os.chown(place, OWNER, GROUP)
    folder = place / "index"
    warm_up()
    made_by = as_user(OWNER, [GROUP], lambda: build(folder, corpus(10)).close())
    assert not made_by.error, made_by
    assert folder.stat().st_mode & 0o777 == 0o750
    for number in range(4):
        assert not as_user(OWNER, [GROUP], lambda number=number: updated(folder, number)).error
        seen = as_user(READER, [READER, GROUP], lambda: related(folder))
        assert not seen.error, seen
        assert seen.value == as_user(OWNER, [GROUP], lambda: related(folder)).value
        assert {oct(file.stat().st_mode & 0o777) for file in folder.iterdir()} == {"0o640"}
    refused = as_user(READER, [READER, GROUP], lambda: updated(folder, 9))
    assert "user who owns" in refused.error, refused
    stranger = as_user(READER, [READER], lambda: related(folder))
    assert stranger.error.startswith("recommender.errors.IndexForbidden"), stranger


@root
@pytest.mark.slow
def test_readers_of_another_user_beside_a_writer(tmp_path: Path) -> None:
    report = soak(8, 2, 5, work=opened_to_all(tmp_path), reading_user=READER)
    assert report.failures == []
    assert report.changes > 2


def test_the_lock_of_a_killed_writer_is_free(tmp_path: Path) -> None:
    folder = tmp_path / "index"
    build(folder, corpus(10)).close()
    reading, writing = os.pipe()
    holder = os.fork()
    if holder == 0:
        with Writer.open_for_writing(folder):
            os.write(writing, b"!")
            time.sleep(60)
            os._exit(0)
    assert os.read(reading, 1) == b"!"
    with pytest.raises(IndexLocked, match=f"process {holder} on"):
        Writer.open_for_writing(folder, timeout=0.05)
    os.kill(holder, signal.SIGKILL)
    os.waitpid(holder, 0)
    Writer.open_for_writing(folder, timeout=0).close()
    os.close(reading)
    os.close(writing)


def test_who_waits_for_a_writer_is_told_at_once(
    tmp_path: Path, caplog: pytest.LogCaptureFixture
) -> None:
    folder = tmp_path / "index"
    build(folder, corpus(10)).close()
    with Writer.open_for_writing(folder):
        for timeout, said in ((0.0, 0), (0.8, 1)):
            with pytest.raises(IndexLocked):
                Writer.open_for_writing(folder, timeout=timeout)
            assert caplog.text.count(f"waiting for process {os.getpid()} on") == said


def test_a_clock_that_is_set_back(tmp_path: Path) -> None:
    folder = tmp_path / "index"
    build(folder, corpus(10)).close()
    for file in folder.iterdir():
        os.utime(file, (4e9, 4e9))
    with Recommender.open(folder) as reader, Recommender.open(folder) as index:
        before = NOW - timedelta(days=4_000)
        index.update([article("new", "雨", 70)], now=before)
        assert "new" in reader
        index.decide("a001", "a006", "distinct", now=before)
        index.decide("a001", "a006", "duplicate", now=before - timedelta(days=1))
        assert [each.decision for each in reader.decisions()] == ["duplicate"]
        index.rebuild(now=before)
        assert reader.verify() == []
        assert len(reader) == 11


MOUNTS = r"""
22 1 0:20 / / rw,relatime shared:1 - ext4 /dev/sda1 rw
30 22 0:31 / /srv rw - nfs4 files:/srv rw,vers=4.2
31 30 0:32 / /srv/local rw - xfs /dev/sdb1 rw
32 22 0:33 / /mnt/two\040words rw,nosuid - fuse.sshfs host:/x rw
33 22 0:34 / /mnt/share rw - cifs //host/share rw
34 22 0:35 / /mnt/vm rw shared:9 master:2 - 9p host rw
35 22 0:36 / /mnt/over rw - nfs host:/y rw
36 35 0:37 / /mnt/over rw - tmpfs none rw
37 22 0:38 / /mnt/fuse rw - fuse.ntfs /dev/sdc1 rw
broken line
"""


@pytest.mark.parametrize(
    ("path", "kind"),
    [
        ("/var/lib/news", ""),
        ("/srv/news", "nfs4"),
        ("/srv", "nfs4"),
        ("/srvice/news", ""),
        ("/srv/local/news", ""),
        ("/mnt/two words/news", "fuse.sshfs"),
        ("/mnt/share", "cifs"),
        ("/mnt/vm/a/b", "9p"),
        ("/mnt/over/news", ""),
        ("/mnt/fuse/news", ""),
    ],
)
def test_network_file_systems_are_told_from_local_ones(path: str, kind: str) -> None:
    assert network_kind(path, MOUNTS) == kind


def test_a_build_warns_of_a_network_file_system(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, caplog: pytest.LogCaptureFixture
) -> None:
    table = tmp_path / "mountinfo"
    table.write_text(f"22 1 0:20 / {tmp_path} rw - nfs host:/x rw\n", encoding="utf-8")
    monkeypatch.setattr("recommender.filesystem._MOUNTS", table)
    build(tmp_path / "index", corpus(3)).close()
    assert "network file system (nfs)" in caplog.text


def test_a_log_that_is_lost_is_named(tmp_path: Path) -> None:
    folder = tmp_path / "index"
    build(folder, corpus(10)).close()
    shutil.copytree(folder, tmp_path / "old")
    updated(folder)
    (folder / "articles.sqlite-wal").write_bytes(b"")
    for use in (lambda: Store.open(folder), lambda: Writer.open_for_writing(folder)):
        with pytest.raises(IndexCorrupt, match=r"ends at change 1, but change 2 was written"):
            use()
    (folder / ".lock").unlink()
    assert problems(folder) == []


def test_another_index_in_its_place_is_named(tmp_path: Path) -> None:
    build(tmp_path / "one", corpus(5)).close()
    build(tmp_path / "other", corpus(6)).close()
    shutil.copy(tmp_path / "other" / "articles.sqlite", tmp_path / "one" / "articles.sqlite")
    with pytest.raises(IndexCorrupt, match=r"another index .* delete"):
        Recommender.open(tmp_path / "one")
    (tmp_path / "one" / ".lock").write_bytes(b"\xff\x00 no record at all")
    with Recommender.open(tmp_path / "one") as index:
        assert len(index) == 6


HIDING = {
    "a row": "DELETE FROM texts WHERE row = 2",
    "removed rows": "DELETE FROM removed",
    "a definition": "PRAGMA writable_schema = ON; UPDATE sqlite_master "
    "SET sql = replace(sql, 'row INTEGER PRIMARY KEY', 'row INTEGER NOTNULL KEY') "
    "WHERE name = 'removed'",
}


@pytest.mark.parametrize("what", sorted(HIDING))
def test_what_hides_rows_is_noticed_on_opening(tmp_path: Path, what: str) -> None:
    folder = tmp_path / "index"
    build(folder, corpus(5)).close()
    with Recommender.open(folder) as index:
        index.remove(["a004"])
    with closing(sqlite3.connect(folder / "articles.sqlite")) as database:
        database.executescript(HIDING[what])
    with pytest.raises(IndexCorrupt, match=r"restore a copy"):
        Recommender.open(folder)


def test_the_structure_of_a_large_database_is_left_to_verify(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    folder = tmp_path / "index"
    build(folder, corpus(5)).close()
    with closing(sqlite3.connect(folder / "articles.sqlite")) as database:
        database.executescript(HIDING["a row"])
    monkeypatch.setattr("recommender.store.soundness.READ_ON_OPENING", 1_000)
    with Recommender.open(folder) as index:
        assert any("not in table texts" in each for each in index.verify())


def test_the_files_beside_the_database_are_made_anew(tmp_path: Path) -> None:
    folder = tmp_path / "index"
    build(folder, corpus(5)).close()
    expected = all_answers(folder)
    for suffix in ("-wal", "-shm"):
        (folder / f"articles.sqlite{suffix}").unlink()
    assert all_answers(folder) == expected
    assert (folder / "articles.sqlite-wal").exists()


def test_what_a_killed_writer_left_is_cleared(tmp_path: Path) -> None:
    folder = tmp_path / "index"
    build(folder, corpus(5)).close()
    left = [".vectors-000009.faiss.0a1b2c3d.tmp", "fingerprints-000009.bin"]
    kept = ["report-202508.html", "notes.tmp"]
    for name in (*left, *kept):
        (folder / name).write_bytes(b"x")
    updated(folder)
    names = {file.name for file in folder.iterdir()}
    assert names.isdisjoint(left)
    assert names.issuperset(kept)


def test_an_update_of_texts_and_cards_is_one_change(tmp_path: Path) -> None:
    folder = tmp_path / "index"
    build(folder, corpus(5)).close()
    with Store.open(folder) as store, Recommender.open(folder) as index:
        before = store.change_counter()
        changed = article("a001", "茶", 1, url="https://news.example/moved")
        index.update([changed, article("new", "雨", 9)], now=NOW)
        assert index.get("a001").url == "https://news.example/moved"
        assert store.change_counter() == before + 1


def test_no_index_where_there_is_only_a_lock(tmp_path: Path) -> None:
    (tmp_path / ".lock").write_bytes(b"{}")
    with pytest.raises(IndexMissing):
        Recommender.open(tmp_path)


@pytest.mark.parametrize("locked", [True, False], ids=["lock", "no lock"])
@pytest.mark.parametrize("how", ["emptied", "missing", "without tables", "without rows"])
def test_a_lost_database_is_no_unfinished_build(tmp_path: Path, how: str, locked: bool) -> None:
    folder = tmp_path / "index"
    with build(folder, corpus(10)) as index:
        index.copy(tmp_path / "backup")
    expected = related(folder)
    database = folder / "articles.sqlite"
    for suffix in ("", "-wal", "-shm"):
        database.with_name(database.name + suffix).unlink()
    if how == "emptied":
        database.write_bytes(b"")
    elif how == "without tables":
        with closing(sqlite3.connect(database)) as other:
            other.execute("VACUUM")
    elif how == "without rows":
        build(tmp_path / "other", corpus(5)).close()
        shutil.copy(tmp_path / "other" / "articles.sqlite", database)
        with closing(sqlite3.connect(database)) as other:
            other.executescript("DELETE FROM state")
    if not locked:
        (folder / ".lock").unlink()
        if how.startswith("without"):
            # Nothing tells it from a build that was killed while its search files were written.
            return
    proof = "change 1 was written" if locked else "search files lie beside it"
    for use in (
        lambda: Recommender.open(folder),
        lambda: build(folder, corpus(3)),
        lambda: updated(folder),
    ):
        with pytest.raises(IndexCorrupt, match=rf"the database .*{proof}.*restore a copy"):
            use()
    findings = Recommender.diagnose(folder).findings
    assert [each.command for each in findings if each.severity == "error"] == [
        f"recommender copy BACKUP {folder} --replace"
    ]
    with Recommender.open(tmp_path / "backup") as backup:
        backup.copy(folder, replace=True)
    assert related(folder) == expected


def test_a_database_that_is_lost_under_a_reader_is_named(tmp_path: Path) -> None:
    folder = tmp_path / "index"
    build(folder, corpus(10)).close()
    with Store.open(folder) as store:
        store._pool.close_idle()
        (folder / "articles.sqlite").unlink()
        with pytest.raises(IndexCorrupt, match=r"is missing, but .* was written"):
            store.count()
