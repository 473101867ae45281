"""The index behind the HTTP service, so that web workers hold no model.

With http.client of the standard library: a handful of calls to one host need no client library in
every web worker, and it follows neither redirects nor proxies, which would hand on the token.
"""

from __future__ import annotations

import http.client
import json
import os
import time
from collections.abc import Mapping, Sequence
from datetime import datetime, timezone
from typing import Any
from urllib.parse import quote, urlencode, urlsplit

from recommender.contrib.django.backends.base import Check, Listed, NearDuplicate, RelatedList
from recommender.contrib.django.options import ServiceOptions
from recommender.errors import ArticleNotFound, ServiceError
from recommender.records import CARD_FIELDS, Article, Card

_MOST_READ = 8_000_000
_PIECE = 65_536
_BATCH = 50
_NOT_MODIFIED = 304
_NOT_FOUND = 404


class ServiceBackend:
    """The running service."""

    def __init__(self, options: ServiceOptions, *, lexical: bool = False) -> None:
        self._options = options
        self._parts = urlsplit(options.url)
        self._lexical = lexical

    def version(self) -> str | None:
        """Not known without a request."""
        return None

    def related(self, article_id: str, *, limit: int, known: RelatedList | None) -> RelatedList:
        """The related list of an article, of public articles only."""
        path = f"{_path_of(article_id)}/related?{urlencode({'limit': limit})}"
        status, said, headers = self._ask("GET", path, known=known)
        if status == _NOT_MODIFIED and known is not None:
            return known
        if status == _NOT_FOUND:
            # A page for members has a box as well; only who has the token may ask for it.
            status, said, _ = self._ask("POST", "/related", {"id": article_id, "limit": limit})
        if status == _NOT_FOUND:
            raise ArticleNotFound(f"the service has no article {article_id!r}")
        with _read_as_agreed():
            items = tuple(_listed(each) for each in said["matches"])
        return RelatedList(items, headers.get("etag", ""))

    def near_duplicates(self, draft: Article, *, limit: int) -> Check:
        """Articles with the text or the story of a draft; nothing is stored."""
        path = "/near-duplicates?lexical=1" if self._lexical else "/near-duplicates"
        _, said, _ = self._ask("POST", path, {"article": _record(draft), "limit": limit})
        with _read_as_agreed():
            found = tuple(_near(each) for each in said["matches"])
            return Check(found, too_short=not found and bool(said.get("reason")))

    def put(self, articles: Sequence[Article]) -> None:
        """Add articles, or replace those of the same ids."""
        latest = list({each.id: each for each in articles}.values())
        if len(latest) == 1:
            self._ask("PUT", _path_of(latest[0].id), _record(latest[0]))
            return
        for start in range(0, len(latest), _BATCH):
            part = latest[start : start + _BATCH]
            self._ask("PUT", "/articles", {"articles": [_record(each) for each in part]})

    def remove(self, article_ids: Sequence[str]) -> None:
        """Take articles out; ids that are not in the index are passed over."""
        for article_id in dict.fromkeys(article_ids):
            self._ask("DELETE", _path_of(article_id))

    def close(self) -> None:
        """Nothing stays open between calls."""

    def _ask(
        self,
        method: str,
        path: str,
        content: Mapping[str, Any] | None = None,
        *,
        known: RelatedList | None = None,
    ) -> tuple[int, Any, Mapping[str, str]]:
        """One call: status, JSON and headers; whatever else comes back is an error."""
        reads = method == "GET"
        headers = {"Accept": "application/json"}
        if known is not None and known.version:
            headers["If-None-Match"] = known.version
        if not reads:
            headers["Authorization"] = f"Bearer {self._token()}"
        body = None
        if content is not None:
            headers["Content-Type"] = "application/json"
            body = json.dumps(content, ensure_ascii=False).encode("utf-8")
        quick = reads or path == "/related"
        patience = self._options.timeout if quick else self._options.write_timeout
        connection = self._connection(patience)
        try:
            connection.request(method, self._parts.path + path, body=body, headers=headers)
            answer = connection.getresponse()
            read = _read(answer, time.monotonic() + patience)
        except (OSError, http.client.HTTPException, ValueError) as error:
            reason = " ".join(f"{type(error).__name__}: {error}".split())
            raise ServiceError(
                f"the service at {self._options.url} does not answer ({reason:.200}); "
                "is it running?"
            ) from error
        finally:
            connection.close()
        found = {name.lower(): value for name, value in answer.getheaders()}
        fine = answer.status < http.client.MULTIPLE_CHOICES
        absent = answer.status == _NOT_FOUND and (method in ("GET", "DELETE") or quick)
        if not (fine or absent or answer.status == _NOT_MODIFIED):
            raise ServiceError(
                f"the service at {self._options.url} refused {method} {path.partition('?')[0]}: "
                f"{answer.status} {_reason(read, answer.reason)}"
            )
        return answer.status, _json(read) if fine and read else None, found

    def _connection(self, timeout: float) -> http.client.HTTPConnection:
        kind = (
            http.client.HTTPSConnection
            if self._parts.scheme == "https"
            else http.client.HTTPConnection
        )
        return kind(self._parts.hostname or "", self._parts.port, timeout=timeout)

    def _token(self) -> str:
        token = os.environ.get(self._options.token_env, "").strip()
        if not token or not token.isascii() or not token.isprintable():
            raise ServiceError(
                f"the environment variable {self._options.token_env} holds no token for the "
                f"service at {self._options.url}"
            )
        return token


class _read_as_agreed:  # noqa: N801 (used like a function)
    """Turns an answer of another shape into an error of this package."""

    def __enter__(self) -> None:
        return None

    def __exit__(self, kind: object, error: BaseException | None, trace: object) -> None:
        if isinstance(error, (KeyError, TypeError, ValueError, AttributeError)):
            raise ServiceError(
                f"the service answered in a way that this version does not know ({error!r:.120})"
            ) from error


def _read(answer: http.client.HTTPResponse, deadline: float) -> bytes:
    """The whole answer; one that comes in drops must not hold a page for longer than agreed."""
    parts = []
    length = 0
    while part := answer.read1(_PIECE):
        parts.append(part)
        length += len(part)
        if length > _MOST_READ:
            raise ValueError(f"its answer is longer than {_MOST_READ:,} bytes")
        if time.monotonic() > deadline:
            raise TimeoutError("its answer takes too long")
    return b"".join(parts)


def _path_of(article_id: str) -> str:
    return f"/articles/{quote(article_id, safe='')}"


def _record(article: Article) -> dict[str, Any]:
    values = {name: getattr(article, name) for name in (*CARD_FIELDS, "body")}
    return {
        name: value.isoformat() if isinstance(value, datetime) else value
        for name, value in values.items()
        if value not in (None, "", {}, False) or name in ("id", "body")
    }


def _json(read: bytes) -> Any:
    try:
        return json.loads(read)
    except (ValueError, RecursionError) as error:
        raise ServiceError(f"the service answered with something else than JSON ({error})") from (
            error
        )


def _reason(read: bytes, otherwise: str) -> str:
    """What a problem (RFC 9457) says of itself, on one line."""
    try:
        said = json.loads(read)
        text = said.get("detail") or said.get("title") or otherwise
    except (ValueError, AttributeError, RecursionError):
        text = otherwise
    return " ".join(str(text).split())[:300]


def _listed(said: Mapping[str, Any]) -> Listed:
    card = said["article"]
    return Listed(
        id=str(card["id"]),
        title=str(card.get("title") or ""),
        url=str(card.get("url") or ""),
        similarity=float(said["similarity"]),
        verdict=str(said["verdict"]),
    )


def _near(said: Mapping[str, Any]) -> NearDuplicate:
    evidence = said["evidence"]
    listed = _listed(said)
    return NearDuplicate(
        id=listed.id,
        title=listed.title,
        url=listed.url,
        similarity=listed.similarity,
        verdict=listed.verdict,
        public=_is_public(said["article"]),
        shared_wording=evidence.get("containment"),
        days_apart=evidence.get("days_apart"),
        differing_facts=tuple(f"{one} ↔ {other}" for one, other in evidence["differing_facts"]),
    )


def _is_public(said: Mapping[str, Any]) -> bool:
    card = Card(
        id=said["id"],
        access=said["access"],
        visible_from=_moment(said["visible_from"]),
        visible_until=_moment(said["visible_until"]),
    )
    return card.is_public(datetime.now(timezone.utc))


def _moment(said: str | None) -> datetime | None:
    return datetime.fromisoformat(said) if said else None
