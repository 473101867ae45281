"""A duplicate report as one HTML page that an editor works in.

The page needs nothing but itself and a browser: its style sheet and its script are allowed by
their hashes and nothing else is, its data is compressed and not run. What editors mark in it
leaves as a file of decisions.
"""

from __future__ import annotations

from collections.abc import Mapping
from datetime import timezone, tzinfo
from functools import cache
from importlib import resources
from typing import Any

from recommender.duplicate_report import DuplicateReport, Pair
from recommender.reports.duplicate_data import lengths_of, packed, page_data
from recommender.reports.duplicate_wording import duplicate_wording
from recommender.reports.pages import render_page
from recommender.reports.tables import printable
from recommender.reports.wording import LANGUAGES, Language

# Later ones use what earlier ones define.
SCRIPTS = (
    *("data", "marks", "exchange", "parts", "filters"),
    *("pictures", "groups", "pairs", "compare", "main"),
)


def duplicates_page(
    report: DuplicateReport,
    comparisons: Mapping[Pair, dict[str, Any]],
    *,
    texts: Mapping[str, str] | None,
    language: Language = "en",
    zone: tzinfo = timezone.utc,
    lengths: Mapping[str, int] | None = None,
    treatments: Mapping[Pair, str] | None = None,
) -> str:
    """A duplicate report as one self-contained HTML page.

    Parameters
    ----------
    report : DuplicateReport
    comparisons : mapping of (str, str) to dict
        What `comparison_payload` gave, by the ids of the article to keep and the other one, or of
        the first and second of a doubtful pair. Pairs may lack: the page says so.
    texts : mapping of str to str, or None
        Texts by id, as they were compared. `None` leaves all out that was read in a body, facts
        as well.
    language : {"en", "zh"}
        In which the page opens; it can be switched.
    zone : tzinfo
        Of the dates, and named beside them.
    lengths : mapping of str to int, optional
        Characters of the texts, with which the report was made; by default those of the report.
    treatments : mapping of (str, str) to str, optional
        How settled pairs are treated ("merge", "keep"), the smaller id first.
    """
    data = page_data(
        report,
        comparisons,
        texts=texts,
        zone=zone,
        lengths=lengths_of(report, texts) if lengths is None else lengths,
        treatments=treatments or {},
    )
    words = {each: dict(duplicate_wording(each)) for each in LANGUAGES}
    return render_page(
        "duplicates.html",
        language=language,
        texts=words[language],
        source=printable(report.source),
        script=script(),
        core=packed({**data.core, "words": words}),
        chunks=[packed(each) for each in data.chunks],
    )


@cache
def script() -> str:
    """The script of the page."""
    folder = resources.files("recommender.reports") / "templates" / "duplicates"
    return "\n".join((folder / f"{name}.js").read_text("utf-8") for name in SCRIPTS)
