"""Evidence of a pair, and the similarity made of it: measures, symmetry, monotony and rules."""

from __future__ import annotations

import hashlib
import math
from collections.abc import Callable
from typing import Any

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from recommender.config import Thresholds
from recommender.evidence import (
    COLUMN,
    COLUMNS,
    NEAR_EMPTY_LENGTH,
    SHORT_LENGTH,
    Comparable,
    EvidenceTable,
    bigrams,
    gather,
    reverse,
    to_evidence,
)
from recommender.facts import compare_facts, extract_facts, fact_keys
from recommender.records import Relation, Verdict
from recommender.shingles import fingerprint
from recommender.similarity import (
    CUTS,
    FEATURES,
    Profile,
    features,
    log_odds,
    relations,
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


# Measuring


def test_equal_texts_are_equal_in_everything() -> None:
    found = pair(comparable(RIVER, "水位回落"), comparable(RIVER, "水位回落"), 1.0)
    assert found == {
        "cosine": 1, "resemblance": 1, "containment": 1, "title_overlap": 1,
        "days_apart": 0, "length_log": 0, "same_text": 1, "same_title": 1, "same_language": 1,
        "short": 0, "near_empty": 0, "title_told_low": 1, "title_told_high": 1,
        "lead_told_low": 1, "lead_told_high": 1, "title_untold": 0, "facts_shared": 1,
        "fact_overlap": pytest.approx(1 / 3, abs=0.001),
        "facts_against": 0, "title_conflict": 0,
    }  # fmt: skip


def test_texts_differ_in_nothing_when_only_width_and_script_do() -> None:
    found = pair(
        comparable("颱風過後ＡＢＣ，居民清理街道。"), comparable("台风过后abc 居民清理街道")
    )
    assert found["same_text"] == 1


def test_a_part_is_contained_in_the_longer_text() -> None:
    part, whole = comparable(RIVER), comparable(RIVER + MUSEUM)
    found = pair(part, whole)
    assert found["containment"] == 1
    assert 0.3 < found["resemblance"] < 0.7
    assert found["length_log"] == pytest.approx(math.log2(whole.length / part.length), abs=0.01)
    assert found["same_text"] == 0


def test_other_texts_overlap_in_nothing() -> None:
    found = pair(comparable(RIVER), comparable(MUSEUM))
    assert found["resemblance"] == found["containment"] == 0


def test_what_is_missing_is_nan_and_not_zero() -> None:
    found = pair(comparable(RIVER, day=math.nan), comparable(MUSEUM))
    for name in ("cosine", "title_overlap", "days_apart"):
        assert math.isnan(found[name])
    turned = pair(comparable(MUSEUM), comparable(RIVER, day=math.nan))
    assert math.isnan(turned["days_apart"])


def test_without_facts_on_one_side_fact_overlap_is_missing() -> None:
    assert math.isnan(pair(comparable("水退了，人回来了。"), comparable("共32人"))["fact_overlap"])
    found = pair(comparable("7月1日，共32人"), comparable("共32人，用时15天，7月2日"))
    # One of two, as if there were two more.
    assert found["fact_overlap"] == 0.25
    assert (found["facts_shared"], found["facts_against"]) == (1, 1)


def test_the_share_of_facts_that_is_shown_is_the_plain_one() -> None:
    one, other = comparable("7月1日，共32人，用时15天"), comparable("共32人，用时15天，7月2日")
    table = gather(one, [other], np.array([0.5]))
    assert to_evidence(table[0]).fact_overlap == pytest.approx(2 / 3, abs=0.01)
    assert to_evidence(gather(one, [one], np.array([1.0]))[0]).fact_overlap == 1.0


@given(comparables(), comparables())
def test_facts_that_contradict_are_counted_alike_from_both_sides(
    one: Comparable, other: Comparable
) -> None:
    there, back = pair(one, other), pair(other, one)
    if math.isnan(there["facts_against"]):
        assert math.isnan(back["facts_against"])
    else:
        assert (
            there["facts_against"] == back["facts_against"] <= min(len(one.facts), len(other.facts))
        )


def test_excerpts_and_near_empty_texts_say_nothing_about_length_and_overlap() -> None:
    for one in (comparable(RIVER, excerpt=True), comparable("短讯。"), comparable("")):
        for found in (pair(one, comparable(RIVER)), pair(comparable(RIVER), one)):
            for name in ("resemblance", "containment", "length_log"):
                assert math.isnan(found[name])


def test_texts_in_other_languages_are_not_compared_by_characters() -> None:
    found = pair(comparable(RIVER, "水位"), comparable(RIVER, "水位", language="en"))
    assert found["same_language"] == 0
    for name in ("resemblance", "containment", "title_overlap"):
        assert math.isnan(found[name])


@pytest.mark.parametrize(
    ("length", "short", "near_empty"),
    [
        (NEAR_EMPTY_LENGTH - 1, 1, 1),
        (NEAR_EMPTY_LENGTH, 1, 0),
        (SHORT_LENGTH - 1, 1, 0),
        (SHORT_LENGTH, 0, 0),
    ],
)
def test_the_shorter_text_makes_a_pair_short(length: int, short: int, near_empty: int) -> None:
    one = comparable("水" * length)
    for found in (pair(one, comparable(MUSEUM)), pair(comparable(MUSEUM), one)):
        assert (found["short"], found["near_empty"]) == (short, near_empty)


def test_two_empty_texts_are_not_the_same_text_nor_two_missing_titles_the_same_title() -> None:
    found = pair(comparable(""), comparable(""))
    assert found["same_text"] == found["same_title"] == 0


def test_title_overlap_is_dice_of_bigrams() -> None:
    found = pair(comparable(RIVER, "清河水位回落"), comparable(MUSEUM, "清河水位上涨"))
    assert found["title_overlap"] == pytest.approx(2 * 3 / 10, abs=0.001)
    assert bigrams("水") == {"水"}
    assert bigrams("") == frozenset()
    assert bigrams("清河水") == {"清河", "河水"}


def test_days_apart_are_counted_both_ways_and_bounded() -> None:
    assert pair(comparable(RIVER, day=3.0), comparable(RIVER, day=5.5))["days_apart"] == 2.5
    assert pair(comparable(RIVER, day=5.5), comparable(RIVER, day=3.0))["days_apart"] == 2.5
    far = pair(comparable(RIVER, day=-300_000.0), comparable(RIVER, day=300_000.0))
    assert math.isfinite(far["days_apart"])


def test_a_table_has_a_row_for_each_other_article_and_none_for_none() -> None:
    one = comparable(RIVER)
    assert gather(one, [], np.zeros(0)).shape == (0, len(COLUMNS))
    table = gather(one, [comparable(MUSEUM), one], np.array([0.0, 1.0]))
    assert table.shape == (2, len(COLUMNS))
    assert table[:, COLUMN["same_text"]].tolist() == [0, 1]
    with pytest.raises(ValueError):
        gather(one, [one], np.zeros(2))


@given(comparables(), comparables(), st.one_of(st.just(math.nan), st.floats(-1, 1)))
@settings(max_examples=150, deadline=None)
def test_a_pair_is_the_same_from_both_sides(
    one: Comparable, other: Comparable, cosine: float
) -> None:
    there = gather(one, [other], np.array([cosine]))
    back = gather(other, [one], np.array([cosine]))
    assert np.array_equal(reverse(there), back, equal_nan=True)
    assert np.array_equal(reverse(reverse(there)), there, equal_nan=True)
    assert score(there) == score(back)
    forwards = relations(there, similarities(there, FULL))
    backwards = relations(back, similarities(back, FULL))
    assert [each.reversed for each in forwards] == backwards


def test_reversing_leaves_the_table_it_was_given() -> None:
    table = row(length_log=1.5)
    assert reverse(table)[0, COLUMN["length_log"]] == -1.5
    assert table[0, COLUMN["length_log"]] == 1.5


def test_evidence_says_none_for_what_is_missing() -> None:
    evidence = to_evidence(row(length_log=math.nan)[0])
    for name in ("cosine", "resemblance", "containment", "title_overlap", "fact_overlap"):
        assert getattr(evidence, name) is None
    assert evidence.days_apart is None
    assert evidence.length_ratio is None
    assert evidence.same_language
    assert not evidence.same_text


def test_evidence_shows_values_and_facts() -> None:
    table = row(cosine=0.5, containment=0.25, length_log=-2.0, same_title=1, same_language=0)
    facts = compare_facts(extract_facts("", "共32人，3天"), extract_facts("", "共32人，4天"))
    evidence = to_evidence(table[0], facts)
    assert (evidence.cosine, evidence.containment, evidence.length_ratio) == (0.5, 0.25, 0.25)
    assert (evidence.same_title, evidence.same_language) == (True, False)
    assert evidence.shared_facts == ("32人",)
    assert evidence.differing_facts == ("3天 / 4天",)
    assert to_evidence(reverse(table)[0]).length_ratio == 0.25


# Features and odds


def test_a_missing_value_is_a_feature_of_its_own() -> None:
    missing = dict(zip(FEATURES, features(row())[0].tolist(), strict=True))
    present = dict(
        zip(
            FEATURES,
            features(
                row(cosine=0.75, resemblance=0.5, title_overlap=0.5, fact_overlap=0.5, days_apart=0)
            )[0].tolist(),
            strict=True,
        )
    )
    for name in ("cosine", "text", "title", "facts", "days"):
        assert (missing[f"{name}_missing"], present[f"{name}_missing"]) == (1, 0)
    assert missing["cosine"] == missing["days_near"] == missing["days_far"] == 0
    assert present["cosine"] == 0.75
    assert (present["days_near"], present["days_far"]) == (1, 0)


def test_between_languages_titles_and_texts_are_not_missing_but_translated() -> None:
    named = dict(zip(FEATURES, features(row(same_language=0))[0].tolist(), strict=True))
    assert (named["translated"], named["text_missing"], named["title_missing"]) == (1, 0, 0)


@given(rows())
def test_features_and_odds_are_finite_and_odds_never_rise(table: EvidenceTable) -> None:
    assert np.isfinite(features(table)).all()
    odds = log_odds(table, FULL)
    assert odds.shape == (1, len(CUTS))
    assert (np.diff(odds) <= 0).all()


def test_a_profile_is_read_by_name_and_absent_weights_are_zero() -> None:
    profile = Profile.from_dict(
        {"name": "p", "fitted_on": "q", "weights": {"same_story": {"cosine": 2}}}
    )
    assert (profile.name, profile.fitted_on) == ("p", "q")
    assert profile.weights.shape == (len(CUTS), len(FEATURES))
    assert profile.weights[CUTS.index("same_story"), FEATURES.index("cosine")] == 2
    assert np.count_nonzero(profile.weights) == 1
    for wrong in ({"close": {"cosine": 1}}, {"related": {"colour": 1}}):
        with pytest.raises(ValueError):
            Profile.from_dict({"name": "p", "fitted_on": "q", "weights": wrong})


# Similarity


@pytest.mark.parametrize(
    ("cosine", "similarity", "verdict"),
    [
        (0.25, 0.50, Verdict.RELATED),
        (0.375, 0.625, Verdict.RELATED),
        (0.50, 0.75, Verdict.SAME_STORY),
        (0.625, 0.825, Verdict.SAME_STORY),
        (0.75, 0.90, Verdict.SAME_TEXT),
    ],
)
def test_even_odds_lie_on_the_thresholds(
    cosine: float, similarity: float, verdict: Verdict
) -> None:
    found = score(row(cosine=cosine), STEPS)
    assert found == pytest.approx(similarity, abs=1e-4)
    assert Thresholds().verdict(found) is verdict
    below = score(row(cosine=cosine - 1 / 64), STEPS)
    assert below < found


def test_verdict_cuts_follow_the_odds() -> None:
    cosines = np.arange(-64, 65) / 64
    table = np.concatenate([row(cosine=value) for value in cosines])
    scale = similarities(table, STEPS)
    assert (np.diff(scale) >= 0).all()
    assert scale[0] < 0.01
    assert scale[-1] > 0.95
    cut = Thresholds()
    for cosine, value in zip(cosines, scale, strict=True):
        passed = int(cosine >= 0.25) + int(cosine >= 0.5) + int(cosine >= 0.75)
        verdicts = [Verdict.UNRELATED, Verdict.RELATED, Verdict.SAME_STORY, Verdict.SAME_TEXT]
        assert cut.verdict(value) is verdicts[passed]


@given(rows())
def test_similarity_lies_between_0_and_1_with_four_decimals(table: EvidenceTable) -> None:
    value = score(table)
    assert 0.0 <= value <= 1.0
    assert value == round(value, 4)


CLOSENESS = st.sampled_from(
    [
        "cosine", "resemblance", "containment", "title_told_low", "title_told_high",
        "lead_told_high", "fact_overlap",
    ]
)  # fmt: skip


@given(rows(), CLOSENESS, SHARES, SHARES)
@settings(max_examples=300)
def test_more_evidence_never_makes_less_similar(
    table: EvidenceTable, name: str, one: float, other: float
) -> None:
    lower, higher = table.copy(), table.copy()
    lower[0, COLUMN[name]], higher[0, COLUMN[name]] = sorted((one, other))
    assert score(lower) <= score(higher)


@given(rows(), st.integers(0, 900), st.integers(0, 900))
def test_more_days_apart_never_make_more_similar(
    table: EvidenceTable, one: int, other: int
) -> None:
    near, far = table.copy(), table.copy()
    near[0, COLUMN["days_apart"]], far[0, COLUMN["days_apart"]] = sorted((one, other))
    assert score(far) <= score(near)


@given(rows(), st.integers(0, 6), st.integers(0, 6))
def test_more_that_the_titles_do_not_share_never_makes_more_similar(
    table: EvidenceTable, one: int, other: int
) -> None:
    told, untold = table.copy(), table.copy()
    told[0, COLUMN["title_untold"]], untold[0, COLUMN["title_untold"]] = sorted((one, other))
    assert score(untold) <= score(told)


@given(st.lists(rows(), max_size=12))
def test_a_pair_scores_the_same_in_any_company(tables: list[EvidenceTable]) -> None:
    alone = [score(table) for table in tables]
    together = np.concatenate([*tables, np.zeros((0, len(COLUMNS)), np.float16)])
    assert similarities(together, FULL).tolist() == alone


# Rules no weight may overrule

ADVERSE = Profile(
    name="never", fitted_on="by hand", weights=np.array([[-50.0] + [0.0] * (len(FEATURES) - 1)] * 3)
)
EAGER = Profile(
    name="always", fitted_on="by hand", weights=np.array([[50.0] + [0.0] * (len(FEATURES) - 1)] * 3)
)


@given(rows(same_text=1, short=0, near_empty=0))
def test_equal_texts_are_at_least_0_97(table: EvidenceTable) -> None:
    assert score(table, ADVERSE) >= 0.97
    assert score(table) >= 0.97


def test_equal_texts_under_equal_or_missing_titles_are_1() -> None:
    assert score(row(same_text=1, title_overlap=0.5), ADVERSE) == 0.97
    assert score(row(same_text=1, same_title=1, title_overlap=1), ADVERSE) == 1.0
    assert score(row(same_text=1), ADVERSE) == 1.0


@given(rows(same_text=1, same_title=0, short=1))
def test_short_equal_texts_under_other_titles_are_not_the_same_text(table: EvidenceTable) -> None:
    assert score(table, EAGER) <= 0.89


@given(rows(short=1, same_text=0))
def test_short_texts_are_never_the_same_text_by_weights(table: EvidenceTable) -> None:
    assert score(table, EAGER) <= 0.89


def test_short_equal_texts_under_one_title_are_1() -> None:
    assert score(row(same_text=1, same_title=1, short=1, title_overlap=1), ADVERSE) == 1.0


@given(rows(short=1, near_empty=1))
def test_near_empty_texts_are_never_near_duplicates(table: EvidenceTable) -> None:
    value = score(table, EAGER)
    assert value <= 0.74
    assert not Thresholds().verdict(value).is_near_duplicate


@given(rows(same_language=0, same_text=0))
def test_a_translation_is_never_the_same_text(table: EvidenceTable) -> None:
    assert score(table, EAGER) <= 0.89


@pytest.mark.parametrize(("length_log", "most"), [(1.0, 1.0), (1.125, 0.89), (-1.125, 0.89)])
def test_a_text_of_less_than_half_the_length_is_not_the_same_text(
    length_log: float, most: float
) -> None:
    table = row(cosine=1, resemblance=0.4, containment=1, length_log=length_log)
    assert score(table, EAGER) == most


def test_without_a_cosine_and_a_common_run_nothing_is_similar() -> None:
    assert score(row(title_overlap=1, fact_overlap=1, same_title=1), EAGER) == 0.0
    assert score(row(containment=0, resemblance=0), EAGER) == 0.0
    assert score(row(containment=0.1, resemblance=0), EAGER) == 1.0
    assert score(row(cosine=0.0), EAGER) == 1.0


def test_no_pairs_have_no_similarities() -> None:
    assert similarities(np.zeros((0, len(COLUMNS)), np.float16), FULL).shape == (0,)


# From texts to verdicts


def test_whole_articles_end_where_an_editor_would_put_them() -> None:
    one = comparable(RIVER, "清河水位回落")
    copy = gather(one, [comparable(RIVER, "清河水位回落")], np.array([1.0]))
    edited = gather(one, [comparable(RIVER.replace("今晨", "清晨"), "水位回落")], np.array([0.97]))
    other = gather(one, [comparable(MUSEUM, "陶器特展")], np.array([0.05]))
    cut = Thresholds()
    assert cut.verdict(score(copy)) is Verdict.SAME_TEXT
    assert cut.verdict(score(edited)) is Verdict.SAME_TEXT
    assert cut.verdict(score(other)) is Verdict.UNRELATED


# Relations


@pytest.mark.parametrize(
    ("values", "similarity", "relation"),
    [
        ({"same_text": 1}, 1.0, Relation.COPY),
        ({"same_text": 1, "same_language": 0}, 1.0, Relation.COPY),
        ({"same_language": 0}, 0.75, Relation.TRANSLATION),
        ({"same_language": 0}, 0.74, Relation.OTHER),
        ({"containment": 0.9, "resemblance": 0.8, "length_log": 0.25}, 0.95, Relation.COPY),
        ({"containment": 0.9, "resemblance": 0.3, "length_log": 1}, 0.8, Relation.CONTAINED_IN),
        ({"containment": 0.9, "resemblance": 0.3, "length_log": -1}, 0.8, Relation.CONTAINS),
        (
            {"containment": 0.5, "resemblance": 0.4, "fact_overlap": 0.25},
            0.6,
            Relation.TEMPLATE,
        ),
        (
            {"containment": 0.5, "resemblance": 0.4, "fact_overlap": 0.75, "days_apart": 30},
            0.6,
            Relation.TEMPLATE,
        ),
        (
            {"containment": 0.5, "resemblance": 0.4, "fact_overlap": 0.75, "days_apart": 1},
            0.6,
            Relation.OTHER,
        ),
        ({"containment": 0.1, "resemblance": 0.05}, 0.6, Relation.OTHER),
        ({}, 0.6, Relation.OTHER),
    ],
)
def test_relations(values: dict[str, float], similarity: float, relation: Relation) -> None:
    assert relations(row(**values), np.array([similarity])) == [relation]
