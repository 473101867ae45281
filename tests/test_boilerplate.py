"""Boilerplate: which recurring segments are found, which sentences are left, what is stripped."""

from __future__ import annotations

import json
import random

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from recommender.boilerplate import (
    ANY_FORM_SHARE,
    Boilerplate,
    Kind,
    Segment,
    find_boilerplate,
    generalise,
)

WORDS = "江河山湖雨雪风云桥路车船田林村镇校厂馆院茶酒米麦鱼牛羊马花草石木金铁电灯书画琴棋"
NAMES = ["王芳", "李建国", "赵敏", "陈晓东", "刘洋", "孙丽", "周涛", "吴越", "郑爽", "冯军"]
NOTICE = "本站声明,未经许可不得转载本站任何内容"


def body(seed: int, count: int = 7) -> str:
    """Sentences that no other seed gives; none holds a cue."""
    draw = random.Random(seed)
    return "".join(
        "".join(draw.choice(WORDS) for _ in range(draw.randint(14, 22))) + "。"
        for _ in range(count)
    )


def others(count: int) -> list[str]:
    return [body(10_000 + number) for number in range(count)]


def patterns(boilerplate: Boilerplate) -> list[tuple[str, str]]:
    return [(each.kind, each.pattern) for each in boilerplate.segments]


# Slots


@pytest.mark.parametrize(
    ("one", "other", "pattern"),
    [
        ("【编辑:王芳】", "【编辑:欧阳建国】", "【编辑:…】"),
        ("来源：晚报", "来源：清河日报网", "来源：…"),
        ("(记者 王芳)", "(记者 李建国、赵敏)", "(记者…)"),
        ("2025年7月1日 08:30", "2024年11月23日 17:05", "…年…月…日 …"),
        ("阅读1,204次", "阅读87次", "阅读…次"),
    ],
)
def test_names_numbers_and_dates_become_slots(one: str, other: str, pattern: str) -> None:
    assert generalise(one) == generalise(other) == pattern


def test_a_plain_sentence_has_no_slots() -> None:
    assert generalise(" 河水退了。 ") == "河水退了。"


@given(st.text(alphabet="编辑记者:：王芳12年月日【】() 文图", max_size=40))
def test_generalising_twice_keeps_no_digits(segment: str) -> None:
    assert not any(character.isdigit() for character in generalise(segment))


# Finding


def test_a_shared_notice_is_found_with_names_as_slots_in_paragraphs() -> None:
    texts = [f"{body(i)}\n【责任编辑:{name}】" for i, name in enumerate(NAMES)] + others(40)
    found = find_boilerplate(texts)
    assert found.segments == (Segment("【责任编辑:…】", "paragraph", 10),)
    assert [found.strip(text) for text in texts[:10]] == [body(i) for i in range(10)]
    # A name that the corpus never had fills the slot as well.
    assert found.strip(f"{body(77)}\n【责任编辑:诸葛明】") == body(77)
    assert [found.strip(text) for text in texts[10:]] == texts[10:]


def test_a_shared_notice_is_found_at_the_end_of_the_last_paragraph() -> None:
    texts = [f"{body(i)}(编辑:{name})" for i, name in enumerate(NAMES)] + others(40)
    found = find_boilerplate(texts)
    assert patterns(found) == [("tail", "(编辑:…)")]
    assert [found.strip(text) for text in texts[:10]] == [body(i) for i in range(10)]


def test_a_dateline_is_found_at_the_beginning() -> None:
    texts = [f"清河社北岭7月{i + 1}日电 (记者 {name})" + body(i) for i, name in enumerate(NAMES)]
    found = find_boilerplate(texts + others(40))
    assert {kind for kind, _ in patterns(found)} == {"head"}
    assert [found.strip(text) for text in texts] == [body(i) for i in range(10)]
    assert found.strip("清河社南湾12月24日电 (记者 某人)" + body(88)) == body(88)


def test_notices_one_before_the_other_are_both_found() -> None:
    texts = [f"{body(i)}\n{NOTICE}\n责编:{name}" for i, name in enumerate(NAMES)] + others(40)
    found = find_boilerplate(texts)
    assert set(patterns(found)) == {("paragraph", NOTICE), ("paragraph", "责编:…")}
    assert found.strip(texts[0]) == body(0)


def test_a_notice_glued_behind_another_is_found_in_a_later_pass() -> None:
    tails = [f"(摄影:{name})(编辑:{name[::-1]})" for name in NAMES]
    # The outer notice stands alone in other articles, so the inner one shows only without it.
    texts = [body(i) + tail for i, tail in enumerate(tails)]
    texts += [f"{body(100 + i)}(编辑:{name})" for i, name in enumerate(NAMES)]
    found = find_boilerplate(texts + others(60))
    assert found.strip(texts[0]) == body(0)
    assert found.strip(texts[10]) == body(100)


def test_fewer_carriers_than_the_least_count_are_no_boilerplate() -> None:
    def texts(count: int) -> list[str]:
        return [f"{body(i)}\n{NOTICE}" for i in range(count)] + others(40)

    assert find_boilerplate(texts(7), min_count=8).segments == ()
    assert patterns(find_boilerplate(texts(8), min_count=8)) == [("paragraph", NOTICE)]
    assert patterns(find_boilerplate(texts(4), min_count=4)) == [("paragraph", NOTICE)]


def test_a_smaller_share_than_the_least_is_no_boilerplate() -> None:
    texts = [f"{body(i)}\n{NOTICE}" for i in range(10)] + others(90)
    assert find_boilerplate(texts, min_share=0.11).segments == ()
    assert patterns(find_boilerplate(texts, min_share=0.10)) == [("paragraph", NOTICE)]


# What is no boilerplate


@pytest.mark.parametrize("rest", [5, 30, 90])
def test_a_wire_story_published_ten_times_is_no_boilerplate(rest: int) -> None:
    story = f"{body(1, 3)}\n{body(2, 3)}\n来源:电讯"
    texts = [story] * 10 + others(rest)
    assert find_boilerplate(texts).segments == ()


@pytest.mark.parametrize("rest", [5, 30, 90])
def test_a_wire_story_under_ten_bylines_is_no_boilerplate(rest: int) -> None:
    story = f"{body(1, 3)}\n{body(2, 3)}"
    texts = [f"{story}(编辑:{name})" for name in NAMES] + others(rest)
    found = find_boilerplate(texts)
    assert found.segments == ()
    assert [found.strip(text) for text in texts] == texts


def test_copies_of_a_wire_story_stay_whole_beside_a_real_notice() -> None:
    story = f"{body(1, 4)}\n{body(2, 4)}\n{body(3, 4)}"
    copies = [f"{story}\n{NOTICE}"] * 10
    texts = copies + [f"{body(100 + i)}\n{NOTICE}" for i in range(10)] + others(30)
    found = find_boilerplate(texts)
    assert patterns(found) == [("paragraph", NOTICE)]
    assert found.strip(copies[0]) == story


def test_a_sentence_without_the_form_of_a_notice_stays_below_the_share_of_furniture() -> None:
    sentence = "天气部门说明天还有大雨。"
    carriers = [f"{body(i)}\n{sentence}\n{body(500 + i, 3)}" for i in range(10)]
    enough = round(len(carriers) / ANY_FORM_SHARE)
    rare = find_boilerplate(carriers + others(enough - 10 + 1))
    assert rare.segments == ()
    assert sentence in rare.strip(carriers[0])
    frequent = find_boilerplate(carriers + others(enough - 10))
    assert patterns(frequent) == [("paragraph", sentence)]


def test_a_repeated_last_sentence_is_not_cut_as_a_tail() -> None:
    texts = [body(i) + "救援工作仍在进行。" for i in range(10)] + others(60)
    found = find_boilerplate(texts)
    assert [found.strip(text) for text in texts] == texts


def test_articles_that_are_nothing_but_one_line_make_no_notice() -> None:
    texts = [f"来源:{name}" for name in NAMES] + others(40)
    assert find_boilerplate(texts).segments == ()


def test_a_long_paragraph_is_never_boilerplate() -> None:
    long = f"本站声明:{body(3, 30)}"
    texts = [f"{body(i)}\n{long}\n{body(300 + i, 2)}" for i in range(10)]
    assert find_boilerplate(texts).segments == ()


@pytest.mark.parametrize("texts", [[], [""], ["", "", ""], ["。"] * 30, ["\n".join("ab")] * 30])
def test_empty_and_tiny_corpora_have_none(texts: list[str]) -> None:
    assert find_boilerplate(texts).segments == ()


def test_the_order_of_the_texts_never_shows() -> None:
    texts = [f"{body(i)}\n{NOTICE}\n【编辑:{name}】" for i, name in enumerate(NAMES)]
    texts += [f"清河社北岭7月{i + 1}日电 " + body(50 + i) for i in range(10)]
    texts += others(30)
    expected = find_boilerplate(texts)
    assert len(expected.segments) >= 3
    for seed in range(4):
        random.Random(seed).shuffle(texts)
        assert find_boilerplate(texts) == expected


def test_many_carriers_are_judged_by_a_sample_in_any_order() -> None:
    texts = [f"{body(i, 4)}\n{NOTICE}" for i in range(900)]
    expected = find_boilerplate(texts)
    assert expected.segments == (Segment(NOTICE, "paragraph", 900),)
    assert find_boilerplate(texts[::-1]) == expected
    same = [f"{body(1, 4)}\n{NOTICE}"] * 900
    assert find_boilerplate(same).segments == ()


# Stripping


def test_no_boilerplate_leaves_every_text() -> None:
    assert Boilerplate().strip(f"{body(1)}\n{NOTICE}") == f"{body(1)}\n{NOTICE}"


def test_a_notice_inside_a_sentence_stays() -> None:
    found = Boilerplate((Segment(NOTICE, "paragraph", 9), Segment(f"({NOTICE})", "tail", 9)))
    text = f"{body(1)}“{NOTICE}”这句话引起了讨论。{body(2)}"
    assert found.strip(text) == text


def test_stripping_stops_at_eighty_characters_and_at_half() -> None:
    found = Boilerplate((Segment(NOTICE, "paragraph", 9), Segment("甲" * 390, "paragraph", 9)))
    assert found.strip("水" * 80 + "\n" + NOTICE) == "水" * 80
    short = "水" * 79 + "\n" + NOTICE
    assert found.strip(short) == short
    assert found.strip("水" * 391 + "\n" + "甲" * 390) == "水" * 391
    uneven = "水" * 389 + "\n" + "甲" * 390
    assert found.strip(uneven) == uneven


LINES = st.lists(
    st.sampled_from(
        [NOTICE, "【编辑:王芳】", "来源：晚报", body(1, 1), body(2, 2), body(3, 6), "(完)", ""]
    ),
    max_size=8,
)
KINDS: list[Kind] = ["paragraph", "head", "tail"]
SEGMENTS = st.lists(
    st.builds(
        Segment,
        st.sampled_from([NOTICE, "【编辑:…】", "来源：…", body(1, 1), body(3, 6), "(完)"]),
        st.sampled_from(KINDS),
        st.integers(8, 99),
    ),
    max_size=8,
)


@given(LINES, SEGMENTS, st.sampled_from(["", "\n"]))
@settings(max_examples=400)
def test_never_less_than_half_or_eighty_characters_is_left(
    lines: list[str], segments: list[Segment], glue: str
) -> None:
    text = (glue or "").join(line for line in lines if line)
    stripped = Boilerplate(tuple(segments)).strip(text)
    if stripped != text:
        assert len(stripped) >= 80
        assert 2 * len(stripped) >= len(text)
        assert len(stripped) < len(text)
        # Only something was taken out: what is left stands in the text, in order.
        remaining = iter(text)
        assert all(character in remaining for character in stripped)


def test_segments_go_through_json_and_back() -> None:
    texts = [f"{body(i)}\n【责任编辑:{name}】" for i, name in enumerate(NAMES)] + others(40)
    found = find_boilerplate(texts)
    again = Boilerplate.from_dict(json.loads(json.dumps(found.to_dict())))
    assert again == found
    assert again.strip(texts[0]) == body(0)
