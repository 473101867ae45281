"""The service in operation: more than it can do, processes that die, and a stop."""

from __future__ import annotations

import os
import shutil
import signal
import socket
import stat
import threading
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from contextlib import ExitStack
from dataclasses import replace
from pathlib import Path
from urllib.parse import urlsplit

import httpx
import pytest

from recommender import EmbedderIdentity, HashingEmbedder, Recommender
from tests.helpers import NOW, article, build, corpus
from tests.services import PATIENCE, TOKEN, Service, serving, until

GIVEN = {"article": {"body": article("x", "桥", 3).body}}


@pytest.fixture(scope="module")
def index(tmp_path_factory: pytest.TempPathFactory) -> Path:
    folder = tmp_path_factory.mktemp("processes") / "index"
    build(folder, corpus(20)).close()
    return folder


def dies(pid: int) -> None:
    """Until a process is gone; one that nobody waited for yet is."""

    def gone() -> bool:
        try:
            return Path(f"/proc/{pid}/stat").read_text().rpartition(")")[2].split()[0] == "Z"
        except OSError:
            return True

    until(gone)


def shared_file(service: Service) -> Path:
    """A file in the folder that the processes of a service share."""
    worker = service.children("worker")[0]
    opened = {each.resolve() for each in Path(f"/proc/{worker}/fd").iterdir()}
    (found,) = (each for each in opened if each.name == "rates")
    return found


def test_workers_and_the_model_come_back(index: Path, tmp_path: Path) -> None:
    with serving(index, tmp_path) as service:
        service.wait_for_model()
        before = set(service.children("worker"))
        assert len(before) == 2
        killed = min(before)
        os.kill(killed, signal.SIGKILL)
        dies(killed)
        # The other goes on, and soon there are two again.
        until(lambda: len(set(service.children("worker")) - {killed}) == 2)
        assert service.editor.post("/near-duplicates", json=GIVEN).status_code == 200

        (model,) = service.children("embedding")
        os.kill(model, signal.SIGKILL)
        dies(model)
        # What needs no model is answered meanwhile; a draft waits for it to come back.
        assert service.anyone.get("/articles/a000/related").status_code == 200
        assert service.editor.post("/near-duplicates?lexical=1", json=GIVEN).status_code == 200
        fresh = {"article": {"body": article("x", "茶", 6).body}}
        answer = service.editor.post("/near-duplicates", json=fresh)
        assert answer.status_code == 200
        assert answer.json()["matches"][0]["article"]["category"] == "茶"
        assert service.children("embedding") not in ([], [model])
        ended = [each for each in service.lines() if "started again" in each["message"]]
        assert [each["process"].split()[0] for each in ended] == ["worker", "embedding"]
        assert service.stop() == 0


def test_requests_that_run_end_before_the_service_does(index: Path, tmp_path: Path) -> None:
    with serving(index, tmp_path) as service:
        shared = shared_file(service)
        assert stat.S_IMODE(shared.parent.stat().st_mode) == 0o700
        place = urlsplit(service.url)
        body = b'{"id": "a003"}'
        with socket.create_connection((place.hostname, place.port), timeout=PATIENCE) as running:
            running.sendall(
                "POST /near-duplicates HTTP/1.1\r\nHost: 127.0.0.1\r\n"
                f"Authorization: Bearer {TOKEN}\r\nContent-Type: application/json\r\n"
                f"Content-Length: {len(body)}\r\nExpect: 100-continue\r\n\r\n".encode()
            )
            # The service has begun to read it.
            assert b" 100 " in running.recv(4_096)
            service.process.send_signal(signal.SIGTERM)

            def refuses() -> bool:
                try:
                    socket.create_connection((place.hostname, place.port), timeout=5).close()
                except ConnectionError:
                    return True
                return False

            until(lambda: len(service.children("worker")) == 1 or refuses())
            running.sendall(body)
            answer = b""
            while part := running.recv(65_536):
                answer += part
        assert b" 200 " in answer.split(b"\r\n")[0]
        assert answer.endswith(b"}")
        assert service.process.wait(PATIENCE) == 0
    assert not shared.parent.exists()


def test_a_second_signal_does_not_wait(index: Path, tmp_path: Path) -> None:
    with serving(index, tmp_path, settings="grace_seconds = 600") as service:
        place = urlsplit(service.url)
        with socket.create_connection((place.hostname, place.port), timeout=PATIENCE) as waiting:
            waiting.sendall(
                f"POST /related HTTP/1.1\r\nHost: 127.0.0.1\r\nAuthorization: Bearer {TOKEN}\r\n"
                "Content-Length: 9\r\nExpect: 100-continue\r\n\r\n".encode()
            )
            assert b" 100 " in waiting.recv(4_096)
            service.process.send_signal(signal.SIGINT)
            until(lambda: len(service.children("worker")) == 1)
            assert service.process.poll() is None
            service.process.send_signal(signal.SIGINT)
            assert service.process.wait(PATIENCE) == 0


def test_nothing_is_left_of_a_service_whose_supervisor_was_killed(
    index: Path, tmp_path: Path
) -> None:
    with serving(index, tmp_path) as service:
        service.wait_for_model()
        children = [*service.children("worker"), *service.children("embedding")]
        assert len(children) == 3
        service.process.kill()
        service.process.wait(PATIENCE)
        for each in children:
            dies(each)


def test_what_does_not_fit_is_told_to_come_later(index: Path, tmp_path: Path) -> None:
    settings = "threads = 1\nqueue = 1\nembeddings_per_minute = 100000"
    draft = {"article": {"body": "".join(article("x", "雨", each).body for each in range(300))}}
    with serving(index, tmp_path, "--workers", "1", settings=settings) as service:
        service.wait_for_model()
        with ThreadPoolExecutor(16) as pool:
            asked = [
                pool.submit(service.editor.post, "/near-duplicates?lexical=1", json=draft)
                for _ in range(32)
            ]
            # Readers notice nothing of it.
            for _ in range(20):
                assert service.anyone.get("/articles/a000/related").status_code == 200
            answers = [each.result() for each in asked]
        assert {each.status_code for each in answers} == {200, 503}
        busy = [each for each in answers if each.status_code == 503]
        assert all(int(each.headers["retry-after"]) >= 1 for each in busy)
        assert busy[0].headers["content-type"] == "application/problem+json"
        assert service.editor.post("/near-duplicates", json=GIVEN).status_code == 200
        text = service.editor.get("/metrics").text
        assert f'recommender_refused_total{{status="503"}} {len(busy)}.0' in text


def test_readers_do_not_fill_the_queue_of_editors(index: Path, tmp_path: Path) -> None:
    settings = "threads = 1\nqueue = 0"
    with serving(index, tmp_path, "--workers", "1", settings=settings) as service:
        service.wait_for_model()
        ended = threading.Event()

        def flood(number: int) -> set[int]:
            seen = set()
            while not ended.is_set():
                asked = f"limit=100&min_similarity=0&category=x{number}-{len(seen)}"
                seen.add(service.anyone.get(f"/articles/a000/related?{asked}").status_code)
            return seen

        with ThreadPoolExecutor(6) as pool:
            floods = [pool.submit(flood, each) for each in range(6)]
            try:
                statuses = {
                    service.editor.post("/near-duplicates?lexical=1", json=GIVEN).status_code
                    for _ in range(10)
                }
            finally:
                ended.set()
            seen = set().union(*(each.result() for each in floods))
        assert statuses == {200}
        assert seen <= {200, 503}


def test_the_model_is_rationed_for_each_client(index: Path, tmp_path: Path) -> None:
    settings = 'embeddings_per_minute = 4\ntrusted_proxies = ["127.0.0.1"]'
    with serving(index, tmp_path, settings=settings) as service:
        service.wait_for_model()

        def ask(client: str, path: str = "/near-duplicates") -> httpx.Response:
            # New connections, so that both workers are asked: they count together.
            headers = {"Authorization": f"Bearer {TOKEN}", "X-Forwarded-For": client}
            return httpx.post(
                service.url + path, json=GIVEN, headers=headers, trust_env=False, timeout=PATIENCE
            )

        statuses = [ask("192.0.2.1").status_code for _ in range(8)]
        assert statuses[:4] == [200] * 4
        assert 429 in statuses[4:]
        refused = until(
            lambda: next((each for each in [ask("192.0.2.1")] if each.status_code == 429), None)
        )
        assert 1 <= int(refused.headers["retry-after"]) <= 60
        # Others are not held up, nor is what needs no model.
        assert ask("192.0.2.2").status_code == 200
        assert ask("192.0.2.1", "/near-duplicates?lexical=1").status_code == 200


def test_changes_of_other_processes_are_seen(index: Path, tmp_path: Path) -> None:
    with serving(index, tmp_path) as service:
        with Recommender.open(index) as opened:
            opened.update([article("by hand", "馆", 77, title="手工加入")], now=NOW)
        for _ in range(8):
            answer = httpx.get(f"{service.url}/articles/by%20hand/related", trust_env=False)
            assert answer.status_code == 200
        with Recommender.open(index) as opened:
            opened.rebuild(now=NOW)
        assert service.anyone.get("/articles/by%20hand/related").status_code == 200
        with Recommender.open(index) as opened:
            opened.remove(["by hand"])
        assert service.anyone.get("/articles/by%20hand/related").status_code == 404


def test_without_an_index_it_says_so_and_ends(tmp_path: Path) -> None:
    with pytest.raises(AssertionError, match="Error: "), serving(tmp_path / "none", tmp_path):
        pass
    assert "Traceback" not in (tmp_path / "log").read_text()


def test_an_index_that_is_damaged_meanwhile(tmp_path: Path) -> None:
    folder = tmp_path / "index"
    build(folder, corpus(10)).close()
    with serving(folder, tmp_path, "--workers", "1") as service:
        assert service.anyone.get("/articles/a000/related").status_code == 200
        (folder / "articles.sqlite").rename(tmp_path / "away")
        (folder / "articles.sqlite").write_bytes(b"no database" * 1_000)
        answer = until(
            lambda: next(
                (
                    each
                    for each in [service.anyone.get("/articles/a001/related")]
                    if each.status_code != 200
                ),
                None,
            )
        )
        assert answer.status_code == 503
        assert answer.headers["retry-after"]
        assert str(tmp_path) not in answer.text
        assert service.anyone.get("/healthz").status_code == 200
        assert service.anyone.get("/readyz").status_code == 503
        (folder / "articles.sqlite").unlink()
        (tmp_path / "away").rename(folder / "articles.sqlite")
        until(lambda: service.anyone.get("/articles/a001/related").status_code == 200)


def test_one_connection_too_many_is_told_to_come_later(index: Path, tmp_path: Path) -> None:
    with serving(index, tmp_path, "--workers", "1", settings="connections = 3") as service:
        place = urlsplit(service.url)
        address = (place.hostname, place.port)
        with ExitStack() as opened:
            for _ in range(3):
                opened.enter_context(socket.create_connection(address, timeout=PATIENCE))
            with socket.create_connection(address, timeout=PATIENCE) as last:
                answer = last.recv(4_096)
        assert answer.startswith(b"HTTP/1.1 503 ")
        assert b"Retry-After" in answer
        # Until the service has noticed that they went.
        until(lambda: raw_health(address) == 200)


def raw_health(address: tuple[str | None, int | None]) -> int:
    with socket.create_connection(address, timeout=PATIENCE) as connection:
        connection.sendall(b"GET /healthz HTTP/1.1\r\nHost: 127.0.0.1\r\nConnection: close\r\n\r\n")
        return int(connection.recv(4_096).split()[1])


def test_without_its_model_it_answers_what_needs_none(index: Path, tmp_path: Path) -> None:
    folder = tmp_path / "index"
    shutil.copytree(index, folder)
    with serving(folder, tmp_path, "--workers", "1") as service:
        service.wait_for_model()
        with Recommender.open(folder) as opened:
            opened.rebuild(embedder=Elsewhere(), now=NOW)
        answer = service.editor.post("/near-duplicates", json=GIVEN)
        assert answer.status_code == 503
        assert "?lexical=1" in answer.json()["detail"]
        assert service.editor.post("/near-duplicates?lexical=1", json=GIVEN).status_code == 200
        assert service.anyone.get("/articles/a000/related").status_code == 200
        until(lambda: service.anyone.get("/readyz").json()["model"] == "unavailable")


class Elsewhere(HashingEmbedder):
    """An embedder whose weights nobody has here."""

    @property
    def identity(self) -> EmbedderIdentity:
        return replace(super().identity, name="/nowhere", source="folder /nowhere", fingerprint="x")


@pytest.fixture
def taken() -> Iterator[int]:
    with socket.create_server(("127.0.0.1", 0)) as other:
        yield other.getsockname()[1]


def test_a_port_that_is_taken(index: Path, run, monkeypatch, taken: int) -> None:
    monkeypatch.setenv("RECOMMENDER_TOKEN", TOKEN)
    result = run("serve", "-i", str(index), "--port", str(taken))
    assert result.exit_code == 1
    assert "name another one with --host or --port" in result.stderr


def test_a_slow_body_is_not_waited_for(index: Path, tmp_path: Path) -> None:
    settings = "request_seconds = 0.5"
    with serving(index, tmp_path, "--workers", "1", settings=settings) as service:
        place = urlsplit(service.url)
        with socket.create_connection((place.hostname, place.port), timeout=PATIENCE) as slow:
            slow.sendall(
                f"POST /related HTTP/1.1\r\nHost: 127.0.0.1\r\nAuthorization: Bearer {TOKEN}\r\n"
                "Content-Length: 100\r\n\r\n{".encode()
            )
            assert b" 408 " in slow.recv(65_536).split(b"\r\n")[0]
