"""Which objects of a site are articles, under which ids, and what the index is given of each.

An article's id is the label of its model and its key, "news.Article:12". Everything asks the
database for the state as it is now, so that it does not matter which event led here.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass
from datetime import datetime
from functools import cached_property
from typing import Any

from django.core.exceptions import ValidationError
from django.db import DatabaseError
from django.utils import timezone

from recommender.contrib.django import wagtail_pages
from recommender.contrib.django.options import ModelOptions, options
from recommender.contrib.django.reading import body_of, line_of, moment_of
from recommender.errors import ArticleError
from recommender.records import ACCESS_LEVELS, Access, Article

_LINES = ("title", "url", "category", "language", "source", "site")
_MOMENTS = ("date", "visible_from", "visible_until")
_ACCESS = {True: "public", False: "hidden", None: "public"}


@dataclass(frozen=True)
class Rule:
    """How the objects of one model become articles."""

    said: ModelOptions

    @property
    def label(self) -> str:
        """As in "news.Article"."""
        return self.said.label

    @property
    def model(self) -> Any:
        """The model itself."""
        return self.said.model

    @cached_property
    def is_page(self) -> bool:
        """Whether these are pages of Wagtail."""
        return wagtail_pages.is_page(self.model)

    def article_id(self, key: Any) -> str:
        """The id in the index of the object with this primary key."""
        return f"{self.label}:{key}"

    def queryset(self, using: str | None = None) -> Any:
        """The objects that are live, whether readers may see them or only members."""
        found = self.said.queryset(self.model) if self.said.queryset else None
        if found is None:
            found = self.model._default_manager.all()
        if using is not None:
            found = found.using(using)
        if self.said.live_field:
            found = found.filter(**{self.said.live_field: True})
        # An alias is a copy by design: its original stands for it.
        return found.filter(live=True, alias_of__isnull=True) if self.is_page else found

    def is_live(self, instance: Any) -> bool:
        """What cannot be asked of the database."""
        return self.said.live is None or bool(self.said.live(instance))

    def objects(self, keys: Iterable[Any], using: str | None = None) -> dict[str, Any]:
        """Live objects by article id, read in one query; keys that name none are absent."""
        field = self.model._meta.pk
        usable = []
        for key in keys:
            try:
                usable.append(field.to_python(key))
            except ValidationError:
                continue
        found = self.queryset(using).filter(pk__in=usable)
        return {self.article_id(each.pk): each for each in found if self.is_live(each)}

    def public_objects(self, keys: Iterable[Any]) -> dict[str, Any]:
        """As `objects`, without those that the public may not see now."""
        found = self.objects(keys)
        restrictions = wagtail_pages.Restrictions.read() if self.is_page and found else None
        now = timezone.now()
        return {
            article_id: each
            for article_id, each in found.items()
            if self._is_public(each, restrictions, now)
        }

    def articles(self, instances: Iterable[Any]) -> Iterator[Article | ArticleError]:
        """The articles of objects; an error in the place of one that cannot be read."""
        restrictions = wagtail_pages.Restrictions.read() if self.is_page else None
        for instance in instances:
            try:
                yield self._article(instance, restrictions)
            except ArticleError as error:
                yield error

    def draft(self, instance: Any) -> Article:
        """The article of an object that need not be saved, nor live.

        Raises
        ------
        ArticleError
            If it cannot be read.
        """
        return self._article(instance, None)

    def url(self, instance: Any, request: Any = None) -> str:
        """The address of an object, as short as the request allows."""
        if "url" in self.said.getters:
            return line_of(self._get(instance, "url"))
        if self.is_page:
            return line_of(instance.get_url(request=request))
        return line_of(getattr(instance, "get_absolute_url", str)())

    def title(self, instance: Any) -> str:
        """The title of an object."""
        return line_of(self._get(instance, "title")) or str(instance)

    def date_and_section(self, instance: Any) -> tuple[datetime | None, str]:
        """What tells objects of one title apart; `None` and empty where it is not known."""
        try:
            return moment_of(self._get(instance, "date")), line_of(self._get(instance, "category"))
        except DatabaseError:
            raise
        except Exception:
            # A site's own methods may fail in any way; a warning is shown without this.
            return None, ""

    def _article(self, instance: Any, restrictions: Any) -> Article:
        article_id = self.article_id(instance.pk or "draft")
        try:
            values: dict[str, Any] = {name: line_of(self._get(instance, name)) for name in _LINES}
            values |= {name: moment_of(self._get(instance, name)) for name in _MOMENTS}
            values["language"] = values["language"].partition("-")[0].lower()
            values["title"] = values["title"] or ("" if instance.pk is None else str(instance))
            values["access"] = self._access(instance, restrictions)
            body = body_of(self._get(instance, "body"))
        except (ArticleError, DatabaseError):
            raise
        except Exception as error:
            # A site's own methods may fail in any way; one article must not end a sync.
            raise ArticleError(
                f"its fields cannot be read ({type(error).__name__}: {error})",
                source=self.label,
                article_id=article_id,
            ) from error
        return Article(id=article_id, body=body, **values)

    def _get(self, instance: Any, name: str) -> Any:
        if name in self.said.getters:
            return self.said.getters[name](instance)
        if self.is_page:
            return wagtail_pages.default(instance, name)
        if name == "url":
            return getattr(instance, "get_absolute_url", str)() if instance.pk else ""
        return getattr(instance, "title", None) if name == "title" else None

    def _access(self, instance: Any, restrictions: Any) -> Access:
        said = self._get(instance, "access")
        level = _ACCESS.get(said, said) if isinstance(said, (bool, type(None))) else str(said)
        if level not in ACCESS_LEVELS:
            raise ArticleError(
                f"access must be one of {', '.join(ACCESS_LEVELS)}, not {level!r:.60}",
                source=self.label,
                article_id=self.article_id(instance.pk),
            )
        # The stricter of the two.
        found: Access = level
        if restrictions is not None:
            found = max(found, restrictions.access(instance), key=ACCESS_LEVELS.index)
        return found

    def _is_public(self, instance: Any, restrictions: Any, now: datetime) -> bool:
        begins = moment_of(self._get(instance, "visible_from"))
        ends = moment_of(self._get(instance, "visible_until"))
        return (
            self._access(instance, restrictions) == "public"
            and (begins is None or begins <= now)
            and (ends is None or now < ends)
        )


def all_rules() -> tuple[Rule, ...]:
    """The rules of the setting.

    Raises
    ------
    ConfigError
        If something is wrong with the setting.
    """
    return tuple(Rule(each) for each in options().models.values())


def rule_for(model: Any) -> Rule | None:
    """The rule of a model, or of the one that it is a kind of; `None` where it has none."""
    models = options().models
    for each in model.__mro__:
        meta = getattr(each, "_meta", None)
        if meta is not None and meta.label in models:
            return Rule(models[meta.label])
    return None


def subject_of(instance: Any) -> tuple[Rule, Any] | None:
    """The rule of an object, and the primary key of the article it stands for.

    An alias of Wagtail stands for its original; a page that was read as a plain `Page` is told
    by its type.
    """
    model = type(instance)
    key = instance.pk
    if wagtail_pages.is_page(model):
        model = instance.specific_class or model
        key = wagtail_pages.original_key(instance)
    rule = rule_for(model)
    return None if rule is None else (rule, key)


def split_id(article_id: str) -> tuple[str, str]:
    """The label and the primary key of an article's id."""
    label, _, key = article_id.partition(":")
    return label, key


def public_objects(article_ids: Sequence[str]) -> dict[str, Any]:
    """Objects of articles that the public may see now, in one query a model."""
    keys: dict[str, list[str]] = {}
    for article_id in article_ids:
        label, key = split_id(article_id)
        keys.setdefault(label, []).append(key)
    found: dict[str, Any] = {}
    for rule in all_rules():
        if rule.label in keys:
            found |= rule.public_objects(keys[rule.label])
    return found


__all__ = ["Rule", "all_rules", "public_objects", "rule_for", "split_id", "subject_of"]
