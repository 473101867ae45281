"""PbootCMS 2 and 3, on SQLite or MySQL: `[[sources]]` of kind `pbootcms`.

Given is what the site lists: live content of models of type 2. Members' articles, by themselves
or by their category, are told by `access`; the date is an embargo, because the site lists nothing
before it. Links to other sites are left out.
"""

from __future__ import annotations

import os
from collections.abc import Mapping
from pathlib import Path
from typing import Any

from recommender.config import CONFIG_NAME, zone_of
from recommender.errors import ConfigError
from recommender.source_specs import SourceSpec
from recommender.sources import php
from recommender.sources.database_source import DatabaseSource, Found, Reading
from recommender.sources.databases import Database, Reader, Row
from recommender.sources.dates import parse_date
from recommender.sources.opening import Surroundings
from recommender.sources.page_urls import PageUrls
from recommender.sources.presets.common import (
    DATE_FIELDS,
    PresetOptions,
    Site,
    config_text,
    date_fields,
    listed,
    port_in,
    preset_options,
    text_in,
)
from recommender.sources.presets.pbootcms_rows import decoded_texts, is_set, steps, values_of

CONFIG = Path("config") / "database.php"
DEFAULT_PREFIX = "ay_"
DEFAULT_TIMEZONE = "Asia/Shanghai"
DEFAULT_TEMPLATE = "/{category_path}/{filename}.html"
URL_FIELDS = ("id", "filename", "scode", "category_path", "acode", *DATE_FIELDS)
_SQLITE_MAGIC = b"SQLite format 3\0"
_LONGEST_CODE = 20


def open_source(spec: SourceSpec, surroundings: Surroundings) -> DatabaseSource:
    """A PbootCMS site: `site_folder`, `url_env` or `url`; also `prefix`, `acode` and others.

    Raises
    ------
    ConfigError
        If an option is unknown or malformed.
    """
    options = preset_options(
        spec, surroundings, known_fields=URL_FIELDS, find=site_of_folder, more=("acode", "visits")
    )
    acode, visits = spec.options.get("acode", ""), spec.options.get("visits", True)
    if not isinstance(acode, str) or len(acode) > _LONGEST_CODE or not (acode or "x").isalnum():
        raise ConfigError(f'{options.called}: acode must be a code of the site, as "cn"')
    if not isinstance(visits, bool):
        raise ConfigError(f"{options.called}: visits must be true or false")

    def find() -> Found:
        site = options.site()
        prefix = options.prefix or site.prefix or DEFAULT_PREFIX
        return Found(
            site.database,
            lambda reader: _reading(reader, options, prefix, acode=acode, visits=visits),
        )

    return DatabaseSource(
        name=spec.name,
        find=find,
        zone=surroundings.zone if spec.timezone else zone_of(DEFAULT_TIMEZONE),
        limits=surroundings.limits,
    )


def _reading(
    reader: Reader, options: PresetOptions, prefix: str, *, acode: str, visits: bool
) -> Reading:
    content = reader.columns_of(f"{prefix}content")
    sort = reader.columns_of(f"{prefix}content_sort")
    if not content or not sort:
        raise ConfigError(
            f"{options.called}: the database has no table {prefix}content; is it one of PbootCMS, "
            "and is prefix right?"
        )
    group = "b.gcode" if "gcode" in sort else "''"
    member = "a.gid" if "gid" in content else "''"
    urlname = "b.urlname" if "urlname" in sort else "''"
    area = f" AND a.acode = '{acode}'" if acode else ""
    query = (
        "SELECT a.id, a.acode, a.scode, a.title, a.subtitle, a.filename, a.author, a.source, "  # noqa: S608
        f"a.date, a.content, a.tags, a.visits, {member} AS gid, b.name AS category, "
        f"b.filename AS sort_filename, {urlname} AS sort_urlname, {group} AS gcode "
        f"FROM {prefix}content a JOIN {prefix}content_sort b ON a.scode = b.scode "
        f"JOIN {prefix}model d ON b.mcode = d.mcode "
        "WHERE a.status = '1' AND d.type = '2' AND (a.outlink IS NULL OR a.outlink = '')"
        f"{area} ORDER BY a.id"
    )
    urls = options.urls or PageUrls.of(DEFAULT_TEMPLATE, called=options.called, known=URL_FIELDS)
    domains = {} if options.base_url else _domains(reader, prefix)
    first = options.base_url or domains.get(acode or "cn", next(iter(domains.values()), ""))

    def record(row: Row) -> Mapping[str, Any]:
        base = options.base_url or domains.get(str(row["acode"]), first)
        return _record(row, urls, base, visits=visits)

    only = first if len(set(domains.values())) <= 1 else ""
    return Reading(query, record, only, DEFAULT_TIMEZONE, needed=[("content",)])


def _domains(reader: Reader, prefix: str) -> dict[str, str]:
    """The address of each of the site's areas, as far as the site knows it."""
    if "domain" not in reader.columns_of(f"{prefix}site"):
        return {}
    scheme = "http"
    if {"name", "value"} <= reader.columns_of(f"{prefix}config"):
        said = f"SELECT value FROM {prefix}config WHERE name = 'to_https'"  # noqa: S608
        scheme = "https" if any(is_set(row["value"]) for row in reader.rows(said)) else scheme
    found = {}
    for row in reader.rows(f"SELECT acode, domain FROM {prefix}site ORDER BY id"):  # noqa: S608
        acode, domain = values_of(row, "acode", "domain")
        domain = domain.strip().rstrip("/")
        if domain:
            found[acode] = domain if "://" in domain else f"{scheme}://{domain}"
    return found


def _record(row: Row, urls: PageUrls, base: str, *, visits: bool) -> Mapping[str, Any]:
    stored = values_of(row, "content", "title", "subtitle", "author", "source", "tags")
    content, title, subtitle, author, source, tags = decoded_texts(*stored)
    number, scode, filename = values_of(row, "id", "scode", "filename")
    sort_filename, sort_urlname = values_of(row, "sort_filename", "sort_urlname")
    address = {
        "id": number,
        "filename": filename or number,
        "scode": scode,
        "category_path": sort_filename or f"{sort_urlname or 'list'}_{scode}",
        "acode": row["acode"],
        **date_fields(row["date"]),
    }
    members = is_set(row["gid"]) or is_set(row["gcode"])
    extra: dict[str, Any] = {
        "tags": listed(tags),
        "author": author,
        "subtitle": subtitle,
        "acode": row["acode"],
        "scode": scode,
        "visits": steps(row["visits"]) if visits else None,
    }
    (category,) = decoded_texts("", *values_of(row, "category"))[1:]
    return {
        "id": row["id"],
        "title": title,
        # No content at all is an article that cannot be used, not an empty one.
        "body": None if row["content"] is None else content,
        "url": urls.url(address, base),
        "date": row["date"],
        # What is no date is no embargo either: the site compares texts.
        "visible_from": row["date"] if parse_date(row["date"]) else None,
        "category": category,
        "source": source,
        "access": "members" if members else "public",
        "extra": {name: value for name, value in extra.items() if value},
    }


def site_of_folder(folder: Path, options: PresetOptions) -> Site:
    """The database of a site, as its `config/database.php` names it.

    The SQLite file is also found when it has another name than the config says: the admin's first
    login renames it.

    Raises
    ------
    ConfigError
        If there is no such config, or the file cannot be told.
    """
    path = folder / CONFIG
    said = php.returned_array(config_text(path, options), os.environ)
    settings = (said or {}).get("database")
    if not isinstance(settings, Mapping):
        raise ConfigError(f"{options.called}: {path} names no database as PbootCMS does")
    kind = text_in(settings, "type", where=path, options=options).lower()
    prefix = settings.get("prefix")
    if kind in ("sqlite", "pdo_sqlite"):
        named = settings.get("dbname")
        wanted = options.prefix or DEFAULT_PREFIX
        return Site(Database.of_file(_file(folder, named, f"{wanted}content", options)))
    if kind not in ("mysqli", "pdo_mysql"):
        raise ConfigError(f"{options.called}: {path} names the database type {kind!r:.40}")

    def said_of(key: str) -> str:
        return text_in(settings, key, where=path, options=options)

    return Site(
        Database.of_mysql(
            name=said_of("dbname"),
            host=said_of("host"),
            port=port_in(settings.get("port")),
            user=said_of("user"),
            password=said_of("passwd"),
        ),
        prefix if isinstance(prefix, str) else "",
    )


def _file(folder: Path, named: object, table: str, options: PresetOptions) -> Path:
    """The SQLite file that holds the site."""
    called = options.called
    if isinstance(named, str) and named.strip("/"):
        path = folder / named.lstrip("/\\").replace("\\", "/")
        if _holds(path, table):
            return path
    data = folder / "data"
    try:
        candidates = sorted(each for each in data.iterdir() if _holds(each, table))
    except OSError as error:
        raise ConfigError(f"{called}: cannot look into {data}: {error.strerror}") from error
    if len(candidates) == 1:
        return candidates[0]
    if not candidates:
        raise ConfigError(
            f"{called}: neither the file that {folder / CONFIG} names nor another in {data} is an "
            f"SQLite database with a table {table}; is prefix right?"
        )
    names = ", ".join(each.name for each in candidates)
    raise ConfigError(
        f"{called}: {data} holds several databases with a table {table} ({names:.200}), and the "
        "config names none of them; name the right one: to init as in --pbootcms "
        f"sqlite:///{candidates[0].absolute()}, in {CONFIG_NAME} as in "
        f'url = "sqlite:///{candidates[0].absolute()}"'
    )


def _holds(path: Path, table: str) -> bool:
    try:
        with path.open("rb") as file:
            if file.read(len(_SQLITE_MAGIC)) != _SQLITE_MAGIC:
                return False
    except OSError:
        return False
    with Database.of_file(path).reading() as reader:
        return bool(reader.columns_of(table))
