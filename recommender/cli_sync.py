"""The command `sync`: the index follows the places where articles live.

Thin over `Recommender.sync_sources`. Meant to be run by cron: what is bad in a source is told and
passed over, a second run beside the first ends at once, and --quiet says nothing of nothing.
"""

from __future__ import annotations

import json
import shlex
from collections.abc import Iterator, Mapping, Sequence
from contextlib import suppress
from datetime import tzinfo
from pathlib import Path
from typing import Any

import click

from recommender.config import CONFIG_NAME, IndexOptions, Settings, Thresholds
from recommender.console import (
    StageProgress,
    changed_thresholds,
    emit,
    index_option,
    output_option,
    say,
    settings,
    state_format_option,
)
from recommender.engine import Recommender
from recommender.errors import (
    ArticleError,
    ConfigError,
    IndexMissing,
    RecommenderError,
    SyncRunning,
    SyncStopped,
)
from recommender.records import Article
from recommender.reports import printable, sync_line, sync_notes, sync_row
from recommender.source_specs import SourceSpec
from recommender.sources import Problem, Source, Surroundings, open_sources
from recommender.sync_plan import SyncSource
from recommender.syncing import Sync

_SHOWN = 10


@click.command()
@click.argument("names", nargs=-1, metavar="[SOURCE]...")
@index_option
@click.option("--dry-run", is_flag=True, help="Only say what would be done.")
@click.option("--force", is_flag=True, help="Believe sources that look broken.")
@click.option(
    "--remove-others",
    is_flag=True,
    help="Remove articles of sites that no source has, as after a source was renamed.",
)
@click.option("-q", "--quiet", is_flag=True, help="Say nothing when nothing changed.")
@state_format_option
@output_option
def sync(
    names: tuple[str, ...],
    index: Path,
    dry_run: bool,
    force: bool,
    remove_others: bool,
    quiet: bool,
    form: str,
    output: str,
) -> None:
    """Make the index hold what the sources in recommender.toml give; the first run builds it.

    Articles are added, updated and removed, and only those that changed are embedded. SOURCE is
    the name or the site of a source; without one, all are synced. A source that suddenly gives
    far fewer articles stops the run before anything is changed. One run at a time: a second one
    ends at once, with exit code 0. An interrupted run goes on where it was.

    \b
    recommender sync
    recommender sync --dry-run
    recommender sync --quiet -f json
    recommender sync --remove-others --dry-run
    """
    context = click.get_current_context()
    if names and remove_others:
        raise click.UsageError("--remove-others looks at all sources; name none")
    silent = quiet or context.find_root().params["quiet"]
    said = settings(context)
    chosen = _chosen(said.sources, names)
    options = IndexOptions(**said.options)
    zone = _zone(index, options, said, dry_run=dry_run)
    surroundings = Surroundings(folder=said.folder, zone=zone, limits=said.limits)
    readings = _readings(open_sources(chosen, surroundings))
    try:
        with StageProgress(quiet=silent) as progress:
            done = Recommender.sync_sources(
                index,
                [each.as_source() for each in readings],
                options=options,
                thresholds=_thresholds(said),
                rules=said.sync,
                elsewhere=[each.site for each in said.sources if each not in chosen],
                force=force,
                remove_others=remove_others,
                dry_run=dry_run,
                progress=progress,
            )
    except SyncRunning as error:
        if not silent:
            click.echo(f"{error}.", err=True)
        _write({"state": "running"}, index, readings, form, output)
        return
    except SyncStopped as error:
        _tell_problems(readings)
        _write({"state": "stopped", "error": str(error)}, index, readings, form, output)
        raise
    except RecommenderError:
        bad = [each.name for each in readings if each.failed]
        others = [each.name for each in readings if not each.failed]
        if bad and others and not _is_there(index):
            say(
                printable(
                    f"No index is made while {bad[0]} cannot be read. To begin without it, name "
                    f"the others: recommender sync {shlex.join(others)}"
                )
            )
        raise
    if not (silent and not done.changed and not done.failed):
        _tell_problems(readings)
        skipped = sum(each.problems.count for each in readings)
        left_out = sum(each.no_articles.count for each in readings)
        say(sync_line(done, str(index), skipped=skipped, left_out=left_out))
        for note in sync_notes(done):
            say(note)
        for note in _other_options(index, said.options):
            say(note)
    _write(sync_row(done), index, readings, form, output)
    _tell_failures(done)


class _Told:
    """Problems: how many, and the first of them, or all under --verbose."""

    def __init__(self) -> None:
        self.count = 0
        self.first: list[Problem] = []
        self._most = None if _verbose() else _SHOWN

    def keep(self, problem: Problem) -> None:
        """One more."""
        self.count += 1
        if self._most is None or len(self.first) < self._most:
            self.first.append(problem)


def _verbose() -> bool:
    return bool(click.get_current_context().find_root().params["verbose"])


class _Reading:
    """One source on its way into a sync, and what is to be said of its articles."""

    def __init__(self, source: Source, seen: dict[str, str]) -> None:
        self._source = source
        self._seen = seen
        self._unreadable: set[str] = set()
        self.problems = _Told()
        self.no_articles = _Told()
        self.given = 0
        self.without_address = 0
        self.lost = 0
        self.first_lost: Problem | None = None
        self.failed = False

    def as_source(self) -> SyncSource:
        """The source as the library takes it."""
        return SyncSource(
            articles=self._watched(),
            name=self._source.name,
            site=self._source.site,
            complete=self._source.complete,
            unreadable=self._unreadable,
            on_problem=self._cannot_store,
        )

    def _watched(self) -> Iterator[Article]:
        try:
            yield from self._articles()
        except RecommenderError:
            self.failed = True
            raise

    def _articles(self) -> Iterator[Article]:
        for article in self._source.articles(
            on_problem=self._cannot_read, on_lost_date=self._lose_date
        ):
            if article.id in self._seen:
                where = self._seen[article.id]
                self._note(
                    f"article {article.id!r}: the id comes twice, first in {where}; "
                    "that one was taken",
                    article.id,
                )
                continue
            self._seen[article.id] = self._source.name
            self.given += 1
            self.without_address += not article.url
            yield article

    def _cannot_read(self, problem: Problem) -> None:
        if problem.is_article:
            self._unreadable.add(problem.article_id)
            self.problems.keep(problem)
        else:
            self.no_articles.keep(problem)

    def _cannot_store(self, error: ArticleError) -> None:
        self._note(str(error), error.article_id or "")

    def _note(self, reason: str, article_id: str) -> None:
        self.problems.keep(Problem(source=self._source.name, reason=reason, article_id=article_id))

    @property
    def name(self) -> str:
        """Of the source."""
        return self._source.name

    def _lose_date(self, problem: Problem) -> None:
        self.lost += 1
        self.first_lost = self.first_lost or problem


def _readings(sources: Sequence[Source]) -> list[_Reading]:
    seen: dict[str, str] = {}
    return [_Reading(each, seen) for each in sources]


def _chosen(specs: Sequence[SourceSpec], names: Sequence[str]) -> list[SourceSpec]:
    """The sources that are named, all without a name."""
    if not specs:
        raise ConfigError(
            f"no source is named: write [[sources]] into {CONFIG_NAME}, or let "
            '"recommender init" write it'
        )
    known = {name for spec in specs for name in (spec.name, spec.site) if name}
    for name in names:
        if name not in known:
            listed = ", ".join(sorted(spec.name for spec in specs))
            raise ConfigError(f"there is no source {name!r:.60}; {CONFIG_NAME} has {listed}")
    return [spec for spec in specs if not names or {spec.name, spec.site} & set(names)]


def _other_options(index: Path, said: Mapping[str, Any]) -> Iterator[str]:
    """What the settings say of the index and it was not built with."""
    with suppress(IndexMissing), Recommender.open(index) as opened:
        for name, value in said.items():
            built = getattr(opened.options, name)
            # A model in a folder is known by the folder's name.
            same = built == value or (name == "embedder" and built == Path(value).name)
            if not same and name != "timezone":
                yield (
                    f"{CONFIG_NAME} has {name} = {json.dumps(value)}, and the index was built with "
                    f'{json.dumps(built)}, which stays until "recommender rebuild" or a new build.'
                )


def _is_there(index: Path) -> bool:
    try:
        Recommender.open(index).close()
    except IndexMissing:
        return False
    return True


def _zone(index: Path, options: IndexOptions, said: Settings, *, dry_run: bool) -> tzinfo:
    """The zone that the settings name, which the index then keeps, else that of the index."""
    with suppress(IndexMissing), Recommender.open(index) as opened:
        if "timezone" not in said.options:
            return opened.options.zone
        if opened.options.timezone != options.timezone and not dry_run:
            opened.set_timezone(options.timezone)
            say(f"Dates without a zone are now read as of {options.timezone}.")
    return options.zone


def _thresholds(said: Settings) -> Thresholds | None:
    return changed_thresholds(Thresholds(), dict(said.thresholds)) if said.thresholds else None


def _first(told: Sequence[_Told]) -> list[Problem]:
    found = [problem for each in told for problem in each.first]
    return found if _verbose() else found[:_SHOWN]


def _tell_problems(readings: Sequence[_Reading]) -> None:
    """What was passed over: the first of them, and how many there are."""
    bad = _first([each.problems for each in readings])
    for problem in bad:
        say(f"Skipped {printable(str(problem))}")
    _tell_more("Skipped", "articles", sum(each.problems.count for each in readings), len(bad))
    lost = sum(each.lost for each in readings)
    if lost:
        first = next(each.first_lost for each in readings if each.first_lost is not None)
        dates = "1 date" if lost == 1 else f"{lost:,} dates"
        say(f"{dates} could not be read, and the articles have none, as in {printable(str(first))}")
    others = _first([each.no_articles for each in readings]) if _verbose() else []
    for problem in others:
        say(f"Left out {printable(str(problem))}")
    count = sum(each.no_articles.count for each in readings)
    _tell_more("Left out", "pages that are no articles", count, len(others))
    for each in readings:
        if each.without_address:
            say(
                f"{printable(each.name)}: {each.without_address:,} of {each.given:,} articles "
                "have no address, so that no list can link to them."
            )


def _tell_more(what: str, things: str, count: int, shown: int) -> None:
    if count > shown:
        say(f'{what} {count:,} {things} in all; "recommender -v sync" names each.')


def _tell_failures(done: Sync) -> None:
    for each in done.failed:
        reason = " ".join(each.failure.split())
        click.echo(
            f"Error: {printable(each.name)} was left as it is: {printable(reason)}", err=True
        )
    if done.failed:
        click.get_current_context().exit(1)


def _write(
    row: dict[str, Any], index: Path, readings: Sequence[_Reading], form: str, output: str
) -> None:
    if form != "json":
        return
    bad = [each.problems for each in readings]
    others = [each.no_articles for each in readings]
    told = {
        "index": str(index),
        **row,
        "problems": sum(each.count for each in bad),
        "first_problems": [str(problem) for problem in _first(bad)],
        "no_articles": sum(each.count for each in others),
        "first_no_articles": [str(problem) for problem in _first(others)],
        "without_address": sum(each.without_address for each in readings),
        "lost_dates": sum(each.lost for each in readings),
    }
    emit(json.dumps(told, ensure_ascii=False, indent=2) + "\n", output)
