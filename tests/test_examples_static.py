"""The example for static pages, in a real browser over real HTTP."""

from __future__ import annotations

import functools
import shutil
import threading
from collections.abc import Iterator
from http.server import SimpleHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path

import pytest

from tests.conftest import chromium
from tests.test_examples import EXAMPLES, write_list

pytestmark = pytest.mark.browser

PAGE = """<!doctype html><meta charset="utf-8"><h1>甲</h1>
<nav data-related="{id}" data-lists="/related/" data-most="2" hidden><h2>相关阅读</h2></nav>
<script src="/related.js" defer></script>"""
HOSTILE = "<img src=x onerror=document.title='run'>乙"


class Quiet(SimpleHTTPRequestHandler):
    def log_message(self, *arguments: object) -> None:
        pass


@pytest.fixture
def site(tmp_path: Path) -> Iterator[str]:
    shutil.copy(EXAMPLES / "static" / "related.js", tmp_path)
    for name, article_id in (("a", "news/甲.html"), ("b", "长" * 90), ("none", "absent")):
        (tmp_path / f"{name}.html").write_text(PAGE.format(id=article_id), "utf-8")
        if name != "none":
            write_list(tmp_path / "related", article_id, HOSTILE, "丙", "丁")
    server = ThreadingHTTPServer(
        ("127.0.0.1", 0), functools.partial(Quiet, directory=str(tmp_path))
    )
    thread = threading.Thread(target=server.serve_forever)
    thread.start()
    yield f"http://127.0.0.1:{server.server_port}"
    server.shutdown()
    thread.join()
    server.server_close()


def test_a_static_page_shows_its_box_and_runs_nothing_of_a_title(site: str) -> None:
    from playwright.sync_api import sync_playwright

    with sync_playwright() as driver:
        browser = driver.chromium.launch(executable_path=chromium(), args=["--no-sandbox"])
        page = browser.new_page()
        for name in ("a", "b"):
            page.goto(f"{site}/{name}.html")
            page.wait_for_selector("nav li", state="visible")
            assert page.locator("nav li").all_inner_texts() == [HOSTILE, "丙"]
            assert page.title() != "run"
        page.goto(f"{site}/none.html", wait_until="networkidle")
        assert not page.locator("nav").is_visible()
        browser.close()
