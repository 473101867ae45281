"""What a sync asks of stored articles: whether they are there, whose, and whether they changed.

A few numbers for each article, so that thousands are compared without reading their texts.
"""

from __future__ import annotations

import json
from collections.abc import Iterable, Iterator
from dataclasses import dataclass

from recommender.records import Card
from recommender.store import codec
from recommender.store.reader import Store

_BATCH = 20_000


@dataclass(frozen=True, slots=True)
class Standing:
    """How a stored article stands.

    Attributes
    ----------
    row : int
    language : str
    content_digest : bytes
        As in `Document`.
    length : int
        As in `Sketch`.
    card_checksum : int
    """

    row: int
    language: str
    content_digest: bytes
    length: int
    card_checksum: int

    def has_card(self, card: Card) -> bool:
        """Whether this is the card that is stored, as far as 64 bits tell.

        Raises
        ------
        ArticleError
            If the card cannot be stored.
        """
        return bool(codec.encode_card(self.row, card)[-1] == self.card_checksum)

    @staticmethod
    def check_card(card: Card) -> None:
        """Refuse a card that cannot be stored.

        Raises
        ------
        ArticleError
        """
        codec.encode_card(0, card)


def standing_of(store: Store, ids: Iterable[str]) -> dict[str, Standing]:
    """How articles stand, by id; those that are not there are absent.

    The values are not checked against their checksums: what is damaged looks changed.
    """
    sql = (
        "SELECT a.id, a.row, a.language, s.content_digest, s.length, a.checksum "
        "FROM articles a JOIN sketches s USING (row) "
        "WHERE a.id IN (SELECT value FROM json_each(?))"
    )
    found = store._rows(sql, (json.dumps(list(ids)),))
    return {article_id: Standing(*values) for article_id, *values in found}


def articles_by_site(store: Store) -> Iterator[list[tuple[str, str]]]:
    """Id and site of every article, in batches; to be read inside one snapshot."""
    last = 0
    sql = "SELECT row, id, site FROM articles WHERE row > ? ORDER BY row LIMIT ?"
    while found := store._rows(sql, (last, _BATCH)):
        last = found[-1][0]
        yield [(article_id, site) for _, article_id, site in found]
