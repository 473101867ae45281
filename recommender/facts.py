"""Facts in a text: numbers with their units, dates, names, works, quotes; where two texts differ.

Rules, one table of patterns, no tagger: some thousand articles a second. A fact has a kind, the
text as it stands, and a normal value, so that "1.98万亿元" and "19800亿元" are one. Two facts
differ when they fill one slot (the same kind and unit) with other values.

Pure; every pattern is bounded, so that hostile text costs no more than any other.
"""

from __future__ import annotations

import re
from collections import defaultdict
from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass
from decimal import Decimal

MOST_FACTS = 200
# Of other kinds an article may name many, and none speaks against another.
CONTRADICTABLE = frozenset(("number", "date", "person", "ordinal", "time"))
_READ = 20_000
_LISTED = 20


@dataclass(frozen=True, slots=True)
class Fact:
    """One fact.

    Attributes
    ----------
    kind : str
        "number", "date", "time", "ordinal", "place", "name", "organisation", "person", "work",
        "quote", "code".
    text : str
        As it stands in the article.
    value : str
        Normal form; equal for equal facts. Of a number: value, a space, unit.
    """

    kind: str
    text: str
    value: str

    @property
    def key(self) -> str:
        """What is compared of facts: kind and value."""
        return f"{self.kind}:{self.value}"

    @property
    def slot(self) -> str:
        """What the fact says something about: kind, and the unit of a number."""
        return f"{self.kind} {self.value.partition(' ')[2]}" if self.kind == "number" else self.kind


@dataclass(frozen=True, slots=True, kw_only=True)
class FactComparison:
    """Facts of two articles beside each other, as texts.

    Attributes
    ----------
    shared, only_first, only_second : tuple of str
    differing : tuple of str
        "3.2% / 4.1%": one slot that the articles fill differently.
    contradicting : tuple of (str, str)
        The same, taken apart.
    overlap : float or None
        Share of the facts of the article with fewer that both have; `None` without facts.
    """

    shared: tuple[str, ...]
    only_first: tuple[str, ...]
    only_second: tuple[str, ...]
    differing: tuple[str, ...]
    contradicting: tuple[tuple[str, str], ...]
    overlap: float | None


_SCALES = {
    "十": 10, "百": 100, "千": 1_000, "万": 10_000, "亿": 100_000_000,
    "万亿": 10**12, "百万": 10**6, "千万": 10**7, "十亿": 10**9, "百亿": 10**10, "千亿": 10**11,
    "thousand": 10**3, "million": 10**6, "billion": 10**9, "trillion": 10**12,
    "mn": 10**6, "bn": 10**9, "tn": 10**12,
}  # fmt: skip
_DIGITS = {character: value for value, character in enumerate("〇一二三四五六七八九")}
_DIGITS |= {"零": 0, "两": 2}
_STEPS = {"十": 10, "百": 100, "千": 1_000}
# The larger first: a number is taken apart there.
_LARGE = {"亿": 100_000_000, "万": 10_000}

_UNITS = (
    "个百分点|个小时|个月|平方公里|平方千米|平方米|立方米|人民币|个基点|公里|千米|厘米|毫米|公斤|千克|万吨|公顷|小时|"
    "分钟|美元|欧元|日元|港元|英镑|卢布|周年|岁|元|吨|克|米|亩|人次|人|名|位|例|起|家|个|项|件|次|辆|架|"
    "艘|枚|颗|台|部|座|栋|户|套|册|场|届|期|年|天|倍|度|℃|级|层|只|头|条|批|集|种|所|块|股|票|点|分|秒|%|％|‰"
)
_ENGLISH_UNITS = (
    "percentage points?|basis points?|per ?cent|percent|people|persons|workers|jobs|employees|"
    "passengers|vehicles|kilometers|kilometres|km|miles|tonnes|tons|barrels|years?|months?|"
    "weeks?|days|hours|minutes|euros?|dollars?|pounds?|yuan|points?|%"
)
_NUMBER = r"\d{1,3}(?:,\d{3}){1,5}(?:\.\d{1,6})?|\d{1,15}(?:\.\d{1,6})?"

# The patterns of digits are tried where a run of digits begins, and nowhere else.
_DATE = re.compile(
    r"(?:(?:19|20)\d{2}年)?(?P<m>1[0-2]|0?[1-9])月(?P<d>3[01]|[12]\d|0?[1-9])[日号]"
    r"|(?:19|20)\d{2}[-/.](?P<im>1[0-2]|0?[1-9])[-/.](?P<id>3[01]|[12]\d|0?[1-9])(?!\d)"
)
_ENGLISH_MONTHS = tuple(
    "january february march april may june july august september october november december".split()
)
_ENGLISH_DATE = re.compile(
    r"\b(?P<m>Jan(?:uary)?|Feb(?:ruary)?|Mar(?:ch)?|Apr(?:il)?|May|June?|July?|Aug(?:ust)?|"
    r"Sept?(?:ember)?|Oct(?:ober)?|Nov(?:ember)?|Dec(?:ember)?)\.? (?P<d>3[01]|[12]\d|[1-9])"
    r"(?:st|nd|rd|th)?(?:,? (?P<y>(?:19|20)\d{2}))?\b"
)
_YEAR = re.compile(r"((?:19|20)\d{2})年(?!\d{0,2}月)")
_TIME = re.compile(r"([01]?\d|2[0-3])[时点:：]([0-5]\d)分?(?!\d)")
# A code of the exchanges of Shanghai, Shenzhen and Beijing behind a company's name.
_LISTED_CODE = re.compile(r"[（(]((?:00|30|60|68|83|87|92)\d{4})(?:\.(?:SZ|SH|BJ))?[)）]")
_STOCK = re.compile(r"(?:\d{6}\.(?:S[HZ]|BJ)|\d{4,5}\.HK)(?![A-Za-z0-9_])")
_QUANTITY = re.compile(
    rf"(?P<n>{_NUMBER})\s?(?P<s>万亿|百万|千万|十亿|百亿|千亿|[十百千万亿](?![米克]))?余?多?(?P<u>{_UNITS})?"
    r"(?![日月时号])"
)
_DATE_SIGNS = frozenset("月年-/.")
_TIME_SIGNS = frozenset("时点:：")
_DIGIT_RUN = re.compile(r"\d+")
_ORDINAL = re.compile(
    r"第([0-9]{1,5}|[〇零一二三四五六七八九十百千两]{1,6})(季度|[届次期号批集轮季个位名条章]?)"
)
# Only a text with such a place holds English figures.
_ENGLISH_FIGURES = re.compile(r"[a-z][ ,.-]{1,2}[\d$€£¥]|\d ?-?[a-z]{2}|[$€£¥]\d", re.IGNORECASE)
_ENGLISH_QUANTITY = re.compile(
    rf"(?P<c>[$€£¥])?(?<![\w.])(?P<n>{_NUMBER})\s?-?"
    r"(?P<s>thousand|million|billion|trillion|mn|bn|tn)?"
    rf"\s?-?(?P<u>{_ENGLISH_UNITS})?(?![\w])",
    re.IGNORECASE,
)
_NUMERALS = "一二三四五六七八九十百千万亿两零〇"
# A step alone is a manner of speaking: "百年", "万人".
_SINGLE_NUMERALS = frozenset("一二两三四五六七八九十")
_FEW = frozenset("一二两三")
_LOOSE_UNITS = frozenset("个起批届种项条次家位名件头层块点只所台部册场集倍级天年期")
_NUMERAL_RUN = re.compile(f"[{_NUMERALS}]+")
_UNIT = re.compile(_UNITS)
_UNIT_BEGINNINGS = frozenset(unit[0] for unit in _UNITS.split("|"))
_LONGEST_NUMERAL = 12
_WORK = re.compile(r"《([^《》\n]{1,60})》")
# What is only set off, a word or two, is as a rule no quotation; a long one is cited in parts.
_QUOTE = re.compile('“([^“”\n]{4,16})”|「([^「」\n]{4,16})」|"([^"\n]{12,40})"')
# What a pattern must not stand behind is asked afterwards: one that begins with a set of
# characters is searched for several times as fast.
_CODE = re.compile(r"[A-Z]{1,5}-?\d{1,6}[A-Z]{0,2}(?![A-Za-z0-9_])")
_LATIN = re.compile(r"[A-Z][A-Za-z&'’-]{1,30}(?:[ .]{1,2}[A-Z][A-Za-z&'’-]{1,30}){0,4}")
_SURNAMES = (
    "王李张刘陈杨黄赵周吴徐孙朱马胡郭林何高梁郑罗宋谢唐韩曹许邓萧冯曾程蔡彭潘袁于董余苏叶吕魏蒋田杜丁沈"
    "姜范江傅钟卢汪戴崔任陆廖姚方金邱夏谭韦贾邹石熊孟秦阎薛侯雷白龙段郝孔邵史毛常万顾赖武康贺严尹钱施牛洪龚"
    "习汤陶黎温莫易樊乔文安殷颜庄章鲁倪庞邢俞翟蓝聂齐葛柴伍覃骆关焦柳欧祝纪尚毕耿芦左季管符辛苗詹曲欧靳祁路涂兰"
)
_ROLES = (
    "总书记|书记|主席|总理|总统|首相|外长|大使|议长|省长|市长|县长|区长|州长|部长|司长|局长|处长|厅长|主任|委员长|委员|秘书长|发言人|"
    "董事长|总裁|总经理|首席执行官|行长|院长|校长|教授|研究员|专家|院士|博士|记者|导演|演员|主演|教练|队长|选手|"
    "运动员|球员|律师|法官|检察长|大使|将军|创始人|会长|理事长|站长|村民|居民|先生|女士|同志|民警|航天员"
)
_PERSONS = (
    re.compile(
        rf"(?:{_ROLES})(?P<name>[{_SURNAMES}][\u4e00-\u9fff]{{1,2}}?)"
        r"(?=[\s，。、；：（(“”说介表称告指在的和与及等同率主受接涉严强要从向对])"
    ),
    re.compile(
        rf"(?P<name>[{_SURNAMES}]某{{1,2}}[\u4e00-\u9fff]?)"
        r"(?=[^\u4e00-\u9fff]|[因在的被将与和])"
    ),
)
# A name that opens a clause and does something only persons do.
_ACTING = re.compile(r"涉嫌|接受|被查|被开除|受贿|严重违纪|介绍|表示|认为|告诉|指出|说[，：]")
_ACTING_NAME = re.compile(rf"[{_SURNAMES}][\u4e00-\u9fff]{{1,2}}")
# Where a name of a place that needs no ending may begin: provinces, and states much in the news.
_PLACES = (
    "北京|天津|上海|重庆|河北|山西|辽宁|吉林|黑龙江|江苏|浙江|安徽|福建|江西|山东|河南|湖北|湖南|广东|"
    "海南|四川|贵州|云南|陕西|甘肃|青海|台湾|内蒙古|广西|西藏|宁夏|新疆|香港|澳门|美国|英国|法国|德国|"
    "日本|韩国|朝鲜|俄罗斯|乌克兰|印度|巴西|以色列|伊朗|伊拉克|叙利亚|土耳其|埃及|越南|泰国|缅甸|"
    "老挝|柬埔寨|马来西亚|新加坡|菲律宾|印尼|印度尼西亚|巴基斯坦|阿富汗|加拿大|墨西哥|阿根廷|智利|"
    "古巴|澳大利亚|新西兰|意大利|西班牙|葡萄牙|荷兰|比利时|瑞士|瑞典|挪威|芬兰|丹麦|波兰|匈牙利|希腊|"
    "塞尔维亚|欧盟|南非|肯尼亚|尼日利亚|埃塞俄比亚|沙特|阿联酋|卡塔尔|哈萨克斯坦|乌兹别克斯坦|蒙古国|"
    "巴勒斯坦|加沙|广州|深圳|成都|武汉|杭州|南京|西安|苏州|青岛|大连|厦门|郑州|长沙|昆明|哈尔滨"
)
_PLACE = re.compile(_PLACES)
_ORGANISATION_END = re.compile(
    "(?:公司|集团|银行|交易所|研究院|研究所|大学|法院|检察院|博物馆|协会|基金会)"
)
# Where the name of an organisation cannot have begun yet.
_BEFORE_ORGANISATION = re.compile("[^\u4e00-\u9fff]|[的由在对向与和及了从为被到将是把等让该据称自]")
_LONGEST_ORGANISATION = 12
_PLACE_END = re.compile(r"(?:省|市|自治区|自治州|县)(?![委场面民长内外级域区])")
_LONGEST_PLACE = 4
_STOP = frozenset(
    "The A An In On At But And He She It They We I You This That These Those His Her Its Their "
    "Our As If When While After Before With For From By To Of Or So Not No Yes There Here What "
    "Who How Why Where Monday Tuesday Wednesday Thursday Friday Saturday Sunday According Also "
    "Mr Mrs Ms Dr New One Two Three First Last Most More Some Many All Both".split()
)
_HAN = re.compile(r"[\u4e00-\u9fff]")
Found = tuple[int, int, Fact]


def extract_facts(title: str, text: str) -> tuple[Fact, ...]:
    """The facts of an article, each once, in the order they first appear; at most 200.

    Read are the title and the first 20,000 characters of the text, as shown.
    """
    whole = f"{title}\n{text[:_READ]}"
    found: dict[tuple[str, str], tuple[int, Fact]] = {}
    # What an earlier rule has read, a later one does not read again.
    taken = bytearray(len(whole))
    for start, end, fact in _all(whole):
        if taken.find(1, start, end) >= 0:
            continue
        taken[start:end] = b"\1" * (end - start)
        key = (fact.kind, fact.value)
        if key not in found or start < found[key][0]:
            found[key] = (start, fact)
    ordered = sorted(found.values(), key=lambda item: (item[0], item[1].kind, item[1].value))
    return tuple(fact for _, fact in ordered[:MOST_FACTS])


def _all(whole: str) -> Iterator[Found]:
    for match in _WORK.finditer(whole):
        yield match.start(), match.end(), Fact("work", match.group(), match.group(1).strip())
    for match in _QUOTE.finditer(whole):
        words = (match[1] or match[2] or match[3]).strip()
        yield match.start(), match.start() + 1, Fact("quote", words, words.lower())
    for match in _ORDINAL.finditer(whole):
        number = match.group(1)
        plain = number if number.isdigit() else str(_chinese(number))
        yield match.start(), match.end(), Fact("ordinal", match.group(), plain + match.group(2))
    for match in _LISTED_CODE.finditer(whole):
        yield match.start(), match.end(), Fact("code", match.group(1), match.group(1))
    for match in _CODE.finditer(whole):
        if not _is_inside_word(whole, match.start()):
            yield match.start(), match.end(), Fact("code", match.group(), match.group())
    if _ENGLISH_FIGURES.search(whole):
        yield from _english_dates(whole)
        yield from _english_numbers(whole)
    yield from _digits(whole)
    yield from _numerals(whole)
    yield from _persons(whole)
    yield from _organisations(whole)
    yield from _names(whole)


def _is_inside_word(whole: str, start: int) -> bool:
    before = whole[start - 1] if start else " "
    return before in "_." or (before.isascii() and before.isalnum())


def _english_dates(whole: str) -> Iterator[Found]:
    for match in _ENGLISH_DATE.finditer(whole):
        beginning = match["m"].lower()[:3]
        month = 1 + next(
            number for number, name in enumerate(_ENGLISH_MONTHS) if name.startswith(beginning)
        )
        value = f"{month:02d}-{int(match['d']):02d}"
        yield match.start(), match.end(), Fact("date", match.group(), value)


def _english_numbers(whole: str) -> Iterator[Found]:
    for match in _ENGLISH_QUANTITY.finditer(whole):
        unit = match["c"] or (match["u"] or "").lower()
        scale = (match["s"] or "").lower()
        if unit or scale:
            yield _quantity(match, unit, scale)


def _quantity(match: re.Match[str], unit: str, scale: str) -> Found:
    value = f"{_decimal(match['n'], scale)} {_UNIT_NAMES.get(unit, unit)}"
    return match.start(), match.end(), Fact("number", match.group().strip(), value)


def _digits(whole: str) -> Iterator[Found]:
    """Dates, years, times, stocks and quantities: what begins with a run of digits."""
    read = 0
    for run in _DIGIT_RUN.finditer(whole):
        start, end = run.span()
        if start < read:
            continue
        after = whole[end : end + 1]
        found = None
        if after in _DATE_SIGNS:
            found = _date_at(whole, start)
        elif after in _TIME_SIGNS:
            found = _time_at(whole, start)
        if found is None:
            found = _quantity_at(whole, start)
        if found is not None and whole[start - 1 : start] != "第":
            read = found[1]
            yield found


def _date_at(whole: str, start: int) -> Found | None:
    match = _DATE.match(whole, start)
    if match:
        month, day = match["m"] or match["im"], match["d"] or match["id"]
        # The year is often left out: the day within the year is what compares.
        value = f"{int(month):02d}-{int(day):02d}"
        return start, match.end(), Fact("date", match.group(), value)
    match = _YEAR.match(whole, start)
    if match:
        return start, match.end(), Fact("number", match.group(), f"{match.group(1)} 年")
    match = _STOCK.match(whole, start)
    if match:
        return start, match.end(), Fact("code", match.group(), match.group())
    return None


def _time_at(whole: str, start: int) -> Found | None:
    match = _TIME.match(whole, start)
    if match is None:
        return None
    value = f"{int(match.group(1)):02d}:{match.group(2)}"
    return start, match.end(), Fact("time", match.group(), value)


def _quantity_at(whole: str, start: int) -> Found | None:
    before = whole[start - 1 : start]
    if before == "-" and start > 1 and not whole[start - 2].isalpha():
        before = ""  # the second number of a range
    if before and (before in ".-" or (before.isascii() and before.isalpha())):
        return None
    match = _QUANTITY.match(whole, start)
    if match is None:
        return None
    number, scale, unit = match.group("n", "s", "u")
    if not (unit or scale or len(number) >= 2):
        return None
    return _quantity(match, unit or "", scale or "")


def _numerals(whole: str) -> Iterator[Found]:
    """Quantities in Chinese numerals."""
    for run in _NUMERAL_RUN.finditer(whole):
        start, end = run.span()
        if end - start > _LONGEST_NUMERAL or whole[end : end + 1] not in _UNIT_BEGINNINGS:
            continue
        if end - start == 1 and whole[start] not in _SINGLE_NUMERALS:
            continue
        before = whole[start - 1] if start else " "
        unit = _UNIT.match(whole, end)
        if unit is None or before == "第" or before.isdigit():
            continue
        if run.group() == "十" and unit.group() == "分":
            continue  # as a rule: very
        if run.group() in _FEW and unit.group() in _LOOSE_UNITS:
            continue  # a manner of speaking: "一起", "两个"
        number = _chinese(run.group())
        if number:
            text = whole[start : unit.end()]
            name = _UNIT_NAMES.get(unit.group(), unit.group())
            yield start, unit.end(), Fact("number", text, f"{number} {name}")


_UNIT_NAMES = {
    "个小时": "小时", "个月": "月",
    "％": "%", "percent": "%", "per cent": "%", "千米": "公里", "千克": "公斤", "人民币": "元",
    "名": "人", "位": "人", "people": "人", "persons": "人", "passengers": "人", "workers": "人",
    "kilometers": "公里", "kilometres": "公里", "km": "公里", "miles": "英里", "days": "天",
    "years": "年", "year": "年", "months": "月", "month": "月", "hours": "小时", "minutes": "分钟",
    "tonnes": "吨", "tons": "吨", "dollar": "美元", "dollars": "美元", "$": "美元", "€": "欧元",
    "euro": "欧元", "euros": "欧元", "£": "英镑", "pound": "英镑", "pounds": "英镑", "yuan": "元",
    "¥": "元", "vehicles": "辆", "percentage points": "个百分点", "percentage point": "个百分点",
}  # fmt: skip


def _decimal(digits: str, scale: str) -> str:
    if not scale and digits.isascii() and digits.isdigit():
        return digits.lstrip("0") or "0"
    value = Decimal(digits.replace(",", "")) * _SCALES.get(scale, 1)
    return format(value.normalize(), "f")


def _chinese(text: str) -> int:
    """The number that Chinese numerals spell: positional (二〇二三) or with steps (三百二十)."""
    if not any(character in _STEPS or character in _LARGE for character in text):
        return int("".join(str(_DIGITS[character]) for character in text) or 0)
    for large, value in _LARGE.items():
        before, found, after = text.rpartition(large)
        if found:
            # What stands before may hold a smaller step of its own: 三万亿 is 30,000 times 亿.
            return (_chinese(before) if before else 1) * value + _chinese(after)
    total = digit = 0
    for character in text:
        if character in _DIGITS:
            digit = _DIGITS[character]
        else:
            total += (digit or 1) * _STEPS[character]
            digit = 0
    return total + digit


def _persons(whole: str) -> Iterator[Found]:
    for pattern in _PERSONS:
        for match in pattern.finditer(whole):
            name = match["name"]
            yield match.start("name"), match.end("name"), Fact("person", name, name)
    for match in _ACTING.finditer(whole):
        for length in (3, 2):
            start = match.start() - length
            before = whole[start - 1] if start > 0 else " "
            if (
                start >= 0
                and _ACTING_NAME.fullmatch(whole, start, match.start())
                and not _HAN.match(before)
            ):
                name = whole[start : match.start()]
                yield start, match.start(), Fact("person", name, name)
                break


def _organisations(whole: str) -> Iterator[Found]:
    for match in _ORGANISATION_END.finditer(whole):
        end = match.end()
        start = max(end - _LONGEST_ORGANISATION, 0)
        for before in _BEFORE_ORGANISATION.finditer(whole, start, match.start()):
            start = before.end()
        if match.start() - start >= 2:
            name = whole[start:end]
            yield start, end, Fact("organisation", name, name)


def _names(whole: str) -> Iterator[Found]:
    for match in _PLACE.finditer(whole):
        name = match.group()
        yield match.start(), match.end(), Fact("place", name, name)
    for match in _LATIN.finditer(whole):
        if _is_inside_word(whole, match.start()):
            continue
        words = match.group().split()
        while words and words[0] in _STOP:
            words.pop(0)
        name = " ".join(words)
        if len(name) >= 2:
            yield match.start(), match.end(), Fact("name", name, name.lower())
    for match in _PLACE_END.finditer(whole):
        start = match.start()
        # Back to where the clause begins, if that is near enough to be a place's name.
        while match.start() - start <= _LONGEST_PLACE and start and _HAN.match(whole, start - 1):
            start -= 1
        if 2 <= match.start() - start <= _LONGEST_PLACE:
            name = whole[start : match.end()]
            yield start, match.end(), Fact("name", name, name)


def fact_keys(facts: Iterable[Fact]) -> frozenset[str]:
    """The keys of several facts."""
    return frozenset(each.key for each in facts)


def slot_of(key: str) -> str:
    """The slot that a fact of this key fills; empty for a kind that contradicts nothing."""
    kind, _, value = key.partition(":")
    if kind not in CONTRADICTABLE:
        return ""
    return f"{kind} {value.partition(' ')[2]}" if kind == "number" else kind


def compare_facts(first: Sequence[Fact], second: Sequence[Fact]) -> FactComparison:
    """Put the facts of two articles beside each other."""
    one = {(each.kind, each.value): each for each in first}
    other = {(each.kind, each.value): each for each in second}
    both = [key for key in one if key in other]
    only_first = [fact for key, fact in one.items() if key not in other]
    only_second = [fact for key, fact in other.items() if key not in one]
    fewer = min(len(one), len(other))
    contradicting = _contradicting(only_first, only_second)
    return FactComparison(
        shared=tuple(one[key].text for key in both),
        only_first=tuple(fact.text for fact in only_first),
        only_second=tuple(fact.text for fact in only_second),
        differing=tuple(f"{ours} / {theirs}" for ours, theirs in contradicting),
        contradicting=contradicting,
        overlap=len(both) / fewer if fewer else None,
    )


def _contradicting(first: Sequence[Fact], second: Sequence[Fact]) -> tuple[tuple[str, str], ...]:
    """Slots that both fill, with other values: paired in order of appearance."""
    slots: defaultdict[str, list[Fact]] = defaultdict(list)
    for fact in second:
        slots[fact.slot].append(fact)
    pairs = [
        (fact.text, slots[fact.slot].pop(0).text)
        for fact in first
        if slots[fact.slot] and fact.kind in CONTRADICTABLE
    ]
    return tuple(pairs[:_LISTED])
