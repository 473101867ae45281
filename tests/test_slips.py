"""Slips that are easily made: what is refused, what is said, and that nothing is lost by them."""

from __future__ import annotations

from pathlib import Path

import pytest

from recommender import ConfigError, Recommender
from tests.helpers import build, corpus
from tests.test_cli import Run, index, run

__all__ = ["index", "run"]


def test_an_empty_input_does_not_empty_an_index(tmp_path: Path, run: Run, index: str) -> None:
    (tmp_path / "empty.jsonl").write_text("", encoding="utf-8")
    refused = run("build", "empty.jsonl", "-i", index, "--embedder", "hashing")
    assert refused.exit_code == 1
    assert "holds 31" in refused.stderr
    assert refused.stderr.count("\n") == 1
    with Recommender.open(tmp_path / index) as opened:
        assert len(opened) == 31
        assert opened.verify() == []
    assert run("build", "empty.jsonl", "-i", "new", "--embedder", "hashing").exit_code == 0
    assert run("build", "empty.jsonl", "-i", "new", "--embedder", "hashing").exit_code == 0
    with pytest.raises(ConfigError, match="no article"):
        build(tmp_path / index, [])
    build(tmp_path / "new", corpus(5)).close()
