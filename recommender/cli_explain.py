"""How commands explain: the options they share, and an explanation in the form asked for."""

from __future__ import annotations

from datetime import timezone, tzinfo
from typing import Any, cast

import click
from rich.text import Text

from recommender import reports
from recommender.config import Thresholds
from recommender.console import Command
from recommender.engine import Recommender
from recommender.explanation import Explanation
from recommender.records import Article, MatchList
from recommender.reports.wording import Language


def explain_option(command: Command) -> Command:
    """`--explain`; the command gets `explain: bool`."""
    return click.option(
        "--explain",
        is_flag=True,
        help="Say of every match why: evidence, longest shared passage, facts that differ.",
    )(command)


def interface_language_option(command: Command) -> Command:
    """`--interface-language`; the command gets `interface_language: str`."""
    return click.option(
        "--interface-language",
        type=click.Choice(("auto", *reports.LANGUAGES)),
        default="auto",
        show_default=True,
        help="Language of an HTML page; auto is that of the first article.",
    )(command)


def explained_matches(
    opened: Recommender,
    article: str | Article,
    matches: MatchList,
    *,
    thresholds: Thresholds,
    form: str,
    wanted: bool,
) -> tuple[list[Text] | None, list[dict[str, Any]]]:
    """Notes for a table of matches, and the rows of the matches; explained if wanted."""
    if wanted and form == "csv":
        raise click.UsageError("--explain goes with -f table, json or jsonl, not with csv")
    rows = reports.match_rows(matches)
    if not wanted:
        return None, rows
    ids = [match.article.id for match in matches]
    explanations = opened.explain_all(article, ids, thresholds=thresholds)
    for row, explanation in zip(rows, explanations, strict=True):
        row["explanation"] = reports.explanation_row(explanation)
    return [reports.explanation_note(each) for each in explanations], rows


def rendered_explanation(
    explanation: Explanation,
    form: str,
    *,
    thresholds: Thresholds,
    language: str,
    width: int,
    color: bool,
    zone: tzinfo = timezone.utc,
) -> str:
    """An explanation as a table, a page, or data; CSV holds the comparison alone."""
    if form == "html":
        chosen = None if language == "auto" else cast(Language, language)
        return reports.explanation_page(
            explanation, thresholds=thresholds, language=chosen, zone=zone
        )
    if form == "table":
        return reports.explanation_text(explanation, width=width, color=color, zone=zone)
    row = reports.comparison_row(explanation.comparison)
    if form != "csv":
        row["explanation"] = reports.explanation_row(explanation, texts=True)
    return reports.render_rows([row], form)
