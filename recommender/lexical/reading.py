"""A file of articles, read by byte ranges: what sketching needs of each, and each again by place.

Lines of JSON are read where they lie. Any other source (CSV, gzip, standard input) is first
written out as lines of JSON by the ordinary reader, so that everything behind this module knows
one kind of file only. Records are judged by the same rules as in every other command: a quick
look lets the plain ones pass, all others go through `to_article`.
"""

from __future__ import annotations

import json
from array import array
from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from datetime import datetime, timezone, tzinfo
from functools import lru_cache
from pathlib import Path
from typing import Any

import numpy as np
from xxhash import xxh3_64_intdigest

from recommender.errors import ArticleError, ConfigError
from recommender.limits import Limits
from recommender.records import (
    CARD_FIELDS,
    MAX_BODY_LENGTH,
    MAX_FIELD_LENGTH,
    MAX_ID_LENGTH,
    Article,
)
from recommender.sources.dates import parse_date
from recommender.sources.fields import ALIASES, Problem, to_article, unread_date
from recommender.sources.files import parse_line, read_placed_articles

_STEP = 1 << 20
_DAY = 86_400
_TEXT_FIELDS = ("title", "url", "link", "category", "language", "lang", "source", "site")
_SELDOM = ("extra", "excerpt", "visible_from", "visible_until", "access")
_BODIES = ("body", *ALIASES["body"])
_DATES = ("date", *ALIASES["date"])
# Beyond this a sample is not drawn from a line.
_LONGEST_LINE = Limits().record_length
_WRITTEN = tuple(name for name in CARD_FIELDS if name != "extra")


@dataclass(frozen=True, slots=True, kw_only=True)
class Lines:
    """A file of JSON lines.

    Attributes
    ----------
    path : str
    fields : mapping of str to str
        Our field → the field in the file.
    zone : tzinfo
        Zone of dates without one.
    limits : Limits
    """

    path: str
    fields: Mapping[str, str] = field(default_factory=dict)
    zone: tzinfo = timezone.utc
    limits: Limits = field(default_factory=Limits)


@dataclass(frozen=True, slots=True)
class Read:
    """What sketching needs of one article.

    Attributes
    ----------
    id, title, body : str
        As given.
    day : int or None
        Of publication, since 1970.
    lost_date : str
        What stands where the date should, if it cannot be read.
    """

    id: str
    title: str
    body: str
    day: int | None
    lost_date: str


@dataclass(frozen=True, slots=True)
class Line:
    """One line that is not blank: where it begins, its bytes, its number in its range from 1."""

    offset: int
    size: int
    number: int
    record: Mapping[str, Any] | ArticleError


def read_range(file: Lines, start: int, end: int) -> tuple[list[Line], int]:
    """The lines that begin in the range [start, end) of a file, and how many there are."""
    with Path(file.path).open("rb") as stream:
        begin = _first_line(stream, start, end)
        stream.seek(begin)
        data = stream.read(max(end - begin, 0))
        if data and not data.endswith(b"\n"):
            data += stream.readline(file.limits.record_length)
    lines, offset = [], begin
    pieces = data.split(b"\n")
    if not pieces[-1]:
        pieces.pop()
    for number, raw in enumerate(pieces, 1):
        record = parse_line(raw, is_first=offset == 0, limits=file.limits)
        if record is not None:
            lines.append(Line(offset, len(raw), number, record))
        offset += len(raw) + 1
    return lines, len(pieces)


def _first_line(stream: Any, start: int, end: int) -> int:
    """Where the first line begins at or after `start`; `end` if none does before it."""
    if start == 0:
        return 0
    # Not by readline: a line of a whole file would be read to its end from every range.
    position = start - 1
    stream.seek(position)
    while position < end:
        piece = stream.read(min(_STEP, end - position))
        found = piece.find(b"\n")
        if found >= 0:
            return min(position + int(found) + 1, end)
        if not piece:
            break
        position += len(piece)
    return end


def records_at(
    lines: Lines, places: Sequence[tuple[int, int]], *, lenient: bool = False
) -> Iterator[Mapping[str, Any]]:
    """The records of lines by offset and size.

    Parameters
    ----------
    lines : Lines
    places : sequence of (int, int)
    lenient : bool
        Leave out lines that hold no record.

    Raises
    ------
    ConfigError
        If something else stands there now: the file was changed while it was read.
    """
    with Path(lines.path).open("rb") as stream:
        for offset, size in places:
            stream.seek(offset)
            record = parse_line(stream.read(size), is_first=offset == 0, limits=lines.limits)
            if isinstance(record, Mapping):
                yield record
            elif not lenient:
                raise _changed(lines)


def sample_of(path: str, count: int) -> list[tuple[int, int]]:
    """Offset and size of `count` lines of a file, drawn by their content alone."""
    hashes, offsets, sizes = array("Q"), array("q"), array("q")
    position, rest = 0, b""
    with Path(path).open("rb") as stream:
        while data := stream.read(_STEP):
            *whole, rest = (rest + data).split(b"\n")
            for raw in whole:
                hashes.append(xxh3_64_intdigest(raw))
                offsets.append(position)
                sizes.append(len(raw))
                position += len(raw) + 1
            if len(rest) >= _LONGEST_LINE:
                # No article is so long: what comes of it is said when all lines are read.
                position, rest = position + len(rest), b""
    if rest:
        hashes.append(xxh3_64_intdigest(rest))
        offsets.append(position)
        sizes.append(len(rest))
    chosen = np.sort(np.argsort(np.array(hashes, np.uint64), kind="stable")[:count])
    return [(offsets[each], sizes[each]) for each in chosen.tolist()]


def article_of(record: Mapping[str, Any], lines: Lines) -> Article:
    """The article of a record that was read before."""
    try:
        return to_article(record, lines.fields, lines.zone, lines.limits)
    except ArticleError as error:
        raise _changed(lines) from error


def _changed(lines: Lines) -> ConfigError:
    return ConfigError(f"{lines.path} was changed while it was read; run the command again")


def read_record(record: Mapping[str, Any], lines: Lines) -> Read:
    """What sketching needs of a record.

    Raises
    ------
    ArticleError
        If the record is no article.
    """
    if not lines.fields and _is_plain(record):
        body = next(record[name] for name in _BODIES if name in record)
        if len(body) > lines.limits.body_length:
            to_article(record, lines.fields, lines.zone, lines.limits)
        given = next((record[name] for name in _DATES if name in record), None)
        day = _day(given, lines.zone) if isinstance(given, str) else _day_of(given, lines.zone)
        lost = "" if day is not None else _lost(record, lines)
        return Read(record["id"], record.get("title") or "", body, day, lost)
    article = to_article(record, lines.fields, lines.zone, lines.limits)
    lost = "" if article.date is not None else _lost(record, lines)
    return Read(article.id, article.title, article.body, _number(article.date), lost)


def _lost(record: Mapping[str, Any], lines: Lines) -> str:
    value = unread_date(record, lines.fields)
    return "" if value is None else f"{value!r:.60}"


def _is_plain(record: Mapping[str, Any]) -> bool:
    """Whether a record is an article beyond doubt, by less than `to_article` asks."""
    article_id = record.get("id")
    body = next((record[name] for name in _BODIES if name in record), None)
    if type(article_id) is not str or type(body) is not str:
        return False
    if not 0 < len(article_id) <= MAX_ID_LENGTH or len(body) > MAX_BODY_LENGTH:
        return False
    if not article_id.isprintable() or article_id != article_id.strip():
        return False
    for name in _TEXT_FIELDS:
        value = record.get(name)
        if value is not None and (type(value) is not str or len(value) > MAX_FIELD_LENGTH):
            return False
    return all(record.get(name) is None for name in _SELDOM)


@lru_cache(maxsize=4096)
def _day(value: str, zone: tzinfo) -> int | None:
    return _day_of(value, zone)


def _day_of(value: Any, zone: tzinfo) -> int | None:
    return _number(parse_date(value, zone=zone))


def _number(date: datetime | None) -> int | None:
    return None if date is None else int(date.timestamp() // _DAY)


def write_out(
    path: str,
    lines: Lines,
    stream: Any,
    *,
    on_problem: Callable[[Problem], None],
    on_lost_date: Callable[[Problem], None],
) -> list[int]:
    """Write the articles of any source as lines of JSON; gives the line each had there."""
    numbers = []
    for (_, line), article in read_placed_articles(
        path,
        fields=lines.fields,
        zone=lines.zone,
        on_problem=on_problem,
        on_lost_date=on_lost_date,
        limits=lines.limits,
    ):
        values = card_values(article)
        values["body"] = article.body
        stream.write(json.dumps(values, ensure_ascii=False).encode() + b"\n")
        numbers.append(line)
    return numbers


def card_values(article: Any) -> dict[str, Any]:
    """A card as JSON values that `to_article` reads again; empty fields are left out."""
    values: dict[str, Any] = {}
    for name in _WRITTEN:
        value = getattr(article, name)
        if value not in ("", None, False):
            values[name] = value.isoformat() if isinstance(value, datetime) else value
    if article.extra:
        values["extra"] = dict(article.extra)
    return values


def byte_ranges(size: int, step: int) -> Sequence[tuple[int, int]]:
    """A file cut into ranges of one size."""
    return [(start, min(start + step, size)) for start in range(0, size, step)]
