"""The lexical way: pairs against brute force, order, processes, hostile and interrupted runs."""

from __future__ import annotations

import csv
import gzip
import json
import subprocess
import sys
from collections.abc import Iterable, Mapping
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from recommender.config import IndexOptions
from recommender.errors import ArticleError, ConfigError
from recommender.lexical import LexicalResult, find_lexical_pairs, write_pairs
from recommender.lexical.joining import CENTRES, contained_texts, near_texts
from recommender.lexical.sketching import sketch_many
from recommender.records import Relation, Verdict
from recommender.shingles import shingle_hashes, shingle_sets
from recommender.text import fold
from tests.helpers import NOW

Record = Mapping[str, Any]
SYLLABLES = "港口货轮靠泊装卸集装箱码头工人夜班吊机海关查验报关出口订单航线运价仓库堆场引航拖轮"


def words(generator: np.random.Generator, count: int) -> str:
    """A text of characters drawn by chance: two such texts share next to no 5-gram."""
    return "".join(generator.choice(list(SYLLABLES), count))


def edited(text: str, generator: np.random.Generator, places: int) -> str:
    """The text with some places overwritten."""
    pieces = list(text)
    for place in generator.choice(len(pieces) - 3, places, replace=False):
        pieces[place : place + 3] = list(words(generator, 3))
    return "".join(pieces)


def record(article_id: str, body: str, **fields: Any) -> Record:
    return {"id": article_id, "title": f"标题{article_id}", "body": body, **fields}


def write(path: Path, records: Iterable[Record]) -> str:
    lines = (json.dumps(each, ensure_ascii=False) for each in records)
    path.write_text("".join(f"{line}\n" for line in lines), encoding="utf-8")
    return str(path)


def find(path: str, **options: Any) -> LexicalResult:
    return find_lexical_pairs(path, **{"now": NOW, "workers": 1, **options})


def ids(result: LexicalResult) -> set[tuple[str, str]]:
    return {(each.first.id, each.second.id) for each in result.pairs}


def corpus(seed: int, families: int = 12) -> list[Record]:
    """Families of texts that resemble each other more or less, and texts that stand alone."""
    generator = np.random.default_rng(seed)
    records = []
    for family in range(families):
        text = words(generator, int(generator.integers(80, 500)))
        records.append(record(f"f{family:02d}-0", text))
        for number in range(1, 4):
            copy = edited(text, generator, int(generator.integers(1, len(text) // 12)))
            records.append(record(f"f{family:02d}-{number}", copy))
        records.append(record(f"z{family:02d}", words(generator, 300)))
    return records


def exact(one: str, other: str, length: int) -> tuple[float, float]:
    """Resemblance and containment by Python's own sets."""
    first, second = (
        {text[start : start + length] for start in range(len(text) - length + 1)}
        for text in (fold(one), fold(other))
    )
    both = len(first & second)
    return both / len(first | second), both / min(len(first), len(second))


@pytest.mark.parametrize("seed", [1, 2, 3])
def test_finds_what_brute_force_finds_with_the_exact_values(tmp_path: Path, seed: int) -> None:
    records = corpus(seed)
    result = find(write(tmp_path / "a.jsonl", records))
    bodies = {each["id"]: each["body"] for each in records}
    wanted = {
        (one, other)
        for one in bodies
        for other in bodies
        if one < other and exact(bodies[one], bodies[other], 5)[0] >= 0.3
    }
    assert len(wanted) > 30
    assert wanted <= ids(result)
    for pair in result.pairs:
        one, other = bodies[pair.first.id], bodies[pair.second.id]
        assert pair.first.id < pair.second.id
        assert pair.evidence.resemblance == round(exact(one, other, 5)[0], 4)
        assert pair.evidence.containment == round(exact(one, other, 8)[1], 4)
        assert pair.evidence.cosine is None


@settings(
    max_examples=8, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture]
)
@given(st.randoms(use_true_random=False), st.integers(0, 50))
def test_the_order_of_the_lines_never_shows(tmp_path: Path, chance: Any, seed: int) -> None:
    records = corpus(seed, 4)
    records += [record(f"e{number}", records[0]["body"]) for number in range(20)]
    before = find(write(tmp_path / "a.jsonl", records))
    chance.shuffle(records)
    assert find(write(tmp_path / "b.jsonl", records)) == before


def test_the_number_of_processes_never_shows(tmp_path: Path) -> None:
    path = write(tmp_path / "a.jsonl", corpus(5, 30))
    alone = find(path)
    assert len(alone.pairs) > 50
    assert find(path, workers=3) == alone


def test_ranges_of_any_size_read_every_line_once(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    path = write(tmp_path / "a.jsonl", corpus(6))
    before = find(path)
    for size in (500, 4_096):
        monkeypatch.setattr("recommender.lexical.finding._MOST_RANGE", size)
        monkeypatch.setattr("recommender.lexical.finding._LEAST_RANGE", size)
        assert find(path) == before


def test_csv_gzip_and_other_names_of_fields_give_the_same(tmp_path: Path) -> None:
    records = corpus(7, 5)
    before = find(write(tmp_path / "a.jsonl", records))
    packed = tmp_path / "a.jsonl.gz"
    packed.write_bytes(gzip.compress((tmp_path / "a.jsonl").read_bytes()))
    table = tmp_path / "a.csv"
    with table.open("w", encoding="utf-8", newline="") as stream:
        writer = csv.DictWriter(stream, ["id", "title", "body"])
        writer.writeheader()
        writer.writerows(records)
    named = [{"key": each["id"], "title": each["title"], "main": each["body"]} for each in records]
    assert find(str(packed)).pairs == before.pairs
    assert find(str(table)).pairs == before.pairs
    fields = {"id": "key", "body": "main"}
    assert find(write(tmp_path / "b.jsonl", named), fields=fields).pairs == before.pairs


def test_a_thousand_articles_that_share_only_boilerplate_make_no_pair(tmp_path: Path) -> None:
    generator = np.random.default_rng(8)
    notice = "版权声明：本站所有稿件未经书面授权不得转载，违者将依法追究责任。"
    records = [
        record(f"b{number:04d}", f"{words(generator, 110)}\n{notice}编辑部联系邮箱见首页底部。")
        for number in range(1_000)
    ]
    path = write(tmp_path / "a.jsonl", records)
    assert find(path, min_resemblance=0.2).pairs == ()
    few = write(tmp_path / "b.jsonl", records[:30])
    kept = find(few, min_resemblance=0.1, options=IndexOptions(strip_boilerplate=False))
    assert len(kept.pairs) > 200


def test_near_copies_that_differ_in_their_notices_are_equal(tmp_path: Path) -> None:
    generator = np.random.default_rng(9)
    text = words(generator, 200)
    records = [
        record(f"n{number:03d}", f"{words(generator, 120)}\n责任编辑：王{SYLLABLES[number % 30]}")
        for number in range(60)
    ]
    records += [record("x1", f"{text}\n责任编辑：王港"), record("x2", f"{text}\n责任编辑：王轮")]
    (pair,) = find(write(tmp_path / "a.jsonl", records)).pairs
    assert (pair.first.id, pair.second.id) == ("x1", "x2")
    assert pair.evidence.resemblance == 1.0


def test_a_brief_inside_a_round_up_is_a_pair_but_not_the_same_text(tmp_path: Path) -> None:
    generator = np.random.default_rng(10)
    brief = words(generator, 120)
    long = "\n".join([words(generator, 500), brief, words(generator, 600)])
    (pair,) = find(
        write(tmp_path / "a.jsonl", [record("brief", brief), record("round-up", long)])
    ).pairs
    assert pair.evidence.containment == 1.0
    assert pair.relation is Relation.CONTAINED_IN
    assert pair.verdict is not Verdict.SAME_TEXT


def test_a_form_filled_in_twice_is_not_the_same_text(tmp_path: Path) -> None:
    form = (
        "央行公告称，为维护银行体系流动性合理充裕，{day}以利率招标方式开展了{amount}亿元逆回购操作，期限为7天，"
        "中标利率为{rate}%。数据显示，当日有{due}亿元逆回购到期，因此单日净投放{net}亿元。"
    )
    values = (
        {"day": "11月7日", "amount": 3530, "rate": "1.80", "due": 6130, "net": 2600},
        {"day": "12月19日", "amount": 1190, "rate": "1.75", "due": 4140, "net": 2950},
    )
    records = [
        {
            "id": f"r{number}",
            "title": f"央行开展{each['amount']}亿元逆回购操作",
            "body": form.format(**each),
            "date": f"2023-{11 + number}-{7 + 12 * number:02d}",
        }
        for number, each in enumerate(values)
    ]
    records.append({**records[0], "id": "copy"})
    found = {
        (each.first.id, each.second.id): each
        for each in find(write(tmp_path / "a.jsonl", records)).pairs
    }
    assert found["copy", "r0"].verdict is Verdict.SAME_TEXT
    assert found["copy", "r0"].relation is Relation.COPY
    assert not found["r0", "r1"].verdict.is_near_duplicate


def test_very_many_equal_articles_are_a_star(tmp_path: Path) -> None:
    generator = np.random.default_rng(11)
    text = words(generator, 150)
    records = [record(f"e{number:04d}", text) for number in range(2_000)]
    records.append(record("near", edited(text, generator, 4)))
    result = find(write(tmp_path / "a.jsonl", records))
    assert len(result.pairs) == 2_000
    assert {each.first.id for each in result.pairs} == {"e0000"}


def test_a_few_equal_articles_are_all_pairs_also_with_what_is_near(tmp_path: Path) -> None:
    generator = np.random.default_rng(12)
    text = words(generator, 150)
    records = [record(f"e{number}", text) for number in range(4)]
    records.append(record("near", edited(text, generator, 4)))
    assert len(find(write(tmp_path / "a.jsonl", records)).pairs) == 10


@pytest.mark.slow
def test_twenty_thousand_equal_and_five_thousand_near_equal_stay_linear(tmp_path: Path) -> None:
    generator = np.random.default_rng(13)
    text, other = words(generator, 200), words(generator, 200)
    records = [record(f"e{number:05d}", text) for number in range(20_000)]
    records += [record(f"n{number:05d}", edited(other, generator, 2)) for number in range(5_000)]
    result = find(write(tmp_path / "a.jsonl", records))
    equal = [each for each in result.pairs if each.first.id.startswith("e")]
    near = [each for each in result.pairs if each.first.id.startswith("n")]
    assert len(equal) == 19_999
    assert {each.second.id for each in near} | {each.first.id for each in near} == {
        f"n{number:05d}" for number in range(5_000)
    }
    assert len(near) <= 5_000 * 2 * CENTRES


def test_a_chain_gives_pairs_of_neighbours_only(tmp_path: Path) -> None:
    generator = np.random.default_rng(14)
    text = words(generator, 4_000)
    records = [
        record(f"c{number:04d}", text[number * 20 : number * 20 + 200]) for number in range(180)
    ]
    found = ids(find(write(tmp_path / "a.jsonl", records), min_resemblance=0.75))
    assert found == {(f"c{number:04d}", f"c{number + 1:04d}") for number in range(179)}


def test_texts_without_text_make_no_pair(tmp_path: Path) -> None:
    records = [
        record(f"x{number}", ("", "<p></p>", "完", "短讯")[number % 4]) for number in range(40)
    ]
    assert find(write(tmp_path / "a.jsonl", records)).pairs == ()
    assert find(write(tmp_path / "b.jsonl", [])).articles == 0


def test_bad_lines_are_refused_or_skipped_with_their_places(tmp_path: Path) -> None:
    path = tmp_path / "a.jsonl"
    good = corpus(15, 2)
    lines = [json.dumps(each, ensure_ascii=False).encode() for each in good]
    lines[3:3] = [
        b'{"id": "twice", "id": "twice", "body": "x"}',
        b"",
        b"not json",
        b'{"id": "no-body"}',
        b'{"id": 7, "body": ["x"]}',
        b'\xff\xfe{"id"',
        b'{"id": "nan", "body": "x", "extra": {"a": NaN}}',
        b'{"id": " space", "body": "x"}',
    ]
    path.write_bytes(b"\n".join(lines))
    refused: list[int] = []
    with pytest.raises(ArticleError, match="7 lines cannot be used") as caught:
        find(str(path), on_refused=lambda problem: refused.append(problem.line))
    assert refused == [4, 6, 7, 8, 9, 10, 11]
    assert caught.value.line == 4
    result = find(str(path), skip_invalid=True)
    assert [each.line for each in result.problems] == refused
    assert result.articles == len(good)
    assert result.pairs == find(write(tmp_path / "b.jsonl", good)).pairs


def test_an_id_that_comes_twice_is_an_error_with_both_places(tmp_path: Path) -> None:
    records = [*corpus(16, 2), record("f00-0", "另一篇")]
    path = write(tmp_path / "a.jsonl", records)
    with pytest.raises(ArticleError, match=r"a\.jsonl:11: .*comes twice, first in .*a\.jsonl:1;"):
        find(path)
    assert (
        find(path, on_duplicate="first").pairs
        == find(write(tmp_path / "b.jsonl", records[:-1])).pairs
    )
    assert (
        find(path, on_duplicate="last").pairs
        == find(write(tmp_path / "c.jsonl", records[1:])).pairs
    )


def test_dates_that_cannot_be_read_are_reported(tmp_path: Path) -> None:
    records = [record("a", "正文", date="gestern"), record("b", "正文", date="2024-05-01")]
    (lost,) = find(write(tmp_path / "a.jsonl", records)).lost_dates
    assert (lost.line, lost.reason) == (1, "'gestern'")


class Stopped(Exception):
    pass


def stopping(stage: str, at: int) -> Any:
    calls = 0

    def progress(name: str, done: int, total: int) -> None:
        nonlocal calls
        calls += name == stage
        if calls == at:
            raise Stopped

    return progress


@pytest.mark.parametrize("stage", ["reading", "joining", "comparing"])
def test_an_interrupted_run_goes_on_where_it_was(tmp_path: Path, stage: str) -> None:
    path, work = write(tmp_path / "a.jsonl", corpus(17)), tmp_path / "work"
    with pytest.raises(Stopped):
        find(path, work=work, progress=stopping(stage, 1))
    done = {each.name: each.stat().st_mtime_ns for each in work.iterdir()}
    assert len(done) >= 2
    seen: list[str] = []

    def look(name: str, finished: int, total: int) -> None:
        seen.extend(
            each.name for each in work.iterdir() if done.get(each.name) == each.stat().st_mtime_ns
        )

    assert find(path, work=work, progress=look) == find(path)
    assert set(seen) == set(done)
    assert not work.exists()


def test_a_work_folder_of_another_file_is_begun_anew(tmp_path: Path) -> None:
    path, work = write(tmp_path / "a.jsonl", corpus(18, 3)), tmp_path / "work"
    with pytest.raises(Stopped):
        find(path, work=work, progress=stopping("reading", 1))
    other = write(tmp_path / "b.jsonl", corpus(19, 3))
    assert find(other, work=work) == find(other)
    with pytest.raises(Stopped):
        find(path, work=work, progress=stopping("reading", 1))
    assert find(path, work=work, min_resemblance=0.5) == find(path, min_resemblance=0.5)
    assert not work.exists()
    (tmp_path / "mine").mkdir()
    (tmp_path / "mine" / "letter.txt").write_text("x")
    with pytest.raises(ConfigError, match="name another one"):
        find(path, work=tmp_path / "mine")
    assert (tmp_path / "mine" / "letter.txt").exists()


@pytest.mark.parametrize(
    "options",
    [{"min_resemblance": 0.0}, {"min_containment": 2.0}, {"workers": 0}, {"on_duplicate": "x"}],
)
def test_settings_out_of_range_are_refused(tmp_path: Path, options: dict[str, Any]) -> None:
    with pytest.raises(ConfigError):
        find(write(tmp_path / "a.jsonl", []), **options)


def test_a_missing_file_is_one_clear_error(tmp_path: Path) -> None:
    with pytest.raises(ConfigError, match="cannot read"):
        find(str(tmp_path / "none.jsonl"))


def test_no_model_library_is_loaded(tmp_path: Path) -> None:
    path = write(tmp_path / "a.jsonl", corpus(20, 3))
    code = (
        "import sys\n"
        "from datetime import datetime, timezone\n"
        "from recommender.lexical import find_lexical_pairs\n"
        "now = datetime(2025, 8, 1, tzinfo=timezone.utc)\n"
        "found = find_lexical_pairs(sys.argv[1], now=now, workers=1)\n"
        "assert found.pairs\n"
        "print([m for m in ('torch', 'faiss', 'sentence_transformers', 'transformers')"
        " if m in sys.modules])\n"
    )
    done = subprocess.run(
        [sys.executable, "-c", code, path], capture_output=True, text=True, check=True
    )
    assert done.stdout.strip() == "[]"


def test_the_pairs_file_holds_plain_values(tmp_path: Path) -> None:
    result = find(write(tmp_path / "a.jsonl", corpus(21, 3)))
    write_pairs(tmp_path / "pairs.jsonl", result.pairs)
    lines = (tmp_path / "pairs.jsonl").read_text(encoding="utf-8").splitlines()
    assert len(lines) == len(result.pairs)
    first = json.loads(lines[0])
    assert first["first"] == result.pairs[0].first.id
    assert first["resemblance"] == result.pairs[0].evidence.resemblance


@given(st.lists(st.text(max_size=40), max_size=6), st.integers(1, 9))
def test_sets_of_shingles_made_together_are_those_made_alone(texts: list[str], size: int) -> None:
    together = shingle_sets([fold(each) for each in texts], size)
    for text, found in zip(texts, together, strict=True):
        alone = shingle_hashes(fold(text), size)
        assert np.array_equal(found, np.unique(alone >> np.uint64(16)))


def test_sketches_do_not_depend_on_their_neighbours() -> None:
    generator = np.random.default_rng(22)
    texts = [words(generator, count) for count in (12, 0, 300, 40, 9, 2_000)]
    together = sketch_many(texts)
    for place, text in enumerate(texts):
        alone = sketch_many([text])
        assert np.array_equal(alone.minima[0], together.minima[place])
        assert alone.sample_counts[0] == together.sample_counts[place]
    assert together.lengths.tolist() == [12, 0, 300, 40, 0, 2_000]


def test_the_banding_keeps_what_it_promises() -> None:
    """At the wanted resemblance next to all pairs are candidates, and strangers are not."""
    generator = np.random.default_rng(23)
    texts = []
    for _ in range(400):
        # Two runs of m characters with a common run of c: resemblance c / (2 m - c).
        common, own = words(generator, 240), [words(generator, 260) for _ in range(2)]
        texts += [common + own[0], common + own[1]]
    found = np.unique(
        np.concatenate(list(near_texts(sketch_many(texts).minima, min_resemblance=0.3)))
    )
    first, second = found >> np.uint64(32), found & np.uint64(0xFFFFFFFF)
    planted = (first % np.uint64(2) == 0) & (second == first + np.uint64(1))
    assert planted.sum() >= 396
    assert (~planted).sum() <= 5


def test_contained_texts_are_found_among_formulas() -> None:
    generator = np.random.default_rng(24)
    formula = words(generator, 300)
    briefs = [words(generator, 100) for _ in range(50)]
    texts = briefs + [words(generator, 400) + each + formula for each in briefs]
    sketches = sketch_many(texts)
    counts = sketches.sample_counts.astype(np.int64)
    keys = contained_texts(sketches.samples, counts, sketches.lengths, min_length=60)
    found = {(int(key >> np.uint64(32)), int(key & np.uint64(0xFFFFFFFF))) for key in keys}
    assert found == {(number, number + 50) for number in range(50)}
