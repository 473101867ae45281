"""Changing an index that is there: articles are added, replaced, taken out, or shown differently.

Embedding comes first and its vectors are put by as they come; the lock is taken afterwards, and
each batch is one transaction. What did not change costs nothing. A killed run leaves the index as
it was before a batch or after it.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Mapping, Sequence
from dataclasses import dataclass, replace
from datetime import datetime
from pathlib import Path

import numpy as np
from numpy.typing import NDArray

from recommender.building import (
    BATCH,
    CLEAN_STEP,
    Change,
    allowed,
    documents,
    prepare_in_steps,
    renew,
    tidy,
    writing,
)
from recommender.deciding import note_texts
from recommender.embedders import Embedder, EmbedderIdentity
from recommender.embedding import embed, put_by
from recommender.errors import (
    ArticleNotFound,
    IndexIncompatible,
)
from recommender.generation import (
    Generation,
    broken_files,
    write_generation,
)
from recommender.incoming import OnDuplicate, unique
from recommender.indexing import (
    Cleaned,
    Prepared,
    clean_article,
    content_digest,
)
from recommender.neighbourhood import enter
from recommender.progress import Progress
from recommender.records import Article, Card
from recommender.search import IndexState, Searcher
from recommender.store import Store, Writer, check_writable
from recommender.tombstones import keep_out

# The tail is searched exactly, and writing the files anew takes time that grows with the index:
# a night's articles of a large one wait for a later night.
_LONGEST_TAIL = 2_000
_LONGEST_TAIL_SHARE = 0.02


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
    prepared = prepare_in_steps(kept, state.recipe, now, progress)
    with put_by(folder, state.identity, prepared) as pending:
        vectors, embedded = embed(prepared, embedder, pending, progress, known=known)
        with writing(folder) as writer:
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
    with writing(folder) as writer:
        with writer.transaction():
            rows = writer.rows_of(ids)
            missing = [each for each in dict.fromkeys(ids) if each not in rows]
            if missing:
                raise ArticleNotFound(
                    f"Nothing was removed: no article {', '.join(map(repr, missing[:5]))}"
                    f"{' and others' if len(missing) > 5 else ''} in {folder}."
                )
            writer.delete(sorted(rows.values()))
            renew(writer, IndexState.read(writer))
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
    with writing(folder) as writer:
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
            renew(writer, IndexState.read(writer))
        return Change(updated=updated, removed=len(removed), total=writer.count())


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
        for start in range(0, len(given), BATCH):
            batch = given[start : start + BATCH]
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
    for start in range(0, max(len(prepared), 1), BATCH):
        offered = prepared[start : start + BATCH]
        with writer.transaction():
            batch = allowed(writer, offered, allow_erased)
            skipped += len(offered) - len(batch)
            if start == 0:
                # With the first batch, so that a small update is one change.
                rows_of_cards = writer.rows_of(list(cards))
                for article_id, row in rows_of_cards.items():
                    writer.update_card(row, cards[article_id])
                updated += len(rows_of_cards)
            old = writer.rows_of([each.card.id for each in batch])
            writer.delete(sorted(old.values()))
            rows = writer.insert_many(documents(batch, vectors))
            note_texts(writer, batch)
            if start == 0:
                renew(writer, searcher.state)
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
            tidy(writer)
            searcher.forget()
    return Change(added=added, updated=updated, total=writer.count(), skipped=skipped)


def _clean(articles: Sequence[Article], progress: Progress) -> list[Cleaned]:
    cleaned = []
    for number, article in enumerate(articles, start=1):
        cleaned.append(clean_article(article))
        if number % CLEAN_STEP == 0 or number == len(articles):
            progress("reading texts", number, len(articles))
    return cleaned
