"""From what editors marked, and from groups of copies, to redirects; reads one index.

`Redirecting` is the part of `Recommender` that does this. Which wish wins and what a server can
do is ruled in `redirects`; here stands what must be known of the texts for it.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping, Sequence
from datetime import datetime, timezone

import numpy as np

from recommender import deciding
from recommender.alignment import align
from recommender.contradictions import contradictions
from recommender.decisions import Decision
from recommender.engine_part import EnginePart
from recommender.evidence import COLUMN, EvidenceTable
from recommender.fact_packing import unpack
from recommender.facts import compare_facts
from recommender.records import Card, DuplicateGroup, Match, Relation, Verdict
from recommender.redirects import (
    LeftOut,
    Pair,
    Reason,
    RedirectMap,
    Wish,
    in_order,
    make_redirects,
)
from recommender.search import Searcher
from recommender.similarity import is_part, relations

_COPIED = 0.8
_MOST_DAYS = 3.0
_PARTS = (Relation.CONTAINS, Relation.CONTAINED_IN)


class Redirecting(EnginePart):
    """The method of `Recommender` for redirects."""

    def redirects(
        self, *, automatic: Iterable[DuplicateGroup] = (), now: datetime | None = None
    ) -> RedirectMap:
        """Which pages are to be redirected to which: what editors marked *merge*.

        Free of chains and loops, within one site and host, to articles that readers may see.
        Two articles of which one is a brief inside the other, that tells other stories too, are
        never redirected to one another, whatever is marked.

        Parameters
        ----------
        automatic : iterable of DuplicateGroup
            Groups whose members go to the canonical article without an editor's mark: those
            that are copies of it, with the verdict same-text, in the same language, of which no
            fact contradicts it, and on which nothing else was decided.
        now : datetime, optional
            The present moment.

        Returns
        -------
        RedirectMap
            Redirects, and with its reason every pair that was marked or given and is left out.
        """
        with self._turn, self._store.snapshot():
            reading = _Reading(self._searcher, deciding.listed(self._store))
            wishes = [*reading.decided(), *reading.automatic(automatic)]
            made = make_redirects(
                wishes,
                now=now or datetime.now(timezone.utc),
                others=(card for batch in self._store.iter_cards() for _, card in batch),
                settled=reading.settled,
                is_part=reading.is_part,
            )
        return RedirectMap(
            redirects=made.redirects, left_out=in_order([*made.left_out, *reading.left_out])
        )


class _Reading:
    """Wishes and what is measured of their texts, inside one snapshot."""

    def __init__(self, searcher: Searcher, decisions: Sequence[Decision]) -> None:
        self._searcher = searcher
        self._store = searcher.store
        self._decisions = {each.pair: each for each in decisions}
        # Articles of which an editor said that they stay beside a duplicate.
        self._staying = {
            article_id
            for each in decisions
            if each.state == "active" and each.treatment == "keep"
            for article_id in each.pair
        }
        self._tables: dict[Pair, EvidenceTable] = {}
        self.left_out: list[LeftOut] = []

    @property
    def settled(self) -> dict[Pair, Reason]:
        """Pairs of which an editor said that neither goes to the other."""
        return {
            each.pair: "distinct" if each.decision == "distinct" else "kept"
            for each in self._decisions.values()
            if each.state == "active" and (each.decision == "distinct" or each.treatment == "keep")
        }

    def decided(self) -> Iterator[Wish]:
        """What editors marked, as far as it counts now."""
        marked = [each for each in self._decisions.values() if each.treatment == "merge"]
        for each in marked:
            if each.state != "active":
                detail = ", ".join(each.missing)
                self._leave_out(each.merged, each.canonical, each.state, detail)
        counting = [each for each in marked if each.state == "active"]
        cards = self._cards(article_id for each in counting for article_id in each.pair)
        for each in counting:
            yield Wish(
                source=cards[each.merged],
                target=cards[each.canonical],
                decided_at=each.decided_at,
            )

    def automatic(self, groups: Iterable[DuplicateGroup]) -> Iterator[Wish]:
        """Members of groups that are copies of the canonical article and nothing more."""
        for group in groups:
            kept = group.canonical
            there = self._cards((kept.id, *(member.article.id for member in group.members)))
            copies = []
            for member in group.members:
                if not there.keys() >= {kept.id, member.article.id}:
                    self._leave_out(member.article.id, kept.id, "missing")
                    continue
                said = self._decisions.get(_pair(kept.id, member.article.id))
                if said is not None and said.treatment == "merge" and said.state == "active":
                    continue  # a wish of its own
                if said is not None and said.state == "stale":
                    self._leave_out(member.article.id, kept.id, "stale")
                elif member.article.id in self._staying:
                    self._leave_out(member.article.id, kept.id, "kept")
                elif (reason := _objection(member)) is not None:
                    self._leave_out(member.article.id, kept.id, reason, str(member.relation))
                else:
                    copies.append(there[member.article.id])
            against = self._contradictions(kept, copies) if copies else {}
            for card in copies:
                if card.id in against:
                    self._leave_out(card.id, kept.id, "contradiction", against[card.id])
                else:
                    yield Wish(source=card, target=there[kept.id], automatic=True)

    def is_part(self, first: str, second: str) -> bool:
        """Whether one text is a brief inside the other, which tells other stories too."""
        table = self._tables.get(_pair(first, second))
        if table is None:
            table = self._measured(first, [second])[second]
        relation = relations(table, self._searcher.similarities(table))[0]
        return relation in _PARTS and bool(is_part(table)[0])

    def _contradictions(self, kept: Card, copies: Sequence[Card]) -> dict[str, str]:
        """For each copy that contradicts the article to keep, in what."""
        tables = self._measured(kept.id, [card.id for card in copies])
        rows = self._store.rows_of([kept.id, *(card.id for card in copies)])
        sketches = self._store.sketches(list(rows.values()))
        facts = {article_id: unpack(sketches[row].facts) for article_id, row in rows.items()}
        known = self._searcher.comparables(sorted(rows.values()))
        texts = {article_id: known[row].load_text() for article_id, row in rows.items()}
        found = {}
        for card in copies:
            against = contradictions(
                align(texts[card.id], texts[kept.id]).edited,
                compare_facts(facts[card.id], facts[kept.id]),
                titles=(card.title, kept.title),
            )
            if against or tables[card.id][0][COLUMN["title_conflict"]] > 0:
                found[card.id] = "; ".join(f"{one} / {other}" for one, other in against)
        return found

    def _measured(self, article_id: str, others: Sequence[str]) -> dict[str, EvidenceTable]:
        """One row of evidence for each of the others."""
        rows = self._store.rows_of([article_id, *others])
        found = self._searcher.measure(
            self._searcher.query(rows[article_id]),
            np.array(sorted(rows[each] for each in others), np.int64),
        )
        places = {int(row): place for place, row in enumerate(found.rows)}
        tables = {each: found.table[places[rows[each]]][None] for each in others}
        self._tables.update({_pair(article_id, each): table for each, table in tables.items()})
        return tables

    def _cards(self, ids: Iterable[str]) -> Mapping[str, Card]:
        cards = self._store.cards(sorted(self._store.rows_of(set(ids)).values()))
        return {card.id: card for card in cards.values()}

    def _leave_out(self, source: str, target: str, reason: Reason, detail: str = "") -> None:
        self.left_out.append(
            LeftOut(source_id=source, target_id=target, reason=reason, detail=detail)
        )


def _pair(first: str, second: str) -> Pair:
    return min(first, second), max(first, second)


def _objection(member: Match) -> Reason | None:
    """Why a member is not redirected without an editor; `None` for a copy beyond doubt."""
    evidence = member.evidence
    if member.verdict is not Verdict.SAME_TEXT or member.relation is not Relation.COPY:
        return "not-copy"
    if not evidence.same_text and (evidence.resemblance or 0.0) < _COPIED:
        return "rewritten"
    # Formula texts of another year are worded alike; a copy follows within days.
    if not evidence.same_text and (evidence.days_apart or 0.0) > _MOST_DAYS:
        return "days-apart"
    return None
