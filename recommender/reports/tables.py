"""Answers as text for a terminal.

Titles are other people's text: control characters and direction marks are taken out, and
nothing in them is read as markup.
"""

from __future__ import annotations

import io
import unicodedata
from collections.abc import Sequence
from datetime import datetime, timezone, tzinfo
from decimal import ROUND_FLOOR, Decimal
from urllib.parse import urlsplit

from rich import box
from rich.console import Console
from rich.table import Table
from rich.text import Text

from recommender.inspection import ArticleProblem, IndexInfo
from recommender.records import (
    Card,
    Comparison,
    DecisionKind,
    DuplicateGroup,
    Evidence,
    Match,
    MatchList,
    Verdict,
)

_STYLES = {
    Verdict.SAME_TEXT: "bold red",
    Verdict.SAME_STORY: "yellow",
    Verdict.RELATED: "green",
    Verdict.UNRELATED: "dim",
}
_LISTED = 12
_CENT = Decimal("0.01")


def printable(text: str) -> str:
    """The text without characters that move the cursor or turn the line around."""
    return "".join(
        character
        for character in text
        if unicodedata.category(character) not in ("Cc", "Cf", "Cs", "Zl", "Zp")
    )


def web_address(url: str) -> str:
    """The address if it is one of the web; else nothing, so that no script can be one."""
    try:
        parts = urlsplit(url)
    except ValueError:
        return ""
    return url if parts.scheme in ("http", "https") and parts.netloc else ""


def _rendered(*parts: object, width: int, color: bool) -> str:
    buffer = io.StringIO()
    console = Console(
        file=buffer,
        width=width,
        force_terminal=color,
        color_system="standard" if color else None,
        highlight=False,
        markup=False,
        emoji=False,
    )
    for part in parts:
        console.print(part)
    # Padding to the full width helps nobody who pastes or greps.
    return "\n".join(line.rstrip() for line in buffer.getvalue().splitlines()) + "\n"


def local(date: datetime, zone: tzinfo) -> datetime:
    """The same moment as the clocks of a zone show it."""
    try:
        return date.astimezone(zone)
    except OverflowError:  # the first or last day there is
        return date


def _day(date: datetime | None, zone: tzinfo) -> str:
    # Not strftime, which drops the zeros of early years.
    return local(date, zone).date().isoformat() if date else "—"


def _number(value: float | None) -> str:
    return "—" if value is None else f"{value:.2f}"


def cut(similarity: float) -> str:
    """A similarity with two decimals, never rounded up: over a threshold only what reaches it."""
    # By its shortest decimal form, which 0.29 has and 100 × 0.29 has not.
    return str(Decimal(repr(float(similarity))).quantize(_CENT, ROUND_FLOOR))


def _title(card: Card) -> Text:
    title = Text(printable(card.title) or "(no title)")
    if card.access != "public":
        title.append(f" [{card.access}]", style="dim")
    return title


def _verdict(verdict: Verdict, similarity: float) -> Text:
    return Text(f"{cut(similarity)} {verdict}", style=_STYLES[verdict])


def _table(*columns: str) -> Table:
    table = Table(box=box.SIMPLE_HEAD, pad_edge=False, show_edge=False, header_style="bold")
    for column in columns:
        table.add_column(
            column, no_wrap=column not in ("title", "why"), overflow="fold", min_width=len(column)
        )
    return table


def why(evidence: Evidence, decision: DecisionKind | None = None) -> str:
    """The evidence of a pair in a few words; what an editor decided comes first."""
    parts = [_decided(decision)] if decision else []
    if evidence.same_text:
        parts.append("equal text")
    elif evidence.containment is not None and evidence.containment >= 0.05:
        parts.append(f"{evidence.containment:.0%} of the shorter text in common")
    if evidence.same_title:
        parts.append("equal title")
    if not evidence.same_language:
        parts.append("other language")
    if evidence.cosine is not None:
        parts.append(f"meaning {evidence.cosine:.2f}")
    if evidence.fact_overlap is not None:
        parts.append(f"facts {evidence.fact_overlap:.0%}")
    if evidence.days_apart is None:
        parts.append("dates unknown")
    elif evidence.days_apart >= 1:
        parts.append(f"{evidence.days_apart:.0f} d apart")
    return ", ".join(parts)


def _decided(decision: DecisionKind) -> str:
    return f"{decision}: decided by an editor"


def matches_text(
    card: Card | None,
    matches: MatchList,
    *,
    width: int,
    color: bool,
    notes: Sequence[Text] | None = None,
    zone: tzinfo = timezone.utc,
) -> str:
    """A list of matches under the article it was made for; notes stand under their matches."""
    parts: list[object] = []
    if card is not None:
        parts.append(Text.assemble(("For ", "dim"), _title(card), (f"  {card.id}", "dim")))
    if matches:
        table = _table("similarity", "date", "id", "title", *(["why"] if notes is None else []))
        for number, match in enumerate(matches):
            title = _title(match.article)
            if match.also_covered:
                title.append(f"  +{len(match.also_covered)} also covered", style="dim")
            if notes is not None:
                title.append("\n").append_text(notes[number])
            table.add_row(
                _verdict(match.verdict, match.similarity),
                _day(match.article.date, zone),
                printable(match.article.id),
                title,
                *(
                    [Text(why(match.evidence, match.decision), style="dim")]
                    if notes is None
                    else []
                ),
                end_section=notes is not None,
            )
        parts.append(table)
    if matches.reason:
        parts.append(Text(matches.reason, style="italic"))
    if matches.own_duplicates:
        listed = ", ".join(map(printable, matches.own_duplicates[:_LISTED]))
        parts.append(Text(f"Near-duplicates of the article itself: {listed}", style="dim"))
    for filler in matches.filler:
        label = "newest of the category" if filler.reason == "category" else "newest"
        parts.append(
            Text.assemble(
                (f"Filler ({label}): ", "dim"),
                f"{_day(filler.article.date, zone)}  {printable(filler.article.id)}  ",
                _title(filler.article),
            )
        )
    return _rendered(*parts, width=width, color=color)


def _relation(match: Match) -> str:
    """How a member stands to the article to keep."""
    relation = str(match.relation.reversed)
    return f"{relation}, decided by an editor" if match.decision else relation


def groups_text(
    groups: Sequence[DuplicateGroup], *, width: int, color: bool, zone: tzinfo = timezone.utc
) -> str:
    """Groups of near-duplicates, the article to keep first in each."""
    if not groups:
        return _rendered(Text("No near-duplicates."), width=width, color=color)
    table = _table("group", "similarity", "relation", "date", "id", "title")
    for number, group in enumerate(groups, start=1):
        table.add_row(
            str(number),
            Text("keep", style="bold"),
            "",
            _day(group.canonical.date, zone),
            printable(group.canonical.id),
            _title(group.canonical),
        )
        for match in group.members:
            table.add_row(
                "",
                _verdict(match.verdict, match.similarity),
                _relation(match),
                _day(match.article.date, zone),
                printable(match.article.id),
                _title(match.article),
            )
    members = sum(len(group.members) for group in groups)
    summary = f"{len(groups):,} groups, {members:,} articles beside the ones to keep"
    return _rendered(table, Text(summary, style="italic"), width=width, color=color)


def comparison_text(
    comparison: Comparison,
    *,
    width: int,
    color: bool,
    more: Sequence[object] = (),
    zone: tzinfo = timezone.utc,
) -> str:
    """One pair with all its evidence, and more below it."""
    evidence = comparison.evidence
    head = Text.assemble(
        _verdict(comparison.verdict, comparison.similarity),
        (f"  (the first to the second: {comparison.relation})", "dim"),
        (f"  {_decided(comparison.decision)}" if comparison.decision else "", "bold"),
    )
    table = _table("evidence", "value", "why")
    rows = (
        ("meaning", evidence.cosine, "cosine of the embeddings; random pairs lie around 0"),
        ("containment", evidence.containment, "share of the shorter text that the longer has"),
        ("resemblance", evidence.resemblance, "share of both texts that is common"),
        ("title overlap", evidence.title_overlap, "share of the titles that is common"),
        ("fact overlap", evidence.fact_overlap, "share of numbers, dates and names in common"),
        ("days apart", evidence.days_apart, "between the publication dates"),
        ("length ratio", evidence.length_ratio, "shorter text over longer"),
    )
    for name, value, meaning in rows:
        table.add_row(name, _number(value), Text(meaning, style="dim"))
    parts: list[object] = [
        Text.assemble(f"{printable(card.id)}  {_day(card.date, zone)}  ", _title(card))
        for card in (comparison.first, comparison.second)
    ]
    parts += [head, table]
    flags = [
        name
        for name, holds in (
            ("equal text", evidence.same_text),
            ("equal title", evidence.same_title),
            ("different languages", not evidence.same_language),
        )
        if holds
    ]
    for label, values in (
        ("Also", flags),
        ("Facts in both", evidence.shared_facts),
        ("Facts that differ", evidence.differing_facts),
    ):
        if values:
            shown = "; ".join(printable(value) for value in values[:_LISTED])
            left_out = f" and {len(values) - _LISTED} more" if len(values) > _LISTED else ""
            parts.append(Text(f"{label}: {shown}{left_out}"))
    return _rendered(*parts, *more, width=width, color=color)


def problems_text(
    problems: Sequence[ArticleProblem], *, width: int, color: bool, zone: tzinfo = timezone.utc
) -> str:
    """Articles with something odd."""
    if not problems:
        return _rendered(Text("No problems found."), width=width, color=color)
    table = _table("problem", "date", "id", "title")
    for each in problems:
        table.add_row(
            each.problem,
            _day(each.article.date, zone),
            printable(each.article.id),
            _title(each.article),
        )
    return _rendered(table, width=width, color=color)


def info_text(info: IndexInfo, *, width: int, color: bool) -> str:
    """What is in an index."""
    languages = ", ".join(f"{name} {count:,}" for name, count in info.languages.items())
    megabytes = sum(info.sizes.values()) / 1_000_000
    facts = {
        "index": f"{info.path}, format {info.format_version}, {megabytes:,.1f} MB",
        "articles": f"{info.articles:,} ({languages}); {info.embedded:,} with a vector",
        "embedder": f"{info.embedder.name} ({info.embedder.source}), "
        f"{info.embedder.dimension} dimensions, {info.embedder.max_tokens} tokens",
        "profile": info.profile + ("" if info.profile_fitted else " (not fitted for it)"),
        "thresholds": f"same text {info.thresholds.same_text:.2f}, same story "
        f"{info.thresholds.same_story:.2f}, related {info.thresholds.related:.2f}",
        "time zone": info.options.timezone,
        "search files": f"generation {info.generation}; {info.tail:,} newer articles, "
        f"{info.removed:,} removed since",
        "background": f"mean cosine of random pairs {info.drift:+.3f}",
        "problems": ", ".join(f"{name}: {count:,}" for name, count in info.problems.items())
        or "none",
        "decisions": ", ".join(f"{name}: {count:,}" for name, count in info.decisions.items())
        or "none",
    }
    parts: list[object] = [
        Text.assemble((f"{name:<13}", "bold"), value) for name, value in facts.items()
    ]
    parts += [Text(f"Warning: {warning}", style="yellow") for warning in info.warnings]
    if info.boilerplate:
        table = _table("articles", "where", "boilerplate left out of comparison")
        for segment in info.boilerplate[: 3 * _LISTED]:
            table.add_row(f"{segment.count:,}", segment.kind, Text(printable(segment.pattern)))
        parts.append(table)
        if len(info.boilerplate) > 3 * _LISTED:
            parts.append(
                Text(f"… and {len(info.boilerplate) - 3 * _LISTED} more segments (--format json)")
            )
    return _rendered(*parts, width=width, color=color)
