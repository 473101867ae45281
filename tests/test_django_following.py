"""What is published, changed or taken back reaches the index, once it is committed."""

from __future__ import annotations

import logging
import shutil
from datetime import timedelta
from typing import Any

import pytest

from tests.django_sites import Site, sample, stream


@pytest.fixture
def running(site: Site) -> Site:
    """A site with an index that holds one page and one story."""
    site.page("repo-0708")
    site.story("repo-0722")
    site.sync()
    assert len(site.held()) == 2
    return site


def id_of(instance: Any) -> str:
    return f"{type(instance)._meta.label}:{instance.pk}"


def test_pages_come_and_go_as_they_are_published(running: Site) -> None:
    page = running.page("tianzhou9-launch", live=False)
    assert id_of(page) not in running.held()
    page.save_revision().publish()
    card = running.held()[id_of(page)]
    assert (card.title, card.url) == (page.title, page.full_url)
    assert card.date == page.first_published_at
    page.refresh_from_db()
    page.title = "天舟九号发射圆满成功"
    revision = page.save_revision()
    assert running.held()[id_of(page)].title == card.title, "a draft is nobody's business"
    revision.publish()
    assert running.held()[id_of(page)].title == "天舟九号发射圆满成功"
    page.unpublish()
    assert id_of(page) not in running.held()
    page.save_revision().publish()
    assert id_of(page) in running.held()
    page.delete()
    assert id_of(page) not in running.held()


def test_deleting_a_branch_takes_out_everything_below(running: Site) -> None:
    above = running.page("tianzhou9-launch")
    below = running.page("tianzhou9-docking", parent=above)
    from wagtail.models import Page

    Page.objects.get(pk=above.pk).delete()
    assert not {id_of(above), id_of(below)} & set(running.held())


def test_another_slug_and_another_place_change_addresses_below(running: Site) -> None:
    above = running.page("tianzhou9-launch")
    below = running.page("tianzhou9-docking", parent=above)
    above.slug = "rocket"
    above.save_revision().publish()
    assert running.held()[id_of(below)].url.endswith("/rocket/tianzhou9-docking/")
    other = running.page("bridge-1")
    above.refresh_from_db()
    above.move(other, pos="last-child")
    assert "/bridge-1/rocket/" in running.held()[id_of(below)].url


def test_stories_are_followed_by_their_live_rule(running: Site) -> None:
    story = running.story("water-outage-1", is_live=False)
    assert id_of(story) not in running.held()
    story.is_live = True
    story.save()
    assert running.held()[id_of(story)].title == story.headline
    story.members_only = True
    story.save()
    assert running.held()[id_of(story)].access == "members"
    named = id_of(story)
    story.delete()
    assert named not in running.held()


def test_nothing_happens_when_a_transaction_is_rolled_back(running: Site) -> None:
    from django.db import transaction

    before = running.held()
    story = running.story("water-outage-1")
    with pytest.raises(RuntimeError), transaction.atomic():
        running.story("museum-night-1")
        running.page("tianzhou9-launch")
        story.delete()
        raise RuntimeError
    assert set(running.held()) == {*before, f"news.Story:{max_key(before) + 1}"}
    with transaction.atomic():
        kept = running.story("museum-night-2")
        assert id_of(kept) not in running.held(), "not before the commit"
        with pytest.raises(RuntimeError), transaction.atomic():
            lost = running.story("museum-bronze")
            raise RuntimeError
    assert id_of(kept) in running.held()
    assert f"news.Story:{lost.pk}" not in running.held()


def max_key(held: dict[str, Any]) -> int:
    return max(int(each.partition(":")[2]) for each in held if each.startswith("news.Story"))


def test_an_alias_is_no_article_of_its_own(running: Site) -> None:
    page = running.page("tianzhou9-launch")
    alias = page.create_alias(update_slug="copy")
    assert id_of(alias) not in running.held()
    page.title = "天舟九号升空"
    page.save_revision().publish()
    held = running.held()
    assert held[id_of(page)].title == "天舟九号升空"
    assert id_of(alias) not in held
    running.sync()
    assert set(running.held()) == set(held)


def test_an_alias_that_becomes_a_page_is_an_article(running: Site) -> None:
    from wagtail.actions.convert_alias import ConvertAliasPageAction
    from wagtail.models import Page

    page = running.page("tianzhou9-launch")
    alias = page.create_alias(update_slug="copy")
    converting = ConvertAliasPageAction(Page.objects.get(pk=alias.pk).specific)
    converting.execute(skip_permission_checks=True)
    assert id_of(alias) in running.held()


@pytest.mark.parametrize(
    ("kind", "access"), [("login", "members"), ("groups", "members"), ("password", "hidden")]
)
def test_restrictions_hold_for_everything_below(running: Site, kind: str, access: str) -> None:
    from wagtail.models import PageViewRestriction

    above = running.page("tianzhou9-launch")
    below = running.page("tianzhou9-docking", parent=above)
    free = running.page("bridge-1")
    restriction = PageViewRestriction.objects.create(page=above, restriction_type=kind)

    def levels() -> list[str]:
        held = running.held()
        return [held[id_of(each)].access for each in (above, below, free)]

    assert levels() == [access, access, "public"]
    running.sync()
    assert levels() == [access, access, "public"]
    restriction.delete()
    assert levels() == ["public"] * 3


def test_restricted_pages_can_be_deleted(running: Site) -> None:
    from wagtail.models import PageViewRestriction

    page = running.page("tianzhou9-launch")
    PageViewRestriction.objects.create(page=page, restriction_type="login")
    page.delete()
    assert id_of(page) not in running.held()


def test_moments_of_a_page_go_along(running: Site) -> None:
    from django.utils import timezone

    soon = timezone.now() + timedelta(days=3)
    page = running.page("tianzhou9-launch", expire_at=soon, go_live_at=timezone.now())
    card = running.held()[id_of(page)]
    assert card.visible_until == soon
    assert card.visible_from is not None
    story = running.story("museum-night-1", embargo=soon)
    assert running.held()[id_of(story)].visible_from == soon


def test_a_broken_index_never_stops_publishing(
    running: Site, caplog: pytest.LogCaptureFixture
) -> None:
    from recommender.contrib.django import backends

    backends.close()
    (running.index / "articles.sqlite").write_bytes(b"no database at all" * 100)
    with caplog.at_level(logging.ERROR, "recommender.django"):
        page = running.page("tianzhou9-launch")
        story = running.story("museum-night-1")
    assert page.live
    assert story.pk
    messages = [each.getMessage() for each in caplog.records]
    assert len(messages) >= 2
    assert all("recommender_sync" in each and "\n" not in each for each in messages)
    assert not any(each.exc_info for each in caplog.records)
    shutil.rmtree(running.index)
    running.sync()
    assert {id_of(page), id_of(story)} <= set(running.held())


def test_without_an_index_publishing_goes_on(site: Site, caplog: pytest.LogCaptureFixture) -> None:
    page = site.page("tianzhou9-launch")
    assert page.live
    assert "recommender_sync" in caplog.text


def test_a_method_of_the_site_that_fails_leaves_the_article_as_it_was(
    running: Site, monkeypatch: pytest.MonkeyPatch, caplog: pytest.LogCaptureFixture
) -> None:
    from tests.django_site.news.models import Story

    story = running.story("museum-night-1")
    monkeypatch.setattr(Story, "get_absolute_url", lambda self: 1 / 0)
    story.headline = "另一个标题"
    story.save()
    assert "ZeroDivisionError" in caplog.text
    assert running.held()[id_of(story)].title == sample("museum-night-1").title


def test_signals_can_be_left_to_the_command(running: Site) -> None:
    from django.conf import settings
    from django.test import override_settings

    with override_settings(RECOMMENDER={**settings.RECOMMENDER, "SIGNALS": False}):
        story = running.story("museum-night-1")
        assert id_of(story) not in running.held()
        running.sync()
        assert id_of(story) in running.held()


def test_streams_become_text_block_by_block(running: Site) -> None:
    from wagtail.rich_text import RichText

    from recommender.contrib.django.rules import rule_for
    from tests.django_site.news.models import ArticlePage

    page = ArticlePage(
        title="标题",
        intro="导语 1 < 2\n\n第二段",
        body=[
            ("heading", "小标题 & 符号"),
            (
                "paragraph",
                RichText("<p>第一段<b>粗</b></p><embed alt='' embedtype='image' id='3'/>"),
            ),
            ("quote", {"words": "引语", "who": "某人", "layout": "wide"}),
            ("points", ["甲", "乙"]),
            ("html", "<table><tr><td>表</td></tr></table>"),
            ("video", "https://video.invalid/1"),
        ],
    )
    rule = rule_for(ArticlePage)
    assert rule is not None
    body = rule.draft(page).body
    for wanted in (
        "<p>导语 1 &lt; 2</p>",
        "<p>小标题 &amp; 符号</p>",
        "<p>第一段<b>粗</b></p>",
        "<p>引语</p>",
        "<p>某人</p>",
        "<p>乙</p>",
        "<td>表</td>",
    ):
        assert wanted in body
    assert "wide" not in body.lower()
    assert "video.invalid" not in body


def test_a_related_object_that_is_missing_gives_nothing(running: Site) -> None:
    from recommender.contrib.django.rules import rule_for
    from tests.django_site.news.models import Section, Story

    rule = rule_for(Story)
    assert rule is not None
    assert rule.draft(Story(headline="标题", text="正文")).category == ""
    section = Section.objects.create(name="航天")
    story = running.story("tianzhou9-launch", section=section)
    card = running.held()[id_of(story)]
    assert card.category == "航天"
    assert card.date is not None
    # A day begins at midnight in Shanghai.
    assert card.date.isoformat().endswith("T16:00:00+00:00")


def test_a_page_keeps_its_language_where_a_site_has_several(running: Site) -> None:
    from django.test import override_settings
    from wagtail.models import Locale

    from recommender.contrib.django.rules import rule_for
    from tests.django_site.news.models import ArticlePage

    rule = rule_for(ArticlePage)
    assert rule is not None
    locale = Locale.objects.create(language_code="zh-hans")
    page = ArticlePage(title="标题", body=stream("<p>正文</p>"), locale=locale)
    assert rule.draft(page).language == ""
    with override_settings(WAGTAIL_I18N_ENABLED=True):
        assert rule.draft(page).language == "zh"
