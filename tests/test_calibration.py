"""Matching the cosines of one model to another's by what can be seen without labels."""

from __future__ import annotations

from itertools import pairwise

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from recommender.calibration import (
    NEAREST_LEVELS,
    RANDOM_LEVELS,
    CosineQuantiles,
    cosine_quantiles,
    matching,
)
from recommender.similarity import FEATURES, Profile, features, similarities
from tests.evidence_rows import row


def corpus(count: int, *, spread: float = 1.0, seed: int = 3) -> np.ndarray:
    """Unit vectors around some topics; the spread is how far articles lie from their topic."""
    generator = np.random.default_rng(seed)
    topics = generator.normal(size=(20, 32))
    vectors = topics[np.arange(count) % 20] + spread * generator.normal(size=(count, 32))
    return (vectors / np.linalg.norm(vectors, axis=1, keepdims=True)).astype(np.float32)


def test_few_articles_are_not_measured_and_many_in_samples() -> None:
    assert cosine_quantiles(corpus(99), ["zh"] * 99) is None
    small, large = (
        cosine_quantiles(corpus(120), ["zh"] * 120),
        cosine_quantiles(corpus(1_000), ["zh"] * 1_000),
    )
    assert small is not None
    assert large is not None
    assert set(small.nearest) == {100}
    assert set(large.nearest) == {100, 300, 1_000}
    assert list(large.random) == sorted(large.random)
    assert CosineQuantiles.from_dict(large.to_dict()) == large


def test_only_the_most_frequent_language_counts_and_order_does_not_show() -> None:
    vectors = corpus(300)
    languages = ["zh" if place % 3 else "en" for place in range(300)]
    found = cosine_quantiles(vectors, languages)
    chinese = vectors[[place for place in range(300) if place % 3]]
    assert found == cosine_quantiles(chinese, ["zh"] * len(chinese))
    order = np.random.default_rng(1).permutation(300)
    assert found == cosine_quantiles(vectors[order], [languages[place] for place in order])


def test_matched_cosines_have_the_quantiles_of_the_reference() -> None:
    own = cosine_quantiles(corpus(1_000, spread=0.5), ["zh"] * 1_000)
    reference = cosine_quantiles(corpus(1_000, spread=1.5, seed=8), ["zh"] * 1_000)
    assert own is not None
    assert reference is not None
    knots = matching(own, reference)
    for ours, theirs in zip(own.nearest[1_000], reference.nearest[1_000], strict=True):
        assert np.interp(ours, *knots) == pytest.approx(theirs, abs=0.05)


def quantiles(values: list[float]) -> CosineQuantiles:
    random, nearest = values[: len(RANDOM_LEVELS)], values[len(RANDOM_LEVELS) :]
    return CosineQuantiles(tuple(sorted(random)), {100: tuple(sorted(nearest))})


QUANTILES = st.lists(
    st.floats(-1, 1, allow_nan=False),
    min_size=len(RANDOM_LEVELS) + len(NEAREST_LEVELS),
    max_size=len(RANDOM_LEVELS) + len(NEAREST_LEVELS),
).map(quantiles)


@given(QUANTILES, QUANTILES)
def test_the_map_rises_from_end_to_end(own: CosineQuantiles, reference: CosineQuantiles) -> None:
    xs, ys = matching(own, reference)
    assert (xs[0], ys[0], xs[-1], ys[-1]) == (-1, -1, 1, 1)
    assert all(one < other for one, other in pairwise(xs))
    assert all(one <= other for one, other in pairwise(ys))


def test_a_profile_maps_cosines_before_it_weighs_them() -> None:
    plain = Profile.from_dict(
        {"name": "p", "fitted_on": "q", "weights": {"related": {"cosine": 4, "intercept": -2}}}
    )
    matched = Profile.from_dict(
        {
            "name": "p",
            "fitted_on": "q",
            "weights": {"related": {"cosine": 4, "intercept": -2}},
            "cosines": [[-1, 0.25, 1], [-1, 0.5, 1]],
        }
    )
    place = FEATURES.index("cosine")
    assert features(row(cosine=0.25), matched)[0, place] == 0.5
    assert features(row(cosine=0.25), plain)[0, place] == 0.25
    assert features(row(), matched)[0, place] == 0
    assert similarities(row(cosine=0.25), matched) == similarities(row(cosine=0.5), plain)
