"""Where related lists go, as `[export]` in `recommender.toml` says it.

Pure. A database is named by an environment variable or by the source whose database it is, so
that no password stands in the file; SQLite, which has none, may be named by its address.
"""

from __future__ import annotations

import re
from collections.abc import Mapping
from dataclasses import dataclass, fields
from typing import Any, Literal

from recommender.errors import ConfigError

DEFAULT_TABLE = "related_articles"
MOST_LISTED = 1_000
_TABLE_NAME = re.compile(r"[A-Za-z_][A-Za-z0-9_]{0,62}")
_VARIABLE = re.compile(r"[A-Za-z_][A-Za-z0-9_]*")
_ADDRESS = re.compile(r"[A-Za-z][A-Za-z0-9+.]*:(//|/)")
_PLACES = ("to", "url_env", "source")
FILLS = ("none", "category", "latest")


@dataclass(frozen=True, slots=True, kw_only=True)
class ExportSpec:
    """Where related lists go and what they hold; at most one of the first three is given.

    Parameters
    ----------
    to : str
        A folder of JSON files, one JSON file by its name that ends in .json, or the address of a
        SQLite database, as sqlite:///site.db.
    url_env : str
        Environment variable with the address of a database, as SQLAlchemy writes it.
    source : str
        Name of a `[[sources]]` table: its database.
    table : str
        Table in the database.
    limit : int
        Most articles of a list.
    min_similarity : float or None
        Least similarity of a list; by default the threshold "related".
    fill : {"none", "category", "latest"}
        What short lists are filled with.
    site : str
        Only articles of this site, which are written with the ids that the site itself gives
        them; needed where several sites share an index and each keeps its own lists.
    same_site : bool
        Whether a list holds only articles of its own article's site.

    Raises
    ------
    ConfigError
        If a value is malformed, or more than one place is named.
    """

    to: str = ""
    url_env: str = ""
    source: str = ""
    table: str = DEFAULT_TABLE
    limit: int = 5
    min_similarity: float | None = None
    fill: Literal["none", "category", "latest"] = "none"
    site: str = ""
    same_site: bool = False

    def __post_init__(self) -> None:
        for name in (*_PLACES, "table", "site"):
            if not isinstance(getattr(self, name), str):
                raise ConfigError(f"[export] {name} must be text")
        given = [name for name in _PLACES if getattr(self, name)]
        if len(given) > 1:
            raise ConfigError(f"[export] names {' and '.join(given)}; name one place only")
        if self.to and is_address(self.to) and not self.to.startswith("sqlite:"):
            raise ConfigError(
                "[export] to: the address of a database holds a password; put it into an "
                'environment variable and name that one, as in url_env = "SITE_DATABASE"'
            )
        if self.url_env and not _VARIABLE.fullmatch(self.url_env):
            raise ConfigError(
                "[export] url_env must be the name of an environment variable, as SITE_DATABASE "
                "is, not the address itself"
            )
        if not _TABLE_NAME.fullmatch(self.table):
            raise ConfigError(
                f"[export] table {self.table!r:.60} must be letters, digits and underscores, at "
                f"most 63, as {DEFAULT_TABLE} is"
            )
        limit = self.limit
        if isinstance(limit, bool) or not isinstance(limit, int) or not 1 <= limit <= MOST_LISTED:
            raise ConfigError(
                f"[export] limit must be a whole number from 1 to {MOST_LISTED:,}, not {limit!r}"
            )
        least = self.min_similarity
        if least is not None and (
            isinstance(least, bool) or not isinstance(least, (int, float)) or not 0 <= least <= 1
        ):
            raise ConfigError(f"[export] min_similarity must lie between 0 and 1, not {least!r}")
        if self.fill not in FILLS:
            raise ConfigError(
                f"[export] fill must be one of {', '.join(FILLS)}, not {self.fill!r:.60}"
            )
        if not isinstance(self.same_site, bool):
            raise ConfigError("[export] same_site must be true or false")


def export_spec(table: Mapping[str, Any]) -> ExportSpec:
    """Read `[export]`.

    Raises
    ------
    ConfigError
        If a key is unknown or a value malformed.
    """
    names = sorted(each.name for each in fields(ExportSpec))
    for key in table:
        if key not in names:
            raise ConfigError(
                f"[export] has an unknown key {key!r:.60}; known are {', '.join(names)}"
            )
    return ExportSpec(**table)


def is_address(place: str) -> bool:
    """Whether a place is the address of a database and not a path."""
    return _ADDRESS.match(place) is not None
