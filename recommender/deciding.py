"""Storing editors' decisions, and keeping them true to the texts they were made on.

A decision is stored with the marks of both texts as they are then. Whoever writes texts into
the index tells it here, in the same transaction: a text that has become another one makes the
decisions on it stale, one that is put back makes them count again. What is not edited (a
rebuild, a removal) changes no decision.
"""

from __future__ import annotations

from collections.abc import Collection, Iterable, Sequence
from dataclasses import replace
from datetime import datetime
from pathlib import Path

from recommender.decisions import Decision, DecisionConflict, find_conflicts
from recommender.edits import TextMark, is_outdated, is_substantive, mark_text
from recommender.errors import ArticleNotFound, ConfigError
from recommender.indexing import Prepared, Recipe
from recommender.search import IndexState
from recommender.store import (
    Document,
    Store,
    Writer,
    delete_decision,
    read_decisions,
    read_texts,
    write_decisions,
)

_BATCH = 500


def decide(
    folder: Path, decisions: Sequence[Decision], *, now: datetime
) -> tuple[DecisionConflict, ...]:
    """Store decisions, all or none, in the place of earlier ones on the same pairs.

    Returns
    -------
    tuple of DecisionConflict
        Contradictions that these decisions have a part in.

    Raises
    ------
    ArticleNotFound
        If an article is not in the index.
    ConfigError
        If a pair comes twice.
    IndexLocked
        If another process is writing to the index.
    """
    pairs = {each.pair for each in decisions}
    if len(pairs) < len(decisions):
        given = [each.pair for each in decisions]
        first, second = next(pair for pair in given if given.count(pair) > 1)
        raise ConfigError(f"Nothing was decided: {first!r} and {second!r} come twice.")
    with Writer.open_for_writing(folder) as writer:
        marks = _marks(writer, sorted({article_id for pair in pairs for article_id in pair}))
        made = [
            replace(
                each,
                decided_at=each.decided_at or now,
                first_hash=marks[each.first].hash,
                second_hash=marks[each.second].hash,
                first_edited=False,
                second_edited=False,
                missing=(),
            )
            for each in decisions
        ]
        if made:
            with writer.transaction():
                write_decisions(writer, made, marks.items())
        return tuple(each for each in conflicts(writer) if each.pairs & pairs)


def forget(folder: Path, first: str, second: str) -> bool:
    """Take out the decision on a pair; gives whether there was one."""
    one, other = sorted((first, second))
    with Writer.open_for_writing(folder) as writer:
        if not any(each.pair == (one, other) for each in read_decisions(writer, [one])):
            return False
        with writer.transaction():
            return delete_decision(writer, one, other)


def listed(store: Store) -> list[Decision]:
    """All decisions by the ids of their articles, with what is missing from the index."""
    with store.snapshot():
        decisions = read_decisions(store)
        there = store.rows_of({article_id for each in decisions for article_id in each.pair})
    return [
        each
        if each.first in there and each.second in there
        else replace(each, missing=tuple(one for one in each.pair if one not in there))
        for each in decisions
    ]


def conflicts(store: Store) -> tuple[DecisionConflict, ...]:
    """Where the decisions that count now contradict one another."""
    return find_conflicts(each for each in listed(store) if each.state == "active")


def untouched(writer: Writer, prepared: Iterable[Prepared]) -> frozenset[str]:
    """Ids of decided articles whose text is the stored one; asked before it is replaced."""
    decided = {article_id for each in read_decisions(writer) for article_id in each.pair}
    if not decided:
        # As a rule: then nothing is read that waits on disk.
        return frozenset()
    given = {each.card.id: each.content_digest for each in prepared}
    rows = sorted(writer.rows_of(decided & given.keys()).values())
    return frozenset(
        document.card.id
        for start in range(0, len(rows), _BATCH)
        for document in writer.documents(rows[start : start + _BATCH]).values()
        if document.content_digest == given[document.card.id]
    )


def note_texts(
    writer: Writer, prepared: Iterable[Prepared], *, unedited: Collection[str] = ()
) -> None:
    """Judge the decisions on articles that were just written.

    Parameters
    ----------
    writer : Writer
        Inside the transaction that wrote them.
    prepared : iterable of Prepared
        The articles as they are now.
    unedited : collection of str
        Ids of articles whose text this change did not edit: what was judged of them stays, and
        marks are only made anew where the recipe takes out other boilerplate.
    """
    given = {each.card.id: each for each in prepared}
    decisions = read_decisions(writer, given.keys())
    if not decisions:
        return
    now = {
        article_id: mark_prepared(given[article_id])
        for article_id in sorted({one for each in decisions for one in each.pair})
        if article_id in given
    }
    keys = sorted({key for each in decisions for key in _texts_of(each) if key[0] in now})
    decided = read_texts(writer, keys)
    # Each text is judged once, however many decisions were made on it.
    edited = {
        key: is_substantive(mark, now[key[0]])
        for key, mark in decided.items()
        if key[0] not in unedited
    }
    # The same text under another recipe: the mark follows the recipe.
    renewed = {key: now[key[0]] for key, mark in decided.items() if is_outdated(mark, now[key[0]])}
    changed = []
    for each in decisions:
        first, second = _texts_of(each)
        after = replace(
            each,
            first_edited=edited.get(first, each.first_edited),
            second_edited=edited.get(second, each.second_edited),
            first_hash=renewed[first].hash if first in renewed else each.first_hash,
            second_hash=renewed[second].hash if second in renewed else each.second_hash,
        )
        if after != each:
            changed.append(after)
    write_decisions(writer, changed, ((key[0], mark) for key, mark in renewed.items()))


def _texts_of(decision: Decision) -> tuple[tuple[str, str], tuple[str, str]]:
    return (decision.first, decision.first_hash), (decision.second, decision.second_hash)


def _marks(writer: Writer, ids: Sequence[str]) -> dict[str, TextMark]:
    rows = writer.rows_of(ids)
    missing = [each for each in ids if each not in rows]
    if missing:
        raise ArticleNotFound(
            f"Nothing was decided: no article {', '.join(map(repr, missing[:5]))}"
            f"{' and others' if len(missing) > 5 else ''} in {writer.folder}."
        )
    recipe = IndexState.read(writer).recipe if ids else Recipe()
    marks: dict[str, TextMark] = {}
    for start in range(0, len(ids), _BATCH):
        part = [rows[each] for each in ids[start : start + _BATCH]]
        for document in writer.documents(part).values():
            marks[document.card.id] = _mark_document(document, recipe)
    return marks


def _mark_document(document: Document, recipe: Recipe) -> TextMark:
    return mark_text(
        document.card.title,
        recipe.boilerplate.strip(document.text),
        facts=document.sketch.facts,
        content_digest=document.content_digest,
    )


def mark_prepared(prepared: Prepared) -> TextMark:
    """The mark of an article that may not be stored."""
    return mark_text(
        prepared.card.title,
        prepared.compared,
        facts=prepared.sketch.facts,
        content_digest=prepared.content_digest,
    )
