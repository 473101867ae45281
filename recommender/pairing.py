"""All near-duplicate pairs of an index from its stored neighbours, each pair once.

One sweep over the neighbour lists; nothing is searched again and no text is read. What is kept
of a pair while sweeping is a row of numbers, so that an index of millions fits into memory.
Runs inside one snapshot of the index.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from recommender.config import Thresholds
from recommender.decisions import Ruled, are_near, kind_name, kinds_of, ruled_similarities
from recommender.duplicate_report import HISTOGRAM_BINS, MAYBE_MARGIN
from recommender.evidence import COLUMN, COLUMNS, EvidenceTable, reverse, to_evidence
from recommender.generation import Rows
from recommender.progress import Progress, silent
from recommender.records import DuplicatePair, Relation
from recommender.rulings import Rulings
from recommender.search import Searcher
from recommender.similarity import ANCHORS, relations

_SWEEP = 2_000
# A template overlaps in wording (`similarity.relations` looks closer).
_SAME_FORM, _SAME_FORM_TITLES = 0.4, 0.3
_OVERLAP = {"resemblance": 0.2, "containment": 0.3}


@dataclass(frozen=True, slots=True, kw_only=True)
class Measured:
    """Pairs of rows with what is known of them; all arrays have one length.

    Attributes
    ----------
    first, second : ndarray of int64
        Rows, the first smaller.
    scores : ndarray of float64
        Similarities after the editors' decisions.
    decided : ndarray of int8
    table : ndarray of float16, shape (n, len(COLUMNS))
        Read from the first article to the second.
    """

    first: Rows
    second: Rows
    scores: NDArray[np.float64]
    decided: NDArray[np.int8]
    table: EvidenceTable

    def take(self, places: NDArray[np.intp] | NDArray[np.bool_]) -> Measured:
        """Some of the pairs."""
        return Measured(
            first=self.first[places],
            second=self.second[places],
            scores=self.scores[places],
            decided=self.decided[places],
            table=self.table[places],
        )


@dataclass(frozen=True, slots=True, kw_only=True)
class Swept:
    """What a sweep found.

    Attributes
    ----------
    near : Measured
        Near-duplicates.
    below : Measured
        Pairs at most 0.03 below the threshold of near-duplicates, templates left out.
    templates : Measured
    histogram : tuple of int
        All pairs that are related at least, by similarity, in equal bins from 0 to 1.
    """

    near: Measured
    below: Measured
    templates: Measured
    histogram: tuple[int, ...]


class PairSweep:
    """Goes over the stored neighbours of a searcher's index."""

    def __init__(self, searcher: Searcher, rulings: Rulings) -> None:
        self._searcher = searcher
        self._store = searcher.store
        self._rulings = rulings

    def near(self, thresholds: Thresholds) -> Measured:
        """All near-duplicates and nothing else."""
        return self._sweep(thresholds, thresholds.same_story, templates=False)[0]

    def all(self, thresholds: Thresholds, *, progress: Progress = silent) -> Swept:
        """Near-duplicates, what is a little below them, templates, and numbers of the rest."""
        floor = max(thresholds.same_story - MAYBE_MARGIN, 0.0)
        found, histogram = self._sweep(thresholds, floor, templates=True, progress=progress)
        near = are_near(found.scores, found.decided, thresholds.same_story)
        kinds = relations(found.table, found.scores)
        template = ~near & np.array([each is Relation.TEMPLATE for each in kinds], bool)
        template &= _of_one_form(found.table)
        below = ~near & ~template & (found.scores >= floor) & (found.decided == 0)
        return Swept(
            near=found.take(near),
            below=found.take(below),
            templates=found.take(template & (found.decided == 0)),
            histogram=histogram,
        )

    def pairs(self, measured: Measured, thresholds: Thresholds) -> Iterator[DuplicatePair]:
        """The pairs as a report shows them, in the order they have; removed articles left out."""
        involved = np.unique(np.concatenate([measured.first, measured.second]))
        cards = self._store.cards(involved.tolist())
        kinds = relations(measured.table, measured.scores)
        for place, relation in enumerate(kinds):
            first = cards.get(int(measured.first[place]))
            second = cards.get(int(measured.second[place]))
            if first is None or second is None:
                continue
            if first.id > second.id:
                first, second, relation = second, first, relation.reversed
            similarity = float(measured.scores[place])
            yield DuplicatePair(
                first=first,
                second=second,
                similarity=similarity,
                verdict=thresholds.verdict(similarity),
                relation=relation,
                evidence=to_evidence(measured.table[place]),
                decision=kind_name(int(measured.decided[place])),
            )

    def _sweep(
        self,
        thresholds: Thresholds,
        floor: float,
        *,
        templates: bool,
        progress: Progress = silent,
    ) -> tuple[Measured, tuple[int, ...]]:
        """Pairs at or above a similarity, with templates below it if wanted; and all by number."""
        rows = self._store.rows()
        ruled = self._rulings.everywhere()
        parts = [_no_pairs()]
        counted: list[tuple[NDArray[np.uint64], NDArray[np.uint8]]] = []
        for start in range(0, len(rows), _SWEEP):
            batch = self._batch(rows[start : start + _SWEEP].tolist(), ruled, thresholds)
            wanted = batch.scores >= floor
            if templates:
                counted.append(_counted(batch))
                wanted |= _overlaps(batch)
            parts.append(batch.take(wanted))
            progress("pairs", min(start + _SWEEP, len(rows)), len(rows))
        found = _once_each([*parts, self._only_decided(parts, ruled, thresholds)])
        return found, _histogram(counted)

    def _batch(
        self, rows: Sequence[int], ruled: Mapping[int, Ruled], thresholds: Thresholds
    ) -> Measured:
        lists = self._store.neighbours_of(rows)
        order = [row for row in sorted(lists) if len(lists[row].rows)]
        if not order:
            return _no_pairs()
        owners = np.repeat(np.array(order, np.int64), [len(lists[row].rows) for row in order])
        others = np.concatenate([lists[row].rows for row in order])
        table = np.concatenate([lists[row].evidence for row in order])
        return self._measured(owners, others, table, ruled, thresholds)

    def _measured(
        self,
        owners: Rows,
        others: Rows,
        table: EvidenceTable,
        ruled: Mapping[int, Ruled],
        thresholds: Thresholds,
    ) -> Measured:
        decided = kinds_of(owners, others, ruled)
        scores = ruled_similarities(
            self._searcher.similarities(table), decided, thresholds.same_story
        )
        return Measured(first=owners, second=others, scores=scores, decided=decided, table=table)

    def _only_decided(
        self, parts: Sequence[Measured], ruled: Mapping[int, Ruled], thresholds: Thresholds
    ) -> Measured:
        """Duplicates that only an editor sees stand in no list: they are measured now."""
        known = {
            (min(one, other), max(one, other))
            for part in parts
            for one, other in zip(
                part.first[part.decided > 0].tolist(),
                part.second[part.decided > 0].tolist(),
                strict=True,
            )
        }
        more = [_no_pairs()]
        for row, others in ruled.items():
            missing = sorted(
                each
                for each, kind in others.items()
                if kind > 0 and row < each and (row, each) not in known
            )
            if missing:
                found = self._searcher.measure(
                    self._searcher.query(row), np.array(missing, np.int64)
                )
                owners = np.full(len(found.rows), row, np.int64)
                more.append(self._measured(owners, found.rows, found.table, ruled, thresholds))
        return _joined(more)


def _no_pairs() -> Measured:
    none = np.zeros(0, np.int64)
    return Measured(
        first=none,
        second=none,
        scores=np.zeros(0),
        decided=np.zeros(0, np.int8),
        table=np.zeros((0, len(COLUMNS)), np.float16),
    )


def _joined(parts: Sequence[Measured]) -> Measured:
    return Measured(
        first=np.concatenate([each.first for each in parts]),
        second=np.concatenate([each.second for each in parts]),
        scores=np.concatenate([each.scores for each in parts]),
        decided=np.concatenate([each.decided for each in parts]),
        table=np.concatenate([each.table for each in parts]),
    )


def _once_each(parts: Sequence[Measured]) -> Measured:
    """Each pair once, as the list of its smaller row has it; sorted by rows.

    A pair may stand in one list only, when the other's is full.
    """
    found = _joined(parts)
    turned = found.first > found.second
    low = np.minimum(found.first, found.second)
    high = np.maximum(found.first, found.second)
    order = np.lexsort((turned, high, low))
    new = np.ones(len(order), bool)
    new[1:] = (np.diff(low[order]) != 0) | (np.diff(high[order]) != 0)
    chosen = order[new]
    table = found.table[chosen]
    table[turned[chosen]] = reverse(table[turned[chosen]])
    return Measured(
        first=low[chosen],
        second=high[chosen],
        scores=found.scores[chosen],
        decided=found.decided[chosen],
        table=table,
    )


def _overlaps(batch: Measured) -> NDArray[np.bool_]:
    lowest = batch.scores < ANCHORS["same_story"]
    found = np.zeros(len(batch.scores), bool)
    for name, least in _OVERLAP.items():
        found |= batch.table[:, COLUMN[name]] >= least
    return np.asarray(found & lowest)


def _of_one_form(table: EvidenceTable) -> NDArray[np.bool_]:
    """Whether texts share their form, not only a phrase or one passage."""
    resemblance, titles = table[:, COLUMN["resemblance"]], table[:, COLUMN["title_overlap"]]
    with np.errstate(invalid="ignore"):
        alike = ~(titles < _SAME_FORM_TITLES)
        return np.asarray((resemblance >= _SAME_FORM) | ((resemblance >= 0.2) & alike))


def _counted(batch: Measured) -> tuple[NDArray[np.uint64], NDArray[np.uint8]]:
    """Keys and bins of the pairs that are related at least."""
    related = batch.scores >= ANCHORS["related"]
    first, second = batch.first[related], batch.second[related]
    low = np.minimum(first, second).astype(np.uint64)
    high = np.maximum(first, second).astype(np.uint64)
    bins = np.minimum(batch.scores[related] * HISTOGRAM_BINS, HISTOGRAM_BINS - 1)
    return (low << np.uint64(32)) ^ high, bins.astype(np.uint8)


def _histogram(
    counted: Sequence[tuple[NDArray[np.uint64], NDArray[np.uint8]]],
) -> tuple[int, ...]:
    if not counted:
        return (0,) * HISTOGRAM_BINS
    _, places = np.unique(np.concatenate([keys for keys, _ in counted]), return_index=True)
    bins = np.concatenate([each for _, each in counted])[places]
    return tuple(np.bincount(bins, minlength=HISTOGRAM_BINS).tolist())
