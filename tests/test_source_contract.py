"""What every kind of source does alike: sites in front of ids, problems told, dates in a zone."""

from __future__ import annotations

import json
from collections.abc import Callable
from pathlib import Path

import pytest

from recommender.config import read_settings, zone_of
from recommender.errors import ArticleError, ConfigError
from recommender.source_specs import SourceSpec
from recommender.sources import Problem, Source, Surroundings, open_source, open_sources

# Each writes two articles, "1" of 1 June 2025, 08:00 in Shanghai, and "2" without a date, and
# a third that cannot be used, and gives the spec of the source they make.
Maker = Callable[[Path], SourceSpec]


def files(folder: Path) -> SourceSpec:
    rows = [
        {
            "id": 1,
            "title": "河堤加固",
            "body": "河堤加固工程完工。",
            "date": "2025-06-01 08:00",
        },
        {"id": 2, "title": "新桥通车", "body": "新桥正式通车。"},
        {"id": 3, "title": "没有正文"},
    ]
    text = "\n".join(json.dumps(row, ensure_ascii=False) for row in rows)
    (folder / "articles.jsonl").write_text(text, "utf-8")
    return SourceSpec(kind="files", options={"paths": ["articles.jsonl"]})


def html(folder: Path) -> SourceSpec:
    pages = {
        "1": ("河堤加固", "河堤加固工程完工。", "<p>发布时间：2025-06-01 08:00</p>"),
        "2": ("新桥通车", "新桥正式通车。", ""),
        "3": ("没有正文", "", ""),
    }
    for name, (title, text, date) in pages.items():
        (folder / "pages").mkdir(exist_ok=True)
        (folder / "pages" / name).write_text(
            f"<html><head><title>{title}_某网</title></head><body><h1>{title}</h1>{date}"
            f"<div class='content'><p>{text * 8}</p></div></body></html>",
            "utf-8",
        )
    return SourceSpec(kind="html", options={"folder": "pages", "pattern": "*"})


def feed(folder: Path) -> SourceSpec:
    (folder / "feed.xml").write_text(
        "<rss version='2.0'><channel><item><guid>1</guid><title>河堤加固</title>"
        "<description>河堤加固工程完工。</description><pubDate>2025-06-01 08:00</pubDate></item>"
        "<item><guid>2</guid><title>新桥通车</title><description>新桥正式通车。</description></item>"
        "<item><guid>3</guid></item></channel></rss>",
        "utf-8",
    )
    return SourceSpec(kind="feed", options={"path": "feed.xml"})


MAKERS: dict[str, Maker] = {"feed": feed, "files": files, "html": html}


@pytest.fixture(params=sorted(MAKERS))
def spec(request: pytest.FixtureRequest, tmp_path: Path) -> SourceSpec:
    return MAKERS[request.param](tmp_path)


def opened(spec: SourceSpec, folder: Path) -> Source:
    return open_source(spec, Surroundings(folder=folder, zone=zone_of("Asia/Shanghai")))


def test_articles_come_with_dates_in_the_zone_of_the_source(
    spec: SourceSpec, tmp_path: Path
) -> None:
    problems: list[Problem] = []
    found = {each.id: each for each in opened(spec, tmp_path).articles(on_problem=problems.append)}
    assert set(found) == {"1", "2"}
    assert found["1"].date is not None
    assert found["1"].date.isoformat() == "2025-06-01T00:00:00+00:00"
    assert found["2"].title == "新桥通车"


def test_what_cannot_be_used_is_told_with_its_id(spec: SourceSpec, tmp_path: Path) -> None:
    problems: list[Problem] = []
    list(opened(spec, tmp_path).articles(on_problem=problems.append))
    assert len(problems) == 1
    assert problems[0].article_id == "3"
    with pytest.raises(ArticleError):
        list(opened(spec, tmp_path).articles())


def test_it_can_be_read_twice(spec: SourceSpec, tmp_path: Path) -> None:
    source = opened(spec, tmp_path)

    def ignore(problem: Problem) -> None:
        pass

    once = sorted(each.id for each in source.articles(on_problem=ignore))
    assert once == sorted(each.id for each in source.articles(on_problem=ignore))


def test_a_site_stands_in_front_of_ids(spec: SourceSpec, tmp_path: Path) -> None:
    sited = SourceSpec(kind=spec.kind, site="a.example", options=spec.options)
    source = opened(sited, tmp_path)
    problems: list[Problem] = []
    found = list(source.articles(on_problem=problems.append))
    assert {each.id for each in found} == {"a.example:1", "a.example:2"}
    assert {each.site for each in found} == {"a.example"} == {source.site}
    assert [each.article_id for each in problems] == ["a.example:3"]


def test_unknown_keys_are_refused(spec: SourceSpec, tmp_path: Path) -> None:
    wrong = SourceSpec(kind=spec.kind, options={**spec.options, "colour": "red"})
    with pytest.raises(ConfigError, match="colour"):
        opened(wrong, tmp_path)


def test_settings_name_sources(tmp_path: Path) -> None:
    files(tmp_path)
    settings = tmp_path / "recommender.toml"
    settings.write_text(
        '[[sources]]\nkind = "files"\nsite = "a.example"\npaths = "articles.jsonl"\n'
        '[[sources]]\nkind = "files"\npaths = ["articles.jsonl"]\nfields = { url = "address" }\n'
    )
    said = read_settings(settings)
    sources = open_sources(said.sources, Surroundings(folder=said.folder))
    assert [each.name for each in sources] == ["files of a.example", "files"]
    assert [each.site for each in sources] == ["a.example", ""]


@pytest.mark.parametrize(
    ("text", "reason"),
    [
        ('[[sources]]\nkind = "ftp"', "kind must be one of"),
        ("[[sources]]\nname = 'x'", "must say its kind"),
        ('sources = "x"', "each written"),
        ('[[sources]]\nkind = "files"\nsite = "a b"', "short name"),
        ('[[sources]]\nkind = "files"\n[[sources]]\nkind = "files"', "give each its own site"),
        ('[[sources]]\nkind = "files"\nfields = { body = 1 }', "must be names"),
    ],
)
def test_settings_that_make_no_sense_are_refused(tmp_path: Path, text: str, reason: str) -> None:
    file = tmp_path / "recommender.toml"
    file.write_text(text)
    with pytest.raises(ConfigError, match=reason):
        read_settings(file)
