"""The check of a draft before it is published, as an editor is shown it.

Used by the panel of Wagtail and by Django's admin. An editor is told of what everybody may read,
and of what is not public only where the editor may change it.
"""

from __future__ import annotations

import logging
from collections.abc import Callable
from dataclasses import dataclass, replace
from datetime import datetime
from typing import Any

from django.http import HttpRequest, JsonResponse
from django.template.loader import render_to_string
from django.utils.translation import gettext as _
from django.utils.translation import gettext_lazy

from recommender.contrib.django import backends
from recommender.contrib.django.backends import NearDuplicate
from recommender.contrib.django.rules import (
    Rule,
    all_rules,
    public_objects,
    rule_for,
    split_id,
)
from recommender.errors import RecommenderError

logger = logging.getLogger("recommender.django")

# An object and a request, to the address where the user may change it; empty where not.
EditAddress = Callable[[Any, HttpRequest], str]

VERDICTS = {
    "same-text": gettext_lazy("The same text"),
    "same-story": gettext_lazy("The same story"),
}
_ASKED = 15
_SHOWN = 8
_MOST_FACTS = 6


@dataclass(frozen=True, slots=True, kw_only=True)
class Warned:
    """One article that an editor is warned of.

    Attributes
    ----------
    id, title, url, edit_url : str
        Addresses are empty where there is none, or where the user may not go.
    date : datetime or None
    section, name : str
        What tells articles of one title apart: the section, and the kind of object with its
        primary key, or the article's id.
    verdict, verdict_name : str
        As a word for programs, and in the editor's language.
    percent : int
        The similarity, 0 to 100.
    shared_percent : int or None
        Share of the shorter text that the longer one has.
    days_apart : int or None
    facts : tuple of str
        Facts that differ.
    public : bool
    """

    id: str
    title: str
    url: str
    edit_url: str
    date: datetime | None
    section: str
    name: str
    verdict: str
    verdict_name: str
    percent: int
    shared_percent: int | None
    days_apart: int | None
    facts: tuple[str, ...]
    public: bool


def check_response(
    rule: Rule, draft: Any, request: HttpRequest, edit_address: EditAddress
) -> JsonResponse:
    """What the script in the editor's page is answered: what was found, and the HTML.

    Parameters
    ----------
    rule : Rule
    draft : model instance
        With the values of the form; not saved.
    request : HttpRequest
        Of a user who may change the draft.
    edit_address : callable
    """
    try:
        found = backends.changing().near_duplicates(rule.draft(draft), limit=_ASKED)
        warned = _warned(found.found, request, edit_address)[:_SHOWN]
    except RecommenderError as error:
        logger.error("a draft of %s was not checked: %s", rule.label, error)
        return _failed(request)
    except Exception:
        logger.exception("a draft of %s was not checked", rule.label)
        return _failed(request)
    context = {"warned": warned, "too_short": found.too_short}
    html = render_to_string("recommender/near_duplicates.html", context, request)
    return JsonResponse({"ids": [each.id for each in warned], "html": html})


def _failed(request: HttpRequest) -> JsonResponse:
    text = _("The check cannot be made now. You can publish all the same.")
    html = render_to_string("recommender/near_duplicates.html", {"failure": text}, request)
    return JsonResponse({"ids": [], "failed": True, "html": html})


def _warned(
    found: tuple[NearDuplicate, ...], request: HttpRequest, edit_address: EditAddress
) -> list[Warned]:
    ids = [each.id for each in found]
    objects, public = _objects(ids), public_objects(ids)
    labels = {rule.label for rule in all_rules()}
    warned = []
    for each in found:
        instance = objects.get(each.id)
        ours = split_id(each.id)[0] in labels
        if instance is None and ours:
            # Deleted or taken back, and the index does not know yet.
            continue
        is_public = each.public and (each.id in public or not ours)
        edit_url = edit_address(instance, request) if instance is not None else ""
        if is_public or edit_url:
            warned.append(_shown(replace(each, public=is_public), instance, edit_url))
    return warned


def _objects(article_ids: list[str]) -> dict[str, Any]:
    found: dict[str, Any] = {}
    for rule in all_rules():
        keys = [key for label, key in map(split_id, article_ids) if label == rule.label]
        if keys:
            found |= rule.objects(keys)
    return found


def _shown(each: NearDuplicate, instance: Any, edit_url: str) -> Warned:
    shared, days = each.shared_wording, each.days_apart
    rule = None if instance is None else rule_for(type(instance))
    date, section = (None, "") if rule is None else rule.date_and_section(instance)
    kind = "" if instance is None else str(instance._meta.verbose_name)
    return Warned(
        id=each.id,
        title=(rule.title(instance) if rule else each.title) or each.id,
        url=each.url if each.url.startswith(("http://", "https://", "/")) else "",
        edit_url=edit_url,
        date=date,
        section=section,
        name=f"{kind} {instance.pk}" if kind else each.id,
        verdict=each.verdict,
        verdict_name=str(VERDICTS.get(each.verdict, each.verdict)),
        percent=int(each.similarity * 100),
        shared_percent=None if shared is None else int(shared * 100),
        days_apart=None if days is None else round(days),
        facts=each.differing_facts[:_MOST_FACTS],
        public=each.public,
    )


def admin_address(instance: Any, request: HttpRequest, *, site: Any = None) -> str:
    """Where a user may change an object in Django's admin; empty where not, or without admin."""
    from django.contrib import admin
    from django.urls import NoReverseMatch, reverse

    site = site or admin.site
    model = type(instance)
    # Public only since Django 5.0.
    registered = site._registry.get(model)
    if registered is None or not registered.has_change_permission(request, instance):
        return ""
    name = f"{site.name}:{model._meta.app_label}_{model._meta.model_name}_change"
    try:
        return str(reverse(name, args=[instance.pk]))
    except NoReverseMatch:
        return ""
