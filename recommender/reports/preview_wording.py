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
    "today": ("Today, reconstructed", "目前（推算）"),
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
    "reconstructed": (
        (
            "Today’s boxes are reconstructed, not read from the pages of the site: they are made "
            "of {basis}, as content systems usually do it. {itself} If the site does it "
            "otherwise, what stands under “Today” does not hold for it."
        ),
        (
            "“目前”一栏是推算的，并非取自网站页面：按内容系统的通常做法，由{basis}组成。{itself}"
            "如果贵站的做法不同，这一栏的内容和数字就不适用。"
        ),
    ),
    "basis_tags": ("the newest articles that share a tag", "同标签的最新文章"),
    "basis_category": ("the newest articles of the same category", "同栏目的最新文章"),
    "basis_latest": ("the newest articles of the site", "全站最新文章"),
    "itself_in": (
        "Like a plain list of such a system, they do not leave out the article itself.",
        "与这类系统的普通列表一样，没有排除文章自己。",
    ),
    "itself_out": ("The article itself is left out.", "已排除文章自己。"),
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
    "free_places_none": (
        (
            "Places are left free on purpose: no list is padded with articles that do not fit. If "
            "full boxes are wanted, the newest articles can take the free places, marked as such."
        ),
        (
            "空位是有意保留的：宁可少列，也不用无关文章凑数。如果希望每栏都列满，"
            "可以用最新文章补足，并加以标明。"
        ),
    ),
    "free_places_latest": (
        (
            "Where too few articles fit, the newest of all take the free places, marked as such; "
            "the numbers count them too."
        ),
        "合适的文章不够时，用全站最新文章补足，并加以标明；上面的数字也包括这些文章。",
    ),
    "free_places_category": (
        (
            "Where too few articles fit, the newest of the same category take the free places, "
            "marked as such; the numbers count them too."
        ),
        "合适的文章不够时，用同栏目的最新文章补足，并加以标明；上面的数字也包括这些文章。",
    ),
    "trial": (
        "From a trial with {articles} articles; with all of them ours finds more that fits.",
        "本次试算只用了 {articles} 篇文章；使用全部文章时能找到更多相关内容。",
    ),
    "examples": ("Examples", "示例"),
    "kind_twice": ("Today’s box tells one story more than once", "目前的栏目重复报道同一事件"),
    "kind_unrelated": ("Today’s box holds what is unrelated", "目前的栏目里有无关文章"),
    "kind_short": ("Ours is short, and says so", "我们的列表较短，并说明原因"),
    "kind_filled": (
        "Ours is filled up with newest articles, and says so",
        "我们的列表用最新文章补足，并加以标明",
    ),
    "kind_alike": ("The boxes share {overlap}", "两边有 {overlap} 篇相同"),
    "kind_different": ("The boxes share nothing", "两边没有相同的文章"),
    "mark_itself": ("the article itself", "就是本文"),
    "mark_again": ("the same story as this article", "与本文是同一事件"),
    "mark_twin": ("the same story as no. {place}", "与第 {place} 条是同一事件"),
    "mark_unrelated": ("unrelated", "无关"),
    "mark_covered": ("{count} more tell this story", "另有 {count} 篇讲同一事件，已略去"),
    "mark_covered_one": ("1 more tells this story", "另有 1 篇讲同一事件，已略去"),
    "mark_fills_latest": ("newest, only fills the place", "最新文章，仅作补位"),
    "mark_fills_category": (
        "newest of the category, only fills the place",
        "同栏目最新文章，仅作补位",
    ),
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
