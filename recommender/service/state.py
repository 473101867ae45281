"""What the routes of one worker share: the index, who may ask, threads, rates, counters.

Two readers of one index. Public related lists have one for themselves, on the event loop, which
nothing holds up; everything else runs in threads over the other.
"""

from __future__ import annotations

import logging
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path
from typing import ParamSpec, TypeVar

from fastapi import Request

from recommender.engine import Recommender
from recommender.errors import RecommenderError
from recommender.records import Article
from recommender.service.access import Access, client_of
from recommender.service.embedding_client import RemoteEmbedder
from recommender.service.logs import RequestLog
from recommender.service.metrics import Metrics
from recommender.service.problems import Problem
from recommender.service.rates import Rates
from recommender.service.related import RelatedLists
from recommender.service.work import Work
from recommender.service_settings import ServeOptions
from recommender.store import is_present, waiting_at_most

logger = logging.getLogger(__name__)

# Longer than other workers take for a change; a rebuild takes minutes.
_LOCK_SECONDS = 5.0
Parameters = ParamSpec("Parameters")
Result = TypeVar("Result")


@dataclass(frozen=True, slots=True, kw_only=True)
class ServiceState:
    """What the routes of one worker share.

    Attributes
    ----------
    options : ServeOptions
    engine : Recommender
        For threads: call it through `run`, never on the event loop.
    reader : Recommender
        For what takes a moment on the event loop.
    lists : RelatedLists
        Public related lists, rendered.
    access : Access
        `Depends(state.access.required)` lets only the token or a login pass.
    rates : Rates
    work : Work
        For token holders.
    changes : Work
        What writes, one after another: whoever waits for another writer keeps nobody else waiting.
    public_work : Work
        For related lists that need a search: nobody without the token fills the editors' queue.
    embedder : RemoteEmbedder or None
        None where only the anonymous calls are answered.
    metrics : Metrics
    log : RequestLog
    worker : int
        Number of this worker.
    """

    options: ServeOptions
    engine: Recommender
    reader: Recommender
    lists: RelatedLists
    access: Access
    rates: Rates
    work: Work
    changes: Work
    public_work: Work
    embedder: RemoteEmbedder | None
    metrics: Metrics
    log: RequestLog
    worker: int = 0

    @classmethod
    def open(
        cls,
        index: Path,
        options: ServeOptions,
        *,
        token: str | None,
        runtime: Path,
        worker: int = 0,
    ) -> ServiceState:
        """Open an index for a worker.

        Parameters
        ----------
        index : Path
        options : ServeOptions
        token : str or None
        runtime : Path
            Folder that the processes of one service share; only its owner may enter it.
        worker : int

        Raises
        ------
        IndexStoreError
            If the index cannot be used.
        """
        reader = Recommender.open(index)
        embedder = None
        if not options.public_only:
            embedder = RemoteEmbedder(
                embedding_socket(runtime),
                identity=lambda: reader.embedder_identity,
                seconds=options.request_seconds,
            )
        rates = Rates(runtime / "rates")
        return cls(
            options=options,
            engine=Recommender.open(index, embedder=embedder),
            reader=reader,
            lists=RelatedLists(
                reader,
                cache_seconds=options.cache_seconds,
                stale_seconds=options.stale_seconds,
            ),
            access=Access(
                token, rates=rates, tries=options.logins_per_minute, hours=options.login_hours
            ),
            rates=rates,
            work=Work(
                threads=options.threads, queue=options.queue, seconds=options.request_seconds
            ),
            changes=Work(threads=1, queue=options.queue, seconds=options.request_seconds),
            public_work=Work(
                threads=1 + options.threads // 4,
                queue=options.queue,
                seconds=options.request_seconds,
            ),
            embedder=embedder,
            metrics=Metrics(),
            log=RequestLog(worker, wanted=options.log_requests),
            worker=worker,
        )

    async def run(
        self,
        function: Callable[Parameters, Result],
        /,
        *args: Parameters.args,
        **kwargs: Parameters.kwargs,
    ) -> Result:
        """Call a function in a thread; see `Work.run`."""
        return await self.work.run(function, *args, **kwargs)

    async def change(
        self,
        function: Callable[Parameters, Result],
        /,
        *args: Parameters.args,
        **kwargs: Parameters.kwargs,
    ) -> Result:
        """Call a function that writes; an index that another process locks is soon given up."""

        def soon() -> Result:
            with waiting_at_most(min(_LOCK_SECONDS, self.options.request_seconds / 2)):
                return function(*args, **kwargs)

        return await self.changes.change(soon)

    def is_there(self) -> bool:
        """Whether there is a database at the index's path: open files outlive their names."""
        return is_present(self.reader.path)

    def take_embeddings(self, request: Request, count: int = 1) -> None:
        """Use up part of a client's rate of texts that the model reads.

        Raises
        ------
        Problem
            429 with the time to wait.
        """
        most = self.options.embeddings_per_minute
        wait = self.rates.take("embedding", client_of(request), per_minute=most, count=count)
        if wait:
            raise Problem(
                429,
                f"The model reads {most:,} texts a minute of one client ([serve] "
                "embeddings_per_minute); ?lexical=1 compares without it.",
                retry_after=wait,
            )

    def warm_up(self) -> None:
        """Load what the first draft would wait for: the words of languages, the search files."""
        draft = Article(id="(warm-up)", body="新的一天开始了，城市里的人们陆续出门上班。" * 4)
        try:
            self.engine.near_duplicates(draft, limit=1, lexical=True)
        except RecommenderError as error:
            # Whoever asks will be told.
            logger.warning("the index cannot be searched: %s", error)

    def close(self) -> None:
        """Close the index."""
        self.work.close()
        self.changes.close()
        self.public_work.close()
        self.engine.close()
        self.reader.close()
        self.rates.close()


def embedding_socket(runtime: Path) -> Path:
    """Where the embedding process listens."""
    return runtime / "embedding"
