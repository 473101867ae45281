"""Bytes of a page → its text, whatever its meta element says of the encoding.

In order: a byte order mark; UTF-8 where the bytes are sound UTF-8, which no other text is by
chance; else Chinese encodings by how many of the characters are common ones, because pages in
GBK that name ISO-8859-1, or name nothing, are everyday; else what the page says of itself.

Pure, and total: any bytes have a text.
"""

from __future__ import annotations

import codecs
import re
from collections import Counter

MARKS = (
    (codecs.BOM_UTF8, "utf-8"),
    (codecs.BOM_UTF32_LE, "utf-32-le"),
    (codecs.BOM_UTF32_BE, "utf-32-be"),
    (codecs.BOM_UTF16_LE, "utf-16-le"),
    (codecs.BOM_UTF16_BE, "utf-16-be"),
)
# Browsers read 1,024 bytes for it; pages of content systems have it later.
_DECLARED_WITHIN = 8_192
_BINARY = bytes({*range(0x20), 0x7F} - {0x09, 0x0A, 0x0C, 0x0D, 0x1B})
_DECLARED = re.compile(
    rb"<meta[^>]{0,400}?charset\s*=\s*[\"']?\s*([a-z0-9_:.+-]{2,40})|"
    rb"<\?xml[^>]{0,200}?encoding\s*=\s*[\"']([a-z0-9_:.+-]{2,40})",
    re.IGNORECASE,
)
# What browsers read for a name: the larger encoding that holds the one that is named.
_LARGER = {
    "gb2312": "gb18030",
    "gbk": "gb18030",
    "hz": "gb18030",
    "big5": "big5hkscs",
    "cp950": "big5hkscs",
    "iso8859-1": "cp1252",
    "ascii": "cp1252",
    "iso8859-9": "cp1254",
    "shift_jis": "cp932",
    "euc_kr": "cp949",
    "tis-620": "cp874",
}
_NO_ENCODINGS = ("idna", "punycode", "undefined", "unicode-escape", "raw-unicode-escape")
_UNICODE = ("utf-8", "utf-16", "utf-16-le", "utf-16-be", "utf-32", "utf-7")
_CHINESE = ("gb18030", "big5hkscs")
# A damaged place for so many characters is a damaged text, not another encoding.
_SOUND_FOR_EACH_FAULT = 50
_JUDGED = 400_000
# Common characters in both scripts; together a third to a half of running text.
_COMMON = frozenset(
    "的一是不了在人有我他这这個上们來到時大地为子中你說生国年着就那和要她出也得里後自以会家可下而過天去能"
    "对小多然于心学么之都好看起發当没成只如事把还用第样道想作種开美總从無情己面最女但現前些所同日手又行意動"
    "方期它頭經長兒回位分愛老因很給名法間斯知世什兩次使身者被高已親其進此話常與活正感見明問力理爾點文幾定本"
    "公特做外孩相西果走将月十實向聲車全信重三機工物氣每並別真打太新比才便夫再書部水像眼等體卻加電主界門利海"
    "個来时们這為说國過發後還麼沒樣開無現經長給間兩與見問爾幾實聲機氣別書體卻電門从会对当于学市记者报业区务产"
    "這會對當於學記報業區務產让员场动万元日期关联系网新闻版权"
)
# Less than this share of common ones, and it is no Chinese in that encoding.
_LEAST_COMMON = 0.12
_LEAST_IDEOGRAPHS = 4
_MOSTLY = 0.8
_IDEOGRAPH = re.compile("[\u3400-\u9fff]")
_NOT_ASCII = re.compile(rb"[\x80-\xff]+")
_OTHER_EAST_ASIAN = re.compile("[\u3041-\u30ff\uac00-\ud7a3]")


def decode_page(data: bytes) -> str:
    """The text of a page.

    Parameters
    ----------
    data : bytes
        The whole page.

    Returns
    -------
    str
        Bytes that mean nothing become U+FFFD.
    """
    for mark, encoding in MARKS:
        if data.startswith(mark):
            return data[len(mark) :].decode(encoding, "replace")
    if data.isascii():
        return data.decode("ascii")
    as_utf8 = data.decode("utf-8", "replace")
    faults = as_utf8.count("\ufffd") - data.count(b"\xef\xbf\xbd")
    # A byte of UTF-8 beyond the first of its character: two bytes and more are one character.
    sound = len(data) - len(as_utf8) - faults
    if faults == 0 or sound > _SOUND_FOR_EACH_FAULT * faults:
        return as_utf8
    declared = _declared(data)
    encoding = _chosen(data, declared)
    return as_utf8 if encoding == "utf-8" else data.decode(encoding, "replace")


def is_binary(data: bytes) -> bool:
    """Whether bytes are no text in any encoding: a picture or an archive under a page's name.

    As browsers do (WHATWG MIME Sniffing, "binary data byte") it looks at control characters that
    no text has; one alone may be a slip.
    """
    beginning = data[:_DECLARED_WITHIN]
    if any(beginning.startswith(mark) for mark, _ in MARKS):
        return False
    return len(beginning) - len(beginning.translate(None, _BINARY)) > 1 + len(beginning) // 1_000


def _declared(data: bytes) -> str:
    """The encoding that a page names, as browsers understand it; empty without one."""
    found = _DECLARED.search(data[:_DECLARED_WITHIN])
    if found is None:
        return ""
    return known_encoding((found[1] or found[2]).decode("ascii"))


def known_encoding(name: str) -> str:
    """The encoding of texts that a name stands for, as browsers understand it; empty for none."""
    try:
        known = codecs.lookup(name)
    except (LookupError, ValueError):
        return ""
    # Python has codecs under names that are no encodings of text.
    if known.name in _NO_ENCODINGS or not getattr(known, "_is_text_encoding", True):
        return ""
    return _LARGER.get(known.name, known.name)


def _chosen(data: bytes, declared: str) -> str:
    if declared not in ("", *_UNICODE, *_CHINESE) and _speaks_otherwise(data, declared):
        return declared
    if _is_latin(data):
        return "cp1252" if declared in ("", *_UNICODE, *_CHINESE) else declared
    scores = {encoding: _commonness(data, encoding) for encoding in _CHINESE}
    best = max(_CHINESE, key=lambda encoding: (scores[encoding], encoding == declared))
    if scores[best] >= _LEAST_COMMON:
        return best
    # Too little to tell by: the page is believed where it can be right.
    if declared and declared not in _UNICODE:
        return declared
    return "gb18030"


def _speaks_otherwise(data: bytes, encoding: str) -> bool:
    """Whether a text is Japanese or Korean in an encoding that it is sound in."""
    try:
        text = data.decode(encoding)
    except UnicodeDecodeError:
        return False
    return len(_OTHER_EAST_ASIAN.findall(text)) * 4 > len(_IDEOGRAPH.findall(text))


def _commonness(data: bytes, encoding: str) -> float:
    """Share of common characters among the ideographs; faults count as uncommon ones."""
    text = data[:_JUDGED].decode(encoding, "replace")
    counts = Counter(_IDEOGRAPH.findall(text))
    total = counts.total()
    if total < _LEAST_IDEOGRAPHS:
        return 0.0
    common = sum(count for character, count in counts.items() if character in _COMMON)
    return common / (total + text.count("\ufffd"))


def _is_latin(data: bytes) -> bool:
    """Whether bytes beyond ASCII stand alone among letters, as accents do."""
    runs = [len(run) for run in _NOT_ASCII.findall(data[:_JUDGED])]
    return sum(length == 1 for length in runs) >= _MOSTLY * len(runs)
