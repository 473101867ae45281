"""The preview page in a real browser: on a desk and on a phone, without a script or a request."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import replace
from pathlib import Path
from typing import TYPE_CHECKING, Any

import pytest

from recommender.reports.preview_page import preview_page

from .helpers import build
from .test_preview import HOSTILE, add_one_alone, previewed, tagged

if TYPE_CHECKING:
    from playwright.sync_api import Browser, Page

pytestmark = pytest.mark.browser

# Of every kind of text, by the formula of WCAG.
CONTRASTS = """() => {
  const part = (value) =>
    value <= 10.31 ? value / 255 / 12.92 : ((value / 255 + 0.055) / 1.055) ** 2.4;
  const light = (text) => {
    const [red, green, blue] = text.match(/[0-9.]+/g).map(Number);
    return 0.2126 * part(red) + 0.7152 * part(green) + 0.0722 * part(blue);
  };
  const ground = (one) => {
    const color = getComputedStyle(one).backgroundColor;
    return /, 0\\)$/.test(color) ? ground(one.parentElement) : color;
  };
  return [...document.querySelectorAll(".mark, .about, .why, .short, .note, td, th")].map((one) => {
    const pair = [light(getComputedStyle(one).color), light(ground(one))];
    return (Math.max(...pair) + 0.05) / (Math.min(...pair) + 0.05);
  });
}"""


@pytest.fixture(scope="module")
def pages(tmp_path_factory: pytest.TempPathFactory) -> dict[str, Path]:
    folder = tmp_path_factory.mktemp("preview")
    found = {}
    long = "长" * 300 + "W" * 300
    hostile = [replace(each, title=f"{HOSTILE}{long}", category=HOSTILE) for each in tagged(20)]
    for name, articles in (("plain", tagged()), ("hostile", hostile)):
        with build(folder / name, articles) as index:
            add_one_alone(index)
            for language in ("en", "zh"):
                file = folder / f"{name}-{language}.html"
                made = previewed(index, newest=len(index), fill="latest")
                file.write_text(preview_page(made, language=language), "utf-8")
                found[f"{name}-{language}"] = file
    return found


@pytest.fixture
def show(browser: Browser, pages: dict[str, Path]) -> Iterator[Any]:
    contexts = []
    troubles: list[str] = []
    requests: list[str] = []

    def opened(name: str, **options: Any) -> Page:
        contexts.append(browser.new_context(**options))
        page = contexts[-1].new_page()
        page.on("console", lambda message: troubles.append(message.text))
        page.on("pageerror", lambda error: troubles.append(str(error)))
        page.on("dialog", lambda dialog: troubles.append(dialog.message))
        page.on("request", lambda request: requests.append(request.url))
        page.goto(pages[name].as_uri())
        return page

    yield opened
    assert troubles == []
    assert {url.partition("#")[0] for url in requests} <= {file.as_uri() for file in pages.values()}
    for each in contexts:
        each.close()


@pytest.mark.parametrize("name", ["plain-en", "plain-zh", "hostile-en", "hostile-zh"])
@pytest.mark.parametrize("width", [1400, 390, 320])
@pytest.mark.parametrize("scheme", ["light", "dark"])
def test_it_fits_the_screen(show: Any, name: str, width: int, scheme: str) -> None:
    page = show(name, viewport={"width": width, "height": 900}, color_scheme=scheme)
    assert page.evaluate("document.documentElement.scrollWidth") <= width
    first = page.locator("article").first
    today, ours = first.locator(".today").bounding_box(), first.locator(".ours").bounding_box()
    if width > 1000:
        assert today["y"] == ours["y"]
        assert today["x"] + today["width"] <= ours["x"]
    else:
        assert today["y"] + today["height"] <= ours["y"]
        assert today["x"] == ours["x"]


def test_a_screen_reader_finds_its_way(show: Any) -> None:
    page = show("plain-en", viewport={"width": 390, "height": 900})
    # A phone lays the table out as a grid, and it stays a table.
    assert page.get_by_role("columnheader").all_inner_texts()[0].startswith("Today")
    assert page.get_by_role("rowheader").count() == 5
    assert page.get_by_role("cell").count() == 10
    assert page.get_by_role("heading", level=1).count() == 1
    assert page.get_by_role("heading", level=3).count() == page.locator("article").count()
    assert page.get_by_role("region", name="With recommender").count() == 20
    assert page.get_by_text("the same story as no. ").count()


def test_the_keyboard_reaches_the_examples(show: Any) -> None:
    page = show("plain-zh", viewport={"width": 1400, "height": 900})
    page.keyboard.press("Tab")
    assert page.evaluate("document.activeElement.className") == "skip"
    assert page.locator(".skip").bounding_box()["x"] >= 0
    page.keyboard.press("Enter")
    assert page.evaluate("document.activeElement.id") == "examples"
    page.keyboard.press("Tab")
    assert page.evaluate("document.activeElement.closest('article') !== null")


@pytest.mark.parametrize("scheme", ["light", "dark"])
def test_marks_can_be_read(show: Any, scheme: str) -> None:
    page = show("plain-en", viewport={"width": 1400, "height": 900}, color_scheme=scheme)
    assert page.locator(".mark.fills").count()
    for contrast in page.evaluate(CONTRASTS):
        assert contrast >= 4.5
