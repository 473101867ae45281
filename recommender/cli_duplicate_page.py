"""The page of the duplicate report: which pairs are compared, and what is kept of the work."""

from __future__ import annotations

import json
from collections import Counter
from collections.abc import Iterator
from dataclasses import asdict
from itertools import islice
from pathlib import Path
from typing import cast

from recommender import __version__, reports
from recommender.console import say
from recommender.duplicate_report import DuplicateReport, Pair
from recommender.engine import Recommender
from recommender.partial import KeptPieces
from recommender.progress import Progress
from recommender.reports.wording import Language

# Every comparison costs some hundredths of a second, and a kilobyte of the page.
_MOST_COMPARED = 20_000
_BATCH = 500


def duplicate_page(
    opened: Recommender,
    report: DuplicateReport,
    output: Path | None,
    *,
    bodies: bool,
    language: str,
    progress: Progress,
) -> str:
    """The report as one HTML page; comparisons that were finished before an interrupt are kept.

    Parameters
    ----------
    opened : Recommender
    report : DuplicateReport
    output : Path or None
        Beside which finished comparisons are kept; `None` keeps none.
    bodies : bool
        Whether the page holds the texts of the articles.
    language : str
        Of the interface; "auto" takes that of most articles in the report.
    progress : callable
    """
    pairs = list(islice(_pairs(report), _MOST_COMPARED))
    about = {
        "version": __version__,
        "index": report.source,
        "change": report.change,
        "thresholds": asdict(report.thresholds),
    }
    with KeptPieces(output, about) as kept:
        if len(kept):
            say(f"{len(kept):,} comparisons are there from a run that was interrupted.")
        missing = [pair for pair in pairs if kept.get(_key(pair)) is None]
        done = len(pairs) - len(missing)
        try:
            for pair, explanation in opened.explain_pairs(missing, thresholds=report.thresholds):
                kept.put(_key(pair), reports.comparison_payload(explanation))
                done += 1
                progress("comparisons", done, len(pairs))
        except KeyboardInterrupt:
            if kept.path is not None:
                say(f"\n{done:,} comparisons are kept in {kept.path}: the same command goes on.")
            raise
        found = {pair: kept.get(_key(pair)) for pair in pairs}
        texts = _texts(opened, pairs)
        return reports.duplicates_page(
            report,
            {pair: payload for pair, payload in found.items() if payload is not None},
            texts=texts if bodies else None,
            lengths=report.lengths,
            language=_language(report, language),
            zone=opened.options.zone,
            treatments={pair: each.treatment for pair, each in opened.treatments().items()},
        )


def plain_page(report: DuplicateReport, language: str) -> str:
    """The report as a page without comparisons: cards and evidence only."""
    return reports.duplicates_page(report, {}, texts=None, language=_language(report, language))


def _pairs(report: DuplicateReport) -> Iterator[Pair]:
    for group in report.groups:
        for match in group.members:
            yield group.canonical.id, match.article.id
    for each in report.maybe:
        yield each.pair.first.id, each.pair.second.id


def _key(pair: Pair) -> str:
    return json.dumps(pair)


def _texts(opened: Recommender, pairs: list[Pair]) -> dict[str, str]:
    ids = sorted({each for pair in pairs for each in pair})
    texts: dict[str, str] = {}
    for start in range(0, len(ids), _BATCH):
        texts.update(opened.compared_texts(ids[start : start + _BATCH]))
    return texts


def _language(report: DuplicateReport, wanted: str) -> Language:
    if wanted != "auto":
        return cast(Language, wanted)
    spoken = Counter(group.canonical.language for group in report.groups)
    most = max(sorted(spoken), key=spoken.__getitem__, default="en")
    return "zh" if most == "zh" else "en"
