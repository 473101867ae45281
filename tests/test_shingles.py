"""Shingles: set measures are exact, and fingerprints never miss a copied run of 40 characters."""

from __future__ import annotations

import random

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from recommender.shingles import (
    ALL_BELOW,
    SHINGLE_LENGTH,
    WINDOW,
    containment,
    coverage,
    fingerprint,
    fingerprint_many,
    resemblance,
    shared,
    shingle_hashes,
)
from tests.helpers import outputs_of_hash_seeds

COPIED = 40
SEEDS = st.integers(0, 2**32)
FEW = st.text(alphabet="山水云ab", max_size=80)
ENOUGH = st.text(alphabet="山水云ab", min_size=8, max_size=80)
LENGTHS = st.sampled_from([1, 5, 8])


def letters(seed: int, length: int) -> str:
    """Ideographs as they fall: no two such texts share a shingle but by a rare accident."""
    draw = random.Random(seed)
    return "".join(chr(draw.randrange(0x4E00, 0x9FA5)) for _ in range(length))


def grams(text: str, length: int) -> set[str]:
    """What the hashes stand for."""
    length = min(length, len(text))
    return {text[i : i + length] for i in range(len(text) - length + 1)} if text else set()


# Shingles


@given(FEW, LENGTHS)
def test_there_is_one_hash_for_each_different_shingle(text: str, length: int) -> None:
    hashes = shingle_hashes(text, length)
    assert hashes.dtype == np.uint64
    assert len(hashes) == len(grams(text, length))
    assert (hashes[1:] > hashes[:-1]).all()


@given(ENOUGH, ENOUGH)
def test_shingles_are_shared_exactly_where_characters_are(one: str, other: str) -> None:
    for length in (5, 8):
        common = grams(one, length) & grams(other, length)
        assert shared(shingle_hashes(one, length), shingle_hashes(other, length)) == len(common)


def test_a_short_text_is_one_shingle_and_an_empty_one_none() -> None:
    assert len(shingle_hashes("河水", 5)) == 1
    assert len(shingle_hashes("", 5)) == 0
    assert len(fingerprint("")) == 0
    assert fingerprint("河水").tolist() != fingerprint("水河").tolist()


@pytest.mark.parametrize("text", ["\ud800河水退了", "😀😀😀😀😀😀", "\0" * 30])
def test_any_characters_are_taken(text: str) -> None:
    assert len(shingle_hashes(text, 5)) >= 1
    assert len(fingerprint(text)) >= 1


# Set measures


@given(ENOUGH, ENOUGH, LENGTHS)
@settings(max_examples=200)
def test_measures_are_those_of_sets(one: str, other: str, length: int) -> None:
    a, b = grams(one, length), grams(other, length)
    first, second = shingle_hashes(one, length), shingle_hashes(other, length)
    assert resemblance(first, second) == pytest.approx(len(a & b) / len(a | b))
    assert containment(first, second) == pytest.approx(len(a & b) / min(len(a), len(b)))
    assert coverage(first, second) == pytest.approx(len(a & b) / len(a))


@given(FEW, FEW)
def test_measures_keep_to_their_bounds(one: str, other: str) -> None:
    first, second = shingle_hashes(one, 5), shingle_hashes(other, 5)
    alike = resemblance(first, second)
    assert 0.0 <= alike <= containment(first, second) <= 1.0
    assert coverage(first, second) <= containment(first, second)
    assert alike == resemblance(second, first)
    assert containment(first, second) == containment(second, first)
    if one and other:
        assert (alike == 1.0) == (grams(one, 5) == grams(other, 5))


@given(st.text(alphabet="山水云ab", min_size=1, max_size=80))
def test_a_text_resembles_itself_wholly(text: str) -> None:
    hashes = shingle_hashes(text, 5)
    assert resemblance(hashes, hashes) == containment(hashes, hashes) == 1.0
    assert coverage(hashes, hashes) == 1.0


@given(SEEDS, st.integers(8, 60), st.integers(0, 60), st.integers(0, 60))
def test_a_part_is_contained_in_the_whole(seed: int, length: int, before: int, after: int) -> None:
    part = letters(seed, length)
    whole = letters(seed + 1, before) + part + letters(seed + 2, after)
    inner, outer = shingle_hashes(part, 8), shingle_hashes(whole, 8)
    assert containment(inner, outer) == coverage(inner, outer) == 1.0
    assert resemblance(inner, outer) == pytest.approx(len(inner) / len(outer))


def test_nothing_has_nothing_in_common() -> None:
    empty, some = shingle_hashes("", 5), shingle_hashes("河水昨夜退了", 5)
    for first, second in ((empty, empty), (empty, some), (some, empty)):
        assert shared(first, second) == 0
        assert resemblance(first, second) == 0.0
        assert containment(first, second) == 0.0
        assert coverage(first, second) == 0.0


def test_other_texts_share_nothing() -> None:
    one, other = shingle_hashes(letters(1, 900), 5), shingle_hashes(letters(2, 900), 5)
    assert resemblance(one, other) == 0.0


# Fingerprints


@given(
    SEEDS,
    st.integers(COPIED, 120),
    st.lists(st.integers(0, 400), min_size=4, max_size=4),
)
@settings(max_examples=400, deadline=None)
def test_a_copied_run_of_forty_characters_shares_two_fingerprints(
    seed: int, length: int, around: list[int]
) -> None:
    run = letters(seed, length)
    parts = [letters(seed + 1 + i, count) for i, count in enumerate(around)]
    one, other = parts[0] + run + parts[1], parts[2] + run + parts[3]
    assert shared(fingerprint(one), fingerprint(other)) >= 2


@given(SEEDS, st.integers(0, 400), st.integers(0, 400))
@settings(max_examples=300, deadline=None)
def test_a_copied_run_of_a_window_shares_one_fingerprint(
    seed: int, before: int, after: int
) -> None:
    run = letters(seed, WINDOW + SHINGLE_LENGTH - 1)
    one = letters(seed + 1, before) + run + letters(seed + 2, 300)
    other = letters(seed + 3, 300) + run + letters(seed + 4, after)
    assert shared(fingerprint(one), fingerprint(other)) >= 1


@given(SEEDS, st.integers(SHINGLE_LENGTH, 30), st.integers(0, 400))
def test_a_short_text_keeps_every_shingle(seed: int, length: int, before: int) -> None:
    brief = letters(seed, length)
    assert len(fingerprint(brief)) == length - SHINGLE_LENGTH + 1
    around = letters(seed + 1, before) + brief + letters(seed + 2, 200)
    found = shared(fingerprint(brief), fingerprint(around))
    assert found >= (length >= WINDOW + SHINGLE_LENGTH - 1)


def test_a_long_text_keeps_few_of_its_shingles() -> None:
    text = letters(5, 6_000)
    kept = len(fingerprint(text))
    # Winnowing keeps 2 of every WINDOW + 1 shingles on the average.
    assert kept == pytest.approx(2 / (WINDOW + 1) * 6_000, rel=0.15)
    assert len(fingerprint(letters(5, ALL_BELOW + SHINGLE_LENGTH - 1))) == ALL_BELOW
    assert len(fingerprint(letters(5, ALL_BELOW + SHINGLE_LENGTH))) < ALL_BELOW // 2


@given(st.text(alphabet="山水云ab", max_size=200))
def test_a_fingerprint_is_made_of_the_texts_own_shingles(text: str) -> None:
    print_ = fingerprint(text)
    assert print_.dtype == np.uint32
    assert (print_[1:] > print_[:-1]).all()
    own = (shingle_hashes(text, SHINGLE_LENGTH) >> np.uint64(32)).astype(np.uint32)
    assert set(print_.tolist()) <= set(own.tolist())
    assert bool(len(print_)) == bool(text)


# Independence


@given(
    st.lists(
        st.one_of(
            st.text(alphabet="山水云ab", max_size=30),
            st.builds(letters, SEEDS, st.integers(0, 150)),
        ),
        max_size=8,
    ),
    st.randoms(use_true_random=False),
)
@settings(deadline=None)
def test_fingerprints_do_not_depend_on_the_company(texts: list[str], draw: random.Random) -> None:
    alone = [fingerprint(text).tolist() for text in texts]
    assert [each.tolist() for each in fingerprint_many(texts)] == alone
    order = list(range(len(texts)))
    draw.shuffle(order)
    shuffled = fingerprint_many([texts[i] for i in order])
    assert [each.tolist() for each in shuffled] == [alone[i] for i in order]


def test_hashes_do_not_depend_on_the_hash_seed() -> None:
    code = (
        "from recommender.shingles import fingerprint, shingle_hashes\n"
        "text = '昨夜清河水位超过警戒线沿岸两个村庄的居民连夜转移' * 4\n"
        "print(fingerprint(text).tolist(), shingle_hashes(text, 8).tolist())"
    )
    outputs = outputs_of_hash_seeds(code)
    assert len(outputs) == 1
    assert len(outputs.pop()) > 100
