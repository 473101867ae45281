"""The warning before publishing: the views behind the panel and the admin's box."""

from __future__ import annotations

import shutil
from typing import Any

import pytest

from tests.django_sites import Site, sample


@pytest.fixture
def filled(site: Site) -> Site:
    """A site with an index of all sample articles, some of them pages."""
    names = ("museum-night-1", "tianzhou9-launch")
    site.stories(without=(*names, "museum-night-2", "water-outage-copy"))
    for name in names:
        site.page(name)
    site.sync()
    return site


def client(user: Any = None, **options: Any) -> Any:
    from django.test import Client

    made = Client(headers={"host": "127.0.0.1"}, **options)
    if user is not None:
        made.force_login(user)
    return made


def form(title: str, body: str, **fields: str) -> dict[str, str]:
    """What the editor of a page sends, with one paragraph in its stream."""
    return {
        "title": title,
        "slug": "draft",
        "intro": body,
        "body-count": "0",
        "comments-TOTAL_FORMS": "0",
        "comments-INITIAL_FORMS": "0",
        **fields,
    }


def new_page(site: Site, model: str = "articlepage") -> str:
    return f"/admin/recommender/near-duplicates/news/{model}/{site.home.pk}/"


def test_a_new_page_is_checked_as_it_stands_in_the_form(filled: Site) -> None:
    copy = sample("museum-night-2")
    held = filled.held()
    answer = client(filled.user()).post(new_page(filled), form(copy.title, copy.body))
    assert filled.held() == held
    said = answer.json()
    assert len(said["ids"]) == 1
    other = filled.page_of("museum-night-1")
    assert other.title in said["html"]
    assert f'href="/admin/pages/{other.pk}/edit/"' in said["html"]
    assert "The same text" in said["html"]
    assert "% similar" in said["html"]
    from tests.django_site.news.models import ArticlePage

    assert not ArticlePage.objects.filter(title=copy.title).exists()


def test_a_page_is_not_warned_of_itself(filled: Site) -> None:
    page = filled.page_of("museum-night-1")
    address = f"/admin/recommender/near-duplicates/{page.pk}/"
    text = sample("museum-night-1")
    said = client(filled.user()).post(address, form(text.title, text.body)).json()
    assert len(said["ids"]) == 0
    assert "No near-duplicates were found." in said["html"]
    copied = sample("water-outage-copy")
    said = client(filled.user()).post(address, form(copied.title, copied.body)).json()
    assert len(said["ids"]) == 1
    assert "/django-admin/news/story/" in said["html"]
    page.refresh_from_db()
    assert page.title == text.title


def test_facts_that_differ_are_shown(filled: Site) -> None:
    text = sample("museum-night-1")
    body = text.body.replace("三千", "五千").replace("3000", "5000")
    assert body != text.body
    said = client(filled.user()).post(new_page(filled), form(text.title, body)).json()
    assert len(said["ids"]) == 1
    assert "Facts that differ:" in said["html"]
    assert "↔" in said["html"]


def test_the_warning_speaks_chinese(filled: Site) -> None:
    copy = sample("museum-night-2")
    user = filled.user()
    from wagtail.users.models import UserProfile

    UserProfile.objects.create(user=user, preferred_language="zh-hans")
    said = client(user).post(new_page(filled), form(copy.title, copy.body)).json()
    assert "已有 1 篇文章写过这件事" in said["html"]
    assert "编辑该文" in said["html"]


def test_a_draft_with_faults_is_checked_all_the_same(filled: Site) -> None:
    copy = sample("museum-night-2")
    address = new_page(filled)
    sent = form("", copy.body, slug="not a slug!", section="77")
    assert len(client(filled.user()).post(address, sent).json()["ids"]) == 1
    said = client(filled.user()).post(address, form("短", "短")).json()
    assert "There is too little text to compare." in said["html"]


def test_what_is_shown_is_escaped(filled: Site) -> None:
    page = filled.page_of("museum-night-1")
    page.title = "<script>alert(1)</script>夜场"
    page.save_revision().publish()
    copy = sample("museum-night-2")
    said = client(filled.user()).post(new_page(filled), form(copy.title, copy.body)).json()
    assert "&lt;script&gt;" in said["html"]
    assert "<script" not in said["html"]


def test_only_who_may_edit_may_check(filled: Site) -> None:
    copy = sample("museum-night-2")
    page = filled.page_of("museum-night-1")
    sent = form(copy.title, copy.body)
    reader = filled.user("reader", is_superuser=False, is_staff=False)
    stranger = filled.user("stranger", is_superuser=False, is_staff=True)
    from django.contrib.auth.models import Permission

    stranger.user_permissions.add(Permission.objects.get(codename="access_admin"))
    for address in (new_page(filled), f"/admin/recommender/near-duplicates/{page.pk}/"):
        for user in (None, reader, stranger):
            answer = client(user).post(
                address, sent, headers={"x-requested-with": "XMLHttpRequest"}
            )
            assert answer.status_code in (302, 403), (address, user)
            assert page.title not in answer.content.decode()
        strict = client(filled.user(), enforce_csrf_checks=True)
        assert strict.post(address, sent).status_code == 403
        assert client(filled.user()).get(address).status_code == 405
    for model in ("homepage", "section", "nothing"):
        assert client(filled.user()).post(new_page(filled, model), sent).status_code == 404


def test_what_is_not_public_is_told_only_to_who_may_edit_it(filled: Site) -> None:
    from django.contrib.auth.models import Group, Permission
    from wagtail.models import GroupPagePermission, PageViewRestriction

    page = filled.page_of("museum-night-1")
    PageViewRestriction.objects.create(page=page, restriction_type="login")
    desk = filled.page("bridge-2", first_published_at=sample("museum-night-2").date)
    group = Group.objects.create(name="desk")
    group.permissions.add(Permission.objects.get(codename="access_admin"))
    for codename in ("add_page", "change_page"):
        permission = Permission.objects.get(
            content_type__app_label="wagtailcore", codename=codename
        )
        GroupPagePermission.objects.create(group=group, page=desk, permission=permission)
    writer = filled.user("writer", is_superuser=False, is_staff=False)
    writer.groups.add(group)
    copy = sample("museum-night-2")
    address = f"/admin/recommender/near-duplicates/{desk.pk}/"
    sent = form(copy.title, copy.body)
    answer = client(writer).post(address, sent)
    assert answer.status_code == 200
    assert len(answer.json()["ids"]) == 0
    said = client(filled.user()).post(address, sent).json()
    assert len(said["ids"]) == 1
    assert "not public" in said["html"]
    PageViewRestriction.objects.all().delete()
    said = client(writer).post(address, sent).json()
    assert len(said["ids"]) == 1
    assert "Edit it" not in said["html"]
    assert "Read it" in said["html"]


def test_an_embargo_is_kept_among_editors(filled: Site) -> None:
    from datetime import timedelta

    from django.contrib.auth.models import Permission
    from django.utils import timezone

    from tests.django_site.news.models import Story

    writer = filled.user("writer", is_superuser=False)
    writer.user_permissions.add(Permission.objects.get(codename="add_story"))
    address = "/django-admin/news/story/add/near-duplicates/"
    copy = story_form("water-outage-copy")
    assert len(client(writer).post(address, copy).json()["ids"]) == 1
    other = Story.objects.get(headline=sample("water-outage-1").title)
    other.embargo = timezone.now() + timedelta(days=1)
    other.save()
    assert client(writer).post(address, copy).json()["ids"] == []
    said = client(filled.user()).post(address, copy).json()
    assert len(said["ids"]) == 1
    assert "not public" in said["html"]


def test_a_check_that_fails_says_so_and_stops_nobody(
    filled: Site, caplog: pytest.LogCaptureFixture
) -> None:
    from recommender.contrib.django import backends

    backends.close()
    shutil.rmtree(filled.index)
    copy = sample("museum-night-2")
    answer = client(filled.user()).post(new_page(filled), form(copy.title, copy.body))
    assert answer.status_code == 200
    said = answer.json()
    assert (said["ids"], said["failed"]) == ([], True)
    assert "You can publish all the same." in said["html"]
    assert "was not checked" in caplog.text


def test_drafts_can_be_compared_without_a_model(
    filled: Site, monkeypatch: pytest.MonkeyPatch
) -> None:
    from django.conf import settings
    from django.test import override_settings

    from recommender.embedders.hashing import HashingEmbedder

    def refuse(*_: object) -> None:
        raise AssertionError("the model was asked")

    copy = sample("museum-night-2")
    with override_settings(RECOMMENDER={**settings.RECOMMENDER, "LEXICAL": True}):
        monkeypatch.setattr(HashingEmbedder, "embed", refuse)
        said = client(filled.user()).post(new_page(filled), form(copy.title, copy.body)).json()
    assert len(said["ids"]) == 1


def test_the_editor_of_wagtail_has_the_panel(filled: Site) -> None:
    page = filled.page_of("museum-night-1")
    html = client(filled.user()).get(f"/admin/pages/{page.pk}/edit/").content.decode()
    assert f'data-url="/admin/recommender/near-duplicates/{page.pk}/"' in html
    assert "recommender/near_duplicates.js" in html
    added = f"/admin/pages/add/news/articlepage/{filled.home.pk}/"
    html = client(filled.user()).get(added).content.decode()
    assert f'data-url="{new_page(filled)}"' in html


def story_form(name: str, **fields: str) -> dict[str, str]:
    text = sample(name)
    return {"headline": text.title, "text": text.body, "is_live": "on", **fields}


def test_the_admin_of_django_checks_as_well(filled: Site) -> None:
    from tests.django_site.news.models import Story

    adding = "/django-admin/news/story/add/"
    html = client(filled.user()).get(adding).content.decode()
    assert f'data-url="{adding}near-duplicates/"' in html
    assert "recommender/near_duplicates.js" in html
    copy = story_form("water-outage-copy")
    said = client(filled.user()).post(f"{adding}near-duplicates/", copy).json()
    other = Story.objects.get(headline=sample("water-outage-1").title)
    assert len(said["ids"]) == 1
    assert f'href="/django-admin/news/story/{other.pk}/change/"' in said["html"]
    assert not Story.objects.filter(headline=copy["headline"]).exists()
    own = f"/django-admin/news/story/{other.pk}/near-duplicates/"
    assert len(client(filled.user()).post(own, copy).json()["ids"]) == 0
    assert f'data-url="{own}"' in (
        client(filled.user()).get(f"/django-admin/news/story/{other.pk}/change/").content.decode()
    )


def test_only_who_may_change_a_story_may_check_it(filled: Site) -> None:
    from django.contrib.auth.models import Permission

    from tests.django_site.news.models import Story

    other = Story.objects.get(headline=sample("water-outage-1").title)
    addresses = [
        "/django-admin/news/story/add/near-duplicates/",
        f"/django-admin/news/story/{other.pk}/near-duplicates/",
    ]
    viewer = filled.user("viewer", is_superuser=False)
    viewer.user_permissions.add(Permission.objects.get(codename="view_story"))
    copy = story_form("water-outage-copy")
    for address in addresses:
        assert client().post(address, copy).status_code == 302
        assert client(viewer).post(address, copy).status_code == 403
        assert client(filled.user()).get(address).status_code == 405
        strict = client(filled.user(), enforce_csrf_checks=True)
        assert strict.post(address, copy).status_code == 403
    missing = client(filled.user()).post("/django-admin/news/story/999999/near-duplicates/", copy)
    assert missing.status_code == 404
    html = client(viewer).get(f"/django-admin/news/story/{other.pk}/change/").content.decode()
    assert "data-near-duplicates" not in html


def test_every_text_for_editors_is_translated() -> None:
    import gettext
    import re
    from pathlib import Path

    from recommender.contrib import django as app

    folder = Path(app.__file__).parent
    with (folder / "locale/zh_Hans/LC_MESSAGES/django.mo").open("rb") as stream:
        catalogue = gettext.GNUTranslations(stream)
    sources = [*folder.rglob("*.py"), *folder.rglob("*.html")]
    texts = set()
    for source in sources:
        text = source.read_text("utf-8")
        texts |= set(re.findall(r'{% translate ["\'](.+?)["\'] %}', text))
        texts |= set(re.findall(r'(?:\b_|gettext_lazy)\(\s*"(.+?)"\s*\)', text))
    assert len(texts) >= 14
    for text in texts:
        assert catalogue.gettext(text) != text, text
    po = (folder / "locale/zh_Hans/LC_MESSAGES/django.po").read_text("utf-8")
    for said, translated in re.findall(r'^msgid "(.+)"\nmsgstr "(.*)"$', po, re.MULTILINE):
        assert catalogue.gettext(said) == translated
