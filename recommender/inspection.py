"""Looking at an index: what is in it, what is odd about its articles, whether it is whole."""

from __future__ import annotations

from collections import Counter
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path

import numpy as np

from recommender.boilerplate import Segment
from recommender.config import IndexOptions, Thresholds
from recommender.deciding import conflicts, listed
from recommender.embedders import EmbedderIdentity
from recommender.generation import Generation
from recommender.indexing import NEAR_EMPTY, PROBLEMS
from recommender.progress import Progress
from recommender.records import Card
from recommender.search import Searcher
from recommender.store import FORMAT_VERSION, check_store, is_purging

# Beyond this change of the random pairs' cosine the background has moved; rebuild mends it.
DRIFT_LIMIT = 0.03
_DRIFT_SAMPLE = 2_000
_SWEEP = 1_000
_LISTED = 5


@dataclass(frozen=True, slots=True, kw_only=True)
class ArticleProblem:
    """Something odd about one article, for an editor to look at."""

    article: Card
    problem: str


@dataclass(frozen=True, slots=True, kw_only=True)
class IndexInfo:
    """What is in an index and how it was made.

    Attributes
    ----------
    path : Path
    format_version : int
    articles : int
    embedded : int
        Articles that have a vector; the others have next to no text.
    languages, problems : mapping of str to int
        Numbers of articles.
    embedder : EmbedderIdentity
    options : IndexOptions
    thresholds : Thresholds
        As stored in the index.
    profile : str
        Name of the similarity profile.
    profile_fitted : bool
        Whether it was fitted for these weights.
    cosines_matched : int
        Articles by whose quantiles the cosines of a model nobody has fitted were matched to the
        profile's; 0 when they were not.
    boilerplate : tuple of Segment
        Segments left out of embedding and fingerprints, most frequent first.
    generation : int
        Number of the search files.
    tail : int
        Articles newer than the search files.
    removed : int
        Articles removed since the search files were written.
    drift : float
        Mean cosine of random pairs; about 0 when the centres fit.
    sizes : mapping of str to int
        Files of the folder and their bytes.
    decisions : mapping of str to int
        Editors' decisions by state: active, stale, missing (an article is not in the index).
    warnings : tuple of str
        What should be looked after, with what to do.
    """

    path: Path
    format_version: int
    articles: int
    embedded: int
    languages: Mapping[str, int]
    problems: Mapping[str, int]
    embedder: EmbedderIdentity
    options: IndexOptions
    thresholds: Thresholds
    profile: str
    profile_fitted: bool
    cosines_matched: int
    boilerplate: tuple[Segment, ...]
    generation: int
    tail: int
    removed: int
    drift: float
    sizes: Mapping[str, int]
    decisions: Mapping[str, int]
    warnings: tuple[str, ...]


def describe(searcher: Searcher) -> IndexInfo:
    """Read what an index says of itself and count what is in it."""
    store, state = searcher.store, searcher.state
    rows, vectors, languages = store.vectors()
    step = max(1, len(rows) // _DRIFT_SAMPLE)
    drift = state.centres.drift(vectors[::step].astype(np.float32), languages[::step])
    generation = searcher.generation
    info = generation.info
    problems = Counter(each.problem for each in find_problems(searcher))
    profile = store.meta()["profile"]
    decisions = Counter(each.state for each in listed(store))
    return IndexInfo(
        path=store.folder,
        format_version=FORMAT_VERSION,
        articles=store.count(),
        embedded=len(rows),
        languages=_count_languages(searcher),
        problems=dict(sorted(problems.items())),
        embedder=state.identity,
        options=state.options,
        thresholds=state.thresholds,
        profile=state.profile.name,
        profile_fitted=bool(profile["fitted_for_embedder"]),
        cosines_matched=int(profile["cosines_matched"]),
        boilerplate=tuple(
            sorted(state.recipe.boilerplate.segments, key=lambda s: (-s.count, s.pattern))
        ),
        generation=info.number if info else 0,
        tail=generation.tail_length,
        removed=len(store.removed_rows()),
        drift=round(drift, 4),
        sizes=_sizes(store.folder),
        decisions=dict(sorted(decisions.items())),
        warnings=tuple(
            _warnings(
                searcher,
                drift,
                bool(profile["fitted_for_embedder"]),
                int(profile["cosines_matched"]),
            )
        ),
    )


def _warnings(searcher: Searcher, drift: float, fitted: bool, matched: int) -> list[str]:
    found = list(searcher.generation.warnings)
    if is_purging(searcher.store):
        found.append(
            "an erasure was begun and is not over: files may still hold something of the articles; "
            'run "recommender remove --purge"'
        )
    if abs(drift) > DRIFT_LIMIT:
        found.append(
            f"the background has drifted: random pairs have a mean cosine of {drift:.2f}, not 0; "
            'run "recommender rebuild"'
        )
    if not fitted:
        how = (
            f"with cosines matched to it over {matched:,} articles"
            if matched
            else "with cosines as they are, since the articles are too few to match them"
        )
        found.append(
            f"no similarity profile was fitted for {searcher.state.identity.name}: that of "
            f"{searcher.state.profile.name} is used, {how}; check the thresholds on your own "
            'articles ("recommender pairs", then "recommender tune")'
        )
    return [*found, *_decision_warnings(searcher)]


def _decision_warnings(searcher: Searcher) -> list[str]:
    stale = sum(each.state == "stale" for each in listed(searcher.store))
    contradictions = conflicts(searcher.store)
    found = [f"decisions contradict one another: {each}" for each in contradictions[:_LISTED]]
    if len(contradictions) > _LISTED:
        found.append(
            f"{len(contradictions):,} contradictions among decisions in all; "
            'run "recommender decisions"'
        )
    if stale:
        found.append(
            f"stale decisions, whose texts were edited: {stale:,}; run "
            '"recommender decisions --stale", then confirm or forget each'
        )
    return found


def _count_languages(searcher: Searcher) -> dict[str, int]:
    counts: Counter[str] = Counter()
    for batch in searcher.store.iter_cards():
        counts.update(card.language or "unknown" for _, card in batch)
    return dict(sorted(counts.items(), key=lambda item: (-item[1], item[0])))


def _sizes(folder: Path) -> dict[str, int]:
    return {file.name: file.stat().st_size for file in sorted(folder.iterdir()) if file.is_file()}


def find_problems(searcher: Searcher) -> list[ArticleProblem]:
    """Articles with something odd, by problem and id."""
    found = []
    for batch in searcher.store.iter_cards():
        cards = dict(batch)
        flags = searcher.store.flags(list(cards))
        for row, bits in flags.items():
            found += [
                ArticleProblem(article=cards[row], problem=words)
                for bit, words in PROBLEMS.items()
                if bits & bit
            ]
    return sorted(found, key=lambda each: (each.problem, each.article.id))


def verify(searcher: Searcher, progress: Progress) -> list[str]:
    """Read everything and say what is wrong."""
    store = searcher.store
    problems = check_store(store, lambda done, total: progress("verifying", done, total))
    if problems:
        return problems
    info = store.generation()
    if info is None:
        problems.append(f'{store.folder}: no search files are named; run "recommender rebuild"')
    generation = Generation(store, info, searcher.state.centres)
    generation.open_all()
    problems += generation.warnings
    for batch in store.iter_documents(batch=_SWEEP):
        for _, document in batch:
            empty = document.sketch.flags & NEAR_EMPTY
            if document.sketch.vector is None and not empty:
                problems.append(f"article {document.card.id!r} has text but no vector")
    return problems
