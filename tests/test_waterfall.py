"""How evidence adds up: every feature is in one part, the parts make the whole, rules are named."""

from __future__ import annotations

import math
from collections import Counter

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from recommender.config import package_data
from recommender.evidence import COLUMN, COLUMNS, EvidenceTable
from recommender.similarity import ANCHORS, CUTS, FEATURES, Profile, similarities
from recommender.waterfall import BACKGROUND, INTERCEPT, PARTS, waterfall

PROFILES = [Profile.from_dict(each) for each in package_data("profiles.json")["profiles"]]
FLAGS = ("same_text", "same_title", "same_language", "short", "near_empty")
RANGES = {"days_apart": (0, 400), "length_log": (-5, 5), "cosine": (-1, 1)}


def row(**values: float) -> EvidenceTable:
    """One pair; what is not given is missing, and the language is the same."""
    table = np.full((1, len(COLUMNS)), np.nan, dtype=np.float16)
    for name, value in {**dict.fromkeys(FLAGS, 0.0), "same_language": 1.0, **values}.items():
        table[0, COLUMN[name]] = value
    return table


@st.composite
def rows(draw: st.DrawFn) -> EvidenceTable:
    values: dict[str, float] = {}
    for name in COLUMNS:
        if name in FLAGS:
            values[name] = float(draw(st.booleans()))
        else:
            low, high = RANGES.get(name, (0, 1))
            number = st.floats(low, high, width=16)
            values[name] = draw(st.one_of(st.just(math.nan), number))
    return row(**values)


def parts(table: EvidenceTable, profile: Profile) -> dict[str, float]:
    return {each.part: each.log_odds for each in waterfall(table[0], profile).contributions}


def test_every_feature_belongs_to_one_part() -> None:
    counted = Counter(name for names in PARTS.values() for name in names)
    assert set(counted) | {INTERCEPT} == set(FEATURES)
    assert set(counted.values()) == {1}
    assert set(BACKGROUND) <= set(COLUMNS)


@settings(deadline=None)
@given(rows(), st.sampled_from(PROFILES))
def test_the_parts_make_the_whole(table: EvidenceTable, profile: Profile) -> None:
    found = waterfall(table[0], profile)
    assert [each.part for each in found.contributions] == list(PARTS)
    total = found.background + sum(each.log_odds for each in found.contributions)
    assert total == pytest.approx(found.log_odds, abs=1e-9)


@settings(deadline=None)
@given(rows(), st.sampled_from(PROFILES))
def test_the_deciding_cut_is_the_closest_that_is_passed(
    table: EvidenceTable, profile: Profile
) -> None:
    found = waterfall(table[0], profile)
    passed = [cut for cut in CUTS if found.by_evidence >= ANCHORS[cut]]
    if abs(found.log_odds) > 0.01:
        assert found.cut == (passed[-1] if passed else CUTS[0])
        assert (found.log_odds > 0) == bool(passed)


@settings(deadline=None)
@given(rows(), st.sampled_from(PROFILES))
def test_what_moves_the_number_from_the_evidence_has_a_name(
    table: EvidenceTable, profile: Profile
) -> None:
    found = waterfall(table[0], profile)
    moved = abs(float(similarities(table, profile)[0]) - found.by_evidence) > 1e-3
    assert found.rule != "other"
    assert bool(found.rule) or not moved


APART = ("days_apart", "length_log", "title_conflict", "title_untold", "facts_against")
ALIKE = {name: 1.0 for name in COLUMNS if name not in (*FLAGS, *APART)} | dict.fromkeys(APART, 0.0)


@pytest.mark.parametrize(
    ("changes", "rule"),
    [
        ({}, ""),
        ({"short": 1}, "short"),
        ({"near_empty": 1, "short": 1}, "near_empty"),
        ({"same_language": 0}, "language"),
        ({"length_log": 3, "title_told_low": 0.1}, "part"),
        ({"cosine": math.nan, "containment": math.nan}, "no_evidence"),
        ({"same_text": 1}, "equal"),
    ],
)
def test_each_rule_is_named(changes: dict[str, float], rule: str) -> None:
    weights = np.zeros((len(CUTS), len(FEATURES)))
    weights[:, FEATURES.index(INTERCEPT)] = 1.0
    generous = Profile(name="generous", fitted_on="by hand", weights=weights)
    assert waterfall(row(**{**ALIKE, **changes})[0], generous).rule == rule


@pytest.mark.parametrize("profile", PROFILES, ids=lambda each: each.name)
def test_a_plain_background_has_nothing_to_explain(profile: Profile) -> None:
    plain = row(**{**dict.fromkeys(set(COLUMNS) - set(FLAGS), 0.0), **BACKGROUND})
    assert set(parts(plain, profile).values()) == {0.0}


@pytest.mark.parametrize("profile", PROFILES, ids=lambda each: each.name)
def test_evidence_speaks_for_the_part_it_belongs_to(profile: Profile) -> None:
    plain = {**dict.fromkeys(set(COLUMNS) - set(FLAGS), 0.0), **BACKGROUND}
    for changes, part in (
        ({"cosine": 0.9}, "meaning"),
        ({"containment": 0.9, "resemblance": 0.9}, "wording"),
        ({"fact_overlap": 1.0}, "facts"),
        ({"days_apart": 0.0}, "dates"),
    ):
        found = parts(row(**{**plain, **changes}), profile)
        assert all(value == 0.0 for name, value in found.items() if name != part)
        assert found[part] >= 0.0


@pytest.mark.parametrize("profile", PROFILES, ids=lambda each: each.name)
def test_a_missing_date_is_missing_and_not_a_date(profile: Profile) -> None:
    plain = {**dict.fromkeys(set(COLUMNS) - set(FLAGS), 0.0), **BACKGROUND}
    found = parts(row(**{**plain, "days_apart": math.nan}), profile)
    assert found["dates"] == 0.0
