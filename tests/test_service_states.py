"""The service beside other writers: states of an index, locks, and what a killed one leaves."""

from __future__ import annotations

import shutil
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path

import pytest

from recommender import HashingEmbedder, Recommender
from recommender.store import WriterLock
from tests.helpers import NOW, article, build, corpus
from tests.services import PATIENCE, serving, until
from tests.test_service_processes import GIVEN, dies, shared_file


@pytest.fixture
def index(tmp_path: Path) -> Path:
    folder = tmp_path / "index"
    build(folder, corpus(20)).close()
    return folder


def test_a_copy_that_went_on_by_itself_is_another_state(index: Path, tmp_path: Path) -> None:
    other = tmp_path / "other"
    shutil.copytree(index, other)
    with serving(index, tmp_path) as service:
        service.wait_for_model()
        put = service.editor.put("/articles/trial", json={"title": "试验", "body": "试验稿。" * 20})
        assert put.status_code == 201
        for _ in range(8):
            assert service.anyone.get("/articles/a001/related").status_code == 200
        with Recommender.open(other, embedder=HashingEmbedder()) as opened:
            opened.update([article("a001", "茶", 1, access="hidden")], now=NOW)
            opened.copy(index, replace=True)
        # As many changes as there were, and yet none of the lists that were kept.
        for _ in range(8):
            assert service.anyone.get("/articles/a001/related").status_code == 404
            assert service.anyone.get("/articles/trial/related").status_code == 404
        listed = service.anyone.get("/articles/a002/related?limit=20&min_similarity=0").json()
        assert "a001" not in [each["article"]["id"] for each in listed["matches"]]


def test_who_waits_for_another_writer_holds_up_no_check(index: Path, tmp_path: Path) -> None:
    with serving(index, tmp_path, "--workers", "1", settings="threads = 2") as service:
        service.wait_for_model()
        lock = WriterLock.acquire(index, timeout=PATIENCE)
        try:
            with ThreadPoolExecutor(6) as clients:
                bodies = [{"body": article("x", "桥", number).body} for number in range(6)]
                puts = [
                    clients.submit(service.editor.put, f"/articles/n{number}", json=body)
                    for number, body in enumerate(bodies)
                ]
                until(lambda: "recommender_work_running" in service.editor.get("/metrics").text)
                check = service.editor.post("/near-duplicates?lexical=1", json=GIVEN)
                assert check.status_code == 200
                assert not all(each.done() for each in puts)
                answers = [each.result(PATIENCE) for each in puts]
        finally:
            lock.release()
        assert {each.status_code for each in answers} <= {503, 504}
        assert answers[0].headers["retry-after"]
        again = service.editor.put("/articles/n0", json={"body": article("x", "桥", 1).body})
        assert again.status_code in (200, 201)


def test_the_next_one_tidies_what_a_killed_one_left(index: Path, tmp_path: Path) -> None:
    with serving(index, tmp_path) as killed:
        folder = shared_file(killed).parent
        children = killed.children("worker")
        killed.process.kill()
        killed.process.wait(PATIENCE)
        for each in children:
            dies(each)
    assert folder.is_dir()
    with serving(index, tmp_path) as service:
        assert not folder.exists()
        assert shared_file(service).parent.is_dir()
        assert service.stop() == 0


def test_an_index_that_is_moved_away_is_not_ready(index: Path, tmp_path: Path) -> None:
    with serving(index, tmp_path, "--workers", "1") as service:
        assert service.anyone.get("/readyz").status_code == 200
        index.rename(tmp_path / "away")
        assert service.anyone.get("/readyz").status_code == 503
        assert service.anyone.get("/healthz").status_code == 200
