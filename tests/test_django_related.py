"""The template tag: what a reader is shown, and what is shown when something is broken."""

from __future__ import annotations

import logging
import shutil
from datetime import timedelta
from typing import Any

import pytest

from tests.django_sites import Site, sample

ROCKETS = ("tianzhou9-launch", "tianzhou9-docking", "tianzhou8-launch", "tianzhou9-transfer")


@pytest.fixture
def rockets(site: Site) -> dict[str, Any]:
    """Pages on one thing, in the index, among stories on many others."""
    site.stories(without=ROCKETS)
    pages = {name: site.page(name) for name in ROCKETS}
    site.sync()
    return pages


def rendered(instance: Any, source: str = "", **context: Any) -> str:
    from django.template import Context, Template

    template = source or (
        "{% load recommender %}{% related_articles it limit=5 as articles %}"
        "{% for each in articles %}{{ each.title }}|{{ each.url }}|{{ each.verdict }}|"
        "{{ each.similarity|floatformat:2 }}|{{ each.object.pk }}\n{% endfor %}"
    )
    return Template(template).render(Context({"it": instance, **context}))


def keys(instance: Any, **options: Any) -> list[int]:
    from recommender.contrib.django.related import related_articles

    return [each.object.pk for each in related_articles(instance, **options)]


def test_the_box_of_a_page(rockets: dict[str, Any]) -> None:
    lines = rendered(rockets["tianzhou9-launch"]).splitlines()
    assert len(lines) == 3
    title, url, verdict, similarity, key = lines[0].split("|")
    best = rockets["tianzhou8-launch"]
    assert (title, url, verdict, key) == (best.title, best.get_url(), "related", str(best.pk))
    assert 0.5 <= float(similarity) < 1
    assert keys(rockets["tianzhou9-launch"], limit=2) == [int(e.split("|")[4]) for e in lines[:2]]


def test_objects_come_in_one_query(rockets: dict[str, Any]) -> None:
    from django.db import connection
    from django.test.utils import CaptureQueriesContext

    page = rockets["tianzhou9-launch"]
    keys(page)
    with CaptureQueriesContext(connection) as captured:
        assert len(keys(page)) == 3
    tables = [
        each["sql"] for each in captured.captured_queries if "news_articlepage" in each["sql"]
    ]
    assert len(tables) == 1
    # Which parts of the tree are restricted, the kind of the page, and the pages themselves.
    assert len(captured) <= 6


def test_addresses_are_short_for_a_request_of_the_same_site(rockets: dict[str, Any]) -> None:
    from django.test import RequestFactory

    request = RequestFactory().get("/", headers={"host": "127.0.0.1"})
    assert "|/tianzhou8-launch/|" in rendered(rockets["tianzhou9-launch"], request=request)


def test_titles_are_escaped_in_a_template(rockets: dict[str, Any]) -> None:
    page = rockets["tianzhou8-launch"]
    page.title = "天舟八号 <script>alert(1)</script> 发射成功"
    page.save_revision().publish()
    box = rendered(rockets["tianzhou9-launch"])
    assert "&lt;script&gt;" in box
    assert "<script" not in box


def test_what_is_no_longer_live_is_dropped_at_once(site: Site, rockets: dict[str, Any]) -> None:
    from django.utils import timezone
    from wagtail.models import Page, PageViewRestriction

    from tests.django_site.news.models import ArticlePage

    page = rockets["tianzhou9-launch"]
    assert len(keys(page)) == 3
    # Past every signal, so that the index does not know.
    ArticlePage.objects.filter(pk=rockets["tianzhou8-launch"].pk).update(live=False)
    assert rockets["tianzhou8-launch"].pk not in keys(page)
    assert len(keys(page)) == 2
    past = timezone.now() - timedelta(minutes=1)
    ArticlePage.objects.filter(pk=rockets["tianzhou9-docking"].pk).update(expire_at=past)
    assert keys(page) == [rockets["tianzhou9-transfer"].pk]
    PageViewRestriction.objects.bulk_create(
        [
            PageViewRestriction(
                page=Page.objects.get(pk=rockets["tianzhou9-transfer"].pk),
                restriction_type="login",
            )
        ]
    )
    assert keys(page) == []


def test_an_alias_has_the_box_of_its_original(rockets: dict[str, Any]) -> None:
    from wagtail.models import Page

    page = rockets["tianzhou9-launch"]
    alias = page.create_alias(update_slug="copy")
    again = alias.create_alias(update_slug="copy-of-copy")
    assert keys(alias) == keys(page)
    assert keys(Page.objects.get(pk=again.pk)) == keys(page)
    assert alias.pk not in keys(rockets["tianzhou8-launch"])


def test_a_changed_index_shows_at_once(site: Site, rockets: dict[str, Any]) -> None:
    page = rockets["tianzhou9-launch"]
    before = keys(page)
    rockets["tianzhou8-launch"].unpublish()
    assert keys(page) == [each for each in before if each != rockets["tianzhou8-launch"].pk]
    rockets["tianzhou8-launch"].refresh_from_db()
    rockets["tianzhou8-launch"].save_revision().publish()
    assert keys(page) == before


def test_a_box_may_hold_objects_of_several_models(site: Site, rockets: dict[str, Any]) -> None:
    story = site.story(
        "tianzhou8-launch",
        headline="天舟十号货运飞船在文昌发射成功",
        text=sample("tianzhou8-launch").body.replace("天舟八号", "天舟十号").replace("11月", "9月"),
    )
    lines = rendered(story).splitlines()
    assert lines
    assert f"|/stories/{story.pk}/|" in rendered(rockets["tianzhou9-launch"])


def test_an_old_list_is_shown_while_the_index_is_broken(
    site: Site, rockets: dict[str, Any], caplog: pytest.LogCaptureFixture
) -> None:
    from recommender.contrib.django import backends

    page, other = rockets["tianzhou9-launch"], rockets["tianzhou9-docking"]
    before = keys(page)
    backends.close()
    shutil.rmtree(site.index)
    with caplog.at_level(logging.ERROR, "recommender.django"):
        assert keys(page) == before
        assert keys(page) == before
        assert keys(other) == []
    # Once: for some seconds nobody asks again.
    assert len(caplog.records) == 1
    assert "old lists are shown" in caplog.text


@pytest.mark.parametrize("limit", ["many", None, -3, [], "2.5"])
def test_a_template_never_fails(
    rockets: dict[str, Any], limit: Any, caplog: pytest.LogCaptureFixture
) -> None:
    source = "{% load recommender %}{% related_articles it limit=limit as all %}[{{ all|length }}]"
    assert rendered(rockets["tianzhou9-launch"], source, limit=limit) == "[0]"


@pytest.mark.parametrize("value", [None, "", "a text", 7, object()])
def test_what_is_no_object_has_no_box(
    site: Site, value: Any, caplog: pytest.LogCaptureFixture
) -> None:
    assert rendered(value) == ""
    assert "no related articles" in caplog.text


def test_a_draft_and_a_wrong_setting_have_no_box(
    rockets: dict[str, Any], caplog: pytest.LogCaptureFixture
) -> None:
    from django.test import override_settings

    from tests.django_site.news.models import ArticlePage

    assert rendered(ArticlePage(title="新")) == ""
    with override_settings(RECOMMENDER={"INDEX": 7}):
        assert rendered(rockets["tianzhou9-launch"]) == ""
    assert "RECOMMENDER" in caplog.text


def test_a_cache_with_something_else_in_it_is_passed_over(rockets: dict[str, Any]) -> None:
    from django.conf import settings
    from django.core.cache import cache

    page = rockets["tianzhou9-launch"]
    before = keys(page)
    for place in [each.partition(":1:")[2] for each in list(cache._cache)]:
        cache.set(place, {"something": "else"}) if "related" in place else cache.delete(place)
    assert keys(page) == before
    assert settings.CACHES["default"]["BACKEND"].endswith("LocMemCache")
