"""Articles found by name, how long an answer stays true, and drafts without a model."""

from __future__ import annotations

import shutil
from collections.abc import Iterator, Sequence
from datetime import timedelta
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st

from recommender import Article, ConfigError, Recommender
from recommender.embedders import HashingEmbedder, Vectors
from tests.helpers import NOW, article, build, corpus

TITLES = {
    "t1": "城东片区周六停水通知",
    "t2": "城东小学周六开放日",
    "t3": "停水期间请提前储水",
    "t4": "增长100%的用水量",
    "t5": "Water main REPAIRED on Saturday",
}


@pytest.fixture(scope="module")
def folder(tmp_path_factory: pytest.TempPathFactory) -> Path:
    path = tmp_path_factory.mktemp("finding") / "index"
    named = [
        article(name, number=number, title=title, url=f"https://news.example/{name}.html")
        for number, (name, title) in enumerate(TITLES.items(), 900)
    ]
    build(path, [*corpus(30), *named]).close()
    return path


@pytest.fixture
def index(folder: Path) -> Iterator[Recommender]:
    with Recommender.open(folder) as opened:
        yield opened


def found(index: Recommender, text: str, **options: int) -> list[str]:
    return [card.id for card in index.find(text, **options)]


def test_an_id_or_an_address_finds_its_article_first(index: Recommender) -> None:
    assert found(index, "t3")[0] == "t3"
    assert found(index, " https://news.example/t4.html ")[0] == "t4"


def test_titles_hold_all_words_in_any_order_and_case(index: Recommender) -> None:
    assert set(found(index, "周六 城东")) == {"t1", "t2"}
    assert found(index, "repaired water") == ["t5"]


def test_signs_of_patterns_are_taken_as_they_are(index: Recommender) -> None:
    assert found(index, "100%") == ["t4"]
    assert found(index, "_") == found(index, "%%") == found(index, "\\") == []


def test_a_title_with_a_slip_is_found(index: Recommender) -> None:
    assert found(index, "城东片区周日停水通知")[0] == "t1"


def test_a_limit_is_kept_and_a_wrong_one_refused(index: Recommender) -> None:
    assert len(found(index, "周六", limit=1)) == 1
    assert found(index, "周六", limit=0) == []
    for wrong in (-1, 1_001, True):
        with pytest.raises(ConfigError, match="limit"):
            index.find("周六", limit=wrong)


@given(st.text(alphabet=st.characters(), max_size=40))
def test_no_text_is_too_odd_to_look_for(folder: Path, text: str) -> None:
    with Recommender.open(folder) as index:
        assert len(index.find(text, limit=3)) <= 3
        assert len(index.find(text * 2_000, limit=3)) <= 3


def test_the_version_is_another_one_after_a_change_only(tmp_path: Path) -> None:
    with build(tmp_path / "a", corpus(5)) as one, Recommender.open(tmp_path / "a") as reader:
        before = reader.version()
        assert one.version() == before
        one.update([article("new", number=77)])
        assert one.version() == reader.version() != before
        with build(tmp_path / "b", corpus(5)) as other:
            assert other.version() not in (before, reader.version())


def test_the_next_change_of_visibility_is_known(tmp_path: Path) -> None:
    hour = timedelta(hours=1)
    times = [
        article("a", number=1, visible_from=NOW - hour, visible_until=NOW + 3 * hour),
        article("b", number=2, visible_from=NOW + 2 * hour),
        article("c", number=3),
    ]
    with build(tmp_path / "index", times) as index:
        assert index.next_visibility_change(now=NOW) == NOW + 2 * hour
        assert index.next_visibility_change(now=NOW + 2 * hour) == NOW + 3 * hour
        assert index.next_visibility_change(now=NOW + 3 * hour) is None


class Unwilling(HashingEmbedder):
    """The embedder of the index, which must not be asked."""

    def embed(self, texts: Sequence[str]) -> Vectors:
        raise AssertionError(f"{len(texts)} texts were to be embedded")


def test_a_draft_is_compared_by_wording_without_a_model(folder: Path) -> None:
    original = corpus(30)[3]
    copied = Article(id="draft", title="另一个标题", body=original.body + "本报昨日获悉。")
    other = Article(id="draft", title="山中", body="空山新雨之后，林间只有鸟声和泉水的响动。" * 5)
    with Recommender.open(folder, embedder=Unwilling()) as index:
        near = index.near_duplicates(copied, lexical=True)
        assert near[0].article.id == original.id
        assert near[0].evidence.cosine is None
        compared = index.compare(copied, original.id, lexical=True)
        assert compared.similarity == pytest.approx(near[0].similarity, abs=0.001)
        assert index.explain_all(copied, [original.id], lexical=True)[0].comparison == compared
        nobody = index.near_duplicates(other, lexical=True)
        assert not nobody
        assert "wording alone" in nobody.reason
        assert "wording alone" in index.related(other, lexical=True).reason
        empty = Article(id="draft", title="", body="。")
        assert "no text" in index.near_duplicates(empty, lexical=True).reason
        with pytest.raises(AssertionError, match="to be embedded"):
            index.near_duplicates(copied)


def test_two_copies_that_went_on_by_themselves_have_other_versions(tmp_path: Path) -> None:
    build(tmp_path / "a", corpus(5)).close()
    shutil.copytree(tmp_path / "a", tmp_path / "b")
    versions = []
    for number, name in enumerate(("a", "b")):
        with Recommender.open(tmp_path / name, embedder="hashing") as index:
            index.update([article("new", number=80 + number)])
            versions.append(index.version())
    assert versions[0] != versions[1]
