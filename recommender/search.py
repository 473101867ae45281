"""Candidates for an article in one index, and their evidence.

A `Searcher` follows the state of a store: what it caches is renewed when another process has
changed the index. Cosines always come from the vectors in the store, so that a wrong byte in
a generation file can never make a wrong score.
"""

from __future__ import annotations

from collections import OrderedDict
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from itertools import pairwise
from typing import TypeVar

import numpy as np
from numpy.typing import NDArray

from recommender.centring import Centres
from recommender.config import IndexOptions, Thresholds
from recommender.embedders import EmbedderIdentity
from recommender.errors import ConfigError, IndexCorrupt
from recommender.evidence import (
    COLUMN,
    COLUMNS,
    NEAR_EMPTY_LENGTH,
    Comparable,
    EvidenceTable,
    gather,
    prime,
)
from recommender.generation import Generation, Rows
from recommender.indexing import Recipe, comparable
from recommender.similarity import ANCHORS, Profile, similarities
from recommender.store import VERSION_KEY, NeighbourList, Store, advice_on_damage
from recommender.text import fold_many
from recommender.vectors import pair_cosines

Value = TypeVar("Value")

FINGERPRINT_CANDIDATES = 100
# Near-duplicates are kept beyond the usual number, so that a widely copied story stays whole.
MOST_NEIGHBOURS = 400
# An article with fewer related ones among its nearest is searched for this much deeper.
DEEPER = 4
_FEW_RELATED = 10
# Overlap that an article nobody has looked at may have.
_DOUBT = 0.3
# Articles whose measures are kept in memory, some 40 kB each.
_COMPARABLES_KEPT = 4_000
# Characters of texts.
_READ_AT_ONCE = 500_000
_DOUBTED = ("title_overlap", "fact_overlap")


@dataclass(frozen=True, slots=True, kw_only=True)
class IndexState:
    """What the meta data of an index say, decoded; `counter` is the store's when it was read.

    `decisions` is another text after every change of the editors' decisions, and empty before
    the first.
    """

    counter: int
    options: IndexOptions
    thresholds: Thresholds
    identity: EmbedderIdentity
    recipe: Recipe
    centres: Centres
    profile: Profile
    decisions: str = ""

    @classmethod
    def read(cls, store: Store) -> IndexState:
        """Decode the meta data of a store.

        Raises
        ------
        IndexCorrupt
            If they are not there or not what this format holds.
        """
        meta = store.meta()
        try:
            return cls(
                counter=store.change_counter(),
                options=IndexOptions(**meta["options"]),
                thresholds=Thresholds(**meta["thresholds"]),
                identity=EmbedderIdentity.from_dict(meta["embedder"]),
                recipe=Recipe.from_dict(meta["recipe"]),
                centres=Centres.from_dict(meta["centres"]),
                profile=Profile.from_dict(meta["profile"]),
                decisions=str(meta.get(VERSION_KEY, "")),
            )
        except (KeyError, TypeError, ValueError, ConfigError) as error:
            raise IndexCorrupt(
                f"{store.folder}: the index's description of itself cannot be read ({error!r}); "
                f"{advice_on_damage(store.folder)}"
            ) from error


@dataclass(frozen=True, slots=True, kw_only=True)
class Query:
    """An article that is searched for; `row` is its own row when it is stored."""

    comparable: Comparable
    vector: NDArray[np.float16] | None
    row: int | None = None


@dataclass(frozen=True, slots=True)
class Found:
    """Candidates with their evidence.

    Attributes
    ----------
    rows : ndarray of int64, shape (n,)
    table : ndarray of float16, shape (n, len(COLUMNS))
    floor : float
        Centred cosine below which candidates may be missing; -1 when none is.
    """

    rows: Rows
    table: EvidenceTable
    floor: float

    @classmethod
    def from_list(cls, stored: NeighbourList) -> Found:
        """What was stored for an article."""
        return cls(stored.rows, stored.evidence, stored.floor)

    def as_list(self) -> NeighbourList:
        """The same as it is stored."""
        return NeighbourList(rows=self.rows, evidence=self.table, floor=self.floor)

    def take(self, places: NDArray[np.int64] | NDArray[np.bool_]) -> Found:
        """Only the candidates at these places."""
        return Found(self.rows[places], self.table[places], self.floor)


class Searcher:
    """Finds candidates for an article in one store.

    Parameters
    ----------
    store : Store
        Open; a `Writer` inside a transaction sees its own changes.
    previous : Generation, optional
        Of another searcher over the same index: files that are still the same stay open.
    """

    def __init__(self, store: Store, *, previous: Generation | None = None) -> None:
        self.store = store
        self._state: IndexState | None = None
        self._generation: Generation | None = previous
        self._current = False
        self._comparables: OrderedDict[int, Comparable] = OrderedDict()

    @property
    def state(self) -> IndexState:
        """The state of the index now; what was cached of an earlier one is dropped."""
        if self._state is None or self._state.counter != self.store.change_counter():
            self._state = IndexState.read(self.store)
            self._current = False
            self._comparables.clear()
        return self._state

    @property
    def generation(self) -> Generation:
        """The searchable rows of the index now."""
        state = self.state
        if self._generation is None or not self._current:
            self._generation = Generation(
                self.store, self.store.generation(), state.centres, self._generation
            )
            self._current = True
        return self._generation

    def forget(self) -> None:
        """Look at the rows again; a writer calls it after changing them in its transaction."""
        self._current = False

    def query(self, row: int) -> Query:
        """The query for a stored article."""
        return Query(
            comparable=_present(self.comparables([row]), row, self.store),
            vector=self._raw_vectors([row]).get(row),
            row=row,
        )

    def find(self, query: Query, *, depth: int, allowed: Rows | None = None) -> Found:
        """Candidates for an article from vectors, fingerprints and equal texts.

        Parameters
        ----------
        query : Query
        depth : int
            Nearest vectors to take.
        allowed : ndarray of int64, optional
            Sorted rows that may be found; all when not given.
        """
        rows, floor = np.zeros(0, np.int64), -1.0
        if query.vector is not None:
            own = self.centred(query.vector[None], [query.comparable.language])[0]
            # One more, because a stored article finds itself.
            rows, floor = self.generation.nearest(own, depth + (query.row is not None), allowed)
        if len(query.comparable.fingerprint):
            rows = np.union1d(
                rows,
                self.generation.overlapping(
                    query.comparable.fingerprint, FINGERPRINT_CANDIDATES, allowed
                ),
            )
            equal = np.array(
                self.store.find_by_digest(query.comparable.text_digest)[:MOST_NEIGHBOURS], np.int64
            )
            rows = np.union1d(rows, equal if allowed is None else np.intersect1d(equal, allowed))
        found = self.measure(query, rows[rows != (-1 if query.row is None else query.row)])
        return Found(found.rows, found.table, floor)

    def measure(self, query: Query, rows: Rows) -> Found:
        """Evidence of an article against stored ones; rows that are gone are left out."""
        others = self.comparables(rows.tolist())
        rows = np.array(sorted(others), np.int64)
        cosines = np.full(len(rows), np.nan)
        if query.vector is not None and len(rows):
            found, vectors, languages = self.store.vectors_of(rows.tolist())
            own = self.centred(query.vector[None], [query.comparable.language])
            centred = self.centred(vectors, languages)
            values = pair_cosines(np.repeat(own, len(centred), axis=0), centred)
            cosines[np.searchsorted(rows, found)] = values
        self.prime(others, query.comparable)
        table = gather(query.comparable, [others[int(row)] for row in rows], cosines)
        return Found(rows, table, -1.0)

    def prime(self, others: Mapping[int, Comparable], article: Comparable) -> None:
        """Read the texts of all that an article is to be compared with in one go."""
        rows = [
            row
            for row, other in others.items()
            if not other.is_primed
            and other.length >= NEAR_EMPTY_LENGTH
            and other.language == article.language
        ]
        for chunk in _chunks(rows, others):
            self._prime_all(chunk, others, self.state.recipe)

    def centred(
        self, vectors: NDArray[np.float16], languages: Sequence[str]
    ) -> NDArray[np.float32]:
        """Unit vectors after subtracting their language's centre, shape (n, dimension)."""
        return self.state.centres.apply(vectors, languages)

    def similarities(self, table: EvidenceTable) -> NDArray[np.float64]:
        """Calibrated similarity of each row of an evidence table."""
        return similarities(table, self.state.profile)

    def may_be_more(self, floor: float, least: float) -> bool:
        """Whether an article that was not found could still reach a similarity.

        What was not found lies below the floor in cosine and shares no fingerprints; it is
        given the benefit of the doubt in everything else.
        """
        if floor <= -1.0:
            return False
        guess = np.zeros((1, len(COLUMNS)), np.float16)
        guess[0, COLUMN["cosine"]] = floor
        for name in _DOUBTED:
            guess[0, COLUMN[name]] = _DOUBT
        guess[0, COLUMN["same_language"]] = 1
        return bool(self.similarities(guess)[0] >= least)

    def candidates(self, query: Query) -> Found:
        """What is kept, or shown, of an article: its nearest, and more where those are few."""
        keep = self.state.options.neighbours
        found = self.find(query, depth=keep)
        related = np.count_nonzero(self.similarities(found.table) >= ANCHORS["related"])
        if self.is_thin(int(related), found.floor):
            found = self.find(query, depth=DEEPER * keep)
        return found

    def is_thin(self, related: int, floor: float) -> bool:
        """Whether an article has so few related ones that it is worth searching deeper."""
        return related < _FEW_RELATED and self.may_be_more(floor, ANCHORS["related"])

    def shorten(self, found: Found) -> Found:
        """Keep the best candidates, best first, and near-duplicates beyond them."""
        (shortened,) = shorten_many(
            np.zeros(len(found.rows), np.int64),
            found.rows,
            found.table,
            self.similarities(found.table),
            np.array([found.floor]),
            self.state.options.neighbours,
        )
        return shortened

    def comparables(self, rows: Sequence[int]) -> dict[int, Comparable]:
        """What comparing needs of stored articles; rows that are gone are absent."""
        state = self.state
        missing = [row for row in rows if row not in self._comparables]
        if missing:
            self._comparables.update(self._read(missing, state.recipe))
        found = {row: self._comparables[row] for row in rows if row in self._comparables}
        for row in found:
            self._comparables.move_to_end(row)
        while len(self._comparables) > _COMPARABLES_KEPT:
            self._comparables.popitem(last=False)
        return found

    def primed(self, rows: Sequence[int]) -> list[Comparable]:
        """What comparing needs of all these articles, with their terms; nothing of it is kept.

        Raises
        ------
        IndexCorrupt
            If one is not there.
        """
        recipe = self.state.recipe
        found = self._read(rows, recipe)
        for chunk in _chunks(rows, found):
            self._prime_all(chunk, found, recipe)
        return [_present(found, row, self.store) for row in rows]

    def _read(self, rows: Sequence[int], recipe: Recipe) -> dict[int, Comparable]:
        cards, sketches = self.store.cards(rows), self.store.sketches(rows)
        there = [row for row in rows if row in cards and row in sketches]
        titles = fold_many([cards[row].title for row in there])
        return {
            row: comparable(cards[row], title, sketches[row], recipe, TextLoader(self.store, row))
            for row, title in zip(there, titles, strict=True)
        }

    def _prime_all(
        self, rows: Sequence[int], articles: Mapping[int, Comparable], recipe: Recipe
    ) -> None:
        texts = self.store.texts(rows)
        prime(
            [articles[row] for row in rows],
            [recipe.boilerplate.strip(_present(texts, row, self.store)) for row in rows],
        )

    def _raw_vectors(self, rows: Sequence[int]) -> dict[int, NDArray[np.float16]]:
        found, vectors, _ = self.store.vectors_of(rows)
        return {int(row): vector for row, vector in zip(found, vectors, strict=True)}


@dataclass(frozen=True, slots=True)
class TextLoader:
    """Reads one stored text when it is called."""

    store: Store
    row: int

    def __call__(self) -> str:
        """Read the text."""
        return _present(self.store.texts([self.row]), self.row, self.store)


def _chunks(rows: Sequence[int], articles: Mapping[int, Comparable]) -> Iterator[list[int]]:
    """The rows in parts whose texts fit well into memory."""
    chunk: list[int] = []
    length = 0
    for row in rows:
        if chunk and length + articles[row].length > _READ_AT_ONCE:
            yield chunk
            chunk, length = [], 0
        chunk.append(row)
        length += articles[row].length
    if chunk:
        yield chunk


def _present(found: Mapping[int, Value], row: int, store: Store) -> Value:
    """What is stored for a row that another table has."""
    if row not in found:
        raise IndexCorrupt(
            f"{store.path}: row {row} is in one table and missing in another; "
            f"{advice_on_damage(store.folder)}"
        )
    return found[row]


def shorten_many(
    owners: NDArray[np.int64],
    rows: Rows,
    table: EvidenceTable,
    scores: NDArray[np.float64],
    floors: NDArray[np.float64],
    keep: int,
) -> list[Found]:
    """Keep the best `keep` candidates of each article, best first, and near-duplicates beyond them.

    Parameters
    ----------
    owners : ndarray of int64, shape (n,)
        Whose candidate each is: a place among the floors.
    rows : ndarray of int64, shape (n,)
    table : ndarray of float16, shape (n, len(COLUMNS))
    scores : ndarray of float64, shape (n,)
        Similarities.
    floors : ndarray of float64, shape (m,)
        Of each article.
    keep : int

    Returns
    -------
    list of Found, length m
    """
    cosines = table[:, COLUMN["cosine"]].astype(np.float64)
    # A NaN would not sort alike everywhere; no vector is as far as can be.
    cosines = np.where(np.isnan(cosines), -1.0, cosines)
    order = np.lexsort((rows, -cosines, -scores, owners))
    owners = owners[order]
    place = np.arange(len(order)) - np.searchsorted(owners, owners)
    kept = (place < keep) | ((scores[order] >= ANCHORS["same_story"]) & (place < MOST_NEIGHBOURS))
    floors = floors.copy()
    np.maximum.at(floors, owners[~kept], cosines[order[~kept]])
    bounds = np.searchsorted(owners[kept], np.arange(len(floors) + 1)).tolist()
    rows, table = rows[order[kept]], table[order[kept]]
    return [
        Found(rows[start:end], table[start:end], float(floor))
        for (start, end), floor in zip(pairwise(bounds), floors, strict=True)
    ]
