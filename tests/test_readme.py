"""The README says only what is true: its example runs, its commands and options are there."""

from __future__ import annotations

import re
import shlex
from pathlib import Path

import pytest
from click.testing import CliRunner

from recommender.cli import main

ROOT = Path(__file__).parent.parent
README = (ROOT / "README.md").read_text(encoding="utf-8")


def block_after(marker: str) -> str:
    found = re.search(rf"<!-- {marker} -->\n```\w*\n(.*?)```", README, re.DOTALL)
    assert found is not None, marker
    return found.group(1)


def test_there_are_two_set_up_commands() -> None:
    for marker in ("demo", "tests"):
        (command,) = block_after(marker).strip().splitlines()
        assert command.startswith("pip install -c constraints.txt ")
    assert block_after("demo").strip().endswith("recommender demo")
    assert block_after("tests").strip().endswith("pytest")


@pytest.mark.model
def test_the_library_example_runs(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    monkeypatch.chdir(tmp_path)
    exec(compile(block_after("library"), "README.md", "exec"), {})  # noqa: S102
    printed = capsys.readouterr().out
    assert "same-text water-outage-1" in printed
    assert "7月1日 / 7月15日" in printed


def commands() -> list[list[str]]:
    pages = [README, *(file.read_text(encoding="utf-8") for file in ROOT.glob("docs/*.md"))]
    lines = re.findall(r"^(?: {4})?(recommender .+)$", "\n".join(pages), re.MULTILINE)
    assert len(lines) >= 12
    return [shlex.split(re.split(r" {3,}", line)[0]) for line in lines]


@pytest.mark.parametrize("words", commands(), ids=lambda words: " ".join(words[:3]))
def test_a_command_of_the_readme_is_there(words: list[str]) -> None:
    place = next(n for n, word in enumerate(words[1:], 1) if not word.startswith("-"))
    result = CliRunner().invoke(main, [words[place], "--help"])
    assert result.exit_code == 0
    for word in words[place + 1 :]:
        if word.startswith("-"):
            assert re.search(rf"(?<![\w-]){re.escape(word)}(?![\w-])", result.output), word


def test_every_command_is_in_the_readme() -> None:
    named = set(re.findall(r"^recommender (\w+)", README, re.MULTILINE))
    assert set(main.commands) <= named | {"demo"}


def test_no_path_of_a_machine_is_in_the_project() -> None:
    for file in [
        *ROOT.glob("*.md"),
        *ROOT.glob("docs/*.md"),
        *ROOT.glob("recommender/**/*.py"),
        ROOT / "constraints.txt",
    ]:
        text = file.read_text(encoding="utf-8")
        assert not re.search(r"(?<!\w)/(?:home|root|work|tmp)/", text), file
