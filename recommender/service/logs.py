"""Structured logs: one JSON line a request and a message, on standard error.

A line holds no text or title of an article, no id, no query string and no token: of an address
only the route that answered it.
"""

from __future__ import annotations

import logging
import os
import time
import traceback
from datetime import datetime, timezone
from pathlib import Path
from typing import Any

import orjson

_STANDARD_ERROR = 2
_ROOT = str(Path(__file__).parent.parent.parent)
_LONGEST = 2_000


class RequestLog:
    """Writes a line for each request.

    Parameters
    ----------
    worker : int
        Number of this worker.
    wanted : bool
        Whether requests that went well are written too.
    descriptor : int
        Where to.
    """

    def __init__(
        self, worker: int, *, wanted: bool = True, descriptor: int = _STANDARD_ERROR
    ) -> None:
        self._worker = worker
        self._wanted = wanted
        self._descriptor = descriptor

    def request(
        self, *, request_id: str, method: str, route: str, status: int, seconds: float, size: int
    ) -> None:
        """Say what was asked and how it went."""
        if not self._wanted and status < 500:
            return
        write_line(
            {
                "time": _moment(time.time()),
                "level": "error" if status >= 500 else "info",
                "message": "request",
                "request_id": request_id,
                "method": method,
                "route": route,
                "status": status,
                "ms": round(1_000 * seconds, 2),
                "bytes": size,
                "worker": self._worker,
            },
            self._descriptor,
        )

    def failure(self, error: BaseException, *, request_id: str, route: str) -> None:
        """Say where an error came from that nobody foresaw; never what it says."""
        # A message of an error may quote a text that was sent.
        write_line(
            {
                "time": _moment(time.time()),
                "level": "error",
                "message": "failure",
                "request_id": request_id,
                "route": route,
                "error": type(error).__name__,
                "where": _places(error),
                "worker": self._worker,
            },
            self._descriptor,
        )


class LineFormatter(logging.Formatter):
    """Messages of the library and the server as JSON lines."""

    def __init__(self, worker: int | str) -> None:
        super().__init__()
        self._worker = worker

    def format(self, record: logging.LogRecord) -> str:
        """One line."""
        line: dict[str, Any] = {
            "time": _moment(record.created),
            "level": record.levelname.lower(),
            "message": record.getMessage()[:_LONGEST],
            "logger": record.name,
            "worker": self._worker,
        }
        if record.exc_info and record.exc_info[1] is not None:
            line["error"] = type(record.exc_info[1]).__name__
            line["where"] = _places(record.exc_info[1])
        return orjson.dumps(line).decode()


def log_as_lines(worker: int | str, *, level: int = logging.WARNING) -> None:
    """Send what the library and the server log to standard error, as JSON lines."""
    handler = logging.StreamHandler()
    handler.setFormatter(LineFormatter(worker))
    logging.basicConfig(level=level, handlers=[handler], force=True)
    logging.captureWarnings(True)


def write_line(line: dict[str, Any], descriptor: int = _STANDARD_ERROR) -> None:
    """Write one line whole, so that those of several workers do not mix."""
    try:
        os.write(descriptor, orjson.dumps(line) + b"\n")
    except OSError:
        # A full disk or a reader that went away must not end an answer.
        return


def _moment(seconds: float) -> str:
    return datetime.fromtimestamp(seconds, timezone.utc).isoformat(timespec="milliseconds")


def _places(error: BaseException) -> list[str]:
    frames = traceback.extract_tb(error.__traceback__)[-8:]
    return [f"{each.filename.removeprefix(_ROOT)}:{each.lineno} {each.name}" for each in frames]
