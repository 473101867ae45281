"""The views behind the panel: a page as it stands in the editor's form, checked, never saved.

Made from Wagtail's own views of the preview, which turn a form into a page the same way and ask
the same permissions.
"""

from __future__ import annotations

from typing import Any

from django.http import Http404, HttpRequest, JsonResponse
from django.urls import reverse
from wagtail.admin.views.pages.preview import PreviewOnCreateView, PreviewOnEditView

from recommender.contrib.django.checking import admin_address, check_response
from recommender.contrib.django.rules import rule_for
from recommender.contrib.django.wagtail_pages import is_page


class CheckPage(PreviewOnEditView):
    """Checks a page that is there, with the values of the form."""

    http_method_names = ("post",)

    def post(self, request: HttpRequest, *args: Any, **kwargs: Any) -> JsonResponse:
        """Answer with what was found."""
        rule = rule_for(type(self.object))
        if rule is None:
            raise Http404
        form = self.get_form(request.POST)
        # Only a form without faults gives its inline objects; the rest is read all the same.
        if self.validate_form(form):
            form.save(commit=False)
        return check_response(rule, form.instance, request, edit_address)


class CheckNewPage(CheckPage, PreviewOnCreateView):
    """Checks a page that is being made."""

    def get_object(self) -> Any:
        """A page of the type that is asked for, if it is one of the setting."""
        model = self.content_type.model_class()
        if model is None or not is_page(model) or rule_for(model) is None:
            raise Http404
        return super().get_object()


def edit_address(instance: Any, request: HttpRequest) -> str:
    """Where the user may change a page, or another object; empty where not."""
    if not is_page(type(instance)):
        return admin_address(instance, request)
    if not instance.permissions_for_user(request.user).can_edit():
        return ""
    return str(reverse("wagtailadmin_pages:edit", args=[instance.pk]))
