"""Bringing an index up to the places where its articles live: what is new, changed and gone.

Every source is read to its end and compared with the index before anything is written, so that
one that looks broken stops the whole with nothing changed. What did not change is dropped as it
comes; what did waits on disk. Articles that are gone, and what is only shown differently, go
first, because that needs no model and must not wait hours for one; texts follow in batches, each
of them whole, so that an interrupted run goes on where it was. Knows no kinds of sources.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Callable, Collection, Mapping, Sequence
from contextlib import ExitStack, suppress
from dataclasses import dataclass
from datetime import datetime
from pathlib import Path

from recommender import building, updating
from recommender.building import Change
from recommender.config import IndexOptions, SyncOptions, Thresholds
from recommender.embedders import Embedder
from recommender.errors import ConfigError, IndexMissing, SourceError
from recommender.filesystem import warn_of_network
from recommender.generation import Generation
from recommender.progress import Progress
from recommender.records import Filter
from recommender.store import Store, SyncLock
from recommender.sync_plan import Plan, SyncedSource, SyncSource

# An update is embedded and written in parts of this size; what was put by outlives a kill.
_PART = 2_000


@dataclass(frozen=True, slots=True, kw_only=True)
class Sync:
    """What a sync did, or with `dry_run` would do.

    Attributes
    ----------
    change : Change
        Of all sources; a dry run does not tell how many would be embedded.
    sources : tuple of SyncedSource
    others : mapping of str to int
        Sites of articles in the index that no source has, with how many: those stay, unless they
        were to be removed.
    built : bool
        Whether there was no index before.
    dry_run : bool
    not_public : int
        Articles of the index that readers may not see now: hidden, for members, not yet or no
        longer public. They are in no list. A dry run does not tell.
    """

    change: Change
    sources: tuple[SyncedSource, ...]
    others: Mapping[str, int]
    built: bool = False
    dry_run: bool = False
    not_public: int = 0

    @property
    def changed(self) -> bool:
        """Whether anything in the index is, or would be, another."""
        return bool(self.change.added or self.change.updated or self.change.removed)

    @property
    def failed(self) -> tuple[SyncedSource, ...]:
        """Sources that could not be read."""
        return tuple(each for each in self.sources if each.failure)


@dataclass(frozen=True, slots=True, kw_only=True)
class Making:
    """How an index is made where there is none."""

    options: IndexOptions
    thresholds: Thresholds | None
    embedder: Callable[[], Embedder]


def sync(
    folder: Path,
    sources: Sequence[SyncSource],
    *,
    embedder: Callable[[], Embedder],
    progress: Progress,
    now: datetime,
    making: Making | None = None,
    rules: SyncOptions | None = None,
    elsewhere: Collection[str] = (),
    force: bool = False,
    remove_others: bool = False,
    dry_run: bool = False,
    allow_erased: bool = False,
    failures: bool = True,
    previous: Callable[[], Generation] | None = None,
) -> Sync:
    """Add, update and remove until the index holds what the sources give.

    Parameters
    ----------
    folder : Path
    sources : sequence of SyncSource
        No two of one site.
    embedder : callable
        Gives the embedder of the index; called only when something must be embedded.
    progress : callable
    now : datetime
    making : Making, optional
        How to make an index that is not there yet; without it that is an error.
    rules : SyncOptions, optional
    elsewhere : collection of str
        Sites of sources that are not among these.
    force : bool
        Believe sources that look broken.
    remove_others : bool
        Remove the articles of sites that no source has; never while one cannot be read.
    dry_run : bool
        Write nothing and load no model.
    allow_erased : bool
        Take in also what was erased for good.
    failures : bool
        Whether the sync goes on without sources that cannot be read; else their error is raised.
    previous : callable, optional
        Gives the search files of a reader of this index, which serve here as well.

    Raises
    ------
    SyncStopped
        If a source would lose too much; nothing has changed then.
    SyncRunning
        If another sync of this index is running.
    SourceError
        If no source gives an article for an index that is not there yet.
    """
    _check(sources)
    rules = rules or SyncOptions()
    with ExitStack() as stack:
        if not dry_run:
            stack.enter_context(SyncLock.acquire(folder))
        store = None
        with suppress(IndexMissing):
            store = stack.enter_context(Store.open(folder))
        if store is None and making is None:
            # With the words of the store on what is missing.
            Store.open(folder).close()
        plan = stack.enter_context(
            Plan(
                folder,
                store,
                sources,
                elsewhere=elsewhere,
                keep=not dry_run,
                allow_erased=allow_erased,
            )
        )
        plan.read(progress, failures=failures and store is not None)
        plan.look_for_gone(force=force, remove_others=remove_others)
        if not force:
            plan.check(rules.most_removed)
        if store is None and not plan.total:
            raise SourceError(f"the sources give no article, and no index was made at {folder}")
        if dry_run:
            change = plan.outlook()
        elif store is None and making is not None:
            warn_of_network(folder)
            change = _make(folder, plan, making, progress, now)
        else:
            change = _apply(plan, embedder, progress, now, previous, allow_erased)
        return Sync(
            change=change,
            sources=tuple(draft.result() for draft in plan.drafts),
            others=plan.others,
            built=store is None and not dry_run,
            dry_run=dry_run,
            not_public=0 if dry_run else _not_public(folder, now),
        )


def _not_public(folder: Path, now: datetime) -> int:
    with Store.open(folder) as store, store.snapshot():
        return store.count() - len(store.filter_rows(Filter(public_at=now)))


def _check(sources: Sequence[SyncSource]) -> None:
    for site, count in Counter(each.site for each in sources).items():
        if count > 1:
            which = f"the site {site!r}" if site else "no site"
            raise ConfigError(f"two sources have {which}; their articles could not be told apart")


def _make(folder: Path, plan: Plan, making: Making, progress: Progress, now: datetime) -> Change:
    return building.build_cleaned(
        folder,
        plan.changed,
        options=making.options,
        thresholds=making.thresholds,
        embedder=making.embedder(),
        progress=progress,
        now=now,
    )


def _apply(
    plan: Plan,
    embedder: Callable[[], Embedder],
    progress: Progress,
    now: datetime,
    previous: Callable[[], Generation] | None,
    allow_erased: bool,
) -> Change:
    total = plan.outlook()
    done = Change(unchanged=total.unchanged, skipped=total.skipped, total=plan.stored)
    # Where search files are damaged, also a run that has nothing else to do mends them.
    if plan.gone or plan.cards or (not plan.changed and plan.broken()):
        done = _sum(done, updating.withdraw(plan.folder, plan.gone, plan.cards.batches()))
    files = previous() if previous is not None and plan.changed else None
    for part in plan.changed.batches(_PART):
        change = updating.take_in(
            plan.folder,
            part,
            known=plan.known_vectors([each.card.id for each in part]),
            embedder=embedder,
            progress=progress,
            now=now,
            previous=files,
            allow_erased=allow_erased,
        )
        done = _sum(done, change)
    return done


def _sum(one: Change, other: Change) -> Change:
    """Two changes as one; the total is that after the second."""
    return Change(
        added=one.added + other.added,
        updated=one.updated + other.updated,
        unchanged=one.unchanged + other.unchanged,
        removed=one.removed + other.removed,
        embedded=one.embedded + other.embedded,
        skipped=one.skipped + other.skipped,
        total=other.total,
    )
