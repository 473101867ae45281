"""HTML → the same HTML with nothing in it but what its text depends on, in linear time.

A parser that builds a tree takes time in the square of a tag's attributes, and repeats every
formatting element that is open in each new block: a page of some kilobytes can ask for gigabytes.
Here a page is cut into tags as the HTML standard's tokeniser does (WHATWG HTML, 13.2.5), and put
together again without attributes, formatting, comments, scripts and styles. What then looks like
a tag is one, so that counting tags says what parsing will cost.

Pure; must not know which elements break a line or are left out of a text.
"""

from __future__ import annotations

import re
from collections.abc import Iterator
from typing import NamedTuple

_OPENING = re.compile(r"<(?:(?P<end>/?)(?P<name>[a-zA-Z][^\s/>]{0,40})|!--|[!?/])")
# Up to the end of the tag, or over the next attribute that has a value.
_ATTRIBUTE = re.compile(
    r"[^>=]*?(?:(?P<slash>/?)>|=\s*(?:\"[^\"]*(?:\"|\Z)|'[^']*(?:'|\Z)|[^\s>\"'][^\s>]*)?|\Z)"
)
_COMMENT_END = re.compile(r"--!?>")
_FORMATTING = frozenset("a b big code em font i nobr s small strike strong tt u".split())
# Elements whose content is no markup: without a text, with one, and with one that has entities.
_SILENT = ("script", "style", "iframe", "textarea")
_LITERAL = ("xmp", "noembed", "noframes")
_ENDS = {
    name: re.compile(rf"</{name}(?=[\s/>])", re.IGNORECASE)
    for name in (*_SILENT, *_LITERAL, "title")
}


class Tag(NamedTuple):
    """A tag of a page: its name in small letters, and where it begins and ends."""

    name: str
    closes: bool
    start: int
    end: int


def tags(page: str) -> Iterator[Tag]:
    """The tags of a page in order, without what stands in comments, scripts, styles and titles."""
    done = 0
    while (opening := _OPENING.search(page, done)) is not None:
        name = opening["name"]
        if name is None:
            done = _after_comment(page, opening)
            continue
        done, _ = _after_attributes(page, opening.end())
        if done > len(page):
            return
        lowered, closes = name.lower(), bool(opening["end"])
        yield Tag(lowered, closes, opening.start(), done)
        ending = _ENDS.get(lowered)
        if ending is not None and not closes:
            end = ending.search(page, done)
            done = len(page) if end is None else end.start()


def bare_markup(page: str) -> str:
    """A page without attributes, formatting elements, comments, scripts and styles.

    The text of its other elements is the same; what is left open at the end is dropped, as
    browsers do.
    """
    return "".join(_pieces(page))


def _pieces(page: str) -> Iterator[str]:
    done = 0
    while (opening := _OPENING.search(page, done)) is not None:
        yield page[done : opening.start()]
        name = opening["name"]
        if name is None:
            done = _after_comment(page, opening)
            continue
        done, slash = _after_attributes(page, opening.end())
        if done > len(page):
            return
        lowered = name.lower()
        ending = _ENDS.get(lowered)
        if ending is None or opening["end"]:
            # What would end all markup counts for nothing.
            if lowered not in _FORMATTING and lowered != "plaintext" and "<" not in name:
                yield f"<{opening['end']}{name}{slash}>"
            continue
        end = ending.search(page, done)
        stop = len(page) if end is None else end.start()
        if lowered not in _SILENT:
            content = page[done:stop]
            if lowered in _LITERAL:
                content = content.replace("&", "&amp;")
            content = content.replace("<", "&lt;")
            # A title stays one: browsers take a text before the body for the body's beginning.
            yield f"<title>{content}</title>" if lowered == "title" else content
        done = stop
    yield page[done:]


def _after_comment(page: str, opening: re.Match[str]) -> int:
    """Where a comment, or what browsers take for one, has come to its end."""
    if opening.group() != "<!--":
        end = page.find(">", opening.end())
        return len(page) if end < 0 else end + 1
    # An empty comment may be as short as "<!-->".
    found = _COMMENT_END.search(page, opening.end() - 2)
    return len(page) if found is None else found.end()


def _after_attributes(page: str, start: int) -> tuple[int, str]:
    """Where a tag has come to its end, beyond the page if it does not; its closing slash."""
    while start < len(page):
        attribute = _ATTRIBUTE.match(page, start)
        if attribute is None:  # pragma: no cover - the pattern matches any text
            break
        start = attribute.end()
        if attribute["slash"] is not None:
            return start, attribute["slash"]
    return len(page) + 1, ""
