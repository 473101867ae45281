"""The outermost layer, bare ASGI: what must hold of every request, before any route sees it.

Checks the name that the service is asked under, reads bodies within their limits and only of
those who may send one, answers related lists from bytes rendered before, and counts and logs.
"""

from __future__ import annotations

import asyncio
import re
import secrets
import time
from collections.abc import Awaitable, Callable, MutableMapping
from typing import Any
from urllib.parse import unquote_to_bytes

from starlette.requests import Request

from recommender.errors import RecommenderError
from recommender.service.page_frame import page_of_problem
from recommender.service.problems import MEDIA_TYPE, Problem, of_error, problem_bytes
from recommender.service.related import Header, Rendered
from recommender.service.state import ServiceState

Scope = MutableMapping[str, Any]
Message = MutableMapping[str, Any]
Receive = Callable[[], Awaitable[Message]]
Send = Callable[[Message], Awaitable[None]]
Application = Callable[[Scope, Receive, Send], Awaitable[None]]

RELATED_ROUTE = "/articles/{article_id:path}/related"
LOGIN_PATHS = frozenset(("/login", "/logout"))
_READING = frozenset(("GET", "HEAD", "OPTIONS"))
_METHODS = frozenset(("GET", "HEAD", "OPTIONS", "POST", "PUT", "PATCH", "DELETE"))
_REQUEST_ID = re.compile(rb"[A-Za-z0-9._-]{1,64}")
_FORM_BYTES = 4_096
_MOST_HOSTS = 1_000
_SECURITY: tuple[Header, ...] = (
    (b"x-content-type-options", b"nosniff"),
    (b"x-frame-options", b"DENY"),
    (b"referrer-policy", b"same-origin"),
)
_OWN_NAMES = frozenset(name for name, _ in _SECURITY)


class Gate:
    """Stands in front of an application.

    Parameters
    ----------
    inner : ASGI application
    state : ServiceState
    """

    def __init__(self, inner: Application, state: ServiceState) -> None:
        self._inner = inner
        self._state = state
        self._lists = state.lists
        self._hosts = state.options.hosts
        self._known_hosts: dict[bytes, bool] = {}
        self._prefix = secrets.token_hex(4)
        self._number = 0

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        """Answer one request."""
        if scope["type"] != "http":
            return
        passage = _Passage(self._state, scope, send, self._request_id(scope))
        try:
            await self._answer(scope, receive, passage)
        except Problem as problem:
            await passage.send_problem(problem)
        except RecommenderError as error:
            self._state.log.failure(error, request_id=passage.name, route=passage.route)
            await passage.send_problem(of_error(error))
        except Exception as error:
            self._state.log.failure(error, request_id=passage.name, route=passage.route)
            await passage.send_problem(Problem(500, "The service failed; its log says why."))
        finally:
            passage.end()

    async def _answer(self, scope: Scope, receive: Receive, passage: _Passage) -> None:
        self._check_host(passage.headers.get(b"host"))
        _check_path(scope)
        method = scope["method"]
        if method in _READING:
            rendered = self._related(scope) if method != "OPTIONS" else None
            if rendered is not None:
                await passage.send_rendered(rendered, self._lists.headers_now(rendered))
                return
            # A body of what only reads is of no use to anybody; the server sends none after HEAD.
            asked = {**scope, "method": "GET"} if method == "HEAD" else scope
            await self._inner(asked, _Replay(b"", receive), passage.send)
            scope["route"] = asked.get("route")
            return
        body = await self._body(scope, receive, passage)
        await self._inner(scope, _Replay(body, receive), passage.send)

    def _related(self, scope: Scope) -> Rendered | None:
        """A related list without further ado; `None` where a route must look at the request."""
        path: str = scope["path"]
        if not path.endswith("/related"):
            return None
        query: bytes = scope["query_string"]
        kept = self._lists.cached(path, query)
        if kept is not None:
            self._state.metrics.cached()
            return kept
        question = self._lists.question(path, query)
        if question is None or not self._lists.is_quick(question):
            return None
        return self._lists.answer(question, path, query)

    def _check_host(self, host: bytes | None) -> None:
        known = self._known_hosts.get(host or b"")
        if known is None:
            known = "*" in self._hosts or _host_name(host or b"") in self._hosts
            if len(self._known_hosts) < _MOST_HOSTS:
                self._known_hosts[host or b""] = known
        if not known:
            raise Problem(
                421,
                "The service is not asked under its name; allowed_hosts in [serve] names those "
                "it answers to.",
            )

    async def _body(self, scope: Scope, receive: Receive, passage: _Passage) -> bytes:
        """The body, of those who may send one, within its limits."""
        options = self._state.options
        most = options.request_bytes
        if options.public_only:
            raise Problem(404, "There is nothing at this address.")
        if scope["path"] in LOGIN_PATHS:
            most = min(most, _FORM_BYTES)
        else:
            # Nobody else makes the service keep megabytes.
            self._state.access.check(Request(scope))
        if passage.headers.get(b"content-encoding", b"identity").strip().lower() != b"identity":
            raise Problem(
                415,
                "The body is compressed; send it as it is, without Content-Encoding.",
                headers={"Accept-Encoding": "identity", "Connection": "close"},
            )
        length = passage.headers.get(b"content-length", b"")
        if length.isdigit() and int(length) > most:
            raise _too_large(most)
        try:
            return await asyncio.wait_for(_read(receive, most), options.request_seconds)
        except asyncio.TimeoutError:
            raise Problem(
                408,
                f"The body took longer than {options.request_seconds:g} seconds to come ([serve] "
                "request_seconds).",
                headers={"Connection": "close"},
            ) from None

    def _request_id(self, scope: Scope) -> str:
        self._number += 1
        return f"{self._prefix}-{self._state.worker}-{self._number}"


class _Passage:
    """One request on its way: what is added to its answer, counted and logged."""

    __slots__ = (
        "_begun",
        "_scope",
        "_send",
        "_size",
        "_start",
        "_state",
        "_status",
        "headers",
        "name",
    )

    def __init__(self, state: ServiceState, scope: Scope, send: Send, name: str) -> None:
        self._state = state
        self._scope = scope
        self._send = send
        self._start = time.perf_counter()
        self._status = 499
        self._size = 0
        self._begun = False
        self.headers: dict[bytes, bytes] = dict(scope["headers"])
        given = self.headers.get(b"x-request-id")
        self.name = given.decode() if given and _REQUEST_ID.fullmatch(given) else name

    @property
    def route(self) -> str:
        """The route that answers, never the address itself."""
        route = self._scope.get("route")
        path = getattr(route, "path", None)
        return str(path) if path else "none"

    async def send(self, message: Message) -> None:
        """Send on what an application says."""
        if message["type"] == "http.response.start":
            self._status = message["status"]
            self._begun = True
            headers = [
                (name, value)
                for name, value in message.get("headers", ())
                if name not in _OWN_NAMES
            ]
            headers += _SECURITY
            headers.append((b"x-request-id", self.name.encode()))
            message = {**message, "headers": headers}
        else:
            self._size += len(message.get("body", b""))
        await self._send(message)

    async def send_rendered(self, rendered: Rendered, headers: list[Header]) -> None:
        """Send a related list as it is, or that it has not changed."""
        self._begun = True
        self._scope["route"] = _RELATED
        asked = self.headers.get(b"if-none-match")
        body = rendered.body
        if asked is not None and matches(asked, rendered.etag):
            self._status, body = 304, b""
            headers = [each for each in headers if each[0] in (b"etag", b"cache-control")]
        else:
            self._status = 200
            if self._scope["method"] == "HEAD":
                body = b""
        self._size = len(body)
        await self._send(
            {
                "type": "http.response.start",
                "status": self._status,
                "headers": [*headers, (b"x-request-id", self.name.encode())],
            }
        )
        await self._send({"type": "http.response.body", "body": body})

    async def send_problem(self, problem: Problem) -> None:
        """Send a problem, unless an answer has begun."""
        if self._begun:
            return
        page = page_of_problem(self._scope, problem)
        if page is not None:
            await page(self._scope, _no_more, self.send)
            return
        body = problem_bytes(problem.status, problem.detail, errors=problem.errors)
        headers = [
            (b"content-type", MEDIA_TYPE.encode()),
            (b"content-length", b"%d" % len(body)),
            (b"cache-control", b"no-store"),
            *((name.lower().encode(), value.encode()) for name, value in problem.headers.items()),
        ]
        if self._scope["method"] == "HEAD":
            body = b""
        if self._scope["path"].endswith("/related") and self._scope.get("route") is None:
            self._scope["route"] = _RELATED
        await self.send(
            {"type": "http.response.start", "status": problem.status, "headers": headers}
        )
        await self.send({"type": "http.response.body", "body": body})

    def end(self) -> None:
        """Count and log it."""
        seconds = time.perf_counter() - self._start
        method = self._scope["method"]
        named = method if method in _METHODS else "other"
        route = self.route
        self._state.metrics.request(route, named, self._status, seconds)
        self._state.log.request(
            request_id=self.name,
            method=named,
            route=route,
            status=self._status,
            seconds=seconds,
            size=self._size,
        )


async def _no_more() -> Message:
    """What a finished request still has to say."""
    return {"type": "http.disconnect"}


class _Route:
    """Stands for the route of what the gate answers itself."""

    path = RELATED_ROUTE


_RELATED = _Route()


class _Replay:
    """Gives an application a body that was read before."""

    def __init__(self, body: bytes, receive: Receive) -> None:
        self._body: bytes | None = body
        self._receive = receive

    async def __call__(self) -> Message:
        """The body, then whatever else comes."""
        if self._body is not None:
            body, self._body = self._body, None
            return {"type": "http.request", "body": body, "more_body": False}
        while True:
            message = await self._receive()
            if message["type"] != "http.request":
                return message


def matches(asked: bytes, etag: bytes) -> bool:
    """Whether one of the tags of If-None-Match is this one (RFC 9110, 13.1.2)."""
    if asked == etag:
        return True
    tags = [each.strip() for each in asked.split(b",")]
    return b"*" in tags or any(each.removeprefix(b"W/") == etag for each in tags)


async def _read(receive: Receive, most: int) -> bytes:
    parts = bytearray()
    while True:
        message = await receive()
        if message["type"] == "http.disconnect":
            raise Problem(400, "The request ended before its body did.")
        parts += message.get("body", b"")
        if len(parts) > most:
            raise _too_large(most)
        if not message.get("more_body", False):
            return bytes(parts)


def _check_path(scope: Scope) -> None:
    """Refuse a path that is no UTF-8: servers put one and the same character for each bad byte."""
    if "\ufffd" not in scope["path"]:
        return
    try:
        unquote_to_bytes(scope.get("raw_path") or b"").decode()
    except UnicodeDecodeError:
        raise Problem(422, "The address is not UTF-8, percent-encoded.") from None


def _too_large(most: int) -> Problem:
    return Problem(
        413,
        f"The body has more than {most:,} bytes ([serve] request_bytes).",
        # What is still to come is not read.
        headers={"Connection": "close"},
    )


def _host_name(host: bytes) -> str:
    """The name without its port, in lower case."""
    name = host.decode("latin-1").strip().lower()
    if name.startswith("["):
        return name[1:].partition("]")[0]
    return name.partition(":")[0] if name.count(":") <= 1 else name
