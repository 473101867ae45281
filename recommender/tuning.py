"""Which thresholds the labels speak for, and how sure they are.

For each cut the threshold with the best F1, or the one that just reaches a wanted precision or
recall. Ties go to the threshold nearest to the one in force, so that nothing moves without a
reason; where the labels are too few nothing is proposed; what is doubtful is said. Pure.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from math import floor

import numpy as np

from recommender.config import Thresholds
from recommender.curves import (
    CUTS,
    GRID,
    Curve,
    HistogramBar,
    Measured,
    Point,
    Scored,
    Sums,
    curve,
    histogram,
    measure,
)
from recommender.errors import ConfigError

# With fewer independent pairs on either side of a cut a threshold would be a guess.
FEWEST = 10
_EQUAL = 1e-9


@dataclass(frozen=True, slots=True, kw_only=True)
class Proposal:
    """What becomes of one threshold.

    Attributes
    ----------
    cut : str
        "same_text", "same_story" or "related".
    in_force : float
    threshold : float
        The one proposed; that in force where nothing is.
    proposed : bool
        Whether the labels speak for `threshold`, be it the one in force.
    now, then : Point
        What the labels say of the threshold in force and of the one proposed.
    notes : tuple of str
        Why nothing is proposed, or what is doubtful.
    """

    cut: str
    in_force: float
    threshold: float
    proposed: bool
    now: Point
    then: Point
    notes: tuple[str, ...]


@dataclass(frozen=True, slots=True, kw_only=True)
class Tuning:
    """What labelled pairs say of the thresholds.

    Attributes
    ----------
    goal : str
        "best F1", "precision 0.95" or "recall 0.90".
    pairs, labels : int
        Used; a pair has several labels where several people gave theirs.
    disagreeing : int
        Pairs whose labels contradict one another; each counts by its share.
    unweighted : int
        Labels without an inclusion weight: they count as one pair each.
    missing, changed : int
        Labels left out because an article is not in the index, or its text is another one
        than when it was labelled.
    in_force : Thresholds
    thresholds : Thresholds
        With what is proposed, in order and rounded to two decimals.
    proposals : tuple of Proposal
        For same_text, same_story and related.
    curves : tuple of Curve
        In the same order.
    histogram : tuple of HistogramBar
    """

    goal: str
    pairs: int
    labels: int
    disagreeing: int
    unweighted: int
    missing: int
    changed: int
    in_force: Thresholds
    thresholds: Thresholds
    proposals: tuple[Proposal, ...]
    curves: tuple[Curve, ...]
    histogram: tuple[HistogramBar, ...]


@dataclass(frozen=True, slots=True)
class Goal:
    """What a threshold is chosen for; with neither, the best F1.

    Raises
    ------
    ConfigError
        If both are given, or one is no share.
    """

    precision: float | None = None
    recall: float | None = None

    def __post_init__(self) -> None:
        if self.precision is not None and self.recall is not None:
            raise ConfigError("give a wanted precision or a wanted recall, not both")
        for name, value in (("precision", self.precision), ("recall", self.recall)):
            if value is not None and (isinstance(value, bool) or not 0.0 < value <= 1.0):
                raise ConfigError(f"a wanted {name} lies above 0 and at most at 1, not {value!r}")

    def __str__(self) -> str:
        if self.precision is not None:
            return f"precision {self.precision:.2f}"
        return "best F1" if self.recall is None else f"recall {self.recall:.2f}"


@dataclass(frozen=True, slots=True)
class _Choice:
    """A threshold for one cut, or why there is none."""

    threshold: float | None
    notes: tuple[str, ...]


def evaluate(
    scored: Iterable[Scored],
    *,
    in_force: Thresholds,
    goal: Goal | None = None,
    missing: int = 0,
    changed: int = 0,
) -> Tuning:
    """Evaluate labels and propose thresholds.

    Parameters
    ----------
    scored : iterable of Scored
        In any order.
    in_force : Thresholds
        What the proposals are compared with.
    goal : Goal, optional
    missing, changed : int
        Labels that were left out, for the record.

    Returns
    -------
    Tuning
    """
    goal, scored = goal or Goal(), list(scored)
    measured = measure(scored)
    curves: dict[str, Curve] = {}
    choices: dict[str, _Choice] = {}
    for cut in CUTS:
        sums = Sums.of(measured, cut)
        curves[cut] = curve(measured, cut, sums)
        choices[cut] = _choose(measured, curves[cut], sums, goal, getattr(in_force, cut))
    thresholds, reordered = _in_order(choices, in_force)
    return Tuning(
        goal=str(goal),
        pairs=len(set(measured.pair.tolist())),
        labels=len(scored),
        disagreeing=_disagreeing(measured),
        unweighted=sum(each.label.weight is None for each in scored),
        missing=missing,
        changed=changed,
        in_force=in_force,
        thresholds=thresholds,
        proposals=tuple(
            Proposal(
                cut=cut,
                in_force=getattr(in_force, cut),
                threshold=getattr(thresholds, cut),
                proposed=choices[cut].threshold is not None,
                now=curves[cut].at(getattr(in_force, cut)),
                then=curves[cut].at(getattr(thresholds, cut)),
                notes=choices[cut].notes + reordered.get(cut, ()),
            )
            for cut in CUTS
        ),
        curves=tuple(curves[cut] for cut in CUTS),
        histogram=histogram(scored),
    )


def _choose(measured: Measured, found: Curve, sums: Sums, goal: Goal, in_force: float) -> _Choice:
    truth = measured.truth[found.cut]
    independent = [len(set(measured.component[truth == side].tolist())) for side in (1, 0)]
    if min(independent) < FEWEST or found.lowest is None or found.highest is None:
        note = (
            f"too few labels: {found.positives} pairs are, {found.negatives} are not; "
            f"needed are {FEWEST} of each, of different articles"
        )
        return _Choice(None, (note,))
    # Thresholds outside the labelled similarities are anybody's guess.
    points = [
        point
        for point in found.points
        if floor(found.lowest * 100 + _EQUAL) / 100 - _EQUAL <= point.threshold <= found.highest
    ]
    if goal.precision is not None:
        # A share of next to nothing is no promise.
        points = [point for point in points if point.found >= FEWEST]
        return _reaching(points, "precision", goal.precision)
    if goal.recall is not None:
        return _reaching(points[::-1], "recall", goal.recall)
    return _best(points, sums, in_force)


def _reaching(points: list[Point], name: str, wanted: float) -> _Choice:
    """The first point that reaches a share, and whether that is sure."""
    shares = {point.threshold: getattr(point, name) for point in points}
    known = {at: share for at, share in shares.items() if share.value is not None}
    for threshold, share in known.items():
        if share.value >= wanted - _EQUAL:
            doubt = (
                f"{name} {share.value:.2f} may be as low as {share.low:.2f}: "
                f"{wanted:.2f} is not sure with these labels"
            )
            return _Choice(threshold, (doubt,) if share.low < wanted else ())
    best = max(known, key=lambda at: (known[at].value, -at), default=None)
    if best is None:
        return _Choice(None, (f"no threshold has a {name}",))
    return _Choice(
        None,
        (f"no threshold reaches {name} {wanted:.2f}; {best:.2f} has {known[best].value:.2f}",),
    )


def _best(points: list[Point], sums: Sums, in_force: float) -> _Choice:
    """The point of the best F1, if the labels can tell it from what is in force.

    With a few dozen labels F1 is flat near its top, and the very best of it is chance.
    """
    every = dict(zip(GRID.tolist(), sums.f1().tolist(), strict=True))
    known = {point.threshold: every[point.threshold] for point in points if point.f1.value}
    if not known:
        return _Choice(None, ("no threshold finds any of them",))
    top = max(known.values())
    ties = [at for at, value in known.items() if value >= top - _EQUAL]
    threshold = min(ties, key=lambda at: (round(abs(at - in_force), 6), at))
    if threshold == in_force:
        return _Choice(threshold, ())
    if not _is_better(sums, threshold, in_force):
        note = (
            f"the best F1, {top:.2f}, is at {threshold:.2f}; with these labels it cannot be told "
            f"from that in force"
        )
        return _Choice(in_force, (note,))
    first, last = points[0].threshold, points[-1].threshold
    if threshold not in (first, last):
        return _Choice(threshold, ())
    side = "below" if threshold == first else "above"
    return _Choice(
        threshold, (f"this is the edge of what was labelled: label pairs {side} it as well",)
    )


def _is_better(sums: Sums, threshold: float, in_force: float) -> bool:
    """Whether F1 is higher than in force in nearly every replicate."""
    places = [min(int(np.ceil(at * 100 - _EQUAL)), 100) for at in (threshold, in_force)]
    again = np.nan_to_num(sums.f1(replicate=True)[:, places])
    return bool(np.percentile(again[:, 0] - again[:, 1], 2.5) > 0)


def _in_order(
    choices: Mapping[str, _Choice], in_force: Thresholds
) -> tuple[Thresholds, dict[str, tuple[str, ...]]]:
    """Thresholds that do not cross; same_story stays, the others give way to it."""
    wanted = {
        cut: getattr(in_force, cut) if choice.threshold is None else choice.threshold
        for cut, choice in choices.items()
    }
    story = wanted["same_story"]
    kept = {
        "same_text": max(wanted["same_text"], story),
        "same_story": story,
        "related": min(wanted["related"], story),
    }
    notes: dict[str, tuple[str, ...]] = {
        cut: (f"moved from {wanted[cut]:.2f} to stay in order with same_story",)
        for cut in CUTS
        if kept[cut] != wanted[cut]
    }
    return Thresholds(**kept), notes


def _disagreeing(measured: Measured) -> int:
    """Pairs whose labels contradict one another at some cut."""
    found: set[int] = set()
    for truth in measured.truth.values():
        sides = [set(measured.pair[truth == side].tolist()) for side in (0, 1)]
        found |= sides[0] & sides[1]
    return len(found)
