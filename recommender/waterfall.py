"""How the evidence on a pair adds up: what each part of it speaks for or against.

The model of `similarity` is linear in its features, so that every feature's share of the
log-odds can be told apart: its weight times how far the pair lies from a plain background, two
articles of one language that have nothing in common. Features are grouped into the parts a
person understands; what the absence of evidence changes is a part of its own.

Pure: knows no article, only a row of evidence and a profile.
"""

from __future__ import annotations

from collections.abc import Mapping
from types import MappingProxyType
from typing import Literal, cast

import numpy as np
from numpy.typing import NDArray

from recommender.evidence import COLUMN, EvidenceTable
from recommender.explanation import Contribution, Cut, Part, Rule, Waterfall
from recommender.similarity import (
    CUTS,
    FEATURES,
    Profile,
    by_evidence,
    features,
    is_part,
    similarities,
)

# Every feature but the intercept belongs to one part.
PARTS: Mapping[Part, tuple[str, ...]] = MappingProxyType(
    {
        "meaning": ("cosine",),
        "wording": ("resemblance", "containment"),
        "titles": ("title_untold", "title_swap", "title_conflict"),
        "telling": ("title_told_low", "title_told_high", "lead_told_low", "lead_told_high"),
        "facts": ("fact_overlap", "facts_shared", "facts_against"),
        "dates": ("days_near", "days_far"),
        "language": ("translated",),
        "missing": (
            "cosine_missing",
            "text_missing",
            "title_missing",
            "facts_missing",
            "told_missing",
            "days_missing",
        ),
    }
)
INTERCEPT = "intercept"

# The evidence on two articles that have nothing in common; every other column is 0. Random
# pairs of a news site lie about a week apart.
BACKGROUND: Mapping[str, float] = MappingProxyType({"days_apart": 7.0, "same_language": 1.0})


def waterfall(row: NDArray[np.float16], profile: Profile) -> Waterfall:
    """Explain one row of an evidence table.

    Parameters
    ----------
    row : ndarray of float16, shape (len(COLUMNS),)
    profile : Profile

    Returns
    -------
    Waterfall
        For the closest cut that the pair passes, which is its verdict; where it passes none,
        for "related". The cuts are those of the model; a user's thresholds move verdicts, not
        log-odds.
    """
    table = row.reshape(1, -1)
    plain = np.zeros_like(table)
    for name, value in BACKGROUND.items():
        plain[0, COLUMN[name]] = value
    # What is missing is taken from the background first, and what its absence changes counted
    # by itself: no date must not look like a date a week apart.
    filled = np.where(np.isnan(table), plain, table)
    at_plain, at_filled, at_row = (features(each, profile)[0] for each in (plain, filled, table))
    log_odds = np.einsum("cf,f->c", profile.weights, at_row)
    decides = _deciding(np.minimum.accumulate(log_odds))
    weights = profile.weights[decides]
    shares = dict(zip(FEATURES, weights * (at_filled - at_plain), strict=True))
    missing = float(np.sum(weights * (at_row - at_filled)))
    contributions = tuple(
        Contribution(
            part=part,
            log_odds=sum(float(shares[name]) for name in names)
            + (missing if part == "missing" else 0.0),
        )
        for part, names in PARTS.items()
    )
    model = float(by_evidence(table, profile)[0])
    return Waterfall(
        cut=cast(Cut, CUTS[decides]),
        background=float(np.sum(weights * at_plain)),
        contributions=contributions,
        log_odds=float(log_odds[decides]),
        by_evidence=round(model, 4),
        rule=_rule(table, model, float(similarities(table, profile)[0])),
    )


def _deciding(log_odds: NDArray[np.float64]) -> int:
    # They never rise from one cut to the next: a cut is passed when all before it are.
    return max(int(np.count_nonzero(log_odds >= 0)) - 1, 0)


def _rule(table: EvidenceTable, model: float, similarity: float) -> Rule | Literal[""]:
    """Which of the rules of `similarity` has moved the number from what the model says."""
    if abs(similarity - model) < 1e-4:
        return ""
    holds = {name: bool(table[0, place] > 0) for name, place in COLUMN.items()}
    if similarity > model:
        return "equal" if holds["same_text"] else "other"
    if similarity == 0.0:
        return "no_evidence"
    conditions: tuple[tuple[Rule, bool], ...] = (
        ("near_empty", holds["near_empty"]),
        ("short", holds["short"]),
        ("language", not holds["same_language"]),
        ("part", bool(is_part(table)[0])),
    )
    return next((rule for rule, applies in conditions if applies), "other")
