"""What a page says of itself: title, address, date, category, language, and whether it redirects.

In order: JSON-LD (schema.org), meta elements (Open Graph and what content systems write), then
what readers see. Everything is untrusted text: what is not plainly what it should be is left out.
Nothing depends on the clock, so that a page reads the same whenever it is read.

Knows lxml and htmldate, and no files.
"""

from __future__ import annotations

import json
import logging
import re
from collections.abc import Iterator, Mapping
from dataclasses import dataclass, field
from datetime import datetime, timedelta, timezone, tzinfo
from typing import Any

from htmldate import find_date
from lxml.html import HtmlElement

from recommender.sources.dates import parse_date
from recommender.text import clean_title, fold

_LONGEST_TITLE = 500
_LONGEST_JSON = 1_000_000
_MOST_NODES = 2_000
_EARLIEST = datetime(1990, 1, 1, tzinfo=timezone.utc)
_LATEST = datetime(2100, 1, 1, tzinfo=timezone.utc)
_ARTICLE_TYPES = re.compile(
    r"(?:News|Blog|Scholarly|Tech|Reportage\w*|Analysis\w*|Opinion\w*|Review\w*|Background\w*|"
    r"Satirical|Advertiser\w*|Medical\w*|SocialMedia)?(?:Article|Posting|Report)",
    re.IGNORECASE,
)
_LIST_TYPES = frozenset("collectionpage searchresultspage profilepage".split())
_NOINDEX = frozenset(("noindex", "none"))
# In order of trust; what content systems call the day an article was published.
_DATE_NAMES = (
    "article:published_time",
    "og:article:published_time",
    "datepublished",
    "publishdate",
    "pubdate",
    "publish_date",
    "publish-date",
    "publication_date",
    "publicationdate",
    "published_time",
    "publish_time",
    "publishtime",
    "parsely-pub-date",
    "sailthru.date",
    "cxenseparse:recs:publishtime",
    "dc.date.issued",
    "dcterms.issued",
    "dc.date.published",
    "dcterms.created",
    "dc.date.created",
    "dc.date",
    "dcterms.date",
    "citation_publication_date",
    "og:published_time",
    "og:pubdate",
    "og:release_date",
    "weibo:article:create_at",
    "bt:pubdate",
    "rnews:datepublished",
    "datecreated",
    "firstcreatedtime",
    "createdate",
    "displaydate",
    "timestamp",
    "date",
)
_SECTION_NAMES = ("article:section", "og:article:section", "parsely-section", "section", "category")
_LANGUAGE = re.compile(r"([a-z]{2,3})(?:[-_][a-z0-9]{1,8}){0,3}", re.IGNORECASE)
# What stands between an article's title and the site's name.
_SITE_PARTS = re.compile(
    r"\s*[_|｜»«•·]+\s*|\s+[-–—:]+\s+|[-–—]{2,}|(?<=[\u3400-\u9fff])\s*[-–—]\s*(?=\S)"
)
_DAY = r"(?:19|20)\d{2}\s*(?:年\s*\d{1,2}\s*月\s*\d{1,2}\s*日|[-/.]\d{1,2}[-/.]\d{1,2}(?!\d))"
_VISIBLE_DATE = re.compile(rf"{_DAY}(?:[\sT]*\d{{1,2}}[:：]\d{{2}}(?:[:：]\d{{2}})?)?")
_VISIBLE_CUE = re.compile(
    r"发布|發佈|发表|發表|时间|時間|日期|来源|來源|更新|稿源|posted|published|date|by ",
    re.IGNORECASE,
)
_DATE_CLASS = re.compile(r"date|time|pub|info|source|meta|laiyuan|riqi|shijian", re.IGNORECASE)
_LONGEST_BYLINE = 200
_DATE_ELEMENTS = ("time", "span", "div", "p", "i", "em", "small", "li", "td", "h4", "h5")
_ADDRESS_DATE = re.compile(r"/((?:19|20)\d{2})[-/]?([01]\d)[-/]?([0-3]\d)(?!\d)")
_NEAR = timedelta(days=3)
_REFRESH = re.compile(r"\s*(\d{1,3})\s*[;,]\s*url\s*=\s*[\"']?\s*([^\"'\s]+)", re.IGNORECASE)

# htmldate tells its doubts to the log; where nobody listens they go to the terminal.
logging.getLogger("htmldate").addHandler(logging.NullHandler())


@dataclass(frozen=True, slots=True, kw_only=True)
class Metadata:
    """What a page says of itself; empty where it says nothing.

    Attributes
    ----------
    title : str
    titles : frozenset of str
        All that the page is called, the title among them.
    canonical : str
        Address the page gives as its own, as it is written.
    date : datetime or None
        Publication time.
    category, language : str
    is_article, is_list : bool
        What the page declares itself to be; neither, where it says nothing.
    redirect : str
        Where a page that is only a signpost leads.
    noindex : bool
        Whether it asks search engines to leave it out.
    """

    title: str = ""
    titles: frozenset[str] = field(default_factory=frozenset)
    canonical: str = ""
    date: datetime | None = None
    category: str = ""
    language: str = ""
    is_article: bool = False
    is_list: bool = False
    redirect: str = ""
    noindex: bool = False


def read_metadata(tree: HtmlElement, *, zone: tzinfo) -> Metadata:
    """The metadata of a page.

    Parameters
    ----------
    tree : HtmlElement
        The whole page.
    zone : tzinfo
        Zone of dates that name none.
    """
    meta = _meta(tree)
    nodes = list(_schema_nodes(tree))
    article = next((node for node in nodes if _is_of(node, _is_article_type)), None)
    title, titles = _title(tree, meta, article)
    canonical = _canonical(tree, meta)
    return Metadata(
        title=title,
        titles=titles,
        canonical=canonical,
        date=_date(tree, meta, article, zone) or _date_in_view(tree, canonical, zone),
        category=_category(meta, article),
        language=_language(tree, meta),
        is_article=article is not None or meta.get("og:type", "").lower() == "article",
        is_list=article is None and any(_is_of(node, _is_list_type) for node in nodes),
        redirect=_redirect(tree),
        noindex=_noindex(tree),
    )


def _noindex(tree: HtmlElement) -> bool:
    return any(
        (element.get("name") or "").strip().lower() == "robots"
        and not _NOINDEX.isdisjoint(re.split(r"[\s,;]+", (element.get("content") or "").lower()))
        for element in tree.iter("meta")
    )


def _meta(tree: HtmlElement) -> dict[str, str]:
    """Name → content of meta elements, the first of a name; names in small letters."""
    found: dict[str, str] = {}
    for element in tree.iter("meta"):
        content = (element.get("content") or "").strip()
        if not content:
            continue
        for attribute in ("property", "name", "itemprop"):
            name = (element.get(attribute) or "").strip().lower()
            if name:
                found.setdefault(name, content)
    return found


def _schema_nodes(tree: HtmlElement) -> Iterator[Mapping[str, Any]]:
    """Objects of the page's JSON-LD, as far as it is JSON."""
    left = _MOST_NODES
    for script in tree.iter("script"):
        if (script.get("type") or "").strip().lower() != "application/ld+json":
            continue
        text = (script.text or "")[:_LONGEST_JSON].strip()
        try:
            waiting: list[Any] = [json.loads(text, strict=False)]
        except (ValueError, RecursionError):
            continue
        while waiting and left > 0:
            left -= 1
            value = waiting.pop()
            if isinstance(value, list):
                waiting.extend(reversed(value))
            elif isinstance(value, dict):
                yield value
                waiting.extend(
                    value[name]
                    for name in ("mainEntity", "@graph")
                    if isinstance(value.get(name), (dict, list))
                )


def _is_of(node: Mapping[str, Any], is_wanted: Any) -> bool:
    kinds = node.get("@type")
    kinds = kinds if isinstance(kinds, list) else [kinds]
    return any(isinstance(kind, str) and is_wanted(kind.rsplit("/", 1)[-1]) for kind in kinds)


def _is_article_type(kind: str) -> bool:
    return _ARTICLE_TYPES.fullmatch(kind) is not None


def _is_list_type(kind: str) -> bool:
    return kind.lower() in _LIST_TYPES


def _text_of(value: Any) -> str:
    if isinstance(value, list):
        value = value[0] if value else ""
    return clean_title(value[: 4 * _LONGEST_TITLE]) if isinstance(value, str) else ""


def _title(
    tree: HtmlElement, meta: Mapping[str, str], article: Mapping[str, Any] | None
) -> tuple[str, frozenset[str]]:
    """The article's title, and all titles."""
    headings = [text for each in tree.iter("h1") if (text := _visible(each))]
    named = [
        text
        for text in (
            _text_of((article or {}).get("headline")),
            _text_of(meta.get("og:title", "")),
            _text_of(meta.get("twitter:title", "")),
            _text_of(meta.get("headline", "")),
        )
        if text
    ]
    element = tree.find(".//title")
    whole = "" if element is None else _visible(element)
    parts = [part for part in _SITE_PARTS.split(whole) if part]
    chosen = _chosen_title(headings, named, whole, parts)
    titles = frozenset(each for each in (*headings[:3], *named, whole, *parts[:1], chosen) if each)
    return chosen[:_LONGEST_TITLE], titles


def _chosen_title(headings: list[str], named: list[str], whole: str, parts: list[str]) -> str:
    """The heading that the page's title begins with; else what its metadata say; else guesses."""
    called = fold(whole)
    for heading in headings:
        folded = fold(heading)
        if folded and called.startswith(folded):
            return heading
    for name in named:
        # A name with the site's behind it loses it as the page's title does.
        first = _SITE_PARTS.split(name)[0]
        folded = fold(first)
        if (
            len(named) == 1
            and folded != fold(name)
            and any(fold(each) == folded for each in headings)
        ):
            return first
    for heading in headings:
        if any(fold(heading) == fold(name) for name in named):
            return heading
    if named:
        return _without_site(named[0], whole)
    if len(headings) == 1 and (not parts or fold(headings[0]) not in {fold(p) for p in parts[1:]}):
        return headings[0]
    if parts:
        return _longest_first(parts)
    return headings[0] if headings else ""


def _without_site(name: str, whole: str) -> str:
    parts = _SITE_PARTS.split(name)
    return _longest_first(parts) if len(parts) > 1 and fold(name) == fold(whole) else name


def _longest_first(parts: list[str]) -> str:
    """The first part, unless the site's name stands there and the second is far longer."""
    if len(parts) > 1 and len(parts[1]) > 2 * len(parts[0]) and len(parts[0]) <= 12:
        return parts[1]
    return parts[0]


def _visible(element: HtmlElement) -> str:
    return " ".join(element.text_content()[: 4 * _LONGEST_TITLE].split())


def _canonical(tree: HtmlElement, meta: Mapping[str, str]) -> str:
    for link in tree.iter("link"):
        if "canonical" in (link.get("rel") or "").lower().split():
            return (link.get("href") or "").strip()
    return meta.get("og:url", "")


def _redirect(tree: HtmlElement) -> str:
    for element in tree.iter("meta"):
        if (element.get("http-equiv") or "").strip().lower() == "refresh":
            found = _REFRESH.match(element.get("content") or "")
            # Pages that load themselves again now and then are no signposts.
            if found and int(found[1]) <= 5:
                return found[2]
    return ""


def _category(meta: Mapping[str, str], article: Mapping[str, Any] | None) -> str:
    named = (
        _text_of((article or {}).get("articleSection")),
        *map(_text_of, map(meta.get, _SECTION_NAMES)),
    )
    return next((text for text in named if 0 < len(text) <= 100), "")


def _language(tree: HtmlElement, meta: Mapping[str, str]) -> str:
    root = tree.getroottree().getroot()
    named = (
        root.get("lang")
        or root.get("{http://www.w3.org/XML/1998/namespace}lang")
        or root.get("xml:lang"),
        meta.get("og:locale"),
        meta.get("inlanguage"),
        meta.get("language"),
    )
    for name in named:
        found = _LANGUAGE.fullmatch((name or "").strip())
        if found:
            return found[1].lower()
    return ""


def _date(
    tree: HtmlElement, meta: Mapping[str, str], article: Mapping[str, Any] | None, zone: tzinfo
) -> datetime | None:
    node = article or {}
    written = [node.get("datePublished"), *map(meta.get, _DATE_NAMES), node.get("dateCreated")]
    for value in written:
        date = _sane(value, zone)
        if date is not None:
            return date
    return None


def _sane(value: Any, zone: tzinfo) -> datetime | None:
    date = parse_date(value, zone=zone) if isinstance(value, str) else None
    return date if date is not None and _EARLIEST <= date < _LATEST else None


def _date_in_view(tree: HtmlElement, address: str, zone: tzinfo) -> datetime | None:
    """The date that a reader sees, the one in the address, or what htmldate finds."""
    seen = _date_seen(tree, zone)
    found = _ADDRESS_DATE.search(address)
    named = None if found is None else _sane("-".join(found.groups()), zone)
    # Other days stand in comments and beside; the address has the right one.
    if named is not None and (seen is None or abs(seen - named) > _NEAR):
        return named
    return seen or _date_by_search(tree, zone)


def _date_seen(tree: HtmlElement, zone: tzinfo) -> datetime | None:
    for element in tree.iter("time"):
        date = _sane(element.get("datetime"), zone)
        if date is not None:
            return date
    alone = None
    for element in tree.iter(*_DATE_ELEMENTS):
        own = " ".join(part for part in (element.text, *(each.tail for each in element)) if part)
        found = _VISIBLE_DATE.search(own) if own and len(own) <= _LONGEST_BYLINE else None
        if found is None:
            continue
        date = _sane(found[0].replace("：", ":"), zone)
        if date is None:
            continue
        named = f"{element.get('class') or ''} {element.get('id') or ''}"
        if _VISIBLE_CUE.search(own) or _DATE_CLASS.search(named):
            return date
        if alone is None and len(own.strip()) <= len(found[0]) + 6:
            alone = date
    return alone


def _date_by_search(tree: HtmlElement, zone: tzinfo) -> datetime | None:
    """What htmldate finds in markup that nothing here knows; a day, without a time."""
    try:
        found = find_date(
            tree,
            extensive_search=False,
            original_date=True,
            min_date=_EARLIEST,
            max_date=_LATEST,
        )
    except Exception:  # a page it was not made for has no date
        return None
    return _sane(found, zone)
