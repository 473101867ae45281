"""Scored candidates → the list a reader sees: cut, ranked, one article a story, diversified.

Pure: candidates come in with their similarities, near-duplicate sets and vectors come through
functions, so that only what the list really needs is looked up.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from datetime import datetime

import numpy as np
from numpy.typing import NDArray

from recommender.config import Thresholds
from recommender.errors import ConfigError
from recommender.records import Card, DecisionKind, Verdict


@dataclass(frozen=True, slots=True)
class Candidate:
    """An article that may enter a list."""

    row: int
    card: Card
    similarity: float
    position: int  # of its evidence in the table it came with
    decision: DecisionKind | None = None

    def is_near(self, thresholds: Thresholds) -> bool:
        """Whether it is a near-duplicate of the article asked about."""
        return self.similarity >= thresholds.same_story and self.decision != "distinct"


def verdict_of(similarity: float, decision: DecisionKind | None, thresholds: Thresholds) -> Verdict:
    """The verdict of a pair whose similarity follows what an editor decided.

    Nothing lies below a threshold of 0; there the decision itself makes distinct articles no
    more than related.
    """
    if decision == "distinct" and similarity >= thresholds.same_story:
        return Verdict.RELATED
    return thresholds.verdict(similarity)


@dataclass(frozen=True, slots=True)
class Selection:
    """What was chosen and what was left out because its story is there already.

    Attributes
    ----------
    chosen : tuple of Candidate
        Best first.
    covered : tuple of tuple of str
        For each chosen one, the ids of its near-duplicates among the candidates.
    own_duplicates : tuple of str
        Ids of near-duplicates of the article asked about.
    considered : int
        Candidates at or above the least similarity, near-duplicates counted.
    """

    chosen: tuple[Candidate, ...]
    covered: tuple[tuple[str, ...], ...]
    own_duplicates: tuple[str, ...]
    considered: int


@dataclass(frozen=True, slots=True, kw_only=True)
class Ranking:
    """How a list is ordered.

    Parameters
    ----------
    half_life_days : float or None
        Recency: an article this many days older than another counts half as much.
    diversity : float
        0 ranks by similarity alone; towards 1, likeness to articles already in the list
        counts more (maximal marginal relevance, Carbonell and Goldstein 1998, lambda = 1 -
        diversity).
    """

    half_life_days: float | None = None
    diversity: float = 0.0

    def __post_init__(self) -> None:
        if self.half_life_days is not None and not self.half_life_days > 0:
            raise ConfigError(f"half_life_days must be above 0, not {self.half_life_days}")
        if not 0.0 <= self.diversity <= 1.0:
            raise ConfigError(f"diversity must lie between 0 and 1, not {self.diversity}")


def relevance(candidates: Sequence[Candidate], ranking: Ranking, now: datetime) -> list[float]:
    """Similarity, faded by age where a half-life is set; articles without a date as the oldest."""
    if ranking.half_life_days is None:
        return [each.similarity for each in candidates]
    ages = [
        max((now - each.card.date).total_seconds() / 86_400, 0.0) if each.card.date else None
        for each in candidates
    ]
    oldest = max((age for age in ages if age is not None), default=0.0)
    half_life = ranking.half_life_days
    return [
        each.similarity * 0.5 ** ((oldest if age is None else age) / half_life)
        for each, age in zip(candidates, ages, strict=True)
    ]


def select_related(
    candidates: Sequence[Candidate],
    *,
    limit: int,
    thresholds: Thresholds,
    min_similarity: float,
    ranking: Ranking,
    now: datetime,
    near_duplicates: Callable[[Candidate], frozenset[int]],
    vectors: Callable[[Sequence[Candidate]], NDArray[np.float32]],
) -> Selection:
    """Choose the related list: no near-duplicate of the article, nor of one another.

    Parameters
    ----------
    candidates : sequence of Candidate
        In any order.
    limit : int
        Most articles in the list.
    thresholds : Thresholds
        Where near-duplicates begin.
    min_similarity : float
        Least similarity of the list, its lower edge included.
    ranking : Ranking
    now : datetime
        The moment ages are counted to.
    near_duplicates : callable
        Rows of the articles that are near-duplicates of a candidate.
    vectors : callable
        Unit vectors, shape (n, dimension), of candidates; asked only for diversity.
    """
    near = [c for c in candidates if c.is_near(thresholds)]
    eligible = [
        c for c in candidates if min_similarity <= c.similarity and not c.is_near(thresholds)
    ]
    scores = relevance(eligible, ranking, now)
    order = sorted(range(len(eligible)), key=lambda i: (-scores[i], eligible[i].card.id))
    ranked = [eligible[i] for i in order]
    if ranking.diversity > 0:
        chosen = _diversify(
            ranked, [scores[i] for i in order], limit, ranking.diversity, near_duplicates, vectors
        )
    else:
        chosen = _best(ranked, limit, near_duplicates)
    return Selection(
        chosen=tuple(chosen),
        covered=_covered(chosen, ranked, near_duplicates),
        own_duplicates=tuple(
            c.card.id for c in sorted(near, key=lambda c: (-c.similarity, c.card.id))
        ),
        considered=len(eligible) + len(near),
    )


def _best(
    ranked: Sequence[Candidate],
    limit: int,
    near_duplicates: Callable[[Candidate], frozenset[int]],
) -> list[Candidate]:
    chosen: list[Candidate] = []
    taken: set[int] = set()
    for candidate in ranked:
        if len(chosen) == limit:
            break
        if candidate.row not in taken:
            chosen.append(candidate)
            taken |= near_duplicates(candidate)
    return chosen


def _diversify(
    ranked: Sequence[Candidate],
    scores: Sequence[float],
    limit: int,
    diversity: float,
    near_duplicates: Callable[[Candidate], frozenset[int]],
    vectors: Callable[[Sequence[Candidate]], NDArray[np.float32]],
) -> list[Candidate]:
    units = vectors(ranked).astype(np.float64)
    likeness = np.full(len(ranked), -np.inf)
    open_places = np.ones(len(ranked), dtype=bool)
    relevances = np.asarray(scores)
    places = {candidate.row: place for place, candidate in enumerate(ranked)}
    chosen: list[Candidate] = []
    while len(chosen) < limit and open_places.any():
        penalty = np.where(np.isfinite(likeness), np.maximum(likeness, 0.0), 0.0)
        value = (1 - diversity) * relevances - diversity * penalty
        best = int(np.argmax(np.where(open_places, value, -np.inf)))
        chosen.append(ranked[best])
        open_places[best] = False
        for row in near_duplicates(ranked[best]):
            if row in places:
                open_places[places[row]] = False
        likeness = np.maximum(likeness, np.einsum("nd,d->n", units, units[best]))
    return chosen


def _covered(
    chosen: Sequence[Candidate],
    ranked: Sequence[Candidate],
    near_duplicates: Callable[[Candidate], frozenset[int]],
) -> tuple[tuple[str, ...], ...]:
    """Near-duplicates of the chosen ones, each counted once, for the first that covers it."""
    counted = {candidate.row for candidate in chosen}
    covered = []
    for candidate in chosen:
        rows = near_duplicates(candidate) - counted
        mine = [other for other in ranked if other.row in rows]
        counted |= {other.row for other in mine}
        covered.append(tuple(other.card.id for other in mine))
    return tuple(covered)


def select_near_duplicates(
    candidates: Sequence[Candidate], *, limit: int, min_similarity: float
) -> Selection:
    """The candidates at or above a similarity, closest first, ties by id."""
    near = [c for c in candidates if c.similarity >= min_similarity]
    near.sort(key=lambda c: (-c.similarity, c.card.id))
    chosen = tuple(near[:limit])
    return Selection(
        chosen=chosen, covered=((),) * len(chosen), own_duplicates=(), considered=len(near)
    )


def shortfall(selection: Selection, *, limit: int, min_similarity: float, filtered: bool) -> str:
    """Why a list is shorter than asked for; empty when it is not."""
    found = len(selection.chosen)
    if found >= limit:
        return ""
    passing = " that passes the filters" if filtered else ""
    text = f"{found} of {limit}: no other article{passing} reaches similarity {min_similarity:.2f}"
    left_out = len(selection.own_duplicates) + sum(map(len, selection.covered))
    if left_out:
        noun = "near-duplicate" if left_out == 1 else "near-duplicates"
        text += f" ({left_out} {noun} left out)"
    return text
