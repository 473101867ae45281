"""Editors' decisions as rows and as a table, with where they contradict one another."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from datetime import timezone, tzinfo
from typing import Any

from rich.text import Text

from recommender.decisions import Decision, DecisionConflict
from recommender.reports.tables import _day, _rendered, _table, printable

Row = dict[str, Any]

_STATES = {"active": "green", "stale": "yellow", "missing": "dim"}


def decision_rows(
    decisions: Sequence[Decision],
    conflicts: Sequence[DecisionConflict],
    titles: Mapping[str, str] | None = None,
) -> list[Row]:
    """One row a decision; `conflict` is the chain that contradicts it.

    Parameters
    ----------
    decisions, conflicts : sequences
    titles : mapping of str to str, optional
        By article id.
    """
    known = titles or {}
    chains = {(each.first, each.second): list(each.chain) for each in conflicts}
    return [
        {
            "first": each.first,
            "second": each.second,
            "decision": each.decision,
            "treatment": each.treatment,
            "canonical": each.canonical,
            "state": each.state,
            "note": each.note,
            "by": each.decided_by,
            "at": each.decided_at.isoformat() if each.decided_at else None,
            "first_title": known.get(each.first, ""),
            "second_title": known.get(each.second, ""),
            "edited": _edited(each),
            "missing": list(each.missing),
            "first_hash": each.first_hash,
            "second_hash": each.second_hash,
            "conflict": chains.get(each.pair, []),
        }
        for each in decisions
    ]


def _edited(decision: Decision) -> list[str]:
    sides = zip(decision.pair, (decision.first_edited, decision.second_edited), strict=True)
    return [article_id for article_id, edited in sides if edited]


def decisions_text(
    decisions: Sequence[Decision],
    conflicts: Sequence[DecisionConflict],
    titles: Mapping[str, str] | None = None,
    *,
    width: int,
    color: bool,
    zone: tzinfo = timezone.utc,
) -> str:
    """Decisions with their state, and the contradictions among them."""
    if not decisions:
        return _rendered(Text("No decisions."), width=width, color=color)
    known = titles or {}
    table = _table("decision", "state", "date", "by", "id", "title")
    for each in decisions:
        for place, article_id in enumerate(each.pair):
            title = Text(printable(known.get(article_id, "")))
            if article_id in _edited(each):
                title.append("  edited since", style="yellow")
            if article_id == each.merged:
                title.append(f"  → {printable(each.canonical)}", style="cyan")
            if article_id in each.missing:
                title.append("not in the index", style="dim")
            if place and each.note:
                title.append(f"  ({printable(each.note)})", style="dim")
            head: tuple[Text | str, ...] = ("", "", "", "")
            if not place:
                head = (
                    each.treatment or each.decision,
                    Text(each.state, style=_STATES[each.state]),
                    _day(each.decided_at, zone),
                    printable(each.decided_by),
                )
            table.add_row(*head, printable(article_id), title)
    lines = [conflict_text(each) for each in conflicts]
    return _rendered(table, *lines, width=width, color=color)


def conflict_text(conflict: DecisionConflict) -> Text:
    """A contradiction in one line."""
    return Text(f"Contradiction: {printable(str(conflict))}", style="bold red")
