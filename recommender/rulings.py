"""The decisions that count now, as answers need them: by row, and cheap where there are none.

Read again only when a decision was made, dropped or judged anew; articles that are not in the
index have no row and so no say. A draft stands in for the stored article of its id as long as
its text is still the one that was decided on.
"""

from __future__ import annotations

from collections.abc import Callable, Collection, Iterable, Mapping, Sequence

import numpy as np

from recommender.decisions import DISTINCT, DUPLICATE, Decision, Ruled
from recommender.edits import TextMark, is_substantive
from recommender.evidence import COLUMNS
from recommender.search import Found, Query, Searcher
from recommender.store import read_decisions, read_texts

MakeMark = Callable[[], TextMark]


class Rulings:
    """Follows the decisions of a searcher's index; used inside a snapshot."""

    def __init__(self, searcher: Searcher) -> None:
        self._searcher = searcher
        self._store = searcher.store
        self._version = ""
        self._book: dict[str, dict[str, Decision]] = {}
        # Rows of decided articles as far as they were asked for, at one state of the index.
        self._rows: dict[str, int | None] = {}
        self._rows_at = -1

    def _current(self) -> Mapping[str, Mapping[str, Decision]]:
        """Decisions that are not stale, by either article."""
        version = self._searcher.state.decisions
        if version != self._version:
            book: dict[str, dict[str, Decision]] = {}
            for each in read_decisions(self._store) if version else ():
                if not each.stale:
                    book.setdefault(each.first, {})[each.second] = each
                    book.setdefault(each.second, {})[each.first] = each
            self._book, self._version = book, version
        return self._book

    def of(self, rows: Sequence[int]) -> dict[int, Ruled]:
        """What was decided on stored articles, for those of the rows on which anything was."""
        book = self._current()
        if not book:
            return {}
        cards = self._store.cards(rows)
        return self._by_row({row: card.id for row, card in cards.items() if card.id in book})

    def everywhere(self) -> dict[int, Ruled]:
        """What was decided on all stored articles."""
        rows = self._rows_of(self._current())
        return self._by_row({row: article_id for article_id, row in rows.items()})

    def _by_row(self, ids: Mapping[int, str]) -> dict[int, Ruled]:
        if not ids:
            return {}
        book = self._current()
        rows = self._rows_of({other for one in ids.values() for other in book[one]})
        return {
            row: {
                rows[other]: _kind(decision)
                for other, decision in sorted(book[article_id].items())
                if other in rows
            }
            for row, article_id in sorted(ids.items())
        }

    def _rows_of(self, ids: Collection[str]) -> dict[str, int]:
        counter = self._searcher.state.counter
        if counter != self._rows_at:
            self._rows, self._rows_at = {}, counter
        unknown = [each for each in ids if each not in self._rows]
        if unknown:
            self._rows.update(dict.fromkeys(unknown))
            self._rows.update(self._store.rows_of(unknown))
        rows = {each: self._rows[each] for each in ids}
        return {each: row for each, row in rows.items() if row is not None}

    def of_draft(self, article_id: str, mark: MakeMark) -> Ruled:
        """What was decided on the article of this id, as far as it holds for this text."""
        decided = self._current().get(article_id)
        if not decided:
            return {}
        holding = self._holding(article_id, mark(), decided.values())
        rows = self._rows_of(decided)
        return {
            rows[other]: _kind(each)
            for other, each in sorted(decided.items())
            if other in rows and each in holding
        }

    def between(self, first: str, second: str, drafts: Mapping[str, MakeMark]) -> int:
        """What was decided on a pair of ids, some of which may be drafts."""
        decision = self._current().get(first, {}).get(second)
        if decision is None:
            return 0
        holds = all(self._holding(one, mark(), [decision]) for one, mark in drafts.items())
        return _kind(decision) if holds else 0

    def distinct_pairs(self) -> frozenset[tuple[str, str]]:
        """Pairs decided distinct, the smaller id of each first."""
        return frozenset(
            each.pair
            for decided in self._current().values()
            for each in decided.values()
            if each.decision == "distinct"
        )

    def settled_pairs(self) -> frozenset[tuple[str, str]]:
        """Pairs of duplicates of which an editor has said what is done about them."""
        return frozenset(
            each.pair
            for decided in self._current().values()
            for each in decided.values()
            if each.decision == "duplicate" and each.is_settled
        )

    def merged_articles(self) -> frozenset[str]:
        """Articles that an editor marked to be redirected to another."""
        return frozenset(
            each.merged
            for decided in self._current().values()
            for each in decided.values()
            if each.treatment == "merge"
        )

    def _holding(
        self, article_id: str, mark: TextMark, decisions: Iterable[Decision]
    ) -> list[Decision]:
        keys = {each.pair: (article_id, _hash_of(each, article_id)) for each in decisions}
        texts = read_texts(self._store, sorted(set(keys.values())))
        return [each for each in decisions if not is_substantive(texts[keys[each.pair]], mark)]

    def complete(self, query: Callable[[], Query] | None, found: Found, ruled: Ruled) -> Found:
        """Candidates with those decided duplicates among them that were not found.

        Without a query they are left unmeasured, for lists that hold no duplicates.
        """
        if not ruled:
            return found
        known = set(found.rows.tolist())
        missing = sorted(row for row, kind in ruled.items() if kind > 0 and row not in known)
        if not missing:
            return found
        more = Found(
            np.array(missing, np.int64), np.full((len(missing), len(COLUMNS)), np.nan, "f2"), -1.0
        )
        if query is not None:
            more = self._searcher.measure(query(), more.rows)
        return Found(
            np.concatenate([found.rows, more.rows]),
            np.concatenate([found.table, more.table]),
            found.floor,
        )


def _kind(decision: Decision) -> int:
    return DUPLICATE if decision.decision == "duplicate" else DISTINCT


def _hash_of(decision: Decision, article_id: str) -> str:
    return decision.first_hash if decision.first == article_id else decision.second_hash
