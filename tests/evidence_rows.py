"""Made-up articles and rows of evidence that tests of both measuring and scoring use."""

from __future__ import annotations

import hashlib
import math
from collections.abc import Callable
from typing import Any

import numpy as np
from hypothesis import strategies as st

from recommender.evidence import (
    COLUMN,
    COLUMNS,
    Comparable,
    EvidenceTable,
    bigrams,
    gather,
)
from recommender.facts import extract_facts, fact_keys
from recommender.shingles import fingerprint
from recommender.similarity import (
    Profile,
    similarities,
)
from recommender.text import fold

RIVER = (
    "昨夜清河水位超过警戒线，沿岸两个村庄的居民连夜转移到镇上的学校。救援人员用三个小时加固了东侧堤坝，"
    "今晨水位开始回落，学校食堂为村民准备了早饭，镇医院派出医生值守，预计后天可以返回家中。"
)
MUSEUM = (
    "城南博物馆本周推出陶器特展，展出近年出土的彩陶一百二十件。策展人说，这些陶器来自同一处遗址，"
    "纹样以鱼和水波为主，观众可以在二楼工作室里亲手拼合复制的碎片，周末还有面向孩子的讲解活动。"
)

# Steps of one eighth, so that every even odds lies on a value that float16 holds.
STEPS = Profile(
    name="steps",
    fitted_on="by hand",
    weights=Profile.from_dict(
        {
            "name": "",
            "fitted_on": "",
            "weights": {
                "related": {"intercept": -2, "cosine": 8},
                "same_story": {"intercept": -4, "cosine": 8},
                "same_text": {"intercept": -6, "cosine": 8},
            },
        }
    ).weights,
)
FULL = Profile.from_dict(
    {
        "name": "full",
        "fitted_on": "by hand",
        "weights": {
            "related": {
                "intercept": -2.5, "cosine": 6, "cosine_missing": 1.5,
                "title_told_high": 4, "title_missing": 0.3, "fact_overlap": 3, "facts_missing": 0.6,
                "days_far": -0.3, "days_missing": -0.5, "translated": 0.8, "resemblance": 1,
            },
            "same_story": {
                "intercept": -4, "cosine": 3, "cosine_missing": 1.5,
                "containment": 2, "fact_overlap": 2, "days_near": 0.5, "days_far": -1,
                "title_swap": -1, "title_conflict": -2, "translated": 2,
            },
            "same_text": {
                "intercept": -9, "cosine": 3, "resemblance": 3, "containment": 8,
                "title_told_low": 1, "fact_overlap": 3, "facts_shared": 0.2, "days_far": -1,
            },
        },
    }
)  # fmt: skip


def comparable(
    body: str,
    title: str = "",
    *,
    day: float = 20_000.0,
    language: str = "zh",
    excerpt: bool = False,
    load: Callable[[], str] | None = None,
) -> Comparable:
    folded, folded_title = fold(body), fold(title)

    def digest(text: str) -> bytes:
        return hashlib.sha256(text.encode()).digest()[:16] if text else b""

    return Comparable(
        load_text=load or (lambda: body),
        title=title,
        fingerprint=fingerprint(folded),
        title_bigrams=bigrams(folded_title),
        facts=fact_keys(extract_facts(title, body)),
        day=day,
        length=len(folded),
        text_digest=digest(folded),
        title_digest=digest(folded_title),
        language=language,
        excerpt=excerpt,
    )


def row(**values: float) -> EvidenceTable:
    """One pair of long texts in one language; what is not given is missing, flags are off."""
    table = np.full((1, len(COLUMNS)), np.nan, dtype=np.float16)
    flags = {"same_text": 0, "same_title": 0, "same_language": 1, "short": 0, "near_empty": 0}
    for name, value in {"length_log": 0.0, **flags, **values}.items():
        table[0, COLUMN[name]] = value
    return table


def pair(one: Comparable, other: Comparable, cosine: float = math.nan) -> dict[str, float]:
    table = gather(one, [other], np.array([cosine]))
    return {name: float(table[0, place]) for name, place in COLUMN.items()}


def score(table: EvidenceTable, profile: Profile = FULL) -> float:
    return float(similarities(table, profile)[0])


# Whole numbers of 64ths are exact in float16, so that a step up never disappears in rounding.
SHARES = st.integers(0, 64).map(lambda value: value / 64)
OR_MISSING = st.one_of(st.just(math.nan), SHARES)


@st.composite
def rows(draw: st.DrawFn, /, **fixed: Any) -> EvidenceTable:
    short = draw(st.booleans())
    values: dict[str, float] = {
        "cosine": draw(st.one_of(st.just(math.nan), st.integers(-64, 64).map(lambda v: v / 64))),
        "resemblance": draw(OR_MISSING),
        "containment": draw(OR_MISSING),
        "title_overlap": draw(OR_MISSING),
        "title_told_low": draw(OR_MISSING),
        "title_told_high": draw(OR_MISSING),
        "lead_told_high": draw(OR_MISSING),
        "title_untold": draw(OR_MISSING),
        "title_conflict": float(draw(st.booleans())),
        "fact_overlap": draw(OR_MISSING),
        "days_apart": draw(st.one_of(st.just(math.nan), st.integers(0, 2_000).map(float))),
        "length_log": draw(st.one_of(st.just(math.nan), st.integers(-40, 40).map(lambda v: v / 8))),
        "same_text": draw(st.booleans()),
        "same_title": draw(st.booleans()),
        "same_language": draw(st.booleans()),
        "short": short,
        "near_empty": short and draw(st.booleans()),
    }
    return row(**{**values, **fixed})


@st.composite
def comparables(draw: st.DrawFn) -> Comparable:
    pieces = [RIVER[:45], RIVER[45:], MUSEUM[:50], MUSEUM[50:], "短讯。", "7月1日，", "共32人，"]
    return comparable(
        "".join(draw(st.lists(st.sampled_from(pieces), max_size=4))),
        draw(st.sampled_from(["", "清河水位回落", "清河水位超警戒线", "陶器特展", "水"])),
        day=draw(st.one_of(st.just(math.nan), st.integers(19_000, 20_500).map(float))),
        language=draw(st.sampled_from(["zh", "en", ""])),
        excerpt=draw(st.booleans()),
    )
