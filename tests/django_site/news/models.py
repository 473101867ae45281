"""Pages with a stream and panels, and stories with fields under other names."""

from __future__ import annotations

from django.db import models
from django.urls import reverse
from wagtail import blocks
from wagtail.admin.panels import FieldPanel
from wagtail.embeds.blocks import EmbedBlock
from wagtail.fields import StreamField
from wagtail.models import Page

from recommender.contrib.django.panels import NearDuplicatesPanel


class Section(models.Model):
    name = models.CharField(max_length=50)

    def __str__(self) -> str:
        return self.name


class Quote(blocks.StructBlock):
    words = blocks.TextBlock()
    who = blocks.CharBlock(required=False)
    layout = blocks.ChoiceBlock(choices=[("wide", "Wide layout"), ("narrow", "Narrow layout")])


class HomePage(Page):
    max_count = 1


class ArticlePage(Page):
    intro = models.TextField(blank=True)
    body = StreamField(
        [
            ("heading", blocks.CharBlock()),
            ("paragraph", blocks.RichTextBlock()),
            ("quote", Quote()),
            ("points", blocks.ListBlock(blocks.CharBlock())),
            ("html", blocks.RawHTMLBlock()),
            ("video", EmbedBlock()),
        ],
        blank=True,
    )
    section = models.ForeignKey(Section, null=True, blank=True, on_delete=models.SET_NULL)

    content_panels = [
        *Page.content_panels,
        FieldPanel("intro"),
        FieldPanel("body"),
        FieldPanel("section"),
        NearDuplicatesPanel(),
    ]


class Story(models.Model):
    headline = models.CharField(max_length=200)
    text = models.TextField(blank=True)
    published = models.DateField(null=True, blank=True)
    section = models.ForeignKey(Section, null=True, blank=True, on_delete=models.SET_NULL)
    is_live = models.BooleanField(default=True)
    members_only = models.BooleanField(default=False)
    embargo = models.DateTimeField(null=True, blank=True)

    class Meta:
        verbose_name_plural = "stories"

    def __str__(self) -> str:
        return self.headline

    def get_absolute_url(self) -> str:
        return str(reverse("story", args=[self.pk]))


def access_of(story: Story) -> str:
    return "members" if story.members_only else "public"
