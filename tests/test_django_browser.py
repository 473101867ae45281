"""A real Wagtail site in a real browser: readers see the box, editors the warning."""

from __future__ import annotations

import os
import shutil
from collections.abc import Iterator
from pathlib import Path
from typing import TYPE_CHECKING, Any

import pytest

from .django_sites import Site, sample

if TYPE_CHECKING:
    from playwright.sync_api import Browser, Page, expect
else:
    try:
        from playwright.sync_api import expect
    except ImportError:
        expect = None  # every test here is skipped

pytestmark = pytest.mark.browser

WAITING = 60_000
ROCKETS = ("tianzhou9-launch", "tianzhou9-docking", "tianzhou8-launch", "tianzhou9-transfer")


@pytest.fixture(scope="module", autouse=True)
def beside_a_loop() -> Iterator[None]:
    """Django takes the loop that drives the browser for one of its own, and refuses to read."""
    with pytest.MonkeyPatch.context() as patch:
        patch.setenv("DJANGO_ALLOW_ASYNC_UNSAFE", "1")
        yield


@pytest.fixture
def newsroom(site: Site) -> Site:
    """A site with all sample articles, those on one thing as pages, and an editor."""
    site.stories(without=(*ROCKETS, "museum-night-1", "museum-night-2"))
    for name in (*ROCKETS, "museum-night-1"):
        site.page(name)
    site.sync()
    site.user()
    return site


class Visit:
    """A tab, and what went wrong in it."""

    def __init__(self, page: Page, address: str) -> None:
        self.page = page
        self.address = address
        self.troubles: list[str] = []
        page.set_default_timeout(WAITING)
        page.on("pageerror", lambda error: self.troubles.append(str(error)))
        page.on("console", self._hear)

    def _hear(self, message: Any) -> None:
        # Wagtail saves drafts by itself, also those that are not filled in yet, and says that it
        # was refused, or that the page was left meanwhile.
        url = message.location["url"]
        own = "/admin/pages/" in url or "/static/wagtailadmin/" in url
        if message.type == "error" and not own:
            self.troubles.append(f"{message.text} {url}")

    def enter(self, admin: str = "/admin/") -> None:
        """Log in as the editor."""
        self.page.goto(f"{self.address}{admin}login/")
        self.page.fill("[name=username]", "chen")
        self.page.fill("[name=password]", "secret")
        self.page.click("button[type=submit], input[type=submit]")
        self.page.wait_for_url(f"{self.address}{admin}")

    def look(self, name: str) -> None:
        """Keep a picture, for somebody who wants to look."""
        folder = os.environ.get("RECOMMENDER_TEST_PICTURES")
        if folder:
            self.page.screenshot(path=Path(folder) / f"{name}.png", full_page=True)

    def write(self, name: str, **fields: str) -> None:
        """Fill in the form of a new page with a sample article."""
        text = sample(name)
        self.page.fill("[name=title]", fields.get("title", text.title))
        self.page.fill("[name=intro]", text.body)


@pytest.fixture
def visit(browser: Browser) -> Iterator[Any]:
    opened: list[Visit] = []

    def opener(address: str, **context: Any) -> Visit:
        opened.append(Visit(browser.new_context(**context).new_page(), address))
        return opened[-1]

    yield opener
    for each in opened:
        assert each.troubles == []
        each.page.context.close()


def test_readers_see_the_box(newsroom: Site, visit: Any) -> None:
    with newsroom.served() as address:
        here = visit(address)
        here.page.goto(f"{address}/tianzhou9-launch/")
        links = here.page.locator(".related a")
        expect(links).to_have_count(3)
        here.look("reader")
        best = newsroom.page_of("tianzhou8-launch")
        assert links.first.inner_text() == best.title
        assert links.first.get_attribute("data-verdict") == "related"
        links.first.click()
        expect(here.page.locator("h1")).to_have_text(best.title)
        expect(here.page.locator(".related a").first).to_be_visible()
        # Taken back in another process: this one's box follows at once.
        newsroom.page_of("tianzhou9-docking").unpublish()
        here.page.goto(f"{address}/tianzhou9-launch/")
        expect(links).to_have_count(2)


def open_editor(newsroom: Site, here: Visit) -> None:
    here.enter()
    here.page.goto(f"{here.address}/admin/pages/add/news/articlepage/{newsroom.home.pk}/")
    expect(here.page.locator("[data-near-duplicates-check]")).to_be_visible()


def test_the_editor_checks_a_draft(newsroom: Site, visit: Any) -> None:
    from tests.django_site.news.models import ArticlePage

    other = newsroom.page_of("museum-night-1")
    with newsroom.served() as address:
        here = visit(address, viewport={"width": 1280, "height": 900})
        open_editor(newsroom, here)
        page = here.page
        here.write("museum-night-2")
        result = page.locator("[data-near-duplicates-result]")
        page.click("[data-near-duplicates-check]")
        expect(result).to_contain_text("One article tells this already")
        expect(result).to_contain_text(other.title)
        expect(result.get_by_text("The same text")).to_be_visible()
        expect(result).to_be_in_viewport()
        here.look("editor")
        with page.context.expect_page() as opened:
            result.get_by_role("link", name="Edit it").click()
        opened.value.wait_for_load_state()
        assert f"/pages/{other.pk}/edit/" in opened.value.url
        opened.value.close()
        # Who has seen what there is may publish at once.
        publish_by(page, page.locator("button[name=action-publish]"))
        page.wait_for_url("**/admin/pages/*/")
        assert ArticlePage.objects.get(title=sample("museum-night-2").title).live


def test_the_editor_is_stopped_once_before_publishing(newsroom: Site, visit: Any) -> None:
    from tests.django_site.news.models import ArticlePage

    copy = sample("museum-night-2")
    with newsroom.served() as address:
        here = visit(address, viewport={"width": 1280, "height": 900})
        open_editor(newsroom, here)
        page = here.page
        here.write("museum-night-2")
        result = page.locator("[data-near-duplicates-result]")
        publish = page.locator("button[name=action-publish]")
        publish_by(page, publish)
        expect(result).to_contain_text("Click once more")
        expect(result).to_contain_text(newsroom.page_of("museum-night-1").title)
        expect(result).to_be_in_viewport()
        here.look("stopped")
        assert not ArticlePage.objects.filter(title=copy.title, live=True).exists()
        # What else is changed does not stop again, as long as no other article is found.
        page.fill("[name=title]", copy.title + "（更新）")
        publish_by(page, publish)
        page.wait_for_url("**/admin/pages/*/")
        made = ArticlePage.objects.get(title=copy.title + "（更新）")
        assert made.live
        assert f"news.ArticlePage:{made.pk}" in newsroom.held()


def publish_by(page: Page, button: Any) -> None:
    """Click on "Publish", which Wagtail keeps in a menu."""
    if not button.is_visible():
        page.locator("footer .w-dropdown__toggle, .footer .w-dropdown button").first.click()
    button.click()


@pytest.mark.parametrize("hidden_by", ["tab", "panel", "both"])
def test_a_stop_shows_why_where_the_panel_was_hidden(
    newsroom: Site, visit: Any, hidden_by: str
) -> None:
    from tests.django_site.news.models import ArticlePage

    copy = sample("museum-night-2")
    with newsroom.served() as address:
        here = visit(address, viewport={"width": 1280, "height": 900})
        open_editor(newsroom, here)
        page = here.page
        here.write("museum-night-2")
        box = page.locator("[data-near-duplicates]")
        if hidden_by != "tab":
            page.locator("[data-panel]").filter(has=box).locator("[data-panel-toggle]").click()
        if hidden_by != "panel":
            page.get_by_role("tab", name="Promote").click()
        expect(box).to_be_hidden()
        publish = page.locator("button[name=action-publish]")
        publish_by(page, publish)
        told = box.get_by_text("Click once more")
        expect(told).to_be_visible()
        expect(told).to_be_in_viewport()
        expect(box.locator("[data-near-duplicates-result]")).to_be_focused()
        here.look(f"stopped-{hidden_by}")
        assert not ArticlePage.objects.filter(title=copy.title, live=True).exists()
        publish_by(page, publish)
        page.wait_for_url("**/admin/pages/*/")
        assert ArticlePage.objects.get(title=copy.title).live


def test_what_cannot_be_shown_stops_nobody(newsroom: Site, visit: Any) -> None:
    from tests.django_site.news.models import ArticlePage

    with newsroom.served() as address:
        here = visit(address)
        open_editor(newsroom, here)
        here.write("museum-night-2")
        here.page.add_style_tag(content="[data-near-duplicates] { display: none !important; }")
        publish_by(here.page, here.page.locator("button[name=action-publish]"))
        here.page.wait_for_url("**/admin/pages/*/")
        assert ArticlePage.objects.get(title=sample("museum-night-2").title).live


def test_a_new_story_is_published_with_one_click(newsroom: Site, visit: Any) -> None:
    from tests.django_site.news.models import ArticlePage

    with newsroom.served() as address:
        here = visit(address)
        open_editor(newsroom, here)
        here.page.fill("[name=title]", "城北图书馆周末起试开放")
        here.page.fill(
            "[name=intro]", "城北图书馆本周六起试开放，首批上架图书八万册，设自习座位四百个。" * 3
        )
        publish_by(here.page, here.page.locator("button[name=action-publish]"))
        here.page.wait_for_url("**/admin/pages/*/")
        assert ArticlePage.objects.get(title="城北图书馆周末起试开放").live


def test_a_broken_index_stops_no_editor(newsroom: Site, visit: Any) -> None:
    from recommender.contrib.django import backends
    from tests.django_site.news.models import ArticlePage

    backends.close()
    shutil.rmtree(newsroom.index)
    with newsroom.served() as address:
        here = visit(address)
        open_editor(newsroom, here)
        here.write("museum-night-2")
        here.page.click("[data-near-duplicates-check]")
        expect(here.page.locator(".near-duplicates-failure")).to_be_visible()
        publish_by(here.page, here.page.locator("button[name=action-publish]"))
        here.page.wait_for_url("**/admin/pages/*/")
        assert ArticlePage.objects.get(title=sample("museum-night-2").title).live
        reader = visit(address)
        reader.page.goto(f"{address}/tianzhou9-launch/")
        expect(reader.page.locator("h1")).to_be_visible()
        expect(reader.page.locator(".related")).to_have_count(0)


def test_the_admin_of_django_warns_in_chinese(newsroom: Site, visit: Any) -> None:
    from tests.django_site.news.models import Story

    copy = sample("water-outage-copy")
    Story.objects.filter(headline=copy.title).update(is_live=False)
    newsroom.sync()
    with newsroom.served() as address:
        here = visit(address, locale="zh-CN", viewport={"width": 414, "height": 900})
        here.enter("/django-admin/")
        page = here.page
        page.goto(f"{address}/django-admin/news/story/add/")
        page.fill("[name=headline]", copy.title + "（补充）")
        page.fill("[name=text]", copy.body)
        page.click("input[name=_save]")
        result = page.locator("[data-near-duplicates-result]")
        expect(result).to_contain_text("已有 1 篇文章写过这件事")
        expect(result).to_contain_text("如仍要继续，请再点一次。")
        here.look("django-admin")
        assert not Story.objects.filter(headline=copy.title + "（补充）").exists()
        page.click("input[name=_save]")
        page.wait_for_url("**/django-admin/news/story/")
        assert Story.objects.filter(headline=copy.title + "（补充）").exists()


def test_the_box_of_the_editor_can_be_used_with_the_keyboard(newsroom: Site, visit: Any) -> None:
    with newsroom.served() as address:
        here = visit(address, color_scheme="dark", locale="zh-CN")
        open_editor(newsroom, here)
        here.write("museum-night-2")
        button = here.page.locator("[data-near-duplicates-check]")
        button.focus()
        here.page.keyboard.press("Enter")
        result = here.page.locator("[data-near-duplicates-result]")
        expect(result.locator("li")).to_have_count(1)
        assert result.get_attribute("aria-live") == "polite"
        here.look("editor-dark")
