"""RSS, Atom and JSON Feed → entries as they are written; the only door to feedparser.

Pure: bytes in, entries out. Feeds are untrusted. feedparser expands no entities that a feed
declares and fetches nothing; what it cannot read is told, and what it can read is given.
"""

from __future__ import annotations

import html
import io
import json
import re
from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from datetime import datetime, timezone, tzinfo
from typing import Any
from urllib.parse import urljoin
from xml.parsers import expat

from recommender.config import install_command
from recommender.errors import ConfigError, SourceError
from recommender.sources.dates import parse_date
from recommender.sources.feed_text import decode_feed

_JSON_FEED = "https://jsonfeed.org/version/1"
_MOST_TAGS = 100
# Reading takes time in the square of an element's attributes; feeds have a few.
_MOST_ATTRIBUTES = 100
_DEEPEST = 200
_WEB = re.compile(r"https?://", re.IGNORECASE)


@dataclass(frozen=True, slots=True, kw_only=True)
class Entry:
    """One entry of a feed; empty where it says nothing.

    Attributes
    ----------
    id : str
        The entry's own, else its link.
    title, url, language : str
    body : str
        HTML or plain text.
    date : datetime or None
        Publication, else the last change.
    written_date : str
        The date as it is written.
    tags : tuple of str
    excerpt : bool
        The body is only a summary.
    """

    id: str
    title: str = ""
    url: str = ""
    language: str = ""
    body: str = ""
    date: datetime | None = None
    written_date: str = ""
    tags: tuple[str, ...] = ()
    excerpt: bool = False


@dataclass(frozen=True, slots=True)
class Feed:
    """A feed that was read.

    Attributes
    ----------
    entries : tuple of Entry
    fault : str
        Why it may not be whole; empty if it is.
    """

    entries: tuple[Entry, ...]
    fault: str = ""


def read_feed(
    data: bytes, *, zone: tzinfo = timezone.utc, content_type: str = "", address: str = ""
) -> Feed:
    """Read a feed of any of the three kinds.

    Parameters
    ----------
    data : bytes
    zone : tzinfo
        Zone of dates that name none.
    content_type : str
        As the server names it; its charset counts.
    address : str
        Of the feed itself: where relative links begin, unless the feed says another place.

    Raises
    ------
    SourceError
        If it is no feed.
    ConfigError
        If it is RSS or Atom, and the extra `feeds` is missing.
    """
    text = decode_feed(data, content_type).lstrip("\ufeff \t\r\n")
    if text.startswith("{"):
        return _read_json(text, zone, address)
    return _read_xml(text, zone, address)


def _read_json(text: str, zone: tzinfo, address: str) -> Feed:
    try:
        parsed = json.loads(text)
    except (ValueError, RecursionError) as error:
        raise SourceError("it is no JSON Feed: it is not sound JSON") from error
    version = parsed.get("version") if isinstance(parsed, dict) else None
    items = parsed.get("items") if isinstance(parsed, dict) else None
    if not (isinstance(version, str) and version.startswith(_JSON_FEED)) or not isinstance(
        items, list
    ):
        raise SourceError("it is JSON, but no JSON Feed")
    language = _text(parsed.get("language"))
    base = address or _text(parsed.get("feed_url")) or _text(parsed.get("home_page_url"))
    entries = tuple(
        _json_entry(item, language, zone, base) for item in items if isinstance(item, dict)
    )
    strange = len(items) - len(entries)
    return Feed(entries, f"{strange:,} of its items are no objects" if strange else "")


def _json_entry(item: Mapping[str, Any], language: str, zone: tzinfo, base: str) -> Entry:
    url = _text(item.get("url")) or _text(item.get("external_url"))
    given = item.get("id")
    # Version 1 had numbers as ids.
    numbered = isinstance(given, (int, float)) and not isinstance(given, bool)
    content = _text(item.get("content_html"))
    plain = _text(item.get("content_text"))
    body = content or (_as_html(plain) if plain else "")
    summary = _text(item.get("summary"))
    written = _text(item.get("date_published")) or _text(item.get("date_modified"))
    tags = item.get("tags")
    return Entry(
        id=(str(given) if numbered else _text(given).strip()) or url,
        title=_text(item.get("title")),
        url=_joined(base, url),
        language=_text(item.get("language")) or language,
        body=body or _as_html(summary),
        date=parse_date(written, zone=zone),
        written_date=written,
        tags=_tags(tags if isinstance(tags, list) else []),
        excerpt=not body,
    )


def _as_html(text: str) -> str:
    """Plain text as HTML, so that an angle bracket stays one."""
    lines = (" ".join(line.split()) for line in text.splitlines())
    return "\n".join(f"<p>{html.escape(line, quote=False)}</p>" for line in lines if line)


def _read_xml(text: str, zone: tzinfo, address: str) -> Feed:
    try:
        import feedparser
    except ImportError as error:
        raise ConfigError(
            f"RSS and Atom feeds need an extra: {install_command('feeds')}"
        ) from error
    data = text.encode("utf-8", "replace")
    _check_shape(data)
    headers = {"content-type": "application/xml; charset=utf-8"}
    try:
        parsed = feedparser.parse(io.BytesIO(data), response_headers=headers)
    except Exception as error:  # nothing a feed holds may end a run
        raise SourceError(f"it cannot be read as a feed ({type(error).__name__})") from error
    entries = parsed.get("entries") or []
    if not parsed.get("version") and not entries:
        raise SourceError("it is no feed")
    about = parsed.get("feed", {})
    language = _text(about.get("language"))
    base = address or _own_address(about)
    fault = ""
    if parsed.get("bozo") and not _is_harmless(parsed.get("bozo_exception")):
        fault = f"it is damaged ({_said(parsed.get('bozo_exception'))})"
    return Feed(tuple(_xml_entry(entry, language, zone, base) for entry in entries), fault)


def _check_shape(data: bytes) -> None:
    """Refuse markup that is deeper, or has more attributes, than feeds have.

    Raises
    ------
    SourceError
    """
    depth = 0

    def start(name: str, attributes: Mapping[str, str]) -> None:
        nonlocal depth
        depth += 1
        if depth > _DEEPEST:
            raise SourceError(f"it is nested more than {_DEEPEST} deep")
        if len(attributes) > _MOST_ATTRIBUTES:
            raise SourceError(f"an element of it has more than {_MOST_ATTRIBUTES} attributes")

    def end(name: str) -> None:
        nonlocal depth
        depth -= 1

    parser = expat.ParserCreate(encoding="utf-8")
    parser.StartElementHandler = start
    parser.EndElementHandler = end
    try:
        parser.Parse(data, True)
    except expat.ExpatError:
        # What is no sound XML from here on is read another way.
        return


def _is_harmless(error: object) -> bool:
    """Whether feedparser only says that a charset or media type was not the one named."""
    return type(error).__name__ in ("CharacterEncodingOverride", "NonXMLContentType")


def _said(error: object) -> str:
    getter = getattr(error, "getMessage", None)
    return " ".join(str(getter() if callable(getter) else error).split())[:120]


def _own_address(about: Mapping[str, Any]) -> str:
    """Where a feed says that it lies, else the site that it is of."""
    links = about.get("links") or []
    own = [_text(each.get("href")) for each in links if each.get("rel") == "self"]
    return next(filter(_WEB.match, own), _text(about.get("link")))


def _joined(base: str, link: str) -> str:
    """A link as an address of the web, if it is one or can be made one."""
    if not _WEB.match(link) and link and _WEB.match(base):
        try:
            link = urljoin(base, link)
        except ValueError:
            return ""
    return link if _WEB.match(link) else ""


def _xml_entry(entry: Mapping[str, Any], language: str, zone: tzinfo, base: str) -> Entry:
    contents = [
        (_text(each.get("value")), _text(each.get("type")), _text(each.get("language")))
        for each in entry.get("content") or []
    ]
    summary = _text(entry.get("summary"))
    # The longest of several: feeds give a plain and an HTML version.
    value, kind, spoken = max(contents, key=lambda each: len(each[0]), default=("", "", ""))
    excerpt = not value.strip()
    if excerpt:
        value, kind = summary, _text((entry.get("summary_detail") or {}).get("type"))
    written, date = _xml_date(entry, zone)
    link = _text(entry.get("link")).strip()
    # An id that is no address is given as the link too, but not among the links.
    linked = any(_text(each.get("href")).strip() == link for each in entry.get("links") or [])
    url = _joined(base if linked else "", link)
    return Entry(
        id=_text(entry.get("id")).strip() or link,
        title=_text(entry.get("title")),
        url=url,
        language=spoken or language,
        body=_as_html(value) if kind == "text/plain" else value,
        date=date,
        written_date=written,
        tags=_tags([tag.get("term") or tag.get("label") for tag in entry.get("tags") or []]),
        excerpt=excerpt,
    )


def _xml_date(entry: Mapping[str, Any], zone: tzinfo) -> tuple[str, datetime | None]:
    for name in ("published", "updated", "created"):
        written = _text(entry.get(name))
        if not written:
            continue
        date = parse_date(written, zone=zone)
        parsed = entry.get(f"{name}_parsed")
        if date is None and parsed is not None:
            try:
                date = datetime(*parsed[:6]).replace(tzinfo=timezone.utc)
            except (ValueError, TypeError):
                date = None
        return written, date
    return "", None


def _tags(values: Iterable[Any]) -> tuple[str, ...]:
    named = [" ".join(value.split()) for value in values if isinstance(value, str)]
    return tuple(dict.fromkeys(name for name in named if name))[:_MOST_TAGS]


def _text(value: Any) -> str:
    return value if isinstance(value, str) else ""
