"""Bodies and titles → clean text to show, and a folded form to compare.

Cleaning turns HTML (also escaped, as some systems store it) or plain text into paragraphs, one
a line, and leaves script and width as they are. Folding is for comparison only: case, width,
script and punctuation no longer differ. Everything here is total: no text raises, and time is
linear in its length.

Pure: no files but the package's own table, no clock.
"""

from __future__ import annotations

import html
import re
import sys
import unicodedata
from collections.abc import Sequence
from dataclasses import dataclass
from functools import lru_cache
from itertools import pairwise

import numpy as np
from numpy.typing import NDArray

from recommender.config import package_data
from recommender.markup import bare_markup

# Raised whenever cleaning or folding changes what comes out: indexes remember it.
TEXT_RECIPE_VERSION = 1

_BLOCKS = frozenset(
    [
        "address",
        "article",
        "aside",
        "blockquote",
        "br",
        "caption",
        "center",
        "dd",
        "details",
        "dialog",
        "dir",
        "div",
        "dl",
        "dt",
        "fieldset",
        "figcaption",
        "figure",
        "footer",
        "form",
        "h1",
        "h2",
        "h3",
        "h4",
        "h5",
        "h6",
        "header",
        "hgroup",
        "hr",
        "legend",
        "li",
        "main",
        "menu",
        "nav",
        "ol",
        "p",
        "pre",
        "section",
        "summary",
        "table",
        "tbody",
        "tfoot",
        "thead",
        "tr",
        "ul",
    ]
)
_CELLS = frozenset(("td", "th"))
_DROPPED = (
    "script, style, noscript, template, iframe, object, embed, svg, math, canvas, head, button, "
    "input, select, textarea, audio, video"
)
_VOID = frozenset(
    [
        "area",
        "base",
        "br",
        "col",
        "embed",
        "hr",
        "img",
        "input",
        "link",
        "meta",
        "source",
        "track",
        "wbr",
    ]
)
# Elements that sloppy or old pages leave open; the parser closes them itself.
_CLOSED_BY_PARSER = frozenset("p li td th tr dt dd option thead tbody tfoot colgroup".split())
_DEEPEST = 1_000
_ANY_TAG = re.compile(r"<(/?)([a-zA-Z][a-zA-Z0-9]{0,14})[^<>]*>")
_DROPPED_WHOLE = re.compile(
    r"<!--(?:[^-]|-(?!->))*(?:-->)?|<(script|style)\b[^<>]*>(?:[^<]|<(?!/\1))*", re.IGNORECASE
)
# Before the body begins the parser opens a noscript and leaves its content to the body.
_NO_SCRIPT = re.compile(r"<noscript\b[^<>]*>(?:[^<]|<(?!/noscript))*</noscript\s*>", re.IGNORECASE)
# From here on a page is parsed without what could make parsing long.
_LONG_PAGE = 30_000
_MANY_TAGS = 1_000
_KNOWN_TAG = re.compile(
    r"</?(?=[a-z][a-z0-9:]{0,9}[\s/>])(?:a|abbr|article|b|big|blockquote|body|br|center|cite|code|dd|div|dl|dt|em|embed|"
    r"figcaption|figure|font|footer|h[1-6]|head|header|hr|html|i|iframe|img|input|ins|li|main|"
    r"meta|nav|noscript|o:p|object|ol|p|pre|s|script|section|small|span|strike|strong|style|sub|"
    r"sup|table|tbody|td|template|textarea|tfoot|th|thead|title|tr|u|ul|video)(?=[\s/>])|<!--",
    re.IGNORECASE,
)
_ESCAPED_TAG = re.compile(
    r"&(?:amp;)?lt;/?(?:p|div|span|br|a|img|strong|table|section|h\d)\b", re.I
)
_ENTITY = re.compile(r"&(?:#\d{1,7}|#[xX][0-9a-fA-F]{1,6}|[a-zA-Z][a-zA-Z0-9]{1,31});")
# Zero-width and direction characters, soft hyphens, variation selectors, control characters.
_INVISIBLE = re.compile(
    "[\u00ad\u034f\u061c\u115f\u1160\u17b4\u17b5\u180b-\u180f\u200b-\u200f\u202a-\u202e"
    "\u2060-\u206f\u3164\ufe00-\ufe0f\ufeff\uffa0\ufff9-\ufffb\U000e0000-\U000e0fff"
    "\x00-\x08\x0e-\x1f\x7f-\x84\x86-\x9f]"
)
_LINE_BREAKS = re.compile("[\r\n\x0b\x0c\x1c-\x1e\x85\u2028\u2029]+")
_SENTENCE = re.compile(r"[^。！？!?；;\n]*(?:[。！？!?；;]+[”’」』）)\"']*|\n|$)")


def clean(body: str) -> str:
    """The text of an HTML or plain body: paragraphs one a line, no blank lines.

    Scripts, styles, forms and media are dropped; table cells are parted by spaces, rows by line
    breaks; entities are resolved; characters nobody sees are removed. HTML that was stored
    escaped is unescaped once.
    """
    # Most plain text has neither sign, and then needs no pattern searched for.
    has_entities = "&" in body
    if has_entities and _ESCAPED_TAG.search(body) and not _KNOWN_TAG.search(body):
        body = html.unescape(html.unescape(_without_slashes(body)))
    if "<" in body and _KNOWN_TAG.search(body):
        text = _html_text(body)
    else:
        text = html.unescape(body) if has_entities and _ENTITY.search(body) else body
    text = _INVISIBLE.sub("", text)
    lines = (" ".join(line.split()) for line in _LINE_BREAKS.split(text))
    return "\n".join(line for line in lines if line)


def _without_slashes(body: str) -> str:
    return re.sub(r"\\([\\'\"])", r"\1", body)


def _html_text(body: str) -> str:
    if len(body) > _LONG_PAGE or body.count("<") > _MANY_TAGS:
        body = bare_markup(body)
    # Parsing takes time in the square of the depth; pages of people are never so deep.
    if body.count("<") > _DEEPEST and _depth(body) > _DEEPEST:
        return _stripped(body)
    # Imported here: nothing but cleaning HTML needs the parser.
    from selectolax.lexbor import LexborHTMLParser

    tree = LexborHTMLParser(_NO_SCRIPT.sub(" ", body.replace("\0", "")))
    root = tree.body or tree.root
    if root is None:
        return ""
    for node in root.css(_DROPPED):
        node.decompose()
    parts: list[str] = []
    # The parser gives the nodes in order and without recursion; block elements break the line
    # where they begin, and where text outside them goes on.
    for node in root.traverse(include_text=True):
        name = node.tag
        if name == "-text":
            parts.append(_own_text(node))
            if _ends_block(node):
                parts.append("\n")
        elif name in _BLOCKS:
            parts.append("\n")
        elif name in _CELLS:
            parts.append(" ")
    return "".join(parts)


def _depth(body: str) -> int:
    """The deepest nesting of tags, void elements and sloppy markup counted as they come."""
    depth = deepest = 0
    for tag in _ANY_TAG.finditer(body):
        name = tag.group(2).lower()
        if name in _VOID or name in _CLOSED_BY_PARSER:
            continue
        if tag.group(1):
            depth = max(depth - 1, 0)
        else:
            depth += 1
            deepest = max(deepest, depth)
    return deepest


def _stripped(body: str) -> str:
    """The text of HTML too deep to parse: tags cut out, block elements break the line."""
    body = _DROPPED_WHOLE.sub(" ", body)
    return html.unescape(
        _ANY_TAG.sub(lambda tag: "\n" if tag.group(2).lower() in _BLOCKS else "", body)
    )


def _own_text(node: object) -> str:
    text = getattr(node, "text_content", None)
    # A line break inside a paragraph of HTML is white space.
    return _LINE_BREAKS.sub(" ", text) if text else ""


def _ends_block(node: object) -> bool:
    """Whether a text is the last of its block, so that what follows begins a new line."""
    current = node
    while getattr(current, "next", None) is None:
        current = getattr(current, "parent", None)
        if current is None:
            return False
        if current.tag in _BLOCKS:
            return True
    return False


def clean_title(title: str) -> str:
    """A title as one line, without tags and entities."""
    return clean(title).replace("\n", " ")


def teaser(text: str, length: int = 80) -> str:
    """The beginning of a clean text as one line of at most `length` characters."""
    line = " ".join(text[: 4 * length].split())
    return line if len(line) <= length else line[: length - 1].rstrip() + "…"


def sentences(text: str) -> list[str]:
    """The sentences of a clean text, without white space around them."""
    found = (part.strip() for part in _SENTENCE.findall(text))
    return [part for part in found if part]


# Ideographs and Hangul syllables fold to themselves, but for script.
_PLAIN_RANGES = ((0x3400, 0x4DC0), (0x4E00, 0xA000), (0xAC00, 0xD7A4), (0x20000, 0x2A6E0))


@lru_cache(maxsize=1)
def _folding() -> tuple[NDArray[np.uint32], dict[int, str]]:
    """Code point → folded code point (0: left out; 1: several, in the dictionary)."""
    table = np.zeros(sys.maxunicode + 1, np.uint32)
    several: dict[int, str] = {}
    data = package_data("folding.json")
    simplified = dict(zip(data["traditional"], data["simplified"], strict=True))
    for start, end in _PLAIN_RANGES:
        table[start:end] = np.arange(start, end)
    # Nothing from the private use areas on, nor surrogates, nor the planes in between.
    for start, end in ((0, 0xD800), (0xF900, 0x20000), (0x2A6E0, 0x32400)):
        for code in range(start, end):
            if table[code] or unicodedata.category(chr(code)) == "Cn":
                continue
            folded = _fold_character(chr(code), simplified)
            if len(folded) == 1:
                table[code] = ord(folded)
            elif folded:
                table[code] = 1
                several[code] = folded
    for traditional in simplified:
        table[ord(traditional)] = ord(_fold_character(traditional, simplified))
    return table, several


def _fold_character(character: str, simplified: dict[str, str]) -> str:
    """Width, case, then script, again until nothing changes, then only letters and digits."""
    text = character
    for _ in range(4):
        before = text
        text = unicodedata.normalize("NFKC", text).casefold()
        text = "".join(simplified.get(each, each) for each in text)
        if text == before:
            break
    if text == character:
        return text if unicodedata.category(text)[0] in "LN" else ""
    return "".join(each for each in text if unicodedata.category(each)[0] in "LN")


def fold(text: str) -> str:
    """The comparison form of a text: case, width, script and punctuation no longer differ.

    Character by character: NFKC, case folding, traditional to simplified script, and only
    letters, digits and ideographs stay.
    """
    return fold_many([text])[0]


_SPACE = ord(" ")
# What NFKC joins with the character before it: accents, and the sound marks of kana.
_MARKS = "\u0300-\u036f\u3099\u309a\uff9e\uff9f"
# A character and the marks that NFKC joins with it.
_JOINED = re.compile(f"[^{_MARKS}]?[{_MARKS}]+", re.DOTALL)
# As Unicode's stream-safe format: putting marks in order takes time in the square of their number.
_MOST_MARKS = 30


def _composed(piece: str) -> str:
    """A character with its marks in NFKC; of a flood of marks the first ones."""
    return unicodedata.normalize("NFKC", piece[: 1 + _MOST_MARKS])


def fold_many(texts: Sequence[str], *, spaced: bool = False) -> list[str]:
    """Fold several texts, worked out over one array of code points.

    Parameters
    ----------
    texts : sequence of str
    spaced : bool
        Put a space for every character that is left out, so that words stay apart.
    """
    texts = [_JOINED.sub(lambda piece: _composed(piece.group()), text) for text in texts]
    table, several = _folding()
    codes = np.frombuffer("".join(texts).encode("utf-32-le", "replace"), dtype="<u4")
    folded = table[codes]
    if spaced:
        folded = np.where(folded == 0, np.uint32(_SPACE), folded)
    keep = folded > 0
    # Where each text ends among the characters that stay.
    lengths = np.cumsum([0, *map(len, texts)])
    kept = np.concatenate(([0], np.cumsum(keep)))[lengths]
    text = folded[keep].astype("<u4").tobytes().decode("utf-32-le")
    if not (folded == 1).any():
        return [text[kept[i] : kept[i + 1]] for i in range(len(texts))]
    sources = codes[keep]
    parts = []
    for i in range(len(texts)):
        part = text[kept[i] : kept[i + 1]]
        if "\x01" in part:
            original = sources[kept[i] : kept[i + 1]]
            part = "".join(
                several[int(code)] if character == "\x01" else character
                for character, code in zip(part, original, strict=True)
            )
        parts.append(part)
    return parts


@dataclass(frozen=True, slots=True, eq=False)
class Folded:
    """A folded text that knows where each of its characters stands in the text shown.

    Attributes
    ----------
    text : str
        As `fold` gives it.
    starts, ends : ndarray of int64, shape (len(text),)
        Where the character, or the group, that a folded character comes from begins and ends.
        Folded characters of one origin ("㎏": "kg") have the same.
    """

    text: str
    starts: NDArray[np.int64]
    ends: NDArray[np.int64]


def fold_with_offsets(text: str) -> Folded:
    """Fold a text and keep, for every character of the result, where it comes from."""
    # The text is cut into what stands for itself and what NFKC joins, in turn.
    spans = np.array([match.span() for match in _JOINED.finditer(text)], np.int64).reshape(-1, 2)
    edges = np.concatenate(([0], spans.ravel(), [len(text)])).tolist()
    pieces = [text[start:end] for start, end in pairwise(edges)]
    pieces[1::2] = [_composed(piece) for piece in pieces[1::2]]
    lengths = np.array([len(piece) for piece in pieces], np.int64)
    is_joined = np.repeat(np.arange(len(pieces)) % 2 == 1, lengths)
    inside = np.arange(len(is_joined)) - np.repeat(np.cumsum(lengths) - lengths, lengths)
    all_starts = np.repeat(edges[:-1], lengths) + np.where(is_joined, 0, inside)
    all_ends = np.where(is_joined, np.repeat(edges[1:], lengths), all_starts + 1)
    codes = np.frombuffer("".join(pieces).encode("utf-32-le", "replace"), dtype="<u4")
    table, several = _folding()
    folded = table[codes]
    counts = (folded > 0).astype(np.int64)
    many = np.flatnonzero(folded == 1)
    expanded = [several[int(codes[place])] for place in many]
    counts[many] = [len(each) for each in expanded]
    result = np.repeat(folded, counts)
    firsts = (np.cumsum(counts) - counts)[many]
    for first, each in zip(firsts.tolist(), expanded, strict=True):
        result[first : first + len(each)] = [ord(character) for character in each]
    return Folded(
        result.astype("<u4").tobytes().decode("utf-32-le"),
        np.repeat(all_starts, counts),
        np.repeat(all_ends, counts),
    )


_HAN = re.compile("[\u3400-\u4dbf\u4e00-\u9fff\uf900-\ufaff\U00020000-\U000323af]")
_KANA = re.compile("[\u3041-\u30ff\u31f0-\u31ff]")
_HANGUL = re.compile("[\uac00-\ud7af\u1100-\u11ff]")
_LETTERS = re.compile(r"[^\W\d_]")
_JUDGED = 400


def detect_language(text: str) -> str:
    """Primary language tag of a text, by script where that suffices; "" when there is none.

    Latin, Cyrillic, Arabic and other scripts are told apart by py3langid (Lui and Baldwin 2012)
    on the first 400 characters.
    """
    sample = text[:_JUDGED]
    letters = len(_LETTERS.findall(sample))
    if letters < 2:
        return ""
    kana, han = len(_KANA.findall(sample)), len(_HAN.findall(sample))
    if kana >= 3 and kana * 10 >= han:
        return "ja"
    if len(_HANGUL.findall(sample)) * 3 >= letters:
        return "ko"
    if han * 4 >= letters:
        return "zh"
    return _classify(sample)


def _classify(sample: str) -> str:
    import py3langid

    language, _ = py3langid.classify(sample)
    return str(language)


_FIT_LENGTH = 6
_FIT_SHARE = 0.15
_FIT_BODY = 20_000


def title_fits(title: str, body: str) -> bool:
    """Whether a title may belong to a body; false only when they share next to nothing.

    Judged are titles of at least six folded characters, by the share of their characters'
    bigrams that the body has. A title in another script than the body cannot be judged.
    """
    return folded_title_fits(*fold_many([title, body[:_FIT_BODY]]))


def folded_title_fits(folded: str, text: str) -> bool:
    """The same for a title and a body that are folded already."""
    if len(folded) < _FIT_LENGTH or not text:
        return True
    if bool(_HAN.search(folded)) != bool(_HAN.search(text)):
        return True
    pairs = {folded[i : i + 2] for i in range(len(folded) - 1)}
    present = sum(pair in text for pair in pairs)
    if present / len(pairs) >= _FIT_SHARE:
        return True
    singles = set(folded)
    common = sum(character in text for character in singles)
    return common / len(singles) >= 0.7
