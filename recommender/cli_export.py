"""The command with which related lists get back to the page: `export`."""

from __future__ import annotations

import os
from collections.abc import Iterator
from contextlib import nullcontext
from dataclasses import replace
from pathlib import Path

import click

from recommender.config import Settings
from recommender.console import (
    StageProgress,
    changed_thresholds,
    index_option,
    say,
    settings,
    threshold_options,
    writable,
)
from recommender.engine import Recommender
from recommender.errors import ConfigError, ExportRunning
from recommender.export_specs import FILLS, MOST_LISTED, ExportSpec, is_address
from recommender.exports import ChangeLog, Entry, Guarded, Outcome, Target, entries, open_target
from recommender.exports.changes import forget
from recommender.progress import Progress
from recommender.reports.tables import printable
from recommender.source_specs import SourceSpec

_SQLITE = "sqlite:///"


@click.command()
@click.argument("to", required=False, metavar="[TO]")
@index_option
@threshold_options
@click.option(
    "-n",
    "--limit",
    type=click.IntRange(1, MOST_LISTED),
    help="Most articles of a list.  [default: 5]",
)
@click.option(
    "--min-similarity",
    type=click.FloatRange(0, 1),
    help="Least similarity.  [default: the threshold related]",
)
@click.option(
    "--fill",
    type=click.Choice(FILLS),
    help="Fill short lists with newest articles, marked as filler.  [default: none]",
)
@click.option("--site", help="Only this site, with the ids that it gives its articles itself.")
@click.option("--same-site", is_flag=True, default=None, help="No list names another site.")
@click.option("--table", help="Table in the database.  [default: related_articles]")
@click.option(
    "--url-env",
    metavar="VARIABLE",
    help="Environment variable with the address of the database.",
)
@click.option("--source", help="Write into the database of this [[sources]] table.")
@click.option(
    "--changes",
    "log",
    type=click.Path(dir_okay=False, path_type=Path),
    callback=writable,
    metavar="FILE",
    help="Add there the pages that must be made anew, a JSON line each.",
)
@click.option("--dry-run", is_flag=True, help="Only say what would change.")
@click.option("--force", is_flag=True, help="Remove also lists of articles that are public.")
@click.option("-q", "--quiet", is_flag=True, help="Say nothing when nothing changed.")
def export(
    to: str | None,
    index: Path,
    changes: dict[str, float],
    log: Path | None,
    dry_run: bool,
    force: bool,
    quiet: bool,
    **given: str | int | float | bool | None,
) -> None:
    """Write the related list of every article to where pages read it.

    TO is a folder (one JSON file an article), a file that ends in .json, or the address of a
    SQLite database. Another database is named by --url-env or --source, never by its address,
    for that holds a password. Without any of these, [export] in recommender.toml says where.

    Only what differs is written, and a reader finds every list whole at any moment. What is
    withdrawn, expired or under embargo is in no list, and has none.

    \b
    recommender export related/ -i indexes/news
    recommender export related.json --fill latest -i indexes/news
    recommender export --source pbootcms -i indexes/news
    recommender export --url-env SITE_DATABASE --table related_articles -i indexes/news
    recommender sync && recommender export
    """
    context = click.get_current_context()
    quiet = quiet or context.find_root().params["quiet"]
    said = settings(context)
    spec = _spec(said.export, to, given)
    if spec.source and not spec.site:
        # The site reads the lists by the ids that it gives its articles itself.
        spec = replace(spec, site=_source(spec, said).site)
    target = open_target(_place(spec, said, given_to=to), table=spec.table)
    try:
        with StageProgress(quiet=quiet) as progress:
            outcome = _export(
                index, target, spec, said, changes, log, progress, dry_run=dry_run, force=force
            )
    except ExportRunning as error:
        # Cron starts the next one while a long one runs.
        if not quiet:
            click.echo(f"{error}.", err=True)
        return
    if outcome.pages or outcome.numbers or not quiet:
        say(printable(f"{target.name}: {_summary(outcome, dry_run=dry_run)}"))


def _export(
    index: Path,
    target: Target,
    spec: ExportSpec,
    said: Settings,
    changes: dict[str, float],
    log: Path | None,
    progress: Progress,
    *,
    dry_run: bool,
    force: bool,
) -> Outcome:
    """Write the lists."""
    with (
        Recommender.open(index) as opened,
        opened.related_lists(
            limit=spec.limit,
            min_similarity=spec.min_similarity,
            thresholds=changed_thresholds(opened.thresholds, changes),
            sites=(spec.site,) if spec.site else (),
            same_site=spec.same_site or bool(spec.site),
            fill=None if spec.fill == "none" else spec.fill,
        ) as lists,
        nullcontext(forget) if log is None or dry_run else ChangeLog(log) as tell,
    ):
        sites = _known_sites(opened, spec, said)
        guarded = Guarded(tell, public=opened.public_now, site=spec.site, sites=sites)
        return target.write(
            _told(entries(lists, site=spec.site), lists.articles, progress),
            state=lists.state,
            tell=tell if force else guarded,
            dry_run=dry_run,
        )


def _known_sites(opened: Recommender, spec: ExportSpec, said: Settings) -> frozenset[str]:
    """The sites that the index or the settings know, among them the one that is wanted.

    Raises
    ------
    ConfigError
        If nothing knows the one that is wanted.
    """
    held = opened.sites()
    known = frozenset(held) | {each.site for each in said.sources}
    if spec.site and spec.site not in known:
        named = [f"{site} ({count:,})" for site, count in held.items() if site]
        without = [f"{held['']:,} articles without a site"] if held.get("") else []
        raise ConfigError(
            f"the index holds no article of the site {spec.site!r:.80}; it holds "
            f"{', '.join([*named, *without]) or 'none'}"
        )
    return known


def _spec(
    base: ExportSpec, to: str | None, given: dict[str, str | int | float | bool | None]
) -> ExportSpec:
    """What the file says with what the command line changes."""
    changed = {name: value for name, value in given.items() if value is not None}
    if to is not None:
        changed["to"] = to
    places = [name for name in ("to", "url_env", "source") if changed.get(name)]
    if places:
        base = replace(base, to="", url_env="", source="")
    try:
        return replace(base, **changed)  # type: ignore[arg-type]
    except ConfigError as error:
        raise click.UsageError(str(error).replace("[export] ", "")) from error


def _place(spec: ExportSpec, said: Settings, *, given_to: str | None) -> str:
    """The address or path of the place."""
    if spec.source:
        return _database_of(_source(spec, said), said)
    if spec.url_env:
        address = os.environ.get(spec.url_env, "").strip()
        if not address:
            raise ConfigError(
                f"the environment variable {spec.url_env} is not set; put the address of the "
                "database there, as mysql+pymysql://user:password@host/name"
            )
        if not is_address(address):
            raise ConfigError(
                f"the environment variable {spec.url_env} holds no address of a database, as "
                "mysql+pymysql://user:password@host/name"
            )
        return address
    if not spec.to:
        raise click.UsageError(
            "no place is named: give a folder, a .json file or --url-env, or write [export] into "
            "recommender.toml"
        )
    if given_to is not None:
        return spec.to
    # A relative path in the file begins where the file lies.
    if spec.to.startswith(_SQLITE):
        return _SQLITE + str(said.folder / spec.to.removeprefix(_SQLITE))
    return str(said.folder / Path(spec.to).expanduser())


def _source(spec: ExportSpec, said: Settings) -> SourceSpec:
    for each in said.sources:
        if each.name == spec.source:
            return each
    known = ", ".join(each.name for each in said.sources) or "none"
    raise ConfigError(f"no [[sources]] table is called {spec.source!r:.60}; there are: {known}")


def _database_of(source: SourceSpec, said: Settings) -> str:
    """The address of the database in which the articles of a source lie."""
    from recommender.sources import Addressed, Sited, Surroundings, open_source

    opened = open_source(source, Surroundings(folder=said.folder, limits=said.limits))
    inner = opened.inner if isinstance(opened, Sited) else opened
    if not isinstance(inner, Addressed):
        raise ConfigError(
            f"the source {source.name} is no database; name a folder, a file, or an environment "
            "variable with the address of a database"
        )
    return inner.address()


def _told(given: Iterator[Entry], count: int, progress: Progress) -> Iterator[Entry]:
    for number, entry in enumerate(given, start=1):
        yield entry
        if number % 100 == 0 or number == count:
            progress("related lists", number, count)


def _summary(outcome: Outcome, *, dry_run: bool) -> str:
    lists = "1 list" if outcome.lists == 1 else f"{outcome.lists:,} lists"
    parts = [
        f"{count:,} {words}"
        for count, words in (
            (outcome.new, "new"),
            (outcome.members, "with other articles"),
            (outcome.gone, "removed"),
            (outcome.shown, "with another title, address or order"),
            (outcome.numbers, "with other similarities only"),
        )
        if count
    ]
    would = " (nothing was written)" if dry_run else ""
    empty = f", {outcome.empty:,} of them empty" if outcome.empty else ""
    return f"{lists}{empty}; {'; '.join(parts) or 'nothing changed'}{would}."
