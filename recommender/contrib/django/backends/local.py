"""The index of this machine through the library, in this process.

Related lists need no model. The first write loads the model of the index, and so does the first
check of a draft unless drafts are compared by wording only.
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from datetime import datetime, timezone
from pathlib import Path
from threading import Lock

from recommender import Recommender
from recommender.contrib.django.backends.base import Check, Listed, NearDuplicate, RelatedList
from recommender.errors import ArticleNotFound, IndexStoreError
from recommender.explanation import Explanation
from recommender.records import Article, Match

# The facts that differ are looked up for so many; of the others the similarity says enough.
_EXPLAINED = 5


class LocalBackend:
    """An index folder of this machine."""

    def __init__(self, index: Path, *, lexical: bool = False) -> None:
        self._index = index
        self._lexical = lexical
        self._lock = Lock()
        self._open: Recommender | None = None

    def version(self) -> str | None:
        """A name of what the index holds now."""
        with self._opened() as index:
            return index.version()

    def related(self, article_id: str, *, limit: int, known: RelatedList | None) -> RelatedList:
        """The related list of an article, of public articles only."""
        with self._opened() as index:
            version = index.version()
            matches = index.related(article_id, limit=limit)
        return RelatedList(tuple(_listed(match) for match in matches), version)

    def near_duplicates(self, draft: Article, *, limit: int) -> Check:
        """Articles with the text or the story of a draft; nothing is stored."""
        with self._opened() as index:
            matches = index.near_duplicates(draft, limit=limit, lexical=self._lexical)
            ids = [match.article.id for match in matches[:_EXPLAINED]]
            explained = index.explain_all(draft, ids, lexical=self._lexical) if ids else []
        facts = {each.comparison.second.id: _differing(each) for each in explained}
        return Check(
            tuple(_near(match, facts.get(match.article.id, ())) for match in matches),
            too_short=not matches and bool(matches.reason),
        )

    def put(self, articles: Sequence[Article]) -> None:
        """Add articles, or replace those of the same ids."""
        if articles:
            with self._opened() as index:
                index.update(articles, on_duplicate="last")

    def remove(self, article_ids: Sequence[str]) -> None:
        """Take articles out; ids that are not in the index are passed over."""
        with self._opened() as index:
            held = [each for each in dict.fromkeys(article_ids) if each in index]
            try:
                if held:
                    index.remove(held)
            except ArticleNotFound:
                # Somebody else was quicker with one of them; the others still must go.
                for each in held:
                    self._remove_one(index, each)

    def close(self) -> None:
        """Close the files."""
        with self._lock:
            if self._open is not None:
                self._open.close()
                self._open = None

    @staticmethod
    def _remove_one(index: Recommender, article_id: str) -> None:
        if article_id in index:
            index.remove([article_id])

    @contextmanager
    def _opened(self) -> Iterator[Recommender]:
        with self._lock:
            if self._open is None:
                self._open = Recommender.open(self._index)
            opened = self._open
        try:
            yield opened
        except IndexStoreError:
            # Another index may come in its place: what is open of this one is of no use then.
            self.close()
            raise


def _listed(match: Match) -> Listed:
    return Listed(
        id=match.article.id,
        title=match.article.title,
        url=match.article.url,
        similarity=match.similarity,
        verdict=str(match.verdict),
    )


def _near(match: Match, facts: tuple[str, ...]) -> NearDuplicate:
    return NearDuplicate(
        id=match.article.id,
        title=match.article.title,
        url=match.article.url,
        similarity=match.similarity,
        verdict=str(match.verdict),
        public=match.article.is_public(datetime.now(timezone.utc)),
        shared_wording=match.evidence.containment,
        days_apart=match.evidence.days_apart,
        differing_facts=facts,
    )


def _differing(explanation: Explanation) -> tuple[str, ...]:
    """What the two say differently, the draft's word first."""
    return tuple(f"{first} ↔ {second}" for first, second in explanation.contradicting_facts)
