"""A Django site without Wagtail: the same app, and nothing of Wagtail is imported."""

from __future__ import annotations

import json
import os
import subprocess
import sys
import textwrap
from pathlib import Path

import pytest

from tests.django_sites import ROOT, missing

pytestmark = pytest.mark.skipif(bool(missing()), reason=missing())

SETTINGS = """
    from pathlib import Path

    BASE_DIR = Path(__file__).parent
    SECRET_KEY = "only for tests"
    INSTALLED_APPS = [
        "paper",
        "recommender.contrib.django",
        "django.contrib.admin",
        "django.contrib.auth",
        "django.contrib.contenttypes",
        "django.contrib.sessions",
        "django.contrib.messages",
    ]
    MIDDLEWARE = [
        "django.contrib.sessions.middleware.SessionMiddleware",
        "django.contrib.auth.middleware.AuthenticationMiddleware",
        "django.contrib.messages.middleware.MessageMiddleware",
    ]
    TEMPLATES = [{
        "BACKEND": "django.template.backends.django.DjangoTemplates",
        "APP_DIRS": True,
        "OPTIONS": {"context_processors": [
            "django.template.context_processors.request",
            "django.contrib.auth.context_processors.auth",
            "django.contrib.messages.context_processors.messages",
        ]},
    }]
    ROOT_URLCONF = "urls"
    STATIC_URL = "/static/"
    ALLOWED_HOSTS = ["testserver"]
    DEFAULT_AUTO_FIELD = "django.db.models.AutoField"
    DATABASES = {"default": {"ENGINE": "django.db.backends.sqlite3", "NAME": BASE_DIR / "db"}}
    RECOMMENDER = {
        "INDEX": BASE_DIR / "related",
        "EMBEDDER": "hashing",
        "MODELS": {"paper.Article": {"body": "text", "queryset": "paper.models.published"}},
    }
"""
MODELS = """
    import uuid

    from django.db import models

    class Article(models.Model):
        id = models.UUIDField(primary_key=True, default=uuid.uuid4)
        title = models.CharField(max_length=200)
        text = models.TextField()
        status = models.CharField(max_length=10, default="published")

        class Meta:
            app_label = "paper"

        def get_absolute_url(self):
            return f"/articles/{self.pk}/"

    def published(model):
        return model.objects.filter(status="published")
"""
ADMIN = """
    from django.contrib import admin
    from paper.models import Article
    from recommender.contrib.django.admin import NearDuplicatesMixin

    @admin.register(Article)
    class ArticleAdmin(NearDuplicatesMixin, admin.ModelAdmin):
        pass
"""
URLS = """
    from django.contrib import admin
    from django.urls import path

    urlpatterns = [path("admin/", admin.site.urls)]
"""
RUN = """
    import json, sys

    # As on a machine without it.
    for name in ("wagtail", "modelcluster", "taggit"):
        sys.modules[name] = None

    import django

    django.setup()
    from django.contrib.auth import get_user_model
    from django.core.management import call_command
    from django.template import Context, Template
    from django.test import Client
    from paper.models import Article
    from recommender.sample import sample_articles

    call_command("migrate", run_syncdb=True, verbosity=0)
    call_command("check", "--fail-level", "ERROR")
    samples = {each.id: each for each in sample_articles()}
    made = {
        name: Article(title=each.title, text=each.body)
        for name, each in samples.items() if name != "museum-night-2"
    }
    Article.objects.bulk_create(made.values())
    call_command("recommender_sync", verbosity=0)
    box = Template(
        "{% load recommender %}{% related_articles it as all %}"
        "{% for each in all %}{{ each.url }} {% endfor %}"
    )
    shown = box.render(Context({"it": made["tianzhou9-launch"]})).split()
    made["tianzhou8-launch"].status = "draft"
    made["tianzhou8-launch"].save()
    later = box.render(Context({"it": made["tianzhou9-launch"]})).split()
    client = Client()
    client.force_login(get_user_model().objects.create_superuser("a", "a@example.com", "a"))
    page = client.get("/admin/paper/article/add/").content.decode()
    copy = samples["museum-night-2"]
    sent = {"title": copy.title, "text": copy.body, "status": "draft"}
    found = client.post("/admin/paper/article/add/near-duplicates/", sent).json()
    print(json.dumps({
        "shown": shown,
        "later": later,
        "gone": made["tianzhou8-launch"].get_absolute_url(),
        "box": "data-near-duplicates" in page,
        "found": found["ids"],
        "expected": f"paper.Article:{made['museum-night-1'].pk}",
        "edit": f"/admin/paper/article/{made['museum-night-1'].pk}/change/" in found["html"],
    }))
"""


def test_a_site_without_wagtail(tmp_path: Path) -> None:
    (tmp_path / "paper").mkdir()
    for name, text in (
        ("settings.py", SETTINGS),
        ("urls.py", URLS),
        ("run.py", RUN),
        ("paper/__init__.py", ""),
        ("paper/models.py", MODELS),
        ("paper/admin.py", ADMIN),
    ):
        (tmp_path / name).write_text(textwrap.dedent(text), encoding="utf-8")
    done = subprocess.run(
        [sys.executable, "-W", "error::DeprecationWarning:recommender", "run.py"],
        cwd=tmp_path,
        env={
            **os.environ,
            "DJANGO_SETTINGS_MODULE": "settings",
            "PYTHONPATH": os.pathsep.join([str(tmp_path), str(ROOT)]),
        },
        capture_output=True,
        text=True,
    )
    assert done.returncode == 0, done.stderr
    told = json.loads(done.stdout.splitlines()[-1])
    assert told["gone"] in told["shown"]
    assert told["gone"] not in told["later"]
    assert told["box"]
    assert told["found"] == [told["expected"]]
    assert told["edit"]
