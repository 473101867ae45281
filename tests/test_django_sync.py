"""The command that compares the database with the index, and the checks of the setting."""

from __future__ import annotations

import re
import textwrap
from typing import Any

import pytest

from tests.django_sites import Site

NAMES = ("repo-0708", "water-outage-1", "museum-night-1", "bridge-1", "opera-1")


@pytest.fixture
def stories(site: Site) -> list[Any]:
    return [site.story(name) for name in NAMES]


def many(count: int) -> list[Any]:
    from tests.django_site.news.models import Story
    from tests.helpers import body_of

    return Story.objects.bulk_create(
        Story(headline=f"第{n}号通报", text=body_of("桥", n)) for n in range(count)
    )


def test_the_first_sync_makes_the_index_and_the_next_does_nothing(
    site: Site, stories: list[Any]
) -> None:
    page = site.page("tianzhou9-launch")
    said = site.sync("--dry-run")
    assert "a dry run" in said
    assert "6 to add" in said
    assert not (site.index / "articles.sqlite").exists()
    assert "6 added" in site.sync()
    assert f"news.ArticlePage:{page.pk}" in site.held()
    version = (site.index / "articles.sqlite").stat().st_mtime_ns
    assert "nothing to do" in site.sync("--verbosity", "2")
    assert (site.index / "articles.sqlite").stat().st_mtime_ns == version


def test_what_signals_missed_is_mended(site: Site, stories: list[Any]) -> None:
    from tests.django_site.news.models import Story

    site.sync()
    Story.objects.filter(pk=stories[0].pk).update(headline="改过的标题")
    Story.objects.filter(pk=stories[1].pk).update(is_live=False)
    new = many(1)[0]
    said = site.sync()
    for words in ("1 added", "1 updated", "1 removed", "3 unchanged"):
        assert words in said
    held = site.held()
    assert held[f"news.Story:{stories[0].pk}"].title == "改过的标题"
    assert f"news.Story:{stories[1].pk}" not in held
    assert f"news.Story:{Story.objects.get(headline=new.headline).pk}" in held


def test_a_model_that_suddenly_gives_far_fewer_stops_the_sync(site: Site) -> None:
    from django.core.management import CommandError

    from tests.django_site.news.models import Story

    pages = site.page("tianzhou9-launch"), site.page("tianzhou9-docking")
    many(60)
    site.sync()
    Story.objects.filter(pk__gt=Story.objects.first().pk + 30).update(is_live=False)
    with pytest.raises(CommandError) as told:
        site.sync()
    assert told.value.returncode == 1
    assert "news.Story no longer gives 29 of the 60 articles" in str(told.value)
    assert len(site.held()) == 62
    assert "29 to remove" in site.sync("--dry-run", "--force")
    assert "29 removed" in site.sync("--force")
    assert len(site.held()) == 33
    assert {f"news.ArticlePage:{each.pk}" for each in pages} <= set(site.held())


def test_an_object_that_cannot_be_read_stays_as_it_was(
    site: Site, stories: list[Any], monkeypatch: pytest.MonkeyPatch
) -> None:
    from tests.django_site.news.models import Story

    site.sync()
    before = site.held()
    whole = Story.get_absolute_url

    def address(self: Any) -> str:
        if self.pk == stories[2].pk:
            raise RuntimeError("no such section")
        return whole(self)

    monkeypatch.setattr(Story, "get_absolute_url", address)
    # Past every signal.
    Story.objects.filter(pk=stories[0].pk)._raw_delete("default")
    said = site.sync()
    assert "no such section" in said
    assert "1 removed" in said
    assert "1 skipped" in said
    named = f"news.Story:{stories[2].pk}"
    assert site.held()[named] == before[named]


def test_a_database_that_fails_changes_nothing(site: Site, stories: list[Any]) -> None:
    from django.core.management import CommandError
    from django.db import connection

    site.sync()
    with connection.cursor() as cursor:
        cursor.execute("ALTER TABLE news_story RENAME TO news_other")
    with pytest.raises(CommandError, match=r"news\.Story cannot be read"):
        site.sync()
    with pytest.raises(CommandError, match=r"news\.Story cannot be read"):
        site.sync("--force")
    assert len(site.held()) == len(NAMES)


def test_the_command_says_what_is_wrong_in_one_line(site: Site) -> None:
    import os
    import subprocess
    import sys

    from tests.django_sites import ROOT

    done = subprocess.run(
        [sys.executable, "-m", "django", "recommender_sync"],
        cwd=ROOT,
        env={**os.environ, "PYTHONPATH": str(ROOT)},
        capture_output=True,
        text=True,
    )
    assert done.returncode == 1
    assert "Traceback" not in done.stderr
    assert done.stderr.splitlines()[-1].startswith("CommandError: the sources give no article")


def faults(said: Any) -> list[tuple[str, str]]:
    from django.core.checks import run_checks
    from django.test import override_settings

    with override_settings(RECOMMENDER=said):
        found = run_checks(tags=["recommender"])
    assert all("\n" not in each.msg for each in found)
    return [(each.id, each.msg) for each in found]


GOOD = {"body": "text", "title": "headline"}


@pytest.mark.parametrize(
    ("said", "number", "words"),
    [
        (None, "E001", "is missing"),
        ([], "E001", "must be a dictionary, not list"),
        ({"MODELS": {"news.Story": GOOD}}, "E002", 'neither "INDEX" nor "SERVICE"'),
        ({"INDEX": 3, "MODELS": {"news.Story": GOOD}}, "E002", "must be a path, not 3"),
        ({"INDEX": "i", "MODELS": {"news.Story": GOOD}, "MODEL": 1}, "E003", "unknown key 'MODEL'"),
        ({"INDEX": "i"}, "E006", "must name the models"),
        ({"INDEX": "i", "MODELS": {"news.Nothing": GOOD}}, "E006", "no model 'news.Nothing'"),
        ({"INDEX": "i", "MODELS": {"nonsense": GOOD}}, "E006", "no model 'nonsense'"),
        ({"INDEX": "i", "MODELS": {"news.Story": []}}, "E006", "must be a dictionary"),
        ({"INDEX": "i", "MODELS": {"news.Story": {}}}, "E007", 'where the "body"'),
        (
            {"INDEX": "i", "MODELS": {"news.Story": {"body": "txt"}}},
            "E007",
            "[\"body\"]: news.Story has no 'txt'",
        ),
        (
            {"INDEX": "i", "MODELS": {"news.Story": {**GOOD, "category": "no.such.module"}}},
            "E007",
            "cannot be imported",
        ),
        (
            {"INDEX": "i", "MODELS": {"news.Story": {**GOOD, "queryset": "os.sep"}}},
            "E007",
            "is not a callable",
        ),
        (
            {"INDEX": "i", "MODELS": {"news.Story": {**GOOD, "titel": "headline"}}},
            "E003",
            "unknown key 'titel'",
        ),
        (
            {"INDEX": "i", "MODELS": {"news.Story": {**GOOD, "title": ["headline"]}}},
            "E007",
            "a field, a dotted path or a callable",
        ),
        ({"INDEX": "i", "MODELS": {"news.Story": GOOD}, "SIGNALS": "no"}, "E004", "True or False"),
        ({"INDEX": "i", "MODELS": {"news.Story": GOOD}, "CACHE": "x"}, "E004", "not in CACHES"),
        (
            {"INDEX": "i", "MODELS": {"news.Story": GOOD}, "CACHE_SECONDS": -1},
            "E004",
            "number of seconds",
        ),
        ({"INDEX": "i", "MODELS": {"news.Story": GOOD}, "EMBEDDER": ""}, "E004", "embedder"),
        ({"INDEX": "i", "MODELS": {"news.Story": GOOD}, "MOST_REMOVED": 2}, "E004", "MOST_REMOVED"),
        ({"SERVICE": "x", "MODELS": {"news.Story": GOOD}}, "E005", "must be a dictionary"),
        ({"SERVICE": {}, "MODELS": {"news.Story": GOOD}}, "E005", '["URL"] must be an address'),
        (
            {"SERVICE": {"URL": "http://h:1", "TIMEOUT": 0}, "MODELS": {"news.Story": GOOD}},
            "E005",
            "number of seconds",
        ),
        (
            {"SERVICE": {"URL": "http://h:1", "TOKEN": "x"}, "MODELS": {"news.Story": GOOD}},
            "E003",
            "unknown key 'TOKEN'",
        ),
    ],
)
def test_a_wrong_setting_is_told_in_one_clear_line(
    site: Site, said: Any, number: str, words: str
) -> None:
    found = faults(said)
    assert any(each == f"recommender.{number}" and words in text for each, text in found), found


def test_the_setting_in_the_documentation_is_right(site: Site) -> None:
    from tests.django_sites import ROOT

    page = (ROOT / "docs" / "integration.md").read_text("utf-8")
    block = re.search(r"```python\n( +RECOMMENDER = .*?)```", page, re.DOTALL)
    assert block is not None
    names: dict[str, Any] = {"BASE_DIR": site.folder}
    exec(textwrap.dedent(block[1]), names)  # noqa: S102
    assert faults(names["RECOMMENDER"]) == [
        ("recommender.W001", f"there is no index at {site.folder / 'related'} yet")
    ]
    from recommender.contrib.django.options import _KEYS, _MODEL_KEYS

    for key in (*_KEYS, *_MODEL_KEYS):
        assert f"`{key}`" in page, key


def test_a_password_in_an_address_is_not_told(site: Site) -> None:
    said = {"SERVICE": {"URL": "http://me:secret@host/"}, "MODELS": {"news.Story": GOOD}}
    assert "secret" not in str(faults(said))


def test_what_is_not_ready_is_a_warning(site: Site, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.delenv("RECOMMENDER_TOKEN", raising=False)
    said = {
        "INDEX": site.index,
        "SERVICE": {"URL": "http://127.0.0.1:8000"},
        "MODELS": {"news.Story": GOOD},
    }
    assert [number for number, _ in faults(said)] == ["recommender.W001", "recommender.W002"]


def test_a_queryset_and_callables_may_come_from_the_site(site: Site, stories: list[Any]) -> None:
    from django.conf import settings
    from django.test import override_settings

    def fields(model: Any) -> Any:
        return model.objects.exclude(pk=stories[0].pk)

    said = {
        "body": lambda story: f"<p>{story.text}</p>",
        "title": str,
        "queryset": fields,
        "live": lambda story: story.pk != stories[1].pk,
        "language": lambda story: "zh-Hans",
    }
    with override_settings(RECOMMENDER={**settings.RECOMMENDER, "MODELS": {"news.Story": said}}):
        site.sync()
        held = site.held()
    assert set(held) == {f"news.Story:{each.pk}" for each in stories[2:]}
    assert {each.language for each in held.values()} == {"zh"}
