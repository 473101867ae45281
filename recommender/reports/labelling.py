"""Pairs to be labelled, and what labels say, as rows for files and as text for a terminal."""

from __future__ import annotations

import json
from collections.abc import Sequence
from dataclasses import asdict
from datetime import timezone, tzinfo
from textwrap import wrap
from typing import Any

from rich.text import Text

from recommender.config import Thresholds
from recommender.curves import KINDS, Curve, Estimate, HistogramBar, Point
from recommender.labels import PairToLabel
from recommender.records import Card
from recommender.reports.tables import (
    _day,
    _rendered,
    _table,
    _title,
    _verdict,
    local,
    printable,
)
from recommender.tuning import Proposal, Tuning

Row = dict[str, Any]

NAMES = {"same_text": "same-text", "same_story": "same-story", "related": "related"}
MEANINGS = {
    "same_text": "grade 4",
    "same_story": "grade 3 or more",
    "related": "grade 2 or more",
}
_SYMBOLS = {**{kind: kind for kind in KINDS}, "yes": "y", "no": "n"}
_WIDEST_BAR = 56
_SHOWN_STEP = 5
_WIDTH = 80
_HEADER = f"{'from':<4} {'pairs':>6}  {'precision':<16}  {'recall':<16}  F1"
_INDENT = 11


def pair_rows(pairs: Sequence[PairToLabel], *, zone: tzinfo = timezone.utc) -> list[Row]:
    """One row a pair; `label` is empty, `pair` names both ids in a form no spreadsheet changes."""
    return [
        {
            "first_id": pair.first.id,
            "second_id": pair.second.id,
            "similarity": pair.similarity,
            "verdict": str(pair.verdict),
            "first_title": printable(pair.first.title),
            "second_title": printable(pair.second.title),
            "first_date": _moment(pair.first, zone),
            "second_date": _moment(pair.second, zone),
            "first_url": printable(pair.first.url),
            "second_url": printable(pair.second.url),
            "first_beginning": printable(pair.first_beginning),
            "second_beginning": printable(pair.second_beginning),
            "shared_facts": [printable(fact) for fact in pair.evidence.shared_facts or ()],
            "differing_facts": [printable(fact) for fact in pair.evidence.differing_facts or ()],
            "weight": pair.weight,
            "pair": json.dumps([pair.first.id, pair.second.id]),
            "label": "",
        }
        for pair in pairs
    ]


def _moment(card: Card, zone: tzinfo) -> str | None:
    return local(card.date, zone).isoformat() if card.date else None


def pairs_text(
    pairs: Sequence[PairToLabel], *, width: int, color: bool, zone: tzinfo = timezone.utc
) -> str:
    """The pairs for a look at them; labels are given in the CSV."""
    if not pairs:
        return _rendered(Text("No pairs."), width=width, color=color)
    table = _table("similarity", "date", "id", "title")
    for pair in pairs:
        for card, head in (
            (pair.first, _verdict(pair.verdict, pair.similarity)),
            (pair.second, Text(f"stands for {pair.weight:,.0f}", style="dim")),
        ):
            table.add_row(head, _day(card.date, zone), printable(card.id), _title(card))
    return _rendered(table, width=width, color=color)


def tuning_row(tuning: Tuning) -> Row:
    """Everything labels say, as plain values."""
    return {
        "goal": tuning.goal,
        "pairs": tuning.pairs,
        "labels": tuning.labels,
        "disagreeing": tuning.disagreeing,
        "unweighted": tuning.unweighted,
        "missing": tuning.missing,
        "changed": tuning.changed,
        "in_force": asdict(tuning.in_force),
        "thresholds": asdict(tuning.thresholds),
        "proposals": [asdict(each) for each in tuning.proposals],
        "curves": [asdict(each) for each in tuning.curves],
        "histogram": [asdict(each) for each in tuning.histogram],
    }


def tuning_text(tuning: Tuning, *, color: bool) -> str:
    """Curves, histogram and proposals in 80 columns."""
    parts: list[object] = [Text(line) for line in _counts(tuning)]
    for curve, proposal in zip(tuning.curves, tuning.proposals, strict=True):
        parts += ["", *_curve(curve, proposal)]
    parts += ["", Text("Labels by similarity", style="bold"), *_bars(tuning.histogram), ""]
    parts += _proposals(tuning)
    return _rendered(*parts, width=_WIDTH, color=color)


def _counts(tuning: Tuning) -> list[str]:
    lines = [f"{_many(tuning.pairs, 'pair')} with {_many(tuning.labels, 'label')}."]
    for count, words in (
        (tuning.missing, "of articles that are not in the index, left out"),
        (tuning.changed, "given for texts that have changed since, left out"),
    ):
        if count:
            lines.append(f"{_many(count, 'label')} {words}.")
    if tuning.disagreeing:
        lines.append(
            f"On {_many(tuning.disagreeing, 'pair')} people disagree; each opinion counts in part."
        )
    if tuning.unweighted == tuning.labels:
        lines.append("Without weights: the shares are those of the labelled pairs.")
    elif tuning.unweighted:
        lines.append(
            f"{_many(tuning.unweighted, 'label')} without a weight count as one pair each."
        )
    if tuning.unweighted < tuning.labels:
        lines.append("Weighted to all candidate pairs of the similarities that were drawn from.")
    lines.append("Recall is within these similarities; pairs below them are not counted.")
    return lines


def _many(count: int, noun: str) -> str:
    return f"{count:,} {noun}" if count == 1 else f"{count:,} {noun}s"


def _curve(curve: Curve, proposal: Proposal) -> list[object]:
    head = Text.assemble(
        (NAMES[curve.cut], "bold"),
        f" ({MEANINGS[curve.cut]}): {curve.positives:,} are, {curve.negatives:,} are not",
    )
    if curve.lowest is None or curve.highest is None:
        return [head]
    marks: dict[float, str] = {proposal.now.threshold: "in force"}
    if proposal.proposed:
        same = proposal.then.threshold in marks
        marks[proposal.then.threshold] = "stays" if same else "proposed"
    lines: list[object] = [head, Text(_HEADER, style="dim")]
    for step, point in enumerate(curve.points):
        regular = step % _SHOWN_STEP == 0 and (
            curve.lowest - 0.05 < point.threshold <= curve.highest
        )
        mark = marks.get(point.threshold)
        if regular or mark:
            lines.append(Text(_line(point, mark or ""), style="bold" if mark else ""))
    return lines


def _line(point: Point, mark: str) -> str:
    shares = "  ".join(map(_share, (point.precision, point.recall, point.f1)))
    return f"{point.threshold:.2f} {point.found:>6,}  {shares}  {mark}".rstrip()


def _share(estimate: Estimate) -> str:
    if estimate.value is None:
        return f"{'—':<16}"
    return f"{estimate.value:.2f} ({estimate.low:.2f}–{estimate.high:.2f})"


def _bars(histogram: Sequence[HistogramBar]) -> list[object]:
    """Each label as the digit of its grade (y, n for yes and no), closest first."""
    most = max((sum(bar.counts.values()) for bar in histogram), default=0)
    each = max(1, -(-most // _WIDEST_BAR))
    lines: list[object] = []
    for bar in histogram:
        marks = "".join(
            _SYMBOLS[kind] * -(-count // each) for kind, count in bar.counts.items() if count
        )
        lines.append(
            Text(f"{bar.low:.2f}–{bar.high:.2f}  {sum(bar.counts.values()):>5,}  {marks}".rstrip())
        )
    if each > 1:
        lines.append(Text(f"one character: up to {each} labels", style="dim"))
    return lines


def _proposals(tuning: Tuning) -> list[object]:
    parts: list[object] = [Text(f"Proposed for {tuning.goal}", style="bold")]
    for each in tuning.proposals:
        parts.append(
            Text.assemble(
                (f"{NAMES[each.cut]:<{_INDENT}}", "bold"), f"{each.in_force:.2f}", _step(each)
            )
        )
        for note in each.notes:
            lines = wrap(note, _WIDTH - _INDENT)
            parts += [Text(" " * _INDENT + line, style="dim") for line in lines]
    return parts


def _step(proposal: Proposal) -> str:
    if proposal.threshold == proposal.in_force:
        return " stays"
    now, then = proposal.now.f1.value, proposal.then.f1.value
    change = f" ({proposal.threshold - proposal.in_force:+.2f})"
    if now is not None and then is not None:
        change += f", F1 {now:.2f} → {then:.2f}"
    return f" → {proposal.threshold:.2f}{change}"


def thresholds_text(thresholds: Thresholds) -> str:
    """The three in one line."""
    return ", ".join(f"{NAMES[cut]} {value:.2f}" for cut, value in asdict(thresholds).items())
