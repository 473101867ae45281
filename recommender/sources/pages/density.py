"""The paragraphs of the element that holds most text of its own: for short pages without any sign.

trafilatura passes over an official notice of one paragraph between menus. Where it finds next to
nothing, the element whose paragraphs hold most text outside links is taken.

Knows lxml.
"""

from __future__ import annotations

import re

from lxml.html import HtmlElement

_HOLDERS = ("div", "td", "article", "section", "main")
_PARAGRAPHS = ("p", "h2", "h3", "h4", "blockquote", "pre", "li")
_SENTENCE_END = re.compile(r"[。！？!?…；;.][”’」』）)\]】\"']*\s*$")


def densest_paragraphs(tree: HtmlElement) -> list[str]:
    """The paragraphs of the element with most text in sentences; empty where there is none."""
    best: list[str] = []
    most = 0
    for holder in tree.iter(*_HOLDERS):
        lines = _own_paragraphs(holder)
        length = sum(len(line) for line in lines if _SENTENCE_END.search(line))
        if length > most:
            best, most = lines, length
    return best


def _own_paragraphs(holder: HtmlElement) -> list[str]:
    """Paragraphs among the children, and texts between line breaks; none that is all link."""
    lines = []
    run = [holder.text or ""]
    for child in holder:
        if child.tag in _PARAGRAPHS:
            lines.append("".join(run))
            text = child.text_content()
            linked = sum(len(link.text_content()) for link in child.iter("a"))
            run = [child.tail or ""]
            if 2 * linked <= len(text):
                lines.append(text)
        elif child.tag in ("br", *_HOLDERS):
            lines.append("".join(run))
            run = [child.tail or ""]
        elif child.tag in ("script", "style", "noscript", "a"):
            run.append(child.tail or "")
        else:
            run += [child.text_content(), child.tail or ""]
    lines.append("".join(run))
    return [line for line in (" ".join(text.split()) for text in lines) if line]
