"""Throw-away MariaDB and PostgreSQL servers from Debian's packages, one of each for a session.

A server listens on a free port of this machine, keeps its data in a temporary folder, and runs as
a user without rights. Each test takes a database of its own.
"""

from __future__ import annotations

import os
import pwd
import shutil
import socket
import subprocess
import tempfile
import time
from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass, field
from itertools import count
from pathlib import Path
from typing import Any

import pytest
import sqlalchemy as sa

# With signs that an address must escape and a driver may repeat.
PASSWORD = "p@ss:w/rd%20'#"  # noqa: S105
USER = "news"
_STARTING_SECONDS = 60
_FOLDERS = ("/usr/sbin", "/usr/bin", "/usr/local/bin", "/usr/lib/postgresql/*/bin")


def program(name: str) -> str:
    """The path of a server's program; empty where it is not installed."""
    for pattern in _FOLDERS:
        for folder in sorted(Path("/").glob(pattern[1:]), reverse=True):
            if os.access(folder / name, os.X_OK):
                return str(folder / name)
    return ""


def missing_servers() -> str:
    """Why there are no servers to test with; empty when there are."""
    wanted = {"mariadbd": "mariadb-server", "initdb": "postgresql"}
    lacking = [package for name, package in wanted.items() if not program(name)]
    return f"needs {' and '.join(lacking)} from Debian" if lacking else ""


@dataclass
class Server:
    """A server that runs, as its administrator sees it."""

    kind: str
    port: int
    admin: sa.URL
    stop: Callable[[], None]
    numbers: Iterator[int] = field(default_factory=count)

    def database(self) -> str:
        """The address of a new, empty database, with user and password."""
        name = f"cms_{next(self.numbers)}"
        owner = f" OWNER {USER}" if self.kind == "postgresql" else " CHARACTER SET utf8mb4"
        self.run(f"CREATE DATABASE {name}{owner}")
        if self.kind == "mysql":
            self.run(f"GRANT ALL ON {name}.* TO {USER}@'%'")
        return self.address(name)

    def address(self, name: str, *, password: str = PASSWORD) -> str:
        """The address of a database."""
        driver = {"mysql": "mysql+pymysql", "postgresql": "postgresql+psycopg"}[self.kind]
        url = sa.URL.create(driver, USER, password, "127.0.0.1", self.port, name)
        return url.render_as_string(hide_password=False)

    def run(self, statement: str, *values: Any) -> None:
        """Run a statement as the administrator."""
        with _connected(self.admin) as connection:
            options = {"no_parameters": not values}
            connection.exec_driver_sql(statement, values, execution_options=options)

    def answer(self, query: str) -> list[Any]:
        """The first column of a query of the administrator's."""
        with _connected(self.admin) as connection:
            options = {"no_parameters": True}
            return list(connection.exec_driver_sql(query, execution_options=options).scalars())


@contextmanager
def _connected(url: sa.URL) -> Iterator[sa.Connection]:
    engine = sa.create_engine(url, poolclass=sa.NullPool, isolation_level="AUTOCOMMIT")
    try:
        with engine.connect() as connection:
            yield connection
    finally:
        engine.dispose()


@pytest.fixture(scope="session")
def mariadb() -> Iterator[Server]:
    """A MariaDB server."""
    if not program("mariadbd"):
        pytest.skip("needs mariadb-server from Debian")
    with _folder("mysql") as (folder, user):
        data, place = folder / "data", folder / "socket"
        identity = [f"--user={user}"] if user else []
        plain = ["--no-defaults", f"--datadir={data}", *identity]
        _run([program("mariadb-install-db"), *plain, "--skip-test-db",
              "--auth-root-authentication-method=normal"])  # fmt: skip
        port = _free_port()
        command = [
            program("mariadbd"), *plain, f"--port={port}", f"--socket={place}",
            "--bind-address=127.0.0.1", f"--pid-file={folder / 'pid'}",
            "--innodb-flush-log-at-trx-commit=0", "--innodb-buffer-pool-size=64M",
        ]  # fmt: skip
        admin = sa.URL.create(
            "mysql+pymysql", "root", host="localhost", query={"unix_socket": str(place)}
        )
        with _server("mysql", command, port, admin, folder, user="") as server:
            server.run(f"CREATE USER {USER}@'%%' IDENTIFIED BY %s", PASSWORD)
            yield server


@pytest.fixture(scope="session")
def postgresql() -> Iterator[Server]:
    """A PostgreSQL server."""
    if not program("initdb"):
        pytest.skip("needs postgresql from Debian")
    with _folder("postgres") as (folder, user):
        data = folder / "data"
        secret = folder / "secret"
        secret.write_text("of the administrator", "utf-8")
        secret.chmod(0o644)
        options = "-U postgres -A scram-sha-256 -E UTF8 --locale=C --no-sync".split()
        _run(
            [program("initdb"), "-D", str(data), *options, f"--pwfile={secret}"],
            user=user,
        )
        port = _free_port()
        command = [
            program("postgres"), "-D", str(data), "-p", str(port), "-k", str(folder),
            "-c", "listen_addresses=127.0.0.1", "-c", "fsync=off", "-c", "shared_buffers=32MB",
        ]  # fmt: skip
        admin = sa.URL.create(
            "postgresql+psycopg", "postgres", "of the administrator", "127.0.0.1", port, "postgres"
        )
        with _server("postgresql", command, port, admin, folder, user=user) as server:
            escaped = PASSWORD.replace("'", "''")
            server.run(f"CREATE ROLE {USER} LOGIN PASSWORD '{escaped}'")
            yield server


@contextmanager
def _folder(account: str) -> Iterator[tuple[Path, str]]:
    """A folder, and the user who owns it: another one where we may do everything."""
    # Not pytest's own: other users may not enter that, and sockets want short paths.
    folder = Path(tempfile.mkdtemp(prefix="recommender-"))
    user = ""
    try:
        folder.chmod(0o755)
        if os.geteuid() == 0:
            names = {each.pw_name for each in pwd.getpwall()}
            user = account if account in names else "nobody"
            shutil.chown(folder, user)
        yield folder, user
    finally:
        shutil.rmtree(folder, ignore_errors=True)


@contextmanager
def _server(
    kind: str, command: Sequence[str], port: int, admin: sa.URL, folder: Path, *, user: str
) -> Iterator[Server]:
    with (folder / "log").open("wb") as log:
        process = subprocess.Popen(
            command, stdout=log, stderr=log, cwd=folder, **_identity(user)
        )  # fmt: skip

        def stop() -> None:
            process.terminate()
            process.wait(timeout=_STARTING_SECONDS)

        try:
            _wait(admin, port, process, folder / "log")
            yield Server(kind, port, admin, stop)
        finally:
            stop()


def _wait(admin: sa.URL, port: int, process: subprocess.Popen[bytes], log: Path) -> None:
    ending = time.monotonic() + _STARTING_SECONDS
    while True:
        try:
            # Tried first: a driver that finds no socket leaves its own open.
            with socket.create_connection(("127.0.0.1", port)), _connected(admin):
                return
        except (OSError, sa.exc.OperationalError):
            if process.poll() is not None or time.monotonic() > ending:
                text = log.read_text("utf-8", "replace")[-2_000:]
                raise RuntimeError(f"the server did not start: {text}") from None
        time.sleep(0.1)


def _run(command: Sequence[str], *, user: str = "") -> None:
    done = subprocess.run(command, capture_output=True, text=True, cwd="/", **_identity(user))
    if done.returncode:
        raise RuntimeError(f"{command[0]}: {done.stdout[-1_000:]}{done.stderr[-1_000:]}")


def _identity(user: str) -> dict[str, Any]:
    return {"user": user, "group": pwd.getpwnam(user).pw_gid, "extra_groups": []} if user else {}


def _free_port() -> int:
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        return int(probe.getsockname()[1])
