"""What a sync has to do: its sources read to their ends and compared with the index.

What did not change is dropped as it comes, what did waits on disk, so that memory holds little
more than the ids. Knows no kinds of sources.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Callable, Collection, Container, Iterable, Sequence
from dataclasses import dataclass, field
from pathlib import Path

import numpy as np
from numpy.typing import NDArray
from xxhash import xxh3_64_intdigest

from recommender.building import Change
from recommender.closing import Closing
from recommender.errors import ArticleError, IndexStoreError, RecommenderError, SyncStopped
from recommender.generation import broken_files
from recommender.incoming import wanted
from recommender.indexing import Cleaned, card_of, clean_article, content_digest
from recommender.progress import Progress
from recommender.records import Article, Card
from recommender.spooling import Spool
from recommender.store import Standing, Store, articles_by_site, standing_of
from recommender.tombstones import erased_among
from recommender.updating import same_evidence
from recommender.waiting import cards_on_disk, cleaned_on_disk

# So few may always go: of twelve articles, three are a quarter.
FEW_REMOVED = 10
_BATCH = 500
_BATCH_LENGTH = 4_000_000


@dataclass(frozen=True, slots=True, kw_only=True)
class SyncSource:
    """One place where articles live, as a sync reads it.

    Parameters
    ----------
    articles : iterable of Article
        Read once, to its end. An error of this package while it is read means that the source
        cannot be read, and changes nothing of it.
    name : str
        What messages call it.
    site : str
        The `site` of its articles. The empty one owns those without a site, and those of sites
        that its articles name and no other source has.
    complete : bool
        Whether what it does not give is gone.
    unreadable : collection of str
        Ids of articles that are there and cannot be read: they stay as they are. Looked at when
        the articles are read, so it may be filled meanwhile. An empty id stands for an article
        that cannot be named: then nothing of the source is taken out, unless forced.
    on_problem : callable, optional
        Given an article that cannot be stored, which then counts as unreadable; else the source
        fails.
    """

    articles: Iterable[Article] = field(repr=False)
    name: str = "the source"
    site: str = ""
    complete: bool = True
    unreadable: Collection[str] = ()
    on_problem: Callable[[ArticleError], None] | None = None


@dataclass(frozen=True, slots=True, kw_only=True)
class SyncedSource:
    """What a sync found in one source, in numbers of articles.

    Attributes
    ----------
    name, site : str
    given : int
        That it gave.
    added, updated, unchanged, removed : int
    shown : int
        Of those updated, how many differ only in what is shown of them, as a count of visits.
    skipped : int
        That were erased for good earlier, and stay out.
    unreadable : int
        Ids that could not be read and stay as they are.
    withheld : int
        That it did not give, and that stay because it holds something that cannot be named.
    failure : str
        Why it could not be read; nothing of it was changed then.
    """

    name: str
    site: str
    given: int = 0
    added: int = 0
    updated: int = 0
    unchanged: int = 0
    removed: int = 0
    shown: int = 0
    skipped: int = 0
    unreadable: int = 0
    withheld: int = 0
    failure: str = ""


@dataclass(slots=True)
class _Draft:
    """One source as far as it has been read."""

    source: SyncSource
    seen: set[str] = field(default_factory=set)
    sites: set[str] = field(default_factory=set)
    unstorable: set[str] = field(default_factory=set)
    counts: Counter[str] = field(default_factory=Counter)
    # How often texts came in the place of others.
    texts: Counter[int] = field(default_factory=Counter)
    owned: int = 0
    shown: int = 0
    missing: list[str] = field(default_factory=list)
    withheld: int = 0
    failure: str = ""

    def fail(self, error: RecommenderError) -> None:
        """Nothing of what was read counts."""
        self.failure = str(error)
        self.counts.clear()
        self.texts.clear()
        self.shown = 0

    def unreadable(self) -> set[str]:
        """Ids of articles that are there and could not be read."""
        return (set(self.source.unreadable) | self.unstorable) - self.seen

    def result(self) -> SyncedSource:
        """What is told of it."""
        return SyncedSource(
            name=self.source.name,
            site=self.source.site,
            given=0 if self.failure else len(self.seen),
            unreadable=len(self.unreadable() - {""}),
            removed=len(self.missing),
            shown=self.shown,
            withheld=self.withheld,
            failure=self.failure,
            **self.counts,
        )


class Plan(Closing):
    """What is to be done: made by reading, checked, and only then carried out."""

    def __init__(
        self,
        folder: Path,
        store: Store | None,
        sources: Sequence[SyncSource],
        *,
        elsewhere: Collection[str],
        keep: bool,
        allow_erased: bool,
    ) -> None:
        self.folder = folder
        self.drafts = [_Draft(each) for each in sources]
        self.others: dict[str, int] = {}
        self._strays: list[str] = []
        self.changed: Spool[Cleaned] = cleaned_on_disk(folder)
        self.cards: Spool[Card] = cards_on_disk(folder)
        self.stored = 0 if store is None else store.count()
        self._store = store
        self._elsewhere = frozenset(elsewhere)
        self._keep = keep
        self._allow_erased = allow_erased

    def close(self) -> None:
        """Drop what waits on disk."""
        self.changed.close()
        self.cards.close()

    @property
    def gone(self) -> list[str]:
        """Ids of articles that are to be taken out."""
        return sorted([*self._strays, *(each for draft in self.drafts for each in draft.missing)])

    @property
    def total(self) -> int:
        """Articles that the sources gave."""
        return sum(len(draft.seen) for draft in self.drafts if not draft.failure)

    def outlook(self) -> Change:
        """The change as it will be, but for what is embedded."""
        counts: Counter[str] = Counter()
        for draft in self.drafts:
            counts.update(draft.counts)
        removed = len(self.gone)
        total = self.stored + counts["added"] - removed
        return Change(**counts, removed=removed, total=total)

    def read(self, progress: Progress, *, failures: bool) -> None:
        """Read all sources."""
        for draft in self.drafts:
            try:
                self._read(draft, progress)
            except IndexStoreError:
                raise
            except RecommenderError as error:
                if not failures:
                    raise
                draft.fail(error)
                self.changed.forget(draft.seen)
                self.cards.forget(draft.seen)

    def _read(self, draft: _Draft, progress: Progress) -> None:
        batch: list[Article] = []
        length = 0
        stage = f"reading {draft.source.name}"
        for article in wanted(draft.source.articles, _Seen(self.drafts), "error"):
            self._check_site(article, draft)
            draft.seen.add(article.id)
            batch.append(article)
            length += len(article.body)
            if len(batch) == _BATCH or length >= _BATCH_LENGTH:
                self._compare(draft, batch)
                progress(stage, len(draft.seen), 0)
                batch, length = [], 0
        self._compare(draft, batch)
        progress(stage, len(draft.seen), len(draft.seen))

    def _check_site(self, article: Article, draft: _Draft) -> None:
        site, own = article.site, draft.source.site
        if site == own:
            return
        if own or site in self._elsewhere or any(site == each.source.site for each in self.drafts):
            raise ArticleError(
                f"its site is {site!r}, and {draft.source.name} has "
                + (f"the site {own!r}" if own else "those that no other source has"),
                article_id=article.id,
            )
        draft.sites.add(site)

    def _compare(self, draft: _Draft, batch: Sequence[Article]) -> None:
        standing: dict[str, Standing] = {}
        if self._store is not None:
            standing = standing_of(self._store, [each.id for each in batch])
        changed: list[Cleaned] = []
        for article in batch:
            try:
                found = self._compare_one(draft, article, standing.get(article.id))
            except ArticleError as error:
                if draft.source.on_problem is None:
                    raise
                draft.source.on_problem(error)
                draft.seen.discard(article.id)
                draft.unstorable.add(article.id)
                continue
            if found is not None:
                changed.append(found)
        if self._store is not None and not self._allow_erased:
            erased = set(erased_among(self._store, changed))
            draft.counts["skipped"] += len(erased)
            changed = [each for each in changed if each.card.id not in erased]
        for each in changed:
            draft.counts["updated" if each.card.id in standing else "added"] += 1
            if self._keep:
                self.changed.put(each.card.id, each)

    def _compare_one(
        self, draft: _Draft, article: Article, standing: Standing | None
    ) -> Cleaned | None:
        """The article cleaned, if its text or what it is compared by is new."""
        if standing is None:
            cleaned = clean_article(article)
            Standing.check_card(cleaned.card)
            return cleaned
        if standing.content_digest == content_digest(article):
            card = card_of(article, standing.language)
            if standing.has_card(card):
                draft.counts["unchanged"] += 1
                return None
            if self._is_shown_only(standing.row, card):
                draft.counts["updated"] += 1
                draft.shown += 1
                if self._keep:
                    self.cards.put(article.id, card)
                return None
            return clean_article(article)
        cleaned = clean_article(article)
        Standing.check_card(cleaned.card)
        if standing.length:
            draft.texts[xxh3_64_intdigest(cleaned.text.encode("utf-8", "surrogatepass"))] += 1
        return cleaned

    def _is_shown_only(self, row: int, card: Card) -> bool:
        """Whether a card differs from the stored one in nothing that is compared."""
        before = self._store.cards([row]).get(row) if self._store is not None else None
        return before is not None and same_evidence(card, before)

    def look_for_gone(self, *, force: bool, remove_others: bool = False) -> None:
        """Find the articles of each source that it does not give, and those of no source."""
        # One that was not read may have had a site that it alone knows.
        remove_others = remove_others and not any(draft.failure for draft in self.drafts)
        if self._store is None:
            return
        owners = {site: draft for draft in self.drafts for site in draft.sites}
        owners.update((draft.source.site, draft) for draft in self.drafts)
        unreadable = {id(draft): draft.unreadable() for draft in self.drafts}
        seen = _Seen(self.drafts)
        others: Counter[str] = Counter()
        with self._store.snapshot():
            for batch in articles_by_site(self._store):
                for article_id, site in batch:
                    draft = owners.get(site)
                    if draft is None:
                        if site not in self._elsewhere:
                            others[site] += 1
                            if remove_others:
                                self._strays.append(article_id)
                        continue
                    draft.owned += 1
                    gone = article_id not in seen and article_id not in unreadable[id(draft)]
                    if gone and draft.source.complete and not draft.failure:
                        draft.missing.append(article_id)
        for draft in self.drafts:
            if "" in unreadable[id(draft)] and not force:
                draft.withheld, draft.missing = len(draft.missing), []
        self.others = {} if remove_others else dict(sorted(others.items()))

    def check(self, most_removed: float) -> None:
        """Stop before anything is written if a source looks broken.

        Raises
        ------
        SyncStopped
        """
        reasons = [
            f"{draft.source.name} {reason}"
            for draft in self.drafts
            if not draft.failure and (reason := _suspicion(draft, most_removed))
        ]
        if reasons:
            raise SyncStopped(
                f"{'; '.join(reasons)}: the sync of {self.folder} stopped, and nothing was "
                "changed; look at the source, or run it again with --force (force=True) if this "
                "is right"
            )

    def broken(self) -> bool:
        """Whether search files of the index are damaged."""
        return self._store is not None and bool(broken_files(self.folder, self._store.generation()))

    def known_vectors(self, ids: Sequence[str]) -> dict[bytes, NDArray[np.float16]]:
        """Vectors that are stored with articles, by the digest of their input."""
        known: dict[bytes, NDArray[np.float16]] = {}
        if self._store is None:
            return known
        with self._store.snapshot():
            rows = sorted(self._store.rows_of(ids).values())
            for start in range(0, len(rows), _BATCH):
                for each in self._store.documents(rows[start : start + _BATCH]).values():
                    if each.sketch.vector is not None:
                        known[each.input_digest] = each.sketch.vector
        return known


class _Seen(Container[str]):
    """Ids that any of the sources gave."""

    def __init__(self, drafts: Sequence[_Draft]) -> None:
        self._sets = [draft.seen for draft in drafts]

    def __contains__(self, article_id: object) -> bool:
        return any(article_id in each for each in self._sets)


def _suspicion(draft: _Draft, most_removed: float) -> str:
    """What is odd about a source; empty when nothing is."""
    if not draft.owned:
        return ""
    held = f"of the {draft.owned:,} articles that the index holds of it"
    limit = max(FEW_REMOVED, most_removed * draft.owned)
    share = f"(more than {most_removed:.0%}; [sync] most_removed sets that)"
    if draft.source.complete and not draft.seen:
        bad = len(draft.unreadable())
        cannot = f"; {bad:,} cannot be read" if bad else ""
        return f"gives none {held}{cannot}"
    if len(draft.missing) > limit:
        return f"no longer gives {len(draft.missing):,} {held} {share}"
    most = max(draft.texts.values(), default=0)
    if most > limit:
        return f"gives one and the same text, or none, for {most:,} {held} {share}"
    return ""
