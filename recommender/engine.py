"""`Recommender`: one index as a library user, the command line and a service see it.

Joins the parts and holds no rule of its own. The clock comes in here, the embedder is loaded
here when it is first needed, and every answer is given inside one snapshot of the index.
"""

from __future__ import annotations

from collections.abc import Collection, Iterable, Iterator, Sequence
from contextlib import contextmanager
from datetime import datetime
from functools import partial
from os import PathLike
from pathlib import Path
from threading import Lock, RLock

import numpy as np

from recommender import building
from recommender.answering import (
    Answerer,
    Fill,
    Predicate,
    Request,
    Subject,
    as_filter,
    check_request,
)
from recommender.closing import Closing
from recommender.config import IndexOptions, Thresholds
from recommender.deciding import mark_prepared
from recommender.embedders import (
    Embedder,
    check_recorded,
)
from recommender.engine_decisions import Deciding
from recommender.engine_finding import Finding
from recommender.engine_reports import Reporting
from recommender.engine_sync import Syncing
from recommender.engine_upkeep import load_for, present
from recommender.explanation import Explanation
from recommender.fact_packing import unpack
from recommender.incoming import OnDuplicate
from recommender.indexing import clean_article, comparable_draft, prepare
from recommender.labelling import Labelling
from recommender.listing import Listing
from recommender.progress import Progress, silent
from recommender.records import (
    Article,
    Comparison,
    MatchList,
)
from recommender.redirecting import Redirecting
from recommender.retrieval import Ranking
from recommender.rulings import Rulings
from recommender.search import IndexState, Query, Searcher
from recommender.store import Store, check_on_opening

PathLikeText = str | PathLike[str]


class Recommender(Closing, Deciding, Finding, Labelling, Listing, Redirecting, Reporting, Syncing):
    """Related articles and near-duplicates from one index.

    Made by `Recommender.open` or `Recommender.build`; a context manager. One object may be used
    from several threads, which take turns. A change made by another process is seen by the next
    call.
    """

    def __init__(
        self, store: Store, *, thresholds: Thresholds | None, embedder: Embedder | str | None
    ) -> None:
        self._store = store
        self._searcher = Searcher(store)
        self._rulings = Rulings(self._searcher)
        self._answerer = Answerer(self._searcher, self._rulings)
        self._thresholds = thresholds
        self._embedder = embedder if not isinstance(embedder, str) else None
        self._turn = RLock()
        # A model reads one text at a time; its library need not bear several threads.
        self._reading = Lock()

    @classmethod
    def open(
        cls,
        path: PathLikeText,
        *,
        thresholds: Thresholds | None = None,
        embedder: Embedder | str | None = None,
    ) -> Recommender:
        """Open an index for reading; no model is loaded.

        Parameters
        ----------
        path : path
            Folder of the index.
        thresholds : Thresholds, optional
            In place of those stored in the index.
        embedder : Embedder or str, optional
            The embedder, or the name of the one, that must have made the index; by default the
            one recorded in it is loaded when a text must be embedded.

        Raises
        ------
        IndexMissing
            If there is no index, or only an unfinished build.
        IndexCorrupt, IndexIncompatible
            If it is damaged, of a newer format, or made by another embedder.
        """
        store = Store.open(Path(path))
        try:
            opened = cls(store, thresholds=thresholds, embedder=embedder)
            with store.snapshot():
                check_on_opening(store)
                if embedder is not None:
                    identity = opened._searcher.state.identity
                    check_recorded(identity, embedder, index=opened.path)
        except BaseException:
            store.close()
            raise
        return opened

    @classmethod
    def build(
        cls,
        path: PathLikeText,
        articles: Iterable[Article],
        *,
        embedder: Embedder | str | None = None,
        thresholds: Thresholds | None = None,
        options: IndexOptions | None = None,
        progress: Progress = silent,
        on_duplicate: OnDuplicate = "error",
        allow_erased: bool = False,
        now: datetime | None = None,
    ) -> Recommender:
        """Build an index and open it; one that is there is replaced when the new one is complete.

        Parameters
        ----------
        path : path
            Folder of the index; made when missing.
        articles : iterable of Article
            In any order; the result does not depend on it.
        embedder : Embedder or str, optional
            Wins over `options.embedder`.
        thresholds : Thresholds, optional
            Stored in the index; by default those that `set_thresholds` stored in it before.
        options : IndexOptions, optional
        progress : callable
            Called with a stage, how much is done, and how much there is.
        on_duplicate : {"error", "first", "last"}
            Which of two articles with one id wins.
        allow_erased : bool
            Take in also what was erased from the index that is there; by default it stays out,
            and a warning is logged.
        now : datetime, optional
            The present moment; dates far after it are implausible.

        Raises
        ------
        ArticleError
            If an id comes twice and `on_duplicate` is "error".
        ConfigError
            If there are no articles, and the index that is there holds some.
        EmbedderUnavailable
            If the model cannot be loaded.
        IndexLocked
            If another process is writing to the index.
        """
        options = options or IndexOptions()
        model = load_for(embedder, options)
        building.build(
            Path(path),
            articles,
            options=options,
            thresholds=thresholds,
            embedder=model,
            progress=progress,
            now=now or present(),
            on_duplicate=on_duplicate,
            allow_erased=allow_erased,
        )
        return cls.open(path, embedder=model)

    def close(self) -> None:
        """Close the files; the object cannot be used afterwards."""
        self._store.close()

    def __len__(self) -> int:
        return self._store.count()

    def __contains__(self, article_id: object) -> bool:
        return isinstance(article_id, str) and self._store.row_of(article_id) is not None

    def related(
        self,
        article: str | Article,
        *,
        limit: int = 5,
        min_similarity: float | None = None,
        thresholds: Thresholds | None = None,
        categories: Collection[str] = (),
        languages: Collection[str] = (),
        sources: Collection[str] = (),
        sites: Collection[str] = (),
        after: datetime | None = None,
        before: datetime | None = None,
        exclude: Collection[str] = (),
        predicate: Predicate | None = None,
        half_life_days: float | None = None,
        diversity: float = 0.0,
        fill: Fill | None = None,
        public_only: bool = True,
        lexical: bool = False,
        now: datetime | None = None,
    ) -> MatchList:
        """The best related articles, each story once.

        Never holds a near-duplicate of the article nor two of one another, and is never padded:
        where fewer match, fewer come back, and `reason` says why.

        Parameters
        ----------
        article : str or Article
            Id of a stored article, or one that need not be in the index.
        limit : int
            Most matches.
        min_similarity : float, optional
            Least similarity, its edge included; by default the threshold "related".
        thresholds : Thresholds, optional
            For this call.
        categories, languages, sources, sites : collections of str
            Only articles with one of these values; a single text is one value.
        after, before : datetime, optional
            Only articles published at or after / strictly before.
        exclude : collection of str
            Ids to leave out.
        predicate : callable, optional
            Given a `Card`, whether the article may be in the list.
        half_life_days : float, optional
            Ranks an article this much older half as high; similarities stay as they are.
        diversity : float
            From 0 to 1: how much likeness to articles already in the list counts against one.
        fill : {"category", "latest"}, optional
            Adds `filler` up to the limit, apart from the matches.
        public_only : bool
            Whether what readers may not see now is left out.
        lexical : bool
            Compare an article that is not in the index by wording, title and facts alone: no
            model is loaded, and nothing is found that says it in other words.
        now : datetime, optional
            The present moment.

        Raises
        ------
        ArticleNotFound
            If no article has that id.
        ConfigError
            If a limit, similarity or option is out of range.
        """
        now = now or present()
        chosen = thresholds or self.thresholds
        least = chosen.related if min_similarity is None else min_similarity
        check_request(limit, least, fill)
        request = Request(
            limit=limit,
            thresholds=chosen,
            min_similarity=least,
            filter=as_filter(
                categories=categories,
                languages=languages,
                sources=sources,
                sites=sites,
                after=after,
                before=before,
                exclude=exclude,
                public_at=now if public_only else None,
            ),
            predicate=predicate,
            ranking=Ranking(half_life_days=half_life_days, diversity=diversity),
            fill=fill,
            now=now,
        )
        with self._answering(article, lexical=lexical) as (subject,):
            return self._answerer.related(subject, request)

    def near_duplicates(
        self,
        article: str | Article,
        *,
        limit: int = 20,
        min_similarity: float | None = None,
        thresholds: Thresholds | None = None,
        exclude: Collection[str] = (),
        public_only: bool = False,
        lexical: bool = False,
        now: datetime | None = None,
    ) -> MatchList:
        """Articles with the same text or the same story, closest first; nothing is stored.

        A draft that carries the id of a stored article is not compared with that article.

        Parameters
        ----------
        article : str or Article
            Id of a stored article, or one that need not be in the index.
        limit : int
            Most matches.
        min_similarity : float, optional
            Least similarity; by default the threshold "same story".
        thresholds : Thresholds, optional
            For this call.
        exclude : collection of str
            Ids to leave out.
        public_only : bool
            Whether what readers may not see now is left out; an editor wants to see it.
        lexical : bool
            As for `related`.
        now : datetime, optional
            The present moment.

        Returns
        -------
        MatchList
            An empty one says in `reason` if the article has too little text to be compared.

        Raises
        ------
        ArticleNotFound, ConfigError
            As for `related`.
        """
        now = now or present()
        chosen = thresholds or self.thresholds
        least = chosen.same_story if min_similarity is None else min_similarity
        check_request(limit, least, None)
        passing = as_filter(exclude=exclude, public_at=now if public_only else None)
        with self._answering(article, lexical=lexical) as (subject,):
            return self._answerer.near_duplicates(
                subject, limit=limit, min_similarity=least, thresholds=chosen, passing=passing
            )

    def compare(
        self,
        first: str | Article,
        second: str | Article,
        *,
        thresholds: Thresholds | None = None,
        lexical: bool = False,
    ) -> Comparison:
        """Compare two articles, stored or not, with all evidence and the facts that differ.

        `lexical` compares what is not stored without any model, as for `related`.

        Raises
        ------
        ArticleNotFound
            If an id is not in the index.
        """
        with self._answering(first, second, lexical=lexical) as (one, other):
            return self._answerer.compare(one, other, thresholds or self.thresholds)

    def explain(
        self, first: str | Article, second: str | Article, *, thresholds: Thresholds | None = None
    ) -> Explanation:
        """Compare two articles, stored or not, and say why they are as close as they are.

        Parameters
        ----------
        first, second : str or Article
            Ids of stored articles, or articles that need not be in the index.
        thresholds : Thresholds, optional
            For this call.

        Returns
        -------
        Explanation
            The comparison, how its evidence adds up, the passages both share, the sentences
            that were edited or that only one has, and the facts.

        Raises
        ------
        ArticleNotFound
            If an id is not in the index.
        """
        return self.explain_all(first, [second], thresholds=thresholds)[0]

    def explain_all(
        self,
        article: str | Article,
        others: Sequence[str | Article],
        *,
        thresholds: Thresholds | None = None,
        lexical: bool = False,
    ) -> list[Explanation]:
        """`explain` an article against each of several others, in their order.

        `lexical` compares what is not stored without any model, as for `related`.
        """
        chosen = thresholds or self.thresholds
        with self._answering(article, *others, lexical=lexical) as (one, *rest):
            return [self._answerer.explain(one, each, chosen) for each in rest]

    @contextmanager
    def _answering(
        self, *articles: str | Article, lexical: bool = False
    ) -> Iterator[Sequence[Subject]]:
        """Subjects for ids and articles, inside one snapshot; drafts are embedded before it."""
        with self._turn, self._store.snapshot():
            state = self._searcher.state
        # Out of turn: other threads get their answers while a model reads.
        drafts = {
            place: self._draft(article, state, lexical=lexical)
            for place, article in enumerate(articles)
            if isinstance(article, Article)
        }
        with self._turn, self._store.snapshot():
            yield [
                drafts[place] if place in drafts else self._stored(str(article))
                for place, article in enumerate(articles)
            ]

    def _stored(self, article_id: str) -> Subject:
        row = self._row(article_id)
        return Subject(card=self._store.cards([row])[row], row=row, searcher=self._searcher)

    def _draft(self, article: Article, state: IndexState, *, lexical: bool) -> Subject:
        prepared = prepare([clean_article(article)], state.recipe, present())[0]
        vector = None
        if prepared.embedding_input and not lexical:
            model = self._model()
            with self._reading:
                vector = model.embed([prepared.embedding_input])[0].astype(np.float16)
        query = Query(
            comparable=comparable_draft(prepared),
            vector=vector,
            row=self._store.row_of(article.id),
        )
        return Subject(
            card=prepared.card,
            row=None,
            searcher=self._searcher,
            draft=query,
            draft_facts=unpack(prepared.sketch.facts),
            draft_mark=partial(mark_prepared, prepared),
            by_wording=bool(prepared.embedding_input) and lexical,
        )
