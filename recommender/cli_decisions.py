"""Commands with which editors overrule the model: `decide` and `decisions`."""

from __future__ import annotations

from pathlib import Path

import click

from recommender import reports
from recommender.console import (
    emit,
    format_option,
    index_option,
    output_option,
    page_width,
    say,
    settings,
    use_color,
)
from recommender.engine import Recommender
from recommender.errors import ConfigError
from recommender.records import DecisionKind


@click.command()
@click.argument("given", nargs=-1, required=True, metavar="ID ID | FILE")
@index_option
@click.option("--duplicate", is_flag=True, help="The two are duplicates.")
@click.option("--distinct", is_flag=True, help="The two are not duplicates.")
@click.option("--forget", is_flag=True, help="Take the decision on the two out.")
@click.option("--note", default="", help="Why.")
@click.option("--by", "decided_by", default="", metavar="NAME", help="Who decided.")
def decide(
    given: tuple[str, ...],
    index: Path,
    duplicate: bool,
    distinct: bool,
    forget: bool,
    note: str,
    decided_by: str,
) -> None:
    """Store what an editor decided about two articles; it wins over the model.

    FILE is JSON, - for standard input: a list of objects with first, second, decision
    ("duplicate" or "distinct"), and if wanted note, by and at. All of it is stored or nothing.

    \b
    recommender decide cms-1022 cms-1023 --duplicate --by chen -i indexes/news
    recommender decide cms-1022 cms-1040 --distinct --note "another flood" -i indexes/news
    recommender decide cms-1022 cms-1023 --forget -i indexes/news
    recommender decide decisions.json -i indexes/news
    """
    if len(given) > 2:
        raise click.UsageError("name two articles, or one file")
    asked = duplicate + distinct + forget
    if len(given) == 1:
        if asked or note:
            raise click.UsageError("--duplicate, --distinct, --forget and --note take two articles")
        _decide_file(given[0], index, decided_by)
        return
    if asked != 1:
        raise click.UsageError("say one of --duplicate, --distinct and --forget")
    if forget:
        _forget(given[0], given[1], index)
        return
    kind: DecisionKind = "duplicate" if duplicate else "distinct"
    with Recommender.open(index) as opened:
        opened.decide(given[0], given[1], kind, note=note, decided_by=decided_by)
    say(f"{index}: 1 decision stored.")


def _forget(first: str, second: str, index: Path) -> None:
    with Recommender.open(index) as opened:
        if not opened.forget_decision(first, second):
            raise ConfigError(
                f"nothing was decided about {first!r} and {second!r}; "
                'run "recommender decisions" to see what was'
            )
    say(f"{index}: 1 decision forgotten.")


def _decide_file(path: str, index: Path, decided_by: str) -> None:
    from recommender.sources import read_decisions

    given = read_decisions(
        path, decided_by=decided_by, limits=settings(click.get_current_context()).limits
    )
    with Recommender.open(index) as opened:
        opened.decide_many(given)
    say(f"{index}: {'1 decision' if len(given) == 1 else f'{len(given):,} decisions'} stored.")


@click.command()
@index_option
@click.option("--stale", is_flag=True, help="Only those whose texts were edited since.")
@format_option
@output_option
def decisions(index: Path, stale: bool, form: str, output: str) -> None:
    """List what editors decided: active, stale (a text was edited), or missing an article.

    Contradictions (A = B, B = C, but A ≠ C) are listed below, and in the column conflict.

    \b
    recommender decisions -i indexes/news
    recommender decisions --stale -f csv -o stale.csv -i indexes/news
    """
    with Recommender.open(index) as opened:
        found = opened.decisions()
        conflicts = opened.decision_conflicts()
        shown = [each for each in found if each.stale] if stale else found
        cards = opened.get_many(article_id for each in shown for article_id in each.pair)
        zone = opened.options.zone
        titles = {article_id: card.title for article_id, card in cards.items()}
    if form == "table":
        text = reports.decisions_text(
            shown, conflicts, titles, width=page_width(), color=use_color(output), zone=zone
        )
    else:
        text = reports.render_rows(reports.decision_rows(shown, conflicts, titles), form)
    emit(text, output)
