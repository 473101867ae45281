"""The related list of an object as a template shows it: from the cache, the index, or an old copy.

A page must come whatever happens to the index: here nothing is raised, a failure is logged, and
for some seconds afterwards nobody waits for an index that did not answer.
"""

from __future__ import annotations

import logging
import time
from collections.abc import Sequence
from dataclasses import astuple, dataclass
from hashlib import sha256
from typing import Any

from django.core.cache import caches

from recommender.contrib.django import backends
from recommender.contrib.django.backends import Backend, Listed, RelatedList
from recommender.contrib.django.options import Options, options
from recommender.contrib.django.rules import Rule, public_objects, rule_for, subject_of
from recommender.errors import ArticleNotFound, RecommenderError

logger = logging.getLogger("recommender.django")

_MOST = 50
# Some more than are shown, for those that are no longer live.
_SPARE = 3
# So long nobody asks an index that did not answer.
_PAUSE_SECONDS = 5


@dataclass(frozen=True, slots=True, kw_only=True)
class RelatedArticle:
    """One line of a related box.

    Attributes
    ----------
    title, url : str
        Of the object as it is now.
    similarity : float
        0 to 1, higher is closer.
    verdict : str
        "related", as a rule; near-duplicates are in no box.
    object : model instance
        Live, and public.
    """

    title: str
    url: str
    similarity: float
    verdict: str
    object: Any


def related_articles(instance: Any, *, limit: Any = 5, request: Any = None) -> list[RelatedArticle]:
    """The best related articles that the public may see now; empty on any failure.

    Parameters
    ----------
    instance : model instance
        A page or another object of a model in the setting; of an alias its original counts.
    limit : int
        Most articles, at most 50.
    request : HttpRequest, optional
        Makes addresses of pages short.
    """
    try:
        return _related(instance, min(max(int(limit), 0), _MOST), request)
    except RecommenderError as error:
        logger.warning("no related articles for %s: %s", _shown(instance), error)
    except Exception:
        logger.exception("no related articles for %s", _shown(instance))
    return []


def _related(instance: Any, limit: int, request: Any) -> list[RelatedArticle]:
    subject = subject_of(instance) if hasattr(instance, "_meta") else None
    if subject is None:
        logger.warning("no related articles for %s: no model of the setting", _shown(instance))
        return []
    rule, key = subject
    if key is None or not limit:
        return []
    listed = _listed(rule.article_id(key), limit + _SPARE)
    objects = public_objects([each.id for each in listed])
    found = [_shown_as(each, objects[each.id], request) for each in listed if each.id in objects]
    return found[:limit]


def _shown_as(listed: Listed, instance: Any, request: Any) -> RelatedArticle:
    rule: Rule | None = rule_for(type(instance))
    return RelatedArticle(
        title=rule.title(instance) if rule else listed.title,
        url=(rule.url(instance, request) if rule else "") or listed.url,
        similarity=listed.similarity,
        verdict=listed.verdict,
        object=instance,
    )


@dataclass(frozen=True, slots=True)
class _Kept:
    """A list in the cache."""

    at: float
    found: RelatedList

    def packed(self) -> list[Any]:
        """As plain values: a cache may be shared with other versions of this package."""
        return [self.at, self.found.version, [list(astuple(each)) for each in self.found.items]]

    @classmethod
    def unpacked(cls, values: Any) -> _Kept | None:
        """What `packed` made; `None` for anything else."""
        try:
            at, version, rows = values
            names = ("id", "title", "url", "similarity", "verdict")
            items = tuple(Listed(**dict(zip(names, row, strict=True))) for row in rows)
            return cls(float(at), RelatedList(items, str(version)))
        except (TypeError, ValueError):
            return None


def _listed(article_id: str, limit: int) -> Sequence[Listed]:
    """The list, from the cache while it is right, else from the index, else an old one."""
    said = options()
    cache = caches[said.cache]
    place = _place(said, article_id, limit)
    kept = _Kept.unpacked(cache.get(place))
    pause = f"recommender:pause:{place.rpartition(':')[0]}"
    if cache.get(pause):
        return kept.found.items if kept else ()
    try:
        backend = backends.reading()
        if kept is not None and _is_right(kept, backend, said):
            return kept.found.items
        found = _asked(backend, article_id, limit, kept)
    except Exception as error:
        cache.set(pause, True, _PAUSE_SECONDS)
        # An error of this package is one clear line; anything else shows where it came from.
        known = isinstance(error, RecommenderError)
        logger.error(
            "the index cannot be asked for related articles (%s); old lists are shown",
            error,
            exc_info=None if known else error,
        )
        return kept.found.items if kept else ()
    cache.set(place, _Kept(time.time(), found).packed(), said.stale_seconds or None)
    return found.items


def _asked(backend: Backend, article_id: str, limit: int, kept: _Kept | None) -> RelatedList:
    try:
        return backend.related(article_id, limit=limit, known=kept.found if kept else None)
    except ArticleNotFound:
        # New, or not public: worth remembering as well.
        return RelatedList((), backend.version() or "")


def _is_right(kept: _Kept, backend: Backend, said: Options) -> bool:
    if not 0 <= time.time() - kept.at < said.cache_seconds:
        return False
    return backend.version() in (None, kept.found.version)


def _place(said: Options, article_id: str, limit: int) -> str:
    """The key in the cache: sites with another index, or service, may share the cache."""
    where = f"{said.index}|{said.service.url if said.service else ''}"
    parts = [sha256(each.encode()).hexdigest()[:16] for each in (where, f"{article_id}|{limit}")]
    return ":".join(["recommender:related", *parts])


def _shown(instance: Any) -> str:
    """An object as a log names it: never its text."""
    meta = getattr(instance, "_meta", None)
    return f"{meta.label}:{instance.pk}" if meta else type(instance).__name__
