"""From an object to the values of an article: field names, dotted paths and callables.

Knows Wagtail's rich text and streams by what they offer, so that it works without Wagtail. Never
renders a template: the templates of blocks add words that are no part of the article, and those
of embeds ask other servers.
"""

from __future__ import annotations

import re
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from datetime import date, datetime, time
from typing import Any

from django.apps import apps
from django.core.exceptions import FieldDoesNotExist, ObjectDoesNotExist
from django.utils import timezone
from django.utils.dateparse import parse_date, parse_datetime
from django.utils.html import escape, linebreaks
from django.utils.module_loading import import_string

_TAG = re.compile(r"<[a-zA-Z!/][^<>]*>")


class BadField(ValueError):
    """A field map names something that is not there."""


@dataclass(frozen=True, slots=True)
class Getter:
    """Gets one value of an object.

    Attributes
    ----------
    function : callable
        Given the object.
    lookup : str
        The same as a path in a query, where it is one; else empty.
    """

    function: Callable[[Any], Any]
    lookup: str = ""

    def __call__(self, instance: Any) -> Any:
        """The value; `None` where a part of the path is missing."""
        return self.function(instance)


def getter(model: Any, said: object, *, parts: bool = False) -> Getter:
    """What a field map says, as a function of an object.

    Parameters
    ----------
    model : type
        Of the objects.
    said : object
        The name of a field, property or method; a path of such names with dots; a callable, or
        the path to import one from. With `parts` also a list of these.
    parts : bool
        Whether a list is taken, whose values are put one after the other.

    Raises
    ------
    BadField
        If it is none of these, or nothing of the model has that name.
    """
    if parts and isinstance(said, (list, tuple)):
        each = [getter(model, one) for one in said]
        return Getter(lambda instance: [one(instance) for one in each])
    if isinstance(said, str) and said:
        if _has(model, said.partition(".")[0]):
            return _path(model, said)
        if "." not in said:
            raise BadField(f"{model._meta.label} has no {said!r:.80}")
    elif not callable(said):
        raise BadField(
            f"it must be the name of a field, a dotted path or a callable, not {said!r:.60}"
        )
    return Getter(imported(said))


def imported(said: object) -> Callable[[Any], Any]:
    """A callable, given itself or by the path to import it from.

    Raises
    ------
    BadField
        If there is none.
    """
    found = said
    if isinstance(said, str):
        try:
            found = import_string(said)
        except (ImportError, ValueError) as error:
            raise BadField(f"{said!r:.80} cannot be imported ({error})") from error
    if not callable(found):
        raise BadField(f"{said!r:.80} is not a callable")
    return found


def _has(model: Any, name: str) -> bool:
    try:
        model._meta.get_field(name)
    except FieldDoesNotExist:
        return hasattr(model, name)
    return True


def _path(model: Any, path: str) -> Getter:
    names = path.split(".")

    def follow(instance: Any) -> Any:
        value = instance
        for name in names:
            try:
                value = getattr(value, name, None)
            except ObjectDoesNotExist:
                value = None
            # A manager is callable too, and is no method.
            if callable(value) and not hasattr(value, "all"):
                value = value()
            if value is None:
                return None
        return value

    return Getter(follow, lookup="__".join(names) if _is_lookup(model, names) else "")


def _is_lookup(model: Any, names: list[str]) -> bool:
    """Whether the path leads over columns only, so that the database can follow it."""
    for name in names:
        try:
            field = model._meta.get_field(name)
        except (FieldDoesNotExist, AttributeError):
            return False
        model = field.related_model
    return True


def line_of(value: Any) -> str:
    """A value as one line: of several things the first."""
    if hasattr(value, "all"):
        value = value.all()[:1]
    if isinstance(value, (list, tuple)) or hasattr(value, "iterator"):
        value = next(iter(value), None)
    return "" if value is None else " ".join(str(value).split())


def body_of(value: Any) -> str:
    """A value as HTML or plain text; rich text as it is stored, a stream block by block."""
    if isinstance(value, (list, tuple)):
        # Plain text among HTML would lose its paragraphs.
        return "\n".join(_as_html(each) for each in map(body_of, value) if each.strip())
    if hasattr(value, "stream_block"):
        return "\n".join(_pieces(value.stream_block, value))
    if hasattr(value, "all"):
        return "\n".join(str(each) for each in value.all())
    return "" if value is None else str(getattr(value, "source", value))


def _as_html(text: str) -> str:
    return text if _TAG.search(text) else str(linebreaks(text, autoescape=True))


def _pieces(block: Any, value: Any) -> Iterator[str]:
    """The texts of a block, a paragraph each, in their order."""
    if value is None:
        return
    kind = _kind(block)
    if kind == "stream":
        for child in value:
            yield from _pieces(child.block, child.value)
    elif kind == "list":
        for child in value:
            yield from _pieces(block.child_block, child)
    elif kind == "struct":
        for name, child in block.child_blocks.items():
            yield from _pieces(child, value.get(name))
    elif kind == "html":
        yield str(getattr(value, "source", value))
    elif kind == "text":
        yield str(linebreaks(str(value), autoescape=True))
    elif kind == "other":
        for text in block.get_searchable_content(value):
            yield f"<p>{escape(text)}</p>"


def _kind(block: Any) -> str:
    from wagtail import blocks

    for kind, types in (
        ("stream", blocks.BaseStreamBlock),
        ("list", blocks.ListBlock),
        ("struct", blocks.BaseStructBlock),
        ("html", (blocks.RichTextBlock, blocks.RawHTMLBlock)),
        ("text", (blocks.CharBlock, blocks.TextBlock)),
        # A layout that was chosen is no text of the article.
        ("none", (blocks.ChoiceBlock, blocks.MultipleChoiceBlock)),
    ):
        if isinstance(block, types):
            return kind
    return "other"


def moment_of(value: Any) -> datetime | None:
    """A value as an aware datetime: a day begins at midnight in the site's time zone."""
    if isinstance(value, str):
        try:
            value = parse_datetime(value) or parse_date(value)
        except ValueError:
            return None
    if isinstance(value, date) and not isinstance(value, datetime):
        value = datetime.combine(value, time())
    if not isinstance(value, datetime):
        return None
    if timezone.is_naive(value):
        aware: datetime = timezone.make_aware(value, timezone.get_default_timezone())
        return aware
    return value


def has_wagtail() -> bool:
    """Whether the site is a Wagtail site."""
    return bool(apps.is_installed("wagtail"))
