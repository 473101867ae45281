"""One record of a source → one `Article`: field mapping, aliases, kinds of values.

Records are untrusted: a value of the wrong kind is an error with a reason, never a guess that
loses something.
"""

from __future__ import annotations

import json
import math
import re
from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from datetime import datetime, tzinfo
from typing import Any

from recommender.config import CONFIG_NAME
from recommender.errors import ArticleError, ConfigError
from recommender.limits import Limits, named
from recommender.records import CARD_FIELDS, MAX_ID_LENGTH, Article
from recommender.sources.dates import parse_date

FIELDS: tuple[str, ...] = (*CARD_FIELDS, "body")
ALIASES: Mapping[str, tuple[str, ...]] = {
    "body": ("content", "text", "html"),
    "language": ("lang",),
    "date": ("published", "date_published", "publish_time", "created_at"),
    "url": ("link",),
}
_DATES = ("date", "visible_from", "visible_until")
# What databases and their users write for "always": PostgreSQL's infinity, and the last and the
# first day there are, where the zone moves them out of the calendar.
_NO_LIMIT = {
    "visible_until": re.compile(r"\+?inf|9999-12-31", re.IGNORECASE),
    "visible_from": re.compile(r"-inf|0001-01-0[12]", re.IGNORECASE),
}
# Of a whole number; the interpreter refuses more than 4,300.
_MOST_DIGITS = 1_000
_TRUE = frozenset(("true", "1", "yes", "y", "on"))
_FALSE = frozenset(("false", "0", "no", "n", "off", ""))


@dataclass(frozen=True, slots=True, kw_only=True)
class Problem:
    """A record that cannot be used, or is none.

    Attributes
    ----------
    source : str
        File, or "standard input".
    line : int
        Line in it, or row of a database's answer, counted from 1; 0 where there are none.
    reason : str
    article_id : str
        Id of the article, where it is known.
    is_article : bool
        False for what can be read and is no article, as the front page of a site: nothing is to
        be mended, and what was an article once is gone.
    """

    source: str
    line: int = 0
    reason: str
    article_id: str = ""
    is_article: bool = True

    def __str__(self) -> str:
        where = f"{self.source}:{self.line}" if self.line else self.source
        return f"{where}: {self.reason}"


def check_mapping(fields: Mapping[str, str]) -> None:
    """Refuse a mapping of fields that articles do not have.

    Raises
    ------
    ConfigError
    """
    for ours in fields:
        if ours not in FIELDS:
            raise ConfigError(
                f"an article has no field {ours!r:.60}; it has {', '.join(sorted(FIELDS))}"
            )


def to_article(
    record: Mapping[str, Any], fields: Mapping[str, str], zone: tzinfo, limits: Limits
) -> Article:
    """Make an article of a record.

    Parameters
    ----------
    record : mapping
    fields : mapping
        Our name → the name in the record; wins over the aliases.
    zone : tzinfo
        Zone of dates without one.
    limits : Limits

    Raises
    ------
    ArticleError
        If a field is missing, of the wrong kind, out of range or beyond a limit.
    """
    values: dict[str, Any] = {}
    used: set[str] = set()
    for ours in FIELDS:
        theirs = _name_of(ours, record, fields)
        if theirs is not None:
            used.add(theirs)
            if record[theirs] is not None:
                values[ours] = record[theirs]
    for needed in ("id", "body"):
        if needed not in values:
            raise ArticleError(_why_missing(needed, record, fields), article_id=_told_id(values))
    values["id"] = _identifier(values["id"])
    rest = {key: value for key, value in record.items() if key not in used and value is not None}
    try:
        body = values["body"]
        _check_length("body", len(body) if isinstance(body, str) else 0, limits, values["id"])
        article = _article(values, rest, zone)
        extra = len(json.dumps(article.extra)) if article.extra else 0
        _check_length("extra", extra, limits, article.id)
        return article
    except RecursionError as error:
        raise ArticleError("a value is nested too deeply", article_id=values["id"]) from error


def _why_missing(needed: str, record: Mapping[str, Any], fields: Mapping[str, str]) -> str:
    name = _name_of(needed, record, fields)
    if name is not None:
        called = "" if name == needed else f", the field {name!r:.60},"
        return f"the {needed}{called} is empty (NULL)"
    return (
        f"there is no field {fields.get(needed, needed)!r:.60}; name the one that holds the "
        f"{needed} with --field {needed}=NAME, or in {CONFIG_NAME} with "
        f'fields = {{ {needed} = "NAME" }}'
    )


def _check_length(name: str, length: int, limits: Limits, article_id: str) -> None:
    most = getattr(limits, f"{name}_length")
    if length > most:
        raise ArticleError(
            f"{name} has {length:,} characters, at most {most:,} are taken; "
            f"{named(f'{name}_length')}",
            article_id=article_id,
        )


def unread_date(record: Mapping[str, Any], fields: Mapping[str, str]) -> Any:
    """What stands where the date should, of a record whose date could not be read; else `None`."""
    name = _name_of("date", record, fields)
    value = None if name is None else record[name]
    return None if isinstance(value, str) and not value.strip() else value


def is_header(names: Iterable[str], fields: Mapping[str, str]) -> bool:
    """Whether columns of these names hold articles."""
    record = dict.fromkeys(names)
    return all(_name_of(needed, record, fields) is not None for needed in ("id", "body"))


def our_fields(names: Iterable[str], fields: Mapping[str, str]) -> dict[str, str]:
    """Our fields that columns of these names hold → the column."""
    record = dict.fromkeys(names)
    found = {ours: _name_of(ours, record, fields) for ours in FIELDS}
    return {ours: name for ours, name in found.items() if name is not None}


def _article(values: dict[str, Any], rest: dict[str, Any], zone: tzinfo) -> Article:
    article_id: str = values["id"]
    given = values.pop("extra", {})
    if not isinstance(given, dict):
        raise ArticleError("extra must be an object", article_id=article_id)
    made: dict[str, Any] = {"extra": {**rest, **given}}
    for name, value in values.items():
        if name in _DATES:
            made[name] = _date(name, value, zone, article_id)
        elif name == "excerpt":
            made[name] = _truth(name, value, article_id)
        else:
            made[name] = _text(name, value, article_id)
    if not made.get("access"):
        made.pop("access", None)
    return Article(**made)


def _name_of(ours: str, record: Mapping[str, Any], fields: Mapping[str, str]) -> str | None:
    if ours in fields:
        return fields[ours] if fields[ours] in record else None
    return next((name for name in (ours, *ALIASES.get(ours, ())) if name in record), None)


def _told_id(values: Mapping[str, Any]) -> str | None:
    """The id of a record that cannot be used, where it has one that an article could have."""
    try:
        found = _identifier(values["id"])
    except (KeyError, ArticleError):
        return None
    return found if 0 < len(found) <= MAX_ID_LENGTH else None


def _identifier(value: Any) -> str:
    if isinstance(value, str):
        return value
    # A CMS numbers its articles; 12.0 would be a column that once held a gap.
    if isinstance(value, int) and not isinstance(value, bool):
        return str(value)
    raise ArticleError(f"id must be text or a whole number, not {type(value).__name__}")


def _text(name: str, value: Any, article_id: str) -> str:
    if isinstance(value, str):
        return value
    if isinstance(value, (int, float)) and not isinstance(value, bool) and name != "body":
        return str(value)
    raise ArticleError(f"{name} must be text, not {type(value).__name__}", article_id=article_id)


def _date(name: str, value: Any, zone: tzinfo, article_id: str) -> datetime | None:
    date = parse_date(value, zone=zone)
    if date is None and isinstance(value, str) and name in _NO_LIMIT:
        value = "" if _NO_LIMIT[name].match(value.strip()) else value
    # A lost publication date is only less evidence; a lost embargo would publish an article.
    if date is None and name != "date" and not _is_blank(value):
        raise ArticleError(f"{name} is not a date: {value!r:.60}", article_id=article_id)
    return date


def _is_blank(value: Any) -> bool:
    return value in ("", 0) or (isinstance(value, str) and not value.strip(" 0-:T"))


def _truth(name: str, value: Any, article_id: str) -> bool:
    if isinstance(value, bool):
        return value
    text = str(value).strip().lower()
    if text in _TRUE or text in _FALSE:
        return text in _TRUE
    raise ArticleError(f"{name} must be true or false, not {value!r:.60}", article_id=article_id)


def refuse_constant(name: str) -> float:
    """NaN and Infinity are not JSON, and nothing an article could hold."""
    value = float(name)
    raise ValueError(f"{name} is not JSON" if not math.isfinite(value) else name)


def whole_number(digits: str) -> int:
    """A whole number of JSON; Python's own refusal speaks of its settings."""
    if len(digits) > _MOST_DIGITS:
        raise ValueError(f"a number of {len(digits):,} digits is no date and no figure")
    return int(digits)
