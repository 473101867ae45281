"""Bringing what was published, changed or taken back to the index, once it is committed.

What happened is only a reason to look: the objects are read again after the commit, and what the
database holds then is put into the index or taken out of it. A failure is logged and never
reaches who published; `manage.py recommender_sync` mends what was missed.
"""

from __future__ import annotations

import logging
from collections.abc import Callable, Iterable, Sequence
from functools import partial
from itertools import islice
from typing import Any

from django.db import transaction

from recommender.contrib.django import backends
from recommender.contrib.django.options import options
from recommender.contrib.django.rules import Rule, rule_for
from recommender.errors import ArticleError, IndexMissing, RecommenderError
from recommender.records import Article

logger = logging.getLogger("recommender.django")

# So many are read, and given to the index, at a time.
_BATCH = 50


def follow(subjects: Callable[[], Iterable[tuple[Any, Any]]], *, using: str) -> None:
    """After the commit, bring objects to the index as they are then.

    Parameters
    ----------
    subjects : callable
        Gives models and primary keys; called after the commit.
    using : str
        The database in which they were changed.
    """
    transaction.on_commit(partial(_bring, subjects, using), using=using, robust=True)


def _bring(subjects: Callable[[], Iterable[tuple[Any, Any]]], using: str) -> None:
    try:
        keys: dict[str, list[Any]] = {}
        rules: dict[str, Rule] = {}
        for model, key in subjects():
            rule = rule_for(model)
            if rule is not None:
                rules[rule.label] = rule
                keys.setdefault(rule.label, []).append(key)
        for label, found in keys.items():
            for batch in _batches(found):
                _bring_batch(rules[label], batch, using)
    except IndexMissing:
        logger.warning('there is no index yet; "manage.py recommender_sync" makes it')
    except RecommenderError as error:
        _tell(error)
    except Exception as error:
        _tell(error, trace=True)


def _bring_batch(rule: Rule, keys: Sequence[Any], using: str) -> None:
    live = rule.objects(keys, using)
    articles: list[Article] = []
    unreadable = set()
    for article_id, each in zip(live, rule.articles(live.values()), strict=True):
        if isinstance(each, ArticleError):
            logger.error("%s; it stays in the index as it was", each)
            unreadable.add(article_id)
        else:
            articles.append(each)
    gone = [article_id for key in keys if (article_id := rule.article_id(key)) not in live]
    backend = backends.changing()
    # What readers may not see any more goes first: it needs no model, and must not wait for one.
    if gone:
        backend.remove(gone)
    hidden = [each for each in articles if each.access != "public"]
    shown = [each for each in articles if each.access == "public"]
    for part in (hidden, shown):
        if part:
            backend.put(part)


def _batches(keys: Iterable[Any]) -> Iterable[list[Any]]:
    left = iter(dict.fromkeys(keys))
    while batch := list(islice(left, _BATCH)):
        yield batch


def _tell(error: Exception, *, trace: bool = False) -> None:
    logger.error(
        'the index does not know of the last change (%s); "manage.py recommender_sync" mends that',
        error,
        exc_info=error if trace else None,
    )


def follows(model: Any) -> Rule | None:
    """The rule of a model whose changes are followed at once; `None` where they are not.

    A setting that is wrong must not stop anybody from saving: system checks tell of it.
    """
    try:
        return rule_for(model) if options().signals else None
    except RecommenderError as error:
        _tell(error)
        return None
