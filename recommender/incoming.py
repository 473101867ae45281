"""Articles as they are handed in: each id once, in an order that does not show.

Pure.
"""

from __future__ import annotations

from collections.abc import Container, Iterable, Iterator, Mapping
from typing import Literal

from recommender.errors import ArticleError
from recommender.records import Article

OnDuplicate = Literal["error", "first", "last"]


def unique(articles: Iterable[Article], on_duplicate: OnDuplicate) -> list[Article]:
    """The articles with each id once, by id, so that input order never shows.

    Raises
    ------
    ArticleError
        If an id comes twice and `on_duplicate` is "error", or something is no `Article`.
    """
    found: dict[str, Article] = {}
    for article in wanted(articles, found, on_duplicate):
        found[article.id] = article
    return [found[key] for key in sorted(found)]


def wanted(
    articles: Iterable[Article], known: Container[str], on_duplicate: OnDuplicate
) -> Iterator[Article]:
    """The articles one by one; of an id that is known by then, only what takes its place.

    Raises
    ------
    ArticleError
        As `unique`.
    """
    if isinstance(articles, (str, bytes, Mapping)) or not isinstance(articles, Iterable):
        raise ArticleError(f"a collection of Articles is wanted, not {type(articles).__name__}")
    for article in articles:
        if not isinstance(article, Article):
            raise ArticleError(
                f"an Article is wanted, not {type(article).__name__}; "
                "recommender.Article(id=…, body=…) makes one"
            )
        if article.id in known:
            if on_duplicate == "error":
                raise ArticleError(
                    'the id comes twice; say which one wins (on_duplicate "first" or "last"; on '
                    "the command line --on-duplicate first|last), or mend the input",
                    article_id=article.id,
                )
            if on_duplicate == "first":
                continue
        yield article
