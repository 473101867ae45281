"""Where lists can go, and how each kind of place is opened."""

from __future__ import annotations

from collections.abc import Iterable
from importlib import import_module
from pathlib import Path
from typing import Protocol, cast

from recommender.config import install_command
from recommender.errors import ConfigError
from recommender.export_specs import DEFAULT_TABLE, is_address
from recommender.exports.changes import Outcome, Tell, forget
from recommender.exports.document import JsonDocument
from recommender.exports.entries import Entry
from recommender.exports.folder import JsonFolder


class Target(Protocol):
    """A place for related lists.

    Attributes
    ----------
    name : str
        What messages call it; holds no password.
    """

    @property
    def name(self) -> str:
        """What messages call it."""

    def write(
        self, entries: Iterable[Entry], *, state: str, tell: Tell = forget, dry_run: bool = False
    ) -> Outcome:
        """Make the place hold these lists and no others.

        Parameters
        ----------
        entries : iterable of Entry
            All lists, in the order of their ids.
        state : str
            Name of the index's state.
        tell : callable
            Given the pages that must be made anew, before their lists are replaced.
        dry_run : bool
            Only say what would be done.

        Raises
        ------
        ExportError
            If it cannot be written, or holds what something else has put there.
        """


def open_target(place: str, *, table: str = DEFAULT_TABLE) -> Target:
    """The target that a place names; nothing is written yet.

    Parameters
    ----------
    place : str
        The address of a database as SQLAlchemy writes it, a file that ends in .json, or a
        folder of files.
    table : str
        Table in a database.

    Raises
    ------
    ConfigError
        If the extra or the driver for the database is missing, or the address is malformed.
    ExportError
        If a SQLite database is not there.
    """
    if is_address(place):
        try:
            module = import_module("recommender.exports.table")
        except ImportError as error:
            raise ConfigError(
                f"lists go into a database only with SQLAlchemy: {install_command('sql')}"
            ) from error
        return cast(Target, module.open_table(place, table))
    path = Path(place)
    if place.lower().endswith(".json"):
        return JsonDocument(path)
    if place == "-" or (path.suffix and not place.endswith("/") and not path.exists()):
        raise ConfigError(
            f"{place} is no place for lists: name a folder (with a slash at its end, if it has "
            "such a name), a file that ends in .json, or a database as sqlite:///site.db"
        )
    return JsonFolder(path)
