"""Related lists in a table of a database that the site reads: SQLite, MariaDB, MySQL, PostgreSQL.

Lists are compared first and written after that, in one transaction of as few seconds as it
takes: a reader sees all old lists or all new ones, and a site whose database is one SQLite file
is kept waiting only for the moment of the commit. No message holds a password.
"""

from __future__ import annotations

import json
import tempfile
from collections.abc import Iterable, Iterator, Sequence
from contextlib import contextmanager
from itertools import islice
from pathlib import Path
from typing import IO, Any

import sqlalchemy as sa
from sqlalchemy.engine import Connection, Engine
from sqlalchemy.exc import NoSuchModuleError, SQLAlchemyError
from sqlalchemy.sql import quoted_name

from recommender.config import install_command
from recommender.database_urls import EXTRAS, login_options, parse_url, reason_of
from recommender.errors import ConfigError, ExportError
from recommender.exports.changes import Change, Outcome, Tell, difference, forget
from recommender.exports.entries import Entry, Shown
from recommender.records import MAX_ID_LENGTH

COLUMNS = ("article_id", "rank", "related_id", "similarity", "verdict", "title", "url")
_BATCH = 500
_WAIT_SECONDS = 30
# Of one list: rank, related_id, similarity, verdict, title, url.
Row = tuple[Any, ...]


def open_table(address: str | sa.URL, table: str) -> SqlTable:
    """The target of a table.

    Parameters
    ----------
    address : str
        As SQLAlchemy writes it; may hold a password, which is never shown.
    table : str
        Its name.

    Raises
    ------
    ConfigError
        If the address is malformed or its driver is missing.
    ExportError
        If a SQLite database is not there.
    """
    url = parse_url(address, called="export") if isinstance(address, str) else address
    kind = url.get_backend_name()
    if kind == "sqlite":
        _check_present(url)
    try:
        options = {"timeout": _WAIT_SECONDS} if kind == "sqlite" else login_options(url)
        engine = sa.create_engine(
            url, hide_parameters=True, connect_args=options, poolclass=sa.NullPool
        )
    except NoSuchModuleError:
        raise ConfigError(f"SQLAlchemy knows no database of the kind {kind}") from None
    except ImportError as error:
        extra = EXTRAS.get(str(error.name), "sql")
        raise ConfigError(f"no driver for {kind} is installed: {install_command(extra)}") from error
    return SqlTable(engine, table)


def _check_present(url: sa.URL) -> None:
    """Refuse a SQLite file that is not there; opening it would make an empty one."""
    name = url.database or ""
    if not name or name == ":memory:" or not Path(name).is_file():
        raise ExportError(
            f"there is no SQLite database at {name or 'that address'}; name the site's own"
        )


class SqlTable:
    """The target of one table.

    Parameters
    ----------
    engine : Engine
    table : str
        Made when missing.
    """

    def __init__(self, engine: Engine, table: str) -> None:
        self._engine = engine
        self._kind = engine.dialect.name
        self._table = _described(table, self._kind)
        if self._kind == "sqlite":
            sa.event.listen(engine, "connect", _keep_readers_going)

    @property
    def name(self) -> str:
        """The table and where it is; without user and password."""
        url = self._engine.url
        where = f" on {url.host}" if url.host else ""
        return f"table {self._table.name} of {url.database}{where}"

    def write(
        self, entries: Iterable[Entry], *, state: str, tell: Tell = forget, dry_run: bool = False
    ) -> Outcome:
        """Make the table hold these lists; see `Target`."""
        with self._translated(), tempfile.TemporaryFile("w+", encoding="utf-8") as waiting:
            there = self._prepare(dry_run=dry_run)
            with self._engine.connect() as connection:
                outcome = self._compare(entries, connection if there else None, waiting, tell)
            if not dry_run and outcome.pages + outcome.numbers:
                waiting.seek(0)
                with self._engine.begin() as connection:
                    self._replace(connection, map(json.loads, waiting))
        return outcome

    @contextmanager
    def _translated(self) -> Iterator[None]:
        try:
            yield
        except SQLAlchemyError as error:
            failure = self._failure(error)
        else:
            return
        # Outside the handler: the driver's error does not travel along with what it holds.
        raise failure

    def _failure(self, error: SQLAlchemyError) -> ExportError:
        said = reason_of(self._engine.url, error)
        return ExportError(f"{self.name}: {said}; no list was changed")

    def _prepare(self, *, dry_run: bool) -> bool:
        """Make the table, or look whether what is there is one of ours; whether it is there."""
        name = str(self._table.name)
        inspector = sa.inspect(self._engine)
        if name in inspector.get_view_names():
            raise ExportError(f"{self.name}: it is a view; name another table")
        if not inspector.has_table(name):
            if not dry_run:
                self._table.create(self._engine, checkfirst=True)
            return not dry_run
        columns = [each["name"] for each in inspector.get_columns(name)]
        if sorted(columns) != sorted(COLUMNS):
            raise ExportError(
                f"{self.name}: a table of that name has other columns ({', '.join(columns)}); "
                "name another one for the lists"
            )
        if self._kind in ("mysql", "mariadb"):
            engine = inspector.get_table_options(name).get("mysql_engine", "InnoDB")
            if engine != "InnoDB":
                raise ExportError(
                    f"{self.name}: its engine is {engine}, which knows no transactions; "
                    f"ALTER TABLE {name} ENGINE=InnoDB, or name another table"
                )
        return True

    def _compare(
        self,
        entries: Iterable[Entry],
        connection: Connection | None,
        waiting: IO[str],
        tell: Tell,
    ) -> Outcome:
        """Find the lists that differ, and write them to a file for the transaction."""
        outcome = Outcome()
        seen: set[str] = set()
        for batch in _batches(entries):
            old = self._stored(connection, [entry.id for entry in batch])
            changes: list[Change] = []
            for entry in batch:
                seen.add(entry.id)
                rows = _rows(entry)
                before = old.get(entry.id)
                # No rows: an empty list, or none; a page shows the same.
                kind = difference(_shown(before or ()), _shown(rows))
                if kind == "members" and not before:
                    kind = "new"
                outcome.count(kind, empty=not entry.items)
                if kind:
                    waiting.write(json.dumps([entry.id, rows]) + "\n")
                if kind and kind != "numbers":
                    changes.append(Change(id=entry.id, url=entry.url, kind=kind))
            tell(changes)
        for batch in _batches(self._ids(connection)):
            gone = [each for each in batch if each not in seen]
            outcome.gone += len(gone)
            tell([Change(id=each, url="", kind="gone") for each in gone])
            waiting.writelines(json.dumps([each, []]) + "\n" for each in gone)
        return outcome

    def _stored(self, connection: Connection | None, ids: Sequence[str]) -> dict[str, list[Row]]:
        if connection is None:
            return {}
        own = self._table.c
        wanted = (
            sa.select(*(own[name] for name in COLUMNS))
            .where(own.article_id.in_(ids))
            .order_by(own.article_id, own["rank"])
        )
        found: dict[str, list[Row]] = {}
        for article_id, *row in connection.execute(wanted):
            found.setdefault(article_id, []).append(tuple(row))
        return found

    def _ids(self, connection: Connection | None) -> list[str]:
        if connection is None:
            return []
        return sorted(connection.scalars(sa.select(self._table.c.article_id).distinct()))

    def _replace(self, connection: Connection, changed: Iterator[tuple[str, list[Row]]]) -> None:
        """Put lists in the place of those that are there."""
        for batch in _batches(changed):
            ids = [article_id for article_id, _ in batch]
            connection.execute(self._table.delete().where(self._table.c.article_id.in_(ids)))
            rows = [
                dict(zip(COLUMNS, (article_id, *row), strict=True))
                for article_id, rows in batch
                for row in rows
            ]
            if rows:
                connection.execute(self._table.insert(), rows)


def _described(name: str, kind: str) -> sa.Table:
    """The table as we make it; ids are told apart by every character."""
    collation = {"mysql": "utf8mb4_bin", "mariadb": "utf8mb4_bin", "postgresql": "C"}.get(kind)
    text = sa.String(MAX_ID_LENGTH, collation=collation)
    return sa.Table(
        name,
        sa.MetaData(),
        sa.Column("article_id", text, primary_key=True),
        # A reserved word in MySQL 8.
        sa.Column(
            quoted_name("rank", True), sa.Integer, key="rank", primary_key=True, autoincrement=False
        ),
        sa.Column("related_id", text, nullable=False),
        # None of an article that only fills the list up.
        sa.Column("similarity", sa.Double),
        sa.Column("verdict", sa.String(20), nullable=False),
        sa.Column("title", sa.Text, nullable=False),
        sa.Column("url", sa.Text, nullable=False),
        mysql_engine="InnoDB",
        mariadb_engine="InnoDB",
        mysql_charset="utf8mb4",
        mariadb_charset="utf8mb4",
    )


def _rows(entry: Entry) -> list[Row]:
    rows: list[Row] = [
        (rank, each["id"], each["similarity"], each["verdict"], each["title"], each["url"])
        for rank, each in enumerate(entry.items, start=1)
    ]
    rows += [
        (rank, each["id"], None, each["why"], each["title"], each["url"])
        for rank, each in enumerate(entry.filler, start=len(rows) + 1)
    ]
    return rows


def _shown(rows: Sequence[Row]) -> list[Shown]:
    return [Shown(id=row[1], shown=(row[0], *row[3:]), numbers=(row[2],)) for row in rows]


def _keep_readers_going(connection: Any, record: Any) -> None:
    """Changed pages stay in memory until the commit, for which alone readers must wait."""
    connection.execute("PRAGMA cache_spill = OFF")


def _batches(values: Iterable[Any]) -> Iterator[list[Any]]:
    waiting = iter(values)
    while batch := list(islice(waiting, _BATCH)):
        yield batch
