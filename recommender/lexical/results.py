"""What a run found, as values and as a file of plain lines."""

from __future__ import annotations

import json
from collections.abc import Iterable, Iterator, Mapping
from dataclasses import dataclass, field
from datetime import timezone
from pathlib import Path

from recommender.config import Thresholds
from recommender.files import write_whole
from recommender.lexical.parts import read_json
from recommender.limits import Limits
from recommender.records import DuplicatePair, Evidence, Relation
from recommender.sources.fields import Problem, to_article

# What was taken when it was read is not weighed again.
_UNLIMITED = Limits(extra_length=1 << 40)


@dataclass(frozen=True, slots=True, kw_only=True)
class LexicalResult:
    """What `find_lexical_pairs` found.

    Attributes
    ----------
    pairs : tuple of DuplicatePair
        Most similar first, then by ids. `evidence.resemblance` and `evidence.containment` are
        exact, rounded to four digits; `evidence.cosine` is `None`.
    articles : int
        How many were read.
    problems : tuple of Problem
        Lines that were skipped.
    lost_dates : tuple of Problem
        Publication dates that could not be read.
    lengths : mapping of str to int
        Characters of the folded texts of the articles in the pairs, by id.
    """

    pairs: tuple[DuplicatePair, ...]
    articles: int
    problems: tuple[Problem, ...] = ()
    lost_dates: tuple[Problem, ...] = ()
    lengths: Mapping[str, int] = field(default_factory=dict)


def lengths_in(path: Path) -> dict[str, int]:
    """The lengths that one task left in its file."""
    found: dict[str, int] = read_json(path)["lengths"]
    return found


def pairs_in(path: Path, thresholds: Thresholds) -> Iterator[DuplicatePair]:
    """The pairs that one task left in its file."""
    found = read_json(path)
    cards = {
        int(number): to_article({**card, "body": ""}, {}, timezone.utc, _UNLIMITED).card
        for number, card in found["cards"].items()
    }
    for first, second, resemblance, containment, similarity, relation, kept in found["rows"]:
        one, other, stands = cards[first], cards[second], Relation(relation)
        yield DuplicatePair(
            first=one,
            second=other,
            similarity=similarity,
            verdict=thresholds.verdict(similarity),
            relation=stands,
            evidence=Evidence(
                resemblance=round(resemblance, 4), containment=round(containment, 4), **kept
            ),
        )


def write_pairs(path: Path, pairs: Iterable[DuplicatePair]) -> None:
    """Write pairs as lines of JSON, complete or not at all: ids, overlap, scale, verdict."""
    write_whole(path, (_pair_line(each) for each in pairs))


def _pair_line(pair: DuplicatePair) -> bytes:
    values = {
        "first": pair.first.id,
        "second": pair.second.id,
        "resemblance": pair.evidence.resemblance,
        "containment": pair.evidence.containment,
        "similarity": pair.similarity,
        "verdict": pair.verdict.value,
        "relation": pair.relation.value,
    }
    return json.dumps(values, ensure_ascii=False).encode() + b"\n"
