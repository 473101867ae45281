"""Every text of the HTML pages, in English and in Chinese.

One table, so that a translator sees all of it; a test checks that no entry lacks a language.
Texts with braces are filled in by `str.format`.
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import Literal, get_args

Language = Literal["en", "zh"]
LANGUAGES: tuple[Language, ...] = get_args(Language)

_WORDING: Mapping[str, tuple[str, str]] = {
    "page_language": ("en", "zh-CN"),
    "no_title": ("(no title)", "（无标题）"),
    "first": ("First", "第一篇"),
    "second": ("Second", "第二篇"),
    "similarity": ("Similarity", "相似度"),
    "more_left_out": (
        "{count} more characters are not shown.",
        "另有 {count} 个字符未显示。",
    ),
    # Verdicts, and what an editor does about them.
    "verdict_same-text": ("Same text", "同一文本"),
    "verdict_same-story": ("Same story", "同一事件"),
    "verdict_related": ("Related", "相关"),
    "verdict_unrelated": ("Unrelated", "不相关"),
    "advice_same-text": ("Keep one, redirect the other.", "保留一篇，另一篇跳转。"),
    "advice_same-story": (
        "Merge them, or link one as “also covered”.",
        "合并，或互相标注“相关报道”。",
    ),
    "advice_related": ("Offer as “read also”.", "可作为“延伸阅读”推荐。"),
    "advice_unrelated": ("Nothing to do.", "无需处理。"),
    "relation_copy": ("The texts are copies of each other.", "两篇文字互为复制。"),
    "relation_contains": (
        "The first contains the second.",
        "第一篇包含第二篇的内容。",
    ),
    "relation_contained-in": (
        "The first is contained in the second.",
        "第一篇的内容被第二篇包含。",
    ),
    "relation_template": (
        "Both follow one template, with other facts.",
        "两篇套用同一模板，事实不同。",
    ),
    "relation_translation": (
        "One reads as a translation of the other.",
        "一篇可视为另一篇的译文。",
    ),
    "relation_other": ("", ""),
    # The waterfall.
    "why": ("How the evidence adds up", "证据如何累加"),
    "why_related": (
        "Log-odds that the two are at least related. From 0 on it is more likely than not.",
        "两篇至少“相关”的对数几率；大于 0 即可能性过半。",
    ),
    "why_same_story": (
        "Log-odds that the two tell the same story. From 0 on it is more likely than not.",
        "两篇属于“同一事件”的对数几率；大于 0 即可能性过半。",
    ),
    "why_same_text": (
        "Log-odds that the two are the same text. From 0 on it is more likely than not.",
        "两篇属于“同一文本”的对数几率；大于 0 即可能性过半。",
    ),
    "background": ("Nothing in common", "毫无共同之处"),
    "background_note": (
        "where two unrelated articles stand",
        "两篇无关文章的起点",
    ),
    "together": ("Together", "合计"),
    "part_meaning": ("Meaning", "语义"),
    "part_wording": ("Wording", "文字"),
    "part_titles": ("Titles", "标题"),
    "part_telling": ("Told by both", "互相印证"),
    "part_facts": ("Facts", "事实"),
    "part_dates": ("Dates", "日期"),
    "part_language": ("Language", "语言"),
    "part_missing": ("Missing evidence", "缺失的证据"),
    "note_meaning": ("cosine {cosine:.2f}", "余弦 {cosine:.2f}"),
    "note_wording": (
        "{containment:.0%} of the shorter text is in the longer, {resemblance:.0%} of both shared",
        "较短者有 {containment:.0%} 见于较长者，双方共有 {resemblance:.0%}",
    ),
    "note_titles": ("{title_overlap:.0%} in common", "重合 {title_overlap:.0%}"),
    "note_telling": (
        "what one article says of the other’s headline and lead",
        "一篇对另一篇标题和导语的覆盖",
    ),
    "note_facts": ("{fact_overlap:.0%} in common", "重合 {fact_overlap:.0%}"),
    "note_dates": ("{days_apart:.1f} days apart", "相隔 {days_apart:.1f} 天"),
    "note_language": ("the languages differ", "语言不同"),
    "note_missing": ("what could not be compared", "无法比较的部分"),
    "decided_duplicate": ("An editor decided: duplicates.", "编辑已裁定：重复。"),
    "decided_distinct": ("An editor decided: not duplicates.", "编辑已裁定：不重复。"),
    "rule_raised": (
        "The evidence gives {model}; raised to {similarity}, because {reason}.",
        "按证据为 {model}；{reason}，故提高到 {similarity}。",
    ),
    "rule_capped": (
        "The evidence gives {model}; capped at {similarity}, because {reason}.",
        "按证据为 {model}；{reason}，故限制为 {similarity}。",
    ),
    "rule_equal": ("the texts are equal", "两篇文字完全相同"),
    "rule_near_empty": ("one of the two has next to no text", "其中一篇几乎没有正文"),
    "rule_no_evidence": ("there is nothing to compare", "没有可比较的内容"),
    "rule_short": ("so short a text alone proves nothing", "正文太短，不足为凭"),
    "rule_language": ("the languages differ", "两篇语言不同"),
    "rule_part": (
        "one text is far shorter than the other",
        "一篇远短于另一篇",
    ),
    "rule_other": ("a rule stands above the evidence", "另有规则优先于证据"),
    # Facts.
    "facts": ("Facts", "事实"),
    "facts_contradicting": ("Facts that differ", "不一致的事实"),
    "facts_shared": ("In both", "两篇都有"),
    "facts_only_first": ("Only in the first", "仅第一篇有"),
    "facts_only_second": ("Only in the second", "仅第二篇有"),
    "facts_none": ("No facts were found in either.", "两篇均未发现可比较的事实。"),
    # The texts.
    "texts": ("Side by side", "逐段对照"),
    "passages": (
        "{count} shared passages: {first:.0%} of the first text, {second:.0%} of the second.",
        "共有段落 {count} 处：占第一篇 {first:.0%}，占第二篇 {second:.0%}。",
    ),
    "passage": (
        "1 shared passage: {first:.0%} of the first text, {second:.0%} of the second.",
        "共有段落 1 处：占第一篇 {first:.0%}，占第二篇 {second:.0%}。",
    ),
    "no_passages": ("The texts share no passage.", "两篇没有共有的段落。"),
    "legend_shared": ("in both (choose one to see the other)", "两篇共有（点击可定位到另一篇）"),
    "legend_only": ("a sentence of this text only", "仅本篇有的句子"),
    "legend_edited": ("changed in a shared sentence", "同一句中改动之处"),
    "legend_fact": ("a fact that differs", "不一致的事实"),
    "no_text": ("No text.", "没有正文。"),
}


def wording(language: Language) -> Mapping[str, str]:
    """All texts in one language, by name."""
    place = LANGUAGES.index(language)
    return {name: texts[place] for name, texts in _WORDING.items()}
