"""Settings: how thresholds cut, which options are refused, and what `recommender.toml` may say."""

from __future__ import annotations

import dataclasses
import json
import math
from pathlib import Path
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from recommender.config import CONFIG_NAME, IndexOptions, Thresholds, package_data, read_settings
from recommender.errors import ConfigError
from recommender.records import Verdict

SHARES = st.floats(0, 1)
FALLING = st.tuples(SHARES, SHARES, SHARES).map(lambda three: sorted(three, reverse=True))
RANK = {verdict: rank for rank, verdict in enumerate(reversed(Verdict))}


def thresholds(values: list[float]) -> Thresholds:
    return Thresholds(same_text=values[0], same_story=values[1], related=values[2])


def written(folder: Path, text: str) -> Path:
    path = folder / "settings.toml"
    path.write_text(text, encoding="utf-8")
    return path


# Thresholds


@pytest.mark.parametrize(
    ("similarity", "verdict"),
    [
        (1.0, Verdict.SAME_TEXT),
        (0.90, Verdict.SAME_TEXT),
        (0.8999, Verdict.SAME_STORY),
        (0.75, Verdict.SAME_STORY),
        (0.7499, Verdict.RELATED),
        (0.50, Verdict.RELATED),
        (0.4999, Verdict.UNRELATED),
        (0.0, Verdict.UNRELATED),
    ],
)
def test_default_thresholds_include_their_lower_edge(similarity: float, verdict: Verdict) -> None:
    assert Thresholds().verdict(similarity) is verdict


@given(FALLING, SHARES, SHARES)
def test_a_higher_similarity_never_gets_a_weaker_verdict(
    values: list[float], one: float, other: float
) -> None:
    low, high = sorted((one, other))
    cut = thresholds(values)
    assert RANK[cut.verdict(low)] <= RANK[cut.verdict(high)]


@given(FALLING)
def test_each_threshold_is_in_its_own_verdict(values: list[float]) -> None:
    cut = thresholds(values)
    assert cut.verdict(cut.same_text) is Verdict.SAME_TEXT
    assert cut.verdict(cut.same_story).is_near_duplicate
    assert cut.verdict(cut.related) is not Verdict.UNRELATED
    if cut.related > 0:
        assert cut.verdict(math.nextafter(cut.related, -1)) is Verdict.UNRELATED


@given(st.tuples(SHARES, SHARES, SHARES))
def test_thresholds_must_not_rise(values: tuple[float, float, float]) -> None:
    same_text, same_story, related = values
    if related <= same_story <= same_text:
        assert thresholds(list(values)).same_text == same_text
        return
    with pytest.raises(ConfigError, match="must not rise"):
        thresholds(list(values))


@pytest.mark.parametrize("name", ["same_text", "same_story", "related"])
@pytest.mark.parametrize("wrong", [-0.01, 1.01, math.nan, math.inf, "0.8", None, True, [0.8]])
def test_a_threshold_must_be_a_number_from_0_to_1(name: str, wrong: Any) -> None:
    with pytest.raises(ConfigError, match=f"threshold {name}"):
        Thresholds(**{name: wrong})


def test_whole_numbers_become_floats() -> None:
    cut = Thresholds(same_text=1, same_story=1, related=0)
    assert [type(value) for value in dataclasses.astuple(cut)] == [float, float, float]


def test_changes_keep_what_is_none_and_are_checked() -> None:
    changed = Thresholds().with_changes(same_story=0.8, related=None)
    assert changed == Thresholds(same_story=0.8)
    assert Thresholds() == Thresholds(same_text=0.90, same_story=0.75, related=0.50)
    with pytest.raises(ConfigError, match="must not rise"):
        Thresholds().with_changes(same_story=0.95)


def test_zero_is_a_change() -> None:
    assert Thresholds().with_changes(related=0.0).related == 0.0


# Index options


@pytest.mark.parametrize(
    "good",
    [
        {"embedder": "hashing"},
        {"max_tokens": 8},
        {"max_tokens": 8192},
        {"max_tokens": None},
        {"vectors": "ivf"},
        {"neighbours": 1},
        {"neighbours": 1000},
        {"boilerplate_min_count": 2},
        {"boilerplate_min_share": 0},
        {"boilerplate_min_share": 1.0},
        {"strip_boilerplate": False},
    ],
)
def test_options_at_their_edges_are_taken(good: dict[str, Any]) -> None:
    options = IndexOptions(**good)
    assert {name: getattr(options, name) for name in good} == good


@pytest.mark.parametrize(
    "bad",
    [
        {"embedder": ""},
        {"embedder": "  "},
        {"embedder": None},
        {"max_tokens": 7},
        {"max_tokens": 8193},
        {"max_tokens": 128.0},
        {"max_tokens": True},
        {"vectors": "flat"},
        {"vectors": None},
        {"neighbours": 0},
        {"neighbours": 1001},
        {"neighbours": None},
        {"neighbours": "50"},
        {"boilerplate_min_count": 1},
        {"boilerplate_min_count": 8.5},
        {"boilerplate_min_share": -0.1},
        {"boilerplate_min_share": 1.1},
        {"boilerplate_min_share": math.nan},
        {"boilerplate_min_share": True},
        {"boilerplate_min_share": "0.1"},
        {"strip_boilerplate": 1},
        {"strip_boilerplate": "yes"},
    ],
)
def test_options_out_of_range_are_refused_by_name(bad: dict[str, Any]) -> None:
    (name,) = bad
    with pytest.raises(ConfigError, match=name):
        IndexOptions(**bad)


def test_options_go_through_json_and_back() -> None:
    options = IndexOptions(embedder="hashing", max_tokens=64, vectors="exact", neighbours=7)
    assert IndexOptions(**json.loads(json.dumps(options.to_dict()))) == options


def test_options_are_frozen() -> None:
    with pytest.raises(dataclasses.FrozenInstanceError):
        IndexOptions().neighbours = 3  # type: ignore[misc]


# The settings file


def test_a_full_file_is_read(tmp_path: Path) -> None:
    path = written(
        tmp_path,
        """
        index = "索引/新闻"
        [options]
        embedder = "hashing"
        neighbours = 20
        [thresholds]
        related = 0.4
        same_text = 1
        [fields]
        title = "标题"
        body = "content.html"
        """,
    )
    settings = read_settings(path)
    assert settings.index == "索引/新闻"
    assert settings.options == {"embedder": "hashing", "neighbours": 20}
    assert settings.thresholds == {"related": 0.4, "same_text": 1}
    assert settings.fields == {"title": "标题", "body": "content.html"}


def test_an_empty_file_sets_nothing(tmp_path: Path) -> None:
    settings = read_settings(written(tmp_path, "# nothing yet\n"))
    assert (settings.index, settings.options, settings.thresholds, settings.fields) == (
        None,
        {},
        {},
        {},
    )


def test_the_file_of_the_working_folder_is_read(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.chdir(tmp_path)
    assert read_settings().index is None
    (tmp_path / CONFIG_NAME).write_text('index = "here"', encoding="utf-8")
    assert read_settings().index == "here"
    (tmp_path / CONFIG_NAME).write_text("indx = 1", encoding="utf-8")
    with pytest.raises(ConfigError, match=CONFIG_NAME):
        read_settings()


def test_a_file_that_was_named_must_be_there(tmp_path: Path) -> None:
    missing = tmp_path / "missing.toml"
    with pytest.raises(ConfigError, match=r"cannot read .*missing\.toml"):
        read_settings(missing)
    with pytest.raises(ConfigError, match="cannot read"):
        read_settings(tmp_path)


@pytest.mark.parametrize(
    ("text", "words"),
    [
        ('index = "open', "not valid TOML"),
        ("index = 'a'\nindex = 'b'", "not valid TOML"),
        ("[options", "not valid TOML"),
        ("index = 3", "index must be the path"),
        ("indx = 'a'", "unknown key 'indx'"),
        ("options = 1", r"written \[options\]"),
        ("thresholds = [0.5]", r"written \[thresholds\]"),
        ("fields = 'title'", r"written \[fields\]"),
        ("[options]\nneighbors = 5", r"\[options\] has an unknown key 'neighbors'"),
        ("[options]\nneighbours = 0", "neighbours must be a whole number from 1 to 1,000"),
        ("[options]\nstrip_boilerplate = 'no'", "strip_boilerplate"),
        ("[thresholds]\nsame = 0.5", r"\[thresholds\] has an unknown key 'same'"),
        ("[thresholds]\nrelated = '0.5'", "related must be a number"),
        ("[thresholds]\nrelated = nan", "related must lie between 0 and 1"),
        ("[thresholds]\nrelated = 0.8", "must not rise"),
        ("[fields]\ntitle = 3", r"\[fields\] title must be text"),
    ],
)
def test_what_is_wrong_in_a_file_is_said_with_its_name(
    tmp_path: Path, text: str, words: str
) -> None:
    path = written(tmp_path, text)
    with pytest.raises(ConfigError, match=words) as caught:
        read_settings(path)
    assert str(path) in str(caught.value)
    assert "\n" not in str(caught.value)


def test_unknown_keys_come_with_the_known_ones(tmp_path: Path) -> None:
    with pytest.raises(ConfigError) as caught:
        read_settings(written(tmp_path, "[thresholds]\nsimilar = 0.5"))
    assert "known are related, same_story, same_text" in str(caught.value)


def test_a_file_that_is_not_utf8_is_refused(tmp_path: Path) -> None:
    path = tmp_path / "gb.toml"
    path.write_bytes('index = "新闻"'.encode("gb18030"))
    with pytest.raises(ConfigError, match="not valid TOML"):
        read_settings(path)


# Package data


def test_package_data_is_read_once_and_holds_a_folding_table() -> None:
    data = package_data("folding.json")
    assert package_data("folding.json") is data
    assert len(data["traditional"]) == len(data["simplified"]) > 1_000
