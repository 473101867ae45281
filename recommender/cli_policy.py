"""The options that say which article of a group is kept, for every command that asks."""

from __future__ import annotations

import functools
from typing import Any

import click

from recommender.canonical import CRITERIA, policy_from
from recommender.console import Command, settings


def policy_options(command: Command) -> Command:
    """Which article of a group is kept; the command gets `policy: CanonicalPolicy`."""

    @click.option(
        "--keep",
        metavar="CRITERIA",
        help=f"What decides which article is kept, in order: {', '.join(CRITERIA)}. "
        "[default: in that order]",
    )
    @click.option("--pin", multiple=True, metavar="ID", help="Always keep this one. Repeatable.")
    @click.option(
        "--own-source",
        "own_sources",
        multiple=True,
        metavar="SOURCE",
        help="Value of source that means an article of one's own, not a wire's. Repeatable.",
    )
    @click.option(
        "--visits-field", metavar="FIELD", help="Field with the number of visits. [default: visits]"
    )
    @functools.wraps(command)
    def wrapped(
        *args: Any,
        keep: str | None,
        pin: tuple[str, ...],
        own_sources: tuple[str, ...],
        visits_field: str | None,
        **kwargs: Any,
    ) -> Any:
        order = tuple(each.strip() for each in keep.split(",")) if keep else ()
        policy = policy_from(
            settings(click.get_current_context()).canonical,
            order=order,
            pinned=pin,
            own_sources=own_sources,
            visits_field=visits_field or "",
        )
        return command(*args, policy=policy, **kwargs)

    return wrapped  # type: ignore[return-value]
