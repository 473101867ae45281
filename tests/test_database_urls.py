"""Addresses of databases and their drivers: what is shown of them, and what is missing."""

from __future__ import annotations

import subprocess
import sys
from pathlib import Path

import pytest

from recommender.database_urls import masked, parse_url, reason_of
from recommender.errors import ConfigError
from recommender.sources.databases import Database

URL = parse_url("mysql://u:p%40ss'w@h/d?ssl_key_password=other", called="x")


def test_what_a_driver_repeats_is_masked() -> None:
    for text in ("bad p@ss'w here", "bad p%40ss%27w here", 'bad "p@ss\'w" here', "bad other"):
        shown = masked(URL, text)
        assert "***" in shown
        assert "ss" not in shown.replace("***", "")
    short = parse_url("mysql://u:ab@h/d", called="x")
    assert masked(short, "a table") == ""
    assert masked(short, "refused") == "refused"


@pytest.mark.parametrize("before", range(290, 302))
def test_a_long_message_is_not_cut_inside_a_password(before: int) -> None:
    shown = reason_of(URL, ValueError("x" * before + "p@ss'w and more"))
    assert len(shown) <= 300
    assert "p" not in shown


def test_a_database_is_shown_without_its_password() -> None:
    shown = repr(Database.of_url("mysql://u:hunter22@h/d", folder=Path(), called="x"))
    assert "hunter22" not in shown


def test_nothing_needs_the_extra_until_a_database_is_read(tmp_path: Path) -> None:
    script = (
        "import sys\n"
        "import recommender.cli\n"
        "assert 'sqlalchemy' not in sys.modules\n"
        "sys.modules['sqlalchemy'] = None\n"
        "from recommender.errors import ConfigError\n"
        "from recommender.source_specs import SourceSpec\n"
        "from recommender.sources import Surroundings, open_source\n"
        "try:\n"
        "    open_source(SourceSpec(kind='ghost', options={'url': 'x'}), Surroundings())\n"
        "except ConfigError as error:\n"
        "    print(error)\n"
    )
    done = subprocess.run(
        [sys.executable, "-c", script], capture_output=True, text=True, check=True
    )
    assert 'pip install -c constraints.txt ".[sql]"' in done.stdout


def test_a_driver_that_is_not_installed(tmp_path: Path) -> None:
    database = Database.of_url("mysql+mysqldb://u@h/d", folder=tmp_path, called="x")
    with pytest.raises(ConfigError, match="needs a driver: pip install"):
        with database.reading():
            pass
