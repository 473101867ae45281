"""What is particular about pages of Wagtail: aliases, restrictions, scheduled moments.

Can be imported without Wagtail; there nothing is a page.
"""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from functools import lru_cache
from typing import Any

from django.conf import settings

from recommender.contrib.django.reading import has_wagtail
from recommender.records import ACCESS_LEVELS, Access

_FIELDS = {
    "title": "title",
    "url": "full_url",
    "date": "first_published_at",
    "visible_from": "go_live_at",
    "visible_until": "expire_at",
}
# Who has the password is not known here, who is a member is.
_RESTRICTED: dict[str, Access] = {"login": "members", "groups": "members", "password": "hidden"}


@lru_cache(maxsize=1)
def _page_class() -> Any:
    from wagtail import models

    # Since Wagtail 8 a site may have a page model of its own.
    return getattr(models, "AbstractPage", models.Page)


def is_page(model: Any) -> bool:
    """Whether a model is one of Wagtail's pages."""
    return has_wagtail() and issubclass(model, _page_class())


def default(page: Any, name: str) -> Any:
    """What a page says of itself where the setting says nothing."""
    if name == "language":
        # Without translations every page has the one locale that the site was set up with.
        translated = getattr(settings, "WAGTAIL_I18N_ENABLED", False)
        return page.locale.language_code if translated and page.locale_id else None
    if name == "url" and page.pk is None:
        return None
    return getattr(page, _FIELDS[name], None) if name in _FIELDS else None


def original_key(page: Any) -> Any:
    """The primary key of the page that an alias, perhaps of an alias, copies; else its own."""
    seen = set()
    while page.alias_of_id and page.alias_of_id not in seen:
        seen.add(page.alias_of_id)
        page = page.alias_of
    return page.pk


def keys_below(page: Any, using: str) -> Iterator[tuple[Any, Any]]:
    """Model and primary key of a page and of all pages below it."""
    from django.contrib.contenttypes.models import ContentType

    pages = type(page)._base_manager.using(using).filter(pk=page.pk)
    path = pages.values_list("path", flat=True).first()
    if path is None:
        return
    base = _base_model(type(page))
    below = base._base_manager.using(using).filter(path__startswith=path)
    for key, kind in below.values_list("pk", "content_type_id"):
        model = ContentType.objects.get_for_id(kind).model_class()
        if model is not None:
            yield model, key


def keys_of_restricted(page_key: Any, using: str) -> Iterator[tuple[Any, Any]]:
    """As `keys_below`, and what lies below aliases of the page, which share its restrictions."""
    from wagtail.models import PageViewRestriction

    pages = PageViewRestriction._meta.get_field("page").related_model._base_manager.using(using)
    waiting, seen = list(pages.filter(pk=page_key)), set()
    while waiting:
        each = waiting.pop()
        if each.pk not in seen:
            seen.add(each.pk)
            yield from keys_below(each, using)
            waiting.extend(pages.filter(alias_of=each.pk))


def _base_model(model: Any) -> Any:
    """The model whose table holds the tree."""
    for parent in model._meta.get_parent_list():
        if is_page(parent):
            return parent
    return model


@dataclass(frozen=True, slots=True)
class Restrictions:
    """Which parts of the tree are not public.

    Attributes
    ----------
    paths : tuple of (str, Access)
        Beginnings of paths in the tree, and who may read what lies there.
    """

    paths: tuple[tuple[str, Access], ...]

    @classmethod
    def read(cls) -> Restrictions:
        """Those of now: of restricted pages, and of their aliases, which follow them."""
        from wagtail.models import PageViewRestriction

        found: dict[Any, Access] = {}
        paths: list[tuple[str, Access]] = []
        rows = PageViewRestriction.objects.values_list(
            "page_id", "page__path", "page__alias_of_id", "restriction_type"
        )
        for key, path, alias_of, kind in rows:
            level = _RESTRICTED.get(kind, "public" if kind == "none" else "hidden")
            # What an alias itself is given does not count in Wagtail.
            if level != "public" and alias_of is None:
                found[key] = max(found.get(key, level), level, key=ACCESS_LEVELS.index)
                paths.append((path, level))
        base = PageViewRestriction._meta.get_field("page").related_model
        while found:
            aliases = base._base_manager.filter(alias_of__in=found)
            rows = list(aliases.values_list("pk", "path", "alias_of_id"))
            found = {key: found[original] for key, _, original in rows}
            paths.extend((path, found[key]) for key, path, _ in rows)
        return cls(tuple(paths))

    def access(self, page: Any) -> Access:
        """Who may read a page."""
        level: Access = "public"
        for path, each in self.paths:
            if page.path.startswith(path):
                level = max(level, each, key=ACCESS_LEVELS.index)
        return level
