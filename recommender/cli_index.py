"""Commands that make, change and inspect an index: `build`, `update`, `remove`, `rebuild`, ...

Thin over `Recommender`, as all commands are.
"""

from __future__ import annotations

from pathlib import Path
from typing import cast

import click

from recommender import reports
from recommender.building import Change
from recommender.cli_input import Input, input_options
from recommender.config import DEFAULT_EMBEDDER, IndexOptions, Thresholds, zone_of
from recommender.console import (
    changed_thresholds,
    emit,
    format_option,
    index_option,
    output_option,
    page_width,
    progress_of_run,
    say,
    settings,
    threshold_options,
    use_color,
)
from recommender.engine import Recommender
from recommender.erasing import Erasure
from recommender.incoming import OnDuplicate

allow_erased_option = click.option(
    "--allow-erased", is_flag=True, help="Take in also what was erased for good."
)


_NAMED = 5


def _articles(count: int) -> str:
    return "1 article" if count == 1 else f"{count:,} articles"


def _summary(change: Change, index: Path) -> str:
    done = [
        f"{count:,} {word}"
        for word, count in (
            ("added", change.added),
            ("updated", change.updated),
            ("unchanged", change.unchanged),
            ("removed", change.removed),
            ("skipped, for they were erased for good", change.skipped),
        )
        if count
    ]
    embedded = f" ({change.embedded:,} embedded)" if change.embedded else ""
    return f"{index}: {', '.join(done) or 'nothing to do'}{embedded}; {_articles(change.total)}."


@click.command()
@click.argument("files", nargs=-1, metavar="[FILE...]")
@index_option
@threshold_options
@click.option(
    "--embedder",
    help=f"Model name, folder, or hashing.  [default: {DEFAULT_EMBEDDER}]",
)
@click.option("--max-tokens", type=click.IntRange(8, 8192), help="Window that is embedded.")
@click.option(
    "--vectors",
    type=click.Choice(("auto", "exact", "hnsw", "ivf")),
    help="FAISS index; auto chooses by size.  [default: auto]",
)
@click.option("--keep-boilerplate", is_flag=True, help="Compare notices and bylines as well.")
@allow_erased_option
@input_options
def build(
    files: tuple[str, ...],
    index: Path,
    changes: dict[str, float],
    embedder: str | None,
    max_tokens: int | None,
    vectors: str | None,
    keep_boilerplate: bool,
    allow_erased: bool,
    field_pairs: tuple[str, ...],
    timezone: str | None,
    skip_invalid: bool,
    on_duplicate: str,
) -> None:
    """Build an index from JSONL or CSV files (also .gz), - for standard input.

    Without FILE the articles come from the [[sources]] in recommender.toml.

    An index that is there answers on until the new one is complete, and is then replaced. An
    interrupted build goes on where it was.

    \b
    recommender build articles.jsonl -i indexes/news
    recommender build export.csv.gz -i indexes/news --field body=content --timezone Asia/Shanghai
    """
    chosen = dict(settings(click.get_current_context()).options)
    chosen.update(
        {
            name: value
            for name, value in (
                ("embedder", embedder),
                ("max_tokens", max_tokens),
                ("vectors", vectors),
                ("strip_boilerplate", False if keep_boilerplate else None),
                ("timezone", timezone),
            )
            if value is not None
        }
    )
    options = IndexOptions(**chosen)
    given = Input(field_pairs, options.zone, skip_invalid=skip_invalid, on_duplicate=on_duplicate)
    with (
        progress_of_run() as progress,
        Recommender.build(
            index,
            given.read(files),
            options=options,
            thresholds=changed_thresholds(Thresholds(), changes) if changes else None,
            progress=progress,
            on_duplicate=cast(OnDuplicate, on_duplicate),
            allow_erased=allow_erased,
        ) as built,
    ):
        count = len(built)
    given.close()
    say(f"{index}: {_articles(count)}.")


@click.command()
@click.argument("files", nargs=-1, metavar="[FILE...]")
@index_option
@allow_erased_option
@input_options
def update(
    files: tuple[str, ...],
    index: Path,
    allow_erased: bool,
    field_pairs: tuple[str, ...],
    timezone: str | None,
    skip_invalid: bool,
    on_duplicate: str,
) -> None:
    """Add articles to an index, or replace those with the same ids.

    Without FILE the articles come from the [[sources]] in recommender.toml; what is gone from
    them stays in the index.

    \b
    recommender update today.jsonl -i indexes/news
    """
    with progress_of_run() as progress, Recommender.open(index) as opened:
        zone = zone_of(timezone or opened.options.timezone)
        given = Input(field_pairs, zone, skip_invalid=skip_invalid, on_duplicate=on_duplicate)
        change = opened.update(
            given.read(files),
            progress=progress,
            on_duplicate=cast(OnDuplicate, on_duplicate),
            allow_erased=allow_erased,
        )
    given.close()
    say(_summary(change, index))


@click.command()
@click.argument("ids", nargs=-1, metavar="ID...")
@index_option
@click.option("--purge", is_flag=True, help="Erase for good, from every file of the index.")
@click.option(
    "--wait",
    type=click.FloatRange(0, 86_400),
    default=60.0,
    show_default=True,
    metavar="SECONDS",
    help="With --purge: how long to wait for readers of an older state.",
)
def remove(ids: tuple[str, ...], index: Path, purge: bool, wait: float) -> None:
    """Take articles out of an index.

    With --purge nothing of them stays in any file of the index, and no update or build brings
    them back unless told to. Without ID it finishes an erasure that was interrupted.

    \b
    recommender remove cms-1022 cms-1023 -i indexes/news
    recommender remove cms-1022 --purge -i indexes/news
    """
    if not ids and not purge:
        raise click.UsageError("name at least one article")
    if not purge:
        with Recommender.open(index) as opened:
            say(_summary(opened.remove(ids), index))
        return
    with progress_of_run() as progress, Recommender.open(index) as opened:
        done = opened.remove(ids, purge=True, wait=wait, progress=progress)
    for line in _erased(done, asked=bool(ids)):
        say(f"{index}: {line}")
    if not ids and not done.finished:
        return
    say("Out of reach of this command, and yours to look at:")
    for each in done.unreached:
        say(f"  - {each}")


def _erased(done: Erasure, *, asked: bool) -> list[str]:
    """What an erasure came to, a line each."""
    lines = []
    if done.finished:
        lines.append(
            "the erasure that was interrupted is finished: nothing of its articles is in any file"
        )
    elif not asked:
        lines.append("no erasure was interrupted; nothing to do")
    if done.absent:
        count = len(done.absent)
        lines.append(
            f"{'this id is' if count == 1 else f'these {count:,} ids are'} not in the index, and "
            f"kept out from now on (misspelt?): {', '.join(map(repr, done.absent[:_NAMED]))}"
            f"{' and others' if count > _NAMED else ''}"
        )
    if done.removed or (asked and not done.absent):
        lines.append(
            f"{_articles(done.removed)} erased for good, with {done.decisions:,} decisions and "
            f"{done.labels:,} labels; {_articles(done.total)} left"
        )
    elif asked:
        lines.append(f"no article was erased; {_articles(done.total)} left")
    return [f"{line}." for line in lines]


@click.command()
@index_option
@click.option("--problems", is_flag=True, help="List articles with something odd instead.")
@format_option
@output_option
def info(index: Path, problems: bool, form: str, output: str) -> None:
    """Show what is in an index and how it was made.

    \b
    recommender info -i indexes/news
    recommender info --problems -i indexes/news
    """
    with Recommender.open(index) as opened:
        if problems:
            found = opened.problems()
            table = reports.problems_text(
                found, width=page_width(), color=use_color(output), zone=opened.options.zone
            )
            rows = reports.problem_rows(found)
        else:
            described = opened.info()
            table = reports.info_text(described, width=page_width(), color=use_color(output))
            rows = [reports.info_row(described)]
    emit(table if form == "table" else reports.render_rows(rows, form), output)


@click.command()
@index_option
def verify(index: Path) -> None:
    """Read the whole index and say whether anything is wrong; exit code 1 if so.

    \b
    recommender verify -i indexes/news
    """
    with progress_of_run() as progress, Recommender.open(index) as opened:
        problems = opened.verify(progress=progress)
    for problem in problems:
        click.echo(problem)
    if problems:
        click.get_current_context().exit(1)
    click.echo(f"{index}: nothing is wrong.")


@click.command()
@index_option
@click.option("--embedder", help="Change to this model: every article is embedded again.")
@click.option("--max-tokens", type=click.IntRange(8, 8192), help="Change the embedded window.")
@click.option(
    "--vectors",
    type=click.Choice(("auto", "exact", "hnsw", "ivf")),
    help="Change the kind of the FAISS index.",
)
def rebuild(index: Path, embedder: str | None, max_tokens: int | None, vectors: str | None) -> None:
    """Make everything derived from the texts anew: boilerplate, centres, neighbours, files.

    \b
    recommender rebuild -i indexes/news
    """
    with progress_of_run() as progress, Recommender.open(index) as opened:
        options = None
        given = {"embedder": embedder, "max_tokens": max_tokens, "vectors": vectors}
        changed = {
            **settings(click.get_current_context()).options,
            **{name: value for name, value in given.items() if value is not None},
        }
        stored = opened.options.to_dict()
        if any(stored[name] != value for name, value in changed.items()):
            options = IndexOptions(**{**stored, **changed})
        change = opened.rebuild(options=options, progress=progress)
    embedded = f", {change.embedded:,} embedded again" if change.embedded else ""
    say(
        f"{index}: made anew from the texts of {_articles(change.total)}: boilerplate, centres, "
        f"fingerprints, facts, neighbours and search files{embedded}."
    )
