"""Wagtail's page editor: a panel that warns of near-duplicates before a page is published.

    from recommender.contrib.django.panels import NearDuplicatesPanel

    class ArticlePage(Page):
        content_panels = [*Page.content_panels, FieldPanel("body"), NearDuplicatesPanel()]

Only imported by a Wagtail site.
"""

from __future__ import annotations

from typing import Any

from django.forms import Media
from django.urls import reverse
from django.utils.translation import gettext_lazy as _
from wagtail.admin.panels import Panel

from recommender.contrib.django.rules import rule_for
from recommender.errors import ConfigError

_GUARDED = "button[name='action-publish'], button[name='action-submit']"


class NearDuplicatesPanel(Panel):
    """Checks the draft as it stands in the form, on a button and before it is published.

    Parameters
    ----------
    before_publishing : bool
        Whether the first click on "Publish" or "Submit" checks, and stops where something is
        found; the second one publishes.
    """

    def __init__(self, *, before_publishing: bool = True, **kwargs: Any) -> None:
        kwargs.setdefault("heading", _("Near-duplicates"))
        kwargs.setdefault("icon", "copy")
        super().__init__(**kwargs)
        self.before_publishing = before_publishing

    def clone_kwargs(self) -> dict[str, Any]:
        """What a copy of the panel is made with."""
        return {**super().clone_kwargs(), "before_publishing": self.before_publishing}

    class BoundPanel(Panel.BoundPanel):
        """The panel in the form of one page."""

        template_name = "recommender/near_duplicates_box.html"

        def is_shown(self) -> bool:
            """Only where the setting knows this kind of page."""
            try:
                return rule_for(type(self.instance)) is not None
            except ConfigError:
                return False

        def get_context_data(self, parent_context: Any = None) -> dict[str, Any]:
            """What the template is given."""
            context: dict[str, Any] = super().get_context_data(parent_context)
            context["near_duplicates_url"] = self._address()
            context["near_duplicates_guard"] = _GUARDED if self.panel.before_publishing else ""
            context["near_duplicates_button"] = "button button-secondary"
            return context

        @property
        def media(self) -> Media:
            """The script and the style of the box."""
            return Media(
                js=["recommender/near_duplicates.js"],
                css={"all": ["recommender/near_duplicates.css"]},
            )

        def _address(self) -> str:
            page = self.instance
            if page.pk:
                return str(reverse("recommender_check_page", args=[page.pk]))
            parent = getattr(self.form, "parent_page", None)
            if parent is None:
                return ""
            meta = page._meta
            names = [meta.app_label, meta.model_name, parent.pk]
            return str(reverse("recommender_check_new_page", args=names))
