"""The store: what goes in comes out, damage is noticed, a change is whole or nothing."""

from __future__ import annotations

import sqlite3
import stat
import threading
from dataclasses import replace
from datetime import datetime, timedelta, timezone
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from recommender.errors import (
    ArticleError,
    IndexCorrupt,
    IndexIncompatible,
    IndexLocked,
    IndexMissing,
    IndexStoreError,
)
from recommender.records import Card, Filter
from recommender.store import (
    Document,
    GenerationInfo,
    NeighbourList,
    Pending,
    Sketch,
    Store,
    Writer,
    check_store,
)
from tests.helpers import START, document

FOLDER = "index"


def fill(folder: Path, documents: list[Document], **meta: Any) -> list[int]:
    with Writer.open_for_writing(folder, create=True) as writer, writer.transaction():
        rows = writer.insert_many(documents)
        writer.put_neighbours({row: neighbour_list([]) for row in rows})
        writer.set_meta(**(meta or {"a": 1}))
    return rows


def neighbour_list(rows: list[int]) -> NeighbourList:
    evidence = np.arange(len(rows) * 3, dtype=np.float16).reshape(len(rows), 3)
    return NeighbourList(rows=np.array(rows, np.int64), evidence=evidence, floor=0.25)


words = st.text(st.characters(exclude_categories=["Cs", "Cc"]), max_size=20)
moments = st.none() | st.datetimes(
    datetime(1900, 1, 1), datetime(2100, 1, 1), timezones=st.just(timezone.utc)
)
cards = st.builds(
    Card,
    id=st.text(st.characters(categories=["L", "N"]), min_size=1, max_size=12),
    title=words,
    url=words,
    date=moments,
    category=words,
    language=words,
    source=words,
    excerpt=st.booleans(),
    visible_from=moments,
    visible_until=moments,
    access=st.sampled_from(["public", "members", "hidden"]),
    extra=st.dictionaries(words, words | st.integers(-(2**53), 2**53) | st.booleans(), max_size=3),
)
sketches = st.builds(
    Sketch,
    vector=st.none()
    | st.integers(0, 99).map(
        lambda seed: np.random.default_rng(seed).normal(size=6).astype(np.float16)
    ),
    fingerprint=st.lists(st.integers(0, 2**32 - 1), max_size=20, unique=True).map(
        lambda values: np.array(sorted(values), np.uint32)
    ),
    facts=st.binary(max_size=40),
    length=st.integers(0, 2**40),
    text_digest=st.binary(min_size=16, max_size=16) | st.just(b""),
    title_digest=st.binary(min_size=16, max_size=16) | st.just(b""),
    flags=st.integers(0, 2**62),
)
documents_of = st.builds(
    Document,
    card=cards,
    text=words,
    content_digest=st.binary(min_size=16, max_size=16),
    input_digest=st.binary(min_size=16, max_size=16),
    sketch=sketches,
)


def assert_same(one: Document, other: Document) -> None:
    for name in ("facts", "length", "text_digest", "title_digest", "flags"):
        assert getattr(one.sketch, name) == getattr(other.sketch, name)
    assert np.array_equal(one.sketch.fingerprint, other.sketch.fingerprint)
    assert (one.sketch.vector is None) == (other.sketch.vector is None)
    if one.sketch.vector is not None and other.sketch.vector is not None:
        assert np.array_equal(one.sketch.vector, other.sketch.vector)
    assert (one.card, one.text) == (other.card, other.text)
    assert (one.content_digest, one.input_digest) == (other.content_digest, other.input_digest)


@settings(deadline=None, max_examples=40, suppress_health_check=[HealthCheck.too_slow])
@given(st.lists(documents_of, max_size=6, unique_by=lambda each: each.card.id))
def test_what_goes_in_comes_out(
    tmp_path_factory: pytest.TempPathFactory, documents: list[Document]
) -> None:
    folder = tmp_path_factory.mktemp("store") / FOLDER
    rows = fill(folder, documents)
    with Store.open(folder) as store:
        found = store.documents(rows)
        assert store.count() == len(documents)
        assert sorted(found) == rows
        for row, given_document in zip(rows, documents, strict=True):
            assert_same(found[row], given_document)
            assert store.row_of(given_document.card.id) == row
        assert check_store(store, lambda done, total: None) == []


def test_a_build_that_never_committed_is_not_an_index(tmp_path: Path) -> None:
    folder = tmp_path / FOLDER
    with pytest.raises(IndexMissing, match="build"):
        Store.open(folder)
    Writer.open_for_writing(folder, create=True).close()
    with pytest.raises(IndexMissing, match="never finished"):
        Store.open(folder)
    with pytest.raises(IndexMissing):
        Writer.open_for_writing(tmp_path / "other")


def test_a_failed_transaction_leaves_nothing(tmp_path: Path) -> None:
    folder = tmp_path / FOLDER
    fill(folder, [document("a")])
    with Writer.open_for_writing(folder) as writer:
        before = writer.change_counter()
        with pytest.raises(KeyboardInterrupt), writer.transaction():
            writer.insert_many([document("b")])
            writer.set_meta(b=2)
            assert writer.count() == 2
            raise KeyboardInterrupt
        assert (writer.count(), writer.change_counter()) == (1, before)
        assert writer.row_of("b") is None
        assert "b" not in writer.meta()


def test_rows_are_never_used_twice(tmp_path: Path) -> None:
    folder = tmp_path / FOLDER
    (first,) = fill(folder, [document("a")])
    with Writer.open_for_writing(folder) as writer:
        with writer.transaction():
            writer.delete([first])
        with writer.transaction():
            (second,) = writer.insert_many([document("a")])
        with writer.transaction():
            writer.clear()
            (third,) = writer.insert_many([document("a")])
    assert first < second < third
    with Store.open(folder) as store:
        assert store.removed_rows().tolist() == [first, second]


def test_a_reader_sees_a_change_at_its_next_call_and_never_half_of_it(tmp_path: Path) -> None:
    folder = tmp_path / FOLDER
    fill(folder, [document("a", title="旧")])
    with Store.open(folder) as reader, Writer.open_for_writing(folder) as writer:
        row = reader.row_of("a")
        assert row is not None
        with reader.snapshot():
            assert reader.cards([row])[row].title == "旧"
            before = reader.change_counter()
            with writer.transaction():
                writer.update_card(row, Card(id="a", title="新"))
                writer.insert_many([document("b")])
            assert reader.count() == 1
            assert reader.cards([row])[row].title == "旧"
            assert reader.change_counter() == before
        assert reader.count() == 2
        assert reader.cards([row])[row].title == "新"
        assert reader.change_counter() != before


def test_vectors_fingerprints_and_neighbours(tmp_path: Path) -> None:
    folder = tmp_path / FOLDER
    documents = [document(f"d{n}", seed=n, language="zh") for n in range(5)]
    empty = replace(documents[2], sketch=replace(documents[2].sketch, vector=None))
    documents[2] = empty
    rows = fill(folder, documents)
    with Writer.open_for_writing(folder) as writer, writer.transaction():
        writer.put_neighbours({rows[0]: neighbour_list([rows[3], rows[1]])})
    with Store.open(folder) as store:
        found, vectors, languages = store.vectors()
        assert found.tolist() == [rows[0], rows[1], rows[3], rows[4]]
        assert vectors.shape == (4, 8)
        assert languages == ["zh"] * 4
        assert np.array_equal(vectors[2], documents[3].sketch.vector)
        later, _, _ = store.vectors(after_row=rows[1])
        assert later.tolist() == [rows[3], rows[4]]
        some, _, _ = store.vectors_of([rows[4], rows[2]])
        assert some.tolist() == [rows[4]]
        numbers, prints = store.fingerprints(after_row=rows[3])
        assert numbers.tolist() == [rows[4]]
        assert np.array_equal(prints[0], documents[4].sketch.fingerprint)
        stored = store.neighbours(rows[0])
        assert stored is not None
        assert stored.rows.tolist() == [rows[3], rows[1]]
        assert stored.evidence.dtype == np.float16
        assert stored.floor == 0.25
        assert store.find_by_digest(documents[1].sketch.text_digest) == [rows[1]]
        assert store.find_by_digest(b"") == []


def test_vectors_of_another_length_are_refused(tmp_path: Path) -> None:
    folder = tmp_path / FOLDER
    fill(folder, [document("a")])
    with (
        Writer.open_for_writing(folder) as writer,
        pytest.raises(IndexStoreError, match="8"),
        writer.transaction(),
    ):
        writer.insert_many([document("b", dimension=9)])


@pytest.mark.parametrize(
    ("passing", "expected"),
    [
        (Filter(), ["a", "b", "c", "d"]),
        (Filter(categories=frozenset({"财经"})), ["a", "d"]),
        (Filter(languages=frozenset({"en"})), ["b"]),
        (Filter(after=START + timedelta(days=1)), ["b", "c"]),
        (Filter(before=START + timedelta(days=1)), ["a"]),
        (Filter(exclude=frozenset({"a", "zzz"})), ["b", "c", "d"]),
        (Filter(public_at=START + timedelta(days=5)), ["a", "b"]),
        (Filter(public_at=START - timedelta(days=5)), ["a"]),
        (Filter(categories=frozenset({"' OR 1=1 --"})), []),
    ],
)
def test_a_filter_in_sql_is_the_filter_in_python(
    tmp_path: Path, passing: Filter, expected: list[str]
) -> None:
    documents = [
        document("a", date=START, category="财经", language="zh"),
        document("b", date=START + timedelta(days=1), language="en", visible_from=START),
        document("c", date=START + timedelta(days=2), access="members"),
        document("d", category="财经", visible_until=START - timedelta(days=9)),
    ]
    fill(tmp_path / FOLDER, documents)
    with Store.open(tmp_path / FOLDER) as store:
        found = store.cards(store.filter_rows(passing).tolist())
        assert sorted(card.id for card in found.values()) == expected
        assert sorted(d.card.id for d in documents if passing.passes(d.card)) == expected


def test_latest_first_and_without_a_date_last(tmp_path: Path) -> None:
    documents = [
        document("b", date=START),
        document("a", date=START),
        document("new", date=START + timedelta(days=1)),
        document("none"),
    ]
    fill(tmp_path / FOLDER, documents)
    with Store.open(tmp_path / FOLDER) as store:
        rows = store.latest_rows(Filter(), 10)
        found = store.cards(rows)
        assert [found[row].id for row in rows] == ["new", "a", "b", "none"]
        assert len(store.latest_rows(Filter(), 2)) == 2


@pytest.mark.parametrize(
    ("table", "column"),
    [
        ("articles", "title"),
        ("texts", "text"),
        ("sketches", "fingerprint"),
        ("sketches", "vector"),
        ("sketches", "flags"),
        ("neighbours", "list"),
        ("neighbours", "floor"),
    ],
)
def test_a_changed_value_is_noticed(tmp_path: Path, table: str, column: str) -> None:
    folder = tmp_path / FOLDER
    rows = fill(folder, [document("a", title="题"), document("b", title="目")])
    raw = sqlite3.connect(folder / "articles.sqlite")
    kind = raw.execute(f"SELECT typeof({column}) FROM {table}").fetchone()[0]
    wrong: Any = {"blob": b"\x00" * 16, "text": "别的", "integer": 7, "real": 0.5}[kind]
    raw.execute(f"UPDATE {table} SET {column} = ? WHERE row = ?", (wrong, rows[1]))
    raw.commit()
    raw.close()
    with Store.open(folder) as store:
        problems = check_store(store, lambda done, total: None)
        assert any(f"table {table}, row {rows[1]}" in problem for problem in problems)
        readers = {
            "articles": store.cards,
            "texts": store.texts,
            "sketches": store.sketches,
            "neighbours": store.neighbours_of,
        }
        with pytest.raises(IndexCorrupt, match=f"table {table}, row {rows[1]}"):
            readers[table]([rows[1]])
        assert readers[table]([rows[0]])


def test_other_databases_and_newer_formats_are_refused(tmp_path: Path) -> None:
    folder = tmp_path / FOLDER
    fill(folder, [document("a")])
    raw = sqlite3.connect(folder / "articles.sqlite")
    raw.execute("PRAGMA user_version = 999")
    raw.commit()
    with pytest.raises(IndexIncompatible, match="999"):
        Store.open(folder)
    raw.execute("PRAGMA application_id = 1")
    raw.commit()
    raw.close()
    with pytest.raises(IndexCorrupt, match="another program"):
        Store.open(folder)
    (tmp_path / "junk").mkdir()
    (tmp_path / "junk" / "articles.sqlite").write_bytes(b"no database " * 1_000)
    with pytest.raises(IndexCorrupt, match="restore"):
        Store.open(tmp_path / "junk")


def test_two_writers_take_turns_and_the_second_learns_who_writes(tmp_path: Path) -> None:
    folder = tmp_path / FOLDER
    with Writer.open_for_writing(folder, create=True):
        with pytest.raises(IndexLocked, match="process"):
            Writer.open_for_writing(folder, timeout=0.1)
    Writer.open_for_writing(folder, timeout=0.1).close()


def test_modes_of_folder_and_files(tmp_path: Path) -> None:
    folder = tmp_path / "deep" / FOLDER
    fill(folder, [document("a")])
    assert stat.S_IMODE(folder.stat().st_mode) == 0o750
    for file in folder.iterdir():
        assert stat.S_IMODE(file.stat().st_mode) == 0o640, file.name


def test_generations_and_meta(tmp_path: Path) -> None:
    folder = tmp_path / FOLDER
    rows = fill(folder, [document("a"), document("b")], options={"k": [1, 2]}, text="值")
    with Writer.open_for_writing(folder) as writer:
        assert writer.generation() is None
        assert writer.next_generation() == 1
        (folder / "vectors-000007.faiss").touch()
        assert writer.next_generation() == 8
        info = GenerationInfo(number=8, last_row=rows[1], files={"vectors": ("v", "c")})
        with writer.transaction():
            writer.delete([rows[0]])
            writer.set_generation(info)
            assert writer.removed_rows().tolist() == []
        writer.checkpoint()
    with Store.open(folder) as store:
        assert store.generation() == info
        assert store.meta() == {"options": {"k": [1, 2]}, "text": "值"}


def test_extra_must_be_json(tmp_path: Path) -> None:
    with pytest.raises(ArticleError, match="JSON"):
        fill(tmp_path / FOLDER, [document("a", extra={"x": object()})])
    with pytest.raises(IndexMissing):
        Store.open(tmp_path / FOLDER)


def test_one_store_serves_several_threads(tmp_path: Path) -> None:
    folder = tmp_path / FOLDER
    rows = fill(folder, [document(f"d{n}", seed=n) for n in range(50)])
    errors: list[BaseException] = []
    with Store.open(folder) as store:

        def read() -> None:
            try:
                for _ in range(30):
                    with store.snapshot():
                        assert len(store.sketches(rows)) == 50
                        assert store.count() == 50
            except BaseException as error:  # carried to the test's thread
                errors.append(error)

        threads = [threading.Thread(target=read) for _ in range(4)]
        for thread in threads:
            thread.start()
        for thread in threads:
            thread.join()
    assert errors == []


def test_pending_vectors_survive_and_damaged_ones_do_not(tmp_path: Path) -> None:
    folder = tmp_path / FOLDER
    one, other = b"1" * 16, b"2" * 16
    vector = np.arange(4, dtype=np.float16)
    with Pending.open(folder, embedder="e") as pending:
        pending.put_many({one: vector, other: vector + 1})
    (path,) = folder.glob("pending-*.sqlite")
    raw = sqlite3.connect(path)
    raw.execute("UPDATE vectors SET vector = x'00' WHERE digest = ?", (other.hex(),))
    raw.commit()
    raw.close()
    with Pending.open(folder, embedder="another") as pending:
        assert pending.get_many([one]) == {}
    with Pending.open(folder, embedder="e") as pending:
        found = pending.get_many([one, other, b"3" * 16])
        assert list(found) == [one]
        assert np.array_equal(found[one], vector)
        pending.discard()
    assert not path.exists()
    path.write_bytes(b"rubbish" * 2_000)
    with Pending.open(folder, embedder="e") as pending:
        assert pending.get_many([one]) == {}
