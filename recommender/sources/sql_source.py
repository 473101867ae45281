"""Any database that SQLAlchemy reads, with a query of the user's own: kind `sql`."""

from __future__ import annotations

import re
from collections.abc import Mapping
from typing import Any

from recommender.errors import ConfigError
from recommender.source_specs import SourceSpec
from recommender.sources.database_options import named_database
from recommender.sources.database_source import DatabaseSource, Found, Reading
from recommender.sources.databases import Reader, Row
from recommender.sources.fields import check_mapping, our_fields
from recommender.sources.opening import Surroundings, known_options
from recommender.sources.page_urls import PageUrls, checked_base

# Strings, quoted names and comments, in which no word counts; MySQL runs what is in /*! … */.
_QUOTED = re.compile(
    r"'(?:[^'\\]|''|\\.)*'|\"(?:[^\"\\]|\"\"|\\.)*\"|`[^`]*`|--[^\n]*|#[^\n]*|/\*(?![!M]).*?\*/",
    re.DOTALL,
)
_BEGINNING = re.compile(r"\s*\(*\s*(select|with)\b", re.IGNORECASE)
_WRITING = re.compile(r"\binto\b|/\*", re.IGNORECASE)


def open_source(spec: SourceSpec, surroundings: Surroundings) -> DatabaseSource:
    """A source of kind `sql`: `url_env` or `url`, `query`, and what `url_template` makes of a row.

    Raises
    ------
    ConfigError
        If an option is missing or malformed, or the query is none that only reads.
    """
    options = known_options(spec, "url", "url_env", "query", "url_template", "base_url", "complete")
    check_mapping(spec.fields)
    query = checked_query(options.get("query"), called=f"[[sources]] {spec.name}")
    complete = options.get("complete", True)
    if not isinstance(complete, bool):
        raise ConfigError(f"[[sources]] {spec.name}: complete must be true or false")
    database = named_database(spec, surroundings)
    base = checked_base(options.get("base_url", ""), called=f"[[sources]] {spec.name}")
    template = options.get("url_template")
    urls = None if template is None else PageUrls.of(template, called=f"[[sources]] {spec.name}")

    def record(row: Row) -> Mapping[str, Any]:
        if urls is None:
            return row
        ours = {name: row[column] for name, column in our_fields(row, spec.fields).items()}
        return {**row, "url": urls.url({**ours, **row}, base)}

    def reading(reader: Reader) -> Reading:
        return Reading(query, record, base)

    return DatabaseSource(
        name=spec.name,
        find=lambda: Found(database(), reading),
        zone=surroundings.zone,
        limits=surroundings.limits,
        fields=spec.fields,
        checks_columns=True,
        address_fields=frozenset() if urls is None else urls.fields,
        complete=complete,
    )


def checked_query(query: object, *, called: str) -> str:
    """A query, if it is one that only reads.

    A guard against slips: what a server may do is for the server to say, and every query runs in
    a transaction that may change nothing where the database knows such.

    Raises
    ------
    ConfigError
    """
    if not isinstance(query, str) or not query.strip():
        raise ConfigError(f"{called}: query must be a SELECT of id, title and body")
    query = query.strip().rstrip(";").rstrip()
    bare = _QUOTED.sub(" ", query)
    if not _BEGINNING.match(bare) or _WRITING.search(bare):
        raise ConfigError(f"{called}: query must be one SELECT that changes nothing")
    if ";" in bare:
        raise ConfigError(f"{called}: query must be one SELECT, without a semicolon in it")
    return query
