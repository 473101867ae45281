"""The command `duplicates`: what to clean up, as a table, data, or a page to work with."""

from __future__ import annotations

from dataclasses import replace
from datetime import tzinfo
from pathlib import Path

import click

from recommender import reports
from recommender.canonical import CanonicalPolicy
from recommender.cli_duplicate_page import duplicate_page
from recommender.cli_explain import interface_language_option
from recommender.cli_policy import policy_options
from recommender.console import (
    EXIT_FOUND,
    changed_thresholds,
    emit,
    index_option,
    output_option,
    page_format_option,
    page_width,
    progress_of_run,
    say,
    threshold_options,
    use_color,
    writable,
)
from recommender.duplicate_report import DuplicateReport
from recommender.engine import Recommender
from recommender.records import Verdict
from recommender.sources import parse_date

_LAST = "last"


def _since(context: click.Context, parameter: click.Parameter, value: str | None) -> str | None:
    if value not in (None, _LAST) and parse_date(value) is None:
        raise click.BadParameter(f"{value!r} is not a date, as 2025-07-17 is, nor {_LAST}")
    return value


@click.command()
@index_option
@threshold_options
@click.option(
    "--verdict",
    type=click.Choice((Verdict.SAME_TEXT.value, Verdict.SAME_STORY.value)),
    default=Verdict.SAME_STORY.value,
    show_default=True,
    help="Weakest verdict that puts two articles into a group.",
)
@policy_options
@click.option(
    "--since",
    callback=_since,
    metavar="DATE|last",
    help="Only what has an article published since; last: one that came or changed since the "
    "last report made with --since last.",
)
@click.option("--open", "open_only", is_flag=True, help="Leave out what editors have decided on.")
@click.option(
    "--fail-above",
    type=click.IntRange(0),
    metavar="N",
    help="Exit with 3 when there are more groups to work on than N.",
)
@click.option(
    "--page",
    type=click.Path(dir_okay=False, path_type=Path),
    callback=writable,
    metavar="FILE",
    help="Also write the HTML report into FILE.",
)
@click.option("--no-bodies", is_flag=True, help="No text of the articles in the HTML report.")
@interface_language_option
@page_format_option
@output_option
def duplicates(
    index: Path,
    changes: dict[str, float],
    verdict: str,
    policy: CanonicalPolicy,
    since: str | None,
    open_only: bool,
    fail_above: int | None,
    page: Path | None,
    no_bodies: bool,
    interface_language: str,
    form: str,
    output: str,
) -> None:
    """Report near-duplicates in groups, each with the article to keep.

    The page (-f html) is one file to work in: compare, mark, and export the decisions for
    "recommender decide". What the other formats hold is described in docs/duplicates.md.

    \b
    recommender duplicates -f html -o duplicates.html -i indexes/news
    recommender duplicates --verdict same-text -f csv -o duplicates.csv -i indexes/news
    recommender duplicates --since last --page new.html -f json --fail-above 0 -i indexes/news
    recommender duplicates --keep pinned,own,most-visited --own-source 本报 -i indexes/news
    """
    with progress_of_run() as progress, Recommender.open(index) as opened:
        zone = opened.options.zone
        report = opened.duplicate_report(
            thresholds=changed_thresholds(opened.thresholds, changes),
            verdict=Verdict(verdict),
            policy=policy,
            since=None if since == _LAST else parse_date(since, zone=zone),
            new_only=since == _LAST,
            progress=progress,
        )
        if open_only:
            report = replace(report, groups=report.open_groups)
        target = page or (Path(output) if form == "html" and output != "-" else None)
        shown = ""
        if page is not None or form == "html":
            shown = duplicate_page(
                *(opened, report, target),
                bodies=not no_bodies,
                language=interface_language,
                progress=progress,
            )
        if page is not None:
            emit(shown, str(page))
        emit(shown if form == "html" else _rendered(report, form, output, zone), output)
        if since == _LAST:
            opened.mark_reported(report)
    said = reports.summary_row(report)
    say(f"{index}: {said['groups']:,} groups, {said['duplicates']:,} articles beside those to keep")
    if fail_above is not None and said["open_groups"] > fail_above:
        click.get_current_context().exit(EXIT_FOUND)


def _rendered(report: DuplicateReport, form: str, output: str, zone: tzinfo) -> str:
    if form == "table":
        return reports.report_text(report, width=page_width(), color=use_color(output), zone=zone)
    if form == "json":
        return reports.report_json(report)
    return reports.render_rows(reports.report_rows(report), form)
