"""Making cosines of any model mean what they mean in the model the similarity was fitted for.

Models spread their cosines differently, centred or not: what is close for one is far for another.
Two things can be seen in any corpus without a label: how far random pairs lie apart, and how far
each article from its nearest one. Where nobody has fitted a profile for a model, its cosines are
carried over to the reference's so that these quantiles fall on each other, as equipercentile
equating does with the scores of two tests (Kolen and Brennan 2014).

Pure: knows vectors and numbers, no model and no file.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np
from numpy.typing import NDArray

RANDOM_LEVELS = (0.05, 0.25, 0.5, 0.75, 0.95, 0.99)
# Not above the median: there a corpus shows how many duplicates it holds, not how a model is.
NEAREST_LEVELS = (0.1, 0.25, 0.5)
# How near the nearest article lies depends on how many there are: like is compared with like.
SAMPLES = (1_000, 300, 100)
_RANDOM_PAIRS = 20_000
# Numbers of a vector that put it in its place.
_ORDERING = 8
# Knots closer than this would make a jump of a step.
_LEAST_STEP = 0.005


@dataclass(frozen=True, slots=True)
class CosineQuantiles:
    """How the centred cosines of a corpus are spread.

    Attributes
    ----------
    random : tuple of float
        At `RANDOM_LEVELS`, of random pairs of one language.
    nearest : mapping of int to tuple of float
        At `NEAREST_LEVELS`, of each article and its nearest one, in samples of so many articles;
        only for samples that the corpus is large enough for.
    """

    random: tuple[float, ...]
    nearest: Mapping[int, tuple[float, ...]]

    def to_dict(self) -> dict[str, Any]:
        """The quantiles as JSON values."""
        return {
            "random": list(self.random),
            "nearest": {str(size): list(values) for size, values in self.nearest.items()},
        }

    @classmethod
    def from_dict(cls, data: Mapping[str, Any]) -> CosineQuantiles:
        """Read what `to_dict` wrote."""
        return cls(
            tuple(data["random"]),
            {int(size): tuple(values) for size, values in data["nearest"].items()},
        )


def cosine_quantiles(
    centred: NDArray[np.float32], languages: Sequence[str]
) -> CosineQuantiles | None:
    """Measure a corpus in its most frequent language.

    Parameters
    ----------
    centred : ndarray of float32, shape (n, dimension)
        Unit rows, in any order.
    languages : sequence of str, length n

    Returns
    -------
    CosineQuantiles or None
        `None` where there are fewer articles than the smallest sample.
    """
    codes = np.asarray(languages, dtype=object)
    counts = sorted((-int(np.sum(codes == name)), name) for name in set(languages))
    own = centred[codes == counts[0][1]] if counts else centred
    own = own[own.any(axis=1)]
    # Samples are drawn by the vectors' own order, so that the rows' does not show.
    own = own[np.lexsort(own[:, :_ORDERING].T)]
    if len(own) < min(SAMPLES):
        return None
    generator = np.random.default_rng(0)
    first, second = generator.integers(0, len(own), (2, _RANDOM_PAIRS))
    different = first != second
    pairs = np.einsum("nd,nd->n", own[first[different]], own[second[different]], dtype=np.float64)
    nearest = {
        size: _nearest(own[(np.arange(size) * len(own)) // size])
        for size in SAMPLES
        if len(own) >= size
    }
    return CosineQuantiles(_quantiles(pairs, RANDOM_LEVELS), nearest)


def _nearest(sample: NDArray[np.float32]) -> tuple[float, ...]:
    cosines = np.einsum("nd,md->nm", sample, sample)
    np.fill_diagonal(cosines, -1.0)
    return _quantiles(cosines.max(axis=1), NEAREST_LEVELS)


def _quantiles(values: NDArray[np.floating], levels: Sequence[float]) -> tuple[float, ...]:
    return tuple(round(float(value), 4) for value in np.quantile(values, levels))


def matching(
    own: CosineQuantiles, reference: CosineQuantiles
) -> tuple[tuple[float, ...], tuple[float, ...]]:
    """Knots of the rising, piecewise linear map from own cosines to the reference's.

    Returns
    -------
    tuple of two tuples of float
        Own cosines, rising, and what each becomes; from -1 to -1 and from 1 to 1.
    """
    points = list(zip(own.random, reference.random, strict=True))
    shared = [size for size in SAMPLES if size in own.nearest and size in reference.nearest]
    if shared:
        points += zip(own.nearest[shared[0]], reference.nearest[shared[0]], strict=True)
    xs, ys = [-1.0], [-1.0]
    for x, y in sorted(points):
        if x >= xs[-1] + _LEAST_STEP and x <= 1 - _LEAST_STEP:
            xs.append(x)
            # What lies farther for us never becomes nearer for the reference.
            ys.append(min(max(y, ys[-1]), 1.0))
    return (*xs, 1.0), (*ys, 1.0)
