"""How `[[sources]]` names a database: an environment variable, an address without a password.

Or the folder of a site, whose own config the presets read. A password in the file of settings is
refused, with what to do instead.
"""

from __future__ import annotations

import os
import re
from collections.abc import Callable

from recommender.errors import ConfigError
from recommender.source_specs import SourceSpec
from recommender.sources.databases import Database
from recommender.sources.opening import Surroundings

_VARIABLE = re.compile(r"[A-Za-z_][A-Za-z0-9_]*")
_PREFIX = re.compile(r"[A-Za-z0-9_$]{0,60}")


def named_database(spec: SourceSpec, surroundings: Surroundings) -> Callable[[], Database]:
    """What gives the database of a `url` or `url_env`.

    A variable is looked up each time it is asked: where it is not set, the source cannot be read,
    and the others can.

    Raises
    ------
    ConfigError
        If neither or both are given, or the address is malformed or holds a password. When it is
        asked for the database: if the variable is not set, or what it holds is malformed.
    """
    called = f"[[sources]] {spec.name}"
    if ("url" in spec.options) == ("url_env" in spec.options):
        raise ConfigError(
            f'{called}: name the database with url_env = "NEWS_DATABASE", the environment variable '
            'that holds its address, or with url = "sqlite:///path/to/file.db"'
        )
    if "url_env" in spec.options:
        variable = checked_variable(spec.options["url_env"], called=called)
        return lambda: Database.of_url(
            from_environment(variable, called=called), folder=surroundings.folder, called=called
        )
    address = spec.options["url"]
    if not isinstance(address, str):
        raise ConfigError(f"{called}: url must be text")
    database = Database.of_url(address, folder=surroundings.folder, called=called)
    if database.has_password:
        raise ConfigError(
            f"{called}: url holds a password, which no file of settings should; put the address "
            "into an environment variable, as in export NEWS_DATABASE='mysql://…', and write "
            'url_env = "NEWS_DATABASE" instead of url'
        )
    return lambda: database


def checked_variable(variable: object, *, called: str) -> str:
    """The name of an environment variable.

    Raises
    ------
    ConfigError
        If it is none; perhaps someone wrote the address itself there.
    """
    if not isinstance(variable, str) or not _VARIABLE.fullmatch(variable):
        raise ConfigError(
            f"{called}: url_env must be the name of an environment variable, as NEWS_DATABASE"
        )
    return variable


def from_environment(variable: str, *, called: str) -> str:
    """The address that an environment variable holds.

    Raises
    ------
    ConfigError
        If it is not set.
    """
    address = os.environ.get(variable, "")
    if not address.strip():
        raise ConfigError(
            f"{called}: the environment variable {variable} is not set; set it to the address of "
            f"the database, as in export {variable}='mysql://user:password@host/database'"
        )
    return address


def table_prefix(spec: SourceSpec, default: str) -> str:
    """What stands in front of the names of tables.

    Raises
    ------
    ConfigError
        If it cannot be part of a name.
    """
    return checked_prefix(spec.options.get("prefix", default), called=f"[[sources]] {spec.name}")


def checked_prefix(prefix: object, *, called: str) -> str:
    """A prefix that can be part of a table's name."""
    if not isinstance(prefix, str) or not _PREFIX.fullmatch(prefix):
        raise ConfigError(f"{called}: prefix must be letters, digits and _, not {prefix!r:.60}")
    return prefix
