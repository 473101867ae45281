"""The embedding process: one model in memory for all workers, behind a Unix socket.

The socket lies in a folder that only its owner can enter. Texts that wait together are read
together. Started, and started again when it dies, by `processes`; ends when its parent does.
"""

from __future__ import annotations

import os
import queue
import signal
import socket
import threading
import time
from collections.abc import Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import numpy as np

from recommender.embedders import Embedder, EmbedderIdentity, load_recorded
from recommender.errors import RecommenderError
from recommender.service.embedding_client import receive_frame, send_frame
from recommender.service.logs import write_line

_MOST_CONNECTIONS = 256
_MOST_TEXTS = 64
_PATIENCE = 60.0
_PAUSE_AFTER_FAILURE = 60.0


@dataclass(slots=True)
class _Job:
    """Texts of one call, and what became of them."""

    identity: EmbedderIdentity
    texts: list[str]
    answered: threading.Event = field(default_factory=threading.Event)
    vectors: np.ndarray[Any, Any] | None = None
    error: RecommenderError | None = None


class EmbeddingServer:
    """Reads texts for whoever connects.

    Parameters
    ----------
    listening : socket
        Bound and listening.
    index : Path
        Folder of the index, for messages.
    """

    def __init__(self, listening: socket.socket, index: Path) -> None:
        self._listening = listening
        self._index = index
        self._jobs: queue.Queue[_Job] = queue.Queue()
        self._model: Embedder | None = None
        # What could not be loaded, why, and until when nobody tries again.
        self._failed: tuple[EmbedderIdentity, RecommenderError, float] | None = None
        self._slots = threading.Semaphore(_MOST_CONNECTIONS)

    @property
    def state(self) -> str:
        """How the model is: "ready", "loading" or "unavailable"."""
        if self._failed is not None:
            return "unavailable"
        return "loading" if self._model is None else "ready"

    def load(self, identity: EmbedderIdentity) -> None:
        """Load the model of an index before anybody asks.

        Raises
        ------
        EmbeddingError, IndexIncompatible
            If it cannot be had.
        """
        failed = self._failed
        if failed is not None and failed[0] == identity and time.monotonic() < failed[2]:
            raise failed[1]
        try:
            self._model = load_recorded(identity, index=self._index)
            self._failed = None
        except RecommenderError as error:
            self._failed = identity, error, time.monotonic() + _PAUSE_AFTER_FAILURE
            raise

    def serve(self) -> None:
        """Answer until the process ends."""
        threading.Thread(target=self._read_all, daemon=True).start()
        while True:
            connection, _ = self._listening.accept()
            self._slots.acquire()
            threading.Thread(target=self._answer, args=(connection,), daemon=True).start()

    def _answer(self, connection: socket.socket) -> None:
        try:
            with connection:
                connection.settimeout(_PATIENCE)
                header, _ = receive_frame(connection)
                if header.get("ask") == "ready":
                    send_frame(connection, {"model": self.state})
                    return
                job = _Job(EmbedderIdentity.from_dict(header["identity"]), header["texts"])
                self._jobs.put(job)
                job.answered.wait()
                if job.error is not None or job.vectors is None:
                    kind = type(job.error).__name__
                    send_frame(connection, {"error": str(job.error), "kind": kind})
                    return
                send_frame(connection, {}, job.vectors.astype("<f4").tobytes())
        except (OSError, ValueError, KeyError, TypeError):
            # A worker that has gone, or one that speaks another language.
            return
        finally:
            self._slots.release()

    def _read_all(self) -> None:
        while True:
            jobs = [self._jobs.get()]
            while sum(len(job.texts) for job in jobs) < _MOST_TEXTS:
                try:
                    jobs.append(self._jobs.get_nowait())
                except queue.Empty:
                    break
            for identity in dict.fromkeys(job.identity for job in jobs):
                self._read(identity, [job for job in jobs if job.identity == identity])

    def _read(self, identity: EmbedderIdentity, jobs: Sequence[_Job]) -> None:
        try:
            if self._model is None or self._model.identity != identity:
                # The index was built anew with another model.
                self.load(identity)
            assert self._model is not None  # noqa: S101 - for the type checker
            vectors = self._model.embed([text for job in jobs for text in job.texts])
            start = 0
            for job in jobs:
                job.vectors = vectors[start : start + len(job.texts)]
                start += len(job.texts)
        except RecommenderError as error:
            for job in jobs:
                job.error = error
        finally:
            for job in jobs:
                job.answered.set()


def run(plan: dict[str, Any], lifeline: int) -> int:
    """Serve until the parent goes.

    Parameters
    ----------
    plan : dict
        `index`, `socket` and `identity`.
    lifeline : int
        A descriptor, at its end when the parent has gone.
    """
    path = Path(plan["socket"])
    path.unlink(missing_ok=True)
    listening = socket.socket(socket.AF_UNIX, socket.SOCK_STREAM)
    os.umask(0o077)
    listening.bind(str(path))
    listening.listen(_MOST_CONNECTIONS)
    signal.signal(signal.SIGTERM, lambda *_: os._exit(0))

    def leave_with_parent() -> None:
        os.read(lifeline, 1)
        os._exit(0)

    threading.Thread(target=leave_with_parent, daemon=True).start()
    server = EmbeddingServer(listening, Path(plan["index"]))
    try:
        server.load(EmbedderIdentity.from_dict(plan["identity"]))
    except RecommenderError as error:
        # Drafts are told so; what needs no model is answered.
        write_line({"level": "error", "message": str(error), "process": "embedding"})
    server.serve()
    return 0
