"""Drawing pairs from an index, keeping labels in it, and measuring them against it.

Joins the pure parts (`sampling`, `curves`, `tuning`) with the stored neighbours. `Labelling` is
the part of `Recommender` that does this; it holds no rule of its own.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterable, Iterator, Sequence
from dataclasses import asdict, dataclass, replace
from datetime import datetime, timezone
from pathlib import Path

import numpy as np

from recommender.answering import Subject
from recommender.config import Thresholds
from recommender.curves import Scored
from recommender.engine_part import EnginePart
from recommender.errors import ConfigError, LabelError
from recommender.generation import Rows
from recommender.labels import Label, PairToLabel
from recommender.records import Card
from recommender.sampling import CandidatePair, DrawnPair, Strata, draw, pair_key
from recommender.search import Searcher
from recommender.store import (
    NeighbourList,
    Store,
    Writer,
    content_digests,
    put_labels,
    read_labels,
    settled_pairs,
)
from recommender.tuning import Goal, Tuning, evaluate

_SWEEP = 2_000
_BEGINNING = 200
_MOST_PAIRS = 10_000


@dataclass(frozen=True, slots=True, kw_only=True)
class LabelChange:
    """What became of labels, in numbers.

    Attributes
    ----------
    added, replaced : int
        New ones, and such as took the place of another of the same pair and origin.
    missing : int
        Left out because an article is not in the index.
    total : int
        Labels now in the index.
    """

    added: int = 0
    replaced: int = 0
    missing: int = 0
    total: int = 0


class Labelling(EnginePart):
    """The methods of `Recommender` for labelling and tuning."""

    def pairs_to_label(
        self,
        count: int = 50,
        *,
        between: tuple[float, float] = (0.5, 1.0),
        seed: int = 0,
        thresholds: Thresholds | None = None,
    ) -> list[PairToLabel]:
        """Draw pairs that are worth a person's judgement.

        Stratified by similarity, with more from around the thresholds; no article twice, nor a
        near-duplicate of one that was drawn; never a pair that was labelled or decided on. The
        pairs are drawn from the stored neighbours, which hold each article's best candidates.

        Parameters
        ----------
        count : int
            Pairs wanted, 1 to 10,000; fewer come back where there are no more stories.
        between : (float, float)
            Similarities, both edges included.
        seed : int
            Another seed draws other pairs; the same one draws the same from the same index.
        thresholds : Thresholds, optional
            For this call.

        Returns
        -------
        list of PairToLabel
            Nearest to a threshold first, ties by ids.

        Raises
        ------
        ConfigError
            If the count or a similarity is out of range.
        """
        _check_whole("count", count, 1, _MOST_PAIRS)
        _check_whole("seed", seed, -(2**63), 2**63 - 1)
        low, high = between
        strata = Strata(low, high, count)
        with self._turn, self._store.snapshot():
            chosen = thresholds or self.thresholds
            settled = settled_pairs(self._store)
            for pairs in candidate_pairs(self._searcher, low, high, seed):
                strata.add(p for p in pairs if (p.first_id, p.second_id) not in settled)
            drawn = draw(
                strata,
                count=count,
                cuts=tuple(asdict(chosen).values()),
                near=lambda row: self._answerer.near_rows([row], chosen)[row],
            )
            return [self._to_label(each, chosen) for each in drawn]

    def _to_label(self, drawn: DrawnPair, thresholds: Thresholds) -> PairToLabel:
        rows = [drawn.pair.first, drawn.pair.second]
        cards, texts = self._store.cards(rows), self._store.texts(rows)
        first, second = (Subject(card=cards[row], row=row, searcher=self._searcher) for row in rows)
        compared = self._answerer.compare(first, second, thresholds)
        return PairToLabel(
            first=compared.first,
            second=compared.second,
            similarity=drawn.pair.similarity,
            verdict=thresholds.verdict(drawn.pair.similarity),
            relation=compared.relation,
            evidence=compared.evidence,
            first_beginning=_beginning(texts.get(rows[0], "")),
            second_beginning=_beginning(texts.get(rows[1], "")),
            weight=round(drawn.weight, 4),
        )

    def labels(self) -> list[Label]:
        """The labels kept in the index, by ids and origin."""
        with self._turn:
            return read_labels(self._store)

    def add_labels(self, labels: Iterable[Label], *, now: datetime | None = None) -> LabelChange:
        """Keep labels in the index; durable on return.

        They outlive removals, rebuilds and builds over the same folder. A label replaces an
        earlier one of the same pair and origin; one of an article that is not in the index is
        left out and counted.

        Parameters
        ----------
        labels : iterable of Label
        now : datetime, optional
            The moment they are marked with.

        Raises
        ------
        LabelError
            If one pair has two labels of one origin; nothing is stored then.
        IndexLocked
            If another process is writing to the index.
        """
        return _save(self.path, labels, None, now or datetime.now(timezone.utc))

    def set_thresholds(
        self, thresholds: Thresholds, *, labels: Iterable[Label] = (), now: datetime | None = None
    ) -> LabelChange:
        """Store thresholds in the index, and labels with them: both or neither.

        Durable on return and seen by every reader at its next call; one that was opened with
        thresholds of its own keeps those.

        Raises
        ------
        LabelError, IndexLocked
            As for `add_labels`.
        """
        return _save(self.path, labels, thresholds, now or datetime.now(timezone.utc))

    def tune(
        self,
        labels: Iterable[Label] | None = None,
        *,
        precision: float | None = None,
        recall: float | None = None,
        thresholds: Thresholds | None = None,
    ) -> Tuning:
        """What labelled pairs say of the thresholds; nothing is stored.

        The similarities are those of the index as it is now, so that labels given under another
        model, or before a rebuild, speak for the present one.

        Parameters
        ----------
        labels : iterable of Label, optional
            By default those kept in the index.
        precision, recall : float, optional
            Propose thresholds that reach this, instead of those with the best F1.
        thresholds : Thresholds, optional
            What proposals are compared with, in place of those in force.

        Raises
        ------
        LabelError
            If there are no labels, or none of a pair in the index.
        ConfigError
            If both precision and recall are given, or one is out of range.
        """
        goal = Goal(precision, recall)
        with self._turn, self._store.snapshot():
            given = read_labels(self._store) if labels is None else list(labels)
            if not given:
                raise LabelError(
                    f'{self.path}: there are no labels; draw pairs with "recommender pairs" and '
                    "fill in the column label"
                )
            rows = self._store.rows_of({id_ for each in given for id_ in (each.first, each.second)})
            known = [each for each in given if each.first in rows and each.second in rows]
            usable = _of_present_texts(self._store, known, rows)
            if not usable:
                raise LabelError(
                    f"{self.path}: none of {len(given):,} labels is of two articles in this "
                    "index, with the texts that were labelled; is it the right index?"
                )
            return evaluate(
                measured(self._searcher, usable, rows),
                in_force=thresholds or self.thresholds,
                goal=goal,
                missing=len(given) - len(known),
                changed=len(known) - len(usable),
            )


def candidate_pairs(
    searcher: Searcher, low: float, high: float, seed: int
) -> Iterator[list[CandidatePair]]:
    """All pairs of stored neighbours with a similarity in the band, each once, in batches."""
    store = searcher.store
    rows = store.rows()
    for start in range(0, len(rows), _SWEEP):
        owners, others, scores = _in_band(
            searcher, rows[start : start + _SWEEP].tolist(), low, high
        )
        there = np.isin(others, rows)
        # The lower row reports a pair, unless only the higher one's list has it.
        again = np.flatnonzero(there & (owners > others))
        there[again] &= ~_listed(store, others[again], owners[again])
        places = np.flatnonzero(there)
        cards = store.cards(np.union1d(owners[places], others[places]).tolist())
        yield [
            _candidate(cards, owner, other, score, seed)
            for owner, other, score in zip(
                owners[places].tolist(),
                others[places].tolist(),
                scores[places].tolist(),
                strict=True,
            )
        ]


def _in_band(
    searcher: Searcher, rows: Sequence[int], low: float, high: float
) -> tuple[Rows, Rows, np.ndarray[tuple[int], np.dtype[np.float64]]]:
    """Owner, other and similarity of the entries of these rows' lists."""
    lists = searcher.store.neighbours_of(rows)
    order = [row for row in sorted(lists) if len(lists[row].rows)]
    if not order:
        return np.zeros(0, np.int64), np.zeros(0, np.int64), np.zeros(0)
    owners = np.repeat(np.array(order, np.int64), [len(lists[row].rows) for row in order])
    others = np.concatenate([lists[row].rows for row in order])
    scores = searcher.similarities(np.concatenate([lists[row].evidence for row in order]))
    inside = (scores >= low) & (scores <= high)
    return owners[inside], others[inside], scores[inside]


def _listed(store: Store, owners: Rows, others: Rows) -> np.ndarray[tuple[int], np.dtype[np.bool_]]:
    """Whether each owner's list has the other."""
    found = np.zeros(len(owners), bool)
    width = np.int64(others.max(initial=0) + 1)
    wanted = np.unique(owners)
    for start in range(0, len(wanted), _SWEEP):
        lists = store.neighbours_of(wanted[start : start + _SWEEP].tolist())
        entries = [row * width + stored.rows[stored.rows < width] for row, stored in lists.items()]
        if entries:
            found |= np.isin(owners * width + others, np.concatenate(entries))
    return found


def _candidate(
    cards: dict[int, Card], owner: int, other: int, score: float, seed: int
) -> CandidatePair:
    first, second = sorted((owner, other), key=lambda row: cards[row].id)
    ids = cards[first].id, cards[second].id
    return CandidatePair(pair_key(*ids, seed), *ids, first, second, score)


def measured(searcher: Searcher, labels: Sequence[Label], rows: dict[str, int]) -> Iterator[Scored]:
    """The labels with their pairs' similarities now, from stored evidence or measured."""
    pairs = sorted({(rows[each.first], rows[each.second]) for each in labels})
    scores: dict[tuple[int, int], float] = {}
    for start in range(0, len(pairs), _SWEEP):
        part = pairs[start : start + _SWEEP]
        lists = searcher.store.neighbours_of(sorted({row for pair in part for row in pair}))
        for pair in part:
            scores[pair] = _similarity(searcher, lists, *pair)
    for each in labels:
        yield Scored(each, scores[rows[each.first], rows[each.second]])


def _similarity(
    searcher: Searcher, lists: dict[int, NeighbourList], first: int, second: int
) -> float:
    for owner, other in ((first, second), (second, first)):
        if owner in lists:
            places = np.flatnonzero(lists[owner].rows == other)
            if len(places):
                return float(searcher.similarities(lists[owner].evidence[places[:1]])[0])
    found = searcher.measure(searcher.query(first), np.array([second], np.int64))
    return float(searcher.similarities(found.table)[0])


def _of_present_texts(store: Store, labels: Sequence[Label], rows: dict[str, int]) -> list[Label]:
    """Labels whose articles have the texts that were labelled, as far as that is known."""
    wanted = sorted(
        {
            rows[article_id]
            for each in labels
            for article_id, digest in (
                (each.first, each.first_digest),
                (each.second, each.second_digest),
            )
            if digest
        }
    )
    digests: dict[int, bytes] = {}
    for start in range(0, len(wanted), _SWEEP):
        digests.update(content_digests(store, wanted[start : start + _SWEEP]))
    return [
        each
        for each in labels
        if (not each.first_digest or each.first_digest == digests[rows[each.first]])
        and (not each.second_digest or each.second_digest == digests[rows[each.second]])
    ]


def _save(
    folder: Path, labels: Iterable[Label], thresholds: Thresholds | None, now: datetime
) -> LabelChange:
    """Store labels and thresholds in one transaction."""
    given = list(labels)
    keys = Counter((each.first, each.second, each.origin) for each in given)
    for first, second, origin in (key for key, count in keys.items() if count > 1):
        raise LabelError(f"{first!r} and {second!r} have two labels of origin {origin!r}")
    with Writer.open_for_writing(folder) as writer, writer.transaction():
        before = {(each.first, each.second, each.origin) for each in read_labels(writer)}
        rows = writer.rows_of({id_ for each in given for id_ in (each.first, each.second)})
        known = [each for each in given if each.first in rows and each.second in rows]
        digests = content_digests(writer, sorted(rows.values()))
        put_labels(
            writer,
            (
                replace(
                    each,
                    # What was labelled before keeps its time and the texts it was given for.
                    labelled_at=each.labelled_at or now,
                    first_digest=each.first_digest or digests[rows[each.first]],
                    second_digest=each.second_digest or digests[rows[each.second]],
                )
                for each in known
            ),
        )
        if thresholds is not None:
            writer.set_meta(thresholds=asdict(thresholds), thresholds_chosen=True)
        replaced = sum((each.first, each.second, each.origin) in before for each in known)
        added = len(known) - replaced
    return LabelChange(
        added=added,
        replaced=replaced,
        missing=len(given) - len(known),
        total=len(before) + added,
    )


def _beginning(text: str) -> str:
    words = " ".join(text.split())
    return words if len(words) <= _BEGINNING else words[:_BEGINNING].rstrip() + "…"


def _check_whole(name: str, value: object, least: int, most: int) -> None:
    if isinstance(value, bool) or not isinstance(value, int) or not least <= value <= most:
        raise ConfigError(
            f"{name} must be a whole number from {least:,} to {most:,}, not {value!r}"
        )
