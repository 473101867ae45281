"""Evidence of many pairs at once is, to the bit, what one pair after another gives."""

from __future__ import annotations

from datetime import datetime, timedelta
from itertools import combinations
from pathlib import Path

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from recommender import Article
from recommender.best import Best
from recommender.config import IndexOptions
from recommender.evidence import (
    COLUMN,
    COLUMNS,
    CONTAINMENT_LENGTH,
    RESEMBLANCE_LENGTH,
    Comparable,
    EvidenceTable,
    gather,
    prime,
)
from recommender.indexing import clean_article, comparable_draft, make_recipe, prepare
from recommender.measuring import PairMeasure
from recommender.overlaps import Overlaps
from recommender.sample import sample_articles
from recommender.shingles import placed_hashes, rolling_hashes
from recommender.traits import TraitsMaker
from tests.helpers import NOW

# Few pieces, so that articles share words, sentences, facts and whole texts.
PIECES = (
    "昨夜清河水位超过警戒线，沿岸两个村庄的居民连夜转移到镇上的学校。",
    "市长王建国说，3月5日起将投入2.5亿元加固堤坝，工程预计历时18个月。",
    "市长李建国说，3月6日起将投入3亿元加固堤坝，工程预计历时20个月。",
    "第12届陶器展在城南博物馆开幕，展出彩陶120件，《鱼纹盆》首次亮相。",
    "The council approved 45 million dollars for the new bridge on Monday.",
    "啊啊啊啊啊啊啊啊啊啊啊啊啊啊啊啊啊啊啊啊啊啊啊啊",
    "短。",
    "Rain, 12.5 percent more than last year, delayed the work by 3 weeks.",
)
TITLES = (
    "",
    "清河水位回落",
    "市长王建国谈堤坝",
    "第12届陶器展开幕",
    "New bridge",
    "展",
    "《鱼纹盆》亮相",
)
ARTICLES = st.builds(
    Article,
    id=st.just("a"),
    title=st.sampled_from(TITLES) | st.text(max_size=12),
    body=st.lists(st.sampled_from(PIECES) | st.text(max_size=30), max_size=6).map("".join),
    date=st.none() | st.integers(0, 400_000).map(lambda hours: NOW - timedelta(hours=hours)),
    language=st.sampled_from(("", "zh", "en")),
    excerpt=st.booleans(),
)


def comparables(articles: list[Article], now: datetime = NOW) -> list[Comparable]:
    cleaned = [clean_article(each) for each in articles]
    recipe = make_recipe(cleaned, IndexOptions(strip_boilerplate=False))
    return [comparable_draft(each) for each in prepare(cleaned, recipe, now)]


def primed(articles: list[Comparable]) -> list[Comparable]:
    if articles:
        prime(articles, [each.load_text() for each in articles])
    return articles


def together(folder: Path, articles: list[Comparable], cosines: list[float]) -> EvidenceTable:
    """The evidence of all pairs, in the order of `combinations`."""
    maker = TraitsMaker()
    with Overlaps(folder) as overlaps:
        for start in range(0, len(articles), 3):
            maker.add(articles[start : start + 3])
            overlaps.add([each.folded for each in articles[start : start + 3]])
        overlaps.finish()
        measure = PairMeasure(maker.made())
        pairs = np.array(list(combinations(range(len(articles)), 2)), np.int64).reshape(-1, 2)
        first, second = pairs.T
        table = measure.measure(first, second, np.array(cosines, np.float32))
        for place in np.flatnonzero(measure.overlapping(first, second, table)):
            shares = overlaps.of(int(first[place]), [int(second[place])])
            table[place, COLUMN["resemblance"]] = shares[0][0]
            table[place, COLUMN["containment"]] = shares[1][0]
    return table


def one_by_one(articles: list[Comparable], cosines: list[float]) -> EvidenceTable:
    tables = [
        gather(one, [other], np.array([cosine], np.float32))
        for (one, other), cosine in zip(combinations(articles, 2), cosines, strict=True)
    ]
    return np.concatenate([np.zeros((0, len(COLUMNS)), np.float16), *tables])


def assert_equal(found: EvidenceTable, expected: EvidenceTable) -> None:
    np.testing.assert_array_equal(np.isnan(found), np.isnan(expected))
    present = ~np.isnan(expected)
    np.testing.assert_array_equal(found[present], expected[present])
    # Not -0.0 for 0.0 either.
    np.testing.assert_array_equal(found[present].view(np.uint16), expected[present].view(np.uint16))


@settings(deadline=None, max_examples=60)
@given(articles=st.lists(ARTICLES, max_size=7), data=st.data())
def test_many_pairs_have_the_evidence_of_each(
    tmp_path_factory: pytest.TempPathFactory, articles: list[Article], data: st.DataObject
) -> None:
    made = comparables(articles)
    count = len(made) * (len(made) - 1) // 2
    cosines = data.draw(
        st.lists(st.just(float("nan")) | st.floats(-1, 1, width=32), min_size=count, max_size=count)
    )
    expected = one_by_one(made, cosines)
    folder = tmp_path_factory.getbasetemp()
    assert_equal(together(folder, primed(comparables(articles)), cosines), expected)


@pytest.mark.parametrize("most", [4_000, 7])
def test_a_real_set_of_articles_has_the_same_evidence(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, most: int
) -> None:
    # Pairs of one article stand in several blocks, too.
    monkeypatch.setattr("recommender.measuring._MOST_PAIRS", most)
    articles = list(sample_articles())[:90]
    made = comparables(articles)
    cosines = [0.25] * (len(made) * (len(made) - 1) // 2)
    expected = one_by_one(made, cosines)
    assert np.count_nonzero(expected[:, COLUMN["containment"]] > 0.5)
    assert_equal(together(tmp_path, primed(comparables(articles)), cosines), expected)


def test_overlaps_are_read_again_when_others_took_their_room(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("recommender.overlaps._KEPT", 60)
    texts = [f"{PIECES[0]}{piece}{number}" for number, piece in enumerate(PIECES[:4])]
    folded = [each.folded for each in primed(comparables([Article(id="a", body=x) for x in texts]))]
    with Overlaps(tmp_path) as overlaps:
        overlaps.add(folded)
        overlaps.finish()
        first = overlaps.of(0, [1, 2, 3])
        assert (first[0] > 0).all()
        assert [overlaps.of(each, [0])[0][0] for each in (1, 2, 3)] == first[0].tolist()
        assert [overlaps.of(each, [0])[1][0] for each in (1, 2, 3)] == first[1].tolist()


@given(texts=st.lists(st.text(alphabet="清河水位", max_size=12), max_size=5))
def test_hashes_of_several_texts_are_those_of_each(texts: list[str]) -> None:
    for length in (RESEMBLANCE_LENGTH, CONTAINMENT_LENGTH):
        found = placed_hashes(texts, length)
        assert [each.tolist() for each in found] == [
            rolling_hashes(each, length).tolist() for each in texts
        ]


@given(
    values=st.lists(st.lists(st.integers(0, 5), min_size=40, max_size=40), min_size=1, max_size=3),
    wanted=st.integers(1, 8),
    block=st.integers(1, 40),
)
def test_the_best_of_blocks_are_the_best_of_all(
    values: list[list[int]], wanted: int, block: int
) -> None:
    table = np.array(values, np.float32)
    best = Best(len(table), wanted)
    for start in range(0, table.shape[1], block):
        part = np.arange(start, min(start + block, table.shape[1]))
        best.add(part, table[:, part])
    places, found = best.found()
    for row, own, values_of_row in zip(table, places, found, strict=True):
        order = np.lexsort((np.arange(len(row)), -row))[:wanted]
        assert own.tolist() == order.tolist()
        assert values_of_row.tolist() == row[order].tolist()
