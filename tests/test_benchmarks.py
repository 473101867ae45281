"""The figures of the benchmarks against scikit-learn's, and what a bootstrap must keep together."""

from __future__ import annotations

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from sklearn.metrics import average_precision_score, f1_score, roc_auc_score

from benchmarks import tables


@st.composite
def judged(draw: st.DrawFn) -> tuple[np.ndarray, np.ndarray]:
    size = draw(st.integers(4, 40))
    truth = draw(st.lists(st.booleans(), min_size=size, max_size=size))
    # Few values, so that there are ties.
    scores = draw(st.lists(st.integers(0, 6), min_size=size, max_size=size))
    truth[:2] = [True, False]
    return np.array(truth), np.array(scores) / 6


@given(judged(), st.integers(0, 100))
def test_weighted_figures_equal_those_of_the_drawn_pairs(given_pairs, seed):
    truth, scores = given_pairs
    counts = np.random.default_rng(seed).integers(1, 4, len(truth))
    rounds = np.stack([np.ones(len(truth)), counts])
    for row, places in enumerate([np.arange(len(truth)), np.repeat(np.arange(len(truth)), counts)]):
        drawn, own = truth[places], scores[places]
        assert tables.auc(truth, scores, rounds)[row] == pytest.approx(roc_auc_score(drawn, own))
        assert tables.average_precision(truth, scores, rounds)[row] == pytest.approx(
            average_precision_score(drawn, own)
        )
        assert tables.f1(truth, scores >= 0.5, rounds)[row] == pytest.approx(
            f1_score(drawn, own >= 0.5)
        )
        if np.ptp(own):
            assert tables.pearson(truth.astype(float), scores, rounds)[row] == pytest.approx(
                np.corrcoef(drawn, own)[0, 1]
            )


@given(judged())
def test_no_threshold_is_better_than_the_best(given_pairs):
    truth, scores = given_pairs
    every = np.ones((1, len(truth)))
    best = tables.f1(truth, scores >= tables.best_threshold(truth, scores), every)[0]
    assert best == max(tables.f1(truth, scores >= each, every)[0] for each in scores)


def test_figures_without_a_positive_are_undefined():
    truth, scores = np.zeros(3, bool), np.arange(3.0)
    every = np.ones((1, 3))
    assert np.isnan(tables.auc(truth, scores, every)[0])
    assert np.isnan(tables.average_precision(truth, scores, every)[0])


def test_connected_pairs_are_drawn_together_and_the_first_row_is_the_pairs_themselves():
    rounds = tables.draws(np.array([0, 1, 0, 2]), rounds=50)
    assert (rounds[0] == 1).all()
    assert (rounds[:, 0] == rounds[:, 2]).all()
    assert (rounds[1:, [0, 1, 3]].sum(axis=1) == 3).all()
    assert len(np.unique(rounds[1:], axis=0)) > 1


def test_where_all_pairs_hang_together_articles_are_drawn():
    rounds = tables.draws_by_article([("a", "b"), ("a", "c"), ("b", "c")], rounds=200)
    assert (rounds[0] == 1).all()
    # One article thrice: no pair of two different ones is left.
    assert (rounds[1:].sum(axis=1) == 0).any()
    assert set(rounds[1:].sum(axis=1)) <= {0, 2, 3}
