"""Evidence → one calibrated similarity, a relation, and through thresholds a verdict.

The profile (weights fitted by `benchmarks/fit_profile.py`) comes in as data. The model is a
partial proportional odds one (Peterson and Harrell 1990): for each of the three cuts of the
grades (related, same story, same text) a logistic function of the same features with weights
of its own, none of which may turn evidence for closeness into evidence against it. The three
log-odds become one number whose fixed points are 0.50, 0.75 and 0.90: there the odds of the
cut are even. Between two points the number moves by the odds of both cuts.

Must not know: files, models, thresholds of a user (they cut the number later).
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

import numpy as np
from numpy.typing import NDArray

from recommender.evidence import COLUMN, EvidenceTable
from recommender.records import Relation

CUTS: tuple[str, ...] = ("related", "same_story", "same_text")
ANCHORS: Mapping[str, float] = {"related": 0.50, "same_story": 0.75, "same_text": 0.90}

FEATURES: tuple[str, ...] = (
    "intercept",
    "cosine",
    "cosine_missing",
    "resemblance",
    "containment",
    "text_missing",
    "title_missing",
    "fact_overlap",
    "facts_shared",
    "facts_against",
    "facts_missing",
    "title_told_low",
    "title_told_high",
    "lead_told_low",
    "lead_told_high",
    "told_missing",
    "title_untold",
    "title_swap",
    "title_conflict",
    "days_near",
    "days_far",
    "days_missing",
    "translated",
)

# Below the first point and above the last one the odds are flattened: what is a little related
# and what is not at all stay apart, as people's grades do (SemEval-2022 task 8).
SOFTNESS = 1.5

_BELOW_SAME_TEXT = 0.89
_BELOW_SAME_STORY = 0.74
_COPY_LENGTH_RATIO = 0.8
_CONTAINED_LENGTH_RATIO = 0.5
_BRIEF_LENGTH_RATIO = 0.25
_TELLS_TITLE = 0.6


@dataclass(frozen=True, slots=True, kw_only=True)
class Profile:
    """Fitted weights of the similarity.

    Attributes
    ----------
    name : str
    fitted_on : str
        The data and the embedder the weights were fitted on.
    weights : ndarray of float64, shape (3, len(FEATURES))
        One row for each of `CUTS`.
    cosines : tuple of two tuples of float
        Where the weights were fitted for another model: cosines of this one, rising, and what
        each is with the other (`calibration`); empty when cosines are taken as they are.
    """

    name: str
    fitted_on: str
    weights: NDArray[np.float64]
    cosines: tuple[tuple[float, ...], tuple[float, ...]] = ((), ())

    @classmethod
    def from_dict(cls, data: Mapping[str, Any]) -> Profile:
        """Read a profile from the plain values of its JSON file; absent weights are 0."""
        weights = np.zeros((len(CUTS), len(FEATURES)))
        for cut, named in data["weights"].items():
            for feature, weight in named.items():
                weights[CUTS.index(cut), FEATURES.index(feature)] = weight
        own, theirs = data.get("cosines", ((), ()))
        return cls(
            name=data["name"],
            fitted_on=data["fitted_on"],
            weights=weights,
            cosines=(tuple(own), tuple(theirs)),
        )


def features(table: EvidenceTable, profile: Profile | None = None) -> NDArray[np.float64]:
    """Turn evidence into the features of the model.

    The profile is asked only for what becomes of the cosines of a model it was not fitted for.

    A missing value makes its feature 0 and its "missing" feature 1, so that a fitted weight,
    not an accident, says what absence means.

    Returns
    -------
    ndarray of float64, shape (n, len(FEATURES))
    """
    values = table.astype(np.float64)
    absent = np.isnan(values)
    values[absent] = 0.0
    gaps = absent.astype(np.float64)

    def column(name: str) -> tuple[NDArray[np.float64], NDArray[np.float64]]:
        place = COLUMN[name]
        return values[:, place], gaps[:, place]

    cosine, cosine_missing = column("cosine")
    if profile is not None and profile.cosines[0]:
        cosine = np.where(cosine_missing > 0, 0.0, np.interp(cosine, *profile.cosines))
    resemblance, text_missing = column("resemblance")
    containment, _ = column("containment")
    title, title_missing = column("title_overlap")
    facts, facts_missing = column("fact_overlap")
    days, days_missing = column("days_apart")
    untold, _ = column("title_untold")
    lead_told, told_missing = column("lead_told_high")
    present = 1.0 - days_missing
    same_language = values[:, COLUMN["same_language"]] > 0
    built = {
        "intercept": np.ones(len(values)),
        "cosine": cosine,
        "cosine_missing": cosine_missing,
        "resemblance": resemblance,
        "containment": containment,
        "text_missing": text_missing * same_language,
        "title_missing": title_missing * same_language,
        "fact_overlap": facts,
        "facts_shared": np.log1p(column("facts_shared")[0]),
        "facts_against": np.log1p(column("facts_against")[0]),
        "facts_missing": facts_missing,
        "title_told_low": column("title_told_low")[0],
        "title_told_high": column("title_told_high")[0],
        "lead_told_low": column("lead_told_low")[0],
        "lead_told_high": lead_told,
        "told_missing": told_missing * same_language,
        "title_untold": untold,
        # Titles of one form, each with a piece of its own: an official, a river, a round.
        "title_swap": untold * title,
        "title_conflict": column("title_conflict")[0],
        "days_near": present * np.exp(-days / 2.0),
        "days_far": present * np.minimum(np.log1p(days), np.log1p(60.0)),
        "days_missing": days_missing,
        "translated": (~same_language).astype(np.float64),
    }
    return np.column_stack([built[name] for name in FEATURES])


def log_odds(table: EvidenceTable, profile: Profile) -> NDArray[np.float64]:
    """Log-odds of each cut, never rising from "related" to "same text"; shape (n, 3)."""
    # einsum, not BLAS: the last bit must not depend on threads or on how many pairs come along.
    raw = np.einsum("nf,cf->nc", features(table, profile), profile.weights)
    return np.asarray(np.minimum.accumulate(raw, axis=1))


def similarities(table: EvidenceTable, profile: Profile) -> NDArray[np.float64]:
    """Calibrated similarity of each pair.

    Parameters
    ----------
    table : ndarray of float16, shape (n, len(COLUMNS))
    profile : Profile

    Returns
    -------
    ndarray of float64, shape (n,)
        From 0 to 1, rounded to four decimals; 0.50, 0.75 and 0.90 are even odds of "related",
        "same story" and "same text".
    """
    return np.asarray(np.round(_apply_rules(table, by_evidence(table, profile)), 4))


def by_evidence(table: EvidenceTable, profile: Profile) -> NDArray[np.float64]:
    """What the model alone says, before the rules that stand above it; shape (n,)."""
    if not len(table):
        return np.zeros(0)
    related, story, text = log_odds(table, profile).T
    scale = np.where(related < 0, ANCHORS["related"] * 2 * _logistic(related / SOFTNESS), 0.0)
    scale = np.where(
        (related >= 0) & (story < 0), _between(related, story, "related", "same_story"), scale
    )
    scale = np.where(
        (story >= 0) & (text < 0), _between(story, text, "same_story", "same_text"), scale
    )
    top = ANCHORS["same_text"]
    scale = np.where(text >= 0, top + (1 - top) * (2 * _logistic(text / SOFTNESS) - 1), scale)
    return np.asarray(scale)


def _between(
    passed: NDArray[np.float64], ahead: NDArray[np.float64], lower: str, upper: str
) -> NDArray[np.float64]:
    """From the lower anchor (odds of the passed cut even) to the upper (of the one ahead)."""
    distance = np.maximum(passed, 0.0) + np.maximum(-ahead, 0.0)
    share = np.divide(
        np.maximum(passed, 0.0), distance, out=np.zeros_like(passed), where=distance > 0
    )
    return np.asarray(ANCHORS[lower] + (ANCHORS[upper] - ANCHORS[lower]) * share)


def _logistic(value: NDArray[np.float64]) -> NDArray[np.float64]:
    return np.asarray(1.0 / (1.0 + np.exp(-np.clip(value, -60, 60))))


def _apply_rules(table: EvidenceTable, scale: NDArray[np.float64]) -> NDArray[np.float64]:
    """What no weight may overrule: equal texts, and texts too short or too uneven to be equal."""
    flag = {
        name: table[:, COLUMN[name]] > 0
        for name in ("same_text", "same_title", "same_language", "short", "near_empty")
    }
    no_title = np.isnan(table[:, COLUMN["title_overlap"]])
    equal = flag["same_text"] & (~flag["short"] | flag["same_title"]) & ~flag["near_empty"]
    capped = np.where(
        (flag["short"] | ~flag["same_language"] | is_part(table)) & ~equal,
        np.minimum(scale, _BELOW_SAME_TEXT),
        scale,
    )
    capped = np.where(flag["near_empty"], np.minimum(capped, _BELOW_SAME_STORY), capped)
    no_evidence = np.isnan(table[:, COLUMN["cosine"]]) & ~(table[:, COLUMN["containment"]] > 0)
    capped = np.where(no_evidence & ~equal, 0.0, capped)
    capped = np.where(equal, np.maximum(capped, 0.97), capped)
    return np.asarray(np.where(equal & (flag["same_title"] | no_title), 1.0, capped))


def _length_ratio(table: EvidenceTable) -> NDArray[np.float64]:
    return np.asarray(2.0 ** -np.abs(table[:, COLUMN["length_log"]].astype(np.float64)))


def is_part(table: EvidenceTable) -> NDArray[np.bool_]:
    """Whether one text is far shorter, and the longer one may tell other stories too.

    Containment alone never makes a part the same text. Where each article tells the other's
    title, the longer one is a longer version, not a round-up, unless it is many times as long.
    """
    ratio = _length_ratio(table)
    of_one_story = table[:, COLUMN["title_told_low"]] >= _TELLS_TITLE
    longer_version = of_one_story & (ratio > _BRIEF_LENGTH_RATIO)
    return np.asarray((ratio < _CONTAINED_LENGTH_RATIO) & ~longer_version)


def relations(table: EvidenceTable, scale: NDArray[np.float64]) -> list[Relation]:
    """How the article stands to each of the others.

    Parameters
    ----------
    table : ndarray of float16, shape (n, len(COLUMNS))
    scale : ndarray of float64, shape (n,)
        The similarities of the same pairs.
    """
    ratios = _length_ratio(table)
    return [
        _relation(row, float(value), float(ratio))
        for row, value, ratio in zip(table, scale, ratios, strict=True)
    ]


def _relation(row: NDArray[np.float16], similarity: float, ratio: float) -> Relation:
    if row[COLUMN["same_text"]]:
        return Relation.COPY
    if not row[COLUMN["same_language"]]:
        return Relation.TRANSLATION if similarity >= ANCHORS["same_story"] else Relation.OTHER
    containment = row[COLUMN["containment"]]
    overlaps = row[COLUMN["resemblance"]] >= 0.2 or containment >= 0.3
    if overlaps and similarity < ANCHORS["same_story"] and not containment >= 0.8:
        facts, days = row[COLUMN["fact_overlap"]], row[COLUMN["days_apart"]]
        return Relation.TEMPLATE if facts < 0.5 or days > 5 else Relation.OTHER
    if containment >= 0.6:
        if ratio >= _COPY_LENGTH_RATIO:
            return Relation.COPY
        longer = row[COLUMN["length_log"]] > 0
        return Relation.CONTAINED_IN if longer else Relation.CONTAINS
    return Relation.OTHER
