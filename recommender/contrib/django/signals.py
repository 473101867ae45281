"""What happens to objects, from Django's signals and Wagtail's, as reasons to look at them.

Pages are followed by what Wagtail says of publishing: saving a draft changes nothing that readers
see. Other objects are followed by every save.
"""

from __future__ import annotations

from functools import partial
from typing import Any

from django.db.models.signals import post_delete, post_save

from recommender.contrib.django import wagtail_pages
from recommender.contrib.django.following import follow, follows
from recommender.contrib.django.reading import has_wagtail


def connect() -> None:
    """Connect all; called once, when the apps are ready."""
    # Of every model, because only the setting says which are articles, and tests change it.
    post_save.connect(_saved, dispatch_uid="recommender.saved")
    post_delete.connect(_deleted, dispatch_uid="recommender.deleted")
    if has_wagtail():
        _connect_wagtail()


def _connect_wagtail() -> None:
    from wagtail import signals
    from wagtail.models import PageViewRestriction

    for name in ("page_published", "page_unpublished"):
        getattr(signals, name).connect(_page_changed, dispatch_uid=f"recommender.{name}")
    # Addresses, and who may read, follow for all pages below.
    for name in ("page_slug_changed", "post_page_move"):
        getattr(signals, name).connect(_tree_changed, dispatch_uid=f"recommender.{name}")
    for signal, name in ((post_save, "restricted"), (post_delete, "unrestricted")):
        signal.connect(
            _restriction_changed, sender=PageViewRestriction, dispatch_uid=f"recommender.{name}"
        )


def _saved(
    sender: Any,
    instance: Any,
    using: str,
    raw: bool = False,
    update_fields: Any = None,
    **_: Any,
) -> None:
    if raw:
        return
    model = sender
    if wagtail_pages.is_page(sender):
        # An alias that becomes a page of its own is live at once, and nothing is published.
        if update_fields is None or set(update_fields) != {"alias_of_id"}:
            return
        model = instance.specific_class
    if model is not None and follows(model):
        _look(model, instance.pk, using)


def _deleted(sender: Any, instance: Any, using: str, **_: Any) -> None:
    if follows(sender):
        _look(sender, instance.pk, using)


def _page_changed(sender: Any, instance: Any, **_: Any) -> None:
    if follows(sender):
        _look(sender, instance.pk, instance._state.db)


def _look(model: Any, key: Any, using: str) -> None:
    # The key is kept, not the object: Django takes it from an object that is deleted.
    follow(lambda: [(model, key)], using=using)


def _tree_changed(sender: Any, instance: Any, **_: Any) -> None:
    using = instance._state.db
    follow(partial(wagtail_pages.keys_below, instance, using), using=using)


def _restriction_changed(sender: Any, instance: Any, using: str, **_: Any) -> None:
    follow(partial(wagtail_pages.keys_of_restricted, instance.page_id, using), using=using)
