"""A copy is one committed state, complete, checked, shippable, and switched in one step."""

from __future__ import annotations

import os
import resource
import shutil
import signal
import sqlite3
import subprocess
import sys
import textwrap
import threading
import time
from collections.abc import Callable, Iterator
from contextlib import closing, contextmanager
from pathlib import Path

import pytest

from recommender import (
    ConfigError,
    IndexCorrupt,
    IndexLocked,
    IndexMissing,
    IndexStoreError,
    Recommender,
)
from recommender.files import workplace_of
from recommender.filesystem import network_file_system
from tests.helpers import article, build, corpus
from tests.test_cli import Run

ROOT = Path(__file__).parent.parent


@pytest.fixture
def folder(tmp_path: Path) -> Path:
    folder = tmp_path / "index"
    build(folder, corpus(40)).close()
    return folder


def answers(folder: Path) -> list[tuple[str, float]]:
    with Recommender.open(folder) as index:
        assert index.verify() == []
        found = index.related("a001", min_similarity=0.0, limit=20)
        return [(match.article.id, match.similarity) for match in found]


def names(folder: Path) -> list[str]:
    return sorted(each.name for each in folder.iterdir())


def test_a_copy_answers_alike_and_is_three_files(folder: Path, tmp_path: Path) -> None:
    with Recommender.open(folder) as index:
        index.update([article("new", "茶", 300)])
        index.remove(["a002"])
        index.decide("a001", "a006", "distinct")
        stages: set[str] = set()
        made = index.copy(
            tmp_path / "copies" / "one", progress=lambda stage, done, total: stages.add(stage)
        )
        assert (made.articles, made.rewritten) == (40, False)
        assert {"database", "search files", "verifying"} <= stages
        with Recommender.open(made.path) as copied:
            assert copied.decisions() == index.decisions()
            assert "a002" not in copied
    assert names(made.path) == [
        "articles.sqlite",
        "fingerprints-000001.bin",
        "vectors-000001.faiss",
    ]
    assert made.bytes == sum(each.stat().st_size for each in made.path.iterdir())
    assert answers(made.path) == answers(folder)
    assert made.path.stat().st_mode & 0o777 == 0o750
    assert {each.stat().st_mode & 0o777 for each in made.path.iterdir()} == {0o640}
    assert names(tmp_path / "copies") == ["one"]


def shipped(release: Path, server: Path, *options: str) -> set[str]:
    """Ship a release as the page on operations says; the names of what was linked."""
    target = server / release.name
    if shutil.which("rsync"):
        subprocess.run(["rsync", "-a", "--partial", *options, f"{release}/", target], check=True)
        return {each.name for each in target.iterdir() if each.stat().st_nlink > 1}
    # The rule of rsync's own quick check.
    before = {each.name: each.stat() for each in server.glob("*/*")}
    return {
        each.name
        for each in release.iterdir()
        if each.name in before
        and before[each.name].st_size == each.stat().st_size
        and before[each.name].st_mtime_ns == each.stat().st_mtime_ns
    }


def made_days_ago(release: Path, days: int) -> Path:
    """The release as if it had been made that long ago; its search files are what they are."""
    database = release / "articles.sqlite"
    made = database.stat().st_mtime - days * 86_400
    os.utime(database, (made, made))
    return release


def test_search_files_that_did_not_change_are_not_shipped_again(
    folder: Path, tmp_path: Path
) -> None:
    server = tmp_path / "server"
    server.mkdir()
    with Recommender.open(folder) as index:
        index.copy(tmp_path / "monday")
        shipped(made_days_ago(tmp_path / "monday", 2), server)
        # As many bytes as before, and other ones.
        index.decide("a001", "a006", "distinct")
        index.copy(tmp_path / "tuesday")
        linked = shipped(made_days_ago(tmp_path / "tuesday", 1), server, "--link-dest=../monday")
        assert linked == {"fingerprints-000001.bin", "vectors-000001.faiss"}
        if (server / "tuesday").exists():
            with Recommender.open(server / "tuesday") as release:
                assert release.verify() == []
                assert len(release.decisions()) == 1
        index.rebuild()
        index.copy(tmp_path / "wednesday")
        assert shipped(tmp_path / "wednesday", server, "--link-dest=../tuesday") == set()


def test_a_copy_can_be_written_to_beside_its_readers(folder: Path, tmp_path: Path) -> None:
    with Recommender.open(folder) as index:
        index.copy(tmp_path / "copy")
    with Recommender.open(tmp_path / "copy") as reader, Recommender.open(tmp_path / "copy") as two:
        assert len(reader) == 40
        two.update([article("new", "茶", 300)])
        assert len(reader) == 41
        # Reading goes on while a transaction is open: there is a log again.
        assert (tmp_path / "copy" / "articles.sqlite-wal").exists()
    with Recommender.open(folder) as index:
        assert "new" not in index


WRITER = """
    import sys
    from pathlib import Path
    from recommender import HashingEmbedder, Recommender
    from tests.helpers import NOW, article

    with Recommender.open(Path(sys.argv[1]), embedder=HashingEmbedder()) as index:
        number = 0
        print("ready", flush=True)
        while True:
            number += 1
            # Each change holds two articles: a torn state would show one of them.
            pair = [article(f"w{number}-{side}", "茶", 100 + 2 * number) for side in "ab"]
            index.update(pair, now=NOW)
            if number % 3 == 0:
                index.remove([f"w{number}-a", f"w{number}-b"])
            if number % 5 == 0:
                index.rebuild(now=NOW)
            print(number, flush=True)
"""


@contextmanager
def writing(folder: Path) -> Iterator[Callable[[], None]]:
    """A process that changes an index all the time; gives a wait for its next change."""
    process = subprocess.Popen(
        [sys.executable, "-c", textwrap.dedent(WRITER), str(folder)],
        stdout=subprocess.PIPE,
        text=True,
        cwd=ROOT,
    )
    assert process.stdout is not None
    lines = process.stdout
    try:
        assert lines.readline() == "ready\n"

        def wait() -> None:
            assert lines.readline()

        yield wait
    finally:
        process.kill()
        process.communicate()


def test_copies_taken_while_a_writer_works_are_committed_states(
    folder: Path, tmp_path: Path
) -> None:
    states = []
    with Recommender.open(folder) as index, writing(folder) as wait:
        for number in range(8):
            wait()
            states.append(index.copy(tmp_path / f"copy-{number}", verify=number % 2 == 0))
    assert len({each.change for each in states}) > 1
    for made in states:
        with Recommender.open(made.path) as copied:
            assert copied.verify() == []
            assert len(copied) == made.articles
            assert len([each for each in names(made.path) if "articles" not in each]) == 2
            added = {each for n in range(1, 400) for each in (f"w{n}-a", f"w{n}-b")}
            present = copied.get_many(added)
            assert len(present) == made.articles - 40
            numbers = {each.rpartition("-")[0] for each in present}
            assert len(present) == 2 * len(numbers)


def test_a_generation_that_goes_while_it_is_copied_is_copied_all_the_same(
    folder: Path, tmp_path: Path
) -> None:
    def rebuild() -> None:
        with Recommender.open(folder) as writer:
            writer.rebuild()

    writer = threading.Thread(target=rebuild)

    def replace(stage: str, done: int, total: int) -> None:
        if writer.ident is None:
            writer.start()
            while (folder / "vectors-000001.faiss").exists():
                time.sleep(0.01)

    with Recommender.open(folder) as index:
        made = index.copy(tmp_path / "copy", progress=replace)
    writer.join()
    assert (folder / "vectors-000002.faiss").exists()
    assert "vectors-000001.faiss" in names(made.path)
    assert not made.rewritten
    assert answers(made.path) == answers(folder)


@pytest.mark.parametrize("damage", ["missing", "flipped"])
def test_bad_search_files_are_made_anew_in_the_copy(
    folder: Path, tmp_path: Path, damage: str
) -> None:
    before = answers(folder)
    file = folder / "vectors-000001.faiss"
    if damage == "missing":
        file.unlink()
    else:
        data = bytearray(file.read_bytes())
        data[len(data) // 2] ^= 1
        file.write_bytes(data)
    with Recommender.open(folder) as index:
        made = index.copy(tmp_path / "copy")
    assert made.rewritten
    assert answers(made.path) == before
    assert len(names(made.path)) == 3
    assert ".lock" not in names(made.path)


def test_a_damaged_database_is_not_copied(folder: Path, tmp_path: Path) -> None:
    with sqlite3.connect(folder / "articles.sqlite") as database:
        database.execute("UPDATE texts SET text = x'00' WHERE row = 7")
    database.close()
    with Recommender.open(folder) as index:
        with pytest.raises(IndexCorrupt, match="table texts, row 7"):
            index.copy(tmp_path / "copy")
    assert names(tmp_path) == ["index"]


@pytest.mark.parametrize("flag", [False, True])
def test_what_is_there_is_not_overwritten(folder: Path, tmp_path: Path, flag: bool) -> None:
    other = tmp_path / "other"
    other.mkdir()
    (other / "letters.txt").write_text("keep")
    file = tmp_path / "file"
    file.write_text("keep")
    link = tmp_path / "link"
    link.symlink_to("nowhere")
    with Recommender.open(folder) as index:
        for target, words in (
            (other, "letters" if flag else "holds something"),
            (file, "no folder"),
            (link, "link to nothing"),
            (folder, "is the index itself"),
            (folder / "sub", "lie one in the other"),
            (tmp_path, "lie one in the other"),
            (Path("web1:/srv/news"), "another machine"),
            (Path("me@web1.example:news"), "another machine"),
        ):
            with pytest.raises(ConfigError, match=words):
                index.copy(target, replace=flag)
        if not flag:
            index.copy(tmp_path / "copy")
            with pytest.raises(ConfigError, match="--replace"):
                index.copy(tmp_path / "copy")
        (tmp_path / "empty").mkdir()
        index.copy(tmp_path / "empty", replace=flag)
    assert (other / "letters.txt").read_text() == "keep"
    assert file.read_text() == "keep"


def test_replacing_is_seen_by_readers_at_their_next_call(folder: Path, tmp_path: Path) -> None:
    target = tmp_path / "served"
    with Recommender.open(folder) as index:
        index.copy(target)
        with Recommender.open(target) as reader:
            assert len(reader) == 40
            before = [match.article.id for match in reader.related("a001", min_similarity=0.0)]
            index.update([article("twin", "茶", 1)])
            index.copy(target, replace=True)
            assert len(reader) == 41
            after = [match.article.id for match in reader.near_duplicates("a001")]
            assert after == ["twin"]
            assert before
            reader.update([article("here", "雨", 80)])
            assert len(reader) == 42
            # Back to the state of the source: what was written to the copy is gone.
            index.copy(target, replace=True)
            assert len(reader) == 41
    assert names(tmp_path) == ["index", "served"]


def test_a_newer_index_is_not_replaced_without_a_word(
    folder: Path, tmp_path: Path, caplog: pytest.LogCaptureFixture
) -> None:
    target = tmp_path / "newer"
    with Recommender.open(folder) as index:
        index.copy(target)
        with closing(sqlite3.connect(target / "articles.sqlite")) as database:
            database.execute("PRAGMA user_version = 999")
        assert caplog.text == ""
        index.copy(target, replace=True)
    assert "is replaced" in caplog.text
    assert "written in format 999" in caplog.text
    assert answers(target) == answers(folder)


def test_an_index_that_is_written_to_is_not_replaced(
    folder: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    from recommender import copying
    from recommender.store import WriterLock

    target = tmp_path / "served"
    with Recommender.open(folder) as index:
        index.copy(target)
        lock = WriterLock.acquire(target, timeout=1)
        acquire = WriterLock.acquire
        monkeypatch.setattr(
            copying.WriterLock, "acquire", lambda folder, timeout: acquire(folder, timeout=0.1)
        )
        with pytest.raises(IndexLocked, match="is writing"):
            index.copy(target, replace=True)
        lock.release()
        assert len(names(target)) == 4
        assert names(tmp_path) == ["index", "served"]


def test_a_switched_link_is_followed_at_the_next_call_and_rolled_back(tmp_path: Path) -> None:
    for name, theme in (("monday", "茶"), ("tuesday", "雨")):
        with build(tmp_path / name, [*corpus(20), article("lead", theme, 200)]) as index:
            index.copy(tmp_path / "releases" / name)
    current = tmp_path / "current"

    def switch(name: str) -> None:
        link = tmp_path / "current.new"
        link.symlink_to(tmp_path / "releases" / name)
        link.rename(current)

    switch("monday")
    with Recommender.open(current) as reader:
        for name, theme in (("tuesday", "雨"), ("monday", "茶")):
            switch(name)
            assert reader.get("lead").category == theme
            nearest = reader.related("lead", min_similarity=0.0, limit=3)
            assert {match.article.category for match in nearest} == {theme}
            assert reader.info().warnings == ()
        # A release may go once nothing points to it.
        shutil.rmtree(tmp_path / "releases" / "tuesday")
        assert reader.get("lead").category == "茶"


def test_the_copy_through_a_link_replaces_what_it_points_to(folder: Path, tmp_path: Path) -> None:
    current = tmp_path / "current"
    with Recommender.open(folder) as index:
        index.copy(tmp_path / "one")
        current.symlink_to("one")
        index.update([article("new", "茶", 300)])
        index.copy(current, replace=True)
    assert current.is_symlink()
    with Recommender.open(current) as reader:
        assert len(reader) == 41


@pytest.mark.skipif(not hasattr(os, "fork"), reason="needs fork")
def test_a_full_disk_leaves_nothing_behind(folder: Path, tmp_path: Path) -> None:
    child = os.fork()
    if child == 0:
        code = 1
        try:
            # What a quota does: no file may grow beyond this.
            signal.signal(signal.SIGXFSZ, signal.SIG_IGN)
            resource.setrlimit(resource.RLIMIT_FSIZE, (200_000, 200_000))
            with Recommender.open(folder) as index:
                index.copy(tmp_path / "copy")
        except IndexStoreError as error:
            code = 0 if "articles.sqlite" in str(error) and "again" in str(error) else 2
        finally:
            os._exit(code)
    assert os.waitstatus_to_exitcode(os.waitpid(child, 0)[1]) == 0
    assert names(tmp_path) == ["index"]


@pytest.mark.skipif(os.geteuid() != 0, reason="only root can mount")
def test_too_little_space_is_said_before_the_work(folder: Path, tmp_path: Path) -> None:
    small = tmp_path / "small"
    small.mkdir()
    words = ["mount", "-t", "tmpfs", "-o", "size=2m", "tmpfs", str(small)]
    if subprocess.run(words, check=False, capture_output=True).returncode:
        pytest.skip("mounting is not allowed here")
    try:
        with Recommender.open(folder) as index:
            with pytest.raises(
                IndexStoreError, match=r"needs \d+ MB and 2 MB are free \(\d+ MB of files,"
            ):
                index.copy(small / "copy")
        assert names(small) == []
    finally:
        subprocess.run(["umount", str(small)], check=True)


def test_two_copies_to_one_place_do_not_mix(folder: Path, tmp_path: Path) -> None:
    target = tmp_path / "copy"
    refused = []

    def again(stage: str, done: int, total: int) -> None:
        with Recommender.open(folder) as second, pytest.raises(IndexLocked, match="copying to it"):
            second.copy(target)
        refused.append(stage)

    with Recommender.open(folder) as index:
        index.copy(target, progress=again)
    assert refused
    assert answers(target) == answers(folder)


def test_what_a_killed_copy_left_is_cleared_away(folder: Path, tmp_path: Path) -> None:
    target = tmp_path / "copy"
    child = os.fork()
    if child == 0:

        def die(stage: str, done: int, total: int) -> None:
            os.kill(os.getpid(), 9)

        Recommender.open(folder).copy(target, progress=die)
        os._exit(0)
    os.waitpid(child, 0)
    assert not target.exists()
    assert workplace_of(target).is_dir()
    with Recommender.open(folder) as index:
        index.copy(target)
    assert answers(target) == answers(folder)
    assert names(tmp_path) == ["copy", "index"]


def test_a_copy_is_read_where_nothing_may_be_written(folder: Path, tmp_path: Path) -> None:
    if os.geteuid() != 0:
        pytest.skip("only root can become another user")
    from tests.test_processes import as_user

    with Recommender.open(folder) as index:
        made = index.copy(tmp_path / "copy")
    for parent in made.path.parents:
        if parent.stat().st_uid == 0 and parent != Path("/"):
            parent.chmod(parent.stat().st_mode | 0o055)
    made.path.chmod(0o555)
    for each in made.path.iterdir():
        each.chmod(0o444)

    def read() -> None:
        with Recommender.open(made.path) as index:
            assert len(index.related("a001", min_similarity=0.0)) > 0

    assert as_user(33, read) == 0
    assert len(names(made.path)) == 3


def test_the_command_mirrors_the_method(run: Run, folder: Path, tmp_path: Path) -> None:
    done = run("copy", str(folder), str(tmp_path / "copy"))
    assert done.exit_code == 0
    assert "40 articles" in done.stderr
    again = run("copy", str(folder), str(tmp_path / "copy"))
    assert again.exit_code == 1
    assert "--replace" in again.stderr
    assert run("copy", str(folder), str(tmp_path / "copy"), "--replace").exit_code == 0
    missing = run("copy", str(tmp_path / "no"), str(tmp_path / "other"))
    assert missing.exit_code == 1
    with pytest.raises(IndexMissing):
        Recommender.open(tmp_path / "other")


def test_the_kind_of_file_system_is_found(tmp_path: Path) -> None:
    if not Path("/proc/self/mountinfo").exists():
        pytest.skip("Linux only")
    assert network_file_system(tmp_path) == ""
    assert network_file_system(Path("/proc")) == ""
