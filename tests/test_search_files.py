"""Search files that are damaged, missing, or written into while readers have them open."""

from __future__ import annotations

import os
import subprocess
import sys
import textwrap
from collections.abc import Callable
from dataclasses import replace
from pathlib import Path

import pytest

from recommender import Article, Recommender
from recommender.files import Watch, write_whole
from tests.helpers import NOW, article, body_of, build, corpus

ROOT = Path(__file__).parent.parent
FILES = ("vectors-000001.faiss", "fingerprints-000001.bin")

# Answers, waits until it is told to go on, and answers again.
READER = """
    import logging, sys
    from pathlib import Path
    from recommender import Article, Recommender
    from tests.helpers import NOW, body_of

    logging.basicConfig(stream=sys.stderr, level=logging.WARNING)
    drafts = [Article(id="draft", title="", body=body_of(each, 3)) for each in "桥茶雨"]

    def answers():
        return [
            (match.article.id, match.similarity)
            for draft in drafts
            for found in (
                index.near_duplicates(draft, min_similarity=0.1, now=NOW),
                index.related(draft, min_similarity=0.0, limit=20, now=NOW),
            )
            for match in found
        ]

    with Recommender.open(Path(sys.argv[1])) as index:
        before = answers()
        print("open", flush=True)
        sys.stdin.readline()
        for turn in range(2):
            assert answers() == before
    print("same answers", flush=True)
"""


def damage(file: Path, how: str) -> None:
    """Write into a file, as `cp` and `truncate` do."""
    if how == "cut":
        os.truncate(file, 4_096)
    elif how == "emptied":
        os.truncate(file, 0)
    elif how == "overwritten":
        size = file.stat().st_size
        with file.open("r+b") as stream:
            stream.truncate(0)
            stream.write(bytes(size))
    else:
        os.utime(file, ns=(1, 1))


@pytest.mark.parametrize("how", ["cut", "emptied", "overwritten", "touched"])
def test_a_reader_survives_a_search_file_that_is_cut_under_it(tmp_path: Path, how: str) -> None:
    folder = tmp_path / "index"
    build(folder, corpus(200)).close()
    reader = subprocess.Popen(
        [sys.executable, "-c", textwrap.dedent(READER), str(folder)],
        stdin=subprocess.PIPE,
        stdout=subprocess.PIPE,
        stderr=subprocess.PIPE,
        text=True,
        cwd=ROOT,
    )
    assert reader.stdout is not None
    assert reader.stdout.readline() == "open\n"
    for name in FILES:
        damage(folder / name, how)
    output, said = reader.communicate("\n", timeout=120)
    assert reader.returncode == 0, said
    assert output == "same answers\n"
    # Said once of each file, and not of one that still holds what it held.
    for name in FILES:
        assert said.count(name) == (how != "touched"), said


def test_a_watch_tells_writing_from_renaming_and_deleting(tmp_path: Path) -> None:
    file = tmp_path / "file"
    write_whole(file, [b"x" * 1_000])
    watch = Watch(file)
    assert watch.unchanged()
    assert watch.has_its_name()
    write_whole(file, [b"y" * 10])
    assert watch.unchanged()
    assert not watch.has_its_name()
    file.unlink()
    assert watch.unchanged()
    assert not watch.has_its_name()
    write_whole(file, [b"x" * 1_000])
    written = Watch(file)
    os.truncate(file, 999)
    assert not written.unchanged()
    assert written.has_its_name()


HOW = ("missing", "cut", "overwritten")


def harm(file: Path, how: str) -> None:
    if how == "missing":
        file.unlink()
    else:
        damage(file, how)


def searched(folder: Path) -> list[str]:
    with Recommender.open(folder) as index:
        draft = Article(id="draft", title="", body=body_of("茶", 3))
        return [match.article.id for match in index.related(draft, min_similarity=0.0, limit=20)]


CHANGES: dict[str, Callable[[Recommender], object]] = {
    "update": lambda index: index.update([article("new", "赛", 90)], now=NOW),
    "update of a card": lambda index: index.update(
        [replace(corpus(40)[7], url="https://news.example/moved")], now=NOW
    ),
    "update of nothing": lambda index: index.update(corpus(40)[:3], now=NOW),
    "remove": lambda index: index.remove(["a003"]),
    "purge": lambda index: index.remove(["a003"], purge=True),
    "purge of nothing": lambda index: index.remove(["nobody"], purge=True),
}


@pytest.mark.parametrize("change", sorted(CHANGES))
@pytest.mark.parametrize("how", HOW)
@pytest.mark.parametrize("name", FILES)
def test_a_writer_writes_damaged_search_files_anew(
    tmp_path: Path, caplog: pytest.LogCaptureFixture, change: str, how: str, name: str
) -> None:
    folder = tmp_path / "index"
    build(folder, corpus(40)).close()
    build(tmp_path / "whole", corpus(40)).close()
    with Recommender.open(tmp_path / "whole") as whole:
        CHANGES[change](whole)
    harm(folder / name, how)
    with Recommender.open(folder) as reader:
        before = sorted(file.name for file in folder.glob("*-0*"))
        reader.related(corpus(40)[5], min_similarity=0.0)
        assert sorted(file.name for file in folder.glob("*-0*")) == before
        caplog.clear()
        with Recommender.open(folder) as index:
            CHANGES[change](index)
            if not change.startswith("purge"):
                assert name in caplog.text
                assert "written anew" in caplog.text
            assert index.verify() == []
            assert (index.info().generation, index.info().tail) == (2, 0)
            assert len(list(folder.glob("*-0*"))) == len(FILES)
        caplog.clear()
        assert searched(folder) == searched(tmp_path / "whole")
        assert reader.verify() == []
        assert caplog.text == ""
        # It was one change, as without the damage; whole files stay as they are.
        reader.update([article("later", "雨", 91)], now=NOW)
        assert reader.info().generation == 2
    assert sorted(file.name for file in folder.glob("*-0*")) == [
        "fingerprints-000002.bin",
        "vectors-000002.faiss",
    ]
