"""Input nobody well-meaning would write: no traceback, no hang, limits that say their name."""

from __future__ import annotations

import gzip
import json
import re
import subprocess
import sys
from collections.abc import Callable
from pathlib import Path
from random import Random

import pytest
from click.testing import CliRunner
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from recommender import Article, ArticleError, ConfigError, LabelError
from recommender.cli import main
from recommender.config import read_settings
from recommender.labels import Label
from recommender.limits import Limits
from recommender.markup import bare_markup
from recommender.sources import files as article_files
from recommender.sources import read_articles, read_decisions, read_draft, read_labels
from recommender.text import clean, fold, fold_with_offsets
from tests import hostile
from tests.campaigns import fuzz

pieces = st.lists(st.one_of(st.sampled_from(hostile.PIECES), st.text(max_size=4)), max_size=60)
texts = pieces.map("".join)

# What a child runs: one extreme text through everything an article goes through.
EXTREME = """
import resource, sys
resource.setrlimit(resource.RLIMIT_AS, (3 << 30, 3 << 30))
resource.setrlimit(resource.RLIMIT_CPU, (120, 120))
from datetime import datetime, timezone
from recommender import Article
from recommender.alignment import align
from recommender.boilerplate import find_boilerplate
from recommender.indexing import Recipe, clean_article, prepare
from recommender.terms import terms_of
from recommender.text import fold_many
from tests.hostile import EXTREMES
text = EXTREMES[sys.argv[1]]()
cleaned = clean_article(Article(id="a", title=text[:8_000], body=text))
(prepared,) = prepare([cleaned], Recipe(), datetime(2025, 8, 1, tzinfo=timezone.utc))
find_boilerplate([cleaned.text, cleaned.text[1:], cleaned.text[:-1]], min_count=2)
terms_of(*fold_many([cleaned.card.title, cleaned.text[:100_000]], spaced=True))
align(prepared.compared, prepared.compared[: len(prepared.compared) // 2] + "末")
print("done")
"""


@pytest.mark.slow
@pytest.mark.parametrize("name", list(hostile.EXTREMES))
def test_extreme_texts_take_bounded_time_and_memory(name: str) -> None:
    done = subprocess.run(
        [sys.executable, "-c", EXTREME, name],
        cwd=Path(__file__).parents[1],
        capture_output=True,
        text=True,
        timeout=240,
        check=False,
    )
    assert done.stdout == "done\n", f"exit code {done.returncode}: {done.stderr[-800:]}"


@pytest.mark.parametrize("seed", range(3))
def test_a_short_campaign(seed: int) -> None:
    campaign = fuzz.Campaign(seed, 40, 60.0)
    campaign.run()
    assert campaign.failures == []
    assert sum(campaign.passed.values()) == 40


@pytest.mark.slow
def test_a_longer_campaign() -> None:
    campaign = fuzz.Campaign(20, 600, 60.0)
    campaign.run()
    assert campaign.failures == []


def test_a_campaign_notices_what_must_not_happen(tmp_path: Path) -> None:
    with pytest.raises(fuzz.Failure, match="a formula"):
        fuzz.require(False, "a formula")
    with pytest.raises(fuzz.Failure, match="that runs"):
        fuzz.check_page("<p onclick='x()'>")
    with pytest.raises(fuzz.Failure, match="javascript"):
        fuzz.check_page("<a href=' JavaScript:x()'>x</a>")


@settings(deadline=None)
@given(texts)
def test_any_page_can_be_made_bare_and_cleaned(page: str) -> None:
    bare = bare_markup(Article(id="a", body=page).body)
    # Nothing is left that a parser could take time over: no tag has an attribute.
    assert not re.search(r"<[a-zA-Z][^\s/>]*\s[^>]*>", bare)
    clean(bare).encode()


@pytest.mark.parametrize(
    "page",
    [
        "<p class='a>b' title=\"</p>\">甲</p><!-- <p>注 --->乙<br/>丙",
        "<style>p{}</style><script>if (a<b) '</p>'</script><p>甲<script>x</p></script>乙</p>",
        "<p>甲<b>乙</b>丙 <a href=x>丁</a></p><svg/><p>戊",
        "<textarea><p>甲</textarea><p>乙<iframe><p>丙</iframe>",
        "<xmp>a < b &amp; c</xmp><p>1 < 2 &lt; 3 </ p>",
        "<p a=1 b = '2' c=\"3\" d>甲</p ><p/>乙<!DOCTYPE x><?php ?>",
        "<table><tr><td>甲<td>乙</table><select><option>丙</select>",
        "<head><title>题</title></head><body><p>文</body>",
        "<p>甲<!-->乙<!--->丙<!-- a --!>丁</p>",
    ],
)
def test_a_page_says_the_same_without_attributes_and_formatting(page: str) -> None:
    assert clean(bare_markup(page) + "<p>末") == clean(page + "<p>末")


def test_a_long_page_is_read_as_a_short_one() -> None:
    page = "<p class='a>b' title=\"x\">甲<b>乙</b><!-- 注 -->丙</p><script>'</p>'</script>"
    assert clean(page * 2_000) == "\n".join([clean(page)] * 2_000)


def test_formatting_that_is_never_closed_is_not_repeated() -> None:
    # 20 KB of it took 300 MB, and 100 KB more than most machines have.
    page = f"<div>{''.join(f'<b a={i}>' for i in range(400))}</div>{'<p>字</p>' * 2_000}"
    assert clean(page) == "\n".join("字" * 2_000)


@settings(deadline=None, suppress_health_check=[HealthCheck.too_slow])
@given(texts)
def test_both_ways_to_fold_are_one_on_hostile_text(text: str) -> None:
    text = Article(id="a", body=text).body
    assert fold_with_offsets(text).text == fold(text)


def test_a_flood_of_marks_folds_to_its_character() -> None:
    assert fold("e" + "\u0316\u0301" * 100_000) == fold("e" + "\u0316\u0301")


def test_a_label_of_a_million_marks_is_refused() -> None:
    with pytest.raises(LabelError, match="no label"):
        Label.of("a", "b", "\u0316\u0301" * 1_000_000)


@pytest.mark.parametrize(
    "text", ["x = " + "[" * 100_000, f"x = {'9' * 5_000}", "a." * 100_000, "# " * 600_000]
)
def test_settings_that_cannot_be_parsed(tmp_path: Path, text: str) -> None:
    (tmp_path / "s.toml").write_text(text)
    with pytest.raises(ConfigError, match=r"not valid TOML|too long"):
        read_settings(tmp_path / "s.toml")


def test_a_long_wrong_value_is_shown_short(tmp_path: Path) -> None:
    with pytest.raises(ArticleError) as caught:
        Article(id="a", body="", access="x" * 10_000)  # type: ignore[arg-type]
    assert len(str(caught.value)) < 200


def lines_of(*records: object) -> bytes:
    return b"".join(json.dumps(each).encode() + b"\n" for each in records)


LIMITS = Limits(body_length=20, extra_length=20, articles=3, decisions_length=50, labels_length=50)


@pytest.mark.parametrize(
    ("name", "data", "limit"),
    [
        ("a.jsonl", lines_of({"id": 1, "body": "x" * 21}), "body_length"),
        ("a.csv", b"id,body\n1," + b"x" * 21, "body_length"),
        ("a.jsonl", lines_of({"id": 1, "body": "", "note": "x" * 21}), "extra_length"),
        ("a.jsonl", lines_of(*({"id": n, "body": ""} for n in range(4))), "articles"),
        ("a.jsonl", b"x" * 300_000, "body_length"),
        ("a.csv", b"id,body\n1," + b"x" * 300_000, "body_length"),
        ("a.csv", b"x" * 300_000, "body_length"),
        # A row that never ends, in cells and lines that are short.
        ("a.csv", b'id,body\n1,"a\n' + b'b","c\n' * 100_000, "body_length"),
    ],
)
def test_what_goes_beyond_a_limit_names_it(
    tmp_path: Path, name: str, data: bytes, limit: str
) -> None:
    (tmp_path / name).write_bytes(data)
    with pytest.raises(ArticleError, match=rf"\[limits\] {limit}") as caught:
        list(read_articles(str(tmp_path / name), limits=LIMITS))
    assert str(tmp_path / name) in str(caught.value)


def test_what_reaches_a_limit_is_taken(tmp_path: Path) -> None:
    path = tmp_path / "a.jsonl"
    path.write_bytes(lines_of(*({"id": n, "body": "x" * 20, "k": "v"} for n in range(3))))
    assert len(list(read_articles(str(path), limits=LIMITS))) == 3


@pytest.mark.parametrize(
    ("name", "read", "limit"),
    [
        ("draft.html", lambda path: read_draft(path, limits=LIMITS), "body_length"),
        ("d.json", lambda path: read_decisions(path, limits=LIMITS), "decisions_length"),
        ("l.csv", lambda path: read_labels([path], limits=LIMITS), "labels_length"),
    ],
)
@pytest.mark.parametrize("size", [60, 400_000])
def test_other_files_name_their_limit_too(
    tmp_path: Path, name: str, read: Callable[[str], object], limit: str, size: int
) -> None:
    (tmp_path / name).write_bytes(b"x" * size)
    with pytest.raises((ArticleError, ConfigError, LabelError), match=rf"\[limits\] {limit}"):
        read(str(tmp_path / name))


@pytest.mark.parametrize("name", ["\ud800", "a\0b"])
def test_names_that_no_file_can_have(name: str) -> None:
    with pytest.raises(ConfigError, match="no file can have this name"):
        list(read_articles(f"{name}.jsonl"))
    for read in (read_draft, read_decisions, lambda path: read_labels([path])):
        with pytest.raises(ConfigError, match="no file can have this name"):
            read(name)


def test_a_file_that_unpacks_without_end(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(article_files, "_ALWAYS_UNPACKED", 1_000_000)
    path = tmp_path / "a.jsonl.gz"
    with gzip.open(path, "wb") as stream:
        for number in range(300):
            stream.write(lines_of({"id": number, "body": "x" * 20_000}))
    with pytest.raises(ArticleError, match=r"200 times its size; \[limits\] expansion"):
        list(read_articles(str(path)))
    assert len(list(read_articles(str(path), limits=Limits(expansion=5_000)))) == 300


@pytest.mark.parametrize("value", ["0", "true", "-1", "1.5", "99999999999999", '"x"'])
def test_limits_are_checked(tmp_path: Path, value: str) -> None:
    (tmp_path / "s.toml").write_text(f"[limits]\nbody_length = {value}\n")
    with pytest.raises(ConfigError, match="body_length must be a whole number from 1 to"):
        read_settings(tmp_path / "s.toml")


def test_limits_of_the_settings_reach_the_command_line(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.chdir(tmp_path)
    Path("recommender.toml").write_text(
        'index = "index"\n[options]\nembedder = "hashing"\n[limits]\nbody_length = 10\n'
    )
    Path("a.jsonl").write_bytes(lines_of({"id": "a", "body": "x" * 11}))
    refused = CliRunner().invoke(main, ["build", "a.jsonl"])
    assert refused.exit_code == 1
    assert "[limits] body_length in recommender.toml changes that" in refused.stderr
    Path("a.jsonl").write_bytes(lines_of({"id": "a", "body": "x" * 10}))
    assert CliRunner().invoke(main, ["build", "a.jsonl"]).exit_code == 0
    Path("draft.txt").write_text("x" * 11)
    assert "body_length" in CliRunner().invoke(main, ["check", "draft.txt"]).stderr


def test_inputs_depend_on_the_generator_alone() -> None:
    assert hostile.text(Random(5)) == hostile.text(Random(5))
    assert hostile.article_file(Random(5)) == hostile.article_file(Random(5))
