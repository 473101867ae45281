"""The command that shows an editor today's box beside ours, before anything is exported."""

from __future__ import annotations

import tempfile
from collections import Counter
from collections.abc import Iterator
from contextlib import contextmanager
from datetime import datetime, timezone
from pathlib import Path
from typing import cast

import click

from recommender import reports
from recommender.cli_explain import interface_language_option
from recommender.config import IndexOptions, Settings
from recommender.console import (
    changed_thresholds,
    emit,
    optional_index_option,
    progress_of_run,
    say,
    settings,
    threshold_options,
    writable,
)
from recommender.engine import Recommender
from recommender.errors import ConfigError, IndexMissing
from recommender.previewing import TODAYS, Preview, Today, TodaysBoxes, make_preview
from recommender.progress import Progress
from recommender.records import Article, Card, Verdict
from recommender.reports.wording import Language
from recommender.sources import Problem, Source, Surroundings, open_sources
from recommender.text import detect_language


@click.command()
@optional_index_option
@threshold_options
@click.option(
    "--today",
    type=click.Choice(("auto", *TODAYS)),
    default="auto",
    show_default=True,
    help="How the site fills its box now: newest with a shared tag, of the category, or of all.",
)
@click.option(
    "--articles",
    type=click.IntRange(1, 100_000),
    default=500,
    show_default=True,
    help="How many of the newest articles are judged.",
)
@click.option(
    "--examples",
    type=click.IntRange(1, 1_000),
    default=20,
    show_default=True,
    help="How many of them the page shows.",
)
@click.option("-n", "--limit", type=click.IntRange(1, 50), default=5, show_default=True)
@interface_language_option
@click.option(
    "-o",
    "--output",
    type=click.Path(dir_okay=False, allow_dash=True),
    callback=writable,
    default="preview.html",
    show_default=True,
    help="Page to write, - for standard output.",
)
def preview(
    index: Path | None,
    changes: dict[str, float],
    today: str,
    articles: int,
    examples: int,
    limit: int,
    interface_language: str,
    output: str,
) -> None:
    """Write a page with the related box that articles have today beside the one they would get.

    Nothing is exported. The lists come from the index where there is one, else from a trial
    with the newest articles of [[sources]], of which nothing is left behind.

    \b
    recommender preview -o preview.html
    recommender preview --today tags --articles 500 -i indexes/news
    """
    said = settings(click.get_current_context())
    now = datetime.now(timezone.utc)
    boxes = TodaysBoxes(limit=limit, newest=articles)
    wanted = None if today == "auto" else cast(Today, today)
    with (
        progress_of_run() as progress,
        _opened(index, said, boxes, wanted, now, progress) as opened,
    ):
        thresholds = changed_thresholds(opened.thresholds, changes)

        def compare(first: str, second: str) -> tuple[float, Verdict]:
            found = opened.compare(first, second, thresholds=thresholds)
            return found.similarity, found.verdict

        made = make_preview(
            boxes,
            today=wanted or boxes.usual(),
            compare=compare,
            related=lambda each: opened.related(each, limit=limit, thresholds=thresholds, now=now),
            known=opened,
            limit=limit,
            examples=examples,
            articles=len(opened),
            least=thresholds.related,
            progress=progress,
        )
        page = reports.preview_page(
            made, language=_language(made, interface_language), zone=opened.options.zone
        )
    emit(page, output)
    theirs, ours = made.numbers
    say(
        f"{output}: {made.judged:,} articles judged; two tellings of one story in "
        f"{theirs.twice + theirs.again:,} boxes today and {ours.twice + ours.again:,} of ours."
    )


@contextmanager
def _opened(
    index: Path | None,
    said: Settings,
    boxes: TodaysBoxes,
    today: Today | None,
    now: datetime,
    progress: Progress,
) -> Iterator[Recommender]:
    """The index, or one of a trial that is gone afterwards; the boxes know all articles then."""
    named = index or (Path(said.index) if said.index else None)
    opened = _index(named, can_try=index is None and bool(said.sources))
    if opened is not None:
        with opened:
            for card in opened.cards(now=now):
                boxes.add(card)
            yield opened
        return
    if not said.sources:
        raise click.UsageError(
            "no articles are named: give -i FOLDER, or write [[sources]] into recommender.toml"
        )
    options = IndexOptions(**said.options)
    where = Surroundings(folder=said.folder, zone=options.zone, limits=said.limits)
    wanted = list(_newest(open_sources(said.sources, where), boxes, today, now))
    if not wanted:
        raise ConfigError("the sources hold no article that readers may see now")
    say(f"A trial with {len(wanted):,} articles; nothing of it is kept.")
    with (
        tempfile.TemporaryDirectory(prefix="recommender-preview-") as folder,
        Recommender.build(
            Path(folder) / "index", wanted, options=options, progress=progress, now=now
        ) as built,
    ):
        yield built


def _index(named: Path | None, *, can_try: bool) -> Recommender | None:
    if named is None:
        return None
    try:
        return Recommender.open(named)
    except IndexMissing:
        if can_try:
            return None
        raise


def _newest(
    sources: list[Source],
    boxes: TodaysBoxes,
    today: Today | None,
    now: datetime,
) -> Iterator[Article]:
    """The newest articles, and those in their boxes; the sources are read twice for it."""
    for article in _articles(sources):
        if article.is_public(now):
            boxes.add(article.card)
    chosen = today or boxes.usual()
    newest: list[Card] = boxes.newest
    wanted = {card.id for card in newest}
    wanted |= {other.id for card in newest for other in boxes.box(card, chosen)}
    for article in _articles(sources):
        if article.id in wanted:
            yield article


def _articles(sources: list[Source]) -> Iterator[Article]:
    """All articles that can be read, each id once."""
    seen: set[str] = set()
    bad: list[Problem] = []
    for source in sources:
        for article in source.articles(on_problem=bad.append, on_lost_date=lambda _: None):
            if article.id not in seen:
                seen.add(article.id)
                yield article


def _language(made: Preview, wanted: str) -> Language:
    if wanted != "auto":
        return cast(Language, wanted)
    # Sources seldom say the language of an article; its headline shows it as well.
    spoken = Counter(
        each.card.language or detect_language(each.card.title) for each in made.examples
    )
    most = max(sorted(spoken), key=spoken.__getitem__, default="en")
    return "zh" if most == "zh" else "en"
