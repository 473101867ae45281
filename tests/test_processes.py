"""Real processes: killed builds, two writers, readers beside a writer, another user, forks."""

from __future__ import annotations

import os
import signal
import subprocess
import sys
import textwrap
import time
from collections.abc import Callable
from pathlib import Path

import pytest

from recommender import IndexMissing, Recommender
from tests.helpers import article, build, corpus

pytestmark = pytest.mark.slow

# A hashing embedder that counts what it embeds and takes its time, so that it can be killed.
SLOW_EMBEDDER = """
    import sys, time
    from pathlib import Path
    from recommender import HashingEmbedder, Recommender
    from tests.helpers import NOW, article, corpus

    class Slow(HashingEmbedder):
        def embed(self, texts):
            with open(sys.argv[2], "a", encoding="utf-8") as log:
                log.write("".join(f"{hash_of(text)}\\n" for text in texts))
            time.sleep(float(sys.argv[3]))
            return super().embed(texts)

    def hash_of(text):
        import xxhash
        return xxhash.xxh3_64_hexdigest(text.encode())

    def say(stage, done, total):
        print(stage, done, total, flush=True)
"""


def start(body: str, *arguments: object) -> subprocess.Popen[str]:
    code = textwrap.dedent(SLOW_EMBEDDER) + textwrap.dedent(body)
    return subprocess.Popen(
        [sys.executable, "-c", code, *map(str, arguments)],
        stdout=subprocess.PIPE,
        stderr=subprocess.STDOUT,
        text=True,
        cwd=Path(__file__).parent.parent,
    )


def wait_for(process: subprocess.Popen[str], word: str) -> None:
    assert process.stdout is not None
    for line in process.stdout:
        if word in line:
            return
    raise AssertionError(f"{word!r} never came; exit code {process.wait()}")


def finish(process: subprocess.Popen[str]) -> None:
    output, _ = process.communicate(timeout=120)
    assert process.returncode == 0, output


def kill(process: subprocess.Popen[str]) -> None:
    process.send_signal(signal.SIGKILL)
    process.communicate()


def answers(folder: Path) -> list[tuple[str, list[tuple[str, float]]]]:
    """All related lists of an index."""
    with Recommender.open(folder) as index:
        assert index.verify() == []
        ids = sorted(each for each in (f"a{n:03d}" for n in range(400)) if each in index)
        return [
            (each, [(m.article.id, m.similarity) for m in index.related(each, min_similarity=0.2)])
            for each in ids
        ]


BUILD = """
    Recommender.build(Path(sys.argv[1]), corpus(200), embedder=Slow(), now=NOW, progress=say)
"""


@pytest.mark.parametrize("stage", ["embedding 64", "embedding 192", "search files", "evidence"])
def test_a_killed_build_is_no_index_and_goes_on(tmp_path: Path, stage: str) -> None:
    folder, log = tmp_path / "index", tmp_path / "log"
    process = start(BUILD, folder, log, 0.05)
    wait_for(process, stage)
    kill(process)
    with pytest.raises(IndexMissing, match="never finished"):
        Recommender.open(folder)
    finish(start(BUILD, folder, log, 0))
    embedded = log.read_text(encoding="utf-8").split()
    # The chunk that was being embedded when the process died may come twice, nothing else.
    assert len(embedded) - len(set(embedded)) <= (64 if "embedding" in stage else 0)
    build(tmp_path / "whole", corpus(200)).close()
    assert answers(folder) == answers(tmp_path / "whole")
    assert not list(folder.glob("pending-*"))


UPDATE = """
    changed = [article(f"a{n:03d}", "馆", n + 500) for n in range(120, 260)]
    with Recommender.open(Path(sys.argv[1]), embedder=Slow()) as index:
        index.update(changed, now=NOW, progress=say)
"""
REBUILD = """
    with Recommender.open(Path(sys.argv[1]), embedder=Slow()) as index:
        index.rebuild(now=NOW, progress=say)
"""


@pytest.mark.parametrize(
    ("change", "stage"),
    [
        (UPDATE, "embedding 64"),
        (UPDATE, "fingerprints"),
        (REBUILD, "evidence"),
        (REBUILD, "search"),
    ],
)
def test_a_killed_change_leaves_the_index_as_before(
    tmp_path: Path, change: str, stage: str
) -> None:
    folder = tmp_path / "index"
    build(folder, corpus(200)).close()
    before = answers(folder)
    process = start(change, folder, tmp_path / "log", 0.05)
    wait_for(process, stage)
    kill(process)
    assert answers(folder) == before
    finish(start(change, folder, tmp_path / "log", 0))
    after = answers(folder)
    if change == UPDATE:
        assert len(after) == 260
        finish(start(REBUILD, folder, tmp_path / "log", 0))
    else:
        assert after == before


def test_an_interrupt_stops_at_once_and_loses_nothing(tmp_path: Path) -> None:
    folder, log = tmp_path / "index", tmp_path / "log"
    process = start(BUILD, folder, log, 0.2)
    wait_for(process, "embedding 128")
    process.send_signal(signal.SIGINT)
    process.communicate(timeout=30)
    assert process.returncode != 0
    finish(start(BUILD, folder, log, 0))
    assert len(answers(folder)) == 200


def test_two_writers_wait_for_each_other(tmp_path: Path) -> None:
    folder = tmp_path / "index"
    build(folder, corpus(30)).close()
    body = """
    number = int(sys.argv[4])
    with Recommender.open(Path(sys.argv[1]), embedder=Slow()) as index:
        for each in range(5):
            index.update([article(f"w{number}-{each}", "茶", 100 + 10 * number + each)], now=NOW)
    """
    processes = [start(body, folder, tmp_path / "log", 0, number) for number in range(3)]
    for process in processes:
        finish(process)
    with Recommender.open(folder) as index:
        assert len(index) == 45
        assert index.verify() == []


def test_readers_go_on_while_a_writer_works(tmp_path: Path) -> None:
    folder = tmp_path / "index"
    build(folder, corpus(60)).close()
    reader = start(
        """
    with Recommender.open(Path(sys.argv[1])) as index:
        print("ready", flush=True)
        end = time.monotonic() + 6
        seen = set()
        while time.monotonic() < end:
            seen.add(len(index))
            matches = index.related("a000", min_similarity=0.0, limit=20)
            assert len({match.article.id for match in matches}) == len(matches) > 0
        print(sorted(seen), flush=True)
        assert len(seen) > 1, seen
    """,
        folder,
        tmp_path / "log",
        0,
    )
    wait_for(reader, "ready")
    with Recommender.open(folder) as index:
        for number in range(8):
            index.update([article(f"n{number}", "雨", 300 + number)])
            index.remove([f"a{number + 10:03d}"])
            time.sleep(0.1)
        index.rebuild()
    finish(reader)


def as_user(number: int, action: Callable[[], None]) -> int:
    """Run an action in a child process of another user; gives its exit code."""
    child = os.fork()
    if child == 0:
        code = 1
        try:
            os.setgroups([])
            os.setgid(number)
            os.setuid(number)
            action()
            code = 0
        finally:
            os._exit(code)
    return os.waitstatus_to_exitcode(os.waitpid(child, 0)[1])


@pytest.mark.skipif(os.geteuid() != 0, reason="only root can become another user")
def test_a_web_user_reads_what_another_user_writes(tmp_path: Path) -> None:
    web = 33
    folder = tmp_path / "index"
    folder.mkdir()
    os.chown(folder, 0, web)
    folder.chmod(0o750)
    for parent in folder.parents:
        if parent.stat().st_uid == 0 and parent != Path("/"):
            parent.chmod(parent.stat().st_mode | 0o055)
    build(folder, corpus(30)).close()

    def read() -> None:
        with Recommender.open(folder) as index:
            assert len(index.related("a001", min_similarity=0.0)) > 0

    assert as_user(web, read) == 0
    with Recommender.open(folder) as index:
        index.update([article("new", "雨", 77)])
        assert as_user(web, read) == 0
    process = start(
        """
    with Recommender.open(Path(sys.argv[1]), embedder=Slow()) as index:
        index.update([article("more", "茶", 78)], now=NOW)
        print("written", flush=True)
        time.sleep(30)
    """,
        folder,
        tmp_path / "log",
        0,
    )
    wait_for(process, "written")
    kill(process)
    assert as_user(web, read) == 0


def test_an_open_index_answers_in_a_forked_child(tmp_path: Path) -> None:
    folder = tmp_path / "index"
    build(folder, corpus(30)).close()
    with Recommender.open(folder) as index:
        expected = [match.article.id for match in index.related("a001", min_similarity=0.0)]
        child = os.fork()
        if child == 0:
            code = 1
            try:
                found = [match.article.id for match in index.related("a001", min_similarity=0.0)]
                code = 0 if found == expected else 2
            finally:
                os._exit(code)
        assert os.waitstatus_to_exitcode(os.waitpid(child, 0)[1]) == 0
        assert [m.article.id for m in index.related("a001", min_similarity=0.0)] == expected
