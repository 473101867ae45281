"""Ghost, on MySQL or SQLite: `[[sources]]` of kind `ghost`.

Given are posts that are published or scheduled; what only members may read is told by `access`,
and the time of a scheduled post is an embargo. The first public tag of a post is its category.
"""

from __future__ import annotations

import json
from collections.abc import Mapping
from pathlib import Path
from typing import Any

from recommender.config import zone_of
from recommender.errors import ConfigError
from recommender.source_specs import SourceSpec
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
)

CONFIG = "config.production.json"
DEFAULT_TEMPLATE = "/{slug}/"
URL_FIELDS = ("id", "slug", "category_path", *DATE_FIELDS)


def open_source(spec: SourceSpec, surroundings: Surroundings) -> DatabaseSource:
    """A Ghost site: `site_folder`, `url_env` or `url`; also `base_url`, `url_template`, `prefix`.

    Raises
    ------
    ConfigError
        If an option is unknown or malformed.
    """
    options = preset_options(spec, surroundings, known_fields=URL_FIELDS, find=site_of_folder)

    def find() -> Found:
        site = options.site()
        base = options.base_url or site.base_url
        return Found(site.database, lambda reader: _reading(reader, options, base))

    return DatabaseSource(
        name=spec.name,
        find=find,
        zone=surroundings.zone if spec.timezone else zone_of("UTC"),
        limits=surroundings.limits,
    )


def _reading(reader: Reader, options: PresetOptions, base: str) -> Reading:
    prefix = options.prefix or ""
    columns = reader.columns_of(f"{prefix}posts")
    if not {"slug", "visibility", "html"} <= columns:
        raise ConfigError(f"{options.called}: the database has no table {prefix}posts of Ghost")
    # Before version 2 a column said what a post is.
    kind = "type = 'post'" if "type" in columns else "page = 0"
    canonical = "canonical_url" if "canonical_url" in columns else "NULL AS canonical_url"
    query = (
        "SELECT id, title, slug, html, plaintext, status, visibility, published_at, "  # noqa: S608
        f"{canonical} FROM {prefix}posts "
        f"WHERE {kind} AND status IN ('published', 'scheduled') ORDER BY id"
    )
    tags = _tags(reader, prefix)
    authors = _authors(reader, prefix)
    urls = options.urls or PageUrls.of(DEFAULT_TEMPLATE, called=options.called, known=URL_FIELDS)

    def record(row: Row) -> Mapping[str, Any]:
        return _record(row, urls, base, tags.get(str(row["id"]), []), authors)

    return Reading(query, record, base, _timezone(reader, prefix), needed=[("html", "plaintext")])


def _timezone(reader: Reader, prefix: str) -> str:
    if not {"key", "value"} <= reader.columns_of(f"{prefix}settings"):
        return ""
    # "key" is a word of SQL, which each database quotes otherwise.
    rows = reader.rows(f"SELECT s.* FROM {prefix}settings s")  # noqa: S608
    said = {str(row["key"]): row["value"] for row in rows}
    return known_zone(said.get("timezone") or said.get("active_timezone"))


def _tags(reader: Reader, prefix: str) -> dict[str, list[tuple[str, str]]]:
    """Names and slugs of the public tags of each post, in their order."""
    if not reader.columns_of(f"{prefix}posts_tags"):
        return {}
    query = (
        "SELECT pt.post_id, t.name, t.slug "  # noqa: S608
        f"FROM {prefix}posts_tags pt JOIN {prefix}tags t ON t.id = pt.tag_id "
        "WHERE t.visibility = 'public' ORDER BY pt.post_id, pt.sort_order, t.slug"
    )
    found: dict[str, list[tuple[str, str]]] = {}
    # One pair for each tag, not for each of its posts.
    once: dict[tuple[str, str], tuple[str, str]] = {}
    for row in reader.rows(query):
        tag = (str(row["name"] or ""), str(row["slug"] or ""))
        found.setdefault(str(row["post_id"]), []).append(once.setdefault(tag, tag))
    return found


def _authors(reader: Reader, prefix: str) -> dict[str, str]:
    """The name of the first author of each post."""
    tables = (f"{prefix}posts_authors", f"{prefix}users")
    if not all(reader.columns_of(table) for table in tables):
        return {}
    query = (
        f"SELECT pa.post_id, u.name FROM {tables[0]} pa JOIN {tables[1]} u "  # noqa: S608
        "ON u.id = pa.author_id ORDER BY pa.post_id, pa.sort_order DESC"
    )
    names: dict[str, str] = {}
    found = {}
    for row in reader.rows(query):
        name = str(row["name"] or "")
        found[str(row["post_id"])] = names.setdefault(name, name)
    return found


def _record(
    row: Row, urls: PageUrls, base: str, tags: list[tuple[str, str]], authors: Mapping[str, str]
) -> Mapping[str, Any]:
    number = str(row["id"])
    address = {
        "id": number,
        "slug": row["slug"],
        "category_path": tags[0][1] if tags else "",
        **date_fields(row["published_at"]),
    }
    extra = {
        "tags": [name for name, _ in tags],
        "author": authors.get(number),
        "canonical_url": row["canonical_url"],
    }
    return {
        "id": number,
        "title": row["title"],
        "body": row["plaintext"] if row["html"] is None else row["html"],
        "url": urls.url(address, base),
        "date": row["published_at"],
        "visible_from": row["published_at"] if row["status"] == "scheduled" else None,
        "category": tags[0][0] if tags else "",
        "access": "public" if row["visibility"] == "public" else "members",
        "extra": {name: value for name, value in extra.items() if value},
    }


def site_of_folder(folder: Path, options: PresetOptions) -> Site:
    """The database and the address of a site, as its `config.production.json` says them.

    Raises
    ------
    ConfigError
        If there is no such config, or it names no database.
    """
    path = folder / CONFIG
    text_of_file = config_text(path, options)
    try:
        said = json.loads(text_of_file)
    except (ValueError, RecursionError):
        said = None
    section = said.get("database") if isinstance(said, dict) else None
    connection = section.get("connection") if isinstance(section, dict) else None
    if not isinstance(said, dict) or not isinstance(section, dict) or not connection:
        raise ConfigError(f"{options.called}: {path} names no database as Ghost does")
    base = said.get("url")
    base = checked_base(base.rstrip("/"), called=str(path)) if isinstance(base, str) else ""
    if not isinstance(connection, dict):
        raise ConfigError(f"{options.called}: {path} names no database as Ghost does")

    def text(key: str, default: str = "") -> str:
        value = connection.get(key, default)
        return value if isinstance(value, str) else default

    if section.get("client") in ("sqlite3", "better-sqlite3"):
        return Site(Database.of_file(folder / text("filename", "content/data/ghost.db")), "", base)
    database = Database.of_mysql(
        name=text("database"),
        host=text("host", "localhost"),
        port=port_in(connection.get("port")),
        socket=text("socketPath"),
        user=text("user"),
        password=text("password"),
    )
    return Site(database, "", base)
