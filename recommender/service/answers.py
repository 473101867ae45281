"""Questions of token holders, put to the engine in a thread, and its answers as plain values."""

from __future__ import annotations

from collections.abc import Callable
from datetime import datetime, tzinfo
from typing import Any

from recommender.config import Thresholds
from recommender.engine import Recommender
from recommender.errors import ArticleError, ArticleNotFound
from recommender.explanation import Explanation
from recommender.records import Article, Card
from recommender.service.problems import Problem
from recommender.service.related import list_document, public_card
from recommender.service.schemas import (
    ArticleGiven,
    CompareAsked,
    NearDuplicatesAsked,
    RelatedAsked,
    ThresholdsGiven,
)
from recommender.sources import parse_date

DRAFT_ID = "(draft)"
_DATES = ("date", "visible_from", "visible_until")
_MOST_PASSAGES = 20
_MOST_FACTS = 50
_LONGEST_PASSAGE = 300
_LONGEST_EXTRA = 100_000
_DEEPEST_EXTRA = 32
_TRIES = 3


def as_article(
    given: ArticleGiven, *, zone: tzinfo, text_length: int, article_id: str | None = None
) -> Article:
    """An article of what was sent.

    Parameters
    ----------
    given : ArticleGiven
    zone : tzinfo
        Of dates without one.
    text_length : int
        Most characters of the body.
    article_id : str, optional
        The one of the address; by default what was sent, else that of a draft.

    Raises
    ------
    ArticleError
        If it cannot be an article.
    Problem
        413 if it is too long.
    """
    if len(given.body) > text_length:
        raise Problem(
            413,
            f"The body has {len(given.body):,} characters, at most {text_length:,} are taken "
            "([serve] text_length).",
        )
    named = None if given.id is None else str(given.id)
    if article_id is not None and named not in (None, article_id):
        raise Problem(422, "The id in the body is another one than the one in the address.")
    values = given.model_dump(exclude={"id"})
    for name in _DATES:
        values[name] = _date(name, values[name], zone)
    _check_extra(values["extra"])
    return Article(id=article_id or named or DRAFT_ID, **values)


def chosen_thresholds(engine: Recommender, given: ThresholdsGiven) -> Thresholds:
    """The thresholds of the index with what a request changes."""
    return engine.thresholds.with_changes(**given.model_dump())


def related(engine: Recommender, asked: RelatedAsked, draft: Article | None, lexical: bool) -> Any:
    """The related list of a draft or an article."""
    thresholds = chosen_thresholds(engine, asked.thresholds)
    version = engine.version()
    matches = engine.related(
        draft or str(asked.id),
        limit=asked.limit,
        min_similarity=asked.min_similarity,
        thresholds=thresholds,
        categories=asked.categories,
        fill=asked.fill,
        public_only=asked.public_only,
        lexical=lexical,
    )
    shown = _shown_id(draft.id if draft is not None else str(asked.id))
    return list_document(shown, version, matches)


def near_duplicates(
    engine: Recommender, asked: NearDuplicatesAsked, draft: Article | None, lexical: bool
) -> Any:
    """The near-duplicates of a draft or an article, with evidence."""
    thresholds = chosen_thresholds(engine, asked.thresholds)
    subject: str | Article = draft or str(asked.id)

    def ask() -> tuple[str, Any, list[Explanation]]:
        version = engine.version()
        found = engine.near_duplicates(
            subject,
            limit=asked.limit,
            min_similarity=asked.min_similarity,
            thresholds=thresholds,
            public_only=asked.public_only,
            lexical=lexical,
        )
        ids = [match.article.id for match in found]
        if not ids:
            return version, found, []
        return (
            version,
            found,
            engine.explain_all(subject, ids, thresholds=thresholds, lexical=lexical),
        )

    version, found, explained = _steadily(ask, own=None if draft is not None else str(asked.id))
    return {
        "index_version": version,
        "lexical": lexical and draft is not None,
        "thresholds": {
            "same_text": thresholds.same_text,
            "same_story": thresholds.same_story,
            "related": thresholds.related,
        },
        "matches": [
            {
                "rank": rank,
                "similarity": round(match.similarity, 4),
                "verdict": match.verdict.value,
                "relation": match.relation.value,
                "decision": match.decision,
                "article": editor_card(match.article),
                "evidence": shown_evidence(explanation),
            }
            for rank, (match, explanation) in enumerate(zip(found, explained, strict=True), start=1)
        ],
        "reason": found.reason,
    }


def compare(
    engine: Recommender,
    asked: CompareAsked,
    first: str | Article,
    second: str | Article,
    lexical: bool,
) -> Any:
    """Everything about one pair."""
    thresholds = chosen_thresholds(engine, asked.thresholds)
    version = engine.version()
    (explanation,) = engine.explain_all(first, [second], thresholds=thresholds, lexical=lexical)
    comparison = explanation.comparison
    return {
        "index_version": version,
        "first": editor_card(comparison.first),
        "second": editor_card(comparison.second),
        "similarity": round(comparison.similarity, 4),
        "verdict": comparison.verdict.value,
        "relation": comparison.relation.value,
        "decision": comparison.decision,
        "evidence": shown_evidence(explanation),
    }


def put(engine: Recommender, articles: list[Article]) -> dict[str, Any]:
    """Add articles or replace those of the same ids; on disk when it returns.

    Raises
    ------
    Problem
        409 if one was erased for good.
    """
    change = engine.update(articles)
    if change.skipped:
        raise Problem(
            409,
            "An article was erased for good and stays out; recommender update --allow-erased "
            "takes it in again.",
        )
    return {
        "index_version": engine.version(),
        "added": change.added,
        "updated": change.updated,
        "unchanged": change.unchanged,
    }


def delete(engine: Recommender, article_id: str) -> None:
    """Take an article out; on disk when it returns.

    Raises
    ------
    ArticleNotFound
        If it is not in the index.
    """
    engine.remove([article_id])


def editor_card(card: Card) -> dict[str, Any]:
    """What an editor sees of an article."""
    return {
        **public_card(card),
        "id": _shown_id(card.id),
        "visible_from": _moment(card.visible_from),
        "visible_until": _moment(card.visible_until),
        "access": card.access,
        "excerpt": card.excerpt,
    }


def shown_evidence(explanation: Explanation) -> dict[str, Any]:
    """Why two articles are as close as they are."""
    evidence = explanation.comparison.evidence
    longest = sorted(explanation.passages, key=lambda each: (-each.length, each.first_start))
    return {
        "cosine": evidence.cosine,
        "resemblance": evidence.resemblance,
        "containment": evidence.containment,
        "title_overlap": evidence.title_overlap,
        "fact_overlap": evidence.fact_overlap,
        "days_apart": evidence.days_apart,
        "length_ratio": evidence.length_ratio,
        "same_text": evidence.same_text,
        "same_title": evidence.same_title,
        "same_language": evidence.same_language,
        "first_share": round(explanation.first_share, 4),
        "second_share": round(explanation.second_share, 4),
        "passages": [
            {
                "first_start": each.first_start,
                "first_end": each.first_end,
                "second_start": each.second_start,
                "second_end": each.second_end,
                "text": each.text[:_LONGEST_PASSAGE],
            }
            for each in longest[:_MOST_PASSAGES]
        ],
        "shared_facts": explanation.shared_facts[:_MOST_FACTS],
        "differing_facts": explanation.contradicting_facts[:_MOST_FACTS],
        "only_first_facts": explanation.only_first_facts[:_MOST_FACTS],
        "only_second_facts": explanation.only_second_facts[:_MOST_FACTS],
    }


def _steadily(
    ask: Callable[[], tuple[str, Any, list[Explanation]]], *, own: str | None
) -> tuple[str, Any, list[Explanation]]:
    """An answer in two steps, again if an article that was found goes in between."""
    for _ in range(_TRIES - 1):
        try:
            return ask()
        except ArticleNotFound as error:
            if own is not None and repr(own) in str(error):
                raise
    return ask()


def _shown_id(article_id: str) -> str:
    return "" if article_id == DRAFT_ID else article_id


def _moment(value: datetime | None) -> str | None:
    return None if value is None else value.isoformat()


def _date(name: str, value: str | None, zone: tzinfo) -> datetime | None:
    if value is None or not value.strip():
        return None
    date = parse_date(value, zone=zone)
    if date is None:
        raise ArticleError(f"{name} is not a date, as 2025-07-17T08:30:00+08:00 is")
    return date


def _check_extra(extra: dict[str, Any]) -> None:
    """Refuse further fields that are too deep or too long to be kept."""
    level: list[Any] = [extra]
    length = 0
    for _ in range(_DEEPEST_EXTRA):
        below: list[Any] = []
        for value in level:
            if isinstance(value, dict):
                length += sum(map(len, value))
                below += value.values()
            elif isinstance(value, list):
                below += value
            else:
                length += len(value) if isinstance(value, str) else 8
        if length > _LONGEST_EXTRA:
            raise Problem(413, f"extra holds more than {_LONGEST_EXTRA:,} characters.")
        if not below:
            return
        level = below
    raise Problem(422, f"extra is nested deeper than {_DEEPEST_EXTRA} levels.")
