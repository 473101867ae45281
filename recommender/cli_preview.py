"""The command that shows an editor today's box beside ours, before anything is exported."""

from __future__ import annotations

import tempfile
from collections import Counter
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import replace
from datetime import datetime, timezone
from pathlib import Path
from typing import cast

import click

from recommender import reports
from recommender.cli_explain import interface_language_option
from recommender.config import IndexOptions, Settings, Thresholds
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
from recommender.export_specs import FILLS, MOST_LISTED, ExportSpec
from recommender.previewing import TODAYS, Preview, Today, TodaysBoxes, make_preview
from recommender.progress import Progress
from recommender.records import Article, Card, MatchList, Verdict
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
@click.option(
    "--with-itself/--without-itself",
    default=None,
    help="Whether the site's box holds also the article on whose page it stands.  [default: only "
    "of PbootCMS]",
)
@click.option(
    "-n",
    "--limit",
    type=click.IntRange(1, MOST_LISTED),
    help="Places of a box.  [default: as [export] says, 5]",
)
@click.option(
    "--min-similarity",
    type=click.FloatRange(0, 1),
    help="Least similarity of our lists.  [default: as [export] says, the threshold related]",
)
@click.option(
    "--fill",
    type=click.Choice(FILLS),
    help="Fill short lists with newest articles.  [default: as [export] says, none]",
)
@click.option("--site", help="Judge only articles of this site.  [default: as [export] says, all]")
@click.option(
    "--same-site/--any-site",
    default=None,
    help="Whether our lists name no other site.  [default: as [export] says, any site]",
)
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
    with_itself: bool | None,
    interface_language: str,
    output: str,
    **given: str | int | float | bool | None,
) -> None:
    """Write a page with the related box that articles have today beside the one they would get.

    Nothing is exported. The lists are those that `export` would write, as [export] in
    recommender.toml says; they come from the index where there is one, else from a trial with the
    newest articles of [[sources]], of which nothing is left behind. The box of today is not read
    from the site but made anew, from its tags, its categories or its newest articles.

    \b
    recommender preview -o preview.html
    recommender preview --today tags --articles 500 -i indexes/news
    recommender preview --fill latest -n 3 -i indexes/news
    """
    said = settings(click.get_current_context())
    now = datetime.now(timezone.utc)
    spec = _spec(said, given)
    boxes = TodaysBoxes(
        limit=spec.limit,
        newest=articles,
        site=spec.site,
        holds_itself=_holds_itself(said, with_itself),
    )
    wanted = None if today == "auto" else cast(Today, today)
    with (
        progress_of_run() as progress,
        _opened(index, said, boxes, wanted, now, progress) as opened,
    ):
        if spec.site and not boxes.newest:
            raise ConfigError(
                f"there is no article of the site {spec.site!r:.80} that readers may see; there "
                f"are some of {', '.join(boxes.sites) or 'no site'}"
            )
        thresholds = changed_thresholds(opened.thresholds, changes)
        lists = _lists(opened, boxes, spec, thresholds, now)

        def compare(first: str, second: str) -> tuple[float, Verdict]:
            found = opened.compare(first, second, thresholds=thresholds)
            return found.similarity, found.verdict

        made = make_preview(
            boxes,
            today=wanted or boxes.usual(),
            compare=compare,
            related=lists.__getitem__,
            known=opened,
            limit=spec.limit,
            examples=examples,
            articles=len(opened),
            threshold=thresholds.related,
            least=thresholds.related if spec.min_similarity is None else spec.min_similarity,
            fill=None if spec.fill == "none" else spec.fill,
            progress=progress,
        )
        page = reports.preview_page(
            made, language=_language(made, interface_language), zone=opened.options.zone
        )
    emit(page, output)
    theirs, ours = made.numbers
    written = "" if output == "-" else f"{output}: "
    say(
        f"{written}{made.judged:,} articles judged. The article's own story again in "
        f"{theirs.again:,} boxes of today, as reconstructed, and in {ours.again:,} of ours; one "
        f"story twice in {theirs.twice:,} and in {ours.twice:,}."
    )


def _spec(said: Settings, given: dict[str, str | int | float | bool | None]) -> ExportSpec:
    """What `export` would write, as the file says it, with what the command line changes."""
    changed = {name: value for name, value in given.items() if value is not None}
    spec = replace(said.export, **changed)  # type: ignore[arg-type]
    if spec.site or not spec.source:
        return spec
    # As `export`: the site whose database it is reads only its own lists.
    sites = [each.site for each in said.sources if each.name == spec.source]
    return replace(spec, site=sites[0] if sites else "")


def _holds_itself(said: Settings, wanted: bool | None) -> Callable[[str], bool]:
    """Whether the box of a site may hold the article itself: a plain list of PbootCMS does."""
    kinds = {each.site: each.kind for each in said.sources}

    def holds(site: str) -> bool:
        if wanted is not None:
            return wanted
        return kinds.get(site, kinds.get("")) == "pbootcms"

    return holds


def _lists(
    opened: Recommender,
    boxes: TodaysBoxes,
    spec: ExportSpec,
    thresholds: Thresholds,
    now: datetime,
) -> dict[str, MatchList]:
    """The lists of the articles that are judged, by their ids, as `export` writes them."""
    with opened.related_lists(
        limit=spec.limit,
        min_similarity=spec.min_similarity,
        thresholds=thresholds,
        ids=[card.id for card in boxes.newest],
        same_site=spec.same_site or bool(spec.site),
        fill=None if spec.fill == "none" else spec.fill,
        now=now,
    ) as lists:
        return {card.id: matches for card, matches in lists}


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
    named = index or (said.folder / said.index if said.index else None)
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
    sources = open_sources(said.sources, where)
    wanted = list(_newest(sources, boxes, today, now))
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
