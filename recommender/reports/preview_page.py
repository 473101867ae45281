"""Today's related boxes beside ours as one HTML page; needs nothing but itself, and no script."""

from __future__ import annotations

from collections.abc import Mapping
from datetime import timezone, tzinfo
from typing import Any

from recommender.previewing import Boxed, Example, Preview
from recommender.reports.pages import render_page
from recommender.reports.preview_wording import preview_wording
from recommender.reports.tables import cut
from recommender.reports.wording import Language

_FAULTS = ("itself", "again", "twice", "unrelated", "short")
_SMALL = 0.005


def preview_page(
    preview: Preview, *, language: Language = "en", zone: tzinfo = timezone.utc
) -> str:
    """Both boxes of the examples, with the numbers of all, as one self-contained HTML page.

    Parameters
    ----------
    preview : Preview
    language : {"en", "zh"}
        Of the interface.
    zone : tzinfo
        Of the dates, and named beside them.
    """
    texts = preview_wording(language)
    limit = preview.limit
    return render_page(
        "preview.html",
        language=language,
        texts=texts,
        preview=preview,
        counts=_counts(preview, texts),
        examples=[_example(each, preview, texts) for each in preview.examples],
        how_today=texts[f"how_{preview.today}"].format(limit=limit),
        how_ours=texts["how_ours"].format(limit=limit),
        reconstructed=texts["reconstructed"].format(
            basis=texts[f"basis_{preview.today}"],
            itself=texts["itself_in" if preview.holds_itself else "itself_out"],
        ),
        judged_by=texts["judged_by"].format(least=f"{preview.related:.2f}"),
        free_places=texts[f"free_places_{preview.fill or 'none'}"],
        zone=zone,
    )


def _counts(preview: Preview, texts: Mapping[str, str]) -> list[dict[str, Any]]:
    theirs, ours = preview.numbers

    def side(count: int) -> dict[str, Any]:
        share = count / preview.judged if preview.judged else 0.0
        return {
            "share": share,
            "words": texts["of_boxes"].format(count=f"{count:,}", share=_percent(share)),
        }

    return [
        {
            "name": texts[f"count_{fault}"],
            "fault": fault,
            "today": side(getattr(theirs, fault)),
            "ours": side(getattr(ours, fault)),
        }
        for fault in _FAULTS
        if fault != "itself" or preview.holds_itself
    ]


def _percent(share: float) -> str:
    """In whole per cents; few are not none."""
    return "<1%" if 0 < share < _SMALL else f"{share:.0%}"


def _example(each: Example, preview: Preview, texts: Mapping[str, str]) -> dict[str, Any]:
    kind = "different" if each.kind == "alike" and not each.overlap else each.kind
    least = f"{preview.least:.2f}"
    short = ""
    if each.is_short:
        name = "short_some" if each.fitting else "short_none"
        short = texts[name].format(count=each.fitting, limit=each.limit, least=least)
    why = "filled" if kind == "short" and each.fitting < len(each.ours) else kind
    return {
        "card": each.card,
        "kind": kind,
        "why": texts[f"kind_{why}"].format(overlap=each.overlap),
        "today": [_item(one, texts) for one in each.today],
        "ours": [_item(one, texts) for one in each.ours],
        "short": short,
    }


def _item(one: Boxed, texts: Mapping[str, str]) -> dict[str, Any]:
    """An article of a box with its marks: what is wrong with it, and how close it is."""
    marks: list[tuple[str, str]] = []
    if one.itself:
        marks.append(("bad", texts["mark_itself"]))
    elif one.tells_the_same:
        marks.append(("bad", texts["mark_again"]))
    if one.twin_of:
        marks.append(("bad", texts["mark_twin"].format(place=one.twin_of)))
    if one.is_unrelated:
        marks.append(("poor", texts["mark_unrelated"]))
    if one.also_covered:
        name = "mark_covered_one" if one.also_covered == 1 else "mark_covered"
        marks.append(("note", texts[name].format(count=one.also_covered)))
    if one.fills:
        marks.append(("fills", texts[f"mark_fills_{one.fills}"]))
    similarity = texts["similarity_of"].format(value=cut(one.similarity))
    return {
        "card": one.card,
        "marks": marks,
        "wrong": any(kind in ("bad", "poor") for kind, _ in marks),
        "similarity": "" if one.itself else similarity,
    }
