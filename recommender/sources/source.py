"""What every source of articles is: something with a name that gives articles one by one.

A source holds its place open only while it is read, and never more than a few articles in memory.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator
from dataclasses import dataclass, replace
from typing import Protocol, runtime_checkable

from recommender.errors import ArticleError
from recommender.records import Article
from recommender.sources.fields import Problem

OnProblem = Callable[[Problem], None]


class Source(Protocol):
    """A place where articles live.

    Attributes
    ----------
    name : str
        What messages call it.
    site : str
        The `site` of all its articles; empty where they are not told apart by one.
    complete : bool
        Whether it gives all there is, so that an article it no longer gives is gone. A feed, which
        holds only the newest, does not.
    """

    @property
    def name(self) -> str:
        """What messages call it."""

    @property
    def site(self) -> str:
        """The `site` of its articles."""

    @property
    def complete(self) -> bool:
        """Whether what it no longer gives is gone."""

    def articles(
        self,
        *,
        on_problem: OnProblem | None = None,
        on_lost_date: OnProblem | None = None,
    ) -> Iterator[Article]:
        """Give all articles, each once, in any order; may be called again.

        Parameters
        ----------
        on_problem : callable, optional
            Given each article that cannot be used, which is then left out; without it the first
            one is raised. A `Problem` carries the article's id where it is known, so that an
            article that is only unreadable is not taken for one that is gone.
        on_lost_date : callable, optional
            Given each publication date that cannot be read; the article has none then.

        Raises
        ------
        ArticleError
            For an article that cannot be used, without `on_problem`.
        SourceError
            If the source cannot be reached or read, also half way.
        """


@dataclass(frozen=True, slots=True)
class Glance:
    """A first look at a source.

    Attributes
    ----------
    place : str
        What it is read from, in words.
    articles : tuple of Article
        Some of them.
    total : int
        How many there are.
    base_url, timezone : str
        What the site says of itself; empty where it does not.
    whole : bool
        False where there may be more than `total`, for nobody waited for the rest.
    problem : str
        Why the first one that cannot be used cannot; empty where all can.
    """

    place: str
    articles: tuple[Article, ...]
    total: int
    base_url: str = ""
    timezone: str = ""
    whole: bool = True
    problem: str = ""


@runtime_checkable
class Glancing(Protocol):
    """A source that can be looked at without reading all of it."""

    def glance(self, count: int) -> Glance:
        """Count the articles and read the first few."""


@runtime_checkable
class Addressed(Protocol):
    """A source that lies in a database, into which lists can be written as well."""

    def address(self) -> str:
        """The SQLAlchemy URL of the database, with its password; not to be shown to anybody."""


@dataclass(frozen=True, slots=True)
class Sited:
    """A source whose articles carry a site, and ids with the site in front: "site:id"."""

    inner: Source
    site: str

    @property
    def name(self) -> str:
        """As of the source itself."""
        return self.inner.name

    @property
    def complete(self) -> bool:
        """As of the source itself."""
        return self.inner.complete

    def articles(
        self,
        *,
        on_problem: OnProblem | None = None,
        on_lost_date: OnProblem | None = None,
    ) -> Iterator[Article]:
        """The articles, with the site."""
        for article in self.inner.articles(
            on_problem=None if on_problem is None else self._sited(on_problem),
            on_lost_date=None if on_lost_date is None else self._sited(on_lost_date),
        ):
            try:
                sited = replace(article, id=self.full_id(article.id), site=self.site)
            except ArticleError as error:
                if on_problem is None:
                    raise
                on_problem(Problem(source=self.name, reason=str(error), article_id=article.id))
                continue
            yield sited

    def full_id(self, article_id: str) -> str:
        """The id of an article of this source in an index."""
        return f"{self.site}:{article_id}"

    def _sited(self, tell: OnProblem) -> OnProblem:
        def told(problem: Problem) -> None:
            known = bool(problem.article_id)
            tell(
                replace(problem, article_id=self.full_id(problem.article_id)) if known else problem
            )

        return told
