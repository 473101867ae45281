"""HTTP/1.1 as uvicorn speaks it, with limits on connections and on the head of a request.

uvicorn leaves these to a proxy in front of it; here a client that sends headers without end, or
drop by drop, is sent away, and one too many is told when to come again.
"""

from __future__ import annotations

import asyncio
from typing import Any

from uvicorn.protocols.http.httptools_impl import HttpToolsProtocol

_MOST_BYTES = 32_768
_SECONDS = 15.0


_BUSY = (
    b"HTTP/1.1 503 Service Unavailable\r\nRetry-After: 1\r\nContent-Length: 0\r\n"
    b"Connection: close\r\n\r\n"
)


class LimitedProtocol(HttpToolsProtocol):
    """One connection.

    Attributes
    ----------
    most : int
        Connections of this process.
    """

    most = 1_000

    @classmethod
    def limited_to(cls, most: int) -> type[LimitedProtocol]:
        """The same for so many connections."""
        return type(cls.__name__, (cls,), {"most": most})

    def __init__(self, *args: Any, **kwargs: Any) -> None:
        super().__init__(*args, **kwargs)
        self._head_bytes = 0
        self._head_timer: asyncio.TimerHandle | None = None

    def connection_made(self, transport: asyncio.Transport) -> None:  # type: ignore[override]
        """Wait for a first request, but not for ever."""
        super().connection_made(transport)
        if len(self.connections) > self.most:
            transport.write(_BUSY)
            transport.close()
            return
        self._head_timer = self.loop.call_later(_SECONDS, self._give_up)

    def connection_lost(self, exc: Exception | None) -> None:
        """Stop waiting."""
        self._stop_waiting()
        super().connection_lost(exc)

    def data_received(self, data: bytes) -> None:
        """Take in what came, unless the head it belongs to is too long."""
        super().data_received(data)
        if self._head_bytes > _MOST_BYTES and not self.transport.is_closing():
            self.send_400_response("The head of the request is too long.")
        elif self._head_bytes and self._head_timer is None:
            self._head_timer = self.loop.call_later(_SECONDS, self._give_up)

    def on_url(self, url: bytes) -> None:
        """Count what an address adds to the head."""
        self._head_bytes += len(url)
        super().on_url(url)

    def on_header(self, name: bytes, value: bytes) -> None:
        """Count what a header adds to the head."""
        self._head_bytes += len(name) + len(value) + 4
        if self._head_bytes <= _MOST_BYTES:
            super().on_header(name, value)

    def on_headers_complete(self) -> None:
        """Refuse a head that is too long as a whole; else hand the request on."""
        too_long = self._head_bytes > _MOST_BYTES
        self._stop_waiting()
        if too_long:
            # The parser makes an answer of it.
            raise ValueError("the head of the request is too long")
        self._head_bytes = 0
        super().on_headers_complete()

    def _stop_waiting(self) -> None:
        if self._head_timer is not None:
            self._head_timer.cancel()
            self._head_timer = None

    def _give_up(self) -> None:
        self._head_timer = None
        if not self.transport.is_closing():
            self.transport.close()
