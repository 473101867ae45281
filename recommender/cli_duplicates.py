"""The command `duplicates`: what to clean up, as a table, data, or a page to work with."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass, replace
from datetime import timezone, tzinfo
from pathlib import Path

import click

from recommender import reports
from recommender.canonical import CanonicalPolicy
from recommender.cli_duplicate_page import duplicate_page, plain_page
from recommender.cli_explain import interface_language_option
from recommender.cli_input import input_options
from recommender.cli_lexical import check_way, lexical_report, reading
from recommender.cli_policy import policy_options
from recommender.config import Thresholds
from recommender.console import (
    EXIT_FOUND,
    changed_thresholds,
    emit,
    named_index,
    optional_index_option,
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
from recommender.progress import Progress
from recommender.records import Verdict
from recommender.sources import parse_date

_LAST = "last"


def _since(context: click.Context, parameter: click.Parameter, value: str | None) -> str | None:
    if value not in (None, _LAST) and parse_date(value) is None:
        raise click.BadParameter(f"{value!r:.60} is not a date, as 2025-07-17 is, nor {_LAST}")
    return value


@click.command()
@click.argument("file", required=False, type=click.Path(dir_okay=False, allow_dash=True))
@optional_index_option
@click.option(
    "--lexical-only",
    is_flag=True,
    help="Compare the wording of the articles in FILE, without an index and without a model.",
)
@click.option(
    "--pairs",
    "pairs_file",
    type=click.Path(dir_okay=False, path_type=Path),
    callback=writable,
    metavar="FILE",
    help="With --lexical-only: write each pair with its exact overlap there, as JSON lines.",
)
@input_options
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
    file: str | None,
    index: Path | None,
    lexical_only: bool,
    pairs_file: Path | None,
    field_pairs: tuple[str, ...],
    timezone: str | None,
    skip_invalid: bool,
    on_duplicate: str,
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

    With --lexical-only it is the articles of FILE (JSON lines or CSV, - for standard input) that
    are compared, by their wording alone: fast, and blind to a story told in other words.

    \b
    recommender duplicates -f html -o duplicates.html -i indexes/news
    recommender duplicates --verdict same-text -f csv -o duplicates.csv -i indexes/news
    recommender duplicates --since last --page new.html -f json --fail-above 0 -i indexes/news
    recommender duplicates articles.jsonl --lexical-only --pairs pairs.jsonl
    recommender duplicates --keep pinned,own,most-visited --own-source 本报 -i indexes/news
    """
    target = page or (Path(output) if output != "-" else None)
    way = {"--since": since is not None, "--open": open_only}
    check_way(file, lexical_only, way)
    if pairs_file is not None and not lexical_only:
        raise click.UsageError("--pairs goes with --lexical-only")
    wish = Wish(
        verdict=Verdict(verdict),
        policy=policy,
        since=since,
        open_only=open_only,
        bodies=not no_bodies,
        language=interface_language,
        form=form,
        output=output,
        page=page,
    )
    with progress_of_run() as progress:
        if lexical_only and file is not None:
            report = lexical_report(
                file,
                taken=reading(field_pairs, timezone, skip_invalid, on_duplicate),
                on_duplicate=on_duplicate,
                thresholds=changed_thresholds(Thresholds(), changes),
                verdict=wish.verdict,
                policy=policy,
                pairs_file=pairs_file,
                output=target,
                progress=progress,
            )
            _write(report, wish, lambda: plain_page(report, interface_language))
        else:
            report = _over_index(named_index(index), changes, wish, progress)
    said = reports.summary_row(report)
    say(
        f"{report.source}: {said['groups']:,} groups, "
        f"{said['duplicates']:,} articles beside those to keep"
    )
    if fail_above is not None and said["open_groups"] > fail_above:
        click.get_current_context().exit(EXIT_FOUND)


@dataclass(frozen=True, slots=True, kw_only=True)
class Wish:
    """What is wanted of the report, and where it goes."""

    verdict: Verdict
    policy: CanonicalPolicy
    since: str | None
    open_only: bool
    bodies: bool
    language: str
    form: str
    output: str
    page: Path | None


def _over_index(
    index: Path, changes: dict[str, float], wish: Wish, progress: Progress
) -> DuplicateReport:
    with Recommender.open(index) as opened:
        zone = opened.options.zone
        report = opened.duplicate_report(
            thresholds=changed_thresholds(opened.thresholds, changes),
            verdict=wish.verdict,
            policy=wish.policy,
            since=None if wish.since == _LAST else parse_date(wish.since, zone=zone),
            new_only=wish.since == _LAST,
            progress=progress,
        )
        if wish.open_only:
            open_pairs = tuple(x for x in report.maybe if not report.is_pair_settled(x.pair))
            report = replace(report, groups=report.open_groups, maybe=open_pairs)
        target = wish.page or (Path(wish.output) if wish.output != "-" else None)

        def page() -> str:
            return duplicate_page(
                *(opened, report, target),
                bodies=wish.bodies,
                language=wish.language,
                progress=progress,
            )

        _write(report, wish, page, zone)
        if wish.since == _LAST:
            opened.mark_reported(report)
    return report


def _write(
    report: DuplicateReport, wish: Wish, page: Callable[[], str], zone: tzinfo = timezone.utc
) -> None:
    shown = page() if wish.page is not None or wish.form == "html" else ""
    if wish.page is not None:
        emit(shown, str(wish.page))
    text = shown if wish.form == "html" else _rendered(report, wish.form, wish.output, zone)
    emit(text, wish.output)


def _rendered(report: DuplicateReport, form: str, output: str, zone: tzinfo) -> str:
    if form == "table":
        return reports.report_text(report, width=page_width(), color=use_color(output), zone=zone)
    if form == "json":
        return reports.report_json(report)
    return reports.render_rows(reports.report_rows(report), form, names=reports.REPORT_FIELDS)
