"""What Wagtail's admin loads by itself: the addresses of the check of a draft."""

from __future__ import annotations

from typing import Any

from django.urls import path
from wagtail import hooks

from recommender.contrib.django.page_checks import CheckNewPage, CheckPage


@hooks.register("register_admin_urls")
def check_addresses() -> list[Any]:
    """Wagtail lets only those in who may use its admin."""
    return [
        path(
            "recommender/near-duplicates/<int:page_id>/",
            CheckPage.as_view(),
            name="recommender_check_page",
        ),
        path(
            "recommender/near-duplicates/<slug:content_type_app_name>/"
            "<slug:content_type_model_name>/<int:parent_page_id>/",
            CheckNewPage.as_view(),
            name="recommender_check_new_page",
        ),
    ]
