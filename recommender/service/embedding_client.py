"""The embedder of a worker: asks the one embedding process over a Unix socket.

A frame is its length, a header in JSON, and raw bytes. No model library is imported here.
"""

from __future__ import annotations

import json
import socket
import struct
import threading
import time
from collections import OrderedDict
from collections.abc import Callable, Sequence
from pathlib import Path
from typing import Any

import numpy as np
from xxhash import xxh3_128_digest

from recommender.embedders import EmbedderIdentity, Vectors, check_vectors
from recommender.errors import BadEmbedding, EmbedderUnavailable

_LENGTHS = struct.Struct("<II")
_LARGEST_FRAME = 256 << 20
_TEXTS_AT_ONCE = 64
_PAUSE = 0.05
_KEPT = 256
_STATE_SECONDS = 1.0


class RemoteEmbedder:
    """An `Embedder` whose model is in another process.

    The last few vectors are kept: who moves a threshold asks about the same draft again.

    Parameters
    ----------
    path : Path
        Of the socket.
    identity : callable
        Gives what the vectors must be of: what the index records now.
    seconds : float
        Longest time for one call, in which a process that is being started again may come back.
    """

    def __init__(
        self, path: Path, *, identity: Callable[[], EmbedderIdentity], seconds: float
    ) -> None:
        self._path = path
        self._wanted = identity
        self._seconds = seconds
        self._known: OrderedDict[bytes, Vectors] = OrderedDict()
        self._turn = threading.Lock()
        self._said, self._said_until = "loading", 0.0
        self._asking = threading.Lock()

    @property
    def identity(self) -> EmbedderIdentity:
        """What the vectors depend on."""
        return self._wanted()

    def embed(self, texts: Sequence[str]) -> Vectors:
        """Embed texts; see `Embedder.embed`.

        Raises
        ------
        EmbedderUnavailable
            If the process cannot be reached in time or has no model.
        """
        identity = self._wanted()
        keys = [_key(identity, text) for text in texts]
        with self._turn:
            known = {key: self._known[key] for key in keys if key in self._known}
        missing = [place for place, key in enumerate(keys) if key not in known]
        for start in range(0, len(missing), _TEXTS_AT_ONCE):
            places = missing[start : start + _TEXTS_AT_ONCE]
            rows = self._asked(identity, [texts[place] for place in places])
            known.update((keys[place], row) for place, row in zip(places, rows, strict=True))
        with self._turn:
            self._known.update(known)
            while len(self._known) > _KEPT:
                self._known.popitem(last=False)
        rows = np.zeros((len(texts), identity.dimension), np.float32)
        for place, key in enumerate(keys):
            rows[place] = known[key]
        return rows

    def state(self) -> str:
        """How the model is, at most a second ago: "ready", "loading" or "unavailable"."""
        with self._asking:
            if time.monotonic() >= self._said_until:
                self._said, self._said_until = self._state(), time.monotonic() + _STATE_SECONDS
            return self._said

    def _state(self) -> str:
        try:
            header, _ = self._exchange({"ask": "ready"}, time.monotonic() + _STATE_SECONDS)
        except (OSError, ValueError):
            # Its process is being started.
            return "loading"
        return str(header.get("model", "loading"))

    def _asked(self, identity: EmbedderIdentity, texts: Sequence[str]) -> Vectors:
        deadline = time.monotonic() + self._seconds
        question = {"ask": "embed", "identity": identity.to_dict(), "texts": list(texts)}
        while True:
            try:
                header, data = self._exchange(question, deadline)
                break
            except (OSError, ValueError) as error:
                # It is being started, or started again.
                if time.monotonic() + _PAUSE >= deadline:
                    raise EmbedderUnavailable(
                        f"the embedding process does not answer ({error})"
                    ) from error
                time.sleep(_PAUSE)
        if "error" in header:
            kind = BadEmbedding if header.get("kind") == "BadEmbedding" else EmbedderUnavailable
            raise kind(str(header["error"]))
        rows = np.frombuffer(data, "<f4").reshape(-1, identity.dimension)
        return check_vectors(rows, count=len(texts), dimension=identity.dimension)

    def _exchange(self, header: dict[str, Any], deadline: float) -> tuple[dict[str, Any], bytes]:
        with socket.socket(socket.AF_UNIX, socket.SOCK_STREAM) as connection:
            connection.settimeout(max(0.01, deadline - time.monotonic()))
            connection.connect(str(self._path))
            send_frame(connection, header)
            return receive_frame(connection)


def send_frame(connection: socket.socket, header: dict[str, Any], data: bytes = b"") -> None:
    """Send a header and bytes."""
    text = json.dumps(header).encode("ascii")
    connection.sendall(_LENGTHS.pack(len(text), len(data)) + text + data)


def receive_frame(connection: socket.socket) -> tuple[dict[str, Any], bytes]:
    """Receive what `send_frame` sent.

    Raises
    ------
    ValueError
        If it is no frame, or ends before its end.
    """
    text_length, data_length = _LENGTHS.unpack(_exactly(connection, _LENGTHS.size))
    if text_length + data_length > _LARGEST_FRAME:
        raise ValueError("a frame is too long")
    header = json.loads(_exactly(connection, text_length))
    if not isinstance(header, dict):
        raise ValueError("a frame has no header")
    return header, _exactly(connection, data_length)


def _exactly(connection: socket.socket, length: int) -> bytes:
    parts = bytearray()
    while len(parts) < length:
        part = connection.recv(min(length - len(parts), 1 << 20))
        if not part:
            raise ValueError("the other side has gone")
        parts += part
    return bytes(parts)


def _key(identity: EmbedderIdentity, text: str) -> bytes:
    said = f"{identity.fingerprint}\0{identity.prompt}\0{identity.max_tokens}\0{text}"
    return xxh3_128_digest(said.encode("utf-8", "surrogatepass"))
