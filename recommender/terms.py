"""Weighted terms: how much of what a title or a lead says another text tells as well.

Two reports of one event tell each other's headlines; two pages made with one form do not, for
all their common wording. Terms are pairs of neighbouring characters in scripts without spaces
and words in all others, each in one of 65,536 buckets; a bucket weighs more the fewer articles
of its language have it (inverse document frequency, Spärck Jones 1972; the weights, fitted by
`benchmarks/fit_terms.py`, ship with the package).

Pure: no files but the package's own numbers, no clock.
"""

from __future__ import annotations

import base64
import zlib
from collections.abc import Sequence
from dataclasses import dataclass
from functools import lru_cache

import numpy as np
from numpy.typing import NDArray

from recommender.config import package_data

Buckets = NDArray[np.uint16]

BUCKET_COUNT = 65_536
# A lead is what the first terms say: some 150 characters of Chinese, 900 of English.
LEAD_TERMS = 150
# Characters of a text that are read.
READ = 20_000

_LONGEST_WORD = 16
_SPACE = 32
# Thai to Myanmar, Khmer, and all from the radicals of ideographs on.
_UNSPACED = ((0x0E00, 0x10A0), (0x1780, 0x1800), (0x2E80, 0x32400))
# Weight of a bucket that next to no article has, and the most that a piece of a title counts for.
_LARGEST = 255
HEAVIEST = 6.0
_BASE = np.uint64(0x9E3779B97F4A7C15)
_MIX = np.uint64(0xBF58476D1CE4E5B9)
with np.errstate(over="ignore"):
    _POWERS = np.cumprod(np.append(np.uint64(1), np.full(_LONGEST_WORD - 1, _BASE)))


@dataclass(frozen=True, slots=True, eq=False)
class Terms:
    """The terms of one article, as sorted buckets without repetition.

    Attributes
    ----------
    every : ndarray of uint16, shape (m,)
        Of title and text.
    title, lead : ndarray of uint16
        Of the title, and of the beginning of the text.
    title_order : ndarray of uint16, shape (t,)
        Of the title, in reading order, with repetition.
    """

    every: Buckets
    title: Buckets
    lead: Buckets
    title_order: Buckets


def buckets(spaced: str) -> Buckets:
    """Buckets of the terms of a folded text that still has its spaces, in reading order.

    Returns
    -------
    ndarray of uint16, shape (m,)
    """
    return _placed_buckets(spaced)[1]


def _placed_buckets(spaced: str) -> tuple[NDArray[np.int64], Buckets]:
    """As `buckets`, with where in the text each term begins."""
    codes = np.frombuffer(spaced.encode("utf-32-le", "replace"), dtype="<u4")
    if len(codes) < 2:
        return np.zeros(0, np.int64), np.zeros(0, np.uint16)
    unspaced = np.zeros(len(codes), bool)
    for start, end in _UNSPACED:
        unspaced |= (codes >= start) & (codes < end)
    wide = codes.astype(np.uint64)
    pairs = np.flatnonzero(unspaced[:-1] & unspaced[1:])
    hashes = wide[pairs] * _BASE + wide[pairs + 1]
    places, words = _words(wide, ~unspaced & (codes != _SPACE))
    if len(places):
        among = np.searchsorted(pairs, places)
        hashes = np.insert(hashes, among, words)
        pairs = np.insert(pairs, among, places)
    hashes ^= hashes >> np.uint64(31)
    hashes *= _MIX
    return pairs, np.asarray((hashes >> np.uint64(48)).astype(np.uint16))


def _distinct(found: Buckets) -> Buckets:
    """Each bucket once, rising; of many a table is faster than a sort."""
    if len(found) <= LEAD_TERMS:
        ordered = np.sort(found)
        first = np.concatenate((ordered[:1] >= 0, ordered[1:] != ordered[:-1]))
        return np.asarray(ordered[first])
    there = np.zeros(BUCKET_COUNT, bool)
    there[found] = True
    return np.flatnonzero(there).astype(np.uint16)


def _words(
    codes: NDArray[np.uint64], inside: NDArray[np.bool_]
) -> tuple[NDArray[np.int64], NDArray[np.uint64]]:
    """Where words of two and more characters begin, and a hash of each."""
    edges = np.flatnonzero(np.diff(np.concatenate(([0], inside.view(np.int8), [0]))))
    starts, lengths = edges[::2], edges[1::2] - edges[::2]
    long = lengths >= 2
    starts, lengths = starts[long], np.minimum(lengths[long], _LONGEST_WORD)
    if not len(starts):
        return starts, np.zeros(0, np.uint64)
    # Polynomial hashes of all words at once.
    first = np.cumsum(lengths) - lengths
    inside_word = np.arange(int(lengths.sum())) - np.repeat(first, lengths)
    powers = _POWERS[np.repeat(lengths, lengths) - 1 - inside_word]
    hashes = np.add.reduceat(codes[np.repeat(starts, lengths) + inside_word] * powers, first)
    return starts, hashes


def terms_of(title: str, text: str) -> Terms:
    """The terms of an article.

    Parameters
    ----------
    title, text : str
        Folded, with spaces where something was left out (`fold_many(..., spaced=True)`); the
        title empty when it says nothing of the text.
    """
    return terms_of_many([(title, text)])[0]


def terms_of_many(articles: Sequence[tuple[str, str]]) -> list[Terms]:
    """The terms of several articles, each as `terms_of` gives them, worked out over one array.

    Parameters
    ----------
    articles : sequence of (str, str)
        Title and text of each, as for `terms_of`.
    """
    pieces = [piece for title, text in articles for piece in (title, text[:READ])]
    # A space between them: no term reaches over it.
    places, found = _placed_buckets(" ".join(pieces))
    ends = np.cumsum([len(piece) + 1 for piece in pieces])
    parts = np.split(found, np.searchsorted(places, ends[:-1]))
    return [_terms(*both) for both in zip(parts[::2], parts[1::2], strict=True)]


def _terms(of_title: Buckets, of_text: Buckets) -> Terms:
    return Terms(
        every=_distinct(np.concatenate([of_title, of_text])),
        title=_distinct(of_title),
        lead=_distinct(of_text[:LEAD_TERMS]),
        title_order=of_title,
    )


@lru_cache(maxsize=1)
def weights() -> NDArray[np.int64]:
    """Weight of each bucket; whole numbers, so that sums do not depend on their order."""
    packed = zlib.decompress(base64.b64decode(package_data("terms.json")["weights"]))
    return np.frombuffer(packed, np.uint8).astype(np.int64)


def told(own: Terms, others: Sequence[Terms]) -> NDArray[np.float64]:
    """How much of one text's title and lead the other tells, both ways.

    Parameters
    ----------
    own : Terms
    others : sequence of Terms, length n

    Returns
    -------
    ndarray of float64, shape (n, 5)
        Weighted shares from 0 to 1: of the titles the lesser and the greater, of the leads the
        lesser and the greater. Last, the weight of the longest piece of a title that the other
        article does not tell, the lesser of the two ways round, from 0 to 6: high where both
        titles name what the other article knows nothing of. NaN where one of the two has none.
    """
    if not others:
        return np.zeros((0, 5))
    heavy = weights()
    has = np.zeros(BUCKET_COUNT, np.int64)
    has[own.every] = heavy[own.every]
    every = [each.every for each in others]
    columns = []
    for ours, theirs in (
        (own.title, [each.title for each in others]),
        (own.lead, [each.lead for each in others]),
    ):
        said = np.zeros(BUCKET_COUNT, np.int64)
        said[ours] = heavy[ours]
        by_others = share_of(_sums(said, every), said.sum())
        by_us = share_of(_sums(has, theirs), _sums(heavy, theirs))
        columns += [np.minimum(by_others, by_us), np.maximum(by_others, by_us)]
    absent = np.ones(BUCKET_COUNT, bool)
    absent[own.every] = False
    titles = np.concatenate([each.title_order for each in others])
    lengths = np.array([len(each.title_order) for each in others])
    untold = np.minimum(
        _untold_by(own.title_order, every), longest_untold(titles, absent[titles], lengths)
    )
    return np.column_stack([*columns, np.minimum(untold, HEAVIEST)])


def _untold_by(title: Buckets, every: Sequence[Buckets]) -> NDArray[np.float64]:
    """Weight of the longest piece of one title that each of several articles does not tell."""
    if not len(title):
        return np.full(len(every), np.nan)
    kinds, places = np.unique(title, return_inverse=True)
    place_of = np.full(BUCKET_COUNT, -1, np.int64)
    place_of[kinds] = np.arange(len(kinds))
    found = place_of[np.concatenate(every)]
    owner = np.repeat(np.arange(len(every)), [len(each) for each in every])
    tells = np.zeros((len(every), len(kinds)), bool)
    tells[owner[found >= 0], found[found >= 0]] = True
    return longest_untold(
        np.tile(title, len(every)), ~tells[:, places].ravel(), np.full(len(every), len(title))
    )


def longest_untold(
    titles: Buckets, absent: NDArray[np.bool_], lengths: NDArray[np.int64]
) -> NDArray[np.float64]:
    """Weight of the longest run of absent terms in each of several titles; NaN for an empty one.

    Parameters
    ----------
    titles : ndarray of uint16, shape (t,)
        One behind the other, in reading order.
    absent : ndarray of bool, shape (t,)
    lengths : ndarray of int64, shape (n,)
        Of each title.
    """
    heaviest = np.full(len(lengths), np.nan)
    there = np.flatnonzero(lengths)
    if not len(there):
        return heaviest
    total = np.cumsum(np.where(absent, weights()[titles], 0))
    starts = np.concatenate(([0], np.cumsum(lengths[there])[:-1]))
    # A run begins anew behind a term that is told, and with each title.
    before = np.where(absent, 0, total)
    before[starts] = np.maximum(before[starts], np.where(starts > 0, total[starts - 1], 0))
    runs = total - np.maximum.accumulate(before)
    heaviest[there] = np.maximum.reduceat(runs, starts) / _LARGEST
    return heaviest


def _sums(values: NDArray[np.int64], parts: Sequence[Buckets]) -> NDArray[np.int64]:
    """Sum of the values of each part's buckets."""
    totals = np.concatenate(([0], np.cumsum(values[np.concatenate(parts)])))
    ends = np.cumsum([len(part) for part in parts])
    return np.asarray(totals[ends] - totals[np.concatenate(([0], ends[:-1]))])


def share_of(part: NDArray[np.int64], whole: NDArray[np.int64] | np.int64) -> NDArray[np.float64]:
    """Parts of wholes, NaN where a whole is 0."""
    whole = np.broadcast_to(np.asarray(whole, np.float64), part.shape)
    shares = np.full(part.shape, np.nan)
    np.divide(part, whole, out=shares, where=whole > 0)
    return shares
