"""Bugs that were found once and must not come back, each with the input that showed it."""

from __future__ import annotations

import sqlite3
from contextlib import closing
from pathlib import Path

import numpy as np
import pytest

from recommender import Article, ArticleError, IndexIncompatible
from recommender.boilerplate import find_boilerplate
from recommender.facts import extract_facts
from recommender.neighbourhood import _fingerprint_pairs
from recommender.postings import Postings
from recommender.records import Card, Relation, Verdict
from recommender.text import clean, fold
from tests.helpers import body_of, build, corpus


def values(text: str) -> set[str]:
    return {fact.value for fact in extract_facts("", text)}


@pytest.mark.parametrize(
    ("text", "value"),
    [
        ("总额三万亿元", "3000000000000 元"),
        ("总额二十万亿元", "20000000000000 元"),
        ("共有３２人到场", "32 人"),
        ("全长1.2千米", "1.2 公里"),
        ("重5千克", "5 公斤"),
        ("涨幅为5%-7.32%", "7.32 %"),
        ("每队12-15人", "15 人"),
        ("国产C919首飞成功", "C919"),
        ("首款Tesla上市", "tesla"),
    ],
)
def test_figures_and_names_of_chinese_text(text: str, value: str) -> None:
    assert value in values(text)


def test_very_is_not_ten_points() -> None:
    assert values("大家十分高兴") == set()


@pytest.mark.parametrize(
    "line",
    [
        "记者：{}为什么会选择回到家乡创业？",
        "村支书告诉记者{}今年收成不错",
        "本文认为：{}的作用被低估了。",
    ],
)
def test_sentences_of_one_form_are_no_boilerplate(line: str) -> None:
    # Marks of one character each, so that no two of the sentences are alike.
    texts = [
        "\n".join([f"第{n}篇正文讲的是{mark * 30}这件事情的来龙去脉。" * 4, line.format(mark * 6)])
        for n, mark in enumerate("山水云雨花草虫鸟江河湖海松竹梅兰")
    ]
    assert [each.pattern for each in find_boilerplate(texts).segments] == []


def test_cells_that_are_never_closed_stay_apart() -> None:
    page = "<table>" + "<tr><td>甲<td>乙" * 600 + "</table>"
    assert "甲 乙" in clean(page)
    assert "注" not in clean("<div>" * 1_100 + "甲<!-- 注 -->" * 10)


def test_a_leading_noscript_is_dropped() -> None:
    assert clean("<noscript><p>请打开脚本</p></noscript><p>正文</p>") == "正文"


def test_composed_and_decomposed_characters_fold_alike() -> None:
    assert fold("e\u0301te\u0301") == fold("\u00e9t\u00e9")
    assert fold("\uff76\uff9e") == fold("\u30ac")


@pytest.mark.parametrize("fields", [{"extra": None}, {"extra": 5}, {"excerpt": "no"}])
def test_wrong_kinds_are_article_errors(fields: dict[str, object]) -> None:
    with pytest.raises(ArticleError, match="'a'"):
        Card(id="a", **fields)  # type: ignore[arg-type]


def test_a_lone_surrogate_is_one_replacement_character() -> None:
    assert Article(id="a", title="甲\ud800乙", body="").title == "甲\ufffd乙"


def test_a_short_text_with_hundreds_of_candidates() -> None:
    class Fingerprints:
        def fingerprints(self) -> tuple[np.ndarray, list[np.ndarray]]:
            return np.arange(300), [np.array([7], np.uint32)] * 300

    postings = Postings.build(*Fingerprints().fingerprints())
    pairs = list(_fingerprint_pairs(postings, Fingerprints()))  # type: ignore[arg-type]
    assert all(part.shape[1] == 2 for part in pairs)
    assert len(pairs) >= 300


def test_an_index_of_another_format_is_refused_before_anything_is_embedded(
    tmp_path: Path,
) -> None:
    build(tmp_path / "index", corpus(3)).close()
    with closing(sqlite3.connect(tmp_path / "index" / "articles.sqlite")) as database:
        database.execute("PRAGMA user_version = 1")
    stages: list[str] = []
    with pytest.raises(IndexIncompatible, match="remove"):
        build(
            tmp_path / "index",
            corpus(4),
            progress=lambda stage, done, total: stages.append(stage),
        )
    assert stages == []


def test_a_stock_code_before_a_chinese_character() -> None:
    assert "600519.SH" in values("收于600519.SH的报价")


def test_a_brief_in_a_long_article_under_one_headline_is_not_its_same_text(
    tmp_path: Path,
) -> None:
    title = "城北新图书馆今天开馆"
    brief = (
        "城北新图书馆今天开馆，首日接待读者四千人，馆内设有儿童区、自习区和地方文献室，每天开放到晚上十点，"
        "市民凭身份证即可借阅，首批图书三十万册已经上架，另有电子书二十万种。"
    )
    others = "".join(f"第{number}条：{body_of('茶', number)}" for number in range(6))
    with build(
        tmp_path / "index",
        [
            Article(id="brief", title=title, body=brief),
            Article(id="long", title=title, body=brief + others),
        ],
    ) as index:
        found = index.compare("brief", "long")
    assert found.verdict is not Verdict.SAME_TEXT
    assert found.relation is Relation.CONTAINED_IN
