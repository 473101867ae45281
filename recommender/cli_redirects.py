"""The command with which the site is told what became of duplicates: `redirects`."""

from __future__ import annotations

import json
from collections import Counter
from collections.abc import Sequence
from pathlib import Path
from typing import Any

import click

from recommender import reports
from recommender.canonical import CanonicalPolicy
from recommender.cli_policy import policy_options
from recommender.console import (
    changed_thresholds,
    emit,
    index_option,
    output_option,
    say,
    threshold_options,
    writable,
)
from recommender.engine import Recommender
from recommender.records import Verdict
from recommender.redirects import REASONS, LeftOut, Redirect, RedirectMap
from recommender.reports.tables import printable

FORMATS = ("nginx", "apache", "csv", "json", "canonical")
_LISTED = 10


@click.command()
@index_option
@threshold_options
@policy_options
@click.option(
    "--auto",
    is_flag=True,
    help="Also copies that no editor marked: same text, language and site, no fact against it.",
)
@click.option(
    "-f",
    "--format",
    "form",
    type=click.Choice(FORMATS),
    default="csv",
    show_default=True,
    help="How the redirects are written.",
)
@output_option
@click.option(
    "--left-out",
    "left_out",
    type=click.Path(dir_okay=False, allow_dash=False),
    callback=writable,
    metavar="FILE",
    help="Write there what is not redirected, and why: CSV, or JSON if so named.",
)
def redirects(
    index: Path,
    changes: dict[str, float],
    policy: CanonicalPolicy,
    auto: bool,
    form: str,
    output: str,
    left_out: str | None,
) -> None:
    """Write which page is to be redirected to which: what editors marked to be merged.

    Free of chains and loops, within one site and host, and only to what readers may see. A brief
    inside a round-up is never redirected. What is left out is told with its reason.

    nginx and apache are for the server, and say in their first lines how they are included. csv
    and json are for a CMS that redirects itself. Use them where only one page is to stay. Where
    both pages stay reachable, take canonical instead: for each page its id, a tab, and the
    element <link rel="canonical"> that its head needs; it tells search engines which page is
    meant, and readers notice nothing (csv and json hold it too). Never do both for one page.

    \b
    recommender redirects -f nginx -o redirects.conf -i indexes/news
    recommender redirects --auto -f csv -o redirects.csv --left-out left-out.csv -i indexes/news
    recommender redirects -f canonical -o links.tsv -i indexes/news
    """
    with Recommender.open(index) as opened:
        thresholds = changed_thresholds(opened.thresholds, changes)
        groups = (
            opened.duplicate_report(
                thresholds=thresholds, verdict=Verdict.SAME_TEXT, policy=policy
            ).groups
            if auto
            else ()
        )
        made = opened.redirects(automatic=groups)
        if form == "apache":
            made = _fitting_apache(made)
        ids = {one for each in made.left_out for one in (each.source_id, each.target_id)}
        rows = reports.left_out_rows(made.left_out, opened.get_many(ids))
    emit(_rendered(made.redirects, rows, form), output)
    if left_out is not None:
        as_json = Path(left_out).suffix.lower() == ".json"
        emit(reports.render_rows(rows, "json" if as_json else "csv"), left_out)
    _summarise(made, listed=left_out is not None or form == "json")


def _fitting_apache(made: RedirectMap) -> RedirectMap:
    fitting = tuple(each for each in made.redirects if reports.fits_apache(each))
    beyond = [
        LeftOut(source_id=each.source.id, target_id=each.target.id, reason="too-long")
        for each in made.redirects
        if not reports.fits_apache(each)
    ]
    left = sorted([*made.left_out, *beyond], key=lambda each: (each.source_id, each.target_id))
    return RedirectMap(redirects=fitting, left_out=tuple(left))


def _rendered(found: Sequence[Redirect], left_out: Sequence[dict[str, Any]], form: str) -> str:
    if form == "nginx":
        return reports.nginx_map(found)
    if form == "apache":
        return reports.apache_map(found)
    if form == "canonical":
        return reports.canonical_lines(found)
    rows = reports.redirect_rows(found)
    if form == "json":
        data = {"redirects": rows, "left_out": list(left_out)}
        return json.dumps(data, ensure_ascii=False, indent=2) + "\n"
    return reports.render_rows(rows, "csv")


def _summarise(made: RedirectMap, *, listed: bool) -> None:
    number = len(made.redirects)
    say("1 redirect." if number == 1 else f"{number:,} redirects.")
    if not made.left_out:
        return
    for each in made.left_out[:_LISTED]:
        say(printable(f"{each.source_id} → {each.target_id}: left out, {each.text}"))
    counts = Counter(each.reason for each in made.left_out)
    reasons = "; ".join(f"{counts[each]:,} {each}" for each in REASONS if counts[each])
    pairs = "1 pair" if len(made.left_out) == 1 else f"{len(made.left_out):,} pairs"
    more = "" if listed or len(made.left_out) <= _LISTED else "; --left-out FILE lists them all"
    say(f"{pairs} left out: {reasons}{more}.")
