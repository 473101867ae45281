"""The setting `RECOMMENDER`, read once: what it says as values, and what is wrong with it.

A site writes, for example:

    RECOMMENDER = {
        "INDEX": BASE_DIR / "related",
        "MODELS": {
            "news.ArticlePage": {"body": ["intro", "body"], "category": "section.name"},
        },
    }

Must not touch the database: system checks read it before there is one.
"""

from __future__ import annotations

from collections.abc import Callable, Collection, Mapping
from dataclasses import dataclass, field
from functools import lru_cache
from os import PathLike
from pathlib import Path
from typing import Any
from urllib.parse import urlsplit

from django.apps import apps
from django.conf import settings
from django.core.exceptions import ValidationError
from django.core.signals import setting_changed
from django.core.validators import validate_integer

from recommender.config import IndexOptions, SyncOptions
from recommender.contrib.django.reading import BadField, Getter, getter, imported
from recommender.errors import ConfigError

# What a model may say of its articles: values of an `Article`, and which objects are articles.
FIELDS = (
    "title",
    "body",
    "url",
    "date",
    "category",
    "language",
    "source",
    "site",
    "access",
    "visible_from",
    "visible_until",
)
_MODEL_KEYS = {*FIELDS, "queryset", "live"}
_SERVICE_KEYS = {"URL", "TOKEN_ENV", "TIMEOUT", "WRITE_TIMEOUT"}
_PARTS = ("body",)


@dataclass(frozen=True, slots=True)
class Fault:
    """Something wrong with the setting: the id of the system check, what, and what to do."""

    id: str
    message: str
    hint: str = ""


@dataclass(frozen=True, slots=True, kw_only=True)
class ServiceOptions:
    """How the running HTTP service is reached.

    Attributes
    ----------
    url : str
        Without a slash at the end.
    token_env : str
        The environment variable that holds the token.
    timeout : float
        Seconds that a page waits for its related list.
    write_timeout : float
        Seconds that an editor's request waits, for a write or a check of a draft.
    """

    url: str
    token_env: str = "RECOMMENDER_TOKEN"  # noqa: S105 (the name of a variable)
    timeout: float = 0.2
    write_timeout: float = 10.0


@dataclass(frozen=True, slots=True, kw_only=True)
class ModelOptions:
    """Which objects of a model are articles, and where the values of an article come from.

    Attributes
    ----------
    label : str
        As in "news.ArticlePage".
    model : type
    getters : mapping of str to Getter
        For those of `FIELDS` that the setting names.
    queryset : callable or None
        Given the model, the objects that may be articles.
    live_field : str
        A boolean field, or a path to one, that is true of live objects; empty without one.
    live : Getter or None
        Asked of each object instead.
    """

    label: str
    model: Any
    getters: Mapping[str, Getter]
    queryset: Callable[[Any], Any] | None = None
    live_field: str = ""
    live: Getter | None = None


@dataclass(frozen=True, slots=True, kw_only=True)
class Options:
    """The setting as a whole.

    Attributes
    ----------
    index : Path or None
        Folder of the index; without it everything goes through the service.
    models : mapping of str to ModelOptions
        By their labels.
    service : ServiceOptions or None
    signals : bool
        Whether publishing changes the index at once; else only `recommender_sync` does.
    lexical : bool
        Whether drafts are compared by wording, titles and facts only, without a model.
    cache : str
        The name of Django's cache for related lists.
    cache_seconds, stale_seconds : int
        How long a list is taken as it is, and how long it may still be shown on a failure.
    index_options : IndexOptions
        For an index that is not there yet.
    sync : SyncOptions
    """

    index: Path | None
    models: Mapping[str, ModelOptions]
    service: ServiceOptions | None = None
    signals: bool = True
    lexical: bool = False
    cache: str = "default"
    cache_seconds: int = 60
    stale_seconds: int = 86_400
    index_options: IndexOptions = field(default_factory=IndexOptions)
    sync: SyncOptions = field(default_factory=SyncOptions)


_KEYS = {
    "INDEX",
    "MODELS",
    "SERVICE",
    "SIGNALS",
    "LEXICAL",
    "CACHE",
    "CACHE_SECONDS",
    "STALE_SECONDS",
    "EMBEDDER",
    "MOST_REMOVED",
}


@lru_cache(maxsize=1)
def read() -> tuple[Options, tuple[Fault, ...]]:
    """The setting as far as it can be used, and what is wrong with it."""
    return _Reader(getattr(settings, "RECOMMENDER", None)).read()


def options() -> Options:
    """The setting.

    Raises
    ------
    ConfigError
        If something is wrong with it; system checks tell all of it.
    """
    found, faults = read()
    if faults:
        raise ConfigError(f'{faults[0].message} ("manage.py check" tells all)')
    return found


def _forget(*, setting: str, **_: Any) -> None:
    if setting in ("RECOMMENDER", "TIME_ZONE"):
        read.cache_clear()


setting_changed.connect(_forget, dispatch_uid="recommender.options")


class _Reader:
    """Goes through the setting and keeps what is wrong."""

    def __init__(self, said: object) -> None:
        self._said: Mapping[str, Any] = said if isinstance(said, Mapping) else {}
        self._faults: list[Fault] = []
        if said is None:
            self._fault(
                "E001",
                "the setting RECOMMENDER is missing",
                'Write RECOMMENDER = {"INDEX": …, "MODELS": {…}} into the settings.',
            )
        elif not isinstance(said, Mapping):
            self._fault("E001", f"RECOMMENDER must be a dictionary, not {type(said).__name__}")

    def read(self) -> tuple[Options, tuple[Fault, ...]]:
        self._known("RECOMMENDER", self._said, _KEYS)
        found = Options(
            index=self._index(),
            models=self._models(),
            service=self._service(),
            signals=self._flag("SIGNALS", True),
            lexical=self._flag("LEXICAL", False),
            cache=self._cache(),
            cache_seconds=self._seconds("CACHE_SECONDS", 60),
            stale_seconds=self._seconds("STALE_SECONDS", 86_400),
            index_options=self._index_options(),
            sync=self._sync(),
        )
        if self._said and found.index is None and found.service is None:
            self._fault(
                "E002",
                'RECOMMENDER has neither "INDEX" nor "SERVICE"',
                'Name the folder of the index: "INDEX": BASE_DIR / "related".',
            )
        return found, tuple(self._faults)

    def _fault(self, number: str, message: str, hint: str = "") -> None:
        self._faults.append(Fault(f"recommender.{number}", message, hint))

    def _known(self, where: str, table: Mapping[str, Any], names: Collection[str]) -> None:
        for key in table:
            if key not in names:
                known = ", ".join(sorted(names))
                self._fault("E003", f"{where} has an unknown key {key!r:.60}; known are {known}")

    def _index(self) -> Path | None:
        value = self._said.get("INDEX")
        if value is None:
            return None
        if not isinstance(value, (str, PathLike)) or not str(value):
            self._fault("E002", f'RECOMMENDER["INDEX"] must be a path, not {value!r:.60}')
            return None
        return Path(value)

    def _flag(self, name: str, otherwise: bool) -> bool:
        value = self._said.get(name, otherwise)
        if not isinstance(value, bool):
            self._fault("E004", f'RECOMMENDER["{name}"] must be True or False, not {value!r:.60}')
            return otherwise
        return value

    def _seconds(self, name: str, otherwise: int) -> int:
        value = self._said.get(name, otherwise)
        try:
            validate_integer(value)
            if isinstance(value, bool) or not 0 <= int(value) <= 10**8:
                raise ValueError
        except (ValidationError, ValueError):
            self._fault(
                "E004", f'RECOMMENDER["{name}"] must be a number of seconds, not {value!r:.60}'
            )
            return otherwise
        return int(value)

    def _cache(self) -> str:
        value = self._said.get("CACHE", "default")
        if value not in settings.CACHES:
            self._fault("E004", f'RECOMMENDER["CACHE"] names {value!r:.60}, which is not in CACHES')
            return "default"
        return str(value)

    def _index_options(self) -> IndexOptions:
        said: dict[str, Any] = {"timezone": settings.TIME_ZONE or "UTC"}
        if "EMBEDDER" in self._said:
            said["embedder"] = self._said["EMBEDDER"]
        try:
            return IndexOptions(**said)
        except ConfigError as error:
            self._fault("E004", f"RECOMMENDER: {error}")
            return IndexOptions()

    def _sync(self) -> SyncOptions:
        try:
            return SyncOptions(most_removed=self._said.get("MOST_REMOVED", 0.2))
        except ConfigError as error:
            message = str(error).replace("[sync] most_removed", 'RECOMMENDER["MOST_REMOVED"]')
            self._fault("E004", message)
            return SyncOptions()

    def _service(self) -> ServiceOptions | None:
        said = self._said.get("SERVICE")
        if said is None:
            return None
        where = 'RECOMMENDER["SERVICE"]'
        if not isinstance(said, Mapping):
            self._fault("E005", f"{where} must be a dictionary, not {type(said).__name__}")
            return None
        self._known(where, said, _SERVICE_KEYS)
        url = said.get("URL")
        if not isinstance(url, str) or not _is_address(url):
            self._fault(
                "E005",
                f'{where}["URL"] must be an address as in "http://127.0.0.1:8000", '
                f"not {_without_password(url)!r:.80}",
            )
            return None
        waits = {}
        for name, otherwise in (("TIMEOUT", 0.2), ("WRITE_TIMEOUT", 10.0)):
            value = said.get(name, otherwise)
            if isinstance(value, bool) or not isinstance(value, (int, float)) or value <= 0:
                self._fault(
                    "E005", f'{where}["{name}"] must be a number of seconds, not {value!r:.60}'
                )
                value = otherwise
            waits[name.lower()] = float(value)
        variable = said.get("TOKEN_ENV", "RECOMMENDER_TOKEN")
        if not isinstance(variable, str) or not variable.isidentifier():
            self._fault("E005", f'{where}["TOKEN_ENV"] must be the name of an environment variable')
            variable = "RECOMMENDER_TOKEN"
        return ServiceOptions(url=url.rstrip("/"), token_env=variable, **waits)

    def _models(self) -> dict[str, ModelOptions]:
        said = self._said.get("MODELS")
        where = 'RECOMMENDER["MODELS"]'
        if not isinstance(said, Mapping) or not said:
            if self._said:
                self._fault(
                    "E006",
                    f"{where} must name the models whose objects are articles",
                    'For example {"news.Article": {"title": "headline", "body": "text"}}.',
                )
            return {}
        found = {}
        for label, fields in said.items():
            each = self._model(f'{where}["{label}"]', label, fields)
            if each is not None:
                found[each.label] = each
        return found

    def _model(self, where: str, label: object, said: object) -> ModelOptions | None:
        try:
            model = apps.get_model(str(label))
        except (LookupError, ValueError):
            self._fault("E006", f"{where}: there is no model {label!r:.80}")
            return None
        if not isinstance(said, Mapping):
            self._fault("E006", f"{where} must be a dictionary, not {type(said).__name__}")
            return None
        self._known(where, said, _MODEL_KEYS)
        getters = {}
        for name in FIELDS:
            if name in said:
                found = self._getter(f'{where}["{name}"]', model, said[name], name in _PARTS)
                if found is not None:
                    getters[name] = found
        if "body" not in said:
            self._fault("E007", f'{where} does not say where the "body" of an article is')
        live_field, live = self._live(where, model, said.get("live"))
        return ModelOptions(
            label=model._meta.label,
            model=model,
            getters=getters,
            queryset=self._queryset(where, said.get("queryset")),
            live_field=live_field,
            live=live,
        )

    def _getter(self, where: str, model: Any, said: object, parts: bool) -> Getter | None:
        try:
            return getter(model, said, parts=parts)
        except BadField as error:
            self._fault("E007", f"{where}: {error}")
            return None

    def _live(self, where: str, model: Any, said: object) -> tuple[str, Getter | None]:
        if said is None:
            return "", None
        found = self._getter(f'{where}["live"]', model, said, False)
        # Of a field the database is asked; a method or function is asked of each object.
        if found is not None and found.lookup:
            return found.lookup, None
        return "", found

    def _queryset(self, where: str, said: object) -> Callable[[Any], Any] | None:
        if said is None:
            return None
        try:
            return imported(said)
        except BadField as error:
            self._fault("E007", f'{where}["queryset"]: {error}')
            return None


def _is_address(url: str) -> bool:
    try:
        parts = urlsplit(url)
        usable = parts.scheme in ("http", "https") and bool(parts.hostname) and parts.port != 0
    except ValueError:
        return False
    return usable and not (parts.query or parts.fragment or parts.username or parts.password)


def _without_password(url: object) -> object:
    """The address as a message may show it."""
    return f"…@{url.rpartition('@')[2]}" if isinstance(url, str) and "@" in url else url
