"""Figures of graded pairs with their intervals, and the tables that show them.

Works on arrays: a truth, the scores of several methods, groups of connected pairs. Knows no
data set and no method.

Every interval is a bootstrap over articles: pairs that are connected through articles are drawn
together. The draws are an array of how often each pair comes in each round; its first row, all
ones, stands for the pairs as they are, and every figure is worked out for all rows at once.
"""

from __future__ import annotations

import math
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any

import numpy as np
from numpy.typing import NDArray

from benchmarks.common import markdown

Numbers = NDArray[np.float64]
Truth = NDArray[np.bool_]
Draws = NDArray[np.float64]  # (rounds + 1, n)
Scores = Mapping[str, Numbers]
OURS = "similarity"
ROUNDS = 1_000


@dataclass(frozen=True, slots=True)
class Figure:
    """A value with its 95 % interval; NaN where it is not defined."""

    value: float
    low: float
    high: float

    @classmethod
    def of(cls, values: Numbers) -> Figure:
        """From the value of each row of the draws."""
        finite = values[1:][np.isfinite(values[1:])]
        low, high = np.quantile(finite, [0.025, 0.975]) if len(finite) else (math.nan, math.nan)
        return cls(float(values[0]), float(low), float(high))

    def __str__(self) -> str:
        if math.isnan(self.value):
            return ""
        return f"{self.value:.3f} ({self.low:.3f} to {self.high:.3f})"

    def to_dict(self) -> dict[str, float | None]:
        named = {"value": self.value, "low": self.low, "high": self.high}
        return {
            name: None if math.isnan(value) else round(value, 4) for name, value in named.items()
        }


@dataclass(frozen=True, slots=True, kw_only=True)
class Question:
    """Whether each of some pairs is of a kind, and what several methods say.

    Attributes
    ----------
    set_name, what : str
        The data set, and what is true of a positive pair.
    truth : ndarray of bool, shape (n,)
    scores : mapping of str to ndarray of float64, shape (n,)
        Rising with likeness; one for each method.
    groups : ndarray of int64, shape (n,)
        Equal for pairs that are connected through articles.
    defaults : mapping of str to float
        Thresholds the methods come with.
    note : str
    """

    set_name: str
    what: str
    truth: Truth
    scores: Scores
    groups: NDArray[np.int64]
    defaults: Mapping[str, float] = field(default_factory=dict)
    note: str = ""


@dataclass(frozen=True, slots=True)
class Table:
    """A titled table, and the same as JSON values."""

    title: str
    headers: Sequence[str]
    rows: Sequence[Sequence[Any]]
    values: Sequence[Mapping[str, Any]]

    def page(self) -> str:
        return f"### {self.title}\n\n{markdown(self.headers, self.rows)}"


def draws(groups: NDArray[np.int64], *, rounds: int = ROUNDS, seed: int = 1) -> Draws:
    """How often each pair comes in each round, connected pairs being drawn together."""
    generator = np.random.default_rng(seed)
    found, place = np.unique(groups, return_inverse=True)
    count = len(found)
    drawn = generator.multinomial(count, np.full(count, 1 / count), rounds)
    return np.concatenate([np.ones((1, len(groups))), drawn[:, place]])


def draws_by_article(
    pairs: Sequence[tuple[str, str]], *, rounds: int = ROUNDS, seed: int = 1
) -> Draws:
    """The same where every article is paired with every other: articles are drawn.

    A pair comes as often as its two articles were drawn together.
    """
    generator = np.random.default_rng(seed)
    ids = sorted({one for pair in pairs for one in pair})
    place = {each: number for number, each in enumerate(ids)}
    ends = np.array([[place[a], place[b]] for a, b in pairs])
    drawn = generator.multinomial(len(ids), np.full(len(ids), 1 / len(ids)), rounds)
    return np.concatenate([np.ones((1, len(pairs))), drawn[:, ends[:, 0]] * drawn[:, ends[:, 1]]])


def auc(truth: Truth, scores: Numbers, rounds: Draws) -> Numbers:
    """Area under the ROC curve; ties count half."""
    hits, misses, _ = _by_score(truth, scores, rounds)
    below = misses.sum(axis=1, keepdims=True) - np.cumsum(misses, axis=1)
    won = np.sum(hits * (below + misses / 2), axis=1)
    return _share(won, hits.sum(axis=1) * misses.sum(axis=1))


def average_precision(truth: Truth, scores: Numbers, rounds: Draws) -> Numbers:
    """Mean precision at the positives, pairs of equal scores taken together."""
    hits, misses, _ = _by_score(truth, scores, rounds)
    precision = _share(np.cumsum(hits, axis=1), np.cumsum(hits + misses, axis=1), missing=0.0)
    return _share(np.sum(hits * precision, axis=1), hits.sum(axis=1))


def f1(truth: Truth, called: Truth, rounds: Draws) -> Numbers:
    both = rounds @ (truth & called).astype(float)
    return _share(2 * both, rounds @ truth.astype(float) + rounds @ called.astype(float))


def share(called: Truth, among: Truth, rounds: Draws) -> Numbers:
    """How many of the pairs `among` are called."""
    return _share(rounds @ (called & among).astype(float), rounds @ among.astype(float))


def pearson(human: Numbers, scores: Numbers, rounds: Draws) -> Numbers:
    total = rounds.sum(axis=1)
    mean_a, mean_b = rounds @ human / total, rounds @ scores / total
    covariance = rounds @ (human * scores) / total - mean_a * mean_b
    spread_a = rounds @ human**2 / total - mean_a**2
    spread_b = rounds @ scores**2 / total - mean_b**2
    return _share(covariance, np.sqrt(np.maximum(spread_a * spread_b, 0.0)))


def best_threshold(truth: Truth, scores: Numbers) -> float:
    """The threshold that gives the best F1 on these very pairs."""
    hits, misses, thresholds = _by_score(truth, scores, np.ones((1, len(truth))))
    found, called = np.cumsum(hits[0]), np.cumsum(hits[0] + misses[0])
    return float(thresholds[np.argmax(2 * found / (called + truth.sum()))])


def _by_score(truth: Truth, scores: Numbers, rounds: Draws) -> tuple[Draws, Draws, Numbers]:
    """Positives and negatives at each distinct score, from the highest down, and the scores."""
    order = np.argsort(-scores, kind="stable")
    ordered = scores[order]
    starts = np.flatnonzero(np.concatenate([[True], ordered[1:] != ordered[:-1]]))
    weights = rounds[:, order]
    hits = np.add.reduceat(weights * truth[order], starts, axis=1)
    misses = np.add.reduceat(weights * ~truth[order], starts, axis=1)
    return hits, misses, ordered[starts]


def _share(part: Numbers, whole: Numbers, *, missing: float = math.nan) -> Numbers:
    return np.divide(part, whole, out=np.full(part.shape, missing), where=whole > 1e-12)


def question_table(question: Question) -> Table:
    """AUC, AP, and F1 at the method's own threshold and at the best one on these pairs."""
    rows, values = [], []
    rounds = draws(question.groups)
    for name, scores in question.scores.items():
        default = question.defaults.get(name)
        best = best_threshold(question.truth, scores)
        found = {
            "AUC": Figure.of(auc(question.truth, scores, rounds)),
            "AP": Figure.of(average_precision(question.truth, scores, rounds)),
            "F1 at best": Figure.of(f1(question.truth, scores >= best, rounds)),
        }
        own = "none"
        if default is not None:
            found["F1 at default"] = Figure.of(f1(question.truth, scores >= default, rounds))
            own = f"{found['F1 at default']} at {default:.2f}"
        rows.append([name, found["AUC"], found["AP"], own, f"{found['F1 at best']} at {best:.2f}"])
        values.append(
            {
                "set": question.set_name,
                "what": question.what,
                "pairs": len(question.truth),
                "positive": int(question.truth.sum()),
                "method": name,
                "default": default,
                "best": round(best, 4),
                "figures": {label: each.to_dict() for label, each in found.items()},
            }
        )
    count = f"{int(question.truth.sum())} of {len(question.truth)} pairs"
    title = f"{question.set_name}: {question.what} ({count})"
    headers = ("method", "AUC", "AP", "F1 at its default", "F1 at its best on these pairs")
    return Table(title + (f"; {question.note}" if question.note else ""), headers, rows, values)


def trap_table(question: Question, trap: Truth) -> Table:
    """How many pairs of a trap are called, beside how many true ones are found.

    Parameters
    ----------
    question : Question
    trap : ndarray of bool, shape (n,)
        Pairs that look true and are not.
    """
    rounds = draws(question.groups)
    rows, values = [], []
    for name, scores in question.scores.items():
        default = question.defaults.get(name)
        best = best_threshold(question.truth, scores)
        row: list[Any] = [name]
        value: dict[str, Any] = {"set": question.set_name, "what": question.what, "method": name}
        for label, threshold in (("default", default), ("best", best)):
            if threshold is None:
                row += ["", ""]
                continue
            called = scores >= threshold
            wrong = Figure.of(share(called, trap, rounds))
            right = Figure.of(share(called, question.truth, rounds))
            row += [f"{wrong} at {threshold:.2f}", right]
            value[label] = {
                "threshold": round(threshold, 4),
                "called": int((called & trap).sum()),
                "trap": wrong.to_dict(),
                "found": right.to_dict(),
            }
        rows.append(row)
        values.append(value)
    headers = ("method", "called at its default", "true ones found", "called at its best F1",
               "true ones found")  # fmt: skip
    title = f"{question.set_name}: {question.what} ({int(trap.sum())} pairs)"
    return Table(title, headers, rows, values)


def pearson_table(
    title: str, parts: Sequence[tuple[str, Numbers, Scores, Draws]], *, beside: str = "cosine"
) -> Table:
    """Pearson of each method with human scores, and how far ours is above another.

    Parameters
    ----------
    title : str
    parts : sequence of (name, human scores, scores of the methods, draws)
    beside : str
        The method ours is set against, on the same draws.
    """
    rows, values = [], []
    for name, human, scores, rounds in parts:
        raw = {method: pearson(human, own, rounds) for method, own in scores.items()}
        found = {method: Figure.of(each) for method, each in raw.items()}
        found["difference"] = Figure.of(raw[OURS] - raw[beside])
        rows.append([name, len(human), *found.values()])
        values.append(
            {
                "set": title,
                "what": name,
                "pairs": len(human),
                "figures": {label: each.to_dict() for label, each in found.items()},
            }
        )
    headers = ("pairs of", "pairs", *parts[0][2], f"{OURS} less {beside}")
    return Table(f"{title}: Pearson with human scores", headers, rows, values)
