"""Erased for good: nothing of an article is in any file of the folder, and it stays out."""

from __future__ import annotations

import json
import logging
import os
import subprocess
import sys
import textwrap
import zlib
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from dataclasses import dataclass
from pathlib import Path

import numpy as np
import pytest

from recommender import (
    Article,
    ArticleNotFound,
    ConfigError,
    ErasureUnfinished,
    HashingEmbedder,
    IndexOptions,
    Label,
    Recommender,
)
from recommender.search import Searcher
from recommender.store import Pending, Store, Writer
from recommender.store.codec import encode_text
from recommender.text import fold
from tests.helpers import NOW, article, body_of, build, corpus
from tests.test_cli import Run

ROOT = Path(__file__).parent.parent
ERASED = "s-7731-geheim"
SENTENCE = "原告罗某某请求删除本人姓名与住址，法院裁定二十四小时内下架全部报道。"


def secret_article(article_id: str = ERASED, **fields: object) -> Article:
    # Long and hardly compressible: a text that fills pages of its own.
    noise = np.random.default_rng(77).integers(0x4E00, 0x9FA5, 30_000)
    body = f"{SENTENCE}{body_of('馆', 77)}{''.join(map(chr, noise))}"
    return article(article_id, "馆", 77, title="罗某某住址泄露案开庭", body=body, **fields)


@dataclass(frozen=True)
class Traces:
    """What must not be found in any file."""

    patterns: dict[str, bytes]

    @classmethod
    def of(cls, folder: Path, article_id: str) -> Traces:
        with Store.open(folder) as store, store.snapshot():
            searcher = Searcher(store)
            row = store.row_of(article_id)
            assert row is not None
            document = store.documents([row])[row]
            vector = document.sketch.vector
            assert vector is not None
            centred = searcher.centred(vector[None], [document.card.language])[0]
            raw = {
                "compressed text": encode_text(row, document.text)[0][-40_000:-39_960],
                "vector": vector.tobytes(),
                "half of the vector": vector[len(vector) // 2 :].tobytes(),
                "centred vector": centred.astype(np.float16)[:16].tobytes(),
                "fingerprint": document.sketch.fingerprint[:4].tobytes(),
                "facts": document.sketch.facts,
                "content digest": document.content_digest,
                "input digest": document.input_digest,
                "text digest": document.sketch.text_digest,
            }
        words = {
            "id": article_id,
            "title": document.card.title,
            "beginning": document.text[:12],
            "middle": document.text[20:30],
            "sentence": SENTENCE[8:20],
            "folded": fold(SENTENCE)[4:16],
        }
        for name, value in words.items():
            for encoding in ("utf-8", "utf-16-le", "utf-16-be"):
                raw[f"{name} in {encoding}"] = value.encode(encoding)
            raw[f"{name} as JSON"] = json.dumps(value).strip('"').encode()
        return cls({name: pattern for name, pattern in raw.items() if pattern})

    def found(self, folder: Path) -> list[str]:
        """Where something of it stands."""
        return [
            f"{name} in {file.name}"
            for file in sorted(folder.rglob("*"))
            if file.is_file()
            for data in [file.read_bytes()]
            for name, pattern in self.patterns.items()
            if any(pattern in each for each in (data, *inflated(data)))
        ]


def inflated(data: bytes) -> Iterator[bytes]:
    """Everything in a file that zlib can read, also what a page cuts off."""
    for beginning in (b"\x78\x01", b"\x78\x9c", b"\x78\xda", b"\x78\x5e"):
        place = data.find(beginning)
        while place >= 0:
            reading, text = zlib.decompressobj(), b""
            # In small steps: what comes before the end of a page is kept.
            with suppress(zlib.error):
                for start in range(place, min(place + 40_000, len(data)), 256):
                    text += reading.decompress(data[start : start + 256])
            yield text
            place = data.find(beginning, place + 1)


@pytest.fixture
def folder(tmp_path: Path) -> Path:
    """An index in which the secret article has left everything it can leave."""
    folder = tmp_path / "index"
    with build(folder, [*corpus(60), secret_article()]) as index:
        # An earlier row, a newer one, and words of people.
        index.update([secret_article(category="法治", excerpt=True)], now=NOW)
        index.decide(ERASED, "a004", "distinct", note="另一案件", now=NOW)
        index.decide("a001", "a006", "duplicate", note="kept", now=NOW)
        index.add_labels(
            [
                Label(first="a009", second=ERASED, least=1, most=1),
                Label(first="a001", second="a006", least=4, most=4),
            ],
            now=NOW,
        )
    # What killed runs leave.
    with Pending.open(folder, embedder="another") as pending, Store.open(folder) as store:
        with store.snapshot():
            row = store.row_of(ERASED)
            assert row is not None
            document = store.documents([row])[row]
        assert document.sketch.vector is not None
        pending.put_many({document.input_digest: document.sketch.vector})
    (folder / ".vectors-000009.faiss.0a0b0c0d.tmp").write_bytes(document.sketch.vector.tobytes())
    return folder


def test_the_search_for_traces_finds_them(folder: Path) -> None:
    found = Traces.of(folder, ERASED).found(folder)
    names = {each.partition(" in ")[0] for each in found}
    assert {
        "compressed text",
        "vector",
        "centred vector",
        "facts",
        "id",
        "title",
        "sentence",
    } <= names
    assert {"fingerprint", "input digest", "content digest", "text digest"} <= names
    files = {each.rpartition(" ")[2] for each in found}
    assert any("vectors-000009" in each for each in files)
    assert any("pending" in each for each in files)
    assert "vectors-000001.faiss" in files


def test_nothing_of_an_erased_article_is_in_any_file(folder: Path) -> None:
    traces = Traces.of(folder, ERASED)
    with Recommender.open(folder) as reader, Recommender.open(folder) as writer:
        before = [match.article.id for match in reader.related("a009", min_similarity=0, limit=50)]
        assert ERASED in before
        done = writer.remove([ERASED], purge=True, now=NOW)
        assert (done.removed, done.decisions, done.labels, done.total) == (1, 1, 1, 60)
        assert traces.found(folder) == []
        after = [match.article.id for match in reader.related("a009", min_similarity=0, limit=50)]
        assert ERASED not in after
        assert ERASED not in reader
        assert [each.pair for each in reader.decisions()] == [("a001", "a006")]
        assert [(each.first, each.second) for each in reader.labels()] == [("a001", "a006")]
        assert reader.verify() == []
        assert reader.info().warnings == ()
    assert traces.found(folder) == []
    with Store.open(folder) as store, store.snapshot():
        rows = store.rows()
        for stored in store.neighbours_of(rows.tolist()).values():
            assert np.isin(stored.rows, rows).all()
        assert len(store.removed_rows()) == 0


def test_what_was_removed_earlier_can_be_erased_later(
    folder: Path, caplog: pytest.LogCaptureFixture
) -> None:
    traces = Traces.of(folder, ERASED)
    with Recommender.open(folder, embedder=HashingEmbedder()) as index:
        index.remove([ERASED])
        assert traces.found(folder)
        with caplog.at_level(logging.WARNING, "recommender"):
            done = index.remove([ERASED], purge=True)
        assert (done.removed, done.absent) == (0, (ERASED,))
        assert ERASED in caplog.text
        assert traces.found(folder) == []
        assert index.update([secret_article()], now=NOW).skipped == 1


def test_reading_goes_on_and_readers_that_stand_still_are_waited_for(folder: Path) -> None:
    traces = Traces.of(folder, ERASED)
    with Store.open(folder) as reader:
        with reader.snapshot():
            assert reader.count() == 61
            with Recommender.open(folder) as index:
                with pytest.raises(ErasureUnfinished) as caught:
                    index.remove([ERASED], purge=True, wait=0.2)
                message = str(caught.value)
                assert "out of the index" in message
                assert 'run "recommender remove --purge' in message
                assert "a reader in this process" in message
                # Out of every answer, but no promise yet.
                assert ERASED not in index
                assert "remove --purge" in "".join(index.info().warnings)
                assert index.verify() == []
            assert reader.count() == 61
        with Recommender.open(folder) as index:
            done = index.remove([], purge=True)
            assert (done.removed, done.total) == (0, 60)
            assert index.info().warnings == ()
    assert traces.found(folder) == []


STANDING = """
    import sys
    from pathlib import Path
    from recommender.store import Store

    with Store.open(Path(sys.argv[1])) as store, store.snapshot():
        store.count()
        print("reading", flush=True)
        sys.stdin.readline()
"""


def test_who_stands_still_is_named_and_not_who_erases(folder: Path) -> None:
    words = [sys.executable, "-c", textwrap.dedent(STANDING), str(folder), "--token=secret"]
    reader = subprocess.Popen(
        words, stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True, cwd=ROOT
    )
    assert reader.stdout is not None
    assert reader.stdout.readline() == "reading\n"
    command = [sys.executable, "-m", "recommender", "remove", ERASED, "--purge", "--wait", "0.2"]
    done = subprocess.run(
        [*command, "-i", str(folder)], stderr=subprocess.PIPE, text=True, cwd=ROOT
    )
    reader.communicate("\n", timeout=60)
    assert done.returncode == 1
    python = Path(sys.executable).name
    assert f"(processes that have it open: {reader.pid} ({python} -c)); end that" in done.stderr
    assert "secret" not in done.stderr


READER = """
    import sys, time
    from pathlib import Path
    from recommender import Recommender

    with Recommender.open(Path(sys.argv[1])) as index:
        seen = set()
        while len(seen) < 2:
            found = index.related("a009", min_similarity=0, limit=50)
            seen.add("s-7731-geheim" in {match.article.id for match in found})
            assert found
            print(*seen, flush=True)
        print("seen", flush=True)
        time.sleep(0.2)
        assert "s-7731-geheim" not in index
"""


def test_other_processes_read_while_it_is_erased(folder: Path) -> None:
    traces = Traces.of(folder, ERASED)
    readers = [
        subprocess.Popen(
            [sys.executable, "-c", textwrap.dedent(READER), str(folder)],
            stdout=subprocess.PIPE,
            text=True,
            cwd=ROOT,
        )
        for _ in range(2)
    ]
    for reader in readers:
        assert reader.stdout is not None
        assert reader.stdout.readline() == "True\n"
    with Recommender.open(folder) as index:
        index.remove([ERASED], purge=True)
    assert traces.found(folder) == []
    for reader in readers:
        output, _ = reader.communicate(timeout=60)
        assert reader.returncode == 0
        assert output.endswith("seen\n")


@pytest.mark.parametrize("by_text", [False, True])
def test_no_update_or_build_brings_it_back_unless_told_to(
    folder: Path, caplog: pytest.LogCaptureFixture, by_text: bool
) -> None:
    back = secret_article("renamed" if by_text else ERASED)
    if not by_text:
        back = Article(id=ERASED, title="quite another title", body=body_of("茶", 500))
    with Recommender.open(folder, embedder=HashingEmbedder()) as index:
        index.remove([ERASED], purge=True)
        with caplog.at_level(logging.WARNING, "recommender"):
            change = index.update([back, article("new", "茶", 300)], now=NOW)
        assert (change.added, change.skipped) == (1, 1)
        assert "erased for good" in caplog.text
        assert back.id not in index
        index.rebuild(now=NOW)
        assert index.update([back], now=NOW).skipped == 1
        build(folder, [*corpus(20), back]).close()
        assert (back.id in index, len(index)) == (False, 20)
        with pytest.raises(ConfigError, match="nothing was changed"):
            build(folder, [back])
        assert len(index) == 20
        change = index.update([back], allow_erased=True, now=NOW)
        assert (change.added, change.skipped) == (1, 0)
        assert back.id in index
        # The word holds: the next update is an ordinary one.
        index.remove([back.id])
        assert index.update([back], now=NOW).added == 1


def test_a_build_may_bring_it_back_when_told_to(folder: Path) -> None:
    with Recommender.open(folder) as index:
        index.remove([ERASED], purge=True)
        build(folder, [*corpus(20), secret_article()], allow_erased=True).close()
        assert ERASED in index


def test_a_copy_keeps_it_out_as_well(folder: Path, tmp_path: Path) -> None:
    traces = Traces.of(folder, ERASED)
    with Recommender.open(folder) as index:
        index.remove([ERASED], purge=True)
        index.copy(tmp_path / "copy")
    assert traces.found(tmp_path / "copy") == []
    with Recommender.open(tmp_path / "copy", embedder=HashingEmbedder()) as copied:
        assert copied.update([secret_article()], now=NOW).skipped == 1


def test_the_same_text_that_stays_is_named_and_may_be_updated(
    folder: Path, caplog: pytest.LogCaptureFixture
) -> None:
    with Recommender.open(folder, embedder=HashingEmbedder()) as index:
        index.update([secret_article("wire-1")], now=NOW)
        with caplog.at_level(logging.WARNING, "recommender"):
            done = index.remove([ERASED], purge=True)
        assert done.twins == ("wire-1",)
        assert "'wire-1'" in caplog.text
        change = index.update([secret_article("wire-1", category="转载")], now=NOW)
        assert (change.updated, change.skipped) == (1, 0)


def test_tombstones_tell_nothing(folder: Path, tmp_path: Path) -> None:
    import sqlite3

    build(tmp_path / "other", [*corpus(20), secret_article()]).close()
    marks = []
    for each in (folder, tmp_path / "other"):
        with Recommender.open(each) as index:
            index.remove([ERASED], purge=True)
        with sqlite3.connect(each / "articles.sqlite") as database:
            marks.append({key for (key,) in database.execute("SELECT key FROM tombstones")})
        database.close()
    assert len(marks[0]) == len(marks[1]) == 2
    # Another key in each index.
    assert not marks[0] & marks[1]


def test_notices_that_nobody_carries_any_more_go_with_it(tmp_path: Path) -> None:
    folder = tmp_path / "index"
    notice = "（编辑：罗秘密供图，联系请致电市南区第七信箱）"
    shared = "版权声明：本文由联合通讯社供稿，转载请注明来源。"

    def with_notices(number: int) -> Article:
        own = notice if number < 4 else ""
        body = f"{body_of('茶', number, sentences=12)}\n{own}\n{shared}"
        return article(f"n{number:02d}", "茶", number, body=body)

    options = IndexOptions(embedder="hashing", boilerplate_min_count=3, boilerplate_min_share=0.0)
    with build(folder, [with_notices(n) for n in range(16)], options=options) as index:
        found = {each.pattern for each in index.info().boilerplate}
        assert any("第七信箱" in each for each in found)
        assert any("联合通讯社" in each for each in found)
        index.remove([f"n{n:02d}" for n in range(3)], purge=True)
        assert {each.pattern for each in index.info().boilerplate} == found
        index.remove(["n03"], purge=True)
        left = {each.pattern for each in index.info().boilerplate}
        assert not any("第七信箱" in each for each in left)
        assert any("联合通讯社" in each for each in left)
        assert index.verify() == []
    for file in folder.iterdir():
        data = file.read_bytes()
        assert "第七信箱".encode() not in data
        assert b"\\u7b2c\\u4e03\\u4fe1\\u7bb1" not in data


def test_everything_can_be_erased(tmp_path: Path) -> None:
    folder = tmp_path / "index"
    ids = [each.id for each in corpus(20)]
    with build(folder, corpus(20)) as index:
        traces = Traces.of(folder, "a003").found
        done = index.remove(ids, purge=True)
        assert (done.removed, done.total, len(index)) == (20, 0, 0)
        assert index.verify() == []
        assert traces(folder) == []


def test_a_plain_removal_still_asks_for_ids_that_are_there(folder: Path) -> None:
    with Recommender.open(folder) as index:
        with pytest.raises(ArticleNotFound):
            index.remove(["nobody"])
        assert index.remove([], purge=True).removed == 0


STAGES = ("neighbours of others", "search files", "database", "log")


@contextmanager
def killed_at(folder: Path, stage: str, *, at_end: bool) -> Iterator[None]:
    child = os.fork()
    if child == 0:
        try:

            def die(name: str, done: int, total: int) -> None:
                if name == stage and (done == total) == at_end:
                    os.kill(os.getpid(), 9)

            with Recommender.open(folder) as index:
                index.remove([ERASED], purge=True, progress=die)
        finally:
            os._exit(1)
    assert os.waitstatus_to_exitcode(os.waitpid(child, 0)[1]) == -9
    yield


@pytest.mark.parametrize(
    ("stage", "at_end"),
    [
        (stage, at_end)
        for stage in STAGES
        for at_end in (False, True)
        # That one is told only when a part is done.
        if at_end or stage != "neighbours of others"
    ],
)
def test_a_kill_in_the_middle_is_finished_by_running_it_again(
    folder: Path, stage: str, at_end: bool
) -> None:
    traces = Traces.of(folder, ERASED)
    begun = stage in ("database", "log")
    with killed_at(folder, stage, at_end=at_end), Recommender.open(folder) as index:
        assert index.verify() == []
        assert (ERASED in index) is not begun
        finished = stage == "log" and at_end
        assert bool(index.info().warnings) is (begun and not finished)
        index.remove([] if begun else [ERASED], purge=True)
        assert index.info().warnings == ()
        assert ERASED not in index
        assert len(index) == 60
        assert index.verify() == []
    assert traces.found(folder) == []


def test_the_command_says_what_it_did_and_what_it_cannot_reach(run: Run, folder: Path) -> None:
    done = run("remove", ERASED, "typo", "--purge", "-i", str(folder))
    assert done.exit_code == 0, done.stderr
    assert "1 article erased for good, with 1 decisions and 1 labels; 60 articles" in done.stderr
    assert "'typo'" in done.stderr
    for words in ("backups", "old reports", "copies", "exported files", "memory of running"):
        assert words in done.stderr
    assert run("remove", "--purge", "-i", str(folder)).exit_code == 0
    assert run("remove", "-i", str(folder)).exit_code == 2
    line = json.dumps({"id": ERASED, "body": SENTENCE})
    (folder.parent / "in.jsonl").write_text(line, encoding="utf-8")
    again = run("update", str(folder.parent / "in.jsonl"), "-i", str(folder))
    assert again.exit_code == 0
    assert "1 skipped, for they were erased for good" in again.stderr
    allowed = run("update", str(folder.parent / "in.jsonl"), "--allow-erased", "-i", str(folder))
    assert "1 added" in allowed.stderr


@pytest.mark.parametrize("ids", [[""], [ERASED, " "], ["\t"]])
def test_an_empty_id_erases_nothing(folder: Path, run: Run, ids: list[str]) -> None:
    with Recommender.open(folder) as index:
        with pytest.raises(ConfigError, match="an id is empty; nothing was erased"):
            index.remove(ids, purge=True)
        assert len(index) == 61
        assert index.info().warnings == ()
    # As a script does whose variable is not set.
    refused = run("remove", *ids, "--purge", "-i", str(folder))
    assert refused.exit_code == 1
    assert refused.stderr == "Error: an id is empty; nothing was erased\n"


@pytest.mark.parametrize("wait", [float("nan"), -1.0])
def test_a_wait_that_is_no_time_is_refused(folder: Path, run: Run, wait: float) -> None:
    with Recommender.open(folder) as index:
        with pytest.raises(ConfigError, match="wait must be"):
            index.remove([ERASED], purge=True, wait=wait)
        assert ERASED in index
    assert run("remove", ERASED, "--purge", "--wait", str(wait), "-i", str(folder)).exit_code in (
        1,
        2,
    )


def test_an_id_that_is_not_there_is_said_in_the_first_line(folder: Path, run: Run) -> None:
    said = run("remove", "typo", "--purge", "-i", str(folder)).stderr
    assert "this id is not in the index, and kept out from now on (misspelt?): 'typo'." in said
    assert "no article was erased; 61 articles left." in said
    assert "erased for good" not in said
    # It was kept out before: nothing is new.
    again = run("remove", "typo", "--purge", "-i", str(folder)).stderr
    assert "0 articles erased for good" in again


def interrupted(folder: Path) -> None:
    """An erasure that a reader who stands still has stopped short of its end."""
    with Store.open(folder) as reader, reader.snapshot(), Recommender.open(folder) as index:
        reader.count()
        with pytest.raises(ErasureUnfinished):
            index.remove([ERASED], purge=True, wait=0.1)


def test_the_command_says_that_it_finished_an_erasure(folder: Path, run: Run) -> None:
    interrupted(folder)
    done = run("remove", "--purge", "-i", str(folder))
    assert done.exit_code == 0
    assert "the erasure that was interrupted is finished" in done.stderr
    assert "0 articles" not in done.stderr
    again = run("remove", "--purge", "-i", str(folder))
    assert again.stderr == f"{folder}: no erasure was interrupted; nothing to do.\n"


def test_a_copy_ends_an_erasure_that_was_interrupted(
    folder: Path, tmp_path: Path, caplog: pytest.LogCaptureFixture
) -> None:
    traces = Traces.of(folder, ERASED)
    interrupted(folder)
    assert traces.found(folder)
    with Recommender.open(folder) as index:
        caplog.clear()
        index.copy(tmp_path / "copy")
        assert "an erasure in it is not over" in caplog.text
        assert index.info().warnings
    assert traces.found(tmp_path / "copy") == []
    assert sorted(each.name for each in (tmp_path / "copy").iterdir()) == [
        "articles.sqlite",
        "fingerprints-000002.bin",
        "vectors-000002.faiss",
    ]
    assert Recommender.diagnose(tmp_path / "copy").healthy
    with Recommender.open(tmp_path / "copy", embedder=HashingEmbedder()) as copied:
        assert copied.info().warnings == ()
        assert copied.update([secret_article()], now=NOW).skipped == 1


def test_the_doctor_raises_no_alarm_while_an_erasure_runs(folder: Path) -> None:
    interrupted(folder)
    (before,) = [each for each in Recommender.diagnose(folder).findings if each.check == "erasure"]
    assert before.severity == "error"
    with Writer.open_for_writing(folder):
        (finding,) = [
            each for each in Recommender.diagnose(folder).findings if each.check == "erasure"
        ]
        assert finding.severity == "note"
        assert f"process {os.getpid()}" in finding.text
