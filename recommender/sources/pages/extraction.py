"""One HTML page → its article: title, date, text; the only door to trafilatura.

trafilatura (Barbaresi 2021) finds the text; what it is given and what it gives is put in order
before and after: boxes of links are taken out of the tree, notices and other headlines out of the
lines. `benchmarks/extraction.py` measures both. Pure: bytes in, an article's parts out.
"""

from __future__ import annotations

import html
import logging
import re
from dataclasses import dataclass
from datetime import datetime, timezone, tzinfo
from itertools import islice

import trafilatura
from lxml.html import HtmlElement

from recommender.errors import ArticleError
from recommender.sources.decoding import decode_page, is_binary
from recommender.sources.pages.boxes import drop_boxes
from recommender.sources.pages.density import densest_paragraphs
from recommender.sources.pages.metadata import Metadata, read_metadata
from recommender.sources.pages.notices import squeezed, tidy
from recommender.sources.pages.phrases import HAN
from recommender.sources.pages.trees import is_page, parse_page
from recommender.text import detect_language

# An ideograph says about as much as so many letters.
_LETTERS_AN_IDEOGRAPH = 3
_LEAST_TEXT = 100
_LEAST_DECLARED_TEXT = 30
# A page whose text is made of other pages' headlines is a list of them.
_MOST_LISTED = 0.5
_LEAST_HEADLINE = 20
_FEW_TEASERS = 5
_LONGEST_TEASER = 1_000
# More lines than a list has, and than it is worth to look at.
_MOST_LINES = 500
_LONGEST_LINK = 500
_NO_LETTER = re.compile(r"[\W_]+")
_NO_TEXT = ("script", "style", "noscript", "template")
_EAST_ASIAN = ("zh", "ja", "ko")

# trafilatura tells its doubts to the log; where nobody listens they go to the terminal.
logging.getLogger("trafilatura").addHandler(logging.NullHandler())


class NoArticle(ArticleError):
    """A page that can be read, and holds no article: a list, a front page, a signpost."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Page:
    """An article as its page has it.

    Attributes
    ----------
    title, category : str
    lines : tuple of str
        Paragraphs of plain text.
    canonical : str
        Address the page gives as its own, as it is written; empty without one.
    date : datetime or None
        Publication time, in UTC.
    language : str
        Primary tag; empty where it is to be found out.
    """

    title: str
    lines: tuple[str, ...]
    canonical: str = ""
    date: datetime | None = None
    category: str = ""
    language: str = ""

    @property
    def body(self) -> str:
        """The paragraphs as HTML, so that an angle bracket of the text stays one."""
        return "\n".join(f"<p>{html.escape(line, quote=False)}</p>" for line in self.lines)


def read_page(data: bytes | str, *, zone: tzinfo = timezone.utc, noindex: bool = False) -> Page:
    """The article of a page.

    Parameters
    ----------
    data : bytes or str
        The whole page; bytes in whatever encoding.
    zone : tzinfo
        Zone of dates that name none.
    noindex : bool
        Whether a page that asks search engines to leave it out is taken all the same.

    Raises
    ------
    NoArticle
        If the page asks to be left out, is a list, a front page or a signpost, or has next to no
        text.
    ArticleError
        If it cannot be read: too many elements, too deep, no HTML.
    """
    if isinstance(data, bytes):
        if is_binary(data):
            raise ArticleError("it is no page: it holds binary data")
        data = decode_page(data)
    if not is_page(data):
        raise ArticleError("it is no HTML page")
    tree = parse_page(data)
    try:
        metadata = read_metadata(tree, zone=zone)
        if metadata.redirect:
            raise NoArticle("the page only leads to another one")
        if metadata.noindex and not noindex:
            raise NoArticle("the page asks to be left out of search engines (noindex)")
        lines = _article_lines(tree, metadata)
    except ArticleError:
        raise
    except Exception as error:  # nothing a page holds may end a run over thousands
        raise ArticleError(f"the page cannot be read ({type(error).__name__})") from error
    return Page(
        title=metadata.title,
        lines=tuple(lines),
        canonical=metadata.canonical,
        date=metadata.date,
        category=metadata.category,
        language=_language(metadata.language, lines),
    )


def _article_lines(tree: HtmlElement, metadata: Metadata) -> list[str]:
    links = {text for link in tree.iter("a") if (text := squeezed(link.text_content()))}
    drop_boxes(tree)
    if _unlinked(tree) < _LEAST_DECLARED_TEXT:
        raise NoArticle("the page has next to no text outside its links")
    text = trafilatura.extract(tree, include_comments=False) or ""
    reason = _why_list(tree, text, links, metadata)
    if reason:
        raise NoArticle(reason)
    least = _LEAST_DECLARED_TEXT if metadata.is_article else _LEAST_TEXT
    lines = tidy(text, titles=metadata.titles, links=links)
    if sum(map(_weight, lines)) < _LEAST_TEXT:
        denser = tidy("\n".join(densest_paragraphs(tree)), titles=metadata.titles, links=links)
        lines = max(lines, denser, key=lambda each: sum(map(_weight, each)))
    if sum(map(_weight, lines)) < least:
        raise NoArticle("the page has next to no text")
    return lines


def _why_list(tree: HtmlElement, text: str, links: set[str], metadata: Metadata) -> str:
    """Why a page is a list of others; empty if it is none."""
    if metadata.is_list:
        return "the page says that it is a list"
    lines = [squeezed(line).lstrip("-") for line in text.split("\n")]
    total = sum(map(len, lines))
    headlines = [len(line) for line in lines if line in links and _weight(line) >= _LEAST_HEADLINE]
    if sum(headlines) > _MOST_LISTED * total:
        return "the page is a list of links"
    teasers = _teasers(tree)
    if metadata.is_article or len(teasers) < _FEW_TEASERS or len(lines) > _MOST_LINES:
        return ""
    told = "\n".join(teasers)
    listed = sum(len(line) for line in lines if line in links or line in told)
    return "the page is a list of headlines" if listed > _MOST_LISTED * total else ""


def _teasers(tree: HtmlElement) -> list[str]:
    """What stands with each heading that is a link to another page."""
    teasers = []
    for heading in tree.iter("h1", "h2", "h3", "h4", "h5"):
        said = squeezed(heading.text_content())
        linked = "".join(squeezed(link.text_content()) for link in heading.iter("a"))
        linked = linked or (said if heading.getparent().tag == "a" else "")
        if linked != said or _weight(said) < _LEAST_HEADLINE:
            continue
        for holder in islice(heading.iterancestors(), 3):
            text = squeezed(holder.text_content())
            if len(text) > len(said):
                if len(text) <= _LONGEST_TEASER:
                    teasers.append(text)
                break
    return teasers[:_MOST_LINES]


def _unlinked(tree: HtmlElement) -> int:
    """How much the page says outside its links, in letters."""
    body = tree.find("body")
    total = 0
    for element in () if body is None else body.iter():
        if element.tag not in _NO_TEXT:
            total += _weight(squeezed(element.text or ""))
        total += _weight(squeezed(element.tail or ""))
    texts = (squeezed(link.text_content()) for link in tree.iter("a") if "href" in link.attrib)
    # A link that was never closed holds the rest of the page.
    return total - sum(_weight(text) for text in texts if len(text) <= _LONGEST_LINK)


def _weight(line: str) -> int:
    """How much a line says, in letters."""
    return len(_NO_LETTER.sub("", line)) + (_LETTERS_AN_IDEOGRAPH - 1) * len(HAN.findall(line))


def _language(declared: str, lines: list[str]) -> str:
    """The declared language, unless the text's script says otherwise: templates are copied."""
    seen = detect_language("\n".join(lines))
    return seen if seen in _EAST_ASIAN or declared in _EAST_ASIAN else declared
