"""Whether a similarity means what it says: shares of the grades along the scale of zh_gold.

    python -m benchmarks.calibration DATA

Writes `results/calibration.json`, `results/calibration.md` and the reliability diagram
`results/calibration.svg`. All scores are cross-validated. "As drawn" counts each graded pair
once: the strata of zh_gold, most of them hard pairs. "Natural" lets each count for the pairs of
its stratum among all pairs of zh_gold's articles, as `benchmarks.strata` says.
"""

from __future__ import annotations

import argparse
from collections import Counter
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import matplotlib as mpl
import numpy as np
from matplotlib.figure import Figure as Drawing
from numpy.typing import NDArray

from benchmarks.common import RESULTS, components, read_articles_of, read_lines, save
from benchmarks.crossed import Parts
from benchmarks.static_model import static_model
from benchmarks.strata import Likeness, weights
from benchmarks.tables import Draws, Figure, Numbers, Table, Truth, draws, share
from recommender.config import Thresholds
from recommender.embedders import load_embedder

THRESHOLDS = Thresholds()
BANDS = ((0.9, 1.0), (0.75, 0.9), (0.5, 0.75), (0.25, 0.5), (0.0, 0.25))
# Width of the window around a threshold, on the scale of the similarity.
BANDWIDTH = 0.08
_STEPS, _SEARCHES = 15, 8
_LEAST_SLOPE = 0.2
_RIDGE = 1e-3
DRAWN, NATURAL = "as drawn", "natural"


@dataclass(frozen=True, slots=True, kw_only=True)
class Graded:
    """The pairs of zh_gold with crossed scores.

    Attributes
    ----------
    scores : ndarray of float64, shape (n,)
    grade : ndarray of int64, shape (n,)
    firm : ndarray of bool, shape (n,)
        False for pairs on whose being related the readers differ.
    rounds : Draws
        Of the bootstrap over articles.
    natural : ndarray of float64, shape (n,)
        Pairs of the population that each stands for.
    """

    scores: Numbers
    grade: NDArray[np.int64]
    firm: Truth
    rounds: Draws
    natural: Numbers

    def weighted(self, how: str) -> Draws:
        """The draws, each pair counting once or for its stratum."""
        return self.rounds if how == DRAWN else self.rounds * self.natural


def cuts(graded: Graded) -> list[tuple[str, int, float, Truth]]:
    """Name, least grade, threshold, and the pairs that count, for each cut."""
    every = np.ones(len(graded.scores), bool)
    return [
        ("same text", 4, THRESHOLDS.same_text, every),
        ("same story or closer", 3, THRESHOLDS.same_story, every),
        ("related or closer", 2, THRESHOLDS.related, graded.firm),
    ]


def band_table(graded: Graded, how: str, population: str) -> Table:
    """Shares of the grades in bands of the similarity."""
    rows, values = [], []
    rounds = graded.weighted(how)
    for low, high in BANDS:
        # A threshold includes its lower edge; 1 belongs to the last band.
        inside = (graded.scores >= low) & ((graded.scores < high) | (high == 1.0))
        found = {
            name: Figure.of(share(graded.grade >= least, inside & counted, rounds))
            for name, least, _, counted in cuts(graded)
        }
        rows.append([f"{low:.2f} to {high:.2f}", int(inside.sum()), *found.values()])
        values.append(
            {
                "band": [low, high],
                "pairs": int(inside.sum()),
                "shares": {name: each.to_dict() for name, each in found.items()},
            }
        )
    headers = ("similarity", "graded pairs", *(name for name, *_ in cuts(graded)))
    return Table(f"Shares of the grades, {how} ({population})", headers, rows, values)


def threshold_table(graded: Graded) -> Table:
    """The probability of a grade just at its threshold, which is meant to be one half."""
    rows, values = [], []
    for name, least, threshold, counted in cuts(graded):
        for how in (DRAWN, NATURAL):
            rounds = graded.weighted(how) * counted
            found = Figure.of(local_share(graded.scores, graded.grade >= least, threshold, rounds))
            near = int((counted & (np.abs(graded.scores - threshold) <= BANDWIDTH)).sum())
            even = Figure.of(even_odds(graded.scores, graded.grade >= least, threshold, rounds))
            rows.append([name, f"{threshold:.2f}", how, near, found, even])
            values.append(
                {
                    "cut": name,
                    "threshold": threshold,
                    "how": how,
                    "pairs within the bandwidth": near,
                    "probability": found.to_dict(),
                    "even at": even.to_dict(),
                }
            )
    headers = ("cut", "threshold", "weights", f"pairs within {BANDWIDTH}", "probability there",
               "similarity at which it is one half")  # fmt: skip
    title = f"Probability at the thresholds (local logistic, Gaussian window of {BANDWIDTH})"
    return Table(title, headers, rows, values)


def local_logistic(
    scores: Numbers, truth: Truth, at: Numbers, rounds: Draws
) -> tuple[Numbers, Numbers]:
    """Log-odds at a point and their slope there; a point, a level and a slope for each round.

    A logistic regression on the distance from the point, pairs weighted by how near they are
    (Loader 1999, "Local Regression and Likelihood"), by Newton's method with a slight ridge.
    """
    distance = (scores - at[:, None]) / BANDWIDTH
    weight = rounds * np.exp(-(distance**2) / 2)
    # The natural weights differ by orders of magnitude; the ridge is for weights around one.
    weight /= np.maximum(weight.mean(axis=1, keepdims=True), 1e-12)
    level, slope = np.zeros(len(rounds)), np.zeros(len(rounds))
    for _ in range(_STEPS):
        chance = 1 / (1 + np.exp(-np.clip(level[:, None] + slope[:, None] * distance, -30, 30)))
        missed, spread = weight * (truth - chance), weight * chance * (1 - chance)
        first = missed.sum(1) - _RIDGE * level
        second = (missed * distance).sum(1) - _RIDGE * slope
        a, b = spread.sum(1) + _RIDGE, (spread * distance).sum(1)
        c = (spread * distance**2).sum(1) + _RIDGE
        determinant = a * c - b * b
        level += np.clip((c * first - b * second) / determinant, -2, 2)
        slope += np.clip((a * second - b * first) / determinant, -2, 2)
    return level, slope


def local_share(scores: Numbers, truth: Truth, at: float, rounds: Draws) -> Numbers:
    level, _ = local_logistic(scores, truth, np.full(len(rounds), at), rounds)
    return np.asarray(1 / (1 + np.exp(-level)))


def even_odds(scores: Numbers, truth: Truth, near: float, rounds: Draws) -> Numbers:
    """Where the odds are even, found from a point on by the local slope."""
    at = np.full(len(rounds), near)
    for _ in range(_SEARCHES):
        level, slope = local_logistic(scores, truth, at, rounds)
        step = np.clip(-level / np.maximum(slope, _LEAST_SLOPE), -1, 1)
        at = np.clip(at + BANDWIDTH * step, 0.0, 1.0)
    return at


def draw(graded: Graded, path: Path, population: str) -> None:
    """The reliability diagram: the share of each grade against the similarity."""
    mpl.rcParams.update({"svg.hashsalt": "calibration", "font.size": 9})
    drawing = Drawing(figsize=(11, 4.2), layout="constrained")
    axes = drawing.subplots(1, 3, sharey=True)
    edges = np.linspace(0, 1, 11)
    for axis, (name, least, threshold, counted) in zip(axes, cuts(graded), strict=True):
        for how, colour, shift in ((DRAWN, "tab:gray", -0.008), (NATURAL, "tab:blue", 0.008)):
            points = _points(graded, how, least, counted, edges)
            middle, value, low, high = np.array(points).T
            axis.errorbar(
                middle + shift, value, [value - low, high - value], fmt="o-", ms=4, lw=1,
                capsize=2, color=colour, label=how,
            )  # fmt: skip
        axis.axvline(threshold, color="black", lw=0.8, ls=":")
        axis.axhline(0.5, color="black", lw=0.8, ls=":")
        axis.set_title(f"{name}: grade ≥ {least}, threshold {threshold:.2f}", fontsize=9)
        axis.set_xlabel("similarity, cross-validated")
        axis.set_xlim(-0.02, 1.02)
        axis.set_ylim(-0.02, 1.02)
    axes[0].set_ylabel("share of the pairs")
    axes[0].legend(loc="upper left", frameon=False)
    drawing.suptitle(
        f"zh_gold; natural: {population}. Bars: 95 %, bootstrap by article", fontsize=9
    )
    drawing.savefig(path, metadata={"Date": None, "Creator": None})


def _points(
    graded: Graded, how: str, least: int, counted: Truth, edges: Numbers
) -> list[tuple[float, float, float, float]]:
    """Mean similarity, share and its interval in each tenth of the scale that has pairs."""
    rounds = graded.weighted(how)
    band = np.clip(np.digitize(graded.scores, edges) - 1, 0, len(edges) - 2)
    points = []
    for number in range(len(edges) - 1):
        inside = (band == number) & counted
        if not inside.any():
            continue
        found = Figure.of(share(graded.grade >= least, inside, rounds))
        middle = np.average(graded.scores[inside], weights=rounds[0, inside])
        low, high = min(found.low, found.value), max(found.high, found.value)
        points.append((float(middle), found.value, low, high))
    return points


def read(data: Path, cache: Path, embedder_name: str) -> tuple[Graded, dict[str, Any]]:
    """Score the graded pairs, and count the population they stand for."""
    folder = data / "zh_gold"
    records = read_lines(folder / "pairs.jsonl.gz")
    pairs = [(each["a"], each["b"]) for each in records]
    articles = read_articles_of(folder / "articles.jsonl.gz", folder / "more_articles.jsonl.gz")
    likeness = Likeness.of(articles, static_model(data, cache))
    sizes, own = likeness.natural_sizes(), likeness.strata_of(pairs)
    scores = Parts.of(data, load_embedder(embedder_name), cache).crossed_gold()
    graded = Graded(
        scores=scores,
        grade=np.array([each["label"] for each in records]),
        firm=np.array([not each["soft"] for each in records]),
        rounds=draws(components(pairs)),
        natural=weights(own, sizes),
    )
    return graded, {
        "articles": len(articles),
        "pairs": sum(sizes.values()),
        "strata": strata_values(records, own, sizes),
    }


def strata_values(
    records: Sequence[Mapping[str, Any]], own: Sequence[str], sizes: Mapping[str, int]
) -> list[dict[str, Any]]:
    named, measured = Counter(each["stratum"] for each in records), Counter(own)
    return [
        {"stratum": name, "drawn": named[name], "measured": measured[name], "natural": sizes[name]}
        for name in sorted(sizes)
    ]


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("data", type=Path, help="folder of the data sets")
    parser.add_argument("--cache", type=Path, default=Path("build") / "vectors")
    parser.add_argument("--embedder", default="multilingual-e5-small")
    arguments = parser.parse_args()
    graded, population = read(arguments.data, arguments.cache, arguments.embedder)
    named = f"all {population['pairs']:,} pairs of the {population['articles']:,} articles"
    headers = ("stratum", "drawn under this name", "graded pairs measured in it", "natural pairs")
    rows = [list(each.values()) for each in population["strata"]]
    tables = [
        threshold_table(graded),
        band_table(graded, DRAWN, "each graded pair counts once"),
        band_table(graded, NATURAL, named),
        Table(f"Strata: {named}", headers, rows, population["strata"]),
    ]
    draw(graded, RESULTS / "calibration.svg", named)
    result = {
        "population": population,
        "tables": [{"title": each.title, "values": list(each.values)} for each in tables],
    }
    page = "\n".join(each.page() for each in tables)
    save("calibration", result, f"![Reliability diagram](calibration.svg)\n\n{page}")


if __name__ == "__main__":
    main()
