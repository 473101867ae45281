"""Takes boxes out of a page's tree: related articles, rankings, share bars, what nobody sees.

A box is told by what its heading says and by most of its text being links, so that an article
which only speaks of "related news" loses nothing. Done before extraction: a box inside an
article's own element is otherwise taken for a part of it.

Knows lxml; the words are in `phrases`.
"""

from __future__ import annotations

from lxml.html import HtmlElement

from recommender.sources.pages.phrases import is_box_heading

_LONGEST_HEADING = 40
_HEADINGS = frozenset("h1 h2 h3 h4 h5 h6 div p span strong b dt a header em label li td th".split())
# A box is at least so much made of links, beside its heading.
_LEAST_LINKED = 0.6
# ... and what is no link in it is no more than captions and dates.
_MOST_UNLINKED = 400
_HIGHEST_CLIMB = 6


def drop_boxes(tree: HtmlElement) -> None:
    """Take the boxes out of a tree."""
    for heading in _box_headings(tree):
        # An earlier box may have held this heading.
        if not _is_within(heading, tree):
            continue
        box = _box_around(heading)
        if box is not None:
            box.drop_tree()
        else:
            _drop_following(heading)


def _is_within(element: HtmlElement, tree: HtmlElement) -> bool:
    """Whether an element is still part of a tree."""
    return any(ancestor is tree for ancestor in element.iterancestors())


def _box_headings(tree: HtmlElement) -> list[HtmlElement]:
    found = []
    for element in tree.iter(*_HEADINGS):
        own = element.text
        if not own or len(own) > _LONGEST_HEADING * 4:
            # Headings hold their text in an element within, which is found by itself.
            continue
        words = " ".join(own.split())
        if words and len(words) <= _LONGEST_HEADING and is_box_heading(words):
            found.append(element)
    return found


def _box_around(heading: HtmlElement) -> HtmlElement | None:
    """The largest element around a heading that holds links and next to nothing else."""
    box = None
    title = _length(heading.text_content())
    element = heading
    for _ in range(_HIGHEST_CLIMB):
        element = element.getparent()
        if element is None or element.tag in ("body", "html", "article", "main"):
            break
        length = _length(element.text_content())
        if _is_linked(element, length - title):
            box = element
        elif length > title:
            break
    return box


def _drop_following(heading: HtmlElement) -> None:
    """Drop a heading and the list of links that follows it."""
    element = heading
    while element.getnext() is None:
        parent = element.getparent()
        if parent is None or parent.tag in ("body", "html", "article", "main", "td"):
            return
        if _length(parent.text_content()) > _length(heading.text_content()):
            return
        element = parent
    following = element.getnext()
    if _is_linked(following, _length(following.text_content())):
        following.drop_tree()
        element.drop_tree()


def _is_linked(element: HtmlElement, length: int) -> bool:
    """Whether an element with a text of a length, in characters, is links and little else."""
    linked = sum(_length(link.text_content()) for link in element.iter("a"))
    return linked > 0 and linked >= _LEAST_LINKED * length and length - linked <= _MOST_UNLINKED


def _length(text: str) -> int:
    return len("".join(text.split()))
