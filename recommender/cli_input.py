"""How commands read articles: the options they share, and what becomes of lines that are bad."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Iterator
from datetime import tzinfo
from typing import Any

import click

from recommender.config import zone_of
from recommender.console import settings
from recommender.errors import ConfigError
from recommender.records import Article
from recommender.sources import Problem, read_articles

_SHOWN_PROBLEMS = 20


def _zone_name(context: click.Context, parameter: click.Parameter, value: str | None) -> Any:
    if value is not None:
        try:
            zone_of(value)
        except ConfigError as error:
            raise click.BadParameter(f"{value!r} is not the name of a time zone") from error
    return value


def input_options(command: Callable[..., Any]) -> Callable[..., Any]:
    """How articles are read."""
    for option in reversed(
        (
            click.option(
                "--field",
                "field_pairs",
                multiple=True,
                metavar="OURS=THEIRS",
                help="Name of a field in the input, as in --field body=content. Repeatable.",
            ),
            click.option(
                "--timezone",
                callback=_zone_name,
                metavar="ZONE",
                help="Zone of dates without one, as in Asia/Shanghai; build keeps it in the index."
                "  [default: the index's, UTC]",
            ),
            click.option(
                "--skip-invalid",
                is_flag=True,
                help="Report and skip lines that cannot be used; else nothing is changed.",
            ),
            click.option(
                "--on-duplicate",
                type=click.Choice(("error", "first", "last")),
                default="error",
                show_default=True,
                help="Which of two articles with one id wins.",
            ),
        )
    ):
        command = option(command)
    return command


class Input:
    """Reads the articles of a command and remembers what was skipped."""

    def __init__(self, field_pairs: Iterable[str], zone: tzinfo, *, skip_invalid: bool) -> None:
        self.fields = dict(settings(click.get_current_context()).fields)
        for pair in field_pairs:
            ours, separator, theirs = pair.partition("=")
            if not (separator and ours and theirs):
                raise click.BadParameter(f"{pair!r} is not OURS=THEIRS", param_hint="--field")
            self.fields[ours] = theirs
        self.zone = zone
        self.skip_invalid = skip_invalid
        self.skipped = 0

    def read(self, paths: Iterable[str]) -> Iterator[Article]:
        """The articles of all files, in order."""
        for path in paths:
            yield from read_articles(
                path,
                fields=self.fields,
                zone=self.zone,
                on_problem=self._skip if self.skip_invalid else None,
            )

    def _skip(self, problem: Problem) -> None:
        self.skipped += 1
        if self.skipped <= _SHOWN_PROBLEMS:
            click.echo(f"Skipped {problem.source}:{problem.line}: {problem.reason}", err=True)

    def close(self) -> None:
        """Say how much was skipped."""
        if self.skipped > _SHOWN_PROBLEMS:
            click.echo(f"Skipped {self.skipped:,} articles in all.", err=True)
