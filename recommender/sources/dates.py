"""Dates as content systems write them → aware datetimes; what is not a date is `None`."""

from __future__ import annotations

import math
import re
from datetime import datetime, timedelta, timezone, tzinfo
from typing import Any

from dateutil import parser as dateutil_parser

_LONGEST = 80
_EPOCH = datetime(1970, 1, 1, tzinfo=timezone.utc)
# Unix time above this is in milliseconds: as seconds it would lie after the year 5000.
_MILLISECONDS_FROM = 100_000_000_000
_LATEST_SECONDS = 253_402_300_799
_UNIX_TIME = re.compile(r"-?\d{9,13}(?:\.\d+)?")
# The parts of a Chinese date; "上午" and "下午" stand before the hour.
_CHINESE = re.compile(
    r"(\d{4})\s*年\s*(\d{1,2})\s*月\s*(\d{1,2})\s*[日号]?"
    r"(?:[\sT,，]*(?:星期.|周.)?[\s]*(上午|下午|晚上|凌晨|中午)?\s*"
    r"(\d{1,2})\s*[时点:：]\s*(\d{1,2})?\s*分?\s*(?::|：)?\s*(\d{1,2})?\s*秒?)?"
)
_YEAR_FIRST = re.compile(
    r"(\d{4})[-/.](\d{1,2})[-/.](\d{1,2})"
    r"(?:[T\s]+(\d{1,2}):(\d{1,2})(?::(\d{1,2})(?:[.,](\d{1,9}))?)?)?"
    r"\s*(Z|UTC|GMT|[+-]\d{2}:?\d{2})?",
    re.IGNORECASE,
)
# dateutil fills what a text leaves out from a default; two defaults tell what was left out.
_DEFAULTS = (datetime(2001, 1, 1), datetime(2002, 2, 2))
_AFTERNOON = ("下午", "晚上")
# Hours from UTC of the zones that RFC 822 names; "CST" also means China's.
_NAMED_ZONES = {
    "EST": -5, "EDT": -4, "CST": -6, "CDT": -5, "MST": -7, "MDT": -6, "PST": -8, "PDT": -7,
    "BST": 1, "CET": 1, "CEST": 2, "JST": 9, "KST": 9, "HKT": 8,
}  # fmt: skip
_CHINA = timedelta(hours=8)


def parse_date(value: Any, *, zone: tzinfo = timezone.utc) -> datetime | None:
    """Read a date leniently.

    Parameters
    ----------
    value : any
        ISO 8601, RFC 822, "2023-11-7 20:01", "2023年11月7日 20:01", Unix time in seconds or
        milliseconds, a `datetime`. A day alone is its midnight.
    zone : tzinfo
        Zone of a time that names none.

    Returns
    -------
    datetime or None
        In UTC; `None` for anything that does not name year, month and day, and for
        "0000-00-00".
    """
    if isinstance(value, datetime):
        return _in_utc(value, zone)
    if isinstance(value, bool):
        return None
    if isinstance(value, (int, float)):
        return _from_unix(float(value))
    if not isinstance(value, str):
        return None
    text = value.strip()
    if not text or len(text) > _LONGEST:
        return None
    if _UNIX_TIME.fullmatch(text):
        return _from_unix(float(text))
    found = _from_chinese(text) or _from_year_first(text) or _from_words(text, zone)
    return None if found is None else _in_utc(found, zone)


def _in_utc(moment: datetime, zone: tzinfo) -> datetime | None:
    try:
        aware = moment if moment.tzinfo is not None else moment.replace(tzinfo=zone)
        return aware.astimezone(timezone.utc)
    except (OverflowError, ValueError):
        return None


def _from_unix(seconds: float) -> datetime | None:
    if not math.isfinite(seconds) or seconds == 0:
        return None
    if abs(seconds) >= _MILLISECONDS_FROM:
        seconds /= 1000
    if abs(seconds) > _LATEST_SECONDS:
        return None
    try:
        return _EPOCH + timedelta(seconds=seconds)
    except OverflowError:
        return None


def _from_chinese(text: str) -> datetime | None:
    match = _CHINESE.match(text)
    if match is None:
        return None
    year, month, day, part, hour, minute, second = match.groups()
    hours = int(hour or 0)
    if part in _AFTERNOON and hours < 12:
        hours += 12
    return _made(int(year), int(month), int(day), hours, int(minute or 0), int(second or 0))


def _from_year_first(text: str) -> datetime | None:
    match = _YEAR_FIRST.fullmatch(text)
    if match is None:
        return None
    year, month, day, hour, minute, second, fraction, offset = match.groups()
    made = _made(
        int(year),
        int(month),
        int(day),
        int(hour or 0),
        int(minute or 0),
        int(second or 0),
        int((fraction or "0")[:6].ljust(6, "0")),
    )
    if made is None or offset is None:
        return made
    if offset[0] not in "+-":
        return made.replace(tzinfo=timezone.utc)
    shift = timedelta(hours=int(offset[1:3]), minutes=int(offset[-2:]))
    if shift >= timedelta(days=1):
        return None
    return made.replace(tzinfo=timezone(shift if offset[0] == "+" else -shift))


def _made(
    year: int, month: int, day: int, hour: int = 0, minute: int = 0, second: int = 0, micro: int = 0
) -> datetime | None:
    try:
        return datetime(year, month, day, hour, minute, second, micro)
    except ValueError:
        return None


def _from_words(text: str, zone: tzinfo) -> datetime | None:
    """What dateutil makes of it, if the text itself names year, month and day."""

    def named(name: str | None, seconds: int | None) -> tzinfo | None:
        if seconds is not None:
            return timezone(timedelta(seconds=seconds))
        if name == "CST" and zone.utcoffset(_DEFAULTS[0]) == _CHINA:
            return zone
        hours = _NAMED_ZONES.get(name or "")
        return None if hours is None else timezone(timedelta(hours=hours))

    found = []
    for default in _DEFAULTS:
        try:
            found.append(dateutil_parser.parse(text, default=default, tzinfos=named))
        except (ValueError, OverflowError, TypeError, AttributeError):
            return None
    first, second = found
    if first.date() != second.date() or not re.search(r"\d{4}", text):
        return None
    return first
