"""Commands with which editors overrule the model: `decide` and `decisions`."""

from __future__ import annotations

from collections.abc import Sequence
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
from recommender.decisions import Decision
from recommender.engine import Recommender
from recommender.errors import ConfigError
from recommender.records import DecisionKind, Treatment
from recommender.reports.tables import printable

_LISTED = 10


@click.command()
@click.argument("given", nargs=-1, required=True, metavar="ID ID | FILE")
@index_option
@click.option("--duplicate", is_flag=True, help="The two are duplicates.")
@click.option("--merge", is_flag=True, help="Duplicates; one is redirected to the other.")
@click.option("--canonical", default="", metavar="ID", help="With --merge: the one that is kept.")
@click.option("--keep-both", is_flag=True, help="Duplicates; both stay published.")
@click.option("--distinct", is_flag=True, help="The two are not duplicates.")
@click.option("--forget", is_flag=True, help="Take the decision on the two out.")
@click.option(
    "--skip-missing",
    is_flag=True,
    help="Of a file: leave out, and count, pairs of which an article is not in the index.",
)
@click.option("--note", default="", help="Why.")
@click.option("--by", "decided_by", default="", metavar="NAME", help="Who decided.")
def decide(
    given: tuple[str, ...],
    index: Path,
    duplicate: bool,
    merge: bool,
    canonical: str,
    keep_both: bool,
    distinct: bool,
    forget: bool,
    skip_missing: bool,
    note: str,
    decided_by: str,
) -> None:
    """Store what an editor decided about two articles; it wins over the model.

    FILE is JSON, - for standard input, as the duplicate report and "recommender decisions"
    write it: a list of objects with first, second, decision ("merge", with canonical; "keep",
    "duplicate" or "distinct"), and if wanted note, by and at. All of it is stored or nothing.

    "recommender redirects" writes the redirects of what is to be merged.

    \b
    recommender decide cms-1022 cms-1023 --duplicate --by chen -i indexes/news
    recommender decide cms-1022 cms-1023 --merge --canonical cms-1022 -i indexes/news
    recommender decide cms-1022 cms-1040 --distinct --note "another flood" -i indexes/news
    recommender decide cms-1022 cms-1023 --forget -i indexes/news
    recommender decide decisions.json -i indexes/news
    """
    if len(given) > 2:
        raise click.UsageError("name two articles, or one file")
    asked = duplicate + merge + keep_both + distinct + forget
    if len(given) == 1:
        if asked or canonical or note:
            raise click.UsageError("of a file, the file itself says what is decided and why")
        _decide_file(given[0], index, decided_by, skip_missing=skip_missing)
        return
    if skip_missing:
        raise click.UsageError("--skip-missing is for a file")
    if asked != 1:
        raise click.UsageError(
            "say one of --duplicate, --merge, --keep-both, --distinct and --forget"
        )
    if merge != bool(canonical):
        raise click.UsageError("--merge and --canonical ID, the article that is kept, go together")
    if forget:
        _forget(given[0], given[1], index)
        return
    kind: DecisionKind = "distinct" if distinct else "duplicate"
    treatment: Treatment = "merge" if merge else "keep" if keep_both else ""
    with Recommender.open(index) as opened:
        opened.decide(
            given[0],
            given[1],
            kind,
            treatment=treatment,
            canonical=canonical,
            note=note,
            decided_by=decided_by,
        )
    say(f"{index}: {_counted(1)} stored.")


def _forget(first: str, second: str, index: Path) -> None:
    with Recommender.open(index) as opened:
        if not opened.forget_decision(first, second):
            raise ConfigError(
                f"nothing was decided about {first!r} and {second!r}; "
                'run "recommender decisions" to see what was'
            )
    say(f"{index}: 1 decision forgotten.")


def _decide_file(path: str, index: Path, decided_by: str, *, skip_missing: bool) -> None:
    from recommender.sources import read_decisions

    given = read_decisions(
        path, decided_by=decided_by, limits=settings(click.get_current_context()).limits
    )
    with Recommender.open(index) as opened:
        if skip_missing:
            given = _those_there(opened, given)
        opened.decide_many(given)
    say(f"{index}: {_counted(len(given))} stored.")


def _those_there(opened: Recommender, given: Sequence[Decision]) -> list[Decision]:
    """Decisions on articles that are in the index; says which are left out."""
    there = opened.get_many(article_id for each in given for article_id in each.pair)
    lost = [each for each in given if not there.keys() >= set(each.pair)]
    for each in lost[:_LISTED]:
        missing = [printable(one) for one in each.pair if one not in there]
        pair = " and ".join(map(printable, each.pair))
        say(f"{pair}: left out, no article {' or '.join(missing)} in the index")
    if lost:
        say(f"{_counted(len(lost))} left out: an article is not in the index.")
    return [each for each in given if there.keys() >= set(each.pair)]


def _counted(number: int) -> str:
    return "1 decision" if number == 1 else f"{number:,} decisions"


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
