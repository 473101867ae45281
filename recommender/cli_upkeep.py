"""Commands that look after an index in operation: `copy` and `doctor`.

Thin over the library, as all commands are.
"""

from __future__ import annotations

from pathlib import Path

import click

from recommender import reports
from recommender.console import (
    IndexFolder,
    emit,
    format_option,
    index_option,
    output_option,
    page_width,
    progress_of_run,
    say,
    use_color,
)
from recommender.engine import Recommender


@click.command()
@click.argument("source", type=IndexFolder())
@click.argument("destination", type=IndexFolder())
@click.option("--replace", is_flag=True, help="Put the copy in the place of an index.")
@click.option("--no-verify", is_flag=True, help="Do not read the whole copy before it is named.")
def copy(source: Path, destination: Path, replace: bool, no_verify: bool) -> None:
    """Copy the index SOURCE into the local folder DESTINATION, also while a writer works.

    The copy is of one state, is read whole before it gets its name, and is a folder that can be
    shipped with rsync.

    \b
    recommender copy indexes/news releases/monday
    recommender copy indexes/news backup/news --replace
    """
    with progress_of_run() as progress, Recommender.open(source) as opened:
        made = opened.copy(destination, replace=replace, verify=not no_verify, progress=progress)
    again = "; search files made anew" if made.rewritten else ""
    say(f"{destination}: {made.articles:,} articles, {made.bytes / 1e6:,.1f} MB{again}.")


@click.command()
@index_option
@click.option("--no-verify", is_flag=True, help="Do not read the whole index; takes a moment only.")
@format_option
@output_option
def doctor(index: Path, no_verify: bool, form: str, output: str) -> None:
    """Look at everything that can be wrong, and say what mends it.

    Works on a damaged or missing index as well, changes nothing and loads no model. Exit code 1
    if there is an error: answers fail, or a promise is not kept. With warnings only, which can
    wait until somebody looks, it is 0; "worst" in -f json tells them apart.

    \b
    recommender doctor -i indexes/news
    recommender doctor -f json -i indexes/news
    """
    with progress_of_run() as progress:
        diagnosis = Recommender.diagnose(index, verify=not no_verify, progress=progress)
    if form == "table":
        text = reports.diagnosis_text(diagnosis, width=page_width(), color=use_color(output))
    else:
        row = reports.diagnosis_row(diagnosis)
        text = reports.render_rows([row] if form == "json" else row["findings"], form)
    emit(text, output)
    if diagnosis.worst == "error":
        click.get_current_context().exit(1)
