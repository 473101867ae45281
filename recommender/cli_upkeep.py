"""Commands that look after an index in operation: `copy` and `doctor`.

Thin over the library, as all commands are.
"""

from __future__ import annotations

from pathlib import Path

import click

from recommender.console import progress_of_run, say
from recommender.engine import Recommender


@click.command()
@click.argument("source", type=click.Path(file_okay=False, path_type=Path))
@click.argument("destination", type=click.Path(path_type=Path))
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
