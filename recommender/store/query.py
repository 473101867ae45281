"""Pieces of SQL that reading and writing share: column lists, and a filter as a condition."""

from __future__ import annotations

import json
from collections.abc import Iterator, Sequence
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


# Newest first, without a date last.
IN_ORDER = "ORDER BY date IS NULL, date DESC, id LIMIT ?"
# Characters and words of a title, and pairs of characters, that a search looks for.
_MOST_LETTERS = 500
_MOST_WORDS = 20
_MOST_PAIRS = 30
_HOLDS = "title LIKE ? ESCAPE '\\'"


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


def titles_like(text: str) -> Iterator[tuple[str, list[Any], str]]:
    """Conditions on `articles` for titles like a text, strictest first; each with its order.

    First titles that hold every word of it, then those that hold most pairs of neighbouring
    characters: Chinese has no spaces to part words at. Each order ends in one free limit.
    """
    words = text[:_MOST_LETTERS].split()[:_MOST_WORDS]
    if words:
        yield " AND ".join([_HOLDS] * len(words)), [_pattern(word) for word in words], IN_ORDER
    pairs = [word[at : at + 2] for word in words for at in range(len(word) - 1)]
    pairs = list(dict.fromkeys(pairs))[:_MOST_PAIRS]
    if len(pairs) > 1:
        held = " + ".join(f"({_HOLDS})" for _ in pairs)
        patterns = [_pattern(pair) for pair in pairs]
        condition = f"2 * ({held}) >= ?"
        yield condition, [*patterns, len(pairs), *patterns], f"ORDER BY {held} DESC, {IN_ORDER[9:]}"


def _pattern(text: str) -> str:
    """A pattern of LIKE for what holds a text as it is."""
    for special in "\\%_":
        text = text.replace(special, f"\\{special}")
    return f"%{text}%"
