"""Settings of the tests' site; its folder comes from the environment."""

from __future__ import annotations

import os
from pathlib import Path

FOLDER = Path(os.environ["RECOMMENDER_TEST_SITE"])

SECRET_KEY = "only for tests"  # noqa: S105
DEBUG = True
ALLOWED_HOSTS = ["127.0.0.1", "localhost", "testserver"]
ROOT_URLCONF = "tests.django_site.urls"
DEFAULT_AUTO_FIELD = "django.db.models.BigAutoField"
LANGUAGE_CODE = os.environ.get("RECOMMENDER_TEST_LANGUAGE", "en")
TIME_ZONE = "Asia/Shanghai"
USE_TZ = True
STATIC_URL = "/static/"
MEDIA_ROOT = FOLDER / "media"
WAGTAIL_SITE_NAME = "河东日报"
WAGTAILADMIN_BASE_URL = "http://127.0.0.1"
# Nothing is asked of other servers.
WAGTAIL_ENABLE_UPDATE_CHECK = False
WAGTAIL_GRAVATAR_PROVIDER_URL = None
# Tests look at the log through pytest.
LOGGING_CONFIG = None
PASSWORD_HASHERS = ["django.contrib.auth.hashers.MD5PasswordHasher"]

INSTALLED_APPS = [
    "tests.django_site.news",
    "recommender.contrib.django",
    "wagtail.embeds",
    "wagtail.users",
    "wagtail.images",
    "wagtail.documents",
    "wagtail.search",
    "wagtail.admin",
    "wagtail",
    "modelcluster",
    "taggit",
    "django_filters",
    "django.contrib.admin",
    "django.contrib.auth",
    "django.contrib.contenttypes",
    "django.contrib.sessions",
    "django.contrib.messages",
    "django.contrib.staticfiles",
]
MIDDLEWARE = [
    "django.contrib.sessions.middleware.SessionMiddleware",
    "django.middleware.locale.LocaleMiddleware",
    "django.middleware.common.CommonMiddleware",
    "django.middleware.csrf.CsrfViewMiddleware",
    "django.contrib.auth.middleware.AuthenticationMiddleware",
    "django.contrib.messages.middleware.MessageMiddleware",
]
TEMPLATES = [
    {
        "BACKEND": "django.template.backends.django.DjangoTemplates",
        "APP_DIRS": True,
        "OPTIONS": {
            "context_processors": [
                "django.template.context_processors.request",
                "django.contrib.auth.context_processors.auth",
                "django.contrib.messages.context_processors.messages",
            ],
        },
    }
]
DATABASES = {
    "default": {
        "ENGINE": "django.db.backends.sqlite3",
        "NAME": FOLDER / "site.sqlite3",
        "OPTIONS": {"timeout": 20},
    }
}
RECOMMENDER = {
    "INDEX": FOLDER / "index",
    "EMBEDDER": "hashing",
    "MODELS": {
        "news.ArticlePage": {"body": ["intro", "body"], "category": "section.name"},
        "news.Story": {
            "title": "headline",
            "body": "text",
            "date": "published",
            "category": "section.name",
            "live": "is_live",
            "access": "tests.django_site.news.models.access_of",
            "visible_from": "embargo",
        },
    },
}
