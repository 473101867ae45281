"""Indexes that older versions wrote answer as they did, or are refused with what to do."""

from __future__ import annotations

import json
import sqlite3
import tarfile
from contextlib import closing
from pathlib import Path

import pytest

from recommender import HashingEmbedder, Recommender
from recommender.errors import IndexIncompatible
from recommender.store import FORMAT_VERSION
from tests.golden import make
from tests.helpers import NOW, article


@pytest.fixture
def golden(tmp_path: Path) -> Path:
    """The golden index of the present format, unpacked."""
    folder = tmp_path / "index"
    with tarfile.open(make.FOLDER / f"format-{FORMAT_VERSION}.tar.xz") as packed:
        # Not `extractall`: its filters came with a patch release of Python.
        for member in packed:
            content = packed.extractfile(member)
            if content is not None:
                target = folder / member.name
                target.parent.mkdir(parents=True, exist_ok=True)
                target.write_bytes(content.read())
                target.chmod(member.mode)
    return folder


def test_the_golden_index_answers_as_it_did(golden: Path) -> None:
    recorded = (make.FOLDER / f"format-{FORMAT_VERSION}.json").read_text(encoding="utf-8")
    with Recommender.open(golden) as index:
        assert make.answers(index) == json.loads(recorded)
        assert index.verify() == []


def test_the_golden_index_can_be_changed_and_rebuilt(golden: Path) -> None:
    with Recommender.open(golden) as index:
        index.update([article("new", "茶", 3)], now=NOW)
        assert "new" in index
        index.rebuild(now=NOW)
        assert index.verify() == []
        assert len(index) == 6


def test_an_index_of_a_newer_format_is_refused(golden: Path) -> None:
    with closing(sqlite3.connect(golden / "articles.sqlite")) as database:
        database.execute(f"PRAGMA user_version = {FORMAT_VERSION + 1}")
    with pytest.raises(IndexIncompatible, match="upgrade recommender"):
        Recommender.open(golden)
    with pytest.raises(IndexIncompatible, match="upgrade recommender"):
        Recommender.build(golden, make.articles(), embedder=HashingEmbedder(), now=NOW)


def test_an_index_of_another_embedder_is_refused(golden: Path) -> None:
    with pytest.raises(IndexIncompatible, match="made with"):
        Recommender.open(golden, embedder=HashingEmbedder(dimension=64))
