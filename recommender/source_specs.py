"""Where articles come from, as `[[sources]]` in `recommender.toml` says it: one `SourceSpec` each.

Pure. What all kinds share is checked here; what only one kind knows is checked when it is opened.
"""

from __future__ import annotations

import re
from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field
from typing import Any

from recommender.errors import ConfigError

KINDS = ("files", "sql", "pbootcms", "wordpress", "ghost", "html", "feed")
_LONGEST_NAME = 100
_SITE = re.compile(r"[^\s:/\x00-\x1f]{1,100}")
_SHARED = ("kind", "name", "site", "timezone", "fields")


@dataclass(frozen=True, slots=True, kw_only=True)
class SourceSpec:
    """One place where articles live.

    Parameters
    ----------
    kind : str
        One of `KINDS`.
    name : str
        What messages call it; by default its kind, with the site.
    site : str
        When given, articles carry it as their `site` and their ids become "site:id". One source
        of an index may go without.
    timezone : str
        Zone of dates that name none; empty for the index's.
    fields : mapping
        Our field → the field in the source.
    options : mapping
        What only this kind knows, as the file says it.

    Raises
    ------
    ConfigError
        If the kind is unknown or a value is malformed.
    """

    kind: str
    name: str = ""
    site: str = ""
    timezone: str = ""
    fields: Mapping[str, str] = field(default_factory=dict)
    options: Mapping[str, Any] = field(default_factory=dict)

    def __post_init__(self) -> None:
        if self.kind not in KINDS:
            raise ConfigError(
                f"[[sources]] kind must be one of {', '.join(KINDS)}, not {self.kind!r:.60}"
            )
        for name in ("name", "site", "timezone"):
            if not isinstance(getattr(self, name), str):
                raise ConfigError(f"[[sources]] {name} must be text")
        if self.site and not _SITE.fullmatch(self.site):
            raise ConfigError(
                f"[[sources]] site {self.site!r:.60} must be a short name without spaces, colons "
                "and slashes, as www.example.cn is"
            )
        if not self.name:
            called = f"{self.kind} of {self.site}" if self.site else self.kind
            object.__setattr__(self, "name", called)
        if len(self.name) > _LONGEST_NAME or not self.name.isprintable():
            raise ConfigError(f"[[sources]] name {self.name!r:.60} must be a short, printable text")
        if not isinstance(self.fields, Mapping) or not all(
            isinstance(value, str) for value in self.fields.values()
        ):
            raise ConfigError('[[sources]] fields must be names, as in { body = "content" }')


def source_specs(tables: object) -> tuple[SourceSpec, ...]:
    """Read `[[sources]]`.

    Raises
    ------
    ConfigError
        If it is no list of tables, one is malformed, or two sources could hold the same ids.
    """
    if not isinstance(tables, list) or not all(isinstance(each, dict) for each in tables):
        raise ConfigError("sources must be tables, each written [[sources]]")
    specs = tuple(_spec(table) for table in tables)
    _check_apart(specs)
    return specs


def _spec(table: Mapping[str, Any]) -> SourceSpec:
    if "kind" not in table:
        raise ConfigError(f"[[sources]] must say its kind, one of {', '.join(KINDS)}")
    shared = {name: table[name] for name in _SHARED if name in table}
    options = {name: value for name, value in table.items() if name not in _SHARED}
    return SourceSpec(**shared, options=options)


def _check_apart(specs: Iterable[SourceSpec]) -> None:
    sites: set[str] = set()
    for spec in specs:
        if spec.site in sites:
            which = f"the site {spec.site!r}" if spec.site else "no site"
            raise ConfigError(
                f"two [[sources]] have {which}; give each its own site, so that their ids differ"
            )
        sites.add(spec.site)
