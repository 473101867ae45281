"""Text: what cleaning keeps of HTML and plain bodies, what folding ignores, the language."""

from __future__ import annotations

import time
import unicodedata

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from recommender.text import (
    clean,
    clean_title,
    detect_language,
    fold,
    fold_many,
    sentences,
    teaser,
    title_fits,
)
from tests.helpers import outputs_of_hash_seeds

ANY_TEXT = st.text(alphabet=st.characters(), max_size=120)
PIECES = st.sampled_from(
    [
        "<p>", "</p>", "<div class='x'>", "</div>", "<br/>", "<td>", "</tr>", "<script>",
        "</script>", "<!--", "-->", "<style>", "<![CDATA[", "]]>", "<table>", "<svg>",
        "<template>", "<a href=", "&lt;p&gt;", "&amp;lt;div&amp;gt;", "&#x4e2d;", "&#xD800;",
        "&#0;", "&nbsp;", "&bogus;", "<", ">", "&", "\\'", "\0", "\u200b", "\ud800", "\r\n",
        "\u2028", "河水", "Ｗ", " ", "'", '"',
    ]
)  # fmt: skip
HOSTILE = st.lists(PIECES, max_size=40).map("".join)


# Cleaning: structure


@pytest.mark.parametrize(
    ("body", "text"),
    [
        ("<p>一</p><p>二</p>", "一\n二"),
        ("<P>一</P><BR>二", "一\n二"),
        ("一<br>二<br/>三", "一\n二\n三"),
        ("<div>外<p>内</p>后</div>", "外\n内\n后"),
        ("<p>甲</p>乙<p>丙</p>", "甲\n乙\n丙"),
        ("<section><h1>题</h1>文</section>", "题\n文"),
        ("<ul><li>一</li><li>二</li></ul>", "一\n二"),
        ("<dl><dt>词</dt><dd>义</dd></dl>", "词\n义"),
        ("<p>半<b>句</b>话</p>", "半句话"),
        ("见<a href='u'>附件</a>第二页", "见附件第二页"),
        ("<p>同一\n段</p>", "同一 段"),
        ("<p>没有合上<p>也要分段", "没有合上\n也要分段"),
        ("<p>&nbsp;&nbsp;缩进\u3000\u3000段</p>", "缩进 段"),
        ("<p></p><p> </p><div><br></div>", ""),
    ],
)
def test_blocks_become_lines(body: str, text: str) -> None:
    assert clean(body) == text


def test_table_cells_are_parted_and_rows_are_lines() -> None:
    rows = "<tr><th>站</th><th>水位</th></tr><tr><td>上游</td><td>31.2米</td></tr>"
    assert clean(f"<table><tbody>{rows}</tbody></table>") == "站 水位\n上游 31.2米"
    unclosed = "<table><tr><td>甲<td>乙<tr><td>丙<td>丁</table>"
    assert clean(unclosed) == "甲 乙\n丙 丁"


@pytest.mark.parametrize(
    "dropped",
    [
        "<script>if (a < b) { track('p') }</script>",
        "<SCRIPT type='text/javascript'>document.write('<p>广告</p>')</SCRIPT>",
        "<style>p { color: red }</style>",
        "<noscript><p>请打开脚本</p></noscript>",
        "<template><p>模板</p></template>",
        "<iframe src='x'>框</iframe>",
        "<svg><text>图中字</text></svg>",
        "<video>不支持</video>",
        "<form><input value='搜'><button>搜索</button></form>",
        "<select><option>选项</option></select>",
        "<textarea>草稿</textarea>",
        "<!-- 注释 <p>藏着</p> -->",
        "<img src='a.jpg' alt='照片'>",
    ],
)
def test_what_no_reader_reads_is_dropped(dropped: str) -> None:
    assert clean(f"<p>前文。</p>{dropped}<p>后文。</p>") == "前文。\n后文。"


def test_a_script_that_is_never_closed_takes_only_what_follows() -> None:
    assert clean("<p>正文。</p><script>var a = '<p>不是正文</p>'") == "正文。"


def test_a_head_and_its_title_are_dropped() -> None:
    page = "<html><head><title>网页名</title></head><body><p>正文。</p></body></html>"
    assert clean(page) == "正文。"


def test_an_attribute_with_an_angle_bracket_does_not_leak() -> None:
    assert clean("""<p data-rule='a>b' onclick="x('</p>')">正文。</p>""") == "正文。"


# Cleaning: entities and escaping


@pytest.mark.parametrize(
    ("body", "text"),
    [
        ("<p>李&amp;王 &#x4e2d;&#25991; &hellip;</p>", "李&王 中文 …"),
        ("李 &amp; 王", "李 & 王"),
        ("A&amp;amp;B", "A&amp;B"),
        ("&lt;p&gt;一&lt;/p&gt;&lt;p&gt;二&lt;/p&gt;", "一\n二"),
        ("&amp;lt;p&amp;gt;一&amp;lt;/p&amp;gt;&amp;lt;p&amp;gt;二", "一\n二"),
        ('&lt;p class=\\"a\\"&gt;它说\\"好\\"&lt;/p&gt;', '它说"好"'),
        ("<p>写作&lt;p&gt;的标签</p>", "写作<p>的标签"),
        ("AT&T 与 R&D", "AT&T 与 R&D"),
        ("x &lt; y", "x < y"),
    ],
)
def test_entities_are_resolved_once(body: str, text: str) -> None:
    assert clean(body) == text


def test_entities_of_no_character_do_not_raise() -> None:
    assert clean("<p>甲&#0;&#xD800;&#x110000;乙</p>").encode("utf-8")
    assert clean("甲&#0;&#xD800;&#9999999;乙").encode("utf-8")
    assert clean("甲&bogus;乙") == "甲&bogus;乙"


def test_plain_text_with_comparison_signs_is_kept() -> None:
    assert clean("水温<20度时,流量>50") == "水温<20度时,流量>50"
    assert clean("书名<江 河>是好书") == "书名<江 河>是好书"


# Cleaning: characters


@pytest.mark.parametrize(
    "hidden",
    ["\u200b", "\u200d", "\ufeff", "\u00ad", "\u2060", "\u202e", "\ufe0f", "\x00", "\x07", "\x7f"],
)
def test_characters_nobody_sees_are_removed(hidden: str) -> None:
    assert clean(f"零{hidden}宽") == "零宽"
    assert clean(f"<p>零{hidden}宽</p>") == "零宽"


@pytest.mark.parametrize(
    "end", ["\n", "\r\n", "\r", "\u2028", "\u2029", "\x0b", "\x85", "\n \n\t\n"]
)
def test_all_line_ends_of_plain_text_are_one(end: str) -> None:
    assert clean(f"第一段。{end}第二段。") == "第一段。\n第二段。"


def test_script_and_width_are_left_as_they_are() -> None:
    assert clean("<p>臺北ＭＲＴ，１２號線</p>") == "臺北ＭＲＴ，１２號線"


@given(st.one_of(ANY_TEXT, HOSTILE))
@settings(max_examples=300, deadline=None)
def test_cleaning_never_raises_and_leaves_tidy_lines(body: str) -> None:
    text = clean(body)
    for line in text.split("\n") if text else []:
        assert line
        assert line == line.strip()
        assert "  " not in line
    assert not set(text) & set("\r\t\0\u200b\ufeff\u2028")


@given(st.lists(st.text(alphabet="山高水长，。甲乙12ab", min_size=1, max_size=12), max_size=6))
def test_plain_paragraphs_and_html_paragraphs_clean_alike(paragraphs: list[str]) -> None:
    html = "".join(f"<p>{paragraph}</p>" for paragraph in paragraphs)
    assert clean(html) == clean("\n".join(paragraphs)) == "\n".join(paragraphs)


@pytest.mark.parametrize(
    ("hostile", "kept"),
    [
        ("<div>" * 60_000 + "底" + "</div>" * 60_000, "底"),
        ("<b>" * 60_000 + "底", "底"),
        ("<p>" + "<span>字</span>" * 20_000 + "</p>", "字" * 20_000),
        ("<p " + "a=b " * 50_000 + ">字</p>", "字"),
        ("<" * 200_000, "<" * 200_000),
        ("&" * 200_000, "&" * 200_000),
        ("<script>" * 30_000, ""),
        ("<!--" * 50_000, ""),
    ],
)
def test_hostile_markup_takes_little_time(hostile: str, kept: str) -> None:
    started = time.perf_counter()
    assert clean(hostile) == kept
    assert time.perf_counter() - started < 3


def test_pages_too_deep_to_parse_still_lose_scripts_and_keep_their_blocks() -> None:
    body = "<b>" * 1_500 + "<script>var x = 1;</script><p>甲 &amp; 乙</p><p>丙</p>"
    assert clean(body) == "甲 & 乙\n丙"


# Titles, teasers, sentences


def test_a_title_is_one_line_without_tags() -> None:
    assert clean_title("<b>大桥</b><br>今日 &amp; 明日\n通车") == "大桥 今日 & 明日 通车"


@given(ANY_TEXT, st.integers(2, 60))
def test_a_teaser_is_one_line_of_bounded_length(text: str, length: int) -> None:
    line = teaser(text, length)
    assert len(line) <= length
    assert len(line.splitlines()) <= 1
    assert line.endswith("…") or line == " ".join(text[: 4 * length].split())


def test_a_short_text_is_its_own_teaser() -> None:
    assert teaser("河水退了。\n村民回家。", 80) == "河水退了。 村民回家。"
    assert teaser("字" * 30, 10) == "字" * 9 + "…"


def test_sentences_end_at_marks_and_lines_and_keep_closing_quotes() -> None:
    text = "水退了。真的吗?!“走吧！”他说；然后出门\n第二段"
    assert sentences(text) == ["水退了。", "真的吗?!", "“走吧！”", "他说；", "然后出门", "第二段"]
    assert sentences("") == []


@given(st.text(alphabet="水。！?；\n ”)a", max_size=60))
def test_sentences_lose_nothing_but_space(text: str) -> None:
    assert "".join("".join(sentences(text)).split()) == "".join(text.split())
    assert all(each == each.strip() and each for each in sentences(text))


# Folding


@pytest.mark.parametrize(
    ("one", "other"),
    [
        ("ＡＢＣ１２３", "abc123"),
        ("ICE Train", "icetrain"),
        ("臺灣後續報導", "台湾后续报导"),
        ("乾淨頭髮，發佈新聞！", "干净头发发布新闻"),
        ("“价格”——上涨：3.5%", "价格上涨35"),
        ("①②③", "123"),
        ("Straße", "STRASSE"),
        ("ﬁnance", "finance"),
        ("㍿", "株式会社"),
        ("零\u200b宽\ufeff", "零宽"),
        ("豈", "岂"),
    ],
)
def test_case_width_script_and_punctuation_do_not_differ(one: str, other: str) -> None:
    assert fold(one) == fold(other) != ""


@pytest.mark.parametrize(
    ("one", "other"), [("未来", "末来"), ("买", "卖"), ("1.5", "1.6"), ("日", "曰"), ("o", "0")]
)
def test_different_characters_stay_different(one: str, other: str) -> None:
    assert fold(one) != fold(other)


@pytest.mark.parametrize("nothing", ["", " \n\t", "。，！—…", "😀🎉", "\ud800", "\u200b", "$€%"])
def test_what_is_no_letter_or_digit_folds_to_nothing(nothing: str) -> None:
    assert fold(nothing) == ""


@given(ANY_TEXT)
@settings(max_examples=300)
def test_folding_twice_is_folding_once(text: str) -> None:
    once = fold(text)
    assert fold(once) == once


def test_folding_twice_is_folding_once_for_every_character() -> None:
    whole = "".join(chr(code) for code in range(0x32400) if not 0xD800 <= code < 0xE000)
    once = fold(whole)
    assert len(once) > 90_000
    assert fold(once) == once


@given(ANY_TEXT)
def test_folding_keeps_only_letters_and_digits(text: str) -> None:
    assert all(unicodedata.category(each)[0] in "LN" for each in fold(text))


@given(ANY_TEXT, ANY_TEXT)
def test_folding_goes_character_by_character(one: str, other: str) -> None:
    assert fold(one + other) == fold(one) + fold(other)


@given(st.text(alphabet=st.characters(min_codepoint=0x21, max_codepoint=0x7E), max_size=40))
def test_full_width_and_upper_case_fold_like_ascii(text: str) -> None:
    wide = "".join(chr(ord(each) + 0xFEE0) for each in text)
    assert fold(wide) == fold(text) == fold(text.upper())


@given(st.lists(ANY_TEXT, max_size=6))
def test_folding_many_is_folding_each(texts: list[str]) -> None:
    assert fold_many(texts) == [fold(each) for each in texts]


# Language


@pytest.mark.parametrize(
    ("text", "language"),
    [
        ("今天的河水比昨天低了三十厘米。", "zh"),
        ("颱風過後，居民開始清理街道。", "zh"),
        ("iPhone 用户明天可以更新系统", "zh"),
        ("今日は川の水が少し下がりました。", "ja"),
        ("오늘 강물이 조금 내려갔습니다.", "ko"),
        ("The river fell by thirty centimetres during the night.", "en"),
        ("La rivière a baissé de trente centimètres pendant la nuit.", "fr"),
        ("За ночь уровень воды в реке упал на тридцать сантиметров.", "ru"),
        ("", ""),
        ("2025-07-01 12:30 !!", ""),
        ("😀", ""),
    ],
)
def test_languages_are_told_apart(text: str, language: str) -> None:
    assert detect_language(text) == language


def test_a_kana_or_two_in_a_chinese_text_leave_it_chinese() -> None:
    assert detect_language("商场里开了一家名叫“茶の屋”的小店,生意很好。") == "zh"


@given(st.one_of(ANY_TEXT, HOSTILE))
@settings(max_examples=60, deadline=None)
def test_language_detection_never_raises(text: str) -> None:
    language = detect_language(text)
    assert language == "" or (language.isalpha() and language.islower())


# Titles that belong to their bodies


RIVER = "受连日降雨影响,清河水位昨夜超过警戒线,沿岸两个村庄的居民已经连夜转移到学校。"


@pytest.mark.parametrize(
    "title", ["清河水位超警戒线 居民连夜转移", "清河水位超警戒線，居民連夜轉移"]
)
def test_a_title_with_the_words_of_the_body_fits(title: str) -> None:
    assert title_fits(title, RIVER)


def test_a_title_of_another_article_does_not_fit() -> None:
    assert not title_fits("篮球联赛总决赛今晚打响", RIVER)
    assert not title_fits("Museum buys bronze vessel", "Qlu zork fnid, wop.")


@pytest.mark.parametrize(
    ("title", "body"),
    [
        ("篮球", RIVER),
        ("", RIVER),
        ("篮球联赛总决赛今晚打响", ""),
        ("Basketball final tonight", RIVER),
        ("篮球联赛总决赛今晚打响", "The river fell during the night."),
    ],
)
def test_what_cannot_be_judged_fits(title: str, body: str) -> None:
    assert title_fits(title, body)


@given(st.text(alphabet="清河水位昨夜超过警戒线", min_size=6, max_size=20), st.integers(0, 20))
def test_a_title_copied_into_the_body_always_fits(title: str, place: int) -> None:
    assert title_fits(title, RIVER[:place] + title + RIVER[place:])


# The same everywhere


def test_results_do_not_depend_on_the_hash_seed() -> None:
    code = (
        "from recommender.text import clean, fold, title_fits\n"
        "print(ascii([clean('<p>臺北 &amp; ＭＲＴ</p>'), fold('臺北㍿ＭＲＴ'),"
        " title_fits('清河水位超警戒线', '昨夜清河水位超过警戒线')]))"
    )
    outputs = outputs_of_hash_seeds(code)
    assert len(outputs) == 1
    assert outputs.pop().strip()
