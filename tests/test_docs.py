"""The pages on operation, security, integration and the service name only what is there."""

from __future__ import annotations

import re
from pathlib import Path

import pytest
from click.testing import CliRunner

from recommender.cli import main

ROOT = Path(__file__).parent.parent
OPERATIONS = (ROOT / "docs" / "operations.md").read_text(encoding="utf-8")
INTEGRATION = (ROOT / "docs" / "integration.md").read_text(encoding="utf-8")
SERVICE = (ROOT / "docs" / "service.md").read_text(encoding="utf-8")
SECURITY = (ROOT / "SECURITY.md").read_text(encoding="utf-8")
TESTS = "\n".join(
    file.read_text(encoding="utf-8") for file in sorted((ROOT / "tests").rglob("test_*.py"))
)


def failures() -> list[list[str]]:
    table = OPERATIONS.partition("## When something goes wrong")[2].partition("\n## ")[0]
    rows = [line.strip("|").split(" | ") for line in table.splitlines() if line.startswith("|")]
    return [[cell.strip() for cell in row] for row in rows[2:]]


def test_every_failure_has_all_four_cells() -> None:
    assert len(failures()) >= 15
    for row in failures():
        assert len(row) == 4, row
        assert all(row), row


@pytest.mark.parametrize("row", failures(), ids=lambda row: row[0])
def test_every_failure_is_proved_by_a_test_that_is_there(row: list[str]) -> None:
    names = re.findall(r"`(\w+)`", row[3])
    assert names
    for name in names:
        assert re.search(rf"^def {name}\(", TESTS, re.MULTILINE), name


def test_every_test_that_is_named_anywhere_is_there() -> None:
    for name in re.findall(r"`(test_\w+)`", OPERATIONS + SECURITY + INTEGRATION + SERVICE):
        assert re.search(rf"^def {name}\(", TESTS, re.MULTILINE), name


@pytest.mark.parametrize(
    "line",
    sorted(
        set(
            re.findall(
                r"recommender [a-z]+[^`\n|;&]*", OPERATIONS + SECURITY + INTEGRATION + SERVICE
            )
        )
    ),
)
def test_every_command_and_option_is_there(line: str) -> None:
    words = line.split()
    if words[1] not in main.commands:
        pytest.fail(f"no command {words[1]}")
    shown = CliRunner().invoke(main, [words[1], "--help"]).output
    for option in re.findall(r"(?<![\w-])--?[a-z][a-z-]*", line):
        assert re.search(rf"(?<![\w-]){re.escape(option)}(?![\w-])", shown), option


def test_links_lead_somewhere() -> None:
    for page, folder in ((OPERATIONS, ROOT / "docs"), (SECURITY, ROOT)):
        for target in re.findall(r"\]\(([^)]+)\)", page):
            path, _, anchor = target.partition("#")
            text = (folder / path).read_text(encoding="utf-8") if path else page
            headings = re.findall(r"^#+ (.+)$", text, re.MULTILINE)
            anchors = {
                re.sub(r"[^\w\s-]", "", heading.lower()).replace(" ", "-") for heading in headings
            }
            assert not anchor or anchor in anchors, target
