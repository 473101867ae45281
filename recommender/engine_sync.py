"""The part of `Recommender` that follows the places where articles live.

Holds no rule of its own: what is compared, refused and done is the business of `syncing`.
"""

from __future__ import annotations

from collections.abc import Collection, Iterable, Sequence
from datetime import datetime
from os import PathLike
from pathlib import Path

from recommender import syncing
from recommender.building import Change
from recommender.config import IndexOptions, SyncOptions, Thresholds
from recommender.embedders import Embedder, check_recorded, load_recorded
from recommender.engine_upkeep import Upkeep, load_for, present
from recommender.progress import Progress, silent
from recommender.records import Article
from recommender.search import IndexState
from recommender.store import Store
from recommender.sync_plan import SyncSource
from recommender.syncing import Making, Sync


class Syncing(Upkeep):
    """Following sources; a base of `Recommender`."""

    def sync(
        self,
        articles: Iterable[Article],
        *,
        site: str = "",
        complete: bool = True,
        unreadable: Collection[str] = (),
        most_removed: float = 0.2,
        force: bool = False,
        progress: Progress = silent,
        now: datetime | None = None,
        allow_erased: bool = False,
    ) -> Change:
        """Make the index hold what one source gives: add, update, remove, or do nothing.

        The articles are read once, as they come; only those that changed are kept (on disk) and
        embedded. Nothing is written before all are read. What goes and what is only shown
        differently goes first, in one change; texts follow in parts, each durable and whole, so
        that a run that was interrupted goes on where it was. Decisions and labels stay.

        Parameters
        ----------
        articles : iterable of Article
            All articles of the source, in any order.
        site : str
            The source owns the articles of the index with this `site`; the empty one those
            without, and those of sites that its articles name. Others are left alone.
        complete : bool
            Whether what is not given is gone. A feed gives only what is new: False.
        unreadable : collection of str
            Ids of articles that are there and could not be read: they stay as they are. It is
            looked at when the articles are read, so it may be filled meanwhile. An empty id
            stands for an article that cannot be named: nothing is removed then, unless forced.
        most_removed : float
            Share of the source's articles, 0 to 1, that may be gone at once, or all get one and
            the same text; up to ten always may.
        force : bool
            Believe a source that looks broken.
        progress : callable
        now : datetime, optional
            The present moment.
        allow_erased : bool
            Take in also what was erased for good; by default it stays out and is counted in
            `skipped`.

        Raises
        ------
        SyncStopped
            If the source gives nothing, or so much less than before that it looks broken.
        SyncRunning
            If another sync of the index is running.
        ArticleError
            If an id comes twice or an article is of another site.
        EmbedderUnavailable
            If the model is needed and cannot be loaded; what was to go has gone then.
        """
        source = SyncSource(articles=articles, site=site, complete=complete, unreadable=unreadable)
        done = syncing.sync(
            self.path,
            [source],
            rules=SyncOptions(most_removed=most_removed),
            force=force,
            allow_erased=allow_erased,
            failures=False,
            embedder=self._model,
            previous=self._files,
            progress=progress,
            now=now or present(),
        )
        return done.change

    @staticmethod
    def sync_sources(
        path: str | PathLike[str],
        sources: Sequence[SyncSource],
        *,
        options: IndexOptions | None = None,
        thresholds: Thresholds | None = None,
        embedder: Embedder | str | None = None,
        rules: SyncOptions | None = None,
        elsewhere: Collection[str] = (),
        force: bool = False,
        remove_others: bool = False,
        dry_run: bool = False,
        progress: Progress = silent,
        now: datetime | None = None,
        allow_erased: bool = False,
    ) -> Sync:
        """`sync` with several sources as one plan; makes the index where there is none.

        All sources are read and looked at before anything is written. One that cannot be read is
        left as it is, and the others are synced (see `Sync.failed`); an index that is not there
        yet is made only of all of them.

        Parameters
        ----------
        path : path
            Folder of the index.
        sources : sequence of SyncSource
            No two of one site.
        options, thresholds
            For an index that is not there yet, as for `build`.
        embedder : Embedder or str, optional
            The embedder, or the name of the one, that made the index, or is to make it.
        rules : SyncOptions, optional
        elsewhere : collection of str
            Sites of sources that are not among these: their articles are no business of this
            sync.
        force : bool
            Believe sources that look broken.
        remove_others : bool
            Remove the articles of sites that neither these sources nor `elsewhere` have.
        dry_run : bool
            Only say what would be done: nothing is written and no model is loaded.
        progress : callable
        now : datetime, optional
            The present moment.
        allow_erased : bool
            Take in also what was erased for good.

        Raises
        ------
        SyncStopped
            If a source looks broken; nothing has changed then, of any source.
        SyncRunning
            If another sync of the index is running.
        SourceError
            If there is no index yet and no article for it.
        """
        folder = Path(path)

        loaded: list[Embedder] = []

        def recorded() -> Embedder:
            with Store.open(folder) as store:
                identity = IndexState.read(store).identity
            if not loaded or loaded[-1].identity != identity:
                if embedder is not None:
                    check_recorded(identity, embedder, index=folder)
                if embedder is None or isinstance(embedder, str):
                    loaded.append(load_recorded(identity, index=folder))
                else:
                    loaded.append(embedder)
            return loaded[-1]

        wanted = options or IndexOptions()
        return syncing.sync(
            folder,
            sources,
            rules=rules,
            elsewhere=elsewhere,
            force=force,
            remove_others=remove_others,
            dry_run=dry_run,
            allow_erased=allow_erased,
            embedder=recorded,
            making=Making(
                options=wanted,
                thresholds=thresholds,
                embedder=lambda: load_for(embedder, wanted),
            ),
            progress=progress,
            now=now or present(),
        )
