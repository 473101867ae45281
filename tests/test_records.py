"""Values that travel: what cards and articles accept, how times, filters and lists behave."""

from __future__ import annotations

import dataclasses
from collections.abc import Sequence
from datetime import datetime, timedelta, timezone
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from recommender.errors import ArticleError, ConfigError, RecommenderError
from recommender.records import (
    CARD_FIELDS,
    MAX_BODY_LENGTH,
    MAX_FIELD_LENGTH,
    MAX_ID_LENGTH,
    Article,
    Card,
    Evidence,
    Filter,
    Match,
    MatchList,
    Relation,
    Verdict,
)

NOON = datetime(2025, 3, 4, 12, 0, tzinfo=timezone.utc)
CHINA = timezone(timedelta(hours=8))
TEXT_FIELDS = ("title", "url", "category", "language", "source", "site")
TIME_FIELDS = ("date", "visible_from", "visible_until")


def match(article_id: str, also_covered: tuple[str, ...] = ()) -> Match:
    return Match(
        article=Card(id=article_id),
        similarity=0.6,
        verdict=Verdict.RELATED,
        relation=Relation.OTHER,
        evidence=Evidence(),
        also_covered=also_covered,
    )


# Identifiers


@pytest.mark.parametrize("good", ["1", "新闻-2025-07", "a b", "../x", "x" * MAX_ID_LENGTH, "😀"])
def test_ids_are_kept_as_they_are(good: str) -> None:
    assert Card(id=good).id == good


@pytest.mark.parametrize(
    ("bad", "reason"),
    [
        ("", "empty"),
        ("   ", "empty"),
        ("\u3000", "empty"),
        (" a", "space"),
        ("a\n", "space"),
        ("a\tb", "control"),
        ("a\0b", "control"),
        ("a\u200bb", "control"),
        ("\ud800", "control"),
        ("x" * (MAX_ID_LENGTH + 1), "512"),
        (17, "not int"),
        (None, "not NoneType"),
        (b"a", "not bytes"),
    ],
)
def test_malformed_ids_are_refused(bad: Any, reason: str) -> None:
    with pytest.raises(ArticleError, match=reason):
        Card(id=bad)


def test_an_overlong_id_is_not_repeated_in_full() -> None:
    with pytest.raises(ArticleError) as caught:
        Card(id="n" * 4_000)
    assert len(str(caught.value)) < 200
    assert "4,000" in str(caught.value)


# Text fields


@pytest.mark.parametrize("name", TEXT_FIELDS)
def test_text_fields_must_be_text_of_bounded_length(name: str) -> None:
    longest = "字" * MAX_FIELD_LENGTH
    longer: dict[str, Any] = {name: longest + "字"}
    longest_field: dict[str, Any] = {name: longest}
    assert getattr(Card(id="a", **longest_field), name) == longest
    with pytest.raises(ArticleError, match=rf"{name} has 8,193 characters"):
        Card(id="a", **longer)
    for wrong in (None, 3, b"x", ["x"]):
        with pytest.raises(ArticleError, match=rf"{name} must be text") as caught:
            Card(id="a", **{name: wrong})  # type: ignore[arg-type]
        assert caught.value.article_id == "a"


@pytest.mark.parametrize("name", TEXT_FIELDS)
def test_text_fields_lose_outer_space_nul_and_lone_surrogates(name: str) -> None:
    card = Card(id="a", **{name: " \u3000左\0右\ud83d\n"})  # type: ignore[arg-type]
    value = getattr(card, name)
    assert value.startswith("左 右")
    assert value == value.strip()
    assert value.encode("utf-8")


@given(st.text(alphabet=st.characters(), max_size=60))
def test_any_title_and_body_can_be_written_as_utf8(text: str) -> None:
    article = Article(id="a", title=text, body=text)
    assert article.title.encode("utf-8").decode("utf-8") == article.title
    assert article.body.encode("utf-8").decode("utf-8") == article.body


@given(st.text(alphabet=st.characters(exclude_categories=["Cs"]), max_size=60))
def test_bodies_that_can_be_written_stay_as_they_are(text: str) -> None:
    assert Article(id="a", body=text).body == text


# Bodies


def test_the_body_may_be_empty_but_not_missing_or_something_else() -> None:
    assert Article(id="a", body="").body == ""
    with pytest.raises(TypeError):
        Article(id="a")  # type: ignore[call-arg]
    for wrong in (None, b"text", 5):
        with pytest.raises(ArticleError, match="body must be text") as caught:
            Article(id="a", body=wrong)  # type: ignore[arg-type]
        assert caught.value.article_id == "a"


def test_a_body_longer_than_the_limit_is_refused() -> None:
    assert len(Article(id="a", body="x" * MAX_BODY_LENGTH).body) == MAX_BODY_LENGTH
    with pytest.raises(ArticleError, match="20,000,001 characters"):
        Article(id="a", body="x" * (MAX_BODY_LENGTH + 1))


def test_an_article_checks_what_a_card_checks() -> None:
    with pytest.raises(ArticleError, match="id is empty"):
        Article(id="", body="text")
    with pytest.raises(ArticleError, match="access"):
        Article(id="a", body="text", access="secret")  # type: ignore[arg-type]


def test_the_card_of_an_article_has_every_field_but_the_body() -> None:
    values: dict[str, Any] = {
        "id": "a",
        "title": "桥通车",
        "url": "https://example.org/a",
        "date": NOON,
        "category": "交通",
        "language": "zh",
        "source": "晚报",
        "site": "example.org",
        "excerpt": True,
        "visible_from": NOON,
        "visible_until": NOON + timedelta(days=1),
        "access": "members",
        "extra": {"editor": 7},
    }
    article = Article(body="正文", **values)
    assert type(article.card) is Card
    assert {name: getattr(article.card, name) for name in CARD_FIELDS} == values
    assert set(CARD_FIELDS) == {each.name for each in dataclasses.fields(Card)}


# Times


@pytest.mark.parametrize("name", TIME_FIELDS)
def test_times_come_out_in_utc(name: str) -> None:
    aware = Card(id="a", **{name: datetime(2025, 3, 4, 20, 0, tzinfo=CHINA)})  # type: ignore[arg-type]
    naive = Card(id="a", **{name: datetime(2025, 3, 4, 12, 0)})  # type: ignore[arg-type]
    assert getattr(aware, name) == getattr(naive, name) == NOON
    assert getattr(aware, name).utcoffset() == timedelta(0)
    assert getattr(naive, name).utcoffset() == timedelta(0)


@pytest.mark.parametrize("name", TIME_FIELDS)
def test_times_must_be_datetimes(name: str) -> None:
    for wrong in ("2025-03-04", 1_741_000_000, NOON.date()):
        with pytest.raises(ArticleError, match=rf"{name} must be a datetime"):
            Card(id="a", **{name: wrong})  # type: ignore[arg-type]


def test_a_time_that_utc_cannot_hold_counts_as_missing() -> None:
    early = datetime.min.replace(tzinfo=CHINA)
    late = datetime.max.replace(tzinfo=timezone(timedelta(hours=-8)))
    assert Card(id="a", date=early).date is None
    assert Card(id="a", date=late).date is None


# Access


@pytest.mark.parametrize("wrong", ["", "Public", "private", None, True])
def test_unknown_access_is_refused(wrong: Any) -> None:
    with pytest.raises(ArticleError, match="public, members, hidden"):
        Card(id="a", access=wrong)


def test_only_public_articles_inside_their_window_are_public() -> None:
    second = timedelta(seconds=1)
    card = Card(id="a", visible_from=NOON, visible_until=NOON + timedelta(hours=1))
    assert not card.is_public(NOON - second)
    assert card.is_public(NOON)
    assert card.is_public(NOON + timedelta(hours=1) - second)
    assert not card.is_public(NOON + timedelta(hours=1))
    assert Card(id="a").is_public(NOON)
    assert not Card(id="a", access="members").is_public(NOON)
    assert not Card(id="a", access="hidden").is_public(NOON)


# Frozen values


def test_cards_are_frozen_and_do_not_share_the_callers_mapping() -> None:
    extra = {"editor": 7}
    card = Card(id="a", extra=extra)
    extra["editor"] = 8
    assert card.extra == {"editor": 7}
    with pytest.raises(dataclasses.FrozenInstanceError):
        card.title = "anders"  # type: ignore[misc]


def test_equal_cards_are_equal_and_hash_alike_whatever_extra_holds() -> None:
    one = Card(id="a", title="x ", extra={"list": [1, 2]})
    other = Card(id="a", title="x", extra={"list": [1, 2]})
    assert one == other
    assert hash(one) == hash(other)
    assert one != Card(id="a", title="x", extra={"list": [1]})


# Verdicts and relations


def test_near_duplicates_are_the_two_closest_verdicts() -> None:
    assert [each for each in Verdict if each.is_near_duplicate] == [
        Verdict.SAME_TEXT,
        Verdict.SAME_STORY,
    ]


def test_verdicts_and_relations_print_as_their_values() -> None:
    assert f"{Verdict.SAME_TEXT} {Relation.CONTAINED_IN}" == "same-text contained-in"
    assert [str(each) for each in Relation] == [each.value for each in Relation]


@pytest.mark.parametrize("relation", list(Relation))
def test_reversing_a_relation_twice_changes_nothing(relation: Relation) -> None:
    assert relation.reversed.reversed is relation
    swaps = relation in (Relation.CONTAINS, Relation.CONTAINED_IN)
    assert (relation.reversed is not relation) == swaps


# Lists


def test_a_match_list_is_a_sequence_of_its_matches() -> None:
    first, second, third = match("a"), match("b", ("x", "y")), match("c", ("z",))
    found = MatchList((first, second, third), own_duplicates=("q",))
    assert isinstance(found, Sequence)
    assert len(found) == 3
    assert list(found) == [first, second, third]
    assert found[0] is first
    assert found[-1] is third
    assert found[1:] == (second, third)
    assert second in found
    assert match("d") not in found
    assert found.also_covered == 3
    with pytest.raises(IndexError):
        found[3]


def test_an_empty_match_list_is_false_and_covers_nothing() -> None:
    empty = MatchList(())
    assert not empty
    assert empty.also_covered == 0


# Filters


def test_an_empty_filter_lets_everything_pass() -> None:
    assert Filter().passes(Card(id="a"))
    assert Filter().passes(Card(id="b", access="hidden", category="体育"))


@pytest.mark.parametrize(
    ("name", "field"),
    [
        ("categories", "category"),
        ("languages", "language"),
        ("sources", "source"),
        ("sites", "site"),
    ],
)
def test_a_filter_on_values_passes_only_those(name: str, field: str) -> None:
    wanted = Filter(**{name: ["甲", "乙"]})  # type: ignore[arg-type]
    assert wanted.passes(Card(id="a", **{field: "甲"}))  # type: ignore[arg-type]
    assert wanted.passes(Card(id="a", **{field: "乙"}))  # type: ignore[arg-type]
    assert not wanted.passes(Card(id="a", **{field: "丙"}))  # type: ignore[arg-type]
    assert not wanted.passes(Card(id="a"))


@pytest.mark.parametrize("name", ["categories", "languages", "sources", "sites", "exclude"])
def test_one_text_in_place_of_a_collection_is_refused(name: str) -> None:
    with pytest.raises(ConfigError, match=f"{name} takes a collection"):
        Filter(**{name: "体育"})  # type: ignore[arg-type]


def test_after_includes_its_moment_and_before_does_not() -> None:
    at_noon = Card(id="a", date=NOON)
    second = timedelta(seconds=1)
    assert Filter(after=NOON).passes(at_noon)
    assert not Filter(after=NOON + second).passes(at_noon)
    assert not Filter(before=NOON).passes(at_noon)
    assert Filter(before=NOON + second).passes(at_noon)


def test_an_article_without_a_date_fails_either_time_filter() -> None:
    assert not Filter(after=NOON).passes(Card(id="a"))
    assert not Filter(before=NOON).passes(Card(id="a"))


def test_times_of_a_filter_without_a_zone_are_utc() -> None:
    naive = Filter(after=datetime(2025, 3, 4, 12, 0), public_at=datetime(2025, 3, 4, 12, 0))
    assert naive.after == naive.public_at == NOON
    assert Filter(before=datetime(2025, 3, 4, 20, 0, tzinfo=CHINA)).before == NOON


def test_excluded_ids_and_hidden_articles_are_left_out() -> None:
    assert not Filter(exclude={"a"}).passes(Card(id="a"))  # type: ignore[arg-type]
    assert Filter(exclude={"a"}).passes(Card(id="b"))  # type: ignore[arg-type]
    assert not Filter(public_at=NOON).passes(Card(id="a", access="members"))
    assert Filter().passes(Card(id="a", access="members"))
    assert not Filter(public_at=NOON).passes(Card(id="a", visible_until=NOON))


def test_all_conditions_of_a_filter_must_hold() -> None:
    strict = Filter(categories=["交通"], sources=["晚报"], after=NOON)  # type: ignore[arg-type]
    fields: dict[str, Any] = {"category": "交通", "source": "晚报", "date": NOON}
    assert strict.passes(Card(id="a", **fields))
    for name, other in (("category", "体育"), ("source", "日报"), ("date", None)):
        assert not strict.passes(Card(id="a", **{**fields, name: other}))


# Errors


def test_an_article_error_says_where_and_what() -> None:
    error = ArticleError("body must be text", source="in.jsonl", line=7, article_id="n1")
    assert str(error) == "in.jsonl:7: article 'n1': body must be text"
    assert (error.reason, error.source, error.line, error.article_id) == (
        "body must be text",
        "in.jsonl",
        7,
        "n1",
    )
    assert str(ArticleError("leer", line=3)) == "line 3: leer"
    assert str(ArticleError("leer")) == "leer"
    assert isinstance(error, RecommenderError)
    assert isinstance(error, ValueError)
