"""The tests' Django site: set up once a process, with a database of its own for every test."""

from __future__ import annotations

import importlib.util
import os
import shutil
import subprocess
import sys
import threading
import time
import warnings
from collections.abc import Collection, Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

import pytest

from recommender import Article
from recommender.sample import sample_articles

ROOT = Path(__file__).parent.parent
SETTINGS = "tests.django_site.settings"
WAITING = 120.0


def missing() -> str:
    """Why there is no Django site; empty where there is one."""
    absent = [name for name in ("django", "wagtail") if importlib.util.find_spec(name) is None]
    return f"needs {' and '.join(absent)}" if absent else ""


@pytest.fixture(scope="session")
def django_site(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Django set up in this process, and its database migrated; the folder of the site."""
    if missing():
        pytest.skip(missing())
    folder = tmp_path_factory.mktemp("django-site")
    os.environ["RECOMMENDER_TEST_SITE"] = str(folder)
    os.environ["DJANGO_SETTINGS_MODULE"] = SETTINGS
    zone = os.environ.get("TZ")
    with warnings.catch_warnings():
        # What Django, Wagtail and their parts warn of while they are imported is not ours.
        warnings.simplefilter("ignore")
        import django
        from django.core.management import call_command

        django.setup()
        # Django gives the whole process its time zone, and other tests run in it.
        if zone is None:
            os.environ.pop("TZ", None)
        else:
            os.environ["TZ"] = zone
        time.tzset()
        call_command("migrate", verbosity=0)
    from django.db import connections

    connections.close_all()
    shutil.copy(folder / "site.sqlite3", folder / "empty.sqlite3")
    return folder


@pytest.fixture
def site(django_site: Path) -> Iterator[Site]:
    """The site with an empty database and without an index."""
    yield from _fresh(django_site)


def _fresh(folder: Path) -> Iterator[Site]:
    from django.core.cache import cache
    from django.db import connections

    from recommender.contrib.django import backends

    connections.close_all()
    backends.close()
    cache.clear()
    for name in ("site.sqlite3-wal", "site.sqlite3-shm", "site.sqlite3-journal"):
        (folder / name).unlink(missing_ok=True)
    shutil.copy(folder / "empty.sqlite3", folder / "site.sqlite3")
    shutil.rmtree(folder / "index", ignore_errors=True)
    yield Site(folder)
    connections.close_all()
    backends.close()


class Site:
    """What tests do with the site."""

    def __init__(self, folder: Path) -> None:
        from wagtail.models import Page
        from wagtail.models import Site as WagtailSite

        from tests.django_site.news.models import HomePage

        self.folder = folder
        self.index = folder / "index"
        found = HomePage.objects.first()
        if found is None:
            root = Page.get_first_root_node()
            for page in root.get_children():
                page.delete()
            found = Page.get_first_root_node().add_child(instance=HomePage(title="首页", slug="h"))
            WagtailSite.objects.all().delete()
            WagtailSite.objects.create(
                hostname="127.0.0.1", port=80, root_page=found, is_default_site=True
            )
        self.home = HomePage.objects.get()

    def page(self, name: str, *, parent: Any = None, **fields: Any) -> Any:
        """A published page with the text of a sample article."""
        from tests.django_site.news.models import ArticlePage

        text = sample(name)
        values = {
            "title": text.title,
            "slug": name,
            "intro": "",
            "body": stream(text.body),
            "first_published_at": text.date,
            **fields,
        }
        live = values.pop("live", True)
        made = (parent or self.home).add_child(instance=ArticlePage(live=False, **values))
        if live:
            made.save_revision().publish()
        return ArticlePage.objects.get(pk=made.pk)

    def page_of(self, name: str) -> Any:
        """The page that was made of a sample article."""
        from tests.django_site.news.models import ArticlePage

        return ArticlePage.objects.get(slug=name)

    def story(self, name: str, **fields: Any) -> Any:
        """A saved story with the text of a sample article."""
        from tests.django_site.news.models import Story

        text = sample(name)
        values = {
            "headline": text.title,
            "text": text.body,
            "published": text.date.date() if text.date else None,
            **fields,
        }
        return Story.objects.create(**values)

    def stories(self, *, without: Collection[str] = ()) -> None:
        """Stories with the texts of all other sample articles, past every signal."""
        from tests.django_site.news.models import Story

        Story.objects.bulk_create(
            Story(headline=each.title, text=each.body, published=each.date and each.date.date())
            for each in sample_articles()
            if each.id not in without
        )

    def sync(self, *arguments: str) -> str:
        """Run the command; what it says."""
        from io import StringIO

        from django.core.management import call_command

        output = StringIO()
        call_command("recommender_sync", *arguments, stdout=output, stderr=output)
        return output.getvalue()

    def held(self) -> dict[str, Any]:
        """The cards in the index, by id."""
        from recommender import Recommender

        with Recommender.open(self.index) as index:
            return {card.id: card for card in index.cards(public_only=False)}

    def user(self, name: str = "chen", **fields: Any) -> Any:
        """A user; without fields one who may do everything."""
        from django.contrib.auth import get_user_model

        values = {"is_superuser": True, "is_staff": True, **fields}
        users = get_user_model().objects
        found = users.filter(username=name).first()
        return found or users.create_user(name, f"{name}@example.com", "secret", **values)

    @contextmanager
    def served(self, **environment: str) -> Iterator[str]:
        """A real server of the site in a process of its own; its address."""
        log = self.folder / "server.log"
        with log.open("wb") as output:
            server = subprocess.Popen(
                [
                    sys.executable,
                    "-u",
                    "-m",
                    "django",
                    "runserver",
                    "--noreload",
                    "--skip-checks",
                    "127.0.0.1:0",
                ],
                env={**os.environ, "PYTHONPATH": str(ROOT), **environment},
                cwd=ROOT,
                stdout=output,
                stderr=subprocess.STDOUT,
            )
        try:
            yield _address(server, log)
        finally:
            server.terminate()
            server.wait(timeout=WAITING)


def _address(server: subprocess.Popen[bytes], log: Path) -> str:
    deadline = time.monotonic() + WAITING
    while time.monotonic() < deadline:
        said = log.read_text("utf-8", "replace")
        for line in said.splitlines():
            if line.startswith("Starting development server at "):
                return line.removeprefix("Starting development server at ").strip().rstrip("/")
        assert server.poll() is None, said
        threading.Event().wait(0.1)
    raise AssertionError(f"the server did not start: {log.read_text('utf-8', 'replace')}")


def sample(name: str) -> Article:
    """A sample article by its id."""
    return next(each for each in sample_articles() if each.id == name)


def stream(html: str) -> list[tuple[str, Any]]:
    """The value of a stream with one paragraph."""
    from wagtail.rich_text import RichText

    return [("paragraph", RichText(html))]
