"""A first look at any source: the first articles, and how many there are, without a long wait."""

from __future__ import annotations

import time
from typing import Protocol, runtime_checkable

from recommender.records import Article
from recommender.sources.fields import Problem
from recommender.sources.source import Glance, Glancing, Source

# Longer than this nobody is kept waiting for a number.
_PATIENCE = 3.0


@runtime_checkable
class Placed(Protocol):
    """A source that can say where it is read from."""

    @property
    def place(self) -> str:
        """In words, without secrets."""


def glance_at(source: Source, count: int) -> Glance:
    """Look at a source.

    Parameters
    ----------
    source : Source
    count : int
        How many articles are wanted, at least 1.

    Raises
    ------
    SourceError, ConfigError, ArticleError
        As when reading it all.
    """
    if isinstance(source, Glancing):
        return source.glance(count)
    ends = time.monotonic() + _PATIENCE
    problems: list[Problem] = []
    first: list[Article] = []
    total, whole = 0, True
    for article in source.articles(on_problem=problems.append):
        total += 1
        if len(first) < count:
            first.append(article)
        elif time.monotonic() > ends:
            whole = False
            break
    telling = sorted(problems, key=lambda each: not each.is_article)
    return Glance(
        source.place if isinstance(source, Placed) else source.name,
        tuple(first),
        total=total,
        whole=whole,
        problem=str(telling[0]) if telling else "",
    )
