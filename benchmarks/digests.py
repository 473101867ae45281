"""Short items inside round-ups: pairs that share a text without being the same.

Natural ones are found in zh_news by the fingerprint join and checked exactly; made ones are
round-ups put together from articles that the fit has not used. None is to be called the same
text, and the relation is to say that one contains the other.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Mapping, Sequence
from typing import Any

import numpy as np
from numpy.typing import NDArray

from benchmarks.common import Corpus, components
from benchmarks.synthetic import edits
from benchmarks.tables import Figure, Table, draws, share
from recommender.config import Thresholds
from recommender.evidence import bigrams
from recommender.postings import Postings
from recommender.records import Article
from recommender.shingles import fingerprint_many, shared, shingle_hashes
from recommender.similarity import relations, similarities
from recommender.text import clean, fold_many

LENGTH = 8
LEAST_CONTAINED = 0.8
TIMES_LONGER = 4
SHORTEST = 40
SAME_HEADLINE = 0.5
MADE = 100
# The fit edits every ninth article from the fifth on, drawn with another seed.
FIRST, STEP, SEED = 6, 9, 23
THRESHOLDS = Thresholds()


class Overlaps:
    """All articles of a corpus, folded and joined by their fingerprints."""

    def __init__(self, articles: Mapping[str, Article]) -> None:
        self.ids = sorted(articles)
        self.folded = fold_many([clean(articles[each].body) for each in self.ids])
        self.lengths = np.array([len(text) for text in self.folded])
        postings = Postings.build(np.arange(len(self.ids)), fingerprint_many(self.folded))
        parts = list(postings.pairs(min_shared=2))
        self.first = np.concatenate([first for first, _, _ in parts])
        self.second = np.concatenate([second for _, second, _ in parts])

    def candidates(self) -> set[tuple[str, str]]:
        """Pairs that share at least two fingerprints, ids in order."""
        return {
            (self.ids[a], self.ids[b])
            for a, b in zip(self.first.tolist(), self.second.tolist(), strict=True)
        }

    def contained(self) -> list[tuple[str, str]]:
        """Pairs of a short item and an article at least four times longer that holds it."""
        swap = self.lengths[self.first] > self.lengths[self.second]
        short = np.where(swap, self.second, self.first)
        long = np.where(swap, self.first, self.second)
        uneven = self.lengths[long] >= TIMES_LONGER * self.lengths[short]
        fits = uneven & (self.lengths[short] >= SHORTEST)
        kept: dict[int, NDArray[np.uint64]] = {}

        def shingles(place: int) -> NDArray[np.uint64]:
            if place not in kept:
                kept[place] = shingle_hashes(self.folded[place], LENGTH)
            return kept[place]

        found = []
        for a, b in sorted(zip(short[fits].tolist(), long[fits].tolist(), strict=True)):
            part = shingles(a)
            if shared(part, shingles(b)) >= LEAST_CONTAINED * len(part):
                found.append((self.ids[a], self.ids[b]))
        return found


def under_another_headline(
    articles: Mapping[str, Article], pairs: Sequence[tuple[str, str]]
) -> list[tuple[str, str]]:
    """Those whose longer article is headed otherwise: round-ups, not longer versions."""
    found = []
    for short, long in pairs:
        ours, theirs = map(bigrams, fold_many([articles[short].title, articles[long].title]))
        if 2 * len(ours & theirs) < SAME_HEADLINE * (len(ours) + len(theirs)):
            found.append((short, long))
    return found


def made_digests(articles: Mapping[str, Article]) -> list[tuple[Article, Article]]:
    """Articles and round-ups that hold them."""
    ids = sorted(articles)
    every = edits([articles[each] for each in ids[FIRST::STEP]], each=MADE, seed=SEED)
    return [(one.original, one.edited) for one in every if one.kind == "digest"]


def digest_table(parts: Sequence[tuple[str, Corpus, Sequence[tuple[str, str]]]]) -> Table:
    """What is called the same text, and which relation each pair is given.

    Parameters
    ----------
    parts : sequence of (name, corpus, pairs of a short and a long article)
    """
    headers = (
        "digests", "pairs", "same text", "share", "same story or closer", "related or closer",
        "contained in", "other relations",
    )  # fmt: skip
    rows: list[list[Any]] = []
    values: list[dict[str, Any]] = []
    for name, corpus, pairs in parts:
        table = corpus.table(pairs)
        scores = similarities(table, corpus.profile)
        given = Counter(str(each) for each in relations(table, scores))
        rounds = draws(components(pairs))
        every = np.ones(len(pairs), bool)
        shares = {
            label: Figure.of(share(scores >= threshold, every, rounds))
            for label, threshold in (
                ("same text", THRESHOLDS.same_text),
                ("same story", THRESHOLDS.same_story),
                ("related", THRESHOLDS.related),
            )
        }
        inside = given.pop("contained-in", 0)
        others = ", ".join(f"{count} {label}" for label, count in sorted(given.items()))
        called = [
            list(pair)
            for pair, score in zip(pairs, scores, strict=True)
            if score >= THRESHOLDS.same_text
        ]
        contained = f"{inside / len(pairs):.3f}"
        rows.append([name, len(pairs), len(called), *shares.values(), contained, others])
        values.append(
            {
                "set": name,
                "pairs": len(pairs),
                "figures": {label: each.to_dict() for label, each in shares.items()},
                "contained in": round(inside / len(pairs), 4),
                "relations": {"contained-in": inside, **dict(sorted(given.items()))},
                "called same text": called,
            }
        )
    title = f"zh_news: short items inside round-ups (at most 5 % at {THRESHOLDS.same_text:.2f})"
    return Table(title, headers, rows, values)
