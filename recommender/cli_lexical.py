"""`duplicates FILE --lexical-only`: the report over a file of articles, without index and model."""

from __future__ import annotations

from collections.abc import Iterable
from pathlib import Path

import click
import numpy as np

from recommender.canonical import CanonicalPolicy
from recommender.cli_input import Input
from recommender.config import Thresholds, zone_of
from recommender.duplicate_report import (
    HISTOGRAM_BINS,
    MAYBE_MARGIN,
    DuplicateReport,
    make_report,
)
from recommender.engine_upkeep import present
from recommender.lexical import find_lexical_pairs, write_pairs
from recommender.progress import Progress
from recommender.records import DuplicatePair, Relation, Verdict
from recommender.similarity import ANCHORS
from recommender.sources.files import STANDARD_INPUT

_WORK_SUFFIX = ".work"


def lexical_report(
    path: str,
    *,
    taken: Input,
    on_duplicate: str,
    thresholds: Thresholds,
    verdict: Verdict,
    policy: CanonicalPolicy,
    pairs_file: Path | None,
    output: Path | None,
    progress: Progress,
) -> DuplicateReport:
    """The report over a file; parts are put by beside the output until it is done.

    Parameters
    ----------
    path : str
        A file, or "-" for standard input.
    taken : Input
        How articles are read.
    pairs_file : Path or None
        Where each pair goes with its exact overlap.
    output : Path or None
        What the work is for.
    """
    target = pairs_file or output
    work = None
    if target is not None and path != STANDARD_INPUT:
        work = target.with_name(target.name + _WORK_SUFFIX)
    found = find_lexical_pairs(
        path,
        now=present(),
        thresholds=thresholds,
        fields=taken.fields,
        zone=taken.zone,
        limits=taken.limits,
        skip_invalid=taken.skip_invalid,
        on_duplicate=on_duplicate,
        on_refused=taken.tell,
        work=work,
        progress=progress,
    )
    for problem in found.problems:
        taken.skip(problem)
    for problem in found.lost_dates:
        taken.lose_date(problem)
    taken.close()
    if pairs_file is not None:
        write_pairs(pairs_file, found.pairs)
    least = thresholds.same_story - MAYBE_MARGIN
    report = DuplicateReport(
        source=Path(path).name if path != STANDARD_INPUT else "standard input",
        articles=found.articles,
        groups=(),
        histogram=_histogram(found.pairs),
        thresholds=thresholds,
        policy=policy,
        lexical=True,
    )
    return make_report(
        (
            pair
            for pair in found.pairs
            if pair.similarity >= least and pair.relation is not Relation.TEMPLATE
        ),
        report,
        verdict=verdict,
        lengths=found.lengths,
        templates=(pair for pair in found.pairs if pair.relation is Relation.TEMPLATE),
    )


def _histogram(pairs: Iterable[DuplicatePair]) -> tuple[int, ...]:
    found = np.array([each.similarity for each in pairs if each.similarity >= ANCHORS["related"]])
    bins = np.minimum(found * HISTOGRAM_BINS, HISTOGRAM_BINS - 1).astype(np.int64)
    return tuple(np.bincount(bins, minlength=HISTOGRAM_BINS).tolist())


def reading(
    field_pairs: tuple[str, ...], timezone: str | None, skip_invalid: bool, on_duplicate: str
) -> Input:
    """How the articles of the file are read."""
    zone = zone_of(timezone or "UTC")
    return Input(field_pairs, zone, skip_invalid=skip_invalid, on_duplicate=on_duplicate)


def check_way(file: str | None, lexical_only: bool, only_index: dict[str, bool]) -> None:
    """Refuse options that do not go with the way that was chosen.

    Raises
    ------
    click.UsageError
        If a file is named without --lexical-only or the other way round, or an option needs
        what the way does not have.
    """
    if lexical_only and file is None:
        raise click.UsageError("--lexical-only compares the articles of a FILE: name one")
    if file is not None and not lexical_only:
        raise click.UsageError(
            "a FILE is compared with --lexical-only; build an index of it to compare the meaning"
        )
    for name, given in only_index.items():
        if lexical_only and given:
            raise click.UsageError(f"{name} asks for an index, which --lexical-only does without")
