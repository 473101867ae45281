"""Facts as few bytes, and back: how the store keeps them.

Pure. What stands here is part of the index format: a change of it is a new format.
"""

from __future__ import annotations

import json
import zlib
from collections.abc import Sequence

from recommender.facts import Fact

# One letter each where they are stored.
_KINDS = (
    "number", "date", "time", "ordinal", "place", "name", "organisation", "person", "work",
    "quote", "code",
)  # fmt: skip
_LETTER = {kind: chr(ord("a") + place) for place, kind in enumerate(_KINDS)}
_KIND = {letter: kind for kind, letter in _LETTER.items()}
_ENCODER = json.JSONEncoder(ensure_ascii=False, separators=(",", ":"))
_COMPRESSION = 6
_RAW_DEFLATE = -15
# What packed facts have in common: with it they take two thirds of the room. Part of the format.
_DICTIONARY = (
    '["g","大学"],["g","有限公司"],["g","集团"],["j",""],["j","一带一路"],'
    '["e","土耳其"],["e","印度尼西亚"],["e","马来西亚"],["e","新加坡"],'
    '["e","澳大利亚"],["e","加拿大"],["e","巴基斯坦"],["e","意大利"],'
    '["e","西班牙"],["e","巴西"],["e","印度"],["e","越南"],["e","泰国"],'
    '["e","乌克兰"],["e","以色列"],["e","巴勒斯坦"],["e","欧盟"],'
    '["e","法国"],["e","英国"],["e","德国"],["e","韩国"],["e","日本"],'
    '["e","俄罗斯"],["e","美国"],["e","内蒙古"],["e","黑龙江"],'
    '["e","吉林"],["e","辽宁"],["e","山西"],["e","陕西"],["e","甘肃"],'
    '["e","青海"],["e","宁夏"],["e","新疆"],["e","西藏"],["e","广西"],'
    '["e","贵州"],["e","云南"],["e","重庆"],["e","四川"],["e","成都"],'
    '["e","武汉"],["e","湖北"],["e","湖南"],["e","长沙"],["e","河南"],'
    '["e","郑州"],["e","河北"],["e","天津"],["e","山东"],["e","江西"],'
    '["e","福建"],["e","安徽"],["e","浙江"],["e","杭州"],["e","江苏"],'
    '["e","南京"],["e","海南"],["e","深圳"],["e","广州"],["e","广东"],'
    '["e","澳门"],["e","香港"],["e","台湾"],["e","上海"],["e","北京"],'
    '"work","《》"],["d","100条","第一百条"],["d","3次","第三次"],'
    '["d","1"],["c","12:30","12时30分"],["k","C919"],'
    '["f","市"],["f","省"],["f","china","China"],["h","王"],'
    '["h","李"],["a","1 个","一个"],["a","2 个","两个"],'
    '["a","3 种","三种"],["a","1 项","一项"],'
    '["a","100 家","100家"],["a","1000000000 元","10亿元"],'
    '["a","500000000 美元","5亿美元"],["a","10 公里","10公里"],'
    '["a","200 人","200人"],["a","30000 吨","3万吨"],'
    '["a","10 天","10天"],["a","30 "],["a","5 年","5年"],'
    '["a","3.5 %","3.5%"],["a","50 "],'
    '["a","2024 年","2024年"],["a","2023 年","2023年"],'
    '["a","2025 年","2025年"],["b","12-31","12月31日"],'
    '["b","11-05","11月5日"],["b","06-15","6月15日"],["a","'
).encode()


def pack(facts: Sequence[Fact]) -> bytes:
    """Facts as bytes for storing; the text is left out where it is the value."""
    plain = [
        [_LETTER[each.kind], each.value, *([] if each.text == each.value else [each.text])]
        for each in facts
    ]
    packer = zlib.compressobj(_COMPRESSION, zlib.DEFLATED, _RAW_DEFLATE, zdict=_DICTIONARY)
    return packer.compress(_ENCODER.encode(plain).encode()) + packer.flush()


def unpack(packed: bytes) -> tuple[Fact, ...]:
    """Read what `pack` wrote; nothing from no bytes."""
    if not packed:
        return ()
    return tuple(
        Fact(_KIND[letter], text[0] if text else value, value)
        for letter, value, *text in json.loads(
            zlib.decompressobj(_RAW_DEFLATE, zdict=_DICTIONARY).decompress(packed)
        )
    )
