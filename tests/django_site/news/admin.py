from django.contrib import admin

from recommender.contrib.django.admin import NearDuplicatesMixin
from tests.django_site.news.models import Story


@admin.register(Story)
class StoryAdmin(NearDuplicatesMixin, admin.ModelAdmin):
    list_display = ("headline", "is_live")
