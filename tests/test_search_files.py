"""Search files that are damaged, missing, or written into while readers have them open."""

from __future__ import annotations

import os
import subprocess
import sys
import textwrap
from pathlib import Path

import pytest

from recommender.files import Watch, write_whole
from tests.helpers import build, corpus

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
