"""Who may read an index: the folder's group reads every file, whoever wrote it, and nobody else."""

from __future__ import annotations

import json
import os
import tempfile
from collections.abc import Callable, Iterator
from pathlib import Path

import pytest
from click.testing import CliRunner

from recommender import Recommender
from recommender.cli import main
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
    monkeypatch.setattr("recommender.updating._LONGEST_TAIL", 10)
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


def ran(*words: object) -> tuple[int, str, str]:
    """Exit code, answer and messages of a command."""
    done = CliRunner().invoke(main, [str(each) for each in words])
    if done.exception is not None and not isinstance(done.exception, SystemExit):
        raise done.exception
    return done.exit_code, done.stdout, done.stderr


def diagnosed(folder: Path) -> list[dict[str, str]]:
    """What the doctor says to the web server's user, beside notes."""
    asked = as_web(lambda: ran("doctor", "-f", "json", "-i", folder))
    assert not asked.error, asked.trace
    code, output, _ = asked.value  # type: ignore[misc]
    (row,) = json.loads(output)
    found = [each for each in row["findings"] if each["severity"] != "note"]
    assert code == (1 if any(each["severity"] == "error" for each in found) else 0)
    return found


def test_every_command_says_whose_the_folder_is(place: Path) -> None:
    folder = given_to(place / "index", 0, 0)
    text = "belongs to root:root 0750, you are www-data"
    for words in (
        ("related", "a001", "-i", folder),
        ("info", "-i", folder),
        ("update", "-", "-i", folder),
        ("remove", "a001", "--purge", "-i", folder),
        ("copy", folder, place / "copy"),
        ("build", "-", "-i", folder, "--embedder", "hashing"),
    ):
        code, _, said = as_web(lambda words=words: ran(*words)).value  # type: ignore[misc]
        assert code == 1, said
        assert text in said
        assert f"chgrp www-data {folder}" in said
    (finding,) = diagnosed(folder)
    assert text in finding["text"]
    assert os.system(finding["command"]) == 0  # noqa: S605 - what the user is told to run
    assert diagnosed(folder) == []
    assert rights(folder) == SHARED
    assert moded(folder) == (0, WEB, 0o750)


def test_a_file_in_the_place_of_a_folder_is_said_to_be_one(place: Path) -> None:
    file = place / "file"
    file.write_text("x")
    for words in (("related", "a001", "-i", file), ("copy", file, place / "copy")):
        code, _, said = ran(*words)
        assert (code, "is a file, and an index is a folder" in said) == (1, True), said
    assert ran("doctor", "-i", file)[0] == 1


def test_a_folder_above_the_index_is_named(place: Path) -> None:
    (place / "closed").mkdir(mode=0o700)
    folder = given_to(place / "closed" / "index", 0, WEB)
    (finding,) = diagnosed(folder)
    assert f"{place / 'closed'}: you may not read it" in finding["text"]
    assert finding["command"] == f"setfacl -m u:www-data:x {place / 'closed'}"


def test_a_group_that_others_read_by_is_not_taken_from_them(place: Path) -> None:
    folder = given_to(place / "index", NOBODY, 12)
    (finding,) = diagnosed(folder)
    assert finding["command"].startswith("usermod -aG ")
    assert finding["command"].endswith(" www-data")


CLOSED = ["articles.sqlite", "articles.sqlite-shm", "articles.sqlite-wal", "vectors-000001.faiss"]


@pytest.mark.parametrize("name", CLOSED)
@pytest.mark.parametrize("group", [0, WEB])
def test_the_first_mend_of_a_right_is_a_right(place: Path, name: str, group: int) -> None:
    folder = given_to(place / "index", 0, WEB)
    expected = related(folder)
    os.chown(folder / name, 0, group)
    (folder / name).chmod(0o600)
    found = diagnosed(folder)
    assert [each["check"] for each in found] == ["rights"]
    assert name in found[0]["text"]
    assert "root" in found[0]["text"]
    for word in ("rebuild", "copy", "rm "):
        assert word not in found[0]["command"]
    assert os.system(found[0]["command"]) == 0  # noqa: S605
    assert diagnosed(folder) == []
    assert rights(folder) == SHARED
    assert as_web(lambda: related(folder)).value == expected


def test_a_search_file_without_rights_is_answered_around(
    place: Path, caplog: pytest.LogCaptureFixture
) -> None:
    folder = given_to(place / "index", 0, WEB)
    expected = related(folder)
    (folder / "vectors-000001.faiss").chmod(0o600)

    def asked() -> list[object]:
        with Recommender.open(folder) as index:
            found = index.related("a001", min_similarity=0.0, now=NOW)
            # A text that no list was made for searches the files.
            index.near_duplicates(article("draft", "雨", 7))
        return [[match.article.id for match in found], caplog.text]

    answered = as_web(asked)
    assert not answered.error, answered.trace
    ids, log = answered.value  # type: ignore[misc]
    assert ids == expected
    assert "belongs to root:www-data 0600, you are www-data" in log
    assert "rebuild" not in log
    (place / "web").mkdir()
    os.chown(place / "web", WEB, WEB)
    refused = as_web(lambda: ran("copy", folder, place / "web" / "copy"))
    assert "you are www-data" in str(refused.value)
