"""Text of a page → its tree, or a reason why there is none; never a recursion or a long wait.

Knows lxml, and nothing of what a page means.
"""

from __future__ import annotations

import re

from lxml.html import HtmlElement, HTMLParser, document_fromstring

from recommender.errors import ArticleError
from recommender.markup import bare_markup
from recommender.sources.pages.shape import shape_of

# Pages of people are some 50 deep and have some thousand elements, none with many attributes.
_DEEPEST = 120
_MOST_ELEMENTS = 20_000
_MOST_ATTRIBUTES = 500
# What XML cannot hold; the parser would end at the first one.
_NO_XML = re.compile("[\x00-\x08\x0b\x0c\x0e-\x1f\x7f-\x84\x86-\x9f\ud800-\udfff\ufffe\uffff]")
# Pages put together of parts end more than once; the parser drops what follows, browsers do not.
_END = re.compile(r"</(?:html|body)\s*>", re.IGNORECASE)


# What a text of another kind (settings, a script, a list) does not have, or not at its beginning.
_PAGE = re.compile(r"<!doctype\s+html|<(?:html|head|body)[\s/>]", re.IGNORECASE)
_ELEMENT = re.compile(
    r"<(?:title|meta|link|div|p|br|hr|span|font|center|table|tr|td|article|section|main|header|nav|"
    r"h[1-6]|a|b|i|em|strong|ul|ol|li|dl|img|figure|pre|blockquote|form)[\s/>]",
    re.IGNORECASE,
)


def is_page(text: str) -> bool:
    """Whether a text is HTML: a whole page, also one with something before it, or a part of one."""
    text = text.replace("\0", "")
    if _PAGE.search(text):
        return True
    return text.lstrip("\ufeff \t\r\n").startswith("<") and _ELEMENT.search(text) is not None


def parse_page(text: str) -> HtmlElement:
    """The tree of a page, comments and processing instructions left out.

    A page that would be too deep, or has a tag with hundreds of attributes, is parsed without
    attributes and formatting elements.

    Raises
    ------
    ArticleError
        If it has no element, too many, or is too deep even so.
    """
    page = _END.sub("", _NO_XML.sub(" ", text))
    shape = shape_of(page)
    if shape.elements > _MOST_ELEMENTS:
        raise ArticleError(
            f"the page has {shape.elements:,} elements, at most {_MOST_ELEMENTS:,} are taken"
        )
    if shape.depth > _DEEPEST or shape.attributes > _MOST_ATTRIBUTES:
        page = bare_markup(page)
        if shape_of(page).depth > _DEEPEST:
            raise ArticleError(
                f"the page is nested {shape.depth:,} deep, at most {_DEEPEST} are taken"
            )
    try:
        parser = HTMLParser(
            encoding="utf-8",
            remove_comments=True,
            remove_pis=True,
            huge_tree=True,
            collect_ids=False,
            default_doctype=False,
        )
        tree = document_fromstring(page.encode("utf-8", "replace"), parser=parser)
    except Exception as error:  # whatever the parser says of a page that is none
        raise ArticleError("the page holds no HTML") from error
    if not isinstance(tree, HtmlElement):
        raise ArticleError("the page holds no HTML")
    return tree
