"""Labels → curves and proposals, and which pairs are drawn: what holds for any input."""

from __future__ import annotations

import random
from collections.abc import Callable, Iterable
from itertools import pairwise

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from recommender.config import Thresholds
from recommender.curves import GRID, Scored
from recommender.errors import ConfigError, LabelError
from recommender.labels import Label
from recommender.sampling import (
    CandidatePair,
    Strata,
    allocate,
    draw,
    pair_key,
    stratum_edges,
)
from recommender.tuning import FEWEST, Goal, Proposal, Tuning, evaluate

IN_FORCE = Thresholds()


def scored(
    values: Iterable[tuple[float, object]], *, weight: float | None = None, origin: str = ""
) -> list[Scored]:
    """Labels of pairs without common articles."""
    return [
        Scored(
            Label.of(f"{n:03d}-a", f"{n:03d}-b", value, weight=weight, origin=origin),  # type: ignore[arg-type]
            similarity,
        )
        for n, (similarity, value) in enumerate(values)
    ]


def of(tuning: Tuning, cut: str) -> Proposal:
    return next(each for each in tuning.proposals if each.cut == cut)


similarity = st.integers(0, 10_000).map(lambda value: value / 10_000)
label_lists = st.lists(
    st.tuples(similarity, st.sampled_from([0, 1, 2, 3, 4, "yes", "no"])), min_size=1, max_size=60
)
goals = st.one_of(
    st.just(Goal()),
    st.floats(0.05, 1.0).map(lambda share: Goal(precision=share)),
    st.floats(0.05, 1.0).map(lambda share: Goal(recall=share)),
)


@pytest.mark.parametrize(
    ("written", "value"),
    [
        (4, "4"), ("3", "3"), (" 2.0 ", "2"), ("４", "4"), ("Same-Text", "4"), ("same story", "3"),
        ("RELATED", "2"), ("unrelated", "0"), ("同文", "4"), ("同事件", "3"), ("相关", "2"),
        ("无关", "0"), ("yes", "yes"), ("是", "yes"), ("No", "no"), ("否", "no"),
    ],
)  # fmt: skip
def test_a_label_may_be_written_in_many_ways(written: int | str, value: str) -> None:
    assert Label.of("b", "a", written).value == value


@pytest.mark.parametrize("written", ["5", "-1", "2.5", "maybe", "", True, "也许"])
def test_what_is_no_label_is_refused(written: str) -> None:
    with pytest.raises(LabelError, match="is no label"):
        Label.of("a", "b", written)


def test_a_label_is_of_two_articles_in_order_and_weighs_something() -> None:
    label = Label.of("b", "a", 3, weight=2)
    assert (label.first, label.second, label.weight) == ("a", "b", 2.0)
    assert [label.says(cut) for cut in ("same_text", "same_story", "related")] == [
        False,
        True,
        True,
    ]
    assert Label.of("a", "b", "yes").says("same_text") is None
    assert Label.of("a", "b", "no").says("related") is None
    for wrong in (0.0, -1.0, float("nan"), float("inf")):
        with pytest.raises(LabelError, match="weight"):
            Label.of("a", "b", 3, weight=wrong)
    with pytest.raises(LabelError, match="two different"):
        Label.of("a", "a", 3)
    with pytest.raises(LabelError):
        Label(first="a", second="b", least=1, most=3)


@settings(deadline=None, max_examples=30)
@given(label_lists, goals)
def test_curves_and_proposals_keep_their_promises(
    values: list[tuple[float, object]], goal: Goal
) -> None:
    tuning = evaluate(scored(values), in_force=IN_FORCE, goal=goal)
    for curve in tuning.curves:
        recalls = [point.recall.value for point in curve.points if point.recall.value is not None]
        assert recalls == sorted(recalls, reverse=True)
        assert [point.found for point in curve.points] == sorted(
            (point.found for point in curve.points), reverse=True
        )
        for point in curve.points:
            for share in (point.precision, point.recall, point.f1):
                if share.value is not None:
                    assert share.low is not None
                    assert share.high is not None
                    assert 0 <= share.low <= share.value <= share.high <= 1
    chosen = tuning.thresholds
    assert chosen.related <= chosen.same_story <= chosen.same_text
    for each in tuning.proposals:
        moved_for_order = any("in order" in note for note in each.notes)
        if each.proposed and not moved_for_order:
            if goal.precision is not None:
                assert (each.then.precision.value or 0) >= goal.precision - 1e-4
            if goal.recall is not None:
                assert (each.then.recall.value or 0) >= goal.recall - 1e-4
            assert each.threshold == round(each.threshold, 2)
        if not each.proposed:
            assert each.notes
    assert sum(sum(bar.counts.values()) for bar in tuning.histogram) == len(values)


@settings(deadline=None, max_examples=15)
@given(label_lists, goals, st.randoms(use_true_random=False))
def test_the_order_of_labels_never_shows(
    values: list[tuple[float, object]], goal: Goal, shuffling: random.Random
) -> None:
    given_labels = scored(values, weight=3.0)
    shuffled = list(given_labels)
    shuffling.shuffle(shuffled)
    assert evaluate(shuffled, in_force=IN_FORCE, goal=goal) == evaluate(
        given_labels, in_force=IN_FORCE, goal=goal
    )


def test_points_are_exact_and_include_their_lower_edge() -> None:
    tuning = evaluate(scored([(0.9, 4), (0.8, 4), (0.7, 2), (0.6, 4), (0.5, 0)]), in_force=IN_FORCE)
    same_text = tuning.curves[0]
    assert (same_text.positives, same_text.negatives) == (3, 2)
    at = same_text.at(0.7)
    assert (at.found, at.precision.value, at.recall.value) == (3, 0.6667, 0.6667)
    assert same_text.at(0.71).precision.value == 1.0
    assert same_text.at(0.91).precision.value is None
    assert len(same_text.points) == len(GRID) == 101


def test_weights_bring_back_natural_shares() -> None:
    high = [Scored(Label.of(f"h{n}a", f"h{n}b", 4, weight=1), 0.95) for n in range(20)]
    low = [Scored(Label.of(f"l{n}a", f"l{n}b", 0, weight=100), 0.55) for n in range(20)]
    lost = [Scored(Label.of("ma", "mb", 4, weight=100), 0.6)]
    weighted = evaluate([*high, *low, *lost], in_force=IN_FORCE).curves[0].at(0.9)
    assert weighted.recall.value == round(20 / 120, 4)
    plain = [
        Scored(Label.of(each.label.first, each.label.second, each.label.least), each.similarity)
        for each in [*high, *low, *lost]
    ]
    assert evaluate(plain, in_force=IN_FORCE).curves[0].at(0.9).recall.value == round(20 / 21, 4)


def test_two_opinions_of_a_pair_share_it() -> None:
    one, other = (
        Scored(Label.of("a", "b", value, origin=origin), 0.8)
        for value, origin in ((4, "li"), (2, "wang"))
    )
    tuning = evaluate([one, other], in_force=IN_FORCE)
    assert (tuning.pairs, tuning.labels, tuning.disagreeing) == (1, 2, 1)
    assert tuning.curves[0].at(0.8).precision.value == 0.5


def clear_cut(cut: float, spread: int = 30) -> list[tuple[float, object]]:
    """Same text above a similarity, unrelated below it."""
    return [(round(cut + 0.003 * (n + 1), 4), 4) for n in range(spread)] + [
        (round(cut - 0.003 * (n + 1), 4), 0) for n in range(spread)
    ]


def test_the_best_threshold_is_found_where_the_labels_are_clear() -> None:
    tuning = evaluate(scored(clear_cut(0.8)), in_force=IN_FORCE)
    assert of(tuning, "same_text").threshold == 0.8
    assert of(tuning, "same_text").then.f1.value == 1.0
    # The threshold in force is as good as any between the two sides, so it stays.
    assert of(tuning, "same_story").threshold == 0.8
    assert tuning.thresholds == Thresholds(same_text=0.8, same_story=0.8, related=0.8)


def test_nothing_moves_without_a_reason() -> None:
    values = [(0.93, 4)] * 15 + [(0.6, 2)] * 15
    tuning = evaluate(scored(values), in_force=IN_FORCE)
    for cut in ("same_text", "same_story"):
        assert of(tuning, cut).threshold == getattr(IN_FORCE, cut)
        assert of(tuning, cut).proposed
    noisy = [*values, (0.885, 4), (0.91, 4)]
    doubtful = of(evaluate(scored(noisy), in_force=IN_FORCE), "same_text")
    assert doubtful.threshold == 0.9
    assert "cannot be told" in doubtful.notes[0]


def test_too_few_labels_propose_nothing() -> None:
    few = [(0.95, 4)] * (FEWEST - 1) + [(0.6, 1)] * 30
    tuning = evaluate(scored(few), in_force=IN_FORCE, goal=Goal(precision=0.5))
    assert tuning.thresholds == IN_FORCE
    for each in tuning.proposals:
        assert not each.proposed
        assert "too few labels" in each.notes[0]
    # Many pairs of one article are one witness.
    star = [Scored(Label.of("hub", f"s{n}", 4), 0.95) for n in range(40)]
    others = [Scored(Label.of(f"x{n}", f"y{n}", 0), 0.5) for n in range(40)]
    assert not of(evaluate([*star, *others], in_force=IN_FORCE), "same_text").proposed


def test_a_doubtful_promise_is_called_so_and_a_broken_one_is_not_made() -> None:
    values = [(0.95, 4)] * 19 + [(0.94, 2)] + [(0.6, 1)] * 20
    tuning = evaluate(scored(values), in_force=IN_FORCE, goal=Goal(precision=0.95))
    same_text = of(tuning, "same_text")
    assert same_text.threshold == 0.95 or same_text.then.precision.value >= 0.95  # type: ignore[operator]
    assert any("not sure" in note for note in same_text.notes)
    mixed = [(0.95, 4), (0.95, 2)] * 15
    broken = of(evaluate(scored(mixed), in_force=IN_FORCE, goal=Goal(precision=0.9)), "same_text")
    assert not broken.proposed
    assert "no threshold reaches precision 0.90" in broken.notes[0]


def test_a_full_score_of_few_pairs_is_no_certainty() -> None:
    point = evaluate(scored([(0.95, 4)] * 12 + [(0.5, 0)] * 12), in_force=IN_FORCE)
    precision = point.curves[0].at(0.9).precision
    assert precision.value == 1.0
    # Wilson's interval of 12 out of 12.
    assert precision.low == pytest.approx(0.7575, abs=1e-3)


def test_proposals_that_cross_are_put_in_order() -> None:
    # The labels speak of "same story" only.
    values = [(0.7, "no")] * 15 + [(0.88, "yes")] * 15
    tuning = evaluate(
        scored(values),
        in_force=Thresholds(same_text=0.8, same_story=0.6, related=0.5),
        goal=Goal(precision=1.0),
    )
    assert of(tuning, "same_story").threshold == 0.71
    high = evaluate(
        scored(values),
        in_force=Thresholds(same_text=0.7, same_story=0.6, related=0.5),
        goal=Goal(precision=1.0),
    )
    assert high.thresholds.same_text == 0.71
    assert any("in order" in note for note in of(high, "same_text").notes)


@pytest.mark.parametrize("wrong", [{"precision": 0.0}, {"recall": 1.1}, {"precision": True}])
def test_a_goal_is_a_share(wrong: dict[str, float]) -> None:
    with pytest.raises(ConfigError, match="wanted"):
        Goal(**wrong)
    with pytest.raises(ConfigError, match="not both"):
        Goal(precision=0.5, recall=0.5)


def test_no_labels_are_no_error_in_the_pure_part() -> None:
    tuning = evaluate([], in_force=IN_FORCE)
    assert (tuning.thresholds, tuning.pairs, tuning.histogram) == (IN_FORCE, 0, ())


# --- drawing ---------------------------------------------------------------------------------


def candidate(first: int, second: int, value: float, seed: int = 0) -> CandidatePair:
    first, second = sorted((first, second))
    one, other = f"id{first:03d}", f"id{second:03d}"
    return CandidatePair(pair_key(one, other, seed), one, other, first, second, value)


def alone(row: int) -> frozenset[int]:
    return frozenset()


def by_stories(size: int) -> Callable[[int], frozenset[int]]:
    """Rows of one block are near-duplicates of one another."""
    return lambda row: frozenset(
        each for each in range(row // size * size, row // size * size + size) if each != row
    )


streams = st.lists(
    st.tuples(st.integers(0, 40), st.integers(0, 40), st.integers(5_000, 10_000)),
    max_size=80,
    unique_by=lambda each: frozenset(each[:2]),
).map(lambda pairs: [candidate(a, b, s / 10_000) for a, b, s in pairs if a != b])


@settings(deadline=None, max_examples=100)
@given(streams, st.integers(1, 30), st.integers(1, 4), st.randoms(use_true_random=False))
def test_draws_hold_no_story_twice_and_no_order_shows(
    pairs: list[CandidatePair], count: int, size: int, shuffling: random.Random
) -> None:
    def drawn(stream: list[CandidatePair]) -> list[tuple[CandidatePair, float]]:
        strata = Strata(0.5, 1.0, count)
        strata.add(stream)
        found = draw(strata, count=count, cuts=(0.9, 0.75, 0.5), near=by_stories(size))
        return [(each.pair, each.weight) for each in found]

    found = drawn(pairs)
    assert len(found) <= count
    stories = [row // size for pair, _ in found for row in {pair.first, pair.second}]
    one_story = sum(pair.first // size == pair.second // size for pair, _ in found)
    assert len(set(stories)) == len(stories) - one_story
    shuffled = list(pairs)
    shuffling.shuffle(shuffled)
    assert drawn(shuffled) == found
    distances = [min(abs(pair.similarity - cut) for cut in (0.9, 0.75, 0.5)) for pair, _ in found]
    assert distances == sorted(distances)
    # What was drawn stands for all pairs of the strata it was drawn from.
    edges = stratum_edges(0.5, 1.0)
    for low, high in pairwise(edges):

        def inside(pair: CandidatePair, low: float = low, high: float = high) -> bool:
            return low <= pair.similarity < high or pair.similarity == high == 1.0

        weights = [weight for pair, weight in found if inside(pair)]
        if weights:
            assert sum(weights) == pytest.approx(sum(map(inside, pairs)))


def test_a_long_stream_keeps_a_uniform_sample() -> None:
    strata = Strata(0.6, 0.65, 10)
    every = [candidate(2 * n, 2 * n + 1, 0.62) for n in range(5_000)]
    strata.add(every)
    assert strata.sizes == [5_000]
    (kept,) = strata.candidates()
    assert kept == sorted(every)[: len(kept)]
    found = draw(strata, count=10, cuts=(0.75,), near=alone)
    assert {each.pair for each in found} == set(sorted(every)[:10])
    assert {each.weight for each in found} == {500.0}


def test_another_seed_draws_others() -> None:
    def drawn(seed: int) -> set[str]:
        strata = Strata(0.6, 0.7, 5)
        strata.add(candidate(2 * n, 2 * n + 1, 0.62, seed) for n in range(500))
        found = draw(strata, count=5, cuts=(0.75,), near=alone)
        return {each.pair.first_id for each in found}

    assert drawn(1) == drawn(1) != drawn(2)


def test_more_is_drawn_near_a_threshold_and_something_everywhere() -> None:
    strata = Strata(0.5, 1.0, 60)
    strata.add(candidate(2 * n, 2 * n + 1, 0.5 + (n % 100) / 200) for n in range(4_000))
    found = draw(strata, count=60, cuts=(0.75,), near=alone)
    near = sum(0.7 <= each.pair.similarity < 0.8 for each in found)
    far = sum(0.5 <= each.pair.similarity < 0.6 for each in found)
    assert len(found) == 60
    assert near > 2 * far > 0


def test_allocation_respects_sizes_and_count() -> None:
    assert allocate([5, 0, 100], [1.0, 9.0, 1.0], 20) == [5, 0, 15]
    assert sum(allocate([3, 2, 1], [1.0, 1.0, 1.0], 100)) == 6
    assert allocate([10, 10, 10], [1.0, 4.0, 1.0], 2) == [1, 1, 0]


def test_edges_of_strata() -> None:
    assert stratum_edges(0.6, 0.75) == (0.6, 0.65, 0.7, 0.75)
    assert stratum_edges(0.645, 0.7) == (0.645, 0.7)
    assert stratum_edges(0.7, 0.7) == (0.7, 0.7)
    for low, high in ((0.8, 0.7), (-0.1, 0.5), (0.2, 1.5), (float("nan"), 0.5)):
        with pytest.raises(ConfigError, match="between"):
            stratum_edges(low, high)
