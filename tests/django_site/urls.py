"""Addresses of the tests' site."""

from __future__ import annotations

from django.contrib import admin
from django.http import HttpResponse
from django.urls import include, path
from wagtail import urls as wagtail_urls
from wagtail.admin import urls as wagtailadmin_urls

from tests.django_site.news.views import story

urlpatterns = [
    path("django-admin/", admin.site.urls),
    path("admin/", include(wagtailadmin_urls)),
    path("stories/<int:key>/", story, name="story"),
    path("favicon.ico", lambda request: HttpResponse(status=204)),
    path("", include(wagtail_urls)),
]
