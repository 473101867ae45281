"""HTML pages: what is the article's and what is not, encodings, and hostile pages.

All pages are made up here.
"""

from __future__ import annotations

from collections.abc import Callable
from datetime import datetime, timedelta, timezone
from random import Random

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from recommender.errors import ArticleError, RecommenderError
from recommender.sources.decoding import decode_page, is_binary
from recommender.sources.pages import NoArticle, Page, read_page
from recommender.sources.pages.notices import tidy
from recommender.sources.pages.phrases import (
    is_box_heading,
    is_closing,
    is_dateline,
    is_notice,
    is_path,
)
from recommender.text import clean
from tests import hostile

SHANGHAI = timezone(timedelta(hours=8))
PARAGRAPHS = (
    "临江市水务局昨日通报，历时三年的河堤加固工程全部完工，沿岸十二个村庄不再受汛期威胁。",
    "工程共浇筑混凝土四万立方米，新建泵站六座，改造涵闸十九处，总投资两亿三千万元。",
    "村民周大海说，往年一到雨季全家就要搬到学校过夜，今年终于可以在自己家里睡个安稳觉。",
    "水务局负责人表示，下一步将建立巡堤制度，每天安排专人查看水位，并向居民公布数据。",
)
ENGLISH = (
    "The harbour authority of Port Ellery said on Monday that the new breakwater is complete.",
    "Work on it took four winters, because storms washed away the first two rows of blocks.",
    "Fishermen welcomed the news; many of them had kept their boats in a river nearby.",
    "The authority will measure waves behind the wall for a year before it lets ferries in.",
)
MENU = "".join(
    f'<li><a href="/c/{i}">{name}</a></li>'
    for i, name in enumerate("首页 时政 财经 体育 文化 科技".split())
)
RELATED = (
    '<div class="xgyd"><h3>相关阅读</h3><ul>'
    '<li><a href="/a/7.html">临江大桥引桥本周合龙</a></li>'
    '<li><a href="/a/8.html">新泵站试运行情况良好</a></li>'
    '<li><a href="/a/9.html">汛期物资储备全部到位</a></li></ul></div>'
)
NOTICES = (
    "<p>责任编辑：李小川</p><p>版权声明：未经本网书面授权，不得转载、摘编本站内容。</p>"
    "<p>上一篇：<a href='/a/1.html'>春灌用水有保障</a></p>"
    "<p>下一篇：<a href='/a/2.html'>夏粮收购价格公布</a></p>"
)


def chinese_page(*, head: str = "", after: str = RELATED + NOTICES, charset: str = "utf-8") -> str:
    body = "".join(f"<p>{each}</p>" for each in PARAGRAPHS)
    declared = f'<meta charset="{charset}">' if charset else ""
    return (
        f"<!DOCTYPE html><html><head>{declared}<title>河堤加固工程全部完工_临江新闻网</title>{head}"
        f"</head><body><div class='top'><ul>{MENU}</ul></div>"
        "<div class='crumb'>您当前的位置：<a href='/'>首页</a> &gt; <a href='/c/1'>时政</a></div>"
        "<div class='article'><h1>河堤加固工程全部完工</h1>"
        "<div class='info'>发布时间：2025-06-01 08:00 来源：临江日报</div>"
        f"<div class='content'>{body}{after}</div></div>"
        "<div class='foot'>版权所有 临江新闻网 Copyright 2025</div></body></html>"
    )


def english_page(head: str = "", after: str = "") -> str:
    body = "".join(f"<p>{each}</p>" for each in ENGLISH)
    return (
        f"<html lang='en-GB'><head><title>Breakwater complete | Ellery Post</title>{head}</head>"
        "<body><nav><a href='/'>Home</a> <a href='/news'>News</a></nav>"
        f"<article><h1>Breakwater complete</h1>{body}{after}</article>"
        "<footer>© 2025 Ellery Post. All rights reserved.</footer></body></html>"
    )


def test_a_chinese_page_gives_its_title_date_and_paragraphs_only():
    page = read_page(chinese_page(), zone=SHANGHAI)
    assert page.title == "河堤加固工程全部完工"
    assert page.lines == PARAGRAPHS
    assert page.date == datetime(2025, 6, 1, tzinfo=timezone.utc)
    assert page.language == "zh"


def test_an_english_page_gives_its_title_and_paragraphs_only():
    after = (
        "<p><strong>Related:</strong> <a href='/f'>Ferries to return next spring</a></p>"
        "<div><h3>Read more</h3><ul><li><a href='/1'>Lighthouse keeper retires</a></li>"
        "<li><a href='/2'>Herring catch the best in years</a></li></ul></div>"
        "<p>Follow us on Twitter and Facebook</p>"
    )
    page = read_page(english_page(after=after))
    assert page.title == "Breakwater complete"
    assert page.lines == ENGLISH
    assert page.language == "en"


def test_sentences_that_speak_of_boxes_and_rights_stay():
    spoken = (
        "<p>编辑部昨日收到读者来信，信中询问相关阅读活动何时开始报名，我们请图书馆作了答复。</p>"
        "<p>法院认为，被告未经授权转载他人文章，侵犯了版权，应当赔偿经济损失三万元并道歉。</p>"
    )
    page = read_page(chinese_page(after=spoken))
    assert len(page.lines) == len(PARAGRAPHS) + 2


def test_a_box_inside_the_article_goes_and_a_list_of_the_article_stays():
    after = (
        "<p>开放的泵站有：</p><ul><li>城东泵站，流量每秒八立方米；</li>"
        "<li>城西泵站，流量每秒六立方米；</li></ul>"
        + RELATED
        + "<p>泵站将于下月对市民开放参观。</p>"
    )
    lines = read_page(chinese_page(after=after)).lines
    assert "城东泵站，流量每秒八立方米；" in lines
    assert "泵站将于下月对市民开放参观。" in lines
    assert not any("引桥本周合龙" in line for line in lines)


def test_what_follows_an_early_end_of_the_page_counts():
    page = chinese_page().replace("<div class='article'>", "</body></html><div class='article'>")
    assert read_page(page).lines == PARAGRAPHS


def test_the_body_keeps_angle_brackets_of_the_text():
    page = english_page(after="<p>Type &lt;div&gt; &amp; to begin, then press the key.</p>")
    body = read_page(page).body
    assert "Type <div> & to begin, then press the key." in clean(body)


def test_a_repeated_text_comes_once():
    twice = "".join(f"<p>{each}</p>" for each in PARAGRAPHS)
    assert read_page(chinese_page(after=twice)).lines == PARAGRAPHS


@pytest.mark.parametrize(
    ("head", "date"),
    [
        (
            (
                '<script type="application/ld+json">{"@type":"NewsArticle",'
                '"datePublished":"2024-03-02T10:00:00+08:00"}</script>'
            ),
            "2024-03-02T02:00:00+00:00",
        ),
        (
            (
                '<script type="application/ld+json">{"@graph":[{"@type":"WebSite"},{"@type":'
                '["Article","X"],"datePublished":"2024-03-02"}]}</script>'
            ),
            "2024-03-01T16:00:00+00:00",
        ),
        (
            '<meta property="article:published_time" content="2024-03-02T10:00:00Z">',
            "2024-03-02T10:00:00+00:00",
        ),
        # Neither a year beyond all reason nor nonsense; then what readers see counts.
        ('<meta name="pubdate" content="0001-01-01">', "2025-06-01T00:00:00+00:00"),
        ('<meta name="pubdate" content="yesterday">', "2025-06-01T00:00:00+00:00"),
        (
            '<script type="application/ld+json">{"@type":"Article",</script>',
            "2025-06-01T00:00:00+00:00",
        ),
    ],
)
def test_dates_come_from_markup_first_and_in_the_zone_of_the_source(head: str, date: str):
    found = read_page(chinese_page(head=head), zone=SHANGHAI).date
    assert found is not None
    assert found.isoformat() == date


@pytest.mark.parametrize(
    "written", ["3 days ago", "yesterday", "June 3", "03/04", "12 March", "Posted 2 hours ago"]
)
def test_dates_that_depend_on_today_are_none(written: str):
    page = english_page().replace("</h1>", f"</h1><span class='date'>{written}</span>")
    assert read_page(page).date is None


@pytest.mark.parametrize(
    ("page", "title"),
    [
        (
            english_page('<meta property="og:title" content="Breakwater done">'),
            "Breakwater complete",
        ),
        (
            english_page('<meta property="og:title" content="Breakwater done">')
            .replace("<h1>Breakwater complete</h1>", "")
            .replace("Breakwater complete |", "Harbour |"),
            "Breakwater done",
        ),
        (english_page().replace("<h1>Breakwater complete</h1>", ""), "Breakwater complete"),
        (english_page().replace("<h1>", "<h1><script>alert(1)</script>&lt;b&gt;"), None),
    ],
)
def test_titles_come_without_the_site(page: str, title: str | None):
    found = read_page(page).title
    assert "\n" not in found
    if title is not None:
        assert found == title


def test_category_language_and_canonical_address_are_read():
    head = (
        '<meta property="article:section" content="Harbours">'
        '<link rel="alternate canonical" href="/news/breakwater">'
    )
    page = read_page(english_page(head))
    assert (page.category, page.language, page.canonical) == ("Harbours", "en", "/news/breakwater")
    # A template in English around Chinese text.
    assert read_page(chinese_page().replace("<html>", "<html lang='en'>")).language == "zh"


FRONT = (
    "<html><head><title>临江新闻网</title></head><body><h2>要闻</h2>"
    + "".join(
        f"<div><h3><a href='/a/{i}.html'>临江市第{i}号工程通过专家组验收评审会议</a></h3>"
        f"<p>第{i}号工程昨日通过验收，专家组给出了较高评价。</p></div>"
        for i in range(30)
    )
    + "</body></html>"
)


@pytest.mark.parametrize(
    "page",
    [
        FRONT,
        "<html><head><title>列表</title></head><body><ul>"
        + "<li><a href='/1.html'>临江市水务局通报河堤加固工程进展情况</a></li>" * 40
        + "</ul></body></html>",
        "<html><head><meta http-equiv='refresh' content='0; url=/a/1.html'></head><body><p>"
        + "本页面已经迁移，请等待跳转到新的地址。" * 20
        + "</p></body></html>",
        chinese_page(head='<script type="application/ld+json">{"@type":"CollectionPage"}</script>'),
        "<html><head><title>空</title></head><body><p>建设中</p></body></html>",
    ],
)
def test_pages_that_hold_no_article_are_told_as_such(page: str):
    with pytest.raises(NoArticle):
        read_page(page)


@pytest.mark.parametrize(
    "line",
    [
        "相关阅读：",
        "【相关新闻】",
        "推荐阅读",
        "热门推荐",
        "猜你喜欢",
        "延伸阅读 >>",
        "Related articles",
        "More stories",
        "You may also like",
        "Share this:",
        "Mehr zum Thema",
    ],
)
def test_headings_of_boxes_are_known(line: str):
    assert is_box_heading(line)


@pytest.mark.parametrize(
    "line",
    [
        "责任编辑：王小明",
        "（责编：李四、张三）",
        "版权所有 某某网",
        "未经授权，不得转载。",
        "转载请注明出处。",
        "上一篇：春茶上市",
        "扫描二维码关注我们",
        "本文仅代表作者个人观点，与本站立场无关。",
        "原标题：河堤加固完工",
        "© 2024 Ellery Post",
        "Follow us on Twitter",
        "Sign up for our newsletter",
        "Filed under: harbours",
        "Read more: Ferries to return",
    ],
)
def test_notices_are_known(line: str):
    assert is_notice(line)


@pytest.mark.parametrize(
    "line",
    [
        "更多",
        "阅读改变了这座城市",
        "推荐信由导师写成",
        "相关部门已经介入调查。",
        "热门景点人满为患，景区提前限流。",
        "编辑部的故事在临江开拍",
        "版权局公布了去年的登记数据。",
        "关注孩子的视力，是每个家长的责任。",
        "More",
        "Share prices fell.",
        "Related work was done by two groups.",
        "Read more books, teachers told the class in May.",
        "The copyright of the song was sold.",
        "Follow the river north to the old mill.",
    ],
)
def test_sentences_are_neither(line: str):
    assert not is_notice(line)
    assert not is_box_heading(line)


def test_a_list_at_the_end_goes_only_if_nothing_of_the_article_follows():
    text = "\n".join([*PARAGRAPHS, "推荐", "- 大桥合龙", "- 泵站开放"])
    assert tidy(text) == list(PARAGRAPHS)
    kept = "\n".join([*PARAGRAPHS, "推荐", "- 大桥合龙", PARAGRAPHS[0].replace("昨日", "今日")])
    assert len(tidy(kept)) == len(PARAGRAPHS) + 3


# --- encodings --------------------------------------------------------------------------------

TRADITIONAL = (
    "臨江市水務局昨日通報，歷時三年的河堤加固工程全部完工，沿岸十二個村莊不再受汛期威脅。",
    "村民周大海說，往年一到雨季全家就要搬到學校過夜，今年終於可以在自己家裡睡個安穩覺。",
)


@pytest.mark.parametrize(
    "declared", ["right", "", "utf-8", "iso-8859-1", "big5", "gb2312", "nonsense"]
)
@pytest.mark.parametrize("encoding", ["gbk", "gb18030", "big5", "utf-8", "utf-8-sig", "utf-16"])
def test_chinese_is_read_whatever_the_page_says_of_its_encoding(encoding: str, declared: str):
    page = chinese_page(charset=encoding if declared == "right" else declared)
    lines = PARAGRAPHS
    if encoding == "big5":
        page = page.replace("".join(f"<p>{each}</p>" for each in PARAGRAPHS),
                            "".join(f"<p>{each}</p>" for each in TRADITIONAL))  # fmt: skip
        lines = TRADITIONAL
    data = page.encode(encoding, "xmlcharrefreplace")
    assert read_page(data).lines == lines


@pytest.mark.parametrize(
    ("text", "encoding", "declared"),
    [
        ("Die Mühle am Fluß wurde für fünf Jahre geschlossen.", "cp1252", ""),
        ("Die Mühle am Fluß wurde für fünf Jahre geschlossen.", "latin-1", "iso-8859-1"),
        ("Le château a été rénové à la demande de la région.", "latin-1", "utf-8"),
        ("新しい橋がきのう完成しました。住民はとても喜んでいます。", "euc-jp", "euc-jp"),
        ("新しい橋がきのう完成しました。住民はとても喜んでいます。", "shift_jis", "shift_jis"),
        ("새 다리가 어제 완공되었습니다. 주민들은 매우 기뻐했습니다.", "euc-kr", "euc-kr"),
        ("Новый мост открыли вчера вечером.", "cp1251", "windows-1251"),
    ],
)
def test_other_encodings_are_believed_where_they_can_be_right(text, encoding, declared):
    head = f"<meta http-equiv=Content-Type content='text/html; charset={declared}'>"
    data = f"<html><head>{head if declared else ''}</head><body>{text}</body></html>".encode(
        encoding
    )
    assert text in decode_page(data)


def test_damaged_utf8_stays_utf8():
    data = bytearray(chinese_page().encode())
    data[data.index("河堤".encode()) + 1] = 0x41
    assert PARAGRAPHS[1] in decode_page(bytes(data))
    # Cut within a character.
    assert PARAGRAPHS[0][:-1] in decode_page(PARAGRAPHS[0].encode()[:-1] * 1)


@given(st.binary(max_size=300))
def test_any_bytes_have_a_text(data: bytes):
    assert isinstance(decode_page(data), str)


# --- hostile pages ----------------------------------------------------------------------------

_ATTRIBUTES = " ".join(f"a{i}=1" for i in range(50_000))
_TEXT = "".join(f"<p>{each}</p>" for each in PARAGRAPHS)
HOSTILE: dict[str, Callable[[], str]] = {
    "100,000 nested elements": lambda: "<div>" * 100_000 + _TEXT,
    "500 nested elements": lambda: "<div>" * 500 + _TEXT,
    "nested formatting": lambda: "<font>" * 3_000 + _TEXT,
    "attributes": lambda: f"<div {_ATTRIBUTES}>{_TEXT}</div>",
    "quoted attributes": lambda: f"<div {_ATTRIBUTES}>{_TEXT}".replace("=1 ", '=">" '),
    "elements": lambda: _TEXT * 6_000,
    "NUL": lambda: "\0".join(_TEXT),
    "surrogates": lambda: "\ud800" + _TEXT,
    "brackets": lambda: "<" * 300_000,
    "comments": lambda: "<!--" * 100_000 + _TEXT,
    "nested JSON-LD": lambda: (
        '<script type="application/ld+json">' + "[" * 200_000 + "</script>" + _TEXT
    ),
    "JSON-LD of other kinds": lambda: (
        '<script type="application/ld+json">{"@type":["Article",1,null],"headline":{"a":1},'
        f'"datePublished":[2],"articleSection":7}}</script>{_TEXT}'
    ),
    "many boxes": lambda: ("<h3>相关阅读</h3>" + _TEXT) * 300,
    "dates": lambda: (
        "".join(f"<span class=date>{'2025-01-' * 20}</span>" for _ in range(300)) + _TEXT
    ),
    "dateline": lambda: f"<p>2025-01-01{'作者' * 140}。</p>{_TEXT}",
    "dateline cues": lambda: f"<p>{'发布 时间 : ' * 30}x</p>{_TEXT}",
    "heading words": lambda: f"<h3>{'热榜榜单' * 9}x</h3>{_TEXT}",
    "repeats": lambda: f"<p>{PARAGRAPHS[0] * 2_000}</p>" * 3,
    "canonical": lambda: f'<link rel="canonical" href="http://[::1">{_TEXT}',
    "frames": lambda: "<frameset><frame src=x>" + _TEXT,
    "xhtml": lambda: (
        '<?xml version="1.0" encoding="gbk"?><html xmlns="http://www.w3.org/1999/xhtml">'
        f"<body>{_TEXT}</body></html>"
    ),
    "nothing": lambda: "",
    "white space": lambda: " \n\t",
    "no markup": lambda: PARAGRAPHS[0],
}


@pytest.mark.parametrize("kind", sorted(HOSTILE))
def test_hostile_pages_end_in_an_article_or_one_error(kind: str):
    try:
        page = read_page(HOSTILE[kind]())
    except ArticleError:
        return
    assert isinstance(page, Page)
    assert "<script" not in page.title


def test_formatting_and_attributes_beyond_measure_cost_no_text():
    assert read_page(HOSTILE["attributes"]()).lines == PARAGRAPHS
    assert read_page(HOSTILE["nested JSON-LD"]()).lines == PARAGRAPHS
    assert read_page(HOSTILE["NUL"]()).lines


@settings(max_examples=60, deadline=None)
@given(st.integers(0, 2**32))
def test_no_page_raises_anything_but_an_error_of_the_package(seed: int):
    random = Random(seed)
    page = "".join(
        random.choice(
            (
                _TEXT,
                hostile.text(random, longest=200),
                chinese_page(),
                f"<{random.choice(TAGS)} {hostile.text(random, longest=3)}>",
                f"</{random.choice(TAGS)}>",
            )
        )
        for _ in range(random.randrange(12))
    )
    data = hostile.mutated(
        random, page.encode(random.choice(("utf-8", "gb18030", "big5", "utf-16")), "replace")
    )
    try:
        first = read_page(data)
    except RecommenderError:
        return
    assert read_page(data) == first


TAGS = (
    "html head body title meta link script style table tr td ul li a p div span h1 h2 article main "
    "time form select option svg math template noscript iframe pre code blockquote font b br img"
).split()


@given(
    st.lists(
        st.sampled_from(
            [
                "发布时间",
                "作者",
                " : ",
                "2025-01-01",
                "热榜",
                "相关",
                "推荐",
                "阅读",
                "关注公众号",
                "扫码",
                "related ",
                "more ",
                "> ",
                "(",
                "。",
                "x",
                "copyright ",
                "follow us on ",
                "编辑：",
                " ",
            ]
        ),
        max_size=60,
    )
)
def test_patterns_of_lines_come_to_an_end(pieces: list[str]):
    line = "".join(pieces)[:299]
    for known in (is_notice, is_closing, is_dateline, is_path, is_box_heading):
        assert known(line) in (True, False)


@pytest.mark.parametrize(
    "data",
    [
        b"\x89PNG\r\n\x1a\n\0\0\0\rIHDR" + bytes(range(256)) * 40,
        b"%PDF-1.7\n%\xe2\xe3\xcf\xd3\n" + bytes(range(256)) * 40,
        b"\x1f\x8b\x08" + bytes(range(255, -1, -1)) * 40,
    ],
)
def test_a_picture_under_the_name_of_a_page_is_no_article(data: bytes) -> None:
    with pytest.raises(ArticleError, match="binary"):
        read_page(data)


@pytest.mark.parametrize("encoding", ["utf-8", "gb18030", "big5hkscs", "utf-16"])
def test_text_is_never_taken_for_binary(encoding: str) -> None:
    page = "臨江市水務局昨日通報，河堤加固工程全部完工。\0\n" * 50
    assert not is_binary(page[:30].encode(encoding))
    assert not is_binary(page.replace("\0", "").encode(encoding))
