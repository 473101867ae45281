"""Where the index is: in this process, or behind the HTTP service; each opened once a process."""

from __future__ import annotations

from functools import lru_cache
from typing import Any

from django.core.signals import setting_changed

from recommender.contrib.django.backends.base import (
    Backend,
    Check,
    Listed,
    NearDuplicate,
    RelatedList,
)
from recommender.contrib.django.backends.local import LocalBackend
from recommender.contrib.django.backends.service import ServiceBackend
from recommender.contrib.django.options import options
from recommender.errors import ConfigError


def reading() -> Backend:
    """What related lists are asked of: the folder where there is one, for that needs no model."""
    return _local() if options().index is not None else _service()


def changing() -> Backend:
    """What is told of changes and checks drafts: the service where there is one."""
    return _service() if options().service is not None else _local()


@lru_cache(maxsize=1)
def _local() -> LocalBackend:
    said = options()
    if said.index is None:
        raise ConfigError('RECOMMENDER has no "INDEX"')
    return LocalBackend(said.index, lexical=said.lexical)


@lru_cache(maxsize=1)
def _service() -> ServiceBackend:
    said = options()
    if said.service is None:
        raise ConfigError('RECOMMENDER has no "SERVICE"')
    return ServiceBackend(said.service, lexical=said.lexical)


def close() -> None:
    """Close what this process has open; the next call opens it again."""
    for each in (_local, _service):
        if each.cache_info().currsize:
            each().close()
        each.cache_clear()


def _forget(*, setting: str, **_: Any) -> None:
    if setting != "RECOMMENDER":
        return
    _local.cache_clear()
    _service.cache_clear()


setting_changed.connect(_forget, dispatch_uid="recommender.backends")

__all__ = [
    "Backend",
    "Check",
    "Listed",
    "LocalBackend",
    "NearDuplicate",
    "RelatedList",
    "ServiceBackend",
    "changing",
    "close",
    "reading",
]
