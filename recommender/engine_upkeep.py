"""The part of `Recommender` that changes an index as a whole and looks after it.

Holds no rule of its own: the work is done by `building` and `inspection`.
"""

from __future__ import annotations

from collections.abc import Collection, Iterable
from dataclasses import replace
from datetime import datetime, timezone
from os import PathLike
from pathlib import Path
from typing import Literal, overload

from recommender import building, copying, doctor, erasing, inspection, updating
from recommender.building import Change
from recommender.config import IndexOptions
from recommender.copying import Copy
from recommender.doctor import Diagnosis
from recommender.embedders import Embedder, EmbedderIdentity, load_embedder, load_recorded
from recommender.engine_part import EnginePart
from recommender.erasing import Erasure
from recommender.generation import Generation
from recommender.incoming import OnDuplicate
from recommender.inspection import ArticleProblem, IndexInfo
from recommender.progress import Progress, silent
from recommender.records import Article
from recommender.search import IndexState
from recommender.store import Writer


class Upkeep(EnginePart):
    """Changing and inspecting an index; a base of `Recommender`."""

    @property
    def embedder_identity(self) -> EmbedderIdentity:
        """What made the vectors of the index, as it is recorded now; no model is loaded."""
        with self._turn:
            return self._searcher.state.identity

    def update(
        self,
        articles: Iterable[Article],
        *,
        progress: Progress = silent,
        on_duplicate: OnDuplicate = "error",
        allow_erased: bool = False,
        now: datetime | None = None,
    ) -> Change:
        """Add articles, or replace those of the same ids; durable on return, seen by every reader.

        What was erased for good (`remove(purge=True)`) is not taken in unless `allow_erased`
        says so; it is counted in `skipped`, and a warning is logged.

        Raises
        ------
        ArticleError
            If an id comes twice and `on_duplicate` is "error".
        EmbedderUnavailable
            If the index's model cannot be loaded; nothing has changed then.
        IndexLocked
            If another process is writing to the index.
        """
        return updating.update(
            self.path,
            articles,
            embedder=self._model,
            progress=progress,
            now=now or present(),
            on_duplicate=on_duplicate,
            previous=self._files(),
            allow_erased=allow_erased,
        )

    @overload
    def remove(self, ids: Collection[str], *, purge: Literal[False] = False) -> Change: ...

    @overload
    def remove(
        self,
        ids: Collection[str],
        *,
        purge: Literal[True],
        wait: float = ...,
        progress: Progress = ...,
        now: datetime | None = ...,
    ) -> Erasure: ...

    def remove(
        self,
        ids: Collection[str],
        *,
        purge: bool = False,
        wait: float = 60.0,
        progress: Progress = silent,
        now: datetime | None = None,
    ) -> Change | Erasure:
        """Take articles out of the index; durable on return.

        With `purge` they are erased for good: on return no file of the folder holds their texts,
        vectors, fingerprints, evidence, decisions or labels any more, and no update or build
        brings them back unless told to. Readers may go on meanwhile.

        Parameters
        ----------
        ids : collection of str
            With `purge` also ids that are not in the index, whose earlier versions may have left
            something; none at all finishes an erasure that was interrupted.
        purge : bool
        wait : float
            Seconds to wait for readers that still look at an older state.
        progress : callable
            Told how far an erasure is.
        now : datetime, optional
            When the articles were erased.

        Raises
        ------
        ArticleNotFound
            If an id is not in the index; nothing is removed then. Not with `purge`.
        ConfigError
            With `purge`, if an id is empty, or `wait` is no number of seconds.
        ErasureUnfinished
            If the articles are out of the index, but a reader or the disk keeps something of
            them in a file; says what to do.
        """
        wanted = [ids] if isinstance(ids, str) else list(ids)
        if not purge:
            return updating.remove(self.path, wanted)
        return erasing.erase(self.path, wanted, now=now or present(), wait=wait, progress=progress)

    def rebuild(
        self,
        *,
        options: IndexOptions | None = None,
        embedder: Embedder | str | None = None,
        progress: Progress = silent,
        now: datetime | None = None,
    ) -> Change:
        """Make everything derived from the texts anew: boilerplate, centres, neighbours, files.

        Parameters
        ----------
        options : IndexOptions, optional
            New options; by default the stored ones.
        embedder : Embedder or str, optional
            Another embedder; every article is embedded with it.
        """

        def choose(wanted: IndexOptions, recorded: EmbedderIdentity) -> Embedder:
            if embedder is not None or options is not None:
                self._embedder = load_for(embedder, wanted)
                return self._embedder
            return self._model()

        return building.rebuild(
            self.path, options=options, embedder=choose, progress=progress, now=now or present()
        )

    def set_timezone(self, timezone: str) -> None:
        """Change the zone of dates that name none, and of those that people see.

        Times that are stored stay as they are; the next sync reads those of its sources anew.

        Raises
        ------
        ConfigError
            If there is no such zone.
        IndexLocked
            If another process is writing to the index.
        """
        with Writer.open_for_writing(self.path) as writer, writer.transaction():
            options = IndexState.read(writer).options
            writer.set_meta(options=replace(options, timezone=timezone).to_dict())

    def verify(self, *, progress: Progress = silent) -> list[str]:
        """Read the whole index and say what is wrong, in plain words; empty when nothing is."""
        with self._turn, self._store.snapshot():
            return inspection.verify(self._searcher, progress)

    def copy(
        self,
        destination: str | PathLike[str],
        *,
        replace: bool = False,
        verify: bool = True,
        progress: Progress = silent,
    ) -> Copy:
        """Copy the index into another local folder, of one state whatever writers do meanwhile.

        The copy is one folder of three files without a log: it can be read where nothing may be
        written, and shipped with rsync. It gets its name when it is complete and checked.

        Parameters
        ----------
        destination : path
            Made; an empty folder will do.
        replace : bool
            Put the copy in the place of an index that is there, in one step where the system
            can. Readers of it see the new one at their next call.
        verify : bool
            Read the whole copy before it gets its name.

        Raises
        ------
        ConfigError
            If the destination holds something, is on another machine, or lies in the index.
        IndexCorrupt
            If the index is damaged; nothing is copied then.
        IndexStoreError
            If there is not enough space or the copy cannot be written.
        """
        return copying.copy(
            self.path, Path(destination), replace=replace, verify=verify, progress=progress
        )

    def info(self) -> IndexInfo:
        """What is in the index and how it was made."""
        with self._turn, self._store.snapshot():
            return inspection.describe(self._searcher)

    @staticmethod
    def diagnose(
        path: str | PathLike[str],
        *,
        verify: bool = True,
        progress: Progress = silent,
        now: datetime | None = None,
    ) -> Diagnosis:
        """Look at everything that can be wrong with an index, also one that does not open.

        Changes nothing, loads no model and raises nothing for what it finds.

        Parameters
        ----------
        path : path
            Folder of the index.
        verify : bool
            Read the whole index, as `verify` does.
        progress : callable
        now : datetime, optional
            The present moment; files from after it are suspicious.
        """
        return doctor.diagnose(Path(path), now=now or present(), progress=progress, verify=verify)

    def problems(self) -> list[ArticleProblem]:
        """Articles whose title does not fit, whose body is next to empty, or whose date lies."""
        with self._turn, self._store.snapshot():
            return inspection.find_problems(self._searcher)

    def _files(self) -> Generation:
        """The search files as this reader has them open, to be shared with a writer."""
        with self._turn, self._store.snapshot():
            return self._searcher.generation

    def _model(self) -> Embedder:
        """The embedder that made the index, loaded when first needed."""
        with self._turn:
            identity = self._searcher.state.identity
            if self._embedder is None or self._embedder.identity != identity:
                self._embedder = load_recorded(identity, index=self.path)
            return self._embedder


def load_for(embedder: Embedder | str | None, options: IndexOptions) -> Embedder:
    """An embedder as it is given, or loaded by its name, or by the one of the options."""
    if embedder is not None and not isinstance(embedder, str):
        return embedder
    return load_embedder(embedder or options.embedder, max_tokens=options.max_tokens)


def present() -> datetime:
    """The present moment."""
    return datetime.now(timezone.utc)
