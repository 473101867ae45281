"""`{% related_articles page limit=5 as articles %}`, after `{% load recommender %}`."""

from __future__ import annotations

from typing import Any

from django import template

from recommender.contrib.django.related import RelatedArticle
from recommender.contrib.django.related import related_articles as related

register = template.Library()


@register.simple_tag(takes_context=True)
def related_articles(context: Any, instance: Any, limit: Any = 5) -> list[RelatedArticle]:
    """The related articles of an object, each with title, url, similarity, verdict, object."""
    return related(instance, limit=limit, request=context.get("request"))
