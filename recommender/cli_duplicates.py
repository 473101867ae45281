"""The command `duplicates`: what to clean up, as a table, data, or a page to work with."""

from __future__ import annotations

import functools
from dataclasses import replace
from datetime import tzinfo
from pathlib import Path
from typing import Any

import click

from recommender import reports
from recommender.canonical import CRITERIA, CanonicalPolicy, policy_from
from recommender.console import (
    EXIT_FOUND,
    Command,
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
from recommender.duplicate_report import DuplicateReport
from recommender.engine import Recommender
from recommender.records import Verdict
from recommender.sources import parse_date

_LAST = "last"


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


def _since(context: click.Context, parameter: click.Parameter, value: str | None) -> str | None:
    if value not in (None, _LAST) and parse_date(value) is None:
        raise click.BadParameter(f"{value!r:.60} is not a date, as 2025-07-17 is, nor {_LAST}")
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
@format_option
@output_option
def duplicates(
    index: Path,
    changes: dict[str, float],
    verdict: str,
    policy: CanonicalPolicy,
    since: str | None,
    open_only: bool,
    fail_above: int | None,
    form: str,
    output: str,
) -> None:
    """Report near-duplicates in groups, each with the article to keep.

    The fields are described in docs/duplicates.md.

    \b
    recommender duplicates --verdict same-text -f csv -o duplicates.csv -i indexes/news
    recommender duplicates --since last -f json --fail-above 0 -i indexes/news
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
        emit(_rendered(report, form, output, zone), output)
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
