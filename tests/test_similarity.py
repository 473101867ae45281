"""Similarity: from evidence to one number, and the rules that no weight may overrule."""

from __future__ import annotations

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from recommender.config import Thresholds
from recommender.evidence import (
    COLUMN,
    COLUMNS,
    EvidenceTable,
    gather,
)
from recommender.records import Relation, Verdict
from recommender.similarity import (
    CUTS,
    FEATURES,
    Profile,
    features,
    log_odds,
    relations,
    similarities,
)
from tests.evidence_rows import FULL, MUSEUM, RIVER, SHARES, STEPS, comparable, row, rows, score

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
