"""Public related lists as bytes that are ready to be sent, kept for one version of the index.

What a list holds depends on the index and on the clock: at the moment when an embargo lifts or
an article expires, and after every change of the index, everything that was kept is dropped. A
list is made with a reader of its own that no thread holds up, in less than a millisecond or two;
what would need a search (a filter, a long list) is told apart and belongs in a thread.
"""

from __future__ import annotations

import time
from collections import OrderedDict
from collections.abc import Callable
from dataclasses import dataclass
from datetime import datetime, timezone
from threading import Lock, Thread
from typing import Any, Literal
from urllib.parse import parse_qsl

import orjson
from xxhash import xxh3_128_hexdigest

from recommender.engine import Recommender
from recommender.errors import ArticleNotFound, RecommenderError
from recommender.exports.entries import safe_url
from recommender.records import MAX_ID_LENGTH, Card, MatchList
from recommender.service.problems import NOT_FOUND, Problem

DEFAULT_LIMIT = 5
MOST_LISTED = 100
# More than that, or less similar, may need a search; see `Answerer._may_be_more`.
_QUICK_LIMIT = 20
_QUICK_SIMILARITY = 0.5
# Looking through the moments of so many articles takes some 10 ms.
_SMALL_INDEX = 100_000
_MOST_KEPT = 50_000
_MOST_BYTES = 64_000_000
_PREFIX, _SUFFIX = "/articles/", "/related"
_LONGEST_QUERY = 200

Header = tuple[bytes, bytes]


@dataclass(frozen=True, slots=True, kw_only=True)
class Question:
    """What is asked of a public related list.

    Attributes
    ----------
    article : str
        An id.
    limit : int
    min_similarity : float or None
    category : str
        Only articles of this one; empty is any.
    fill : {"category", "latest"} or None
    """

    article: str
    limit: int = DEFAULT_LIMIT
    min_similarity: float | None = None
    category: str = ""
    fill: Literal["category", "latest"] | None = None

    @property
    def is_quick(self) -> bool:
        """Whether what the index keeps of an article suffices."""
        return (
            not self.category
            and self.fill is None
            and self.limit <= _QUICK_LIMIT
            and (self.min_similarity is None or self.min_similarity >= _QUICK_SIMILARITY)
        )


@dataclass(frozen=True, slots=True, kw_only=True)
class Rendered:
    """An answer as it is sent.

    Attributes
    ----------
    body : bytes
        JSON.
    etag : bytes
    headers : list of (bytes, bytes)
        All of them, while the answer may be kept for the usual time.
    until : float
        Seconds since the epoch at which it ceases to be true by itself.
    """

    body: bytes
    etag: bytes
    headers: list[Header]
    until: float


class RelatedLists:
    """Makes and keeps the public related lists of one worker.

    Parameters
    ----------
    reader : Recommender
        Used for nothing that takes long.
    cache_seconds, stale_seconds : int
        As of `ServeOptions`.
    clock : callable
        Seconds since the epoch.
    small_index : int
        Articles up to which the next moment of visibility is looked up at once; of more, in a
        thread, and until it is known nothing is kept.
    """

    def __init__(
        self,
        reader: Recommender,
        *,
        cache_seconds: int,
        stale_seconds: int,
        clock: Callable[[], float] = time.time,
        small_index: int = _SMALL_INDEX,
    ) -> None:
        self._reader = reader
        self._cache_seconds = cache_seconds
        self._stale_seconds = stale_seconds
        self._clock = clock
        self._small_index = small_index
        self._version = ""
        # Seconds since the epoch at which what is kept ceases to be true; none while unknown.
        self._until: float | None = 0.0
        self._kept: OrderedDict[tuple[str, bytes], Rendered] = OrderedDict()
        self._bytes = 0
        self._quick_thresholds = False
        # A thread may put in what the event loop looks up.
        self._turn = Lock()

    def cached(self, path: str, query: bytes) -> Rendered | None:
        """What was sent before for this address, as long as it is still true."""
        if self._is_over(self._reader.version(), self._clock()):
            with self._turn:
                self._renew()
            return None
        return self._kept.get((path, query))

    def question(self, path: str, query: bytes) -> Question | None:
        """What an address asks in its plainest form; `None` for all else, right or wrong."""
        if not path.startswith(_PREFIX) or not path.endswith(_SUFFIX):
            return None
        article = path[len(_PREFIX) : -len(_SUFFIX)]
        if not 0 < len(article) <= MAX_ID_LENGTH:
            return None
        if not query:
            return Question(article=article)
        if len(query) > _LONGEST_QUERY:
            return None
        try:
            pairs = parse_qsl(query.decode("ascii"), keep_blank_values=True, strict_parsing=True)
        except (ValueError, UnicodeDecodeError):
            return None
        if len(pairs) == 1 and pairs[0][0] == "limit" and pairs[0][1].isdecimal():
            number = pairs[0][1]
            if number.isascii() and len(number) <= 2 and int(number) <= _QUICK_LIMIT:
                return Question(article=article, limit=int(number))
        return None

    def is_quick(self, question: Question) -> bool:
        """Whether to answer at once, without a thread."""
        return question.is_quick and (question.min_similarity is not None or self._quick_thresholds)

    def answer(
        self, question: Question, path: str, query: bytes, *, engine: Recommender | None = None
    ) -> Rendered:
        """Make an answer and keep it.

        Parameters
        ----------
        question : Question
        path, query
            The address, by which it is found again.
        engine : Recommender, optional
            Asked in place of the reader, from a thread.

        Raises
        ------
        Problem
            404 if there is no such article, or it is not public now: nobody can tell which.
        """
        asked = engine or self._reader
        moment = self._clock()
        now = datetime.fromtimestamp(moment, timezone.utc)
        # What the gate has looked up a moment ago; a change in the midst of it would give an old
        # list the name of a new version.
        version = self._version if engine is None else asked.version()
        while True:
            matches = self._matches(asked, question, now)
            found = asked.version()
            if found == version:
                break
            version = found
        body = orjson.dumps(list_document(question.article, version, matches))
        with self._turn:
            if self._is_over(version, moment):
                self._renew()
            if version != self._version or self._until is None:
                # True when it was asked for; nobody knows for how long.
                return self._rendered(body, moment)
            rendered = self._rendered(body, self._until)
            self._keep((path, query), rendered)
        return rendered

    def headers_now(self, rendered: Rendered) -> list[Header]:
        """The headers of an answer; nobody keeps it beyond the moment at which it changes."""
        left = rendered.until - self._clock()
        if left >= self._cache_seconds + self._stale_seconds:
            return rendered.headers
        return _headers(
            rendered.body,
            rendered.etag,
            cache=max(0, min(self._cache_seconds, int(left))),
            stale=max(0, min(self._stale_seconds, int(left) - self._cache_seconds)),
        )

    def _matches(self, asked: Recommender, question: Question, now: datetime) -> MatchList:
        try:
            if not asked.get(question.article).is_public(now):
                raise Problem(404, NOT_FOUND)
            return asked.related(
                question.article,
                limit=question.limit,
                min_similarity=question.min_similarity,
                categories=(question.category,) if question.category else (),
                fill=question.fill,
                now=now,
            )
        except ArticleNotFound as error:
            raise Problem(404, NOT_FOUND) from error

    def _is_over(self, version: str, moment: float) -> bool:
        """Whether what is kept is of another version, or ceased to be true."""
        return version != self._version or (self._until is not None and moment >= self._until)

    def _renew(self) -> None:
        """Drop what was kept, and learn how long it will be true from now on."""
        self._kept.clear()
        self._bytes = 0
        self._version = self._reader.version()
        self._quick_thresholds = self._reader.thresholds.related >= _QUICK_SIMILARITY
        self._until = None
        if len(self._reader) <= self._small_index:
            self._until = self._next_change()
        else:
            Thread(target=self._learn, args=(self._version,), daemon=True).start()

    def _next_change(self) -> float:
        now = datetime.fromtimestamp(self._clock(), timezone.utc)
        change = self._reader.next_visibility_change(now=now)
        return float("inf") if change is None else change.timestamp()

    def _learn(self, version: str) -> None:
        """The same in a thread; of a version that is over by then it is no matter."""
        try:
            until = self._next_change()
        except RecommenderError:
            # Nothing is kept; whoever asks is told what is wrong.
            return
        with self._turn:
            if version == self._version and self._until is None:
                self._until = until

    def _rendered(self, body: bytes, until: float) -> Rendered:
        etag = b'"%s"' % xxh3_128_hexdigest(body).encode()
        return Rendered(
            body=body,
            etag=etag,
            headers=_headers(body, etag, cache=self._cache_seconds, stale=self._stale_seconds),
            until=until,
        )

    def _keep(self, key: tuple[str, bytes], rendered: Rendered) -> None:
        while self._kept and (len(self._kept) >= _MOST_KEPT or self._bytes >= _MOST_BYTES):
            _, gone = self._kept.popitem(last=False)
            self._bytes -= len(gone.body)
        before = self._kept.pop(key, None)
        if before is not None:
            self._bytes -= len(before.body)
        self._kept[key] = rendered
        self._bytes += len(rendered.body)


def public_card(card: Card) -> dict[str, Any]:
    """What anybody may see of a public article."""
    return {
        "id": card.id,
        "title": card.title,
        # A page makes a link of it.
        "url": safe_url(card.url),
        "date": card.date.isoformat() if card.date else None,
        "category": card.category,
        "source": card.source,
        "site": card.site,
        "language": card.language,
    }


def list_document(article: str, version: str, matches: MatchList) -> dict[str, Any]:
    """A related list as it is answered, of a stored article or a draft."""
    return {
        "article": article,
        "index_version": version,
        "matches": [
            {
                "rank": rank,
                "similarity": round(match.similarity, 4),
                "verdict": match.verdict.value,
                "article": public_card(match.article),
            }
            for rank, match in enumerate(matches, start=1)
        ],
        "reason": matches.reason,
        "filler": [
            {"reason": each.reason, "article": public_card(each.article)} for each in matches.filler
        ],
    }


def _headers(body: bytes, etag: bytes, *, cache: int, stale: int) -> list[Header]:
    control = f"public, max-age={cache}"
    if stale:
        control += f", stale-while-revalidate={stale}, stale-if-error={stale}"
    return [
        (b"content-type", b"application/json"),
        (b"content-length", b"%d" % len(body)),
        (b"etag", etag),
        (b"cache-control", control.encode()),
        (b"x-content-type-options", b"nosniff"),
    ]
