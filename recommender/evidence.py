"""What two articles have in common, measured: rows of numbers, one row a pair.

Works on what was derived from the texts (shingles, facts, dates, vectors' cosines) and knows
nothing of models, files or thresholds. A missing value is NaN, never zero: an article without
a date is not an article of another day.

An evidence table is a float16 array of shape (n, len(COLUMNS)), the precision it is stored in,
so that a pair measured now and one read from an index give the same similarity. `similarity`
turns its rows into one number each.
"""

from __future__ import annotations

import math
from collections import Counter
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, replace
from functools import cached_property

import numpy as np
from numpy.typing import NDArray

from recommender.facts import CONTRADICTABLE, Fact, FactComparison, extract_facts, slot_of
from recommender.records import Evidence
from recommender.shingles import shared, shingle_hashes
from recommender.terms import Terms, terms_of, terms_of_many, told
from recommender.text import fold_many

EvidenceTable = NDArray[np.float16]

COLUMNS: tuple[str, ...] = (
    "cosine",
    "resemblance",
    "containment",
    "title_overlap",
    "fact_overlap",
    "title_told_low",  # weighted share of a title that the other article tells: the lesser
    "title_told_high",  # and the greater of the two ways round
    "lead_told_low",
    "lead_told_high",
    "title_untold",  # weight of the longest piece that either title has and the other article lacks
    "facts_shared",  # how many facts both have
    "facts_against",  # slots that both fill, neither as the other does
    "title_conflict",  # the titles fill one slot differently, and neither text has the other's
    "days_apart",
    "length_log",  # log2 of the other's length over the article's own: above 0, the other is longer
    "same_text",
    "same_title",
    "same_language",
    "short",  # one of the two is too short for its text alone to prove anything
    "near_empty",  # one of the two has no text worth the name, only a title
)
COLUMN = {name: position for position, name in enumerate(COLUMNS)}

RESEMBLANCE_LENGTH = 5
CONTAINMENT_LENGTH = 8
SHORT_LENGTH = 60
NEAR_EMPTY_LENGTH = 10
# Longer bodies are compared by their first part; it is some three hundred pages.
COMPARED_LENGTH = 400_000
# A headline names one work or one code, if any: there another one contradicts as well.
CONTRADICTING_KINDS = CONTRADICTABLE | {"work", "code"}
# Of one fact or two that agree little follows: as if the shorter list had two more.
FEW_FACTS = 2
# What 16 bits hold.
MOST_DAYS_APART = 60_000.0
# Filled in for all pairs at once.
_NOT_TOLD = (math.nan,) * 5


@dataclass(frozen=True, kw_only=True, eq=False)
class Comparable:
    """All that comparing needs of one article.

    Attributes
    ----------
    load_text : callable
        Gives the body without boilerplate; called when the terms are first needed, and when
        the pair shares a fingerprint.
    title : str
        Empty when there is none that fits the body.
    fingerprint : ndarray of uint32, shape (m,)
        Sorted winnowed hashes.
    title_bigrams : frozenset of str
        Character bigrams of the folded title; empty when there is none that fits the body.
    facts : frozenset of str
        Keys of the facts in title and body.
    day : float
        Days since 1970 of the publication time; NaN when missing or implausible.
    length : int
        Folded characters of the body without boilerplate.
    text_digest, title_digest : bytes
        Equal for equal folded texts; empty when there is no text.
    language : str
    excerpt : bool
    """

    load_text: Callable[[], str]
    title: str
    fingerprint: NDArray[np.uint32]
    title_bigrams: frozenset[str]
    facts: frozenset[str]
    day: float
    length: int
    text_digest: bytes
    title_digest: bytes
    language: str
    excerpt: bool

    @cached_property
    def _spaced(self) -> tuple[str, str]:
        """Title and text folded, with spaces for what was left out."""
        title, text = fold_many([self.title, self.load_text()], spaced=True)
        return title, text

    @property
    def folded(self) -> str:
        """The part of the folded text that shingles are made of."""
        return self._spaced[1].replace(" ", "")[:COMPARED_LENGTH]

    # Most pairs never need the shingles: they are made at the first pair that does.
    @cached_property
    def shingles(self) -> tuple[NDArray[np.uint64], NDArray[np.uint64]]:
        """Sorted hashes of the character 5-grams and of the 8-grams, shapes (m,) and (n,)."""
        folded = self.folded
        return shingle_hashes(folded, RESEMBLANCE_LENGTH), shingle_hashes(
            folded, CONTAINMENT_LENGTH
        )

    @cached_property
    def terms(self) -> Terms:
        """Weighted terms of title and text."""
        return terms_of(*self._spaced)

    @property
    def is_primed(self) -> bool:
        """Whether its terms are known."""
        return "terms" in self.__dict__

    @cached_property
    def slots(self) -> Mapping[str, str]:
        """What each fact that may be contradicted says something about, by its key."""
        return {key: slot for key in self.facts if (slot := slot_of(key))}

    @cached_property
    def filled(self) -> frozenset[str]:
        """The slots of its facts."""
        return frozenset(self.slots.values())

    @cached_property
    def title_facts(self) -> tuple[Fact, ...]:
        """Facts in the title that may contradict another's."""
        return tuple(
            fact for fact in extract_facts(self.title, "") if fact.kind in CONTRADICTING_KINDS
        )


def prime(articles: Sequence[Comparable], texts: Sequence[str]) -> None:
    """Work out at once what each article would work out alone when it is first compared.

    Parameters
    ----------
    articles, texts : sequences of length n
        Texts as `load_text` would give them.
    """
    folded = fold_many(
        [piece for each, text in zip(articles, texts, strict=True) for piece in (each.title, text)],
        spaced=True,
    )
    spaced = list(zip(folded[::2], folded[1::2], strict=True))
    for each, pieces, terms in zip(articles, spaced, terms_of_many(spaced), strict=True):
        # Where `cached_property` keeps its values.
        each.__dict__.setdefault("_spaced", pieces)
        each.__dict__.setdefault("terms", terms)


def bigrams(folded: str) -> frozenset[str]:
    """Character bigrams of a folded title; a single character stands for itself."""
    if len(folded) == 1:
        return frozenset((folded,))
    return frozenset(folded[i : i + 2] for i in range(len(folded) - 1))


def gather(
    article: Comparable, others: Sequence[Comparable], cosines: NDArray[np.floating]
) -> EvidenceTable:
    """Measure an article against others.

    Parameters
    ----------
    article : Comparable
    others : sequence of Comparable, length n
    cosines : ndarray, shape (n,)
        Centred cosines; NaN where one of the two has no vector.

    Returns
    -------
    ndarray of float16, shape (n, len(COLUMNS))
    """
    rows = [
        _measure(article, other, float(cosine))
        for other, cosine in zip(others, cosines, strict=True)
    ]
    table = np.array(rows, dtype=np.float16).reshape(len(others), len(COLUMNS))
    _add_told(table, article, others)
    return table


def _add_told(table: EvidenceTable, article: Comparable, others: Sequence[Comparable]) -> None:
    """Fill in what the articles tell of each other; left missing across languages."""
    if article.length < NEAR_EMPTY_LENGTH:
        return
    places = [
        place
        for place, other in enumerate(others)
        if other.length >= NEAR_EMPTY_LENGTH and other.language == article.language
    ]
    values = told(article.terms, [others[place].terms for place in places])
    first = COLUMN["title_told_low"]
    table[places, first : first + values.shape[1]] = values


def _measure(article: Comparable, other: Comparable, cosine: float) -> tuple[float, ...]:
    same_text = bool(article.length) and article.text_digest == other.text_digest
    same_title = bool(article.title_digest) and article.title_digest == other.title_digest
    same_language = article.language == other.language
    shorter = min(article.length, other.length)
    near_empty = shorter < NEAR_EMPTY_LENGTH
    resemblance = containment = title = facts = shared_facts = against = length_log = math.nan
    if article.title_bigrams and other.title_bigrams and same_language:
        both = len(article.title_bigrams & other.title_bigrams)
        title = 2 * both / (len(article.title_bigrams) + len(other.title_bigrams))
    conflict = math.nan
    if article.title and other.title and same_language:
        conflict = float(bool(title_conflicts(article, other)))
    if article.facts and other.facts:
        shared_facts = float(both := len(article.facts & other.facts))
        facts = both / (min(len(article.facts), len(other.facts)) + FEW_FACTS)
        against = float(contradictions(article, other)) if same_language else math.nan
    if not (article.excerpt or other.excerpt or near_empty):
        length_log = math.log2(other.length / article.length)
        if same_language:
            resemblance, containment = (1.0, 1.0) if same_text else _overlap(article, other)
    return (
        cosine,
        resemblance,
        containment,
        title,
        facts,
        *_NOT_TOLD,
        shared_facts,
        against,
        conflict,
        min(abs(article.day - other.day), MOST_DAYS_APART)
        if article.day == article.day
        else math.nan,
        length_log,
        same_text,
        same_title,
        same_language,
        shorter < SHORT_LENGTH,
        near_empty,
    )


def _overlap(article: Comparable, other: Comparable) -> tuple[float, float]:
    # Texts without one common fingerprint share no run of 20 characters: both values are
    # within a few hundredths of 0, and the exact count would cost most of the time.
    if not shared(article.fingerprint, other.fingerprint):
        return 0.0, 0.0
    (ours, our_long), (theirs, their_long) = article.shingles, other.shingles
    both = shared(ours, theirs)
    union = len(ours) + len(theirs) - both
    resemblance = both / union if union else 0.0
    shorter = min(len(our_long), len(their_long))
    return resemblance, shared(our_long, their_long) / shorter if shorter else 0.0


def contradictions(article: Comparable, other: Comparable) -> int:
    """In how many places the articles fill one slot with values that the other does not have."""
    if article.filled.isdisjoint(other.filled):
        return 0
    ours = Counter(slot for key, slot in article.slots.items() if key not in other.facts)
    theirs = Counter(slot for key, slot in other.slots.items() if key not in article.facts)
    return sum((ours & theirs).values())


def title_conflicts(article: Comparable, other: Comparable) -> tuple[tuple[Fact, Fact], ...]:
    """Facts of the two titles that fill one slot with different values.

    A fact that the other article has anywhere contradicts nothing: one report may head its
    story with the dead and another with the injured.
    """
    return tuple(
        (ours, theirs)
        for ours in article.title_facts
        if ours.key not in other.facts
        for theirs in other.title_facts
        if theirs.slot == ours.slot and theirs.value != ours.value
        if theirs.key not in article.facts
    )


def reverse(table: EvidenceTable) -> EvidenceTable:
    """The same pairs, seen from the other article of each."""
    turned = table.copy()
    # Not by a factor: the same pair must not be 0.0 from one side and -0.0 from the other.
    turned[:, COLUMN["length_log"]] = 0.0 - turned[:, COLUMN["length_log"]]
    return np.asarray(turned)


def _plain_overlap(stored: float | None, both: float | None) -> float | None:
    """The share of the shorter list of facts, from the cautious one that is stored."""
    if not stored or not both:
        return stored
    return round(min(both / max(round(both / stored) - FEW_FACTS, both), 1.0), 4)


def to_evidence(row: NDArray[np.float16], facts: FactComparison | None = None) -> Evidence:
    """One row of the table as the value users see."""

    def number(name: str) -> float | None:
        value = float(row[COLUMN[name]])
        return None if np.isnan(value) else round(value, 4)

    length_log = number("length_log")
    evidence = Evidence(
        cosine=number("cosine"),
        resemblance=number("resemblance"),
        containment=number("containment"),
        title_overlap=number("title_overlap"),
        fact_overlap=_plain_overlap(number("fact_overlap"), number("facts_shared")),
        days_apart=number("days_apart"),
        length_ratio=None if length_log is None else round(2.0 ** -abs(length_log), 4),
        same_text=bool(row[COLUMN["same_text"]]),
        same_title=bool(row[COLUMN["same_title"]]),
        same_language=bool(row[COLUMN["same_language"]]),
    )
    if facts is None:
        return evidence
    return replace(evidence, shared_facts=facts.shared, differing_facts=facts.differing)
