"""How commands read articles: the options they share, and what becomes of lines that are bad."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Iterator
from datetime import tzinfo
from typing import Any

import click

from recommender.config import CONFIG_NAME, zone_of
from recommender.console import settings
from recommender.errors import ArticleError, ConfigError
from recommender.records import Article
from recommender.sources import Problem, Surroundings, open_sources
from recommender.sources.files import Place, read_placed_articles

_SHOWN_PROBLEMS = 20
_SHOWN_BAD = 10


def zone_name(context: click.Context, parameter: click.Parameter, value: str | None) -> Any:
    """Refuse what is no name of a time zone."""
    if value is not None:
        try:
            zone_of(value)
        except ConfigError as error:
            raise click.BadParameter(f"{value!r:.60} is not the name of a time zone") from error
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
                callback=zone_name,
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
    """Reads the articles of a command; says what was skipped, or what must be mended first."""

    def __init__(
        self,
        field_pairs: Iterable[str],
        zone: tzinfo,
        *,
        skip_invalid: bool,
        on_duplicate: str = "error",
    ) -> None:
        said = settings(click.get_current_context())
        self.fields, self.limits = dict(said.fields), said.limits
        for pair in field_pairs:
            ours, separator, theirs = pair.partition("=")
            if not (separator and ours and theirs):
                raise click.BadParameter(f"{pair!r:.60} is not OURS=THEIRS", param_hint="--field")
            self.fields[ours] = theirs
        self.zone = zone
        self.skip_invalid = skip_invalid
        self.skipped = 0
        self._no_articles = 0
        self._lost = 0
        self._first_lost: Problem | None = None
        self._bad: list[Problem] = []
        self._refused = 0
        self._places: dict[str, Place] | None = {} if on_duplicate == "error" else None

    def read(self, paths: Iterable[str]) -> Iterator[Article]:
        """The articles of all files, in order; without any, those of the settings' sources.

        Raises
        ------
        ArticleError
            At the end, if lines cannot be used and are not to be skipped, or an id comes twice.
        click.UsageError
            If there is neither a file nor a source.
        """
        paths = list(paths)
        return self._checked(self._of_files(paths) if paths else self._of_sources())

    def _of_files(self, paths: Iterable[str]) -> Iterator[tuple[Place, Article]]:
        for path in paths:
            yield from read_placed_articles(
                path,
                fields=self.fields,
                zone=self.zone,
                on_problem=self.skip if self.skip_invalid else self._refuse,
                on_lost_date=self.lose_date,
                limits=self.limits,
            )

    def _of_sources(self) -> Iterator[tuple[Place, Article]]:
        context = click.get_current_context()
        said = settings(context)
        if not said.sources:
            raise click.UsageError(
                f"no FILE is named, and no [[sources]] in {CONFIG_NAME}; recommender init writes "
                "one for your site",
                ctx=context,
            )
        sources = open_sources(
            said.sources, Surroundings(folder=said.folder, zone=self.zone, limits=self.limits)
        )
        return (
            ((source.name, number), article)
            for source in sources
            for number, article in enumerate(
                source.articles(on_problem=self._weigh, on_lost_date=self.lose_date),
                start=1,
            )
        )

    def _checked(self, placed: Iterator[tuple[Place, Article]]) -> Iterator[Article]:
        try:
            for place, article in placed:
                self._check_once(article, place)
                if not self._refused:
                    yield article
        except ArticleError:
            self._say_refused()
            raise
        if self._refused == 1:
            raise ArticleError(str(self._bad[0]))
        if self._refused:
            self._say_refused()
            raise ArticleError(
                f"{self._refused:,} lines cannot be used, and nothing was changed; mend them, or "
                "leave those that are no articles out with --skip-invalid"
            )

    def _check_once(self, article: Article, place: Place) -> None:
        if self._places is None:
            return
        first = self._places.setdefault(article.id, place)
        if first is not place:
            self._refuse(
                Problem(
                    source=place[0],
                    line=place[1],
                    reason=f"article {article.id!r}: the id comes twice, first in "
                    f"{first[0]}:{first[1]}; mend the input, or say which one wins with "
                    "--on-duplicate first|last",
                )
            )

    def _weigh(self, problem: Problem) -> None:
        """A front page of a site is no reason to refuse the others."""
        if not problem.is_article:
            self._no_articles += 1
        elif self.skip_invalid:
            self.skip(problem)
        else:
            self._refuse(problem)

    def skip(self, problem: Problem) -> None:
        """Say that a line was left out; after some twenty only counted."""
        self.skipped += 1
        if self.skipped <= _SHOWN_PROBLEMS:
            click.echo(f"Skipped {problem}", err=True)

    def _refuse(self, problem: Problem) -> None:
        self._refused += 1
        if len(self._bad) < _SHOWN_BAD:
            self._bad.append(problem)

    def _say_refused(self) -> None:
        for problem in self._bad:
            click.echo(f"Error: {problem}", err=True)

    def lose_date(self, problem: Problem) -> None:
        """Count a date that could not be read."""
        self._lost += 1
        self._first_lost = self._first_lost or problem

    def tell(self, problem: Problem) -> None:
        """Say of one of the first lines for which a run is refused what is wrong."""
        self._refuse(problem)
        if self._refused <= _SHOWN_BAD:
            click.echo(f"Error: {problem}", err=True)

    def close(self) -> None:
        """Say how much was skipped, and which dates were lost."""
        if self.skipped > _SHOWN_PROBLEMS:
            click.echo(f"Skipped {self.skipped:,} articles in all.", err=True)
        if self._no_articles:
            click.echo(f"Left out {self._no_articles:,} pages that are no articles.", err=True)
        if self._first_lost is not None:
            dates = "1 date" if self._lost == 1 else f"{self._lost:,} dates"
            click.echo(
                f"{dates} could not be read, and the articles have none, as in {self._first_lost}",
                err=True,
            )
