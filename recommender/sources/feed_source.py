"""Feeds as a source, as `[[sources]]` of the kind `feed` names them: RSS, Atom, JSON Feed.

A feed holds what is newest, so that what it no longer gives is not gone, unless the settings say
that it is complete. Where it gives only summaries, articles say so.
"""

from __future__ import annotations

import math
import os
from collections.abc import Iterator
from dataclasses import dataclass
from datetime import tzinfo
from pathlib import Path

from recommender.errors import ArticleError, ConfigError, SourceError
from recommender.limits import Limits, named
from recommender.records import Article
from recommender.source_specs import SourceSpec
from recommender.sources.feeds import Entry, Feed, read_feed
from recommender.sources.fetching import check_url, fetch, shown
from recommender.sources.fields import Problem
from recommender.sources.opening import Surroundings, known_options
from recommender.sources.page_files import read_file
from recommender.sources.source import OnProblem

_TIMEOUT = 30.0
_LONGEST_TIMEOUT = 600.0


@dataclass(frozen=True, slots=True, kw_only=True)
class FeedSource:
    """Articles of one feed; a file, an address, or a variable of the environment that holds it."""

    name: str
    path: Path | None
    url: str
    variable: str
    timeout: float
    zone: tzinfo
    limits: Limits
    complete: bool = False
    site: str = ""

    @property
    def place(self) -> str:
        """Its file or address; an address in a variable is not shown."""
        return str(self.path or (shown(self.url) if self.url else self.variable))

    def articles(
        self,
        *,
        on_problem: OnProblem | None = None,
        on_lost_date: OnProblem | None = None,
    ) -> Iterator[Article]:
        """The articles, in the order of the feed; of entries with one id the first."""
        feed = self._feed()
        if feed.fault:
            self._tell(on_problem, ArticleError(f"the feed may not be whole: {feed.fault}"))
        seen: set[str] = set()
        for number, entry in enumerate(feed.entries, 1):
            try:
                article = self._article(entry, seen)
            except ArticleError as error:
                self._tell(on_problem, error, number, "" if entry.id in seen else entry.id)
                continue
            seen.add(article.id)
            if entry.written_date and article.date is None and on_lost_date is not None:
                on_lost_date(
                    Problem(
                        source=self.name,
                        line=number,
                        reason=f"{entry.written_date!r:.60}",
                        article_id=article.id,
                    )
                )
            yield article

    def _feed(self) -> Feed:
        kind, address = "", ""
        if self.path is not None:
            try:
                data = read_file(self.path, self.limits.feed_length)
            except ArticleError as error:
                raise SourceError(f"{self.name}: {self.path} {error.reason}") from error
            where = str(self.path)
            if len(data) > self.limits.feed_length:
                raise SourceError(
                    f"{self.name}: {where} has more than {self.limits.feed_length:,} bytes; "
                    f"{named('feed_length')}"
                )
        else:
            url = self.url or self._from_environment()
            where = shown(url)
            try:
                fetched = fetch(url, timeout=self.timeout, most=self.limits.feed_length)
            except SourceError as error:
                raise SourceError(f"{self.name}: {error}") from None
            data, kind, address = fetched.data, fetched.content_type, fetched.address
        try:
            return read_feed(data, zone=self.zone, content_type=kind, address=address)
        except SourceError as error:
            raise SourceError(f"{self.name}: {where}: {error}") from error

    def _from_environment(self) -> str:
        url = os.environ.get(self.variable, "")
        if not url.lower().startswith(("http://", "https://")):
            raise SourceError(
                f"{self.name}: the environment variable {self.variable} must hold the feed's "
                "address, which begins with https:// or http://"
            )
        return url

    def _article(self, entry: Entry, seen: set[str]) -> Article:
        if not entry.id:
            raise ArticleError("an entry has neither an id nor a link")
        if entry.id in seen:
            raise ArticleError("an earlier entry has the same id", article_id=entry.id)
        if not entry.title.strip() and not entry.body.strip():
            raise ArticleError("it has neither title nor text", article_id=entry.id)
        if len(entry.body) > self.limits.body_length:
            raise ArticleError(
                f"body has {len(entry.body):,} characters, at most "
                f"{self.limits.body_length:,} are taken; {named('body_length')}",
                article_id=entry.id,
            )
        return Article(
            id=entry.id,
            title=entry.title,
            body=entry.body,
            url=entry.url,
            date=entry.date,
            language=entry.language.replace("_", "-").partition("-")[0].lower(),
            excerpt=entry.excerpt,
            extra={"tags": list(entry.tags)} if entry.tags else {},
        )

    def _tell(
        self, on_problem: OnProblem | None, error: ArticleError, line: int = 0, article_id: str = ""
    ) -> None:
        if on_problem is None:
            raise ArticleError(
                error.reason,
                source=self.name,
                line=line or None,
                article_id=article_id or None,
            ) from error
        where = f"article {article_id!r:.200}: " if article_id else ""
        on_problem(
            Problem(
                source=self.name, line=line, reason=f"{where}{error.reason}", article_id=article_id
            )
        )


def open_source(spec: SourceSpec, surroundings: Surroundings) -> FeedSource:
    """A source of a feed: `url`, `path`, or `url_env`, which names a variable of the environment.

    Also `timeout` in seconds, and `complete = true` for a feed that holds every article.

    Raises
    ------
    ConfigError
        If an option is unknown or malformed, or an address holds a name or password.
    """
    options = known_options(spec, "url", "path", "url_env", "timeout", "complete")
    if spec.fields:
        raise ConfigError(f"[[sources]] {spec.name}: feeds have no fields to name")
    given = {key: options[key] for key in ("url", "path", "url_env") if key in options}
    if len(given) != 1 or not all(isinstance(each, str) and each for each in given.values()):
        raise ConfigError(
            f"[[sources]] {spec.name}: name the feed by one of url, path (a file) and url_env (an "
            "environment variable with the address)"
        )
    if "url" in given:
        check_url(given["url"], spec.name)
    complete, timeout = options.get("complete", False), options.get("timeout", _TIMEOUT)
    if not isinstance(complete, bool):
        raise ConfigError(f"[[sources]] {spec.name}: complete must be true or false")
    if (
        isinstance(timeout, bool)
        or not isinstance(timeout, (int, float))
        or not math.isfinite(timeout)
        or not 0 < timeout <= _LONGEST_TIMEOUT
    ):
        raise ConfigError(
            f"[[sources]] {spec.name}: timeout must be seconds, at most {_LONGEST_TIMEOUT:.0f}"
        )
    return FeedSource(
        name=spec.name,
        path=surroundings.path(given["path"]) if "path" in given else None,
        url=given.get("url", ""),
        variable=given.get("url_env", ""),
        timeout=float(timeout),
        zone=surroundings.zone,
        limits=surroundings.limits,
        complete=complete,
    )
