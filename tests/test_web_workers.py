"""A web application that opens an index, and asks it, before its workers are forked."""

from __future__ import annotations

import http.client
import json
import os
import shutil
import signal
import socket
import subprocess
import sys
import textwrap
import time
from pathlib import Path
from typing import Any

import pytest

from recommender import Recommender
from tests.helpers import NOW, article, build, corpus

pytestmark = pytest.mark.slow

APPLICATION = """
    import json, os
    from recommender import Recommender

    index = Recommender.open(os.environ["INDEX"])
    first = [match.article.id for match in index.related("a000", min_similarity=0.0)]

    def app(environ, start_response):
        matches = index.related(environ["PATH_INFO"].strip("/"), min_similarity=0.0, limit=30)
        start_response("200 OK", [("Content-Type", "application/json")])
        titles = {match.article.id: match.article.title for match in matches}
        return [json.dumps([os.getpid(), len(index), titles]).encode()]
"""


class OverSocket(http.client.HTTPConnection):
    """A connection to a socket in the file system."""

    def __init__(self, path: Path) -> None:
        super().__init__("localhost", timeout=30)
        self._path = path

    def connect(self) -> None:
        self.sock = socket.socket(socket.AF_UNIX)
        self.sock.settimeout(30)
        self.sock.connect(str(self._path))


def ask(path: Path, article_id: str) -> Any:
    connection = OverSocket(path)
    connection.request("GET", f"/{article_id}")
    answer = connection.getresponse()
    content = answer.read()
    assert answer.status == 200, content
    connection.close()
    return json.loads(content)


def test_workers_forked_from_an_open_index_see_every_change(tmp_path: Path) -> None:
    folder, log = tmp_path / "index", tmp_path / "log"
    build(folder, corpus(20)).close()
    (tmp_path / "application.py").write_text(textwrap.dedent(APPLICATION), encoding="utf-8")
    # A socket's path may have some hundred characters only.
    place = Path("/tmp") / f"recommender-{os.getpid()}.sock"  # noqa: S108
    command = [sys.executable, "-m", "gunicorn", "--preload", "-w", "3", "--bind", f"unix:{place}"]
    with log.open("wb") as output:
        server = subprocess.Popen(
            [*command, "--chdir", str(tmp_path), "application:app"],
            env={**os.environ, "INDEX": str(folder)},
            cwd=Path(__file__).parent.parent,
            stdout=output,
            stderr=output,
        )
    try:
        for _ in range(600):
            if place.exists() or server.poll() is not None:
                break
            time.sleep(0.1)
        assert server.poll() is None, log.read_text(encoding="utf-8")
        workers = set()
        for number in range(6):
            with Recommender.open(folder) as index:
                index.update(
                    [
                        article("fresh", "桥", 95, title=f"第{number}次更新"),
                        article(f"n{number}", "雨", 200 + number),
                    ],
                    now=NOW,
                )
                expected = {
                    match.article.id: match.article.title
                    for match in index.related("a000", min_similarity=0.0, limit=30)
                }
                assert expected["fresh"] == f"第{number}次更新"
            for _ in range(8):
                worker, count, titles = ask(place, "a000")
                workers.add(worker)
                assert (count, titles) == (22 + number, expected)
            if number == 3:
                with Recommender.open(folder) as index:
                    index.rebuild(now=NOW)
        assert len(workers) > 1
    finally:
        server.send_signal(signal.SIGTERM)
        server.wait(timeout=30)
        place.unlink(missing_ok=True)
        shutil.rmtree(tmp_path / "__pycache__", ignore_errors=True)
    assert "Traceback" not in log.read_text(encoding="utf-8")
