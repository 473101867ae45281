"""Who may read an index: the folder's group reads every file, whoever wrote it, and nobody else."""

from __future__ import annotations

import os
import tempfile
from collections.abc import Callable, Iterator
from pathlib import Path

import pytest

from recommender import Recommender
from tests.campaigns.common import Outcome, in_child, warm_up
from tests.helpers import NOW, article, build, corpus

pytestmark = pytest.mark.skipif(os.geteuid() != 0, reason="only root can become another user")

# As on most machines: the user of a web server, and one who owns nothing else.
WEB, NOBODY = 33, 65_534
SHARED = {(0o640, WEB)}


def as_user(user: int, groups: list[int], action: Callable[[], object]) -> Outcome:
    """An action in a child of another user, with that umask most systems set."""

    def run() -> object:
        os.setgroups(groups)
        os.setgid(groups[0])
        os.setuid(user)
        os.umask(0o022)
        return action()

    return in_child(run)


def as_web(action: Callable[[], object]) -> Outcome:
    """An action of the web server."""
    return as_user(WEB, [WEB], action)


@pytest.fixture
def place() -> Iterator[Path]:
    """A folder that every user reaches; pytest closes its own to others when it starts."""
    warm_up()
    with tempfile.TemporaryDirectory() as work:
        Path(work).chmod(0o755)
        yield Path(work)


def given_to(folder: Path, owner: int, group: int) -> Path:
    """An index of 40 articles that belongs to a user and a group."""
    build(folder, corpus(40)).close()
    for each in (folder, *folder.iterdir()):
        os.chown(each, owner, group)
    return folder


def rights(folder: Path) -> set[tuple[int, int]]:
    """Mode and group of every file of a folder."""
    return {(each.stat().st_mode & 0o777, each.stat().st_gid) for each in folder.iterdir()}


def related(folder: Path) -> list[str]:
    with Recommender.open(folder) as index:
        found = index.related("a001", min_similarity=0.0, now=NOW)
        assert index.verify() == []
        return [match.article.id for match in found]


def wrong_with(folder: Path) -> list[str]:
    """What the doctor finds wrong with rights and files, beside notes."""
    return [
        each.text
        for each in Recommender.diagnose(folder).findings
        if each.severity != "note" and each.check in ("folder", "rights", "database", "leftovers")
    ]


def rebuilt(folder: Path) -> None:
    with Recommender.open(folder) as index:
        index.rebuild(now=NOW)


def purged(folder: Path) -> None:
    with Recommender.open(folder) as index:
        index.remove(["a003"], purge=True, now=NOW)


def outgrown(folder: Path) -> None:
    """An update that writes a generation, with vectors put by."""
    with Recommender.open(folder) as index:
        index.update([article(f"n{each}", "雨", 100 + each) for each in range(80)], now=NOW)


def unlocked(folder: Path) -> None:
    """The first writer of a copy, which has neither lock nor log."""
    for name in (".lock", "articles.sqlite-wal", "articles.sqlite-shm"):
        (folder / name).unlink()
    outgrown(folder)


WRITERS = [rebuilt, purged, outgrown, unlocked]


@pytest.mark.parametrize("owner", [0, NOBODY])
@pytest.mark.parametrize("write", WRITERS)
def test_what_is_written_anew_keeps_the_group_of_the_folder(
    place: Path, monkeypatch: pytest.MonkeyPatch, write: Callable[[Path], None], owner: int
) -> None:
    monkeypatch.setattr("recommender.building._LONGEST_TAIL", 10)
    folder = given_to(place / "index", owner, WEB)
    wrote = as_user(owner, [owner, WEB], lambda: write(folder))
    assert not wrote.error, wrote.trace
    assert (folder / "vectors-000002.faiss").exists()
    assert rights(folder) == SHARED
    seen = as_web(lambda: related(folder))
    assert not seen.error, seen.trace
    assert seen.value == related(folder)
    assert as_web(lambda: wrong_with(folder)).value == []


def test_what_root_writes_belongs_to_the_owner_of_the_folder(place: Path) -> None:
    folder = given_to(place / "index", NOBODY, WEB)
    unlocked(folder)
    rebuilt(folder)
    assert {each.stat().st_uid for each in folder.iterdir()} == {NOBODY}
    again = as_user(NOBODY, [NOBODY, WEB], lambda: rebuilt(folder))
    assert not again.error, again.trace


def test_what_a_link_points_to_keeps_its_rights(place: Path) -> None:
    folder = given_to(place / "index", NOBODY, WEB)
    elsewhere = place / "elsewhere"
    elsewhere.write_bytes(b"")
    elsewhere.chmod(0o600)
    (folder / ".lock").unlink()
    (folder / ".lock").symlink_to(elsewhere)
    rebuilt(folder)
    status = elsewhere.stat()
    assert (status.st_uid, status.st_gid, status.st_mode & 0o777) == (0, 0, 0o600)


def moded(folder: Path) -> tuple[int, int, int]:
    status = folder.stat()
    return status.st_uid, status.st_gid, status.st_mode & 0o7777


def owned(folder: Path) -> set[tuple[int, int, int]]:
    """Owner, group and mode of the files of a folder."""
    return {moded(each) for each in folder.iterdir()}


def copied(source: Path, target: Path, *, replace: bool = False) -> None:
    with Recommender.open(source) as index:
        index.copy(target, replace=replace)


def test_a_restored_copy_is_still_the_web_servers(place: Path) -> None:
    served = given_to(place / "served", NOBODY, WEB)
    expected = related(served)
    copied(served, place / "backup")
    assert moded(place / "backup") == (NOBODY, WEB, 0o750)
    # As a backup that came back from elsewhere.
    for each in (place / "backup", *(place / "backup").iterdir()):
        os.chown(each, 0, 0)
    copied(place / "backup", served, replace=True)
    assert moded(served) == (NOBODY, WEB, 0o750)
    assert owned(served) == {(NOBODY, WEB, 0o640)}
    seen = as_web(lambda: related(served))
    assert seen.value == expected, seen
    written = as_user(NOBODY, [NOBODY, WEB], lambda: rebuilt(served))
    assert not written.error, written.trace
    assert rights(served) == SHARED


def test_a_copy_by_the_user_who_owns_it_keeps_the_group(place: Path) -> None:
    folder = given_to(place / "index", NOBODY, WEB)
    os.chown(place, NOBODY, NOBODY)
    done = as_user(NOBODY, [NOBODY, WEB], lambda: copied(folder, place / "copy"))
    assert not done.error, done.trace
    assert moded(place / "copy") == (NOBODY, WEB, 0o750)
    assert owned(place / "copy") == {(NOBODY, WEB, 0o640)}


def test_a_copy_that_cannot_be_handed_over_says_so(
    place: Path, caplog: pytest.LogCaptureFixture
) -> None:
    folder = given_to(place / "index", 0, 0)
    folder.chmod(0o755)
    for each in folder.iterdir():
        each.chmod(0o644)
    os.chown(place, NOBODY, NOBODY)

    def tried() -> str:
        caplog.clear()
        copied(folder, place / "copy")
        return caplog.text

    done = as_user(NOBODY, [NOBODY], tried)
    assert not done.error, done.trace
    assert f"chown -R root:root {place / 'copy'}" in str(done.value)
    assert moded(place / "copy") == (NOBODY, NOBODY, 0o750)


@pytest.mark.parametrize(("mode", "expected"), [(0o700, 0o700), (0o2755, 0o2750), (0o777, 0o750)])
def test_a_copy_is_never_wider_than_what_it_replaces(place: Path, mode: int, expected: int) -> None:
    folder = given_to(place / "index", 0, 0)
    target = place / "target"
    for replace in (False, True):
        target.mkdir(exist_ok=True)
        os.chown(target, NOBODY, WEB)
        target.chmod(mode)
        copied(folder, target, replace=replace)
        assert moded(target) == (NOBODY, WEB, expected)
    copied(target, place / "plain")
    assert moded(place / "plain") == (NOBODY, WEB, expected)
