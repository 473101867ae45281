"""`Recommender.sync`: the index holds what its sources give, and a broken source breaks nothing."""

from __future__ import annotations

import logging
import tempfile
from collections.abc import Iterable, Iterator, Sequence
from dataclasses import replace
from datetime import timedelta
from pathlib import Path

import numpy as np
import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from recommender import (
    Article,
    ArticleError,
    ConfigError,
    EmbedderUnavailable,
    HashingEmbedder,
    IndexMissing,
    IndexOptions,
    Recommender,
    SourceError,
    Sync,
    SyncOptions,
    SyncRunning,
    SyncSource,
    SyncStopped,
)
from recommender.spooling import Spool
from recommender.store import Store, SyncLock
from tests.helpers import NOW, article, build, corpus


class Counting(HashingEmbedder):
    """Says how many texts it has embedded."""

    def __init__(self) -> None:
        super().__init__()
        self.count = 0

    def embed(self, texts: Sequence[str]) -> np.ndarray:
        self.count += len(texts)
        return super().embed(texts)


def sync(folder: Path, *sources: SyncSource, **options: object) -> Sync:
    values: dict[str, object] = {"embedder": HashingEmbedder(), "now": NOW, **options}
    return Recommender.sync_sources(folder, sources, **values)  # type: ignore[arg-type]


def site(name: str, articles: Iterable[Article], **fields: object) -> SyncSource:
    """A source whose articles carry a site, as those of the settings do."""
    sited = [replace(each, id=f"{name}:{each.id}", site=name) for each in articles]
    return SyncSource(articles=sited, site=name, name=name, **fields)  # type: ignore[arg-type]


def state(folder: Path) -> dict[str, bytes]:
    """Every file that a change of the index would change."""
    return {
        each.name: each.read_bytes()
        for each in sorted(folder.iterdir())
        if not each.name.endswith(("-shm", ".lock"))
    }


def held(folder: Path) -> dict[str, tuple[object, ...]]:
    """What the index holds, by id."""
    with Store.open(folder) as store:
        return {
            each.card.id: (each.card, each.text, each.content_digest)
            for batch in store.iter_documents()
            for _, each in batch
        }


@pytest.fixture
def folder(tmp_path: Path) -> Path:
    build(tmp_path / "index", corpus(40)).close()
    return tmp_path / "index"


def test_it_adds_updates_removes_and_embeds_only_what_changed(folder: Path) -> None:
    model = Counting()
    articles = corpus(43)[3:]
    articles[0] = replace(articles[0], body=articles[0].body + "补充:新的一句话。")
    with Recommender.open(folder, embedder=model) as index:
        change = index.sync(iter(articles), now=NOW)
        assert (change.added, change.updated, change.removed) == (3, 1, 3)
        assert (change.unchanged, change.embedded, change.total) == (36, 4, 40)
        assert model.count == 4
        assert "a000" not in index
        assert "a042" in index
        assert index.verify() == []


def test_nothing_is_written_when_nothing_changed(folder: Path) -> None:
    before = state(folder)
    model = Counting()
    with Recommender.open(folder, embedder=model) as index:
        change = index.sync(reversed(corpus(40)), now=NOW)
    assert (change.unchanged, change.total) == (40, 40)
    assert [change.added, change.updated, change.removed] == [0, 0, 0]
    assert model.count == 0
    assert state(folder) == before


@pytest.mark.parametrize(
    "fields",
    [
        {"url": "https://news.example/moved"},
        {"visible_until": NOW - timedelta(days=1)},
        {"visible_from": NOW + timedelta(days=1)},
        {"access": "members"},
        {"category": "要闻", "extra": {"rank": 3}},
        {"date": NOW - timedelta(days=9)},
        {"excerpt": True},
    ],
)
def test_what_is_shown_changes_without_embedding(folder: Path, fields: dict[str, object]) -> None:
    articles = corpus(40)
    articles[7] = replace(articles[7], **fields)  # type: ignore[arg-type]
    model = Counting()
    with Recommender.open(folder, embedder=model) as index:
        change = index.sync(articles, now=NOW)
        assert (change.updated, change.unchanged, change.embedded, model.count) == (1, 39, 0, 0)
        for name, value in fields.items():
            assert getattr(index.get("a007"), name) == value
        assert index.sync(articles, now=NOW).unchanged == 40


def test_an_edit_that_leaves_what_is_embedded_embeds_nothing(folder: Path) -> None:
    articles = corpus(40)
    articles[7] = replace(articles[7], body=f"<p>{articles[7].body}</p>")
    model = Counting()
    with Recommender.open(folder, embedder=model) as index:
        change = index.sync(articles, now=NOW)
        assert (change.updated, change.embedded, model.count) == (1, 0, 0)


def test_the_clock_alone_lifts_an_embargo_and_ends_a_stay(folder: Path) -> None:
    with Recommender.open(folder) as index:
        match = index.related("a000", now=NOW, min_similarity=0.1)[0].article.id
        articles = [
            replace(each, visible_from=NOW, visible_until=NOW + timedelta(days=2))
            if each.id == match
            else each
            for each in corpus(40)
        ]
        assert index.sync(articles, now=NOW).embedded == 0

        def shown(days: float) -> bool:
            now = NOW + timedelta(days=days)
            found = index.related("a000", now=now, min_similarity=0.1, limit=40)
            return match in [each.article.id for each in found]

        assert [shown(-0.1), shown(0), shown(1.9), shown(2)] == [False, True, True, False]


def test_a_date_of_an_article_under_embargo_is_believed(folder: Path) -> None:
    later = NOW + timedelta(days=30)
    new = article("late", "桥", 60, date=later, visible_from=later)
    with Recommender.open(folder, embedder=HashingEmbedder()) as index:
        index.sync([*corpus(40), new], now=NOW)
        assert "late" not in [each.article.id for each in index.problems()]


@pytest.mark.parametrize("fields", [{"access": "hidden"}, {"access": "members"}, None])
def test_what_is_withdrawn_is_in_no_list(folder: Path, fields: dict[str, object] | None) -> None:
    articles = corpus(40)
    if fields is None:
        del articles[10]
    else:
        articles[10] = replace(articles[10], **fields)  # type: ignore[arg-type]
    with Recommender.open(folder, embedder=HashingEmbedder()) as index:
        index.sync(articles, now=NOW)
        for each in articles:
            found = index.related(each.id, now=NOW, limit=50, min_similarity=0.0)
            assert "a010" not in [match.article.id for match in found]


@pytest.mark.parametrize(
    ("articles", "reason"),
    [
        (corpus(29), "no longer gives 11 of the 40"),
        ([], "gives none of the 40"),
        ([replace(each, body="") for each in corpus(40)], "one and the same text, or none, for 40"),
        ([replace(each, body="<p>404</p>") for each in corpus(40)], "one and the same text"),
        ([article(f"b{number}", "雨", number) for number in range(40)], "no longer gives 40"),
    ],
)
def test_a_source_that_looks_broken_stops_it(
    folder: Path, articles: list[Article], reason: str
) -> None:
    before = state(folder)
    with Recommender.open(folder, embedder=HashingEmbedder()) as index:
        with pytest.raises(SyncStopped, match=reason):
            index.sync(articles, now=NOW)
        assert state(folder) == before
        change = index.sync(articles, force=True, now=NOW)
        assert change.total == len(articles)
        assert index.sync(articles, force=True, now=NOW).unchanged == len(articles)


def test_a_few_may_always_go_and_the_limit_is_a_setting(folder: Path) -> None:
    with Recommender.open(folder, embedder=HashingEmbedder()) as index:
        assert index.sync(corpus(30), now=NOW).removed == 10
        with pytest.raises(SyncStopped):
            index.sync(corpus(15), now=NOW, most_removed=0.49)
        assert index.sync(corpus(15), now=NOW, most_removed=0.5).removed == 15
        with pytest.raises(ConfigError, match="most_removed"):
            index.sync(corpus(15), most_removed=1.5)


def test_a_source_of_what_is_new_removes_nothing(folder: Path) -> None:
    with Recommender.open(folder, embedder=HashingEmbedder()) as index:
        change = index.sync([article("new", "茶", 77)], complete=False, now=NOW)
        assert (change.added, change.removed, change.total) == (1, 0, 41)
        assert index.sync([], complete=False, now=NOW).total == 41


def test_what_cannot_be_read_stays_as_it_is(folder: Path) -> None:
    unreadable: set[str] = set()

    def reading() -> Iterator[Article]:
        for each in corpus(40):
            if each.id in ("a001", "a002"):
                unreadable.add(each.id)
            elif each.id != "a003":
                yield each

    with Recommender.open(folder) as index:
        change = index.sync(reading(), unreadable=unreadable, now=NOW)
        assert (change.removed, change.unchanged) == (1, 37)
        assert "a001" in index
        assert "a002" in index


def test_nothing_goes_while_something_cannot_be_named(folder: Path) -> None:
    done = sync(folder, SyncSource(articles=corpus(38), unreadable=[""]))
    assert (done.change.removed, done.sources[0].withheld, done.changed) == (0, 2, False)
    done = sync(folder, SyncSource(articles=corpus(38), unreadable=[""]), force=True)
    assert (done.change.removed, done.sources[0].withheld) == (2, 0)


def test_all_unreadable_is_a_broken_source(folder: Path) -> None:
    ids = [each.id for each in corpus(40)]
    with pytest.raises(SyncStopped, match="40 cannot be read"):
        sync(folder, SyncSource(articles=[], unreadable=ids))


def test_each_source_owns_the_articles_of_its_site(tmp_path: Path) -> None:
    folder = tmp_path / "index"
    first = sync(
        folder, site("a", corpus(12)), site("b", corpus(14)), SyncSource(articles=corpus(3))
    )
    assert first.built
    assert [each.added for each in first.sources] == [12, 14, 3]
    done = sync(folder, site("a", corpus(11)), SyncSource(articles=corpus(3)))
    assert done.change.removed == 1
    assert done.others == {"b": 14}
    assert sync(folder, site("a", corpus(11)), elsewhere=["b"]).others == {"": 3}
    done = sync(folder, site("b", corpus(15)), elsewhere=["a", ""])
    assert (done.change.added, done.change.removed, done.others) == (1, 0, {})
    assert len(held(folder)) == 11 + 15 + 3


def test_the_source_without_a_site_owns_the_sites_that_it_names(tmp_path: Path) -> None:
    folder = tmp_path / "index"
    mixed = [replace(each, site="x" if n % 2 else "") for n, each in enumerate(corpus(12))]
    sync(folder, SyncSource(articles=mixed))
    assert sync(folder, SyncSource(articles=mixed[2:])).change.removed == 2
    with pytest.raises(ArticleError, match="its site is '', and the source has the site 'y'"):
        with Recommender.open(folder) as index:
            index.sync(mixed, site="y")
    done = sync(folder, SyncSource(articles=mixed[2:]), site("x", corpus(2)))
    assert "its site is 'x'" in done.failed[0].failure
    assert sync(folder, SyncSource(articles=mixed[2:]), elsewhere=["x"]).failed


def test_one_broken_source_keeps_all_others_from_being_written(tmp_path: Path) -> None:
    folder = tmp_path / "index"
    sync(folder, site("a", corpus(30)), site("b", corpus(30)))
    before = state(folder)
    with pytest.raises(SyncStopped, match=r"^b no longer gives 20 of the 30"):
        sync(folder, site("a", corpus(31)), site("b", corpus(10)))
    assert state(folder) == before


def failing(articles: Sequence[Article]) -> Iterator[Article]:
    yield from articles
    raise SourceError("the database went away")


def test_a_source_that_fails_half_way_changes_nothing_of_it(tmp_path: Path) -> None:
    folder = tmp_path / "index"
    sync(folder, site("a", corpus(20)), site("b", corpus(20)))
    broken = replace(site("b", []), articles=failing([replace(article("z"), id="b:z", site="b")]))
    done = sync(folder, site("a", corpus(21)), broken)
    assert [each.failure for each in done.sources] == ["", "the database went away"]
    assert [each.name for each in done.failed] == ["b"]
    assert (done.change.added, done.change.removed, done.others) == (1, 0, {})
    assert "b:z" not in held(folder)
    with Recommender.open(folder) as index, pytest.raises(SourceError, match="went away"):
        index.sync(failing([]), site="b")


def test_an_index_is_made_of_all_sources_or_not_at_all(tmp_path: Path) -> None:
    folder = tmp_path / "new" / "index"
    with pytest.raises(SourceError, match="went away"):
        sync(folder, site("a", corpus(5)), SyncSource(articles=failing(corpus(3))))
    with pytest.raises(SourceError, match="no article"):
        sync(folder, SyncSource(articles=[]))
    assert not folder.exists()


def test_a_first_sync_answers_as_a_build_does(tmp_path: Path) -> None:
    options = IndexOptions(neighbours=20)
    sync(tmp_path / "synced", SyncSource(articles=reversed(corpus(30))), options=options)
    build(tmp_path / "built", corpus(30), options=options).close()
    with Recommender.open(tmp_path / "synced") as one, Recommender.open(tmp_path / "built") as two:
        assert one.options == two.options
        assert one.verify() == []
        for each in corpus(30):
            assert one.related(each.id, now=NOW) == two.related(each.id, now=NOW)


def test_a_dry_run_says_what_a_run_does_and_writes_nothing(folder: Path, tmp_path: Path) -> None:
    articles = [*corpus(43)[3:42], replace(corpus(43)[42], body="")]
    before = state(folder)
    model = Counting()
    outlook = sync(folder, SyncSource(articles=articles), dry_run=True, embedder=model)
    assert state(folder) == before
    done = sync(folder, SyncSource(articles=articles), embedder=model)
    assert outlook.change == replace(done.change, embedded=0)
    assert (outlook.sources, outlook.dry_run, done.dry_run) == (done.sources, True, False)
    nowhere = tmp_path / "nowhere"
    assert sync(nowhere, SyncSource(articles=corpus(3)), dry_run=True).change.added == 3
    assert not nowhere.exists()


def test_an_id_that_comes_twice_is_refused(folder: Path) -> None:
    before = state(folder)
    with Recommender.open(folder) as index, pytest.raises(ArticleError, match="comes twice"):
        index.sync([*corpus(40), corpus(1)[0]])
    with pytest.raises(ConfigError, match="no site"):
        sync(folder, SyncSource(articles=[]), SyncSource(articles=[]))
    assert state(folder) == before


def test_an_article_that_cannot_be_stored_is_told_and_stays(folder: Path) -> None:
    articles = corpus(41)
    for place in (2, 40):
        articles[place] = replace(articles[place], extra={"cannot": object()})
    told: list[ArticleError] = []
    done = sync(folder, SyncSource(articles=articles, on_problem=told.append))
    assert [each.article_id for each in told] == ["a002", "a040"]
    assert (done.change.unchanged, done.sources[0].unreadable, len(held(folder))) == (39, 2, 40)
    with Recommender.open(folder) as index, pytest.raises(ArticleError, match="a002"):
        index.sync(articles, now=NOW)


def test_what_was_erased_stays_out_without_a_word(
    folder: Path, caplog: pytest.LogCaptureFixture
) -> None:
    with Recommender.open(folder, embedder=HashingEmbedder()) as index:
        index.remove(["a003"], purge=True)
        before = state(folder)
        again = replace(corpus(40)[3], id="other")
        with caplog.at_level(logging.INFO, logger="recommender"):
            change = index.sync([*corpus(40), again], now=NOW)
        assert (change.skipped, change.added, change.unchanged) == (2, 0, 39)
        assert caplog.records == []
        assert state(folder) == before
        assert index.sync(corpus(40), allow_erased=True, now=NOW).added == 1


def test_decisions_outlive_an_article_that_is_away(folder: Path) -> None:
    with Recommender.open(folder, embedder=HashingEmbedder()) as index:
        index.decide("a001", "a002", "distinct", now=NOW)
        index.sync([each for each in corpus(40) if each.id != "a002"], now=NOW)
        index.sync(corpus(40), now=NOW)
        (decision,) = index.decisions()
        assert (decision.pair, decision.state) == (("a001", "a002"), "active")


def test_one_sync_at_a_time(folder: Path) -> None:
    with SyncLock.acquire(folder):
        with pytest.raises(SyncRunning, match="running already"):
            sync(folder, SyncSource(articles=corpus(40)))
        # Everything else goes on meanwhile.
        with Recommender.open(folder, embedder=HashingEmbedder()) as index:
            index.update([article("new")], now=NOW)
            assert index.verify() == []
            assert sync(folder, SyncSource(articles=corpus(40)), dry_run=True).change.removed == 1
    assert Recommender.diagnose(folder).healthy
    assert sync(folder, SyncSource(articles=corpus(40))).change.removed == 1


def test_vectors_of_an_interrupted_run_are_used_and_go(folder: Path) -> None:
    class Failing(Counting):
        def embed(self, texts: Sequence[str]) -> np.ndarray:
            if self.count:
                raise EmbedderUnavailable("the model went away")
            return super().embed(texts)

    articles = [*corpus(40), *(article(f"n{number}", "茶", number) for number in range(90))]
    broken = Failing()
    with pytest.raises(EmbedderUnavailable):
        sync(folder, SyncSource(articles=articles[1:]), embedder=broken)
    # What had to go is gone; the rest comes with the next run, which embeds only what is left.
    assert set(held(folder)) == {each.id for each in corpus(40)[1:]}
    assert any(each.name.startswith("pending-") for each in folder.iterdir())
    model = Counting()
    assert sync(folder, SyncSource(articles=articles[1:70]), embedder=model).change.added == 30
    assert broken.count == 64
    assert model.count < 30
    assert not any(each.name.startswith("pending-") for each in folder.iterdir())


def test_damaged_search_files_are_mended_by_a_sync_of_nothing(folder: Path) -> None:
    (file,) = folder.glob("*.faiss")
    file.write_bytes(file.read_bytes()[:-9])
    assert not sync(folder, SyncSource(articles=corpus(40))).changed
    with Recommender.open(folder) as index:
        assert index.verify() == []


def test_a_sync_needs_an_index(tmp_path: Path, folder: Path) -> None:
    with Recommender.open(folder) as index:
        for each in folder.iterdir():
            each.unlink()
        with pytest.raises(IndexMissing):
            index.sync(corpus(3))


@pytest.mark.parametrize("share", [-0.1, 1.1, True, "0.2", None])
def test_rules_that_make_no_sense_are_refused(share: object) -> None:
    with pytest.raises(ConfigError, match="most_removed"):
        SyncOptions(most_removed=share)  # type: ignore[arg-type]


def test_a_spool_keeps_the_last_of_a_key_in_the_order_of_keys(tmp_path: Path) -> None:
    with Spool[int](tmp_path / "not" / "there", lambda each: b"%d" % each, int) as spool:
        for number, key in enumerate(["b", "a", "c", "b"]):
            spool.put(key, number)
        spool.forget(["c", "d"])
        assert (spool.keys(), list(spool.values()), len(spool)) == (["a", "b"], [1, 3], 2)
        assert list(spool.batches(1)) == [[1], [3]]
        assert (spool.values()[1], spool.values()[0:1], "c" in spool) == (3, [1], False)
        with pytest.raises(KeyError):
            spool.get(["c"])
    assert list(tmp_path.iterdir()) == []


# Any sequence of states of a source: which articles it has, in which version and how shown.
STATES = st.lists(
    st.dictionaries(
        st.integers(0, 7),
        st.tuples(st.integers(0, 2), st.sampled_from(["public", "members", "hidden"])),
        min_size=1,
        max_size=8,
    ),
    min_size=1,
    max_size=5,
)


@settings(max_examples=25, deadline=None, suppress_health_check=[HealthCheck.too_slow])
@given(states=STATES, reverse=st.booleans())
def test_the_index_equals_its_source_after_any_changes(
    states: list[dict[int, tuple[int, str]]], reverse: bool
) -> None:
    with tempfile.TemporaryDirectory() as name:
        folder = Path(name) / "index"
        for each in states:
            articles = [
                article(f"p{number}", "桥茶雨"[version], number + 10 * version, access=access)
                for number, (version, access) in each.items()
            ]
            source = SyncSource(articles=articles[::-1] if reverse else articles)
            done = sync(folder, source, force=True)
            assert done.change.total == len(articles)
            build(Path(name) / "fresh", articles).close()
            assert held(folder) == held(Path(name) / "fresh")
            before = state(folder)
            again = sync(folder, SyncSource(articles=articles))
            assert (again.changed, again.change.unchanged) == (False, len(articles))
            assert state(folder) == before
        with Recommender.open(folder) as index:
            assert index.verify() == []
