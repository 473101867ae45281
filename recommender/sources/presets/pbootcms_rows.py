"""How PbootCMS stores texts: escaped as its forms send them, or raw as its first content came.

Titles and contents that its admin saved have gone through PHP's htmlspecialchars and addslashes;
rows of the shipped database and of import tools are HTML as it is. A row is one or the other as
a whole, and its content tells which. Pure.
"""

from __future__ import annotations

import html
import re
from collections.abc import Mapping
from typing import Any

# Signs that htmlspecialchars leaves nowhere.
_RAW_SIGN = re.compile(r"[<>\"]|&(?!(?:amp|lt|gt|quot|apos|#0?39);)")
_ESCAPED_TAG = re.compile(r"&lt;[a-zA-Z/!]")
_ESCAPED_QUOTE = re.compile(r"&(?:quot|#0?39|lt|gt);")
_ENTITY = re.compile(r"&(?:amp|lt|gt|quot|apos|#0?39);")
_SLASHED = re.compile(r"(?:[^\\]|\\[\\'\"0])*", re.DOTALL)
_SLASH = re.compile(r"\\([\\'\"0])")


def decoded_texts(content: str, *others: str) -> tuple[str, ...]:
    """The texts of a row as its author wrote them: the content, then the others.

    Parameters
    ----------
    content : str
        HTML, escaped or raw.
    *others : str
        Plain texts of the same row, the title first.
    """
    stored = _is_escaped(content)
    if stored is None:
        # No markup in the content: a title with what only escaping makes tells.
        return (
            unescaped(content) if _tells(content) else content,
            *(unescaped(each) if _is_whole(each) and _ENTITY.search(each) else each
              for each in others),
        )  # fmt: skip
    if not stored:
        return (content, *others)
    return tuple(unescaped(each) if _is_whole(each) else each for each in (content, *others))


def _is_escaped(content: str) -> bool | None:
    """Whether a content is stored escaped; `None` where nothing in it tells."""
    if _RAW_SIGN.search(content):
        return False
    return True if _ESCAPED_TAG.search(content) else None


def _is_whole(text: str) -> bool:
    return not _RAW_SIGN.search(text)


def _tells(content: str) -> bool:
    return _is_whole(content) and _ESCAPED_QUOTE.search(content) is not None


def unescaped(text: str) -> str:
    """A text before htmlspecialchars and addslashes.

    MySQL has taken the added slashes away when it stored the row, SQLite has not: they go only
    where every one of them can be an added one.
    """
    if "\\" in text and _SLASHED.fullmatch(text):
        text = _SLASH.sub(lambda found: "\0" if found[1] == "0" else found[1], text)
    return _ENTITY.sub(lambda found: html.unescape(found[0]), text)


def is_set(value: Any) -> bool:
    """Whether a code of PbootCMS says something: "0" is none."""
    return str(value if value is not None else "").strip() not in ("", "0")


def steps(count: object) -> int:
    """A number of visits, rounded down to its first digit and to tens.

    Every reader adds one: exact numbers would make each reader's visit a change of the article.
    """
    digits = str(count or "0").strip()
    if not digits.isdecimal() or len(digits) < 2 or len(digits) > 15:
        return 0
    return int(digits[0] + "0" * (len(digits) - 1))


def values_of(row: Mapping[str, Any], *names: str) -> list[str]:
    """Columns of a row as texts; none is an empty one."""
    return ["" if row.get(name) is None else str(row[name]) for name in names]
