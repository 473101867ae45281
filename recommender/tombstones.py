"""Tombstones: what was erased for good does not come back unless somebody says so.

A tombstone is a keyed hash (BLAKE2b) of an article's id, and another of its folded text, so that
the same article under a new id is noticed as well. The key is random, one for each index: the
marks of two indexes cannot be compared, and nothing of a text can be read off them. Who holds
the index can still ask whether an id he knows was erased; that is what the marks are for.
"""

from __future__ import annotations

import hashlib
import logging
from collections.abc import Collection, Iterable, Sequence
from datetime import datetime
from typing import Protocol, TypeVar

from recommender.records import Card
from recommender.store import (
    Store,
    Writer,
    delete_tombstones,
    find_tombstones,
    make_tombstone_secret,
    put_tombstones,
    tombstone_secret,
)
from recommender.text import fold_many

logger = logging.getLogger("recommender")

_BYTES = 16
_ID, _TEXT = b"article id", b"article text"
_NAMED = 5
# Shorter ones ("pictures of the day") are not of one article only.
_LEAST_TEXT = 60


class _Incoming(Protocol):
    """An article on its way into an index."""

    @property
    def card(self) -> Card: ...

    @property
    def text(self) -> str: ...


Incoming = TypeVar("Incoming", bound=_Incoming)


def keep_out(store: Store, articles: Sequence[Incoming]) -> list[Incoming]:
    """Those of the articles that were not erased for good, in their order.

    An article is one that was erased if its id is, or if its text is that of one, be it under
    another id. What stays out is logged.
    """
    out = erased_among(store, articles)
    if out:
        logger.warning(
            "not taken in, because it was erased for good: %s%s; if it is to come back, say so "
            "(allow_erased=True; on the command line --allow-erased)",
            ", ".join(map(repr, out[:_NAMED])),
            f" and {len(out) - _NAMED:,} more" if len(out) > _NAMED else "",
        )
    gone = set(out)
    return [each for each in articles if each.card.id not in gone]


def erased_among(store: Store, articles: Sequence[_Incoming]) -> list[str]:
    """Ids of those of the articles that were erased for good, in their order; nothing is logged."""
    secret = tombstone_secret(store)
    if secret is None or not articles:
        return []
    keys = _keys(secret, articles)
    erased = find_tombstones(store, {key for each in keys for key in each})
    return [
        one.card.id for one, own in zip(articles, keys, strict=True) if erased.intersection(own)
    ]


def let_back(writer: Writer, articles: Sequence[_Incoming]) -> None:
    """Take away the tombstones of articles that come back by somebody's will."""
    secret = tombstone_secret(writer)
    if secret is not None:
        delete_tombstones(writer, {key for each in _keys(secret, articles) for key in each})


def bury(
    writer: Writer, ids: Iterable[str], texts: Collection[str], at: datetime
) -> frozenset[str]:
    """Store tombstones of ids and clean texts, inside a transaction; ids that had one already."""
    secret = make_tombstone_secret(writer)
    keys = {_keyed(secret, article_id, _ID): article_id for article_id in ids}
    before = find_tombstones(writer, keys)
    telling = [each for each in fold_many(list(texts)) if len(each) >= _LEAST_TEXT]
    put_tombstones(writer, [*keys, *(_keyed(secret, each, _TEXT) for each in telling)], at)
    return frozenset(keys[key] for key in before)


def _keys(secret: bytes, articles: Sequence[_Incoming]) -> list[tuple[bytes, ...]]:
    folded = fold_many([each.text for each in articles])
    return [
        (
            _keyed(secret, each.card.id, _ID),
            *((_keyed(secret, text, _TEXT),) if len(text) >= _LEAST_TEXT else ()),
        )
        for each, text in zip(articles, folded, strict=True)
    ]


def _keyed(secret: bytes, value: str, kind: bytes) -> bytes:
    data = value.encode("utf-8", "surrogatepass")
    return hashlib.blake2b(data, key=secret, person=kind, digest_size=_BYTES).digest()
