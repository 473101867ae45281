"""Articles of a database: rows of one query, each made an article. What kinds of it share.

A kind says which database, which query, and how a row becomes a record with the names of our
fields; a preset may look into the database before it says the last two.
"""

from __future__ import annotations

from collections.abc import Callable, Collection, Iterator, Mapping
from contextlib import closing
from dataclasses import dataclass, field, replace
from datetime import tzinfo
from typing import Any, NamedTuple

from recommender.errors import ArticleError, ConfigError
from recommender.limits import Limits
from recommender.records import Article
from recommender.sources.databases import Database, Reader, Row
from recommender.sources.fields import Problem, is_header, our_fields, to_article, unread_date
from recommender.sources.source import Glance, OnProblem
from recommender.sources.spool import spooled
from recommender.sources.values import plain


@dataclass(frozen=True, slots=True)
class Reading:
    """How articles are read.

    Attributes
    ----------
    query : str
        Gives one row for each article.
    record : callable
        A row, with plain values → a record with the names of our fields.
    base_url, timezone : str
        Where the pages' addresses begin, and the zone of the site; empty where not known.
    needed : collection of collection of str
        Of each of these groups of columns one must hold something, or the row is no article.
    """

    query: str
    record: Callable[[Row], Mapping[str, Any]]
    base_url: str = ""
    timezone: str = ""
    needed: Collection[Collection[str]] = ()


class Found(NamedTuple):
    """A database, and what looks into it and says how it is read."""

    database: Database
    reading: Callable[[Reader], Reading]


@dataclass(frozen=True, slots=True, kw_only=True)
class DatabaseSource:
    """Articles of a database, read in one transaction before the first one is given.

    Attributes
    ----------
    name : str
    find : callable
        Finds the database, anew each time it is read, because a site may move it.
    fields : mapping
        Our field → the column; for kinds whose records are rows as they are.
    checks_columns : bool
        Whether the query is the user's own and may lack what is needed.
    address_fields : frozenset of str
        What the template of addresses needs: columns, or our fields.
    """

    name: str
    find: Callable[[], Found]
    zone: tzinfo
    limits: Limits
    fields: Mapping[str, str] = field(default_factory=dict)
    checks_columns: bool = False
    address_fields: frozenset[str] = frozenset()
    complete: bool = True
    site: str = ""

    def articles(
        self,
        *,
        on_problem: OnProblem | None = None,
        on_lost_date: OnProblem | None = None,
    ) -> Iterator[Article]:
        """The articles, in the order of the query; none before all rows are here.

        Raises
        ------
        ArticleError, SourceError
            As every source.
        """
        database, look = self.find()
        with database.reading() as reader:
            reading = look(reader)
            rows = spooled(self._rows(reader, reading))
            # The first row is given when all are read; then the database is closed.
            first = next(rows, None)
        with closing(rows):
            if first is None:
                return
            yield from self._made(first, rows, reading, on_problem, on_lost_date)

    def address(self) -> str:
        """The SQLAlchemy URL of the database, with its password; not to be shown to anybody."""
        return self.find().database.address()

    def glance(self, count: int) -> Glance:
        """Count the articles and read the first few.

        Raises
        ------
        SourceError, ConfigError
            As when reading them all.
        """
        database, look = self.find()
        with database.reading() as reader:
            reading = look(reader)
            rows = list(self._rows(reader, reading, most=count))
            needed = list(reading.needed)
            if self.checks_columns and rows:
                ours = our_fields(rows[0], self.fields)
                needed += [(ours["id"],), (ours["body"],)]
            total = reader.count(reading.query, needed=needed)
        problems: list[Problem] = []
        others = iter(rows[1:])
        made = self._made(rows[0], others, reading, problems.append, None) if rows else iter(())
        return Glance(
            database.described,
            tuple(made),
            total=total,
            base_url=reading.base_url,
            timezone=reading.timezone,
            problem=str(problems[0]) if problems else "",
        )

    def _rows(self, reader: Reader, reading: Reading, *, most: int | None = None) -> Iterator[Row]:
        check = self._check if self.checks_columns else None
        for row in reader.rows(reading.query, most=most, check=check):
            yield {name: plain(value) for name, value in row.items()}

    def _check(self, columns: list[str]) -> None:
        twice = sorted({name for name in columns if columns.count(name) > 1})
        if twice:
            raise ConfigError(
                f"{self.name}: the query gives two columns named {twice[0]!r:.60}; name one of "
                "them otherwise with AS"
            )
        missing = [name for name in self.fields.values() if name not in columns]
        if missing:
            raise ConfigError(
                f"{self.name}: the query gives no column {missing[0]!r:.60}, which fields names; "
                f"it gives {', '.join(columns):.300}"
            )
        if not is_header(columns, self.fields):
            raise ConfigError(
                f"{self.name}: the query must give the columns id and body, and gives "
                f"{', '.join(columns):.300}; rename with AS, or say which is which, as in "
                'fields = { id = "nid", body = "content" }'
            )
        known = {*columns, *our_fields(columns, self.fields)}
        for name in sorted(self.address_fields - known):
            raise ConfigError(
                f"{self.name}: url_template names {{{name:.40}}}, which is no column of the query "
                f"and no field of its articles; it can name {', '.join(sorted(known)):.300}"
            )

    def _made(
        self,
        first: Row,
        others: Iterator[Row],
        reading: Reading,
        on_problem: OnProblem | None,
        on_lost_date: OnProblem | None,
    ) -> Iterator[Article]:
        number = 0
        row: Row | None = first
        while row is not None:
            number += 1
            problem = Problem(source=self.name, reason="")
            try:
                record = reading.record(row)
                article = to_article(record, self.fields, self.zone, self.limits)
            except ArticleError as error:
                known = error.article_id or ""
                reason = error.reason if known else f"{_place(number, row)}: {error.reason}"
                if on_problem is None:
                    raise ArticleError(
                        reason, source=self.name, article_id=error.article_id
                    ) from error
                where = f"article {known!r}: " if known else ""
                on_problem(replace(problem, reason=f"{where}{reason}", article_id=known))
            else:
                if on_lost_date is not None and article.date is None:
                    lost = unread_date(record, self.fields)
                    if lost is not None:
                        on_lost_date(
                            replace(
                                problem,
                                reason=f"article {article.id!r}: not a date: {lost!r:.60}",
                                article_id=article.id,
                            )
                        )
                yield article
            row = next(others, None)


def _place(number: int, row: Row) -> str:
    """Which row is meant, of one whose id is not known: its number, and a text of it."""
    title = next((row[name] for name in ("title", "name") if row.get(name)), "")
    return f"row {number:,} of the query" + (f" ({title!r:.60})" if title else "")
