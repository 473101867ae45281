"""The part of `Recommender` with which editors overrule the model; holds no rule of its own."""

from __future__ import annotations

import logging
from collections.abc import Iterable
from datetime import datetime, timezone

from recommender import deciding
from recommender.decisions import Decision, DecisionConflict
from recommender.engine_part import EnginePart
from recommender.records import DecisionKind, Treatment

_LOGGER = logging.getLogger(__name__)
_LOGGED = 10


class Deciding(EnginePart):
    """Decisions on pairs; a base of `Recommender`."""

    def decide(
        self,
        first: str,
        second: str,
        decision: DecisionKind,
        *,
        treatment: Treatment = "",
        canonical: str = "",
        note: str = "",
        decided_by: str = "",
        now: datetime | None = None,
    ) -> tuple[DecisionConflict, ...]:
        """Store that two articles are duplicates, or that they are not; durable on return.

        The decision wins over the model in every answer of every reader, takes the place of an
        earlier one on the pair, and survives removals, rebuilds, builds over the index and
        other models. Once one of the texts has become another one it is stale and no longer
        counts; deciding again confirms it.

        Parameters
        ----------
        first, second : str
            Ids of stored articles, in any order.
        decision : {"duplicate", "distinct"}
        treatment : {"", "merge", "keep"}
            What is done about duplicates: one is redirected to the other, or both stay.
        canonical : str
            Which of the two is kept when they are merged.
        note, decided_by : str
            Why and by whom.
        now : datetime, optional
            The present moment.

        Returns
        -------
        tuple of DecisionConflict
            Contradictions the decision has a part in: A = B, B = C, A ≠ C. It is stored all the
            same, nothing is resolved, and a warning is logged.

        Raises
        ------
        ArticleNotFound
            If one of the articles is not in the index.
        ConfigError
            If both are one article, a value is none that can be stored, or treatment and
            canonical article do not fit together.
        IndexLocked
            If another process is writing to the index.
        """
        decided = Decision(
            first=first,
            second=second,
            decision=decision,
            treatment=treatment,
            canonical=canonical,
            note=note,
            decided_by=decided_by,
        )
        return self.decide_many([decided], now=now)

    def decide_many(
        self, decisions: Iterable[Decision], *, now: datetime | None = None
    ) -> tuple[DecisionConflict, ...]:
        """Store several decisions, all of them or none; as `decide`.

        Parameters
        ----------
        decisions : iterable of Decision
            What the index fills in of them (hashes, whether they are stale) is made anew.
        now : datetime, optional
            When those were made that do not say so.

        Raises
        ------
        ArticleNotFound, ConfigError, IndexLocked
            As for `decide`; also if a pair comes twice. Nothing is stored then.
        """
        found = deciding.decide(self.path, list(decisions), now=now or datetime.now(timezone.utc))
        for conflict in found[:_LOGGED]:
            _LOGGER.warning("decisions contradict one another: %s", conflict)
        if len(found) > _LOGGED:
            _LOGGER.warning("these decisions have a part in %d contradictions", len(found))
        return found

    def forget_decision(self, first: str, second: str) -> bool:
        """Take out the decision on a pair, also a stale one; gives whether there was one.

        Raises
        ------
        IndexLocked
            If another process is writing to the index.
        """
        return deciding.forget(self.path, first, second)

    def decisions(self) -> list[Decision]:
        """All decisions, by ids; those that do not count now say why in `state`."""
        with self._turn, self._store.snapshot():
            return deciding.listed(self._store)

    def treatments(self) -> dict[tuple[str, str], Decision]:
        """What is to become of pairs, by their ids, the smaller first: merge, keep, distinct.

        Only decisions that count now, and none that calls two articles duplicates without
        saying what is done about them: there the work is still to do.
        """
        return {
            each.pair: each
            for each in self.decisions()
            if each.is_settled and each.state == "active"
        }

    def decision_conflicts(self) -> tuple[DecisionConflict, ...]:
        """Where the decisions that count now contradict one another: A = B, B = C, A ≠ C."""
        with self._turn, self._store.snapshot():
            return deciding.conflicts(self._store)
