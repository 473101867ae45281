"""WordPress, on MySQL or MariaDB: `[[sources]]` of kind `wordpress`.

Given are posts that are published or scheduled; one with a password is told by `access`, and the
time of a scheduled one is an embargo. Addresses follow the site's own permalinks.
"""

from __future__ import annotations

import html
import os
import re
from collections.abc import Mapping
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any
from urllib.parse import unquote

from recommender.errors import ConfigError
from recommender.source_specs import SourceSpec
from recommender.sources import php
from recommender.sources.database_options import checked_prefix
from recommender.sources.database_source import DatabaseSource, Found, Reading
from recommender.sources.databases import Database, Reader, Row
from recommender.sources.opening import Surroundings
from recommender.sources.page_urls import PageUrls, checked_base
from recommender.sources.presets.common import (
    DATE_FIELDS,
    PresetOptions,
    Site,
    config_text,
    date_fields,
    known_zone,
    port_in,
    preset_options,
    text_in,
)

CONFIG = "wp-config.php"
DEFAULT_PREFIX = "wp_"
PLAIN_TEMPLATE = "/?p={id}"
URL_FIELDS = ("id", "slug", "category_path", "author", *DATE_FIELDS)
# Tags of the site's permalinks, and our fields.
_PERMALINK_TAGS = {
    "%year%": "{year}",
    "%monthnum%": "{month}",
    "%day%": "{day}",
    "%hour%": "{hour}",
    "%minute%": "{minute}",
    "%second%": "{second}",
    "%post_id%": "{id}",
    "%postname%": "{slug}",
    "%category%": "{category_path}",
    "%author%": "{author}",
}
_MULTISITE_PREFIX = re.compile(r"(.+_)\d+_")
_POST_TYPE = re.compile(r"[a-z0-9_-]{1,20}")
# Shortcodes of WordPress itself: those with a text inside keep it, the others are media.
_MEDIA = re.compile(r"\[(?:gallery|audio|video|playlist)\b[^\]]*\]|\[/(?:audio|video)\]")
_WRAPPING = re.compile(r"\[/?(?:caption|embed)\b[^\]]*\]")
_BLOCK = re.compile(r"<p[\s>]|<!-- wp:", re.IGNORECASE)
_BLANK_LINE = re.compile(r"\r?\n[ \t]*\r?\n\s*")
_DEEPEST_CATEGORY = 20


@dataclass(frozen=True, slots=True)
class _Term:
    name: str
    slug: str
    parent: int


@dataclass(frozen=True, slots=True)
class _Terms:
    """Categories by number, and the names of the tags of each post."""

    categories: Mapping[int, _Term] = field(default_factory=dict)
    tags: Mapping[int, list[str]] = field(default_factory=dict)

    def path(self, number: int) -> str:
        """The slugs of a category and of those above it."""
        slugs: list[str] = []
        while number in self.categories and len(slugs) < _DEEPEST_CATEGORY:
            slugs.insert(0, unquote(self.categories[number].slug))
            number = self.categories[number].parent
        return "/".join(slugs)


def open_source(spec: SourceSpec, surroundings: Surroundings) -> DatabaseSource:
    """A WordPress site: `site_folder`, `url_env` or `url`; also `prefix`, `post_types` and others.

    Raises
    ------
    ConfigError
        If an option is unknown or malformed.
    """
    options = preset_options(
        spec, surroundings, known_fields=URL_FIELDS, find=site_of_folder, more=("post_types",)
    )
    types = spec.options.get("post_types", ["post"])
    if (
        not isinstance(types, list)
        or not types
        or not all(isinstance(each, str) and _POST_TYPE.fullmatch(each) for each in types)
    ):
        raise ConfigError(f'{options.called}: post_types must be names, as in ["post", "page"]')

    def find() -> Found:
        site = options.site()
        return Found(site.database, lambda reader: _reading(reader, options, site, types))

    return DatabaseSource(
        name=spec.name,
        find=find,
        zone=surroundings.zone,
        limits=surroundings.limits,
    )


def _reading(reader: Reader, options: PresetOptions, site: Site, types: list[str]) -> Reading:
    prefix = options.prefix or site.prefix or DEFAULT_PREFIX
    if "post_status" not in reader.columns_of(f"{prefix}posts"):
        raise ConfigError(
            f"{options.called}: the database has no table {prefix}posts of WordPress; is prefix "
            "right?"
        )
    wanted = ", ".join(f"'{each}'" for each in types)
    users = _users_table(reader, prefix)
    author, joined = "NULL", ""
    if users:
        author, joined = "u.user_nicename", f"LEFT JOIN {users} u ON u.ID = p.post_author "
    category = (
        "SELECT tr.object_id, MIN(tt.term_id) AS term_id "  # noqa: S608
        f"FROM {prefix}term_relationships tr JOIN {prefix}term_taxonomy tt "
        "ON tt.term_taxonomy_id = tr.term_taxonomy_id WHERE tt.taxonomy = 'category' "
        "GROUP BY tr.object_id"
    )
    query = (
        "SELECT p.ID AS id, p.post_title, p.post_content, p.post_name, p.post_status, "  # noqa: S608
        "p.post_password, p.post_date, p.post_date_gmt, c.term_id AS category, "
        f"{author} AS author FROM {prefix}posts p LEFT JOIN ({category}) c ON c.object_id = p.ID "
        f"{joined}WHERE p.post_type IN ({wanted}) AND p.post_status IN ('publish', 'future') "
        "ORDER BY p.ID"
    )
    said = _site_options(reader, prefix)
    base = options.base_url or site.base_url or said.get("home", "").rstrip("/")
    urls = options.urls or PageUrls.of(
        permalink_template(said.get("permalink_structure", "")), called=options.called
    )
    terms = _terms(reader, prefix)

    def record(row: Row) -> Mapping[str, Any]:
        return _record(row, urls, base, terms)

    return Reading(
        query, record, base, known_zone(said.get("timezone_string")), needed=[("post_content",)]
    )


def permalink_template(structure: str) -> str:
    """The template for a site's permalinks; by number where they are not known."""
    template = structure.replace("{", "{{").replace("}", "}}")
    for tag, ours in _PERMALINK_TAGS.items():
        template = template.replace(tag, ours)
    return PLAIN_TEMPLATE if "%" in template or not template.strip() else template


def _users_table(reader: Reader, prefix: str) -> str:
    """The table of users, which the sites of a network share; empty if there is none."""
    network = _MULTISITE_PREFIX.fullmatch(prefix)
    for each in (prefix, *(network.groups() if network else ())):
        if "user_nicename" in reader.columns_of(f"{each}users"):
            return f"{each}users"
    return ""


def _site_options(reader: Reader, prefix: str) -> dict[str, str]:
    if not reader.columns_of(f"{prefix}options"):
        return {}
    query = (
        f"SELECT option_name, option_value FROM {prefix}options "  # noqa: S608
        "WHERE option_name IN ('home', 'permalink_structure', 'timezone_string')"
    )
    return {str(row["option_name"]): str(row["option_value"] or "") for row in reader.rows(query)}


def _terms(reader: Reader, prefix: str) -> _Terms:
    categories = {
        int(row["term_id"]): _Term(
            html.unescape(str(row["name"] or "")), str(row["slug"] or ""), int(row["parent"] or 0)
        )
        for row in reader.rows(
            f"SELECT t.term_id, t.name, t.slug, tt.parent FROM {prefix}terms t "  # noqa: S608
            f"JOIN {prefix}term_taxonomy tt ON tt.term_id = t.term_id "
            "WHERE tt.taxonomy = 'category'"
        )
    }
    tags: dict[int, list[str]] = {}
    # One text for each tag, not for each of its posts.
    once: dict[str, str] = {}
    for row in reader.rows(
        f"SELECT tr.object_id, t.name FROM {prefix}term_relationships tr "  # noqa: S608
        f"JOIN {prefix}term_taxonomy tt ON tt.term_taxonomy_id = tr.term_taxonomy_id "
        f"JOIN {prefix}terms t ON t.term_id = tt.term_id "
        "WHERE tt.taxonomy = 'post_tag' ORDER BY tr.object_id, t.term_id"
    ):
        name = html.unescape(str(row["name"] or ""))
        tags.setdefault(int(row["object_id"]), []).append(once.setdefault(name, name))
    return _Terms(categories, tags)


def _record(row: Row, urls: PageUrls, base: str, terms: _Terms) -> Mapping[str, Any]:
    category = int(row["category"] or 0)
    address = {
        "id": row["id"],
        # Stored as the address has it, with its signs percent-encoded.
        "slug": unquote(str(row["post_name"] or "")),
        "category_path": terms.path(category) or "uncategorized",
        "author": row["author"],
        **date_fields(row["post_date"]),
    }
    date = f"{row['post_date_gmt']}Z" if row["post_date_gmt"] else row["post_date"]
    content = row["post_content"]
    extra = {"tags": terms.tags.get(int(row["id"])), "author": row["author"]}
    known = terms.categories.get(category)
    return {
        "id": row["id"],
        "title": html.unescape(str(row["post_title"] or "")),
        "body": None if content is None else readable(str(content)),
        "url": urls.url(address, base),
        "date": date,
        "visible_from": date if row["post_status"] == "future" else None,
        "category": known.name if known else "",
        "access": "members" if row["post_password"] else "public",
        "extra": {name: value for name, value in extra.items() if value},
    }


def readable(content: str) -> str:
    """The HTML of a stored content: without media's shortcodes, with paragraphs for blank lines."""
    if "[" in content:
        content = _WRAPPING.sub(" ", _MEDIA.sub(" ", content))
    if "<" in content and not _BLOCK.search(content):
        content = _BLANK_LINE.sub("<p>", content)
    return content


def site_of_folder(folder: Path, options: PresetOptions) -> Site:
    """The database of a site, as its `wp-config.php` names it.

    Raises
    ------
    ConfigError
        If there is no such config, or it says something that only PHP can find out.
    """
    path = folder / CONFIG
    above = folder.absolute().parent / CONFIG
    if not path.is_file() and above.is_file():
        # WordPress itself looks there too.
        path = above
    text = config_text(path, options)
    settings = php.defined(text, os.environ)

    def said(key: str) -> str:
        return text_in(settings, key, where=path, options=options)

    prefix = php.assigned(text, "table_prefix", os.environ)
    host, port, socket = host_of(said("DB_HOST"))
    database = Database.of_mysql(
        name=said("DB_NAME"),
        host=host,
        port=port,
        socket=socket,
        user=said("DB_USER"),
        password=said("DB_PASSWORD"),
    )
    base = settings.get("WP_HOME")
    return Site(
        database,
        checked_prefix(prefix, called=str(path)) if isinstance(prefix, str) else "",
        checked_base(base, called=str(path)) if isinstance(base, str) else "",
    )


def host_of(said: str) -> tuple[str, int | None, str]:
    """Host, port and socket of what WordPress calls a host: "db:3307", "localhost:/run/x.sock"."""
    if said.startswith("["):
        host, _, rest = said[1:].partition("]")
        return host, port_in(rest.lstrip(":")), ""
    host, _, rest = said.partition(":")
    if rest.startswith("/"):
        return host or "localhost", None, rest
    if ":" in rest:
        return said, None, ""
    return host or "localhost", port_in(rest), ""
