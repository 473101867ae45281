"""Answers → flat rows of plain values, the same for JSON, JSON lines and CSV."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import asdict, replace
from typing import Any

from recommender.explanation import Explanation
from recommender.inspection import ArticleProblem, IndexInfo
from recommender.records import (
    Card,
    Comparison,
    Evidence,
    Filler,
    MatchList,
)

Row = dict[str, Any]

_LOG_ODDS = ("background", "log_odds")


def card_fields(card: Card, prefix: str = "") -> Row:
    """What a row says of an article."""
    return {
        f"{prefix}id": card.id,
        f"{prefix}title": card.title,
        f"{prefix}url": card.url,
        f"{prefix}date": card.date.isoformat() if card.date else None,
        f"{prefix}category": card.category,
        f"{prefix}language": card.language,
        f"{prefix}source": card.source,
    }


def _evidence(evidence: Evidence) -> Row:
    row = asdict(evidence)
    return {name: list(value) if isinstance(value, tuple) else value for name, value in row.items()}


def match_rows(matches: MatchList) -> list[Row]:
    """One row a match, best first; `rank` counts from 1."""
    return [
        {
            "rank": rank,
            **card_fields(match.article),
            "similarity": match.similarity,
            "verdict": str(match.verdict),
            "relation": str(match.relation),
            "decision": match.decision,
            "also_covered": list(match.also_covered),
            "evidence": _evidence(match.evidence),
            "filler": None,
        }
        for rank, match in enumerate(matches, start=1)
    ]


def filler_rows(filler: Sequence[Filler], *, first_rank: int) -> list[Row]:
    """One row an article that only fills the box; it has no similarity."""
    return [
        {
            "rank": rank,
            **card_fields(each.article),
            "similarity": None,
            "verdict": None,
            "relation": None,
            "decision": None,
            "also_covered": [],
            "evidence": None,
            "filler": each.reason,
        }
        for rank, each in enumerate(filler, start=first_rank)
    ]


def comparison_row(comparison: Comparison) -> Row:
    """The comparison of one pair."""
    return {
        **card_fields(comparison.first, "first_"),
        **card_fields(comparison.second, "second_"),
        "similarity": comparison.similarity,
        "verdict": str(comparison.verdict),
        "relation": str(comparison.relation),
        "decision": comparison.decision,
        "evidence": _evidence(comparison.evidence),
    }


def explanation_row(explanation: Explanation, *, texts: bool = False) -> Row:
    """Why a pair is as close as it is; with the two texts that offsets count in, if wanted."""
    row = asdict(replace(explanation, first_text="", second_text=""))
    for name in ("comparison", "first_text", "second_text"):
        del row[name]
    waterfall = row["waterfall"]
    for each in (waterfall, *waterfall["contributions"]):
        each.update({name: round(each[name], 4) for name in _LOG_ODDS if name in each})
    shares = {
        "first_share": round(explanation.first_share, 4),
        "second_share": round(explanation.second_share, 4),
    }
    shown = {"first_text": explanation.first_text, "second_text": explanation.second_text}
    return {**shares, **row, **(shown if texts else {})}


def problem_rows(problems: Sequence[ArticleProblem]) -> list[Row]:
    """One row an article with something odd."""
    return [{"problem": each.problem, **card_fields(each.article)} for each in problems]


def info_row(info: IndexInfo) -> Row:
    """What is in an index."""
    return {
        "path": str(info.path),
        "format_version": info.format_version,
        "articles": info.articles,
        "embedded": info.embedded,
        "languages": dict(info.languages),
        "problems": dict(info.problems),
        "embedder": info.embedder.to_dict(),
        "options": info.options.to_dict(),
        "thresholds": asdict(info.thresholds),
        "profile": info.profile,
        "profile_fitted": info.profile_fitted,
        "cosines_matched": info.cosines_matched,
        "boilerplate": [asdict(each) for each in info.boilerplate],
        "generation": info.generation,
        "tail": info.tail,
        "removed": info.removed,
        "drift": info.drift,
        "sizes": dict(info.sizes),
        "decisions": dict(info.decisions),
        "warnings": list(info.warnings),
    }
