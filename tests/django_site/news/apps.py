from django.apps import AppConfig


class NewsConfig(AppConfig):
    name = "tests.django_site.news"
    label = "news"
