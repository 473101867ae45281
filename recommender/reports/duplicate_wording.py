"""Every text of the duplicate page, in English and in Chinese.

As `wording`, whose texts of a pair it takes over. Texts are filled in by the script of the page:
`{count}` and other names, nothing after a colon. A name that ends in `_one` is used for a count
of 1 in place of the name without; a test checks that no name that the script uses is missing.
"""

from __future__ import annotations

from collections.abc import Mapping

from recommender.reports.wording import LANGUAGES, Language, wording

_SHARED = ("verdict_", "why", "background", "together", "part_", "rule_", "legend_")
_SHARED_NAMES = (
    "page_language",
    "no_title",
    "similarity",
    "no_passages",
    "no_text",
    "facts_shared",
    "facts_only_first",
    "facts_only_second",
)

_WORDING: Mapping[str, tuple[str, str]] = {
    "report": ("Duplicate report", "重复稿件报告"),
    "skip": ("Skip to content", "跳到正文"),
    "opening": ("Opening the report …", "正在打开报告……"),
    "no_script": (
        "This report needs JavaScript; it loads nothing from anywhere.",
        "本报告需要启用 JavaScript；它不会从任何地方加载内容。",
    ),
    "other_language": ("中文", "English"),
    "articles": ("{count} articles", "共 {count} 篇文章"),
    "articles_one": ("1 article", "共 1 篇文章"),
    "since": ("groups with an article since {since}", "仅含 {since} 以来有新稿的组"),
    "by_wording": ("compared by wording only", "仅按文字比较"),
    "by_meaning": ("compared by wording and meaning", "按文字与语义比较"),
    "zone": ("times in {zone}", "时区 {zone}"),
    "tab_summary": ("Summary", "概览"),
    "tab_groups": ("Groups", "重复组"),
    "tab_maybe": ("Maybe", "存疑"),
    "tab_templates": ("Templates", "模板稿"),
    # The summary.
    "number_articles": ("Articles", "文章"),
    "number_articles_note": ("compared with each other", "参与比较"),
    "number_groups": ("Groups", "重复组"),
    "number_groups_note": ("of articles that tell one thing", "内容相同或同一事件"),
    "number_duplicates": ("To clean", "待清理"),
    "number_duplicates_note": (
        "beside those to keep, not settled yet",
        "除保留稿和已处理者以外的文章",
    ),
    "number_settled": ("Settled", "已处理"),
    "number_settled_note": ("groups an editor decided on before", "编辑此前已裁定的组"),
    "number_maybe": ("Maybe", "存疑"),
    "number_maybe_note": ("pairs worth a look", "值得复核的文章对"),
    "number_templates": ("Templates", "模板稿"),
    "number_templates_note": ("families of one form, other facts", "格式相同、事实不同的稿件族"),
    "picture_histogram": ("How similar the pairs are", "相似度分布"),
    "picture_histogram_note": (
        "Pairs by similarity; the lines are the thresholds.",
        "按相似度统计的文章对；竖线为阈值。",
    ),
    "picture_histogram_label": (
        "Histogram of the similarity of {count} pairs",
        "{count} 对文章的相似度直方图",
    ),
    "bar_pairs": ("{count} pairs from {from} to {to}", "{from} 至 {to}：{count} 对"),
    "bar_pairs_one": ("1 pair from {from} to {to}", "{from} 至 {to}：1 对"),
    "picture_months": ("Duplicates by month", "各月重复稿"),
    "picture_months_note": (
        "By date of publication. Choose a month to see its groups.",
        "按发布日期。点击月份查看相应的组。",
    ),
    "bar_month": ("{month}: {count} duplicates", "{month}：{count} 篇重复稿"),
    "bar_month_one": ("{month}: 1 duplicate", "{month}：1 篇重复稿"),
    "undated": ("{count} duplicates have no date.", "另有 {count} 篇没有日期。"),
    "undated_one": ("1 duplicate has no date.", "另有 1 篇没有日期。"),
    "picture_categories": ("Duplicates by category", "各栏目重复稿"),
    "picture_categories_note": (
        "Choose a category to see its groups.",
        "点击栏目查看相应的组。",
    ),
    "picture_biggest": ("Biggest groups", "最大的组"),
    "picture_biggest_note": (
        "Articles in a group. Choose one to open it.",
        "组内文章数。点击打开该组。",
    ),
    "no_category": ("(no category)", "（无栏目）"),
    "nothing_to_show": ("Nothing to show.", "暂无数据。"),
    "about": ("How to read this report", "如何阅读本报告"),
    "about_groups": (
        (
            "Every article of a group is a near-duplicate of the one to keep; there are no chains "
            "from one to the next. Near-duplicates that fit no common group are under “Maybe”."
        ),
        (
            "组内每篇文章都与保留稿近似重复，不会由甲到乙、由乙到丙辗转相连。"
            "近似重复但未能归入同一组的文章对列在“存疑”中。"
        ),
    ),
    "about_policy": (
        "Which article is kept is decided by the first of these that tells them apart: {order}.",
        "保留哪一篇，由下列标准中最先能区分者决定：{order}。",
    ),
    "about_marks": (
        (
            "Your marks stay in this browser. Export them when you are done and have them applied "
            "with “recommender decide decisions.json”."
        ),
        "标记保存在本浏览器中。完成后请导出，并用“recommender decide decisions.json”写入索引。",
    ),
    "about_bodies": (
        "This file was made without the texts of the articles.",
        "本文件未包含文章正文。",
    ),
    "about_lexical": (
        (
            "This report was made from wording alone, without keeping the texts of the articles. "
            "Build an index to compare them side by side."
        ),
        "本报告仅按文字比较生成，未保留文章正文。建立索引后可逐段对照。",
    ),
    # Filters.
    "search": ("Search", "搜索"),
    "search_hint": ("Title, id or address", "标题、编号或网址"),
    "filters": ("Filters", "筛选"),
    "any": ("All", "全部"),
    "without": ("(none)", "（无）"),
    "filter_verdict": ("Verdict", "判定"),
    "filter_status": ("Status", "状态"),
    "filter_category": ("Category", "栏目"),
    "filter_month": ("Month", "月份"),
    "filter_language": ("Language", "语言"),
    "filter_source": ("Source", "来源"),
    "filter_least": ("Similarity at least", "相似度不低于"),
    "filter_sort": ("Order", "排序"),
    "filter_reason": ("Reason", "原因"),
    "filter_pair_status": ("Status", "状态"),
    "sort_size": ("Biggest first", "组由大到小"),
    "sort_similarity": ("Closest first", "最相似在前"),
    "sort_weakest": ("Weakest first", "最不相似在前"),
    "sort_newest": ("Newest first", "最新在前"),
    "status_open": ("Open", "待处理"),
    "status_begun": ("Partly marked", "部分已标记"),
    "status_marked": ("Marked", "已标记"),
    "status_settled": ("Settled", "已处理"),
    "language_zh": ("Chinese", "中文"),
    "language_en": ("English", "英文"),
    "language_ja": ("Japanese", "日文"),
    "found_groups": ("{count} of {all} groups", "{all} 组中的 {count} 组"),
    "found_groups_one": ("1 of {all} groups", "{all} 组中的 1 组"),
    "all_groups": ("Show all groups", "显示全部组"),
    "no_filters": ("Clear filters", "清除筛选"),
    # A group.
    "group_size": ("{count} articles", "{count} 篇"),
    "group_weakest": ("lowest similarity {similarity}", "最低相似度 {similarity}"),
    "kept": ("Keep", "保留"),
    "because": ("Kept because: {reason}", "保留理由：{reason}"),
    "because_chosen": ("Kept because you chose it", "保留理由：由您选定"),
    "because_pinned": ("pinned", "已置顶"),
    "because_own": ("own article", "本社稿件"),
    "because_earliest": ("published first", "发布最早"),
    "because_longest": ("longest", "篇幅最长"),
    "because_most-visited": ("most visited", "访问最多"),
    "because_smallest-id": ("smallest id", "编号最小"),
    "because_nearest": ("nearest to all the others", "与其余各篇都最接近"),
    "kept_by_report": ("the one the report would keep", "报告原定的保留稿"),
    "of_the_reports": (
        "measured against the one the report would keep",
        "与报告原定的保留稿相比",
    ),
    "more_members": ("Show {count} more", "再显示 {count} 篇"),
    "fewer": ("Show fewer", "收起"),
    "loose": (
        (
            "{count} pairs of these are near-duplicates only of the article to keep, "
            "not of each other."
        ),
        "其中 {count} 对仅与保留稿近似重复，彼此之间并不重复。",
    ),
    "loose_one": (
        "Two of these are near-duplicates only of the article to keep, not of each other.",
        "其中有两篇仅与保留稿近似重复，彼此之间并不重复。",
    ),
    "member_relation_copy": ("a copy", "复制稿"),
    "member_relation_contains": ("is part of the one to keep", "内容包含在保留稿中"),
    "member_relation_contained-in": ("contains the one to keep", "包含保留稿的内容"),
    "member_relation_template": ("same template, other facts", "同一模板，事实不同"),
    "member_relation_translation": ("reads as a translation", "可视为译文"),
    "pair_relation_copy": ("copies of each other", "互为复制"),
    "pair_relation_contains": ("the first contains the second", "第一篇包含第二篇"),
    "pair_relation_contained-in": ("the second contains the first", "第二篇包含第一篇"),
    "pair_relation_template": ("same template, other facts", "同一模板，事实不同"),
    "pair_relation_translation": ("one reads as a translation", "一篇可视为另一篇的译文"),
    "access_members": ("members only", "仅会员可见"),
    "access_hidden": ("hidden", "已隐藏"),
    # Evidence in a few words.
    "same_text": ("equal text", "文字完全相同"),
    "containment": ("{share} of the shorter text in common", "较短者有 {share} 相同"),
    "same_title": ("equal title", "标题相同"),
    "titles": ("titles {share} alike", "标题重合 {share}"),
    "facts_common": ("{share} of facts in common", "事实重合 {share}"),
    "same_time": ("at the same time", "同时发布"),
    "hours_apart": ("{count} hours apart", "相隔 {count} 小时"),
    "hours_apart_one": ("1 hour apart", "相隔 1 小时"),
    "days_apart": ("{count} days apart", "相隔 {count} 天"),
    "other_languages": ("in two languages", "语言不同"),
    # Marks.
    "mark_merge": ("Merge", "合并"),
    "mark_keep": ("Keep both", "都保留"),
    "mark_distinct": ("Not a duplicate", "不重复"),
    "mark_merge_note": (
        "A duplicate: redirect it to the one to keep.",
        "重复：跳转到保留稿。",
    ),
    "mark_keep_note": (
        "A duplicate, but both stay on the site.",
        "重复，但两篇都留在网站上。",
    ),
    "mark_distinct_note": (
        "No duplicate: the two are not listed together again.",
        "不重复：今后不再列为一组。",
    ),
    "mark_label": ("Your mark on “{title}”", "对“{title}”的标记"),
    "mark_pair_label": ("Your mark on these two", "对这两篇的标记"),
    "all_merge": ("Merge all", "全部合并"),
    "all_keep": ("Keep all", "全部保留"),
    "all_distinct": ("None is a duplicate", "均不重复"),
    "whole_group": ("The whole group", "整组"),
    "keep_instead": ("Keep this one instead", "改为保留此篇"),
    "keep_instead_label": ("Keep “{title}” instead", "改为保留“{title}”"),
    "would_keep": ("To keep if merged", "合并时保留此篇"),
    "compare": ("Compare", "对照"),
    "pair_label": ("“{first}” and “{second}”", "“{first}”与“{second}”"),
    "compare_pair_label": (
        "Compare “{first}” with “{second}”",
        "将“{first}”与“{second}”对照",
    ),
    "compare_label": ("Compare “{title}” with the one to keep", "将“{title}”与保留稿对照"),
    "settled_duplicate": ("Decided: duplicates", "已裁定：重复"),
    "settled_distinct": ("Decided: not duplicates", "已裁定：不重复"),
    "settled_merge": ("Decided: merge", "已裁定：合并"),
    "settled_keep": ("Decided: keep both", "已裁定：都保留"),
    "settled_decided": ("Decided", "已裁定"),
    "note": ("Note", "备注"),
    "undo": ("Undo", "撤销"),
    "undone": ("The last change is undone.", "已撤销上一步。"),
    "progress": ("{groups} of {all} groups marked", "已标记 {all} 组中的 {groups} 组"),
    "decided": ("{count} decisions", "{count} 项裁定"),
    "decided_one": ("1 decision", "1 项裁定"),
    "earlier": (
        "{count} of them from an earlier report",
        "其中 {count} 项来自此前的报告",
    ),
    "earlier_one": ("1 of them from an earlier report", "其中 1 项来自此前的报告"),
    "settled_groups": ("{count} settled before", "此前已处理 {count} 组"),
    "not_exported": ("not exported yet", "尚未导出"),
    "your_name": ("Your name", "您的姓名"),
    "export": ("Export", "导出裁定"),
    "import": ("Import", "导入"),
    "exported": ("{count} decisions exported.", "已导出 {count} 项裁定。"),
    "exported_one": ("1 decision exported.", "已导出 1 项裁定。"),
    "nothing_marked": ("Nothing is marked yet.", "尚未标记任何内容。"),
    "imported": ("{count} decisions imported.", "已导入 {count} 项裁定。"),
    "imported_one": ("1 decision imported.", "已导入 1 项裁定。"),
    "not_here": (
        "{count} others are about no pair of this report.",
        "另有 {count} 项不属于本报告中的文章对。",
    ),
    "not_here_one": (
        "1 other is about no pair of this report.",
        "另有 1 项不属于本报告中的文章对。",
    ),
    "not_decisions": (
        "This is no file of decisions as this page exports it.",
        "这不是本页面导出的裁定文件。",
    ),
    # Side by side.
    "side_by_side": ("Side by side", "逐段对照"),
    "back": ("Back", "返回"),
    "next": ("Next", "下一篇"),
    "previous": ("Previous", "上一篇"),
    "position": ("{place} of {all}", "第 {place} / {all} 篇"),
    "first": ("First", "第一篇"),
    "second": ("Second", "第二篇"),
    "facts_differ_note": ("The first text ≠ the second text", "第一篇 ≠ 第二篇"),
    "facts_differ": ("{count} facts differ", "{count} 处事实不一致"),
    "facts_differ_one": ("1 fact differs", "1 处事实不一致"),
    "passages": (
        "{count} shared passages: {first} of the first text, {second} of the second.",
        "共有段落 {count} 处：占第一篇 {first}，占第二篇 {second}。",
    ),
    "passages_one": (
        "1 shared passage: {first} of the first text, {second} of the second.",
        "共有段落 1 处：占第一篇 {first}，占第二篇 {second}。",
    ),
    "show_partner": ("Show it in the other text", "在另一篇中定位"),
    "no_comparison": (
        "The two were not compared in detail for this report.",
        "本报告未包含这两篇的详细对照。",
    ),
    "no_marks": (
        "The two texts, without marks: they were not compared in detail for this report.",
        "两篇正文如下；本报告未包含其详细对照，故无标记。",
    ),
    "marks_do_not_fit": (
        "The texts are not those that were compared; nothing is marked in them.",
        "正文与比较时的版本不同，故未作标记。",
    ),
    "text_left_out": ("The texts were left out of this file.", "本文件未包含正文。"),
    "no_pair": ("These two are no pair of this report.", "这两篇不是本报告中的文章对。"),
    # Doubtful pairs, and templates.
    "maybe_intro": (
        (
            "These pairs may be duplicates but are in no group together. Look at them if you have "
            "the time; nothing happens to them by itself."
        ),
        "这些文章对可能重复，但未归入同一组。有时间可以看一看；系统不会自动处理。",
    ),
    "found_pairs": ("{count} of {all} pairs", "{all} 对中的 {count} 对"),
    "found_pairs_one": ("1 of {all} pairs", "{all} 对中的 1 对"),
    "reason_bridge": ("Near-duplicates that fit no common group", "近似重复，但未能归入同一组"),
    "reason_bridge_note": (
        "The two are near-duplicates, but a group with both would hold articles that are not.",
        "这两篇近似重复，但若归入同一组，组内会出现彼此不重复的文章。",
    ),
    "reason_below": ("A little below the threshold", "略低于阈值"),
    "reason_below_note": (
        "The similarity is a little too low for one story.",
        "相似度略低于判为同一事件的阈值。",
    ),
    "reason_heading": ("Under a heading of many articles", "栏目式标题"),
    "reason_heading_note": (
        (
            "One of the titles heads many different articles, as “News in brief”: that both tell "
            "the same story cannot be told from it."
        ),
        "其中一个标题被许多不同的文章共用（如“简讯”），无法据此判断两篇是否报道同一事件。",
    ),
    "reason_language": ("In two languages", "语言不同"),
    "reason_language_note": (
        "Neither can stand in place of the other.",
        "语言不同，不能互相替代。",
    ),
    "templates_intro": (
        (
            "Articles of one form with other facts: daily bulletins, notices, tables. They are no "
            "duplicates."
        ),
        "格式相同而事实不同的稿件：每日快报、公告、榜单等。它们不是重复稿。",
    ),
    "found_templates": ("{count} of {all} families", "{all} 族中的 {count} 族"),
    "found_templates_one": ("1 of {all} families", "{all} 族中的 1 族"),
    "family_size": ("{count} articles of one form", "同一格式 {count} 篇"),
    "family_members": ("Show the {count} others", "显示其余 {count} 篇"),
    "family_members_one": ("Show the other one", "显示另一篇"),
}


def duplicate_wording(language: Language) -> Mapping[str, str]:
    """All texts of the page in one language, by name."""
    place = LANGUAGES.index(language)
    shared = {
        name: text
        for name, text in wording(language).items()
        if (name.startswith(_SHARED) and not name.endswith("_note")) or name in _SHARED_NAMES
    }
    return {**shared, **{name: texts[place] for name, texts in _WORDING.items()}}
