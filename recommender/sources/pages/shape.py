"""What parsing a page would cost, told before it is parsed: depth, elements and attributes.

Pure and in linear time. A parser that builds a tree takes time in the square of a tag's
attributes, and drops what lies deeper than it goes; extraction takes time for every element.
"""

from __future__ import annotations

import re
from dataclasses import dataclass

from recommender.markup import tags

# Void elements, and those that sloppy pages leave open and the parser closes itself.
_NOT_NESTING = frozenset(
    "area base br col embed hr img input link meta source track wbr "
    "p li td th tr dt dd option thead tbody tfoot colgroup".split()
)
_LONG_TAG = 2_000
_QUOTED = re.compile(r"\"[^\"]*(?:\"|\Z)|'[^']*(?:'|\Z)")
_BETWEEN = re.compile(r"[\s/]+")


@dataclass(frozen=True, slots=True)
class Shape:
    """How large the tree of a page would be.

    Attributes
    ----------
    elements : int
        Tags that open something.
    depth : int
        The deepest nesting, sloppy markup counted as it comes.
    attributes : int
        The most attributes of one tag, counted in long tags only.
    """

    elements: int
    depth: int
    attributes: int


def shape_of(page: str) -> Shape:
    """The shape of a page."""
    elements = depth = deepest = attributes = 0
    for name, closes, start, end in tags(page):
        if end - start > _LONG_TAG:
            attributes = max(attributes, _attributes(page[start:end]))
        if closes:
            if name not in _NOT_NESTING:
                depth = max(depth - 1, 0)
            continue
        elements += 1
        if name not in _NOT_NESTING:
            depth += 1
            deepest = max(deepest, depth)
    return Shape(elements, deepest, attributes)


def _attributes(tag: str) -> int:
    """At least as many as the tag has."""
    return len(_BETWEEN.findall(_QUOTED.sub(" ", tag)))
