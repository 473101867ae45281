"""Evidence: what is measured of a pair, alike from both sides, and what is missing."""

from __future__ import annotations

import math

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from recommender.evidence import (
    COLUMN,
    COLUMNS,
    NEAR_EMPTY_LENGTH,
    SHORT_LENGTH,
    Comparable,
    bigrams,
    gather,
    reverse,
    to_evidence,
)
from recommender.facts import compare_facts, extract_facts
from recommender.similarity import (
    relations,
    similarities,
)
from tests.evidence_rows import FULL, MUSEUM, RIVER, comparable, comparables, pair, row, score

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
