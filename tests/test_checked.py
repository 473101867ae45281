"""Large files are read whole once: what is remembered, and what makes it forgotten."""

from __future__ import annotations

import os
from pathlib import Path

import pytest

from recommender import IndexCorrupt, checked
from recommender.files import checked_bytes, write_whole


@pytest.fixture
def note(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """The folder of the notes, with files of any size counting as large."""
    monkeypatch.setenv("XDG_CACHE_HOME", str(tmp_path / "cache"))
    monkeypatch.setattr(checked, "REMEMBERED_FROM", 100)
    return tmp_path / "cache" / "recommender" / "checked"


@pytest.fixture
def file(tmp_path: Path) -> Path:
    return tmp_path / "vectors-000001.faiss"


def flip(path: Path, *, keep_times: bool) -> None:
    """Change one byte in place."""
    before = path.stat()
    with path.open("r+b") as stream:
        stream.write(b"?")
    if keep_times:
        os.utime(path, ns=(before.st_atime_ns, before.st_mtime_ns))


def test_a_large_file_is_read_once(note: Path, file: Path) -> None:
    checksum = write_whole(file, [b"x" * 1_000])
    assert not checked.was_checked(file, checksum)
    checked_bytes(file, checksum)
    assert checked.was_checked(file, checksum)
    assert not checked.was_checked(file, "another")
    # Another generation takes the note's place.
    second = file.with_name("vectors-000002.faiss")
    checked_bytes(second, write_whole(second, [b"y" * 1_000]))
    assert len(list(note.iterdir())) == 1
    assert not checked.was_checked(file, checksum)


@pytest.mark.parametrize("keep_times", [False, True])
@pytest.mark.usefixtures("note")
def test_a_changed_file_is_read_again(file: Path, keep_times: bool) -> None:
    checksum = write_whole(file, [b"x" * 1_000])
    checked_bytes(file, checksum)
    flip(file, keep_times=keep_times)
    with pytest.raises(IndexCorrupt, match="checksum differs"):
        checked_bytes(file, checksum)


@pytest.mark.usefixtures("note")
def test_what_is_asked_to_be_read_anew_is(file: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    checksum = write_whole(file, [b"x" * 1_000])
    checked_bytes(file, checksum)
    monkeypatch.setattr(checked, "_state", lambda path, checksum: [])
    checked.remember(file, checksum)
    flip(file, keep_times=True)
    # As if the disk had changed a byte and nothing showed it.
    assert len(checked_bytes(file, checksum)) == 1_000
    with pytest.raises(IndexCorrupt):
        checked_bytes(file, checksum, anew=True)


def test_a_small_file_leaves_no_note(
    note: Path, file: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(checked, "REMEMBERED_FROM", 2_000)
    checked_bytes(file, write_whole(file, [b"x" * 1_000]))
    assert not note.exists()


@pytest.mark.parametrize("content", ["", "[", "[" * 9_000, "{}", "x" * 20_000, "\udcff"])
def test_a_damaged_note_counts_for_nothing(note: Path, file: Path, content: str) -> None:
    checksum = write_whole(file, [b"x" * 1_000])
    checked_bytes(file, checksum)
    (each,) = note.iterdir()
    each.write_bytes(content.encode("utf-8", "surrogateescape"))
    assert not checked.was_checked(file, checksum)
    checked_bytes(file, checksum)


def test_without_a_place_for_notes_files_are_read_each_time(
    file: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(checked, "REMEMBERED_FROM", 100)
    monkeypatch.setenv("XDG_CACHE_HOME", "/dev/null")
    checksum = write_whole(file, [b"x" * 1_000])
    checked_bytes(file, checksum)
    assert not checked.was_checked(file, checksum)
