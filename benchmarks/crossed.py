"""Scores of pairs from models that have seen neither them nor a pair connected with them.

The weights that ship were fitted on all of the developers' halves; figures of those on the same
pairs flatter. Here each fifth is scored by weights fitted on everything else, as
`benchmarks.fit_profile` fits them, with its own parts and settings.
"""

from __future__ import annotations

import sys
from collections.abc import Sequence
from dataclasses import dataclass, replace
from pathlib import Path

import numpy as np
from numpy.typing import NDArray

from benchmarks import fit_profile
from benchmarks.common import components, read_articles_of, read_lines
from recommender.embedders import Embedder


@dataclass(frozen=True, slots=True)
class Parts:
    """What the weights are fitted on.

    Attributes
    ----------
    gold, news, semeval, edits : Labelled
    graded : int
        The first so many pairs of `news` are the graded ones, the rest are random.
    apart : ndarray of bool, shape (len(news),)
        False where a graded pair of `news` is of a story that zh_gold has too.
    """

    gold: fit_profile.Labelled
    news: fit_profile.Labelled
    semeval: fit_profile.Labelled
    edits: fit_profile.Labelled
    graded: int
    apart: NDArray[np.bool_]

    @classmethod
    def of(cls, data: Path, embedder: Embedder, cache: Path) -> Parts:
        """Measure all of them; vectors come from the cache where they are there."""
        found = [
            _told(name, part(data, embedder, cache))
            for name, part in (
                ("zh_gold", fit_profile.gold),
                ("zh_news", fit_profile.news),
                ("SemEval-2022", fit_profile.semeval),
                ("edits", fit_profile.synthetic),
            )
        ]
        graded = [
            (each["a"], each["b"]) for each in read_lines(data / "zh_news" / "gold_pairs.jsonl.gz")
        ]
        apart = np.ones(len(found[1].table), bool)
        apart[: len(graded)] = ~_shared_stories(data, graded)
        return cls(*found, graded=len(graded), apart=apart)

    def crossed_gold(self) -> NDArray[np.float64]:
        """Scores of the pairs of zh_gold, in the order of its file."""
        news = self.news.take(np.flatnonzero(self.apart))
        return _crossed("zh_gold", self.gold, [news, self.semeval, self.edits])

    def crossed_news(self, pairs: Sequence[tuple[str, str]]) -> NDArray[np.float64]:
        """Scores of the graded pairs of zh_news, in the order of its file.

        The random pairs, whose labels nobody read, serve every fold; without them all pairs
        would hang together.
        """
        places = np.arange(len(self.news.table))
        graded = replace(self.news.take(places[: self.graded]), groups=components(pairs))
        random = self.news.take(places[self.graded :])
        return _crossed("zh_news", graded, [random, self.gold, self.semeval, self.edits])

    def crossed_semeval(self) -> NDArray[np.float64]:
        """Scores of the pairs of SemEval-2022 task 8, in the order of its file."""
        return _crossed("SemEval-2022", self.semeval, [self.gold, self.news, self.edits])


def _told(name: str, part: fit_profile.Labelled) -> fit_profile.Labelled:
    print(f"  measured {name}: {len(part.table):,} pairs", file=sys.stderr, flush=True)
    return part


def _crossed(
    name: str, part: fit_profile.Labelled, others: Sequence[fit_profile.Labelled]
) -> NDArray[np.float64]:
    print(f"  crossing {name}", file=sys.stderr, flush=True)
    return fit_profile.cross_validate(part, len(part.table), fit_profile.joined(list(others)))


def _shared_stories(data: Path, pairs: Sequence[tuple[str, str]]) -> NDArray[np.bool_]:
    """Which pairs have an article whose title heads one of the graded pairs of zh_gold.

    The two sets come from one agency and months; no text is in both, some stories are.
    """
    gold = data / "zh_gold"
    articles = read_articles_of(gold / "articles.jsonl.gz", gold / "more_articles.jsonl.gz")
    titles = {
        articles[each[end]].title for each in read_lines(gold / "pairs.jsonl.gz") for end in "ab"
    }
    news = read_articles_of(data / "zh_news" / "articles.jsonl.gz")
    return np.array([any(news[one].title in titles for one in pair) for pair in pairs])
