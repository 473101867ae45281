"""docs/settings.md names every setting that is read, with its default, and no other."""

from __future__ import annotations

import re
from dataclasses import MISSING, fields
from pathlib import Path
from typing import Any

import pytest

from recommender.canonical import CanonicalPolicy
from recommender.config import IndexOptions, SyncOptions, Thresholds, read_settings, tomllib
from recommender.errors import ConfigError
from recommender.export_specs import ExportSpec
from recommender.limits import Limits
from recommender.source_specs import KINDS, SourceSpec
from recommender.sources import Surroundings, open_source, open_sources
from recommender.sources.fields import check_mapping

DOCS = Path(__file__).parent.parent / "docs"
PAGE = (DOCS / "settings.md").read_text(encoding="utf-8")
SERVICE = DOCS / "service.md"
# Tables whose defaults are those of a class.
CLASSES: dict[str, Any] = {
    "options": IndexOptions,
    "thresholds": Thresholds,
    "canonical": CanonicalPolicy,
    "limits": Limits,
    "sync": SyncOptions,
    "export": ExportSpec,
}
# Its keys stand in service.md.
ELSEWHERE = {"serve"}


def section(heading: str) -> str:
    found = re.search(rf"^##+ {re.escape(heading)}$(.*?)(?=^##|\Z)", PAGE, re.MULTILINE | re.DOTALL)
    assert found, f"settings.md has no section {heading}"
    return found[1]


def described(heading: str) -> dict[str, list[str]]:
    """The rows of a section's table by their keys: type, default, meaning."""
    rows = {}
    for line in section(heading).splitlines():
        if key := re.match(r"\| `(\w+)` \| ", line):
            cells = [each.strip() for each in line.strip("|").split(" | ")]
            assert len(cells) == 4, line
            assert all(cells), line
            assert key[1] not in rows, line
            rows[key[1]] = cells[1:]
    return rows


def refused(text: str, folder: Path) -> set[str]:
    """The keys that the refusal of an unknown one names."""
    file = folder / "recommender.toml"
    file.write_text(text, encoding="utf-8")
    with pytest.raises(ConfigError, match="unknown key") as caught:
        read_settings(file)
    return set(re.split(r", ", str(caught.value).partition("known are ")[2]))


def known_by(kind: str) -> set[str]:
    with pytest.raises(ConfigError, match="unknown key") as caught:
        open_source(SourceSpec(kind=kind, options={"no_such_key": 1}), Surroundings())
    return set(str(caught.value).partition(" knows ")[2].split(", "))


def test_the_keys_of_the_file_are_described(tmp_path: Path) -> None:
    known = refused("no_such_key = 1", tmp_path)
    assert known <= described("The file").keys() <= known | ELSEWHERE
    for name in known - {"index", "sources"} | ELSEWHERE:
        assert section(f"`[{name}]`")
        assert f"(#{name})" in PAGE


@pytest.mark.parametrize("name", sorted(CLASSES))
def test_the_keys_of_a_table_are_described_with_their_defaults(name: str, tmp_path: Path) -> None:
    rows = described(f"`[{name}]`")
    assert rows.keys() == refused(f"[{name}]\nno_such_key = 1", tmp_path)
    for each in fields(CLASSES[name]):
        default = each.default if each.default is not MISSING else None
        written = rows[each.name][1]
        if written == "–":
            assert not default, each.name
        else:
            said = tomllib.loads(f"x = {written.strip('`')}")["x"]
            assert said == (list(default) if isinstance(default, tuple) else default), each.name


def test_every_table_of_the_file_is_looked_at(tmp_path: Path) -> None:
    known = refused("no_such_key = 1", tmp_path)
    assert known - CLASSES.keys() - ELSEWHERE == {"index", "fields", "sources"}


def test_the_fields_of_an_article_are_described() -> None:
    with pytest.raises(ConfigError) as caught:
        check_mapping({"no_such_field": "x"})
    known = set(str(caught.value).partition("it has ")[2].split(", "))
    rows = described("`[fields]`")
    assert rows.keys() == known
    assert all(row[1] == f'`"{name}"`' for name, row in rows.items())


@pytest.mark.parametrize("kind", KINDS)
def test_the_keys_of_a_source_are_described(kind: str) -> None:
    shared = described("`[[sources]]`")
    assert f'`"{kind}"`' in shared["kind"][0]
    rows = described(f'`kind = "{kind}"`')
    assert shared.keys() | rows.keys() == known_by(kind)
    assert not shared.keys() & rows.keys()
    assert f'kind = "{kind}"' in section(f'`kind = "{kind}"`').partition("```toml")[2]


def test_no_other_kind_is_described() -> None:
    assert set(re.findall(r'^### `kind = "(\w+)"`', PAGE, re.MULTILINE)) == set(KINDS)


def test_the_keys_of_the_service_are_described_elsewhere(tmp_path: Path) -> None:
    # Without a service there is no such table.
    for name in ELSEWHERE & refused("no_such_key = 1", tmp_path):
        text = SERVICE.read_text(encoding="utf-8")
        for key in refused(f"[{name}]\nno_such_key = 1", tmp_path):
            assert re.search(rf"^{key} = ", text, re.MULTILINE), key


@pytest.mark.parametrize("example", re.findall(r"^```toml\n(.*?)^```", PAGE, re.M | re.S))
def test_every_example_is_read(
    example: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("NEWS_DATABASE", "sqlite:///news.db")
    (tmp_path / "recommender.toml").write_text(example, encoding="utf-8")
    said = read_settings(tmp_path / "recommender.toml")
    check_mapping(said.fields)
    open_sources(said.sources, Surroundings(folder=tmp_path))


def test_every_table_has_an_example() -> None:
    for name in (*CLASSES, "fields"):
        assert f"```toml\n[{name}]\n" in section(f"`[{name}]`"), name


def test_links_in_the_page_lead_somewhere() -> None:
    headings = re.findall(r"^#+ (.+)$", PAGE, re.MULTILINE)
    anchors = {re.sub(r"[^\w\s-]", "", each.lower()).replace(" ", "-") for each in headings}
    assert set(re.findall(r"\]\(#([^)]+)\)", PAGE)) <= anchors
    for name in ("README.md", "docs/integration.md"):
        assert "settings.md)" in (DOCS.parent / name).read_text(encoding="utf-8")
