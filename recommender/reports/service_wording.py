"""Every text of the service's page, in English and in Chinese; as `wording`.

Takes over what `wording` says of a pair. A name that ends in `_one` is used for a count of 1 in
place of the name without.
"""

from __future__ import annotations

from collections.abc import Mapping
from functools import cache
from types import MappingProxyType

from recommender.reports.wording import LANGUAGES, Language, wording

_SHARED = ("verdict_", "decided_", "legend_", "facts_contradicting")
_SHARED_NAMES = (
    "page_language",
    "no_title",
    "similarity",
    "more_left_out",
    "no_passages",
    "no_text",
)

_WORDING: Mapping[str, tuple[str, str]] = {
    # The frame.
    "name": ("Related & duplicates", "相关与查重"),
    "skip": ("Skip to content", "跳到正文"),
    "sections": ("Sections", "栏目"),
    "nav_search": ("Find an article", "查找文章"),
    "nav_draft": ("Check a draft", "检查草稿"),
    "other_language": ("中文", "English"),
    "other_language_tag": ("zh-CN", "en"),
    "sign_out": ("Sign out", "退出"),
    "opening": ("Opening …", "正在打开……"),
    # Signing in.
    "sign_in": ("Sign in", "登录"),
    "sign_in_lead": (
        "The related box and the check for duplicates, for editors.",
        "供编辑查看相关文章、检查重复稿件。",
    ),
    "token": ("Access token", "访问令牌"),
    "token_hint": (
        (
            "Whoever runs the service has it. This browser stays signed in for {hours} hours, or "
            "until you sign out."
        ),
        "向服务管理员索取。登录后本浏览器保持登录 {hours} 小时，也可提前退出。",
    ),
    "token_hint_one": (
        (
            "Whoever runs the service has it. This browser stays signed in for {hours} hour, or "
            "until you sign out."
        ),
        "向服务管理员索取。登录后本浏览器保持登录 {hours} 小时，也可提前退出。",
    ),
    "token_wrong": (
        "This is not the token. Look for a missing or an extra character.",
        "令牌不正确，请检查是否多了或少了字符。",
    ),
    "token_often": (
        "Too many tries. Wait a minute, then try again.",
        "尝试次数过多，请等一分钟再试。",
    ),
    "token_empty": ("Enter the token.", "请输入令牌。"),
    # Finding an article.
    "search": ("Title, id or address", "标题、编号或网址"),
    "search_button": ("Find", "查找"),
    "found": ("{count} articles found", "找到 {count} 篇文章"),
    "found_one": ("1 article found", "找到 1 篇文章"),
    "found_many": (
        "The first {count} articles; more words narrow it down",
        "仅列出前 {count} 篇；多输入几个词可缩小范围",
    ),
    "found_none": ("No article is called “{query}”.", "没有找到“{query}”。"),
    "found_none_hint": (
        "Try fewer words of the title, or the id as the CMS shows it.",
        "请减少标题中的词，或输入 CMS 中显示的编号。",
    ),
    "start_title": (
        "What goes with an article, and what repeats it",
        "查相关，查重复",
    ),
    "start_lead": (
        (
            "Find an article to see its related box as readers get it, and every article that "
            "has the same text or tells the same story."
        ),
        "查找一篇文章，即可看到读者将看到的相关文章栏，以及文字相同或报道同一事件的其他文章。",
    ),
    "start_draft": (
        "Not published yet? Check the draft before it goes out.",
        "还没发布？发布前先检查草稿。",
    ),
    "articles_held": ("{count} articles are in the index.", "索引中共有 {count} 篇文章。"),
    "articles_held_one": ("1 article is in the index.", "索引中共有 1 篇文章。"),
    "not_public": ("readers do not see it", "读者不可见"),
    "subject_not_public": (
        "Readers do not see this article now, so it is in no related box.",
        "读者目前看不到这篇文章，它不会出现在任何相关文章栏中。",
    ),
    "id": ("id", "编号"),
    "zone": ("Dates in {zone}.", "日期时区：{zone}。"),
    # Thresholds.
    "cuts": ("Thresholds", "阈值"),
    "cut_same_text": ("Same text from", "同一文本 ≥"),
    "cut_same_story": ("Same story from", "同一事件 ≥"),
    "cut_related": ("Related from", "相关 ≥"),
    "cuts_apply": ("Apply", "应用"),
    "cuts_reset": ("Back to those in force", "恢复现行阈值"),
    "cuts_note": (
        "Move them and the lists below follow. Only you see it: nothing is saved.",
        "移动阈值，下方列表随即变化。仅本页可见，不会保存。",
    ),
    "cuts_note_typed": (
        "Change them, then press the button. Only you see it: nothing is saved.",
        "修改阈值后，请点按钮更新下方列表。仅本页可见，不会保存。",
    ),
    # The answer.
    "computing": ("Computing …", "正在计算……"),
    "scale_dots": (
        "Each dot is an article: the further right, the more similar.",
        "每个圆点代表一篇文章，越靠右越相似。",
    ),
    "answer": ("Result", "结果"),
    "scale": (
        "Similarity of the {count} closest articles, from 0 to 1, with the thresholds",
        "最接近的 {count} 篇文章的相似度（0 至 1）与各阈值",
    ),
    "scale_one": (
        "Similarity of the closest article, from 0 to 1, with the thresholds",
        "最接近的 1 篇文章的相似度（0 至 1）与各阈值",
    ),
    "near": ("Near-duplicates", "近似重复"),
    "near_lead": (
        "Same text or same story. Readers and search engines need only one of them.",
        "文字相同或报道同一事件；读者和搜索引擎只需要其中一篇。",
    ),
    "near_none": ("No near-duplicate.", "没有近似重复。"),
    "near_closest": (
        ("The closest article, {title}, has similarity {value}, below {least} for the same story."),
        "最接近的是{title}，相似度 {value}，未达到同一事件的阈值 {least}。",
    ),
    "near_nothing": (
        "No article comes even to similarity {floor}.",
        "没有文章的相似度达到 {floor}。",
    ),
    "near_no_text": (
        "There is next to no text to compare. A title alone proves nothing.",
        "几乎没有正文可供比较，仅凭标题不足以判断。",
    ),
    "near_cut": (
        "The {count} closest are shown, {left} more are there.",
        "仅显示最接近的 {count} 篇，另有 {left} 篇。",
    ),
    "box": ("Related box", "相关文章栏"),
    "box_lead": (
        "As readers get it: each story once, public only.",
        "与读者所见一致：每个事件一篇，仅公开文章。",
    ),
    "box_count": ("{count} of {limit}", "{count}/{limit}"),
    "box_none": ("The box stays empty.", "相关文章栏为空。"),
    "box_short": (
        "No other public article reaches similarity {least}.",
        "没有其他公开文章达到相似度 {least}。",
    ),
    "box_left_out": (
        "{count} near-duplicates were left out.",
        "{count} 篇近似重复的文章未列入。",
    ),
    "box_left_out_one": ("1 near-duplicate was left out.", "1 篇近似重复的文章未列入。"),
    "box_next": (
        "The closest that falls short: {title}, {value}.",
        "最接近而未入选的是{title}，相似度 {value}。",
    ),
    "covered": ("{count} more tell this story", "另有 {count} 篇讲同一事件，已略去"),
    "covered_one": ("1 more tells this story", "另有 1 篇讲同一事件，已略去"),
    "told": (
        "{near} near-duplicates, {related} related articles",
        "近似重复 {near} 篇，相关文章 {related} 篇",
    ),
    "by_wording": (
        (
            "The language model is not available: compared by wording, titles and facts only. "
            "Articles that tell the same in other words are missed."
        ),
        "语言模型不可用：仅按文字、标题和事实比较，换了说法的同类文章可能遗漏。",
    ),
    # Evidence of a near-duplicate.
    "evidence": ("Evidence", "依据"),
    "relation_copy": ("The texts are copies of each other.", "两篇文字互为复制。"),
    "relation_contains": ("This one holds the other’s text.", "本文包含该篇的内容。"),
    "relation_contained-in": (
        "The other holds this one’s text.",
        "本文的内容见于该篇。",
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
    "draft_same-text": (
        "This text is published already. Update that article instead.",
        "这篇文字已经发布过，请改为更新原文。",
    ),
    "draft_same-story": (
        "This story is told already. Merge, or link one to the other.",
        "同一事件已有报道，请合并或互相链接。",
    ),
    "article_same-text": ("Keep one, redirect the other.", "保留一篇，另一篇跳转。"),
    "article_same-story": (
        "Merge them, or link one to the other.",
        "合并，或互相链接。",
    ),
    "measure_wording": ("Shared wording", "共有文字"),
    "measure_equal": ("equal", "完全相同"),
    "measure_wording_value": ("{share:.0%} of the shorter", "占较短者 {share:.0%}"),
    "measure_title": ("Titles alike", "标题重合"),
    "measure_facts": ("Facts alike", "事实重合"),
    "measure_meaning": ("Meaning", "语义"),
    "measure_days": ("Days apart", "相隔天数"),
    "days": ("{days:.0f} days", "{days:.0f} 天"),
    "days_one": ("1 day", "1 天"),
    "days_none": ("same day", "同一天"),
    "facts_contradicting_this": ("here", "本文"),
    "facts_contradicting_other": ("there", "该篇"),
    "facts_agree": ("Facts that agree", "一致的事实"),
    "facts_more": ("and {count} more", "另有 {count} 项"),
    "longest_passage": ("Longest shared passage", "最长的共有段落"),
    "side_by_side": ("Side by side", "逐段对照"),
    "passages": (
        "{count} shared passages: {first:.0%} of this text, {second:.0%} of the other.",
        "共有段落 {count} 处：占本文 {first:.0%}，占该篇 {second:.0%}。",
    ),
    "passages_one": (
        "1 shared passage: {first:.0%} of this text, {second:.0%} of the other.",
        "共有段落 1 处：占本文 {first:.0%}，占该篇 {second:.0%}。",
    ),
    "only_this": ("Facts only here", "仅本文有的事实"),
    "only_other": ("Facts only there", "仅该篇有的事实"),
    "open_pair": ("Open both texts", "打开两篇对照"),
    "this_article": ("This article", "本文"),
    "this_draft": ("Your draft", "你的草稿"),
    "other_article": ("The other", "该篇"),
    # The draft.
    "draft_title": ("Check a draft", "检查草稿"),
    "draft_lead": (
        "Has it been told already, and what goes with it? Nothing is stored.",
        "是否已经报道过？有哪些相关文章？草稿不会保存。",
    ),
    "field_title": ("Title", "标题"),
    "field_body": ("Text", "正文"),
    "field_body_hint": (
        "Plain text or HTML, as it comes out of the CMS.",
        "纯文本或 CMS 中的 HTML 均可。",
    ),
    "field_date": ("Date of publication", "发布日期"),
    "field_id": ("Its id, if it is published", "编号（若已发布）"),
    "field_id_hint": ("It is not compared with itself.", "不会与自身比较。"),
    "optional": ("optional", "选填"),
    "check": ("Check", "检查"),
    "draft_waiting": (
        "Near-duplicates and the related box of the draft will stand here.",
        "草稿的近似重复和相关文章将显示在这里。",
    ),
    # What went wrong.
    "problem": ("That did not work", "未能完成"),
    "problem_busy": (
        "The service is busy. Try again in a moment.",
        "服务繁忙，请稍后再试。",
    ),
    "problem_often": (
        "Too many drafts in a short time. Try again in a moment.",
        "短时间内检查的草稿过多，请稍后再试。",
    ),
    "problem_large": ("The draft is longer than the service takes.", "草稿超出服务允许的长度。"),
    "problem_missing": (
        "No article with the id “{id}” is in the index. It may be new, or removed.",
        "索引中没有编号为“{id}”的文章。可能尚未收录，或已删除。",
    ),
    "problem_absent": (
        "The article is not in the index any more.",
        "该文章已不在索引中。",
    ),
    "problem_no_draft": ("Paste a title or a text first.", "请先粘贴标题或正文。"),
    "problem_cuts": (
        "Thresholds lie from 0.3 to 1, and related ≤ same story ≤ same text.",
        "阈值须在 0.3 与 1 之间，且 相关 ≤ 同一事件 ≤ 同一文本。",
    ),
    "problem_date": ("The date is not one of the calendar.", "日期无效。"),
    "problem_id": ("No article can have this id.", "编号格式不正确。"),
    "problem_signed_out": (
        "You are signed out. Sign in in a new tab, then try again here: nothing is lost.",
        "登录已失效。请在新标签页登录，再回到这里重试，内容不会丢失。",
    ),
    "problem_host": (
        "The service does not answer under this name. Ask whoever runs it for its address.",
        "服务不接受这个域名，请向服务管理员询问正确的网址。",
    ),
    "problem_foreign": (
        "The request came from another site and was refused.",
        "请求来自其他网站，已拒绝。",
    ),
    "problem_index": (
        "The index cannot be read now. Tell whoever runs the service.",
        "目前无法读取索引，请联系服务管理员。",
    ),
    "problem_other": (
        "Something went wrong in the service. Tell whoever runs it.",
        "服务出错，请联系服务管理员。",
    ),
    "problem_form": ("The form did not arrive whole. Send it again.", "表单不完整，请重新提交。"),
    "problem_gone": ("There is no such page.", "没有这个页面。"),
    "problem_offline": (
        "The service does not answer. Check the connection and try again.",
        "服务没有响应，请检查网络后重试。",
    ),
    "back": ("Back to the search", "返回查找"),
}


@cache
def service_wording(language: Language) -> Mapping[str, str]:
    """All texts in one language, by name."""
    place = LANGUAGES.index(language)
    shared = {
        name: text
        for name, text in wording(language).items()
        if name in _SHARED_NAMES or name.startswith(_SHARED)
    }
    own = {name: texts[place] for name, texts in _WORDING.items()}
    return MappingProxyType({**shared, **own})


def counted(texts: Mapping[str, str], name: str, count: int, **values: object) -> str:
    """A text that tells a number, in the form that fits the number."""
    singular = f"{name}_one"
    chosen = texts[singular] if count == 1 and singular in texts else texts[name]
    return chosen.format(count=f"{count:,}", **values)
