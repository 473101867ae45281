"""Errors as RFC 9457 `application/problem+json`: one line that says what and what next.

No answer shows a path of this machine, an article's text, or what was sent.
"""

from __future__ import annotations

import logging
import math
from collections.abc import Mapping, Sequence
from http import HTTPStatus
from typing import Any

import orjson
from starlette.responses import Response

from recommender.errors import (
    ArticleError,
    ArticleNotFound,
    ConfigError,
    EmbedderUnavailable,
    EmbeddingError,
    IndexLocked,
    IndexStoreError,
    RecommenderError,
)

logger = logging.getLogger("recommender.service")

MEDIA_TYPE = "application/problem+json"
NOT_FOUND = "No article of that id is public now."
_MOST_ERRORS = 20
# Names that pydantic gives to the kinds a field may have; no field of ours is called so.
_KINDS = frozenset(("constrained-str", "int", "float", "str", "of an id", "of an article"))
_LONGEST_DETAIL = 600
_LOCKED_SECONDS = 2
_UNAVAILABLE_SECONDS = 10


class Problem(Exception):
    """Ends a request with an answer that is no success.

    Parameters
    ----------
    status : int
    detail : str
        One sentence for the person who wrote the client.
    retry_after : float, optional
        Seconds after which it is worth trying again.
    headers : mapping, optional
        Further headers of the answer.
    errors : sequence of mapping, optional
        What is wrong with which field.
    """

    def __init__(
        self,
        status: int,
        detail: str,
        *,
        retry_after: float | None = None,
        headers: Mapping[str, str] | None = None,
        errors: Sequence[Mapping[str, Any]] = (),
    ) -> None:
        super().__init__(detail)
        self.status = status
        self.detail = detail
        self.headers = dict(headers or {})
        if retry_after is not None:
            self.headers["Retry-After"] = str(max(1, math.ceil(retry_after)))
        self.errors = errors

    def response(self) -> Response:
        """The answer."""
        return Response(
            problem_bytes(self.status, self.detail, errors=self.errors),
            status_code=self.status,
            media_type=MEDIA_TYPE,
            headers={"Cache-Control": "no-store", **self.headers},
        )


def problem_bytes(status: int, detail: str, *, errors: Sequence[Mapping[str, Any]] = ()) -> bytes:
    """A problem document."""
    document: dict[str, Any] = {
        "type": "about:blank",
        "title": HTTPStatus(status).phrase,
        "status": status,
        "detail": shown(detail),
    }
    if errors:
        document["errors"] = list(errors)
    return orjson.dumps(document)


def shown(text: str) -> str:
    """A text from outside as an answer may show it: short, one line, whole characters."""
    line = " ".join(text.encode("utf-8", "replace").decode().split())
    return line if len(line) <= _LONGEST_DETAIL else f"{line[: _LONGEST_DETAIL - 1]}…"


def of_error(error: RecommenderError) -> Problem:
    """The problem that an error of the library is to a client."""
    if isinstance(error, ArticleNotFound):
        return Problem(404, "No article of that id is in the index.")
    if isinstance(error, (ArticleError, ConfigError)):
        return Problem(422, str(error))
    if isinstance(error, IndexLocked):
        return Problem(
            503, "Another process is changing the index; ask again.", retry_after=_LOCKED_SECONDS
        )
    if isinstance(error, EmbedderUnavailable):
        return Problem(
            503,
            "The model cannot be used now; ?lexical=1 compares without it.",
            retry_after=_UNAVAILABLE_SECONDS,
        )
    if isinstance(error, EmbeddingError):
        return Problem(
            503,
            "The model could not read the text; ?lexical=1 compares without it.",
            retry_after=_UNAVAILABLE_SECONDS,
        )
    if isinstance(error, IndexStoreError):
        # Names files and what the system or SQLite says of them, no texts.
        logger.error("%s", error)
        return Problem(
            503,
            "The index cannot be used now; the log of the service says why.",
            retry_after=_UNAVAILABLE_SECONDS,
        )
    return Problem(500, "The service failed; its log says why.")


def of_validation(errors: Sequence[Mapping[str, Any]]) -> Problem:
    """The problem of a request that does not have the form that is asked for.

    Parameters
    ----------
    errors : sequence of mapping
        As pydantic gives them: `loc` and `msg` are used, never what was sent.
    """
    told = [
        {"where": shown(_where(each)), "what": shown(str(each["msg"]))}
        for each in errors[:_MOST_ERRORS]
    ]
    if any(each.get("type") == "json_invalid" for each in errors):
        return Problem(400, "The body is not valid JSON.", errors=told)
    return Problem(422, "The request does not have the form that is asked for.", errors=told)


def _where(error: Mapping[str, Any]) -> str:
    """The way to a field as a client knows it."""
    *way, last = map(str, error["loc"])
    kept = [each for each in way if each not in _KINDS]
    # A field that is not known may be called like a kind.
    if last not in _KINDS or error.get("type") == "extra_forbidden":
        kept.append(last)
    return ".".join(kept)
