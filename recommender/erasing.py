"""`remove --purge`: articles go for good, from every file of the index folder.

In this order, so that a kill at any moment loses no promise: one transaction takes out the rows
and everything that names them, writes search files without them, stores their tombstones and
records that an erasure has begun; then the old files go, the database is written anew and its log
is cut to nothing; only then the record is taken away. Until then the erasure is unfinished, every
look at the index says so, and running it again finishes it.
"""

from __future__ import annotations

import logging
from collections.abc import Sequence
from contextlib import suppress
from dataclasses import dataclass, replace
from datetime import datetime
from pathlib import Path

from recommender.boilerplate import Boilerplate
from recommender.errors import ConfigError, ErasureUnfinished, IndexStoreError
from recommender.filesystem import processes_with
from recommender.generation import broken_files, remove_unnamed_files, write_generation
from recommender.indexing import Recipe
from recommender.progress import Progress
from recommender.search import Searcher
from recommender.store import (
    Document,
    Writer,
    empty_log,
    forget_gone_neighbours,
    forget_ids,
    is_purging,
    rewrite,
    secure,
    set_purging,
)
from recommender.text import fold_many
from recommender.tombstones import bury

logger = logging.getLogger("recommender")

_BATCH = 500
_LISTED = 5

UNREACHED = (
    "backups, copies made with `recommender copy`, and snapshots of the disk",
    "exported files and old reports, also those that were sent",
    "the articles' source: the CMS, the files that were read, logs of commands that named them",
    "other articles that quote them or name their ids, and notes of decisions on other pairs",
    "the memory of running readers, until their next call, and what they have sent out",
    "means over all articles (centres, the scale of cosines), until `recommender rebuild`",
    "freed blocks of the disk, until they are used again: encrypt or trim it",
)


@dataclass(frozen=True, slots=True, kw_only=True)
class Erasure:
    """What `remove(purge=True)` did; nothing of the articles is in a file of the folder any more.

    Attributes
    ----------
    removed : int
        Articles taken out of the index.
    absent : tuple of str
        Ids that were neither in the index nor erased before: misspelt, or removed earlier. They
        are kept out from now on like the others.
    decisions, labels : int
        Taken out with them.
    twins : tuple of str
        Ids of articles that stay and hold the same text, or nearly so.
    named_in_notes : int
        Notes of decisions on other pairs that hold one of the ids.
    finished : bool
        Whether an earlier erasure had been interrupted, and is over now as well.
    total : int
        Articles in the index now.
    unreached : tuple of str
        What no command of this package can reach.
    """

    removed: int = 0
    absent: tuple[str, ...] = ()
    decisions: int = 0
    labels: int = 0
    twins: tuple[str, ...] = ()
    named_in_notes: int = 0
    finished: bool = False
    total: int = 0
    unreached: tuple[str, ...] = UNREACHED


def erase(
    folder: Path, ids: Sequence[str], *, now: datetime, wait: float, progress: Progress
) -> Erasure:
    """Erase articles for good, or with no id finish what was begun; see `Recommender.remove`."""
    if not wait >= 0:
        raise ConfigError(f"wait must be a number of seconds, at least 0, not {wait}")
    wanted = list(dict.fromkeys(ids))
    if not all(each.strip() for each in wanted):
        # A variable of a script that is not set: no article can have such an id.
        raise ConfigError("an id is empty; nothing was erased")
    with Writer.open_for_writing(folder) as writer:
        secure(writer)
        begun = is_purging(writer)
        done = Erasure(total=writer.count())
        if wanted:
            done = _take_out(writer, wanted, now, progress)
            _warn(done)
        if wanted or is_purging(writer):
            _clear_files(writer, wait, progress)
    return replace(done, finished=begun)


def _take_out(writer: Writer, ids: Sequence[str], now: datetime, progress: Progress) -> Erasure:
    """Everything of the articles out of the database and the search files, in one change."""
    searcher = Searcher(writer)
    with writer.transaction():
        set_purging(writer, now)
        rows = writer.rows_of(ids)
        documents = [
            document
            for start in range(0, len(rows), _BATCH)
            for document in writer.documents(sorted(rows.values())[start : start + _BATCH]).values()
        ]
        twins = _twins(searcher, documents, rows)
        writer.delete(sorted(rows.values()))
        forgotten = forget_ids(writer, ids)
        forget_gone_neighbours(
            writer, lambda done, total: progress("neighbours of others", done, total)
        )
        staying = _staying(writer, documents)
        texts = [each.text for each in documents if each.sketch.text_digest not in staying]
        before = bury(writer, ids, texts, now)
        recipe = _still_carried(writer, searcher.state.recipe, progress)
        if recipe != searcher.state.recipe:
            writer.set_meta(recipe=recipe.to_dict())
        if len(writer.removed_rows()) or broken_files(writer.folder, writer.generation()):
            progress("search files", 0, 1)
            state = searcher.state
            write_generation(writer, state.centres, kind=state.options.vectors)
            progress("search files", 1, 1)
    return Erasure(
        removed=len(rows),
        absent=tuple(each for each in ids if each not in rows and each not in before),
        decisions=forgotten.decisions,
        labels=forgotten.labels,
        twins=twins,
        named_in_notes=forgotten.named_in_notes,
        total=writer.count(),
    )


def _twins(
    searcher: Searcher, documents: Sequence[Document], rows: dict[str, int]
) -> tuple[str, ...]:
    """Other articles whose text is the same, or close to it by the index's own measure."""
    writer, least = searcher.store, searcher.state.thresholds.same_text
    near: set[int] = set()
    for document in documents:
        near.update(writer.find_by_digest(document.sketch.text_digest))
        stored = writer.neighbours(rows[document.card.id])
        if stored is not None and len(stored.rows):
            close = searcher.similarities(stored.evidence) >= least
            near.update(stored.rows[close].tolist())
    cards = writer.cards(sorted(near - set(rows.values())))
    return tuple(sorted(card.id for card in cards.values()))


def _staying(writer: Writer, documents: Sequence[Document]) -> set[bytes]:
    """Those digests of texts that articles which stay have as well."""
    digests = {each.sketch.text_digest for each in documents}
    return {each for each in digests if each and writer.find_by_digest(each)}


def _still_carried(writer: Writer, recipe: Recipe, progress: Progress) -> Recipe:
    """The recipe without notices and titles that no article carries any more.

    They were seen in several articles, and would be words of the erased ones alone now.
    """
    segments = set(recipe.boilerplate.segments)
    titles = set(recipe.generic_titles)
    total = writer.count()
    done = 0
    for batch in writer.iter_documents(batch=_BATCH):
        if not segments and not titles:
            return recipe
        for _, document in batch:
            if segments:
                segments -= recipe.boilerplate.carried(document.text)
        titles.difference_update(fold_many([document.card.title for _, document in batch]))
        done += len(batch)
        progress("what others carry", done, total)
    if not segments and not titles:
        return recipe
    return replace(
        recipe,
        boilerplate=Boilerplate(
            tuple(each for each in recipe.boilerplate.segments if each not in segments)
        ),
        generic_titles=recipe.generic_titles - titles,
    )


def _warn(done: Erasure) -> None:
    """What somebody must look at, also if the rest of the work fails."""
    for ids, words in (
        (done.absent, "not in the index, and kept out from now on (misspelt?)"),
        (done.twins, "the same text, or nearly, stays in the index under"),
    ):
        if ids:
            more = f" and {len(ids) - _LISTED:,} more" if len(ids) > _LISTED else ""
            logger.warning("%s: %s%s", words, ", ".join(map(repr, ids[:_LISTED])), more)
    if done.named_in_notes:
        logger.warning(
            "notes of decisions on other pairs that name one of the articles: %d; "
            'look at "recommender decisions"',
            done.named_in_notes,
        )


def _clear_files(writer: Writer, wait: float, progress: Progress) -> None:
    """Take away what files of the folder still hold; says what remains if that cannot be done."""
    try:
        _remove_leftovers(writer)
        progress("database", 0, 1)
        rewrite(writer)
        progress("database", 1, 1)
        progress("log", 0, 1)
        emptied = empty_log(writer, wait=wait)
    except (IndexStoreError, OSError) as error:
        raise ErasureUnfinished(
            f"{writer.folder}: the articles are out of the index, but older states of it are "
            f"still in its files: {error}; then {_what_next(writer)}"
        ) from error
    if not emptied:
        raise ErasureUnfinished(
            f"{writer.folder}: the articles are out of the index, but older states of it are "
            f"still in its log, for somebody has been reading one for {wait:.0f} seconds"
            f"{_who_reads(writer)}; end that, then {_what_next(writer)}"
        )
    with writer.transaction():
        set_purging(writer, None)
    progress("log", 1, 1)
    # The log holds no more than the end of the erasure now.
    with suppress(IndexStoreError):
        empty_log(writer, wait=0)


def _remove_leftovers(writer: Writer) -> None:
    """Older search files, half-written ones, and vectors of runs that were interrupted."""
    info = writer.generation()
    if info is not None:
        remove_unnamed_files(writer.folder, info)
    for pattern in (".*.tmp", "pending-*.sqlite*"):
        for file in sorted(writer.folder.glob(pattern)):
            file.unlink(missing_ok=True)


def _who_reads(writer: Writer) -> str:
    found = processes_with(writer.path)
    if not found:
        return " (a reader in this process, or a process that you may not see)"
    named = ", ".join(map(str, found[:_LISTED]))
    return f" (processes that have it open: {named}{' and others' if found[_LISTED:] else ''})"


def _what_next(writer: Writer) -> str:
    return f'run "recommender remove --purge -i {writer.folder}" to finish'
