"""Pieces of SQL that reading and writing share: column lists, and a filter as a condition."""

from __future__ import annotations

import json
from collections.abc import Sequence
from typing import Any

from recommender.records import ACCESS_LEVELS, Filter
from recommender.store.codec import micros

CARD_COLUMNS = (
    "id, title, url, date, category, language, source, site, excerpt, visible_from, "
    "visible_until, access, extra, checksum"
)
SKETCH_COLUMNS = (
    "flags, length, content_digest, input_digest, text_digest, title_digest, facts, fingerprint, "
    "checksum, vector, vector_checksum"
)
# One parameter however many rows there are; SQLite limits the number of parameters.
AMONG = "row IN (SELECT value FROM json_each(?))"


def as_json(rows: Sequence[int]) -> str:
    """Rows as the one parameter of `AMONG`."""
    return json.dumps([int(row) for row in rows])


def slots(columns: str) -> str:
    """As many question marks as there are columns."""
    return ", ".join("?" * (columns.count(",") + 1))


def where(passing: Filter) -> tuple[str, list[Any]]:
    """A filter as the end of a query over `articles`, and its parameters."""
    parts: list[str] = []
    values: list[Any] = []
    for column, allowed in (
        ("category", passing.categories),
        ("language", passing.languages),
        ("source", passing.sources),
        ("site", passing.sites),
    ):
        if allowed:
            parts.append(f"{column} IN (SELECT value FROM json_each(?))")  # noqa: S608
            values.append(json.dumps(sorted(allowed)))
    if passing.exclude:
        parts.append("id NOT IN (SELECT value FROM json_each(?))")
        values.append(json.dumps(sorted(passing.exclude)))
    for comparison, moment in (("date >= ?", passing.after), ("date < ?", passing.before)):
        if moment is not None:
            parts.append(comparison)
            values.append(micros(moment))
    if passing.public_at is not None:
        now = micros(passing.public_at)
        parts.append(
            "access = ? AND (visible_from IS NULL OR visible_from <= ?) "
            "AND (visible_until IS NULL OR ? < visible_until)"
        )
        values += [ACCESS_LEVELS.index("public"), now, now]
    return (" WHERE " + " AND ".join(parts) if parts else ""), values
