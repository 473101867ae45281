"""Site-wide boilerplate: found in a corpus, left out of every text that is compared.

Copyright notices, bylines, sharing hints and source lines stand in many articles, as paragraphs
of their own or glued to the first or last one, often with changing names. They are found by
what they are (segments carried by many articles) and told from true sentences by three tests:

* enough carriers: at least `min_count` articles and `min_share` of the corpus;
* different remainders: without the segment the carriers are different texts, near-copies
  counted once, so that a wire story published ten times is no boilerplate;
* the form of a notice: a cue ("版权", "编辑", "all rights reserved"), or a share of the corpus
  (`ANY_FORM_SHARE`) that no sentence of news reaches.

Names, numbers and dates in a segment are slots: "【编辑:王某】" and "【编辑:李某】" are one.
Pure; the order of the texts never shows.
"""

from __future__ import annotations

import re
from collections import defaultdict
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any, Literal

import numpy as np
from numpy.typing import NDArray
from xxhash import xxh3_64_intdigest, xxh3_128_digest

from recommender.shingles import fingerprint_many
from recommender.text import fold_many

Kind = Literal["paragraph", "head", "tail"]
Key = tuple[Kind, str]

# Any segment in so large a share of a corpus is furniture, whatever its form.
ANY_FORM_SHARE = 0.2
_LEAST_LEFT = 80
_LEAST_SHARE_LEFT = 0.5
_LONGEST = 400
_TAIL_LENGTH = 320
_GLUED_LENGTH = 4
_HEAD_LENGTH = 80
_MOST_TAILS = 6
_PASSES = 4
_REMAINDERS_LOOKED_AT = 400
_BEGINNING = 64

_SLOT = "…"
_PREFIX = 3
_DIGIT_SIGNS = frozenset("0123456789０１２３４５６７８９")
_DIGITS = re.compile(r"[0-9０-９]+(?:[.,:：][0-9０-９]+)*")
# Names as bylines have them: of two to four characters, or Latin, a few in a row. Longer pieces
# are what somebody says, and are never a slot.
_ONE_NAME = r"(?:[\u4e00-\u9fff]{2,4}(?:[·•][\u4e00-\u9fff]{1,8}){0,3}|[A-Za-z][A-Za-z.'’-]{0,20})"
_NAMES = rf"{_ONE_NAME}(?:[\s、,，/·•]{{1,3}}{_ONE_NAME}){{0,7}}"
_ORIGIN = r"[A-Za-z0-9\u4e00-\u9fff·•/ ]{1,24}"
_SLOT_END = r"(?=\s*[】\])）|;；。]|\s*$)"
_AFTER_COLON = re.compile(rf"(?<=[:：])\s*{_NAMES}{_SLOT_END}")
_AFTER_SOURCE = re.compile(rf"(?<=来源[:：])\s*{_ORIGIN}{_SLOT_END}")
_BYLINE = re.compile(
    r"(记者|通讯员|作者|编辑|责编|校对|摄影|监制|主编|实习生|图|文|摄)(?:[\s/|:：]*)"
    rf"{_NAMES}{_SLOT_END}"
)
_DATE_SLOT = f"{_SLOT}月{_SLOT}日"
_PLACE_BEFORE_DATE = re.compile(rf"(?<=[网社报])[\u4e00-\u9fff]{{2,12}}?(?={_DATE_SLOT})")
_DATELINE = re.compile(
    r"^[^。！？\n]{0,40}?(?:…日(?:电|讯|消息|报道)|\b(?:AP|Reuters|AFP)\))"
    r"\s*(?:[（(][^）)\n]{0,40}[）)])?\s*(?:[-—–:：]{1,2}\s*)?"
)
_DATELINE_END = re.compile(r"日(?:电|讯|消息|报道)\s*(?:[（(][^）)\n]{0,40}[）)])?")
_CITY_LINE = re.compile(r"^[A-Z][A-Za-z .,]{2,40}\((?:Reuters|AP|AFP|Xinhua)\)\s*[-—–]{1,2}\s*")
_LONGEST_BYLINE = 160
_SLOTS = re.compile(rf"{_SLOT}(?:\s*{_SLOT})+")
_STARTS = re.compile(r"[（(【\[]|(?<=[。！？!?」”』])|(?<=\. )|(?<=[>|丨])")
_CUE = re.compile(
    "版权|声明|转载|来源|编辑|责编|校对|记者|通讯员|作者|扫码|二维码|关注我们|公众号|点击|订阅|"
    "举报|邮箱|侵权|免责|本文|本站|原标题|延伸阅读|相关阅读|推荐阅读|更多|完[)）]|摄[)）]?$|"
    "供图|图片|制图|视频|客户端|微信|微博|"
    r"copyright|all rights reserved|editor|editing by|reporting by|source:|share this|subscribe|"
    r"newsletter|follow us|sign up|read more|contact|terms of|contributed to this|@",
    re.IGNORECASE,
)


@dataclass(frozen=True, slots=True)
class Segment:
    """One piece of boilerplate; names and numbers in `pattern` stand as "…".

    Attributes
    ----------
    pattern : str
    kind : {"paragraph", "head", "tail"}
        A whole paragraph, or the beginning of the first / end of the last one.
    count : int
        Articles that carried it when it was found.
    """

    pattern: str
    kind: Kind
    count: int


@dataclass(frozen=True, slots=True)
class Boilerplate:
    """The segments that a corpus leaves out; the empty one leaves out nothing."""

    segments: tuple[Segment, ...] = ()
    _keys: frozenset[Key] = field(init=False, repr=False, compare=False)
    # What a segment of each kind may begin with: most pieces are told apart by that alone.
    _beginnings: dict[Kind, frozenset[str]] = field(init=False, repr=False, compare=False)

    def __post_init__(self) -> None:
        keys = frozenset((segment.kind, segment.pattern) for segment in self.segments)
        object.__setattr__(self, "_keys", keys)
        kinds: tuple[Kind, ...] = ("paragraph", "head", "tail")
        beginnings = {
            kind: frozenset(
                # What stands before the first slot is never changed by generalising.
                each.pattern.partition(_SLOT)[0][:_PREFIX] or _SLOT
                for each in self.segments
                if each.kind == kind
            )
            for kind in kinds
        }
        object.__setattr__(self, "_beginnings", beginnings)

    def strip(self, text: str) -> str:
        """The text without its boilerplate.

        What would leave less than half of the text, or fewer than 80 characters, is not done:
        then the text comes back as it is.
        """
        if not self._keys or len(text) <= _LEAST_LEFT:
            return text
        stripped = text
        for _ in range(_PASSES):
            before = stripped
            stripped = self._pass(stripped)
            if stripped == before:
                break
        least = max(_LEAST_LEFT, _LEAST_SHARE_LEFT * len(text))
        return stripped if len(stripped) >= least else text

    def _pass(self, text: str) -> str:
        lines = [line for line in text.split("\n") if not self._is_paragraph(line)]
        if not lines:
            return text
        if self._beginnings["head"]:
            for end, key in _heads(lines[0]):
                if key in self._keys:
                    lines[0] = lines[0][end:].lstrip()
                    break
        if self._beginnings["tail"] or self._beginnings["paragraph"]:
            for start, piece in _tails(lines[-1]):
                if self._is_segment("tail", piece):
                    lines[-1] = lines[-1][:start].rstrip()
                    break
        return "\n".join(line for line in lines if line)

    def _is_paragraph(self, line: str) -> bool:
        return len(line) <= _LONGEST and self._is_segment("paragraph", line)

    def _is_segment(self, kind: Kind, piece: str) -> bool:
        beginning = piece.lstrip()[:_PREFIX]
        if self._may_begin(kind, beginning) and (kind, generalise(piece)) in self._keys:
            return True
        # A notice that stands alone on most pages is glued to the last paragraph of others.
        return (
            kind == "tail"
            and len(piece) >= _GLUED_LENGTH
            and self._may_begin("paragraph", beginning)
            and ("paragraph", generalise(piece)) in self._keys
        )

    def _may_begin(self, kind: Kind, beginning: str) -> bool:
        known = self._beginnings[kind]
        if beginning in known or beginning[:2] in known or beginning[:1] in known:
            return True
        return beginning[:1] in _DIGIT_SIGNS and _SLOT in known

    def carried(self, text: str) -> frozenset[Segment]:
        """The segments that a text carries, also those behind others."""
        keys: set[Key] = set()
        for _ in range(_PASSES):
            keys |= _candidates(text)
            lines = text.split("\n")
            keys |= {("paragraph", generalise(piece)) for _, piece in _tails(lines[-1])}
            before, text = text, self._pass(text)
            if text == before:
                break
        return frozenset(each for each in self.segments if (each.kind, each.pattern) in keys)

    def to_dict(self) -> list[dict[str, Any]]:
        """The segments as JSON values."""
        return [
            {"pattern": each.pattern, "kind": each.kind, "count": each.count}
            for each in self.segments
        ]

    @classmethod
    def from_dict(cls, data: Sequence[Mapping[str, Any]]) -> Boilerplate:
        """Read what `to_dict` wrote."""
        return cls(tuple(Segment(each["pattern"], each["kind"], each["count"]) for each in data))


_BYLINE_WORDS = re.compile("记者|通讯员|作者|编辑|责编|校对|摄|监制|主编|实习生|图|文")


def generalise(segment: str) -> str:
    """A segment with slots where names, numbers and places change."""
    text = segment.strip()
    # The fixed part is asked for first: a pattern that looks behind is slow to search for.
    text = _DIGITS.sub(_SLOT, text)
    if _DATE_SLOT in text:
        text = _PLACE_BEFORE_DATE.sub(_SLOT, text)
    if ":" in text or "：" in text:
        if "来源" in text:
            text = _AFTER_SOURCE.sub(_SLOT, text)
        text = _AFTER_COLON.sub(_SLOT, text)
    # Bylines are short, or stand at the end.
    if len(text) <= _LONGEST_BYLINE and _BYLINE_WORDS.search(text):
        text = _BYLINE.sub(lambda match: match[1] + _SLOT, text)
    return _SLOTS.sub(_SLOT, text) if _SLOT in text else text


def _heads(paragraph: str) -> Iterator[tuple[int, Key]]:
    """Datelines a paragraph may begin with: where each ends, and its key."""
    beginning = paragraph[:_HEAD_LENGTH]
    english = _CITY_LINE.match(beginning)
    if english:
        # The city changes from report to report; the agency makes the segment.
        yield (
            english.end(),
            ("head", _SLOT + beginning[beginning.index("(") : english.end()].strip()),
        )
    # Digits become one slot each, so lengths differ: the end is found again in the original.
    for match in _DATELINE_END.finditer(beginning):
        key = generalise(beginning[: match.end()])
        if _DATELINE.fullmatch(key):
            yield match.end(), ("head", key)


def _tails(paragraph: str) -> Iterator[tuple[int, str]]:
    """Pieces a paragraph may end with, longest first: where each starts, and the piece."""
    first = max(0, len(paragraph) - _TAIL_LENGTH)
    starts = [match.start() for match in _STARTS.finditer(paragraph, first)]
    starts = [start for start in starts if first < start < len(paragraph)]
    for start in sorted(set(starts))[-_MOST_TAILS:]:
        piece = paragraph[start:].strip()
        if piece:
            yield start, piece


def find_boilerplate(
    texts: Sequence[str], *, min_count: int = 8, min_share: float = 0.002
) -> Boilerplate:
    """Find the boilerplate of a corpus.

    Parameters
    ----------
    texts : sequence of str
        Clean texts, in any order; they may lie on disk, for only some are held at a time.
    min_count : int
        Least number of carriers whose remainders differ.
    min_share : float
        Least share of the texts that are carriers, 0 to 1.

    Returns
    -------
    Boilerplate
        Segments by falling count, then kind and pattern.
    """
    least = max(min_count, min_share * len(texts))
    found: dict[Key, int] = {}
    remaining = texts
    for _ in range(_PASSES):
        fresh, carriers = _find_once(remaining, least, min_count, found, len(texts))
        if not fresh:
            break
        found.update(fresh)
        known = _made(found)
        # What stands before a tail that was found may be boilerplate too: look again without it.
        carried = (remaining[number] for number in carriers)
        stripped = ((text, known.strip(text)) for text in carried)
        remaining = [after for before, after in stripped if after != before]
    return _made(found)


def _made(found: Mapping[Key, int]) -> Boilerplate:
    order = sorted(found, key=lambda key: (-found[key], key))
    return Boilerplate(tuple(Segment(key[1], key[0], found[key]) for key in order))


def _find_once(
    texts: Sequence[str], least: float, min_count: int, known: Mapping[Key, int], total: int
) -> tuple[dict[Key, int], list[int]]:
    """Segments that were not known, with their counts, and the texts that carry one of them."""
    carriers: defaultdict[Key, list[int]] = defaultdict(list)
    frequent, carrying = _frequent(texts, least)
    for number in carrying:
        for key in _candidates(texts[number]):
            if _hash_of(key) in frequent:
                carriers[key].append(number)
    fresh: dict[Key, int] = {}
    for key, numbers in carriers.items():
        if key in known or len(numbers) < least or not _is_notice(key, len(numbers), total):
            continue
        if _differ(texts, key, numbers, min_count):
            fresh[key] = len(numbers)
    fresh = _outermost(fresh)
    return fresh, sorted({number for key in fresh for number in carriers[key]})


def _frequent(texts: Sequence[str], least: float) -> tuple[frozenset[int], list[int]]:
    """Hashes of the candidates that enough texts carry, and those texts, ascending.

    Nearly all candidates stand in one text only: as numbers they take a tenth of the memory.
    """
    hashes: list[NDArray[np.uint64]] = []
    counts: list[int] = []
    for text in texts:
        own = [_hash_of(key) for key in _candidates(text)]
        hashes.append(np.array(own, np.uint64))
        counts.append(len(own))
    if not hashes:
        return frozenset(), []
    every = np.concatenate(hashes)
    del hashes
    values, found = np.unique(every, return_counts=True)
    frequent = values[found >= least]
    owners = np.repeat(np.arange(len(counts)), counts)[np.isin(every, frequent)]
    return frozenset(frequent.tolist()), np.unique(owners).tolist()


def _hash_of(key: Key) -> int:
    return xxh3_64_intdigest(f"{key[0]}\0{key[1]}".encode("utf-8", "surrogatepass"))


def _candidates(text: str) -> set[Key]:
    lines = text.split("\n")
    keys: set[Key] = {
        ("paragraph", generalise(line)) for line in set(lines) if 0 < len(line) <= _LONGEST
    }
    if len(lines) == 1:
        keys.clear()
    keys.update(key for _, key in _heads(lines[0]))
    keys.update(("tail", generalise(piece)) for _, piece in _tails(lines[-1]))
    return keys


def _is_notice(key: Key, count: int, total: int) -> bool:
    kind, pattern = key
    if kind == "head" or count >= ANY_FORM_SHARE * total:
        return True
    return _CUE.search(pattern) is not None


def _differ(texts: Sequence[str], key: Key, numbers: Sequence[int], min_count: int) -> bool:
    """Whether the carriers are different texts without the segment; near-copies count once."""
    looked_at = numbers
    if len(numbers) > _REMAINDERS_LOOKED_AT:
        # A sample that does not depend on the order of the texts.
        looked_at = sorted(numbers, key=lambda number: _order_of(texts[number]))[
            :: len(numbers) // _REMAINDERS_LOOKED_AT
        ]
    segment = Boilerplate((Segment(key[1], key[0], len(numbers)),))
    rests = fold_many([segment._pass(texts[number]) for number in looked_at])
    # Near-copies have, with the odds of their resemblance, the same least hash (Broder 1997).
    least = {int(hashes[0]) for hashes in fingerprint_many(rests) if len(hashes)}
    wanted = min_count if looked_at is numbers else max(min_count, len(looked_at) // 2)
    return len(least) >= wanted


def _order_of(text: str) -> tuple[str, bytes]:
    """A place among texts that takes little to remember."""
    return text[:_BEGINNING], xxh3_128_digest(text.encode("utf-8", "surrogatepass"))


def _outermost(fresh: Mapping[Key, int]) -> dict[Key, int]:
    """Of tails that end alike keep the longer one where it is about as frequent."""
    kept: dict[Key, int] = {}
    for (kind, pattern), count in fresh.items():
        longer = any(
            other != pattern and other.endswith(pattern) and fresh[(k, other)] >= 0.9 * count
            for k, other in fresh
            if k == kind == "tail"
        )
        if not longer:
            kept[(kind, pattern)] = count
    return kept
