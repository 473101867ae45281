"""Addresses of databases, for what reads articles from them and what writes lists into them.

Which driver is meant, how it is given the password, and how no message ever holds one.
"""

from __future__ import annotations

import re
from typing import Any
from urllib.parse import quote, quote_plus

import sqlalchemy as sa
from sqlalchemy.exc import ArgumentError

from recommender.errors import ConfigError

MASK = "***"
# Extra that installs a driver.
EXTRAS = {"pymysql": "mysql", "psycopg": "postgresql"}
# Below this length a password cannot be told from parts of words.
_SHORT_SECRET = 4
_LONGEST_REASON = 300
_SECRET_KEY = re.compile(r"pass|pwd|secret|token|credential", re.IGNORECASE)
_DRIVERS = {
    "mysql": "mysql+pymysql",
    "mariadb": "mariadb+pymysql",
    "postgres": "postgresql+psycopg",
    "postgresql": "postgresql+psycopg",
}


def parse_url(text: str, *, called: str) -> sa.URL:
    """Read an address as SQLAlchemy writes it; without a driver PyMySQL and psycopg are meant.

    Parameters
    ----------
    text : str
    called : str
        Whose address it is, for messages.

    Raises
    ------
    ConfigError
        If it is malformed. The message does not repeat it, because it may hold a password.
    """
    try:
        url = sa.make_url(text.strip())
    except (ArgumentError, ValueError):
        url = None
    if url is None:
        raise ConfigError(
            f"{called}: the address of the database is none that SQLAlchemy reads; it is written "
            "mysql://user:password@host/database, postgresql://user:password@host/database or "
            "sqlite:///path/to/file.db"
        )
    if "@" in (url.host or ""):
        raise ConfigError(
            f"{called}: the address of the database holds more than one @; write an @ of the "
            "password as %40, a / as %2F and a : as %3A"
        )
    return url.set(drivername=_DRIVERS.get(url.drivername, url.drivername))


def login_options(url: sa.URL) -> dict[str, Any]:
    """What a driver must be told beside the address to log in with any password."""
    if url.get_driver_name() == "pymysql" and not str(url.password or "").isascii():
        # Left to itself it writes Latin-1; the servers hold what clients send, which is UTF-8.
        return {"password": str(url.password).encode("utf-8")}
    return {}


def secrets_of(url: sa.URL) -> list[str]:
    """The password, and what stands in the driver's own options for one; longest first."""
    found = [] if url.password is None else [str(url.password)]
    for key, value in url.query.items():
        if _SECRET_KEY.search(key):
            found.extend([value] if isinstance(value, str) else value)
    return sorted(filter(None, found), key=len, reverse=True)


def masked(url: sa.URL, text: str) -> str:
    """A text without the secrets of an address; empty where they cannot be told apart."""
    for secret in secrets_of(url):
        if len(secret) < _SHORT_SECRET and secret in text:
            return ""
        for written in {secret, quote(secret), quote(secret, safe=""), quote_plus(secret)}:
            text = text.replace(written, MASK)
        text = text.replace(repr(secret)[1:-1], MASK)
    return text


def reason_of(url: sa.URL, error: Exception) -> str:
    """What a driver says, on one line, without secrets; its name where nothing can be said."""
    cause = error.orig if isinstance(error, sa.exc.DBAPIError) and error.orig else error
    text = str(cause.args[-1]) if cause.args else str(cause)
    if isinstance(error, sa.exc.SQLAlchemyError) and not isinstance(error, sa.exc.DBAPIError):
        text = str(error.args[0]) if error.args else ""
    # Cut last: half a password would be found by nobody.
    shown = "".join(each if each.isprintable() else " " for each in masked(url, text))
    return " ".join(shown.split())[:_LONGEST_REASON] or type(error).__name__
