"""Articles that wait on disk come back as they were."""

from __future__ import annotations

from datetime import datetime, timezone
from pathlib import Path

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from recommender import Article, ArticleError
from recommender.config import IndexOptions
from recommender.indexing import clean_article, make_recipe, prepare
from recommender.waiting import cards_on_disk, cleaned_on_disk, prepared_on_disk
from tests.helpers import NOW

DATES = st.none() | st.datetimes(timezones=st.just(timezone.utc), min_value=datetime(1900, 1, 1))
ARTICLES = st.builds(
    Article,
    id=st.just("a"),
    title=st.text(max_size=40),
    body=st.text(max_size=400),
    date=DATES,
    visible_from=DATES,
    access=st.sampled_from(["public", "members", "hidden"]),
    excerpt=st.booleans(),
    extra=st.dictionaries(st.text(max_size=5), st.integers() | st.text(max_size=5) | st.none()),
)


@pytest.fixture(scope="module")
def folder(tmp_path_factory: pytest.TempPathFactory) -> Path:
    return tmp_path_factory.mktemp("waiting")


# The first example of a process pays for loading what text is folded with.
@settings(deadline=None)
@given(article=ARTICLES)
def test_what_waits_comes_back_as_it_was(folder: Path, article: Article) -> None:
    cleaned = clean_article(article)
    (prepared,) = prepare([cleaned], make_recipe([cleaned], IndexOptions()), NOW)
    with cards_on_disk(folder) as cards, cleaned_on_disk(folder) as some:
        cards.put("a", cleaned.card)
        some.put("a", cleaned)
        assert cards.get(["a"]) == [cleaned.card]
        assert some.get(["a"]) == [cleaned]
    with prepared_on_disk(folder) as others:
        others.put("a", prepared)
        (found,) = others.get(["a"])
    assert found.card == prepared.card
    assert found.input_digest == prepared.input_digest
    assert (found.text, found.compared) == (prepared.text, prepared.compared)
    for name in ("facts", "length", "text_digest", "title_digest", "flags", "vector"):
        assert getattr(found.sketch, name) == getattr(prepared.sketch, name)
    assert found.sketch.fingerprint.tolist() == prepared.sketch.fingerprint.tolist()
    assert found.sketch.fingerprint.dtype == prepared.sketch.fingerprint.dtype


def test_what_no_index_could_hold_is_refused_as_the_article_it_is(folder: Path) -> None:
    odd = Article(id="a", body="x", extra={"when": NOW})
    with cards_on_disk(folder) as cards, pytest.raises(ArticleError, match="as JSON"):
        cards.put("a", odd.card)
