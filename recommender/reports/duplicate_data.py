"""A duplicate report → the values its page is made of: what the lists show, and the texts.

The lists come in one piece; texts and comparisons in chunks that the page unpacks when they are
wanted, every text once. Plain JSON values; must not know how they look, nor of templates.
"""

from __future__ import annotations

import base64
import gzip
import hashlib
import json
from collections.abc import Mapping
from dataclasses import dataclass
from datetime import tzinfo
from decimal import ROUND_FLOOR, Decimal
from typing import Any

from recommender.canonical import CanonicalPolicy
from recommender.duplicate_report import DuplicateReport, MaybePair, Pair
from recommender.records import Card, DuplicateGroup, Evidence, Match
from recommender.reports.duplicate_payload import without_texts
from recommender.reports.marking import SHOWN
from recommender.reports.tables import local, printable, web_address

# Characters of texts in a chunk before the next begins: unpacked in a few milliseconds.
_CHUNK = 400_000
_MEASURES = (
    "cosine",
    "resemblance",
    "containment",
    "title_overlap",
    "fact_overlap",
    "days_apart",
    "length_ratio",
)
# Turn the line around or cannot be seen; one placeholder each, so that no offset moves.
_UNSEEN = dict.fromkeys(
    (
        *(place for place in range(0x20) if chr(place) not in "\t\n"),
        *range(0x7F, 0xA0),
        *(0x061C, 0x200E, 0x200F),
        *range(0x202A, 0x202F),
        *range(0x2066, 0x206A),
    ),
    "\ufffd",
)


@dataclass(frozen=True, slots=True, kw_only=True)
class PageData:
    """What a page holds.

    Attributes
    ----------
    core : dict
        Everything but texts and comparisons.
    chunks : tuple of dict
        `texts` by number of the article, `pairs` by number of the pair.
    """

    core: dict[str, Any]
    chunks: tuple[dict[str, Any], ...]


def page_data(
    report: DuplicateReport,
    comparisons: Mapping[Pair, dict[str, Any]],
    *,
    texts: Mapping[str, str] | None,
    zone: tzinfo,
    lengths: Mapping[str, int],
    treatments: Mapping[Pair, str],
) -> PageData:
    """Values of a page; parameters as those of `duplicates_page`."""
    shelf = _Shelf(zone)
    groups = [_group(each, report, shelf, lengths, treatments) for each in report.groups]
    maybe = [_maybe(each, report, shelf, lengths, treatments) for each in report.maybe]
    templates = [_family(each, shelf) for each in report.templates]
    packing = _Packing(shelf, comparisons, texts)
    for pair in shelf.pairs:
        packing.add(pair)
    core = {
        "source": printable(report.source),
        "articles": report.articles,
        "since": printable(report.since),
        "open_duplicates": report.open_duplicates,
        "lexical": report.lexical,
        "bodies": texts is not None,
        "zone": str(zone),
        "thresholds": [
            _parts(each)
            for each in (
                report.thresholds.related,
                report.thresholds.same_story,
                report.thresholds.same_text,
            )
        ],
        "policy": list(report.policy.order),
        "histogram": list(report.histogram),
        "months": [list(each) for each in report.by_month(zone)],
        "categories": [[printable(name), count] for name, count in report.by_category()],
        "cards": shelf.cards,
        "groups": groups,
        "maybe": maybe,
        "templates": templates,
        "text_chunks": packing.text_chunks,
        "pair_chunks": packing.pair_chunks,
    }
    # Marks are kept under it: those of one report are found again in the next of the same source.
    core["key"] = hashlib.sha256(_json(core["source"])).hexdigest()[:24]
    core["settled"] = [list(each) for each in sorted(report.settled)]
    return PageData(core=core, chunks=tuple(packing.chunks))


def packed(values: object) -> str:
    """JSON, compressed, in base64: no character of it means anything in HTML."""
    return base64.b64encode(gzip.compress(_json(values), compresslevel=9, mtime=0)).decode("ascii")


def _json(values: object) -> bytes:
    text = json.dumps(values, ensure_ascii=False, separators=(",", ":"), allow_nan=False)
    return text.encode("utf-8", "replace")


def _parts(similarity: float) -> int:
    """A similarity in ten-thousandths, never rounded up."""
    exact = Decimal(repr(float(similarity))) * 10_000
    return int(exact.to_integral_value(ROUND_FLOOR))


def _ordered(one: str, other: str) -> Pair:
    return (one, other) if one <= other else (other, one)


class _Shelf:
    """Every article once, with a number; pairs likewise, in the order they are asked for."""

    def __init__(self, zone: tzinfo) -> None:
        self.cards: list[dict[str, Any]] = []
        self.pairs: list[Pair] = []
        self._zone = zone
        self._numbers: dict[str, int] = {}

    def article(self, card: Card) -> int:
        number = self._numbers.get(card.id)
        if number is None:
            number = self._numbers[card.id] = len(self.cards)
            self.cards.append(_card(card, self._zone))
        return number

    def number(self, article_id: str) -> int:
        return self._numbers[article_id]

    def pair(self, first: str, second: str) -> int:
        self.pairs.append((first, second))
        return len(self.pairs) - 1


def _card(card: Card, zone: tzinfo) -> dict[str, Any]:
    values = {"id": card.id, "title": printable(card.title)}
    if card.date:
        date = local(card.date, zone)
        values["date"] = date.isoformat(sep=" ", timespec="minutes")[:16]
    for name in ("category", "language", "source", "site"):
        if text := printable(getattr(card, name)):
            values[name] = text
    address = printable(card.url)
    if address:
        values["link" if web_address(address) else "address"] = address
    if card.access != "public":
        values["access"] = card.access
    return values


def _evidence(evidence: Evidence) -> dict[str, Any]:
    values: dict[str, Any] = {
        name: round(value, 3)
        for name in _MEASURES
        if (value := getattr(evidence, name)) is not None
    }
    for name in ("same_text", "same_title"):
        if getattr(evidence, name):
            values[name] = True
    if not evidence.same_language:
        values["other_language"] = True
    return values


def _found(match: Match, pair: int) -> dict[str, Any]:
    return {
        "pair": pair,
        "similarity": _parts(match.similarity),
        "verdict": str(match.verdict),
        "relation": str(match.relation),
        "evidence": _evidence(match.evidence),
    }


def _group(
    group: DuplicateGroup,
    report: DuplicateReport,
    shelf: _Shelf,
    lengths: Mapping[str, int],
    treatments: Mapping[Pair, str],
) -> dict[str, Any]:
    kept = group.canonical.id
    still_open = report.open_members(group)
    values: dict[str, Any] = {
        "kept": shelf.article(group.canonical),
        "because": _because(group, report.policy, lengths),
        "verdict": str(group.verdict),
        "weakest": _parts(group.weakest),
        "loose": group.loose,
        "members": [],
    }
    for match in group.members:
        member = _found(match, shelf.pair(kept, match.article.id))
        member["article"] = shelf.article(match.article)
        if match.article.id not in still_open:
            pair = _ordered(kept, match.article.id)
            member["settled"] = treatments.get(pair) or match.decision or "decided"
        values["members"].append(member)
    return values


def _settled(
    one: str,
    other: str,
    decision: str | None,
    report: DuplicateReport,
    treatments: Mapping[Pair, str],
) -> str:
    """What was decided on a pair that needs no more work; empty for one that is open."""
    pair = _ordered(one, other)
    return (treatments.get(pair) or decision or "decided") if pair in report.settled else ""


def _because(group: DuplicateGroup, policy: CanonicalPolicy, lengths: Mapping[str, int]) -> str:
    """The criterion by which the article to keep differs from the next best."""
    kept = group.canonical
    others = [match.article for match in group.members]
    own = policy.key(kept, lengths.get(kept.id, 0))
    next_best = min(policy.key(card, lengths.get(card.id, 0)) for card in others)
    if next_best < own:
        return "nearest"  # what the policy would rather keep is not near all the others
    for criterion, ours, theirs in zip(policy.order, own, next_best, strict=False):
        if ours != theirs:
            return criterion
    return "smallest-id"


def _maybe(
    each: MaybePair,
    report: DuplicateReport,
    shelf: _Shelf,
    lengths: Mapping[str, int],
    treatments: Mapping[Pair, str],
) -> dict[str, Any]:
    pair = each.pair
    first, second = pair.first, pair.second
    keys = [report.policy.key(card, lengths.get(card.id, 0)) for card in (first, second)]
    values = {
        "first": shelf.article(first),
        "second": shelf.article(second),
        "keep": int(keys[1] < keys[0]),
        "reason": each.reason,
        "pair": shelf.pair(first.id, second.id),
        "similarity": _parts(pair.similarity),
        "verdict": str(pair.verdict),
        "relation": str(pair.relation),
        "evidence": _evidence(pair.evidence),
    }
    if settled := _settled(first.id, second.id, pair.decision, report, treatments):
        values["settled"] = settled
    return values


def _family(group: DuplicateGroup, shelf: _Shelf) -> dict[str, Any]:
    return {
        "example": shelf.article(group.canonical),
        "members": [
            [shelf.article(match.article), _parts(match.similarity)] for match in group.members
        ],
    }


class _Packing:
    """Texts and comparisons in chunks: with a pair the texts that no earlier chunk has."""

    def __init__(
        self,
        shelf: _Shelf,
        comparisons: Mapping[Pair, dict[str, Any]],
        texts: Mapping[str, str] | None,
    ) -> None:
        self.chunks: list[dict[str, Any]] = []
        self.text_chunks = [-1] * len(shelf.cards)
        self.pair_chunks: list[int] = []
        self._shelf = shelf
        self._comparisons = comparisons
        self._texts = texts
        self._size = _CHUNK

    def add(self, pair: Pair) -> None:
        """The next pair."""
        if self._size >= _CHUNK:
            self._size = 0
            self.chunks.append({"texts": {}, "pairs": {}})
        chunk = self.chunks[-1]
        for article_id in pair if self._texts is not None else ():
            self._add_text(article_id)
        comparison = self._comparisons.get(pair)
        number = len(self.pair_chunks)
        self.pair_chunks.append(len(self.chunks) - 1 if comparison else -1)
        if comparison:
            shown = comparison if self._texts is not None else without_texts(comparison)
            chunk["pairs"][str(number)] = shown
            self._size += 500

    def _add_text(self, article_id: str) -> None:
        texts: Mapping[str, str] = self._texts or {}
        number = self._shelf.number(article_id)
        text = texts.get(article_id)
        if text is not None and self.text_chunks[number] < 0:
            shown = text[:SHOWN]
            self.text_chunks[number] = len(self.chunks) - 1
            self.chunks[-1]["texts"][str(number)] = _readable(shown)
            self._size += len(shown)


def _readable(text: str) -> str:
    return text.translate(_UNSEEN)


def lengths_of(report: DuplicateReport, texts: Mapping[str, str] | None) -> Mapping[str, int]:
    """Characters of the texts by id, for a policy that keeps the longest."""
    return report.lengths or {each: len(text) for each, text in (texts or {}).items()}
