"""The doctor finds what is wrong, names what mends it, and never breaks down itself."""

from __future__ import annotations

import json
import os
import re
import shlex
import shutil
import sqlite3
import stat
import subprocess
from collections.abc import Iterator
from datetime import timedelta
from pathlib import Path

import pytest

from recommender import ErasureUnfinished, HashingEmbedder, IndexStoreError, Recommender
from recommender.doctor import Diagnosis
from recommender.files import write_whole
from recommender.findings import Finding
from recommender.store import Store, WriterLock
from tests.helpers import NOW, THEMES, article, build, corpus
from tests.test_cli import Run


@pytest.fixture
def folder(tmp_path: Path) -> Path:
    folder = tmp_path / "index"
    build(folder, corpus(40)).close()
    return folder


def look(folder: Path) -> Diagnosis:
    return Recommender.diagnose(folder)


def found(folder: Path, check: str) -> Finding:
    """The finding of a check; there is one and no other that is worse than a note."""
    diagnosis = look(folder)
    assert not diagnosis.healthy or all(each.severity == "note" for each in diagnosis.findings)
    (finding,) = [each for each in diagnosis.findings if each.check == check]
    return finding


def test_a_healthy_index(folder: Path) -> None:
    before = {each.name: each.read_bytes() for each in folder.iterdir()}
    diagnosis = look(folder)
    assert diagnosis.healthy
    assert {each.check for each in diagnosis.findings} <= {"upkeep", "content"}
    assert {each.name: each.read_bytes() for each in folder.iterdir()} == before


def test_no_index(tmp_path: Path) -> None:
    for path in (tmp_path / "none", tmp_path):
        diagnosis = look(path)
        assert not diagnosis.healthy
        assert any("recommender build" in each.command for each in diagnosis.findings)
    (tmp_path / "file").write_text("x")
    (tmp_path / "link").symlink_to("nowhere")
    assert "not a folder" in found(tmp_path / "file", "folder").text
    assert "link to nothing" in found(tmp_path / "link", "folder").text


def test_a_damaged_search_file_is_mended_by_its_command(folder: Path, run: Run) -> None:
    file = folder / "vectors-000001.faiss"
    file.write_bytes(file.read_bytes()[:-100])
    finding = found(folder, "database")
    assert finding.severity == "error"
    assert "vectors-000001.faiss" in finding.text
    words = shlex.split(finding.command)
    assert words[0] == "recommender"
    assert run(*words[1:]).exit_code == 0
    assert look(folder).healthy


@pytest.mark.parametrize("damage", ["row", "header", "empty", "cut"])
def test_a_damaged_database(folder: Path, damage: str) -> None:
    path = folder / "articles.sqlite"
    if damage == "row":
        with sqlite3.connect(path) as database:
            database.execute("UPDATE texts SET text = x'00' WHERE row = 7")
        database.close()
    else:
        for suffix in ("-wal", "-shm"):
            path.with_name(path.name + suffix).unlink(missing_ok=True)
        data = path.read_bytes()
        path.write_bytes(
            {"header": b"x" * 100 + data[100:], "empty": b"", "cut": data[: len(data) // 2]}[damage]
        )
    diagnosis = look(folder)
    assert not diagnosis.healthy
    errors = [each for each in diagnosis.findings if each.check == "database"]
    assert errors
    assert all(each.severity == "error" and each.command for each in errors)


def test_another_format_and_another_program(folder: Path) -> None:
    with sqlite3.connect(folder / "articles.sqlite") as database:
        database.execute("PRAGMA user_version = 999")
    database.close()
    newer = found(folder, "database")
    assert "upgrade recommender, or remove" in newer.text
    assert newer.command.startswith("cd CHECKOUT && git pull && pip install -c constraints.txt")
    with sqlite3.connect(folder / "articles.sqlite") as database:
        database.execute("PRAGMA user_version = 1")
    database.close()
    assert found(folder, "database").command == f"recommender build ARTICLES -i {folder}.new"


def test_nothing_installs_a_package_by_its_name_alone() -> None:
    for file in sorted((Path(__file__).parent.parent / "recommender").rglob("*.py")):
        assert not re.search(r"pip install[^\n]*\"?recommender\b", file.read_text("utf-8")), file


def test_rights(folder: Path, run: Run) -> None:
    (folder / "articles.sqlite").chmod(0o644)
    finding = found(folder, "rights")
    assert finding.severity == "warning"
    assert "every user" in finding.text
    assert os.system(finding.command) == 0  # noqa: S605 - what the user is told to run
    assert look(folder).healthy
    (folder / "vectors-000001.faiss").chmod(0o600)
    finding = found(folder, "rights")
    assert "group" in finding.text
    assert os.system(finding.command) == 0  # noqa: S605
    assert stat.S_IMODE((folder / "vectors-000001.faiss").stat().st_mode) == 0o640
    assert look(folder).healthy


def test_who_writes_is_named_and_is_nothing_wrong(folder: Path) -> None:
    lock = WriterLock.acquire(folder, timeout=1)
    try:
        diagnosis = look(folder)
        (finding,) = [each for each in diagnosis.findings if each.check == "writer"]
        assert str(os.getpid()) in finding.text
        assert diagnosis.healthy
    finally:
        lock.release()
    assert not [each for each in look(folder).findings if each.check == "writer"]


def test_leftovers_are_named_and_removed_by_the_command(folder: Path) -> None:
    (folder / ".vectors-000003.faiss.0a0b0c0d.tmp").write_bytes(b"half")
    shutil.copy(folder / "vectors-000001.faiss", folder / "vectors-000002.faiss")
    (folder / "pending-0123456789ab.sqlite").write_bytes(b"")
    for each in folder.iterdir():
        each.chmod(0o640)
    (folder.parent / ".index.copying").mkdir()
    diagnosis = look(folder)
    leftovers = [each for each in diagnosis.findings if each.check == "leftovers"]
    assert [each.severity for each in leftovers] == ["warning", "warning", "note", "note"]
    for each in leftovers[:2]:
        assert os.system(each.command) == 0  # noqa: S605
    assert look(folder).healthy
    with Recommender.open(folder) as index:
        assert index.verify() == []


def test_the_clock(folder: Path) -> None:
    late = (NOW + timedelta(days=2)).timestamp()
    os.utime(folder / "articles.sqlite", (late, late))
    for each in folder.iterdir():
        if each.name != "articles.sqlite":
            os.utime(each, (0, 0))
    diagnosis = Recommender.diagnose(folder, now=NOW)
    (finding,) = [each for each in diagnosis.findings if each.check == "clock"]
    assert "articles.sqlite" in finding.text
    assert "set back" in finding.text
    # The mend mends it, once the clock is right: nothing else would date these files anew.
    assert finding.command.startswith("touch ")
    subprocess.run(shlex.split(finding.command), check=True)
    assert not [each for each in look(folder).findings if each.check == "clock"]
    with Recommender.open(folder) as index:
        assert index.verify() == []


def test_the_space_that_is_needed_is_what_is_asked_for(
    folder: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    usage = shutil.disk_usage(folder)._replace(free=60_000_000)
    monkeypatch.setattr(shutil, "disk_usage", lambda place: usage)
    finding = found(folder, "disk space")
    free, needed = (int(each) for each in re.findall(r"(\d+) MB (?:are free|\()", finding.text))
    assert free == 60
    assert needed > free
    assert "to spare" in finding.text


def test_a_lock_that_is_no_file(folder: Path) -> None:
    (folder / ".lock").unlink()
    (folder / ".lock").mkdir(mode=0o750)
    diagnosis = look(folder)
    (finding,) = [each for each in diagnosis.findings if each.check == "writer"]
    assert finding.severity == "error"
    with Recommender.open(folder) as index, pytest.raises(IndexStoreError, match=r"\.lock"):
        index.remove(["a001"])
    subprocess.run(shlex.split(finding.command), check=True)
    with Recommender.open(folder) as index:
        index.remove(["a001"])
    assert look(folder).healthy


def test_an_unfinished_erasure(folder: Path, run: Run) -> None:
    with Store.open(folder) as reader, reader.snapshot(), Recommender.open(folder) as index:
        assert reader.count() == 40
        with pytest.raises(ErasureUnfinished):
            index.remove(["a001"], purge=True, wait=0)
    finding = found(folder, "erasure")
    assert finding.severity == "error"
    assert run(*shlex.split(finding.command)[1:]).exit_code == 0
    assert look(folder).healthy


def test_decisions(folder: Path) -> None:
    with Recommender.open(folder, embedder=HashingEmbedder()) as index:
        index.decide("a001", "a006", "duplicate", now=NOW)
        index.decide("a006", "a011", "duplicate", now=NOW)
        index.decide("a001", "a011", "distinct", now=NOW)
        index.decide("a002", "a007", "distinct", now=NOW)
        index.update([article("a002", "茶", 900)], now=NOW)
    texts = [each.text for each in look(folder).findings if each.check == "decisions"]
    assert len(texts) == 2
    assert any("texts were edited" in each for each in texts)
    assert any("contradictions" in each for each in texts)


def test_what_others_put_into_the_folder(folder: Path) -> None:
    (folder / "letter\x1b[31m.txt").write_text("x")
    (folder / "letter\x1b[31m.txt").chmod(0o640)
    finding = found(folder, "folder")
    assert finding.severity == "note"
    assert "letter" in finding.text


def test_the_embedder_that_is_not_there(tmp_path: Path) -> None:
    class Elsewhere(HashingEmbedder):
        @property
        def identity(self):  # type: ignore[no-untyped-def]
            from dataclasses import replace

            return replace(super().identity, source=f"folder {tmp_path / 'gone'}")

    build(tmp_path / "index", corpus(20), embedder=Elsewhere()).close()
    finding = found(tmp_path / "index", "embedder")
    assert finding.severity == "warning"
    assert "gone" in finding.text


def test_the_command(run: Run, folder: Path) -> None:
    done = run("doctor", "-i", str(folder))
    assert done.exit_code == 0
    assert "nothing is wrong" in done.stdout
    (folder / "fingerprints-000001.bin").unlink()
    done = run("doctor", "-i", str(folder))
    assert done.exit_code == 1
    assert f"mend: recommender rebuild -i {folder}" in done.stdout.replace("\n", "")
    done = run("doctor", "-f", "json", "-i", str(folder))
    assert done.exit_code == 1
    (row,) = json.loads(done.stdout)
    assert row["healthy"] is False
    assert row["findings"][0]["severity"] == "error"
    assert run("doctor", "--no-verify", "-i", str(folder / "none")).exit_code == 1


def test_a_writer_at_work_is_no_alarm(folder: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("recommender.updating._LONGEST_TAIL", 10)
    monkeypatch.setattr("recommender.updating.BATCH", 30)
    seen: dict[str, list[str]] = {}

    def asked(stage: str, done: int, total: int) -> None:
        diagnosis = Recommender.diagnose(folder, verify=False)
        seen.setdefault(stage, []).extend(
            each.text for each in diagnosis.findings if each.severity != "note"
        )
        assert {each.stat().st_mode & 0o777 for each in folder.iterdir()} == {0o640}

    before = os.umask(0o022)
    try:
        with Recommender.open(folder) as index:
            fresh = [article(f"n{each}", list(THEMES)[each % 5], each + 100) for each in range(130)]
            index.update(fresh, now=NOW, progress=asked)
            index.rebuild(now=NOW, progress=asked)
    finally:
        os.umask(before)
    assert {"embedding", "neighbours", "search files", "evidence"} <= set(seen)
    assert not any(seen.values()), seen


def test_a_file_is_never_wider_than_it_will_be(tmp_path: Path) -> None:
    modes = []

    def parts() -> Iterator[bytes]:
        modes.extend(each.stat().st_mode & 0o777 for each in tmp_path.iterdir())
        yield b"x"

    before = os.umask(0)
    try:
        write_whole(tmp_path / "file", parts())
    finally:
        os.umask(before)
    assert modes == [0o640]


def test_search_files_that_are_replaced_meanwhile_are_no_damage(folder: Path) -> None:
    def replaced(stage: str, done: int, total: int) -> None:
        if (folder / "vectors-000001.faiss").exists():
            with Recommender.open(folder) as index:
                index.rebuild(now=NOW)

    diagnosis = Recommender.diagnose(folder, progress=replaced)
    assert (folder / "vectors-000002.faiss").exists()
    assert diagnosis.healthy, diagnosis


def test_only_errors_call_somebody(run: Run, folder: Path) -> None:
    (folder / "articles.sqlite").chmod(0o644)
    done = run("doctor", "--no-verify", "-f", "json", "-i", str(folder))
    assert done.exit_code == 0
    assert json.loads(done.stdout)[0]["worst"] == "warning"
    (folder / "articles.sqlite").write_bytes(b"x" * 10_000)
    done = run("doctor", "--no-verify", "-f", "json", "-i", str(folder))
    assert done.exit_code == 1
    assert json.loads(done.stdout)[0]["worst"] == "error"


def test_of_what_is_no_index_only_that_is_said(tmp_path: Path, run: Run) -> None:
    etc = tmp_path / "etc"
    etc.mkdir(mode=0o755)
    (etc / "passwd").write_text("x")
    (etc / "passwd").chmod(0o644)
    (etc / ".lock").write_text("")
    (finding,) = look(etc).findings
    assert (finding.check, finding.severity, finding.command) == ("folder", "error", "")
    assert "there is no index in" in finding.text
    assert "passwd" in finding.text
    for words in (("doctor", "-i", ""), ("copy", "", "x"), ("copy", "x", "")):
        done = run(*words)
        assert done.exit_code == 2
        assert "name of the folder is empty" in done.stderr


def test_only_files_of_the_index_are_held_to_its_rights(folder: Path) -> None:
    for name in ("site.html", ".lock", "articles.sqlite"):
        (folder / name).touch()
        (folder / name).chmod(0o644)
    finding = found_warning(folder)
    assert "site.html" not in finding.text + finding.command
    assert ".lock" in finding.text
    assert os.system(finding.command) == 0  # noqa: S605 - what the user is told to run
    assert stat.S_IMODE((folder / "site.html").stat().st_mode) == 0o644
    assert stat.S_IMODE((folder / ".lock").stat().st_mode) == 0o640
    assert look(folder).healthy


def found_warning(folder: Path) -> Finding:
    """The one finding about rights that is not a note."""
    findings = [each for each in look(folder).findings if each.check == "rights"]
    (finding,) = [each for each in findings if each.severity != "note"]
    return finding
