"""All that a duplicate report says of a corpus: groups, doubtful pairs, templates, numbers.

Pure: made from measured pairs, whatever they were measured with; knows neither where articles
are kept nor how a report is shown.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Callable, Collection, Iterable, Mapping, Sequence
from dataclasses import dataclass, field, replace
from datetime import tzinfo
from typing import Literal

from recommender.canonical import CanonicalPolicy
from recommender.config import Thresholds
from recommender.duplicates import arrange
from recommender.records import DuplicateGroup, DuplicatePair, Verdict

MaybeReason = Literal["bridge", "below", "language", "heading"]
Pair = tuple[str, str]

# Pairs this little below the threshold are worth a look.
MAYBE_MARGIN = 0.03
HISTOGRAM_BINS = 50
_COMMON_TEXT, _COMMON_TITLE = 0.2, 0.5
_THRESHOLD: Mapping[Verdict, Callable[[Thresholds], float]] = {
    Verdict.SAME_TEXT: lambda each: each.same_text,
    Verdict.SAME_STORY: lambda each: each.same_story,
}


@dataclass(frozen=True, slots=True, kw_only=True)
class MaybePair:
    """Two articles that may be duplicates, and why they are in no group together.

    Attributes
    ----------
    pair : DuplicatePair
        Its verdict may be `related`, when the similarity is a little too low.
    reason : {"bridge", "below", "language", "heading"}
        Near-duplicates that fit no common group; a similarity up to 0.03 below the threshold,
        with words in common;
        near-duplicates in two languages; the same story by evidence, but under a headline that
        heads many articles or does not fit the text.
    """

    pair: DuplicatePair
    reason: MaybeReason


@dataclass(frozen=True, slots=True, kw_only=True)
class DuplicateReport:
    """What `Recommender.duplicate_report` found.

    Attributes
    ----------
    source : str
        Name of the index or the file.
    articles : int
        How many there are in it.
    groups : tuple of DuplicateGroup
        Largest first, then by id of the canonical article.
    maybe : tuple of MaybePair
        Closest first, then by ids.
    templates : tuple of DuplicateGroup
        Articles of one form with other facts; the canonical one is only an example.
    histogram : tuple of int
        Pairs by similarity, in bins of equal width from 0 to 1; below the least similarity
        that was looked at they are 0.
    thresholds : Thresholds
    policy : CanonicalPolicy
    lexical : bool
        Whether only wording was compared, without meaning.
    since : str
        What an article of each group has happened since; empty for a report on everything.
    settled : frozenset of (str, str)
        Pairs an editor has decided on and that need no more work, the smaller id first.
    merged : frozenset of str
        Articles that an editor marked to be redirected to another.
    lengths : mapping of str to int
        Characters of the texts by id, as far as the policy asked for them.
    last_row, change : int
        Up to which row, and at which change of the index.
    """

    source: str
    articles: int
    groups: tuple[DuplicateGroup, ...]
    maybe: tuple[MaybePair, ...] = ()
    templates: tuple[DuplicateGroup, ...] = ()
    histogram: tuple[int, ...] = (0,) * HISTOGRAM_BINS
    thresholds: Thresholds = field(default_factory=Thresholds)
    policy: CanonicalPolicy = field(default_factory=CanonicalPolicy)
    lexical: bool = False
    since: str = ""
    settled: frozenset[Pair] = frozenset()
    merged: frozenset[str] = frozenset()
    lengths: Mapping[str, int] = field(default_factory=dict)
    last_row: int = 0
    change: int = 0

    @property
    def duplicates(self) -> int:
        """Articles that a cleaned site would not need: members that are not canonical."""
        return sum(len(group.members) for group in self.groups)

    @property
    def open_groups(self) -> tuple[DuplicateGroup, ...]:
        """Groups with a member that no editor has decided on."""
        return tuple(group for group in self.groups if not self.is_settled(group))

    @property
    def open_duplicates(self) -> int:
        """Members that no editor has decided on."""
        return sum(len(self.open_members(group)) for group in self.groups)

    def is_settled(self, group: DuplicateGroup) -> bool:
        """Whether an editor has decided on every member of a group."""
        return not self.open_members(group)

    def open_members(self, group: DuplicateGroup) -> frozenset[str]:
        """Members of a group that an editor has still to decide on.

        What was decided on two members holds by whatever way they are joined: when a further
        copy comes in and is the one to keep, one decision joins it to those that were settled
        before. That is asked of the article they were merged into.
        """
        part = {each: {each} for each in group.ids}
        for first, second in sorted(self.settled):
            if first in part and second in part and part[first] is not part[second]:
                part[first] |= part[second]
                for each in part[second]:
                    part[each] = part[first]
        found = set()
        done = part[group.canonical.id]
        for match in sorted(group.members, key=lambda each: each.article.id in self.merged):
            if match.article.id not in done:
                found.add(match.article.id)
                done = done | part[match.article.id]
        return frozenset(found)

    def is_pair_settled(self, pair: DuplicatePair) -> bool:
        """Whether an editor has decided on a pair."""
        return (pair.first.id, pair.second.id) in self.settled

    def count(self, verdict: Verdict) -> int:
        """Groups of a verdict."""
        return sum(group.verdict is verdict for group in self.groups)

    def by_month(self, zone: tzinfo) -> list[tuple[str, int]]:
        """Duplicates by month of publication ("2025-07"), in order; undated ones last as ""."""
        found = Counter(
            match.article.date.astimezone(zone).strftime("%Y-%m") if match.article.date else ""
            for group in self.groups
            for match in group.members
        )
        return sorted(found.items(), key=lambda each: (not each[0], each[0]))

    def by_category(self) -> list[tuple[str, int]]:
        """Duplicates by category, most first."""
        found = Counter(match.article.category for group in self.groups for match in group.members)
        return sorted(found.items(), key=lambda each: (-each[1], each[0]))


def make_report(
    pairs: Iterable[DuplicatePair],
    report: DuplicateReport,
    *,
    verdict: Verdict = Verdict.SAME_STORY,
    templates: Iterable[DuplicatePair] = (),
    distinct: Collection[Pair] = frozenset(),
    lengths: Mapping[str, int] | None = None,
    fresh: Collection[str] | None = None,
) -> DuplicateReport:
    """Group pairs and sort out what is doubtful.

    Parameters
    ----------
    pairs : iterable of DuplicatePair
        Near-duplicates, and pairs a little below the threshold.
    report : DuplicateReport
        Thresholds, policy and all else that does not follow from the pairs.
    verdict : Verdict
        The weakest one that puts two articles into one group.
    templates : iterable of DuplicatePair
    distinct : collection of (str, str)
        Pairs that an editor decided distinct, the smaller id first.
    lengths : mapping, optional
        Characters of the articles' texts, by id.
    fresh : collection of str, optional
        Only what has one of these articles in it.

    Notes
    -----
    Articles in different languages are never one group unless an editor decided that they are
    duplicates: neither is there in place of the other.
    """
    wanted = {Verdict.SAME_TEXT, verdict}
    least = _THRESHOLD[verdict](report.thresholds) - MAYBE_MARGIN
    near: list[DuplicatePair] = []
    maybe: list[MaybePair] = []
    for pair in pairs:
        if (pair.first.id, pair.second.id) in distinct:
            continue
        if not (pair.decision or pair.evidence.same_language):
            if pair.verdict in wanted:
                maybe.append(MaybePair(pair=pair, reason="language"))
        elif pair.verdict in wanted and _is_headless(pair):
            maybe.append(MaybePair(pair=pair, reason="heading"))
        elif pair.verdict in wanted:
            near.append(pair)
        elif pair.similarity >= least and _is_alike(pair):
            maybe.append(MaybePair(pair=pair, reason="below"))
    grouping = arrange(near, distinct=distinct, policy=report.policy, lengths=lengths)
    maybe += [MaybePair(pair=pair, reason="bridge") for pair in grouping.bridges]
    home = {each: number for number, group in enumerate(grouping.groups) for each in group.ids}
    maybe = [each for each in maybe if not _together(each.pair, home)]
    forms = (
        pair for pair in templates if home.get(pair.first.id, -1) != home.get(pair.second.id, -2)
    )
    families = arrange(forms, policy=CanonicalPolicy(order=("earliest",))).groups
    return replace(
        report,
        lengths=dict(lengths or {}),
        groups=_with(grouping.groups, fresh),
        maybe=tuple(sorted(_doubtful(maybe, fresh), key=_closest)),
        templates=_with(families, fresh),
    )


def _is_alike(pair: DuplicatePair) -> bool:
    """Whether two articles below the threshold have words in common, not only a subject."""
    evidence = pair.evidence
    return (evidence.containment or 0.0) >= _COMMON_TEXT or (
        evidence.title_overlap or 0.0
    ) >= _COMMON_TITLE


def _is_headless(pair: DuplicatePair) -> bool:
    """Whether a headline says nothing of its article, and only the story is said to be the same.

    Headlines are left out of the evidence where they do not fit the text, or head many others,
    as that of a daily round-up does: it tells several stories, and is in place of none.
    """
    return (
        pair.verdict is not Verdict.SAME_TEXT
        and pair.decision is None
        and pair.evidence.title_overlap is None
        and bool(pair.first.title and pair.second.title)
    )


def _together(pair: DuplicatePair, home: Mapping[str, int]) -> bool:
    """Whether both are in one group anyway, by way of its canonical article."""
    return home.get(pair.first.id, -1) == home.get(pair.second.id, -2)


def _with(
    groups: Sequence[DuplicateGroup], fresh: Collection[str] | None
) -> tuple[DuplicateGroup, ...]:
    if fresh is None:
        return tuple(groups)
    return tuple(group for group in groups if any(each in fresh for each in group.ids))


def _doubtful(maybe: Iterable[MaybePair], fresh: Collection[str] | None) -> list[MaybePair]:
    return [
        each
        for each in maybe
        if fresh is None or each.pair.first.id in fresh or each.pair.second.id in fresh
    ]


def _closest(each: MaybePair) -> tuple[float, str, str]:
    return (-each.pair.similarity, each.pair.first.id, each.pair.second.id)
