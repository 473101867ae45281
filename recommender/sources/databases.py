"""Databases of sites, through SQLAlchemy: connecting, and reading without changing anything.

The one door to SQLAlchemy for sources. Errors leave it as `SourceError` or `ConfigError`, with the
database named and its password masked, also where a driver repeats it; nothing that is shown of a
`Database` holds a password. Must not know what the tables mean.
"""

from __future__ import annotations

from collections.abc import Callable, Collection, Iterator, Mapping
from contextlib import contextmanager, suppress
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any, TypeVar
from urllib.parse import quote

from recommender.config import install_command
from recommender.errors import ConfigError, RecommenderError, SourceError
from recommender.sources.values import decoded

try:
    import sqlalchemy as sa
    from sqlalchemy.exc import NoSuchModuleError

    from recommender.database_urls import EXTRAS, login_options, parse_url, reason_of, secrets_of
except ImportError as missing:  # pragma: no cover - the tests' environment has it
    raise ConfigError(
        f"articles in a database need the extra sql: {install_command('sql')}, with mysql or "
        "postgresql instead of sql where the database is one of those"
    ) from missing

Row = Mapping[str, Any]
Result = TypeVar("Result")

_AT_ONCE = 100
_CONNECT_SECONDS = 15
# A server greets whom it knows only after it has looked up their name.
_GREETING_SECONDS = 30
_BUSY_SECONDS = 30
_SYSTEMS = {"mysql": "MySQL", "mariadb": "MySQL or MariaDB", "postgresql": "PostgreSQL"}
# What drivers say where a port is somebody else's.
_STRANGE = (
    "lost connection to mysql server",
    "packet sequence number wrong",
    "received invalid response",
    "expected authentication request",
    "server closed the connection unexpectedly",
)
_SOCKETS = ("/run/mysqld/mysqld.sock", "/var/lib/mysql/mysql.sock")


@dataclass(frozen=True, slots=True)
class Database:
    """Where a database is, with what opens it.

    Attributes
    ----------
    described : str
        What messages call it; without user and password.
    """

    described: str
    _url: sa.URL = field(repr=False, compare=False)
    _file: Path | None = field(default=None, repr=False)

    @classmethod
    def of_url(cls, text: str, *, folder: Path, called: str) -> Database:
        """A database by its SQLAlchemy URL.

        Parameters
        ----------
        text : str
            Without a driver PyMySQL and psycopg are taken.
        folder : Path
            Where a relative path of an SQLite file begins.
        called : str
            What messages call the source.

        Raises
        ------
        ConfigError
            If it is no such URL. The message does not repeat it, because it may hold a password.
        """
        url = parse_url(text, called=called)
        if url.get_backend_name() == "sqlite":
            if not url.database or url.database.startswith(":"):
                raise ConfigError(f"{called}: name the file, as in sqlite:///data/cms.db")
            return cls.of_file(folder / Path(url.database).expanduser())
        where = url.host or "this machine"
        if url.port:
            where = f"{where}:{url.port}"
        return cls(f"the database {url.database or ''!r:.60} on {where:.100}", url)

    @classmethod
    def of_file(cls, path: Path) -> Database:
        """An SQLite database, which is only ever read."""
        name = f"file:{quote(str(path.absolute()))}"
        url = sa.URL.create("sqlite", database=name, query={"mode": "ro", "uri": "true"})
        return cls(f"the SQLite database {path}", url, path)

    @classmethod
    def of_mysql(
        cls,
        *,
        name: str,
        host: str = "localhost",
        port: int | None = None,
        socket: str = "",
        user: str = "",
        password: str = "",
    ) -> Database:
        """A MySQL or MariaDB database as PHP names it: "localhost" is its socket."""
        if host == "localhost" and not socket and port in (None, 3306):
            socket = next((each for each in _SOCKETS if Path(each).exists()), "")
        url = sa.URL.create(
            "mysql+pymysql",
            username=user or None,
            password=password or None,
            host=host or "localhost",
            port=port,
            database=name,
            query={"unix_socket": socket} if socket else {},
        )
        where = f"{host}:{port}" if port else host
        return cls(f"the database {name!r:.60} on {where:.100}", url)

    def address(self) -> str:
        """Its SQLAlchemy URL, with the password; not to be shown to anybody."""
        url = self._url
        if self._file is not None:
            # What is read through a connection that may only read.
            url = sa.URL.create("sqlite", database=str(self._file))
        return url.render_as_string(hide_password=False)

    @property
    def has_password(self) -> bool:
        """Whether its URL holds a password, also as one of the driver's own options."""
        return bool(secrets_of(self._url))

    @contextmanager
    def reading(self) -> Iterator[Reader]:
        """One transaction that reads and is taken back at the end.

        Raises
        ------
        SourceError
            If the database cannot be reached.
        ConfigError
            If its driver is not installed.
        """
        if self._file is not None and not self._file.is_file():
            raise SourceError(f"there is no SQLite database {self._file}")
        engine = self.attempt(self._engine)
        try:
            connection = self.attempt(lambda: self._connected(engine))
            try:
                reader = Reader(self, connection)
                reader.begin()
                yield reader
            finally:
                _quietly(connection.close)
        finally:
            engine.dispose()

    def attempt(self, action: Callable[[], Result]) -> Result:
        """Do something with the database; whatever its driver raises becomes a `SourceError`."""
        try:
            return action()
        except RecommenderError:
            raise
        # Drivers let through what they like: operating system, protocol and decoding errors.
        except Exception as error:
            failure = self._failure(error)
        # Outside the handler, so that the driver's error does not travel along with ours.
        raise failure

    def _engine(self) -> sa.Engine:
        options: dict[str, Any] = {}
        kind = self._url.get_backend_name()
        if kind in ("mysql", "mariadb", "postgresql") and "connect_timeout" not in self._url.query:
            options["connect_timeout"] = _CONNECT_SECONDS
        if kind == "sqlite":
            options["timeout"] = _BUSY_SECONDS
        greeted = self._url.get_driver_name() == "pymysql" and "read_timeout" not in self._url.query
        if greeted:
            options["read_timeout"] = _GREETING_SECONDS
        options |= login_options(self._url)
        engine = sa.create_engine(
            self._url, poolclass=sa.NullPool, hide_parameters=True, connect_args=options
        )
        if kind == "sqlite":
            sa.event.listen(engine, "connect", _lenient)
        if greeted:
            sa.event.listen(engine, "connect", _patiently)
        if engine.driver == "psycopg":
            sa.event.listen(engine, "connect", _with_any_dates)
        return engine

    def _connected(self, engine: sa.Engine) -> sa.Connection:
        try:
            return engine.connect()
        except Exception as error:
            kind = _SYSTEMS.get(self._url.get_backend_name(), "")
            if not kind or not _is_stranger(error):
                raise
            reason = reason_of(self._url, error)
        raise SourceError(
            f"cannot read {self.described}: {reason}; is that a {kind} server, and its port?"
        )

    def _failure(self, error: Exception) -> RecommenderError:
        if isinstance(error, ModuleNotFoundError):
            extra = EXTRAS.get(str(error.name), "")
            how = install_command(extra) if extra else f"pip install {error.name}"
            return ConfigError(f"{self.described} needs a driver: {how}")
        if isinstance(error, NoSuchModuleError):
            return ConfigError(f"{self.described}: SQLAlchemy knows no such kind of database")
        return SourceError(f"cannot read {self.described}: {reason_of(self._url, error)}")


class Reader:
    """What can be asked of a database while a transaction is open."""

    def __init__(self, database: Database, connection: sa.Connection) -> None:
        self._database = database
        self._connection = connection
        self.kind = connection.dialect.name

    def begin(self) -> None:
        """Begin a transaction in which nothing can be changed, where the database knows such."""
        if self.kind == "sqlite":
            for statement in ("PRAGMA query_only = ON", "BEGIN"):
                self._run(statement)
        elif self.kind in ("mysql", "mariadb"):
            try:
                self._run("START TRANSACTION WITH CONSISTENT SNAPSHOT, READ ONLY")
            except SourceError:
                # MySQL before 5.6 knows no such transaction.
                self._run("START TRANSACTION WITH CONSISTENT SNAPSHOT")
        elif self.kind == "postgresql":
            self._run("SET TRANSACTION ISOLATION LEVEL REPEATABLE READ, READ ONLY")

    def columns_of(self, table: str) -> frozenset[str]:
        """The columns of a table; none where there is no such table."""

        def look() -> frozenset[str]:
            inspector = sa.inspect(self._connection)
            if not inspector.has_table(table):
                return frozenset()
            return frozenset(str(each["name"]) for each in inspector.get_columns(table))

        return self._database.attempt(look)

    def count(self, query: str, *, needed: Collection[Collection[str]] = ()) -> int:
        """How many rows a query has.

        Parameters
        ----------
        query : str
        needed : collection of collection of str
            Of each of these groups of columns one must hold something.
        """
        quoted = self._connection.dialect.identifier_preparer.quote_identifier
        held = " AND ".join(
            f"({' OR '.join(f'{quoted(name)} IS NOT NULL' for name in names)})" for names in needed
        )
        # The line break ends a comment at the end of the query.
        counted = self._run(
            f"SELECT COUNT(*) FROM ({query}\n) counted_rows"  # noqa: S608
            + (f" WHERE {held}" if held else "")
        )
        return int(self._database.attempt(counted.scalar_one))

    def rows(
        self,
        query: str,
        *,
        most: int | None = None,
        check: Callable[[list[str]], None] | None = None,
    ) -> Iterator[Row]:
        """The rows of a query, of which only some hundred are in memory at a time.

        Parameters
        ----------
        query : str
        most : int, optional
            How many rows at most; which ones is not said.
        check : callable, optional
            Given the names of the columns before the first row.

        Raises
        ------
        SourceError
            If the query fails or the connection breaks.
        """
        if most is not None:
            # A driver may take all rows before it closes an answer that nobody reads to its end.
            query = f"SELECT * FROM ({query}\n) first_rows LIMIT {most:d}"  # noqa: S608
        result = self._run(query, streamed=True)
        try:
            names = list(self._database.attempt(result.keys))
            if check is not None:
                check(names)
            while several := self._database.attempt(lambda: result.fetchmany(_AT_ONCE)):
                for row in several:
                    yield dict(zip(names, row, strict=True))
        finally:
            _quietly(result.close)

    def _run(self, statement: str, *, streamed: bool = False) -> sa.CursorResult[Any]:
        # Without parameters a driver takes per cent signs and colons as they stand.
        options: dict[str, Any] = {"no_parameters": True, "stream_results": streamed}
        if streamed:
            options["max_row_buffer"] = _AT_ONCE
        return self._database.attempt(
            lambda: self._connection.exec_driver_sql(statement, execution_options=options)
        )


def _lenient(connection: Any, record: Any) -> None:
    """A text in another encoding than SQLite's must not end the reading of all others."""
    connection.text_factory = decoded


def _patiently(connection: Any, record: Any) -> None:
    """A server that has greeted may take its time over a query."""
    connection._read_timeout = None


def _is_stranger(error: Exception) -> bool:
    """Whether what answers does not speak as the driver expects: it waits, or says something else.

    Refused connections and wrong passwords are told as such.
    """
    cause = error.orig if isinstance(error, sa.exc.DBAPIError) else error
    said = str(cause).lower()
    return not isinstance(error, (sa.exc.DBAPIError, OSError)) or any(
        sign in said for sign in _STRANGE
    )


def _with_any_dates(connection: Any, record: Any) -> None:
    """A date that Python cannot hold, as infinity, stays a text, so that all rows are read."""
    from psycopg import DataError
    from psycopg.types import datetime as kinds

    def lenient(usual: Any) -> Any:
        def load(self: Any, data: Any) -> Any:
            try:
                return usual.load(self, data)
            except (DataError, ValueError, OverflowError):
                return bytes(data).decode("utf-8", "replace")

        return type(f"Lenient{usual.__name__}", (usual,), {"load": load})

    for name, usual in (
        ("date", kinds.DateLoader),
        ("time", kinds.TimeLoader),
        ("timetz", kinds.TimetzLoader),
        ("timestamp", kinds.TimestampLoader),
        ("timestamptz", kinds.TimestamptzLoader),
        ("interval", kinds.IntervalLoader),
    ):
        connection.adapters.register_loader(name, lenient(usual))


def _quietly(close: Callable[[], object]) -> None:
    """Close what may be broken already: an error of closing would hide the one that broke it."""
    with suppress(Exception):
        close()
