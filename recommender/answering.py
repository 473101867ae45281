"""From a query to the answer a user sees: related lists, near-duplicates, comparisons.

Reads stored neighbours first; searches again only when filters, or a limit, exhaust them. Runs
inside one snapshot of the index, over a `Searcher`; loads no model and writes nothing.
"""

from __future__ import annotations

from collections.abc import Callable, Collection, Sequence
from dataclasses import dataclass, replace
from datetime import datetime
from typing import Literal

import numpy as np
from numpy.typing import NDArray

from recommender.config import Thresholds
from recommender.decisions import Ruled, are_near, kind_name, kinds_of, ruled_similarities
from recommender.errors import ConfigError
from recommender.evidence import EvidenceTable, gather, to_evidence
from recommender.explaining import explain
from recommender.explanation import Explanation
from recommender.fact_packing import unpack
from recommender.facts import Fact, FactComparison, compare_facts
from recommender.generation import Rows
from recommender.records import (
    Card,
    Comparison,
    Filler,
    Filter,
    Match,
    MatchList,
)
from recommender.retrieval import (
    Candidate,
    Ranking,
    Selection,
    select_near_duplicates,
    select_related,
    shortfall,
    verdict_of,
)
from recommender.rulings import MakeMark, Rulings
from recommender.search import Found, Query, Searcher
from recommender.similarity import ANCHORS, relations
from recommender.store import NeighbourList
from recommender.vectors import pair_cosines

Predicate = Callable[[Card], bool]
Fill = Literal["category", "latest"]

_NO_TEXT = "the article has next to no text to compare"
_BY_WORDING = "compared by wording alone, which finds no article that says it in other words"
_SWEEP = 2_000
_DEEPER = 4
# Articles whose near-duplicates are kept; few have any.
_NEAR_KEPT = 100_000


@dataclass(frozen=True, slots=True, kw_only=True)
class Subject:
    """An article that is asked about.

    Attributes
    ----------
    card : Card
    row : int or None
        Its row when it is stored.
    searcher : Searcher
    draft : Query or None
        What is searched for when it is not stored.
    draft_facts : tuple of Fact
    draft_mark : callable or None
        Gives the mark of its text when it is not stored.
    by_wording : bool
        Whether it was left without a vector although it has text.
    """

    card: Card
    row: int | None
    searcher: Searcher
    draft: Query | None = None
    draft_facts: tuple[Fact, ...] = ()
    draft_mark: MakeMark | None = None
    by_wording: bool = False

    def query(self) -> Query:
        """What is searched for; of a stored article it is read only when it is needed."""
        if self.draft is not None:
            return self.draft
        return self.searcher.query(-1 if self.row is None else self.row)

    def caveat(self) -> str:
        """Why little can be found of it whatever there is; empty when nothing is in the way."""
        if self.by_wording:
            return _BY_WORDING
        return _NO_TEXT if self.query().vector is None else ""

    def facts(self) -> tuple[Fact, ...]:
        """The facts of the article."""
        if self.row is None:
            return self.draft_facts
        return unpack(self.searcher.store.sketches([self.row])[self.row].facts)


@dataclass(frozen=True, slots=True, kw_only=True)
class Request:
    """What is wanted of a related list.

    `deepest` bounds a search of its own, in multiples of what an index keeps of an article.
    """

    limit: int
    thresholds: Thresholds
    min_similarity: float
    filter: Filter
    predicate: Predicate | None
    ranking: Ranking
    fill: Fill | None
    now: datetime
    deepest: int | None = None


class Answerer:
    """Answers questions about one subject after another from a searcher's index."""

    def __init__(self, searcher: Searcher, rulings: Rulings) -> None:
        self._searcher = searcher
        self._store = searcher.store
        self._rulings = rulings
        self._near: dict[int, frozenset[int]] = {}
        self._near_of: tuple[int, Thresholds] | None = None

    def related(self, subject: Subject, request: Request) -> MatchList:
        """The related list of a subject."""
        found, selection = self._select(subject, request)
        matches = self._matches(found, selection, request.thresholds)
        reason = shortfall(
            selection,
            limit=request.limit,
            min_similarity=request.min_similarity,
            filtered=self._is_filtered(request),
        )
        if reason and not len(found.rows) and (caveat := subject.caveat()):
            reason = f"0 of {request.limit}: {caveat}"
        return MatchList(
            matches=matches,
            own_duplicates=selection.own_duplicates,
            reason=reason,
            filler=self._filler(subject, request, found, selection),
        )

    def near_duplicates(
        self,
        subject: Subject,
        *,
        limit: int,
        min_similarity: float,
        thresholds: Thresholds,
        passing: Filter,
    ) -> MatchList:
        """The near-duplicates of a subject, closest first."""
        ruled = self._ruled(subject)
        found = self._rulings.complete(subject.query, self._stored_or_found(subject), ruled)
        candidates = self._candidates(found, ruled, passing, None, min_similarity, thresholds)
        selection = select_near_duplicates(candidates, limit=limit, min_similarity=min_similarity)
        matches = self._matches(found, selection, thresholds)
        return MatchList(matches=matches, reason="" if matches else subject.caveat())

    def compare(self, first: Subject, second: Subject, thresholds: Thresholds) -> Comparison:
        """Everything about one pair."""
        facts = compare_facts(first.facts(), second.facts())
        return self._comparison(
            first, second, thresholds, self._evidence(first.query(), second.query()), facts
        )

    def explain(self, first: Subject, second: Subject, thresholds: Thresholds) -> Explanation:
        """Why one pair is as close as it is."""
        one, other = first.query(), second.query()
        table = self._evidence(one, other)
        facts = compare_facts(first.facts(), second.facts())
        return explain(
            self._comparison(first, second, thresholds, table, facts),
            row=table[0],
            profile=self._searcher.state.profile,
            texts=(one.comparable.load_text(), other.comparable.load_text()),
            facts=facts,
        )

    def _evidence(self, one: Query, other: Query) -> EvidenceTable:
        """The evidence on one pair, one row."""
        cosine = np.array([np.nan])
        if one.vector is not None and other.vector is not None:
            both = self._searcher.centred(
                np.stack([one.vector, other.vector]),
                [one.comparable.language, other.comparable.language],
            )
            cosine = pair_cosines(both[:1], both[1:]).astype(np.float64)
        return gather(one.comparable, [other.comparable], cosine)

    def _comparison(
        self,
        first: Subject,
        second: Subject,
        thresholds: Thresholds,
        table: EvidenceTable,
        facts: FactComparison,
    ) -> Comparison:
        kinds = np.array([self._ruled_between(first, second)], np.int8)
        scores = ruled_similarities(
            self._searcher.similarities(table), kinds, thresholds.same_story
        )
        similarity, decision = float(scores[0]), kind_name(int(kinds[0]))
        return Comparison(
            first=first.card,
            second=second.card,
            similarity=similarity,
            verdict=verdict_of(similarity, decision, thresholds),
            relation=relations(table, scores)[0],
            evidence=to_evidence(table[0], facts),
            decision=decision,
        )

    def _ruled(self, subject: Subject) -> Ruled:
        """What editors decided on a subject, by the rows of the other articles."""
        if subject.row is not None:
            return self._rulings.of([subject.row]).get(subject.row, {})
        if subject.draft_mark is not None:
            return self._rulings.of_draft(subject.card.id, subject.draft_mark)
        return {}

    def _ruled_between(self, first: Subject, second: Subject) -> int:
        drafts = {
            each.card.id: each.draft_mark for each in (first, second) if each.draft_mark is not None
        }
        return self._rulings.between(first.card.id, second.card.id, drafts)

    def _select(self, subject: Subject, request: Request) -> tuple[Found, Selection]:
        ruled = self._ruled(subject)
        found = self._rulings.complete(None, self._stored_or_found(subject), ruled)
        selection = self._choose(found, ruled, request)
        depth = self._searcher.state.options.neighbours
        deepest = np.inf if request.deepest is None else request.deepest * depth
        allowed: Rows | None = None
        while len(selection.chosen) < request.limit and self._may_be_more(found, request):
            if allowed is None and self._is_filtered(request):
                allowed = self._allowed(request)
            most = self._store.count() if allowed is None else len(allowed)
            depth *= _DEEPER
            found = self._searcher.find(subject.query(), depth=depth, allowed=allowed)
            found = self._rulings.complete(None, found, ruled)
            selection = self._choose(found, ruled, request)
            if depth >= min(most, deepest):
                break
        return found, selection

    def _stored_or_found(self, subject: Subject) -> Found:
        if subject.row is not None:
            stored = self.stored_list(subject.row)
            if stored is not None:
                return Found.from_list(stored)
        return self._searcher.shorten(self._searcher.candidates(subject.query()))

    def stored_list(self, row: int) -> NeighbourList | None:
        """The stored candidates of an article."""
        return self._store.neighbours(row)

    def _may_be_more(self, found: Found, request: Request) -> bool:
        """Whether searching deeper could find more of what is asked for.

        A stored list was already made deeper where it held few related articles; only what it
        was not made for can exhaust it.
        """
        stored = len(found.rows)
        beyond = (
            self._is_filtered(request)
            or request.limit >= stored
            or request.min_similarity < ANCHORS["related"]
        )
        return beyond and self._searcher.may_be_more(found.floor, request.min_similarity)

    def _is_filtered(self, request: Request) -> bool:
        # What is not public is a matter of course, not a filter anybody asked for.
        return request.predicate is not None or replace(request.filter, public_at=None) != Filter()

    def _allowed(self, request: Request) -> Rows:
        rows = self._store.filter_rows(request.filter)
        if request.predicate is None:
            return rows
        passing = []
        for start in range(0, len(rows), _SWEEP):
            cards = self._store.cards(rows[start : start + _SWEEP].tolist())
            passing += [row for row, card in sorted(cards.items()) if request.predicate(card)]
        return np.array(passing, np.int64)

    def _choose(self, found: Found, ruled: Ruled, request: Request) -> Selection:
        candidates = self._candidates(
            found,
            ruled,
            request.filter,
            request.predicate,
            request.min_similarity,
            request.thresholds,
        )
        near: dict[int, frozenset[int]] = {}

        def near_rows(candidate: Candidate) -> frozenset[int]:
            if candidate.row not in near:
                # Those most likely to be asked for next are read along.
                wanted = [each.row for each in likely if each.row not in near][: request.limit + 1]
                near.update(self.near_rows(sorted({candidate.row, *wanted}), request.thresholds))
            return near[candidate.row]

        below = [each for each in candidates if not each.is_near(request.thresholds)]
        likely = sorted(below, key=lambda each: (-each.similarity, each.card.id))
        return select_related(
            candidates,
            limit=request.limit,
            thresholds=request.thresholds,
            min_similarity=request.min_similarity,
            ranking=request.ranking,
            now=request.now,
            near_duplicates=near_rows,
            vectors=self._unit_vectors,
        )

    def _candidates(
        self,
        found: Found,
        ruled: Ruled,
        passing: Filter,
        predicate: Predicate | None,
        min_similarity: float,
        thresholds: Thresholds,
    ) -> list[Candidate]:
        own = np.zeros(len(found.rows), np.int64)
        kinds = kinds_of(own, found.rows, {0: ruled} if ruled else {})
        scores = ruled_similarities(
            self._searcher.similarities(found.table), kinds, thresholds.same_story
        )
        places = np.flatnonzero(scores >= min_similarity)
        cards = self._store.cards(found.rows[places].tolist())
        candidates = []
        for place in places.tolist():
            row = int(found.rows[place])
            card = cards.get(row)
            if card is None or not passing.passes(card):
                continue
            if predicate is None or predicate(card):
                decision = kind_name(int(kinds[place]))
                candidates.append(Candidate(row, card, float(scores[place]), place, decision))
        return candidates

    def near_rows(self, rows: Sequence[int], thresholds: Thresholds) -> dict[int, frozenset[int]]:
        """Rows of the near-duplicates of stored articles; kept while the index does not change."""
        # One article is in the lists of many.
        state = (self._store.change_counter(), thresholds)
        if state != self._near_of or len(self._near) > _NEAR_KEPT:
            self._near, self._near_of = {}, state
        missing = [row for row in rows if row not in self._near]
        if missing:
            self._near.update(self.score_near_rows(missing, thresholds))
        return {row: self._near[row] for row in rows}

    def score_near_rows(
        self, rows: Sequence[int], thresholds: Thresholds
    ) -> dict[int, frozenset[int]]:
        """The same, read and scored in one go."""
        lists = self._store.neighbours_of(rows)
        if thresholds.same_story < ANCHORS["same_story"]:
            # Below the default, near-duplicates may have been cut from a full list.
            for row, stored in lists.items():
                if self._searcher.may_be_more(stored.floor, thresholds.same_story):
                    lists[row] = self._searcher.find(
                        self._searcher.query(row), depth=_DEEPER * len(stored.rows)
                    ).as_list()
        order = sorted(lists)
        sizes = [len(lists[row].rows) for row in order]
        ruled = self._rulings.of(rows)
        near = {
            row: frozenset(other for other, kind in ruled.get(row, {}).items() if kind > 0)
            for row in rows
        }
        if not sum(sizes):
            return near
        owners = np.repeat(np.array(order, np.int64), sizes)
        others = np.concatenate([lists[row].rows for row in order])
        table = np.concatenate([lists[row].evidence for row in order])
        scores = self._searcher.similarities(table)
        kinds = kinds_of(owners, others, ruled)
        places = np.flatnonzero(are_near(scores, kinds, thresholds.same_story))
        for row, other in zip(owners[places].tolist(), others[places].tolist(), strict=True):
            near[row] |= {other}
        return near

    def latest_rows(self, passing: Filter, number: int) -> Sequence[int]:
        """The newest articles that pass a filter, newest first."""
        return self._store.latest_rows(passing, number)

    def _unit_vectors(self, candidates: Sequence[Candidate]) -> NDArray[np.float32]:
        rows = [each.row for each in candidates]
        found, vectors, languages = self._store.vectors_of(rows)
        centred = self._searcher.centred(vectors, languages)
        units = np.zeros((len(rows), centred.shape[1]), np.float32)
        places = {row: place for place, row in enumerate(rows)}
        for row, vector in zip(found.tolist(), centred, strict=True):
            units[places[row]] = vector
        return units

    def _matches(
        self, found: Found, selection: Selection, thresholds: Thresholds
    ) -> tuple[Match, ...]:
        places = np.array([each.position for each in selection.chosen], np.int64)
        table = found.table[places]
        scores = np.array([each.similarity for each in selection.chosen])
        return tuple(
            Match(
                article=each.card,
                similarity=each.similarity,
                verdict=verdict_of(each.similarity, each.decision, thresholds),
                relation=relation,
                evidence=to_evidence(row),
                also_covered=covered,
                decision=each.decision,
            )
            for each, covered, relation, row in zip(
                selection.chosen, selection.covered, relations(table, scores), table, strict=True
            )
        )

    def _filler(
        self, subject: Subject, request: Request, found: Found, selection: Selection
    ) -> tuple[Filler, ...]:
        wanted = request.limit - len(selection.chosen)
        if request.fill is None or wanted <= 0:
            return ()
        left_out = {subject.card.id, *selection.own_duplicates}
        left_out.update(each.card.id for each in selection.chosen)
        left_out.update(covered for each in selection.covered for covered in each)
        wider = replace(request.filter, exclude=request.filter.exclude | left_out)
        if request.fill == "category":
            if not subject.card.category:
                return ()
            wider = replace(wider, categories=frozenset((subject.card.category,)))
        taken: set[int] = set()
        filler: list[Filler] = []
        for row in self.latest_rows(wider, _DEEPER * request.limit + wanted):
            card = self._store.cards([row]).get(row)
            passes = card is not None and (request.predicate is None or request.predicate(card))
            if card is None or not passes or row in taken:
                continue
            filler.append(Filler(article=card, reason=request.fill))
            taken |= self.near_rows([row], request.thresholds)[row]
            if len(filler) == wanted:
                break
        return tuple(filler)


def as_filter(
    *,
    categories: Collection[str] = (),
    languages: Collection[str] = (),
    sources: Collection[str] = (),
    sites: Collection[str] = (),
    after: datetime | None = None,
    before: datetime | None = None,
    exclude: Collection[str] = (),
    public_at: datetime | None = None,
) -> Filter:
    """A `Filter` from any collections."""

    def texts(values: Collection[str]) -> frozenset[str]:
        return frozenset((values,)) if isinstance(values, str) else frozenset(values)

    return Filter(
        categories=texts(categories),
        languages=texts(languages),
        sources=texts(sources),
        sites=texts(sites),
        after=after,
        before=before,
        exclude=texts(exclude),
        public_at=public_at,
    )


def check_request(limit: int, least: float, fill: Fill | None) -> None:
    """Refuse what nobody can mean.

    Raises
    ------
    ConfigError
        If a limit, similarity or way to fill is out of range.
    """
    if isinstance(limit, bool) or not isinstance(limit, int) or not 0 <= limit <= 10_000:
        raise ConfigError(f"limit must be a whole number from 0 to 10,000, not {limit!r}")
    if isinstance(least, bool) or not isinstance(least, (int, float)) or not 0.0 <= least <= 1.0:
        raise ConfigError(f"min_similarity must lie between 0 and 1, not {least!r}")
    if fill not in (None, "category", "latest"):
        raise ConfigError(f"fill must be category or latest, not {fill!r}")
