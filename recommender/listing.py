"""The related list of every article of an index, as an export wants them: all of one state.

`Listing` is the part of `Recommender` that does this. What a list holds is ruled in `answering`;
here the work that the lists share is done once.
"""

from __future__ import annotations

from collections.abc import Collection, Iterator
from dataclasses import replace
from datetime import datetime, timezone
from pathlib import Path

import numpy as np

from recommender.answering import Answerer, Fill, Request, Subject, as_filter, check_request
from recommender.closing import Closing
from recommender.config import Thresholds
from recommender.engine_part import EnginePart
from recommender.errors import IndexStoreError
from recommender.generation import Rows
from recommender.records import Card, Filter, MatchList
from recommender.retrieval import Ranking
from recommender.rulings import Rulings
from recommender.search import Searcher
from recommender.store import NeighbourList, Store

_BATCH = 500
# Rows whose near-duplicates are looked up together, because they will all be asked for.
_TOGETHER = 512
# As `search.DEEPER`: what an index of one site alone would have looked at for a thin list.
_DEEPEST = 4
# Newest articles beyond those wanted, because some are left out of a list.
_SPARE = 200


class Listing(EnginePart):
    """The methods of `Recommender` that go over all articles."""

    def related_lists(
        self,
        *,
        limit: int = 5,
        min_similarity: float | None = None,
        thresholds: Thresholds | None = None,
        ids: Collection[str] | None = None,
        sites: Collection[str] = (),
        same_site: bool = False,
        half_life_days: float | None = None,
        diversity: float = 0.0,
        fill: Fill | None = None,
        now: datetime | None = None,
    ) -> RelatedLists:
        """The related list of every article that readers may see, each as `related` gives it.

        All are of one state of the index, whatever writers do meanwhile; nothing is locked, and
        the memory needed grows by some bytes an article. Read it to its end or close it.

        What the index keeps of an article suffices for most lists. Where it does not, because of
        `same_site` or a low `min_similarity`, four times as many of its nearest are looked at and
        no more; `related` looks on.

        Parameters
        ----------
        limit : int
            Most matches of a list.
        min_similarity : float, optional
            Least similarity, its edge included; by default the threshold "related".
        thresholds : Thresholds, optional
            For this call.
        ids : collection of str, optional
            Only the lists of these articles; what the index does not hold has none.
        sites : collection of str
            Only lists of articles of these sites; a single text is one site.
        same_site : bool
            Whether a list holds only articles of its own article's site.
        half_life_days, diversity, fill
            As of `related`.
        now : datetime, optional
            The present moment: whose lists are given, and what they hold, is public then.

        Returns
        -------
        RelatedLists
            An iterator of (Card, MatchList), in the order of the ids. An article without a
            match has an empty list that says why.

        Raises
        ------
        ConfigError
            If a limit, similarity or option is out of range.
        """
        chosen = thresholds or self.thresholds
        now = now or datetime.now(timezone.utc)
        least = chosen.related if min_similarity is None else min_similarity
        check_request(limit, least, fill)
        request = Request(
            limit=limit,
            thresholds=chosen,
            min_similarity=least,
            filter=as_filter(public_at=now),
            predicate=None,
            ranking=Ranking(half_life_days=half_life_days, diversity=diversity),
            fill=fill,
            now=now,
            deepest=_DEEPEST,
        )
        listed = as_filter(sites=sites, public_at=now)
        return RelatedLists(self.path, request, listed=listed, ids=ids, same_site=same_site)

    def cards(self, *, public_only: bool = True, now: datetime | None = None) -> Iterator[Card]:
        """What the index shows of every article, in the order of the ids.

        Parameters
        ----------
        public_only : bool
            Whether what readers may not see now is left out.
        now : datetime, optional
            The present moment.
        """
        moment = (now or datetime.now(timezone.utc)) if public_only else None
        with self._turn, self._store.snapshot():
            rows = self._store.rows_by_id(as_filter(public_at=moment))
        for start in range(0, len(rows), _BATCH):
            wanted = rows[start : start + _BATCH].tolist()
            with self._turn, self._store.snapshot():
                cards = self._store.cards(wanted)
            # Others were removed meanwhile.
            yield from (cards[row] for row in wanted if row in cards)


class RelatedLists(Closing, Iterator[tuple[Card, MatchList]]):
    """All related lists of one state of an index, made as they are asked for.

    A context manager; closed when it is at its end.

    Attributes
    ----------
    state : str
        The name of the index's state.
    articles : int
        How many lists there are in all.
    """

    def __init__(
        self,
        path: Path,
        request: Request,
        *,
        listed: Filter,
        ids: Collection[str] | None = None,
        same_site: bool = False,
    ) -> None:
        # A store of its own: what else its owner reads or changes meanwhile is not of this state.
        self._store = Store.open(path)
        self._request = request
        self._snapshot = self._store.snapshot()
        self._snapshot.__enter__()
        self._closed = False
        try:
            searcher = Searcher(self._store)
            self._searcher = searcher
            self._answerer = _SharingAnswerer(searcher, Rulings(searcher))
            self.state = self._store.state_name()
            self._change = self._store.change_counter()
            self._rows: Rows = self._store.rows_by_id(listed)
            if ids is not None:
                wanted = list(self._store.rows_of(ids).values())
                self._rows = self._rows[np.isin(self._rows, wanted)]
            # In an index of one site there is no other to leave out.
            self._same_site = same_site and self._has_sites(request.filter)
        except BaseException:
            self.close()
            raise
        self.articles = len(self._rows)
        self._lists = self._made()

    def __del__(self) -> None:
        self.close()

    def close(self) -> None:
        """Give the state of the index free; nothing happens the second time."""
        if not getattr(self, "_closed", True):
            self._closed = True
            self._snapshot.__exit__(None, None, None)
            self._store.close()

    def __next__(self) -> tuple[Card, MatchList]:
        try:
            return next(self._lists)
        except BaseException:
            self.close()
            raise

    def _made(self) -> Iterator[tuple[Card, MatchList]]:
        for start in range(0, len(self._rows), _BATCH):
            yield from self._batch(self._rows[start : start + _BATCH].tolist())

    def _batch(self, rows: list[int]) -> list[tuple[Card, MatchList]]:
        if self._closed:
            raise IndexStoreError(f"{self._store.folder}: the lists were closed; ask for them anew")
        with self._store.snapshot():
            if self._store.change_counter() != self._change:
                # Only another thread can get here: a snapshot is a thread's own.
                raise IndexStoreError(
                    f"{self._store.folder}: the index changed while its lists were read in several "
                    "threads; ask for them anew"
                )
            self._answerer.begin(rows)
            cards = self._store.cards(rows)
            return [(cards[row], self._list(row, cards[row])) for row in rows]

    def _has_sites(self, passing: Filter) -> bool:
        rows = self._store.rows_by_id(passing)
        if not len(rows):
            return False
        first = self._store.cards([int(rows[0])])[int(rows[0])]
        alike = self._store.filter_rows(replace(passing, sites=frozenset((first.site,))))
        return len(alike) < len(rows)

    def _list(self, row: int, card: Card) -> MatchList:
        request = self._request
        if self._same_site:
            own = replace(request.filter, sites=frozenset((card.site,)))
            request = replace(request, filter=own)
        subject = Subject(card=card, row=row, searcher=self._searcher)
        return self._answerer.related(subject, request)


class _SharingAnswerer(Answerer):
    """Gives the same answers; what many lists look up is looked up once."""

    def __init__(self, searcher: Searcher, rulings: Rulings) -> None:
        super().__init__(searcher, rulings)
        self._stored: dict[int, NeighbourList] = {}
        # Only rows that have near-duplicates, which are few.
        self._near_of_all: dict[int, frozenset[int]] = {}
        self._looked_up: set[int] = set()
        self._latest: dict[Filter, list[tuple[int, str]]] = {}

    def begin(self, rows: list[int]) -> None:
        """Read the stored candidates of the articles that come next."""
        self._stored = self._store.neighbours_of(rows)

    def stored_list(self, row: int) -> NeighbourList | None:
        """As read ahead; of other articles as stored."""
        return self._stored.get(row) or super().stored_list(row)

    def near_rows(self, rows: Collection[int], thresholds: Thresholds) -> dict[int, frozenset[int]]:
        """The same for rows and those beside them, kept for the lists to come."""
        for part in sorted({row // _TOGETHER for row in rows} - self._looked_up):
            self._looked_up.add(part)
            found = self.score_near_rows(
                range(part * _TOGETHER, (part + 1) * _TOGETHER), thresholds
            )
            self._near_of_all.update((row, near) for row, near in found.items() if near)
        return {row: self._near_of_all.get(row, frozenset()) for row in rows}

    def latest_rows(self, passing: Filter, number: int) -> list[int]:
        """The same, from a longer list of the newest that is kept."""
        anyone = replace(passing, exclude=frozenset())
        if anyone not in self._latest:
            rows = super().latest_rows(anyone, number + _SPARE)
            cards = self._store.cards(rows)
            self._latest[anyone] = [(row, cards[row].id) for row in rows]
        known = self._latest[anyone]
        found = [row for row, article_id in known if article_id not in passing.exclude]
        if len(found) < number and len(known) >= number + _SPARE:
            return list(super().latest_rows(passing, number))
        return found[:number]
