"""The Django app beside the running HTTP service: web workers hold no model."""

from __future__ import annotations

import logging
from collections.abc import Iterator
from typing import Any

import pytest

from tests.django_sites import Site, sample

ROCKETS = ("tianzhou9-launch", "tianzhou9-docking", "tianzhou8-launch", "tianzhou9-transfer")
TOKEN_ENV = "RECOMMENDER_TEST_TOKEN"  # noqa: S105 - the name of a variable


@pytest.fixture
def service(site: Site, tmp_path: Any, monkeypatch: pytest.MonkeyPatch) -> Iterator[Any]:
    """A running service over the site's index; the site knows the service only."""
    services = pytest.importorskip("tests.services", reason="needs the HTTP service")
    from django.conf import settings
    from django.test import override_settings

    site.stories(without=(*ROCKETS, "museum-night-2"))
    for name in ROCKETS:
        site.page(name)
    site.sync()
    monkeypatch.setenv(TOKEN_ENV, services.TOKEN)
    with services.serving(site.index, tmp_path) as running:
        running.wait_for_model()
        said = {name: value for name, value in settings.RECOMMENDER.items() if name != "INDEX"}
        said["SERVICE"] = {
            "URL": running.url,
            "TOKEN_ENV": TOKEN_ENV,
            "TIMEOUT": 30.0,
            "WRITE_TIMEOUT": 60.0,
        }
        said["CACHE_SECONDS"] = 0
        with override_settings(RECOMMENDER=said):
            yield running


def keys(instance: Any) -> list[int]:
    from recommender.contrib.django.related import related_articles

    return [each.object.pk for each in related_articles(instance)]


def test_what_is_published_goes_over_the_service(
    site: Site, service: Any, monkeypatch: pytest.MonkeyPatch
) -> None:
    from recommender import HashingEmbedder

    def refuse(*_: object) -> None:
        raise AssertionError("the model was asked in the web worker")

    monkeypatch.setattr(HashingEmbedder, "embed", refuse)
    page = site.page_of("tianzhou9-launch")
    before = keys(page)
    assert len(before) == 3
    gone = site.page_of("tianzhou8-launch")
    gone.unpublish()
    assert f"news.ArticlePage:{gone.pk}" not in site.held()
    assert keys(page) == [key for key in before if key != gone.pk]
    gone.refresh_from_db()
    gone.save_revision().publish()
    assert keys(page) == before
    story = site.story("museum-night-2")
    assert site.held()[f"news.Story:{story.pk}"].title == story.headline
    from recommender.contrib.django import backends

    assert backends.reading() is backends.changing()


def test_drafts_are_checked_by_the_service(site: Site, service: Any) -> None:
    from tests.test_django_editing import client, form, new_page

    copy = sample("museum-night-2")
    said = client(site.user()).post(new_page(site), form(copy.title, copy.body)).json()
    assert len(said["ids"]) == 1
    assert sample("museum-night-1").title in said["html"]


def test_lists_come_from_the_folder_where_there_is_one(site: Site, service: Any) -> None:
    from django.conf import settings
    from django.test import override_settings

    from recommender.contrib.django import backends

    with override_settings(RECOMMENDER={**settings.RECOMMENDER, "INDEX": site.index}):
        assert type(backends.reading()).__name__ == "LocalBackend"
        assert type(backends.changing()).__name__ == "ServiceBackend"
        assert len(keys(site.page_of("tianzhou9-launch"))) == 3


def test_without_the_service_the_site_goes_on(
    site: Site, service: Any, caplog: pytest.LogCaptureFixture
) -> None:
    from django.conf import settings
    from django.test import override_settings

    page = site.page_of("tianzhou9-launch")
    before = keys(page)
    service.stop()
    with caplog.at_level(logging.ERROR, "recommender.django"):
        assert keys(page) == before
        gone = site.page_of("tianzhou8-launch")
        gone.unpublish()
        # The old list, without what is no longer live.
        assert keys(page) == [key for key in before if key != gone.pk]
        from tests.test_django_editing import client, form, new_page

        copy = sample("museum-night-2")
        said = client(site.user()).post(new_page(site), form(copy.title, copy.body)).json()
        assert said["failed"]
    assert "does not answer" in caplog.text
    assert "recommender_sync" in caplog.text
    with override_settings(
        RECOMMENDER={
            **{name: each for name, each in settings.RECOMMENDER.items() if name != "SERVICE"},
            "INDEX": site.index,
        }
    ):
        site.sync()
    assert f"news.ArticlePage:{gone.pk}" not in site.held()


def test_the_command_says_that_it_needs_the_index(site: Site, service: Any) -> None:
    from django.core.management import CommandError

    with pytest.raises(CommandError, match="on the machine that holds the index"):
        site.sync()
