"""Weighted terms: what of one article's headline and lead another tells."""

from __future__ import annotations

import math

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from recommender.terms import BUCKET_COUNT, READ, Terms, buckets, terms_of, terms_of_many, told
from recommender.text import fold_many

LOW, HIGH, LEAD_LOW, LEAD_HIGH, UNTOLD = range(5)
TEXT = (
    "果农协会昨天在北坡镇举办嫁接比赛，四十名选手用一小时完成二十株苗木，老师傅周大年以十九株成活获胜。"
    "协会说，明年春天会把比赛搬到学校的果园里。"
)


def terms(title: str, text: str) -> Terms:
    return terms_of(*fold_many([title, text], spaced=True))


def test_a_headline_that_the_other_tells_is_told_and_leaves_no_piece() -> None:
    one = terms("周大年赢得嫁接比赛", TEXT)
    other = terms("果农协会举办嫁接比赛", TEXT)
    found = told(one, [other])[0]
    assert found[HIGH] > 0.85
    assert found[LEAD_LOW] == found[LEAD_HIGH] == pytest.approx(1.0)
    assert found[UNTOLD] < 0.5


def test_titles_of_one_form_have_a_piece_that_the_other_knows_nothing_of() -> None:
    zhao = terms("北坡镇镇长赵启东接受审查", "北坡镇镇长赵启东涉嫌违纪，目前正接受审查。")
    sun = terms("南坡镇镇长孙立言接受审查", "南坡镇镇长孙立言涉嫌违纪，目前正接受审查。")
    follow_up = terms("赵启东被开除", "北坡镇镇长赵启东因违纪被开除，此前接受审查。")
    templates = told(zhao, [sun])[0, UNTOLD]
    one_story = told(zhao, [follow_up])[0, UNTOLD]
    assert templates > 2 * max(one_story, 0.3)


def test_words_are_the_terms_where_there_are_spaces() -> None:
    one = terms(
        "Orchard contest moves to school", "The orchard contest moves to a school next spring."
    )
    other = terms("School will host contest", "A school next spring will host the orchard contest.")
    assert told(one, [other])[0, HIGH] > 0.7
    assert len(buckets("orchard contest")) == 2


def test_without_a_title_or_a_text_the_share_is_missing() -> None:
    found = told(terms("", TEXT), [terms("嫁接比赛", ""), terms("嫁接比赛", TEXT)])
    assert all(math.isnan(found[place, UNTOLD]) for place in (0, 1))
    assert math.isnan(found[0, LEAD_LOW])
    assert found[1, LEAD_LOW] == pytest.approx(1.0)
    assert told(terms("甲乙", TEXT), []).shape == (0, 5)


ARTICLES = st.builds(
    terms,
    st.sampled_from(
        ["", "果园比赛", "周大年获胜", "school contest", "北坡镇镇长", "北坡镇镇长北坡镇"]
    ),
    st.text(alphabet="果农协会北坡镇嫁接 abc", max_size=60),
)


@given(ARTICLES, st.lists(ARTICLES, min_size=1, max_size=5))
def test_it_is_the_same_from_both_sides_and_alone_or_among_others(
    own: Terms, others: list[Terms]
) -> None:
    together = told(own, others)
    for row, other in zip(together, others, strict=True):
        assert np.array_equal(row, told(own, [other])[0], equal_nan=True)
        assert np.array_equal(row, told(other, [own])[0], equal_nan=True)
    shares = together[:, :UNTOLD]
    assert ((shares >= 0) & (shares <= 1) | np.isnan(shares)).all()
    untold = together[:, UNTOLD]
    assert ((untold >= 0) & (untold <= 6) | np.isnan(untold)).all()


@given(st.text(max_size=80))
def test_any_text_has_buckets(text: str) -> None:
    found = buckets(text)
    assert found.dtype == np.uint16
    assert (found < BUCKET_COUNT).all()


@given(ARTICLES, ARTICLES)
def test_the_longest_piece_is_what_a_plain_count_finds(own: Terms, other: Terms) -> None:
    from recommender.terms import weights

    def heaviest(title: np.ndarray, every: np.ndarray) -> float:
        best = run = 0
        for bucket in title.tolist():
            run = 0 if bucket in set(every.tolist()) else run + int(weights()[bucket])
            best = max(best, run)
        return best / 255

    found = told(own, [other])[0, UNTOLD]
    if len(own.title_order) and len(other.title_order):
        both = (heaviest(own.title_order, other.every), heaviest(other.title_order, own.every))
        assert found == pytest.approx(min(*both, 6.0))
    else:
        assert math.isnan(found)


@given(st.lists(st.tuples(st.text(max_size=30), st.text(max_size=200)), min_size=1, max_size=6))
def test_many_at_once_are_as_each_alone(articles: list[tuple[str, str]]) -> None:
    folded = [tuple(fold_many(pair, spaced=True)) for pair in articles]
    for (title, text), found in zip(folded, terms_of_many(folded), strict=True):
        of_title, of_text = buckets(title), buckets(text[:READ])
        assert found.title_order.tolist() == of_title.tolist()
        assert found.title.tolist() == sorted(set(of_title.tolist()))
        assert found.every.tolist() == sorted({*of_title.tolist(), *of_text.tolist()})
        assert found.lead.tolist() == sorted(set(of_text[:150].tolist()))
