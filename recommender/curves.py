"""Labelled pairs → precision, recall and F1 at every threshold, with intervals.

For each cut (same text, same story, related) a labelled pair says whether it lies above; its
similarity says whether a threshold would have put it there. Pairs count by their inclusion
weights, so that a stratified sample speaks for all pairs it was drawn from; recall is therefore
within the band of similarities that was drawn from, and among candidate pairs: what lies below
or was never a candidate is not seen.

Intervals are of 95 %, by bootstrap (Efron 1979) over the components that pairs with common
articles form, because such pairs are not independent. Where every replicate says the same (all
of 12 pairs correct, say) the bootstrap knows no doubt; the interval of Wilson (1927) with the
effective number of components (Kish 1965) stands in its place.

Pure: similarities come in with the labels, and the random numbers are always the same ones.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from recommender.labels import CUT_GRADES, Label

CUTS: tuple[str, ...] = tuple(sorted(CUT_GRADES, key=lambda cut: -CUT_GRADES[cut]))
# What a label may say, closest first.
KINDS: tuple[str, ...] = ("4", "3", "2", "1", "0", "yes", "no")
GRID: NDArray[np.float64] = np.round(np.arange(101) / 100, 2)
REPLICATES = 1_000

_CHUNK = 2_000_000
_TAIL = 2.5
_Z = 1.959964
_ROUND = 4
_BAR = 0.05

Floats = NDArray[np.float64]


@dataclass(frozen=True, slots=True)
class Scored:
    """A label and the similarity that the index gives its pair now."""

    label: Label
    similarity: float


@dataclass(frozen=True, slots=True)
class Estimate:
    """A share with its 95 % interval, all from 0 to 1; `None` where nothing can be said."""

    value: float | None
    low: float | None
    high: float | None


@dataclass(frozen=True, slots=True, kw_only=True)
class Point:
    """What one threshold does at one cut.

    Attributes
    ----------
    threshold : float
    found : int
        Labelled pairs at or above it.
    precision : Estimate
        Share of the pairs at or above the threshold that are above the cut.
    recall : Estimate
        Share of the pairs above the cut that are at or above the threshold.
    f1 : Estimate
        Harmonic mean of the two.
    """

    threshold: float
    found: int
    precision: Estimate
    recall: Estimate
    f1: Estimate


@dataclass(frozen=True, slots=True, kw_only=True)
class Curve:
    """One cut at every threshold.

    Attributes
    ----------
    cut : str
        "same_text", "same_story" or "related".
    positives, negatives : int
        Labelled pairs above and below the cut; pairs whose labels do not say are in neither.
    lowest, highest : float or None
        Similarities between which those pairs lie; `None` when there are none.
    points : tuple of Point
        For thresholds 0.00, 0.01, … 1.00.
    """

    cut: str
    positives: int
    negatives: int
    lowest: float | None
    highest: float | None
    points: tuple[Point, ...]

    def at(self, threshold: float) -> Point:
        """The point at a threshold; one between two of the grid counts as the next above."""
        place = int(np.searchsorted(GRID, threshold - 1e-9))
        return self.points[min(place, len(self.points) - 1)]


@dataclass(frozen=True, slots=True, kw_only=True)
class HistogramBar:
    """Labels of pairs from `low` up to, but not including, `high`; the last includes 1.

    Attributes
    ----------
    low, high : float
    counts : mapping of str to int
        How many of each kind: "4" to "0", "yes", "no".
    """

    low: float
    high: float
    counts: Mapping[str, int]


@dataclass(frozen=True, slots=True)
class Measured:
    """The labels as arrays, ordered so that input order never shows."""

    similarity: Floats  # (n,)
    weight: Floats  # (n,)
    component: NDArray[np.int64]  # (n,), numbered from 0 without gaps
    truth: Mapping[str, Floats]  # cut → (n,) 1, 0, or NaN where the label does not say
    pair: NDArray[np.int64]  # (n,)


def measure(scored: Iterable[Scored]) -> Measured:
    """Arrays of labels; several labels of one pair share its weight."""
    ordered = sorted(
        scored,
        key=lambda each: (
            each.label.first,
            each.label.second,
            each.label.origin,
            each.label.least,
            each.label.most,
            each.label.weight or 0.0,
            each.similarity,
        ),
    )
    labels = [each.label for each in ordered]
    pairs = {
        key: number
        for number, key in enumerate(dict.fromkeys((each.first, each.second) for each in labels))
    }
    pair = np.array([pairs[each.first, each.second] for each in labels], np.int64)
    shared = np.bincount(pair, minlength=len(pairs)) if labels else np.zeros(0)
    weights = np.array([1.0 if each.weight is None else each.weight for each in labels])
    answers = {False: 0.0, True: 1.0, None: np.nan}
    return Measured(
        similarity=np.array([each.similarity for each in ordered], np.float64),
        weight=weights / shared[pair] if labels else weights,
        component=_components(labels),
        truth={cut: np.array([answers[each.says(cut)] for each in labels]) for cut in CUTS},
        pair=pair,
    )


def _components(labels: Sequence[Label]) -> NDArray[np.int64]:
    """Number of the connected component, over common articles, of each label's pair."""
    parent: dict[str, str] = {}

    def root(article_id: str) -> str:
        while parent.setdefault(article_id, article_id) != article_id:
            parent[article_id] = article_id = parent[parent[article_id]]
        return article_id

    for each in labels:
        parent[root(each.first)] = root(each.second)
    numbers: dict[str, int] = {}
    return np.array(
        [numbers.setdefault(root(each.first), len(numbers)) for each in labels], np.int64
    )


@dataclass(frozen=True, slots=True)
class Sums:
    """Weighted sums of one cut by component and threshold, and replicates of their totals.

    Attributes
    ----------
    hits, found : ndarray, shape (components, len(GRID))
        Weight of the pairs at or above each threshold: those above the cut, and all.
    positive : ndarray, shape (components,)
        Weight of the pairs above the cut.
    replicates : tuple of ndarray
        Totals of the three in each bootstrap replicate: (REPLICATES, len(GRID)) twice, and
        (REPLICATES,).
    """

    hits: Floats
    found: Floats
    positive: Floats
    replicates: tuple[Floats, Floats, Floats]

    @classmethod
    def of(cls, measured: Measured, cut: str) -> Sums:
        """Sums over the labels that say something about a cut."""
        known = ~np.isnan(measured.truth[cut])
        truth, weight = measured.truth[cut][known], measured.weight[known]
        _, component = np.unique(measured.component[known], return_inverse=True)
        count = int(component.max(initial=-1)) + 1
        above = measured.similarity[known][:, None] >= GRID[None, :]
        hits, found = np.zeros((count, len(GRID))), np.zeros((count, len(GRID)))
        np.add.at(hits, component, above * (weight * truth)[:, None])
        np.add.at(found, component, above * weight[:, None])
        positive = np.zeros(count)
        np.add.at(positive, component, weight * truth)
        return cls(hits, found, positive, _resampled(hits, found, positive))

    def f1(self, *, replicate: bool = False) -> Floats:
        """F1 at every threshold; of every replicate, if wanted."""
        hits, found, positive = self.replicates if replicate else self._totals()
        return _divided(2 * hits, found + positive[..., None])

    def _totals(self) -> tuple[Floats, Floats, Floats]:
        return self.hits.sum(0), self.found.sum(0), np.asarray(self.positive.sum())

    def shares(self) -> dict[str, list[Estimate]]:
        """Precision, recall and F1 at every threshold, with intervals."""
        hits, found, positive = self._totals()
        again_hits, again_found, again_positive = self.replicates
        everywhere = np.repeat(self.positive[:, None], len(GRID), axis=1)
        return {
            "precision": _estimates(
                _divided(hits, found), _divided(again_hits, again_found), self.found
            ),
            "recall": _estimates(
                _divided(hits, positive), _divided(again_hits, again_positive[:, None]), everywhere
            ),
            "f1": _estimates(self.f1(), self.f1(replicate=True), self.found + everywhere),
        }


def _resampled(hits: Floats, found: Floats, positive: Floats) -> tuple[Floats, Floats, Floats]:
    """Totals after drawing as many components as there are, with replacement, again and again."""
    generator = np.random.Generator(np.random.PCG64(20_250_701))
    count = len(positive)
    parts: list[tuple[Floats, Floats, Floats]] = []
    step = max(1, min(REPLICATES, _CHUNK // max(count, 1)))
    for start in range(0, REPLICATES, step):
        size = min(step, REPLICATES - start)
        times = np.zeros((size, count))
        if count:
            chosen = generator.integers(0, count, (size, count))
            np.add.at(times, (np.arange(size)[:, None], chosen), 1.0)
        # einsum, not BLAS: the last bit must not depend on the number of threads.
        parts.append(
            (
                np.einsum("rc,ct->rt", times, hits),
                np.einsum("rc,ct->rt", times, found),
                np.einsum("rc,c->r", times, positive),
            )
        )
    first, second, third = zip(*parts, strict=True)
    return np.concatenate(first), np.concatenate(second), np.concatenate(third)


def _divided(part: Floats, whole: Floats) -> Floats:
    """The share, NaN where there is nothing to share; never above 1 by a last bit."""
    whole = np.broadcast_to(whole, part.shape)
    share = np.divide(part, whole, out=np.full(part.shape, np.nan), where=whole > 0)
    return np.asarray(np.minimum(share, 1.0))


def _estimates(values: Floats, replicates: Floats, units: Floats) -> list[Estimate]:
    """Estimates with intervals; `units` (components, thresholds) is what the shares are of."""
    squared = (units**2).sum(0)
    effective = np.divide(units.sum(0) ** 2, squared, out=np.zeros(len(values)), where=squared > 0)
    found = []
    for place, value in enumerate(values.tolist()):
        if np.isnan(value):
            found.append(Estimate(None, None, None))
            continue
        # A threshold that nothing reaches in some replicates is judged by the others.
        said = replicates[:, place][~np.isnan(replicates[:, place])]
        ends = tuple(np.percentile(said, (_TAIL, 100 - _TAIL)).tolist()) if len(said) else (0, 0)
        if ends[1] - ends[0] < 1e-9:
            ends = _wilson(value, float(effective[place]))
        # An interval holds its estimate, whatever the percentiles of a skewed bootstrap say.
        found.append(
            Estimate(
                round(value, _ROUND),
                round(min(ends[0], value), _ROUND),
                round(max(ends[1], value), _ROUND),
            )
        )
    return found


def _wilson(value: float, count: float) -> tuple[float, float]:
    """Wilson's score interval of a share of `count` independent units."""
    if count <= 0:
        return 0.0, 1.0
    spread = _Z**2 / count
    centre = (value + spread / 2) / (1 + spread)
    half = (_Z / (1 + spread)) * (value * (1 - value) / count + spread / (4 * count)) ** 0.5
    return max(0.0, centre - half), min(1.0, centre + half)


def curve(measured: Measured, cut: str, sums: Sums) -> Curve:
    """The curve of a cut."""
    truth = measured.truth[cut]
    known = ~np.isnan(truth)
    similarity = measured.similarity[known]
    shares = sums.shares()
    found = [len(set(measured.pair[known][similarity >= each].tolist())) for each in GRID]
    return Curve(
        cut=cut,
        positives=len(set(measured.pair[truth == 1].tolist())),
        negatives=len(set(measured.pair[truth == 0].tolist())),
        lowest=float(similarity.min()) if len(similarity) else None,
        highest=float(similarity.max()) if len(similarity) else None,
        points=tuple(
            Point(threshold=threshold, found=number, precision=precision, recall=recall, f1=f1)
            for threshold, number, precision, recall, f1 in zip(
                GRID.tolist(),
                found,
                shares["precision"],
                shares["recall"],
                shares["f1"],
                strict=True,
            )
        ),
    )


def histogram(scored: Iterable[Scored]) -> tuple[HistogramBar, ...]:
    """Labels by similarity and grade, in bars of 0.05, from the first to the last that has any."""
    last = round(1 / _BAR) - 1
    counts: dict[int, dict[str, int]] = {}
    for each in scored:
        # Similarities have four decimals; a product could fall just below an edge.
        place = min(int(round(each.similarity * 10_000) // round(_BAR * 10_000)), last)
        bar = counts.setdefault(place, dict.fromkeys(KINDS, 0))
        bar[each.label.value] += 1
    if not counts:
        return ()
    return tuple(
        HistogramBar(
            low=round(place * _BAR, 2),
            high=round((place + 1) * _BAR, 2),
            counts=counts.get(place, dict.fromkeys(KINDS, 0)),
        )
        for place in range(min(counts), max(counts) + 1)
    )
