"""Edits of real articles whose verdict is known by construction, for fitting and for checks.

Nothing made here is written anywhere: articles come in, altered articles go out, in memory. The
same seed gives the same edits.
"""

from __future__ import annotations

import re
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, replace
from datetime import timedelta

import numpy as np

from recommender.facts import Fact, extract_facts
from recommender.records import Article
from recommender.text import sentences

SHORTEST, LONGEST = 150, 1_500
_SWAPPED = ("number", "ordinal", "date", "time", "person", "name", "place")
_DIGITS = re.compile(r"\d+(?:\.\d+)?")
_CHINESE_DIGITS = "一二三四五六七八九"
_SURNAMES = "王李张刘陈杨黄赵周吴徐孙胡朱高林何郭马罗"
_GIVEN = "建国志强晓明丽华文博海涛雪梅振宇佳琪立新"
_PROVINCES = ("河北", "江苏", "福建", "湖南", "四川", "云南", "甘肃", "辽宁", "安徽", "贵州")
# Words that an editor puts for one another.
_SYNONYMS = {
    "表示": "称", "指出": "谈到", "认为": "觉得", "介绍": "说明", "目前": "眼下", "近日": "日前",
    "此前": "早前", "举行": "举办", "开展": "进行", "推动": "促进", "加强": "强化",
    "提升": "提高", "增长": "上升", "下降": "减少", "超过": "逾", "达到": "达", "约": "大约",
    "重要": "关键", "问题": "难题", "发布": "公布", "宣布": "对外公布", "参加": "出席",
    "协助": "帮助", "导致": "造成", "因为": "由于", "但是": "不过", "同时": "与此同时",
    "通过": "借助", "全国": "全国范围内", "记者": "本报记者", "启动": "开始", "建设": "兴建",
    "实现": "达成", "明显": "显著", "持续": "不断", "预计": "估计", "首次": "第一次",
    "工作人员": "员工", "发现": "查明", "希望": "期望",
}  # fmt: skip
_PLACES = ("临江市", "东平县", "清河县", "安岭市", "白沙县", "松原省", "云台市", "南浦县")


@dataclass(frozen=True, slots=True)
class Edit:
    """An article and what was made of it.

    Attributes
    ----------
    kind : str
        "cut", "extend", "reorder", "retitle", "renumber", "paraphrase", "template", "digest".
    grade : int
        4 same text, 3 same story at the least, 2 related at the most.
    """

    kind: str
    grade: int
    original: Article
    edited: Article


Editor = Callable[[Article, Sequence[Article], np.random.Generator], Article | None]


def cut(article: Article, others: Sequence[Article], generator: np.random.Generator) -> Article:
    """The first part of it: an editor's shorter version."""
    kept = sentences(article.body)
    share = generator.uniform(0.55, 0.85)
    return replace(article, body="".join(kept[: max(2, round(share * len(kept)))]))


def extend(article: Article, others: Sequence[Article], generator: np.random.Generator) -> Article:
    """With some background from another article at its end."""
    other = others[int(generator.integers(len(others)))]
    extra = "".join(sentences(other.body))[: int(generator.uniform(0.1, 0.35) * len(article.body))]
    return replace(article, body=f"{article.body}\n{extra}")


def reorder(article: Article, others: Sequence[Article], generator: np.random.Generator) -> Article:
    """Its sentences after the lead in another order."""
    lead, *rest = sentences(article.body)
    order = generator.permutation(len(rest))
    return replace(article, body="".join([lead, *(rest[place] for place in order)]))


def retitle(
    article: Article, others: Sequence[Article], generator: np.random.Generator
) -> Article | None:
    """Under a headline that another sentence of it makes."""
    found = [each for each in sentences(article.body)[1:8] if 10 <= len(each) <= 40]
    if not found:
        return None
    return replace(article, title=found[int(generator.integers(len(found)))].rstrip("。！？"))


def renumber(
    article: Article, others: Sequence[Article], generator: np.random.Generator
) -> Article | None:
    """With large numbers written in another unit of the same value."""
    body = re.sub(
        r"(\d+(?:\.\d+)?)万(?=[人吨元户台辆])",
        lambda match: f"{float(match[1]) * 10_000:.0f}",
        article.body,
    )
    body = re.sub(r"(\d+(?:\.\d+)?)万亿元", lambda m: f"{float(m[1]) * 10_000:g}亿元", body)
    return replace(article, body=body) if body != article.body else None


def paraphrase(
    article: Article, others: Sequence[Article], generator: np.random.Generator
) -> Article | None:
    """With most words that have a synonym exchanged, and some sentences joined or parted."""
    found = [word for word in _SYNONYMS if word in article.body]
    chosen = {word: _SYNONYMS[word] for word in found if generator.random() < 0.8}
    if len(chosen) < 4:
        return None
    swap = _swapper(chosen)
    pieces = [
        each[:-1] + "，" if each.endswith("。") and generator.random() < 0.3 else each
        for each in sentences(swap(article.body))
    ]
    return replace(article, title=swap(article.title), body="".join(pieces))


def template(
    article: Article, others: Sequence[Article], generator: np.random.Generator
) -> Article | None:
    """The same form filled in for another case: other numbers, days, persons and places."""
    swaps: dict[str, str] = {}
    for fact in extract_facts(article.title, article.body):
        if fact.kind in _SWAPPED and fact.text not in swaps and generator.random() < 0.85:
            swaps[fact.text] = _other(fact, generator)
    if len(swaps) < 2 or not any(text in article.title for text in swaps):
        return None
    swap = _swapper(swaps)
    days = int(generator.choice([0, 0, 1, 2, 7, 30, 90, 365]))
    date = article.date + timedelta(days=days) if article.date is not None else None
    return replace(article, title=swap(article.title), body=swap(article.body), date=date)


def digest(article: Article, others: Sequence[Article], generator: np.random.Generator) -> Article:
    """A round-up that holds most of it among other news."""
    places = generator.choice(len(others), 5, replace=False)
    items = ["".join(sentences(others[place].body)[:5]) for place in places]
    items.insert(int(generator.integers(6)), "".join(sentences(article.body)))
    title = "、".join(others[place].title[:12] for place in places[:2])
    return replace(article, title=f"新闻早班车：{title}", body="\n".join(items))


def _other(fact: Fact, generator: np.random.Generator) -> str:
    """Another value for a fact, in the same form."""
    if fact.kind == "person":
        given = generator.choice(list(_GIVEN), max(1, len(fact.text) - 1))
        return str(generator.choice(list(_SURNAMES))) + "".join(given)
    if fact.kind == "place":
        return str(generator.choice(_PROVINCES))
    if fact.kind == "name":
        return str(generator.choice(_PLACES)) if fact.text[-1] in "省市县" else fact.text
    text = _DIGITS.sub(lambda match: _other_number(match[0], generator), fact.text)
    if text == fact.text:
        text = re.sub(
            f"[{_CHINESE_DIGITS}]", lambda _: str(generator.choice(list(_CHINESE_DIGITS))), text
        )
    return text


def _other_number(digits: str, generator: np.random.Generator) -> str:
    whole, _, decimals = digits.partition(".")
    value = int(whole) + int(generator.integers(1, max(2, int(whole) // 2 + 2)))
    if int(whole) <= 31:
        value = 1 + (value - 1) % 12
    fraction = "".join(str(generator.integers(10)) for _ in decimals)
    return f"{value}.{fraction}" if decimals else str(value)


def _swapper(swaps: Mapping[str, str]) -> Callable[[str], str]:
    pattern = re.compile("|".join(map(re.escape, sorted(swaps, key=len, reverse=True))))
    return lambda text: pattern.sub(lambda match: swaps[match[0]], text)


EDITORS: Mapping[str, tuple[int, Editor]] = {
    "cut": (4, cut),
    "extend": (4, extend),
    "reorder": (4, reorder),
    "retitle": (4, retitle),
    "renumber": (4, renumber),
    "paraphrase": (4, paraphrase),
    "template": (2, template),
    "digest": (3, digest),
}


def edits(articles: Sequence[Article], *, each: int, seed: int = 11) -> list[Edit]:
    """Up to `each` edits of every kind, of articles drawn for it."""
    generator = np.random.default_rng(seed)
    fit = [one for one in articles if SHORTEST <= len(one.body) <= LONGEST and one.title]
    made: list[Edit] = []
    for kind, (grade, editor) in EDITORS.items():
        count = 0
        for place in generator.permutation(len(fit)):
            if count == each:
                break
            original = fit[place]
            edited = editor(original, fit, generator)
            if edited is not None and len(sentences(original.body)) >= 4:
                edited = replace(edited, id=f"{original.id}/{kind}")
                made.append(Edit(kind, grade, original, edited))
                count += 1
    return made
