"""Making an index, and making it anew: build and rebuild, and what they share with updates.

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
from recommender.embedding import Lengths, embed, embed_spooled, key_of, lengths_of
from recommender.errors import (
    ConfigError,
    IndexMissing,
)
from recommender.filesystem import warn_of_network
from recommender.generation import (
    remove_unnamed_files,
    renew_if_broken,
    write_generation,
)
from recommender.incoming import OnDuplicate, wanted
from recommender.indexing import (
    Cleaned,
    Prepared,
    Recipe,
    clean_article,
    make_recipe,
    prepare,
)
from recommender.neighbourhood import fill_all
from recommender.priors import priors_for, profile_for
from recommender.progress import Progress, silent
from recommender.records import Article
from recommender.search import IndexState, Searcher
from recommender.spooling import Spool
from recommender.store import Document, Pending, Store, Writer, check_writable
from recommender.tombstones import keep_out, let_back
from recommender.waiting import cleaned_on_disk, prepared_on_disk

# Articles of one transaction of an update.
BATCH = 500
CLEAN_STEP = 500


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
    with cleaned_on_disk(folder) as cleaned:
        for number, article in enumerate(wanted(articles, cleaned, on_duplicate), start=1):
            cleaned.put(article.id, clean_article(article))
            if number % CLEAN_STEP == 0:
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
                for batch in cleaned.batches(CLEAN_STEP):
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
    with prepared_on_disk(folder) as prepared, Pending.open(folder, embedder=key) as pending:
        lengths: Lengths = {}
        for batch in cleaned.batches(CLEAN_STEP):
            made = prepare(batch, recipe, now)
            for each in made:
                prepared.put(each.card.id, each)
            lengths.update(lengths_of(made))
            progress("fingerprints and facts", len(prepared), len(cleaned))
        embedded = embed_spooled(prepared, lengths, embedder, pending, progress)
        del lengths
        with writing(folder, create=True) as writer:
            with writer.transaction():
                unedited = untouched(writer, prepared.values())
                writer.clear()
                taken = 0
                for offered in prepared.batches(BATCH):
                    kept = allowed(writer, offered, allow_erased)
                    vectors, _ = embed(kept, embedder, pending, silent)
                    writer.insert_many(documents(kept, vectors))
                    note_texts(writer, kept, unedited=unedited)
                    taken += len(kept)
                chosen = thresholds or _chosen_thresholds(writer)
                describe(writer, options, chosen, embedder.identity, recipe)
                _finish(writer, progress)
            tidy(writer)
        pending.discard()
    return Change(added=taken, embedded=embedded, total=taken)


def _check_replaceable(folder: Path) -> int:
    """Refuse what cannot be written to before hours of embedding; how many articles it holds."""
    with suppress(IndexMissing), Store.open(folder) as store:
        return store.count()
    return 0


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
    with writing(folder) as writer:
        state = IndexState.read(writer)
        options = options or state.options
        stored = [each for batch in writer.iter_documents() for each in batch]
        cleaned = [
            Cleaned(card=each.card, text=each.text, content_digest=each.content_digest)
            for _, each in stored
        ]
        recipe = make_recipe(cleaned, options)
        prepared = prepare_in_steps(cleaned, recipe, now, progress)
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
                    zip((row for row, _ in stored), documents(prepared, vectors), strict=True)
                )
                note_texts(writer, prepared, unedited={each.card.id for each in prepared})
                describe(writer, options, state.thresholds, model.identity, recipe)
                _finish(writer, progress)
            tidy(writer)
            pending.discard()
    return Change(updated=len(stored), embedded=embedded, total=len(stored))


def allowed(writer: Writer, prepared: Sequence[Prepared], allow_erased: bool) -> list[Prepared]:
    """Those that may come in, asked under the lock: another process may have erased meanwhile."""
    if not allow_erased:
        return keep_out(writer, prepared)
    let_back(writer, prepared)
    return list(prepared)


def prepare_in_steps(
    cleaned: Sequence[Cleaned], recipe: Recipe, now: datetime, progress: Progress
) -> list[Prepared]:
    """Fingerprints and facts of articles, some at a time."""
    prepared: list[Prepared] = []
    for start in range(0, len(cleaned), CLEAN_STEP):
        prepared += prepare(cleaned[start : start + CLEAN_STEP], recipe, now)
        progress("fingerprints and facts", len(prepared), len(cleaned))
    return prepared


def documents(
    prepared: Sequence[Prepared], vectors: Mapping[bytes, NDArray[np.float16]]
) -> Iterator[Document]:
    """The articles as they are stored, each with its vector."""
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


def describe(
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
    searcher = Searcher(writer)
    state = searcher.state
    progress("search files", 0, 1)
    _, index, postings = write_generation(writer, state.centres, kind=state.options.vectors)
    progress("search files", 1, 1)
    searcher.forget()
    fill_all(writer, searcher, index, postings, progress)


def renew(writer: Writer, state: IndexState) -> None:
    """Search files anew in this change, if they are damaged."""
    renew_if_broken(writer, state.centres, kind=state.options.vectors)


def tidy(writer: Writer) -> None:
    """After the commit: drop files of older generations, fold the log into the database."""
    remove_unnamed_files(writer.folder, writer.generation())
    writer.checkpoint()


@contextmanager
def writing(folder: Path, *, create: bool = False) -> Iterator[Writer]:
    """The index open for writing, without search files that nothing names, before and after."""
    with Writer.open_for_writing(folder, create=create) as writer:
        remove_unnamed_files(folder, writer.generation())
        yield writer
        remove_unnamed_files(folder, writer.generation())
