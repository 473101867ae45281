"""What comparing needs of all articles of an index, as a few arrays over all of them.

A `Comparable` is one article by itself; for the pairs of a whole index its strings and sets are
numbers here, and what only one article has, and no pair can share, is left out or counted. Two
different strings become one number as seldom as two of their 64-bit hashes are equal.

Pure: no files, no clock.
"""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np
from numpy.typing import NDArray
from xxhash import xxh3_64_intdigest

from recommender.evidence import Comparable
from recommender.terms import LEAD_TERMS, Buckets

Places = NDArray[np.int64]
_NO_SLOT = ""
_AT_ONCE = 100_000


@dataclass(frozen=True, slots=True, eq=False)
class Lists:
    """A list of numbers for each article, one behind the other.

    Attributes
    ----------
    values : ndarray, shape (m,)
    starts : ndarray of int64, shape (n + 1,)
        Where the list of each article begins; last, the end.
    """

    values: NDArray[Any]
    starts: Places

    @classmethod
    def of(cls, values: NDArray[Any], lengths: Places) -> Lists:
        """Lists of these lengths."""
        return cls(values, np.concatenate(([0], np.cumsum(lengths))).astype(np.int64))

    def owners(self) -> Places:
        """The article of each value."""
        return np.repeat(np.arange(len(self.starts) - 1), np.diff(self.starts))

    def keep(self, kept: NDArray[np.bool_]) -> Lists:
        """Without some of the values."""
        counts = np.concatenate(([0], np.cumsum(kept)))
        return Lists(self.values[kept], counts[self.starts])

    def of_articles(self, articles: Places) -> tuple[NDArray[Any], Places]:
        """The values of some articles, one list behind the other, and the length of each list."""
        places, lengths = self.places(articles)
        return self.values[places], lengths

    def places(self, articles: Places) -> tuple[Places, Places]:
        """Where those values stand, and the length of each list."""
        lengths = self.starts[articles + 1] - self.starts[articles]
        ends = np.cumsum(lengths)
        total = int(ends[-1]) if len(ends) else 0
        return np.arange(total) + np.repeat(
            self.starts[articles] - ends + lengths, lengths
        ), lengths


@dataclass(frozen=True, slots=True, eq=False, kw_only=True)
class Traits:
    """All articles of an index; the n-th of each array is of the n-th article.

    Attributes
    ----------
    day : ndarray of float64, shape (n,)
    length : ndarray of int64, shape (n,)
    language, text, title : ndarray of int64, shape (n,)
        Numbers of the languages, and of equal texts and titles; -1 where there is none.
    excerpt, titled : ndarray of bool, shape (n,)
    bigram_count, fact_count : ndarray of int64, shape (n,)
        Of all bigrams and facts, also of those that are left out below.
    bigrams, fingerprints : Lists of int32
        Numbers, from 1, of those that more than one article has.
    facts, slots : Lists of int32
        By slot. The fact 0 is one that no other article has, the slot 0 what contradicts nothing.
    title_facts, title_slots : Lists of int32
        In the same numbers.
    every, title_order : Lists of uint16
        As in `Terms`.
    title_first : ndarray of bool
        For each value of `title_order` whether it stands there for the first time.
    lead : ndarray of uint16, shape (n, LEAD_TERMS)
        Filled up with the bucket 0.
    lead_length : ndarray of int64, shape (n,)
    """

    day: NDArray[np.float64]
    length: Places
    language: Places
    text: Places
    title: Places
    excerpt: NDArray[np.bool_]
    titled: NDArray[np.bool_]
    bigram_count: Places
    fact_count: Places
    bigrams: Lists
    fingerprints: Lists
    facts: Lists
    slots: Lists
    title_facts: Lists
    title_slots: Lists
    every: Lists
    title_order: Lists
    title_first: NDArray[np.bool_]
    lead: Buckets
    lead_length: Places

    def __len__(self) -> int:
        return len(self.day)


class TraitsMaker:
    """Takes articles in, some at a time, in the order they shall have."""

    def __init__(self) -> None:
        self._columns: defaultdict[str, list[NDArray[Any]]] = defaultdict(list)

    def add(self, articles: Sequence[Comparable]) -> None:
        """Take in articles whose terms are known."""
        if not articles:
            return
        terms = [each.terms for each in articles]
        facts = [list(each.facts) for each in articles]
        for name, dtype, values in (
            ("day", np.float64, [each.day for each in articles]),
            ("length", np.int64, [each.length for each in articles]),
            ("excerpt", np.bool_, [each.excerpt for each in articles]),
            ("titled", np.bool_, [bool(each.title) for each in articles]),
            ("language", np.uint64, [_hash(each.language) for each in articles]),
            ("text", "S16", [each.text_digest if each.length else b"" for each in articles]),
            ("title", "S16", [each.title_digest for each in articles]),
            ("bigram_count", np.int64, [len(each.title_bigrams) for each in articles]),
            ("lead_length", np.int64, [len(each.lead) for each in terms]),
        ):
            self._columns[name].append(np.array(values, dtype))
        self._add_hashes("bigrams", [each.title_bigrams for each in articles])
        self._add_hashes("facts", facts)
        self._add_hashes(
            "slots",
            [
                [each.slots.get(key, _NO_SLOT) for key in own]
                for each, own in zip(articles, facts, strict=True)
            ],
        )
        self._add_hashes("title_facts", [[x.key for x in each.title_facts] for each in articles])
        self._add_hashes("title_slots", [[x.slot for x in each.title_facts] for each in articles])
        self._add_lists("fingerprints", [each.fingerprint for each in articles])
        self._add_lists("every", [each.every for each in terms])
        self._add_lists("title_order", [each.title_order for each in terms])
        self._columns["title_first"] += [_first_ones(each.title_order) for each in terms]
        lead = np.zeros((len(articles), LEAD_TERMS), np.uint16)
        for row, each in zip(lead, terms, strict=True):
            row[: len(each.lead)] = each.lead
        self._columns["lead"].append(lead)

    def _add_hashes(self, name: str, strings: Sequence[Iterable[str]]) -> None:
        self._add_lists(
            name, [np.array([_hash(each) for each in own], np.uint64) for own in strings]
        )

    def _add_lists(self, name: str, lists: Sequence[NDArray[Any]]) -> None:
        self._columns[name].append(np.concatenate(lists))
        self._columns[f"lengths of {name}"].append(np.array([len(each) for each in lists]))

    def made(self) -> Traits:
        """All of them; to be called once."""
        facts, title_facts = self._numbers("facts", "title_facts")
        slots, title_slots = self._numbers("slots", "title_slots", none=_hash(_NO_SLOT))
        order = np.lexsort((facts.values, slots.values, facts.owners()))
        title_order = self._lists("title_order")
        bigrams, fingerprints = self._numbers("bigrams")[0], self._numbers("fingerprints")[0]
        return Traits(
            day=self._column("day"),
            length=self._column("length"),
            language=_codes(self._column("language")),
            text=_codes(self._column("text")),
            title=_codes(self._column("title")),
            excerpt=self._column("excerpt"),
            titled=self._column("titled"),
            bigram_count=self._column("bigram_count"),
            fact_count=np.diff(facts.starts),
            bigrams=bigrams.keep(bigrams.values > 0),
            fingerprints=fingerprints.keep(fingerprints.values > 0),
            facts=Lists(facts.values[order], facts.starts),
            slots=Lists(slots.values[order], slots.starts),
            title_facts=title_facts,
            title_slots=title_slots,
            every=self._lists("every"),
            title_order=title_order,
            title_first=self._column("title_first"),
            lead=self._column("lead").reshape(-1, LEAD_TERMS),
            lead_length=self._column("lead_length"),
        )

    def _column(self, name: str) -> NDArray[Any]:
        parts = self._columns.pop(name, [])
        return np.concatenate(parts) if parts else np.zeros(0, np.int64)

    def _lists(self, name: str) -> Lists:
        return Lists.of(self._column(name), self._column(f"lengths of {name}"))

    def _numbers(self, name: str, *more: str, none: int | None = None) -> list[Lists]:
        """Lists of hashes as numbers, from 1.

        Without more lists 0 stands for all that only one article has, else for `none`, or for
        what only one article has and none of the other lists.
        """
        found = [self._lists(each) for each in (name, *more)]
        values, counts = np.unique(
            np.concatenate([each.values for each in found]), return_counts=True
        )
        if none is not None:
            kept = values[values != np.uint64(none)]
        else:
            kept = values[counts > 1]
            for each in found[1:]:
                kept = np.union1d(kept, each.values)
        return [Lists(_places_among(kept, each.values), each.starts) for each in found]


def _places_among(kept: NDArray[Any], values: NDArray[Any]) -> NDArray[np.int32]:
    """Places, from 1, of values among sorted ones; 0 of those that are not there."""
    places = np.zeros(len(values), np.int32)
    if len(kept):
        for start in range(0, len(values), _AT_ONCE):
            part = values[start : start + _AT_ONCE]
            found = np.minimum(np.searchsorted(kept, part), len(kept) - 1)
            places[start : start + _AT_ONCE] = np.where(kept[found] == part, found + 1, 0)
    return places


def _hash(text: str) -> int:
    return xxh3_64_intdigest(text.encode("utf-8", "surrogatepass"))


def _codes(values: NDArray[Any]) -> Places:
    """A number for each different value; -1 for no bytes."""
    codes = np.unique(values, return_inverse=True)[1].astype(np.int64)
    if values.dtype.kind == "S":
        codes[values == b""] = -1
    return codes


def _first_ones(terms: Buckets) -> NDArray[np.bool_]:
    first = np.zeros(len(terms), bool)
    first[np.unique(terms, return_index=True)[1]] = True
    return first
