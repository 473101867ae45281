"""The part of `Recommender` that finds articles by name, and says how long answers stay true.

No model is needed for any of it.
"""

from __future__ import annotations

from collections.abc import Iterable
from datetime import datetime

from recommender.engine_part import EnginePart
from recommender.engine_upkeep import present
from recommender.errors import ArticleNotFound, ConfigError
from recommender.records import Card, Filter

_MOST_FOUND = 1_000
# An address may be longer than any title; a pattern of SQLite's LIKE must not be.
_MOST_CHARACTERS = 8_192


class Finding(EnginePart):
    """Articles by their cards; a base of `Recommender`."""

    def get(self, article_id: str) -> Card:
        """What the index shows of an article.

        Raises
        ------
        ArticleNotFound
            If no article has that id.
        """
        with self._turn, self._store.snapshot():
            row = self._row(article_id)
            return self._store.cards([row])[row]

    def get_many(self, ids: Iterable[str]) -> dict[str, Card]:
        """As `get` for several articles; ids that are not in the index are absent."""
        with self._turn, self._store.snapshot():
            cards = self._store.cards(sorted(self._store.rows_of(set(ids)).values()))
            return {card.id: card for card in cards.values()}

    def public_now(self, ids: Iterable[str], *, now: datetime | None = None) -> dict[str, Card]:
        """As `get_many`, of the articles that readers may see.

        Parameters
        ----------
        ids : iterable of str
        now : datetime, optional
            The present moment.
        """
        passing = Filter(public_at=now or present())
        return {name: card for name, card in self.get_many(ids).items() if passing.passes(card)}

    def find(self, text: str, *, limit: int = 20) -> list[Card]:
        """Articles whose id or address is this text, then those whose title holds its words.

        Parameters
        ----------
        text : str
            An id, an address, or words of a title in any order; ASCII letters match in either
            case. Where no title holds all words, those that hold most of its pairs of
            neighbouring characters come, so that a title retyped with a slip is found.
        limit : int
            Most articles, from 0 to 1,000.

        Returns
        -------
        list of Card
            Public or not; titles that hold all words newest first.

        Raises
        ------
        ConfigError
            If the limit is out of range.
        """
        if isinstance(limit, bool) or not isinstance(limit, int) or not 0 <= limit <= _MOST_FOUND:
            raise ConfigError(f"limit must be a whole number from 0 to 1,000, not {limit!r}")
        with self._turn, self._store.snapshot():
            rows = self._store.rows_named(_searchable(text), limit)
            found = self._store.cards(rows)
        return [found[row] for row in rows]

    def sites(self) -> dict[str, int]:
        """How many articles there are of each site; the empty one stands for those without."""
        return self._store.sites()

    def version(self) -> str:
        """A name of what the index holds now: another one after every change, in every index.

        Answers of one version differ only by the clock; see `next_visibility_change`.
        """
        return self._store.state_name()

    def next_visibility_change(self, *, now: datetime | None = None) -> datetime | None:
        """The next moment at which an article becomes public or ceases to be, by the clock alone.

        Until then `related` answers as it does now, as long as `version` stays the same.

        Parameters
        ----------
        now : datetime, optional
            The present moment.
        """
        return self._store.next_visibility_change(now or present())

    def _row(self, article_id: str) -> int:
        row = self._store.row_of(article_id)
        if row is None:
            raise ArticleNotFound(f"No article {article_id!r} in {self.path}.")
        return row


def _searchable(text: str) -> str:
    """The text as far as an id, an address or a title can go; no half of a surrogate pair."""
    return text[:_MOST_CHARACTERS].encode("utf-8", "replace").decode().strip()
