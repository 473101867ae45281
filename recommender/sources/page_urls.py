"""Addresses of pages by a template, as "/{category_path}/{id}.html". Pure."""

from __future__ import annotations

import string
from collections.abc import Collection, Mapping
from dataclasses import dataclass
from typing import Any
from urllib.parse import quote

from recommender.errors import ConfigError

_PATHS = "_path"


@dataclass(frozen=True, slots=True)
class PageUrls:
    """Makes the address of a page of what is known of its article.

    Attributes
    ----------
    parts : tuple of (str, str)
        A text, and the field that stands behind it; no field at the end.
    """

    parts: tuple[tuple[str, str], ...]

    @classmethod
    def of(cls, template: object, *, called: str, known: Collection[str] | None = None) -> PageUrls:
        """Read a template.

        Parameters
        ----------
        template : str
            With fields in braces; a brace itself is written twice.
        called : str
            What messages call the source.
        known : collection of str, optional
            The fields there are; without it any may be named.

        Raises
        ------
        ConfigError
            If it is no text, its braces do not match, or it names an unknown field.
        """
        if not isinstance(template, str):
            raise ConfigError(f"{called}: url_template must be text")
        parts = []
        try:
            for text, name, form, conversion in string.Formatter().parse(template):
                if form or conversion or name == "":
                    raise ValueError("a field is a name in braces")
                parts.append((text, name or ""))
        except ValueError as error:
            raise ConfigError(f"{called}: url_template {template!r:.100}: {error}") from error
        for _, name in parts:
            if name and known is not None and name not in known:
                raise ConfigError(
                    f"{called}: url_template has no field {{{name:.40}}}; it has "
                    + ", ".join(f"{{{each}}}" for each in sorted(known))
                )
        return cls(tuple(parts))

    @property
    def fields(self) -> frozenset[str]:
        """The fields it names."""
        return frozenset(name for _, name in self.parts if name)

    def url(self, values: Mapping[str, Any], base: str = "") -> str:
        """The address, or none where the article lacks a field that it names.

        Parameters
        ----------
        values : mapping
            Those of the fields; one whose name ends in `_path` may hold slashes.
        base : str
            In front of a template that does not itself begin with a scheme.
        """
        made = []
        for text, name in self.parts:
            made.append(text)
            if name:
                value = values.get(name)
                if value is None or value == "":
                    return ""
                made.append(quote(str(value), safe="/" if name.endswith(_PATHS) else ""))
        address = "".join(made)
        if "://" in address.partition("?")[0]:
            return address
        return f"{base.rstrip('/')}/{address.lstrip('/')}"


def checked_base(base: object, *, called: str) -> str:
    """The beginning of a site's addresses.

    Raises
    ------
    ConfigError
        If it is no text or has no scheme.
    """
    if not isinstance(base, str):
        raise ConfigError(f"{called}: base_url must be text")
    if base and not base.startswith(("http://", "https://", "/")):
        raise ConfigError(f"{called}: base_url must begin with https:// or http://")
    return base
