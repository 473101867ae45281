"""What the app asks of an index, wherever that is: a protocol and the values it answers with.

Two parts keep it: the library in this process, and the HTTP service. Neither knows Django's models.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Protocol

from recommender.records import Article


@dataclass(frozen=True, slots=True, kw_only=True)
class Listed:
    """One article of a related list.

    Attributes
    ----------
    id, title, url : str
    similarity : float
        Calibrated, 0 to 1, higher is closer.
    verdict : str
    """

    id: str
    title: str
    url: str
    similarity: float
    verdict: str


@dataclass(frozen=True, slots=True)
class RelatedList:
    """A related list of articles that are public now.

    Attributes
    ----------
    items : tuple of Listed
        Best first.
    version : str
        Of the index that gave it.
    """

    items: tuple[Listed, ...]
    version: str


@dataclass(frozen=True, slots=True, kw_only=True)
class NearDuplicate:
    """An article that tells what a draft tells.

    Attributes
    ----------
    id, title, url : str
    similarity : float
        Calibrated, 0 to 1, higher is closer.
    verdict : str
        "same-text" or "same-story".
    public : bool
        Whether everybody may read it now.
    shared_wording : float or None
        Share of the shorter text that the longer one has, 0 to 1.
    days_apart : float or None
    differing_facts : tuple of str
        Facts of one that the other contradicts.
    """

    id: str
    title: str
    url: str
    similarity: float
    verdict: str
    public: bool
    shared_wording: float | None = None
    days_apart: float | None = None
    differing_facts: tuple[str, ...] = ()


@dataclass(frozen=True, slots=True)
class Check:
    """What a check of a draft found.

    Attributes
    ----------
    found : tuple of NearDuplicate
        Closest first.
    too_short : bool
        Whether the draft has too little text to be compared.
    """

    found: tuple[NearDuplicate, ...]
    too_short: bool = False


class Backend(Protocol):
    """An index as the app uses it."""

    def version(self) -> str | None:
        """A name of what the index holds now; `None` where asking costs as much as a list."""

    def related(self, article_id: str, *, limit: int, known: RelatedList | None) -> RelatedList:
        """The related list of an article, of public articles only.

        Parameters
        ----------
        article_id : str
        limit : int
            Most articles.
        known : RelatedList or None
            One that was given before; it may come back if it is still right.

        Raises
        ------
        ArticleNotFound
            If the index has no such article.
        RecommenderError
            If the index cannot be asked.
        """

    def near_duplicates(self, draft: Article, *, limit: int) -> Check:
        """Articles with the text or the story of a draft; nothing is stored.

        Articles that are not public are among them. The stored article of the draft's own id is
        not.

        Raises
        ------
        RecommenderError
            If the index cannot be asked.
        """

    def put(self, articles: Sequence[Article]) -> None:
        """Add articles, or replace those of the same ids; durable on return.

        Raises
        ------
        RecommenderError
            If one cannot be stored.
        """

    def remove(self, article_ids: Sequence[str]) -> None:
        """Take articles out; ids that are not in the index are passed over.

        Raises
        ------
        RecommenderError
            If they cannot be taken out.
        """

    def close(self) -> None:
        """Close what is open."""
