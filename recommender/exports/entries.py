"""A related list as it is exported: plain values, the same for every kind of place.

Pure. Titles are written as they are, for the page to escape; addresses that are not of the web
are left out, so that no script can be one.
"""

from __future__ import annotations

import json
from collections.abc import Iterable, Iterator, Mapping
from dataclasses import dataclass
from typing import Any
from urllib.parse import urlsplit

from recommender.records import Card, MatchList

SCHEMA_VERSION = 1
GENERATOR = "recommender"
# JSON may stand inside a page; none of these then ends or begins an element.
_UNSAFE = {ord(each): f"\\u{ord(each):04x}" for each in "<>&\u2028\u2029"}


@dataclass(frozen=True, slots=True, kw_only=True)
class Shown:
    """One article of a list, as two lists are compared.

    Attributes
    ----------
    id : str
    shown : tuple
        What a page shows of it.
    numbers : tuple
        What it does not show.
    """

    id: str
    shown: tuple[Any, ...]
    numbers: tuple[Any, ...]


@dataclass(frozen=True, slots=True, kw_only=True)
class Entry:
    """The list of one article.

    Attributes
    ----------
    id, url : str
        Of the article whose list it is.
    items : tuple of dict
        The related articles, best first: id, title, url, date (ISO 8601 in UTC or null),
        similarity, verdict, also_covered (ids of articles that tell the same story as this one).
    filler : tuple of dict
        Articles that only fill the list up: id, title, url, date, and why ("latest", "category").
    reason : str
        Why there are fewer items than asked for; empty when there are not.
    """

    id: str
    url: str
    items: tuple[Mapping[str, Any], ...]
    filler: tuple[Mapping[str, Any], ...] = ()
    reason: str = ""

    def to_dict(self) -> dict[str, Any]:
        """As plain values."""
        return {
            "article": {"id": self.id, "url": self.url},
            "items": [dict(each) for each in self.items],
            "filler": [dict(each) for each in self.filler],
            "reason": self.reason,
        }

    @classmethod
    def from_dict(cls, data: Mapping[str, Any]) -> Entry:
        """Read back what `to_dict` gave.

        Raises
        ------
        KeyError, TypeError, ValueError
            If it is something else.
        """
        article = data["article"]
        if not isinstance(article["id"], str) or not isinstance(article["url"], str):
            raise TypeError("an article has the wrong types")
        parts = {name: tuple(map(dict, data[name])) for name in ("items", "filler")}
        if not all(isinstance(each["id"], str) for part in parts.values() for each in part):
            raise TypeError("an item has the wrong types")
        return cls(id=article["id"], url=article["url"], reason=str(data["reason"]), **parts)

    def compared(self) -> tuple[Shown, ...]:
        """The list as it is compared with another one."""
        return tuple(
            Shown(
                id=each["id"],
                shown=tuple(each.get(name) for name in ("title", "url", "date", "verdict", "why")),
                numbers=(each.get("similarity"), tuple(each.get("also_covered", ()))),
            )
            for each in (*self.items, *self.filler)
        )


def entries(lists: Iterable[tuple[Card, MatchList]], *, site: str = "") -> Iterator[Entry]:
    """What is written of related lists; articles without a title are in none.

    Parameters
    ----------
    lists : iterable of (Card, MatchList)
    site : str
        When given, ids lose it: "site:4812" is written as the site knows the article, "4812".
    """
    prefix = f"{site}:" if site else ""
    for card, matches in lists:
        yield Entry(
            id=card.id.removeprefix(prefix),
            url=safe_url(card.url),
            items=tuple(
                {
                    **_shown(match.article, prefix),
                    "similarity": match.similarity,
                    "verdict": str(match.verdict),
                    "also_covered": [each.removeprefix(prefix) for each in match.also_covered],
                }
                for match in matches
                if _can_be_shown(match.article)
            ),
            filler=tuple(
                {**_shown(each.article, prefix), "why": each.reason}
                for each in matches.filler
                if _can_be_shown(each.article)
            ),
            reason=matches.reason,
        )


def _can_be_shown(card: Card) -> bool:
    """Whether a reader would see anything of it: a link without words is none."""
    return bool(card.title.strip())


def _shown(card: Card, prefix: str) -> dict[str, Any]:
    return {
        "id": card.id.removeprefix(prefix),
        "title": card.title,
        "url": safe_url(card.url),
        "date": card.date.isoformat() if card.date else None,
    }


def safe_url(url: str) -> str:
    """The address if it is one of the web, or a path within the site; else nothing."""
    try:
        scheme = urlsplit(url).scheme
    except ValueError:
        return ""
    return url if scheme in ("", "http", "https") and url.isprintable() else ""


def to_json(data: Mapping[str, Any]) -> str:
    """JSON on one line that may also stand inside a page."""
    text = json.dumps(data, ensure_ascii=False, separators=(",", ":"))
    return text.translate(_UNSAFE)
