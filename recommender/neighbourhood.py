"""Stored neighbours: made for a whole corpus at once, and kept true by every change.

Each article's list holds its best candidates with their evidence, so that a related list is
read, not searched. The pairs of a corpus come from one sweep over vectors and one join of
fingerprints; an added article is searched for once and entered into the lists it touches.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from itertools import pairwise

import numpy as np
from numpy.typing import NDArray

from recommender.closing import Closing
from recommender.evidence import COLUMN, COLUMNS, EvidenceTable, reverse
from recommender.generation import FEW_FINGERPRINTS, MIN_SHARED, Rows
from recommender.measuring import PairMeasure
from recommender.overlaps import Overlaps
from recommender.postings import Postings
from recommender.progress import Progress
from recommender.search import (
    DEEPER,
    FINGERPRINT_CANDIDATES,
    Found,
    Searcher,
    shorten_many,
)
from recommender.similarity import ANCHORS
from recommender.store import NeighbourList, Writer
from recommender.traits import TraitsMaker
from recommender.vectors import VectorIndex, pair_cosines

_SWEEP = 1_024
_BATCH = 500
_WALKED_TOGETHER = 64
_ITERATIONS = 4
_COSINES_AT_ONCE = 2_000
_OVERLAPS_AT_ONCE = 500
_SCORED_AT_ONCE = 4_000
_NO_PAIRS = (np.zeros(0, np.int64), np.zeros(0, np.int64), np.zeros(0, np.int32))


def fill_all(
    writer: Writer,
    searcher: Searcher,
    index: VectorIndex,
    postings: Postings,
    progress: Progress,
) -> None:
    """Make the neighbour lists of every article the writer sees.

    Parameters
    ----------
    writer : Writer
        Inside the transaction that made the rows.
    searcher : Searcher
        Over the same writer.
    index, postings
        The generation just built from all rows.
    progress : callable
    """
    rows, vectors, languages = writer.vectors()
    centred = searcher.centred(vectors, languages)
    del vectors
    keep = searcher.state.options.neighbours
    near, floors = _vector_pairs(index, rows, centred, keep, progress)
    near += _fingerprint_pairs(postings, writer)
    pairs = _unique(near)
    del near
    with _Crowd(writer, searcher, rows, centred) as crowd:
        table = crowd.measure(pairs, progress, "evidence")
        scores = _scores(searcher, table)
        thin = _thin(searcher, pairs, scores, floors)
        if len(thin):
            deep, deep_floors = _vector_pairs(
                index, thin, centred[np.searchsorted(rows, thin)], DEEPER * keep, progress
            )
            more = _without(_unique(deep), pairs)
            added = crowd.measure(more, progress, "more evidence")
            # In its place: joined, both would be in memory twice.
            table.resize((len(pairs) + len(more), len(COLUMNS)), refcheck=False)
            table[len(pairs) :] = added
            scores = np.concatenate([scores, _scores(searcher, added)])
            pairs = np.concatenate([pairs, more])
            for row in thin.tolist():
                floors.pop(row, None)
            floors.update(deep_floors)
    del crowd, centred
    lists = _Lists(writer.rows(), pairs, table, scores)
    for start in range(0, len(lists), _BATCH):
        writer.put_neighbours(lists.shortened(start, start + _BATCH, floors, keep))


def _scores(searcher: Searcher, table: EvidenceTable) -> NDArray[np.float64]:
    scores = np.zeros(len(table))
    for start in range(0, len(table), _SCORED_AT_ONCE):
        part = slice(start, start + _SCORED_AT_ONCE)
        scores[part] = searcher.similarities(table[part])
    return scores


class _Lists:
    """Measured pairs of rows, by the article at either end."""

    def __init__(
        self, rows: Rows, pairs: Rows, table: EvidenceTable, scores: NDArray[np.float64]
    ) -> None:
        self._rows, self._table, self._scores = rows, table, scores
        self._pairs = np.searchsorted(rows, pairs).astype(np.int32)
        # The pairs as they are, and turned round behind them.
        owners = self._pairs.T.ravel()
        self._order = np.argsort(owners, kind="stable").astype(np.int32)
        self._starts = np.concatenate(([0], np.cumsum(np.bincount(owners, minlength=len(rows)))))

    def __len__(self) -> int:
        return len(self._rows)

    def shortened(
        self, start: int, end: int, floors: Mapping[int, float], keep: int
    ) -> dict[int, NeighbourList]:
        """The lists of some articles, each as `search.shorten_many` makes it."""
        own = self._rows[start:end].tolist()
        places = self._order[self._starts[start] : self._starts[start + len(own)]]
        turned = places >= len(self._pairs)
        places = places - turned * len(self._pairs)
        evidence = self._table[places]
        evidence[turned] = reverse(evidence[turned])
        made = shorten_many(
            self._pairs[places, turned.astype(np.intp)].astype(np.int64) - start,
            self._rows[self._pairs[places, 1 - turned.astype(np.intp)]],
            evidence,
            self._scores[places],
            np.array([floors.get(row, -1.0) for row in own]),
            keep,
        )
        return {row: each.as_list() for row, each in zip(own, made, strict=True)}


def _thin(
    searcher: Searcher, pairs: Rows, scores: NDArray[np.float64], floors: Mapping[int, float]
) -> Rows:
    """Rows whose nearest articles hold few related ones, although more may lie farther off."""
    related = pairs[scores >= ANCHORS["related"]].ravel()
    counts = np.bincount(related, minlength=max(floors, default=0) + 1)
    return np.array(
        [row for row in sorted(floors) if searcher.is_thin(int(counts[row]), floors[row])], np.int64
    )


def _without(pairs: Rows, known: Rows) -> Rows:
    """Pairs that are not known yet."""
    if not len(pairs):
        return pairs
    width = np.int64(max(int(pairs.max()), int(known.max(initial=0))) + 1)
    new = ~np.isin(pairs[:, 0] * width + pairs[:, 1], known[:, 0] * width + known[:, 1])
    return pairs[new]


def _vector_pairs(
    index: VectorIndex,
    rows: Rows,
    centred: NDArray[np.float32],
    depth: int,
    progress: Progress,
) -> tuple[list[Rows], dict[int, float]]:
    pairs: list[Rows] = []
    floors: dict[int, float] = {}
    for start in range(0, len(rows), _SWEEP):
        own = rows[start : start + _SWEEP]
        hits = index.search(centred[start : start + _SWEEP], depth + 1)
        full = hits.rows[:, -1] >= 0
        floors.update(
            zip(own[full].tolist(), hits.similarities[full, -1].astype(float).tolist(), strict=True)
        )
        first = np.repeat(own, hits.rows.shape[1])
        second = hits.rows.ravel()
        pairs.append(_ordered(first, second))
        progress("nearest vectors", min(start + _SWEEP, len(rows)), len(rows))
    return pairs, floors


def _fingerprint_pairs(postings: Postings, writer: Writer) -> Iterator[Rows]:
    """Pairs with common fingerprints, for each article those that share most."""
    first, second, shared = (
        np.concatenate(each)
        for each in zip(_NO_PAIRS, *postings.pairs(min_shared=MIN_SHARED), strict=True)
    )
    if len(first):
        owner, other = np.concatenate([first, second]), np.concatenate([second, first])
        count = np.concatenate([shared, shared])
        del first, second, shared
        order = np.lexsort((other, -count, owner))
        owner = owner[order]
        best = np.arange(len(owner)) - np.searchsorted(owner, owner) < FINGERPRINT_CANDIDATES
        owner, other = owner[best], other[order[best]]
        del order, count, best
        yield _ordered(owner, other)
    rows, fingerprints = writer.fingerprints()
    for row, fingerprint in zip(rows, fingerprints, strict=True):
        if len(fingerprint) and len(fingerprint) < FEW_FINGERPRINTS:
            found, _ = postings.candidates(fingerprint, min_shared=1, limit=FINGERPRINT_CANDIDATES)
            yield _ordered(np.full(len(found), row), found)


def _ordered(first: Rows, second: Rows) -> Rows:
    """Pairs (n, 2) with the smaller row first; padding and pairs with oneself are dropped."""
    real = (second >= 0) & (first != second)
    first, second = first[real], second[real]
    return np.column_stack([np.minimum(first, second), np.maximum(first, second)]).astype(np.int64)


def _unique(pairs: Sequence[Rows]) -> Rows:
    """Each pair once, sorted."""
    if not sum(map(len, pairs)):
        return np.zeros((0, 2), np.int64)
    width = np.int64(max(int(each.max(initial=0)) for each in pairs) + 1)
    keys = np.unique(np.concatenate([each[:, 0] * width + each[:, 1] for each in pairs]))
    return np.column_stack([keys // width, keys % width])


class _Crowd(Closing):
    """Measures pairs of all the articles that a writer sees."""

    def __init__(
        self, writer: Writer, searcher: Searcher, embedded: Rows, centred: NDArray[np.float32]
    ) -> None:
        self._rows = writer.rows()
        self._embedded, self._centred = embedded, centred
        self._overlaps = Overlaps(writer.folder)
        maker = TraitsMaker()
        for start in range(0, len(self._rows), _BATCH):
            articles = searcher.primed(self._rows[start : start + _BATCH].tolist())
            maker.add(articles)
            self._overlaps.add([each.folded for each in articles])
        self._overlaps.finish()
        traits = maker.made()
        self._lengths = traits.length
        self._pairs = PairMeasure(traits)

    def close(self) -> None:
        """Give back what is on disk."""
        self._overlaps.close()

    def measure(self, pairs: Rows, progress: Progress, stage: str) -> EvidenceTable:
        """Evidence of pairs of rows, sorted, from the first to the second."""
        first, second = (np.searchsorted(self._rows, pairs[:, end]) for end in (0, 1))
        cosines = _cosines(pairs, self._embedded, self._centred)
        table = self._pairs.measure(first, second, cosines)
        places = np.flatnonzero(self._pairs.overlapping(first, second, table))
        progress(stage, len(pairs) - len(places), len(pairs))
        # Each is asked for from its longer end, along the walk.
        walk = _walk(np.unique(pairs[places]), self._embedded, self._centred)
        rank = np.zeros(len(self._rows), np.int64)
        rank[np.searchsorted(self._rows, walk)] = np.arange(len(walk))
        first, second = first[places], second[places]
        turned = self._lengths[first] < self._lengths[second]
        owners, others = np.where(turned, second, first), np.where(turned, first, second)
        order = np.lexsort((rank[others], rank[owners]))
        starts = np.flatnonzero(np.diff(rank[owners[order]], prepend=-1))
        bounds = np.union1d(starts, np.arange(0, len(order), _OVERLAPS_AT_ONCE))
        for number, (start, end) in enumerate(pairwise([*bounds.tolist(), len(order)])):
            own = order[start:end]
            resemblance, containment = self._overlaps.of(int(owners[own[0]]), others[own].tolist())
            table[places[own], COLUMN["resemblance"]] = resemblance
            table[places[own], COLUMN["containment"]] = containment
            if number % 200 == 0 or end == len(order):
                progress(stage, len(pairs) - len(order) + end, len(pairs))
        return table


def _walk(articles: Rows, rows: Rows, centred: NDArray[np.float32]) -> Rows:
    """Articles in an order in which neighbours in meaning come close together.

    What one is compared with then serves the next, and few texts need to be in memory: by rows,
    several times as many would be read again. Nothing but time depends on the order.
    """
    places = np.minimum(np.searchsorted(rows, articles), max(len(rows) - 1, 0))
    embedded = rows[places] == articles if len(rows) else np.zeros(len(articles), bool)
    parts = [np.flatnonzero(embedded)]
    # Halved along the direction in which each half spreads most (power iteration).
    while len(parts[0]) > _WALKED_TOGETHER:
        halves = []
        for part in parts:
            spread = centred[places[part]]
            spread = spread - spread.mean(axis=0)
            direction = spread[0]
            for _ in range(_ITERATIONS):
                direction = spread.T @ (spread @ direction)
                direction /= np.linalg.norm(direction) or 1.0
            order = np.argsort(spread @ direction, kind="stable")
            halves += np.array_split(part[order], 2)
        parts = halves
    return np.asarray(articles[np.concatenate([*parts, np.flatnonzero(~embedded)])])


def _cosines(pairs: Rows, embedded: Rows, centred: NDArray[np.float32]) -> NDArray[np.float32]:
    """Cosines of pairs of rows; NaN where one has no vector."""
    cosines = np.full(len(pairs), np.nan, np.float32)
    if not len(embedded):
        return cosines
    for start in range(0, len(pairs), _COSINES_AT_ONCE):
        part = pairs[start : start + _COSINES_AT_ONCE]
        places = np.minimum(np.searchsorted(embedded, part), len(embedded) - 1)
        there = np.flatnonzero((embedded[places] == part).all(axis=1))
        first, second = places[there].T
        cosines[start + there] = pair_cosines(centred[first], centred[second])
    return cosines


def enter(writer: Writer, searcher: Searcher, row: int) -> None:
    """Give a new article its list, and enter it into the lists it belongs in.

    Parameters
    ----------
    writer : Writer
        Inside the transaction that inserted the row.
    searcher : Searcher
        Over the same writer.
    row : int
    """
    query = searcher.query(row)
    keep = searcher.state.options.neighbours
    found = searcher.candidates(query)
    own = searcher.shorten(found)
    writer.put_neighbours({row: own.as_list()})
    stored = writer.neighbours_of(found.rows.tolist())
    turned = reverse(found.table)
    touched: dict[int, Found] = {}
    for place, other in enumerate(found.rows.tolist()):
        if other in stored and _may_enter(stored[other], found.table[place], keep):
            touched[other] = _with(stored[other], row, turned[place])
    writer.put_neighbours(_shortened(touched, searcher, keep))


def _may_enter(stored: NeighbourList, evidence: NDArray[np.float16], keep: int) -> bool:
    if len(stored.rows) < keep or stored.floor < 0:
        return True
    cosine, containment = evidence[COLUMN["cosine"]], evidence[COLUMN["containment"]]
    return bool(cosine >= stored.floor or containment > 0)


def _with(stored: NeighbourList, row: int, evidence: NDArray[np.float16]) -> Found:
    others = stored.rows != row
    return Found(
        np.append(stored.rows[others], row),
        np.vstack([stored.evidence[others], evidence[None]]),
        stored.floor,
    )


def _shortened(
    touched: Mapping[int, Found], searcher: Searcher, keep: int
) -> dict[int, NeighbourList]:
    """Shorten several lists; their similarities are worked out in one go."""
    if not touched:
        return {}
    table = np.concatenate([each.table for each in touched.values()])
    made = shorten_many(
        np.repeat(np.arange(len(touched)), [len(each.rows) for each in touched.values()]),
        np.concatenate([each.rows for each in touched.values()]),
        table,
        searcher.similarities(table),
        np.array([each.floor for each in touched.values()]),
        keep,
    )
    return {row: each.as_list() for row, each in zip(touched, made, strict=True)}
