"""Facts that contradict: in a sentence both have, not anywhere in the two texts."""

from __future__ import annotations

import pytest

from recommender.alignment import align
from recommender.contradictions import contradictions
from recommender.facts import compare_facts, extract_facts

REST = (
    "市气象台提醒市民减少外出，沿江各县做好值守，水务部门对重点河段昼夜巡查。"
    "应急物资已经运抵各乡镇，安置点的饮水和药品都有保障，学校和景区暂停开放。"
)


def found(first: str, second: str, titles: tuple[str, str] | None = None) -> list[tuple[str, str]]:
    one, other = f"{first}{REST}", f"{second}{REST}"
    facts = compare_facts(extract_facts("", one), extract_facts("", other))
    return list(contradictions(align(one, other).edited, facts, titles=titles))


@pytest.mark.parametrize(
    ("first", "second", "expected"),
    [
        (
            "会议于7日上午在人民会堂举行，来自全市的代表参加。",
            "会议于15日上午在人民会堂举行，来自全市的代表参加。",
            [("7日", "15日")],
        ),
        (
            "这次降雨已造成3人受伤，转移群众1200人，未接到失联报告。",
            "这次降雨已造成5人受伤，转移群众1200人，未接到失联报告。",
            [("3人", "5人")],
        ),
        (
            "第47届展会在本市开幕，参展企业有八百多家，比上届更多。",
            "第47次展会在本市开幕，参展企业有八百多家，比上届更多。",
            [],
        ),
    ],
)
def test_a_figure_that_was_changed_in_a_sentence(
    first: str, second: str, expected: list[tuple[str, str]]
) -> None:
    assert found(first, second) == expected
    assert found(second, first) == [(other, one) for one, other in expected]


def test_figures_of_different_sentences_do_not_contradict() -> None:
    first = "公元前206年，这里设县，城墙遗址保存至今，游人常来寻访。"
    second = "2002年起，新区动工，如今高楼林立，地铁四通八达，商铺云集。"
    assert found(first, second) == []


def test_headlines_that_are_versions_of_one_another() -> None:
    assert found("", "", ("央行7月1日开展逆回购操作", "央行7月15日开展逆回购操作")) == [
        ("1日", "15日")
    ]


def test_what_both_have_is_no_contradiction() -> None:
    first = "全程42公里，设6个补给站，参赛者有3200人，起点在东门。"
    second = "全程42公里，设补给站6个，参赛者有3200人，起点就在东门。"
    assert found(first, second) == []
