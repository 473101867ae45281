"""The service's page for editors: what was found out → HTML, whole pages and parts of them.

Pure: knows no HTTP, no clock and no index. A part is what the page asks for while it is open;
each stands in the whole page as well, so that everything works without a script. Everything in
an article is other people's text, and the templates escape all of it.
"""

from __future__ import annotations

import hashlib
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from datetime import datetime, timezone, tzinfo
from math import floor
from typing import Any

from recommender.config import Thresholds
from recommender.explanation import Explanation
from recommender.records import Card, Evidence, Match, MatchList
from recommender.reports.pages import render_page, text_columns
from recommender.reports.service_wording import counted, service_wording
from recommender.reports.tables import cut, printable
from recommender.reports.wording import Language

# What is as far apart is nothing to an editor; what is closer stands on the scale.
FLOOR = 0.2
# Lower thresholds make everything a near-duplicate, and the search for the rest goes on for long.
LEAST_CUT = 0.3
SHOWN_NEAR = 10
SHOWN_FACTS = 6
_LONGEST_QUOTE = 90
_CUTS = ("same_text", "same_story", "related")


@dataclass(frozen=True, slots=True, kw_only=True)
class Frame:
    """What stands around the content of every page.

    Attributes
    ----------
    language : {"en", "zh"}
        Of the interface.
    root : str
        What the service's paths begin with, "" or "/path" without a slash at its end.
    assets : mapping of str to str
        Addresses of the static files by name.
    switch : str
        Address of the same page in the other language.
    signed_in : bool
    zone : tzinfo
        Of the dates.
    """

    language: Language
    root: str = ""
    assets: Mapping[str, str] = field(default_factory=dict)
    switch: str = ""
    signed_in: bool = True
    zone: tzinfo = timezone.utc


@dataclass(frozen=True, slots=True, kw_only=True)
class Draft:
    """What an editor typed, as it was typed."""

    title: str = ""
    body: str = ""
    date: str = ""
    id: str = ""

    @property
    def is_blank(self) -> bool:
        """Whether there is nothing to check."""
        return not (self.title.strip() or self.body.strip())


@dataclass(frozen=True, slots=True, kw_only=True)
class Cuts:
    """The thresholds of an answer, and those in force."""

    chosen: Thresholds
    in_force: Thresholds

    @property
    def least(self) -> float:
        """The lowest that a threshold may be moved to."""
        return min(LEAST_CUT, floor(100 * self.in_force.related) / 100)

    def rows(self) -> list[dict[str, str]]:
        """Name, value and value in force, closest first; two decimals, as the page shows them."""
        return [
            {
                "name": name,
                "value": f"{getattr(self.chosen, name):.2f}",
                "in_force": f"{getattr(self.in_force, name):.2f}",
            }
            for name in _CUTS
        ]


@dataclass(frozen=True, slots=True, kw_only=True)
class PairNote:
    """What a list tells of an explanation; thresholds do not change it.

    Attributes
    ----------
    contradicting : tuple of (str, str)
        Facts that differ, here and there; the first few.
    shared : tuple of str
        Facts that agree; the first few.
    more : int
        Further facts that agree.
    quote : str
        The longest passage that both have, cut; empty when there is none.
    mark : str
        Of the text of the first, good for an id of an element.
    """

    contradicting: tuple[tuple[str, str], ...]
    shared: tuple[str, ...]
    more: int
    quote: str
    mark: str


def pair_note(explanation: Explanation) -> PairNote:
    """What a list tells of an explanation."""
    shared, passages = explanation.shared_facts, explanation.passages
    return PairNote(
        contradicting=explanation.contradicting_facts[:SHOWN_FACTS],
        shared=shared[:SHOWN_FACTS],
        more=max(0, len(shared) - SHOWN_FACTS),
        quote=_quote(max(passages, key=lambda each: each.length).text) if passages else "",
        mark=_mark(explanation),
    )


@dataclass(frozen=True, slots=True, kw_only=True)
class Answer:
    """What the engine said of an article or a draft.

    Attributes
    ----------
    subject : Card
    is_draft : bool
    measured : MatchList
        The closest articles down to `FLOOR`, near-duplicates and others, closest first.
    notes : mapping of str to PairNote
        By id, of the near-duplicates that are shown.
    related : MatchList
        The box as readers get it.
    limit : int
        Places of the box.
    thresholds : Thresholds
    by_wording : bool
        Compared without the model, which was not available.
    now : datetime
    """

    subject: Card
    is_draft: bool = False
    measured: MatchList
    notes: Mapping[str, PairNote]
    related: MatchList
    limit: int
    thresholds: Thresholds
    by_wording: bool = False
    now: datetime


def near_ids(measured: Sequence[Match]) -> list[str]:
    """Ids of the near-duplicates that an answer shows, in order."""
    return [each.article.id for each in measured if each.verdict.is_near_duplicate][:SHOWN_NEAR]


def sign_in_page(frame: Frame, *, hours: float, problem: str = "", onward: str = "") -> str:
    """The page that asks for the token.

    Parameters
    ----------
    frame : Frame
    hours : float
        How long a login lasts.
    problem : str
        Name of a text.
    onward : str
        Where to go then.
    """
    texts = service_wording(frame.language)
    hint = texts["token_hint_one" if hours == 1 else "token_hint"].format(hours=f"{hours:.6g}")
    return _render("sign_in", frame, hint=hint, problem=problem, onward=onward)


def again_page(frame: Frame, *, to: str) -> str:
    """A page that asks for the same address once more, now from a page of the service."""
    return _render("again", frame, to=to)


def start_page(frame: Frame, *, articles: int) -> str:
    """The page before anything is asked."""
    held = counted(service_wording(frame.language), "articles_held", articles)
    return _render("start", frame, query="", held=held)


def search_page(frame: Frame, *, query: str, found: Sequence[Card], limit: int) -> str:
    """What a search found, as a whole page."""
    return _render("search", frame, **_found(frame, query, found, limit))


def search_part(frame: Frame, *, query: str, found: Sequence[Card], limit: int) -> str:
    """What a search found, to stand under the field."""
    return _render("parts/found", frame, is_part=True, **_found(frame, query, found, limit))


def article_page(frame: Frame, answer: Answer, cuts: Cuts, *, problem: str = "") -> str:
    """An article with its box, its near-duplicates and the thresholds."""
    return _render(
        "article", frame, query="", cuts=cuts, problem=problem, **_answered(frame, answer)
    )


def draft_page(
    frame: Frame, draft: Draft, cuts: Cuts, *, answer: Answer | None = None, problem: str = ""
) -> str:
    """The form for a draft, with its answer or what is wrong with it."""
    values = _answered(frame, answer) if answer else {"answer": None}
    return _render("draft", frame, draft=draft, cuts=cuts, problem=problem, **values)


def answer_part(frame: Frame, answer: Answer) -> str:
    """The lists of an answer, to take the place of those before."""
    return _render("parts/answer", frame, is_part=True, **_answered(frame, answer))


def pair_page(frame: Frame, explanation: Explanation, *, is_draft: bool = False) -> str:
    """Two articles side by side, as a whole page."""
    return _render("pair", frame, **_pair(frame, explanation, is_draft=is_draft))


def pair_part(frame: Frame, explanation: Explanation, *, is_draft: bool = False) -> str:
    """Two articles side by side, to stand under a near-duplicate."""
    return _render(
        "parts/pair", frame, is_part=True, **_pair(frame, explanation, is_draft=is_draft)
    )


def problem_page(frame: Frame, problem: str, **values: str) -> str:
    """A page that says what is wrong; `problem` names a text, which `values` fill in."""
    return _render("problem", frame, query="", told=_told(frame, problem, values), problem=problem)


def problem_part(frame: Frame, problem: str, **values: str) -> str:
    """The same to stand where an answer would."""
    told = _told(frame, problem, values)
    return _render("parts/problem", frame, is_part=True, told=told, problem=problem)


def _told(frame: Frame, problem: str, values: Mapping[str, str]) -> str:
    texts = service_wording(frame.language)
    return texts[f"problem_{problem}"].format(
        **{name: printable(value)[:80] for name, value in values.items()}
    )


def _render(template: str, frame: Frame, *, is_part: bool = False, **values: Any) -> str:
    return render_page(
        f"service/{template}.html",
        language=frame.language,
        texts=service_wording(frame.language),
        frame=frame,
        zone=frame.zone,
        is_part=is_part,
        **values,
    )


def _found(frame: Frame, query: str, found: Sequence[Card], limit: int) -> dict[str, Any]:
    texts = service_wording(frame.language)
    shown = printable(query.strip())
    if found:
        name = "found_many" if len(found) >= limit else "found"
        told = counted(texts, name, len(found))
    else:
        told = texts["found_none"].format(query=shown[:80]) if shown else ""
    return {"query": shown, "found": found, "told": told}


def _answered(frame: Frame, answer: Answer) -> dict[str, Any]:
    """What the template of an answer needs."""
    texts = service_wording(frame.language)
    near = [each for each in answer.measured if each.verdict.is_near_duplicate]
    shown = near[:SHOWN_NEAR]
    return {
        "answer": answer,
        "subject": answer.subject,
        "thresholds": [
            getattr(answer.thresholds, name) for name in ("related", "same_story", "same_text")
        ],
        "measured_verdicts": {str(each.verdict) for each in answer.measured},
        "scale_label": counted(texts, "scale", len(answer.measured)),
        "near_count": len(near),
        "near": [_near(each, answer, texts) for each in shown],
        "near_cut": texts["near_cut"].format(count=len(shown), left=len(near) - len(shown))
        if len(near) > len(shown)
        else "",
        "near_why": "" if near else _near_why(answer, texts),
        "box": [_boxed(each, texts) for each in answer.related],
        "box_count": texts["box_count"].format(count=len(answer.related), limit=answer.limit),
        "box_why": _box_why(answer, texts),
        "told": texts["told"].format(near=len(near), related=len(answer.related)),
    }


def _named(card: Card, texts: Mapping[str, str]) -> str:
    title = printable(card.title)
    return f"“{title}”" if title else texts["no_title"]


def _near_why(answer: Answer, texts: Mapping[str, str]) -> list[str]:
    """Why there is no near-duplicate."""
    if answer.measured.reason:
        return [texts["near_no_text"]]
    if not answer.measured.matches:
        return [texts["near_none"], texts["near_nothing"].format(floor=f"{FLOOR:.1f}")]
    closest = answer.measured[0]
    if closest.similarity >= answer.thresholds.same_story:
        # An editor ruled that they are not duplicates.
        return [texts["near_none"], texts["decided_distinct"]]
    told = texts["near_closest"].format(
        title=_named(closest.article, texts),
        value=cut(closest.similarity),
        least=f"{answer.thresholds.same_story:.2f}",
    )
    return [texts["near_none"], told]


def _box_why(answer: Answer, texts: Mapping[str, str]) -> list[str]:
    """Why the box is short; nothing when it is full."""
    found = len(answer.related)
    if found >= answer.limit:
        return []
    told = [] if found else [texts["box_none"]]
    if answer.measured.reason:
        return [*told, texts["near_no_text"]]
    least = answer.thresholds.related
    told.append(texts["box_short"].format(least=f"{least:.2f}"))
    left_out = len(answer.related.own_duplicates) + answer.related.also_covered
    if left_out:
        told.append(counted(texts, "box_left_out", left_out))
    below = (
        each
        for each in answer.measured
        if each.similarity < least and each.article.is_public(answer.now)
    )
    if following := next(below, None):
        told.append(
            texts["box_next"].format(
                title=_named(following.article, texts), value=cut(following.similarity)
            )
        )
    return told


def _boxed(match: Match, texts: Mapping[str, str]) -> dict[str, Any]:
    covered = len(match.also_covered)
    return {
        "card": match.article,
        "similarity": match.similarity,
        "covered": counted(texts, "covered", covered) if covered else "",
    }


def _near(match: Match, answer: Answer, texts: Mapping[str, str]) -> dict[str, Any]:
    kind = "draft" if answer.is_draft else "article"
    note = answer.notes[match.article.id]
    return {
        "card": match.article,
        "key": _key(answer.subject, match.article, note.mark),
        "similarity": match.similarity,
        "verdict": match.verdict,
        "relation": texts[f"relation_{match.relation}"],
        "advice": texts[f"{kind}_{match.verdict}"],
        "decision": texts[f"decided_{match.decision}"] if match.decision else "",
        "is_public": match.article.is_public(answer.now),
        "measures": _measures(match.evidence, texts),
        "note": note,
        "more": texts["facts_more"].format(count=note.more) if note.more else "",
    }


def _mark(explanation: Explanation) -> str:
    return hashlib.sha256(explanation.first_text.encode()).hexdigest()[:12]


def _key(subject: Card, other: Card, mark: str) -> str:
    """A name for the pair as it is compared now, good for an id of an element."""
    told = "\0".join((subject.id, subject.title, other.id, mark))
    return hashlib.sha256(told.encode()).hexdigest()[:12]


def _quote(text: str) -> str:
    line = " ".join(printable(text.replace("\n", " ")).split())
    return line if len(line) <= _LONGEST_QUOTE else f"{line[:_LONGEST_QUOTE]}…"


def _measures(evidence: Evidence, texts: Mapping[str, str]) -> list[tuple[str, str]]:
    """What was measured of a pair, by name; what cannot be judged is left out."""
    rows: list[tuple[str, str]] = []
    if evidence.same_text:
        rows.append((texts["measure_wording"], texts["measure_equal"]))
    elif evidence.containment is not None:
        share = texts["measure_wording_value"].format(share=evidence.containment)
        rows.append((texts["measure_wording"], share))
    for name, value in (
        ("measure_title", evidence.title_overlap),
        ("measure_facts", evidence.fact_overlap),
    ):
        if value is not None:
            rows.append((texts[name], f"{value:.0%}"))
    if evidence.cosine is not None:
        rows.append((texts["measure_meaning"], f"{evidence.cosine:.2f}"))
    if evidence.days_apart is not None:
        days = round(evidence.days_apart)
        told = texts["days_one"] if days == 1 else texts["days"].format(days=days)
        rows.append((texts["measure_days"], told if days else texts["days_none"]))
    return rows


def _pair(frame: Frame, explanation: Explanation, *, is_draft: bool) -> dict[str, Any]:
    comparison = explanation.comparison
    contradicted = {fact for pair in explanation.contradicting_facts for fact in pair}
    return {
        "only_facts": [
            [fact for fact in facts if fact not in contradicted]
            for facts in (explanation.only_first_facts, explanation.only_second_facts)
        ],
        "comparison": comparison,
        "explanation": explanation,
        "shared": counted(
            service_wording(frame.language),
            "passages",
            len(explanation.passages),
            first=explanation.first_share,
            second=explanation.second_share,
        ),
        "columns": text_columns(explanation),
        "key": _key(comparison.first, comparison.second, _mark(explanation)),
        "is_draft": is_draft,
        "query": "",
    }
