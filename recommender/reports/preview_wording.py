"""Every text of the preview page, in English and in Chinese; as `wording`."""

from __future__ import annotations

from collections.abc import Mapping

from recommender.reports.wording import LANGUAGES, Language, wording

_WORDING: Mapping[str, tuple[str, str]] = {
    "title": ("Related boxes, today and with recommender", "相关文章栏：目前与换用后对照"),
    "skip": ("Skip to the examples", "跳到示例"),
    "lead": (
        "A dry run over your own articles. Nothing on the site has changed.",
        "对贵站文章的试算，网站上的内容没有任何改动。",
    ),
    "today": ("Today", "目前"),
    "ours": ("With recommender", "换用后"),
    "how_tags": (
        "newest articles that share a tag, {limit} places",
        "同标签的最新文章，{limit} 个位置",
    ),
    "how_category": (
        "newest articles of the same category, {limit} places",
        "同栏目的最新文章，{limit} 个位置",
    ),
    "how_latest": ("newest articles of the site, {limit} places", "全站最新文章，{limit} 个位置"),
    "how_ours": (
        "closest articles, each story once, up to {limit}",
        "内容最相关的文章，同一事件只出现一次，至多 {limit} 篇",
    ),
    "numbers": ("What the boxes hold", "栏目里有什么"),
    "numbers_lead": (
        "The {judged} newest articles were looked at. In how many of their boxes is …",
        "共检查最新的 {judged} 篇文章。其中多少篇的栏目里出现……",
    ),
    "numbers_caption": (
        "Boxes with each fault, today and with recommender",
        "出现各类问题的栏目数：目前与换用后",
    ),
    "count_itself": ("the article itself", "文章自己"),
    "count_again": (
        "the story that the reader has just read, told again",
        "读者刚读过的同一事件的另一篇",
    ),
    "count_twice": ("one story told twice, side by side", "同一事件的两篇并排出现"),
    "count_unrelated": ("an article that is unrelated", "与本文无关的文章"),
    "count_short": ("a free place", "空位"),
    "of_boxes": ("{count} ({share})", "{count} 篇（{share}）"),
    "judged_by": (
        (
            "Related means: similarity {least} or more on recommender’s own scale, which judged "
            "both boxes alike. It can err: the titles below are for you to judge."
        ),
        (
            "“相关”指 recommender 相似度不低于 {least}；两边按同一标准判断。它也可能出错，"
            "请看下面的标题自行判断。"
        ),
    ),
    "free_places": (
        (
            "A free place is meant: a short list is not padded with articles that do not fit. It "
            'can be filled up with the newest, marked as such (fill = "latest").'
        ),
        (
            "空位是有意保留的：宁可少列，也不用无关文章凑数。需要时可用最新文章补足并加以标明"
            '（fill = "latest"）。'
        ),
    ),
    "trial": (
        "From a trial with {articles} articles; with all of them ours finds more that fits.",
        "本次试算只用了 {articles} 篇文章；使用全部文章时能找到更多相关内容。",
    ),
    "examples": ("Examples", "示例"),
    "kind_twice": ("Today’s box tells one story more than once", "目前的栏目重复报道同一事件"),
    "kind_unrelated": ("Today’s box holds what is unrelated", "目前的栏目里有无关文章"),
    "kind_short": ("Ours is short, and says so", "我们的列表较短，并说明原因"),
    "kind_alike": ("The boxes share {overlap}", "两边有 {overlap} 篇相同"),
    "kind_different": ("The boxes share nothing", "两边没有相同的文章"),
    "mark_itself": ("the article itself", "就是本文"),
    "mark_again": ("the same story as this article", "与本文是同一事件"),
    "mark_twin": ("the same story as no. {place}", "与第 {place} 条是同一事件"),
    "mark_unrelated": ("unrelated", "无关"),
    "mark_covered": ("{count} more tell this story", "另有 {count} 篇讲同一事件，已略去"),
    "mark_covered_one": ("1 more tells this story", "另有 1 篇讲同一事件，已略去"),
    "similarity_of": ("similarity {value}", "相似度 {value}"),
    "empty_today": ("The box is empty.", "栏目为空。"),
    "short_none": (
        "No article fits: none reaches similarity {least}.",
        "没有合适的文章：无一达到相似度 {least}。",
    ),
    "short_some": (
        "{count} of {limit}: no other article reaches similarity {least}.",
        "{limit} 个位置列出 {count} 篇：没有其他文章达到相似度 {least}。",
    ),
    "no_examples": ("There are no articles to show.", "没有可展示的文章。"),
    "zone": ("Dates in {zone}.", "日期时区：{zone}。"),
}
_SHARED = ("page_language", "no_title")


def preview_wording(language: Language) -> Mapping[str, str]:
    """All texts in one language, by name."""
    place = LANGUAGES.index(language)
    shared = wording(language)
    own = {name: texts[place] for name, texts in _WORDING.items()}
    return {**{name: shared[name] for name in _SHARED}, **own}
