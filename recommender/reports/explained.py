"""Explanations as text for a terminal: the whole one, and the short one under a match.

Widths are counted in cells of the terminal, so that Chinese does not break the lines.
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from datetime import timezone, tzinfo

from rich.cells import cell_len, chop_cells
from rich.text import Text

from recommender.explanation import EditedSentence, Explanation, Passage, Sentence
from recommender.reports.tables import comparison_text, cut, printable

_LISTED = 6
_LEAST_BAR = 16
_LONGEST_BAR = 48
_LABEL = 14
_INDENT = "  "
# An unchanged stretch of an edited sentence is shortened to so many cells.
_CONTEXT = 24
_SHOWN_PARTS = 3
_SHOWN_FACTS = 3
_SMALL = 0.005

_PART_NAMES = {
    "meaning": "meaning",
    "wording": "wording",
    "titles": "titles",
    "telling": "told by both",
    "facts": "facts",
    "dates": "dates",
    "language": "language",
    "missing": "missing",
}
_CUT_NAMES = {"related": "related", "same_story": "same story", "same_text": "same text"}
_RULES = {
    "equal": "the texts are equal",
    "near_empty": "one of the two has next to no text",
    "no_evidence": "there is nothing to compare",
    "short": "so short a text alone proves nothing",
    "language": "the languages differ",
    "part": "one text is far shorter than the other",
    "other": "a rule above the evidence",
}


def explanation_text(
    explanation: Explanation, *, width: int, color: bool, zone: tzinfo = timezone.utc
) -> str:
    """One pair with all its evidence, how it adds up, and what the texts share."""
    more = [
        Text(""),
        *_waterfall(explanation, width),
        Text(""),
        *_passages(explanation, width),
        *_edited(explanation.edited, width),
        *_only("Only in the first", explanation.only_first, width),
        *_only("Only in the second", explanation.only_second, width),
    ]
    return comparison_text(explanation.comparison, width=width, color=color, more=more, zone=zone)


def explanation_note(explanation: Explanation) -> Text:
    """The same in a few short lines, to stand under a match."""
    waterfall = explanation.waterfall
    parts = sorted(waterfall.contributions, key=lambda each: (-abs(each.log_odds), each.part))
    told = ", ".join(
        f"{_PART_NAMES[each.part]} {_signed(each.log_odds)}"
        for each in parts[:_SHOWN_PARTS]
        if abs(each.log_odds) >= _SMALL
    )
    lines = [f"{_CUT_NAMES[waterfall.cut]} {_signed(waterfall.log_odds)}: {told or 'no evidence'}"]
    if waterfall.rule:
        lines.append(_ruled(explanation))
    if explanation.passages:
        lines.append(f"{_shared(explanation)}: {_quoted(_longest(explanation.passages)[0], 40)}")
    facts = explanation.contradicting_facts
    if facts:
        shown = "; ".join(
            f"{printable(ours)} / {printable(theirs)}" for ours, theirs in facts[:_SHOWN_FACTS]
        )
        left_out = f" and {len(facts) - _SHOWN_FACTS} more" if len(facts) > _SHOWN_FACTS else ""
        lines.append(f"facts that differ: {shown}{left_out}")
    return Text("\n".join(lines), style="dim")


def shorten(text: str, cells: int) -> str:
    """The text in at most so many cells: of a longer one the beginning and the end."""
    line = " ".join(printable(text.replace("\n", " ")).split())
    if cell_len(line) <= cells:
        return line
    kept = max(cells - 1, 2)
    head = chop_cells(line, (kept + 1) // 2)[0]
    tail = chop_cells(line[::-1], kept - cell_len(head))[0][::-1]
    return f"{head}…{tail}"


def _signed(value: float) -> str:
    # A real minus sign is as wide as a plus.
    return f"{value:+.1f}".replace("-", "−") if abs(value) >= 0.05 else "0.0"


def _waterfall(explanation: Explanation, width: int) -> Iterator[Text]:
    waterfall = explanation.waterfall
    name = _CUT_NAMES[waterfall.cut]
    yield Text(f"How it adds up for “{name}” (log-odds; from 0 on it is more likely than not)")
    rows = [("nothing alike", 0.0, waterfall.background)]
    total = waterfall.background
    for each in waterfall.contributions:
        if abs(each.log_odds) >= _SMALL:
            rows.append((_PART_NAMES[each.part], total, total + each.log_odds))
            total += each.log_odds
    rows.append(("together", 0.0, waterfall.log_odds))
    cells = min(max(width - len(_INDENT) - _LABEL - 8, _LEAST_BAR), _LONGEST_BAR)
    low = min(min(start, end) for _, start, end in rows)
    high = max(max(start, end) for _, start, end in rows)
    for number, (name, start, end) in enumerate(rows):
        is_sum = number in (0, len(rows) - 1)
        style = "dim" if is_sum else "green" if end > start else "red"
        yield Text.assemble(
            f"{_INDENT}{name:<{_LABEL}}{_signed(end - start):>5}  ",
            (_bar(start, end, low, high, cells), style),
        )
    yield Text(_INDENT + _outcome(explanation), style="italic")


def _outcome(explanation: Explanation) -> str:
    if explanation.waterfall.rule:
        return f"similarity {cut(explanation.waterfall.by_evidence)}; {_ruled(explanation)}"
    return f"similarity {cut(explanation.comparison.similarity)}"


def _ruled(explanation: Explanation) -> str:
    similarity = explanation.comparison.similarity
    way = "raised" if similarity > explanation.waterfall.by_evidence else "capped"
    return f"{way} to {cut(similarity)}: {_RULES[explanation.waterfall.rule]}"


def _bar(start: float, end: float, low: float, high: float, cells: int) -> str:
    """A bar from one value to the other; "│" stands at 0."""
    scale = (cells - 1) / (high - low or 1.0)
    first, last = sorted((round((start - low) * scale), round((end - low) * scale)))
    line = [" "] * cells
    line[round(-low * scale)] = "│"
    line[first : last + 1] = ("█" if end >= start else "▒") * (last + 1 - first)
    return "".join(line).rstrip()


def _shared(explanation: Explanation) -> str:
    count = len(explanation.passages)
    noun = "shared passage" if count == 1 else "shared passages"
    return (
        f"{count:,} {noun}, {explanation.first_share:.0%} of the first text, "
        f"{explanation.second_share:.0%} of the second"
    )


def _longest(passages: Sequence[Passage]) -> list[Passage]:
    return sorted(passages, key=lambda each: (-each.length, each.first_start))


def _quoted(passage: Passage, cells: int) -> str:
    return f"“{shorten(passage.text, cells - 2)}”"


def _passages(explanation: Explanation, width: int) -> Iterator[Text]:
    if not explanation.passages:
        yield Text("No shared passage")
        return
    yield Text(_shared(explanation).capitalize())
    chosen = _longest(explanation.passages)[:_LISTED]
    for each in sorted(chosen, key=lambda each: each.first_start):
        size = f"{each.length:,}"
        yield Text.assemble(
            _INDENT, (f"{size:>6}  ", "dim"), _quoted(each, width - len(_INDENT) - 8)
        )
    yield from _left_out(len(explanation.passages))


def _left_out(count: int) -> Iterator[Text]:
    if count > _LISTED:
        yield Text(f"{_INDENT}and {count - _LISTED:,} more", style="dim")


def _only(label: str, sentences: Sequence[Sentence], width: int) -> Iterator[Text]:
    if not sentences:
        return
    yield Text(f"{label}: {_sentences(len(sentences))}")
    for each in sentences[:_LISTED]:
        yield Text(_INDENT + shorten(each.text, width - len(_INDENT)))
    yield from _left_out(len(sentences))


def _sentences(count: int) -> str:
    return "1 sentence" if count == 1 else f"{count:,} sentences"


def _edited(pairs: Sequence[EditedSentence], width: int) -> Iterator[Text]:
    if not pairs:
        return
    yield Text(f"Edited: {_sentences(len(pairs))}")
    for pair in pairs[:_LISTED]:
        yield _edited_line(pair, width)
    yield from _left_out(len(pairs))


def _edited_line(pair: EditedSentence, width: int) -> Text:
    """The sentence of the first with its changes; what stays is shortened between them."""
    line = Text(_INDENT)
    read = pair.first.start
    for edit in pair.edits:
        line.append(_context(pair.first, read, edit.first_start))
        sign = "→" if edit.first and edit.second else "+" if edit.second else "−"
        line.append("[")
        line.append(shorten(edit.first, 2 * _CONTEXT) if sign == "→" else sign, style="red")
        line.append("→" if sign == "→" else "")
        changed = edit.first if sign == "−" else edit.second
        line.append(shorten(changed, 2 * _CONTEXT), style="red" if sign == "−" else "green")
        line.append("]")
        read = edit.first_end
    line.append(_context(pair.first, read, pair.first.end))
    if line.cell_len > 3 * width:
        line.truncate(3 * width, overflow="ellipsis")
    return line


def _context(sentence: Sentence, start: int, end: int) -> str:
    text = sentence.text[start - sentence.start : end - sentence.start]
    before = " " if text[:1].isspace() else ""
    after = " " if text.strip() and text[-1:].isspace() else ""
    return before + shorten(text, _CONTEXT) + after
