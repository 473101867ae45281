"""Making and changing an index: build, update, remove, rebuild.

Embedding comes first and its vectors are put by as they come, so that an interrupted run loses
nothing; the lock is taken afterwards, and what readers see changes in one transaction. A killed
run leaves the index as it was, or complete.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from contextlib import contextmanager, suppress
from dataclasses import dataclass, replace
from datetime import datetime
from pathlib import Path

import numpy as np
from numpy.typing import NDArray

from recommender.centring import Centres
from recommender.config import IndexOptions, Thresholds
from recommender.deciding import note_texts, untouched
from recommender.embedders import Embedder, EmbedderIdentity
from recommender.embedding import embed, embed_spooled, key_of, put_by
from recommender.errors import (
    ArticleNotFound,
    ConfigError,
    IndexIncompatible,
    IndexMissing,
)
from recommender.filesystem import warn_of_network
from recommender.generation import (
    Generation,
    broken_files,
    remove_unnamed_files,
    renew_if_broken,
    write_generation,
)
from recommender.incoming import OnDuplicate, unique, wanted
from recommender.indexing import (
    Cleaned,
    Prepared,
    Recipe,
    clean_article,
    content_digest,
    make_recipe,
    prepare,
)
from recommender.neighbourhood import enter, fill_all
from recommender.priors import priors_for, profile_for
from recommender.progress import Progress, silent
from recommender.records import Article, Card
from recommender.search import IndexState, Searcher
from recommender.spooling import Spool
from recommender.store import Document, Pending, Store, Writer, check_writable
from recommender.tombstones import keep_out, let_back

_UPDATE_BATCH = 500
# The tail is searched exactly, and writing the files anew takes time that grows with the index:
# a night's articles of a large one wait for a later night.
_LONGEST_TAIL = 2_000
_LONGEST_TAIL_SHARE = 0.02
_CLEAN_STEP = 500
# In a build every article is compared with many: keeping them costs memory and saves hours.
_COMPARABLES_KEPT = 40_000


@dataclass(frozen=True, slots=True, kw_only=True)
class Change:
    """What a build, update, removal or rebuild did, in numbers of articles.

    `skipped` are those that were erased for good earlier, and stay out.
    """

    added: int = 0
    updated: int = 0
    unchanged: int = 0
    removed: int = 0
    embedded: int = 0
    total: int = 0
    skipped: int = 0


def build(
    folder: Path,
    articles: Iterable[Article],
    *,
    options: IndexOptions,
    thresholds: Thresholds | None,
    embedder: Embedder,
    progress: Progress,
    now: datetime,
    on_duplicate: OnDuplicate = "error",
    allow_erased: bool = False,
) -> Change:
    """Make an index of these articles, in place of one that may be there.

    Without thresholds, those that were chosen for the index that is there stay.

    Raises
    ------
    ArticleError
        If two articles have one id and `on_duplicate` is "error".
    ConfigError
        If there are no articles, and the index that is there holds some.
    IndexLocked
        If another process is writing to the index.
    IndexCorrupt, IndexIncompatible
        If what is there is damaged, no index, or of another format.
    """
    check_writable(folder)
    stored = _check_replaceable(folder)
    warn_of_network(folder)
    with Spool[Cleaned](folder) as cleaned:
        for number, article in enumerate(wanted(articles, cleaned, on_duplicate), start=1):
            cleaned.put(article.id, clean_article(article))
            if number % _CLEAN_STEP == 0:
                progress("reading texts", number, 0)
        progress("reading texts", len(cleaned), len(cleaned))
        if stored and not cleaned:
            raise ConfigError(
                f"the input holds no article, and the index at {folder} holds {stored:,}: nothing "
                "was changed; look at the input, or remove the folder if the index is to be empty"
            )
        offered = len(cleaned)
        if stored and not allow_erased:
            with Store.open(folder) as store:
                for batch in cleaned.batches(_CLEAN_STEP):
                    kept = {each.card.id for each in keep_out(store, batch)}
                    cleaned.forget({each.card.id for each in batch} - kept)
            if not cleaned:
                raise ConfigError(
                    f"all {offered:,} articles were erased from the index at {folder} for good: "
                    "nothing was changed"
                )
        change = build_cleaned(
            folder,
            cleaned,
            options=options,
            thresholds=thresholds,
            embedder=embedder,
            progress=progress,
            now=now,
            allow_erased=allow_erased,
        )
    return replace(change, skipped=offered - change.total)


def build_cleaned(
    folder: Path,
    cleaned: Spool[Cleaned],
    *,
    options: IndexOptions,
    thresholds: Thresholds | None,
    embedder: Embedder,
    progress: Progress,
    now: datetime,
    allow_erased: bool = False,
) -> Change:
    """Make an index of articles that are cleaned and wait on disk; texts stay there."""
    recipe = make_recipe(cleaned.values(), options)
    key = key_of(embedder.identity)
    with Spool[Prepared](folder) as prepared, Pending.open(folder, embedder=key) as pending:
        for batch in cleaned.batches(_CLEAN_STEP):
            for each in prepare(batch, recipe, now):
                prepared.put(each.card.id, each)
            progress("fingerprints and facts", len(prepared), len(cleaned))
        embedded = embed_spooled(prepared, embedder, pending, progress)
        with _writing(folder, create=True) as writer:
            with writer.transaction():
                unedited = untouched(writer, prepared.values())
                writer.clear()
                taken = 0
                for offered in prepared.batches(_UPDATE_BATCH):
                    allowed = _allowed(writer, offered, allow_erased)
                    vectors, _ = embed(allowed, embedder, pending, silent)
                    writer.insert_many(_documents(allowed, vectors))
                    note_texts(writer, allowed, unedited=unedited)
                    taken += len(allowed)
                chosen = thresholds or _chosen_thresholds(writer)
                _describe(writer, options, chosen, embedder.identity, recipe)
                _finish(writer, progress)
            _tidy(writer)
        pending.discard()
    return Change(added=taken, embedded=embedded, total=taken)


def _check_replaceable(folder: Path) -> int:
    """Refuse what cannot be written to before hours of embedding; how many articles it holds."""
    with suppress(IndexMissing), Store.open(folder) as store:
        return store.count()
    return 0


def update(
    folder: Path,
    articles: Iterable[Article],
    *,
    embedder: Callable[[], Embedder],
    progress: Progress,
    now: datetime,
    on_duplicate: OnDuplicate = "error",
    previous: Generation | None = None,
    allow_erased: bool = False,
) -> Change:
    """Add articles to an index or replace those of the same id; what is unchanged costs nothing.

    Large updates are committed in batches, each of them whole.

    Parameters
    ----------
    embedder : callable
        Gives the embedder; called only when something must be embedded.
    previous : Generation, optional
        Of a reader of this index, whose open files serve here as well.
    allow_erased : bool
        Take in also what was erased for good.
    """
    check_writable(folder)
    given = unique(articles, on_duplicate)
    with Store.open(folder) as store:
        plan = _plan(store, given)
        broken = broken_files(folder, store.generation())
    if not plan.changed and not plan.cards and not broken:
        return Change(unchanged=plan.unchanged, total=plan.total)
    change = take_in(
        folder,
        _clean(plan.changed, progress),
        cards=plan.cards,
        known=plan.vectors,
        embedder=embedder,
        progress=progress,
        now=now,
        previous=previous,
        allow_erased=allow_erased,
    )
    return replace(change, unchanged=plan.unchanged)


def take_in(
    folder: Path,
    cleaned: Sequence[Cleaned],
    *,
    embedder: Callable[[], Embedder],
    progress: Progress,
    now: datetime,
    cards: Mapping[str, Card] | None = None,
    known: Mapping[bytes, NDArray[np.float16]] | None = None,
    previous: Generation | None = None,
    allow_erased: bool = False,
) -> Change:
    """Put articles that differ from the stored ones of the same ids into their places.

    Parameters
    ----------
    cleaned : sequence of Cleaned
        Articles whose text, date, language or kind is another one, or that are new.
    cards : mapping of str to Card, optional
        By id, what is shown of articles whose text stays.
    known : mapping of bytes to ndarray, optional
        Vectors by the digest of their input: those are not made again.
    """
    with Store.open(folder) as store:
        state = IndexState.read(store)
        kept = list(cleaned) if allow_erased else keep_out(store, cleaned)
    prepared = _prepare(kept, state.recipe, now, progress)
    with put_by(folder, state.identity, prepared) as pending:
        vectors, embedded = embed(prepared, embedder, pending, progress, known=known)
        with _writing(folder) as writer:
            change = _apply(
                writer,
                state.identity,
                cards or {},
                prepared,
                vectors,
                progress,
                previous,
                allow_erased=allow_erased,
            )
        if pending is not None:
            pending.discard()
    skipped = len(cleaned) - len(prepared) + change.skipped
    return replace(change, embedded=embedded, skipped=skipped)


def remove(folder: Path, ids: Sequence[str]) -> Change:
    """Take articles out of the index.

    Raises
    ------
    ArticleNotFound
        If an id is not in the index; nothing is removed then.
    """
    with _writing(folder) as writer:
        with writer.transaction():
            rows = writer.rows_of(ids)
            missing = [each for each in dict.fromkeys(ids) if each not in rows]
            if missing:
                raise ArticleNotFound(
                    f"Nothing was removed: no article {', '.join(map(repr, missing[:5]))}"
                    f"{' and others' if len(missing) > 5 else ''} in {folder}."
                )
            writer.delete(sorted(rows.values()))
            _renew(writer, IndexState.read(writer))
        return Change(removed=len(rows), total=writer.count())


def withdraw(folder: Path, gone: Sequence[str], cards: Iterable[Sequence[Card]]) -> Change:
    """Take articles out and change what is shown of others, in one step.

    Damaged search files are written anew with it. What is no longer there, because another
    process took it out, is passed over.

    Parameters
    ----------
    gone : sequence of str
    cards : iterable of sequences of Card
    """
    with _writing(folder) as writer:
        updated = 0
        with writer.transaction():
            removed = writer.rows_of(gone)
            writer.delete(sorted(removed.values()))
            for batch in cards:
                rows = writer.rows_of([each.id for each in batch])
                for card in batch:
                    if card.id in rows:
                        writer.update_card(rows[card.id], card)
                updated += len(rows)
            _renew(writer, IndexState.read(writer))
        return Change(updated=updated, removed=len(removed), total=writer.count())


def rebuild(
    folder: Path,
    *,
    options: IndexOptions | None,
    embedder: Callable[[IndexOptions, EmbedderIdentity], Embedder],
    progress: Progress,
    now: datetime,
) -> Change:
    """Make everything that is derived from the texts anew: recipe, centres, neighbours, files.

    Only what is embedded differently than before is embedded again.
    """
    with _writing(folder) as writer:
        state = IndexState.read(writer)
        options = options or state.options
        stored = [each for batch in writer.iter_documents() for each in batch]
        cleaned = [
            Cleaned(card=each.card, text=each.text, content_digest=each.content_digest)
            for _, each in stored
        ]
        recipe = make_recipe(cleaned, options)
        prepared = _prepare(cleaned, recipe, now, progress)
        model = embedder(options, state.identity)
        known = {
            each.input_digest: each.sketch.vector
            for _, each in stored
            if each.sketch.vector is not None and model.identity == state.identity
        }
        with Pending.open(folder, embedder=key_of(model.identity)) as pending:
            vectors, embedded = embed(prepared, model, pending, progress, known=known)
            with writer.transaction():
                writer.replace_documents(
                    zip((row for row, _ in stored), _documents(prepared, vectors), strict=True)
                )
                note_texts(writer, prepared, unedited={each.card.id for each in prepared})
                _describe(writer, options, state.thresholds, model.identity, recipe)
                _finish(writer, progress)
            _tidy(writer)
            pending.discard()
    return Change(updated=len(stored), embedded=embedded, total=len(stored))


@dataclass(frozen=True, slots=True, kw_only=True)
class _Plan:
    """What an update has to do."""

    changed: list[Article]
    cards: dict[str, Card]
    vectors: dict[bytes, NDArray[np.float16]]
    unchanged: int
    total: int


def _plan(store: Store, given: Sequence[Article]) -> _Plan:
    """Compare given articles with the stored ones of the same ids."""
    changed: list[Article] = []
    cards: dict[str, Card] = {}
    vectors: dict[bytes, NDArray[np.float16]] = {}
    unchanged = 0
    with store.snapshot():
        rows = store.rows_of([each.id for each in given])
        for start in range(0, len(given), _UPDATE_BATCH):
            batch = given[start : start + _UPDATE_BATCH]
            stored = store.documents([rows[each.id] for each in batch if each.id in rows])
            for article in batch:
                before = stored.get(rows.get(article.id, -1))
                if before is None or before.content_digest != content_digest(article):
                    changed.append(article)
                    continue
                card = clean_article(article).card
                if card == before.card:
                    unchanged += 1
                elif same_evidence(card, before.card):
                    cards[article.id] = card
                else:
                    changed.append(article)
                    if before.sketch.vector is not None:
                        vectors[before.input_digest] = before.sketch.vector
        return _Plan(
            changed=changed, cards=cards, vectors=vectors, unchanged=unchanged, total=store.count()
        )


def same_evidence(one: Card, other: Card) -> bool:
    """Whether two cards of one text compare alike with everything."""
    return (one.date, one.language, one.excerpt) == (other.date, other.language, other.excerpt)


def _apply(
    writer: Writer,
    identity: EmbedderIdentity,
    cards: Mapping[str, Card],
    prepared: Sequence[Prepared],
    vectors: Mapping[bytes, NDArray[np.float16]],
    progress: Progress,
    previous: Generation | None,
    *,
    allow_erased: bool,
) -> Change:
    """Write an update; also what another process has done meanwhile is respected."""
    searcher = Searcher(writer, previous=previous)
    if searcher.state.identity != identity:
        raise IndexIncompatible(
            f"{writer.folder}: the index was rebuilt with another embedder meanwhile; "
            "run the update again"
        )
    added = updated = skipped = 0
    for start in range(0, max(len(prepared), 1), _UPDATE_BATCH):
        offered = prepared[start : start + _UPDATE_BATCH]
        with writer.transaction():
            batch = _allowed(writer, offered, allow_erased)
            skipped += len(offered) - len(batch)
            if start == 0:
                # With the first batch, so that a small update is one change.
                rows_of_cards = writer.rows_of(list(cards))
                for article_id, row in rows_of_cards.items():
                    writer.update_card(row, cards[article_id])
                updated += len(rows_of_cards)
            old = writer.rows_of([each.card.id for each in batch])
            writer.delete(sorted(old.values()))
            rows = writer.insert_many(_documents(batch, vectors))
            note_texts(writer, batch)
            if start == 0:
                _renew(writer, searcher.state)
            searcher.forget()
            for row in rows:
                enter(writer, searcher, row)
        added, updated = added + len(batch) - len(old), updated + len(old)
        if offered:
            progress("neighbours", start + len(offered), len(prepared))
        searcher.forget()
        longest = max(_LONGEST_TAIL, _LONGEST_TAIL_SHARE * writer.count())
        if searcher.generation.tail_length > longest:
            with writer.transaction():
                write_generation(
                    writer, searcher.state.centres, kind=searcher.state.options.vectors
                )
            _tidy(writer)
            searcher.forget()
    return Change(added=added, updated=updated, total=writer.count(), skipped=skipped)


def _allowed(writer: Writer, prepared: Sequence[Prepared], allow_erased: bool) -> list[Prepared]:
    """Those that may come in, asked under the lock: another process may have erased meanwhile."""
    if not allow_erased:
        return keep_out(writer, prepared)
    let_back(writer, prepared)
    return list(prepared)


def _clean(articles: Sequence[Article], progress: Progress) -> list[Cleaned]:
    cleaned = []
    for number, article in enumerate(articles, start=1):
        cleaned.append(clean_article(article))
        if number % _CLEAN_STEP == 0 or number == len(articles):
            progress("reading texts", number, len(articles))
    return cleaned


def _prepare(
    cleaned: Sequence[Cleaned], recipe: Recipe, now: datetime, progress: Progress
) -> list[Prepared]:
    prepared: list[Prepared] = []
    for start in range(0, len(cleaned), _CLEAN_STEP):
        prepared += prepare(cleaned[start : start + _CLEAN_STEP], recipe, now)
        progress("fingerprints and facts", len(prepared), len(cleaned))
    return prepared


def _documents(
    prepared: Sequence[Prepared], vectors: Mapping[bytes, NDArray[np.float16]]
) -> Iterator[Document]:
    return (
        each.document(vectors[each.input_digest] if each.embedding_input else None)
        for each in prepared
    )


def _chosen_thresholds(writer: Writer) -> Thresholds:
    """Those that somebody stored in the index, else the defaults."""
    meta = writer.meta()
    if not meta.get("thresholds_chosen"):
        return Thresholds()
    return Thresholds(**meta["thresholds"])


def _describe(
    writer: Writer,
    options: IndexOptions,
    thresholds: Thresholds,
    identity: EmbedderIdentity,
    recipe: Recipe,
) -> None:
    """Fit the centres to the rows and write the index's description of itself."""
    _, vectors, languages = writer.vectors()
    priors = priors_for(identity)
    centres = Centres.fit(
        vectors.reshape(-1, identity.dimension),
        languages,
        priors=priors.languages,
        other=priors.other,
    )
    writer.set_meta(
        options=replace(options, embedder=identity.name).to_dict(),
        thresholds={
            "same_text": thresholds.same_text,
            "same_story": thresholds.same_story,
            "related": thresholds.related,
        },
        embedder=identity.to_dict(),
        recipe=recipe.to_dict(),
        centres=centres.to_dict(),
        profile=profile_for(
            identity, centres.apply(vectors.reshape(-1, identity.dimension), languages), languages
        ),
    )


def _finish(writer: Writer, progress: Progress) -> None:
    """Write a generation and all neighbours for the rows in this transaction."""
    searcher = Searcher(writer, comparables_kept=_COMPARABLES_KEPT)
    state = searcher.state
    progress("search files", 0, 1)
    _, index, postings = write_generation(writer, state.centres, kind=state.options.vectors)
    progress("search files", 1, 1)
    searcher.forget()
    fill_all(writer, searcher, index, postings, progress)


def _renew(writer: Writer, state: IndexState) -> None:
    """Search files anew in this change, if they are damaged."""
    renew_if_broken(writer, state.centres, kind=state.options.vectors)


def _tidy(writer: Writer) -> None:
    """After the commit: drop files of older generations, fold the log into the database."""
    remove_unnamed_files(writer.folder, writer.generation())
    writer.checkpoint()


@contextmanager
def _writing(folder: Path, *, create: bool = False) -> Iterator[Writer]:
    """The index open for writing, without search files that nothing names, before and after."""
    with Writer.open_for_writing(folder, create=create) as writer:
        remove_unnamed_files(folder, writer.generation())
        yield writer
        remove_unnamed_files(folder, writer.generation())
