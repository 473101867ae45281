"""The app as Django starts it."""

from __future__ import annotations

from django.apps import AppConfig
from django.utils.translation import gettext_lazy as _


class RecommenderAppConfig(AppConfig):
    """Connects what the app listens to, and registers its checks."""

    name = "recommender.contrib.django"
    label = "recommender"
    verbose_name = _("Related articles")

    def ready(self) -> None:
        """Connect signals and checks; touches neither the database nor an index."""
        from recommender.contrib.django import checks, signals

        checks.register_all()
        signals.connect()
