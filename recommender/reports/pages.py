"""Answers as self-contained HTML pages: the only importer of Jinja2.

A page needs nothing but itself: no script, no font, no image, and a content security policy that
allows its own style sheet and nothing more. Everything in an article is other people's text: the
templates escape all of it, control characters are taken out, and only web addresses are links.
"""

from __future__ import annotations

import base64
import hashlib
from collections.abc import Sequence
from datetime import timezone, tzinfo
from functools import cache
from typing import TYPE_CHECKING, Any

from recommender.config import Thresholds
from recommender.explanation import Explanation
from recommender.records import Card, Evidence
from recommender.reports.marking import SHOWN, Piece, Span, mark, occurrences
from recommender.reports.tables import cut, local, printable, web_address
from recommender.reports.wording import Language, wording

if TYPE_CHECKING:
    from jinja2 import Environment

_SMALL = 0.005


@cache
def _templates() -> Environment:
    # Imported here: no other answer needs it.
    from jinja2 import Environment, PackageLoader, StrictUndefined

    environment = Environment(
        loader=PackageLoader("recommender.reports"),
        autoescape=True,
        undefined=StrictUndefined,
        trim_blocks=True,
        lstrip_blocks=True,
    )
    environment.filters.update(
        printable=printable,
        checksum=_checksum,
        cut=cut,
        link=web_address,
        local=local,
        signed=_signed,
        percent=_percent,
    )
    return environment


def _checksum(style: str) -> str:
    """What the content security policy calls the hash of a style sheet."""
    return base64.b64encode(hashlib.sha256(str(style).encode()).digest()).decode()


def _signed(value: float) -> str:
    return f"{value:+.2f}".replace("-", "−")


def _percent(share: float) -> str:
    """A position in a drawing as wide as the page."""
    return f"{100 * min(max(share, 0.0), 1.0):.2f}%"


def render_page(template: str, *, language: Language, **values: Any) -> str:
    """One page from a template of the package, with the texts of a language."""
    words = wording(language)
    return _templates().get_template(template).render(words=words, language=language, **values)


def language_of(*cards: Card) -> Language:
    """The language of the interface that fits the articles: that of the first."""
    return "zh" if cards and cards[0].language == "zh" else "en"


def explanation_page(
    explanation: Explanation,
    *,
    thresholds: Thresholds,
    language: Language | None = None,
    zone: tzinfo = timezone.utc,
) -> str:
    """An explanation as one self-contained HTML page.

    Parameters
    ----------
    explanation : Explanation
    thresholds : Thresholds
        Marked on the scale of the similarity.
    language : {"en", "zh"}, optional
        Of the interface; by default the one that fits the first article.
    zone : tzinfo
        Of the dates, and named beside them.
    """
    comparison = explanation.comparison
    chosen = language or language_of(comparison.first, comparison.second)
    return render_page(
        "explanation.html",
        language=chosen,
        explanation=explanation,
        comparison=comparison,
        thresholds=(thresholds.related, thresholds.same_story, thresholds.same_text),
        steps=_steps(explanation),
        zero=_Scale(explanation).place(0.0),
        notes=_notes(comparison.evidence, chosen),
        rule=_rule(explanation, chosen),
        columns=text_columns(explanation),
        contradicted=_contradicted(explanation),
        zone=zone,
    )


class _Scale:
    """Places of log-odds on a drawing as wide as 1."""

    def __init__(self, explanation: Explanation) -> None:
        totals = _totals(explanation)
        self._low = min(0.0, *totals)
        self._width = max(0.0, *totals) - self._low or 1.0

    def place(self, log_odds: float) -> float:
        """From 0 to 1."""
        return (log_odds - self._low) / self._width


def _totals(explanation: Explanation) -> list[float]:
    total = explanation.waterfall.background
    totals = [total]
    for each in explanation.waterfall.contributions:
        total += each.log_odds
        totals.append(total)
    return totals


def _steps(explanation: Explanation) -> list[dict[str, Any]]:
    """Bars of the waterfall: name, what it adds, from where to where."""
    scale = _Scale(explanation)
    waterfall = explanation.waterfall
    steps = [("background", 0.0, waterfall.background)]
    for each, total in zip(waterfall.contributions, _totals(explanation), strict=False):
        if abs(each.log_odds) >= _SMALL:
            steps.append((f"part_{each.part}", total, total + each.log_odds))
    steps.append(("together", 0.0, waterfall.log_odds))
    return [
        {
            "name": name,
            "value": end - start,
            "left": scale.place(min(start, end)),
            "width": abs(scale.place(end) - scale.place(start)),
            "is_sum": name in ("background", "together"),
        }
        for name, start, end in steps
    ]


def _notes(evidence: Evidence, language: Language) -> dict[str, str]:
    """What was measured, for the parts where it was."""
    words = wording(language)
    values = {
        name: value
        for name in (
            "cosine",
            "containment",
            "resemblance",
            "title_overlap",
            "fact_overlap",
            "days_apart",
        )
        if (value := getattr(evidence, name)) is not None
    }
    notes = {"background": words["background_note"]}
    for name, text in words.items():
        if name.startswith("note_"):
            try:
                notes["part_" + name.removeprefix("note_")] = text.format(**values)
            except KeyError:
                continue
    return notes


def _rule(explanation: Explanation, language: Language) -> str:
    waterfall = explanation.waterfall
    if not waterfall.rule:
        return ""
    words = wording(language)
    similarity = explanation.comparison.similarity
    way = "rule_raised" if similarity > waterfall.by_evidence else "rule_capped"
    return words[way].format(
        model=cut(waterfall.by_evidence),
        similarity=cut(similarity),
        reason=words[f"rule_{waterfall.rule}"],
    )


def text_columns(explanation: Explanation) -> list[dict[str, Any]]:
    """The two texts, marked."""
    comparison = explanation.comparison
    facts = [list(each) for each in zip(*explanation.contradicting_facts, strict=True)] or [[], []]
    return [
        _column(
            comparison.first,
            explanation.first_text,
            passages=[(each.first_start, each.first_end) for each in explanation.passages],
            edited=[(e.first_start, e.first_end) for s in explanation.edited for e in s.edits],
            only=[(each.start, each.end) for each in explanation.only_first],
            facts=facts[0],
        ),
        _column(
            comparison.second,
            explanation.second_text,
            passages=[(each.second_start, each.second_end) for each in explanation.passages],
            edited=[(e.second_start, e.second_end) for s in explanation.edited for e in s.edits],
            only=[(each.start, each.end) for each in explanation.only_second],
            facts=facts[1],
        ),
    ]


def _column(
    card: Card,
    text: str,
    *,
    passages: Sequence[Span],
    edited: Sequence[Span],
    only: Sequence[Span],
    facts: Sequence[str],
) -> dict[str, Any]:
    shown = text[:SHOWN]
    paragraphs: list[list[Piece]] = mark(
        shown,
        passages=passages,
        edited=edited,
        only=only,
        facts=occurrences(shown, facts),
    )
    return {"card": card, "paragraphs": paragraphs, "left_out": len(text) - len(shown)}


def _contradicted(explanation: Explanation) -> tuple[frozenset[str], frozenset[str]]:
    """Facts of either that are listed as contradicting already."""
    pairs = explanation.contradicting_facts
    return frozenset(ours for ours, _ in pairs), frozenset(theirs for _, theirs in pairs)
