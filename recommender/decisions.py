"""What editors decide about pairs, how that wins over the model, and where it contradicts itself.

A decision is on two articles by their ids. "duplicate" lifts the similarity of the pair to the
threshold in force, "distinct" keeps it below; everything else follows from the similarity.
Beside the kind a decision may say what is done about duplicates: one is merged into the other,
or both are kept. That is for redirects and reports, and changes no answer.

Decisions are never joined to new ones: where A = B, B = C and A ≠ C, each pair is answered as
it was decided and the contradiction is reported.

Pure; must not know how decisions are stored, nor how an edit of a text is judged (`edits`).
"""

from __future__ import annotations

import math
from collections import deque
from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from datetime import datetime, timezone
from typing import Literal, get_args

import numpy as np
from numpy.typing import NDArray

from recommender.errors import ConfigError
from recommender.records import MAX_ID_LENGTH, DecisionKind, Treatment

KINDS: tuple[DecisionKind, ...] = get_args(DecisionKind)
TREATMENTS: tuple[Treatment, ...] = get_args(Treatment)
DecisionState = Literal["active", "stale", "missing"]
# The other rows an article was decided on with, and how: above 0 a duplicate, below 0 distinct.
Ruled = Mapping[int, int]
DUPLICATE, DISTINCT = 1, -1

MAX_NOTE_LENGTH = 2_000


@dataclass(frozen=True, slots=True, kw_only=True)
class Decision:
    """What an editor decided about two articles. `first` has the smaller id, however it is made.

    Parameters
    ----------
    first, second : str
        Ids of the articles.
    decision : {"duplicate", "distinct"}
        Whether the two are duplicates (same text or same story) or are not.
    treatment : {"", "merge", "keep"}
        What is done about duplicates: one of the two is redirected to the other, or both stay
        published. Empty where nothing was said of it.
    canonical : str
        Which of the two is kept when they are merged; empty otherwise.
    note, decided_by : str
        Why and by whom; at most 2,000 characters each.
    decided_at : datetime or None
        Kept in UTC; when it is stored, the present moment takes the place of `None`.
    first_hash, second_hash : str
        Of the texts the decision was made on, in hexadecimal; filled in by the index.
    first_edited, second_edited : bool
        Whether the text is another one since; filled in by the index.
    missing : tuple of str
        Which of the two articles are not in the index; filled in by it.

    Raises
    ------
    ConfigError
        If both ids are one, a value is none that can be stored, or treatment and canonical
        article do not fit together.
    """

    first: str
    second: str
    decision: DecisionKind
    treatment: Treatment = ""
    canonical: str = ""
    note: str = ""
    decided_by: str = ""
    decided_at: datetime | None = None
    first_hash: str = ""
    second_hash: str = ""
    first_edited: bool = False
    second_edited: bool = False
    missing: tuple[str, ...] = ()

    def __post_init__(self) -> None:
        for name in ("first", "second"):
            value = getattr(self, name)
            if not isinstance(value, str) or not 0 < len(value) <= MAX_ID_LENGTH:
                raise ConfigError(f"{name} must be the id of an article, not {value!r:.60}")
            if value != value.strip() or not value.isprintable():
                raise ConfigError(f"{name} is not an id an article can have: {value!r:.60}")
        if self.first == self.second:
            raise ConfigError(f"a decision is on two articles, not on {self.first!r} alone")
        if self.decision not in KINDS:
            raise ConfigError(f"a decision is duplicate or distinct, not {self.decision!r:.60}")
        for name in ("note", "decided_by"):
            object.__setattr__(self, name, _plain(name, getattr(self, name)))
        if self.decided_at is not None:
            object.__setattr__(self, "decided_at", _utc(self.decided_at))
        if self.first > self.second:
            for name in ("", "_hash", "_edited"):
                one, other = getattr(self, f"first{name}"), getattr(self, f"second{name}")
                object.__setattr__(self, f"first{name}", other)
                object.__setattr__(self, f"second{name}", one)
        self._check_treatment()

    def _check_treatment(self) -> None:
        if self.treatment not in TREATMENTS:
            raise ConfigError(f"a treatment is merge or keep, not {self.treatment!r:.60}")
        if self.treatment and self.decision != "duplicate":
            raise ConfigError(
                f"{self.treatment} is for duplicates, and {self.first!r} and {self.second!r} are "
                f"said to be {self.decision}"
            )
        if self.treatment != "merge":
            if self.canonical != "":
                raise ConfigError(
                    f"canonical ({self.canonical!r:.60}) goes with merge alone; leave it out"
                )
        elif self.canonical not in (self.first, self.second):
            raise ConfigError(
                f"canonical says which of {self.first!r} and {self.second!r} is kept when they "
                f"are merged; it cannot be {self.canonical!r:.60}"
            )

    @property
    def merged(self) -> str:
        """The article that is to be redirected to the canonical one; empty when none is."""
        if self.treatment != "merge":
            return ""
        return self.second if self.canonical == self.first else self.first

    @property
    def is_settled(self) -> bool:
        """Whether it is said what becomes of the two; not of duplicates without a treatment."""
        return self.decision == "distinct" or bool(self.treatment)

    @property
    def pair(self) -> tuple[str, str]:
        """The ids of both articles, the smaller first."""
        return self.first, self.second

    @property
    def stale(self) -> bool:
        """Whether one of the texts is another one since the decision was made."""
        return self.first_edited or self.second_edited

    @property
    def state(self) -> DecisionState:
        """Whether the decision counts now, and if not, why."""
        if self.missing:
            return "missing"
        return "stale" if self.stale else "active"


def _plain(name: str, value: object) -> str:
    if not isinstance(value, str):
        raise ConfigError(f"{name} must be text, not {type(value).__name__}")
    if len(value) > MAX_NOTE_LENGTH:
        raise ConfigError(
            f"{name} has {len(value):,} characters, at most {MAX_NOTE_LENGTH:,} are taken"
        )
    return value.encode("utf-8", "replace").decode("utf-8").replace("\0", " ").strip()


def _utc(moment: object) -> datetime:
    if not isinstance(moment, datetime):
        raise ConfigError(f"decided_at must be a datetime, not {type(moment).__name__}")
    if moment.tzinfo is None:
        return moment.replace(tzinfo=timezone.utc)
    try:
        return moment.astimezone(timezone.utc)
    except OverflowError as error:
        raise ConfigError(f"decided_at is out of range: {moment}") from error


@dataclass(frozen=True, slots=True, kw_only=True)
class DecisionConflict:
    """Two articles decided distinct that other decisions make duplicates.

    Attributes
    ----------
    chain : tuple of str
        Ids, each decided a duplicate of the next; the first and the last were decided distinct.
        The shortest such chain, the smallest ids where there are several.
    """

    chain: tuple[str, ...]

    @property
    def first(self) -> str:
        """One article of the pair that was decided distinct; the smaller id."""
        return self.chain[0]

    @property
    def second(self) -> str:
        """The other one."""
        return self.chain[-1]

    @property
    def pairs(self) -> frozenset[tuple[str, str]]:
        """All pairs whose decisions contradict one another, the smaller id of each first."""
        links = {(min(link), max(link)) for link in zip(self.chain, self.chain[1:], strict=False)}
        return frozenset((*links, (self.first, self.second)))

    def __str__(self) -> str:
        return f"{' = '.join(self.chain)}, but {self.first} ≠ {self.second}"


def find_conflicts(decisions: Iterable[Decision]) -> tuple[DecisionConflict, ...]:
    """Where decisions contradict one another: A = B, B = C, A ≠ C, through any number of steps.

    Parameters
    ----------
    decisions : iterable of Decision
        In any order; those that count now.

    Returns
    -------
    tuple of DecisionConflict
        One for each pair that was decided distinct and is joined by duplicates, by its ids.
    """
    links: dict[str, list[str]] = {}
    apart: dict[str, list[str]] = {}
    for each in sorted(decisions, key=lambda one: one.pair):
        if each.decision == "distinct":
            apart.setdefault(each.first, []).append(each.second)
        else:
            links.setdefault(each.first, []).append(each.second)
            links.setdefault(each.second, []).append(each.first)
    for others in links.values():
        others.sort()
    part = _parts(links)
    conflicts = []
    for first, seconds in sorted(apart.items()):
        joined = [one for one in seconds if first in part and part.get(one) == part[first]]
        if joined:
            steps = _steps_from(first, links)
            conflicts += [DecisionConflict(chain=_chain(second, steps)) for second in joined]
    return tuple(conflicts)


def _parts(links: Mapping[str, list[str]]) -> dict[str, int]:
    """A number for each id; ids that are joined have the same one."""
    part: dict[str, int] = {}
    for number, start in enumerate(links):
        if start not in part:
            part.update(dict.fromkeys(_steps_from(start, links), number))
    return part


def _steps_from(start: str, links: Mapping[str, list[str]]) -> dict[str, str]:
    """For each id that is joined to the start, the one before it on the shortest way there."""
    before = {start: start}
    waiting = deque([start])
    while waiting:
        one = waiting.popleft()
        for other in links[one]:
            if other not in before:
                before[other] = one
                waiting.append(other)
    return before


def _chain(end: str, before: Mapping[str, str]) -> tuple[str, ...]:
    chain = [end]
    while before[chain[-1]] != chain[-1]:
        chain.append(before[chain[-1]])
    return tuple(reversed(chain))


def kinds_of(
    owners: NDArray[np.int64], others: NDArray[np.int64], ruled: Mapping[int, Ruled]
) -> NDArray[np.int8]:
    """What was decided on pairs of rows.

    Parameters
    ----------
    owners, others : ndarray of int64, shape (n,)
    ruled : mapping
        Row → what was decided on it, for all of the owners that have decisions.

    Returns
    -------
    ndarray of int8, shape (n,)
        `DUPLICATE`, `DISTINCT`, or 0 where nothing was decided.
    """
    kinds = np.zeros(len(owners), np.int8)
    if ruled:
        places = np.flatnonzero(np.isin(owners, list(ruled)))
        pairs = zip(owners[places].tolist(), others[places].tolist(), strict=True)
        kinds[places] = [ruled[owner].get(other, 0) for owner, other in pairs]
    return kinds


def ruled_similarities(
    scores: NDArray[np.float64], kinds: NDArray[np.int8], same_story: float
) -> NDArray[np.float64]:
    """Similarities after the editors' decisions.

    Parameters
    ----------
    scores : ndarray of float64, shape (n,)
    kinds : ndarray of int8, shape (n,)
        As `kinds_of` gives them.
    same_story : float
        The threshold in force: duplicates are at least there, distinct articles below it.
    """
    if not kinds.any():
        return scores
    lifted = np.where(kinds > 0, np.maximum(scores, same_story), scores)
    return np.asarray(np.where(kinds < 0, np.minimum(lifted, _just_below(same_story)), lifted))


def are_near(
    scores: NDArray[np.float64], kinds: NDArray[np.int8], same_story: float
) -> NDArray[np.bool_]:
    """Which pairs are near-duplicates after the decisions.

    Nothing lies below a threshold of 0; there the decision itself keeps two articles apart.
    """
    return np.asarray((scores >= same_story) & (kinds >= 0))


def kind_name(kind: int) -> DecisionKind | None:
    """The public name of a kind; `None` where nothing was decided."""
    return None if not kind else "duplicate" if kind > 0 else "distinct"


def _just_below(threshold: float) -> float:
    """The largest number of four decimals below a threshold; 0 where there is none."""
    steps = math.ceil(threshold * 10_000) - 1
    below = round(steps / 10_000, 4)
    # The product may have been rounded up past a whole step.
    return max(below if below < threshold else round((steps - 1) / 10_000, 4), 0.0)
