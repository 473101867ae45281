"""Vector indexes (one contract for all kinds), fingerprint postings, centres, whole files."""

from __future__ import annotations

import stat
from pathlib import Path

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from numpy.typing import NDArray

from recommender.centring import Centres
from recommender.errors import IndexCorrupt, IndexStoreError
from recommender.files import checked_bytes, write_whole
from recommender.postings import Postings
from recommender.shingles import fingerprint_many
from recommender.vectors import VectorIndex, build_vector_index, open_vector_index
from tests.helpers import body_of

COUNT, DIMENSION = 6_000, 48
KINDS = ("exact", "hnsw", "ivf")


def unit(vectors: NDArray[np.float64]) -> NDArray[np.float32]:
    return np.asarray(vectors / np.linalg.norm(vectors, axis=1, keepdims=True), np.float32)


@pytest.fixture(scope="module")
def vectors() -> NDArray[np.float32]:
    generator = np.random.default_rng(1)
    centres = generator.normal(size=(60, DIMENSION))
    drawn = centres[generator.integers(0, 60, COUNT)]
    return unit(drawn + 0.7 * generator.normal(size=(COUNT, DIMENSION)))


ROWS = np.arange(COUNT, dtype=np.int64) * 3 + 5


@pytest.fixture(scope="module", params=KINDS)
def index(request: pytest.FixtureRequest, vectors: NDArray[np.float32]) -> VectorIndex:
    return build_vector_index(ROWS, vectors, kind=request.param)


def best(
    vectors: NDArray[np.float32], queries: NDArray[np.float32], allowed: NDArray[np.int64], k: int
) -> list[set[int]]:
    places = np.searchsorted(ROWS, allowed)
    scores = queries.astype(np.float64) @ vectors[places].astype(np.float64).T
    return [set(allowed[np.argsort(-row, kind="stable")[:k]].tolist()) for row in scores]


@pytest.mark.parametrize("share", [1.0, 0.1, 0.01, 0.001])
def test_recall_with_filters(
    index: VectorIndex, vectors: NDArray[np.float32], share: float
) -> None:
    generator = np.random.default_rng(2)
    queries = vectors[generator.integers(0, COUNT, 100)]
    allowed = np.sort(generator.choice(ROWS, max(1, int(COUNT * share)), replace=False))
    hits = index.search(queries, 10, allowed=None if share == 1.0 else allowed)
    expected = best(vectors, queries, allowed, 10)
    found = [set(row[row >= 0].tolist()) for row in hits.rows]
    right = sum(len(one & other) for one, other in zip(found, expected, strict=True))
    assert right / sum(map(len, expected)) >= 0.99
    for one in found:
        assert one <= set(allowed.tolist())


def test_removed_rows_never_come_back(index: VectorIndex, vectors: NDArray[np.float32]) -> None:
    first = index.search(vectors[:20], 5)
    removed = np.unique(first.rows[first.rows >= 0])
    again = index.search(vectors[:20], 5, removed=removed)
    assert not np.isin(again.rows, removed).any()
    assert (again.rows >= 0).all()


def test_short_results_are_padded(vectors: NDArray[np.float32]) -> None:
    small = build_vector_index(ROWS[:3], vectors[:3], kind="exact")
    hits = small.search(vectors[:1], 10)
    assert hits.rows.shape == (1, 10)
    assert sorted(hits.rows[0][:3].tolist()) == ROWS[:3].tolist()
    assert (hits.rows[0][3:] == -1).all()
    nothing = build_vector_index(ROWS[:0], vectors[:0], kind="auto")
    assert (nothing.search(vectors[:2], 4).rows == -1).all()
    none_allowed = small.search(vectors[:1], 4, allowed=np.zeros(0, np.int64))
    assert (none_allowed.rows == -1).all()


def test_files_round_trip_and_are_the_same_every_time(
    index: VectorIndex, vectors: NDArray[np.float32], tmp_path: Path
) -> None:
    checksum = index.write(tmp_path / "one.faiss")
    opened = open_vector_index(tmp_path / "one.faiss", checksum=checksum)
    assert opened.kind == index.kind
    one, other = index.search(vectors[:50], 10), opened.search(vectors[:50], 10)
    assert np.array_equal(one.rows, other.rows)
    twin = build_vector_index(ROWS, vectors, kind=index.kind)  # type: ignore[arg-type]
    assert twin.write(tmp_path / "two.faiss") == checksum
    assert (tmp_path / "one.faiss").read_bytes() == (tmp_path / "two.faiss").read_bytes()


def test_a_flipped_byte_and_a_cut_file_are_noticed(index: VectorIndex, tmp_path: Path) -> None:
    path = tmp_path / "index.faiss"
    checksum = index.write(path)
    whole = path.read_bytes()
    for wrong in (
        whole[:1_000] + bytes([whole[1_000] ^ 1]) + whole[1_001:],
        whole[: len(whole) // 2],
        b"",
    ):
        path.write_bytes(wrong)
        with pytest.raises(IndexCorrupt, match=r"index\.faiss"):
            open_vector_index(path, checksum=checksum)
    path.unlink()
    with pytest.raises(IndexCorrupt, match=r"index\.faiss"):
        open_vector_index(path, checksum=checksum)


def fingerprints(count: int) -> list[NDArray[np.uint32]]:
    themes = "桥茶雨赛馆"
    return fingerprint_many([body_of(themes[n % 5], n) for n in range(count)])


def test_postings_find_what_shares_hashes(tmp_path: Path) -> None:
    prints = fingerprints(80)
    rows = np.arange(80, dtype=np.int64) * 2 + 1
    postings = Postings.build(rows, prints)
    checksum = postings.write(tmp_path / "p.bin")
    opened = Postings.open(tmp_path / "p.bin", checksum=checksum)
    pairs = {
        (int(a), int(b)): int(n)
        for first, second, shared in opened.pairs(min_shared=2)
        for a, b, n in zip(first, second, shared, strict=True)
    }
    expected = {}
    for i in range(80):
        found, counts = opened.candidates(prints[i], min_shared=1)
        assert np.array_equal(found, postings.candidates(prints[i], min_shared=1)[0])
        truth = {
            int(rows[j]): len(np.intersect1d(prints[i], prints[j]))
            for j in range(80)
            if len(np.intersect1d(prints[i], prints[j]))
        }
        assert dict(zip(found.tolist(), counts.tolist(), strict=True)) == truth
        expected |= {
            (int(rows[i]), int(rows[j])): n
            for j in range(i + 1, 80)
            if (n := truth.get(int(rows[j]), 0)) >= 2
        }
    assert {tuple(sorted(pair)): n for pair, n in pairs.items()} == expected


def test_damaged_postings_are_noticed(tmp_path: Path) -> None:
    path = tmp_path / "p.bin"
    checksum = Postings.build(np.arange(10), fingerprints(10)).write(path)
    data = bytearray(path.read_bytes())
    data[-3] ^= 4
    path.write_bytes(bytes(data))
    with pytest.raises(IndexCorrupt, match=r"p\.bin"):
        Postings.open(path, checksum=checksum)


@settings(deadline=None)
@given(st.integers(2, 200), st.integers(0, 5))
def test_centring_puts_the_background_at_zero(count: int, seed: int) -> None:
    generator = np.random.default_rng(seed)
    offset = generator.normal(size=16) * 3
    raw = unit(generator.normal(size=(count, 16)) + offset)
    centres = Centres.fit(raw, ["zh"] * count, priors={}, other=None)
    centred = centres.apply(raw, ["zh"] * count)
    norms = np.linalg.norm(centred, axis=1)
    assert np.all((np.abs(norms - 1) < 1e-4) | (norms == 0))
    assert np.linalg.norm(raw.mean(axis=0)) > np.linalg.norm(centred.mean(axis=0))


def test_a_prior_makes_few_articles_behave_like_many() -> None:
    generator = np.random.default_rng(4)
    offset = generator.normal(size=64) * 3
    many = unit(generator.normal(size=(5_000, 64)) + offset)
    prior = {"zh": np.asarray(many.mean(axis=0), np.float32)}
    large = Centres.fit(many, ["zh"] * 5_000, priors=prior, other=prior["zh"])
    small = Centres.fit(many[:8], ["zh"] * 8, priors=prior, other=prior["zh"])
    bare = Centres.fit(many[:8], ["zh"] * 8, priors={}, other=None)
    wanted = large.apply(many[:8], ["zh"] * 8) @ large.apply(many[:8], ["zh"] * 8).T
    with_prior = small.apply(many[:8], ["zh"] * 8) @ small.apply(many[:8], ["zh"] * 8).T
    without = bare.apply(many[:8], ["zh"] * 8) @ bare.apply(many[:8], ["zh"] * 8).T
    assert np.abs(wanted - with_prior).max() < 0.05
    assert np.abs(wanted - without).max() > np.abs(wanted - with_prior).max()


def test_each_language_has_its_centre_and_they_survive_storing() -> None:
    generator = np.random.default_rng(5)
    chinese = unit(generator.normal(size=(100, 16)) + 4)
    english = unit(generator.normal(size=(100, 16)) - 4)
    languages = ["zh"] * 100 + ["en"] * 100
    raw = np.concatenate([chinese, english])
    centres = Centres.fit(raw, languages, priors={}, other=None)
    again = Centres.from_dict(centres.to_dict())
    assert np.array_equal(centres.apply(raw, languages), again.apply(raw, languages))
    centred = again.apply(raw, languages)
    assert abs(float((centred[100:] @ centred[100:].T).mean())) < 0.05
    assert abs(again.drift(raw, languages)) < 0.05
    assert again.drift(chinese, ["en"] * 100) > 0.5


def test_whole_files(tmp_path: Path) -> None:
    path = tmp_path / "file.bin"
    checksum = write_whole(path, [b"ab", b"", b"c" * 10_000_000])
    assert stat.S_IMODE(path.stat().st_mode) == 0o640
    assert len(checked_bytes(path, checksum)) == 10_000_002
    assert [each.name for each in tmp_path.iterdir()] == ["file.bin"]

    def broken() -> object:
        yield b"x"
        raise KeyboardInterrupt

    with pytest.raises(KeyboardInterrupt):
        write_whole(path, broken())  # type: ignore[arg-type]
    assert len(checked_bytes(path, checksum)) == 10_000_002
    assert [each.name for each in tmp_path.iterdir()] == ["file.bin"]
    with pytest.raises(IndexStoreError, match="missing"):
        write_whole(tmp_path / "missing" / "file.bin", [b"x"])
