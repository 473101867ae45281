"""What boxes and notices around articles say, in Chinese, English and a few other languages.

Pure patterns. Those of headings and notices match whole lines, so that a sentence which speaks of
copyright or of a related report stays.
"""

from __future__ import annotations

import re

_END = r"\s*[】\])）]?\s*[:：>»›…|\-—]*\s*(?:[（(]\d+[)）])?$"
_BOX_HEADING = re.compile(
    r"^[\s>»›|【\[■●◆▪•·*#\-—]*(?:"
    # Related and recommended.
    r"(?:相关|相關|关联|關聯|延伸|更多|推荐|推薦|热门|熱門|热点|熱點|精彩|精选|精選|最新|今日|"
    r"本周|本月|每日|"
    r"编辑|編輯|图片|圖片|视频|影片|同类|同類|猜你|大家|您可能|你可能|为您|為您|为你|為你|24小时|"
    r"48小时|一周|"
    r"独家|獨家|专题|專題|往期|上期|网友|網友|新闻|新聞|文章|阅读|閱讀|点击|點擊|人气|人氣)"
    r"(?:相关|相關|更多|推荐|推薦|热门|熱門|精彩|最新|的|还|還|都在|也|感兴趣|感興趣|喜欢|喜歡|"
    r"会|想|们|"
    r"新闻|新聞|阅读|閱讀|文章|链接|連結|報道|报道|報導|资讯|資訊|内容|內容|视频|影片|专题|專題|"
    r"话题|話題|"
    r"标签|標籤|搜索|图片|圖片|图集|圖集|产品|產品|商品|帖子|主题|主題|评论|評論|信息|资料|资源|"
    r"排行|排名|榜单|榜(?!单)|看|读|讀|导读|導讀|回顾|回顧|回复|回覆|点击|點擊|关注|關注|热点|"
    r"熱點|稿件|动态|动向|微博|"
    r"本类|本栏|栏目|频道|同类|推文|博文|日志|问答|条目|头条|要闻|原创|今日|本周|本月|一周|热|们|"
    r"跟贴|小时|"
    r"[！!])*"
    r"|相关|推荐|推薦|分享到|分享|上一篇|下一篇|上一条|下一条|猜你喜欢|大家都在看|"
    r"看过本文的人还看过|看了又看"
    # The same in English.
    r"|(?:related|recommended|similar|suggested|more|popular|most|trending|latest|recent|further|"
    r"other|top|read|"
    r"you|see|don['’]t|up|also|what|next|keep|editor['’]?s?|editors['’]?|from|our|the|in|on|for|"
    r"around|"
    r"past|featured|sponsored|promoted|hot)"
    r"(?:[\s-]+(?:related|recommended|similar|popular|trending|latest|recent|read|reads|reading|"
    r"viewed|shared|"
    r"commented|discussed|emailed|watched|articles?|stories|story|posts?|news|content|links?|"
    r"topics?|videos?|coverage|"
    r"headlines|items|resources|pages|entries|more|most|like|this|these|also|may|might|the|be|"
    r"interested|in|"
    r"want|to|next|now|on|from|our|us|you|for|top|by|picks?|choice|must|miss|of|week|day|today|"
    r"web|around|"
    r"features?|reports?|products?|author|category|same|sections?|site|series|tags?|authors?|"
    r"network))*"
    r"|share(?:[\s-]+(?:this|on|article|story|post|via|with|friends|page))*(?::)?"
    # German, French, Spanish, Italian, Portuguese.
    r"|(?:mehr zum thema|das könnte sie auch interessieren|ähnliche (?:artikel|beiträge|themen)|"
    r"(?:weitere|verwandte|neueste|aktuelle|empfohlene|meistgelesene|passende) (?:artikel|"
    r"beiträge|themen|meldungen|"
    r"nachrichten|news)|weiterlesen|lesen sie auch|auch interessant|meistgelesen|mehr themen|"
    r"teilen|"
    r"à lire aussi|lire aussi|sur le même sujet|articles? (?:liés|similaires|récents|associés)|"
    r"artículos? relacionados?|noticias relacionadas|te puede interesar|lea también|lo más leído|"
    r"articoli correlati|leggi anche|potrebbe interessarti(?: anche)?|"
    r"artigos relacionados|notícias relacionadas|leia também|veja também|posts relacionados)"
    r")" + _END,
    re.IGNORECASE,
)
# A heading that is a common word too, unless something stands with it.
_NO_HEADING = re.compile(
    r"^(?:更多|最新|编辑|編輯|图片|圖片|视频|影片|大家|新闻|新聞|文章|点击|點擊|网友|網友|阅读|"
    r"閱讀|今日|本周|本月|每日|"
    r"more|most|from|our|the|in|on|for|you|see|read|what|next|also|up|other|top|past|around|hot|"
    r"keep|"
    r"don['’]t|editors?|editor['’]s|the (?:day|week|web|site)|on (?:this|the day)|in (?:this|"
    r"the)|for (?:you|us|this)|"
    r"from (?:the|our|us)|what(?: (?:this|you|us|more|to|we))+|you may|you might|up to|up next for)"
    + _END,
    re.IGNORECASE,
)


def is_box_heading(line: str) -> bool:
    """Whether a line is the heading of a box: related articles, rankings, sharing."""
    return _BOX_HEADING.match(line) is not None and _NO_HEADING.match(line) is None


_EDGE = r"[\s（(【\[*▍■●◆_>»|\-—]*"
_NAME = r"[^。！？!?；;]{1,40}"
# Who made it and who owns it; whole lines.
_CHINESE_NOTICE = re.compile(
    rf"^{_EDGE}(?:"
    # Editors and reviewers.
    rf"(?:(?:本文|本期|值班|执行|執行|责任|責任|网络|新媒体|视觉)?(?:编辑|編輯|责编|責編|校对|"
    rf"校對|审核|審核|监制|監製|主编|编审|编校|排版|"
    rf"终审|复审|初审|美编|统筹|策划|值班主任|二审|三审|一审|实习生))\s*[:：/丨|｜\s]\s*{_NAME}"
    rf"|[（(]?(?:原标题|原題|原文标题|原文链接|原文地址|文章来源|本文来源|稿件来源|信息来源|"
    rf"来源地址|本文链接|本文地址|转载自|原文出处)\s*[:：].*"
    # Copyright and liability.
    rf"|.{{0,30}}(?:版权所有|版權所有|All Rights Reserved|ICP备\d|京公网安备|公网安备).*"
    rf"|(?:版权|版權|免责|免責|特别|郑重|风险|法律|转载|轉載)?(?:声明|聲明|提示|"
    rf"说明)\s*[:：].*(?:版权|版權|转载|轉載|立场|观点|"
    rf"投资建议|投资者|侵权|仅供参考|僅供參考|本网|本站|删除|责任|作者).*"
    rf"|(?:版权声明|版權聲明|免责声明|免責聲明|特别声明|郑重声明)\s*[:：]?"
    rf"|(?:未经|未經).{{0,20}}(?:授权|授權|许可|許可|允许|同意).{{0,30}}(?:转载|轉載|复制|使用|"
    rf"摘编|引用|链接).*"
    rf"|(?:转载|轉載)(?:请|請|须|需|时|必须).{{0,20}}(?:注明|註明|保留|联系|标明).*"
    rf"|.{{0,20}}(?:无断转载|禁止转载|谢绝转载|严禁转载|請勿轉載|请勿转载).{{0,20}}"
    rf"|(?:本文|以上|文中|该文|文章).{{0,20}}(?:仅代表|不代表|并不代表|只代表|系作者|"
    rf"为作者)(?:作者|个人|本人|本站|本网|[^。]{{0,12}}).{{0,40}}"
    rf"(?:观点|立场|看法|意见|无关).*"
    rf"|网友评论仅供其表达个人看法.*|.{{0,20}}(?:违法和不良信息|举报(?:电话|邮箱|热线|中心)).*"
    rf"|\(?[（(]?(?:本文来自|本文为|本文系).{{0,40}}(?:原创|转载|授权|发布|供稿|"
    rf"作者)[^。]{{0,40}}[)）。]?"
    # Calls to follow, scan, share and install.
    rf"|.{{0,60}}(?:扫码|扫描|扫一扫|掃碼|長按|长按|识别).{{0,20}}(?:二维码|二維碼|关注|關注|"
    rf"下载|下載|识别|查看|订阅|加入|了解)"
    rf".{{0,40}}"
    rf"|.{{0,40}}(?:关注|關注|搜索|添加|订阅)[^。]{{0,20}}(?:公众号|公眾號|微信号|官方微信|"
    rf"官方微博|视频号|抖音号|服务号|订阅号).{{0,60}}"
    rf"|(?:微信|微信号|公众号|微信公众号|官方微博|新浪微博|微博|QQ群?|邮箱|电子邮箱|投稿邮箱|"
    rf"客服电话|联系电话|热线|爆料|新闻热线)\s*[:：]?\s*"
    rf"[a-zA-Z0-9_@.\-]{{0,40}}"
    rf"|(?:微信扫一扫|微信扫码|扫一扫).{{0,20}}|(?:下载|打开|安装|下載|安裝).{{0,12}}(?:客户端|"
    rf"客戶端|APP).{{0,30}}"
    rf"|(?:点击|點擊)(?:这里|此处|查看|进入|下载|阅读原文|上方|下方|图片|右上角|链接)[^。]{{0,30}}"
    rf"|(?:分享|转发|轉發|收藏|打印|字号|字體|纠错|举报|評論|评论|点赞|點讚|返回|顶|踩|赞|已收藏|"
    rf"我要评论|发表评论|参与评论|"
    rf"阅读|浏览|点击|人气|返回顶部|返回首页|返回列表|关闭窗口|关闭|打印本页|加入收藏|复制链接|"
    rf"阅读原文|查看原文|展开全文|查看更多|"
    rf"阅读全文|继续阅读|更多精彩|分享到|大|中|小|大中小|知道了|登录|注册|取消|确定|微信公众号|"
    rf"微信好友|朋友圈|新浪微博|QQ空间)"
    rf"\s*[!！>》：:]*\s*(?:[(（\[【]?\d*[)）\]】]?|次|量)?"
    rf"|(?:上一篇|下一篇|上一条|下一条|上一页|下一页|前一篇|后一篇|上一則|下一則)\s*[:：]?.{{0,80}}"
    rf"|(?:标签|關鍵詞|关键词|关键字|Tags?|TAG|分类|栏目)\s*[:：].{{0,120}}"
    rf"|(?:相关(?:阅读|新闻|链接|报道|文章|推荐|专题|资讯)|延伸阅读|推荐阅读|更多阅读|更多新闻|"
    rf"相關(?:閱讀|新聞|文章))\s*[:：].{{0,80}}"
    rf"|责任编辑.{{0,20}}|責任編輯.{{0,20}}"
    rf")[\s）)】\]*|]*$",
    re.IGNORECASE,
)
_WESTERN_NOTICE = re.compile(
    r"^[\s*\[(>»|\-—]*(?:"
    r"(?:copyright\b|©|\(c\)\s*(?:19|20)\d\d).{0,200}"
    r"|.{0,120}\ball rights reserved\b.{0,120}"
    r"|(?:read|see|watch|learn|find out|discover)\s+(?:more|also|next)\s*[:|>»].{0,200}"
    r"|(?:related(?:\s+(?:articles?|stories|story|posts?|news|content|links?|coverage|reading|"
    r"topics?))?|see also|also read|"
    r"don['’]t miss|read also|recommended|more on this|further reading|you may also like|"
    r"mehr zum thema|lesen sie auch|"
    r"lire aussi|à lire aussi|leia também|leia mais|leggi anche|lea también|"
    r"ver também)\s*[:|].{0,200}"
    r"|(?:please\s+)?(?:follow|like|join|find|connect with|contact|reach|email)\s+(?:us|me|him|"
    r"her|the (?:author|reporters?|writer)|[\w.' ]{2,40})?"
    r"[^.!?]{0,60}\b(?:on|at|via)\s+(?:twitter|facebook|instagram|youtube|linkedin|telegram|"
    r"tiktok|snapchat|http|@)[^!?]{0,160}"
    r"|(?:please\s+)?e-?mail\s.{2,60}@.{0,160}"
    r"|(?:please\s+)?(?:sign up|subscribe|register)\b[^.!?]{0,40}\b(?:newsletters?|updates|"
    r"alerts|emails?|mailing list|channel|"
    r"youtube|feed|rss|podcast|magazine|daily|inbox)\b.{0,120}"
    r"|get (?:the day['’]s|our|the latest|breaking)[^.!?]{0,80}(?:newsletter|inbox|email|"
    r"delivered|app)\b.{0,120}"
    r"|(?:click|tap) here\b.{0,80}(?:app|newsletter|subscribe|sign up|download|more)\b.{0,60}"
    r"|download (?:the|our)[^.!?]{0,40}\bapp\b.{0,80}"
    r"|(?:share|tweet|pin|print|email|e-mail|comments?|reply|like|save|bookmark|advertisement|ad|"
    r"sponsored|promoted|"
    r"loading|close|menu|search|log ?in|sign ?in|subscribe|newsletter|anzeige|werbung|teilen|"
    r"drucken|publicité|publicidad|"
    r"publicidade|kommentare|previous|next|back to top|toggle navigation|"
    r"skip to (?:main )?content|leave a (?:comment|reply)|"
    r"no comments|add (?:a )?comment|view (?:all )?comments|show (?:all )?comments|"
    r"continue reading|read more|weiterlesen)"
    r"\s*[:!>»…]*\s*(?:\(?\d*\)?)?"
    r"|share (?:this|on|via)\b.{0,80}"
    r"|(?:tags?|filed under|posted in|categories|topics|keywords|schlagworte|schlagwörter|"
    r"stichworte|étiquettes|etiquetas)\s*[:|].{0,200}"
    r"|(?:\(?\s*)?(?:reporting|additional reporting|writing|editing|compiled|"
    r"edited) by\b[^!?]{0,200}"
    r"|(?:source|sources|quelle|via|fuente|fonte)\s*[:|]\s*[^.!?]{1,60}"
    r"|(?:photo|image|picture|foto|bild)(?:\s+(?:credit|by|"
    r"courtesy)[^:]{0,20})?\s*[:|]\s*[^.!?]{1,80}"
    r")\s*$",
    re.IGNORECASE,
)
# What ends an article where nothing but headlines follow.
_CLOSING = re.compile(
    r"^[\s（(【\[]*(?:(?:责任|責任|值班)?(?:编辑|編輯|责编|校对)\s*[:：/]|网友评论|网友跟帖|"
    r"热门跟贴|相关|推荐|热门|更多|"
    r"目前没有|声明|原标题|来源\s*[:：]|文章来源|comments?\b|related\b|more\b|popular\b|©|"
    r"copyright)",
    re.IGNORECASE,
)
_DAY = r"\d{4}\s*[-/.年]\s*\d{1,2}\s*[-/.月]\s*\d{1,2}\s*日?"
# Each repeated part can match in one way only: time must stay linear.
_DATELINE = re.compile(
    rf"^[\s|\[(（【]*(?:(?:发布|發佈|发表|更新|编辑|时间|日期|来源|기사입력|posted|published|updated|date|"
    rf"on\b|at\b)[\s:：\[]*)*(?:{_DAY})[\sT]*(?:\d{{1,2}}[:：]\d{{2}}(?:[:：]\d{{2}})?)?"
    rf"[\s|\])）】/·,，]*(?:(?:来源|來源|作者|编辑|浏览|点击|阅读|字号|责任编辑|分类|人气|评论|"
    rf"source|by|author)[^。！？!?]{{0,200}})?$",
    re.IGNORECASE,
)
_MADE = (
    r"(?:(?:published|posted|updated|created|date|erstellt|veröffentlicht|stand|vom|am|publié|"
    r"mis à jour|le|publicado|"
    r"publicada|em|el|pubblicato|il|on)\b[\s:|]*)*"
)
_CLOCK = r"(?:[\s,|\-–—]+(?:às|at|um|à|a las|alle)?\s*\d{1,2}[:h.]\d{2}.{0,14})?"
_WESTERN_DATELINE = re.compile(
    rf"^[\s|]*{_MADE}(?:[^\W\d]{{3,12}}(?:-feira)?,?\s+)?(?:"
    rf"\d{{1,2}}\.?\s+(?:de\s+)?[^\W\d]{{3,10}}\.?,?\s+(?:de\s+)?\d{{4}}|"
    rf"[^\W\d]{{3,10}}\.?\s+\d{{1,2}},\s+\d{{4}}|\d{{1,2}}[./]\d{{1,2}}[./]\d{{4}}"
    rf"){_CLOCK}[\s|]*$",
    re.IGNORECASE,
)
_PATH = re.compile(
    r"^[\s|]*(?:(?:您?的?(?:当前|现在|所在)?(?:的)?(?:位置|所在位置)|当前位置|您所在的位置|首页|"
    r"主页|網站首頁|网站首页|home|startseite|you are here)"
    r"\s*[:：]?\s*(?:$|[>＞»›/→\\|-].{0,120}$|.{0,20}[>＞»›].{0,120}$)|"
    r".{1,20}\s*[>＞»›]\s*.{1,20}\s*[>＞»›]\s*.{0,60}$)",
    re.IGNORECASE,
)
_LONGEST = 300
HAN = re.compile("[\u3400-\u9fff\uf900-\ufaff\U00020000-\U000323af]")


def is_notice(line: str) -> bool:
    """Whether a line is about the page rather than its subject: editors, rights, calls to share."""
    return len(line) <= _LONGEST and (
        _CHINESE_NOTICE.match(line) is not None or _WESTERN_NOTICE.match(line) is not None
    )


def is_closing(line: str) -> bool:
    """Whether an article has ended with this line, if nothing but headlines follow."""
    return len(line) <= _LONGEST and _CLOSING.match(line) is not None


def is_dateline(line: str) -> bool:
    """Whether a line holds a date, and at most where an article comes from beside it."""
    return len(line) <= _LONGEST and (
        _DATELINE.match(line) is not None or _WESTERN_DATELINE.match(line) is not None
    )


def is_path(line: str) -> bool:
    """Whether a line is the path of links to a page."""
    return len(line) <= _LONGEST and _PATH.match(line) is not None
