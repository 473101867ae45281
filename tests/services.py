"""The service as it is run: `recommender serve` in processes of its own, asked over HTTP."""

from __future__ import annotations

import json
import os
import re
import signal
import subprocess
import sys
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any, TypeVar

import httpx

TOKEN = "a-token-for-tests-0123456789"  # noqa: S105 - not a secret
PATIENCE = 60.0
Found = TypeVar("Found")


class Service:
    """A running service; `anyone` asks without the token, `editor` with it."""

    def __init__(self, process: subprocess.Popen[bytes], url: str, log: Path) -> None:
        self.process = process
        self.url = url
        self.log = log
        self.anyone = httpx.Client(base_url=url, timeout=PATIENCE, trust_env=False)
        self.editor = httpx.Client(
            base_url=url,
            timeout=PATIENCE,
            trust_env=False,
            headers={"Authorization": f"Bearer {TOKEN}"},
        )

    def lines(self) -> list[dict[str, Any]]:
        """What was logged, but for what the command says to people."""
        text = self.log.read_text(encoding="utf-8")
        return [json.loads(line) for line in text.splitlines() if line.startswith("{")]

    def children(self, kind: str) -> list[int]:
        """Ids of the processes of a kind, worker or embedding."""
        pid = self.process.pid
        found = Path(f"/proc/{pid}/task/{pid}/children").read_text().split()
        return [int(each) for each in found if _is_child(int(each), kind)]

    def wait_for_model(self) -> None:
        """Until drafts can be read."""
        until(lambda: self.anyone.get("/readyz").json()["model"] == "ready")

    def stop(self) -> int:
        """Stop it as an operator does; its exit code."""
        self.process.send_signal(signal.SIGTERM)
        return self.process.wait(PATIENCE)


@contextmanager
def serving(
    index: Path, folder: Path, *arguments: str, settings: str = "", token: str | None = TOKEN
) -> Iterator[Service]:
    """A service over an index; stopped in the end, whatever happens."""
    (folder / "recommender.toml").write_text(f"[serve]\n{settings}\n", encoding="utf-8")
    log = folder / "log"
    environment = {**os.environ}
    environment.pop("RECOMMENDER_TOKEN", None)
    if token is not None:
        environment["RECOMMENDER_TOKEN"] = token
    command = [sys.executable, "-m", "recommender", "serve", "-i", str(index), "--port", "0"]
    with log.open("wb") as output:
        process = subprocess.Popen(
            [*command, *arguments],
            cwd=folder,
            env=environment,
            stdout=output,
            stderr=output,
            start_new_session=True,
        )
    service = None
    try:

        def address() -> str | None:
            text = log.read_text(encoding="utf-8")
            assert process.poll() is None, text
            found = re.search(r"^Serving .* at (http://\S+)$", text, re.MULTILINE)
            return found[1] if found else None

        service = Service(process, until(address), log)
        yield service
    finally:
        if service is not None:
            service.anyone.close()
            service.editor.close()
        if process.poll() is None:
            process.send_signal(signal.SIGTERM)
            try:
                process.wait(PATIENCE)
            except subprocess.TimeoutExpired:
                process.kill()
                process.wait()
    assert "Traceback" not in log.read_text(encoding="utf-8")


def until(ask: Callable[[], Found | None], *, seconds: float = PATIENCE) -> Found:
    """What a question gives once it gives something."""
    deadline = time.monotonic() + seconds
    while True:
        found = ask()
        if found:
            return found
        assert time.monotonic() < deadline, "it never came"
        time.sleep(0.02)


def _is_child(pid: int, kind: str) -> bool:
    try:
        words = Path(f"/proc/{pid}/cmdline").read_bytes().split(b"\0")
    except OSError:
        return False
    return kind.encode() in words
