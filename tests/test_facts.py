"""Facts: what is read as a number, date, name or work, what is one value, and what differs."""

from __future__ import annotations

import time

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from recommender.fact_packing import pack, unpack
from recommender.facts import (
    MOST_FACTS,
    Fact,
    FactComparison,
    compare_facts,
    extract_facts,
    fact_keys,
)

KINDS = [
    "number", "date", "time", "ordinal", "place", "name", "organisation", "person", "work",
    "quote", "code",
]  # fmt: skip
ANY_TEXT = st.text(alphabet=st.characters(), max_size=120)
DENSE = st.text(
    alphabet="0123456789１.,:：-/年月日时点分第届期一二三十百千万亿两人元%％米《》 王李某市"
    "省记者介绍AaBbMay$€bn“”「」公司北京美国",
    max_size=120,
)
FACTS = st.lists(
    st.builds(
        Fact,
        st.sampled_from(KINDS),
        st.text(alphabet="年月甲乙12% “”", max_size=6),
        st.text(alphabet="12 %元甲", max_size=6),
    ),
    max_size=12,
)


def read(text: str, kind: str | None = None) -> list[tuple[str, str]]:
    """Text and value of the facts of a kind."""
    return [
        (fact.text, fact.value) for fact in extract_facts("", text) if kind in (None, fact.kind)
    ]


# Numbers


@pytest.mark.parametrize(
    ("text", "value"),
    [
        ("增长3.2%", "3.2 %"),
        ("增长3.2％", "3.2 %"),
        ("共32人", "32 人"),
        ("共32名", "32 人"),
        ("共320余人", "320 人"),
        ("全长1,200米", "1200 米"),
        ("全长1200米", "1200 米"),
        ("每斤12.50元", "12.5 元"),
        ("投资1.98万亿元", "1980000000000 元"),
        ("投资19800亿元", "1980000000000 元"),
        ("投资3万元", "30000 元"),
        ("共三十二人", "32 人"),
        ("共一百零五人", "105 人"),
        ("耗资两千三百万元", "23000000 元"),
        ("耗资一亿三千万元", "130000000 元"),
        ("建了两座", "2 座"),
        ("来了十五家", "15 家"),
        ("始于二〇二三年", "2023 年"),
        ("始于2023年", "2023 年"),
        ("rose 50 percent", "50 %"),
        ("rose 50%", "50 %"),
    ],
)
def test_a_number_has_one_value_however_it_is_written(text: str, value: str) -> None:
    assert [each for _, each in read(text, "number")] == [value]


@given(st.integers(1, 999), st.sampled_from([("千", 3), ("万", 4), ("亿", 8), ("万亿", 12)]))
def test_scales_multiply(number: int, scale: tuple[str, int]) -> None:
    name, zeros = scale
    written, spelled = f"{number}{name}元", f"{number}{'0' * zeros}元"
    assert read(written)[0][1] == read(spelled)[0][1] == f"{number * 10**zeros} 元"


@given(st.integers(10, 10**9), st.integers(10, 10**9))
def test_numbers_are_equal_only_when_they_are(one: int, other: int) -> None:
    first, second = (fact_keys(extract_facts("", f"共{number}人")) for number in (one, other))
    assert len(first) == len(second) == 1
    assert (first == second) == (one == other)
    assert first == fact_keys(extract_facts("", f"共{one:,}人"))


@pytest.mark.parametrize(
    ("english", "chinese"),
    [
        ("about 1,204,000 people came", "约120.4万人到场"),
        ("paid $3.5 million", "支付350万美元"),
        ("paid 3.5 million dollars", "支付350万美元"),
        ("paid €2bn", "支付20亿欧元"),
        ("lasted 12 days", "历时12天"),
        ("rose 50 per cent", "上升50%"),
    ],
)
def test_english_and_chinese_numbers_are_one(english: str, chinese: str) -> None:
    keys = fact_keys(extract_facts("", english))
    assert keys == fact_keys(extract_facts("", chinese))
    assert len(keys) == 1


@pytest.mark.parametrize(
    "text", ["河水退了。", "", "她说一定会来。", "千万不要靠近河岸。", "version x"]
)
def test_prose_without_quantities_has_no_numbers(text: str) -> None:
    assert read(text, "number") == []


# Dates, times, ordinals


@pytest.mark.parametrize(
    "text",
    [
        "7月1日",
        "07月01日",
        "2025年7月1日",
        "7月1号",
        "2025-07-01",
        "2025/7/1",
        "July 1",
        "Jul. 1, 2025",
    ],
)
def test_a_day_is_one_however_it_is_written(text: str) -> None:
    assert read(f"定于 {text} 举行") == [(text, "07-01")]


@pytest.mark.parametrize("text", ["13月1日", "7月32日", "2025-13-01"])
def test_no_day_is_no_date(text: str) -> None:
    assert read(text, "date") == []


@pytest.mark.parametrize(
    ("text", "value"),
    [("08:30", "08:30"), ("8:30", "08:30"), ("8时30分", "08:30"), ("8点30分", "08:30")],
)
def test_times_of_day(text: str, value: str) -> None:
    assert read(f"于{text}开始", "time") == [(text, value)]
    assert read("比分25:70", "time") == []


@pytest.mark.parametrize(
    ("text", "value"),
    [
        ("第十二届", "12届"),
        ("第12届", "12届"),
        ("第二十届", "20届"),
        ("第3期", "3期"),
        ("第一", "1"),
    ],
)
def test_ordinals(text: str, value: str) -> None:
    assert read(f"{text}，", "ordinal") == [(text, value)]


# Names, works, codes


def test_persons_stand_behind_roles_or_before_verbs() -> None:
    assert read("记者王芳介绍，市长李建国表示赞同。", "person") == [
        ("王芳", "王芳"),
        ("李建国", "李建国"),
    ]
    assert read("王某某因酒驾被罚。", "person") == [("王某某", "王某某")]


def test_works_places_names_and_codes() -> None:
    facts = extract_facts("", "《清河志》首发。北岭县欢迎你。Anna Smith rode train G71 there.")
    assert [(fact.kind, fact.value) for fact in facts] == [
        ("work", "清河志"),
        ("name", "北岭县"),
        ("name", "anna smith"),
        ("code", "G71"),
    ]
    assert read("The River rose. But He left.", "name") == [("River", "river")]


def test_an_unclosed_work_is_none() -> None:
    assert read("《清河志在首发", "work") == []


# Extraction as a whole


def test_facts_come_in_order_and_each_once() -> None:
    facts = extract_facts("增长3.2%", "7月1日，共32人，增长3.2％，又有32名，7月1号。")
    assert [fact.text for fact in facts] == ["3.2%", "7月1日", "32人"]


def test_title_and_text_are_both_read_but_not_as_one_word() -> None:
    assert [fact.value for fact in extract_facts("共32人", "7月1日")] == ["32 人", "07-01"]
    assert [fact.value for fact in extract_facts("到了2025", "7人")] == ["2025 ", "7 人"]


def test_at_most_two_hundred_facts_are_kept_the_first_ones() -> None:
    text = "，".join(f"{number}人" for number in range(100, 500))
    facts = extract_facts("", text)
    assert len(facts) == MOST_FACTS
    assert [fact.value for fact in facts] == [f"{number} 人" for number in range(100, 300)]


def test_only_the_beginning_of_a_text_is_read() -> None:
    assert read("水" * 19_990 + "，共32人") == [("32人", "32 人")]
    assert read("水" * 20_000 + "，共32人") == []


@given(st.one_of(ANY_TEXT, DENSE), st.one_of(ANY_TEXT, DENSE))
@settings(max_examples=300, deadline=None)
def test_any_text_gives_different_facts_that_stand_in_it(title: str, text: str) -> None:
    facts = extract_facts(title, text)
    assert extract_facts(title, text) == facts
    assert len(facts) <= MOST_FACTS
    assert len({(fact.kind, fact.value) for fact in facts}) == len(facts)
    whole = f"{title}\n{text}"
    plain = " ".join(whole.split())
    for fact in facts:
        assert fact.kind in KINDS
        assert fact.text
        assert fact.text in whole or " ".join(fact.text.split()) in plain
    assert unpack(pack(facts)) == facts


@pytest.mark.parametrize(
    "hostile",
    [
        "1",
        "1,",
        "1.1",
        "第",
        "一",
        "一千",
        "《",
        "A",
        "A ",
        "Aa ",
        "A-",
        "王",
        "市",
        "记者王",
        "2025年",
        "1月1日",
    ],
)
def test_hostile_text_costs_no_more_than_any_other(hostile: str) -> None:
    text = hostile * (20_000 // len(hostile))
    started = time.perf_counter()
    assert len(extract_facts(text[:4_000], text)) <= MOST_FACTS
    assert time.perf_counter() - started < 1


# Storing


@given(FACTS)
def test_facts_are_packed_and_unpacked(facts: list[Fact]) -> None:
    assert unpack(pack(facts)) == tuple(facts)
    assert fact_keys(unpack(pack(facts))) == fact_keys(facts)


def test_no_bytes_are_no_facts() -> None:
    assert unpack(b"") == ()
    assert unpack(pack([])) == ()


def test_keys_tell_kinds_and_values_apart_but_not_texts() -> None:
    assert fact_keys([Fact("number", "3.2%", "3.2 %")]) == fact_keys(
        [Fact("number", "3.2％", "3.2 %")]
    )
    assert (
        len(fact_keys([Fact("name", "a", "x"), Fact("work", "a", "x"), Fact("name", "a", "y")]))
        == 3
    )


# Comparing


def test_facts_are_put_beside_each_other() -> None:
    first = extract_facts("", "7月1日，清河市：来了32人，增长3.2%。")
    second = extract_facts("", "7月2日，清河市：来了32名，增长4.1%，用时15天。")
    assert compare_facts(first, second) == FactComparison(
        shared=("清河市", "32人"),
        only_first=("7月1日", "3.2%"),
        only_second=("7月2日", "4.1%", "15天"),
        differing=("7月1日 / 7月2日", "3.2% / 4.1%"),
        contradicting=(("7月1日", "7月2日"), ("3.2%", "4.1%")),
        overlap=2 / 4,
    )


def test_numbers_differ_only_within_one_unit() -> None:
    found = compare_facts(extract_facts("", "共32人"), extract_facts("", "共45元"))
    assert found.differing == ()
    assert (found.only_first, found.only_second) == (("32人",), ("45元",))
    assert found.overlap == 0.0


def test_without_facts_there_is_no_overlap_to_judge() -> None:
    some = extract_facts("", "共32人")
    assert compare_facts((), ()).overlap is None
    assert compare_facts(some, ()).overlap is None
    assert compare_facts(some, some).overlap == 1.0


@given(FACTS, FACTS)
def test_comparing_is_a_partition_and_symmetric(first: list[Fact], second: list[Fact]) -> None:
    found, turned = compare_facts(first, second), compare_facts(second, first)
    keys = [{(each.kind, each.value) for each in facts} for facts in (first, second)]
    assert len(found.shared) == len(turned.shared) == len(keys[0] & keys[1])
    assert found.only_first == turned.only_second
    assert found.only_second == turned.only_first
    assert len(found.only_first) == len(keys[0] - keys[1])
    assert len(found.differing) == len(turned.differing)
    assert len(found.differing) <= min(len(found.only_first), len(found.only_second))
    assert found.overlap == turned.overlap
    if found.overlap is not None:
        assert found.overlap == len(found.shared) / min(map(len, keys))


@given(FACTS)
def test_an_article_differs_in_nothing_from_itself(facts: list[Fact]) -> None:
    found = compare_facts(facts, facts)
    assert found.only_first == found.only_second == found.differing == ()
    assert found.overlap == (1.0 if facts else None)


# Quotations, organisations, places


@pytest.mark.parametrize(
    ("text", "kind", "value"),
    [
        ("校长称这是“把课堂搬进果园”的第三年。", "quote", "把课堂搬进果园"),
        ("店主说「不涨价也不打烊」。", "quote", "不涨价也不打烊"),
        ('She called it "a very slow way to win" on Monday.', "quote", "a very slow way to win"),
        ("昨日，南坡果业有限公司回应称原料无异常。", "organisation", "南坡果业有限公司"),
        ("学生代表来自云岭农业大学，共二十人。", "organisation", "云岭农业大学"),
        ("这批果苗将运往哈萨克斯坦。", "place", "哈萨克斯坦"),
        ("内蒙古迎来今年首场雪。", "place", "内蒙古"),
        ("收于600519.SH的报价", "code", "600519.SH"),
        ("《果树苗木检疫办法》下月施行", "work", "果树苗木检疫办法"),
    ],
)
def test_what_is_quoted_and_who_and_where(text: str, kind: str, value: str) -> None:
    assert value in [found for _, found in read(text, kind)]


def test_a_word_set_off_is_no_quotation() -> None:
    assert read("所谓“慢活”并不慢。", "quote") == []


def test_what_stands_inside_a_quotation_is_read_too() -> None:
    assert ("32人", "32 人") in read("他说“一共来了32人”。", "number")


@pytest.mark.parametrize("text", ["大家一起动手", "两个办法", "一批果苗", "三次尝试", "一年到头"])
def test_a_manner_of_speaking_is_no_number(text: str) -> None:
    assert read(text, "number") == []


@pytest.mark.parametrize(
    ("text", "kind", "value"),
    [
        ("会议开了三个小时", "number", "3 小时"),
        ("会议开了3个小时", "number", "3 小时"),
        ("工期十八个月", "number", "18 月"),
        ("南坡果业（600519）发布公告", "code", "600519"),
        ("国家主席习近平在京会见来宾", "person", "习近平"),
        ("第三季度产量回升", "ordinal", "3季度"),
    ],
)
def test_spans_codes_and_offices(text: str, kind: str, value: str) -> None:
    assert value in [found for _, found in read(text, kind)]


def test_a_year_in_brackets_is_no_stock() -> None:
    assert read("（202406）", "code") == []
