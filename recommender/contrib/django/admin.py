"""Django's admin: a mixin that warns an editor of near-duplicates before an object is saved.

    from recommender.contrib.django.admin import NearDuplicatesMixin

    @admin.register(Article)
    class ArticleAdmin(NearDuplicatesMixin, admin.ModelAdmin): ...

Only imported by a site that uses the admin.
"""

from __future__ import annotations

from functools import partial
from typing import Any

from django.contrib import admin
from django.contrib.admin.utils import unquote
from django.core.exceptions import PermissionDenied
from django.http import Http404, HttpRequest, HttpResponse, HttpResponseNotAllowed
from django.urls import path, reverse

from recommender.contrib.django.checking import admin_address, check_response
from recommender.contrib.django.rules import rule_for
from recommender.errors import ConfigError


class NearDuplicatesMixin(admin.ModelAdmin):
    """Adds a box to the form of an object, which checks the draft on a button and before saving.

    A `change_form_template` of your own shows the box with
    `{% include "recommender/near_duplicates_box.html" %}`, inside the form.
    """

    change_form_template = "recommender/admin/change_form.html"

    class Media:
        """The script and the style of the box."""

        css = {"all": ("recommender/near_duplicates.css",)}  # noqa: RUF012 (Django's way)
        js = ("recommender/near_duplicates.js",)

    def get_urls(self) -> list[Any]:
        """The addresses of the admin, and those of the check."""
        view = self.admin_site.admin_view(self.near_duplicates_view)
        return [
            path("add/near-duplicates/", view, name=self._url_name("add")),
            path("<path:object_id>/near-duplicates/", view, name=self._url_name("change")),
            *super().get_urls(),
        ]

    def _url_name(self, which: str) -> str:
        return f"{self.opts.app_label}_{self.opts.model_name}_near_duplicates_{which}"

    def render_change_form(
        self, request: HttpRequest, context: dict[str, Any], *args: Any, **kwargs: Any
    ) -> HttpResponse:
        """The form, with the address of the check for those who may use it."""
        instance = kwargs.get("obj")
        if instance is None:
            name, arguments = self._url_name("add"), []
            allowed = self.has_add_permission(request)
        else:
            name, arguments = self._url_name("change"), [instance.pk]
            allowed = self.has_change_permission(request, instance)
        if allowed and self._has_rule():
            address = reverse(f"{self.admin_site.name}:{name}", args=arguments)
            context["near_duplicates_url"] = address
            context["near_duplicates_guard"] = ".submit-row input[type='submit']"
        return super().render_change_form(request, context, *args, **kwargs)

    def near_duplicates_view(
        self, request: HttpRequest, object_id: str | None = None
    ) -> HttpResponse:
        """Check the values of the form; nothing is saved."""
        if request.method != "POST":
            return HttpResponseNotAllowed(["POST"])
        instance = None
        if object_id is not None:
            instance = self.get_object(request, unquote(object_id))
            if instance is None:
                raise Http404
        allowed = (
            self.has_add_permission(request)
            if instance is None
            else self.has_change_permission(request, instance)
        )
        if not allowed:
            raise PermissionDenied
        rule = rule_for(self.model)
        if rule is None:
            raise Http404
        kind = self.get_form(request, instance, change=instance is not None)
        form = kind(request.POST, instance=instance or self.model())
        # Reads every field that can be read into the object; a draft may have faults.
        form.full_clean()
        edit_address = partial(admin_address, site=self.admin_site)
        return check_response(rule, form.instance, request, edit_address)

    def _has_rule(self) -> bool:
        try:
            return rule_for(self.model) is not None
        except ConfigError:
            return False
