"""A duplicate report → text for a terminal, flat rows, and one JSON object.

The fields are documented in docs/duplicates.md; a field is never renamed without a word there.
"""

from __future__ import annotations

import json
from collections.abc import Iterator
from dataclasses import asdict
from datetime import timezone, tzinfo
from typing import Any

from recommender.duplicate_report import DuplicateReport, MaybePair
from recommender.records import Card, DuplicateGroup, Match, Verdict
from recommender.reports.rows import Row, card_fields
from recommender.reports.tables import groups_text

FIELDS: tuple[str, ...] = (
    *("kind", "group", "group_verdict", "weakest", "loose", "settled", "reason", "role"),
    *("id", "title", "url", "date", "category", "language", "source"),
    *("similarity", "verdict", "relation", "decision"),
)
_NOT_MEASURED: Row = {"similarity": None, "verdict": None, "relation": None, "decision": None}
_EVIDENCE = ("resemblance", "containment", "fact_overlap", "title_overlap", "days_apart", "cosine")


def summary_row(report: DuplicateReport) -> Row:
    """The numbers of a report, for a nightly job."""
    policy = report.policy
    return {
        "source": report.source,
        "articles": report.articles,
        "groups": len(report.groups),
        "open_groups": len(report.open_groups),
        "same_text_groups": report.count(Verdict.SAME_TEXT),
        "same_story_groups": report.count(Verdict.SAME_STORY),
        "duplicates": report.duplicates,
        "open_duplicates": report.open_duplicates,
        "maybe": len(report.maybe),
        "templates": len(report.templates),
        "thresholds": asdict(report.thresholds),
        "keep": list(policy.order),
        "lexical": report.lexical,
        "since": report.since or None,
    }


def report_json(report: DuplicateReport) -> str:
    """The whole report as one JSON object, ending in a line break."""
    whole = {
        "summary": summary_row(report),
        "groups": [_group(report, group) for group in report.groups],
        "maybe": [_maybe(report, each) for each in report.maybe],
        "templates": [
            {"articles": [card_fields(group.canonical), *_cards(group)]}
            for group in report.templates
        ],
    }
    return json.dumps(whole, ensure_ascii=False, indent=2) + "\n"


def _cards(group: DuplicateGroup) -> list[Row]:
    return [card_fields(match.article) for match in group.members]


def _group(report: DuplicateReport, group: DuplicateGroup) -> Row:
    return {
        "verdict": str(group.verdict),
        "weakest": group.weakest,
        "weakest_pair": list(group.weakest_pair),
        "loose": group.loose,
        "settled": report.is_settled(group),
        "canonical": card_fields(group.canonical),
        "members": [{**card_fields(match.article), **_measured(match)} for match in group.members],
    }


def _maybe(report: DuplicateReport, each: MaybePair) -> Row:
    pair = each.pair
    return {
        "reason": each.reason,
        "settled": report.is_pair_settled(pair),
        "first": card_fields(pair.first),
        "second": card_fields(pair.second),
        "similarity": pair.similarity,
        "verdict": str(pair.verdict),
        "relation": str(pair.relation),
        "decision": pair.decision,
        "evidence": _evidence(pair.evidence),
    }


def _measured(match: Match) -> Row:
    return {
        "similarity": match.similarity,
        "verdict": str(match.verdict),
        # How the member stands to the canonical article.
        "relation": str(match.relation.reversed),
        "decision": match.decision,
        "evidence": _evidence(match.evidence),
    }


def _evidence(evidence: Any) -> Row:
    return {name: getattr(evidence, name) for name in _EVIDENCE}


def report_rows(report: DuplicateReport) -> list[Row]:
    """One row an article of a group, of a doubtful pair or of a template family.

    `kind` is "group", "maybe" or "template"; `group` counts within each kind; `role` is
    "canonical" or "member", of a pair "first" or "second", of a template "example" or "member".
    """
    rows: list[Row] = []
    for number, group in enumerate(report.groups, start=1):
        settled = report.is_settled(group)
        rows += _group_rows("group", number, group, settled, ("canonical", "member"))
    for number, each in enumerate(report.maybe, start=1):
        rows += _maybe_rows(number, each, report.is_pair_settled(each.pair))
    for number, group in enumerate(report.templates, start=1):
        rows += _group_rows("template", number, group, False, ("example", "member"))
    return rows


def _group_rows(
    kind: str, number: int, group: DuplicateGroup, settled: bool, roles: tuple[str, str]
) -> Iterator[Row]:
    common = {
        "kind": kind,
        "group": number,
        "group_verdict": str(group.verdict) if kind == "group" else None,
        "weakest": group.weakest,
        "loose": group.loose,
        "settled": settled,
        "reason": None,
    }
    yield {**common, "role": roles[0], **_card(group.canonical), **_NOT_MEASURED}
    for match in group.members:
        measured = _measured(match)
        del measured["evidence"]
        yield {**common, "role": roles[1], **_card(match.article), **measured}


def _maybe_rows(number: int, each: MaybePair, settled: bool) -> Iterator[Row]:
    pair = each.pair
    common = {
        "kind": "maybe",
        "group": number,
        "group_verdict": None,
        "weakest": pair.similarity,
        "loose": 0,
        "settled": settled,
        "reason": each.reason,
    }
    measured = {
        "similarity": pair.similarity,
        "verdict": str(pair.verdict),
        "relation": str(pair.relation.reversed),
        "decision": pair.decision,
    }
    yield {**common, "role": "first", **_card(pair.first), **_NOT_MEASURED}
    yield {**common, "role": "second", **_card(pair.second), **measured}


def _card(card: Card) -> Row:
    return card_fields(card)


def report_text(
    report: DuplicateReport, *, width: int, color: bool, zone: tzinfo = timezone.utc
) -> str:
    """The groups as a table, and in a line what else the report holds."""
    text = groups_text(report.groups, width=width, color=color, zone=zone)
    more = [
        f"{count:,} {what}"
        for count, what in (
            (len(report.groups) - len(report.open_groups), "groups an editor has decided on"),
            (len(report.maybe), "doubtful pairs"),
            (len(report.templates), "families of one template"),
        )
        if count
    ]
    if more:
        text += f"Not in the table: {', '.join(more)}; -f html or json shows them.\n"
    return text
