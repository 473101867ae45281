"""System checks: what is wrong with the setting, a line each, before the site starts."""

from __future__ import annotations

import os
from typing import Any

from django.core import checks

from recommender.contrib.django.options import Options, read

_TAG = "recommender"


def register_all() -> None:
    """Register the checks with Django."""
    checks.register(check_setting, _TAG)


def check_setting(app_configs: Any = None, **_: Any) -> list[checks.CheckMessage]:
    """Everything that is wrong with `RECOMMENDER`; needs no database."""
    found, faults = read()
    told: list[checks.CheckMessage] = [
        checks.Error(fault.message, hint=fault.hint or None, id=fault.id) for fault in faults
    ]
    return told or _warnings(found)


def _warnings(found: Options) -> list[checks.CheckMessage]:
    told: list[checks.CheckMessage] = []
    if found.index is not None and not (found.index / "articles.sqlite").exists():
        told.append(
            checks.Warning(
                f"there is no index at {found.index} yet",
                hint='Run "manage.py recommender_sync", which makes it.',
                id="recommender.W001",
            )
        )
    if found.service is not None and not os.environ.get(found.service.token_env, "").strip():
        told.append(
            checks.Warning(
                f"the environment variable {found.service.token_env} holds no token for the "
                "service: nothing is written, and no draft is checked",
                hint="Give the site the token that the service was started with.",
                id="recommender.W002",
            )
        )
    return told
