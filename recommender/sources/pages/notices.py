"""Takes out of an extracted text the lines that are not the article's: notices, boxes, repeats.

What extraction leaves in stands at the head (the headline once more, a path of links, the date),
at the tail (editors, copyright, "follow us", lists of other headlines), or is a line of its own
between paragraphs. Everything here works on lines; a part of a line is never taken out.

Pure; the words are in `phrases`.
"""

from __future__ import annotations

import re
from collections import Counter
from collections.abc import Collection, Sequence

from recommender.sources.pages.phrases import (
    is_box_heading,
    is_closing,
    is_dateline,
    is_notice,
    is_path,
)
from recommender.text import fold

_ITEM = re.compile(r"^\s*[-–•·]\s+(?=\S)")
_RULE = re.compile(r"^[\s|\-–—=*·•.。:：]*$")
_SENTENCE_END = re.compile(r"[。！？!?…；;.][”’」』）)\]】\"']*$")
_SHORT = 45
_HEAD_LINES = 6
# A tail is never more than this part of a text.
_LEAST_LEFT = 0.3
# Repeats are looked for among paragraphs of some length, by shingles of so many characters.
_LEAST_REPEATED = 30
_SHINGLE = 12
# Beyond this a page is a book, and what shingles take is too much.
_LONGEST_JUDGED = 300_000
_COVERED = 0.8
_SENTENCE = re.compile(r"[^。！？!?.；;\n]{20,}")


def tidy(text: str, *, titles: Collection[str] = (), links: Collection[str] = ()) -> list[str]:
    """The lines of an article.

    Parameters
    ----------
    text : str
        As extraction gives it: a paragraph or an item of a list a line, cells parted by "|".
    titles : collection of str
        What the page is called; a first line that says the same is left out.
    links : collection of str
        Texts of the page's links, white space taken out.

    Returns
    -------
    list of str
        Lines without marks of lists and tables.
    """
    lines = [_plain(line) for line in text.split("\n")]
    lines = [line for line in lines if not _RULE.match(line)]
    lines = _without_repeats(lines)
    lines = _without_head(lines, {fold(title) for title in titles} - {""})
    lines = _without_tail(lines, links)
    return [line for line in lines if not is_notice(line)]


def squeezed(text: str) -> str:
    """A text without white space, as links are compared by."""
    return "".join(text.split())


def _plain(line: str) -> str:
    if "|" in line:
        line = " ".join(cell.strip() for cell in line.split("|"))
    return " ".join(_ITEM.sub("", line).split())


def _without_head(lines: list[str], titles: set[str]) -> list[str]:
    head = lines[:_HEAD_LINES]
    kept = [
        line
        for line in head
        if not (fold(line) in titles or is_path(line) or is_dateline(line) or is_notice(line))
    ]
    return kept + lines[_HEAD_LINES:]


def _without_tail(lines: list[str], links: Collection[str]) -> list[str]:
    """Without what follows the last line of the article, if it is nothing but other things."""
    lengths = [len(line) for line in lines]
    least = _LEAST_LEFT * sum(lengths)
    left = sum(lengths)
    cut = len(lines)
    for place in range(len(lines) - 1, -1, -1):
        line = lines[place]
        left -= lengths[place]
        if left < least:
            break
        aside = _is_aside(line)
        if is_notice(line) or _is_headline(line, links) or (aside and _closes(line)):
            cut = place
        elif not aside:
            break
    return lines[:cut]


def _closes(line: str) -> bool:
    return is_closing(line) or is_box_heading(line)


def _is_headline(line: str, links: Collection[str]) -> bool:
    """Whether a line is the text of a link, and not its address."""
    text = squeezed(line)
    return text in links and not text.startswith(("http://", "https://", "www."))


def _is_aside(line: str) -> bool:
    """Whether a line may belong to a list of headlines: short, and no sentence."""
    return len(line) <= _SHORT and _SENTENCE_END.search(line) is None


def _without_repeats(lines: Sequence[str]) -> list[str]:
    """Without paragraphs that the rest of the text says word for word, longest first."""
    if sum(map(len, lines)) > _LONGEST_JUDGED:
        return list(lines)
    said = Counter(sentence for line in lines for sentence in _SENTENCE.findall(line))
    if len(said) == said.total():
        return list(lines)
    shingles = {
        place: _shingles(squeezed(line))
        for place, line in enumerate(lines)
        if len(line) >= _LEAST_REPEATED
    }
    counts: dict[str, int] = {}
    for own in shingles.values():
        for each in own:
            counts[each] = counts.get(each, 0) + 1
    dropped = set()
    for place in sorted(shingles, key=lambda each: (-len(lines[each]), -each)):
        own = shingles[place]
        if sum(counts[each] > 1 for each in own) >= _COVERED * len(own):
            dropped.add(place)
            for each in own:
                counts[each] -= 1
    return [line for place, line in enumerate(lines) if place not in dropped]


def _shingles(text: str) -> set[str]:
    return {text[at : at + _SHINGLE] for at in range(len(text) - _SHINGLE + 1)}
