from django.http import HttpRequest, HttpResponse
from django.shortcuts import get_object_or_404, render

from tests.django_site.news.models import Story


def story(request: HttpRequest, key: int) -> HttpResponse:
    found = get_object_or_404(Story, pk=key, is_live=True)
    return render(request, "news/story.html", {"story": found})
