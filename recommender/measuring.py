"""Evidence of many pairs of stored articles at once: what `evidence.gather` measures one by one.

The pairs are taken in blocks whose first articles are few: what each of these has is marked in a
table, and what the second ones have is looked up there, all of it in arrays. Only shingles are
asked of others, for the pairs that share a fingerprint.

Pure: no files, no clock. The numbers are those of `gather`, to the bit.
"""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from itertools import pairwise

import numpy as np
from numpy.typing import NDArray

from recommender.evidence import (
    COLUMN,
    COLUMNS,
    FEW_FACTS,
    MOST_DAYS_APART,
    NEAR_EMPTY_LENGTH,
    SHORT_LENGTH,
    EvidenceTable,
)
from recommender.terms import BUCKET_COUNT, HEAVIEST, longest_untold, share_of, weights
from recommender.traits import Lists, Places, Traits

# First articles of a block; their tables stay in the processor's cache.
_TOGETHER = 16
# An article that is a candidate of very many others has its pairs in several blocks.
_MOST_PAIRS = 4_000
_PLAIN_AT_ONCE = 20_000
Flags = NDArray[np.bool_]
Values = NDArray[np.float64]


@dataclass(frozen=True, slots=True, eq=False)
class _Block:
    """Pairs of few first articles: `owners`, and for each pair which of them, and the second."""

    owners: Places
    local: Places
    second: Places
    pairs: slice

    @property
    def first(self) -> Places:
        return self.owners[self.local]


def _blocks(first: Places, second: Places) -> Iterator[_Block]:
    """Pairs, sorted by their first article, in blocks of few first articles and not many pairs."""
    starts = np.flatnonzero(np.diff(first, prepend=-1))
    bounds = np.union1d(starts[::_TOGETHER], np.arange(0, len(first), _MOST_PAIRS))
    for low, high in pairwise([*bounds.tolist(), len(first)]):
        owners, local = np.unique(first[low:high], return_inverse=True)
        yield _Block(owners, local.astype(np.int64), second[low:high], slice(low, high))


class PairMeasure:
    """Measures pairs of the articles of an index.

    Parameters
    ----------
    traits : Traits
    """

    def __init__(self, traits: Traits) -> None:
        self._traits = traits
        self._bigrams = _Marks(traits.bigrams)
        self._fingerprints = _Marks(traits.fingerprints)
        self._facts = _FactMarks(traits)
        self._terms = _TermMarks(traits)

    def measure(
        self, first: Places, second: Places, cosines: NDArray[np.floating]
    ) -> EvidenceTable:
        """Evidence of pairs, from the first article to the second.

        Resemblance and containment are 0 where the exact values are wanted of `overlapping`.

        Parameters
        ----------
        first, second : ndarray of int64, shape (n,)
            Numbers of articles, sorted by the first.
        cosines : ndarray, shape (n,)
            Centred cosines; NaN where one of the two has no vector.

        Returns
        -------
        ndarray of float16, shape (n, len(COLUMNS))
        """
        table = np.full((len(first), len(COLUMNS)), np.nan, np.float16)
        for start in range(0, len(first), _PLAIN_AT_ONCE):
            part = slice(start, start + _PLAIN_AT_ONCE)
            self._add_plain(table[part], first[part], second[part])
        table[:, COLUMN["cosine"]] = cosines
        for block in _blocks(first, second):
            self._add_sets(table[block.pairs], block)
        self._add_conflicts(table, first, second)
        self._add_told(table, first, second)
        return table

    def _add_plain(self, table: EvidenceTable, first: Places, second: Places) -> None:
        traits = self._traits
        ours, theirs = traits.length[first], traits.length[second]
        shorter = np.minimum(ours, theirs)
        near_empty = shorter < NEAR_EMPTY_LENGTH
        same_language = traits.language[first] == traits.language[second]
        same_text = (traits.text[first] == traits.text[second]) & (traits.text[first] >= 0)
        same_title = (traits.title[first] == traits.title[second]) & (traits.title[first] >= 0)
        days = np.abs(traits.day[first] - traits.day[second])
        whole = ~(traits.excerpt[first] | traits.excerpt[second] | near_empty)
        length_log = np.full(len(first), np.nan)
        length_log[whole] = np.log2(theirs[whole] / ours[whole])
        compared = whole & same_language
        overlap = np.where(compared, same_text.astype(np.float64), np.nan)
        for name, values in (
            ("resemblance", overlap),
            ("containment", overlap),
            ("days_apart", np.minimum(days, MOST_DAYS_APART)),
            ("length_log", length_log),
            ("same_text", same_text),
            ("same_title", same_title),
            ("same_language", same_language),
            ("short", shorter < SHORT_LENGTH),
            ("near_empty", near_empty),
        ):
            table[:, COLUMN[name]] = values

    def overlapping(self, first: Places, second: Places, table: EvidenceTable) -> Flags:
        """Pairs of measured ones whose resemblance and containment the shingles have to say."""
        asked = (table[:, COLUMN["resemblance"]] == 0) & (table[:, COLUMN["same_text"]] == 0)
        places = np.flatnonzero(asked)
        for block in _blocks(first[places], second[places]):
            asked[places[block.pairs]] = self._fingerprints.common(block) > 0
        return np.asarray(asked)

    def _add_sets(self, table: EvidenceTable, block: _Block) -> None:
        traits, first, second = self._traits, block.first, block.second
        same_language = table[:, COLUMN["same_language"]] > 0
        ours, theirs = traits.bigram_count[first], traits.bigram_count[second]
        there = (ours > 0) & (theirs > 0) & same_language
        both = self._bigrams.common(block)
        table[there, COLUMN["title_overlap"]] = (2 * both / np.maximum(ours + theirs, 1))[there]
        ours, theirs = traits.fact_count[first], traits.fact_count[second]
        there = (ours > 0) & (theirs > 0)
        both, against = self._facts.compared(block)
        table[there, COLUMN["facts_shared"]] = both[there]
        table[there, COLUMN["fact_overlap"]] = (both / (np.minimum(ours, theirs) + FEW_FACTS))[
            there
        ]
        there &= same_language
        table[there, COLUMN["facts_against"]] = against[there]

    def _add_conflicts(self, table: EvidenceTable, first: Places, second: Places) -> None:
        traits = self._traits
        there = traits.titled[first] & traits.titled[second]
        there &= table[:, COLUMN["same_language"]] > 0
        table[there, COLUMN["title_conflict"]] = 0
        counts = np.diff(traits.title_facts.starts)
        pairs = np.flatnonzero(there & (counts[first] > 0) & (counts[second] > 0))
        # Each fact of the one title beside each of the other.
        own, lengths = traits.title_facts.places(first[pairs])
        pairs = np.repeat(pairs, lengths)
        other, lengths = traits.title_facts.places(second[pairs])
        pairs, own = np.repeat(pairs, lengths), np.repeat(own, lengths)
        facts, slots = traits.title_facts.values, traits.title_slots.values
        against = (slots[own] == slots[other]) & (facts[own] != facts[other])
        pairs, own, other = pairs[against], own[against], other[against]
        known = self._facts.has(second[pairs], facts[own]) | self._facts.has(
            first[pairs], facts[other]
        )
        table[pairs[~known], COLUMN["title_conflict"]] = 1

    def _add_told(self, table: EvidenceTable, first: Places, second: Places) -> None:
        """What each tells of the other; left missing across languages."""
        near_empty = table[:, COLUMN["near_empty"]] > 0
        places = np.flatnonzero(~near_empty & (table[:, COLUMN["same_language"]] > 0))
        names = ("title_told_high", "lead_told_high"), ("title_told_low", "lead_told_low")
        untold = np.full((2, len(table)), np.nan, np.float16)
        for turned, (title, lead) in enumerate(names):
            owners, others = (second, first) if turned else (first, second)
            order = places[np.argsort(owners[places], kind="stable")] if turned else places
            for block in _blocks(owners[order], others[order]):
                own = order[block.pairs]
                titles, leads, pieces = self._terms.told(block)
                table[own, COLUMN[title]] = titles
                table[own, COLUMN[lead]] = leads
                untold[turned, own] = pieces
        table[:, COLUMN["title_untold"]] = np.minimum(untold[0], untold[1])
        for high, low in zip(*names, strict=True):
            one, other = table[:, COLUMN[high]].copy(), table[:, COLUMN[low]].copy()
            table[:, COLUMN[low]] = np.minimum(one, other)
            table[:, COLUMN[high]] = np.maximum(one, other)


class _Marks:
    """Counts what pairs have in common of lists of numbers."""

    def __init__(self, lists: Lists) -> None:
        self._lists = lists
        self._width = int(lists.values.max(initial=0)) + 1
        self._table = np.zeros(_TOGETHER * self._width, bool)

    def common(self, block: _Block) -> Places:
        """How many numbers the two articles of each pair both have."""
        values, lengths = self._lists.of_articles(block.owners)
        own = np.repeat(np.arange(len(block.owners)) * self._width, lengths) + values
        values, lengths = self._lists.of_articles(block.second)
        self._table[own] = True
        hits = self._table[np.repeat(block.local * self._width, lengths) + values]
        self._table[own] = False
        return _sums(hits, lengths)


class _FactMarks:
    """Compares the facts of pairs."""

    def __init__(self, traits: Traits) -> None:
        self._facts, self._slots = traits.facts, traits.slots
        title_facts, title_slots = traits.title_facts.values, traits.title_slots.values
        self._width = int(max(traits.facts.values.max(initial=0), title_facts.max(initial=0))) + 1
        self._slot_count = int(
            max(traits.slots.values.max(initial=0), title_slots.max(initial=0)) + 1
        )
        self._table = np.zeros(_TOGETHER * self._width, bool)
        keys = traits.facts.owners() * self._width + traits.facts.values
        self._keys = np.sort(keys[traits.facts.values > 0])

    def has(self, articles: Places, facts: NDArray[np.int32]) -> Flags:
        """Whether each article has a fact."""
        wanted = articles * self._width + facts
        places = np.searchsorted(self._keys, wanted)
        found = np.zeros(len(wanted), bool)
        inside = places < len(self._keys)
        found[inside] = self._keys[places[inside]] == wanted[inside]
        return found

    def compared(self, block: _Block) -> tuple[Places, Places]:
        """How many facts both have, and in how many places they contradict each other."""
        own, lengths = self._facts.places(block.owners)
        owners = np.repeat(np.arange(len(block.owners)), lengths)
        marks = owners * self._width + self._facts.values[own]
        filled = np.bincount(
            owners * self._slot_count + self._slots.values[own],
            minlength=len(block.owners) * self._slot_count,
        )
        filled[:: self._slot_count] = 0
        theirs, lengths = self._facts.places(block.second)
        facts, slots = self._facts.values[theirs], self._slots.values[theirs]
        self._table[marks] = True
        hits = self._table[np.repeat(block.local * self._width, lengths) + facts] & (facts > 0)
        self._table[marks] = False
        # Runs of one slot of one article; what both have contradicts nothing.
        pairs = np.repeat(np.arange(len(lengths)), lengths)
        runs = np.flatnonzero((np.diff(pairs, prepend=-1) != 0) | (np.diff(slots, prepend=-1) != 0))
        counts = np.diff(runs, append=len(slots))
        both = _sums(hits, counts)
        mine = filled[block.local[pairs[runs]] * self._slot_count + slots[runs]]
        against = np.maximum(np.minimum(mine, counts) - both, 0)
        per_pair = np.bincount(pairs[runs], weights=against, minlength=len(lengths))
        return _sums(hits, lengths), per_pair.astype(np.int64)


class _TermMarks:
    """Says what the first article of pairs tells of the title and the lead of the second."""

    def __init__(self, traits: Traits) -> None:
        self._traits = traits
        self._weights = weights()
        self._told = np.zeros(_TOGETHER * BUCKET_COUNT, bool)
        self._weighed = np.zeros(_TOGETHER * BUCKET_COUNT, np.float32)
        ones = np.ones(traits.lead.shape[1], np.float32)
        self._ones = ones
        lead = self._weights.astype(np.float32)[traits.lead] @ ones
        missing = traits.lead.shape[1] - traits.lead_length
        self._missing = missing
        self._lead_total = lead.astype(np.int64) - missing * self._weights[0]
        first = np.where(traits.title_first, self._weights[traits.title_order.values], 0)
        self._title_total = _sums(first, np.diff(traits.title_order.starts))

    def told(self, block: _Block) -> tuple[Values, Values, Values]:
        """Shares of the title and of the lead, and the weight of the longest piece untold."""
        traits = self._traits
        values, lengths = traits.every.of_articles(block.owners)
        own = np.repeat(np.arange(len(block.owners)) * BUCKET_COUNT, lengths) + values
        self._told[own] = True
        self._weighed[own] = self._weights[values]
        shift = block.local * BUCKET_COUNT
        leads = self._weighed.take(traits.lead[block.second] + shift[:, None]) @ self._ones
        leads = leads.astype(np.int64) - self._missing[block.second] * self._weighed[shift].astype(
            np.int64
        )
        places, lengths = traits.title_order.places(block.second)
        terms = traits.title_order.values[places]
        there = self._told[np.repeat(shift, lengths) + terms]
        self._told[own] = False
        self._weighed[own] = 0
        told = np.where(there & traits.title_first[places], self._weights[terms], 0)
        return (
            share_of(_sums(told, lengths), self._title_total[block.second]),
            share_of(leads, self._lead_total[block.second]),
            np.minimum(longest_untold(terms, ~there, lengths), HEAVIEST),
        )


def _sums(values: NDArray[np.generic], lengths: Places) -> Places:
    """Sums of parts of these lengths."""
    totals = np.concatenate(([0], np.cumsum(values, dtype=np.int64)))
    ends = np.cumsum(lengths)
    return np.asarray(totals[ends] - totals[ends - lengths])
