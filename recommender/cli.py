"""The command line: thin over `Recommender`; each command mirrors a method of the library."""

from __future__ import annotations

from pathlib import Path
from typing import Any, cast

import click

from recommender import __version__, reports
from recommender.answering import Fill
from recommender.cli_decisions import decide, decisions
from recommender.cli_duplicates import duplicates
from recommender.cli_explain import (
    explain_option,
    explained_matches,
    interface_language_option,
    rendered_explanation,
)
from recommender.cli_export import export
from recommender.cli_index import build, info, rebuild, remove, update, verify
from recommender.cli_init import init
from recommender.cli_preview import preview
from recommender.cli_redirects import redirects
from recommender.cli_serve import serve
from recommender.cli_sync import sync
from recommender.cli_tuning import pairs, tune
from recommender.cli_upkeep import copy, doctor
from recommender.config import DEFAULT_EMBEDDER
from recommender.console import (
    EXIT_FOUND,
    RecommenderGroup,
    changed_thresholds,
    emit,
    format_option,
    index_option,
    log_to_stderr,
    output_option,
    page_format_option,
    page_width,
    progress_of_run,
    say,
    settings,
    threshold_options,
    use_color,
)
from recommender.engine import Recommender
from recommender.errors import ArticleError
from recommender.sources import parse_date


@click.group(
    cls=RecommenderGroup,
    context_settings={"help_option_names": ["-h", "--help"], "max_content_width": 100},
)
@click.version_option(__version__, prog_name="recommender")
@click.option(
    "--config",
    type=click.Path(exists=True, dir_okay=False, path_type=Path),
    help="Settings file.  [default: recommender.toml, where there is one]",
)
@click.option("-q", "--quiet", is_flag=True, help="No progress and no summary on standard error.")
@click.option("-v", "--verbose", is_flag=True, help="Say more on standard error.")
def main(config: Path | None, quiet: bool, verbose: bool) -> None:
    """Related articles and near-duplicates for publishers.

    \b
    recommender demo                                  see it work on sample articles
    recommender init --pbootcms /var/www/site         say where your articles are
    recommender sync                                  let an index follow them
    recommender export related/                       their related lists, for pages to read
    recommender build articles.jsonl -i indexes/news  build an index of a file
    recommender related cms-4812 -i indexes/news      read also
    recommender duplicates -i indexes/news            what to clean up
    """
    log_to_stderr(verbose=verbose)


for _command in (
    *(init, build, sync, update, remove, duplicates, decide, decisions, redirects),
    *(pairs, tune, info, verify, rebuild, copy, doctor),
    *(export, preview, serve),
):
    main.add_command(_command)


@main.command()
@click.argument("folder", required=False, type=click.Path(readable=False, path_type=Path))
@click.option(
    "--embedder", default=DEFAULT_EMBEDDER, show_default=True, help="Model to embed with."
)
def demo(folder: Path | None, embedder: str) -> None:
    """Build an index of sample articles in FOLDER and show what it answers.

    Without FOLDER a temporary one is used and removed again.

    \b
    recommender demo
    recommender demo indexes/demo
    """
    from recommender.demo import run_demo

    with progress_of_run() as progress:
        text = run_demo(
            folder, embedder=embedder, progress=progress, width=page_width(), color=use_color()
        )
    emit(text)


def _date(context: click.Context, parameter: click.Parameter, value: str | None) -> Any:
    """Checked before the index is opened; read in the index's time zone after that."""
    if value is not None and parse_date(value) is None:
        raise click.BadParameter(f"{value!r:.60} is not a date, as 2025-07-17 is")
    return value


@main.command()
@click.argument("article_id", metavar="ID")
@index_option
@threshold_options
@click.option("-n", "--limit", type=click.IntRange(0, 10_000), default=5, show_default=True)
@click.option(
    "--min-similarity",
    type=click.FloatRange(0, 1),
    help="Least similarity.  [default: the threshold related]",
)
@click.option("--category", "categories", multiple=True, help="Only this category. Repeatable.")
@click.option("--language", "languages", multiple=True, help="Only this language. Repeatable.")
@click.option("--source", "sources", multiple=True, help="Only this source. Repeatable.")
@click.option("--site", "sites", multiple=True, help="Only this site. Repeatable.")
@click.option("--after", callback=_date, metavar="DATE", help="Published on or after.")
@click.option("--before", callback=_date, metavar="DATE", help="Published before.")
@click.option("--exclude", multiple=True, metavar="ID", help="Leave out. Repeatable.")
@click.option(
    "--half-life",
    type=click.FloatRange(0, min_open=True),
    metavar="DAYS",
    help="Rank an article this much older half as high.",
)
@click.option(
    "--diversity",
    type=click.FloatRange(0, 1),
    default=0.0,
    show_default=True,
    help="How much likeness to articles already in the list counts against one.",
)
@click.option(
    "--fill",
    type=click.Choice(("none", "category", "latest")),
    default="none",
    show_default=True,
    help="Fill a short list with newest articles, marked as filler.",
)
@click.option("--all", "everything", is_flag=True, help="Also what readers may not see now.")
@explain_option
@format_option
@output_option
def related(
    article_id: str,
    index: Path,
    changes: dict[str, float],
    limit: int,
    min_similarity: float | None,
    categories: tuple[str, ...],
    languages: tuple[str, ...],
    sources: tuple[str, ...],
    sites: tuple[str, ...],
    after: str | None,
    before: str | None,
    exclude: tuple[str, ...],
    half_life: float | None,
    diversity: float,
    fill: str,
    everything: bool,
    explain: bool,
    form: str,
    output: str,
) -> None:
    """List the best related articles of the article ID, each story once.

    \b
    recommender related cms-4812 -n 5 --min-similarity 0.55 -i indexes/news
    recommender related cms-4812 --category 财经 --after 2025-07-01 --fill latest
    recommender related cms-4812 --explain -i indexes/news
    """
    with Recommender.open(index) as opened:
        thresholds = changed_thresholds(opened.thresholds, changes)
        zone = opened.options.zone
        matches = opened.related(
            article_id,
            limit=limit,
            min_similarity=min_similarity,
            thresholds=thresholds,
            categories=categories,
            languages=languages,
            sources=sources,
            sites=sites,
            after=parse_date(after, zone=zone),
            before=parse_date(before, zone=zone),
            exclude=exclude,
            half_life_days=half_life,
            diversity=diversity,
            fill=None if fill == "none" else cast(Fill, fill),
            public_only=not everything,
        )
        card = opened.get(article_id)
        notes, rows = explained_matches(
            opened, article_id, matches, thresholds=thresholds, form=form, wanted=explain
        )
    if form == "table":
        text = reports.matches_text(
            card, matches, width=page_width(), color=use_color(output), notes=notes, zone=zone
        )
    else:
        rows += reports.filler_rows(matches.filler, first_rank=len(rows) + 1)
        text = reports.render_rows(rows, form)
        if matches.reason:
            say(matches.reason)
    emit(text, output)


@main.command()
@click.argument("file", type=click.Path(dir_okay=False, allow_dash=True))
@index_option
@threshold_options
@click.option("--title", default="", help="Title of the draft.  [default: the HTML's, or none]")
@click.option("--id", "article_id", help="Id of the draft, if it is in the index already.")
@click.option("-n", "--limit", type=click.IntRange(1, 10_000), default=20, show_default=True)
@click.option(
    "--exit-code",
    is_flag=True,
    help="Exit with 3 when a near-duplicate is found, with 1 when there is no text to compare.",
)
@explain_option
@format_option
@output_option
def check(
    file: str,
    index: Path,
    changes: dict[str, float],
    title: str,
    article_id: str | None,
    limit: int,
    exit_code: bool,
    explain: bool,
    form: str,
    output: str,
) -> None:
    """Compare a draft (HTML or text, - for standard input) with the index before publishing.

    Nothing is stored.

    \b
    recommender check draft.html -i indexes/news --exit-code
    recommender check draft.html -i indexes/news --explain
    """
    from recommender.sources import read_draft

    with Recommender.open(index) as opened:
        zone = opened.options.zone
        draft = read_draft(
            file,
            title=title,
            article_id=article_id or "draft",
            zone=zone,
            limits=settings(click.get_current_context()).limits,
        )
        thresholds = changed_thresholds(opened.thresholds, changes)
        say(f"Embedding the draft with {opened.options.embedder}.")
        matches = opened.near_duplicates(draft, limit=limit, thresholds=thresholds)
        notes, rows = explained_matches(
            opened, draft, matches, thresholds=thresholds, form=form, wanted=explain
        )
    if matches.reason and exit_code:
        # Not 0: what could not be compared is not free of copies.
        raise ArticleError(f"nothing was compared, {matches.reason}", source=file)
    if form != "table":
        emit(reports.render_rows(rows, form), output)
        if matches.reason:
            say(matches.reason)
    elif matches:
        text = reports.matches_text(
            None, matches, width=page_width(), color=use_color(output), notes=notes, zone=zone
        )
        emit(text, output)
    else:
        said = matches.reason or "no near-duplicates"
        emit(f"{said[0].upper()}{said[1:]}.\n", output)
    if exit_code and matches:
        click.get_current_context().exit(EXIT_FOUND)


@main.command()
@click.argument("first", metavar="ID")
@click.argument("second", metavar="ID")
@index_option
@threshold_options
@interface_language_option
@page_format_option
@output_option
def compare(
    first: str,
    second: str,
    index: Path,
    changes: dict[str, float],
    interface_language: str,
    form: str,
    output: str,
) -> None:
    """Compare two articles of the index and show why they are as close as they are.

    Shown are all evidence, how it adds up, the passages both share, the sentences that were
    edited or that only one has, and the facts that differ.

    \b
    recommender compare cms-1022 cms-1023 -i indexes/news
    recommender compare cms-1022 cms-1023 -f html -o pair.html -i indexes/news
    """
    with Recommender.open(index) as opened:
        thresholds = changed_thresholds(opened.thresholds, changes)
        explanation = opened.explain(first, second, thresholds=thresholds)
        zone = opened.options.zone
    emit(
        rendered_explanation(
            explanation,
            form,
            thresholds=thresholds,
            language=interface_language,
            width=page_width(),
            color=use_color(output),
            zone=zone,
        ),
        output,
    )
