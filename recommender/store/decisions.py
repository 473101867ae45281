"""Editors' decisions in the database, and the marks of the texts they were made on.

Rows are by article id: they outlive removals, rebuilds and builds over the index. Every change
gives the table another version, so that readers need to look at it only when it changed. What
makes a decision stale is judged above.
"""

from __future__ import annotations

import json
import struct
from collections.abc import Collection, Iterable

import numpy as np
from xxhash import xxh3_128_hexdigest

from recommender.decisions import Decision
from recommender.edits import TextMark
from recommender.records import DecisionKind, Treatment
from recommender.store import codec
from recommender.store.codec import DECODING_ERRORS, Values, damaged
from recommender.store.query import slots
from recommender.store.reader import Store
from recommender.store.writer import Writer

TextKey = tuple[str, str]

VERSION_KEY = "decisions"
_DECISION_COLUMNS = (
    "first, second, decision, note, decided_by, decided_at, first_hash, second_hash, edited, "
    "checksum"
)
_TEXT_COLUMNS = "id, hash, content_digest, shingles, facts, title_facts, checksum"
_LENGTHS = struct.Struct("<4I")
_EDITED_FIRST, _EDITED_SECOND = 1, 2
_LISTED = 20
# What the column `decision` says of kind and treatment: "merge-second" redirects the first.
_SAID: dict[str, tuple[DecisionKind, Treatment]] = {
    "duplicate": ("duplicate", ""),
    "distinct": ("distinct", ""),
    "keep": ("duplicate", "keep"),
    "merge-first": ("duplicate", "merge"),
    "merge-second": ("duplicate", "merge"),
}
# Texts that no decision was made on any more.
_UNUSED = """id IN (SELECT value FROM json_each(?))
    AND NOT EXISTS (SELECT 1 FROM decisions WHERE first = id AND first_hash = hash)
    AND NOT EXISTS (SELECT 1 FROM decisions WHERE second = id AND second_hash = hash)"""


def read_decisions(store: Store, ids: Collection[str] | None = None) -> list[Decision]:
    """Decisions by the ids of their articles; `missing` is not filled in.

    Parameters
    ----------
    store : Store
    ids : collection of str, optional
        Only decisions on one of these articles.

    Raises
    ------
    IndexCorrupt
        If a row is not what was written; names it.
    """
    if not _were_ever(store):
        return []
    if ids is None:
        found = store._rows(f"SELECT {_DECISION_COLUMNS} FROM decisions")  # noqa: S608
    else:
        one = f"SELECT {_DECISION_COLUMNS} FROM decisions WHERE "  # noqa: S608
        among = "IN (SELECT value FROM json_each(?))"
        given = json.dumps(sorted(ids))
        found = store._rows(f"{one} first {among} UNION {one} second {among}", (given, given))
    decisions = [
        store._decode("decisions", values[:2], _decode_decision, values) for values in found
    ]
    return sorted(decisions, key=lambda each: each.pair)


def _were_ever(store: Store) -> bool:
    """Whether a decision was ever stored; costs an update next to nothing where none was."""
    return bool(store._rows("SELECT 1 FROM meta WHERE key = ?", (VERSION_KEY,)))


def read_texts(store: Store, keys: Collection[TextKey]) -> dict[TextKey, TextMark]:
    """The marks of texts that decisions were made on, by article id and hash.

    Raises
    ------
    IndexCorrupt
        If one is not there or not what was written.
    """
    sql = f"SELECT {_TEXT_COLUMNS} FROM decided_texts WHERE id IN (SELECT value FROM json_each(?))"  # noqa: S608
    ids = sorted({article_id for article_id, _ in keys})
    found = {
        (values[0], values[1]): store._decode("decided_texts", values[:2], _decode_text, values)
        for values in store._rows(sql, (json.dumps(ids),))
    }
    for key in keys:
        if key not in found:
            raise damaged(store.path, "decided_texts", key)
    return {key: found[key] for key in keys}


def write_decisions(
    writer: Writer, decisions: Iterable[Decision], texts: Iterable[tuple[str, TextMark]]
) -> None:
    """Store decisions in the place of earlier ones on the same pairs, inside a transaction.

    Parameters
    ----------
    writer : Writer
    decisions : iterable of Decision
        With the hashes of their texts.
    texts : iterable of (str, TextMark)
        Article ids and marks of those texts that may not be stored yet.
    """
    rows = [_encode_decision(each) for each in decisions]
    marks = [_encode_text(article_id, mark) for article_id, mark in texts]
    if not (rows or marks):
        return
    connection = writer._current()
    connection.run_many(
        f"INSERT OR REPLACE INTO decided_texts VALUES ({slots(_TEXT_COLUMNS)})",  # noqa: S608
        marks,
    )
    connection.run_many(
        f"INSERT OR REPLACE INTO decisions VALUES ({slots(_DECISION_COLUMNS)})",  # noqa: S608
        rows,
    )
    _changed(writer, sorted({article_id for row in rows for article_id in row[:2]}), rows)


def delete_decision(writer: Writer, first: str, second: str) -> bool:
    """Take out the decision on a pair (the smaller id first); gives whether there was one."""
    deleted = writer._current().run(
        "DELETE FROM decisions WHERE first = ? AND second = ?", (first, second)
    )
    if deleted:
        _changed(writer, [first, second], [(first, second)])
    return bool(deleted)


def _changed(writer: Writer, ids: Collection[str], rows: Iterable[Values]) -> None:
    writer._current().run(f"DELETE FROM decided_texts WHERE {_UNUSED}", (json.dumps(list(ids)),))  # noqa: S608
    before = writer.meta().get(VERSION_KEY, "")
    # A hash over all changes so far: two indexes of one version hold the same decisions.
    digest = xxh3_128_hexdigest(codec._joined([before, *(value for row in rows for value in row)]))
    writer.set_meta(**{VERSION_KEY: digest})


def check_decisions(store: Store) -> list[str]:
    """Read all rows and say what is wrong; at most some twenty lines."""
    if not _were_ever(store):
        return []
    problems: list[str] = []
    tables = (
        ("decisions", _DECISION_COLUMNS, _decode_decision),
        ("decided_texts", _TEXT_COLUMNS, _decode_text),
    )
    for table, columns, decoder in tables:
        for values in store._rows(f"SELECT {columns} FROM {table}"):  # noqa: S608
            try:
                decoder(values)
            except DECODING_ERRORS:
                problems.append(f"{store.path}: table {table}, row {values[:2]}: damaged")
    for side in ("first", "second"):
        missing = store._rows(
            f"SELECT first, second FROM decisions d WHERE NOT EXISTS (SELECT 1 FROM "  # noqa: S608
            f"decided_texts WHERE id = d.{side} AND hash = d.{side}_hash)"
        )
        problems += [f"{store.path}: table decided_texts has no text of {row}" for row in missing]
    return problems[:_LISTED]


def _encode_decision(decision: Decision) -> Values:
    values = (
        decision.first,
        decision.second,
        _said(decision),
        decision.note,
        decision.decided_by,
        codec.micros(decision.decided_at),
        decision.first_hash,
        decision.second_hash,
        _EDITED_FIRST * decision.first_edited + _EDITED_SECOND * decision.second_edited,
    )
    return (*values, codec.checksum(codec._joined(values), 0))


def _said(decision: Decision) -> str:
    if decision.treatment == "merge":
        return "merge-first" if decision.canonical == decision.first else "merge-second"
    return decision.treatment or decision.decision


def _decode_decision(values: Values) -> Decision:
    *fields, expected = values
    codec._verify(codec._joined(fields), 0, expected)
    first, second, said, note, decided_by, decided_at, first_hash, second_hash, edited = fields
    decision, treatment = _SAID[said]
    return Decision(
        first=first,
        second=second,
        decision=decision,
        treatment=treatment,
        canonical={"merge-first": first, "merge-second": second}.get(said, ""),
        note=note,
        decided_by=decided_by,
        decided_at=codec.moment(decided_at),
        first_hash=first_hash,
        second_hash=second_hash,
        first_edited=bool(edited & _EDITED_FIRST),
        second_edited=bool(edited & _EDITED_SECOND),
    )


def _encode_text(article_id: str, mark: TextMark) -> Values:
    parts = (
        mark.content_digest,
        np.asarray(mark.shingles, "<u4").tobytes(),
        mark.facts,
        mark.title_facts,
    )
    total = codec.checksum(_text_data(article_id, mark.hash, parts), 0)
    return (article_id, mark.hash, *parts, total)


def _text_data(article_id: str, text_hash: str, parts: Collection[bytes]) -> bytes:
    return (
        codec._joined((article_id, text_hash)) + _LENGTHS.pack(*map(len, parts)) + b"".join(parts)
    )


def _decode_text(values: Values) -> TextMark:
    article_id, text_hash, *parts, expected = values
    codec._verify(_text_data(article_id, text_hash, parts), 0, expected)
    content_digest, shingles, facts, title_facts = parts
    return TextMark(
        digest=bytes.fromhex(text_hash),
        content_digest=content_digest,
        shingles=np.frombuffer(shingles, "<u4"),
        facts=facts,
        title_facts=title_facts,
    )
