"""What the presets share: options, the site's folder, and dates in addresses."""

from __future__ import annotations

from collections.abc import Callable, Collection, Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from recommender.config import CONFIG_NAME, zone_of
from recommender.errors import ConfigError
from recommender.source_specs import SourceSpec
from recommender.sources.database_options import checked_prefix, named_database
from recommender.sources.databases import Database
from recommender.sources.opening import Surroundings, known_options
from recommender.sources.page_urls import PageUrls, checked_base
from recommender.sources.values import decoded

OPTIONS = ("site_folder", "url", "url_env", "prefix", "url_template", "base_url")
DATE_FIELDS = ("year", "month", "day", "hour", "minute", "second")
_LONGEST_CONFIG = 1_000_000


@dataclass(frozen=True, slots=True)
class Site:
    """A database, and what the site's own config says beside it.

    Attributes
    ----------
    database : Database
    prefix, base_url : str
        Empty where the config says nothing of them.
    """

    database: Database
    prefix: str = ""
    base_url: str = ""


@dataclass(frozen=True, slots=True)
class PresetOptions:
    """What all presets understand of `[[sources]]`.

    Attributes
    ----------
    called : str
        What messages call the source.
    instead : str
        How the database is named where the site's config does not tell it, for messages.
    prefix : str or None
        `None` where it is not said.
    base_url : str
    urls : PageUrls or None
        `None` for the system's own addresses.
    site : callable
        Finds the database, each time anew.
    """

    called: str
    instead: str
    prefix: str | None
    base_url: str
    urls: PageUrls | None
    site: Callable[[], Site]


def preset_options(
    spec: SourceSpec,
    surroundings: Surroundings,
    *,
    known_fields: Collection[str],
    find: Callable[[Path, PresetOptions], Site],
    more: Collection[str] = (),
) -> PresetOptions:
    """Read the options of a preset.

    Parameters
    ----------
    spec, surroundings
    known_fields : collection of str
        Fields of `url_template`.
    find : callable
        Reads the config of a site's folder.
    more : collection of str
        Further options of this preset.

    Raises
    ------
    ConfigError
        If an option is unknown or malformed, or the database is named in more than one way.
    """
    options = known_options(spec, *OPTIONS, *more)
    called = f"[[sources]] {spec.name}"
    if spec.fields:
        raise ConfigError(
            f"{called}: kind {spec.kind} knows its fields; for others take kind sql and a query"
        )
    ways = [name for name in ("site_folder", "url", "url_env") if name in options]
    if len(ways) != 1:
        raise ConfigError(
            f'{called}: name the site\'s folder, as in site_folder = "/var/www/site", or the '
            'database with url_env = "NEWS_DATABASE"; one of them'
        )
    prefix = options.get("prefix")
    template = options.get("url_template")
    made = PresetOptions(
        called=called,
        instead=(
            f"name the database itself: to init with --{spec.kind} NEWS_DATABASE, an environment "
            f'variable that holds its URL; in {CONFIG_NAME} with url_env = "NEWS_DATABASE"'
        ),
        prefix=None if prefix is None else checked_prefix(prefix, called=called),
        base_url=checked_base(options.get("base_url", ""), called=called),
        urls=None if template is None else PageUrls.of(template, called=called, known=known_fields),
        site=lambda: found(),
    )
    if "site_folder" in options:
        folder = options["site_folder"]
        if not isinstance(folder, str) or not folder:
            raise ConfigError(f"{called}: site_folder must be the path of a folder")
        path = surroundings.path(folder)

        def found() -> Site:
            if not path.is_dir():
                raise ConfigError(f"{called}: there is no folder {path}")
            return find(path, made)
    else:
        database = named_database(spec, surroundings)

        def found() -> Site:
            return Site(database())

    return made


def config_text(path: Path, options: PresetOptions) -> str:
    """A site's config.

    Raises
    ------
    ConfigError
        If it cannot be read.
    """
    try:
        with path.open("rb") as file:
            data = file.read(_LONGEST_CONFIG + 1)
    except OSError as error:
        raise ConfigError(
            f"{options.called}: cannot read the site's config {path}: {error.strerror or error}; "
            "is that the site's folder, and may this user read it? Else "
            f"{options.instead}"
        ) from error
    if len(data) > _LONGEST_CONFIG:
        raise ConfigError(f"{options.called}: {path} is too long for a site's config")
    return decoded(data.removeprefix(b"\xef\xbb\xbf"))


def text_in(settings: Mapping[Any, Any], key: str, *, where: Path, options: PresetOptions) -> str:
    """A text that a config must say in a way that can be read without running it.

    Raises
    ------
    ConfigError
    """
    value = settings.get(key)
    if isinstance(value, (str, int)) and not isinstance(value, bool):
        return str(value)
    raise ConfigError(
        f"{options.called}: {where} says {key} in a way that only the site itself can read, or not "
        f"at all; {options.instead}"
    )


def port_in(value: object) -> int | None:
    """A port, as a number or its digits; `None` for anything else."""
    text = str(value).strip()
    return int(text) if text.isdecimal() and 0 < len(text) <= 5 and int(text) < 65_536 else None


def date_fields(value: object) -> dict[str, str]:
    """The parts of a date for an address, as it is written, without any change of zone."""
    text = str(value or "")
    parts = (text[:4], text[5:7], text[8:10], text[11:13], text[14:16], text[17:19])
    return {name: part for name, part in zip(DATE_FIELDS, parts, strict=True) if part.isdecimal()}


def listed(text: object) -> list[str]:
    """Names between commas, also Chinese ones, each once."""
    parts = str(text or "").replace("，", ",").replace("、", ",").split(",")
    return list(dict.fromkeys(part.strip() for part in parts if part.strip()))


def known_zone(name: object) -> str:
    """The name of a time zone, if it is one."""
    if not isinstance(name, str) or not name:
        return ""
    try:
        zone_of(name)
    except ConfigError:
        return ""
    return name
