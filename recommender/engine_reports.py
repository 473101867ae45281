"""The part of `Recommender` that reports duplicates; holds no rule of its own."""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from datetime import datetime, timezone

from recommender.answering import Subject
from recommender.canonical import CanonicalPolicy
from recommender.config import Thresholds
from recommender.duplicate_report import DuplicateReport, make_report
from recommender.duplicates import group
from recommender.engine_part import EnginePart
from recommender.errors import ConfigError
from recommender.explanation import Explanation
from recommender.pairing import Measured, PairSweep
from recommender.progress import Progress, silent
from recommender.records import Card, DuplicateGroup, DuplicatePair, Verdict
from recommender.store import Writer

# The last row of the index when new duplicates were last reported.
_REPORTED = "reported_row"


class Reporting(EnginePart):
    """Duplicates of the whole index; a base of `Recommender`."""

    def duplicate_pairs(self, *, thresholds: Thresholds | None = None) -> list[DuplicatePair]:
        """All pairs of the index that are near-duplicates, closest first, ties by ids."""
        chosen = thresholds or self.thresholds
        with self._turn, self._store.snapshot():
            sweep = PairSweep(self._searcher, self._rulings)
            near = sweep.near(chosen)
            pairs = list(sweep.pairs(near.take(near.decided >= 0), chosen))
        return sorted(pairs, key=lambda p: (-p.similarity, p.first.id, p.second.id))

    def duplicate_groups(
        self, *, thresholds: Thresholds | None = None, verdict: Verdict = Verdict.SAME_STORY
    ) -> list[DuplicateGroup]:
        """Near-duplicates in groups, each with the article to keep; largest group first.

        Parameters
        ----------
        thresholds : Thresholds, optional
            For this call.
        verdict : Verdict
            The weakest verdict that puts two articles into one group.

        Notes
        -----
        Articles in different languages are never one group unless an editor decided that they
        are duplicates: neither is there in place of the other.

        Raises
        ------
        ConfigError
            If the verdict is not one of near-duplicates.
        """
        wanted = _wanted(verdict)
        with self._turn, self._store.snapshot():
            pairs = self.duplicate_pairs(thresholds=thresholds)
            distinct = self._rulings.distinct_pairs()
        near = (
            pair
            for pair in pairs
            if pair.verdict in wanted and (pair.evidence.same_language or pair.decision)
        )
        return group(near, distinct=distinct)

    def duplicate_report(
        self,
        *,
        thresholds: Thresholds | None = None,
        verdict: Verdict = Verdict.SAME_STORY,
        policy: CanonicalPolicy | None = None,
        since: datetime | None = None,
        new_only: bool = False,
        progress: Progress = silent,
    ) -> DuplicateReport:
        """Everything about the duplicates of the index: groups, doubtful pairs, templates.

        Made from the stored neighbours: no model is loaded and nothing is searched again.

        Parameters
        ----------
        thresholds : Thresholds, optional
            For this call.
        verdict : Verdict
            The weakest verdict that puts two articles into one group.
        policy : CanonicalPolicy, optional
            Which article of a group is to be kept.
        since : datetime, optional
            Only groups and pairs with an article published then or later.
        new_only : bool
            Only those with an article that came into the index, or changed, after the report
            that `mark_reported` was last called for.
        progress : callable
            Told how far the sweep is.

        Raises
        ------
        ConfigError
            If the verdict is not one of near-duplicates.
        """
        _wanted(verdict)
        verdict = Verdict(verdict)
        if policy is not None and not isinstance(policy, CanonicalPolicy):
            raise ConfigError(f"policy must be a CanonicalPolicy, not {policy!r:.60}")
        since = _aware(since)
        chosen = thresholds or self.thresholds
        with self._turn, self._store.snapshot():
            sweep = PairSweep(self._searcher, self._rulings)
            swept = sweep.all(chosen, progress=progress)
            rows = self._store.rows()
            after = int(self._store.meta().get(_REPORTED, 0)) if new_only else 0
            report = DuplicateReport(
                source=self.path.resolve().name,
                articles=len(rows),
                groups=(),
                histogram=swept.histogram,
                thresholds=chosen,
                policy=policy or CanonicalPolicy(),
                since=_since(since, after, new_only),
                settled=self._rulings.settled_pairs(),
                merged=self._rulings.merged_articles(),
                last_row=int(rows.max(initial=0)),
                change=self._store.change_counter(),
            )
            return make_report(
                [*sweep.pairs(swept.near, chosen), *sweep.pairs(swept.below, chosen)],
                report,
                verdict=verdict,
                templates=sweep.pairs(swept.templates, chosen),
                distinct=self._rulings.distinct_pairs(),
                lengths=self._lengths(swept.near, report.policy),
                fresh=self._fresh((swept.near, swept.below, swept.templates), since, after)
                if since or new_only
                else None,
            )

    def explain_pairs(
        self, pairs: Iterable[tuple[str, str]], *, thresholds: Thresholds | None = None
    ) -> Iterator[tuple[tuple[str, str], Explanation]]:
        """Explain many pairs of stored articles, one by one, in their order.

        Parameters
        ----------
        pairs : iterable of (str, str)
            Ids; a pair of which an article is no longer there is left out.
        thresholds : Thresholds, optional
            For this call.

        Yields
        ------
        (str, str)
            The pair as it was given.
        Explanation
            Of the first article against the second.
        """
        chosen = thresholds or self.thresholds
        for pair in pairs:
            with self._turn, self._store.snapshot():
                rows = self._store.rows_of(pair)
                cards = self._store.cards(sorted(rows.values()))
                if len(rows) < len(pair):
                    continue
                first, second = (
                    Subject(card=cards[rows[each]], row=rows[each], searcher=self._searcher)
                    for each in pair
                )
                explanation = self._answerer.explain(first, second, chosen)
            yield pair, explanation

    def compared_texts(self, ids: Iterable[str]) -> dict[str, str]:
        """Bodies as they are compared, without boilerplate, of those ids that are there."""
        with self._turn, self._store.snapshot():
            rows = self._store.rows_of(ids)
            known = self._searcher.comparables(sorted(rows.values()))
            return {
                each: known[row].load_text() for each, row in sorted(rows.items()) if row in known
            }

    def mark_reported(self, report: DuplicateReport) -> None:
        """Remember up to where a report goes, for the next one with `new_only`.

        Raises
        ------
        IndexLocked
            If another process is writing to the index.
        """
        with Writer.open_for_writing(self.path) as writer, writer.transaction():
            writer.set_meta(**{_REPORTED: report.last_row})

    def _lengths(self, near: Measured, policy: CanonicalPolicy) -> dict[str, int]:
        if "longest" not in policy.order:
            return {}
        rows = sorted({*near.first.tolist(), *near.second.tolist()})
        cards = self._store.cards(rows)
        lengths = self._store.lengths(rows)
        return {card.id: lengths.get(row, 0) for row, card in cards.items()}

    def _fresh(
        self, found: tuple[Measured, ...], since: datetime | None, after: int
    ) -> frozenset[str]:
        rows = {
            row for each in found for part in (each.first, each.second) for row in part.tolist()
        }
        cards = self._store.cards(sorted(rows))
        return frozenset(
            card.id for row, card in cards.items() if row > after and _published(card, since)
        )


def _published(card: Card, since: datetime | None) -> bool:
    return since is None or (card.date is not None and card.date >= since)


def _since(since: datetime | None, after: int, new_only: bool) -> str:
    said = [since.date().isoformat()] if since else []
    if new_only and after:
        said.append("the last report")
    return ", ".join(said)


def _aware(since: datetime | None) -> datetime | None:
    """As dates of articles are: a time without a zone is taken as UTC."""
    if since is None:
        return None
    if not isinstance(since, datetime):
        raise ConfigError(f"since must be a datetime, not {since!r:.60}")
    return since if since.tzinfo is not None else since.replace(tzinfo=timezone.utc)


def _wanted(verdict: Verdict) -> set[Verdict]:
    if verdict not in (Verdict.SAME_TEXT, Verdict.SAME_STORY):
        raise ConfigError(f"groups are of same-text or same-story, not of {verdict!s:.60}")
    return {Verdict.SAME_TEXT, Verdict(verdict)}
