"""Passages that two texts share, sentences that were edited, sentences only one has."""

from __future__ import annotations

from itertools import pairwise

import pytest
from hypothesis import example, given, settings
from hypothesis import strategies as st

from recommender.alignment import Alignment, align, sentence_spans
from recommender.text import fold, fold_with_offsets

BRIDGE = "跨江大桥昨日合龙，主桥全长1,280米，桥面为双向六车道。"
FERRY = "渡轮公司表示，通车后仍保留两条航线，票价不变。"
HARBOUR = "港务部门提醒过往船只注意新的助航灯标。"
WEATHER = "气象台预计周末有雨，高空作业将推迟两天。"
TRADITIONAL = "跨江大橋昨日合龍，主橋全長1,280米，橋面為雙向六車道。"
ENGLISH = "The council voted 14 to 3 to keep the night ferry running until the spring."

POOL = (BRIDGE, FERRY, HARBOUR, WEATHER, TRADITIONAL, ENGLISH + " ", ENGLISH.upper() + " ", "\n")
scraps = st.text("ab é\u0301漢汉ｶﾞカ\u3099㎏½ﬀ，。12.（", max_size=6)
texts = st.lists(st.one_of(st.sampled_from(POOL), scraps), max_size=8).map("".join)


def turned(alignment: Alignment) -> tuple[object, ...]:
    """What can be compared with the alignment of the texts the other way round."""
    return (
        {(p.second_start, p.second_end, p.first_start, p.first_end) for p in alignment.passages},
        {
            (s.second, s.first, tuple((e.second, e.first) for e in s.edits))
            for s in alignment.edited
        },
        alignment.only_second,
        alignment.only_first,
    )


def straight(alignment: Alignment) -> tuple[object, ...]:
    return (
        {(p.first_start, p.first_end, p.second_start, p.second_end) for p in alignment.passages},
        {
            (s.first, s.second, tuple((e.first, e.second) for e in s.edits))
            for s in alignment.edited
        },
        alignment.only_first,
        alignment.only_second,
    )


@settings(deadline=None)
@given(scraps)
@example("e\u0301\u0301㎏e")
@example("\u0301")
@example("ｶﾞ\u3099")
def test_offsets_lead_from_the_folded_text_to_the_one_shown(text: str) -> None:
    folded = fold_with_offsets(text)
    assert folded.text == fold(text)
    assert len(folded.starts) == len(folded.ends) == len(folded.text)
    assert all(0 <= a < b <= len(text) for a, b in zip(folded.starts, folded.ends, strict=True))
    assert sorted(folded.starts) == list(folded.starts)


@settings(deadline=None)
@given(texts, texts)
def test_passages_are_equal_inside_their_texts_and_never_overlap(first: str, second: str) -> None:
    passages = align(first, second).passages
    for each in passages:
        assert 0 <= each.first_start < each.first_end <= len(first)
        assert 0 <= each.second_start < each.second_end <= len(second)
        assert each.text == first[each.first_start : each.first_end]
        assert fold(each.text) == fold(second[each.second_start : each.second_end]) != ""
    assert list(passages) == sorted(passages, key=lambda each: each.first_start)
    for spans in (
        [(each.first_start, each.first_end) for each in passages],
        sorted((each.second_start, each.second_end) for each in passages),
    ):
        assert all(one[1] <= other[0] for one, other in pairwise(spans))


@settings(deadline=None)
@given(texts, texts)
def test_it_does_not_matter_which_text_comes_first(first: str, second: str) -> None:
    assert straight(align(first, second)) == turned(align(second, first))


@settings(deadline=None)
@given(texts, texts)
def test_sentences_and_edits_are_slices_of_their_texts(first: str, second: str) -> None:
    alignment = align(first, second)
    shown = [(each, first) for each in alignment.only_first]
    shown += [(each, second) for each in alignment.only_second]
    for pair in alignment.edited:
        shown += [(pair.first, first), (pair.second, second)]
        assert pair.edits
        for edit in pair.edits:
            assert edit.first == first[edit.first_start : edit.first_end]
            assert edit.second == second[edit.second_start : edit.second_end]
            assert fold(edit.first) != fold(edit.second)
    assert all(each.text == text[each.start : each.end] for each, text in shown)


@settings(deadline=None)
@given(texts)
def test_a_text_has_everything_of_itself(text: str) -> None:
    alignment = align(text, text)
    assert alignment.edited == alignment.only_first == alignment.only_second == ()


def test_texts_without_anything_in_common_share_nothing() -> None:
    alignment = align(BRIDGE + HARBOUR, ENGLISH)
    assert alignment.passages == alignment.edited == ()
    assert [each.text for each in alignment.only_first] == [BRIDGE, HARBOUR]
    assert [each.text for each in alignment.only_second] == [ENGLISH]
    assert (
        align("", "")
        == align("", "。")
        == Alignment(passages=(), edited=(), only_first=(), only_second=())
    )


def test_reordered_paragraphs_are_found_where_they_went() -> None:
    first, second = f"{BRIDGE}\n{FERRY}\n{HARBOUR}", f"{HARBOUR}\n{BRIDGE}\n{FERRY}"
    alignment = align(first, second)
    assert {fold(each.text) for each in alignment.passages} == {fold(BRIDGE + FERRY), fold(HARBOUR)}
    assert alignment.only_first == alignment.only_second == alignment.edited == ()


def test_a_copy_in_the_middle_of_a_longer_article_is_found() -> None:
    alignment = align(FERRY, f"{BRIDGE}\n{WEATHER}{FERRY}{HARBOUR}")
    (passage,) = alignment.passages
    assert passage.text == FERRY
    assert alignment.only_first == ()
    assert [each.text for each in alignment.only_second] == [BRIDGE, WEATHER, HARBOUR]


def test_script_width_and_punctuation_do_not_hide_a_copy() -> None:
    (passage,) = align(BRIDGE, TRADITIONAL.replace("，", " ").replace("1", "１")).passages
    assert passage.text == BRIDGE


def test_a_small_edit_is_shown_and_its_sentence_is_not_called_missing() -> None:
    first = FERRY + BRIDGE + HARBOUR
    second = FERRY + BRIDGE.replace("1,280", "1,320").replace("昨日", "今晨") + HARBOUR
    alignment = align(first, second)
    (pair,) = alignment.edited
    assert (pair.first.text, pair.second.text[:4]) == (BRIDGE, "跨江大桥")
    assert [(e.first, e.second) for e in pair.edits] == [("昨日", "今晨"), ("1,280", "1,320")]
    assert alignment.only_first == alignment.only_second == ()


def test_words_left_out_or_put_in_are_edits_with_one_empty_side() -> None:
    (pair,) = align(FERRY + BRIDGE, FERRY.replace("仍", "") + BRIDGE).edited
    assert [(each.first, each.second) for each in pair.edits] == [("仍", "")]
    (pair,) = align(FERRY.replace("仍", "") + BRIDGE, FERRY + BRIDGE).edited
    assert [(each.first, each.second) for each in pair.edits] == [("", "仍")]


def test_a_rewritten_sentence_is_edited_even_without_a_long_common_run() -> None:
    alignment = align("市体育馆本周六免费开放一天。", "市体育馆下周日免费开放半天。")
    assert len(alignment.edited) == 1
    assert alignment.only_first == alignment.only_second == ()


def test_passages_end_between_words_and_figures() -> None:
    first = "Officials in the northern district have counted 2,350 households without any water."
    second = "Officials in the northern district have counted 1,350 householders without water."
    alignment = align(first, second)
    assert [each.text for each in alignment.passages] == [
        "Officials in the northern district have counted"
    ]
    (pair,) = alignment.edited
    assert [(each.first, each.second) for each in pair.edits] == [
        ("2,350 households", "1,350 householders"),
        ("any", ""),
    ]


def test_equal_short_sentences_are_shared_though_no_passage_holds_them() -> None:
    alignment = align(BRIDGE + "他说。", "他说。" + WEATHER)
    assert [each.text for each in alignment.only_first] == [BRIDGE]
    assert [each.text for each in alignment.only_second] == [WEATHER]


@pytest.mark.parametrize(
    ("first", "second"),
    [
        ("中" * 10_000, "中" * 9_000 + "文"),
        ("中" * 400_000, "文" + "中" * 399_000),
        ("零一二三四五六七八九甲" * 20_000, "三四五六七八九甲零一二" * 19_000),
        ("a。" * 100_000, "b。a" * 60_000),
        ("e\u0301" * 60_000, "e\u0301" * 50_000 + "é"),
        ("x" * 100_000, "x" * 99_999),
        ("。" * 100_000, "\n" * 100_000),
        ("甲乙" * 9_000 + "丙", "乙甲" * 9_000),
    ],
)
def test_hostile_texts_are_aligned_all_the_same(first: str, second: str) -> None:
    alignment = align(first, second)
    assert straight(alignment) == turned(align(second, first))
    for each in alignment.passages:
        assert fold(each.text) == fold(second[each.second_start : each.second_end])


def test_beyond_what_is_read_nothing_is_said() -> None:
    beginning = "".join(chr(0x4E00 + i * 7_919 % 20_000) for i in range(400_000))
    alignment = align(beginning + BRIDGE, beginning + FERRY)
    assert alignment.passages[-1].first_end <= 400_000
    assert all(each.end <= 400_000 + len(BRIDGE) for each in alignment.only_first)


def sentences(text: str) -> list[str]:
    return [text[start:end] for start, end in sentence_spans(text)]


def test_chinese_sentences_end_with_their_marks_and_closing_quotes() -> None:
    assert sentences("他问：“通车了吗？”没人回答……\n有；也没有。") == [
        "他问：“通车了吗？”",
        "没人回答……",
        "有；",
        "也没有。",
    ]


def test_english_sentences_end_at_full_stops_but_not_at_initials_and_figures() -> None:
    text = 'Mr. J. Smith paid $3.50 for it. "It works." He left the U.S. on Nov. 3! Why?'
    assert sentences(text) == [
        "Mr. J. Smith paid $3.50 for it.",
        '"It works."',
        "He left the U.S. on Nov. 3!",
        "Why?",
    ]


def test_a_sentence_without_end_is_cut() -> None:
    assert max(map(len, sentences("无" * 5_000))) <= 600
    assert sentences(" \n \n") == []
