"""What boxes and notices around articles say, in Chinese, English and a few other languages.

Pure patterns. Those of headings and notices match whole lines, so that a sentence which speaks of
copyright or of a related report stays.
"""

from __future__ import annotations

import re

_END = r"\s*[:：>»›…|\-—]*\s*(?:[（(]\d+[)）])?$"
_BOX_HEADING = re.compile(
    r"^[\s>»›|【\[■●◆▪•·*#\-—]*(?:"
    # Related and recommended.
    r"(?:相关|相關|关联|關聯|延伸|更多|推荐|推薦|热门|熱門|热点|熱點|精彩|精选|精選|最新|今日|本周|本月|每日|"
    r"编辑|編輯|图片|圖片|视频|影片|同类|同類|猜你|大家|您可能|你可能|为您|為您|为你|為你|24小时|48小时|一周|"
    r"独家|獨家|专题|專題|往期|上期|网友|網友|新闻|新聞|文章|阅读|閱讀|点击|點擊|人气|人氣)"
    r"(?:相关|相關|更多|推荐|推薦|热门|熱門|精彩|最新|的|还|還|都在|也|感兴趣|感興趣|喜欢|喜歡|会|想|们|"
    r"新闻|新聞|阅读|閱讀|文章|链接|連結|報道|报道|報導|资讯|資訊|内容|內容|视频|影片|专题|專題|话题|話題|"
    r"标签|標籤|搜索|图片|圖片|图集|圖集|产品|產品|商品|帖子|主题|主題|评论|評論|信息|资料|资源|"
    r"排行|排名|热榜|榜单|榜|看|读|讀|导读|導讀|回顾|回顧|回复|回覆|点击|點擊|关注|關注|热点|熱點|稿件|动态|动向|微博|"
    r"本类|本栏|栏目|频道|同类|推文|博文|日志|问答|条目|头条|要闻|原创|今日|本周|本月|一周|热|们|跟贴|小时|"
    r"[！!])*"
    r"|相关|推荐|推薦|分享到|分享|上一篇|下一篇|上一条|下一条|猜你喜欢|大家都在看|看过本文的人还看过|看了又看"
    # The same in English.
    r"|(?:related|recommended|similar|suggested|more|popular|most|trending|latest|recent|further|other|top|read|"
    r"you|see|don['’]t|up|also|what|next|keep|editor['’]?s?|editors['’]?|from|our|the|in|on|for|around|"
    r"past|featured|sponsored|promoted|hot)"
    r"(?:[\s-]+(?:related|recommended|similar|popular|trending|latest|recent|read|reads|reading|viewed|shared|"
    r"commented|discussed|emailed|watched|articles?|stories|story|posts?|news|content|links?|topics?|videos?|coverage|"
    r"headlines|items|resources|pages|entries|more|most|like|this|these|also|may|might|the|be|interested|in|"
    r"want|to|next|now|on|from|our|us|you|for|top|by|picks?|choice|must|miss|of|week|day|today|web|around|"
    r"features?|reports?|products?|author|category|same|sections?|site|series|tags?|authors?|network))*"
    r"|share(?:[\s-]+(?:this|on|article|story|post|via|with|friends|page))*(?::)?"
    # German, French, Spanish, Italian, Portuguese.
    r"|(?:mehr zum thema|das könnte sie auch interessieren|ähnliche (?:artikel|beiträge|themen)|"
    r"(?:weitere|verwandte|neueste|aktuelle|empfohlene|meistgelesene|passende) (?:artikel|beiträge|themen|meldungen|"
    r"nachrichten|news)|weiterlesen|lesen sie auch|auch interessant|meistgelesen|mehr themen|teilen|"
    r"à lire aussi|lire aussi|sur le même sujet|articles? (?:liés|similaires|récents|associés)|"
    r"artículos? relacionados?|noticias relacionadas|te puede interesar|lea también|lo más leído|"
    r"articoli correlati|leggi anche|potrebbe interessarti(?: anche)?|"
    r"artigos relacionados|notícias relacionadas|leia também|veja também|posts relacionados)"
    r")" + _END,
    re.IGNORECASE,
)
# A heading that is a common word too, unless something stands with it.
_NO_HEADING = re.compile(
    r"^(?:更多|最新|编辑|編輯|图片|圖片|视频|影片|大家|新闻|新聞|文章|点击|點擊|网友|網友|阅读|閱讀|今日|本周|本月|每日|"
    r"more|most|from|our|the|in|on|for|you|see|read|what|next|also|up|other|top|past|around|hot|keep|"
    r"don['’]t|editors?|editor['’]s|the (?:day|week|web|site)|on (?:this|the day)|in (?:this|the)|for (?:you|us|this)|"
    r"from (?:the|our|us)|what(?: (?:this|you|us|more|to|we))+|you may|you might|up to|up next for)" + _END,
    re.IGNORECASE,
)


def is_box_heading(line: str) -> bool:
    """Whether a line is the heading of a box: related articles, rankings, sharing."""
    return _BOX_HEADING.match(line) is not None and _NO_HEADING.match(line) is None
